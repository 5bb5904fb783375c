//! The officers' view of time-stamps (`/desk/tsa`), and the judgement that `/verify` asks for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::{Anchors, Cert, Crl};
use http_body_util::{BodyExt as _, Limited};
use pki_config::{ErrorCode, Instant, Serial};
use serde::{Deserialize, Serialize};
use tsa::core::opened::{LONGEST, OpenedToken};
use tsa::core::response;
use tsa::core::token::TstInfo;
use tsa::core::verify::{Against, Finding, Judgement, Outcome, Question, verify};
use tsa::store::Query;
use tsa::{Archived, Moment};

use super::{admitted, decoded};
use crate::app::App;
use crate::edge::hex;
use crate::portal::{Search, Stamp, TsaState};
use crate::problem::Failure;
use crate::router::{Edge, request_id_in};
use crate::serve::Peer;

/// Time-stamps on one page of the desk.
const PAGE: u32 = 20;
/// Most that are counted for the rate.
const COUNTED: u32 = 500;

/// How the authority does, and what `search` finds.
///
/// # Errors
/// There is no authority, or its store cannot be read. What was searched for and makes no sense is no error.
pub async fn state(app: &App, search: Search) -> Result<TsaState, Failure> {
    let tsa = app.tsa()?;
    let minute = Moment::from(app.clock().now().minus(Duration::from_secs(60)));
    let counted = tsa.find(Query { from: Some(minute), limit: COUNTED, ..Query::default() }).await?;
    let found = find(app, &search).await;
    let bad_search = matches!(&found, Err(failure) if failure.code() == ErrorCode::BadRequest);
    let (found, next) = match found {
        Err(_) if bad_search => (Vec::new(), None),
        other => other?,
    };
    let found = found.iter().map(stamp).collect::<Result<_, _>>()?;
    let (last_minute, more) = (counted.tokens.len(), counted.next.is_some());
    Ok(TsaState { health: tsa.time().health(), last_minute, more, search, found, next, bad_search })
}

async fn find(app: &App, search: &Search) -> Result<(Vec<Archived>, Option<u64>), Failure> {
    let bad = |_| Failure::new(ErrorCode::BadRequest);
    let tsa = app.tsa()?;
    if !search.serial.is_empty() {
        let serial: Serial = search.serial.parse().map_err(|_| Failure::new(ErrorCode::BadRequest))?;
        return match tsa.token(&serial).await {
            Ok(found) => Ok((vec![found], None)),
            Err(tsa::Error::UnknownToken) => Ok((Vec::new(), None)),
            Err(error) => Err(error.into()),
        };
    }
    let time = |text: &str| -> Result<Option<Moment>, Failure> {
        if text.is_empty() { Ok(None) } else { Ok(Some(Moment::from(text.parse::<Instant>().map_err(bad)?))) }
    };
    let digest = if search.digest.is_empty() { None } else { Some(from_hex(&search.digest)?) };
    let (from, until) = (time(&search.from)?, time(&search.until)?);
    let page = tsa.find(Query { digest, from, until, after: search.after, limit: PAGE }).await?;
    Ok((page.tokens, page.next))
}

fn stamp(archived: &Archived) -> Result<Stamp, Failure> {
    let info = TstInfo::of_token(&archived.token).map_err(|e| Failure::inside(ErrorCode::AuditBroken, e))?;
    Ok(Stamp {
        serial: archived.serial.to_string(),
        time: info.time.to_string(),
        policy: info.policy.to_string(),
        hash: info.hash().as_str().to_owned(),
        digest: hex(info.imprint.digest()),
        seq: archived.seq,
    })
}

/// Digits in pairs; colons and spaces between them are passed over.
fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    let bad = || Failure::new(ErrorCode::BadRequest);
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
    if digits.len() > 128 || !digits.len().is_multiple_of(2) {
        return Err(bad());
    }
    let pair = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.chunks(2).map(pair).collect::<Option<_>>().ok_or_else(bad)
}

/// The search as it stands in the address. Names that mean nothing are passed over.
#[must_use]
pub fn searched(query: Option<&str>) -> Search {
    let mut search = Search::default();
    for part in query.unwrap_or_default().split('&').take(16) {
        let Some((name, value)) = part.split_once('=') else { continue };
        let value = plain(value);
        match name {
            "serial" => search.serial = value,
            "digest" => search.digest = value,
            "from" => search.from = value,
            "until" => search.until = value,
            "after" => search.after = value.parse().ok(),
            _ => {}
        }
    }
    search
}

/// A value of a form, without its escapes; at most 200 characters.
fn plain(value: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [bytes.next().unwrap_or(b'?'), bytes.next().unwrap_or(b'?')];
                let pair = std::str::from_utf8(&pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
                pair.unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).trim().chars().take(200).collect()
}

/// `GET /desk/tsa/{serial}.tsr`: a time-stamp as its client got it.
pub async fn download(State(app): State<App>, Path(file): Path<String>) -> Result<Response<Body>, Failure> {
    let serial = file.strip_suffix(".tsr").and_then(|serial| serial.parse::<Serial>().ok());
    let serial = serial.ok_or(ErrorCode::NotFound)?;
    let mut response = Response::new(Body::from(response::granted(&app.tsa()?.token(&serial).await?.token)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/timestamp-reply"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What `/verify` asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The time-stamp, base64.
    token: String,
    /// The digest of the file by the time-stamp's hash, base64.
    #[serde(default)]
    digest: Option<String>,
}

/// What it is told.
#[derive(Debug, Serialize)]
struct Verdict {
    judgement: Judgement,
    time: String,
    serial: String,
    /// The hash by which the file is to be measured, if it is known here.
    hash: Option<&'static str>,
    findings: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    finding: Finding,
    /// The check's name.
    name_zh: &'static str,
}

/// `POST /verify/judge`: judges anybody's time-stamp by our roots and newest CRLs.
pub async fn judge(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    match judged(&edge.app, &head, body).await {
        Ok(json) => {
            let mut response = Response::new(Body::from(json));
            *response.status_mut() = StatusCode::OK;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(failure) => failure.response(&request_id_in(&head.extensions)),
    }
}

async fn judged(app: &App, head: &axum::http::request::Parts, body: Body) -> Result<Vec<u8>, Failure> {
    let peer = head.extensions.get::<Peer>().ok_or(ErrorCode::Internal)?;
    if !admitted(app, peer) {
        return Err(ErrorCode::StampRate.into());
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Pages of elsewhere can send other types without being asked first.
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ErrorCode::UnsupportedType.into());
    }
    let body = Limited::new(body, LONGEST / 3 * 4 + 1024).collect();
    let body = match tokio::time::timeout(app.config().web.body_deadline.duration(), body).await {
        Err(_) => return Err(ErrorCode::Timeout.into()),
        Ok(Err(_)) => return Err(ErrorCode::TooLarge.into()),
        Ok(Ok(body)) => body.to_bytes(),
    };
    let ask: Ask = serde_json::from_slice(&body).map_err(|e| Failure::saying(ErrorCode::BadRequest, e))?;
    let token =
        STANDARD.decode(&ask.token).map_err(|_| Failure::saying(ErrorCode::BadRequest, "token is not base64"))?;
    let token = OpenedToken::from_der(&token).map_err(|why| Failure::saying(ErrorCode::BadRequest, why))?;
    let digest = ask.digest.as_deref().map(|digest| decoded(digest, "digest")).transpose()?;
    let issuers = app.ca().issuers();
    let cert = |issuer: &Arc<ca::Issuer>| Cert::from_der(&issuer.certificate).ok();
    let against = Against {
        data_digest: digest.as_deref(),
        anchors: Anchors::new(issuers.iter().filter(|issuer| issuer.parent.is_none()).filter_map(cert).collect()),
        certificates: issuers.iter().filter(|issuer| issuer.parent.is_some()).filter_map(cert).collect(),
        crls: crls(app).await,
        now: Some(app.clock().now()),
        ..Against::default()
    };
    let mut findings = verify(&token, &against);
    findings.push(logged(app, &token).await?);
    let verdict = Verdict {
        judgement: Judgement::of(&findings),
        time: token.info.time.to_string(),
        serial: token.serial_hex(),
        hash: token.info.hash.map(tsa::core::request::Hash::as_str),
        findings: findings.into_iter().map(|finding| Told { name_zh: finding.check.chinese(), finding }).collect(),
    };
    serde_json::to_vec(&verdict).map_err(|e| Failure::inside(ErrorCode::Internal, e))
}

/// The newest CRL of each issuer.
async fn crls(app: &App) -> Vec<Crl> {
    let mut all = Vec::new();
    for issuer in app.ca().issuers() {
        if let Ok((_, der)) = app.ca().crl(&issuer.id).await {
            all.extend(Crl::from_der(der.to_vec()));
        }
    }
    all
}

/// Whether the token lies in our own log.
async fn logged(app: &App, token: &OpenedToken) -> Result<Finding, Failure> {
    let none = || {
        let (en, zh) = ("not a time-stamp of this authority's log", "不在本机构的审计日志中");
        Finding::new(Question::Log, Outcome::NotChecked, en, zh)
    };
    let Ok(serial) = Serial::from_der_content(&token.info.serial) else { return Ok(none()) };
    match app.tsa()?.token(&serial).await {
        Ok(found) if found.token == token.der() => {
            let seq = found.seq;
            Ok(Finding::new(
                Question::Log,
                Outcome::Pass,
                format!("entry {seq} of this authority's log"),
                format!("本机构审计日志第 {seq} 条"),
            ))
        }
        Ok(_) | Err(tsa::Error::UnknownToken) => Ok(none()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_read_from_the_address_and_bounded() {
        let search = searched(Some("serial=+01ab%20&from=2026-11-21T08%3A00%3A00Z&after=7&x=y&digest=%zz"));
        assert_eq!((search.serial.as_str(), search.from.as_str()), ("01ab", "2026-11-21T08:00:00Z"));
        assert_eq!((search.after, search.digest.as_str()), (Some(7), "?"));
        assert_eq!(searched(Some(&format!("serial={}", "a".repeat(1000)))).serial.len(), 200);
        assert!(searched(None).serial.is_empty());
    }

    #[test]
    fn a_digest_is_hexadecimal_in_pairs() {
        assert_eq!(from_hex("0A:ff 10").unwrap(), [10, 255, 16]);
        for bad in ["0", "zz", &"00".repeat(65)] {
            assert!(from_hex(bad).is_err(), "{bad}");
        }
    }
}
