//! How fast SM4 goes on one core, in every mode and every way there is; beside it RustCrypto's SM4 (whose
//! tables are not constant-time), OpenSSL's, AES-128-GCM of aws-lc-rs for scale, and what
//! T/TCCIA 0002-2022 5.5 asks for: 650 Mbit/s.
//!
//!     cargo bench --bench cipher             (YINXIN_BENCH_SECONDS=2 for a longer run of each line)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

mod measure;

use std::hint::black_box;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ctr::cipher::{KeyIvInit, StreamCipher};
use engine::detect::Features;
use engine::sm4::{Cbc, CbcText, Ccm, Ctr, Ecb, Gcm, Xts, XtsForm, cbc_encrypt_many};
use measure::{Table, openssl, rate};

/// 650 Mbit/s. Unit: 10^6 bytes a second.
const FLOOR: f64 = 81.25;
/// Unit: bytes.
const LENGTH: usize = 1 << 14;
const KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";

fn main() {
    let all = Features::detect();
    println!("{all:?}\n16 KiB each, one stream, one core");
    let mut text = vec![0x5a_u8; LENGTH];
    let stream = streams(all, &mut text);
    blocks(all, &mut text);
    chains(all, &mut text);
    let sealing = seals(all, &mut text);
    rarer(all, &mut text);
    short(all);
    println!("\nSM4-CTR must 1,300 and aims at 5,000, GCM must 640 and aims at 3,600.");
    println!("FIGURE sm4_ctr {stream:.0} MB_per_s");
    println!("FIGURE sm4_gcm {sealing:.0} MB_per_s");
}

/// Each way of computing blocks.
fn ways(all: Features) -> [(&'static str, Features); 3] {
    [
        ("ours, GFNI and AVX-512", all),
        ("ours, AES and AVX2", Features { gfni512: false, vpclmul512: false, ..all }),
        ("ours, portable", Features::NONE),
    ]
}

fn streams(all: Features, text: &mut [u8]) -> f64 {
    let start = [7; 16];
    let peer = rate(LENGTH, || {
        ctr::Ctr128BE::<::sm4::Sm4>::new(&KEY.into(), &start.into()).apply_keystream(black_box(&mut *text));
    });
    let table = Table::new("CTR", FLOOR, Some(peer));
    let figures = ways(all).map(|(name, features)| {
        let ctr = Ctr::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || ctr.apply(&start, black_box(&mut *text))))
    });
    table.line("RustCrypto", peer);
    openssl("sm4-ctr").map(|rate| table.line("OpenSSL", rate));
    figures[0]
}

fn blocks(all: Features, text: &mut [u8]) {
    let table = Table::new("ECB", FLOOR, None);
    for (name, features) in ways(all) {
        let ecb = Ecb::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || ecb.encrypt(black_box(&mut *text)).unwrap()));
    }
    openssl("sm4-ecb").map(|rate| table.line("OpenSSL", rate));
}

fn chains(all: Features, text: &mut [u8]) {
    let table = Table::new("CBC, encrypting: one block waits for another", FLOOR, None);
    for (name, features) in ways(all) {
        let cbc = Cbc::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || cbc.encrypt(&[7; 16], black_box(&mut *text)).unwrap()));
    }
    openssl("sm4-cbc").map(|rate| table.line("OpenSSL", rate));
    for count in [16, 64] {
        let table = Table::new(&format!("CBC, encrypting {count} texts under {count} keys"), FLOOR, None);
        for (name, features) in ways(all) {
            let ciphers: Vec<Cbc> = (0..count).map(|n| Cbc::with_features(features, &[n as u8; 16])).collect();
            let mut texts = vec![vec![1_u8; LENGTH]; count];
            let figure = rate(LENGTH * count, || {
                let mut jobs: Vec<CbcText<'_>> = texts
                    .iter_mut()
                    .zip(&ciphers)
                    .map(|(text, cbc)| CbcText { cbc, iv: [3; 16], text: black_box(text) })
                    .collect();
                cbc_encrypt_many(&mut jobs).unwrap();
            });
            table.line(name, figure);
        }
    }
    let table = Table::new("CBC, decrypting", FLOOR, None);
    for (name, features) in ways(all) {
        let cbc = Cbc::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || cbc.decrypt(&[7; 16], black_box(&mut *text)).unwrap()));
    }
}

fn seals(all: Features, text: &mut [u8]) -> f64 {
    let (nonce, aad) = ([7; 12], [9; 20]);
    let reference = aes_gcm::AesGcm::<::sm4::Sm4, U12>::new(&KEY.into());
    let peer = rate(LENGTH, || {
        reference.encrypt_inout_detached(&nonce.into(), &aad, black_box(&mut *text).into()).map(drop).unwrap();
    });
    let table = Table::new("GCM, sealing", FLOOR, Some(peer));
    let figures = ways(all).map(|(name, features)| {
        let gcm = Gcm::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || gcm.seal_in_place(&nonce, &aad, black_box(&mut *text)).unwrap()))
    });
    table.line("RustCrypto", peer);
    let aes = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &KEY).unwrap());
    let sealing = rate(LENGTH, || {
        let nonce = Nonce::assume_unique_for_key(nonce);
        aes.seal_in_place_separate_tag(nonce, Aad::from(aad), black_box(&mut *text)).unwrap()
    });
    table.line("AES-128-GCM of aws-lc-rs", sealing);
    let table = Table::new("GCM, opening: hashed whole before it is decrypted", FLOOR, None);
    for (name, features) in ways(all) {
        let gcm = Gcm::with_features(features, &KEY);
        let sealed = gcm.seal(&nonce, &aad, text);
        table.line(name, rate(LENGTH, || gcm.open(&nonce, &aad, black_box(&sealed)).unwrap()));
    }
    figures[0]
}

fn rarer(all: Features, text: &mut [u8]) {
    let table = Table::new("CCM, sealing: the code is a chain of blocks", FLOOR, None);
    for (name, features) in ways(all) {
        let ccm = Ccm::with_features(features, &KEY);
        table.line(name, rate(LENGTH, || ccm.seal_in_place(&[7; 12], b"", black_box(&mut *text)).unwrap()));
    }
    let key: [u8; 32] = std::array::from_fn(|i| i as u8);
    for (title, form) in [("XTS, GB/T 17964", XtsForm::GbT17964), ("XTS, IEEE 1619", XtsForm::Ieee1619)] {
        let table = Table::new(title, FLOOR, None);
        for (name, features) in ways(all) {
            let xts = Xts::with_features(features, form, &key).unwrap();
            table.line(name, rate(LENGTH, || xts.encrypt(&[7; 16], black_box(&mut *text)).unwrap()));
        }
    }
}

/// What it costs to make a key ready and to seal little with it.
fn short(all: Features) {
    println!("\nGCM, a key made ready and 256 bytes sealed");
    for (name, features) in ways(all) {
        let mut text = [5; 256];
        let rate = rate(1, || {
            let gcm = Gcm::with_features(features, black_box(&KEY));
            gcm.seal_in_place(&[7; 12], b"", black_box(&mut text)).unwrap();
        });
        println!("  {name:<34} {:>8.0} /s", rate * 1e6);
    }
}
