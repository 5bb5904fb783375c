//! Whether every file that a signature refers to is there, unchanged.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::facts::Hash;
use super::super::super::finding::{Check, Finding, Outcome};
use super::super::body::Documents;
use super::super::digest;
use super::super::signature::{Reference, Signature};

/// Most faults that one signature reports by name.
const MOST_NAMED: usize = 20;

/// Digests of files, so that many signatures over one document hash it once. `None`: does not unpack.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<(usize, u8), Option<Vec<u8>>>);

impl Memory {
    fn digest(&mut self, documents: &Documents<'_>, index: usize, hash: Hash) -> Option<&[u8]> {
        let digest = self
            .0
            .entry((index, hash as u8))
            .or_insert_with(|| documents.package.unpack(index).ok().map(|octets| digest::of(hash, &octets)));
        digest.as_deref()
    }
}

fn finding(outcome: Outcome, code: &str, en: String, zh: String) -> Finding {
    Finding::new(Check::References, outcome, code, en, zh)
}

fn failed(code: &str, en: String, zh: String) -> Option<Finding> {
    Some(finding(Outcome::Fail, code, en, zh))
}

/// Checks the references and returns the numbers of the files that they name.
pub(super) fn check(
    documents: &Documents<'_>,
    signature: &Signature,
    memory: &mut Memory,
    findings: &mut Vec<Finding>,
) -> BTreeSet<usize> {
    let package = &documents.package;
    let named = signature.references.iter().filter_map(|reference| package.find(reference.file.as_deref()?));
    let covered: BTreeSet<usize> = named.collect();
    let Some(hash) = signature.hash() else {
        let name = signature.method.as_deref().unwrap_or_default();
        findings.push(finding(
            Outcome::Unknown,
            "hash-unknown",
            format!("The digests of the protected files are by a method that is not known here: {name}."),
            format!("保护文件所用的杂凑算法未知：{name}。"),
        ));
        return covered;
    };
    let before = findings.len();
    let faults = signature.references.iter().filter_map(|line| fault(documents, signature, line, hash, memory));
    findings.extend(faults.take(MOST_NAMED));
    if signature.references.is_empty() {
        findings.extend(failed(
            "no-references",
            "The signature protects no file.".to_owned(),
            "签名未保护任何文件。".to_owned(),
        ));
    }
    if digest::is_weak(hash) {
        findings.push(finding(
            Outcome::Warning,
            "weak-hash",
            "The digests of the protected files are by a weak hash function (MD5 or SHA-1).".to_owned(),
            "保护文件使用了弱杂凑算法（MD5或SHA-1）。".to_owned(),
        ));
    }
    if findings.len() == before {
        let count = signature.references.len();
        findings.push(finding(
            Outcome::Pass,
            "unchanged",
            format!("All {count} protected files are unchanged."),
            format!("全部{count}个受保护文件均未改动。"),
        ));
    }
    covered
}

fn fault(
    documents: &Documents<'_>,
    signature: &Signature,
    line: &Reference,
    hash: Hash,
    memory: &mut Memory,
) -> Option<Finding> {
    let said = &line.said;
    let Some(file) = &line.file else {
        return failed(
            "path-outside",
            format!("The signature refers to a path outside of the package: \"{said}\"."),
            format!("签名引用了文件包之外的路径：“{said}”。"),
        );
    };
    if *file == signature.file || Some(file) == signature.value.as_ref() {
        return failed(
            "refers-to-itself",
            format!("The signature refers to a file of its own that comes after it: \"{said}\"."),
            format!("签名引用了自身的文件：“{said}”。"),
        );
    }
    let Some(index) = documents.package.find(file) else {
        return failed(
            "file-missing",
            format!("A protected file is missing: \"{said}\"."),
            format!("受保护的文件缺失：“{said}”。"),
        );
    };
    let Some(digest) = memory.digest(documents, index, hash) else {
        return failed(
            "file-unreadable",
            format!("A protected file does not unpack: \"{said}\"."),
            format!("受保护的文件无法解压：“{said}”。"),
        );
    };
    match &line.digest {
        Some(expected) if expected == digest => None,
        _ => failed(
            "hash-differs",
            format!("A protected file was changed: \"{said}\"."),
            format!("受保护的文件已被改动：“{said}”。"),
        ),
    }
}
