//! Sessions of the portal. They come and go with every sign-in, so the log covers the sign-in and not the row. What is
//! kept is the hash of the cookie.

use ledger::db::{Row, RowResult};
use ledger::{DbError, Tx};
use pki_config::{Instant, OfficerId, TenantId};

/// A sign-in that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// See `auth::secret`.
    pub hash: [u8; 32],
    /// Whose tenant.
    pub tenant: TenantId,
    /// Whose.
    pub officer: OfficerId,
    /// `password` or `passkey`.
    pub how: String,
    /// The step of the code that was typed: no code counts twice.
    pub step: Option<i64>,
    /// When it began.
    pub begun: Instant,
    /// When something was last asked in it, to the minute.
    pub seen: Instant,
    /// When it ends however busy it is.
    pub until: Instant,
}

/// Begins a session, and forgets those that ended before `forget`.
///
/// # Errors
/// As the engine reports.
pub fn begin(tx: &Tx<'_>, session: &Session, forget: Instant) -> Result<(), DbError> {
    tx.execute("DELETE FROM web_session WHERE until_at < $1", &[&forget.unix_millis()])?;
    tx.execute(
        "INSERT INTO web_session (session_hash, tenant_id, officer_id, how, step, begun_at, seen_at, until_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &session.hash.to_vec(),
            &session.tenant.as_str(),
            &session.officer.as_bytes().to_vec(),
            &session.how,
            &session.step,
            &session.begun.unix_millis(),
            &session.seen.unix_millis(),
            &session.until.unix_millis(),
        ],
    )?;
    Ok(())
}

/// The session of a cookie, unless it was ended.
///
/// # Errors
/// The engine's, or a row that does not read back.
pub fn find(tx: &Tx<'_>, hash: [u8; 32]) -> Result<Option<Session>, DbError> {
    let sql = "SELECT session_hash, tenant_id, officer_id, how, step, begun_at, seen_at, until_at FROM web_session \
               WHERE session_hash = $1 AND ended_at IS NULL";
    tx.query_opt(sql, &[&hash.to_vec()], read)?.transpose()
}

/// Whether a code of this step or a later one was used already.
///
/// # Errors
/// As the engine reports.
pub fn step_used(tx: &Tx<'_>, tenant: &TenantId, officer: OfficerId, step: i64) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM web_session WHERE tenant_id = $1 AND officer_id = $2 AND step >= $3 LIMIT 1";
    let params: [&dyn ledger::db::ToSql; 3] = [&tenant.as_str(), &officer.as_bytes().to_vec(), &step];
    Ok(tx.query_opt(sql, &params, |_| Ok(()))?.is_some())
}

/// Notes that the session is in use.
///
/// # Errors
/// As the engine reports.
pub fn seen(tx: &Tx<'_>, hash: [u8; 32], at: Instant) -> Result<(), DbError> {
    tx.execute("UPDATE web_session SET seen_at = $2 WHERE session_hash = $1", &[&hash.to_vec(), &at.unix_millis()])?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// As the engine reports.
pub fn end(tx: &Tx<'_>, hash: [u8; 32], at: Instant) -> Result<(), DbError> {
    let sql = "UPDATE web_session SET ended_at = $2 WHERE session_hash = $1 AND ended_at IS NULL";
    tx.execute(sql, &[&hash.to_vec(), &at.unix_millis()])?;
    Ok(())
}

/// Ends every session of an officer, but the one with the hash `but`.
///
/// # Errors
/// As the engine reports.
pub fn end_all(
    tx: &Tx<'_>,
    tenant: &TenantId,
    officer: OfficerId,
    at: Instant,
    but: Option<[u8; 32]>,
) -> Result<usize, DbError> {
    // No hash is empty, so that an empty one spares nothing.
    let but = but.map(|hash| hash.to_vec()).unwrap_or_default();
    let sql = "UPDATE web_session SET ended_at = $3 \
               WHERE tenant_id = $1 AND officer_id = $2 AND session_hash <> $4 AND ended_at IS NULL";
    tx.execute(sql, &[&tenant.as_str(), &officer.as_bytes().to_vec(), &at.unix_millis(), &but])
}

/// The sessions of an officer that were not ended, newest first, at most 50.
///
/// # Errors
/// As [`find`].
pub fn of(tx: &Tx<'_>, tenant: &TenantId, officer: OfficerId) -> Result<Vec<Session>, DbError> {
    let sql = "SELECT session_hash, tenant_id, officer_id, how, step, begun_at, seen_at, until_at FROM web_session \
               WHERE tenant_id = $1 AND officer_id = $2 AND ended_at IS NULL ORDER BY begun_at DESC LIMIT 50";
    tx.query_all(sql, &[&tenant.as_str(), &officer.as_bytes().to_vec()], read)?.into_iter().collect()
}

fn read(row: &Row<'_>) -> RowResult<Result<Session, DbError>> {
    let (hash, tenant, officer): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (how, step): (String, Option<i64>) = (row.get(3)?, row.get(4)?);
    let (begun, seen, until): (i64, i64, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let read = || -> Option<Session> {
        Some(Session {
            hash: hash.try_into().ok()?,
            tenant: tenant.parse().ok()?,
            officer: OfficerId::from_bytes(officer.try_into().ok()?),
            how,
            step,
            begun: Instant::from_unix_millis(begun).ok()?,
            seen: Instant::from_unix_millis(seen).ok()?,
            until: Instant::from_unix_millis(until).ok()?,
        })
    };
    Ok(read().ok_or_else(|| DbError::Damaged("a session's row does not read back".into())))
}
