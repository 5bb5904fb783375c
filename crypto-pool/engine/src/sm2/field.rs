//! Numbers modulo p = 2^256 - 2^224 - 2^96 + 2^64 - 1 (GB/T 32918.5-2017 2), in plain Rust for every 64-bit
//! processor and without a branch or an address that depends on them, unless a name says `vartime`.
//!
//! A number x is kept as x·2^256 mod p (Montgomery's form), below p, in four 64-bit limbs, lowest first.
//! Because p ends in 64 ones, -p^-1 mod 2^64 is 1: the factor of each step of the reduction is the lowest
//! limb itself, and multiplying it with p takes shifts and additions only.

use zeroize::Zeroize;

use super::point::Affine;
use super::wide;

/// p, lowest limb first.
pub(super) const P: [u64; 4] =
    [0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xffff_fffe_ffff_ffff];

/// 2^512 mod p: multiplying with it brings a number into Montgomery's form.
const R2: Fe = Fe([0x0000_0002_0000_0003, 0x0000_0002_ffff_ffff, 0x0000_0001_0000_0001, 0x0000_0004_0000_0002]);

/// A number modulo p.
#[derive(Clone, Copy, PartialEq, Eq, Default, Zeroize)]
pub(super) struct Fe(pub(super) [u64; 4]);

/// How to multiply: the points are written once for all ways.
pub(super) trait Arith: Copy {
    /// The product.
    fn mul(self, a: &Fe, b: &Fe) -> Fe;
    /// The square.
    fn sqr(self, a: &Fe) -> Fe;
    /// The sum.
    fn add(self, a: &Fe, b: &Fe) -> Fe;
    /// The difference.
    fn sub(self, a: &Fe, b: &Fe) -> Fe;
    /// One point of `table` by its place, without telling which: all are read.
    fn select(self, table: &[Affine], index: u64) -> Affine;
}

/// `$body` with the fastest arithmetic of this processor under the name `$arith`.
macro_rules! fastest {
    (|$arith:ident| $body:expr) => {{
        #[cfg(target_arch = "x86_64")]
        if let Some($arith) = $crate::sm2::adx::Adx::detect() {
            $body
        } else {
            let $arith = $crate::sm2::field::Portable;
            $body
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let $arith = $crate::sm2::field::Portable;
            $body
        }
    }};
}
pub(super) use fastest;

/// Multiplies in plain Rust. It is the way of ARM, 飞腾 and 鲲鹏, and the last resort everywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

impl Arith for Portable {
    #[inline(always)]
    fn mul(self, a: &Fe, b: &Fe) -> Fe {
        a.mul(b)
    }

    #[inline(always)]
    fn sqr(self, a: &Fe) -> Fe {
        Fe::reduce(&wide::sqr(&a.0))
    }

    #[inline(always)]
    fn add(self, a: &Fe, b: &Fe) -> Fe {
        a.add(b)
    }

    #[inline(always)]
    fn sub(self, a: &Fe, b: &Fe) -> Fe {
        a.sub(b)
    }

    #[inline(always)]
    fn select(self, table: &[Affine], index: u64) -> Affine {
        let mut chosen = Affine::default();
        for (place, entry) in (0_u64..).zip(table) {
            let mask = wide::opaque(wide::is_zero_mask(&[place ^ index, 0, 0, 0]));
            for limb in 0..4 {
                chosen.x.0[limb] |= entry.x.0[limb] & mask;
                chosen.y.0[limb] |= entry.y.0[limb] & mask;
            }
        }
        chosen
    }
}

impl Fe {
    pub(super) const ZERO: Self = Self([0; 4]);
    /// 2^256 mod p.
    pub(super) const ONE: Self = Self([1, 0x0000_0000_ffff_ffff, 0, 0x0000_0001_0000_0000]);

    /// From a plain number, which must be below p.
    pub(super) fn from_plain(plain: &[u64; 4]) -> Self {
        Self(*plain).mul(&R2)
    }

    /// From 32 bytes, big endian, unless they are p or more.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let plain = wide::from_bytes(bytes);
        let (_, below) = wide::sub(&plain, &P);
        below.then(|| Self::from_plain(&plain))
    }

    /// 32 bytes, big endian.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        wide::to_bytes(&self.to_plain())
    }

    /// The plain number, below p.
    pub(super) fn to_plain(self) -> [u64; 4] {
        let [a, b, c, d] = self.0;
        Self::reduce(&[a, b, c, d, 0, 0, 0, 0]).0
    }

    /// The product.
    pub(super) fn mul(&self, other: &Self) -> Self {
        Self::reduce(&wide::mul(&self.0, &other.0))
    }

    /// The sum.
    #[inline(always)]
    pub(super) fn add(&self, other: &Self) -> Self {
        let (sum, carry) = wide::add(&self.0, &other.0);
        Self(subtract_once(&sum, carry))
    }

    /// The difference.
    #[inline(always)]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = wide::sub(&self.0, &other.0);
        let mask = wide::opaque(u64::from(borrow).wrapping_neg());
        Self(wide::add(&difference, &[mask & P[0], mask & P[1], mask & P[2], mask & P[3]]).0)
    }

    /// Twice the number.
    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        self.add(self)
    }

    /// Half of the number.
    #[inline(always)]
    pub(super) fn half(&self) -> Self {
        let mask = wide::opaque((self.0[0] & 1).wrapping_neg());
        let (t, carry) = wide::add(&self.0, &[mask & P[0], mask & P[1], mask & P[2], mask & P[3]]);
        Self([
            t[0] >> 1 | t[1] << 63,
            t[1] >> 1 | t[2] << 63,
            t[2] >> 1 | t[3] << 63,
            t[3] >> 1 | u64::from(carry) << 63,
        ])
    }

    /// The negative where `mask` is all ones; `mask` is that or zero.
    #[inline(always)]
    pub(super) fn negate_if(&self, mask: u64) -> Self {
        Self::select(self, &Self::ZERO.sub(self), wide::opaque(mask))
    }

    /// `b` where `mask` is all ones, `a` where it is zero.
    #[inline(always)]
    pub(super) fn select(a: &Self, b: &Self, mask: u64) -> Self {
        Self(wide::select(&a.0, &b.0, mask))
    }

    /// Whether this is zero; for public numbers.
    #[inline(always)]
    pub(super) fn is_zero_vartime(&self) -> bool {
        self.0 == [0; 4]
    }

    /// `t`·2^-256 mod p for `t` below p·2^256.
    #[inline(always)]
    fn reduce(t: &[u64; 8]) -> Self {
        let low = [t[0], t[1], t[2], t[3]];
        let low = shift_out(&shift_out(&shift_out(&shift_out(&low))));
        let (sum, carry) = wide::add(&low, &[t[4], t[5], t[6], t[7]]);
        Self(subtract_once(&sum, carry))
    }
}

impl std::fmt::Debug for Fe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may be part of a secret.
        f.write_str("Fe(..)")
    }
}

/// (t + m·p) / 2^64 with m the lowest limb of `t`, which is what makes the sum divisible.
///
/// It is (t - m) / 2^64 + m·(2^192 - 2^160 - 2^32 + 1), below 2^256.
#[inline(always)]
fn shift_out(t: &[u64; 4]) -> [u64; 4] {
    let m = t[0];
    let (product, _) = wide::sub(&[m, 0, 0, m], &[m << 32, m >> 32, m << 32, m >> 32]);
    wide::add(&[t[1], t[2], t[3], 0], &product).0
}

/// `t` + `carry`·2^256, which is below 2p, less p if it is not below p.
#[inline(always)]
fn subtract_once(t: &[u64; 4], carry: bool) -> [u64; 4] {
    let (less, borrow) = wide::sub(t, &P);
    // Below p: nothing carried out of the sum, and the difference had to borrow.
    wide::select(&less, t, wide::opaque(u64::from(!carry & borrow).wrapping_neg()))
}
