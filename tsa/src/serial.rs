//! Numbers of tokens: unique for the whole life of an authority, without a write for each.
//!
//! ```text
//! serial = 01 || 64 random bits, drawn once per start || a counter of 48 bits
//! ```
//!
//! The random part is recorded before the first token of a start, and a part that was recorded before is
//! never used: a random source that repeats itself, or a directory that was copied, gives no number twice.

use std::sync::atomic::{AtomicU64, Ordering};

use pki_config::Serial;
use pki_config::ports::{Random, RandomFailed};

/// More tokens than this of one start there are not: at a million a second it is nine years.
const MOST: u64 = 1 << 48;

/// The numbers of one start.
#[derive(Debug)]
pub struct Serials {
    prefix: [u8; 8],
    next: AtomicU64,
}

impl Serials {
    /// Draws the random part.
    ///
    /// # Errors
    /// [`RandomFailed`].
    pub fn draw(random: &dyn Random) -> Result<Self, RandomFailed> {
        let mut prefix = [0; 8];
        random.fill(&mut prefix)?;
        Ok(Self { prefix, next: AtomicU64::new(0) })
    }

    /// The random part.
    #[must_use]
    pub const fn prefix(&self) -> [u8; 8] {
        self.prefix
    }

    /// The next number; `None` after the last, when a new start is due.
    #[must_use]
    pub fn next(&self) -> Option<Serial> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= MOST {
            return None;
        }
        let mut bytes = [0; 15];
        // So that the INTEGER is positive and every number equally long, whatever was drawn.
        bytes[0] = 1;
        bytes[1..9].copy_from_slice(&self.prefix);
        bytes[9..].copy_from_slice(&number.to_be_bytes()[2..]);
        Serial::from_der_content(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_pool::random::SeededRandom;
    use std::collections::HashSet;

    #[test]
    fn numbers_count_up_behind_the_random_part() {
        let serials = Serials::draw(&SeededRandom::new(1)).unwrap();
        let (first, second) = (serials.next().unwrap(), serials.next().unwrap());
        let prefix = [&[1], &serials.prefix()[..]].concat();
        assert_eq!(first.as_bytes(), [&prefix[..], &[0; 6]].concat());
        assert_eq!(second.as_bytes(), [&prefix[..], &[0, 0, 0, 0, 0, 1]].concat());
    }

    #[test]
    fn threads_never_get_the_same_number() {
        let serials = Serials::draw(&SeededRandom::new(1)).unwrap();
        let all: Vec<Serial> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..500).map(|_| serials.next().unwrap()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 2000);
    }

    #[test]
    fn after_the_last_number_there_is_none() {
        let serials = Serials::draw(&SeededRandom::new(1)).unwrap();
        serials.next.store(MOST - 1, Ordering::Relaxed);
        assert!(serials.next().is_some());
        assert!(serials.next().is_none());
    }
}
