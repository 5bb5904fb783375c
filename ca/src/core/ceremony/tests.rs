use super::plan::{Plan, Step};
use super::request::{self, Request};
use super::*;
use pki_config::Instant;

const PLAN: &str = r#"
format = "yinxin ceremony plan 1"
title = "Root of 2026"
place = "Room 3"
persons = ["Li Ming", "Wang Fang"]

[[step]]
do = "root"
issuer = "root-2026"
algorithm = "sm2"
subject = "CN=Example Root 2026,O=Example,C=CN"
url = "http://pki.example.cn"
days = 7300

[[step]]
do = "revoke"
issuer = "sm2-issuing"
reason = "superseded"

[[step]]
do = "crl"
issuer = "root-2026"
days = 180
"#;

#[test]
fn a_plan_says_what_it_does_in_words() {
    let plan = Plan::read(PLAN).unwrap();
    let words = plan.words();
    assert_eq!(words.len(), 3);
    assert!(words[0].starts_with("Make root root-2026: a new sm2 key"), "{}", words[0]);
    assert!(words[1].starts_with("REVOKE issuer sm2-issuing for good (superseded)"), "{}", words[1]);
    assert_eq!(words[2], "Sign the revocation list of root-2026, good for 180 days.");
    assert_eq!(plan.digest, engine::sm3::hash(PLAN.as_bytes()));
}

#[test]
fn a_plan_with_anything_unknown_or_impossible_is_refused() {
    let changes = [
        ("plan 1", "plan 2"),
        ("days = 180", "days = 367"),
        ("days = 7300", "days = 0"),
        ("reason = \"superseded\"", "reason = \"certificateHold\""),
        ("reason = \"superseded\"", "reason = \"superseded\"\nserial = \"01\""),
        ("do = \"crl\"", "do = \"erase\""),
        ("place = \"Room 3\"", "pace = \"Room 3\""),
        ("issuer = \"root-2026\"\nalgorithm", "issuer = \"../root\"\nalgorithm"),
        ("algorithm = \"sm2\"", "algorithm = \"sm4\""),
        ("url = \"http://pki.example.cn\"", "url = \"ldap://pki.example.cn\""),
        ("title = \"Root of 2026\"", "title = \"\""),
        ("title = \"Root of 2026\"", "title = \"a\\u001b[2Jb\""),
    ];
    for (from, to) in changes {
        assert!(PLAN.contains(from), "{from}");
        assert!(Plan::read(&PLAN.replace(from, to)).is_err(), "{to}");
    }
    assert!(Plan::read("").is_err());
    assert!(Plan::read(&format!("{PLAN}#{}", "x".repeat(plan::LONGEST_PLAN))).is_err());
    let many = format!("{PLAN}{}", "[[step]]\ndo = \"crl\"\nissuer = \"a\"\n".repeat(18));
    assert!(Plan::read(&many).is_err());
}

#[test]
fn a_code_is_typed_as_people_type() {
    let digest = engine::sm3::hash(b"abc");
    // GB/T 32905 annex A: SM3("abc") = 66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 …
    assert_eq!(code(&digest), "66c7 f0f4 62ee edd9 d1f2 d46b dc10 e4e2");
    assert!(is_code("66C7-f0f462eeedd9 d1f2 d46bdc10 e4e2\n", &digest));
    assert!(!is_code("66c7 f0f4 62ee edd9 d1f2 d46b dc10 e4e3", &digest));
    assert!(!is_code("66c7 f0f4 62ee edd9", &digest));
    assert!(!is_code("", &digest));
}

#[test]
fn a_file_changed_on_its_way_is_refused_and_line_ends_do_not_matter() {
    let at: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let (text, digest) = request::write("abc", at, &[7; 32], &[]).unwrap();
    let read = Request::read(&text).unwrap();
    assert_eq!((read.digest, read.plan, read.made), (digest, [7; 32], at));
    assert_eq!(Request::read(&text.replace('\n', "\r\n")).unwrap().digest, digest);
    let changed = Request::read(&text.replace("abc", "abd")).unwrap_err();
    assert!(changed.0.contains("changed on its way"), "{changed}");
    for wrong in ["", "sm3", "sm3 = \"00\"\n", text.trim_start_matches("sm3")] {
        assert!(Request::read(wrong).is_err());
    }
    // Cut short, at every place.
    for end in 0..text.len() {
        assert!(Request::read(&text[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_request_fits_its_own_plan_alone() {
    let at: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let plan = Plan::read(PLAN).unwrap();
    let of = |plan: &[u8; 32]| Request::read(&request::write("abc", at, plan, &[]).unwrap().0).unwrap();
    assert_eq!(of(&plan.digest).fits(&plan), Ok(()));
    assert!(of(&[0; 32]).fits(&plan).unwrap_err().0.contains("another plan"));
    assert!(!plan.steps.iter().any(|step| matches!(step, Step::Certify { .. })));
}

#[test]
fn a_cross_certificate_needs_proof_that_the_other_has_the_key() {
    for wrong in ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "x"] {
        assert!(plan::other(wrong).is_err(), "{wrong}");
    }
}
