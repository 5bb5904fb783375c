//! The seals: all that there are, and one with its life, its certificates and what it was used for.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::ErrorCode;
use pki_config::role::Permission;
use serde::Deserialize;

use super::words::{SealWords as _, seal_worded};
use crate::api::Problem;
use crate::api::seal::{SealDetail, SealPage, SealQuery, SealRef, SealStepAsk, SealUsePage, SealUseQuery};
use crate::app::App;
use crate::edge;
use crate::portal::ra::words::Words as _;
use crate::portal::ra::{Fields, file, on_to, typed};
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Seals on a page.
const ROWS: u32 = 60;
/// Uses on the page of a seal.
const USES: u32 = 20;

/// Which seals, as the address has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    state: String,
    name: String,
    after: Option<u64>,
}

#[derive(Template)]
#[template(path = "seal/list.html")]
struct ListPage<'a> {
    visitor: &'a Visitor,
    chosen: &'a Chosen,
    list: SealPage,
    next: Option<String>,
    may_apply: bool,
}

seal_worded!(ListPage);

impl ListPage<'_> {
    /// The tabs: state (empty for all), words.
    fn tabs(&self) -> Vec<(&'static str, String)> {
        let states = ["applied", "reviewed", "made", "enabled", "suspended", "revoked"];
        let all = ("", self.say("全部", "All").to_owned());
        std::iter::once(all).chain(states.map(|state| (state, self.seal_state(state)))).collect()
    }
}

#[derive(Template)]
#[template(path = "seal/one.html")]
struct OnePage<'a> {
    visitor: &'a Visitor,
    detail: SealDetail,
    uses: SealUsePage,
    refused: Option<Problem>,
    may_audit: bool,
}

seal_worded!(OnePage);

impl OnePage<'_> {
    fn may(&self, what: &str) -> bool {
        self.detail.may.iter().any(|may| may == what)
    }

    /// Whether it still waits for somebody's decision.
    fn open(&self) -> bool {
        matches!(self.detail.info.state.as_str(), "applied" | "reviewed")
    }

    fn obstacle(&self, word: &str) -> &'static str {
        let language = self.visitor.language();
        match word {
            "same-officer" | "own" => language.say(
                "您已参与这份申请，须由另一人办理（四眼原则）。",
                "You had a part in this application: somebody else decides on it (four eyes).",
            ),
            _ => language.say("您不能办理这份申请。", "It is not yours to decide."),
        }
    }

    /// Steps that want a reason: word, heading, what it means, button.
    fn graves(&self) -> [(&'static str, &'static str, &'static str, &'static str); 4] {
        let language = self.visitor.language();
        [
            (
                "reject",
                language.say("驳回", "Reject"),
                language.say("驳回后不能恢复，只能重新申请。", "This cannot be taken back: a new application is needed then."),
                language.say("驳回", "Reject"),
            ),
            (
                "suspend",
                language.say("暂停使用", "Suspend"),
                language.say(
                    "暂停期间不能盖章，公开状态为“已暂停”；可随时重新启用。",
                    "Meanwhile it cannot be used and its public status says so. It can be enabled again at any time.",
                ),
                language.say("暂停", "Suspend"),
            ),
            (
                "revoke",
                language.say("吊销", "Revoke"),
                language.say(
                    "吊销不可撤回：此后不能再用它盖章；之前盖的章仍可验证。",
                    "This cannot be taken back. It signs nothing from then on; what it signed before can still be verified.",
                ),
                language.say("吊销", "Revoke"),
            ),
            (
                "destroy",
                language.say("销毁", "Destroy"),
                language.say(
                    "销毁印模和签章密钥，只保留记录。不可撤回。",
                    "Its picture and its keys are destroyed; only the record stays. This cannot be taken back.",
                ),
                language.say("销毁", "Destroy"),
            ),
        ]
    }

    /// One certificate's subject, for the reader.
    fn subject(&self, pem: &str) -> String {
        let der = der::pem::decode_vec(pem.as_bytes()).ok();
        let cert = der.and_then(|(_, der)| <x509_cert::Certificate as der::Decode>::from_der(&der).ok());
        cert.map_or_else(String::new, |cert| cert.tbs_certificate().subject().to_string())
    }
}

/// `GET /desk/seals`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadSeals)?;
    let ask =
        SealQuery { state: typed(&chosen.state), name: typed(&chosen.name), after: chosen.after, limit: Some(ROWS) };
    let list = edge::seal::life::list(app, by, ask).await?;
    let next = list.next.map(|next| visitor.address_with("after", &next.to_string()));
    let may_apply = visitor.may(Permission::RequestSeal);
    Ok(page(&ListPage { visitor: &visitor, chosen: &chosen, list, next, may_apply }))
}

async fn detail(app: &App, visitor: &Visitor, seal: &str) -> Result<SealDetail, Failure> {
    let by = visitor.by(Permission::ReadSeals)?;
    edge::seal::life::show(app.clone(), by, SealRef { seal: seal.to_owned() }).await
}

/// `GET /desk/seals/{seal}`.
pub(super) async fn one(
    State(app): State<App>,
    visitor: Visitor,
    Path(seal): Path<String>,
) -> Result<Response, Failure> {
    shown(app, &visitor, &seal, None).await
}

pub(super) async fn shown(
    app: App,
    visitor: &Visitor,
    seal: &str,
    refused: Option<&Failure>,
) -> Result<Response, Failure> {
    let detail = detail(&app, visitor, seal).await?;
    let by = visitor.by(Permission::ReadSeals)?;
    let ask = SealUseQuery { seal: Some(seal.to_owned()), limit: Some(USES), ..SealUseQuery::default() };
    let uses = edge::seal::life::uses(app, by, ask).await?;
    let may_audit = visitor.may(Permission::ReadAudit);
    let mut response =
        page(&OnePage { visitor, detail, uses, refused: refused.map(|failure| failure.problem("")), may_audit });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// `POST /desk/seals/{seal}/{step}`: one step in the life of a seal.
pub(super) async fn step(
    State(app): State<App>,
    visitor: Visitor,
    Path(seal): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let step = visitor.path().rsplit('/').next().unwrap_or_default().to_owned();
    let reason = Fields::read(&body).typed("reason");
    let named = SealRef { seal: seal.clone() };
    let told = SealStepAsk { seal: seal.clone(), reason };
    let a = app.clone();
    let tried = match step.as_str() {
        "review" => edge::seal::life::review(a, visitor.by(Permission::ReviewSeal)?, named).await,
        "approve" => edge::seal::life::approve(a, visitor.by(Permission::ApproveSeal)?, named).await,
        "reject" => edge::seal::life::reject(a, visitor.by(Permission::ApproveSeal)?, told).await,
        "make" => edge::seal::life::make(a, visitor.by(Permission::ApproveSeal)?, named).await,
        "enable" => edge::seal::life::enable(a, visitor.by(Permission::ManageSeals)?, named).await,
        "suspend" => edge::seal::life::suspend(a, visitor.by(Permission::ManageSeals)?, told).await,
        "revoke" => edge::seal::life::revoke(a, visitor.by(Permission::ManageSeals)?, told).await,
        "destroy" => edge::seal::life::destroy(a, visitor.by(Permission::ManageSeals)?, told).await,
        _ => return Err(ErrorCode::NotFound.into()),
    };
    match tried {
        Ok(_) => Ok(on_to(&format!("/desk/seals/{seal}"), &format!("seal-{step}"))),
        Err(failure) => shown(app, &visitor, &seal, Some(&failure)).await,
    }
}

/// `GET /desk/seals/{seal}/{file}`: `picture.png`, `seal.esl`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path((seal, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let detail = detail(&app, &visitor, &seal).await?;
    let content = match name.as_str() {
        "picture.png" => detail.picture,
        "seal.esl" => detail.seal,
        _ => None,
    };
    let content = STANDARD.decode(content.ok_or(ErrorCode::NotFound)?);
    let content = content.map_err(|error| Failure::inside(ErrorCode::Internal, error))?;
    Ok(match name.as_str() {
        "picture.png" => picture(content),
        _ => file(&format!("{}.esl", detail.info.name), "application/octet-stream", content),
    })
}

/// A picture of ours to be shown. It stays with the browser for as long as the page is looked at.
pub(super) fn picture(png: Vec<u8>) -> Response {
    let mut response = Response::new(axum::body::Body::from(png));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    response
}
