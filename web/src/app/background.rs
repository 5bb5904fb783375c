//! Work that takes longer than a page may: started by one visitor, watched by all, one at a time.

use std::sync::{Mutex, PoisonError};

use pki_config::Instant;

/// A kind of work and how it last came out.
#[derive(Debug)]
pub struct Background<T>(Mutex<Seen<T>>);

/// What is known of it.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// Since when it is under way; `None` if it is not.
    pub since: Option<Instant>,
    /// When it last ended, and how.
    pub last: Option<(Instant, T)>,
}

impl<T: Clone> Background<T> {
    /// Not begun.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(Seen { since: None, last: None }))
    }

    /// Says that it begins. False if it is under way already: then nothing is to be done.
    pub fn begin(&self, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = seen.since.is_none();
        seen.since.get_or_insert(now);
        free
    }

    /// Says that it ended like this.
    pub fn end(&self, now: Instant, result: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen { since: None, last: Some((now, result)) };
    }

    /// What is known now.
    #[must_use]
    pub fn seen(&self) -> Seen<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: Clone> Default for Background<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_under_way_is_not_begun_again_until_it_ended() {
        let now: Instant = "2026-11-21T08:00:00Z".parse().unwrap();
        let work = Background::new();
        assert!(work.seen().last.is_none() && work.begin(now));
        assert!(!work.begin(now) && work.seen().since == Some(now));
        work.end(now, 7);
        assert_eq!(work.seen().last, Some((now, 7)));
        assert!(work.begin(now) && work.seen().last == Some((now, 7)), "the last result stays to be seen");
    }
}
