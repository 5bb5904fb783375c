//! `issuer/*`: issuers and their CRLs.

use ca::Issuer;
use ca::store::{CrlRecord, IssuerState};
use pki_config::IssuerId;
use pki_config::role::Authorized;

use super::pem;
use crate::api::{CrlInfo, IssuerInfo, IssuerList, IssuerRef, Nothing};
use crate::app::App;
use crate::problem::Failure;

/// `issuer/list`.
pub async fn list(app: App, _: Authorized, _: Nothing) -> Result<IssuerList, Failure> {
    let mut issuers = Vec::new();
    for issuer in app.ca().issuers() {
        issuers.push(info(&app, &issuer).await?);
    }
    Ok(IssuerList { issuers })
}

/// `issuer/show`.
pub async fn show(app: App, _: Authorized, ask: IssuerRef) -> Result<IssuerInfo, Failure> {
    let id: IssuerId = ask.issuer.parse()?;
    let issuer = app.ca().issuer(&id)?;
    info(&app, &issuer).await
}

/// `issuer/crl`: publishes one now.
pub async fn crl(app: App, by: Authorized, ask: IssuerRef) -> Result<CrlInfo, Failure> {
    let id: IssuerId = ask.issuer.parse()?;
    let issuer = app.ca().issuer(&id)?;
    let record = app.ca().publish_crl(&by, &id).await?;
    Ok(crl_info(&issuer, &record))
}

async fn info(app: &App, issuer: &Issuer) -> Result<IssuerInfo, Failure> {
    let newest = app.ca().newest(&issuer.id).await?;
    Ok(IssuerInfo {
        issuer: issuer.id.to_string(),
        parent: issuer.parent.as_ref().map(ToString::to_string),
        subject: issuer.subject.to_string(),
        algorithm: issuer.algorithm.to_string(),
        not_after: issuer.not_after.to_string(),
        public_url: issuer.public_url.to_string(),
        state: issuer.state.as_str().to_owned(),
        successor: match &issuer.state {
            IssuerState::Rolled { successor, .. } => Some(successor.to_string()),
            _ => None,
        },
        certificate: pem("CERTIFICATE", &issuer.certificate),
        crl: newest.map(|record| crl_info(issuer, &record)),
    })
}

fn crl_info(issuer: &Issuer, record: &CrlRecord) -> CrlInfo {
    CrlInfo {
        issuer: issuer.id.to_string(),
        number: record.number,
        entries: record.entries,
        this_update: record.this_update.to_string(),
        next_update: record.next_update.to_string(),
        url: issuer.crl_url().to_string(),
    }
}
