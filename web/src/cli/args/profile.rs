//! What can be typed about certificate profiles.

use std::path::PathBuf;

use clap::Subcommand;

/// `yinxin profile`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A profile says what a certificate may contain. To change one, write its text to a file, change it, raise its
version, and propose it; another officer looks at the difference and approves.

Example:
  yinxin profile show tls-server --out tls-server.toml
  yinxin profile propose tls-server.toml --note 'ninety days are enough'
  yinxin profile diff tls-server
  yinxin profile approve tls-server 2         (another officer)")]
pub enum ProfileCommand {
    /// List the profiles in force, and versions that wait for a decision.
    List,
    /// Show one profile and its versions.
    Show {
        /// Its word, such as tls-server.
        profile: String,
        /// Which version [default: the one in force].
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// Write its text into this new file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what changes from one version to another.
    Diff {
        /// Its word.
        profile: String,
        /// The version before [default: the one in force].
        #[arg(long, value_name = "N")]
        from: Option<u32>,
        /// The version after [default: the one that waits, else the newest].
        #[arg(long, value_name = "N")]
        to: Option<u32>,
    },
    /// Propose a changed or new profile. Nothing is issued from it until another officer approves.
    Propose {
        /// Its whole text, TOML.
        file: PathBuf,
        /// What the change is for.
        #[arg(long)]
        note: String,
    },
    /// Approve a version somebody else proposed, which puts it in force.
    Approve {
        /// Its word.
        profile: String,
        /// Which version.
        version: u32,
    },
    /// Reject a version that waits, or withdraw one's own.
    Reject {
        /// Its word.
        profile: String,
        /// Which version.
        version: u32,
        /// Why, for the proposer.
        #[arg(long)]
        reason: String,
    },
}
