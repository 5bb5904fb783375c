//! How PKCS#11 writes keys and signatures, and how the pool does.

use aws_lc_rs::digest;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;

use crate::algorithm::KeyAlgorithm;
use crate::error::Error;
use crate::tlv;

/// DER of the curves' identifiers.
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";
/// `DigestInfo` of SHA-256 (RFC 8017 9.2, note 1) up to the digest.
const SHA256_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const EXPONENT: [u8; 3] = [1, 0, 1];

/// What is sent to the token: the digest, for RSA as `DigestInfo`. The token need not know how to hash, and does not
/// get to see what is signed.
pub(super) fn to_sign(algorithm: KeyAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(match algorithm {
        KeyAlgorithm::P256 => digest::digest(&digest::SHA256, message).as_ref().to_vec(),
        KeyAlgorithm::P384 => digest::digest(&digest::SHA384, message).as_ref().to_vec(),
        KeyAlgorithm::Rsa { .. } => [SHA256_INFO, digest::digest(&digest::SHA256, message).as_ref()].concat(),
        KeyAlgorithm::Sm2 | KeyAlgorithm::Ed25519 => return Err(Error::Algorithm),
    })
}

/// The mechanism that signs what [`to_sign`] gives.
pub(super) fn mechanism(algorithm: KeyAlgorithm) -> Mechanism<'static> {
    match algorithm {
        KeyAlgorithm::Rsa { .. } => Mechanism::RsaPkcs,
        _ => Mechanism::Ecdsa,
    }
}

/// The mechanism that makes such keys, and what the public half must be told.
pub(super) fn making(algorithm: KeyAlgorithm) -> Option<(Mechanism<'static>, Vec<Attribute>)> {
    let curve = |oid: &[u8]| (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(oid.to_vec())]);
    Some(match algorithm {
        KeyAlgorithm::P256 => curve(P256),
        KeyAlgorithm::P384 => curve(P384),
        KeyAlgorithm::Rsa { bits } => {
            let attributes =
                vec![Attribute::ModulusBits(u64::from(bits).into()), Attribute::PublicExponent(EXPONENT.to_vec())];
            (Mechanism::RsaPkcsKeyPairGen, attributes)
        }
        KeyAlgorithm::Sm2 | KeyAlgorithm::Ed25519 => return None,
    })
}

/// A signature as it goes into a BIT STRING; `None` if it cannot be one.
pub(super) fn signature(algorithm: KeyAlgorithm, raw: &[u8]) -> Option<Vec<u8>> {
    let half = match algorithm {
        KeyAlgorithm::P256 => 32,
        KeyAlgorithm::P384 => 48,
        KeyAlgorithm::Rsa { bits } => return (raw.len() == bits as usize / 8).then(|| raw.to_vec()),
        KeyAlgorithm::Sm2 | KeyAlgorithm::Ed25519 => return None,
    };
    let (r, s) = raw.split_at_checked(half).filter(|(_, s)| s.len() == half)?;
    Some(tlv::write(tlv::SEQUENCE, &[&integer(r), &integer(s)]))
}

/// The SubjectPublicKeyInfo of an elliptic curve's point as a token gives it: wrapped in an OCTET STRING as the
/// standard says, or bare as some do.
pub(super) fn spki_of_point(algorithm: KeyAlgorithm, point: &[u8]) -> Option<Vec<u8>> {
    let length = match algorithm {
        KeyAlgorithm::P256 => 65,
        KeyAlgorithm::P384 => 97,
        _ => return None,
    };
    let point = if point.len() == length { point } else { tlv::single(point, tlv::OCTET_STRING, "point").ok()?.value };
    (point.len() == length && point.first() == Some(&4)).then(|| spki(algorithm, point))
}

/// The SubjectPublicKeyInfo of an RSA key.
pub(super) fn spki_of_rsa(algorithm: KeyAlgorithm, modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let KeyAlgorithm::Rsa { bits } = algorithm else { return None };
    let zeros = modulus.iter().take_while(|b| **b == 0).count();
    if modulus.len() - zeros != bits as usize / 8 {
        return None;
    }
    Some(spki(algorithm, &tlv::write(tlv::SEQUENCE, &[&integer(modulus), &integer(exponent)])))
}

fn spki(algorithm: KeyAlgorithm, bits: &[u8]) -> Vec<u8> {
    let bits = tlv::write(tlv::BIT_STRING, &[&[0], bits]);
    tlv::write(tlv::SEQUENCE, &[algorithm.spki_identifier(), &bits])
}

/// A DER INTEGER of an unsigned number.
fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|b| **b == 0).count().min(number.len().saturating_sub(1));
    let number = number.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if number.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    tlv::write(tlv::INTEGER, &[sign, number])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::SignatureAlgorithm;
    use crate::backend::{generate_pkcs8, spki_of_pkcs8};
    use crate::public_key::PublicKey;
    use crate::random::SeededRandom;

    #[test]
    fn numbers_are_der() {
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[]), [2, 1, 0]);
        let raw = [[0; 31].as_slice(), &[9], &[0xff; 32]].concat();
        let der = signature(KeyAlgorithm::P256, &raw).unwrap();
        assert_eq!(der[..5], [0x30, 38, 2, 1, 9]);
        assert_eq!(der[5..8], [2, 33, 0]);
    }

    #[test]
    fn a_signature_of_a_wrong_length_is_none() {
        assert!(signature(KeyAlgorithm::P256, &[1; 63]).is_none());
        assert!(signature(KeyAlgorithm::P256, &[1; 65]).is_none());
        assert!(signature(KeyAlgorithm::P384, &[1; 64]).is_none());
        assert!(signature(KeyAlgorithm::Rsa { bits: 2048 }, &[1; 255]).is_none());
        assert!(signature(KeyAlgorithm::Rsa { bits: 2048 }, &[1; 256]).is_some());
        assert!(signature(KeyAlgorithm::Sm2, &[1; 64]).is_none());
    }

    #[test]
    fn public_keys_are_read_in_both_forms() {
        let (pkcs8, _) = generate_pkcs8(KeyAlgorithm::P384, &SeededRandom::new(1)).unwrap();
        let spki = spki_of_pkcs8(KeyAlgorithm::P384, &pkcs8).unwrap();
        let point = &spki[spki.len() - 97..];
        let wrapped = tlv::write(tlv::OCTET_STRING, &[point]);
        assert_eq!(spki_of_point(KeyAlgorithm::P384, point), Some(spki.clone()));
        assert_eq!(spki_of_point(KeyAlgorithm::P384, &wrapped), Some(spki.clone()));
        assert_eq!(spki_of_point(KeyAlgorithm::P256, point), None);
        assert_eq!(spki_of_point(KeyAlgorithm::P384, &wrapped[..50]), None);
        let rsa = KeyAlgorithm::Rsa { bits: 2048 };
        let (_, spki) = generate_pkcs8(rsa, &SeededRandom::new(1)).unwrap();
        let bits = PublicKey::from_spki(&spki).unwrap();
        // SEQUENCE, INTEGER of 257 octets: the modulus stands 4 + 4 + 1 octets into the key.
        let at = spki.len() - 270;
        let (modulus, exponent) = (&spki[at + 8..at + 8 + 257], &spki[spki.len() - 3..]);
        assert_eq!(spki_of_rsa(rsa, modulus, exponent).as_deref(), Some(bits.spki_der()));
        assert_eq!(spki_of_rsa(rsa, &modulus[1..], exponent).as_deref(), Some(bits.spki_der()));
        assert_eq!(spki_of_rsa(KeyAlgorithm::Rsa { bits: 3072 }, modulus, exponent), None);
    }

    #[test]
    fn what_is_sent_for_rsa_is_what_pkcs1_pads() {
        // RFC 8017 9.2: the digest of "abc" under SHA-256 (FIPS 180-2 B.1).
        let sent = to_sign(KeyAlgorithm::Rsa { bits: 2048 }, b"abc").unwrap();
        assert_eq!(sent[..19], *SHA256_INFO);
        assert_eq!(sent[19..23], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(SignatureAlgorithm::for_key(KeyAlgorithm::Rsa { bits: 2048 }), SignatureAlgorithm::RsaSha256);
        assert!(to_sign(KeyAlgorithm::Sm2, b"abc").is_err());
    }
}
