//! Many operations in one call: what a queue has collected. The answers come in the order of the questions,
//! and are those of the operations one by one.
//!
//! Where the processor has the lanes (AVX-512 IFMA), sixteen operations go through it at once; elsewhere,
//! and for so few that lanes would stand idle, they are done one after another.

use zeroize::{Zeroize, Zeroizing};

#[cfg(target_arch = "x86_64")]
use super::field::fastest;
use super::scalar::Scalar;
use super::{PrivateKey, PublicKey, Signature};

/// How many operations fill the widest unit. A batch of any length is taken; multiples of this are best.
pub const LANES: usize = 16;

/// From so many signatures on the lanes win: they cost the same for one as for sixteen.
#[cfg(target_arch = "x86_64")]
const SIGN_IN_LANES: usize = 4;
/// From so many new keys on.
#[cfg(target_arch = "x86_64")]
const GENERATE_IN_LANES: usize = 4;
/// So many new keys share an inversion.
#[cfg(target_arch = "x86_64")]
const SHARED: usize = 256;
/// From so many verifications on, with keys that have no comb.
#[cfg(target_arch = "x86_64")]
const VERIFY_IN_LANES: usize = 4;
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
mod tests {
    use super::*;
    use crate::sm3;

    fn keys(count: u8) -> Vec<PrivateKey> {
        (1..=count).filter_map(|i| PrivateKey::from_bytes(&sm3::hash(&[i])).ok()).collect()
    }

    fn jobs(keys: &[PrivateKey], count: usize) -> Vec<SignJob<'_>> {
        let job = |(i, key)| {
            let i: usize = i;
            SignJob { key, e: sm3::hash(&i.to_be_bytes()), randomness: sm3::hash(&(!i).to_be_bytes()) }
        };
        keys.iter().cycle().take(count).enumerate().map(job).collect()
    }

    #[test]
    fn signatures_in_lanes_are_those_made_one_by_one_for_every_count() {
        let keys = keys(7);
        let all = jobs(&keys, 300);
        let expected: Vec<_> = all.iter().map(sign_one).collect();
        for count in (0..=33).chain([127, 128, 129, 145, 300]) {
            assert!(sign_many(&all[..count]) == expected[..count], "{count}");
        }
    }

    #[test]
    fn keys_made_in_lanes_are_those_made_one_by_one() {
        let seeds: Vec<[u8; 64]> = (0_u16..70)
            .map(|i| {
                let mut seed = [0; 64];
                seed[..32].copy_from_slice(&sm3::hash(&i.to_le_bytes()));
                seed[32..].copy_from_slice(&sm3::hash(&i.to_be_bytes()));
                // The smallest keys, 1 to 10.
                if i < 10 { [[0; 63].as_slice(), &[i as u8]].concat().try_into().unwrap_or(seed) } else { seed }
            })
            .collect();
        for count in (0..=33).chain([64, 65, 70]) {
            let keys = generate_many(&seeds[..count]);
            assert_eq!(keys.len(), count);
            for (key, seed) in keys.iter().zip(&seeds) {
                let expected = PrivateKey::from_seed(seed);
                assert_eq!((key.to_bytes(), key.public()), (expected.to_bytes(), expected.public()));
                let (e, randomness) = ([7; 32], [9; 32]);
                assert!(key.sign_prehash(&e, &randomness) == expected.sign_prehash(&e, &randomness));
            }
        }
    }

    #[test]
    fn verifications_in_lanes_refuse_exactly_the_bad_ones() {
        let mut keys = keys(40);
        for round in 0..6 {
            let signed = jobs(&keys, 200);
            let signatures = sign_many(&signed);
            for count in (0..=33).chain([64, 65, 200]) {
                let bad = |i: usize| (i * 7 + round + count) % 5 == 0;
                let checks: Vec<_> = (0..count)
                    .map(|i| {
                        let mut raw = signatures[i].to_raw();
                        let mut e = signed[i].e;
                        match (bad(i), i % 3) {
                            (true, 0) => raw[31] ^= 1,
                            (true, 1) => raw[63] ^= 1,
                            (true, _) => e[5] ^= 0x80,
                            (false, _) => {}
                        }
                        let signature = Signature::from_raw(&raw).unwrap_or(signatures[(i + 1) % 200]);
                        VerifyJob { key: signed[i].key.public(), e, signature }
                    })
                    .collect();
                let expected: Vec<_> = (0..count).map(|i| !bad(i)).collect();
                assert_eq!(verify_many(&checks), expected, "{round} {count}");
            }
            drop(signed);
            // Fewer keys, which get combs sooner or later, among them some without one.
            keys.truncate(40 / (round + 1));
        }
    }

    #[test]
    #[ignore = "a measurement"]
    fn speed_of_many() {
        fn now() -> u64 {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default()
        }
        let keys = keys(1);
        for count in [1, 4, 16, 32, 64, 128, 1024] {
            let jobs = jobs(&keys, count);
            let _ = sign_many(&jobs);
            let rounds = 20_000 / count;
            let start = now();
            for _ in 0..rounds {
                std::hint::black_box(sign_many(&jobs));
            }
            println!("sign {count}: {:.0}/s", 1e9 * (rounds * count) as f64 / (now() - start) as f64);
        }
        let seeds = vec![[5; 64]; 4096];
        let start = now();
        for _ in 0..5 {
            std::hint::black_box(generate_many(&seeds));
        }
        println!("generate: {:.0}/s", 1e9 * 5.0 * 4096.0 / (now() - start) as f64);
        for count in [1, 4, 16, 64, 1024] {
            let signed = jobs(&keys, count);
            let signatures = sign_many(&signed);
            let check = |(job, signature): (&SignJob<'_>, &Signature)| (job.e, *signature, *job.key.public().as_sec1());
            let checks: Vec<_> = signed.iter().zip(&signatures).map(check).collect();
            let (mut unknown, mut total) = (0, 0);
            for _ in 0..(10_000 / count).max(1) {
                let keys: Vec<_> = checks.iter().map(|c| PublicKey::from_sec1(&c.2).ok()).collect();
                let jobs: Vec<_> = keys
                    .iter()
                    .zip(&checks)
                    .filter_map(|(key, c)| Some(VerifyJob { key: key.as_ref()?, e: c.0, signature: c.1 }))
                    .collect();
                let start = now();
                assert!(verify_many(&jobs).iter().all(|valid| *valid));
                unknown += now() - start;
                total += count;
            }
            let jobs: Vec<_> = signed
                .iter()
                .zip(&signatures)
                .map(|(job, signature)| VerifyJob { key: job.key.public(), e: job.e, signature: *signature })
                .collect();
            for _ in 0..20 {
                assert!(verify_many(&jobs).iter().all(|valid| *valid));
            }
            let rounds = (20_000 / count).max(1);
            let start = now();
            for _ in 0..rounds {
                std::hint::black_box(verify_many(&jobs));
            }
            let known = now() - start;
            println!(
                "verify {count}: unknown {:.0}/s, known {:.0}/s",
                1e9 * total as f64 / unknown as f64,
                1e9 * (rounds * count) as f64 / known as f64
            );
        }
    }
}
