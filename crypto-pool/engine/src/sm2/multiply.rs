//! Multiples of a point that is met once: in constant time for secret numbers (decryption), and together with a
//! multiple of G for public ones (verification).

use std::sync::LazyLock;

use super::comb::{self, Comb};
use super::field::{Arith, Portable};
use super::point::{Addend, Affine, Jacobian};
use super::scalar::Scalar;

/// The multiples of G, made when first needed (under a millisecond).
pub(super) static BASE: LazyLock<Comb> = LazyLock::new(|| super::field::fastest!(|arith| Comb::new(arith, &Affine::G)));

/// Odd multiples of G for [`base_and_point_vartime`]: G, 3G ... 511G, 16 KiB.
static BASE_ODD: LazyLock<Vec<Affine>> = LazyLock::new(|| {
    let g = Affine::G.to_jacobian();
    comb::normalize(Portable, &odd_multiples(Portable, &g, 1 << (BASE_WIDTH - 2)))
});

/// Width of the digits of G's factor: a nonzero one in eleven bits.
const BASE_WIDTH: usize = 10;
/// Width of the digits of the point's factor: a nonzero one in six bits.
const POINT_WIDTH: usize = 5;
/// Bits of a digit of a secret factor.
const WIDTH: usize = 4;
/// Digits of a secret factor, the highest counted too.
const DIGITS: usize = 65;

/// The multiple of `point` by a scalar other than zero, in constant time.
///
/// Digits as in [`comb`](super::comb), odd and between -15 and 15. Here too nothing equal, opposite or infinite is
/// ever added: before digit i the sum stands for a multiple of 16, other than zero and, for i > 0, below n/2; for
/// i = 0 the difference to the digit would be n only for k = n + 2d, but d is k mod 32, less 16, and n mod 32 is 3:
/// d would be 13, and k above n.
pub(super) fn times<A: Arith>(arith: A, point: &Affine, scalar: &Scalar) -> Jacobian {
    let mut table = [Addend::default(); 1 << (WIDTH - 1)];
    let twice = Addend::new(arith, &point.to_jacobian().double(arith));
    let mut multiple = point.to_jacobian();
    for (i, entry) in table.iter_mut().enumerate() {
        if i > 0 {
            multiple = twice.add_to(arith, &multiple);
        }
        *entry = Addend::new(arith, &multiple);
    }
    let (half, negative) = comb::recode(scalar);
    // The highest digit stands for bits 256 and up, of which only the one that is always set is there: it is 1.
    let mut sum = table[0].negate_if(negative).point;
    for place in (0..DIGITS - 1).rev() {
        for _ in 0..WIDTH {
            sum = sum.double(arith);
        }
        // 16 digits in a limb. With w for the four bits the digit is 2w - 15.
        let bits = half[place / 16] >> (WIDTH * (place % 16)) & 15;
        let below = (bits >> 3).wrapping_sub(1);
        let addend = Addend::select(&table, (bits ^ below) & 7).negate_if(below ^ negative);
        sum = addend.add_to(arith, &sum);
    }
    sum
}

/// s·G + t·point, for public numbers: both sums share their doublings.
pub(super) fn base_and_point_vartime<A: Arith>(arith: A, s: &Scalar, t: &Scalar, point: &Affine) -> Jacobian {
    let multiples = odd_multiples(arith, &point.to_jacobian(), 1 << (POINT_WIDTH - 2));
    let table: Vec<Addend> = multiples.iter().map(|multiple| Addend::new(arith, multiple)).collect();
    let (s, t) = (signed_digits(s, BASE_WIDTH), signed_digits(t, POINT_WIDTH));
    let mut sum = Jacobian::default();
    let highest = (0..PLACES).rev().find(|&i| s[i] != 0 || t[i] != 0).unwrap_or(0);
    for i in (0..=highest).rev() {
        sum = sum.double(arith);
        if t[i] != 0 {
            let addend = table[usize::from(t[i].unsigned_abs() / 2)].negate_if(sign_mask(t[i]));
            sum = addend.add_to_vartime(arith, &sum);
        }
        if s[i] != 0 {
            let addend = BASE_ODD[usize::from(s[i].unsigned_abs() / 2)].negate_if(sign_mask(s[i]));
            sum = sum.add_affine_vartime(arith, &addend);
        }
    }
    sum
}

/// All ones for a negative digit.
fn sign_mask(digit: i16) -> u64 {
    i64::from(digit >> 15) as u64
}

/// The point, three times the point, and so on.
fn odd_multiples<A: Arith>(arith: A, point: &Jacobian, count: usize) -> Vec<Jacobian> {
    let twice = Addend::new(arith, &point.double(arith));
    std::iter::successors(Some(*point), |multiple| Some(twice.add_to_vartime(arith, multiple))).take(count).collect()
}

/// Places of a number in signed digits: one more than it has bits.
const PLACES: usize = 257;

/// The number as a sum of odd digits below 2^(width-1) in size at places at least `width` apart (wNAF).
fn signed_digits(scalar: &Scalar, width: usize) -> [i16; PLACES] {
    let [a, b, c, d] = *scalar.limbs();
    let limbs = [a, b, c, d, 0, 0];
    let mut digits = [0; PLACES];
    let (mut place, mut carry) = (0, 0);
    while place < PLACES {
        let (limb, shift) = (place / 64, place % 64);
        // Doubled before it is shifted, as a shift by 64 is none.
        let bits = limbs[limb] >> shift | (limbs[limb + 1] << 1) << (63 - shift);
        if bits & 1 == carry {
            place += 1;
            continue;
        }
        let word = (bits & ((1 << width) - 1)) + carry;
        carry = word >> (width - 1) & 1;
        digits[place] = (word as i64 - ((carry as i64) << width)) as i16;
        place += width;
    }
    digits
}
