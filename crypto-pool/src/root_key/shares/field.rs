//! GF(2^8) with x^8 + x^4 + x^3 + x + 1, without branches or look-ups on secrets.

/// The sum, which is also the difference.
pub(super) const fn add(one: u8, other: u8) -> u8 {
    one ^ other
}

/// The product.
pub(super) const fn multiply(one: u8, other: u8) -> u8 {
    let (mut sum, mut shifted, mut bit) = (0, one, 0);
    while bit < 8 {
        // All ones where the bit is set.
        sum ^= shifted & (other >> bit & 1).wrapping_neg();
        shifted = shifted << 1 ^ 0x1b & (shifted >> 7).wrapping_neg();
        bit += 1;
    }
    sum
}

/// The inverse; zero for zero. The 254th power.
pub(super) const fn invert(one: u8) -> u8 {
    let (mut power, mut result, mut step) = (one, 1, 0);
    while step < 7 {
        power = multiply(power, power);
        result = multiply(result, power);
        step += 1;
    }
    result
}
