//! The data directory: what lies in it, how it is made, and why it may be refused.
//!
//! [`DataDir::look`] touches nothing, so that every reason to refuse shows before anything is
//! made. A new directory is made between two marks: the file `making` comes first, `setup.toml`
//! last. A first start that died in between left `making` without `setup.toml`; nothing of it was ever
//! acknowledged to anybody, so the next start removes it and begins again.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pki_config::role::Setup;
use pki_config::{Instant, Random};
use serde::{Deserialize, Serialize};

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

/// Why a data directory is refused. Nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataDirError {
    /// The path is something else. Operator's fault.
    NotADirectory(PathBuf),
    /// The directory it would lie in does not exist.
    NoParent(PathBuf),
    /// It holds files of somebody else.
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the files.
        file: String,
    },
    /// It belongs to another user.
    OtherOwner {
        /// The directory or file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        we: u32,
    },
    /// Others may read or write it.
    Permissions {
        /// The directory or file.
        path: PathBuf,
        /// What it has.
        mode: u32,
        /// What it must have.
        wanted: u32,
    },
    /// It cannot be written.
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A newer program made it.
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A file of ours is missing or does not read.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The path of the socket would be too long for the system.
    PathTooLong {
        /// The socket's path.
        path: PathBuf,
    },
    /// Another process works with it.
    InUse(PathBuf),
    /// There is no installation here, and the command needs one.
    Absent(PathBuf),
    /// There is an installation here, and the command would make one.
    Present(PathBuf, Setup),
    /// The random source failed.
    Random,
    /// The system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        why: io::Error,
    },
}

impl fmt::Display for DataDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADirectory(path) => {
                write!(f, "{} is not a directory; name another one with --data", path.display())
            }
            Self::NoParent(path) => {
                write!(
                    f,
                    "{} cannot be made: the directory it would lie in does not exist; make that first",
                    path.display()
                )
            }
            Self::Foreign { path, file } => write!(
                f,
                "{} holds files that are not Yinxin's (such as {file}); name an empty or new directory with --data",
                path.display()
            ),
            Self::OtherOwner { path, owner, we } => write!(
                f,
                "{} belongs to user {owner}, and this program runs as user {we}; run it as its owner or name another directory with --data",
                path.display()
            ),
            Self::Permissions { path, mode, wanted } => write!(
                f,
                "{} can be reached by other users (mode {mode:03o}); run: chmod {wanted:03o} {}",
                path.display(),
                path.display()
            ),
            Self::Unwritable { path, why } => {
                write!(
                    f,
                    "{} cannot be written ({why}); mend that or name another directory with --data",
                    path.display()
                )
            }
            Self::Newer { path, format } => write!(
                f,
                "{} was made by a newer Yinxin (format {format}, this one reads up to {FORMAT}); use that version",
                path.display()
            ),
            Self::Damaged { path, why } => {
                write!(
                    f,
                    "{} is damaged: {why}; restore a backup into a new directory with: yinxin restore",
                    path.display()
                )
            }
            Self::PathTooLong { path } => write!(
                f,
                "the path {} has {} bytes, and the system takes {LONGEST_SOCKET_PATH} for a socket; name a shorter directory with --data",
                path.display(),
                path.as_os_str().len()
            ),
            Self::InUse(path) => {
                write!(
                    f,
                    "another yinxin process works with {}; stop it first or name another directory with --data",
                    path.display()
                )
            }
            Self::Absent(path) => {
                write!(f, "there is no installation in {}; make one with: yinxin up", path.display())
            }
            Self::Present(path, setup) => write!(
                f,
                "{} holds a {} installation already; name a new directory with --data",
                path.display(),
                setup.as_str()
            ),
            Self::Random => f.write_str("the random source failed its health test; nothing was made"),
            Self::Io { doing, why } => write!(f, "{doing}: {why}"),
        }
    }
}

impl std::error::Error for DataDirError {}

fn io_error(doing: impl Into<String>) -> impl FnOnce(io::Error) -> DataDirError {
    let doing = doing.into();
    move |why| DataDirError::Io { doing, why }
}

/// A data directory this process holds the lock of. The lock goes with the value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
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
        Ok((Self { path, _lock: lock }, setup))
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
        Ok(NewDataDir(Self { path, _lock: lock }))
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
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn setup() -> SetupFile {
        SetupFile {
            installation: "7F3A9C".into(),
            setup: Setup::Trial,
            created: Instant::from_unix_seconds(1_800_000_000).unwrap(),
        }
    }

    fn made(path: &Path) -> DataDir {
        let new = DataDir::begin(path).unwrap();
        write_durably(&new.dir().database(), b"db", 0o600).unwrap();
        write_durably(&new.dir().root_key(), b"key", 0o600).unwrap();
        finish(new.dir(), &setup()).unwrap();
        new.into_dir()
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Names, modes and contents of everything under a path.
    fn everything(path: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut all = vec![(path.to_owned(), fs::metadata(path).map_or(0, |m| m.mode()), vec![])];
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                all.extend(everything(&entry.unwrap().path()));
            }
        } else {
            all[0].2 = fs::read(path).unwrap_or_default();
        }
        all.sort();
        all
    }

    fn refused(path: &Path) -> String {
        let parent = path.parent().unwrap();
        let before = everything(parent);
        let error = DataDir::begin(path).expect_err("should be refused").to_string();
        assert_eq!(everything(parent), before, "something was touched");
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
        error
    }

    #[test]
    fn a_new_directory_is_for_its_owner_alone_and_opens_again() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(made(&path));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let (_dir, read) = DataDir::open(&path).unwrap();
        assert_eq!(read, setup());
    }

    #[test]
    fn an_empty_directory_and_one_with_only_a_configuration_are_taken() {
        let temp = tempfile::tempdir().unwrap();
        chmod(temp.path(), 0o700);
        fs::write(temp.path().join("yinxin.toml"), "").unwrap();
        drop(made(temp.path()));
        assert!(temp.path().join("yinxin.toml").exists());
    }

    #[test]
    fn a_file_in_the_way_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::write(&path, "x").unwrap();
        assert!(refused(&path).contains("not a directory"));
    }

    #[test]
    fn a_directory_with_other_files_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::create_dir(&path).unwrap();
        chmod(&path, 0o700);
        fs::write(path.join("thesis.txt"), "x").unwrap();
        assert!(refused(&path).contains("thesis.txt"));
    }

    #[test]
    fn a_directory_others_can_read_is_refused_with_the_command_that_mends_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::create_dir(&path).unwrap();
        chmod(&path, 0o755);
        assert!(refused(&path).contains(&format!("chmod 700 {}", path.display())));
    }

    #[test]
    fn a_database_others_can_read_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(made(&path));
        chmod(&path.join("yinxin.db"), 0o644);
        assert!(DataDir::look(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_directory_in_a_missing_place_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        assert!(refused(&temp.path().join("a/b")).contains("does not exist") || temp.path().join("a").exists());
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("d".repeat(100));
        assert!(refused(&path).contains("107"));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(made(&path));
        fs::write(path.join("setup.toml"), "format = 2\nshares = 5\n").unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Newer { format: 2, .. })));
    }

    #[test]
    fn a_damaged_set_up_or_a_missing_file_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(made(&path));
        for text in [
            "",
            "format = 1\n",
            "format = -1\n",
            "\0",
            "format = 1\ninstallation = \"x\"\nsetup = \"trial\"\ncreated = \"2026-01-01T00:00:00Z\"\n",
        ] {
            let good = fs::read(path.join("setup.toml")).unwrap();
            fs::write(path.join("setup.toml"), text).unwrap();
            assert!(matches!(DataDir::open(&path), Err(DataDirError::Damaged { .. })), "{text}");
            fs::write(path.join("setup.toml"), good).unwrap();
        }
        fs::remove_file(path.join("root.key")).unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Damaged { .. })));
    }

    #[test]
    fn a_second_process_is_refused_while_the_first_runs() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        let first = made(&path);
        assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse(_))));
        drop(first);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn an_installation_is_never_made_over_another() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(made(&path));
        assert!(refused(&path).contains("holds a trial installation"));
    }

    #[test]
    fn a_first_start_that_died_is_begun_again_at_any_point() {
        for died_after in 0..4 {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("data");
            let new = DataDir::begin(&path).unwrap();
            if died_after > 0 {
                fs::write(path.join("yinxin.db"), "half").unwrap();
                fs::write(path.join("yinxin.db-wal"), "half").unwrap();
            }
            if died_after > 1 {
                fs::write(path.join("root.key"), "half").unwrap();
                fs::write(path.join("roots/sm2-root.pem"), "half").unwrap();
            }
            if died_after > 2 {
                fs::write(path.join(".setup.toml.tmp"), "half").unwrap();
            }
            drop(new);
            assert!(matches!(DataDir::look(&path), Ok(Found::Nothing)));
            drop(made(&path));
            assert_eq!(fs::read(path.join("yinxin.db")).unwrap(), b"db");
            assert!(!path.join("yinxin.db-wal").exists() && !path.join("roots/sm2-root.pem").exists());
            assert!(DataDir::open(&path).is_ok());
        }
    }

    #[test]
    fn a_first_start_that_died_does_not_cost_anybody_elses_files() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(DataDir::begin(&path).unwrap());
        fs::write(path.join("thesis.txt"), "x").unwrap();
        assert!(refused(&path).contains("thesis.txt"));
    }
}
