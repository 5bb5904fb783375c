//! All SQL of this crate: officers and how they sign in, and the certificates the installation uses itself; letters
//! in `store/mail.rs`.
//!
//! All tables but sessions and letters are covered by the audit log, so rows are written through [`ledger::Tx::put`]
//! only.

pub mod login;
pub mod mail;
pub mod session;
pub mod setting;

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, IssuerId, KeyId, OfficerId, Role, Serial, TenantId};

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

static OFFICER: Table = Table {
    name: "web_officer",
    key: 2,
    columns: &[
        "tenant_id",
        "officer_id",
        "name",
        "role",
        "state",
        "credential",
        "credential_hash",
        "credential_issuer",
        "credential_serial",
        "link_hash",
        "link_until",
        "created_at",
        "changed_at",
    ],
    pending: None,
};

static OWN: Table = Table {
    name: "web_own",
    key: 2,
    columns: &["tenant_id", "purpose", "key_id", "issuer_id", "serial"],
    pending: None,
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[&OFFICER, &OWN, &login::LOGIN, &login::PASSKEY, &setting::SETTING];

/// Where an officer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfficerState {
    /// Has a one-time link and no credential yet.
    Invited,
    /// Can log in.
    Active,
    /// Can never log in again.
    Disabled,
}

impl OfficerState {
    const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Disabled];

    /// The word in the table and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// How an officer logs in. Only hashes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token.
    Token {
        /// See `auth::secret`.
        hash: [u8; 32],
    },
    /// A client certificate of ours.
    Certificate {
        /// SM3 of its DER.
        hash: [u8; 32],
        /// Who issued it.
        issuer: IssuerId,
        /// Its serial.
        serial: Serial,
    },
}

impl Credential {
    /// The word in the table and in the interface.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::Certificate { .. } => "certificate",
        }
    }
}

/// A one-time link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// See `auth::secret`.
    pub hash: [u8; 32],
    /// The last moment it works.
    pub until: Instant,
}

/// A person or program with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// Whose.
    pub tenant: TenantId,
    /// The only thing the log says of them.
    pub id: OfficerId,
    /// For people to read.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Where it stands.
    pub state: OfficerState,
    /// How it logs in.
    pub credential: Option<Credential>,
    /// Its one-time link, until used.
    pub link: Option<Link>,
    /// When added.
    pub created: Instant,
    /// When last changed.
    pub changed: Instant,
}

impl Officer {
    /// Writes the row for the entry `seq`.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let (kind, hash, issuer, serial) = match &self.credential {
            None => (Value::Null, Value::Null, Value::Null, Value::Null),
            Some(credential @ Credential::Token { hash }) => {
                (text(credential.as_str()), Value::Blob(hash.to_vec()), Value::Null, Value::Null)
            }
            Some(credential @ Credential::Certificate { hash, issuer, serial }) => (
                text(credential.as_str()),
                Value::Blob(hash.to_vec()),
                text(issuer.as_str()),
                Value::Blob(serial.as_bytes().to_vec()),
            ),
        };
        let (link, until) = self.link.map_or((Value::Null, Value::Null), |link| {
            (Value::Blob(link.hash.to_vec()), Value::Integer(link.until.unix_millis()))
        });
        let values = [
            text(self.tenant.as_str()),
            Value::Blob(self.id.as_bytes().to_vec()),
            text(&self.name),
            text(self.role.as_str()),
            text(self.state.as_str()),
            kind,
            hash,
            issuer,
            serial,
            link,
            until,
            Value::Integer(self.created.unix_millis()),
            Value::Integer(self.changed.unix_millis()),
        ];
        tx.put(&OFFICER, &values, seq)
    }
}

macro_rules! officers {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, officer_id, name, role, state, credential, credential_hash, credential_issuer, ",
            "credential_serial, link_hash, link_until, created_at, changed_at FROM web_officer ",
            $rest
        )
    };
}

/// One officer of a tenant.
///
/// # Errors
/// The engine's, or a row that does not read back.
pub fn officer(tx: &Tx<'_>, tenant: &TenantId, id: OfficerId) -> Result<Option<Officer>, DbError> {
    let (tenant, id) = (tenant.as_str(), id.as_bytes().to_vec());
    tx.query_opt(officers!("WHERE tenant_id = $1 AND officer_id = $2"), &[&tenant, &id], read_officer)?.transpose()
}

/// Who holds the credential with this hash. Before the login no tenant is known.
///
/// # Errors
/// As [`officer`].
pub fn officer_by_credential(tx: &Tx<'_>, hash: [u8; 32]) -> Result<Option<Officer>, DbError> {
    tx.query_opt(officers!("WHERE credential_hash = $1"), &[&hash.to_vec()], read_officer)?.transpose()
}

/// Whose one-time link has this hash.
///
/// # Errors
/// As [`officer`].
pub fn officer_by_link(tx: &Tx<'_>, hash: [u8; 32]) -> Result<Option<Officer>, DbError> {
    tx.query_opt(officers!("WHERE link_hash = $1"), &[&hash.to_vec()], read_officer)?.transpose()
}

/// The officers of a tenant, oldest first, at most 500.
///
/// # Errors
/// As [`officer`].
pub fn all_officers(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<Officer>, DbError> {
    tx.query_all(
        officers!("WHERE tenant_id = $1 ORDER BY created_at, officer_id LIMIT 500"),
        &[&tenant.as_str()],
        read_officer,
    )?
    .into_iter()
    .collect()
}

fn read_officer(row: &Row<'_>) -> RowResult<Result<Officer, DbError>> {
    let tenant: String = row.get(0)?;
    let id: Vec<u8> = row.get(1)?;
    let (name, role, state): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let kind: Option<String> = row.get(5)?;
    let hash: Option<Vec<u8>> = row.get(6)?;
    let issuer: Option<String> = row.get(7)?;
    let serial: Option<Vec<u8>> = row.get(8)?;
    let link_hash: Option<Vec<u8>> = row.get(9)?;
    let link_until: Option<i64> = row.get(10)?;
    let (created, changed): (i64, i64) = (row.get(11)?, row.get(12)?);
    let read = || -> Option<Officer> {
        let credential = match (kind.as_deref(), hash) {
            (None, None) => None,
            (Some("token"), Some(hash)) => Some(Credential::Token { hash: hash.try_into().ok()? }),
            (Some("certificate"), Some(hash)) => Some(Credential::Certificate {
                hash: hash.try_into().ok()?,
                issuer: issuer?.parse().ok()?,
                serial: Serial::from_der_content(&padded(serial?)).ok()?,
            }),
            _ => return None,
        };
        let link = match (link_hash, link_until) {
            (None, None) => None,
            (Some(hash), Some(until)) => {
                Some(Link { hash: hash.try_into().ok()?, until: Instant::from_unix_millis(until).ok()? })
            }
            _ => return None,
        };
        Some(Officer {
            tenant: tenant.parse().ok()?,
            id: OfficerId::from_bytes(id.try_into().ok()?),
            name,
            role: role.parse().ok()?,
            state: OfficerState::ALL.into_iter().find(|s| s.as_str() == state)?,
            credential,
            link,
            created: Instant::from_unix_millis(created).ok()?,
            changed: Instant::from_unix_millis(changed).ok()?,
        })
    };
    Ok(read().ok_or_else(|| DbError::Damaged("an officer does not read back".into())))
}

/// What a certificate of our own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPurpose {
    /// The https door.
    TlsServer,
    /// The key that signs the heads of the log.
    AuditSigner,
}

impl OwnPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TlsServer => "tls-server",
            Self::AuditSigner => "audit-signer",
        }
    }
}

/// A certificate the installation uses itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Its key in the pool.
    pub key: KeyId,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial.
    pub serial: Serial,
}

impl Own {
    /// Writes the row for the entry `seq`.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn put(&self, tx: &Tx<'_>, purpose: OwnPurpose, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(TenantId::house().as_str()),
            text(purpose.as_str()),
            Value::Blob(self.key.as_bytes().to_vec()),
            text(self.issuer.as_str()),
            Value::Blob(self.serial.as_bytes().to_vec()),
        ];
        tx.put(&OWN, &values, seq)
    }
}

/// The certificate in use for a purpose.
///
/// # Errors
/// The engine's, or a row that does not read back.
pub fn own(tx: &Tx<'_>, purpose: OwnPurpose) -> Result<Option<Own>, DbError> {
    let sql = "SELECT key_id, issuer_id, serial FROM web_own WHERE tenant_id = $1 AND purpose = $2";
    tx.query_opt(sql, &[&TenantId::house().as_str(), &purpose.as_str()], |row| {
        let (key, issuer, serial): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let read = || -> Option<Own> {
            Some(Own {
                key: KeyId::from_bytes(key.try_into().ok()?),
                issuer: issuer.parse().ok()?,
                serial: Serial::from_der_content(&padded(serial)).ok()?,
            })
        };
        Ok(read().ok_or_else(|| DbError::Damaged("a certificate of our own does not read back".into())))
    })?
    .transpose()
}

/// The magnitude as the content of a DER INTEGER, which is positive only with a clear top bit.
fn padded(mut serial: Vec<u8>) -> Vec<u8> {
    if serial.first().is_some_and(|b| *b >= 0x80) {
        serial.insert(0, 0);
    }
    serial
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}
