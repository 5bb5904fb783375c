//! Passphrases: from the terminal without echo, or from a file; never from an argument, which every
//! process on the machine could read.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::cli::failure::Failure;

/// Longest passphrase. Unit: bytes.
const LONGEST: usize = 1024;

/// A passphrase that opens something.
///
/// # Errors
/// The file cannot be read, or there is no terminal to ask on.
pub fn existing(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(file) => from_file(file),
        None => ask(prompt),
    }
}

/// A new passphrase, asked for twice on a terminal.
///
/// # Errors
/// As [`existing`]; the two differ; it is empty.
pub fn chosen(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let passphrase = existing(file, prompt)?;
    if passphrase.is_empty() {
        return Err(Failure::Usage("The passphrase is empty.".to_owned()));
    }
    if file.is_none() && *ask("The same again: ")? != *passphrase {
        return Err(Failure::Usage("The two passphrases differ; nothing was done.".to_owned()));
    }
    Ok(passphrase)
}

/// The first line of a file that others cannot read.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let meta = file.metadata().map_err(|e| Failure::file(path, &e))?;
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        return Err(Failure::Here(format!("{path} can be read by others; run: chmod 600 {path}")));
    }
    // Room from the start: growing would leave copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(vec![0_u8; LONGEST + 2]);
    let mut filled = 0;
    loop {
        let n = file.read(&mut bytes[filled..]).map_err(|e| Failure::file(path, &e))?;
        filled += n;
        if n == 0 || filled == bytes.len() {
            break;
        }
    }
    let line = bytes[..filled].split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    text(line)
}

fn text(line: &[u8]) -> Result<Zeroizing<String>, Failure> {
    if line.len() > LONGEST {
        return Err(Failure::Usage(format!("A passphrase has at most {LONGEST} bytes.")));
    }
    match std::str::from_utf8(line) {
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(_) => Err(Failure::Usage("The passphrase is not UTF-8.".to_owned())),
    }
}

/// Puts the terminal back as it was, however the reading ends.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    /// Turns off echo, line editing and signal keys: interrupted in between, the terminal would stay silent.
    fn turn(terminal: &'a File) -> rustix::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
        let _ = writeln!(&mut (&*self.terminal));
    }
}

/// A line typed on the terminal, which does not show it.
///
/// # Errors
/// There is no terminal; interrupted; too long.
pub(super) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let none = || {
        Failure::Usage("There is no terminal to ask on; use --passphrase-file (for shares: --share-file).".to_owned())
    };
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| none())?;
    let _ = (&terminal).write_all(prompt.as_bytes());
    let quiet = Quiet::turn(&terminal).map_err(|_| none())?;
    let line = read_keys(&mut (&terminal));
    drop(quiet);
    match line {
        Some(line) => text(&line),
        None => Err(Failure::Usage("Interrupted; nothing was done.".to_owned())),
    }
}

/// Keys up to the end of the line. `None` when interrupted.
fn read_keys(keys: &mut impl Read) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut key = [0_u8];
    loop {
        if keys.read(&mut key).ok()? == 0 {
            return Some(line);
        }
        match key[0] {
            b'\n' | b'\r' | 0x04 => return Some(line),
            // Ctrl-C, Ctrl-Z, Ctrl-\
            0x03 | 0x1a | 0x1c => return None,
            // Backspace takes a whole character.
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl-U
            0x15 => line.clear(),
            byte if line.len() <= LONGEST => line.push(byte),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<String> {
        read_keys(&mut &*keys).map(|line| String::from_utf8(line.to_vec()).unwrap())
    }

    #[test]
    fn backspace_takes_a_whole_character_and_ctrl_c_interrupts() {
        assert_eq!(typed("口令\u{7f}x\n".as_bytes()).as_deref(), Some("口x"));
        assert_eq!(typed(b"wrong\x15right\r").as_deref(), Some("right"));
        assert_eq!(typed(b"abc\x03\n"), None);
    }

    #[test]
    fn a_file_gives_its_first_line_and_must_not_be_readable_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        std::fs::write(&path, "correct horse\r\nsecond\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(existing(Some(&path), "").unwrap().as_str(), "correct horse");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(existing(Some(&path), ""), Err(Failure::Here(_))));
    }

    #[test]
    fn an_empty_or_endless_passphrase_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        for content in [String::from("\n"), "x".repeat(LONGEST + 1)] {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(chosen(Some(&path), "").is_err());
        }
    }
}
