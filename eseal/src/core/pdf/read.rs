//! A document read back as a stranger would: its signatures, what they cover, where the pages show them.

use std::collections::HashMap;

use super::coverage::coverage;
use super::digest::{State, wanted};
use super::evidence::evidence;
use super::file::File;
use super::file::Revision;
use super::form::{form, text};
use super::object::{Dict, Object, Ref};
use super::page::{Page, rectangle, tree};
use super::signature::Signature;
use super::suitable::not_encrypted;
use crate::core::facts::{Facts, Format, Found, Hash};
use crate::core::finding::{Check, Finding, Outcome};
use crate::core::job::{Limits, Refused};
use crate::core::place::{PageSize, Stamp};

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
        let (stamps, seen) = shown.stamps(signature);
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

/// The annotations on the pages.
struct Shown {
    by_name: HashMap<Ref, (u32, Dict)>,
    /// Stamps by what they are called.
    by_label: HashMap<String, Ref>,
    pages: Vec<Page>,
    rectangles: HashMap<Ref, [f64; 4]>,
}

impl Shown {
    fn of(latest: &Revision<'_, '_>, pages: &[Page]) -> Result<Self, Refused> {
        let mut shown = Self {
            by_name: HashMap::new(),
            by_label: HashMap::new(),
            pages: pages.to_vec(),
            rectangles: HashMap::new(),
        };
        for (number, page) in (0_u32..).zip(pages) {
            for name in latest.array_at(&page.dict, "Annots")?.iter().filter_map(Object::as_ref) {
                if shown.by_name.len() >= latest.file.limits.entries {
                    return Err(Refused::TooLarge("annotations".to_owned()));
                }
                let Object::Dict(dict) = latest.get(name)? else { continue };
                if !dict.is("Subtype", "Widget") && !dict.is("Subtype", "Stamp") {
                    continue;
                }
                if let Some(rectangle) = dict.get("Rect").map_or(Ok(None), |rect| rectangle(latest, rect))? {
                    shown.rectangles.insert(name, rectangle);
                }
                if let Some(label) = dict.get("NM").and_then(Object::as_str).filter(|_| dict.is("Subtype", "Stamp")) {
                    shown.by_label.insert(text(label), name);
                }
                shown.by_name.insert(name, (number, dict));
            }
        }
        Ok(shown)
    }

    fn stamp(&self, name: Ref) -> Option<Stamp> {
        let (page, _) = self.by_name.get(&name)?;
        let boundary = self.pages.get(usize::try_from(*page).ok()?)?.from_points(*self.rectangles.get(&name)?);
        (boundary.width > 0.0 && boundary.height > 0.0).then_some(Stamp { page: *page, boundary, clip: None })
    }

    /// Where the signature is seen, and whether it is.
    fn stamps(&self, signature: &Signature) -> (Vec<Stamp>, Finding) {
        let mut names = signature.field.widgets.clone();
        names.extend((2_u32..).map_while(|number| self.by_label.get(&format!("{}.{number}", signature.field.name))));
        let stamps: Vec<Stamp> = names.iter().filter_map(|name| self.stamp(*name)).collect();
        let finding = |outcome, code, en, zh| Finding::new(Check::Appearance, outcome, code, en, zh);
        if stamps.is_empty() {
            return (
                stamps,
                finding(
                    Outcome::NotChecked,
                    "invisible",
                    "The signature is not shown on any page.",
                    "签名没有显示在任何页面上。",
                ),
            );
        }
        let hidden = names.iter().filter_map(|name| self.by_name.get(name)).any(|(_, dict)| {
            // 12.5.3: hidden, or not on the screen; or only with a layer that can be switched off.
            dict.get("F").and_then(Object::as_int).unwrap_or(0) & (2 | 32) != 0 || dict.get("OC").is_some()
        });
        let inside = stamps.iter().all(|stamp| {
            let size = usize::try_from(stamp.page).ok().and_then(|page| self.pages.get(page)).map(Page::size);
            size.is_some_and(|size| {
                let b = stamp.boundary;
                b.x < size.width && b.y < size.height && b.x + b.width > 0.0 && b.y + b.height > 0.0
            })
        });
        if hidden || !inside {
            return (
                stamps,
                finding(
                    Outcome::Warning,
                    "hidden",
                    "A place of the signature is hidden or lies off its page.",
                    "签名的某个显示位置被隐藏或在页面之外。",
                ),
            );
        }
        (
            stamps,
            finding(
                Outcome::Pass,
                "shown",
                "What the pages show of the signature is part of what it covers.",
                "页面上显示的印章在签名保护范围之内。",
            ),
        )
    }
}
