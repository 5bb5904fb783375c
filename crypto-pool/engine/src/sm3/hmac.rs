//! HMAC-SM3 (GB/T 15852.2, OID 1.2.156.10197.1.401.3.1).

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{BLOCK, DIGEST_LENGTH, Sm3, compress, compress::IV, hash};

/// A key made ready: the states behind its two first blocks, so that a message costs two compressions less.
/// Wiped on drop.
pub struct HmacKey {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl HmacKey {
    /// Ready to authenticate with this key, of any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if key.len() > BLOCK {
            let mut digest = hash(key);
            block[..DIGEST_LENGTH].copy_from_slice(&digest);
            digest.zeroize();
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let (mut inner, mut outer) = (IV, IV);
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        compress(&mut inner, &block);
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        compress(&mut outer, &block);
        block.zeroize();
        Self { inner, outer }
    }

    /// A code to be computed part by part.
    #[must_use]
    pub fn start(&self) -> Mac {
        Mac { inner: Sm3::resume(self.inner, 1), outer: Sm3::resume(self.outer, 1) }
    }

    /// The code of the parts of a message, one after another.
    #[must_use]
    pub fn mac(&self, message: &[&[u8]]) -> [u8; DIGEST_LENGTH] {
        let mut mac = self.start();
        for part in message {
            mac.update(part);
        }
        mac.finalize()
    }

    /// The state behind the block of the key with ipad.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "for lanes of signatures"))]
    pub(crate) fn inner(&self) -> &[u32; 8] {
        &self.inner
    }

    /// The state behind the block of the key with opad.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "for lanes of signatures"))]
    pub(crate) fn outer(&self) -> &[u32; 8] {
        &self.outer
    }
}

impl Drop for HmacKey {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey { .. }")
    }
}

/// A code being computed. Wiped on drop.
#[derive(Clone)]
pub struct Mac {
    inner: Sm3,
    outer: Sm3,
}

impl Mac {
    /// Takes in more of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.inner.update(part);
    }

    /// The code of all that was taken in.
    #[must_use]
    pub fn finalize(mut self) -> [u8; DIGEST_LENGTH] {
        let mut digest = self.inner.finish();
        self.outer.update(&digest);
        digest.zeroize();
        self.outer.finish()
    }

    /// Whether `code` is the code of all that was taken in. Takes the same time wherever they differ; a code
    /// of another length, so also a shortened one, is wrong.
    #[must_use]
    pub fn verify(self, code: &[u8]) -> bool {
        self.finalize().ct_eq(code).into()
    }
}

impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mac { .. }")
    }
}

/// HMAC-SM3 over the parts of a message, one after another.
///
/// Only the concatenation counts, not where one part ends: let the caller write lengths where that matters.
#[must_use]
pub fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; DIGEST_LENGTH] {
    HmacKey::new(key).mac(message)
}
