//! The data directory: what lies in it, how it is made, and why it may be refused.
//!
//! [`DataDir::look`] touches nothing, so that every reason to refuse shows before anything is
//! made. A new directory is made between two marks: the file `making` comes first, `setup.toml`
//! last. A first start that died in between left `making` without `setup.toml`; nothing of it was ever
//! acknowledged to anybody, so the next start removes it and begins again.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pki_config::role::Setup;
use pki_config::{Instant, Random};
use serde::{Deserialize, Serialize};

mod error;

pub use error::DataDirError;

/// The directory when none is named.
pub const DEFAULT: &str = "yinxin-data";

/// The format of the directory this program reads and writes.
const FORMAT: u32 = 1;

/// Longest path of a Unix socket. Source: Linux unix(7), `sun_path` of 108 bytes with its end.
const LONGEST_SOCKET_PATH: usize = 107;

const SETUP: &str = "setup.toml";
const MAKING: &str = "making";
const LOCK: &str = "lock";
const CONFIG: &str = "yinxin.toml";
const DATABASE: &str = "yinxin.db";

/// What `setup.toml` says; fixed when the installation is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFile {
    /// Six hexadecimal digits, upper case: part of the names of this installation's roots.
    pub installation: String,
    /// Trial or production. Never changes.
    pub setup: Setup,
    /// When it was made.
    pub created: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupToml {
    format: u32,
    installation: String,
    setup: String,
    created: String,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or an empty directory, or what a first start that died left behind.
    Nothing,
    /// An installation of ours.
    Installation(SetupFile),
}

fn io_error(doing: impl Into<String>) -> impl FnOnce(io::Error) -> DataDirError {
    let doing = doing.into();
    move |why| DataDirError::Io { doing, why }
}

/// A data directory this process holds the lock of. The lock goes with the value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Said aloud, not left to the closing of the file: a child process being started by another thread
        // holds a copy of every open file until it has become its own program, and the lock with it.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the lock of the data directory could not be given back");
        }
    }
}

/// A data directory being made; [`finish`] makes it one.
#[derive(Debug)]
pub struct NewDataDir(DataDir);

impl DataDir {
    /// Looks at what lies at `path` and changes nothing.
    ///
    /// # Errors
    /// Every reason to refuse the directory that can be seen from outside.
    pub fn look(path: &Path) -> Result<Found, DataDirError> {
        let path = absolute(path)?;
        let socket = path.join("yinxin.sock");
        if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(DataDirError::PathTooLong { path: socket });
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().ok_or_else(|| DataDirError::NoParent(path.clone()))?;
                if !parent.is_dir() {
                    return Err(DataDirError::NoParent(path));
                }
                writable(parent)?;
                return Ok(Found::Nothing);
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Err(DataDirError::NoParent(path)),
            Err(e) => return Err(DataDirError::Unwritable { why: e.to_string(), path }),
        };
        if !metadata.is_dir() {
            return Err(DataDirError::NotADirectory(path));
        }
        let we = rustix::process::geteuid().as_raw();
        if metadata.uid() != we {
            return Err(DataDirError::OtherOwner { owner: metadata.uid(), we, path });
        }
        let mode = metadata.mode() & 0o777;
        let names = names_in(&path)?;
        let ours = names.iter().any(|n| n == SETUP || n == MAKING);
        if let Some(file) = names.iter().find(|n| !ours && *n != LOCK && *n != CONFIG) {
            return Err(DataDirError::Foreign { file: file.clone(), path });
        }
        if mode & 0o077 != 0 {
            return Err(DataDirError::Permissions { path, mode, wanted: 0o700 });
        }
        writable(&path)?;
        if !names.iter().any(|n| n == SETUP) {
            if let Some(file) = names.iter().find(|n| !made_by_a_first_start(n) && *n != CONFIG) {
                return Err(DataDirError::Foreign { file: file.clone(), path });
            }
            return Ok(Found::Nothing);
        }
        let setup = read_setup(&path)?;
        for (file, needed) in [
            (DATABASE, true),
            ("root.key", setup.setup == Setup::Trial),
            ("root.sealed", setup.setup == Setup::Production),
        ] {
            let file = path.join(file);
            match fs::metadata(&file) {
                Ok(metadata) if metadata.mode() & 0o077 != 0 => {
                    return Err(DataDirError::Permissions { path: file, mode: metadata.mode() & 0o777, wanted: 0o600 });
                }
                Ok(_) => {}
                Err(_) if needed => return Err(DataDirError::Damaged { path: file, why: "it is missing".into() }),
                Err(_) => {}
            }
        }
        Ok(Found::Installation(setup))
    }

    /// Takes the lock of the installation at `path`.
    ///
    /// # Errors
    /// As [`DataDir::look`]; [`DataDirError::Absent`], [`DataDirError::InUse`].
    pub fn open(path: &Path) -> Result<(Self, SetupFile), DataDirError> {
        let path = absolute(path)?;
        let Found::Installation(_) = Self::look(&path)? else { return Err(DataDirError::Absent(path)) };
        let lock = take_lock(&path)?;
        // Read again under the lock: what was seen before it may have been another's work in progress.
        let setup = read_setup(&path)?;
        match fs::remove_file(path.join(MAKING)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io_error("removing an old mark")(e)),
            _ => {}
        }
        Ok((Self { path, lock }, setup))
    }

    /// Begins a new installation at `path`: makes the directory, takes its lock, marks it as being
    /// made and removes what a first start that died left behind.
    ///
    /// # Errors
    /// As [`DataDir::look`]; [`DataDirError::Present`], [`DataDirError::InUse`].
    pub fn begin(path: &Path) -> Result<NewDataDir, DataDirError> {
        let path = absolute(path)?;
        if let Found::Installation(setup) = Self::look(&path)? {
            return Err(DataDirError::Present(path, setup.setup));
        }
        if !path.exists() {
            DirBuilder::new().mode(0o700).create(&path).map_err(io_error(format!("making {}", path.display())))?;
        }
        let lock = take_lock(&path)?;
        if let Found::Installation(setup) = Self::look(&path)? {
            return Err(DataDirError::Present(path, setup.setup));
        }
        for name in names_in(&path)? {
            if name == LOCK || name == MAKING || name == CONFIG || !made_by_a_first_start(&name) {
                continue;
            }
            let left = path.join(&name);
            let removed = if left.is_dir() { fs::remove_dir_all(&left) } else { fs::remove_file(&left) };
            removed.map_err(io_error(format!("removing {} of an unfinished first start", left.display())))?;
        }
        write_durably(&path.join(MAKING), b"The first start is not finished.\n", 0o600)?;
        for folder in ["roots", "crl"] {
            let folder = path.join(folder);
            DirBuilder::new().mode(0o700).create(&folder).map_err(io_error(format!("making {}", folder.display())))?;
        }
        Ok(NewDataDir(Self { path, lock }))
    }

    /// The directory, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The socket that a command line on this machine uses.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket_of(&self.path)
    }

    /// The root key of a trial.
    #[must_use]
    pub fn root_key(&self) -> PathBuf {
        self.path.join("root.key")
    }

    /// The sealed root key of a production installation.
    #[must_use]
    pub fn root_sealed(&self) -> PathBuf {
        self.path.join("root.sealed")
    }

    /// Copies of the root certificates, PEM.
    #[must_use]
    pub fn roots(&self) -> PathBuf {
        self.path.join("roots")
    }

    /// Published CRLs.
    #[must_use]
    pub fn crls(&self) -> PathBuf {
        self.path.join("crl")
    }

    /// The one-time link of the first administrator.
    #[must_use]
    pub fn admin_link(&self) -> PathBuf {
        self.path.join("admin-link.txt")
    }

    /// There while the newest full check found damage: a start then checks in full before it signs anything.
    #[must_use]
    pub fn damage_mark(&self) -> PathBuf {
        self.path.join("damage-found.txt")
    }

    /// Whose directory it is: the only user the socket serves.
    ///
    /// # Errors
    /// The directory is gone.
    pub fn owner(&self) -> Result<u32, DataDirError> {
        let metadata = fs::metadata(&self.path).map_err(io_error(format!("looking at {}", self.path.display())))?;
        Ok(metadata.uid())
    }
}

impl NewDataDir {
    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &DataDir {
        &self.0
    }

    /// Draws a name for the installation: six hexadecimal digits.
    ///
    /// # Errors
    /// [`DataDirError::Random`].
    pub fn draw_name(random: &dyn Random) -> Result<String, DataDirError> {
        let mut bytes = [0; 3];
        random.fill(&mut bytes).map_err(|_| DataDirError::Random)?;
        Ok(bytes.iter().map(|b| format!("{b:02X}")).collect())
    }

    /// The directory, still marked as being made; [`finish`] ends that.
    #[must_use]
    pub fn into_dir(self) -> DataDir {
        self.0
    }
}

/// Everything is made and durable: from now on `dir` is an installation.
///
/// # Errors
/// [`DataDirError::Io`]; then it is still an unfinished first start.
pub fn finish(dir: &DataDir, setup: &SetupFile) -> Result<(), DataDirError> {
    let text = toml::to_string(&SetupToml {
        format: FORMAT,
        installation: setup.installation.clone(),
        setup: setup.setup.as_str().to_owned(),
        created: setup.created.to_string(),
    })
    .map_err(|e| DataDirError::Io { doing: "writing setup.toml".into(), why: io::Error::other(e) })?;
    write_durably(&dir.path.join(SETUP), text.as_bytes(), 0o600)?;
    fs::remove_file(dir.path.join(MAKING)).map_err(io_error("removing the mark of the first start"))
}

/// The socket of the installation at `data`.
#[must_use]
pub fn socket_of(data: &Path) -> PathBuf {
    data.join("yinxin.sock")
}

/// The socket for fronts of the installation at `data`, unless its configuration names another.
#[must_use]
pub fn front_socket_of(data: &Path) -> PathBuf {
    data.join("front.sock")
}

/// The configuration file of the installation at `data`, if there is one.
#[must_use]
pub fn config_of(data: &Path) -> Option<PathBuf> {
    let file = data.join(CONFIG);
    file.exists().then_some(file)
}

/// Writes a file so that after a crash it is there whole or not at all: a temporary file beside
/// it, fsync, rename, fsync of the directory.
///
/// # Errors
/// [`DataDirError::Io`]; the temporary file is removed.
pub fn write_durably(file: &Path, content: &[u8], mode: u32) -> Result<(), DataDirError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = folder.join(format!(".{name}.tmp"));
    let write = || -> io::Result<()> {
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        out.write_all(content)?;
        out.sync_all()?;
        fs::rename(&temporary, file)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|why| {
        // What is left is only a temporary file; that it may stay behind changes nothing.
        let _ = fs::remove_file(&temporary);
        DataDirError::Io { doing: format!("writing {}", file.display()), why }
    })
}

fn absolute(path: &Path) -> Result<PathBuf, DataDirError> {
    std::path::absolute(path).map_err(io_error(format!("finding {}", path.display())))
}

fn names_in(path: &Path) -> Result<Vec<String>, DataDirError> {
    let unreadable = |e: io::Error| DataDirError::Unwritable { path: path.to_owned(), why: e.to_string() };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn writable(path: &Path) -> Result<(), DataDirError> {
    use rustix::fs::Access;
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK | Access::READ_OK)
        .map_err(|e| DataDirError::Unwritable { path: path.to_owned(), why: io::Error::from(e).to_string() })
}

/// Whether a first start makes files of this name; only these are ever removed.
fn made_by_a_first_start(name: &str) -> bool {
    let plain = name.strip_prefix('.').and_then(|n| n.strip_suffix(".tmp")).unwrap_or(name);
    plain.starts_with(DATABASE)
        || matches!(
            plain,
            LOCK | MAKING
                | SETUP
                | "root.key"
                | "root.sealed"
                | "root.new"
                | "yinxin.sock"
                | "front.sock"
                | "roots"
                | "crl"
                | "admin-link.txt"
        )
}

fn take_lock(path: &Path) -> Result<File, DataDirError> {
    let file = path.join(LOCK);
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&file)
        .map_err(io_error(format!("opening {}", file.display())))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(io_error(format!("locking {}", file.display()))(e)),
    }
}

fn read_setup(path: &Path) -> Result<SetupFile, DataDirError> {
    let file = path.join(SETUP);
    let damaged = |why: String| DataDirError::Damaged { path: file.clone(), why };
    let text = fs::read_to_string(&file).map_err(|e| damaged(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|_| damaged("it is not TOML".into()))?;
    let format =
        table.get("format").and_then(toml::Value::as_integer).ok_or_else(|| damaged("it names no format".into()))?;
    let format = u32::try_from(format).map_err(|_| damaged("its format is no number of ours".into()))?;
    if format > FORMAT {
        return Err(DataDirError::Newer { path: path.to_owned(), format });
    }
    let read: SetupToml = table.try_into().map_err(|e: toml::de::Error| damaged(e.message().to_owned()))?;
    let setup = match read.setup.as_str() {
        "trial" => Setup::Trial,
        "production" => Setup::Production,
        other => return Err(damaged(format!("there is no set-up \"{other}\""))),
    };
    let name_fits = read.installation.len() == 6
        && read.installation.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    if !name_fits {
        return Err(damaged("its installation name is not six hexadecimal digits".into()));
    }
    let created = read.created.parse().map_err(|_| damaged("its time does not read".into()))?;
    Ok(SetupFile { installation: read.installation, setup, created })
}

#[cfg(test)]
mod tests;
