//! The form of domain names (CA/Browser BR 7.1.2.7.12), with the Punycode of RFC 3492.

use std::net::IpAddr;

use super::attribute;

/// Whether a lower-case text is a domain name that may stand in a certificate (CA/Browser BR
/// 7.1.2.7.12): labels of letters, digits and hyphens, at most 63 octets each and 253 in all, no dot
/// at the end, no address, `*` only as the whole leftmost label before two labels or more.
///
/// # Errors
/// The rule that is broken, as the end of a sentence.
pub fn check_dns(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 253 {
        return Err("must have 1 to 253 characters");
    }
    if !name.is_ascii() {
        return Err("must be written in its xn-- form");
    }
    if name.parse::<IpAddr>().is_ok() {
        return Err("is an IP address; give it as ip:");
    }
    let (labels, wildcard) = match name.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (name, false),
    };
    labels.split('.').try_for_each(check_label)?;
    if wildcard && !labels.contains('.') {
        return Err("has a wildcard for a whole top-level domain");
    }
    if labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err("ends in a number, as no domain does");
    }
    Ok(())
}

/// Whether a text is one label of a domain name.
///
/// # Errors
/// The rule that is broken, as the end of a sentence.
pub(super) fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() || label.len() > 63 {
        return Err("must have labels of 1 to 63 characters");
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("may hold letters, digits and hyphens only");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("has a label that begins or ends with a hyphen");
    }
    match label.as_bytes() {
        [x, n, b'-', b'-', rest @ ..] => {
            let a_label = x.eq_ignore_ascii_case(&b'x') && n.eq_ignore_ascii_case(&b'n');
            if !a_label {
                return Err("has hyphens in the third and fourth place of a label");
            }
            if punycode_is_valid(rest) { Ok(()) } else { Err("has a label that is no valid Punycode") }
        }
        _ => Ok(()),
    }
}

/// Whether the part after `xn--` decodes to text with at least one character outside ASCII.
/// Source: RFC 3492 6.2, with its parameters of section 5.
#[must_use]
pub fn punycode_is_valid(input: &[u8]) -> bool {
    let (basic, digits) = match input.iter().rposition(|b| *b == b'-') {
        Some(place) => (place, &input[place + 1..]),
        None => (0, input),
    };
    if digits.is_empty() {
        return false;
    }
    let (mut code, mut place, mut bias) = (128_u32, 0_u32, 72_u32);
    let Ok(mut length) = u32::try_from(basic) else { return false };
    let mut rest = digits.iter();
    while !rest.as_slice().is_empty() {
        let (before, mut weight, mut k) = (place, 1_u32, 36_u32);
        loop {
            let digit = match rest.next() {
                Some(b @ b'a'..=b'z') => u32::from(b - b'a'),
                Some(b @ b'A'..=b'Z') => u32::from(b - b'A'),
                Some(b @ b'0'..=b'9') => u32::from(b - b'0') + 26,
                _ => return false,
            };
            let Some(next) = digit.checked_mul(weight).and_then(|step| place.checked_add(step)) else { return false };
            place = next;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            let Some(next) = weight.checked_mul(36 - threshold) else { return false };
            weight = next;
            k += 36;
        }
        length += 1;
        let mut delta = if before == 0 { place / 700 } else { (place - before) / 2 };
        delta += delta / length;
        let mut turns = 0;
        while delta > 455 {
            delta /= 35;
            turns += 36;
        }
        bias = turns + 36 * delta / (delta + 38);
        let Some(next) = code.checked_add(place / length) else { return false };
        code = next;
        place = place % length + 1;
        if char::from_u32(code).is_none_or(attribute::unseen) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_names_follow_the_letter_digit_hyphen_rule() {
        for name in ["www.example.cn", "*.example.cn", "localhost", "a-b.cn", "WWW.Example.CN", "xn--fiqs8s"] {
            assert!(check_dns(&name.to_ascii_lowercase()).is_ok(), "{name}");
        }
        let long_label = format!("{}.cn", "a".repeat(64));
        let long_name = format!("{}cn", "abcdefg.".repeat(32));
        for name in [
            "",
            ".",
            "a..b",
            "a.cn.",
            "-a.cn",
            "a-.cn",
            "a_b.cn",
            "ab--c.cn",
            "中国.cn",
            "a b.cn",
            "192.0.2.1",
            "1.2.3",
            "*",
            "*.cn",
            "a.*.cn",
            "*a.cn",
            "**.a.cn",
            "*.*.a.cn",
            &long_label,
            &long_name,
        ] {
            assert!(check_dns(&name.to_ascii_lowercase()).is_err(), "{name}");
        }
    }

    #[test]
    fn punycode_labels_must_decode() {
        // RFC 3492 7.1: (B) Chinese simplified, (L) 3<nen>B<gumi><kinpachi><sensei>, (S) is pure ASCII.
        for good in ["xn--ihqwcrb4cv8a8dqg056pqjye", "xn--3B-ww4c5e180e575a65lsy2b", "xn--fiqs8s", "xn--mnchen-3ya"] {
            assert!(check_label(good).is_ok(), "{good}");
        }
        for bad in ["xn--", "xn--abc-", "xn--99999999", "xn--a-9", "xn--0"] {
            assert!(check_label(bad).is_err(), "{bad}");
        }
    }
}
