//! Whether secrets show in times (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", 2017): each
//! operation is timed on two classes of input, taken by lot, and Welch's t tells whether their means differ.
//! |t| of 4.5 or more is a leak, or a neighbour on the machine: run it again to tell the two apart. Where a control,
//! code of others that is known to be constant in time, differs in the same way, it is the processor: switching many
//! bits at once slows some down by parts in ten thousand.
//!
//!     YINXIN_DUDECT_SAMPLES=1000000 cargo bench -p engine --bench dudect        (100,000 unless told)
//!
//! A name as an argument runs the tests with that name in theirs. Ends with 1 if any |t| is 4.5 or more.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

use std::hint::black_box;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use engine::sm2::encrypt::Ciphertext;
use engine::sm2::{PrivateKey, Signature};
use engine::sm3::{DIGEST_LENGTH, HmacKey};
use engine::sm4::Gcm;
use hmac::{KeyInit as _, Mac as _};

const THRESHOLD: f64 = 4.5;
/// t is computed of all times, and of those up to these shares: what is slow for other reasons hides a leak.
const SHARES: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

/// Inputs prepared at a time.
const GROUP: usize = 64;

/// splitmix64 (Vigna 2015): for the lot and for inputs, not for secrets.
struct Lot(u64);

impl Lot {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.bits() as u8)
    }

    /// A private key: the first byte keeps it below n.
    fn key(&mut self) -> [u8; 32] {
        let mut key = self.bytes();
        key[0] &= 0x7f;
        key
    }
}

struct Bench {
    samples: usize,
    only: Vec<String>,
    worst: f64,
}

impl Bench {
    /// Times `work` on what `prepare` makes for class 0 (false) or 1 (true).
    fn run<T, R>(&mut self, name: &str, mut prepare: impl FnMut(bool, &mut Lot) -> T, mut work: impl FnMut(&T) -> R) {
        if !self.only.is_empty() && !self.only.iter().any(|part| name.contains(part.as_str())) {
            return;
        }
        let mut lot = Lot(1);
        let mut times: Vec<(f64, bool)> = Vec::with_capacity(2 * self.samples);
        // The first tenth warms up.
        let warm = self.samples / 10;
        while times.len() < warm + self.samples {
            // Many are prepared before the first is timed: what the processor remembers of the way a class was
            // prepared is then nobody's in particular.
            let inputs: Vec<(bool, T)> = (0..GROUP)
                .map(|_| {
                    let class = lot.bits() >> 63 == 1;
                    (class, prepare(class, &mut lot))
                })
                .collect();
            for (class, input) in &inputs {
                fence(Ordering::SeqCst);
                let begun = Instant::now();
                black_box(work(black_box(input)));
                times.push((begun.elapsed().as_nanos() as f64, *class));
            }
        }
        times.drain(..warm);
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let t = SHARES.map(|share| welch(&times[..(times.len() as f64 * share) as usize]));
        let worst = t.iter().fold(0.0_f64, |worst, t| worst.max(t.abs()));
        // A control is other people's code: it tells what the machine itself makes of these two classes.
        let control = name.starts_with("control");
        self.worst = if control { self.worst } else { self.worst.max(worst) };
        let shown: Vec<String> = t.iter().map(|t| format!("{t:6.2}")).collect();
        let verdict = if worst < THRESHOLD { "ok" } else { "DIFFERS" };
        let verdict = if control { "" } else { verdict };
        println!("{name:<48} {:>8.0} ns  t {}  {verdict}", times[times.len() / 2].0, shown.join(" "));
    }
}

/// Welch's t of the two classes.
fn welch(times: &[(f64, bool)]) -> f64 {
    let moments = |class: bool| {
        let of = || times.iter().filter(move |(_, other)| *other == class).map(|(time, _)| *time);
        let count = of().count() as f64;
        let mean = of().sum::<f64>() / count;
        let variance = of().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean_0, error_0), (mean_1, error_1)) = (moments(false), moments(true));
    (mean_0 - mean_1) / (error_0 + error_1).sqrt().max(f64::MIN_POSITIVE)
}

fn main() {
    let samples = std::env::var("YINXIN_DUDECT_SAMPLES").map_or(100_000, |samples| samples.parse().unwrap());
    let only = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut bench = Bench { samples, only, worst: 0.0 };
    println!("{samples} samples each; t of all times and of the fastest 99, 95, 90, 75 and 50 in a hundred");
    sm2(&mut bench);
    codes(&mut bench);
    println!("FIGURE dudect_worst {:.2} t", bench.worst);
    if bench.worst >= THRESHOLD {
        std::process::exit(1);
    }
}

fn sm2(bench: &mut Bench) {
    let fixed = Lot(77).key();
    let key_of =
        move |random: bool, lot: &mut Lot| PrivateKey::from_bytes(&[fixed, lot.key()][usize::from(random)]).unwrap();
    bench.run(
        "sm2 sign: a fixed or a random key",
        |random, lot| (key_of(random, lot), lot.bytes::<32>()),
        |(key, randomness)| key.sign_prehash(&[5; 32], randomness),
    );
    let key = PrivateKey::from_bytes(&fixed).unwrap();
    bench.run(
        "sm2 sign: a fixed or a random message and nonce",
        |random, lot| [([5; 32], [6; 32]), (lot.bytes::<32>(), lot.bytes::<32>())][usize::from(random)],
        |(e, randomness)| -> Signature { key.sign_prehash(e, randomness) },
    );
    // A key is made as the point of a nonce is: the multiple of G, but here we choose the number.
    bench.run(
        "sm2 k·G: k small or random",
        |random, lot| {
            let (other, mut small) = (lot.key(), [0; 32]);
            small[31] = 1 + (other[31] & 7);
            [small, other][usize::from(random)]
        },
        |d| PrivateKey::from_bytes(d).unwrap(),
    );
    bench.run(
        "sm2 k·G: k of many ones or random",
        |random, lot| {
            let (other, mut ones) = (lot.key(), [0xff; 32]);
            ones[0] = 0x7f;
            [ones, other][usize::from(random)]
        },
        |d| PrivateKey::from_bytes(d).unwrap(),
    );
    // For nobody's key, so that the answer is no in both classes.
    let ciphertext = PrivateKey::from_bytes(&[1; 32]).unwrap().public().encrypt(&[7; 32], &[8; 32]).unwrap();
    bench.run("sm2 decrypt: a fixed or a random key", key_of, |key| key.decrypt(&ciphertext).is_err());
    let good = key.public().encrypt(&[7; 32], &[8; 32]).unwrap().to_bytes();
    bench.run(
        "sm2 decrypt: C3 wrong at its begin or end",
        |last, _| {
            let mut bytes = good.clone();
            bytes[if last { 65 + DIGEST_LENGTH - 1 } else { 65 }] ^= 1;
            Ciphertext::from_bytes(&bytes).unwrap()
        },
        |ciphertext| key.decrypt(ciphertext).is_err(),
    );
}

fn codes(bench: &mut Bench) {
    let message = [3; 200];
    bench.run(
        "hmac-sm3: a fixed or a random key and message",
        |random, lot| {
            let (key, message) = [([9; 32], [3; 200]), (lot.bytes(), lot.bytes())][usize::from(random)];
            (HmacKey::new(&key), message)
        },
        |(key, message)| key.mac(&[message]),
    );
    bench.run(
        "control: the same with RustCrypto's hmac-sm3",
        |random, lot| {
            let (key, message): ([u8; 32], [u8; 200]) =
                [([9; 32], [3; 200]), (lot.bytes(), lot.bytes())][usize::from(random)];
            (hmac::Hmac::<sm3::Sm3>::new_from_slice(&key).unwrap(), message)
        },
        |(mac, message)| mac.clone().chain_update(message).finalize(),
    );
    let key = HmacKey::new(&[9; 32]);
    let code = key.mac(&[&message]);
    bench.run(
        "hmac-sm3: the code wrong at its begin or end",
        |last, _| wrong(code, last),
        |code| {
            let mut mac = key.start();
            mac.update(&message);
            mac.verify(code)
        },
    );
    let gcm = Gcm::new(&[2; 16]);
    let sealed = gcm.seal(&[3; 12], b"", &message);
    bench.run(
        "sm4-gcm: the tag wrong at its begin or end",
        |last, _| {
            let mut sealed = sealed.clone();
            let begin = sealed.len() - 16;
            sealed[if last { begin + 15 } else { begin }] ^= 1;
            sealed
        },
        |sealed| gcm.open(&[3; 12], b"", sealed).is_err(),
    );
    bench.run(
        "sm4-gcm: a fixed or a random key and message",
        |random, lot| {
            let (key, message) = [([2; 16], [3; 200]), (lot.bytes(), lot.bytes())][usize::from(random)];
            (Gcm::new(&key), message)
        },
        |(gcm, message)| gcm.seal(&[3; 12], b"", message),
    );
}

/// `code` with a wrong bit in its last or its first byte.
fn wrong(mut code: [u8; DIGEST_LENGTH], last: bool) -> [u8; DIGEST_LENGTH] {
    code[if last { DIGEST_LENGTH - 1 } else { 0 }] ^= 1;
    code
}
