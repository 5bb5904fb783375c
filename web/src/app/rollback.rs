//! Whether the database is older than what left the house: an old copy put back would forget
//! revocations and bring serials and CRL numbers a second time.
//!
//! Two things outside the database remember: the CRL files, and the files of `audit.checkpoint_to`. Both
//! are written after the database is durable, so neither is ever ahead of it unless it went back.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca::core::crl::List;
use crypto_pool::path::Crl;
use crypto_pool::{KeyRecord, Purpose};
use ledger::audit::{AuditError, Checkpoint};
use pki_config::TenantId;

use super::{App, AppError};

/// How much of the end of a checkpoint file is read. Unit: bytes; over a hundred lines.
const TAIL: u64 = 64 * 1024;
/// The largest CRL file that is looked into. Unit: bytes.
const LARGEST_CRL: u64 = 1 << 30;

impl App {
    /// Stops the log if the newest checkpoint is not its key's, or something outside is newer than the
    /// database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) async fn check_not_rolled_back(&self) -> Result<(), AppError> {
        let key = self.kms().active(&TenantId::house(), Purpose::AuditLog).await?;
        let key = key.ok_or(AppError::Audit(AuditError::Broken("the log's key is missing".into())))?;
        let (audit, log_key) = (self.audit().clone(), key.clone());
        let genuine = tokio::task::spawn_blocking(move || {
            audit.check_signature(&|checkpoint| crypto_pool::checkpoint::verify(checkpoint, &log_key.spki))
        });
        match genuine.await {
            // The log has stopped itself.
            Ok(Ok(()) | Err(AuditError::Broken(_))) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => self.audit().stop("the check of the newest checkpoint ended early"),
        }
        let size = self.audit().size().await?;
        for file in &self.config().audit.checkpoint_to {
            if let Some(newest) = newest_checkpoint(file, &key).filter(|newest| newest.body.size > size) {
                let told = newest.body.size;
                self.stop_as_rolled_back(&format!("{} knows {told} entries, the database {size}", file.display()));
            }
        }
        for file in files_in(&self.dir().crls()) {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((issuer, list)) = List::of_file(name) else { continue };
            let Ok(issuer) = self.ca().issuer(&issuer) else { continue };
            // The file of the newest record needs no second look.
            if self.ca().list_file(&issuer.id, list).await.is_ok() {
                continue;
            }
            // An issuer's lists share one sequence of numbers.
            let recorded = self.ca().newest_number(&issuer.id).await?;
            if let Some(published) = crl_number(&file, &issuer).filter(|published| *published > recorded) {
                self.stop_as_rolled_back(&format!(
                    "{} published CRL {published}, the database knows {recorded}",
                    issuer.id
                ));
            }
        }
        Ok(())
    }

    fn stop_as_rolled_back(&self, why: &str) {
        self.audit().stop(&format!("the database is older than what was published: {why}"));
    }
}

/// The newest checkpoint of this log in a file of copies; the file may be gone, or hold other logs' too.
fn newest_checkpoint(file: &Path, key: &KeyRecord) -> Option<Checkpoint> {
    let mut file = File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    tail.split(|b| *b == b'\n').rev().find_map(|line| {
        let checkpoint = Checkpoint::from_der(&STANDARD.decode(line).ok()?).ok()?;
        // A line somebody else wrote there must not be able to stop us.
        crypto_pool::checkpoint::verify(&checkpoint, &key.spki).then_some(checkpoint)
    })
}

/// What lies in a folder; nothing if it cannot be read.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// The number of a CRL file, if it is genuine.
fn crl_number(file: &Path, issuer: &ca::Issuer) -> Option<u64> {
    if std::fs::metadata(file).ok()?.len() > LARGEST_CRL {
        return None;
    }
    let crl = Crl::from_der(std::fs::read(file).ok()?).ok()?;
    let number = crl.number()?;
    if number.len() > 8 || !crl.is_signed_by(&issuer.public_key) {
        return None;
    }
    Some(number.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}
