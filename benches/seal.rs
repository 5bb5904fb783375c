//! How many seals a second are put on documents, and how many sealed documents are verified: through the real router
//! with its real database, documents read and made ready in child processes as in production, every seal signed,
//! time-stamped and durable in the audit log before its document leaves, read back and judged. Every answer is looked
//! at. Beside the rates, the most memory that this process and its children took.
//!
//!     cargo bench --bench seal             (YINXIN_BENCH_SECONDS=10 for longer runs)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

#[path = "../tests/support/paper.rs"]
mod paper;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use crypto_pool::random::OsRandom;
use eseal::core::ofd::write::{plain, write};
use http_body_util::BodyExt as _;
use pki_config::Clock as _;
use pki_config::role::Setup;
use pki_config::time::SystemClock;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::router::{Door, router};
use web::serve::Peer;

/// Callers at once.
const CALLERS: usize = 32;
/// Of the large document. Unit: bytes.
const LARGE: usize = 20_000_000;

fn main() {
    // The child processes are this program, too, as they are `yinxin` in production.
    let words: Vec<String> = std::env::args().collect();
    if let [_, worker, _, memory] = words.as_slice()
        && worker == "worker"
    {
        eseal::workshop::work(memory.parse().unwrap()).unwrap();
        return;
    }
    let seconds = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let length = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // On the disk the build is on: a scratch directory in memory would flatter.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let desk = Arc::new(Desk::open(dir.path()).await);
        let text = "合同编号：2026-001。甲方与乙方经协商一致，订立本合同。（盖章）";
        let ofd = write(&plain("bench", "合同", SystemClock.now(), text)).unwrap();
        let pdf = paper::pdf(2, "");
        // Not packed and not the same throughout, so that nothing makes it small.
        let ballast: Vec<u8> = (0..LARGE as u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let large = paper::pdf_with(2, "", &ballast);
        let mut figures = Vec::new();
        for (name, document, callers, must) in [
            ("ofd", ofd, CALLERS, Some((200, 300))),
            ("pdf", pdf, CALLERS, Some((200, 300))),
            ("pdf_20mb", large, 2, None),
        ] {
            let bytes = document.len();
            let (sealing, sealed) = desk.seal(&document).await;
            assert_eq!(sealing, 200, "{}", String::from_utf8_lossy(&sealed));
            let seals = rate(&desk, Work::Seal, document.into(), callers, length).await;
            let checks = rate(&desk, Work::Verify, sealed.into(), callers, length).await;
            let (aim_seals, aim_checks) = match must {
                Some((seals, checks)) => {
                    (format!("   (must {seals}; aim 1,000)"), format!("   (must {checks}; aim 2,000)"))
                }
                None => Default::default(),
            };
            println!("{name:<9} {bytes:>10} bytes  {seals:>8.1} seals/s{aim_seals}");
            println!("{name:<9} {bytes:>10} bytes  {checks:>8.1} verifications/s{aim_checks}");
            figures.push((format!("seal_{name}"), seals));
            figures.push((format!("verify_{name}"), checks));
        }
        let (own, children) = memory();
        println!("memory at most      {own:.0} MiB here, {children:.0} MiB in the largest child process");
        for (name, figure) in figures {
            println!("FIGURE {name} {figure:.1} per_s");
        }
        println!("FIGURE seal_memory {:.0} MiB", own + children);
        desk.app.close().await;
    });
}

/// The application, and a seal that is in use.
struct Desk {
    app: App,
    router: Router,
    seal: String,
}

#[derive(Clone, Copy)]
enum Work {
    Seal,
    Verify,
}

impl Desk {
    async fn open(dir: &std::path::Path) -> Self {
        let mut config = pki_config::config::Config::default();
        config.storage.reserve = 1 << 20;
        config.eseal.verify_rate = 0;
        let options = AppOptions {
            config,
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom::open().unwrap()),
            probe: None,
            worker: Some(std::env::current_exe().unwrap()),
        };
        let new = DataDir::begin(&dir.join("d")).unwrap();
        let (app, _) = App::create(new, Setup::Trial, None, options).await.unwrap();
        let router = router(app.clone(), Door::Socket);
        let mut desk = Self { app, router, seal: String::new() };
        let ask = json!({"name": "示例科技有限公司", "picture": {"drawn": {"shape": "round"}}});
        let request = Request::post("/api/v1/seal/create").header(header::CONTENT_TYPE, "application/json");
        let answer = desk.ask(request.body(Body::from(ask.to_string())).unwrap()).await;
        let made: Value = serde_json::from_slice(&body(answer).await).unwrap();
        desk.seal = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        desk
    }

    async fn ask(&self, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(Peer::Socket { uid: self.app.owner() });
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn post(&self, verb: &str, order: &Value, document: &[u8]) -> Response<Body> {
        // A text that no document here holds.
        const BOUNDARY: &str = "7d1b0e3f5a924c6e8b0d2f4a6c8e0b1d";
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"order\"\r\n\r\n{order}\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"document\"; filename=\"d\"\r\n\r\n"
        );
        let whole = [head.as_bytes(), document, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = Request::post(format!("/api/v1/{verb}")).header(header::CONTENT_TYPE, kind);
        self.ask(request.body(Body::from(whole)).unwrap()).await
    }

    /// Puts the seal on a document; the status, and what came back.
    async fn seal(&self, document: &[u8]) -> (u16, Vec<u8>) {
        let order = json!({"seal": self.seal, "places": [{"at": {"pages": {"these": [1]}, "x": 120.0, "y": 200.0}}]});
        let answer = self.post("seal/sign", &order, document).await;
        (answer.status().as_u16(), body(answer).await)
    }

    async fn work(&self, work: Work, document: &[u8]) {
        match work {
            Work::Seal => {
                let (status, sealed) = self.seal(document).await;
                assert!(status == 200 && sealed.len() > document.len(), "{}", String::from_utf8_lossy(&sealed));
            }
            Work::Verify => {
                let answer = body(self.post("seal/verify", &json!({}), document).await).await;
                let report: Value = serde_json::from_slice(&answer).unwrap();
                assert_eq!(report["verdict"], "valid", "{report:#}");
            }
        }
    }
}

async fn body(answer: Response<Body>) -> Vec<u8> {
    answer.into_body().collect().await.unwrap().to_bytes().to_vec()
}

async fn rate(desk: &Arc<Desk>, work: Work, document: Arc<[u8]>, callers: usize, length: Duration) -> f64 {
    // Warm: child processes, caches, prepared statements.
    for _ in 0..2 {
        desk.work(work, &document).await;
    }
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (desk, document, done) = (Arc::clone(desk), Arc::clone(&document), Arc::clone(&done));
            tokio::spawn(async move {
                while begun.elapsed() < length {
                    desk.work(work, &document).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// The most memory that this process, and the largest of its children, ever had. Unit: MiB.
fn memory() -> (f64, f64) {
    let field = |pid: &str, name: &str| -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let own = f64::from(std::process::id());
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children = all.filter(|pid| field(pid, "PPid") == Some(own));
    let largest = children.filter_map(|pid| field(&pid, "VmHWM")).fold(0.0, f64::max);
    (field("self", "VmHWM").unwrap_or(0.0) / 1024.0, largest / 1024.0)
}
