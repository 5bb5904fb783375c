//! `ENVELOPEDKEYBLOB` of tokens (GM/T 0016-2012 6.4.10, GB/T 35291): packed, integers little endian, every field of
//! 64 octets filled from the right.
//!
//! ```text
//! u32 Version = 1; u32 ulSymmAlgID = 0x401 (SM4-ECB); u32 ulBits = 256; u8 cbEncryptedPriKey[64];
//! ECCPUBLICKEYBLOB { u32 BitLen = 256; u8 X[64]; u8 Y[64] };
//! ECCCIPHERBLOB { u8 X[64]; u8 Y[64]; u8 HASH[32]; u32 CipherLen; u8 Cipher[CipherLen] }
//! ```

use engine::sm2::encrypt::Ciphertext;
use engine::sm2::{PrivateKey, PublicKey};
use pki_config::Random;

use super::device::{Fields, field};
use super::{BadEnvelope, draw_sm4_key, enveloped_key, lock, unlock, unwrap, wrap};

const VERSION: u32 = 1;
const SM4_ECB: u32 = 0x401;
const BITS: u32 = 256;
/// All but the ciphertext of the SM4 key. Unit: bytes.
const HEAD: usize = 4 + 4 + 4 + 64 + (4 + 64 + 64) + (64 + 64 + 32 + 4);

/// Whether the first words are those of this shape.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let mut head = VERSION.to_le_bytes().to_vec();
    head.extend(SM4_ECB.to_le_bytes());
    bytes.starts_with(&head)
}

/// The key for this recipient.
///
/// # Errors
/// [`BadEnvelope::Random`].
pub fn write(key: &PrivateKey, recipient: &PublicKey, random: &dyn Random) -> Result<Vec<u8>, BadEnvelope> {
    let sm4 = draw_sm4_key(random)?;
    let wrapped = wrap(&sm4, recipient, random)?;
    // Middleware decrypts all 64 octets and takes the last 32: the first half is encrypted zeros.
    Ok(blob(&sixty_four(&sm4, key), key.public().as_sec1(), &wrapped))
}

/// An `SM2EnvelopedKey` in this shape, for a token whose key nobody can take out to open the one and write the other:
/// both hold the same ciphertexts, in another packing. The first half of the field is zeros, which middleware skips.
///
/// # Errors
/// [`BadEnvelope::Malformed`], [`BadEnvelope::Algorithm`]: it does not read. Whether it opens, only the token knows.
pub fn repacked(enveloped_key: &[u8]) -> Result<Vec<u8>, BadEnvelope> {
    let parts = enveloped_key::Parts::read(enveloped_key)?;
    let private: &[u8; 32] = parts.private.try_into().map_err(|_| BadEnvelope::Malformed("Sm2EncryptedPrivateKey"))?;
    Ok(blob(&field(private), parts.public, &parts.wrapped))
}

fn blob(private: &[u8], public: &[u8; 65], wrapped: &Ciphertext) -> Vec<u8> {
    // 04 || X || Y || C3 || C2
    let wrapped = wrapped.to_bytes();
    let part = |from: usize, to: usize| wrapped.get(from..to).unwrap_or_default();
    let [_, public @ ..] = public;
    let (x, y) = public.split_at(32);
    let cipher = part(97, wrapped.len());
    let mut blob = Vec::with_capacity(HEAD + cipher.len());
    for word in [VERSION, SM4_ECB, BITS] {
        blob.extend(word.to_le_bytes());
    }
    blob.extend(private);
    blob.extend(BITS.to_le_bytes());
    blob.extend(field(x));
    blob.extend(field(y));
    blob.extend(field(part(1, 33)));
    blob.extend(field(part(33, 65)));
    blob.extend(part(65, 97));
    blob.extend(u32::try_from(cipher.len()).unwrap_or(u32::MAX).to_le_bytes());
    blob.extend(cipher);
    blob
}

/// 32 zeros and the private key, under SM4-ECB.
fn sixty_four(sm4: &[u8; 16], key: &PrivateKey) -> Vec<u8> {
    let mut zeros = [0; 32];
    engine::sm4::Ecb::new(sm4).encrypt(&mut zeros).expect("two whole blocks");
    [&zeros[..], &lock(sm4, key)].concat()
}

/// The key in it.
///
/// # Errors
/// [`BadEnvelope`].
pub fn open(blob: &[u8], recipient: &PrivateKey) -> Result<PrivateKey, BadEnvelope> {
    let mut fields = Fields::new(blob);
    for (word, what) in [(VERSION, "version"), (SM4_ECB, "ulSymmAlgID"), (BITS, "ulBits")] {
        if fields.word()? != word {
            return Err(BadEnvelope::Malformed(what));
        }
    }
    let private = fields.take(64)?;
    let public = fields.public()?;
    let (x, y) = (fields.right(), fields.right());
    let (x, y) = (x?, y?);
    let hash = fields.take(32)?;
    let length = usize::try_from(fields.word()?).map_err(|_| BadEnvelope::Malformed("CipherLen"))?;
    let cipher = fields.take(length)?;
    fields.finish()?;
    let wrapped = [&[4], x, y, hash, cipher].concat();
    let wrapped = Ciphertext::from_bytes(&wrapped).map_err(|_| BadEnvelope::Malformed("ECCCIPHERBLOB"))?;
    let sm4 = unwrap(&wrapped, recipient)?;
    // Some fill the field from the left with the 32 octets of ciphertext, and zeros after it.
    match private.split_at_checked(32) {
        Some((key, rest)) if rest.iter().all(|octet| *octet == 0) => unlock(&sm4, key, &public),
        Some((rest, key)) if rest.iter().all(|octet| *octet == 0) => unlock(&sm4, key, &public),
        _ => unlock(&sm4, private, &public),
    }
}
