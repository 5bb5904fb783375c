//! SM3 (GB/T 32905-2016) and what is built on it: HMAC and the key derivation function.

use ::sm3::Digest;
use hmac::{Hmac, KeyInit, Mac};
use zeroize::Zeroizing;

/// Length of a digest. Unit: bytes.
pub const DIGEST_LENGTH: usize = 32;

/// A hash being computed. A clone goes on from the same point.
#[derive(Clone, Default)]
pub struct Sm3(::sm3::Sm3);

impl Sm3 {
    /// The hash of nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in more of the message.
    pub fn update(&mut self, part: &[u8]) {
        Digest::update(&mut self.0, part);
    }

    /// The digest of all that was taken in.
    #[must_use]
    pub fn finalize(self) -> [u8; DIGEST_LENGTH] {
        Digest::finalize(self.0).into()
    }
}

impl std::fmt::Debug for Sm3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The state may have taken in a secret.
        f.write_str("Sm3 { .. }")
    }
}

/// The digest of one message.
#[must_use]
pub fn hash(message: &[u8]) -> [u8; DIGEST_LENGTH] {
    ::sm3::Sm3::digest(message).into()
}

/// HMAC-SM3 (GB/T 15852.2, OID 1.2.156.10197.1.401.3.1) over the parts of a message, one after another.
///
/// Only the concatenation counts, not where one part ends: let the caller write lengths where that matters.
#[must_use]
pub fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; DIGEST_LENGTH] {
    let mut mac = Hmac::<::sm3::Sm3>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key derivation function of SM2 over `secret || label`.
///
/// `length` is in bytes; 0 gives nothing. Two uses of one secret need labels of which neither is
/// the beginning of the other.
/// Source: GB/T 32918.4-2016 5.4.3: block i is SM3(input || i as 4 bytes), i from 1.
#[must_use]
pub fn kdf(secret: &[u8], label: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut input = Sm3::new();
    input.update(secret);
    input.update(label);
    let mut out = Zeroizing::new(vec![0; length]);
    for (counter, block) in (1_u32..).zip(out.chunks_mut(DIGEST_LENGTH)) {
        let mut hasher = input.clone();
        hasher.update(&counter.to_be_bytes());
        let digest = Zeroizing::new(hasher.finalize());
        block.copy_from_slice(&digest[..block.len()]);
    }
    out
}
