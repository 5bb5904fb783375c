//! State of the server: status, doctor, unsealing, backup.

use serde::{Deserialize, Serialize};

/// Answer of `system/status` and of `GET /health`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemStatus {
    /// `ok`, `sealed`, `degraded`, `stopped`.
    pub state: String,
    /// `trial` or `production`.
    pub setup: String,
    /// This installation's name.
    pub installation: String,
    /// The program's version.
    pub version: String,
    /// Each check: name, whether it is well, and one sentence.
    pub checks: Vec<Check>,
    /// Shares of the root key given so far, while it is sealed and waits for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsealing: Option<super::root::SharesGiven>,
}

/// One check of `doctor` or of the status.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was seen, or what to do.
    pub detail: String,
}

/// Answer of `system/doctor`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Every check passed.
    pub ok: bool,
    /// In order.
    pub checks: Vec<Check>,
}

/// `system/accept-clock`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptClock {
    /// Why the last entry's time was wrong, for the log.
    pub reason: String,
}

/// `system/backup`: the file is written by the server, next to which it must be able to write.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAsk {
    /// Where, an absolute path on the server's machine.
    pub file: String,
    /// Passphrase that opens it beside the root key.
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for BackupAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BackupAsk({})", self.file)
    }
}

/// Answer of `system/backup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupInfo {
    /// Where it lies.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// Entries of the log it holds.
    pub entries: u64,
    /// Root hash of the log, hexadecimal.
    pub root: String,
    /// Whether the file alone is enough to restore. False for a trial's backup without a passphrase: its
    /// root key is not inside, so keep `root.key` as well, elsewhere.
    pub complete: bool,
}
