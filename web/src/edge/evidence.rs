//! `evidence/*`: what shows that names belong to who asks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca::core::evidence::{Evidence, File, LARGEST_FILE};
use ca::store::EvidenceRow;
use pki_config::role::Authorized;
use pki_config::{ErrorCode, Instant};

use super::hex;
use crate::api::request::{EvidenceAdd, EvidenceFile, EvidenceGiven, EvidenceInfo, EvidenceRef};
use crate::app::App;
use crate::problem::Failure;

/// `evidence/add`.
pub async fn add(app: App, by: Authorized, ask: EvidenceAdd) -> Result<EvidenceInfo, Failure> {
    let evidence = one(&app, ask.evidence)?;
    let row = app.ca().add_evidence(&by, ask.request.parse()?, evidence).await?;
    Ok(info(row, app.clock().now()))
}

/// `evidence/file`.
pub async fn file(app: App, by: Authorized, ask: EvidenceRef) -> Result<EvidenceFile, Failure> {
    let (file, content) = app.ca().evidence_file(by.actor(), ask.evidence.parse()?).await?;
    Ok(EvidenceFile { name: file.name, content: STANDARD.encode(content) })
}

/// Checks what was given.
pub(super) fn given(app: &App, given: Vec<EvidenceGiven>) -> Result<Vec<Evidence>, Failure> {
    given.into_iter().map(|one_of_them| one(app, one_of_them)).collect()
}

fn one(app: &App, given: EvidenceGiven) -> Result<Evidence, Failure> {
    let expires: Option<Instant> =
        given.expires.as_deref().filter(|text| !text.is_empty()).map(str::parse).transpose()?;
    let file = given.file.map(decoded).transpose()?;
    let evidence = Evidence::new(&given.method, &given.note, expires, file, app.clock().now());
    evidence.map_err(|bad| ca::Error::from(bad).into())
}

fn decoded(file: EvidenceFile) -> Result<File, Failure> {
    if file.content.len() > LARGEST_FILE.div_ceil(3) * 4 + 4 {
        return Err(Failure::saying(ErrorCode::TooLarge, "a file of evidence has at most 5 MiB"));
    }
    let content = STANDARD.decode(file.content.trim());
    let content = content.map_err(|_| Failure::saying(ErrorCode::BadRequest, "the file is not base64"))?;
    Ok(File { name: file.name, content })
}

/// A piece of evidence as the interface shows it.
pub(super) fn info(row: EvidenceRow, now: Instant) -> EvidenceInfo {
    let (name, size, sm3) = match row.file {
        Some(file) => (Some(file.name), Some(file.size), Some(hex(&file.sm3))),
        None => (None, None, None),
    };
    EvidenceInfo {
        evidence: row.id.to_string(),
        method: row.method.as_str().to_owned(),
        note: row.note,
        expires: row.expires_at.to_string(),
        expired: row.expires_at <= now,
        file: name,
        size,
        sm3,
        by: row.officer,
        at: row.added_at.to_string(),
    }
}
