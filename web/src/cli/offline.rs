//! `audit verify` on a data directory whose server does not run: the database is opened for reading only.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_pool::backend::Soft;
use crypto_pool::{Kms, OsRandom, Purpose, RootKeySlot};
use ledger::audit::Checkpoint;
use ledger::{AuditLog, Db};
use pki_config::time::SystemClock;
use pki_config::{Clock, Random, TenantId};

use crate::api::AuditReport;
use crate::cli::failure::Failure;

/// Checks the whole log, and every row it covers.
///
/// # Errors
/// There is no installation, or the database cannot be read. What is wrong with the log is in the report.
pub async fn verify(data: &Path, expect: Option<&str>) -> Result<AuditReport, Failure> {
    let expect = expect.map(checkpoint).transpose()?;
    let file = data.join("yinxin.db");
    if !file.is_file() {
        return Err(Failure::NotRun(format!(
            "No server is running, and there is no installation, at {}; name one with --data.",
            data.display()
        )));
    }
    let db = Db::open_read_only(file).map_err(|e| Failure::here(&e))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let audit = AuditLog::stopped(db.clone(), Arc::clone(&clock), &crate::app::COVERED, "opened for reading only");
    let spki = log_key(&db, &audit, clock).await?;
    let checked = tokio::task::spawn_blocking(move || {
        let genuine = |checkpoint: &Checkpoint| crypto_pool::checkpoint::verify(checkpoint, &spki);
        audit.verify_all(&mut |_, _| {}, &genuine, expect.as_ref())
    });
    let report = checked
        .await
        .map_err(|e| Failure::Here(format!("The check ended early: {e}.")))?
        .map_err(|e| Failure::here(&e))?;
    Ok(AuditReport {
        ok: report.findings.is_empty(),
        entries: report.entries,
        rows: report.rows,
        checkpoints: report.checkpoints,
        findings: report.findings,
    })
}

/// The public key of the log; its private key stays sealed.
async fn log_key(db: &Db, audit: &AuditLog, clock: Arc<dyn Clock>) -> Result<Vec<u8>, Failure> {
    let random: Arc<dyn Random> = Arc::new(OsRandom::open().map_err(|e| Failure::here(&e))?);
    let root = RootKeySlot::sealed();
    let backend = Arc::new(Soft::new(root.clone(), Arc::clone(&random)));
    let kms = Kms::new(db.clone(), audit.clone(), backend, root, random, clock);
    let key = kms.active(&TenantId::house(), Purpose::AuditLog).await.map_err(|e| Failure::here(&e))?;
    key.map(|key| key.spki)
        .ok_or_else(|| Failure::Here("The log's key is missing: the database is damaged.".to_owned()))
}

fn checkpoint(text: &str) -> Result<Checkpoint, Failure> {
    let wrong = || Failure::NotRun("What --expect names is no checkpoint.".to_owned());
    Checkpoint::from_der(&BASE64.decode(text).map_err(|_| wrong())?).map_err(|_| wrong())
}
