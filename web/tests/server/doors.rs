//! The doors themselves, over real sockets: clients that are slow, rude or absent.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pki_config::config::Seconds;
use tokio::sync::{oneshot, watch};
use web::up::{Started, UpError, serve_until};

use crate::house::config;

/// A served trial on ports the system chose.
pub struct Served {
    pub temp: tempfile::TempDir,
    pub http: SocketAddr,
    https: SocketAddr,
    started: Started,
    pub stop: watch::Sender<bool>,
    pub ended: tokio::task::JoinHandle<Result<(), UpError>>,
}

impl Served {
    pub async fn trial() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut config = config();
        config.web.http = "127.0.0.1:0".parse().unwrap();
        config.web.https = "localhost:0".parse().unwrap();
        config.web.header_deadline = Seconds(1);
        config.web.body_deadline = Seconds(1);
        config.web.connections = 64;
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = oneshot::channel();
        let data = temp.path().join("d");
        let ended = tokio::spawn(async move {
            serve_until(&data, config, stopped, |started| drop(tell.send(started.clone()))).await
        });
        let started: Started = told.await.expect("it starts");
        let address = |url: &str, scheme: &str| -> SocketAddr {
            url.strip_prefix(scheme).unwrap().replace("localhost", "127.0.0.1").parse().unwrap()
        };
        let (http, https) = (address(&started.http, "http://"), address(&started.https, "https://"));
        Self { temp, http, https, started, stop, ended }
    }

    fn socket(&self) -> PathBuf {
        self.temp.path().join("d/yinxin.sock")
    }
}

/// Sends bytes and reads until the other side closes or `patience` is over.
pub fn exchange(to: SocketAddr, bytes: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    // The server may have answered and closed before all was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

const GET_HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const LONG: Duration = Duration::from_secs(20);

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_url_names_the_port_that_was_chosen() {
    let served = Served::trial().await;
    assert_eq!(served.started.public_url, format!("http://{}", served.http));
    assert!(served.started.link.as_ref().unwrap().contains(&format!(":{}/setup#", served.https.port())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_is_given_up() {
    let served = Served::trial().await;
    let http = served.http;
    let (took, answer) = blocking(move || {
        let begun = Instant::now();
        let answer = exchange(http, b"GET /health HTTP/1.1\r\nHost: ", LONG);
        (begun.elapsed(), answer)
    })
    .await;
    // Before the client itself would have given up: the server did it.
    assert!(took < LONG, "{took:?}");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let served = Served::trial().await;
    let socket = served.socket();
    let answer = blocking(move || {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let head = "POST /api/v1/system/status HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("TIMEOUT"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_huge_heads_are_refused_and_the_next_client_is_served() {
    let served = Served::trial().await;
    let (http, https) = (served.http, served.https);
    blocking(move || {
        let huge = format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(100_000));
        for bytes in
            [&b"\x16\x03\x01\x00\xff\xff\xff"[..], b"\0\0\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", huge.as_bytes()]
        {
            let answer = exchange(http, bytes, LONG);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
            // Plain http on the TLS door gets an alert, which is no HTTP.
            assert!(!exchange(https, bytes, LONG).starts_with("HTTP/1.1 2"));
        }
        assert!(exchange(http, GET_HEALTH, LONG).starts_with("HTTP/1.1 200"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_half_open_connections_do_not_keep_others_out() {
    let served = Served::trial().await;
    let http = served.http;
    blocking(move || {
        // More than there are places: each is given up after the deadline for heads.
        let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(http).unwrap()).collect();
        let begun = Instant::now();
        assert!(exchange(http, GET_HEALTH, LONG).starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
        drop(idle);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_its_owner_alone_and_goes_with_the_service() {
    let served = Served::trial().await;
    let socket = served.socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    served.stop.send_replace(true);
    tokio::time::timeout(LONG, served.ended).await.expect("a stop ends the service").unwrap().unwrap();
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_and_an_outside_address_touch_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("d");
    for (http, word) in [(taken.local_addr().unwrap().to_string(), "another program"), ("0.0.0.0:0".into(), "a trial")]
    {
        let mut config = config();
        config.web.http = http.parse().unwrap();
        config.web.https = "127.0.0.1:0".parse().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let error = serve_until(&data, config, stopped, |_| ()).await.unwrap_err().to_string();
        assert!(error.starts_with(word), "{error}");
        assert!(!data.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_https_door_shows_a_certificate_that_leads_to_our_root() {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};

    let served = Served::trial().await;
    let (root, https) = (served.temp.path().join("d/roots/ec-root.pem"), served.https);
    let answer = blocking(move || {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = rustls::ClientConnection::new(config.into(), name).unwrap();
        let mut tcp = TcpStream::connect(https).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
        stream.write_all(GET_HEALTH).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"state\":\"ok\""), "{answer}");
}
