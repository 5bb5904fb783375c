//! Pictures of pages.

use eseal::core::job::{Limits, Refused};
use eseal::core::ofd;
use eseal::core::ofd::write::{Draft, Item, Page};
use eseal::core::place::{PageSize, Rect};

use crate::paper::at;

fn draft(items: Vec<Item>) -> Draft {
    Draft {
        id: "0".repeat(32),
        title: "<T>".to_owned(),
        author: "A & B".to_owned(),
        at: at("2027-01-02T03:04:05Z"),
        font: "宋体".to_owned(),
        font_file: None,
        pages: vec![Page { size: PageSize { width: 100.0, height: 50.0 }, items }],
    }
}

fn picture(items: Vec<Item>) -> image::RgbaImage {
    let package = ofd::write::write(&draft(items)).unwrap();
    let png = ofd::preview(&package, 0, 200, &Limits::default()).unwrap();
    image::load_from_memory(&png).unwrap().into_rgba8()
}

const PLACE: Rect = Rect { x: 10.0, y: 20.0, width: 30.0, height: 10.0 };

#[test]
fn a_page_is_drawn_to_scale() {
    let drawn = picture(vec![Item::Filled { place: PLACE, colour: [200, 0, 0] }]);
    assert_eq!(drawn.dimensions(), (200, 100));
    let at = |x: f64, y: f64| drawn.get_pixel((x * 2.0) as u32, (y * 2.0) as u32).0;
    for (x, y) in [(11.0, 21.0), (39.0, 29.0), (25.0, 25.0)] {
        assert_eq!(at(x, y), [200, 0, 0, 255], "{x} {y}");
    }
    for (x, y) in [(9.0, 25.0), (41.0, 25.0), (25.0, 19.0), (25.0, 31.0)] {
        assert_eq!(at(x, y), [255; 4], "{x} {y}");
    }
}

#[test]
fn pictures_lines_and_text_leave_their_marks_where_they_are() {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbaImage::from_pixel(4, 4, image::Rgba([0, 0, 255, 255]))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let image = picture(vec![Item::Image { place: PLACE, file: file.into_inner() }]);
    assert_eq!((image.get_pixel(50, 50).0, image.get_pixel(10, 10).0), ([0, 0, 255, 255], [255; 4]));
    let line = picture(vec![Item::Outline { place: PLACE, line: 1.0, colour: [0; 3] }]);
    assert_eq!((line.get_pixel(50, 40).0, line.get_pixel(50, 50).0), ([0, 0, 0, 255], [255; 4]));
    let text = picture(vec![Item::Text { x: 10.0, y: 30.0, size: 10.0, colour: [0; 3], text: "印信".to_owned() }]);
    let dark = |from: u32, to: u32| {
        (from..to).flat_map(|x| (0..100).map(move |y| (x, y))).filter(|(x, y)| text.get_pixel(*x, *y)[0] < 128).count()
    };
    // Two characters of 10 mm from 10 mm on, at two pixels a millimetre.
    assert!(dark(20, 40) > 40 && dark(40, 60) > 40, "{} {}", dark(20, 40), dark(40, 60));
    assert_eq!((dark(0, 19), dark(62, 200)), (0, 0));
}

#[test]
fn pages_that_are_not_there_and_sizes_that_are_too_large_are_refused() {
    let package = ofd::write::write(&draft(Vec::new())).unwrap();
    let limits = Limits::default();
    assert!(matches!(ofd::preview(&package, 1, 200, &limits), Err(Refused::Malformed(_))));
    for width in [0, 8_193, u32::MAX] {
        assert_eq!(ofd::preview(&package, 0, width, &limits), Err(Refused::TooLarge("picture".to_owned())), "{width}");
    }
}

#[test]
fn a_writer_gives_the_same_octets_and_refuses_pictures_that_are_none() {
    let text = || Item::Text { x: 10.0, y: 30.0, size: 5.0, colour: [0; 3], text: "a<b>&\"c\"".to_owned() };
    let one = ofd::write::write(&draft(vec![text()])).unwrap();
    assert_eq!(one, ofd::write::write(&draft(vec![text()])).unwrap());
    assert_eq!(ofd::inspect(&one, &Limits::default()).unwrap().pages, [PageSize { width: 100.0, height: 50.0 }]);
    let broken = Item::Image { place: PLACE, file: b"no picture".to_vec() };
    assert!(matches!(ofd::write::write(&draft(vec![broken])), Err(Refused::Malformed(_))));
}

#[test]
fn changed_pages_are_drawn_or_refused_and_nothing_worse() {
    let items = vec![
        Item::Text { x: 10.0, y: 30.0, size: 5.0, colour: [0; 3], text: "印信 seal".to_owned() },
        Item::Outline { place: PLACE, line: 1.0, colour: [0; 3] },
    ];
    let package = ofd::write::write(&draft(items)).unwrap();
    let name = "Doc_0/Pages/Page_0/Content.xml";
    let page = crate::paper::part(&package, name);
    let words: [&[u8]; 6] = [b"1e30", b"-9", b"g 9999999999 1", b"A 1 1 0 1 1 5 5", b"", b"0"];
    let mut drawn = 0;
    for (round, at) in (60..page.len()).step_by(7).enumerate() {
        let changed = crate::paper::with(&package, name, |mut octets| {
            octets.splice(at..(at + round % 4).min(page.len()), words[round % words.len()].iter().copied());
            octets
        });
        drawn += usize::from(ofd::preview(&changed, 0, 60, &Limits::default()).is_ok());
        let _ = (ofd::read(&changed, &Limits::default()), ofd::inspect(&changed, &Limits::default()));
    }
    assert!(drawn > 5, "{drawn}");
}
