//! A new request: the profile is chosen, then a form with what it takes; checked as it is typed, by the rules that
//! decide later.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Multipart, Query, State};
use axum::response::Response;
use pki_config::ErrorCode;
use pki_config::profile::Profile;
use pki_config::role::Permission;
use serde::Deserialize;

use super::fields::Fields;
use super::form::{self, Form};
use super::on_to;
use super::words::{self, Words as _, worded};
use crate::api::Problem;
use crate::api::profile::{CertCheck, CheckReport};
use crate::api::request::Invited;
use crate::app::App;
use crate::edge;
use crate::portal::{Visitor, page};
use crate::problem::Failure;

/// A profile to choose.
struct Choice {
    name: String,
    title: String,
    keys: String,
}

#[derive(Template)]
#[template(path = "ra/choose.html")]
struct ChoosePage<'a> {
    visitor: &'a Visitor,
    choices: Vec<Choice>,
}

worded!(ChoosePage);

#[derive(Template)]
#[template(path = "ra/compose.html")]
struct ComposePage<'a> {
    visitor: &'a Visitor,
    form: Form,
    typed: &'a Fields,
    branches: Vec<(String, String)>,
    issuers: Vec<String>,
    refused: Option<Problem>,
    /// Whether the holder shall send the key.
    invites: bool,
}

worded!(ComposePage);

#[derive(Template)]
#[template(path = "ra/invited.html")]
struct InvitedPage<'a> {
    visitor: &'a Visitor,
    invited: Invited,
}

worded!(InvitedPage);

#[derive(Template)]
#[template(path = "ra/checked.html")]
struct Checked<'a> {
    visitor: &'a Visitor,
    report: CheckReport,
}

worded!(Checked);

/// The query of the page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    profile: String,
}

/// Profiles that anybody can ask for.
fn profiles(app: &App) -> Vec<Profile> {
    let all = app.ca().profiles();
    all.into_iter().filter(|p| !p.rules().internal && !p.rules().needs_ceremony).collect()
}

/// `GET /desk/requests/new`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    if chosen.profile.is_empty() {
        let choice = |profile: &Profile| Choice {
            name: profile.name().to_owned(),
            title: words::title(profile, visitor.language()).to_owned(),
            keys: keys(profile),
        };
        return Ok(page(&ChoosePage { visitor: &visitor, choices: profiles(&app).iter().map(choice).collect() }));
    }
    let mut typed = Fields::default();
    typed.add("profile", &chosen.profile);
    composed(&app, &visitor, &typed, None).await
}

/// Kinds of keys, for the reader.
fn keys(profile: &Profile) -> String {
    use pki_config::profile::KeyKind;
    let certify = &profile.rules().key.certify;
    let names = [(KeyKind::Sm2, "SM2"), (KeyKind::P256, "P-256"), (KeyKind::P384, "P-384"), (KeyKind::Rsa, "RSA")];
    let taken = names.iter().filter(|(kind, _)| certify.iter().any(|line| line.subject.contains(kind)));
    taken.map(|(_, word)| *word).collect::<Vec<_>>().join(" · ")
}

async fn composed(
    app: &App,
    visitor: &Visitor,
    typed: &Fields,
    refused: Option<&Failure>,
) -> Result<Response, Failure> {
    let name = typed.get("profile");
    let profile = profiles(app).into_iter().find(|profile| profile.name() == name);
    let profile = profile.ok_or(Failure::new(ErrorCode::NotFound))?;
    let form = Form::new(&profile, typed, app.clock().now(), visitor.language());
    let by = visitor.by(Permission::ReadCertificates)?;
    let branches = edge::branch::list(app.clone(), by, crate::api::Nothing {}).await?.branches;
    let branches = branches.into_iter().filter(|branch| branch.open).map(|branch| (branch.branch, branch.name));
    let issuers = app.ca().issuers().into_iter().filter(|issuer| issuer.parent.is_some());
    let mut response = page(&ComposePage {
        visitor,
        form,
        typed,
        branches: branches.collect(),
        issuers: issuers.map(|issuer| issuer.id.to_string()).collect(),
        refused: refused.map(|failure| failure.problem("")),
        invites: typed.get("how") == "invite",
    });
    if let Some(failure) = refused {
        let status = axum::http::StatusCode::from_u16(failure.code().http_status());
        *response.status_mut() = status.unwrap_or(axum::http::StatusCode::BAD_REQUEST);
    }
    Ok(response)
}

/// `POST /desk/requests/new`. What cannot be filed comes back as it was typed, with the reason above it.
pub(super) async fn file(State(app): State<App>, visitor: Visitor, sent: Multipart) -> Result<Response, Failure> {
    let (typed, attached) = form::with_file(sent).await?;
    match filed(&app, &visitor, &typed, attached).await {
        Ok(response) => Ok(response),
        Err(failure) => composed(&app, &visitor, &typed, Some(&failure)).await,
    }
}

async fn filed(
    app: &App,
    visitor: &Visitor,
    typed: &Fields,
    attached: Option<crate::api::request::EvidenceFile>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    let evidence = form::evidence(typed, attached)?;
    if typed.get("how") == "invite" {
        let invited = edge::request::invite(app.clone(), by, form::invitation(typed, evidence)?).await?;
        return Ok(invited_page(visitor, invited));
    }
    let filed = edge::cert::submit(app.clone(), by, form::request(typed, evidence)?).await?;
    Ok(on_to(&format!("/desk/requests/{}", filed.request), "submitted"))
}

/// The page that shows a holder's link, this once.
pub(super) fn invited_page(visitor: &Visitor, invited: Invited) -> Response {
    page(&InvitedPage { visitor, invited })
}

/// `POST /desk/requests/check`: a piece of a page with what stands against the form as it is now.
pub(super) async fn check(State(app): State<App>, visitor: Visitor, body: Bytes) -> Result<Response, Failure> {
    let by = visitor.by(Permission::RequestCertificate)?;
    let ask = form::request(&Fields::read(&body), Vec::new())?;
    let ask = CertCheck {
        csr: Some(ask.csr).filter(|csr| !csr.is_empty()),
        subject: ask.subject,
        sans: ask.sans,
        identity: ask.identity,
        profile: ask.profile,
        issuer: ask.issuer,
        days: ask.days,
    };
    let report = edge::check::check(app, by, ask).await?;
    Ok(page(&Checked { visitor: &visitor, report }))
}
