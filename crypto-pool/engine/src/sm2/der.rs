//! The little DER that SM2 needs: a sequence, and numbers of 32 bytes. Strict: a value has one encoding.

/// The content of a sequence that is all of `der`.
pub(super) fn whole_sequence(der: &[u8]) -> Option<&[u8]> {
    let (content, rest) = take(der, SEQUENCE)?;
    rest.is_empty().then_some(content)
}

/// A number in 0 to 2^256-1, big endian, and what follows it.
pub(super) fn take_integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (content, rest) = take(der, INTEGER)?;
    let magnitude = match content {
        // A zero in front only keeps the number from looking negative.
        [0, next, ..] if *next >= 0x80 => &content[1..],
        [0] => content,
        [first, ..] if (1..0x80).contains(first) => content,
        _ => return None,
    };
    let mut number = [0; 32];
    number[32_usize.checked_sub(magnitude.len())?..].copy_from_slice(magnitude);
    Some((number, rest))
}

/// The content of the value with `tag` at the front, and what follows it.
pub(super) fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let octets = usize::from(long & 0x7f);
            if octets > rest.len() || !(1..=4).contains(&octets) {
                return None;
            }
            let (length, rest) = rest.split_at(octets);
            let length = length.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
            // In as few bytes as can be.
            if length < 0x80 || length >> (8 * (octets - 1)) == 0 {
                return None;
            }
            (length, rest)
        }
    };
    rest.split_at_checked(length)
}

/// Appends a number, big endian.
pub(super) fn put_integer(out: &mut Vec<u8>, number: &[u8; 32]) {
    let zeros = number.iter().take_while(|octet| **octet == 0).count().min(31);
    let magnitude = &number[zeros..];
    let sign = usize::from(magnitude[0] >= 0x80);
    out.extend([INTEGER, (magnitude.len() + sign) as u8]);
    out.extend(&[0][..sign]);
    out.extend(magnitude);
}

/// A sequence with this content.
pub(super) fn sequence(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    put(&mut out, SEQUENCE, content);
    out
}

/// Appends a value.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let octets = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    match octets {
        [] => out.push(0),
        [short @ 0..0x80] => out.push(*short),
        _ => {
            out.push(0x80 | octets.len() as u8);
            out.extend(octets);
        }
    }
    out.extend(content);
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// The tag of an octet string.
pub(super) const OCTET_STRING: u8 = 0x04;
