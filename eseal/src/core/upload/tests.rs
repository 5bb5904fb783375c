use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;
use crate::core::job::{Done, Job, run};

fn ask(clear: bool) -> Ask {
    Ask { clear, ..Ask::default() }
}

fn read(file: &[u8]) -> Result<Picture, Refused> {
    normalise(file, &Ask::default(), &Limits::default())
}

fn pixels(picture: &Picture) -> RgbaImage {
    image::load_from_memory_with_format(&picture.png, ImageFormat::Png).unwrap().into_rgba8()
}

fn word(result: Result<Picture, Refused>) -> String {
    match result {
        Err(Refused::Unsuitable(word, _)) => word,
        other => format!("{other:?}"),
    }
}

/// A red ring with a soft edge on yellowish paper, grey print across it and a shadow in a corner: a scanned seal.
/// 400 × 300, the ring's middle at (200, 150), from 80 to 100.
fn scan() -> RgbImage {
    RgbImage::from_fn(400, 300, |x, y| {
        let distance = (f32::from(x as u16) - 200.0).hypot(f32::from(y as u16) - 150.0);
        let ink = (1.0 - ((distance - 90.0).abs() - 10.0).clamp(0.0, 3.0) / 3.0).clamp(0.0, 1.0);
        let shade = if x > 330 && y > 240 { 0.7 } else { 1.0 };
        let ground = if (70..76).contains(&y) { [60.0; 3] } else { [250.0 * shade, 246.0 * shade, 236.0 * shade] };
        let mix = |ground: f32, red: f32| (ground * (1.0 - ink) + red * ink) as u8;
        Rgb([mix(ground[0], 210.0), mix(ground[1], 24.0), mix(ground[2], 30.0)])
    })
}

fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image.clone()).write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn jpeg(image: &RgbImage, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(image).unwrap();
    file
}

#[test]
fn a_scanned_seal_loses_its_paper_and_keeps_its_ink() {
    for file in [jpeg(&scan(), 90), encoded(&scan(), ImageFormat::Png), encoded(&scan(), ImageFormat::Bmp)] {
        let picture = read(&file).unwrap();
        assert_eq!((picture.width, picture.height), (40.0, 40.0));
        let image = pixels(&picture);
        let side = image.width();
        // Cut to the ring, 206 across (the soft edge too), with neither print nor shadow around it.
        assert!((200..=210).contains(&side) && side.abs_diff(image.height()) <= 2, "{side} {}", image.height());
        let at = |x: u32, y: u32| image.get_pixel(x, y).0;
        let middle = side / 2;
        assert_eq!(at(middle, middle)[3], 0, "paper");
        assert_eq!(at(middle, 25)[3], 0, "print is no ink");
        let ring = at(12, middle);
        assert!(ring[3] > 245 && ring[0] > 190 && ring[1] < 50 && ring[2] < 55, "{ring:?}");
        // The edge is soft, and of the same red: no fringe of paper around it.
        let soft: Vec<[u8; 4]> = (0..side).map(|x| at(x, middle)).filter(|p| (60..200).contains(&p[3])).collect();
        assert!(soft.len() >= 2, "{soft:?}");
        assert!(soft.iter().all(|p| p[0] > 170 && p[1] < 110 && p[2] < 110), "{soft:?}");
    }
}

#[test]
fn a_seal_is_found_among_more_print_than_ink() {
    // Print on every other ten lines, far more than the ring has ink.
    let mut page = scan();
    for (_, y, pixel) in page.enumerate_pixels_mut() {
        let [r, g, _] = pixel.0;
        if y / 10 % 2 == 0 && r.abs_diff(g) < 40 {
            *pixel = Rgb([60, 60, 64]);
        }
    }
    // The edges are half print: the paper is still found.
    let image = pixels(&read(&jpeg(&page, 95)).unwrap());
    assert!((200..=212).contains(&image.width()), "{:?}", image.dimensions());
    let (middle, side) = (image.height() / 2, image.width());
    assert_eq!(image.get_pixel(side / 2, middle - 40).0[3], 0, "print is no ink");
    assert!(image.get_pixel(12, middle).0[3] > 240);
}

#[test]
fn ink_of_another_colour_is_kept_too() {
    let blue = RgbImage::from_fn(300, 300, |x, y| {
        if (50..250).contains(&x) && (50..250).contains(&y) && (x / 20 + y / 20) % 2 == 0 {
            Rgb([20, 30, 160])
        } else {
            Rgb([255, 255, 255])
        }
    });
    let image = pixels(&read(&encoded(&blue, ImageFormat::Png)).unwrap());
    assert_eq!(image.dimensions(), (200, 200));
    assert!(image.pixels().all(|p| p.0 == [20, 30, 160, 255] || p.0[3] == 0));
}

#[test]
fn a_picture_with_alpha_stays_as_it_is_but_for_its_empty_edges() {
    let mut given = RgbaImage::new(300, 200);
    for (x, y, pixel) in given.enumerate_pixels_mut() {
        if (20..220).contains(&x) && (30..130).contains(&y) {
            *pixel = Rgba([200, (x % 50) as u8, 7, 128 + (y % 100) as u8]);
        }
    }
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::from(given.clone()).write_to(&mut file, ImageFormat::Png).unwrap();
    let picture = read(file.get_ref()).unwrap();
    assert_eq!((picture.width, picture.height), (40.0, 20.0));
    let image = pixels(&picture);
    assert_eq!(image.dimensions(), (200, 100));
    assert!(image.enumerate_pixels().all(|(x, y, pixel)| pixel == given.get_pixel(x + 20, y + 30)));
}

#[test]
fn nothing_is_stretched_and_the_size_is_as_asked() {
    let ask = Ask { width: Some(40), height: Some(40), clear: true };
    let flat = RgbImage::from_fn(400, 300, |x, y| {
        if (100..300).contains(&x) && (100..200).contains(&y) { Rgb([200, 0, 0]) } else { Rgb([255, 255, 255]) }
    });
    let picture = normalise(&encoded(&flat, ImageFormat::Png), &ask, &Limits::default()).unwrap();
    let image = pixels(&picture);
    assert_eq!((image.dimensions(), picture.width, picture.height), ((200, 200), 40.0, 40.0));
    assert_eq!((image.get_pixel(100, 40).0[3], image.get_pixel(100, 60).0[3]), (0, 255));
    for (width, height) in [(Some(7), None), (None, Some(61)), (Some(60), Some(0)), (Some(10), None)] {
        let ask = Ask { width, height, clear: true };
        let refused = normalise(&encoded(&flat, ImageFormat::Png), &ask, &Limits::default()).unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_)), "{width:?} {height:?}");
    }
}

#[test]
fn a_fine_picture_becomes_no_finer_than_print() {
    let fine = RgbImage::from_fn(3_000, 3_000, |x, y| {
        if (1_500_i64 - i64::from(x)).pow(2) + (1_500 - i64::from(y)).pow(2) < 1_400 * 1_400 {
            Rgb([200, 0, 0])
        } else {
            Rgb([255, 255, 255])
        }
    });
    let image = pixels(&read(&encoded(&fine, ImageFormat::Png)).unwrap());
    // 40 mm at 600 per inch.
    assert_eq!(image.dimensions(), (945, 945));
    assert_eq!(image.get_pixel(472, 472).0, [200, 0, 0, 255]);
    // Soft edges are as red as the rest.
    assert!(image.pixels().all(|p| p.0[3] < 20 || p.0[0] > 180), "a dark fringe");
}

#[test]
fn a_gif_gives_its_first_picture() {
    let picture = run(&Job::Picture(ask(true)), &encoded(&scan(), ImageFormat::Gif), &Limits::default());
    assert!(matches!(picture, Ok(Done::Picture(picture)) if picture.width == 40.0));
}

#[test]
fn a_picture_without_ink_or_without_paper_is_refused() {
    let plain = |r, g, b| encoded(&RgbImage::from_pixel(200, 200, Rgb([r, g, b])), ImageFormat::Png);
    assert_eq!(word(read(&plain(255, 255, 255))), "empty");
    assert_eq!(word(read(&plain(30, 30, 30))), "no-paper");
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbaImage::new(200, 200)).write_to(&mut file, ImageFormat::Png).unwrap();
    assert_eq!(word(read(file.get_ref())), "empty");
    let kept = normalise(&plain(30, 30, 30), &ask(false), &Limits::default()).unwrap();
    assert_eq!(pixels(&kept).dimensions(), (200, 200));
    let small = RgbImage::from_fn(60, 60, |x, _| if x > 30 { Rgb([200, 0, 0]) } else { Rgb([255, 255, 255]) });
    assert_eq!(word(read(&encoded(&small, ImageFormat::Png))), "too-coarse");
}

/// A PNG whose header says this size, with hardly anything behind it.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 1, 1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&[0; 4]).unwrap();
    let mut ihdr = b"IHDR".to_vec();
    ihdr.extend(width.to_be_bytes());
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, 6, 0, 0, 0]);
    // CRC-32 as PNG has it, bit by bit.
    let crc = !ihdr.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    });
    file.splice(12..33, ihdr.into_iter().chain(crc.to_be_bytes()));
    file
}

#[test]
fn bombs_are_refused_by_what_they_claim_before_anything_is_unpacked() {
    for (width, height) in [(60_000, 60_000), (6_001, 10), (10, 6_001), (5_000, 5_000)] {
        let refused = read(&claims(width, height)).unwrap_err();
        assert_eq!(refused, Refused::TooLarge("picture elements".to_owned()), "{width} {height}");
    }
    // Within bounds the claim is believed, and then found to be empty.
    assert!(matches!(read(&claims(1_000, 1_000)).unwrap_err(), Refused::Malformed(_)));
    // A bitmap: 54 octets of header, width and height at 18 and 22.
    let mut bmp = encoded(&RgbImage::new(2, 2), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0, 0, 0, 0x10, 0, 0, 0, 0x10]);
    assert!(read(&bmp).is_err());
    let mut gif = encoded(&RgbImage::new(2, 2), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(read(&gif).unwrap_err(), Refused::TooLarge("picture elements".to_owned()));
    let long = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; LONGEST]].concat();
    assert_eq!(read(&long).unwrap_err(), Refused::TooLarge("picture".to_owned()));
}

#[test]
fn what_is_no_picture_is_refused() {
    for file in [&b""[..], b"%PDF-1.7", b"PK\x03\x04", b"<html><body/></html>", b"RIFF0000WEBP", b"<!DOCTYPE x>"] {
        assert_eq!(read(file).unwrap_err(), Refused::UnknownFormat);
    }
    let whole = jpeg(&scan(), 80);
    for length in (0..whole.len()).step_by(whole.len() / 50) {
        // Cut short: an answer, whatever it is.
        let _ = read(&whole[..length]);
    }
}

fn svg(inside: &str) -> Vec<u8> {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"40mm\" \
         height=\"40mm\" viewBox=\"0 0 40 40\">{inside}</svg>"
    )
    .into_bytes()
}

const RING: &str = "<circle cx='20' cy='20' r='19' fill='none' stroke='#e01018' stroke-width='2'/>";

#[test]
fn an_svg_of_outlines_is_drawn() {
    let picture = read(&svg(RING)).unwrap();
    let image = pixels(&picture);
    assert_eq!((picture.width, picture.height), (40.0, 40.0));
    // 40 mm at no more than 600 per inch.
    assert!((900..=946).contains(&image.width()), "{}", image.width());
    let middle = image.height() / 2;
    assert_eq!(image.get_pixel(12, middle).0, [0xe0, 0x10, 0x18, 255]);
    assert_eq!(image.get_pixel(image.width() / 2, middle).0[3], 0);
    // What editors write around it.
    let head = "<?xml version=\"1.0\"?><!-- made by hand -->\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">";
    let full = format!(
        "<style>.a{{fill:url(#g)}}</style><defs><linearGradient id='g'><stop stop-color='red'/>\
         </linearGradient><g id='p'>{RING}</g></defs><use xlink:href='#p'/><rect class='a' x='18' y='18' width='4' height='4'/>"
    );
    read(&[head.as_bytes(), &svg(&full)].concat()).unwrap();
}

#[test]
fn an_svg_that_runs_reaches_out_or_depends_on_fonts_is_refused_by_name() {
    for (inside, expected) in [
        ("<script>alert(1)</script>", "script"),
        ("<g onload='x()'/>", "script"),
        ("<text x='1' y='9'>章</text>", "text"),
        ("<image href='file:///etc/passwd' width='9' height='9'/>", "external-reference"),
        ("<image href='data:image/png;base64,AAAA' width='9' height='9'/>", "external-reference"),
        ("<use xlink:href='http://example.com/a.svg#b'/>", "external-reference"),
        ("<rect width='9' height='9' fill='url(http://example.com/#g)'/>", "external-reference"),
        ("<rect width='9' height='9' style='fill: URL( &quot;//example.com/#g&quot; )'/>", "external-reference"),
        ("<style>@import 'http://example.com/a.css';</style>", "external-reference"),
        ("<foreignObject width='9' height='9'/>", "external-reference"),
        ("<filter id='f'><feGaussianBlur stdDeviation='900'/></filter>", "element"),
        ("<pattern id='f'/>", "element"),
        ("<animate attributeName='x'/>", "element"),
    ] {
        assert_eq!(word(read(&svg(&format!("{RING}{inside}")))), expected, "{inside}");
    }
}

#[test]
fn entity_and_repetition_bombs_are_refused() {
    let laughs = "<!DOCTYPE svg [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    assert_eq!(word(read(&[laughs.as_bytes(), &svg("<desc>&b;</desc>")].concat())), "element");
    let outside = "<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    assert_eq!(word(read(&[outside.as_bytes(), &svg("<desc>&a;</desc>")].concat())), "element");
    // Ten levels of ten: ten thousand million rings.
    let mut levels = format!("<g id='l0'>{RING}</g>");
    for level in 1..=10 {
        let uses = format!("<use xlink:href='#l{}'/>", level - 1).repeat(10);
        levels += &format!("<g id='l{level}'>{uses}</g>");
    }
    assert_eq!(word(read(&svg(&levels))), "too-complex");
    let wide = format!("<g id='w'>{}</g>{}", RING.repeat(500), "<use xlink:href='#w'/>".repeat(500));
    assert_eq!(word(read(&svg(&wide))), "too-complex");
    let deep = format!("{}{RING}{}", "<g>".repeat(40), "</g>".repeat(40));
    assert_eq!(read(&svg(&deep)).unwrap_err(), Refused::TooLarge("SVG depth".to_owned()));
    let layers = format!("<g opacity='0.9'>{RING}</g>").repeat(80);
    assert_eq!(word(read(&svg(&layers))), "too-complex");
    let many = "<g/>".repeat(20_001);
    assert_eq!(read(&svg(&many)).unwrap_err(), Refused::TooLarge("SVG elements".to_owned()));
}

#[test]
fn an_svg_without_sense_is_refused() {
    for inside in ["", "<circle r='nothing'/>", "</svg><svg>", "<g", "&unknown;"] {
        assert!(read(&svg(inside)).is_err(), "{inside}");
    }
    assert!(read(b"<svg width='10' height='10'/>").is_err(), "no namespace");
    assert!(read(b"<svg xmlns='http://www.w3.org/2000/svg' width='1e30' height='1e-30'/>").is_err());
}

#[test]
fn any_bytes_get_an_answer() {
    let seeds = [jpeg(&scan(), 60), encoded(&scan(), ImageFormat::Gif), svg(RING), claims(50, 50)];
    let mut state = 1_u32;
    for seed in seeds {
        for _ in 0..6 {
            let mut bytes = seed.clone();
            for _ in 0..8 {
                // A small linear generator: the same bytes on every run.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % bytes.len();
                bytes[at] = state as u8;
            }
            fuzz(&bytes);
        }
    }
}
