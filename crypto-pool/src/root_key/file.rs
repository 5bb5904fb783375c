//! The file of the sealed root key: how it is written so that a crash leaves the old one or the new one, and what it
//! says of itself before anything is opened.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::shares::ShareSet;
use super::{ShareFile, ShareSeal};
use crate::error::Error;

/// Its name in the data directory.
pub(super) const SEALED: &str = "root.sealed";
/// Largest such file. Unit: bytes.
const LARGEST: u64 = 4096;

/// What opens the sealed root key of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedBy {
    /// A passphrase.
    Passphrase,
    /// Shares of this set.
    Shares(ShareSet),
}

/// What opens the sealed root key of the data directory `dir`.
///
/// # Errors
/// [`Error::RootKeyFile`].
pub fn sealed_by(dir: &Path) -> Result<SealedBy, Error> {
    let path = dir.join(SEALED);
    let text = read_private(&path)?;
    let table: toml::Table = text.parse().map_err(|_| unusable(&path, "it is not TOML"))?;
    if table.contains_key("shares") {
        ShareSeal::new(dir).read().map(|file| SealedBy::Shares(*ShareFile::set(&file)))
    } else {
        Ok(SealedBy::Passphrase)
    }
}

/// Puts `text` in the place of `DIR/root.sealed`: a crash leaves the one or the other, whole.
///
/// # Errors
/// [`Error::RootKeyFile`]; the file is as it was.
pub fn replace_sealed(dir: &Path, text: &str) -> Result<(), Error> {
    replace(&dir.join(SEALED), text.as_bytes())
}

pub(super) fn unusable(path: &Path, reason: impl ToString) -> Error {
    Error::RootKeyFile { path: path.to_owned(), reason: reason.to_string() }
}

/// Writes a file that only its owner can read, durably and whole: temporary file, fsync, rename, fsync of
/// the directory. A crash leaves either nothing or the file.
pub(super) fn write_once(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if path.try_exists().map_err(|why| unusable(path, why))? {
        return Err(unusable(path, "it exists already and is not replaced"));
    }
    replace(path, bytes)
}

/// As [`write_once`], in the place of a file that is there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |why: io::Error| unusable(path, why);
    let dir = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let temporary = path.with_extension("new");
    // Left by a crash before the rename; it was never used.
    if temporary.exists() {
        fs::remove_file(&temporary).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

/// Reads a small file that nobody but its owner may read.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<String>, Error> {
    read_if(path, |about| about.mode() & 0o077 == 0)
}

/// As [`read_private`], or a file of the administrator's that a list of rights opens to this user alone: so systemd
/// hands credentials over, and the mask of the list stands where the mode has its group.
pub(super) fn read_credential(path: &Path) -> Result<Zeroizing<String>, Error> {
    let administrators = |about: &Metadata| about.uid() == 0 && about.gid() == 0 && about.mode() & 0o037 == 0;
    let we = rustix::process::geteuid().as_raw();
    read_if(path, |about| about.mode() & 0o077 == 0 || (we != 0 && administrators(about)))
}

fn read_if(path: &Path, private: impl FnOnce(&Metadata) -> bool) -> Result<Zeroizing<String>, Error> {
    let failed = |why: io::Error| unusable(path, why);
    let file = File::open(path).map_err(failed)?;
    if !private(&file.metadata().map_err(failed)?) {
        return Err(unusable(path, "others may read it; set its mode to 0600"));
    }
    // Room from the start: growing would leave copies behind that nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
