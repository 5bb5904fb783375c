//! Validity periods. Lengths count the last second (RFC 5280 4.1.2.5).

use std::time::Duration;

use pki_config::Instant;
use pki_config::profile::ExtendedUsage;
use x509_cert::time::Time;

use super::Lint;
use super::view::{View, found};

pub(super) const LINTS: &[Lint] = &[
    Lint::error("time_encoding", "5280 4.1.2.5", time_encoding),
    Lint::error("validity_order", "5280 4.1.2.5", validity_order),
    Lint::error("validity_max", "BR 6.3.2; profile", validity_max),
    Lint::error("validity_tsa", "CS 6.3.2", validity_tsa),
    Lint::warning("validity_usual", "BR 6.3.2; profile", validity_usual),
    Lint::warning("validity_extra_second", "own", validity_extra_second),
    Lint::error("not_before_future", "own", not_before_future),
    Lint::error("not_before_backdated", "BR 7.1.2", not_before_backdated),
    Lint::error("beyond_issuer", "own", beyond_issuer),
];

fn length(view: &View<'_>) -> Duration {
    view.not_after.since(view.not_before) + Duration::from_secs(1)
}

/// `UTCTime` through 2049, `GeneralizedTime` from 2050. Zone and fractions are the decoder's to refuse.
fn time_encoding(view: &View<'_>) -> Option<String> {
    let wrong = |time: Time| matches!(time, Time::GeneralTime(t) if t.to_date_time().year() < 2050);
    let validity = view.tbs.validity;
    found(wrong(validity.not_before) || wrong(validity.not_after), "GeneralizedTime for a year before 2050")
}

fn validity_order(view: &View<'_>) -> Option<String> {
    found(view.not_after < view.not_before, "notAfter lies before notBefore")
}

fn validity_max(view: &View<'_>) -> Option<String> {
    let longest = view.rules.validity.longest(view.now);
    found(length(view) > longest, format!("{} s, where {} s are the most", length(view).as_secs(), longest.as_secs()))
}

/// 135 months of 30.44 days, whatever the profile says: the sum of time-stamping keys' 15 months of use and the ten
/// years for which their time-stamps must be verifiable.
fn validity_tsa(view: &View<'_>) -> Option<String> {
    const LONGEST: u64 = 4_109 * 86_400;
    let stamps = view.purposes().contains(&pki_config::oid::KP_TIME_STAMPING);
    found(stamps && length(view).as_secs() > LONGEST, "more than 135 months for a time-stamping key")
}

fn validity_usual(view: &View<'_>) -> Option<String> {
    let usual = view.rules.validity.usual(view.now);
    found(length(view) > usual, format!("{} s, where {} s are usual", length(view).as_secs(), usual.as_secs()))
}

/// A length of whole minutes and one second tells that somebody forgot to count the last second. A
/// period cut at the issuer's end has whatever length is left.
fn validity_extra_second(view: &View<'_>) -> Option<String> {
    let cut = view.not_after == view.issuer.not_after;
    found(!cut && !length(view).as_secs().is_multiple_of(60), "the length is not a whole number of minutes")
}

fn not_before_future(view: &View<'_>) -> Option<String> {
    found(view.not_before > view.now, format!("notBefore {} is after now", view.not_before))
}

/// Authorities and OCSP signers up to a day, others up to two.
fn not_before_backdated(view: &View<'_>) -> Option<String> {
    let strict = view.rules.basic_constraints.ca || view.rules.usage.extended.contains(&ExtendedUsage::OcspSigning);
    let hours = if strict { 24 } else { 48 };
    let earliest: Instant = view.now.minus(Duration::from_secs(hours * 3600)).whole_second();
    found(view.not_before < earliest, format!("notBefore is more than {hours} hours ago"))
}

fn beyond_issuer(view: &View<'_>) -> Option<String> {
    found(view.not_after > view.issuer.not_after, format!("the issuer's certificate ends at {}", view.issuer.not_after))
}

#[cfg(test)]
mod tests {
    use der::asn1::GeneralizedTime;
    use pki_config::profile::BuiltIn;

    use super::*;
    use crate::core::lint::samples::{NOW, at, fails, passes, passes_with};
    use crate::core::tbs::Tbs;

    fn lasts(tbs: &mut Tbs, seconds: u64) {
        tbs.validity.not_after = at(NOW).plus(Duration::from_secs(seconds - 1)).to_der_time();
    }

    const DAY: u64 = 86_400;

    #[test]
    fn the_time_type_follows_the_year() {
        passes("time_encoding", BuiltIn::TlsServer);
        fails("time_encoding", BuiltIn::TlsServer, |tbs| {
            let time = GeneralizedTime::from_date_time(der::DateTime::new(2026, 12, 1, 0, 0, 0).unwrap());
            tbs.validity.not_after = Time::GeneralTime(time);
        });
    }

    #[test]
    fn a_period_ends_after_it_begins() {
        passes("validity_order", BuiltIn::TlsServer);
        fails("validity_order", BuiltIn::TlsServer, |tbs| {
            tbs.validity.not_after = at("2026-01-01T00:00:00Z").to_der_time();
        });
    }

    #[test]
    fn the_maximum_counts_the_last_second() {
        passes("validity_max", BuiltIn::TlsServer);
        // BR 6.3.2: 200 days are 17,280,000 s with both ends counted.
        passes_with("validity_max", BuiltIn::TlsServer, |tbs| lasts(tbs, 17_280_000));
        fails("validity_max", BuiltIn::TlsServer, |tbs| lasts(tbs, 17_280_001));
    }

    #[test]
    fn a_time_stamping_key_ends_after_135_months() {
        passes("validity_tsa", BuiltIn::Tsa);
        passes_with("validity_tsa", BuiltIn::Tsa, |tbs| lasts(tbs, 4_109 * DAY));
        fails("validity_tsa", BuiltIn::Tsa, |tbs| lasts(tbs, 4_110 * DAY));
    }

    #[test]
    fn more_than_usual_is_a_warning() {
        passes("validity_usual", BuiltIn::TlsServer);
        fails("validity_usual", BuiltIn::TlsServer, |tbs| lasts(tbs, 200 * DAY));
        passes_with("validity_max", BuiltIn::TlsServer, |tbs| lasts(tbs, 200 * DAY));
    }

    #[test]
    fn a_forgotten_last_second_is_noticed() {
        passes("validity_extra_second", BuiltIn::TlsServer);
        fails("validity_extra_second", BuiltIn::TlsServer, |tbs| lasts(tbs, 90 * DAY + 1));
    }

    #[test]
    fn a_certificate_begins_now_or_shortly_before() {
        let begins = |text: &'static str| move |tbs: &mut Tbs| tbs.validity.not_before = at(text).to_der_time();
        passes("not_before_future", BuiltIn::TlsServer);
        fails("not_before_future", BuiltIn::TlsServer, begins("2026-11-21T08:00:01Z"));
        passes("not_before_backdated", BuiltIn::TlsServer);
        passes_with("not_before_backdated", BuiltIn::TlsServer, begins("2026-11-19T08:00:00Z"));
        fails("not_before_backdated", BuiltIn::TlsServer, begins("2026-11-19T07:59:59Z"));
        fails("not_before_backdated", BuiltIn::OcspSigner, begins("2026-11-20T07:59:59Z"));
    }

    #[test]
    fn no_certificate_outlives_its_issuer() {
        passes("beyond_issuer", BuiltIn::TlsServer);
        fails("beyond_issuer", BuiltIn::TlsServer, |tbs| {
            tbs.validity.not_after = at("2036-01-01T00:00:00Z").to_der_time();
        });
    }
}
