//! Chromium without a window, under a policy that has it ask for revocation: by itself it does not.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{nss_store, program};
use crate::judges::{capture, left_out};

/// Where Debian's Chromium looks for policies.
const POLICIES: &str = "/etc/chromium";

/// Chromium, with a root it believes and a policy of its own.
#[derive(Debug)]
pub struct Chromium {
    program: PathBuf,
    folder: PathBuf,
    attempts: u32,
}

impl Chromium {
    /// The programs that are needed, or says what is left out. Policies are machine-wide; here a mount that
    /// only the browser sees stands in for them, so that nothing of the machine is changed.
    pub fn find() -> Option<PathBuf> {
        program("certutil", "libnss3-tools")?;
        let chromium = program("chromium", "chromium")?;
        let mount = format!("mount --bind /tmp {POLICIES}");
        let run = capture(Command::new("unshare").args(["-rm", "sh", "-c", &mount]));
        match run {
            Ok(run) if run.code == Some(0) => Some(chromium),
            other => {
                let why = other.map_or_else(|e| e, |run| run.output());
                left_out(&format!("chromium: its policies cannot be replaced for a test: {}", why.trim()));
                None
            }
        }
    }

    /// Prepares a profile in `folder` that believes `root`.
    pub fn prepare(program: &Path, folder: &Path, root: &Path) -> Self {
        nss_store(&folder.join(".pki/nssdb"), root);
        let managed = folder.join("etc/policies/managed");
        std::fs::create_dir_all(&managed).unwrap();
        let policy = serde_json::json!({ "EnableOnlineRevocationChecks": true });
        std::fs::write(managed.join("revocation.json"), policy.to_string()).unwrap();
        Self { program: program.to_owned(), folder: folder.to_owned(), attempts: 0 }
    }

    /// Opens an address and gives what Chromium shows and says, its own error page included. `*.test` leads to this machine.
    pub fn open(&mut self, url: &str) -> String {
        let mut said = String::new();
        // On a busy machine it sometimes ends before the page is there, and says nothing of it.
        for _ in 0..3 {
            self.attempts += 1;
            match self.attempt(url) {
                Ok(page) => return page,
                Err(output) => said = output,
            }
        }
        panic!("Chromium shows nothing: {said}");
    }

    /// With a profile of its own each time, so that no answer of before is remembered.
    fn attempt(&self, url: &str) -> Result<String, String> {
        let attempt = self.attempts;
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &format!("mount --bind \"$0\" {POLICIES} && exec \"$@\"")]);
        command.arg(self.folder.join("etc")).arg("timeout").arg("40").arg(&self.program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]);
        command.arg("--disable-background-networking").arg("--no-first-run");
        command.arg(format!("--user-data-dir={}", self.folder.join(format!("profile-{attempt}")).display()));
        command.arg("--host-resolver-rules=MAP *.test 127.0.0.1").arg(url).env("HOME", &self.folder);
        let run = capture(&mut command).unwrap();
        // A page that it refuses may come as its error page, or as a line among its complaints.
        let loaded = !run.stdout.trim().is_empty() || run.stderr.contains("net::ERR_");
        if loaded { Ok(run.output()) } else { Err(run.output()) }
    }
}
