//! Claims about verification, over time-stamps of another authority (`tests/data`, made by OpenSSL).

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::digest::{self, Hash};
use crypto_pool::path::{Anchors, Cert, Crl, OcspAnswer};
use pki_config::Instant;

use super::*;
use crate::core::opened::{BadToken, OpenedToken};

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn cert(name: &str) -> Cert {
    Cert::from_der(&sample(name)).unwrap()
}

fn token(name: &str) -> OpenedToken {
    OpenedToken::from_der(&sample(name)).unwrap()
}

fn digest_of_data(hash: Hash) -> Vec<u8> {
    digest::of(hash, &sample("data.txt"))
}

/// The verdict on a token with everything at hand, changed as the test likes.
fn judged(name: &str, hash: Hash, change: impl FnOnce(&mut Against<'_>)) -> Vec<Finding> {
    let digest = digest_of_data(hash);
    let mut against = Against { anchors: Anchors::new(vec![cert("root.cer")]), ..Against::default() };
    change(&mut against);
    let against = Against { data_digest: Some(&digest), ..against };
    verify(&token(name), &against)
}

fn result(findings: &[Finding], check: Question) -> Outcome {
    findings.iter().find(|finding| finding.check == check).unwrap().result
}

fn with_crl(name: &str) -> impl FnOnce(&mut Against<'_>) {
    let crl = Crl::from_der(sample(name)).unwrap();
    move |against: &mut Against<'_>| against.crls.push(crl)
}

#[test]
fn a_genuine_token_passes_every_check() {
    let findings = judged("ec.tsr", Hash::Sha256, with_crl("none.crl"));
    let not_passed: Vec<_> = findings.iter().filter(|finding| finding.result != Outcome::Pass).collect();
    assert!(matches!(not_passed[..], [Finding { check: Question::Policy, .. }]), "{not_passed:#?}");
    assert_eq!(Judgement::of(&findings), Judgement::Valid);
}

#[test]
fn a_bare_token_and_one_in_a_response_are_the_same_kind() {
    let findings = judged("ec.token", Hash::Sha256, |_| ());
    assert_eq!(Judgement::of(&findings), Judgement::Valid);
}

#[test]
fn what_the_token_says_is_read_as_openssl_wrote_it() {
    let info = token("ec.tsr").info;
    assert_eq!(info.policy, Oid::new_unwrap("1.2.3.4.1"));
    assert_eq!(info.accuracy_micros, Some(1_500_100));
    assert!(info.ordering && info.nonce.is_some());
    assert_eq!(token("ec.tsr").serial_hex(), "1001");
}

#[test]
fn an_rsa_token_bound_by_sha1_is_accepted_when_the_certificate_matches() {
    let findings = judged("rsa-v1.tsr", Hash::Sha256, |_| ());
    assert_eq!(Judgement::of(&findings), Judgement::Valid, "{findings:#?}");
    let bound = findings.iter().find(|finding| finding.check == Question::SigningCertificate).unwrap();
    assert!(bound.en.contains("SHA-1"));
}

#[test]
fn other_data_fail_the_imprint_and_nothing_else() {
    let findings = verify(
        &token("ec.tsr"),
        &Against { data_digest: Some(&[0; 32]), anchors: Anchors::new(vec![cert("root.cer")]), ..Against::default() },
    );
    let failed: Vec<_> = findings.iter().filter(|f| f.result == Outcome::Fail).map(|f| f.check).collect();
    assert_eq!(failed, [Question::Imprint]);
}

#[test]
fn without_the_data_nothing_is_proven() {
    let against = Against { anchors: Anchors::new(vec![cert("root.cer")]), ..Against::default() };
    let findings = verify(&token("ec.tsr"), &against);
    assert_eq!(result(&findings, Question::Imprint), Outcome::Unknown);
    assert_eq!(Judgement::of(&findings), Judgement::Undecided);
}

#[test]
fn a_root_that_is_not_believed_leaves_the_token_undecided() {
    let findings = judged("ec.tsr", Hash::Sha256, |against| against.anchors = Anchors::default());
    assert_eq!(result(&findings, Question::Chain), Outcome::Unknown);
    assert_eq!(result(&findings, Question::Signature), Outcome::Pass);
    assert_eq!(Judgement::of(&findings), Judgement::Undecided);
}

#[test]
fn a_token_without_certificates_needs_them_given() {
    let findings = judged("bare.tsr", Hash::Sha512, |_| ());
    assert_eq!(result(&findings, Question::Signature), Outcome::Unknown);
    let findings = judged("bare.tsr", Hash::Sha512, |against| against.certificates.push(cert("ec.cer")));
    assert_eq!(Judgement::of(&findings), Judgement::Valid, "{findings:#?}");
    let findings = judged("bare.tsr", Hash::Sha512, |against| against.certificates.push(cert("rsa.cer")));
    assert_eq!(result(&findings, Question::Signature), Outcome::Unknown);
}

#[test]
fn a_flipped_bit_anywhere_in_what_is_signed_is_noticed() {
    let good = sample("ec.token");
    let digest = digest_of_data(Hash::Sha256);
    let root = cert("root.cer");
    let opened = token("ec.token");
    let at = |part: &[u8]| good.windows(part.len()).position(|window| window == part).unwrap();
    let parts = [opened.content(), &opened.signer.attributes[2..], &opened.signer.signature];
    for part in parts {
        let start = at(part);
        for place in start..start + part.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            let Ok(token) = OpenedToken::from_der(&bad) else { continue };
            let anchors = Anchors::new(vec![root.clone()]);
            let findings = verify(&token, &Against { data_digest: Some(&digest), anchors, ..Against::default() });
            assert_ne!(Judgement::of(&findings), Judgement::Valid, "octet {place}");
        }
    }
}

#[test]
fn a_certificate_that_was_superseded_later_leaves_its_tokens_valid() {
    let findings = judged("ec.tsr", Hash::Sha256, with_crl("superseded.crl"));
    assert_eq!(result(&findings, Question::Revocation), Outcome::Pass);
}

#[test]
fn a_compromised_key_takes_its_older_tokens_along() {
    let findings = judged("ec.tsr", Hash::Sha256, with_crl("compromised.crl"));
    assert_eq!(result(&findings, Question::Revocation), Outcome::Fail);
    assert_eq!(Judgement::of(&findings), Judgement::Invalid);
}

#[test]
fn without_a_crl_revocation_is_not_checked_and_said_so() {
    let findings = judged("ec.tsr", Hash::Sha256, |_| ());
    assert_eq!(result(&findings, Question::Revocation), Outcome::NotChecked);
}

#[test]
fn another_policy_than_the_one_demanded_fails() {
    let demand = |oid: &str| {
        let wanted = Oid::new_unwrap(oid);
        result(&judged("ec.tsr", Hash::Sha256, |against| against.policy = Some(wanted)), Question::Policy)
    };
    assert_eq!(demand("1.2.3.4.1"), Outcome::Pass);
    assert_eq!(demand("1.2.3.4.2"), Outcome::Fail);
}

#[test]
fn a_token_from_the_future_fails() {
    let at = token("ec.tsr").info.time.instant();
    let judge =
        |now: Instant| result(&judged("ec.tsr", Hash::Sha256, |against| against.now = Some(now)), Question::Time);
    assert_eq!(judge(at), Outcome::Pass);
    assert_eq!(judge(at.minus(std::time::Duration::from_secs(3600))), Outcome::Fail);
}

#[test]
fn a_nonce_of_another_request_fails() {
    let nonce = token("ec.tsr").info.nonce.unwrap();
    let judge = |nonce: &'static [u8]| {
        result(&judged("ec.tsr", Hash::Sha256, |against| against.nonce = Some(nonce)), Question::Nonce)
    };
    assert_eq!(judge(nonce.leak()), Outcome::Pass);
    assert_eq!(judge(b"\x01"), Outcome::Fail);
}

#[test]
fn a_certificate_for_more_than_time_stamping_is_none() {
    assert_eq!(certificate_use(&cert("ec.cer")).result, Outcome::Pass);
    assert_eq!(certificate_use(&cert("lax.cer")).result, Outcome::Fail);
    assert_eq!(certificate_use(&cert("root.cer")).result, Outcome::Fail);
}

#[test]
fn a_refusal_and_other_files_are_no_tokens() {
    assert!(matches!(OpenedToken::from_der(&sample("refused.tsr")), Err(BadToken::Refusal { status: 2, .. })));
    assert!(OpenedToken::from_der(&sample("data.txt")).is_err());
    assert!(OpenedToken::from_der(&sample("ec.cer")).is_err());
    assert!(OpenedToken::from_der(&[]).is_err());
}

/// A token over `hello` whose authority's issuer answers OCSP instead of publishing lists.
fn judged_by_answer(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<Finding> {
    let digest = digest::of(Hash::Sha256, b"hello");
    let mut answer = sample(name);
    change(&mut answer);
    let against = Against {
        data_digest: Some(&digest),
        anchors: Anchors::new(vec![cert("answered-root.cer")]),
        ocsps: vec![OcspAnswer::from_der(&answer).unwrap()],
        ..Against::default()
    };
    verify(&token("answered.tsr"), &against)
}

#[test]
fn an_ocsp_answer_made_after_the_token_tells_whether_its_signer_was_revoked() {
    let good = judged_by_answer("answered-good.ocsp", |_| ());
    assert_eq!(result(&good, Question::Revocation), Outcome::Pass);
    assert_eq!(Judgement::of(&good), Judgement::Valid);
    let revoked = judged_by_answer("answered-revoked.ocsp", |_| ());
    assert_eq!(result(&revoked, Question::Revocation), Outcome::Fail);
    assert_eq!(Judgement::of(&revoked), Judgement::Invalid);
}

#[test]
fn an_ocsp_answer_whose_signature_is_wrong_tells_nothing() {
    for name in ["answered-good.ocsp", "answered-revoked.ocsp"] {
        // Within producedAt, so that the form stays right and what was signed does not.
        let changed = judged_by_answer(name, |answer| {
            let at = answer.windows(15).position(|text| text.starts_with(b"2026112116")).unwrap();
            answer[at + 13] ^= 1;
        });
        assert_eq!(result(&changed, Question::Revocation), Outcome::NotChecked, "{name}");
    }
}
