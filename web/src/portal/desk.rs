//! The desk: pages for officers, behind https and a credential. So far the state of the OCSP responder.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use pki_config::Instant;

use super::{Facts, Language, page};

/// Gives the responder's state to whoever may see it; else the status to refuse with.
pub type OcspSource =
    Arc<dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Result<OcspState, StatusCode>> + Send>> + Send + Sync>;

/// How the responder does, as the page shows it.
#[derive(Debug, Clone, Default)]
pub struct OcspState {
    /// Answers a second, over the last minute.
    pub per_second: f64,
    /// 99 of 100 answers took at most this. Unit: milliseconds; `None` before the first.
    pub p99_millis: Option<f64>,
    /// Questions that wait for a signature.
    pub waiting: usize,
    /// Refusals since the start, by the name RFC 6960 gives them.
    pub refused: Vec<(&'static str, u64)>,
    /// Each issuer.
    pub issuers: Vec<OcspIssuer>,
}

impl OcspState {
    /// Questions about serials that were never issued, over all issuers.
    #[must_use]
    pub fn never_issued(&self) -> u64 {
        self.issuers.iter().map(|issuer| issuer.never_issued).sum()
    }
}

/// The responder for one issuer. Counts are since the start.
#[derive(Debug, Clone, Default)]
pub struct OcspIssuer {
    /// The issuer's word.
    pub issuer: String,
    /// Its name.
    pub subject: String,
    /// Answers: good, revoked, unknown.
    pub good: u64,
    /// As above.
    pub revoked: u64,
    /// As above.
    pub unknown: u64,
    /// Signed for their question.
    pub live: u64,
    /// Made ahead.
    pub presigned: u64,
    /// Questions about serials that were never issued.
    pub never_issued: u64,
    /// Certificates whose status is known.
    pub certificates: usize,
    /// Answers that lie ready.
    pub ready: usize,
    /// Age of the oldest of them. Unit: seconds.
    pub oldest_seconds: Option<u64>,
    /// Who signs; `None` while there is nobody.
    pub responder: Option<OcspResponder>,
}

/// A responder's certificate.
#[derive(Debug, Clone)]
pub struct OcspResponder {
    /// Upper-case hexadecimal.
    pub serial: String,
    /// First second.
    pub from: Instant,
    /// Last second.
    pub until: Instant,
    /// From when the next one takes its place.
    pub next: Instant,
}

#[derive(Template)]
#[template(path = "ocsp.html")]
struct OcspPage<'a> {
    facts: &'a Facts,
    language: Language,
    state: OcspState,
    never_issued: u64,
}

impl OcspPage<'_> {
    fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        self.language.say(chinese, english)
    }

    fn here(&self) -> &'static str {
        self.language.here()
    }

    fn other_language(&self) -> &'static str {
        self.language.other()
    }

    /// A count with its thousands set apart by thin spaces, so that seven digits can be read.
    fn count(&self, count: &u64) -> String {
        let digits = count.to_string();
        let groups = digits.as_bytes().rchunks(3).rev();
        let groups: Vec<&str> = groups.map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
        groups.join("\u{202f}")
    }

    fn size(&self, count: &usize) -> String {
        self.count(&u64::try_from(*count).unwrap_or(u64::MAX))
    }

    fn rate(&self) -> String {
        match self.state.per_second {
            small if small < 10.0 => format!("{small:.1}"),
            large => self.count(&(large.round() as u64)),
        }
    }

    fn p99(&self) -> String {
        self.state.p99_millis.map_or_else(|| "–".to_owned(), |millis| format!("{millis} ms"))
    }

    /// Seconds as people say them.
    fn age(&self, seconds: &u64) -> String {
        match *seconds {
            s if s < 120 => format!("{s} {}", self.say("秒", "s")),
            s if s < 7200 => format!("{} {}", s / 60, self.say("分钟", "min")),
            s => format!("{} {}", s / 3600, self.say("小时", "h")),
        }
    }

    /// To the minute; the `T` of the standard reads like a letter of the date.
    fn moment(&self, at: &Instant) -> String {
        let text = at.to_string();
        format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    facts: &'a Facts,
    language: Language,
    known: bool,
}

impl RefusedPage<'_> {
    fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        self.language.say(chinese, english)
    }

    fn here(&self) -> &'static str {
        self.language.here()
    }

    fn other_language(&self) -> &'static str {
        self.language.other()
    }
}

#[derive(Clone)]
struct Desk {
    facts: Facts,
    ocsp: OcspSource,
}

pub(super) fn routes(facts: Facts, ocsp: OcspSource) -> Router {
    Router::new().route("/desk/ocsp", get(show_ocsp)).with_state(Desk { facts, ocsp })
}

async fn show_ocsp(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let language = Language::asked(request.uri().query());
    match (desk.ocsp)(request).await {
        Ok(state) => {
            let never_issued = state.never_issued();
            page(&OcspPage { facts: &desk.facts, language, state, never_issued })
        }
        Err(status) => refused(&desk.facts, language, status),
    }
}

/// The page for whoever may not see the one that was asked for.
pub(super) fn refused(facts: &Facts, language: Language, status: StatusCode) -> Response {
    let known = status == StatusCode::FORBIDDEN;
    (status, page(&RefusedPage { facts, language, known })).into_response()
}
