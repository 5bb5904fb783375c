//! What can be typed about getting time-stamps.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
    /// The authority [default: the one of this installation].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The policy to ask for, as an object identifier [default: the authority's first].
    #[arg(long, value_name = "OID")]
    pub policy: Option<String>,
    /// The digest to stamp.
    #[arg(long, value_enum, default_value = "sm3")]
    pub hash: StampHash,
    /// Replace time-stamps that are there already.
    #[arg(long)]
    pub replace: bool,
    /// Believe these roots, too (PEM).
    #[arg(long, value_name = "FILE")]
    pub root: Vec<PathBuf>,
}
