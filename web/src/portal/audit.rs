//! The audit desk: searching the log, its entries one by one with a proof the browser checks, and CSV of what was
//! found.

use std::collections::HashMap;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pki_config::{ErrorCode, Permission};
use serde::Deserialize;

use super::visitor::framed;
use super::{Language, Visitor, escaped, page, words};
use crate::api::Nothing;
use crate::api::audit::{AuditDetail, AuditEntry, AuditRef, AuditSearch};
use crate::app::App;
use crate::csv;
use crate::edge::{log, officer};
use crate::problem::Failure;

/// Entries of a page.
const PAGE: u32 = 50;
/// Most entries of a file in CSV. More are for `yinxin audit export`.
const MOST_CSV: usize = 50_000;

/// What the address asks for. Everything is text as typed; what is empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    since: String,
    until: String,
    event: String,
    person: String,
    object: String,
    outcome: String,
    after: String,
    format: String,
}

impl Asked {
    fn search(&self, limit: u32) -> Result<AuditSearch, Failure> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let after = some(&self.after).map(|text| text.parse());
        let after = after.transpose().map_err(|_| Failure::saying(ErrorCode::BadRequest, "after is a position"))?;
        Ok(AuditSearch {
            since: some(&self.since).map(|text| in_utc(&text)),
            until: some(&self.until).map(|text| in_utc(&text)),
            event: some(&self.event),
            person: some(&self.person),
            object: some(&self.object),
            outcome: some(&self.outcome),
            after,
            limit: Some(limit),
        })
    }

    fn is_narrowed(&self) -> bool {
        [&self.since, &self.until, &self.event, &self.person, &self.object, &self.outcome]
            .into_iter()
            .any(|field| !field.trim().is_empty())
    }

    /// The address of this search, from another place on or in another form.
    fn address(&self, more: &[(&str, &str)]) -> String {
        let fields = [
            ("since", &self.since),
            ("until", &self.until),
            ("event", &self.event),
            ("person", &self.person),
            ("object", &self.object),
            ("outcome", &self.outcome),
        ];
        let kept = fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<String> =
            kept.chain(more.iter().copied()).map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        format!("/desk/audit?{}", pairs.join("&"))
    }
}

/// What a browser's field for date and time gives, `2026-11-21T08:00`, is in UTC here; a day alone is its start.
fn in_utc(text: &str) -> String {
    match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// A person who may have done something.
struct Person {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    visitor: &'a Visitor,
    asked: Asked,
    /// Why the search cannot be made.
    bad: Option<String>,
    entries: Vec<AuditEntry>,
    next: Option<u64>,
    events: Vec<String>,
    persons: Vec<Person>,
}

framed!(AuditPage);

impl AuditPage<'_> {
    fn language(&self) -> Language {
        self.visitor.language()
    }

    fn event(&self, word: &str) -> String {
        words::event(word, self.language()).to_owned()
    }

    fn outcome(&self, word: &str) -> String {
        words::outcome(word, self.language())
    }

    fn role(&self, word: &str) -> String {
        words::role(word, self.language())
    }

    fn name(&self, id: &str) -> Option<&str> {
        self.persons.iter().find(|person| person.id == id).map(|person| person.name.as_str())
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn next_page(&self, next: &u64) -> String {
        self.asked.address(&[("after", &next.to_string())])
    }

    fn first_page(&self) -> String {
        self.asked.address(&[])
    }

    fn csv(&self) -> String {
        self.asked.address(&[("format", "csv")])
    }
}

/// `GET /desk/audit`.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    if asked.format == "csv" {
        return table(&app, &visitor, &asked).await;
    }
    let by = visitor.by(Permission::ReadAudit)?;
    let found = match asked.search(PAGE) {
        Ok(search) => log::search(app.clone(), by.clone(), search).await,
        Err(failure) => Err(failure),
    };
    let (entries, next, bad) = match found {
        Ok(found) => (found.entries, found.next, None),
        // A field typed wrongly belongs beside the form, with what was typed still in it.
        Err(failure) if failure.code().http_status() == 400 => {
            let code = failure.code();
            let detail = failure.problem("").detail;
            (vec![], None, Some(detail.unwrap_or_else(|| visitor.say(code.chinese(), code.english()).to_owned())))
        }
        Err(failure) => return Err(failure),
    };
    let events = log::events(app.clone(), by, Nothing {}).await?.events;
    let persons = persons(&app, &visitor).await?;
    Ok(page(&AuditPage { visitor: &visitor, asked, bad, entries, next, events, persons }))
}

/// The officers' names, for whom they are not hidden from.
async fn persons(app: &App, visitor: &Visitor) -> Result<Vec<Person>, Failure> {
    let Ok(by) = visitor.by(Permission::ReadOfficers) else { return Ok(vec![]) };
    let officers = officer::list(app.clone(), by, Nothing {}).await?.officers;
    Ok(officers.into_iter().map(|officer| Person { id: officer.officer, name: officer.name }).collect())
}

async fn table(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadAudit)?;
    let names: HashMap<String, String> =
        persons(app, visitor).await?.into_iter().map(|person| (person.id, person.name)).collect();
    let mut search = asked.search(500)?;
    let head = ["seq", "at", "event", "object", "outcome", "person", "name", "role", "channel", "tenant"];
    let mut text = csv::row(&head);
    let mut written = 0;
    loop {
        let found = log::search(app.clone(), by.clone(), search.clone()).await?;
        for entry in &found.entries {
            let name = names.get(&entry.person).map(String::as_str).unwrap_or_default();
            text.push_str(&csv::row(&[
                &entry.seq.to_string(),
                &entry.at,
                &entry.event,
                &entry.object,
                &entry.outcome,
                &entry.person,
                name,
                &entry.role,
                &entry.channel,
                &entry.tenant,
            ]));
        }
        written += found.entries.len();
        match found.next {
            Some(_) if written >= MOST_CSV => {
                let most = format!("more than {MOST_CSV} entries: narrow the search, or use yinxin audit export");
                return Err(Failure::saying(ErrorCode::TooLarge, most));
            }
            Some(next) => search.after = Some(next),
            None => break,
        }
    }
    Ok(file("text/csv; charset=utf-8", "audit.csv", text.into_bytes()))
}

/// A file to keep.
pub(super) fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let name = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let name = name.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::OK, headers, bytes).into_response()
}

#[derive(Template)]
#[template(path = "audit_entry.html")]
struct EntryPage<'a> {
    visitor: &'a Visitor,
    entry: AuditDetail,
    name: Option<String>,
    /// The payload where it is short text.
    text: Option<String>,
    last: u64,
}

framed!(EntryPage);

impl EntryPage<'_> {
    fn event(&self) -> &str {
        words::event(&self.entry.entry.event, self.visitor.language())
    }

    fn outcome(&self) -> String {
        words::outcome(&self.entry.entry.outcome, self.visitor.language())
    }

    fn role(&self) -> String {
        words::role(&self.entry.entry.role, self.visitor.language())
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn size(&self, bytes: &u64) -> String {
        words::bytes(*bytes)
    }
}

/// `GET /desk/audit/{seq}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadAudit)?;
    let entry = log::show(app.clone(), by, AuditRef { seq: position(&seq)? }).await?;
    let name = persons(&app, &visitor).await?.into_iter().find(|person| person.id == entry.entry.person);
    let text = entry.payload.as_deref().and_then(readable);
    let last = app.audit().size().await?.saturating_sub(1);
    Ok(page(&EntryPage { visitor: &visitor, entry, name: name.map(|person| person.name), text, last }))
}

/// What an address names that is no position is not found, like a position the log does not have.
fn position(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// A payload that is text for people, if it is.
fn readable(base64: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let clean = !text.is_empty() && text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t');
    (clean && text.len() <= 8192).then_some(text)
}

/// `GET /desk/audit/{seq}/receipt.json`: the receipt, for the page's script and for keeping.
pub(super) async fn receipt(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<String>,
) -> Result<Response, Failure> {
    visitor.by(Permission::ReadAudit)?;
    let seq = position(&seq)?;
    let receipt = app.receipt(seq).await?;
    let json = serde_json::to_vec(&receipt).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
    Ok(file("application/json; charset=utf-8", &format!("entry-{seq}.receipt.json"), json))
}

/// `GET /desk/audit/{seq}/payload`: the payload as it is.
pub(super) async fn payload(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<String>,
) -> Result<Response, Failure> {
    visitor.by(Permission::ReadAudit)?;
    let seq = position(&seq)?;
    let payload = app.audit().entry(seq).await?.payload.ok_or(ErrorCode::NotFound)?;
    Ok(file("application/octet-stream", &format!("entry-{seq}.payload"), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_as_the_browser_gives_them_and_mean_utc() {
        assert_eq!(in_utc("2026-11-21"), "2026-11-21T00:00:00Z");
        assert_eq!(in_utc("2026-11-21T08:00"), "2026-11-21T08:00:00Z");
        assert_eq!(in_utc("2026-11-21T08:00:30"), "2026-11-21T08:00:30Z");
        assert_eq!(in_utc("2026-11-21T08:00:00+08:00"), "2026-11-21T08:00:00+08:00");
    }

    #[test]
    fn what_is_typed_goes_into_the_next_pages_address_unharmed() {
        let asked = Asked { object: "a b&c".into(), event: "cert.issued".into(), ..Asked::default() };
        assert_eq!(asked.address(&[("after", "7")]), "/desk/audit?event=cert.issued&object=a%20b%26c&after=7");
        assert!(asked.is_narrowed() && !Asked::default().is_narrowed());
        assert!(Asked { after: "x".into(), ..Asked::default() }.search(50).is_err());
    }

    #[test]
    fn only_clean_text_is_shown_as_text() {
        assert_eq!(readable("aGk=").as_deref(), Some("hi"));
        for bytes in ["", "AAE=", "MIIB", "!!"] {
            assert_eq!(readable(bytes), None, "{bytes}");
        }
    }
}
