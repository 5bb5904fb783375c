//! `SM2EnvelopedKey` (GB/T 35276-2017 7.4, GM/T 0009).
//!
//! ```text
//! SM2EnvelopedKey ::= SEQUENCE {
//!     symAlgID                AlgorithmIdentifier,   -- SM4-ECB
//!     symEncryptedKey         SM2Cipher,             -- 16 octets, for the recipient's signing key
//!     Sm2PublicKey            BIT STRING,            -- of the pair that is handed over
//!     Sm2EncryptedPrivateKey  BIT STRING }           -- SM4-ECB
//! ```
//!
//! Written with the identifier 104.1 and NULL; read with 104 or 104.1, with or without NULL.

use engine::sm2::encrypt::Ciphertext;
use engine::sm2::{PrivateKey, PublicKey};
use pki_config::{Random, oid};

use super::{BadEnvelope, draw_sm4_key, lock, unlock, unwrap, wrap};
use crate::password::object;
use crate::tlv::{self, BIT_STRING, SEQUENCE};

/// The key for this recipient.
///
/// # Errors
/// [`BadEnvelope::Random`].
pub fn write(key: &PrivateKey, recipient: &PublicKey, random: &dyn Random) -> Result<Vec<u8>, BadEnvelope> {
    let sm4 = draw_sm4_key(random)?;
    let wrapped = wrap(&sm4, recipient, random)?.to_der();
    let algorithm = tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[oid::SM4_ECB.as_bytes()]), &[5, 0]]);
    let public = tlv::write(BIT_STRING, &[&[0], key.public().as_sec1()]);
    let private = tlv::write(BIT_STRING, &[&[0], &lock(&sm4, key)]);
    Ok(tlv::write(SEQUENCE, &[&algorithm, &wrapped, &public, &private]))
}

/// The key in it.
///
/// # Errors
/// [`BadEnvelope`].
pub fn open(der: &[u8], recipient: &PrivateKey) -> Result<PrivateKey, BadEnvelope> {
    let parts = Parts::read(der)?;
    unlock(&*unwrap(&parts.wrapped, recipient)?, parts.private, parts.public)
}

/// What stands in it, still closed.
pub(super) struct Parts<'a> {
    /// The SM4 key under the recipient's.
    pub(super) wrapped: Ciphertext,
    /// Of the pair, SEC 1.
    pub(super) public: &'a [u8; 65],
    /// Of the pair, under the SM4 key.
    pub(super) private: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadEnvelope> {
        let mut envelope = tlv::single(der, SEQUENCE, "SM2EnvelopedKey")?.inside();
        let mut algorithm = envelope.expect(SEQUENCE, "symAlgID")?.inside();
        let cipher = object(&mut algorithm)?;
        algorithm.optional(5)?;
        algorithm.finish("symAlgID")?;
        if ![oid::SM4_ECB, oid::SM4].contains(&cipher) {
            return Err(BadEnvelope::Algorithm(cipher));
        }
        let wrapped = envelope.expect(SEQUENCE, "symEncryptedKey")?.whole;
        let public = envelope.expect(BIT_STRING, "Sm2PublicKey")?.whole_bits()?;
        let private = envelope.expect(BIT_STRING, "Sm2EncryptedPrivateKey")?.whole_bits()?;
        envelope.finish("SM2EnvelopedKey")?;
        let public = public.try_into().map_err(|_| BadEnvelope::Malformed("Sm2PublicKey"))?;
        let wrapped = Ciphertext::from_der(wrapped).map_err(|_| BadEnvelope::Malformed("symEncryptedKey"))?;
        Ok(Self { wrapped, public, private })
    }
}
