//! Distinguished names as RFC 4514 text.

use std::fmt::{self, Write as _};

use super::{Attribute, BadName, DistinguishedName};

/// The longest text that is read. Unit: octets.
const LONGEST_TEXT: usize = 8 * 1024;

/// Writes `CN=example,O=Example,C=CN`, escaping what RFC 4514 2.4 says.
pub(super) fn write(name: &DistinguishedName, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, (attribute, value)) in name.parts.iter().rev().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        write!(f, "{attribute}=")?;
        for (place, c) in value.char_indices() {
            let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
            if special || (place == 0 && c == '#') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
    }
    Ok(())
}

/// Reads RFC 4514 text: pairs between commas, backslash escapes, spaces around pairs ignored.
pub(super) fn parse(text: &str) -> Result<DistinguishedName, BadName> {
    if text.len() > LONGEST_TEXT {
        return Err(BadName::TooLarge);
    }
    let mut name = DistinguishedName::empty();
    if text.trim().is_empty() {
        return Ok(name);
    }
    // RFC 4514 writes the last RDN first, so repeated attributes come in reverse.
    for pair in split(text)?.into_iter().rev() {
        let (word, value) = pair.split_once('=').ok_or(BadName::Syntax("an attribute and a value joined by ="))?;
        let word = word.trim();
        let attribute = Attribute::from_word(word)
            .ok_or_else(|| BadName::UnknownAttribute(word.chars().take(40).collect::<String>()))?;
        name = name.with(attribute, &unescape(value)?)?;
    }
    Ok(name)
}

/// Splits at commas that are not escaped.
fn split(text: &str) -> Result<Vec<&str>, BadName> {
    let (mut pairs, mut start, mut escaped) = (Vec::new(), 0, false);
    for (place, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                pairs.push(&text[start..place]);
                start = place + 1;
            }
            '+' | ';' | '"' | '<' | '>' => {
                return Err(BadName::Syntax("a backslash before + ; \" < or > (a name has one attribute per part)"));
            }
            _ => {}
        }
    }
    pairs.push(&text[start..]);
    Ok(pairs)
}

/// Takes backslash escapes out of a value and drops spaces around it that are not escaped.
fn unescape(value: &str) -> Result<String, BadName> {
    const WRONG: BadName = BadName::Syntax("a special character or two hexadecimal digits after a backslash");
    // RFC 4514 knows one space, U+0020; the others are part of the value, where the attribute refuses them.
    let value = value.trim_start_matches(' ');
    if value.starts_with('#') {
        return Err(BadName::Syntax("text, not the #hexadecimal form of a value"));
    }
    let (mut bytes, mut kept) = (Vec::with_capacity(value.len()), 0);
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            if c != ' ' {
                kept = bytes.len();
            }
            continue;
        }
        match rest.next() {
            Some(c @ (' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\')) => {
                bytes.push(u8::try_from(c).map_err(|_| WRONG)?);
            }
            Some(high) => {
                let low = rest.next().ok_or(WRONG)?;
                let pair = (high.to_digit(16).ok_or(WRONG)?, low.to_digit(16).ok_or(WRONG)?);
                bytes.push(u8::try_from(pair.0 * 16 + pair.1).map_err(|_| WRONG)?);
            }
            None => return Err(WRONG),
        }
        kept = bytes.len();
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).map_err(|_| BadName::Syntax("UTF-8 behind the hexadecimal escapes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<DistinguishedName, BadName> {
        text.parse()
    }

    #[test]
    fn escapes_of_rfc_4514_section_4_are_understood() {
        let cn = |text| name(text).unwrap().get(Attribute::CommonName).unwrap().to_owned();
        assert_eq!(cn(r"CN=James \22Jim\22 Smith\, III,DC=example,DC=net"), "James \"Jim\" Smith, III");
        assert_eq!(cn(r"CN=Lu\C4\8Di\C4\87"), "Lučić");
        assert_eq!(cn("CN =  spaced  "), "spaced");
        assert_eq!(cn("CN=a=b"), "a=b");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for value in ["a,b", "a+b", "a\"b", "#a", "a;b<c>d", "back\\slash", "张三"] {
            let one = DistinguishedName::common_name(value).unwrap();
            assert_eq!(name(&one.to_string()).unwrap(), one, "{value}");
        }
    }

    #[test]
    fn a_wide_space_at_an_end_is_refused_and_not_dropped() {
        // Found by fuzzing: it was dropped from the text of a name whose DER had it.
        for text in ["CN=\u{3000}a", "CN=a\u{3000}", "CN=\u{a0}a", "CN=\\ a"] {
            assert!(matches!(name(text), Err(BadName::Value { .. })), "{text:?}");
        }
        assert_eq!(name("CN=a\u{3000}b").unwrap().get(Attribute::CommonName), Some("a\u{3000}b"));
    }

    #[test]
    fn text_that_is_no_name_is_refused() {
        for text in
            ["CN", "CN=", "=a", "CN=a,", "CN=a+O=b", "CN=a;O=b", "CN=\\", "CN=\\zz", "CN=#0401", "X=1", "CN=\\ff"]
        {
            assert!(name(text).is_err(), "{text}");
        }
        assert_eq!(name(&format!("CN={}", "a".repeat(9000))), Err(BadName::TooLarge));
    }

    #[test]
    fn no_text_is_the_empty_name() {
        assert!(name(" ").unwrap().is_empty());
    }
}
