//! A moment with microseconds, as time-stamps need it, and how far it may be off.

use std::fmt;

use pki_config::Instant;

/// A moment in UTC. Unit: microseconds since 1970-01-01T00:00:00Z, from year 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// The last one: 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799_999_999;
const DAY: i64 = 86_400;
const SECOND: i64 = 1_000_000;

impl Moment {
    /// The moment this many microseconds after the epoch; `None` before 1970 or after 9999.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Option<Self> {
        if micros < 0 || micros > LAST { None } else { Some(Self(micros)) }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Rounded down to a millisecond.
    #[must_use]
    pub fn instant(self) -> Instant {
        Instant::from_unix_millis(self.0 / 1000).unwrap_or(Instant::LAST)
    }

    /// This many microseconds later; stops at the end of the year 9999.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        let later = self.0.saturating_add(micros);
        Self(if later > LAST {
            LAST
        } else if later < 0 {
            0
        } else {
            later
        })
    }

    /// The content of a DER `GeneralizedTime`: in UTC, with seconds, a fraction only where there is one and
    /// without trailing zeros (RFC 3161 2.4.2; X.690 11.7).
    #[must_use]
    pub fn to_generalized_time(self) -> Vec<u8> {
        let (seconds, micros) = (self.0 / SECOND, self.0 % SECOND);
        let (year, month, day) = civil(seconds / DAY);
        let of_day = seconds % DAY;
        let mut out = Vec::with_capacity(22);
        digits(&mut out, year, 4);
        for part in [month, day, of_day / 3600, of_day / 60 % 60, of_day % 60] {
            digits(&mut out, part, 2);
        }
        if micros > 0 {
            out.push(b'.');
            digits(&mut out, micros, 6);
            while out.last() == Some(&b'0') {
                out.pop();
            }
        }
        out.push(b'Z');
        out
    }

    /// From the content of a `GeneralizedTime` in the form of [`Moment::to_generalized_time`]. Digits beyond
    /// the microsecond are read and dropped: others' clocks are finer. `None` for any other form.
    #[must_use]
    pub fn from_generalized_time(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b"Z")?;
        let (whole, fraction) = text.split_at_checked(14)?;
        let number = |part: &[u8]| {
            part.iter().try_fold(0_i64, |sum, c| c.is_ascii_digit().then(|| sum * 10 + i64::from(c - b'0')))
        };
        let year = number(&whole[..4])?;
        let field = |at: usize| number(&whole[at..at + 2]);
        let (month, day, hour, minute, second) = (field(4)?, field(6)?, field(8)?, field(10)?, field(12)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day)?;
        let micros = match fraction {
            [] => 0,
            [b'.', digits @ .., last] if digits.len() < 20 && last.is_ascii_digit() && *last != b'0' => {
                number(digits)?;
                let six = digits.iter().chain([last]).chain(&[b'0'; 6]).take(6);
                six.fold(0, |sum, c| sum * 10 + i64::from(c - b'0'))
            }
            _ => return None,
        };
        let seconds = days * DAY + hour * 3600 + minute * 60 + second;
        Self::from_unix_micros(seconds.checked_mul(SECOND)?.checked_add(micros)?)
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Self {
        Self(instant.unix_millis().saturating_mul(1000).min(LAST))
    }
}

impl fmt::Display for Moment {
    /// RFC 3339, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / SECOND, self.0 % SECOND);
        let (year, month, day) = civil(seconds / DAY);
        let of_day = seconds % DAY;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros > 0 {
            write!(f, ".{}", format!("{micros:06}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({self})")
    }
}

/// How far a stated time may be from UTC, to either side.
///
/// Unit: microseconds, 1 to 60,000,000.
/// Source: RFC 3161 2.4.2 `Accuracy`; split there into seconds, millis, micros.
/// An absent sub-field means zero; an absent `Accuracy` means unknown: `None`, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Accuracy(u32);

impl Accuracy {
    /// The least that can be stated.
    pub const LEAST: Self = Self(1);
    /// The most that is stated.
    pub const MOST: Self = Self(60_000_000);

    /// This many microseconds; `None` outside 1 to 60,000,000.
    #[must_use]
    pub const fn from_micros(micros: u32) -> Option<Self> {
        if micros < Self::LEAST.0 || micros > Self::MOST.0 { None } else { Some(Self(micros)) }
    }

    /// Microseconds.
    #[must_use]
    pub const fn micros(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µs", self.0)
    }
}

fn digits(out: &mut Vec<u8>, number: i64, width: usize) {
    let start = out.len();
    let mut rest = number.unsigned_abs();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Year, month and day of a day since 1970 (Howard Hinnant's `civil_from_days`).
const fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + (month <= 2) as i64, month, day)
}

/// Days since 1970 of a date that exists.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    // A day past the month's end would come back as one of the next month.
    (civil(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::from_generalized_time(text.as_bytes()).unwrap()
    }

    #[test]
    fn times_are_written_as_x690_wants_them() {
        // Seconds by `date -u -d 2026-11-21T08:00:00Z +%s`.
        let base = 1_795_248_000 * SECOND;
        for (micros, text) in [
            (0, "20261121080000Z"),
            (1, "20261121080000.000001Z"),
            (100_000, "20261121080000.1Z"),
            (999_999, "20261121080000.999999Z"),
            (120, "20261121080000.00012Z"),
        ] {
            let at = Moment::from_unix_micros(base + micros).unwrap();
            assert_eq!(String::from_utf8(at.to_generalized_time()).unwrap(), text);
            assert_eq!(moment(text), at);
        }
    }

    #[test]
    fn dates_at_the_edges_of_months_and_years_come_back() {
        for text in ["19700101000000Z", "20000229235959Z", "20240229000000Z", "20991231235959.5Z", "99991231235959Z"] {
            assert_eq!(String::from_utf8(moment(text).to_generalized_time()).unwrap(), text);
        }
        assert_eq!(moment("20000229235959Z").to_string(), "2000-02-29T23:59:59Z");
    }

    #[test]
    fn finer_fractions_of_others_are_cut_to_microseconds() {
        assert_eq!(moment("20261121080000.123456789Z"), moment("20261121080000.123456Z"));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "Z",
            "20261121080000",
            "202611210800Z",
            "20261121080000.Z",
            "20261121080000.10Z",
            "20261121080000,1Z",
            "20261121080000+0800",
            "20260230000000Z",
            "20261321000000Z",
            "20261121240000Z",
            "20261121080060Z",
            "20261121080000.1x1Z",
            "19691231235959Z",
        ] {
            assert_eq!(Moment::from_generalized_time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_accuracy_is_never_zero_nor_above_a_minute() {
        assert_eq!(Accuracy::from_micros(0), None);
        assert_eq!(Accuracy::from_micros(60_000_001), None);
        assert_eq!(Accuracy::from_micros(1_000_000).unwrap().micros(), 1_000_000);
    }
}
