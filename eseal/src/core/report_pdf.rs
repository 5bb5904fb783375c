//! The report on a verification as a PDF for people, in Chinese and English, ready to be signed.
//!
//! PDF/A-2b, one embedded font, nothing but text and lines: no picture or other part of what was verified comes into
//! it, so nothing foreign is parsed here. Characters that the font lacks are written as their code points, so that
//! none is left out or can turn the line around. The same report gives the same octets.

mod sheet;

use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};
use krilla::{Document, SerializeSettings};
use pki_config::Instant;

use super::finding::{Finding, Outcome};
use super::job::Refused;
use super::place::Rect;
use super::report::{Party, Report, SealParty, SignatureForm, SignatureReport, Subject, TimeSource, Verdict};

use sheet::{Sheets, Tone};

/// Upper right of the first page, kept free for a seal on the report. Unit: mm.
pub const ROOM: Rect = Rect { x: 150.0, y: 12.0, width: 42.0, height: 42.0 };
/// Most pages; what comes after is left out, and the report says so.
pub const MOST_PAGES: usize = 400;

/// Writes the report. `name` is what the file was called, `digest` its SM3.
///
/// # Errors
/// [`Refused::Malformed`] if the PDF cannot be written.
pub fn write(report: &Report, name: &str, digest: &[u8; 32]) -> Result<Vec<u8>, Refused> {
    let mut sheets = Sheets::new(MOST_PAGES);
    head(&mut sheets, report, name, digest);
    if !report.findings.is_empty() {
        sheets.heading("文档整体", "The document as a whole");
        report.findings.iter().for_each(|one| finding(&mut sheets, one));
    }
    for (nth, one) in report.signatures.iter().enumerate() {
        signature(&mut sheets, nth + 1, one);
    }
    sheets.gap(4.0);
    sheets.line(
        8.0,
        Tone::Faint,
        "本报告说明检验时所见，依据为上述文件的内容及当时可得的证书状态。 This report says what was found when it was made, from \
         the file named above and the status of certificates known then.",
    );
    let archival = ConfigurationBuilder::new().with_archival_validator(Archival::A2_B).finish();
    let configuration = archival.map_err(|_| unwritten("configuration"))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let metadata = Metadata::new()
        .title("电子签章验证报告 Verification report".to_owned())
        .language("zh-CN".to_owned())
        .creator("Yinxin".to_owned())
        .producer("Yinxin".to_owned())
        .creation_date(date(report.at));
    document.set_metadata(metadata);
    sheets.draw(&mut document)?;
    document.finish().map_err(|error| unwritten(&format!("{error:?}")))
}

fn unwritten(why: &str) -> Refused {
    Refused::Malformed(format!("the report cannot be written: {}", why.chars().take(200).collect::<String>()))
}

fn date(at: Instant) -> DateTime {
    // RFC 3339: the numbers stand at fixed places.
    let text = at.to_string();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u8>().ok()).unwrap_or(1);
    let year = text.get(..4).and_then(|digits| digits.parse().ok()).unwrap_or(1970);
    DateTime::new(year)
        .month(number(5, 7))
        .day(number(8, 10))
        .hour(number(11, 13))
        .minute(number(14, 16))
        .second(number(17, 19))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn head(sheets: &mut Sheets, report: &Report, name: &str, digest: &[u8; 32]) {
    // Beside the room for the seal.
    sheets.right(f64::from(sheet::WIDTH) - ROOM.x + 4.0);
    sheets.line(19.0, Tone::Plain, "电子签章验证报告");
    sheets.line(11.0, Tone::Faint, "Report on the verification of electronic seals and signatures");
    sheets.gap(3.0);
    let (en, zh) = report.verdict.sentence();
    let count = report.signatures.len();
    sheets.banner(tone(report.verdict), &format!("结论：{zh}   Result: {en}"));
    sheets.gap(2.0);
    sheets.field("文件", "File", name);
    sheets.down_to(ROOM.y + ROOM.height + 2.0);
    sheets.right(f64::from(sheet::MARGIN));
    let kind = match report.subject {
        Subject::Ofd => "OFD (GB/T 33190)",
        Subject::Pdf => "PDF (ISO 32000)",
        Subject::Seal => "电子印章 Electronic seal (GB/T 38540)",
        Subject::Signature => "签章值 Signature value",
    };
    sheets.field("杂凑值", "SM3", &hex(digest));
    sheets.field("类型", "Kind", kind);
    if matches!(report.subject, Subject::Ofd | Subject::Pdf) {
        sheets.field("页数", "Pages", &report.pages.to_string());
    }
    sheets.field("签章数", "Signatures", &count.to_string());
    sheets.field("检验时间", "Judged as of", &time(report.at));
}

fn signature(sheets: &mut Sheets, nth: usize, one: &SignatureReport) {
    let (en, zh) = one.verdict.sentence();
    sheets.heading(&format!("签章 {nth}"), &format!("Signature {nth}"));
    sheets.banner(tone(one.verdict), &format!("{zh}   {en}"));
    sheets.gap(2.0);
    let form = match one.form {
        SignatureForm::Seal => "电子印章 Seal",
        SignatureForm::SealSignature => "电子签章 Signature with a seal (GB/T 38540)",
        SignatureForm::Cms => "CMS 签名 Signature in CMS",
        SignatureForm::Bare => "签名值 Bare signature",
        SignatureForm::DocumentTimeStamp => "文档时间戳 Time-stamp over the document",
        SignatureForm::Unknown => "未知 Unknown",
    };
    sheets.field("名称", "Name", &one.name);
    sheets.field("形式", "Form", form);
    if let Some(seal) = &one.seal {
        sealed(sheets, seal);
    }
    for (zh, en, whose) in [
        ("签章人", "Signer", &one.signer),
        ("制章者", "Seal maker", &one.maker),
        ("时间戳机构", "Time-stamp by", &one.time_stamp_authority),
    ] {
        if let Some(party) = whose {
            sheets.field(zh, en, &certificate(party));
        }
    }
    let source = match one.time_source {
        TimeSource::TimeStamp => "时间戳 by time-stamp",
        TimeSource::Signer => "签章人声明 said by the signer",
        TimeSource::Document => "文档声明 said by the document",
        TimeSource::Judging => "无，按检验时间 not known, judged as of now",
    };
    sheets.field("签章时间", "Signed at", &format!("{} ({source})", time(one.time)));
    let pages = pages(one.stamps.iter().map(|stamp| stamp.page));
    if !pages.is_empty() {
        sheets.field("所在页", "On pages", &pages);
    }
    sheets.gap(1.5);
    one.findings.iter().for_each(|found| finding(sheets, found));
}

fn sealed(sheets: &mut Sheets, seal: &SealParty) {
    sheets.field("印章", "Seal", &seal.name);
    sheets.field("印章编号", "Seal ID", &seal.id);
    sheets.field("印章尺寸", "Size", &format!("{} mm × {} mm", seal.width, seal.height));
    sheets.field("印章有效期", "Seal valid", &format!("{} – {}", time(seal.from), time(seal.until)));
}

fn certificate(party: &Party) -> String {
    format!(
        "{}; 颁发者 issued by {}; 序列号 serial {}; {} – {}",
        party.subject,
        party.issuer,
        party.serial,
        time(party.from),
        time(party.until)
    )
}

fn finding(sheets: &mut Sheets, one: &Finding) {
    let (tone, zh, en) = match one.outcome {
        Outcome::Pass => (Tone::Good, "通过", "pass"),
        Outcome::NotChecked => (Tone::Faint, "不适用", "not checked"),
        Outcome::Warning => (Tone::Warn, "注意", "warning"),
        Outcome::Unknown => (Tone::Warn, "无法判定", "unknown"),
        Outcome::Fail => (Tone::Bad, "不通过", "fail"),
    };
    let (title_en, title_zh) = one.check.title();
    sheets.finding(
        (tone, &format!("{zh} {en}")),
        &format!("{title_zh}  {title_en}"),
        &one.code,
        &[one.zh.as_str(), one.en.as_str()],
    );
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Valid => Tone::Good,
        Verdict::Undecided => Tone::Warn,
        Verdict::Invalid => Tone::Bad,
    }
}

/// To the second, in UTC.
fn time(at: Instant) -> String {
    at.whole_second().to_string().replace('T', " ").replace('Z', " UTC")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `1-3, 7` of pages counted from 0.
fn pages(given: impl Iterator<Item = u32>) -> String {
    let mut all: Vec<u32> = given.map(|page| page.saturating_add(1)).collect();
    all.sort_unstable();
    all.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for page in all {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == page => *last = page,
            _ => runs.push((page, page)),
        }
    }
    let words = runs.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
