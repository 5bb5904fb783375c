//! The map of all addresses: one line per route, and for each call of the interface the right it needs.
//!
//! Plain http has the public repository only. https and the Unix socket have the interface as well.
//! Whatever the table does not name answers `NOT_FOUND`; a route cannot be written down without its
//! right, because `needs` and `open` are the only ways to make one.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, header};
use axum::routing::{any, get, post};
use http_body_util::{BodyExt as _, Limited};
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Actor, ErrorCode, Event};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth;
use crate::edge::{
    audit, batch, branch, centre, ceremony, cert, cert_again, check, dual, errors, evidence, expiring, issuer, key,
    log, login, mail, officer, pickup, profile, public, request, revoke_all, root, seal, system, tsa, watch,
};
use crate::portal;
use crate::problem::Failure;
use crate::serve::Peer;

/// Which door a router is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Plain http: the public repository.
    Http,
    /// The interface and the repository, over TLS.
    Https,
    /// The same for the owner of the data directory.
    Socket,
    /// Time-stamps (and OCSP, which needs no router) for fronts.
    Front,
}

/// What a call needs before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the call carries its own secret, or tells only what is published.
    Open,
    /// A caller whose role grants this.
    Needs(Permission),
}

/// Every call of the interface.
fn calls() -> Vec<Call> {
    use Permission as P;
    vec![
        needs("cert/issue", P::IssueCertificate, cert::issue),
        needs("cert/submit", P::RequestCertificate, cert::submit).up_to(WITH_FILES),
        needs("cert/approve", P::ApproveRequest, cert::approve),
        needs("cert/reject", P::ApproveRequest, cert::reject),
        needs("cert/requests", P::ReadCertificates, cert::requests),
        needs("cert/revoke", P::RevokeCertificate, cert::revoke),
        needs("cert/hold", P::RevokeCertificate, cert::hold),
        needs("cert/release", P::RevokeCertificate, cert::release),
        needs("cert/list", P::ReadCertificates, cert::list),
        needs("cert/show", P::ReadCertificates, cert::show),
        needs("cert/renew", P::RequestCertificate, cert_again::renew).up_to(WITH_FILES),
        needs("cert/rekey", P::RequestCertificate, cert_again::rekey).up_to(WITH_FILES),
        needs("cert/reissue", P::RequestCertificate, cert_again::reissue).up_to(WITH_FILES),
        needs("cert/revoke-all", P::RevokeCertificate, revoke_all::revoke_all),
        needs("cert/expiring", P::ReadCertificates, expiring::expiring),
        needs("request/queues", P::ReadCertificates, request::queues),
        needs("request/show", P::ReadCertificates, request::show),
        needs("request/review", P::ReviewRequest, request::review),
        needs("request/invite", P::RequestCertificate, request::invite).up_to(WITH_FILES),
        needs("request/link", P::RequestCertificate, request::link),
        needs("evidence/add", P::RequestCertificate, evidence::add).up_to(WITH_FILES),
        needs("evidence/file", P::ReadCertificates, evidence::file),
        needs("batch/preview", P::RequestCertificate, batch::preview).up_to(WITH_FILES),
        needs("batch/submit", P::RequestCertificate, batch::submit).up_to(WITH_FILES),
        needs("batch/approve", P::ApproveRequest, batch::approve),
        needs("batch/show", P::ReadCertificates, batch::show),
        needs("batch/list", P::ReadCertificates, batch::list),
        needs("branch/list", P::ReadCertificates, branch::list),
        needs("branch/add", P::ManageBranches, branch::add),
        needs("branch/close", P::ManageBranches, branch::close),
        needs("branch/join", P::ManageBranches, branch::join),
        needs("branch/leave", P::ManageBranches, branch::leave),
        open("pickup/show", pickup::show),
        open("pickup/send", pickup::send),
        open("pickup/deliver", pickup::deliver),
        needs("dual/show", P::ReadCertificates, dual::show),
        needs("dual/deliver", P::RequestCertificate, dual::deliver),
        needs("centre/list", P::ReadCentre, centre::list),
        needs("centre/show", P::ReadCentre, centre::show),
        needs("centre/orders", P::ReadCentre, centre::orders),
        needs("centre/envelope", P::ReadCentre, centre::envelope),
        needs("centre/ask", P::AskRecovery, centre::ask),
        needs("centre/approve", P::ApproveRecovery, centre::approve),
        needs("centre/refuse", P::ApproveRecovery, centre::refuse),
        needs("cert/check", P::RequestCertificate, check::check),
        needs("profile/list", P::ReadProfiles, profile::list),
        needs("profile/show", P::ReadProfiles, profile::show),
        needs("profile/diff", P::ReadProfiles, profile::diff),
        needs("profile/propose", P::ProposeProfile, profile::propose),
        needs("profile/approve", P::ApproveProfile, profile::approve),
        needs("profile/reject", P::ApproveProfile, profile::reject),
        needs("issuer/list", P::ReadIssuers, issuer::list),
        needs("issuer/show", P::ReadIssuers, issuer::show),
        needs("issuer/crl", P::PublishCrl, issuer::crl),
        needs("issuer/crls", P::ReadIssuers, key::crls),
        needs("issuer/cross", P::ReadIssuers, ceremony::cross),
        needs("ceremony/request", P::ManageIssuers, ceremony::request).up_to(WITH_FILES),
        needs("ceremony/propose", P::ManageIssuers, ceremony::propose).up_to(WITH_FILES),
        needs("ceremony/confirm", P::ManageIssuers, ceremony::confirm),
        needs("ceremony/reject", P::ManageIssuers, ceremony::reject),
        needs("ceremony/show", P::ReadIssuers, ceremony::show),
        needs("ceremony/list", P::ReadIssuers, ceremony::list),
        needs("key/list", P::ReadSystem, key::list),
        needs("officer/add", P::ManageOfficers, officer::add),
        needs("officer/list", P::ReadOfficers, officer::list),
        needs("officer/disable", P::ManageOfficers, officer::disable),
        needs("officer/link", P::ManageOfficers, officer::link),
        open("officer/claim", officer::claim),
        open("officer/invited", login::invited),
        open("tsa/stamp", tsa::stamp),
        open("tsa/units", tsa::units),
        needs("tsa/find", P::ReadStamps, tsa::find),
        needs("tsa/token", P::ReadStamps, tsa::token),
        needs("tsa/evidence", P::ReadStamps, tsa::evidence),
        needs("seal/apply", P::RequestSeal, seal::life::apply).up_to(WITH_FILES),
        needs("seal/create", P::MakeSeal, seal::life::create).up_to(WITH_FILES),
        needs("seal/review", P::ReviewSeal, seal::life::review),
        needs("seal/approve", P::ApproveSeal, seal::life::approve),
        needs("seal/make", P::ApproveSeal, seal::life::make),
        needs("seal/reject", P::ApproveSeal, seal::life::reject),
        needs("seal/enable", P::ManageSeals, seal::life::enable),
        needs("seal/suspend", P::ManageSeals, seal::life::suspend),
        needs("seal/revoke", P::ManageSeals, seal::life::revoke),
        needs("seal/destroy", P::ManageSeals, seal::life::destroy),
        needs("seal/renew", P::ApproveSeal, seal::life::renew),
        needs("seal/list", P::ReadSeals, seal::life::list),
        needs("seal/show", P::ReadSeals, seal::life::show),
        needs("seal/uses", P::ReadSeals, seal::life::uses),
        needs("seal/picture", P::RequestSeal, seal::picture).up_to(WITH_FILES),
        needs("seal/inspect", P::UseSeal, seal::inspect).up_to(WITH_DOCUMENTS),
        needs("seal/page", P::UseSeal, seal::page).up_to(WITH_DOCUMENTS),
        needs("seal/sign", P::UseSeal, seal::sign::sign).up_to(WITH_DOCUMENTS),
        needs("seal/batch", P::UseSeal, seal::sign::batch).up_to(WITH_DOCUMENTS),
        needs("seal/hash", P::UseSeal, seal::sign::hash),
        needs("seal/prepare", P::UseSeal, seal::sign::prepare).up_to(WITH_DOCUMENTS),
        needs("seal/finish", P::UseSeal, seal::sign::finish).up_to(WITH_DOCUMENTS),
        open("seal/verify", seal::verify::verify).up_to(WITH_DOCUMENTS),
        open("seal/report", seal::verify::report).up_to(WITH_DOCUMENTS),
        open("seal/status", seal::verify::status),
        needs("audit/verify", P::ReadAudit, audit::verify),
        needs("audit/proof", P::ReadAudit, audit::proof),
        needs("audit/export", P::ReadAudit, audit::export),
        needs("audit/search", P::ReadAudit, log::search),
        needs("audit/show", P::ReadAudit, log::show),
        needs("audit/events", P::ReadAudit, log::events),
        needs("audit/growth", P::ReadSystem, log::growth),
        needs("audit/checkpoint", P::ReadAudit, audit::checkpoint),
        needs("system/status", P::ReadSystem, system::status),
        needs("system/doctor", P::Diagnose, system::doctor),
        needs("system/unseal", P::Unseal, system::unseal),
        needs("root/show", P::ReadSystem, root::show),
        needs("root/ask", P::ManageRoot, root::ask),
        needs("root/rotate", P::ManageRoot, root::rotate),
        needs("root/reseal", P::ManageRoot, root::reseal),
        needs("root/confirm", P::ManageRoot, root::confirm),
        needs("system/accept-clock", P::AcceptClock, system::accept_clock),
        needs("system/mail-test", P::Diagnose, mail::test),
        needs("system/backup", P::Backup, system::backup),
        open("error/list", errors::list),
        open("error/describe", errors::describe),
    ]
}

/// Every call by its name, with what it needs: for checking that each is refused to whom it should be.
#[must_use]
pub fn calls_and_rights() -> Vec<(&'static str, Access)> {
    calls().into_iter().map(|call| (call.path, call.access)).collect()
}

/// Every address behind `door`.
pub fn router(app: App, door: Door) -> Router {
    let stamps = Router::new()
        .route("/health", get(public::health))
        .route("/tsa", any(tsa::auto))
        .route("/tsa/sm2", any(tsa::sm2))
        .route("/tsa/ec", any(tsa::ec))
        .route("/tsa/twin", any(tsa::twin))
        .route("/tsa/certs", get(tsa::certs))
        .route("/tsa/proof/{serial}", get(tsa::proof));
    let public = Router::new()
        .route("/ca/{file}", get(public::issuer_file))
        .route("/crl/{file}", get(public::crl_file))
        .route("/verify/judge", post(tsa::desk::judge));
    let table = calls().into_iter().map(|call| (call.path, call)).collect();
    let edge = Edge { app: app.clone(), calls: Arc::new(table) };
    let facts = portal::Facts::new(app.installation(), app.setup());
    let public = public.merge(stamps.clone());
    let all = match door {
        Door::Front => stamps.with_state(edge),
        Door::Http => {
            let home = portal::home_routes(facts.clone(), public::issuer_cards(app.clone()));
            let pages = portal::table::routes(&app, false);
            public.with_state(edge).merge(home).merge(pages)
        }
        Door::Https => {
            let pages = portal::setup_routes(facts);
            let desk = portal::table::routes(&app, true);
            administration(public).with_state(edge).merge(pages).merge(desk)
        }
        Door::Socket => administration(public).with_state(edge),
    };
    all.fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state((app.clone(), door), only_known_names))
        .layer(axum::middleware::from_fn_with_state(app, dress))
}

/// Refuses requests over https for a name that is not ours, whatever they ask for.
async fn only_known_names(
    axum::extract::State((app, door)): axum::extract::State<(App, Door)>,
    request: Request<Body>,
    next: axum::middleware::Next,
) -> Response<Body> {
    if door == Door::Https && !auth::known_host(request.headers(), &app.config().web.https_names) {
        return Failure::new(ErrorCode::WrongHost).response(&request_id_of(&request));
    }
    next.run(request).await
}

/// What only officers and the owner of the data directory are given.
fn administration(router: Router<Edge>) -> Router<Edge> {
    router.route("/api/v1/{area}/{verb}", any(interface)).route("/metrics", get(watch::metrics))
}

/// What every handler is given.
#[derive(Clone)]
pub struct Edge {
    /// The application.
    pub app: App,
    calls: Arc<HashMap<&'static str, Call>>,
}

/// The identifier of a request, for the answer and the operator's log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Where an open call comes from.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// The other end.
    pub peer: Peer,
}

type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, Failure>> + Send>>;
type Handler = Box<dyn Fn(App, Who, Bytes) -> Answer + Send + Sync>;

/// Who makes a call.
pub(crate) enum Who {
    /// Of an open call: somebody.
    Stranger(Stranger),
    /// Somebody whose role grants it.
    Known(Authorized),
}

/// One call of the interface.
struct Call {
    path: &'static str,
    access: Access,
    /// Takes a body of this size even where the configuration says less. Unit: bytes.
    most: usize,
    handler: Handler,
}

/// A body that may carry files of evidence or a batch: 5 MiB in base64, and what goes with it.
const WITH_FILES: usize = 8 * 1024 * 1024;

/// A body that carries documents: 32 MiB in base64, and what goes with it. Larger ones come as multipart.
const WITH_DOCUMENTS: usize = 44 * 1024 * 1024;

impl Call {
    /// The same with larger bodies.
    const fn up_to(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// A call for those whose role grants `permission`.
fn needs<T, U, F, Fut>(path: &'static str, permission: Permission, call: F) -> Call
where
    T: DeserializeOwned,
    U: Serialize,
    F: Fn(App, Authorized, T) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<U, Failure>> + Send + 'static,
{
    let handler: Handler = Box::new(move |app, who, body| match (who, read(&body)) {
        (Who::Known(by), Ok(ask)) => {
            let doing = call(app, by, ask);
            Box::pin(async move { write(&doing.await?) })
        }
        (Who::Stranger(_), _) => Box::pin(async { Err(Failure::new(ErrorCode::Unauthenticated)) }),
        (_, Err(failure)) => Box::pin(async { Err(failure) }),
    });
    Call { path, access: Access::Needs(permission), most: 0, handler }
}

/// A call for anybody.
fn open<T, U, F, Fut>(path: &'static str, call: F) -> Call
where
    T: DeserializeOwned,
    U: Serialize,
    F: Fn(App, Stranger, T) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<U, Failure>> + Send + 'static,
{
    let handler: Handler = Box::new(move |app, who, body| match (who, read(&body)) {
        (Who::Stranger(stranger), Ok(ask)) => {
            let doing = call(app, stranger, ask);
            Box::pin(async move { write(&doing.await?) })
        }
        (Who::Known(_), _) => Box::pin(async { Err(Failure::new(ErrorCode::Internal)) }),
        (_, Err(failure)) => Box::pin(async { Err(failure) }),
    });
    Call { path, access: Access::Open, most: 0, handler }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let text =
        std::str::from_utf8(body).map_err(|_| Failure::saying(ErrorCode::BadRequest, "the body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|e| Failure::saying(ErrorCode::BadRequest, e))
}

fn write<U: Serialize>(answer: &U) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(answer).map_err(|e| Failure::inside(ErrorCode::Internal, e))
}

/// Takes any call of the interface.
async fn interface(axum::extract::State(edge): axum::extract::State<Edge>, request: Request<Body>) -> Response<Body> {
    let id = request_id_of(&request);
    let path = request.uri().path().strip_prefix("/api/v1/").unwrap_or_default().to_owned();
    if seal::multipart::is_multipart(&request) && seal::multipart::CALLS.contains(&path.as_str()) {
        return match documents(&edge, &path, request).await {
            Ok(response) => response,
            Err(failure) => {
                failure.log(&id, &path);
                failure.response(&id)
            }
        };
    }
    match dispatch(&edge, &path, request).await {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(failure) => {
            failure.log(&id, &path);
            failure.response(&id)
        }
    }
}

/// A call whose documents come as files: method, origin, caller, right; only then the body.
async fn documents(edge: &Edge, path: &str, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let call = edge.calls.get(path).ok_or(ErrorCode::NotFound)?;
    if request.method() != Method::POST {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    seal::multipart::not_foreign(request.headers())?;
    let peer = request.extensions().get::<Peer>().cloned().ok_or(ErrorCode::Internal)?;
    let who = who(edge, call, path, (peer, request.headers())).await?;
    seal::multipart::answer(&edge.app, path, who, request).await
}

async fn who(
    edge: &Edge,
    call: &Call,
    path: &str,
    (peer, headers): (Peer, &axum::http::HeaderMap),
) -> Result<Who, Failure> {
    Ok(match call.access {
        Access::Open => {
            // Before the body: whoever asks too often must not make us read 44 megabytes to hear it.
            if ["seal/verify", "seal/report"].contains(&path) {
                seal::admitted(&edge.app, &peer)?;
            }
            Who::Stranger(Stranger { peer })
        }
        Access::Needs(permission) => Who::Known(admit_peer(&edge.app, &peer, headers, permission, path).await?),
    })
}

/// Name, method, type, caller, right; only then the body.
async fn dispatch(edge: &Edge, path: &str, request: Request<Body>) -> Result<Vec<u8>, Failure> {
    let call = edge.calls.get(path).ok_or(ErrorCode::NotFound)?;
    if request.method() != Method::POST {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    if !is_json(&request) {
        return Err(ErrorCode::UnsupportedType.into());
    }
    let peer = request.extensions().get::<Peer>().cloned().ok_or(ErrorCode::Internal)?;
    let who = who(edge, call, path, (peer, request.headers())).await?;
    let body = body_of(&edge.app, request, call.most).await?;
    (call.handler)(edge.app.clone(), who, body).await
}

/// Who asks for `what`, if they may have it.
///
/// # Errors
/// As [`auth::authenticate`]; `FORBIDDEN`, which is recorded.
pub(crate) async fn admit(
    app: &App,
    head: &axum::http::request::Parts,
    permission: Permission,
    what: &str,
) -> Result<Authorized, Failure> {
    let peer = head.extensions.get::<Peer>().ok_or(ErrorCode::Internal)?;
    admit_peer(app, peer, &head.headers, permission, what).await
}

async fn admit_peer(
    app: &App,
    peer: &Peer,
    headers: &axum::http::HeaderMap,
    permission: Permission,
    what: &str,
) -> Result<Authorized, Failure> {
    let actor = auth::authenticate(app, peer, headers).await?;
    match authorize(&actor, permission, app.setup()) {
        Ok(authorized) => Ok(authorized),
        Err(denied) => {
            record_denial(app, actor, what).await;
            Err(denied.into())
        }
    }
}

fn is_json<B>(request: &Request<B>) -> bool {
    let value = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = value(header::CONTENT_TYPE).split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|p| p.eq_ignore_ascii_case("charset=utf-8") || p.eq_ignore_ascii_case("charset=\"utf-8\""))
        && value(header::CONTENT_ENCODING).is_empty()
}

async fn body_of(app: &App, request: Request<Body>, at_least: usize) -> Result<Bytes, Failure> {
    let web = &app.config().web;
    let most = usize::try_from(web.body_bytes).unwrap_or(usize::MAX).max(at_least);
    let body = Limited::new(request.into_body(), most).collect();
    match tokio::time::timeout(web.body_deadline.duration(), body).await {
        Err(_) => Err(ErrorCode::Timeout.into()),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Failure::saying(ErrorCode::TooLarge, format!("at most {most} bytes are taken")))
        }
        Ok(Err(_)) => Err(Failure::saying(ErrorCode::BadRequest, "the body ended early")),
    }
}

/// A call that the role does not allow goes into the audit log; it is refused whether or not that works.
pub(crate) async fn record_denial(app: &App, actor: Actor, path: &str) {
    let draft = EntryDraft {
        actor,
        event: Event::AccessDenied,
        object: path.to_owned(),
        outcome: Outcome::Refused(ErrorCode::Forbidden),
        payload: Vec::new(),
        covers: Vec::new(),
    };
    if let Err(error) = app.audit().record(Importance::Normal, draft).await {
        tracing::warn!(?error, path, "a denied call could not be recorded");
    }
}

async fn nothing_here(request: Request<Body>) -> Response<Body> {
    Failure::new(ErrorCode::NotFound).response(&request_id_of(&request))
}

async fn wrong_method(request: Request<Body>) -> Response<Body> {
    let mut response = Failure::new(ErrorCode::MethodNotAllowed).response(&request_id_of(&request));
    // Here it is the repository, which is read with GET.
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn request_id_of<B>(request: &Request<B>) -> String {
    request_id_in(request.extensions())
}

pub(crate) fn request_id_in(extensions: &axum::http::Extensions) -> String {
    extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives every request its identifier and every answer the headers all of them have.
async fn dress(
    axum::extract::State(app): axum::extract::State<App>,
    mut request: Request<Body>,
    next: axum::middleware::Next,
) -> Response<Body> {
    let given = request.headers().get(&REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|v| is_request_id(v));
    let id = given.map_or_else(|| app.draw_request_id(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What others may choose as identifier: it goes into the log, so nothing but these.
fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_names_its_right_but_those_that_are_open_on_purpose() {
        let open: Vec<_> = calls().into_iter().filter(|c| c.access == Access::Open).map(|c| c.path).collect();
        assert_eq!(
            open,
            [
                "pickup/show",
                "pickup/send",
                "pickup/deliver",
                "officer/claim",
                "officer/invited",
                "tsa/stamp",
                "tsa/units",
                "seal/verify",
                "seal/report",
                "seal/status",
                "error/list",
                "error/describe"
            ]
        );
    }

    #[test]
    fn no_call_is_named_twice() {
        let mut paths: Vec<_> = calls().into_iter().map(|c| c.path).collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        let request = |kind: &str| Request::builder().header("content-type", kind).body(()).unwrap();
        for good in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
            assert!(is_json(&request(good)), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/json; charset=gbk",
            "application/jsonp",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_json(&request(bad)), "{bad}");
        }
    }

    #[test]
    fn a_request_id_cannot_forge_log_lines() {
        assert!(is_request_id("a-1_b.2"));
        for bad in ["", "a b", "a\nb", "é", &"x".repeat(65)] {
            assert!(!is_request_id(bad));
        }
    }
}
