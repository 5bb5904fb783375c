//! What can be typed about the registration desk: requests, their evidence and reviews, what follows a certificate,
//! batches and branches.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pki_config::status::Reason;
use pki_config::{BatchId, BranchId, EvidenceId, Instant, IssuerId, OfficerId, RequestId};

use super::CertName;

/// `yinxin requests`.
#[derive(Debug, Args)]
pub struct Requests {
    /// Which queue.
    #[arg(long, default_value = "waiting", value_parser = ["waiting", "review", "approval", "mine", "invited", "decided"])]
    pub queue: String,
    /// Only this branch.
    #[arg(long, value_name = "B")]
    pub branch: Option<BranchId>,
    /// Only this profile.
    #[arg(long, value_name = "P")]
    pub profile: Option<String>,
    /// Continue after the page before, with what it printed.
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
}

/// `yinxin request`.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// Show one request, its key and its evidence.
    Show {
        /// The request, as `yinxin requests` lists it.
        request: RequestId,
    },
    /// Pass a request on to who approves it, where its profile asks for a reviewer.
    Review {
        /// The request.
        request: RequestId,
    },
    /// File names whose holder sends the key through a link, so that no officer has it.
    Invite(Invite),
    /// Give a request another pick-up link; the one before opens nothing any more.
    Link {
        /// The request.
        request: RequestId,
    },
    /// Add evidence to a request that is not decided yet.
    Evidence(EvidenceAdd),
    /// Fetch a file of evidence.
    File {
        /// The evidence, as `yinxin request show` lists it.
        evidence: EvidenceId,
        /// New file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// `yinxin request invite`.
#[derive(Debug, Args)]
#[command(after_help = "\
The link is shown once. The holder opens it in a browser and sends a PKCS#10; the request then waits like any other.
When it is approved the same link gives the certificate.

Example:
  yinxin request invite 'CN=www.example.cn' --san dns:www.example.cn --profile tls-server")]
pub struct Invite {
    /// Subject name in RFC 4514 form.
    pub subject: String,
    /// Alternative names: dns:…, ip:…, email:…, comma-separated.
    #[arg(long, value_delimiter = ',', value_name = "KIND:VALUE")]
    pub san: Vec<String>,
    /// Identity numbers: credit-code:…, resident-card:…, comma-separated.
    #[arg(long, value_delimiter = ',', value_name = "KIND:NUMBER")]
    pub identity: Vec<String>,
    /// Certificate profile.
    #[arg(long, default_value = "tls-server", value_name = "P")]
    pub profile: String,
    /// Issuing authority [default: by the holder's key].
    #[arg(long, value_name = "I")]
    pub issuer: Option<IssuerId>,
    /// Validity in days.
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// Branch, needed only by an officer of several.
    #[arg(long, value_name = "B")]
    pub branch: Option<BranchId>,
    /// The holder's mail address.
    #[arg(long, value_name = "MAIL")]
    pub contact: Option<String>,
    /// How many days the link works, 1 to 90.
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub link_days: u32,
    /// What shows the names to be right.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// Evidence for a request.
#[derive(Debug, Args, Default)]
pub struct EvidenceArgs {
    /// How the names were checked: domain-dns, domain-http, domain-email, mailbox, identity-document,
    /// organisation-register, face-to-face, authorisation-letter, other.
    #[arg(long, value_name = "M")]
    pub method: Option<String>,
    /// What was seen.
    #[arg(long, value_name = "TEXT", default_value = "", requires = "method")]
    pub note: String,
    /// The file that shows it, at most 5 MiB.
    #[arg(long, value_name = "FILE", requires = "method")]
    pub evidence: Option<PathBuf>,
    /// Until when it may be relied on, RFC 3339 [default: 398 days].
    #[arg(long, value_name = "TIME", requires = "method")]
    pub expires: Option<Instant>,
}

/// `yinxin request evidence`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  yinxin request evidence 4f0a… --method domain-dns --note 'TXT at _acme' --evidence dig.txt")]
pub struct EvidenceAdd {
    /// The request.
    pub request: RequestId,
    /// The evidence.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// `yinxin renew`.
#[derive(Debug, Args)]
pub struct Renew {
    /// Which certificate.
    #[command(flatten)]
    pub name: CertName,
    /// Validity in days.
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// Further evidence.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// `yinxin rekey`.
#[derive(Debug, Args)]
pub struct Rekey {
    /// Which certificate.
    #[command(flatten)]
    pub name: CertName,
    /// PKCS#10 of the new key, PEM or DER.
    #[arg(long, value_name = "FILE")]
    pub csr: PathBuf,
    /// Validity in days.
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// Further evidence.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// `yinxin reissue`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  yinxin reissue www.example.cn/cert.pem --san dns:www.example.cn,dns:example.cn")]
pub struct Reissue {
    /// Which certificate.
    #[command(flatten)]
    pub name: CertName,
    /// Subject from now on [default: as it was].
    #[arg(long, value_name = "DN")]
    pub subject: Option<String>,
    /// All alternative names from now on [default: as they were].
    #[arg(long, value_delimiter = ',', value_name = "KIND:VALUE")]
    pub san: Vec<String>,
    /// PKCS#10 of a new key, PEM or DER [default: the same key].
    #[arg(long, value_name = "FILE")]
    pub csr: Option<PathBuf>,
    /// Validity in days.
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// Evidence for the new names.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// `yinxin revoke-all`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --expect it only counts and lists what it would revoke. With it, it revokes, if there are that many.

Examples:
  yinxin revoke-all --organisation 示例公司 --reason cessationOfOperation
  yinxin revoke-all --organisation 示例公司 --reason cessationOfOperation --expect 12")]
pub struct RevokeAll {
    /// All of this organisation, exactly as the subject has it.
    #[arg(long, value_name = "O", conflicts_with = "key", required_unless_present = "key")]
    pub organisation: Option<String>,
    /// All of this key: SM3 of its DER SubjectPublicKeyInfo, hexadecimal, as `yinxin request show` prints it.
    #[arg(long, value_name = "SM3")]
    pub key: Option<String>,
    /// Why.
    #[arg(long, value_name = "R")]
    pub reason: Reason,
    /// Since when the key is known or suspected to be compromised, RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub invalidity: Option<Instant>,
    /// Revoke, if there are exactly this many.
    #[arg(long, value_name = "N")]
    pub expect: Option<u64>,
}

/// `yinxin batch`.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Say what each row of a file would become. Nothing is stored.
    Check(BatchFile),
    /// File the rows of a file as requests.
    Submit(BatchFile),
    /// List the newest batches.
    List,
    /// Show a batch and what became of its rows.
    Show {
        /// The batch, as `yinxin batch list` shows it.
        batch: BatchId,
    },
    /// Approve whatever of a batch you may approve.
    Approve {
        /// The batch.
        batch: BatchId,
    },
}

/// A file of requests.
#[derive(Debug, Args)]
#[command(after_help = "\
The file is CSV in UTF-8 with a header line. Columns: subject (needed), sans and identity (separated by ;), csr (PEM in
quotation marks or base64 DER; empty for a pick-up link), profile, issuer, days, contact, method, note.")]
pub struct BatchFile {
    /// The file.
    pub file: PathBuf,
    /// Profile of rows that name none [default: tls-server].
    #[arg(long, value_name = "P")]
    pub profile: Option<String>,
    /// Branch, needed only by an officer of several.
    #[arg(long, value_name = "B")]
    pub branch: Option<BranchId>,
    /// What the batch is called [default: the file's name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// File the good rows although others are bad.
    #[arg(long)]
    pub skip_bad: bool,
}

/// `yinxin branch`.
#[derive(Debug, Subcommand)]
pub enum BranchCommand {
    /// List branches and who works there.
    List,
    /// Open a branch, or a closed one again.
    Add {
        /// Its word: a-z, 0-9, -.
        branch: BranchId,
        /// What people call it.
        name: String,
    },
    /// Close a branch: it takes no new requests.
    Close {
        /// Its word.
        branch: BranchId,
    },
    /// Let an officer work in a branch, and see the requests of their branches only.
    Join {
        /// Its word.
        branch: BranchId,
        /// The officer's identifier.
        officer: OfficerId,
    },
    /// Take an officer out of a branch.
    Leave {
        /// Its word.
        branch: BranchId,
        /// The officer's identifier.
        officer: OfficerId,
    },
}
