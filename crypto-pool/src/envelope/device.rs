//! The key pair of a cryptographic device (GM/T 0018-2012 6.2), in clear: for putting it into a device that takes
//! no envelope. Numbers of 256 bits stand at the right of fields of 64 octets; words are little endian, as on
//! every machine such devices are in.
//!
//! ```text
//! ECCrefPublicKey  { u32 bits = 256; u8 x[64]; u8 y[64] }
//! ECCrefPrivateKey { u32 bits = 256; u8 K[64] }
//! ```

use engine::sm2::PrivateKey;
use zeroize::Zeroizing;

use super::{BadEnvelope, belongs};

const BITS: u32 = 256;
const LENGTH: usize = 4 + 64 + 64 + 4 + 64;

pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.len() == LENGTH && bytes.starts_with(&BITS.to_le_bytes())
}

/// The pair: public structure, then private.
#[must_use]
pub fn write(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    let [_, public @ ..] = key.public().as_sec1();
    let (x, y) = public.split_at(32);
    let mut pair = Zeroizing::new(Vec::with_capacity(LENGTH));
    pair.extend(BITS.to_le_bytes());
    pair.extend(field(x));
    pair.extend(field(y));
    pair.extend(BITS.to_le_bytes());
    pair.extend(&*Zeroizing::new(field(&*key.to_bytes())));
    pair
}

/// The pair's private key.
///
/// # Errors
/// [`BadEnvelope`].
pub fn read(pair: &[u8]) -> Result<PrivateKey, BadEnvelope> {
    let mut fields = Fields::new(pair);
    let public = fields.public()?;
    if fields.word()? != BITS {
        return Err(BadEnvelope::Malformed("bits"));
    }
    let scalar = fields.right()?;
    fields.finish()?;
    belongs(scalar, &public)
}

/// 32 octets at the right of 64.
pub(super) fn field(number: &[u8]) -> [u8; 64] {
    let mut field = [0; 64];
    if let Some(right) = field.get_mut(64 - number.len().min(64)..) {
        right.copy_from_slice(number);
    }
    field
}

/// Fields one after another.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], BadEnvelope> {
        let (field, rest) = self.0.split_at_checked(length).ok_or(BadEnvelope::Malformed("it is cut off"))?;
        self.0 = rest;
        Ok(field)
    }

    pub(super) fn word(&mut self) -> Result<u32, BadEnvelope> {
        let word = self.take(4)?.try_into().map_err(|_| BadEnvelope::Malformed("word"))?;
        Ok(u32::from_le_bytes(word))
    }

    /// The right half of a field whose left half is zeros.
    pub(super) fn right(&mut self) -> Result<&'a [u8], BadEnvelope> {
        let (left, right) = self.take(64)?.split_at(32);
        if left.iter().any(|octet| *octet != 0) {
            return Err(BadEnvelope::Malformed("a number is longer than 256 bits"));
        }
        Ok(right)
    }

    /// A public key as 04 || X || Y; that it is a point shows when a private key is held against it.
    pub(super) fn public(&mut self) -> Result<[u8; 65], BadEnvelope> {
        if self.word()? != BITS {
            return Err(BadEnvelope::Malformed("bits of the public key"));
        }
        let (x, y) = (self.right()?, self.right()?);
        [&[4], x, y].concat().try_into().map_err(|_| BadEnvelope::Malformed("public key"))
    }

    pub(super) fn finish(self) -> Result<(), BadEnvelope> {
        if self.0.is_empty() { Ok(()) } else { Err(BadEnvelope::Malformed("something follows its end")) }
    }
}
