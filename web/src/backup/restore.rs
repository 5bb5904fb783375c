//! Restores a backup into a new data directory, or refuses to.

mod check;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufReader, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_pool::RootKey;
use crypto_pool::root_key::shares::Share;
use crypto_pool::root_key::{Argon2Cost, PassphraseSeal, RootSeal as _, ShareSeal};
use ledger::Table;
use ledger::audit::Checkpoint;
use pki_config::role::Setup;
use pki_config::{Clock, Instant, Random};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::archive;
use super::chunks::ChunkReader;
use super::error::BackupError;
use super::header::ReadHeader;
use super::make::{beside, blocking};
use super::outer;
use super::slots::ContentKey;

/// Tells the next start that the directory was restored.
const MARK: &str = "restored.toml";
const SEALED: &str = "root.sealed";

/// What opens a backup.
pub enum Opener {
    /// The file `root.key` of the trial that was backed up.
    RootKeyFile(PathBuf),
    /// The passphrase given when the backup was made, or in production that of the root key.
    Passphrase(Zeroizing<String>),
    /// In production: enough shares of the root key, those that counted when the backup was made.
    Shares(Vec<Share>),
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RootKeyFile(path) => write!(f, "RootKeyFile({})", path.display()),
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Shares(shares) => write!(f, "Shares({})", shares.len()),
        }
    }
}

/// What to restore, and what the world has seen since.
pub struct RestoreOrder {
    /// The backup.
    pub file: PathBuf,
    /// The new data directory: absent, or empty.
    pub dir: PathBuf,
    /// What opens it.
    pub opener: Opener,
    /// DER of a checkpoint kept outside.
    pub expect: Option<Vec<u8>>,
    /// DER of CRLs that were published.
    pub crls: Vec<Vec<u8>>,
    /// Every table the log covers.
    pub covered: &'static [&'static Table],
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The installation's name.
    pub installation: String,
    /// Trial or production.
    pub setup: Setup,
    /// When the backup was made.
    pub created: Instant,
    /// Entries of the log.
    pub entries: u64,
    /// Whether a checkpoint from outside was compared; if not, nobody knows what is missing.
    pub compared: bool,
}

/// The mark in a restored directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoredMark {
    /// When the backup was made, RFC 3339.
    pub created: String,
    /// When it was restored, RFC 3339.
    pub restored: String,
    /// Entries the restored log held.
    pub entries: u64,
}

impl RestoredMark {
    /// What the log records of it.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let Self { created, restored, entries } = self;
        format!("backup of {created}, restored {restored}, {entries} entries").into_bytes()
    }

    /// Removes the mark, once the log holds an entry of it.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(&self, dir: &Path) -> std::io::Result<()> {
        fs::remove_file(dir.join(MARK))
    }
}

/// The mark of a directory that was restored and not started since. The start records
/// [`pki_config::Event::BackupRestored`] with its payload, then removes it.
///
/// # Errors
/// [`BackupError::Io`]; [`BackupError::Malformed`] if it does not read.
pub fn restored_mark(dir: &Path) -> Result<Option<RestoredMark>, BackupError> {
    let mut text = String::new();
    match File::open(dir.join(MARK)) {
        Ok(file) => file.take(4096).read_to_string(&mut text).map_err(BackupError::io("reading restored.toml"))?,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(BackupError::io("reading restored.toml")(why)),
    };
    toml::from_str(&text).map(Some).map_err(|_| BackupError::Malformed("restored.toml"))
}

/// Restores a backup: verifies its signature, opens it into a directory beside the new one, verifies the
/// whole log in it and compares it with what the world has seen; only then does the directory get its name.
///
/// # Errors
/// One sentence; nothing is left behind.
pub async fn restore(order: RestoreOrder) -> Result<Restored, BackupError> {
    let runtime = tokio::runtime::Handle::current();
    blocking(move || run(&order, &runtime)).await
}

/// A directory that goes when this goes, unless it was put in its place.
struct Growing(Option<PathBuf>);

impl Growing {
    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed is for its owner alone, and its name says what it is.
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn run(order: &RestoreOrder, runtime: &tokio::runtime::Handle) -> Result<Restored, BackupError> {
    let failed = |doing: &'static str| BackupError::io(doing);
    let dir = std::path::absolute(&order.dir).map_err(failed("finding the new directory"))?;
    free(&dir)?;
    let mut file = File::open(&order.file).map_err(BackupError::io(format!("opening {}", order.file.display())))?;
    let header = outer::verify(BufReader::with_capacity(1 << 20, &mut file))?;
    let expect = order.expect.as_deref().map(|der| expected(der, &header)).transpose()?;

    let growing = Growing(Some(beside(&dir, "restoring", &*order.random)?));
    DirBuilder::new().mode(0o700).create(growing.path()).map_err(failed("making the new directory"))?;
    let place = growing.path();
    if let Some(sealed) = &header.raw.root.sealed {
        write_new(&place.join(SEALED), sealed.as_bytes())?;
    }
    let opened = open(&order.opener, &header, place)?;
    file.rewind().map_err(failed("reading the backup"))?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    let again = outer::read_head(&mut file)?;
    // The same bytes as were verified: every chunk is bound to this digest.
    if again.digest != header.digest {
        return Err(BackupError::Changed);
    }
    archive::take_out(&mut ChunkReader::new(file, &opened.content, header.digest), place)?;
    settle_root_key(&opened, &header, place)?;
    check::setup(&header, place)?;
    let entries = check::log(order, &header, expect.as_ref(), place, runtime)?;

    for folder in ["crl", archive::ROOTS] {
        let folder = place.join(folder);
        if !folder.exists() {
            DirBuilder::new().mode(0o700).create(&folder).map_err(failed("making the new directory"))?;
        }
    }
    let mark = RestoredMark { created: header.raw.created.clone(), restored: order.clock.now().to_string(), entries };
    let mark = toml::to_string(&mark).map_err(|_| BackupError::Malformed("restored.toml"))?;
    write_new(&place.join(MARK), mark.as_bytes())?;
    name(growing, &dir)?;
    Ok(Restored {
        installation: header.raw.installation.clone(),
        setup: header.setup,
        created: header.created,
        entries,
        compared: expect.is_some(),
    })
}

/// Refuses a directory with anything in it.
fn free(dir: &Path) -> Result<(), BackupError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                Err(BackupError::NotEmpty(dir.to_owned()))
            } else {
                Ok(())
            }
        }
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(BackupError::io(format!("looking at {}", dir.display()))(why)),
    }
}

fn expected(der: &[u8], header: &ReadHeader) -> Result<Checkpoint, BackupError> {
    let checkpoint = Checkpoint::from_der(der).map_err(|_| BackupError::ExpectMalformed)?;
    let genuine = crypto_pool::checkpoint::verify(&checkpoint, &header.raw.log_key.0);
    if genuine { Ok(checkpoint) } else { Err(BackupError::ExpectOtherLog) }
}

/// The content key, and the trial's root key where the opener gave it.
struct Opened {
    content: ContentKey,
    root_key: Option<Zeroizing<String>>,
}

fn open(opener: &Opener, header: &ReadHeader, place: &Path) -> Result<Opened, BackupError> {
    let raw = &header.raw;
    match opener {
        Opener::RootKeyFile(path) => {
            let text = read_secret(path)?;
            let root = root_key(&text).ok_or(BackupError::DoesNotOpen)?;
            Ok(Opened { content: raw.root.open(&root, &raw.installation)?, root_key: Some(text) })
        }
        Opener::Passphrase(passphrase) => {
            let content = match &raw.passphrase {
                Some(slot) => slot.open(passphrase, &raw.installation),
                None => Err(BackupError::DoesNotOpen),
            };
            let content = match content {
                // In production the passphrase of the root key opens every backup, whatever its own one is.
                Err(BackupError::DoesNotOpen) if raw.root.sealed.is_some() => {
                    let seal = PassphraseSeal::new(place, passphrase.clone(), Argon2Cost::default());
                    let root = seal.open().map_err(|_| BackupError::DoesNotOpen)?;
                    raw.root.open(&root, &raw.installation)
                }
                other => other,
            };
            Ok(Opened { content: content?, root_key: None })
        }
        Opener::Shares(shares) => {
            let file = raw.root.sealed.as_ref().and_then(|_| ShareSeal::new(place).read().ok());
            let root = file.ok_or(BackupError::DoesNotOpen)?.open(shares)?;
            Ok(Opened { content: raw.root.open(&root, &raw.installation)?, root_key: None })
        }
    }
}

/// 64 hexadecimal digits, as in `root.key`; the newest root key is on the first line.
fn root_key(text: &str) -> Option<RootKey> {
    let digits = text.lines().next()?.trim_end().as_bytes();
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    for pair in digits.chunks(2) {
        let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
    }
    RootKey::from_bytes(bytes)
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, BackupError> {
    let failed = |why| BackupError::Io { doing: format!("reading {}", path.display()), why };
    // Room from the start: a growing text would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    File::open(path).map_err(failed)?.take(4096).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Sees to it that the root key of the new directory is there and is that of the backup.
fn settle_root_key(opened: &Opened, header: &ReadHeader, place: &Path) -> Result<(), BackupError> {
    let file = place.join(archive::ROOT_KEY);
    match header.setup {
        Setup::Production if file.exists() => Err(BackupError::Malformed("a production backup holds root.key")),
        Setup::Production if header.raw.root.sealed.is_none() => Err(BackupError::Malformed("root.sealed is missing")),
        Setup::Production => Ok(()),
        Setup::Trial if header.raw.root.sealed.is_some() => Err(BackupError::Malformed("a trial has root.sealed")),
        Setup::Trial => {
            if !file.exists() {
                let given = opened.root_key.as_ref().ok_or(BackupError::RootKeyMissing)?;
                write_new(&file, given.as_bytes())?;
            }
            let root = root_key(&read_secret(&file)?).ok_or(BackupError::Malformed("root.key"))?;
            header.raw.root.open(&root, &header.raw.installation).map(drop)
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let failed = |why| BackupError::Io { doing: format!("writing {}", path.display()), why };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// Gives the directory its name. Durable afterwards.
fn name(mut growing: Growing, dir: &Path) -> Result<(), BackupError> {
    let failed = |doing: &'static str| BackupError::io(doing);
    let sync = |path: &Path| File::open(path).and_then(|dir| dir.sync_all());
    for folder in [growing.path().join("crl"), growing.path().join(archive::ROOTS), growing.path().to_owned()] {
        sync(&folder).map_err(failed("writing the new directory"))?;
    }
    // Takes the place of an empty directory, of nothing else.
    fs::rename(growing.path(), dir).map_err(|why| match why.kind() {
        std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::NotADirectory => {
            BackupError::NotEmpty(dir.to_owned())
        }
        _ => failed("naming the new directory")(why),
    })?;
    growing.0 = None;
    sync(dir.parent().unwrap_or(Path::new("/"))).map_err(failed("naming the new directory"))
}
