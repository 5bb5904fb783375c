//! For everybody: whether the seals on a document hold, and whether a seal is in use.

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal::core::facts::Overview;
use eseal::core::report::Report;
use pki_config::ErrorCode;

use super::report::{ReportPage, marked};
use super::sheets::{base_name, pictured};
use super::words::{SealWords as _, seal_worded};
use crate::api::Problem;
use crate::api::seal::SealStatusInfo;
use crate::app::App;
use crate::edge;
use crate::edge::hex;
use crate::portal::ra::file;
use crate::portal::ra::words::Words as _;
use crate::portal::{Visitor, page};
use crate::problem::Failure;
use crate::serve::Peer;

/// A document that was verified.
#[derive(Debug)]
pub(super) struct Verified {
    name: String,
    content: Bytes,
    overview: Option<Overview>,
    report: Report,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage<'a> {
    visitor: &'a Visitor,
    limit: usize,
    refused: Option<Problem>,
}

seal_worded!(VerifyPage);

#[derive(Template)]
#[template(path = "seal/status.html")]
struct StatusPage<'a> {
    visitor: &'a Visitor,
    status: SealStatusInfo,
}

seal_worded!(StatusPage);

/// Whose things are on the shelf: strangers go by their address.
fn owner(peer: &Peer) -> String {
    match peer {
        Peer::Http { address } | Peer::Https { address, .. } => address.ip().to_string(),
        Peer::Socket { .. } | Peer::Front => "local".to_owned(),
    }
}

/// `GET /verify`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    shown(&app, &visitor, None)
}

fn shown(app: &App, visitor: &Visitor, refused: Option<&Failure>) -> Response {
    let limit = super::largest(app, super::DOCUMENT) >> 20;
    let mut response = page(&VerifyPage { visitor, limit, refused: refused.map(|failure| failure.problem("")) });
    if let Some(failure) = refused {
        *response.status_mut() = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    }
    response
}

/// `POST /verify`: a document. What cannot be read is said above the form.
pub(super) async fn send(
    State(app): State<App>,
    visitor: Visitor,
    Extension(peer): Extension<Peer>,
    sent: Multipart,
) -> Response {
    match verified(&app, &visitor, &peer, sent).await {
        Ok(name) => Redirect::to(&format!("/verify/{name}")).into_response(),
        Err(failure) => shown(&app, &visitor, Some(&failure)),
    }
}

async fn verified(app: &App, visitor: &Visitor, peer: &Peer, mut sent: Multipart) -> Result<String, Failure> {
    let bad = |e: axum::extract::multipart::MultipartError| Failure::saying(ErrorCode::BadRequest, e.body_text());
    edge::seal::admitted(app, peer)?;
    while let Some(field) = sent.next_field().await.map_err(bad)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = base_name(field.file_name().unwrap_or_default());
        let content = field.bytes().await.map_err(bad)?;
        if content.is_empty() {
            break;
        }
        let report = edge::seal::verify_bytes(app, content.clone()).await?;
        // A seal by itself has no pages.
        let overview = edge::seal::inspect_bytes(app, content.clone()).await.ok();
        let bytes = content.len();
        let verified = Verified { name, content, overview, report };
        return app.shelves().verified.put(&owner(peer), bytes, verified, app.clock().steady(), app.random());
    }
    Err(Failure::saying(ErrorCode::BadRequest, visitor.say("请选择文件", "choose a document")))
}

fn taken(app: &App, visitor: &Visitor, peer: &Peer, name: &str) -> Result<std::sync::Arc<Verified>, Failure> {
    let found = app.shelves().verified.get(&owner(peer), name, app.clock().steady());
    found.ok_or_else(|| {
        let gone = visitor.say(
            "这份报告已从内存中清除，请重新验证文件。",
            "This report has left the server's memory: verify the document again.",
        );
        Failure::saying(ErrorCode::NotFound, gone)
    })
}

/// `GET /verify/{report}`.
pub(super) async fn report(
    State(app): State<App>,
    visitor: Visitor,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let found = taken(&app, &visitor, &peer, &name)?;
    let (pages, more) = marked(&found.report, found.overview.as_ref());
    Ok(page(&ReportPage {
        visitor: &visitor,
        name: &found.name,
        bytes: found.content.len() as u64,
        sm3: hex(&engine::sm3::hash(&found.content)),
        base: format!("/verify/{name}"),
        report: &found.report,
        pages,
        more,
    }))
}

/// `GET /verify/{report}/{file}`: `report.json`, `report.pdf` (signed), `page-N.png`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Extension(peer): Extension<Peer>,
    Path((name, part)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found = taken(&app, &visitor, &peer, &name)?;
    match part.as_str() {
        "report.json" => {
            let json = serde_json::to_vec_pretty(&found.report);
            let json = json.map_err(|error| Failure::inside(ErrorCode::Internal, error))?;
            Ok(file("report.json", "application/json; charset=utf-8", json))
        }
        "report.pdf" => {
            edge::seal::admitted(&app, &peer)?;
            let pdf = edge::seal::report_bytes(&app, found.content.clone(), Some(found.name.clone())).await?;
            Ok(file("report.pdf", "application/pdf", pdf))
        }
        _ => {
            let number = part.strip_prefix("page-").and_then(|rest| rest.strip_suffix(".png"));
            let number: u32 = number.and_then(|n| n.parse().ok()).ok_or(ErrorCode::NotFound)?;
            pictured(&app, found.content.clone(), number).await
        }
    }
}

/// `GET /seal/{seal}`.
pub(super) async fn status(
    State(app): State<App>,
    visitor: Visitor,
    Extension(peer): Extension<Peer>,
    Path(seal): Path<String>,
) -> Result<Response, Failure> {
    let status = edge::seal::status_of(&app, &peer, &seal).await?;
    Ok(page(&StatusPage { visitor: &visitor, status }))
}

/// `GET /seal/{seal}/{file}`: `status.der`, the signed answer; `chain.pem`, whose it is; `status.json`, all of it.
pub(super) async fn status_file(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path((seal, part)): Path<(String, String)>,
) -> Result<Response, Failure> {
    if !matches!(part.as_str(), "status.der" | "chain.pem" | "status.json") {
        return Err(ErrorCode::NotFound.into());
    }
    let status = edge::seal::status_of(&app, &peer, &seal).await?;
    Ok(match part.as_str() {
        "status.der" => {
            let signed = STANDARD.decode(&status.signed).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
            file(&format!("{seal}.der"), "application/octet-stream", signed)
        }
        "chain.pem" => file("chain.pem", "application/x-pem-file", status.chain),
        _ => {
            let json = serde_json::to_vec(&status).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], json).into_response()
        }
    })
}
