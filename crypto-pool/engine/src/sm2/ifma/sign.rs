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

/// Batches that go through the comb together: their points and one place of the comb fit into the first cache.
const TOGETHER: usize = 4;

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
    let mut nonces = Zeroizing::new(Vec::with_capacity(GROUP));
    for lanes in jobs.chunks(LANES) {
        add_nonces(lanes, &mut nonces);
    }
    let mut coordinates = first_coordinates(&nonces);
    for ((job, k), x) in jobs.iter().zip(nonces.iter()).zip(&coordinates) {
        // Once in 2^250 a nonce is of no use, or of none to the comb: the path for one finds the right one.
        let signature = x.and_then(|x| job.key.finish(&job.e, k, &x));
        signatures.push(signature.unwrap_or_else(|| job.key.sign_prehash(&job.e, &job.randomness)));
    }
    // r and s say what these are, but not to whom e is unknown.
    coordinates.zeroize();
}

/// The first coordinate of k G for each k, of which there must be a multiple of sixteen; `None` where the comb
/// did not find it.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn first_coordinates(nonces: &[Scalar]) -> Vec<Option<[u64; 4]>> {
    let mut points = Vec::with_capacity(GROUP / LANES);
    for group in nonces.as_chunks::<LANES>().0.chunks(TOGETHER) {
        let mut digits = Vec::with_capacity(TOGETHER);
        for lanes in group {
            let mut odd = Zeroizing::new([[0; 4]; LANES]);
            for (odd, k) in odd.iter_mut().zip(lanes) {
                *odd = one_that_is_odd(k);
            }
            digits.push(Digits::new(&odd));
        }
        points.extend(Base::get().times_negated(&digits));
    }
    let (mut numerators, mut denominators) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
    for point in &points {
        numerators.push(point.x);
        denominators.push(point.zz);
    }
    let failed = invert_all(&mut denominators);
    let mut coordinates = Vec::with_capacity(nonces.len());
    for ((numerator, denominator), failed) in numerators.iter().zip(&denominators).zip(&failed) {
        let x: Words = numerator.mul(denominator).to_plain();
        for lane in 0..LANES {
            coordinates.push((failed[lane / 8] >> (lane % 8) & 1 == 0).then_some(x[lane]));
        }
    }
    // All that is known of k G but its first coordinate says something of k.
    super::wipe_points(&mut points);
    super::wipe(&mut numerators);
    super::wipe(&mut denominators);
    coordinates
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sm2::ifma::tests::{in_lanes, numbers};
    use crate::sm2::{PrivateKey, hex};

    /// GB/T 32918.5-2017 annex A.2: d, k, e, r, s.
    const D: [u8; 32] = hex(b"3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
    const K: [u8; 32] = hex(b"59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21");
    const E: [u8; 32] = hex(b"f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
    const R: [u8; 32] = hex(b"f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3");
    const S: [u8; 32] = hex(b"b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");

    #[test]
    fn each_lane_makes_the_signature_of_gbt_32918_5_annex_a() {
        let key = PrivateKey::from_bytes(&D).unwrap();
        let own = Scalar::from_bytes(&K).unwrap();
        for lane in 0..2 * LANES {
            let mut nonces: Vec<Scalar> =
                numbers(2 * LANES, &[u64::MAX, 0, 0, 1 << 60]).iter().map(Scalar::reduce).collect();
            nonces[lane] = own;
            let Some(coordinates) = in_lanes!(first_coordinates(&nonces)) else { return };
            let signature = key.finish(&E, &own, &coordinates[lane].unwrap()).unwrap();
            assert_eq!((signature.r(), signature.s()), (R, S), "lane {lane}");
        }
    }
}
