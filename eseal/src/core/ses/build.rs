//! Writing seals and signatures in the form of GB/T 38540-2020 (V4), around signatures made elsewhere.

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::path::Cert;
use crypto_pool::tlv::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, IA5_STRING, INTEGER, OCTET_STRING, OID, PRINTABLE_STRING, SEQUENCE,
    UTF8_STRING, write,
};
use crypto_pool::to_sign::{SealSignatureToSign, SealToSign, ToSign};
use pki_config::{Instant, oid};

use super::read::{ExtData, Holders, SealPicture};
use super::{Seal, Version};

/// Longest name, identifier or path. Unit: bytes.
const LONGEST_TEXT: usize = 1_000;

/// What is to stand in a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealDraft {
    /// Its identifier: ASCII.
    pub id: String,
    /// Who made the software: ASCII.
    pub vendor: String,
    /// 1 of an organisation, 2 of a person.
    pub kind: u64,
    /// Its name.
    pub name: String,
    /// Who may use it. Digests are by SM3.
    pub holders: Holders,
    /// When it is made.
    pub created: Instant,
    /// From when on it may be used.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
    /// Its picture.
    pub picture: SealPicture,
    /// Extensions.
    pub extensions: Vec<ExtData>,
}

/// Why no seal or signature is written. The caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadDraft {
    /// Empty, too long, or not ASCII where it must be: which.
    Text(&'static str),
    /// Nobody may use the seal, or a digest is not of SM3.
    Holders,
    /// It ends before it begins.
    Times,
    /// No picture, or it has no size in millimetres up to 1,000.
    Picture,
    /// The digest of the document does not have 32 octets.
    Digest,
    /// The seal is not of the form that is written here.
    Version(Version),
}

impl fmt::Display for BadDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(which) => write!(f, "the {which} is empty, too long or not ASCII"),
            Self::Holders => f.write_str("nobody may use the seal, or a digest is not of SM3"),
            Self::Times => f.write_str("the seal ends before it begins"),
            Self::Picture => f.write_str("no picture, or it has no size from 1 to 1,000 mm"),
            Self::Digest => f.write_str("the document's digest does not have 32 octets"),
            Self::Version(version) => write!(f, "signing with a seal of form {version} is not supported"),
        }
    }
}

impl std::error::Error for BadDraft {}

/// The content of a seal (`SES_SealInfo`, V4), for its maker to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TbsSeal(Vec<u8>);

impl TbsSeal {
    /// Writes the content.
    ///
    /// # Errors
    /// [`BadDraft`].
    pub fn new(draft: &SealDraft) -> Result<Self, BadDraft> {
        let picture = &draft.picture;
        let sized = [picture.width, picture.height].iter().all(|side| (1..=1_000).contains(side));
        if picture.data.is_empty() || !sized {
            return Err(BadDraft::Picture);
        }
        if draft.until < draft.from {
            return Err(BadDraft::Times);
        }
        if draft.name.is_empty() || draft.name.len() > LONGEST_TEXT {
            return Err(BadDraft::Text("name"));
        }
        let header =
            write(SEQUENCE, &[&write(IA5_STRING, &[b"ES"]), &[INTEGER, 1, 4], &ascii(&draft.vendor, "vendor")?]);
        let (list_type, list) = holders(&draft.holders)?;
        let property = write(
            SEQUENCE,
            &[
                &integer(draft.kind),
                &write(UTF8_STRING, &[draft.name.as_bytes()]),
                &[INTEGER, 1, list_type],
                &list,
                &time(draft.created),
                &time(draft.from),
                &time(draft.until),
            ],
        );
        let picture = write(
            SEQUENCE,
            &[
                &ascii(&picture.kind, "picture type")?,
                &write(OCTET_STRING, &[&picture.data]),
                &integer(picture.width),
                &integer(picture.height),
            ],
        );
        let extensions = if draft.extensions.is_empty() { Vec::new() } else { extensions(&draft.extensions) };
        Ok(Self(write(SEQUENCE, &[&header, &ascii(&draft.id, "identifier")?, &property, &picture, &extensions])))
    }

    /// What is signed.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// What the pool is asked to sign.
    #[must_use]
    pub fn to_sign(&self, maker: &Cert) -> ToSign {
        ToSign::Seal(SealToSign::new(self.0.clone(), maker.clone()))
    }

    /// The seal (`SESeal`, DER), with the maker's certificate and SM2 signature (DER).
    #[must_use]
    pub fn finish(&self, maker: &[u8], signature: &[u8]) -> Vec<u8> {
        write(SEQUENCE, &[&self.0, &write(OCTET_STRING, &[maker]), &sm2_with_sm3(), &bits(signature)])
    }
}

/// A use of a seal (`TBS_Sign`, V4), for the signer to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TbsSign(Vec<u8>);

impl TbsSign {
    /// Over a document with this digest (SM3), at this time (to the second); `property` is the path of
    /// `Signature.xml` in OFD and says what is covered in PDF.
    ///
    /// # Errors
    /// [`BadDraft`].
    pub fn new(seal: &Seal, at: Instant, digest: &[u8], property: &str) -> Result<Self, BadDraft> {
        if seal.version != Version::V4 {
            return Err(BadDraft::Version(seal.version));
        }
        if digest.len() != 32 {
            return Err(BadDraft::Digest);
        }
        let property = ascii(property, "propertyInfo")?;
        Ok(Self(write(SEQUENCE, &[&[INTEGER, 1, 4], seal.der(), &time(at), &bits(digest), &property])))
    }

    /// What is signed.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// What the pool is asked to sign.
    #[must_use]
    pub fn to_sign(&self, signer: &Cert) -> ToSign {
        ToSign::SealSignature(SealSignatureToSign::new(self.0.clone(), signer.clone()))
    }

    /// The signature (`SES_Signature`, DER), with the signer's certificate, SM2 signature (DER), and, if any, the
    /// time-stamp token over the octets of `signature`.
    #[must_use]
    pub fn finish(&self, signer: &[u8], signature: &[u8], time_stamp: Option<&[u8]>) -> Vec<u8> {
        let time_stamp = time_stamp.map_or_else(Vec::new, |token| write(0xa0, &[&bits(token)]));
        write(SEQUENCE, &[&self.0, &write(OCTET_STRING, &[signer]), &sm2_with_sm3(), &bits(signature), &time_stamp])
    }
}

fn ascii(text: &str, which: &'static str) -> Result<Vec<u8>, BadDraft> {
    let fits = !text.is_empty() && text.len() <= LONGEST_TEXT && text.bytes().all(|c| (0x20..0x7f).contains(&c));
    if fits { Ok(write(IA5_STRING, &[text.as_bytes()])) } else { Err(BadDraft::Text(which)) }
}

fn integer(value: u64) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let skip = octets.iter().take(7).take_while(|octet| **octet == 0).count();
    let (_, digits) = octets.split_at(skip);
    let sign: &[u8] = if digits.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    write(INTEGER, &[sign, digits])
}

/// `GeneralizedTime` in UTC, to the second.
fn time(at: Instant) -> Vec<u8> {
    let text: String = at.whole_second().to_string().chars().filter(char::is_ascii_digit).collect();
    write(GENERALIZED_TIME, &[text.as_bytes(), b"Z"])
}

fn bits(octets: &[u8]) -> Vec<u8> {
    write(BIT_STRING, &[&[0], octets])
}

fn sm2_with_sm3() -> Vec<u8> {
    write(OID, &[oid::SM2_WITH_SM3.as_bytes()])
}

fn holders(holders: &Holders) -> Result<(u8, Vec<u8>), BadDraft> {
    let (kind, list): (u8, Vec<Vec<u8>>) = match holders {
        Holders::Certificates(list) => (1, list.iter().map(|one| write(OCTET_STRING, &[one])).collect()),
        Holders::Digests(list) => {
            if list.iter().any(|(name, value)| value.len() != 32 || name.is_empty() || !name.is_ascii()) {
                return Err(BadDraft::Holders);
            }
            let one = |(name, value): &(String, Vec<u8>)| {
                write(SEQUENCE, &[&write(PRINTABLE_STRING, &[name.as_bytes()]), &write(OCTET_STRING, &[value])])
            };
            (2, list.iter().map(one).collect())
        }
        Holders::Unusable => return Err(BadDraft::Holders),
    };
    if list.is_empty() {
        return Err(BadDraft::Holders);
    }
    let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    Ok((kind, write(SEQUENCE, &list)))
}

/// `critical` is written even where it is FALSE: a widely used reader fails without it.
fn extensions(list: &[ExtData]) -> Vec<u8> {
    let one = |data: &ExtData| {
        let flag = [BOOLEAN, 1, if data.critical { 0xff } else { 0 }];
        write(SEQUENCE, &[&oid_der(data.id), &flag, &write(OCTET_STRING, &[&data.value])])
    };
    let all: Vec<Vec<u8>> = list.iter().map(one).collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    write(SEQUENCE, &all)
}

fn oid_der(id: Oid) -> Vec<u8> {
    write(OID, &[id.as_bytes()])
}
