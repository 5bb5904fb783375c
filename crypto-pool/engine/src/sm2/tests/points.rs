//! Multiples of points against the reference implementation, at the numbers where windows, digits and wraps meet.

#![allow(clippy::unwrap_used)]

use ::sm2::elliptic_curve::PrimeField as _;
use ::sm2::elliptic_curve::group::Group as _;
use ::sm2::{ProjectivePoint, Scalar as Reference};

use super::arithmetic::Numbers;
use crate::sm2::comb::Comb;
use crate::sm2::field::{Arith, Fe, Portable, fastest};
use crate::sm2::multiply;
use crate::sm2::point::{Addend, Affine, Jacobian, Xyzz};
use crate::sm2::scalar::{N, Scalar};

fn reference(scalar: &Scalar) -> Reference {
    Reference::from_repr(scalar.to_bytes().into()).unwrap()
}

/// X and Y of a point of the reference; zeros for infinity, as ours.
fn coordinates(point: &ProjectivePoint) -> [u8; 64] {
    use ::sm2::elliptic_curve::sec1::ToSec1Point as _;
    let bytes = point.to_affine().to_sec1_point(false);
    bytes.as_bytes().get(1..).map_or([0; 64], |bytes| bytes.try_into().unwrap())
}

/// Scalars other than zero: small ones, those near n and n/2, near powers of two and of digits, and random ones.
fn scalars() -> Vec<Scalar> {
    let small = |i: u64| Scalar::reduce(&[i, 0, 0, 0]);
    let mut scalars: Vec<Scalar> = (1..=70).map(small).collect();
    for bit in (1..256).step_by(5) {
        let mut limbs = [0; 4];
        limbs[bit / 64] = 1 << (bit % 64);
        let power = Scalar::reduce(&limbs);
        scalars.extend([power, power.add(&small(1)), power.sub(&small(1)), power.add(&power.sub(&small(3)))]);
    }
    // k = 30·2^252 - n, 14·2^252 + n and the like: where the sum and the highest digit's part meet modulo n.
    for multiple in (0..64_u64).step_by(2) {
        let digit = Scalar::reduce(&[0, 0, 0, multiple << 58]);
        scalars.extend([digit, digit.add(&digit), digit.add(&small(35)), digit.sub(&small(29))]);
    }
    let mut numbers = Numbers::below(&N);
    scalars.extend((0..50).map(|_| Scalar::reduce(&numbers.limbs())));
    scalars.retain(|scalar| !scalar.is_zero());
    let opposite: Vec<Scalar> = scalars.iter().map(Scalar::negate).collect();
    scalars.extend(opposite);
    scalars
}

fn multiples_agree<A: Arith>(arith: A) {
    let seven = Scalar::reduce(&[7, 0, 0, 0]);
    let factor = Scalar::reduce(&[3, 1, 4, 1 << 60]).mul(&seven);
    let theirs = ProjectivePoint::generator() * reference(&factor);
    let base = Comb::new(arith, &Affine::G);
    let point = base.times(arith, &factor).to_affine(arith);
    assert_eq!(point.to_bytes(), coordinates(&theirs));
    let comb = Comb::new(arith, &point);
    let mut before = seven;
    for k in scalars() {
        let expected = coordinates(&(theirs * reference(&k)));
        assert_eq!(comb.times(arith, &k).to_affine(arith).to_bytes(), expected, "{:x?}", k.limbs());
        assert_eq!(comb.times(arith, &k).affine_x(arith).to_bytes(), expected[..32], "{:x?}", k.limbs());
        assert_eq!(comb.add_times_vartime(arith, None, &k).to_affine(arith).to_bytes(), expected);
        assert_eq!(multiply::times(arith, &point, &k).to_affine(arith).to_bytes(), expected, "{:x?}", k.limbs());
        // The sums of verification, by both ways.
        let both = coordinates(&(ProjectivePoint::generator() * reference(&before) + theirs * reference(&k)));
        let sum = multiply::base_and_point_vartime(arith, &before, &k, &point);
        assert_eq!(sum.to_affine(arith).to_bytes(), both, "{:x?} {:x?}", before.limbs(), k.limbs());
        let sum = comb.add_times_vartime(arith, Some(base.add_times_vartime(arith, None, &before)), &k);
        assert_eq!(sum.to_jacobian(arith).to_affine(arith).to_bytes(), both);
        before = k;
    }
    // Infinity, where the two cancel: k·(factor·G) - (k·factor)·G.
    for k in scalars().into_iter().step_by(97) {
        let other = k.mul(&factor).negate();
        let sum = multiply::base_and_point_vartime(arith, &other, &k, &point);
        assert!(sum.z.is_zero_vartime());
        assert!(!sum.has_x_vartime(arith, &Scalar::default()));
        let sum = comb.add_times_vartime(arith, Some(base.add_times_vartime(arith, None, &other)), &k);
        assert!(sum.zz.is_zero_vartime());
    }
}

#[test]
fn multiples_in_plain_rust_agree_with_the_reference() {
    multiples_agree(Portable);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn multiples_with_adx_agree_with_the_reference() {
    match crate::sm2::adx::Adx::detect() {
        Some(adx) => multiples_agree(adx),
        None => eprintln!("LEFT OUT: this processor has no BMI2, ADX and AVX2"),
    }
}

#[test]
fn sums_of_public_points_know_equal_opposite_and_infinite_ones() {
    fastest!(|arith| {
        let g = Affine::G;
        let twice = g.to_jacobian().double(arith).to_affine(arith);
        let minus = g.negate_if(u64::MAX);
        let infinity = Jacobian::default();
        let is = |found: Jacobian, expected: Affine| assert_eq!(found.to_affine(arith), expected);
        is(g.to_jacobian().add_affine_vartime(arith, &g), twice);
        is(infinity.add_affine_vartime(arith, &g), g);
        is(infinity.double(arith), Affine::default());
        assert!(g.to_jacobian().add_affine_vartime(arith, &minus).z.is_zero_vartime());
        let addend = Addend::new(arith, &g.to_jacobian());
        is(addend.add_to_vartime(arith, &g.to_jacobian()), twice);
        is(addend.add_to_vartime(arith, &infinity), g);
        assert!(addend.add_to_vartime(arith, &minus.to_jacobian()).z.is_zero_vartime());
        is(Addend::new(arith, &infinity).add_to_vartime(arith, &g.to_jacobian()), g);
        assert_eq!(g.to_xyzz().add_affine_vartime(arith, &g).to_affine(arith), twice);
        assert_eq!(Xyzz::default().add_affine_vartime(arith, &g).to_affine(arith), g);
        assert!(g.to_xyzz().add_affine_vartime(arith, &minus).zz.is_zero_vartime());
        // 2G over another denominator is still equal to 2G, and 3G to 2G + G.
        let over = Jacobian { x: twice.x.mul(&square(3)), y: twice.y.mul(&cube(3)), z: number(3) };
        is(over.add_affine_vartime(arith, &twice), twice.to_jacobian().double(arith).to_affine(arith));
        is(
            Addend::new(arith, &over).add_to(arith, &g.to_jacobian()),
            twice.to_xyzz().add_affine(arith, &g).to_affine(arith),
        );
    });
}

fn number(i: u64) -> Fe {
    Fe::from_plain(&[i, 0, 0, 0])
}

fn square(i: u64) -> Fe {
    number(i * i)
}

fn cube(i: u64) -> Fe {
    number(i * i * i)
}

#[test]
fn an_x_above_n_is_compared_with_what_it_wraps_to() {
    // The smallest x of a point at or above n, found by trying: r - e is then x - n.
    fastest!(|arith| {
        let found = (0..64).find_map(|more| {
            let x = crate::sm2::wide::add(&N, &[more, 0, 0, 0]).0;
            let y = square_root(&x)?;
            Some((more, Affine { x: Fe::from_plain(&x), y }))
        });
        let (more, point) = found.unwrap();
        let over = Jacobian { x: point.x.mul(&square(5)), y: point.y.mul(&cube(5)), z: number(5) };
        for sum in [point.to_jacobian(), over] {
            assert!(sum.has_x_vartime(arith, &Scalar::reduce(&[more, 0, 0, 0])));
            assert!(!sum.has_x_vartime(arith, &Scalar::reduce(&[more + 1, 0, 0, 0])));
        }
        // A small x is itself, and no other number wraps to it.
        let g = Affine::G.to_jacobian();
        let x = Scalar::reduce(&Affine::G.x.to_plain());
        assert!(g.has_x_vartime(arith, &x));
        assert!(!g.has_x_vartime(arith, &x.add(&Scalar::ONE)));
        assert!(!g.has_x_vartime(arith, &x.negate()));
    });
}

/// y of the point with this x, if there is one: p is 3 modulo 4, so it is (x^3 - 3x + b)^((p+1)/4).
fn square_root(x: &[u64; 4]) -> Option<Fe> {
    let x = Fe::from_plain(x);
    let g = Affine::G;
    // b = y^2 - x^3 + 3x of the base point.
    let b = g.y.mul(&g.y).sub(&g.x.mul(&g.x).sub(&number(3)).mul(&g.x));
    let right = x.mul(&x).sub(&number(3)).mul(&x).add(&b);
    let p = crate::sm2::field::P;
    let exponent = [p[0] >> 2 | p[1] << 62, p[1] >> 2 | p[2] << 62, p[2] >> 2 | p[3] << 62, p[3] >> 2];
    // (p+1)/4 is one more than p/4 rounded down.
    let exponent = crate::sm2::wide::add(&exponent, &[1, 0, 0, 0]).0;
    let mut root = Fe::ONE;
    for bit in (0..256).rev() {
        root = root.mul(&root);
        if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
            root = root.mul(&right);
        }
    }
    (root.mul(&root) == right).then_some(root)
}
