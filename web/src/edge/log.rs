//! `audit/search`, `audit/show`, `audit/events`, `audit/growth`: looking into the log. Proving and checking it is in
//! [`super::audit`].

use std::time::Duration;

use ledger::audit::{Came, Entry, Search};
use pki_config::role::Authorized;
use pki_config::{ErrorCode, Event, Instant, Serial};

use super::{base64, hex};
use crate::api::Nothing;
use crate::api::audit::{
    AuditCover, AuditDay, AuditDetail, AuditEntry, AuditEvents, AuditFound, AuditGrowth, AuditHead, AuditRef,
    AuditSearch,
};
use crate::app::App;
use crate::problem::Failure;

/// Entries of a page when none is said.
const PAGE: u32 = 50;
/// Largest payload that an entry is shown with. Unit: bytes.
const SHOWN: usize = 64 * 1024;
/// Days of the growth that are told.
const DAYS: u32 = 30;
const DAY: Duration = Duration::from_secs(86_400);

/// `audit/search`.
pub async fn search(app: App, _: Authorized, ask: AuditSearch) -> Result<AuditFound, Failure> {
    let limit = ask.limit.unwrap_or(PAGE);
    if !(1..=ledger::audit::MOST_FOUND).contains(&limit) {
        return Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500"));
    }
    let found = app.audit().search(sought(&app, ask, limit)?).await?;
    let entries = found.entries.iter().map(|(seq, leaf)| read(*seq, leaf).map(|entry| line(&entry)));
    Ok(AuditFound { entries: entries.collect::<Result<_, _>>()?, next: found.next })
}

fn sought(app: &App, ask: AuditSearch, limit: u32) -> Result<Search, Failure> {
    let time = |text: Option<String>| text.map(|text| text.parse::<Instant>()).transpose();
    let came = ask.outcome.as_deref().map(|word| match word {
        "done" => Ok(Came::Done),
        "one-step" => Ok(Came::DoneInOneStep),
        "refused" => Ok(Came::Refused),
        _ => Err(Failure::saying(ErrorCode::BadRequest, "outcome is done, one-step or refused")),
    });
    Ok(Search {
        since: time(ask.since)?,
        until: time(ask.until)?,
        event: ask.event,
        person: ask.person,
        objects: ask.object.map(|object| objects(app, object)).unwrap_or_default(),
        came: came.transpose()?,
        before: ask.after,
        limit,
    })
}

/// The log names a certificate by issuer and serial; people often know the serial only.
fn objects(app: &App, object: String) -> Vec<String> {
    let mut objects = Vec::new();
    if let Ok(serial) = object.parse::<Serial>() {
        objects.extend(app.ca().issuers().iter().map(|issuer| format!("{}/{serial}", issuer.id)));
    }
    objects.push(object);
    objects
}

/// `audit/show`.
pub async fn show(app: App, _: Authorized, ask: AuditRef) -> Result<AuditDetail, Failure> {
    let stored = app.audit().entry(ask.seq).await?;
    let entry = read(stored.seq, &stored.leaf)?;
    let cover = |cover: &ledger::Cover| AuditCover {
        table: cover.table.clone(),
        key: cover.key.clone(),
        sm3: hex(&cover.digest),
    };
    Ok(AuditDetail {
        entry: line(&entry),
        leaf: base64(&stored.leaf),
        payload_sm3: hex(&entry.payload_digest),
        payload_size: stored.payload.as_ref().map(|payload| payload.len() as u64),
        payload: stored.payload.filter(|payload| payload.len() <= SHOWN).map(|payload| base64(&payload)),
        covers: entry.covers.iter().map(cover).collect(),
    })
}

/// `audit/events`.
pub async fn events(app: App, _: Authorized, _: Nothing) -> Result<AuditEvents, Failure> {
    Ok(AuditEvents { events: app.audit().events().await? })
}

/// `audit/growth`: how many entries, since when, and what keeps them. Nothing of what they say but the newest backup's.
pub async fn growth(app: App, _: Authorized, _: Nothing) -> Result<AuditGrowth, Failure> {
    let midnight = midnight(app.clock().now());
    let starts: Vec<Instant> = (0..DAYS).rev().map(|back| midnight.minus(DAY * back)).collect();
    let mut before = app.audit().counts_before(starts.clone()).await?;
    let entries = app.audit().size().await?;
    before.push(entries);
    let days = starts.iter().zip(before.windows(2)).map(|(start, counts)| AuditDay {
        day: start.to_string().chars().take(10).collect(),
        // Where the clock was taken back a day may end before it began.
        entries: counts[1].saturating_sub(counts[0]),
    });
    let checkpoint = app.audit().checkpoint().await?.map(|checkpoint| AuditHead {
        size: checkpoint.body.size,
        root: hex(&checkpoint.body.root),
        time: checkpoint.body.time.to_string(),
    });
    let backups = Search { event: Some(Event::BackupMade.as_str().to_owned()), limit: 1, ..Search::default() };
    let backup = app.audit().search(backups).await?.entries.pop();
    Ok(AuditGrowth {
        entries,
        days: days.collect(),
        checkpoint,
        database_bytes: database_bytes(&app),
        backup: backup.map(|(seq, leaf)| read(seq, &leaf).map(|entry| line(&entry))).transpose()?,
    })
}

/// The start of the day, in UTC.
fn midnight(now: Instant) -> Instant {
    let into = u64::try_from(now.unix_millis().rem_euclid(86_400_000)).unwrap_or(0);
    now.minus(Duration::from_millis(into))
}

/// The database and what of it is not yet in its main file.
fn database_bytes(app: &App) -> u64 {
    let file = app.dir().database();
    let mut beside = file.clone().into_os_string();
    beside.push("-wal");
    [file, beside.into()].iter().filter_map(|file| std::fs::metadata(file).ok()).map(|found| found.len()).sum()
}

fn read(seq: u64, leaf: &[u8]) -> Result<Entry, Failure> {
    Entry::from_der(leaf).map_err(|e| Failure::inside(ErrorCode::AuditBroken, format!("entry {seq}: {e}")))
}

fn line(entry: &Entry) -> AuditEntry {
    AuditEntry {
        seq: entry.seq,
        at: entry.time.to_string(),
        tenant: entry.tenant.clone(),
        person: entry.person.clone(),
        role: entry.role.clone(),
        channel: entry.channel.clone(),
        event: entry.event.clone(),
        object: entry.object.clone(),
        outcome: entry.outcome.clone(),
    }
}
