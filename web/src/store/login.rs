//! How people sign in at the portal: passwords with their second factor, and passkeys. Both tables are covered by the
//! audit log.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, OfficerId, TenantId};

use super::text;
use crate::auth::password::{Cost, Stored};

pub(super) static LOGIN: Table = Table {
    name: "web_login",
    key: 2,
    columns: &["tenant_id", "officer_id", "login", "salt", "memory_kib", "passes", "verifier", "totp", "changed_at"],
    pending: None,
};

pub(super) static PASSKEY: Table = Table {
    name: "web_passkey",
    key: 2,
    columns: &["tenant_id", "credential_id", "officer_id", "name", "domain", "point", "state", "created_at"],
    pending: None,
};

/// A password and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Whose tenant.
    pub tenant: TenantId,
    /// Whose.
    pub officer: OfficerId,
    /// The name that is typed, in lower case.
    pub login: String,
    /// The password and the second factor.
    pub stored: Stored,
    /// Since when.
    pub changed: Instant,
}

impl Login {
    /// Writes the row for the entry `seq`.
    ///
    /// # Errors
    /// As the engine reports; a login that somebody else has among them.
    pub fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.tenant.as_str()),
            Value::Blob(self.officer.as_bytes().to_vec()),
            text(&self.login),
            Value::Blob(self.stored.salt.to_vec()),
            Value::Integer(i64::from(self.stored.cost.memory_kib)),
            Value::Integer(i64::from(self.stored.cost.passes)),
            Value::Blob(self.stored.verifier.to_vec()),
            Value::Blob(self.stored.totp.clone()),
            Value::Integer(self.changed.unix_millis()),
        ];
        tx.put(&LOGIN, &values, seq)
    }
}

macro_rules! logins {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, officer_id, login, salt, memory_kib, passes, verifier, totp, changed_at FROM web_login ",
            $rest
        )
    };
}

/// Who signs in under this name. Before the sign-in no tenant is known.
///
/// # Errors
/// The engine's, or a row that does not read back.
pub fn login_by_name(tx: &Tx<'_>, login: &str) -> Result<Option<Login>, DbError> {
    tx.query_opt(logins!("WHERE login = $1"), &[&login], read_login)?.transpose()
}

/// The password of an officer.
///
/// # Errors
/// As [`login_by_name`].
pub fn login_of(tx: &Tx<'_>, tenant: &TenantId, officer: OfficerId) -> Result<Option<Login>, DbError> {
    let (tenant, officer) = (tenant.as_str(), officer.as_bytes().to_vec());
    tx.query_opt(logins!("WHERE tenant_id = $1 AND officer_id = $2"), &[&tenant, &officer], read_login)?.transpose()
}

/// The officers of a tenant who have a password, at most 500.
///
/// # Errors
/// As [`login_by_name`].
pub fn all_logins(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<Login>, DbError> {
    tx.query_all(logins!("WHERE tenant_id = $1 LIMIT 500"), &[&tenant.as_str()], read_login)?.into_iter().collect()
}

fn read_login(row: &Row<'_>) -> RowResult<Result<Login, DbError>> {
    let (tenant, officer, login): (String, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (salt, memory, passes): (Vec<u8>, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (verifier, totp, changed): (Vec<u8>, Vec<u8>, i64) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let read = || -> Option<Login> {
        let cost = Cost { memory_kib: u32::try_from(memory).ok()?, passes: u32::try_from(passes).ok()? };
        Some(Login {
            tenant: tenant.parse().ok()?,
            officer: OfficerId::from_bytes(officer.try_into().ok()?),
            login,
            stored: Stored { salt: salt.try_into().ok()?, cost, verifier: verifier.try_into().ok()?, totp },
            changed: Instant::from_unix_millis(changed).ok()?,
        })
    };
    Ok(read().ok_or_else(|| DbError::Damaged("a password's row does not read back".into())))
}

/// A passkey and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Whose tenant.
    pub tenant: TenantId,
    /// The authenticator's name for it.
    pub credential: Vec<u8>,
    /// Whose.
    pub officer: OfficerId,
    /// For its owner to tell it from others.
    pub name: String,
    /// The domain it works on.
    pub domain: String,
    /// Its public key: SEC 1, uncompressed, P-256.
    pub point: Vec<u8>,
    /// Whether it may still be used.
    pub active: bool,
    /// Since when.
    pub created: Instant,
}

impl Passkey {
    /// Writes the row for the entry `seq`.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.tenant.as_str()),
            Value::Blob(self.credential.clone()),
            Value::Blob(self.officer.as_bytes().to_vec()),
            text(&self.name),
            text(&self.domain),
            Value::Blob(self.point.clone()),
            text(if self.active { "active" } else { "removed" }),
            Value::Integer(self.created.unix_millis()),
        ];
        tx.put(&PASSKEY, &values, seq)
    }
}

macro_rules! passkeys {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, credential_id, officer_id, name, domain, point, state, created_at FROM web_passkey ",
            $rest
        )
    };
}

/// The passkey of this name. Before the sign-in no tenant is known.
///
/// # Errors
/// As [`login_by_name`].
pub fn passkey(tx: &Tx<'_>, credential: &[u8]) -> Result<Option<Passkey>, DbError> {
    tx.query_opt(passkeys!("WHERE credential_id = $1"), &[&credential.to_vec()], read_passkey)?.transpose()
}

/// The passkeys of an officer that may be used, oldest first, at most 20.
///
/// # Errors
/// As [`login_by_name`].
pub fn passkeys_of(tx: &Tx<'_>, tenant: &TenantId, officer: OfficerId) -> Result<Vec<Passkey>, DbError> {
    let (tenant, officer) = (tenant.as_str(), officer.as_bytes().to_vec());
    tx.query_all(
        passkeys!("WHERE tenant_id = $1 AND officer_id = $2 AND state = 'active' ORDER BY created_at LIMIT 20"),
        &[&tenant, &officer],
        read_passkey,
    )?
    .into_iter()
    .collect()
}

/// The passkeys of a tenant that may be used, at most 1,000.
///
/// # Errors
/// As [`login_by_name`].
pub fn all_passkeys(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<Passkey>, DbError> {
    tx.query_all(passkeys!("WHERE tenant_id = $1 AND state = 'active' LIMIT 1000"), &[&tenant.as_str()], read_passkey)?
        .into_iter()
        .collect()
}

fn read_passkey(row: &Row<'_>) -> RowResult<Result<Passkey, DbError>> {
    let (tenant, credential, officer): (String, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (name, domain, point): (String, String, Vec<u8>) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (state, created): (String, i64) = (row.get(6)?, row.get(7)?);
    let read = || -> Option<Passkey> {
        Some(Passkey {
            tenant: tenant.parse().ok()?,
            credential,
            officer: OfficerId::from_bytes(officer.try_into().ok()?),
            name,
            domain,
            point,
            active: state == "active",
            created: Instant::from_unix_millis(created).ok()?,
        })
    };
    Ok(read().ok_or_else(|| DbError::Damaged("a passkey's row does not read back".into())))
}
