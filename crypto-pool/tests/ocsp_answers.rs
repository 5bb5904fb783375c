//! OCSP answers made by OpenSSL, as evidence of revocation.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::{Anchors, Cert, OcspAnswer, Options, Problem, Revocation, Source, examine};
use pki_config::status::Reason;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../web/src/cli/test_pki/ocsp/", $name))
    };
}

fn cert(pem: &[u8]) -> Cert {
    let text = std::str::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    Cert::from_der(&STANDARD.decode(body).unwrap()).unwrap()
}

/// What an answer makes of a certificate on the day after it was given.
fn by(leaf: &[u8], answer: &[u8]) -> Result<Source, Problem> {
    let ocsps = [OcspAnswer::from_der(answer).unwrap()];
    let options = Options { revocation: Revocation::Required, ocsps: &ocsps, ..Options::default() };
    let anchors = Anchors::new(vec![cert(file!("issuer.pem"))]);
    let report = examine(&cert(leaf), &[], &anchors, "2026-11-22T00:00:00Z".parse().unwrap(), &options);
    let failed = report.findings.iter().find_map(|finding| finding.result.err());
    failed.map_or_else(|| Ok(report.evidence[0].source), Err)
}

#[test]
fn an_answer_of_a_delegated_responder_or_of_the_issuer_decides() {
    assert_eq!(by(file!("leaf.pem"), file!("good.ocsp")), Ok(Source::Ocsp(0)));
    assert_eq!(by(file!("leaf.pem"), file!("by-issuer.ocsp")), Ok(Source::Ocsp(0)));
    let gone = by(file!("gone.pem"), file!("revoked.ocsp"));
    assert!(matches!(gone, Err(Problem::Revoked { reason: Reason::KeyCompromise, .. })), "{gone:?}");
}

#[test]
fn an_answer_of_a_stranger_or_about_another_certificate_does_not() {
    assert_eq!(by(file!("leaf.pem"), file!("by-stranger.ocsp")), Err(Problem::OcspSignature));
    assert_eq!(by(file!("leaf.pem"), file!("revoked.ocsp")), Err(Problem::NoCrl));
    assert_eq!(by(file!("responder.pem"), file!("unknown.ocsp")), Err(Problem::UnknownToAuthority));
}
