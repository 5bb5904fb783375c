//! What the administrator said of the installation, for people to read. Covered by the audit log.

use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::TenantId;

use super::text;

pub(super) static SETTING: Table =
    Table { name: "web_setting", key: 2, columns: &["tenant_id", "name", "value"], pending: None };

/// Writes the name of the organisation for the entry `seq`.
///
/// # Errors
/// As the engine reports.
pub fn put_organisation(tx: &Tx<'_>, tenant: &TenantId, value: &str, seq: Seq) -> Result<Cover, DbError> {
    tx.put(&SETTING, &[text(tenant.as_str()), text("organisation"), text(value)], seq)
}

/// The name of the organisation, if somebody gave one.
///
/// # Errors
/// As the engine reports.
pub fn organisation(tx: &Tx<'_>, tenant: &TenantId) -> Result<Option<String>, DbError> {
    let sql = "SELECT value FROM web_setting WHERE tenant_id = $1 AND name = 'organisation'";
    tx.query_opt(sql, &[&tenant.as_str()], |row| row.get(0))
}
