//! What falls due while running: CRLs, renewals of our own certificates, letters to holders, the full check.

use std::time::Duration;

use crypto_pool::Purpose;
use ledger::audit::{Checkpoint, VerifyReport};
use pki_config::{Actor, ErrorCode, TenantId};
use tokio::sync::watch;

use super::App;
use crate::data_dir;
use crate::edge::officer;
use crate::problem::Failure;
use crate::serve::stopped;

/// How often due CRLs are looked for.
const CRLS: Duration = Duration::from_secs(2);
/// How often renewals are looked for.
const RENEWALS: Duration = Duration::from_secs(600);
/// How often holders are looked for whose certificates end.
const LETTERS: Duration = Duration::from_secs(600);
/// How often everything is checked.
const FULL_CHECK: Duration = Duration::from_secs(7 * 86_400);
/// The first full check waits until a start has calmed down.
const AFTER_START: Duration = Duration::from_secs(5);

impl App {
    /// Runs the schedules until `stop` turns true.
    pub fn start_schedules(&self, stop: &watch::Receiver<bool>) {
        self.start_stamping(stop);
        self.start_asking_devices(stop);
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(CRLS, &mut halt).await {
                if app.is_open() {
                    let outcome = app.publish_due().await;
                    tell_once(&mut told, outcome, "CRLs could not be published");
                }
            }
        });
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(RENEWALS, &mut halt).await {
                if app.is_open() {
                    let outcome = app.renew_own().await;
                    tell_once(&mut told, outcome, "our own certificates could not be renewed");
                }
            }
        });
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(RENEWALS, &mut halt).await {
                if app.is_open() {
                    let outcome = app.renew_stamp_evidence().await;
                    tell_once(&mut told, outcome, "archived time-stamps could not be stamped again");
                }
            }
        });
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(LETTERS, &mut halt).await {
                let outcome = app.write_to_holders().await.map(drop);
                tell_once(&mut told, outcome, "holders could not be written to");
            }
        });
        self.start_responders(stop);
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut wait = AFTER_START;
            while !elapsed(wait, &mut halt).await {
                app.full_check().await;
                wait = FULL_CHECK;
            }
        });
    }

    /// Publishes every CRL that is due.
    ///
    /// # Errors
    /// The first failure; the other issuers' CRLs were published.
    pub async fn publish_due(&self) -> Result<(), Failure> {
        self.settle().await?;
        self.ca().publish_due_crls(&Actor::system()).await?;
        Ok(())
    }

    /// What can be done as soon as the root key is open: due CRLs, our own certificates. A failure is
    /// told and tried again by the schedule; it never blocks a start.
    pub(super) async fn work_when_open(&self) {
        for (outcome, what) in [
            (self.renew_own().await, "our own certificates could not be renewed"),
            (self.publish_due().await, "CRLs could not be published"),
            (self.renew_responders().await, "OCSP responders could not be renewed"),
        ] {
            tell_once(&mut None, outcome, what);
        }
    }

    /// A new link for an administrator who never came, written beside the old one.
    pub(super) async fn renew_invitation(&self) {
        match officer::renew_invitation(self).await {
            Ok(Some(secret)) => {
                let text = format!("{}\n", self.link_url(&secret));
                match crate::data_dir::write_durably(&self.dir().admin_link(), text.as_bytes(), 0o600) {
                    Ok(()) => {
                        tracing::info!(file = %self.dir().admin_link().display(), "a new administrator link was made")
                    }
                    Err(error) => tracing::warn!(%error, "the administrator link could not be written"),
                }
            }
            Ok(None) => {}
            Err(failure) => failure.log("start", "administrator link"),
        }
    }

    /// Checks the database and the whole log. What it finds stops every signature, and is marked in the data
    /// directory, so that a restart does not sign until a full check has found nothing.
    pub async fn full_check(&self) {
        let db = self.db().clone();
        let database = tokio::task::spawn_blocking(move || db.full_check()).await;
        let mut findings = match database {
            Ok(Ok(())) => Vec::new(),
            Ok(Err(error)) => vec![format!("database: {error}")],
            Err(error) => vec![format!("database: the check ended early: {error}")],
        };
        match self.verify_log(None).await {
            Ok(report) => findings.extend(report.findings),
            // Not a finding: the check could not be made.
            Err(failure) => failure.log("full-check", "the log could not be checked"),
        }
        if !findings.is_empty() {
            tracing::error!(count = findings.len(), first = %findings[0], "the full check found damage; signing stops");
            self.audit().stop("the full check found damage; run: yinxin audit verify");
        }
        self.mark_damage(&findings);
        self.set_findings(findings);
    }

    fn mark_damage(&self, findings: &[String]) {
        let mark = self.dir().damage_mark();
        if findings.is_empty() {
            if mark.exists()
                && let Err(error) = std::fs::remove_file(&mark)
            {
                tracing::warn!(%error, "the mark of damage found earlier could not be removed");
            }
            return;
        }
        let few = findings.iter().take(100).fold(String::new(), |text, finding| text + finding + "\n");
        if let Err(error) = data_dir::write_durably(&mark, few.as_bytes(), 0o600) {
            tracing::error!(%error, "the damage found could not be marked; a restart would sign until it is found again");
        }
    }

    /// Checks the whole log and every row it covers; `expect` is a checkpoint kept elsewhere.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn verify_log(&self, expect: Option<Checkpoint>) -> Result<VerifyReport, Failure> {
        let key = self.kms().active(&TenantId::house(), Purpose::AuditLog).await?.ok_or(ErrorCode::AuditBroken)?;
        let audit = self.audit().clone();
        let checked = tokio::task::spawn_blocking(move || {
            let genuine = |checkpoint: &Checkpoint| crypto_pool::checkpoint::verify(checkpoint, &key.spki);
            audit.verify_all(&mut |_, _| {}, &genuine, expect.as_ref())
        });
        Ok(checked.await.map_err(|e| Failure::inside(ErrorCode::Internal, e))??)
    }
}

/// Waits; true if stopped meanwhile.
pub(super) async fn elapsed(wait: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => false,
        () = stopped(stop) => true,
    }
}

/// Logs a failure when it begins or changes, not each time it is met again.
pub(super) fn tell_once(told: &mut Option<ErrorCode>, outcome: Result<(), Failure>, what: &str) {
    let code = outcome.as_ref().err().map(Failure::code);
    if let Err(failure) = &outcome
        && *told != code
    {
        failure.log("schedule", what);
    }
    *told = code;
}
