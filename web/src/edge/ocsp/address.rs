//! The question in an address: `GET {base}/{url-escaped base64 of the DER}` (RFC 6960 A.1, RFC 5019 5), in every
//! way clients really write it.
//!
//! Browsers and nginx escape `+`, `/` and `=`; others leave them as they are, leave the padding out, break
//! the base64 into lines, put a second slash after the base, or use the alphabet for URLs. A proxy may
//! have escaped what was escaped, or made a blank of a plus sign.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding or none, as it comes.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The DER in what follows the base address, or `None` if there is none to be had. `longest` bounds the DER.
///
/// The path must be the one that was sent: routers make one slash of two and take escapes away.
pub(super) fn question(escaped: &str, longest: usize) -> Option<Vec<u8>> {
    // A base address that ends in a slash gives two. DER begins with 0x30, so base64 never with a slash.
    let escaped = escaped.trim_start_matches('/');
    // Each octet takes at most three characters of base64 that are escaped twice (`%252B`), and line ends.
    if escaped.len() > longest.saturating_mul(5) {
        return None;
    }
    let mut text = escaped.as_bytes().to_vec();
    for _ in 0..2 {
        if text.contains(&b'%') {
            text = unescaped(&text)?;
        }
    }
    text.retain(|byte| !matches!(byte, b'\r' | b'\n' | b'\t'));
    for byte in &mut text {
        *byte = match *byte {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let der = LENIENT.decode(&text).ok()?;
    (!der.is_empty() && der.len() <= longest).then_some(der)
}

/// Each `%XX` as its octet; `None` for a `%` that is none.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (high, low) = (rest.next()?, rest.next()?);
        let digit = |c: &u8| char::from(*c).to_digit(16);
        out.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 octets whose base64 has each of the three signs that URLs give trouble with: `MPv/vvv/…`.
    const DER: &[u8] = b"\x30\xfb\xff\xbe\xfb\xff\xbe\xfb\xff\xbe\xfb\xff\xbe\x00\x01\x02\x03\x04\x05\x06";
    // python3 -c 'import base64; print(base64.b64encode(DER))'
    const PLAIN: &str = "MPv/vvv/vvv/vvv/vgABAgMEBQY=";
    const WITH_PLUS: &str = "MPv+vg==";

    #[test]
    fn every_way_clients_write_a_question_is_read() {
        let escaped = PLAIN.replace('/', "%2F").replace('=', "%3D");
        for form in [
            PLAIN.to_owned(),
            escaped.clone(),
            PLAIN.replace('/', "%2f").replace('=', "%3d"),
            escaped.replace('%', "%25"),
            PLAIN.trim_end_matches('=').to_owned(),
            format!("/{PLAIN}"),
            format!("//{escaped}"),
            PLAIN.replace('/', "_"),
            format!("{}%0D%0A{}%0A", &PLAIN[..8], &PLAIN[8..]),
        ] {
            assert_eq!(question(&form, 8192).as_deref(), Some(DER), "{form}");
        }
        for form in [WITH_PLUS, "MPv%2Bvg%3D%3D", "MPv%2bvg", "MPv%20vg==", "MPv-vg"] {
            assert_eq!(question(form, 8192).as_deref(), Some(&b"\x30\xfb\xfe\xbe"[..]), "{form}");
        }
    }

    #[test]
    fn what_is_no_base64_is_no_question() {
        for form in ["", "/", "%", "%2", "%zz", "MPv!", "M", "MPv/vvv/v?", "é", "%00", "MPv===v"] {
            assert_eq!(question(form, 8192), None, "{form}");
        }
    }

    #[test]
    fn a_question_over_the_limit_is_not_decoded() {
        assert!(question(PLAIN, 20).is_some());
        assert_eq!(question(PLAIN, 19), None);
        assert_eq!(question(&"A".repeat(100_000), 8192), None);
    }
}
