//! Published CRLs, and the revocations that go into the next.

use ledger::db::{RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::status::{Reason, Revocation};
use pki_config::{Instant, IssuerId, Serial, TenantId};

use super::{position, read_time, serial_of, text, time, unreadable};

/// Published CRLs.
pub(super) static CRL: Table = Table {
    name: "ca_crl",
    key: 2,
    columns: &["issuer_id", "number", "tenant_id", "entries", "this_update", "next_update", "as_of", "sm3", "size"],
    pending: None,
};

/// A published CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlRecord {
    /// Whose.
    pub issuer: IssuerId,
    /// For which tenant the issuer works.
    pub tenant: TenantId,
    /// CRLNumber.
    pub number: u64,
    /// Entries.
    pub entries: u64,
    /// thisUpdate.
    pub this_update: Instant,
    /// nextUpdate.
    pub next_update: Instant,
    /// The newest status change it tells of, as a position in the log; -1 for none.
    pub as_of: i64,
    /// SM3 of the DER.
    pub sm3: [u8; 32],
    /// Bytes.
    pub size: u64,
}

impl CrlRecord {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.issuer.as_str()),
            position(self.number),
            text(self.tenant.as_str()),
            position(self.entries),
            time(self.this_update),
            time(self.next_update),
            Value::Integer(self.as_of),
            Value::Blob(self.sm3.to_vec()),
            position(self.size),
        ];
        tx.put(&CRL, &values, seq)
    }
}

/// The newest CRL of an issuer.
pub(crate) fn newest_crl(tx: &Tx<'_>, issuer: &IssuerId) -> Result<Option<CrlRecord>, DbError> {
    let row = tx.query_opt(
        "SELECT number, tenant_id, entries, this_update, next_update, as_of, sm3, size FROM ca_crl \
         WHERE issuer_id = $1 ORDER BY number DESC LIMIT 1",
        &[&issuer.as_str()],
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, [u8; 32]>(6)?,
                row.get::<_, i64>(7)?,
            ))
        },
    )?;
    row.map(|(number, tenant, entries, this_update, next_update, as_of, sm3, size)| {
        let bad = || unreadable("ca_crl", &format!("{issuer} {number}"));
        Ok(CrlRecord {
            issuer: issuer.clone(),
            tenant: tenant.parse().map_err(|_| bad())?,
            number: u64::try_from(number).map_err(|_| bad())?,
            entries: u64::try_from(entries).map_err(|_| bad())?,
            this_update: read_time(this_update).ok_or_else(bad)?,
            next_update: read_time(next_update).ok_or_else(bad)?,
            as_of,
            sm3,
            size: u64::try_from(size).map_err(|_| bad())?,
        })
    })
    .transpose()
}

/// The newest status change after issue, as a position in the log; -1 for none.
pub(crate) fn newest_change(tx: &Tx<'_>, issuer: &IssuerId) -> Result<i64, DbError> {
    let newest = tx.query_opt(
        "SELECT max(audit_seq) FROM ca_certificate WHERE issuer_id = $1 AND audit_seq > issue_seq",
        &[&issuer.as_str()],
        |row| row.get::<_, Option<i64>>(0),
    )?;
    Ok(newest.flatten().unwrap_or(-1))
}

/// One revoked certificate, as a CRL tells of it.
#[derive(Debug, Clone)]
pub(crate) struct RevokedRow {
    pub serial: Serial,
    pub revocation: Revocation,
}

/// How many revoked certificates [`revoked_each`] would visit at most, to size the CRL's buffer.
pub(crate) fn revoked_count(tx: &Tx<'_>, issuer: &IssuerId) -> Result<u64, DbError> {
    let count = tx.query_opt(
        "SELECT count(*) FROM ca_certificate WHERE issuer_id = $1 AND revoked_at IS NOT NULL",
        &[&issuer.as_str()],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(count.and_then(|c| u64::try_from(c).ok()).unwrap_or(0))
}

/// Visits the revoked certificates of an issuer whose validity had not ended at `alive_at`, by serial,
/// holding one row at a time.
pub(crate) fn revoked_each<E: From<DbError>>(
    tx: &Tx<'_>,
    issuer: &IssuerId,
    alive_at: Instant,
    mut each: impl FnMut(RevokedRow) -> Result<(), E>,
) -> Result<(), E> {
    tx.query_each(
        "SELECT serial, revoked_at, reason, invalidity FROM ca_certificate \
         WHERE issuer_id = $1 AND revoked_at IS NOT NULL AND not_after >= $2 ORDER BY serial",
        &[&issuer.as_str(), &alive_at.unix_millis()],
        |row| {
            let read = || -> RowResult<Option<RevokedRow>> {
                let serial = row.get_ref(0)?.as_blob().ok().and_then(serial_of);
                let (at, reason): (i64, u8) = (row.get(1)?, row.get(2)?);
                let invalidity: Option<i64> = row.get(3)?;
                Ok(serial.zip(read_time(at)).zip(Reason::from_code(reason)).map(|((serial, at), reason)| RevokedRow {
                    serial,
                    revocation: Revocation { at, reason, invalidity: invalidity.and_then(read_time) },
                }))
            };
            match read() {
                Ok(Some(revoked)) => each(revoked),
                Ok(None) => Err(unreadable("ca_certificate", "a revoked row").into()),
                Err(error) => Err(DbError::Failed(error.to_string()).into()),
            }
        },
    )
}
