//! An OCSP answer of anybody as evidence of revocation (RFC 6960), read without changing a byte of it.

use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::digest;
use const_oid::ObjectIdentifier;
use pki_config::status::Reason;
use pki_config::{Instant, oid};

use super::cert::{Cert, Signer};
use super::tolerant::Leniency;
use crate::algorithm::SignatureAlgorithm;
use crate::public_key::PublicKey;
use crate::tlv::{self, BadDer, Reader, Tlv};

/// Longest answer that is read. Unit: bytes.
const LONGEST: usize = 1 << 20;
/// Most certificates an answer may speak of.
const MOST: usize = 1000;
/// Most certificates in an answer that are looked at.
const MOST_CERTS: usize = 8;

/// An OCSP answer (RFC 6960 4.2.1). Cheap to clone; the received bytes are kept. Nothing it says counts before its
/// signature and its signer were checked, which [`super::examine`] does.
#[derive(Clone)]
pub struct OcspAnswer(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    tbs: Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Range<usize>,
    responder: Responder,
    produced_at: Instant,
    singles: Vec<Single>,
    certs: Vec<Cert>,
    signer: Signer,
}

enum Responder {
    /// The DER of its name.
    Name(Vec<u8>),
    /// SHA-1 of its key.
    Key(Vec<u8>),
}

/// What it says of one certificate.
pub(super) struct Single {
    hash: Option<Hash>,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial: Vec<u8>,
    pub(super) status: Status,
    pub(super) this_update: Instant,
    pub(super) next_update: Option<Instant>,
    /// How far back it knows of certificates that expired.
    pub(super) archive_cutoff: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Good,
    Revoked { at: Instant, reason: Reason },
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

impl Hash {
    fn named(id: &[u8]) -> Option<Self> {
        let all: [(ObjectIdentifier, Self); 5] = [
            (oid::SHA1, Self::Sha1),
            (oid::SHA256, Self::Sha256),
            (oid::SHA384, Self::Sha384),
            (oid::SHA512, Self::Sha512),
            (oid::SM3, Self::Sm3),
        ];
        all.into_iter().find(|(known, _)| known.as_bytes() == id).map(|(_, hash)| hash)
    }

    /// SHA-1 here only names things, as RFC 6960 has it.
    fn of(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sm3 => return engine::sm3::hash(data).to_vec(),
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }
}

impl OcspAnswer {
    /// Reads an `OCSPResponse` with an answer in it, or a bare `BasicOCSPResponse` as documents carry them; at most
    /// 1 MiB.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read; a responder's refusal is no answer.
    pub fn from_der(der: &[u8]) -> Result<Self, BadDer> {
        if der.len() > LONGEST {
            return tlv::bad("OCSP answer is too long");
        }
        let mut outer = tlv::single(der, tlv::SEQUENCE, "OCSP answer")?.inside();
        let basic = match outer.optional(tlv::ENUMERATED)? {
            Some(status) if status.value != [0] => return tlv::bad("the OCSP responder refused"),
            Some(_) => {
                let bytes = outer.expect(0xa0, "OCSP response bytes")?.value;
                outer.finish("OCSP answer")?;
                let mut bytes = tlv::single(bytes, tlv::SEQUENCE, "OCSP response bytes")?.inside();
                if bytes.expect(tlv::OID, "kind of OCSP answer")?.value != oid::OCSP_BASIC.as_bytes() {
                    return tlv::bad("kind of OCSP answer");
                }
                let basic = bytes.expect(tlv::OCTET_STRING, "OCSP answer")?.value;
                bytes.finish("OCSP response bytes")?;
                basic
            }
            None => der,
        };
        Self::basic(der, basic)
    }

    /// ```text
    /// BasicOCSPResponse ::= SEQUENCE { tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier,
    ///                                  signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
    /// ResponseData ::= SEQUENCE { version [0] EXPLICIT DEFAULT v1, responderID CHOICE { byName [1], byKey [2] },
    ///                             producedAt GeneralizedTime, responses SEQUENCE OF SingleResponse,
    ///                             responseExtensions [1] EXPLICIT OPTIONAL }
    /// ```
    fn basic(der: &[u8], basic: &[u8]) -> Result<Self, BadDer> {
        let range = |part: &[u8]| {
            let start = part.as_ptr() as usize - der.as_ptr() as usize;
            start..start + part.len()
        };
        let mut leniency = Leniency::lenient();
        let mut outer = tlv::single(basic, tlv::SEQUENCE, "basic OCSP answer")?.inside();
        let tbs = outer.expect(tlv::SEQUENCE, "OCSP response data")?;
        let algorithm = outer.expect(tlv::SEQUENCE, "signature algorithm")?.whole;
        let signature = outer.expect(tlv::BIT_STRING, "signature")?.whole_bits()?;
        let mut certs = Vec::new();
        if let Some(list) = outer.optional(0xa0)? {
            let mut list = tlv::single(list.value, tlv::SEQUENCE, "OCSP certificates")?.inside();
            while !list.is_empty() && certs.len() < MOST_CERTS {
                certs.extend(Cert::from_der_tolerant(list.any()?.whole));
            }
        }
        outer.finish("basic OCSP answer")?;
        let mut data = tbs.inside();
        if let Some(version) = data.optional(0xa0)?
            && tlv::single(version.value, tlv::INTEGER, "OCSP version")?.small()? != 0
        {
            return tlv::bad("OCSP version");
        }
        let responder = data.any()?;
        let responder = match responder.tag {
            0xa1 => Responder::Name(responder.value.to_vec()),
            0xa2 => Responder::Key(tlv::single(responder.value, tlv::OCTET_STRING, "responder")?.value.to_vec()),
            _ => return tlv::bad("responder"),
        };
        let produced_at = leniency.time(data.any()?)?;
        let mut list = data.expect(tlv::SEQUENCE, "OCSP responses")?.inside();
        let mut singles = Vec::new();
        while !list.is_empty() {
            if singles.len() == MOST {
                return tlv::bad("too many OCSP responses");
            }
            singles.push(Single::read(list.expect(tlv::SEQUENCE, "OCSP response")?, &mut leniency)?);
        }
        if let Some(list) = data.optional(0xa1)?
            && extensions(list.value)?.iter().any(|(_, critical, _)| *critical)
        {
            return tlv::bad("critical extension of an OCSP answer");
        }
        data.finish("OCSP response data")?;
        Ok(Self(Arc::new(Parts {
            tbs: range(tbs.whole),
            algorithm: leniency.algorithm(algorithm, algorithm),
            signature: range(signature),
            responder,
            produced_at,
            singles,
            certs,
            signer: Signer::default(),
            der: der.to_vec(),
        })))
    }

    /// The answer as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// When it was signed.
    #[must_use]
    pub fn produced_at(&self) -> Instant {
        self.0.produced_at
    }

    /// The certificates it carries, as far as they can be read.
    #[must_use]
    pub fn certificates(&self) -> &[Cert] {
        &self.0.certs
    }

    /// Whether it speaks of this certificate of this issuer.
    #[must_use]
    pub fn is_about(&self, cert: &Cert, issuer: &Cert) -> bool {
        self.about(cert, issuer).is_some()
    }

    /// What it says of this certificate of this issuer: the newest, should it say several things.
    pub(super) fn about(&self, cert: &Cert, issuer: &Cert) -> Option<&Single> {
        // The name as the certificate has it, or as its issuer has it: they may differ in a way that does not matter.
        let names = [cert.issuer(), issuer.subject()];
        let key = key_bits(issuer.spki())?;
        let is_meant = |one: &&Single| {
            one.serial == cert.serial()
                && one.hash.is_some_and(|hash| {
                    one.key_hash == hash.of(key) && names.iter().any(|name| one.name_hash == hash.of(name))
                })
        };
        self.0.singles.iter().filter(is_meant).max_by_key(|one| one.this_update)
    }

    /// Whether this certificate is the one that the answer says signed it.
    pub(super) fn is_of(&self, responder: &Cert) -> bool {
        match &self.0.responder {
            Responder::Name(name) => super::names::same_name(name, responder.subject()),
            Responder::Key(hash) => key_bits(responder.spki()).is_some_and(|key| Hash::Sha1.of(key) == *hash),
        }
    }

    /// Whether this key made its signature. Asked again with the same key, it costs nothing.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let part = |range: &Range<usize>| self.0.der.get(range.clone()).unwrap_or_default();
        let Some(algorithm) = self.0.algorithm else { return false };
        self.0.signer.is(key, || key.verify_tolerant(algorithm, part(&self.0.tbs), part(&self.0.signature)))
    }

    /// Whether [`OcspAnswer::is_signed_by`] needs no computing any more for this key.
    pub(super) fn is_known_signed_by(&self, key: &PublicKey) -> bool {
        self.0.signer.is_known(key)
    }
}

impl std::fmt::Debug for OcspAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OcspAnswer({} bytes of {})", self.0.der.len(), self.0.produced_at)
    }
}

impl Single {
    /// ```text
    /// SingleResponse ::= SEQUENCE { certID CertID, certStatus CHOICE { good [0] NULL, revoked [1] RevokedInfo,
    ///                               unknown [2] NULL }, thisUpdate GeneralizedTime, nextUpdate [0] EXPLICIT OPTIONAL,
    ///                               singleExtensions [1] EXPLICIT OPTIONAL }
    /// CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING,
    ///                       issuerKeyHash OCTET STRING, serialNumber INTEGER }
    /// ```
    fn read(single: Tlv<'_>, leniency: &mut Leniency) -> Result<Self, BadDer> {
        let mut fields = single.inside();
        let mut id = fields.expect(tlv::SEQUENCE, "CertID")?.inside();
        let hash = id.expect(tlv::SEQUENCE, "hash algorithm")?.inside().expect(tlv::OID, "hash algorithm")?.value;
        let name_hash = id.expect(tlv::OCTET_STRING, "issuer name hash")?.value.to_vec();
        let key_hash = id.expect(tlv::OCTET_STRING, "issuer key hash")?.value.to_vec();
        let serial = id.expect(tlv::INTEGER, "serial number")?.value.to_vec();
        id.finish("CertID")?;
        let status = fields.any()?;
        let status = match status.tag {
            0x80 if status.value.is_empty() => Status::Good,
            0x82 if status.value.is_empty() => Status::Unknown,
            0xa1 => revoked(status.inside(), leniency)?,
            _ => return tlv::bad("certificate status"),
        };
        let this_update = leniency.time(fields.any()?)?;
        let next_update = match fields.optional(0xa0)? {
            Some(time) => Some(leniency.time(tlv::single(time.value, tlv::GENERALIZED_TIME, "nextUpdate")?)?),
            None => None,
        };
        let mut archive_cutoff = None;
        if let Some(list) = fields.optional(0xa1)? {
            for (id, critical, value) in extensions(list.value)? {
                if id == oid::OCSP_ARCHIVE_CUTOFF.as_bytes() {
                    archive_cutoff = Some(tlv::single(value, tlv::GENERALIZED_TIME, "archive cutoff")?.time()?);
                } else if critical {
                    return tlv::bad("critical extension of an OCSP response");
                }
            }
        }
        fields.finish("OCSP response")?;
        let hash = Hash::named(hash);
        Ok(Self { hash, name_hash, key_hash, serial, status, this_update, next_update, archive_cutoff })
    }
}

fn revoked(mut info: Reader<'_>, leniency: &mut Leniency) -> Result<Status, BadDer> {
    let at = leniency.time(info.any()?)?;
    let reason = match info.optional(0xa0)? {
        Some(reason) => match tlv::single(reason.value, tlv::ENUMERATED, "reason")?.value {
            [code] => Reason::from_code(*code),
            _ => return tlv::bad("reason"),
        },
        None => None,
    };
    info.finish("revocation")?;
    Ok(Status::Revoked { at, reason: reason.unwrap_or(Reason::Unspecified) })
}

/// OID, critical, value.
type Extension<'a> = (&'a [u8], bool, &'a [u8]);

fn extensions(list: &[u8]) -> Result<Vec<Extension<'_>>, BadDer> {
    let mut list = tlv::single(list, tlv::SEQUENCE, "OCSP extensions")?.inside();
    let mut all = Vec::new();
    while !list.is_empty() {
        if all.len() == 64 {
            return tlv::bad("too many OCSP extensions");
        }
        let mut one = list.expect(tlv::SEQUENCE, "OCSP extension")?.inside();
        let id = one.expect(tlv::OID, "OCSP extension")?.value;
        let critical = one.optional(tlv::BOOLEAN)?.map_or(Ok(false), Tlv::boolean)?;
        all.push((id, critical, one.expect(tlv::OCTET_STRING, "OCSP extension")?.value));
        one.finish("OCSP extension")?;
    }
    Ok(all)
}

/// The content of the BIT STRING of a SubjectPublicKeyInfo: what RFC 6960 takes the hash of.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let mut inside = tlv::single(spki, tlv::SEQUENCE, "key").ok()?.inside();
    inside.any().ok()?;
    inside.expect(tlv::BIT_STRING, "key bits").ok()?.whole_bits().ok()
}
