use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use crypto_pool::random::SeededRandom;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pki_config::config::{Config, Listen};
use pki_config::role::Setup;
use pki_config::time::FixedClock;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use super::*;
use crate::app::AppOptions;
use crate::data_dir::DataDir;
use crate::router::{Door, router};
use crate::serve::Peer;

struct Running {
    app: App,
    clock: Arc<FixedClock>,
    _temp: tempfile::TempDir,
}

/// An installation whose public address is that of the listener.
async fn running(setup: Setup) -> (Running, TcpListener) {
    let temp = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let mut config = Config::default();
    config.web.http = Listen::Address(address);
    config.storage.reserve = 1 << 20;
    config.pool.threads = 1;
    config.root_key.argon2_memory_kib = 19_456;
    config.root_key.argon2_passes = 1;
    let clock = Arc::new(FixedClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let options =
        AppOptions { config, clock: clock.clone(), random: Arc::new(SeededRandom::new(3)), probe: None, worker: None };
    let passphrase = (setup == Setup::Production).then(|| Zeroizing::new("correct horse battery".to_owned()));
    let new = DataDir::begin(&temp.path().join("d")).unwrap();
    let (app, _) = App::create(new, setup, passphrase, options).await.unwrap();
    (Running { app, clock, _temp: temp }, listener)
}

/// Answers every connection with what the router says.
async fn answer(listener: TcpListener, router: Router) {
    loop {
        let (stream, address) = listener.accept().await.unwrap();
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let router = router.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer::Http { address });
            async move { Ok::<Response<Body>, Infallible>(router.oneshot(request).await.unwrap()) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn named<'a>(report: &'a DoctorReport, name: &str) -> &'a Check {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

#[tokio::test]
async fn a_sound_installation_passes_every_check_of_both_hierarchies() {
    let (house, listener) = running(Setup::Trial).await;
    let app = &house.app;
    let serving = tokio::spawn(answer(listener, router(app.clone(), Door::Http)));
    let report = run(app).await;
    serving.abort();
    assert!(report.ok, "{:#?}", report.checks);
    for family in ["sm2", "ecdsa"] {
        for step in ["issue", "chain", "receipt", "crl", "revoke", "crl-after"] {
            assert!(named(&report, &format!("{family}-{step}")).ok);
        }
    }
    for name in ["clock", "root-key", "disk", "audit-log", "published-sm2-root", "published-crl-ec-issuing"] {
        assert!(named(&report, name).ok);
    }
    // Nothing that was issued stays good.
    let query = ca::store::Query { profile: Some("device".into()), limit: 10, ..ca::store::Query::default() };
    let left = app.ca().list(&pki_config::TenantId::house(), query).await.unwrap().certificates;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|one| matches!(one.status, pki_config::status::CertStatus::Revoked(_))));
}

#[tokio::test]
async fn an_address_nobody_answers_at_is_told_and_the_rest_goes_on() {
    let (house, listener) = running(Setup::Trial).await;
    drop(listener);
    let report = run(&house.app).await;
    assert!(!report.ok);
    let check = named(&report, "published-sm2-issuing");
    assert!(!check.ok && check.detail.contains("cannot be reached"), "{}", check.detail);
    assert!(named(&report, "ecdsa-crl-after").ok, "{:#?}", report.checks);
}

#[tokio::test]
async fn another_file_at_the_address_is_found() {
    let (house, listener) = running(Setup::Trial).await;
    let other = Router::new().fallback(async || "somebody else's page");
    let serving = tokio::spawn(answer(listener, other));
    let report = run(&house.app).await;
    serving.abort();
    for name in ["published-ec-root", "published-crl-ec-root"] {
        let check = named(&report, name);
        assert!(!check.ok && check.detail.contains("something else"), "{}", check.detail);
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    let endless = Router::new().fallback(async || vec![b'x'; 1 << 20]);
    let serving = tokio::spawn(answer(listener, endless));
    assert!(published::fetch(&url, 1000).await.unwrap_err().contains("something else"));
    assert_eq!(published::fetch(&url, 1 << 20).await.unwrap().len(), 1 << 20);
    serving.abort();
}

#[tokio::test]
async fn a_sealed_installation_is_told_what_to_do_and_issues_nothing() {
    let (house, listener) = running(Setup::Production).await;
    drop(listener);
    house.app.kms().root().seal();
    let report = run(&house.app).await;
    assert!(!report.ok);
    assert!(named(&report, "root-key").detail.contains("yinxin unseal"));
    for family in ["sm2", "ecdsa"] {
        assert!(named(&report, &format!("{family}-issue")).detail.contains("sealed"));
        assert!(named(&report, &format!("{family}-crl-after")).detail.contains("not tried"));
    }
}

#[tokio::test]
async fn a_clock_behind_the_log_is_told_with_both_times() {
    let (house, listener) = running(Setup::Trial).await;
    drop(listener);
    house.clock.set("2026-11-20T08:00:00Z".parse().unwrap());
    let report = run(&house.app).await;
    let check = named(&report, "clock");
    assert!(!check.ok && check.detail.contains("2026-11-20T08:00:00Z") && check.detail.contains("clock accept"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_never_ends_is_given_up() {
    let never = std::future::pending::<Result<(), String>>();
    assert!(within(STEP, never).await.unwrap_err().contains("60 s"));
}
