//! Verifications in lanes. Everything here is public: which rows of a table are read may be seen.
//!
//! A known key has a comb of its multiples, as the base point has one, and the sum needs no doubling. For an
//! unknown one the sixteen odd multiples up to 31 are made, and t P by five doublings and an addition for each
//! of 52 digits. Points are compared with what the signature claims without an inversion.

use super::base::{self, Base};
use super::digits::{Digits, one_that_is_odd};
use super::field::{Fe, LANES, Words};
use super::gather::{Row, gather, gather_at, mask, rows};
use super::point::{Affine, Extended, Jacobian, NONE, odd_multiples};
use crate::sm2::comb::{self, Comb};
use crate::sm2::field::P;
use crate::sm2::many::Claim;
use crate::sm2::scalar::{N, Scalar};
use crate::sm2::{point, wide};

/// Verifications whose tables share their inversions.
const GROUP: usize = 4 * LANES;
/// Bits of a digit of t, for unknown keys.
const WIDTH: usize = 5;
/// Odd multiples of an unknown key.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// Whether s G + t P has the claimed x, for points P; `None` where the sum could not be made.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn verify(claims: &[(Claim, &point::Affine)]) -> Vec<Option<bool>> {
    let mut answers = Vec::with_capacity(claims.len().next_multiple_of(LANES));
    for group in claims.chunks(GROUP) {
        let mut points = Vec::with_capacity(GROUP / LANES);
        for lanes in group.chunks(LANES) {
            points.push(gather(&std::array::from_fn(|lane| in_lane(lanes, lane).1)));
        }
        let multiples = odd_multiples(&points, MULTIPLES);
        let (mut scalars, mut sums) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
        for (lanes, multiples) in group.chunks(LANES).zip(multiples.chunks(MULTIPLES)) {
            let own = Scalars::new(&std::array::from_fn(|lane| in_lane(lanes, lane).0));
            sums.push(Extended::from_jacobian(&times(multiples, &own.t)));
            scalars.push(own);
        }
        let apart: Vec<_> = scalars.iter().map(|scalars| scalars.apart).collect();
        Base::get().add_times(&mut sums, &base_digits(&scalars), &apart);
        for ((lanes, scalars), sum) in group.chunks(LANES).zip(&scalars).zip(&sums) {
            answers.extend_from_slice(&scalars.compare(sum)[..lanes.len()]);
        }
    }
    answers
}

/// Whether s G + t P has the claimed x, for combs of points P; `None` where the sum could not be made.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn verify_known(claims: &[(Claim, &Comb)]) -> Vec<Option<bool>> {
    let mut answers = Vec::with_capacity(claims.len().next_multiple_of(LANES));
    for group in claims.chunks(GROUP) {
        let mut scalars = Vec::with_capacity(GROUP / LANES);
        for lanes in group.chunks(LANES) {
            scalars.push(Scalars::new(&std::array::from_fn(|lane| in_lane(lanes, lane).0)));
        }
        let sums = Base::get().times_negated(&base_digits(&scalars));
        for ((lanes, scalars), mut sum) in group.chunks(LANES).zip(&scalars).zip(sums) {
            let digits = Digits::<{ comb::WIDTH }>::new(&scalars.t);
            for place in 0..comb::DIGITS {
                let tables: [&[point::Affine]; LANES] =
                    std::array::from_fn(|lane| in_lane(lanes, lane).1.multiples(place));
                let digit = digits.at(place);
                let t = gather_at(&tables, &digit);
                // The sum was begun negated, and each step turns its sign.
                let turned = if place % 2 == 0 { 0 } else { !0 };
                let (own, apart) = (digit.negated, scalars.apart);
                sum.subtract_from(&t, [own[0] ^ apart[0] ^ turned, own[1] ^ apart[1] ^ turned]);
            }
            // An odd number of steps has made up for the beginning; it does not matter for x.
            answers.extend_from_slice(&scalars.compare(&sum)[..lanes.len()]);
        }
    }
    answers
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn base_digits(scalars: &[Scalars]) -> Vec<base::Digits> {
    let mut digits = Vec::with_capacity(scalars.len());
    for scalars in scalars {
        digits.push(Digits::new(&scalars.s));
    }
    digits
}

/// What a lane is to do. Those without a claim do the first one's work again.
fn in_lane<T>(claims: &[T], lane: usize) -> &T {
    claims.get(lane).unwrap_or(&claims[0])
}

/// t P for each lane's odd t and the odd multiples of P.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn times(multiples: &[Affine], t: &Words) -> Jacobian {
    let mut table = [[Row::default(); MULTIPLES]; LANES];
    for (entry, multiple) in multiples.iter().enumerate() {
        for (own, row) in table.iter_mut().zip(rows(multiple)) {
            own[entry] = row;
        }
    }
    let tables: [&[Row]; LANES] = table.each_ref().map(|own| &own[..]);
    let digits = Digits::<WIDTH>::new(t);
    let places = Digits::<WIDTH>::PLACES;
    // The highest digit is positive.
    let mut sum = Jacobian::from_affine(&gather_at(&tables, &digits.at(places - 1)), NONE);
    for place in (0..places - 1).rev() {
        for _ in 0..WIDTH {
            sum.double_negated();
        }
        // By now -32 times what it was; the difference puts the sign right.
        const { assert!(WIDTH % 2 == 1) };
        let digit = digits.at(place);
        sum.subtract_from(&gather_at(&tables, &digit), digit.negated);
    }
    sum
}

/// The scalars of sixteen claims.
struct Scalars {
    /// s or n - s, whichever is odd.
    s: Words,
    /// t or n - t, whichever is odd.
    t: Words,
    /// Where one of them was replaced and the other not.
    apart: [u8; 2],
    x: [Scalar; LANES],
}

impl Scalars {
    fn new(claims: &[Claim; LANES]) -> Self {
        let even = |k: &Scalar| k.limbs()[0] & 1 == 0;
        Self {
            s: std::array::from_fn(|lane| one_that_is_odd(&claims[lane].s)),
            t: std::array::from_fn(|lane| one_that_is_odd(&claims[lane].t)),
            apart: mask(|lane| even(&claims[lane].s) != even(&claims[lane].t)),
            x: claims.each_ref().map(|claim| claim.x),
        }
    }

    /// Whether the points have the claimed first coordinates.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn compare(&self, points: &Extended) -> [Option<bool>; LANES] {
        let claimed = Fe::from_plain(&self.x.each_ref().map(|x| *x.limbs())).mul_loose(&points.zz);
        let equal = claimed.sub(&points.x.0).fold().zeros();
        let failed = points.zz.zeros();
        std::array::from_fn(|lane| {
            let is = |mask: [u8; 2]| mask[lane / 8] >> (lane % 8) & 1 == 1;
            // x modulo n may stand for x + n too, where that is below p: once in 2^128.
            let two = || {
                let (sum, carry) = wide::add(self.x[lane].limbs(), &N);
                !carry && wide::sub(&sum, &P).1
            };
            if is(failed) || (!is(equal) && two()) { None } else { Some(is(equal)) }
        })
    }
}
