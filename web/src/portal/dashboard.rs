//! The first page after signing in: how the installation does, what is still to be set up, what waits, and the newest of
//! the log. Each visitor sees the parts that concern them.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pki_config::role::Role;
use pki_config::{Instant, Permission};

use super::system::{Growth, Named, named};
use super::visitor::framed;
use super::{Language, Visitor, page, words};
use crate::api::audit::{AuditEntry, AuditSearch};
use crate::api::request::QueueCounts;
use crate::api::{CertQuery, Nothing};
use crate::app::App;
use crate::edge::{cert, log, officer, request, system};
use crate::problem::Failure;

/// Entries of the log that are shown.
const NEWEST: u32 = 8;
/// Certificates that end within this are told of.
const SOON: Duration = Duration::from_secs(30 * 86_400);
/// How old the newest backup may be before it is asked for. Unit: seconds.
const BACKUP_AGE: u64 = 7 * 86_400;

/// Something that a new installation still lacks.
struct Step {
    done: bool,
    words: String,
    why: String,
    href: Option<&'static str>,
}

/// How the installation does.
struct Health {
    state: String,
    class: &'static str,
    /// Checks that fail; all is well when there are none.
    failing: Vec<Named>,
    all: usize,
    entries: u64,
    growth: Growth,
}

/// What waits for registration officers.
struct Work {
    queues: QueueCounts,
    /// Good certificates that end within thirty days, counted up to a hundred.
    expiring: usize,
    more_expire: bool,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage<'a> {
    visitor: &'a Visitor,
    work: Option<Work>,
    health: Option<Health>,
    steps: Vec<Step>,
    newest: Vec<AuditEntry>,
    may_request: bool,
    may_decide: bool,
    may_read: bool,
}

framed!(DashboardPage);

impl DashboardPage<'_> {
    fn language(&self) -> Language {
        self.visitor.language()
    }

    fn count(&self, count: &u64) -> String {
        words::count(*count)
    }

    /// Queues are counted up to a thousand.
    fn upto(&self, count: &u32) -> String {
        if *count >= 1000 { "1000+".to_owned() } else { count.to_string() }
    }

    fn event(&self, word: &str) -> String {
        words::event(word, self.language()).to_owned()
    }

    fn second(&self, at: &str) -> String {
        words::second(at)
    }

    fn outcome(&self, word: &str) -> String {
        words::outcome(word, self.language())
    }

    /// Whether anything of the setting-up is left.
    fn is_unfinished(&self) -> bool {
        self.steps.iter().any(|step| !step.done)
    }

    fn steps_done(&self) -> usize {
        self.steps.iter().filter(|step| step.done).count()
    }
}

/// `GET /desk`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let (health, steps) = match visitor.by(Permission::ReadSystem) {
        Ok(by) => {
            let status = system::status(app.clone(), by.clone(), Nothing {}).await?;
            let log = log::growth(app.clone(), by, Nothing {}).await?;
            let mut failing = named(&status.checks, visitor.language());
            let all = failing.len();
            failing.retain(|check| !check.ok);
            let backup = log.backup.as_ref().map(|backup| backup.at.as_str());
            let steps = steps(&app, &visitor, backup).await?;
            let health = Health {
                state: words::state(&status.state, visitor.language()).to_owned(),
                class: match status.state.as_str() {
                    "ok" => "good",
                    "degraded" => "wait",
                    _ => "bad",
                },
                failing,
                all,
                entries: log.entries,
                growth: Growth::of(&log.days),
            };
            (Some(health), steps)
        }
        Err(_) => (None, vec![]),
    };
    let newest = match visitor.by(Permission::ReadAudit) {
        Ok(by) => {
            let ask = AuditSearch { limit: Some(NEWEST), ..AuditSearch::default() };
            log::search(app.clone(), by, ask).await?.entries
        }
        Err(_) => vec![],
    };
    Ok(page(&DashboardPage {
        work: work(&app, &visitor).await?,
        health,
        steps,
        newest,
        may_request: visitor.may(Permission::RequestCertificate),
        may_decide: visitor.may(Permission::ApproveRequest),
        may_read: visitor.may(Permission::ReadCertificates),
        visitor: &visitor,
    }))
}

/// What waits, for whoever may read requests.
async fn work(app: &App, visitor: &Visitor) -> Result<Option<Work>, Failure> {
    let Ok(by) = visitor.by(Permission::ReadCertificates) else { return Ok(None) };
    let queues = request::queues(app.clone(), by.clone(), Nothing {}).await?;
    let now = app.clock().now();
    let ask = CertQuery {
        status: Some("good".to_owned()),
        expires_from: Some(now.to_string()),
        expires_before: Some(now.plus(SOON).to_string()),
        sort: Some("expiry".to_owned()),
        limit: Some(100),
        ..CertQuery::default()
    };
    let soon = cert::list(app.clone(), by, ask).await?;
    Ok(Some(Work { queues, expiring: soon.certificates.len(), more_expire: soon.next.is_some() }))
}

/// What a new installation needs before it can be relied on.
async fn steps(app: &App, visitor: &Visitor, backup: Option<&str>) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    if let Ok(by) = visitor.by(Permission::ReadOfficers) {
        let officers = officer::list(app.clone(), by, Nothing {}).await?.officers;
        let deciding =
            officers.iter().filter(|officer| officer.state == "active" && officer.role == Role::RaOfficer.as_str());
        let (zh, en) = (
            "至少两名注册机构操作员：一人提交，另一人审批。",
            "Two RA officers at least: one files a request, the other decides on it.",
        );
        steps.push(Step {
            done: deciding.count() >= 2,
            words: visitor.say("邀请操作员", "Invite officers").to_owned(),
            why: visitor.say(zh, en).to_owned(),
            href: visitor.may(Permission::ManageOfficers).then_some("/desk/officers"),
        });
    }
    let now = app.clock().now();
    let fresh = backup.and_then(|at| at.parse::<Instant>().ok()).is_some_and(|at| now.since(at).as_secs() < BACKUP_AGE);
    steps.push(Step {
        done: fresh,
        words: visitor.say("七天内有备份", "A backup not older than seven days").to_owned(),
        why: visitor
            .say("硬盘损坏时，没有备份就没有签发机构。", "Without one, a broken disk is the end of the authority.")
            .to_owned(),
        href: Some("/desk/system#backups"),
    });
    steps.push(Step {
        done: !app.config().audit.checkpoint_to.is_empty(),
        words: visitor.say("日志头异地留存", "Heads of the log kept elsewhere").to_owned(),
        why: visitor
            .say(
                "配置 audit.checkpoint_to，日志被整体回退时才能发现。",
                "Set audit.checkpoint_to, to notice a log that was taken back.",
            )
            .to_owned(),
        href: Some("/desk/system#log"),
    });
    let passed = app.doctor().seen().last.is_some_and(|(_, report)| report.ok);
    steps.push(Step {
        done: passed,
        words: visitor.say("通过自检", "The self-test passed").to_owned(),
        why: visitor
            .say(
                "签发、验证、吊销各走一遍，并核对公开地址。",
                "Issue, check and revoke once, and see that what is published can be fetched.",
            )
            .to_owned(),
        href: Some("/desk/system#doctor"),
    });
    Ok(steps)
}
