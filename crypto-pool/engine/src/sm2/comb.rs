//! Multiples of a point that is multiplied again and again, kept so that no doublings are needed: of the base
//! point, and of public keys whose signatures are verified often.
//!
//! An odd number k below 2^256 is a sum of 43 digits d_i·64^i, each odd and between -63 and 63: six at a time, the
//! bits of 2^257 + k/2 name them. The table holds d·64^i·P for d = 1, 3 ... 63 (for i = 42, where d is at most 15,
//! only those): 1,352 points, 86,528 bytes. An even k is replaced by n-k, and the result negated.
//!
//! There is no zero digit and so no infinity. Nor is there an equal or opposite pair to be added, if the highest
//! digit goes first: what has been summed before digit i is a multiple of 64^(i+1), the digit's own part is an odd
//! multiple of 64^i, so neither their sum nor their difference is zero, and for i > 0, n being odd, not n either.
//! For i = 0 the sum is k itself, in 1 to n-1, and the difference k - 2d would be n only for k = n + 2d with d < 0;
//! but d is k mod 128, less 64, and n mod 128 is 35: d would have to be -29 mod 128 and 99 is no digit's size.

use super::field::{Arith, Fe};
use super::point::{Addend, Affine, Jacobian, Xyzz, invert};
use super::scalar::Scalar;
use super::wide;

/// Bits of a digit.
pub(super) const WIDTH: usize = 6;
/// Digits of a number, the highest first counted apart.
pub(super) const DIGITS: usize = 43;
/// Multiples kept for each place but the highest.
pub(super) const MULTIPLES: usize = 1 << (WIDTH - 1);
/// Multiples kept for the highest place.
const TOP_MULTIPLES: usize = 8;

/// The multiples of one point.
pub(super) struct Comb {
    /// Lowest place first.
    places: Box<[[Affine; MULTIPLES]; DIGITS - 1]>,
    top: [Affine; TOP_MULTIPLES],
}

/// One digit: which multiple, and all ones if it is to be negated.
struct Digit {
    index: u64,
    negative: u64,
}

impl Comb {
    /// Takes about as long as ten verifications.
    pub(super) fn new<A: Arith>(arith: A, point: &Affine) -> Self {
        let mut points = Vec::with_capacity(DIGITS * MULTIPLES);
        let mut base = point.to_jacobian();
        for place in 0..DIGITS {
            let twice = base.double(arith);
            let step = Addend::new(arith, &twice);
            let mut multiple = base;
            points.push(multiple);
            for _ in 1..if place < DIGITS - 1 { MULTIPLES } else { TOP_MULTIPLES } {
                multiple = step.add_to_vartime(arith, &multiple);
                points.push(multiple);
            }
            base = (1..WIDTH).fold(twice, |sum, _| sum.double(arith));
        }
        let mut affine = normalize(arith, &points).into_iter();
        let mut places = Box::new([[Affine::default(); MULTIPLES]; DIGITS - 1]);
        for (slot, point) in places.as_flattened_mut().iter_mut().zip(&mut affine) {
            *slot = point;
        }
        let mut top = [Affine::default(); TOP_MULTIPLES];
        for (slot, point) in top.iter_mut().zip(affine) {
            *slot = point;
        }
        Self { places, top }
    }

    /// The multiples kept for a place of [`DIGITS`]: 1, 3 and so on times 64^place.
    pub(super) fn multiples(&self, place: usize) -> &[Affine] {
        self.places.get(place).map_or(&self.top[..], |multiples| &multiples[..])
    }

    /// The multiple of the point by a scalar other than zero, in constant time.
    pub(super) fn times<A: Arith>(&self, arith: A, scalar: &Scalar) -> Xyzz {
        let (digits, negative) = recode(scalar);
        let mut sum = arith.select(&self.top, top_digit(&digits).index).negate_if(negative).to_xyzz();
        for (place, multiples) in self.places.iter().enumerate().rev() {
            let digit = digit(&digits, place);
            let point = arith.select(multiples, digit.index).negate_if(digit.negative ^ negative);
            sum = sum.add_affine(arith, &point);
        }
        sum
    }

    /// `sum` and the multiple of the point by a scalar other than zero; for public numbers.
    pub(super) fn add_times_vartime<A: Arith>(&self, arith: A, sum: Option<Xyzz>, scalar: &Scalar) -> Xyzz {
        let (digits, negative) = recode(scalar);
        let first = self.top[top_digit(&digits).index as usize].negate_if(negative);
        let mut sum = sum.map_or_else(|| first.to_xyzz(), |sum| sum.add_affine_vartime(arith, &first));
        for (place, multiples) in self.places.iter().enumerate().rev() {
            let digit = digit(&digits, place);
            let point = multiples[digit.index as usize].negate_if(digit.negative ^ negative);
            sum = sum.add_affine_vartime(arith, &point);
        }
        sum
    }
}

/// Half of the odd one of k and n-k, and all ones if that is n-k.
pub(super) fn recode(scalar: &Scalar) -> ([u64; 4], u64) {
    let even = wide::opaque((scalar.limbs()[0] & 1).wrapping_sub(1));
    let k = wide::select(scalar.limbs(), scalar.negate().limbs(), even);
    ([k[0] >> 1 | k[1] << 63, k[1] >> 1 | k[2] << 63, k[2] >> 1 | k[3] << 63, k[3] >> 1], even)
}

fn digit(half: &[u64; 4], place: usize) -> Digit {
    let (limb, shift) = (WIDTH * place / 64, WIDTH * place % 64);
    let mut bits = half[limb] >> shift;
    if shift > 64 - WIDTH && limb < 3 {
        bits |= half[limb + 1] << (64 - shift);
    }
    // With w for the six bits the digit is 2w - 63.
    let bits = bits & 63;
    let negative = (bits >> 5).wrapping_sub(1);
    Digit { index: (bits ^ negative) & 31, negative }
}

/// The bits from 252 on; bit 257, which is always set, makes it positive.
fn top_digit(half: &[u64; 4]) -> Digit {
    Digit { index: half[3] >> 60, negative: 0 }
}

/// All points brought to Z = 1 with one inversion (Montgomery's trick); none may be infinity.
pub(super) fn normalize<A: Arith>(arith: A, points: &[Jacobian]) -> Vec<Affine> {
    // The product of all Z before each point.
    let mut before = Vec::with_capacity(points.len());
    let mut product = Fe::ONE;
    for point in points {
        before.push(product);
        product = arith.mul(&product, &point.z);
    }
    let mut inverse = invert(arith, &product);
    let mut affine: Vec<Affine> = points
        .iter()
        .zip(before)
        .rev()
        .map(|(point, before)| {
            let own = arith.mul(&inverse, &before);
            inverse = arith.mul(&inverse, &point.z);
            point.to_affine_with(arith, &own)
        })
        .collect();
    affine.reverse();
    affine
}
