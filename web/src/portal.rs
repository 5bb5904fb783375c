//! The pages for people: the one-time set-up page and the desk of the administration, and the front page of
//! the public repository.
//!
//! No page carries an inline script or style, and none loads anything from elsewhere; the headers
//! say so to the browser. Words stand in both languages side by side in the templates; Chinese is shown
//! unless the address asks for `?lang=en`, which the desk remembers in a cookie.
//!
//! The desk's pages stand in one table ([`table`]); `guard` checks who asks before any of them runs, and hands it a
//! [`Visitor`].

mod account;
mod assets;
mod audit;
mod authority;
mod centre;
mod ceremonies;
mod claim;
mod convert;
mod dashboard;
mod desk;
mod find;
mod guard;
mod home;
mod house;
mod navigation;
mod officers;
mod parts;
mod profiles;
mod ra;
mod seal;
mod setup;
mod signin;
mod stamps;
mod system;
pub mod table;
mod told;
mod visitor;
mod welcome;
mod words;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pki_config::Instant;
use pki_config::role::Setup;

pub use desk::{OcspIssuer, OcspResponder, OcspState};
pub use home::{HomeSource, IssuerCard};
pub use navigation::{Group, Place};
pub(crate) use seal::Shelves;
pub use stamps::{Search, Stamp, TsaState};
pub use visitor::{Visitor, role_words};

/// What every page says of the installation.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Six hexadecimal digits.
    pub installation: String,
    /// Whether it is a trial: then every page says what that means.
    pub trial: bool,
    /// The program's version.
    pub version: &'static str,
}

impl Facts {
    /// Of the installation with this name.
    #[must_use]
    pub fn new(installation: &str, setup: Setup) -> Self {
        let trial = matches!(setup, Setup::Trial);
        Self { installation: installation.to_owned(), trial, version: env!("CARGO_PKG_VERSION") }
    }
}

/// The pages of the administration (https): `GET /setup`, `GET /claim` and what they load.
///
/// One-time links lead here; their secret stands after the `#` and is never sent with the address.
pub fn setup_routes(facts: Facts) -> Router {
    setup::routes(facts).merge(assets::routes())
}

/// The pages of the public repository (http): `GET /` and what it loads.
pub fn home_routes(facts: Facts, source: HomeSource) -> Router {
    home::routes(facts, source).merge(assets::routes())
}

/// Nothing but what this server serves itself, no frames, forms to this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The headers of every answer here.
fn guarded(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not no-referrer: browsers would then send forms with `Origin: null`, which is what they send for strangers.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page, never kept by caches: another installation may stand at the same address tomorrow.
fn page(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(html) => guarded((
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            html,
        )),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            guarded((StatusCode::INTERNAL_SERVER_ERROR, "内部错误。 / Something failed inside.\n"))
        }
    }
}

/// To the minute, in UTC; the `T` of the standard reads like a letter of the date.
pub(crate) fn minute(at: Instant) -> String {
    let text = at.to_string();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}

/// For a value in an address: everything but letters, digits and `-._~/` in percent form (RFC 3986 2.1).
pub(crate) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese, as written on the mainland. What is shown unless somebody chose.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// What the address asks for: English with `lang=en`, else Chinese.
    fn asked(query: Option<&str>) -> Self {
        query.and_then(Self::named).unwrap_or(Self::Chinese)
    }

    /// What the query names, if anything.
    fn named(query: &str) -> Option<Self> {
        query.split('&').find_map(|part| Self::from_word(part.strip_prefix("lang=")?))
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The words in this language.
    #[must_use]
    pub fn say<'a>(self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }

    /// The address of this very page.
    fn here(self) -> &'static str {
        self.say("?", "?lang=en")
    }

    /// The address of this page in the other language.
    fn other(self) -> &'static str {
        self.say("?lang=en", "?")
    }
}

#[cfg(test)]
mod tests;
