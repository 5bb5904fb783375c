//! A request for a certificate (PKCS#10, RFC 2986).

use crypto_pool::PublicKey;
use crypto_pool::tlv::{self, Tlv};

use super::certificate::SUBJECT;
use super::names::distinguished;
use super::read::{
    Read, SIGNATURE, SIGNATURE_ALGORITHM, VERSION, algorithm, bits, dotted, each, fingerprints, named, number,
    remark_null, string, tell_more,
};
use super::tree::{Facts, Label, Thing, Value, l};
use super::{extensions, key};

pub(super) const REQUEST: Label =
    l("certificate-request", "Request for a certificate (PKCS#10)", "证书请求（PKCS#10）");
const ATTRIBUTE: Label = l("attribute", "Attribute", "属性");

pub(super) fn show(bytes: &[u8], outer: Tlv<'_>) -> Thing {
    let mut thing = Thing::new(REQUEST, bytes.len());
    let read = fields(&mut thing, outer);
    fingerprints(&mut thing, bytes);
    thing.ends_with(read)
}

fn fields(thing: &mut Thing, outer: Tlv<'_>) -> Read {
    let mut whole = outer.inside();
    let info = whole.expect(tlv::SEQUENCE, "request")?;
    let mut inside = info.inside();
    let version = inside.expect(tlv::INTEGER, "version")?;
    thing.put(VERSION, number(version));
    if version.value != [0] {
        thing.remark("version", "its version is not 0 (RFC 2986 4.1)", "版本不是 0（RFC 2986 4.1）");
    }
    thing.put(SUBJECT, distinguished(inside.expect(tlv::SEQUENCE, "subject")?));
    let spki = inside.expect(tlv::SEQUENCE, "public key")?;
    thing.group(key::PUBLIC, None, key::spki_facts(spki));
    match inside.optional(0xa0)? {
        Some(list) => {
            let more = each(list.inside(), |one| attribute(thing, one))?;
            tell_more(thing, more);
        }
        None => thing.remark(
            "no-attributes",
            "the attributes are missing, even as an empty set (RFC 2986 4.1)",
            "缺少属性字段，空集也应写出（RFC 2986 4.1）",
        ),
    }
    let identifier = whole.expect(tlv::SEQUENCE, "signature algorithm")?;
    thing.put(SIGNATURE_ALGORITHM, algorithm(identifier)?);
    remark_null(thing, identifier);
    let signature = bits(whole.expect(tlv::BIT_STRING, "signature")?);
    thing.put(SIGNATURE, signature);
    // Only the key itself can say that its holder asks.
    let key = PublicKey::from_spki_tolerant(spki.whole);
    let known = crypto_pool::SignatureAlgorithm::from_identifier_der(identifier.whole)
        .or_else(|| dotted_sm2(identifier).then_some(crypto_pool::SignatureAlgorithm::Sm2Sm3));
    let proof = match (key, known) {
        (Ok(key), Some(algorithm)) if key.verify_tolerant(algorithm, info.whole, signature) => {
            ("yes: the key in it signed it", "是：由请求中的密钥签名")
        }
        (Ok(_), Some(_)) => ("NO: the key in it did not sign it", "否：签名不是请求中的密钥所签"),
        _ => ("not known: its key or algorithm is not used here", "未知：密钥或算法不受支持"),
    };
    thing.put(l("proof", "Whoever asks has the key", "持有私钥"), proof);
    Ok(())
}

fn dotted_sm2(identifier: Tlv<'_>) -> bool {
    identifier.inside().any().is_ok_and(|id| dotted(id.value).starts_with("1.2.156.10197.1.301"))
}

fn attribute(thing: &mut Thing, one: Tlv<'_>) -> Read {
    let mut inside = one.inside();
    let id = inside.expect(tlv::OID, "attribute")?;
    let mut values = inside.expect(tlv::SET, "attribute values")?.inside();
    match dotted(id.value).as_str() {
        // extensionRequest, and Microsoft's name for it.
        "1.2.840.113549.1.9.14" | "1.3.6.1.4.1.311.2.1.14" => {
            let facts = extensions::read_all(thing, values.expect(tlv::SEQUENCE, "extensions")?)?;
            thing.group(l("extensions", "Extensions asked for", "请求的扩展项"), None, facts);
        }
        "1.2.840.113549.1.9.7" | "1.2.156.10197.6.1.4.1.10.3" => {
            thing.put(
                l("challenge", "Challenge password", "挑战口令"),
                ("it has one, which is not shown", "有（不显示）"),
            );
        }
        _ => {
            let value = values.any().ok();
            let text = value.and_then(string).map(Value::from).or_else(|| value.map(|value| value.whole.into()));
            let mut parts = Vec::new();
            if let Some(text) = text {
                parts.put(l("value", "Value", "值"), text);
            }
            thing.group(ATTRIBUTE, Some(named(id.value)), parts);
        }
    }
    Ok(())
}
