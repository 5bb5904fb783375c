//! The real program with its authorities' keys in a PKCS#11 token, as an operator meets it: first start, self-test, a
//! wrong PIN, a token that is away, a restart. SoftHSM plays the token.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "pin-of-the-token-8071";

struct House {
    dir: tempfile::TempDir,
    server: Option<Child>,
}

impl House {
    /// A token, and a configuration that names it; `None` where there is no SoftHSM.
    fn new() -> Option<Self> {
        let Some(module) = MODULES.iter().find(|path| Path::new(path).exists()) else {
            eprintln!("LEFT OUT: the program with a token: no SoftHSM here (Debian: softhsm2)");
            return None;
        };
        let house = Self { dir: tempfile::tempdir().unwrap(), server: None };
        let tokens = house.path("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let conf = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        std::fs::write(house.path("softhsm2.conf"), conf).unwrap();
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", "authorities", "--so-pin", "of the officer", "--pin", PIN]);
        let made = init.env("SOFTHSM2_CONF", house.path("softhsm2.conf")).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        house.write_pin(PIN);
        let pin = house.path("pin");
        for label in ["authorities", "another"] {
            let config = format!(
                "[pool]\nthreads = 2\n[pool.pkcs11]\nmodule = \"{module}\"\ntoken = \"{label}\"\npin_file = \"{}\"\n",
                pin.display()
            );
            std::fs::write(house.path(&format!("{label}.toml")), config).unwrap();
        }
        Some(house)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_pin(&self, pin: &str) {
        std::fs::write(self.path("pin"), format!("{pin}\n")).unwrap();
        std::fs::set_permissions(self.path("pin"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
        command
            .current_dir(self.dir.path())
            .env("YINXIN_DATA", self.path("data"))
            .env("YINXIN_TRUST", self.path("trust"))
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .env("LC_ALL", "C")
            .args(line.split_whitespace());
        command
    }

    fn start(&mut self, config: &str) {
        let line = format!("--config {config}.toml up --json --http 127.0.0.1:0 --https localhost:0");
        let log = std::fs::File::options().create(true).append(true).open(self.path("server.log")).unwrap();
        let mut server = self.command(&line).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let mut said = String::new();
        loop {
            let read = out.read_line(&mut said).unwrap();
            assert!(read > 0, "the server ended: {said} {}", std::fs::read_to_string(self.path("server.log")).unwrap());
            if serde_json::from_str::<Value>(&said).is_ok() {
                break;
            }
        }
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        self.server = Some(server);
    }

    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(server.wait().unwrap().success(), "stopped in order");
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn good(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}\n{}\n{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn bad(&self, line: &str) -> String {
        let output = self.run(line);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success(), "{line}\n{all}");
        all
    }

    /// The check of this name in what `doctor` or `status` says.
    fn check(&self, command: &str) -> (bool, String) {
        let said = self.run(&format!("{command} --json"));
        let said: Value = serde_json::from_slice(&said.stdout).unwrap();
        let checks = said["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "pkcs11").unwrap_or_else(|| panic!("{said}"));
        (check["ok"].as_bool().unwrap(), check["detail"].as_str().unwrap().to_owned())
    }

    /// Every file below a folder that holds these octets.
    fn files_with(&self, octets: &[u8]) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path("data")]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path)
                    && bytes.windows(octets.len()).any(|window| window == octets)
                {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_installation_with_its_keys_in_a_token_is_run_and_mended_by_its_operator() {
    let Some(mut house) = House::new() else { return };
    house.start("authorities");
    let (ok, detail) = house.check("doctor");
    assert!(ok && detail.contains("token authorities") && detail.contains("SoftHSM"), "{detail}");
    // The ECDSA authorities' keys are there; the SM2 ones are in software.
    assert!(detail.contains("ec-root") && detail.contains("ec-issuing") && !detail.contains("sm2"), "{detail}");
    let (ok, detail) = house.check("status");
    assert!(ok && detail.contains("answers"), "{detail}");
    house.good("issue first.example.cn --key-type p256");

    // The PIN is in its file and nowhere else.
    let pid = house.server.as_ref().unwrap().id();
    for told in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{told}")).unwrap_or_default();
        assert!(!text(&bytes).contains(PIN), "{told}");
    }
    house.stop();
    assert_eq!(house.files_with(PIN.as_bytes()), Vec::<PathBuf>::new());
    assert!(!std::fs::read_to_string(house.path("server.log")).unwrap().contains(PIN));

    // A restart, with a wrong PIN: the server is there, and says what is wrong with the token.
    house.write_pin("wrong");
    house.start("authorities");
    let (ok, detail) = house.check("doctor");
    assert!(!ok && detail.contains("PIN") && detail.contains("ec-issuing"), "{detail}");
    let said = house.bad("issue second.example.cn --key-type p256");
    assert!(said.contains("DEVICE_REFUSED"), "{said}");
    house.good("issue soft.example.cn --key-type sm2");
    // The right one is taken without a restart.
    house.write_pin(PIN);
    house.good("issue second.example.cn --key-type p256");
    assert!(house.check("doctor").0);
    house.stop();

    // Another token than the one with the keys.
    house.start("another");
    let (ok, detail) = house.check("doctor");
    assert!(!ok && detail.contains("token another"), "{detail}");
    let said = house.bad("issue third.example.cn --key-type p256");
    assert!(said.contains("DEVICE_AWAY"), "{said}");
    house.good("issue soft.example.cn --key-type sm2 --out soft");
    house.stop();

    house.start("authorities");
    house.good("issue third.example.cn --key-type p256");
    house.good("audit verify");
    house.stop();
}

#[test]
fn a_first_start_without_the_token_makes_no_installation() {
    let Some(house) = House::new() else { return };
    let said = house.bad("--config another.toml up --http 127.0.0.1:0 --https localhost:0");
    assert!(said.contains("Token another does not answer"), "{said}");
    assert!(!house.path("data/setup.toml").exists(), "no installation");
}
