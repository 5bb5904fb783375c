//! Why and for what certificates are revoked: the words that CRLs and OCSP share.

use crypto_pool::tlv::{self, Tlv};

use super::extensions::{Found, named_bits, point_name, remark_untrimmed};
use super::read::Read;
use super::tree::{Facts, Value, l};

/// Reasons by their number (RFC 5280 5.3.1); as flags they have the same order, up to 6, with two at the end.
const REASONS: [(&str, &str); 11] = [
    ("unspecified", "未说明"),
    ("key compromise", "密钥泄露"),
    ("CA compromise", "CA 密钥泄露"),
    ("affiliation changed", "隶属关系变更"),
    ("superseded", "已被取代"),
    ("cessation of operation", "停止使用"),
    ("certificate hold", "证书挂起"),
    ("unknown", "未知"),
    ("remove from CRL", "从 CRL 移除"),
    ("privilege withdrawn", "权限撤销"),
    ("AA compromise", "属性机构密钥泄露"),
];

pub(super) fn reason(code: Tlv<'_>) -> Value {
    let place = code.value.first().filter(|_| code.value.len() == 1).map(|code| usize::from(*code));
    place.and_then(|place| REASONS.get(place)).map_or_else(|| code.value.into(), |words| (*words).into())
}

pub(super) fn reason_extension(found: &mut Found<'_, '_>) -> Read {
    found.said = Some(reason(tlv::single(found.value, tlv::ENUMERATED, "reason")?));
    Ok(())
}

/// `ReasonFlags`.
pub(super) fn flags(bits: Tlv<'_>) -> Read<Value> {
    let (set, _) = named_bits(bits)?;
    // Bits 7 and 8 are what reasons 9 and 10 are.
    let word = |bit: &usize| REASONS.get(if *bit > 6 { bit + 2 } else { *bit }).copied().unwrap_or(("unknown", "未知"));
    Ok(Value::list(&set.iter().map(word).collect::<Vec<_>>()))
}

/// `IssuingDistributionPoint` (RFC 5280 5.2.5).
pub(super) fn issuing_point(found: &mut Found<'_, '_>) -> Read {
    let mut inside = tlv::single(found.value, tlv::SEQUENCE, "issuing distribution point")?.inside();
    let mut only = Vec::new();
    while !inside.is_empty() {
        let one = inside.any()?;
        let is_set = one.value != [0];
        match one.tag {
            0xa0 => found.facts.extend(point_name(one)?),
            0x81 if is_set => only.push(("of end entities", "终端实体证书")),
            0x82 if is_set => only.push(("of authorities", "CA 证书")),
            0x83 => {
                let (_, trimmed) = named_bits(one)?;
                if !trimmed {
                    remark_untrimmed(found.thing, "onlySomeReasons");
                }
                found.facts.put(l("reasons", "For these reasons only", "仅限以下原因"), flags(one)?);
            }
            0x84 if is_set => found.facts.put(l("indirect", "Also of other issuers", "间接 CRL"), true),
            0x85 if is_set => only.push(("attribute certificates", "属性证书")),
            _ => {}
        }
    }
    if !only.is_empty() {
        found.facts.put(l("only", "Only certificates", "仅限"), Value::list(&only));
    }
    Ok(())
}
