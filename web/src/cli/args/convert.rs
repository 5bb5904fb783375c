//! What can be typed about changing the form of keys and certificates.

use std::path::PathBuf;

use clap::Args;

pub use crate::convert::Form as KeyForm;

/// `yinxin convert`.
#[derive(Debug, Args)]
#[command(after_help = "\
What each file is, its content says: PEM, DER, PKCS#8 (plain or encrypted), PKCS#12, PKCS#7, or one of the four
envelopes. No server is asked; nothing leaves this machine. A private key is written under a passphrase, to a
file that only you can read; --clear writes it without.

Examples:
  yinxin convert key.pem cert.pem chain.pem --to p12 -o zhang.p12      for browsers, Java, Windows
  yinxin convert key.pem cert.pem --to p12 --sm -o zhang.p12           the same with SM4 and SM3
  yinxin convert zhang.p12 --to pem -o zhang.pem
  yinxin convert enc.key --key sign.p12 --to pem -o enc.pem            opens an envelope with the signing key
  yinxin convert enc.key --key sign.p12 --to skf --for token.pem -o enc.blob")]
pub struct Convert {
    /// Keys, certificates, PKCS#12 files or envelopes.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The form to make.
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: KeyForm,
    /// Where it goes; it must not exist yet.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// The private key that opens an envelope: PEM, PKCS#8 or PKCS#12.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The certificate whose holder the envelope is for.
    #[arg(long = "for", value_name = "CERT")]
    pub recipient: Option<PathBuf>,
    /// SM4 and SM3 in place of AES-256 and SHA-256.
    #[arg(long)]
    pub sm: bool,
    /// The name that programs show for the key [default: that of the file].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write the private key without a passphrase.
    #[arg(long)]
    pub clear: bool,
    /// File whose first line opens what is read [default: asked for].
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// File whose first line protects what is written [default: asked for].
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}
