//! SM4 with GFNI and AVX-512: sixteen blocks in four registers, and up to four times sixteen interleaved,
//! so that one's latency is another's work.
//!
//! The S-box is an affine map, an inversion in a field of 256 elements and an affine map again; GFNI has an
//! instruction for the first and one for the other two. No table, so nothing that a cache could tell.
//! Register `k` of four holds word `k` of sixteen blocks.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

use super::key::{LaneKeys, RoundKeys};
use crate::detect::Features;

/// Proof that this processor has AVX-512 F, BW, DQ and VL and GFNI.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gfni(());

impl Gfni {
    /// If `features` and the processor have it.
    pub(super) fn within(features: Features) -> Option<Self> {
        (features.gfni512 && Features::detect().gfni512).then_some(Self(()))
    }

    /// The round keys of a key.
    pub(super) fn expand(self, key: &[u8; 16]) -> RoundKeys {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { units::expand(key) }
    }

    /// Puts each block through the cipher.
    pub(super) fn blocks(self, keys: &RoundKeys, blocks: &mut [[u8; 16]]) {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { units::blocks(keys, blocks) }
    }

    /// Adds the key stream of the counters `prefix || first`, `prefix || first + 1` ... to a text. The last
    /// 32 bits wrap without a carry.
    pub(super) fn add_stream(self, keys: &RoundKeys, prefix: [u32; 3], first: u32, text: &mut [u8]) {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { units::add_stream(keys, prefix, first, text) }
    }

    /// Puts blocks through the cipher, each under keys of its own; see `cipher::Units::lanes`.
    pub(super) fn lanes(self, keys: &[LaneKeys], blocks: &mut [[[u8; 16]; 16]]) {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { units::lanes(keys, blocks) }
    }
}

mod units {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm_cvtsi32_si128, _mm_cvtsi128_si32, _mm_gf2p8affine_epi64_epi8,
        _mm_gf2p8affineinv_epi64_epi8, _mm_rol_epi32, _mm_set1_epi32, _mm_set1_epi64x, _mm_ternarylogic_epi32,
        _mm_xor_si128, _mm512_add_epi32, _mm512_gf2p8affine_epi64_epi8, _mm512_gf2p8affineinv_epi64_epi8,
        _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set_epi32, _mm512_set1_epi32, _mm512_set1_epi64,
        _mm512_set4_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
    };

    use super::super::key::{LaneKeys, RoundKeys, expand_with};

    /// From SM4's field into that of the instruction, behind the inner affine map of the S-box.
    const INNER: i64 = 0x34ac_259e_022d_bc52;
    const INNER_ADD: i32 = 0x65;
    /// Back, and the outer affine map.
    const OUTER: i64 = 0xd72d_8e51_1e6c_8b19_u64 as i64;
    const OUTER_ADD: i32 = 0xd3;
    /// `x ^ y ^ z` as a truth table of `vpternlogd`.
    const XOR: i32 = 0x96;

    /// Sixteen blocks, word by word.
    type Set = [__m512i; 4];

    /// `x0 ^ L(S(x1 ^ x2 ^ x3 ^ rk))`.
    macro_rules! round {
        ($x0:expr, $x1:expr, $x2:expr, $x3:expr, $key:expr, $inner:ident, $outer:ident) => {{
            let sum = _mm512_xor_si512(_mm512_ternarylogic_epi32::<XOR>($x1, $x2, $x3), $key);
            let field = _mm512_gf2p8affine_epi64_epi8::<INNER_ADD>(sum, $inner);
            let s = _mm512_gf2p8affineinv_epi64_epi8::<OUTER_ADD>(field, $outer);
            let one = _mm512_ternarylogic_epi32::<XOR>($x0, s, _mm512_rol_epi32::<2>(s));
            let two = _mm512_xor_si512(_mm512_rol_epi32::<10>(s), _mm512_rol_epi32::<18>(s));
            $x0 = _mm512_ternarylogic_epi32::<XOR>(one, two, _mm512_rol_epi32::<24>(s));
        }};
    }

    /// All rounds on `N` times sixteen blocks. `key(i, n)` is round key `i` of set `n`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    #[inline]
    fn rounds<const N: usize>(sets: &mut [Set; N], key: impl Fn(usize, usize) -> __m512i) {
        let (inner, outer) = (_mm512_set1_epi64(INNER), _mm512_set1_epi64(OUTER));
        for i in (0..32).step_by(4) {
            for (n, [x0, x1, x2, x3]) in sets.iter_mut().enumerate() {
                round!(*x0, *x1, *x2, *x3, key(i, n), inner, outer);
            }
            for (n, [x0, x1, x2, x3]) in sets.iter_mut().enumerate() {
                round!(*x1, *x2, *x3, *x0, key(i + 1, n), inner, outer);
            }
            for (n, [x0, x1, x2, x3]) in sets.iter_mut().enumerate() {
                round!(*x2, *x3, *x0, *x1, key(i + 2, n), inner, outer);
            }
            for (n, [x0, x1, x2, x3]) in sets.iter_mut().enumerate() {
                round!(*x3, *x0, *x1, *x2, key(i + 3, n), inner, outer);
            }
        }
    }

    /// Swaps the bytes of each word.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn swapped(x: __m512i) -> __m512i {
        _mm512_shuffle_epi8(x, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
    }

    /// Rows to columns, four by four words, in each quarter of the registers. Its own inverse.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn transposed([a, b, c, d]: Set) -> Set {
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ]
    }

    /// What the rounds leave, as blocks in their order: the words turned round (GB/T 32907-2016 6.1 b).
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn finished([x0, x1, x2, x3]: Set) -> Set {
        let [a, b, c, d] = transposed([x3, x2, x1, x0]);
        [swapped(a), swapped(b), swapped(c), swapped(d)]
    }

    /// `N` times sixteen blocks, where they lie.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    #[inline]
    fn crypt<const N: usize>(blocks: &mut [[[u8; 16]; 16]; N], key: impl Fn(usize, usize) -> __m512i) {
        let mut sets = [[_mm512_setzero_si512(); 4]; N];
        for (set, blocks) in sets.iter_mut().zip(&*blocks) {
            for (row, four) in set.iter_mut().zip(blocks.as_chunks::<4>().0) {
                // SAFETY: four blocks are one register.
                *row = swapped(unsafe { _mm512_loadu_si512(four.as_ptr().cast()) });
            }
            *set = transposed(*set);
        }
        rounds(&mut sets, key);
        for (set, blocks) in sets.into_iter().zip(blocks) {
            for (row, four) in finished(set).into_iter().zip(blocks.as_chunks_mut::<4>().0) {
                // SAFETY: four blocks are one register.
                unsafe { _mm512_storeu_si512(four.as_mut_ptr().cast(), row) }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    pub(super) fn blocks(keys: &RoundKeys, blocks: &mut [[u8; 16]]) {
        let key = |i: usize, _| _mm512_set1_epi32(keys.0[i] as i32);
        let (sets, rest) = blocks.as_chunks_mut::<16>();
        let (fours, sets) = sets.as_chunks_mut::<4>();
        for four in fours {
            crypt(four, key);
        }
        let (twos, ones) = sets.as_chunks_mut::<2>();
        for two in twos {
            crypt(two, key);
        }
        for one in ones {
            crypt(std::array::from_mut(one), key);
        }
        match rest {
            [] => {}
            [block] => single(keys, block),
            rest => {
                let mut padded = [[0; 16]; 16];
                padded[..rest.len()].copy_from_slice(rest);
                crypt(std::array::from_mut(&mut padded), key);
                rest.copy_from_slice(&padded[..rest.len()]);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    pub(super) fn lanes(keys: &[LaneKeys], blocks: &mut [[[u8; 16]; 16]]) {
        // SAFETY: the keys of sixteen lanes are one register.
        let key = |keys: &[LaneKeys], i: usize, n: usize| unsafe { _mm512_loadu_si512(keys[n][i].as_ptr().cast()) };
        let (four_keys, keys) = keys.as_chunks::<4>();
        let (fours, blocks) = blocks.as_chunks_mut::<4>();
        for (keys, four) in four_keys.iter().zip(fours) {
            crypt(four, |i, n| key(keys, i, n));
        }
        for (keys, one) in keys.iter().zip(blocks) {
            crypt(std::array::from_mut(one), |i, _| key(std::slice::from_ref(keys), i, 0));
        }
    }

    /// The key stream of `N` times sixteen counters.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    #[inline]
    fn stream<const N: usize>(keys: &RoundKeys, prefix: [__m512i; 3], first: u32) -> [Set; N] {
        // Element 4 q + i is block 4 i + q.
        let order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
        let mut sets = [[prefix[0], prefix[1], prefix[2], order]; N];
        for (n, set) in sets.iter_mut().enumerate() {
            set[3] = _mm512_add_epi32(order, _mm512_set1_epi32(first.wrapping_add(16 * n as u32) as i32));
        }
        rounds(&mut sets, |i, _| _mm512_set1_epi32(keys.0[i] as i32));
        for set in &mut sets {
            *set = finished(*set);
        }
        sets
    }

    /// Adds a key stream to a text of its length.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn add<const N: usize>(stream: [Set; N], text: &mut [[[u8; 64]; 4]; N]) {
        for (row, part) in stream.as_flattened().iter().zip(text.as_flattened_mut()) {
            // SAFETY: 64 bytes are one register.
            unsafe {
                let sum = _mm512_xor_si512(_mm512_loadu_si512(part.as_ptr().cast()), *row);
                _mm512_storeu_si512(part.as_mut_ptr().cast(), sum);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
    pub(super) fn add_stream(keys: &RoundKeys, prefix: [u32; 3], first: u32, text: &mut [u8]) {
        let mut counter = first;
        let prefix = [
            _mm512_set1_epi32(prefix[0] as i32),
            _mm512_set1_epi32(prefix[1] as i32),
            _mm512_set1_epi32(prefix[2] as i32),
        ];
        let (parts, rest) = text.as_chunks_mut::<64>();
        let (sets, parts) = parts.as_chunks_mut::<4>();
        let (fours, sets) = sets.as_chunks_mut::<4>();
        for four in fours {
            add(stream(keys, prefix, counter), four);
            counter = counter.wrapping_add(64);
        }
        let (twos, ones) = sets.as_chunks_mut::<2>();
        for two in twos {
            add(stream(keys, prefix, counter), two);
            counter = counter.wrapping_add(32);
        }
        for one in ones {
            add(stream(keys, prefix, counter), std::array::from_mut(one));
            counter = counter.wrapping_add(16);
        }
        if !parts.is_empty() || !rest.is_empty() {
            let mut padded = [[[0; 64]; 4]];
            add(stream::<1>(keys, prefix, counter), &mut padded);
            let stream = padded.as_flattened().as_flattened();
            let tail = parts.as_flattened_mut().iter_mut().chain(rest);
            tail.zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
    }

    /// The S-box on each byte of four words.
    #[target_feature(enable = "avx512f,avx512vl,gfni")]
    #[inline]
    fn sbox(x: __m128i) -> __m128i {
        let field = _mm_gf2p8affine_epi64_epi8::<INNER_ADD>(x, _mm_set1_epi64x(INNER));
        _mm_gf2p8affineinv_epi64_epi8::<OUTER_ADD>(field, _mm_set1_epi64x(OUTER))
    }

    /// One block, for modes that wait for each.
    #[target_feature(enable = "avx512f,avx512vl,gfni")]
    fn single(keys: &RoundKeys, block: &mut [u8; 16]) {
        let words: [u32; 4] = std::array::from_fn(|i| {
            u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
        });
        let mut x = words.map(|word| _mm_cvtsi32_si128(word as i32));
        for i in (0..32).step_by(4) {
            for j in 0..4 {
                let others =
                    _mm_ternarylogic_epi32::<XOR>(x[(j + 1) % 4], x[(j + 2) % 4], _mm_set1_epi32(keys.0[i + j] as i32));
                // The word of the round before comes last: it is what all wait for.
                let s = sbox(_mm_xor_si128(others, x[(j + 3) % 4]));
                let one = _mm_ternarylogic_epi32::<XOR>(x[j], s, _mm_rol_epi32::<2>(s));
                let two = _mm_ternarylogic_epi32::<XOR>(
                    _mm_rol_epi32::<10>(s),
                    _mm_rol_epi32::<18>(s),
                    _mm_rol_epi32::<24>(s),
                );
                x[j] = _mm_xor_si128(one, two);
            }
        }
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip([x[3], x[2], x[1], x[0]]) {
            *bytes = (_mm_cvtsi128_si32(word) as u32).to_be_bytes();
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,gfni")]
    pub(super) fn expand(key: &[u8; 16]) -> RoundKeys {
        expand_with(key, |word| sbox_of_word(word))
    }

    #[target_feature(enable = "avx512f,avx512vl,gfni")]
    fn sbox_of_word(word: u32) -> u32 {
        _mm_cvtsi128_si32(sbox(_mm_cvtsi32_si128(word as i32))) as u32
    }
}
