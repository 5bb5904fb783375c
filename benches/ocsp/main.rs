//! How many questions a second the OCSP responder answers on one processor core, over keep-alive HTTP, the
//! load generator on the other: signed for each question with SM2 and with ECDSA, and made ahead. Beside them
//! the responder of the installed OpenSSL. Then the latency at half that load, how long a revocation takes to
//! show, and what making a million answers ahead costs.
//!
//!     cargo bench --bench ocsp       (YINXIN_BENCH_SECONDS=10 for longer runs,
//!                                     YINXIN_BENCH_ANSWERS=1000000 for the whole million)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

#[path = "../../tests/clients/mod.rs"]
mod clients;
#[path = "../../tests/judges/mod.rs"]
mod judges;
mod load;
mod million;
mod openssl;
mod question;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use clients::http::{Connection, get, post};
use clients::{Leaf, Service};
use crypto_pool::KeyAlgorithm;
use load::{Load, only_core};

/// Connections of the load generator; each has one question on its way at a time.
const CONNECTIONS: usize = 100;

fn main() {
    let seconds = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let length = Duration::from_secs(seconds);
    // Threads stay where the thread that starts them is.
    only_core(0);
    let service = Service::with(|config| config.pool.threads = 1);
    only_core(1);
    let sm2: Vec<Leaf> = (0..64).map(|n| service.issue(&format!("sm2-{n}.test"), KeyAlgorithm::Sm2)).collect();
    let ec: Vec<Leaf> = (0..64).map(|n| service.issue(&format!("ec-{n}.test"), KeyAlgorithm::P256)).collect();
    let nonce = [0xa5; 32];
    let live = |leaves: &[Leaf]| -> Vec<Vec<u8>> {
        leaves.iter().map(|leaf| post("/ocsp", &question::about(leaf, Some(&nonce)))).collect()
    };
    let ready = |leaves: &[Leaf]| -> Vec<Vec<u8>> {
        leaves.iter().map(|leaf| get(&format!("/ocsp/{}", question::escaped(&question::about(leaf, None))))).collect()
    };
    let posted: Vec<Vec<u8>> = sm2.iter().map(|leaf| post("/ocsp", &question::about(leaf, None))).collect();
    // Made ahead within five seconds, or kept once they were asked for: each is asked for here.
    let mut warm = Connection::open(service.http_address());
    for request in ready(&sm2).iter().chain(&ready(&ec)) {
        warm.send(request).unwrap();
        assert_eq!(warm.receive().unwrap().status, 200);
    }
    let address = service.http_address();
    let sm2_live = report("signed live, SM2", address, &live(&sm2), length);
    println!("FIGURE ocsp_live_sm2 {:.0} per_s", sm2_live.per_second);
    let ec_live = report("signed live, ECDSA P-256", address, &live(&ec), length);
    println!("FIGURE ocsp_live_p256 {:.0} per_s", ec_live.per_second);
    let presigned = report("made ahead, SM2, GET", address, &ready(&sm2), length);
    println!("FIGURE ocsp_presigned {:.0} per_s", presigned.per_second);
    report("made ahead, SM2, POST", address, &posted, length);
    openssl::report(&service, length);
    let half = sm2_live.per_second / 2.0;
    let latency = load::paced(address, &live(&sm2), CONNECTIONS, half, length);
    println!("signed live, SM2, at {half:.0} a second: {latency}");
    println!("FIGURE ocsp_p99 {:.2} ms", latency.p99.as_secs_f64() * 1e3);
    let half = presigned.per_second / 2.0;
    println!(
        "made ahead, SM2, at {half:.0} a second: {}",
        load::paced(address, &ready(&sm2), CONNECTIONS, half, length)
    );
    let shown = revocations(&service, &sm2[..20]);
    println!("a revocation shows after {:.1} ms (median of 20, from the call to the first answer)", shown * 1e3);
    println!("FIGURE revoke_to_answer {:.1} ms", shown * 1e3);
    drop(service);
    only_core(0);
    million::report();
}

fn report(what: &str, address: &str, requests: &[Vec<u8>], length: Duration) -> Load {
    // A little of it first: connections, caches, the pool's batches.
    load::full(address, requests, CONNECTIONS, Duration::from_millis(300));
    let load = load::full(address, requests, CONNECTIONS, length);
    println!(
        "{what}: {:.0} answers a second, {:.1} us of the server's processor each, {} bytes",
        load.per_second, load.server_micros, load.bytes
    );
    load
}

/// Seconds from the call that revokes to the first answer that says so, the median.
fn revocations(service: &Service, leaves: &[Leaf]) -> f64 {
    let mut delays: Vec<f64> = leaves
        .iter()
        .map(|leaf| {
            let request = post("/ocsp", &question::about(leaf, None));
            let mut door = Connection::open(service.http_address());
            std::thread::scope(|scope| {
                let began = Instant::now();
                let asker = scope.spawn(move || {
                    loop {
                        door.send(&request).unwrap();
                        if question::says_revoked(&door.receive().unwrap().body) {
                            return began.elapsed().as_secs_f64();
                        }
                        std::thread::sleep(Duration::from_micros(200));
                    }
                });
                service.revoke(leaf);
                asker.join().unwrap()
            })
        })
        .collect();
    delays.sort_by(f64::total_cmp);
    delays[delays.len() / 2]
}
