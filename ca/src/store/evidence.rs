//! Evidence for the names of a request: covered rows, and files under their digest.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{EvidenceId, Instant, RequestId, TenantId};

use super::{optional, read_time, text, time, unreadable};
use crate::core::evidence::Method;

/// Evidence.
pub(super) static EVIDENCE: Table = Table {
    name: "ca_evidence",
    key: 1,
    columns: &[
        "evidence_id",
        "tenant_id",
        "request_id",
        "method",
        "note",
        "expires_at",
        "file_name",
        "file_size",
        "file_sm3",
        "officer",
        "added_at",
    ],
    pending: None,
};

/// A file of evidence, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// Its name.
    pub name: String,
    /// Unit: bytes.
    pub size: u64,
    /// SM3 of its content.
    pub sm3: [u8; 32],
}

/// A piece of evidence as stored.
#[derive(Debug, Clone)]
pub struct EvidenceRow {
    /// Identifier.
    pub id: EvidenceId,
    /// Whose.
    pub tenant: TenantId,
    /// For which request.
    pub request: RequestId,
    /// How it was checked.
    pub method: Method,
    /// What was seen.
    pub note: String,
    /// Until when it may be relied on.
    pub expires_at: Instant,
    /// Its file, if it has one.
    pub file: Option<FileRef>,
    /// Who added it.
    pub officer: String,
    /// When.
    pub added_at: Instant,
}

impl EvidenceRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let file = self.file.as_ref();
        let values = [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            Value::Blob(self.request.as_bytes().to_vec()),
            text(self.method.as_str()),
            text(&self.note),
            time(self.expires_at),
            optional(file, |f| text(&f.name)),
            optional(file, |f| Value::Integer(i64::try_from(f.size).unwrap_or(i64::MAX))),
            optional(file, |f| Value::Blob(f.sm3.to_vec())),
            text(&self.officer),
            time(self.added_at),
        ];
        tx.put(&EVIDENCE, &values, seq)
    }
}

fn read(row: &Row<'_>) -> RowResult<Option<EvidenceRow>> {
    let (tenant, method): (String, String) = (row.get(1)?, row.get(3)?);
    let (expires_at, added_at): (i64, i64) = (row.get(5)?, row.get(10)?);
    let (name, size, sm3): (Option<String>, Option<i64>, Option<[u8; 32]>) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let (Ok(tenant), Some(method), Some(expires_at), Some(added_at)) =
        (tenant.parse(), Method::from_word(&method), read_time(expires_at), read_time(added_at))
    else {
        return Ok(None);
    };
    Ok(Some(EvidenceRow {
        id: EvidenceId::from_bytes(row.get(0)?),
        tenant,
        request: RequestId::from_bytes(row.get(2)?),
        method,
        note: row.get(4)?,
        expires_at,
        file: name.zip(size).zip(sm3).map(|((name, size), sm3)| FileRef { name, size: size.cast_unsigned(), sm3 }),
        officer: row.get(9)?,
        added_at,
    }))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT evidence_id, tenant_id, request_id, method, note, expires_at, file_name, file_size, file_sm3, \
             officer, added_at FROM ca_evidence ",
            $rest
        )
    };
}

/// The evidence of a request, oldest first.
pub(crate) fn evidence_of(tx: &Tx<'_>, tenant: &TenantId, request: RequestId) -> Result<Vec<EvidenceRow>, DbError> {
    tx.query_all(
        select!("WHERE request_id = $1 AND tenant_id = $2 ORDER BY added_at, evidence_id LIMIT 1000"),
        &[&&request.as_bytes()[..], &tenant.as_str()],
        read,
    )?
    .into_iter()
    .map(|row| row.ok_or_else(|| unreadable("ca_evidence", "a row")))
    .collect()
}

/// One piece of evidence.
pub(crate) fn evidence(tx: &Tx<'_>, tenant: &TenantId, id: EvidenceId) -> Result<Option<EvidenceRow>, DbError> {
    let found = tx.query_opt(
        select!("WHERE evidence_id = $1 AND tenant_id = $2"),
        &[&&id.as_bytes()[..], &tenant.as_str()],
        read,
    )?;
    found.map(|row| row.ok_or_else(|| unreadable("ca_evidence", &id.to_string()))).transpose()
}

/// Keeps a file under its digest. One that is there already is the same.
pub(crate) fn keep_file(tx: &Tx<'_>, tenant: &TenantId, sm3: &[u8; 32], content: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO ca_evidence_file (tenant_id, sm3, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[&tenant.as_str(), &&sm3[..], &content],
    )
    .map(drop)
}

/// The content of a file.
pub(crate) fn file(tx: &Tx<'_>, tenant: &TenantId, sm3: &[u8; 32]) -> Result<Option<Vec<u8>>, DbError> {
    tx.query_opt(
        "SELECT content FROM ca_evidence_file WHERE tenant_id = $1 AND sm3 = $2",
        &[&tenant.as_str(), &&sm3[..]],
        |row| row.get(0),
    )
}
