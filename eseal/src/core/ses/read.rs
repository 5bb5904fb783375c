//! The parts that seals of all versions have in common, and how leniently each is read.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::tlv::{self, BIT_STRING, BadDer, INTEGER, OCTET_STRING, Reader, SEQUENCE, Tlv, bad};
use pki_config::Instant;

use super::BadSes;

/// Most certificates that may use a seal.
const MOST_HOLDERS: usize = 2_000;
/// Most extensions.
const MOST_EXTENSIONS: usize = 64;

/// Who may use a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holders {
    /// Whoever has one of these certificates, DER.
    Certificates(Vec<Vec<u8>>),
    /// Whoever has a certificate with one of these digests: the name of the hash as it is written, and the value.
    Digests(Vec<(String, Vec<u8>)>),
    /// Something else is written there. It matters when a holder is looked for.
    Unusable,
}

impl Holders {
    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Certificates(list) => list.len(),
            Self::Digests(list) => list.len(),
            Self::Unusable => 0,
        }
    }

    /// Whether the owner of this certificate (DER) is one of them.
    ///
    /// Digests are by SM3 whatever name they bear, unless the name is that of SHA-256. A digest of another length
    /// fits nobody.
    #[must_use]
    pub fn include(&self, certificate: &[u8]) -> bool {
        match self {
            Self::Certificates(list) => list.iter().any(|one| one == certificate),
            Self::Digests(list) => {
                let sm3 = engine::sm3::hash(certificate);
                list.iter().any(|(name, value)| match name.as_str() {
                    "SHA256" | "SHA-256" | "sha256" | "2.16.840.1.101.3.4.2.1" => {
                        let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
                        sha256.as_ref() == value
                    }
                    _ => value[..] == sm3,
                })
            }
            Self::Unusable => false,
        }
    }

    /// The certificates, as far as they stand in the seal.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        match self {
            Self::Certificates(list) => list,
            Self::Digests(_) | Self::Unusable => &[],
        }
    }
}

/// The picture of a seal as it stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealPicture {
    /// What `data` is: `PNG`, `GIF`, `JPG`, `ofd`… as it is written.
    pub kind: String,
    /// The picture.
    pub data: Vec<u8>,
    /// Unit: mm.
    pub width: u64,
    /// Unit: mm.
    pub height: u64,
}

/// An extension. A critical one that is not known is reported, not refused: real seals have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtData {
    /// What it is.
    pub id: Oid,
    /// Whether its maker finds it important.
    pub critical: bool,
    /// Its value.
    pub value: Vec<u8>,
}

/// A string of any kind, control characters and overlong ones cut.
pub(super) fn text(fields: &mut Reader<'_>, what: &'static str) -> Result<String, BadDer> {
    let one = fields.any().map_err(|_| BadDer { what })?;
    let text = match one.tag {
        // UTF8String, PrintableString, TeletexString, IA5String, VisibleString.
        0x0c | 0x13 | 0x14 | 0x16 | 0x1a => String::from_utf8_lossy(one.value).into_owned(),
        // BMPString.
        0x1e => {
            let (pairs, _) = one.value.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
        _ => return bad(what),
    };
    Ok(text.chars().filter(|c| !c.is_control()).take(1_000).collect())
}

/// A time of either kind. A fraction is cut off: some write one.
pub(super) fn time(fields: &mut Reader<'_>, what: &'static str) -> Result<Instant, BadDer> {
    let one = fields.any().map_err(|_| BadDer { what })?;
    let Some(dot) = one.value.iter().position(|c| *c == b'.') else { return one.time() };
    let (seconds, fraction) = one.value.split_at(dot);
    match fraction {
        [b'.', digits @ .., b'Z'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let plain = [seconds, b"Z"].concat();
            Tlv { tag: one.tag, value: &plain, whole: &plain }.time()
        }
        _ => bad(what),
    }
}

/// A BIT STRING of whole octets.
pub(super) fn bits<'a>(fields: &mut Reader<'a>, what: &'static str) -> Result<&'a [u8], BadSes> {
    let one = fields.expect(BIT_STRING, what)?;
    match one.value {
        [0, bits @ ..] => Ok(bits),
        _ => Err(BadSes::UnusedBits),
    }
}

/// Object identifier, content octets kept as they are where they do not read.
pub(super) fn object_id(fields: &mut Reader<'_>, what: &'static str) -> Result<Oid, BadDer> {
    Oid::from_bytes(fields.expect(tlv::OID, what)?.value).map_err(|_| BadDer { what })
}

/// `SES_ESPictrueInfo ::= SEQUENCE { type IA5String, data OCTET STRING, width INTEGER, height INTEGER }`.
pub(super) fn picture(fields: &mut Reader<'_>) -> Result<SealPicture, BadDer> {
    let mut inside = fields.expect(SEQUENCE, "seal picture")?.inside();
    let kind = text(&mut inside, "picture type")?;
    let data = inside.expect(OCTET_STRING, "picture")?.value.to_vec();
    let width = inside.expect(INTEGER, "picture width")?.small()?;
    let height = inside.expect(INTEGER, "picture height")?.small()?;
    inside.finish("seal picture")?;
    Ok(SealPicture { kind, data, width, height })
}

/// `ExtensionDatas ::= SEQUENCE OF SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`.
pub(super) fn extensions(list: Tlv<'_>) -> Result<Vec<ExtData>, BadSes> {
    let mut list = list.inside();
    let mut all = Vec::new();
    while !list.is_empty() {
        let mut one = list.expect(SEQUENCE, "extension")?.inside();
        let id = object_id(&mut one, "extension")?;
        let critical = one.optional(tlv::BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
        let value = one.expect(OCTET_STRING, "extension")?.value.to_vec();
        one.finish("extension")?;
        if all.len() == MOST_EXTENSIONS {
            return Err(BadSes::TooMany);
        }
        all.push(ExtData { id, critical, value });
    }
    Ok(all)
}

/// V1: certificates, or what their maker took for one.
pub(super) fn holders_v1(list: Tlv<'_>) -> Result<Holders, BadSes> {
    let mut list = list.inside();
    let mut all = Vec::new();
    let mut usable = true;
    while !list.is_empty() {
        let one = list.any()?;
        if all.len() == MOST_HOLDERS {
            return Err(BadSes::TooMany);
        }
        match one.tag {
            OCTET_STRING => all.push(one.value.to_vec()),
            // A certificate as it is, without a wrapper.
            SEQUENCE => all.push(one.whole.to_vec()),
            _ => usable = false,
        }
    }
    Ok(if usable || !all.is_empty() { Holders::Certificates(all) } else { Holders::Unusable })
}

/// V4 and V5: certificates (1) or digests (2).
pub(super) fn holders_v4(kind: u64, list: Tlv<'_>) -> Result<Holders, BadSes> {
    match kind {
        1 => holders_v1(list),
        2 => {
            let mut list = list.inside();
            let mut all = Vec::new();
            while !list.is_empty() {
                if all.len() == MOST_HOLDERS {
                    return Err(BadSes::TooMany);
                }
                let mut pair = list.expect(SEQUENCE, "certList")?.inside();
                let name = text(&mut pair, "certList")?;
                let value = pair.expect(OCTET_STRING, "certList")?.value.to_vec();
                pair.finish("certList")?;
                all.push((name, value));
            }
            Ok(Holders::Digests(all))
        }
        _ => Ok(Holders::Unusable),
    }
}

/// How many elements there are, at most `most`.
pub(super) fn count(inside: Reader<'_>, most: usize) -> Result<usize, BadDer> {
    let (mut walk, mut count) = (inside, 0);
    while !walk.is_empty() && count <= most {
        walk.any()?;
        count += 1;
    }
    Ok(count)
}
