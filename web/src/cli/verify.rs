//! `yinxin verify`: checks certificates, receipts and CRLs as a stranger would, with nothing but files.

use std::fmt::Write as _;
use std::path::PathBuf;

use crypto_pool::path::{Anchors, Cert, Crl};
use pki_config::time::SystemClock;
use pki_config::{Clock, Instant};
use serde::Serialize;

use crate::cli::args::{Global, Verify};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};

mod certificate;
mod crl;
mod input;
mod receipt;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Pass,
    Fail,
    /// There was nothing to check it with; not a fault.
    NotChecked,
}

/// One check of one thing.
#[derive(Debug, Clone, Serialize)]
struct Step {
    check: &'static str,
    result: Outcome,
    detail: String,
}

impl Step {
    fn pass(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::Pass, detail: detail.into() }
    }

    fn fail(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::Fail, detail: detail.into() }
    }

    fn not_checked(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::NotChecked, detail: detail.into() }
    }
}

/// What was found of one thing.
#[derive(Debug, Clone, Serialize)]
struct Item {
    /// Where it came from.
    file: String,
    /// `certificate`, `receipt` or `crl`.
    kind: &'static str,
    /// What it calls itself.
    name: String,
    /// No check failed.
    good: bool,
    /// Every check.
    checks: Vec<Step>,
}

impl Item {
    fn new(file: &std::path::Path, kind: &'static str, name: String, checks: Vec<Step>) -> Self {
        let good = checks.iter().all(|step| step.result != Outcome::Fail);
        Self { file: file.display().to_string(), kind, name, good, checks }
    }
}

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// Everything is good.
    good: bool,
    /// As of when.
    at: String,
    /// In the order given.
    items: Vec<Item>,
}

/// What things are checked against.
struct Against {
    at: Instant,
    anchors: Anchors,
    /// Given with `--chain`.
    intermediates: Vec<Cert>,
    /// Given by the caller: these must be usable.
    given_crls: Vec<Crl>,
    /// Found in the data directory: used where they are usable.
    found_crls: Vec<Crl>,
}

/// Runs it.
///
/// # Errors
/// [`Failure::NotGood`] if anything is bad, [`Failure::NotRun`] if something could not be checked at all.
pub fn run(global: &Global, console: Console, args: &Verify) -> Result<(), Failure> {
    let answer = check(global, args).map_err(|failure| match failure {
        Failure::Here(why) => Failure::NotRun(why),
        other => other,
    })?;
    console.answer(&answer, || answer_text(&answer))?;
    if answer.good { Ok(()) } else { Err(Failure::NotGood) }
}

fn check(global: &Global, args: &Verify) -> Result<Answer, Failure> {
    let input::Given { things, mut receipts, crls } = input::read(&args.files)?;
    let against = input::against(global, args, crls)?;
    let mut items: Vec<(usize, Item)> = Vec::new();
    for thing in &things {
        let item = match &thing.content {
            input::Content::Certificate { leaf, others } => {
                let receipt = receipts.take_for(leaf, &thing.file);
                certificate::check(&thing.file, leaf, others, receipt.as_ref(), &against)
            }
            input::Content::Damaged(why) => {
                Item::new(&thing.file, "certificate", "?".to_owned(), vec![Step::fail("form", why.clone())])
            }
            input::Content::Crl(crl) => crl::check(&thing.file, crl, &against),
        };
        items.push((thing.place, item));
    }
    for (place, file, receipt) in receipts.left() {
        items.push((place, receipt::check_alone(&file, &receipt, &against)));
    }
    items.sort_by_key(|(place, _)| *place);
    let items: Vec<Item> = items.into_iter().map(|(_, item)| item).collect();
    Ok(Answer { good: items.iter().all(|item| item.good), at: against.at.to_string(), items })
}

fn answer_text(answer: &Answer) -> String {
    let mut text = String::new();
    for item in &answer.items {
        let verdict = if item.good { "good" } else { "NOT GOOD" };
        let _ = writeln!(text, "{}: {} {}: {verdict}", plain(&item.file), item.kind, plain(&item.name));
        let mut table = Table::bare(3);
        for step in &item.checks {
            let result = match step.result {
                Outcome::Pass => "  pass",
                Outcome::Fail => "  FAIL",
                Outcome::NotChecked => "  -",
            };
            table.row([result, step.check, &step.detail]);
        }
        let _ = write!(text, "{table}");
    }
    text
}

/// The moment asked for, else now.
fn moment(at: Option<Instant>) -> Instant {
    at.unwrap_or_else(|| SystemClock.now())
}

/// A file and its place among the arguments.
struct Thing {
    place: usize,
    file: PathBuf,
    content: input::Content,
}

#[cfg(test)]
mod tests;
