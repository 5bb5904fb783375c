//! `[pool]` and `[root_key]`: signing threads, and how a passphrase is stretched.

use serde::{Deserialize, Serialize};

use super::{ConfigError, within};

/// The signing pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Threads that sign. 0 to 256; 0 takes one per processor, less one for the database. Default 0.
    pub threads: u32,
    /// Signatures that may wait; beyond it callers get `BUSY`. 16 to 1,000,000. Default 4,096.
    pub queue: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { threads: 0, queue: 4096 }
    }
}

impl PoolConfig {
    /// The number of threads to start on this machine, at least one.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        match usize::try_from(self.threads) {
            Ok(0) | Err(_) => std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1)),
            Ok(n) => n,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("pool.threads", &self.threads, &0, &256)?;
        within("pool.queue", &self.queue, &16, &1_000_000)
    }
}

/// How a passphrase becomes the key that seals the root key (Argon2id, RFC 9106). Used when the
/// installation is made or its passphrase changed; the file keeps what it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RootKeyConfig {
    /// Memory. Unit: KiB, 19,456 to 4,194,304. Default 65,536 (RFC 9106 4, second choice). More makes
    /// guessing dearer and unsealing slower.
    pub argon2_memory_kib: u32,
    /// Passes over the memory. 1 to 100. Default 3.
    pub argon2_passes: u32,
    /// Lanes. 1 to 16. Default 1.
    pub argon2_lanes: u32,
}

impl Default for RootKeyConfig {
    fn default() -> Self {
        Self { argon2_memory_kib: 65_536, argon2_passes: 3, argon2_lanes: 1 }
    }
}

impl RootKeyConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("root_key.argon2_memory_kib", &self.argon2_memory_kib, &19_456, &4_194_304)?;
        within("root_key.argon2_passes", &self.argon2_passes, &1, &100)?;
        within("root_key.argon2_lanes", &self.argon2_lanes, &1, &16)
    }
}
