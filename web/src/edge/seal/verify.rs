//! What documents bear, judged for anybody, and how a seal is.

use axum::body::Bytes;
use eseal::core::report::Report;
use pki_config::ErrorCode;

use super::life::id;
use super::{base64, decoded};
use crate::api::seal::{DocumentAsk, FileAnswer, SealRef, SealStatusInfo};
use crate::app::App;
use crate::edge::pem_chain;
use crate::problem::Failure;
use crate::router::Stranger;
use crate::serve::Peer;

/// Whether the address may ask: counted before anything of a document is read. The owner of the data directory always
/// may.
///
/// # Errors
/// `VERIFY_RATE`.
pub fn admitted(app: &App, peer: &Peer) -> Result<(), Failure> {
    match peer {
        Peer::Http { address } | Peer::Https { address, .. }
            if !app.verify_rate().admit(address.ip(), app.clock().steady()) =>
        {
            Err(ErrorCode::VerifyRate.into())
        }
        _ => Ok(()),
    }
}

/// `seal/verify`; the address was admitted.
pub async fn verify(app: App, _: Stranger, ask: DocumentAsk) -> Result<Report, Failure> {
    verify_bytes(&app, decoded(&ask.document, "document")?.into()).await
}

/// Judges a document, a seal or the value of a signature, for anybody who was [`admitted`].
///
/// # Errors
/// `DOCUMENT_REFUSED` for what cannot be read at all: what can be read and is wrong stands in the report.
pub async fn verify_bytes(app: &App, document: Bytes) -> Result<Report, Failure> {
    Ok(app.eseal()?.verify(document).await?)
}

/// `seal/report`: a PDF signed by the house; the address was admitted.
pub async fn report(app: App, _: Stranger, ask: DocumentAsk) -> Result<FileAnswer, Failure> {
    let document = decoded(&ask.document, "document")?;
    let pdf = report_bytes(&app, document.into(), ask.name).await?;
    Ok(FileAnswer { kind: "application/pdf".to_owned(), data: base64(&pdf) })
}

/// The report on a document, as a PDF that the house signed, for anybody who was [`admitted`].
///
/// # Errors
/// As [`verify_bytes`].
pub async fn report_bytes(app: &App, document: Bytes, name: Option<String>) -> Result<Vec<u8>, Failure> {
    let eseal = app.eseal()?;
    let digest = engine::sm3::hash(&document);
    let report = eseal.verify(document).await?;
    let name: String = name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    Ok(eseal.report_pdf(report, name, digest).await?)
}

/// `seal/status`.
pub async fn status(app: App, from: Stranger, ask: SealRef) -> Result<SealStatusInfo, Failure> {
    status_of(&app, &from.peer, &ask.seal).await
}

/// How a seal is, signed by its maker.
///
/// # Errors
/// `NOT_FOUND`, also for what is applied for only; `VERIFY_RATE`.
pub async fn status_of(app: &App, peer: &Peer, seal: &str) -> Result<SealStatusInfo, Failure> {
    let seal = id(seal)?;
    admitted(app, peer)?;
    let answer = app.eseal()?.status(seal).await?;
    let status = &answer.status;
    Ok(SealStatusInfo {
        seal: status.record.id.to_string(),
        name: status.record.name.clone(),
        owner: status.record.owner.clone(),
        status: status.word.as_str().to_owned(),
        since: status.since.to_string(),
        valid_from: status.from.to_string(),
        valid_until: status.record.valid_until.to_string(),
        at: status.at.to_string(),
        until: status.until.to_string(),
        signed: base64(&answer.der),
        chain: pem_chain(&answer.chain),
    })
}
