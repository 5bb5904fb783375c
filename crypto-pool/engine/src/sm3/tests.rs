//! Every way there is against RustCrypto's, and against each other.

use ::hmac::{KeyInit, Mac as _};
use ::sm3::Digest;

use super::lanes::{self, LANES};
use super::*;

/// Bytes that depend on `seed` and repeat nowhere near.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}

fn reference(message: &[u8]) -> [u8; 32] {
    ::sm3::Sm3::digest(message).into()
}

/// All that this processor has, less, and nothing of it.
fn ways() -> [Features; 3] {
    let all = Features::detect();
    [all, Features { avx512: false, ..all }, Features::NONE]
}

#[test]
fn digests_of_every_length_and_alignment_match_the_reference() {
    let text = bytes(1, 5000);
    for features in ways() {
        for length in (0..700).chain((700..4990).step_by(61)) {
            let message = &text[length % 9..length % 9 + length];
            let mut hasher = Sm3::with_features(features);
            hasher.update(message);
            assert_eq!(hasher.finalize(), reference(message), "{length} bytes");
        }
    }
}

#[test]
fn a_message_in_parts_has_the_digest_of_the_whole() {
    let text = bytes(2, 2000);
    for features in ways() {
        for step in 1..200 {
            let mut hasher = Sm3::with_features(features);
            for part in text.chunks(step) {
                hasher.update(part);
                hasher.update(&[]);
            }
            assert_eq!(hasher.finalize(), reference(&text), "{step} bytes at a time");
        }
    }
}

#[test]
fn many_messages_of_different_lengths_have_their_own_digests_in_order() {
    let text = bytes(3, 9000);
    for features in ways() {
        for count in [0, 1, 2, 3, 15, 16, 17, 33, 100] {
            let messages: Vec<&[u8]> = (0..count)
                .map(|number: usize| {
                    let start = number * 37 % 300;
                    &text[start..start + [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 8192][number * 5 % 12]]
                })
                .collect();
            let expected: Vec<_> = messages.iter().map(|message| reference(message)).collect();
            assert_eq!(hash_many_with(features, &messages), expected, "{count} messages");
        }
    }
}

#[test]
fn each_lane_is_compressed_as_if_alone() {
    let blocks: [[u8; 64]; LANES] = std::array::from_fn(|lane| bytes(lane as u64 + 9, 64).try_into().unwrap());
    let mut expected = lanes::FRESH;
    for (lane, block) in blocks.iter().enumerate() {
        let mut state = lanes::column(&expected, lane);
        state[lane % 8] ^= 1 << lane;
        lanes::set_column(&mut expected, lane, &state);
        compress::blocks(&mut state, &[*block, *block]);
        let mut changed = lanes::column(&expected, lane);
        compress(&mut changed, block);
        compress(&mut changed, block);
        assert_eq!(changed, state);
    }
    for way in [lanes::Avx512::detect(), None] {
        let mut states = expected;
        let runs = blocks.map(|block| [block, block]);
        lanes::compress_runs(way, &mut states, &runs.each_ref().map(|run| run.as_slice()));
        for (lane, block) in blocks.iter().enumerate() {
            let mut state = lanes::column(&expected, lane);
            compress::blocks(&mut state, &[*block, *block]);
            assert_eq!(lanes::column(&states, lane), state, "lane {lane}");
        }
    }
}

#[test]
fn codes_match_the_reference_for_keys_of_every_length() {
    for length in [0, 1, 31, 32, 63, 64, 65, 127, 128, 200] {
        let (key, message) = (bytes(4, length), bytes(5, length * 3));
        let mut mac = ::hmac::Hmac::<::sm3::Sm3>::new_from_slice(&key).unwrap();
        mac.update(&message);
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(super::hmac(&key, &[&message[..length], &message[length..]]), expected);
        let ready = HmacKey::new(&key);
        assert_eq!(ready.mac(&[&message]), expected);
        let mut parts = ready.start();
        message.chunks(7).for_each(|part| parts.update(part));
        assert!(parts.clone().verify(&expected));
        let mut wrong = expected;
        for bit in 0..256 {
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!parts.clone().verify(&wrong), "bit {bit}");
            wrong[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(!parts.clone().verify(&expected[..31]) && !parts.clone().verify(&[]));
        parts.update(b"x");
        assert!(!parts.verify(&expected));
    }
}

#[test]
fn codes_in_lanes_are_the_codes_one_by_one() {
    let keys: [HmacKey; LANES] = std::array::from_fn(|lane| HmacKey::new(&bytes(lane as u64, 32)));
    let heads: [[u8; 64]; LANES] = std::array::from_fn(|lane| bytes(lane as u64 + 100, 64).try_into().unwrap());
    let codes = lanes::hmac_block_and_byte(&keys.each_ref(), &heads.each_ref(), [1, 2, 200]);
    for (codes, end) in codes.iter().zip([1, 2, 200]) {
        for lane in 0..LANES {
            assert_eq!(codes[lane], super::hmac(&bytes(lane as u64, 32), &[&heads[lane], &[end]]), "lane {lane}");
        }
    }
}

#[test]
fn nothing_of_a_secret_is_shown() {
    let mut hasher = Sm3::new();
    hasher.update(b"secret");
    let key = HmacKey::new(b"secret");
    assert_eq!(format!("{hasher:?} {key:?} {:?}", key.start()), "Sm3 { .. } HmacKey { .. } Mac { .. }");
}
