//! `[pool]` and `[root_key]`: signing threads, and how a passphrase is stretched.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Pkcs11Config, SdfConfig, within};

/// The signing pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Threads that sign. 0 to 256; 0 takes one per processor, less one for the database. Default 0.
    pub threads: u32,
    /// Signatures that may wait for each purpose (issuing, OCSP, time-stamps, seals, tenants); beyond it callers
    /// get `BUSY`. One purpose's flood fills its own queue only. 16 to 1,000,000. Default 65,536.
    pub queue: u32,
    /// Signatures of one tenant that may wait for one purpose; they may hold 64 MiB. 16 to 1,000,000.
    /// Default 16,384.
    /// Below 1,024 the largest requests for signatures in bulk are never taken.
    pub queue_per_owner: u32,
    /// How the purposes share the threads when there is more to sign than they can.
    pub shares: PoolShares,
    /// A PKCS#11 token that keys are made in. Default: none, keys are made in software.
    pub pkcs11: Option<Pkcs11Config>,
    /// An SDF device that SM2 keys are taken from. Default: none, keys are made in software.
    pub sdf: Option<SdfConfig>,
}

/// How the purposes share the signing threads when there is more to do than they can: in proportion to these
/// numbers. What one purpose does not use the others get. Each 1 to 1,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolShares {
    /// Certificates, CRLs and the heads of the log. Default 8.
    pub issuing: u32,
    /// OCSP answers. Default 16: other work does not make them late.
    pub ocsp: u32,
    /// Time-stamps. Default 8.
    pub time_stamp: u32,
    /// Seals. Default 4.
    pub seal: u32,
    /// What tenants have signed with keys of their own. Default 4.
    pub tenant: u32,
}

impl Default for PoolShares {
    fn default() -> Self {
        Self { issuing: 8, ocsp: 16, time_stamp: 8, seal: 4, tenant: 4 }
    }
}

impl PoolShares {
    fn check(&self) -> Result<(), ConfigError> {
        within("pool.shares.issuing", &self.issuing, &1, &1000)?;
        within("pool.shares.ocsp", &self.ocsp, &1, &1000)?;
        within("pool.shares.time_stamp", &self.time_stamp, &1, &1000)?;
        within("pool.shares.seal", &self.seal, &1, &1000)?;
        within("pool.shares.tenant", &self.tenant, &1, &1000)
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        let shares = PoolShares::default();
        Self { threads: 0, queue: 65_536, queue_per_owner: 16_384, shares, pkcs11: None, sdf: None }
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
        within("pool.queue", &self.queue, &16, &1_000_000)?;
        within("pool.queue_per_owner", &self.queue_per_owner, &16, &1_000_000)?;
        self.shares.check()?;
        self.pkcs11.as_ref().map_or(Ok(()), Pkcs11Config::check)?;
        self.sdf.as_ref().map_or(Ok(()), SdfConfig::check)
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
    /// Name of the file in `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential=`) that opens the root key at each
    /// start without anybody there: its passphrase, or enough shares, one on each line. Default `yinxin-root`;
    /// without such a file somebody unseals. Empty: never.
    pub credential: String,
}

impl Default for RootKeyConfig {
    fn default() -> Self {
        Self { argon2_memory_kib: 65_536, argon2_passes: 3, argon2_lanes: 1, credential: "yinxin-root".to_owned() }
    }
}

impl RootKeyConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("root_key.argon2_memory_kib", &self.argon2_memory_kib, &19_456, &4_194_304)?;
        within("root_key.argon2_passes", &self.argon2_passes, &1, &100)?;
        within("root_key.argon2_lanes", &self.argon2_lanes, &1, &16)?;
        if self.credential.contains(['/', '\0']) || self.credential.starts_with('.') {
            let why = "is the name of a file in $CREDENTIALS_DIRECTORY, not a path".to_owned();
            return Err(ConfigError::Value { key: "root_key.credential", why });
        }
        Ok(())
    }
}
