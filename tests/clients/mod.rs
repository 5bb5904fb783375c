//! Programs that are not ours, run against a whole service of ours as their users run them: browsers, web
//! servers, other people's command lines.
//!
//! Include with `#[path = "clients/mod.rs"] mod clients;`, beside `judges` and `support`. A program that this
//! machine does not have is left out aloud; each one started ends with the value that holds it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file that includes this one uses a part of it")]

mod chromium;
mod firefox;
pub mod http;
mod nginx;
mod service;
mod webdriver;

#[allow(unused_imports, reason = "as above")]
pub use self::{
    chromium::Chromium,
    firefox::Firefox,
    nginx::{Nginx, Site, Stapling},
    service::{Leaf, Service},
    webdriver::{Browser, Page, WebDriver},
};

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where a program is, or says that what it would show is left out.
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let sbin = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    let found = std::env::split_paths(&folders).chain(sbin).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        super::judges::left_out(&format!("{name}: not installed (Debian: {package})"));
    }
    found
}

/// A program that runs beside the test. Ends with this value, and all it started with it.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it in a process group of its own; its output goes to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let both = file.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(file).stderr(both).process_group(0).spawn().unwrap();
        Self(child)
    }

    fn signal(&self, signal: &str) {
        // The whole group: browsers and web servers are many processes.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }

    fn ended_within(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("-TERM");
        self.ended_within(Duration::from_secs(3));
        self.signal("-KILL");
        let _ = self.0.wait();
    }
}

/// A port nobody listens on. Whoever takes it at once is alone with it, as far as one machine's tests go.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A connection to a program that was just started.
pub fn connect(port: u16, patience: Duration) -> TcpStream {
    let end = Instant::now() + patience;
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() >= end => panic!("nobody listens on {port}: {error}"),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A certificate store of NSS, in which `root` is believed for web servers.
pub fn nss_store(folder: &Path, root: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let database = format!("sql:{}", folder.display());
    let new = ["-N", "--empty-password", "-d", &database];
    let root = root.to_str().unwrap();
    let add = ["-A", "-n", "root", "-t", "C,,", "-i", root, "-d", &database];
    for arguments in [&new[..], &add[..]] {
        let run = super::judges::capture(Command::new("certutil").args(arguments)).unwrap();
        assert_eq!(run.code, Some(0), "{}", run.output());
    }
}
