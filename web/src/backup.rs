//! Backups: one encrypted, signed file that holds a consistent copy of an installation, made while it runs;
//! and restoring one, which refuses a state older than what the world has already seen.
//!
//! # The file
//!
//! Numbers are big-endian.
//!
//! ```text
//! magic       8 octets "YINXINBK"
//! version     2 octets, 1
//! header      4 octets of length (at most 256 KiB), then JSON: see `header::Header`
//! chunks      each: 4 octets, the length of the sealed text and in the highest bit whether it is the last;
//!             then the sealed text: at most 64 KiB and the 16-octet tag of SM4-GCM
//! manifest    4 octets of length (at most 4 KiB), then text: installation, time, size and SM3 of all before it
//! signature   2 octets of length (at most 512), then the log key's SM2 signature over the manifest, DER
//! ```
//!
//! The content is sealed under a random SM4 key that is used for this file only. The nonce of a chunk is its
//! number; its additional data are SM3(header), number and last-flag, so that no chunk can be left out,
//! moved, cut off or put under another header. The content key itself lies in the header, sealed once under a
//! key derived from the root key and, if a passphrase is given, once under Argon2id of the passphrase.
//!
//! The content is a row of files: 2 octets of length and the name, 8 octets of length and the bytes; an
//! empty name ends it. Only the names of `archive` are taken out again.
//!
//! # What is in it
//!
//! The database, `setup.toml`, `yinxin.toml` if there is one, copies of the roots. In production also `root.sealed`, in the header: it
//! is sealed by its own passphrase, and without it that passphrase could not open the backup on a new
//! machine. A trial's `root.key` is in the content, and only if a passphrase was given: it is worth all keys,
//! so without one it must be kept elsewhere.
//!
//! # What an attacker could try
//!
//! *Who has the file only* learns the name of the installation, the public certificates of its issuers, the
//! size of the log, and may guess at passphrases at the price of Argon2id. *Who writes the file* cannot make
//! a content that opens, and every length is bounded before it is believed. *Who gives an older genuine
//! backup* is stopped by a checkpoint or a CRL kept outside, if the operator gives one.

mod archive;
mod chunks;
mod error;
mod header;
mod make;
mod outer;
mod restore;
mod slots;

pub use error::BackupError;
pub use make::{Source, make_file};
pub use restore::{Opener, RestoreOrder, Restored, RestoredMark, restore, restored_mark};

/// The first octets of every backup.
const MAGIC: &[u8; 8] = b"YINXINBK";
/// The format this program writes and reads.
const VERSION: u16 = 1;
/// Longest header. Unit: bytes.
const LONGEST_HEADER: usize = 256 << 10;
/// Longest manifest. Unit: bytes.
const LONGEST_MANIFEST: usize = 4 << 10;
/// Longest signature. Unit: bytes.
const LONGEST_SIGNATURE: usize = 512;

#[cfg(test)]
mod tests;
