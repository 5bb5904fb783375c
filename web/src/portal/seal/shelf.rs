//! What people work on in the pages for a few minutes: documents to be sealed, reports just made. In memory only, within
//! bounds, gone after a while; nothing of it is ever written to a disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki_config::{ErrorCode, Random};

use crate::problem::Failure;

/// The bounds of a shelf.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Everything on it. Unit: bytes.
    pub bytes: usize,
    /// What one owner has on it. Unit: bytes.
    pub each: usize,
    /// How long things stay after they were last looked at.
    pub lifetime: Duration,
}

/// A shelf of things under names that nobody can guess.
#[derive(Debug)]
pub struct Shelf<T> {
    bounds: Bounds,
    /// Last looked at last.
    things: Mutex<VecDeque<Thing<T>>>,
}

#[derive(Debug)]
struct Thing<T> {
    name: String,
    owner: String,
    bytes: usize,
    at: Duration,
    value: Arc<T>,
}

impl<T> Shelf<T> {
    /// An empty one.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, things: Mutex::default() }
    }

    /// Puts a thing of this size on it and gives its name: 128 bits of chance, in hexadecimal. What was looked at
    /// longest ago makes room.
    ///
    /// # Errors
    /// `TOO_LARGE`: it is larger than anybody's share. `INTERNAL`: no randomness.
    pub fn put(
        &self,
        owner: &str,
        bytes: usize,
        value: T,
        now: Duration,
        random: &dyn Random,
    ) -> Result<String, Failure> {
        if bytes > self.bounds.each {
            return Err(ErrorCode::TooLarge.into());
        }
        let mut name = [0; 16];
        random.fill(&mut name).map_err(|error| Failure::inside(ErrorCode::Internal, format!("{error:?}")))?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = Thing { name: name.clone(), owner: owner.to_owned(), bytes, at: now, value: Arc::new(value) };
        things.push_back(thing);
        self.tidy(&mut things, owner, now);
        Ok(name)
    }

    /// The thing with this name, if it is this owner's and still there.
    pub fn get(&self, owner: &str, name: &str, now: Duration) -> Option<Arc<T>> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        self.tidy(&mut things, owner, now);
        let place = things.iter().position(|thing| thing.name == name && thing.owner == owner)?;
        let mut thing = things.remove(place)?;
        thing.at = now;
        let value = Arc::clone(&thing.value);
        things.push_back(thing);
        Some(value)
    }

    fn tidy(&self, things: &mut VecDeque<Thing<T>>, owner: &str, now: Duration) {
        things.retain(|thing| now.saturating_sub(thing.at) < self.bounds.lifetime);
        while things.iter().filter(|thing| thing.owner == owner).map(|thing| thing.bytes).sum::<usize>()
            > self.bounds.each
        {
            let Some(oldest) = things.iter().position(|thing| thing.owner == owner) else { break };
            things.remove(oldest);
        }
        while things.iter().map(|thing| thing.bytes).sum::<usize>() > self.bounds.bytes {
            things.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), pki_config::ports::RandomFailed> {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn shelf() -> (Shelf<u8>, Counting) {
        (Shelf::new(Bounds { bytes: 100, each: 60, lifetime: SECOND * 60 }), Counting(AtomicU8::new(0)))
    }

    #[test]
    fn a_thing_is_found_by_its_owner_and_by_nobody_else() {
        let (shelf, random) = shelf();
        let name = shelf.put("a", 10, 7, SECOND, &random).unwrap();
        assert_eq!(name.len(), 32);
        assert_eq!(shelf.get("a", &name, SECOND).as_deref(), Some(&7));
        assert!(shelf.get("b", &name, SECOND).is_none() && shelf.get("a", "00", SECOND).is_none());
    }

    #[test]
    fn a_thing_stays_as_long_as_it_is_looked_at() {
        let (shelf, random) = shelf();
        let name = shelf.put("a", 10, 7, SECOND, &random).unwrap();
        assert!(shelf.get("a", &name, SECOND * 50).is_some());
        assert!(shelf.get("a", &name, SECOND * 100).is_some());
        assert!(shelf.get("a", &name, SECOND * 160).is_none());
    }

    #[test]
    fn who_puts_too_much_on_it_loses_what_is_oldest_of_their_own() {
        let (shelf, random) = shelf();
        let first = shelf.put("a", 40, 1, SECOND, &random).unwrap();
        let other = shelf.put("b", 40, 2, SECOND, &random).unwrap();
        let second = shelf.put("a", 40, 3, SECOND, &random).unwrap();
        assert!(shelf.get("a", &first, SECOND).is_none());
        assert!(shelf.get("a", &second, SECOND).is_some() && shelf.get("b", &other, SECOND).is_some());
        assert_eq!(shelf.put("a", 61, 4, SECOND, &random).unwrap_err().code(), ErrorCode::TooLarge);
    }

    #[test]
    fn all_together_stay_within_the_whole() {
        let (shelf, random) = shelf();
        let names: Vec<String> = ["a", "b", "c"].map(|who| shelf.put(who, 40, 0, SECOND, &random).unwrap()).to_vec();
        assert!(shelf.get("a", &names[0], SECOND).is_none());
        assert!(shelf.get("b", &names[1], SECOND).is_some() && shelf.get("c", &names[2], SECOND).is_some());
    }
}
