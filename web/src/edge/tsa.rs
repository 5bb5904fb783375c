//! Time-stamps: RFC 3161 over HTTP for anybody, and the same in JSON for programs (`tsa/*`).
//!
//! `POST /tsa` takes a `TimeStampReq` as `application/timestamp-query` and answers a `TimeStampResp` as
//! `application/timestamp-reply` with HTTP 200, also when it refuses. `/tsa/sm2` and `/tsa/ec` say which key
//! signs. `/tsa/twin` answers `SEQUENCE { sm2 TimeStampResp, ec TimeStampResp }` as
//! `application/vnd.yinxin.timestamp-twin`. Only what is no request at all gets another status: a method, a
//! type or a size that cannot be (405, 415, 413), and an address that asks too often (429).
//!
//! `rate.rs` counts how often an address asks; `desk.rs` is what the pages on time-stamps ask for.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Limited};
use pki_config::role::Authorized;
use pki_config::{Actor, ErrorCode, Serial};
use tsa::core::request::{Draft, Hash, LONGEST, StampRequest};
use tsa::core::response::{FailInfo, Rejection};
use tsa::core::token::TstInfo;
use tsa::store::Query;
use tsa::{Archived, Choice, Family, Moment};

use super::{base64, pem, pem_chain};
use crate::api::Nothing;
use crate::api::tsa::{StampAsk, StampEvidence, StampInfo, StampPage, StampQuery, StampRef, StampUnit, StampUnits};
use crate::app::App;
use crate::auth;
use crate::problem::Failure;
use crate::router::{Edge, RequestId, Stranger};
use crate::serve::Peer;

pub mod desk;
pub mod rate;

const QUERY: &str = "application/timestamp-query";
const REPLY: HeaderValue = HeaderValue::from_static("application/timestamp-reply");
const TWIN: HeaderValue = HeaderValue::from_static("application/vnd.yinxin.timestamp-twin");

/// `POST /tsa`.
pub async fn auto(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    answer(&edge.app, request, Choice::Auto).await
}

/// `POST /tsa/sm2`.
pub async fn sm2(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    answer(&edge.app, request, Choice::Sm2).await
}

/// `POST /tsa/ec`.
pub async fn ec(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    answer(&edge.app, request, Choice::Ec).await
}

/// `POST /tsa/twin`.
pub async fn twin(State(edge): State<Edge>, request: Request<Body>) -> Response<Body> {
    answer(&edge.app, request, Choice::Twin).await
}

async fn answer(app: &App, request: Request<Body>, choice: Choice) -> Response<Body> {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    match stamped(app, request, choice).await {
        Ok(response) => response,
        Err(failure) => {
            failure.log(&id, "tsa");
            failure.response(&id)
        }
    }
}

async fn stamped(app: &App, request: Request<Body>, choice: Choice) -> Result<Response<Body>, Failure> {
    let tsa = app.tsa()?;
    if request.method() != Method::POST {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(QUERY) {
        return Err(Failure::saying(ErrorCode::UnsupportedType, format!("send the request as {QUERY}")));
    }
    let peer = request.extensions().get::<Peer>().cloned().ok_or(ErrorCode::Internal)?;
    if !admitted(app, &peer) {
        // A client of the protocol may not look at the status.
        let text = "too many requests from this address; wait a little";
        let mut response = reply(Rejection::new(FailInfo::SystemFailure, text).to_der(), REPLY);
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return Ok(response);
    }
    let caller = caller(app, &peer, request.headers()).await?;
    let body = body_of(app, request).await?;
    let der = tsa.answer(&caller, &body, choice).await;
    Ok(reply(der, if choice == Choice::Twin { TWIN } else { REPLY }))
}

fn reply(der: Vec<u8>, kind: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::from(der));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the address may ask. The owner of the data directory always may; a front has counted itself.
fn admitted(app: &App, peer: &Peer) -> bool {
    match peer {
        Peer::Http { address } | Peer::Https { address, .. } => {
            app.stamp_rate().admit(address.ip(), app.clock().steady())
        }
        Peer::Socket { .. } | Peer::Front => true,
    }
}

/// Who asks: whoever shows a token or a certificate that counts, else anyone. A token that does not count is
/// refused, so that nobody takes an anonymous time-stamp for one of their own.
async fn caller(app: &App, peer: &Peer, headers: &HeaderMap) -> Result<Actor, Failure> {
    let token = headers.contains_key(header::AUTHORIZATION);
    match peer {
        Peer::Https { .. } if token => auth::authenticate(app, peer, headers).await,
        Peer::Https { certificate: Some(_), .. } => {
            Ok(auth::authenticate(app, peer, headers).await.unwrap_or_else(|_| Actor::anyone()))
        }
        Peer::Https { .. } | Peer::Http { .. } | Peer::Front => Ok(Actor::anyone()),
        Peer::Socket { .. } => auth::authenticate(app, peer, headers).await,
    }
}

async fn body_of(app: &App, request: Request<Body>) -> Result<Bytes, Failure> {
    let body = Limited::new(request.into_body(), LONGEST).collect();
    match tokio::time::timeout(app.config().web.body_deadline.duration(), body).await {
        Err(_) => Err(ErrorCode::Timeout.into()),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Failure::saying(ErrorCode::TooLarge, format!("at most {LONGEST} bytes are taken")))
        }
        Ok(Err(_)) => Err(Failure::saying(ErrorCode::BadRequest, "the body ended early")),
    }
}

/// `GET /tsa/certs`: the certificates of all units with their chains as PEM, announced ones included. Lines
/// between them say what each is; readers of PEM pass them over.
pub async fn certs(State(edge): State<Edge>, id: axum::Extension<RequestId>) -> Response<Body> {
    let tsa = match edge.app.tsa() {
        Ok(tsa) => tsa,
        Err(failure) => return failure.response(&id.0.0),
    };
    let now = edge.app.clock().now();
    let mut text = String::new();
    for unit in tsa.units() {
        let (state, from, until) = (state(&unit, now), unit.signs_from(), unit.signs_until());
        text += &format!("# {} unit, {state}: signs from {from} until {until}\n", unit.family().as_str());
        text += &pem("CERTIFICATE", unit.certificate());
        text += &pem_chain(unit.chain());
    }
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-pem-file"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}

/// `GET /tsa/proof/{serial}`: the receipt of a token, from its log entry to a signed checkpoint.
pub async fn proof(
    State(edge): State<Edge>,
    Path(serial): Path<String>,
    id: axum::Extension<RequestId>,
    peer: axum::Extension<Peer>,
) -> Response<Body> {
    let made = async {
        if !admitted(&edge.app, &peer) {
            return Err(Failure::new(ErrorCode::StampRate));
        }
        let serial: Serial = serial.parse().map_err(|_| Failure::new(ErrorCode::NotFound))?;
        let archived = edge.app.tsa()?.token(&serial).await?;
        let receipt = edge.app.receipt(archived.seq).await?;
        serde_json::to_vec(&receipt).map_err(|e| Failure::inside(ErrorCode::Internal, e))
    };
    match made.await {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            response
        }
        Err(failure) => {
            failure.log(&id.0.0, "tsa/proof");
            failure.response(&id.0.0)
        }
    }
}

/// `tsa/stamp`.
pub async fn stamp(app: App, from: Stranger, ask: StampAsk) -> Result<StampInfo, Failure> {
    if !admitted(&app, &from.peer) {
        return Err(ErrorCode::StampRate.into());
    }
    let bad = |what: &str| Failure::saying(ErrorCode::BadRequest, what);
    let hash = Hash::from_word(&ask.hash).ok_or_else(|| bad("hash is none of sm3, sha256, sha384, sha512"))?;
    let digest = decoded(&ask.digest, "digest")?;
    let policy = ask.policy.as_deref().map(str::parse).transpose().map_err(|_| bad("policy is no identifier"))?;
    let nonce = ask.nonce.as_deref().map(|nonce| decoded(nonce, "nonce")).transpose()?;
    let nonce = match nonce {
        Some(nonce) if (1..=20).contains(&nonce.len()) => Some(positive(&nonce)),
        Some(_) => return Err(bad("nonce is not 1 to 20 bytes")),
        None => None,
    };
    let family = match ask.key.as_deref() {
        None | Some("auto") => None,
        Some("sm2") => Some(Family::Sm2),
        Some("ec") => Some(Family::Ec),
        Some(_) => return Err(bad("key is none of auto, sm2, ec")),
    };
    let cert_req = ask.certificates.unwrap_or(true);
    let der = Draft { hash, digest: &digest, policy, nonce: nonce.as_deref(), cert_req }.to_der();
    let request = StampRequest::parse(&der).map_err(tsa::Error::Rejected)?;
    let caller = match from.peer {
        Peer::Front => Actor::anyone(),
        Peer::Socket { .. } => auth::authenticate(&app, &from.peer, &HeaderMap::new()).await?,
        Peer::Http { .. } | Peer::Https { .. } => Actor::anyone(),
    };
    let stamped = app.tsa()?.stamp(&caller, &request, family).await?;
    let tenant = caller.tenant().to_string();
    info(&Archived { seq: stamped.seq, serial: stamped.serial, tenant, token: stamped.token })
}

/// `tsa/units`.
pub async fn units(app: App, _: Stranger, _: Nothing) -> Result<StampUnits, Failure> {
    let now = app.clock().now();
    let units = app.tsa()?.units().into_iter().map(|unit| StampUnit {
        key: unit.family().as_str().to_owned(),
        state: state(&unit, now).to_owned(),
        signs_from: unit.signs_from().to_string(),
        signs_until: unit.signs_until().to_string(),
        certificate: pem("CERTIFICATE", unit.certificate()),
        chain: pem_chain(unit.chain()),
    });
    Ok(StampUnits { units: units.collect() })
}

/// `tsa/token`.
pub async fn token(app: App, _: Authorized, ask: StampRef) -> Result<StampInfo, Failure> {
    info(&app.tsa()?.token(&ask.serial.parse()?).await?)
}

/// `tsa/evidence`.
pub async fn evidence(app: App, _: Authorized, ask: StampRef) -> Result<StampEvidence, Failure> {
    let found = app.tsa()?.evidence(&ask.serial.parse()?).await?;
    let none = "this time-stamp stands by itself still: evidence begins before its certificate or algorithm ends";
    let found = found.ok_or_else(|| Failure::saying(ErrorCode::NotFound, none))?;
    Ok(StampEvidence {
        token: base64(&found.token),
        record: base64(&found.record.to_der()),
        stamps: found.record.stamps().count(),
        ends: found.ends.to_string(),
    })
}

/// `tsa/find`.
pub async fn find(app: App, _: Authorized, ask: StampQuery) -> Result<StampPage, Failure> {
    if let Some(serial) = &ask.serial {
        let stamps = match app.tsa()?.token(&serial.parse()?).await {
            Ok(found) => vec![info(&found)?],
            Err(tsa::Error::UnknownToken) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        return Ok(StampPage { stamps, next: None });
    }
    let limit = ask.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500"));
    }
    let time = |text: Option<&String>| -> Result<Option<Moment>, Failure> {
        let instant = text.map(|text| text.parse::<pki_config::Instant>()).transpose()?;
        Ok(instant.map(Moment::from))
    };
    let digest = ask.digest.as_deref().map(|digest| decoded(digest, "digest")).transpose()?;
    let (from, until) = (time(ask.from.as_ref())?, time(ask.until.as_ref())?);
    let page = app.tsa()?.find(Query { digest, from, until, after: ask.after, limit }).await?;
    let stamps = page.tokens.iter().map(info).collect::<Result<_, _>>()?;
    Ok(StampPage { stamps, next: page.next })
}

fn info(archived: &Archived) -> Result<StampInfo, Failure> {
    let info = TstInfo::of_token(&archived.token).map_err(|e| Failure::inside(ErrorCode::AuditBroken, e))?;
    Ok(StampInfo {
        serial: archived.serial.to_string(),
        time: info.time.to_string(),
        accuracy: info.accuracy.map(tsa::Accuracy::micros),
        policy: info.policy.to_string(),
        hash: info.hash().as_str().to_owned(),
        digest: base64(info.imprint.digest()),
        audit_seq: archived.seq,
        token: base64(&archived.token),
    })
}

fn decoded(text: &str, what: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(text).map_err(|_| Failure::saying(ErrorCode::BadRequest, format!("{what} is not base64")))
}

/// The content octets of the positive INTEGER of this magnitude.
fn positive(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
    let digits = &magnitude[zeros.min(magnitude.len())..];
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    [sign, digits].concat()
}

fn state(unit: &tsa::Unit, now: pki_config::Instant) -> &'static str {
    if unit.is_stopped() {
        "stopped"
    } else if now < unit.signs_from() {
        "announced"
    } else if unit.signs_at(now) {
        "signing"
    } else {
        "retired"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_a_positive_integer_without_padding() {
        assert_eq!(positive(&[0x80]), [0, 0x80]);
        assert_eq!(positive(&[0, 0, 5]), [5]);
        assert_eq!(positive(&[0, 0]), [0]);
        assert_eq!(positive(&[0, 0xff]), [0, 0xff]);
    }
}
