//! What can be typed about ceremonies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `yinxin ceremony`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A plan (TOML) says what becomes of authorities: make a root that signs in ceremonies only, make, certify, cross-certify,
renew the key of or revoke an issuing authority, sign a revocation list. One person puts it forward, another compares
its code and types it.

An offline root, from beginning to end:
  on the machine without a network (its own `yinxin init --production`), with the plan of the root:
    yinxin ceremony sign root.toml --server https://localhost:8443 --as one.pem --second two.pem
  on the online machine, with the plan of an issuing authority:
    yinxin ceremony plan issuing.toml --out request.toml --server ... --as one.pem
  the plan and the request are carried to the other machine:
    yinxin ceremony sign issuing.toml --request request.toml --server ... --as one.pem --second two.pem --out usb/
  the answer is carried back:
    yinxin ceremony import usb/ceremony-...-response.toml --server ... --as one.pem --second two.pem

`yinxin ceremony example` prints a plan with every step there is.")]
pub enum CeremonyCommand {
    /// Print a plan with every step there is, to begin from.
    Example,
    /// Read a plan and say in words what it does; with --out, make the keys and the request of an online installation.
    Plan {
        /// The plan.
        plan: PathBuf,
        /// The request that is to come with it: say the code of both together.
        #[arg(long, value_name = "FILE", conflicts_with = "out")]
        request: Option<PathBuf>,
        /// Ask the server to make the keys of the issuers to be certified elsewhere, and write the request here.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Put a plan forward where the keys are, and carry it out once another person typed its code.
    Sign {
        /// The plan.
        plan: PathBuf,
        /// The request that came with it.
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
        /// How it goes on.
        #[command(flatten)]
        sitting: Sitting,
    },
    /// Put the answer of another machine forward, and take it over once another person typed its code.
    Import {
        /// The answer.
        response: PathBuf,
        /// How it goes on.
        #[command(flatten)]
        sitting: Sitting,
    },
    /// Type the code of what somebody else put forward; it is carried out.
    Confirm {
        /// Its identifier.
        ceremony: String,
        /// Folder for the answer and the transcript.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Reject what somebody put forward; by the same person, withdraw it.
    Reject {
        /// Its identifier.
        ceremony: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the certificates between our issuers and authorities elsewhere; with --json, in full.
    Cross,
    /// List ceremonies, newest first.
    List,
    /// Show one ceremony; with --out, write its answer and transcript again.
    Show {
        /// Its identifier.
        ceremony: String,
        /// Folder for the answer and the transcript.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Whether the second person is here.
#[derive(Debug, Args)]
pub struct Sitting {
    /// Credential of the second person, who types the code now; else that person runs `ceremony confirm` later.
    #[arg(long, value_name = "CREDENTIAL")]
    pub second: Option<PathBuf>,
    /// Folder for the answer and the transcript.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}
