//! Every way there is against RustCrypto's SM4 in RustCrypto's modes, which share no code with ours.

use ::cbc::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher};
use ::sm4::Sm4;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};

use super::cipher::{Encryptor, Units};
use super::ghash::GhashKey;
use super::*;
use crate::detect::Features;
use crate::sm3::tests::bytes;

/// All that this processor has, less, and nothing of it: with these each way of computing has its turn.
fn ways() -> [Features; 4] {
    let all = Features::detect();
    let without_512 = Features { gfni512: false, avx512: false, vpclmul512: false, ..all };
    [all, Features { vpclmul512: false, ..all }, without_512, Features::NONE]
}

fn array<const N: usize>(seed: u64) -> [u8; N] {
    bytes(seed, N).try_into().unwrap()
}

/// Lengths about every edge of blocks, sets and parts, and some beyond.
fn lengths() -> impl Iterator<Item = usize> {
    (0..300).chain((300..1100).step_by(13)).chain([1023, 1024, 1025, 2047, 2048, 4095, 4096, 4097, 4999, 5000, 9001])
}

#[test]
fn the_processor_gives_more_than_one_way_or_says_so() {
    let names: Vec<String> = ways().iter().map(|way| format!("{:?}", Units::within(*way))).collect();
    let hashes: Vec<String> = ways().iter().map(|way| GhashKey::within(*way, &[1; 16]).name()).collect();
    println!("SM4: {names:?}; GHASH: {hashes:?}");
    assert!(names[3] == "Portable" && hashes[3] == "Portable");
}

#[test]
fn round_keys_are_the_same_in_every_way() {
    for seed in 0..200 {
        let key: [u8; 16] = array(seed);
        let expected = *Encryptor::within(Features::NONE, &key).keys();
        for way in ways() {
            assert_eq!(*Encryptor::within(way, &key).keys(), expected);
        }
    }
}

#[test]
fn every_byte_goes_through_the_s_box_as_the_reference_has_it() {
    for way in ways() {
        for byte in 0..=255 {
            let (key, mut block) = ([byte; 16], [byte ^ 0x5a; 16]);
            let mut expected = block.into();
            Sm4::new(&key.into()).encrypt_block(&mut expected);
            Ecb::with_features(way, &key).encrypt(&mut block).unwrap();
            assert_eq!(block, <[u8; 16]>::from(expected), "{byte}");
        }
    }
}

#[test]
fn blocks_match_the_reference_and_come_back() {
    let key: [u8; 16] = array(1);
    let reference = Sm4::new(&key.into());
    for way in ways() {
        let ecb = Ecb::with_features(way, &key);
        for count in (0..150).chain([255, 256, 257, 400]) {
            // Not aligned to anything.
            let mut memory = bytes(count as u64, count * 16 + 3);
            let text = &mut memory[3..];
            let before = text.to_vec();
            ecb.encrypt(text).unwrap();
            for (block, plain) in text.as_chunks::<16>().0.iter().zip(before.as_chunks::<16>().0) {
                let mut expected = (*plain).into();
                reference.encrypt_block(&mut expected);
                assert_eq!(*block, <[u8; 16]>::from(expected), "of {count} blocks");
            }
            ecb.decrypt(text).unwrap();
            assert_eq!(text, before);
        }
        let mut odd = [7; 17];
        assert_eq!((ecb.encrypt(&mut odd), ecb.decrypt(&mut odd)), (Err(WrongLength), Err(WrongLength)));
        assert_eq!(odd, [7; 17]);
    }
}

#[test]
fn streams_match_the_reference_wherever_the_counter_carries() {
    let key: [u8; 16] = array(2);
    let starts: [u128; 6] = [0, u128::MAX, u128::MAX - 70, (1 << 32) - 3, (5 << 96) + (1 << 64) - 20, 1 << 127];
    for way in ways() {
        let ctr = Ctr::with_features(way, &key);
        for length in lengths() {
            let start = starts[length % starts.len()].to_be_bytes();
            let mut text = bytes(length as u64, length + 5);
            let mut expected = text[5..].to_vec();
            ::ctr::Ctr128BE::<Sm4>::new(&key.into(), &start.into()).apply_keystream(&mut expected);
            ctr.apply(&start, &mut text[5..]);
            assert_eq!(text[5..], expected, "{length} bytes");
        }
    }
}

#[test]
fn chained_blocks_match_the_reference_and_come_back() {
    let (key, iv): ([u8; 16], [u8; 16]) = (array(3), array(4));
    for way in ways() {
        let cbc = Cbc::with_features(way, &key);
        for count in (0..140).chain([200]) {
            let before = bytes(count as u64, count * 16);
            let mut expected = before.clone();
            let blocks: &mut [[u8; 16]] = expected.as_chunks_mut().0;
            let mut reference = ::cbc::Encryptor::<Sm4>::new(&key.into(), &iv.into());
            blocks.iter_mut().for_each(|block| reference.encrypt_block(block.into()));
            let mut text = before.clone();
            cbc.encrypt(&iv, &mut text).unwrap();
            assert_eq!(text, expected, "{count} blocks");
            cbc.decrypt(&iv, &mut text).unwrap();
            assert_eq!(text, before, "{count} blocks");
            let mut reference = ::cbc::Decryptor::<Sm4>::new(&key.into(), &iv.into());
            expected.as_chunks_mut::<16>().0.iter_mut().for_each(|block| reference.decrypt_block(block.into()));
            assert_eq!(text, expected);
        }
        let mut odd = [7; 31];
        assert_eq!((cbc.encrypt(&iv, &mut odd), cbc.decrypt(&iv, &mut odd)), (Err(WrongLength), Err(WrongLength)));
        assert_eq!(odd, [7; 31]);
    }
}

#[test]
fn many_chains_at_once_are_the_chains_one_by_one() {
    for way in ways() {
        for count in [0, 1, 2, 15, 16, 17, 63, 64, 65, 200] {
            let ciphers: Vec<Cbc> = (0..count).map(|n| Cbc::with_features(way, &array(n % 7))).collect();
            let mut texts: Vec<Vec<u8>> = (0..count).map(|n| bytes(n, (n as usize * 11 % 23) * 16)).collect();
            let mut expected = texts.clone();
            for (n, text) in expected.iter_mut().enumerate() {
                ciphers[n].encrypt(&array(n as u64 + 50), text).unwrap();
            }
            let mut jobs: Vec<CbcText<'_>> = texts
                .iter_mut()
                .zip(&ciphers)
                .enumerate()
                .map(|(n, (text, cbc))| CbcText { cbc, iv: array(n as u64 + 50), text })
                .collect();
            cbc_encrypt_many(&mut jobs).unwrap();
            assert_eq!(texts, expected, "{count} chains");
        }
        let cbc = Cbc::with_features(way, &[1; 16]);
        let (mut good, mut bad) = ([0; 32], [0; 33]);
        let mut jobs =
            [CbcText { cbc: &cbc, iv: [0; 16], text: &mut good }, CbcText { cbc: &cbc, iv: [0; 16], text: &mut bad }];
        assert_eq!(cbc_encrypt_many(&mut jobs), Err(WrongLength));
        assert_eq!((good, bad), ([0; 32], [0; 33]), "all are as before");
    }
}

#[test]
fn padding_is_added_taken_away_and_refused_when_wrong() {
    let (key, iv): ([u8; 16], [u8; 16]) = (array(5), array(6));
    let cbc = Cbc::new(&key);
    for length in 0..70 {
        let text = bytes(9, length);
        let sealed = cbc.encrypt_padded(&iv, &text);
        assert_eq!(sealed.len(), length / 16 * 16 + 16);
        assert_eq!(*cbc.decrypt_padded(&iv, &sealed).unwrap(), text);
        assert_eq!(cbc.decrypt_padded(&iv, &sealed[..sealed.len() - 1]), Err(WrongPadding));
    }
    assert_eq!(cbc.decrypt_padded(&iv, &[]), Err(WrongPadding));
    // Each last byte, over fourteen of 2 and one of each value: right is only what the definition says.
    for last in 0..=255_u8 {
        for before in [1, 2, 3, last] {
            let mut block = [before; 16];
            block[15] = last;
            let right = (1..=16).contains(&last) && block[16 - usize::from(last)..].iter().all(|byte| *byte == last);
            let mut sealed = block;
            cbc.encrypt(&iv, &mut sealed).unwrap();
            assert_eq!(cbc.decrypt_padded(&iv, &sealed).is_ok(), right, "{before} {last}");
        }
    }
}

type ReferenceGcm = aes_gcm::AesGcm<Sm4, U12>;
type ReferenceCcm = ::ccm::Ccm<Sm4, U16, U12>;

fn reference_seal<A: AeadInOut + aes_gcm::KeyInit>(
    key: &[u8; 16],
    nonce: &[u8; 12],
    aad: &[u8],
    text: &[u8],
) -> Vec<u8> {
    let aead = A::new_from_slice(key).unwrap();
    let mut sealed = text.to_vec();
    let nonce = nonce.as_slice().try_into().unwrap();
    let tag = aead.encrypt_inout_detached(nonce, aad, sealed.as_mut_slice().into()).unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}

#[test]
fn sealed_texts_match_the_reference_and_open() {
    let (key, nonce): ([u8; 16], [u8; 12]) = (array(7), array(8));
    for way in ways() {
        let gcm = Gcm::with_features(way, &key);
        for length in lengths() {
            let (text, aad) = (bytes(length as u64, length), bytes(11, length * 7 % 301));
            let sealed = gcm.seal(&nonce, &aad, &text);
            assert_eq!(sealed, reference_seal::<ReferenceGcm>(&key, &nonce, &aad, &text), "{length} bytes");
            assert_eq!(*gcm.open(&nonce, &aad, &sealed).unwrap(), text);
            let (mut place, tag) = (sealed[..length].to_vec(), sealed[length..].try_into().unwrap());
            gcm.open_in_place(&nonce, &aad, &mut place, &tag).unwrap();
            assert_eq!(place, text);
            assert_eq!(gcm.seal_in_place(&nonce, &aad, &mut place), Ok(tag));
        }
    }
}

#[test]
fn texts_sealed_with_ccm_match_the_reference_and_open() {
    let (key, nonce): ([u8; 16], [u8; 12]) = (array(9), array(10));
    for way in ways() {
        let ccm = Ccm::with_features(way, &key);
        for length in lengths().filter(|length| length % 3 == 0 || *length < 70) {
            let (text, aad) = (bytes(length as u64, length), bytes(11, length * 7 % 61));
            let sealed = ccm.seal(&nonce, &aad, &text).unwrap();
            assert_eq!(sealed, reference_seal::<ReferenceCcm>(&key, &nonce, &aad, &text), "{length} bytes");
            assert_eq!(*ccm.open(&nonce, &aad, &sealed).unwrap(), text);
        }
    }
    // Where the header's length takes six bytes instead of two.
    let ccm = Ccm::new(&key);
    for length in [0xfeff, 0xff00, 0xff01, 0x1_0000] {
        let aad = bytes(12, length);
        let expected = reference_seal::<ReferenceCcm>(&key, &nonce, &aad, b"text");
        assert_eq!(ccm.seal(&nonce, &aad, b"text").unwrap(), expected);
    }
    assert_eq!(ccm.seal(&nonce, b"", &vec![0; 1 << 24]), Err(WrongLength));
    assert_eq!(ccm.open(&nonce, b"", &vec![0; (1 << 24) + 16]).unwrap_err(), Unauthentic);
}

#[test]
fn whatever_was_changed_does_not_open() {
    let (key, nonce): ([u8; 16], [u8; 12]) = (array(13), array(14));
    for way in ways() {
        let (gcm, ccm) = (Gcm::with_features(way, &key), Ccm::with_features(way, &key));
        let (aad, text) = (bytes(15, 20), bytes(16, 50));
        let seals = [gcm.seal(&nonce, &aad, &text), ccm.seal(&nonce, &aad, &text).unwrap()];
        let open = |which: usize, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]| match which {
            0 => gcm.open(nonce, aad, sealed).map(drop),
            _ => ccm.open(nonce, aad, sealed).map(drop),
        };
        for (which, sealed) in seals.iter().enumerate() {
            assert_eq!(open(which, &nonce, &aad, sealed), Ok(()));
            for bit in 0..sealed.len() * 8 {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(which, &nonce, &aad, &changed), Err(Unauthentic), "bit {bit}");
            }
            for bit in 0..aad.len() * 8 {
                let mut changed = aad.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(which, &nonce, &changed, sealed), Err(Unauthentic), "bit {bit} of the header");
            }
            for bit in 0..96 {
                let mut changed = nonce;
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(which, &changed, &aad, sealed), Err(Unauthentic), "bit {bit} of the nonce");
            }
            for length in 0..sealed.len() {
                assert_eq!(open(which, &nonce, &aad, &sealed[..length]), Err(Unauthentic), "{length} bytes");
            }
            let longer = [sealed.as_slice(), &[0]].concat();
            assert_eq!(open(which, &nonce, &aad, &longer), Err(Unauthentic));
            assert_eq!(open(which, &nonce, &aad[..19], sealed), Err(Unauthentic));
        }
    }
}

#[test]
fn a_text_that_does_not_open_in_place_stays_sealed() {
    let gcm = Gcm::new(&[1; 16]);
    let mut text = *b"sixteen bytes ..and some";
    let mut tag = gcm.seal_in_place(&[2; 12], b"", &mut text).unwrap();
    let sealed = text;
    tag[15] ^= 1;
    assert_eq!(gcm.open_in_place(&[2; 12], b"", &mut text, &tag), Err(Unauthentic));
    assert_eq!(text, sealed);
}

#[test]
fn storage_units_of_ieee_1619_match_the_reference_and_come_back() {
    let key: [u8; 32] = array(17);
    let reference = {
        let (for_text, for_tweak) = (key[..16].try_into().unwrap(), key[16..].try_into().unwrap());
        xts_mode::Xts128::new(Sm4::new(for_text), Sm4::new(for_tweak))
    };
    for way in ways() {
        let xts = Xts::with_features(way, XtsForm::Ieee1619, &key).unwrap();
        let chinese = Xts::with_features(way, XtsForm::GbT17964, &key).unwrap();
        for length in lengths().filter(|length| *length >= 16) {
            let (before, tweak) = (bytes(length as u64, length), array(length as u64));
            let (mut text, mut expected) = (before.clone(), before.clone());
            reference.encrypt_sector(&mut expected, tweak.into());
            xts.encrypt(&tweak, &mut text).unwrap();
            assert_eq!(text, expected, "{length} bytes");
            xts.decrypt(&tweak, &mut text).unwrap();
            assert_eq!(text, before, "{length} bytes");
            chinese.encrypt(&tweak, &mut text).unwrap();
            assert_eq!(text == expected, length == 16, "the forms agree on the first block alone");
            chinese.decrypt(&tweak, &mut text).unwrap();
            assert_eq!(text, before, "{length} bytes");
        }
        let mut short = [7; 15];
        assert_eq!((xts.encrypt(&[0; 16], &mut short), short), (Err(WrongLength), [7; 15]));
        assert_eq!((xts.decrypt(&[0; 16], &mut short), short), (Err(WrongLength), [7; 15]));
        assert_eq!(xts.encrypt(&[0; 16], &mut vec![0; (1 << 24) + 1]), Err(WrongLength));
    }
    assert_eq!(Xts::new(XtsForm::GbT17964, &[3; 32]).unwrap_err(), EqualHalves);
}

#[test]
fn nothing_of_a_key_is_shown() {
    let key = [0x77; 16];
    let xts = Xts::new(XtsForm::Ieee1619, &array(1)).unwrap();
    let (ecb, cbc) = (Ecb::new(&key), Cbc::new(&key));
    let shown = format!("{ecb:?} {cbc:?} {:?} {:?} {:?} {xts:?}", Ctr::new(&key), Gcm::new(&key), Ccm::new(&key));
    let expected = "Ecb { .. } Cbc { .. } Ctr { .. } Gcm { .. } Ccm { .. } Xts { form: Ieee1619, .. }";
    assert_eq!(shown, expected);
    let mut text = *b"secret secret 16";
    let job = CbcText { cbc: &cbc, iv: [0; 16], text: &mut text };
    assert_eq!(format!("{job:?}"), "CbcText { 16 bytes }");
}
