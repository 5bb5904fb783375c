//! Time-stamps (RFC 3161, GM/T 0033): questions, answers, and what a token says.

use crypto_pool::tlv::{self, Tlv};

use super::names::general;
use super::read::{Read, SERIAL, Scope, VERSION, algorithm, dotted, each, number, serial, string, time};
use super::tree::{Facts, Label, Thing, Value, hex, l};
use super::{extensions, part};

pub(super) const REQUEST: Label = l("stamp-request", "Request for a time-stamp", "时间戳请求");
pub(super) const RESPONSE: Label = l("stamp-response", "Answer of a time-stamping authority", "时间戳响应");
pub(super) const TOKEN: Label = l("stamp-token", "Time-stamp", "时间戳");
const POLICY: Label = l("policy", "Policy", "策略");
const HASH: Label = l("hash", "Digest algorithm", "摘要算法");
const DIGEST: Label = l("digest", "Digest of the data", "数据摘要");
const NONCE: Label = l("nonce", "Nonce", "随机数");

/// `TimeStampReq`.
pub(super) fn request(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(REQUEST, size);
    let read = (|| {
        let mut inside = outer.inside();
        thing.put(VERSION, number(inside.expect(tlv::INTEGER, "version")?));
        imprint(&mut thing, inside.expect(tlv::SEQUENCE, "message imprint")?)?;
        if let Some(policy) = inside.optional(tlv::OID)? {
            thing.put(POLICY, dotted(policy.value));
        }
        if let Some(nonce) = inside.optional(tlv::INTEGER)? {
            thing.put(NONCE, hex(nonce.value));
        }
        let wants = inside.optional(tlv::BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
        thing.put(l("certificate-wanted", "Wants the authority's certificate", "要求附带证书"), wants);
        if let Some(list) = inside.optional(0xa0)? {
            let facts = extensions::read_all(&mut thing, list)?;
            thing.group(l("extensions", "Extensions", "扩展项"), None, facts);
        }
        inside.finish("time-stamp request")
    })();
    if read.is_err() && thing.facts.len() < 3 {
        return super::outline::show(outer, size);
    }
    thing.ends_with(read)
}

fn imprint(facts: &mut Thing, imprint: Tlv<'_>) -> Read {
    let mut inside = imprint.inside();
    let hash = algorithm(inside.expect(tlv::SEQUENCE, "digest algorithm")?)?;
    let digest = inside.expect(tlv::OCTET_STRING, "digest")?.value;
    facts.put(HASH, hash);
    facts.put(DIGEST, digest);
    Ok(())
}

/// `TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL }`.
pub(super) fn response(outer: Tlv<'_>, size: usize, scope: Scope<'_>) -> Thing {
    let mut thing = Thing::new(RESPONSE, size);
    let read = (|| {
        let mut inside = outer.inside();
        let mut status = inside.expect(tlv::SEQUENCE, "status")?.inside();
        let code = status.expect(tlv::INTEGER, "status")?;
        let words: Value = match code.value {
            [0] => ("granted", "已签发").into(),
            [1] => ("granted, with changes", "已签发（有改动）").into(),
            [2] => ("refused", "拒绝").into(),
            [3] => ("waiting", "等待").into(),
            _ => number(code).into(),
        };
        thing.put(l("status", "Outcome", "结果"), words);
        if let Some(texts) = status.optional(tlv::SEQUENCE)? {
            each(texts.inside(), |text| {
                thing.put(l("text", "In its words", "说明"), string(text).unwrap_or_default());
                Ok(())
            })?;
        }
        if let Some(why) = status.optional(tlv::BIT_STRING)? {
            let (set, _) = extensions::named_bits(why)?;
            let words: Vec<(&str, &str)> = set.iter().map(|bit| failure(*bit)).collect();
            thing.put(l("failure", "Why", "原因"), Value::list(&words));
        }
        if !inside.is_empty() {
            thing.inside.push(part(inside.expect(tlv::SEQUENCE, "token")?.whole, scope));
        }
        inside.finish("time-stamp response")
    })();
    thing.ends_with(read)
}

/// `PKIFailureInfo`, RFC 3161 2.4.2.
const fn failure(bit: usize) -> (&'static str, &'static str) {
    match bit {
        0 => ("the digest algorithm is not taken", "不支持的摘要算法"),
        2 => ("the request is not allowed", "不允许的请求"),
        5 => ("the data does not read", "数据格式错误"),
        14 => ("the authority's clock is not available", "时间源不可用"),
        15 => ("the policy is not taken", "不支持的策略"),
        16 => ("an extension is not taken", "不支持的扩展项"),
        17 => ("additional information is not available", "无法提供附加信息"),
        25 => ("internal error", "系统内部错误"),
        _ => ("an unknown reason", "未知原因"),
    }
}

/// What `TSTInfo` says, put to the message that carries it.
pub(super) fn information(thing: &mut Thing, content: &[u8]) -> Read {
    let mut inside = tlv::single(content, tlv::SEQUENCE, "time-stamp information")?.inside();
    inside.expect(tlv::INTEGER, "version")?;
    let policy = dotted(inside.expect(tlv::OID, "policy")?.value);
    let digest = inside.expect(tlv::SEQUENCE, "message imprint")?;
    let number_of = serial(inside.expect(tlv::INTEGER, "serial number")?.value);
    thing.put(l("time", "Time", "时间"), time(inside.expect(tlv::GENERALIZED_TIME, "time")?));
    imprint(thing, digest)?;
    thing.put(SERIAL, number_of);
    thing.put(POLICY, policy);
    if let Some(accuracy) = inside.optional(tlv::SEQUENCE)? {
        let mut parts = Vec::new();
        each(accuracy.inside(), |one| {
            let label = match one.tag {
                tlv::INTEGER => l("seconds", "Seconds", "秒"),
                0x80 => l("millis", "Milliseconds", "毫秒"),
                _ => l("micros", "Microseconds", "微秒"),
            };
            parts.put(label, number(Tlv { tag: tlv::INTEGER, ..one }));
            Ok(())
        })?;
        thing.group(l("accuracy", "Accuracy", "精度"), None, parts);
    }
    if let Some(ordering) = inside.optional(tlv::BOOLEAN)? {
        thing.put(l("ordering", "Ordered by time alone", "按时间排序"), ordering.value != [0]);
    }
    if let Some(nonce) = inside.optional(tlv::INTEGER)? {
        thing.put(NONCE, hex(nonce.value));
    }
    if let Some(name) = inside.optional(0xa0)? {
        let (_, value) = general(name.inside().any()?);
        thing.put(l("authority", "Authority", "时间戳机构"), value);
    }
    Ok(())
}
