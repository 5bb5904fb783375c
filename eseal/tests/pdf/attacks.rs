//! What can be done to a sealed document, and that each of it is found.

use eseal::core::facts::{Facts, Found};
use eseal::core::finding::{Check, Outcome};
use eseal::core::order::Form;
use eseal::core::pdf;
use eseal::core::place::{Pages, Place};

use crate::paper::{Kind, Sheet, appended, limits, order, paper, stream};

/// A certificate-less value: what is read here is the document, not the value.
const VALUE: [u8; 5] = [0x30, 3, 2, 1, 5];

fn seal(document: &[u8]) -> Vec<u8> {
    pdf::prepare(document, &order(Form::Seal), &limits()).unwrap().finish(&VALUE).unwrap()
}

fn two_pages() -> Vec<u8> {
    paper(Kind::Table, &[Sheet::default(), Sheet::default()], "", &[])
}

fn facts(document: &[u8]) -> Facts {
    pdf::read(document, &limits()).unwrap()
}

/// Worst outcome of a check, and its code.
fn worst(found: &Found, check: Check) -> (Outcome, &str) {
    let of_check = found.findings.iter().filter(|finding| finding.check == check);
    of_check.map(|finding| (finding.outcome, finding.code.as_str())).max().unwrap_or((Outcome::Unknown, "nothing said"))
}

#[track_caller]
fn found_out(document: &[u8], check: Check, code: &str) {
    let facts = facts(document);
    assert_eq!(worst(&facts.signatures[0], check), (Outcome::Fail, code), "{:#?}", facts.signatures[0].findings);
}

/// Replaces the only occurrence by something as long.
#[track_caller]
fn swapped(document: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..document.len()).filter(|at| document[*at..].starts_with(from)).collect();
    assert_eq!(places.len(), 1, "{}", String::from_utf8_lossy(from));
    let mut out = document.to_vec();
    out[places[0]..places[0] + to.len()].copy_from_slice(to);
    out
}

#[test]
fn an_untouched_document_is_sound() {
    for kind in [Kind::Table, Kind::Streams] {
        let before = paper(kind, &[Sheet::default()], "", &[]);
        let prepared = pdf::prepare(&before, &order(Form::Seal), &limits()).unwrap();
        let facts = facts(&prepared.clone().finish(&VALUE).unwrap());
        let [found] = facts.signatures.as_slice() else { panic!("{facts:?}") };
        assert_eq!(worst(found, Check::References), (Outcome::Pass, "byte-range"));
        assert_eq!(worst(found, Check::Coverage), (Outcome::Pass, "whole-file"));
        assert_eq!(worst(found, Check::Appearance), (Outcome::Pass, "shown"));
        assert_eq!(
            (found.value.as_slice(), found.property.as_str(), found.name.as_str()),
            (VALUE.as_slice(), "GM.sm2seal", "Seal 1")
        );
        assert_eq!(found.digests[0].1, prepared.digest);
        assert_eq!(found.time, Some("2026-11-21T08:00:00Z".parse().unwrap()));
        let at = found.stamps[0].boundary;
        assert!((at.x - 100.0).abs() < 0.01 && (at.y - 200.0).abs() < 0.01 && (at.width - 40.0).abs() < 0.01, "{at:?}");
    }
}

#[test]
fn a_second_seal_does_not_break_the_first() {
    for kind in [Kind::Table, Kind::Streams] {
        let mut order = order(Form::Seal);
        order.places = vec![Place::At { pages: Pages::All, x: 10.0, y: 10.0 }];
        let mut document = paper(kind, &vec![Sheet::default(); 3], "", &[]);
        for round in 1..=3 {
            document = pdf::prepare(&document, &order, &limits()).unwrap().finish(&VALUE).unwrap();
            let facts = facts(&document);
            assert_eq!(facts.signatures.len(), round);
            for (index, found) in facts.signatures.iter().enumerate() {
                let code = if index + 1 == round { "whole-file" } else { "later-signatures" };
                assert_eq!(worst(found, Check::Coverage), (Outcome::Pass, code), "{:#?}", found.findings);
                assert_eq!(found.stamps.len(), 3);
            }
        }
        crate::judges::qpdf_is_content(&document);
    }
}

#[test]
fn any_octet_changed_changes_the_digest() {
    let prepared = pdf::prepare(&two_pages(), &order(Form::Seal), &limits()).unwrap();
    let sealed = prepared.clone().finish(&VALUE).unwrap();
    assert_eq!(facts(&sealed).signatures[0].digests[0].1, prepared.digest);
    let start = sealed.windows(10).position(|ten| ten == b"/Contents<").unwrap() + 9;
    let end = start + 8192 * 2 + 2;
    for at in (0..start).chain(end..sealed.len()).step_by(37) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        // Either it does not read any more, or the signature is not there, or what it covers is not what was signed.
        let Ok(facts) = pdf::read(&changed, &limits()) else { continue };
        assert!(
            facts.signatures.iter().all(|found| found.digests.iter().all(|(_, digest)| *digest != prepared.digest)),
            "octet {at}"
        );
    }
}

#[test]
fn a_page_replaced_later_is_found() {
    let forged = stream("BT /F1 18 Tf 72 700 Td (Contract of gift) Tj ET");
    found_out(&appended(&seal(&two_pages()), &[(5, forged)]), Check::Coverage, "page-changed");
}

#[test]
fn a_font_replaced_later_is_found() {
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>".to_owned();
    found_out(&appended(&seal(&two_pages()), &[(3, font)]), Check::Coverage, "page-changed");
}

#[test]
fn a_page_added_later_is_found() {
    let pages = "<</Type/Pages/Count 3/Kids[4 0 R 6 0 R 900 0 R]>>".to_owned();
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>".to_owned();
    found_out(&appended(&seal(&two_pages()), &[(2, pages), (900, page)]), Check::Coverage, "pages-changed");
    let turned = "<</Type/Pages/Count 2/Kids[6 0 R 4 0 R]>>".to_owned();
    found_out(&appended(&seal(&two_pages()), &[(2, turned)]), Check::Coverage, "pages-changed");
    let narrowed = "<</Type/Pages/Count 2/Kids[4 0 R 6 0 R]/CropBox[0 0 300 300]>>".to_owned();
    found_out(&appended(&seal(&two_pages()), &[(2, narrowed)]), Check::Coverage, "page-changed");
}

#[test]
fn an_object_freed_later_is_found() {
    let sealed = seal(&two_pages());
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let previous = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap();
    let mut out = sealed.clone();
    let start = out.len();
    out.extend_from_slice(format!("xref\n5 1\n0000000000 00001 f\r\ntrailer\n<</Size 1000/Root 1 0 R/Prev {previous}>>\nstartxref\n{start}\n%%EOF\n").as_bytes());
    found_out(&out, Check::Coverage, "page-changed");
}

#[test]
fn an_object_hidden_before_signing_and_brought_to_light_later_is_found() {
    // The first revision's page content is object 5; the signed file holds another object 5 that nothing names.
    let hidden = format!("5 0 obj\n{}\nendobj\n", stream("BT /F1 18 Tf 72 700 Td (You owe a million) Tj ET"));
    let plain = two_pages();
    let at = plain.windows(5).position(|five| five == b"xref\n").unwrap();
    let mut prepared_by_attacker = plain[..at].to_vec();
    prepared_by_attacker.extend_from_slice(hidden.as_bytes());
    let table = prepared_by_attacker.len();
    let rest =
        String::from_utf8_lossy(&plain[at..]).replace(&format!("startxref\n{at}"), &format!("startxref\n{table}"));
    prepared_by_attacker.extend_from_slice(rest.as_bytes());
    let sealed = seal(&prepared_by_attacker);
    assert_eq!(worst(&facts(&sealed).signatures[0], Check::Coverage).0, Outcome::Pass);
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let previous = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap();
    let mut out = sealed.clone();
    let start = out.len();
    out.extend_from_slice(
        format!("xref\n5 1\n{at:010} 00000 n\r\ntrailer\n<</Size 1000/Root 1 0 R/Prev {previous}>>\nstartxref\n{start}\n%%EOF\n").as_bytes(),
    );
    found_out(&out, Check::Coverage, "page-changed");
}

#[test]
fn a_reference_that_led_nowhere_and_leads_somewhere_later_is_found() {
    let before = paper(Kind::Table, &[Sheet::default()], "/OpenAction 90 0 R", &[]);
    let sealed = seal(&before);
    assert_eq!(worst(&facts(&sealed).signatures[0], Check::Coverage).0, Outcome::Pass);
    let action = "<</S/JavaScript/JS(app.alert\\(1\\))>>".to_owned();
    found_out(&appended(&sealed, &[(90, action)]), Check::Coverage, "document-changed");
}

#[test]
fn what_is_appended_without_being_an_update_is_found() {
    let mut commented = seal(&two_pages());
    commented.extend_from_slice(b"5 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n");
    found_out(&commented, Check::Coverage, "appended-octets");
    // A second startxref that leads to the signed revision's own section.
    let sealed = seal(&two_pages());
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let previous = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().to_owned();
    let mut repeated = commented;
    repeated.extend_from_slice(format!("startxref\n{previous}\n%%EOF\n").as_bytes());
    found_out(&repeated, Check::Coverage, "appended-octets");
}

#[test]
fn an_object_that_no_cross_reference_names_is_found() {
    let evidence = eseal::core::facts::Evidence { certificates: vec![vec![0x30, 0]], ..Default::default() };
    let sealed = seal(&two_pages());
    let honest = pdf::embed_evidence(&sealed, &evidence, &limits()).unwrap();
    assert_eq!(worst(&facts(&honest).signatures[0], Check::Coverage), (Outcome::Pass, "later-evidence"));
    // The same with one more object between: readers that repair files show it.
    let mut smuggled = sealed.clone();
    smuggled.extend_from_slice(format!("5 0 obj\n{}\nendobj\n", stream("(forged)")).as_bytes());
    let smuggled = appended(&smuggled, &[(901, "<</Nothing true>>".to_owned())]);
    found_out(&smuggled, Check::Coverage, "hidden-object");
}

#[test]
fn something_put_on_a_page_later_is_found() {
    let note =
        "<</Type/Annot/Subtype/FreeText/Rect[72 690 300 720]/Contents(Contract of gift)/DA(/F1 18 Tf)>>".to_owned();
    let sealed = seal(&two_pages());
    let page = "<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents 7 0 R/MediaBox[0 0 595.276 841.89]/Annots[900 0 R]>>";
    found_out(&appended(&sealed, &[(6, page.to_owned()), (900, note)]), Check::Coverage, "annotation-changed");
    // A stamp that says it belongs to the seal, but was not there when it was made.
    let stamp = "<</Type/Annot/Subtype/Stamp/Rect[72 690 300 720]/NM(Seal 1.2)>>".to_owned();
    found_out(&appended(&sealed, &[(6, page.to_owned()), (900, stamp.clone())]), Check::Coverage, "annotation-changed");
    // The same when a second seal was made meanwhile, which it also does not belong to.
    let twice = seal(&sealed);
    let forged = stamp.replace("Seal 1.2", "Seal 2.2");
    let facts = facts(&appended(&twice, &[(6, page.to_owned()), (900, forged)]));
    for found in &facts.signatures {
        assert_eq!(worst(found, Check::Coverage), (Outcome::Fail, "annotation-changed"));
    }
}

#[test]
fn another_picture_in_the_place_of_the_seal_is_found() {
    let sealed = seal(&two_pages());
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let form: u32 = text.split("/AP <</N ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let forged = "<</Type/XObject/Subtype/Form/BBox[0 0 113 113]/Length 0>>\nstream\n\nendstream".to_owned();
    found_out(&appended(&sealed, &[(form, forged)]), Check::Coverage, "field-changed");
}

#[test]
fn a_gap_wider_than_the_value_is_found() {
    let sealed = seal(&two_pages());
    let start = sealed.windows(10).position(|ten| ten == b"/Contents<").unwrap() + 9;
    let numbers = format!("/ByteRange[0 {start:010} ");
    let narrower = format!("/ByteRange[0 {:010} ", start - 200);
    found_out(&swapped(&sealed, numbers.as_bytes(), narrower.as_bytes()), Check::References, "byte-range-gap");
    let elsewhere = format!("/ByteRange[1 {start:010} ");
    found_out(&swapped(&sealed, numbers.as_bytes(), elsewhere.as_bytes()), Check::References, "byte-range-malformed");
    let end = start + 8192 * 2 + 2;
    let (whole, cut) =
        (format!("{end:010} {:010}]", sealed.len() - end), format!("{end:010} {:010}]", sealed.len() - end - 30));
    found_out(&swapped(&sealed, whole.as_bytes(), cut.as_bytes()), Check::References, "byte-range-end");
    // Within the last line, `%%EOF`.
    let cut = format!("{end:010} {:010}]", sealed.len() - end - 3);
    found_out(&swapped(&sealed, whole.as_bytes(), cut.as_bytes()), Check::References, "byte-range-end");
}

#[test]
fn a_signature_without_value_or_range_is_no_signature() {
    let sealed = seal(&two_pages());
    found_out(&swapped(&sealed, b"/ByteRange[", b"/ByteRangf["), Check::References, "no-byte-range");
    found_out(&swapped(&sealed, b"/Contents<3", b"/Contentz<3"), Check::Structure, "no-contents");
    let start = sealed.windows(10).position(|ten| ten == b"/Contents<").unwrap() + 10;
    let mut padded = sealed.clone();
    padded[start + 8192 * 2 - 1] = b'7';
    found_out(&padded, Check::Structure, "contents-padding");
}

#[test]
fn a_signature_carried_over_from_another_document_is_found() {
    // The signature dictionary of a sealed document, whose ranges fit that one.
    let sealed = seal(&two_pages());
    let start = sealed.windows(16).position(|window| window == b"<</Type/Sig/Filt").unwrap();
    let end = start + sealed[start..].windows(7).position(|seven| seven == b"\nendobj").unwrap();
    let dictionary = String::from_utf8_lossy(&sealed[start..end]).into_owned();
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal 1)/V 91 0 R/Rect[0 0 10 10]/F 132>>".to_owned();
    let other = paper(
        Kind::Table,
        &[Sheet { keys: "/MediaBox[0 0 595 842]/Annots[90 0 R]".to_owned(), ..Sheet::default() }],
        "/AcroForm<</Fields[90 0 R]/SigFlags 3>>",
        &[(90, field), (91, dictionary)],
    );
    found_out(&other, Check::References, "byte-range-gap");
}

#[test]
fn a_signature_that_nothing_led_to_when_it_was_made_is_found() {
    // A dictionary whose ranges are right lies in the file, but no field of that revision holds it; one does later.
    let dictionary = "<</Type/Sig/ByteRange[0 1111111111 2222222222 3333333333]/Contents<3000>>>".to_owned();
    let text = paper(Kind::Table, &[Sheet::default()], "", &[(91, dictionary)]);
    let start = text.windows(10).position(|ten| ten == b"/Contents<").unwrap() + 9;
    let end = start + 6;
    let text = swapped(&text, b"1111111111", format!("{start:010}").as_bytes());
    let text = swapped(&text, b"2222222222", format!("{end:010}").as_bytes());
    let length = text.len() - end;
    let text = swapped(&text, b"3333333333", format!("{length:010}").as_bytes());
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(late)/V 91 0 R/Rect[0 0 0 0]/F 132>>".to_owned();
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[92 0 R]/SigFlags 3>>>>".to_owned();
    found_out(&appended(&text, &[(1, catalog), (92, field)]), Check::References, "not-in-its-revision");
}

#[test]
fn a_place_for_a_signature_with_a_picture_and_no_signature_is_found() {
    let sealed = seal(&two_pages());
    let text = String::from_utf8_lossy(&sealed).into_owned();
    let form = text.split("/AP <</N ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let mine = text.split("/Fields [").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let overlay = format!("<</Type/Annot/Subtype/Widget/FT/Sig/T(Sig2)/Rect[72 690 300 720]/AP<</N {form} 0 R>>>>");
    let catalog = format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[{mine} 0 R 900 0 R]>>>>");
    let page = "<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents 7 0 R/MediaBox[0 0 595.276 841.89]/Annots[900 0 R]>>";
    found_out(
        &appended(&sealed, &[(1, catalog), (6, page.to_owned()), (900, overlay)]),
        Check::Coverage,
        "field-changed",
    );
}

#[test]
fn a_field_filled_in_later_is_found_unless_the_author_allows_it() {
    let field = "<</Type/Annot/Subtype/Widget/FT/Tx/T(price)/V(100)/Rect[72 400 200 420]/F 4>>".to_owned();
    let filled = field.replace("(100)", "(900)");
    let sheet = Sheet { keys: "/MediaBox[0 0 595 842]/Annots[90 0 R]".to_owned(), ..Sheet::default() };
    let plain = "/AcroForm<</Fields[90 0 R]>>";
    let sealed = seal(&paper(Kind::Table, std::slice::from_ref(&sheet), plain, &[(90, field.clone())]));
    assert_eq!(worst(&facts(&sealed).signatures[0], Check::Coverage).0, Outcome::Pass);
    found_out(&appended(&sealed, &[(90, filled.clone())]), Check::Coverage, "form-filled");

    let author = "<</Type/Sig/Contents<3000>/ByteRange[0 1 2 3]/Reference[<</TransformMethod/DocMDP/TransformParams<</P 2>>>>]>>";
    let place = "<</Type/Annot/Subtype/Widget/FT/Sig/T(author)/V 92 0 R/Rect[0 0 0 0]/F 132>>";
    let certified = "/AcroForm<</Fields[90 0 R 91 0 R]/SigFlags 3>>/Perms<</DocMDP 92 0 R>>";
    let more = [(90, field), (91, place.to_owned()), (92, author.to_owned())];
    let sealed = seal(&paper(Kind::Table, &[sheet], certified, &more));
    let facts = facts(&appended(&sealed, &[(90, filled)]));
    let ours = facts.signatures.iter().find(|found| found.name == "Seal 1").unwrap();
    assert_eq!(worst(ours, Check::Coverage), (Outcome::Warning, "form-filled"));
}

#[test]
fn damaged_documents_are_refused_without_a_panic() {
    // A linear congruential generator (Knuth's MMIX constants): the same octets in every run.
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    };
    let mut bounds = limits();
    bounds.unpacked = 1 << 20;
    let mut small = order(Form::Seal);
    small.reserve = 64;
    for kind in [Kind::Table, Kind::Streams] {
        let plain = paper(kind, &[Sheet::default(), Sheet::default()], "", &[]);
        let sealed = pdf::prepare(&plain, &small, &bounds).unwrap().finish(&VALUE).unwrap();
        for _ in 0..300 {
            let mut damaged = sealed.clone();
            for _ in 0..1 + next() % 8 {
                let at = next() % damaged.len();
                damaged[at] = b"0123456789 <>[]/()%Rabz\n"[next() % 24];
            }
            damaged.truncate(damaged.len() - next() % 4 * (next() % 200));
            let _ = pdf::inspect(&damaged, &bounds);
            let _ = pdf::read(&damaged, &bounds);
            let _ = pdf::prepare(&damaged, &small, &bounds);
        }
    }
}
