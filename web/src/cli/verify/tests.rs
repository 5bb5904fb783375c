use super::*;
use crate::cli::args::{Cli, Command};
use crate::cli::test_pki::{EC_EMPTY_CRL, EC_ISSUING, EC_LEAF, EC_REVOKED_CRL, EC_ROOT, SM2_LEAF};
use clap::Parser;

/// A folder as `issue` writes it, and the root beside it.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let house = Self(dir);
        house.put("cert.pem", EC_LEAF.as_bytes());
        house.put("chain.pem", EC_ISSUING.as_bytes());
        house.put("root.pem", EC_ROOT.as_bytes());
        house
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    /// `verify` with these words, `@` standing for the folder; as of 2027 unless it says when.
    fn answer(&self, line: &str) -> Result<Answer, Failure> {
        let place = self.0.path().to_str().unwrap();
        let line = line.replace('@', place);
        let at = if line.contains("--at") { "" } else { "--at 2027-06-01T00:00:00Z" };
        let root = if line.contains("--root") { String::new() } else { format!("--root {place}/root.pem") };
        let line = format!("yinxin --data {place}/data verify {line} {at} {root}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Some(Command::Verify(args)) = cli.command else { panic!("not verify") };
        check(&cli.global, &args)
    }

    fn steps(&self, line: &str) -> Vec<(&'static str, Outcome)> {
        let answer = self.answer(line).unwrap();
        answer.items.iter().flat_map(|item| &item.checks).map(|step| (step.check, step.result)).collect()
    }
}

#[test]
fn a_certificate_with_its_chain_beside_it_is_good_and_what_was_not_checked_is_told() {
    let house = House::new();
    let steps = house.steps("@/cert.pem");
    let expected = [
        ("chain", Outcome::Pass),
        ("validity", Outcome::Pass),
        ("revocation", Outcome::NotChecked),
        ("receipt", Outcome::NotChecked),
    ];
    assert_eq!(steps, expected);
    assert!(house.answer("@/cert.pem").unwrap().good);
    assert_eq!(house.steps("@"), expected, "the folder itself is named");
}

#[test]
fn a_certificate_without_its_chain_is_not_good() {
    let house = House::new();
    house.put("lonely.pem", EC_LEAF.as_bytes());
    std::fs::remove_file(house.0.path().join("chain.pem")).unwrap();
    assert_eq!(house.steps("@/lonely.pem")[0], ("chain", Outcome::Fail));
    house.put("between.pem", EC_ISSUING.as_bytes());
    assert_eq!(house.steps("@/lonely.pem --chain @/between.pem")[0], ("chain", Outcome::Pass));
}

#[test]
fn a_certificate_under_a_root_that_is_not_believed_is_not_good() {
    let house = House::new();
    house.put("other.pem", SM2_LEAF.as_bytes());
    assert_eq!(house.steps("@/cert.pem --root @/other.pem")[0], ("chain", Outcome::Fail));
}

#[test]
fn without_any_root_nothing_can_be_checked() {
    let house = House::new();
    house.put("none.pem", b"");
    assert!(house.answer("@/cert.pem --root @/none.pem").is_err());
}

#[test]
fn a_revoked_certificate_is_not_good_and_a_listed_absence_is() {
    let house = House::new();
    house.put("empty.crl", EC_EMPTY_CRL);
    house.put("revoked.pem", EC_REVOKED_CRL.as_bytes());
    assert_eq!(house.steps("@/cert.pem --crl @/empty.crl")[2], ("revocation", Outcome::Pass));
    assert_eq!(house.steps("@/cert.pem --crl @/revoked.pem")[2], ("revocation", Outcome::Fail));
    // As of a moment before the revocation it was good.
    let before = house.steps("@/cert.pem --crl @/revoked.pem --at 2025-12-31T00:00:00Z");
    assert!(before[2].1 == Outcome::Fail, "the CRL is from the future then, and was given: {before:?}");
}

#[test]
fn a_crl_among_the_files_is_checked_itself_and_used_for_the_certificates() {
    let house = House::new();
    house.put("revoked.pem", EC_REVOKED_CRL.as_bytes());
    let steps = house.steps("@/cert.pem @/revoked.pem --chain @/chain.pem");
    assert_eq!(steps[2], ("revocation", Outcome::Fail));
    assert_eq!(steps[4..], [("signature", Outcome::Pass), ("current", Outcome::Pass)]);
}

#[test]
fn a_crl_with_a_flipped_bit_is_not_good_and_decides_nothing() {
    let house = House::new();
    let mut crl = EC_EMPTY_CRL.to_vec();
    *crl.last_mut().unwrap() ^= 1;
    house.put("bad.crl", &crl);
    assert_eq!(house.steps("@/bad.crl --chain @/chain.pem")[0], ("signature", Outcome::Fail));
    // Given by the caller, a list that is of no use is a fault: silence would look like "not revoked".
    assert_eq!(house.steps("@/cert.pem --crl @/bad.crl")[2], ("revocation", Outcome::Fail));
    // Found in the data directory, it is passed over and told.
    std::fs::create_dir_all(house.0.path().join("data/crl")).unwrap();
    house.put("data/crl/ec-issuing.crl", &crl);
    assert_eq!(house.steps("@/cert.pem")[2], ("revocation", Outcome::NotChecked));
    house.put("data/crl/ec-issuing.crl", EC_EMPTY_CRL);
    assert_eq!(house.steps("@/cert.pem")[2], ("revocation", Outcome::Pass));
}

#[test]
fn an_expired_certificate_is_not_good() {
    let house = House::new();
    let steps = house.steps("@/cert.pem --at 2199-01-01T00:00:00Z");
    assert_eq!(steps[0], ("chain", Outcome::Pass), "who signed it is another question");
    assert_eq!(steps[1], ("validity", Outcome::Fail));
}

#[test]
fn a_receipt_that_proves_nothing_makes_its_certificate_not_good() {
    let house = House::new();
    let receipt =
        r#"{"version":1,"entry":"MAA=","seq":0,"path":[],"checkpoint":"MAA=","log_certificate":"","log_chain":""}"#;
    house.put("receipt.json", receipt.as_bytes());
    assert_eq!(house.steps("@/cert.pem")[3], ("receipt", Outcome::Fail));
    // Beside a file of another name it may belong to another certificate.
    house.put("copy.pem", EC_LEAF.as_bytes());
    assert_eq!(house.steps("@/copy.pem")[3], ("receipt", Outcome::NotChecked));
}

#[test]
fn a_file_of_another_kind_cannot_be_checked() {
    let house = House::new();
    house.put("letter.txt", b"Dear Sir");
    house.put("empty", b"");
    house.put("key.pem", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    for name in ["letter.txt", "empty", "key.pem", "missing"] {
        assert!(matches!(house.answer(&format!("@/{name}")), Err(Failure::Here(_))), "{name}");
    }
}

#[test]
fn a_damaged_certificate_is_not_good() {
    let house = House::new();
    house.put("cert.pem", EC_LEAF.replacen("MII", "AAA", 1).as_bytes());
    assert_eq!(house.steps("@/cert.pem"), [("form", Outcome::Fail)]);
}

const ANSWERED: &[u8] = include_bytes!("../test_pki/ocsp/leaf.pem");
const GONE: &[u8] = include_bytes!("../test_pki/ocsp/gone.pem");
const ANSWERING: &[u8] = include_bytes!("../test_pki/ocsp/issuer.pem");

/// As the house, with a certificate whose issuer answers OCSP (see `test_pki/ocsp/README.md`).
fn answering() -> House {
    let house = House::new();
    house.put("leaf.pem", ANSWERED);
    house.put("gone.pem", GONE);
    house.put("issuer.pem", ANSWERING);
    house.put("responder.pem", include_bytes!("../test_pki/ocsp/responder.pem"));
    house.put("good.ocsp", include_bytes!("../test_pki/ocsp/good.ocsp"));
    house.put("by-issuer.ocsp", include_bytes!("../test_pki/ocsp/by-issuer.ocsp"));
    house.put("by-stranger.ocsp", include_bytes!("../test_pki/ocsp/by-stranger.ocsp"));
    house.put("revoked.ocsp", include_bytes!("../test_pki/ocsp/revoked.ocsp"));
    house.put("unknown.ocsp", include_bytes!("../test_pki/ocsp/unknown.ocsp"));
    std::fs::remove_file(house.0.path().join("chain.pem")).unwrap();
    house
}

#[test]
fn an_ocsp_answer_decides_whether_a_certificate_is_revoked() {
    let house = answering();
    for (leaf, answer, expected) in [
        ("leaf.pem", "good.ocsp", Outcome::Pass),
        ("leaf.pem", "by-issuer.ocsp", Outcome::Pass),
        ("leaf.pem", "by-stranger.ocsp", Outcome::Fail),
        ("gone.pem", "revoked.ocsp", Outcome::Fail),
        // Of another certificate: as if there were none.
        ("leaf.pem", "revoked.ocsp", Outcome::NotChecked),
        ("responder.pem", "unknown.ocsp", Outcome::Fail),
    ] {
        let steps = house.steps(&format!("@/{leaf} --ocsp @/{answer} --root @/issuer.pem"));
        assert_eq!(steps[2], ("revocation", expected), "{leaf} by {answer}");
    }
}

#[test]
fn an_answer_is_found_by_its_content_in_any_order_and_checked_itself() {
    let house = answering();
    for line in ["@/good.ocsp @/leaf.pem", "@/leaf.pem @/good.ocsp"] {
        let answer = house.answer(&format!("{line} --root @/issuer.pem")).unwrap();
        assert!(answer.good, "{answer:?}");
        let certificate = answer.items.iter().find(|item| item.kind == "certificate").unwrap();
        assert_eq!((certificate.checks[2].check, certificate.checks[2].result), ("revocation", Outcome::Pass));
        assert!(certificate.checks[2].detail.starts_with("good by the OCSP answer of "), "{certificate:?}");
        let own = answer.items.iter().find(|item| item.kind == "ocsp").unwrap();
        assert_eq!((own.checks[0].check, own.checks[0].result), ("answer", Outcome::Pass));
    }
    let forged = house.answer("@/leaf.pem @/by-stranger.ocsp --root @/issuer.pem").unwrap();
    assert!(forged.items.iter().all(|item| !item.good), "{forged:?}");
}

#[test]
fn an_answer_without_its_certificate_is_neither_good_nor_bad() {
    let house = answering();
    let answer = house.answer("@/good.ocsp --root @/issuer.pem").unwrap();
    assert!(!answer.good && answer.items[0].undecided, "{answer:?}");
}

#[test]
fn certificates_of_several_files_lead_to_each_other() {
    let house = House::new();
    house.put("lonely.pem", EC_LEAF.as_bytes());
    house.put("between.pem", EC_ISSUING.as_bytes());
    std::fs::remove_file(house.0.path().join("chain.pem")).unwrap();
    assert_eq!(house.steps("@/lonely.pem")[0], ("chain", Outcome::Fail));
    let answer = house.answer("@/lonely.pem @/between.pem").unwrap();
    assert!(answer.good, "{answer:?}");
}

#[test]
fn what_strict_readers_refuse_is_read_and_told() {
    let house = House::new();
    let der = crate::cli::pem::certificates(EC_LEAF.as_bytes()).unwrap().remove(0);
    // The outer length in three octets where two are enough.
    assert_eq!(der[..2], [0x30, 0x82]);
    let long = [&[0x30, 0x83, 0], &der[2..]].concat();
    house.put("long.cer", &long);
    let steps = house.steps("@/long.cer");
    assert_eq!(steps[0], ("chain", Outcome::Pass));
    assert_eq!(steps[3], ("form", Outcome::Warning));
    assert!(house.answer("@/long.cer").unwrap().good, "the signature is over what was signed");
    // The same with another signed octet.
    let mut changed = long;
    let last = changed.len() - 100;
    changed[last] ^= 1;
    house.put("changed.cer", &changed);
    assert!(!house.answer("@/changed.cer").is_ok_and(|answer| answer.good));
}

#[test]
fn a_policy_that_is_demanded_must_be_valid_along_the_path() {
    let house = House::new();
    assert_eq!(house.steps("@/cert.pem --cert-policy 1.2.3.4")[0], ("chain", Outcome::Fail));
    assert!(matches!(house.answer("@/cert.pem --cert-policy x"), Err(Failure::Usage(_))));
    // One with organisation validation and 1.2.3.8, its own root.
    house.put("all.pem", include_bytes!("../../show/tests/all.pem"));
    let all = "@/all.pem --root @/all.pem --at 2027-06-01T00:00:00Z";
    assert_eq!(house.steps(all)[0], ("chain", Outcome::Pass));
}

#[test]
fn a_file_that_is_nothing_known_does_not_keep_the_others_from_being_checked() {
    let house = House::new();
    house.put("letter.txt", b"Dear Sir");
    for stranger in ["letter.txt", "missing"] {
        let answer = house.answer(&format!("@/{stranger} @/cert.pem")).unwrap();
        let found: Vec<_> = answer.items.iter().map(|item| (item.kind, item.good, item.undecided)).collect();
        assert_eq!(found, [("unknown", false, true), ("certificate", true, false)], "{stranger}");
        assert!(!answer.good, "not everything was checked");
    }
}
