//! A service's door in a process of its own: what it passes on, what it answers itself, and what it says when
//! the suite behind it is away.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pki_config::config::Config;
use tokio::sync::{oneshot, watch};
use web::front::{FrontError, FrontOptions, FrontService, FrontStarted, Suite, serve_until};

use crate::doors::{Served, exchange};

const PATIENCE: Duration = Duration::from_secs(20);

/// A question about serial 1 of an issuer nobody knows (RFC 6960 4.1.1): CertID with SHA-1, both hashes zero.
const FOREIGN: &[u8] = b"\x30\x42\x30\x40\x30\x3e\x30\x3c\x30\x3a\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\
\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\x01";

/// OCSPResponse with nothing but its status (RFC 6960 4.2.1).
const MALFORMED: &[u8] = &[0x30, 3, 0x0a, 1, 1];
const TRY_LATER: &[u8] = &[0x30, 3, 0x0a, 1, 3];
const UNAUTHORIZED: &[u8] = &[0x30, 3, 0x0a, 1, 6];

struct Front {
    address: SocketAddr,
    started: FrontStarted,
    _stop: watch::Sender<bool>,
}

fn options(service: FrontService, data: PathBuf, listen: &str) -> FrontOptions {
    FrontOptions { service, suite: Suite::Data(data), listen: listen.parse().unwrap(), config: Config::default() }
}

async fn front(served: &Served, service: FrontService) -> Front {
    let data = served.temp.path().join("d");
    let (stop, stopped) = watch::channel(false);
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let ready = |started: &FrontStarted| drop(tell.send(started.clone()));
        serve_until(options(service, data, "127.0.0.1:0"), stopped, ready).await.unwrap();
    });
    let started = told.await.expect("it starts");
    let address = started.http.strip_prefix("http://").unwrap().parse().unwrap();
    Front { address, started, _stop: stop }
}

/// The body of the answer to a POST; the status must be 200.
async fn post(to: SocketAddr, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let ask = [head.as_bytes(), body].concat();
    let answer = tokio::task::spawn_blocking(move || raw(to, &ask)).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    answer[end + 4..].to_vec()
}

fn raw(to: SocketAddr, ask: &[u8]) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(ask).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_passed_on_and_answered_by_the_suite() {
    let served = Served::trial().await;
    let front = front(&served, FrontService::Ocsp).await;
    assert!(front.started.suite);
    let kind = "application/ocsp-request";
    // Only the suite knows which issuers are its own.
    assert_eq!(post(front.address, "/ocsp", kind, FOREIGN).await, UNAUTHORIZED);
    assert_eq!(post(served.http, "/ocsp", kind, FOREIGN).await, UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_goes_no_further() {
    let served = Served::trial().await;
    let front = front(&served, FrontService::Ocsp).await;
    let mut cut = FOREIGN.to_vec();
    cut.pop();
    assert_eq!(post(front.address, "/ocsp", "application/ocsp-request", &cut).await, MALFORMED);
    for path in ["/", "/api/v1/system/status", "/tsa", "/ocspx", "/ca/sm2-root.cer"] {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let address = front.address;
        let answer = tokio::task::spawn_blocking(move || exchange(address, ask.as_bytes(), PATIENCE)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_suite_the_door_says_so_in_the_words_of_its_protocol() {
    let mut served = Served::trial().await;
    let ocsp = front(&served, FrontService::Ocsp).await;
    served.stop.send_replace(true);
    (&mut served.ended).await.unwrap().unwrap();
    assert_eq!(post(ocsp.address, "/ocsp", "application/ocsp-request", FOREIGN).await, TRY_LATER);
    let later = front(&served, FrontService::Ocsp).await;
    assert!(!later.started.suite);
}

#[tokio::test]
async fn a_door_without_an_installation_or_a_trial_open_to_others_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let nothing = options(FrontService::Tsa, temp.path().join("d"), "127.0.0.1:0");
    let nothing = serve_until(nothing, stopped.clone(), |_| ()).await;
    assert!(matches!(nothing, Err(FrontError::NoInstallation)));
    let served = Served::trial().await;
    let open = options(FrontService::Tsa, served.temp.path().join("d"), "0.0.0.0:0");
    let open = serve_until(open, stopped, |_| ()).await;
    assert!(matches!(open, Err(FrontError::Serve(_))));
}

/// SHA-256 of nothing, no nonce, certificates wanted (RFC 3161 2.4.1).
const STAMP: &[u8] =
    b"\x30\x39\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20\
\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\
\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55\x01\x01\xff";

#[tokio::test(flavor = "multi_thread")]
async fn a_time_stamp_comes_through_the_door_for_anybody_and_nothing_else_does() {
    let served = Served::trial().await;
    let front = front(&served, FrontService::Tsa).await;
    let kind = "application/timestamp-query";
    let granted = post(front.address, "/tsa", kind, STAMP).await;
    // SEQUENCE { PKIStatusInfo { granted }, TimeStampToken }.
    assert!(granted.len() > 500 && granted[4..9] == [0x30, 3, 2, 1, 0], "{granted:02x?}");
    let refused = post(front.address, "/tsa", kind, &STAMP[..20]).await;
    assert!(refused.len() < 200 && refused[2..].starts_with(&[0x30]), "{refused:02x?}");
    // The socket behind it has no administration.
    let socket = served.temp.path().join("d/front.sock");
    let ask = b"POST /api/v1/system/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let answer = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        stream.write_all(ask).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 404"));
}
