//! The random source: the operating system's, watched by a start-up and a continuous health test.
//!
//! Source: NIST SP 800-90B 4.4 (repetition count, adaptive proportion), as GM/T 0062 asks likewise.
//! The bounds are set for full-entropy octets and a false alarm about once in 2^64 octets, since one
//! alarm stops the service until it is restarted.

use std::sync::{Mutex, PoisonError};

use pki_config::Random;
use pki_config::ports::RandomFailed;

/// Equal octets in a row that mean a stuck source: chance 2^-64.
const REPETITIONS: u32 = 9;
/// Octets in one window of the adaptive proportion test.
const WINDOW: u32 = 512;
/// Occurrences of a window's first octet that mean a biased source: chance about 2^-74 with 2 expected.
const PROPORTION: u32 = 30;
/// Octets drawn and thrown away at the start. Unit: bytes.
const START_UP: usize = 4096;

/// The operating system's source with health tests. Once it failed it stays failed.
pub struct OsRandom(Mutex<Health>);

impl OsRandom {
    /// Opens the source and tests it.
    ///
    /// # Errors
    /// It cannot be read or fails the test.
    pub fn open() -> Result<Self, RandomFailed> {
        let source = Self(Mutex::new(Health::default()));
        source.fill(&mut [0; START_UP])?;
        Ok(source)
    }
}

impl Random for OsRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let mut filled = 0;
        while filled < out.len() {
            match rustix::rand::getrandom(&mut out[filled..], rustix::rand::GetRandomFlags::empty()) {
                Ok(0) => return Err(RandomFailed),
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(RandomFailed),
            }
        }
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        health.watch(out).inspect_err(|_| out.fill(0))
    }
}

impl std::fmt::Debug for OsRandom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OsRandom")
    }
}

#[derive(Default)]
struct Health {
    failed: bool,
    last: u8,
    repeated: u32,
    first: u8,
    occurred: u32,
    seen: u32,
}

impl Health {
    fn watch(&mut self, octets: &[u8]) -> Result<(), RandomFailed> {
        for octet in octets {
            self.repeated = if *octet == self.last { self.repeated + 1 } else { 1 };
            self.last = *octet;
            if self.seen == 0 {
                (self.first, self.occurred) = (*octet, 0);
            }
            self.occurred += u32::from(*octet == self.first);
            self.seen = (self.seen + 1) % WINDOW;
            self.failed |= self.repeated >= REPETITIONS || self.occurred >= PROPORTION;
        }
        if self.failed { Err(RandomFailed) } else { Ok(()) }
    }
}

/// **For tests only**: a source whose every octet follows from the seed, SM3(seed, counter).
#[derive(Debug)]
pub struct SeededRandom {
    seed: [u8; 32],
    counter: Mutex<u64>,
}

impl SeededRandom {
    /// The source with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed: engine::sm3::hash(&seed.to_be_bytes()), counter: Mutex::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in out.chunks_mut(32) {
            let block = engine::sm3::hmac(&self.seed, &[&counter.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            *counter += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_systems_source_passes_and_does_not_repeat() {
        let source = OsRandom::open().unwrap();
        let (mut one, mut two) = ([0; 32], [0; 32]);
        source.fill(&mut one).unwrap();
        source.fill(&mut two).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn a_stuck_source_is_found_and_stays_failed() {
        let mut health = Health::default();
        assert!(health.watch(&[7; 8]).is_ok());
        assert!(health.watch(&[7]).is_err());
        assert!(health.watch(&[1, 2, 3]).is_err());
    }

    #[test]
    fn a_biased_source_is_found_within_a_window() {
        // Every eighth octet is the window's first: 64 in 512, where 2 are expected.
        let biased: Vec<u8> = (0..=511_u32).map(|i| if i % 8 == 0 { 0 } else { (i % 251) as u8 | 1 }).collect();
        assert!(Health::default().watch(&biased).is_err());
    }

    #[test]
    fn a_seeded_source_repeats_itself_from_the_start_only() {
        let draw = |source: &SeededRandom| {
            let mut out = [0; 40];
            source.fill(&mut out).unwrap();
            out
        };
        let (one, two) = (SeededRandom::new(1), SeededRandom::new(1));
        assert_eq!(draw(&one), draw(&two));
        assert_ne!(draw(&one), draw(&SeededRandom::new(1)));
    }
}
