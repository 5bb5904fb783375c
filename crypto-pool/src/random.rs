//! The random source: the operating system's, watched by a start-up and a continuous health test.
//!
//! Source: NIST SP 800-90B 4.4 (repetition count, adaptive proportion), as GM/T 0062 asks likewise.
//! The bounds are set for full-entropy octets and a false alarm about once in 2^64 octets, since one
//! alarm stops the service until it is restarted.

use std::sync::{Arc, Mutex, PoisonError};

use pki_config::Random;
use pki_config::ports::RandomFailed;
use zeroize::{Zeroize, Zeroizing};

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

/// Octets a reservoir draws at once. Unit: bytes; the nonces of two full batches.
const RESERVOIR: usize = 4096;

/// A worker's store of fresh octets, so that its nonces cost one call of the source for a hundred signatures and
/// no lock that another worker holds. What was given out is wiped at once, what was not when it is dropped.
pub(crate) struct Reservoir {
    source: Arc<dyn Random>,
    store: Mutex<Store>,
}

struct Store {
    octets: Zeroizing<Vec<u8>>,
    /// How many of them, at the front, are still to be given out.
    left: usize,
}

impl Reservoir {
    /// An empty one over this source.
    pub(crate) fn new(source: Arc<dyn Random>) -> Self {
        Self { source, store: Mutex::new(Store { octets: Zeroizing::new(vec![0; RESERVOIR]), left: 0 }) }
    }
}

impl Clone for Reservoir {
    /// Over the same source, with nothing in it: no octet is ever given out twice.
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.source))
    }
}

impl Random for Reservoir {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        if out.len() > RESERVOIR {
            return self.source.fill(out);
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.left < out.len() {
            store.left = 0;
            self.source.fill(&mut store.octets)?;
            store.left = RESERVOIR;
        }
        let (from, to) = (store.left - out.len(), store.left);
        let given = &mut store.octets[from..to];
        out.copy_from_slice(given);
        given.zeroize();
        store.left = from;
        Ok(())
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

    /// Counts its calls and the octets it gave: 1, 2, 3 and so on.
    #[derive(Default)]
    struct Counting(Mutex<(usize, usize)>);

    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
            let mut counts = self.0.lock().unwrap();
            counts.0 += 1;
            for octet in out {
                counts.1 += 1;
                *octet = (counts.1 % 251) as u8 + 1;
            }
            Ok(())
        }
    }

    #[test]
    fn a_reservoir_gives_each_octet_once_and_wipes_what_it_gave() {
        let source = Arc::new(Counting::default());
        let reservoir = Reservoir::new(source.clone());
        let mut given = Vec::new();
        for _ in 0..RESERVOIR / 32 {
            let mut out = [0; 32];
            reservoir.fill(&mut out).unwrap();
            given.extend(out);
        }
        assert_eq!(source.0.lock().unwrap().0, 1, "one call for all");
        assert!(reservoir.store.lock().unwrap().octets.iter().all(|octet| *octet == 0));
        given.sort_unstable();
        let mut all: Vec<u8> = (1..=RESERVOIR).map(|n| (n % 251) as u8 + 1).collect();
        all.sort_unstable();
        assert_eq!(given, all);
        // A clone begins empty: it asks the source before it gives.
        reservoir.clone().fill(&mut [0; 32]).unwrap();
        assert_eq!(source.0.lock().unwrap().0, 2);
        reservoir.fill(&mut vec![0; RESERVOIR + 1]).unwrap();
        assert_eq!(source.0.lock().unwrap().0, 3);
    }

    #[test]
    fn a_reservoir_over_a_failed_source_gives_nothing() {
        struct Failing;
        impl Random for Failing {
            fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
                Err(RandomFailed)
            }
        }
        let reservoir = Reservoir::new(Arc::new(Failing));
        assert!(reservoir.fill(&mut [0; 32]).is_err() && reservoir.fill(&mut [0; 32]).is_err());
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
