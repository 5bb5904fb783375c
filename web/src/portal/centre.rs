//! The key centre: the encryption keys it keeps, and their recovery by two officers. No page here shows or takes a
//! private key: what leaves the centre is closed for its recipient.

mod orders;
mod words;

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::ErrorCode;
use pki_config::role::Permission;
use serde::Deserialize;

use self::words::centre_worded;
use super::ra::words::Words as _;
use super::ra::{Fields, form, on_to, typed};
use super::table::{PageAccess, Row, act, show};
use super::{Visitor, page};
use crate::api::Problem;
use crate::api::centre::{CentreAsk, CentreDetail, CentrePage, CentreQuery, CentreRef};
use crate::app::App;
use crate::edge;
use crate::problem::Failure;
use words::CentreWords as _;

/// Rows of a page.
const ROWS: u32 = 50;

/// The pages of this folder, for the table.
pub(super) fn rows() -> Vec<Row> {
    use PageAccess::Needs;
    use Permission as P;
    let (read, decide) = (Needs(P::ReadCentre), Needs(P::ApproveRecovery));
    vec![
        show("/desk/centre", read, list),
        show("/desk/centre/orders", read, orders::list),
        show("/desk/centre/{key}", read, one),
        act("/desk/centre/{key}/ask", Needs(P::AskRecovery), ask),
        act("/desk/centre/{key}/approve", decide, orders::approve),
        act("/desk/centre/{key}/refuse", decide, orders::refuse),
        show("/desk/centre/{key}/{order}/{file}", read, orders::download),
    ]
}

/// The query of the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    state: String,
    name: String,
    after: Option<u64>,
}

#[derive(Template)]
#[template(path = "centre/list.html")]
struct ListPage<'a> {
    visitor: &'a Visitor,
    chosen: &'a Chosen,
    list: CentrePage,
    next: Option<String>,
}

centre_worded!(ListPage);

/// `GET /desk/centre`.
async fn list(State(app): State<App>, visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCentre)?;
    let ask =
        CentreQuery { state: typed(&chosen.state), name: typed(&chosen.name), after: chosen.after, limit: Some(ROWS) };
    let list = edge::centre::list(app, by, ask).await?;
    let next = list.next.map(|next| visitor.address_with("after", &next.to_string()));
    Ok(page(&ListPage { visitor: &visitor, chosen: &chosen, list, next }))
}

#[derive(Template)]
#[template(path = "centre/key.html")]
struct KeyPage<'a> {
    visitor: &'a Visitor,
    detail: CentreDetail,
    names: HashMap<String, String>,
    typed: Fields,
    refused: Option<Problem>,
    may_ask: bool,
    may_read: bool,
}

centre_worded!(KeyPage);

impl KeyPage<'_> {
    /// What somebody is called.
    fn who<'s>(&'s self, person: &'s str) -> &'s str {
        self.names.get(person).map_or(person, String::as_str)
    }

    /// Whether this officer may say no.
    fn may_decide(&self) -> bool {
        self.visitor.may(Permission::ApproveRecovery)
    }

    /// Whether something waits to be decided.
    fn waits(&self) -> bool {
        self.detail.orders.iter().any(|order| order.state == "asked")
    }

    fn aimed(&self, aim: &str) -> bool {
        let chosen = self.typed.get("aim");
        chosen == aim || chosen.is_empty() && aim == "holder"
    }
}

/// `GET /desk/centre/{key}`.
async fn one(State(app): State<App>, visitor: Visitor, Path(key): Path<String>) -> Result<Response, Failure> {
    shown(app, &visitor, key, Fields::default(), None).await
}

/// The page of a key, with what could not be done above it.
async fn shown(
    app: App,
    visitor: &Visitor,
    key: String,
    typed: Fields,
    refused: Option<&Failure>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCentre)?;
    let names = edge::officer::names(&app, by.actor()).await?;
    let detail = edge::centre::show(app, by, CentreRef { key }).await?;
    let mut response = page(&KeyPage {
        visitor,
        detail,
        names,
        typed,
        refused: refused.map(|failure| failure.problem("")),
        may_ask: visitor.may(Permission::AskRecovery),
        may_read: visitor.may(Permission::ReadCertificates),
    });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// `POST /desk/centre/{key}/ask`: the first officer's part. What cannot be filed comes back as it was typed.
async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path(key): Path<String>,
    sent: Multipart,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::AskRecovery)?;
    let (fields, attached) = form::with_file(sent).await?;
    let file = attached.map(|file| text_of(&file.content)).transpose();
    let asked = file.map(|file| CentreAsk {
        key: key.clone(),
        aim: fields.get("aim").to_owned(),
        certificate: file.or_else(|| fields.typed("certificate")).filter(|_| fields.get("aim") != "destroy"),
        reason: fields.get("reason").to_owned(),
        ground: fields.get("ground").to_owned(),
    });
    let filed = match asked {
        Ok(ask) => edge::centre::ask(app.clone(), by, ask).await,
        Err(failure) => Err(failure),
    };
    match filed {
        Ok(_) => Ok(on_to(&format!("/desk/centre/{key}"), "recovery-asked")),
        Err(failure) => shown(app, &visitor, key, fields, Some(&failure)).await,
    }
}

/// A certificate as the call takes it: PEM as it is, DER in base64.
fn text_of(base64: &str) -> Result<String, Failure> {
    let bytes = STANDARD.decode(base64).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => base64.to_owned(),
    })
}
