//! SM4 with chained blocks (GB/T 17964-2021 6), and the padding of PKCS #7 (RFC 5652 6.3).

use std::fmt;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Block, Decryptor, Encryptor};
use super::{BLOCK_LENGTH, KEY_LENGTH, WrongLength, WrongPadding, whole_blocks};
use crate::detect::Features;

/// How many blocks are decrypted together.
const BATCH: usize = 64;

/// SM4-CBC under one key. It hides and does not protect; and whoever may send changed ciphertexts and learn
/// whether their padding is right can decrypt with it. Put a MAC over the ciphertext and check it first. The
/// key schedules are wiped on drop.
pub struct Cbc {
    pub(super) encryptor: Encryptor,
    decryptor: Decryptor,
}

impl Cbc {
    /// Ready to encrypt and decrypt with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self::with_features(Features::detect(), key)
    }

    /// As [`Self::new`], with the instruction sets of `features` at most; for tests and measurements.
    #[must_use]
    pub fn with_features(features: Features, key: &[u8; KEY_LENGTH]) -> Self {
        let encryptor = Encryptor::within(features, key);
        Self { decryptor: encryptor.decryptor(), encryptor }
    }

    /// Encrypts in place. `iv` must be unpredictable to whoever may choose the text. One block waits for
    /// another here; [`super::cbc_encrypt_many`] is quicker where there are many texts.
    ///
    /// # Errors
    /// [`WrongLength`] unless the text is whole blocks of 16 bytes; it is as before then.
    pub fn encrypt(&self, iv: &Block, text: &mut [u8]) -> Result<(), WrongLength> {
        let mut last = *iv;
        for block in whole_blocks(text)? {
            add(block, &last);
            self.encryptor.blocks(std::slice::from_mut(block));
            last = *block;
        }
        Ok(())
    }

    /// Decrypts in place.
    ///
    /// # Errors
    /// [`WrongLength`] unless the text is whole blocks of 16 bytes; it is as before then.
    pub fn decrypt(&self, iv: &Block, text: &mut [u8]) -> Result<(), WrongLength> {
        let mut last = *iv;
        let mut before = [[0; BLOCK_LENGTH]; BATCH];
        for batch in whole_blocks(text)?.chunks_mut(BATCH) {
            let before = &mut before[..batch.len()];
            before.copy_from_slice(batch);
            self.decryptor.blocks(batch);
            add(&mut batch[0], &last);
            for (block, before) in batch[1..].iter_mut().zip(&*before) {
                add(block, before);
            }
            last = before[before.len() - 1];
        }
        Ok(())
    }

    /// The ciphertext of a text of any length: 1 to 16 bytes longer, for the padding.
    #[must_use]
    pub fn encrypt_padded(&self, iv: &Block, text: &[u8]) -> Vec<u8> {
        let padding = BLOCK_LENGTH - text.len() % BLOCK_LENGTH;
        let mut padded = Vec::with_capacity(text.len() + padding);
        padded.extend_from_slice(text);
        padded.resize(text.len() + padding, padding as u8);
        self.encrypt(iv, &mut padded).expect("the padding makes whole blocks");
        padded
    }

    /// The text of what [`Self::encrypt_padded`] made; wiped on drop.
    ///
    /// # Errors
    /// [`WrongPadding`], also if the ciphertext is empty or no whole blocks. What is wrong with the padding
    /// is neither told nor shown by the time that is taken.
    pub fn decrypt_padded(&self, iv: &Block, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrongPadding> {
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.decrypt(iv, &mut text).map_err(|WrongLength| WrongPadding)?;
        let length = unpadded_length(&text).ok_or(WrongPadding)?;
        text.truncate(length);
        Ok(text)
    }
}

/// The length without the padding. Looks at all of the last 16 bytes, whatever they are.
fn unpadded_length(text: &[u8]) -> Option<usize> {
    let last: &Block = text.last_chunk()?;
    let padding = last[BLOCK_LENGTH - 1];
    let mut right = padding.ct_lt(&(BLOCK_LENGTH as u8 + 1)) & !padding.ct_eq(&0);
    for (distance, byte) in (1_u8..).zip(last.iter().rev()) {
        let inside = !padding.ct_lt(&distance);
        right &= Choice::conditional_select(&Choice::from(1), &byte.ct_eq(&padding), inside);
    }
    bool::from(right).then(|| text.len() - usize::from(padding))
}

/// Adds one block to another.
fn add(block: &mut Block, other: &Block) {
    *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*other)).to_ne_bytes();
}

impl fmt::Debug for Cbc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cbc { .. }")
    }
}

/// One text of many to encrypt.
pub struct CbcText<'a> {
    /// Its key.
    pub cbc: &'a Cbc,
    /// Its initialisation vector; see [`Cbc::encrypt`].
    pub iv: Block,
    /// The text, encrypted in place. Whole blocks of 16 bytes.
    pub text: &'a mut [u8],
}

impl fmt::Debug for CbcText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CbcText {{ {} bytes }}", self.text.len())
    }
}

/// How many texts are encrypted side by side.
const LANES: usize = 64;
/// How many lanes share their registers.
const LANES_OF_SET: usize = 16;

/// Encrypts many texts side by side, each under a key of its own: what one text alone cannot gain.
///
/// # Errors
/// [`WrongLength`] unless each text is whole blocks of 16 bytes; all are as before then.
pub fn encrypt_many(texts: &mut [CbcText<'_>]) -> Result<(), WrongLength> {
    if texts.iter().any(|text| !text.text.len().is_multiple_of(BLOCK_LENGTH)) {
        return Err(WrongLength);
    }
    // Longest first, so that the lanes come to their ends together.
    texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.text.len()));
    let Some(units) = texts.first().map(|text| text.cbc.encryptor.units()) else { return Ok(()) };
    let mut waiting = texts.iter_mut().filter_map(Lane::of);
    let mut lanes: Vec<Option<Lane<'_>>> = Vec::with_capacity(LANES);
    lanes.extend(waiting.by_ref().take(LANES).map(Some));
    let sets = lanes.len().div_ceil(LANES_OF_SET);
    let mut keys = vec![[[0; LANES_OF_SET]; 32]; sets];
    let mut blocks = vec![[[0; BLOCK_LENGTH]; LANES_OF_SET]; sets];
    for (number, lane) in lanes.iter().enumerate() {
        lane.iter().for_each(|lane| lane.set_keys(&mut keys[number / LANES_OF_SET], number % LANES_OF_SET));
    }
    while lanes.iter().any(Option::is_some) {
        for (number, lane) in lanes.iter_mut().enumerate() {
            let (set, place) = (number / LANES_OF_SET, units.place(number % LANES_OF_SET));
            if let Some(lane) = lane {
                blocks[set][place] = lane.next();
            }
        }
        units.lanes(&keys, &mut blocks);
        for (number, slot) in lanes.iter_mut().enumerate() {
            let (set, place) = (number / LANES_OF_SET, units.place(number % LANES_OF_SET));
            let Some(lane) = slot else { continue };
            if lane.put(&blocks[set][place]) {
                *slot = waiting.next();
                slot.iter().for_each(|lane| lane.set_keys(&mut keys[set], number % LANES_OF_SET));
            }
        }
    }
    keys.iter_mut().for_each(Zeroize::zeroize);
    Ok(())
}

/// A text on its way.
struct Lane<'a> {
    keys: &'a [u32; 32],
    last: Block,
    blocks: &'a mut [Block],
    done: usize,
}

impl<'a> Lane<'a> {
    /// None for an empty text.
    fn of(text: &'a mut CbcText<'_>) -> Option<Self> {
        let blocks = text.text.as_chunks_mut().0;
        (!blocks.is_empty()).then_some(Self { keys: text.cbc.encryptor.keys(), last: text.iv, blocks, done: 0 })
    }

    fn set_keys(&self, all: &mut [[u32; LANES_OF_SET]; 32], lane: usize) {
        for (words, word) in all.iter_mut().zip(self.keys) {
            words[lane] = *word;
        }
    }

    /// What goes through the cipher next.
    fn next(&self) -> Block {
        let mut block = self.blocks[self.done];
        add(&mut block, &self.last);
        block
    }

    /// Takes what came out; says whether the text is at its end.
    fn put(&mut self, block: &Block) -> bool {
        self.blocks[self.done] = *block;
        self.last = *block;
        self.done += 1;
        self.done == self.blocks.len()
    }
}
