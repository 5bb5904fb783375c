//! Many operations in one call: what a queue has collected. The answers come in the order of the questions,
//! and are those of the operations one by one.
//!
//! Where the processor has the lanes (AVX-512 IFMA), sixteen operations go through it at once; elsewhere,
//! and for so few that lanes would stand idle, they are done one after another.

mod encryption;

use zeroize::{Zeroize, Zeroizing};

pub use self::encryption::{DecryptJob, EncryptJob, decrypt_many, encrypt_many};

#[cfg(target_arch = "x86_64")]
use super::field::fastest;
use super::scalar::Scalar;
use super::{PrivateKey, PublicKey, Signature};

/// How many operations fill the widest unit. A batch of any length is taken; multiples of this are best.
pub const LANES: usize = 16;

/// From so many signatures on the lanes win: they cost the same for one as for sixteen.
#[cfg(target_arch = "x86_64")]
const SIGN_IN_LANES: usize = 3;
/// From so many new keys on.
#[cfg(target_arch = "x86_64")]
const GENERATE_IN_LANES: usize = 4;
/// So many new keys share an inversion.
#[cfg(target_arch = "x86_64")]
const SHARED: usize = 256;
/// From so many verifications on, with keys that have no comb.
#[cfg(target_arch = "x86_64")]
const VERIFY_IN_LANES: usize = 3;
/// From so many verifications on, with keys that have one.
#[cfg(target_arch = "x86_64")]
const VERIFY_KNOWN_IN_LANES: usize = 4;

/// One signature to be made.
#[derive(Clone, Copy)]
pub struct SignJob<'a> {
    /// With this key.
    pub key: &'a PrivateKey,
    /// `e` = SM3(Z || message). The caller answers for what it stands for.
    pub e: [u8; 32],
    /// Fresh randomness, mixed into the nonce.
    pub randomness: [u8; 32],
}

/// One signature to be verified.
#[derive(Clone, Copy)]
pub struct VerifyJob<'a> {
    /// By this key.
    pub key: &'a PublicKey,
    /// `e` = SM3(Z || message).
    pub e: [u8; 32],
    /// The signature.
    pub signature: Signature,
}

/// Signs each job, as [`PrivateKey::sign_prehash`] would.
#[must_use]
pub fn sign_many(jobs: &[SignJob<'_>]) -> Vec<Signature> {
    // What is left over from whole lanes is padded, or done one by one if it is little.
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = super::ifma::Ifma::detect() {
        let rest = jobs.len() % LANES;
        let (lanes, alone) = jobs.split_at(if rest < SIGN_IN_LANES { jobs.len() - rest } else { jobs.len() });
        let mut signatures = ifma.sign(lanes);
        signatures.extend(alone.iter().map(sign_one));
        return signatures;
    }
    jobs.iter().map(sign_one).collect()
}

fn sign_one(job: &SignJob<'_>) -> Signature {
    job.key.sign_prehash(&job.e, &job.randomness)
}

/// A private key from each seed of fresh, secret randomness, as [`PrivateKey::from_seed`] would make it.
#[must_use]
pub fn generate_many(seeds: &[[u8; 64]]) -> Vec<PrivateKey> {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = super::ifma::Ifma::detect()
        && seeds.len() >= GENERATE_IN_LANES
    {
        return generate_in_lanes(ifma, seeds);
    }
    seeds.iter().map(PrivateKey::from_seed).collect()
}

#[cfg(target_arch = "x86_64")]
fn generate_in_lanes(ifma: super::ifma::Ifma, seeds: &[[u8; 64]]) -> Vec<PrivateKey> {
    let mut keys = Vec::with_capacity(seeds.len());
    for seeds in seeds.chunks(SHARED) {
        let d = Zeroizing::new(seeds.iter().map(Scalar::key_from_wide).collect::<Vec<_>>());
        // (1+d)^-1 with one inversion for all: d is at most n-2, so that no factor is zero.
        let mut before = Zeroizing::new(Vec::with_capacity(d.len()));
        let mut product = Scalar::ONE;
        for d in d.iter() {
            before.push(product);
            product = product.mul(&d.add(&Scalar::ONE));
        }
        let mut inverse = product.invert();
        let mut inverses = before;
        for (d, before) in d.iter().zip(inverses.iter_mut()).rev() {
            *before = before.mul(&inverse);
            inverse = inverse.mul(&d.add(&Scalar::ONE));
        }
        product.zeroize();
        inverse.zeroize();
        for ((d, inverse), point) in d.iter().zip(inverses.iter()).zip(ifma.times_base(&d)) {
            keys.push(match point {
                Some(point) => PrivateKey::from_parts(d, inverse, PublicKey::from_point(point)),
                None => PrivateKey::from_scalar(d),
            });
        }
    }
    keys
}

/// What a signature claims, given the key's point P: the first coordinate of s G + t P is x modulo n.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) s: Scalar,
    /// r + s, not zero.
    pub(super) t: Scalar,
    /// r - e.
    pub(super) x: Scalar,
}

impl Claim {
    fn new(job: &VerifyJob<'_>) -> Option<Self> {
        let Signature { r, s } = job.signature;
        let t = r.add(&s);
        (!t.is_zero()).then(|| Self { s, t, x: r.sub(&Scalar::reduce_bytes(&job.e)) })
    }
}

/// Whether each signature is its key's, as [`PublicKey::verify_prehash`] would say.
#[must_use]
pub fn verify_many(jobs: &[VerifyJob<'_>]) -> Vec<bool> {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = super::ifma::Ifma::detect() {
        return verify_in_lanes(ifma, jobs);
    }
    jobs.iter().map(verify_one).collect()
}

#[cfg(target_arch = "x86_64")]
fn verify_in_lanes(ifma: super::ifma::Ifma, jobs: &[VerifyJob<'_>]) -> Vec<bool> {
    let mut valid = vec![false; jobs.len()];
    // Keys with a comb, and keys without one: their numbers among the jobs, and what the lanes want to know.
    let (mut known, mut unknown) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (number, job) in jobs.iter().enumerate() {
        // r + s = n is no signature.
        let Some(claim) = Claim::new(job) else { continue };
        if let Some(comb) = fastest!(|arith| job.key.comb(arith)) {
            known.0.push(number);
            known.1.push((claim, comb));
        } else {
            unknown.0.push(number);
            unknown.1.push((claim, job.key.point()));
        }
    }
    let lanes = |count: usize, least: usize| if count % LANES < least { count - count % LANES } else { count };
    known.1.truncate(lanes(known.0.len(), VERIFY_KNOWN_IN_LANES));
    unknown.1.truncate(lanes(unknown.0.len(), VERIFY_IN_LANES));
    for (numbers, answers) in [(&known.0, ifma.verify_known(&known.1)), (&unknown.0, ifma.verify(&unknown.1))] {
        let answers = answers.into_iter().chain(std::iter::repeat(None));
        for (number, answer) in numbers.iter().zip(answers) {
            valid[*number] = answer.unwrap_or_else(|| verify_one(&jobs[*number]));
        }
    }
    valid
}

fn verify_one(job: &VerifyJob<'_>) -> bool {
    job.key.verify_prehash(&job.e, &job.signature)
}

#[cfg(test)]
mod tests;
