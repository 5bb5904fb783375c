//! A signature with a seal (`SES_Signature`) of anybody, read without changing a byte of it.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::tlv::{self, INTEGER, OCTET_STRING, SEQUENCE, Tlv};
use pki_config::Instant;

use super::read::{self, ExtData};
use super::{BadSes, LONGEST, Seal, Version};

/// What a signature says of when it was made. Nobody but the signer vouches for it, unless it is a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This time.
    At(Instant),
    /// A time-stamp token (V1), DER.
    Token(Vec<u8>),
    /// Something that is no time.
    Unreadable(String),
}

/// A signature with a seal.
///
/// ```text
/// V1: SES_Signature ::= SEQUENCE { toSign TBS_Sign, signature BIT STRING }
///     TBS_Sign ::= SEQUENCE { version, eseal SESeal, timeInfo BIT STRING, dataHash BIT STRING,
///                             propertyInfo IA5String, cert OCTET STRING, signatureAlgorithm OID }
/// V4: SES_Signature ::= SEQUENCE { toSign TBS_Sign, cert OCTET STRING, signatureAlgID OID, signature BIT STRING,
///                                  timeStamp [0] EXPLICIT BIT STRING OPTIONAL }
///     TBS_Sign ::= SEQUENCE { version, eseal SESeal, timeInfo GeneralizedTime, dataHash BIT STRING,
///                             propertyInfo IA5String, extDatas [0] EXPLICIT ExtensionDatas OPTIONAL }
/// V5: as V4
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealSignature {
    tbs: Vec<u8>,
    /// The structure.
    pub version: Version,
    /// The seal.
    pub seal: Seal,
    /// When it was made, by its own account.
    pub time: Claim,
    /// The digest of the document.
    pub data_hash: Vec<u8>,
    /// What was signed: in OFD the path of `Signature.xml`.
    pub property: String,
    /// Extensions.
    pub extensions: Vec<ExtData>,
    /// The signer's certificate, DER.
    pub signer: Vec<u8>,
    /// The algorithm of the signature.
    pub algorithm: Oid,
    /// The signature, as it stands there: the octets that a time-stamp is over.
    pub signature: Vec<u8>,
    /// The time-stamp over the signature (a `TimeStampToken`, seldom a `TimeStampResp`), DER.
    pub time_stamp: Option<Vec<u8>>,
}

impl SealSignature {
    /// Whether these bytes look like a signature with a seal rather than like a CMS message: a sequence that begins
    /// with a sequence.
    #[must_use]
    pub fn is_likely(der: &[u8]) -> bool {
        tlv::Reader::new(der).any().is_ok_and(|outer| outer.tag == SEQUENCE && outer.value.first() == Some(&SEQUENCE))
    }

    /// Reads a signature of any version.
    ///
    /// # Errors
    /// [`BadSes`].
    pub fn read(der: &[u8]) -> Result<Self, BadSes> {
        if der.len() > LONGEST {
            return Err(BadSes::TooLong);
        }
        let outer = tlv::single(der, SEQUENCE, "signature")?;
        let parts = read::count(outer.inside(), 5)?;
        let mut fields = outer.inside();
        let tbs = fields.expect(SEQUENCE, "TBS_Sign")?;
        let mut inside = tbs.inside();
        inside.expect(INTEGER, "signature version")?.small()?;
        let seal = Seal::from_tlv(inside.expect(SEQUENCE, "seal")?)?;
        match (parts, seal.version) {
            (2, Version::V1) => Self::read_v1(tbs, seal, inside, fields),
            (4 | 5, Version::V4 | Version::V5) => Self::read_v4(tbs, seal, inside, fields),
            (2 | 4 | 5, _) => Err(BadSes::MixedVersions),
            (other, _) => Err(BadSes::Parts(other)),
        }
    }

    fn read_v1(
        tbs: Tlv<'_>,
        seal: Seal,
        mut inside: tlv::Reader<'_>,
        mut fields: tlv::Reader<'_>,
    ) -> Result<Self, BadSes> {
        let time = claim(read::bits(&mut inside, "timeInfo")?);
        let data_hash = read::bits(&mut inside, "dataHash")?.to_vec();
        let property = read::text(&mut inside, "propertyInfo")?;
        let signer = inside.expect(OCTET_STRING, "signer's certificate")?.value.to_vec();
        let algorithm = read::object_id(&mut inside, "signature algorithm")?;
        inside.finish("TBS_Sign")?;
        let signature = read::bits(&mut fields, "signature")?.to_vec();
        fields.finish("signature")?;
        Ok(Self {
            tbs: tbs.whole.to_vec(),
            version: Version::V1,
            seal,
            time,
            data_hash,
            property,
            extensions: Vec::new(),
            signer,
            algorithm,
            signature,
            time_stamp: None,
        })
    }

    fn read_v4(
        tbs: Tlv<'_>,
        seal: Seal,
        mut inside: tlv::Reader<'_>,
        mut fields: tlv::Reader<'_>,
    ) -> Result<Self, BadSes> {
        let time = Claim::At(read::time(&mut inside, "timeInfo")?);
        let data_hash = read::bits(&mut inside, "dataHash")?.to_vec();
        let property = read::text(&mut inside, "propertyInfo")?;
        let extensions = match inside.optional(0xa0)? {
            Some(wrapped) => read::extensions(tlv::single(wrapped.value, SEQUENCE, "extensions")?)?,
            None => inside.optional(SEQUENCE)?.map(read::extensions).transpose()?.unwrap_or_default(),
        };
        inside.finish("TBS_Sign")?;
        let signer = fields.expect(OCTET_STRING, "signer's certificate")?.value.to_vec();
        let algorithm = read::object_id(&mut fields, "signature algorithm")?;
        let signature = read::bits(&mut fields, "signature")?.to_vec();
        let time_stamp = match fields.optional(0xa0)? {
            Some(wrapped) => {
                let mut inside = wrapped.inside();
                let token = read::bits(&mut inside, "time-stamp")?.to_vec();
                inside.finish("time-stamp")?;
                Some(token)
            }
            None => None,
        };
        fields.finish("signature")?;
        Ok(Self {
            tbs: tbs.whole.to_vec(),
            version: seal.version,
            seal,
            time,
            data_hash,
            property,
            extensions,
            signer,
            algorithm,
            signature,
            time_stamp,
        })
    }

    /// The bytes that were signed: `TBS_Sign` as received.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }
}

/// V1: a token, a `UTCTime` or `GeneralizedTime`, or a text such as `2020-01-25T07:31:56.377Z`,
/// `2020-01-25 07:31:56` (taken for UTC).
fn claim(content: &[u8]) -> Claim {
    if content.first() == Some(&SEQUENCE) {
        return Claim::Token(content.to_vec());
    }
    if let Ok(time) = read::time(&mut tlv::Reader::new(content), "timeInfo") {
        return Claim::At(time);
    }
    let shown: String = String::from_utf8_lossy(content).chars().filter(|c| !c.is_control()).take(64).collect();
    let bare = [(tlv::UTC_TIME, 13), (tlv::GENERALIZED_TIME, 15)].into_iter().find_map(|(tag, length)| {
        let fits = content.len() == length;
        fits.then(|| Tlv { tag, value: content, whole: content }.time().ok()).flatten()
    });
    let spelled = || {
        let mut text = shown.trim().replacen(' ', "T", 1);
        if !text.ends_with('Z') && !text.contains('+') {
            text.push('Z');
        }
        text.parse::<Instant>().ok()
    };
    bare.or_else(spelled).map_or(Claim::Unreadable(shown), Claim::At)
}
