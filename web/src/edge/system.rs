//! `system/*`: how it does, the self-test, unsealing, the clock, backups.

use pki_config::ErrorCode;
use pki_config::role::Authorized;
use zeroize::Zeroizing;

use crate::api::{AcceptClock, BackupAsk, BackupInfo, DoctorReport, Nothing, SystemStatus, Unseal};
use crate::app::App;
use crate::backup::{self, BackupError};
use crate::problem::Failure;

/// `system/status`.
pub async fn status(app: App, _: Authorized, _: Nothing) -> Result<SystemStatus, Failure> {
    Ok(app.status().await)
}

/// `system/doctor`.
pub async fn doctor(app: App, _: Authorized, _: Nothing) -> Result<DoctorReport, Failure> {
    Ok(crate::doctor::run(&app).await)
}

/// `system/unseal`.
pub async fn unseal(app: App, by: Authorized, ask: Unseal) -> Result<SystemStatus, Failure> {
    app.unseal(&by, super::root::opening(ask)?).await?;
    Ok(app.status().await)
}

/// `system/accept-clock`.
pub async fn accept_clock(app: App, by: Authorized, ask: AcceptClock) -> Result<SystemStatus, Failure> {
    let reason: String = ask.reason.chars().filter(|c| !c.is_control()).take(500).collect();
    if reason.trim().is_empty() {
        return Err(Failure::saying(ErrorCode::BadRequest, "give a reason for the log"));
    }
    app.accept_clock(&by, &reason).await?;
    Ok(app.status().await)
}

/// `system/backup`: the file is written on the server's machine, by the server's user.
pub async fn backup(app: App, by: Authorized, ask: BackupAsk) -> Result<BackupInfo, Failure> {
    let file = std::path::PathBuf::from(&ask.file);
    if !file.is_absolute() {
        return Err(Failure::saying(ErrorCode::BadRequest, "file is not an absolute path"));
    }
    // Database and sealed file must be of one root key.
    let _unchanged = app.root_unchanged().await;
    let source = app.backup_source().await?;
    let made = backup::make_file(source, &by, &file, ask.passphrase.map(Zeroizing::new)).await;
    // Whoever may make backups may know why one could not be written where they wanted it.
    made.map_err(|error: BackupError| Failure::saying(error.code(), error))
}
