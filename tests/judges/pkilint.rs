//! pkilint as a judge of form: RFC 5280 and its updates, independent of our own lints.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, judges_dir, left_out};

/// pkilint as a judge.
#[derive(Debug, Clone)]
pub struct Pkilint {
    bin: PathBuf,
}

impl Pkilint {
    /// The judge, if `YINXIN_JUDGE_PKILINT` names the `bin` of a Python environment that has it, or
    /// `cargo gate` put one under `target/judges`.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let bin = std::env::var_os("YINXIN_JUDGE_PKILINT")
                .map_or_else(|| judges_dir().join("venv").join("bin"), PathBuf::from);
            let run = capture(Command::new(bin.join("lint_pkix_cert")).arg("--help")).ok()?;
            (run.code == Some(0)).then_some(bin)
        });
        if found.is_none() {
            left_out("pkilint: not installed; `cargo gate --only judges` installs it");
        }
        found.clone().map(|bin| Self { bin })
    }

    /// A certificate against RFC 5280; refused on any finding of severity WARNING or above.
    pub fn certificate(&self, file: &Path) -> Verdict {
        self.lint("lint_pkix_cert", &["lint"], file)
    }

    /// A CRL against RFC 5280; refused on any finding of severity WARNING or above.
    pub fn crl(&self, file: &Path) -> Verdict {
        self.lint("lint_crl", &["lint", "-t", "CRL", "-p", "PKIX"], file)
    }

    /// An OCSP answer against RFC 6960; refused on any finding of severity WARNING or above.
    pub fn ocsp(&self, file: &Path) -> Verdict {
        self.lint("lint_ocsp_response", &["lint"], file)
    }

    fn lint(&self, program: &str, arguments: &[&str], file: &Path) -> Verdict {
        let mut command = Command::new(self.bin.join(program));
        match capture(command.args(arguments).args(["-s", "WARNING", "-f", "TEXT"]).arg(file)) {
            Err(why) => Verdict::Broken(why),
            // The exit status is the number of findings; a file that does not parse is one line on stderr.
            Ok(run) => match run.code {
                Some(0) if run.stdout.trim().is_empty() => Verdict::Accepts(run.output()),
                Some(1..) if !run.stdout.trim().is_empty() && !run.stderr.contains("Traceback") => {
                    Verdict::Refuses(run.output())
                }
                Some(1) if run.stderr.starts_with("Failed to load") => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }
}
