//! The real program, killed without warning while it works.
//!
//! One claim: whatever it has acknowledged is still there afterwards. Callers on several threads issue and
//! revoke over the Unix socket; at a random moment the process gets SIGKILL; it starts again; every
//! acknowledged certificate must be found, every acknowledged revocation must hold, no serial may have been
//! given twice, and the audit log must verify.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How often the process is killed. `YINXIN_KILLS` overrides it for a longer run.
const KILLS: u64 = 200;
const CALLERS: usize = 4;

const CSRS: [&str; 2] = [include_str!("data/sm2.csr.pem"), include_str!("data/p256.csr.pem")];

struct Server {
    child: Child,
    data: PathBuf,
}

impl Server {
    /// Starts the program and waits until its socket answers. Returns how long that took.
    fn start(data: &Path) -> (Self, Duration) {
        let begun = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_yinxin"))
            .args(["--data", data.to_str().unwrap(), "up", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"])
            .env("YINXIN_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut server = Self { child, data: data.to_owned() };
        while begun.elapsed() < Duration::from_secs(60) {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the program ended by itself: {status}");
            }
            if call(data, "system/status", &json!({})).is_some() {
                return (server, begun.elapsed());
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the program does not answer");
    }

    fn kill(mut self) {
        // SIGKILL: no handler, no flush, no goodbye.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn ask(&self, verb: &str, body: &Value) -> Value {
        let (status, answer) = call(&self.data, verb, body).expect("the program answers");
        assert_eq!(status, 200, "{verb}: {answer}");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One call over the Unix socket; `None` if the connection fails or breaks before the answer is whole.
fn call(data: &Path, verb: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(data.join("yinxin.sock")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let body = body.to_string();
    let head = format!(
        "POST /api/v1/{verb} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let status: u16 = line.split(' ').nth(1)?.parse().ok()?;
    let mut length = None;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let mut answer = vec![0; length?];
    reader.read_exact(&mut answer).ok()?;
    Some((status, serde_json::from_slice(&answer).ok()?))
}

/// What callers were told is done.
#[derive(Default)]
struct Acknowledged {
    /// Serial → whether its revocation was acknowledged, too.
    certificates: HashMap<String, bool>,
    /// Serials given twice.
    repeated: Vec<String>,
}

fn work(data: &Path, caller: usize, stop: &AtomicBool, counter: &AtomicU64, done: &Mutex<Acknowledged>) {
    while !stop.load(Ordering::Relaxed) {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let name = format!("host-{number}.example.cn");
        let ask = json!({
            "csr": CSRS[(caller + usize::try_from(number).unwrap()) % 2],
            "subject": format!("CN={name}"),
            "sans": [format!("dns:{name}")],
        });
        let Some((status, answer)) = call(data, "cert/issue", &ask) else { continue };
        if status != 200 {
            // A server that is going down may say so; nothing was acknowledged then.
            continue;
        }
        let serial = answer["serial"].as_str().unwrap().to_owned();
        if done.lock().unwrap().certificates.insert(serial.clone(), false).is_some() {
            done.lock().unwrap().repeated.push(serial.clone());
        }
        if number.is_multiple_of(3) {
            let ask = json!({ "serial": serial, "reason": "superseded" });
            if let Some((200, _)) = call(data, "cert/revoke", &ask) {
                done.lock().unwrap().certificates.insert(serial, true);
            }
        }
    }
}

/// Every serial in the list, with its status.
fn listed(server: &Server) -> HashMap<String, String> {
    let mut all = HashMap::new();
    let mut after = Value::Null;
    loop {
        let page = server.ask("cert/list", &json!({ "limit": 500, "after": after }));
        for line in page["certificates"].as_array().unwrap() {
            let serial = line["serial"].as_str().unwrap().to_owned();
            let status = line["status"].as_str().unwrap().to_owned();
            assert!(all.insert(serial.clone(), status).is_none(), "serial {serial} is listed twice");
        }
        after = page["next"].clone();
        if after.is_null() {
            return all;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let kills = std::env::var("YINXIN_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(KILLS);
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("d");
    let done = Arc::new(Mutex::new(Acknowledged::default()));
    let counter = Arc::new(AtomicU64::new(0));
    // A seed that is printed, so that a failure can be looked into.
    let mut seed = u64::from(std::process::id()) | 1;
    println!("seed {seed}");
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };

    let (mut server, _) = Server::start(&data);
    let mut slowest = Duration::ZERO;
    for round in 1..=kills {
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (data, stop, counter, done) = (data.clone(), stop.clone(), counter.clone(), done.clone());
                thread::spawn(move || work(&data, caller, &stop, &counter, &done))
            })
            .collect();
        thread::sleep(Duration::from_millis(20 + random() % 230));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().unwrap();
        }
        let (again, took) = Server::start(&data);
        server = again;
        slowest = slowest.max(took);

        let known = listed(&server);
        {
            let done = done.lock().unwrap();
            assert!(done.repeated.is_empty(), "serials given twice: {:?}", done.repeated);
            for (serial, revoked) in &done.certificates {
                let status = known.get(serial).unwrap_or_else(|| panic!("round {round}: {serial} is lost"));
                if *revoked {
                    assert_eq!(status, "revoked", "round {round}: the revocation of {serial} is lost");
                }
            }
        }
        // The log is verified each time it has grown by some rounds, and at the end.
        if round % 10 == 0 || round == kills {
            let report = server.ask("audit/verify", &json!({}));
            assert_eq!(report["ok"], true, "round {round}: {report}");
        }
    }
    let done = done.lock().unwrap();
    let serials: HashSet<_> = done.certificates.keys().collect();
    let revoked = done.certificates.values().filter(|revoked| **revoked).count();
    println!(
        "{kills} kills, {} certificates and {revoked} revocations acknowledged, none lost; slowest start {slowest:?}",
        serials.len()
    );
    assert!(serials.len() > usize::try_from(kills).unwrap(), "too little was acknowledged to show anything");
}
