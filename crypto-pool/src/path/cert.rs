//! A certificate of anybody, read without changing a byte of it.

use std::sync::{Arc, OnceLock};

use pki_config::Instant;

use super::extensions::Extensions;
use crate::algorithm::SignatureAlgorithm;
use crate::public_key::{BadKey, PublicKey};
use crate::tlv::{self, BadDer};

/// Longest certificate that is read. Unit: bytes.
const LONGEST: usize = 65_536;

/// A certificate (RFC 5280 4.1). Cheap to clone; the received bytes are kept, and signatures are checked
/// over exactly those. Reading is strict in structure and lenient where the field is known to deviate
/// (untrimmed key usage bits, `NULL` parameters with SM2).
#[derive(Clone)]
pub struct Cert(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    tbs: Span,
    algorithm: Option<SignatureAlgorithm>,
    signature: Span,
    serial: Span,
    issuer: Span,
    subject: Span,
    spki: Span,
    not_before: Instant,
    not_after: Instant,
    extensions: Extensions,
    key: OnceLock<Result<PublicKey, BadKey>>,
}

/// A part of the received bytes.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// Where `part` lies within `all`, of which it is a slice.
    fn of(part: &[u8], all: &[u8]) -> Self {
        let start = part.as_ptr() as usize - all.as_ptr() as usize;
        Self { start, end: start + part.len() }
    }
}

impl Cert {
    /// Reads a certificate of at most 64 KiB.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read.
    pub fn from_der(der: &[u8]) -> Result<Self, BadDer> {
        if der.len() > LONGEST {
            return tlv::bad("certificate is too long");
        }
        let mut outer = tlv::single(der, tlv::SEQUENCE, "certificate")?.inside();
        let tbs = outer.expect(tlv::SEQUENCE, "TBSCertificate")?;
        let algorithm = outer.expect(tlv::SEQUENCE, "signature algorithm")?;
        let signature = outer.expect(tlv::BIT_STRING, "signature")?.whole_bits()?;
        outer.finish("certificate")?;

        let mut fields = tbs.inside();
        let version = match fields.optional(0xa0)? {
            Some(version) => tlv::single(version.value, tlv::INTEGER, "version")?.small()?,
            None => 0,
        };
        let serial = fields.expect(tlv::INTEGER, "serial number")?;
        let inner = fields.expect(tlv::SEQUENCE, "signature algorithm")?;
        let issuer = fields.expect(tlv::SEQUENCE, "issuer")?;
        let mut validity = fields.expect(tlv::SEQUENCE, "validity")?.inside();
        let not_before = validity.any()?.time()?;
        let not_after = validity.any()?.time()?;
        validity.finish("validity")?;
        let subject = fields.expect(tlv::SEQUENCE, "subject")?;
        let spki = fields.expect(tlv::SEQUENCE, "public key")?;
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let extensions = match fields.optional(0xa3)? {
            Some(list) if version == 2 => Extensions::read(list.value)?,
            Some(_) => return tlv::bad("extensions need version 3"),
            None => Extensions::default(),
        };
        fields.finish("TBSCertificate")?;
        if version > 2 || serial.value.is_empty() || serial.value.len() > 21 {
            return tlv::bad("version or serial number");
        }
        // The inner identifier is signed, the outer is not; they must say the same (RFC 5280 4.1.1.2),
        // where absent and NULL parameters count as the same.
        let algorithm = SignatureAlgorithm::from_identifier_der(algorithm.whole)
            .filter(|outer| SignatureAlgorithm::from_identifier_der(inner.whole) == Some(*outer));
        let parts = Parts {
            tbs: Span::of(tbs.whole, der),
            algorithm,
            signature: Span::of(signature, der),
            serial: Span::of(serial.value, der),
            issuer: Span::of(issuer.whole, der),
            subject: Span::of(subject.whole, der),
            spki: Span::of(spki.whole, der),
            not_before,
            not_after,
            extensions,
            key: OnceLock::new(),
            der: der.to_vec(),
        };
        Ok(Self(Arc::new(parts)))
    }

    fn part(&self, span: Span) -> &[u8] {
        &self.0.der[span.start..span.end]
    }

    /// The certificate as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The to-be-signed part as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.part(self.0.tbs)
    }

    /// The signature's algorithm; `None` if it is none of ours or inner and outer differ.
    #[must_use]
    pub fn algorithm(&self) -> Option<SignatureAlgorithm> {
        self.0.algorithm
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.part(self.0.signature)
    }

    /// The content octets of the serial number.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.part(self.0.serial)
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.part(self.0.issuer)
    }

    /// The DER of the subject's name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.part(self.0.subject)
    }

    /// The DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.part(self.0.spki)
    }

    /// The first second of its validity.
    #[must_use]
    pub fn not_before(&self) -> Instant {
        self.0.not_before
    }

    /// The last second of its validity.
    #[must_use]
    pub fn not_after(&self) -> Instant {
        self.0.not_after
    }

    /// What its extensions say.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The subject's public key, checked once.
    ///
    /// # Errors
    /// [`BadKey`] if it is not acceptable.
    pub fn public_key(&self) -> Result<&PublicKey, BadKey> {
        self.0.key.get_or_init(|| PublicKey::from_spki(self.spki())).as_ref().map_err(|why| *why)
    }

    /// Whether this key made its signature.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.0.algorithm.is_some_and(|algorithm| key.verify(algorithm, self.tbs(), self.signature()))
    }

    /// Whether issuer and subject are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        super::names::same_name(self.issuer(), self.subject())
    }
}

impl PartialEq for Cert {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Cert {}

impl std::fmt::Debug for Cert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cert(serial {})", crate::hex::of(self.serial()))
    }
}
