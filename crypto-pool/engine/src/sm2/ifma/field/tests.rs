//! The numbers in lanes against plain big-integer arithmetic (`crypto-bigint`), lane by lane.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256};

use super::*;
use crate::sm2::ifma::tests::{in_lanes, numbers};

const P_WORDS: [u64; 4] = crate::sm2::field::P;

type Reference = FixedMontyForm<4>;

fn params() -> FixedMontyParams<4> {
    FixedMontyParams::new_vartime(Odd::new(U256::from_words(P_WORDS)).unwrap())
}

fn reference(words: &[u64; 4], params: &FixedMontyParams<4>) -> Reference {
    Reference::new(&U256::from_words(*words), params)
}

/// Zero, one, p-1, all-ones limbs, single bits, then random numbers and long runs; all below p.
fn samples(count: usize) -> Vec<[u64; 4]> {
    let [a, b, c, d] = P_WORDS;
    let mut out = vec![
        [0; 4],
        [1, 0, 0, 0],
        [2, 0, 0, 0],
        [a - 1, b, c, d],
        [a - 2, b, c, d],
        [u64::MAX, 0, 0, 0],
        [0, 0, 0, d],
        [u64::MAX, u64::MAX, u64::MAX, d - 1],
        [0, u64::MAX, u64::MAX, 0],
    ];
    for bit in 0..255 {
        let mut number = [0; 4];
        number[bit / 64] = 1 << (bit % 64);
        out.push(number);
        for word in &mut number {
            *word = word.wrapping_sub(1);
            if *word != u64::MAX {
                break;
            }
        }
        out.push(if number[3] < d { number } else { [0; 4] });
    }
    out.extend(numbers(count, &P_WORDS));
    out
}

/// Sixteen samples from `start` on, `step` apart.
fn lanes(samples: &[[u64; 4]], start: usize, step: usize) -> Words {
    core::array::from_fn(|lane| samples[(start + lane * step) % samples.len()])
}

/// What the tests below compute of three numbers a, b and c, as plain numbers.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn results(a: &Words, b: &Words, c: &Words) -> Vec<Words> {
    let (a, b, c) = (Fe::from_plain(a), Fe::from_plain(b), Fe::from_plain(c));
    let loose = Loose(a.0);
    let sum = loose.add(&b.0).tight_positive();
    let difference = loose.sub(&b.0);
    vec![
        a.to_plain(),
        a.mul(&b).to_plain(),
        a.mul_loose(&b).tight_positive().to_plain(),
        a.square().to_plain(),
        a.square_loose().tight_4().to_plain(),
        a.mul_add(&b, &c, &sum).to_plain(),
        a.mul_add_8_squares(&b, &c).to_plain(),
        sum.to_plain(),
        difference.tight().to_plain(),
        difference.fold().to_plain(),
        difference.times::<3>().fold().to_plain(),
        difference.negate([0x55, 0xf0]).fold().to_plain(),
        a.mul(&b).canonical().to_plain(),
    ]
}

#[test]
fn sums_and_products_are_those_of_big_integers() {
    let (samples, params) = (samples(10_000), params());
    for start in 0..samples.len() {
        // Each meets its neighbours, and others from further and further away.
        let [a, b, c] = [lanes(&samples, start, 1), lanes(&samples, start * 7, 3), lanes(&samples, start * start, 5)];
        let Some(found) = in_lanes!(results(&a, &b, &c)) else { return };
        for lane in 0..LANES {
            let [a, b, c] = [a, b, c].map(|numbers| reference(&numbers[lane], &params));
            let (eight, difference) = (reference(&[8, 0, 0, 0], &params), a - b);
            let negated = [0x55, 0xf0][lane / 8] >> (lane % 8) & 1 == 1;
            let expected = [
                a,
                a * b,
                a * b,
                a * a,
                a * a,
                a * b + c * (a + b),
                a * b + eight * c * c,
                a + b,
                difference,
                difference,
                eight * difference,
                if negated { -difference } else { difference },
                a * b,
            ];
            for (which, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_eq!(found[lane], expected.retrieve().to_words(), "result {which}, sample {start}, lane {lane}");
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn of_limbs(a: &[[i64; 5]; 2]) -> [Words; 3] {
    let (a, b) = (Fe::same(&a[0]), Fe::same(&a[1]));
    [a.mul(&b).to_plain(), b.square().to_plain(), Loose(a.0).fold().to_plain()]
}

#[test]
fn numbers_up_to_sixteen_p_are_multiplied_without_loss() {
    // Limbs full of ones, which is the most there can be, and close to it.
    const FULL: i64 = (1 << 52) - 1;
    let some = [0, 1, FULL, FULL - 1, 1 << 51, (1 << 51) - 1];
    let params = params();
    // Limbs stand for 2^260 times the number.
    let scale = (0..260).fold(reference(&[1, 0, 0, 0], &params), |x, _| x + x).invert().unwrap();
    let value = |limbs: &[i64; 5]| {
        let base = reference(&[1 << 52, 0, 0, 0], &params);
        let sum = limbs
            .iter()
            .rev()
            .fold(reference(&[0; 4], &params), |sum, limb| sum * base + reference(&[*limb as u64, 0, 0, 0], &params));
        sum * scale
    };
    for code in 0..6_usize.pow(5) {
        let a: [i64; 5] = core::array::from_fn(|i| some[code / 6_usize.pow(i as u32) % 6]);
        let mut b: [i64; 5] = core::array::from_fn(|i| some[(code * 31 + 7) / 6_usize.pow(i as u32) % 6]);
        // Below 8p, so that the product lies below 9p.
        b[4] &= (1 << 51) - 1;
        let Some(found) = in_lanes!(of_limbs(&[a, b])) else { return };
        let (a, b) = (value(&a), value(&b));
        for (found, expected) in found.iter().zip([a * b, b * b, a]) {
            assert_eq!(found[0], expected.retrieve().to_words(), "{code}");
            assert_eq!(found[15], expected.retrieve().to_words(), "{code}");
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma,avx512vbmi2")]
fn inverses(numbers: &Words) -> ([u8; HALVES], Words, Words) {
    let number = Fe::from_plain(numbers);
    let mut inverse = [number];
    let zeros = crate::sm2::ifma::point::invert_all(&mut inverse);
    (zeros[0], inverse[0].to_plain(), inverse[0].mul(&number).to_one())
}

#[test]
fn inverses_are_inverses_and_zero_spoils_no_other_lane() {
    let (samples, params) = (samples(500), params());
    // 2^256 mod p: 1 in the form of one number at a time.
    let one = crate::sm2::field::Fe::ONE.0;
    for start in 0..samples.len() {
        let mut numbers = lanes(&samples, start, 1);
        numbers[start % LANES] = [0; 4];
        let Some((zeros, inverses, products)) = in_lanes!(inverses(&numbers)) else { return };
        for lane in 0..LANES {
            let zero = numbers[lane] == [0; 4];
            assert_eq!(zeros[lane / 8] >> (lane % 8) & 1 == 1, zero);
            let expected = reference(&numbers[lane], &params).invert();
            let expected = Option::<Reference>::from(expected).map_or([0; 4], |x| x.retrieve().to_words());
            assert_eq!(inverses[lane], expected);
            assert_eq!(products[lane], if zero { [0; 4] } else { one });
        }
    }
}
