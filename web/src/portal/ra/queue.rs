//! The queues of requests.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use pki_config::role::Permission;
use serde::Deserialize;

use super::words::{Words as _, worded};
use super::{file, typed};
use crate::api::request::{QueueCounts, RequestQuery};
use crate::api::{Nothing, RequestInfo, RequestList};
use crate::app::App;
use crate::csv;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Rows of a page.
const ROWS: u32 = 50;
/// The most rows of an export.
const MOST_EXPORTED: usize = 10_000;
/// The queues, in the order of the tabs.
const QUEUES: [&str; 6] = ["waiting", "review", "approval", "invited", "mine", "decided"];

/// Which queue, as the address has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    queue: String,
    branch: String,
    profile: String,
    batch: String,
    after: String,
    format: String,
}

impl Chosen {
    fn query(&self, queue: &str, limit: u32) -> RequestQuery {
        RequestQuery {
            queue: Some(queue.to_owned()),
            branch: typed(&self.branch),
            profile: typed(&self.profile),
            batch: typed(&self.batch),
            after: typed(&self.after),
            limit: Some(limit),
        }
    }

    fn narrows(&self) -> bool {
        [&self.branch, &self.profile, &self.batch].iter().any(|field| !field.trim().is_empty())
    }
}

/// One of the queues above the list.
struct Tab {
    word: &'static str,
    words: &'static str,
    count: Option<u32>,
    current: bool,
}

#[derive(Template)]
#[template(path = "ra/requests.html")]
struct QueuePage<'a> {
    visitor: &'a Visitor,
    chosen: &'a Chosen,
    queue: &'a str,
    tabs: Vec<Tab>,
    list: RequestList,
    profiles: Vec<String>,
    branches: Vec<(String, String)>,
    next: Option<String>,
    csv: String,
    may_request: bool,
}

worded!(QueuePage);

impl QueuePage<'_> {
    /// Whether the visitor filed or reviewed it, so that somebody else must go on.
    fn own(&self, request: &RequestInfo) -> bool {
        let me = self.visitor.officer().map(|officer| officer.id.to_string()).unwrap_or_default();
        request.requester == me || request.reviewer.as_deref() == Some(&me)
    }
}

fn tabs(counts: &QueueCounts, current: &str, visitor: &Visitor) -> Vec<Tab> {
    let language = visitor.language();
    let tab = |word: &'static str| {
        let (words, count) = match word {
            "waiting" => (language.say("全部待办", "All waiting"), None),
            "review" => (language.say("待审核", "To review"), Some(counts.review)),
            "approval" => (language.say("待批准", "To approve"), Some(counts.approval)),
            "invited" => (language.say("待申请人提交", "With the holder"), Some(counts.invited)),
            "mine" => (language.say("我提交的", "Filed by me"), Some(counts.mine)),
            _ => (language.say("已办结", "Decided"), None),
        };
        Tab { word, words, count, current: word == current }
    };
    QUEUES.into_iter().map(tab).collect()
}

/// `GET /desk/requests`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let by = || visitor.by(Permission::ReadCertificates);
    let queue = QUEUES.into_iter().find(|word| *word == chosen.queue).unwrap_or("waiting");
    if chosen.format == "csv" {
        return export(app, &visitor, &chosen, queue).await;
    }
    let counts = edge::request::queues(app.clone(), by()?, Nothing {}).await?;
    let list = edge::cert::requests(app.clone(), by()?, chosen.query(queue, ROWS)).await?;
    let branches = edge::branch::list(app.clone(), by()?, Nothing {}).await?.branches;
    let profiles = app.ca().profiles();
    let profiles = profiles.iter().filter(|p| !p.rules().internal && !p.rules().needs_ceremony);
    Ok(page(&QueuePage {
        next: list.next.as_ref().map(|next| visitor.address_with("after", next)),
        csv: visitor.address_with("format", "csv"),
        tabs: tabs(&counts, queue, &visitor),
        profiles: profiles.map(|profile| profile.name().to_owned()).collect(),
        branches: branches.into_iter().map(|branch| (branch.branch, branch.name)).collect(),
        may_request: visitor.may(Permission::RequestCertificate),
        visitor: &visitor,
        chosen: &chosen,
        queue,
        list,
    }))
}

async fn export(app: App, visitor: &Visitor, chosen: &Chosen, queue: &str) -> Result<Response, Failure> {
    let columns =
        ["request", "state", "profile", "issuer", "subject", "names", "filed_by", "filed_at", "approver", "serial"];
    let mut text = csv::row(&columns);
    let mut query = RequestQuery { after: None, ..chosen.query(queue, 500) };
    let mut rows = 0;
    loop {
        let by = visitor.by(Permission::ReadCertificates)?;
        let list = edge::cert::requests(app.clone(), by, query.clone()).await?;
        for one in &list.requests {
            let names = one.sans.join(" ");
            let (approver, serial) = (one.approver.as_deref().unwrap_or(""), one.serial.as_deref().unwrap_or(""));
            text += &csv::row(&[
                &one.request,
                &one.state,
                &one.profile,
                &one.issuer,
                &one.subject,
                &names,
                &one.requester,
                &one.at,
                approver,
                serial,
            ]);
        }
        rows += list.requests.len();
        query.after = list.next;
        if query.after.is_none() || rows >= MOST_EXPORTED {
            break;
        }
    }
    Ok(file("requests.csv", "text/csv; charset=utf-8", text))
}
