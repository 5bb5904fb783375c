//! The configuration file `yinxin.toml`: typed, unknown keys refused, every value checked before
//! anything starts. Every field has a default, so an empty file (or none) is a whole configuration.
//!
//! ```toml
//! [web]
//! http = "127.0.0.1:8080"
//! public_url = "http://pki.example.cn"
//!
//! [audit]
//! checkpoint_to = ["/mnt/other-machine/checkpoints"]
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod audit;
mod ca;
mod devices;
mod eseal;
mod listen;
mod mail;
mod ocsp;
mod pool;
mod storage;
mod tsa;
mod tsa_clock;
mod web;

pub use audit::AuditConfig;
pub use ca::{CaConfig, CrlConfig};
pub use devices::{Pkcs11Config, SdfConfig, SdfDialect};
pub use eseal::EsealConfig;
pub use listen::{BadListen, Listen};
pub use mail::{MailConfig, MailLanguage, MailSecurity};
pub use ocsp::{ForeignIssuer, OcspConfig, Unlisted};
pub use pool::{PoolConfig, PoolShares, RootKeyConfig};
pub use storage::StorageConfig;
pub use tsa::{EvidenceConfig, StampAccess, TRIAL_POLICY, TsaConfig, TsaPolicy};
pub use tsa_clock::{TsaClockConfig, ntp_address, nts_address};
pub use web::WebConfig;

/// A length of time in the configuration. Unit: seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Seconds {
    /// As a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Listening, limits, public address.
    pub web: WebConfig,
    /// CRLs.
    pub ca: CaConfig,
    /// The OCSP responder.
    pub ocsp: OcspConfig,
    /// Time-stamps.
    pub tsa: TsaConfig,
    /// Electronic seals.
    pub eseal: EsealConfig,
    /// Letters to holders whose certificates expire.
    pub mail: MailConfig,
    /// Where checkpoints go.
    pub audit: AuditConfig,
    /// The signing pool.
    pub pool: PoolConfig,
    /// How a passphrase becomes the key that seals the root key.
    pub root_key: RootKeyConfig,
    /// The database.
    pub storage: StorageConfig,
}

/// What is wrong with a configuration, in one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read. Operator's fault.
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is no TOML, or holds an unknown key or a value of the wrong kind.
    Malformed {
        /// Which file; absent for a text.
        file: Option<PathBuf>,
        /// Where and what.
        why: String,
    },
    /// A value is out of range or contradicts another.
    Value {
        /// The key, such as `ca.crl_every`.
        key: &'static str,
        /// What is wrong and what is allowed.
        why: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, why } => write!(f, "the configuration {} cannot be read: {why}", file.display()),
            Self::Malformed { file: Some(file), why } => {
                write!(f, "the configuration {} is not right: {why}", file.display())
            }
            Self::Malformed { file: None, why } => write!(f, "the configuration is not right: {why}"),
            Self::Value { key, why } => write!(f, "configuration key {key}: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The longest between two CRLs where no responder answers.
const WITHOUT_OCSP: Seconds = Seconds(4 * 86_400);

/// The largest configuration file that is read. Unit: bytes.
const LARGEST_FILE: u64 = 256 * 1024;

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], one sentence naming the file or the key.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |why: String| ConfigError::Unreadable { file: file.to_owned(), why };
        let size = std::fs::metadata(file).map_err(|e| unreadable(e.to_string()))?.len();
        if size > LARGEST_FILE {
            return Err(unreadable(format!("it has {size} bytes, at most {LARGEST_FILE} are taken")));
        }
        let text = std::fs::read_to_string(file).map_err(|e| unreadable(e.to_string()))?;
        Self::from_toml(&text).map_err(|error| match error {
            ConfigError::Malformed { why, .. } => ConfigError::Malformed { file: Some(file.to_owned()), why },
            other => other,
        })
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// [`ConfigError`], one sentence naming the key.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)
            .map_err(|e| ConfigError::Malformed { file: None, why: e.to_string().trim_end().to_owned() })?;
        config.check()?;
        Ok(config)
    }

    /// Checks every range and every contradiction. To be called again after the command line
    /// changed a field.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the first key that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.web.check()?;
        self.ca.check()?;
        self.ocsp.check()?;
        self.tsa.check()?;
        self.eseal.check()?;
        self.mail.check()?;
        self.audit.check()?;
        self.pool.check()?;
        self.root_key.check()?;
        self.storage.check()?;
        // CA/Browser BR 4.9.7: without OCSP the list is all there is.
        if !self.ocsp.enabled && self.ca.crl_every > WITHOUT_OCSP {
            let why = format!("{} is more than {WITHOUT_OCSP}, the most without OCSP", self.ca.crl_every);
            return Err(ConfigError::Value { key: "ca.crl_every", why });
        }
        Ok(())
    }

    /// The base of every URL written into certificates: `web.public_url`, or the http address.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.web.public_url()
    }
}

/// `Ok` if `value` lies between both ends; else a sentence naming `key`.
fn within<T: PartialOrd + fmt::Display>(key: &'static str, value: &T, low: &T, high: &T) -> Result<(), ConfigError> {
    if value < low || value > high {
        return Err(ConfigError::Value { key, why: format!("{value} is not between {low} and {high}") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_toml(text).expect_err("should be refused").to_string()
    }

    #[test]
    fn an_empty_file_is_a_whole_configuration() {
        let config = Config::from_toml("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.web.http.to_string(), "127.0.0.1:8080");
        assert_eq!(config.web.https.to_string(), "localhost:8443");
        assert_eq!(config.public_url(), "http://127.0.0.1:8080");
        assert_eq!(config.ca.crl_lifetime.duration(), Duration::from_secs(7 * 86_400));
    }

    #[test]
    fn a_written_configuration_reads_back() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(Config::from_toml(&text).unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_and_sections_are_refused_by_name() {
        assert!(error("[web]\nhtpp = \"127.0.0.1:1\"").contains("htpp"));
        assert!(error("[wbe]\n").contains("wbe"));
        assert!(error("verbose = true").contains("verbose"));
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        for (text, key) in [
            ("[ca]\ncrl_lifetime = 60", "ca.crl_lifetime"),
            ("[ca]\ncrl_every = 10", "ca.crl_every"),
            ("[ocsp]\nanswer_lifetime = 60", "ocsp.answer_lifetime"),
            ("[ocsp]\nanswer_lifetime = 864001", "ocsp.answer_lifetime"),
            ("[ocsp]\nanswer_lifetime = 28800\nrefresh_after = 14401", "ocsp.refresh_after"),
            ("[ocsp]\nnonce_max = 129", "ocsp.nonce_max"),
            ("[ocsp]\nqueue = 0", "ocsp.queue"),
            ("[pool]\nthreads = 1000", "pool.threads"),
            ("[pool]\nqueue = 0", "pool.queue"),
            ("[storage]\nreserve = 5", "storage.reserve"),
            ("[storage]\nreaders = 0", "storage.readers"),
            ("[web]\nbody_bytes = 10", "web.body_bytes"),
            ("[web]\nconnections = 1", "web.connections"),
            ("[web]\nhttps_names = [\"a b\"]", "web.https_names"),
            ("[root_key]\nargon2_memory_kib = 1024", "root_key.argon2_memory_kib"),
            ("[audit]\ncheckpoint_to = [\"relative/file\"]", "audit.checkpoint_to"),
        ] {
            assert!(error(text).contains(key), "{text}: {}", error(text));
        }
    }

    #[test]
    fn a_crl_must_be_replaced_before_it_expires() {
        assert!(error("[ca]\ncrl_lifetime = 86400\ncrl_every = 86400").contains("ca.crl_every"));
    }

    #[test]
    fn without_a_responder_crls_come_at_least_every_four_days() {
        let rare = "[ca]\ncrl_lifetime = 777600\ncrl_every = 388800\n";
        assert!(Config::from_toml(rare).is_ok());
        assert!(error(&format!("{rare}[ocsp]\nenabled = false")).contains("ca.crl_every"));
    }

    #[test]
    fn the_two_doors_cannot_share_one_address() {
        assert!(error("[web]\nhttp = \"127.0.0.1:9000\"\nhttps = \"localhost:9000\"").contains("web.https"));
    }

    #[test]
    fn a_public_url_is_plain_http_without_a_path() {
        for bad in [
            "https://a.cn",
            "http://",
            "http://a.cn/",
            "http://a.cn/x",
            "http://a b",
            "http://a.cn?x",
            "http://u@a.cn",
            "ftp://a",
            "http://a.cn:99999",
        ] {
            assert!(error(&format!("[web]\npublic_url = \"{bad}\"")).contains("web.public_url"), "{bad}");
        }
        for good in ["http://pki.example.cn", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            assert!(Config::from_toml(&format!("[web]\npublic_url = \"{good}\"")).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Config::load(Path::new("/nonexistent/yinxin.toml")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/yinxin.toml"), "{error}");
    }
}
