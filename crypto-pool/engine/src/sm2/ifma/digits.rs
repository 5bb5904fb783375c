//! Odd numbers in lanes as sums of odd digits.
//!
//! An odd k below 2^256 is the sum of d_i 2^(width i) with every d_i odd and of size below 2^width: with e_i the
//! digits, `width` bits each, of (k + 2^(width places) - 1) / 2, d_i = 2 e_i - (2^width - 1). No digit is zero, so
//! that there is no case to hide. An even number gives way to n minus itself.

use core::arch::x86_64::{
    __mmask8, _mm_cvtsi64_si128, _mm512_and_si512, _mm512_mask_blend_epi64, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_sll_epi64, _mm512_srl_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};

use zeroize::Zeroize;

use super::field::{HALVES, Words};
use super::limbs::{V, from_words};
use crate::sm2::scalar::Scalar;
use crate::sm2::wide;

/// Sixteen odd numbers in digits of `WIDTH` bits. Wiped on drop.
pub(super) struct Digits<const WIDTH: usize>([[V; 5]; HALVES]);

/// One digit of each lane.
pub(super) struct Digit {
    /// Which odd multiple: 0 for 1, 1 for 3 and so on.
    pub(super) index: [V; HALVES],
    /// Where it is to be negated.
    pub(super) negated: [__mmask8; HALVES],
}

impl<const WIDTH: usize> Digits<WIDTH> {
    /// As many digits as 256 bits need.
    pub(super) const PLACES: usize = 256_usize.div_ceil(WIDTH);

    /// The numbers must be odd.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn new(numbers: &Words) -> Self {
        let top = WIDTH * Self::PLACES - 1;
        let half = |h: usize| {
            // k / 2, and the highest bit of the highest digit.
            let word = |i: usize| {
                let mut words = [0; 8];
                for (word, k) in words.iter_mut().zip(&numbers[8 * h..]) {
                    let next = if i < 3 { k[i + 1] << 63 } else { 0 };
                    *word = k[i] >> 1 | next | if i == top / 64 { 1 << (top % 64) } else { 0 };
                }
                from_words(&words)
            };
            let above = if top / 64 == 4 { 1 << (top % 64) } else { 0 };
            [word(0), word(1), word(2), word(3), _mm512_set1_epi64(above)]
        };
        Self([half(0), half(1)])
    }

    /// The digits of this place.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn at(&self, place: usize) -> Digit {
        let (word, bit) = (WIDTH * place / 64, WIDTH * place % 64);
        let (right, left) = (_mm_cvtsi64_si128(bit as i64), _mm_cvtsi64_si128(64 - bit as i64));
        let high = _mm512_set1_epi64(1 << (WIDTH - 1));
        let low = _mm512_set1_epi64((1 << (WIDTH - 1)) - 1);
        let one = |h: usize| {
            let words = &self.0[h];
            let mut bits = _mm512_srl_epi64(words[word], right);
            if bit + WIDTH > 64 {
                bits = _mm512_or_si512(bits, _mm512_sll_epi64(words[word + 1], left));
            }
            // The upper half of the values counts up from the multiple 1, the lower half down from -1.
            let positive = _mm512_test_epi64_mask(bits, high);
            let bits = _mm512_and_si512(bits, low);
            (_mm512_mask_blend_epi64(positive, _mm512_xor_si512(bits, low), bits), !positive)
        };
        let (a, b) = (one(0), one(1));
        Digit { index: [a.0, b.0], negated: [a.1, b.1] }
    }
}

impl<const WIDTH: usize> Drop for Digits<WIDTH> {
    fn drop(&mut self) {
        for words in &mut self.0 {
            words.zeroize();
        }
    }
}

/// k or n-k, whichever is odd.
pub(super) fn one_that_is_odd(k: &Scalar) -> [u64; 4] {
    wide::select(k.limbs(), k.negate().limbs(), (k.limbs()[0] & 1).wrapping_sub(1))
}
