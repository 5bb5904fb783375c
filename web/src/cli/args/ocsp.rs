//! What can be typed about OCSP answers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `yinxin ocsp`.
#[derive(Debug, Subcommand)]
pub enum OcspCommand {
    /// Ask for a certificate's status and check the answer.
    Query(OcspQuery),
    /// Fetch a checked answer into a file, for a web server to staple.
    Staple(OcspStaple),
}

/// The hash with which a question names its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NameHash {
    /// What browsers and web servers send (RFC 5019).
    Sha1,
    /// SHA-256.
    Sha256,
    /// SM3.
    Sm3,
}

/// Whom and what to ask.
#[derive(Debug, Clone, Args)]
pub struct Ask {
    /// The certificate (PEM or DER), or a folder written by `issue`.
    pub cert: PathBuf,
    /// Certificate of the authority that issued it [default: from the same file, or chain.pem beside it].
    #[arg(long, value_name = "FILE")]
    pub issuer: Option<PathBuf>,
    /// Ask this responder [default: the one the certificate names].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Hash that names the issuer in the question.
    #[arg(long, value_enum, default_value = "sha1")]
    pub hash: NameHash,
}

/// `yinxin ocsp query`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 good, 1 revoked or unknown, 2 there is no answer that can be believed.

Examples:
  yinxin ocsp query www.example.cn/cert.pem
  yinxin ocsp query cert.pem --issuer issuing.pem --url http://ocsp.example.cn/ocsp --nonce --json")]
pub struct OcspQuery {
    /// Whom and what to ask.
    #[command(flatten)]
    pub ask: Ask,
    /// Ask for an answer made just now, and for nobody else.
    #[arg(long)]
    pub nonce: bool,
}

/// `yinxin ocsp staple`.
#[derive(Debug, Args)]
#[command(after_help = "\
Only an answer that was checked is written: signed by the issuer or a responder of its own, current, and
about this certificate. The file is replaced in one step, so a web server never reads half of it. An answer
that says revoked or unknown is never written, and the old file stays.

nginx:  ssl_stapling on;  ssl_stapling_file /etc/nginx/www.ocsp;

Examples:
  yinxin ocsp staple www.example.cn/cert.pem -o /etc/nginx/www.ocsp
  yinxin ocsp staple cert.pem -o www.ocsp --watch --reload 'nginx -s reload'")]
pub struct OcspStaple {
    /// Whom and what to ask.
    #[command(flatten)]
    pub ask: Ask,
    /// Where to write the answer (DER).
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Keep running, and replace the answer before half of its time is over.
    #[arg(long)]
    pub watch: bool,
    /// With --watch: run this command (by sh) after each new answer.
    #[arg(long, value_name = "CMD", requires = "watch")]
    pub reload: Option<String>,
}
