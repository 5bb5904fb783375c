//! Public-key encryption (GB/T 32918.4-2016): C1 = k·G, C2 = the message under a key stream, C3 = a hash over
//! message and shared point that finds out changes.
//!
//! It is meant for keys and short secrets: whoever has much to encrypt encrypts an SM4 key with it.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::field::{Arith, fastest};
use super::point::Affine;
use super::scalar::Scalar;
use super::{PrivateKey, PublicKey, comb, der, multiply};
use crate::sm3::{self, DIGEST_LENGTH, HmacKey, Mac, Sm3};

/// The longest message. Unit: bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Bytes of a ciphertext besides the message: 04 || X || Y and C3.
const OVERHEAD: usize = 65 + DIGEST_LENGTH;

/// A message must have 1 to [`MAX_MESSAGE`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLength;

impl fmt::Display for BadLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SM2 encrypts 1 to {MAX_MESSAGE} bytes")
    }
}

impl std::error::Error for BadLength {}

/// These bytes are no ciphertext, or not one for this key. Which of the two is not told: the answer would help
/// to guess the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecryptable;

impl fmt::Display for Undecryptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an SM2 ciphertext for this key")
    }
}

impl std::error::Error for Undecryptable {}

/// A ciphertext in one of its two forms; C1 is a point of the curve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ciphertext {
    /// X and Y of the point.
    c1: Affine,
    c3: [u8; DIGEST_LENGTH],
    /// 1 to [`MAX_MESSAGE`] bytes.
    c2: Vec<u8>,
}

impl Ciphertext {
    /// From C1 || C3 || C2 with C1 = 04 || X || Y (GB/T 32918.4-2016 6.1).
    ///
    /// # Errors
    /// [`Undecryptable`], also for a point off the curve and a message without or with too many bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Undecryptable> {
        let (&[4], rest) = bytes.split_first_chunk().ok_or(Undecryptable)? else {
            return Err(Undecryptable);
        };
        let (x, rest) = rest.split_first_chunk().ok_or(Undecryptable)?;
        let (y, rest) = rest.split_first_chunk().ok_or(Undecryptable)?;
        let (c3, c2) = rest.split_first_chunk().ok_or(Undecryptable)?;
        Self::from_parts(x, y, c3, c2)
    }

    /// C1 || C3 || C2.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(OVERHEAD + self.c2.len());
        bytes.push(4);
        bytes.extend(self.c1.to_bytes());
        bytes.extend(self.c3);
        bytes.extend(&self.c2);
        bytes
    }

    /// From the DER of GM/T 0009 7.2, strictly:
    ///
    /// ```text
    /// SM2Cipher ::= SEQUENCE {
    ///     XCoordinate  INTEGER,
    ///     YCoordinate  INTEGER,
    ///     HASH         OCTET STRING SIZE(32),
    ///     CipherText   OCTET STRING }
    /// ```
    ///
    /// # Errors
    /// [`Undecryptable`], as for the other form.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Undecryptable> {
        let parts = || {
            let content = der::whole_sequence(bytes)?;
            let (x, content) = der::take_integer(content)?;
            let (y, content) = der::take_integer(content)?;
            let (c3, content) = der::take(content, der::OCTET_STRING)?;
            let (c2, rest) = der::take(content, der::OCTET_STRING)?;
            rest.is_empty().then_some((x, y, <&[u8; DIGEST_LENGTH]>::try_from(c3).ok()?, c2))
        };
        let (x, y, c3, c2) = parts().ok_or(Undecryptable)?;
        Self::from_parts(&x, &y, c3, c2)
    }

    /// As `SM2Cipher` in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(OVERHEAD + self.c2.len() + 16);
        for coordinate in self.c1.to_bytes().as_chunks().0 {
            der::put_integer(&mut content, coordinate);
        }
        der::put(&mut content, der::OCTET_STRING, &self.c3);
        der::put(&mut content, der::OCTET_STRING, &self.c2);
        der::sequence(&content)
    }

    /// Steps A5 to A8, for k G and k times the key's point; none if the key stream is all zeros.
    pub(super) fn new(message: &[u8], c1: Affine, shared: Affine) -> Option<Self> {
        let shared = Shared::new(shared);
        let mut c2 = message.to_vec();
        shared.apply_key_stream(&mut c2).then(|| Self { c1, c3: shared.digest(message), c2 })
    }

    /// GB/T 32918.4-2016 7.1, steps B3 to B6, for d times C1.
    pub(super) fn open(&self, shared: Affine) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
        let shared = Shared::new(shared);
        let mut message = Zeroizing::new(self.c2.clone());
        let usable = shared.apply_key_stream(&mut message);
        let same = bool::from(shared.digest(&message).ct_eq(&self.c3));
        if usable && same { Ok(message) } else { Err(Undecryptable) }
    }

    /// C1.
    pub(super) fn point(&self) -> &Affine {
        &self.c1
    }

    fn from_parts(x: &[u8; 32], y: &[u8; 32], c3: &[u8; 32], c2: &[u8]) -> Result<Self, Undecryptable> {
        // The group has prime order: every point of the curve but infinity, which has no such form, is a good one.
        let c1 = Affine::from_bytes(x, y).ok_or(Undecryptable)?;
        if c2.is_empty() || c2.len() > MAX_MESSAGE {
            return Err(Undecryptable);
        }
        Ok(Self { c1, c3: *c3, c2: c2.to_vec() })
    }
}

impl PublicKey {
    /// Encrypts a message for the holder of the private half.
    ///
    /// `randomness` must be fresh and secret: who knows it can read the message. It is mixed with the key and the
    /// message, so that one value used twice shows only whether the messages are the same.
    ///
    /// # Errors
    /// [`BadLength`] unless the message has 1 to [`MAX_MESSAGE`] bytes.
    pub fn encrypt(&self, message: &[u8], randomness: &[u8; 32]) -> Result<Ciphertext, BadLength> {
        if message.is_empty() || message.len() > MAX_MESSAGE {
            return Err(BadLength);
        }
        let mut nonces = Nonces::new(self, message, randomness);
        loop {
            let mut k = nonces.next();
            let ciphertext = self.encrypt_with(message, &k);
            k.zeroize();
            // A key stream of zeros would leave the message as it is (A5): one byte in 256, so it does happen.
            if let Some(ciphertext) = ciphertext {
                return Ok(ciphertext);
            }
        }
    }

    /// GB/T 32918.4-2016 6.1, steps A2 to A8, with the nonce `k`.
    fn encrypt_with(&self, message: &[u8], k: &Scalar) -> Option<Ciphertext> {
        let points = fastest!(|arith| {
            let c1 = multiply::BASE.times(arith, k).to_jacobian(arith);
            let shared = self.times(arith, k);
            comb::normalize(arith, &[c1, shared])
        });
        Ciphertext::new(message, points[0], points[1])
    }

    /// The secret scalar times this key's point, in constant time; never zero, so never infinity.
    fn times<A: Arith>(&self, arith: A, k: &Scalar) -> super::Jacobian {
        match self.0.comb.get() {
            Some(comb) => comb.times(arith, k).to_jacobian(arith),
            None => multiply::times(arith, &self.0.point, k),
        }
    }
}

impl PrivateKey {
    /// The message, wiped on drop.
    ///
    /// # Errors
    /// [`Undecryptable`] if the ciphertext was changed or was made for another key.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
        // GB/T 32918.4-2016 7.1; that C1 is on the curve was checked when it was read (B1, B2).
        ciphertext.open(fastest!(|arith| multiply::times(arith, &ciphertext.c1, &self.secret.d).to_affine(arith)))
    }
}

/// The nonces for a message, one after another.
pub(super) struct Nonces {
    /// Has taken in all but the counter.
    begun: Mac,
    counter: u32,
}

impl Nonces {
    pub(super) fn new(key: &PublicKey, message: &[u8], randomness: &[u8; 32]) -> Self {
        let mut begun = HmacKey::new(randomness).start();
        begun.update(key.as_sec1());
        begun.update(message);
        Self { begun, counter: 0 }
    }

    /// The next nonce, in 1 to n-1.
    pub(super) fn next(&mut self) -> Scalar {
        let mut bytes = Zeroizing::new([0; 64]);
        for half in bytes.as_chunks_mut::<32>().0 {
            self.counter += 1;
            let mut mac = self.begun.clone();
            mac.update(&self.counter.to_be_bytes());
            *half = mac.finalize();
        }
        Scalar::nonzero_from_wide(&bytes)
    }
}

/// The point that both sides know: x2 || y2.
struct Shared(Zeroizing<[u8; 64]>);

impl Shared {
    fn new(mut point: Affine) -> Self {
        let bytes = Zeroizing::new(point.to_bytes());
        point.zeroize();
        Self(bytes)
    }

    /// Adds the key stream to `text`, unless the stream is all zeros: then false.
    fn apply_key_stream(&self, text: &mut [u8]) -> bool {
        let stream = sm3::kdf(&*self.0, b"", text.len());
        for (octet, key) in text.iter_mut().zip(stream.iter()) {
            *octet ^= key;
        }
        stream.iter().fold(0, |any, octet| any | octet) != 0
    }

    /// C3 = SM3(x2 || message || y2).
    fn digest(&self, message: &[u8]) -> [u8; DIGEST_LENGTH] {
        let mut hash = Sm3::new();
        hash.update(&self.0[..32]);
        hash.update(message);
        hash.update(&self.0[32..]);
        hash.finalize()
    }
}

#[cfg(test)]
mod tests;
