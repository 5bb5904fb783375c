//! Answers made by `openssl ocsp` (see the README beside them), good and bad.

use crypto_pool::path::Cert;
use pki_config::Instant;
use pki_config::status::Reason;

use super::request::{CertId, responder_of};
use super::response::{Believed, Doubt, Status, check};
use crate::cli::args::NameHash;
use crate::cli::pem;

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../test_pki/ocsp/", $name))
    };
}

const GOOD: &[u8] = data!("good.ocsp");

fn cert(pem: &[u8]) -> Cert {
    Cert::from_der(&pem::certificates(pem).unwrap()[0]).unwrap()
}

fn issuer() -> Cert {
    cert(data!("issuer.pem"))
}

fn leaf() -> Cert {
    cert(data!("leaf.pem"))
}

fn judged(der: &[u8], about: &Cert, at: &str) -> Result<Believed, Doubt> {
    let id = CertId::of(about, &issuer(), NameHash::Sha1).unwrap();
    check(der, &id, None, &issuer(), at.parse().unwrap())
}

const THEN: &str = "2026-11-22T00:00:00Z";

#[test]
fn a_good_answer_of_a_delegated_responder_is_believed() {
    let believed = judged(GOOD, &leaf(), THEN).unwrap();
    assert_eq!(believed.status, Status::Good);
    assert!(!believed.by_issuer);
    // openssl ocsp -respin good.ocsp -noverify -resp_text
    assert_eq!(believed.this_update, "2026-11-21T06:07:25Z".parse::<Instant>().unwrap());
    assert_eq!(believed.next_update, Some("2126-10-28T06:07:25Z".parse().unwrap()));
}

#[test]
fn an_answer_of_the_issuer_itself_is_believed() {
    assert!(judged(data!("by-issuer.ocsp"), &leaf(), THEN).unwrap().by_issuer);
}

#[test]
fn revoked_and_unknown_are_told_apart_from_good() {
    let revoked = judged(data!("revoked.ocsp"), &cert(data!("gone.pem")), THEN).unwrap().status;
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(revoked, Status::Revoked { at, reason: Some(Reason::KeyCompromise) });
    let unknown = judged(data!("unknown.ocsp"), &cert(data!("responder.pem")), THEN).unwrap().status;
    assert_eq!(unknown, Status::Unknown);
}

#[test]
fn a_signer_without_the_delegation_is_not_believed() {
    assert_eq!(judged(data!("by-stranger.ocsp"), &leaf(), THEN).unwrap_err(), Doubt::Unauthorised);
}

#[test]
fn an_answer_about_another_certificate_is_not_believed() {
    assert_eq!(judged(GOOD, &cert(data!("gone.pem")), THEN).unwrap_err(), Doubt::OtherCertificate);
}

#[test]
fn an_answer_of_yesterday_or_tomorrow_is_not_believed() {
    // Within the five minutes that clocks may differ.
    assert!(judged(GOOD, &leaf(), "2026-11-21T06:03:00Z").is_err(), "the responder's certificate is not valid yet");
    assert!(judged(GOOD, &leaf(), "2126-10-28T06:07:25Z").is_ok());
    for at in ["2026-11-20T00:00:00Z", "2126-10-28T06:07:26Z"] {
        assert!(judged(GOOD, &leaf(), at).is_err(), "{at}");
    }
    let late = judged(data!("by-issuer.ocsp"), &leaf(), "2126-12-01T00:00:00Z").unwrap_err();
    assert!(matches!(late, Doubt::Time { .. }), "{late}");
}

#[test]
fn an_answer_without_the_nonce_that_was_sent_is_not_believed() {
    let id = CertId::of(&leaf(), &issuer(), NameHash::Sha1).unwrap();
    let answer = check(GOOD, &id, Some(&[7; 32]), &issuer(), THEN.parse().unwrap());
    assert_eq!(answer.unwrap_err(), Doubt::Nonce);
}

#[test]
fn no_bit_of_an_answer_can_be_changed_unseen() {
    // Behind the signature come the responder's certificate and nothing else: it is covered by its own.
    for place in 0..GOOD.len() {
        let mut changed = GOOD.to_vec();
        changed[place] ^= 1;
        assert!(judged(&changed, &leaf(), THEN).is_err(), "octet {place}");
    }
}

#[test]
fn a_refusal_is_told_in_words() {
    // OCSPResponse { responseStatus tryLater (3) }, and 4, which is not used.
    let refused = judged(&[0x30, 3, 0x0a, 1, 3], &leaf(), THEN).unwrap_err();
    assert!(refused.to_string().contains("try later"));
    assert_eq!(judged(&[0x30, 3, 0x0a, 1, 4], &leaf(), THEN).unwrap_err(), Doubt::Form);
    assert_eq!(judged(&[0x30, 3, 0x0a, 1, 0], &leaf(), THEN).unwrap_err(), Doubt::Form);
    assert_eq!(judged(b"<html>", &leaf(), THEN).unwrap_err(), Doubt::Form);
}

#[test]
fn the_responder_that_a_certificate_names_is_found() {
    assert_eq!(responder_of(&leaf()).as_deref(), Some("http://ocsp.example.cn/ocsp"));
}
