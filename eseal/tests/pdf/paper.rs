//! Documents made by hand for the tests, and updates as an attacker would append them.

use std::fmt::Write as _;

use eseal::core::job::Limits;
use eseal::core::order::{Form, Order};
use eseal::core::picture::Picture;
use eseal::core::place::{Pages, Place};

/// How the cross-references are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Table,
    /// A stream; objects that are no streams lie in an object stream.
    Streams,
}

/// What one page is like.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What stands in its dictionary besides its contents.
    pub keys: String,
    /// Its content.
    pub content: String,
}

impl Default for Sheet {
    fn default() -> Self {
        Self {
            keys: "/MediaBox[0 0 595.276 841.89]".to_owned(),
            content: "BT /F1 18 Tf 72 700 Td (Contract of sale) Tj 0 -40 Td (Signed for the seller) Tj ET 0.2 0.4 0.8 rg 72 100 200 50 re f".to_owned(),
        }
    }
}

/// A document: catalog 1, page tree 2, font 3, pages 4, 6…, their contents 5, 7…, then `more` by number.
pub fn paper(kind: Kind, sheets: &[Sheet], catalog: &str, more: &[(u32, String)]) -> Vec<u8> {
    let kids: Vec<String> = (0..sheets.len()).map(|index| format!("{} 0 R", 4 + 2 * index)).collect();
    let mut objects = vec![
        (1, format!("<</Type/Catalog/Pages 2 0 R {catalog}>>")),
        (2, format!("<</Type/Pages/Count {}/Kids[{}]>>", sheets.len(), kids.join(" "))),
        (3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned()),
    ];
    for (index, sheet) in sheets.iter().enumerate() {
        let number = u32::try_from(4 + 2 * index).unwrap();
        let keys = &sheet.keys;
        objects.push((
            number,
            format!("<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 3 0 R>>>>/Contents {} 0 R {keys}>>", number + 1),
        ));
        objects.push((number + 1, stream(&sheet.content)));
    }
    objects.extend(more.iter().cloned());
    match kind {
        Kind::Table => with_table(&objects),
        Kind::Streams => with_streams(&objects),
    }
}

/// A stream that is not packed.
pub fn stream(content: &str) -> String {
    format!("<</Length {}>>\nstream\n{content}\nendstream", content.len())
}

fn with_table(objects: &[(u32, String)]) -> Vec<u8> {
    let mut out = "%PDF-1.7\n%äöü\n".to_owned();
    let mut offsets = vec![0; objects.iter().map(|(number, _)| *number as usize).max().unwrap() + 1];
    for (number, body) in objects {
        offsets[*number as usize] = out.len();
        write!(out, "{number} 0 obj\n{body}\nendobj\n").unwrap();
    }
    let start = out.len();
    write!(out, "xref\n0 {}\n0000000000 65535 f\r\n", offsets.len()).unwrap();
    for offset in &offsets[1..] {
        let state = if *offset == 0 { "65535 f" } else { "00000 n" };
        write!(out, "{offset:010} {state}\r\n").unwrap();
    }
    write!(out, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", offsets.len()).unwrap();
    out.into_bytes()
}

fn with_streams(objects: &[(u32, String)]) -> Vec<u8> {
    let mut out = "%PDF-1.7\n%äöü\n".to_owned();
    let top = objects.iter().map(|(number, _)| *number).max().unwrap();
    let (bundle, table) = (top + 1, top + 2);
    let mut rows: Vec<(u8, u32, u16)> = vec![(0, 0, 65535); table as usize + 1];
    let (mut head, mut body, mut count) = (String::new(), String::new(), 0);
    for (number, text) in objects {
        if text.contains("stream\n") {
            rows[*number as usize] = (1, u32::try_from(out.len()).unwrap(), 0);
            write!(out, "{number} 0 obj\n{text}\nendobj\n").unwrap();
        } else {
            write!(head, "{number} {} ", body.len()).unwrap();
            rows[*number as usize] = (2, bundle, count);
            writeln!(body, "{text}").unwrap();
            count += 1;
        }
    }
    rows[bundle as usize] = (1, u32::try_from(out.len()).unwrap(), 0);
    let length = head.len() + body.len();
    write!(out, "{bundle} 0 obj\n<</Type/ObjStm/N {count}/First {}/Length {length}>>\nstream\n{head}{body}\nendstream\nendobj\n", head.len()).unwrap();
    let start = out.len();
    rows[table as usize] = (1, u32::try_from(start).unwrap(), 0);
    let mut packed = String::new();
    for (kind, second, third) in &rows {
        write!(packed, "{kind:02X}{second:08X}{third:04X}").unwrap();
    }
    // Hexadecimal would need a filter; the octets themselves follow.
    let octets: Vec<u8> =
        (0..packed.len()).step_by(2).map(|at| u8::from_str_radix(&packed[at..at + 2], 16).unwrap()).collect();
    let mut out = out.into_bytes();
    out.extend_from_slice(
        format!(
            "{table} 0 obj\n<</Type/XRef/Size {}/Root 1 0 R/W[1 4 2]/Length {}>>\nstream\n",
            table + 1,
            octets.len()
        )
        .as_bytes(),
    );
    out.extend_from_slice(&octets);
    out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    out
}

/// One page as a table.
pub fn simple() -> Vec<u8> {
    paper(Kind::Table, &[Sheet::default()], "", &[])
}

/// Appends an update with a table: what anybody can do to a sealed document.
pub fn appended(document: &[u8], objects: &[(u32, String)]) -> Vec<u8> {
    let mut out = document.to_vec();
    let text = String::from_utf8_lossy(document).into_owned();
    let previous: usize = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let mut lines = String::new();
    let mut objects = objects.to_vec();
    objects.sort_by_key(|(number, _)| *number);
    for (number, body) in &objects {
        write!(lines, "{number} 1\n{:010} 00000 n\r\n", out.len()).unwrap();
        out.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }
    let start = out.len();
    out.extend_from_slice(
        format!("xref\n{lines}trailer\n<</Size 1000/Root 1 0 R/Prev {previous}>>\nstartxref\n{start}\n%%EOF\n")
            .as_bytes(),
    );
    out
}

/// A seal of 472 by 472 pixels, 40 mm: a red ring and a bar, the rest transparent.
pub fn seal() -> Picture {
    let mut pixels = image::RgbaImage::new(472, 472);
    for (x, y, pixel) in pixels.enumerate_pixels_mut() {
        let (dx, dy) = (f64::from(x) - 236.0, f64::from(y) - 236.0);
        let far = dx.hypot(dy);
        if (200.0..236.0).contains(&far)
            || (dx.abs() < 120.0 && dy.abs() < 20.0)
            || (dx.abs() < 20.0 && (-120.0..0.0).contains(&dy))
        {
            *pixel = image::Rgba([220, 20, 20, 230]);
        }
    }
    let mut png = Vec::new();
    pixels.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
    Picture { png, width: 40.0, height: 40.0 }
}

/// An order for one place on the first page.
pub fn order(form: Form) -> Order {
    Order {
        form,
        places: vec![Place::At { pages: Pages::These(vec![1]), x: 100.0, y: 200.0 }],
        picture: seal(),
        seal: Vec::new(),
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        signer: "上海某某有限公司".to_owned(),
        reason: Some("Contract (sale) \\ 2026".to_owned()),
        location: Some("上海".to_owned()),
        reserve: 8192,
    }
}

/// The usual bounds.
pub fn limits() -> Limits {
    Limits::default()
}
