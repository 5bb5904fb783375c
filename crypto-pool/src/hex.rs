//! Bytes as lower-case hexadecimal digits.

use std::fmt::Write;

/// Appends the digits of `bytes` to `out`.
pub(crate) fn write(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
}

/// The digits of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    write(bytes, &mut out);
    out
}

/// The bytes that the digits stand for; `None` for an odd number or anything but digits. Allocates once,
/// so that no half-read secret stays behind in freed memory.
pub(crate) fn read(digits: &str) -> Option<Vec<u8>> {
    let value = |c: &u8| char::from(*c).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let mut out = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        out.push(value(high)? << 4 | value(low)?);
    }
    Some(out)
}
