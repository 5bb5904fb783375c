//! Signatures in lanes. The results are those of [`PrivateKey::sign_prehash`], bit for bit.
//!
//! Nonces come out of sixteen hashes at once, k G out of the comb in lanes, 1/zz of all points of a group out
//! of one inversion; what is left for each signature by itself is a handful of operations modulo n.
//!
//! [`PrivateKey::sign_prehash`]: crate::sm2::PrivateKey::sign_prehash

use zeroize::{Zeroize, Zeroizing};

use super::base::{Base, Digits};
use super::digits::one_that_is_odd;
use super::field::{LANES, Words};
use super::point::invert_all;
use crate::sm2::Signature;
use crate::sm2::many::SignJob;
use crate::sm2::scalar::Scalar;
use crate::sm3::lanes::hmac_block_and_byte;

/// Signatures that share one inversion, at most: beyond, its share is small against the rest.
const GROUP: usize = 8 * LANES;

/// Signs each job.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn sign(jobs: &[SignJob<'_>]) -> Vec<Signature> {
    let mut signatures = Vec::with_capacity(jobs.len());
    for group in jobs.chunks(GROUP) {
        sign_group(group, &mut signatures);
    }
    signatures
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn sign_group(jobs: &[SignJob<'_>], signatures: &mut Vec<Signature>) {
    let base = Base::get();
    let mut nonces = Zeroizing::new(Vec::with_capacity(GROUP));
    let mut digits = Vec::with_capacity(GROUP / LANES);
    for lanes in jobs.chunks(LANES) {
        let first = nonces.len();
        add_nonces(lanes, &mut nonces);
        let mut odd = Zeroizing::new([[0; 4]; LANES]);
        for (odd, k) in odd.iter_mut().zip(&nonces[first..]) {
            *odd = one_that_is_odd(k);
        }
        digits.push(Digits::new(&odd));
    }
    let mut points = Vec::with_capacity(GROUP / LANES);
    for digits in digits.chunks(4) {
        points.extend(base.times_negated(digits));
    }
    let (mut numerators, mut denominators) = (Vec::new(), Vec::with_capacity(points.len()));
    for point in &points {
        numerators.push(point.x);
        denominators.push(point.zz);
    }
    let failed = invert_all(&mut denominators);
    for (i, lanes) in jobs.chunks(LANES).enumerate() {
        let x: Words = numerators[i].mul(&denominators[i]).to_plain();
        for (lane, job) in lanes.iter().enumerate() {
            let found = failed[i][lane / 8] >> (lane % 8) & 1 == 0;
            let signature = found.then(|| job.key.finish(&job.e, &nonces[LANES * i + lane], &x[lane])).flatten();
            // Once in 2^250 a nonce is of no use, or of none to the comb: the path for one finds the right one.
            signatures.push(signature.unwrap_or_else(|| job.key.sign_prehash(&job.e, &job.randomness)));
        }
    }
    // The coordinates of k G that are not published say something of k.
    super::wipe_points(&mut points);
    super::wipe(&mut numerators);
    super::wipe(&mut denominators);
}

/// The nonce of each job, and of sixteen in all: lanes without a job do the first one's work again.
fn add_nonces(jobs: &[SignJob<'_>], nonces: &mut Vec<Scalar>) {
    let job = |lane: usize| jobs.get(lane).unwrap_or(&jobs[0]);
    let mut heads = [[0; 64]; LANES];
    for (lane, head) in heads.iter_mut().enumerate() {
        head[..32].copy_from_slice(&job(lane).e);
        head[32..].copy_from_slice(&job(lane).randomness);
    }
    let keys = std::array::from_fn(|lane| job(lane).key.nonce_key());
    let mut codes = hmac_block_and_byte(&keys, &heads.each_ref(), [1, 2]);
    let mut wide = Zeroizing::new([0; 64]);
    for (high, low) in codes[0].iter().zip(&codes[1]) {
        wide[..32].copy_from_slice(high);
        wide[32..].copy_from_slice(low);
        nonces.push(Scalar::nonzero_from_wide(&wide));
    }
    codes.zeroize();
}
