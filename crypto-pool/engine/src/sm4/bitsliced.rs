//! SM4 in plain 64-bit arithmetic, sixteen blocks at a time, without a table: for processors whose vector
//! units this crate does not know.
//!
//! A word of sixteen blocks lies in eight planes: bit `16 j + l` of plane `k` is bit `k` of byte `j` (from
//! the lower end) of that word of block `l`. The S-box is computed for 64 bytes together by logic alone, in
//! a tower of fields: pairs over pairs over pairs of bits, where an inversion is a few products.

use zeroize::Zeroize;

use super::key::{LaneKeys, RoundKeys, expand_with};

/// Bit `k` of 64 bytes in plane `k`.
type Planes = [u64; 8];

/// The inner affine map of the S-box, into the tower: row `i` says of which bits bit `i` is the sum.
const INNER: [u8; 8] = [0x11, 0x42, 0x08, 0xdc, 0xd3, 0x3f, 0x84, 0x7f];
const INNER_ADD: u8 = 0xda;
/// Out of the tower, and the outer affine map.
const OUTER: [u8; 8] = [0xa1, 0x65, 0x1e, 0xb5, 0x52, 0x72, 0x1f, 0xc3];
const OUTER_ADD: u8 = 0xd3;

#[inline(always)]
fn affine(x: &Planes, map: &[u8; 8], add: u8) -> Planes {
    std::array::from_fn(|i| {
        let constant = if add >> i & 1 == 1 { !0 } else { 0 };
        (0..8).filter(|j| map[i] >> j & 1 == 1).fold(constant, |sum, j| sum ^ x[j])
    })
}

/// Four elements' bits: `b1 w + b0` with `w^2 = w + 1`.
type Pair = [u64; 2];
/// `h z + l` with `z^2 = z + w`, bits from the lowest.
type Quad = [u64; 4];

#[inline(always)]
fn add2([a0, a1]: Pair, [b0, b1]: Pair) -> Pair {
    [a0 ^ b0, a1 ^ b1]
}

#[inline(always)]
fn multiply2([a0, a1]: Pair, [b0, b1]: Pair) -> Pair {
    let low = a0 & b0;
    [low ^ (a1 & b1), low ^ ((a0 ^ a1) & (b0 ^ b1))]
}

/// The square, which is also the inverse.
#[inline(always)]
fn square2([a0, a1]: Pair) -> Pair {
    [a0 ^ a1, a1]
}

/// The product with w.
#[inline(always)]
fn times_w([a0, a1]: Pair) -> Pair {
    [a1, a0 ^ a1]
}

#[inline(always)]
fn halves([a, b, c, d]: Quad) -> (Pair, Pair) {
    ([a, b], [c, d])
}

#[inline(always)]
fn whole([a, b]: Pair, [c, d]: Pair) -> Quad {
    [a, b, c, d]
}

#[inline(always)]
fn add4(x: Quad, y: Quad) -> Quad {
    std::array::from_fn(|i| x[i] ^ y[i])
}

#[inline(always)]
fn multiply4(x: Quad, y: Quad) -> Quad {
    let ((xl, xh), (yl, yh)) = (halves(x), halves(y));
    let low = multiply2(xl, yl);
    let high = add2(multiply2(add2(xl, xh), add2(yl, yh)), low);
    whole(add2(low, times_w(multiply2(xh, yh))), high)
}

#[inline(always)]
fn square4(x: Quad) -> Quad {
    let (low, high) = halves(x);
    let high = square2(high);
    whole(add2(square2(low), times_w(high)), high)
}

#[inline(always)]
fn invert4(x: Quad) -> Quad {
    let (low, high) = halves(x);
    let norm = add2(multiply2(add2(low, high), low), times_w(square2(high)));
    let inverse = square2(norm);
    whole(multiply2(add2(low, high), inverse), multiply2(high, inverse))
}

/// The product with `w z`, for `y^2 = y + w z`: w z (h z + l) = (w h + w l) z + w^2 h.
#[inline(always)]
fn times_nu(x: Quad) -> Quad {
    let (low, high) = halves(x);
    whole(times_w(times_w(high)), times_w(add2(low, high)))
}

/// The S-box on 64 bytes.
#[inline(always)]
fn sbox(x: &Planes) -> Planes {
    let [a, b, c, d, e, f, g, h] = affine(x, &INNER, INNER_ADD);
    let (low, high) = ([a, b, c, d], [e, f, g, h]);
    let sum = add4(low, high);
    let inverse = invert4(add4(multiply4(sum, low), times_nu(square4(high))));
    let ([a, b, c, d], [e, f, g, h]) = (multiply4(sum, inverse), multiply4(high, inverse));
    affine(&[a, b, c, d, e, f, g, h], &OUTER, OUTER_ADD)
}

/// The S-box on each byte of a word.
fn sbox_of_word(word: u32) -> u32 {
    let planes = std::array::from_fn(|k| {
        let bits = word >> k;
        (0..4).fold(0, |plane, j| plane | u64::from(bits >> (8 * j) & 1) << j)
    });
    let s = sbox(&planes);
    (0..32).fold(0, |word, n| word | ((s[n % 8] >> (n / 8) & 1) as u32) << n)
}

pub(super) fn expand(key: &[u8; 16]) -> RoundKeys {
    expand_with(key, sbox_of_word)
}

/// L: the sum of a word and of it rotated by 2, 10, 18 and 24 bits.
#[inline(always)]
fn diffused(s: &Planes) -> Planes {
    // Rotated left by `by` bits: bit n comes from bit n - by; a step of eight bits is one of 16 in a plane.
    let rotated = |k: usize, by: usize| {
        let from = k + 32 - by;
        s[from % 8].rotate_left(16 * ((4 - from / 8 % 4) % 4) as u32)
    };
    std::array::from_fn(|k| s[k] ^ rotated(k, 2) ^ rotated(k, 10) ^ rotated(k, 18) ^ rotated(k, 24))
}

/// A round key the same for all blocks, in planes.
#[inline(always)]
fn spread(key: u32) -> Planes {
    std::array::from_fn(|k| {
        let bits = u64::from(key >> k & 0x0101_0101);
        // Bits 0, 8, 16, 24 to 0, 16, 32, 48; then each to the sixteen above it.
        let apart = bits & 1 | (bits & 0x100) << 8 | (bits & 0x1_0000) << 16 | (bits & 0x100_0000) << 24;
        apart * 0xffff
    })
}

/// Words of sixteen blocks, in planes.
fn planes(words: &[u32; 16]) -> Planes {
    // Bytes of words l and l + 8 in turn: byte 2 j + h of a number is byte j of word l + 8 h.
    let mut x: Planes = std::array::from_fn(|l| apart(words[l]) | apart(words[l + 8]) << 8);
    transpose(&mut x);
    x
}

fn words(planes: &Planes) -> [u32; 16] {
    let mut x = *planes;
    transpose(&mut x);
    std::array::from_fn(|l| together(x[l % 8] >> (l / 8 * 8)))
}

/// The four bytes of a word in every other byte.
fn apart(word: u32) -> u64 {
    let x = u64::from(word);
    let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    (x | x << 8) & 0x00ff_00ff_00ff_00ff
}

/// Every other byte as one word.
fn together(x: u64) -> u32 {
    let x = x & 0x00ff_00ff_00ff_00ff;
    let x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) as u32
}

/// Bit `8 i + k` of number `m` to bit `8 i + m` of number `k`. Its own inverse.
fn transpose(x: &mut Planes) {
    for (by, mask) in [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)] {
        for low in (0..8).filter(|m| m & by == 0) {
            let swap = (x[low] >> by ^ x[low + by]) & mask;
            x[low + by] ^= swap;
            x[low] ^= swap << by;
        }
    }
}

/// Sixteen blocks; `key(i)` is round key `i` in planes.
fn crypt(blocks: &mut [[u8; 16]; 16], key: impl Fn(usize) -> Planes) {
    let mut x: [Planes; 4] = std::array::from_fn(|w| {
        planes(&blocks.each_ref().map(|b| u32::from_be_bytes([b[4 * w], b[4 * w + 1], b[4 * w + 2], b[4 * w + 3]])))
    });
    for i in 0..32 {
        let key = key(i);
        let [x0, x1, x2, x3] = &x;
        let s = sbox(&std::array::from_fn(|k| x1[k] ^ x2[k] ^ x3[k] ^ key[k]));
        let t = diffused(&s);
        x = [*x1, *x2, *x3, std::array::from_fn(|k| x0[k] ^ t[k])];
    }
    for (w, planes) in x.iter().rev().enumerate() {
        for (block, word) in blocks.iter_mut().zip(words(planes)) {
            block[4 * w..4 * w + 4].copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// Puts each block through the cipher.
pub(super) fn blocks(keys: &RoundKeys, blocks: &mut [[u8; 16]]) {
    let mut keys = keys.0.map(spread);
    let (sets, rest) = blocks.as_chunks_mut::<16>();
    for set in sets {
        crypt(set, |i| keys[i]);
    }
    if !rest.is_empty() {
        let mut padded = [[0; 16]; 16];
        padded[..rest.len()].copy_from_slice(rest);
        crypt(&mut padded, |i| keys[i]);
        rest.copy_from_slice(&padded[..rest.len()]);
    }
    keys.zeroize();
}

/// Puts blocks through the cipher, each under keys of its own; see `cipher::Units::lanes`.
pub(super) fn lanes(keys: &[LaneKeys], blocks: &mut [[[u8; 16]; 16]]) {
    for (keys, blocks) in keys.iter().zip(blocks) {
        crypt(blocks, |i| planes(&keys[i]));
    }
}
