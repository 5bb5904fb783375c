//! Documents that take a seal only in a certain way, or not at all, and are told so by name.

use eseal::core::finding::{Check, Outcome};
use eseal::core::job::{Limits, Refused};
use eseal::core::order::Form;
use eseal::core::pdf;
use eseal::core::place::{Pages, Place};

use crate::judges::{qpdf_is_content, rewritten};
use crate::paper::{Kind, Sheet, limits, order, paper, simple, stream};

fn why(document: &[u8], form: Form) -> String {
    match pdf::prepare(document, &order(form), &limits()) {
        Err(Refused::Unsuitable(word, _)) => word,
        Err(other) => format!("{other:?}"),
        Ok(_) => "taken".to_owned(),
    }
}

/// A document that its author certified, with changes allowed to that level.
fn certified(level: i64) -> Vec<u8> {
    let signature = format!(
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/Contents<3000>/ByteRange[0 1 2 3]/Reference[<</TransformMethod/DocMDP/TransformParams<</P {level}/V/1.2>>>>]>>"
    );
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(author)/V 91 0 R/Rect[0 0 0 0]/F 132>>".to_owned();
    let catalog = "/AcroForm<</Fields[90 0 R]/SigFlags 3>>/Perms<</DocMDP 91 0 R>>";
    paper(Kind::Table, &vec![Sheet::default(); 2], catalog, &[(90, field), (91, signature)])
}

#[test]
fn a_document_under_a_password_is_refused() {
    let arguments = ["--allow-weak-crypto", "--encrypt", "", "owner", "256", "--"];
    let Some(locked) = rewritten(&simple(), &arguments) else { return };
    assert_eq!(pdf::prepare(&locked, &order(Form::Seal), &limits()), Err(Refused::Encrypted));
    assert_eq!(pdf::read(&locked, &limits()), Err(Refused::Encrypted));
    assert_eq!(pdf::inspect(&locked, &limits()).unwrap().refused.as_deref(), Some("encrypted"));
    assert_eq!(pdf::inspect(&simple(), &limits()).unwrap().refused, None);
}

#[test]
fn an_xfa_form_is_refused() {
    let form = paper(Kind::Table, &[Sheet::default()], "/AcroForm<</Fields[]/XFA 90 0 R>>", &[(90, stream("<xdp/>"))]);
    assert_eq!(why(&form, Form::Seal), "xfa");
    assert_eq!(pdf::inspect(&form, &limits()).unwrap().refused.as_deref(), Some("xfa"));
    let plain = paper(Kind::Table, &[Sheet::default()], "/AcroForm<</Fields[]>>", &[]);
    assert_eq!(why(&plain, Form::Seal), "taken");
}

#[test]
fn a_certified_document_takes_what_its_author_allows() {
    assert_eq!(why(&certified(1), Form::Cms), "no-changes-allowed");
    assert_eq!(why(&certified(2), Form::Cms), "taken");
    let mut several = order(Form::Cms);
    several.places = vec![Place::At { pages: Pages::All, x: 10.0, y: 10.0 }];
    let refused = pdf::prepare(&certified(2), &several, &limits());
    assert!(matches!(refused, Err(Refused::Unsuitable(word, _)) if word == "one-place-only"));
    assert!(pdf::prepare(&certified(3), &several, &limits()).is_ok());
}

#[test]
fn an_archival_document_stays_one() {
    let of_part = |part: u8| {
        let metadata = format!("<x:xmpmeta><rdf:Description pdfaid:part='{part}' pdfaid:conformance='B'/></x:xmpmeta>");
        let metadata = stream(&metadata).replacen("<<", "<</Type/Metadata/Subtype/XML", 1);
        paper(Kind::Table, &[Sheet::default()], "/Metadata 90 0 R", &[(90, metadata)])
    };
    let has = |document: &[u8], word: &str| document.windows(word.len()).any(|window| window == word.as_bytes());
    let sealed =
        |document: &[u8], form| pdf::prepare(document, &order(form), &limits()).unwrap().finish(&[0x30, 0]).unwrap();
    // PDF/A-1 (ISO 19005-1 6.4) has no soft masks; colours must be of a known space (6.2.3).
    let first = sealed(&of_part(1), Form::Seal);
    assert!(has(&first, "/CalRGB") && has(&first, "/Mask ") && !has(&first, "/SMask") && !has(&first, "/DeviceRGB"));
    qpdf_is_content(&first);
    // PDF/A-2 (ISO 19005-2 6.4.3) has no signatures but CMS.
    assert_eq!(why(&of_part(2), Form::Seal), "pdf-a-form");
    let second = sealed(&of_part(2), Form::Pades);
    assert!(has(&second, "/CalRGB") && has(&second, "/SMask"));
    let plain = sealed(&simple(), Form::Seal);
    assert!(has(&plain, "/SMask") && has(&plain, "/DeviceRGB"));
}

#[test]
fn what_is_too_large_is_refused() {
    let small = |change: fn(&mut Limits)| {
        let mut limits = limits();
        change(&mut limits);
        pdf::inspect(&paper(Kind::Streams, &vec![Sheet::default(); 9], "", &[]), &limits)
    };
    assert!(small(|_| ()).is_ok());
    for change in [
        |l: &mut Limits| l.document = 1000,
        |l: &mut Limits| l.pages = 8,
        |l: &mut Limits| l.entries = 10,
        |l: &mut Limits| l.unpacked = 500,
    ] {
        assert!(matches!(small(change), Err(Refused::TooLarge(_))));
    }
    // Arrays within arrays.
    let deep = paper(Kind::Table, &[Sheet::default()], &format!("/Deep {}{}", "[".repeat(5000), "]".repeat(5000)), &[]);
    assert!(pdf::inspect(&deep, &limits()).is_err());
}

#[test]
fn a_document_that_runs_in_circles_is_refused() {
    let circle = |catalog: &str, more: (u32, &str)| {
        let document = paper(Kind::Table, &[Sheet::default()], catalog, &[(more.0, more.1.to_owned())]);
        pdf::inspect(&document, &limits())
    };
    assert!(circle("/AcroForm 90 0 R", (90, "<</Fields[]>>")).is_ok());
    assert!(circle("/AcroForm 90 0 R", (90, "90 0 R")).is_err());
    assert!(circle("/AcroForm<</Fields[90 0 R]>>", (90, "<</T(a)/Kids[90 0 R]>>")).is_err());
    assert!(circle("", (2, "<</Type/Pages/Kids[2 0 R]/Count 1>>")).is_err());
    let mut document = simple();
    let text = String::from_utf8_lossy(&document).into_owned();
    let start: usize = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let at = document.windows(5).rposition(|five| five == b"/Root").unwrap();
    document.splice(at..at, format!("/Prev {start}").into_bytes());
    assert!(pdf::inspect(&document, &limits()).is_err());
}

#[test]
fn a_seal_that_is_hidden_is_told() {
    let prepared = pdf::prepare(&simple(), &order(Form::Seal), &limits()).unwrap();
    let text = String::from_utf8_lossy(&prepared.document).into_owned();
    assert!(text.contains("/F 132"));
    let mut hidden = prepared.finish(&[0x30, 0]).unwrap();
    let at = hidden.windows(6).position(|six| six == b"/F 132").unwrap();
    hidden[at + 3..at + 6].copy_from_slice(b"134");
    let facts = pdf::read(&hidden, &limits()).unwrap();
    let seen = facts.signatures[0].findings.iter().find(|finding| finding.check == Check::Appearance).unwrap();
    assert_eq!((seen.outcome, seen.code.as_str()), (Outcome::Warning, "hidden"));
}
