//! What no kind fits: its outline, so that somebody who knows can tell.

use crypto_pool::tlv::Tlv;

use super::kind::UNKNOWN;
use super::read::{dotted, named, number, string, time};
use super::tree::{Fact, Facts, Label, Thing, Value, l};

/// Deepest level.
const DEEPEST: usize = 8;
/// Most lines.
const MOST: usize = 200;

const ELEMENT: Label = l("element", "Element", "元素");

/// DER of an unknown kind.
pub(super) fn show(outer: Tlv<'_>, size: usize) -> Thing {
    let mut thing = Thing::new(UNKNOWN, size);
    let mut left = MOST;
    let fact = element(outer, 0, &mut left);
    thing.add(fact);
    if left == 0 {
        thing.remark("outline", "the rest is not told", "其余部分未列出");
    }
    thing
}

/// A text that is no PEM: its beginning is not repeated, people know it.
pub(super) fn text(bytes: &[u8]) -> Option<Thing> {
    let text = std::str::from_utf8(bytes).ok()?;
    let printable = !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    if !printable || bytes.first() == Some(&b'0') {
        return None;
    }
    let mut thing = Thing::new(UNKNOWN, bytes.len());
    thing.remark("text", "it is a text without PEM in it", "这是文本文件，其中没有 PEM 内容");
    Some(thing)
}

fn element(one: Tlv<'_>, depth: usize, left: &mut usize) -> Fact {
    *left = left.saturating_sub(1);
    let mut facts = Vec::new();
    let mut value: Value = tag_name(one.tag).into();
    if one.tag & 0x20 != 0 {
        let mut inside = one.inside();
        while let (Ok(next), true) = (inside.any(), depth < DEEPEST && *left > 0) {
            facts.push(element(next, depth + 1, left));
        }
    } else {
        let told: Value = match one.tag {
            2 | 10 => number(Tlv { tag: 2, ..one }).into(),
            6 => named(one.value),
            0x17 | 0x18 => time(one).into(),
            _ => string(one).map_or_else(|| one.value.into(), Value::from),
        };
        if one.tag == 6 {
            value = format!("OBJECT IDENTIFIER {}", dotted(one.value)).into();
        }
        facts.put(l("value", "Value", "值"), told);
    }
    Fact { label: ELEMENT, value: Some(value), critical: None, facts }
}

fn tag_name(tag: u8) -> String {
    let name = match tag {
        0x01 => "BOOLEAN",
        0x02 => "INTEGER",
        0x03 => "BIT STRING",
        0x04 => "OCTET STRING",
        0x05 => "NULL",
        0x06 => "OBJECT IDENTIFIER",
        0x0a => "ENUMERATED",
        0x0c => "UTF8String",
        0x13 => "PrintableString",
        0x14 => "TeletexString",
        0x16 => "IA5String",
        0x17 => "UTCTime",
        0x18 => "GeneralizedTime",
        0x1a => "VisibleString",
        0x1e => "BMPString",
        0x30 => "SEQUENCE",
        0x31 => "SET",
        _ if tag & 0xc0 == 0x80 => return format!("[{}]", tag & 0x1f),
        _ => return format!("tag {tag:02X}"),
    };
    name.to_owned()
}
