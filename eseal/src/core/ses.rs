//! Electronic seals and signatures with them, as the Chinese standards write them, in three structures:
//!
//! | here | standard | `SESeal` has | `SES_Signature` has |
//! |---|---|---|---|
//! | [`Version::V1`] | GM/T 0031-2014 | 2 parts | 2 parts |
//! | [`Version::V4`] | GB/T 38540-2020 | 4 parts | 4 parts, 5 with a time-stamp |
//! | [`Version::V5`] | GM/T 0031-2025 | 4 parts, 5 with a time-stamp | 4 parts, 5 with a time-stamp |
//!
//! All three are read ([`Seal::read`], [`SealSignature::read`]), V4 is written ([`TbsSeal`], [`TbsSign`]). What was
//! received is kept, and signatures are checked over exactly those bytes, never over what we would write.
//!
//! Reading is lenient where files in the field deviate: any kind of string, either kind of time, extensions with or
//! without a wrapper, holders that do not read (which matters only when one is looked for).

mod build;
mod issuers;
mod read;
mod seal;
mod signature;

use std::fmt;

use crypto_pool::tlv::BadDer;

pub use build::{BadDraft, SealDraft, TbsSeal, TbsSign};
pub use issuers::issuers;
pub use read::{ExtData, Holders, SealPicture};
pub use seal::Seal;
pub use signature::{Claim, SealSignature};

/// Longest seal or signature that is read. Unit: bytes. Real ones have 5 to 32 KB.
pub const LONGEST: usize = 8 << 20;

/// Which structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Version {
    /// GM/T 0031-2014.
    V1,
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

impl Version {
    /// The standard.
    #[must_use]
    pub const fn standard(self) -> &'static str {
        match self {
            Self::V1 => "GM/T 0031-2014",
            Self::V4 => "GB/T 38540-2020",
            Self::V5 => "GM/T 0031-2025",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V4 => "v4",
            Self::V5 => "v5",
        })
    }
}

/// Why bytes are no seal or no signature with one. Their maker's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadSes {
    /// They do not read: which part.
    Der(BadDer),
    /// Longer than [`LONGEST`].
    TooLong,
    /// The number of parts is that of no version, or not of the version it says.
    Parts(usize),
    /// The seal within is of another version than the signature.
    MixedVersions,
    /// It does not begin with `ES`.
    NotASeal,
    /// A BIT STRING with unused bits.
    UnusedBits,
    /// More certificates or extensions than are read.
    TooMany,
}

impl fmt::Display for BadSes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Der(why) => why.fmt(f),
            Self::TooLong => f.write_str("it is too long"),
            Self::Parts(count) => write!(f, "{count} parts, as no version has or not as its version has"),
            Self::MixedVersions => f.write_str("the seal within is of another version than the signature"),
            Self::NotASeal => f.write_str("its header is not that of a seal"),
            Self::UnusedBits => f.write_str("a bit string does not fill its octets"),
            Self::TooMany => f.write_str("more certificates or extensions than are read"),
        }
    }
}

impl std::error::Error for BadSes {}

impl From<BadDer> for BadSes {
    fn from(why: BadDer) -> Self {
        Self::Der(why)
    }
}

#[cfg(test)]
pub(crate) mod tests;
