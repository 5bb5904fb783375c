//! Sixteen SM3 states side by side: word `i` of lane `l` is `state[i][l]`, so that one AVX-512 register
//! holds the same word of all lanes. Elsewhere the lanes go one after another.

#![allow(unsafe_code, reason = "speaks to instructions that not every processor has")]

use super::compress::IV;
use super::hmac::HmacKey;
use super::{Units, compress_blocks};

/// How many states are computed together.
pub(crate) const LANES: usize = 16;
/// Sixteen states, transposed.
pub(crate) type States = [[u32; LANES]; 8];

/// Sixteen states before their first block.
pub(crate) const FRESH: States = {
    let mut fresh = [[0; LANES]; 8];
    let mut i = 0;
    while i < 8 {
        fresh[i] = [IV[i]; LANES];
        i += 1;
    }
    fresh
};

/// Takes one block into each lane.
pub(crate) fn compress(states: &mut States, blocks: &[&[u8; 64]; LANES]) {
    compress_runs(Avx512::detect(), states, &blocks.map(std::slice::from_ref));
}

/// Takes as many blocks into each lane as the shortest run has.
pub(super) fn compress_runs(avx512: Option<Avx512>, states: &mut States, runs: &[&[[u8; 64]]; LANES]) {
    let count = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    let runs = runs.map(|run| &run[..count]);
    if let Some(avx512) = avx512 {
        avx512.compress_runs(states, &runs);
        return;
    }
    let units = Units::detect();
    for (lane, run) in runs.into_iter().enumerate() {
        let mut state = column(states, lane);
        compress_blocks(units, &mut state, run);
        set_column(states, lane, &state);
    }
}

/// The state of one lane.
pub(crate) fn column(states: &States, lane: usize) -> [u32; 8] {
    states.each_ref().map(|words| words[lane])
}

/// Sets the state of one lane.
pub(crate) fn set_column(states: &mut States, lane: usize, state: &[u32; 8]) {
    for (words, word) in states.iter_mut().zip(state) {
        words[lane] = *word;
    }
}

/// HMAC-SM3 of `head || end` under each lane's key, for each of the `ends`: what a signature's nonce is
/// made of. The head is compressed once for all ends.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "for lanes of signatures"))]
pub(crate) fn hmac_block_and_byte<const N: usize>(
    keys: &[&HmacKey; LANES],
    heads: &[&[u8; 64]; LANES],
    ends: [u8; N],
) -> [[[u8; 32]; LANES]; N] {
    let mut shared = transposed(&keys.map(HmacKey::inner));
    compress(&mut shared, heads);
    let outer = transposed(&keys.map(HmacKey::outer));
    let codes = ends.map(|end| {
        // 64 bytes of ipad, 64 of the head, one more.
        let mut last = [0; 64];
        (last[0], last[1]) = (end, 0x80);
        last[56..].copy_from_slice(&(129_u64 * 8).to_be_bytes());
        let mut inner = shared;
        compress(&mut inner, &[&last; LANES]);
        // 64 bytes of opad, 32 of the inner digest.
        let mut lasts = [[0; 64]; LANES];
        for (lane, last) in lasts.iter_mut().enumerate() {
            last[..32].copy_from_slice(&super::to_bytes(&column(&inner, lane)));
            last[32] = 0x80;
            last[56..].copy_from_slice(&(96_u64 * 8).to_be_bytes());
        }
        let mut code = outer;
        compress(&mut code, &lasts.each_ref());
        zeroize::Zeroize::zeroize(&mut lasts);
        zeroize::Zeroize::zeroize(&mut inner);
        std::array::from_fn(|lane| super::to_bytes(&column(&code, lane)))
    });
    zeroize::Zeroize::zeroize(&mut shared);
    codes
}

fn transposed(states: &[&[u32; 8]; LANES]) -> States {
    std::array::from_fn(|word| states.map(|state| state[word]))
}

/// Proof that this processor has AVX-512 F, BW and VL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Asks the processor. Cheap: the standard library keeps the answer.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        crate::detect::Features::detect().avx512.then_some(Self(()))
    }

    /// Takes runs of one length into the lanes.
    #[inline]
    fn compress_runs(self, states: &mut States, runs: &[&[[u8; 64]]; LANES]) {
        assert!(runs.iter().all(|run| run.len() == runs[0].len()), "the caller cut them");
        // SAFETY: `self` proves that the processor has the sets.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            avx512::compress_runs(states, runs);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = states;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_set4_epi32,
        _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_storeu_si512,
        _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
        _mm512_unpacklo_epi64, _mm512_xor_si512,
    };

    use super::super::compress::constant;
    use super::{LANES, States};

    /// `x ^ y ^ z` as a truth table of `vpternlogd`.
    const XOR: i32 = 0x96;
    /// What at least two of three say.
    const MAJORITY: i32 = 0xe8;
    /// The second where the first is set, else the third.
    const CHOOSE: i32 = 0xca;

    macro_rules! xor {
        ($x:expr, $y:expr, $z:expr) => {
            _mm512_ternarylogic_epi32::<XOR>($x, $y, $z)
        };
    }

    /// The same register, of which the compiler knows no longer where it is from: it would add the constant
    /// last, in the chain that all wait for.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn pinned(mut x: __m512i) -> __m512i {
        // SAFETY: no instruction.
        unsafe { std::arch::asm!("/* {0} */", inout(zmm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
        x
    }

    macro_rules! add {
        ($x:expr, $y:expr) => {
            _mm512_add_epi32($x, $y)
        };
    }

    macro_rules! round {
        ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {{
            let (w0, w4) = ($w[$j % 16], $w[($j + 4) % 16]);
            let a12 = _mm512_rol_epi32::<12>($a);
            let sum = add!(pinned(add!(a12, _mm512_set1_epi32(const { constant($j) } as i32))), $e);
            let ss1 = _mm512_rol_epi32::<7>(sum);
            let gg = _mm512_ternarylogic_epi32::<$gg>($e, $f, $g);
            let tt2 = add!(add!(gg, add!($h, w0)), ss1);
            let ff = _mm512_ternarylogic_epi32::<$ff>($a, $b, $c);
            $d = add!(add!(ff, add!($d, _mm512_xor_si512(w0, w4))), _mm512_xor_si512(ss1, a12));
            $b = _mm512_rol_epi32::<9>($b);
            $f = _mm512_rol_epi32::<19>($f);
            $h = xor!(tt2, _mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
        }};
    }

    macro_rules! expand {
        ($w:ident, $j:expr) => {{
            let x = xor!($w[$j % 16], $w[($j + 7) % 16], _mm512_rol_epi32::<15>($w[($j + 13) % 16]));
            let p1 = xor!(x, _mm512_rol_epi32::<15>(x), _mm512_rol_epi32::<23>(x));
            $w[$j % 16] = xor!(p1, _mm512_rol_epi32::<7>($w[($j + 3) % 16]), $w[($j + 10) % 16]);
        }};
    }

    macro_rules! four {
        ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
            round!($w, $j, $ff, $gg, $a $b $c $d $e $f $g $h);
            round!($w, $j + 1, $ff, $gg, $d $a $b $c $h $e $f $g);
            round!($w, $j + 2, $ff, $gg, $c $d $a $b $g $h $e $f);
            round!($w, $j + 3, $ff, $gg, $b $c $d $a $f $g $h $e);
        };
    }

    macro_rules! four_more {
        ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
            expand!($w, $j + 4);
            round!($w, $j, $ff, $gg, $a $b $c $d $e $f $g $h);
            expand!($w, $j + 5);
            round!($w, $j + 1, $ff, $gg, $d $a $b $c $h $e $f $g);
            expand!($w, $j + 6);
            round!($w, $j + 2, $ff, $gg, $c $d $a $b $g $h $e $f);
            expand!($w, $j + 7);
            round!($w, $j + 3, $ff, $gg, $b $c $d $a $f $g $h $e);
        };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn compress_runs(states: &mut States, runs: &[&[[u8; 64]]; LANES]) {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = states.each_ref().map(|words| {
            // SAFETY: sixteen words are one register.
            unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
        });
        for number in 0..runs[0].len() {
            let mut w = words(&runs.map(|run| &run[number]));
            let before = [a, b, c, d, e, f, g, h];
            four!(w, 0, XOR, XOR, a b c d e f g h);
            four!(w, 4, XOR, XOR, a b c d e f g h);
            four!(w, 8, XOR, XOR, a b c d e f g h);
            four_more!(w, 12, XOR, XOR, a b c d e f g h);
            four_more!(w, 16, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 20, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 24, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 28, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 32, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 36, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 40, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 44, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 48, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 52, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 56, MAJORITY, CHOOSE, a b c d e f g h);
            four_more!(w, 60, MAJORITY, CHOOSE, a b c d e f g h);
            a = _mm512_xor_si512(a, before[0]);
            b = _mm512_xor_si512(b, before[1]);
            c = _mm512_xor_si512(c, before[2]);
            d = _mm512_xor_si512(d, before[3]);
            e = _mm512_xor_si512(e, before[4]);
            f = _mm512_xor_si512(f, before[5]);
            g = _mm512_xor_si512(g, before[6]);
            h = _mm512_xor_si512(h, before[7]);
        }
        for (words, register) in states.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            // SAFETY: sixteen words are one register.
            unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) }
        }
    }

    /// The sixteen words of each block, word by word, from big endian.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn words(blocks: &[&[u8; 64]; LANES]) -> [__m512i; 16] {
        let swap = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
        let mut rows = [_mm512_setzero_si512(); 16];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: a block is one register.
            *row = _mm512_shuffle_epi8(unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }, swap);
        }
        transpose(rows)
    }

    /// Row `i` of the result is column `i` of `rows`, in words of 32 bits.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
        let zero = _mm512_setzero_si512();
        // Within each four rows and each 128 bits: the four columns there.
        let mut quads = [zero; 16];
        for i in (0..16).step_by(4) {
            let (low01, high01) =
                (_mm512_unpacklo_epi32(rows[i], rows[i + 1]), _mm512_unpackhi_epi32(rows[i], rows[i + 1]));
            let (low23, high23) =
                (_mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]), _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]));
            quads[i] = _mm512_unpacklo_epi64(low01, low23);
            quads[i + 1] = _mm512_unpackhi_epi64(low01, low23);
            quads[i + 2] = _mm512_unpacklo_epi64(high01, high23);
            quads[i + 3] = _mm512_unpackhi_epi64(high01, high23);
        }
        // `quads[4 r + c]`, 128 bits number q: column 4 q + c of rows 4 r to 4 r + 3. Gather by q.
        let mut columns = [zero; 16];
        for c in 0..4 {
            let even01 = _mm512_shuffle_i32x4::<0x88>(quads[c], quads[4 + c]);
            let odd01 = _mm512_shuffle_i32x4::<0xdd>(quads[c], quads[4 + c]);
            let even23 = _mm512_shuffle_i32x4::<0x88>(quads[8 + c], quads[12 + c]);
            let odd23 = _mm512_shuffle_i32x4::<0xdd>(quads[8 + c], quads[12 + c]);
            columns[c] = _mm512_shuffle_i32x4::<0x88>(even01, even23);
            columns[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd01, odd23);
            columns[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even01, even23);
            columns[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd01, odd23);
        }
        columns
    }
}
