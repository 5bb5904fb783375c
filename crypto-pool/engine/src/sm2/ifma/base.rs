//! Multiples of the base point G: a comb of all odd multiples, read without a secret address.
//!
//! An odd scalar k below 2^256 is the sum of 32 digits d_i 256^i, every d_i odd and between -255 and 255:
//! with e_i the bytes of (k + 2^256 - 1) / 2, d_i = 2 e_i - 255. No digit is zero, so there is no case to
//! hide; 128 multiples of 256^i G serve each place, their signs being added on the way. An even scalar
//! gives way to n - k. As each term exceeds in size the sum of those before it, no addition meets equal or
//! opposite points, but for one scalar near n at the last place, which leaves Z = 0 (see [`super::point`]).
//!
//! Reading: a place's 128 values of a limb lie in sixteen registers. Permutations pick from two registers
//! at a time, masks choose between the eight answers; every byte of the place is read each time.

use core::arch::x86_64::{
    __mmask8, _mm_cvtsi64_si128, _mm512_and_si512, _mm512_mask_blend_epi64, _mm512_permutex2var_epi64,
    _mm512_set1_epi64, _mm512_srl_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};
use std::sync::OnceLock;

use super::field::{Fe, HALVES, LANES, Limbs, V, Words, from_words, to_words};
use super::point::{Affine, Extended, Jacobian, NONE, normalize, odd_multiples};

/// Places of a scalar, of eight bits each.
pub(super) const PLACES: usize = 32;
/// Multiples kept for each place.
const MULTIPLES: usize = 128;

/// One place: for each limb of x and then of y, 128 values.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Place([[V; MULTIPLES / 8]; 10]);

/// The comb of G: 320 KiB.
pub(super) struct Base(Vec<Place>);

/// Sixteen scalars, each as the bytes of (k + 2^256 - 1) / 2: 64 bits to a word, lowest first.
pub(super) struct Digits([[V; 4]; HALVES]);

/// x and y of G (GB/T 32918.5-2017 2), 64 bits to a word, lowest first.
const G: [[u64; 4]; 2] = [
    [0x715a_4589_334c_74c7, 0x8fe3_0bbf_f266_0be1, 0x5f99_0446_6a39_c994, 0x32c4_ae2c_1f19_8119],
    [0x02df_32e5_2139_f0a0, 0xd0a9_877c_c62a_4740, 0x59bd_cee3_6b69_2153, 0xbc37_36a2_f4f6_779c],
];

impl Digits {
    /// The scalars must be odd.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn new(scalars: &Words) -> Self {
        let half = |h: usize| {
            let word = |i: usize| {
                from_words(&core::array::from_fn(|lane| {
                    let k = &scalars[8 * h + lane];
                    // (k - 1) / 2 + 2^255; k is odd.
                    k[i] >> 1 | k.get(i + 1).map_or(1, |next| next & 1) << 63
                }))
            };
            [word(0), word(1), word(2), word(3)]
        };
        Self([half(0), half(1)])
    }

    /// The byte at this place.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn at(&self, place: usize) -> [V; HALVES] {
        let shift = _mm_cvtsi64_si128((place % 8 * 8) as i64);
        let byte = _mm512_set1_epi64(0xff);
        [
            _mm512_and_si512(_mm512_srl_epi64(self.0[0][place / 8], shift), byte),
            _mm512_and_si512(_mm512_srl_epi64(self.0[1][place / 8], shift), byte),
        ]
    }
}

impl Base {
    /// The comb, made when it is first asked for (about half a millisecond).
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn get() -> &'static Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        if let Some(base) = BASE.get() {
            return base;
        }
        let made = Self::new();
        BASE.get_or_init(|| made)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn new() -> Self {
        let g = Affine { x: Fe::from_plain(&[G[0]; LANES]).canonical(), y: Fe::from_plain(&[G[1]; LANES]).canonical() };
        let bases = powers::<8>(&g, PLACES);
        let mut places = Vec::with_capacity(PLACES);
        for bases in &bases {
            let multiples = odd_multiples(std::slice::from_ref(bases), MULTIPLES);
            for lane in 0..LANES {
                let mut rows = [[0; MULTIPLES]; 10];
                for (entry, multiple) in multiples.iter().enumerate() {
                    for limb in 0..5 {
                        rows[limb][entry] = to_words(multiple.x.0[lane / 8][limb])[lane % 8];
                        rows[limb + 5][entry] = to_words(multiple.y.0[lane / 8][limb])[lane % 8];
                    }
                }
                let mut place = Place([[_mm512_set1_epi64(0); MULTIPLES / 8]; 10]);
                for (values, row) in place.0.iter_mut().zip(&rows) {
                    for (value, words) in values.iter_mut().zip(row.as_chunks::<8>().0) {
                        *value = from_words(words);
                    }
                }
                places.push(place);
            }
        }
        Self(places)
    }

    /// The multiple of each lane's digit at this place, and where it is to be negated.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn look_up(&self, digits: &Digits, place: usize) -> (Affine, [__mmask8; HALVES]) {
        let bytes = digits.at(place);
        let high = _mm512_set1_epi64(0x80);
        let positive = [_mm512_test_epi64_mask(bytes[0], high), _mm512_test_epi64_mask(bytes[1], high)];
        // e from 128 on stands for the multiple e - 128, e below for the negative of the multiple 127 - e.
        let flip = _mm512_set1_epi64(0x7f);
        let index = |h: usize| _mm512_mask_blend_epi64(positive[h], _mm512_xor_si512(bytes[h], flip), bytes[h]);
        let index = [index(0), index(1)];
        let bit = |h: usize, bit: i64| _mm512_test_epi64_mask(index[h], _mm512_set1_epi64(bit));
        let bits = [[bit(0, 16), bit(0, 32), bit(0, 64)], [bit(1, 16), bit(1, 32), bit(1, 64)]];
        let rows = &self.0[place].0;
        let zero: Limbs = [_mm512_set1_epi64(0); 5];
        let mut out = Affine { x: Fe([zero; HALVES]), y: Fe([zero; HALVES]) };
        for limb in 0..5 {
            for h in 0..HALVES {
                out.x.0[h][limb] = pick(&rows[limb], index[h], &bits[h]);
                out.y.0[h][limb] = pick(&rows[limb + 5], index[h], &bits[h]);
            }
        }
        (out, [!positive[0], !positive[1]])
    }

    /// `-k G` for each lane's odd scalar k below n. Where it leaves zz = 0 it found no answer.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn times_negated(&self, digits: &Digits) -> Extended {
        let (t, negated) = self.look_up(digits, 0);
        let mut point = Extended::from_affine(&t, negated);
        for place in 1..PLACES {
            let (t, negated) = self.look_up(digits, place);
            // Each step turns the sum's sign, and the last one is the 31st.
            let negated = if place % 2 == 0 { negated } else { [!negated[0], !negated[1]] };
            point = point.subtract_from(&t, negated);
        }
        point
    }

    /// `point` plus k G, or minus k G in the lanes of `negated`, for each lane's odd scalar k below n. Where it
    /// leaves zz = 0 it found no answer.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn add_times(&self, mut point: Extended, digits: &Digits, negated: [__mmask8; HALVES]) -> Extended {
        for place in 0..PLACES {
            let (t, own) = self.look_up(digits, place);
            // Each step turns the sum's sign, and the last one is the 32nd.
            let turned = if place % 2 == 0 { !0 } else { 0 };
            point = point.subtract_from(&t, [own[0] ^ negated[0] ^ turned, own[1] ^ negated[1] ^ turned]);
        }
        point
    }
}

/// The value of each lane's index, which has seven bits.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn pick(row: &[V; MULTIPLES / 8], index: V, bits: &[__mmask8; 3]) -> V {
    let of = |i: usize| _mm512_permutex2var_epi64(row[2 * i], index, row[2 * i + 1]);
    let pair = |i: usize| _mm512_mask_blend_epi64(bits[0], of(2 * i), of(2 * i + 1));
    let four = |i: usize| _mm512_mask_blend_epi64(bits[1], pair(2 * i), pair(2 * i + 1));
    _mm512_mask_blend_epi64(bits[2], four(0), four(1))
}

/// The points 2^(BITS i) P for i from 0 to `count`, sixteen to each element, for the point P that is in
/// every lane of `point` and of order n.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn powers<const BITS: u32>(point: &Affine, count: usize) -> Vec<Affine> {
    let mut powers = Vec::with_capacity(count.div_ceil(LANES));
    let mut power = Jacobian::from_affine(point, NONE);
    for _ in 0..count.div_ceil(LANES) {
        let mut lanes = power;
        for lane in 0..LANES {
            let mut mask = [0; HALVES];
            mask[lane / 8] = 1 << (lane % 8);
            lanes.x = lanes.x.select(&power.x, mask);
            lanes.y = lanes.y.select(&power.y, mask);
            lanes.z = lanes.z.select(&power.z, mask);
            for _ in 0..BITS {
                power = power.double_negated();
            }
            // An even number of doublings leaves the sign as it was.
            const { assert!(BITS % 2 == 0) };
        }
        powers.push(Extended::from_jacobian(&lanes));
    }
    normalize(&powers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ::sm2::elliptic_curve::ff::PrimeField as _;
    use ::sm2::elliptic_curve::ops::MulByGeneratorVartime as _;
    use ::sm2::elliptic_curve::sec1::ToSec1Point as _;
    use ::sm2::{ProjectivePoint, Scalar};

    use super::*;
    use crate::sm2::ifma::point::invert_all;
    use crate::sm2::ifma::tests::{in_lanes, now, numbers};

    fn words(bytes: &[u8]) -> [u64; 4] {
        core::array::from_fn(|i| u64::from_be_bytes(bytes[24 - 8 * i..32 - 8 * i].try_into().unwrap()))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn affine(scalars: &Words) -> (Words, Words) {
        let point = Base::get().times_negated(&Digits::new(scalars));
        let affine = normalize(&[point])[0];
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

    #[test]
    #[ignore = "a measurement"]
    fn speed_of_base() {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
        fn run() {
            let t = now();
            let base = Base::get();
            println!("comb made in {} us", (now() - t) / 1000);
            let scalars = numbers(16, &[u64::MAX; 4]);
            let digits = Digits::new(scalars.as_chunks::<16>().0.first().unwrap());
            let t = now();
            let mut points = Vec::new();
            for _ in 0..2000 {
                points.push(base.times_negated(&digits));
            }
            println!("kG: {:.0} cycles of 3.7 GHz per 8", (now() - t) as f64 * 3.7 / 4000.0);
            let t = now();
            let mut point = points[0];
            let (x, negated) = base.look_up(&digits, 3);
            for _ in 0..20000 {
                point = point.subtract_from(&x, negated);
            }
            println!("addition: {:.0} cycles per 8", (now() - t) as f64 * 3.7 / 40000.0);
            let t = now();
            for i in 0..20000 {
                std::hint::black_box(base.look_up(&digits, i % 32));
            }
            println!("look up: {:.0} cycles per 8", (now() - t) as f64 * 3.7 / 40000.0);
            let mut j = Jacobian { x: point.x, y: point.y, z: point.zz };
            let t = now();
            for _ in 0..20000 {
                j = j.double_negated();
            }
            println!("doubling: {:.0} cycles per 8", (now() - t) as f64 * 3.7 / 40000.0);
            let mut one = [j.x];
            let t = now();
            for _ in 0..2000 {
                invert_all(&mut one);
            }
            println!("inversion of one pair: {:.0} cycles", (now() - t) as f64 * 3.7 / 2000.0);
            std::hint::black_box((points, j, one));
        }
        in_lanes!(run());
    }
}
