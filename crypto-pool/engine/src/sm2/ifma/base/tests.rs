//! Multiples of the base point against those of RustCrypto.

use ::sm2::elliptic_curve::ff::PrimeField as _;
use ::sm2::elliptic_curve::ops::MulByGeneratorVartime as _;
use ::sm2::elliptic_curve::sec1::ToSec1Point as _;
use ::sm2::{ProjectivePoint, Scalar};

use super::*;
use crate::sm2::ifma::field::Words;
use crate::sm2::ifma::tests::{in_lanes, numbers};

fn words(bytes: &[u8]) -> [u64; 4] {
    core::array::from_fn(|i| u64::from_be_bytes(bytes[24 - 8 * i..32 - 8 * i].try_into().unwrap()))
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn affine(scalars: &Words) -> (Words, Words) {
    let points = Base::get().times_negated(&[Digits::new(scalars)]);
    let affine = normalize(&points)[0];
    (affine.x.to_plain(), affine.y.to_plain())
}

#[test]
fn the_comb_multiplies_as_the_reference_does() {
    let order_less_1 = words(&(-Scalar::ONE).to_repr());
    let mut scalars = numbers(16 * 200, &words(&(-Scalar::ONE).to_repr()));
    for (i, scalar) in [1, 3, 255, 257, 0xffff, 0x1_0001].into_iter().enumerate() {
        scalars[i] = [scalar, 0, 0, 0];
    }
    scalars[6] = [order_less_1[0] - 1, order_less_1[1], order_less_1[2], order_less_1[3]];
    for scalar in &mut scalars {
        scalar[0] |= 1;
    }
    for lanes in scalars.as_chunks::<LANES>().0 {
        let Some((x, y)) = in_lanes!(affine(lanes)) else { return };
        for (lane, scalar) in lanes.iter().enumerate() {
            let mut bytes = [0; 32];
            for i in 0..4 {
                bytes[24 - 8 * i..32 - 8 * i].copy_from_slice(&scalar[i].to_be_bytes());
            }
            let Some(k) = Option::<Scalar>::from(Scalar::from_repr(bytes.into())) else { continue };
            let expected = (-ProjectivePoint::mul_by_generator_vartime(&k)).to_affine().to_sec1_point(false);
            assert_eq!(x[lane], words(&expected.as_bytes()[1..33]), "{scalar:x?}");
            assert_eq!(y[lane], words(&expected.as_bytes()[33..]), "{scalar:x?}");
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn told(scalars: &Words) -> [u8; HALVES] {
    let points = Base::get().times_negated(&[Digits::new(scalars)]);
    points[0].zz.zeros()
}

#[test]
fn the_one_scalar_whose_last_addition_would_meet_itself_is_told() {
    // 255 * 256^31 is the sum before it, modulo n, for k = 2 * 255 * 256^31 - n.
    // 510 * 256^31 is 254 * 256^31 modulo 2^256.
    let (k, _) = crate::sm2::wide::sub(&[0, 0, 0, 0xfe << 56], &crate::sm2::scalar::N);
    assert_eq!(k[0] & 1, 1);
    for lane in 0..LANES {
        let mut scalars = [[3, 0, 0, 0]; LANES];
        scalars[lane] = k;
        let Some(zeros) = in_lanes!(told(&scalars)) else { return };
        assert_eq!(u16::from_le_bytes(zeros), 1 << lane);
    }
}
