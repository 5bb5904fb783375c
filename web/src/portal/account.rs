//! `/desk/account`: the visitor's own ways to sign in, and where they are signed in.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pki_config::ErrorCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::visitor::framed;
use super::{Visitor, page};
use crate::app::App;
use crate::auth::{self, Known};
use crate::edge::account::{self, Own};
use crate::edge::login::{self, NewKey, NewPassword, Wanted};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    visitor: &'a Visitor,
    known: &'a Known,
    own: Own,
    challenge: String,
    domain: String,
}

framed!(AccountPage);

impl AccountPage<'_> {
    fn named(&self, credential: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(credential)
    }

    fn is_this(&self, hash: &[u8; 32]) -> bool {
        self.known.session() == Some(*hash)
    }
}

#[derive(Template)]
#[template(path = "account_password.html")]
struct PasswordPage<'a> {
    visitor: &'a Visitor,
    enrolment: login::Enrolment,
}

framed!(PasswordPage);

/// The form of another password.
#[derive(Deserialize)]
pub(super) struct Change {
    present: String,
    new: String,
    again: String,
}

/// The form of a first password.
#[derive(Deserialize)]
pub(super) struct First {
    login: String,
    password: String,
    totp: String,
    code: String,
}

/// What the page's script sends of a new passkey.
#[derive(Deserialize)]
pub(super) struct Made {
    name: String,
    client_data: String,
    authenticator_data: String,
}

/// Which passkey.
#[derive(Deserialize)]
pub(super) struct Which {
    credential: String,
}

fn known(visitor: &Visitor) -> Result<&Known, Failure> {
    visitor.officer().ok_or(ErrorCode::Unauthenticated.into())
}

/// `GET /desk/account`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response, Failure> {
    let known = known(&visitor)?;
    let own = account::own(&app, known).await?;
    let domain = auth::passkey_site(&headers).map(|(domain, _)| domain).unwrap_or_default();
    let challenge = app.gate().challenge(app.clock().now(), app.random())?;
    Ok(page(&AccountPage { visitor: &visitor, known, own, challenge, domain }))
}

/// `POST /desk/account/password`.
pub(super) async fn change(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<Change>,
) -> Result<Redirect, Failure> {
    if ask.new != ask.again {
        let why = visitor.say("两次输入的新密码不同。", "The new password was typed differently the second time.");
        return Err(Failure::saying(ErrorCode::BadRequest, why));
    }
    account::change_password(&app, known(&visitor)?, Zeroizing::new(ask.present), Zeroizing::new(ask.new)).await?;
    Ok(Redirect::to("/desk/account?done=saved"))
}

/// `GET /desk/account/password`: the form of a first password.
pub(super) async fn first(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let known = known(&visitor)?;
    if account::own(&app, known).await?.login.is_some() {
        return Ok(Redirect::to("/desk/account").into_response());
    }
    let enrolment = login::enrolment(&app, &known.name)?;
    Ok(page(&PasswordPage { visitor: &visitor, enrolment }))
}

/// `POST /desk/account/password/first`.
pub(super) async fn add_password(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<First>,
) -> Result<Redirect, Failure> {
    let known = known(&visitor)?;
    if account::own(&app, known).await?.login.is_some() {
        // It is changed with the present one.
        return Err(ErrorCode::Forbidden.into());
    }
    let wanted = Wanted::Password(NewPassword {
        login: ask.login,
        password: Zeroizing::new(ask.password),
        totp: Zeroizing::new(ask.totp),
        code: ask.code,
    });
    account::add(&app, known, wanted).await?;
    Ok(Redirect::to("/desk/account?done=added"))
}

/// `POST /desk/account/passkeys`, by the page's script.
pub(super) async fn add_passkey(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(ask): Form<Made>,
) -> Result<Response, Failure> {
    let wanted = Wanted::Passkey(NewKey {
        name: ask.name,
        client_data: ask.client_data,
        authenticator_data: ask.authenticator_data,
        site: auth::passkey_site(&headers),
    });
    account::add(&app, known(&visitor)?, wanted).await?;
    Ok(Json(serde_json::json!({ "next": "/desk/account?done=added" })).into_response())
}

/// `POST /desk/account/passkeys/remove`.
pub(super) async fn remove_passkey(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<Which>,
) -> Result<Redirect, Failure> {
    account::remove_passkey(&app, known(&visitor)?, &ask.credential).await?;
    Ok(Redirect::to("/desk/account?done=removed"))
}

/// `POST /desk/account/sessions`: all others end.
pub(super) async fn end_others(State(app): State<App>, visitor: Visitor) -> Result<Redirect, Failure> {
    account::sign_out_others(&app, known(&visitor)?).await?;
    Ok(Redirect::to("/desk/account?done=saved"))
}
