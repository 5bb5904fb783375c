//! How often one address may ask: a bucket for each address, in bounded memory.

use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Addresses that are remembered at least, once that many have asked.
const REMEMBERED: usize = 32_768;

/// A bucket per address holds `burst` and fills by `rate` a second.
///
/// Addresses are kept in two generations: when the young one is full it becomes the old one, and the old one
/// is forgotten. Whoever asks again is carried over, so a busy address cannot be pushed out by many that
/// ask once.
#[derive(Debug)]
pub struct RateLimit {
    rate: f64,
    burst: f64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    young: HashMap<IpAddr, Bucket>,
    old: HashMap<IpAddr, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl RateLimit {
    /// `rate` a second, 0 for no limit; `burst` at once.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        Self { rate: f64::from(rate), burst: f64::from(burst.max(1)), seen: Mutex::default() }
    }

    /// Whether this address may ask now; `now` is a steady clock.
    pub fn admit(&self, address: IpAddr, now: Duration) -> bool {
        if self.rate == 0.0 {
            return true;
        }
        let address = network(address);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.young.get(&address).or_else(|| seen.old.get(&address)).copied();
        let mut bucket = known.unwrap_or(Bucket { left: self.burst, at: now });
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket = Bucket { left: (bucket.left + passed * self.rate).min(self.burst), at: now.max(bucket.at) };
        let admitted = bucket.left >= 1.0;
        if admitted {
            bucket.left -= 1.0;
        }
        seen.young.insert(address, bucket);
        if seen.young.len() >= REMEMBERED {
            seen.old = mem::take(&mut seen.young);
        }
        admitted
    }
}

/// One customer has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn an_address_gets_its_burst_and_then_its_rate() {
        let limit = RateLimit::new(2, 3);
        let one = ip("192.0.2.1");
        assert_eq!((0..5).filter(|_| limit.admit(one, seconds(9))).count(), 3);
        assert!(limit.admit(ip("192.0.2.2"), seconds(9)), "another address is not made to wait");
        assert_eq!((0..5).filter(|_| limit.admit(one, seconds(10))).count(), 2);
        assert_eq!((0..9).filter(|_| limit.admit(one, seconds(100))).count(), 3, "no more than the burst is saved up");
    }

    #[test]
    fn a_network_of_ipv6_is_one_customer() {
        let limit = RateLimit::new(1, 1);
        assert!(limit.admit(ip("2001:db8::1"), seconds(0)));
        assert!(!limit.admit(ip("2001:db8::2"), seconds(0)));
        assert!(limit.admit(ip("2001:db8:0:1::1"), seconds(0)));
        assert!(limit.admit(ip("::ffff:192.0.2.1"), seconds(0)) && !limit.admit(ip("192.0.2.1"), seconds(0)));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let limit = RateLimit::new(0, 1);
        assert!((0..100).all(|_| limit.admit(ip("192.0.2.1"), seconds(0))));
    }

    #[test]
    fn memory_is_bounded_and_a_busy_address_is_not_forgotten() {
        let limit = RateLimit::new(1, 1);
        let busy = ip("192.0.2.1");
        assert!(limit.admit(busy, seconds(0)));
        for n in 0..200_000_u32 {
            limit.admit(IpAddr::from((0x0a00_0000 + n).to_be_bytes()), seconds(0));
            if n % 10_000 == 0 {
                assert!(!limit.admit(busy, seconds(0)), "after {n} others");
            }
        }
        let seen = limit.seen.lock().unwrap();
        assert!(seen.young.len() + seen.old.len() <= 2 * REMEMBERED);
    }
}
