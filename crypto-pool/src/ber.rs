//! BER of others: read where DER belongs, rewritten to DER, and what is wrong with it told.
//!
//! DER is BER with one way to write each value (X.690 10 and 11). What was signed is never rewritten: the copy serves
//! to read fields in.

use std::fmt;

use crate::tlv;

/// Deepest nesting that is read.
const DEEPEST: usize = 32;
/// Most breaches that are told of one input.
const MOST: usize = 32;

/// One BER element: its tag, the content, and everything.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// The first element of these bytes, in BER.
pub(crate) fn element(bytes: &[u8], depth: usize) -> Option<Element<'_>> {
    let [tag, first, after @ ..] = bytes else { return None };
    if tag & 0x1f == 0x1f || depth > DEEPEST {
        return None;
    }
    let (length, header) = match *first {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x80 if tag & 0x20 != 0 => {
            let mut rest = after;
            while !rest.starts_with(&[0, 0]) {
                rest = rest.get(element(rest, depth + 1)?.whole.len()..)?;
            }
            let length = after.len() - rest.len();
            return Some(Element { tag: *tag, content: after.get(..length)?, whole: bytes.get(..length + 4)? });
        }
        long @ 0x81..=0x88 => {
            let octets = after.get(..usize::from(long & 0x7f))?;
            let length =
                octets.iter().try_fold(0_usize, |sum, b| sum.checked_mul(256)?.checked_add(usize::from(*b)))?;
            (length, 2 + octets.len())
        }
        _ => return None,
    };
    let whole = bytes.get(..header.checked_add(length)?)?;
    Some(Element { tag: *tag, content: whole.get(header..)?, whole })
}

/// The elements that lie in the content of the one element these bytes begin with.
pub(crate) fn parts(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut rest = element(bytes, 0)?.content;
    let mut all = Vec::new();
    while !rest.is_empty() {
        let one = element(rest, 1)?;
        rest = rest.get(one.whole.len()..)?;
        all.push(one);
    }
    Some(all)
}

/// Whether this is one signed structure in DER, as far as its outline goes: a walk that copies nothing.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    fn all(mut reader: tlv::Reader<'_>, depth: usize) -> bool {
        while !reader.is_empty() {
            let Ok(one) = reader.any() else { return false };
            let boolean = one.tag != tlv::BOOLEAN || one.boolean().is_ok();
            if !boolean || (one.tag & 0x20 != 0 && (depth == DEEPEST || !all(one.inside(), depth + 1))) {
                return false;
            }
        }
        true
    }
    all(tlv::Reader::new(bytes), 0)
}

/// The first element of these bytes, whatever follows it.
#[must_use]
pub fn first(bytes: &[u8]) -> Option<&[u8]> {
    element(bytes, 0).map(|element| element.whole)
}

/// The same value in DER as far as lengths and booleans go; nothing may follow it.
#[must_use]
pub fn to_der(bytes: &[u8]) -> Option<Vec<u8>> {
    let element = element(bytes, 0).filter(|element| element.whole.len() == bytes.len())?;
    rewrite(element, 0)
}

fn rewrite(element: Element<'_>, depth: usize) -> Option<Vec<u8>> {
    if depth > DEEPEST {
        return None;
    }
    if element.tag & 0x20 == 0 {
        let is_true = element.tag == tlv::BOOLEAN && element.content.len() == 1 && element.content != [0];
        return Some(tlv::write(element.tag, &[if is_true { &[0xff] } else { element.content }]));
    }
    let mut content = Vec::with_capacity(element.content.len());
    let mut rest = element.content;
    while !rest.is_empty() {
        let one = self::element(rest, depth + 1)?;
        rest = rest.get(one.whole.len()..)?;
        content.extend_from_slice(&rewrite(one, depth + 1)?);
    }
    Some(tlv::write(element.tag, &[&content]))
}

/// As [`to_der`], and puts the pieces of an OCTET STRING together that was sent in pieces, as Java's writers of PKCS #7
/// and PKCS #12 send them.
#[must_use]
pub fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    let der = to_der(bytes)?;
    join(tlv::Reader::new(&der).any().ok()?, 0)
}

/// A constructed OCTET STRING.
const PIECES: u8 = 0x24;

fn join(one: tlv::Tlv<'_>, depth: usize) -> Option<Vec<u8>> {
    if one.tag & 0x20 == 0 {
        return Some(one.whole.to_vec());
    }
    if depth > DEEPEST {
        return None;
    }
    let mut inside = one.inside();
    let mut content = Vec::with_capacity(one.value.len());
    while !inside.is_empty() {
        let part = inside.any().ok()?;
        let part = join(part, depth + 1)?;
        match one.tag {
            PIECES => content.extend_from_slice(tlv::single(&part, tlv::OCTET_STRING, "pieces").ok()?.value),
            _ => content.extend_from_slice(&part),
        }
    }
    let tag = if one.tag == PIECES { tlv::OCTET_STRING } else { one.tag };
    Some(tlv::write(tag, &[&content]))
}

/// A rule of DER that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The length is not told ahead (X.690 10.1).
    IndefiniteLength,
    /// The length is written with more octets than it needs (X.690 10.1).
    LongLength,
    /// A string is sent in pieces (X.690 10.2).
    Pieces,
    /// A BOOLEAN that is neither 00 nor FF (X.690 11.1).
    Boolean,
    /// An INTEGER with a superfluous octet in front, or with none (X.690 8.3.2).
    Integer,
    /// Bits beyond the end of a BIT STRING are set, or their number is impossible (X.690 11.2.1).
    UnusedBits,
    /// The elements of a SET are not in order (X.690 10.3, 11.6).
    SetOrder,
    /// A time without seconds, in a zone, or with superfluous digits (X.690 11.7, 11.8).
    Time,
    /// A NULL with content (X.690 8.8.2).
    Null,
    /// What follows does not read at all: a broken length, or a tag of several octets.
    Unreadable,
    /// Octets follow the end of the outermost element.
    Trailing,
}

impl Rule {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IndefiniteLength => "indefinite-length",
            Self::LongLength => "long-length",
            Self::Pieces => "string-in-pieces",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::UnusedBits => "unused-bits",
            Self::SetOrder => "set-order",
            Self::Time => "time",
            Self::Null => "null",
            Self::Unreadable => "unreadable",
            Self::Trailing => "trailing-octets",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IndefiniteLength => "a length is left open (X.690 10.1)",
            Self::LongLength => "a length takes more octets than it needs (X.690 10.1)",
            Self::Pieces => "a string comes in pieces (X.690 10.2)",
            Self::Boolean => "TRUE is not FF (X.690 11.1)",
            Self::Integer => "an INTEGER is not in its shortest form (X.690 8.3.2)",
            Self::UnusedBits => "unused bits of a BIT STRING are set (X.690 11.2.1)",
            Self::SetOrder => "the elements of a SET are not in order (X.690 10.3, 11.6)",
            Self::Time => "a time has no seconds, a zone or superfluous digits (X.690 11.7, 11.8)",
            Self::Null => "NULL has content (X.690 8.8.2)",
            Self::Unreadable => "an element does not read",
            Self::Trailing => "octets follow the end",
        })
    }
}

/// Where a rule is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// Where the element begins. Unit: bytes from the start.
    pub at: usize,
    /// Which rule.
    pub rule: Rule,
}

/// The rules of DER that these bytes do not keep, as far as they show without knowing what is meant; at most 32. What
/// lies within octet strings is not looked at.
#[must_use]
pub fn breaches(bytes: &[u8]) -> Vec<Breach> {
    let mut all = Vec::new();
    match element(bytes, 0) {
        None => all.push(Breach { at: 0, rule: Rule::Unreadable }),
        Some(one) => {
            look(one, 0, 0, &mut all);
            if one.whole.len() < bytes.len() && all.len() < MOST {
                all.push(Breach { at: one.whole.len(), rule: Rule::Trailing });
            }
        }
    }
    all
}

fn look(one: Element<'_>, at: usize, depth: usize, all: &mut Vec<Breach>) {
    let mut tell = |rule| {
        if all.len() < MOST {
            all.push(Breach { at, rule });
        }
    };
    match one.whole.get(1) {
        Some(0x80) => tell(Rule::IndefiniteLength),
        Some(long @ 0x81..) => {
            let least = tlv::write(one.tag, &[one.content]).len() - one.content.len();
            if usize::from(long & 0x7f) + 2 > least {
                tell(Rule::LongLength);
            }
        }
        _ => {}
    }
    if let Some(rule) = broken(one) {
        tell(rule);
    }
    if one.tag & 0x20 == 0 {
        return;
    }
    let begin = one.content.as_ptr() as usize - one.whole.as_ptr() as usize;
    let (mut rest, mut offset) = (one.content, at + begin);
    let mut before: Option<Element<'_>> = None;
    let mut in_order = true;
    while !rest.is_empty() && all.len() < MOST {
        let part = if depth < DEEPEST { element(rest, depth + 1) } else { None };
        let Some(part) = part else {
            return all.push(Breach { at: offset, rule: Rule::Unreadable });
        };
        look(part, offset, depth + 1, all);
        in_order &= before.is_none_or(|before| follows(before, part));
        before = Some(part);
        offset += part.whole.len();
        rest = rest.get(part.whole.len()..).unwrap_or_default();
    }
    if one.tag == tlv::SET && !in_order && all.len() < MOST {
        all.push(Breach { at, rule: Rule::SetOrder });
    }
}

/// In a SET by tag, in a SET OF by the octets.
fn follows(before: Element<'_>, after: Element<'_>) -> bool {
    if before.tag == after.tag { before.whole <= after.whole } else { (before.tag & !0x20) <= (after.tag & !0x20) }
}

/// What shows of an element alone.
fn broken(one: Element<'_>) -> Option<Rule> {
    let wrong = |wrong: bool, rule| wrong.then_some(rule);
    match one.tag {
        tlv::BOOLEAN => wrong(!matches!(one.content, [0] | [0xff]), Rule::Boolean),
        tlv::INTEGER | tlv::ENUMERATED => wrong(
            match one.content {
                [] => true,
                [0, next, ..] => *next < 0x80,
                [0xff, next, ..] => *next >= 0x80,
                _ => false,
            },
            Rule::Integer,
        ),
        tlv::BIT_STRING => wrong(
            match one.content {
                [0, ..] => false,
                [unused @ 1..=7, .., last] => last & !(0xff_u8 << unused) != 0,
                _ => true,
            },
            Rule::UnusedBits,
        ),
        5 => wrong(!one.content.is_empty(), Rule::Null),
        tlv::UTC_TIME => wrong(one.content.len() != 13 || !is_zulu(one.content), Rule::Time),
        tlv::GENERALIZED_TIME => {
            let fraction =
                one.content.get(14) == Some(&b'.') && !one.content.ends_with(b"0Z") && one.content.len() > 16;
            wrong(!(one.content.len() == 15 || fraction) || !is_zulu(one.content), Rule::Time)
        }
        0x23 | 0x24 | 0x2c | 0x33 | 0x34 | 0x36 | 0x3a | 0x3e => Some(Rule::Pieces),
        _ => None,
    }
}

fn is_zulu(time: &[u8]) -> bool {
    time.split_last()
        .is_some_and(|(last, digits)| *last == b'Z' && digits.iter().all(|c| c.is_ascii_digit() || *c == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ber_is_rewritten_to_the_same_value() {
        // SEQUENCE of indefinite length { BOOLEAN 01, OCTET STRING with a long length }
        let ber = [0x30, 0x80, 1, 1, 1, 4, 0x82, 0, 2, 7, 8, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0x30, 7, 1, 1, 0xff, 4, 2, 7, 8]);
        assert_eq!(parts(&ber).unwrap().len(), 2);
    }

    #[test]
    fn bytes_that_are_no_ber_or_nest_too_deep_are_refused() {
        let deep = [0x30, 0x80].repeat(40);
        for bytes in [&deep[..], &[0x30], &[0x30, 0x80], &[4, 0x80, 0, 0], &[0x30, 1, 5], &[5, 0, 0], &[0x30, 0x89]] {
            assert_eq!(to_der(bytes), None, "{bytes:x?}");
        }
        assert!(to_der(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_none());
    }

    #[test]
    fn strings_in_pieces_are_put_together() {
        // SEQUENCE of open length { OCTET STRING of open length { 01 02, 03 } }
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 2, 1, 2, 4, 1, 3, 0, 0, 0, 0];
        assert_eq!(joined(&ber).unwrap(), [0x30, 5, 4, 3, 1, 2, 3]);
        assert_eq!(to_der(&ber).unwrap(), [0x30, 9, 0x24, 7, 4, 2, 1, 2, 4, 1, 3]);
        assert_eq!(joined(&[0x24, 3, 2, 1, 0]), None, "a piece that is no octets");
    }

    #[test]
    fn each_rule_that_is_broken_is_told_with_its_place() {
        let only = |bytes: &[u8]| -> Vec<(usize, Rule)> {
            breaches(bytes).into_iter().map(|breach| (breach.at, breach.rule)).collect()
        };
        for (bytes, at, rule) in [
            (&[0x30, 0x80, 0, 0][..], 0, Rule::IndefiniteLength),
            (&[0x30, 0x82, 0, 2, 5, 0], 0, Rule::LongLength),
            (&[0x30, 3, 1, 1, 1], 2, Rule::Boolean),
            (&[0x30, 6, 5, 0, 2, 2, 0, 1], 4, Rule::Integer),
            (&[0x30, 4, 2, 2, 0xff, 0x80], 2, Rule::Integer),
            (&[0x30, 4, 3, 2, 1, 1], 2, Rule::UnusedBits),
            (&[0x30, 3, 3, 1, 1], 2, Rule::UnusedBits),
            (&[0x31, 6, 2, 1, 2, 2, 1, 1], 0, Rule::SetOrder),
            (&[0x31, 4, 5, 0, 4, 0], 0, Rule::SetOrder),
            (&[0x30, 3, 5, 1, 0], 2, Rule::Null),
            (&[0x24, 2, 4, 0], 0, Rule::Pieces),
            (&[0x30, 2, 5], 0, Rule::Unreadable),
            (&[0x30, 0, 7], 2, Rule::Trailing),
            (b"\x17\x0b2611210800Z", 0, Rule::Time),
            (b"\x18\x1220261121080000.50Z", 0, Rule::Time),
        ] {
            assert_eq!(only(bytes), [(at, rule)], "{bytes:x?}");
        }
    }

    #[test]
    fn der_breaks_no_rule() {
        for bytes in [
            &[0x30, 0][..],
            &[0x31, 4, 4, 0, 5, 0],
            &[0x31, 6, 2, 1, 1, 2, 1, 2],
            &[0x30, 4, 3, 2, 1, 2],
            &[0x30, 3, 1, 1, 0xff],
            &[2, 2, 0, 0x80],
            b"\x17\x0d261121080000Z",
            b"\x18\x1120261121080000.5Z",
        ] {
            assert_eq!(breaches(bytes), [], "{bytes:x?}");
        }
        let long = tlv::write(tlv::OCTET_STRING, &[&[7; 200]]);
        assert_eq!(breaches(&long), []);
    }

    #[test]
    fn no_more_is_told_than_anybody_reads() {
        let many = tlv::write(tlv::SEQUENCE, &[&[1, 1, 1].repeat(1000)]);
        assert_eq!(breaches(&many).len(), MOST);
        assert_eq!(breaches(&[0x30, 0x80].repeat(5000))[0].rule, Rule::Unreadable);
    }
}
