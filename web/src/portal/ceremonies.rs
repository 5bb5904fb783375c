//! Ceremonies: a plan or an answer is put forward by one person, read by another, and carried out when that one typed
//! its code from the printed page.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::{ErrorCode, Permission};
use serde::Deserialize;

use super::visitor::framed;
use super::{Visitor, escaped, page, words};
use crate::api::Nothing;
use crate::api::ceremony::{CeremonyConfirm, CeremonyInfo, CeremonyPropose, CeremonyRef, CeremonyReject};
use crate::app::App;
use crate::edge::ceremony;
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "ceremonies.html")]
struct ListPage<'a> {
    visitor: &'a Visitor,
    all: Vec<CeremonyInfo>,
    may: bool,
}

framed!(ListPage);

impl ListPage<'_> {
    fn state(&self, state: &str) -> String {
        state_words(self.visitor, state)
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }
}

#[derive(Template)]
#[template(path = "ceremony.html")]
struct OnePage<'a> {
    visitor: &'a Visitor,
    one: CeremonyInfo,
    may: bool,
}

framed!(OnePage);

impl OnePage<'_> {
    fn state(&self, state: &str) -> String {
        state_words(self.visitor, state)
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }
}

fn state_words(visitor: &Visitor, state: &str) -> String {
    let words = match state {
        "proposed" => visitor.say("等待另一人确认", "waits for another person"),
        "running" => visitor.say("执行中", "being carried out"),
        "done" => visitor.say("已完成", "done"),
        "failed" => visitor.say("提前终止", "ended early"),
        "rejected" => visitor.say("已驳回", "rejected"),
        other => other,
    };
    words.to_owned()
}

/// What the forms of these pages send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    source: String,
    request: String,
    code: String,
    reason: String,
}

fn sent(form: Result<Form<Sent>, FormRejection>) -> Result<Sent, Failure> {
    form.map(|Form(sent)| sent).map_err(|why| Failure::saying(ErrorCode::BadRequest, why))
}

/// `GET /desk/ceremonies`.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadIssuers)?;
    let all = ceremony::list(app, by, Nothing {}).await?.ceremonies;
    Ok(page(&ListPage { all, may: visitor.may(Permission::ManageIssuers), visitor: &visitor }))
}

/// `GET /desk/ceremonies/{ceremony}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadIssuers)?;
    let one = ceremony::show(app, by, CeremonyRef { ceremony: id }).await?;
    Ok(page(&OnePage { one, may: visitor.may(Permission::ManageIssuers), visitor: &visitor }))
}

/// `POST /desk/ceremonies`: puts a plan or an answer forward.
pub(super) async fn propose(
    State(app): State<App>,
    visitor: Visitor,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageIssuers)?;
    let Sent { source, request, .. } = sent(form)?;
    // Browsers end lines as forms do; the code is that of the file, whose lines end otherwise.
    let plain = |text: String| text.replace("\r\n", "\n");
    let request = Some(plain(request)).filter(|text| !text.trim().is_empty());
    let made = ceremony::propose(app, by, CeremonyPropose { source: plain(source), request }).await?;
    Ok(to(&made))
}

/// `POST /desk/ceremonies/{ceremony}/confirm`.
pub(super) async fn confirm(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageIssuers)?;
    let code = sent(form)?.code;
    Ok(to(&ceremony::confirm(app, by, CeremonyConfirm { ceremony: id, code }).await?))
}

/// `POST /desk/ceremonies/{ceremony}/reject`.
pub(super) async fn reject(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageIssuers)?;
    let reason = sent(form)?.reason;
    Ok(to(&ceremony::reject(app, by, CeremonyReject { ceremony: id, reason }).await?))
}

fn to(made: &CeremonyInfo) -> Response {
    Redirect::to(&format!("/desk/ceremonies/{}", escaped(&made.ceremony))).into_response()
}
