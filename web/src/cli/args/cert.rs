//! What can be typed about certificates, requests and CRLs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pki_config::status::Reason;
use pki_config::{Instant, IssuerId, RequestId};

/// The kind of key `issue` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// SM2 on sm2p256v1.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// RSA of 3072 bits.
    Rsa3072,
    /// Ed25519.
    Ed25519,
}

/// `yinxin issue`.
#[derive(Debug, Args)]
#[command(after_help = "\
Written into --out: key.pem (mode 0600, made here and never sent; absent with --csr), cert.pem (the
certificate alone), chain.pem (issuing authority first, no root), receipt.json (checkable without the
server). Existing files are never overwritten.

Examples:
  yinxin issue www.example.cn
  yinxin issue www.example.cn --san dns:www.example.cn,dns:example.cn,ip:192.0.2.7
  yinxin issue www.example.cn --key-type p256 --out /etc/pki/www
  yinxin issue 张三 --profile person --subject 'CN=张三,O=示例公司,C=CN' --san email:zhang@example.cn
  yinxin issue device-7 --profile device --csr device-7.csr
  yinxin issue tlcp.example.cn --dual       two certificates for a TLCP server: sign.key sign.pem enc.key enc.pem
                                            (see `yinxin dual open --help` for all files)

In production this files a request; another officer approves it with `yinxin approve`.")]
pub struct Issue {
    /// Name of the holder: the common name, and for tls-server the DNS name or address to certify.
    pub name: String,
    /// Certificate profile: tls-server, tls-client, person, organisation, device…
    #[arg(long, default_value = "tls-server", value_name = "P")]
    pub profile: String,
    /// Issuing authority [default: sm2-issuing for SM2 keys, ec-issuing for all others].
    #[arg(long, value_name = "I")]
    pub issuer: Option<IssuerId>,
    /// Use the key and names of this PKCS#10 request (PEM or DER) instead of making a key.
    #[arg(long, value_name = "FILE", conflicts_with = "key_type")]
    pub csr: Option<PathBuf>,
    /// Kind of key to make [default: sm2; p256 if --issuer is not an SM2 authority].
    #[arg(long, value_enum)]
    pub key_type: Option<KeyType>,
    /// Alternative names: dns:…, ip:…, email:…, comma-separated [default for tls-server: NAME].
    #[arg(long, value_delimiter = ',', value_name = "KIND:VALUE")]
    pub san: Vec<String>,
    /// Identity numbers for person and organisation, such as credit-code:91350100M000100Y43, comma-separated. Anybody
    /// can read them in the certificate.
    #[arg(long, value_delimiter = ',', value_name = "KIND:NUMBER")]
    pub identity: Vec<String>,
    /// Whole subject name in RFC 4514 form, most specific first [default: CN=NAME].
    #[arg(long, value_name = "DN")]
    pub subject: Option<String>,
    /// Validity in days, at most the profile's [default: the profile's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_525))]
    pub days: Option<u32>,
    /// Get a pair: a signing certificate, and an encryption certificate whose key the key centre makes and keeps. With
    /// --profile person, organisation, device or tls-server (or their dual-… names).
    #[arg(long)]
    pub dual: bool,
    /// Folder to write into [default: ./NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `yinxin approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The request, as `yinxin requests` lists it.
    pub request: RequestId,
    /// Write cert.pem, chain.pem and receipt.json into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `yinxin reject`.
#[derive(Debug, Args)]
pub struct Reject {
    /// The request, as `yinxin requests` lists it.
    pub request: RequestId,
    /// Why, for the requester.
    #[arg(long)]
    pub reason: String,
}

/// Names one certificate.
#[derive(Debug, Args)]
pub struct CertName {
    /// Serial in hexadecimal, a certificate file, or a folder written by `issue`.
    #[arg(value_name = "SERIAL|FILE")]
    pub certificate: String,
    /// Issuing authority; needed only if two of them used the serial.
    #[arg(long, value_name = "I")]
    pub issuer: Option<IssuerId>,
}

/// `yinxin revoke`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reasons: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation,
privilegeWithdrawn, aACompromise (RFC 5280 5.3.1; also written key-compromise). To suspend, use `hold`.

Examples:
  yinxin revoke 4F0AC1D29B7E6A5533C0FFEE12345678 --reason superseded
  yinxin revoke www.example.cn/cert.pem --reason keyCompromise --invalidity 2026-11-01T00:00:00Z")]
pub struct Revoke {
    /// Which certificate.
    #[command(flatten)]
    pub name: CertName,
    /// Why.
    #[arg(long, value_name = "R")]
    pub reason: Reason,
    /// Since when the key is known or suspected to be compromised, RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub invalidity: Option<Instant>,
}

/// `yinxin list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  yinxin list --status revoked
  yinxin list --name example.cn --limit 200
  yinxin list --all --csv > certificates.csv
  yinxin list --all --json")]
pub struct List {
    /// Only this issuing authority.
    #[arg(long, value_name = "I")]
    pub issuer: Option<IssuerId>,
    /// Only this profile.
    #[arg(long, value_name = "P")]
    pub profile: Option<String>,
    /// Only good, revoked, hold or expired ones.
    #[arg(long, value_parser = ["good", "revoked", "hold", "expired"])]
    pub status: Option<String>,
    /// Only where the subject or an alternative name contains this text.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Continue after the page before, with the number it printed.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// Lines of one page, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
    /// Every page.
    #[arg(long, conflicts_with = "after")]
    pub all: bool,
    /// Write CSV, for table programs.
    #[arg(long)]
    pub csv: bool,
}

/// `yinxin show`.
#[derive(Debug, Args)]
#[command(after_help = "\
A file is told in words, without a server: certificates, CRLs, requests (PKCS#10), keys (never the private half),
PKCS#12, PKCS#7 and CMS, GM/T 0010 messages, envelopes of keys, CSRResponse, OCSP and time-stamp questions and
answers, seals and signatures with seals; PEM, DER or base64, several in one file. What is not as the standards
have it is remarked. Whether signatures hold, `yinxin verify` tells.

A serial number, or a folder written by `issue`, is looked up at the server, as is a file with --status.

Examples:
  yinxin show cert.pem chain.pem
  openssl s_client -connect www.example.cn:443 </dev/null | yinxin show -
  yinxin show zhang.p12 --passphrase
  yinxin show --json list.crl --all
  yinxin show 4F0AC1B2 --out restored")]
pub struct Show {
    /// Files (- is standard input), or serial numbers in hexadecimal.
    #[arg(required = true, value_name = "FILE|SERIAL")]
    pub what: Vec<String>,
    /// Of a file with a certificate: ask the server for its status and who issued it.
    #[arg(long)]
    pub status: bool,
    /// Issuing authority; needed only if two of them used the serial.
    #[arg(long, value_name = "I")]
    pub issuer: Option<IssuerId>,
    /// Write cert.pem, chain.pem and, where your role may read the log, receipt.json into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the certificate and its chain into this new file (PKCS#7, as Windows and Java import it).
    #[arg(long, value_name = "FILE")]
    pub p7b: Option<PathBuf>,
    /// Every entry of a CRL, not only the first 20.
    #[arg(long)]
    pub all: bool,
    /// Ask for the passphrase of PKCS#12 files and encrypted keys.
    #[arg(long, conflicts_with = "passphrase_file")]
    pub passphrase: bool,
    /// File whose first line is that passphrase.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `yinxin crl`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  yinxin crl sm2-issuing                     publish one now
  yinxin crl sm2-issuing --out latest.crl    fetch the newest published one (DER)
  yinxin crl sm2-issuing --shard 3 --delta --out changes.crl")]
pub struct Crl {
    /// Issuing authority.
    pub issuer: IssuerId,
    /// Fetch the newest published CRL into this new file instead of publishing one.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The list of this share, where the issuer's is split, instead of the whole one.
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub shard: Option<u16>,
    /// What changed since that list, instead of the list.
    #[arg(long, requires = "out")]
    pub delta: bool,
}
