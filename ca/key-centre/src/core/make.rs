//! A new encryption key, wrapped before anybody sees it.

use std::fmt;

use crypto_pool::envelope::{enveloped_key, private_key};
use engine::sm2::{PrivateKey, PublicKey};
use pki_config::Random;
use zeroize::Zeroizing;

/// The DER of everything in an SM2 SubjectPublicKeyInfo before its point.
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf,
    0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
];

/// What is encrypted and decrypted once with a new key before it is believed.
const TRIAL: &[u8; 16] = b"pairwise trial 1";

/// A key, its private half wrapped twice.
pub struct Made {
    /// DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// `SM2EnvelopedKey` for the archive key.
    pub archived: Vec<u8>,
    /// `SM2EnvelopedKey` for the holder's signing key.
    pub envelope: Vec<u8>,
}

/// Why no key was made. Nothing is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMade {
    /// The random source failed.
    Random,
    /// The holder's or the archive's key is no SM2 key.
    NoSm2,
    /// The new key does not decrypt what was encrypted to it: a fault of the machine.
    Trial,
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "the random source failed",
            Self::NoSm2 => "an encryption key is delivered to an SM2 key only",
            Self::Trial => "a new key failed its trial and was thrown away",
        })
    }
}

impl std::error::Error for NotMade {}

/// Makes a key for the holder of one key and for an archive, both given as DER SubjectPublicKeyInfo.
///
/// The private half is wiped when this returns; what leaves are the two envelopes.
///
/// # Errors
/// [`NotMade`].
pub fn make(holder_spki: &[u8], archive_spki: &[u8], random: &dyn Random) -> Result<Made, NotMade> {
    let holder = private_key::public_of_spki(holder_spki).map_err(|_| NotMade::NoSm2)?;
    let archive = private_key::public_of_spki(archive_spki).map_err(|_| NotMade::NoSm2)?;
    let key = draw(random)?;
    try_out(&key, random)?;
    let wrap = |to: &PublicKey| enveloped_key::write(&key, to, random).map_err(|_| NotMade::Random);
    let spki = [&SPKI_HEAD[..], key.public().as_sec1()].concat();
    Ok(Made { archived: wrap(&archive)?, envelope: wrap(&holder)?, spki })
}

/// A private key from fresh random octets: drawn again in the rare case that they are out of range.
fn draw(random: &dyn Random) -> Result<PrivateKey, NotMade> {
    for _ in 0..8 {
        let mut scalar = Zeroizing::new([0; 32]);
        random.fill(&mut *scalar).map_err(|_| NotMade::Random)?;
        if let Ok(key) = PrivateKey::from_bytes(&scalar) {
            return Ok(key);
        }
    }
    // Eight times out of range has a probability of 2^-256: the source does not do what it says.
    Err(NotMade::Random)
}

/// What is encrypted to the public half opens with the private one.
fn try_out(key: &PrivateKey, random: &dyn Random) -> Result<(), NotMade> {
    let mut randomness = Zeroizing::new([0; 32]);
    random.fill(&mut *randomness).map_err(|_| NotMade::Random)?;
    let ciphertext = key.public().encrypt(TRIAL, &randomness).map_err(|_| NotMade::Trial)?;
    match key.decrypt(&ciphertext) {
        Ok(text) if text.as_slice() == TRIAL => Ok(()),
        _ => Err(NotMade::Trial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_pool::OsRandom;
    use pki_config::ports::RandomFailed;

    fn holder(last: u8) -> PrivateKey {
        let mut scalar = [0x11; 32];
        scalar[31] = last;
        PrivateKey::from_bytes(&scalar).unwrap()
    }

    fn spki(key: &PrivateKey) -> Vec<u8> {
        [&SPKI_HEAD[..], key.public().as_sec1()].concat()
    }

    #[test]
    fn a_new_key_opens_for_its_holder_and_for_the_archive_and_for_nobody_else() {
        let (subscriber, archive) = (holder(1), holder(2));
        let made = make(&spki(&subscriber), &spki(&archive), &OsRandom::open().unwrap()).unwrap();
        let delivered = enveloped_key::open(&made.envelope, &subscriber).unwrap();
        let archived = enveloped_key::open(&made.archived, &archive).unwrap();
        assert_eq!(*delivered.to_bytes(), *archived.to_bytes());
        assert_eq!(spki(&delivered), made.spki);
        assert!(enveloped_key::open(&made.envelope, &archive).is_err());
        assert!(enveloped_key::open(&made.archived, &subscriber).is_err());
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let (subscriber, archive, random) = (holder(1), holder(2), OsRandom::open().unwrap());
        let one = make(&spki(&subscriber), &spki(&archive), &random).unwrap();
        let two = make(&spki(&subscriber), &spki(&archive), &random).unwrap();
        assert_ne!(one.spki, two.spki);
    }

    /// Random octets that are all the same.
    struct Stuck(u8);

    impl Random for Stuck {
        fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
            out.fill(self.0);
            Ok(())
        }
    }

    struct Broken;

    impl Random for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
            Err(RandomFailed)
        }
    }

    #[test]
    fn a_source_that_fails_or_gives_no_key_makes_none() {
        let (subscriber, archive) = (spki(&holder(1)), spki(&holder(2)));
        // Zero is no key; neither is a number above the order, which begins with fffffffe.
        for random in [&Stuck(0) as &dyn Random, &Stuck(0xff), &Broken] {
            assert!(matches!(make(&subscriber, &archive, random), Err(NotMade::Random)));
        }
    }

    #[test]
    fn a_key_on_another_curve_is_refused() {
        let good = spki(&holder(1));
        // prime256v1 in place of the SM2 curve.
        let mut p256 = vec![0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08];
        p256.extend_from_slice(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00]);
        p256.extend_from_slice(&good[26..]);
        let random = OsRandom::open().unwrap();
        assert!(matches!(make(&p256, &good, &random), Err(NotMade::NoSm2)));
        assert!(matches!(make(&good, &p256, &random), Err(NotMade::NoSm2)));
        assert!(matches!(make(&good[..90], &good, &random), Err(NotMade::NoSm2)));
    }
}
