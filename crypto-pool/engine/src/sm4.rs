//! SM4 (GB/T 32907-2016) in Galois/counter mode (GB/T 36624, RFC 8998 appendix A.1).

use std::fmt;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, AeadInOut, KeyInit, Payload};
use zeroize::Zeroizing;

/// Length of a key. Unit: bytes.
pub const KEY_LENGTH: usize = 16;
/// Length of a nonce. Unit: bytes.
pub const NONCE_LENGTH: usize = 12;
/// Length of the tag behind the ciphertext. Unit: bytes.
pub const TAG_LENGTH: usize = 16;

/// The tag does not fit: another key, nonce or header, or the text was changed. Nothing was decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unauthentic;

impl fmt::Display for Unauthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed text is not authentic")
    }
}

impl std::error::Error for Unauthentic {}

/// SM4-GCM under one key. The key schedule is wiped on drop.
pub struct Gcm(AesGcm<::sm4::Sm4, U12>);

impl Gcm {
    /// Ready to seal and open with this key.
    #[must_use]
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self(AesGcm::new(key.into()))
    }

    /// Encrypts `plaintext` and binds `aad` to it: ciphertext, then the 16-byte tag.
    ///
    /// `nonce` must never have been used with this key: a repeated one gives away both texts and
    /// the means to forge.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; NONCE_LENGTH], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        self.0
            .encrypt(nonce.into(), Payload { msg: plaintext, aad })
            .expect("only a text of 64 GiB or more is refused, which no slice in memory here is")
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
        let split = sealed.len().checked_sub(TAG_LENGTH).ok_or(Unauthentic)?;
        let (ciphertext, tag) = sealed.split_at(split);
        let tag = tag.try_into().map_err(|_| Unauthentic)?;
        let mut text = Zeroizing::new(ciphertext.to_vec());
        self.0.decrypt_inout_detached(nonce.into(), aad, text.as_mut_slice().into(), tag).map_err(|_| Unauthentic)?;
        Ok(text)
    }
}

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gcm { .. }")
    }
}
