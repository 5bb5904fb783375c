//! `[pool.pkcs11]` and `[pool.sdf]`: devices that keys live in and never leave.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, Seconds, within};

/// What keys a device may be given. Not TLS keys, which are handed out, and not tenants', which move with their unit.
const PURPOSES: [&str; 5] = ["ca", "ocsp", "time-stamp", "seal-maker", "seal-signer"];
/// What a PKCS#11 token makes: the interface has no mechanism for SM2.
const TOKEN_ALGORITHMS: [&str; 5] = ["p256", "p384", "rsa2048", "rsa3072", "rsa4096"];

/// A token behind PKCS#11. Keys that are made after this was added live there; keys made before stay where they are.
/// A token that is away stops what its keys sign, with `DEVICE_AWAY`, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Config {
    /// The vendor's library, by its whole path. It runs inside the server, with all its rights.
    pub module: PathBuf,
    /// The token's label. This, `serial` or both; neither if the library has one token only.
    #[serde(default)]
    pub token: Option<String>,
    /// The token's serial number.
    #[serde(default)]
    pub serial: Option<String>,
    /// The file with the user's PIN, mode 0600; or the bare name of a systemd credential (`LoadCredential=`). The PIN
    /// itself stands nowhere in the configuration.
    pub pin_file: PathBuf,
    /// What keys are made there: `ca`, `ocsp`, `time-stamp`, `seal-maker`, `seal-signer`. Default `ca`.
    #[serde(default = "issuers")]
    pub purposes: Vec<String>,
    /// Of which algorithms: `p256`, `p384`, `rsa2048`, `rsa3072`, `rsa4096`. Default all of them. SM2 keys are made in
    /// `[pool.sdf]`, or in software without it.
    #[serde(default = "token_algorithms")]
    pub algorithms: Vec<String>,
    /// Signatures made at a time. 1 to 256. Default 4.
    #[serde(default = "sessions")]
    pub sessions: u32,
    /// How long an answer is waited for; an RSA key may take twelve times that. 1 to 120 seconds. Default 10.
    #[serde(default = "timeout")]
    pub timeout: Seconds,
}

/// A device behind GM/T 0018 (SDF), with SM2 keys that were made at indexes with the vendor's own tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SdfConfig {
    /// The vendor's library, by its whole path. It runs inside the server, with all its rights.
    pub library: PathBuf,
    /// How its calls look: `standard` (the default; Tongsuo's too) or `gmssl`.
    #[serde(default)]
    pub dialect: SdfDialect,
    /// First of the indexes that are this installation's. A key that was given out once is never given out again. At
    /// least 1: index 0 is the device's own.
    pub first_index: u32,
    /// Last of them.
    pub last_index: u32,
    /// The file with the password that gives the right to private keys, mode 0600, or the bare name of a systemd
    /// credential; absent for devices that want none.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// What keys are taken from there, as in `[pool.pkcs11]`. Default `ca`.
    #[serde(default = "issuers")]
    pub purposes: Vec<String>,
    /// Signatures made at a time. 1 to 256. Default 4.
    #[serde(default = "sessions")]
    pub sessions: u32,
    /// How long an answer is waited for. 1 to 120 seconds. Default 10.
    #[serde(default = "timeout")]
    pub timeout: Seconds,
}

/// How the calls of a vendor's library look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdfDialect {
    /// As the standard prints them.
    #[default]
    Standard,
    /// As GmSSL calls them.
    GmSsl,
}

fn issuers() -> Vec<String> {
    vec!["ca".to_owned()]
}

fn token_algorithms() -> Vec<String> {
    TOKEN_ALGORITHMS.map(str::to_owned).to_vec()
}

const fn sessions() -> u32 {
    4
}

const fn timeout() -> Seconds {
    Seconds(10)
}

impl Pkcs11Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        whole_path("pool.pkcs11.module", &self.module)?;
        secret("pool.pkcs11.pin_file", &self.pin_file)?;
        among("pool.pkcs11.purposes", &self.purposes, &PURPOSES)?;
        among("pool.pkcs11.algorithms", &self.algorithms, &TOKEN_ALGORITHMS)?;
        within("pool.pkcs11.sessions", &self.sessions, &1, &256)?;
        within("pool.pkcs11.timeout", &self.timeout, &Seconds(1), &Seconds(120))
    }
}

impl SdfConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        whole_path("pool.sdf.library", &self.library)?;
        if let Some(file) = &self.password_file {
            secret("pool.sdf.password_file", file)?;
        }
        among("pool.sdf.purposes", &self.purposes, &PURPOSES)?;
        within("pool.sdf.first_index", &self.first_index, &1, &1_000_000)?;
        within("pool.sdf.last_index", &self.last_index, &self.first_index, &1_000_000)?;
        within("pool.sdf.sessions", &self.sessions, &1, &256)?;
        within("pool.sdf.timeout", &self.timeout, &Seconds(1), &Seconds(120))
    }
}

/// A name alone would be looked for where libraries are, and another one might be found.
fn whole_path(key: &'static str, path: &Path) -> Result<(), ConfigError> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(ConfigError::Value { key, why: format!("{} is not a whole path", path.display()) })
}

/// A whole path, or a name without any folder.
fn secret(key: &'static str, path: &Path) -> Result<(), ConfigError> {
    let is_name = path.file_name().is_some_and(|name| name == path.as_os_str());
    if path.is_absolute() || is_name {
        return Ok(());
    }
    let why = format!("{} is neither a whole path nor the bare name of a systemd credential", path.display());
    Err(ConfigError::Value { key, why })
}

fn among(key: &'static str, words: &[String], allowed: &[&str]) -> Result<(), ConfigError> {
    match words.iter().find(|word| !allowed.contains(&word.as_str())) {
        _ if words.is_empty() => Err(ConfigError::Value { key, why: "it is empty; leave the section out".to_owned() }),
        Some(word) => Err(ConfigError::Value { key, why: format!("{word} is none of {}", allowed.join(", ")) }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const TOKEN: &str = "[pool.pkcs11]\nmodule = \"/usr/lib/token.so\"\npin_file = \"/etc/yinxin/pin\"\n";
    const DEVICE: &str = "[pool.sdf]\nlibrary = \"/usr/lib/libsdf.so\"\nfirst_index = 1\nlast_index = 8\n";

    #[test]
    fn a_token_needs_its_library_and_where_the_pin_is() {
        let config = Config::from_toml(TOKEN).unwrap();
        let token = config.pool.pkcs11.unwrap();
        assert_eq!((token.purposes, token.sessions, token.timeout), (vec!["ca".to_owned()], 4, Seconds(10)));
        assert!(token.algorithms.contains(&"rsa3072".to_owned()));
        assert!(Config::from_toml("[pool.pkcs11]\nmodule = \"/usr/lib/token.so\"").is_err());
        assert!(Config::from_toml(&format!("{TOKEN}pin = \"1234\"")).is_err(), "no PIN in the configuration");
        assert!(Config::from_toml("").unwrap().pool.pkcs11.is_none());
    }

    #[test]
    fn a_device_has_a_range_of_indexes() {
        let device = Config::from_toml(DEVICE).unwrap().pool.sdf.unwrap();
        assert_eq!((device.first_index, device.last_index, device.dialect), (1, 8, SdfDialect::Standard));
        let gmssl = Config::from_toml(&format!("{DEVICE}dialect = \"gmssl\"")).unwrap();
        assert_eq!(gmssl.pool.sdf.unwrap().dialect, SdfDialect::GmSsl);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, key) in [
            (TOKEN.replace("/usr/lib/", ""), "pool.pkcs11.module"),
            (TOKEN.replace("/etc/yinxin/pin", "secrets/pin"), "pool.pkcs11.pin_file"),
            (format!("{TOKEN}purposes = [\"tls\"]"), "pool.pkcs11.purposes"),
            (format!("{TOKEN}purposes = []"), "pool.pkcs11.purposes"),
            (format!("{TOKEN}algorithms = [\"sm2\"]"), "pool.pkcs11.algorithms"),
            (format!("{TOKEN}sessions = 0"), "pool.pkcs11.sessions"),
            (format!("{TOKEN}timeout = 0"), "pool.pkcs11.timeout"),
            (DEVICE.replace("first_index = 1", "first_index = 0"), "pool.sdf.first_index"),
            (DEVICE.replace("last_index = 8", "last_index = 0"), "pool.sdf.last_index"),
            (DEVICE.replace("/usr/lib/", "./"), "pool.sdf.library"),
            (format!("{DEVICE}password_file = \"../password\""), "pool.sdf.password_file"),
            (format!("{DEVICE}purposes = [\"tenant\"]"), "pool.sdf.purposes"),
        ] {
            let told = Config::from_toml(&text).unwrap_err().to_string();
            assert!(told.contains(key), "{text}: {told}");
        }
        assert!(Config::from_toml(&TOKEN.replace("/etc/yinxin/pin", "hsm-pin")).is_ok(), "a credential");
    }

    #[test]
    fn what_is_shown_reads_back() {
        let config = Config::from_toml(&format!("{TOKEN}token = \"yinxin\"\n{DEVICE}")).unwrap();
        let shown = toml::to_string(&config).unwrap();
        assert_eq!(Config::from_toml(&shown).unwrap(), config);
    }
}
