//! The content: a row of named files. Only names known here are written and taken out.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use pki_config::IssuerId;

use super::chunks::ChunkReader;
use super::error::BackupError;

/// The database.
pub(super) const DATABASE: &str = "yinxin.db";
/// What the installation is.
pub(super) const SETUP: &str = "setup.toml";
/// The operator's configuration, if there is one.
pub(super) const CONFIG: &str = "yinxin.toml";
/// A trial's root key.
pub(super) const ROOT_KEY: &str = "root.key";
/// Copies of the roots.
pub(super) const ROOTS: &str = "roots";

/// Longest name. Unit: bytes.
const LONGEST_NAME: usize = 100;
/// Longest file but the database. Unit: bytes.
const LONGEST_SMALL: u64 = 64 << 10;
/// Most files.
const MOST_FILES: usize = 200;

/// Whether a file of this name and length may be in a backup.
fn is_ours(name: &str, length: u64) -> bool {
    let root = |name: &str| name.strip_suffix(".pem").is_some_and(|issuer| issuer.parse::<IssuerId>().is_ok());
    match name {
        DATABASE => true,
        SETUP | CONFIG | ROOT_KEY => length <= LONGEST_SMALL,
        other => {
            length <= LONGEST_SMALL && other.strip_prefix(ROOTS).and_then(|o| o.strip_prefix('/')).is_some_and(root)
        }
    }
}

/// Writes one file into the content.
pub(super) fn put(out: &mut impl Write, name: &str, file: &Path) -> Result<(), BackupError> {
    let failed = |why| BackupError::Io { doing: format!("copying {}", file.display()), why };
    let mut source = File::open(file).map_err(failed)?;
    let length = source.metadata().map_err(failed)?.len();
    if !is_ours(name, length) {
        return Err(BackupError::Malformed("a file of the data directory is too long for a backup"));
    }
    let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    out.write_all(&name_length.to_be_bytes()).map_err(failed)?;
    out.write_all(name.as_bytes()).map_err(failed)?;
    out.write_all(&length.to_be_bytes()).map_err(failed)?;
    // Nobody else writes these files; one that changed its length all the same must not shift what follows.
    let copied = io::copy(&mut (&mut source).take(length), out).map_err(failed)?;
    if copied == length { Ok(()) } else { Err(failed(io::ErrorKind::UnexpectedEof.into())) }
}

/// Ends the content.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0, 0])
}

/// Takes every file out into `dir`, which exists and is empty. Each is durable afterwards.
pub(super) fn take_out<R: Read>(content: &mut ChunkReader<R>, dir: &Path) -> Result<(), BackupError> {
    let mut files = 0;
    loop {
        let mut length = [0; 2];
        content.exactly(&mut length)?;
        let length = usize::from(u16::from_be_bytes(length));
        if length == 0 {
            break;
        }
        files += 1;
        if length > LONGEST_NAME || files > MOST_FILES {
            return Err(BackupError::Malformed("its list of files"));
        }
        let (mut name, mut size) = (vec![0; length], [0; 8]);
        content.exactly(&mut name)?;
        content.exactly(&mut size)?;
        let size = u64::from_be_bytes(size);
        let name = String::from_utf8(name).ok().filter(|name| is_ours(name, size));
        write(content, &dir.join(name.ok_or(BackupError::Malformed("a file that is not ours is in it"))?), size)?;
    }
    if content.some(1)?.is_empty() { Ok(()) } else { Err(BackupError::Malformed("something follows its content")) }
}

fn write<R: Read>(content: &mut ChunkReader<R>, path: &Path, size: u64) -> Result<(), BackupError> {
    let failed = |why| BackupError::Io { doing: format!("writing {}", path.display()), why };
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut left = size;
    while left > 0 {
        let part = content.some(usize::try_from(left).unwrap_or(usize::MAX))?;
        if part.is_empty() {
            return Err(BackupError::Malformed("its content ends early"));
        }
        file.write_all(part).map_err(failed)?;
        left -= part.len() as u64;
    }
    file.sync_all().map_err(failed)
}

/// The copies of the roots in a data directory: name in the content, and file.
pub(super) fn roots_in(dir: &Path) -> Result<Vec<(String, std::path::PathBuf)>, BackupError> {
    let folder = dir.join(ROOTS);
    let failed = |why| BackupError::Io { doing: format!("reading {}", folder.display()), why };
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{ROOTS}/{}", entry.file_name().to_string_lossy());
        if is_ours(&name, 0) {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
