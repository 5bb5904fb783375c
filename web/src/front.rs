//! `yinxin serve ocsp` and `yinxin serve tsa`: a door in a process of its own.
//!
//! Whoever takes this process over finds no key, no database and no data of anybody: it speaks to strangers,
//! looks at what they send, and passes what is well-formed on to the suite over a Unix socket that takes nothing
//! else. The suite reads it again as strictly as if it came from anywhere. A front can be started, stopped and
//! replaced while the suite runs, several may run side by side, and when the suite is away the front says so in the
//! words of its protocol.
//!
//! `front/service.rs` knows the two protocols, `front/recent.rs` keeps answers for a moment, `front/upstream.rs` is
//! the way to the suite.

mod recent;
mod service;
mod upstream;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use pki_config::config::{Config, Listen};
use pki_config::role::Setup;
use serde::Serialize;
use tokio::sync::watch;

use crate::data_dir::{DataDir, DataDirError, Found, front_socket_of};
use crate::edge::tsa::rate::RateLimit;
use crate::serve::{self, Doors, Peer, ServeError};
use recent::Recent;
pub use service::FrontService;
use upstream::{Unanswered, Upstream};

/// Largest body of a request: time-stamp requests may be larger than OCSP requests. Unit: bytes.
const LARGEST_BODY: usize = 16 * 1024;
/// Longest path, query included: an OCSP request of 8 KiB in base64, every `/` and `+` escaped. Unit: bytes.
const LONGEST_PATH: usize = 12 * 1024;

/// Why the front does not start: one sentence each.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrontError {
    /// The data directory is refused.
    DataDir(DataDirError),
    /// There is no installation there.
    NoInstallation,
    /// The address cannot be served.
    Serve(ServeError),
    /// The system refused something.
    System(std::io::Error),
}

impl fmt::Display for FrontError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir(error) => error.fmt(f),
            Self::NoInstallation => f.write_str("there is no installation here; make one with: yinxin up"),
            Self::Serve(error) => error.fmt(f),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl std::error::Error for FrontError {}

/// What is told once the front serves.
#[derive(Debug, Clone, Serialize)]
pub struct FrontStarted {
    /// `ocsp` or `tsa`.
    pub service: &'static str,
    /// Base address.
    pub http: String,
    /// Whether the suite listens at its socket now; the front serves either way.
    pub suite: bool,
}

impl FrontStarted {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let suite = if self.suite { "running" } else { "not running; start it with: yinxin up" };
        format!("印信 Yinxin {}\n  serves      {}/{}\n  suite       {suite}\n", self.service, self.http, self.service)
    }
}

/// Where the suite is.
#[derive(Debug, Clone)]
pub enum Suite {
    /// On this data directory, whose owner this process runs as.
    Data(PathBuf),
    /// Behind this socket ([`front_socket`](pki_config::config::WebConfig::front_socket)): this process needs no right in the data directory.
    Socket(PathBuf),
}

/// How a front is set up.
#[derive(Debug, Clone)]
pub struct FrontOptions {
    /// What it serves.
    pub service: FrontService,
    /// Where the suite is.
    pub suite: Suite,
    /// Where it listens.
    pub listen: Listen,
    /// Deadlines, connections, and how often one address may ask for a time-stamp.
    pub config: Config,
}

/// Serves until SIGINT or SIGTERM. `ready` is called once it does.
///
/// # Errors
/// [`FrontError`]; nothing was touched.
pub fn run(options: FrontOptions, ready: impl FnOnce(&FrontStarted)) -> Result<(), FrontError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(FrontError::System)?;
    runtime.block_on(async {
        let (tell, stop) = watch::channel(false);
        tokio::spawn(async move {
            crate::up::wait_for_signal().await.ok();
            tell.send_replace(true);
        });
        serve_until(options, stop, ready).await
    })
}

/// As [`run`], until `stop` turns true, on the runtime it is called in.
///
/// # Errors
/// As [`run`].
pub async fn serve_until(
    options: FrontOptions,
    stop: watch::Receiver<bool>,
    ready: impl FnOnce(&FrontStarted),
) -> Result<(), FrontError> {
    let FrontOptions { service, suite, listen, config } = options;
    let socket = match suite {
        Suite::Socket(socket) => socket,
        Suite::Data(data) => {
            let setup = match DataDir::look(&data).map_err(FrontError::DataDir)? {
                Found::Nothing => return Err(FrontError::NoInstallation),
                Found::Installation(file) => file.setup,
            };
            if setup == Setup::Trial && !listen.is_loopback() {
                return Err(FrontError::Serve(ServeError::NotLoopback { address: listen, option: "--listen" }));
            }
            config.web.front_socket.clone().unwrap_or_else(|| front_socket_of(&data))
        }
    };
    let doors = Doors::bind_http(listen, "--listen").map_err(FrontError::Serve)?;
    let address = doors.http_address();
    let upstream = Upstream::new(socket);
    let started = FrontStarted {
        service: service.as_str(),
        http: format!(
            "http://{}",
            address.map_or_else(|| listen.to_string(), |address: SocketAddr| address.to_string())
        ),
        suite: upstream.is_there().await,
    };
    let rate = RateLimit::new(config.tsa.rate, config.tsa.burst);
    let front = Front { service, upstream, recent: Recent::default(), rate, began: Instant::now() };
    ready(&started);
    serve::serve_http(doors, router(front), &config.web, stop).await.map_err(FrontError::System)
}

struct Front {
    service: FrontService,
    upstream: Upstream,
    recent: Recent,
    rate: RateLimit,
    began: Instant,
}

/// Everything goes through one handler: OCSP paths hold base64, which a table of routes would take apart.
fn router(front: Front) -> Router {
    Router::new().fallback(pass).with_state(Arc::new(front))
}

async fn pass(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if path == "/health" && head.method == Method::GET {
        return health(front.upstream.is_there().await);
    }
    if path.len() > LONGEST_PATH || !front.service.takes(&head.method, &path) {
        return plain(StatusCode::NOT_FOUND, "There is no such thing here.\n");
    }
    if !front.admits(&head) {
        return front.service.too_often().map(Body::from);
    }
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await.map(|body| body.to_bytes()) else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "The request is larger than allowed.\n");
    };
    let kind = head.headers.get(header::CONTENT_TYPE).cloned();
    if let Some(refused) = front.service.refuse(&head.method, &path, &body) {
        return refused.map(Body::from);
    }
    let known = head.headers.get(header::IF_NONE_MATCH).cloned();
    let may_be_kept = known.is_none() && front.service.may_be_kept();
    let name = Recent::name(&head.method, &path, &body);
    if may_be_kept && let Some(answer) = front.recent.get(&name) {
        return answer.map(Body::from);
    }
    match front.ask(&head.method, &path, body, kind, known).await {
        Ok(answer) => {
            if may_be_kept {
                front.recent.keep(name, &answer);
            }
            answer.map(Body::from)
        }
        Err(why) => {
            tracing::warn!(service = front.service.as_str(), %why, "a request could not be passed on");
            front.service.unanswered(&path).map(Body::from)
        }
    }
}

impl Front {
    /// Whether the address may ask now. OCSP is not counted: answers are cheap, and whole offices ask from one address.
    fn admits(&self, head: &Parts) -> bool {
        match head.extensions.get::<Peer>() {
            Some(Peer::Http { address }) if self.service == FrontService::Tsa => {
                self.rate.admit(address.ip(), self.began.elapsed())
            }
            _ => true,
        }
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        kind: Option<HeaderValue>,
        known: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, Unanswered> {
        let mut ask = Request::new(Full::new(body));
        *ask.method_mut() = method.clone();
        *ask.uri_mut() = path.parse().map_err(|_| Unanswered::Lost)?;
        // Only what the protocols need goes through; what else a stranger sends ends here.
        let headers = ask.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        for (name, value) in [(header::CONTENT_TYPE, kind), (header::IF_NONE_MATCH, known)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        let mut answer = self.upstream.send(ask).await?;
        // Of one hop only.
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
            answer.headers_mut().remove(name);
        }
        Ok(answer)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn health(suite: bool) -> Response<Body> {
    let text = if suite { r#"{"state":"serving"}"# } else { r#"{"state":"suite away"}"# };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = if suite { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
