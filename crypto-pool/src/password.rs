//! Secrets under a password: PBES2 (RFC 8018 6.2), and with it encrypted PKCS#8 (RFC 5958 3).
//!
//! Two suites are written: AES-256-CBC with HMAC-SHA-256, which everybody's software opens, and SM4-CBC with
//! HMAC-SM3 (GM/T 0091-2020). What others wrote is read with any AES or SM4 and any of SHA-1, SHA-2, SM3.
//!
//! ```text
//! EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm AlgorithmIdentifier, encryptedData OCTET STRING }
//! PBES2-params ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier, encryptionScheme AlgorithmIdentifier }
//! PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL,
//!                              prf AlgorithmIdentifier DEFAULT hmacWithSHA1 }
//! ```
//!
//! CBC shows nobody that a text was changed; whoever reads checks what comes out (that it is a key, that it is
//! the certificate's), and PKCS#12 has a MAC around it.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use const_oid::ObjectIdentifier as Oid;
use engine::sm3::HmacKey;
use engine::sm4::Cbc;
use pki_config::{Random, oid};
use zeroize::Zeroizing;

use crate::tlv::{self, BadDer, INTEGER, OCTET_STRING, SEQUENCE, Tlv};

/// Most rounds that are computed for somebody else's file: some seconds of one core.
pub const MOST_ROUNDS: u32 = 10_000_000;
/// Rounds of what is written here (OWASP's figure for PBKDF2-HMAC-SHA-256).
pub const ROUNDS: u32 = 600_000;
/// Longest password. Unit: bytes of UTF-8.
pub const LONGEST_PASSWORD: usize = 1024;
/// Longest salt that is read. Unit: bytes.
const LONGEST_SALT: usize = 1024;

/// Which algorithms protect what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// AES-256-CBC and SHA-256.
    Ordinary,
    /// SM4-CBC and SM3.
    Sm,
}

/// Why a secret under a password does not open. Sender's or caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Locked {
    /// It does not read.
    Malformed(BadDer),
    /// The password is wrong, or the file was damaged: the two cannot be told apart.
    Password,
    /// Protected in a way that is not known here, or no longer: its algorithm.
    Algorithm(Oid),
    /// It asks for more rounds than are computed for a stranger's file.
    Rounds,
    /// The random source failed; nothing was written.
    Random,
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => why.fmt(f),
            Self::Password => f.write_str("the password is wrong, or the file is damaged"),
            Self::Algorithm(oid) => write!(f, "it is protected with {oid}, which is not read here"),
            Self::Rounds => write!(f, "it asks for more than {MOST_ROUNDS} rounds of key derivation"),
            Self::Random => f.write_str("the random source failed"),
        }
    }
}

impl std::error::Error for Locked {}

impl From<BadDer> for Locked {
    fn from(why: BadDer) -> Self {
        Self::Malformed(why)
    }
}

/// A PKCS#8 private key under a password: `EncryptedPrivateKeyInfo`, DER.
///
/// # Errors
/// [`Locked::Random`].
pub fn encrypt_pkcs8(suite: Suite, pkcs8: &[u8], password: &str, random: &dyn Random) -> Result<Vec<u8>, Locked> {
    let (algorithm, ciphertext) = encrypt(suite, pkcs8, password, ROUNDS, random)?;
    Ok(tlv::write(SEQUENCE, &[&algorithm, &tlv::write(OCTET_STRING, &[&ciphertext])]))
}

/// The PKCS#8 private key in an `EncryptedPrivateKeyInfo`.
///
/// # Errors
/// [`Locked`].
pub fn decrypt_pkcs8(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Locked> {
    let mut info = tlv::single(der, SEQUENCE, "EncryptedPrivateKeyInfo")?.inside();
    let algorithm = info.expect(SEQUENCE, "encryptionAlgorithm")?;
    let ciphertext = info.expect(OCTET_STRING, "encryptedData")?.value;
    info.finish("EncryptedPrivateKeyInfo")?;
    let pkcs8 = decrypt(algorithm, ciphertext, password)?;
    // One wrong password in 256 leaves right padding.
    tlv::single(&pkcs8, SEQUENCE, "PrivateKeyInfo").map_err(|_| Locked::Password)?;
    Ok(pkcs8)
}

/// The `AlgorithmIdentifier` and the ciphertext of a secret.
pub(crate) fn encrypt(
    suite: Suite,
    secret: &[u8],
    password: &str,
    rounds: u32,
    random: &dyn Random,
) -> Result<(Vec<u8>, Vec<u8>), Locked> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random.fill(&mut salt).map_err(|_| Locked::Random)?;
    random.fill(&mut iv).map_err(|_| Locked::Random)?;
    let (prf, cipher, prf_oid, cipher_oid) = match suite {
        Suite::Ordinary => (Prf::Sha256, Cipher::Aes256, oid::HMAC_SHA256, oid::AES256_CBC),
        Suite::Sm => (Prf::Sm3, Cipher::Sm4, oid::HMAC_SM3, oid::SM4_CBC),
    };
    let key = prf.derive(password.as_bytes(), &salt, rounds, cipher.key_length());
    let ciphertext = cipher.encrypt(&key, iv, secret).ok_or(Locked::Random)?;
    let prf = tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[prf_oid.as_bytes()]), &[5, 0]]);
    let rounds = tlv::write(INTEGER, &[&integer(rounds)]);
    let derived = tlv::write(SEQUENCE, &[&tlv::write(OCTET_STRING, &[&salt]), &rounds, &prf]);
    let derivation = tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[oid::PBKDF2.as_bytes()]), &derived]);
    let iv = tlv::write(OCTET_STRING, &[&iv]);
    let scheme = tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[cipher_oid.as_bytes()]), &iv]);
    let parameters = tlv::write(SEQUENCE, &[&derivation, &scheme]);
    Ok((tlv::write(SEQUENCE, &[&tlv::write(tlv::OID, &[oid::PBES2.as_bytes()]), &parameters]), ciphertext))
}

/// Content of a small positive INTEGER.
pub(crate) fn integer(value: u32) -> Vec<u8> {
    let octets = u64::from(value).to_be_bytes();
    let first = octets.iter().position(|octet| *octet != 0).unwrap_or(7);
    // A leading zero where the number would look negative.
    let first = if octets.get(first).is_some_and(|octet| *octet >= 0x80) { first - 1 } else { first };
    octets.get(first..).unwrap_or(&octets).to_vec()
}

/// The secret behind an `AlgorithmIdentifier` of PBES2.
pub(crate) fn decrypt(algorithm: Tlv<'_>, ciphertext: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Locked> {
    let mut reader = algorithm.inside();
    let kind = object(&mut reader)?;
    if kind != oid::PBES2 {
        return Err(Locked::Algorithm(kind));
    }
    let mut parameters = reader.expect(SEQUENCE, "PBES2-params")?.inside();
    reader.finish("PBES2")?;
    let mut derivation = parameters.expect(SEQUENCE, "keyDerivationFunc")?.inside();
    let mut scheme = parameters.expect(SEQUENCE, "encryptionScheme")?.inside();
    parameters.finish("PBES2-params")?;

    let cipher_oid = object(&mut scheme)?;
    let cipher = Cipher::of(cipher_oid).ok_or(Locked::Algorithm(cipher_oid))?;
    let iv = scheme.expect(OCTET_STRING, "IV")?.value;
    let iv: [u8; 16] = iv.try_into().map_err(|_| BadDer { what: "IV" })?;

    let function = object(&mut derivation)?;
    if function != oid::PBKDF2 {
        return Err(Locked::Algorithm(function));
    }
    let mut derived = derivation.expect(SEQUENCE, "PBKDF2-params")?.inside();
    let salt = derived.expect(OCTET_STRING, "salt")?.value;
    let rounds = rounds(derived.expect(INTEGER, "iterationCount")?)?;
    if let Some(length) = derived.optional(INTEGER)?
        && length.small()? != cipher.key_length() as u64
    {
        return Err(BadDer { what: "keyLength" }.into());
    }
    let prf = match derived.optional(SEQUENCE)? {
        None => Prf::Sha1,
        Some(prf) => {
            let prf = object(&mut prf.inside())?;
            Prf::of(prf).ok_or(Locked::Algorithm(prf))?
        }
    };
    derived.finish("PBKDF2-params")?;
    if salt.len() > LONGEST_SALT {
        return Err(BadDer { what: "salt" }.into());
    }
    let key = prf.derive(password.as_bytes(), salt, rounds, cipher.key_length());
    cipher.decrypt(&key, iv, ciphertext)
}

/// How many rounds are asked for, within bounds.
pub(crate) fn rounds(element: Tlv<'_>) -> Result<u32, Locked> {
    let rounds = u32::try_from(element.small()?).map_err(|_| Locked::Rounds)?;
    match rounds {
        0 => Err(BadDer { what: "iterationCount" }.into()),
        1..=MOST_ROUNDS => Ok(rounds),
        _ => Err(Locked::Rounds),
    }
}

/// The next element, an object identifier.
pub(crate) fn object(reader: &mut tlv::Reader<'_>) -> Result<Oid, BadDer> {
    let element = reader.expect(tlv::OID, "object identifier")?;
    Oid::from_bytes(element.value).map_err(|_| BadDer { what: "object identifier" })
}

/// A pseudo-random function of PBKDF2.
#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

impl Prf {
    fn of(oid: Oid) -> Option<Self> {
        Some(match oid {
            oid::HMAC_SHA1 => Self::Sha1,
            oid::HMAC_SHA256 => Self::Sha256,
            oid::HMAC_SHA384 => Self::Sha384,
            oid::HMAC_SHA512 => Self::Sha512,
            oid::HMAC_SM3 => Self::Sm3,
            _ => return None,
        })
    }

    fn derive(self, password: &[u8], salt: &[u8], rounds: u32, length: usize) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
            Self::Sm3 => return pbkdf2_sm3(password, salt, rounds, length),
        };
        let mut key = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(algorithm, NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN), salt, password, &mut key);
        key
    }
}

/// PBKDF2 (RFC 8018 5.2) with HMAC-SM3, of at most 32 octets: the first block is enough for every cipher here.
fn pbkdf2_sm3(password: &[u8], salt: &[u8], rounds: u32, length: usize) -> Zeroizing<Vec<u8>> {
    debug_assert!(length <= 32);
    let key = HmacKey::new(password);
    let mut last = Zeroizing::new(key.mac(&[salt, &1_u32.to_be_bytes()]));
    let mut sum = Zeroizing::new(last.to_vec());
    for _ in 1..rounds {
        *last = key.mac(&[&*last]);
        sum.iter_mut().zip(last.iter()).for_each(|(sum, octet)| *sum ^= octet);
    }
    sum.truncate(length);
    sum
}

/// A block cipher with chained blocks and PKCS#7's padding.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Sm4,
}

impl Cipher {
    fn of(oid: Oid) -> Option<Self> {
        Some(match oid {
            oid::AES128_CBC => Self::Aes128,
            oid::AES192_CBC => Self::Aes192,
            oid::AES256_CBC => Self::Aes256,
            oid::SM4_CBC | oid::SM4 => Self::Sm4,
            _ => return None,
        })
    }

    const fn key_length(self) -> usize {
        match self {
            Self::Aes128 | Self::Sm4 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    fn aes(self, key: &[u8]) -> Option<UnboundCipherKey> {
        let algorithm = match self {
            Self::Aes128 => &AES_128,
            Self::Aes192 => &AES_192,
            Self::Aes256 => &AES_256,
            Self::Sm4 => return None,
        };
        UnboundCipherKey::new(algorithm, key).ok()
    }

    fn encrypt(self, key: &[u8], iv: [u8; 16], secret: &[u8]) -> Option<Vec<u8>> {
        if let Self::Sm4 = self {
            return Some(Cbc::new(key.try_into().ok()?).encrypt_padded(&iv, secret));
        }
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.aes(key)?).ok()?;
        // Room for the padding: growing would leave a copy of the secret behind that nobody wipes.
        let mut text = Vec::with_capacity(secret.len() + 16);
        text.extend_from_slice(secret);
        key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(iv))).ok()?;
        Some(text)
    }

    fn decrypt(self, key: &[u8], iv: [u8; 16], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Locked> {
        if let Self::Sm4 = self {
            let key = key.try_into().map_err(|_| Locked::Password)?;
            return Cbc::new(key).decrypt_padded(&iv, ciphertext).map_err(|_| Locked::Password);
        }
        let key = self.aes(key).and_then(|key| PaddedBlockDecryptingKey::cbc_pkcs7(key).ok());
        let mut text = Zeroizing::new(ciphertext.to_vec());
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let length = key
            .and_then(|key| key.decrypt(&mut text, context).ok().map(|plain| plain.len()))
            .ok_or(Locked::Password)?;
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
pub(crate) mod tests;
