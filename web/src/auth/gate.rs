//! What the portal remembers while it runs and never writes down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::sm3::HmacKey;
use pki_config::config::WebConfig;
use pki_config::ports::RandomFailed;
use pki_config::{Clock, Instant, Random};
use zeroize::Zeroizing;

use super::{Known, Lockout};

/// How long a challenge may be answered.
const CHALLENGE: Duration = Duration::from_secs(300);
/// Passwords computed at a time: each takes 19 MiB.
const STRETCHING: usize = 2;

/// Made at every start: a form from before a restart is loaded again.
pub struct Gate {
    key: HmacKey,
    spent: Mutex<HashMap<[u8; 16], Instant>>,
    accounts: Lockout<[u8; 32]>,
    stretching: tokio::sync::Semaphore,
    organisation: RwLock<Arc<str>>,
}

impl Gate {
    /// With a new key.
    ///
    /// # Errors
    /// The random source failed.
    pub fn new(random: &dyn Random, clock: Arc<dyn Clock>, web: &WebConfig) -> Result<Self, RandomFailed> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut *key)?;
        Ok(Self {
            key: HmacKey::new(&*key),
            spent: Mutex::default(),
            accounts: Lockout::new(clock, web.login_failures, web.login_forgiven_after.duration()),
            stretching: tokio::sync::Semaphore::new(STRETCHING),
            organisation: RwLock::new("".into()),
        })
    }

    /// What this visitor's forms carry. Bound to the session or certificate, so that a token seen in one login is
    /// worth nothing in another. Hexadecimal, which no form encodes differently.
    #[must_use]
    pub fn csrf(&self, known: &Known) -> String {
        crate::edge::hex(&self.key.mac(&[b"csrf", &known.binding]))
    }

    /// A challenge for a passkey. It carries its own time and code, so that asking for many fills no memory.
    ///
    /// # Errors
    /// The random source failed.
    pub fn challenge(&self, now: Instant, random: &dyn Random) -> Result<String, RandomFailed> {
        let mut body = [0; 24];
        body[..8].copy_from_slice(&now.unix_millis().to_be_bytes());
        random.fill(&mut body[8..])?;
        let code = self.key.mac(&[b"challenge", &body]);
        Ok(URL_SAFE_NO_PAD.encode([&body[..], &code[..16]].concat()))
    }

    /// Whether this is a challenge of ours, still young, that was not answered before. It counts as answered then.
    #[must_use]
    pub fn spend(&self, challenge: &str, now: Instant) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(challenge) else { return false };
        let Ok(bytes) = <[u8; 40]>::try_from(bytes) else { return false };
        let (body, code) = bytes.split_at(24);
        let right = self.key.mac(&[b"challenge", body]);
        if aws_lc_rs::constant_time::verify_slices_are_equal(&right[..16], code).is_err() {
            return false;
        }
        let (Some(time), Some(name)) = (body.first_chunk::<8>(), body.last_chunk::<16>()) else { return false };
        let Ok(made) = Instant::from_unix_millis(i64::from_be_bytes(*time)) else { return false };
        if made > now || now.since(made) > CHALLENGE {
            return false;
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, at| now.since(*at) <= CHALLENGE && *at <= now);
        spent.insert(*name, now).is_none()
    }

    /// Failed sign-ins by account.
    #[must_use]
    pub fn accounts(&self) -> &Lockout<[u8; 32]> {
        &self.accounts
    }

    /// A place for computing a password.
    pub(crate) async fn stretching(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // It is never closed.
        self.stretching.acquire().await.ok()
    }

    /// The organisation's name for the frame of every page; empty until somebody gave one.
    #[must_use]
    pub fn organisation(&self) -> Arc<str> {
        Arc::clone(&self.organisation.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on.
    pub(crate) fn set_organisation(&self, name: &str) {
        *self.organisation.write().unwrap_or_else(PoisonError::into_inner) = name.into();
    }
}

#[cfg(test)]
mod tests {
    use crypto_pool::random::SeededRandom;
    use pki_config::time::FixedClock;

    use super::*;

    fn gate() -> (Gate, SeededRandom, Instant) {
        let (random, now) = (SeededRandom::new(3), Instant::from_unix_seconds(1_800_000_000).unwrap());
        (Gate::new(&random, Arc::new(FixedClock::at(now)), &WebConfig::default()).unwrap(), random, now)
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let (gate, random, now) = gate();
        let challenge = gate.challenge(now, &random).unwrap();
        let later = now.plus(Duration::from_secs(299));
        assert!(gate.spend(&challenge, later));
        assert!(!gate.spend(&challenge, later));
    }

    #[test]
    fn an_old_a_future_a_foreign_and_a_changed_challenge_are_refused() {
        let (gate, random, now) = gate();
        let challenge = gate.challenge(now, &random).unwrap();
        assert!(!gate.spend(&challenge, now.plus(Duration::from_secs(301))));
        assert!(!gate.spend(&challenge, now.minus(Duration::from_secs(1))));
        let other = Gate::new(&random, Arc::new(FixedClock::at(now)), &WebConfig::default()).unwrap();
        assert!(!other.spend(&challenge, now));
        let swapped = if challenge.starts_with('A') { "B" } else { "A" }.to_owned() + &challenge[1..];
        for bad in ["", "AAAA", &challenge[1..], &swapped] {
            assert!(!gate.spend(bad, now), "{bad}");
        }
        assert!(gate.spend(&challenge, now), "and the good one still counts");
    }
}
