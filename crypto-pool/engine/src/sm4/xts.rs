//! SM4 for storage units that cannot grow (XTS): each unit under a tweak of its own, such as its number.
//! A last part of a block borrows from the block before it, so a ciphertext is as long as its text.
//!
//! Two standards differ in how the tweak goes from block to block, and agree on the first block only.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Block, Decryptor, Encryptor};
use super::{BLOCK_LENGTH, KEY_LENGTH, WrongLength};
use crate::detect::Features;

/// The longest unit: 2^20 blocks (IEEE 1619-2007 5.1). Unit: bytes.
const LONGEST: usize = BLOCK_LENGTH << 20;
/// How many blocks go through the cipher together.
const BATCH: usize = 64;

/// How the tweak goes from block to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XtsForm {
    /// GB/T 17964-2021: a block is read as GHASH reads it, its first bit the lowest coefficient. What other
    /// libraries take for SM4 unless told otherwise.
    GbT17964,
    /// IEEE 1619-2007: a block is read as a little-endian number.
    Ieee1619,
}

/// Two equal halves make no key for XTS: the cipher would be open to chosen texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EqualHalves;

impl fmt::Display for EqualHalves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves of an XTS key are equal")
    }
}

impl std::error::Error for EqualHalves {}

/// SM4-XTS under one key. It hides what a unit holds, and neither that it is the same as before nor that it
/// was changed. The key schedules are wiped on drop.
pub struct Xts {
    form: XtsForm,
    encryptor: Encryptor,
    decryptor: Decryptor,
    tweak: Encryptor,
}

impl Xts {
    /// Ready to encrypt and decrypt with this key: 16 bytes for the text, 16 for the tweak.
    ///
    /// # Errors
    /// [`EqualHalves`].
    pub fn new(form: XtsForm, key: &[u8; 2 * KEY_LENGTH]) -> Result<Self, EqualHalves> {
        Self::with_features(Features::detect(), form, key)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    ///
    /// # Errors
    /// [`EqualHalves`].
    pub fn with_features(features: Features, form: XtsForm, key: &[u8; 2 * KEY_LENGTH]) -> Result<Self, EqualHalves> {
        let (Some(for_text), Some(for_tweak)) = (key.first_chunk(), key.last_chunk()) else {
            return Err(EqualHalves);
        };
        if for_text.ct_eq(for_tweak).into() {
            return Err(EqualHalves);
        }
        let encryptor = Encryptor::within(features, for_text);
        Ok(Self { form, decryptor: encryptor.decryptor(), encryptor, tweak: Encryptor::within(features, for_tweak) })
    }

    /// Encrypts a unit in place.
    ///
    /// # Errors
    /// [`WrongLength`] for fewer than 16 bytes or more than 2^24; the unit is as before then.
    pub fn encrypt(&self, tweak: &Block, unit: &mut [u8]) -> Result<(), WrongLength> {
        let (whole, stolen) = parts(unit)?;
        let mut tweak = Tweak::new(self, tweak);
        run(whole, &mut tweak, |blocks| self.encryptor.blocks(blocks));
        if let (Some(last), false) = (whole.last_mut(), stolen.is_empty()) {
            stolen.swap_with_slice(&mut last[..stolen.len()]);
            run(std::slice::from_mut(last), &mut tweak, |blocks| self.encryptor.blocks(blocks));
        }
        Ok(())
    }

    /// Decrypts a unit in place.
    ///
    /// # Errors
    /// [`WrongLength`] for fewer than 16 bytes or more than 2^24; the unit is as before then.
    pub fn decrypt(&self, tweak: &Block, unit: &mut [u8]) -> Result<(), WrongLength> {
        let (whole, stolen) = parts(unit)?;
        let mut tweak = Tweak::new(self, tweak);
        let decrypt = |blocks: &mut [Block]| self.decryptor.blocks(blocks);
        if stolen.is_empty() {
            run(whole, &mut tweak, decrypt);
        } else if let Some((last, others)) = whole.split_last_mut() {
            // The last whole block was made with the last tweak, the part behind it with the one before.
            run(others, &mut tweak, decrypt);
            let mut before = Tweak { form: self.form, value: tweak.value };
            tweak.advance();
            run(std::slice::from_mut(last), &mut tweak, decrypt);
            stolen.swap_with_slice(&mut last[..stolen.len()]);
            run(std::slice::from_mut(last), &mut before, decrypt);
        }
        Ok(())
    }
}

/// Whole blocks, and what is left.
fn parts(unit: &mut [u8]) -> Result<(&mut [Block], &mut [u8]), WrongLength> {
    if (BLOCK_LENGTH..=LONGEST).contains(&unit.len()) { Ok(unit.as_chunks_mut()) } else { Err(WrongLength) }
}

/// Puts blocks through the cipher, each between two additions of its tweak.
fn run(blocks: &mut [Block], tweak: &mut Tweak, cipher: impl Fn(&mut [Block])) {
    let mut tweaks = Zeroizing::new([[0; BLOCK_LENGTH]; BATCH]);
    for batch in blocks.chunks_mut(BATCH) {
        for (block, kept) in batch.iter_mut().zip(tweaks.iter_mut()) {
            *kept = tweak.bytes();
            add(block, kept);
            tweak.advance();
        }
        cipher(batch);
        batch.iter_mut().zip(tweaks.iter()).for_each(|(block, kept)| add(block, kept));
    }
}

/// Adds one block to another.
fn add(block: &mut Block, other: &Block) {
    *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*other)).to_ne_bytes();
}

/// The tweak of a block. Wiped on drop.
struct Tweak {
    form: XtsForm,
    /// Read big endian in the form of GB/T 17964, little endian in that of IEEE 1619.
    value: u128,
}

impl Tweak {
    fn new(xts: &Xts, first: &Block) -> Self {
        let first = xts.tweak.block(*first);
        let value = match xts.form {
            XtsForm::GbT17964 => u128::from_be_bytes(first),
            XtsForm::Ieee1619 => u128::from_le_bytes(first),
        };
        Self { form: xts.form, value }
    }

    fn bytes(&self) -> Block {
        match self.form {
            XtsForm::GbT17964 => self.value.to_be_bytes(),
            XtsForm::Ieee1619 => self.value.to_le_bytes(),
        }
    }

    /// Times x modulo x^128 + x^7 + x^2 + x + 1.
    fn advance(&mut self) {
        self.value = match self.form {
            XtsForm::GbT17964 => self.value >> 1 ^ (0xe1 << 120 & 0_u128.wrapping_sub(self.value & 1)),
            XtsForm::Ieee1619 => self.value << 1 ^ (0x87 & 0_u128.wrapping_sub(self.value >> 127)),
        };
    }
}

impl Drop for Tweak {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl fmt::Debug for Xts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Xts {{ form: {:?}, .. }}", self.form)
    }
}
