//! The nonce of a signature: from the private key, what is signed, and fresh randomness.
//!
//! w_i = HMAC-SM3(d, e || randomness || i), i one byte from 1 on; k = ((w_1 || w_2) mod (n-1)) + 1. A nonce that
//! cannot be used is followed by the one of w_3 and w_4, and so on. Sixty-four bytes reduced to thirty-two leave no
//! bias that could be used. With constant or known randomness signing is deterministic and as safe as the key;
//! with fresh randomness a glitched machine does not sign the same twice with one nonce.

use zeroize::Zeroizing;

use super::scalar::Scalar;
use crate::sm3::{HmacKey, Mac};

/// HMAC keyed with the private key.
pub(super) struct NonceKey(HmacKey);

/// The nonces for one signature, one after another.
pub(super) struct Nonces {
    /// Has taken in all but the counter.
    begun: Mac,
    counter: u8,
}

impl NonceKey {
    pub(super) fn new(d: &[u8; 32]) -> Self {
        Self(HmacKey::new(d))
    }

    /// The keyed states, for lanes.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn hmac(&self) -> &HmacKey {
        &self.0
    }

    /// The nonces for `e` and `randomness`.
    pub(super) fn nonces(&self, e: &[u8; 32], randomness: &[u8; 32]) -> Nonces {
        let mut begun = self.0.start();
        begun.update(e);
        begun.update(randomness);
        Nonces { begun, counter: 0 }
    }
}

impl Nonces {
    /// The next nonce, in 1 to n-1.
    pub(super) fn next(&mut self) -> Scalar {
        let mut bytes = Zeroizing::new([0; 64]);
        for half in bytes.as_chunks_mut::<32>().0 {
            // Wraps after 127 refused nonces, each of which happens once in 2^255.
            self.counter = self.counter.wrapping_add(1);
            let mut mac = self.begun.clone();
            mac.update(&[self.counter]);
            *half = mac.finalize();
        }
        Scalar::nonzero_from_wide(&bytes)
    }
}
