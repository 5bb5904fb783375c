//! The pages about requests and certificates. They know no rules of their own: each does what the interface's calls
//! do, through the same functions, and shows what comes of it.

mod certificate;
mod decode;
mod fields;
mod search;
mod words;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::role::Permission;

use super::table::{PageAccess, Row, act, show};

/// The pages of this folder, for the table.
pub(super) fn rows() -> Vec<Row> {
    use PageAccess::Needs;
    use Permission as P;
    vec![
        show("/desk/certificates", Needs(P::ReadCertificates), search::show),
        show("/desk/certificates/{issuer}/{serial}", Needs(P::ReadCertificates), certificate::show),
        show("/desk/certificates/{issuer}/{serial}/{file}", Needs(P::ReadCertificates), certificate::download),
        act("/desk/certificates/{issuer}/{serial}/hold", Needs(P::RevokeCertificate), certificate::hold),
        act("/desk/certificates/{issuer}/{serial}/release", Needs(P::RevokeCertificate), certificate::release),
    ]
}

/// To another page, after something was done; `done` is a word of the frame's messages.
fn on_to(path: &str, done: &str) -> Response {
    Redirect::to(&format!("{path}?done={done}")).into_response()
}

/// A file to keep, under this name.
fn file(name: &str, kind: &'static str, content: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(content.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    // Names of ours are plain; one that came from outside is cut down to what may stand between quotes.
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let disposition =
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", super::escaped(name).replace('/', "%2F"));
    if let Ok(value) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A row of CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn csv_row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    cells.join(",") + "\r\n"
}

fn csv_cell(cell: &str) -> String {
    let guarded = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// What was typed, without the spaces around it; nothing if it is empty.
fn typed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A day of a date field as its first moment in UTC; a whole time stays what it is.
fn day(text: &str) -> Option<String> {
    typed(text).map(|text| if text.len() == 10 { format!("{text}T00:00:00Z") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_rfc_4180_says_so_and_never_a_formula() {
        assert_eq!(csv_row(&["a", "b,c", "say \"no\""]), "a,\"b,c\",\"say \"\"no\"\"\"\r\n");
        assert_eq!(csv_row(&["=1+1", "CN=x"]), "'=1+1,CN=x\r\n");
    }

    #[test]
    fn a_file_name_from_outside_cannot_leave_its_header() {
        let response = file("a\"b\r\nX: y/营业.pdf", "application/pdf", "x");
        let value = response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap();
        let name = "a%22b%0D%0AX%3A%20y%2F%E8%90%A5%E4%B8%9A.pdf";
        assert_eq!(value, format!("attachment; filename=\"a_b__X__y___.pdf\"; filename*=UTF-8''{name}"));
    }

    #[test]
    fn a_day_begins_at_midnight_and_nothing_typed_is_nothing() {
        assert_eq!(day(" 2026-11-21 ").as_deref(), Some("2026-11-21T00:00:00Z"));
        assert_eq!(day("2026-11-21T08:00:00Z").as_deref(), Some("2026-11-21T08:00:00Z"));
        assert_eq!(day("  "), None);
    }
}
