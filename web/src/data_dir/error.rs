//! Why a data directory is refused.

use std::fmt;
use std::io;
use std::path::PathBuf;

use pki_config::role::Setup;

use super::{FORMAT, LONGEST_SOCKET_PATH};

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
