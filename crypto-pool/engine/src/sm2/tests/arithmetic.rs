//! Field and scalar arithmetic against a big-integer library, on random numbers and on those that carry far.
//!
//! `YINXIN_ARITHMETIC_ROUNDS=5000000 cargo test -p engine arithmetic` for millions.

#![allow(clippy::unwrap_used)]

use crypto_bigint::{NonZero, Odd, U256, U512};

use crate::sm2::field::{Arith, Fe, P, Portable};
use crate::sm2::scalar::{N, Scalar};
use crate::sm2::wide;

/// How many numbers each test takes.
fn rounds() -> u64 {
    std::env::var("YINXIN_ARITHMETIC_ROUNDS").map_or(30_000, |rounds| rounds.parse().unwrap())
}

/// Numbers below a modulus: half of them random, half made of limbs that carry and borrow.
pub(super) struct Numbers {
    state: u64,
    modulus: U256,
}

impl Numbers {
    pub(super) fn below(modulus: &[u64; 4]) -> Self {
        Self { state: 0x1234_5678_9abc_def0, modulus: U256::from_words(*modulus) }
    }

    /// splitmix64 (Vigna 2015).
    pub(super) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn limb(&mut self) -> u64 {
        let random = self.bits();
        let ends = [0, 1, 2, u64::MAX, u64::MAX - 1, 1 << 32, (1 << 32) - 1, u64::MAX << 32, 1 << 63];
        match random % 16 {
            i @ 0..9 => ends[i as usize],
            9..12 => self.bits() >> (random >> 58),
            _ => self.bits(),
        }
    }

    /// Any four limbs.
    pub(super) fn limbs(&mut self) -> [u64; 4] {
        if self.bits() & 1 == 0 { [(); 4].map(|()| self.limb()) } else { [(); 4].map(|()| self.bits()) }
    }

    /// Below the modulus, often within four of it or of zero.
    pub(super) fn next(&mut self) -> U256 {
        let near = U256::from_u64(self.bits() % 5);
        match self.bits() % 16 {
            0 => near,
            1 => self.modulus.wrapping_sub(&near.wrapping_add(&U256::ONE)),
            2 => {
                self.modulus.wrapping_sub(&U256::from_words(P).wrapping_sub(&U256::from_words(N)))
                    & U256::from_words(self.limbs())
            }
            _ => U256::from_words(self.limbs()),
        }
        .rem(&NonZero::new(self.modulus).unwrap())
    }
}

fn product(a: &U256, b: &U256, modulus: &U256) -> U256 {
    let wide: U512 = a.concatenating_mul(b);
    wide.rem_vartime(&NonZero::new(*modulus).unwrap())
}

fn field_agrees<A: Arith>(arith: A) {
    let p = U256::from_words(P);
    let nonzero = NonZero::new(p).unwrap();
    let mut numbers = Numbers::below(&P);
    for _ in 0..rounds() {
        let (x, y) = (numbers.next(), numbers.next());
        let (a, b) = (Fe::from_plain(x.as_words()), Fe::from_plain(y.as_words()));
        let is = |found: Fe, expected: U256| assert_eq!(U256::from_words(found.to_plain()), expected, "{x} {y}");
        is(a, x);
        is(arith.mul(&a, &b), product(&x, &y, &p));
        is(arith.sqr(&a), product(&x, &x, &p));
        is(arith.add(&a, &b), x.add_mod(&y, &nonzero));
        is(arith.sub(&a, &b), x.sub_mod(&y, &nonzero));
        is(a.double(), x.add_mod(&x, &nonzero));
        is(a.half().double(), x);
        is(a.negate_if(u64::MAX), U256::ZERO.sub_mod(&x, &nonzero));
        is(a.negate_if(0), x);
        // The limbs themselves, as Montgomery's form puts other numbers at the ends: x·y/2^256, x+y, x-y.
        let (a, b) = (Fe(x.to_words()), Fe(y.to_words()));
        assert_eq!(arith.mul(&a, &b), Fe::mul(&a, &b));
        assert_eq!(arith.sqr(&a), Fe::mul(&a, &a));
        assert_eq!(U256::from_words(arith.add(&a, &b).0), x.add_mod(&y, &nonzero));
        assert_eq!(U256::from_words(arith.sub(&a, &b).0), x.sub_mod(&y, &nonzero));
        assert_eq!(product(&U256::from_words(arith.mul(&a, &b).0), &r_mod(&p), &p), product(&x, &y, &p));
        assert_eq!(product(&U256::from_words(arith.sqr(&a).0), &r_mod(&p), &p), product(&x, &x, &p));
    }
}

/// 2^256 modulo `modulus`.
fn r_mod(modulus: &U256) -> U256 {
    U256::ZERO.wrapping_sub(modulus)
}

#[test]
fn arithmetic_modulo_p_in_plain_rust_agrees_with_big_integers() {
    field_agrees(Portable);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn arithmetic_modulo_p_with_adx_agrees_with_big_integers() {
    match crate::sm2::adx::Adx::detect() {
        Some(adx) => field_agrees(adx),
        None => eprintln!("LEFT OUT: this processor has no BMI2, ADX and AVX2"),
    }
}

#[test]
fn arithmetic_modulo_n_agrees_with_big_integers() {
    let n = U256::from_words(N);
    let nonzero = NonZero::new(n).unwrap();
    let mut numbers = Numbers::below(&N);
    for _ in 0..rounds() {
        let (x, y) = (numbers.next(), numbers.next());
        let (a, b) = (Scalar::reduce(x.as_words()), Scalar::reduce(y.as_words()));
        let is = |found: Scalar, expected: U256| assert_eq!(U256::from_words(*found.limbs()), expected, "{x} {y}");
        is(a, x);
        is(a.mul(&b), product(&x, &y, &n));
        is(a.add(&b), x.add_mod(&y, &nonzero));
        is(a.sub(&b), x.sub_mod(&y, &nonzero));
        is(a.negate(), U256::ZERO.sub_mod(&x, &nonzero));
        assert_eq!(a.is_zero(), x == U256::ZERO);
        assert_eq!(Scalar::from_bytes(&a.to_bytes()), Some(a));
        // Any 256 bits are brought below n.
        let any = numbers.limbs();
        is(Scalar::reduce(&any), U256::from_words(any).rem(&nonzero));
        assert_eq!(Scalar::from_bytes(&wide::to_bytes(&any)).is_some(), U256::from_words(any) < n);
    }
}

#[test]
fn arithmetic_on_wide_seeds_agrees_with_big_integers() {
    let (one, two) = (U256::ONE, U256::from_u64(2));
    let n = U256::from_words(N);
    let mut numbers = Numbers::below(&N);
    for round in 0..rounds() {
        let (mut high, mut low) = (numbers.limbs(), numbers.limbs());
        if round % 8 == 0 {
            // Close to a multiple of n-1 or n-2, where an estimated quotient is most easily wrong.
            let multiple: U512 =
                U256::from_words(high).concatenating_mul(&n.wrapping_sub(&U256::from_u64(1 + round / 8 % 2)));
            let near = multiple.wrapping_add(&U512::from_u64(numbers.bits() % 5)).wrapping_sub(&U512::from_u64(2));
            let (l, h) = near.split();
            (high, low) = (h.to_words(), l.to_words());
        }
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&wide::to_bytes(&high));
        bytes[32..].copy_from_slice(&wide::to_bytes(&low));
        let seed = U256::from_words(low).concat(&U256::from_words(high));
        let modulo = |less: &U256| {
            let rest: U256 = seed.rem_vartime(&NonZero::new(n.wrapping_sub(less)).unwrap());
            rest.wrapping_add(&one)
        };
        assert_eq!(U256::from_words(*Scalar::nonzero_from_wide(&bytes).limbs()), modulo(&one), "{seed}");
        assert_eq!(U256::from_words(*Scalar::key_from_wide(&bytes).limbs()), modulo(&two), "{seed}");
    }
}

#[test]
fn arithmetic_inverses_agree_with_big_integers() {
    let (p, n) = (U256::from_words(P), U256::from_words(N));
    let (mut below_p, mut below_n) = (Numbers::below(&P), Numbers::below(&N));
    for _ in 0..rounds() / 20 {
        let x = below_p.next();
        let expected = x.invert_odd_mod_vartime(&Odd::new(p).unwrap()).unwrap_or(U256::ZERO);
        let found = crate::sm2::point::invert(Portable, &Fe::from_plain(x.as_words()));
        assert_eq!(U256::from_words(found.to_plain()), expected, "{x}");
        let x = below_n.next();
        let expected = x.invert_odd_mod_vartime(&Odd::new(n).unwrap()).unwrap_or(U256::ZERO);
        assert_eq!(U256::from_words(*Scalar::reduce(x.as_words()).invert().limbs()), expected, "{x}");
    }
}

#[test]
fn arithmetic_inverses_times_their_numbers_are_one() {
    let mut numbers = Numbers::below(&P);
    for _ in 0..rounds() {
        let a = Fe::from_plain(numbers.next().as_words());
        let one = if a == Fe::ZERO { Fe::ZERO } else { Fe::ONE };
        assert_eq!(crate::sm2::point::invert(Portable, &a).mul(&a), one);
        let b = Scalar::reduce(&numbers.limbs());
        let one = if b.is_zero() { b } else { Scalar::ONE };
        assert_eq!(b.invert().mul(&b), one);
    }
}

#[test]
fn numbers_not_below_p_are_no_coordinates() {
    let p = U256::from_words(P);
    for (more, good) in
        [(p.wrapping_sub(&U256::ONE), true), (p, false), (p.wrapping_add(&U256::ONE), false), (U256::MAX, false)]
    {
        assert_eq!(Fe::from_bytes(&wide::to_bytes(more.as_words())).is_some(), good);
    }
}
