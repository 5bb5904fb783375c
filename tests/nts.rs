//! Network Time Security against a server made by others: chronyd, with a certificate of this test.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto_pool::OsRandom;
use pki_config::Clock;
use pki_config::config::{Seconds, TsaClockConfig};
use pki_config::time::SystemClock;
use tsa::TrustedClock;
use tsa::clock::Poller;

/// chronyd as a server with NTS, ended with the test.
struct Chrony {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Drop for Chrony {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn find(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin"].iter().map(|dir| Path::new(dir).join(program)).find(|at| at.exists())
}

impl Chrony {
    /// `None`, said loudly, where it cannot run.
    fn start() -> Option<Self> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let Some(chronyd) = find("chronyd").filter(|_| root) else {
            judges::left_out("NTS: chronyd is not installed, or this is not root, as which alone it serves");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        certify(&at("key.pem"), &at("cert.pem"));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ntp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = format!(
            "port {ntp}\nntsport {port}\nntsservercert {}\nntsserverkey {}\nlocal stratum 8\nallow 127.0.0.1\n\
             cmdport 0\nbindcmdaddress /\npidfile {}\nntsrefresh 3600\n",
            at("cert.pem"),
            at("key.pem"),
            at("pid")
        );
        std::fs::write(at("chrony.conf"), text).unwrap();
        // -x: it leaves the clock alone.
        let process = Command::new(chronyd)
            .args(["-x", "-d", "-u", "root", "-f", &at("chrony.conf")])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        let mut chrony = Self { folder, port, process };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", chrony.port)).is_err() {
            let gone = chrony.process.try_wait().unwrap().is_some();
            if gone || Instant::now() > end {
                let log = std::fs::read_to_string(chrony.file("log")).unwrap_or_default();
                judges::left_out(&format!("NTS: chronyd does not start here: {}", log.lines().last().unwrap_or("")));
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(chrony)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Our clock, asking it as `localhost`.
    fn asked_by(&self, roots: &Path) -> (Arc<TrustedClock>, Poller) {
        let config = TsaClockConfig {
            nts_servers: vec![format!("localhost:{}", self.port)],
            nts_roots: Some(roots.to_owned()),
            healthy_polls: 1,
            holdover: Seconds(16),
            ..TsaClockConfig::default()
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let trusted = Arc::new(TrustedClock::from_config(&config, Arc::clone(&clock)));
        let random = Arc::new(OsRandom::open().unwrap());
        (Arc::clone(&trusted), Poller::new(&config, trusted, clock, random))
    }
}

/// A certificate for localhost that is its own root.
fn certify(key: &str, certificate: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn chronyd_tells_the_time_and_gives_a_new_cookie_with_every_answer() {
    let Some(chrony) = Chrony::start() else { return };
    let (trusted, poller) = chrony.asked_by(&chrony.file("cert.pem"));
    // More often than there were cookies at first: the answers' own are used.
    for turn in 0..12 {
        poller.round().await;
        let health = trusted.health();
        assert_eq!(health.sources[0].fault, None, "turn {turn}");
        assert!(health.sources[0].agrees, "turn {turn}");
    }
    let reading = trusted.now().unwrap();
    let off = reading.unix_micros() / 1000 - SystemClock.now().unix_millis();
    assert!(reading.is_measured() && off.abs() < 1000, "{off} ms, {reading:?}");
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_believed_is_not_asked() {
    let Some(chrony) = Chrony::start() else { return };
    let other = chrony.file("other.pem");
    certify(&chrony.file("other.key").display().to_string(), &other.display().to_string());
    let (trusted, poller) = chrony.asked_by(&other);
    poller.round().await;
    let fault = trusted.health().sources[0].fault.clone().expect("refused");
    assert!(fault.contains("no keys were agreed on") && fault.contains("certificate"), "{fault}");
    assert!(trusted.now().is_err());
    let (trusted, poller) = chrony.asked_by(&chrony.file("no-such-file"));
    poller.round().await;
    let fault = trusted.health().sources[0].fault.clone().expect("refused");
    assert!(fault.contains("nts_roots"), "{fault}");
}
