//! The HTTP client: one request per connection, over the Unix socket in the data directory or over TLS.
//!
//! Answers are bounded in size and time, so that a server gone wrong cannot hold or fill the caller.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use zeroize::Zeroizing;

use crate::api::{Nothing, Problem, SystemStatus};
use crate::cli::args::Global;
use crate::cli::credential::Credential;
use crate::cli::failure::Failure;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for a usual answer.
const USUAL: Duration = Duration::from_secs(30);
/// Longest wait for an answer that checks or copies everything.
const LONG: Duration = Duration::from_secs(6 * 3600);
/// Longest wait for an answer about a large document.
const UPLOAD: Duration = Duration::from_secs(600);
/// Longest wait for a published file.
const PUBLISHED: Duration = Duration::from_secs(600);
/// Largest answer of the API. Unit: bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
/// Largest published file, such as a CRL of some million entries. Unit: bytes.
const LARGEST_FILE: usize = 512 * 1024 * 1024;

/// A server to talk to.
pub struct Client {
    target: Target,
}

enum Target {
    Socket(PathBuf),
    Tls { host: String, port: u16, tls: Arc<ClientConfig>, token: Option<Zeroizing<String>> },
}

impl Client {
    /// The server that `--server --as` name, else the one on the data directory.
    ///
    /// # Errors
    /// The options do not go together or the credential cannot be used.
    pub fn of(global: &Global) -> Result<Self, Failure> {
        match (&global.server, &global.credential) {
            (Some(url), Some(credential)) => Self::tls(url, &Credential::read(credential)?),
            (None, None) => Ok(Self::socket(&global.data_dir())),
            (Some(_), None) => Err(Failure::Usage(
                "--server needs --as CREDENTIAL (a file made by `yinxin officer add` or `yinxin claim`).".to_owned(),
            )),
            (None, Some(_)) => Err(Failure::Usage("--as needs --server URL.".to_owned())),
        }
    }

    /// The server on this data directory.
    #[must_use]
    pub fn socket(data: &Path) -> Self {
        Self { target: Target::Socket(data.join("yinxin.sock")) }
    }

    /// A server over TLS.
    ///
    /// # Errors
    /// The address is no `https://host[:port]`, or the credential cannot be used.
    pub fn tls(url: &str, credential: &Credential) -> Result<Self, Failure> {
        let (host, port) = host_and_port(url)?;
        let tls = Arc::new(credential.tls()?);
        Ok(Self { target: Target::Tls { host, port, tls, token: credential.token().cloned() } })
    }

    /// Whether somebody listens: only for the socket, where nothing is sent by trying.
    pub async fn answers(&self) -> bool {
        match &self.target {
            Target::Socket(path) => UnixStream::connect(path).await.is_ok(),
            Target::Tls { .. } => true,
        }
    }

    /// `POST /api/v1/{verb}`, such as `cert/issue`.
    ///
    /// # Errors
    /// The server's problem, or that none answered.
    pub async fn call<Q: Serialize, A: DeserializeOwned>(&self, verb: &str, ask: &Q) -> Result<A, Failure> {
        self.post(verb, ask, USUAL).await
    }

    /// As [`Client::call`], for work that may take hours.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_long<Q: Serialize, A: DeserializeOwned>(&self, verb: &str, ask: &Q) -> Result<A, Failure> {
        self.post(verb, ask, LONG).await
    }

    /// `GET /health`, for which no right is needed.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn health(&self) -> Result<SystemStatus, Failure> {
        let (status, body) = self.send(Method::GET, "/health", Vec::new(), USUAL).await?;
        // A server that is not well says so with 503 and the same body.
        serde_json::from_slice(&body).map_err(|_| strange(status))
    }

    /// A published file, such as `/crl/sm2-issuing.crl`, through the same door as everything else: the public
    /// address need not be reachable from here.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn published(&self, path: &str) -> Result<Bytes, Failure> {
        let ask = self.request(Method::GET, path, Vec::new())?;
        match self.exchange(ask, PUBLISHED, LARGEST_FILE).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, body) => answer::<Nothing>(status, &body).and(Err(strange(status))),
        }
    }

    /// `POST /api/v1/{verb}` as `multipart/form-data`: a part `order` and a part `document`. The answer of the verb,
    /// headers included, if it is none of refusal.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn upload<Q: Serialize>(
        &self,
        verb: &str,
        order: &Q,
        name: &str,
        document: &[u8],
    ) -> Result<Response<Bytes>, Failure> {
        let order = serde_json::to_vec(order).map_err(|e| Failure::Here(format!("The question is no JSON: {e}.")))?;
        let (kind, body) = multipart(&order, name, document);
        let ask = self.request_of(Method::POST, &format!("/api/v1/{verb}"), &kind, body)?;
        let response = self.whole(ask, UPLOAD, LARGEST_FILE).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        answer::<Nothing>(response.status(), response.body()).and(Err(strange(response.status())))
    }

    async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        verb: &str,
        ask: &Q,
        within: Duration,
    ) -> Result<A, Failure> {
        let body = serde_json::to_vec(ask).map_err(|e| Failure::Here(format!("The question is no JSON: {e}.")))?;
        let (status, body) = self.send(Method::POST, &format!("/api/v1/{verb}"), body, within).await?;
        answer(status, &body)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), Failure> {
        self.exchange(self.request(method, path, body)?, within, LARGEST_ANSWER).await
    }

    fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
        self.request_of(method, path, "application/json", body)
    }

    fn request_of(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind);
        let request = match &self.target {
            Target::Socket(_) => request.header(HOST, "localhost"),
            Target::Tls { host, port, token, .. } => {
                let request = request.header(HOST, format!("{host}:{port}"));
                match token {
                    Some(token) => request.header(AUTHORIZATION, format!("Bearer {}", token.as_str())),
                    None => request,
                }
            }
        };
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| Failure::Usage(format!("The address is not right: {e}.")))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
        largest: usize,
    ) -> Result<(StatusCode, Bytes), Failure> {
        self.whole(request, within, largest).await.map(|response| (response.status(), response.into_body()))
    }

    async fn whole(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
        largest: usize,
    ) -> Result<Response<Bytes>, Failure> {
        match &self.target {
            Target::Socket(path) => {
                let stream = timed(CONNECT, UnixStream::connect(path)).await?.map_err(|e| no_server(path, &e))?;
                exchange(stream, request, within, largest).await
            }
            Target::Tls { host, port, tls, .. } => {
                let stream = connect_tls(host, *port, tls).await?;
                exchange(stream, request, within, largest).await
            }
        }
    }
}

/// `POST` of `body` to an `http://HOST[:PORT]/PATH` anywhere, such as an OCSP responder; at most `largest`
/// bytes of answer within `within`, connecting included.
///
/// # Errors
/// The URL is none of that form, or nobody answers.
pub(super) async fn post_plain(
    url: &str,
    kind: &'static str,
    body: Vec<u8>,
    within: Duration,
    largest: usize,
) -> Result<(StatusCode, Bytes), Failure> {
    let wrong = || Failure::Usage(format!("{url:?} is no address of the form http://HOST[:PORT]/PATH."));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
    if uri.scheme_str() != Some("http") {
        return Err(wrong());
    }
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder().method(Method::POST).uri(path).header(HOST, authority.as_str());
    let request = request.header(CONTENT_TYPE, kind).body(Full::new(Bytes::from(body))).map_err(|_| wrong())?;
    let stream = timed(CONNECT.min(within), TcpStream::connect((host, port)))
        .await?
        .map_err(|e| Failure::Unreachable(format!("{host}:{port} does not answer: {e}.")))?;
    exchange(stream, request, within, largest).await.map(|response| (response.status(), response.into_body()))
}

async fn connect_tls(
    host: &str,
    port: u16,
    tls: &Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::Usage(format!("{host} is neither a host name nor an address.")))?;
    let stream = timed(CONNECT, TcpStream::connect((host, port)))
        .await?
        .map_err(|e| Failure::Unreachable(format!("{host}:{port} does not answer: {e}.")))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(tls));
    timed(CONNECT, connector.connect(name, stream)).await?.map_err(|e| {
        let why = e.to_string();
        Failure::Unreachable(format!("No TLS connection with {host}:{port}: {}.", why.trim_end_matches('.')))
    })
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    within: Duration,
    largest: usize,
) -> Result<Response<Bytes>, Failure> {
    let broken = |e: &dyn std::error::Error| {
        // TLS 1.3 tells of a refused client certificate only after the handshake: that is the cause worth showing.
        let cause = std::iter::successors(Some(e), |e| e.source()).last().map(ToString::to_string).unwrap_or_default();
        Failure::Unreachable(format!("The connection broke: {}.", cause.trim_end_matches('.')))
    };
    let work = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, largest).collect().await.map_err(|e| broken(&*e))?;
        connection.abort();
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    timed(within, work).await?
}

/// The kind and the body of a `multipart/form-data` (RFC 7578) of an order and a document.
fn multipart(order: &[u8], name: &str, document: &[u8]) -> (String, Vec<u8>) {
    // A boundary that depends on all of the content cannot stand in it but by a collision of the hash.
    let digest = engine::sm3::hash(document);
    let boundary: String = digest.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    // Names are for people: what would end the header is replaced.
    let name: String = name.chars().map(|c| if c.is_control() || matches!(c, '"' | '\\') { '_' } else { c }).collect();
    let mut body = Vec::with_capacity(document.len() + order.len() + 512);
    let mut put = |text: &str| body.extend_from_slice(text.as_bytes());
    put(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"order\"\r\n"));
    put("Content-Type: application/json\r\n\r\n");
    body.extend_from_slice(order);
    let head = format!("Content-Disposition: form-data; name=\"document\"; filename=\"{name}\"\r\n");
    body.extend_from_slice(format!("\r\n--{boundary}\r\n{head}").as_bytes());
    body.extend_from_slice(b"Content-Type: application/octet-stream\r\n\r\n");
    body.extend_from_slice(document);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn answer<A: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<A, Failure> {
    if status.is_success() {
        serde_json::from_slice(body).map_err(|_| strange(status))
    } else {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Err(Failure::Refused(Box::new(problem))),
            Err(_) => Err(strange(status)),
        }
    }
}

fn strange(status: StatusCode) -> Failure {
    let status = status.as_u16();
    Failure::Unreachable(format!("What answers is not a Yinxin server of this version (HTTP status {status})."))
}

async fn timed<T>(within: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(within, work)
        .await
        .map_err(|_| Failure::Unreachable(format!("No answer within {} seconds.", within.as_secs())))
}

fn no_server(socket: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return Failure::Unreachable(format!(
            "{} belongs to somebody else; use --server and --as with a credential of your own.",
            socket.display()
        ));
    }
    let data = socket.parent().unwrap_or(socket).display();
    Failure::Unreachable(format!(
        "No server is running on the data directory {data}; start it with `yinxin up`, or name another with --data."
    ))
}

/// Host and port of `https://host[:port]`, port 443 when absent.
fn host_and_port(url: &str) -> Result<(String, u16), Failure> {
    let wrong = || Failure::Usage(format!("--server takes https://HOST[:PORT], not {url:?}."));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let no_user = uri.authority().is_some_and(|a| !a.as_str().contains('@'));
    if uri.scheme_str() != Some("https") || !plain || !no_user {
        return Err(wrong());
    }
    let host = uri.host().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
    Ok((host, uri.port_u16().unwrap_or(443)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_https_origin_and_nothing_more() {
        assert_eq!(host_and_port("https://localhost:8443").unwrap(), ("localhost".to_owned(), 8443));
        assert_eq!(host_and_port("https://ca.example.cn/").unwrap(), ("ca.example.cn".to_owned(), 443));
        assert_eq!(host_and_port("https://[::1]:8443").unwrap(), ("::1".to_owned(), 8443));
        for url in
            ["http://localhost", "localhost:8443", "https://a/b", "https://u:p@a", "https://a/?q", "https://", ""]
        {
            assert!(host_and_port(url).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn no_server_is_told_in_one_sentence_with_the_command_that_starts_it() {
        let dir = tempfile::tempdir().unwrap();
        let client = Client::socket(dir.path());
        assert!(!client.answers().await);
        let failure = client.call::<_, SystemStatus>("system/status", &Nothing {}).await.unwrap_err();
        let Failure::Unreachable(sentence) = failure else { panic!("{failure:?}") };
        assert!(sentence.starts_with("No server is running") && sentence.contains("yinxin up"), "{sentence}");
    }

    #[tokio::test]
    async fn an_answer_over_the_limit_is_cut_off() {
        let (here, mut there) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
            let _ = there.write_all(format!("{head}{}", "x".repeat(5000)).as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let request = Request::get("/").header(HOST, "a").body(Full::new(Bytes::new())).unwrap();
        assert!(matches!(exchange(here, request, USUAL, 1000).await, Err(Failure::Unreachable(_))));
    }

    #[test]
    fn a_document_travels_whole_and_its_name_ends_no_header() {
        let (kind, body) = multipart(b"{}", "a\"\r\nX: y", b"%PDF-1.7\r\n--\r\n");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8(body).unwrap();
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4, "two parts between three boundaries");
        assert!(parts[1].contains("name=\"order\"") && parts[1].ends_with("\r\n\r\n{}\r\n"));
        assert!(parts[2].contains("filename=\"a___X: y\"\r\n"), "{}", parts[2]);
        assert!(parts[2].ends_with("\r\n\r\n%PDF-1.7\r\n--\r\n\r\n"));
        assert_eq!(parts[3], "--\r\n");
    }

    #[test]
    fn a_problem_is_kept_and_anything_else_is_no_server_of_ours() {
        let problem =
            r#"{"code":"SEALED","num":50201,"message":{"en":"e","zh":"z"},"retryable":true,"request_id":"r"}"#;
        let failure = answer::<Nothing>(StatusCode::SERVICE_UNAVAILABLE, problem.as_bytes()).unwrap_err();
        assert_eq!(failure.code(), Some("SEALED"));
        let failure = answer::<Nothing>(StatusCode::BAD_GATEWAY, b"<html>").unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)));
    }
}
