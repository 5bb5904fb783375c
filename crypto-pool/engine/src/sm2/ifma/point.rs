//! Points of the curve in lanes: the two additions and the doubling everything is made of.
//!
//! Formulas that end in a difference of products are turned round so that they end in a sum, which
//! needs one reduction instead of two and no negation. Hence [`Extended::subtract_from`] and
//! [`Jacobian::double_negated`]: the signs are known beforehand and those who call keep the account.
//!
//! The formulas hold for all but a few pairs of points (equal ones, opposite ones, infinity). Those leave
//! Z = 0, which stays 0 whatever follows; [`invert_all`] tells such lanes and does not let them spoil others.
//! Where they can occur they do so once in 2^250, or because somebody wrote a signature for it; the lane
//! is then computed again by itself.

use core::arch::x86_64::__mmask8;

use super::field::{Fe, HALVES, Loose, ONE};

/// All lanes.
pub(super) const ALL: [__mmask8; HALVES] = [0xff; HALVES];
/// No lane.
pub(super) const NONE: [__mmask8; HALVES] = [0; HALVES];

/// Points (x, y), both below 16p: so a table may hold them 2^256 times, which is 16 times less than 2^260.
#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

/// Points (x/zz, y/zzz) with zz^3 = zzz^2: the cheapest to add affine points to.
///
/// x below 1.01p, y below 3.7p, zz and zzz below 2p.
#[derive(Clone, Copy)]
pub(super) struct Extended {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) zz: Fe,
    pub(super) zzz: Fe,
}

/// Points (x/z^2, y/z^3): the cheapest to double. x below 1.01p, y below 3.7p, z below 4p.
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

impl Affine {
    /// Space for points.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn zero() -> Self {
        let zero = Fe::same(&[0; 5]);
        Self { x: zero, y: zero }
    }
}

impl Extended {
    /// `t`, or `-t` in the lanes of `negated`.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_affine(t: &Affine, negated: [__mmask8; HALVES]) -> Self {
        let one = Fe::same(&ONE);
        Self { x: Loose(t.x.0).fold(), y: Loose(t.y.0).negate(negated).fold(), zz: one, zzz: one }
    }

    /// Makes `self` `t - self`, or `-t - self` in the lanes of `negated`. Unless `t` is infinity, `self` or `-self`.
    ///
    /// `madd-2008-s` of the Explicit-Formulas Database with the sign of `self.y` changed.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn subtract_from(&mut self, t: &Affine, negated: [__mmask8; HALVES]) {
        // Below 3p, both.
        let u = t.x.mul_loose(&self.zz);
        let s = t.y.mul_loose(&self.zzz);
        // Below 5p, and its square below 2.6p.
        let p = u.sub(&self.x.0).tight();
        // Above -3p, made to lie below 3p + 3.7p + 4p.
        let r = s.negate(negated).add(&self.y.0).tight_4();
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = self.x.mul_loose(&pp);
        self.zz = self.zz.mul(&pp);
        self.zzz = self.zzz.mul(&ppp);
        self.x = r.square_loose().sub(&ppp.0).sub(&q.0).sub(&q.0).fold();
        // Below (10.7 * 3.2 + 3.7 * 2) p / 16 + p = 3.7p.
        self.y = r.mul_add(&q.sub(&self.x.0).tight(), &self.y, &ppp);
    }

    /// The same points.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_jacobian(point: &Jacobian) -> Self {
        let zz = point.z.square();
        Self { x: point.x, y: point.y, zz, zzz: zz.mul(&point.z) }
    }
}

impl Jacobian {
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn from_affine(t: &Affine, negated: [__mmask8; HALVES]) -> Self {
        Self { x: Loose(t.x.0).fold(), y: Loose(t.y.0).negate(negated).fold(), z: Fe::same(&ONE) }
    }

    /// Makes `self` `t - self`, or `-t - self` in the lanes of `negated`. Unless `t` is infinity, `self` or `-self`.
    ///
    /// `madd` of the Explicit-Formulas Database with the sign of `self.y` changed.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn subtract_from(&mut self, t: &Affine, negated: [__mmask8; HALVES]) {
        // The bounds are those of the extended form, with zz below 2p and z zz below 1.5p.
        let zz = self.z.square();
        let h = t.x.mul_loose(&zz).sub(&self.x.0).tight();
        let s = t.y.mul_loose(&zz.mul(&self.z));
        let r = s.negate(negated).add(&self.y.0).tight_4();
        let hh = h.square();
        let hhh = h.mul(&hh);
        let v = self.x.mul_loose(&hh);
        self.z = self.z.mul(&h);
        self.x = r.square_loose().sub(&hhh.0).sub(&v.0).sub(&v.0).fold();
        self.y = r.mul_add(&v.sub(&self.x.0).tight(), &self.y, &hhh);
    }

    /// Makes `self` `-2 self`. `dbl-2001-b` of the Explicit-Formulas Database (a = -3).
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn double_negated(&mut self) {
        let delta = self.z.square_loose();
        let gamma = self.y.square();
        let x = Loose(self.x.0);
        let (less, more) = (x.sub(&delta.0).tight(), x.add(&delta.0).tight_positive());
        let beta4 = self.x.mul_loose(&gamma).times::<2>();
        // Below (3.01 * 3.01 / 16 + 1) p * 3 = 4.7p.
        let alpha = less.mul_loose(&more);
        let yz = self.y.mul_loose(&self.z);
        let alpha = alpha.add(&alpha.0).add(&alpha.0).tight_positive();
        self.z = yz.add(&yz.0).tight_positive();
        self.x = alpha.square_loose().sub(&beta4.0).sub(&beta4.0).fold();
        // Below (4.7 * 1.01 + 8 * 1.86^2) p / 16 + p, less than 3.1p.
        self.y = alpha.mul_add_8_squares(&Loose(self.x.0).sub(&beta4.0).fold(), &gamma);
    }
}

/// Inverts each number in place, all lanes at the price of three products each and one inversion in all.
///
/// Zero has no inverse: those lanes come back as zero, told by the masks.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn invert_all(numbers: &mut [Fe]) -> Vec<[__mmask8; HALVES]> {
    let one = Fe::same(&ONE);
    let mut product = one;
    let mut before = Vec::with_capacity(numbers.len());
    let mut zeros = Vec::with_capacity(numbers.len());
    for number in &mut *numbers {
        let zero = number.zeros();
        zeros.push(zero);
        before.push(product);
        product = product.mul(&number.select(&one, zero));
    }
    let mut inverse = product.invert();
    let nothing = Fe::same(&[0; 5]);
    for ((number, before), zero) in numbers.iter_mut().zip(&before).zip(&zeros).rev() {
        let next = inverse.mul(&number.select(&one, *zero));
        *number = inverse.mul(before).select(&nothing, *zero);
        inverse = next;
    }
    super::wipe(&mut before);
    zeros
}

/// The points in affine form. None of them may be infinity.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn normalize(points: &[Extended]) -> Vec<Affine> {
    let mut inverses = Vec::with_capacity(points.len());
    for point in points {
        inverses.push(point.zzz);
    }
    invert_all(&mut inverses);
    let mut out = Vec::with_capacity(points.len());
    for (point, inverse) in points.iter().zip(&inverses) {
        // zz / zzz = 1 / z.
        let z = point.zz.mul(inverse);
        let (x, y) = (point.x.mul(&z.square()), point.y.mul(inverse));
        out.push(Affine { x: x.canonical(), y: y.canonical() });
    }
    out
}

/// The odd multiples 1, 3, 5 and so on of each lane's point, which must be of order n: `count` for the
/// first element of `bases`, then as many for the second and so on.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn odd_multiples(bases: &[Affine], count: usize) -> Vec<Affine> {
    let mut doubles = Vec::with_capacity(bases.len());
    for base in bases {
        let mut double = Jacobian::from_affine(base, NONE);
        double.double_negated();
        doubles.push(Extended::from_jacobian(&double));
    }
    // Each of them -2 B.
    let steps = normalize(&doubles);
    let mut points = Vec::with_capacity(bases.len() * count);
    for (base, step) in bases.iter().zip(&steps) {
        let mut point = Extended::from_affine(base, NONE);
        for i in 0..count {
            points.push(point);
            // B, -3B, 5B and so on: each time the next step away from zero, and across.
            point.subtract_from(step, if i % 2 == 0 { NONE } else { ALL });
        }
    }
    let mut points = normalize(&points);
    for points in points.chunks_mut(count) {
        for point in points.iter_mut().skip(1).step_by(2) {
            point.y = Loose(point.y.0).negate(ALL).tight().canonical();
        }
    }
    points
}
