//! GHASH with carry-less multiplication: sixteen blocks at a time where it comes in 512 bits (VPCLMULQDQ),
//! else four at a time, with one reduction for all of them.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

use super::cipher::Block;
use super::ghash::POWERS;
use crate::detect::Features;

/// Proof that this processor has PCLMULQDQ and SSSE3.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pclmul(());

/// Proof that this processor has AVX-512 F and BW, VPCLMULQDQ, PCLMULQDQ and SSSE3.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vpclmul(Pclmul);

impl Pclmul {
    /// If `features` and the processor have it.
    pub(super) fn within(features: Features) -> Option<Self> {
        (features.pclmul && Features::detect().pclmul).then_some(Self(()))
    }

    /// The product in the field, times x^-128.
    pub(super) fn multiply(self, x: u128, y: u128) -> u128 {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { narrow::multiply(x, y) }
    }

    /// Takes blocks into a sum. `powers` of the key fall from the 16th to the first.
    pub(super) fn update(self, powers: &[u128; POWERS], sum: u128, blocks: &[Block]) -> u128 {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { narrow::update(powers, sum, blocks) }
    }
}

impl Vpclmul {
    /// If `features` and the processor have it.
    pub(super) fn within(features: Features) -> Option<Self> {
        let found = Features::detect();
        let has = found.avx512 && found.vpclmul512 && features.avx512 && features.vpclmul512;
        Pclmul::within(features).filter(|_| has).map(Self)
    }

    /// Whoever has the wide ones has the narrow ones.
    pub(super) fn pclmul(self) -> Pclmul {
        self.0
    }

    /// Takes blocks into a sum. `powers` of the key fall from the 16th to the first.
    pub(super) fn update(self, powers: &[u128; POWERS], sum: u128, blocks: &[Block]) -> u128 {
        let (sets, rest) = blocks.as_chunks();
        // SAFETY: `self` proves that the processor has the sets.
        let sum = if sets.is_empty() { sum } else { unsafe { wide::update(powers, sum, sets) } };
        if rest.is_empty() { sum } else { self.0.update(powers, sum, rest) }
    }
}

mod narrow {
    use std::arch::x86_64::{
        __m128i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_loadu_si128, _mm_set_epi64x, _mm_setzero_si128,
        _mm_shuffle_epi32, _mm_slli_si128, _mm_srli_si128, _mm_storeu_si128, _mm_xor_si128,
    };

    use super::super::cipher::Block;
    use super::super::ghash::POWERS;

    /// x^63 + x^62 + x^57, the part of the field's polynomial that a reduction multiplies with.
    const FOLD: i64 = 0xc200_0000_0000_0000_u64 as i64;

    /// Low, middle and high part of a sum of products before the reduction.
    pub(super) struct Sum {
        pub(super) low: __m128i,
        pub(super) middle: __m128i,
        pub(super) high: __m128i,
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    #[inline]
    fn register(x: u128) -> __m128i {
        _mm_set_epi64x((x >> 64) as i64, x as i64)
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    #[inline]
    fn number(x: __m128i) -> u128 {
        let mut bytes = [0; 16];
        // SAFETY: 16 bytes are one register.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), x) };
        u128::from_le_bytes(bytes)
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    #[inline]
    fn add_product(sum: &mut Sum, x: __m128i, y: __m128i) {
        sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128::<0x00>(x, y));
        sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128::<0x11>(x, y));
        let cross = _mm_xor_si128(_mm_clmulepi64_si128::<0x01>(x, y), _mm_clmulepi64_si128::<0x10>(x, y));
        sum.middle = _mm_xor_si128(sum.middle, cross);
    }

    /// The sum modulo the field's polynomial, times x^-128.
    #[target_feature(enable = "pclmulqdq,ssse3")]
    #[inline]
    pub(super) fn reduced(sum: Sum) -> u128 {
        let fold = _mm_cvtsi64_si128(FOLD);
        let low = _mm_xor_si128(sum.low, _mm_slli_si128::<8>(sum.middle));
        let high = _mm_xor_si128(sum.high, _mm_srli_si128::<8>(sum.middle));
        let once = _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(low), _mm_clmulepi64_si128::<0x00>(low, fold));
        let twice = _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(once), _mm_clmulepi64_si128::<0x00>(once, fold));
        number(_mm_xor_si128(high, twice))
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    #[inline]
    fn empty() -> Sum {
        Sum { low: _mm_setzero_si128(), middle: _mm_setzero_si128(), high: _mm_setzero_si128() }
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    pub(super) fn multiply(x: u128, y: u128) -> u128 {
        let mut sum = empty();
        add_product(&mut sum, register(x), register(y));
        reduced(sum)
    }

    #[target_feature(enable = "pclmulqdq,ssse3")]
    pub(super) fn update(powers: &[u128; POWERS], mut total: u128, blocks: &[Block]) -> u128 {
        for set in blocks.chunks(8) {
            let mut sum = empty();
            for (block, power) in set.iter().zip(&powers[POWERS - set.len()..]) {
                // SAFETY: a power is one register.
                let power = unsafe { _mm_loadu_si128(std::ptr::from_ref(power).cast()) };
                add_product(&mut sum, register(u128::from_be_bytes(*block) ^ total), power);
                total = 0;
            }
            total = reduced(sum);
        }
        total
    }
}

mod wide {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm_set_epi64x, _mm_xor_si128, _mm512_castsi512_si128, _mm512_clmulepi64_epi128,
        _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_set4_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
        _mm512_ternarylogic_epi32, _mm512_xor_si512, _mm512_zextsi128_si512,
    };

    use super::super::cipher::Block;
    use super::super::ghash::POWERS;
    use super::narrow::{Sum, reduced};

    #[target_feature(enable = "avx512f,avx512bw,vpclmulqdq,pclmulqdq,ssse3")]
    pub(super) fn update(powers: &[u128; POWERS], mut total: u128, sets: &[[Block; POWERS]]) -> u128 {
        const XOR: i32 = 0x96;
        let turned = _mm512_set4_epi32(0x0001_0203, 0x0405_0607, 0x0809_0a0b, 0x0c0d_0e0f);
        // SAFETY: four powers are one register.
        let powers: [__m512i; 4] =
            std::array::from_fn(|i| unsafe { _mm512_loadu_si512(powers[4 * i..4 * i + 4].as_ptr().cast()) });
        for set in sets {
            let zero = _mm512_setzero_si512();
            let (mut low, mut middle, mut high) = (zero, zero, zero);
            for (i, (four, power)) in set.as_chunks::<4>().0.iter().zip(powers).enumerate() {
                // SAFETY: four blocks are one register.
                let mut x = _mm512_shuffle_epi8(unsafe { _mm512_loadu_si512(four.as_ptr().cast()) }, turned);
                if i == 0 {
                    let total = _mm_set_epi64x((total >> 64) as i64, total as i64);
                    x = _mm512_xor_si512(x, _mm512_zextsi128_si512(total));
                }
                low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128::<0x00>(x, power));
                high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128::<0x11>(x, power));
                middle = _mm512_ternarylogic_epi32::<XOR>(
                    middle,
                    _mm512_clmulepi64_epi128::<0x01>(x, power),
                    _mm512_clmulepi64_epi128::<0x10>(x, power),
                );
            }
            total = reduced(Sum { low: quarters(low), middle: quarters(middle), high: quarters(high) });
        }
        total
    }

    /// The sum of the four quarters.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn quarters(x: __m512i) -> __m128i {
        let first = _mm_xor_si128(_mm512_castsi512_si128(x), _mm512_extracti32x4_epi32::<1>(x));
        let second = _mm_xor_si128(_mm512_extracti32x4_epi32::<2>(x), _mm512_extracti32x4_epi32::<3>(x));
        _mm_xor_si128(first, second)
    }
}
