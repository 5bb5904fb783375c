#![allow(clippy::unwrap_used)]

use super::*;
use crate::sm2::hex;

/// GB/T 32918.5-2017 annex A.3: d, k and the ciphertext of "encryption standard".
const D: [u8; 32] = hex(b"3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
const K: [u8; 32] = hex(b"59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21");
const CIPHERTEXT: [u8; 116] = hex(b"04\
      04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
      e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0\
      59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766\
      21886ca989ca9c7d58087307ca93092d651efa");

#[test]
fn sm2_encryption_matches_gbt_32918_5_annex_a() {
    let key = PrivateKey::from_bytes(&D).unwrap();
    let ciphertext = key.public().encrypt_with(b"encryption standard", &Scalar::from_bytes(&K).unwrap()).unwrap();
    assert_eq!(ciphertext.to_bytes(), CIPHERTEXT);
    assert_eq!(**key.decrypt(&ciphertext).unwrap(), *b"encryption standard");
    let read = Ciphertext::from_bytes(&CIPHERTEXT).unwrap();
    assert_eq!(read, ciphertext);
    assert_eq!(Ciphertext::from_der(&read.to_der()), Ok(read));
}

#[test]
fn a_key_with_a_comb_encrypts_as_one_without() {
    let key = PrivateKey::from_bytes(&D).unwrap();
    let signature = key.sign_prehash(&[1; 32], &[2; 32]);
    let before = key.public().encrypt(b"a message", &[3; 32]).unwrap();
    for _ in 0..=crate::sm2::KNOWN {
        assert!(key.public().verify_prehash(&[1; 32], &signature));
    }
    assert!(key.public().0.comb.get().is_some());
    assert_eq!(key.public().encrypt(b"a message", &[3; 32]).unwrap(), before);
}

#[test]
fn a_key_stream_of_zeros_is_thrown_away() {
    // A stream for one byte is zero once in 256: among 2,000 nonces some are refused, and no message of one byte
    // ever leaves as it was.
    let key = PrivateKey::from_bytes(&D).unwrap();
    let public = key.public();
    let refused =
        (1..=2000_u64).filter(|k| public.encrypt_with(b"x", &Scalar::reduce(&[*k, 0, 0, 0])).is_none()).count();
    assert!((1..40).contains(&refused), "{refused} refused");
    for i in 0..2000_u32 {
        let mut randomness = [7; 32];
        randomness[..4].copy_from_slice(&i.to_be_bytes());
        let ciphertext = public.encrypt(b"x", &randomness).unwrap();
        assert_ne!(ciphertext.c2, b"x");
        if i % 64 == 0 {
            assert_eq!(**key.decrypt(&ciphertext).unwrap(), *b"x");
        }
    }
    // Nor is a ciphertext taken that was made without this rule.
    let k = (1..=2000).find(|k| public.encrypt_with(b"x", &Scalar::reduce(&[*k, 0, 0, 0])).is_none()).unwrap();
    let k = Scalar::reduce(&[k, 0, 0, 0]);
    let (c1, shared) = fastest!(|arith| {
        let shared = public.times(arith, &k).to_affine(arith);
        (multiply::BASE.times(arith, &k).to_affine(arith), Shared::new(shared))
    });
    let ciphertext = Ciphertext { c1, c3: shared.digest(b"x"), c2: b"x".to_vec() };
    assert_eq!(key.decrypt(&ciphertext), Err(Undecryptable));
}
