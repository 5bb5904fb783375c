//! Seals put on documents and found again.

use eseal::core::facts::{Hash, Kind};
use eseal::core::finding::{Check, Outcome};
use eseal::core::job::{Limits, Refused};
use eseal::core::ofd;
use eseal::core::order::Form;
use eseal::core::place::{Edge, Pages, Place};

use crate::paper::{codes, document, failures, on_first_page, order, part, parts, read, replaced, sealed, with};

const SIGNATURE: &str = "Doc_0/Signs/Sign_0/Signature.xml";

#[test]
fn a_seal_is_found_where_it_was_put() {
    let prepared = ofd::prepare(&document(), &order(on_first_page()), &Limits::default()).unwrap();
    let (digest, stamps) = (prepared.digest.clone(), prepared.stamps.clone());
    assert_eq!((prepared.hash, prepared.property.as_str()), (Hash::Sm3, "/Doc_0/Signs/Sign_0/Signature.xml"));
    let package = prepared.finish(b"the value").unwrap();
    let facts = read(&package);
    assert_eq!(failures(&facts), []);
    assert_eq!(
        codes(&facts, Outcome::Pass),
        [(Check::References, "unchanged"), (Check::Coverage, "all-covered"), (Check::Appearance, "shown")]
    );
    let found = &facts.signatures[0];
    assert_eq!((found.kind, found.value.as_slice()), (Kind::OfdSeal, &b"the value"[..]));
    assert_eq!((found.seal.as_deref(), &found.stamps), (Some(&b"a seal"[..]), &stamps));
    assert_eq!(found.time, "2027-02-03T04:05:06Z".parse().ok());
    assert_eq!(found.digests[0], (Hash::Sm3, digest.clone()));
    assert_eq!(engine::sm3::hash(&part(&package, SIGNATURE)).to_vec(), digest);
    let overview = ofd::inspect(&package, &Limits::default()).unwrap();
    assert_eq!((overview.pages.len(), overview.signatures, overview.refused), (2, 1, None));
}

#[test]
fn the_same_order_gives_the_same_octets() {
    let (document, order) = (document(), order(on_first_page()));
    assert_eq!(sealed(&document, &order), sealed(&document, &order));
    let mut later = order.clone();
    later.at = crate::paper::at("2027-02-03T04:05:07Z");
    assert_ne!(sealed(&document, &order), sealed(&document, &later));
}

#[test]
fn only_the_root_and_the_list_change() {
    let before = document();
    let after = sealed(&before, &order(on_first_page()));
    for (name, octets) in parts(&before) {
        let now = part(&after, &name);
        if name == "OFD.xml" {
            let text = String::from_utf8(now).unwrap();
            let added = "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>";
            assert_eq!(text.replace(added, "").as_bytes(), octets);
        } else {
            assert_eq!(now, octets, "{name}");
        }
    }
}

#[test]
fn a_second_seal_leaves_the_first_as_it_is() {
    let first = sealed(&document(), &order(on_first_page()));
    let second = sealed(&first, &order(vec![Place::At { pages: Pages::All, x: 10.0, y: 10.0 }]));
    for (name, octets) in parts(&first) {
        if name != "Doc_0/Signs/Signatures.xml" {
            assert_eq!(part(&second, &name), octets, "{name}");
        }
    }
    let facts = read(&second);
    assert_eq!(failures(&facts), []);
    assert_eq!(codes(&facts, Outcome::Warning), []);
    let names: Vec<_> = facts.signatures.iter().map(|found| (found.name.as_str(), found.stamps.len())).collect();
    // The first took s001 for itself and s002 for its stamp.
    assert_eq!(names, [("s001", 1), ("s003", 2)]);
    assert_eq!(facts.signatures[1].property, "/Doc_0/Signs/Sign_1/Signature.xml");
    let third = sealed(&second, &order(on_first_page()));
    assert_eq!(failures(&read(&third)), []);
    assert!(String::from_utf8(part(&third, "Doc_0/Signs/Signatures.xml")).unwrap().contains("<ofd:MaxSignId>s007<"));
}

#[test]
fn the_second_seal_protects_the_first() {
    let first = sealed(&document(), &order(on_first_page()));
    let second = sealed(&first, &order(on_first_page()));
    let changed = with(&second, "Doc_0/Signs/Sign_0/SignedValue.dat", |_| b"another value".to_vec());
    assert_eq!(failures(&read(&changed)), [(Check::References, "hash-differs")]);
}

#[test]
fn a_riding_seal_lies_in_slices_on_every_page() {
    let riding = Place::Riding { pages: Pages::All, edge: Edge::Right, along: None, margin: 0.0, at_most: 10 };
    let facts = read(&sealed(&document(), &order(vec![riding])));
    assert_eq!(failures(&facts), []);
    let slices: Vec<_> =
        facts.signatures[0].stamps.iter().map(|s| (s.page, s.boundary.x, s.boundary.y, s.clip.unwrap())).collect();
    // Two pages, 40 mm: slices of 20 mm; the first shows the left half at 190 mm, the second the right half.
    let half = |x| eseal::core::place::Rect { x, y: 0.0, width: 20.0, height: 40.0 };
    assert_eq!(slices, [(0, 190.0, 128.5, half(0.0)), (1, 170.0, 128.5, half(20.0))]);
}

#[test]
fn a_seal_goes_over_the_words_it_is_told() {
    let over =
        |text: &str| Place::Keyword { text: text.to_owned(), pages: Pages::All, occurrence: None, dx: 0.0, dy: 0.0 };
    let stamps = |text: &str| {
        ofd::prepare(&document(), &order(vec![over(text)]), &Limits::default()).map(|prepared| prepared.stamps)
    };
    // The second line: base line 25 + 4.2 + 7 mm, size 4.2; the fourth and fifth character from 25 mm.
    let found = stamps("盖章").unwrap();
    assert_eq!(found.iter().map(|stamp| stamp.page).collect::<Vec<_>>(), [0, 1]);
    let (x, y) = (found[0].boundary.x + 20.0, found[0].boundary.y + 20.0);
    assert!((x - (25.0 + 4.0 * 4.2)).abs() < 0.1 && (y - (36.2 - 1.5)).abs() < 0.3, "{x} {y}");
    assert!(matches!(stamps("丙方"), Err(Refused::Place(_))));
}

#[test]
fn what_may_not_be_sealed_is_refused_by_name() {
    let limits = Limits::default();
    let word = |document: &[u8]| match ofd::prepare(document, &order(on_first_page()), &limits) {
        Err(Refused::Unsuitable(word, _)) => word,
        other => panic!("{other:?}"),
    };
    let forbidden = replaced(
        &document(),
        "Doc_0/Document.xml",
        "<ofd:Pages>",
        "<ofd:Permissions><ofd:Signature>false</ofd:Signature></ofd:Permissions><ofd:Pages>",
    );
    assert_eq!(word(&forbidden), "no-changes-allowed");
    let allowed = replaced(&forbidden, "Doc_0/Document.xml", ">false<", ">true<");
    assert!(ofd::prepare(&allowed, &order(on_first_page()), &limits).is_ok());
    let second = "<ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>";
    assert_eq!(word(&replaced(&document(), "OFD.xml", "</ofd:OFD>", second)), "several-documents");
    let sealed = sealed(&document(), &order(on_first_page()));
    assert_eq!(word(&with(&sealed, SIGNATURE, |_| b"<x/>".to_vec())), "signatures-unreadable");
    let whole = replaced(
        &sealed,
        SIGNATURE,
        "</ofd:References>",
        "<ofd:Reference FileRef=\"/Doc_0/Signs/Signatures.xml\"><ofd:CheckValue>AA==</ofd:CheckValue></ofd:Reference></ofd:References>",
    );
    assert_eq!(word(&whole), "whole-protected");
    let mut pdf_form = order(on_first_page());
    pdf_form.form = Form::Pades;
    assert_eq!(ofd::prepare(&document(), &pdf_form, &limits).unwrap_err(), Refused::Form);
    let encrypted = with(&document(), "Encryptions.xml", |_| b"<x/>".to_vec());
    assert_eq!(ofd::prepare(&encrypted, &order(on_first_page()), &limits).unwrap_err(), Refused::Encrypted);
}

#[test]
fn a_list_in_another_style_is_kept_in_it() {
    let sealed_once = sealed(&document(), &order(on_first_page()));
    let list = "<?xml version=\"1.0\"?>\n<Signatures xmlns=\"http://www.ofdspec.org/2016\">\n  \
                <Signature ID=\"7\" BaseLoc=\"Sign_0/Signature.xml\"/>\n  <MaxSignId>008</MaxSignId>\n</Signatures>\n";
    let other = with(&sealed_once, "Doc_0/Signs/Signatures.xml", |_| list.as_bytes().to_vec());
    let twice = sealed(&other, &order(on_first_page()));
    let now = String::from_utf8(part(&twice, "Doc_0/Signs/Signatures.xml")).unwrap();
    let wanted = list.replace("008", "010").replace(
        "\n</Signatures>",
        "\n<Signature ID=\"009\" Type=\"Seal\" BaseLoc=\"/Doc_0/Signs/Sign_1/Signature.xml\"/></Signatures>",
    );
    assert_eq!(now, wanted);
    assert_eq!(failures(&read(&twice)), []);
}
