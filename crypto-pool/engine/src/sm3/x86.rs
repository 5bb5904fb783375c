//! The compression function for one stream on x86-64: the rounds in scalar registers with BMI2 rotations,
//! the message expanded beside them in vector registers, four words at a time, which are idle otherwise.
//!
//! What bounds one stream is the chain of dependent steps from one round's E to the next one's. It is six
//! steps long here: the choice between F and G is made for the two halves of E before they are added.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

use crate::detect::Features;

/// Proof that this processor has BMI1, BMI2 and AVX2, and of whether it has AVX-512 VL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units(#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))] Rotation);

#[derive(Debug, Clone, Copy)]
enum Rotation {
    /// Two shifts.
    Avx2,
    /// One instruction.
    Avx512,
}

impl Units {
    /// Asks the processor. Cheap: the standard library keeps the answer.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        Self::within(Features::detect())
    }

    /// What there is of `features`, if it is enough.
    #[inline]
    pub(super) fn within(features: Features) -> Option<Self> {
        let found = Features::detect();
        let rotation = if found.avx512 && features.avx512 { Rotation::Avx512 } else { Rotation::Avx2 };
        (found.bmi2 && found.avx2_aes && features.bmi2 && features.avx2_aes).then_some(Self(rotation))
    }

    /// As `compress::blocks`.
    #[inline]
    pub(super) fn blocks(self, state: &mut [u32; 8], blocks: &[[u8; 64]]) {
        // SAFETY: `self` proves that the processor has the sets.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match self.0 {
                Rotation::Avx2 => rounds::avx2(state, blocks),
                Rotation::Avx512 => rounds::avx512(state, blocks),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        super::compress::blocks(state, blocks);
    }
}

#[cfg(target_arch = "x86_64")]
mod rounds {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m128i, _mm_alignr_epi8, _mm_loadu_si128, _mm_or_si128, _mm_set_epi32, _mm_shuffle_epi8, _mm_slli_epi32,
        _mm_slli_si128, _mm_srli_epi32, _mm_srli_si128, _mm_xor_si128,
    };
    use std::mem::MaybeUninit;

    use super::super::compress::constant;

    /// The same number, of which the compiler knows no longer where it is from: it would undo the order of
    /// the steps around.
    #[inline(always)]
    fn pinned(mut x: u32) -> u32 {
        // SAFETY: no instruction.
        unsafe { asm!("/* {0:e} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
        x
    }

    /// Words of the message for the rounds to come, in memory, from where an addition takes them. Four at a
    /// time; `0` is W, `1` is W', the sum of W and the W four words on.
    #[repr(align(16))]
    struct Words([MaybeUninit<[u32; 68]>; 2]);

    impl Words {
        #[inline(always)]
        fn set(&mut self, which: usize, four: usize, words: __m128i) {
            debug_assert!(four < 17);
            // Volatile, so that a word is not taken out of the vector register again.
            // SAFETY: inside of the array (68 words are 17 times four), and aligned: 272 is a multiple of 16.
            unsafe { self.0[which].as_mut_ptr().cast::<__m128i>().add(four).write_volatile(words) }
        }

        #[inline(always)]
        fn get(&self, which: usize, number: usize) -> u32 {
            debug_assert!(number < 64);
            // SAFETY: inside of the array, and set before: the macros below set four words before the four
            // rounds that take them.
            unsafe { self.0[which].as_ptr().cast::<u32>().add(number).read() }
        }
    }

    macro_rules! xor {
        ($x:expr, $y:expr) => {
            _mm_xor_si128($x, $y)
        };
    }

    macro_rules! rotated {
        ($x:expr, $by:literal) => {
            _mm_or_si128(_mm_slli_epi32::<$by>($x), _mm_srli_epi32::<{ 32 - $by }>($x))
        };
    }

    /// The next four words of the expanded message (GB/T 32905-2016 5.3.2). The fourth of them needs the
    /// first: it is added at the end, through P1, which is linear.
    macro_rules! expand {
        ($x0:expr, $x1:expr, $x2:expr, $x3:expr) => {{
            let (x0, x1, x2, x3) = ($x0, $x1, $x2, $x3);
            let t = xor!(xor!(x0, _mm_alignr_epi8::<12>(x2, x1)), rotated!(_mm_srli_si128::<4>(x3), 15));
            let p1 = xor!(xor!(t, rotated!(t, 15)), rotated!(t, 23));
            let rest = xor!(rotated!(_mm_alignr_epi8::<12>(x1, x0), 7), _mm_alignr_epi8::<8>(x3, x2));
            let three = xor!(p1, rest);
            let first = _mm_slli_si128::<12>(three);
            xor!(xor!(three, rotated!(first, 15)), xor!(rotated!(first, 30), rotated!(first, 6)))
        }};
    }

    macro_rules! xor_ff {
        ($x:ident $y:ident $z:ident) => {
            $x ^ ($y ^ $z)
        };
    }

    macro_rules! xor_gg {
        ($e:ident $f:ident $g:ident $early:ident $late:ident) => {
            $e ^ ($f ^ $g)
        };
    }

    macro_rules! majority {
        ($x:ident $y:ident $z:ident) => {
            (($x | $y) & $z) | ($x & $y)
        };
    }

    /// F where E is set, else G; E is `$early ^ $late`.
    macro_rules! choose {
        ($e:ident $f:ident $g:ident $early:ident $late:ident) => {{
            let differ = $f ^ $g;
            ($late & differ) ^ pinned(($early & differ) ^ $g)
        }};
    }

    macro_rules! round {
        ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $early:ident $late:ident) => {{
            let a12 = $a.rotate_left(12);
            let ss1 = pinned(a12.wrapping_add(const { constant($j) })).wrapping_add($e).rotate_left(7);
            let tt2 = $gg!($e $f $g $early $late).wrapping_add($h.wrapping_add($w.get(0, $j))).wrapping_add(ss1);
            $d = $ff!($a $b $c).wrapping_add($d.wrapping_add($w.get(1, $j))).wrapping_add(ss1 ^ a12);
            $b = $b.rotate_left(9);
            $f = $f.rotate_left(19);
            $early = tt2.rotate_left(17);
            $late = tt2 ^ tt2.rotate_left(9);
            $h = $late ^ $early;
        }};
    }

    /// Four rounds from 4 `$i` on, before them the words of the four rounds from 4 `$i` + 16 on.
    macro_rules! four {
        ($w:ident, $x:ident, $i:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $early:ident $late:ident) => {
            if $i + 4 < 17 {
                let next = expand!($x[$i % 4], $x[($i + 1) % 4], $x[($i + 2) % 4], $x[($i + 3) % 4]);
                $w.set(1, $i + 3, xor!($x[($i + 3) % 4], next));
                $w.set(0, $i + 4, next);
                $x[$i % 4] = next;
            }
            round!($w, $i * 4, $ff, $gg, $a $b $c $d $e $f $g $h $early $late);
            round!($w, $i * 4 + 1, $ff, $gg, $d $a $b $c $h $e $f $g $early $late);
            round!($w, $i * 4 + 2, $ff, $gg, $c $d $a $b $g $h $e $f $early $late);
            round!($w, $i * 4 + 3, $ff, $gg, $b $c $d $a $f $g $h $e $early $late);
        };
    }

    macro_rules! compress {
        ($name:ident, $sets:literal) => {
            #[allow(unused_assignments, reason = "the last round leaves what no round takes")]
            #[target_feature(enable = $sets)]
            pub(super) fn $name(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
                let swap = _mm_set_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
                let mut w = Words([MaybeUninit::uninit(); 2]);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
                for block in blocks {
                    let before = [a, b, c, d, e, f, g, h];
                    let four = |i: usize| -> __m128i {
                        // SAFETY: four times 16 bytes are a block.
                        unsafe { _mm_loadu_si128(block[i * 16..i * 16 + 16].as_ptr().cast()) }
                    };
                    let mut x: [__m128i; 4] = [
                        _mm_shuffle_epi8(four(0), swap),
                        _mm_shuffle_epi8(four(1), swap),
                        _mm_shuffle_epi8(four(2), swap),
                        _mm_shuffle_epi8(four(3), swap),
                    ];
                    w.set(0, 0, x[0]);
                    w.set(0, 1, x[1]);
                    w.set(0, 2, x[2]);
                    w.set(0, 3, x[3]);
                    w.set(1, 0, xor!(x[0], x[1]));
                    w.set(1, 1, xor!(x[1], x[2]));
                    w.set(1, 2, xor!(x[2], x[3]));
                    let (mut early, mut late) = (0, e);
                    four!(w, x, 0, xor_ff, xor_gg, a b c d e f g h early late);
                    four!(w, x, 1, xor_ff, xor_gg, a b c d e f g h early late);
                    four!(w, x, 2, xor_ff, xor_gg, a b c d e f g h early late);
                    four!(w, x, 3, xor_ff, xor_gg, a b c d e f g h early late);
                    four!(w, x, 4, majority, choose, a b c d e f g h early late);
                    four!(w, x, 5, majority, choose, a b c d e f g h early late);
                    four!(w, x, 6, majority, choose, a b c d e f g h early late);
                    four!(w, x, 7, majority, choose, a b c d e f g h early late);
                    four!(w, x, 8, majority, choose, a b c d e f g h early late);
                    four!(w, x, 9, majority, choose, a b c d e f g h early late);
                    four!(w, x, 10, majority, choose, a b c d e f g h early late);
                    four!(w, x, 11, majority, choose, a b c d e f g h early late);
                    four!(w, x, 12, majority, choose, a b c d e f g h early late);
                    four!(w, x, 13, majority, choose, a b c d e f g h early late);
                    four!(w, x, 14, majority, choose, a b c d e f g h early late);
                    four!(w, x, 15, majority, choose, a b c d e f g h early late);
                    a ^= before[0];
                    b ^= before[1];
                    c ^= before[2];
                    d ^= before[3];
                    e ^= before[4];
                    f ^= before[5];
                    g ^= before[6];
                    h ^= before[7];
                }
                *state = [a, b, c, d, e, f, g, h];
            }
        };
    }

    compress!(avx2, "bmi1,bmi2,avx2");
    compress!(avx512, "bmi1,bmi2,avx2,avx512f,avx512vl");
}
