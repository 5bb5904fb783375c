//! SM3 (GB/T 32905-2016) and what is built on it: HMAC and the key derivation function.
//!
//! One message goes through the scalar compression function; many at once go side by side through vector
//! lanes ([`hash_many`]). Both take the same steps for every content of one length.

mod compress;
mod hmac;
pub(crate) mod lanes;
mod many;
#[cfg(test)]
pub(crate) mod tests;
mod x86;

use zeroize::{Zeroize, Zeroizing};

pub use self::hmac::{HmacKey, Mac, hmac};
pub use self::many::{hash_many, hash_many_with};
use self::x86::Units;
use crate::detect::Features;

/// Length of a digest. Unit: bytes.
pub const DIGEST_LENGTH: usize = 32;
/// What the compression function takes in at a time. Unit: bytes.
const BLOCK: usize = 64;

/// Takes one block into a state.
pub(crate) fn compress(state: &mut [u32; 8], block: &[u8; BLOCK]) {
    compress_blocks(Units::detect(), state, std::slice::from_ref(block));
}

/// Takes blocks into a state, one after another.
#[inline]
fn compress_blocks(units: Option<Units>, state: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    match units {
        Some(units) => units.blocks(state, blocks),
        None => compress::blocks(state, blocks),
    }
}

/// A hash being computed. A clone goes on from the same point. Wiped on drop.
#[derive(Clone)]
pub struct Sm3 {
    state: [u32; 8],
    /// What has not filled a block yet: the first `taken % 64` bytes.
    rest: [u8; BLOCK],
    /// All that was taken in. Unit: bytes.
    taken: u64,
    units: Option<Units>,
}

impl Sm3 {
    /// The hash of nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self::resume(compress::IV, 0)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    #[must_use]
    pub fn with_features(features: Features) -> Self {
        Self { units: Units::within(features), ..Self::new() }
    }

    /// Goes on from a state that `blocks` whole blocks led to.
    fn resume(state: [u32; 8], blocks: u64) -> Self {
        Self { state, rest: [0; BLOCK], taken: blocks * BLOCK as u64, units: Units::detect() }
    }

    /// Takes in more of the message.
    pub fn update(&mut self, mut part: &[u8]) {
        let held = self.held();
        self.taken += part.len() as u64;
        if held > 0 {
            let (head, tail) = part.split_at(part.len().min(BLOCK - held));
            self.rest[held..held + head.len()].copy_from_slice(head);
            if held + head.len() < BLOCK {
                return;
            }
            compress_blocks(self.units, &mut self.state, std::slice::from_ref(&self.rest));
            part = tail;
        }
        let (blocks, rest) = part.as_chunks();
        compress_blocks(self.units, &mut self.state, blocks);
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// How much of `rest` is taken. Unit: bytes, fewer than a block.
    fn held(&self) -> usize {
        (self.taken % BLOCK as u64) as usize
    }

    /// The digest of all that was taken in.
    #[must_use]
    pub fn finalize(mut self) -> [u8; DIGEST_LENGTH] {
        self.finish()
    }

    fn finish(&mut self) -> [u8; DIGEST_LENGTH] {
        let mut last = [[0; BLOCK]; 2];
        let count = padding(&mut last, &self.rest[..self.held()], self.taken);
        compress_blocks(self.units, &mut self.state, &last[..count]);
        last.zeroize();
        to_bytes(&self.state)
    }
}

/// Writes the last one or two blocks of a message of `taken` bytes whose end is `rest`, and says how many
/// they are: the end, a 1 bit, zeros, the length in bits (GB/T 32905-2016 5.2).
fn padding(last: &mut [[u8; BLOCK]; 2], rest: &[u8], taken: u64) -> usize {
    let count = 1 + usize::from(rest.len() + 9 > BLOCK);
    let bytes = last.as_flattened_mut();
    bytes[..rest.len()].copy_from_slice(rest);
    bytes[rest.len()..].fill(0);
    bytes[rest.len()] = 0x80;
    // Modulo 2^64, as the standard's length field; a message of 2^61 bytes does not happen.
    bytes[count * BLOCK - 8..count * BLOCK].copy_from_slice(&(taken.wrapping_mul(8)).to_be_bytes());
    count
}

fn to_bytes(state: &[u32; 8]) -> [u8; DIGEST_LENGTH] {
    let mut digest = [0; DIGEST_LENGTH];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

impl Default for Sm3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sm3 {
    fn drop(&mut self) {
        self.state.zeroize();
        self.rest.zeroize();
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
    let mut hasher = Sm3::new();
    hasher.update(message);
    hasher.finalize()
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
