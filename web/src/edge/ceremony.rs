//! `ceremony/*` and `issuer/cross`: what two persons agree on about authorities.

use ca::core::ceremony::plan::Plan;
use ca::core::ceremony::request::Request;
use ca::core::ceremony::response::Response;
use ca::core::ceremony::{agreed, code};
use ca::store::{CeremonyKind, CeremonyRow, CeremonyState};
use pki_config::role::Authorized;
use pki_config::{CeremonyId, ErrorCode};

use super::{hex, pem};
use crate::api::Nothing;
use crate::api::ceremony::{
    CeremonyConfirm, CeremonyInfo, CeremonyList, CeremonyPropose, CeremonyRef, CeremonyReject, CeremonyRequest,
    CeremonyRequested, CrossInfo, CrossList,
};
use crate::app::App;
use crate::problem::Failure;

/// `ceremony/request`.
pub async fn request(app: App, by: Authorized, ask: CeremonyRequest) -> Result<CeremonyRequested, Failure> {
    let made = app.issuing().await?.request_ceremony(&by, app.installation(), &ask.plan).await?;
    let plan = Plan::read(&ask.plan).map_err(ca::Error::from)?;
    Ok(CeremonyRequested {
        code: code(&made.digest),
        agreed: code(&agreed(&plan.digest, Some(&made.digest))),
        issuers: made.issuers.iter().map(ToString::to_string).collect(),
        request: made.text,
    })
}

/// `ceremony/propose`.
pub async fn propose(app: App, by: Authorized, ask: CeremonyPropose) -> Result<CeremonyInfo, Failure> {
    let ca = app.issuing().await?;
    let row = ca.propose_ceremony(&by, app.installation(), &ask.source, ask.request.as_deref()).await?;
    Ok(info(row, true))
}

/// `ceremony/confirm`.
pub async fn confirm(app: App, by: Authorized, ask: CeremonyConfirm) -> Result<CeremonyInfo, Failure> {
    let id: CeremonyId = ask.ceremony.parse()?;
    let done = app.issuing().await?.confirm_ceremony(&by, app.installation(), id, &ask.code).await;
    // Also after one that ended early: what it did before stands.
    app.heed_authorities().await;
    Ok(info(done?, true))
}

/// `ceremony/reject`.
pub async fn reject(app: App, by: Authorized, ask: CeremonyReject) -> Result<CeremonyInfo, Failure> {
    if ask.reason.trim().is_empty() {
        return Err(Failure::saying(ErrorCode::BadRequest, "give a reason"));
    }
    Ok(info(app.ca().reject_ceremony(&by, ask.ceremony.parse()?, &ask.reason).await?, true))
}

/// `ceremony/show`.
pub async fn show(app: App, by: Authorized, ask: CeremonyRef) -> Result<CeremonyInfo, Failure> {
    Ok(info(app.ca().ceremony(by.actor().tenant(), ask.ceremony.parse()?).await?, true))
}

/// `ceremony/list`.
pub async fn list(app: App, by: Authorized, _: Nothing) -> Result<CeremonyList, Failure> {
    let rows = app.ca().ceremonies(by.actor().tenant()).await?;
    Ok(CeremonyList { ceremonies: rows.into_iter().map(|row| info(row, false)).collect() })
}

/// `issuer/cross`.
pub async fn cross(app: App, _: Authorized, _: Nothing) -> Result<CrossList, Failure> {
    let one = |row: ca::store::CrossRow| CrossInfo {
        direction: row.direction.as_str().to_owned(),
        issuer: row.issuer.to_string(),
        other: row.other,
        not_after: row.not_after.to_string(),
        sha256: hex(&row.sha256),
        certificate: pem("CERTIFICATE", &row.certificate),
    };
    Ok(CrossList { certificates: app.ca().cross_certificates().await?.into_iter().map(one).collect() })
}

fn words(row: &CeremonyRow) -> Vec<String> {
    match row.kind {
        CeremonyKind::Plan => {
            let mut words = Plan::read(&row.source).map(|plan| plan.words()).unwrap_or_default();
            if let Some(request) = row.request.as_deref().and_then(|text| Request::read(text).ok()) {
                words.push(format!(
                    "The request comes from installation {}, made {}; its code is {}.",
                    request.installation,
                    request.made,
                    code(&request.digest)
                ));
            }
            words
        }
        CeremonyKind::Import => {
            let Ok(answer) = Response::read(&row.source) else { return Vec::new() };
            let mut words =
                vec![format!("Take over what installation {} answered on {}.", answer.installation, answer.made)];
            words
                .extend(answer.roots.iter().map(|root| format!("Root {}, published below {}.", root.issuer, root.url)));
            words.extend(answer.certificates.iter().map(|(issuer, _)| format!("The certificate of issuer {issuer}.")));
            words.extend(answer.lists.iter().map(|(issuer, _)| format!("The revocation list of {issuer}.")));
            words
        }
    }
}

fn info(row: CeremonyRow, whole: bool) -> CeremonyInfo {
    CeremonyInfo {
        ceremony: row.id.to_string(),
        kind: row.kind.as_str().to_owned(),
        state: row.state.as_str().to_owned(),
        words: words(&row),
        code: code(&row.sm3),
        one_step: row.one_step && row.state == CeremonyState::Proposed,
        title: row.title,
        proposer: row.proposer,
        decider: row.decider,
        proposed_at: row.proposed_at.to_string(),
        decided_at: row.decided_at.map(|at| at.to_string()),
        reason: row.reason,
        response: row.response.filter(|_| whole),
        transcript: row.transcript.filter(|_| whole),
    }
}
