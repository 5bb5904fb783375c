//! Multiples of points by secret scalars in lanes: of the base point for keys and ciphertexts, of any point for
//! encryption and decryption.

use core::arch::x86_64::{_mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64, _mm512_set1_epi64};

use zeroize::Zeroizing;

use super::base::{self, Base};
use super::digits::{Digit, Digits, one_that_is_odd};
use super::field::{Fe, HALVES, LANES, Loose, Words};
use super::gather::gather;
use super::point::{Affine, Extended, Jacobian, NONE, invert_all, odd_multiples};
use crate::sm2::field;
use crate::sm2::point;
use crate::sm2::scalar::Scalar;

/// Multiples that share one inversion, at most.
const GROUP: usize = 4 * LANES;
/// Bits of a digit.
const WIDTH: usize = 5;
/// Odd multiples of a point.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// k G for each scalar k, none of which may be zero.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn times_base(scalars: &[Scalar]) -> Vec<Option<point::Affine>> {
    let mut out = Vec::with_capacity(scalars.len().next_multiple_of(LANES));
    for group in scalars.chunks(GROUP) {
        let (mut digits, mut negated) = (Vec::with_capacity(GROUP / LANES), Vec::with_capacity(GROUP / LANES));
        for lanes in group.chunks(LANES) {
            let (odd, even) = recode(|lane| lanes.get(lane).unwrap_or(&lanes[0]));
            digits.push(base::Digits::new(&odd));
            // The comb gives -k' G for the odd one k' of k and n - k.
            negated.push([!even[0], !even[1]]);
        }
        let mut points = Base::get().times_negated(&digits);
        add_affine(&mut points, &negated, &mut out);
        out.truncate(out.len() - (group.len().next_multiple_of(LANES) - group.len()));
    }
    out
}

/// k P for each point P and scalar k, which may not be zero.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn times(factors: &[(&point::Affine, &Scalar)]) -> Vec<Option<point::Affine>> {
    let mut out = Vec::with_capacity(factors.len().next_multiple_of(LANES));
    for group in factors.chunks(GROUP) {
        let mut points = Vec::with_capacity(GROUP / LANES);
        for lanes in group.chunks(LANES) {
            points.push(gather(&std::array::from_fn(|lane| lanes.get(lane).unwrap_or(&lanes[0]).0)));
        }
        let multiples = odd_multiples(&points, MULTIPLES);
        let (mut products, mut negated) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
        for (lanes, multiples) in group.chunks(LANES).zip(multiples.chunks(MULTIPLES)) {
            let (odd, even) = recode(|lane| lanes.get(lane).unwrap_or(&lanes[0]).1);
            products.push(Extended::from_jacobian(&times_odd(multiples, &Digits::new(&odd))));
            negated.push(even);
        }
        add_affine(&mut products, &negated, &mut out);
        out.truncate(out.len() - (group.len().next_multiple_of(LANES) - group.len()));
    }
    out
}

/// k P for each lane's odd k and the odd multiples of P.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn times_odd(multiples: &[Affine], digits: &Digits<WIDTH>) -> Jacobian {
    let places = Digits::<WIDTH>::PLACES;
    let mut t = Affine::zero();
    // The highest digit is positive.
    select(multiples, &digits.at(places - 1), &mut t);
    let mut product = Jacobian::from_affine(&t, NONE);
    for place in (0..places - 1).rev() {
        for _ in 0..WIDTH {
            product.double_negated();
        }
        // By now -32 times what it was; the difference puts the sign right.
        const { assert!(WIDTH % 2 == 1) };
        let digit = digits.at(place);
        select(multiples, &digit, &mut t);
        product.subtract_from(&t, digit.negated);
    }
    super::wipe_affine(&mut t);
    product
}

/// The multiple that each lane's digit names, into `out`. All are read.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn select(multiples: &[Affine], digit: &Digit, out: &mut Affine) {
    *out = multiples[0];
    for (i, multiple) in multiples.iter().enumerate().skip(1) {
        let i = _mm512_set1_epi64(i as i64);
        for h in 0..HALVES {
            let this = _mm512_cmpeq_epi64_mask(digit.index[h], i);
            for limb in 0..5 {
                out.x.0[h][limb] = _mm512_mask_mov_epi64(out.x.0[h][limb], this, multiple.x.0[h][limb]);
                out.y.0[h][limb] = _mm512_mask_mov_epi64(out.y.0[h][limb], this, multiple.y.0[h][limb]);
            }
        }
    }
}

/// The odd one of k and n - k for each lane's k, and where that is n - k.
fn recode<'a>(scalar: impl Fn(usize) -> &'a Scalar) -> (Zeroizing<Words>, [u8; HALVES]) {
    let mut odd = Zeroizing::new([[0; 4]; LANES]);
    let mut even = [0; HALVES];
    for (lane, odd) in odd.iter_mut().enumerate() {
        let k = scalar(lane);
        *odd = one_that_is_odd(k);
        // Without a branch on what is secret.
        even[lane / 8] |= ((!k.limbs()[0] & 1) as u8) << (lane % 8);
    }
    (odd, even)
}

/// Appends the points, negated in the lanes of the masks, in the form for one at a time. Wipes `points`.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn add_affine(points: &mut [Extended], negated: &[[u8; HALVES]], out: &mut Vec<Option<point::Affine>>) {
    let mut inverses: Vec<Fe> = points.iter().map(|point| point.zzz).collect();
    let failed = invert_all(&mut inverses);
    for (i, point) in points.iter().enumerate() {
        // zz / zzz = 1 / z.
        let z = point.zz.mul(&inverses[i]);
        let x = Zeroizing::new(point.x.mul(&z.square()).to_one());
        let y = point.y.mul(&inverses[i]);
        let y = Zeroizing::new(Loose(y.0).negate(negated[i]).fold().to_one());
        for lane in 0..LANES {
            let found = failed[i][lane / 8] >> (lane % 8) & 1 == 0;
            out.push(found.then(|| point::Affine { x: field::Fe(x[lane]), y: field::Fe(y[lane]) }));
        }
    }
    super::wipe(&mut inverses);
    super::wipe_points(points);
}
