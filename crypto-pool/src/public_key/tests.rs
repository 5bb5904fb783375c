use crypto_bigint::BoxedUint;

use super::*;
use crate::fixture;

/// The public key of GB/T 32918.5-2017 annex A.
const ANNEX_A: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                       ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";

fn spki(algorithm: KeyAlgorithm, bits: &[u8]) -> Vec<u8> {
    let bits = tlv::write(tlv::BIT_STRING, &[&[0], bits]);
    tlv::write(tlv::SEQUENCE, &[algorithm.spki_identifier(), &bits])
}

fn hex(digits: &str) -> Vec<u8> {
    crate::hex::read(digits).unwrap()
}

fn sm2(bits: &[u8]) -> Result<PublicKey, BadKey> {
    PublicKey::from_spki(&spki(KeyAlgorithm::Sm2, bits))
}

/// `RSAPublicKey` with this modulus (top bit set) and exponent.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, BadKey> {
    let parts = [tlv::write(tlv::INTEGER, &[&[0], modulus]), tlv::write(tlv::INTEGER, &[exponent])];
    let bits = tlv::write(tlv::SEQUENCE, &[&parts[0], &parts[1]]);
    PublicKey::from_spki(&spki(KeyAlgorithm::Rsa { bits: 0 }, &bits))
}

const F4: &[u8] = &[1, 0, 1];

#[test]
fn the_signature_of_gbt_32918_5_annex_a_verifies() {
    let key = PublicKey::read(&spki(KeyAlgorithm::Sm2, &hex(ANNEX_A))).unwrap();
    let r = hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3");
    let s = hex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
    let (r, s) = (tlv::write(tlv::INTEGER, &[&[0], &r]), tlv::write(tlv::INTEGER, &[&[0], &s]));
    let signature = tlv::write(tlv::SEQUENCE, &[&r, &s]);
    assert!(key.verify(SignatureAlgorithm::Sm2Sm3, b"message digest", &signature));
    assert!(!key.verify(SignatureAlgorithm::Sm2Sm3, b"message digesT", &signature));
    assert!(!key.verify(SignatureAlgorithm::EcdsaSha256, b"message digest", &signature));
    // The same two numbers as 64 octets are a form of other standards, not of certificates.
    assert!(!key.verify(SignatureAlgorithm::Sm2Sm3, b"message digest", &[&r[3..], &s[3..]].concat()));
}

#[test]
fn keys_made_by_openssl_are_read() {
    for (file, word) in [("sm2.pub", "sm2"), ("p256.pub", "p256")] {
        let key = PublicKey::from_spki(&fixture::der(file)).unwrap();
        assert_eq!(key.algorithm().to_string(), word);
        assert_eq!(key.spki_der(), fixture::der(file));
    }
    for (cert, word) in [("ec-root", "p384"), ("rsa-sub", "rsa2048"), ("ed-leaf", "ed25519")] {
        assert_eq!(fixture::cert(cert).public_key().unwrap().algorithm().to_string(), word);
    }
}

#[test]
fn the_key_identifier_is_the_left_of_sha_256_over_the_bit_string() {
    // openssl pkey -pubin -in sm2.pub -outform DER | tail -c 65 | openssl dgst -sha256
    let key = PublicKey::from_spki(&fixture::der("sm2.pub")).unwrap();
    assert_eq!(key.key_id().to_vec(), hex("f1691bf1c6ff9734c52b60c387bdd80ee69133f1"));
}

#[test]
fn keys_printed_in_standards_and_trivial_keys_are_refused() {
    let generator = hex("0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7\
                         bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0");
    let minus = hex("0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7\
                     43c8c95c0b098863a642311c9496deac2f56788239d5b8c0fd20cd1adec60f5f");
    for bits in [hex(ANNEX_A), generator, minus] {
        assert_eq!(sm2(&bits), Err(BadKey::Published));
    }
    let p256 = hex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                    4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    assert_eq!(PublicKey::from_spki(&spki(KeyAlgorithm::P256, &p256)), Err(BadKey::Published));
}

#[test]
fn points_off_the_curve_at_infinity_or_compressed_are_refused() {
    let mut off = hex(ANNEX_A);
    off[64] ^= 1;
    assert_eq!(sm2(&off), Err(BadKey::OffCurve));
    assert_eq!(PublicKey::from_spki(&spki(KeyAlgorithm::P256, &hex(ANNEX_A))), Err(BadKey::OffCurve));
    assert_eq!(sm2(&[0]), Err(BadKey::PointForm));
    let mut compressed = hex(ANNEX_A)[..33].to_vec();
    compressed[0] = 3;
    assert_eq!(sm2(&compressed), Err(BadKey::PointForm));
    let mut hybrid = hex(ANNEX_A);
    hybrid[0] = 7;
    assert_eq!(sm2(&hybrid), Err(BadKey::PointForm));
    assert_eq!(PublicKey::from_spki(&fixture::der("p256-compressed.pub")), Err(BadKey::PointForm));
    let all_ones = [[4].as_slice(), &[0xff; 64]].concat();
    assert_eq!(sm2(&all_ones), Err(BadKey::OffCurve));
}

#[test]
fn identifiers_that_are_not_byte_exact_are_refused() {
    let sound = fixture::der("sm2.pub");
    assert!(PublicKey::from_spki(&sound).is_ok());
    // The curve replaced by another object identifier, then bytes after the end, then a cut.
    let mut curve = sound.clone();
    curve[22] = 0x2e;
    assert_eq!(PublicKey::from_spki(&curve), Err(BadKey::UnknownAlgorithm));
    assert!(matches!(PublicKey::from_spki(&[&sound[..], &[0]].concat()), Err(BadKey::Malformed(_))));
    assert!(matches!(PublicKey::from_spki(&sound[..40]), Err(BadKey::Malformed(_))));
    assert!(matches!(PublicKey::from_spki(&vec![0x30; 5000]), Err(BadKey::Malformed(_))));
}

#[test]
fn rsa_keys_of_a_wrong_form_are_refused() {
    assert_eq!(PublicKey::from_spki(&fixture::der("rsa1024.pub")), Err(BadKey::RsaSize));
    let modulus = [0xff; 256];
    assert_eq!(rsa(&modulus[..255], F4), Err(BadKey::RsaSize));
    assert_eq!(rsa(&[0xff; 1025], F4), Err(BadKey::RsaSize));
    for exponent in [&[1][..], &[2], &[1, 0], &[0]] {
        assert_eq!(rsa(&modulus, exponent), Err(BadKey::RsaExponent), "{exponent:x?}");
    }
    // 2047 bits: the top bit of 256 octets is clear.
    let mut short = [0xff; 256];
    short[0] = 0x7f;
    let parts = [tlv::write(tlv::INTEGER, &[&short]), tlv::write(tlv::INTEGER, &[F4])];
    let bits = tlv::write(tlv::SEQUENCE, &[&parts[0], &parts[1]]);
    assert_eq!(PublicKey::from_spki(&spki(KeyAlgorithm::Rsa { bits: 0 }, &bits)), Err(BadKey::RsaSize));
}

#[test]
fn an_rsa_modulus_with_a_small_factor_is_refused() {
    // 2^2048 - 1 is divisible by 3, since 4^1024 is 1 modulo 3.
    assert_eq!(rsa(&[0xff; 256], F4), Err(BadKey::SmallFactor));
}

#[test]
fn an_rsa_modulus_of_neighbouring_primes_is_refused() {
    // 2^1024 - 105 and 2^1024 - 179 are the two largest primes of 1024 bits.
    let prime = |below: u8| {
        let mut bytes = [0xff; 256];
        bytes[..128].fill(0);
        bytes[255] -= below - 1;
        BoxedUint::from_be_slice_vartime(&bytes)
    };
    let modulus = prime(105).wrapping_mul(prime(179));
    assert_eq!(rsa(&modulus.to_be_bytes(), F4), Err(BadKey::CloseFactors));
}

#[test]
fn an_rsa_modulus_with_the_mark_of_roca_is_refused() {
    // k * M + 65537^a mod M with M the product of the primes 3 to 167, without factors below 752.
    let modulus =
        hex("ed864c44e049548e8a0a8c9632ea6928f6236bf2504b74ba4a0fe75d2a9eba0cdf561d802a759159fb7ff337f5cae3bf\
         3729c619c60a3cab359eeefb015c33b2df1461aaf8eb18b90074513021da8978206f5c6671e0c07e9e115e4b9e30691c\
         238642ea126a1e48cc11d357c30d8b7628dbd25e63b229f1c4069545de11cc9dea959c212e9c82b1478c281d687c966c\
         377b9aa2bb2edb20035b73993fd4235992edcf451a1afe878b33e968617959ce3f1f65a8de5271007814e8a25f2dd97f\
         1cfb10f62827688de6a16a3b0d464138a62332553fc1ea36f17fd374c6a5387777330bdbd8177d1a49eb1650299769e2\
         98c730bf175fb9b423b985896c87b8df");
    assert_eq!(rsa(&modulus, F4), Err(BadKey::Roca));
}

#[test]
fn ed25519_points_of_small_order_are_refused() {
    let key = |bits: &[u8]| PublicKey::from_spki(&spki(KeyAlgorithm::Ed25519, bits));
    // RFC 8032 7.1, test 1.
    let sound = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert!(key(&sound).is_ok());
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let order_8 = hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
    let other_sign = hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85");
    let negative = hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    for bits in [&[0; 32][..], &one, &minus_one, &[0xff; 32], &order_8, &other_sign, &negative] {
        assert_eq!(key(bits), Err(BadKey::SmallOrder), "{bits:x?}");
    }
    assert_eq!(key(&sound[..31]), Err(BadKey::PointForm));
}

#[test]
fn no_change_of_a_key_makes_the_reader_panic() {
    for file in ["sm2.pub", "p256.pub", "rsa1024.pub"] {
        let sound = fixture::der(file);
        for at in 0..sound.len() {
            for bit in 0..8 {
                let mut changed = sound.clone();
                changed[at] ^= 1 << bit;
                let _ = PublicKey::from_spki(&changed);
            }
            let _ = PublicKey::from_spki(&sound[..at]);
        }
    }
}
