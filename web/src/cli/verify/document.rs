//! Sealed and signed documents, and seals by themselves: every check on every signature. Documents are read in a
//! process apart that holds no key; here only what it found is judged.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use eseal::core::finding::{self, Check, Finding};
use eseal::core::job::{Done, Job, Limits, Refused};
use eseal::core::report::{Report, SignatureForm, SignatureReport, Subject, TimeSource, Verdict};
use eseal::core::ses::Seal;
use eseal::core::verify::{self, Trust};
use eseal::workshop::{Failed, Workshop, WorkshopOptions};

use super::{Against, Item, Outcome, Step};
use crate::cli::failure::Failure;
use crate::cli::language::Language;
use crate::cli::table::{Table, plain};

/// Longest document that is read: it is the caller's own. Unit: bytes.
pub(super) const LONGEST: usize = 256 << 20;

/// Memory that reading may take. Unit: bytes.
const MEMORY: u64 = 4 << 30;
/// How long a document may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where documents are read.
pub(super) struct Readers {
    workshop: Workshop,
    runtime: tokio::runtime::Runtime,
}

impl Readers {
    /// Processes are started when the first document comes.
    ///
    /// # Errors
    /// This program does not know where it lies, or cannot wait for another.
    pub(super) fn new() -> Result<Self, Failure> {
        let broken = |e: std::io::Error| Failure::NotRun(format!("No process can be started to read documents: {e}."));
        let limits = Limits { document: LONGEST, unpacked: LONGEST, ..Limits::default() };
        let told = vec!["worker".into(), "--memory".into(), MEMORY.to_string().into()];
        let workshop = Workshop::new(WorkshopOptions {
            program: Some((std::env::current_exe().map_err(broken)?, told)),
            workers: 1,
            queue: 1,
            time: PATIENCE,
            jobs: 1_000,
            limits,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
        Ok(Self { workshop, runtime })
    }

    fn read(&self, document: Vec<u8>) -> Result<Done, Failed> {
        self.runtime.block_on(self.workshop.run(Job::Read, document))
    }
}

/// Every check of a document.
///
/// # Errors
/// No process could be started to read it.
pub(super) fn check(file: &Path, document: Vec<u8>, readers: &Readers, against: &Against) -> Result<Item, Failure> {
    let item = match readers.read(document) {
        Ok(Done::Facts(facts)) => of_report(file, verify::judge(&facts, &trust(against), against.at)),
        Ok(other) => return Err(Failure::NotRun(format!("A reader of documents answered strangely: {other:?}."))),
        Err(Failed::Refused(why)) => refused(file, &why),
        Err(why @ Failed::Limit) => unread(file, Outcome::Unknown, &why.to_string()),
        Err(why) => return Err(Failure::NotRun(format!("{} cannot be read: {why}.", file.display()))),
    };
    Ok(item)
}

/// Every check of a seal, or of a signature with one, by itself.
pub(super) fn check_alone(file: &Path, der: &[u8], against: &Against) -> Item {
    let trust = trust(against);
    let report = if Seal::read(der).is_ok() {
        verify::judge_seal(der, &trust, against.at)
    } else {
        verify::judge_value(der, &[], &trust, against.at)
    };
    of_report(file, report)
}

fn trust(against: &Against) -> Trust {
    Trust {
        anchors: against.anchors.clone(),
        certificates: against.intermediates.clone(),
        crls: against.crls(),
        ocsps: against.ocsps.clone(),
        // Whoever gives lists wants certificates looked up in them.
        demand_revocation: !against.given_crls.is_empty() || !against.ocsps.is_empty(),
        ..Trust::default()
    }
}

fn of_report(file: &Path, report: Report) -> Item {
    let steps = report.all_findings().map(Step::from).collect();
    let kind = match report.subject {
        Subject::Ofd => "ofd",
        Subject::Pdf => "pdf",
        Subject::Seal => "seal",
        Subject::Signature => "signature",
    };
    let mut item = Item::new(file, kind, name(&report), steps);
    // The judge's word, not ours.
    (item.good, item.undecided) = (report.verdict == Verdict::Valid, report.verdict == Verdict::Undecided);
    item.report = Some(Box::new(report));
    item
}

fn name(report: &Report) -> String {
    match (report.subject, report.signatures.first().and_then(|one| one.seal.as_ref())) {
        (Subject::Seal | Subject::Signature, Some(seal)) => format!("{} ({})", seal.name, seal.id),
        (Subject::Seal | Subject::Signature, None) => "?".to_owned(),
        _ => format!("of {}, with {}", counted(report.pages, "page"), counted(report.signatures.len(), "signature")),
    }
}

fn counted(number: impl std::fmt::Display, what: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A document that is not read: what does not hold together is no valid document; what is only too large, or asks for a
/// password, is not known to be anything.
fn refused(file: &Path, why: &Refused) -> Item {
    match why {
        Refused::Malformed(what) => unread(file, Outcome::Fail, &format!("it does not read: {what}")),
        Refused::UnknownFormat => unread(file, Outcome::Unknown, "it is neither OFD nor PDF"),
        Refused::TooLarge(what) => {
            unread(file, Outcome::Unknown, &format!("it is larger, deeper or more numerous than is read: {what}"))
        }
        Refused::Encrypted => unread(file, Outcome::Unknown, "it asks for a password"),
        Refused::Unsuitable(_, what) => unread(file, Outcome::Unknown, what),
        other => unread(file, Outcome::Unknown, &format!("{other:?}")),
    }
}

fn unread(file: &Path, result: Outcome, detail: &str) -> Item {
    let check = Check::Document.as_str();
    let step = Step { check, result, detail: detail.to_owned(), detail_zh: None };
    Item::new(file, "document", "?".to_owned(), vec![step])
}

impl From<&Finding> for Step {
    fn from(finding: &Finding) -> Self {
        let result = match finding.outcome {
            finding::Outcome::Pass => Outcome::Pass,
            finding::Outcome::NotChecked => Outcome::NotChecked,
            finding::Outcome::Warning => Outcome::Warning,
            finding::Outcome::Unknown => Outcome::Unknown,
            finding::Outcome::Fail => Outcome::Fail,
        };
        Self { check: finding.check.as_str(), result, detail: finding.en.clone(), detail_zh: Some(finding.zh.clone()) }
    }
}

/// What people read of a report: what concerns the whole, then each signature with its checks.
pub(super) fn text(report: &Report, language: Language) -> String {
    let mut text = findings_text(&report.findings, "  ", language);
    for (index, one) in report.signatures.iter().enumerate() {
        let _ = writeln!(text, "  {}", headline(index + 1, one, language));
        text.push_str(&findings_text(&one.findings, "    ", language));
    }
    text
}

fn headline(number: usize, one: &SignatureReport, language: Language) -> String {
    let (en, zh) = one.verdict.sentence();
    let mut parts = vec![format!("[{number}] {}", language.of(en, zh))];
    if let Some(seal) = &one.seal {
        parts.push(format!("{} ({})", plain(&seal.name), plain(&seal.id)));
    }
    if let Some(signer) = &one.signer {
        parts.push(format!("{} {}", language.of("signed by", "签章人"), plain(&signer.subject)));
    }
    if one.form == SignatureForm::Seal {
        return parts.join(", ");
    }
    let source = match one.time_source {
        TimeSource::TimeStamp => language.of("by time-stamp", "时间戳时间"),
        TimeSource::Signer => language.of("as the signer says", "签章人声明"),
        TimeSource::Document => language.of("as the document says", "文档声明"),
        TimeSource::Judging => language.of("not known, judged as of now", "未知，按验证时间判断"),
    };
    parts.push(format!("{} ({source})", one.time.whole_second()));
    parts.join(", ")
}

fn findings_text(findings: &[Finding], indent: &str, language: Language) -> String {
    let mut table = Table::bare(3);
    for finding in findings {
        let result = match finding.outcome {
            finding::Outcome::Pass => "pass",
            finding::Outcome::NotChecked => "-",
            finding::Outcome::Warning => "look",
            finding::Outcome::Unknown => "?",
            finding::Outcome::Fail => "FAIL",
        };
        let (en, zh) = finding.check.title();
        let detail = language.of(&finding.en, &finding.zh).to_owned();
        table.row([format!("{indent}{result}"), language.of(en, zh).to_owned(), detail]);
    }
    table.to_string()
}
