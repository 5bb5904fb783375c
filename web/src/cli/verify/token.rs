//! A time-stamp: every question that there is about one, and whether it stands in its authority's log.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use const_oid::ObjectIdentifier as Oid;
use tsa::core::digest::Digester;
use tsa::core::opened::OpenedToken;
use tsa::core::request::Hash;
use tsa::core::verify::{self, Finding, Judgement};

use super::{Against, Item, Outcome, Step};
use crate::api::Receipt;
use crate::cli::args::Verify;
use crate::cli::failure::Failure;

/// How time-stamps of files are named.
pub(in crate::cli) const ENDING: &str = "tsr";

/// Every check of it.
///
/// # Errors
/// The data cannot be read, or the policy that is demanded is no object identifier.
pub(super) fn check(
    file: &Path,
    token: &OpenedToken,
    receipt: Option<&Receipt>,
    args: &Verify,
    against: &Against,
) -> Result<Item, Failure> {
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let data = args.of.clone().or_else(|| beside(file));
    let digest = match (&data, token.info.hash) {
        (Some(data), Some(hash)) => Some(digest_of(data, hash)?),
        _ => None,
    };
    let against_token = verify::Against {
        data_digest: digest.as_deref(),
        anchors: against.anchors.clone(),
        certificates: against.intermediates.clone(),
        crls: against.crls(),
        ocsps: against.ocsps.clone(),
        policy,
        nonce: None,
        now: Some(against.at),
    };
    let mut steps: Vec<Step> = verify::verify(token, &against_token).into_iter().map(Step::from).collect();
    steps.push(match receipt {
        Some(receipt) => super::receipt::check_token(receipt, token.der(), against),
        None => Step::not_checked("log", "no proof is given"),
    });
    let of = data.map_or_else(|| "?".to_owned(), |data| data.display().to_string());
    let name = format!("of {of}, {} (serial {})", token.info.time, token.serial_hex());
    Ok(Item::new(file, "time-stamp", name, steps))
}

/// `contract.pdf` for `contract.pdf.tsr`, if there is such a file.
fn beside(token: &Path) -> Option<PathBuf> {
    let data = token.with_extension("");
    (token.extension().is_some_and(|ending| ending == ENDING) && data.is_file()).then_some(data)
}

/// The digest of a file of any size.
///
/// # Errors
/// It cannot be read.
pub(in crate::cli) fn digest_of(path: &Path, hash: Hash) -> Result<Vec<u8>, Failure> {
    let mut file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let mut digester = Digester::new(hash);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).map_err(|e| Failure::file(path, &e))? {
            0 => return Ok(digester.finish()),
            read => digester.update(&buffer[..read]),
        }
    }
}

/// A policy as it is typed.
///
/// # Errors
/// It is no object identifier.
pub(in crate::cli) fn policy(text: &str) -> Result<Oid, Failure> {
    let wrong = |_| Failure::Usage(format!("\"{}\" is no object identifier such as 1.2.3.4.1.", text.escape_debug()));
    Oid::new(text).map_err(wrong)
}

impl From<Finding> for Step {
    fn from(finding: Finding) -> Self {
        let result = match finding.result {
            verify::Outcome::Pass => Outcome::Pass,
            verify::Outcome::Fail => Outcome::Fail,
            verify::Outcome::Unknown => Outcome::Unknown,
            verify::Outcome::NotChecked => Outcome::NotChecked,
        };
        Self { check: finding.check.as_str(), result, detail: finding.en, detail_zh: Some(finding.zh) }
    }
}

/// What a program that just got a token must know: whether it is what it asked for.
///
/// # Errors
/// The sentences of everything that failed.
pub(in crate::cli) fn must_hold(findings: &[Finding]) -> Result<(), String> {
    if Judgement::of(findings) != Judgement::Invalid {
        return Ok(());
    }
    let failed = findings.iter().filter(|finding| finding.result == verify::Outcome::Fail);
    let failed: Vec<String> = failed.map(|finding| format!("{}: {}", finding.check, finding.en)).collect();
    Err(failed.join("; "))
}
