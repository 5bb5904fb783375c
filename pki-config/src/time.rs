//! UTC instants, validity periods and clocks.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::ports::Clock;

/// A moment in UTC.
///
/// Unit: milliseconds since 1970-01-01T00:00:00Z, from year 1970 to 9999, so that every instant
/// has a DER form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl serde::Serialize for Instant {
    /// As text, RFC 3339.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A time outside the years 1970 to 9999, or a text that is no RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadTime;

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an RFC 3339 time such as 2026-11-21T08:00:00Z, between 1970 and 9999")
    }
}

impl std::error::Error for BadTime {}

impl Instant {
    /// The last representable second, 9999-12-31T23:59:59Z (RFC 5280 4.1.2.5: no well-defined end).
    pub const LAST: Self = Self(253_402_300_799_000);

    /// The instant this many milliseconds after the epoch.
    ///
    /// # Errors
    /// [`BadTime`] before 1970 or after 9999.
    pub const fn from_unix_millis(millis: i64) -> Result<Self, BadTime> {
        if millis < 0 || millis > Self::LAST.0 { Err(BadTime) } else { Ok(Self(millis)) }
    }

    /// The instant this many seconds after the epoch.
    ///
    /// # Errors
    /// [`BadTime`] before 1970 or after 9999.
    pub const fn from_unix_seconds(seconds: i64) -> Result<Self, BadTime> {
        if seconds < 0 || seconds > Self::LAST.0 / 1000 { Err(BadTime) } else { Ok(Self(seconds * 1000)) }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Rounded down to a whole second, as X.509 times are.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self(self.0 - self.0 % 1000)
    }

    /// This much later; stops at [`Instant::LAST`].
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(by).min(Self::LAST.0))
    }

    /// This much earlier; stops at the epoch.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(by).max(0))
    }

    /// How long ago `earlier` was; zero if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a DER time: `UTCTime` through 2049, `GeneralizedTime` after (RFC 5280 4.1.2.5).
    #[must_use]
    pub fn to_der_time(self) -> x509_cert::time::Time {
        let since_epoch = Duration::from_secs(u64::try_from(self.unix_seconds()).unwrap_or(0));
        let time =
            der::asn1::GeneralizedTime::from_unix_duration(since_epoch).expect("an Instant lies between 1970 and 9999");
        match der::asn1::UtcTime::from_unix_duration(since_epoch) {
            Ok(short) => x509_cert::time::Time::UtcTime(short),
            Err(_) => x509_cert::time::Time::GeneralTime(time),
        }
    }

    /// From a DER time.
    ///
    /// # Errors
    /// [`BadTime`] outside 1970 to 9999.
    pub fn from_der_time(time: x509_cert::time::Time) -> Result<Self, BadTime> {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| BadTime)?;
        Self::from_unix_seconds(seconds)
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 with milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time: DateTime<Utc> = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instant({self})")
    }
}

impl std::str::FromStr for Instant {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| BadTime)?;
        Self::from_unix_millis(time.timestamp_millis())
    }
}

/// A validity period. Both ends belong to it (RFC 5280 4.1.2.5), so its length is
/// `not_after - not_before + 1 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: Instant,
    not_after: Instant,
}

impl Validity {
    /// A period of exactly `length`, whole seconds, the last second counted.
    ///
    /// Counting the last second in is what keeps a "90 day" certificate from being one second
    /// too long. `length` must be at least one second.
    #[must_use]
    pub fn starting(not_before: Instant, length: Duration) -> Self {
        let not_before = not_before.whole_second();
        let last = length.as_secs().saturating_sub(1);
        Self { not_before, not_after: not_before.plus(Duration::from_secs(last)).whole_second() }
    }

    /// The period with these two ends; `None` if it would be empty.
    #[must_use]
    pub fn between(not_before: Instant, not_after: Instant) -> Option<Self> {
        let (not_before, not_after) = (not_before.whole_second(), not_after.whole_second());
        (not_before <= not_after).then_some(Self { not_before, not_after })
    }

    /// Cut so that it does not outlast `end`; `None` if nothing remains.
    #[must_use]
    pub fn capped(self, end: Instant) -> Option<Self> {
        Self::between(self.not_before, self.not_after.min(end))
    }

    /// The first second.
    #[must_use]
    pub const fn not_before(self) -> Instant {
        self.not_before
    }

    /// The last second.
    #[must_use]
    pub const fn not_after(self) -> Instant {
        self.not_after
    }

    /// Length with both ends counted.
    #[must_use]
    pub fn length(self) -> Duration {
        self.not_after.since(self.not_before) + Duration::from_secs(1)
    }

    /// Whether `at` lies within; the whole last second does.
    #[must_use]
    pub fn contains(self, at: Instant) -> bool {
        (self.not_before..=self.not_after).contains(&at.whole_second())
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let millis = Utc::now().timestamp_millis();
        Instant(millis.clamp(0, Instant::LAST.0))
    }

    /// `CLOCK_MONOTONIC_RAW` where there is one: a time daemon speeds the ordinary monotonic clock up or down
    /// by up to 8 % while it corrects the time, and only the raw one runs on untouched.
    #[cfg(target_os = "linux")]
    fn steady(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicRaw);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    #[cfg(not(target_os = "linux"))]
    fn steady(&self) -> Duration {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock standing at `at`.
    #[must_use]
    pub fn at(at: Instant) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves the clock, forwards or backwards.
    pub fn set(&self, to: Instant) {
        self.0.store(to.0, Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_ninety_day_certificate_lasts_ninety_days_with_its_last_second() {
        let validity = Validity::starting(at("2026-01-01T00:00:00Z"), Duration::from_secs(90 * 86_400));
        assert_eq!(validity.not_after(), at("2026-03-31T23:59:59Z"));
        assert_eq!(validity.length(), Duration::from_secs(90 * 86_400));
        assert!(validity.contains(at("2026-03-31T23:59:59.999Z")));
        assert!(!validity.contains(at("2026-04-01T00:00:00Z")));
        assert!(!validity.contains(at("2025-12-31T23:59:59Z")));
    }

    #[test]
    fn a_period_is_cut_at_the_issuers_end_and_never_empty() {
        let validity = Validity::starting(at("2026-01-01T00:00:00Z"), Duration::from_secs(86_400));
        assert_eq!(validity.capped(at("2026-01-01T12:00:00Z")).unwrap().not_after(), at("2026-01-01T12:00:00Z"));
        assert!(validity.capped(at("2025-12-31T23:59:59Z")).is_none());
    }

    #[test]
    fn der_time_changes_form_at_2050() {
        assert!(matches!(at("2049-12-31T23:59:59Z").to_der_time(), x509_cert::time::Time::UtcTime(_)));
        assert!(matches!(at("2050-01-01T00:00:00Z").to_der_time(), x509_cert::time::Time::GeneralTime(_)));
        assert_eq!(Instant::from_der_time(at("2050-01-01T00:00:00Z").to_der_time()), Ok(at("2050-01-01T00:00:00Z")));
    }

    #[test]
    fn times_outside_the_der_range_are_refused() {
        assert!(Instant::from_unix_millis(-1).is_err());
        assert!(Instant::from_unix_seconds(253_402_300_800).is_err());
        assert!("tomorrow".parse::<Instant>().is_err());
    }

    #[test]
    fn the_machines_steady_clock_runs_forwards() {
        let first = SystemClock.steady();
        std::thread::sleep(Duration::from_millis(20));
        let passed = SystemClock.steady() - first;
        assert!((Duration::from_millis(15)..Duration::from_secs(30)).contains(&passed), "{passed:?}");
    }

    #[test]
    fn a_fixed_clock_goes_where_it_is_put() {
        let clock = FixedClock::at(at("2026-01-02T00:00:00Z"));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), at("2026-01-02T00:00:05Z"));
        clock.set(at("2026-01-01T00:00:00Z"));
        assert_eq!(clock.now(), at("2026-01-01T00:00:00Z"));
    }
}
