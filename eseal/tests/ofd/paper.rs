//! Documents, orders and packages for these tests. Packages are taken apart and put together by another library, so
//! that ours is not its own judge.

use std::io::{Cursor, Read as _, Write as _};

use eseal::core::facts::Facts;
use eseal::core::finding::{Check, Outcome};
use eseal::core::job::Limits;
use eseal::core::ofd;
use eseal::core::order::{Form, Order};
use eseal::core::picture::Picture;
use eseal::core::place::{Pages, Place};
use pki_config::Instant;

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A document of two pages with the words 甲方盖章 on the first.
pub fn document() -> Vec<u8> {
    let mut text = String::from("合同\n甲方（盖章）：\n");
    text.push_str(&"条款\n".repeat(40));
    text.push_str("乙方（盖章）：");
    let draft = ofd::write::plain("0123456789abcdef0123456789abcdef", "合同", at("2027-01-02T03:04:05Z"), &text);
    assert_eq!(draft.pages.len(), 2);
    ofd::write::write(&draft).unwrap()
}

pub fn order(places: Vec<Place>) -> Order {
    Order {
        form: Form::Seal,
        places,
        picture: Picture { png: Vec::new(), width: 40.0, height: 40.0 },
        seal: b"a seal".to_vec(),
        at: at("2027-02-03T04:05:06Z"),
        signer: "Signer".to_owned(),
        reason: None,
        location: None,
        reserve: 8_192,
    }
}

pub fn on_first_page() -> Vec<Place> {
    vec![Place::At { pages: Pages::These(vec![1]), x: 100.0, y: 200.0 }]
}

/// Sealed, with a value that says nothing.
pub fn sealed(document: &[u8], order: &Order) -> Vec<u8> {
    ofd::prepare(document, order, &Limits::default()).unwrap().finish(b"a value").unwrap()
}

/// The files of a package.
pub fn parts(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut octets = Vec::new();
        entry.read_to_end(&mut octets).unwrap();
        parts.push((entry.name().unwrap().into_owned(), octets));
    }
    parts
}

pub fn part(package: &[u8], name: &str) -> Vec<u8> {
    parts(package).into_iter().find(|(at, _)| at == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// A package of these files.
pub fn pack(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, octets) in parts {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The package with one file changed, or added.
pub fn with(package: &[u8], name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut parts = parts(package);
    match parts.iter_mut().find(|(at, _)| at == name) {
        Some((_, octets)) => *octets = change(std::mem::take(octets)),
        None => parts.push((name.to_owned(), change(Vec::new()))),
    }
    pack(&parts)
}

/// The package with a text replaced in one of its files.
pub fn replaced(package: &[u8], name: &str, from: &str, to: &str) -> Vec<u8> {
    with(package, name, |octets| {
        let text = String::from_utf8(octets).unwrap();
        assert!(text.contains(from), "{name} has no {from}: {text}");
        text.replacen(from, to, 1).into_bytes()
    })
}

pub fn read(package: &[u8]) -> Facts {
    ofd::read(package, &Limits::default()).unwrap()
}

/// Every code with this outcome, the document's own first, then signature by signature.
pub fn codes(facts: &Facts, outcome: Outcome) -> Vec<(Check, &str)> {
    let own = facts.findings.iter();
    let all = own.chain(facts.signatures.iter().flat_map(|found| &found.findings));
    all.filter(|finding| finding.outcome == outcome).map(|finding| (finding.check, finding.code.as_str())).collect()
}

/// What does not hold.
pub fn failures(facts: &Facts) -> Vec<(Check, &str)> {
    codes(facts, Outcome::Fail)
}
