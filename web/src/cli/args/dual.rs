//! What can be typed about pairs of certificates and the key centre.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pki_config::{CentreKeyId, CentreOrderId};

use super::CertName;

/// `yinxin dual`.
#[derive(Debug, Subcommand)]
pub enum DualCommand {
    /// Show both certificates of a pair, and whether the encryption key was delivered.
    Show(CertName),
    /// Fetch the delivery of a pair, or read one from a file, and open the encryption key with your signing key.
    Open(DualOpen),
}

/// `yinxin dual open`.
#[derive(Debug, Args)]
#[command(after_help = "\
The key centre makes the encryption key and sends it encrypted to your signing key (CSRResponse, GM/T 0092).
It is opened here, on this machine; the server never sees it. Written into --out, beside your sign.key:
  sign.pem, enc.pem        the two certificates
  enc.key                  the encryption key, PKCS#8, mode 0600
  chain.pem                the issuing authority
  double.pem               both certificates and the chain, for servers that want one file (GmSSL)
  csr-response.der         the delivery as it came, to be opened again

A TLCP server with it (Tongsuo):
  openssl s_server -accept 4433 -enable_ntls -ntls -sign_cert sign.pem -sign_key sign.key \\
      -enc_cert enc.pem -enc_key enc.key -CAfile chain.pem

Examples:
  yinxin dual open 4F0AC1D29B7E6A5533C0FFEE12345678 --key www/sign.key --out www
  yinxin dual open --response csr-response.der --key sign.key --out here")]
pub struct DualOpen {
    /// Serial of either certificate, or its file.
    #[arg(value_name = "SERIAL|FILE", required_unless_present = "response", conflicts_with = "response")]
    pub certificate: Option<String>,
    /// Open this CSRResponse (DER or base64) instead of asking the server.
    #[arg(long, value_name = "FILE")]
    pub response: Option<PathBuf>,
    /// Your signing key: PKCS#8, plain or under a passphrase, PEM or DER.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// File with the passphrase of --key [default: asked for].
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `yinxin centre`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
The key centre keeps the encryption key of every pair of certificates, wrapped. Recovering one takes two key
officers (role key-officer); neither may be who asked for the certificate or approved it:
  yinxin centre list --name 张三                       finds the key
  yinxin centre recover KEY --for sign.pem --reason 'token lost' --ground 'application 7'
  yinxin centre orders --state asked                   the other officer sees what waits
  yinxin centre approve ORDER                          and approves it
  yinxin centre envelope ORDER --out zhang.der         anybody of the centre fetches the envelope
The envelope opens with the recipient's key only: yinxin convert zhang.der --key sign.key --to pem -o enc.pem")]
pub enum CentreCommand {
    /// List the keys that are kept, newest first.
    List(CentreList),
    /// Show one key and all that was asked for it.
    Show {
        /// The key, as `centre list` shows it.
        key: CentreKeyId,
    },
    /// Ask for the recovery of a key: for its holder's signing certificate of now, or for a court's certificate.
    Recover(CentreRecover),
    /// Ask for the end of an archived key.
    Destroy(CentreDestroy),
    /// List what was asked, newest first.
    Orders(CentreOrders),
    /// Approve what another officer asked, which hands the key over or destroys it.
    Approve {
        /// The order, as `centre orders` shows it.
        order: CentreOrderId,
    },
    /// Refuse an order, or withdraw your own.
    Refuse {
        /// The order.
        order: CentreOrderId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Fetch the envelope of an order that is done; every time the same.
    Envelope {
        /// The order.
        order: CentreOrderId,
        /// Where to write it, DER.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// `yinxin centre list`.
#[derive(Debug, Args)]
pub struct CentreList {
    /// Only keys whose subject contains this.
    #[arg(long)]
    pub name: Option<String>,
    /// Only kept or destroyed ones.
    #[arg(long, value_parser = ["kept", "destroyed"])]
    pub state: Option<String>,
    /// Where the list before ended.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}

/// `yinxin centre recover`.
#[derive(Debug, Args)]
pub struct CentreRecover {
    /// The key, as `centre list` shows it.
    pub key: CentreKeyId,
    /// For whom: an SM2 certificate. The holder's own signing certificate of now or, with --court, a court's.
    #[arg(long = "for", value_name = "FILE")]
    pub certificate: PathBuf,
    /// The certificate is that of a court or another authority that may ask for the key.
    #[arg(long)]
    pub court: bool,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The legal ground: the number of the court order or of the holder's application.
    #[arg(long)]
    pub ground: String,
}

/// `yinxin centre destroy`.
#[derive(Debug, Args)]
pub struct CentreDestroy {
    /// The key, as `centre list` shows it.
    pub key: CentreKeyId,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The legal ground, such as the rule that ends its retention.
    #[arg(long)]
    pub ground: String,
}

/// `yinxin centre orders`.
#[derive(Debug, Args)]
pub struct CentreOrders {
    /// Only those that wait (asked), are done or were refused.
    #[arg(long, value_parser = ["asked", "done", "refused"])]
    pub state: Option<String>,
    /// Where the list before ended.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}
