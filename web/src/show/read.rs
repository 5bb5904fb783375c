//! The small things that every kind holds: numbers, times, strings, digests.

use aws_lc_rs::digest;
use crypto_pool::BadDer;
use crypto_pool::tlv::{self, Reader, Tlv};

use super::tree::{Facts, Label, Thing, Value, hex, l};
use super::{Ask, oids};

/// How a reading ends.
pub(super) type Read<T = ()> = Result<T, BadDer>;

/// Deepest nesting of things.
const DEEPEST: usize = 6;
/// Most elements of a list that are told.
pub(super) const MOST: usize = 500;

/// What is asked, and how deep within others this is.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) depth: usize,
}

impl Scope<'_> {
    pub(super) fn deeper(self) -> Option<Self> {
        (self.depth < DEEPEST).then_some(Self { depth: self.depth + 1, ..self })
    }
}

pub(super) const SIGNATURE_ALGORITHM: Label = l("signature-algorithm", "Signature algorithm", "签名算法");
pub(super) const SIGNATURE: Label = l("signature", "Signature", "签名值");
pub(super) const ALGORITHM: Label = l("algorithm", "Algorithm", "算法");
pub(super) const VERSION: Label = l("version", "Version", "版本");
pub(super) const SERIAL: Label = l("serial", "Serial number", "序列号");
pub(super) const ISSUER: Label = l("issuer", "Issuer", "签发者");
pub(super) const MORE: Label = l("more", "And more", "其余");

/// A number as people know it: decimal if it is short, else hexadecimal.
pub(super) fn number(tlv: Tlv<'_>) -> String {
    tlv.small().map_or_else(|_| hex(tlv.value), |small| small.to_string())
}

/// The content octets of a serial number, without the octet that keeps it positive.
pub(super) fn serial(content: &[u8]) -> String {
    match content {
        [0, next, ..] if *next >= 0x80 => hex(content.get(1..).unwrap_or_default()),
        _ => hex(content),
    }
}

/// A time; one in another form than DER's as it stands there.
pub(super) fn time(tlv: Tlv<'_>) -> String {
    let text = String::from_utf8_lossy(tlv.value).into_owned();
    let (year, rest) = match tlv.tag {
        tlv::UTC_TIME => match text.split_at_checked(2) {
            // RFC 5280 4.1.2.5.1.
            Some((year, rest)) => (if year < "50" { format!("20{year}") } else { format!("19{year}") }, rest),
            None => return text,
        },
        tlv::GENERALIZED_TIME => match text.split_at_checked(4) {
            Some((year, rest)) => (year.to_owned(), rest),
            None => return text,
        },
        _ => return text,
    };
    let digits =
        |from: usize| rest.get(from..from + 2).filter(|two| two.bytes().all(|c| c.is_ascii_digit())).map(str::to_owned);
    let fields: Option<Vec<String>> = [0, 2, 4, 6, 8].into_iter().map(digits).collect();
    match (fields.as_deref(), rest.get(10..)) {
        (Some([month, day, hour, minute, second]), Some(zone)) => {
            format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")
        }
        _ => text,
    }
}

/// Whether it is one of the two.
pub(super) fn is_time(tag: u8) -> bool {
    matches!(tag, tlv::UTC_TIME | tlv::GENERALIZED_TIME)
}

/// The text of a string of any kind.
pub(super) fn string(tlv: Tlv<'_>) -> Option<String> {
    match tlv.tag {
        // BMPString.
        0x1e => {
            let (pairs, _) = tlv.value.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            Some(String::from_utf16_lossy(&units))
        }
        // UniversalString.
        0x1c => {
            let (quads, _) = tlv.value.as_chunks::<4>();
            let point = |quad: &[u8; 4]| char::from_u32(u32::from_be_bytes(*quad)).unwrap_or('\u{fffd}');
            Some(quads.iter().map(point).collect())
        }
        // TeletexString: whatever people put there; most often UTF-8, else Latin-1.
        0x14 => Some(match std::str::from_utf8(tlv.value) {
            Ok(text) => text.to_owned(),
            Err(_) => tlv.value.iter().map(|octet| char::from(*octet)).collect(),
        }),
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a | 0x1b => Some(String::from_utf8_lossy(tlv.value).into_owned()),
        _ => None,
    }
}

/// The content octets of an object identifier in dots; hexadecimal if they are none.
pub(super) fn dotted(content: &[u8]) -> String {
    let mut arcs: Vec<u128> = Vec::new();
    let mut arc = 0_u128;
    for octet in content {
        let Some(next) = arc.checked_mul(128).map(|arc| arc + u128::from(octet & 0x7f)) else { return hex(content) };
        arc = next;
        if octet & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    let Some((first, rest)) = arcs.split_first() else { return hex(content) };
    if content.last().is_some_and(|last| last & 0x80 != 0) {
        return hex(content);
    }
    let top = (*first / 40).min(2);
    let mut text = format!("{top}.{}", first - top * 40);
    rest.iter().for_each(|arc| text.push_str(&format!(".{arc}")));
    text
}

/// An object identifier with its name, if it has one here.
pub(super) fn named(content: &[u8]) -> Value {
    let dotted = dotted(content);
    match oids::name(&dotted) {
        Some((en, zh)) => Value::Words(format!("{en} ({dotted})"), format!("{zh}（{dotted}）")),
        None => dotted.into(),
    }
}

/// The object identifier of an AlgorithmIdentifier.
pub(super) fn algorithm_id(identifier: Tlv<'_>) -> Read<&[u8]> {
    Ok(identifier.inside().expect(tlv::OID, "algorithm")?.value)
}

/// An AlgorithmIdentifier by its name.
pub(super) fn algorithm(identifier: Tlv<'_>) -> Read<Value> {
    Ok(named(algorithm_id(identifier)?))
}

/// SM2 and SM3 should come without parameters; much software writes NULL.
pub(super) fn remark_null(thing: &mut Thing, identifier: Tlv<'_>) {
    let mut inside = identifier.inside();
    let Ok(id) = inside.expect(tlv::OID, "algorithm") else { return };
    let is_gm = dotted(id.value).starts_with("1.2.156.10197.1.501");
    if is_gm && inside.any().is_ok_and(|parameters| parameters.tag == 5) {
        thing.remark(
            "null-parameters",
            "SM2-with-SM3 has NULL for parameters; GM/T 0015 leaves them out",
            "SM2-with-SM3 的参数为 NULL；GM/T 0015 规定不带参数",
        );
    }
}

/// The three fingerprints that people compare.
pub(super) fn fingerprints(thing: &mut Thing, bytes: &[u8]) {
    let of = |algorithm: &'static digest::Algorithm| digest::digest(algorithm, bytes).as_ref().to_vec();
    thing.put(l("sha256", "SHA-256", "SHA-256 指纹"), of(&digest::SHA256).as_slice());
    thing.put(l("sm3", "SM3", "SM3 指纹"), engine::sm3::hash(bytes).as_slice());
    thing.put(l("sha1", "SHA-1", "SHA-1 指纹"), of(&digest::SHA1_FOR_LEGACY_USE_ONLY).as_slice());
}

/// The content of a BIT STRING, without the number of unused bits.
pub(super) fn bits(tlv: Tlv<'_>) -> &[u8] {
    tlv.value.get(1..).unwrap_or_default()
}

/// Every element of a list, at most [`MOST`]; then how many more there are.
pub(super) fn each<'a>(mut list: Reader<'a>, mut call: impl FnMut(Tlv<'a>) -> Read) -> Read<usize> {
    let (mut count, mut more) = (0, 0);
    while !list.is_empty() {
        let one = list.any()?;
        if count < MOST {
            call(one)?;
            count += 1;
        } else {
            more += 1;
        }
    }
    Ok(more)
}

/// That a list goes on.
pub(super) fn tell_more(facts: &mut impl Facts, more: usize) {
    if more > 0 {
        facts.put(MORE, more.to_string());
    }
}
