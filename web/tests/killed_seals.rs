//! The real program, killed without warning while it puts seals on documents; and its child processes, killed under
//! the documents they read.
//!
//! Callers on several threads have a document sealed under numbered requests. Child processes get SIGKILL one after
//! another, then the server does; it starts again, and every request is asked once more. Every document that was
//! handed out must come back byte for byte, no request may have been signed twice, and the log must verify.

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
use serde_json::{Value, json};

const ROUNDS: u64 = 3;
const CALLERS: usize = 3;

struct Server(Child);

impl Server {
    fn start(data: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_yinxin"))
            .args(["--data", data.to_str().unwrap(), "up", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"])
            .env("YINXIN_LOG", "off")
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

    /// Its child processes, as the system tells.
    fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.0.id());
        let mut found = Vec::new();
        // Whichever of its threads started them.
        for task in std::fs::read_dir(format!("/proc/{}/task", self.0.id())).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
        assert!(Path::new(&path).exists(), "this system does not tell of child processes");
        found
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

/// One call; `None` if it breaks before the answer is whole.
fn call(data: &Path, verb: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(data.join("yinxin.sock")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let body = body.to_string();
    let head = format!(
        "POST /api/v1/{verb} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = String::from_utf8_lossy(answer.get(9..12)?).parse().ok()?;
    Some((status, serde_json::from_slice(&answer[end + 4..]).ok()?))
}

fn pdf() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ];
    let (mut file, mut places) = (b"%PDF-1.7\n".to_vec(), Vec::new());
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = file.len();
    file.extend(b"xref\n0 4\n0000000000 65535 f \n");
    places.iter().for_each(|at| file.extend(format!("{at:010} 00000 n \n").bytes()));
    file.extend(format!("trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

fn order(seal: &str, request: &str) -> Value {
    let places = json!([{"at": {"pages": "all", "x": 50, "y": 50}}]);
    json!({"order": {"seal": seal, "places": places, "request": request}, "document": STANDARD.encode(pdf())})
}

/// What was handed out, by request.
type Handed = Mutex<HashMap<String, String>>;

fn work(data: &Path, seal: &str, (round, caller): (u64, usize), stop: &AtomicBool, handed: &Handed) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let request = format!("{round}.{caller}.{number}");
        match call(data, "seal/sign", &order(seal, &request)) {
            Some((200, sealed)) => {
                handed.lock().unwrap().insert(request, sealed["document"].as_str().unwrap().to_owned());
            }
            // The child under this document was killed: this document failed, and nothing else.
            Some((422, problem)) => assert_eq!(problem["code"], "DOCUMENT_LIMIT", "{problem}"),
            Some((503, _)) | None => {}
            Some((status, problem)) => panic!("{status}: {problem}"),
        }
    }
}

#[test]
fn no_request_is_signed_twice_and_no_document_lost_over_every_kill() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("d");
    let handed = Handed::default();
    let mut seal = String::new();
    for round in 0..=ROUNDS {
        let server = Server::start(&data);
        if seal.is_empty() {
            let ask = json!({"name": "测试章", "picture": {"drawn": {"shape": "round"}}});
            let (status, made) = call(&data, "seal/create", &ask).unwrap();
            assert_eq!(status, 200, "{made}");
            seal = made["id"].as_str().unwrap().to_owned();
        }
        // Everything that was handed out comes back as it was.
        for (request, document) in handed.lock().unwrap().iter() {
            let (status, again) = call(&data, "seal/sign", &order(&seal, request)).unwrap();
            assert_eq!(status, 200, "{request}: {again}");
            assert!(again["document"] == document.as_str(), "{request}: another document");
        }
        if round == ROUNDS {
            let uses = call(&data, "seal/uses", &json!({"seal": seal, "limit": 500})).unwrap().1;
            let mut requests: Vec<_> =
                uses["uses"].as_array().unwrap().iter().map(|used| used["request"].clone()).collect();
            let all = requests.len();
            requests.sort_by_key(ToString::to_string);
            requests.dedup();
            assert_eq!(requests.len(), all, "a request that was signed twice");
            assert!(all >= handed.lock().unwrap().len() && !handed.lock().unwrap().is_empty());
            let report = call(&data, "audit/verify", &json!({})).unwrap().1;
            assert_eq!(report["ok"], true, "{report}");
            return;
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (data, seal, stop, handed) = (&data, seal.as_str(), &stop, &handed);
                scope.spawn(move || work(data, seal, (round, caller), stop, handed));
            }
            // A moment that differs from round to round.
            thread::sleep(Duration::from_millis(200 + round * 7919 % 300));
            let children = server.children();
            assert!(!children.is_empty(), "no child process reads the documents");
            for child in children {
                let pid = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            // Others take their place.
            let before = handed.lock().unwrap().len();
            let begun = Instant::now();
            while handed.lock().unwrap().len() <= before && begun.elapsed() < Duration::from_secs(60) {
                thread::sleep(Duration::from_millis(5));
            }
            assert!(handed.lock().unwrap().len() > before, "nothing is sealed after the children were killed");
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
    }
}
