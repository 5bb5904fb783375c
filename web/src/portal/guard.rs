//! What happens before and after every page of the table: language, caller, origin, right, the form's token; and
//! what a failure looks like.

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http_body_util::{BodyExt as _, Limited};
use pki_config::ErrorCode;
use tokio::sync::Semaphore;

use super::table::PageAccess;
use super::visitor::{Seen, framed};
use super::{Facts, Language, Visitor, escaped, guarded, page};
use crate::app::App;
use crate::auth;
use crate::problem::Failure;
use crate::router::{record_denial, request_id_in};
use crate::serve::Peer;

/// The cookie that keeps the language. It holds no secret.
const LANGUAGE: &str = "__Host-yinxin-language";

/// What a line of the table asks for.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) app: App,
    pub(super) access: PageAccess,
    pub(super) https: bool,
    pub(super) body: usize,
    /// As many as may send their form at the same time.
    pub(super) places: Option<Arc<Semaphore>>,
}

/// Checks, then runs the handler, then dresses the answer.
pub(super) async fn guard(State(rule): State<Rule>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let json = head.headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json");
    let query = head.uri.query().unwrap_or_default().to_owned();
    let id = request_id_in(&head.extensions);
    let asked = Language::named(&query);
    let language = asked.or_else(|| kept_language(&head.headers)).unwrap_or(Language::Chinese);
    let known = match head.extensions.get::<Peer>() {
        Some(peer) => auth::visitor(&rule.app, peer, &head.headers).await,
        None => Err(ErrorCode::Internal.into()),
    };
    let (known, trouble) = match known {
        Ok(known) => (known, None),
        Err(failure) => (None, Some(failure)),
    };
    let csrf = known.as_ref().map(|known| rule.app.gate().csrf(known)).unwrap_or_default();
    let visitor = Visitor::new(Seen {
        facts: Facts::new(rule.app.installation(), rule.app.setup()),
        setup: rule.app.setup(),
        language,
        known,
        https: rule.https,
        path: head.uri.path().to_owned(),
        query,
        csrf,
        organisation: rule.app.gate().organisation(),
    });
    let place = rule.places.as_ref().map(|places| Arc::clone(places).try_acquire_owned());
    let trouble = trouble.or_else(|| matches!(place, Some(Err(_))).then(|| ErrorCode::Busy.into()));
    let mut response = match trouble {
        Some(failure) => failed(&visitor, &failure, &id),
        None => match admit(&rule, &visitor, &head, body).await {
            Ok(body) => {
                head.extensions.insert(visitor.clone());
                next.run(Request::from_parts(head, Body::from(body))).await
            }
            Err(answer) => *answer,
        },
    };
    if let Some(Shown(failure)) = response.extensions_mut().remove::<Shown>() {
        failure.log(&id, visitor.path());
        // Scripts of our pages ask for it, to say what is wrong where it was typed.
        response = if json { failure.response(&id) } else { failed(&visitor, &failure, &id) };
    }
    if let (true, Some(language)) = (rule.https, asked) {
        let word = language.say("zh", "en");
        let cookie = format!("{LANGUAGE}={word}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    guarded(response)
}

/// The body, once everything that must hold before it is used does.
async fn admit(
    rule: &Rule,
    visitor: &Visitor,
    head: &axum::http::request::Parts,
    body: Body,
) -> Result<Bytes, Box<Response>> {
    let id = request_id_in(&head.extensions);
    let refuse = |failure: Failure| {
        failure.log(&id, visitor.path());
        Box::new(failed(visitor, &failure, &id))
    };
    let acts = head.method == Method::POST;
    // First of all: what another site makes a browser send does not even count as a try.
    // Over plain http nobody is signed in, and there is nothing that another site could misuse.
    if acts && rule.https && !auth::same_origin(&head.headers) {
        return Err(refuse(ErrorCode::ForeignOrigin.into()));
    }
    match (rule.access, visitor.officer()) {
        (PageAccess::Open, _) | (PageAccess::SignedIn, Some(_)) => {}
        (PageAccess::SignedIn | PageAccess::Needs(_), None) => return Err(Box::new(to_sign_in(visitor, acts))),
        (PageAccess::Needs(permission), Some(known)) => {
            if let Err(denied) = visitor.by(permission) {
                record_denial(&rule.app, known.actor.clone(), visitor.path()).await;
                return Err(refuse(denied));
            }
        }
    }
    if !acts {
        return Ok(Bytes::new());
    }
    let deadline = rule.app.config().web.body_deadline.duration();
    let body = match tokio::time::timeout(deadline, Limited::new(body, rule.body).collect()).await {
        Err(_) => return Err(refuse(ErrorCode::Timeout.into())),
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(refuse(Failure::saying(ErrorCode::TooLarge, format!("at most {} bytes are taken", rule.body))));
        }
        Ok(Err(_)) => return Err(refuse(Failure::saying(ErrorCode::BadRequest, "the body ended early"))),
    };
    // An open form carries its own secret or password, and comes from a page of ours.
    if rule.access != PageAccess::Open && !carries(&head.headers, &body, visitor.csrf()) {
        return Err(refuse(ErrorCode::FormExpired.into()));
    }
    Ok(body)
}

/// Whether a form carries the visitor's token, in a field `csrf` of either encoding, or in the header
/// `x-csrf-token` when a script sends it. Another site can make a browser send a form but does not know the token,
/// so finding it is the whole proof; where in the body it stands does not matter.
fn carries(headers: &HeaderMap, body: &[u8], token: &str) -> bool {
    if token.is_empty() {
        return false;
    }
    if headers.get("x-csrf-token").is_some_and(|value| same(value.as_bytes(), token.as_bytes())) {
        return true;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        let field = format!("name=\"csrf\"\r\n\r\n{token}\r\n").into_bytes();
        return body.windows(field.len()).any(|window| same(window, &field));
    }
    body.split(|byte| *byte == b'&')
        .filter_map(|part| part.strip_prefix(b"csrf="))
        .any(|value| same(value, token.as_bytes()))
}

fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

fn kept_language(headers: &HeaderMap) -> Option<Language> {
    auth::cookie(headers, LANGUAGE).and_then(|word| Language::from_word(&word))
}

/// Where whoever is not signed in goes. After a form there is nothing to come back to.
fn to_sign_in(visitor: &Visitor, acts: bool) -> Response {
    let next = if acts { "/desk" } else { visitor.path() };
    Redirect::to(&format!("/signin?next={}", escaped(next))).into_response()
}

/// A failure on its way to its page: handlers return it like any other answer.
#[derive(Debug, Clone)]
struct Shown(Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Shown(Arc::new(self)));
        response
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    visitor: &'a Visitor,
    title: &'a str,
    detail: Option<String>,
    findings: Vec<crate::api::LintFinding>,
    code: &'a str,
    request: &'a str,
}

framed!(ProblemPage);

/// The page of a failure.
fn failed(visitor: &Visitor, failure: &Failure, request: &str) -> Response {
    let code = failure.code();
    let problem = failure.problem(request);
    let shown = ProblemPage {
        visitor,
        title: visitor.say(code.chinese(), code.english()),
        detail: problem.detail,
        findings: problem.findings,
        code: code.as_str(),
        request,
    };
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, page(&shown)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(kind: &str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        carries(&headers, body.as_bytes(), "abc_-9")
    }

    #[test]
    fn a_form_carries_its_token_in_either_encoding() {
        let form = "application/x-www-form-urlencoded";
        assert!(sent(form, "csrf=abc_-9&name=x") && sent(form, "name=x&csrf=abc_-9"));
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc_-9\r\n--b--\r\n";
        assert!(sent("multipart/form-data; boundary=b", multipart));
    }

    #[test]
    fn another_token_a_part_of_it_and_none_are_refused() {
        let form = "application/x-www-form-urlencoded";
        for body in ["", "csrf=", "csrf=abc_-", "csrf=abc_-90", "xcsrf=abc_-9", "name=abc_-9"] {
            assert!(!sent(form, body), "{body}");
        }
        assert!(!carries(&HeaderMap::new(), b"csrf=", ""), "an empty token is none");
        assert!(!sent("multipart/form-data; boundary=b", "name=\"other\"\r\n\r\nabc_-9\r\n"));
    }
}
