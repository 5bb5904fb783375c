//! The real program, killed without warning while it makes time-stamps.
//!
//! Callers on several threads have digests stamped over the Unix socket; at a random moment the process gets
//! SIGKILL; it starts again. Every token that was handed out must be in the archive byte for byte, no number
//! may have been given twice, every time after a restart must be later than every time before it, and the
//! audit log must verify.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::Serial;
use serde_json::{Value, json};
use tsa::Moment;
use tsa::core::request::{Draft, Hash};
use tsa::core::token::TstInfo;

/// How often the process is killed. `YINXIN_KILLS` overrides it for a longer run.
const KILLS: u64 = 5;
const CALLERS: usize = 4;

struct Server(Child);

impl Server {
    fn start(data: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_yinxin"))
            .args(["--data", data.to_str().unwrap(), "up", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"])
            .env("YINXIN_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut server = Self(child);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Some(status) = server.0.try_wait().unwrap() {
                panic!("the program ended by itself: {status}");
            }
            if call(data, "system/status", &json!({})).is_some() {
                return server;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the program does not answer");
    }

    fn kill(mut self) {
        // SIGKILL: no handler, no flush, no goodbye.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request on a connection; `None` if it breaks before the answer is whole.
fn ask(stream: &mut UnixStream, path: &str, kind: &str, body: &[u8]) -> Option<Vec<u8>> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        answer.extend_from_slice(&buffer[..read]);
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
        if answer.len() >= end + 4 + length {
            return head.starts_with("http/1.1 200").then(|| answer[end + 4..].to_vec());
        }
    }
}

fn connect(data: &Path) -> Option<UnixStream> {
    let stream = UnixStream::connect(data.join("yinxin.sock")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    Some(stream)
}

fn call(data: &Path, verb: &str, body: &Value) -> Option<Value> {
    let answer = ask(&mut connect(data)?, &format!("/api/v1/{verb}"), "application/json", body.to_string().as_bytes())?;
    serde_json::from_slice(&answer).ok()
}

/// The token of a granted answer; a server that goes down may refuse.
fn granted(response: &[u8]) -> Option<&[u8]> {
    let at = response.windows(5).take(8).position(|window| window == [0x30, 3, 2, 1, 0])?;
    Some(&response[at + 5..])
}

/// What was handed out: by number, the time and the token.
type Handed = Mutex<(HashMap<String, (Moment, Vec<u8>)>, Vec<String>)>;

fn work(data: &Path, caller: usize, stop: &AtomicBool, handed: &Handed) {
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = connect(data) else { continue };
        loop {
            number += 1;
            let hash = if number.is_multiple_of(2) { Hash::Sm3 } else { Hash::Sha256 };
            let mut digest = [u8::try_from(caller).unwrap(); 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            let draft = Draft { hash, digest: &digest, policy: None, nonce: None, cert_req: number.is_multiple_of(3) };
            let Some(answer) = ask(&mut stream, "/tsa", "application/timestamp-query", &draft.to_der()) else { break };
            let Some(token) = granted(&answer) else { continue };
            let info = TstInfo::of_token(token).unwrap();
            assert_eq!(info.imprint.digest(), digest);
            let serial = Serial::from_der_content(info.serial).unwrap().to_string();
            let mut handed = handed.lock().unwrap();
            if handed.0.insert(serial.clone(), (info.time, token.to_vec())).is_some() {
                handed.1.push(serial);
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

#[test]
fn no_number_is_given_twice_no_token_lost_and_times_rise_over_every_kill() {
    let kills = std::env::var("YINXIN_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(KILLS);
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("d");
    let handed = Handed::default();
    let mut newest = None;
    for round in 0..=kills {
        let server = Server::start(&data);
        let before = handed.lock().unwrap().0.len();
        let stop = AtomicBool::new(false);
        // A moment that differs from round to round: 50 to 350 ms into the load.
        let load = Duration::from_millis(50 + round * 7919 % 300);
        let server = thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (data, stop, handed) = (&data, &stop, &handed);
                scope.spawn(move || work(data, caller, stop, handed));
            }
            thread::sleep(load);
            let server = if round == kills { Some(server) } else { (server.kill(), None).1 };
            stop.store(true, Ordering::Relaxed);
            server
        });
        let mut all = handed.lock().unwrap();
        assert_eq!(all.1, [] as [String; 0], "numbers given twice");
        // Everything of this round is later than everything before it.
        let times = |all: &HashMap<String, (Moment, Vec<u8>)>| all.values().map(|(time, _)| *time).collect::<Vec<_>>();
        let mut sorted = times(&all.0);
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "two tokens of one time");
        let earlier = newest.map_or(0, |newest| sorted.partition_point(|time| *time <= newest));
        assert_eq!(earlier, before, "round {round}: a time at or before the newest of an earlier start");
        newest = sorted.last().copied();
        let Some(server) = server else { continue };
        for (serial, (_, token)) in all.0.drain() {
            let found = call(&data, "tsa/token", &json!({ "serial": serial })).expect("an acknowledged token");
            assert_eq!(STANDARD.decode(found["token"].as_str().unwrap()).unwrap(), token, "{serial}");
        }
        let report = call(&data, "audit/verify", &json!({})).unwrap();
        assert_eq!(report["ok"], true, "{report}");
        drop(server);
    }
    assert!(newest.is_some(), "nothing was stamped");
}
