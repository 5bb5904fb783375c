//! SM2 verifications a second on one core: ours in batches and alone, of keys met for the first time and of known
//! ones, beside other libraries measured in the same run, and the floor of T/TCCIA 0002-2022 5.5.
//!
//!     cargo bench --bench verify

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

mod peers;

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use engine::sm2::{DEFAULT_ID, LANES, PrivateKey, PublicKey, Signature, VerifyJob, verify_many};
use sm2::dsa::VerifyingKey;
use sm2::dsa::signature::hazmat::PrehashVerifier;

const BATCH: usize = 16 * LANES;
/// After so many verifications every key is a known one.
const WARM: usize = 64;

fn main() {
    let e = [5; 32];
    let keys: Vec<PrivateKey> = (0..BATCH).map(|i| PrivateKey::from_seed(&[i as u8; 64])).collect();
    let signatures: Vec<Signature> = keys.iter().map(|key| key.sign_prehash(&e, &[9; 32])).collect();
    // Made anew each time: nothing has been kept about them.
    let strangers = |count: usize| -> Vec<PublicKey> {
        keys[..count].iter().map(|key| PublicKey::from_sec1(key.public().as_sec1()).unwrap()).collect()
    };
    let jobs = |keys: &[PublicKey]| {
        let jobs: Vec<VerifyJob<'_>> =
            keys.iter().zip(&signatures).map(|(key, signature)| VerifyJob { key, e, signature: *signature }).collect();
        let good = verify_many(black_box(&jobs));
        assert!(good.iter().all(|good| *good));
        good.len()
    };
    let alone = |keys: &[PublicKey]| {
        keys.iter().zip(&signatures).filter(|(key, signature)| key.verify_prehash(black_box(&e), signature)).count()
    };
    let batched = peers::rate_prepared(|| strangers(BATCH), |keys| jobs(&keys));
    let lanes = peers::rate_prepared(|| strangers(LANES), |keys| jobs(&keys));
    let lone = peers::rate_prepared(|| strangers(BATCH), |keys| alone(&keys));

    // One known signer, as an authority checks what it signs; and a few.
    let known = strangers(4);
    for _ in 0..WARM {
        assert_eq!(alone(&known), known.len());
    }
    let known_lone = peers::rate(|| alone(&known[..1]));
    let own: Vec<PublicKey> = (0..BATCH).map(|_| known[0].clone()).collect();
    let own_jobs: Vec<VerifyJob<'_>> = own.iter().map(|key| VerifyJob { key, e, signature: signatures[0] }).collect();
    let known_batched = peers::rate(|| {
        let good = verify_many(black_box(&own_jobs));
        assert!(good.iter().all(|good| *good));
        good.len()
    });

    let other = VerifyingKey::from_sec1_bytes(DEFAULT_ID, keys[0].public().as_sec1()).unwrap();
    let signature = sm2::dsa::Signature::from_slice(&signatures[0].to_raw()).unwrap();
    let theirs = peers::rate(|| {
        black_box(&other).verify_prehash(&e, &signature).unwrap();
        1
    });
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let signed = p256.sign(&SystemRandom::new(), &e).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, p256.public_key().as_ref());
    let scale = peers::rate(|| {
        public.verify(black_box(&e), signed.as_ref()).unwrap();
        1
    });

    let table = peers::Table::new("SM2 verifications", 3_000.0, theirs);
    table.row(&format!("ours, {BATCH} unknown keys (must 95,000; aim 130,000)"), batched);
    table.row(&format!("ours, {LANES} unknown keys"), lanes);
    table.row("ours, an unknown key, alone", lone);
    table.row(&format!("ours, a known key, {BATCH} (must 200,000; aim 350,000)"), known_batched);
    table.row("ours, a known key, alone", known_lone);
    table.row("RustCrypto sm2", theirs);
    if let Some((_, verify)) = peers::openssl("sm2") {
        table.row("installed openssl, SM2 (its own figure)", verify);
    }
    table.row("for scale: aws-lc-rs, ECDSA P-256", scale);
    if let Some((_, verify)) = peers::openssl("ecdsap256") {
        table.row("for scale: installed openssl, ECDSA P-256", verify);
    }
    println!("FIGURE sm2_verify_batched {batched:.0} per_s");
    println!("FIGURE sm2_verify_lone {lone:.0} per_s");
    println!("FIGURE sm2_verify_known {known_batched:.0} per_s");
    println!("FIGURE sm2_verify_known_lone {known_lone:.0} per_s");
}
