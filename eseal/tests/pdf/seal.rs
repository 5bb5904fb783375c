//! A seal put on a document: nothing else changes, and it lies where it was wanted.

use eseal::core::job::Refused;
use eseal::core::order::Form;
use eseal::core::pdf;
use eseal::core::place::{Edge, Pages, Place};

use crate::judges::{difference, drawn, opinion, qpdf_is_content, rewritten, run, words};
use crate::paper::{Kind, Sheet, limits, order, paper, simple};

/// 40 mm are 113.4 points; the pixels at the rim may or may not be touched.
#[track_caller]
fn lies_at(found: Option<(u32, u32, u32, u32)>, wanted: (f64, f64, f64, f64)) {
    let (left, top, right, bottom) = found.expect("nothing is seen of the seal");
    let k = 72.0 / 25.4;
    let got = [f64::from(left), f64::from(top), f64::from(right) + 1.0, f64::from(bottom) + 1.0];
    let wanted = [wanted.0 * k, wanted.1 * k, wanted.2 * k, wanted.3 * k];
    assert!(got.iter().zip(&wanted).all(|(got, wanted)| (got - wanted).abs() <= 2.0), "{got:?} is not {wanted:?}");
}

#[test]
fn a_seal_changes_nothing_but_its_place() {
    for kind in [Kind::Table, Kind::Streams] {
        let before = paper(kind, &[Sheet::default()], "", &[]);
        qpdf_is_content(&before);
        let prepared = pdf::prepare(&before, &order(Form::Seal), &limits()).unwrap();
        let after = prepared.finish(&[0x30, 3, 2, 1, 5]).unwrap();
        assert!(after.starts_with(&before), "{kind:?}: what was there is touched");
        qpdf_is_content(&after);
        if let (Some(old), Some(new)) = (drawn(&before, 1), drawn(&after, 1)) {
            lies_at(difference(&old, &new), (100.0, 200.0, 140.0, 240.0));
        }
        if let Some(words) = opinion("pdfsig", &[], &after) {
            assert!(
                words.contains("Signature Field Name: Seal 1") && words.contains("Total document signed"),
                "{words}"
            );
        }
    }
}

#[test]
fn doing_the_same_again_gives_the_same() {
    let once = pdf::prepare(&simple(), &order(Form::Pades), &limits()).unwrap();
    let again = pdf::prepare(&simple(), &order(Form::Pades), &limits()).unwrap();
    assert_eq!(once, again);
    let mut other = order(Form::Pades);
    other.at = "2026-11-21T08:00:01Z".parse().unwrap();
    assert_ne!(once.digest, pdf::prepare(&simple(), &other, &limits()).unwrap().digest);
}

#[test]
fn a_seal_stands_upright_on_turned_and_cropped_pages() {
    // The upper left corner, 10 mm from both edges of what is shown.
    let place = vec![Place::At { pages: Pages::All, x: 10.0, y: 10.0 }];
    for turned in [0, 90, 180, 270, -90] {
        let keys = format!("/MediaBox[0 0 700 900]/CropBox[50 30 645 871]/Rotate {turned}");
        let before = paper(Kind::Table, &[Sheet { keys, ..Sheet::default() }], "", &[]);
        let mut order = order(Form::Seal);
        order.places.clone_from(&place);
        let after = pdf::prepare(&before, &order, &limits()).unwrap().finish(&[0x30, 0]).unwrap();
        qpdf_is_content(&after);
        let (Some(old), Some(new)) = (drawn(&before, 1), drawn(&after, 1)) else { continue };
        lies_at(difference(&old, &new), (10.0, 10.0, 50.0, 50.0));
        // The picture has a bar upwards from its middle and none downwards.
        let k = 72.0 / 25.4;
        let red = |x: f64, y: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let pixel = new.get_pixel((x * k) as u32, (y * k) as u32);
            pixel[0] > 150 && pixel[1] < 120
        };
        assert!(red(30.0, 23.0) && !red(30.0, 37.0), "not upright when turned by {turned}");
    }
}

#[test]
fn a_riding_seal_shows_a_slice_on_each_page() {
    let sheets = vec![Sheet::default(); 5];
    let before = paper(Kind::Streams, &sheets, "", &[]);
    let mut order = order(Form::Seal);
    order.places =
        vec![Place::Riding { pages: Pages::All, edge: Edge::Right, along: Some(150.0), margin: 0.0, at_most: 20 }];
    let prepared = pdf::prepare(&before, &order, &limits()).unwrap();
    assert_eq!(prepared.stamps.len(), 5);
    let after = prepared.finish(&[0x30, 0]).unwrap();
    qpdf_is_content(&after);
    for page in 1..=5 {
        let (Some(old), Some(new)) = (drawn(&before, page), drawn(&after, page)) else { continue };
        let (left, _, right, bottom) = difference(&old, &new).expect("no slice");
        // A fifth of 40 mm is 22.7 points wide, at the right edge of 595.
        assert!(left >= 571 && right <= 595 && bottom < 483, "page {page}: {left} to {right}, {bottom}");
    }
}

#[test]
fn a_seal_is_put_over_a_text() {
    let mut order = order(Form::Seal);
    let over = |text: &str| {
        vec![Place::Keyword { text: text.to_owned(), pages: Pages::All, occurrence: None, dx: 0.0, dy: 0.0 }]
    };
    order.places = over("Signed for");
    let stamps = pdf::prepare(&simple(), &order, &limits()).unwrap().stamps;
    let [stamp] = stamps.as_slice() else { panic!("{stamps:?}") };
    // The text starts 72 points from the left with its base line 660 points from below, 18 points high; its ten
    // letters are some 88 points wide (Helvetica's widths: S 667 i 222 g 556 n 556 e 556 d 556, space, f 278 o 556 r 333).
    let k = 25.4 / 72.0;
    let middle = (stamp.boundary.x + 20.0, stamp.boundary.y + 20.0);
    assert!((middle.0 - (72.0 + 41.0) * k).abs() < 3.0 && (middle.1 - (841.89 - 666.0) * k).abs() < 2.0, "{middle:?}");
    order.places = over("Signed by");
    assert!(matches!(pdf::prepare(&simple(), &order, &limits()), Err(Refused::Place(_))));
}

#[test]
fn other_writers_files_are_sealed_too() {
    let plain = paper(Kind::Table, &vec![Sheet::default(); 3], "", &[]);
    for arguments in [
        ["--linearize"].as_slice(),
        &["--object-streams=generate"],
        &["--qdf"],
        &["--force-version=1.4", "--object-streams=disable"],
    ] {
        let Some(before) = rewritten(&plain, arguments) else { return };
        let after = pdf::prepare(&before, &order(Form::Cms), &limits()).unwrap().finish(&[0x30, 0]).unwrap();
        // A linearized file that was updated is no longer linearized, and qpdf says so.
        if !arguments.contains(&"--linearize") {
            qpdf_is_content(&after);
        }
        if let (Some(old), Some(new)) = (drawn(&before, 1), drawn(&after, 1)) {
            lies_at(difference(&old, &new), (100.0, 200.0, 140.0, 240.0));
        }
    }
}

#[test]
fn a_page_is_drawn_with_its_seal() {
    let after = pdf::prepare(&simple(), &order(Form::Seal), &limits()).unwrap().finish(&[0x30, 0]).unwrap();
    let pixels = |document: &[u8]| {
        let png = pdf::preview(document, 0, 595, &limits()).unwrap();
        image::load_from_memory(&png).unwrap().into_rgb8()
    };
    lies_at(difference(&pixels(&simple()), &pixels(&after)), (100.0, 200.0, 140.0, 240.0));
    assert!(pdf::preview(&simple(), 1, 595, &limits()).is_err());
}

#[test]
fn a_file_for_old_and_new_readers_is_sealed() {
    // A hybrid file: what the table calls free lies in an object stream that only a cross-reference stream names.
    let plain =
        String::from_utf8(simple().iter().map(|octet| if octet.is_ascii() { *octet } else { b'?' }).collect()).unwrap();
    let cut = plain.find("xref\n0").unwrap();
    let mut document = plain[..cut].to_owned();
    let (bundle, stream) = (document.len(), "<</Nothing true>>");
    document += &format!(
        "7 0 obj\n<</Type/ObjStm/N 1/First 4/Length {}>>\nstream\n6 0 {stream}\nendstream\nendobj\n",
        4 + stream.len()
    );
    let table = document.len();
    let mut octets = Vec::new();
    octets.extend_from_slice(&[2, 0, 0, 0, 7, 0, 0]);
    octets.extend_from_slice(&[1]);
    octets.extend_from_slice(&u32::try_from(bundle).unwrap().to_be_bytes());
    octets.extend_from_slice(&[0, 0, 1]);
    octets.extend_from_slice(&u32::try_from(table).unwrap().to_be_bytes());
    octets.extend_from_slice(&[0, 0]);
    let mut document = document.into_bytes();
    document.extend_from_slice(b"8 0 obj\n<</Type/XRef/Size 9/Root 1 0 R/W[1 4 2]/Index[6 3]/Length 21>>\nstream\n");
    document.extend_from_slice(&octets);
    document.extend_from_slice(b"\nendstream\nendobj\n");
    let start = document.len();
    let old = plain[cut..].replace("xref\n0 6\n", "xref\n0 7\n").replace(
        "trailer\n<</Size 6/Root 1 0 R>>",
        &format!("0000000000 00000 f\r\ntrailer\n<</Size 9/Root 1 0 R/XRefStm {table}>>"),
    );
    document.extend_from_slice(old.replace(&format!("startxref\n{cut}"), &format!("startxref\n{start}")).as_bytes());
    qpdf_is_content(&document);
    let after = pdf::prepare(&document, &order(Form::Seal), &limits()).unwrap().finish(&[0x30, 0]).unwrap();
    qpdf_is_content(&after);
    let facts = pdf::read(&after, &limits()).unwrap();
    assert!(facts.signatures[0].findings.iter().any(|finding| finding.code == "whole-file"));
}

#[test]
fn a_chinese_text_is_found_where_another_reader_finds_it() {
    let font = include_bytes!("../../assets/NotoSerifCJKsc-Medium-subset.otf").as_slice();
    let font = krilla::text::Font::new(font.to_vec().into(), 0).unwrap();
    let mut document = krilla::Document::new();
    let mut page = document.start_page_with(krilla::page::PageSettings::from_wh(420.0, 595.0).unwrap());
    let mut surface = page.surface();
    for (line, text) in ["房屋租赁合同", "甲方（签章）：", "乙方（签章）："].into_iter().enumerate()
    {
        let start = krilla::geom::Point::from_xy(100.0, 100.0 + 90.0 * f32::from(u8::try_from(line).unwrap()));
        surface.draw_text(start, font.clone(), 16.0, text, false, krilla::text::TextDirection::Auto);
    }
    surface.finish();
    page.finish();
    let document = document.finish().unwrap();
    let mut order = order(Form::Seal);
    let over = |text: &str, occurrence| {
        vec![Place::Keyword { text: text.to_owned(), pages: Pages::All, occurrence, dx: 0.0, dy: 0.0 }]
    };
    let mut stamps = |text: &str, occurrence| {
        order.places = over(text, occurrence);
        pdf::prepare(&document, &order, &limits()).map(|prepared| prepared.stamps)
    };
    assert_eq!(stamps("签章", None).unwrap().len(), 2);
    let second = stamps("乙方", None).unwrap()[0].boundary;
    assert_eq!(stamps("签章", Some(2)).unwrap()[0].boundary.y, second.y);
    assert!(stamps("签章", Some(3)).is_err() && stamps("丙方", None).is_err());
    // The word's box as pdftotext sees it: its middle is where the middle of the seal is to lie.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.pdf");
    std::fs::write(&path, &document).unwrap();
    if let Some(output) = run("pdftotext", &["-bbox", path.to_str().unwrap(), "-"]) {
        let told = words(&output);
        let word = told.lines().find(|line| line.contains("房屋租赁合同")).expect("pdftotext finds it").to_owned();
        let side = |name: &str| {
            word.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap()
        };
        let middle =
            ((side("xMin") + side("xMax")) / 2.0 * 25.4 / 72.0, (side("yMin") + side("yMax")) / 2.0 * 25.4 / 72.0);
        let title = stamps("房屋租赁合同", None).unwrap()[0].boundary;
        assert!(
            (title.x + 20.0 - middle.0).abs() < 1.5 && (title.y + 20.0 - middle.1).abs() < 1.5,
            "{title:?} is not about {middle:?}"
        );
    }
    let title = stamps("房屋租赁合同", None).unwrap()[0].boundary;
    // Six characters of 16 points from 100, their squares from 14.08 above the base line at 100 to 1.92 below it.
    let k = 25.4 / 72.0;
    assert!((title.x + 20.0 - 148.0 * k).abs() < 0.5 && (title.y + 20.0 - 93.92 * k).abs() < 0.5, "{title:?}");
}
