//! All SQL of the responder. Nobody else reads or writes these tables.

use ledger::{DbError, Tx};
use pki_config::status::{CertStatus, Reason, Revocation, StatusChange};
use pki_config::{Instant, IssuerId, KeyId, TenantId};

use crate::cache::SerialKey;

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

fn unreadable(table: &str) -> DbError {
    DbError::Damaged(format!("{table}: a row does not read back"))
}

/// Writes what a certificate is from now on.
pub(crate) fn put_status(tx: &Tx<'_>, change: &StatusChange) -> Result<(), DbError> {
    let (revoked_at, reason, invalidity) = match change.status {
        CertStatus::Good => (None, None, None),
        CertStatus::Revoked(r) => {
            (Some(r.at.unix_millis()), Some(r.reason.code()), r.invalidity.map(Instant::unix_millis))
        }
    };
    tx.execute(
        "INSERT INTO ocsp_status (issuer_id, serial, tenant_id, not_after, revoked_at, reason, invalidity) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer_id, serial) DO UPDATE SET \
         not_after = excluded.not_after, revoked_at = excluded.revoked_at, reason = excluded.reason, \
         invalidity = excluded.invalidity",
        &[
            &change.issuer.as_str(),
            &change.serial.as_bytes(),
            &change.tenant.as_str(),
            &change.not_after.unix_millis(),
            &revoked_at,
            &reason,
            &invalidity,
        ],
    )
    .map(drop)
}

/// The issuers with certificates in the table.
pub(crate) fn issuers(tx: &Tx<'_>) -> Result<Vec<IssuerId>, DbError> {
    let words =
        tx.query_all("SELECT DISTINCT issuer_id FROM ocsp_status LIMIT 100000", &[], |row| row.get::<_, String>(0))?;
    words.into_iter().map(|word| word.parse().map_err(|_| unreadable("ocsp_status"))).collect()
}

/// Every certificate of one issuer.
pub(crate) fn each_status(
    tx: &Tx<'_>,
    issuer: &IssuerId,
    mut each: impl FnMut(SerialKey, Instant, Option<Revocation>),
) -> Result<(), DbError> {
    tx.query_each(
        "SELECT serial, not_after, revoked_at, reason, invalidity FROM ocsp_status WHERE issuer_id = $1",
        &[&issuer.as_str()],
        |row| -> Result<(), DbError> {
            let time = |millis: i64| Instant::from_unix_millis(millis).map_err(|_| unreadable("ocsp_status"));
            let serial = row.get_ref(0).ok().and_then(|value| value.as_blob().ok()).and_then(SerialKey::from_magnitude);
            let not_after = time(row.get::<_, i64>(1)?)?;
            let revocation = match (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<u8>>(3)?) {
                (None, None) => None,
                (Some(at), Some(reason)) => Some(Revocation {
                    at: time(at)?,
                    reason: Reason::from_code(reason).ok_or_else(|| unreadable("ocsp_status"))?,
                    invalidity: row.get::<_, Option<i64>>(4)?.map(time).transpose()?,
                }),
                _ => return Err(unreadable("ocsp_status")),
            };
            each(serial.ok_or_else(|| unreadable("ocsp_status"))?, not_after, revocation);
            Ok(())
        },
    )
}

/// The responder in use for an issuer.
#[derive(Debug, Clone)]
pub(crate) struct ResponderRow {
    pub(crate) issuer: IssuerId,
    pub(crate) key: KeyId,
    pub(crate) certificate: Vec<u8>,
}

pub(crate) fn responders(tx: &Tx<'_>) -> Result<Vec<ResponderRow>, DbError> {
    let rows = tx.query_all("SELECT issuer_id, key_id, certificate FROM ocsp_responder LIMIT 100000", &[], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 16]>(1)?, row.get::<_, Vec<u8>>(2)?))
    })?;
    rows.into_iter()
        .map(|(issuer, key, certificate)| {
            let issuer = issuer.parse().map_err(|_| unreadable("ocsp_responder"))?;
            Ok(ResponderRow { issuer, key: KeyId::from_bytes(key), certificate })
        })
        .collect()
}

pub(crate) fn put_responder(tx: &Tx<'_>, tenant: &TenantId, row: &ResponderRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO ocsp_responder (issuer_id, tenant_id, key_id, certificate) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (issuer_id) DO UPDATE SET key_id = excluded.key_id, certificate = excluded.certificate",
        &[&row.issuer.as_str(), &tenant.as_str(), &row.key.as_bytes().as_slice(), &row.certificate],
    )
    .map(drop)
}

/// Whether what a source had before the responder was there has been taken over.
pub(crate) fn is_filled(tx: &Tx<'_>, source: &str) -> Result<bool, DbError> {
    let found = tx.query_opt("SELECT at FROM ocsp_filled WHERE source = $1", &[&source], |row| row.get::<_, i64>(0))?;
    Ok(found.is_some())
}

pub(crate) fn set_filled(tx: &Tx<'_>, source: &str, at: Instant) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO ocsp_filled (source, at) VALUES ($1, $2) ON CONFLICT (source) DO NOTHING",
        &[&source, &at.unix_millis()],
    )
    .map(drop)
}
