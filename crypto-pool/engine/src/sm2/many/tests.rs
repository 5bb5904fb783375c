//! Every count of jobs, whatever is left over from whole lanes, gives what the jobs one by one give.

use super::*;
use crate::sm2::encrypt;
use crate::sm3;

fn keys(count: u8) -> Vec<PrivateKey> {
    (1..=count).filter_map(|i| PrivateKey::from_bytes(&sm3::hash(&[i])).ok()).collect()
}

fn jobs(keys: &[PrivateKey], count: usize) -> Vec<SignJob<'_>> {
    let job = |(i, key)| {
        let i: usize = i;
        SignJob { key, e: sm3::hash(&i.to_be_bytes()), randomness: sm3::hash(&(!i).to_be_bytes()) }
    };
    keys.iter().cycle().take(count).enumerate().map(job).collect()
}

#[test]
fn signatures_in_lanes_are_those_made_one_by_one_for_every_count() {
    let keys = keys(7);
    let all = jobs(&keys, 300);
    let expected: Vec<_> = all.iter().map(sign_one).collect();
    for count in (0..=33).chain([127, 128, 129, 145, 300]) {
        assert!(sign_many(&all[..count]) == expected[..count], "{count}");
    }
}

#[test]
fn keys_made_in_lanes_are_those_made_one_by_one() {
    let seeds: Vec<[u8; 64]> = (0_u16..70)
        .map(|i| {
            let mut seed = [0; 64];
            seed[..32].copy_from_slice(&sm3::hash(&i.to_le_bytes()));
            seed[32..].copy_from_slice(&sm3::hash(&i.to_be_bytes()));
            // The smallest keys, 1 to 10.
            if i < 10 { [[0; 63].as_slice(), &[i as u8]].concat().try_into().unwrap_or(seed) } else { seed }
        })
        .collect();
    for count in (0..=33).chain([64, 65, 70]) {
        let keys = generate_many(&seeds[..count]);
        assert_eq!(keys.len(), count);
        for (key, seed) in keys.iter().zip(&seeds) {
            let expected = PrivateKey::from_seed(seed);
            assert_eq!((key.to_bytes(), key.public()), (expected.to_bytes(), expected.public()));
            let (e, randomness) = ([7; 32], [9; 32]);
            assert!(key.sign_prehash(&e, &randomness) == expected.sign_prehash(&e, &randomness));
        }
    }
}

#[test]
fn verifications_in_lanes_refuse_exactly_the_bad_ones() {
    let mut keys = keys(40);
    for round in 0..6 {
        let signed = jobs(&keys, 200);
        let signatures = sign_many(&signed);
        for count in (0..=33).chain([64, 65, 200]) {
            let bad = |i: usize| (i * 7 + round + count).is_multiple_of(5);
            let checks: Vec<_> = (0..count)
                .map(|i| {
                    let mut raw = signatures[i].to_raw();
                    let mut e = signed[i].e;
                    match (bad(i), i % 3) {
                        (true, 0) => raw[31] ^= 1,
                        (true, 1) => raw[63] ^= 1,
                        (true, _) => e[5] ^= 0x80,
                        (false, _) => {}
                    }
                    let signature = Signature::from_raw(&raw).unwrap_or(signatures[(i + 1) % 200]);
                    VerifyJob { key: signed[i].key.public(), e, signature }
                })
                .collect();
            let expected: Vec<_> = (0..count).map(|i| !bad(i)).collect();
            assert_eq!(verify_many(&checks), expected, "{round} {count}");
        }
        drop(signed);
        // Fewer keys, which get combs sooner or later, among them some without one.
        keys.truncate(40 / (round + 1));
    }
}

fn encryptions(count: usize) -> (Vec<Vec<u8>>, Vec<[u8; 32]>) {
    let message = |i: usize| sm3::kdf(&i.to_be_bytes(), b"message", 1 + i * 7 % 90).to_vec();
    ((0..count).map(message).collect(), (0..count).map(|i| sm3::hash(&i.to_le_bytes())).collect())
}

#[test]
fn ciphertexts_made_and_opened_in_lanes_are_those_made_and_opened_one_by_one() {
    let keys = keys(7);
    let (messages, randomness) = encryptions(70);
    let jobs: Vec<_> = messages
        .iter()
        .zip(&randomness)
        .zip(keys.iter().cycle())
        .map(|((message, randomness), key)| EncryptJob { key: key.public(), message, randomness: *randomness })
        .collect();
    let expected: Vec<_> = jobs.iter().map(|job| job.key.encrypt(job.message, &job.randomness).unwrap()).collect();
    for count in (0..=33).chain([64, 65, 70]) {
        let made: Vec<_> = encrypt_many(&jobs[..count]).into_iter().map(Result::unwrap).collect();
        assert!(made == expected[..count], "{count}");
        let jobs: Vec<_> = made
            .iter()
            .enumerate()
            // Every fifth goes to the wrong holder.
            .map(|(i, ciphertext)| DecryptJob { key: &keys[(i + usize::from(i % 5 == 2)) % keys.len()], ciphertext })
            .collect();
        for (i, opened) in decrypt_many(&jobs).into_iter().enumerate() {
            assert_eq!(opened.ok().map(|text| text.to_vec()), (i % 5 != 2).then(|| messages[i].clone()), "{count} {i}");
        }
    }
}

#[test]
fn a_message_of_no_or_too_many_bytes_is_refused_and_the_others_are_encrypted() {
    let keys = keys(1);
    let long = vec![0; encrypt::MAX_MESSAGE + 1];
    let messages = [b"a".as_slice(), b"", b"b", b"c", &long, b"d", b"e"];
    let jobs = messages.map(|message| EncryptJob { key: keys[0].public(), message, randomness: [3; 32] });
    for (message, made) in messages.iter().zip(encrypt_many(&jobs)) {
        assert_eq!(
            made.ok().map(|made| keys[0].decrypt(&made).unwrap().to_vec()),
            (message.len() == 1).then(|| message.to_vec())
        );
    }
}

/// A job for the signature (t - s, s) that says that s G + t P has the first coordinate x.
fn claim<'a>(key: &'a PublicKey, s: &Scalar, t: &Scalar, x: &Scalar) -> VerifyJob<'a> {
    let signature = Signature { r: t.sub(s), s: *s };
    VerifyJob { key, e: signature.r.sub(x).to_bytes(), signature }
}

fn small(number: u64) -> Scalar {
    Scalar::reduce(&[number, 0, 0, 0])
}

#[test]
fn sums_of_equal_and_opposite_points_are_found_and_infinity_is_no_signature() {
    for d in [small(1), small(2), small(3), small(31), small(2).negate()] {
        let key = PrivateKey::from_bytes(&d.to_bytes()).unwrap();
        let mut factors: Vec<_> = (1..=12).map(small).collect();
        factors.extend([1, 2, 3, 255, 257].map(|k| small(k).negate()));
        let mut checks = Vec::new();
        let mut expected = Vec::new();
        for s in &factors {
            for t in factors.iter().filter(|t| t != &s) {
                // s G + t P = (s + t d) G.
                let k = s.add(&t.mul(&d));
                let x = if k.is_zero() {
                    small(7)
                } else {
                    let point = PrivateKey::from_bytes(&k.to_bytes());
                    // n - 1 is no private key; but it has the first coordinate of 1.
                    let point = point.unwrap_or_else(|_| PrivateKey::from_bytes(&small(1).to_bytes()).unwrap());
                    Scalar::reduce_bytes(point.public().as_sec1()[1..33].try_into().unwrap())
                };
                checks.push(claim(key.public(), s, t, &x));
                expected.push(!k.is_zero());
                checks.push(claim(key.public(), s, t, &x.add(&small(1))));
                expected.push(false);
            }
        }
        // First the unknown key, then the known one.
        assert_eq!(verify_many(&checks[..16]), expected[..16]);
        let fresh: Vec<_> = checks.iter().map(|_| PublicKey::from_sec1(key.public().as_sec1()).unwrap()).collect();
        let unknown: Vec<_> = checks.iter().zip(&fresh).map(|(check, key)| VerifyJob { key, ..*check }).collect();
        assert_eq!(verify_many(&unknown), expected);
        assert_eq!(verify_many(&checks), expected);
        assert_eq!(verify_many(&checks), expected);
    }
}

#[test]
fn a_first_coordinate_from_n_on_is_compared_modulo_n() {
    use ::sm2::elliptic_curve::sec1::{FromSec1Point as _, ToSec1Point as _};

    // No such point can be met by chance, but one can choose the point, s and t, and then the key that fits.
    let point = (0_u8..=255).find_map(|low| {
        // n + low, compressed, and its y.
        let mut sec1 = [2; 33];
        sec1[1..].copy_from_slice(&small(1).negate().to_bytes());
        let (last, carry) = sec1[32].overflowing_add(low);
        sec1[32] = last.checked_add(1)?;
        sec1[31] = sec1[31].checked_add(u8::from(carry))?;
        let encoded = ::sm2::Sec1Point::from_bytes(sec1).ok()?;
        Option::<::sm2::AffinePoint>::from(::sm2::AffinePoint::from_sec1_point(&encoded)).map(|point| (point, sec1))
    });
    let (point, sec1) = point.unwrap();
    let x = Scalar::reduce_bytes(sec1[1..].try_into().unwrap());
    let scalar = |number: u64| ::sm2::Scalar::from(number);
    let mut keys = Vec::new();
    for s in 1..=20_u64 {
        // P = (R - s G) / t with t = s + 1.
        let inverse = Option::<::sm2::Scalar>::from(scalar(s + 1).invert()).unwrap();
        let key = (::sm2::ProjectivePoint::from(point) - ::sm2::ProjectivePoint::GENERATOR * scalar(s)) * inverse;
        keys.push((PublicKey::from_sec1(key.to_affine().to_sec1_point(false).as_bytes()).unwrap(), s));
    }
    let good: Vec<_> = keys.iter().map(|(key, s)| claim(key, &small(*s), &small(s + 1), &x)).collect();
    let bad: Vec<_> = keys.iter().map(|(key, s)| claim(key, &small(*s), &small(s + 1), &x.add(&small(1)))).collect();
    for _ in 0..25 {
        // Soon known keys.
        assert_eq!(verify_many(&good), vec![true; 20]);
        assert_eq!(verify_many(&bad), vec![false; 20]);
    }
}
