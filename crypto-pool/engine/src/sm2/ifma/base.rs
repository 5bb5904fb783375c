//! Multiples of the base point G: a comb of all odd multiples, read without a secret address.
//!
//! An odd k is the sum of 32 digits d_i 256^i, every d_i odd and between -255 and 255 (see [`super::digits`]).
//! 128 multiples of 256^i G serve each place, their signs being added on the way. As each term exceeds in size
//! the sum of those before it, no addition meets equal or opposite points, but for one k near n at the last
//! place, which leaves Z = 0 (see [`super::point`]).
//!
//! Reading: a place's 128 values of a limb lie in sixteen registers. Permutations pick from two registers
//! at a time, masks choose between the eight answers; every byte of the place is read each time.

use core::arch::x86_64::{
    __mmask8, _mm512_mask_blend_epi64, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_test_epi64_mask,
};
use std::sync::OnceLock;

use super::field::{Fe, HALVES, LANES};
use super::limbs::{V, from_words, to_words};
use super::point::{Affine, Extended, Jacobian, NONE, normalize, odd_multiples};

/// Multiples kept for each place.
const MULTIPLES: usize = 128;

/// One place: for each limb of x and then of y, 128 values.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Place([[V; MULTIPLES / 8]; 10]);

/// The comb of G: 320 KiB.
pub(super) struct Base(Vec<Place>);

/// Scalars by which the base point is multiplied.
pub(super) type Digits = super::digits::Digits<8>;

/// x and y of G (GB/T 32918.5-2017 2), 64 bits to a word, lowest first.
const G: [[u64; 4]; 2] = [
    [0x715a_4589_334c_74c7, 0x8fe3_0bbf_f266_0be1, 0x5f99_0446_6a39_c994, 0x32c4_ae2c_1f19_8119],
    [0x02df_32e5_2139_f0a0, 0xd0a9_877c_c62a_4740, 0x59bd_cee3_6b69_2153, 0xbc37_36a2_f4f6_779c],
];

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
        let bases = powers::<8>(&g, Digits::PLACES);
        let mut places = Vec::with_capacity(Digits::PLACES);
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

    /// The multiple of each lane's digit at this place into `out`; returns where it is to be negated.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    fn look_up(&self, digits: &Digits, place: usize, out: &mut Affine) -> [__mmask8; HALVES] {
        let digit = digits.at(place);
        let bit = |bit: i64| {
            let bit = _mm512_set1_epi64(bit);
            [_mm512_test_epi64_mask(digit.index[0], bit), _mm512_test_epi64_mask(digit.index[1], bit)]
        };
        let bits = [bit(16), bit(32), bit(64)];
        let rows = &self.0[place].0;
        for (number, rows) in [&mut out.x, &mut out.y].into_iter().zip(rows.as_chunks::<5>().0) {
            for (limb, row) in rows.iter().enumerate() {
                let found = pick(row, &digit.index, &bits);
                number.0[0][limb] = found[0];
                number.0[1][limb] = found[1];
            }
        }
        digit.negated
    }

    /// `-k G` for each lane's odd scalar k below n. Where it leaves zz = 0 it found no answer.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn times_negated(&self, digits: &[Digits]) -> Vec<Extended> {
        let mut t = Affine::zero();
        let mut points = Vec::with_capacity(digits.len());
        for digits in digits {
            let negated = self.look_up(digits, 0, &mut t);
            points.push(Extended::from_affine(&t, negated));
        }
        // Place by place, so that its values stay in the first cache for all.
        for place in 1..Digits::PLACES {
            for (point, digits) in points.iter_mut().zip(digits) {
                let own = self.look_up(digits, place, &mut t);
                // Each step turns the sum's sign, and the last one is the 31st.
                let turned = if place % 2 == 0 { 0 } else { !0 };
                point.subtract_from(&t, [own[0] ^ turned, own[1] ^ turned]);
            }
        }
        super::wipe_affine(&mut t);
        points
    }

    /// To each of `points` k G is added, or taken away in the lanes of `negated`, for the lane's odd scalar k
    /// below n. Where it leaves zz = 0 it found no answer.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
    pub(super) fn add_times(&self, points: &mut [Extended], digits: &[Digits], negated: &[[__mmask8; HALVES]]) {
        let mut t = Affine::zero();
        for place in 0..Digits::PLACES {
            for ((point, digits), negated) in points.iter_mut().zip(digits).zip(negated) {
                let own = self.look_up(digits, place, &mut t);
                // Each step turns the sum's sign, and the last one is the 32nd.
                let turned = if place % 2 == 0 { !0 } else { 0 };
                point.subtract_from(&t, [own[0] ^ negated[0] ^ turned, own[1] ^ negated[1] ^ turned]);
            }
        }
    }
}

/// The value of each lane's index, which has seven bits: the higher three in `bits`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn pick(row: &[V; MULTIPLES / 8], index: &[V; HALVES], bits: &[[__mmask8; HALVES]; 3]) -> [V; HALVES] {
    let of = |i: usize| {
        let (a, b) = (row[2 * i], row[2 * i + 1]);
        [_mm512_permutex2var_epi64(a, index[0], b), _mm512_permutex2var_epi64(a, index[1], b)]
    };
    let choose = |bit: usize, a: [V; HALVES], b: [V; HALVES]| {
        [_mm512_mask_blend_epi64(bits[bit][0], a[0], b[0]), _mm512_mask_blend_epi64(bits[bit][1], a[1], b[1])]
    };
    let low = choose(1, choose(0, of(0), of(1)), choose(0, of(2), of(3)));
    let high = choose(1, choose(0, of(4), of(5)), choose(0, of(6), of(7)));
    choose(2, low, high)
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
                power.double_negated();
            }
            // An even number of doublings leaves the sign as it was.
            const { assert!(BITS.is_multiple_of(2)) };
        }
        powers.push(Extended::from_jacobian(&lanes));
    }
    normalize(&powers)
}

#[cfg(test)]
mod tests;
