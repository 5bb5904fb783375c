//! How a pool is set up.

use crate::key::Purpose;

/// How the pool is set up.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Worker threads. Default: one for each processor.
    pub threads: usize,
    /// Most signatures that wait for each purpose; beyond it callers get [`crate::Error::Busy`]. Purposes do not
    /// fill each other's queue. Default 65,536.
    pub queue: usize,
    /// Most signatures of one owner that wait for one purpose. Default 16,384. They may hold 64 MiB to be signed.
    pub queue_per_owner: usize,
    /// How the purposes share the workers when there is more to do than they can.
    pub shares: Shares,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            queue: 65_536,
            queue_per_owner: 16_384,
            shares: Shares::default(),
        }
    }
}

/// How purposes share the workers when there is more to do than they can: in proportion. What one does not
/// use the others get. Each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Certificates and CRLs, and the heads of the log. Default 8.
    pub issuing: u32,
    /// OCSP answers. Default 16: nobody else's work makes them late.
    pub ocsp: u32,
    /// Time-stamps. Default 8.
    pub time_stamp: u32,
    /// Seals. Default 4.
    pub seal: u32,
    /// What tenants have signed with keys of their own. Default 4.
    pub tenant: u32,
}

impl Default for Shares {
    fn default() -> Self {
        Self { issuing: 8, ocsp: 16, time_stamp: 8, seal: 4, tenant: 4 }
    }
}

impl From<&pki_config::config::PoolShares> for Shares {
    fn from(config: &pki_config::config::PoolShares) -> Self {
        let pki_config::config::PoolShares { issuing, ocsp, time_stamp, seal, tenant } = *config;
        Self { issuing, ocsp, time_stamp, seal, tenant }
    }
}

impl Shares {
    pub(super) const fn of(&self, purpose: Purpose) -> u32 {
        match purpose {
            Purpose::CertificateAuthority | Purpose::AuditLog | Purpose::Tls | Purpose::KeyArchive => self.issuing,
            Purpose::Ocsp => self.ocsp,
            Purpose::TimeStamp => self.time_stamp,
            Purpose::SealMaker | Purpose::SealSigner => self.seal,
            Purpose::Tenant => self.tenant,
        }
    }
}
