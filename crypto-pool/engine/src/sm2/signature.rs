//! A signature and its encodings.

use std::fmt;

use super::scalar::Scalar;
use super::{der, write_hex};

/// These bytes are no SM2 signature: not minimal DER, wrong length, or a number outside 1 to n-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an SM2 signature")
    }
}

impl std::error::Error for BadSignature {}

/// A signature: two numbers in 1 to n-1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    pub(super) r: Scalar,
    pub(super) s: Scalar,
}

impl Signature {
    /// From `SM2Signature ::= SEQUENCE { r INTEGER, s INTEGER }` (GM/T 0009 7.3), strict DER.
    ///
    /// # Errors
    /// [`BadSignature`], also for anything behind the signature and for integers not in their shortest form.
    pub fn from_der(der: &[u8]) -> Result<Self, BadSignature> {
        let content = der::whole_sequence(der).ok_or(BadSignature)?;
        let (r, content) = der::take_integer(content).ok_or(BadSignature)?;
        let (s, rest) = der::take_integer(content).ok_or(BadSignature)?;
        if !rest.is_empty() {
            return Err(BadSignature);
        }
        Self::from_numbers(&r, &s)
    }

    /// As `SM2Signature` in DER: 70 to 72 bytes, rarely fewer.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(72);
        der::put_integer(&mut content, &self.r());
        der::put_integer(&mut content, &self.s());
        der::sequence(&content)
    }

    /// From r and s, 32 bytes each, big endian.
    ///
    /// # Errors
    /// [`BadSignature`] for a number outside 1 to n-1.
    pub fn from_raw(raw: &[u8; 64]) -> Result<Self, BadSignature> {
        let (numbers, _) = raw.as_chunks();
        Self::from_numbers(&numbers[0], &numbers[1])
    }

    fn from_numbers(r: &[u8; 32], s: &[u8; 32]) -> Result<Self, BadSignature> {
        let read = |bytes| Scalar::from_bytes(bytes).filter(|number| !number.is_zero()).ok_or(BadSignature);
        Ok(Self { r: read(r)?, s: read(s)? })
    }

    /// r and s, 32 bytes each, big endian.
    #[must_use]
    pub fn to_raw(&self) -> [u8; 64] {
        let mut raw = [0; 64];
        raw[..32].copy_from_slice(&self.r());
        raw[32..].copy_from_slice(&self.s());
        raw
    }

    /// r, big endian.
    #[must_use]
    pub fn r(&self) -> [u8; 32] {
        self.r.to_bytes()
    }

    /// s, big endian.
    #[must_use]
    pub fn s(&self) -> [u8; 32] {
        self.s.to_bytes()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sm2::Signature(")?;
        write_hex(f, &self.to_raw())?;
        f.write_str(")")
    }
}
