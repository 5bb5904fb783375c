//! How fast something goes on one core, and how to say so: for the benches of hashing and encrypting.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time of this thread, so that neighbours on a shared machine do not count. They still take
/// caches and, where two threads share a core, half of it: compare lines of one run only.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// The median of five runs of `work`, which handles `bytes` each time it is called. Unit: 10^6 bytes a second.
pub fn rate<T>(bytes: usize, mut work: impl FnMut() -> T) -> f64 {
    let seconds: f64 = std::env::var("YINXIN_BENCH_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(0.3);
    // So many calls between two looks at the clock that the looking does not count.
    let begun = processor_time();
    let mut group = 0_u32;
    while processor_time() - begun < Duration::from_millis(2) {
        black_box(work());
        group += 1;
    }
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let begun = processor_time();
            let mut calls = 0_u32;
            loop {
                (0..group).for_each(|_| drop(black_box(work())));
                calls += group;
                let taken = (processor_time() - begun).as_secs_f64();
                if taken >= seconds / 5.0 {
                    return f64::from(calls) * bytes as f64 / taken / 1e6;
                }
            }
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[2]
}

/// What `openssl speed` says of a cipher or digest at 16 KiB. Unit: 10^6 bytes a second. None, and a line
/// that says why, without the program or the algorithm.
pub fn openssl(algorithm: &str) -> Option<f64> {
    let output =
        Command::new("openssl").args(["speed", "-seconds", "1", "-bytes", "16384", "-evp", algorithm]).output();
    let figure = output.ok().filter(|output| output.status.success()).and_then(|output| {
        // The last line: the name, and thousands of bytes a second with a k behind.
        let text = String::from_utf8(output.stdout).ok()?;
        let last = text.lines().last()?.split_whitespace().last()?.strip_suffix('k')?.parse::<f64>().ok()?;
        Some(last / 1000.0)
    });
    if figure.is_none() {
        println!("SKIPPED: openssl speed {algorithm}: not installed, or without it");
    }
    figure
}

/// What T/TCCIA 0002-2022 5.5 asks of an operation, and the lines printed for it so far.
pub struct Table {
    /// Unit: 10^6 bytes a second.
    floor: f64,
    peer: Option<f64>,
}

impl Table {
    /// Begins an operation; `peer` is what the lines are compared with.
    pub fn new(title: &str, floor: f64, peer: Option<f64>) -> Self {
        println!("\n{title}");
        Self { floor, peer }
    }

    /// Prints a line: the rate, how many times the floor it is, and how many times the peer.
    pub fn line(&self, name: &str, rate: f64) -> f64 {
        let peer = self.peer.map(|peer| format!("{:>7.2} x RustCrypto", rate / peer)).unwrap_or_default();
        println!("  {name:<34} {rate:>8.0} MB/s {:>7.1} x floor {peer}", rate / self.floor);
        rate
    }
}
