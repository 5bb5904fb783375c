//! Four limbs of 64 bits as one number, lowest limb first: what both moduli need. Constant time.

/// The sum and its carry.
#[inline(always)]
pub(super) fn add(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let (r0, c) = a[0].carrying_add(b[0], false);
    let (r1, c) = a[1].carrying_add(b[1], c);
    let (r2, c) = a[2].carrying_add(b[2], c);
    let (r3, c) = a[3].carrying_add(b[3], c);
    ([r0, r1, r2, r3], c)
}

/// The difference and its borrow.
#[inline(always)]
pub(super) fn sub(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let (r0, c) = a[0].borrowing_sub(b[0], false);
    let (r1, c) = a[1].borrowing_sub(b[1], c);
    let (r2, c) = a[2].borrowing_sub(b[2], c);
    let (r3, c) = a[3].borrowing_sub(b[3], c);
    ([r0, r1, r2, r3], c)
}

/// The same mask, of which the compiler no longer knows that it is all ones or zero: it would make a branch of
/// what is to be a selection. Every mask that depends on a secret goes through here.
#[inline(always)]
pub(super) fn opaque(mask: u64) -> u64 {
    std::hint::black_box(mask)
}

/// `b` where `mask` is all ones, `a` where it is zero.
#[inline(always)]
pub(super) fn select(a: &[u64; 4], b: &[u64; 4], mask: u64) -> [u64; 4] {
    [
        a[0] ^ (mask & (a[0] ^ b[0])),
        a[1] ^ (mask & (a[1] ^ b[1])),
        a[2] ^ (mask & (a[2] ^ b[2])),
        a[3] ^ (mask & (a[3] ^ b[3])),
    ]
}

/// All ones if the number is zero, else zero.
#[inline(always)]
pub(super) fn is_zero_mask(a: &[u64; 4]) -> u64 {
    let any = opaque(a[0] | a[1] | a[2] | a[3]);
    // The highest bit of any | -any is set unless `any` is zero.
    ((any | any.wrapping_neg()) >> 63).wrapping_sub(1)
}

/// The product.
#[inline(always)]
pub(super) fn mul(a: &[u64; 4], b: &[u64; 4]) -> [u64; 8] {
    let mut t = [0; 8];
    let mut i = 0;
    while i < 4 {
        let mut carry = 0;
        (t[i], carry) = a[0].carrying_mul_add(b[i], t[i], carry);
        (t[i + 1], carry) = a[1].carrying_mul_add(b[i], t[i + 1], carry);
        (t[i + 2], carry) = a[2].carrying_mul_add(b[i], t[i + 2], carry);
        (t[i + 3], carry) = a[3].carrying_mul_add(b[i], t[i + 3], carry);
        t[i + 4] = carry;
        i += 1;
    }
    t
}

/// The square: each product of two different limbs is made once and doubled.
#[inline(always)]
pub(super) fn sqr(a: &[u64; 4]) -> [u64; 8] {
    let (t1, c) = a[0].carrying_mul_add(a[1], 0, 0);
    let (t2, c) = a[0].carrying_mul_add(a[2], c, 0);
    let (t3, t4) = a[0].carrying_mul_add(a[3], c, 0);
    let (t3, c) = a[1].carrying_mul_add(a[2], t3, 0);
    let (t4, t5) = a[1].carrying_mul_add(a[3], t4, c);
    let (t5, t6) = a[2].carrying_mul_add(a[3], t5, 0);
    let (s0, s1) = a[0].carrying_mul_add(a[0], 0, 0);
    let (s2, s3) = a[1].carrying_mul_add(a[1], 0, 0);
    let (s4, s5) = a[2].carrying_mul_add(a[2], 0, 0);
    let (s6, s7) = a[3].carrying_mul_add(a[3], 0, 0);
    let ([r0, r1, r2, r3], c) = add(&[s0, s1, s2, s3], &[0, t1 << 1, t2 << 1 | t1 >> 63, t3 << 1 | t2 >> 63]);
    let high = [t4 << 1 | t3 >> 63, t5 << 1 | t4 >> 63, t6 << 1 | t5 >> 63, t6 >> 63];
    let (r4, c) = s4.carrying_add(high[0], c);
    let (r5, c) = s5.carrying_add(high[1], c);
    let (r6, c) = s6.carrying_add(high[2], c);
    let (r7, _) = s7.carrying_add(high[3], c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// From 32 bytes, big endian.
pub(super) const fn from_bytes(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0_u64; 4];
    let mut i = 0;
    while i < 32 {
        limbs[3 - i / 8] = limbs[3 - i / 8] << 8 | bytes[i] as u64;
        i += 1;
    }
    limbs
}

/// As 32 bytes, big endian.
pub(super) const fn to_bytes(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut i = 0;
    while i < 32 {
        bytes[i] = (limbs[3 - i / 8] >> (56 - 8 * (i % 8))) as u8;
        i += 1;
    }
    bytes
}

/// `x` modulo `m`, given `mu` = 2^512 / `m` rounded down; `m` is above 2^255.
///
/// Barrett's reduction (Menezes, van Oorschot, Vanstone, Handbook of Applied Cryptography, 14.42).
pub(super) fn remainder(x: &[u64; 8], m: &[u64; 4], mu: &[u64; 5]) -> [u64; 4] {
    // The quotient, too small by at most two: (x / 2^192)·mu / 2^320.
    let mut product = [0; 10];
    for i in 0..5 {
        let mut carry = 0;
        for j in 0..5 {
            (product[i + j], carry) = x[3 + i].carrying_mul_add(mu[j], product[i + j], carry);
        }
        product[i + 5] = carry;
    }
    let quotient = &product[5..];
    // What is taken away, modulo 2^320: the rest is below 3m, so more limbs do not matter.
    let mut taken = [0; 5];
    for i in 0..5 {
        let mut carry = 0;
        for j in 0..5 - i {
            let limb = if j < 4 { m[j] } else { 0 };
            (taken[i + j], carry) = quotient[i].carrying_mul_add(limb, taken[i + j], carry);
        }
    }
    let (low, borrow) = sub(&[x[0], x[1], x[2], x[3]], &[taken[0], taken[1], taken[2], taken[3]]);
    let high = x[4].wrapping_sub(taken[4]).wrapping_sub(u64::from(borrow));
    let (rest, high) = subtract_unless_below(&low, high, m);
    subtract_unless_below(&rest, high, m).0
}

/// `x` + `high`·2^256, less `m` if it is not below `m`.
#[inline(always)]
pub(super) fn subtract_unless_below(x: &[u64; 4], high: u64, m: &[u64; 4]) -> ([u64; 4], u64) {
    let (less, borrow) = sub(x, m);
    let (high_less, below) = high.borrowing_sub(0, borrow);
    let keep = opaque(u64::from(below).wrapping_neg());
    (select(&less, x, keep), high_less ^ (keep & (high_less ^ high)))
}
