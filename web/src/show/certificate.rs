//! A certificate (RFC 5280 4.1).

use crypto_pool::BadDer;
use crypto_pool::path::Cert;
use crypto_pool::tlv::{self, Tlv};

use super::extensions;
use super::names::distinguished;
use super::read::{
    ISSUER, Read, SERIAL, SIGNATURE, SIGNATURE_ALGORITHM, VERSION, algorithm, algorithm_id, bits, fingerprints,
    remark_null, serial, time,
};
use super::tree::{Facts, Label, Thing, l};
use super::{key, words};

pub(super) const CERTIFICATE: Label = l("certificate", "Certificate", "证书");
pub(super) const SUBJECT: Label = l("subject", "Subject", "主体");
const NOT_BEFORE: Label = l("not-before", "Valid from", "生效时间");
const NOT_AFTER: Label = l("not-after", "Valid until", "失效时间");
const HALF: Label = l("pair-half", "Half of a pair", "双证书");

/// What it says, and how it deviates.
pub(super) fn show(bytes: &[u8], outer: Tlv<'_>) -> Thing {
    let mut thing = Thing::new(CERTIFICATE, bytes.len());
    let read = fields(&mut thing, outer);
    fingerprints(&mut thing, bytes);
    match Cert::from_der_tolerant(bytes) {
        Ok(cert) => about(&mut thing, &cert),
        Err(BadDer { what }) => {
            thing.remark(
                "refused",
                &format!("nobody here would use it: {what}"),
                &format!("本软件无法使用此证书：{what}"),
            );
        }
    }
    thing.ends_with(read)
}

fn fields(thing: &mut Thing, outer: Tlv<'_>) -> Read {
    let mut whole = outer.inside();
    let mut tbs = whole.expect(tlv::SEQUENCE, "certificate")?.inside();
    let version = match tbs.optional(0xa0)? {
        Some(version) => tlv::single(version.value, tlv::INTEGER, "version")?.small()?,
        None => 0,
    };
    thing.put(VERSION, format!("{}", version.saturating_add(1)));
    thing.put(SERIAL, serial(tbs.expect(tlv::INTEGER, "serial number")?.value));
    let inner = tbs.expect(tlv::SEQUENCE, "signature algorithm")?;
    thing.put(SIGNATURE_ALGORITHM, algorithm(inner)?);
    thing.put(ISSUER, distinguished(tbs.expect(tlv::SEQUENCE, "issuer")?));
    let mut validity = tbs.expect(tlv::SEQUENCE, "validity")?.inside();
    thing.put(NOT_BEFORE, time(validity.any()?));
    thing.put(NOT_AFTER, time(validity.any()?));
    thing.put(SUBJECT, distinguished(tbs.expect(tlv::SEQUENCE, "subject")?));
    let spki = tbs.expect(tlv::SEQUENCE, "public key")?;
    thing.group(key::PUBLIC, None, key::spki_facts(spki));
    for (tag, label) in [
        (0x81, l("issuer-id", "Issuer's unique identifier", "签发者唯一标识")),
        (0x82, l("subject-id", "Subject's unique identifier", "主体唯一标识")),
    ] {
        if let Some(id) = tbs.optional(tag)? {
            thing.put(label, id.value);
        }
    }
    if let Some(list) = tbs.optional(0xa3)? {
        extensions::all(thing, list)?;
    }
    let outside = whole.expect(tlv::SEQUENCE, "signature algorithm")?;
    if algorithm_id(outside)? != algorithm_id(inner)? {
        thing.remark(
            "two-algorithms",
            "the signature algorithm is named differently inside and outside (RFC 5280 4.1.1.2)",
            "证书内外的签名算法标识不一致（RFC 5280 4.1.1.2）",
        );
    }
    remark_null(thing, outside);
    remark_null(thing, inner);
    thing.put(SIGNATURE, bits(whole.expect(tlv::BIT_STRING, "signature")?));
    Ok(())
}

/// What follows from its parts.
fn about(thing: &mut Thing, cert: &Cert) {
    if let Some(half) = half(cert) {
        thing.put(HALF, half);
    }
    if cert.is_self_issued() {
        let own = cert.public_key().is_ok_and(|key| cert.is_signed_by(key));
        let words = match own {
            true => ("yes, by its own key", "是，由自身密钥签名"),
            false => ("its names say so, but its own key did not sign it", "签发者与主体同名，但签名不是自身密钥所签"),
        };
        thing.put(l("self-signed", "Self-signed", "自签名"), words);
    }
    if let Err(why) = cert.public_key() {
        thing.remark("key", &format!("its key is not usable: {why}"), "公钥不可用：算法未知、长度不足或取值不合法");
    }
    for deviation in cert.deviations() {
        thing.remark(deviation.as_str(), &deviation.to_string(), words::deviation(*deviation));
    }
}

/// Which of the two certificates of a Chinese subscriber it is, by its key usage.
fn half(cert: &Cert) -> Option<(&'static str, &'static str)> {
    let usage = cert.extensions().key_usage?;
    let signs = usage.digital_signature() || usage.non_repudiation();
    let encrypts = usage.key_encipherment() || usage.data_encipherment() || usage.key_agreement();
    let authority = usage.key_cert_sign() || usage.crl_sign();
    match (signs, encrypts, authority) {
        (true, false, false) => Some(("its key is for signing", "签名证书")),
        (false, true, false) => Some(("its key is for encryption", "加密证书")),
        _ => None,
    }
}
