//! A signature that is two numbers and nothing else: who signed must be known from elsewhere.

use crypto_pool::SignatureAlgorithm;
use crypto_pool::path::Cert;
use crypto_pool::tlv::{self, INTEGER, SEQUENCE};

use super::chain::Role;
use super::time::When;
use super::{Check, Finding, Found, Judge, Outcome, SignatureForm, SignatureReport, party};

/// Most certificates that are tried.
const MOST_TRIED: usize = 64;

/// `SEQUENCE { r INTEGER, s INTEGER }`, or 64 octets that are no sequence.
pub(super) fn is_likely(value: &[u8]) -> bool {
    let Ok(outer) = tlv::single(value, SEQUENCE, "signature") else { return value.len() == 64 };
    let mut inside = outer.inside();
    inside.expect(INTEGER, "r").is_ok() && inside.expect(INTEGER, "s").is_ok() && inside.is_empty()
}

impl Judge<'_> {
    pub(super) fn bare(&self, found: &Found, one: &mut SignatureReport) {
        one.form = SignatureForm::Bare;
        one.findings.push(Finding::new(
            Check::Structure,
            Outcome::Pass,
            "ok",
            "A bare SM2 signature, without a certificate.",
            "裸 SM2 签名值，不含证书。",
        ));
        let Some(signed) = found.signed.as_deref() else {
            return one.findings.push(Finding::new(
                Check::Signature,
                Outcome::Unknown,
                "no-document",
                "What was signed is not at hand.",
                "未提供被签名的原文。",
            ));
        };
        let verifies = |cert: &&Cert| {
            let key = cert.public_key().ok();
            key.is_some_and(|key| key.verify_tolerant(SignatureAlgorithm::Sm2Sm3, signed, &found.value))
        };
        let given = self.trust.certificates.iter().chain(&self.evidence.certificates).take(MOST_TRIED);
        let Some(signer) = given.into_iter().find(verifies) else {
            return one.findings.push(Finding::new(
                Check::Signature,
                Outcome::Unknown,
                "no-certificate",
                "The signature does not say by whom it is, and no certificate given fits.",
                "签名值不含签名者证书，所提供的证书也都不匹配。",
            ));
        };
        one.findings.push(Finding::new(
            Check::Signature,
            Outcome::Pass,
            "ok",
            "It is by the key of a certificate that was given.",
            "与所提供证书的密钥匹配，签名有效。",
        ));
        let when = When { stamp: None, proven: None, claim: None, document: found.time };
        let settled = self.settle(&when, Some(signer), &mut one.findings);
        (one.time, one.time_source) = (settled.at, settled.source);
        self.chain(Role::Signer, signer, &[], settled.at, false, &mut one.findings);
        one.signer = Some(party(signer));
    }
}
