//! Many operations in one call: what a queue has collected. The answers come in the order of the questions.

use super::{PrivateKey, PublicKey, Signature};

/// How many operations fill the widest unit. A batch of any length is taken; multiples of this are best.
pub const LANES: usize = 16;

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
    jobs.iter().map(|job| job.key.sign_prehash(&job.e, &job.randomness)).collect()
}

/// Whether each signature is its key's, as [`PublicKey::verify_prehash`] would say.
#[must_use]
pub fn verify_many(jobs: &[VerifyJob<'_>]) -> Vec<bool> {
    jobs.iter().map(|job| job.key.verify_prehash(&job.e, &job.signature)).collect()
}
