//! What the set-up page sends: the one-time link becomes a password or a passkey, and its holder is signed in.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form, Json};
use pki_config::ErrorCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::signin::signed_in;
use crate::app::App;
use crate::auth;
use crate::edge::login::{self, NewKey, NewPassword, Wanted};
use crate::problem::Failure;
use crate::serve::Peer;

/// The fields of either way.
#[derive(Deserialize)]
pub(super) struct Claim {
    secret: String,
    #[serde(default)]
    how: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    totp: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    client_data: String,
    #[serde(default)]
    authenticator_data: String,
}

/// `POST /setup/claim`, by the page's script: the secret stands in the part of the address that is never sent.
pub(super) async fn claim(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(ask): Form<Claim>,
) -> Result<Response, Failure> {
    let wanted = match ask.how.as_str() {
        "password" => Wanted::Password(NewPassword {
            login: ask.login,
            password: Zeroizing::new(ask.password),
            totp: Zeroizing::new(ask.totp),
            code: ask.code,
        }),
        "passkey" => Wanted::Passkey(NewKey {
            name: ask.name,
            client_data: ask.client_data,
            authenticator_data: ask.authenticator_data,
            site: auth::passkey_site(&headers),
        }),
        _ => return Err(ErrorCode::BadRequest.into()),
    };
    let secret = login::claim(&app, &peer, &ask.secret, &ask.person, wanted).await?;
    // Who may not go on with the set-up is led to the desk from there.
    Ok(signed_in(Json(serde_json::json!({ "next": "/desk/welcome?done=claimed" })).into_response(), &secret))
}
