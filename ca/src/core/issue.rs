//! From linted and stored bytes to a certificate.

use std::fmt;

use crypto_pool::SignatureAlgorithm;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Sequence};
use pki_config::{IssuerId, Serial};
use spki::AlgorithmIdentifierOwned;

use super::lint::{Finding, Linted, signed};

/// Evidence that an intent lies in the store: the issuer, the serial and the exact bytes to be signed.
/// Only the store makes one, from the row it wrote.
#[derive(Debug)]
pub struct IntentRow {
    issuer: IssuerId,
    serial: Serial,
    tbs: Vec<u8>,
}

impl IntentRow {
    /// What the row holds. For the store alone, after the write.
    #[must_use]
    pub(crate) const fn written(issuer: IssuerId, serial: Serial, tbs: Vec<u8>) -> Self {
        Self { issuer, serial, tbs }
    }
}

/// Why no certificate came about, although something was ready to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// The stored intent is not what was linted. A bug of ours; nothing was signed.
    OtherIntent,
    /// The signature is of another algorithm than the bytes name.
    Algorithm,
    /// The signature does not verify under the issuer's key.
    Signature,
    /// The result does not read back as what was put in.
    Assembly,
    /// The finished certificate breaks rules. It was thrown away.
    Lint(Vec<Finding>),
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherIntent => "the stored intent is not what was linted",
            Self::Algorithm => "the signature is of another algorithm than the certificate names",
            Self::Signature => "the signature does not verify under the issuer's key",
            Self::Assembly => "the certificate does not read back as what was put in",
            Self::Lint(findings) => {
                f.write_str("the finished certificate breaks rules:")?;
                return findings.iter().try_for_each(|finding| write!(f, " {finding};"));
            }
        })
    }
}

impl std::error::Error for Unfinished {}

/// Linted bytes whose intent lies in the store. Only these can be finished.
///
/// Stored before signed: a crash between the two leaves an intent, which start-up revokes. The other
/// order could leave a certificate that nobody knows of.
#[derive(Debug)]
pub struct Stored(Linted);

impl Stored {
    /// Puts the linted bytes and their row together.
    ///
    /// # Errors
    /// [`Unfinished::OtherIntent`] if the row is another's.
    pub fn new(linted: Linted, row: &IntentRow) -> Result<Self, Unfinished> {
        let same = row.issuer == linted.issuer().id && row.serial == *linted.serial() && row.tbs == linted.tbs();
        if same { Ok(Self(linted)) } else { Err(Unfinished::OtherIntent) }
    }

    /// What was linted.
    #[must_use]
    pub const fn linted(&self) -> &Linted {
        &self.0
    }

    /// Adds the pool's signature. As [`Stored::finish`], but the signature is not verified a second time:
    /// a [`Signed`](crypto_pool::Signed) comes from the pool only, which verified it under this key.
    ///
    /// # Errors
    /// [`Unfinished::OtherIntent`] if the pool signed other bytes, and as [`Stored::finish`].
    pub fn finish_signed(self, signed: &crypto_pool::Signed) -> Result<IssuedCertificate, Unfinished> {
        if *signed.to_sign != self.0.tbs() {
            return Err(Unfinished::OtherIntent);
        }
        self.assembled(signed.algorithm, &signed.signature)
    }

    /// Adds the issuer's signature, as it stands in a BIT STRING. Consumes `self`: a draft is signed once.
    ///
    /// # Errors
    /// [`Unfinished`] if the signature is not the issuer's over exactly these bytes.
    pub fn finish(self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<IssuedCertificate, Unfinished> {
        let issuer = self.0.issuer();
        if algorithm != issuer.signature_algorithm() {
            return Err(Unfinished::Algorithm);
        }
        if !issuer.key.verify(algorithm, self.0.tbs(), signature) {
            return Err(Unfinished::Signature);
        }
        self.assembled(algorithm, signature)
    }

    fn assembled(self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<IssuedCertificate, Unfinished> {
        if algorithm != self.0.issuer().signature_algorithm() {
            return Err(Unfinished::Algorithm);
        }
        let der = assemble(self.0.tbs(), algorithm, signature).map_err(|_| Unfinished::Assembly)?;
        if !is_exactly(&der, self.0.tbs(), algorithm, signature) {
            return Err(Unfinished::Assembly);
        }
        // The signature itself was verified just now, or by the pool.
        let findings = signed::examine(&der, self.0.issuer(), true);
        if !findings.is_empty() {
            return Err(Unfinished::Lint(findings));
        }
        Ok(IssuedCertificate { der, linted: self.0 })
    }
}

/// A certificate: its linted bytes, the algorithm, the issuer's signature, and nothing else.
#[derive(Debug)]
pub struct IssuedCertificate {
    der: Vec<u8>,
    linted: Linted,
}

impl IssuedCertificate {
    /// The certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What was linted: serial, profile, validity, warnings.
    #[must_use]
    pub const fn linted(&self) -> &Linted {
        &self.linted
    }

    /// The certificate alone.
    #[must_use]
    pub fn into_der(self) -> Vec<u8> {
        self.der
    }
}

/// `SEQUENCE { toBeSigned, AlgorithmIdentifier, BIT STRING }`: a certificate (RFC 5280 4.1.1) or a CRL (5.1.1).
#[derive(Sequence)]
struct Signed<'a> {
    tbs: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

/// Puts the three parts together.
pub(super) fn assemble(tbs: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> der::Result<Vec<u8>> {
    let signed = Signed {
        tbs: AnyRef::from_der(tbs)?,
        algorithm: algorithm.identifier(),
        signature: BitStringRef::from_bytes(signature)?,
    };
    signed.to_der()
}

/// Whether `der` is these three parts: the header, then each part's bytes, then the end.
pub(super) fn is_exactly(der: &[u8], tbs: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
    let Ok(outer) = AnyRef::from_der(der) else { return false };
    let Some(rest) = outer.value().strip_prefix(tbs) else { return false };
    let Some(rest) = rest.strip_prefix(algorithm.identifier_der()) else { return false };
    BitStringRef::from_der(rest).is_ok_and(|bits| bits.as_bytes() == Some(signature))
}

#[cfg(test)]
pub(crate) mod tests;
