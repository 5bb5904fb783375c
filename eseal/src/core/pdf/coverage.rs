//! What of the file a signature does not cover, and whether that matters.

use std::collections::BTreeSet;

use super::compare::{Change, changes};
use super::file::Revision;
use super::form::{Field, form};
use super::object::is_space;
use super::signature::{Signature, ends_cleanly};
use super::suitable::{permission, transform};
use super::xref::Entry;
use crate::core::finding::{Check, Finding, Outcome};
use crate::core::job::Refused;

fn finding(outcome: Outcome, code: &str, en: impl Into<String>, zh: impl Into<String>) -> Finding {
    Finding::new(Check::Coverage, outcome, code, en, zh)
}

/// What was added to the file after the signature was made.
pub fn coverage(signature: &Signature, all: &[Signature], latest: &Revision<'_, '_>) -> Result<Vec<Finding>, Refused> {
    let file = latest.file;
    let (Some(end), Some(signed)) = (signature.end(), signature.revision(file)) else { return Ok(Vec::new()) };
    let rest = file.bytes.get(end..).unwrap_or_default();
    if rest.iter().all(|octet| is_space(*octet)) {
        return Ok(vec![finding(
            Outcome::Pass,
            "whole-file",
            "The signature covers the whole file.",
            "签名覆盖了整个文件。",
        )]);
    }
    if latest.startxref < end || !ends_cleanly(latest) {
        let en =
            "Something follows the signed document that is no update of it; some readers would show it, others not.";
        return Ok(vec![finding(
            Outcome::Fail,
            "appended-octets",
            en,
            "签名之后附加了不属于任何修订版本的内容，不同阅读器的显示可能不同。",
        )]);
    }
    if let Some(number) = hidden(latest, end) {
        let en = format!(
            "Object {number} was added after the signature without being entered; some readers would show it, others not."
        );
        let zh = format!("签名之后附加了未登记的对象 {number}，不同阅读器的显示可能不同。");
        return Ok(vec![finding(Outcome::Fail, "hidden-object", en, zh)]);
    }
    let revisions: Vec<(&Field, Revision<'_, '_>)> = all
        .iter()
        .filter(|other| other.end().is_some_and(|other| other > end))
        .filter_map(|other| Some((&other.field, other.revision(file)?)))
        .collect();
    let later: Vec<(&Field, &Revision<'_, '_>)> =
        revisions.iter().map(|(field, revision)| (*field, revision)).collect();
    let changed = changes(&signed, latest, &later)?;
    // What the author who certified the document allows holds for those who signed it after that too.
    let allowed = match transform(&signed, &signature.dict)? {
        None => permission(&signed, &form(&signed)?)?,
        own => own,
    };
    Ok(told(&changed, allowed))
}

/// An object that lies after `end` and that no cross-reference there names.
fn hidden(latest: &Revision<'_, '_>, end: usize) -> Option<u32> {
    let entries = latest.chain.iter().filter(|section| section.offset >= end).flat_map(|section| {
        let own = section.is_stream.then_some(section.offset);
        section
            .entries()
            .iter()
            .filter_map(|(_, entry)| match entry {
                Entry::At { offset, .. } => Some(*offset),
                _ => None,
            })
            .chain(own)
    });
    let bytes = latest.file.bytes;
    // Some writers point at the line end before an object.
    let first =
        |offset: usize| offset + bytes.get(offset..).unwrap_or_default().iter().take_while(|o| is_space(**o)).count();
    let named: BTreeSet<usize> = entries.map(first).collect();
    let mut from = end;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.windows(3).position(|three| three == b"obj")) {
        let word = from + at;
        from = word + 3;
        let header = header_before(bytes, word).filter(|(start, _)| *start >= end && !named.contains(start));
        if let Some((_, number)) = header {
            return Some(number);
        }
    }
    None
}

/// `12 0 ` before an `obj`: where it starts, and the number.
fn header_before(bytes: &[u8], word: usize) -> Option<(usize, u32)> {
    let back = |mut at: usize, which: fn(u8) -> bool, most: usize| {
        let from = at;
        while at > 0 && from - at < most && bytes.get(at - 1).is_some_and(|octet| which(*octet)) {
            at -= 1;
        }
        at
    };
    let digit = |octet: u8| octet.is_ascii_digit();
    let generation_end = back(word, is_space, 16);
    let generation = back(generation_end, digit, 5);
    let number_end = back(generation, is_space, 16);
    let start = back(number_end, digit, 10);
    if generation == generation_end || number_end == generation || start == number_end {
        return None;
    }
    let number = std::str::from_utf8(bytes.get(start..number_end)?).ok()?.parse().ok()?;
    Some((start, number))
}

/// Changes in words. `allowed` is what the author's certification allows.
fn told(changes: &BTreeSet<Change>, allowed: Option<i64>) -> Vec<Finding> {
    let signatures = changes.iter().filter(|change| matches!(change, Change::Signature(_))).count();
    let mut findings = Vec::new();
    for change in changes {
        let (least, code, en, zh) = match change {
            Change::Signature(_) | Change::Evidence => (0, "", String::new(), String::new()),
            Change::Filled(name) => (
                2,
                "form-filled",
                format!("The field \"{name}\" was filled in after the signature."),
                format!("签名之后填写了表单域“{name}”。"),
            ),
            Change::Annotation(page) => (
                3,
                "annotation-changed",
                format!("Something was put on page {page}, or taken from it, after the signature."),
                format!("签名之后第 {page} 页的批注被增加、修改或删除。"),
            ),
            Change::Page(page) => (
                9,
                "page-changed",
                format!("Page {page} was changed after the signature."),
                format!("签名之后第 {page} 页被修改。"),
            ),
            Change::Pages => (
                9,
                "pages-changed",
                "Pages were added, removed or put in another order after the signature.".to_owned(),
                "签名之后增加、删除或重排了页面。".to_owned(),
            ),
            Change::Field(name) => (
                9,
                "field-changed",
                format!("The field \"{name}\" was added, removed or changed after the signature."),
                format!("签名之后增加、删除或修改了表单域“{name}”。"),
            ),
            Change::Tags => (
                0,
                "tags-changed",
                "What is told to readers who do not see the pages was changed after the signature.".to_owned(),
                "签名之后修改了文档的无障碍结构标签。".to_owned(),
            ),
            Change::Catalog(key) => (
                9,
                "document-changed",
                format!("The document's {key} was changed after the signature."),
                format!("签名之后修改了文档的 {key}。"),
            ),
        };
        if code.is_empty() {
            continue;
        }
        // What an author who certified a document allows is no breach; it is told nevertheless.
        let outcome = if allowed.unwrap_or(0) >= least { Outcome::Warning } else { Outcome::Fail };
        findings.push(finding(outcome, code, en, zh));
    }
    if allowed == Some(1) && signatures > 0 {
        findings.push(finding(
            Outcome::Fail,
            "signed-against-certification",
            "A signature was added although the author's certification allows no change.",
            "作者认证不允许任何更改，但之后又增加了签名。",
        ));
    }
    if findings.is_empty() {
        let (code, en, zh) = if signatures > 0 {
            (
                "later-signatures",
                format!("{signatures} signature(s) were added later; nothing else of the document changed."),
                format!("之后增加了 {signatures} 个签名，文档其他内容未变。"),
            )
        } else {
            (
                "later-evidence",
                "Only evidence for verifiers was added later.".to_owned(),
                "之后仅增加了验证用的证据数据。".to_owned(),
            )
        };
        findings.push(finding(Outcome::Pass, code, en, zh));
    }
    findings
}
