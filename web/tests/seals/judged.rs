//! What others say of sealed PDF documents: pdfsig, pyHanko, qpdf, Poppler's drawing, BouncyCastle.

use crate::house::House;
use crate::judges::{BouncyCastle, Poppler, PyHanko, Qpdf, fact};
use crate::paper;

/// The octets that the last `/ByteRange` covers, and the hole between them.
pub fn covered(pdf: &[u8]) -> (Vec<u8>, std::ops::Range<usize>) {
    let text: String = pdf.iter().map(|byte| *byte as char).collect();
    let range = text.rfind("/ByteRange").unwrap();
    let inside = &text[range + text[range..].find('[').unwrap() + 1..];
    let numbers = inside[..inside.find(']').unwrap()].split_whitespace();
    let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
    let [start, length, second, rest] = numbers[..] else { panic!("{numbers:?}") };
    ([&pdf[start..start + length], &pdf[second..second + rest]].concat(), start + length..second)
}

/// What lies in the hole, without what fills it up.
pub fn value(pdf: &[u8]) -> Vec<u8> {
    let hex = String::from_utf8(pdf[covered(pdf).1].to_vec()).unwrap();
    let digits: Vec<u8> = hex.trim_matches(['<', '>']).bytes().collect();
    let octets: Vec<u8> =
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    // SEQUENCE with a length in two or three octets; zeros follow.
    let head = 2 + usize::from(octets[1] & 0x7f);
    let length = octets[2..head].iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
    octets[..head + length].to_vec()
}

/// A sealed document with one octet of the first page's text changed.
fn changed(pdf: &[u8]) -> Vec<u8> {
    let place = pdf.windows(8).position(|part| part == b"Contract").unwrap();
    let mut changed = pdf.to_vec();
    changed[place] = b'K';
    changed
}

#[test]
fn bouncy_castle_verifies_seals_and_messages_on_pdf_and_refuses_changed_ones() {
    let Some(judge) = BouncyCastle::find() else { return };
    let house = House::open();
    house.put("c.pdf", &paper::pdf(2, ""));
    for form in ["seal", "cms"] {
        house.seal("c.pdf", &format!("--at 1:120,200 --form {form}"), &format!("{form}.pdf"));
        house.is_valid(&format!("{form}.pdf"));
        let sealed = house.read(&format!("{form}.pdf"));
        let ask = |document: &[u8]| {
            house.put("value", &value(document));
            house.put("signed", &covered(document).0);
            let (value, signed) = (house.path("value"), house.path("signed"));
            if form == "seal" { judge.seal(&value, &signed) } else { judge.cms(&value, &signed) }
        };
        let told = ask(&sealed).must_accept(form);
        if form == "seal" {
            assert_eq!(fact(&told, "seal"), house.seal);
            assert_eq!(fact(&told, "stamped"), "true");
        }
        ask(&changed(&sealed)).must_refuse("a changed document");
    }
}

#[test]
fn ordinary_viewers_verify_the_ecdsa_profile_at_every_level() {
    let house = House::open();
    house.put("c.pdf", &paper::pdf(2, ""));
    let root = house.path("data/roots/ec-root.pem");
    for level in ["b-b", "b-t", "b-lt"] {
        let out = format!("{level}.pdf");
        house.seal("c.pdf", &format!("--at 1:120,200 --form pades --level {level}"), &out);
        house.is_valid(&out);
        house.put("changed.pdf", &changed(&house.read(&out)));
        house.is_invalid("changed.pdf", "data-hash");
        if let Some(poppler) = Poppler::find() {
            poppler.signatures(&house.path(&out)).must_accept(level);
            poppler.signatures(&house.path("changed.pdf")).must_refuse("a changed document");
        }
        if let Some(pyhanko) = PyHanko::find() {
            let told = pyhanko.document(&house.path(&out), &root).must_accept(level);
            assert_eq!(fact(&told, "format"), "/ETSI.CAdES.detached");
            assert_eq!(fact(&told, "stamped") == "True", level != "b-b", "{told}");
            pyhanko.document(&house.path("changed.pdf"), &root).must_refuse("a changed document");
            pyhanko.document(&house.path(&out), &house.path("data/roots/sm2-root.pem")).must_refuse("another root");
            if level == "b-lt" {
                pyhanko.kept(&house.path(&out), &root).must_accept("a document with its evidence");
            }
        }
    }
}

#[test]
fn only_the_seal_is_seen_that_was_not_there_before() {
    let (Some(poppler), Some(qpdf)) = (Poppler::find(), Qpdf::find()) else { return };
    let house = House::open();
    house.put("c.pdf", &paper::pdf(5, ""));
    let before = poppler.pages(&house.path("c.pdf"), 72);
    for form in ["seal", "cms", "pades"] {
        house.seal("c.pdf", &format!("--at 2:120,200 --form {form}"), &format!("{form}.pdf"));
        qpdf.check(&house.path(&format!("{form}.pdf"))).must_accept(form);
        let after = poppler.pages(&house.path(&format!("{form}.pdf")), 72);
        for (page, (before, after)) in before.iter().zip(&after).enumerate() {
            let Some((left, top, right, bottom)) = before.difference(after) else {
                assert_ne!(page, 1, "the seal is not seen");
                continue;
            };
            assert_eq!(page, 1, "a page without a seal looks otherwise");
            // 42 mm from (120, 200) mm, at 72 dots per inch: 340 to 459 and 567 to 686.
            assert!(left >= 339 && right <= 460 && top >= 566 && bottom <= 687, "{left} {top} {right} {bottom}");
            assert!(right - left > 110 && bottom - top > 110, "it is as large as it says");
            assert!(after.red() > before.red() + 500, "it is red");
        }
    }
    // A slice of a fifth of the seal on each page, at the edge.
    house.seal("c.pdf", "--riding right --pages all", "riding.pdf");
    qpdf.check(&house.path("riding.pdf")).must_accept("a riding seal");
    for (before, after) in before.iter().zip(poppler.pages(&house.path("riding.pdf"), 72)) {
        let (left, _, right, _) = before.difference(&after).expect("a slice on each page");
        // 42 mm / 5 are 23.8 points of 595.3.
        assert!(left >= 570 && right <= 595 && right - left <= 25, "{left} {right}");
    }
}
