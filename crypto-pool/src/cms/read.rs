//! SignedData of anybody, read: under the arc of CMS or of GM/T 0010 or mixed, with its content or without,
//! with signed attributes or (PKCS #7, GM/T 0010) without. Nothing is checked here but the structure.
//!
//! ```text
//! SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo SEQUENCE { OID, [0] EXPLICIT OPTIONAL },
//!                certificates [0] IMPLICIT OPTIONAL, crls [1] IMPLICIT OPTIONAL, signerInfos SET OF SignerInfo }
//! SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0] IMPLICIT SET OF Attribute OPTIONAL,
//!                signatureAlgorithm, signature OCTET STRING, unsignedAttrs [1] IMPLICIT OPTIONAL }
//! ```

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use pki_config::{Instant, oid};

use crate::algorithm::SignatureAlgorithm;
use crate::digest::{self, Hash};
use crate::path::Cert;
use crate::tlv::{self, BadDer, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Tlv, bad};

/// Longest message that is read. Unit: bytes.
pub const LONGEST: usize = 8 << 20;
/// Most certificates, signers or attributes.
const MOST: usize = 64;

/// Why bytes are no signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadMessage {
    /// They do not read.
    Der(BadDer),
    /// A message, but not a signed one.
    NotSigned,
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Der(why) => why.fmt(f),
            Self::NotSigned => f.write_str("a message that is not signed"),
        }
    }
}

impl std::error::Error for BadMessage {}

impl From<BadDer> for BadMessage {
    fn from(why: BadDer) -> Self {
        Self::Der(why)
    }
}

/// A signed message that was read.
#[derive(Debug, Clone)]
pub struct SignedData {
    /// The type of the content: content octets of the OID.
    pub content_type: Vec<u8>,
    /// The content, if it is within: the octets that its digest is over.
    pub content: Option<Vec<u8>>,
    /// Whether the content stands in an OCTET STRING, as CMS has it; PKCS #7 puts anything there.
    pub in_octets: bool,
    /// The digest algorithms that are named ahead of the content: content octets of their OIDs.
    pub digests: Vec<Vec<u8>>,
    /// The certificates that came along, as far as they read.
    pub certificates: Vec<Cert>,
    /// The CRLs that came along, DER.
    pub crls: Vec<Vec<u8>>,
    /// Who signed.
    pub signers: Vec<SignerInfo>,
}

/// How the signer is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerId {
    /// By issuer (DER of the name) and serial (content octets).
    IssuerAndSerial {
        /// DER.
        issuer: Vec<u8>,
        /// Content octets.
        serial: Vec<u8>,
    },
    /// By the key identifier in its certificate.
    KeyId(Vec<u8>),
}

/// Who signed, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerInfo {
    /// Who.
    pub id: SignerId,
    /// The digest of content and attributes; `None` if not known here.
    pub hash: Option<Hash>,
    /// Its identifier, for people.
    pub hash_oid: Option<Oid>,
    /// The signature's algorithm; `None` if not known here.
    pub algorithm: Option<SignatureAlgorithm>,
    /// Its identifier, for people.
    pub algorithm_oid: Option<Oid>,
    /// The signed attributes as the SET that was signed; empty if there are none and the content itself was signed.
    pub attributes: Vec<u8>,
    /// `contentType` of the attributes: content octets of the OID.
    pub content_type: Option<Vec<u8>>,
    /// `messageDigest` of the attributes.
    pub message_digest: Option<Vec<u8>>,
    /// `signingCertificateV2`, its value.
    pub signing_certificate_v2: Option<Vec<u8>>,
    /// `signingCertificate`, its value.
    pub signing_certificate_v1: Option<Vec<u8>>,
    /// `signingTime`: the signer's claim.
    pub signing_time: Option<Instant>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The time-stamp token over the signature among the unsigned attributes, DER.
    pub time_stamp: Option<Vec<u8>>,
}

impl SignedData {
    /// Reads a `ContentInfo` with a SignedData.
    ///
    /// # Errors
    /// [`BadMessage`].
    pub fn from_der(der: &[u8]) -> Result<Self, BadMessage> {
        if der.len() > LONGEST {
            return Err(BadMessage::Der(BadDer { what: "the message is too long" }));
        }
        Self::from_content_info(tlv::single(der, SEQUENCE, "message")?)
    }

    pub(crate) fn from_content_info(outer: Tlv<'_>) -> Result<Self, BadMessage> {
        let mut fields = outer.inside();
        let kind = fields.expect(tlv::OID, "content type")?.value;
        if kind != oid::SIGNED_DATA.as_bytes() && kind != oid::GM_SIGNED_DATA.as_bytes() {
            return Err(BadMessage::NotSigned);
        }
        let explicit = fields.expect(0xa0, "content")?;
        fields.finish("content info")?;
        let mut data = tlv::single(explicit.value, SEQUENCE, "signed data")?.inside();
        version(data.expect(INTEGER, "version")?, &[1, 3, 4, 5], "version of the signed data")?;
        let digests = digests(data.expect(SET, "digest algorithms")?)?;
        let mut encapsulated = data.expect(SEQUENCE, "encapsulated content")?.inside();
        let content_type = encapsulated.expect(tlv::OID, "content type")?.value.to_vec();
        let content = encapsulated.optional(0xa0)?.map(content).transpose()?;
        let in_octets = content.is_some_and(|content| content.tag == OCTET_STRING);
        encapsulated.finish("encapsulated content")?;
        let mut certificates = Vec::new();
        if let Some(set) = data.optional(0xa0)? {
            let mut set = set.inside();
            while !set.is_empty() && certificates.len() < MOST {
                let one = set.any()?;
                // Attribute certificates and others have other tags; what does not read cannot help.
                if let (SEQUENCE, Ok(cert)) = (one.tag, Cert::from_der_tolerant(one.whole)) {
                    certificates.push(cert);
                }
            }
        }
        let mut crls = Vec::new();
        if let Some(set) = data.optional(0xa1)? {
            let mut set = set.inside();
            while !set.is_empty() && crls.len() < MOST {
                crls.push(set.any()?.whole.to_vec());
            }
        }
        let mut infos = data.expect(SET, "signer infos")?.inside();
        data.finish("signed data")?;
        let mut signers = Vec::new();
        while !infos.is_empty() {
            if signers.len() == MOST {
                return bad("too many signers").map_err(BadMessage::from);
            }
            signers.push(SignerInfo::read(infos.expect(SEQUENCE, "signer info")?)?);
        }
        let content = content.map(|content| content.value.to_vec());
        Ok(Self { content_type, content, in_octets, digests, certificates, crls, signers })
    }

    /// The certificate that this signer names as its own, among those that came along and `others`.
    #[must_use]
    pub fn certificate_of<'a>(&'a self, signer: &SignerInfo, others: &'a [Cert]) -> Option<&'a Cert> {
        certificate_of(signer, self.certificates.iter().chain(others))
    }
}

/// The content: an OCTET STRING, or (PKCS #7) whatever stands there. What is signed is without its header.
fn content(explicit: Tlv<'_>) -> Result<Tlv<'_>, BadDer> {
    let mut inside = explicit.inside();
    let one = inside.any()?;
    inside.finish("content")?;
    Ok(one)
}

/// A version that exists (RFC 5652 5.1 and 5.3, RFC 2315 9.1). Which of them goes with what else stands in the
/// message is not held against it: real ones mix them up.
fn version(found: Tlv<'_>, known: &[u64], what: &'static str) -> Result<(), BadDer> {
    if known.contains(&found.small()?) { Ok(()) } else { bad(what) }
}

/// `DigestAlgorithmIdentifiers ::= SET OF DigestAlgorithmIdentifier`.
fn digests(set: Tlv<'_>) -> Result<Vec<Vec<u8>>, BadDer> {
    let (mut set, mut digests) = (set.inside(), Vec::new());
    while !set.is_empty() {
        if digests.len() == MOST {
            return bad("too many digest algorithms");
        }
        let named = set.expect(SEQUENCE, "digest algorithms")?;
        digests.push(named.inside().expect(tlv::OID, "digest algorithms")?.value.to_vec());
    }
    Ok(digests)
}

/// Several certificates may have the same name and serial; the one that the signed attributes measure is meant.
pub(crate) fn certificate_of<'a>(signer: &SignerInfo, among: impl Iterator<Item = &'a Cert>) -> Option<&'a Cert> {
    let mut named = among.filter(|cert| signer.id.names(cert)).peekable();
    let first = named.peek().copied();
    named.find(|cert| signer.names_certificate(cert) == Some(true)).or(first)
}

impl SignerId {
    fn names(&self, cert: &Cert) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => cert.issuer() == issuer && cert.serial() == serial,
            Self::KeyId(id) => cert.extensions().subject_key_id.as_deref() == Some(id),
        }
    }
}

fn identifier(value: &[u8]) -> Option<Oid> {
    Oid::from_bytes(value).ok()
}

impl SignerInfo {
    pub(crate) fn read(whole: Tlv<'_>) -> Result<Self, BadDer> {
        let mut fields = whole.inside();
        version(fields.expect(INTEGER, "signer info version")?, &[1, 3], "version of the signer info")?;
        let id = match fields.optional(0x80)? {
            Some(key) => SignerId::KeyId(key.value.to_vec()),
            None => {
                let mut sid = fields.expect(SEQUENCE, "signer")?.inside();
                let issuer = sid.expect(SEQUENCE, "issuer")?.whole.to_vec();
                let serial = sid.expect(INTEGER, "serial number")?.value.to_vec();
                sid.finish("signer")?;
                SignerId::IssuerAndSerial { issuer, serial }
            }
        };
        let hash_oid =
            fields.expect(SEQUENCE, "digest algorithm")?.inside().expect(tlv::OID, "digest algorithm")?.value;
        let hash = Hash::from_oid_content(hash_oid);
        let attributes = fields.optional(0xa0)?;
        let named = fields.expect(SEQUENCE, "signature algorithm")?;
        let signature = fields.expect(OCTET_STRING, "signature")?.value.to_vec();
        let unsigned = fields.optional(0xa1)?;
        fields.finish("signer info")?;
        let mut info = Self {
            id,
            hash,
            hash_oid: identifier(hash_oid),
            algorithm: signature_algorithm(named, hash),
            algorithm_oid: named.inside().expect(tlv::OID, "algorithm").ok().and_then(|oid| identifier(oid.value)),
            // Signed as a SET (RFC 5652 5.4), written with the tag [0].
            attributes: attributes.map_or_else(Vec::new, |set| {
                set.whole.split_first().map_or_else(Vec::new, |(_, rest)| [&[SET], rest].concat())
            }),
            content_type: None,
            message_digest: None,
            signing_certificate_v2: None,
            signing_certificate_v1: None,
            signing_time: None,
            signature,
            time_stamp: None,
        };
        if let Some(set) = attributes {
            info.take_in(set)?;
        }
        if let Some(set) = unsigned {
            each(set, |kind, mut values| {
                if kind == oid::SIGNATURE_TIME_STAMP.as_bytes() && info.time_stamp.is_none() {
                    info.time_stamp = Some(values.any()?.whole.to_vec());
                }
                Ok(())
            })?;
        }
        Ok(info)
    }

    fn take_in(&mut self, set: Tlv<'_>) -> Result<(), BadDer> {
        each(set, |kind, mut values| {
            let is = |known: Oid| known.as_bytes() == kind;
            let place = if is(oid::CONTENT_TYPE) {
                &mut self.content_type
            } else if is(oid::MESSAGE_DIGEST) {
                &mut self.message_digest
            } else if is(oid::SIGNING_CERTIFICATE_V2) {
                &mut self.signing_certificate_v2
            } else if is(oid::SIGNING_CERTIFICATE) {
                &mut self.signing_certificate_v1
            } else if is(oid::SIGNING_TIME) {
                self.signing_time = values.any()?.time().ok();
                return Ok(());
            } else {
                return Ok(());
            };
            // Each once, with one value: what is there twice could mean two things (RFC 5652 11).
            let value = values.any()?;
            values.finish("attribute values")?;
            if place.is_some() {
                return bad("an attribute twice");
            }
            let inner = if matches!(value.tag, tlv::OID | OCTET_STRING) { value.value } else { value.whole };
            *place = Some(inner.to_vec());
            Ok(())
        })
    }

    /// Whether the signed attributes name this certificate; `None` if they name none that can be compared.
    #[must_use]
    pub fn names_certificate(&self, cert: &Cert) -> Option<bool> {
        if let Some(value) = &self.signing_certificate_v2 {
            // ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, issuerSerial OPTIONAL }.
            let mut id = first_id(value)?;
            let hash = match id.optional(SEQUENCE).ok()? {
                Some(named) => Hash::from_oid_content(named.inside().expect(tlv::OID, "hash").ok()?.value)?,
                None => Hash::Sha256,
            };
            let listed = id.expect(OCTET_STRING, "certHash").ok()?.value;
            let serial = id.optional(SEQUENCE).ok()?;
            return Some(digest::of(hash, cert.der()) == listed && is_issuer_serial(serial, cert));
        }
        // ESSCertID ::= SEQUENCE { certHash OCTET STRING (SHA-1), issuerSerial OPTIONAL }: only to find the
        // certificate of an old message; what it proves rests on the signature's own digest.
        let mut id = first_id(self.signing_certificate_v1.as_deref()?)?;
        let listed = id.expect(OCTET_STRING, "certHash").ok()?.value;
        let serial = id.optional(SEQUENCE).ok()?;
        let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, cert.der());
        Some(sha1.as_ref() == listed && is_issuer_serial(serial, cert))
    }
}

/// Calls for each attribute with its type and a reader of its values.
fn each<'a>(set: Tlv<'a>, mut call: impl FnMut(&'a [u8], Reader<'a>) -> Result<(), BadDer>) -> Result<(), BadDer> {
    let mut list = set.inside();
    let mut count = 0;
    while !list.is_empty() {
        let mut attribute = list.expect(SEQUENCE, "attribute")?.inside();
        let kind = attribute.expect(tlv::OID, "attribute")?.value;
        let values = attribute.expect(SET, "attribute values")?.inside();
        attribute.finish("attribute")?;
        count += 1;
        if count > MOST {
            return bad("too many attributes");
        }
        call(kind, values)?;
    }
    Ok(())
}

/// The first identifier: the signer's (RFC 5035 3).
fn first_id(value: &[u8]) -> Option<Reader<'_>> {
    let mut whole = tlv::single(value, SEQUENCE, "signing certificate").ok()?.inside();
    let mut ids = whole.expect(SEQUENCE, "certificates").ok()?.inside();
    Some(ids.expect(SEQUENCE, "certificate").ok()?.inside())
}

/// `IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }`; absent fits.
fn is_issuer_serial(given: Option<Tlv<'_>>, cert: &Cert) -> bool {
    let Some(given) = given else { return true };
    let mut fields = given.inside();
    let names = fields.expect(SEQUENCE, "issuer");
    let serial = fields.expect(INTEGER, "serial number");
    let (Ok(names), Ok(serial)) = (names, serial) else { return false };
    // directoryName [4] EXPLICIT Name.
    let named = names.inside().expect(0xa4, "name").is_ok_and(|name| name.value == cert.issuer());
    named && serial.value == cert.serial()
}

/// The algorithm of a signature; where only the key's is named, with the digest that is named beside it.
fn signature_algorithm(named: Tlv<'_>, hash: Option<Hash>) -> Option<SignatureAlgorithm> {
    if let Some(known) = SignatureAlgorithm::from_identifier_der(named.whole) {
        return Some(known);
    }
    let kind = named.inside().expect(tlv::OID, "algorithm").ok()?.value;
    match hash? {
        // GM/T 0010 messages name it 301.1 or 301.
        Hash::Sm3 if kind == oid::SM2_SIGN.as_bytes() || kind == oid::SM2.as_bytes() => {
            Some(SignatureAlgorithm::Sm2Sm3)
        }
        Hash::Sha256 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha256),
        Hash::Sha384 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha384),
        Hash::Sha512 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha512),
        Hash::Sha256 if kind == oid::EC_PUBLIC_KEY.as_bytes() => Some(SignatureAlgorithm::EcdsaSha256),
        Hash::Sha384 if kind == oid::EC_PUBLIC_KEY.as_bytes() => Some(SignatureAlgorithm::EcdsaSha384),
        _ => None,
    }
}
