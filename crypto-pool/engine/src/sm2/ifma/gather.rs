//! Tables of points that differ from lane to lane: one row of 64 bytes, x and y, for each point, read where the
//! digits say. For public digits only.

use core::arch::x86_64::{
    __mmask8, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::digits::Digit;
use super::field::{Fe, HALVES, LANES};
use super::limbs::{V, from_quads, from_quads_16, from_words, to_quads, to_words};
use super::point::Affine;
use crate::sm2::point;

/// x and y, 64 bits to a word, lowest first, as the lanes keep them: times 2^260.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Row([u64; 8]);

/// What can be read into a lane.
pub(super) trait Point {
    /// The words of x and y.
    fn words(&self) -> [u64; 8];
    /// Whether they are 16 times too small: 2^256 times the numbers, not 2^260 times.
    const OF_256: bool;
}

impl Point for Row {
    const OF_256: bool = false;

    #[inline]
    fn words(&self) -> [u64; 8] {
        self.0
    }
}

impl Point for point::Affine {
    const OF_256: bool = true;

    #[inline]
    fn words(&self) -> [u64; 8] {
        let (x, y) = (&self.x.0, &self.y.0);
        [x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]
    }
}

/// One point into each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn gather<T: Point>(points: &[&T; LANES]) -> Affine {
    let half = |h: usize| {
        let row = |lane: usize| from_words(&points[8 * h + lane].words());
        transpose([row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)])
    };
    let (a, b) = (half(0), half(1));
    let number = |words: [V; 4]| if T::OF_256 { from_quads_16(words) } else { from_quads(words) };
    Affine {
        x: Fe([number([a[0], a[1], a[2], a[3]]), number([b[0], b[1], b[2], b[3]])]),
        y: Fe([number([a[4], a[5], a[6], a[7]]), number([b[4], b[5], b[6], b[7]])]),
    }
}

/// The points of the lanes, which must be below p, as rows.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn rows(points: &Affine) -> [Row; LANES] {
    let mut out = [Row::default(); LANES];
    for h in 0..HALVES {
        let (x, y) = (to_quads(&points.x.0[h]), to_quads(&points.y.0[h]));
        let rows = transpose([x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]);
        for (row, v) in out[8 * h..8 * h + 8].iter_mut().zip(rows) {
            *row = Row(to_words(v));
        }
    }
    out
}

/// Rows into columns and back.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn transpose(r: [V; 8]) -> [V; 8] {
    // Words (0, 1) (2, 3) (4, 5) (6, 7) of two rows each, one word of each row side by side.
    let low = |i: usize| _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
    let high = |i: usize| _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    let pairs = [low(0), high(0), low(1), high(1), low(2), high(2), low(3), high(3)];
    // Of pairs of words: the first and third, the second and fourth.
    let even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    let odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    let four = |i: usize, which: V| _mm512_permutex2var_epi64(pairs[i], which, pairs[i + 2]);
    // [a] holds words a, a + 4 of rows 0 to 3; [a + 4] those of rows 4 to 7.
    let fours = [
        four(0, even),
        four(1, even),
        four(0, odd),
        four(1, odd),
        four(4, even),
        four(5, even),
        four(4, odd),
        four(5, odd),
    ];
    let first = _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0);
    let second = _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4);
    let all = |i: usize, which: V| _mm512_permutex2var_epi64(fours[i], which, fours[i + 4]);
    [
        all(0, first),
        all(1, first),
        all(2, first),
        all(3, first),
        all(0, second),
        all(1, second),
        all(2, second),
        all(3, second),
    ]
}

/// The point of each lane's own table that its digit names.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
pub(super) fn gather_at<T: Point>(tables: &[&[T]; LANES], digit: &Digit) -> Affine {
    let index = [to_words(digit.index[0]), to_words(digit.index[1])];
    gather(&std::array::from_fn(|lane| &tables[lane][index[lane / 8][lane % 8] as usize]))
}

/// The mask of the lanes for which this holds.
pub(super) fn mask(holds: impl Fn(usize) -> bool) -> [__mmask8; HALVES] {
    let mut mask = [0; HALVES];
    for lane in 0..LANES {
        mask[lane / 8] |= u8::from(holds(lane)) << (lane % 8);
    }
    mask
}
