//! The compression function of SM3 (GB/T 32905-2016 5.3) for one stream, in plain 32-bit arithmetic.
//!
//! Registers are renamed from round to round instead of moved, and the message is expanded four words ahead
//! of the round that needs it, so that 16 words are alive at a time. No branch and no address depends on
//! the message.

/// The state before the first block (GB/T 32905-2016 4.1).
pub(super) const IV: [u32; 8] =
    [0x7380_166f, 0x4914_b2b9, 0x1724_42d7, 0xda8a_0600, 0xa96f_30bc, 0x1631_38aa, 0xe38d_ee4d, 0xb0fb_0e4e];

/// The constant of round `j`, already rotated (GB/T 32905-2016 4.2 and 5.3.3).
pub(super) const fn constant(j: usize) -> u32 {
    let t: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
    t.rotate_left(j as u32 % 32)
}

/// One round; what it leaves in `$d` and `$h` are the next round's A and E.
macro_rules! round {
    ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {{
        let (w0, w4) = ($w[$j % 16], $w[($j + 4) % 16]);
        let a12 = $a.rotate_left(12);
        let ss1 = a12.wrapping_add(const { constant($j) }).wrapping_add($e).rotate_left(7);
        let tt2 = $gg!($e $f $g).wrapping_add($h.wrapping_add(w0)).wrapping_add(ss1);
        $d = $ff!($a $b $c).wrapping_add($d.wrapping_add(w0 ^ w4)).wrapping_add(ss1 ^ a12);
        $b = $b.rotate_left(9);
        $f = $f.rotate_left(19);
        $h = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
    }};
}

macro_rules! xor {
    ($x:ident $y:ident $z:ident) => {
        $x ^ ($y ^ $z)
    };
}

macro_rules! majority {
    ($x:ident $y:ident $z:ident) => {
        (($x | $y) & $z) | ($x & $y)
    };
}

macro_rules! choose {
    ($x:ident $y:ident $z:ident) => {
        (($y ^ $z) & $x) ^ $z
    };
}

/// Word `$j` of the expanded message takes the place of word `$j - 16` (GB/T 32905-2016 5.3.2).
macro_rules! expand {
    ($w:ident, $j:expr) => {{
        let x = $w[$j % 16] ^ $w[($j + 7) % 16] ^ $w[($j + 13) % 16].rotate_left(15);
        let p1 = x ^ x.rotate_left(15) ^ x.rotate_left(23);
        $w[$j % 16] = p1 ^ $w[($j + 3) % 16].rotate_left(7) ^ $w[($j + 10) % 16];
    }};
}

/// Four rounds from `$j` on, after which every register has its name again.
macro_rules! four {
    ($w:ident, $j:expr, $ff:ident, $gg:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        round!($w, $j, $ff, $gg, $a $b $c $d $e $f $g $h);
        round!($w, $j + 1, $ff, $gg, $d $a $b $c $h $e $f $g);
        round!($w, $j + 2, $ff, $gg, $c $d $a $b $g $h $e $f);
        round!($w, $j + 3, $ff, $gg, $b $c $d $a $f $g $h $e);
    };
}

/// Four rounds with the words they need expanded before each.
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

/// Takes `blocks` into `state`, one after another.
#[inline(always)]
pub(super) fn blocks(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        let mut w = [0_u32; 16];
        for (word, bytes) in w.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        four!(w, 0, xor, xor, a b c d e f g h);
        four!(w, 4, xor, xor, a b c d e f g h);
        four!(w, 8, xor, xor, a b c d e f g h);
        four_more!(w, 12, xor, xor, a b c d e f g h);
        four_more!(w, 16, majority, choose, a b c d e f g h);
        four_more!(w, 20, majority, choose, a b c d e f g h);
        four_more!(w, 24, majority, choose, a b c d e f g h);
        four_more!(w, 28, majority, choose, a b c d e f g h);
        four_more!(w, 32, majority, choose, a b c d e f g h);
        four_more!(w, 36, majority, choose, a b c d e f g h);
        four_more!(w, 40, majority, choose, a b c d e f g h);
        four_more!(w, 44, majority, choose, a b c d e f g h);
        four_more!(w, 48, majority, choose, a b c d e f g h);
        four_more!(w, 52, majority, choose, a b c d e f g h);
        four_more!(w, 56, majority, choose, a b c d e f g h);
        four_more!(w, 60, majority, choose, a b c d e f g h);
        for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word ^= new;
        }
    }
}
