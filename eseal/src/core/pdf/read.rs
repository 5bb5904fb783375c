//! A document read back as a stranger would: its signatures, what they cover, where the pages show them.

use std::collections::HashMap;

use super::coverage::coverage;
use super::digest::{State, wanted};
use super::evidence::evidence;
use super::file::File;
use super::form::form;
use super::page::{Page, tree};
use super::shown::Shown;
use super::signature::Signature;
use super::suitable::not_encrypted;
use crate::core::facts::{Facts, Format, Found, Hash};
use crate::core::finding::{Check, Finding, Outcome};
use crate::core::job::{Limits, Refused};
use crate::core::place::PageSize;

/// Finds the signatures and what they cover.
pub fn read(document: &[u8], limits: &Limits) -> Result<Facts, Refused> {
    let file = File::new(document, limits)?;
    let latest = file.latest()?;
    not_encrypted(&latest)?;
    let pages = tree(&latest)?.pages;
    let fields = form(&latest)?;
    let mut signatures = Vec::new();
    for field in fields.fields.iter().filter(|field| field.is_signature()) {
        if let Some(signature) = Signature::of(field, &latest)? {
            signatures.push(signature);
        }
        if signatures.len() > limits.signatures {
            return Err(Refused::TooLarge("signatures".to_owned()));
        }
    }
    signatures.sort_by_key(|signature| signature.end().unwrap_or(usize::MAX));
    let mut digests = digests(document, &signatures);
    let shown = Shown::of(&latest, &pages)?;
    let mut found = Vec::new();
    for (index, signature) in signatures.iter().enumerate() {
        let mut findings = signature.findings.clone();
        if let Some(range) = signature.range {
            findings.push(Finding::new(
                Check::References,
                Outcome::Pass,
                "byte-range",
                format!(
                    "The signature covers {} octets, all but its own value, of one revision of the document.",
                    range.before + range.after
                ),
                format!("签名保护了该修订版本中除签名值外的全部 {} 字节。", range.before + range.after),
            ));
        }
        findings.extend(coverage(signature, &signatures, &latest)?);
        let (stamps, seen) = shown.stamps(signature, &latest)?;
        findings.push(seen);
        found.push(Found {
            kind: signature.kind(),
            name: signature.field.name.clone(),
            property: signature.form(),
            value: signature.value.clone(),
            digests: digests.remove(&index).unwrap_or_default(),
            signed: None,
            time: signature.time(),
            seal: None,
            stamps,
            findings,
        });
    }
    let mut findings = Vec::new();
    let (_, catalog) = latest.catalog()?;
    if latest.dict_at(&catalog, "AcroForm")?.get("XFA").is_some() {
        let en = "Some readers show the XFA form in this document instead of its pages.";
        findings.push(Finding::new(
            Check::Document,
            Outcome::Warning,
            "xfa",
            en,
            "文档含 XFA 表单，部分阅读器会显示表单而不是页面。",
        ));
    }
    if !document.starts_with(b"%PDF-") {
        let en = "Something stands before the header of the document.";
        findings.push(Finding::new(Check::Document, Outcome::Warning, "before-header", en, "文件头之前有其他内容。"));
    }
    let sizes: Vec<PageSize> = pages.iter().map(Page::size).collect();
    Ok(Facts { format: Format::Pdf, pages: sizes, signatures: found, findings, evidence: evidence(&latest)? })
}

/// The digests that each signature may want, by its place in the list. The file is gone through once for each hash
/// function, since what one signature covers begins with what the one before it covers.
fn digests(document: &[u8], signatures: &[Signature]) -> HashMap<usize, Vec<(Hash, Vec<u8>)>> {
    let mut wanting: HashMap<Hash, Vec<usize>> = HashMap::new();
    for (index, signature) in signatures.iter().enumerate().filter(|(_, signature)| signature.range.is_some()) {
        for hash in wanted(&signature.value) {
            wanting.entry(hash).or_default().push(index);
        }
    }
    let mut found: HashMap<usize, Vec<(Hash, Vec<u8>)>> = HashMap::new();
    for (hash, mut indices) in wanting {
        let range = |index: &usize| signatures.get(*index).and_then(|signature| signature.range);
        indices.sort_by_key(|index| range(index).map(|range| range.before));
        let Some(mut state) = State::new(hash) else { continue };
        let mut taken = 0;
        for index in indices {
            let Some(range) = range(&index) else { continue };
            state.update(document.get(taken..range.before).unwrap_or_default());
            taken = range.before;
            let mut whole = state.clone();
            whole.update(range.end().and_then(|end| document.get(range.from..end)).unwrap_or_default());
            found.entry(index).or_default().push((hash, whole.finish()));
        }
    }
    for digests in found.values_mut() {
        digests.sort_by_key(|(hash, _)| *hash != Hash::Sm3);
    }
    found
}
