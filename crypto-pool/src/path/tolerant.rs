//! What strict DER refuses and real certificates have: read here, for verifying only.
//!
//! Ten certificates taken from seals in the field held untrimmed key usage bits (`030200c0`), `NULL` parameters with
//! SM2, and private extensions; older software adds lengths that are not minimal, times without seconds, SM2's key
//! OID where the signature's belongs, and signatures of 64 raw octets. None of these changes what was signed: the
//! received bytes are kept, and signatures are checked over them. What is issued here is never read this way.

use std::fmt;

use const_oid::ObjectIdentifier;
use pki_config::{Instant, oid};

use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::tlv::{self, BadDer, Tlv};

/// How bytes deviate from the standard they should follow, and were read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deviation {
    /// BER where DER belongs: long or indefinite lengths, or another `TRUE` than FF.
    Encoding,
    /// Extensions in a certificate that is not of version 3.
    Version,
    /// A serial number of more than 20 octets, or a negative one.
    SerialNumber,
    /// A time without seconds, with a zone other than UTC, with a fraction, or before 1970.
    Time,
    /// The signature algorithm is SM2 by another name than SM2-with-SM3, or has parameters it should not have.
    SignatureAlgorithm,
    /// The key algorithm is SM2 by another name than id-ecPublicKey with its curve.
    KeyAlgorithm,
    /// The signature is 64 raw octets, or its numbers are not in their shortest form.
    Signature,
    /// An extension that only helps to find a path cannot be read and was passed over.
    Extension,
}

impl Deviation {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Version => "version",
            Self::SerialNumber => "serial-number",
            Self::Time => "time",
            Self::SignatureAlgorithm => "signature-algorithm",
            Self::KeyAlgorithm => "key-algorithm",
            Self::Signature => "signature",
            Self::Extension => "extension",
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "it is BER where DER belongs",
            Self::Version => "it has extensions and is not of version 3",
            Self::SerialNumber => "its serial number is negative or too long",
            Self::Time => "one of its times is not in the form of RFC 5280",
            Self::SignatureAlgorithm => "its signature algorithm is named otherwise than by SM2-with-SM3",
            Self::KeyAlgorithm => "its key is named otherwise than by id-ecPublicKey with a curve",
            Self::Signature => "its signature is not in the DER of SM2Signature",
            Self::Extension => "one of its extensions cannot be read",
        })
    }
}

/// Whether deviations are put up with, and which there were.
#[derive(Debug, Default)]
pub(super) struct Leniency {
    pub(super) is_lenient: bool,
    pub(super) found: Vec<Deviation>,
}

impl Leniency {
    pub(super) const STRICT: Self = Self { is_lenient: false, found: Vec::new() };

    pub(super) const fn lenient() -> Self {
        Self { is_lenient: true, found: Vec::new() }
    }

    pub(super) fn note(&mut self, deviation: Deviation) {
        if !self.found.contains(&deviation) {
            self.found.push(deviation);
        }
    }

    /// `strict`, or what `deviation` allows instead of it.
    pub(super) fn or<T>(
        &mut self,
        strict: Result<T, BadDer>,
        deviation: Deviation,
        lenient: impl FnOnce() -> Option<T>,
    ) -> Result<T, BadDer> {
        match strict {
            Err(why) if self.is_lenient => {
                let read = lenient().ok_or(why)?;
                self.note(deviation);
                Ok(read)
            }
            other => other,
        }
    }

    pub(super) fn time(&mut self, tlv: Tlv<'_>) -> Result<Instant, BadDer> {
        self.or(tlv.time(), Deviation::Time, || lenient_time(tlv))
    }

    /// The algorithm that two identifiers, of which only one is signed, must name alike (RFC 5280 4.1.1.2). Absent and
    /// `NULL` parameters count as the same.
    pub(super) fn algorithm(&mut self, outer: &[u8], inner: &[u8]) -> Option<SignatureAlgorithm> {
        let strict = |der| SignatureAlgorithm::from_identifier_der(der);
        if let (Some(outer), Some(inner)) = (strict(outer), strict(inner)) {
            return (outer == inner).then_some(outer);
        }
        if !self.is_lenient {
            return None;
        }
        let named = |der| strict(der).or_else(|| sm2_by_another_name(der).then_some(SignatureAlgorithm::Sm2Sm3));
        let outer = named(outer)?;
        let same = Some(outer) == named(inner);
        self.note(Deviation::SignatureAlgorithm);
        same.then_some(outer)
    }
}

/// SM2's key and signature OIDs (301, 301.1), which some write where SM2-with-SM3 (501) belongs; parameters count for
/// nothing.
fn sm2_by_another_name(der: &[u8]) -> bool {
    let id = || tlv::single(der, tlv::SEQUENCE, "algorithm")?.inside().expect(tlv::OID, "algorithm");
    id().is_ok_and(|id| is_sm2(id.value) || id.value == oid::SM2_WITH_SM3.as_bytes())
}

/// 1.2.156.10197.1.301, its signature (.1), its encryption (.3).
fn is_sm2(id: &[u8]) -> bool {
    let below = id.strip_prefix(oid::SM2.as_bytes());
    matches!(below, Some([] | [1] | [3]))
}

/// The content of the BIT STRING of a SubjectPublicKeyInfo that says SM2 by another name.
pub(crate) fn sm2_point(spki: &[u8]) -> Option<&[u8]> {
    let mut inside = tlv::single(spki, tlv::SEQUENCE, "key").ok()?.inside();
    let mut algorithm = inside.expect(tlv::SEQUENCE, "key algorithm").ok()?.inside();
    let id = algorithm.expect(tlv::OID, "key algorithm").ok()?;
    let curve = algorithm.any().ok().filter(|curve| curve.tag == tlv::OID);
    let ec = id.value == oid::EC_PUBLIC_KEY.as_bytes() && curve.is_some_and(|curve| is_sm2(curve.value));
    let sm2 = is_sm2(id.value) && curve.is_none_or(|curve| is_sm2(curve.value));
    let bits = inside.expect(tlv::BIT_STRING, "key bits").ok()?.whole_bits().ok()?;
    (ec || sm2).then_some(bits)
}

/// Whether the key needs [`sm2_point`] to be read.
pub(super) fn is_sm2_by_another_name(spki: &[u8]) -> bool {
    let identifier = tlv::single(spki, tlv::SEQUENCE, "key").and_then(|key| key.inside().any());
    let usual = KeyAlgorithm::Sm2.spki_identifier();
    identifier.is_ok_and(|identifier| identifier.whole != usual) && sm2_point(spki).is_some()
}

/// Extensions that only tell who the subject is, by the Chinese standards and their forerunners: critical or not, they
/// forbid nothing.
pub(super) fn tells_of_the_subject_only(id: &[u8]) -> bool {
    const IDENTITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10260.4.1");
    const OLD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.86.11.7");
    [IDENTITY, OLD].iter().any(|arc| id.starts_with(arc.as_bytes()))
}

/// A time without seconds, with a zone, or with a fraction; what lies before 1970 counts as 1970.
fn lenient_time(tlv: Tlv<'_>) -> Option<Instant> {
    let text = std::str::from_utf8(tlv.value).ok().filter(|text| text.is_ascii() && text.len() <= 32)?;
    let (zone_at, zone) = match text.strip_suffix('Z') {
        Some(before) => (before.len(), 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (sign, zone) = text.get(at..)?.split_at_checked(1)?;
            let minutes =
                number(zone.get(..2)?)? * 60 + number(zone.get(2..)?).filter(|m| zone.len() == 4 && *m < 60)?;
            (at, if sign == "-" { -minutes } else { minutes })
        }
    };
    let clock = text.get(..zone_at)?;
    let clock = clock.split_once(['.', ',']).map_or(clock, |(whole, _)| whole);
    let (year, rest) = match tlv.tag {
        tlv::UTC_TIME => {
            let short = number(clock.get(..2)?)?;
            (if short < 50 { 2000 + short } else { 1900 + short }, clock.get(2..)?)
        }
        tlv::GENERALIZED_TIME => (number(clock.get(..4)?)?, clock.get(4..)?),
        _ => return None,
    };
    let field = |at: usize| rest.get(at..at + 2).and_then(number);
    let second = if rest.len() == 8 { 0 } else { field(8).filter(|_| rest.len() == 10)? };
    let (month, day, hour, minute) = (field(0)?, field(2)?, field(4)?, field(6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let midnight = tlv::unix_midnight(year, month, day)?;
    let seconds = midnight + hour * 3600 + minute * 60 + second - zone * 60;
    Instant::from_unix_seconds(seconds.max(0)).ok()
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<String> {
        lenient_time(Tlv { tag, value: text.as_bytes(), whole: &[] }).map(|at| at.to_string())
    }

    #[test]
    fn times_in_older_forms_are_read() {
        for (tag, text, expected) in [
            (tlv::UTC_TIME, "2611210800Z", "2026-11-21T08:00:00Z"),
            (tlv::UTC_TIME, "261121080000+0800", "2026-11-21T00:00:00Z"),
            (tlv::UTC_TIME, "2611210800-0130", "2026-11-21T09:30:00Z"),
            (tlv::UTC_TIME, "500101120100Z", "1970-01-01T00:00:00Z"),
            (tlv::GENERALIZED_TIME, "20261121080000.123Z", "2026-11-21T08:00:00Z"),
        ] {
            assert_eq!(time(tag, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_that_mean_nothing_are_refused() {
        for text in [
            "",
            "Z",
            "26112108Z",
            "2611210860Z",
            "2613210800Z",
            "2611210800",
            "2611210800+08",
            "261121080000+0860",
            "26112108000Z",
        ] {
            assert_eq!(time(tlv::UTC_TIME, text), None, "{text}");
        }
        assert_eq!(time(tlv::OCTET_STRING, "2611210800Z"), None);
    }
}
