//! A public key that was read strictly and found sound, and verifying with it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self as lc, ParsedPublicKey, VerificationAlgorithm};

use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::tlv::{self, BadDer};

mod weak;

/// Longest SubjectPublicKeyInfo that is looked at. Unit: bytes. RSA with 8192 bits takes about 1,050.
const LONGEST: usize = 4096;

/// Why a public key is not accepted. Its sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadKey {
    /// Not the DER of a SubjectPublicKeyInfo.
    Malformed(BadDer),
    /// The algorithm identifier is not, byte for byte, one of ours.
    UnknownAlgorithm,
    /// The point is compressed, at infinity or of a wrong length.
    PointForm,
    /// The point is not on its curve, or not a valid encoding.
    OffCurve,
    /// The RSA modulus is not 2048 to 8192 bits, or not a multiple of 8 bits.
    RsaSize,
    /// The RSA exponent is even, below 3, or too large.
    RsaExponent,
    /// The RSA modulus has a factor below 752 (BR 6.1.6).
    SmallFactor,
    /// The factors of the RSA modulus are so close that Fermat's method finds them (BR 6.1.1.3).
    CloseFactors,
    /// The RSA modulus has the fingerprint of ROCA, CVE-2017-15361 (BR 6.1.1.3).
    Roca,
    /// The private key is known to everybody: 1, -1, or printed in a standard.
    Published,
    /// The point has a small order, so one signature fits many messages.
    SmallOrder,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(why) => return write!(f, "the public key is {why}"),
            Self::UnknownAlgorithm => "the key's algorithm is not accepted",
            Self::PointForm => "the point must be in the uncompressed form and not at infinity",
            Self::OffCurve => "the point is not on its curve",
            Self::RsaSize => "an RSA modulus must have 2048 to 8192 bits, a multiple of 8",
            Self::RsaExponent => "an RSA exponent must be odd, at least 3 and at most 33 bits",
            Self::SmallFactor => "the RSA modulus has a small factor",
            Self::CloseFactors => "the factors of the RSA modulus are too close",
            Self::Roca => "the RSA key comes from a broken generator (ROCA)",
            Self::Published => "the private key of this public key is published",
            Self::SmallOrder => "the point has a small order",
        })
    }
}

impl std::error::Error for BadKey {}

impl From<BadDer> for BadKey {
    fn from(why: BadDer) -> Self {
        Self::Malformed(why)
    }
}

/// A public key. Cheap to clone; what verifying needs is prepared once.
#[derive(Clone)]
pub struct PublicKey(Arc<Parts>);

struct Parts {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
    key_id: [u8; 20],
    verifier: Verifier,
}

enum Verifier {
    Sm2(Box<engine::sm2::PublicKey>),
    Other(Vec<(SignatureAlgorithm, ParsedPublicKey)>),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo and refuses what no certificate may carry.
    ///
    /// # Errors
    /// [`BadKey`] says why.
    pub fn from_spki(spki: &[u8]) -> Result<Self, BadKey> {
        let key = Self::read(spki)?;
        weak::refuse(key.algorithm(), key_bits(spki)?)?;
        Ok(key)
    }

    /// As [`PublicKey::from_spki`], and reads an SM2 key that is named otherwise than by id-ecPublicKey with its curve.
    /// For verifying what others signed only; [`PublicKey::spki_der`] then gives the usual form.
    ///
    /// # Errors
    /// [`BadKey`] says why.
    pub fn from_spki_tolerant(spki: &[u8]) -> Result<Self, BadKey> {
        Self::from_spki(spki).or_else(|why| {
            let Some(point) = crate::path::sm2_point(spki) else { return Err(why) };
            let bits = tlv::write(tlv::BIT_STRING, &[&[0], point]);
            Self::from_spki(&tlv::write(tlv::SEQUENCE, &[KeyAlgorithm::Sm2.spki_identifier(), &bits]))
        })
    }

    /// Reads the structure; refuses wrong forms, sizes and points, not weak keys.
    pub(crate) fn read(spki: &[u8]) -> Result<Self, BadKey> {
        if spki.len() > LONGEST {
            return tlv::bad("too long").map_err(BadKey::from);
        }
        let identifier = tlv::single(spki, tlv::SEQUENCE, "key")?.inside().expect(tlv::SEQUENCE, "key algorithm")?;
        let bits = key_bits(spki)?;
        let named = |a: &KeyAlgorithm| a.spki_identifier() == identifier.whole;
        let (algorithm, verifier) = if named(&KeyAlgorithm::Sm2) {
            uncompressed(bits, 65)?;
            let key = engine::sm2::PublicKey::from_sec1(bits).map_err(|_| BadKey::OffCurve)?;
            (KeyAlgorithm::Sm2, Verifier::Sm2(Box::new(key)))
        } else if named(&KeyAlgorithm::P256) {
            uncompressed(bits, 65)?;
            let ways = other(
                bits,
                [
                    (SignatureAlgorithm::EcdsaSha256, &lc::ECDSA_P256_SHA256_ASN1),
                    (SignatureAlgorithm::EcdsaSha384, &lc::ECDSA_P256_SHA384_ASN1),
                ],
            );
            (KeyAlgorithm::P256, ways.ok_or(BadKey::OffCurve)?)
        } else if named(&KeyAlgorithm::P384) {
            uncompressed(bits, 97)?;
            let ways = other(
                bits,
                [
                    (SignatureAlgorithm::EcdsaSha256, &lc::ECDSA_P384_SHA256_ASN1),
                    (SignatureAlgorithm::EcdsaSha384, &lc::ECDSA_P384_SHA384_ASN1),
                ],
            );
            (KeyAlgorithm::P384, ways.ok_or(BadKey::OffCurve)?)
        } else if named(&KeyAlgorithm::Ed25519) {
            if bits.len() != 32 {
                return Err(BadKey::PointForm);
            }
            let ways = other(bits, [(SignatureAlgorithm::Ed25519, &lc::ED25519)]);
            (KeyAlgorithm::Ed25519, ways.ok_or(BadKey::OffCurve)?)
        } else if named(&KeyAlgorithm::Rsa { bits: 0 }) {
            let algorithm = KeyAlgorithm::Rsa { bits: rsa_size(bits)? };
            let ways = other(
                bits,
                [
                    (SignatureAlgorithm::RsaSha256, &lc::RSA_PKCS1_2048_8192_SHA256),
                    (SignatureAlgorithm::RsaSha384, &lc::RSA_PKCS1_2048_8192_SHA384),
                    (SignatureAlgorithm::RsaSha512, &lc::RSA_PKCS1_2048_8192_SHA512),
                ],
            );
            (algorithm, ways.ok_or(BadKey::RsaExponent)?)
        } else {
            return Err(BadKey::UnknownAlgorithm);
        };
        let mut key_id = [0; 20];
        key_id.copy_from_slice(&digest::digest(&digest::SHA256, bits).as_ref()[..20]);
        Ok(Self(Arc::new(Parts { algorithm, spki: spki.to_vec(), key_id, verifier })))
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// The SubjectPublicKeyInfo, as it was read.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The key identifier for SKI and AKI: the leftmost 160 bits of SHA-256 over the key's BIT STRING
    /// (RFC 7093 2, method 1). SHA-1 is not used.
    #[must_use]
    pub fn key_id(&self) -> [u8; 20] {
        self.0.key_id
    }

    /// The key as the engine's, if it is of SM2: to verify many signatures in one call.
    pub(crate) fn sm2(&self) -> Option<&engine::sm2::PublicKey> {
        match &self.0.verifier {
            Verifier::Sm2(key) => Some(key),
            Verifier::Other(_) => None,
        }
    }

    /// Whether `signature` (as it stands in a BIT STRING) over `message` is this key's. An algorithm
    /// the key cannot be used with is simply `false`.
    #[must_use]
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.0.verifier {
            Verifier::Sm2(key) => {
                algorithm == SignatureAlgorithm::Sm2Sm3
                    && engine::sm2::Signature::from_der(signature).is_ok_and(|s| key.verify(message, &s))
            }
            Verifier::Other(ways) => ways
                .iter()
                .find(|(way, _)| *way == algorithm)
                .is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok()),
        }
    }
}

impl PublicKey {
    /// As [`PublicKey::verify`], and takes an SM2 signature in any of the forms of [`sm2_signature`].
    #[must_use]
    pub fn verify_tolerant(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.0.verifier {
            Verifier::Sm2(key) => {
                algorithm == SignatureAlgorithm::Sm2Sm3
                    && sm2_signature(signature).is_some_and(|signature| key.verify(message, &signature))
            }
            Verifier::Other(_) => self.verify(algorithm, message, signature),
        }
    }
}

/// An SM2 signature in one of the forms met in the field: the DER of `SM2Signature`, the same with integers that are
/// padded or lack the octet that keeps them positive, or 64 raw octets.
#[must_use]
pub fn sm2_signature(bytes: &[u8]) -> Option<engine::sm2::Signature> {
    use engine::sm2::Signature;
    let padded = |bytes| -> Option<Signature> {
        let mut numbers = tlv::single(bytes, tlv::SEQUENCE, "signature").ok()?.inside();
        let mut raw = [0; 64];
        for half in raw.chunks_exact_mut(32) {
            let number = numbers.expect(tlv::INTEGER, "signature").ok()?.value;
            let zeros = number.iter().take_while(|b| **b == 0).count();
            let number = number.get(zeros..)?;
            half.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
        }
        numbers.finish("signature").ok()?;
        Signature::from_raw(&raw).ok()
    };
    let raw = |bytes: &[u8]| Signature::from_raw(bytes.try_into().ok()?).ok();
    Signature::from_der(bytes).ok().or_else(|| padded(bytes)).or_else(|| raw(bytes))
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} ", self.0.algorithm)?;
        self.0.key_id.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str(")")
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

fn key_bits(spki: &[u8]) -> Result<&[u8], BadDer> {
    let mut inside = tlv::single(spki, tlv::SEQUENCE, "key")?.inside();
    inside.expect(tlv::SEQUENCE, "key algorithm")?;
    let bits = inside.expect(tlv::BIT_STRING, "key bits")?.whole_bits()?;
    inside.finish("key")?;
    Ok(bits)
}

fn uncompressed(point: &[u8], length: usize) -> Result<(), BadKey> {
    if point.len() == length && point[0] == 4 { Ok(()) } else { Err(BadKey::PointForm) }
}

fn other<const N: usize>(
    bits: &[u8],
    ways: [(SignatureAlgorithm, &'static dyn VerificationAlgorithm); N],
) -> Option<Verifier> {
    let parsed = ways.into_iter().map(|(name, way)| Some((name, ParsedPublicKey::new(way, bits).ok()?)));
    parsed.collect::<Option<Vec<_>>>().map(Verifier::Other)
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 A.1.1).
fn rsa_parts(bits: &[u8]) -> Result<(&[u8], &[u8]), BadDer> {
    let mut inside = tlv::single(bits, tlv::SEQUENCE, "RSA key")?.inside();
    let modulus = inside.expect(tlv::INTEGER, "RSA modulus")?.magnitude()?;
    let exponent = inside.expect(tlv::INTEGER, "RSA exponent")?.magnitude()?;
    inside.finish("RSA key")?;
    Ok((modulus, exponent))
}

fn rsa_size(bits: &[u8]) -> Result<u32, BadKey> {
    let (modulus, exponent) = rsa_parts(bits)?;
    let whole_octets = modulus.first().is_some_and(|first| *first >= 0x80);
    if !whole_octets || !(256..=1024).contains(&modulus.len()) {
        return Err(BadKey::RsaSize);
    }
    match exponent {
        [] | [0..=2] => Err(BadKey::RsaExponent),
        [.., last] if last % 2 == 0 => Err(BadKey::RsaExponent),
        all if all.len() > 5 => Err(BadKey::RsaExponent),
        _ => Ok(modulus.len() as u32 * 8),
    }
}

#[cfg(test)]
mod tests;
