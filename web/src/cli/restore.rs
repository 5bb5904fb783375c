//! `yinxin restore`: works alone, on a data directory that does not exist yet.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_pool::OsRandom;
use pki_config::time::SystemClock;
use serde::Serialize;

use crate::backup::{Opener, RestoreOrder, Restored, restore};
use crate::cli::args::{Global, Restore};
use crate::cli::audit::expected_checkpoint;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};
use crate::cli::{file, passphrase, pem, shares};

/// Largest CRL that is compared. Unit: bytes.
const LARGEST_CRL: usize = 256 * 1024 * 1024;

/// The answer.
#[derive(Serialize)]
struct Answer {
    data: String,
    installation: String,
    setup: &'static str,
    /// When the backup was made.
    created: String,
    entries: u64,
    /// Whether a checkpoint from outside was compared.
    compared: bool,
}

/// Restores, or refuses to.
///
/// # Errors
/// One sentence; nothing was made then.
pub async fn run(global: &Global, console: Console, args: Restore) -> Result<(), Failure> {
    if global.server.is_some() || global.credential.is_some() {
        return Err(Failure::Usage("A restore works on this machine, without --server and --as.".to_owned()));
    }
    let expect = args.expect.as_deref().map(expected_checkpoint).transpose()?;
    let expect = expect.map(|text| BASE64.decode(text)).transpose();
    let expect = expect.map_err(|_| Failure::Usage("What --expect names is no checkpoint.".to_owned()))?;
    let mut crls = Vec::new();
    for path in &args.crl {
        let wrong = |why: String| Failure::Usage(format!("{} is no CRL: {why}.", path.display()));
        crls.push(pem::crl(&file::read(path, LARGEST_CRL)?).map_err(wrong)?);
    }
    let opener = match args.root_key {
        Some(path) => Opener::RootKeyFile(path),
        None if !args.share_file.is_empty() => Opener::Shares(shares::from_files(&args.share_file)?),
        None => {
            Opener::Passphrase(passphrase::existing(args.passphrase_file.as_deref(), "Passphrase of the backup: ")?)
        }
    };
    let dir = global.data_dir();
    let order = RestoreOrder {
        file: args.file,
        dir: dir.clone(),
        opener,
        expect,
        crls,
        covered: &crate::app::COVERED,
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom::open().map_err(|e| Failure::here(&e))?),
    };
    let restored: Restored =
        console.waiting("Restoring and checking the log", restore(order)).await.map_err(|e| Failure::here(&e))?;
    let answer = Answer {
        data: dir.display().to_string(),
        installation: restored.installation,
        setup: restored.setup.as_str(),
        created: restored.created.to_string(),
        entries: restored.entries,
        compared: restored.compared,
    };
    console.answer(&answer, || text(&answer))
}

fn text(answer: &Answer) -> String {
    let mut table = Table::pairs();
    table.row(["  data", &answer.data]);
    table.row(["  installation", &format!("{} ({})", answer.installation, answer.setup)]);
    table.row(["  backup of", &answer.created]);
    table.row(["  log", &format!("{} entries, all verified", answer.entries)]);
    let mut text = format!("Restored\n{table}");
    if !answer.compared {
        text.push_str(
            "Nothing was compared with the outside (--expect): what happened after the backup is unknown here.\n",
        );
    }
    text.push_str(&format!("Start it with: yinxin --data {} up", plain(&answer.data)));
    text
}
