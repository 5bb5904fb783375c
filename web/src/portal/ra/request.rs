//! One request: who did what, what is missing, and what the visitor may do now. A refusal stands on the page itself, so
//! that an officer sees why beside what it is about.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pki_config::ErrorCode;
use pki_config::role::Permission;

use super::compose::invited_page;
use super::fields::Fields;
use super::form;
use super::words::{Words as _, worded};
use super::{certificate, file, on_to};
use crate::api::Problem;
use crate::api::request::{EvidenceAdd, EvidenceRef, RequestDetail};
use crate::api::{Reject, RequestRef};
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "ra/request.html")]
struct RequestPage<'a> {
    visitor: &'a Visitor,
    detail: RequestDetail,
    refused: Option<Problem>,
    /// Where its certificate is.
    certificate: Option<String>,
    may_decide: bool,
    may_request: bool,
}

worded!(RequestPage);

impl RequestPage<'_> {
    fn open(&self) -> bool {
        matches!(self.detail.info.state.as_str(), "invited" | "submitted" | "reviewed")
    }

    fn obstacle(&self, word: &str) -> &'static str {
        let language = self.visitor.language();
        match word {
            "own" => language.say(
                "这份申请是您提交的，须由另一人办理（四眼原则）。",
                "You filed this request: somebody else decides on it (four eyes).",
            ),
            "reviewed-by-you" => {
                language.say("您已审核过这份申请，须由另一人批准。", "You reviewed it: somebody else approves.")
            }
            "needs-review" => {
                language.say("此模板要求先审核、再由另一人批准。", "This profile wants a review before an approval.")
            }
            "needs-evidence" => language.say(
                "缺少有效的证明材料，请先在下面添加。",
                "There is no evidence that still holds: add some below first.",
            ),
            "waits-for-key" => language.say("申请人还没有提交密钥。", "The holder has not sent a key yet."),
            "decided" => language.say("这份申请已办结。", "It is decided."),
            _ => language.say("您不能办理这份申请。", "It is not yours to decide."),
        }
    }
}

fn address(request: &str) -> String {
    format!("/desk/requests/{request}")
}

async fn shown(app: App, visitor: &Visitor, request: String, refused: Option<&Failure>) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadCertificates)?;
    let detail = edge::request::show(app, by, RequestRef { request }).await?;
    let serial = detail.info.serial.as_deref();
    let certificate = serial.map(|serial| certificate::address(&detail.info.issuer, serial));
    let mut response = page(&RequestPage {
        visitor,
        certificate,
        may_decide: visitor.may(Permission::ApproveRequest) || visitor.may(Permission::ReviewRequest),
        may_request: visitor.may(Permission::RequestCertificate),
        refused: refused.map(|failure| failure.problem("")),
        detail,
    });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// After something was tried: on to the page with its message, or the page with the reason against it.
async fn after<T>(
    app: App,
    visitor: &Visitor,
    request: String,
    done: &str,
    tried: Result<T, Failure>,
) -> Result<Response, Failure> {
    match tried {
        Ok(_) => Ok(on_to(&address(&request), done)),
        Err(failure) => shown(app, visitor, request, Some(&failure)).await,
    }
}

/// `GET /desk/requests/{request}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
) -> Result<Response, Failure> {
    shown(app, &visitor, request, None).await
}

/// `POST /desk/requests/{request}/review`.
pub(super) async fn review(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReviewRequest)?;
    let tried = edge::request::review(app.clone(), by, RequestRef { request: request.clone() }).await;
    after(app, &visitor, request, "reviewed", tried).await
}

/// `POST /desk/requests/{request}/approve`.
pub(super) async fn approve(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveRequest)?;
    let tried = edge::cert::approve(app.clone(), by, RequestRef { request: request.clone() }).await;
    if let Ok(issued) = &tried {
        return Ok(on_to(&certificate::address(&issued.issuer, &issued.serial), "approved"));
    }
    after(app, &visitor, request, "approved", tried).await
}

/// `POST /desk/requests/{request}/reject`.
pub(super) async fn reject(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
    body: Bytes,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveRequest)?;
    let reason = Fields::read(&body).get("reason").to_owned();
    let tried = edge::cert::reject(app.clone(), by, Reject { request: request.clone(), reason }).await;
    after(app, &visitor, request, "rejected", tried).await
}

/// `POST /desk/requests/{request}/link`: another link for the holder; the one before stops working.
pub(super) async fn link(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    match edge::request::link(app.clone(), by, RequestRef { request: request.clone() }).await {
        Ok(invited) => Ok(invited_page(&visitor, invited)),
        Err(failure) => shown(app, &visitor, request, Some(&failure)).await,
    }
}

/// `POST /desk/requests/{request}/evidence`.
pub(super) async fn evidence(
    State(app): State<App>,
    visitor: Visitor,
    Path(request): Path<String>,
    sent: Multipart,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    let (typed, attached) = form::with_file(sent).await?;
    let tried = match form::evidence(&typed, attached).map(|mut given| given.pop()) {
        Ok(Some(evidence)) => {
            let ask = EvidenceAdd { request: request.clone(), evidence };
            edge::evidence::add(app.clone(), by, ask).await
        }
        Ok(None) => Err(Failure::saying(ErrorCode::BadRequest, "say how it was checked: choose a method")),
        Err(failure) => Err(failure),
    };
    after(app, &visitor, request, "added", tried).await
}

/// `GET /desk/evidence/{evidence}`: the file, to keep. Never shown in the page: it came from outside.
pub(super) async fn evidence_file(
    State(app): State<App>,
    visitor: Visitor,
    Path(evidence): Path<String>,
) -> Result<Response, Failure> {
    use base64::Engine as _;
    let by = visitor.by(Permission::ReadCertificates)?;
    let found = edge::evidence::file(app, by, EvidenceRef { evidence }).await?;
    let content = base64::engine::general_purpose::STANDARD.decode(&found.content);
    let content = content.map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    Ok(file(&found.name, "application/octet-stream", content))
}
