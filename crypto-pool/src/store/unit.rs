//! All SQL on the tables of exclusive units and of tenants' policies. Every row is covered by the audit log.

use ledger::db::{Row, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, TenantId, UnitId};

use crate::kms::UnitRecord;

/// The table of exclusive units, their wrapped key-encryption keys among the columns.
pub static UNIT_TABLE: Table = Table {
    name: "pool_unit",
    key: 2,
    columns: &["tenant_id", "id", "workers", "cores", "created", "kek"],
    pending: None,
};

/// The table of tenants' policies.
pub static POLICY_TABLE: Table =
    Table { name: "pool_policy", key: 1, columns: &["tenant_id", "verify_bulk"], pending: None };

/// Writes a whole row for the entry `seq`.
pub(crate) fn put_unit(tx: &Tx<'_>, unit: &UnitRecord, seq: Seq) -> Result<Cover, DbError> {
    let cores: Vec<String> = unit.cores.iter().map(ToString::to_string).collect();
    let values = [
        Value::Text(unit.tenant.to_string()),
        Value::Text(unit.id.to_string()),
        Value::Integer(i64::from(unit.workers)),
        Value::Text(cores.join(",")),
        Value::Integer(unit.created.unix_millis()),
        unit.wrapped_kek.clone().map_or(Value::Null, Value::Blob),
    ];
    tx.put(&UNIT_TABLE, &values, seq)
}

/// A unit, destroyed or not.
pub(crate) fn unit(tx: &Tx<'_>, id: UnitId) -> Result<Option<UnitRecord>, DbError> {
    let sql = "SELECT tenant_id, id, workers, cores, created, kek FROM pool_unit WHERE id = $1";
    tx.query_opt(sql, &[&id.to_string()], |row| Ok(read(row)))?.map(found).transpose()
}

/// The unit a tenant has now.
pub(crate) fn unit_of(tx: &Tx<'_>, tenant: &TenantId) -> Result<Option<UnitRecord>, DbError> {
    let sql = "SELECT tenant_id, id, workers, cores, created, kek FROM pool_unit
               WHERE tenant_id = $1 AND kek IS NOT NULL";
    tx.query_opt(sql, &[&tenant.as_str()], |row| Ok(read(row)))?.map(found).transpose()
}

/// All units that are not destroyed, oldest first.
pub(crate) fn units(tx: &Tx<'_>) -> Result<Vec<UnitRecord>, DbError> {
    let sql = "SELECT tenant_id, id, workers, cores, created, kek FROM pool_unit
               WHERE kek IS NOT NULL ORDER BY created, id";
    tx.query_all(sql, &[], |row| Ok(read(row)))?.into_iter().map(found).collect()
}

fn read(row: &Row<'_>) -> Option<UnitRecord> {
    let [tenant, id, cores]: [String; 3] = [row.get(0).ok()?, row.get(1).ok()?, row.get(3).ok()?];
    let cores = cores.split(',').filter(|core| !core.is_empty());
    Some(UnitRecord {
        id: id.parse().ok()?,
        tenant: tenant.parse().ok()?,
        workers: row.get(2).ok()?,
        cores: cores.map(|core| core.parse().ok()).collect::<Option<_>>()?,
        created: Instant::from_unix_millis(row.get(4).ok()?).ok()?,
        wrapped_kek: row.get(5).ok()?,
    })
}

fn found(row: Option<UnitRecord>) -> Result<UnitRecord, DbError> {
    row.ok_or_else(|| DbError::Damaged("a row of pool_unit cannot be read".to_owned()))
}

/// Writes whether a tenant's bulk signatures are verified before they leave.
pub(crate) fn put_policy(tx: &Tx<'_>, tenant: &TenantId, verify: bool, seq: Seq) -> Result<Cover, DbError> {
    tx.put(&POLICY_TABLE, &[Value::Text(tenant.to_string()), Value::Integer(i64::from(verify))], seq)
}

/// The tenants whose bulk signatures leave unverified.
pub(crate) fn unverified(tx: &Tx<'_>) -> Result<Vec<TenantId>, DbError> {
    let sql = "SELECT tenant_id FROM pool_policy WHERE verify_bulk = 0";
    let names: Vec<String> = tx.query_all(sql, &[], |row| row.get(0))?;
    let tenants = names.iter().map(|name| name.parse());
    tenants.collect::<Result<_, _>>().map_err(|_| DbError::Damaged("a row of pool_policy cannot be read".to_owned()))
}
