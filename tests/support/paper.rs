//! Small PDF documents made by hand, for tests, benches and fuzz targets.
#![allow(dead_code, reason = "each program that includes this uses its part of it")]

/// Pages of A4 with a line of text each and what else `keys` says of them, the cross-references in a table.
pub fn pdf(pages: usize, keys: &str) -> Vec<u8> {
    pdf_with(pages, keys, &[])
}

/// The same, and a stream of these octets that no page shows: so that a document is large.
pub fn pdf_with(pages: usize, keys: &str, ballast: &[u8]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {pages}/Kids[{}]>>", kids.join(" ")).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    for page in 0..pages {
        let content = format!("BT /F1 18 Tf 72 700 Td (Contract, page {}) Tj 0 -40 Td (Sign here) Tj ET", page + 1);
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.276 841.89]/Resources<</Font<</F1 3 0 R>>>>/Contents {} 0 R {keys}>>",
                5 + 2 * page
            )
            .into_bytes(),
        );
        objects.push(stream(content.as_bytes()));
    }
    if !ballast.is_empty() {
        objects.push(stream(ballast));
    }
    whole(&objects)
}

/// A stream that is not packed.
pub fn stream(content: &[u8]) -> Vec<u8> {
    [format!("<</Length {}>>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat()
}

/// The objects, numbered from 1, the first of them the catalog, and a table of where they are.
pub fn whole(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe4\xf6\xfc\xdf\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f\r\n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n\r\n", out.len()));
        out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    let size = objects.len() + 1;
    out.extend_from_slice(table.as_bytes());
    out.extend_from_slice(format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").as_bytes());
    out
}

/// What anybody can do to a document: append objects (number and content) in an update of their own.
pub fn appended(document: &[u8], objects: &[(u32, String)]) -> Vec<u8> {
    let text = String::from_utf8_lossy(document);
    let previous = text.rsplit("startxref").next().and_then(|rest| rest.split_whitespace().next()).unwrap_or("0");
    let mut out = document.to_vec();
    let mut table = String::from("xref\n");
    let mut objects = objects.to_vec();
    objects.sort_by_key(|(number, _)| *number);
    for (number, content) in &objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n\r\n", out.len()));
        out.extend_from_slice(format!("{number} 0 obj\n{content}\nendobj\n").as_bytes());
    }
    let start = out.len();
    out.extend_from_slice(table.as_bytes());
    let trailer = format!("trailer\n<</Size 1000/Root 1 0 R/Prev {previous}>>\nstartxref\n{start}\n%%EOF\n");
    out.extend_from_slice(trailer.as_bytes());
    out
}
