//! All SQL of the key centre. Nobody else reads or writes these tables. Here are the keys; `store/order.rs` has what was
//! asked for them.
//!
//! Functions take the open transaction, so that the caller decides what is durable together.

mod order;

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::name::DistinguishedName;
use pki_config::ports::{KeyOwner, MadeKey};
use pki_config::{CentreKeyId, Instant, IssuerId, KeyId, RequestId, Serial, TenantId};

use crate::core::order::Parties;

pub use order::{OrderQuery, OrderRow};
pub(crate) use order::{order, orders, orders_of};

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

static KEY: Table = Table {
    name: "centre_key",
    key: 1,
    columns: &[
        "key_id",
        "tenant_id",
        "request_id",
        "state",
        "archive_key",
        "spki",
        "archived",
        "envelope",
        "subject",
        "name",
        "issuer_id",
        "serial",
        "sign_serial",
        "requester",
        "approver",
        "made_at",
        "kept_seq",
        "delivered_at",
        "recoveries",
        "recovered_at",
    ],
    pending: Some("state = 'intended'"),
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[&KEY, &order::ORDER];

/// Where an encryption key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Its certificates are being made.
    Intended,
    /// Kept.
    Kept,
    /// Nothing came of its certificates; what was wrapped is erased.
    Void,
    /// Destroyed on an order; what was wrapped is erased.
    Destroyed,
}

impl KeyState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Intended, Self::Kept, Self::Void, Self::Destroyed];

    /// The word in the table and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Kept => "kept",
            Self::Void => "void",
            Self::Destroyed => "destroyed",
        }
    }

    /// From that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An encryption key as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Which.
    pub id: CentreKeyId,
    /// Whose.
    pub tenant: TenantId,
    /// The request of its pair of certificates.
    pub request: RequestId,
    /// Where it stands.
    pub state: KeyState,
    /// Under which key of the pool it is archived.
    pub archive_key: KeyId,
    /// DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    pub(crate) archived: Option<Vec<u8>>,
    pub(crate) envelope: Option<Vec<u8>>,
    /// Subject of its certificate, DER.
    pub subject: Vec<u8>,
    /// The same, RFC 4514.
    pub name: String,
    /// Who issued its certificate.
    pub issuer: IssuerId,
    /// The certificate's serial.
    pub serial: Serial,
    /// Serial of the signing certificate.
    pub sign_serial: Serial,
    /// Who asked for the certificates.
    pub requester: String,
    /// Who approved them.
    pub approver: Option<String>,
    /// When it was made.
    pub made_at: Instant,
    /// The log entry with which it was kept.
    pub kept_seq: Option<Seq>,
    /// When it was delivered first.
    pub delivered_at: Option<Instant>,
    /// How often it was recovered.
    pub recoveries: u32,
    /// When last.
    pub recovered_at: Option<Instant>,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRow({}, {})", self.id, self.state.as_str())
    }
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct KeyQuery {
    /// Only those that are kept, or only those destroyed.
    pub state: Option<KeyState>,
    /// Only those whose subject contains this.
    pub name: Option<String>,
    /// The place where the page before ended.
    pub after: Option<Seq>,
    /// At most this many.
    pub limit: u32,
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(crate) fn time(at: Instant) -> Value {
    Value::Integer(at.unix_millis())
}

pub(crate) fn optional<T>(value: Option<T>, to: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, to)
}

pub(crate) fn position(seq: Seq) -> Value {
    Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX))
}

/// A row that does not read back as what was written. The database was damaged or edited.
pub(crate) fn unreadable(table: &str) -> DbError {
    DbError::Damaged(format!("{table}: a row does not read back"))
}

pub(crate) fn read_time(millis: i64) -> Option<Instant> {
    Instant::from_unix_millis(millis).ok()
}

fn serial_of(magnitude: &[u8]) -> Option<Serial> {
    // A zero in front keeps it positive.
    Serial::from_der_content(&[&[0], magnitude].concat()).ok()
}

impl KeyRow {
    /// The row of a key whose certificates are about to be signed.
    pub(crate) fn intended(key: &MadeKey, owner: &KeyOwner, at: Instant) -> Self {
        Self {
            id: key.id,
            tenant: owner.tenant.clone(),
            request: owner.request,
            state: KeyState::Intended,
            archive_key: key.archive_key,
            spki: key.spki.clone(),
            archived: Some(key.archived.clone()),
            envelope: Some(key.envelope.clone()),
            name: DistinguishedName::from_der(&owner.subject).map(|name| name.to_string()).unwrap_or_default(),
            subject: owner.subject.clone(),
            issuer: owner.issuer.clone(),
            serial: owner.serial.clone(),
            sign_serial: owner.sign_serial.clone(),
            requester: owner.requester.clone(),
            approver: owner.approver.clone(),
            made_at: at,
            kept_seq: None,
            delivered_at: None,
            recoveries: 0,
            recovered_at: None,
        }
    }

    /// Who had a part in its certificates.
    #[must_use]
    pub fn parties(&self) -> Parties {
        Parties { tenant: self.tenant.clone(), requester: self.requester.clone(), approver: self.approver.clone() }
    }

    fn values(&self) -> [Value; 20] {
        [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            Value::Blob(self.request.as_bytes().to_vec()),
            text(self.state.as_str()),
            Value::Blob(self.archive_key.as_bytes().to_vec()),
            Value::Blob(self.spki.clone()),
            optional(self.archived.clone(), Value::Blob),
            optional(self.envelope.clone(), Value::Blob),
            Value::Blob(self.subject.clone()),
            text(&self.name),
            text(self.issuer.as_str()),
            Value::Blob(self.serial.as_bytes().to_vec()),
            Value::Blob(self.sign_serial.as_bytes().to_vec()),
            text(&self.requester),
            optional(self.approver.as_deref(), text),
            time(self.made_at),
            optional(self.kept_seq, position),
            optional(self.delivered_at, time),
            Value::Integer(i64::from(self.recoveries)),
            optional(self.recovered_at, time),
        ]
    }

    /// Writes the row as it now is, for the entry `seq`.
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        tx.put(&KEY, &self.values(), seq)
    }

    /// Stores an intent, which no entry covers yet. The table makes a key unique within its request.
    pub(crate) fn insert_intent(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let v = self.values();
        tx.execute(
            "INSERT INTO centre_key (key_id, tenant_id, request_id, state, archive_key, spki, archived, envelope, \
             subject, name, issuer_id, serial, sign_serial, requester, approver, made_at, kept_seq, delivered_at, \
             recoveries, recovered_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
            &[
                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &v[12], &v[13],
                &v[14], &v[15], &v[16], &v[17], &v[18], &v[19],
            ],
        )
        .map(drop)
    }
}

macro_rules! select_key {
    ($rest:literal) => {
        concat!(
            "SELECT key_id, tenant_id, request_id, state, archive_key, spki, archived, envelope, subject, name, \
             issuer_id, serial, sign_serial, requester, approver, made_at, kept_seq, delivered_at, recoveries, \
             recovered_at FROM centre_key ",
            $rest
        )
    };
}

fn read_key(row: &Row<'_>) -> RowResult<Option<KeyRow>> {
    let (tenant, state): (String, String) = (row.get(1)?, row.get(3)?);
    let (issuer, serial, sign_serial): (String, Vec<u8>, Vec<u8>) = (row.get(10)?, row.get(11)?, row.get(12)?);
    let made_at: i64 = row.get(15)?;
    let (delivered_at, recovered_at): (Option<i64>, Option<i64>) = (row.get(17)?, row.get(19)?);
    let kept_seq: Option<i64> = row.get(16)?;
    let (Ok(tenant), Some(state), Ok(issuer), Some(serial), Some(sign_serial), Some(made_at)) = (
        tenant.parse(),
        KeyState::from_word(&state),
        issuer.parse(),
        serial_of(&serial),
        serial_of(&sign_serial),
        read_time(made_at),
    ) else {
        return Ok(None);
    };
    Ok(Some(KeyRow {
        id: CentreKeyId::from_bytes(row.get(0)?),
        tenant,
        request: RequestId::from_bytes(row.get(2)?),
        state,
        archive_key: KeyId::from_bytes(row.get(4)?),
        spki: row.get(5)?,
        archived: row.get(6)?,
        envelope: row.get(7)?,
        subject: row.get(8)?,
        name: row.get(9)?,
        issuer,
        serial,
        sign_serial,
        requester: row.get(13)?,
        approver: row.get(14)?,
        made_at,
        kept_seq: kept_seq.and_then(|seq| Seq::try_from(seq).ok()),
        delivered_at: delivered_at.and_then(read_time),
        recoveries: row.get(18)?,
        recovered_at: recovered_at.and_then(read_time),
    }))
}

fn one(found: Option<Option<KeyRow>>) -> Result<Option<KeyRow>, DbError> {
    found.map(|row| row.ok_or_else(|| unreadable("centre_key"))).transpose()
}

/// One key of this tenant.
pub(crate) fn key(tx: &Tx<'_>, tenant: &TenantId, id: CentreKeyId) -> Result<Option<KeyRow>, DbError> {
    one(tx.query_opt(
        select_key!("WHERE key_id = $1 AND tenant_id = $2"),
        &[id.as_bytes(), &tenant.as_str()],
        read_key,
    )?)
}

/// A key that is stored, whoever's: for what the authority does inside its own transaction.
pub(crate) fn stored_key(tx: &Tx<'_>, id: CentreKeyId) -> Result<Option<KeyRow>, DbError> {
    one(tx.query_opt(select_key!("WHERE key_id = $1"), &[id.as_bytes()], read_key)?)
}

/// The key of a request, whoever's.
pub(crate) fn key_of_request(tx: &Tx<'_>, request: RequestId) -> Result<Option<KeyRow>, DbError> {
    one(tx.query_opt(select_key!("WHERE request_id = $1"), &[request.as_bytes()], read_key)?)
}

/// One page of this tenant's keys, newest first.
pub(crate) fn keys(tx: &Tx<'_>, tenant: &TenantId, query: &KeyQuery) -> Result<Vec<KeyRow>, DbError> {
    let (state, after) =
        (query.state.map(KeyState::as_str), query.after.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)));
    let rows = tx.query_all(
        select_key!(
            "WHERE tenant_id = $1 AND kept_seq IS NOT NULL AND ($2 IS NULL OR state = $2) \
             AND ($3 IS NULL OR instr(name, $3) > 0) AND ($4 IS NULL OR kept_seq < $4) ORDER BY kept_seq DESC LIMIT $5"
        ),
        &[&tenant.as_str(), &state, &query.name, &after, &query.limit],
        read_key,
    )?;
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("centre_key"))).collect()
}

/// Counts one more fetch of a delivery, and tells how many there were.
pub(crate) fn count_fetch(tx: &Tx<'_>, tenant: &TenantId, id: CentreKeyId) -> Result<u32, DbError> {
    tx.execute(
        "INSERT INTO centre_fetch (key_id, tenant_id, count) VALUES ($1, $2, 1) \
         ON CONFLICT (key_id) DO UPDATE SET count = count + 1",
        &[id.as_bytes(), &tenant.as_str()],
    )?;
    fetches(tx, tenant, id)
}

/// How often a delivery was fetched.
pub(crate) fn fetches(tx: &Tx<'_>, tenant: &TenantId, id: CentreKeyId) -> Result<u32, DbError> {
    let count = tx.query_opt(
        "SELECT count FROM centre_fetch WHERE key_id = $1 AND tenant_id = $2",
        &[id.as_bytes(), &tenant.as_str()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}
