//! A time-stamp token of anybody, read: ours or another authority's, under the arc of CMS or of GM/T 0010,
//! bare or inside a `TimeStampResp`. Nothing is checked here but the structure; see [`super::verify`].
//!
//! ```text
//! SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0] IMPLICIT SET OF Attribute,
//!                signatureAlgorithm, signature OCTET STRING, unsignedAttrs [1] OPTIONAL }
//! TSTInfo ::= SEQUENCE { version 1, policy OID, messageImprint, serialNumber INTEGER, genTime GeneralizedTime,
//!             accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL,
//!             tsa [0] EXPLICIT GeneralName OPTIONAL, extensions [1] IMPLICIT OPTIONAL }
//! ```

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::SignatureAlgorithm;
use crypto_pool::path::Cert;
use crypto_pool::tlv::{self, BadDer, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Tlv, bad};
use pki_config::oid;

use super::moment::Moment;
use super::request::Hash;

/// Longest token that is read. Unit: bytes. Real ones have 1 to 10 KB.
pub const LONGEST: usize = 256 * 1024;
/// Most certificates, attributes or digest algorithms.
const MOST: usize = 64;

/// Why bytes are no token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadToken {
    /// They do not read.
    Der(BadDer),
    /// An authority's refusal, and its words.
    Refusal {
        /// `PKIStatus`.
        status: u64,
        /// What it says.
        text: String,
    },
    /// A signed message, but not of a time-stamp.
    NotATimeStamp,
    /// Not exactly one signature (RFC 3161 2.4.2).
    Signers(usize),
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Der(why) => why.fmt(f),
            Self::Refusal { status, text } if text.is_empty() => {
                write!(f, "a refusal of the authority, status {status}")
            }
            Self::Refusal { status, text } => write!(f, "a refusal of the authority, status {status}: {text}"),
            Self::NotATimeStamp => f.write_str("a signed message, but no time-stamp"),
            Self::Signers(count) => write!(f, "{count} signatures where there must be one"),
        }
    }
}

impl std::error::Error for BadToken {}

impl From<BadDer> for BadToken {
    fn from(why: BadDer) -> Self {
        Self::Der(why)
    }
}

/// A token that was read.
#[derive(Debug, Clone)]
pub struct OpenedToken {
    der: Vec<u8>,
    /// The TSTInfo as it was signed.
    content: Vec<u8>,
    /// What it says.
    pub info: TstInfo,
    /// Who signed, and what.
    pub signer: SignerInfo,
    /// The certificates that came along, as far as they read.
    pub certificates: Vec<Cert>,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TstInfo {
    /// The policy under which it was made.
    pub policy: Oid,
    /// The hash of the imprint; `None` if it is not known here.
    pub hash: Option<Hash>,
    /// The identifier of the hash, for people.
    pub hash_oid: Oid,
    /// The digest.
    pub digest: Vec<u8>,
    /// The content octets of the serial number.
    pub serial: Vec<u8>,
    /// When it was made.
    pub time: Moment,
    /// How far that may be off. Unit: microseconds; `None` if the token does not say.
    pub accuracy_micros: Option<u64>,
    /// Whether tokens of this authority are ordered by their time alone.
    pub ordering: bool,
    /// The content octets of the nonce.
    pub nonce: Option<Vec<u8>>,
    /// Whether an extension is critical: none is known.
    pub critical_extension: bool,
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
    /// The signature's algorithm; `None` if not known here.
    pub algorithm: Option<SignatureAlgorithm>,
    /// Its identifier, for people.
    pub algorithm_oid: Option<Oid>,
    /// The signed attributes as the SET that was signed.
    pub attributes: Vec<u8>,
    /// `contentType` of the attributes: content octets of the OID.
    pub content_type: Option<Vec<u8>>,
    /// `messageDigest` of the attributes.
    pub message_digest: Option<Vec<u8>>,
    /// `signingCertificateV2`, its value.
    pub signing_certificate_v2: Option<Vec<u8>>,
    /// `signingCertificate`, its value.
    pub signing_certificate_v1: Option<Vec<u8>>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl OpenedToken {
    /// Reads a token, bare or in a `TimeStampResp`.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadToken> {
        if bytes.len() > LONGEST {
            return Err(BadToken::Der(BadDer { what: "the token is too long" }));
        }
        let outer = tlv::single(bytes, SEQUENCE, "time-stamp")?;
        match outer.value.first() {
            Some(&SEQUENCE) => {
                let mut response = outer.inside();
                let status = response.expect(SEQUENCE, "status")?;
                if response.is_empty() {
                    return Err(refusal(status)?);
                }
                let token = response.expect(SEQUENCE, "token")?;
                response.finish("time-stamp response")?;
                Self::from_content_info(token)
            }
            _ => Self::from_content_info(outer),
        }
    }

    fn from_content_info(outer: Tlv<'_>) -> Result<Self, BadToken> {
        let mut fields = outer.inside();
        let kind = fields.expect(tlv::OID, "content type")?.value;
        if kind != oid::SIGNED_DATA.as_bytes() && kind != oid::GM_SIGNED_DATA.as_bytes() {
            return Err(BadToken::NotATimeStamp);
        }
        let explicit = fields.expect(0xa0, "content")?;
        fields.finish("content info")?;
        let mut data = tlv::single(explicit.value, SEQUENCE, "signed data")?.inside();
        data.expect(INTEGER, "version")?.small()?;
        data.expect(SET, "digest algorithms")?;
        let mut encapsulated = data.expect(SEQUENCE, "encapsulated content")?.inside();
        if encapsulated.expect(tlv::OID, "content type")?.value != oid::CT_TST_INFO.as_bytes() {
            return Err(BadToken::NotATimeStamp);
        }
        let octets = encapsulated.expect(0xa0, "content")?;
        encapsulated.finish("encapsulated content")?;
        let content = tlv::single(octets.value, OCTET_STRING, "content")?.value;
        let mut certificates = Vec::new();
        if let Some(set) = data.optional(0xa0)? {
            let mut set = set.inside();
            while !set.is_empty() && certificates.len() < MOST {
                let one = set.any()?;
                // Attribute certificates and others have other tags; what does not read cannot help.
                if let (SEQUENCE, Ok(cert)) = (one.tag, Cert::from_der(one.whole)) {
                    certificates.push(cert);
                }
            }
        }
        data.optional(0xa1)?;
        let mut infos = data.expect(SET, "signer infos")?.inside();
        data.finish("signed data")?;
        let mut all = Vec::new();
        while !infos.is_empty() && all.len() < MOST {
            all.push(infos.expect(SEQUENCE, "signer info")?);
        }
        let [info] = all[..] else { return Err(BadToken::Signers(all.len())) };
        Ok(Self {
            der: outer.whole.to_vec(),
            content: content.to_vec(),
            info: tst_info(content)?,
            signer: signer_info(info)?,
            certificates,
        })
    }

    /// The token itself, without a response around it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The TSTInfo as it was signed.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The serial number in hexadecimal, without a sign octet.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        let serial = self.info.serial.as_slice();
        let shown = match serial {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        shown.iter().map(|b| format!("{b:02X}")).collect()
    }

    /// The certificate that the token names as its signer's, among those that came along and `others`.
    #[must_use]
    pub fn signer_certificate<'a>(&'a self, others: &'a [Cert]) -> Option<&'a Cert> {
        // Several may have the same name and serial; the one that the signed attributes measure is meant.
        let mut named = self.certificates.iter().chain(others).filter(|cert| self.signer.id.names(cert)).peekable();
        let first = named.peek().copied();
        named.find(|cert| super::verify::is_signing_certificate(&self.signer, cert)).or(first)
    }
}

impl SignerId {
    fn names(&self, cert: &Cert) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => cert.issuer() == issuer && cert.serial() == serial,
            Self::KeyId(id) => cert.extensions().subject_key_id.as_deref() == Some(id),
        }
    }
}

/// `PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo … }`.
fn refusal(status: Tlv<'_>) -> Result<BadToken, BadDer> {
    let mut fields = status.inside();
    let status = fields.expect(INTEGER, "status")?.small()?;
    let mut text = String::new();
    if let Some(strings) = fields.optional(SEQUENCE)? {
        let mut strings = strings.inside();
        while !strings.is_empty() && text.len() < 500 {
            let one = String::from_utf8_lossy(strings.any()?.value);
            text.extend(one.chars().filter(|c| !c.is_control()).take(500));
        }
    }
    Ok(BadToken::Refusal { status, text })
}

fn identifier(value: &[u8]) -> Result<Oid, BadDer> {
    Oid::from_bytes(value).map_err(|_| BadDer { what: "object identifier" })
}

/// An AlgorithmIdentifier's OID, content octets.
fn algorithm<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<Tlv<'a>, BadDer> {
    reader.expect(SEQUENCE, what)?.inside().expect(tlv::OID, what)
}

fn tst_info(content: &[u8]) -> Result<TstInfo, BadDer> {
    let mut fields = tlv::single(content, SEQUENCE, "TSTInfo")?.inside();
    if fields.expect(INTEGER, "TSTInfo version")?.small()? != 1 {
        return bad("TSTInfo version");
    }
    let policy = identifier(fields.expect(tlv::OID, "policy")?.value)?;
    let mut imprint = fields.expect(SEQUENCE, "message imprint")?.inside();
    let hash = algorithm(&mut imprint, "hash algorithm")?.value;
    let digest = imprint.expect(OCTET_STRING, "hashed message")?.value.to_vec();
    imprint.finish("message imprint")?;
    let serial = fields.expect(INTEGER, "serial number")?.value.to_vec();
    let time = fields.expect(tlv::GENERALIZED_TIME, "genTime")?.value;
    let time = Moment::from_generalized_time(time).ok_or(BadDer { what: "genTime" })?;
    let accuracy_micros = fields.optional(SEQUENCE)?.map(accuracy).transpose()?;
    let ordering = fields.optional(tlv::BOOLEAN)?.map(Tlv::boolean).transpose()?.unwrap_or(false);
    let nonce = fields.optional(INTEGER)?.map(|nonce| nonce.value.to_vec());
    fields.optional(0xa0)?;
    let critical_extension = fields.optional(0xa1)?.map(has_critical).transpose()?.unwrap_or(false);
    fields.finish("TSTInfo")?;
    Ok(TstInfo {
        policy,
        hash: Hash::from_oid_content(hash),
        hash_oid: identifier(hash)?,
        digest,
        serial,
        time,
        accuracy_micros,
        ordering,
        nonce,
        critical_extension,
    })
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999), micros [1] INTEGER (1..999) }`.
fn accuracy(whole: Tlv<'_>) -> Result<u64, BadDer> {
    let mut fields = whole.inside();
    let number = |value: &[u8]| Tlv { tag: INTEGER, value, whole: value }.small();
    let seconds = fields.optional(INTEGER)?.map(|n| number(n.value)).transpose()?.unwrap_or(0);
    let millis = fields.optional(0x80)?.map(|n| number(n.value)).transpose()?.unwrap_or(0);
    let micros = fields.optional(0x81)?.map(|n| number(n.value)).transpose()?.unwrap_or(0);
    fields.finish("accuracy")?;
    if millis > 999 || micros > 999 {
        return bad("accuracy");
    }
    Ok(seconds.saturating_mul(1_000_000).saturating_add(millis * 1000 + micros))
}

fn has_critical(extensions: Tlv<'_>) -> Result<bool, BadDer> {
    let mut list = extensions.inside();
    let mut found = false;
    while !list.is_empty() {
        let mut one = list.expect(SEQUENCE, "extension")?.inside();
        one.expect(tlv::OID, "extension")?;
        found |= one.optional(tlv::BOOLEAN)?.map(Tlv::boolean).transpose()?.unwrap_or(false);
    }
    Ok(found)
}

fn signer_info(whole: Tlv<'_>) -> Result<SignerInfo, BadDer> {
    let mut fields = whole.inside();
    fields.expect(INTEGER, "signer info version")?.small()?;
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
    let hash = Hash::from_oid_content(algorithm(&mut fields, "digest algorithm")?.value);
    let Some(attributes) = fields.optional(0xa0)? else { return bad("signed attributes") };
    let named = fields.expect(SEQUENCE, "signature algorithm")?;
    let signature = fields.expect(OCTET_STRING, "signature")?.value.to_vec();
    fields.optional(0xa1)?;
    fields.finish("signer info")?;
    let mut info = SignerInfo {
        id,
        hash,
        algorithm: signature_algorithm(named, hash),
        algorithm_oid: named.inside().expect(tlv::OID, "algorithm").ok().and_then(|oid| identifier(oid.value).ok()),
        // Signed as a SET (RFC 5652 5.4), written with the tag [0].
        attributes: [&[SET], &attributes.whole[1..]].concat(),
        content_type: None,
        message_digest: None,
        signing_certificate_v2: None,
        signing_certificate_v1: None,
        signature,
    };
    let mut list = attributes.inside();
    let mut count = 0;
    while !list.is_empty() {
        let mut attribute = list.expect(SEQUENCE, "attribute")?.inside();
        let kind = attribute.expect(tlv::OID, "attribute")?.value;
        let mut values = attribute.expect(SET, "attribute values")?.inside();
        attribute.finish("attribute")?;
        count += 1;
        if count > MOST {
            return bad("too many attributes");
        }
        let place = if kind == oid::CONTENT_TYPE.as_bytes() {
            &mut info.content_type
        } else if kind == oid::MESSAGE_DIGEST.as_bytes() {
            &mut info.message_digest
        } else if kind == oid::SIGNING_CERTIFICATE_V2.as_bytes() {
            &mut info.signing_certificate_v2
        } else if kind == oid::SIGNING_CERTIFICATE.as_bytes() {
            &mut info.signing_certificate_v1
        } else {
            continue;
        };
        // Each once, with one value: what is there twice could mean two things (RFC 5652 11).
        let value = values.any()?;
        values.finish("attribute values")?;
        if place.is_some() {
            return bad("an attribute twice");
        }
        let inner = if matches!(value.tag, tlv::OID | OCTET_STRING) { value.value } else { value.whole };
        *place = Some(inner.to_vec());
    }
    Ok(info)
}

/// The algorithm of a signature; where only the key's is named, with the digest that is named beside it.
fn signature_algorithm(named: Tlv<'_>, hash: Option<Hash>) -> Option<SignatureAlgorithm> {
    if let Some(known) = SignatureAlgorithm::from_identifier_der(named.whole) {
        return Some(known);
    }
    /// SM2 signature, GB/T 33560: 1.2.156.10197.1.301.1.
    const SM2_SIGN: &[u8] = b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x01";
    let kind = named.inside().expect(tlv::OID, "algorithm").ok()?.value;
    match hash? {
        // GM/T 0010 messages name it 301.1 or 301.
        Hash::Sm3 if kind == SM2_SIGN || kind == oid::SM2.as_bytes() => Some(SignatureAlgorithm::Sm2Sm3),
        Hash::Sha256 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha256),
        Hash::Sha384 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha384),
        Hash::Sha512 if kind == oid::RSA.as_bytes() => Some(SignatureAlgorithm::RsaSha512),
        Hash::Sha256 if kind == oid::EC_PUBLIC_KEY.as_bytes() => Some(SignatureAlgorithm::EcdsaSha256),
        Hash::Sha384 if kind == oid::EC_PUBLIC_KEY.as_bytes() => Some(SignatureAlgorithm::EcdsaSha384),
        _ => None,
    }
}
