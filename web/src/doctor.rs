//! The self-test: what a subscriber and a relying party would see, done once from end to end in every
//! hierarchy, and whether the published addresses give what this authority holds.
//!
//! It leaves traces on purpose: each hierarchy gets one short-lived certificate for a key that is thrown
//! away, revoked at the end, and two CRLs. Every step is bounded in time; a step that fails says what to do, and
//! what depends on it is not tried.

use std::fmt::Display;
use std::time::Duration;

use crypto_pool::MemoryLock;
use pki_config::Instant;
use pki_config::ids::WellKnownIssuer;
use pki_config::role::Setup;

use crate::api::{Check, DoctorReport};
use crate::app::App;

mod hierarchy;
mod published;

/// Longest a step may take. A CRL of a million entries is made in far less.
const STEP: Duration = Duration::from_secs(60);
/// Longest an address may take to answer.
const FETCH: Duration = Duration::from_secs(10);
/// How old the newest checkpoint of a fresh one may be.
const FRESH: Duration = Duration::from_secs(60);

/// One self-test at a time: two would count each other's CRLs.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs every check, in order.
pub async fn run(app: &App) -> DoctorReport {
    let _alone = ALONE.lock().await;
    let mut checks = vec![clock(app), root_key(app), memory(app), disk(app), log(app).await];
    checks.extend(app.ask_devices().await);
    for (family, issuing) in [("sm2", WellKnownIssuer::Sm2Issuing), ("ecdsa", WellKnownIssuer::EcIssuing)] {
        hierarchy::check(app, family, issuing, &mut checks).await;
    }
    published::check(app, &mut checks).await;
    DoctorReport { ok: checks.iter().all(|check| check.ok), checks }
}

fn passed(name: impl Into<String>, seen: impl Display) -> Check {
    Check { name: name.into(), ok: true, detail: seen.to_string() }
}

fn failed(name: impl Into<String>, what_to_do: impl Display) -> Check {
    Check { name: name.into(), ok: false, detail: what_to_do.to_string() }
}

fn judged(name: impl Into<String>, outcome: Result<String, String>) -> Check {
    match outcome {
        Ok(seen) => passed(name, seen),
        Err(why) => failed(name, why),
    }
}

/// `work`, or after `limit` a sentence.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err(format!("no answer within {} s; look at the load and the server's log", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}

fn clock(app: &App) -> Check {
    let now = app.clock().now();
    let outcome = match app.audit().ready() {
        Ok(_) => Ok(format!("{now}, not behind the log")),
        Err(ledger::audit::AuditError::ClockBehind { last, .. }) => Err(format!(
            "the clock says {now}, the last log entry {last}: set the clock; \
             if the entry was wrong, run: yinxin clock accept"
        )),
        Err(why) => Err(format!("the audit log takes no entries: {why}; run: yinxin audit verify")),
    };
    judged("clock", outcome)
}

fn root_key(app: &App) -> Check {
    let outcome = if app.is_open() { Ok("open".to_owned()) } else { Err("sealed; run: yinxin unseal".to_owned()) };
    judged("root-key", outcome)
}

/// Whether keys can get into swap space. A trial's key lies in a file anyway.
fn memory(app: &App) -> Check {
    let lock = crypto_pool::lock_memory();
    let well = app.setup() == Setup::Trial || !matches!(lock, MemoryLock::Swappable { .. });
    judged("memory", if well { Ok(lock.to_string()) } else { Err(lock.to_string()) })
}

fn disk(app: &App) -> Check {
    // As much again as is kept back for revocations: below that it is time to act.
    let wanted = app.config().storage.reserve.saturating_mul(2);
    let outcome = match rustix::fs::statvfs(app.dir().path()) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let said = format!("{} MiB free in {}", free >> 20, app.dir().path().display());
            if free > wanted { Ok(said) } else { Err(format!("{said}; make room before issuing stops")) }
        }
        Err(why) => Err(format!("the file system does not say how much is free: {why}")),
    };
    judged("disk", outcome)
}

async fn log(app: &App) -> Check {
    let work = async {
        let checkpoint = app.checkpoint_now().await.map_err(|why| match why.code() {
            pki_config::ErrorCode::Sealed => "no checkpoint can be signed while the root key is sealed".to_owned(),
            code => format!("no checkpoint could be signed ({code}); see the server's log"),
        })?;
        let body = checkpoint.body;
        Ok((body.size, body.time))
    };
    let told = |(size, time): (u64, Instant)| {
        // With nothing new in the log the newest checkpoint may be old and still say everything.
        let age = app.clock().now().since(time);
        let age = if age > FRESH { format!(", nothing new since {time}") } else { String::new() };
        format!("{size} entries, head signed{age}")
    };
    judged("audit-log", within(STEP, work).await.map(told))
}

#[cfg(test)]
mod tests;
