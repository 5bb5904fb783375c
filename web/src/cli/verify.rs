//! `yinxin verify`: checks sealed documents, seals, certificates, time-stamps, receipts, CRLs and OCSP answers as a
//! stranger would, with nothing but files.

use std::fmt::Write as _;
use std::path::PathBuf;

use const_oid::ObjectIdentifier;
use crypto_pool::path::{Anchors, Cert, Crl, OcspAnswer};
use eseal::core::report::Report;
use pki_config::time::SystemClock;
use pki_config::{Clock, Instant};
use serde::Serialize;

use crate::cli::args::{Global, Verify};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::language::Language;
use crate::cli::table::{Table, plain};

mod certificate;
mod crl;
mod document;
mod evidence;
mod input;
mod ocsp;
mod receipt;
pub(super) mod token;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Pass,
    Fail,
    /// It holds, but somebody should look at it.
    Warning,
    /// It could not be checked, and without it nothing is proven.
    Unknown,
    /// There was nothing to check it with; not a fault.
    NotChecked,
}

/// One check of one thing.
#[derive(Debug, Clone, Serialize)]
struct Step {
    check: &'static str,
    result: Outcome,
    detail: String,
    /// The same in Chinese, where there is a sentence for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_zh: Option<String>,
}

impl Step {
    fn pass(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::Pass, detail: detail.into(), detail_zh: None }
    }

    fn fail(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::Fail, detail: detail.into(), detail_zh: None }
    }

    fn not_checked(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Outcome::NotChecked, detail: detail.into(), detail_zh: None }
    }
}

/// What was found of one thing.
#[derive(Debug, Clone, Serialize)]
struct Item {
    /// Where it came from.
    file: String,
    /// `ofd`, `pdf`, `seal`, `signature`, `document` (unreadable), `certificate`, `time-stamp`, `receipt`, `crl` or
    /// `ocsp`; `unknown` for what is none of these among others.
    kind: &'static str,
    /// What it calls itself.
    name: String,
    /// No check failed, and none that is necessary was left out.
    good: bool,
    /// Nothing failed, but something necessary could not be checked.
    undecided: bool,
    /// Every check.
    checks: Vec<Step>,
    /// Of documents and seals: everything that was found, signature by signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Box<Report>>,
}

impl Item {
    fn new(file: &std::path::Path, kind: &'static str, name: String, checks: Vec<Step>) -> Self {
        let any = |outcome| checks.iter().any(|step| step.result == outcome);
        let undecided = any(Outcome::Unknown) && !any(Outcome::Fail);
        let good = !undecided && !any(Outcome::Fail);
        Self { file: file.display().to_string(), kind, name, good, undecided, checks, report: None }
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
    /// Given with `--chain`, and those of the files: they may help each other.
    intermediates: Vec<Cert>,
    /// Given by the caller: these must be usable.
    given_crls: Vec<Crl>,
    /// Found in the data directory: used where they are usable.
    found_crls: Vec<Crl>,
    /// Given by the caller: these must be usable.
    ocsps: Vec<OcspAnswer>,
    /// Policies of which one must be valid along the path of a certificate; any if none is named.
    policies: Vec<ObjectIdentifier>,
}

impl Against {
    /// The lists given, then those found.
    fn crls(&self) -> Vec<Crl> {
        self.given_crls.iter().chain(&self.found_crls).cloned().collect()
    }
}

/// Runs it.
///
/// # Errors
/// [`Failure::NotGood`] if anything is bad, [`Failure::Undecided`] or [`Failure::NotRun`] if something could not
/// be checked.
pub fn run(global: &Global, console: Console, args: &Verify) -> Result<(), Failure> {
    let (global, args) = with_data(global, args);
    let answer = check(&global, &args).map_err(|failure| match failure {
        Failure::Here(why) => Failure::NotRun(why),
        other => other,
    })?;
    tell(console, &answer)
}

/// `--data` names the data directory everywhere; where it names a file, the data of a time-stamp are meant.
fn with_data(global: &Global, args: &Verify) -> (Global, Verify) {
    let (mut global, mut args) = (global.clone(), args.clone());
    if args.of.is_none() && global.data.as_ref().is_some_and(|data| data.is_file()) {
        args.of = global.data.take();
    }
    (global, args)
}

fn check(global: &Global, args: &Verify) -> Result<Answer, Failure> {
    let input::Given { things, mut receipts, crls, ocsps } = input::read(&args.files, args.proof.as_deref())?;
    let mut against = input::against(global, args, crls, ocsps)?;
    for thing in &things {
        if let input::Content::Certificate { leaf, others } = &thing.content {
            against.intermediates.extend(std::iter::once(leaf).chain(others).cloned());
        }
    }
    let mut items: Vec<(usize, Item)> = Vec::new();
    let mut readers = None;
    for thing in things {
        let item = match &thing.content {
            input::Content::Certificate { leaf, others } => {
                let receipt = receipts.take_for(leaf, &thing.file);
                certificate::check(&thing.file, leaf, others, receipt.as_ref(), &against)
            }
            input::Content::Damaged(why) => {
                Item::new(&thing.file, "certificate", "?".to_owned(), vec![Step::fail("form", why.clone())])
            }
            input::Content::Unknown(why) => {
                let step = Step { check: "form", result: Outcome::Unknown, detail: why.clone(), detail_zh: None };
                Item::new(&thing.file, "unknown", "?".to_owned(), vec![step])
            }
            input::Content::Token(opened) => {
                let receipt = receipts.take_about(opened.der());
                token::check(&thing.file, opened, receipt.as_ref(), args, &against)?
            }
            input::Content::Crl(crl) => crl::check(&thing.file, crl, &against),
            input::Content::Ocsp(answer) => ocsp::check(&thing.file, answer, &against),
            input::Content::Document => {
                let bytes = file::read(&thing.file, document::LONGEST)?;
                let readers = match &mut readers {
                    Some(readers) => readers,
                    None => readers.insert(document::Readers::new()?),
                };
                document::check(&thing.file, bytes, readers, &against)?
            }
            input::Content::Seal(der) => document::check_alone(&thing.file, der, &against),
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

/// Prints what was found, and fails if not all of it is good.
///
/// # Errors
/// [`Failure::NotGood`] or [`Failure::Undecided`].
fn tell(console: Console, answer: &Answer) -> Result<(), Failure> {
    console.answer(answer, || answer_text(answer, console.language))?;
    if answer.good {
        Ok(())
    } else if answer.items.iter().all(|item| item.good || item.undecided) {
        Err(Failure::Undecided)
    } else {
        Err(Failure::NotGood)
    }
}

fn answer_text(answer: &Answer, language: Language) -> String {
    let mut text = String::new();
    for item in &answer.items {
        let verdict = match (item.good, item.undecided) {
            (true, _) => language.of("good", "有效"),
            (_, true) => language.of("NOT DECIDED", "无法判定"),
            _ => language.of("NOT GOOD", "无效"),
        };
        let _ = writeln!(text, "{}: {} {}: {verdict}", plain(&item.file), item.kind, plain(&item.name));
        if let Some(report) = &item.report {
            text.push_str(&document::text(report, language));
            continue;
        }
        let mut table = Table::bare(3);
        for step in &item.checks {
            let result = match step.result {
                Outcome::Pass => "  pass",
                Outcome::Fail => "  FAIL",
                Outcome::Warning => "  look",
                Outcome::Unknown => "  ?",
                Outcome::NotChecked => "  -",
            };
            let detail = step.detail_zh.as_deref().filter(|_| language == Language::Chinese);
            table.row([result, step.check, detail.unwrap_or(&step.detail)]);
        }
        let _ = write!(text, "{table}");
    }
    text
}

pub(super) use evidence::run as run_evidence;

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
