//! The whole service on ports of its own, and what it issues, in files.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use crypto_pool::{KeyAlgorithm, OsRandom};
use pki_config::config::Config;
use serde_json::{Value, json};
use tokio::sync::watch;
use web::up::{Started, serve_until};

use crate::support;

/// A served trial.
#[derive(Debug)]
pub struct Service {
    /// Where everything of it lies.
    pub folder: tempfile::TempDir,
    /// Base of the plain http door.
    pub http: String,
    /// Base of the https door.
    pub https: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts one, both hierarchies included.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same, its configuration changed first.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.reserve = 1 << 20;
        config.web.http = "127.0.0.1:0".parse().unwrap();
        config.web.https = "localhost:0".parse().unwrap();
        change(&mut config);
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = std::sync::mpsc::channel::<Started>();
        let data = folder.path().join("data");
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let ready = |started: &Started| tell.send(started.clone()).unwrap();
            runtime.block_on(serve_until(&data, config, stopped, ready)).unwrap();
        });
        let started = told.recv_timeout(Duration::from_secs(60)).expect("the service starts");
        Self { folder, http: started.http, https: started.https, stop, thread: Some(thread) }
    }

    /// A new folder beside its data.
    pub fn scratch(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The root of a hierarchy, PEM.
    pub fn root(&self, id: &str) -> PathBuf {
        self.folder.path().join("data/roots").join(format!("{id}.pem"))
    }

    /// The responder's address.
    pub fn ocsp(&self) -> String {
        format!("{}/ocsp", self.http)
    }

    /// Host and port of the http door.
    pub fn http_address(&self) -> &str {
        self.http.strip_prefix("http://").unwrap()
    }

    /// A call of the interface over the Unix socket, as the owner of the data directory.
    pub fn call(&self, verb: &str, ask: &Value) -> Value {
        let (status, body) = self.socket("POST", &format!("/api/v1/{verb}"), &ask.to_string());
        assert_eq!(status, 200, "{verb}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Any request over the Unix socket.
    pub fn socket(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.folder.path().join("data/yinxin.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Issues to a web server, from the hierarchy of the key's algorithm.
    pub fn issue(&self, host: &str, algorithm: KeyAlgorithm) -> Leaf {
        let (csr, key) = support::csr(algorithm, &OsRandom::open().unwrap());
        let csr = base64::engine::general_purpose::STANDARD.encode(csr);
        let ask = json!({ "csr": csr, "subject": format!("CN={host}"), "sans": [format!("dns:{host}")] });
        let issued = self.call("cert/issue", &ask);
        let folder = self.scratch(host);
        let text = |name: &str| issued[name].as_str().unwrap().to_owned();
        let (cert, chain, root) = (text("certificate"), text("chain"), text("root"));
        for (name, content) in [
            ("cert.pem", cert.clone()),
            ("chain.pem", chain.clone()),
            ("root.pem", root.clone()),
            ("bundle.pem", cert + &chain),
            ("authorities.pem", chain + &root),
            ("key.pem", support::pem("PRIVATE KEY", &key)),
        ] {
            std::fs::write(folder.join(name), content).unwrap();
        }
        Leaf { host: host.to_owned(), serial: text("serial"), issuer: text("issuer"), folder }
    }

    /// Revokes for a compromised key.
    pub fn revoke(&self, leaf: &Leaf) {
        self.call("cert/revoke", &json!({ "serial": leaf.serial, "issuer": leaf.issuer, "reason": "keyCompromise" }));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the service ended in a panic");
        }
    }
}

/// What was issued to a web server, and its files.
#[derive(Debug)]
pub struct Leaf {
    pub host: String,
    pub serial: String,
    pub issuer: String,
    folder: PathBuf,
}

impl Leaf {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn cert(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// The issuing authority.
    pub fn issuer_file(&self) -> PathBuf {
        self.folder.join("chain.pem")
    }

    pub fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// The certificate and the issuing authority, as web servers want them.
    pub fn bundle(&self) -> PathBuf {
        self.folder.join("bundle.pem")
    }

    /// The issuing authority and the root.
    pub fn authorities(&self) -> PathBuf {
        self.folder.join("authorities.pem")
    }
}
