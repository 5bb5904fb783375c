//! Ports: the small traits through which services meet and through which the outside world
//! (time, randomness) comes in. Made only of types of this crate.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::code::ErrorCode;
use crate::ids::{CentreKeyId, IssuerId, KeyId, RequestId, TenantId};
use crate::serial::Serial;
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

/// Tells whether a certificate is one that this tenant's holders have: the certificate authority gives, the key centre
/// takes.
pub trait HolderLookup: Send + Sync {
    /// The status of this certificate (DER); `None` if it is not one of this tenant's.
    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        certificate: &'a [u8],
    ) -> Later<'a, Result<Option<CertStatus>, NoAnswer>>;
}

/// An encryption key that the key centre made for a holder. Nothing in it is in clear, and nothing is stored yet.
#[derive(Debug, Clone)]
pub struct MadeKey {
    /// What the centre calls it.
    pub id: CentreKeyId,
    /// DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The private key, wrapped for the archive.
    pub archived: Vec<u8>,
    /// Under which key of the centre.
    pub archive_key: KeyId,
    /// The private key as `SM2EnvelopedKey`, for the holder's signing key.
    pub envelope: Vec<u8>,
}

/// What an encryption key belongs to.
#[derive(Debug, Clone)]
pub struct KeyOwner {
    /// Whose.
    pub tenant: TenantId,
    /// The request of the pair.
    pub request: RequestId,
    /// Who asked for it.
    pub requester: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// Subject, DER of the `Name`.
    pub subject: Vec<u8>,
    /// Who issues both certificates.
    pub issuer: IssuerId,
    /// Serial of the encryption certificate.
    pub serial: Serial,
    /// Serial of the signing certificate.
    pub sign_serial: Serial,
}

/// The key centre made no key, and why: a public code, and a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoKey {
    /// The code.
    pub code: ErrorCode,
    /// The sentence.
    pub why: String,
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for NoKey {}

/// Makes the encryption keys of pairs and keeps them: the key centre gives, the certificate authority takes.
///
/// A key is kept inside the transaction that issues its certificates, so that there is never one without the others.
/// `Tx` is the transaction and `Cover` the proof for the log's entry that a row was written; this crate knows neither.
pub trait PairKeys<Tx: ?Sized, Cover>: Send + Sync {
    /// Makes a key for the holder of this signing key (DER SubjectPublicKeyInfo, SM2).
    fn make<'a>(&'a self, sign_spki: &'a [u8]) -> Later<'a, Result<MadeKey, NoKey>>;

    /// Stores the key with the intents of its certificates. It counts for nothing before [`PairKeys::keep`].
    ///
    /// # Errors
    /// A sentence for the operator. The whole transaction is then rolled back.
    fn intend(&self, tx: &Tx, key: &MadeKey, owner: &KeyOwner) -> Result<(), String>;

    /// The certificates were signed: the key is kept from now on. `seq` is the position of the log's entry.
    ///
    /// # Errors
    /// As [`PairKeys::intend`].
    fn keep(&self, tx: &Tx, key: CentreKeyId, seq: u64) -> Result<Cover, String>;

    /// Nothing came of the request: whatever was stored for it is erased, and the row says so. `None`: nothing was.
    ///
    /// # Errors
    /// As [`PairKeys::intend`].
    fn void(&self, tx: &Tx, request: RequestId, seq: u64) -> Result<Option<Cover>, String>;
}
