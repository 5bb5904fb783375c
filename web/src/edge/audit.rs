//! `audit/*`: reading, proving and checking the log.

use ledger::audit::{Checkpoint, Entry, StoredEntry};
use pki_config::role::Authorized;
use pki_config::{ErrorCode, Serial};

use super::{base64, hex};
use crate::api::{
    AuditExport, AuditLine, AuditPage, AuditProof, AuditProofs, AuditReport, AuditVerify, CheckpointInfo, Nothing,
};
use crate::app::App;
use crate::problem::Failure;

/// `audit/verify`: everything, from the first entry.
pub async fn verify(app: App, _: Authorized, ask: AuditVerify) -> Result<AuditReport, Failure> {
    let expect = ask.expect.as_deref().map(checkpoint_from).transpose()?;
    let report = app.verify_log(expect).await?;
    let most = 1000;
    Ok(AuditReport {
        ok: report.findings.is_empty(),
        entries: report.entries,
        rows: report.rows,
        checkpoints: report.checkpoints,
        findings: report.findings.into_iter().take(most).collect(),
    })
}

/// `audit/proof`.
pub async fn proof(app: App, by: Authorized, ask: AuditProof) -> Result<AuditProofs, Failure> {
    let mut seqs = Vec::new();
    seqs.extend(ask.seq);
    if let Some(serial) = &ask.serial {
        let serial: Serial = serial.parse()?;
        let certificate = app.ca().certificate(by.actor().tenant(), &serial, None).await?;
        seqs.push(certificate.issue_seq);
        if certificate.audit_seq != certificate.issue_seq {
            seqs.push(certificate.audit_seq);
        }
    }
    if seqs.is_empty() && ask.since.is_none() {
        return Err(Failure::saying(ErrorCode::BadRequest, "name seq, serial or since"));
    }
    let mut receipts = Vec::new();
    for seq in seqs {
        receipts.push(app.receipt(seq).await?);
    }
    let consistency = match ask.since {
        None => None,
        Some(since) => {
            let head = app.checkpoint_now().await?;
            let proof = app.audit().consistency(since, head.body.size).await?;
            Some(proof.path.iter().map(|hash| base64(hash)).collect())
        }
    };
    Ok(AuditProofs { receipts, consistency })
}

/// `audit/export`.
pub async fn export(app: App, _: Authorized, ask: AuditExport) -> Result<AuditPage, Failure> {
    let limit = ask.limit.unwrap_or(500);
    if !(1..=1000).contains(&limit) {
        return Err(Failure::saying(ErrorCode::BadRequest, "limit is not between 1 and 1000"));
    }
    let entries = app.audit().entries(ask.from, limit).await?;
    let full = entries.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = if full { entries.last().map(|e| e.seq + 1) } else { None };
    Ok(AuditPage { entries: entries.into_iter().map(line).collect::<Result<_, _>>()?, next })
}

/// `audit/checkpoint`: over everything until now.
pub async fn checkpoint(app: App, _: Authorized, _: Nothing) -> Result<CheckpointInfo, Failure> {
    let checkpoint = app.checkpoint_now().await?;
    Ok(CheckpointInfo {
        size: checkpoint.body.size,
        root: hex(&checkpoint.body.root),
        time: checkpoint.body.time.to_string(),
        checkpoint: base64(&checkpoint.to_der()),
    })
}

fn checkpoint_from(text: &str) -> Result<Checkpoint, Failure> {
    use base64::Engine as _;
    let bad = || Failure::saying(ErrorCode::BadRequest, "expect is no checkpoint (base64 of DER)");
    let der = base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|_| bad())?;
    Checkpoint::from_der(&der).map_err(|_| bad())
}

fn line(stored: StoredEntry) -> Result<AuditLine, Failure> {
    let entry = Entry::from_der(&stored.leaf)
        .map_err(|e| Failure::inside(ErrorCode::AuditBroken, format!("entry {}: {e}", stored.seq)))?;
    Ok(AuditLine {
        seq: stored.seq,
        at: entry.time.to_string(),
        tenant: entry.tenant,
        person: entry.person,
        role: entry.role,
        channel: entry.channel,
        event: entry.event,
        object: entry.object,
        outcome: entry.outcome,
        leaf: base64(&stored.leaf),
        payload: stored.payload.as_deref().map(base64),
    })
}
