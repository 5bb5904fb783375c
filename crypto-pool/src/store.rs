//! All SQL on the pool's table of keys. Every row is covered by the audit log.

use ledger::db::{Row, Value};
use ledger::{Cover, Db, DbError, Seq, Table, Tx};
use pki_config::{Instant, KeyId, TenantId};

use crate::algorithm::KeyAlgorithm;
use crate::key::{KeyRecord, KeyState, Purpose};
use crate::public_key::PublicKey;

mod unit;

pub use unit::{POLICY_TABLE, UNIT_TABLE};
pub(crate) use unit::{put_policy, put_unit, unit, unit_of, units, unverified};

/// The table of keys. The wrapped private key is among the columns, so that a flip in it is found.
pub static KEY_TABLE: Table = Table {
    name: "pool_key",
    key: 2,
    columns: &[
        "tenant_id",
        "id",
        "purpose",
        "algorithm",
        "spki",
        "wrapped",
        "state",
        "created",
        "subject",
        "key_id",
        "not_before",
        "not_after",
    ],
    pending: None,
};

/// Most keys that are listed at once.
const LONGEST_LIST: i64 = 10_000;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, id, purpose, algorithm, spki, wrapped, state, created, subject, not_before, not_after \
             FROM pool_key ",
            $rest
        )
    };
}

/// A key as stored: its record, its public key ready to verify, its wrapped private key unless destroyed.
#[derive(Debug)]
pub(crate) struct StoredKey {
    pub(crate) record: KeyRecord,
    pub(crate) public: PublicKey,
    pub(crate) wrapped: Option<Vec<u8>>,
}

/// Brings the table up to date.
pub(crate) fn migrate(db: &Db) -> Result<(), DbError> {
    db.migrate(
        "crypto-pool",
        &[include_str!("../migrations/sqlite/0001_init.sql"), include_str!("../migrations/sqlite/0002_unit.sql")],
    )
}

/// Writes a whole row for the entry `seq`.
pub(crate) fn put(tx: &Tx<'_>, record: &KeyRecord, wrapped: Option<&[u8]>, seq: Seq) -> Result<Cover, DbError> {
    let blob = |bytes: Option<&[u8]>| bytes.map_or(Value::Null, |b| Value::Blob(b.to_vec()));
    let time = |at: Option<Instant>| at.map_or(Value::Null, |at| Value::Integer(at.unix_millis()));
    let values = [
        Value::Text(record.tenant.to_string()),
        Value::Text(record.id.to_string()),
        Value::Text(record.purpose.to_string()),
        Value::Text(record.algorithm.to_string()),
        Value::Blob(record.spki.clone()),
        blob(wrapped),
        Value::Text(record.state.to_string()),
        Value::Integer(record.created.unix_millis()),
        blob(record.subject.as_deref()),
        Value::Blob(record.key_id.to_vec()),
        time(record.not_before),
        time(record.not_after),
    ];
    tx.put(&KEY_TABLE, &values, seq)
}

/// One key, whosever it is: callers compare the tenant.
pub(crate) fn key(tx: &Tx<'_>, id: KeyId) -> Result<Option<StoredKey>, DbError> {
    tx.query_opt(select!("WHERE id = $1"), &[&id.to_string()], |row| Ok(RawKey::read(row)))?.map(parse).transpose()
}

/// Whether a key with this public half was ever recorded, whosever and in whatever state. Reads all keys: asked when
/// a key is given out in a device, which is seldom.
pub(crate) fn is_recorded(tx: &Tx<'_>, spki: &[u8]) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM pool_key WHERE spki = $1 LIMIT 1";
    Ok(tx.query_opt(sql, &[&spki], |row| row.get::<_, i64>(0))?.is_some())
}

/// The keys of one tenant, oldest first.
pub(crate) fn keys(tx: &Tx<'_>, tenant: &TenantId) -> Result<Vec<StoredKey>, DbError> {
    let sql = select!("WHERE tenant_id = $1 ORDER BY created, id LIMIT $2");
    let rows = tx.query_all(sql, &[&tenant.as_str(), &LONGEST_LIST], |row| Ok(RawKey::read(row)))?;
    rows.into_iter().map(parse).collect()
}

/// Some of the keys of one tenant whose private half is still there.
pub(crate) fn wrapped_keys(tx: &Tx<'_>, tenant: &TenantId, most: usize) -> Result<Vec<StoredKey>, DbError> {
    let sql = select!("WHERE tenant_id = $1 AND wrapped IS NOT NULL ORDER BY id LIMIT $2");
    let most = i64::try_from(most).unwrap_or(LONGEST_LIST);
    let rows = tx.query_all(sql, &[&tenant.as_str(), &most], |row| Ok(RawKey::read(row)))?;
    rows.into_iter().map(parse).collect()
}

/// The keys whose private half is there, by their identifiers, from after `after` on.
pub(crate) fn wrapped_after(tx: &Tx<'_>, after: &str, most: usize) -> Result<Vec<StoredKey>, DbError> {
    let sql = select!("WHERE wrapped IS NOT NULL AND id > $1 ORDER BY id LIMIT $2");
    let most = i64::try_from(most).unwrap_or(LONGEST_LIST);
    let rows = tx.query_all(sql, &[&after, &most], |row| Ok(RawKey::read(row)))?;
    rows.into_iter().map(parse).collect()
}

/// The first key in use for this purpose of this tenant.
pub(crate) fn active_for(tx: &Tx<'_>, tenant: &TenantId, purpose: Purpose) -> Result<Option<StoredKey>, DbError> {
    let sql = select!("WHERE tenant_id = $1 AND purpose = $2 AND state = 'active' ORDER BY created DESC, id LIMIT 1");
    tx.query_opt(sql, &[&tenant.as_str(), &purpose.as_str()], |row| Ok(RawKey::read(row)))?.map(parse).transpose()
}

/// The columns, before anything in them is believed. `None`: a column has a wrong type.
struct RawKey(Option<Columns>);

struct Columns {
    texts: [String; 4],
    spki: Vec<u8>,
    wrapped: Option<Vec<u8>>,
    state: String,
    created: i64,
    subject: Option<Vec<u8>>,
    period: [Option<i64>; 2],
}

impl RawKey {
    fn read(row: &Row<'_>) -> Self {
        let columns = || {
            Some(Columns {
                texts: [row.get(0).ok()?, row.get(1).ok()?, row.get(2).ok()?, row.get(3).ok()?],
                spki: row.get(4).ok()?,
                wrapped: row.get(5).ok()?,
                state: row.get(6).ok()?,
                created: row.get(7).ok()?,
                subject: row.get(8).ok()?,
                period: [row.get(9).ok()?, row.get(10).ok()?],
            })
        };
        Self(columns())
    }
}

fn parse(raw: RawKey) -> Result<StoredKey, DbError> {
    let key = || {
        let columns = raw.0?;
        let [tenant, id, purpose, algorithm] = &columns.texts;
        let time = |millis: Option<i64>| match millis {
            Some(millis) => Instant::from_unix_millis(millis).ok().map(Some),
            None => Some(None),
        };
        let public = PublicKey::from_spki(&columns.spki).ok()?;
        let algorithm: KeyAlgorithm = algorithm.parse().ok()?;
        let record = KeyRecord {
            id: id.parse().ok()?,
            tenant: tenant.parse().ok()?,
            purpose: Purpose::from_word(purpose)?,
            algorithm,
            spki: columns.spki,
            state: KeyState::from_word(&columns.state)?,
            created: Instant::from_unix_millis(columns.created).ok()?,
            subject: columns.subject,
            key_id: public.key_id(),
            not_before: time(columns.period[0])?,
            not_after: time(columns.period[1])?,
        };
        (public.algorithm() == algorithm).then_some(StoredKey { record, public, wrapped: columns.wrapped })
    };
    key().ok_or_else(|| DbError::Damaged("a row of pool_key cannot be read".to_owned()))
}
