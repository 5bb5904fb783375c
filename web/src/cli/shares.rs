//! Shares of the root key: handed out once, and read in. On the terminal or in files, never in arguments.

use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crypto_pool::root_key::shares::Share;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::{file, passphrase};

/// Clears the screen and what was scrolled away, and goes to the upper left corner.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J\x1b[3J";

/// Where new shares go.
pub enum Out {
    /// Each to a new file of its own in this folder.
    Folder(PathBuf),
    /// One after another to the terminal.
    Terminal(File),
}

impl Out {
    /// The folder, if one is named; it is made if it is not there. Else the terminal.
    ///
    /// # Errors
    /// The folder lies in the data directory, or cannot be made; there is no terminal.
    pub fn choose(folder: Option<&Path>, data: &Path) -> Result<Self, Failure> {
        let Some(folder) = folder else {
            let terminal = File::options().read(true).write(true).open("/dev/tty");
            return terminal.map(Self::Terminal).map_err(|_| {
                Failure::Usage("There is no terminal to show shares on; name a folder for them.".to_owned())
            });
        };
        let absolute = |path: &Path| std::path::absolute(path).map_err(|e| Failure::file(path, &e));
        if absolute(folder)?.starts_with(absolute(data)?) {
            return Err(Failure::Usage(
                "Shares that lie in the data directory guard nothing; name a folder elsewhere.".to_owned(),
            ));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| Failure::file(folder, &e))?;
        Ok(Self::Folder(folder.to_owned()))
    }

    /// Gives each share to its keeper, once.
    ///
    /// # Errors
    /// A file is there already or cannot be written; the terminal went away. Nothing counts then.
    pub fn hand_out(&self, shares: &[Share]) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                for share in shares {
                    let text = share.to_text();
                    let line = Zeroizing::new(format!("{}\n", *text));
                    file::write_new(&folder.join(name(share)), line.as_bytes(), file::SECRET)?;
                }
                Ok(())
            }
            Self::Terminal(terminal) => {
                let shown = shares.iter().try_for_each(|share| show(terminal, share));
                let _ = (&mut &*terminal).write_all(CLEAR);
                shown.map_err(|e| Failure::Here(format!("The terminal failed: {e}. The new shares do not count.")))
            }
        }
    }
}

fn name(share: &Share) -> String {
    let set = share.set();
    let shares = set.quorum.count();
    match set.generation {
        1 => format!("share-{}-of-{shares}.txt", share.number()),
        generation => format!("share-{}-of-{shares}-generation-{generation}.txt", share.number()),
    }
}

fn show(mut terminal: &File, share: &Share) -> std::io::Result<()> {
    let (number, quorum) = (share.number(), share.set().quorum);
    terminal.write_all(CLEAR)?;
    let prompt =
        format!("Keeper {number} of {}: only you may look now. Press Enter to see your share.\n", quorum.count());
    terminal.write_all(prompt.as_bytes())?;
    wait(terminal)?;
    let text = share.to_text();
    let words = Zeroizing::new(format!(
        "Share {number}; {} of {} open the root key. Write it down; it is shown this once.\n\n  {}\n\n\
         Press Enter when you have it and have compared it.\n",
        quorum.threshold(),
        quorum.count(),
        *text
    ));
    terminal.write_all(words.as_bytes())?;
    wait(terminal)?;
    terminal.write_all(CLEAR)
}

/// Until a line ends.
fn wait(mut terminal: &File) -> std::io::Result<()> {
    let mut key = [0_u8];
    loop {
        if terminal.read(&mut key)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if key == *b"\n" {
            return Ok(());
        }
    }
}

/// A share from each file.
///
/// # Errors
/// A file cannot be read, others may read it, or it holds no share.
pub fn from_files(paths: &[PathBuf]) -> Result<Vec<Share>, Failure> {
    let read = |path: &PathBuf| {
        let text = passphrase::from_file(path)?;
        Share::parse(&text).map_err(|why| Failure::Here(format!("{}: {why}.", path.display())))
    };
    paths.iter().map(read).collect()
}

/// Shares typed on the terminal, which does not show them, up to an empty line or `most` of them. A mistyped one is
/// asked for again.
///
/// # Errors
/// There is no terminal, or it was interrupted.
pub fn typed(most: u8) -> Result<Vec<Share>, Failure> {
    let mut shares: Vec<Share> = Vec::new();
    while shares.len() < usize::from(most) {
        let prompt = match shares.len() {
            0 => "Share (not shown): ".to_owned(),
            given => format!("Share {} (Enter alone to give what there is): ", given + 1),
        };
        let text = passphrase::ask(&prompt)?;
        if text.trim().is_empty() {
            break;
        }
        match Share::parse(&text) {
            Ok(share) => shares.push(share),
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "{why}");
            }
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crypto_pool::random::SeededRandom;
    use crypto_pool::root_key::ShareSeal;

    use super::*;

    #[test]
    fn each_share_goes_to_a_file_of_its_own_and_takes_the_place_of_none() {
        let dir = tempfile::tempdir().unwrap();
        let out = Out::choose(Some(&dir.path().join("keepers")), &dir.path().join("data")).unwrap();
        let mut all = Vec::new();
        let made = ShareSeal::new(&dir.path().join("d")).make("2-of-3".parse().unwrap(), &SeededRandom::new(1), |s| {
            all = s.to_vec();
            Ok::<_, crypto_pool::Error>(())
        });
        made.unwrap();
        out.hand_out(&all).unwrap();
        let paths: Vec<_> = (1..=3).map(|n| dir.path().join(format!("keepers/share-{n}-of-3.txt"))).collect();
        assert_eq!(std::fs::metadata(&paths[0]).unwrap().permissions().mode() & 0o777, 0o600);
        let read = from_files(&paths).unwrap();
        assert_eq!(read.iter().map(Share::number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(matches!(out.hand_out(&all), Err(Failure::Here(_))));
        std::fs::set_permissions(&paths[0], std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(from_files(&paths).is_err());
    }

    #[test]
    fn shares_do_not_go_into_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert!(matches!(Out::choose(Some(&data.join("shares")), &data), Err(Failure::Usage(_))));
        assert!(!data.exists());
    }
}
