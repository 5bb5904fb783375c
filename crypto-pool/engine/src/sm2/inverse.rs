//! Inverses modulo p and n, in constant time: Bernstein and Yang, "Fast constant-time gcd computation and modular
//! inversion" (2019), with Pieter Wuille's half-delta variant, for which 590 division steps are enough for every
//! input of 256 bits (bitcoin-core/secp256k1, doc/safegcd_implementation.md). Half the time of Fermat's power.

use super::wide::opaque;

/// Ten rounds of 59 steps.
const ROUNDS: usize = 10;
const STEPS: usize = 59;
const MASK: u64 = u64::MAX >> 2;

/// A number in five limbs of 62 bits, lowest first; the last carries the sign.
type Signed62 = [i64; 5];

/// An odd modulus above 2^255.
pub(super) struct Modulus {
    limbs: Signed62,
    /// Its inverse modulo 2^62.
    inverse: u64,
}

impl Modulus {
    /// From four limbs of 64 bits, lowest first.
    pub(super) const fn new(modulus: &[u64; 4]) -> Self {
        // Newton's iteration: each step doubles the number of right bits, from three.
        let mut inverse = modulus[0];
        let mut bits = 3;
        while bits < 62 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(modulus[0].wrapping_mul(inverse)));
            bits *= 2;
        }
        Self { limbs: split(modulus), inverse: inverse & MASK }
    }
}

/// The inverse of `x`, which is below `modulus`; zero for zero.
pub(super) fn invert(x: &[u64; 4], modulus: &Modulus) -> [u64; 4] {
    let (mut d, mut e): (Signed62, Signed62) = ([0; 5], [1, 0, 0, 0, 0]);
    let (mut f, mut g) = (modulus.limbs, split(x));
    let mut zeta = -1;
    for _ in 0..ROUNDS {
        let matrix;
        (zeta, matrix) = divide_steps(zeta, f[0] as u64, g[0] as u64);
        update_inverse(&mut d, &mut e, &matrix, modulus);
        update_gcd(&mut f, &mut g, &matrix);
    }
    // g is 0 and f is 1 or -1 by now (or the modulus, if x was zero); d·x = f modulo the modulus.
    join(&normalize(d, f[4], modulus))
}

/// What many division steps make of f and g: (u·f + v·g, q·f + r·g) / 2^62.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// [`STEPS`] division steps on the lowest bits of f and g.
fn divide_steps(mut zeta: i64, f: u64, g: u64) -> (i64, Matrix) {
    // Begun at 8, not 1: the 59 steps then scale by 2^62, which is what a limb holds.
    let (mut u, mut v, mut q, mut r) = (8_u64, 0_u64, 0_u64, 8_u64);
    let (mut f, mut g) = (f, g);
    for _ in 0..STEPS {
        let negative = (zeta >> 63) as u64;
        let odd = (g & 1).wrapping_neg();
        // f, u, v, negated if zeta is negative, are added to g, q, r if g is odd.
        g = g.wrapping_add((f ^ negative).wrapping_sub(negative) & odd);
        q = q.wrapping_add((u ^ negative).wrapping_sub(negative) & odd);
        r = r.wrapping_add((v ^ negative).wrapping_sub(negative) & odd);
        // In that case g also takes the place of f.
        let swap = negative & odd;
        zeta = (zeta ^ swap as i64) - 1;
        f = f.wrapping_add(g & swap);
        u = u.wrapping_add(q & swap);
        v = v.wrapping_add(r & swap);
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    (zeta, Matrix { u: u as i64, v: v as i64, q: q as i64, r: r as i64 })
}

/// d and e times the matrix, divided by 2^62 modulo the modulus; both stay between -2 and 1 moduli.
fn update_inverse(d: &mut Signed62, e: &mut Signed62, matrix: &Matrix, modulus: &Modulus) {
    let Matrix { u, v, q, r } = *matrix;
    // The modulus is added for each negative one of the factors, to stay in range.
    let (d_negative, e_negative) = (sign_mask(d[4]), sign_mask(e[4]));
    let mut md = (u & d_negative) + (v & e_negative);
    let mut me = (q & d_negative) + (r & e_negative);
    let mut cd = product(u, d[0]) + product(v, e[0]);
    let mut ce = product(q, d[0]) + product(r, e[0]);
    // And as often as makes the lowest 62 bits zero.
    md -= (modulus.inverse.wrapping_mul(cd as u64).wrapping_add(md as u64) & MASK) as i64;
    me -= (modulus.inverse.wrapping_mul(ce as u64).wrapping_add(me as u64) & MASK) as i64;
    cd += product(modulus.limbs[0], md);
    ce += product(modulus.limbs[0], me);
    cd >>= 62;
    ce >>= 62;
    for i in 1..5 {
        cd += product(u, d[i]) + product(v, e[i]) + product(modulus.limbs[i], md);
        ce += product(q, d[i]) + product(r, e[i]) + product(modulus.limbs[i], me);
        d[i - 1] = (cd as u64 & MASK) as i64;
        e[i - 1] = (ce as u64 & MASK) as i64;
        cd >>= 62;
        ce >>= 62;
    }
    d[4] = cd as i64;
    e[4] = ce as i64;
}

/// f and g times the matrix, divided by 2^62, which leaves no rest.
fn update_gcd(f: &mut Signed62, g: &mut Signed62, matrix: &Matrix) {
    let Matrix { u, v, q, r } = *matrix;
    let mut cf = (product(u, f[0]) + product(v, g[0])) >> 62;
    let mut cg = (product(q, f[0]) + product(r, g[0])) >> 62;
    for i in 1..5 {
        cf += product(u, f[i]) + product(v, g[i]);
        cg += product(q, f[i]) + product(r, g[i]);
        f[i - 1] = (cf as u64 & MASK) as i64;
        g[i - 1] = (cg as u64 & MASK) as i64;
        cf >>= 62;
        cg >>= 62;
    }
    f[4] = cf as i64;
    g[4] = cg as i64;
}

/// `x`, between -2 and 1 moduli, negated if `sign` is negative, as a number from 0 to the modulus.
fn normalize(mut x: Signed62, sign: i64, modulus: &Modulus) -> Signed62 {
    let add = sign_mask(x[4]);
    let negate = sign_mask(sign);
    for (limb, more) in x.iter_mut().zip(&modulus.limbs) {
        *limb = ((*limb + (more & add)) ^ negate) - negate;
    }
    carry(&mut x);
    let add = sign_mask(x[4]);
    for (limb, more) in x.iter_mut().zip(&modulus.limbs) {
        *limb += more & add;
    }
    carry(&mut x);
    x
}

/// All ones for a negative number.
fn sign_mask(x: i64) -> i64 {
    opaque((x >> 63) as u64) as i64
}

fn carry(x: &mut Signed62) {
    for i in 0..4 {
        x[i + 1] += x[i] >> 62;
        x[i] &= MASK as i64;
    }
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

const fn split(x: &[u64; 4]) -> Signed62 {
    [
        (x[0] & MASK) as i64,
        ((x[0] >> 62 | x[1] << 2) & MASK) as i64,
        ((x[1] >> 60 | x[2] << 4) & MASK) as i64,
        ((x[2] >> 58 | x[3] << 6) & MASK) as i64,
        (x[3] >> 56) as i64,
    ]
}

fn join(x: &Signed62) -> [u64; 4] {
    let x = x.map(|limb| limb as u64);
    [x[0] | x[1] << 62, x[1] >> 2 | x[2] << 60, x[2] >> 4 | x[3] << 58, x[3] >> 6 | x[4] << 56]
}
