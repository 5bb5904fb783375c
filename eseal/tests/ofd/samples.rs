//! Documents made by other software, where they are there.

use eseal::core::facts::{Hash, Kind};
use eseal::core::finding::{Check, Outcome};
use eseal::core::job::{Limits, Refused};
use eseal::core::ofd;
use eseal::core::place::{PageSize, Pages, Place, Rect};

use crate::paper::{codes, failures, on_first_page, order, parts, read, sealed, with};

fn sample(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("YINXIN_SAMPLES") else {
        eprintln!("LEFT OUT: {name}: set YINXIN_SAMPLES to the folder with files of other software");
        return None;
    };
    let path = std::path::Path::new(&folder).join("ofd").join(name);
    let read = std::fs::read(&path);
    if read.is_err() {
        eprintln!("LEFT OUT: {} is not there", path.display());
    }
    read.ok()
}

const A4: PageSize = PageSize { width: 210.0, height: 297.0 };

#[test]
fn a_plain_document_of_other_software_is_understood() {
    let Some(document) = sample("helloworld.ofd") else { return };
    let overview = ofd::inspect(&document, &Limits::default()).unwrap();
    assert_eq!((overview.pages, overview.signatures, overview.refused), (vec![A4], 0, None));
    assert_eq!(read(&document).signatures, []);
}

#[test]
fn a_document_of_other_software_takes_a_seal_over_its_words() {
    let Some(document) = sample("helloworld.ofd") else { return };
    let keyword = |text: &str| {
        vec![Place::Keyword { text: text.to_owned(), pages: Pages::All, occurrence: None, dx: 0.0, dy: 0.0 }]
    };
    // Boundary 31.7 25.4; the fifth character begins 4 x 3 mm to the right and ",OFD" is 1.5 mm a character wide,
    // but for the comma, which is 1.5 mm too: "OFD" stands at 31.7 + 13.5 to 18; base line 25.4 + 3.
    let prepared = ofd::prepare(&document, &order(keyword("OFD")), &Limits::default()).unwrap();
    let middle = |rect: Rect| (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    let (x, y) = middle(prepared.stamps[0].boundary);
    assert!((x - 47.45).abs() < 1.6 && (y - 27.3).abs() < 1.0, "{x} {y}");
    let facts = read(&prepared.finish(b"value").unwrap());
    assert_eq!(failures(&facts), []);
    assert_eq!(facts.signatures.len(), 1);
    let missing = ofd::prepare(&document, &order(keyword("nowhere")), &Limits::default());
    assert!(matches!(missing, Err(Refused::Place(_))), "{missing:?}");
}

#[test]
fn a_sealed_document_of_other_software_is_unchanged() {
    let Some(document) = sample("allprotected.ofd") else { return };
    let facts = read(&document);
    assert_eq!(failures(&facts), []);
    assert_eq!(
        codes(&facts, Outcome::Pass),
        [(Check::References, "unchanged"), (Check::Coverage, "all-covered"), (Check::Appearance, "shown")]
    );
    let found = &facts.signatures[0];
    assert_eq!((found.kind, found.name.as_str()), (Kind::OfdSeal, "001"));
    assert_eq!(found.property, "/Doc_0/Signs/Sign_0/Signature.xml");
    assert_eq!(found.time, "2020-10-23T11:45:37Z".parse().ok());
    assert_eq!(found.stamps[0].boundary, Rect { x: 50.0, y: 50.0, width: 40.0, height: 40.0 });
    assert_eq!((found.value.len(), found.seal.as_ref().map(Vec::len)), (17_726, Some(17_011)));
    // What the signer signed is in the value: the digest of Signature.xml.
    let digest = &found.digests.iter().find(|(hash, _)| *hash == Hash::Sm3).unwrap().1;
    assert!(found.value.windows(32).any(|window| window == digest));
    assert!(found.value.windows(17_011).any(|window| Some(window) == found.seal.as_deref()));
}

#[test]
fn a_document_that_is_protected_as_a_whole_takes_no_second_seal() {
    for name in ["allprotected.ofd", "V4RideRight.ofd"] {
        let Some(document) = sample(name) else { return };
        let overview = ofd::inspect(&document, &Limits::default()).unwrap();
        assert_eq!((overview.signatures, overview.refused.as_deref()), (1, Some("whole-protected")), "{name}");
        let refused = ofd::prepare(&document, &order(on_first_page()), &Limits::default()).unwrap_err();
        assert!(matches!(&refused, Refused::Unsuitable(word, _) if word == "whole-protected"), "{name}: {refused:?}");
    }
}

#[test]
fn a_riding_seal_of_other_software_lies_on_its_five_pages() {
    let Some(document) = sample("V4RideRight.ofd") else { return };
    let facts = read(&document);
    assert_eq!(failures(&facts), []);
    assert_eq!(facts.pages, [A4; 5]);
    let slices: Vec<_> = facts.signatures[0].stamps.iter().map(|s| (s.page, s.boundary.x, s.clip.unwrap().x)).collect();
    assert_eq!(slices, [(0, 202.0, 0.0), (1, 194.0, 8.0), (2, 186.0, 16.0), (3, 178.0, 24.0), (4, 170.0, 32.0)]);
}

#[test]
fn a_signature_without_a_seal_is_found_as_one() {
    let Some(document) = sample("DigitalSign.ofd") else { return };
    let facts = read(&document);
    assert_eq!(failures(&facts), []);
    let found = &facts.signatures[0];
    assert_eq!((found.kind, found.seal.is_none(), found.stamps.len(), found.value.len()), (Kind::OfdSign, true, 0, 70));
    // It leaves the list of signatures free, so another may follow.
    let facts = read(&sealed(&document, &order(on_first_page())));
    assert_eq!(failures(&facts), []);
    assert_eq!(facts.signatures.iter().map(|found| found.kind).collect::<Vec<_>>(), [Kind::OfdSign, Kind::OfdSeal]);
    assert_eq!(facts.signatures[1].name, "s002");
}

#[test]
fn every_protected_file_of_a_sample_is_checked() {
    let Some(document) = sample("V4RideRight.ofd") else { return };
    let signature = String::from_utf8(crate::paper::part(&document, "Doc_0/Signs/Sign_0/Signature.xml")).unwrap();
    for (name, octets) in parts(&document) {
        if octets.is_empty() || !signature.contains(&format!("FileRef=\"/{name}\"")) {
            continue;
        }
        // A space behind the root is not seen by a parser, but it is by a digest.
        let facts = read(&with(&document, &name, |octets| [octets, b" ".to_vec()].concat()));
        assert_eq!(failures(&facts), [(Check::References, "hash-differs")], "{name}");
    }
}
