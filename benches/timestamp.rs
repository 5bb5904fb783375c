//! How many time-stamps a second, over HTTP: the real server with its real database, clients on the same
//! machine that keep their connections, every token durable in the audit log before its reply leaves. Every
//! reply is read and must be a granted token; the log is counted afterwards. Beside it `openssl ts -reply`,
//! a process for each token, if it is installed.
//!
//!     cargo bench --bench timestamp          (YINXIN_BENCH_SECONDS=10 for longer runs)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crypto_pool::random::OsRandom;
use pki_config::config::Config;
use pki_config::role::Setup;
use pki_config::time::SystemClock;
use tokio::sync::watch;
use tsa::core::request::{Draft, Hash};
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::serve::{Doors, serve};
use web::up;

/// Threads that play the clients: each holds its share of the connections and asks on all of them before it
/// reads the answers, so that a hundred clients cost no more than two threads.
const CLIENT_THREADS: usize = 2;

fn main() {
    let seconds = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let length = Duration::from_secs(seconds);
    // On the disk the build is on: a scratch directory in memory would flatter.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (app, address, stop) = runtime.block_on(start(dir.path()));
    let sm2 = request("/tsa", Hash::Sm3);
    let ec = request("/tsa", Hash::Sha256);
    // Warm: caches, prepared statements, the first stamp of a start.
    run(address, &sm2, 8, Duration::from_millis(500));
    run(address, &ec, 8, Duration::from_millis(300));

    let before = runtime.block_on(app.audit().size()).unwrap();
    let crowd = run(address, &sm2, 100, length);
    let logged = runtime.block_on(app.audit().size()).unwrap() - before;
    assert!(logged >= crowd.replies, "{logged} entries for {} tokens", crowd.replies);
    let alone = run(address, &sm2, 1, length);
    let ecdsa = run(address, &ec, 100, length);
    println!(
        "SM2,   100 clients  {:>9.0} tokens/s   (must 10,000; aim 40,000)  p50 {:.2} ms  p99 {:.2} ms",
        crowd.rate, crowd.p50, crowd.p99
    );
    println!("SM2,     1 client   {:>9.0} tokens/s   p50 {:.2} ms  p99 {:.2} ms", alone.rate, alone.p50, alone.p99);
    println!("ECDSA, 100 clients  {:>9.0} tokens/s   p50 {:.2} ms  p99 {:.2} ms", ecdsa.rate, ecdsa.p50, ecdsa.p99);
    match openssl(dir.path()) {
        Some(rate) => println!("openssl ts -reply   {rate:>9.0} tokens/s   (ECDSA, a process each, nothing logged)"),
        None => println!("openssl ts -reply   left out: no openssl"),
    }
    println!("FIGURE tsa_sm2_100 {:.0} per_s", crowd.rate);
    println!("FIGURE tsa_sm2_1 {:.0} per_s", alone.rate);
    println!("FIGURE tsa_ec_100 {:.0} per_s", ecdsa.rate);
    println!("FIGURE tsa_p99 {:.2} ms", crowd.p99);
    stop.send(true).unwrap();
    runtime.block_on(app.close());
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn start(dir: &Path) -> (App, SocketAddr, watch::Sender<bool>) {
    let mut config = Config::default();
    config.web.http = "127.0.0.1:0".parse().unwrap();
    config.web.https = "127.0.0.1:0".parse().unwrap();
    // All clients are behind one address here. The limit is counted, and never reached.
    config.tsa.rate = 1_000_000;
    config.tsa.burst = 1_000_000;
    let doors = Doors::bind(&config.web).unwrap();
    let address = doors.http_address().unwrap();
    // What is issued names the address, so it must be the real one.
    config.web.http = address.to_string().parse().unwrap();
    let new = DataDir::begin(&dir.join("d")).unwrap();
    let options = AppOptions {
        config: config.clone(),
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom::open().unwrap()),
        probe: None,
        worker: None,
    };
    let (app, _) = App::create(new, Setup::Trial, None, options).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    app.start_schedules(&stopped);
    let service = up::service(&app).unwrap();
    tokio::spawn(async move { serve(doors, None, None, service, &config.web, stopped).await.unwrap() });
    (app, address, stop)
}

/// A whole HTTP request for a time-stamp.
fn request(path: &str, hash: Hash) -> Vec<u8> {
    let nonce = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0];
    let draft = Draft { hash, digest: &[0x5a; 32], policy: None, nonce: Some(&nonce), cert_req: false };
    let body = draft.to_der();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/timestamp-query\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

struct Measured {
    replies: u64,
    rate: f64,
    /// Unit: milliseconds.
    p50: f64,
    /// Unit: milliseconds.
    p99: f64,
}

fn run(address: SocketAddr, request: &[u8], clients: usize, length: Duration) -> Measured {
    let stop = Arc::new(AtomicBool::new(false));
    let threads = CLIENT_THREADS.min(clients);
    let begun = Instant::now();
    let all: Vec<_> = (0..threads)
        .map(|number| {
            let share = clients / threads + usize::from(number < clients % threads);
            let (request, stop) = (request.to_vec(), Arc::clone(&stop));
            thread::spawn(move || clients_of_a_thread(address, &request, share, &stop))
        })
        .collect();
    thread::sleep(length);
    stop.store(true, Ordering::Relaxed);
    let mut times: Vec<Duration> = all.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let took = begun.elapsed();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    let replies = times.len() as u64;
    Measured { replies, rate: replies as f64 / took.as_secs_f64(), p50: at(0.50), p99: at(0.99) }
}

/// Asks on each connection, and again as soon as its answer is there.
fn clients_of_a_thread(address: SocketAddr, request: &[u8], clients: usize, stop: &AtomicBool) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = Arc::new(request.to_vec());
    // The flag is looked at by each client before it asks again.
    let stopped: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..clients).map(|_| tokio::spawn(client(address, Arc::clone(&request), stopped))).collect();
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stopped.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.unwrap());
        }
        times
    })
}

async fn client(address: SocketAddr, request: Arc<Vec<u8>>, stop: &'static AtomicBool) -> Vec<Duration> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 16_384];
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        loop {
            let more = stream.read(&mut buffer[filled..]).await.unwrap();
            assert_ne!(more, 0, "the server hung up");
            filled += more;
            if let Some(body) = whole(&buffer[..filled]) {
                // TimeStampResp with the status granted: SEQUENCE { SEQUENCE { INTEGER 0 }, … }.
                let granted = body.windows(5).take(8).any(|window| window == [0x30, 3, 2, 1, 0]);
                assert!(granted, "{}", String::from_utf8_lossy(&buffer[..filled]));
                break;
            }
        }
        times.push(begun.elapsed());
    }
    times
}

/// The body, once all of it is there.
fn whole(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let body = &answer[end + 4..];
    (body.len() >= length.expect("a length")).then_some(body)
}

/// What `openssl ts -reply` makes a second, with a certificate of its own.
fn openssl(dir: &Path) -> Option<f64> {
    let shell = |script: &str| Command::new("sh").current_dir(dir).args(["-c", script]).output().ok();
    let made = shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -days 2 \
         -subj /CN=tsa -addext extendedKeyUsage=critical,timeStamping -addext keyUsage=critical,digitalSignature && \
         printf '[tsa]\\ndefault_tsa=t\\n[t]\\nserial=serial\\nsigner_digest=sha256\\ndefault_policy=1.2.3.4\\n\
digests=sha256\\nsigner_cert=c.pem\\nsigner_key=k.pem\\ncerts=c.pem\\n' > ts.cnf && \
         echo 01 > serial && echo hello > data && openssl ts -query -data data -sha256 -out q.tsq",
    )?;
    if !made.status.success() {
        return None;
    }
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        let run = shell("openssl ts -reply -config ts.cnf -queryfile q.tsq -out r.tsr")?;
        if !run.status.success() {
            return None;
        }
        count += 1;
    }
    Some(f64::from(count) / begun.elapsed().as_secs_f64())
}
