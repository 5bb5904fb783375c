//! The calls that take documents, as `multipart/form-data`: a part `order` with JSON, then the parts `document`.
//!
//! A part is read piece by piece into one buffer of at most the configured size; it is never there twice in another
//! encoding. A browser may send this content type from a page of elsewhere, without asking us first, and with it the
//! certificate of an officer: so what names a foreign origin is refused.

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use pki_config::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sign::{self, Files, LARGEST_BATCH};
use super::{inspect_bytes, page_bytes};
use crate::api::seal::{DocumentAsk, PageAsk, SealFinish, SealOrder, SealReceipt};
use crate::app::App;
use crate::auth;
use crate::problem::Failure;
use crate::router::Who;

/// What is known of a sealed document beside it.
const USE: HeaderName = HeaderName::from_static("x-seal-use");
/// Longest part `order`. Unit: bytes.
const LONGEST_ORDER: usize = 64 << 10;
/// Most that the documents of one call have together, in documents of the largest size.
const LARGEST_CALL: usize = 4;

/// Whether this is how the request speaks.
pub fn is_multipart<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data")
}

/// Refuses what a browser sends for a page of elsewhere.
///
/// # Errors
/// `FOREIGN_ORIGIN`.
pub fn not_foreign(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key(header::ORIGIN) && !auth::same_origin(headers) {
        return Err(ErrorCode::ForeignOrigin.into());
    }
    Ok(())
}

/// The calls that are answered here.
pub const CALLS: [&str; 8] = [
    "seal/sign",
    "seal/batch",
    "seal/prepare",
    "seal/finish",
    "seal/inspect",
    "seal/page",
    "seal/verify",
    "seal/report",
];

/// Answers one of [`CALLS`] to whoever may make it.
///
/// # Errors
/// As the call.
pub async fn answer(app: &App, path: &str, who: Who, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let deadline = app.config().web.body_deadline.duration();
    let (order, files) = match tokio::time::timeout(deadline, parts(app, request)).await {
        Ok(read) => read?,
        Err(_) => return Err(ErrorCode::Timeout.into()),
    };
    if path == "seal/batch" {
        let Who::Known(by) = &who else { return Err(ErrorCode::Unauthenticated.into()) };
        let order: SealOrder = read(&order)?;
        if files.len() > LARGEST_BATCH {
            return Err(Failure::saying(ErrorCode::TooLarge, format!("a batch has at most {LARGEST_BATCH} documents")));
        }
        let files: Files = files.into_iter().map(|(name, document)| (name, Ok(document))).collect();
        return json(&sign::batch_bytes(app, by, &order, files).await?);
    }
    let [(name, document)] = <[_; 1]>::try_from(files)
        .map_err(|_| Failure::saying(ErrorCode::BadRequest, "one part named document is wanted"))?;
    match (path, &who) {
        ("seal/verify", Who::Stranger(_)) => json(&super::verify_bytes(app, document).await?),
        ("seal/report", Who::Stranger(_)) => {
            let named = if order.is_empty() { None } else { read::<DocumentAsk>(&order)?.name };
            let report = super::report_bytes(app, document, named.or(name)).await?;
            Ok(file(report, "application/pdf"))
        }
        (_, Who::Stranger(_)) => Err(ErrorCode::Unauthenticated.into()),
        ("seal/sign", Who::Known(by)) => {
            let order: SealOrder = read(&order)?;
            let order = SealOrder { name: order.name.or(name), ..order };
            sealed(sign::sign_bytes(app, by, order, document).await?)
        }
        ("seal/prepare", Who::Known(by)) => {
            let order: SealOrder = read(&order)?;
            let order = SealOrder { name: order.name.or(name), ..order };
            json(&sign::prepare_bytes(app, by, order, document).await?)
        }
        ("seal/finish", Who::Known(by)) => {
            let ask: SealFinish = read(&order)?;
            sealed(sign::finish_bytes(app, by, &ask, document).await?)
        }
        ("seal/inspect", Who::Known(_)) => json(&inspect_bytes(app, document).await?),
        ("seal/page", Who::Known(_)) => {
            let ask: PageAsk = read(&order)?;
            let page = ask.page.checked_sub(1);
            let page = page.ok_or_else(|| Failure::saying(ErrorCode::BadRequest, "pages count from 1"))?;
            Ok(file(page_bytes(app, document, page, ask.width.unwrap_or(1000)).await?, "image/png"))
        }
        _ => Err(ErrorCode::NotFound.into()),
    }
}

type Parts = (Vec<u8>, Vec<(Option<String>, Bytes)>);

async fn parts(app: &App, mut request: Request<Body>) -> Result<Parts, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::saying(ErrorCode::BadRequest, error);
    let largest = app.config().eseal.document_bytes();
    // Without this the framework ends a form after two megabytes.
    DefaultBodyLimit::max(largest.saturating_mul(LARGEST_CALL).saturating_add(LONGEST_ORDER * 2)).apply(&mut request);
    let mut sent = Multipart::from_request(request, &()).await.map_err(|e| bad(&e))?;
    let (mut order, mut files) = (Vec::new(), Vec::new());
    let mut left = largest.saturating_mul(LARGEST_CALL);
    while let Some(field) = sent.next_field().await.map_err(|e| bad(&e))? {
        match field.name().unwrap_or_default() {
            "order" => order = whole(field, LONGEST_ORDER).await?,
            "document" if files.len() <= LARGEST_BATCH => {
                let name = field.file_name().map(|name| name.chars().take(100).collect());
                let document = whole(field, largest.min(left)).await?;
                left = left.saturating_sub(document.len());
                files.push((name, document.into()));
            }
            _ => return Err(Failure::saying(ErrorCode::BadRequest, "parts are named order and document")),
        }
    }
    Ok((order, files))
}

async fn whole(mut field: Field<'_>, most: usize) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    let broken = |error: MultipartError| Failure::saying(ErrorCode::BadRequest, error);
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if all.len() + piece.len() > most {
            return Err(Failure::saying(ErrorCode::TooLarge, format!("a part has more than {most} bytes")));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

fn read<T: DeserializeOwned>(order: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(order).map_err(|e| Failure::saying(ErrorCode::BadRequest, format!("order: {e}")))
}

fn json<T: Serialize>(answer: &T) -> Result<Response<Body>, Failure> {
    let body = serde_json::to_vec(answer).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    Ok(file(body, "application/json; charset=utf-8"))
}

fn file(body: Vec<u8>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn sealed((receipt, document): (SealReceipt, Vec<u8>)) -> Result<Response<Body>, Failure> {
    let kind = if document.starts_with(b"PK") { "application/ofd" } else { "application/pdf" };
    let receipt = serde_json::to_string(&receipt).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    let mut response = file(document, kind);
    let receipt = HeaderValue::from_str(&receipt).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    response.headers_mut().insert(USE, receipt);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_of_elsewhere_sends_is_refused() {
        let headers = |origin: &str| {
            let pairs = [(header::HOST, "ca.cn:8443"), (header::ORIGIN, origin)];
            pairs.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert!(not_foreign(&headers("https://ca.cn:8443")).is_ok());
        assert!(not_foreign(&HeaderMap::new()).is_ok(), "no browser");
        for foreign in ["https://evil.cn", "null", "http://ca.cn:8443"] {
            assert_eq!(not_foreign(&headers(foreign)).unwrap_err().code(), ErrorCode::ForeignOrigin, "{foreign}");
        }
    }

    #[test]
    fn only_form_data_is_multipart() {
        let kind = |kind: &str| is_multipart(&Request::builder().header("content-type", kind).body(()).unwrap());
        assert!(kind("multipart/form-data; boundary=x") && kind("Multipart/Form-Data;boundary=x"));
        assert!(!kind("multipart/mixed; boundary=x") && !kind("application/json") && !kind(""));
    }
}
