//! `cert/*`: requests, certificates and their status.

use ca::NewRequest;
use ca::store::{ListedStatus, Query, RequestRow};
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::Authorized;
use pki_config::status::{CertStatus, Reason, Revocation};
use pki_config::{ErrorCode, Identity, Instant, IssuerId, Serial};

use super::{csr_bytes, hex, issuer_id, pem, pem_chain};
use crate::api::{
    CertDetail, CertLine, CertPage, CertQuery, CertRef, CertRequest, Issued, Nothing, Reject, RequestInfo, RequestList,
    RequestRef, Revoke, StatusInfo,
};
use crate::app::App;
use crate::problem::Failure;

/// `cert/issue`.
pub async fn issue(app: App, by: Authorized, ask: CertRequest) -> Result<Issued, Failure> {
    let certificate = app.issuing().await?.issue(&by, new_request(ask)?).await?;
    issued(&app, &certificate).await
}

/// `cert/submit`.
pub async fn submit(app: App, by: Authorized, ask: CertRequest) -> Result<RequestInfo, Failure> {
    let id = app.ca().submit(&by, new_request(ask)?).await?;
    Ok(request_info(app.ca().request(by.actor().tenant(), id).await?))
}

/// `cert/approve`.
pub async fn approve(app: App, by: Authorized, ask: RequestRef) -> Result<Issued, Failure> {
    let certificate = app.issuing().await?.approve(&by, ask.request.parse()?).await?;
    issued(&app, &certificate).await
}

/// `cert/reject`.
pub async fn reject(app: App, by: Authorized, ask: Reject) -> Result<RequestInfo, Failure> {
    let id = ask.request.parse()?;
    app.ca().reject(&by, id, &ask.reason).await?;
    Ok(request_info(app.ca().request(by.actor().tenant(), id).await?))
}

/// `cert/requests`.
pub async fn requests(app: App, by: Authorized, _: Nothing) -> Result<RequestList, Failure> {
    let rows = app.ca().requests(by.actor().tenant(), 200).await?;
    Ok(RequestList { requests: rows.into_iter().map(request_info).collect(), next: None })
}

/// `cert/revoke`.
pub async fn revoke(app: App, by: Authorized, ask: Revoke) -> Result<StatusInfo, Failure> {
    let (serial, issuer) = (ask.serial.parse()?, issuer_id(ask.issuer.as_deref())?);
    let reason: Reason = ask.reason.parse()?;
    let invalidity: Option<Instant> = ask.invalidity.as_deref().map(str::parse).transpose()?;
    let certificate = app.ca().revoke(&by, &serial, issuer.as_ref(), reason, invalidity).await?;
    Ok(status_info(&certificate))
}

/// `cert/hold`.
pub async fn hold(app: App, by: Authorized, ask: CertRef) -> Result<StatusInfo, Failure> {
    let (serial, issuer) = named(&ask)?;
    Ok(status_info(&app.ca().hold(&by, &serial, issuer.as_ref()).await?))
}

/// `cert/release`.
pub async fn release(app: App, by: Authorized, ask: CertRef) -> Result<StatusInfo, Failure> {
    let (serial, issuer) = named(&ask)?;
    Ok(status_info(&app.ca().release(&by, &serial, issuer.as_ref()).await?))
}

/// `cert/list`.
pub async fn list(app: App, by: Authorized, ask: CertQuery) -> Result<CertPage, Failure> {
    let status = match ask.status.as_deref() {
        None => None,
        Some("good") => Some(ListedStatus::Good),
        Some("revoked") => Some(ListedStatus::Revoked),
        Some("hold") => Some(ListedStatus::Hold),
        Some("expired") => Some(ListedStatus::Expired),
        Some(_) => {
            return Err(Failure::saying(ErrorCode::BadRequest, "expected a status: good, revoked, hold or expired"));
        }
    };
    let limit = ask.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500"));
    }
    let issuer = issuer_id(ask.issuer.as_deref())?;
    let query = Query { issuer, profile: ask.profile, status, name: ask.name, after: ask.after, limit };
    let page = app.ca().list(by.actor().tenant(), query).await?;
    let now = app.clock().now();
    let certificates = page
        .certificates
        .into_iter()
        .map(|listed| CertLine {
            status: status_word(listed.status, listed.validity.not_after(), now).to_owned(),
            serial: listed.serial.to_string(),
            issuer: listed.issuer.to_string(),
            profile: listed.profile,
            subject: listed.subject,
            sans: listed.sans,
            not_before: listed.validity.not_before().to_string(),
            not_after: listed.validity.not_after().to_string(),
        })
        .collect();
    Ok(CertPage { certificates, next: page.next })
}

/// `cert/show`.
pub async fn show(app: App, by: Authorized, ask: CertRef) -> Result<CertDetail, Failure> {
    let (serial, issuer) = named(&ask)?;
    let certificate = app.ca().certificate(by.actor().tenant(), &serial, issuer.as_ref()).await?;
    let chain = app.ca().chain(&certificate.issuer)?;
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate.der);
    Ok(CertDetail {
        line: CertLine {
            serial: certificate.serial.to_string(),
            issuer: certificate.issuer.to_string(),
            profile: certificate.profile.clone(),
            subject: certificate.subject.clone(),
            sans: certificate.sans.clone(),
            not_before: certificate.validity.not_before().to_string(),
            not_after: certificate.validity.not_after().to_string(),
            status: status_word(certificate.status, certificate.validity.not_after(), app.clock().now()).to_owned(),
        },
        state: status_info(&certificate),
        certificate: pem("CERTIFICATE", &certificate.der),
        chain: pem_chain(&chain.issuers),
        request: certificate.request.to_string(),
        requester: certificate.requester.clone(),
        approver: certificate.approver.clone(),
        profile_digest: hex(&certificate.profile_digest),
        audit_seq: certificate.issue_seq,
        sha256: hex(sha256.as_ref()),
    })
}

fn new_request(ask: CertRequest) -> Result<NewRequest, Failure> {
    let csr = csr_bytes(ask.csr)?;
    let subject: Option<DistinguishedName> = ask.subject.as_deref().map(str::parse).transpose()?;
    let sans: SubjectAltName =
        if ask.sans.is_empty() { SubjectAltName::default() } else { ask.sans.join(",").parse()? };
    let identity: Identity = ask.identity.join(",").parse()?;
    let profile = ask.profile.unwrap_or_else(|| "tls-server".to_owned());
    let issuer = issuer_id(ask.issuer.as_deref())?;
    Ok(NewRequest { csr, subject, sans, identity, profile, issuer, days: ask.days })
}

async fn issued(app: &App, certificate: &ca::Certificate) -> Result<Issued, Failure> {
    let chain = app.ca().chain(&certificate.issuer)?;
    let receipt = app.receipt(certificate.issue_seq).await?;
    Ok(Issued {
        serial: certificate.serial.to_string(),
        issuer: certificate.issuer.to_string(),
        certificate: pem("CERTIFICATE", &certificate.der),
        chain: pem_chain(&chain.issuers),
        root: pem("CERTIFICATE", &chain.root),
        not_before: certificate.validity.not_before().to_string(),
        not_after: certificate.validity.not_after().to_string(),
        receipt,
    })
}

fn request_info(row: RequestRow) -> RequestInfo {
    let subject = DistinguishedName::from_der(&row.subject).map(|name| name.to_string()).unwrap_or_default();
    RequestInfo {
        request: row.id.to_string(),
        state: row.state.as_str().to_owned(),
        profile: row.profile,
        issuer: row.issuer.to_string(),
        subject,
        sans: row.sans.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        requester: row.requester,
        approver: row.approver,
        at: row.submitted_at.to_string(),
        reason: row.reason,
        serial: row.serial.map(|s| s.to_string()),
        kind: "new".to_owned(),
        branch: None,
        batch: None,
        needs_review: false,
        reviewer: None,
        needs_evidence: false,
        days: row.days,
        contact: None,
    }
}

fn named(ask: &CertRef) -> Result<(Serial, Option<IssuerId>), Failure> {
    Ok((ask.serial.parse()?, issuer_id(ask.issuer.as_deref())?))
}

fn status_info(certificate: &ca::Certificate) -> StatusInfo {
    let revocation = match certificate.status {
        CertStatus::Good => None,
        CertStatus::Revoked(revocation) => Some(revocation),
    };
    StatusInfo {
        serial: certificate.serial.to_string(),
        issuer: certificate.issuer.to_string(),
        status: revocation.map_or("good", revoked_word).to_owned(),
        at: revocation.map(|r| r.at.to_string()),
        reason: revocation.map(|r| r.reason.to_string()),
        invalidity: revocation.and_then(|r| r.invalidity).map(|at| at.to_string()),
    }
}

const fn revoked_word(revocation: Revocation) -> &'static str {
    match revocation.reason {
        Reason::CertificateHold => "hold",
        _ => "revoked",
    }
}

fn status_word(status: CertStatus, not_after: Instant, now: Instant) -> &'static str {
    match status {
        CertStatus::Revoked(revocation) => revoked_word(revocation),
        // The whole last second belongs to the validity.
        CertStatus::Good if now.whole_second() > not_after => "expired",
        CertStatus::Good => "good",
    }
}
