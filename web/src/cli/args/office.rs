//! What can be typed about officers, trust and the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pki_config::{OfficerId, Role};

/// `yinxin officer`.
#[derive(Debug, Subcommand)]
pub enum OfficerCommand {
    /// Add somebody and give them a credential.
    Add(OfficerAddArgs),
    /// List everybody who may do things here.
    List,
    /// Take all rights away from somebody; what they did stays in the log.
    Disable {
        /// The identifier, as `yinxin officer list` shows it.
        officer: OfficerId,
    },
}

/// `yinxin officer add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Roles: administrator, ra-officer, operator, security-officer, auditor, sealer.

By default a key is made here and the file holds key, client certificate and the server's root, ready for
--as. With --token the file holds a bearer token instead. With --link nothing secret is written: send the
link; it works once, for 15 minutes, and `yinxin claim LINK` makes the credential where it will be used.

Examples:
  yinxin officer add 'Li Lei' --role ra-officer --out li.pem
  yinxin officer add monitoring --role auditor --token --out monitoring.token
  yinxin officer add 'Han Meimei' --role ra-officer --link")]
pub struct OfficerAddArgs {
    /// Name for people.
    pub name: String,
    /// What they may do.
    #[arg(long, value_name = "R")]
    pub role: Role,
    /// Give a bearer token.
    #[arg(long, conflicts_with = "link")]
    pub token: bool,
    /// Give a one-time link.
    #[arg(long, conflicts_with = "out")]
    pub link: bool,
    /// New file for the credential [default: NAME.pem, or NAME.token].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `yinxin claim`.
#[derive(Debug, Args)]
#[command(after_help = "\
The server is believed if its certificate leads to a root in the data directory, in the trust store
(`yinxin trust add`) or in --root; the link itself proves nothing.

Examples:
  yinxin claim yinxin-data/admin-link.txt --out admin.pem
  yinxin claim 'https://ca.example.cn:8443/setup#yl_…' --root ec-root.pem --out me.pem")]
pub struct Claim {
    /// The one-time link, or a file that holds it.
    #[arg(value_name = "LINK|FILE")]
    pub link: String,
    /// Get a bearer token instead of a client certificate.
    #[arg(long)]
    pub token: bool,
    /// Root of the server's certificate (PEM).
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
    /// New file for the credential.
    #[arg(long, value_name = "FILE", default_value = "officer.pem")]
    pub out: PathBuf,
}

/// `yinxin trust`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
The trust store is $YINXIN_TRUST, else $XDG_CONFIG_HOME/yinxin/trust, else ~/.config/yinxin/trust: one PEM
file per root, named by its SHA-256 fingerprint. The roots of the data directory are believed as well.")]
pub enum TrustCommand {
    /// Believe the self-signed roots in these files (PEM or DER). Compare the fingerprint printed!
    Add {
        /// Certificate files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List what is believed.
    List,
    /// Stop believing a root.
    Remove {
        /// Its SHA-256 fingerprint, or the start of it (at least 8 digits).
        fingerprint: String,
    },
}

/// `yinxin audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check every entry, every row the log covers and every checkpoint. Works without a server, too.
    Verify {
        /// A checkpoint kept elsewhere (a --checkpoint-to file, or what `audit checkpoint` wrote): shows a cut tail.
        #[arg(long, value_name = "FILE")]
        expect: Option<PathBuf>,
    },
    /// List entries, the newest first, by what happened, who did it, to what and when.
    Search(SearchArgs),
    /// Prove that an entry is in the log, or that the log only grew.
    Proof(ProofArgs),
    /// Write the entries as JSON lines.
    Export(ExportArgs),
    /// Sign the head of the log now.
    Checkpoint {
        /// New file for it; give it to `audit verify --expect` later.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// `yinxin audit search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  yinxin audit search --event cert.revoked --since 2026-11-01T00:00:00Z
  yinxin audit search --object 4F0AC1D2E3F405162738495A6B7C8D9E
  yinxin audit search --outcome refused --limit 500")]
pub struct SearchArgs {
    /// At this time (RFC 3339) or later.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The event's word, such as cert.issued.
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// By this person: an officer's identifier.
    #[arg(long, value_name = "ID")]
    pub person: Option<String>,
    /// On this object; of a certificate the serial is enough.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// How it came out.
    #[arg(long, value_parser = ["done", "one-step", "refused"])]
    pub outcome: Option<String>,
    /// Go on from here: what the page before named.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}

/// `yinxin audit proof`.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// Everything about this certificate: serial, file or folder.
    #[arg(value_name = "SERIAL|FILE", required_unless_present_any = ["seq", "since"], conflicts_with = "seq")]
    pub certificate: Option<String>,
    /// The entry at this position, counted from 0.
    #[arg(long, value_name = "N")]
    pub seq: Option<u64>,
    /// Also prove that the log of this many entries is the beginning of today's.
    #[arg(long, value_name = "SIZE")]
    pub since: Option<u64>,
}

/// `yinxin audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// New file [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// First position.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub from: u64,
}
