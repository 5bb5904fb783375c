//! `CSRResponse` (GM/T 0092-2020): what an authority sends a holder of two certificates.
//!
//! ```text
//! CSRResponse ::= SEQUENCE {
//!     signCertificate      CertificateSet,                  -- SET OF Certificate
//!     encryptedPrivateKey  [0] SM2EnvelopedKey OPTIONAL,    -- for the key of the request
//!     encryptCertificate   [1] CertificateSet OPTIONAL }
//! ```
//!
//! The standard's text and its annex differ over `[0]`: implementations put the whole SEQUENCE inside (explicit) and
//! `[1]` implicit. That is written here. Both are read either way: what is one whole SEQUENCE inside `[0]`, or one SET
//! inside `[1]`, is explicit. A set begins with the holder's own certificate, whatever the order of DER.

use std::fmt;

use engine::sm2::PrivateKey;

use super::{BadEnvelope, enveloped_key, private_key};
use crate::path::Cert;
use crate::tlv::{self, BadDer, Reader, SEQUENCE, Tlv};

const SET: u8 = 0x31;
const ENVELOPE: u8 = 0xa0;
const ENCRYPTION: u8 = 0xa1;
/// Longest answer that is read. Unit: bytes.
const LONGEST: usize = 1 << 20;
/// Most certificates in a set.
const MOST_CERTIFICATES: usize = 16;

/// An answer that was read. Which certificate goes with which key is for [`CsrResponse::open`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrResponse {
    /// The signing certificate and, maybe, its chain; DER each. At least one.
    pub sign: Vec<Vec<u8>>,
    /// `SM2EnvelopedKey`, DER.
    pub envelope: Option<Vec<u8>>,
    /// The encryption certificate and, maybe, its chain.
    pub encryption: Vec<Vec<u8>>,
}

/// Why an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadResponse {
    /// It does not read.
    Malformed(&'static str),
    /// It has an encryption key and no certificate for it, or the other way round.
    Half,
    /// Its signing certificate is for another key than the recipient's.
    OtherHolder,
    /// Its encryption certificate is for another key than the one in the envelope.
    OtherKey,
    /// The envelope does not open.
    Envelope(BadEnvelope),
}

impl fmt::Display for BadResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(what) => return write!(f, "it is no CSRResponse: {what}"),
            Self::Half => "it has an encryption key without its certificate, or a certificate without its key",
            Self::OtherHolder => "its signing certificate is for another key than yours",
            Self::OtherKey => "its encryption certificate is for another key than the one that comes with it",
            Self::Envelope(why) => return write!(f, "its encryption key does not open: {why}"),
        })
    }
}

impl std::error::Error for BadResponse {}

impl From<BadDer> for BadResponse {
    fn from(bad: BadDer) -> Self {
        Self::Malformed(bad.what)
    }
}

/// The answer with both certificates (DER each) and the envelope of the encryption key.
#[must_use]
pub fn write(sign: &[u8], envelope: &[u8], encryption: &[u8]) -> Vec<u8> {
    let parts = [tlv::write(SET, &[sign]), tlv::write(ENVELOPE, &[envelope]), tlv::write(ENCRYPTION, &[encryption])];
    tlv::write(SEQUENCE, &parts.each_ref().map(Vec::as_slice))
}

/// Whether bytes have the outline of an answer: a SEQUENCE that begins with a SET of SEQUENCEs.
#[must_use]
pub fn looks_like(der: &[u8]) -> bool {
    let first = || {
        let mut outer = tlv::single(der, SEQUENCE, "CSRResponse").ok()?.inside();
        outer.expect(SET, "signCertificate").ok()?.inside().expect(SEQUENCE, "Certificate").ok()
    };
    first().is_some()
}

impl CsrResponse {
    /// Reads an answer, in DER.
    ///
    /// # Errors
    /// [`BadResponse::Malformed`], [`BadResponse::Half`].
    pub fn read(der: &[u8]) -> Result<Self, BadResponse> {
        if der.len() > LONGEST {
            return Err(BadResponse::Malformed("it is too long"));
        }
        let mut outer = tlv::single(der, SEQUENCE, "CSRResponse")?.inside();
        let sign = certificates(outer.expect(SET, "signCertificate")?.inside())?;
        let envelope = outer.optional(ENVELOPE)?.map(envelope_in);
        let encryption = match outer.optional(ENCRYPTION)? {
            None => Vec::new(),
            Some(set) => match tlv::single(set.value, SET, "encryptCertificate") {
                Ok(explicit) => certificates(explicit.inside())?,
                Err(_) => certificates(set.inside())?,
            },
        };
        outer.finish("CSRResponse")?;
        if sign.is_empty() {
            return Err(BadResponse::Malformed("it has no signing certificate"));
        }
        if envelope.is_some() == encryption.is_empty() {
            return Err(BadResponse::Half);
        }
        Ok(Self { sign, envelope, encryption })
    }

    /// The private encryption key, for the holder of the signing key. `None` if the answer brings none.
    ///
    /// # Errors
    /// [`BadResponse::OtherHolder`], [`BadResponse::OtherKey`], [`BadResponse::Envelope`]: an answer for somebody else,
    /// or whose halves were exchanged, gives no key.
    pub fn open(&self, signing: &PrivateKey) -> Result<Option<PrivateKey>, BadResponse> {
        if key_of(self.sign.first())?.as_sec1() != signing.public().as_sec1() {
            return Err(BadResponse::OtherHolder);
        }
        let Some(envelope) = &self.envelope else { return Ok(None) };
        let key = enveloped_key::open(envelope, signing).map_err(BadResponse::Envelope)?;
        if key_of(self.encryption.first())?.as_sec1() != key.public().as_sec1() {
            return Err(BadResponse::OtherKey);
        }
        Ok(Some(key))
    }
}

/// The envelope as a SEQUENCE of its own, whichever way it was tagged.
fn envelope_in(tagged: Tlv<'_>) -> Vec<u8> {
    match tlv::single(tagged.value, SEQUENCE, "SM2EnvelopedKey") {
        Ok(explicit) => explicit.whole.to_vec(),
        Err(_) => tlv::write(SEQUENCE, &[tagged.value]),
    }
}

fn certificates(mut set: Reader<'_>) -> Result<Vec<Vec<u8>>, BadResponse> {
    let mut all = Vec::new();
    while let Some(certificate) = set.optional(SEQUENCE)? {
        if all.len() == MOST_CERTIFICATES {
            return Err(BadResponse::Malformed("it has too many certificates"));
        }
        all.push(certificate.whole.to_vec());
    }
    set.finish("CertificateSet")?;
    Ok(all)
}

/// The SM2 key of a certificate.
fn key_of(certificate: Option<&Vec<u8>>) -> Result<engine::sm2::PublicKey, BadResponse> {
    let unreadable = BadResponse::Malformed("a certificate in it");
    let certificate = Cert::from_der_tolerant(certificate.ok_or(unreadable)?).map_err(|_| unreadable)?;
    // Whether it is a good key was for the authority to ask.
    let key = private_key::public_of_spki(certificate.spki());
    key.map_err(|_| BadResponse::Malformed("a certificate in it is not for an SM2 key"))
}

#[cfg(test)]
mod tests;
