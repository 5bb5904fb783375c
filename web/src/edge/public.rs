//! The public repository: issuers' certificates, chains, CRLs and health. GET, for anybody.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use ca::core::crl::List;
use crypto_pool::cms::certificates_only;
use pki_config::{ErrorCode, Instant, IssuerId};

use super::{hex, pem, pem_chain};
use crate::app::App;
use crate::portal::{HomeSource, IssuerCard};
use crate::problem::Failure;
use crate::router::{Edge, RequestId};

type Id = axum::Extension<RequestId>;

/// `/ca/{issuer}.cer`, `/ca/{issuer}.pem`, `/ca/{issuer}-chain.pem`, and the same chain as `/ca/{issuer}.p7c`. A chain begins with the issuing
/// authority and leaves out the root, which a relying party must have from elsewhere.
pub async fn issuer_file(
    State(edge): State<Edge>,
    Path(file): Path<String>,
    id: Id,
    headers: HeaderMap,
) -> Response<Body> {
    let found = || -> Result<(Vec<u8>, &'static str), Failure> {
        let ca = edge.app.ca();
        if let Some(issuer) = file.strip_suffix("-chain.pem") {
            let chain = ca.chain(&word(issuer)?)?;
            // Above a root there is nothing: its "chain" is itself, so that the file is never empty.
            let text =
                if chain.issuers.is_empty() { pem("CERTIFICATE", &chain.root) } else { pem_chain(&chain.issuers) };
            Ok((text.into_bytes(), "application/x-pem-file"))
        } else if let Some(issuer) = file.strip_suffix(".p7c") {
            let chain = ca.chain(&word(issuer)?)?;
            let all = if chain.issuers.is_empty() { vec![chain.root] } else { chain.issuers };
            // RFC 5280 4.2.2.1, RFC 2585 4: a "certs-only" message.
            Ok((certificates_only(all.iter().map(Vec::as_slice)), "application/pkcs7-mime; smime-type=certs-only"))
        } else if let Some(issuer) = file.strip_suffix(".pem") {
            Ok((pem("CERTIFICATE", &ca.issuer(&word(issuer)?)?.certificate).into_bytes(), "application/x-pem-file"))
        } else if let Some(issuer) = file.strip_suffix(".cer") {
            // RFC 2585 4.1.
            Ok((ca.issuer(&word(issuer)?)?.certificate.clone(), "application/pkix-cert"))
        } else {
            Err(ErrorCode::NotFound.into())
        }
    };
    match found() {
        Ok((body, kind)) => {
            let tag = engine::sm3::hash(&body);
            Serve { kind, tag, modified: None, fresh_for: 3600 }.answer(body, &headers)
        }
        Err(failure) => failure.response(&id.0.0),
    }
}

/// `/crl/{issuer}.crl`, and its shares and deltas: `/crl/{issuer}.7.crl`, `/crl/{issuer}.delta.crl`,
/// `/crl/{issuer}.7.delta.crl`.
pub async fn crl_file(
    State(edge): State<Edge>,
    Path(file): Path<String>,
    id: Id,
    headers: HeaderMap,
) -> Response<Body> {
    let found = async {
        let (issuer, list) = List::of_file(&file).ok_or(ErrorCode::NotFound)?;
        let ca = edge.app.ca();
        // Before the first, the whole list is on its way; a share or delta is there or not.
        ca.list_file(&issuer, list).await.map_err(|error| match error {
            ca::Error::NoCrl(_) if list != List::WHOLE => Failure::new(ErrorCode::NotFound),
            error => Failure::from(error),
        })
    };
    match found.await {
        Ok((record, der)) => {
            // Short: news of a revocation must not be held back by caches, and asking again costs a 304.
            let left = record.next_update.since(edge.app.clock().now()).as_secs();
            let serve = Serve {
                kind: "application/pkix-crl",
                tag: record.sm3,
                modified: Some(record.this_update),
                fresh_for: left.min(60),
            };
            serve.answer(axum::body::Bytes::from_owner(der), &headers)
        }
        Err(failure) => {
            failure.log(&id.0.0, "crl");
            failure.response(&id.0.0)
        }
    }
}

/// `/health`.
pub async fn health(State(edge): State<Edge>) -> Response<Body> {
    let status = edge.app.status().await;
    let code = if status.state == "stopped" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut response = Response::new(Body::from(serde_json::to_vec(&status).unwrap_or_default()));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the front page shows of the issuers, as they are at each view.
pub fn issuer_cards(app: App) -> HomeSource {
    Arc::new(move || {
        let card = |issuer: &Arc<ca::Issuer>| {
            let parent = issuer.parent.as_ref().map(IssuerId::as_str);
            let (subject, algorithm) = (issuer.subject.to_string(), issuer.algorithm.to_string());
            IssuerCard::new(issuer.id.as_str(), parent, &subject, &algorithm, issuer.not_after, &issuer.certificate)
        };
        app.ca().issuers().iter().map(card).collect()
    })
}

fn word(text: &str) -> Result<IssuerId, Failure> {
    // What cannot be an issuer's name is not found, like a name no issuer has.
    text.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// How a file is served.
struct Serve {
    kind: &'static str,
    tag: [u8; 32],
    modified: Option<Instant>,
    /// Unit: seconds.
    fresh_for: u64,
}

impl Serve {
    fn answer(&self, body: impl Into<Body>, asked: &HeaderMap) -> Response<Body> {
        let tag = format!("\"{}\"", hex(&self.tag[..16]));
        // RFC 9110 13.1.2: a list of tags, or `*`; weak comparison.
        let known = asked.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|list| {
            list.trim() == "*" || list.split(',').any(|t| t.trim().trim_start_matches("W/") == tag)
        });
        let mut response = Response::new(if known { Body::empty() } else { body.into() });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let fresh = format!("public, max-age={}", self.fresh_for);
        let modified = self.modified.map(http_date);
        for (name, value) in
            [(header::ETAG, Some(tag)), (header::CACHE_CONTROL, Some(fresh)), (header::LAST_MODIFIED, modified)]
        {
            if let Some(value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// IMF-fixdate, RFC 9110 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(at: Instant) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // An instant prints as 2026-11-21T08:00:00Z; 1970-01-01 was a Thursday.
    let text = at.whole_second().to_string();
    let day = usize::try_from(at.unix_seconds() / 86_400 % 7).unwrap_or(0);
    let month: usize = text.get(5..7).and_then(|m| m.parse().ok()).unwrap_or(1);
    let (year, date, time) = (&text[..4], &text[8..10], &text[11..19]);
    format!("{}, {date} {} {year} {time} GMT", DAYS[day], MONTHS[(month - 1) % 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_written_as_rfc_9110_shows_it() {
        assert_eq!(http_date("1994-11-06T08:49:37Z".parse().unwrap()), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn who_has_the_file_is_not_sent_it_again() {
        let serve = Serve { kind: "application/pkix-crl", tag: [0xab; 32], modified: None, fresh_for: 60 };
        let mut asked = HeaderMap::new();
        assert_eq!(serve.answer("x", &asked).status(), 200);
        let tag = format!("W/\"{}\"", "AB".repeat(16));
        asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&format!("\"zz\", {tag}")).unwrap());
        assert_eq!(serve.answer("x", &asked).status(), 304);
    }
}
