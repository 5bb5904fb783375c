//! SM4 as a stream (GB/T 17964-2021 9): the text plus the encrypted values of a counter.

use std::fmt;

use super::cipher::Encryptor;
use super::{BLOCK_LENGTH, KEY_LENGTH};
use crate::detect::Features;

/// SM4-CTR under one key. It hides and does not protect: whoever flips a bit of the ciphertext flips that of
/// the text. The key schedule is wiped on drop.
pub struct Ctr(Encryptor);

impl Ctr {
    /// Ready to encrypt and decrypt with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self::with_features(Features::detect(), key)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    #[must_use]
    pub fn with_features(features: Features, key: &[u8; KEY_LENGTH]) -> Self {
        Self(Encryptor::within(features, key))
    }

    /// Encrypts a text in place, or decrypts it, which is the same.
    ///
    /// `counter` is the first value, a number of 128 bits, big endian; it goes up by one each 16 bytes and
    /// from its end to 0. No value may serve twice under one key, not even for two texts.
    pub fn apply(&self, counter: &[u8; BLOCK_LENGTH], mut text: &mut [u8]) {
        let mut counter = u128::from_be_bytes(*counter);
        while !text.is_empty() {
            // As far as the last 32 bits go without a carry.
            let blocks = (1_u64 << 32) - u64::from(counter as u32);
            let fits = usize::try_from(blocks * BLOCK_LENGTH as u64).unwrap_or(usize::MAX);
            let (part, rest) = text.split_at_mut(text.len().min(fits));
            self.0.add_stream(&counter.to_be_bytes(), part);
            counter = counter.wrapping_add(u128::from(blocks));
            text = rest;
        }
    }
}

impl fmt::Debug for Ctr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ctr { .. }")
    }
}
