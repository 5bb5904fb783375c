//! SM4 (GB/T 32907-2016) in the modes of GB/T 17964-2021 and GB/T 36624-2018.
//!
//! [`Gcm`] is the one to take: it hides and protects. The others are what protocols and file formats ask
//! for. No way of computing looks anything up at an address that depends on a key or a text.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bitsliced;
mod cbc;
mod ccm;
mod cipher;
#[cfg(target_arch = "x86_64")]
mod clmul;
mod ctr;
mod ecb;
mod gcm;
#[cfg(target_arch = "x86_64")]
mod gfni;
mod ghash;
mod key;
#[cfg(test)]
mod tests;
mod xts;

use std::fmt;

pub use self::cbc::{Cbc, CbcText, encrypt_many as cbc_encrypt_many};
pub use self::ccm::Ccm;
pub use self::ctr::Ctr;
pub use self::ecb::Ecb;
pub use self::gcm::Gcm;
pub use self::xts::{EqualHalves, Xts, XtsForm};

/// Length of a key. Unit: bytes.
pub const KEY_LENGTH: usize = 16;
/// Length of a block. Unit: bytes.
pub const BLOCK_LENGTH: usize = 16;
/// Length of a nonce of [`Gcm`] and [`Ccm`]. Unit: bytes.
pub const NONCE_LENGTH: usize = 12;
/// Length of the tag behind the ciphertext of [`Gcm`] and [`Ccm`]. Unit: bytes.
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

/// The mode does not take a text of this length. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongLength;

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mode does not take a text of this length")
    }
}

impl std::error::Error for WrongLength {}

/// What was decrypted does not end in a padding: another key, or the text was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongPadding;

impl fmt::Display for WrongPadding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text does not decrypt to a padded one")
    }
}

impl std::error::Error for WrongPadding {}

/// A text as whole blocks.
fn whole_blocks(text: &mut [u8]) -> Result<&mut [[u8; BLOCK_LENGTH]], WrongLength> {
    match text.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(WrongLength),
    }
}
