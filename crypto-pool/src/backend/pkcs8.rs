//! Private keys as PKCS#8 (RFC 5958), and signing with them in software.
//!
//! SM2 keys have OpenSSL's outline: id-ecPublicKey with the curve 1.2.156.10197.1.301 around an
//! `ECPrivateKey` (RFC 5915) that carries the public key.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256,
};
use pki_config::Random;
use zeroize::Zeroizing;

use super::Signer;
use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::random::OsRandom;
use crate::tlv;

/// Draws of an SM2 scalar before the source is called broken: each fails with chance 2^-32.
const DRAWS: usize = 8;

/// Makes a key pair outside the pool, for a subscriber: the PKCS#8 and the SubjectPublicKeyInfo.
///
/// `random` gives the SM2 key; the other algorithms draw from their library's own source, seeded by the
/// operating system.
///
/// # Errors
/// [`Error::Random`]; [`Error::Algorithm`] for RSA other than 2048, 3072, 4096 and 8192 bits.
pub fn generate_pkcs8(algorithm: KeyAlgorithm, random: &dyn Random) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Error> {
    let failed = |_| Error::PrivateKey;
    let pkcs8 = match algorithm {
        KeyAlgorithm::Sm2 => generate_sm2(random)?,
        KeyAlgorithm::P256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
            Zeroizing::new(key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
        }
        KeyAlgorithm::P384 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(failed)?;
            Zeroizing::new(key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
        }
        KeyAlgorithm::Ed25519 => {
            let key = Ed25519KeyPair::generate().map_err(failed)?;
            Zeroizing::new(key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
        }
        KeyAlgorithm::Rsa { bits } => {
            let size = match bits {
                2048 => KeySize::Rsa2048,
                3072 => KeySize::Rsa3072,
                4096 => KeySize::Rsa4096,
                8192 => KeySize::Rsa8192,
                _ => return Err(Error::Algorithm),
            };
            let key = RsaKeyPair::generate(size).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
            Zeroizing::new(der.as_ref().to_vec())
        }
    };
    let spki = spki_of_pkcs8(algorithm, &pkcs8)?;
    Ok((pkcs8, spki))
}

/// Signs `message` with a PKCS#8 key, as a subscriber signs a request.
///
/// # Errors
/// [`Error::PrivateKey`] if the key is not one of that algorithm; [`Error::Random`].
pub fn sign_with_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    SoftKey::read(algorithm, pkcs8)?.sign(message, &OsRandom::open()?)
}

/// The SubjectPublicKeyInfo that belongs to a PKCS#8 key.
///
/// # Errors
/// [`Error::PrivateKey`] if the key is not one of that algorithm.
pub fn spki_of_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(SoftKey::read(algorithm, pkcs8)?.spki(algorithm))
}

/// A private key in memory. SM2's is wiped by the engine, the others' by AWS-LC when they are freed.
pub(super) enum SoftKey {
    Sm2(engine::sm2::PrivateKey),
    Ecdsa(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl SoftKey {
    pub(super) fn read(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self, Error> {
        let failed = |_| Error::PrivateKey;
        Ok(match algorithm {
            KeyAlgorithm::Sm2 => Self::Sm2(read_sm2(pkcs8)?),
            KeyAlgorithm::P256 => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(failed)?;
                Self::Ecdsa(Box::new(key))
            }
            KeyAlgorithm::P384 => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8).map_err(failed)?;
                Self::Ecdsa(Box::new(key))
            }
            KeyAlgorithm::Rsa { bits } => {
                let key = RsaKeyPair::from_pkcs8(pkcs8).map_err(failed)?;
                if key.public_modulus_len() * 8 != bits as usize {
                    return Err(Error::PrivateKey);
                }
                Self::Rsa(Box::new(key))
            }
            KeyAlgorithm::Ed25519 => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(failed)?;
                Self::Ed25519(Box::new(key))
            }
        })
    }

    pub(super) fn spki(&self, algorithm: KeyAlgorithm) -> Vec<u8> {
        let bits: &[u8] = match self {
            Self::Sm2(key) => key.public().as_sec1(),
            Self::Ecdsa(key) => key.public_key().as_ref(),
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ed25519(key) => key.public_key().as_ref(),
        };
        let bits = tlv::write(tlv::BIT_STRING, &[&[0], bits]);
        tlv::write(tlv::SEQUENCE, &[algorithm.spki_identifier(), &bits])
    }
}

impl Signer for SoftKey {
    fn sign(&self, message: &[u8], random: &dyn Random) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::PrivateKey;
        Ok(match self {
            Self::Sm2(key) => {
                let mut randomness = Zeroizing::new([0; 32]);
                random.fill(&mut *randomness)?;
                key.sign(message, &randomness).to_der()
            }
            Self::Ecdsa(key) => key.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                signature
            }
            Self::Ed25519(key) => key.try_sign(message).map_err(failed)?.as_ref().to_vec(),
        })
    }

    fn sm2(&self) -> Option<&engine::sm2::PrivateKey> {
        match self {
            Self::Sm2(key) => Some(key),
            _ => None,
        }
    }
}

impl std::fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftKey(..)")
    }
}

const VERSION_0: &[u8] = &[2, 1, 0];
const VERSION_1: &[u8] = &[2, 1, 1];

fn generate_sm2(random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, Error> {
    for _ in 0..DRAWS {
        let mut scalar = Zeroizing::new([0; 32]);
        random.fill(&mut *scalar)?;
        if let Ok(key) = engine::sm2::PrivateKey::from_bytes(&scalar) {
            return Ok(write_sm2(&key));
        }
    }
    Err(Error::PrivateKey)
}

/// ```text
/// PrivateKeyInfo ::= SEQUENCE { version 0, { id-ecPublicKey, sm2p256v1 }, OCTET STRING { ECPrivateKey } }
/// ECPrivateKey   ::= SEQUENCE { version 1, privateKey OCTET STRING (32), publicKey [1] BIT STRING }
/// ```
pub(crate) fn write_sm2(key: &engine::sm2::PrivateKey) -> Zeroizing<Vec<u8>> {
    let secret = |tag, parts: &[&[u8]]| Zeroizing::new(tlv::write(tag, parts));
    let scalar = secret(tlv::OCTET_STRING, &[&key.to_bytes()[..]]);
    let public = tlv::write(tlv::BIT_STRING, &[&[0], key.public().as_sec1()]);
    let public = tlv::write(0xa1, &[&public]);
    let private = secret(tlv::SEQUENCE, &[VERSION_1, &scalar, &public]);
    let octets = secret(tlv::OCTET_STRING, &[&private]);
    secret(tlv::SEQUENCE, &[VERSION_0, KeyAlgorithm::Sm2.spki_identifier(), &octets])
}

fn read_sm2(pkcs8: &[u8]) -> Result<engine::sm2::PrivateKey, Error> {
    let parts = || -> Result<_, tlv::BadDer> {
        let mut info = tlv::single(pkcs8, tlv::SEQUENCE, "PKCS#8")?.inside();
        let version = info.expect(tlv::INTEGER, "version")?;
        let algorithm = info.expect(tlv::SEQUENCE, "algorithm")?;
        let octets = info.expect(tlv::OCTET_STRING, "key")?;
        let mut key = tlv::single(octets.value, tlv::SEQUENCE, "ECPrivateKey")?.inside();
        let inner = key.expect(tlv::INTEGER, "version")?;
        let scalar = key.expect(tlv::OCTET_STRING, "scalar")?;
        key.optional(0xa0)?;
        let public = key.optional(0xa1)?;
        key.finish("ECPrivateKey")?;
        let public = match public {
            Some(public) => Some(tlv::single(public.value, tlv::BIT_STRING, "public key")?.whole_bits()?),
            None => None,
        };
        let known = version.whole == VERSION_0
            && inner.whole == VERSION_1
            && algorithm.whole == KeyAlgorithm::Sm2.spki_identifier();
        if known { Ok((scalar.value, public)) } else { tlv::bad("PKCS#8") }
    };
    let (scalar, public) = parts().map_err(|_| Error::PrivateKey)?;
    let scalar: &[u8; 32] = scalar.try_into().map_err(|_| Error::PrivateKey)?;
    let key = engine::sm2::PrivateKey::from_bytes(scalar).map_err(|_| Error::PrivateKey)?;
    // A public key that is not the private key's would sign with a wrong Z and verify nowhere.
    if public.is_some_and(|bits| bits != key.public().as_sec1()) { Err(Error::PrivateKey) } else { Ok(key) }
}

#[cfg(test)]
mod tests;
