//! The state of the installation: its checks, the log and its growth, keys, backups; and the two long examinations, the
//! self-test and the full check of the log, begun from here and watched.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::{Instant, Permission};

use super::visitor::framed;
use super::{Language, Visitor, page, words};
use crate::api::audit::{AuditDay, AuditGrowth};
use crate::api::authority::KeyInfo;
use crate::api::{AuditReport, AuditVerify, DoctorReport, Nothing, SystemStatus};
use crate::app::{App, Seen};
use crate::edge::{audit, key, log, system};
use crate::problem::Failure;

/// Entries of the log by day, as bars.
pub(super) struct Growth {
    pub(super) bars: Vec<Bar>,
    /// Entries of the busiest day.
    pub(super) most: u64,
    /// The first day drawn.
    pub(super) first: String,
    /// The last.
    pub(super) last: String,
}

/// A day, drawn.
pub(super) struct Bar {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) height: u32,
    /// What it says under the pointer.
    pub(super) told: String,
}

/// Height of the drawing. Unit: pixels at full size, as in the template.
const HIGH: u64 = 100;

impl Growth {
    /// Of these days.
    pub(super) fn of(days: &[AuditDay]) -> Self {
        let most = days.iter().map(|day| day.entries).max().unwrap_or(0);
        let bars = (0_u32..).zip(days).map(|(place, day)| {
            // A day with any entry shows at least a line.
            let height = (day.entries * HIGH).checked_div(most).unwrap_or(0).max(u64::from(day.entries > 0));
            let height = u32::try_from(height).unwrap_or(0);
            Bar {
                x: place * 20 + 2,
                y: u32::try_from(HIGH).unwrap_or(100) - height,
                height,
                told: format!("{}: {}", day.day, words::count(day.entries)),
            }
        });
        let day = |day: Option<&AuditDay>| day.map(|day| day.day.clone()).unwrap_or_default();
        Self { bars: bars.collect(), most, first: day(days.first()), last: day(days.last()) }
    }
}

/// A check with words in the reader's language.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) ok: bool,
    pub(super) detail: String,
}

/// The checks of the status, those that fail first.
pub(super) fn named(checks: &[crate::api::Check], language: Language) -> Vec<Named> {
    let mut all: Vec<Named> = checks.iter().map(|check| one_named(check, language)).collect();
    all.sort_by_key(|check| check.ok);
    all
}

fn one_named(check: &crate::api::Check, language: Language) -> Named {
    let (name, detail) = (words::check(&check.name, language), words::detail(&check.detail, language));
    Named { name, ok: check.ok, detail }
}

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage<'a> {
    visitor: &'a Visitor,
    status: SystemStatus,
    checks: Vec<Named>,
    log: AuditGrowth,
    growth: Growth,
    keys: Vec<KeyInfo>,
    copies: usize,
    doctor: Seen<DoctorReport>,
    verified: Seen<Option<AuditReport>>,
    may_diagnose: bool,
    may_verify: bool,
    may_back_up: bool,
}

framed!(SystemPage);

impl SystemPage<'_> {
    fn language(&self) -> Language {
        self.visitor.language()
    }

    fn state(&self) -> &str {
        words::state(&self.status.state, self.language())
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn moment(&self, at: &Instant) -> String {
        words::second(&at.to_string())
    }

    fn size(&self, bytes: &u64) -> String {
        words::bytes(*bytes)
    }

    fn count(&self, count: &u64) -> String {
        words::count(*count)
    }

    fn purpose(&self, word: &str) -> String {
        words::purpose(word, self.language()).to_owned()
    }

    fn key_state(&self, word: &str) -> String {
        words::key_state(word, self.language()).to_owned()
    }

    fn tested(&self, report: &DoctorReport) -> Vec<Named> {
        report.checks.iter().map(|check| one_named(check, self.language())).collect()
    }

    /// Whether the page should be looked at again by itself.
    fn is_waiting(&self) -> bool {
        self.doctor.since.is_some() || self.verified.since.is_some()
    }
}

/// `GET /desk/system`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadSystem)?;
    let status = system::status(app.clone(), by.clone(), Nothing {}).await?;
    let log = log::growth(app.clone(), by.clone(), Nothing {}).await?;
    let keys = key::list(app.clone(), by, Nothing {}).await?.keys;
    Ok(page(&SystemPage {
        checks: named(&status.checks, visitor.language()),
        growth: Growth::of(&log.days),
        status,
        log,
        keys,
        copies: app.config().audit.checkpoint_to.len(),
        doctor: app.doctor().seen(),
        verified: app.verification().seen(),
        may_diagnose: visitor.may(Permission::Diagnose),
        may_verify: visitor.may(Permission::ReadAudit),
        may_back_up: visitor.may(Permission::Backup),
        visitor: &visitor,
    }))
}

/// `POST /desk/system/doctor`: begins the self-test.
pub(super) async fn doctor(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::Diagnose)?;
    if app.doctor().begin(app.clock().now()) {
        tokio::spawn(async move {
            let report = system::doctor(app.clone(), by, Nothing {}).await;
            let report = report.unwrap_or(DoctorReport { ok: false, checks: vec![] });
            app.doctor().end(app.clock().now(), report);
        });
    }
    Ok(Redirect::to("/desk/system?done=started#doctor").into_response())
}

/// `POST /desk/system/verify`: begins the full check of the log and of every row it covers.
pub(super) async fn verify(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadAudit)?;
    if app.verification().begin(app.clock().now()) {
        tokio::spawn(async move {
            let report = audit::verify(app.clone(), by, AuditVerify::default()).await;
            if let Err(failure) = &report {
                failure.log("portal", "the log could not be checked");
            }
            app.verification().end(app.clock().now(), report.ok());
        });
    }
    Ok(Redirect::to("/desk/system?done=started#verify").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, entries: u64) -> AuditDay {
        AuditDay { day: day.to_owned(), entries }
    }

    #[test]
    fn the_busiest_day_is_the_highest_bar_and_a_quiet_one_still_shows() {
        let growth = Growth::of(&[day("a", 0), day("b", 1), day("c", 5000)]);
        let drawn: Vec<_> = growth.bars.iter().map(|bar| (bar.x, bar.y, bar.height)).collect();
        assert_eq!(drawn, [(2, 100, 0), (22, 99, 1), (42, 0, 100)]);
        assert_eq!((growth.most, growth.first.as_str(), growth.last.as_str()), (5000, "a", "c"));
    }

    #[test]
    fn a_log_without_entries_draws_nothing() {
        let growth = Growth::of(&[day("a", 0)]);
        assert_eq!((growth.bars[0].height, growth.most), (0, 0));
        assert!(Growth::of(&[]).bars.is_empty());
    }

    #[test]
    fn what_fails_stands_first() {
        let check = |name: &str, ok| crate::api::Check { name: name.to_owned(), ok, detail: String::new() };
        let all = named(&[check("disk", true), check("tls", false)], Language::English);
        assert_eq!(all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["TLS certificate", "Disk"]);
    }
}
