//! Messages: PKCS#7, CMS (RFC 5652), GM/T 0010 (GB/T 35275).

use crypto_pool::tlv::{self, Reader, Tlv};

use super::names::distinguished;
use super::read::{
    ALGORITHM, ISSUER, Read, SERIAL, SIGNATURE, SIGNATURE_ALGORITHM, Scope, VERSION, algorithm, dotted, each, named,
    number, serial, string, tell_more, time,
};
use super::tree::{Fact, Facts, Label, Thing, Value, l};
use super::{envelope, part, stamp};

pub(super) const SIGNED: Label = l("signed-message", "Signed message", "签名消息");
pub(super) const CERTIFICATES: Label = l("certificates", "Certificates in a message (p7b)", "证书链文件（p7b）");
pub(super) const OTHER: Label = l("message", "Message", "密码消息");
const CONTENT_TYPE: Label = l("content-type", "Type of the content", "内容类型");
const TYPE: Label = l("type", "Type", "类型");
const SIGNER: Label = l("signer", "Signer", "签名者");
const ATTRIBUTE: Label = l("attribute", "Attribute", "属性");
const DIGEST: Label = l("digest-algorithm", "Digest algorithm", "摘要算法");
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

/// `ContentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT ANY }`.
pub(super) fn show(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut inside = outer.inside();
    let (Ok(kind), Ok(content)) = (inside.any(), inside.any()) else { return super::outline::show(outer, size) };
    let oid = dotted(kind.value);
    let mut thing = Thing::new(OTHER, size);
    thing.put(TYPE, named(kind.value));
    match oid.as_str() {
        "1.2.840.113549.1.7.2" | "1.2.156.10197.6.1.4.2.2" => {
            let read = signed(&mut thing, content, scope);
            thing.ends_with(read)
        }
        "1.2.840.113549.1.7.3" | "1.2.156.10197.6.1.4.2.3" => envelope::message(thing, content),
        "1.2.840.113549.1.7.6" | "1.2.156.10197.6.1.4.2.5" => {
            let read = (|| {
                let mut data = content.inside().expect(tlv::SEQUENCE, "encrypted data")?.inside();
                thing.put(VERSION, number(data.expect(tlv::INTEGER, "version")?));
                encrypted_content(&mut thing, data.expect(tlv::SEQUENCE, "encrypted content")?)
            })();
            thing.ends_with(read)
        }
        "1.2.840.113549.1.7.4" | "1.2.156.10197.6.1.4.2.4" => {
            let read = signed_and_enveloped(&mut thing, content, scope);
            thing.ends_with(read)
        }
        _ => {
            if let Ok(inner) = content.inside().any() {
                thing.put(l("content", "Content", "内容"), inner.value);
            }
            thing
        }
    }
}

fn signed(thing: &mut Thing, content: Tlv<'_>, scope: Scope<'_>) -> Read {
    thing.kind = SIGNED;
    let mut data = content.inside().expect(tlv::SEQUENCE, "signed data")?.inside();
    thing.put(VERSION, number(data.expect(tlv::INTEGER, "version")?));
    each(data.expect(tlv::SET, "digest algorithms")?.inside(), |one| {
        thing.put(DIGEST, algorithm(one)?);
        Ok(())
    })?;
    let mut encapsulated = data.expect(tlv::SEQUENCE, "content")?.inside();
    let kind = encapsulated.expect(tlv::OID, "content type")?.value;
    thing.put(CONTENT_TYPE, named(kind));
    let inner = encapsulated.optional(0xa0)?.map(|explicit| explicit.inside().any()).transpose()?;
    let mut about_time = Ok(());
    match inner {
        Some(inner) if dotted(kind) == TST_INFO => {
            thing.kind = stamp::TOKEN;
            about_time = stamp::information(thing, inner.value);
        }
        Some(inner) => {
            thing.put(l("content-size", "Bytes of content", "内容字节数"), inner.value.len().to_string());
            if let Some(text) = readable(inner.value) {
                thing.put(l("content", "Content", "内容"), text);
            }
        }
        None => thing.put(l("detached", "The content is elsewhere", "内容不在消息内（分离签名）"), true),
    }
    let certificates = data.optional(0xa0)?;
    let crls = data.optional(0xa1)?;
    let signers = data.expect(tlv::SET, "signers")?;
    if signers.value.is_empty() && inner.is_none() {
        thing.kind = CERTIFICATES;
        thing.facts.retain(|fact| fact.label.name != "detached");
    }
    let more = each(signers.inside(), |info| signer(thing, info, scope))?;
    tell_more(thing, more);
    inside(thing, certificates, crls, scope)?;
    about_time
}

/// What came along.
fn inside(thing: &mut Thing, certificates: Option<Tlv<'_>>, crls: Option<Tlv<'_>>, scope: Scope<'_>) -> Read {
    for set in [certificates, crls].into_iter().flatten() {
        let more = each(set.inside(), |one| {
            thing.inside.push(part(one.whole, scope));
            Ok(())
        })?;
        tell_more(thing, more);
    }
    Ok(())
}

/// Short text is shown as it is.
fn readable(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok().filter(|text| !text.is_empty() && text.len() <= 200)?;
    let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    plain.then(|| text.trim_end().to_owned())
}

/// `issuerAndSerialNumber`, or `[0]` a key identifier.
pub(super) fn whom(id: Tlv<'_>) -> Read<Vec<Fact>> {
    let mut facts = Vec::new();
    if id.tag == tlv::SEQUENCE {
        let mut inside = id.inside();
        facts.put(ISSUER, distinguished(inside.expect(tlv::SEQUENCE, "issuer")?));
        facts.put(SERIAL, serial(inside.expect(tlv::INTEGER, "serial number")?.value));
    } else {
        facts.put(l("key-id", "Key identifier", "密钥标识符"), id.value);
    }
    Ok(facts)
}

fn signer(thing: &mut Thing, info: Tlv<'_>, scope: Scope<'_>) -> Read {
    let mut inside = info.inside();
    let mut facts = Vec::new();
    facts.put(VERSION, number(inside.expect(tlv::INTEGER, "version")?));
    facts.extend(whom(inside.any()?)?);
    facts.put(DIGEST, algorithm(inside.expect(tlv::SEQUENCE, "digest algorithm")?)?);
    let signed = inside.optional(0xa0)?;
    let named_algorithm = inside.expect(tlv::SEQUENCE, "signature algorithm")?;
    let signature = inside.expect(tlv::OCTET_STRING, "signature")?.value;
    let unsigned = inside.optional(0xa1)?;
    if let Some(set) = signed {
        facts.group(l("signed-attributes", "Signed as well", "已签名属性"), None, attributes(thing, set, scope)?);
    }
    facts.put(SIGNATURE_ALGORITHM, algorithm(named_algorithm)?);
    facts.put(SIGNATURE, signature);
    raw_signature(thing, signature);
    if let Some(set) = unsigned {
        facts.group(l("unsigned-attributes", "Not signed", "未签名属性"), None, attributes(thing, set, scope)?);
    }
    thing.group(SIGNER, None, facts);
    Ok(())
}

/// SM2 signatures of 64 octets are not what GB/T 35276 has.
pub(super) fn raw_signature(thing: &mut Thing, signature: &[u8]) {
    if signature.len() == 64 && signature.first() != Some(&0x30) {
        thing.remark(
            "raw-signature",
            "the signature is 64 bare octets r || s, not the DER of SM2Signature (GB/T 35276)",
            "签名值为 64 字节裸 r || s，不是 SM2Signature 的 DER 编码（GB/T 35276）",
        );
    }
}

fn attributes(thing: &mut Thing, set: Tlv<'_>, scope: Scope<'_>) -> Read<Vec<Fact>> {
    let mut facts = Vec::new();
    let more = each(set.inside(), |one| {
        let mut one = one.inside();
        let kind = one.expect(tlv::OID, "attribute")?.value;
        let mut values = one.expect(tlv::SET, "attribute values")?.inside();
        let value = values.any().ok();
        let told: Option<Value> = match (dotted(kind).as_str(), value) {
            ("1.2.840.113549.1.9.16.2.14", Some(token)) => {
                thing.inside.push(part(token.whole, scope));
                Some(("further below", "见下文").into())
            }
            (_, Some(value)) => Some(match value.tag {
                tlv::OID => named(value.value),
                tlv::OCTET_STRING => value.value.into(),
                tag if super::read::is_time(tag) => time(value).into(),
                _ => string(value).map_or_else(|| value.whole.into(), Value::from),
            }),
            (_, None) => None,
        };
        let label = l("value", "Value", "值");
        let parts = told.map(|told| Fact { label, value: Some(told), critical: None, facts: Vec::new() });
        facts.group(ATTRIBUTE, Some(named(kind)), parts.into_iter().collect());
        Ok(())
    })?;
    tell_more(&mut facts, more);
    Ok(facts)
}

/// `EncryptedContentInfo`.
pub(super) fn encrypted_content(thing: &mut Thing, info: Tlv<'_>) -> Read {
    let mut inside = info.inside();
    thing.put(CONTENT_TYPE, named(inside.expect(tlv::OID, "content type")?.value));
    let identifier = inside.expect(tlv::SEQUENCE, "cipher")?;
    if super::key::protection(thing, identifier).is_err() {
        thing.put(ALGORITHM, algorithm(identifier)?);
    }
    let bytes = match inside.any().ok() {
        // In pieces, where it was sent so.
        Some(one) if one.tag & 0x20 != 0 => pieces(one.inside()),
        Some(one) => one.value.len(),
        None => 0,
    };
    thing.put(l("content-size", "Bytes of content", "内容字节数"), bytes.to_string());
    Ok(())
}

fn pieces(mut inside: Reader<'_>) -> usize {
    let mut sum = 0;
    while let Ok(one) = inside.any() {
        sum += one.value.len();
    }
    sum
}

/// `SignedAndEnvelopedData`: recipients, digests, content, certificates, signers.
fn signed_and_enveloped(thing: &mut Thing, content: Tlv<'_>, scope: Scope<'_>) -> Read {
    let mut data = content.inside().expect(tlv::SEQUENCE, "message")?.inside();
    thing.put(VERSION, number(data.expect(tlv::INTEGER, "version")?));
    let recipients = data.expect(tlv::SET, "recipients")?;
    envelope::recipients(thing, recipients)?;
    each(data.expect(tlv::SET, "digest algorithms")?.inside(), |one| {
        thing.put(DIGEST, algorithm(one)?);
        Ok(())
    })?;
    encrypted_content(thing, data.expect(tlv::SEQUENCE, "encrypted content")?)?;
    let (certificates, crls) = (data.optional(0xa0)?, data.optional(0xa1)?);
    each(data.expect(tlv::SET, "signers")?.inside(), |info| signer(thing, info, scope))?;
    inside(thing, certificates, crls, scope)
}
