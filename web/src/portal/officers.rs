//! `/desk/officers`: who works here and how they sign in; inviting by link, disabling.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use pki_config::Role;
use pki_config::role::Permission;
use serde::Deserialize;

use super::visitor::{framed, role_words};
use super::{Visitor, page};
use crate::api::{CredentialAsk, Nothing, OfficerAdd, OfficerInfo, OfficerRef};
use crate::app::App;
use crate::edge::officer;
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "officers.html")]
struct OfficersPage<'a> {
    visitor: &'a Visitor,
    officers: Vec<OfficerInfo>,
    manage: bool,
    /// What a role is called and what it is for.
    roles: Vec<(&'static str, &'a str, &'a str)>,
}

framed!(OfficersPage);

impl OfficersPage<'_> {
    fn role(&self, word: &str) -> &'static str {
        word.parse().map_or("", |role: Role| role_words(role, self.visitor.language()))
    }

    fn signs_in(&self, officer: &OfficerInfo) -> String {
        let words = officer.credential.iter().chain(&officer.portal).map(|word| match word.as_str() {
            "certificate" => self.say("客户端证书", "client certificate"),
            "token" => self.say("令牌", "token"),
            "password" => self.say("密码与验证码", "password and code"),
            "passkey" => self.say("通行密钥", "passkey"),
            _ => "",
        });
        let words: Vec<&str> = words.collect();
        if words.is_empty() { "–".to_owned() } else { words.join(self.say("、", ", ")) }
    }

    fn is_me(&self, officer: &OfficerInfo) -> bool {
        self.visitor.officer().is_some_and(|known| known.id.to_string() == officer.officer)
    }
}

#[derive(Template)]
#[template(path = "officer_link.html")]
struct LinkPage<'a> {
    visitor: &'a Visitor,
    name: &'a str,
    link: &'a str,
    minutes: u64,
}

framed!(LinkPage);

#[derive(Template)]
#[template(path = "officer_disable.html")]
struct DisablePage<'a> {
    visitor: &'a Visitor,
    officer: &'a OfficerInfo,
}

framed!(DisablePage);

/// The form of an invitation.
#[derive(Deserialize)]
pub(super) struct Invitation {
    name: String,
    role: String,
}

/// `GET /desk/officers`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let officers = officer::list(app, visitor.by(Permission::ReadOfficers)?, Nothing {}).await?.officers;
    let language = visitor.language();
    let what = |role| match role {
        Role::Administrator => visitor.say("管理人员、签发机构与配置", "manages officers, issuers and settings"),
        Role::RaOfficer => visitor.say("受理、审批、吊销证书", "files, approves and revokes certificates"),
        Role::Operator => {
            visitor.say("保障运行与备份，不接触个人信息", "keeps the service running; sees no personal data")
        }
        Role::SecurityOfficer => visitor.say("看护密钥与时钟", "watches over keys and the clock"),
        Role::Auditor => visitor.say("查阅审计日志，不能改动", "reads the audit log; changes nothing"),
        Role::Sealer => visitor.say("在文档上加盖已启用的印章", "puts enabled seals on documents"),
        Role::KeyOfficer => {
            visitor.say("办理加密密钥的恢复，须两人", "recovers archived encryption keys, two together")
        }
        Role::System | Role::Anyone => "",
    };
    let roles = [
        Role::RaOfficer,
        Role::Sealer,
        Role::KeyOfficer,
        Role::Auditor,
        Role::Operator,
        Role::SecurityOfficer,
        Role::Administrator,
    ];
    let roles = roles.into_iter().map(|role| (role.as_str(), role_words(role, language), what(role))).collect();
    Ok(page(&OfficersPage { visitor: &visitor, officers, manage: visitor.may(Permission::ManageOfficers), roles }))
}

/// `POST /desk/officers`: the link is shown this once, so the answer is the page itself.
pub(super) async fn invite(
    State(app): State<App>,
    visitor: Visitor,
    Form(ask): Form<Invitation>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageOfficers)?;
    let add = OfficerAdd { name: ask.name.clone(), role: ask.role, credential: CredentialAsk::Link };
    let added = officer::add(app.clone(), by, add).await?;
    Ok(link_page(&app, &visitor, &ask.name, &added.link.unwrap_or_default()))
}

/// `POST /desk/officers/{officer}/link`: another link for somebody who was invited and has not come.
pub(super) async fn link(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let by = visitor.by(Permission::ManageOfficers)?;
    let name = named(&app, &visitor, &id).await?.name;
    let added = officer::link(app.clone(), by, OfficerRef { officer: id }).await?;
    Ok(link_page(&app, &visitor, &name, &added.link.unwrap_or_default()))
}

fn link_page(app: &App, visitor: &Visitor, name: &str, link: &str) -> Response {
    let minutes = app.config().web.link_lifetime.duration().as_secs() / 60;
    page(&LinkPage { visitor, name, link, minutes })
}

/// `GET /desk/officers/{officer}/disable`: says what it will do.
pub(super) async fn confirm(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let officer = named(&app, &visitor, &id).await?;
    Ok(page(&DisablePage { visitor: &visitor, officer: &officer }))
}

/// `POST /desk/officers/{officer}/disable`.
pub(super) async fn disable(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    officer::disable(app, visitor.by(Permission::ManageOfficers)?, OfficerRef { officer: id }).await?;
    Ok(Redirect::to("/desk/officers?done=disabled"))
}

async fn named(app: &App, visitor: &Visitor, id: &str) -> Result<OfficerInfo, Failure> {
    let all = officer::list(app.clone(), visitor.by(Permission::ReadOfficers)?, Nothing {}).await?.officers;
    all.into_iter().find(|o| o.officer == id).ok_or(pki_config::ErrorCode::NotFound.into())
}
