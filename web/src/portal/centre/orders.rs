//! What was asked of the key centre: decided by a second officer, and fetched once it is done.

use std::collections::HashMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::envelope::skf;
use pki_config::ErrorCode;
use pki_config::role::Permission;
use serde::Deserialize;

use super::words::{CentreWords as _, centre_worded};
use super::{ROWS, shown};
use crate::api::centre::{CentreOrderPage, CentreOrderRef, CentreOrders, CentreRefuse};
use crate::app::App;
use crate::edge;
use crate::portal::ra::words::Words as _;
use crate::portal::ra::{Fields, file, on_to, typed};
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// The query of the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    state: String,
    after: Option<u64>,
}

#[derive(Template)]
#[template(path = "centre/orders.html")]
struct OrdersPage<'a> {
    visitor: &'a Visitor,
    chosen: &'a Chosen,
    list: CentreOrderPage,
    names: HashMap<String, String>,
    next: Option<String>,
}

centre_worded!(OrdersPage);

impl OrdersPage<'_> {
    /// What somebody is called.
    fn who<'s>(&'s self, person: &'s str) -> &'s str {
        self.names.get(person).map_or(person, String::as_str)
    }
}

/// `GET /desk/centre/orders`.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCentre)?;
    let ask = CentreOrders { state: typed(&chosen.state), after: chosen.after, limit: Some(ROWS) };
    let names = edge::officer::names(&app, by.actor()).await?;
    let list = edge::centre::orders(app, by, ask).await?;
    let next = list.next.map(|next| visitor.address_with("after", &next.to_string()));
    Ok(page(&OrdersPage { visitor: &visitor, chosen: &chosen, list, names, next }))
}

/// `POST /desk/centre/{key}/approve`: the second officer's part.
pub(super) async fn approve(
    State(app): State<App>,
    visitor: Visitor,
    Path(key): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveRecovery)?;
    let order = Fields::read(&body).get("order").to_owned();
    match edge::centre::approve(app.clone(), by, CentreOrderRef { order }).await {
        Ok(_) => Ok(on_to(&format!("/desk/centre/{key}"), "recovery-done")),
        Err(failure) => shown(app, &visitor, key, Fields::default(), Some(&failure)).await,
    }
}

/// `POST /desk/centre/{key}/refuse`.
pub(super) async fn refuse(
    State(app): State<App>,
    visitor: Visitor,
    Path(key): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveRecovery)?;
    let fields = Fields::read(&body);
    let ask = CentreRefuse { order: fields.get("order").to_owned(), reason: fields.get("reason").to_owned() };
    match edge::centre::refuse(app.clone(), by, ask).await {
        Ok(_) => Ok(on_to(&format!("/desk/centre/{key}"), "recovery-refused")),
        Err(failure) => shown(app, &visitor, key, Fields::default(), Some(&failure)).await,
    }
}

/// `GET /desk/centre/{key}/{order}/{file}`: `envelope.key`, `envelope.skf`, `certificate.pem`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path((key, order, name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCentre)?;
    let recovered = edge::centre::envelope(app, by, CentreOrderRef { order }).await?;
    if recovered.order.key != key {
        return Err(ErrorCode::NotFound.into());
    }
    let inside = |error: &dyn std::fmt::Display| Failure::inside(ErrorCode::Internal, error);
    let envelope = STANDARD.decode(&recovered.envelope).map_err(|e| inside(&e))?;
    Ok(match name.as_str() {
        "envelope.key" => file("recovered.key", "application/octet-stream", envelope),
        "envelope.skf" => {
            let blob = skf::repacked(&envelope).map_err(|e| inside(&e))?;
            file("recovered.skf", "application/octet-stream", blob)
        }
        "certificate.pem" => file("encryption.pem", "application/x-pem-file", recovered.certificate),
        _ => return Err(ErrorCode::NotFound.into()),
    })
}
