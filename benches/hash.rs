//! How fast SM3 goes on one core: one message, many at once, each way there is; beside it RustCrypto's SM3,
//! OpenSSL's, SHA-256 of aws-lc-rs for scale (a processor may have instructions for that), and what
//! T/TCCIA 0002-2022 5.5 asks for: 2,500 Mbit/s.
//!
//!     cargo bench --bench hash               (YINXIN_BENCH_SECONDS=2 for a longer run of each line)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

mod measure;

use std::hint::black_box;

use ::sm3::Digest;
use engine::detect::Features;
use engine::sm3::{self, HmacKey, Sm3};
use measure::{Table, openssl, rate};

/// 2,500 Mbit/s. Unit: 10^6 bytes a second.
const FLOOR: f64 = 312.5;

fn main() {
    let all = Features::detect();
    println!("{all:?}");
    let text: Vec<u8> = (0..1 << 20).map(|i: u32| (i * 7 + (i >> 8)) as u8).collect();
    let one = one_message(all, &text);
    let many = many_messages(all, &text);
    short_codes();
    println!("\nSM3 of one message must 520 and aims at 600, of sixteen must 3,400 and aims at 5,000, on the");
    println!("machine where RustCrypto's does 523 (Zen 5 at 4 GHz).");
    println!("FIGURE sm3_one {one:.0} MB_per_s");
    println!("FIGURE sm3_many {many:.0} MB_per_s");
}

fn reference(message: &[u8]) -> [u8; 32] {
    ::sm3::Sm3::digest(message).into()
}

fn ours(features: Features, message: &[u8]) -> [u8; 32] {
    let mut hasher = Sm3::with_features(features);
    hasher.update(message);
    hasher.finalize()
}

/// The ways to hash one message.
fn ways(all: Features) -> [(&'static str, Features); 3] {
    [("ours", all), ("ours without AVX-512", Features { avx512: false, ..all }), ("ours, portable", Features::NONE)]
}

fn one_message(all: Features, text: &[u8]) -> f64 {
    let mut figure = 0.0;
    for (length, name) in
        [(1 << 14, "One message of 16 KiB"), (1 << 20, "One message of 1 MiB"), (256, "One message of 256 bytes")]
    {
        let message = &text[..length];
        assert_eq!(ours(all, message), reference(message));
        let peer = rate(length, || reference(black_box(message)));
        let table = Table::new(name, FLOOR, Some(peer));
        for (name, features) in ways(all) {
            let rate = table.line(name, rate(length, || ours(features, black_box(message))));
            if length == 1 << 14 && features == all {
                figure = rate;
            }
        }
        table.line("RustCrypto", peer);
        if length == 1 << 14 {
            openssl("sm3").map(|rate| table.line("OpenSSL", rate));
            let sha = |message: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
            table.line("SHA-256 of aws-lc-rs", rate(length, || sha(black_box(message))));
        }
    }
    figure
}

fn many_messages(all: Features, text: &[u8]) -> f64 {
    let mut figure = 0.0;
    let mixed: Vec<&[u8]> = (0..100).map(|i| &text[i * 900..i * 900 + i * 5003 % 4096]).collect();
    let cases: [(&str, Vec<&[u8]>); 4] = [
        ("16 messages of 16 KiB", text.chunks(1 << 14).take(16).collect()),
        ("16 messages of 256 bytes", text.chunks(256).take(16).collect()),
        ("1,000 messages of 100 bytes", text.chunks(100).take(1000).collect()),
        ("100 messages of 0 to 4,095 bytes", mixed),
    ];
    for (number, (name, messages)) in cases.iter().enumerate() {
        let bytes = messages.iter().map(|message| message.len()).sum();
        let expected: Vec<_> = messages.iter().map(|message| reference(message)).collect();
        assert_eq!(sm3::hash_many(messages), expected);
        let peer = rate(bytes, || messages.iter().map(|message| black_box(reference(message))[0]).max());
        let table = Table::new(name, FLOOR, Some(peer));
        let sixteen = table.line("ours", rate(bytes, || sm3::hash_many(black_box(messages))));
        if number == 0 {
            figure = sixteen;
        }
        let without = Features { avx512: false, ..all };
        table.line("ours, one after another", rate(bytes, || sm3::hash_many_with(without, black_box(messages))));
        table.line("RustCrypto", peer);
    }
    figure
}

/// Codes over 64 bytes, the size of what nonces are derived from.
fn short_codes() {
    let (key, message) = ([7; 32], [9; 64]);
    let ready = HmacKey::new(&key);
    println!("\nHMAC-SM3 over 64 bytes");
    let kept = rate(1, || ready.mac(&[black_box(&message)]));
    let fresh = rate(1, || sm3::hmac(black_box(&key), &[black_box(&message)]));
    println!("  key kept ready                     {:>8.0} codes/s", kept * 1e6);
    println!("  key made ready each time           {:>8.0} codes/s", fresh * 1e6);
}
