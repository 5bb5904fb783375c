//! Numbers modulo p in lanes: two halves of eight, five limbs of 52 bits, Montgomery form with R = 2^260.
//!
//! p = 2^256 - 2^224 - 2^96 + 2^64 - 1, so -p^-1 mod 2^52 is 1 and the digit of each reduction step is
//! the lowest limb itself; what the step adds to the others is a multiple of two constants only.
//!
//! Nothing is ever fully reduced on the way. A [`Fe`] has limbs of 52 bits, as the multiplier reads no
//! more, and stands for any number below 16p (2^260 > 16p); each function states below how many p its
//! result lies, given its arguments. A [`Loose`] has signed limbs of up to 62 bits, as sums leave them.
//! A product of numbers below ip and jp is below (ij/16 + 1)p: for i = j = 4 it is below 2p.
//!
//! No branch and no address depends on a number.

#![allow(unsafe_code, reason = "sixteen field elements at once need the SIMD units")]

use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_blend_epi64, _mm512_mask_sub_epi64, _mm512_movepi64_mask, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_shrdi_epi64, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64,
    _mm512_sub_epi64, _mm512_testn_epi64_mask,
};

use zeroize::Zeroize;

use crate::sm2::field as one;
use crate::sm2::field::Arith as _;
use crate::sm2::point;

/// Eight limbs, one of each lane.
pub(super) type V = __m512i;

/// How many halves of eight lanes go through each function together: while one half waits for the
/// result of a multiplication the other one multiplies.
pub(super) const HALVES: usize = 2;

/// Lanes in all.
pub(super) const LANES: usize = 8 * HALVES;

/// A number of 256 bits for each lane, 64 bits to a word, lowest first.
pub(super) type Words = [[u64; 4]; LANES];

/// The limbs of eight numbers: bits 0 to 51, 52 to 103 and so on.
pub(super) type Limbs = [V; 5];

/// The columns of eight products.
type Columns = [V; 10];

/// Sixteen numbers modulo p, every limb in 0 to 2^52 - 1.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Fe(pub [Limbs; HALVES]);

/// Sixteen numbers with signed limbs, as they are before carries have run.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Loose(pub [Limbs; HALVES]);

const MASK: i64 = (1 << 52) - 1;
/// p in limbs.
pub(super) const P: [i64; 5] = [MASK, 0x000f_f000_0000_0fff, MASK, MASK, 0x0000_ffff_fffe_ffff];
/// 1 in Montgomery form: 2^260 mod p.
pub(super) const ONE: [i64; 5] = [0x10, 0x0000_ffff_ffff_0000, 0, 0, 0x0000_0000_0010_0000];
/// 256 in Montgomery form.
const ONE_256: [i64; 5] = [0x1000, 0xfffffff000000, 0xf, 0x0, 0x10000000];
/// 2^520 mod p: a product with it brings a number into Montgomery form.
const SQUARED: [i64; 5] = [0x0200_0000_0300, 0x000f_ffff_fff0_0000, 0x0001_0000_0002, 0x2000_0000_1000, 0x0400_0000];

/// The same number in every lane of a half.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn same(limbs: &[i64; 5]) -> Limbs {
    [
        _mm512_set1_epi64(limbs[0]),
        _mm512_set1_epi64(limbs[1]),
        _mm512_set1_epi64(limbs[2]),
        _mm512_set1_epi64(limbs[3]),
        _mm512_set1_epi64(limbs[4]),
    ]
}

/// Eight words, one for each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn from_words(words: &[u64; 8]) -> V {
    // SAFETY: both types are 64 bytes of which every pattern is a value.
    unsafe { core::mem::transmute::<[u64; 8], V>(*words) }
}

/// The words of the eight lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn to_words(v: V) -> [u64; 8] {
    // SAFETY: both types are 64 bytes of which every pattern is a value.
    unsafe { core::mem::transmute::<V, [u64; 8]>(v) }
}

/// Adds the product of `a` and `b`. A column of one product is below 9 * 2^52.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn add_product(t: &mut Columns, a: &Limbs, b: &Limbs) {
    for i in 0..5 {
        for j in 0..5 {
            t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], b[j]);
        }
        for j in 0..5 {
            t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], b[j]);
        }
    }
}

/// The square of `a`: what lies off the diagonal is made once and doubled.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn square_columns(a: &Limbs) -> Columns {
    let mut t = [_mm512_setzero_si512(); 10];
    for i in 0..4 {
        for j in i + 1..5 {
            t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], a[j]);
        }
        for j in i + 1..5 {
            t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], a[j]);
        }
    }
    // The ends, 0 and 9, hold nothing yet: the products start at 0 + 1 and the last high half is 3 + 4 + 1.
    for column in &mut t[1..9] {
        *column = _mm512_add_epi64(*column, *column);
    }
    for i in 0..5 {
        t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a[i], a[i]);
        t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a[i], a[i]);
    }
    t
}

/// T / 2^260 modulo p, for the number T that the columns stand for: below T / 2^260 + p.
///
/// A step with the digit q, the low 52 bits of the lowest column, adds
/// q p = -q + 2^52 q (2^52 - 2^44 + 2^12) - 2^104 q + 2^208 q (2^48 - 2^16). The first term clears the
/// digit. Columns are signed: the third may leave one a little below zero.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn reduce(t: &mut Columns) -> Limbs {
    let (mask, low, high) =
        (_mm512_set1_epi64(MASK), _mm512_set1_epi64(0x000f_f000_0000_1000), _mm512_set1_epi64(0xffff_ffff_0000));
    for i in 0..5 {
        let digit = t[i];
        t[i + 1] = _mm512_madd52lo_epu64(t[i + 1], digit, low);
        t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64::<52>(digit));
        t[i + 2] = _mm512_madd52hi_epu64(t[i + 2], digit, low);
        t[i + 2] = _mm512_sub_epi64(t[i + 2], _mm512_and_si512(digit, mask));
        t[i + 4] = _mm512_madd52lo_epu64(t[i + 4], digit, high);
        t[i + 5] = _mm512_madd52hi_epu64(t[i + 5], digit, high);
    }
    [t[5], t[6], t[7], t[8], t[9]]
}

/// Lets the carries run. The number must lie in 0 to 2^260 - 1.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn carry(mut t: Limbs) -> Limbs {
    let mask = _mm512_set1_epi64(MASK);
    for i in 0..4 {
        t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64::<52>(t[i]));
        t[i] = _mm512_and_si512(t[i], mask);
    }
    t
}

/// `a b`, carries not run.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn mul_half(a: &Limbs, b: &Limbs) -> Limbs {
    let mut t = [_mm512_setzero_si512(); 10];
    add_product(&mut t, a, b);
    reduce(&mut t)
}

/// `a^2`, carries not run.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn square_half(a: &Limbs) -> Limbs {
    let mut t = square_columns(a);
    reduce(&mut t)
}

/// `a b + c d`, carries not run: one reduction for both products.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn mul_add_half(a: &Limbs, b: &Limbs, c: &Limbs, d: &Limbs) -> Limbs {
    let mut t = [_mm512_setzero_si512(); 10];
    add_product(&mut t, a, b);
    add_product(&mut t, c, d);
    reduce(&mut t)
}

/// `a b + 8 c^2`, carries not run: one reduction for both products.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn mul_add_8_squares_half(a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
    let mut t = square_columns(c);
    for column in &mut t {
        *column = _mm512_slli_epi64::<3>(*column);
    }
    add_product(&mut t, a, b);
    reduce(&mut t)
}

impl Fe {
    /// The same number in every lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn same(limbs: &[i64; 5]) -> Self {
        Self([same(limbs); HALVES])
    }

    /// `self other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul(&self, other: &Self) -> Self {
        Self([carry(mul_half(&self.0[0], &other.0[0])), carry(mul_half(&self.0[1], &other.0[1]))])
    }

    /// `self other` on its way into a sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_loose(&self, other: &Self) -> Loose {
        Loose([mul_half(&self.0[0], &other.0[0]), mul_half(&self.0[1], &other.0[1])])
    }

    /// `self^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn square(&self) -> Self {
        Self([carry(square_half(&self.0[0])), carry(square_half(&self.0[1]))])
    }

    /// `self^2` on its way into a sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn square_loose(&self) -> Loose {
        Loose([square_half(&self.0[0]), square_half(&self.0[1])])
    }

    /// `self other + c d`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_add(&self, other: &Self, c: &Self, d: &Self) -> Self {
        Self([
            carry(mul_add_half(&self.0[0], &other.0[0], &c.0[0], &d.0[0])),
            carry(mul_add_half(&self.0[1], &other.0[1], &c.0[1], &d.0[1])),
        ])
    }

    /// `self other + 8 c^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn mul_add_8_squares(&self, other: &Self, c: &Self) -> Self {
        Self([
            carry(mul_add_8_squares_half(&self.0[0], &other.0[0], &c.0[0])),
            carry(mul_add_8_squares_half(&self.0[1], &other.0[1], &c.0[1])),
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
        Self([canonical(&self.0[0]), canonical(&self.0[1])])
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
        Self([select(&self.0[0], &other.0[0], mask[0]), select(&self.0[1], &other.0[1], mask[1])])
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
        self.mul(&Self::same(&[0x1, 0xffffffff000, 0x0, 0x0, 0x10000])).canonical().to_quads()
    }

    /// The numbers as they stand, from 64 bits to a word into limbs.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_quads(numbers: &Words) -> Self {
        let half = |h: usize| {
            let word = |i: usize| from_words(&core::array::from_fn(|lane| numbers[8 * h + lane][i]));
            limbs([word(0), word(1), word(2), word(3)])
        };
        Self([half(0), half(1)])
    }

    /// The numbers as they stand, which must be below 2^256, from limbs into 64 bits to a word.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn to_quads(self) -> Words {
        let mut out = [[0; 4]; LANES];
        for h in 0..HALVES {
            let quads = quads(&self.0[h]);
            for i in 0..4 {
                let words = to_words(quads[i]);
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
        Self([add(&self.0[0], &other[0]), add(&self.0[1], &other[1])])
    }

    /// `self - other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn sub(&self, other: &[Limbs; HALVES]) -> Self {
        Self([sub(&self.0[0], &other[0]), sub(&self.0[1], &other[1])])
    }

    /// `-self` in the lanes of `mask`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn negate(&self, mask: [__mmask8; HALVES]) -> Self {
        Self([negate(&self.0[0], mask[0]), negate(&self.0[1], mask[1])])
    }

    /// Carries run, after 2p has been added, so that numbers above -2p and below 14p may come.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn tight(&self) -> Fe {
        let twice = same(&[2 * P[0], 2 * P[1], 2 * P[2], 2 * P[3], 2 * P[4]]);
        Fe([carry(add(&self.0[0], &twice)), carry(add(&self.0[1], &twice))])
    }

    /// Carries run, after 4p has been added, so that numbers above -4p and below 12p may come.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn tight_4(&self) -> Fe {
        let four = same(&[4 * P[0], 4 * P[1], 4 * P[2], 4 * P[3], 4 * P[4]]);
        Fe([carry(add(&self.0[0], &four)), carry(add(&self.0[1], &four))])
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
        Fe([carry(self.0[0]), carry(self.0[1])])
    }

    /// Carries run and all but the last p taken away or added: below 1.01p, for any number between -128p and 128p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn fold(&self) -> Fe {
        Fe([fold(self.0[0]), fold(self.0[1])])
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn sub(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_sub_epi64(a[i], b[i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn negate(a: &Limbs, mask: __mmask8) -> Limbs {
    let mut out = *a;
    for limb in &mut out {
        *limb = _mm512_mask_sub_epi64(*limb, mask, _mm512_setzero_si512(), *limb);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn select(a: &Limbs, b: &Limbs, mask: __mmask8) -> Limbs {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_mask_blend_epi64(mask, a[i], b[i]);
    }
    out
}

/// Replaces h 2^256 by h (2^224 + 2^96 - 2^64 + 1), h being what the highest limb holds above bit 48.
///
/// h is taken of a little less than the limb, so that what stays is never negative: the limbs below
/// are worth less than 2^6 of the highest one's units either way, and h (2^224 + ...) less than 2^24.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn fold(mut t: Limbs) -> Limbs {
    let rest = _mm512_set1_epi64(1 << 40);
    let top = _mm512_sub_epi64(t[4], rest);
    let h = _mm512_srai_epi64::<48>(top);
    t[4] = _mm512_sub_epi64(t[4], _mm512_slli_epi64::<48>(h));
    t[4] = _mm512_add_epi64(t[4], _mm512_slli_epi64::<16>(h));
    t[1] = _mm512_add_epi64(t[1], _mm512_slli_epi64::<44>(h));
    t[1] = _mm512_sub_epi64(t[1], _mm512_slli_epi64::<12>(h));
    t[0] = _mm512_add_epi64(t[0], h);
    carry(t)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn canonical(a: &Limbs) -> Limbs {
    let less = carry(sub(a, &same(&P)));
    // The sign of a - p stands in its highest limb.
    select(&less, a, _mm512_movepi64_mask(less[4]))
}

/// 256 bits out of four words into limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn limbs(w: [V; 4]) -> Limbs {
    let mask = _mm512_set1_epi64(MASK);
    [
        _mm512_and_si512(w[0], mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<52>(w[0], w[1]), mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<40>(w[1], w[2]), mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<28>(w[2], w[3]), mask),
        _mm512_srli_epi64::<16>(w[3]),
    ]
}

/// 256 bits out of four words, times 16, into limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn limbs_16(w: [V; 4]) -> Limbs {
    let mask = _mm512_set1_epi64(MASK);
    [
        _mm512_and_si512(_mm512_slli_epi64::<4>(w[0]), mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<48>(w[0], w[1]), mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<36>(w[1], w[2]), mask),
        _mm512_and_si512(_mm512_shrdi_epi64::<24>(w[2], w[3]), mask),
        _mm512_srli_epi64::<12>(w[3]),
    ]
}

/// 256 bits out of limbs into four words.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn quads(l: &Limbs) -> [V; 4] {
    let join = |low, high| _mm512_or_si512(low, high);
    [
        join(l[0], _mm512_slli_epi64::<52>(l[1])),
        join(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
        join(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
        join(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
    ]
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
mod tests {
    use super::*;

    fn now() -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    #[ignore = "a measurement"]
    fn speed() {
        if !crate::detect::Features::detect().ifma {
            return;
        }
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
        fn run() {
            let mut a = Fe::same(&SQUARED);
            let b = std::hint::black_box(Fe::same(&SQUARED));
            const N: u32 = 2_000_000;
            let x = 1u64;
            let t = now();
            let mut s: u64 = std::hint::black_box(3);
            for _ in 0..20_000_000u64 {
                for _ in 0..5 {
                    s = s.wrapping_mul(s);
                }
                s |= 3;
            }
            std::hint::black_box((s, x));
            let ghz = 320_000_000.0 / (now() - t) as f64;
            println!("clock about {ghz:.2} GHz");
            let t = now();
            for _ in 0..N {
                a = a.mul(&b);
            }
            println!("mul pair {:.1} cycles per 8", (now() - t) as f64 * ghz / f64::from(N) / HALVES as f64);
            let t = now();
            for _ in 0..N {
                a = a.square();
            }
            println!("sqr pair {:.1} cycles per 8", (now() - t) as f64 * ghz / f64::from(N) / HALVES as f64);
            let mut acc = [a.0[0][0]; 10];
            let t = now();
            for _ in 0..N {
                for _ in 0..10 {
                    for x in &mut acc {
                        *x = _mm512_madd52lo_epu64(*x, b.0[0][0], b.0[0][1]);
                    }
                }
            }
            println!("ifma {:.2} cycles", (now() - t) as f64 * ghz / f64::from(N) / 100.0);
            std::hint::black_box(acc);
            let t = now();
            for _ in 0..N {
                for _ in 0..10 {
                    for x in &mut acc {
                        *x = _mm512_add_epi64(*x, b.0[0][1]);
                        *x = _mm512_sub_epi64(b.0[0][0], *x);
                    }
                }
            }
            println!("add {:.2} cycles", (now() - t) as f64 * ghz / f64::from(N) / 200.0);
            std::hint::black_box(acc);
            let mut h = a.0[0];
            let t = now();
            for _ in 0..N {
                h = carry(mul_half(&h, &b.0[0]));
            }
            println!("mul one {:.1}", (now() - t) as f64 * ghz / f64::from(N));
            let t = now();
            for _ in 0..N {
                h = carry(square_half(&h));
            }
            println!("sqr one {:.1}", (now() - t) as f64 * ghz / f64::from(N));
            let mut c = a.mul(&b);
            let mut d = c.mul(&b);
            let t = now();
            for _ in 0..N {
                a = a.mul(&b);
                c = c.mul(&b);
                d = d.mul(&b);
            }
            println!("3 mul pairs {:.1}", (now() - t) as f64 * ghz / f64::from(N) / HALVES as f64 / 3.0);
            std::hint::black_box((a, h, c, d));
        }
        // SAFETY: the features were detected above.
        unsafe { run() }
    }
}
