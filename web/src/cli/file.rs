//! Files the command line reads and writes: bounded, never overwritten, durable before it goes on.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::failure::Failure;

/// Mode of what anybody may read.
pub const PUBLIC: u32 = 0o644;
/// Mode of keys and credentials.
pub const SECRET: u32 = 0o600;

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read or is larger.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| Failure::file(path, &e))?;
    if bytes.len() > limit {
        return Err(Failure::Here(format!("{} is larger than {limit} bytes.", path.display())));
    }
    Ok(bytes)
}

/// Writes a new file and waits until it is on the disk, its name in the folder included.
///
/// # Errors
/// It exists (then it is untouched) or cannot be written (then nothing is left of it).
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut file = create_new(path, mode)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(path);
        Failure::file(path, &e)
    })
}

/// Puts a new file in place in one step: who looks meanwhile sees nothing or all of it. On the disk when this
/// returns.
///
/// # Errors
/// It exists (then it is untouched) or cannot be written (then nothing is left of it).
pub fn put_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    write_new(&beside, bytes, mode)?;
    // A link, unlike a rename, never takes the place of what is there.
    let linked = std::fs::hard_link(&beside, path);
    let _ = std::fs::remove_file(&beside);
    linked.and_then(|()| sync_folder(path)).map_err(|e| Failure::file(path, &e))
}

/// Puts a file in place in one step, over one that may be there: who reads it meanwhile gets the old or the
/// new one whole. On the disk when this returns.
///
/// # Errors
/// It cannot be written; then the old one stays.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    write_new(&beside, bytes, mode)?;
    std::fs::rename(&beside, path).and_then(|()| sync_folder(path)).map_err(|e| {
        let _ = std::fs::remove_file(&beside);
        Failure::file(path, &e)
    })
}

/// Creates a file that does not exist yet.
///
/// # Errors
/// It exists or cannot be created.
pub fn create_new(path: &Path, mode: u32) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|e| Failure::file(path, &e))
}

/// Makes the folder's list of names durable, without which a crash could lose a file that was synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_file_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        write_new(&path, b"k", SECRET).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_existing_file_is_refused_and_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        write_new(&path, b"first", SECRET).unwrap();
        assert!(matches!(write_new(&path, b"second", SECRET), Err(Failure::Here(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn a_file_is_put_whole_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        put_new(&path, b"first", PUBLIC).unwrap();
        assert!(put_new(&path, b"second", PUBLIC).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answer");
        replace(&path, b"first", PUBLIC).unwrap();
        replace(&path, b"second", PUBLIC).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(replace(&dir.path().join("no/such/folder"), b"x", PUBLIC).is_err());
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [0; 11]).unwrap();
        assert!(read(&path, 10).is_err());
        assert_eq!(read(&path, 11).unwrap().len(), 11);
    }
}
