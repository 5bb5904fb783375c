//! How it does: for `GET /health` and `system/status`.

use std::time::Duration;

use ca::core::crl::List;
use ca::store::CrlRecord;
use pki_config::Instant;
use pki_config::role::Setup;

use super::App;
use crate::api::{Check, SystemStatus};

impl App {
    /// The state in one word, and each check.
    ///
    /// `stopped`: nothing is signed until an operator acts. `sealed`: nothing is signed until somebody
    /// unseals. `degraded`: everything works and something needs attention. The repository serves in all.
    pub async fn status(&self) -> SystemStatus {
        let log = self.audit().ready();
        let findings = self.findings();
        let stopped = log.is_err() || !findings.is_empty();
        let mut checks = vec![
            check("audit-log", log.map_err(|e| e.to_string()).and_then(|_| none_of(&findings)), "takes entries"),
            check("root-key", if self.is_open() { Ok(()) } else { Err(self.sealed_words()) }, "open"),
            self.check_checkpoints(),
            self.check_disk(),
            self.check_tls(),
        ];
        checks.extend(self.devices_seen());
        checks.extend(self.check_crls().await);
        checks.extend(self.check_responders());
        let well = checks.iter().all(|c| c.ok);
        let state = match (stopped, self.is_open(), well) {
            (true, _, _) => "stopped",
            (false, false, _) => "sealed",
            (false, true, false) => "degraded",
            (false, true, true) => "ok",
        };
        SystemStatus {
            state: state.to_owned(),
            setup: self.setup().as_str().to_owned(),
            installation: self.installation().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            checks,
            unsealing: self.shares_given(),
        }
    }

    fn sealed_words(&self) -> String {
        match self.shares_given() {
            Some(shares) => format!("sealed, {} of {} shares given; run: yinxin unseal", shares.given, shares.needed),
            None => "sealed; run: yinxin unseal".into(),
        }
    }

    fn check_checkpoints(&self) -> Check {
        let status = self.0.checkpointer.get().map(crypto_pool::Checkpointer::status).unwrap_or_default();
        // A sealed key is its own check; without it there is nothing to sign heads with.
        let failed = status.failure.filter(|_| self.is_open()).or(status.copy_failure);
        check("checkpoints", failed.map_or(Ok(()), Err), "signed each second")
    }

    fn check_disk(&self) -> Check {
        let reserve = self.config().storage.reserve;
        match rustix::fs::statvfs(self.dir().path()) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                let detail = format!("{} MiB free", free >> 20);
                Check { name: "disk".into(), ok: free > reserve, detail }
            }
            Err(error) => Check { name: "disk".into(), ok: false, detail: error.to_string() },
        }
    }

    fn check_tls(&self) -> Check {
        let outcome = match (self.tls().is_set(), self.is_open(), self.setup()) {
            (true, ..) => Ok(()),
            (false, false, Setup::Production) => Err("https serves once the root key is unsealed".into()),
            _ => Err("no certificate could be made; see the log".into()),
        };
        check("tls", outcome, "has its certificate")
    }

    async fn check_crls(&self) -> Vec<Check> {
        let now = self.clock().now();
        let mut checks = Vec::new();
        for issuer in self.ca().issuers() {
            let name = format!("crl-{}", issuer.id);
            checks.push(match self.ca().lists(&issuer.id).await {
                Ok(lists) => lists_check(name, &lists, now, self.config().ca.crl_every.duration()),
                Err(error) => Check { name, ok: false, detail: error.code().english().to_owned() },
            });
        }
        checks
    }
}

/// Whether every list of an issuer is there, has not ended, and is no older than the schedule lets it get.
fn lists_check(name: String, lists: &[CrlRecord], now: Instant, every: Duration) -> Check {
    let Some(whole) = lists.iter().find(|list| list.list == List::WHOLE) else {
        return Check { name, ok: false, detail: "none published yet".into() };
    };
    let wrong = lists.iter().find_map(|list| {
        let late = !list.list.is_delta() && now.since(list.this_update) > every + LATE;
        match (list.next_update <= now, late) {
            (true, _) => Some(format!("the list {} (number {}) ended {}", list.list, list.number, list.next_update)),
            (false, true) => Some(format!("the list {} (number {}) is overdue", list.list, list.number)),
            (false, false) => None,
        }
    });
    let shards = lists.iter().filter(|list| list.list.number() > 0 && !list.list.is_delta()).count();
    let others = match (shards, lists.iter().any(|list| list.list.is_delta())) {
        (0, false) => String::new(),
        (0, true) => ", and a delta".into(),
        (shards, false) => format!(", and {shards} shares"),
        (shards, true) => format!(", {shards} shares, and deltas"),
    };
    let well = format!("number {}, next update {}{others}", whole.number, whole.next_update);
    Check { name, ok: wrong.is_none(), detail: wrong.unwrap_or(well) }
}

/// A list may be this much later than the schedule says: a sealed root key, a slow disk.
const LATE: Duration = Duration::from_secs(3600);

fn check(name: &str, outcome: Result<(), String>, well: &str) -> Check {
    let ok = outcome.is_ok();
    Check { name: name.to_owned(), ok, detail: outcome.err().unwrap_or_else(|| well.to_owned()) }
}

/// Findings name rows, not their contents; the whole list is for `audit verify`.
fn none_of(findings: &[String]) -> Result<(), String> {
    match findings {
        [] => Ok(()),
        all => Err(format!("{} findings of the full check; run: yinxin audit verify", all.len())),
    }
}
