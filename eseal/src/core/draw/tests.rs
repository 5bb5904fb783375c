use super::*;
use crate::core::job::Limits;
use crate::core::upload;

/// Alpha of a drawing, and how many picture elements a millimetre has.
struct Seen {
    width: usize,
    alpha: Vec<u8>,
    per_mm: f64,
}

impl Seen {
    fn new(drawing: &Drawing) -> Self {
        let image = image::load_from_memory(&drawing.png).unwrap().into_rgba8();
        let width = image.width() as usize;
        let per_mm = f64::from(image.width()) / f64::from(drawing.width_mm);
        Self { width, alpha: image.pixels().map(|p| p.0[3]).collect(), per_mm }
    }

    fn height(&self) -> usize {
        self.alpha.len() / self.width
    }

    /// At a point from the middle. Unit: mm.
    fn at(&self, x: f64, y: f64) -> u8 {
        let px = |mm: f64, side: usize| (mm * self.per_mm + side as f64 / 2.0).floor() as usize;
        self.alpha[px(y, self.height()) * self.width + px(x, self.width)]
    }

    /// How many parts of ink do not touch each other.
    fn parts(&self) -> usize {
        let mut seen = vec![false; self.alpha.len()];
        let mut parts = 0;
        for start in 0..self.alpha.len() {
            if seen[start] || self.alpha[start] < 128 {
                continue;
            }
            parts += 1;
            let mut ahead = vec![start];
            seen[start] = true;
            while let Some(here) = ahead.pop() {
                let (x, y) = (here % self.width, here / self.width);
                for (x, y) in [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)] {
                    let there = y.wrapping_mul(self.width).wrapping_add(x);
                    if x < self.width && y < self.height() && !seen[there] && self.alpha[there] >= 128 {
                        seen[there] = true;
                        ahead.push(there);
                    }
                }
            }
        }
        parts
    }
}

fn drawn(design: &Design) -> Seen {
    Seen::new(&draw(design, &Fonts::embedded()).unwrap())
}

fn refused(design: &Design) -> Refused {
    draw(design, &Fonts::embedded()).unwrap_err()
}

#[test]
fn a_round_seal_has_its_millimetres() {
    let drawing = draw(&Design::new(Kind::Round, "北京印信科技有限公司"), &Fonts::embedded()).unwrap();
    assert_eq!((drawing.width_mm, drawing.height_mm), (40, 40));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&drawing.png)).read_info().unwrap();
    let info = reader.info().clone();
    // 40 mm at 300 per inch are 472.4 elements; 300 per inch are 11,811 per metre.
    assert_eq!((info.width, info.height), (473, 473));
    assert_eq!(info.pixel_dims.map(|d| (d.xppu, d.yppu)), Some((11_811, 11_811)));
    assert!(reader.next_frame(&mut vec![0; 473 * 473 * 4]).is_ok());
    let seen = Seen::new(&drawing);
    // The line: inked from 20 mm to 18.8 mm, nothing beyond it or at once within.
    assert_eq!([seen.at(-19.9, 0.0), seen.at(-18.9, 0.0), seen.at(0.0, 19.0)], [255; 3]);
    assert_eq!([seen.at(-18.6, 0.0), seen.at(-19.9, -19.9), seen.at(0.0, 18.6)], [0; 3]);
    // The star: 7 mm to its points, one of them up; 0.382 of it to the corners between, one of them down.
    assert_eq!([seen.at(0.0, 0.0), seen.at(0.0, -6.7), seen.at(0.0, 2.5)], [255; 3]);
    assert_eq!([seen.at(0.0, -7.3), seen.at(0.0, 2.9), seen.at(0.0, 6.0)], [0; 3]);
}

#[test]
fn characters_stand_apart_however_many_there_are() {
    for (count, kind) in [(1, Kind::Round), (18, Kind::Round), (40, Kind::Round), (8, Kind::Oval), (26, Kind::Oval)] {
        let design = Design { dpi: Some(450), ..Design::new(kind, "口".repeat(count)) };
        // The line, the characters, and the star of the round one.
        let expected = 1 + count + usize::from(kind == Kind::Round);
        assert_eq!(drawn(&design).parts(), expected, "{count} on {kind:?}");
    }
}

#[test]
fn a_full_round_seal_keeps_its_texts_apart() {
    for count in [4, 26, 40] {
        let line = Some("口口口口口".to_owned());
        let code = Some("1".repeat(13));
        let design = Design { dpi: Some(450), line, code, ..Design::new(Kind::Round, "口".repeat(count)) };
        assert_eq!(drawn(&design).parts(), 1 + 1 + count + 5 + 13, "{count}");
    }
}

#[test]
fn an_invoice_seal_keeps_its_texts_apart() {
    for count in [8, 14, 26] {
        let line = Some("口口口口口".to_owned());
        let number = Some("1".repeat(18));
        let design = Design { dpi: Some(450), line, number, ..Design::new(Kind::Oval, "口".repeat(count)) };
        assert_eq!(drawn(&design).parts(), 1 + count + 5 + 18, "{count}");
    }
}

#[test]
fn feet_are_towards_the_star() {
    // 上 alone stands upright at the top: its long stroke is its lowest, a point above it is free beside the stem.
    let seen = drawn(&Design::new(Kind::Round, "上"));
    let ink = |from: f64, to: f64| {
        let steps = |low: f64, high: f64| (0..40).map(move |n| low + (high - low) * f64::from(n) / 40.0);
        steps(from, to).map(|y| steps(-3.0, 3.0).filter(|x| seen.at(*x, y) > 128).count()).max().unwrap()
    };
    assert!(ink(-14.0, -12.2) > 2 * ink(-18.0, -16.5), "{} {}", ink(-14.0, -12.2), ink(-18.0, -16.5));
}

#[test]
fn a_name_is_spread_alike_to_both_sides() {
    for count in [4, 7, 18] {
        let seen = drawn(&Design::new(Kind::Round, "口".repeat(count)));
        let half = |right: bool| {
            let inked = |n: &usize| seen.alpha[*n] > 128 && (n % seen.width > seen.width / 2) == right;
            (0..seen.alpha.len()).filter(inked).count() as f64
        };
        assert!((half(true) / half(false) - 1.0).abs() < 0.02, "{count}");
    }
}

#[test]
fn names_of_persons_are_read_from_the_right() {
    // 王一: 一 is a single stroke, so the half with little ink is where it stands.
    let design = Design { line: Some(String::new()), ..Design::new(Kind::Personal, "王一") };
    let seen = drawn(&design);
    let inked = |n: &usize| seen.alpha[*n] > 128;
    let (right, left): (Vec<usize>, Vec<usize>) =
        (0..seen.alpha.len()).filter(inked).partition(|n| n % seen.width > seen.width / 2);
    assert!(right.len() > left.len() + left.len() / 5, "{} {}", right.len(), left.len());
}

#[test]
fn sunk_characters_are_paper_in_ink() {
    let raised = drawn(&Design::new(Kind::Personal, "口口口口"));
    let sunk = drawn(&Design { style: Style::Sunk, ..Design::new(Kind::Personal, "口口口口") });
    // Within the frame what is ink in one is paper in the other.
    let differ = (0..raised.alpha.len()).filter(|n| (raised.alpha[*n] > 128) != (sunk.alpha[*n] > 128)).count();
    assert!(differ * 10 > raised.alpha.len() * 7, "{differ} of {}", raised.alpha.len());
    assert_eq!((sunk.at(0.0, 0.0), sunk.at(-9.9, -9.9)), (255, 255));
}

#[test]
fn png_and_svg_show_the_same() {
    let fonts = Fonts::embedded();
    for design in [
        Design {
            line: Some("财务专用章".into()),
            code: Some("1101080123456".into()),
            ..Design::new(Kind::Round, "上海某某有限公司")
        },
        Design { style: Style::Sunk, ..Design::new(Kind::Personal, "王小明") },
    ] {
        let drawing = draw(&design, &fonts).unwrap();
        // Another renderer draws the SVG; and an SVG of ours may be sent in by anybody.
        let ask = upload::Ask { width: Some(drawing.width_mm), ..upload::Ask::default() };
        let picture = upload::normalise(drawing.svg.as_bytes(), &ask, &Limits::default()).unwrap();
        let other = Seen::new(&Drawing { png: picture.png, ..drawing.clone() });
        let one = Seen::new(&drawing);
        let (mut same, mut all) = (0, 0);
        for x in -95..95 {
            for y in -95..95 {
                let half = f64::from(drawing.width_mm) / 200.0;
                let (x, y) = (f64::from(x) * half, f64::from(y) * half);
                all += 1;
                same += i32::from(one.at(x, y).abs_diff(other.at(x, y)) < 128);
            }
        }
        assert!(same * 100 > all * 97, "{same} of {all}");
    }
}

#[test]
fn the_same_design_gives_the_same_picture() {
    let design = Design { line: Some("合同专用章".into()), ..Design::new(Kind::Oval, "上海某某有限公司") };
    assert_eq!(draw(&design, &Fonts::embedded()).unwrap(), draw(&design, &Fonts::embedded()).unwrap());
}

#[test]
fn every_kind_takes_every_text() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        for name in ["某", "ACME Trading Ltd.", "爱新觉罗·玄烨", &"国".repeat(LONGEST_NAME)] {
            let text = Some("1234567890123".to_owned());
            let design = Design { line: text.clone(), number: text.clone(), code: text, ..Design::new(kind, name) };
            let style = if name.len() > 20 { Style::Sunk } else { Style::Raised };
            let drawing = draw(&Design { style, star: Some(true), ..design }, &Fonts::embedded()).unwrap();
            assert_eq!((drawing.width_mm, drawing.height_mm), kind.size());
        }
    }
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let good = Design::new(Kind::Round, "某某公司");
    assert_eq!(refused(&Design::new(Kind::Round, "国".repeat(41))), Refused::TooLarge("name".to_owned()));
    assert_eq!(refused(&Design { code: Some("1".repeat(25)), ..good.clone() }), Refused::TooLarge("code".to_owned()));
    assert_eq!(refused(&Design::new(Kind::Round, "张𰻝")), Refused::NoGlyph("𰻝".to_owned()));
    for bad in [
        Design::new(Kind::Round, "  "),
        Design::new(Kind::Round, "某\n公司"),
        Design { width: Some(7), ..good.clone() },
        Design { width: Some(61), ..good.clone() },
        Design { width: Some(u32::MAX), ..good.clone() },
        Design { width: Some(40), height: Some(30), ..good.clone() },
        Design { dpi: Some(299), ..good.clone() },
        Design { dpi: Some(1_201), ..good },
    ] {
        assert!(matches!(refused(&bad), Refused::Malformed(_)), "{bad:?}");
    }
}

#[test]
fn a_design_is_written_in_json() {
    let json = r##"{"kind":"oval","name":"某","width":50,"colour":"#0000ff","style":"sunk"}"##;
    let design: Design = serde_json::from_str(json).unwrap();
    assert_eq!((design.size(), design.colour, design.style), ((50, 38), Colour(0, 0, 255), Style::Sunk));
    let again: Design = serde_json::from_str(&serde_json::to_string(&design).unwrap()).unwrap();
    assert_eq!(again, design);
    for bad in [
        r##"{"kind":"star","name":"某"}"##,
        r##"{"kind":"oval"}"##,
        r##"{"kind":"oval","name":"某","colour":"red"}"##,
        r##"{"kind":"oval","name":"某","colour":"#12345é"}"##,
        r##"{"kind":"oval","name":"某","size":3}"##,
    ] {
        assert!(serde_json::from_str::<Design>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_name_cannot_leave_the_title_of_the_svg() {
    let drawing = draw(&Design::new(Kind::Rectangle, "<script>&]]>"), &Fonts::embedded()).unwrap();
    assert!(drawing.svg.contains("<title>&lt;script&gt;&amp;]]&gt;</title>"));
}
