//! `/desk/ocsp`: the state of the OCSP responder.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pki_config::Instant;

use super::visitor::framed;
use super::{Visitor, page};
use crate::app::App;
use crate::edge::watch::ocsp_state;

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
pub(super) struct OcspPage<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) state: OcspState,
    pub(super) never_issued: u64,
}

framed!(OcspPage);

impl OcspPage<'_> {
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

/// `GET /desk/ocsp`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let state = ocsp_state(&app);
    let never_issued = state.never_issued();
    page(&OcspPage { visitor: &visitor, state, never_issued })
}
