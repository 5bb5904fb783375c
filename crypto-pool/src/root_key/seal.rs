//! What opens the root key after a restart: a file (trial), a passphrase. Shares are in `share_seal.rs`.

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use engine::sm4::Gcm;
use pki_config::Random;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::file::{SEALED, read_private, replace, unusable, write_once};
use super::{RootKey, previous};
use crate::error::Error;
use crate::hex;

/// Opens the root key, and makes it once.
pub trait RootSeal: Send + Sync {
    /// Makes and seals a new root key; durable when it returns. Never replaces one that is there.
    ///
    /// # Errors
    /// [`Error::RootKeyFile`] if there is one already or it cannot be written; [`Error::Random`].
    fn make(&self, random: &dyn Random) -> Result<RootKey, Error>;

    /// Opens the sealed root key.
    ///
    /// # Errors
    /// [`Error::UnsealFailed`] with what it was given, [`Error::RootKeyFile`] if the file is unusable.
    fn open(&self) -> Result<RootKey, Error>;
}

/// **Trial only**: the root key in clear in `DIR/root.key`, mode 0600, 64 hexadecimal digits. While it is being
/// replaced, a second line holds the one before it.
#[derive(Debug)]
pub struct FileSeal {
    path: PathBuf,
}

impl FileSeal {
    /// The seal of this data directory.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("root.key") }
    }

    /// Whether this data directory has its root key in a file.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        dir.join("root.key").exists()
    }
}

impl RootSeal for FileSeal {
    fn make(&self, random: &dyn Random) -> Result<RootKey, Error> {
        let root = RootKey::draw(random)?;
        write_once(&self.path, clear(&root).as_bytes())?;
        Ok(root)
    }

    fn open(&self) -> Result<RootKey, Error> {
        let text = read_private(&self.path)?;
        let mut keys = text.trim_end().lines().map(|line| {
            let bytes = hex::read(line).map(Zeroizing::new);
            bytes
                .and_then(RootKey::from_bytes)
                .ok_or_else(|| unusable(&self.path, "it must hold 64 hexadecimal digits"))
        });
        let newest = keys.next().ok_or_else(|| unusable(&self.path, "it is empty"))??;
        let before = keys.next().transpose()?;
        if keys.next().is_some() {
            return Err(unusable(&self.path, "it must hold 64 hexadecimal digits"));
        }
        Ok(match before {
            Some(before) => newest.in_place_of(&before),
            None => newest,
        })
    }
}

impl FileSeal {
    /// Writes another root key, with the one before it if it carries one, in place of what is there: whole or not at
    /// all.
    ///
    /// # Errors
    /// [`Error::RootKeyFile`]; the file is as it was.
    pub fn replace(&self, root: &RootKey) -> Result<(), Error> {
        replace(&self.path, clear(root).as_bytes())
    }
}

/// The digits of a root key and, on a line of its own, of the one before it.
fn clear(root: &RootKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * 65));
    for key in [Some(root), root.previous()].into_iter().flatten() {
        hex::write(key.as_bytes(), &mut text);
        text.push('\n');
    }
    text
}

/// What one guess at the passphrase costs (Argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Cost {
    /// Memory. Unit: KiB, 8,192 to 1,048,576. Default 65,536.
    pub memory_kib: u32,
    /// Passes over it, 1 to 32. Default 3.
    pub passes: u32,
    /// Lanes, 1 to 16. Default 1.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 1 }
    }
}

impl Argon2Cost {
    /// Within bounds: a weak setting is refused, and so is a file that would take all memory.
    fn checked(self) -> Option<Params> {
        let fits = (8_192..=1_048_576).contains(&self.memory_kib)
            && (1..=32).contains(&self.passes)
            && (1..=16).contains(&self.lanes);
        fits.then(|| Params::new(self.memory_kib, self.passes, self.lanes, Some(16)).ok()).flatten()
    }
}

/// The root key wrapped under a passphrase in `DIR/root.sealed`.
pub struct PassphraseSeal {
    path: PathBuf,
    passphrase: Zeroizing<String>,
    cost: Argon2Cost,
}

impl std::fmt::Debug for PassphraseSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PassphraseSeal({})", self.path.display())
    }
}

/// The file: TOML, every byte string in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedFile {
    version: u32,
    salt: String,
    cost: Argon2Cost,
    nonce: String,
    /// SM4-GCM of the root key under the key that Argon2id gives.
    wrapped: String,
    /// A key derived from the root key for nothing else: binds the file to one root key.
    check: String,
    /// The root key before, under this one, while it is being replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

const VERSION: u32 = 1;
const AAD: &[u8] = b"yinxin root key, version 1";
pub(super) const CHECK: &str = "check value of the root key";
/// Shortest passphrase. Unit: characters.
const SHORTEST: usize = 12;

impl PassphraseSeal {
    /// The seal of this data directory, to be opened with `passphrase`. `cost` counts when it is made;
    /// afterwards the file says it.
    #[must_use]
    pub fn new(dir: &Path, passphrase: Zeroizing<String>, cost: Argon2Cost) -> Self {
        Self { path: dir.join(SEALED), passphrase, cost }
    }

    /// Whether this data directory is sealed by a passphrase.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        dir.join(SEALED).exists()
    }

    fn key(&self, salt: &[u8], cost: Argon2Cost) -> Result<Zeroizing<[u8; 16]>, Error> {
        let params = cost.checked().ok_or_else(|| unusable(&self.path, "the cost of Argon2id is out of range"))?;
        let mut key = Zeroizing::new([0; 16]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.passphrase.as_bytes(), salt, &mut *key)
            .map_err(|why| unusable(&self.path, why))?;
        Ok(key)
    }
}

impl RootSeal for PassphraseSeal {
    fn make(&self, random: &dyn Random) -> Result<RootKey, Error> {
        let root = RootKey::draw(random)?;
        write_once(&self.path, self.text(&root, random)?.as_bytes())?;
        Ok(root)
    }

    fn open(&self) -> Result<RootKey, Error> {
        let text = read_private(&self.path)?;
        let file: SealedFile = toml::from_str(&text).map_err(|why| unusable(&self.path, why))?;
        let malformed = || unusable(&self.path, "a field is malformed");
        if file.version != VERSION {
            return Err(unusable(&self.path, "its version is not known"));
        }
        let salt = hex::read(&file.salt).filter(|salt| salt.len() == 16).ok_or_else(malformed)?;
        let nonce: [u8; 12] = hex::read(&file.nonce).and_then(|n| n.try_into().ok()).ok_or_else(malformed)?;
        let wrapped = hex::read(&file.wrapped).ok_or_else(malformed)?;
        let check = hex::read(&file.check).ok_or_else(malformed)?;
        let key = self.key(&salt, file.cost)?;
        let root = Gcm::new(&key).open(&nonce, AAD, &wrapped).ok().and_then(RootKey::from_bytes);
        let root = root.filter(|root| bool::from(root.derive::<16>(CHECK)[..].ct_eq(&check)));
        previous::unwrap(root.ok_or(Error::UnsealFailed)?, file.previous.as_deref()).ok_or_else(malformed)
    }
}

impl PassphraseSeal {
    /// The text of a `root.sealed` that this passphrase opens and that holds `root`.
    ///
    /// # Errors
    /// [`Error::PassphraseShort`]; [`Error::Random`]; [`Error::RootKeyFile`] for a cost out of range.
    pub fn text(&self, root: &RootKey, random: &dyn Random) -> Result<String, Error> {
        if self.passphrase.chars().count() < SHORTEST {
            return Err(Error::PassphraseShort);
        }
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        random.fill(&mut salt)?;
        random.fill(&mut nonce)?;
        let wrapped = Gcm::new(&*self.key(&salt, self.cost)?).seal(&nonce, AAD, root.as_bytes());
        let file = SealedFile {
            version: VERSION,
            salt: hex::of(&salt),
            cost: self.cost,
            nonce: hex::of(&nonce),
            wrapped: hex::of(&wrapped),
            check: hex::of(&*root.derive::<16>(CHECK)),
            previous: previous::wrap(root, random)?,
        };
        toml::to_string(&file).map_err(|why| unusable(&self.path, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8_192, passes: 1, lanes: 1 };

    fn passphrase(dir: &Path, text: &str) -> PassphraseSeal {
        PassphraseSeal::new(dir, Zeroizing::new(text.to_owned()), CHEAP)
    }

    #[test]
    fn a_root_key_made_by_either_seal_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let random = SeededRandom::new(1);
        for seal in [&FileSeal::new(dir.path()) as &dyn RootSeal, &passphrase(dir.path(), "correct horse battery")] {
            let made = seal.make(&random).unwrap();
            assert_eq!(made.as_bytes(), seal.open().unwrap().as_bytes());
        }
        for name in ["root.key", "root.sealed"] {
            assert_eq!(fs::metadata(dir.path().join(name)).unwrap().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_wrong_passphrase_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        passphrase(dir.path(), "correct horse battery").make(&SeededRandom::new(1)).unwrap();
        let error = passphrase(dir.path(), "correct horse batterz").open().unwrap_err();
        assert_eq!(error.code(), pki_config::ErrorCode::UnsealFailed);
    }

    #[test]
    fn the_sealed_file_does_not_hold_the_root_key() {
        let dir = tempfile::tempdir().unwrap();
        let root = passphrase(dir.path(), "correct horse battery").make(&SeededRandom::new(1)).unwrap();
        let text = fs::read_to_string(dir.path().join("root.sealed")).unwrap();
        assert!(!text.contains(&hex::of(root.as_bytes())[..16]));
    }

    #[test]
    fn a_root_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let seal = FileSeal::new(dir.path());
        let made = seal.make(&SeededRandom::new(1)).unwrap();
        assert!(matches!(seal.make(&SeededRandom::new(2)), Err(Error::RootKeyFile { .. })));
        assert_eq!(seal.open().unwrap().as_bytes(), made.as_bytes());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let seal = FileSeal::new(dir.path());
        seal.make(&SeededRandom::new(1)).unwrap();
        fs::set_permissions(dir.path().join("root.key"), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(seal.open(), Err(Error::RootKeyFile { .. })));
    }

    #[test]
    fn a_short_passphrase_and_a_cheap_cost_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            passphrase(dir.path(), "elevenchars").make(&SeededRandom::new(1)),
            Err(Error::PassphraseShort)
        ));
        let cost = Argon2Cost { memory_kib: 8_191, ..CHEAP };
        let seal = PassphraseSeal::new(dir.path(), Zeroizing::new("correct horse battery".into()), cost);
        assert!(matches!(seal.make(&SeededRandom::new(1)), Err(Error::RootKeyFile { .. })));
    }

    #[test]
    fn a_changed_field_of_the_sealed_file_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let seal = passphrase(dir.path(), "correct horse battery");
        seal.make(&SeededRandom::new(1)).unwrap();
        let path = dir.path().join("root.sealed");
        let text = fs::read_to_string(&path).unwrap();
        for field in ["salt", "nonce", "wrapped", "check"] {
            let at = text.find(&format!("{field} = \"")).unwrap() + field.len() + 4;
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            fs::write(&path, changed).unwrap();
            assert!(matches!(seal.open(), Err(Error::UnsealFailed)), "{field}");
        }
    }
}
