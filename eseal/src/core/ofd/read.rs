//! Reading a sealed document: what its signatures say, whether what they protect is there unchanged, and what they
//! leave unprotected. Written against the standard and the files of other programs, not against our writer.

mod coverage;
mod references;

use super::super::facts::{Evidence, Facts, Format, Found, Hash, Kind};
use super::super::finding::{Check, Finding, Outcome};
use super::super::job::{Limits, Refused};
use super::body::{Body, Documents};
use super::fault::Fault;
use super::signature::{List, Listed, Signature};
use super::{digest, xml};

/// A list of signatures and what each line leads to.
struct Signed<'d> {
    body: &'d Body,
    list: List,
    /// The octets of `Signature.xml` and what they say, in the order of the list.
    files: Vec<Result<(Vec<u8>, Signature), xml::BadXml>>,
}

/// Finds the signatures and what they cover.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Facts, Refused> {
    let documents = Documents::open(bytes, limits)?;
    let mut faults = documents.faults.clone();
    let mut signatures = Vec::new();
    for body in &documents.bodies {
        let list = match List::read(&documents.package, body, limits) {
            Ok(Some(list)) => list,
            Ok(None) => continue,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        list.within(limits)?;
        let mut seen = std::collections::BTreeSet::new();
        for line in &list.signatures {
            if !seen.insert(&line.file) {
                faults.push(Fault::listed_twice(&line.id));
            }
        }
        let files = list.signatures.iter().map(|line| open(&documents, line, limits)).collect();
        let signed = Signed { body, list, files };
        let mut memory = references::Memory::default();
        for number in 0..signed.list.signatures.len() {
            signatures.push(found(&documents, &signed, number, &mut memory));
        }
        if signatures.len() > limits.signatures {
            return Err(Refused::TooLarge("signatures".to_owned()));
        }
    }
    Ok(Facts {
        format: Format::Ofd,
        pages: documents.sizes(),
        signatures,
        findings: faults.iter().map(Fault::finding).collect(),
        evidence: Evidence::default(),
    })
}

fn open(documents: &Documents<'_>, line: &Listed, limits: &Limits) -> Result<(Vec<u8>, Signature), xml::BadXml> {
    let package = &documents.package;
    let bad = |what: &str| xml::BadXml(what.to_owned());
    let file = line.file.as_deref().ok_or_else(|| bad("its path leads out of the package"))?;
    let bytes = package.read(file).ok_or_else(|| bad("it is not in the package"))?;
    let bytes = bytes.map_err(|_| bad("it does not unpack to what the package says of it"))?.into_owned();
    let read = Signature::read(&bytes, file, |name| package.find(name).is_some(), limits)?;
    Ok((bytes, read))
}

fn structure(code: &str, en: String, zh: String) -> Finding {
    Finding::new(Check::Structure, Outcome::Fail, code, en, zh)
}

fn found(documents: &Documents<'_>, signed: &Signed<'_>, number: usize, memory: &mut references::Memory) -> Found {
    let line = &signed.list.signatures[number];
    let mut found = Found {
        kind: line.kind,
        name: line.id.clone(),
        property: line.file.as_deref().map(|file| format!("/{file}")).unwrap_or_default(),
        value: Vec::new(),
        digests: Vec::new(),
        signed: None,
        time: None,
        seal: None,
        stamps: Vec::new(),
        findings: Vec::new(),
    };
    let (bytes, signature) = match &signed.files[number] {
        Ok((bytes, signature)) => (bytes, signature),
        Err(why) => {
            found.findings.push(structure(
                "signature-unreadable",
                format!("The file of the signature does not read: {}.", why.0),
                format!("签名描述文件无法读取：{}。", why.0),
            ));
            return found;
        }
    };
    found.digests = [Hash::Sm3, Hash::Sha256, Hash::Sha1].map(|hash| (hash, digest::of(hash, bytes))).to_vec();
    found.signed = Some(bytes.clone());
    found.time = signature.time;
    let package = &documents.package;
    let take = |file: &Option<String>| file.as_deref().and_then(|file| package.read(file)).and_then(Result::ok);
    match take(&signature.value) {
        Some(value) => found.value = value.into_owned(),
        None => found.findings.push(structure(
            "value-missing",
            "The value of the signature is not in the package.".to_owned(),
            "文件包中没有签名值。".to_owned(),
        )),
    }
    if let Some(file) = &signature.seal {
        match take(file) {
            Some(seal) => found.seal = Some(seal.into_owned()),
            None => found.findings.push(structure(
                "seal-missing",
                "The signature names a seal that is not in the package.".to_owned(),
                "签名引用的印章文件不在文件包中。".to_owned(),
            )),
        }
    }
    if signature.ambiguous {
        found.findings.push(structure(
            "ambiguous",
            "The file of the signature says twice what it must say once.".to_owned(),
            "签名描述文件中本应唯一的内容出现多次。".to_owned(),
        ));
    }
    let covered = references::check(documents, signature, memory, &mut found.findings);
    found.findings.push(coverage::check(documents, signed, number, &covered));
    appearance(&mut found, signature, signed.body);
    found
}

/// What a viewer will show of it. The picture itself comes from the seal in the value.
fn appearance(found: &mut Found, signature: &Signature, body: &Body) {
    let (stamps, lost) = signature.on_pages(body);
    found.stamps = stamps;
    let (outcome, code, en, zh) = match found.kind {
        _ if lost > 0 => (
            Outcome::Warning,
            "stamp-nowhere",
            format!("{lost} stamps of the signature lie on no page of the document."),
            format!("有{lost}个签章外观不在文档的任何页面上。"),
        ),
        Kind::OfdSeal if found.stamps.is_empty() => (
            Outcome::Warning,
            "no-stamp",
            "The seal is not shown on any page.".to_owned(),
            "印章未显示在任何页面上。".to_owned(),
        ),
        _ if found.stamps.is_empty() => return,
        _ => (
            Outcome::Pass,
            "shown",
            format!("The seal is shown at {} places that the signature names.", found.stamps.len()),
            format!("印章显示在签名所指定的{}处。", found.stamps.len()),
        ),
    };
    found.findings.push(Finding::new(Check::Appearance, outcome, code, en, zh));
}
