//! The roots that `verify` believes: the trust store of the user, and our own.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crypto_pool::path::Cert;
use serde::Serialize;

use crate::cli::args::{Global, TrustCommand};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};
use crate::cli::{file, pem};

/// Most roots that are read from one folder.
const MOST: usize = 1000;
/// Fewest digits by which a root can be named.
const FEWEST_DIGITS: usize = 8;

/// A root that is believed.
#[derive(Debug, Clone)]
pub struct Root {
    /// The certificate.
    pub der: Vec<u8>,
    /// SHA-256 of the certificate, upper-case hexadecimal.
    pub sha256: String,
    /// The file it came from.
    pub file: PathBuf,
}

/// One line of `yinxin trust list`.
#[derive(Debug, Serialize)]
struct TrustLine {
    sha256: String,
    subject: String,
    file: String,
}

impl From<&Root> for TrustLine {
    fn from(root: &Root) -> Self {
        Self { sha256: root.sha256.clone(), subject: pem::subject(&root.der), file: root.file.display().to_string() }
    }
}

/// `yinxin trust`.
///
/// # Errors
/// A file is no root, or the trust store cannot be read or written.
pub fn run(global: &Global, console: Console, command: TrustCommand) -> Result<(), Failure> {
    match command {
        TrustCommand::Add { files } => add(console, &store()?, &files),
        TrustCommand::List => list(console, &global.data_dir()),
        TrustCommand::Remove { fingerprint } => remove(console, &store()?, &fingerprint),
    }
}

/// Everything that is believed: the trust store, then the roots of the data directory.
///
/// # Errors
/// A file of theirs cannot be read or holds no certificate.
pub fn believed(data: &Path) -> Result<Vec<Root>, Failure> {
    let mut roots = match store() {
        Ok(store) => roots_in(&store)?,
        Err(_) => Vec::new(),
    };
    let own = data.join("roots");
    if is_ours(&own) {
        roots.extend(roots_in(&own)?);
    }
    Ok(roots)
}

/// Whether a folder belongs to this user or to root: a `yinxin-data` that somebody else put where we
/// happen to stand must not decide what is believed.
fn is_ours(folder: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    folder.metadata().is_ok_and(|meta| meta.is_dir() && (meta.uid() == me || meta.uid() == 0))
}

/// `$YINXIN_TRUST`, else `$XDG_CONFIG_HOME/yinxin/trust`, else `~/.config/yinxin/trust`.
fn store() -> Result<PathBuf, Failure> {
    let of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    of("YINXIN_TRUST")
        .or_else(|| of("XDG_CONFIG_HOME").map(|base| base.join("yinxin/trust")))
        .or_else(|| of("HOME").map(|home| home.join(".config/yinxin/trust")))
        .ok_or_else(|| Failure::Here("There is no home directory; name the trust store in YINXIN_TRUST.".to_owned()))
}

fn roots_in(folder: &Path) -> Result<Vec<Root>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Failure::file(folder, &e)),
    };
    let mut files: Vec<PathBuf> = entries
        .take(MOST)
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "pem"))
        .collect();
    files.sort();
    let mut roots = Vec::new();
    for file in files {
        for der in pem::certificates_in(&file)? {
            roots.push(Root { sha256: sha256(&der), der, file: file.clone() });
        }
    }
    Ok(roots)
}

fn add(console: Console, store: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    // All are checked before the first is believed.
    let mut added = Vec::new();
    for path in files {
        for der in pem::certificates_in(path)? {
            check_root(&der).map_err(|why| Failure::Here(format!("{} is not believed: {why}.", path.display())))?;
            let sha256 = sha256(&der);
            added.push(Root { file: store.join(format!("{sha256}.pem")), sha256, der });
        }
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(store).map_err(|e| Failure::file(store, &e))?;
    for root in &added {
        if !root.file.exists() {
            file::write_new(&root.file, pem::armour("CERTIFICATE", &root.der)?.as_bytes(), file::PUBLIC)?;
        }
    }
    let lines: Vec<TrustLine> = added.iter().map(TrustLine::from).collect();
    console.answer(&lines, || {
        let mut text = String::from("Believed from now on; compare the fingerprint with what its owner tells you:\n");
        for line in &lines {
            text.push_str(&format!("  {}\n    SHA-256 {}\n", plain(&line.subject), line.sha256));
        }
        text
    })
}

fn list(console: Console, data: &Path) -> Result<(), Failure> {
    let lines: Vec<TrustLine> = believed(data)?.iter().map(TrustLine::from).collect();
    console.answer(&lines, || {
        if lines.is_empty() {
            return "No root is believed; `yinxin trust add FILE` adds one.".to_owned();
        }
        let mut table = Table::new(["SHA-256", "SUBJECT", "FILE"]);
        for line in &lines {
            table.row([&line.sha256[..16], &line.subject, &line.file]);
        }
        table.to_string()
    })
}

fn remove(console: Console, store: &Path, fingerprint: &str) -> Result<(), Failure> {
    let digits: String = fingerprint.chars().filter(|c| *c != ':').collect::<String>().to_ascii_uppercase();
    if digits.len() < FEWEST_DIGITS || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Failure::Usage(format!(
            "Name the root by at least {FEWEST_DIGITS} digits of its SHA-256 fingerprint."
        )));
    }
    let found: Vec<Root> = roots_in(store)?.into_iter().filter(|root| root.sha256.starts_with(&digits)).collect();
    let [root] = found.as_slice() else {
        let why = if found.is_empty() { "No root in the trust store has" } else { "More than one root has" };
        return Err(Failure::Here(format!("{why} a fingerprint that begins with {digits}.")));
    };
    std::fs::remove_file(&root.file).map_err(|e| Failure::file(&root.file, &e))?;
    let line = TrustLine::from(root);
    console.answer(&line, || format!("No longer believed: {}\n  SHA-256 {}", plain(&line.subject), line.sha256))
}

/// That a certificate is a root: its own issuer, by name and by signature, and allowed to issue.
fn check_root(der: &[u8]) -> Result<(), String> {
    let root = Cert::from_der_tolerant(der).map_err(|_| "the certificate is damaged".to_owned())?;
    let key = root.public_key().map_err(|e| format!("its key is not accepted ({e})"))?;
    if root.issuer() != root.subject() || !root.is_signed_by(key) {
        return Err("it is no root, that is, not signed by itself".to_owned());
    }
    match root.extensions().basic_constraints {
        Some(constraints) if constraints.ca => Ok(()),
        _ => Err("it is no certificate authority".to_owned()),
    }
}

/// SHA-256 in upper-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::language::Language;
    use crate::cli::test_pki::{EC_LEAF, EC_ROOT, SM2_LEAF};

    const CONSOLE: Console = Console { json: true, language: Language::English };

    fn saved(dir: &Path, text: &str) -> PathBuf {
        let path = dir.join("given.pem");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_root_is_added_once_listed_by_its_fingerprint_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("trust");
        for root in [EC_ROOT, SM2_LEAF, EC_ROOT] {
            add(CONSOLE, &store, &[saved(dir.path(), root)]).unwrap();
        }
        let roots = roots_in(&store).unwrap();
        assert_eq!(roots.len(), 2);
        let first = &roots[0];
        assert_eq!(first.file.file_name().unwrap().to_str().unwrap(), format!("{}.pem", first.sha256));
        remove(CONSOLE, &store, &first.sha256[..8].to_ascii_lowercase()).unwrap();
        assert_eq!(roots_in(&store).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_root_is_not_believed_and_nothing_of_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("trust");
        let root_and_leaf = saved(dir.path(), &format!("{EC_ROOT}{EC_LEAF}"));
        assert!(add(CONSOLE, &store, &[root_and_leaf]).is_err());
        assert!(roots_in(&store).unwrap().is_empty());
    }

    #[test]
    fn a_root_with_a_changed_name_is_not_believed() {
        let mut der = pem::certificates(EC_ROOT.as_bytes()).unwrap().remove(0);
        check_root(&der).unwrap();
        // Both names keep their length and stay equal; only the signature no longer fits.
        let mut at = 0;
        while let Some(found) = der[at..].windows(7).position(|w| w == b"Example") {
            der[at + found] = b'e';
            at += found + 7;
        }
        assert!(check_root(&der).unwrap_err().contains("no root"));
    }

    #[test]
    fn a_short_or_unknown_fingerprint_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("trust");
        add(CONSOLE, &store, &[saved(dir.path(), EC_ROOT)]).unwrap();
        for fingerprint in ["", "A", "00000000", "../../etc"] {
            assert!(remove(CONSOLE, &store, fingerprint).is_err());
        }
        assert_eq!(roots_in(&store).unwrap().len(), 1);
    }

    #[test]
    fn the_fingerprint_is_the_one_openssl_prints() {
        // openssl x509 -noout -fingerprint -sha256
        let Ok(output) = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/test_pki/ec-root.pem"))
            .output()
        else {
            return;
        };
        let der = pem::certificates(EC_ROOT.as_bytes()).unwrap().remove(0);
        let printed = String::from_utf8(output.stdout).unwrap().replace(':', "");
        assert!(printed.contains(&sha256(&der)), "{printed}");
    }
}
