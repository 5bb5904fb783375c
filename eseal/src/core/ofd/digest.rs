//! The hash functions of references.

use aws_lc_rs::digest;

use super::super::facts::Hash;

/// The digest of these octets.
pub(super) fn of(hash: Hash, octets: &[u8]) -> Vec<u8> {
    let by = |algorithm| digest::digest(algorithm, octets).as_ref().to_vec();
    match hash {
        Hash::Sm3 => engine::sm3::hash(octets).to_vec(),
        Hash::Sha256 => by(&digest::SHA256),
        Hash::Sha384 => by(&digest::SHA384),
        Hash::Sha512 => by(&digest::SHA512),
        Hash::Sha1 => by(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Md5 => {
            use md5::Digest as _;
            md5::Md5::digest(octets).to_vec()
        }
    }
}

/// Whether somebody could make two files with one digest.
pub(super) const fn is_weak(hash: Hash) -> bool {
    matches!(hash, Hash::Sha1 | Hash::Md5)
}
