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
use pki_config::oid;

use super::moment::Moment;
use crate::cms::read::{BadMessage, SignedData, certificate_of};
use crate::digest::Hash;
use crate::path::Cert;
use crate::tlv::{self, BadDer, INTEGER, OCTET_STRING, Reader, SEQUENCE, Tlv, bad};

pub use crate::cms::read::{SignerId, SignerInfo};

/// Longest token that is read. Unit: bytes. Real ones have 1 to 10 KB.
pub const LONGEST: usize = 256 * 1024;

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
        let message = SignedData::from_content_info(outer).map_err(|why| match why {
            BadMessage::Der(why) => BadToken::Der(why),
            BadMessage::NotSigned => BadToken::NotATimeStamp,
        })?;
        if message.content_type != oid::CT_TST_INFO.as_bytes() {
            return Err(BadToken::NotATimeStamp);
        }
        let content = message.content.filter(|_| message.in_octets).ok_or(BadDer { what: "content" })?;
        let count = message.signers.len();
        let [signer] = <[SignerInfo; 1]>::try_from(message.signers).map_err(|_| BadToken::Signers(count))?;
        if signer.attributes.is_empty() {
            return bad("signed attributes").map_err(BadToken::from);
        }
        // RFC 5652 5.1 lets a reader insist that the digest is named ahead of the content. Nothing signs that list:
        // without this, whoever changes it goes unnoticed.
        if let Some(hash) = signer.hash
            && !message.digests.iter().any(|named| Hash::from_oid_content(named) == Some(hash))
        {
            return bad("digest algorithms").map_err(BadToken::from);
        }
        Ok(Self {
            der: outer.whole.to_vec(),
            info: tst_info(&content)?,
            content,
            signer,
            certificates: message.certificates,
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
        certificate_of(&self.signer, self.certificates.iter().chain(others))
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
