//! What those who watch over the service read: `GET /metrics` (Prometheus text) and the desk's page on OCSP.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, header};
use crypto_pool::path::Cert;
use ocsp::{IssuerMetrics, Outcome};
use pki_config::role::Permission;
use pki_config::{Instant, IssuerId};

use super::hex;
use crate::app::App;
use crate::metrics::{Kind, Page};
use crate::portal::{OcspIssuer, OcspResponder, OcspState};
use crate::router::{Edge, admit, request_id_in};

/// `GET /metrics`, for whoever may see how the system does.
pub async fn metrics(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    let (head, _) = request.into_parts();
    if let Err(failure) = admit(&edge.app, &head, Permission::ReadSystem, "metrics").await {
        return failure.response(&request_id_in(&head.extensions));
    }
    let mut page = Page::default();
    system(&edge.app, &mut page).await;
    responder(&edge.app, &mut page);
    let mut response = Response::new(Body::from(page.into_text()));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn system(app: &App, page: &mut Page) {
    let status = app.status().await;
    page.family("yinxin_info", Kind::Gauge, "Always 1; the labels say what runs.");
    page.sample("yinxin_info", &[("version", &status.version), ("installation", &status.installation)], 1.0);
    page.family("yinxin_state", Kind::Gauge, "1 for the state it is in: ok, degraded, sealed, stopped.");
    for state in ["ok", "degraded", "sealed", "stopped"] {
        page.sample("yinxin_state", &[("state", state)], number(state == status.state));
    }
    page.family("yinxin_check", Kind::Gauge, "1 if the check of that name finds nothing wrong.");
    for check in &status.checks {
        page.sample("yinxin_check", &[("check", &check.name)], number(check.ok));
    }
    match app.audit().size().await {
        Ok(size) => page.one("yinxin_log_entries", Kind::Counter, "Entries of the audit log.", size as f64),
        // Left out rather than wrong; the check of the log tells of it.
        Err(error) => tracing::debug!(?error, "the size of the log could not be read"),
    }
}

fn responder(app: &App, page: &mut Page) {
    let metrics = app.ocsp().metrics();
    let now = app.clock().now();
    page.family("yinxin_ocsp_answers_total", Kind::Counter, "Answers by issuer and what they said.");
    for one in &metrics.issuers {
        for (outcome, count) in &one.outcomes {
            let labels = [("issuer", one.issuer.as_str()), ("outcome", outcome.as_str())];
            page.sample("yinxin_ocsp_answers_total", &labels, *count as f64);
        }
    }
    for (outcome, count) in &metrics.others {
        let labels = [("issuer", ""), ("outcome", outcome.as_str())];
        page.sample("yinxin_ocsp_answers_total", &labels, *count as f64);
    }
    page.family("yinxin_ocsp_signed_total", Kind::Counter, "Signed answers, made ahead or for their question.");
    for one in &metrics.issuers {
        for (way, count) in [("ahead", one.presigned), ("live", one.live)] {
            page.sample("yinxin_ocsp_signed_total", &[("issuer", one.issuer.as_str()), ("way", way)], count as f64);
        }
    }
    let mut family = |name: &str, kind, help: &str, of: &dyn Fn(&IssuerMetrics) -> Option<f64>| {
        page.family(name, kind, help);
        for one in &metrics.issuers {
            if let Some(value) = of(one) {
                page.sample(name, &[("issuer", one.issuer.as_str())], value);
            }
        }
    };
    let seconds = |at: Instant| at.unix_seconds() as f64;
    family(
        "yinxin_ocsp_never_issued_total",
        Kind::Counter,
        "Questions about serial numbers that were never issued: a scanner, or forged certificates.",
        &|one| Some(one.never_issued as f64),
    );
    family("yinxin_certificates", Kind::Gauge, "Certificates whose status is known.", &|one| {
        Some(one.certificates as f64)
    });
    family("yinxin_ocsp_ready", Kind::Gauge, "Answers made ahead that lie ready.", &|one| Some(one.made_ahead as f64));
    family("yinxin_ocsp_oldest_seconds", Kind::Gauge, "Age of the oldest answer made ahead.", &|one| {
        one.oldest_presigned.map(|at| now.since(at).as_secs_f64())
    });
    family("yinxin_ocsp_responder_end_seconds", Kind::Gauge, "Last second of the responder, since 1970.", &|one| {
        one.responder_not_after.map(seconds)
    });
    family("yinxin_ocsp_crl_end_seconds", Kind::Gauge, "nextUpdate of another authority's CRL, since 1970.", &|one| {
        one.crl_next_update.map(seconds)
    });
    let waiting = "Questions that wait for a signature.";
    page.one("yinxin_ocsp_waiting", Kind::Gauge, waiting, metrics.waiting as f64);
    let took = "Time from the head of a question to the head of its answer.";
    page.histogram("yinxin_ocsp_answer_seconds", took, app.ocsp_door().latency());
}

const fn number(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// What the desk's page shows.
pub fn ocsp_state(app: &App) -> OcspState {
    let metrics = app.ocsp().metrics();
    let door = app.ocsp_door();
    let refused = metrics.others.iter().filter(|(_, count)| *count > 0);
    OcspState {
        per_second: door.per_second(),
        p99_millis: door.latency().quantile(0.99).map(|took| took.as_secs_f64() * 1e3),
        waiting: metrics.waiting,
        refused: refused.map(|(outcome, count)| (outcome.as_str(), *count)).collect(),
        issuers: metrics.issuers.iter().map(|one| ocsp_issuer(app, one)).collect(),
    }
}

fn ocsp_issuer(app: &App, one: &IssuerMetrics) -> OcspIssuer {
    let count = |outcome| one.outcomes.iter().find(|(this, _)| *this == outcome).map_or(0, |(_, count)| *count);
    let subject = app.ca().issuer(&one.issuer).map(|issuer| issuer.subject.to_string());
    OcspIssuer {
        issuer: one.issuer.to_string(),
        subject: subject.unwrap_or_else(|_| one.issuer.to_string()),
        good: count(Outcome::Good),
        revoked: count(Outcome::Revoked),
        unknown: count(Outcome::Unknown),
        live: one.live,
        presigned: one.presigned,
        never_issued: one.never_issued,
        certificates: one.certificates,
        ready: one.made_ahead,
        oldest_seconds: one.oldest_presigned.map(|at| app.clock().now().since(at).as_secs()),
        responder: responder_card(app, &one.issuer),
    }
}

fn responder_card(app: &App, issuer: &IssuerId) -> Option<OcspResponder> {
    let (responder, _) = app.ocsp().responder(issuer)?;
    let cert = Cert::from_der(&responder.certificate).ok()?;
    let (from, until) = (cert.not_before(), cert.not_after());
    let serial = hex(cert.serial());
    Some(OcspResponder {
        serial: serial.strip_prefix("00").map_or(serial.clone(), str::to_owned),
        from,
        until,
        // As `app/ocsp.rs` renews: when a third is left.
        next: until.minus(until.since(from) / 3),
    })
}
