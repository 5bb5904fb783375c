//! What the seeds need of DER and PEM. Written here, so that the targets do not lean on what they test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first DER object of `data`, and what follows it. Lengths of one, two and three octets.
pub fn split_der(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = match *data {
        [_, short @ 0..=0x7f, ..] => (2, usize::from(short)),
        [_, 0x81, length, ..] => (3, usize::from(length)),
        [_, 0x82, high, low, ..] => (4, usize::from(high) << 8 | usize::from(low)),
        _ => return None,
    };
    data.split_at_checked(header + length)
}

/// How long the content of a whole object is.
pub fn content_length(der: &[u8]) -> usize {
    match der[1] {
        0x82 => der.len() - 4,
        0x81 => der.len() - 3,
        _ => der.len() - 2,
    }
}

/// The to-be-signed part: the first object inside.
pub fn tbs_of(der: &[u8]) -> Vec<u8> {
    split_der(&der[der.len() - content_length(der)..]).expect("a seed").0.to_vec()
}

pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let header = match content.len() {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
