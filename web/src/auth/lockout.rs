//! Failed logins per address and per account: a few are forgiven one by one, more must wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pki_config::{Clock, ErrorCode, Instant};

use crate::problem::Failure;

/// Addresses remembered; when full, those that are forgiven are dropped first, then everybody waits.
const ADDRESSES: usize = 10_000;

/// Failed logins that are recorded in a minute; further ones are only counted.
const RECORDED: u32 = 60;

/// What failed logins are counted by.
pub trait Counted: Copy + Eq + Hash {
    /// What counts together with it.
    #[must_use]
    fn together(self) -> Self;
}

impl Counted for IpAddr {
    /// An IPv6 address counts by its /64, which one customer has to itself.
    fn together(self) -> Self {
        network(self)
    }
}

/// The hash of an account's name.
impl Counted for [u8; 32] {
    fn together(self) -> Self {
        self
    }
}

/// Counts failed logins.
pub struct Lockout<K: Counted = IpAddr> {
    clock: Arc<dyn Clock>,
    failures: u32,
    forgiven_after: Duration,
    seen: Mutex<HashMap<K, Instant>>,
    /// When this minute began, and how many were recorded in it.
    recorded: Mutex<(Instant, u32)>,
}

impl<K: Counted> Lockout<K> {
    /// After `failures` in a row an address waits; one is forgiven each `forgiven_after`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, failures: u32, forgiven_after: Duration) -> Self {
        let recorded = Mutex::new((clock.now(), 0));
        Self { clock, failures, forgiven_after, seen: Mutex::default(), recorded }
    }

    /// Refuses an address or account that failed too often.
    ///
    /// # Errors
    /// `TOO_MANY_TRIES`.
    pub fn check(&self, address: K) -> Result<(), Failure> {
        let now = self.clock.now();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let forgiven_at = seen.get(&address.together()).copied();
        let full = seen.len() >= ADDRESSES && forgiven_at.is_none();
        let owed = forgiven_at.map_or(Duration::ZERO, |at| at.since(now));
        // Each failure pushes the moment of full forgiveness further away.
        let allowed = self.forgiven_after.saturating_mul(self.failures.saturating_sub(1));
        if full || owed > allowed { Err(Failure::new(ErrorCode::TooManyTries)) } else { Ok(()) }
    }

    /// Notes a failed login; says whether it is to be recorded in the log.
    pub fn failed(&self, address: K) -> bool {
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= ADDRESSES {
            seen.retain(|_, forgiven_at| *forgiven_at > now);
        }
        if seen.len() < ADDRESSES || seen.contains_key(&address.together()) {
            let forgiven_at = seen.entry(address.together()).or_insert(now);
            *forgiven_at = (*forgiven_at).max(now).plus(self.forgiven_after);
        }
        drop(seen);
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back begins a new minute as well.
        if now.since(recorded.0) >= Duration::from_secs(60) || now < recorded.0 {
            *recorded = (now, 0);
        }
        recorded.1 = recorded.1.saturating_add(1);
        recorded.1 <= RECORDED
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        },
    }
}

#[cfg(test)]
mod tests {
    use pki_config::time::FixedClock;

    use super::*;

    fn lockout() -> (Arc<FixedClock>, Lockout) {
        let clock = Arc::new(FixedClock::at(Instant::from_unix_seconds(1_800_000_000).unwrap()));
        (Arc::clone(&clock), Lockout::new(clock, 5, Duration::from_secs(12)))
    }

    #[test]
    fn the_sixth_try_after_five_failures_waits_and_others_do_not() {
        let (clock, lockout) = lockout();
        let (bad, good) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..5 {
            assert!(lockout.check(bad).is_ok());
            lockout.failed(bad);
        }
        assert_eq!(lockout.check(bad).unwrap_err().code(), ErrorCode::TooManyTries);
        assert!(lockout.check(good).is_ok());
        clock.advance(Duration::from_secs(12));
        assert!(lockout.check(bad).is_ok());
        lockout.failed(bad);
        assert!(lockout.check(bad).is_err());
    }

    #[test]
    fn strangers_cannot_fill_the_log() {
        let (clock, lockout) = lockout();
        let recorded =
            |from: u32| (0..500_u32).filter(|i| lockout.failed(std::net::Ipv4Addr::from(from + i).into())).count();
        assert_eq!(recorded(0), 60);
        clock.advance(Duration::from_secs(60));
        assert_eq!(recorded(1000), 60);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_together() {
        let (_, lockout) = lockout();
        for i in 1..=5 {
            lockout.failed(format!("2001:db8::{i}").parse().unwrap());
        }
        assert!(lockout.check("2001:db8::99".parse().unwrap()).is_err());
        assert!(lockout.check("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
