//! The devices that keys live in: built from the configuration, asked how they do.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crypto_pool::backend::{
    Backend, Choice, DeviceStatus, PinFile, Pkcs11, Pkcs11Options, Sdf, SdfDialect, SdfOptions, Soft, Takes,
};
use crypto_pool::{KeyAlgorithm, Purpose, RootKeySlot};
use pki_config::Random;
use pki_config::config::{self, Pkcs11Config, PoolConfig, SdfConfig};
use tokio::sync::watch;

use super::App;
use super::schedule::elapsed;
use crate::api::Check;

/// How often the devices are asked whether they are there.
const ASKING: Duration = Duration::from_secs(30);

/// Software, and the devices that the configuration names. None is opened before a key of it is needed.
pub(super) fn backend(config: &PoolConfig, root: &RootKeySlot, random: &Arc<dyn Random>) -> Arc<dyn Backend> {
    let mut choice = Choice::new(Soft::new(root.clone(), Arc::clone(random)));
    if let Some(token) = &config.pkcs11 {
        let algorithms = token.algorithms.iter().filter_map(|word| word.parse().ok()).collect();
        let takes = Takes { purposes: purposes(&token.purposes), algorithms };
        choice = choice.with_pkcs11(takes, Pkcs11::new(token_options(token), root.clone()));
    }
    if let Some(device) = &config.sdf {
        let takes = Takes { purposes: purposes(&device.purposes), algorithms: vec![KeyAlgorithm::Sm2] };
        choice = choice.with_sdf(takes, Sdf::new(device_options(device), root.clone()));
    }
    Arc::new(choice)
}

/// The words were checked when the configuration was read.
fn purposes(words: &[String]) -> Vec<Purpose> {
    words.iter().filter_map(|word| Purpose::from_word(word)).collect()
}

fn token_options(config: &Pkcs11Config) -> Pkcs11Options {
    Pkcs11Options {
        module: config.module.clone(),
        label: config.token.clone(),
        serial: config.serial.clone(),
        pin: PinFile::new(&config.pin_file),
        sessions: usize::try_from(config.sessions).unwrap_or(1),
        timeout: config.timeout.duration(),
    }
}

fn device_options(config: &SdfConfig) -> SdfOptions {
    SdfOptions {
        library: config.library.clone(),
        dialect: match config.dialect {
            config::SdfDialect::Standard => SdfDialect::Standard,
            config::SdfDialect::GmSsl => SdfDialect::GmSsl,
        },
        indexes: config.first_index..=config.last_index,
        password: config.password_file.as_deref().map(PinFile::new),
        sessions: usize::try_from(config.sessions).unwrap_or(1),
        timeout: config.timeout.duration(),
    }
}

impl App {
    /// Asks every device whether it is there, and says whose keys live in them. Takes as long as the slowest may.
    pub async fn ask_devices(&self) -> Vec<Check> {
        let config = &self.config().pool;
        if config.pkcs11.is_none() && config.sdf.is_none() {
            return Vec::new();
        }
        let checks = match self.kms().devices().await {
            Ok(devices) => {
                let keys = self.issuers_in_devices().await;
                devices.into_iter().map(|device| device_check(device, &keys)).collect()
            }
            Err(why) => vec![Check { name: "devices".into(), ok: false, detail: why.to_string() }],
        };
        *self.0.devices.lock().unwrap_or_else(PoisonError::into_inner) = checks.iter().map(short).collect();
        checks
    }

    /// What they said when they were last asked. For `/health` too, so nothing of what they are: anybody reads that.
    pub(super) fn devices_seen(&self) -> Vec<Check> {
        self.0.devices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn start_asking_devices(&self, stop: &watch::Receiver<bool>) {
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut missing = Vec::new();
            loop {
                let now: Vec<_> = app.ask_devices().await.into_iter().filter(|check| !check.ok).collect();
                let names = |checks: &[Check]| checks.iter().map(|check| check.name.clone()).collect::<Vec<_>>();
                if names(&now) != names(&missing) {
                    now.iter().for_each(|check| tracing::error!(device = %check.name, "{}", check.detail));
                }
                missing = now;
                if elapsed(ASKING, &mut halt).await {
                    return;
                }
            }
        });
    }

    /// The issuers whose keys live in a device.
    async fn issuers_in_devices(&self) -> Vec<String> {
        let mut names = Vec::new();
        for issuer in self.ca().issuers() {
            if self.kms().in_device(issuer.key).await.unwrap_or(false) {
                names.push(issuer.id.to_string());
            }
        }
        names
    }
}

fn short(check: &Check) -> Check {
    let detail = if check.ok { "answers" } else { "does not do what it is asked; run: yinxin doctor" };
    Check { detail: detail.into(), ..check.clone() }
}

fn device_check(device: DeviceStatus, keys: &[String]) -> Check {
    let DeviceStatus { kind, name, answer } = device;
    let keys = if keys.is_empty() { "none of an issuer yet".to_owned() } else { keys.join(", ") };
    match answer {
        Ok(about) => Check { name: kind.into(), ok: true, detail: format!("{name} answers ({about}); keys: {keys}") },
        Err(why) => Check { name: kind.into(), ok: false, detail: format!("{why}; what its keys sign waits: {keys}") },
    }
}
