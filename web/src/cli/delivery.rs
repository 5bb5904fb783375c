//! The folder a certificate is delivered into.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::api::{Issued, Receipt};
use crate::cli::failure::Failure;
use crate::cli::file;

/// Private key, made by the command line.
pub const KEY: &str = "key.pem";
/// The certificate alone.
pub const CERTIFICATE: &str = "cert.pem";
/// The certificate of a pair to sign with.
pub const SIGN: &str = "sign.pem";
/// The certificate of a pair to be encrypted to.
pub const ENC: &str = "enc.pem";
/// Issuing authority first, no root.
pub const CHAIN: &str = "chain.pem";
/// That the certificate is in the audit log.
pub const RECEIPT: &str = "receipt.json";

/// A folder in which none of the files to be written exists yet.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    made: bool,
}

impl Folder {
    /// Takes or makes the folder.
    ///
    /// # Errors
    /// One of `files` is there already, or the folder cannot be made; nothing was changed then.
    pub fn prepare(path: &Path, files: &[&str]) -> Result<Self, Failure> {
        for name in files {
            let file = path.join(name);
            if file.symlink_metadata().is_ok() {
                return Err(Failure::Here(format!(
                    "{} exists already and is not overwritten; choose another folder with --out.",
                    file.display()
                )));
            }
        }
        let made = match DirBuilder::new().mode(0o755).create(path) {
            Ok(()) => true,
            Err(_) if path.is_dir() => false,
            Err(e) => return Err(Failure::file(path, &e)),
        };
        Ok(Self { path: path.to_owned(), made })
    }

    /// Writes the private key and waits until it is on the disk. To be done before the request is sent: a
    /// certificate whose key was lost would have to be revoked.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_key(&self, pem: &str) -> Result<(), Failure> {
        file::write_new(&self.path.join(KEY), pem.as_bytes(), file::SECRET)
    }

    /// Takes the key away again, and the folder if it was made for it: nothing was issued.
    pub fn discard_key(self) {
        let _ = std::fs::remove_file(self.path.join(KEY));
        self.discard();
    }

    /// Takes the folder away if it was made here and is empty.
    pub fn discard(self) {
        if self.made {
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// Writes the certificate, its chain and, if there is one, its receipt.
    ///
    /// # Errors
    /// A file cannot be written; the certificate exists nevertheless.
    pub fn write_certificate(&self, certificate: &str, chain: &str, receipt: Option<&Receipt>) -> Result<(), Failure> {
        file::write_new(&self.path.join(CERTIFICATE), certificate.as_bytes(), file::PUBLIC)?;
        file::write_new(&self.path.join(CHAIN), chain.as_bytes(), file::PUBLIC)?;
        if let Some(receipt) = receipt {
            let mut text = serde_json::to_string_pretty(receipt)
                .map_err(|e| Failure::Here(format!("The receipt is no JSON: {e}.")))?;
            text.push('\n');
            file::write_new(&self.path.join(RECEIPT), text.as_bytes(), file::PUBLIC)?;
        }
        Ok(())
    }

    /// Writes what issuing gave.
    ///
    /// # Errors
    /// As [`Folder::write_certificate`]; the sentence tells how to get the files again.
    pub fn write_issued(&self, issued: &Issued) -> Result<(), Failure> {
        self.write_certificate(&issued.certificate, &issued.chain, Some(&issued.receipt)).map_err(|failure| {
            let Failure::Here(why) = failure else { return failure };
            let serial = &issued.serial;
            Failure::Here(format!(
                "Certificate {serial} was issued, but {why} Get it with: yinxin show {serial} --out ANOTHER-FOLDER"
            ))
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder for a name: the name itself, made safe as a file name.
#[must_use]
pub fn folder_for(name: &str) -> PathBuf {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '_' };
    let mut folder: String = name.chars().take(80).map(safe).collect();
    if folder.starts_with(['.', '-']) {
        folder.insert(0, '_');
    }
    PathBuf::from(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_with_a_key_in_it_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(KEY), "old").unwrap();
        assert!(Folder::prepare(dir.path(), &[KEY, CERTIFICATE]).is_err());
        assert_eq!(std::fs::read(dir.path().join(KEY)).unwrap(), b"old");
        // An approver adds the certificate beside the requester's key.
        assert!(Folder::prepare(dir.path(), &[CERTIFICATE, CHAIN, RECEIPT]).is_ok());
    }

    #[test]
    fn a_dangling_link_in_the_place_of_a_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join(KEY)).unwrap();
        assert!(Folder::prepare(dir.path(), &[KEY]).is_err());
    }

    #[test]
    fn the_key_is_for_its_owner_only_and_is_taken_away_when_nothing_was_issued() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let folder = Folder::prepare(&path, &[KEY]).unwrap();
        folder.write_key("secret").unwrap();
        assert_eq!(std::fs::metadata(path.join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
        folder.discard_key();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_was_there_is_never_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(dir.path(), &[KEY]).unwrap();
        folder.write_key("secret").unwrap();
        folder.discard_key();
        assert!(dir.path().exists());
    }

    #[test]
    fn no_name_leads_out_of_the_current_folder() {
        for (name, folder) in [
            ("www.example.cn", "www.example.cn"),
            ("*.example.cn", "_.example.cn"),
            ("../../etc", "_.._.._etc"),
            ("/etc/passwd", "_etc_passwd"),
            ("2001:db8::1", "2001_db8__1"),
            ("--data", "_--data"),
            ("张三", "张三"),
        ] {
            assert_eq!(folder_for(name), PathBuf::from(folder));
        }
    }
}
