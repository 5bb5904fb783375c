//! What can be typed about getting time-stamps, and about evidence that lasts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tsa::core::request::Hash;

/// The digest that is stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StampHash {
    /// SM3, answered with an SM2 signature.
    Sm3,
    /// SHA-256, answered with an ECDSA signature that everybody's tools verify.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// `yinxin stamp`.
#[derive(Debug, Args)]
#[command(after_help = "\
Only the digest leaves this machine, never the file. What comes back is checked before it is written: that it is
about this file and this request, signed, and by a certificate for time-stamping. contract.pdf gets its
time-stamp in contract.pdf.tsr, which `yinxin verify contract.pdf.tsr` and `openssl ts -verify` read.

Exit status: 0 all stamped, 1 some not.

Examples:
  yinxin stamp contract.pdf
  yinxin stamp *.pdf --hash sha256 --url http://tsa.example.cn/tsa
  yinxin stamp contract.pdf --policy 1.2.3.4.1 --replace")]
pub struct Stamp {
    /// Files to stamp.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// From whom, and how.
    #[command(flatten)]
    pub source: StampSource,
    /// Replace time-stamps that are there already.
    #[arg(long)]
    pub replace: bool,
}

/// From whom time-stamps are got, and how.
#[derive(Debug, Clone, Args)]
pub struct StampSource {
    /// The authority [default: the one of this installation].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The policy to ask for, as an object identifier [default: the authority's first].
    #[arg(long, value_name = "OID")]
    pub policy: Option<String>,
    /// The digest to stamp.
    #[arg(long, value_enum, default_value = "sm3")]
    pub hash: StampHash,
    /// Believe these roots, too (PEM).
    #[arg(long, value_name = "FILE")]
    pub root: Vec<PathBuf>,
}

impl StampHash {
    /// The hash itself.
    #[must_use]
    pub const fn hash(self) -> Hash {
        match self {
            Self::Sm3 => Hash::Sm3,
            Self::Sha256 => Hash::Sha256,
            Self::Sha384 => Hash::Sha384,
            Self::Sha512 => Hash::Sha512,
        }
    }
}

/// `yinxin evidence`.
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Begin evidence records: one time-stamp for all files, a record for each.
    Make(EvidenceMake),
    /// Renew records before their newest time-stamp loses its force.
    Renew(EvidenceRenew),
    /// Check records and every time-stamp in them.
    Verify(EvidenceVerify),
    /// Fetch time-stamps from the archive with the records that keep them in force.
    Fetch(EvidenceFetch),
}

/// `yinxin evidence fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
The authority stamps its archived time-stamps again by itself before their certificates or algorithms end. This writes
a time-stamp to SERIAL.tst and its record (RFC 4998) to SERIAL.tst.er, which `yinxin evidence verify` checks. Until
the first renewal there is no record, and none is needed.

Example:
  yinxin evidence fetch 5C1D0F8E7A3B24960000000000000001 --out archive")]
pub struct EvidenceFetch {
    /// Serial numbers of time-stamps.
    #[arg(required = true, value_name = "SERIAL")]
    pub serials: Vec<pki_config::Serial>,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// `yinxin evidence make`.
#[derive(Debug, Args)]
#[command(after_help = "\
contract.pdf gets its record (RFC 4998) in contract.pdf.er. Renew it before the certificate of its newest
time-stamp ends or its algorithms grow weak; it then proves its file for as long as somebody goes on doing so.

Example:
  yinxin evidence make archive/*.pdf --hash sha256")]
pub struct EvidenceMake {
    /// Files to keep evidence of.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// From whom, and how.
    #[command(flatten)]
    pub source: StampSource,
}

/// `yinxin evidence renew`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --rehash, or with the hash that a record has, the newest time-stamp is stamped again. With another hash the
file itself is read again, contract.pdf for contract.pdf.er, and stamped under the new hash with all that was before.
A record is replaced in one step.

Examples:
  yinxin evidence renew archive/*.er --within 90
  yinxin evidence renew archive/*.er --rehash sha512")]
pub struct EvidenceRenew {
    /// Records to renew.
    #[arg(required = true, value_name = "FILE.er")]
    pub files: Vec<PathBuf>,
    /// Only those whose newest certificate ends within this many days.
    #[arg(long, value_name = "DAYS")]
    pub within: Option<u32>,
    /// Go over to this hash.
    #[arg(long, value_enum)]
    pub rehash: Option<StampHash>,
    /// From whom, and how; --hash is not looked at.
    #[command(flatten)]
    pub source: StampSource,
}

/// `yinxin evidence verify`.
#[derive(Debug, Args)]
pub struct EvidenceVerify {
    /// Records to check.
    #[arg(required = true, value_name = "FILE.er")]
    pub files: Vec<PathBuf>,
    /// The file that the record is about [default: its name without .er].
    #[arg(long, value_name = "FILE")]
    pub of: Option<PathBuf>,
    /// Certificates between the signers' and the root (PEM).
    #[arg(long, value_name = "FILE")]
    pub chain: Vec<PathBuf>,
    /// CRLs (DER or PEM), beside those of the data directory.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// OCSP answers (DER).
    #[arg(long, value_name = "FILE")]
    pub ocsp: Vec<PathBuf>,
    /// Believe these roots only (PEM).
    #[arg(long, visible_alias = "trust", value_name = "FILE")]
    pub root: Vec<PathBuf>,
    /// Check as of this moment, RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<pki_config::Instant>,
}
