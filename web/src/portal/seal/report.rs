//! A report as its page shows it.

use std::collections::BTreeMap;

use eseal::core::facts::Overview;
use eseal::core::finding::{Finding, Outcome};
use eseal::core::place::{Rect, Stamp};
use eseal::core::report::{Party, Report, SignatureForm, SignatureReport, Subject, TimeSource, Verdict};

use super::words::{mm, seal_worded};
use crate::portal::Visitor;
use crate::portal::ra::words::Words as _;

/// Pages of a document that are shown with its report.
const MOST_SHOWN: usize = 12;

/// A page with the places where signatures show.
pub(super) struct MarkedPage {
    pub(super) number: u32,
    /// Unit: mm.
    pub(super) width: String,
    pub(super) height: String,
    /// Of its picture.
    pub(super) pixels: (u32, u32),
    pub(super) boxes: Vec<Marked>,
}

/// Where a signature shows, and what was found of it.
pub(super) struct Marked {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    pub(super) verdict: &'static str,
}

#[derive(askama::Template)]
#[template(path = "seal/report.html")]
pub(super) struct ReportPage<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) name: &'a str,
    pub(super) bytes: u64,
    pub(super) sm3: String,
    pub(super) base: String,
    pub(super) report: &'a Report,
    pub(super) pages: Vec<MarkedPage>,
    /// Pages with a signature that are not shown.
    pub(super) more: usize,
}

seal_worded!(ReportPage);

impl ReportPage<'_> {
    fn headline(&self) -> &'static str {
        let language = self.visitor.language();
        if self.report.signatures.is_empty() && self.report.subject != Subject::Seal {
            return language.say("文件上没有印章或签名", "There is no seal or signature on it");
        }
        match (self.report.verdict, self.report.subject) {
            (Verdict::Valid, Subject::Seal) => language.say("印章有效", "The seal is valid"),
            (Verdict::Valid, _) => language.say("全部签章有效", "Every seal and signature is valid"),
            (Verdict::Invalid, Subject::Seal) => language.say("印章无效", "The seal is not valid"),
            (Verdict::Invalid, _) => language.say("验证不通过", "Not valid"),
            (Verdict::Undecided, _) => language.say("无法判定", "It cannot be decided"),
        }
    }

    /// The most important findings in words: what failed, or what is missing.
    fn reasons(&self) -> Vec<&Finding> {
        let worst = match self.report.verdict {
            Verdict::Invalid => Outcome::Fail,
            Verdict::Undecided => Outcome::Unknown,
            Verdict::Valid => Outcome::Warning,
        };
        self.report.all_findings().filter(|finding| finding.outcome == worst).take(5).collect()
    }

    fn subject(&self) -> &'static str {
        let language = self.visitor.language();
        match self.report.subject {
            Subject::Ofd => "OFD",
            Subject::Pdf => "PDF",
            Subject::Seal => language.say("印章数据", "a seal by itself"),
            Subject::Signature => language.say("签名数据", "a signature by itself"),
        }
    }

    fn form(&self, form: &SignatureForm) -> &'static str {
        let language = self.visitor.language();
        match form {
            SignatureForm::Seal => language.say("印章", "seal"),
            SignatureForm::SealSignature => language.say("电子签章（GB/T 38540）", "seal (GB/T 38540)"),
            SignatureForm::Cms => language.say("数字签名（CMS）", "signature (CMS)"),
            SignatureForm::Bare => language.say("数字签名", "bare signature"),
            SignatureForm::DocumentTimeStamp => language.say("文档时间戳", "time-stamp over the document"),
            SignatureForm::Unknown => language.say("未知形式", "of a form not known here"),
        }
    }

    fn verdict(&self, verdict: &Verdict) -> &'static str {
        let (english, chinese) = verdict.sentence();
        self.visitor.language().say(chinese, english)
    }

    fn state_class(&self, verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Valid => "good",
            Verdict::Invalid => "bad",
            Verdict::Undecided => "wait",
        }
    }

    fn source(&self, source: &TimeSource) -> &'static str {
        let language = self.visitor.language();
        match source {
            TimeSource::TimeStamp => language.say("由时间戳证明", "proven by a time-stamp"),
            TimeSource::Signer => language.say("签章人声明", "as the signer says"),
            TimeSource::Document => language.say("文档声明", "as the document says"),
            TimeSource::Judging => language.say("无签章时间，按验证时间判断", "not stated: judged as of now"),
        }
    }

    fn outcome(&self, outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Pass => "pass",
            Outcome::NotChecked => "not-checked",
            Outcome::Warning => "warning",
            Outcome::Unknown => "unknown",
            Outcome::Fail => "fail",
        }
    }

    /// The outcome for those who do not see the mark before it.
    fn outcome_words(&self, outcome: &Outcome) -> &'static str {
        let language = self.visitor.language();
        match outcome {
            Outcome::Pass => language.say("通过", "passed"),
            Outcome::NotChecked => language.say("未检查", "not checked"),
            Outcome::Warning => language.say("注意", "look at it"),
            Outcome::Unknown => language.say("无法判断", "unknown"),
            Outcome::Fail => language.say("不通过", "failed"),
        }
    }

    fn check(&self, finding: &Finding) -> &'static str {
        let (english, chinese) = finding.check.title();
        self.visitor.language().say(chinese, english)
    }

    fn sentence<'a>(&self, finding: &'a Finding) -> &'a str {
        if self.zh() { &finding.zh } else { &finding.en }
    }

    /// The name in a distinguished name that people go by.
    fn short_name(&self, party: &Party) -> String {
        let name = party.subject.parse::<pki_config::name::DistinguishedName>().ok();
        let common = name.and_then(|name| name.get(pki_config::name::Attribute::CommonName).map(str::to_owned));
        common.unwrap_or_else(|| party.subject.clone())
    }

    /// The pages of a signature as people say them.
    fn on_pages(&self, signature: &SignatureReport) -> String {
        let mut pages: Vec<u32> = signature.stamps.iter().map(|stamp| stamp.page.saturating_add(1)).collect();
        pages.sort_unstable();
        pages.dedup();
        ranges(&pages)
    }

    /// Second and zone of a moment.
    fn second(&self, at: &pki_config::Instant) -> String {
        crate::portal::words::second(&at.to_string())
    }
}

/// `1, 3–5` of pages in order.
fn ranges(pages: &[u32]) -> String {
    let runs = pages.chunk_by(|a, b| a + 1 == *b);
    let said = runs.map(|run| match run {
        [first, .., last] => format!("{first}–{last}"),
        [one] => one.to_string(),
        [] => String::new(),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// The part of a stamp that is seen.
fn seen(stamp: &Stamp) -> Rect {
    match stamp.clip {
        None => stamp.boundary,
        Some(clip) => Rect { x: stamp.boundary.x + clip.x, y: stamp.boundary.y + clip.y, ..clip },
    }
}

/// The pages on which signatures show, and how many more there are.
pub(super) fn marked(report: &Report, overview: Option<&Overview>) -> (Vec<MarkedPage>, usize) {
    let Some(overview) = overview else { return (Vec::new(), 0) };
    let mut pages: BTreeMap<u32, Vec<Marked>> = BTreeMap::new();
    for signature in &report.signatures {
        for stamp in &signature.stamps {
            let Rect { x, y, width, height } = seen(stamp);
            let verdict = signature.verdict.as_str();
            let marked = Marked { x: mm(x), y: mm(y), width: mm(width), height: mm(height), verdict };
            pages.entry(stamp.page).or_default().push(marked);
        }
    }
    // Something is shown of a document whose signatures show nowhere.
    if pages.is_empty() && !overview.pages.is_empty() {
        pages.insert(0, Vec::new());
    }
    let all = pages.len();
    let shown = pages.into_iter().filter_map(|(index, boxes)| {
        let size = overview.pages.get(usize::try_from(index).ok()?)?;
        let shown = super::sheets::Shown::of(index, *size);
        Some(MarkedPage { number: shown.number, width: shown.width, height: shown.height, pixels: shown.pixels, boxes })
    });
    let shown: Vec<MarkedPage> = shown.take(MOST_SHOWN).collect();
    let more = all.saturating_sub(shown.len());
    (shown, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_a_row_are_said_as_a_range() {
        assert_eq!(ranges(&[1, 3, 4, 5, 9]), "1, 3–5, 9");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn of_a_riding_seal_only_the_slice_is_seen() {
        let boundary = Rect { x: 202.0, y: 40.0, width: 40.0, height: 40.0 };
        let clip = Rect { x: 0.0, y: 0.0, width: 8.0, height: 40.0 };
        // The first of five pages in a real document.
        let slice = seen(&Stamp { page: 0, boundary, clip: Some(clip) });
        assert_eq!(slice, Rect { x: 202.0, y: 40.0, width: 8.0, height: 40.0 });
        assert_eq!(seen(&Stamp { page: 0, boundary, clip: None }), boundary);
    }
}
