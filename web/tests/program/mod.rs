//! The real program, typed at as a person would: a server in a folder of its own, and commands beside it.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub const PASSPHRASE: &str = "correct horse battery staple\n";

/// A folder with a data directory in it and, perhaps, a running server.
pub struct House {
    dir: tempfile::TempDir,
    server: Option<Child>,
    started: Value,
    environment: Vec<(String, PathBuf)>,
    /// What the server says on standard error, all starts together.
    pub said: PathBuf,
}

impl House {
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let said = dir.path().join("said.log");
        // Little kept back on the disk: it would only be looked through for nothing.
        std::fs::create_dir(dir.path().join("data")).unwrap();
        set_mode(&dir.path().join("data"), 0o700);
        std::fs::write(dir.path().join("data/yinxin.toml"), "[storage]\nreserve = 1048576\n").unwrap();
        Self { dir, server: None, started: Value::Null, environment: Vec::new(), said }
    }

    /// For the server, from the next start on.
    pub fn environment(&mut self, name: &str, value: &Path) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn start(&mut self) {
        let said = std::fs::File::options().create(true).append(true).open(&self.said).unwrap();
        let mut server = self
            .command(&["up", "--json", "--http", "127.0.0.1:0", "--https", "localhost:0"])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("YINXIN_LOG", "debug")
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        self.started = first_value(server.stdout.take().unwrap());
        self.server = Some(server);
    }

    /// Asks the server to stop, as a service manager does.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let pid = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(server.wait().unwrap().success(), "stopped in order");
    }

    /// SIGKILL: no handler, no flush, no goodbye.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        server.kill().unwrap();
        server.wait().unwrap();
    }

    pub fn server(&self) -> &Child {
        self.server.as_ref().unwrap()
    }

    pub fn server_mut(&mut self) -> &mut Child {
        self.server.as_mut().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
        command
            .current_dir(self.dir.path())
            .env("YINXIN_DATA", self.path("data"))
            .env("YINXIN_TRUST", self.path("trust"))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .args(words);
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(&line.split_whitespace().collect::<Vec<_>>()).output().unwrap()
    }

    /// A command that works; what it printed.
    pub fn good(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let said = std::fs::read_to_string(&self.said).unwrap_or_default();
        assert!(output.status.success(), "{line}\n{out}\n{err}\n{said}");
        out
    }

    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.good(&format!("{line} --json"))).unwrap()
    }

    /// What a command says as JSON, whether it is content or not.
    pub fn json_whatever(&self, line: &str) -> Value {
        serde_json::from_slice(&self.run(&format!("{line} --json")).stdout).unwrap()
    }

    /// A command that fails with this exit status; everything it printed.
    pub fn bad(&self, status: i32, line: &str) -> String {
        let output = self.run(line);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}\n{all}");
        all
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file that its owner alone may read.
    pub fn secret(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
    }

    pub fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub fn text_of(&self, name: &str) -> String {
        self.started[name].as_str().unwrap().to_owned()
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

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A share of the same set, generation and number as this one, of another secret.
pub fn made_up(text: &str) -> String {
    use crypto_pool::root_key::shares::{Share, split};
    let share = Share::parse(text).unwrap();
    let forged = split(&[7; 32], *share.set(), &crypto_pool::random::SeededRandom::new(5)).unwrap();
    forged[usize::from(share.number()) - 1].to_text().to_string()
}

/// The first JSON value of a stream; the rest is read and thrown away, so that the writer never waits.
fn first_value(stream: impl Read + Send + 'static) -> Value {
    let mut reader = BufReader::new(stream);
    let mut so_far = String::new();
    loop {
        assert!(reader.read_line(&mut so_far).unwrap() > 0, "the server ended: {so_far}");
        if let Ok(value) = serde_json::from_str(&so_far) {
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            return value;
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A command on a terminal of its own.
pub struct Terminal {
    child: Child,
    keys: std::process::ChildStdin,
    seen: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    /// How much was seen when the last key was typed.
    mark: usize,
}

impl Terminal {
    /// `None` if the program that gives terminals is not installed.
    pub fn open(house: &House, line: &str) -> Option<Self> {
        let typed = format!("{} {line}", env!("CARGO_BIN_EXE_yinxin"));
        let like = house.command(&[]);
        let mut command = Command::new("script");
        command.args(["-qec", &typed, "/dev/null"]).current_dir(house.path(""));
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (keys, mut shown) = (child.stdin.take()?, child.stdout.take()?);
        let seen = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
        let into = seen.clone();
        let reader = std::thread::spawn(move || {
            let mut some = [0; 512];
            while let Ok(n @ 1..) = shown.read(&mut some) {
                into.lock().unwrap().extend_from_slice(&some[..n]);
            }
        });
        Some(Self { child, keys, seen, reader: Some(reader), mark: 0 })
    }

    pub fn seen(&self) -> String {
        text(&self.seen.lock().unwrap())
    }

    fn wait(&self, from: usize, words: &str) -> String {
        let begun = std::time::Instant::now();
        loop {
            let seen = text(self.seen.lock().unwrap().get(from..).unwrap_or_default());
            if seen.contains(words) {
                // What asks turns the echo off after it has asked, and drops what was typed before.
                std::thread::sleep(std::time::Duration::from_millis(150));
                return self.seen();
            }
            assert!(begun.elapsed().as_secs() < 30, "{words:?} was never shown: {:?}", self.seen());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Waits until this was shown; all that was.
    pub fn wait_for(&self, words: &str) -> String {
        self.wait(0, words)
    }

    /// Waits until this is shown after the last typing.
    pub fn wait_again_for(&self, words: &str) -> String {
        self.wait(self.mark, words)
    }

    pub fn type_line(&mut self, line: &str) {
        use std::io::Write as _;
        self.mark = self.seen.lock().unwrap().len();
        self.keys.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for its end; whether it was a good one.
    pub fn end(&mut self) -> bool {
        let good = self.child.wait().unwrap().success();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        good
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
