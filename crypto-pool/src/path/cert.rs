//! A certificate of anybody, read without changing a byte of it.

use std::sync::{Arc, OnceLock};

use pki_config::Instant;

use super::extensions::Extensions;
use super::tolerant::{self, Deviation, Leniency};
use crate::algorithm::SignatureAlgorithm;
use crate::ber;
use crate::public_key::{BadKey, PublicKey};
use crate::tlv::{self, BadDer};

/// Longest certificate that is read. Unit: bytes.
const LONGEST: usize = 65_536;

/// A certificate (RFC 5280 4.1). Cheap to clone; the received bytes are kept, and signatures are checked
/// over exactly those. Reading is strict in structure; even so, untrimmed key usage bits and `NULL` parameters with SM2
/// are read, which most certificates in the field have.
#[derive(Clone)]
pub struct Cert(Arc<Parts>);

struct Parts {
    /// As received.
    der: Vec<u8>,
    /// The same in DER, if what was received is not. All spans but `tbs` lie in it then.
    copy: Option<Vec<u8>>,
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
    signer: Signer,
    leniency: Leniency,
}

/// The three parts of a signed structure.
pub(super) struct Outer<'a> {
    pub(super) tbs: &'a [u8],
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl<'a> Outer<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut outer = tlv::single(der, tlv::SEQUENCE, "signed structure")?.inside();
        let tbs = outer.expect(tlv::SEQUENCE, "to-be-signed part")?.whole;
        let algorithm = outer.expect(tlv::SEQUENCE, "signature algorithm")?.whole;
        let signature = outer.expect(tlv::BIT_STRING, "signature")?.whole_bits()?;
        outer.finish("signed structure")?;
        Ok(Self { tbs, algorithm, signature })
    }
}

/// The key that was found to have made a signature. Set once, and only by a signature that is right.
#[derive(Default)]
pub(super) struct Signer(OnceLock<PublicKey>);

impl Signer {
    pub(super) fn is_known(&self, key: &PublicKey) -> bool {
        self.0.get() == Some(key)
    }

    pub(super) fn is(&self, key: &PublicKey, verify: impl FnOnce() -> bool) -> bool {
        let right = self.is_known(key) || verify();
        if right {
            let _ = self.0.set(key.clone());
        }
        right
    }
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

    fn within(self, all: &[u8]) -> &[u8] {
        all.get(self.start..self.end).unwrap_or_default()
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
        let outer = Outer::read(der)?;
        Parts::read(der, None, outer.tbs, Leniency::STRICT)
    }

    /// As [`Cert::from_der`], and puts up with what real certificates have: see [`Deviation`]. For verifying what others
    /// signed, never for a certificate of one's own.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read even so.
    pub fn from_der_tolerant(der: &[u8]) -> Result<Self, BadDer> {
        if der.len() > LONGEST {
            return tlv::bad("certificate is too long");
        }
        if let Ok(outer) = Outer::read(der)
            && let Ok(cert) = Parts::read(der, None, outer.tbs, Leniency::lenient())
        {
            return Ok(cert);
        }
        // Fields are read in a copy that is DER; what was signed, and by which signature, in the bytes received.
        let unreadable = BadDer { what: "certificate" };
        let copy = ber::to_der(der).ok_or(unreadable)?;
        let [tbs, _, _] = ber::parts(der).ok_or(unreadable)?.try_into().map_err(|_| unreadable)?;
        let mut leniency = Leniency::lenient();
        leniency.note(Deviation::Encoding);
        Parts::read(der, Some(copy), tbs.whole, leniency)
    }

    fn part(&self, span: Span) -> &[u8] {
        span.within(self.0.copy.as_deref().unwrap_or(&self.0.der))
    }

    /// How it deviates from the standard, if it was read tolerantly and does.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.0.leniency.found
    }

    /// The certificate as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The to-be-signed part as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.0.tbs.within(&self.0.der)
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
        let read = if self.0.leniency.is_lenient { PublicKey::from_spki_tolerant } else { PublicKey::from_spki };
        self.0.key.get_or_init(|| read(self.spki())).as_ref().map_err(|why| *why)
    }

    /// Whether this key made its signature. Asked again with the same key, of this certificate or a clone of it, it
    /// costs nothing.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let Some(algorithm) = self.0.algorithm else { return false };
        self.0.signer.is(key, || match self.0.leniency.is_lenient {
            true => key.verify_tolerant(algorithm, self.tbs(), self.signature()),
            false => key.verify(algorithm, self.tbs(), self.signature()),
        })
    }

    /// Whether [`Cert::is_signed_by`] needs no computing any more for this key.
    pub(super) fn is_known_signed_by(&self, key: &PublicKey) -> bool {
        self.0.signer.is_known(key)
    }

    /// Whether issuer and subject are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        super::names::same_name(self.issuer(), self.subject())
    }
}

impl Parts {
    /// Reads the fields in `copy`, or in `der` where that is DER itself; `tbs` lies in what was received.
    fn read(der: &[u8], copy: Option<Vec<u8>>, tbs: &[u8], mut leniency: Leniency) -> Result<Cert, BadDer> {
        let all = copy.as_deref().unwrap_or(der);
        let outer = Outer::read(all)?;
        let mut fields = tlv::single(outer.tbs, tlv::SEQUENCE, "TBSCertificate")?.inside();
        let version = match fields.optional(0xa0)? {
            Some(version) => tlv::single(version.value, tlv::INTEGER, "version")?.small()?,
            None => 0,
        };
        let serial = fields.expect(tlv::INTEGER, "serial number")?;
        let inner = fields.expect(tlv::SEQUENCE, "signature algorithm")?;
        let issuer = fields.expect(tlv::SEQUENCE, "issuer")?;
        let mut validity = fields.expect(tlv::SEQUENCE, "validity")?.inside();
        let not_before = leniency.time(validity.any()?)?;
        let not_after = leniency.time(validity.any()?)?;
        validity.finish("validity")?;
        let subject = fields.expect(tlv::SEQUENCE, "subject")?;
        let spki = fields.expect(tlv::SEQUENCE, "public key")?;
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let extensions = match fields.optional(0xa3)? {
            Some(list) => {
                let right = if version == 2 { Ok(()) } else { tlv::bad("extensions need version 3") };
                leniency.or(right, Deviation::Version, || Some(()))?;
                Extensions::read(list.value, &mut leniency)?
            }
            None => Extensions::default(),
        };
        fields.finish("TBSCertificate")?;
        if version > 2 || serial.value.is_empty() || serial.value.len() > 128 {
            return tlv::bad("version or serial number");
        }
        let right = if serial.value.len() > 21 { tlv::bad("serial number") } else { Ok(()) };
        leniency.or(right, Deviation::SerialNumber, || Some(()))?;
        // The inner identifier is signed, the outer is not; they must say the same (RFC 5280 4.1.1.2).
        let algorithm = leniency.algorithm(outer.algorithm, inner.whole);
        if leniency.is_lenient {
            if serial.value.first().is_some_and(|first| *first >= 0x80) {
                leniency.note(Deviation::SerialNumber);
            }
            if algorithm == Some(SignatureAlgorithm::Sm2Sm3)
                && engine::sm2::Signature::from_der(outer.signature).is_err()
            {
                leniency.note(Deviation::Signature);
            }
            if tolerant::is_sm2_by_another_name(spki.whole) {
                leniency.note(Deviation::KeyAlgorithm);
            }
        }
        let parts = Self {
            tbs: Span::of(tbs, der),
            algorithm,
            signature: Span::of(outer.signature, all),
            serial: Span::of(serial.value, all),
            issuer: Span::of(issuer.whole, all),
            subject: Span::of(subject.whole, all),
            spki: Span::of(spki.whole, all),
            not_before,
            not_after,
            extensions,
            key: OnceLock::new(),
            signer: Signer::default(),
            der: der.to_vec(),
            copy,
            leniency,
        };
        Ok(Cert(Arc::new(parts)))
    }
}

impl PartialEq for Cert {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
    }
}

impl Eq for Cert {}

impl std::fmt::Debug for Cert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cert(serial {})", crate::hex::of(self.serial()))
    }
}
