//! Questions in addresses, in every way clients write them (RFC 6960 A.1, RFC 5019 5).

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use ocsp::core::request::{LONGEST, from_get_path};

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
        assert_eq!(from_get_path(&form).as_deref(), Ok(DER), "{form}");
    }
    for form in [WITH_PLUS, "MPv%2Bvg%3D%3D", "MPv%2bvg", "MPv%20vg==", "MPv-vg"] {
        assert_eq!(from_get_path(form).as_deref(), Ok(&b"\x30\xfb\xfe\xbe"[..]), "{form}");
    }
}

#[test]
fn what_is_no_base64_is_no_question() {
    for form in ["%", "%2", "%zz", "MPv!", "M", "MPv/vvv/v?", "é", "%00", "MPv===v"] {
        assert!(from_get_path(form).is_err(), "{form}");
    }
}

#[test]
fn a_question_over_the_limit_is_not_taken() {
    // Four characters of base64 for three octets.
    assert_eq!(from_get_path(&"AAAA".repeat(LONGEST / 3)).unwrap().len(), LONGEST / 3 * 3);
    assert!(from_get_path(&"AAAA".repeat(LONGEST / 3 + 1)).is_err());
    assert!(from_get_path(&"A".repeat(1 << 20)).is_err());
}
