//! Points of the curve y^2 = x^3 - 3x + b, and sums of them.
//!
//! Three forms: [`Affine`] (x, y); [`Jacobian`] (X/Z^2, Y/Z^3), which doubles fastest; [`Xyzz`] (X/ZZ, Y/ZZZ with
//! ZZ^3 = ZZZ^2), which takes up affine points fastest. Formulas: hyperelliptic.org/EFD, g1p/auto-shortw-jacobian-3
//! and g1p/auto-shortw-xyzz.
//!
//! The functions without `vartime` in their names take the same steps for all points, but they know only the general
//! case: the two points are neither equal, nor opposite, nor infinity. Who calls them says why that holds.

use zeroize::Zeroize;

use super::field::{Arith, Fe, P};
use super::inverse::{self, Modulus};
use super::scalar::{N, Scalar};
use super::wide;

/// b of the curve.
const B: Fe = Fe([0x90d2_3063_2bc0_dd42, 0x71cf_379a_e9b5_37ab, 0x5279_8150_5ea5_1c3c, 0x240f_e188_ba20_e2c8]);

const MODULUS: Modulus = Modulus::new(&P);
/// 2^768 mod p: multiplying with it takes the inverse of x·2^256 to that of x, times 2^256.
const R3: Fe = Fe([0x0000_0012_0000_0016, 0x0000_000e_ffff_fff8, 0x0000_000a_0000_000c, 0x0000_001b_0000_0009]);

/// A point other than infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Zeroize)]
#[repr(C, align(64))]
pub(super) struct Affine {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

/// A point; infinity has Z = 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jacobian {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

/// A point; infinity has ZZ = 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Xyzz {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) zz: Fe,
    pub(super) zzz: Fe,
}

/// The inverse; zero for zero.
pub(super) fn invert<A: Arith>(arith: A, x: &Fe) -> Fe {
    arith.mul(&Fe(inverse::invert(&x.0, &MODULUS)), &R3)
}

impl Affine {
    /// The base point G (GB/T 32918.5-2017 2).
    pub(super) const G: Self = Self {
        x: Fe([0x6132_8990_f418_029e, 0x3e79_81ed_dca6_c050, 0xd6a1_ed99_ac24_c3c3, 0x9116_7a5e_e1c1_3b05]),
        y: Fe([0xc135_4e59_3c2d_0ddd, 0xc1f5_e578_8d32_95fa, 0x8d4c_fb06_6e2a_48f8, 0x63cd_65d4_81d7_35bd]),
    };

    /// From X and Y, 32 bytes each, big endian, if both are below p and the point is on the curve.
    pub(super) fn from_bytes(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let point = Self { x: Fe::from_bytes(x)?, y: Fe::from_bytes(y)? };
        let (x, y) = (point.x, point.y);
        let three = Fe::ONE.double().add(&Fe::ONE);
        let right = x.mul(&x).sub(&three).mul(&x).add(&B);
        (y.mul(&y) == right).then_some(point)
    }

    /// X and Y, 32 bytes each, big endian.
    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.x.to_bytes());
        bytes[32..].copy_from_slice(&self.y.to_bytes());
        bytes
    }

    /// The opposite point where `mask` is all ones; `mask` is that or zero.
    #[inline(always)]
    pub(super) fn negate_if(&self, mask: u64) -> Self {
        Self { x: self.x, y: self.y.negate_if(mask) }
    }

    pub(super) fn to_jacobian(self) -> Jacobian {
        Jacobian { x: self.x, y: self.y, z: Fe::ONE }
    }

    pub(super) fn to_xyzz(self) -> Xyzz {
        Xyzz { x: self.x, y: self.y, zz: Fe::ONE, zzz: Fe::ONE }
    }
}

impl Xyzz {
    /// The sum (madd-2008-s, 8 multiplications and 2 squares), in the general case.
    #[inline(never)]
    pub(super) fn add_affine<A: Arith>(&self, arith: A, other: &Affine) -> Self {
        let p = arith.sub(&arith.mul(&other.x, &self.zz), &self.x);
        let r = arith.sub(&arith.mul(&other.y, &self.zzz), &self.y);
        self.add_with(arith, &p, &r)
    }

    #[inline(always)]
    fn add_with<A: Arith>(&self, arith: A, p: &Fe, r: &Fe) -> Self {
        let pp = arith.sqr(p);
        let rr = arith.sqr(r);
        let ppp = arith.mul(p, &pp);
        let q = arith.mul(&self.x, &pp);
        let zz = arith.mul(&self.zz, &pp);
        let x = arith.sub(&arith.sub(&rr, &ppp), &arith.add(&q, &q));
        let zzz = arith.mul(&self.zzz, &ppp);
        let yppp = arith.mul(&self.y, &ppp);
        let y = arith.sub(&arith.mul(r, &arith.sub(&q, &x)), &yppp);
        Self { x, y, zz, zzz }
    }

    /// The sum in every case; for public points.
    #[inline(never)]
    pub(super) fn add_affine_vartime<A: Arith>(&self, arith: A, other: &Affine) -> Self {
        if self.zz.is_zero_vartime() {
            return other.to_xyzz();
        }
        let p = arith.sub(&arith.mul(&other.x, &self.zz), &self.x);
        let r = arith.sub(&arith.mul(&other.y, &self.zzz), &self.y);
        if p.is_zero_vartime() {
            return if r.is_zero_vartime() {
                other.to_jacobian().double(arith).to_xyzz(arith)
            } else {
                Self::default()
            };
        }
        self.add_with(arith, &p, &r)
    }

    /// The same point: X·ZZ, Y·ZZZ over Z = ZZ.
    pub(super) fn to_jacobian<A: Arith>(self, arith: A) -> Jacobian {
        Jacobian { x: arith.mul(&self.x, &self.zz), y: arith.mul(&self.y, &self.zzz), z: self.zz }
    }

    /// x; 0 for infinity.
    pub(super) fn affine_x<A: Arith>(&self, arith: A) -> Fe {
        arith.mul(&self.x, &invert(arith, &self.zz))
    }

    /// The affine point; (0, 0) for infinity.
    pub(super) fn to_affine<A: Arith>(self, arith: A) -> Affine {
        // 1/ZZ = (ZZ/ZZZ)^2, as ZZ^3 = ZZZ^2.
        let inverse = invert(arith, &self.zzz);
        let x = arith.mul(&self.x, &arith.sqr(&arith.mul(&self.zz, &inverse)));
        Affine { x, y: arith.mul(&self.y, &inverse) }
    }
}

impl Jacobian {
    /// Twice the point (4 multiplications and 4 squares); right in every case.
    #[inline(never)]
    pub(super) fn double<A: Arith>(&self, arith: A) -> Self {
        let zz = arith.sqr(&self.z);
        let y2 = arith.add(&self.y, &self.y);
        let yy4 = arith.sqr(&y2);
        let m = arith.mul(&arith.sub(&self.x, &zz), &arith.add(&self.x, &zz));
        let s = arith.mul(&self.x, &yy4);
        let m = arith.add(&arith.add(&m, &m), &m);
        let z = arith.mul(&y2, &self.z);
        let mm = arith.sqr(&m);
        let y4 = arith.sqr(&yy4).half();
        let x = arith.sub(&mm, &arith.add(&s, &s));
        let y = arith.sub(&arith.mul(&m, &arith.sub(&s, &x)), &y4);
        Self { x, y, z }
    }

    pub(super) fn to_xyzz<A: Arith>(self, arith: A) -> Xyzz {
        let zz = arith.sqr(&self.z);
        Xyzz { x: self.x, y: self.y, zz, zzz: arith.mul(&zz, &self.z) }
    }

    /// The affine point; (0, 0) for infinity.
    pub(super) fn to_affine<A: Arith>(self, arith: A) -> Affine {
        self.to_affine_with(arith, &invert(arith, &self.z))
    }

    /// Whether this is a point whose x is `number` modulo n; for public points. Needs no inversion: X is compared
    /// with x·Z^2, and with (x+n)·Z^2 where x + n is below p.
    pub(super) fn has_x_vartime<A: Arith>(&self, arith: A, number: &Scalar) -> bool {
        if self.z.is_zero_vartime() {
            return false;
        }
        let zz = arith.sqr(&self.z);
        let is = |x: &[u64; 4]| arith.mul(&Fe::from_plain(x), &zz) == self.x;
        let (wrapped, carry) = wide::add(number.limbs(), &N);
        is(number.limbs()) || (!carry && wide::sub(&wrapped, &P).1 && is(&wrapped))
    }

    /// The affine point, given 1/Z.
    pub(super) fn to_affine_with<A: Arith>(self, arith: A, inverse: &Fe) -> Affine {
        let square = arith.sqr(inverse);
        Affine { x: arith.mul(&self.x, &square), y: arith.mul(&self.y, &arith.mul(&square, inverse)) }
    }

    /// The sum with an affine point in every case; for public points.
    #[inline(never)]
    pub(super) fn add_affine_vartime<A: Arith>(&self, arith: A, other: &Affine) -> Self {
        if self.z.is_zero_vartime() {
            return other.to_jacobian();
        }
        let zz = arith.sqr(&self.z);
        let h = arith.sub(&arith.mul(&other.x, &zz), &self.x);
        let r = arith.sub(&arith.mul(&other.y, &arith.mul(&zz, &self.z)), &self.y);
        if h.is_zero_vartime() {
            return if r.is_zero_vartime() { other.to_jacobian().double(arith) } else { Self::default() };
        }
        let z = arith.mul(&self.z, &h);
        add_with(arith, &self.x, &self.y, z, &h, &r)
    }
}

/// A point that will be added more than once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addend {
    pub(super) point: Jacobian,
    zz: Fe,
    zzz: Fe,
}

impl Addend {
    pub(super) fn new<A: Arith>(arith: A, point: &Jacobian) -> Self {
        let zz = arith.sqr(&point.z);
        Self { point: *point, zz, zzz: arith.mul(&zz, &point.z) }
    }

    /// The opposite where `mask` is all ones; `mask` is that or zero.
    #[inline(always)]
    pub(super) fn negate_if(&self, mask: u64) -> Self {
        Self { point: Jacobian { y: self.point.y.negate_if(mask), ..self.point }, ..*self }
    }

    /// One of `table` by its place, without telling which.
    #[inline(always)]
    pub(super) fn select(table: &[Self], index: u64) -> Self {
        let mut chosen = Self::default();
        for (place, entry) in (0_u64..).zip(table) {
            let mask = wide::opaque(wide::is_zero_mask(&[place ^ index, 0, 0, 0]));
            chosen.point.x = Fe::select(&chosen.point.x, &entry.point.x, mask);
            chosen.point.y = Fe::select(&chosen.point.y, &entry.point.y, mask);
            chosen.point.z = Fe::select(&chosen.point.z, &entry.point.z, mask);
            chosen.zz = Fe::select(&chosen.zz, &entry.zz, mask);
            chosen.zzz = Fe::select(&chosen.zzz, &entry.zzz, mask);
        }
        chosen
    }

    /// The sum (11 multiplications and 3 squares), in the general case.
    #[inline(never)]
    pub(super) fn add_to<A: Arith>(&self, arith: A, other: &Jacobian) -> Jacobian {
        let (s1, u1, h, r) = self.differences(arith, other);
        let z = arith.mul(&arith.mul(&other.z, &self.point.z), &h);
        add_with(arith, &u1, &s1, z, &h, &r)
    }

    /// The sum in every case; for public points.
    #[inline(never)]
    pub(super) fn add_to_vartime<A: Arith>(&self, arith: A, other: &Jacobian) -> Jacobian {
        if other.z.is_zero_vartime() {
            return self.point;
        }
        if self.point.z.is_zero_vartime() {
            return *other;
        }
        let (s1, u1, h, r) = self.differences(arith, other);
        if h.is_zero_vartime() {
            return if r.is_zero_vartime() { other.double(arith) } else { Jacobian::default() };
        }
        let z = arith.mul(&arith.mul(&other.z, &self.point.z), &h);
        add_with(arith, &u1, &s1, z, &h, &r)
    }

    /// Both points brought to one denominator: Y and X of the other, and how far this one's X and Y are off.
    #[inline(always)]
    fn differences<A: Arith>(&self, arith: A, other: &Jacobian) -> (Fe, Fe, Fe, Fe) {
        let zz = arith.sqr(&other.z);
        let u1 = arith.mul(&other.x, &self.zz);
        let s1 = arith.mul(&other.y, &self.zzz);
        let h = arith.sub(&arith.mul(&self.point.x, &zz), &u1);
        let r = arith.sub(&arith.mul(&self.point.y, &arith.mul(&zz, &other.z)), &s1);
        (s1, u1, h, r)
    }
}

/// The end of every Jacobian addition: X and Y from those of one point and the differences to the other.
#[inline(always)]
fn add_with<A: Arith>(arith: A, x: &Fe, y: &Fe, z: Fe, h: &Fe, r: &Fe) -> Jacobian {
    let hh = arith.sqr(h);
    let rr = arith.sqr(r);
    let hhh = arith.mul(&hh, h);
    let v = arith.mul(x, &hh);
    let yhhh = arith.mul(y, &hhh);
    let x = arith.sub(&arith.sub(&rr, &hhh), &arith.add(&v, &v));
    let y = arith.sub(&arith.mul(r, &arith.sub(&v, &x)), &yhhh);
    Jacobian { x, y, z }
}
