//! `[eseal]`: electronic seals.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};

/// Electronic seals, and the child processes that read strangers' documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EsealConfig {
    /// Whether seals are made, used and told of, and documents verified. Default true.
    pub enabled: bool,
    /// Child processes that read documents and pictures; 0: one for each processor. 0 to 256. Default 0.
    pub workers: u32,
    /// Memory that one of them may take. Unit: MiB, 256 to 65,536. Default 1,024. Less refuses large documents.
    pub worker_memory: u32,
    /// How long one document may take. Unit: seconds, 1 to 600. Default 30.
    pub worker_time: Seconds,
    /// After how many documents a child process is replaced by a new one. 1 to 1,000,000. Default 5,000.
    pub worker_jobs: u32,
    /// Documents that may wait for a child process; beyond it the answer is `BUSY`. 1 to 100,000. Default 1,024.
    pub queue: u32,
    /// Longest document. Unit: MiB, 1 to 1,024. Default 32. Some of them are in memory several times at once.
    pub document: u32,
    /// Most pages of a document. 1 to 100,000. Default 5,000.
    pub pages: u32,
    /// How long a seal is valid when its application does not say. Unit: days, 1 to 1,825. Default 1,095. Never longer
    /// than the certificate of its maker.
    pub validity: u32,
    /// For how long an answer about a seal's status may be relied on. Unit: seconds, 1 s to 1 d. Default 60. Longer
    /// means fewer signatures and slower news of a suspension.
    pub status_lifetime: Seconds,
    /// Documents that strangers of one address may have verified. Unit: per second, 0 for no limit. Default 5.
    pub verify_rate: u32,
    /// How many of these at once. 1 to 1,000,000. Default 50.
    pub verify_burst: u32,
}

impl Default for EsealConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            workers: 0,
            worker_memory: 1024,
            worker_time: Seconds(30),
            worker_jobs: 5_000,
            queue: 1024,
            document: 32,
            pages: 5_000,
            validity: 1_095,
            status_lifetime: Seconds(60),
            verify_rate: 5,
            verify_burst: 50,
        }
    }
}

impl EsealConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("eseal.workers", &self.workers, &0, &256)?;
        within("eseal.worker_memory", &self.worker_memory, &256, &65_536)?;
        within("eseal.worker_time", &self.worker_time, &Seconds(1), &Seconds(600))?;
        within("eseal.worker_jobs", &self.worker_jobs, &1, &1_000_000)?;
        within("eseal.queue", &self.queue, &1, &100_000)?;
        within("eseal.document", &self.document, &1, &1024)?;
        within("eseal.pages", &self.pages, &1, &100_000)?;
        within("eseal.validity", &self.validity, &1, &1825)?;
        within("eseal.status_lifetime", &self.status_lifetime, &Seconds(1), &Seconds(86_400))?;
        within("eseal.verify_rate", &self.verify_rate, &0, &1_000_000)?;
        within("eseal.verify_burst", &self.verify_burst, &1, &1_000_000)
    }

    /// The child processes: as configured, else one for each processor.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        match usize::try_from(self.workers) {
            Ok(0) | Err(_) => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            Ok(count) => count,
        }
    }

    /// Longest document. Unit: bytes.
    #[must_use]
    pub fn document_bytes(&self) -> usize {
        usize::try_from(self.document).map_or(usize::MAX, |mib| mib.saturating_mul(1 << 20))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn seals_are_on_and_values_out_of_range_are_refused_by_name() {
        assert!(Config::from_toml("").unwrap().eseal.enabled);
        for (line, key) in [
            ("worker_time = 0", "eseal.worker_time"),
            ("document = 0", "eseal.document"),
            ("validity = 1826", "eseal.validity"),
            ("verify_burst = 0", "eseal.verify_burst"),
        ] {
            let error = Config::from_toml(&format!("[eseal]\n{line}")).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        assert!(Config::from_toml("[eseal]\nspeed = 1").is_err());
    }
}
