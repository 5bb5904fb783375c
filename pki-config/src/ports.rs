//! Ports: the small traits through which services meet and through which the outside world
//! (time, randomness) comes in. Made only of types of this crate.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::status::{CertStatus, StatusChange};
use crate::time::Instant;

/// The one source of time. Every component that looks at time is given one.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Instant;

    /// Time since an arbitrary start on a clock that nobody can set: what [`Clock::now`] is held against to
    /// see that it was set. A clock without a second hand of its own says what `now` says, and then no step
    /// can be seen.
    fn steady(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().unix_millis()).unwrap_or(0))
    }
}

/// The one source of randomness. Every component that draws random bytes is given one.
pub trait Random: Send + Sync {
    /// Fills `out` with random bytes.
    ///
    /// # Errors
    /// The source failed; nothing drawn from it may be used.
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed>;
}

/// The random source failed its health test or could not be read. Operator's fault to mend; no
/// key, serial or nonce is made meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomFailed;

impl fmt::Display for RandomFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random source failed")
    }
}

impl std::error::Error for RandomFailed {}

/// Takes every change of a certificate's status inside the transaction that makes the change.
///
/// The certificate authority gives, the OCSP responder takes: a new certificate is known to be
/// good before its holder gets it, and a revocation is in both places or in none. `Tx` is the
/// transaction type of whoever carries the feed; this crate does not know it.
pub trait StatusFeed<Tx: ?Sized>: Send + Sync {
    /// Applies one change.
    ///
    /// # Errors
    /// A sentence for the operator. The whole transaction is then rolled back and nothing leaves.
    fn apply(&self, tx: &Tx, change: &StatusChange) -> Result<(), String>;
}

/// An answer that comes later, through a port.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a port had no answer: a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer(pub String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAnswer {}

/// Tells the status of certificates of our own authority, as it is now: the certificate authority gives, seals take.
pub trait StatusLookup: Send + Sync {
    /// The status of this certificate (DER); `None` if it is not one of ours.
    fn status(&self, certificate: &[u8]) -> Later<'_, Result<Option<CertStatus>, NoAnswer>>;
}

/// The hash of what is time-stamped, and with it the kind of key that signs the stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampHash {
    /// SM3; signed with SM2.
    Sm3,
    /// SHA-256; signed with ECDSA.
    Sha256,
}

/// Time-stamps digests (RFC 3161): the time-stamping authority gives, seals take.
pub trait TimeStamper: Send + Sync {
    /// A token over this digest: DER of a ContentInfo.
    fn stamp(&self, hash: StampHash, digest: &[u8]) -> Later<'_, Result<Vec<u8>, NoAnswer>>;
}
