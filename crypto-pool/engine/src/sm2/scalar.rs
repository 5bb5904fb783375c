//! Numbers modulo n, the order of the curve's group, in plain Rust and constant time unless a name says
//! `vartime`. They are kept as they are, below n; a signature multiplies but once or twice.

use zeroize::Zeroize;

use super::inverse::{self, Modulus};
use super::wide;

/// n, lowest limb first (GB/T 32918.5-2017 2).
pub(super) const N: [u64; 4] =
    [0x53bb_f409_39d5_4123, 0x7203_df6b_21c6_052b, 0xffff_ffff_ffff_ffff, 0xffff_fffe_ffff_ffff];
/// 2^512 mod n.
const R2: [u64; 4] = [0x9011_92af_7c11_4f20, 0x3464_504a_de6f_a2fa, 0x620f_c84c_3aff_e0d4, 0x1eb5_e412_a22b_3d3b];
/// -n^-1 mod 2^64.
const N_INVERSE: u64 = 0x327f_9e88_7235_0975;
/// 2^512 / (n-1), rounded down; with n-2 in place of n-1 it is one more.
const MU: [u64; 5] = [0x12ac_6361_f151_49a1, 0x8dfc_2096_fa32_3c01, 0x0000_0001_0000_0001, 0x0000_0001_0000_0001, 1];

const MODULUS: Modulus = Modulus::new(&N);

/// A number modulo n.
#[derive(Clone, Copy, PartialEq, Eq, Default, Zeroize)]
pub(super) struct Scalar([u64; 4]);

impl Scalar {
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);

    /// From 32 bytes, big endian, unless they are n or more.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let limbs = wide::from_bytes(bytes);
        let (_, below) = wide::sub(&limbs, &N);
        (wide::opaque(u64::from(below)) != 0).then_some(Self(limbs))
    }

    /// From 32 bytes, big endian, modulo n.
    pub(super) fn reduce_bytes(bytes: &[u8; 32]) -> Self {
        Self::reduce(&wide::from_bytes(bytes))
    }

    /// Modulo n. Every number of four limbs is below 2n.
    pub(super) fn reduce(limbs: &[u64; 4]) -> Self {
        Self(wide::subtract_unless_below(limbs, 0, &N).0)
    }

    /// A number in 1 to n-1 from 64 bytes, big endian: modulo n-1, plus one. If they are uniform, so is the
    /// number, but for one part in 2^256.
    pub(super) fn nonzero_from_wide(bytes: &[u8; 64]) -> Self {
        Self(one_to(bytes, &[N[0] - 1, N[1], N[2], N[3]], &MU))
    }

    /// A private key, 1 to n-2, from 64 bytes, big endian: modulo n-2, plus one.
    pub(super) fn key_from_wide(bytes: &[u8; 64]) -> Self {
        Self(one_to(bytes, &[N[0] - 2, N[1], N[2], N[3]], &[MU[0] + 1, MU[1], MU[2], MU[3], MU[4]]))
    }

    /// 32 bytes, big endian.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        wide::to_bytes(&self.0)
    }

    /// The limbs, lowest first.
    pub(super) fn limbs(&self) -> &[u64; 4] {
        &self.0
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let (sum, carry) = wide::add(&self.0, &other.0);
        Self(wide::subtract_unless_below(&sum, u64::from(carry), &N).0)
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = wide::sub(&self.0, &other.0);
        let mask = wide::opaque(u64::from(borrow).wrapping_neg());
        Self(wide::add(&difference, &N.map(|limb| limb & mask)).0)
    }

    pub(super) fn negate(&self) -> Self {
        Self::default().sub(self)
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        Self(montgomery(&montgomery(&self.0, &other.0), &R2))
    }

    /// The inverse; zero has zero.
    pub(super) fn invert(&self) -> Self {
        Self(inverse::invert(&self.0, &MODULUS))
    }

    /// Whether this is zero. Telling is no leak where it happens once in 2^255 or the number is public.
    pub(super) fn is_zero(&self) -> bool {
        wide::is_zero_mask(&self.0) != 0
    }
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may be a secret.
        f.write_str("Scalar(..)")
    }
}

/// `bytes` modulo `m`, plus one.
fn one_to(bytes: &[u8; 64], m: &[u64; 4], mu: &[u64; 5]) -> [u64; 4] {
    let mut limbs = [0; 8];
    for (limb, octets) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*octets);
    }
    let rest = wide::remainder(&limbs, m, mu);
    limbs.zeroize();
    wide::add(&rest, &[1, 0, 0, 0]).0
}

/// a·b·2^-256 mod n.
fn montgomery(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    // Limbs 0 to 3 and what stands above them: below 2n after each round.
    let (mut t, mut high) = ([0_u64; 4], 0_u64);
    for limb in b {
        let (t0, carry) = a[0].carrying_mul_add(*limb, t[0], 0);
        let (t1, carry) = a[1].carrying_mul_add(*limb, t[1], carry);
        let (t2, carry) = a[2].carrying_mul_add(*limb, t[2], carry);
        let (t3, carry) = a[3].carrying_mul_add(*limb, t[3], carry);
        let (t4, t5) = high.carrying_add(carry, false);
        let m = t0.wrapping_mul(N_INVERSE);
        let (_, carry) = N[0].carrying_mul_add(m, t0, 0);
        let (t0, carry) = N[1].carrying_mul_add(m, t1, carry);
        let (t1, carry) = N[2].carrying_mul_add(m, t2, carry);
        let (t2, carry) = N[3].carrying_mul_add(m, t3, carry);
        let (t3, over) = t4.carrying_add(carry, false);
        t = [t0, t1, t2, t3];
        high = u64::from(t5) + u64::from(over);
    }
    wide::subtract_unless_below(&t, high, &N).0
}
