//! Tongsuo, whose library comes inside the Python package tongsuopy, through `tongsuo_judge.py`: the judge of SM2
//! ciphertexts, of envelopes, and of pairs of certificates for TLCP, with which it shakes hands.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, judges_dir, left_out};

const SCRIPT: &str = include_str!("tongsuo_judge.py");

/// Tongsuo as a judge.
#[derive(Debug, Clone)]
pub struct Tongsuo {
    python: PathBuf,
    script: PathBuf,
}

/// A certificate and its private key, as files.
pub type Half<'a> = (&'a Path, &'a Path);

impl Tongsuo {
    /// The judge, if `YINXIN_JUDGE_TONGSUO` names the `bin` of a Python environment that has it, or `cargo gate` put
    /// one under `target/judges`.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let bin = std::env::var_os("YINXIN_JUDGE_TONGSUO")
                .map_or_else(|| judges_dir().join("venv-tongsuo").join("bin"), PathBuf::from);
            let python = bin.join("python3");
            let run = capture(Command::new(&python).args(["-c", "import tongsuopy"])).ok()?;
            (run.code == Some(0)).then_some(python)
        });
        let Some(python) = found.clone() else {
            left_out("Tongsuo: tongsuopy is not installed; `cargo gate --only judges` installs it");
            return None;
        };
        static SCRIPT_FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
        // One for all threads: another would be written while a first runs.
        let script = SCRIPT_FILE.get_or_init(|| {
            let script = judges_dir().join(format!("tongsuo_judge-{}.py", std::process::id()));
            std::fs::create_dir_all(judges_dir()).ok()?;
            std::fs::write(&script, SCRIPT).ok()?;
            Some(script)
        });
        Some(Self { python, script: script.clone()? })
    }

    fn ask(&self, command: &str, arguments: &[&Path]) -> Verdict {
        let mut python = Command::new(&self.python);
        python.arg(&self.script).arg(command).args(arguments);
        match capture(&mut python) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => match run.code {
                Some(0) if run.stdout.ends_with("ok\n") => Verdict::Accepts(run.output()),
                Some(1) if run.stderr.contains("refused: ") => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }

    /// What an SM2Cipher holds for this key. Facts: `text`, in hexadecimal.
    pub fn decrypt(&self, key: &Path, ciphertext: &Path) -> Verdict {
        self.ask("decrypt", &[key, ciphertext])
    }

    /// Encrypts a text to the SM2 key of a certificate, into a file.
    pub fn encrypt(&self, certificate: &Path, text: &Path, out: &Path) -> Verdict {
        self.ask("encrypt", &[certificate, text, out])
    }

    /// Opens an SM2EnvelopedKey. Facts: `private` and `public`, in hexadecimal.
    pub fn envelope(&self, key: &Path, envelope: &Path) -> Verdict {
        self.ask("envelope", &[key, envelope])
    }

    /// Whether the key is that of the certificate.
    pub fn pair(&self, half: Half<'_>) -> Verdict {
        self.ask("pair", &[half.0, half.1])
    }

    /// Opens a PKCS#12 file whose key must be that of its certificate; the passphrase is a file's.
    pub fn pkcs12(&self, file: &Path, passphrase: &Path) -> Verdict {
        self.ask("pkcs12", &[file, passphrase])
    }

    /// A TLCP handshake: the server has the pair, the client believes the root. Facts: `version`, `cipher`.
    pub fn tlcp(&self, root: &Path, chain: Option<&Path>, sign: Half<'_>, encrypt: Half<'_>) -> Verdict {
        let chain = chain.unwrap_or(Path::new("-"));
        self.ask("tlcp", &[root, chain, sign.0, sign.1, encrypt.0, encrypt.1])
    }
}
