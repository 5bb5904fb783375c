//! SM2 against RustCrypto's `sm2`: keys, signatures and ciphertexts of each are good for the other; and what
//! neither may take.

#![allow(clippy::unwrap_used)]

use ::sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use ::sm2::dsa::{SigningKey, VerifyingKey};
use ::sm2::elliptic_curve::rand_core::{TryCryptoRng, TryRng};
use ::sm2::elliptic_curve::sec1::ToSec1Point;
use ::sm2::pke::{DecryptingKey, EncryptingKey};
use engine::sm2::encrypt::{BadLength, Ciphertext, MAX_MESSAGE, Undecryptable};
use engine::sm2::{BadKey, DEFAULT_ID, PrivateKey, PublicKey, Signature};
use engine::sm3;

/// Repeatable randomness: SM3 of a counter.
struct Stream(u64);

impl Stream {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for part in out.chunks_mut(32) {
            self.0 += 1;
            part.copy_from_slice(&sm3::hash(&self.0.to_be_bytes())[..part.len()]);
        }
        out
    }
}

impl TryRng for Stream {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_be_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_be_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for byte in out {
            [*byte] = self.take();
        }
        Ok(())
    }
}

impl TryCryptoRng for Stream {}

/// How many keys; `YINXIN_REFERENCE_ROUNDS=100000` for many.
fn rounds() -> u64 {
    std::env::var("YINXIN_REFERENCE_ROUNDS").map_or(400, |rounds| rounds.parse().unwrap())
}

fn theirs(key: &PrivateKey) -> SigningKey {
    SigningKey::from_slice(DEFAULT_ID, &*key.to_bytes()).unwrap()
}

#[test]
fn keys_and_signatures_agree_with_the_reference_both_ways() {
    let mut stream = Stream(1 << 32);
    for round in 0..rounds() {
        let key = PrivateKey::from_seed(&stream.take());
        let reference = theirs(&key);
        let verifier: &VerifyingKey = reference.verifying_key();
        assert_eq!(verifier.as_affine().to_sec1_point(false).as_bytes(), key.public().as_sec1());
        let other = PublicKey::from_sec1(key.public().as_sec1()).unwrap();
        for _ in 0..3 {
            let e: [u8; 32] = if round % 16 == 0 { [0xff; 32] } else { stream.take() };
            let ours = key.sign_prehash(&e, &stream.take());
            let read = ::sm2::dsa::Signature::from_slice(&ours.to_raw()).unwrap();
            verifier.verify_prehash(&e, &read).unwrap();
            assert_eq!(Signature::from_der(&ours.to_der()), Ok(ours));
            assert_eq!(&*read.to_der().to_vec(), ours.to_der());

            let signature: ::sm2::dsa::Signature = reference.sign_prehash(&e).unwrap();
            let signature = Signature::from_raw(&signature.to_bytes().into()).unwrap();
            assert!(other.verify_prehash(&e, &signature) && other.verify_prehash(&e, &ours));
            let mut changed = e;
            changed[usize::from(e[3] % 32)] ^= 1 << (e[4] % 8);
            assert!(!other.verify_prehash(&changed, &signature) && !other.verify_prehash(&changed, &ours));
        }
    }
}

#[test]
fn a_key_that_has_become_known_still_tells_good_from_bad() {
    let mut stream = Stream(2 << 32);
    let key = PrivateKey::from_seed(&stream.take());
    for _ in 0..rounds() {
        let e = stream.take();
        let signature = key.sign_prehash(&e, &stream.take());
        assert!(key.public().verify_prehash(&e, &signature));
        assert!(!key.public().verify_prehash(&stream.take(), &signature));
        let raw = signature.to_raw();
        let mut swapped = [0; 64];
        swapped[..32].copy_from_slice(&raw[32..]);
        swapped[32..].copy_from_slice(&raw[..32]);
        assert!(!key.public().verify_prehash(&e, &Signature::from_raw(&swapped).unwrap()));
    }
}

#[test]
fn extreme_keys_sign_and_verify_as_the_reference_does() {
    let n = hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
    let mut keys = Vec::new();
    for small in 1..=40_u8 {
        let mut bytes = [0; 32];
        bytes[31] = small;
        keys.push(bytes);
        // n - 1 - small, as far as the last byte goes.
        let mut bytes = n;
        if let Some(last) = bytes[31].checked_sub(1 + small) {
            bytes[31] = last;
            keys.push(bytes);
        }
    }
    for d in keys {
        let key = PrivateKey::from_bytes(&d).unwrap();
        let reference = theirs(&key);
        assert_eq!(reference.verifying_key().as_affine().to_sec1_point(false).as_bytes(), key.public().as_sec1());
        let signature = key.sign_prehash(&d, &[1; 32]);
        let read = ::sm2::dsa::Signature::from_slice(&signature.to_raw()).unwrap();
        reference.verifying_key().verify_prehash(&d, &read).unwrap();
        assert!(key.public().verify_prehash(&d, &signature));
    }
    // 0, n-1, n and above are no keys.
    let mut n_less_one = n;
    n_less_one[31] -= 1;
    for d in [[0; 32], n_less_one, n, [0xff; 32]] {
        assert_eq!(PrivateKey::from_bytes(&d).err(), Some(BadKey::OutOfRange));
    }
}

#[test]
fn ciphertexts_agree_with_the_reference_both_ways() {
    let mut stream = Stream(3 << 32);
    for length in (1..40).chain([63, 64, 65, 200, 1000]) {
        let key = PrivateKey::from_seed(&stream.take());
        let message: Vec<u8> = (0..length).map(|i| i as u8 ^ 0x5a).collect();
        let secret = ::sm2::SecretKey::from_slice(&*key.to_bytes()).unwrap();
        let decrypting = DecryptingKey::new(secret);
        let encrypting: &EncryptingKey = decrypting.encrypting_key();

        let ours = key.public().encrypt(&message, &stream.take()).unwrap();
        assert_eq!(decrypting.decrypt(&ours.to_bytes()).unwrap(), message);
        assert_eq!(decrypting.decrypt_der(&ours.to_der()).unwrap(), message);

        let theirs = Ciphertext::from_bytes(&encrypting.encrypt(&mut stream, &message).unwrap()).unwrap();
        assert_eq!(**key.decrypt(&theirs).unwrap(), *message);
        let theirs = Ciphertext::from_der(&encrypting.encrypt_der(&mut stream, &message).unwrap()).unwrap();
        assert_eq!(**key.decrypt(&theirs).unwrap(), *message);
    }
}

#[test]
fn a_ciphertext_with_any_bit_flipped_is_refused() {
    let key = PrivateKey::from_bytes(&[3; 32]).unwrap();
    let ciphertext = key.public().encrypt(b"ab", &[4; 32]).unwrap();
    for bytes in [ciphertext.to_bytes(), ciphertext.to_der()] {
        let read = |bytes: &[u8]| Ciphertext::from_bytes(bytes).or_else(|_| Ciphertext::from_der(bytes));
        assert!(key.decrypt(&read(&bytes).unwrap()).is_ok());
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = read(&changed).and_then(|changed| key.decrypt(&changed)).err();
            assert_eq!(refused, Some(Undecryptable), "bit {bit}");
        }
        for end in 0..bytes.len() {
            let refused = read(&bytes[..end]).and_then(|cut| key.decrypt(&cut)).err();
            assert_eq!(refused, Some(Undecryptable), "cut at {end}");
        }
    }
    // Another key's.
    let other = PrivateKey::from_bytes(&[5; 32]).unwrap();
    assert_eq!(other.decrypt(&ciphertext), Err(Undecryptable));
}

#[test]
fn messages_of_no_or_too_many_bytes_are_not_encrypted() {
    let key = PrivateKey::from_bytes(&[3; 32]).unwrap();
    assert_eq!(key.public().encrypt(b"", &[1; 32]), Err(BadLength));
    assert_eq!(key.public().encrypt(&vec![0; MAX_MESSAGE + 1], &[1; 32]), Err(BadLength));
    let longest = key.public().encrypt(&vec![0; MAX_MESSAGE], &[1; 32]).unwrap();
    assert_eq!(key.decrypt(&longest).unwrap().len(), MAX_MESSAGE);
    let mut longer = longest.to_bytes();
    longer.push(0);
    assert_eq!(Ciphertext::from_bytes(&longer), Err(Undecryptable));
    assert_eq!(Ciphertext::from_bytes(&longest.to_bytes()[..97]), Err(Undecryptable));
}

#[test]
fn a_ciphertext_does_not_repeat_its_nonce_for_another_message_or_key() {
    let (key, other) = (PrivateKey::from_bytes(&[3; 32]).unwrap(), PrivateKey::from_bytes(&[4; 32]).unwrap());
    let c1 = |key: &PrivateKey, message: &[u8], randomness| {
        key.public().encrypt(message, &randomness).unwrap().to_bytes()[..65].to_vec()
    };
    let first = c1(&key, b"one", [1; 32]);
    assert_eq!(first, c1(&key, b"one", [1; 32]));
    assert_ne!(first, c1(&key, b"two", [1; 32]));
    assert_ne!(first, c1(&other, b"one", [1; 32]));
    assert_ne!(first, c1(&key, b"one", [2; 32]));
}

#[test]
fn a_nonce_depends_on_key_message_and_randomness() {
    // Two signatures with one nonce and different e would give the key away: r - e would be the same x.
    let (key, other) = (PrivateKey::from_bytes(&[3; 32]).unwrap(), PrivateKey::from_bytes(&[4; 32]).unwrap());
    let first = key.sign_prehash(&[1; 32], &[1; 32]);
    assert_eq!(first, key.sign_prehash(&[1; 32], &[1; 32]));
    assert_ne!(first.r(), key.sign_prehash(&[1; 32], &[2; 32]).r());
    assert_ne!(first.r(), other.sign_prehash(&[1; 32], &[1; 32]).r());
    let second = key.sign_prehash(&[0; 32], &[1; 32]);
    // With e of zeros r is x itself.
    let mut difference = first.r();
    let mut borrow = 0_i16;
    for octet in difference.iter_mut().rev() {
        let less = i16::from(*octet) - 1 - borrow;
        borrow = i16::from(less < 0);
        *octet = less.rem_euclid(256) as u8;
    }
    assert_ne!(difference, second.r());
}

fn hex<const N: usize>(digits: &str) -> [u8; N] {
    let bytes: Vec<u8> =
        (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}
