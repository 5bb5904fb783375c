use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::algorithm::SignatureAlgorithm;
use crate::public_key::PublicKey;
use crate::random::SeededRandom;

fn words() -> impl Iterator<Item = KeyAlgorithm> {
    ["sm2", "p256", "p384", "rsa2048", "ed25519"].into_iter().map(|word| word.parse().unwrap())
}

#[test]
fn a_subscribers_key_signs_what_its_public_half_verifies() {
    for algorithm in words() {
        let (pkcs8, spki) = generate_pkcs8(algorithm, &SeededRandom::new(1)).unwrap();
        let signature = sign_with_pkcs8(algorithm, &pkcs8, b"request").unwrap();
        let key = PublicKey::from_spki(&spki).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(key.verify(SignatureAlgorithm::for_key(algorithm), b"request", &signature), "{algorithm}");
        assert_eq!(spki_of_pkcs8(algorithm, &pkcs8).unwrap(), spki);
    }
}

#[test]
fn openssl_reads_our_keys_and_finds_the_same_public_half() {
    for algorithm in words() {
        let (pkcs8, spki) = generate_pkcs8(algorithm, &SeededRandom::new(2)).unwrap();
        let command = ["pkey", "-inform", "DER", "-pubout", "-outform", "DER"];
        let started = Command::new("openssl").args(command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        // Without openssl on this machine there is nobody to ask.
        let Ok(mut openssl) = started else { return };
        openssl.stdin.take().unwrap().write_all(&pkcs8).unwrap();
        assert_eq!(openssl.wait_with_output().unwrap().stdout, spki, "{algorithm}");
    }
}

#[test]
fn a_key_is_not_read_as_one_of_another_algorithm() {
    for algorithm in words() {
        let (pkcs8, _) = generate_pkcs8(algorithm, &SeededRandom::new(3)).unwrap();
        for other in words().filter(|other| *other != algorithm) {
            assert!(matches!(spki_of_pkcs8(other, &pkcs8), Err(Error::PrivateKey)), "{algorithm} as {other}");
        }
    }
}

#[test]
fn an_sm2_key_with_a_foreign_public_half_is_refused() {
    let (pkcs8, _) = generate_pkcs8(KeyAlgorithm::Sm2, &SeededRandom::new(4)).unwrap();
    let (_, foreign) = generate_pkcs8(KeyAlgorithm::Sm2, &SeededRandom::new(5)).unwrap();
    let mut mixed = pkcs8.to_vec();
    let end = mixed.len();
    mixed[end - 64..].copy_from_slice(&foreign[foreign.len() - 64..]);
    assert!(spki_of_pkcs8(KeyAlgorithm::Sm2, &mixed).is_err());
}

#[test]
fn no_change_of_an_sm2_key_makes_the_reader_panic() {
    let (pkcs8, _) = generate_pkcs8(KeyAlgorithm::Sm2, &SeededRandom::new(6)).unwrap();
    for at in 0..pkcs8.len() {
        let mut changed = pkcs8.to_vec();
        changed[at] ^= 0xff;
        let _ = spki_of_pkcs8(KeyAlgorithm::Sm2, &changed);
        let _ = spki_of_pkcs8(KeyAlgorithm::Sm2, &pkcs8[..at]);
    }
}

#[test]
fn debug_shows_nothing_of_a_private_key() {
    for algorithm in words() {
        let (pkcs8, _) = generate_pkcs8(algorithm, &SeededRandom::new(7)).unwrap();
        assert_eq!(format!("{:?}", SoftKey::read(algorithm, &pkcs8).unwrap()), "SoftKey(..)");
    }
}

#[test]
fn rsa_sizes_that_are_not_made_are_refused() {
    let algorithm = KeyAlgorithm::Rsa { bits: 2056 };
    assert!(matches!(generate_pkcs8(algorithm, &SeededRandom::new(8)), Err(Error::Algorithm)));
}
