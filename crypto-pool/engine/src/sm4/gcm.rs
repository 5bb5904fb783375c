//! SM4 in Galois/counter mode (GB/T 36624-2018, RFC 8998 appendix A.1): hides a text, and shows any change
//! to it and to a header.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cipher::{Block, Encryptor};
use super::ghash::GhashKey;
use super::{BLOCK_LENGTH, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH, Unauthentic, WrongLength};
use crate::detect::Features;

/// The longest text: 2^32 - 2 blocks, for the counter has 32 bits and two of its values are taken.
/// Unit: bytes.
const LONGEST: u64 = ((1 << 32) - 2) * BLOCK_LENGTH as u64;
/// How much is encrypted and then hashed at a time, while it lies in the nearest cache. Unit: bytes.
const PART: usize = 4096;

/// SM4-GCM under one key. The key schedule is wiped on drop.
pub struct Gcm {
    cipher: Encryptor,
    hash: GhashKey,
}

impl Gcm {
    /// Ready to seal and open with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self::with_features(Features::detect(), key)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    #[must_use]
    pub fn with_features(features: Features, key: &[u8; KEY_LENGTH]) -> Self {
        let cipher = Encryptor::within(features, key);
        let hash = GhashKey::within(features, &Zeroizing::new(cipher.block([0; BLOCK_LENGTH])));
        Self { cipher, hash }
    }

    /// Encrypts `plaintext` and binds `aad` to it: ciphertext, then the 16-byte tag.
    ///
    /// `nonce` must never have been used with this key: a repeated one gives away both texts and
    /// the means to forge.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; NONCE_LENGTH], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .seal_in_place(nonce, aad, &mut sealed)
            .expect("only a text of 64 GiB or more is refused, which no slice in memory here is");
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Encrypts a text in place and gives the tag over it and `aad`. On the nonce see [`Self::seal`].
    ///
    /// # Errors
    /// [`WrongLength`] for a text of more than 2^36 - 32 bytes; it is as before then.
    pub fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], WrongLength> {
        if text.len() as u64 > LONGEST {
            return Err(WrongLength);
        }
        let mut hash = self.hash.start();
        hash.update(aad);
        let length = text.len();
        for (part, first) in text.chunks_mut(PART).zip((2_u32..).step_by(PART / BLOCK_LENGTH)) {
            self.cipher.add_stream(&counter(nonce, first), part);
            hash.update(part);
        }
        Ok(self.masked(nonce, hash.finish(aad.len(), length)))
    }

    /// What was sealed under the same key, nonce and `aad`; wiped on drop.
    ///
    /// # Errors
    /// [`Unauthentic`].
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
        let (ciphertext, tag) = sealed.split_last_chunk().ok_or(Unauthentic)?;
        self.verify(nonce, aad, ciphertext, tag)?;
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.cipher.add_stream(&counter(nonce, 2), &mut text);
        Ok(text)
    }

    /// Decrypts in place what was sealed under the same key, nonce and `aad`, if the tag fits.
    ///
    /// # Errors
    /// [`Unauthentic`]; the text is as before then.
    pub fn open_in_place(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LENGTH],
    ) -> Result<(), Unauthentic> {
        self.verify(nonce, aad, text, tag)?;
        self.cipher.add_stream(&counter(nonce, 2), text);
        Ok(())
    }

    /// Hashes all of the ciphertext before a byte of it is decrypted.
    fn verify(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LENGTH],
    ) -> Result<(), Unauthentic> {
        if ciphertext.len() as u64 > LONGEST {
            return Err(Unauthentic);
        }
        let mut hash = self.hash.start();
        hash.update(aad);
        hash.update(ciphertext);
        let expected = Zeroizing::new(self.masked(nonce, hash.finish(aad.len(), ciphertext.len())));
        if expected.ct_eq(tag).into() { Ok(()) } else { Err(Unauthentic) }
    }

    /// A hash made a tag: the first value of the counter hides it.
    fn masked(&self, nonce: &[u8; NONCE_LENGTH], mut hash: Block) -> [u8; TAG_LENGTH] {
        self.cipher.add_stream(&counter(nonce, 1), &mut hash);
        hash
    }
}

fn counter(nonce: &[u8; NONCE_LENGTH], number: u32) -> Block {
    let mut counter = [0; BLOCK_LENGTH];
    counter[..NONCE_LENGTH].copy_from_slice(nonce);
    counter[NONCE_LENGTH..].copy_from_slice(&number.to_be_bytes());
    counter
}

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gcm { .. }")
    }
}
