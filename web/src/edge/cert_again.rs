//! `cert/renew`, `cert/rekey`, `cert/reissue`: a certificate that follows another. Each files a request.

use ca::Follow;
use ca::core::evidence::Evidence;
use pki_config::name::SubjectAltName;
use pki_config::role::Authorized;

use super::cert::request_info;
use super::{csr_bytes, evidence, issuer_id};
use crate::api::RequestInfo;
use crate::api::request::{Reissue, Rekey, Renew};
use crate::app::App;
use crate::problem::Failure;

/// `cert/renew`.
pub async fn renew(app: App, by: Authorized, ask: Renew) -> Result<RequestInfo, Failure> {
    let evidence = evidence::given(&app, ask.evidence)?;
    follow(&app, &by, &ask.serial, ask.issuer.as_deref(), Follow::Renew, ask.days, evidence).await
}

/// `cert/rekey`.
pub async fn rekey(app: App, by: Authorized, ask: Rekey) -> Result<RequestInfo, Failure> {
    let evidence = evidence::given(&app, ask.evidence)?;
    let follow_by = Follow::Rekey(csr_bytes(ask.csr)?);
    follow(&app, &by, &ask.serial, ask.issuer.as_deref(), follow_by, ask.days, evidence).await
}

/// `cert/reissue`.
pub async fn reissue(app: App, by: Authorized, ask: Reissue) -> Result<RequestInfo, Failure> {
    let evidence = evidence::given(&app, ask.evidence)?;
    let sans: Option<SubjectAltName> = ask.sans.map(|sans| sans.join(",").parse()).transpose()?;
    let follow_by = Follow::Reissue {
        subject: ask.subject.as_deref().map(str::parse).transpose()?,
        sans,
        csr: ask.csr.filter(|csr| !csr.trim().is_empty()).map(csr_bytes).transpose()?,
    };
    follow(&app, &by, &ask.serial, ask.issuer.as_deref(), follow_by, ask.days, evidence).await
}

async fn follow(
    app: &App,
    by: &Authorized,
    serial: &str,
    issuer: Option<&str>,
    follow: Follow,
    days: Option<u32>,
    evidence: Vec<Evidence>,
) -> Result<RequestInfo, Failure> {
    let (serial, issuer) = (serial.parse()?, issuer_id(issuer)?);
    let id = app.ca().follow(by, &serial, issuer.as_ref(), follow, days, evidence).await?;
    Ok(request_info(app.ca().request(by.actor().tenant(), id).await?))
}
