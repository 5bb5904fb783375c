//! A private SM2 key as a file holds it: PKCS#8, `ECPrivateKey` (RFC 5915), or the bare number.
//!
//! Read more leniently than what the suite stores itself: the algorithm may be the curve alone, attributes may
//! follow, the public key may be missing.

use engine::sm2::PrivateKey;
use pki_config::oid;
use zeroize::Zeroizing;

use super::BadEnvelope;
use crate::algorithm::KeyAlgorithm;
use crate::password::object;
use crate::tlv::{self, BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, Tlv};

/// The private key in any of these forms.
///
/// # Errors
/// [`BadEnvelope::NoKey`]; [`BadEnvelope::OtherKey`] if the public key beside it is another's.
pub fn read(bytes: &[u8]) -> Result<PrivateKey, BadEnvelope> {
    if bytes.len() == 32 {
        return scalar(bytes);
    }
    let whole = tlv::Reader::new(bytes).any().ok().filter(|whole| whole.whole.len() == bytes.len());
    match whole {
        // SM2PrivateKey ::= INTEGER (GM/T 0009 7.1)
        Some(number) if number.tag == INTEGER => number_of(number),
        Some(sequence) if sequence.tag == SEQUENCE => sequence_of(sequence),
        _ => Err(BadEnvelope::NoKey),
    }
}

/// PKCS#8, DER.
#[must_use]
pub fn to_pkcs8(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    crate::backend::write_sm2(key)
}

fn scalar(octets: &[u8]) -> Result<PrivateKey, BadEnvelope> {
    let octets: &[u8; 32] = octets.try_into().map_err(|_| BadEnvelope::NoKey)?;
    PrivateKey::from_bytes(octets).map_err(|_| BadEnvelope::NoKey)
}

fn number_of(number: Tlv<'_>) -> Result<PrivateKey, BadEnvelope> {
    let magnitude = number.magnitude().map_err(|_| BadEnvelope::NoKey)?;
    let mut octets = Zeroizing::new([0; 32]);
    let at = 32_usize.checked_sub(magnitude.len()).ok_or(BadEnvelope::NoKey)?;
    octets.get_mut(at..).ok_or(BadEnvelope::NoKey)?.copy_from_slice(magnitude);
    scalar(&*octets)
}

fn sequence_of(sequence: Tlv<'_>) -> Result<PrivateKey, BadEnvelope> {
    let mut inside = sequence.inside();
    let version = inside.expect(INTEGER, "version").and_then(Tlv::small).map_err(|_| BadEnvelope::NoKey)?;
    let second = inside.any().map_err(|_| BadEnvelope::NoKey)?;
    match (version, second.tag) {
        // PrivateKeyInfo, or OneAsymmetricKey with its public key; attributes may follow.
        (0 | 1, SEQUENCE) => {
            let mut algorithm = second.inside();
            let sm2 = |algorithm: &mut tlv::Reader<'_>| match object(algorithm)? {
                oid::SM2 => Ok(true),
                oid::EC_PUBLIC_KEY => Ok(object(algorithm)? == oid::SM2),
                _ => Ok::<_, tlv::BadDer>(false),
            };
            if !sm2(&mut algorithm).unwrap_or(false) {
                return Err(BadEnvelope::NoKey);
            }
            let octets = inside.expect(OCTET_STRING, "key").map_err(|_| BadEnvelope::NoKey)?;
            // Attributes, and the public key of OneAsymmetricKey.
            inside.optional(0xa0)?;
            inside.optional(0x81)?;
            inside.finish("PrivateKeyInfo")?;
            let inner = tlv::single(octets.value, SEQUENCE, "ECPrivateKey").map_err(|_| BadEnvelope::NoKey)?;
            sequence_of(inner)
        }
        // ECPrivateKey
        (1, OCTET_STRING) => {
            let key = scalar(second.value)?;
            if let Some(curve) = inside.optional(0xa0)?
                && curve.value != tlv::write(tlv::OID, &[oid::SM2.as_bytes()])
            {
                return Err(BadEnvelope::NoKey);
            }
            let public = inside.optional(0xa1)?;
            inside.finish("ECPrivateKey")?;
            let public = public.map(|public| tlv::single(public.value, BIT_STRING, "public key")?.whole_bits());
            match public.transpose()? {
                Some(bits) if bits != key.public().as_sec1() => Err(BadEnvelope::OtherKey),
                _ => Ok(key),
            }
        }
        _ => Err(BadEnvelope::NoKey),
    }
}

/// The public key of an SM2 `SubjectPublicKeyInfo`, as 04 || X || Y.
///
/// # Errors
/// [`BadEnvelope::NoKey`] if it is no sound SM2 key.
pub fn public_of_spki(spki: &[u8]) -> Result<engine::sm2::PublicKey, BadEnvelope> {
    let mut info = tlv::single(spki, SEQUENCE, "SubjectPublicKeyInfo")?.inside();
    let algorithm = info.expect(SEQUENCE, "algorithm")?;
    let bits = info.expect(BIT_STRING, "key")?.whole_bits()?;
    info.finish("SubjectPublicKeyInfo")?;
    if algorithm.whole != KeyAlgorithm::Sm2.spki_identifier() {
        return Err(BadEnvelope::NoKey);
    }
    engine::sm2::PublicKey::from_sec1(bits).map_err(|_| BadEnvelope::NoKey)
}
