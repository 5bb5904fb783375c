//! How fast the pages of the desk answer when the house is full: 100,000 certificates, each really issued, and
//! 1,000,000 entries in the log, each really appended (proven, signed over, and searchable like any other). Every page
//! with a list is asked for many times, plain, narrowed and from somewhere in the middle. Measured from the request to
//! the last byte of the page at the real router, without TLS and the network.
//!
//!     cargo bench --bench portal     (YINXIN_BENCH_CERTIFICATES, YINXIN_BENCH_ENTRIES: fewer; YINXIN_BENCH_ROUNDS: more)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use crypto_pool::KeyAlgorithm;
use http_body_util::BodyExt as _;
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::role::Setup;
use pki_config::time::SystemClock;
use pki_config::{Actor, Channel, ErrorCode, Event, Permission, Role, TenantId};
use tower::ServiceExt as _;
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::router::{Door, router};
use web::serve::Peer;

/// The most a page may take for 99 of 100 requests. Unit: milliseconds.
const AIM: f64 = 50.0;
/// Entries of one write while the log is filled.
const TOGETHER: u64 = 2_000;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn main() {
    let (certificates, entries) =
        (asked("YINXIN_BENCH_CERTIFICATES", 100_000), asked("YINXIN_BENCH_ENTRIES", 1_000_000));
    let rounds = usize::try_from(asked("YINXIN_BENCH_ROUNDS", 100)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // On the disk the build is on: a scratch directory in memory would flatter.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let app = house(dir.path()).await;
        let begun = Instant::now();
        let serial = issue(&app, certificates).await;
        println!("{certificates} certificates issued in {:.0} s", begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let size = fill(&app, entries).await;
        println!("{size} entries in the log, after {:.0} s more", begun.elapsed().as_secs_f64());
        let desk = router(app.clone(), Door::Https);
        let peer = administrator(&app).await;
        measure(&desk, &peer, &pages(&app, &serial, size), rounds).await;
        app.close().await;
    });
}

async fn house(dir: &std::path::Path) -> App {
    let mut config = pki_config::config::Config::default();
    config.storage.reserve = 1 << 20;
    let options = AppOptions {
        config,
        clock: Arc::new(SystemClock),
        random: support::Parts::real().random,
        probe: None,
        worker: None,
    };
    let new = DataDir::begin(&dir.join("d")).unwrap();
    App::create(new, Setup::Trial, None, options).await.unwrap().0
}

/// Issues so many certificates and revokes every hundredth; the serial of the last.
async fn issue(app: &App, count: u64) -> String {
    let random = support::Parts::real().random;
    let csrs: Arc<Vec<Vec<u8>>> =
        Arc::new((0..16).map(|_| support::csr(KeyAlgorithm::Sm2, random.as_ref()).0).collect());
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (app, csrs, next) = (app.clone(), Arc::clone(&csrs), Arc::clone(&next));
            tokio::spawn(async move {
                let (issuing, revoking) =
                    (support::owner(Permission::IssueCertificate), support::owner(Permission::RevokeCertificate));
                let mut last = None;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return last;
                    }
                    let csr = &csrs[usize::try_from(number % 16).unwrap()];
                    let request =
                        support::server_request(csr, &format!("host-{number}.unit-{}.example.cn", number % 97));
                    let made = app.ca().issue(&issuing, request).await.unwrap();
                    if number % 100 == 0 {
                        let reason = pki_config::status::Reason::Superseded;
                        app.ca().revoke(&revoking, &made.serial, Some(&made.issuer), reason, None).await.unwrap();
                    }
                    last = Some(made.serial.to_string());
                }
            })
        })
        .collect();
    let mut serial = None;
    for task in tasks {
        serial = task.await.unwrap().or(serial);
    }
    serial.unwrap()
}

/// Fills the log up to so many entries: forty officers, several events, some refusals; how many there are then.
async fn fill(app: &App, entries: u64) -> u64 {
    let events =
        [Event::CertificateRequested, Event::CertificateApproved, Event::CertificateRevoked, Event::AccessDenied];
    let roles = [Role::RaOfficer, Role::Operator];
    let mut number = app.audit().size().await.unwrap();
    while number < entries {
        let (log, some) = (app.audit().clone(), TOGETHER.min(entries - number));
        let from = number;
        app.db()
            .write(Importance::Normal, move |tx| {
                (from..from + some).try_for_each(|n| {
                    let person = format!("officer-{:02}", n.wrapping_mul(2_654_435_761) % 40);
                    let role = roles[usize::try_from(n % 2).unwrap()];
                    let event = events[usize::try_from(n / 3 % 4).unwrap()];
                    let refused = n % 50 == 0;
                    let draft = EntryDraft {
                        actor: Actor::new(TenantId::house(), person, role, Channel::Https),
                        event,
                        object: format!("sm2-issuing/{:032X}", u128::from(n % 300_000)),
                        outcome: if refused { Outcome::Refused(ErrorCode::Forbidden) } else { Outcome::Done },
                        payload: format!("what is said of {n}, in some words").into_bytes(),
                        covers: Vec::new(),
                    };
                    log.append(tx, draft).map(drop)
                })
            })
            .await
            .unwrap();
        number += some;
    }
    app.checkpoint_now().await.unwrap();
    app.audit().size().await.unwrap()
}

/// An officer with a client certificate, as the door hands it on.
async fn administrator(app: &App) -> Peer {
    let csr = support::csr(KeyAlgorithm::P256, support::Parts::real().random.as_ref()).0;
    let ask = serde_json::json!({
        "name": "Bench", "role": "administrator", "credential": {"csr": support::pem("CERTIFICATE REQUEST", &csr)}
    });
    let mut request = Request::post("/api/v1/officer/add")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(ask.to_string()))
        .unwrap();
    request.extensions_mut().insert(Peer::Socket { uid: app.owner() });
    let answer = router(app.clone(), Door::Socket).oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let pem = json["certificate"].as_str().unwrap_or_else(|| panic!("{json}"));
    let end = "-----END CERTIFICATE-----\n";
    let (_, der) = der::pem::decode_vec(&pem.as_bytes()[..pem.find(end).unwrap() + end.len()]).unwrap();
    Peer::Https { address: "192.0.2.7:5555".parse().unwrap(), certificate: Some(Arc::new(der)) }
}

/// Every page with a list, and how it is narrowed.
fn pages(app: &App, serial: &str, size: u64) -> Vec<String> {
    let middle = size / 2;
    let soon = app.clock().now().minus(Duration::from_secs(5)).whole_second().to_string();
    let object = format!("sm2-issuing/{:032X}", 1234);
    let list = [
        "/desk",
        "/desk/requests",
        "/desk/requests?queue=decided",
        "/desk/certificates",
        "/desk/certificates?status=revoked",
        "/desk/certificates?status=hold",
        "/desk/certificates?profile=tls-server&sort=expiry",
        "/desk/certificates?name=host-777.unit-1.example.cn",
        "/desk/certificates?name=nobody",
        "/desk/calendar",
        "/desk/issuers",
        "/desk/profiles",
        "/desk/system",
        "/desk/officers",
        "/desk/audit",
        "/desk/audit?event=cert.revoked",
        "/desk/audit?event=system.created",
        "/desk/audit?person=officer-07",
        "/desk/audit?person=nobody",
        "/desk/audit?event=cert.approved&person=officer-07",
        "/desk/audit?outcome=refused",
        "/desk/audit?outcome=refused&person=officer-07&event=cert.issued",
        "/desk/audit?outcome=one-step&person=officer-07",
    ];
    let mut all: Vec<String> = list.into_iter().map(str::to_owned).collect();
    all.push(format!("/desk/certificates?digits={serial}"));
    all.push(format!("/desk/certificates?after={}", middle / 4));
    all.push(format!("/desk/audit?after={middle}"));
    all.push(format!("/desk/audit?after={middle}&person=officer-31"));
    all.push(format!("/desk/audit?object={object}"));
    all.push(format!("/desk/audit?object={serial}"));
    all.push(format!("/desk/audit?since={soon}"));
    all.push(format!("/desk/audit?until={soon}&event=cert.issued"));
    all.push(format!("/desk/audit/{middle}"));
    all.push(format!("/desk/audit/{middle}/receipt.json"));
    all.push(format!("/find?q={serial}"));
    all
}

/// Asks for every page in turn, so that none finds the caches warm from itself alone.
async fn measure(desk: &Router, peer: &Peer, pages: &[String], rounds: usize) {
    let mut times = vec![Vec::with_capacity(rounds); pages.len()];
    for round in 0..=rounds {
        for (page, times) in pages.iter().zip(&mut times) {
            let mut request = Request::get(page).header(header::HOST, "localhost:8443").body(Body::empty()).unwrap();
            request.extensions_mut().insert(peer.clone());
            let begun = Instant::now();
            let answer = desk.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{page}");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            // The first round prepares statements.
            if round > 0 {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            assert!(!body.is_empty());
        }
    }
    println!("{:>9} {:>9}  page (milliseconds)", "median", "p99");
    for (page, times) in pages.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        println!("{:>9.2} {:>9.2}  {page}", quantile(times, 0.5), quantile(times, 0.99));
    }
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let slowest = times.iter().map(|times| quantile(times, 0.99)).fold(0.0, f64::max);
    println!("all pages together  {:>9.2} ms at p99   (must {AIM})", quantile(&all, 0.99));
    println!("FIGURE portal_p99 {:.2} ms", quantile(&all, 0.99));
    println!("FIGURE portal_slowest_page_p99 {slowest:.2} ms");
}

/// Of sorted values, the one below which this share lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = ((sorted.len() as f64) * share).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}
