//! Keys whose private half anybody can find. Source: CA/Browser Forum BR 6.1.1.3 and 6.1.6.

use crypto_bigint::{BoxedUint, Limb, NonZero};

use super::{BadKey, rsa_parts};
use crate::algorithm::KeyAlgorithm;

/// Rounds of Fermat's method (BR 6.1.1.3: 100).
const FERMAT_ROUNDS: usize = 100;

/// The x coordinates of points whose private key is known: the generators (keys 1 and -1) and the
/// keys printed in GB/T 32918.5-2017 annexes A, B and C. Either sign of y counts.
const SM2_PUBLISHED: [&str; 4] = [
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
    "160e12897df4edb61dd812feb96748fbd3ccf4ffe26aa6f6db9540af49c94232",
    "6ae848c57c53c7b1b5fa99eb2286af078ba64c64591b8b566f7357d576f16dfb",
];
const P256_GENERATOR: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const P384_GENERATOR: &str =
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";

/// Refuses a key everybody can sign with. `bits` is the content of the key's BIT STRING.
pub(super) fn refuse(algorithm: KeyAlgorithm, bits: &[u8]) -> Result<(), BadKey> {
    match algorithm {
        KeyAlgorithm::Sm2 => refuse_points(&bits[1..33], &SM2_PUBLISHED),
        KeyAlgorithm::P256 => refuse_points(&bits[1..33], &[P256_GENERATOR]),
        KeyAlgorithm::P384 => refuse_points(&bits[1..49], &[P384_GENERATOR]),
        KeyAlgorithm::Ed25519 => refuse_small_order(bits),
        KeyAlgorithm::Rsa { .. } => refuse_rsa(rsa_parts(bits)?.0),
    }
}

fn refuse_points(x: &[u8], published: &[&str]) -> Result<(), BadKey> {
    let x: String = x.iter().map(|b| format!("{b:02x}")).collect();
    if published.contains(&x.as_str()) { Err(BadKey::Published) } else { Ok(()) }
}

/// Ed25519 points of order 1, 2, 4 and 8, and every y that is not below the prime 2^255 - 19.
fn refuse_small_order(point: &[u8]) -> Result<(), BadKey> {
    let mut y = [0; 32];
    y.copy_from_slice(point);
    // The top bit is the sign of x. Both signs of a small-order point have a small order.
    y[31] &= 0x7f;
    let tail = |first: std::ops::RangeInclusive<u8>| {
        y[31] == 0x7f && y[1..31].iter().all(|b| *b == 0xff) && first.contains(&y[0])
    };
    let zero_or_one = y[0] <= 1 && y[1..].iter().all(|b| *b == 0);
    let order_eight = [ORDER_8, MINUS_ORDER_8].contains(&y);
    // p - 1 is the point of order 2; p to 2^255 - 1 are second encodings.
    if zero_or_one || order_eight || tail(0xec..=0xff) { Err(BadKey::SmallOrder) } else { Ok(()) }
}

const ORDER_8: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac,
    0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];
const MINUS_ORDER_8: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
    0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

fn refuse_rsa(modulus: &[u8]) -> Result<(), BadKey> {
    // Room above the modulus, so that squares in Fermat's method do not wrap.
    let mut padded = vec![0; 16];
    padded.extend_from_slice(modulus);
    let n = BoxedUint::from_be_slice_vartime(&padded);
    let rem = |p: u32| {
        let divisor = NonZero::new(Limb::from(p)).into_option();
        divisor.map_or(0, |d| u32::try_from(n.rem_limb(d).0).unwrap_or(0))
    };
    if primes_below(752).any(|p| rem(p) == 0) {
        return Err(BadKey::SmallFactor);
    }
    if primes_below(168).filter(|p| *p > 2).all(|p| generated_by_65537(rem(p), p)) {
        return Err(BadKey::Roca);
    }
    if fermat_factors(&n) { Err(BadKey::CloseFactors) } else { Ok(()) }
}

fn primes_below(limit: u32) -> impl Iterator<Item = u32> {
    (2..limit).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

/// ROCA's primes are `k * M + 65537^a mod M` with `M` a product of small primes, so modulo each of those
/// primes the modulus is a power of 65537. A sound modulus passes all of them with chance 2^-27 or less
/// (Nemec et al., "The Return of Coppersmith's Attack", 2017).
fn generated_by_65537(residue: u32, prime: u32) -> bool {
    let generator = 65537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

/// Whether `n = a^2 - b^2` for one of the first `a` from the square root of `n` upwards.
fn fermat_factors(n: &BoxedUint) -> bool {
    let one = BoxedUint::one_with_precision(n.bits_precision());
    let mut a = n.floor_sqrt_vartime();
    if square(&a) < *n {
        a.wrapping_add_assign(&one);
    }
    let mut rest = square(&a).wrapping_sub(n);
    for _ in 0..FERMAT_ROUNDS {
        if is_square(&rest) {
            return true;
        }
        rest.wrapping_add_assign(&a);
        rest.wrapping_add_assign(&a);
        rest.wrapping_add_assign(&one);
        a.wrapping_add_assign(&one);
    }
    false
}

fn square(a: &BoxedUint) -> BoxedUint {
    a.wrapping_mul(a)
}

fn is_square(n: &BoxedUint) -> bool {
    // Squares end in 0, 1, 4 or 9 modulo 16, which spares three quarters of the roots.
    let low = n.as_words().first().map_or(0, |w| *w % 16);
    matches!(low, 0 | 1 | 4 | 9) && square(&n.floor_sqrt_vartime()) == *n
}
