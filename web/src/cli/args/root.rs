//! What can be typed about the root key.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use crypto_pool::root_key::shares::Quorum;

/// What opens the root key as it is; `yinxin unseal`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Asked for on the terminal, which does not show it, or read from files. Never an argument, which every process of
the machine could read.

Shares may come from several people: each gives theirs, and the server keeps them for 15 minutes until there are
enough.

Examples:
  yinxin unseal
  yinxin unseal --share-file /media/usb1/share-1-of-5.txt
  yinxin unseal --passphrase-file /root/passphrase")]
pub struct Opening {
    /// Read the passphrase from this file instead of the terminal.
    #[arg(long, value_name = "F", conflicts_with = "share_file")]
    pub passphrase_file: Option<PathBuf>,
    /// Read a share from each of these files instead of the terminal.
    #[arg(long, value_name = "F", num_args = 1..)]
    pub share_file: Vec<PathBuf>,
}

/// `yinxin reshare`.
#[derive(Debug, Args)]
#[command(after_help = "\
The root key stays what it is; what opens it changes. Until every new share is kept, the old ones count; then they
open nothing any more, but for backups made before. Whoever might have enough old shares and an old backup is a
reason to replace the root key as well: `yinxin root rotate`.

In production one officer asks with `yinxin root ask reseal`, and another one runs this.

Examples:
  yinxin reshare --to 3-of-5 --to-dir /media/keepers --share-file a.txt b.txt --server URL --as two.pem
  yinxin reshare --to passphrase --server URL --as two.pem")]
pub struct Reshare {
    /// `K-of-N` new shares, or `passphrase`.
    #[arg(long, value_name = "K-of-N")]
    pub to: To,
    /// Write each new share to a new file in this folder, mode 0600, instead of showing it on the terminal.
    #[arg(long, value_name = "DIR")]
    pub to_dir: Option<PathBuf>,
    /// Read the new passphrase from this file instead of the terminal.
    #[arg(long, value_name = "F")]
    pub to_passphrase_file: Option<PathBuf>,
    /// What opens it now.
    #[command(flatten)]
    pub opening: Opening,
}

/// What shall open the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A passphrase.
    Passphrase,
    /// Shares.
    Shares(Quorum),
}

impl std::str::FromStr for To {
    type Err = crypto_pool::root_key::shares::BadShare;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "passphrase" { Ok(Self::Passphrase) } else { text.parse().map(Self::Shares) }
    }
}

/// `yinxin root`.
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// What seals it, and what is under way.
    Show,
    /// Ask for a change, which in production another officer carries out within an hour.
    Ask {
        /// `rotate` or `reseal`.
        change: String,
    },
    /// Put another root key in its place; every key is wrapped anew, and the service signs meanwhile.
    Rotate(Rotate),
}

/// `yinxin root rotate`.
#[derive(Debug, Args)]
#[command(after_help = "\
In production one officer asks with `yinxin root ask rotate`, and another one runs this with what opens the root
key; its passphrase or shares stay as they are. Interrupted, it is ended by the next `unseal`, or by this again.
Backups made before open with the root key of their time: in a trial, keep the root.key of that time.")]
pub struct Rotate {
    /// What opens it.
    #[command(flatten)]
    pub opening: Opening,
}

/// `yinxin systemd`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  yinxin systemd --data /srv/yinxin | sudo tee /etc/systemd/system/yinxin.service
  yinxin systemd --container > Containerfile")]
pub struct Systemd {
    /// Print a container file instead.
    #[arg(long)]
    pub container: bool,
    /// The user it runs as.
    #[arg(long, value_name = "NAME", default_value = "yinxin")]
    pub user: String,
}
