//! A signer who shows another picture than that of the seal used is told of.

use eseal::core::finding::{Check, Outcome};
use eseal::core::order::Form;
use eseal::core::pdf;

use crate::paper::{limits, order, seal, simple};

/// An element of DER.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..128 => vec![tag, length[3]],
        128..256 => vec![tag, 0x81, length[3]],
        256..65_536 => vec![tag, 0x82, length[2], length[3]],
        _ => vec![tag, 0x83, length[1], length[2], length[3]],
    };
    [head, content].concat()
}

/// A signature of GB/T 38540 with a seal of that picture and no valid signatures: only its form matters here.
fn value(png: &[u8]) -> Vec<u8> {
    let time = element(0x18, &[b"20260101000000Z"]);
    let header = element(0x30, &[&element(0x16, &[b"ES"]), &[2, 1, 4], &element(0x16, &[b"test"])]);
    let certificate = element(0x04, &[&[0x30, 0]]);
    let list = element(0x30, &[&certificate]);
    let property = element(0x30, &[&[2, 1, 1], &element(0x0c, &[b"seal"]), &[2, 1, 1], &list, &time, &time, &time]);
    let picture = element(0x30, &[&element(0x16, &[b"PNG"]), &element(0x04, &[png]), &[2, 1, 40], &[2, 1, 40]]);
    let info = element(0x30, &[&header, &element(0x16, &[b"310000000001"]), &property, &picture]);
    let algorithm = [6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
    let signed = element(0x03, &[&[0; 65]]);
    let seal = element(0x30, &[&info, &certificate, &algorithm, &signed]);
    let digest = element(0x03, &[&[0; 33]]);
    let tbs = element(0x30, &[&[2, 1, 4], &seal, &time, &digest, &element(0x16, &[b"0 1 2 3"])]);
    element(0x30, &[&tbs, &certificate, &algorithm, &signed])
}

#[test]
fn the_page_must_show_the_picture_of_the_seal() {
    let told = |png: &[u8]| {
        assert!(eseal::core::ses::SealSignature::read(&value(png)).is_ok());
        let mut order = order(Form::Seal);
        order.reserve = 65_536;
        let sealed = pdf::prepare(&simple(), &order, &limits()).unwrap().finish(&value(png)).unwrap();
        let facts = pdf::read(&sealed, &limits()).unwrap();
        let seen = facts.signatures[0].findings.iter().find(|finding| finding.check == Check::Appearance).unwrap();
        (seen.outcome, seen.code.clone())
    };
    assert_eq!(told(&seal().png), (Outcome::Pass, "shown".to_owned()));
    let mut other = Vec::new();
    let square =
        image::RgbaImage::from_fn(300, 300, |x, y| image::Rgba([200, 0, 0, if x < 30 || y > 200 { 255 } else { 0 }]));
    square.write_to(&mut std::io::Cursor::new(&mut other), image::ImageFormat::Png).unwrap();
    assert_eq!(told(&other), (Outcome::Warning, "picture-differs".to_owned()));
}
