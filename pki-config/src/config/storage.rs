//! `[storage]`: the database.

use serde::{Deserialize, Serialize};

use super::{ConfigError, within};

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Disk space kept back for revocations, CRLs and checkpoints. Unit: bytes; 1 MiB to 64 GiB.
    /// Default 67,108,864 (64 MiB). When less is free, nothing else is taken.
    pub reserve: u64,
    /// Reader threads. 1 to 64. Default 2.
    pub readers: u32,
    /// Writes that may wait; beyond it callers get `BUSY`. 16 to 1,000,000. Default 8,192.
    pub queue: u32,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { reserve: 64 << 20, readers: 2, queue: 8192 }
    }
}

impl StorageConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("storage.reserve", &self.reserve, &(1 << 20), &(64 << 30))?;
        within("storage.readers", &self.readers, &1, &64)?;
        within("storage.queue", &self.queue, &16, &1_000_000)
    }
}
