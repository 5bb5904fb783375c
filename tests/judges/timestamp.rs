//! Judges of time-stamps: BouncyCastle through `TspJudge.java`, and rfc3161-client and pyHanko through
//! `tsp_judge.py`. The last two know no SM2.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Verdict, capture, judges_dir, left_out};

const SCRIPT: &str = include_str!("tsp_judge.py");

/// rfc3161-client and pyHanko, which share a Python environment.
#[derive(Debug, Clone)]
pub struct PythonStamps {
    python: PathBuf,
    script: PathBuf,
}

impl PythonStamps {
    /// The names of the two.
    pub const BOTH: [&str; 2] = ["rfc3161-client", "pyhanko"];

    /// The judges, if `YINXIN_JUDGE_STAMPS` names the `bin` of a Python environment that has them, or `cargo gate`
    /// put one under `target/judges`.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let bin = std::env::var_os("YINXIN_JUDGE_STAMPS")
                .map_or_else(|| judges_dir().join("venv-stamps").join("bin"), PathBuf::from);
            let python = bin.join("python3");
            let run = capture(Command::new(&python).args(["-c", "import rfc3161_client, pyhanko"])).ok()?;
            (run.code == Some(0)).then_some(python)
        });
        let Some(python) = found.clone() else {
            left_out("rfc3161-client and pyHanko: not installed; `cargo gate --only judges` installs them");
            return None;
        };
        let script = judges_dir().join(format!("tsp_judge-{}.py", std::process::id()));
        std::fs::create_dir_all(judges_dir()).ok()?;
        std::fs::write(&script, SCRIPT).ok()?;
        Some(Self { python, script })
    }

    /// What one of them makes of an answer about SHA-256 of `data`. Facts: `time`.
    pub fn judge(&self, name: &str, data: &Path, answer: &Path, root: &Path) -> Verdict {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(name).args([data, answer, root]);
        match capture(&mut command) {
            Err(why) => Verdict::Broken(why),
            Ok(run) => match run.code {
                Some(0) => Verdict::Accepts(run.output()),
                Some(1) if run.stdout.contains("refused: ") => Verdict::Refuses(run.output()),
                _ => Verdict::Broken(run.output()),
            },
        }
    }
}
