//! The pages about requests and certificates. They know no rules of their own: each does what the interface's calls
//! do, through the same functions, and shows what comes of it.

mod batch;
mod branches;
mod calendar;
mod certificate;
mod change;
mod compose;
mod decode;
mod fields;
pub(super) mod form;
mod pair;
mod pickup;
mod queue;
mod request;
mod revoke;
mod search;
pub(super) mod words;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::role::Permission;

pub(super) use self::fields::Fields;
use super::table::{PageAccess, Row, act, show};

/// The pages of this folder, for the table.
pub(super) fn rows() -> Vec<Row> {
    use PageAccess::Needs;
    use PageAccess::Open;
    use Permission as P;
    let read = Needs(P::ReadCertificates);
    let ask = Needs(P::RequestCertificate);
    let revoking = Needs(P::RevokeCertificate);
    let branches = Needs(P::ManageBranches);
    vec![
        show("/desk/requests", read, queue::show),
        show("/desk/requests/new", ask, compose::show),
        act("/desk/requests/new", ask, compose::file).up_to(form::WITH_FILE),
        act("/desk/requests/check", ask, compose::check),
        show("/desk/requests/{request}", read, request::show),
        act("/desk/requests/{request}/review", Needs(P::ReviewRequest), request::review),
        act("/desk/requests/{request}/approve", Needs(P::ApproveRequest), request::approve),
        act("/desk/requests/{request}/reject", Needs(P::ApproveRequest), request::reject),
        act("/desk/requests/{request}/link", ask, request::link),
        act("/desk/requests/{request}/evidence", ask, request::evidence).up_to(form::WITH_FILE),
        show("/desk/evidence/{evidence}", read, request::evidence_file),
        show("/desk/batch", read, batch::show),
        act("/desk/batch", ask, batch::send).up_to(form::WITH_FILE),
        show("/desk/batch/sample.csv", read, batch::sample),
        show("/desk/batch/{batch}", read, batch::one),
        show("/desk/batch/{batch}/result.csv", read, batch::export),
        act("/desk/batch/{batch}/approve", Needs(P::ApproveRequest), batch::approve),
        show("/desk/certificates", read, search::show),
        show("/desk/certificates/revoke", revoking, revoke::show),
        act("/desk/certificates/revoke", revoking, revoke::act),
        show("/desk/certificates/{issuer}/{serial}", read, certificate::show),
        show("/desk/certificates/{issuer}/{serial}/{file}", read, certificate::download),
        show("/desk/certificates/{issuer}/{serial}/pair/{file}", ask, pair::download),
        act("/desk/certificates/{issuer}/{serial}/hold", revoking, certificate::hold),
        act("/desk/certificates/{issuer}/{serial}/release", revoking, certificate::release),
        show("/desk/certificates/{issuer}/{serial}/change/{change}", ask, change::show),
        act("/desk/certificates/{issuer}/{serial}/change/{change}", ask, change::act).up_to(form::WITH_FILE),
        show("/desk/calendar", read, calendar::show),
        show("/desk/branches", read, branches::show),
        act("/desk/branches", branches, branches::add),
        act("/desk/branches/{branch}/close", branches, branches::close),
        act("/desk/branches/{branch}/join", branches, branches::join),
        act("/desk/branches/{branch}/leave", branches, branches::leave),
        show("/pickup", Open, pickup::show),
    ]
}

/// To another page, after something was done; `done` is a word of the frame's messages.
pub(super) fn on_to(path: &str, done: &str) -> Response {
    Redirect::to(&format!("{path}?done={done}")).into_response()
}

/// A file to keep, under this name.
pub(super) fn file(name: &str, kind: &'static str, content: impl Into<axum::body::Body>) -> Response {
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

/// What was typed, without the spaces around it; nothing if it is empty.
pub(super) fn typed(text: &str) -> Option<String> {
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
