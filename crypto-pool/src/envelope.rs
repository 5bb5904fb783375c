//! Private SM2 keys on their way to their holders: the four shapes in which authorities, tokens and devices hand
//! over the key of an encryption certificate, and the change from one to another.
//!
//! | shape | standard | what it is |
//! |---|---|---|
//! | [`enveloped_key`] | GB/T 35276 `SM2EnvelopedKey` | an SM4 key under SM2, the private key under SM4-ECB |
//! | [`message`] | GB/T 35275 `EnvelopedData` | a message to a certificate, under SM4-CBC |
//! | [`skf`] | GM/T 0016 (GB/T 35291) `ENVELOPEDKEYBLOB` | as the first, in packed integers of a token |
//! | [`device`] | GM/T 0018 `ECCrefPublicKey`, `ECCrefPrivateKey` | the pair itself, in clear, for a device |
//!
//! Whoever opens one checks that the private key is that of the public key beside it: an envelope whose halves
//! were swapped, or one made for somebody else, is refused and says so.

pub mod csr_response;
pub mod device;
pub mod enveloped_key;
pub mod message;
pub mod private_key;
pub mod skf;
#[cfg(test)]
mod tests;

use std::fmt;

use const_oid::ObjectIdentifier as Oid;
use engine::sm2::encrypt::Ciphertext;
use engine::sm2::{PrivateKey, PublicKey};
use engine::sm4::Ecb;
use pki_config::{Random, oid};
use zeroize::Zeroizing;

use crate::tlv::{self, BadDer, Reader};

/// Longest envelope that is read. Unit: bytes.
pub const LONGEST: usize = 1 << 20;

/// In which shape a key is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `SM2EnvelopedKey`, GB/T 35276-2017 7.4.
    EnvelopedKey,
    /// `EnvelopedData`, GB/T 35275-2017 10.
    Message,
    /// `ENVELOPEDKEYBLOB`, GM/T 0016-2012 6.4.10.
    Skf,
    /// `ECCrefPublicKey` and `ECCrefPrivateKey`, GM/T 0018-2012 6.2: in clear.
    Device,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EnvelopedKey, Self::Message, Self::Skf, Self::Device];

    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvelopedKey => "enveloped-key",
            Self::Message => "enveloped-data",
            Self::Skf => "skf",
            Self::Device => "sdf",
        }
    }

    /// By the outline of the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if skf::looks_like(bytes) {
            return Some(Self::Skf);
        }
        if device::looks_like(bytes) {
            return Some(Self::Device);
        }
        let mut inside = Reader::new(bytes).any().ok().filter(|outer| outer.tag == tlv::SEQUENCE)?.inside();
        match inside.any().ok()?.tag {
            tlv::SEQUENCE => Some(Self::EnvelopedKey),
            tlv::OID | tlv::INTEGER => Some(Self::Message),
            _ => None,
        }
    }
}

/// Why an envelope does not give its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadEnvelope {
    /// It does not read. Sender's fault.
    Malformed(&'static str),
    /// It is none of the four shapes.
    UnknownShape,
    /// It is not for this recipient, or was changed on the way: the two cannot be told apart.
    Recipient,
    /// It opens, but the private key is not that of the public key beside it.
    OtherKey,
    /// The content is not a private SM2 key.
    NoKey,
    /// Encrypted in a way that is not known here: its algorithm.
    Algorithm(Oid),
    /// The private key comes in clear, or goes out so: no recipient is needed, and whoever asks must say that
    /// this is wanted.
    Clear,
    /// The random source failed; nothing was written.
    Random,
}

impl fmt::Display for BadEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(what) => return write!(f, "it does not read: {what}"),
            Self::UnknownShape => {
                "it is no SM2EnvelopedKey, EnvelopedData, ENVELOPEDKEYBLOB (SKF) or ECCref key pair (SDF)"
            }
            Self::Recipient => "it is not for this recipient's key, or it was changed",
            Self::OtherKey => "its private key does not belong to the public key beside it",
            Self::NoKey => "what is in it is no private SM2 key",
            Self::Algorithm(oid) => return write!(f, "it is encrypted with {oid}, which is not read here"),
            Self::Clear => "in this shape the private key is in clear; it takes no recipient",
            Self::Random => "the random source failed",
        })
    }
}

impl std::error::Error for BadEnvelope {}

impl From<BadDer> for BadEnvelope {
    fn from(bad: BadDer) -> Self {
        Self::Malformed(bad.what)
    }
}

/// Opens an envelope of any shape.
///
/// # Errors
/// [`BadEnvelope`].
pub fn open(bytes: &[u8], recipient: &PrivateKey) -> Result<PrivateKey, BadEnvelope> {
    if bytes.len() > LONGEST {
        return Err(BadEnvelope::Malformed("it is too long"));
    }
    match Shape::of(bytes).ok_or(BadEnvelope::UnknownShape)? {
        Shape::EnvelopedKey => enveloped_key::open(bytes, recipient),
        Shape::Message => message::open(bytes, recipient),
        Shape::Skf => skf::open(bytes, recipient),
        Shape::Device => Err(BadEnvelope::Clear),
    }
}

/// The SM4 key of an envelope, drawn.
fn draw_sm4_key(random: &dyn Random) -> Result<Zeroizing<[u8; 16]>, BadEnvelope> {
    let mut key = Zeroizing::new([0; 16]);
    random.fill(&mut *key).map_err(|_| BadEnvelope::Random)?;
    Ok(key)
}

/// The SM4 key of an envelope under the recipient's key.
fn wrap(sm4: &[u8; 16], recipient: &PublicKey, random: &dyn Random) -> Result<Ciphertext, BadEnvelope> {
    let mut randomness = Zeroizing::new([0; 32]);
    random.fill(&mut *randomness).map_err(|_| BadEnvelope::Random)?;
    recipient.encrypt(sm4, &randomness).map_err(|_| BadEnvelope::Random)
}

/// The SM4 key of an envelope.
fn unwrap(ciphertext: &Ciphertext, recipient: &PrivateKey) -> Result<Zeroizing<[u8; 16]>, BadEnvelope> {
    let key = recipient.decrypt(ciphertext).map_err(|_| BadEnvelope::Recipient)?;
    let key: [u8; 16] = key.as_slice().try_into().map_err(|_| BadEnvelope::Malformed("length of the SM4 key"))?;
    Ok(Zeroizing::new(key))
}

/// The private key under SM4-ECB: 32 octets need no padding.
fn lock(sm4: &[u8; 16], key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    let mut scalar = Zeroizing::new(key.to_bytes().to_vec());
    Ecb::new(sm4).encrypt(&mut scalar).expect("two whole blocks");
    scalar
}

/// The private key from 32 octets, from 64 with zeros in front (tokens), or from 48 with padding.
fn unlock(sm4: &[u8; 16], ciphertext: &[u8], public: &[u8; 65]) -> Result<PrivateKey, BadEnvelope> {
    let mut text = Zeroizing::new(ciphertext.to_vec());
    Ecb::new(sm4).decrypt(&mut text).map_err(|_| BadEnvelope::Malformed("length of the private key"))?;
    let scalar: &[u8] = match text.as_slice() {
        all if all.len() == 32 => all,
        all if all.len() == 48 && all.iter().skip(32).all(|octet| *octet == 16) => all.get(..32).unwrap_or_default(),
        all if all.len() == 64 && all.iter().take(32).all(|octet| *octet == 0) => all.get(32..).unwrap_or_default(),
        _ => return Err(BadEnvelope::NoKey),
    };
    belongs(scalar, public)
}

/// The private key with these octets, if it is that of the public one.
fn belongs(scalar: &[u8], public: &[u8; 65]) -> Result<PrivateKey, BadEnvelope> {
    let scalar: &[u8; 32] = scalar.try_into().map_err(|_| BadEnvelope::NoKey)?;
    let key = PrivateKey::from_bytes(scalar).map_err(|_| BadEnvelope::NoKey)?;
    if key.public().as_sec1() == public { Ok(key) } else { Err(BadEnvelope::OtherKey) }
}

/// Whether an object identifier names SM2 encryption: 301.3, as GB/T 33560 has it, or what others write.
fn is_sm2_encryption(algorithm: Oid) -> bool {
    [oid::SM2_ENCRYPTION, oid::SM2_EXCHANGE, oid::SM2].contains(&algorithm)
}
