//! Chromium told what to do as a person would: clicks, keys, files. Over WebDriver (W3C), which is JSON over plain
//! HTTP to chromedriver, with a few of Chromium's own commands for what the standard leaves out.
//!
//! Nothing here waits for a fixed time: what takes a while is asked for again until it is so, or until a patience
//! that only a machine in trouble uses up is over; then the test fails with what the page showed.

mod browser;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Running, nss_store, program};
use crate::judges::left_out;

pub use browser::{Browser, Page};

/// How long anything may take on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A running chromedriver, and the root its browsers believe.
#[derive(Debug)]
pub struct WebDriver {
    port: u16,
    folder: PathBuf,
    chromium: PathBuf,
    _running: Running,
}

impl WebDriver {
    /// Starts it with its files in `folder`, or says what is left out. Browsers of it believe `root`.
    pub fn start(folder: &Path, root: &Path) -> Option<Self> {
        program("certutil", "libnss3-tools")?;
        let chromium = program("chromium", "chromium")?;
        let driver = program("chromedriver", "chromium-driver")?;
        std::fs::create_dir_all(folder).unwrap();
        nss_store(&folder.join(".pki/nssdb"), root);
        let log = folder.join("chromedriver.log");
        // It takes a free port itself and says which.
        let mut command = Command::new(driver);
        command.arg("--port=0").env("HOME", folder).env("TMPDIR", folder);
        let running = Running::start(&mut command, &log);
        let end = Instant::now() + PATIENCE;
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let port = said.split("successfully on port ").nth(1).and_then(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            });
            if let Some(port) = port {
                return Some(Self { port, folder: folder.to_owned(), chromium, _running: running });
            }
            if Instant::now() > end {
                left_out(&format!("chromedriver: it does not start: {}", said.trim()));
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A browser with a profile of its own, as another person at another machine would have, or says why not.
    pub fn browser(&self, person: &str) -> Option<Browser> {
        let home = self.folder.join(person);
        let downloads = home.join("downloads");
        std::fs::create_dir_all(&downloads).unwrap();
        let mut why = String::new();
        // On a busy machine Chromium sometimes ends before chromedriver found it.
        for attempt in 0..3 {
            match wire::ask(self.port, "POST", "/session", Some(&self.wishes(&home, attempt))) {
                Ok(answer) => {
                    let session = answer["sessionId"].as_str().unwrap().to_owned();
                    return Some(Browser::new(self.port, session, downloads));
                }
                Err(error) => why = error,
            }
        }
        left_out(&format!("chromium: it does not start under chromedriver: {}", first_line(&why)));
        None
    }

    fn wishes(&self, home: &Path, attempt: u32) -> Value {
        let profile = home.join(format!("profile-{attempt}"));
        let arguments = [
            "--headless=new".to_owned(),
            // Tests run as root in containers, where Chromium's sandbox does not start.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--no-first-run".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--window-size=1280,900".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({
            "binary": self.chromium,
            "args": arguments,
            "prefs": {
                "download.default_directory": home.join("downloads"),
                "download.prompt_for_download": false,
                "intl.accept_languages": "zh-CN,zh",
            },
        });
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "pageLoad": 60_000, "script": 60_000 },
            "unhandledPromptBehavior": "ignore",
        } } })
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
