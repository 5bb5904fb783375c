//! Unsealing without anybody there: a passphrase or shares that the service manager hands over in a file
//! (systemd's `LoadCredential=` and `LoadCredentialEncrypted=`, in `$CREDENTIALS_DIRECTORY`).

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::file::{read_credential, unusable};
use super::shares::{BadShare, Share};
use crate::error::Error;

/// What opens the root key.
pub enum Credential {
    /// Its passphrase.
    Passphrase(Zeroizing<String>),
    /// Some of its shares.
    Shares(Vec<Share>),
}

impl Credential {
    /// From a file that nobody but its owner may read: shares, one on each line, or a passphrase on the first.
    ///
    /// # Errors
    /// [`Error::RootKeyFile`] if others may read it, or it is empty; [`Error::Share`] for a line that is no share.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_credential(path)?;
        Self::parse(&text).map_err(|why| match why {
            Some(why) => why.into(),
            None => unusable(path, "it is empty"),
        })
    }

    /// From the text of such a file; `None` for an empty one.
    fn parse(text: &str) -> Result<Self, Option<BadShare>> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        let first = lines.peek().ok_or(None)?;
        if !Share::looks_like_one(first) {
            return Ok(Self::Passphrase(Zeroizing::new((*first).to_owned())));
        }
        lines.map(Share::parse).collect::<Result<_, _>>().map(Self::Shares).map_err(Some)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Shares(shares) => write!(f, "Shares({})", shares.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;
    use crate::root_key::shares::{Quorum, ShareSet, split};
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_of_shares_is_told_from_a_passphrase() {
        let set = ShareSet { id: [1; 4], generation: 1, quorum: Quorum::new(2, 3).unwrap() };
        let shares = split(&[5; 32], set, &SeededRandom::new(1)).unwrap();
        let text = format!("{}\n\n{}\n", *shares[0].to_text(), shares[2].to_text().to_lowercase());
        let Ok(Credential::Shares(read)) = Credential::parse(&text) else { panic!() };
        assert_eq!(read.iter().map(Share::number).collect::<Vec<_>>(), [1, 3]);
        let Ok(Credential::Passphrase(word)) = Credential::parse("correct horse battery\n") else { panic!() };
        assert_eq!(*word, "correct horse battery");
        assert!(matches!(Credential::parse("\n \n"), Err(None)));
        let broken = text.replace('7', "8");
        assert!(matches!(Credential::parse(&broken), Err(Some(BadShare::Checksum))));
        assert!(matches!(Credential::parse(&format!("{}\nhello", *shares[0].to_text())), Err(Some(BadShare::Form))));
    }

    #[test]
    fn one_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("yinxin-root");
        write(&path, "correct horse battery\n").unwrap();
        set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        assert!(matches!(Credential::read(&path), Err(Error::RootKeyFile { .. })));
        set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(Credential::read(&path).is_ok());
    }
}
