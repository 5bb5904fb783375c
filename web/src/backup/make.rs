//! Makes a backup of a running installation.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_pool::root_key::Argon2Cost;
use crypto_pool::{KeyRecord, PoolHandle, Record, RootKey, SignRequest, ToSign};
use ledger::audit::Checkpoint;
use ledger::{Db, Importance, Outcome};
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Event, Instant, IssuerId, Random};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use super::archive;
use super::chunks::ChunkWriter;
use super::error::BackupError;
use super::header::{Base64, Header, HeaderIssuer};
use super::outer::{self, Counted};
use super::slots::{self, PassphraseSlot, RootSlot};
use crate::api::BackupInfo;
use crate::data_dir::SetupFile;

/// What a backup is made of.
#[derive(Clone)]
pub struct Source {
    /// The database.
    pub db: Db,
    /// The pool, which signs the manifest and knows the root key.
    pub pool: PoolHandle,
    /// The log's key.
    pub log_key: KeyRecord,
    /// A checkpoint from just now.
    pub checkpoint: Checkpoint,
    /// Every issuer's word and the DER of its certificate.
    pub issuers: Vec<(IssuerId, Vec<u8>)>,
    /// The data directory.
    pub dir: PathBuf,
    /// What the installation is.
    pub setup: SetupFile,
    /// Now.
    pub now: Instant,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What one guess at the backup's passphrase shall cost.
    pub cost: Argon2Cost,
}

/// A file that goes when this goes, unless it was put in its place.
struct Temporary(Option<PathBuf>);

impl Temporary {
    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    /// Gives the file its name, which must be free. Durable afterwards.
    fn place(mut self, name: &Path) -> Result<(), BackupError> {
        match renameat_with(CWD, self.path(), CWD, name, RenameFlags::NOREPLACE) {
            Ok(()) => self.0 = None,
            Err(rustix::io::Errno::EXIST) => return Err(BackupError::Exists(name.to_owned())),
            // A file system without this kind of rename: the check at the start must do.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !name.exists() => {
                fs::rename(self.path(), name).map_err(BackupError::io("naming the backup"))?;
                self.0 = None;
            }
            Err(why) => return Err(BackupError::io("naming the backup")(why.into())),
        }
        let folder = folder_of(name);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::io("naming the backup"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed is for its owner alone, and a backup that is not named is none.
            let _ = fs::remove_file(path);
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new name beside `file` that nobody else uses.
pub(super) fn beside(file: &Path, what: &str, random: &dyn Random) -> Result<PathBuf, BackupError> {
    let mut bytes = [0; 4];
    random.fill(&mut bytes)?;
    let mut name = file.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(format!(".{what}-"));
    name.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    Ok(folder_of(file).join(name))
}

/// Makes a backup in a new file, for its owner alone. With a `passphrase`, that opens it too; the root
/// key always does.
///
/// # Errors
/// One sentence; no file is left behind. [`BackupError::Pool`] with `Sealed` while the root key is sealed.
pub async fn make_file(
    source: Source,
    by: &Authorized,
    file: &Path,
    passphrase: Option<Zeroizing<String>>,
) -> Result<BackupInfo, BackupError> {
    if by.permission() != Permission::Backup {
        return Err(BackupError::Forbidden);
    }
    if let Some(passphrase) = &passphrase {
        slots::check_passphrase(passphrase)?;
    }
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    // A trial's root key goes in only with a passphrase of its own.
    let complete = source.setup.setup == Setup::Production || passphrase.is_some();
    let root = source.pool.kms().root().get()?;
    let (pool, log_key, name) = (source.pool.clone(), source.log_key.id, file.to_owned());
    let body = &source.checkpoint.body;
    let (entries, head) = (body.size, body.root.iter().map(|byte| format!("{byte:02x}")).collect());

    let written = blocking(move || write(&source, &root, passphrase.as_ref(), &name)).await?;
    let manifest = written.manifest.clone();
    let sign = SignRequest {
        key: log_key,
        to_sign: ToSign::BackupManifest(manifest.clone()),
        actor: by.actor().clone(),
        ceremony: None,
        importance: Importance::Normal,
    };
    // Logged before the file has its name: an entry without a file harms nobody, a file without an entry would.
    let signature = pool
        .sign(sign, move |_, signed| {
            let record = Record {
                event: Event::BackupMade,
                object: "backup".to_owned(),
                outcome: Outcome::Done,
                payload: manifest,
                covers: Vec::new(),
            };
            Ok::<_, crypto_pool::Error>((record, signed.signature.clone()))
        })
        .await?;
    let name = file.to_owned();
    let size = blocking(move || written.finish(&signature, &name)).await?;
    Ok(BackupInfo { file: file.display().to_string(), size, entries, root: head, complete })
}

/// Runs what waits for the disk, off the executor.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|why| Err(BackupError::io("the backup stopped")(io::Error::other(why))))
}

/// A backup that lacks its signature and its name.
struct Written {
    file: File,
    temporary: Temporary,
    manifest: Vec<u8>,
}

impl Written {
    fn finish(self, signature: &[u8], name: &Path) -> Result<u64, BackupError> {
        let Self { mut file, temporary, manifest } = self;
        let mut end = || {
            outer::write_tail(&mut file, &manifest, signature)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        let size = end().map_err(BackupError::io("writing the backup"))?;
        temporary.place(name)?;
        Ok(size)
    }
}

fn write(
    source: &Source,
    root: &RootKey,
    passphrase: Option<&Zeroizing<String>>,
    name: &Path,
) -> Result<Written, BackupError> {
    let failed = |doing: &'static str| BackupError::io(doing);
    let random = &*source.random;
    let SetupFile { installation, setup, .. } = &source.setup;
    let sealed = match setup {
        Setup::Production => {
            let text = fs::read_to_string(source.dir.join("root.sealed"));
            Some(text.map_err(failed("reading root.sealed"))?)
        }
        Setup::Trial => None,
    };
    let key = slots::draw(random)?;
    let with_passphrase =
        |text: &Zeroizing<String>| PassphraseSlot::make(&key, text, source.cost, installation, random);
    let issuers = source.issuers.iter().map(|(issuer, certificate)| HeaderIssuer {
        issuer: issuer.to_string(),
        certificate: Base64(certificate.clone()),
    });
    let header = Header {
        installation: installation.clone(),
        setup: setup.as_str().to_owned(),
        created: source.now.to_string(),
        checkpoint: Base64(source.checkpoint.to_der()),
        log_key: Base64(source.log_key.spki.clone()),
        issuers: issuers.collect(),
        root: RootSlot::make(&key, root, sealed, installation, random)?,
        passphrase: passphrase.map(with_passphrase).transpose()?,
    };
    let head = header.to_bytes()?;

    // The copy lies in the data directory, where its keys are as safe as the original's.
    let copy = Temporary(Some(beside(&source.dir.join(archive::DATABASE), "copy", random)?));
    source.db.copy_to(copy.path())?;

    let path = beside(name, "part", random)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let file = file.map_err(BackupError::io(format!("writing {}", name.display())))?;
    let temporary = Temporary(Some(path));
    let mut out = Counted::new(BufWriter::new(file));
    outer::write_head(&mut out, &head).map_err(failed("writing the backup"))?;
    let mut content = ChunkWriter::new(out, &key, engine::sm3::hash(&head));
    archive::put(&mut content, archive::SETUP, &source.dir.join(archive::SETUP))?;
    if let Some(config) = crate::data_dir::config_of(&source.dir) {
        archive::put(&mut content, archive::CONFIG, &config)?;
    }
    for (name, file) in archive::roots_in(&source.dir)? {
        archive::put(&mut content, &name, &file)?;
    }
    if *setup == Setup::Trial && passphrase.is_some() {
        archive::put(&mut content, archive::ROOT_KEY, &source.dir.join(archive::ROOT_KEY))?;
    }
    archive::put(&mut content, archive::DATABASE, copy.path())?;
    archive::end(&mut content).map_err(failed("writing the backup"))?;
    let mut out = content.finish().map_err(failed("writing the backup"))?;
    out.flush().map_err(failed("writing the backup"))?;
    let (digest, size) = out.so_far();
    let file = out.into_inner().into_inner().map_err(|why| failed("writing the backup")(why.into_error()))?;
    Ok(Written { file, temporary, manifest: outer::manifest(&header, &digest, size) })
}
