//! Eight numbers modulo p, five limbs of 52 bits each: the arithmetic of one half of the lanes.
//!
//! p = 2^256 - 2^224 - 2^96 + 2^64 - 1, so -p^-1 mod 2^52 is 1 and the digit of each reduction step is
//! the lowest limb itself; what the step adds to the others is a multiple of two constants only.
//!
//! [`super::field`] tells how large the numbers may be. No branch and no address depends on a number.

#![allow(unsafe_code, reason = "sixteen field elements at once need the SIMD units")]

use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_blend_epi64, _mm512_mask_sub_epi64, _mm512_movepi64_mask, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_shrdi_epi64, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64,
    _mm512_sub_epi64,
};

/// Eight limbs, one of each lane.
pub(super) type V = __m512i;

/// The limbs of eight numbers: bits 0 to 51, 52 to 103 and so on.
pub(super) type Limbs = [V; 5];

/// The columns of eight products.
type Columns = [V; 10];

/// All bits of a limb.
const MASK: i64 = (1 << 52) - 1;
/// p in limbs.
pub(super) const P: [i64; 5] = [MASK, 0x000f_f000_0000_0fff, MASK, MASK, 0x0000_ffff_fffe_ffff];

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
pub(super) fn mul(a: &Limbs, b: &Limbs) -> Limbs {
    let mut t = [_mm512_setzero_si512(); 10];
    add_product(&mut t, a, b);
    reduce(&mut t)
}

/// `a^2`, carries not run.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn square(a: &Limbs) -> Limbs {
    let mut t = square_columns(a);
    reduce(&mut t)
}

/// `a b + c d`, carries not run: one reduction for both products.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn mul_add(a: &Limbs, b: &Limbs, c: &Limbs, d: &Limbs) -> Limbs {
    let mut t = [_mm512_setzero_si512(); 10];
    add_product(&mut t, a, b);
    add_product(&mut t, c, d);
    reduce(&mut t)
}

/// `a b + 8 c^2`, carries not run: one reduction for both products.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn mul_add_8_squares(a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
    let mut t = square_columns(c);
    for column in &mut t {
        *column = _mm512_slli_epi64::<3>(*column);
    }
    add_product(&mut t, a, b);
    reduce(&mut t)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_add_epi64(a[i], b[i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn sub(a: &Limbs, b: &Limbs) -> Limbs {
    let mut out = *a;
    for i in 0..5 {
        out[i] = _mm512_sub_epi64(a[i], b[i]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn negate(a: &Limbs, mask: __mmask8) -> Limbs {
    let mut out = *a;
    for limb in &mut out {
        *limb = _mm512_mask_sub_epi64(*limb, mask, _mm512_setzero_si512(), *limb);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn select(a: &Limbs, b: &Limbs, mask: __mmask8) -> Limbs {
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
pub(super) fn fold(mut t: Limbs) -> Limbs {
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
pub(super) fn canonical(a: &Limbs) -> Limbs {
    let less = carry(sub(a, &same(&P)));
    // The sign of a - p stands in its highest limb.
    select(&less, a, _mm512_movepi64_mask(less[4]))
}

/// 256 bits out of four words into limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn from_quads(w: [V; 4]) -> Limbs {
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
pub(super) fn from_quads_16(w: [V; 4]) -> Limbs {
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
pub(super) fn to_quads(l: &Limbs) -> [V; 4] {
    let join = |low, high| _mm512_or_si512(low, high);
    [
        join(l[0], _mm512_slli_epi64::<52>(l[1])),
        join(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
        join(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
        join(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
    ]
}
