//! SM4 with AVX2 and the AES instructions: eight blocks in four registers, and two times eight interleaved.
//!
//! AES inverts in a field of 256 elements too. Its S-box between two affine maps is SM4's; each map is two
//! look-ups of half a byte inside of a register (`vpshufb`), which take the same time for all values.
//! Register `k` of four holds word `k` of eight blocks.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

use super::key::{LaneKeys, RoundKeys};
use crate::detect::Features;

/// Proof that this processor has AVX2 and AES.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// If `features` and the processor have it.
    pub(super) fn within(features: Features) -> Option<Self> {
        (features.avx2_aes && Features::detect().avx2_aes).then_some(Self(()))
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

    /// Puts blocks through the cipher, each under keys of its own; see `cipher::Units::lanes`.
    pub(super) fn lanes(self, keys: &[LaneKeys], blocks: &mut [[[u8; 16]; 16]]) {
        // SAFETY: `self` proves that the processor has the sets.
        unsafe { units::lanes(keys, blocks) }
    }
}

mod units {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_aesenclast_si128, _mm_and_si128, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_or_si128,
        _mm_set1_epi8, _mm_set1_epi32, _mm_setzero_si128, _mm_shuffle_epi8, _mm_slli_epi32, _mm_srli_epi16,
        _mm_srli_epi32, _mm_xor_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi8,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi32,
        _mm256_srli_epi16, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
        _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
    };

    use super::super::key::{LaneKeys, RoundKeys, expand_with};

    /// The inner affine map of the S-box, into the field of AES: its value for the lower half of a byte
    /// (with the constant) and for the upper.
    const INNER: [[u8; 16]; 2] = [
        [0x65, 0x41, 0xfd, 0xd9, 0x0a, 0x2e, 0x92, 0xb6, 0x0f, 0x2b, 0x97, 0xb3, 0x60, 0x44, 0xf8, 0xdc],
        [0x00, 0xc9, 0x67, 0xae, 0x80, 0x49, 0xe7, 0x2e, 0x4a, 0x83, 0x2d, 0xe4, 0xca, 0x03, 0xad, 0x64],
    ];
    /// From the S-box of AES back, and the outer affine map.
    const OUTER: [[u8; 16]; 2] = [
        [0x2f, 0xa5, 0xc4, 0x4e, 0x30, 0xba, 0xdb, 0x51, 0xca, 0x40, 0x21, 0xab, 0xd5, 0x5f, 0x3e, 0xb4],
        [0x00, 0x50, 0x14, 0x44, 0x89, 0xd9, 0x9d, 0xcd, 0xde, 0x8e, 0xca, 0x9a, 0x57, 0x07, 0x43, 0x13],
    ];
    /// Where `ShiftRows` of AES put each byte, and then each word rotated left by so many bytes.
    const UNSHIFT: [[u8; 16]; 4] = {
        let mut all = [[0; 16]; 4];
        let mut by = 0;
        while by < 4 {
            let mut at = 0;
            while at < 16 {
                // Words are little endian here: a rotation to the left takes the byte below.
                let from = at / 4 * 4 + (at + 4 - by) % 4;
                // Byte `from` was in row `from % 4`, which moved that many columns to the left.
                all[by][at] = ((from + 16 - 4 * (from % 4)) % 16) as u8;
                at += 1;
            }
            by += 1;
        }
        all
    };

    /// Each word rotated left by so many bytes.
    const TURNED: [[u8; 16]; 4] = {
        let mut all = [[0; 16]; 4];
        let mut by = 0;
        while by < 4 {
            let mut at = 0;
            while at < 16 {
                all[by][at] = (at / 4 * 4 + (at + 4 - by) % 4) as u8;
                at += 1;
            }
            by += 1;
        }
        all
    };

    type Set = [__m256i; 4];

    #[target_feature(enable = "avx2")]
    #[inline]
    fn twice(bytes: &[u8; 16]) -> __m256i {
        // SAFETY: 16 bytes are half a register.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// A map of bytes that is linear in the two halves of each.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mapped(x: __m256i, map: &[[u8; 16]; 2]) -> __m256i {
        let half = _mm256_set1_epi8(0x0f);
        let low = _mm256_shuffle_epi8(twice(&map[0]), _mm256_and_si256(x, half));
        let high = _mm256_shuffle_epi8(twice(&map[1]), _mm256_and_si256(_mm256_srli_epi16::<4>(x), half));
        _mm256_xor_si256(low, high)
    }

    /// The S-box, its bytes still shifted as AES shifts rows.
    #[target_feature(enable = "avx2,aes")]
    #[inline]
    fn shifted_sbox(x: __m256i) -> __m256i {
        let field = mapped(x, &INNER);
        let zero = _mm_setzero_si128();
        let low = _mm_aesenclast_si128(_mm256_castsi256_si128(field), zero);
        let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(field), zero);
        mapped(_mm256_set_m128i(high, low), &OUTER)
    }

    macro_rules! xor {
        ($x:expr, $y:expr) => {
            _mm256_xor_si256($x, $y)
        };
    }

    /// `x0 ^ L(S(x1 ^ x2 ^ x3 ^ rk))`.
    #[target_feature(enable = "avx2,aes")]
    #[inline]
    fn round(x0: __m256i, x1: __m256i, x2: __m256i, x3: __m256i, key: __m256i) -> __m256i {
        let s = shifted_sbox(xor!(xor!(x1, x2), xor!(x3, key)));
        let [s0, s8, s16, s24] = [0, 1, 2, 3].map(|by| shuffled(s, by));
        // Rotations by 2, 10 and 18 are one by 2 of those by 0, 8 and 16.
        let sum = xor!(xor!(s0, s8), s16);
        let by_two = _mm256_or_si256(_mm256_slli_epi32::<2>(sum), _mm256_srli_epi32::<30>(sum));
        xor!(xor!(x0, s0), xor!(s24, by_two))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shuffled(s: __m256i, by: usize) -> __m256i {
        _mm256_shuffle_epi8(s, twice(&UNSHIFT[by]))
    }

    /// All rounds on `N` times eight blocks. `key(i, n)` is round key `i` of set `n`.
    #[target_feature(enable = "avx2,aes")]
    #[inline]
    fn rounds<const N: usize>(sets: &mut [Set; N], key: impl Fn(usize, usize) -> __m256i) {
        for i in 0..32 {
            for (n, set) in sets.iter_mut().enumerate() {
                let [x0, x1, x2, x3] = *set;
                *set = [x1, x2, x3, round(x0, x1, x2, x3, key(i, n))];
            }
        }
    }

    /// Swaps the bytes of each word.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn swapped(x: __m256i) -> __m256i {
        let order = _mm256_setr_epi8(
            3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,
        );
        _mm256_shuffle_epi8(x, order)
    }

    /// Rows to columns, four by four words, in each half of the registers. Its own inverse.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn transposed([a, b, c, d]: Set) -> Set {
        let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(ab_low, cd_low),
            _mm256_unpackhi_epi64(ab_low, cd_low),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    }

    /// `N` times eight blocks, where they lie.
    #[target_feature(enable = "avx2,aes")]
    #[inline]
    fn crypt<const N: usize>(blocks: &mut [[[u8; 16]; 8]; N], key: impl Fn(usize, usize) -> __m256i) {
        let mut sets = [[_mm256_setzero_si256(); 4]; N];
        for (set, blocks) in sets.iter_mut().zip(&*blocks) {
            for (row, two) in set.iter_mut().zip(blocks.as_chunks::<2>().0) {
                // SAFETY: two blocks are one register.
                *row = swapped(unsafe { _mm256_loadu_si256(two.as_ptr().cast()) });
            }
            *set = transposed(*set);
        }
        rounds(&mut sets, key);
        for (set, blocks) in sets.into_iter().zip(blocks) {
            let [x0, x1, x2, x3] = set;
            for (row, two) in transposed([x3, x2, x1, x0]).into_iter().zip(blocks.as_chunks_mut::<2>().0) {
                // SAFETY: two blocks are one register.
                unsafe { _mm256_storeu_si256(two.as_mut_ptr().cast(), swapped(row)) }
            }
        }
    }

    /// As [`mapped`], on half a register.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn half_mapped(x: __m128i, map: &[[u8; 16]; 2]) -> __m128i {
        let half = _mm_set1_epi8(0x0f);
        let low = _mm_shuffle_epi8(table(&map[0]), _mm_and_si128(x, half));
        let high = _mm_shuffle_epi8(table(&map[1]), _mm_and_si128(_mm_srli_epi16::<4>(x), half));
        _mm_xor_si128(low, high)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn table(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are one register.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// One block, for modes that wait for each: four times the same word in a register, so that it does not
    /// matter where AES shifts its rows, for the S-box treats all columns alike.
    #[target_feature(enable = "avx2,aes")]
    fn single(keys: &RoundKeys, block: &mut [u8; 16]) {
        let words: [u32; 4] = std::array::from_fn(|i| {
            u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
        });
        let mut x = words.map(|word| _mm_set1_epi32(word as i32));
        for i in (0..32).step_by(4) {
            for j in 0..4 {
                let key = _mm_set1_epi32(keys.0[i + j] as i32);
                // The word of the round before comes last: it is what all wait for.
                let others = _mm_xor_si128(_mm_xor_si128(x[(j + 1) % 4], x[(j + 2) % 4]), key);
                let field = half_mapped(_mm_xor_si128(others, x[(j + 3) % 4]), &INNER);
                let s = half_mapped(_mm_aesenclast_si128(field, _mm_setzero_si128()), &OUTER);
                let [s8, s16, s24] = [1, 2, 3].map(|by| _mm_shuffle_epi8(s, table(&TURNED[by])));
                let sum = _mm_xor_si128(_mm_xor_si128(s, s8), s16);
                let by_two = _mm_or_si128(_mm_slli_epi32::<2>(sum), _mm_srli_epi32::<30>(sum));
                x[j] = _mm_xor_si128(_mm_xor_si128(x[j], _mm_xor_si128(s, s24)), by_two);
            }
        }
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip([x[3], x[2], x[1], x[0]]) {
            *bytes = (_mm_cvtsi128_si32(word) as u32).to_be_bytes();
        }
    }

    #[target_feature(enable = "avx2,aes")]
    pub(super) fn blocks(keys: &RoundKeys, blocks: &mut [[u8; 16]]) {
        let key = |i: usize, _| _mm256_set1_epi32(keys.0[i] as i32);
        let (sets, rest) = blocks.as_chunks_mut::<8>();
        let (twos, ones) = sets.as_chunks_mut::<2>();
        for two in twos {
            crypt(two, key);
        }
        for one in ones {
            crypt(std::array::from_mut(one), key);
        }
        if let [block] = rest {
            single(keys, block);
        } else if !rest.is_empty() {
            let mut padded = [[0; 16]; 8];
            padded[..rest.len()].copy_from_slice(rest);
            crypt(std::array::from_mut(&mut padded), key);
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }

    #[target_feature(enable = "avx2,aes")]
    pub(super) fn lanes(keys: &[LaneKeys], blocks: &mut [[[u8; 16]; 16]]) {
        for (keys, blocks) in keys.iter().zip(blocks) {
            let mut halves = [[[0; 16]; 8]; 2];
            halves.as_flattened_mut().copy_from_slice(blocks);
            crypt(&mut halves, |i, n| {
                // SAFETY: the keys of eight lanes are one register.
                unsafe { _mm256_loadu_si256(keys[i][8 * n..8 * n + 8].as_ptr().cast()) }
            });
            blocks.copy_from_slice(halves.as_flattened());
        }
    }

    #[target_feature(enable = "avx2,aes")]
    pub(super) fn expand(key: &[u8; 16]) -> RoundKeys {
        expand_with(key, |word| sbox_of_word(word))
    }

    #[target_feature(enable = "avx2,aes")]
    fn sbox_of_word(word: u32) -> u32 {
        let s = shuffled(shifted_sbox(_mm256_set1_epi32(word as i32)), 0);
        std::arch::x86_64::_mm256_extract_epi32::<0>(s) as u32
    }
}
