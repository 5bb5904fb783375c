//! The slots of the content key: one under the root key, one under a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use crypto_pool::RootKey;
use crypto_pool::root_key::Argon2Cost;
use engine::sm4::Gcm;
use pki_config::Random;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::BackupError;
use super::header::Base64;

/// The key that everything in a backup is sealed under. Wiped on drop.
pub(super) type ContentKey = Zeroizing<[u8; 16]>;

/// Shortest passphrase. Unit: characters.
const SHORTEST: usize = 12;
/// For which use keys are derived from the root key.
const LABEL: &str = "content key of backups";

/// The content key under the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RootSlot {
    nonce: Base64,
    wrapped: Base64,
    /// In production: the text of `root.sealed`, so that its passphrase can open the backup anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<String>,
}

/// The content key under a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassphraseSlot {
    salt: Base64,
    cost: Argon2Cost,
    nonce: Base64,
    wrapped: Base64,
}

pub(super) fn draw(random: &dyn Random) -> Result<ContentKey, BackupError> {
    let mut key = Zeroizing::new([0; 16]);
    random.fill(&mut *key)?;
    Ok(key)
}

/// What a slot's text is bound to.
fn aad(kind: &str, installation: &str) -> Vec<u8> {
    format!("yinxin backup, version 1, {kind}, {installation}").into_bytes()
}

fn wrap(key: &ContentKey, under: &[u8; 16], aad: &[u8], random: &dyn Random) -> Result<(Base64, Base64), BackupError> {
    let mut nonce = [0; 12];
    random.fill(&mut nonce)?;
    Ok((Base64(nonce.to_vec()), Base64(Gcm::new(under).seal(&nonce, aad, &**key))))
}

fn unwrap(nonce: &Base64, wrapped: &Base64, under: &[u8; 16], aad: &[u8]) -> Result<ContentKey, BackupError> {
    let nonce: &[u8; 12] = nonce.0.as_slice().try_into().map_err(|_| BackupError::Malformed("a key slot"))?;
    let opened = Gcm::new(under).open(nonce, aad, &wrapped.0).map_err(|_| BackupError::DoesNotOpen)?;
    let mut key = Zeroizing::new([0; 16]);
    if opened.len() != key.len() {
        return Err(BackupError::Malformed("a key slot"));
    }
    key.copy_from_slice(&opened);
    Ok(key)
}

impl RootSlot {
    pub(super) fn make(
        key: &ContentKey,
        root: &RootKey,
        sealed: Option<String>,
        installation: &str,
        random: &dyn Random,
    ) -> Result<Self, BackupError> {
        let (nonce, wrapped) = wrap(key, &root.derive::<16>(LABEL), &aad("root key", installation), random)?;
        Ok(Self { nonce, wrapped, sealed })
    }

    pub(super) fn open(&self, root: &RootKey, installation: &str) -> Result<ContentKey, BackupError> {
        unwrap(&self.nonce, &self.wrapped, &root.derive::<16>(LABEL), &aad("root key", installation))
    }
}

impl PassphraseSlot {
    pub(super) fn make(
        key: &ContentKey,
        passphrase: &str,
        cost: Argon2Cost,
        installation: &str,
        random: &dyn Random,
    ) -> Result<Self, BackupError> {
        check_passphrase(passphrase)?;
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        let under = stretched(passphrase, &salt, cost)?;
        let (nonce, wrapped) = wrap(key, &under, &aad("passphrase", installation), random)?;
        Ok(Self { salt: Base64(salt.to_vec()), cost, nonce, wrapped })
    }

    pub(super) fn open(&self, passphrase: &str, installation: &str) -> Result<ContentKey, BackupError> {
        if self.salt.0.len() != 16 {
            return Err(BackupError::Malformed("a key slot"));
        }
        let under = stretched(passphrase, &self.salt.0, self.cost)?;
        unwrap(&self.nonce, &self.wrapped, &under, &aad("passphrase", installation))
    }
}

/// Refuses a passphrase that is too short to protect anything.
pub(super) fn check_passphrase(passphrase: &str) -> Result<(), BackupError> {
    if passphrase.chars().count() < SHORTEST { Err(BackupError::PassphraseShort) } else { Ok(()) }
}

/// Argon2id. The bounds keep a forged file from taking all memory, and a weak setting from being made.
fn stretched(passphrase: &str, salt: &[u8], cost: Argon2Cost) -> Result<Zeroizing<[u8; 16]>, BackupError> {
    let fits = (8_192..=1_048_576).contains(&cost.memory_kib)
        && (1..=32).contains(&cost.passes)
        && (1..=16).contains(&cost.lanes);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(16)).ok().filter(|_| fits);
    let mut key = Zeroizing::new([0; 16]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.ok_or(BackupError::Cost)?)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(|_| BackupError::Cost)?;
    Ok(key)
}
