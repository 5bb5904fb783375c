//! What can be typed about the installation itself, and about checking things without it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use crypto_pool::root_key::shares::Quorum;
use pki_config::config::Listen;

/// `yinxin up`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
The first start makes a trial: both hierarchies, the audit log, and a one-time link for the first
administrator. A trial keeps its key-encryption key in a file and can never become production; for that,
start with `yinxin init --production`.

Examples:
  yinxin up
  yinxin up --data /srv/yinxin --http 0.0.0.0:80 --public-url http://ca.example.cn
  yinxin up --checkpoint-to /mnt/elsewhere/yinxin.checkpoints")]
pub struct Up {
    /// Address of the public repository: certificates, CRLs, health [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// Address of the administration API, TLS only [default: 127.0.0.1:8443].
    #[arg(long, value_name = "ADDR")]
    pub https: Option<String>,
    /// Address under which everybody finds the repository; goes into certificates, fixed at the first start.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Copy each signed head of the log to these files, best where this server cannot rewrite them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub checkpoint_to: Vec<PathBuf>,
}

/// `yinxin mail`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(after_help = "\
Letters go to holders whose certificates end soon, to the address in the certificate. Set it up in yinxin.toml:

  [mail]
  server = \"mail.example.cn:587\"
  from = \"ca@example.cn\"
  user = \"ca@example.cn\"
  password_file = \"/etc/yinxin/mail-password\"
  otherwise_to = \"ra@example.cn\"       # for certificates that hold no address")]
pub enum MailCommand {
    /// Send a letter to try the way.
    Test {
        /// Who gets it.
        #[arg(value_name = "ADDRESS")]
        to: String,
    },
}

/// `yinxin serve`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(after_help = "\
The door runs in a process of its own, which holds no key and no data: it reads what strangers send and passes
what is well-formed on to the suite (`yinxin up`) over a socket that takes nothing else. Start as many as you like;
each can be stopped and replaced while the suite runs. To run one as a user of its own, name a place for the socket
in the suite's configuration (web.front_socket) and give it here with --suite.

Examples:
  yinxin serve ocsp --data /srv/yinxin --listen 0.0.0.0:8081
  yinxin serve tsa --suite /run/yinxin/front.sock --listen 0.0.0.0:8082")]
pub enum ServeCommand {
    /// Answer OCSP requests at /ocsp.
    Ocsp {
        /// Address to listen on.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
        listen: Listen,
        /// Socket of the suite; without it, the one of the data directory.
        #[arg(long, value_name = "SOCKET")]
        suite: Option<PathBuf>,
    },
    /// Answer time-stamp requests at /tsa.
    Tsa {
        /// Address to listen on.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8082")]
        listen: Listen,
        /// Socket of the suite; without it, the one of the data directory.
        #[arg(long, value_name = "SOCKET")]
        suite: Option<PathBuf>,
    },
}

/// `yinxin init`.
#[derive(Debug, Args)]
#[command(after_help = "\
The root key wraps every other key. It is sealed by a passphrase, or by shares of which some together open it:
each is shown once, on this terminal or in a file of its own, and lies nowhere else. Give each to another keeper.

Examples:
  yinxin init --production --public-url http://ca.example.cn
  yinxin init --production --public-url http://ca.example.cn --shares 3-of-5
  yinxin init --production --public-url http://ca.example.cn --shares 2-of-3 --share-dir /media/keepers")]
pub struct Init {
    /// Make a production installation. (A trial needs no `init`: `yinxin up` makes it.)
    #[arg(long, required = true)]
    pub production: bool,
    /// Read the passphrase from this file instead of the terminal.
    #[arg(long, value_name = "F", conflicts_with = "shares")]
    pub passphrase_file: Option<PathBuf>,
    /// Seal the root key by shares instead of a passphrase: K of N together open it.
    #[arg(long, value_name = "K-of-N")]
    pub shares: Option<Quorum>,
    /// Write each share to a new file in this folder, mode 0600, instead of showing it on the terminal.
    #[arg(long, value_name = "DIR", requires = "shares")]
    pub share_dir: Option<PathBuf>,
    /// Address under which everybody finds the repository; goes into every certificate and stays.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

/// `yinxin config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the configuration and say whether it is sound.
    Check,
    /// Print the configuration with every default filled in.
    Show,
}

/// `yinxin clock`.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Go on although the clock is behind the last log entry, because that entry's date was wrong.
    Accept {
        /// Why, for the log.
        #[arg(long)]
        reason: String,
    },
}

/// `yinxin backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
A backup opens with the root key, that is, in production with its passphrase. In a trial that key is the file
root.key of the data directory: keep it elsewhere, or let a passphrase of 12 characters or more open the backup
as well. Keep checkpoints outside, too: `restore` compares.

Examples:
  yinxin backup /mnt/elsewhere/monday.yxb --ask-passphrase
  yinxin audit checkpoint --out /mnt/elsewhere/monday.checkpoint")]
pub struct Backup {
    /// New file, on the server's machine.
    pub file: PathBuf,
    /// Let the passphrase in this file open the backup beside the root key.
    #[arg(long, value_name = "F")]
    pub passphrase_file: Option<PathBuf>,
    /// Ask on the terminal for a passphrase that opens the backup beside the root key.
    #[arg(long, conflicts_with = "passphrase_file")]
    pub ask_passphrase: bool,
}

/// `yinxin restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Restores into --data, which must not exist or be empty. Tell it what the world has already seen, so that a
state older than that is refused and no serial or CRL number is used twice:
  yinxin restore monday.yxb --data new --expect elsewhere.checkpoints --crl latest-sm2.crl --crl latest-ec.crl")]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// A checkpoint kept outside; a backup that does not reach it is refused.
    #[arg(long, value_name = "F")]
    pub expect: Option<PathBuf>,
    /// A CRL the world has seen; a backup whose last CRL is older is refused.
    #[arg(long, value_name = "F")]
    pub crl: Vec<PathBuf>,
    /// Open a trial's backup with its root.key, which was kept elsewhere.
    #[arg(long, value_name = "F", conflicts_with = "passphrase_file")]
    pub root_key: Option<PathBuf>,
    /// Open it with shares of the root key, those that counted when it was made, one in each file.
    #[arg(long, value_name = "F", num_args = 1.., conflicts_with_all = ["passphrase_file", "root_key"])]
    pub share_file: Vec<PathBuf>,
    /// Read the passphrase from this file instead of the terminal: the one given to `backup`, or in production
    /// that of the root key.
    #[arg(long, value_name = "F")]
    pub passphrase_file: Option<PathBuf>,
}

/// `yinxin verify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Told by content: sealed and signed documents (OFD, PDF), seals (.esl), certificates (PEM or DER), time-stamps
(RFC 3161, anybody's), receipts (receipt.json), CRLs, OCSP answers; the files help each other, in any order.
Documents are read in a process apart that holds no key.
chain.pem and receipt.json beside a certificate are used by themselves, and for contract.pdf.tsr the file
contract.pdf. Believed are the trust store (`yinxin trust list`) and the roots of the
data directory. Needs no server and no network.

Exit status: 0 all good, 1 something is not, 2 it could not be checked.

Examples:
  yinxin verify contract.pdf contract.ofd
  yinxin verify www.example.cn/cert.pem
  yinxin verify cert.pem --chain chain.pem --crl latest.crl --at 2026-12-31T00:00:00Z
  yinxin verify cert.pem issuing.pem answer.ocsp --root root.pem
  yinxin verify token.tsr --data contract.pdf --proof proof.json --policy 1.2.3.4.1")]
pub struct Verify {
    /// Documents, seals, certificates, time-stamps, receipts, CRLs, OCSP answers, or folders written by `issue`.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Certificates between the holder's and the root (PEM).
    #[arg(long, value_name = "FILE")]
    pub chain: Vec<PathBuf>,
    /// CRLs to look the certificates up in (DER or PEM), beside those of the data directory.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// OCSP answers to look the certificates up in (DER).
    #[arg(long, value_name = "FILE")]
    pub ocsp: Vec<PathBuf>,
    /// A policy of which one must be valid along the chain of certificates, as an object identifier.
    #[arg(long, value_name = "OID")]
    pub cert_policy: Vec<String>,
    /// Believe these roots only (PEM).
    #[arg(long, visible_alias = "trust", value_name = "FILE")]
    pub root: Vec<PathBuf>,
    /// Check as of this moment, RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<pki_config::Instant>,
    /// The data that the time-stamp is about; --data FILE says the same [default: its name without .tsr].
    #[arg(long, value_name = "FILE")]
    pub of: Option<PathBuf>,
    /// The proof that the time-stamp stands in its authority's log.
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// The policy that the time-stamp must have been made under, as an object identifier.
    #[arg(long, value_name = "OID")]
    pub policy: Option<String>,
}
