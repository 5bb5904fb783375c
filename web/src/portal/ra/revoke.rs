//! Revoking and holding: always in two steps, the first of which says what the second does.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::fields::Fields;
use super::words::{Words as _, worded};
use super::{certificate, on_to};
use crate::api::CertRef;
use crate::api::request::{RevokeAll, RevokedAll};
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "ra/revoke.html")]
struct RevokePage<'a> {
    visitor: &'a Visitor,
    hold: bool,
    chosen: Vec<String>,
    organisation: Option<String>,
    key: Option<String>,
    preview: RevokedAll,
}

worded!(RevokePage);

#[derive(Template)]
#[template(path = "ra/revoked.html")]
struct RevokedPage<'a> {
    visitor: &'a Visitor,
    result: RevokedAll,
    failed: usize,
}

worded!(RevokedPage);

/// What the fields name: certificates one by one, all of an organisation, or all of a key.
fn asked(fields: &Fields, reason: &str, expected: Option<u64>) -> Result<RevokeAll, Failure> {
    let certificates = fields.all("one").into_iter().map(reference).collect::<Result<Vec<_>, _>>()?;
    let invalidity = super::day(fields.get("invalidity"));
    Ok(RevokeAll {
        organisation: fields.typed("organisation"),
        key: fields.typed("key"),
        certificates,
        reason: reason.to_owned(),
        invalidity,
        expected,
    })
}

/// `ISSUER/SERIAL`.
fn reference(text: &str) -> Result<CertRef, Failure> {
    let wrong = || Failure::saying(ErrorCode::BadRequest, "expected ISSUER/SERIAL");
    let (issuer, serial) = text.split_once('/').ok_or_else(wrong)?;
    Ok(CertRef { serial: serial.to_owned(), issuer: Some(issuer.to_owned()) })
}

/// `GET /desk/certificates/revoke`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let fields = Fields::read(&Bytes::from(query.unwrap_or_default()));
    let by = visitor.by(Permission::RevokeCertificate)?;
    let preview = edge::revoke_all::revoke_all(app, by, asked(&fields, "unspecified", None)?).await?;
    Ok(page(&RevokePage {
        visitor: &visitor,
        hold: fields.get("hold") == "1",
        chosen: fields.all("one").into_iter().map(str::to_owned).collect(),
        organisation: fields.typed("organisation"),
        key: fields.typed("key"),
        preview,
    }))
}

/// `POST /desk/certificates/revoke`.
pub(super) async fn act(State(app): State<App>, visitor: Visitor, body: Bytes) -> Result<Response, Failure> {
    let fields = Fields::read(&body);
    let by = visitor.by(Permission::RevokeCertificate)?;
    let expected = fields.get("expected").parse().map_err(|_| Failure::new(ErrorCode::BadRequest))?;
    let ask = asked(&fields, fields.get("reason"), Some(expected))?;
    let one = match ask.certificates.as_slice() {
        [one] => Some(certificate::address(one.issuer.as_deref().unwrap_or_default(), &one.serial)),
        _ => None,
    };
    let result = edge::revoke_all::revoke_all(app, by, ask).await?;
    let failed = result.certificates.iter().filter(|line| line.problem.is_some()).count();
    match one {
        Some(address) if failed == 0 => Ok(on_to(&address, "revoked")),
        _ => Ok(page(&RevokedPage { visitor: &visitor, result, failed })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_named_by_issuer_and_serial() {
        let one = reference("sm2-issuing/0A0B").unwrap();
        assert_eq!((one.issuer.as_deref(), one.serial.as_str()), (Some("sm2-issuing"), "0A0B"));
        assert!(reference("0A0B").is_err());
    }
}
