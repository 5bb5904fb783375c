//! Firefox without a window, told what to do over Marionette: its own protocol, `LENGTH:JSON` on a socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Running, connect, free_port, nss_store, program};

/// Firefox, with a root it believes.
#[derive(Debug)]
pub struct Firefox {
    marionette: TcpStream,
    next: u64,
    _running: Running,
}

impl Firefox {
    /// The programs that are needed, or says what is left out.
    pub fn find() -> Option<PathBuf> {
        program("certutil", "libnss3-tools")?;
        program("firefox-esr", "firefox-esr")
    }

    /// Starts it with a new profile in `folder`. `hosts` lead to this machine. Settings are those of a
    /// new installation, but for what would reach out to the world.
    pub fn start(program: &Path, folder: &Path, root: &Path, hosts: &[&str]) -> Self {
        let profile = folder.join("profile");
        nss_store(&profile, root);
        let port = free_port();
        let settings = [
            ("marionette.port", json!(port)),
            ("network.dns.localDomains", json!(hosts.join(","))),
            // A dead address: no lists of revoked certificates from Mozilla, which knows nothing of this root.
            ("services.settings.server", json!("http://127.0.0.1:9/")),
            ("network.captive-portal-service.enabled", json!(false)),
            ("network.connectivity-service.enabled", json!(false)),
            ("network.proxy.type", json!(0)),
            ("app.update.enabled", json!(false)),
            ("browser.shell.checkDefaultBrowser", json!(false)),
            ("datareporting.policy.dataSubmissionEnabled", json!(false)),
            ("toolkit.telemetry.enabled", json!(false)),
            // The default of two seconds judges how busy this machine is.
            ("security.OCSP.timeoutMilliseconds.soft", json!(10_000)),
        ];
        let lines: Vec<String> =
            settings.iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});")).collect();
        std::fs::write(profile.join("user.js"), lines.join("\n")).unwrap();
        let mut command = Command::new(program);
        command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(&profile).env("HOME", folder);
        let running = Running::start(&mut command, &folder.join("firefox.log"));
        let marionette = connect(port, Duration::from_secs(40));
        marionette.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut firefox = Self { marionette, next: 0, _running: running };
        let hello = firefox.receive();
        assert_eq!(hello["marionetteProtocol"], 3, "{hello}");
        firefox.ask("WebDriver:NewSession", &json!({})).unwrap();
        firefox
    }

    /// Opens an address: the text of the page, or the name of the error that Firefox shows instead.
    pub fn open(&mut self, url: &str) -> Result<String, String> {
        match self.ask("WebDriver:Navigate", &json!({ "url": url })) {
            Ok(_) => Ok(self.script("return document.body.innerText")),
            Err(_) => Err(self.script("return document.getFailedCertSecurityInfo().errorCodeString")),
        }
    }

    fn script(&mut self, script: &str) -> String {
        let value = self.ask("WebDriver:ExecuteScript", &json!({ "script": script, "args": [] }));
        let text = value.map(|value| value["value"].as_str().map(str::to_owned));
        text.unwrap_or_else(|error| Some(error.to_string())).unwrap_or_default()
    }

    fn ask(&mut self, command: &str, arguments: &Value) -> Result<Value, Value> {
        self.next += 1;
        let message = json!([0, self.next, command, arguments]).to_string();
        self.marionette.write_all(format!("{}:{message}", message.len()).as_bytes()).unwrap();
        let mut answer = self.receive();
        assert_eq!(answer[1], self.next, "{answer}");
        if answer[2].is_null() { Ok(answer[3].take()) } else { Err(answer[2].take()) }
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut byte = [0];
            self.marionette.read_exact(&mut byte).unwrap();
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut message = vec![0; length];
        self.marionette.read_exact(&mut message).unwrap();
        serde_json::from_slice(&message).unwrap()
    }
}
