//! SM4 block by block (GB/T 17964-2021 5): for single keys and for building other modes.

use std::fmt;

use super::cipher::{Decryptor, Encryptor};
use super::{KEY_LENGTH, WrongLength, whole_blocks};
use crate::detect::Features;

/// SM4-ECB under one key. Equal blocks of text become equal blocks: for what is random already, such as the
/// keys of `SM2EnvelopedKey`, and for nothing else. The key schedules are wiped on drop.
pub struct Ecb {
    encryptor: Encryptor,
    decryptor: Decryptor,
}

impl Ecb {
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

    /// Encrypts in place.
    ///
    /// # Errors
    /// [`WrongLength`] unless the text is whole blocks of 16 bytes; it is as before then.
    pub fn encrypt(&self, text: &mut [u8]) -> Result<(), WrongLength> {
        self.encryptor.blocks(whole_blocks(text)?);
        Ok(())
    }

    /// Decrypts in place.
    ///
    /// # Errors
    /// [`WrongLength`] unless the text is whole blocks of 16 bytes; it is as before then.
    pub fn decrypt(&self, text: &mut [u8]) -> Result<(), WrongLength> {
        self.decryptor.blocks(whole_blocks(text)?);
        Ok(())
    }
}

impl fmt::Debug for Ecb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ecb { .. }")
    }
}
