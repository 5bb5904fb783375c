//! The key derivation of PKCS#12 (RFC 7292 B.2) and its MAC. Old, slow per bit, and what every reader computes.

use aws_lc_rs::{constant_time, digest, hmac};
use const_oid::ObjectIdentifier as Oid;
use engine::sm3::{HmacKey, Sm3};
use pki_config::oid;
use zeroize::Zeroizing;

/// What octets for a MAC are derived with (RFC 7292 B.3).
const FOR_MAC: u8 = 3;

/// The hash function of a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

impl Hash {
    pub(super) fn of(algorithm: Oid) -> Option<Self> {
        Some(match algorithm {
            oid::SHA1 => Self::Sha1,
            oid::SHA256 => Self::Sha256,
            oid::SHA384 => Self::Sha384,
            oid::SHA512 => Self::Sha512,
            oid::SM3 => Self::Sm3,
            _ => return None,
        })
    }

    /// Unit: bytes.
    const fn block(self) -> usize {
        match self {
            Self::Sha384 | Self::Sha512 => 128,
            Self::Sha1 | Self::Sha256 | Self::Sm3 => 64,
        }
    }

    /// Unit: bytes.
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn hash(self, parts: [&[u8]; 2]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sm3 => {
                let mut hash = Sm3::new();
                parts.iter().for_each(|part| hash.update(part));
                return Zeroizing::new(hash.finalize().to_vec());
            }
        };
        let mut hash = digest::Context::new(algorithm);
        parts.iter().for_each(|part| hash.update(part));
        Zeroizing::new(hash.finish().as_ref().to_vec())
    }

    /// The MAC of the whole file.
    pub(super) fn mac(self, password: &[u8], salt: &[u8], rounds: u32, message: &[u8]) -> Vec<u8> {
        let key = self.derive(FOR_MAC, password, salt, rounds, self.length());
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
            Self::Sm3 => return HmacKey::new(&key).mac(&[message]).to_vec(),
        };
        hmac::sign(&hmac::Key::new(algorithm, &key), message).as_ref().to_vec()
    }

    /// RFC 7292 B.2: `length` octets of a password (as [`encoded`]) and a salt.
    pub(super) fn derive(
        self,
        purpose: u8,
        password: &[u8],
        salt: &[u8],
        rounds: u32,
        length: usize,
    ) -> Zeroizing<Vec<u8>> {
        let block = self.block();
        let diversifier = vec![purpose; block];
        let mut input = Zeroizing::new(Vec::with_capacity(4 * block));
        for text in [salt, password] {
            let whole = text.len().div_ceil(block) * block;
            input.extend(text.iter().cycle().take(if text.is_empty() { 0 } else { whole }));
        }
        let mut out = Zeroizing::new(Vec::with_capacity(length + self.length()));
        while out.len() < length {
            let mut sum = self.hash([&diversifier, &input]);
            for _ in 1..rounds {
                sum = self.hash([&sum, &[]]);
            }
            out.extend_from_slice(&sum);
            for part in input.chunks_mut(block) {
                add_with_one(part, &sum);
            }
        }
        out.truncate(length);
        out
    }
}

/// Adds `sum`, repeated over the length, and one, modulo 2^(8·length).
fn add_with_one(part: &mut [u8], sum: &[u8]) {
    let repeated: Vec<u8> = sum.iter().copied().cycle().take(part.len()).collect();
    let mut carry = 1_u16;
    for (octet, add) in part.iter_mut().zip(&repeated).rev() {
        carry += u16::from(*octet) + u16::from(*add);
        *octet = carry as u8;
        carry >>= 8;
    }
}

/// A password as PKCS#12 wants it: UTF-16, big endian, with a zero at its end.
pub(super) fn encoded(password: &str) -> Zeroizing<Vec<u8>> {
    let units = password.encode_utf16().chain([0]);
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}

/// Compares two MACs in constant time.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}
