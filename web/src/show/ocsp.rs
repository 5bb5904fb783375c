//! Questions and answers of OCSP (RFC 6960).

use crypto_pool::path::OcspAnswer;
use crypto_pool::tlv::{self, Tlv};

use super::names::{distinguished, general};
use super::read::{
    Read, SERIAL, SIGNATURE, SIGNATURE_ALGORITHM, Scope, algorithm, bits, each, named, remark_null, serial, tell_more,
    time,
};
use super::tree::{Fact, Facts, Label, Thing, Value, l};
use super::{extensions, part, revocation};

pub(super) const REQUEST: Label = l("ocsp-request", "Question to an OCSP responder", "OCSP 请求");
pub(super) const RESPONSE: Label = l("ocsp-response", "Answer of an OCSP responder", "OCSP 响应");
const ABOUT: Label = l("about", "About the certificate", "所查证书");
const STATUS: Label = l("status", "Status", "状态");

/// `OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] EXPLICIT OPTIONAL }`.
pub(super) fn request(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(REQUEST, size);
    let read = (|| {
        let mut whole = outer.inside();
        let mut tbs = whole.expect(tlv::SEQUENCE, "request")?.inside();
        tbs.optional(0xa0)?;
        if let Some(name) = tbs.optional(0xa1)? {
            let (_, value) = general(name.inside().any()?);
            thing.put(l("requestor", "Who asks", "请求者"), value);
        }
        let more = each(tbs.expect(tlv::SEQUENCE, "requests")?.inside(), |one| {
            let id = one.inside().expect(tlv::SEQUENCE, "CertID")?;
            let fact = cert_id(id)?;
            thing.add(fact);
            Ok(())
        })?;
        tell_more(&mut thing, more);
        if let Some(list) = tbs.optional(0xa2)? {
            extensions::all(&mut thing, list)?;
        }
        thing.put(l("signed", "Signed", "已签名"), whole.optional(0xa0)?.is_some());
        whole.finish("OCSP request")
    })();
    if read.is_err() && thing.facts.is_empty() {
        return super::outline::show(outer, size);
    }
    thing.ends_with(read)
}

/// `CertID`: the issuer by digests of its name and key, and the serial number.
fn cert_id(id: Tlv<'_>) -> Read<Fact> {
    let mut inside = id.inside();
    let mut facts = Vec::new();
    let hash = inside.expect(tlv::SEQUENCE, "hash")?;
    let name = inside.expect(tlv::OCTET_STRING, "issuer")?.value;
    let key = inside.expect(tlv::OCTET_STRING, "issuer")?.value;
    let number = serial(inside.expect(tlv::INTEGER, "serial number")?.value);
    facts.put(SERIAL, number);
    facts.put(l("hash", "Issuer named by", "签发者摘要算法"), algorithm(hash)?);
    facts.put(l("name-hash", "Digest of its name", "签发者名称摘要"), name);
    facts.put(l("key-hash", "Digest of its key", "签发者公钥摘要"), key);
    Ok(Fact { label: ABOUT, value: None, critical: None, facts })
}

/// `OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT OPTIONAL }`.
pub(super) fn response(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(RESPONSE, size);
    let read = (|| {
        let mut whole = outer.inside();
        let status = whole.expect(tlv::ENUMERATED, "status")?;
        let words: Value = match status.value {
            [0] => ("successful", "成功").into(),
            [1] => ("refused: the question does not read", "拒绝：请求格式错误").into(),
            [2] => ("refused: internal error", "拒绝：内部错误").into(),
            [3] => ("refused: try later", "拒绝：请稍后再试").into(),
            [5] => ("refused: signed questions only", "拒绝：请求须签名").into(),
            [6] => ("refused: not authorised", "拒绝：未授权").into(),
            other => other.into(),
        };
        thing.put(l("response-status", "Outcome", "结果"), words);
        if let Some(bytes) = whole.optional(0xa0)? {
            let mut bytes = tlv::single(bytes.value, tlv::SEQUENCE, "answer")?.inside();
            thing.put(l("answer-kind", "Kind of answer", "响应类型"), named(bytes.expect(tlv::OID, "kind")?.value));
            let basic = bytes.expect(tlv::OCTET_STRING, "answer")?.value;
            read_basic(&mut thing, tlv::single(basic, tlv::SEQUENCE, "answer")?, scope)?;
            told_unusable(&mut thing, outer.whole);
        }
        Ok(())
    })();
    thing.ends_with(read)
}

/// A bare `BasicOCSPResponse`, as documents carry it.
pub(super) fn basic(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(RESPONSE, size);
    let read = read_basic(&mut thing, outer, scope);
    if read.is_err() && thing.facts.is_empty() {
        return super::outline::show(outer, size);
    }
    told_unusable(&mut thing, outer.whole);
    thing.ends_with(read)
}

fn told_unusable(thing: &mut Thing, der: &[u8]) {
    if let Err(why) = OcspAnswer::from_der(der) {
        let what = why.what;
        thing.remark("refused", &format!("nobody here would use it: {what}"), &format!("本软件无法使用此响应：{what}"));
    }
}

fn read_basic(thing: &mut Thing, outer: Tlv<'_>, scope: Scope<'_>) -> Read {
    let mut whole = outer.inside();
    let mut data = whole.expect(tlv::SEQUENCE, "answer")?.inside();
    data.optional(0xa0)?;
    let responder = data.any()?;
    let by: Value = match responder.tag {
        0xa1 => distinguished(responder.inside().expect(tlv::SEQUENCE, "name")?).into(),
        0xa2 => responder.inside().expect(tlv::OCTET_STRING, "key")?.value.into(),
        _ => return tlv::bad("responder"),
    };
    thing.put(l("responder", "Who answers", "响应者"), by);
    thing.put(l("produced-at", "Signed at", "签发时间"), time(data.any()?));
    let mut singles = Vec::new();
    let more = each(data.expect(tlv::SEQUENCE, "answers")?.inside(), |one| {
        singles.push(single(thing, one)?);
        Ok(())
    })?;
    tell_more(&mut singles, more);
    thing.facts.extend(singles);
    if let Some(list) = data.optional(0xa1)? {
        extensions::all(thing, list)?;
    }
    let identifier = whole.expect(tlv::SEQUENCE, "signature algorithm")?;
    thing.put(SIGNATURE_ALGORITHM, algorithm(identifier)?);
    remark_null(thing, identifier);
    thing.put(SIGNATURE, bits(whole.expect(tlv::BIT_STRING, "signature")?));
    if let Some(certs) = whole.optional(0xa0)? {
        each(tlv::single(certs.value, tlv::SEQUENCE, "certificates")?.inside(), |one| {
            thing.inside.push(part(one.whole, scope));
            Ok(())
        })?;
    }
    Ok(())
}

fn single(thing: &mut Thing, one: Tlv<'_>) -> Read<Fact> {
    let mut inside = one.inside();
    let mut fact = cert_id(inside.expect(tlv::SEQUENCE, "CertID")?)?;
    let status = inside.any()?;
    match status.tag {
        0x80 => fact.facts.put(STATUS, ("good", "有效")),
        0x82 => fact.facts.put(STATUS, ("unknown", "未知")),
        _ => {
            let mut revoked = status.inside();
            fact.facts.put(STATUS, ("revoked", "已撤销"));
            fact.facts.put(l("revoked-at", "Revoked", "撤销时间"), time(revoked.any()?));
            if let Some(reason) = revoked.optional(0xa0)? {
                fact.facts.put(l("reason", "Reason", "撤销原因"), revocation::reason(reason.inside().any()?));
            }
        }
    }
    fact.facts.put(l("this-update", "As of", "本次更新"), time(inside.any()?));
    if let Some(next) = inside.optional(0xa0)? {
        fact.facts.put(l("next-update", "Next one by", "下次更新"), time(next.inside().any()?));
    }
    if let Some(list) = inside.optional(0xa1)? {
        let list = tlv::single(list.value, tlv::SEQUENCE, "extensions")?;
        fact.facts.extend(extensions::read_all(thing, list)?);
    }
    Ok(fact)
}
