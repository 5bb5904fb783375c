//! What a signature leaves unprotected. A page, a picture or an annotation that is in the package and in no
//! reference can be put there by anybody.

use std::collections::BTreeSet;

use super::super::super::finding::{Check, Finding, Outcome};
use super::super::body::{Documents, ROOT};
use super::super::path::folder;
use super::Signed;

/// Most files that are named in a finding.
const MOST_NAMED: usize = 5;

/// Finds the files that the signature does not cover.
pub(super) fn check(
    documents: &Documents<'_>,
    signed: &Signed<'_>,
    number: usize,
    covered: &BTreeSet<usize>,
) -> Finding {
    let package = &documents.package;
    let mut excused = machinery(documents, signed);
    if let Some(Ok((_, own))) = signed.files.get(number) {
        // Its own file and its value are what the value signs, or is.
        excused
            .extend([Some(&own.file), own.value.as_ref()].into_iter().flatten().filter_map(|file| package.find(file)));
    }
    let bare: Vec<(usize, &str)> = package
        .files()
        .filter(|(index, _)| !covered.contains(index) && !excused.contains(index))
        .map(|(index, entry)| (index, entry.name.as_str()))
        .collect();
    let other = signed.list.signatures.len() > 1;
    if bare.is_empty() {
        let (en, zh) = if other {
            ("Everything in the package but the other signatures is covered.", "除其他签名外，文件包内容均受保护。")
        } else {
            ("Everything in the package is covered.", "文件包内容全部受保护。")
        };
        return Finding::new(Check::Coverage, Outcome::Pass, "all-covered", en, zh);
    }
    let names: Vec<String> = bare.iter().take(MOST_NAMED).map(|(_, name)| format!("\"{name}\"")).collect();
    let (names, count) = (names.join(", "), bare.len());
    if shown(documents, covered, &bare) {
        return Finding::new(
            Check::Coverage,
            Outcome::Fail,
            "file-not-covered",
            format!("{count} files that the document may show are not covered by the signature: {names}."),
            format!("有{count}个可能被显示的文件不受签名保护：{names}。"),
        );
    }
    Finding::new(
        Check::Coverage,
        Outcome::Warning,
        "stray-file",
        format!(
            "{count} files in the package are not covered by the signature; the document does not name them: {names}."
        ),
        format!("文件包中有{count}个文件不受签名保护，文档未引用它们：{names}。"),
    )
}

/// The files that signatures consist of, which a signature cannot and need not cover: the list, and what each line
/// of it leads to. Only below the folder of the list, only what lies beside its `Signature.xml`, and never what the
/// document shows, or a page could hide behind a signature that is none.
fn machinery(documents: &Documents<'_>, signed: &Signed<'_>) -> BTreeSet<usize> {
    let package = &documents.package;
    let mut shown: BTreeSet<&str> = documents.pages().map(|page| page.file.as_str()).collect();
    shown.insert(ROOT);
    shown.extend(documents.bodies.iter().map(|body| body.file.as_str()));
    let home = folder(&signed.list.file);
    let mut files = vec![signed.list.file.as_str()];
    for (_, signature) in signed.files.iter().flatten() {
        let own = folder(&signature.file);
        let parts = [Some(&signature.file), signature.value.as_ref(), signature.seal.as_ref().and_then(Option::as_ref)];
        let beside = parts.into_iter().flatten().filter(|file| folder(file) == own && own.len() > home.len());
        files.extend(beside.map(String::as_str).filter(|_| own.starts_with(home)));
    }
    files.into_iter().filter(|file| !shown.contains(file)).filter_map(|file| package.find(file)).collect()
}

/// Whether what the document shows may name one of these files. Asked of the octets of the covered files, which
/// nobody but the signer chose: a file that none of them names is reached by nothing.
fn shown(documents: &Documents<'_>, covered: &BTreeSet<usize>, bare: &[(usize, &str)]) -> bool {
    let package = &documents.package;
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = bare.iter().map(|(_, name)| last(name)).collect();
    // Without the root of everything covered, anything may be shown.
    if !package.find(ROOT).is_some_and(|root| covered.contains(&root)) || names.len() > 100 {
        return true;
    }
    package.files().filter(|(index, entry)| covered.contains(index) && is_xml(&entry.name)).any(|(index, _)| {
        let Ok(octets) = package.unpack(index) else { return true };
        let Ok(text) = std::str::from_utf8(&octets) else { return true };
        names.iter().any(|name| text.contains(name.as_str()))
    })
}

fn is_xml(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".xml")
}
