//! SM2 signatures a second on one core: ours in batches and alone, beside other libraries measured in the same
//! run, and the floor of T/TCCIA 0002-2022 5.5.
//!
//!     cargo bench --bench sign

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

mod peers;

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use engine::sm2::{DEFAULT_ID, LANES, PrivateKey, SignJob, generate_many, sign_many};
use sm2::dsa::SigningKey;
use sm2::dsa::signature::hazmat::PrehashSigner;

/// As many as the pool takes at once from a long queue.
const BATCH: usize = 16 * LANES;

fn main() {
    let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
    let other = SigningKey::from_slice(DEFAULT_ID, &[7; 32]).unwrap();
    let mut e = [1_u8; 32];
    let theirs = peers::rate(|| {
        e[0] = e[0].wrapping_add(1);
        let signature: sm2::dsa::Signature = black_box(&other).sign_prehash(&e).unwrap();
        black_box(signature);
        1
    });
    let lone = peers::rate(|| {
        e[0] = e[0].wrapping_add(1);
        black_box(black_box(&key).sign_prehash(&e, &[9; 32]));
        1
    });
    let batched = |count: usize| {
        let jobs: Vec<SignJob<'_>> =
            (0..count).map(|i| SignJob { key: &key, e: [i as u8; 32], randomness: [(i >> 8) as u8; 32] }).collect();
        peers::rate(|| black_box(sign_many(black_box(&jobs))).len())
    };
    let (batch, lanes) = (batched(BATCH), batched(LANES));
    let generate_lone = peers::rate(|| {
        e[0] = e[0].wrapping_add(1);
        let seed: [u8; 64] = [e, e].concat().try_into().unwrap();
        black_box(PrivateKey::from_seed(black_box(&seed)));
        1
    });
    let seeds: Vec<[u8; 64]> = (0..BATCH).map(|i| [i as u8; 64]).collect();
    let generate = peers::rate(|| black_box(generate_many(black_box(&seeds))).len());

    let random = SystemRandom::new();
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let scale = peers::rate(|| {
        black_box(p256.sign(&random, black_box(&e)).unwrap());
        1
    });

    let table = peers::Table::new("SM2 signatures", 5_000.0, theirs);
    table.row(&format!("ours, {BATCH} at once (must 257,000; aim 400,000)"), batch);
    table.row(&format!("ours, {LANES} at once"), lanes);
    table.row("ours, alone (must 57,000; aim 90,000)", lone);
    table.row("RustCrypto sm2", theirs);
    if let Some((sign, _)) = peers::openssl("sm2") {
        table.row("installed openssl, SM2 (its own figure)", sign);
    }
    table.row("for scale: aws-lc-rs, ECDSA P-256", scale);
    if let Some((sign, _)) = peers::openssl("ecdsap256") {
        table.row("for scale: installed openssl, ECDSA P-256", sign);
    }
    println!("{:<44} {generate:>10.0}", format!("ours, new keys, {BATCH} at once"));
    println!("{:<44} {generate_lone:>10.0}", "ours, new keys, alone");
    println!("FIGURE sm2_sign_batched {batch:.0} per_s");
    println!("FIGURE sm2_sign_lone {lone:.0} per_s");
    println!("FIGURE sm2_generate_batched {generate:.0} per_s");
    println!("FIGURE sm2_generate_lone {generate_lone:.0} per_s");
}
