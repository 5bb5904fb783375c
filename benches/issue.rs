//! How many certificates a second: each request proven, linted, its intent stored, signed, verified, logged
//! and durable. SM2 throughout. Beside it the latency of one commit on the same disk, which bounds a lone
//! caller: it waits for two.
//!
//!     cargo bench --bench issue            (YINXIN_BENCH_SECONDS=10 for longer runs)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crypto_pool::KeyAlgorithm;
use ledger::{DbError, Importance};
use pki_config::Permission;
use support::{Parts, TestHouse};

fn main() {
    let seconds = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let length = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // On the disk the build is on: a scratch directory in memory would flatter.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let house = Arc::new(TestHouse::open(dir.path(), Parts::real()).await);
        // A few keys are enough: what is measured is the issuing, and every request is proven anew.
        let csrs: Arc<Vec<Vec<u8>>> =
            Arc::new((0..16).map(|_| support::csr(KeyAlgorithm::Sm2, house.random.as_ref()).0).collect());

        let latency = commit_latency(&house).await;
        let alone = rate(&house, &csrs, 1, length).await;
        let crowd = rate(&house, &csrs, 100, length).await;
        println!("one caller          {alone:>9.0} certificates/s");
        println!("100 callers         {crowd:>9.0} certificates/s   (must 2,000; aim 10,000)");
        println!("one commit          {latency:>9.3} ms");
        println!("FIGURE issue_1 {alone:.0} per_s");
        println!("FIGURE issue_100 {crowd:.0} per_s");
        println!("FIGURE commit_latency {latency:.3} ms");
    });
}

/// The median of single, lone, durable writes. Unit: milliseconds.
async fn commit_latency(house: &TestHouse) -> f64 {
    house.db.migrate("bench", &["CREATE TABLE bench_row (id INTEGER PRIMARY KEY, body BLOB)"]).unwrap();
    let mut times = Vec::new();
    for _ in 0..300 {
        let begun = Instant::now();
        house
            .db
            .write(Importance::Normal, |tx| -> Result<(), DbError> {
                tx.execute("INSERT INTO bench_row (body) VALUES (randomblob(400))", &[]).map(drop)
            })
            .await
            .unwrap();
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

async fn rate(house: &Arc<TestHouse>, csrs: &Arc<Vec<Vec<u8>>>, callers: usize, length: Duration) -> f64 {
    let issued = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (house, csrs, issued) = (house.clone(), csrs.clone(), issued.clone());
            tokio::spawn(async move {
                let auth = support::owner(Permission::IssueCertificate);
                let mut number = caller;
                while begun.elapsed() < length {
                    let host = format!("host-{number}.example.cn");
                    let request = support::server_request(&csrs[number % csrs.len()], &host);
                    house.ca.issue(&auth, request).await.unwrap();
                    issued.fetch_add(1, Ordering::Relaxed);
                    number += callers;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    issued.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}
