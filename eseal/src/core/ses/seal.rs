//! A seal of anybody (`SESeal`), read without changing a byte of it.

use std::borrow::Cow;

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::tlv::{self, INTEGER, OCTET_STRING, Reader, SEQUENCE, Tlv};
use pki_config::Instant;

use super::read::{self, ExtData, Holders, SealPicture};
use super::{BadSes, LONGEST, Version};

/// A seal.
///
/// ```text
/// V1: SESeal ::= SEQUENCE { eSealInfo SES_SealInfo,
///                           signInfo SEQUENCE { cert OCTET STRING, signatureAlgorithm OID, signData BIT STRING } }
/// V4: SESeal ::= SEQUENCE { eSealInfo, cert OCTET STRING, signAlgID OID, signedValue BIT STRING }
/// V5: as V4, and timeStamp [0] EXPLICIT BIT STRING OPTIONAL
/// SES_SealInfo ::= SEQUENCE { header SEQUENCE { ID IA5String "ES", version INTEGER, Vid IA5String }, esID IA5String,
///                             property, picture, extDatas OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    der: Vec<u8>,
    /// What the maker signed.
    signed: Vec<u8>,
    /// The structure.
    pub version: Version,
    /// The version that the header says; in V1 it may be anything.
    pub header_version: u64,
    /// Who made the software, as it says itself.
    pub vendor: String,
    /// Its identifier.
    pub id: String,
    /// What kind of seal it is: 1 of an organisation, 2 of a person; others occur.
    pub kind: u64,
    /// Its name.
    pub name: String,
    /// Who may use it.
    pub holders: Holders,
    /// When it was made.
    pub created: Instant,
    /// From when on it may be used.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
    /// Its picture.
    pub picture: SealPicture,
    /// Extensions.
    pub extensions: Vec<ExtData>,
    /// The maker's certificate, DER.
    pub maker: Vec<u8>,
    /// The algorithm of the maker's signature.
    pub algorithm: Oid,
    /// The maker's signature, as it stands there.
    pub signature: Vec<u8>,
    /// V5: what stands in the place of a time-stamp over the signature.
    pub time_stamp: Option<Vec<u8>>,
}

impl Seal {
    /// Reads a seal of any version.
    ///
    /// # Errors
    /// [`BadSes`].
    pub fn read(der: &[u8]) -> Result<Self, BadSes> {
        if der.len() > LONGEST {
            return Err(BadSes::TooLong);
        }
        Self::from_tlv(tlv::single(der, SEQUENCE, "seal")?)
    }

    pub(super) fn from_tlv(outer: Tlv<'_>) -> Result<Self, BadSes> {
        let parts = read::count(outer.inside(), 5)?;
        if !matches!(parts, 2 | 4 | 5) {
            return Err(BadSes::Parts(parts));
        }
        let mut fields = outer.inside();
        let info = fields.expect(SEQUENCE, "seal")?;
        let (maker, algorithm, signature, time_stamp, signed);
        if parts == 2 {
            let mut sign_info = fields.expect(SEQUENCE, "seal maker's signature")?.inside();
            let cert = sign_info.expect(OCTET_STRING, "seal maker's certificate")?;
            let named = sign_info.expect(tlv::OID, "seal algorithm")?;
            signature = read::bits(&mut sign_info, "seal signature")?.to_vec();
            sign_info.finish("seal maker's signature")?;
            // Signed is SEQUENCE { eSealInfo, cert, signatureAlgorithm }, as found in seals in use.
            signed = tlv::write(SEQUENCE, &[info.whole, cert.whole, named.whole]);
            maker = cert.value.to_vec();
            algorithm = read::object_id(&mut Reader::new(named.whole), "seal algorithm")?;
            time_stamp = None;
        } else {
            maker = fields.expect(OCTET_STRING, "seal maker's certificate")?.value.to_vec();
            algorithm = read::object_id(&mut fields, "seal algorithm")?;
            signature = read::bits(&mut fields, "seal signature")?.to_vec();
            signed = info.whole.to_vec();
            time_stamp = match fields.optional(0xa0)? {
                Some(wrapped) => {
                    let mut inside = wrapped.inside();
                    let stamp = read::bits(&mut inside, "seal time-stamp")?.to_vec();
                    inside.finish("seal time-stamp")?;
                    Some(stamp)
                }
                None => None,
            };
        }
        fields.finish("seal")?;

        let mut fields = info.inside();
        let mut header = fields.expect(SEQUENCE, "seal header")?.inside();
        if read::text(&mut header, "seal header")? != "ES" {
            return Err(BadSes::NotASeal);
        }
        let header_version = header.expect(INTEGER, "seal version")?.small()?;
        let vendor = read::text(&mut header, "vendor")?;
        header.finish("seal header")?;
        let version = match (parts, header_version) {
            (2, _) => Version::V1,
            (_, 5) => Version::V5,
            (4, _) => Version::V4,
            _ => return Err(BadSes::Parts(parts)),
        };
        let id = read::text(&mut fields, "seal identifier")?;

        let mut property = fields.expect(SEQUENCE, "seal property")?.inside();
        let kind = property.expect(INTEGER, "seal type")?.small()?;
        let name = read::text(&mut property, "seal name")?;
        let holders = if version == Version::V1 {
            read::holders_v1(property.expect(SEQUENCE, "certList")?)?
        } else {
            let kind = property.expect(INTEGER, "certListType")?.small()?;
            read::holders_v4(kind, property.expect(SEQUENCE, "certList")?)?
        };
        let created = read::time(&mut property, "createDate")?;
        let from = read::time(&mut property, "validStart")?;
        let until = read::time(&mut property, "validEnd")?;
        property.finish("seal property")?;
        let picture = read::picture(&mut fields)?;
        let extensions = match fields.optional(0xa0)? {
            Some(wrapped) => read::extensions(tlv::single(wrapped.value, SEQUENCE, "extensions")?)?,
            None => fields.optional(SEQUENCE)?.map(read::extensions).transpose()?.unwrap_or_default(),
        };
        fields.finish("seal")?;
        Ok(Self {
            der: outer.whole.to_vec(),
            signed,
            version,
            header_version,
            vendor,
            id,
            kind,
            name,
            holders,
            created,
            from,
            until,
            picture,
            extensions,
            maker,
            algorithm,
            signature,
            time_stamp,
        })
    }

    /// The seal as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The bytes that its maker signed.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// Whether it may be used at this time; the whole last second belongs to it.
    #[must_use]
    pub fn covers(&self, at: Instant) -> bool {
        self.from <= at && at.whole_second() <= self.until
    }

    /// Its name, or its identifier if it has none.
    #[must_use]
    pub fn title(&self) -> Cow<'_, str> {
        if self.name.is_empty() { Cow::Borrowed(&self.id) } else { Cow::Borrowed(&self.name) }
    }
}
