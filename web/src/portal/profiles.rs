//! Certificate profiles: what each takes, its versions and what differs between them, and changing one: proposed by one
//! officer, approved by another.

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use pki_config::{ErrorCode, Permission};
use serde::Deserialize;

use super::visitor::framed;
use super::{Visitor, escaped, page, words};
use crate::api::profile::{
    ProfileCompare, ProfileDetail, ProfileDiff, ProfileInfo, ProfileList, ProfilePropose, ProfileRef, ProfileReject,
    ProfileVersion,
};
use crate::api::{Nothing, Words};
use crate::app::App;
use crate::edge::profile;
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "profiles.html")]
struct ListPage<'a> {
    visitor: &'a Visitor,
    list: ProfileList,
    may_propose: bool,
}

framed!(ListPage);

impl ListPage<'_> {
    fn title(&self, words: &Words) -> String {
        self.visitor.say(&words.zh, &words.en).to_owned()
    }

    fn second(&self, at: &Option<String>) -> String {
        at.as_deref().map(words::second).unwrap_or_default()
    }

    /// Profiles people can ask for before those the suite uses itself.
    fn sorted(&self) -> Vec<&ProfileInfo> {
        let mut all: Vec<&ProfileInfo> = self.list.profiles.iter().collect();
        all.sort_by_key(|profile| profile.internal);
        all
    }
}

/// `GET /desk/profiles`.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadProfiles)?;
    let list = profile::list(app, by, Nothing {}).await?;
    Ok(page(&ListPage { list, may_propose: visitor.may(Permission::ProposeProfile), visitor: &visitor }))
}

/// What a form of this page sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    source: String,
    note: String,
    version: String,
    reason: String,
}

fn sent(form: Result<Form<Sent>, FormRejection>) -> Result<Sent, Failure> {
    form.map(|Form(sent)| sent).map_err(|why| Failure::saying(ErrorCode::BadRequest, why))
}

/// `POST /desk/profiles`: proposes a changed or new profile.
pub(super) async fn propose(
    State(app): State<App>,
    visitor: Visitor,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ProposeProfile)?;
    let Sent { source, note, .. } = sent(form)?;
    // Browsers end lines as forms do.
    let ask = ProfilePropose { source: source.replace("\r\n", "\n"), note };
    let made = profile::propose(app, by, ask).await?;
    Ok(to(&made, "proposed"))
}

/// `POST /desk/profiles/{profile}/approve`.
pub(super) async fn approve(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveProfile)?;
    let version = number(&sent(form)?.version)?;
    let made = profile::approve(app, by, ProfileRef { profile: name, version: Some(version) }).await?;
    Ok(to(&made, "profile-approved"))
}

/// `POST /desk/profiles/{profile}/reject`.
pub(super) async fn reject(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ApproveProfile)?;
    let sent = sent(form)?;
    let ask = ProfileReject { profile: name, version: number(&sent.version)?, reason: sent.reason };
    let made = profile::reject(app, by, ask).await?;
    Ok(to(&made, "profile-rejected"))
}

fn number(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_| Failure::saying(ErrorCode::BadRequest, "version is a number"))
}

fn to(version: &ProfileVersion, done: &str) -> Response {
    let path = format!("/desk/profiles/{}?version={}&done={done}", escaped(&version.profile), version.version);
    Redirect::to(&path).into_response()
}

/// Which version the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    version: String,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'a> {
    visitor: &'a Visitor,
    profile: ProfileDetail,
    /// The version shown.
    version: ProfileVersion,
    /// What is different from the version in force, if another one is shown.
    diff: Option<ProfileDiff>,
    may_propose: bool,
    may_decide: bool,
    /// Whether the visitor proposed what waits here: somebody else decides.
    is_own: bool,
}

framed!(ProfilePage);

impl ProfilePage<'_> {
    fn title(&self) -> &str {
        self.visitor.say(&self.profile.info.title.zh, &self.profile.info.title.en)
    }

    fn second(&self, at: &Option<String>) -> String {
        at.as_deref().map(words::second).unwrap_or_default()
    }

    fn state(&self, version: &ProfileVersion) -> (&str, &'static str) {
        match version.state.as_str() {
            _ if version.in_force => (self.say("现行", "in force"), "good"),
            "built-in" => (self.say("内置", "built in"), "off"),
            "proposed" => (self.say("待批准", "waits for approval"), "wait"),
            "approved" => (self.say("曾经现行", "was in force"), "off"),
            "rejected" => (self.say("已驳回", "rejected"), "bad"),
            _ => ("", "off"),
        }
    }

    fn is_waiting(&self) -> bool {
        self.version.state == "proposed"
    }

    fn presence(&self, word: &str) -> &str {
        match word {
            "required" => self.say("必填", "required"),
            "absent" => self.say("不允许", "none"),
            _ => self.say("可选", "optional"),
        }
    }

    /// The text to start a change from: the one shown, its version raised above all that are known.
    fn next_source(&self) -> String {
        let newest = self.profile.versions.iter().map(|version| version.version).max().unwrap_or(0);
        let raised = |line: &str| {
            let is_version = line.split('=').next().is_some_and(|key| key.trim() == "version");
            if is_version { format!("version = {}", newest + 1) } else { line.to_owned() }
        };
        // The version of the profile stands before the first table.
        let mut before_tables = true;
        let lines = self.profile.source.lines().map(|line| {
            before_tables &= !line.trim_start().starts_with('[');
            if before_tables { raised(line) } else { line.to_owned() }
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// `GET /desk/profiles/{profile}`.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ReadProfiles)?;
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let version = if asked.version.is_empty() { None } else { Some(number(&asked.version)?) };
    let ask = ProfileRef { profile: name.clone(), version };
    let profile = profile::show(app.clone(), by.clone(), ask).await?;
    let shown = profile.versions.iter().find(|found| found.version == profile.info.version).cloned();
    let version = shown.ok_or(ErrorCode::ProfileUnknown)?;
    let in_force = profile.versions.iter().find(|found| found.in_force).map(|found| found.version);
    let diff = match in_force {
        Some(from) if !version.in_force => {
            let ask = ProfileCompare { profile: name, from: Some(from), to: Some(version.version) };
            Some(profile::diff(app, by, ask).await?)
        }
        _ => None,
    };
    let own = visitor.officer().map(|officer| officer.actor.person().to_owned());
    Ok(page(&ProfilePage {
        is_own: version.proposer.is_some() && version.proposer == own,
        may_propose: visitor.may(Permission::ProposeProfile),
        may_decide: visitor.may(Permission::ApproveProfile),
        profile,
        version,
        diff,
        visitor: &visitor,
    }))
}
