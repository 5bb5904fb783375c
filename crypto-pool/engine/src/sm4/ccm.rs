//! SM4 as counter with CBC-MAC (GB/T 36624-2018, RFC 8998 appendix A.2: nonce of 12 bytes, tag of 16).

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Block, Encryptor};
use super::{BLOCK_LENGTH, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH, Unauthentic, WrongLength};
use crate::detect::Features;

/// The longest text: its length has three bytes. Unit: bytes.
const LONGEST: usize = (1 << 24) - 1;

/// SM4-CCM under one key, for protocols that ask for it: the code is a chain of blocks, one after another,
/// so it is many times slower than [`super::Gcm`]. The key schedule is wiped on drop.
pub struct Ccm(Encryptor);

impl Ccm {
    /// Ready to seal and open with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self::with_features(Features::detect(), key)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    #[must_use]
    pub fn with_features(features: Features, key: &[u8; KEY_LENGTH]) -> Self {
        Self(Encryptor::within(features, key))
    }

    /// Encrypts `plaintext` and binds `aad` to it: ciphertext, then the 16-byte tag.
    ///
    /// `nonce` must never have been used with this key: a repeated one gives away both texts.
    ///
    /// # Errors
    /// [`WrongLength`] for a text of 2^24 bytes or more.
    pub fn seal(&self, nonce: &[u8; NONCE_LENGTH], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, WrongLength> {
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
        sealed.extend_from_slice(plaintext);
        let tag = self.seal_in_place(nonce, aad, &mut sealed)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Encrypts a text in place and gives the tag over it and `aad`. On the nonce see [`Self::seal`].
    ///
    /// # Errors
    /// [`WrongLength`] for a text of 2^24 bytes or more; it is as before then.
    pub fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], WrongLength> {
        if text.len() > LONGEST {
            return Err(WrongLength);
        }
        let tag = self.tag(nonce, aad, text);
        self.0.add_stream(&counter(nonce, 1), text);
        Ok(tag)
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
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(Unauthentic)?;
        if ciphertext.len() > LONGEST {
            return Err(Unauthentic);
        }
        // The code is over the plaintext, which stays in here, and is wiped, until the tag is known to fit.
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.0.add_stream(&counter(nonce, 1), &mut text);
        let expected = Zeroizing::new(self.tag(nonce, aad, &text));
        if expected.ct_eq(tag).into() { Ok(text) } else { Err(Unauthentic) }
    }

    fn tag(&self, nonce: &[u8; NONCE_LENGTH], aad: &[u8], text: &[u8]) -> [u8; TAG_LENGTH] {
        // Flags: is there a header; (16 - 2) / 2 for the tag's length; 3 - 1 for the length's length.
        let mut first = counter(nonce, text.len() as u32);
        first[0] |= u8::from(!aad.is_empty()) << 6 | 7 << 3;
        let mut chain = Chain { cipher: &self.0, sum: first, held: BLOCK_LENGTH };
        if !aad.is_empty() {
            let length = aad.len() as u64;
            match length {
                0..0xff00 => chain.update(&(length as u16).to_be_bytes()),
                0xff00..0x1_0000_0000 => {
                    chain.update(&[0xff, 0xfe]);
                    chain.update(&(length as u32).to_be_bytes());
                }
                _ => {
                    chain.update(&[0xff, 0xff]);
                    chain.update(&length.to_be_bytes());
                }
            }
            chain.update(aad);
            chain.pad();
        }
        chain.update(text);
        chain.pad();
        let mut tag = chain.sum;
        self.0.add_stream(&counter(nonce, 0), &mut tag);
        tag
    }
}

/// A block of the counter: 3 - 1 for the length of its number, the nonce, the number in three bytes.
fn counter(nonce: &[u8; NONCE_LENGTH], number: u32) -> Block {
    let mut counter = [0; BLOCK_LENGTH];
    counter[NONCE_LENGTH..].copy_from_slice(&number.to_be_bytes());
    counter[0] = 2;
    counter[1..=NONCE_LENGTH].copy_from_slice(nonce);
    counter
}

/// A CBC-MAC being computed. Wiped on drop.
struct Chain<'a> {
    cipher: &'a Encryptor,
    /// The last encrypted block, plus what was taken in since.
    sum: Block,
    held: usize,
}

impl Chain<'_> {
    fn update(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            if self.held == BLOCK_LENGTH {
                self.pad();
            }
            let (part, rest) = text.split_at(text.len().min(BLOCK_LENGTH - self.held));
            self.sum[self.held..].iter_mut().zip(part).for_each(|(sum, byte)| *sum ^= byte);
            self.held += part.len();
            text = rest;
        }
    }

    /// Ends a block, if one was begun, with zeros.
    fn pad(&mut self) {
        if self.held > 0 {
            self.cipher.blocks(std::slice::from_mut(&mut self.sum));
            self.held = 0;
        }
    }
}

impl Drop for Chain<'_> {
    fn drop(&mut self) {
        self.sum.zeroize();
    }
}

impl fmt::Debug for Ccm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ccm { .. }")
    }
}
