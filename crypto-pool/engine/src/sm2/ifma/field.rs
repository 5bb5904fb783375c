//! Numbers modulo p in lanes: two halves of eight, five limbs of 52 bits, Montgomery form with R = 2^260.
//!
//! Nothing is ever fully reduced on the way. A [`Fe`] has limbs of 52 bits, as the multiplier reads no
//! more, and stands for any number below 16p (2^260 > 16p); each function states below how many p its
//! result lies, given its arguments. A [`Loose`] has signed limbs of up to 62 bits, as sums leave them.
//! A product of numbers below ip and jp is below (ij/16 + 1)p, for i = j = 4 below 2p; for i = j = 16 it would be
//! too large.
//!
//! No branch and no address depends on a number.

use core::arch::x86_64::{__mmask8, _mm512_or_si512, _mm512_slli_epi64, _mm512_testn_epi64_mask};

use zeroize::Zeroize;

use super::limbs::{self, Limbs, P};
use crate::sm2::field as one;
use crate::sm2::field::Arith as _;
use crate::sm2::point;

/// How many halves of eight lanes go through each function together: while one half waits for the
/// result of a multiplication the other one multiplies.
pub(super) const HALVES: usize = 2;

/// Lanes in all.
pub(super) const LANES: usize = 8 * HALVES;

/// A number of 256 bits for each lane, 64 bits to a word, lowest first.
pub(super) type Words = [[u64; 4]; LANES];

/// 1 in Montgomery form: 2^260 mod p.
pub(super) const ONE: [i64; 5] = [0x10, 0x0000_ffff_ffff_0000, 0, 0, 0x0000_0000_0010_0000];
/// 256 in Montgomery form.
const ONE_256: [i64; 5] = [0x1000, 0x000f_ffff_ff00_0000, 0xf, 0, 0x1000_0000];
/// 2^520 mod p: a product with it brings a number into Montgomery form.
const SQUARED: [i64; 5] = [0x0200_0000_0300, 0x000f_ffff_fff0_0000, 0x0001_0000_0002, 0x2000_0000_1000, 0x0400_0000];
/// 2^256 mod p: a product with it takes a number from this form into that of one at a time.
const TO_ONE: [i64; 5] = [1, 0x0fff_ffff_f000, 0, 0, 0x1_0000];

/// Sixteen numbers modulo p, every limb in 0 to 2^52 - 1.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Fe(pub [Limbs; HALVES]);

/// Sixteen numbers with signed limbs, as they are before carries have run.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Loose(pub [Limbs; HALVES]);

impl Fe {
    /// The same number in every lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn same(limbs: &[i64; 5]) -> Self {
        Self([limbs::same(limbs); HALVES])
    }

    /// `self other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul(&self, other: &Self) -> Self {
        Self([limbs::carry(limbs::mul(&self.0[0], &other.0[0])), limbs::carry(limbs::mul(&self.0[1], &other.0[1]))])
    }

    /// `self other` on its way into a sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_loose(&self, other: &Self) -> Loose {
        Loose([limbs::mul(&self.0[0], &other.0[0]), limbs::mul(&self.0[1], &other.0[1])])
    }

    /// `self^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn square(&self) -> Self {
        Self([limbs::carry(limbs::square(&self.0[0])), limbs::carry(limbs::square(&self.0[1]))])
    }

    /// `self^2` on its way into a sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn square_loose(&self) -> Loose {
        Loose([limbs::square(&self.0[0]), limbs::square(&self.0[1])])
    }

    /// `self other + c d`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_add(&self, other: &Self, c: &Self, d: &Self) -> Self {
        Self([
            limbs::carry(limbs::mul_add(&self.0[0], &other.0[0], &c.0[0], &d.0[0])),
            limbs::carry(limbs::mul_add(&self.0[1], &other.0[1], &c.0[1], &d.0[1])),
        ])
    }

    /// `self other + 8 c^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_add_8_squares(&self, other: &Self, c: &Self) -> Self {
        Self([
            limbs::carry(limbs::mul_add_8_squares(&self.0[0], &other.0[0], &c.0[0])),
            limbs::carry(limbs::mul_add_8_squares(&self.0[1], &other.0[1], &c.0[1])),
        ])
    }

    /// `1 / self`, and 0 for 0, for numbers below 2p. Below 2p.
    ///
    /// The lanes are multiplied together and one inversion serves them all: by division steps, in constant
    /// time, a quarter of what a power in lanes would take. Let many numbers share even this
    /// ([`super::point::invert_all`]); none of those in the lanes may be 0 unless all are.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn invert(&self) -> Self {
        let mut numbers = self.canonical().to_quads();
        // x 2^260 is 2^4 x in the scalar form, the inverse of that 2^-4 / x; as a lane reads it 2^-8 / x.
        invert_words(&mut numbers);
        let inverses = Self::from_quads(&numbers).mul(&Self::same(&ONE_256));
        numbers.zeroize();
        inverses
    }

    /// The one number below p that each lane stands for, for numbers below 2p.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn canonical(&self) -> Self {
        Self([limbs::canonical(&self.0[0]), limbs::canonical(&self.0[1])])
    }

    /// Which lanes hold zero. For numbers below 2p.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn zeros(&self) -> [__mmask8; HALVES] {
        let canonical = self.canonical();
        let zero = |l: &Limbs| {
            let any = _mm512_or_si512(l[0], _mm512_or_si512(_mm512_or_si512(l[1], l[2]), _mm512_or_si512(l[3], l[4])));
            _mm512_testn_epi64_mask(any, any)
        };
        [zero(&canonical.0[0]), zero(&canonical.0[1])]
    }

    /// `other` in the lanes of `mask`, `self` elsewhere.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn select(&self, other: &Self, mask: [__mmask8; HALVES]) -> Self {
        Self([limbs::select(&self.0[0], &other.0[0], mask[0]), limbs::select(&self.0[1], &other.0[1], mask[1])])
    }

    /// Into Montgomery form from plain numbers, 64 bits to a word, lowest first. Below 2p.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_plain(numbers: &Words) -> Self {
        Self::from_quads(numbers).mul(&Self::same(&SQUARED))
    }

    /// The plain numbers, below p, 64 bits to a word, lowest first. For numbers below 16p.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn to_plain(self) -> Words {
        // A product with 1: below p + 1.
        let one = Self::same(&[1, 0, 0, 0, 0]);
        self.mul(&one).canonical().to_quads()
    }

    /// The form of one number at a time, x 2^256 below p. For numbers below 16p.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn to_one(self) -> Words {
        // 2^256 mod p as it stands: the product is x 2^260 2^256 / 2^260, below 2p.
        self.mul(&Self::same(&TO_ONE)).canonical().to_quads()
    }

    /// The numbers as they stand, from 64 bits to a word into limbs.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_quads(numbers: &Words) -> Self {
        let half = |h: usize| {
            let word = |i: usize| limbs::from_words(&core::array::from_fn(|lane| numbers[8 * h + lane][i]));
            limbs::from_quads([word(0), word(1), word(2), word(3)])
        };
        Self([half(0), half(1)])
    }

    /// The numbers as they stand, which must be below 2^256, from limbs into 64 bits to a word.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn to_quads(self) -> Words {
        let mut out = [[0; 4]; LANES];
        for h in 0..HALVES {
            let quads = limbs::to_quads(&self.0[h]);
            for i in 0..4 {
                let words = limbs::to_words(quads[i]);
                for lane in 0..8 {
                    out[8 * h + lane][i] = words[lane];
                }
            }
        }
        out
    }
}

impl Loose {
    /// `self + other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn add(&self, other: &[Limbs; HALVES]) -> Self {
        Self([limbs::add(&self.0[0], &other[0]), limbs::add(&self.0[1], &other[1])])
    }

    /// `self - other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn sub(&self, other: &[Limbs; HALVES]) -> Self {
        Self([limbs::sub(&self.0[0], &other[0]), limbs::sub(&self.0[1], &other[1])])
    }

    /// `-self` in the lanes of `mask`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn negate(&self, mask: [__mmask8; HALVES]) -> Self {
        Self([limbs::negate(&self.0[0], mask[0]), limbs::negate(&self.0[1], mask[1])])
    }

    /// Carries run, after 2p has been added, so that numbers above -2p and below 14p may come.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn tight(&self) -> Fe {
        let twice = limbs::same(&[2 * P[0], 2 * P[1], 2 * P[2], 2 * P[3], 2 * P[4]]);
        Fe([limbs::carry(limbs::add(&self.0[0], &twice)), limbs::carry(limbs::add(&self.0[1], &twice))])
    }

    /// Carries run, after 4p has been added, so that numbers above -4p and below 12p may come.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn tight_4(&self) -> Fe {
        let four = limbs::same(&[4 * P[0], 4 * P[1], 4 * P[2], 4 * P[3], 4 * P[4]]);
        Fe([limbs::carry(limbs::add(&self.0[0], &four)), limbs::carry(limbs::add(&self.0[1], &four))])
    }

    /// `self` times 2 to the power of `BITS`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn times<const BITS: u32>(&self) -> Self {
        let mut out = *self;
        for half in &mut out.0 {
            for limb in half {
                *limb = _mm512_slli_epi64::<BITS>(*limb);
            }
        }
        out
    }

    /// Carries run. For numbers from 0 on and below 16p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn tight_positive(&self) -> Fe {
        Fe([limbs::carry(self.0[0]), limbs::carry(self.0[1])])
    }

    /// Carries run and all but the last p taken away or added: below 1.01p, for any number between -128p and 128p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn fold(&self) -> Fe {
        Fe([limbs::fold(self.0[0]), limbs::fold(self.0[1])])
    }
}

/// The inverses of numbers below p in the form of one number at a time, x 2^256; zeros if one of them is zero.
fn invert_words(numbers: &mut Words) {
    one::fastest!(|arith| {
        let mut before = [one::Fe::ONE; LANES];
        let mut product = one::Fe::ONE;
        for (number, before) in numbers.iter().zip(&mut before) {
            *before = product;
            product = arith.mul(&product, &one::Fe(*number));
        }
        let mut inverse = point::invert(arith, &product);
        for (number, before) in numbers.iter_mut().zip(&before).rev() {
            let next = arith.mul(&inverse, &one::Fe(*number));
            *number = arith.mul(&inverse, before).0;
            inverse = next;
        }
        for before in &mut before {
            before.0.zeroize();
        }
    });
}

#[cfg(test)]
mod tests;
