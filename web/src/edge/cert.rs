//! `cert/*`: requests, certificates and their status.

use ca::store::{ListedStatus, Order, Query, Queue, QueueQuery, RequestRow};
use ca::{NewRequest, Submission};
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::Authorized;
use pki_config::status::{CertStatus, Reason, Revocation};
use pki_config::{ErrorCode, Identity, Instant, IssuerId, Serial};

use super::{csr_bytes, hex, issuer_id, pem, pem_chain};
use crate::api::request::RequestQuery;
use crate::api::{
    CertDetail, CertLine, CertPage, CertQuery, CertRef, CertRequest, Issued, Reject, RequestInfo, RequestList,
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
    let submission = submission(&app, ask)?;
    let id = app.ca().submit(&by, submission).await?;
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
pub async fn requests(app: App, by: Authorized, ask: RequestQuery) -> Result<RequestList, Failure> {
    let queue = ask.queue.as_deref().unwrap_or("waiting");
    let queue = Queue::from_word(queue).ok_or_else(|| {
        Failure::saying(ErrorCode::BadRequest, "expected a queue: waiting, review, approval, mine, invited or decided")
    })?;
    let limit = ask.limit.unwrap_or(200);
    if !(1..=500).contains(&limit) {
        return Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 500"));
    }
    let after = ask.after.as_deref().map(str::parse).transpose()?;
    if let Some(batch) = &ask.batch {
        let (_, rows) = app.ca().batch(by.actor(), batch.parse()?).await?;
        return Ok(RequestList { requests: rows.into_iter().map(request_info).collect(), next: None });
    }
    let branch = ask.branch.as_deref().map(str::parse).transpose()?;
    let query = QueueQuery { queue, branch, profile: ask.profile, after, limit };
    let (rows, next) = app.ca().queue(by.actor(), query).await?;
    Ok(RequestList {
        requests: rows.into_iter().map(request_info).collect(),
        next: next.map(|place| place.to_string()),
    })
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
    let time = |text: Option<String>| text.as_deref().map(str::parse::<Instant>).transpose();
    let order = match ask.sort.as_deref() {
        None | Some("newest") => Order::Newest,
        Some("expiry") => Order::Expiry,
        Some(_) => return Err(Failure::saying(ErrorCode::BadRequest, "expected an order: newest or expiry")),
    };
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (name, digits, organisation) = (filled(ask.name), filled(ask.digits), filled(ask.organisation));
    if [name.is_some(), digits.is_some(), organisation.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(Failure::saying(ErrorCode::BadRequest, "give one of name, digits and organisation"));
    }
    let query = Query {
        issuer,
        profile: ask.profile,
        status,
        name,
        digits: digits.as_deref().map(str::parse).transpose()?,
        organisation,
        begins_from: time(ask.begins_from)?,
        begins_before: time(ask.begins_before)?,
        expires_from: time(ask.expires_from)?,
        expires_before: time(ask.expires_before)?,
        order,
        after: ask.after,
        limit,
    };
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
        half: certificate.pair.as_ref().map(|pair| pair.half.as_str().to_owned()),
        twin: certificate.pair.as_ref().map(|pair| pair.twin.to_string()),
    })
}

fn submission(app: &App, mut ask: CertRequest) -> Result<Submission, Failure> {
    let evidence = super::evidence::given(app, std::mem::take(&mut ask.evidence))?;
    let branch = ask.branch.as_deref().filter(|word| !word.is_empty()).map(str::parse).transpose()?;
    let contact = ask.contact.take();
    Ok(Submission { request: new_request(ask)?, evidence, branch, contact })
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

pub(super) async fn issued(app: &App, certificate: &ca::Certificate) -> Result<Issued, Failure> {
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

pub(super) fn request_info(row: RequestRow) -> RequestInfo {
    let subject = DistinguishedName::from_der(&row.subject).map(|name| name.to_string()).unwrap_or_default();
    RequestInfo {
        request: row.id.to_string(),
        state: row.state.as_str().to_owned(),
        profile: row.profile,
        issuer: row.issuer.map(|issuer| issuer.to_string()).unwrap_or_default(),
        subject,
        sans: words(&row.sans),
        identity: words(&row.identity),
        requester: row.requester,
        approver: row.approver,
        at: row.submitted_at.to_string(),
        reason: row.reason,
        serial: row.serial.map(|s| s.to_string()),
        kind: row.kind.as_str().to_owned(),
        branch: row.branch.map(|branch| branch.to_string()),
        batch: row.batch.map(|(batch, _)| batch.to_string()),
        needs_review: row.needs_review,
        reviewer: row.reviewer,
        needs_evidence: row.needs_evidence,
        days: row.days,
        contact: row.contact,
    }
}

pub(super) fn named(ask: &CertRef) -> Result<(Serial, Option<IssuerId>), Failure> {
    Ok((ask.serial.parse()?, issuer_id(ask.issuer.as_deref())?))
}

pub(super) fn status_info(certificate: &ca::Certificate) -> StatusInfo {
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

pub(super) fn status_word(status: CertStatus, not_after: Instant, now: Instant) -> &'static str {
    match status {
        CertStatus::Revoked(revocation) => revoked_word(revocation),
        // The whole last second belongs to the validity.
        CertStatus::Good if now.whole_second() > not_after => "expired",
        CertStatus::Good => "good",
    }
}

/// What the store keeps as one text with commas.
fn words(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
