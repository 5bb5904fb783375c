//! Signing in and out: a password with a code, or a passkey. Client certificates need no page.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use pki_config::ErrorCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::visitor::framed;
use super::{Visitor, page};
use crate::app::App;
use crate::auth::{self, Secret, session};
use crate::edge::login::{self, KeyShown};
use crate::problem::Failure;
use crate::serve::Peer;

/// Where to go after signing in.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// What is typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    next: String,
    login: String,
    password: String,
    code: String,
}

/// What the page's script sends for a passkey.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    next: String,
    credential: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
}

#[derive(Template)]
#[template(path = "signin.html")]
struct SigninPage<'a> {
    visitor: &'a Visitor,
    next: &'a str,
    login: &'a str,
    wrong: &'a str,
    challenge: String,
    domain: String,
    trial: bool,
}

framed!(SigninPage);

#[derive(Template)]
#[template(path = "again.html")]
struct AgainPage<'a> {
    visitor: &'a Visitor,
    address: String,
}

framed!(AgainPage);

/// `GET /signin`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(next): Query<Next>,
) -> Result<Response, Failure> {
    let next = within_desk(&next.next);
    if visitor.officer().is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    // A strict cookie is not sent along a link on another site. Asking once more from a page of our own, it is.
    let site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if matches!(site, "cross-site" | "same-site") {
        let address = format!("/signin?next={}", super::escaped(next));
        return Ok(page(&AgainPage { visitor: &visitor, address }));
    }
    form(&app, &visitor, &headers, next, "", "")
}

fn form(
    app: &App,
    visitor: &Visitor,
    headers: &HeaderMap,
    next: &str,
    login: &str,
    wrong: &str,
) -> Result<Response, Failure> {
    let domain = auth::passkey_site(headers).map(|(domain, _)| domain).unwrap_or_default();
    let challenge = app.gate().challenge(app.clock().now(), app.random())?;
    let trial = visitor.facts().trial;
    Ok(page(&SigninPage { visitor, next, login, wrong, challenge, domain, trial }))
}

/// `POST /signin`.
pub(super) async fn with_password(
    State(app): State<App>,
    visitor: Visitor,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Failure> {
    let next = within_desk(&typed.next);
    let password = Zeroizing::new(typed.password);
    match login::with_password(&app, &peer, &typed.login, password, &typed.code).await {
        Ok(secret) => Ok(signed_in(Redirect::to(next).into_response(), &secret)),
        Err(failure) if matches!(failure.code(), ErrorCode::Unauthenticated | ErrorCode::TooManyTries) => {
            let wrong = match failure.code() {
                ErrorCode::TooManyTries => {
                    visitor.say("失败次数过多，请稍等片刻再试。", "Too many failed tries: wait a little.")
                }
                // Which of the three it was is nobody's business who does not know them.
                _ => visitor.say(
                    "登录名、密码或验证码不对。每个验证码只能用一次，请等下一个。",
                    "Name, password or code is not right. Each code works once: wait for the next.",
                ),
            };
            let page = form(&app, &visitor, &headers, next, &typed.login, wrong)?;
            let status = StatusCode::from_u16(failure.code().http_status()).unwrap_or(StatusCode::UNAUTHORIZED);
            Ok((status, page).into_response())
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /signin/passkey`, by the page's script.
pub(super) async fn with_passkey(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Result<Response, Failure> {
    let next = within_desk(&shown.next).to_owned();
    let key = KeyShown {
        credential: shown.credential,
        client_data: shown.client_data,
        authenticator_data: shown.authenticator_data,
        signature: shown.signature,
        site: auth::passkey_site(&headers),
    };
    let secret = login::with_passkey(&app, &peer, key).await?;
    Ok(signed_in(Json(serde_json::json!({ "next": next })).into_response(), &secret))
}

/// `POST /signout`.
pub(super) async fn out(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    if let Some(known) = visitor.officer() {
        login::sign_out(&app, known).await?;
    }
    let mut response = Redirect::to("/signin?done=signed-out").into_response();
    response.headers_mut().append(header::SET_COOKIE, session::clear_cookie());
    Ok(response)
}

/// Gives the cookie to the browser.
pub(super) fn signed_in(mut response: Response, secret: &Secret) -> Response {
    if let Some(cookie) = session::set_cookie(secret) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Only pages of the desk: whoever makes the link must not choose where people land.
fn within_desk(next: &str) -> &str {
    let plain = next.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'));
    let inside = next == "/desk" || next.starts_with("/desk/");
    if plain && inside && !next.contains("//") { next } else { "/desk" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_only_the_desk_is_next() {
        assert_eq!(within_desk("/desk/requests/00ff"), "/desk/requests/00ff");
        for bad in
            ["", "/", "//evil.example", "https://evil.example", "/desk//evil", "/desk/../setup", "/desks", "/desk?x"]
        {
            assert_eq!(within_desk(bad), "/desk", "{bad}");
        }
    }
}
