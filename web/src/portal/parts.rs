//! A form with files (`multipart/form-data`, RFC 7578) read where it lies: for secrets, of which the reader of the
//! framework would leave copies behind. The whole of it is overwritten when it is done with.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use pki_config::ErrorCode;
use zeroize::Zeroize as _;

use crate::problem::Failure;

/// Most parts of a form.
const MOST: usize = 64;
/// Longest head of a part. Unit: bytes.
const LONGEST_HEAD: usize = 2048;

/// A body that is overwritten in the end, unless somebody else still holds it.
pub(super) struct Sent(Bytes);

impl Drop for Sent {
    fn drop(&mut self) {
        if let Ok(mut own) = std::mem::take(&mut self.0).try_into_mut() {
            own.as_mut().zeroize();
        }
    }
}

/// One part.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// The name of the field.
    pub(super) field: &'a str,
    /// The name of the file, if it is one.
    pub(super) file: Option<&'a str>,
    pub(super) content: &'a [u8],
}

impl Sent {
    /// Takes the body over.
    pub(super) fn new(body: Bytes) -> Self {
        Self(body)
    }

    /// Its parts, in the order they stand in.
    ///
    /// # Errors
    /// `BAD_REQUEST`: it is no such form.
    pub(super) fn parts(&self, headers: &HeaderMap) -> Result<Vec<Part<'_>>, Failure> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        read(kind, &self.0).ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "the form does not read"))
    }
}

fn read<'a>(kind: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let rest = kind.strip_prefix("multipart/form-data")?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    // RFC 2046 5.1.1.
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let between = format!("\r\n--{boundary}").into_bytes();
    let mut left = body.strip_prefix(between.get(2..)?)?;
    let mut parts = Vec::new();
    loop {
        if left.starts_with(b"--") {
            return Some(parts);
        }
        let part = left.strip_prefix(b"\r\n")?;
        let end = find(part, &between)?;
        let (inside, behind) = (part.get(..end)?, part.get(end + between.len()..)?);
        let head = find(inside.get(..inside.len().min(LONGEST_HEAD))?, b"\r\n\r\n")?;
        let (words, content) = (std::str::from_utf8(inside.get(..head)?).ok()?, inside.get(head + 4..)?);
        let said = words.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then_some(value.trim())
        })?;
        if parts.len() == MOST {
            return None;
        }
        parts.push(Part { field: named(said, "name")?, file: named(said, "filename"), content });
        left = behind;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A parameter between quotes. Browsers write a quote inside as `%22`.
fn named<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.split("; ").find_map(|word| word.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=XX";

    fn parts(body: &str) -> Option<Vec<(String, Option<String>, String)>> {
        let parts = read(KIND, body.as_bytes())?;
        let owned = |part: Part<'_>| {
            let content = String::from_utf8(part.content.to_vec()).unwrap();
            (part.field.to_owned(), part.file.map(str::to_owned), content)
        };
        Some(parts.into_iter().map(owned).collect())
    }

    #[test]
    fn a_form_as_browsers_send_it_gives_its_fields_and_files() {
        // RFC 7578 4, as Chromium writes it.
        let body = "--XX\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\np12\r\n\
                    --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"密钥.pem\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\na\r\n--X\r\n\r\n--XX--\r\n";
        let expected = [
            ("to".to_owned(), None, "p12".to_owned()),
            ("file".to_owned(), Some("密钥.pem".to_owned()), "a\r\n--X\r\n".to_owned()),
        ];
        assert_eq!(parts(body).unwrap(), expected);
        assert_eq!(parts("--XX--\r\n").unwrap(), []);
    }

    #[test]
    fn what_is_cut_off_or_is_no_form_is_refused() {
        let whole = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--XX--";
        assert!(parts(whole).is_some());
        for cut in 0..whole.len() {
            assert!(parts(&whole[..cut]).is_none(), "{cut}");
        }
        for kind in ["multipart/form-data", "multipart/form-data; boundary=", "text/plain", ""] {
            assert!(read(kind, whole.as_bytes()).is_none(), "{kind}");
        }
        let many = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n".repeat(MOST + 1) + "--XX--";
        assert!(parts(&many).is_none());
        assert!(parts("--XX\r\nContent-Type: text/plain\r\n\r\nb\r\n--XX--").is_none(), "no name");
    }
}
