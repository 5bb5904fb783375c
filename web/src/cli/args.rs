//! What can be typed: the command tree and its help. Meaning lives in the sibling modules.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod ceremony;
mod cert;
mod convert;
mod desk;
mod dual;
mod ocsp;
mod office;
mod place;
mod profile;
mod root;
mod seal;
mod stamp;
mod system;

pub use ceremony::{CeremonyCommand, Sitting};
pub use cert::{Approve, CertName, Crl, Issue, KeyType, List, Reject, Revoke, Show};
pub use convert::{Convert, KeyForm};
pub use desk::{
    BatchCommand, BatchFile, BranchCommand, EvidenceArgs, Invite, Reissue, Rekey, Renew, RequestCommand, Requests,
    RevokeAll,
};
pub use dual::{CentreCommand, CentreRecover, DualCommand, DualOpen};
pub use ocsp::{Ask, NameHash, OcspCommand, OcspQuery, OcspStaple};
pub use office::{
    AuditCommand, Claim, ExportArgs, OfficerAddArgs, OfficerCommand, ProofArgs, SearchArgs, TrustCommand,
};
pub use place::{At, PageList, Shift};
pub use profile::ProfileCommand;
pub use root::{Opening, Reshare, RootCommand, Rotate, Systemd, To};
pub use seal::{
    Level, Look, RidingEdge, SealApply, SealCommand, SealDraw, SealForm, SealKind, SealList, SealMake, SealName,
    SealRenew, SealReport, SealRequest, SealShow, SealStatus, SealStep, SealUses, SealWish, Shape,
};
pub use stamp::{
    EvidenceCommand, EvidenceFetch, EvidenceMake, EvidenceRenew, EvidenceVerify, Stamp, StampHash, StampSource,
};
pub use system::{Backup, ClockCommand, ConfigCommand, Init, MailCommand, Restore, ServeCommand, Up, Verify};

/// 印信 Yinxin: a certificate authority whose heart is SM2.
///
/// Without a subcommand it starts the server (`yinxin up`); the first start makes everything it needs.
#[derive(Debug, Parser)]
#[command(name = "yinxin", version, max_term_width = 100, after_help = FIRST_STEPS)]
pub struct Cli {
    /// What every subcommand understands.
    #[command(flatten)]
    pub global: Global,
    /// What to do; `up` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const FIRST_STEPS: &str = "\
First steps (the server running in another terminal):
  yinxin issue www.example.cn            a key and a certificate in ./www.example.cn/
  yinxin verify www.example.cn/cert.pem  checks it as a stranger would, without the server
  yinxin list                            what was issued
  yinxin revoke www.example.cn/cert.pem --reason superseded
  yinxin seal --help                     seals, and sealed documents

On another machine: --server https://ca.example.cn:8443 --as officer.pem
(the file that `yinxin officer add` or `yinxin claim` wrote).

Exit status: 0 done, 1 refused or not good, 2 the command line makes no sense or the check could not run.
Environment: YINXIN_DATA (data directory), YINXIN_TRUST (trust store), YINXIN_LOG (error, warn, info, debug).";

/// Options of every subcommand.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Data directory [default: $YINXIN_DATA, else yinxin-data].
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file, TOML; unknown keys are refused [default: DIR/yinxin.toml if it exists].
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print exactly one JSON value on standard output.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Talk to this server instead of the one on the data directory.
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "URL")]
    pub server: Option<String>,
    /// Credential for --server: client key and certificate with the server's root, or a token file.
    #[arg(long = "as", global = true, help_heading = "Everywhere", value_name = "CREDENTIAL")]
    pub credential: Option<PathBuf>,
}

impl Global {
    /// The data directory: `--data`, else `YINXIN_DATA`, else `yinxin-data`.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data
            .clone()
            .or_else(|| std::env::var_os("YINXIN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("yinxin-data"))
    }
}

/// Every subcommand.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server; the first start makes the data directory, both hierarchies and the log.
    Up(Up),
    /// Run one service's door in a process of its own, beside the suite.
    #[command(subcommand)]
    Serve(ServeCommand),
    /// Make a production installation, its root key sealed by a passphrase.
    Init(Init),
    /// Open the sealed root key after a restart, so that signing works again.
    Unseal(Opening),
    /// Give the root key to new keepers: other shares, or a passphrase.
    Reshare(Reshare),
    /// Show what seals the root key, and replace it.
    #[command(subcommand)]
    Root(RootCommand),
    /// Print a service unit or a container file with the least rights.
    Systemd(Systemd),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Overrule the clock check.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Make a key and get a certificate for it.
    Issue(Issue),
    /// List the requests that wait for a decision.
    Requests(Requests),
    /// Show and review requests, add evidence, invite holders to send their keys.
    #[command(subcommand)]
    Request(RequestCommand),
    /// Approve somebody else's request, which issues the certificate.
    Approve(Approve),
    /// Reject a request.
    Reject(Reject),
    /// Revoke a certificate, for good.
    Revoke(Revoke),
    /// Revoke every certificate of one organisation or one key.
    RevokeAll(RevokeAll),
    /// Ask for the same names and key for another term.
    Renew(Renew),
    /// Ask for the same names with another key.
    Rekey(Rekey),
    /// Ask for a certificate with changed names.
    Reissue(Reissue),
    /// File many requests from one file, and decide them together.
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Branches of the registration authority, and who works there.
    #[command(subcommand)]
    Branch(BranchCommand),
    /// Suspend a certificate; `release` takes it back.
    Hold(CertName),
    /// Take a suspension back.
    Release(CertName),
    /// List certificates, newest first.
    List(List),
    /// Tell in words what is in a file; or what the server knows of a certificate.
    Show(Show),
    /// Publish a CRL now, or fetch the newest one.
    Crl(Crl),
    /// List the issuing authorities.
    Issuers,
    /// Make, certify, renew and revoke authorities, by two persons and a plan; an offline root.
    #[command(subcommand)]
    Ceremony(CeremonyCommand),
    /// Show and change certificate profiles.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Pairs of a signing and an encryption certificate: show one, fetch and open its encryption key.
    #[command(subcommand)]
    Dual(DualCommand),
    /// The key centre: list archived encryption keys, recover them by two officers.
    #[command(subcommand)]
    Centre(CentreCommand),
    /// Change the form of keys and certificates: PEM, PKCS#8, PKCS#12, envelopes of encryption keys.
    Convert(Convert),
    /// Add, list and disable the people and programs that may do things here.
    #[command(subcommand)]
    Officer(OfficerCommand),
    /// Turn a one-time link into a credential.
    Claim(Claim),
    /// The roots that `verify` believes.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Ask OCSP responders, and fetch answers for web servers to staple.
    #[command(subcommand)]
    Ocsp(OcspCommand),
    /// Verify, prove and export the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write a consistent, encrypted and signed backup while the server runs.
    Backup(Backup),
    /// Rebuild a data directory from a backup; refuses a state older than what is known outside.
    Restore(Restore),
    /// Try everything end to end: issue, verify, CRL, revoke.
    Doctor,
    /// Try the way to the mail server.
    #[command(subcommand)]
    Mail(MailCommand),
    /// How the server does.
    Status,
    /// Get time-stamps for files.
    Stamp(Stamp),
    /// Keep evidence that outlives algorithms and certificates (RFC 4998).
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Make seals, and put them on OFD and PDF documents.
    #[command(subcommand)]
    Seal(SealCommand),
    /// Check sealed documents, seals, certificates, time-stamps, receipts and CRLs, without a server.
    Verify(Verify),
    /// Read documents for the server: its child process, never typed by people.
    #[command(hide = true)]
    Worker {
        /// Memory that it may take. Unit: bytes.
        #[arg(long)]
        memory: u64,
    },
    /// Explain an error code.
    Error {
        /// The word or the number, such as LINT_FAILED or 30106; without it, list all.
        code: Option<String>,
    },
}

impl Default for Command {
    /// The newcomer's one command.
    fn default() -> Self {
        Self::Up(Up::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("yinxin").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_subcommand_is_accepted_and_an_unknown_one_refused() {
        assert!(parse("").unwrap().command.is_none());
        assert!(parse("--data x").unwrap().command.is_none());
        assert!(parse("destroy").is_err());
    }

    #[test]
    fn global_options_stand_before_or_after_the_subcommand() {
        let before = parse("--json --data d list").unwrap();
        let after = parse("list --json --data d").unwrap();
        assert!(before.global.json && after.global.json);
        assert_eq!(before.global.data_dir(), after.global.data_dir());
    }

    #[test]
    fn alternative_names_are_split_at_commas_and_repeatable() {
        let cli = parse("issue a --san dns:a,ip:127.0.0.1 --san email:a@b.cn").unwrap();
        let Some(Command::Issue(issue)) = cli.command else { panic!("not issue") };
        assert_eq!(issue.san, ["dns:a", "ip:127.0.0.1", "email:a@b.cn"]);
    }

    #[test]
    fn a_request_from_a_file_excludes_making_a_key() {
        assert!(parse("issue a --csr f --key-type sm2").is_err());
        assert!(parse("issue a --key-type rsa1024").is_err());
        assert!(parse("issue a --key-type rsa3072").is_ok());
    }

    #[test]
    fn an_officer_gets_one_kind_of_credential() {
        assert!(parse("officer add Li --role auditor --token --link").is_err());
        assert!(parse("officer add Li --role king").is_err());
        assert!(parse("officer add Li --role auditor").is_ok());
    }

    #[test]
    fn a_reload_command_needs_something_to_watch() {
        assert!(parse("ocsp staple cert.pem -o a.ocsp --reload true").is_err());
        assert!(parse("ocsp staple cert.pem").is_err());
        assert!(parse("ocsp staple cert.pem -o a.ocsp --watch --reload true").is_ok());
        assert!(parse("ocsp query cert.pem --hash md5").is_err());
    }

    #[test]
    fn a_passphrase_cannot_be_an_argument() {
        assert!(parse("unseal hunter2").is_err());
        assert!(parse("init --production --passphrase hunter2").is_err());
    }

    #[test]
    fn a_seal_is_drawn_or_has_a_picture_and_not_both() {
        assert!(parse("seal make --name a").is_err());
        assert!(parse("seal make --name a --drawn round --picture a.png").is_err());
        assert!(parse("seal make --name a --drawn triangle").is_err());
        assert!(parse("seal make --name a --picture a.png --line b").is_err());
        assert!(parse("seal make --drawn round").is_err());
        for good in ["--drawn round", "--drawn personal --white", "--picture a.png --holder b.pem --holder c.pem"] {
            assert!(parse(&format!("seal make --name a {good} --out a.esl")).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_seal_goes_to_a_place_and_riding_has_an_edge() {
        assert!(parse("seal apply a.pdf --seal 01").is_err());
        assert!(parse("seal apply a.pdf --at 1:2,3").is_err());
        assert!(parse("seal apply --seal 01 --at 1:2,3").is_err());
        assert!(parse("seal apply a.pdf --seal 01 --at 2,3").is_err());
        assert!(parse("seal apply a.pdf --seal 01 --riding middle").is_err());
        assert!(parse("seal apply a.pdf --seal 01 --at 1:2,3 --along 5").is_err());
        assert!(parse("seal apply a.pdf --seal 01 --at 1:2,3 --form pkcs1").is_err());
        for good in [
            "--at 1:150,230",
            "--at 1:150,230 --at all:5,5 -o b.pdf",
            "--keyword here --shift -3,4 --occurrence 2",
            "--riding right --pages all",
            "--riding bottom --pages 2-5 --along 100 --at-most 4",
            "--at last:1,2 --form pades --level b-lt",
            "--at 1:1,2 --form pades --level b-b",
        ] {
            assert!(parse(&format!("seal apply a.pdf b.ofd --seal 01 {good}")).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_revocation_without_or_with_an_unknown_reason_is_refused() {
        assert!(parse("revoke 01").is_err());
        assert!(parse("revoke 01 --reason stolen").is_err());
        assert!(parse("revoke 01 --reason key-compromise --invalidity 2026-01-01T00:00:00Z").is_ok());
    }
}
