//! The PIN of a token: read from a file only, each time it is needed, and wiped.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Longest PIN that is read. Unit: bytes.
const LONGEST: usize = 256;

/// Where a PIN is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinFile(PathBuf);

impl PinFile {
    /// A path is that file; a bare name is a credential that systemd hands to the service (`LoadCredential=`).
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn path(&self) -> Result<PathBuf, String> {
        if self.0.components().count() != 1 || self.0.is_absolute() {
            return Ok(self.0.clone());
        }
        match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(directory) => Ok(Path::new(&directory).join(&self.0)),
            None => Err(format!(
                "the PIN is to come from the systemd credential {}, and this process was given none; \
                 start it with LoadCredential=, or name a file by its whole path",
                self.0.display()
            )),
        }
    }

    /// The PIN: the first line of the file.
    ///
    /// # Errors
    /// In words, for the operator; never with anything of the PIN.
    pub(super) fn read(&self) -> Result<Zeroizing<String>, String> {
        let path = self.path()?;
        let told = |what: &dyn std::fmt::Display| format!("PIN file {}: {what}", path.display());
        let mut file = File::open(&path).map_err(|e| told(&e))?;
        let about = file.metadata().map_err(|e| told(&e))?;
        if !about.is_file() {
            return Err(told(&"it is no file"));
        }
        if about.mode() & 0o077 != 0 {
            return Err(told(&"others may read it; run: chmod 600 on it"));
        }
        // Room for all of it at once: a buffer that grows would leave copies behind.
        let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            match file.read(room) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(told(&e)),
            }
        }
        let text = bytes.get(..filled).unwrap_or_default();
        let line = text.split(|b| *b == b'\n' || *b == b'\r').next().unwrap_or_default();
        if line.is_empty() || filled > LONGEST {
            return Err(told(&"its first line must be the PIN, of at most 256 bytes"));
        }
        match std::str::from_utf8(line) {
            Ok(pin) => Ok(Zeroizing::new(pin.to_owned())),
            Err(_) => Err(told(&"the PIN is no text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, PinFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, PinFile::new(&path))
    }

    #[test]
    fn the_first_line_is_the_pin() {
        assert_eq!(*file(b"1234\n", 0o600).1.read().unwrap(), "1234");
        assert_eq!(*file(b"12 34\r\nnote", 0o400).1.read().unwrap(), "12 34");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o644, 0o620] {
            let why = file(b"4711\n", mode).1.read().unwrap_err();
            assert!(why.contains("others may read it") && !why.contains("4711"), "{why}");
        }
    }

    #[test]
    fn no_pin_is_told() {
        for text in [&b""[..], b"\n1234\n", &[b'1'; 300], b"\xff\xfe\n"] {
            assert!(file(text, 0o600).1.read().is_err());
        }
        let (folder, _) = file(b"1", 0o600);
        assert!(PinFile::new(&folder.path().join("none")).read().is_err());
        assert!(PinFile::new(folder.path()).read().is_err());
    }

    #[test]
    fn a_bare_name_is_a_credential() {
        if std::env::var_os("CREDENTIALS_DIRECTORY").is_none() {
            let why = PinFile::new(Path::new("hsm-pin")).read().unwrap_err();
            assert!(why.contains("LoadCredential"), "{why}");
        }
    }
}
