//! Branches of the registration authority, their officers, and batches.

use ledger::db::Value;
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{BatchId, BranchId, Instant, TenantId};

use super::{Scope, read_time, text, time, unreadable};

/// Branches.
pub(super) static BRANCH: Table = Table {
    name: "ca_branch",
    key: 2,
    columns: &["tenant_id", "branch_id", "title", "open", "created_at"],
    pending: None,
};

/// Who works in which branch, now or before.
pub(super) static BRANCH_OFFICER: Table = Table {
    name: "ca_branch_officer",
    key: 3,
    columns: &["tenant_id", "officer", "branch_id", "active", "changed_at"],
    pending: None,
};

/// Batches.
pub(super) static BATCH: Table = Table {
    name: "ca_batch",
    key: 1,
    columns: &["batch_id", "tenant_id", "title", "officer", "submitted_at"],
    pending: None,
};

/// The most branches one tenant may have.
pub(crate) const MOST_BRANCHES: u32 = 1000;

/// A branch as stored.
#[derive(Debug, Clone)]
pub(crate) struct BranchRow {
    pub tenant: TenantId,
    pub id: BranchId,
    pub title: String,
    pub open: bool,
    pub created_at: Instant,
}

impl BranchRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.tenant.as_str()),
            text(self.id.as_str()),
            text(&self.title),
            Value::Integer(i64::from(self.open)),
            time(self.created_at),
        ];
        tx.put(&BRANCH, &values, seq)
    }
}

/// Every branch of a tenant, by word.
pub(crate) fn branches(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<BranchRow>, DbError> {
    tx.query_all(
        "SELECT branch_id, title, open, created_at FROM ca_branch WHERE tenant_id = $1 ORDER BY branch_id LIMIT $2",
        &[&tenant.as_str(), &MOST_BRANCHES],
        |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?)),
    )?
    .into_iter()
    .map(|(id, title, open, created_at)| {
        let bad = || unreadable("ca_branch", &id);
        Ok(BranchRow {
            tenant: tenant.clone(),
            title,
            open,
            created_at: read_time(created_at).ok_or_else(bad)?,
            id: id.parse().map_err(|_| bad())?,
        })
    })
    .collect()
}

/// Says whether an officer works in a branch from now on.
pub(crate) fn put_member(
    tx: &Tx<'_>,
    tenant: &TenantId,
    officer: &str,
    branch: &BranchId,
    active: bool,
    now: Instant,
    seq: Seq,
) -> Result<Cover, DbError> {
    let values =
        [text(tenant.as_str()), text(officer), text(branch.as_str()), Value::Integer(i64::from(active)), time(now)];
    tx.put(&BRANCH_OFFICER, &values, seq)
}

/// Who works where now, by branch and officer.
pub(crate) fn members(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<(String, String)>, DbError> {
    tx.query_all(
        "SELECT branch_id, officer FROM ca_branch_officer WHERE tenant_id = $1 AND active = 1 \
         ORDER BY branch_id, officer LIMIT 100000",
        &[&tenant.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Which branches' requests an officer sees: those it works in, or all if it works in none.
pub(crate) fn scope(tx: &Tx<'_>, tenant: &TenantId, officer: &str) -> Result<Scope, DbError> {
    let words = tx.query_all(
        "SELECT branch_id FROM ca_branch_officer WHERE tenant_id = $1 AND officer = $2 AND active = 1 \
         ORDER BY branch_id LIMIT 1000",
        &[&tenant.as_str(), &officer],
        |row| row.get::<_, String>(0),
    )?;
    if words.is_empty() {
        return Ok(Scope::All);
    }
    let branches = words.iter().map(|word| word.parse().map_err(|_| unreadable("ca_branch_officer", word)));
    Ok(Scope::Branches(branches.collect::<Result<_, _>>()?))
}

/// A batch as stored.
#[derive(Debug, Clone)]
pub struct BatchRow {
    /// Identifier.
    pub id: BatchId,
    /// Whose.
    pub tenant: TenantId,
    /// What it is called.
    pub title: String,
    /// Who filed it.
    pub officer: String,
    /// When.
    pub submitted_at: Instant,
    /// Requests in it.
    pub requests: u32,
    /// Of them not decided.
    pub open: u32,
}

impl BatchRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            text(&self.title),
            text(&self.officer),
            time(self.submitted_at),
        ];
        tx.put(&BATCH, &values, seq)
    }
}

macro_rules! select_batch {
    ($rest:literal) => {
        concat!(
            "SELECT batch_id, title, officer, submitted_at, \
             (SELECT count(*) FROM ca_request r WHERE r.batch_id = b.batch_id), \
             (SELECT count(*) FROM ca_request r WHERE r.batch_id = b.batch_id \
             AND r.state IN ('invited', 'submitted', 'reviewed')) FROM ca_batch b ",
            $rest
        )
    };
}

fn read_batch(row: &ledger::db::Row<'_>, tenant: &TenantId) -> ledger::db::RowResult<Option<BatchRow>> {
    let at: i64 = row.get(3)?;
    let Some(submitted_at) = read_time(at) else { return Ok(None) };
    Ok(Some(BatchRow {
        id: BatchId::from_bytes(row.get(0)?),
        tenant: tenant.clone(),
        title: row.get(1)?,
        officer: row.get(2)?,
        submitted_at,
        requests: row.get(4)?,
        open: row.get(5)?,
    }))
}

/// The newest batches.
pub(crate) fn batches(tx: &Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<BatchRow>, DbError> {
    tx.query_all(
        select_batch!("WHERE tenant_id = $1 ORDER BY submitted_at DESC LIMIT $2"),
        &[&tenant.as_str(), &limit],
        |row| read_batch(row, tenant),
    )?
    .into_iter()
    .map(|row| row.ok_or_else(|| unreadable("ca_batch", "a row")))
    .collect()
}

/// One batch.
pub(crate) fn batch(tx: &Tx<'_>, tenant: &TenantId, id: BatchId) -> Result<Option<BatchRow>, DbError> {
    let found = tx.query_opt(
        select_batch!("WHERE batch_id = $1 AND tenant_id = $2"),
        &[&&id.as_bytes()[..], &tenant.as_str()],
        |row| read_batch(row, tenant),
    )?;
    found.map(|row| row.ok_or_else(|| unreadable("ca_batch", &id.to_string()))).transpose()
}
