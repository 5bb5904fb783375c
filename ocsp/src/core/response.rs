//! Writing an answer (RFC 6960 4.2.1).
//!
//! ```text
//! OCSPResponse      ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT SEQUENCE {
//!                                  responseType OID (id-pkix-ocsp-basic), response OCTET STRING } OPTIONAL }
//! BasicOCSPResponse ::= SEQUENCE { tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier,
//!                                  signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
//! ResponseData      ::= SEQUENCE { responderID [2] EXPLICIT OCTET STRING (SHA-1 of the key), producedAt GeneralizedTime,
//!                                  responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT OPTIONAL }
//! SingleResponse    ::= SEQUENCE { certID CertID, certStatus CHOICE { good [0] NULL, revoked [1] RevokedInfo,
//!                                  unknown [2] NULL }, thisUpdate GeneralizedTime,
//!                                  nextUpdate [0] EXPLICIT GeneralizedTime, singleExtensions [1] EXPLICIT OPTIONAL }
//! RevokedInfo       ::= SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }
//! ```
//!
//! What depends on the signer alone is made once, in [`Signer`]; an answer is then written from the back to the front
//! into one buffer.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::SignatureAlgorithm;
use pki_config::{Instant, oid};

use super::decide::{Decision, Status};
use super::names::sha1;
use super::write::Back;

/// Why there is no answer. Not signed, ready-made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 1. The question cannot be read.
    MalformedRequest,
    /// 2. Something failed inside.
    InternalError,
    /// 3. Too much to do, or the key is sealed; the same question may be answered later.
    TryLater,
    /// 5. The question must be signed. Not used by this responder, which answers everybody.
    SigRequired,
    /// 6. Not answered here: another issuer's certificate.
    Unauthorized,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MalformedRequest, Self::InternalError, Self::TryLater, Self::SigRequired, Self::Unauthorized];

    /// The whole OCSPResponse.
    #[must_use]
    pub const fn der(self) -> &'static [u8; 5] {
        match self {
            Self::MalformedRequest => &[0x30, 3, 0x0a, 1, 1],
            Self::InternalError => &[0x30, 3, 0x0a, 1, 2],
            Self::TryLater => &[0x30, 3, 0x0a, 1, 3],
            Self::SigRequired => &[0x30, 3, 0x0a, 1, 5],
            Self::Unauthorized => &[0x30, 3, 0x0a, 1, 6],
        }
    }

    /// The name RFC 6960 gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// The parts of every answer of one responder.
#[derive(Debug, Clone)]
pub struct Signer {
    /// responderID, byKey: that of the key and not the name, because it is short and cannot be ambiguous.
    id: [u8; 24],
    /// signatureAlgorithm.
    algorithm: &'static [u8],
    /// certs, with the responder's certificate.
    certs: Vec<u8>,
}

impl Signer {
    /// A responder with this key (the content of its BIT STRING) and this certificate.
    #[must_use]
    pub fn new(algorithm: SignatureAlgorithm, key_bits: &[u8], certificate: &[u8]) -> Self {
        let mut id = [0; 24];
        id[..4].copy_from_slice(&[0xa2, 22, 0x04, 20]);
        id[4..].copy_from_slice(&sha1(key_bits));
        let mut certs = Back::with_room(certificate.len() + 10);
        let all = certs.mark();
        certs.element(0x30, certificate);
        certs.close(0xa0, all);
        Self { id, algorithm: algorithm.identifier_der(), certs: certs.finish() }
    }

    /// What is to be signed: the ResponseData for `singles`, each a CertID to echo and what is said of it. `nonce` is
    /// the value of the question's extension.
    #[must_use]
    pub fn response_data(&self, times: &Times, singles: &[(&[u8], Decision)], nonce: Option<&[u8]>) -> Vec<u8> {
        let content: usize = singles.iter().map(|(id, _)| id.len() + 160).sum();
        let mut back = Back::with_room(content + 120 + nonce.map_or(0, |n| n.len() + 40));
        let all = back.mark();
        put_extensions(&mut back, singles.iter().any(|(_, decision)| decision.extended), nonce);
        let list = back.mark();
        for (id, decision) in singles.iter().rev() {
            put_single(&mut back, id, decision, times);
        }
        back.close(0x30, list);
        back.time(times.produced);
        back.put(&self.id);
        back.close(0x30, all);
        back.finish()
    }

    /// The whole OCSPResponse, status `successful`.
    #[must_use]
    pub fn response(&self, response_data: &[u8], signature: &[u8]) -> Vec<u8> {
        let content = response_data.len() + self.algorithm.len() + signature.len() + self.certs.len();
        let mut back = Back::with_room(content + 64);
        let all = back.mark();
        back.put(&self.certs);
        let bits = back.mark();
        back.put(signature);
        back.put(&[0]);
        back.close(0x03, bits);
        back.put(self.algorithm);
        back.put(response_data);
        back.close(0x30, all);
        back.close(0x04, all);
        back.element(0x06, oid::OCSP_BASIC.as_bytes());
        back.close(0x30, all);
        back.close(0xa0, all);
        back.put(&[0x0a, 1, 0]);
        back.close(0x30, all);
        back.finish()
    }
}

/// The times of an answer, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it was signed.
    pub produced: Instant,
    /// As of when it is true.
    pub this_update: Instant,
    /// Until when it may be used.
    pub next_update: Instant,
}

fn put_extension(back: &mut Back, id: Oid, value: impl FnOnce(&mut Back)) {
    let extension = back.mark();
    value(back);
    back.close(0x04, extension);
    back.element(0x06, id.as_bytes());
    back.close(0x30, extension);
}

fn put_extensions(back: &mut Back, extended: bool, nonce: Option<&[u8]>) {
    if !extended && nonce.is_none() {
        return;
    }
    let list = back.mark();
    if extended {
        put_extension(back, oid::OCSP_EXTENDED_REVOKE, |back| back.put(&[5, 0]));
    }
    if let Some(nonce) = nonce {
        put_extension(back, oid::OCSP_NONCE, |back| back.put(nonce));
    }
    back.close(0x30, list);
    back.close(0xa1, list);
}

fn put_single(back: &mut Back, id: &[u8], decision: &Decision, times: &Times) {
    let single = back.mark();
    let invalidity = match decision.status {
        Status::Revoked { invalidity, .. } => invalidity,
        Status::Good | Status::Unknown => None,
    };
    if invalidity.is_some() || decision.archive_cutoff.is_some() {
        let list = back.mark();
        if let Some(cutoff) = decision.archive_cutoff {
            put_extension(back, oid::OCSP_ARCHIVE_CUTOFF, |back| back.time(cutoff));
        }
        if let Some(since) = invalidity {
            // RFC 6960 4.4.5: the extensions of CRL entries may stand here.
            put_extension(back, oid::INVALIDITY_DATE, |back| back.time(since));
        }
        back.close(0x30, list);
        back.close(0xa1, list);
    }
    let next = back.mark();
    back.time(times.next_update);
    back.close(0xa0, next);
    back.time(times.this_update);
    match decision.status {
        Status::Good => back.put(&[0x80, 0]),
        Status::Unknown => back.put(&[0x82, 0]),
        Status::Revoked { at, reason, .. } => {
            let revoked = back.mark();
            if let Some(reason) = reason {
                back.put(&[0xa0, 3, 0x0a, 1, reason.code()]);
            }
            back.time(at);
            back.close(0xa1, revoked);
        }
    }
    back.put(id);
    back.close(0x30, single);
}
