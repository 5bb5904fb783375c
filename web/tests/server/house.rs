//! An installation in a temporary directory, with a clock and a random source that tests hold in hand,
//! asked through the real routers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use crypto_pool::random::SeededRandom;
use http_body_util::BodyExt as _;
use pki_config::config::Config;
use pki_config::role::Setup;
use pki_config::time::FixedClock;
use serde_json::Value;
use tower::ServiceExt as _;
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::router::{Door, router};
use web::serve::Peer;
use zeroize::Zeroizing;

pub const START: &str = "2026-11-21T08:00:00Z";
pub const PASSPHRASE: &str = "correct horse battery staple";

/// An installation, open.
pub struct House {
    pub temp: tempfile::TempDir,
    pub clock: Arc<FixedClock>,
    pub app: App,
    pub link: String,
}

/// An answer, read.
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn config() -> Config {
    let mut config = Config::default();
    config.storage.reserve = 1 << 20;
    config.pool.threads = 1;
    // Cheap on purpose: every test of a sealed installation pays it twice.
    config.root_key.argon2_memory_kib = 19_456;
    config.root_key.argon2_passes = 1;
    config
}

pub fn options(clock: &Arc<FixedClock>, seed: u64) -> AppOptions {
    AppOptions {
        config: config(),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(seed)),
        probe: None,
        worker: None,
    }
}

pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(START.parse().unwrap()))
}

impl House {
    pub async fn trial() -> Self {
        Self::made(Setup::Trial, None).await
    }

    pub async fn production() -> Self {
        Self::made(Setup::Production, Some(Zeroizing::new(PASSPHRASE.to_owned()))).await
    }

    /// A trial that is configured differently.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::configured(Setup::Trial, None, config).await
    }

    async fn made(setup: Setup, passphrase: Option<Zeroizing<String>>) -> Self {
        Self::configured(setup, passphrase, config()).await
    }

    async fn configured(setup: Setup, passphrase: Option<Zeroizing<String>>, config: Config) -> Self {
        let (temp, clock) = (tempfile::tempdir().unwrap(), clock());
        let new = DataDir::begin(&temp.path().join("d")).unwrap();
        let options = AppOptions { config, ..options(&clock, 1) };
        let (app, first) = App::create(new, setup, passphrase, options).await.unwrap();
        Self { temp, clock, app, link: first.link }
    }

    pub fn data(&self) -> PathBuf {
        self.temp.path().join("d")
    }

    /// Ends the application in order and opens the directory again.
    pub async fn restart(self) -> Self {
        let Self { temp, clock, app, link } = self;
        let config = app.config().clone();
        app.close().await;
        drop(app);
        let (dir, setup) = DataDir::open(&temp.path().join("d")).unwrap();
        let app = App::open(dir, setup, AppOptions { config, ..options(&clock, 2) }).await.unwrap();
        Self { temp, clock, app, link }
    }

    pub fn secret(&self) -> String {
        self.link.rsplit('#').next().unwrap().to_owned()
    }

    pub fn router(&self, door: Door) -> Router {
        router(self.app.clone(), door)
    }

    /// The owner of the directory, over the socket.
    pub async fn socket(&self, call: &str, body: Value) -> Answer {
        let peer = Peer::Socket { uid: self.app.owner() };
        self.ask(Door::Socket, peer, api(call, body, None)).await
    }

    /// A stranger, or whoever holds the token, over https.
    pub async fn https(&self, call: &str, body: Value, token: Option<&str>) -> Answer {
        self.ask(Door::Https, stranger(), api(call, body, token)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.ask(Door::Http, Peer::Http { address: address() }, request).await
    }

    pub async fn ask(&self, door: Door, peer: Peer, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(peer);
        let response = self.router(door).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes().to_vec() }
    }

    /// An officer with a token, made over the socket.
    pub async fn officer(&self, role: &str) -> (String, String) {
        let ask = serde_json::json!({"name": format!("Test {role}"), "role": role, "credential": "token"});
        let answer = self.socket("officer/add", ask).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let json = answer.json();
        (json["officer"].as_str().unwrap().to_owned(), json["token"].as_str().unwrap().to_owned())
    }
}

pub async fn reopened(data: &Path, clock: &Arc<FixedClock>) -> Result<App, web::app::AppError> {
    let (dir, setup) = DataDir::open(data).unwrap();
    App::open(dir, setup, options(clock, 2)).await
}

pub fn address() -> SocketAddr {
    "192.0.2.7:5555".parse().unwrap()
}

pub fn stranger() -> Peer {
    Peer::Https { address: address(), certificate: None }
}

pub fn api(call: &str, body: Value, token: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("/api/v1/{call}"))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::from(body.to_string())).unwrap()
}

/// A PKCS#10 for a P-256 key, made by OpenSSL (see the README beside it).
pub const EC_CSR: &str = include_str!("ec.csr");
/// A PKCS#10 for an SM2 key, made by OpenSSL.
pub const SM2_CSR: &str = include_str!("sm2.csr");
