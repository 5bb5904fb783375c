//! Verifications in lanes. Everything here is public: which rows of a table are read may be seen.
//!
//! A known key has a comb of its multiples, as the base point has one, and the sum needs no doubling. For an
//! unknown one the sixteen odd multiples up to 31 are made, and t P by five doublings and an addition for each
//! of 52 digits. Points are compared with what the signature claims without an inversion.

use super::base::{Base, Digits};
use super::field::{Fe, LANES, Words};
use super::gather::{Point, Row, gather, mask, rows};
use super::point::{Affine, Extended, Jacobian, NONE, odd_multiples};
use super::sign::one_that_is_odd;
use crate::sm2::comb::{self, Comb};
use crate::sm2::field::P;
use crate::sm2::many::Claim;
use crate::sm2::scalar::{N, Scalar};
use crate::sm2::{point, wide};

/// Verifications whose tables share their inversions.
const GROUP: usize = 4 * LANES;
/// Bits of a digit of t, for unknown keys.
const WIDTH: usize = 5;
/// Digits of t.
const DIGITS: usize = 52;
/// Odd multiples of an unknown key.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// Odd numbers in lanes as sums of odd digits d_i 2^(width i), |d_i| < 2^width, like those of [`Digits`].
struct Odd<const WIDTH: usize> {
    /// The numbers' halves, rounded down.
    halves: Words,
    /// What stands above 256 bits of (k + 2^(width places) - 1) / 2, and bit 255 if it is set there.
    places: usize,
}

impl<const WIDTH: usize> Odd<WIDTH> {
    fn new(numbers: &Words, places: usize) -> Self {
        let half = |k: &[u64; 4]| [k[0] >> 1 | k[1] << 63, k[1] >> 1 | k[2] << 63, k[2] >> 1 | k[3] << 63, k[3] >> 1];
        Self { halves: numbers.each_ref().map(half), places }
    }

    /// The digit of this lane: which odd multiple, and whether it is to be negated.
    #[inline]
    fn at(&self, lane: usize, place: usize) -> (usize, bool) {
        let (word, shift) = (WIDTH * place / 64, WIDTH * place % 64);
        let half = &self.halves[lane];
        let mut bits = half.get(word).map_or(0, |word| word >> shift);
        if shift > 64 - WIDTH && word < 3 {
            bits |= half[word + 1] << (64 - shift);
        }
        if place == self.places - 1 {
            bits |= 1 << (WIDTH - 1);
        }
        let (all, high) = ((1 << WIDTH) - 1, 1 << (WIDTH - 1));
        let bits = bits & all;
        if bits & high == 0 { ((bits ^ (high - 1)) as usize, true) } else { ((bits ^ high) as usize, false) }
    }
}

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
        for (lanes, multiples) in group.chunks(LANES).zip(multiples.chunks(MULTIPLES)) {
            let scalars = Scalars::new(&std::array::from_fn(|lane| in_lane(lanes, lane).0));
            let point = Extended::from_jacobian(&times(multiples, &scalars.t));
            let sum = Base::get().add_times(point, &Digits::new(&scalars.s), scalars.apart);
            answers.extend_from_slice(&scalars.compare(&sum)[..lanes.len()]);
        }
    }
    answers
}

/// Whether s G + t P has the claimed x, for combs of points P; `None` where the sum could not be made.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn verify_known(claims: &[(Claim, &Comb)]) -> Vec<Option<bool>> {
    let mut answers = Vec::with_capacity(claims.len().next_multiple_of(LANES));
    for lanes in claims.chunks(LANES) {
        let scalars = Scalars::new(&std::array::from_fn(|lane| in_lane(lanes, lane).0));
        let mut sum = Base::get().times_negated(&Digits::new(&scalars.s));
        let digits = Odd::<{ comb::WIDTH }>::new(&scalars.t, comb::DIGITS);
        for place in 0..comb::DIGITS {
            let tables: [&[point::Affine]; LANES] = std::array::from_fn(|lane| in_lane(lanes, lane).1.multiples(place));
            let (t, negated) = digits.gather(&tables, place);
            // The sum was begun negated, and each step turns its sign.
            let turned = if place % 2 == 0 { 0 } else { !0 };
            let apart = scalars.apart;
            sum = sum.subtract_from(&t, [negated[0] ^ apart[0] ^ turned, negated[1] ^ apart[1] ^ turned]);
        }
        // An odd number of steps has made up for the beginning; it does not matter for x.
        answers.extend_from_slice(&scalars.compare(&sum)[..lanes.len()]);
    }
    answers
}

/// What a lane is to do. Those without a claim do the first one's work again.
fn in_lane<T>(claims: &[T], lane: usize) -> &T {
    claims.get(lane).unwrap_or(&claims[0])
}

impl<const WIDTH: usize> Odd<WIDTH> {
    /// The points of the digits at this place, and where they are to be negated.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn gather<T: Point>(&self, tables: &[&[T]; LANES], place: usize) -> (Affine, [u8; 2]) {
        let digits: [(usize, bool); LANES] = std::array::from_fn(|lane| self.at(lane, place));
        let points = gather(&std::array::from_fn(|lane| &tables[lane][digits[lane].0]));
        (points, mask(|lane| digits[lane].1))
    }
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
    let digits = Odd::<WIDTH>::new(t, DIGITS);
    // The highest digit is positive.
    let mut sum = Jacobian::from_affine(&digits.gather(&tables, DIGITS - 1).0, NONE);
    for place in (0..DIGITS - 1).rev() {
        for _ in 0..WIDTH {
            sum = sum.double_negated();
        }
        // By now -32 times what it was; the difference puts the sign right.
        const { assert!(WIDTH % 2 == 1) };
        let (t, negated) = digits.gather(&tables, place);
        sum = sum.subtract_from(&t, negated);
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
