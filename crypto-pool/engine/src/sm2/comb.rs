//! Multiples of a known public key, kept so that verifying its signatures needs no doublings.
//!
//! A signature is verified with sG + tP. For a key that verifies again and again (an issuer's, whose
//! every signature is checked before it leaves) the 960 points j·16^i·P, 1 <= j <= 15, 0 <= i < 64, are
//! made once (about 0.5 ms, 90 KiB), and tP is then at most 64 additions. Everything here is public, so
//! indexes and times may depend on it.

use sm2::elliptic_curve::PrimeField as _;
use sm2::elliptic_curve::group::Group as _;
use sm2::{ProjectivePoint, Scalar};

/// Four-bit digits of a 256-bit scalar.
const DIGITS: usize = 64;
/// Multiples kept of each: all but zero.
const MULTIPLES: usize = 15;

/// The multiples of one point.
pub(super) struct Comb(Vec<ProjectivePoint>);

impl Comb {
    pub(super) fn new(point: &ProjectivePoint) -> Self {
        let mut points = Vec::with_capacity(DIGITS * MULTIPLES);
        let mut base = *point;
        for _ in 0..DIGITS {
            let mut multiple = base;
            for _ in 0..MULTIPLES {
                points.push(multiple);
                multiple += &base;
            }
            // Sixteen times the base: where the loop has arrived.
            base = multiple;
        }
        Self(points)
    }

    /// The scalar times the point.
    pub(super) fn times(&self, scalar: &Scalar) -> ProjectivePoint {
        let bytes = scalar.to_repr();
        let mut sum = ProjectivePoint::identity();
        // Big endian: the last octet holds the two lowest digits.
        for (place, octet) in bytes.iter().rev().enumerate() {
            for (digit, i) in [(octet & 0x0f, 2 * place), (octet >> 4, 2 * place + 1)] {
                if digit != 0 {
                    sum += &self.0[i * MULTIPLES + usize::from(digit) - 1];
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comb_multiplies_as_the_library_does() {
        let point = ProjectivePoint::generator() * Scalar::from(7_u64);
        let comb = Comb::new(&point);
        // Zero, one, all digits set, n - 1, and a walk over many others.
        let mut scalars = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE];
        let mut next = Scalar::from(0x0123_4567_89ab_cdef_u64);
        for _ in 0..200 {
            next = next.square() + Scalar::ONE;
            scalars.push(next);
        }
        for scalar in scalars {
            assert_eq!(comb.times(&scalar), point * scalar);
        }
    }
}
