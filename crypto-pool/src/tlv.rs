//! A strict reader of DER elements that copies nothing and never panics.
//!
//! For what typed decoders cannot give: the exact bytes of a to-be-signed part, a walk over a
//! million CRL entries without an allocation, and certificates of others whose small deviations
//! (untrimmed key usage bits, `NULL` parameters) must still be read. It knows tags of one octet and
//! definite, minimal lengths up to 4 GiB; everything else is [`BadDer`].

use std::fmt;

use pki_config::Instant;

/// Tag of BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// Tag of INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// Tag of OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// Tag of OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// Tag of ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// Tag of UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// Tag of PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// Tag of IA5String.
pub const IA5_STRING: u8 = 0x16;
/// Tag of UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// Tag of GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// Tag of SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// Tag of SET and SET OF.
pub const SET: u8 = 0x31;

/// The bytes are not the DER that was expected. Sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadDer {
    /// What could not be read.
    pub what: &'static str,
}

impl fmt::Display for BadDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not valid DER: {}", self.what)
    }
}

impl std::error::Error for BadDer {}

/// The error for `what`.
///
/// # Errors
/// Always.
pub const fn bad<T>(what: &'static str) -> Result<T, BadDer> {
    Err(BadDer { what })
}

/// One element: its tag, its content, and both with the length between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag.
    pub tag: u8,
    /// Content.
    pub value: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader of the content.
    #[must_use]
    pub const fn inside(self) -> Reader<'a> {
        Reader { rest: self.value }
    }

    /// The content of a BIT STRING whose bits fill whole octets.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn whole_bits(self) -> Result<&'a [u8], BadDer> {
        match self.value {
            [0, bits @ ..] if self.tag == BIT_STRING => Ok(bits),
            _ => bad("bit string"),
        }
    }

    /// A BOOLEAN: 00 or FF.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn boolean(self) -> Result<bool, BadDer> {
        match (self.tag, self.value) {
            (BOOLEAN, [0]) => Ok(false),
            (BOOLEAN, [0xff]) => Ok(true),
            _ => bad("boolean"),
        }
    }

    /// The magnitude of a positive or zero INTEGER in minimal form, without its sign octet.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn magnitude(self) -> Result<&'a [u8], BadDer> {
        match self.value {
            _ if self.tag != INTEGER => bad("integer"),
            [] => bad("integer"),
            [0] => Ok(&self.value[..0]),
            [0, high, ..] if *high < 0x80 => bad("integer is not minimal"),
            [0, rest @ ..] => Ok(rest),
            [first, ..] if *first >= 0x80 => bad("integer is negative"),
            all => Ok(all),
        }
    }

    /// A small non-negative INTEGER.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn small(self) -> Result<u64, BadDer> {
        let bytes = self.magnitude()?;
        if bytes.len() > 8 {
            return bad("integer is too large");
        }
        Ok(bytes.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)))
    }

    /// A `Time`: `UTCTime` (1950 to 2049) or `GeneralizedTime`, both in UTC with seconds and without
    /// fractions (RFC 5280 4.1.2.5). Years before 1970 are refused.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn time(self) -> Result<Instant, BadDer> {
        let (year, rest) = match (self.tag, self.value.len()) {
            (UTC_TIME, 13) => {
                let (short, rest) = self.value.split_at(2);
                let short = digits(short)?;
                (if short < 50 { 2000 + short } else { 1900 + short }, rest)
            }
            (GENERALIZED_TIME, 15) => {
                let (year, rest) = self.value.split_at(4);
                (digits(year)?, rest)
            }
            _ => return bad("time"),
        };
        if rest.last() != Some(&b'Z') {
            return bad("time is not in UTC");
        }
        let mut fields = [0; 5];
        for (field, text) in fields.iter_mut().zip(rest.chunks_exact(2)) {
            *field = digits(text)?;
        }
        let [month, day, hour, minute, second] = fields;
        instant(year, month, day, hour * 3600 + minute * 60 + second)
            .filter(|_| hour < 24 && minute < 60 && second < 60)
            .ok_or(BadDer { what: "time" })
    }
}

fn digits(text: &[u8]) -> Result<i64, BadDer> {
    text.iter().try_fold(0, |sum, c| if c.is_ascii_digit() { Ok(sum * 10 + i64::from(c - b'0')) } else { bad("time") })
}

fn instant(year: i64, month: i64, day: i64, second_of_day: i64) -> Option<Instant> {
    Instant::from_unix_seconds(unix_midnight(year, month, day)? + second_of_day).ok()
}

/// Seconds from 1970 to the beginning of a day by the civil calendar (Howard Hinnant's `days_from_civil`); `None` for a
/// day that does not exist.
pub(crate) fn unix_midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * 86_400)
}

/// Reads one element after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn any(&mut self) -> Result<Tlv<'a>, BadDer> {
        let [tag, first, after @ ..] = self.rest else { return bad("truncated") };
        if tag & 0x1f == 0x1f {
            return bad("tag of several octets");
        }
        let (length, header) = match *first {
            short @ 0..=0x7f => (usize::from(short), 2),
            long @ 0x81..=0x84 => {
                let count = usize::from(long & 0x7f);
                let Some(octets) = after.get(..count) else { return bad("truncated") };
                let length = octets.iter().fold(0_usize, |sum, b| sum << 8 | usize::from(*b));
                // Minimal: no leading zero octet, and no long form for what the short form can say.
                if octets[0] == 0 || length < 0x80 {
                    return bad("length is not minimal");
                }
                (length, 2 + count)
            }
            _ => return bad("length"),
        };
        let Some(whole) = header.checked_add(length).and_then(|end| self.rest.get(..end)) else {
            return bad("truncated");
        };
        self.rest = &self.rest[whole.len()..];
        Ok(Tlv { tag: *tag, value: &whole[header..], whole })
    }

    /// The next element, which must have this tag; `what` is named if it has not.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn expect(&mut self, tag: u8, what: &'static str) -> Result<Tlv<'a>, BadDer> {
        if self.rest.first() != Some(&tag) {
            return bad(what);
        }
        self.any()
    }

    /// The next element if it has this tag.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, BadDer> {
        if self.rest.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn finish(self, what: &'static str) -> Result<(), BadDer> {
        if self.rest.is_empty() { Ok(()) } else { bad(what) }
    }
}

/// The one element that `bytes` consist of.
///
/// # Errors
/// [`BadDer`].
pub fn single<'a>(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Tlv<'a>, BadDer> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag, what)?;
    reader.finish(what)?;
    Ok(element)
}

/// Writes one element.
#[must_use]
pub fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let octets = length.to_be_bytes();
        let octets = &octets[length.leading_zeros() as usize / 8..];
        out.push(0x80 | octets.len() as u8);
        out.extend_from_slice(octets);
    }
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Result<Instant, BadDer> {
        Tlv { tag, value: text.as_bytes(), whole: text.as_bytes() }.time()
    }

    #[test]
    fn lengths_that_are_not_minimal_are_refused() {
        for bytes in [&[4, 0x81, 1, 0][..], &[4, 0x82, 0, 0x80], &[4, 0x80, 0, 0], &[4, 5, 0], &[0x1f, 0], &[4]] {
            assert!(Reader::new(bytes).any().is_err(), "{bytes:x?}");
        }
        let long = write(OCTET_STRING, &[&[7; 300]]);
        assert_eq!(&long[..4], [4, 0x82, 1, 44]);
        assert_eq!(single(&long, OCTET_STRING, "x").unwrap().value, [7; 300]);
    }

    #[test]
    fn times_are_read_as_rfc_5280_writes_them() {
        assert_eq!(time(UTC_TIME, "491231235959Z").unwrap().to_string(), "2049-12-31T23:59:59Z");
        assert_eq!(time(UTC_TIME, "700101000000Z").unwrap().to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(time(GENERALIZED_TIME, "20500228000001Z").unwrap().to_string(), "2050-02-28T00:00:01Z");
        assert_eq!(time(GENERALIZED_TIME, "20000229120000Z").unwrap().to_string(), "2000-02-29T12:00:00Z");
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for text in
            ["260230000000Z", "261301000000Z", "260101240000Z", "260101006000Z", "2601010000000", "26010100000Z"]
        {
            assert!(time(UTC_TIME, text).is_err(), "{text}");
        }
        for text in ["21000229000000Z", "20260101000000.5Z", "20260101000000+0100", "-0260101000000Z"] {
            assert!(time(GENERALIZED_TIME, text).is_err(), "{text}");
        }
    }

    #[test]
    fn negative_and_padded_integers_are_refused() {
        let read = |value| Tlv { tag: INTEGER, value, whole: value }.small();
        assert_eq!(read(&[0, 0x80]), Ok(128));
        assert_eq!(read(&[0]), Ok(0));
        for value in [&[0x80][..], &[0, 1], &[], &[1; 9]] {
            assert!(read(value).is_err(), "{value:x?}");
        }
    }
}
