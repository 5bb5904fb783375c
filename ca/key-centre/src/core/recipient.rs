//! To whom a key may be handed.

use std::fmt;

use crypto_pool::envelope::private_key;
use crypto_pool::path::Cert;
use engine::sm2::PublicKey;
use pki_config::Instant;
use pki_config::status::CertStatus;

/// The longest certificate that is taken. Unit: bytes.
pub const LONGEST: usize = 64 * 1024;

/// A certificate whose holder may get the key. Only the checks here make one.
#[derive(Debug, Clone)]
pub struct Recipient {
    key: PublicKey,
}

/// Why a certificate's holder does not get the key. Caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsuitable {
    /// It does not read.
    Unreadable,
    /// It is not for an SM2 key.
    NoSm2,
    /// It is an authority's.
    Authority,
    /// It is not valid yet, or not any more.
    Period,
    /// It is for another name than the archived key.
    OtherName,
    /// Its key is not for signing.
    NotForSigning,
    /// It is not one that this authority issued to this tenant.
    Foreign,
    /// It is revoked or on hold.
    Revoked,
    /// It is for the very key that is to be recovered.
    SameKey,
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the certificate does not read",
            Self::NoSm2 => "the certificate is not for an SM2 key",
            Self::Authority => "the certificate is an authority's",
            Self::Period => "the certificate is not valid now",
            Self::OtherName => "the certificate is for another name than the archived key",
            Self::NotForSigning => "the certificate is not one to sign with; give the holder's signing certificate",
            Self::Foreign => "the certificate was not issued here; give the holder's signing certificate of now",
            Self::Revoked => "the certificate is revoked or on hold",
            Self::SameKey => "the certificate is for the key that is to be recovered",
        })
    }
}

impl std::error::Error for Unsuitable {}

impl Recipient {
    /// The holder, by the signing certificate it has now. `subject` and `spki` are the archived key's, `status` is what
    /// the authority says of this very certificate among this tenant's.
    ///
    /// # Errors
    /// [`Unsuitable`].
    pub fn holder(
        certificate: &[u8],
        subject: &[u8],
        spki: &[u8],
        status: Option<CertStatus>,
        now: Instant,
    ) -> Result<Self, Unsuitable> {
        let (cert, key) = read(certificate, spki, now)?;
        if cert.subject() != subject {
            return Err(Unsuitable::OtherName);
        }
        if !cert.extensions().key_usage.is_some_and(|usage| usage.digital_signature()) {
            return Err(Unsuitable::NotForSigning);
        }
        match status {
            None => Err(Unsuitable::Foreign),
            Some(CertStatus::Revoked(_)) => Err(Unsuitable::Revoked),
            Some(CertStatus::Good) => Ok(Self { key }),
        }
    }

    /// A court or another authority that may ask for the key, by a certificate the officers compare. Whoever issued it.
    ///
    /// # Errors
    /// [`Unsuitable`].
    pub fn court(certificate: &[u8], spki: &[u8], now: Instant) -> Result<Self, Unsuitable> {
        let (_, key) = read(certificate, spki, now)?;
        Ok(Self { key })
    }

    /// The key that the envelope will be for.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

fn read(certificate: &[u8], spki: &[u8], now: Instant) -> Result<(Cert, PublicKey), Unsuitable> {
    if certificate.len() > LONGEST {
        return Err(Unsuitable::Unreadable);
    }
    let cert = Cert::from_der_tolerant(certificate).map_err(|_| Unsuitable::Unreadable)?;
    let key = private_key::public_of_spki(cert.spki()).map_err(|_| Unsuitable::NoSm2)?;
    if cert.extensions().basic_constraints.is_some_and(|constraints| constraints.ca) {
        return Err(Unsuitable::Authority);
    }
    // The whole last second belongs to the validity.
    if now < cert.not_before() || now.whole_second() > cert.not_after() {
        return Err(Unsuitable::Period);
    }
    if cert.spki() == spki {
        return Err(Unsuitable::SameKey);
    }
    Ok((cert, key))
}
