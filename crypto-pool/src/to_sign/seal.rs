//! What the maker of an electronic seal and whoever uses it may sign (GB/T 38540-2020): read here strictly and
//! without the reader of documents, so that a captured service cannot have a maker's key sign a document, nor a
//! signer's key use a seal that does not list it.

use pki_config::{Instant, oid};

use super::Refusal;
use crate::algorithm::KeyAlgorithm;
use crate::key::KeyRecord;
use crate::path::Cert;
use crate::tlv::{
    self, BIT_STRING, BadDer, GENERALIZED_TIME, IA5_STRING, INTEGER, OCTET_STRING, PRINTABLE_STRING, Reader, SEQUENCE,
    Tlv, UTF8_STRING,
};

/// How far the time within may be from the pool's clock, to either side: a large document takes a while to be
/// made ready. A captured service can back-date by no more than this.
pub(super) const TOLERANCE: std::time::Duration = std::time::Duration::from_secs(60);
/// Longest seal. Unit: bytes. Real ones have 5 to 32 KB.
const LONGEST: usize = 4 << 20;
/// Most certificates that may use a seal.
const MOST_HOLDERS: usize = 1_000;

/// The content of a seal (`SES_SealInfo`), and the certificate of the maker who is to sign it.
#[derive(Debug, Clone)]
pub struct SealToSign {
    info: Vec<u8>,
    maker: Cert,
}

impl SealToSign {
    /// What is to be signed so that `maker` vouches for the seal.
    #[must_use]
    pub const fn new(info: Vec<u8>, maker: Cert) -> Self {
        Self { info, maker }
    }

    /// The bytes that the signature is over.
    #[must_use]
    pub fn info(&self) -> &[u8] {
        &self.info
    }

    pub(super) fn into_info(self) -> Vec<u8> {
        self.info
    }
}

/// A use of a seal (`TBS_Sign`), and the certificate of whoever uses it.
#[derive(Debug, Clone)]
pub struct SealSignatureToSign {
    tbs: Vec<u8>,
    signer: Cert,
}

impl SealSignatureToSign {
    /// What is to be signed so that `signer` puts the seal on the document.
    #[must_use]
    pub const fn new(tbs: Vec<u8>, signer: Cert) -> Self {
        Self { tbs, signer }
    }

    /// The bytes that the signature is over.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    pub(super) fn into_tbs(self) -> Vec<u8> {
        self.tbs
    }
}

/// The certificate is one of this key, and this is an SM2 key that may sign now.
fn check_key(cert: &Cert, record: &KeyRecord, at: Instant) -> Result<(), Refusal> {
    if record.algorithm != KeyAlgorithm::Sm2 {
        return Err(Refusal::Algorithm);
    }
    if cert.spki() != record.spki || cert.extensions().key_usage.is_some_and(|usage| !usage.digital_signature()) {
        return Err(Refusal::Signer);
    }
    let begun = record.not_before.is_none_or(|start| start.whole_second() <= at) && cert.not_before() <= at;
    if begun && record.not_after.is_none_or(|end| at <= end) && at.whole_second() <= cert.not_after() {
        Ok(())
    } else {
        Err(Refusal::Period)
    }
}

fn near(at: Instant, now: Instant) -> bool {
    at <= now.plus(TOLERANCE) && at >= now.whole_second().minus(TOLERANCE)
}

/// A seal made now, of the form that is written today, that does not outlast its maker's certificate.
pub(super) fn check_seal(seal: &SealToSign, record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    check_key(&seal.maker, record, now)?;
    if seal.info.len() > LONGEST {
        return tlv::bad("seal is too long").map_err(Refusal::from);
    }
    let info = Info::read(tlv::single(&seal.info, SEQUENCE, "seal")?)?;
    if !near(info.created, now) || info.until < info.from {
        return Err(Refusal::Times);
    }
    let end = record.not_after.map_or(seal.maker.not_after(), |end| end.min(seal.maker.not_after()));
    if info.until > end { Err(Refusal::Period) } else { Ok(()) }
}

/// ```text
/// TBS_Sign ::= SEQUENCE { version INTEGER (4), eseal SESeal, timeInfo GeneralizedTime, dataHash BIT STRING,
///   propertyInfo IA5String, extDatas [0] EXPLICIT ExtensionDatas OPTIONAL }
/// SESeal ::= SEQUENCE { eSealInfo SES_SealInfo, cert OCTET STRING, signAlgID OID, signedValue BIT STRING }
/// ```
pub(super) fn check_signature(use_: &SealSignatureToSign, record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    if use_.tbs.len() > LONGEST {
        return tlv::bad("signature is too long").map_err(Refusal::from);
    }
    let mut fields = tlv::single(&use_.tbs, SEQUENCE, "TBS_Sign")?.inside();
    version(&mut fields)?;
    let mut seal = fields.expect(SEQUENCE, "seal")?.inside();
    let info = Info::read(seal.expect(SEQUENCE, "seal")?)?;
    seal.expect(OCTET_STRING, "seal maker's certificate")?;
    if seal.expect(tlv::OID, "seal algorithm")?.value != oid::SM2_WITH_SM3.as_bytes() {
        return Err(Refusal::Algorithm);
    }
    seal.expect(BIT_STRING, "seal signature")?.whole_bits()?;
    seal.finish("seal")?;
    let at = fields.expect(GENERALIZED_TIME, "signing time")?.time()?;
    if fields.expect(BIT_STRING, "document digest")?.whole_bits()?.len() != 32 {
        return tlv::bad("document digest").map_err(Refusal::from);
    }
    text(&mut fields, IA5_STRING, "propertyInfo")?;
    fields.optional(0xa0)?;
    fields.finish("TBS_Sign")?;
    check_key(&use_.signer, record, at)?;
    if !info.lists(&use_.signer) {
        return Err(Refusal::NotInSeal);
    }
    if !near(at, now) || at < info.from || at > info.until {
        return Err(Refusal::Times);
    }
    Ok(())
}

/// What counts of a seal.
struct Info<'a> {
    /// Certificates, or digests of them.
    holders: Vec<&'a [u8]>,
    by_digest: bool,
    created: Instant,
    from: Instant,
    until: Instant,
}

impl<'a> Info<'a> {
    /// ```text
    /// SES_SealInfo ::= SEQUENCE { header { "ES", version 4, Vid IA5String }, esID IA5String,
    ///   property SEQUENCE { type INTEGER, name UTF8String, certListType INTEGER, certList, createDate, validStart,
    ///   validEnd GeneralizedTime }, picture { type IA5String, data OCTET STRING, width, height INTEGER },
    ///   extDatas SEQUENCE OPTIONAL }
    /// ```
    fn read(whole: Tlv<'a>) -> Result<Self, BadDer> {
        let mut fields = whole.inside();
        let mut header = fields.expect(SEQUENCE, "seal header")?.inside();
        if header.expect(IA5_STRING, "seal header")?.value != b"ES" {
            return tlv::bad("seal header");
        }
        version(&mut header)?;
        text(&mut header, IA5_STRING, "seal header")?;
        header.finish("seal header")?;
        text(&mut fields, IA5_STRING, "seal identifier")?;

        let mut property = fields.expect(SEQUENCE, "seal property")?.inside();
        property.expect(INTEGER, "seal type")?.small()?;
        text(&mut property, UTF8_STRING, "seal name")?;
        let by_digest = match property.expect(INTEGER, "certListType")?.small()? {
            1 => false,
            2 => true,
            _ => return tlv::bad("certListType"),
        };
        let holders = holders(property.expect(SEQUENCE, "certList")?, by_digest)?;
        let mut time = || property.expect(GENERALIZED_TIME, "seal time")?.time();
        let (created, from, until) = (time()?, time()?, time()?);
        property.finish("seal property")?;

        let mut picture = fields.expect(SEQUENCE, "seal picture")?.inside();
        text(&mut picture, IA5_STRING, "picture type")?;
        picture.expect(OCTET_STRING, "picture")?;
        for _ in 0..2 {
            if !(1..=1000).contains(&picture.expect(INTEGER, "picture size")?.small()?) {
                return tlv::bad("picture size");
            }
        }
        picture.finish("seal picture")?;
        fields.optional(SEQUENCE)?;
        fields.finish("seal")?;
        Ok(Self { holders, by_digest, created, from, until })
    }

    fn lists(&self, cert: &Cert) -> bool {
        if self.by_digest {
            let digest = engine::sm3::hash(cert.der());
            self.holders.contains(&&digest[..])
        } else {
            self.holders.contains(&cert.der())
        }
    }
}

fn version(fields: &mut Reader<'_>) -> Result<(), BadDer> {
    if fields.expect(INTEGER, "version")?.small()? == 4 { Ok(()) } else { tlv::bad("version") }
}

fn text<'a>(fields: &mut Reader<'a>, tag: u8, what: &'static str) -> Result<&'a str, BadDer> {
    let text = std::str::from_utf8(fields.expect(tag, what)?.value).map_err(|_| BadDer { what })?;
    if text.is_empty() || (tag != UTF8_STRING && !text.is_ascii()) { tlv::bad(what) } else { Ok(text) }
}

fn holders(list: Tlv<'_>, by_digest: bool) -> Result<Vec<&[u8]>, BadDer> {
    let mut all = Vec::new();
    let mut list = list.inside();
    while !list.is_empty() {
        let one = if by_digest {
            let mut pair = list.expect(SEQUENCE, "certList")?.inside();
            pair.expect(PRINTABLE_STRING, "certList")?;
            let digest = pair.expect(OCTET_STRING, "certList")?.value;
            pair.finish("certList")?;
            if digest.len() != 32 {
                return tlv::bad("certList");
            }
            digest
        } else {
            list.expect(OCTET_STRING, "certList")?.value
        };
        if all.len() == MOST_HOLDERS {
            return tlv::bad("certList is too long");
        }
        all.push(one);
    }
    if all.is_empty() { tlv::bad("certList is empty") } else { Ok(all) }
}

#[cfg(test)]
mod tests;
