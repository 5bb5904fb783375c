//! What the benches of the engine share: rates by the processor time of one thread, rows beside the floor, and
//! the installed OpenSSL.

#![allow(dead_code, reason = "each bench takes what it needs")]

use std::process::Command;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Samples of which the median counts.
const SAMPLES: usize = 7;
/// How long each takes at least.
const SAMPLE: Duration = Duration::from_millis(150);

/// Processor time this thread has used: neighbours on the machine do not count.
pub fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Operations a second: the median of some samples. `work` does some and says how many.
pub fn rate(mut work: impl FnMut() -> usize) -> f64 {
    work();
    median((0..SAMPLES).map(|_| {
        let (begun, mut done) = (spent(), 0);
        loop {
            done += work();
            let taken = spent() - begun;
            if taken >= SAMPLE {
                return done as f64 / taken.as_secs_f64();
            }
        }
    }))
}

/// As [`rate`], for work that must be prepared each time, which does not count.
pub fn rate_prepared<T>(mut prepare: impl FnMut() -> T, mut work: impl FnMut(T) -> usize) -> f64 {
    work(prepare());
    median((0..SAMPLES).map(|_| {
        let (mut taken, mut done) = (Duration::ZERO, 0);
        while taken < SAMPLE {
            let prepared = prepare();
            let begun = spent();
            done += work(prepared);
            taken += spent() - begun;
        }
        done as f64 / taken.as_secs_f64()
    }))
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Rows of operations a second, each beside the floor it must reach, as a multiple of it and of a peer.
pub struct Table {
    floor: f64,
    peer: f64,
}

impl Table {
    /// `floor` as the standard sets it; `peer`, what the best library in plain Rust does here and now.
    pub fn new(title: &str, floor: f64, peer: f64) -> Self {
        println!("{title}, one core, processor time; floor {floor:.0}/s (T/TCCIA 0002-2022 5.5)");
        println!("{:<44} {:>10}  {:>9}  {:>12}", "", "per second", "x floor", "x RustCrypto");
        Self { floor, peer }
    }

    pub fn row(&self, name: &str, rate: f64) {
        println!("{name:<44} {rate:>10.0}  {:>9.1}  {:>12.1}", rate / self.floor, rate / self.peer);
    }
}

/// Signatures and verifications a second of the installed OpenSSL, by its own measurement; `None`, and a loud
/// word, where there is none that knows the algorithm.
pub fn openssl(algorithm: &str) -> Option<(f64, f64)> {
    let left_out = |why: &str| {
        println!("LEFT OUT: openssl speed {algorithm}: {why}");
        None
    };
    let output = match Command::new("openssl").args(["speed", "-seconds", "1", "-mr", algorithm]).output() {
        Ok(output) => output,
        Err(why) => return left_out(&why.to_string()),
    };
    // One line each: +F7 (SM2) or +F4 (ECDSA), number, bits, name for SM2, signatures/s, verifications/s.
    let text = String::from_utf8_lossy(&output.stdout);
    let rates = text.lines().filter(|line| line.starts_with("+F7:") || line.starts_with("+F4:")).find_map(|line| {
        let mut fields = line.rsplit(':').map(str::parse);
        let (verify, sign) = (fields.next()?.ok()?, fields.next()?.ok()?);
        Some((sign, verify))
    });
    rates.map_or_else(|| left_out("it does not know it, or tells it otherwise"), Some)
}
