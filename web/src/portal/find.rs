//! For everybody: looking up a certificate, and how to trust the roots.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pki_config::ErrorCode;
use serde::Deserialize;

use super::home::{Hierarchy, IssuerCard, grouped};
use super::visitor::framed;
use super::{Visitor, page, words};
use crate::app::App;
use crate::edge::find::{self, FoundCert};
use crate::edge::public;
use crate::problem::Failure;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    format: String,
}

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage<'a> {
    visitor: &'a Visitor,
    q: String,
    /// `None` before something was asked.
    found: Option<Vec<FoundCert>>,
    bad: bool,
}

framed!(FindPage);

impl FindPage<'_> {
    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn status(&self, word: &str) -> (&str, &'static str) {
        match word {
            "good" => (self.say("有效", "good"), "good"),
            "revoked" => (self.say("已吊销", "revoked"), "bad"),
            "hold" => (self.say("已冻结", "on hold"), "bad"),
            "expired" => (self.say("已过期", "expired"), "off"),
            _ => (self.say("未知", "unknown"), "off"),
        }
    }

    fn why(&self, reason: &str) -> String {
        let known = [
            ("unspecified", "未说明"),
            ("keyCompromise", "密钥泄露"),
            ("cACompromise", "签发机构密钥泄露"),
            ("affiliationChanged", "隶属关系变更"),
            ("superseded", "已被替换"),
            ("cessationOfOperation", "停止使用"),
            ("certificateHold", "暂时冻结"),
            ("privilegeWithdrawn", "权限收回"),
        ];
        let chinese = known.iter().find(|(word, _)| *word == reason).map(|(_, chinese)| *chinese);
        match chinese {
            Some(chinese) if self.zh() => format!("{chinese}（{reason}）"),
            _ => reason.to_owned(),
        }
    }
}

/// `GET /find`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let q: String = asked.q.trim().chars().take(200).collect();
    let found = if q.is_empty() { None } else { Some(find::find(&app, &q).await) };
    let (found, bad) = match found {
        None => (None, false),
        Some(Ok(found)) => (Some(found), false),
        Some(Err(failure)) if failure.code() == ErrorCode::BadRequest => (None, true),
        Some(Err(failure)) => return Err(failure),
    };
    if asked.format == "json" {
        let status = if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let json = serde_json::to_vec(&found.unwrap_or_default());
        let json = json.map_err(|error| Failure::inside(ErrorCode::Internal, error))?;
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        return Ok(
            (status, [kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], json).into_response()
        );
    }
    Ok(page(&FindPage { visitor: &visitor, q, found, bad }))
}

#[derive(Template)]
#[template(path = "trust.html")]
struct TrustPage<'a> {
    visitor: &'a Visitor,
    hierarchies: Vec<Hierarchy>,
}

framed!(TrustPage);

impl TrustPage<'_> {
    fn roots(&self) -> impl Iterator<Item = &IssuerCard> {
        self.hierarchies.iter().map(|hierarchy| &hierarchy.root)
    }

    /// The root that ordinary systems can use: the commands name it.
    fn example(&self) -> &str {
        let ordinary = self.roots().find(|root| root.algorithm != "sm2").or_else(|| self.roots().next());
        ordinary.map_or("root", |root| root.issuer.as_str())
    }
}

/// `GET /trust`.
pub(super) async fn trust(State(app): State<App>, visitor: Visitor) -> Response {
    let cards = public::issuer_cards(app)();
    page(&TrustPage { hierarchies: grouped(cards, visitor.language()), visitor: &visitor })
}
