//! What follows a certificate: the same for another term, another key, other names. Each is an action of its own and
//! makes a request that somebody else decides on.

use askama::Template;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::fields::Fields;
use super::words::{Words as _, worded};
use super::{certificate, form, on_to};
use crate::api::request::{Reissue, Rekey, Renew};
use crate::api::{CertDetail, CertRef, Problem};
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Renew,
    Rekey,
    Reissue,
}

impl Change {
    fn read(word: &str) -> Option<Self> {
        [Self::Renew, Self::Rekey, Self::Reissue].into_iter().find(|change| change.word() == word)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Rekey => "rekey",
            Self::Reissue => "reissue",
        }
    }
}

#[derive(Template)]
#[template(path = "ra/change.html")]
struct ChangePage<'a> {
    visitor: &'a Visitor,
    change: Change,
    detail: CertDetail,
    base: String,
    typed: &'a Fields,
    names: String,
    refused: Option<Problem>,
}

worded!(ChangePage);

async fn shown(
    app: App,
    visitor: &Visitor,
    change: Change,
    (issuer, serial): (String, String),
    typed: &Fields,
    refused: Option<&Failure>,
) -> Result<Response, Failure> {
    let base = certificate::address(&issuer, &serial);
    let by = visitor.by(Permission::ReadCertificates)?;
    let detail = edge::cert::show(app, by, CertRef { serial, issuer: Some(issuer) }).await?;
    let names = typed.typed("sans").unwrap_or_else(|| detail.line.sans.join("\n"));
    let refused_page = refused.map(|failure| failure.problem(""));
    let mut response = page(&ChangePage { visitor, change, detail, base, typed, names, refused: refused_page });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// `GET /desk/certificates/{issuer}/{serial}/change/{change}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial, word)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let change = Change::read(&word).ok_or(Failure::new(ErrorCode::NotFound))?;
    shown(app, &visitor, change, (issuer, serial), &Fields::default(), None).await
}

/// `POST /desk/certificates/{issuer}/{serial}/change/{change}`.
pub(super) async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path((issuer, serial, word)): Path<(String, String, String)>,
    sent: Multipart,
) -> Result<Response, Failure> {
    let change = Change::read(&word).ok_or(Failure::new(ErrorCode::NotFound))?;
    let (typed, attached) = form::with_file(sent).await?;
    match filed(&app, &visitor, change, (&issuer, &serial), &typed, attached).await {
        Ok(request) => Ok(on_to(&format!("/desk/requests/{request}"), "submitted")),
        Err(failure) => shown(app, &visitor, change, (issuer, serial), &typed, Some(&failure)).await,
    }
}

async fn filed(
    app: &App,
    visitor: &Visitor,
    change: Change,
    (issuer, serial): (&str, &str),
    typed: &Fields,
    attached: Option<crate::api::request::EvidenceFile>,
) -> Result<String, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    let (serial, issuer) = (serial.to_owned(), Some(issuer.to_owned()));
    let (days, evidence) = (form::days(typed)?, form::evidence(typed, attached)?);
    let app = app.clone();
    let filed = match change {
        Change::Renew => edge::cert_again::renew(app, by, Renew { serial, issuer, days, evidence }).await?,
        Change::Rekey => {
            let csr = typed.get("csr").to_owned();
            edge::cert_again::rekey(app, by, Rekey { serial, issuer, csr, days, evidence }).await?
        }
        Change::Reissue => {
            let names = typed.get("sans").split(|c: char| c.is_whitespace() || c == ',');
            let sans = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let (subject, csr) = (typed.typed("subject"), typed.typed("csr"));
            let ask = Reissue { serial, issuer, subject, sans: Some(sans), csr, days, evidence };
            edge::cert_again::reissue(app, by, ask).await?
        }
    };
    Ok(filed.request)
}
