//! `yinxin evidence`: records (RFC 4998) that go on proving their files when algorithms and certificates end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::Clock as _;
use pki_config::time::SystemClock;
use serde::Serialize;
use tsa::core::evidence::{BadRecord, EvidenceRecord, HashTree, LONGEST};
use tsa::core::opened::OpenedToken;
use tsa::core::request::Hash;

use crate::api::tsa::{StampEvidence, StampRef};
use crate::cli::args::{EvidenceCommand, EvidenceFetch, EvidenceMake, EvidenceRenew, Global};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::stamp::{Plan, with_ending};
use crate::cli::table::plain;
use crate::cli::verify::run_evidence;
use crate::cli::verify::token::digest_of;

/// How records are named.
const ENDING: &str = "er";

/// Runs it.
///
/// # Errors
/// A file cannot be read or written, or no time-stamp is to be had.
pub async fn run(global: &Global, console: Console, command: EvidenceCommand) -> Result<(), Failure> {
    match command {
        EvidenceCommand::Make(args) => make(global, console, args).await,
        EvidenceCommand::Renew(args) => renew(global, console, args).await,
        EvidenceCommand::Verify(args) => run_evidence(global, console, args),
        EvidenceCommand::Fetch(args) => fetch(global, console, args).await,
    }
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    record: PathBuf,
    /// When its newest time-stamp was made.
    time: String,
    /// How many it has.
    stamps: usize,
    /// Until when it must be renewed: the end of the newest certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_before: Option<String>,
    /// Whether this run changed it.
    changed: bool,
}

impl Line {
    fn of(path: &Path, record: &EvidenceRecord, changed: bool) -> Self {
        Self {
            record: path.to_owned(),
            time: record.newest().token().info.time.to_string(),
            stamps: record.stamps().count(),
            renew_before: end(record).map(|end| end.to_string()),
            changed,
        }
    }
}

/// When the certificate of the newest time-stamp ends.
fn end(record: &EvidenceRecord) -> Option<pki_config::Instant> {
    record.newest().token().signer_certificate(&[]).map(crypto_pool::path::Cert::not_after)
}

fn told(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let record = plain(&line.record.display().to_string());
        let before = line.renew_before.as_deref().map_or_else(String::new, |end| format!(", renew before {end}"));
        let what = if line.changed { "stamped" } else { "left as it is, last stamped" };
        text.push_str(&format!("{record}: {what} {}, {} time-stamps{before}\n", line.time, line.stamps));
    }
    text
}

async fn make(global: &Global, console: Console, args: EvidenceMake) -> Result<(), Failure> {
    let plan = Plan::of(global, &args.source)?;
    let hash = plan.hash();
    let mut leaves = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let record = with_ending(path, ENDING);
        if record.exists() {
            return Err(Failure::Here(format!("{} exists already; renew it.", record.display())));
        }
        leaves.push(digest_of(path, hash)?);
    }
    let (tree, token) = stamp(&plan, hash, leaves.clone()).await?;
    let mut lines = Vec::new();
    for (place, path) in args.files.iter().enumerate() {
        let record = EvidenceRecord::first(&leaves[place], tree.path(place), token.clone()).map_err(inside)?;
        let to = with_ending(path, ENDING);
        file::put_new(&to, &record.to_der(), file::PUBLIC)?;
        lines.push(Line::of(&to, &record, true));
    }
    console.answer(&lines, || told(&lines))
}

/// One time-stamp over all of these.
async fn stamp(plan: &Plan, hash: Hash, leaves: Vec<Vec<u8>>) -> Result<(HashTree, OpenedToken), Failure> {
    let tree = HashTree::new(hash, leaves).ok_or_else(|| Failure::Here("There is nothing to stamp.".to_owned()))?;
    let (token, ..) = plan.ask(hash, tree.root()).await?;
    Ok((tree, token))
}

async fn renew(global: &Global, console: Console, args: EvidenceRenew) -> Result<(), Failure> {
    let plan = Plan::of(global, &args.source)?;
    let now = SystemClock.now();
    // All are read before the first is stamped.
    let mut records = Vec::new();
    for path in &args.files {
        let record = EvidenceRecord::from_der(&file::read(path, LONGEST)?)
            .map_err(|why| Failure::Here(format!("{} is no evidence record: {why}.", path.display())))?;
        let within = args.within.map(|days| now.plus(Duration::from_secs(u64::from(days) * 86_400)));
        let due = within.is_none_or(|limit| end(&record).is_none_or(|end| end <= limit));
        let rehash = args.rehash.map(|hash| hash.hash()).filter(|hash| *hash != record.newest().hash());
        // What is to be stamped, under which hash, and the digest of the data for a new hash.
        let (hash, about, data) = match rehash {
            Some(hash) => {
                let data = digest_of(&path.with_extension(""), hash)?;
                (hash, record.tree_renewal(hash, &data), Some(data))
            }
            None => {
                let (hash, about) = record.renewal();
                (hash, about, None)
            }
        };
        records.push((path, record, due, hash, about, data));
    }
    let mut lines: Vec<Line> = Vec::new();
    for hash in Hash::ALL {
        let due: Vec<usize> =
            (0..records.len()).filter(|place| records[*place].2 && records[*place].3 == hash).collect();
        if due.is_empty() {
            continue;
        }
        // One time-stamp for all records of a hash.
        let leaves = due.iter().map(|place| records[*place].4.clone()).collect();
        let (tree, token) = stamp(&plan, hash, leaves).await?;
        for (leaf, place) in due.into_iter().enumerate() {
            let (path, record, _, _, _, data) = &mut records[place];
            match data {
                Some(data) => record.renew_tree(data, tree.path(leaf), token.clone()),
                None => record.renew(tree.path(leaf), token.clone()),
            }
            .map_err(inside)?;
            file::replace(path, &record.to_der(), file::PUBLIC)?;
        }
    }
    for (path, record, due, ..) in &records {
        lines.push(Line::of(path, record, *due));
    }
    console.answer(&lines, || told(&lines))
}

async fn fetch(global: &Global, console: Console, args: EvidenceFetch) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let mut lines = Vec::with_capacity(args.serials.len());
    for serial in &args.serials {
        let found: StampEvidence = client.call("tsa/evidence", &StampRef { serial: serial.to_string() }).await?;
        let bad = || Failure::Here(format!("The server's answer about {serial} cannot be read."));
        let token = STANDARD.decode(&found.token).map_err(|_| bad())?;
        let record = STANDARD.decode(&found.record).map_err(|_| bad())?;
        let opened = EvidenceRecord::from_der(&record).map_err(|_| bad())?;
        let at = args.out.join(format!("{serial}.tst"));
        let to = with_ending(&at, ENDING);
        file::put_new(&to, &record, file::PUBLIC)?;
        file::put_new(&at, &token, file::PUBLIC)?;
        lines.push(Line::of(&to, &opened, true));
    }
    console.answer(&lines, || told(&lines))
}

fn inside(why: BadRecord) -> Failure {
    Failure::Here(format!("The record cannot be written: {why}."))
}
