//! `request/*`: one request in full, its review, pick-up links, and how much waits.

use ca::store::{RequestRow, Scope};
use ca::{Invitation, Standing};
use crypto_pool::PublicKey;
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Identity, name::SubjectAltName};

use super::cert::request_info;
use super::{hex, issuer_id, pem};
use crate::api::request::{Invite, Invited, QueueCounts, RequestDetail};
use crate::api::{Nothing, RequestInfo, RequestRef};
use crate::app::App;
use crate::auth::{Secret, SecretKind};
use crate::problem::Failure;

/// How long a pick-up link works unless the officer says otherwise. Unit: days.
const LINK_DAYS: u32 = 14;

/// `request/queues`.
pub async fn queues(app: App, by: Authorized, _: Nothing) -> Result<QueueCounts, Failure> {
    let lengths = app.ca().queue_lengths(by.actor()).await?;
    let branches = match lengths.scope {
        Scope::All => Vec::new(),
        Scope::Branches(branches) => branches.iter().map(ToString::to_string).collect(),
    };
    Ok(QueueCounts {
        review: lengths.review,
        approval: lengths.approval,
        invited: lengths.invited,
        mine: lengths.mine,
        branches,
    })
}

/// `request/show`.
pub async fn show(app: App, by: Authorized, ask: RequestRef) -> Result<RequestDetail, Failure> {
    let row = app.ca().request_seen_by(by.actor(), ask.request.parse()?).await?;
    let evidence = app.ca().evidence_of(&row.tenant, row.id).await?;
    let enough = app.ca().evidence_is_enough(&row, &evidence);
    let now = app.clock().now();
    let standing = app.ca().standing(by.actor().person(), &row, enough);
    let may = |permission| authorize(by.actor(), permission, app.setup()).is_ok();
    let key = row.spki.as_deref().and_then(|spki| PublicKey::from_spki(spki).ok());
    Ok(RequestDetail {
        csr: row.csr.as_deref().map(csr_pem),
        key: key.map(|key| key.algorithm().to_string()),
        key_sm3: row.spki.as_deref().map(|spki| hex(&engine::sm3::hash(spki))),
        evidence: evidence.into_iter().map(|one| super::evidence::info(one, now)).collect(),
        evidence_enough: enough,
        reviewed_at: row.reviewed_at.map(|at| at.to_string()),
        decided_at: row.decided_at.map(|at| at.to_string()),
        pickup_until: row.pickup.map(|link| link.until.to_string()),
        replaces: row.replaces.as_ref().map(|(issuer, serial)| format!("{issuer}/{serial}")),
        may_review: standing == Standing::MayReview && may(Permission::ReviewRequest),
        may_approve: standing == Standing::MayApprove && may(Permission::ApproveRequest),
        obstacle: obstacle(standing).map(str::to_owned),
        info: request_info(row),
    })
}

/// `request/review`.
pub async fn review(app: App, by: Authorized, ask: RequestRef) -> Result<RequestInfo, Failure> {
    Ok(request_info(app.ca().review(&by, ask.request.parse()?).await?))
}

/// `request/invite`.
pub async fn invite(app: App, by: Authorized, ask: Invite) -> Result<Invited, Failure> {
    let secret = Secret::draw(SecretKind::Pickup, app.random())?;
    let identity: Identity = ask.identity.join(",").parse()?;
    let sans: SubjectAltName = ask.sans.join(",").parse()?;
    let invitation = Invitation {
        subject: ask.subject.parse()?,
        sans,
        identity,
        profile: ask.profile,
        issuer: issuer_id(ask.issuer.as_deref())?,
        days: ask.days,
        branch: ask.branch.as_deref().filter(|word| !word.is_empty()).map(str::parse).transpose()?,
        contact: ask.contact,
        evidence: super::evidence::given(&app, ask.evidence)?,
        link_days: ask.link_days.unwrap_or(LINK_DAYS),
        link: secret.hash(),
    };
    let row = app.ca().invite(&by, &invitation).await?;
    Ok(invited(&app, row, &secret))
}

/// `request/link`.
pub async fn link(app: App, by: Authorized, ask: RequestRef) -> Result<Invited, Failure> {
    let secret = Secret::draw(SecretKind::Pickup, app.random())?;
    let row = app.ca().new_link(&by, ask.request.parse()?, secret.hash()).await?;
    Ok(invited(&app, row, &secret))
}

fn invited(app: &App, row: RequestRow, secret: &Secret) -> Invited {
    let until = row.pickup.map(|link| link.until.to_string()).unwrap_or_default();
    Invited { request: request_info(row), link: app.pickup_url(secret), until }
}

/// Why nothing can be done now, in a word.
const fn obstacle(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::MayApprove => None,
        Standing::MayReview => Some("needs-review"),
        Standing::Own => Some("own"),
        Standing::ReviewedByYou => Some("reviewed-by-you"),
        Standing::NeedsEvidence => Some("needs-evidence"),
        Standing::WaitsForKey => Some("waits-for-key"),
        Standing::Decided => Some("decided"),
    }
}

/// The request as PEM, however it came in.
fn csr_pem(csr: &[u8]) -> String {
    if csr.first() == Some(&0x30) {
        return pem("CERTIFICATE REQUEST", csr);
    }
    String::from_utf8_lossy(csr).into_owned()
}
