//! A seal put on a document: nothing else changes, and it lies where it was wanted.

use eseal::core::job::Refused;
use eseal::core::order::Form;
use eseal::core::pdf;
use eseal::core::place::{Edge, Pages, Place};

use crate::judges::{difference, drawn, opinion, qpdf_is_content, rewritten};
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
