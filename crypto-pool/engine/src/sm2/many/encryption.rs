//! Ciphertexts by the dozen: the multiples of points in lanes, key streams and hashes one by one.

use zeroize::Zeroizing;

use crate::sm2::encrypt::{BadLength, Ciphertext, Undecryptable};
#[cfg(target_arch = "x86_64")]
use crate::sm2::encrypt::{MAX_MESSAGE, Nonces};
#[cfg(target_arch = "x86_64")]
use crate::sm2::ifma::Ifma;
use crate::sm2::{PrivateKey, PublicKey};

/// From so many on the lanes win.
#[cfg(target_arch = "x86_64")]
const IN_LANES: usize = 4;

/// One message to be encrypted.
#[derive(Clone, Copy)]
pub struct EncryptJob<'a> {
    /// For the holder of the private half of this key.
    pub key: &'a PublicKey,
    /// 1 to [`MAX_MESSAGE`](crate::sm2::encrypt::MAX_MESSAGE) bytes.
    pub message: &'a [u8],
    /// Fresh and secret: who knows it can read the message.
    pub randomness: [u8; 32],
}

/// One ciphertext to be decrypted.
#[derive(Clone, Copy)]
pub struct DecryptJob<'a> {
    /// With this key.
    pub key: &'a PrivateKey,
    /// The ciphertext.
    pub ciphertext: &'a Ciphertext,
}

/// Encrypts each message, as [`PublicKey::encrypt`] would.
#[must_use]
pub fn encrypt_many(jobs: &[EncryptJob<'_>]) -> Vec<Result<Ciphertext, BadLength>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect()
        && jobs.len() >= IN_LANES
    {
        return encrypt_in_lanes(ifma, jobs);
    }
    jobs.iter().map(encrypt_one).collect()
}

fn encrypt_one(job: &EncryptJob<'_>) -> Result<Ciphertext, BadLength> {
    job.key.encrypt(job.message, &job.randomness)
}

#[cfg(target_arch = "x86_64")]
fn encrypt_in_lanes(ifma: Ifma, jobs: &[EncryptJob<'_>]) -> Vec<Result<Ciphertext, BadLength>> {
    // Messages of a bad length take part, so that the lanes need no list of their own; but nothing is hashed of them.
    let fits = |job: &EncryptJob<'_>| !job.message.is_empty() && job.message.len() <= MAX_MESSAGE;
    let nonce =
        |job: &EncryptJob<'_>| Nonces::new(job.key, if fits(job) { job.message } else { b"" }, &job.randomness).next();
    let nonces = Zeroizing::new(jobs.iter().map(nonce).collect::<Vec<_>>());
    let factors: Vec<_> = jobs.iter().map(|job| job.key.point()).zip(nonces.iter()).collect();
    let points = ifma.times_base(&nonces).into_iter().zip(ifma.times(&factors));
    let encrypt = |(job, (c1, shared)): (&EncryptJob<'_>, (Option<_>, Option<_>))| {
        let made = fits(job).then(|| Ciphertext::new(job.message, c1?, shared?)).flatten();
        // No answer, or a key stream of zeros: the path for one says what is wrong, or takes the next nonce.
        made.map_or_else(|| encrypt_one(job), Ok)
    };
    jobs.iter().zip(points).map(encrypt).collect()
}

/// Decrypts each ciphertext, as [`PrivateKey::decrypt`] would.
#[must_use]
pub fn decrypt_many(jobs: &[DecryptJob<'_>]) -> Vec<Result<Zeroizing<Vec<u8>>, Undecryptable>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = Ifma::detect()
        && jobs.len() >= IN_LANES
    {
        let factors: Vec<_> = jobs.iter().map(|job| (job.ciphertext.point(), job.key.scalar())).collect();
        let open = |(job, shared): (&DecryptJob<'_>, Option<_>)| match shared {
            Some(shared) => job.ciphertext.open(shared),
            None => job.key.decrypt(job.ciphertext),
        };
        return jobs.iter().zip(ifma.times(&factors)).map(open).collect();
    }
    jobs.iter().map(|job| job.key.decrypt(job.ciphertext)).collect()
}
