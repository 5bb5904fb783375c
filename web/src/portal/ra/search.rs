//! Certificates: looked for, listed, and given as CSV.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use pki_config::role::Permission;
use serde::Deserialize;

use super::words::{Words as _, worded};
use super::{day, file, typed};
use crate::api::{CertPage, CertQuery};
use crate::app::App;
use crate::csv;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// Rows of a page.
const ROWS: u32 = 50;
/// Rows that one question of an export asks for.
const EXPORTED_AT_ONCE: u32 = 500;
/// The most rows of an export. Its last line says when there are more.
const MOST_EXPORTED: usize = 100_000;

/// The fields of the search, as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    name: String,
    digits: String,
    organisation: String,
    profile: String,
    issuer: String,
    status: String,
    begins_from: String,
    begins_before: String,
    expires_from: String,
    expires_before: String,
    sort: String,
    after: Option<u64>,
    format: String,
}

impl Search {
    fn query(&self, limit: u32) -> CertQuery {
        CertQuery {
            issuer: typed(&self.issuer),
            profile: typed(&self.profile),
            status: typed(&self.status),
            name: typed(&self.name),
            // Fingerprints are copied with their colons, serials with spaces.
            digits: typed(&self.digits).map(|digits| digits.replace([':', ' '], "")),
            organisation: typed(&self.organisation),
            begins_from: day(&self.begins_from),
            begins_before: day(&self.begins_before),
            expires_from: day(&self.expires_from),
            expires_before: day(&self.expires_before),
            sort: typed(&self.sort),
            after: self.after,
            limit: Some(limit),
        }
    }

    /// Whether anything but the order is asked for.
    fn narrows(&self) -> bool {
        let fields = [&self.name, &self.digits, &self.profile, &self.status];
        fields.iter().any(|field| !field.trim().is_empty()) || self.narrows_further()
    }

    /// Whether one of the fields is filled in that stand behind the fold.
    fn narrows_further(&self) -> bool {
        let times = [&self.begins_from, &self.begins_before, &self.expires_from, &self.expires_before];
        let mut fields = [&self.organisation, &self.issuer, &self.sort].into_iter().chain(times);
        fields.any(|field| !field.trim().is_empty())
    }
}

#[derive(Template)]
#[template(path = "ra/certificates.html")]
struct CertificatesPage<'a> {
    visitor: &'a Visitor,
    search: &'a Search,
    found: CertPage,
    profiles: Vec<String>,
    issuers: Vec<String>,
    next: Option<String>,
    csv: String,
    may_revoke: bool,
}

worded!(CertificatesPage);

/// `GET /desk/certificates`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, Failure> {
    if search.format == "csv" {
        return export(app, &visitor, &search).await;
    }
    let by = visitor.by(Permission::ReadCertificates)?;
    let found = edge::cert::list(app.clone(), by, search.query(ROWS)).await?;
    let next = found.next.as_ref().map(|next| visitor.address_with("after", &next.to_string()));
    let csv = visitor.address_with("format", "csv");
    let profiles = app.ca().profiles().iter().map(|profile| profile.name().to_owned()).collect();
    let issuers = app.ca().issuers().iter().map(|issuer| issuer.id.to_string()).collect();
    let may_revoke = visitor.may(Permission::RevokeCertificate);
    Ok(page(&CertificatesPage { visitor: &visitor, search: &search, found, profiles, issuers, next, csv, may_revoke }))
}

/// All that was found, not a page of it.
async fn export(app: App, visitor: &Visitor, search: &Search) -> Result<Response, Failure> {
    let columns = ["serial", "issuer", "profile", "subject", "names", "not_before", "not_after", "status"];
    let mut text = csv::row(&columns);
    let mut query = CertQuery { after: None, ..search.query(EXPORTED_AT_ONCE) };
    let mut rows = 0;
    loop {
        let by = visitor.by(Permission::ReadCertificates)?;
        let page = edge::cert::list(app.clone(), by, query.clone()).await?;
        for line in &page.certificates {
            let (names, until) = (line.sans.join(" "), &line.not_after);
            let names = [&line.serial, &line.issuer, &line.profile, &line.subject, &names, &line.not_before, until];
            let cells: Vec<&str> = names.into_iter().chain([&line.status]).map(String::as_str).collect();
            text += &csv::row(&cells);
        }
        rows += page.certificates.len();
        match page.next {
            None => break,
            Some(_) if rows >= MOST_EXPORTED => {
                text += &csv::row(&[visitor.say("还有更多，请缩小范围", "there are more: narrow the search")]);
                break;
            }
            next => query.after = next,
        }
    }
    Ok(file("certificates.csv", "text/csv; charset=utf-8", text))
}
