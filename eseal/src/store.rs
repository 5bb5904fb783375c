//! All SQL of electronic seals. Nobody else reads or writes these tables. Here are the seals; `store/used.rs` has
//! their uses, `store/maker.rs` who makes them.

pub(crate) mod maker;
pub(crate) mod used;

use ledger::db::{Row, RowResult};
use ledger::{Cover, DbError, Seq, Table, Tx, Value};
use pki_config::{Instant, KeyId, SealId, TenantId};

use crate::seal::{SealKind, SealRecord, SealState, Step};

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

static SEAL: Table = Table {
    name: "eseal_seal",
    key: 1,
    columns: &[
        "id",
        "tenant_id",
        "name",
        "owner",
        "kind",
        "state",
        "since",
        "reason",
        "width",
        "height",
        "picture",
        "valid_from",
        "valid_until",
        "holders",
        "by_digest",
        "users",
        "note",
        "applicant",
        "reviewer",
        "applied_at",
        "applied_seq",
        "version",
    ],
    pending: None,
};

static STEP: Table = Table {
    name: "eseal_step",
    key: 2,
    columns: &["seal_id", "number", "tenant_id", "state", "at", "person", "one_step", "reason"],
    pending: None,
};

static MADE: Table = Table {
    name: "eseal_made",
    key: 2,
    columns: &["seal_id", "version", "tenant_id", "seal", "sm2_key", "sm2_chain", "ec_key", "ec_chain"],
    pending: None,
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[&SEAL, &STEP, &MADE, &maker::MAKER, &used::USE];

pub(crate) fn blob(id: SealId) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

pub(crate) fn maybe<T>(value: Option<T>, kind: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, kind)
}

pub(crate) fn stored(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(crate) fn damaged(table: &str) -> DbError {
    DbError::Damaged(format!("{table}: a row does not read back"))
}

/// Writes a seal as it now is.
pub(crate) fn put_seal(tx: &Tx<'_>, seal: &SealRecord, seq: Seq) -> Result<Cover, DbError> {
    let values = [
        blob(seal.id),
        Value::Text(seal.tenant.to_string()),
        Value::Text(seal.name.clone()),
        Value::Text(seal.owner.clone()),
        Value::Text(seal.kind.as_str().to_owned()),
        Value::Text(seal.state.as_str().to_owned()),
        Value::Integer(seal.since.unix_millis()),
        maybe(seal.reason.clone(), Value::Text),
        Value::Real(seal.width),
        Value::Real(seal.height),
        Value::Blob(seal.picture.to_vec()),
        maybe(seal.valid_from, |at| Value::Integer(at.unix_millis())),
        Value::Integer(seal.valid_until.unix_millis()),
        Value::Blob(seal.holders.concat()),
        Value::Integer(seal.by_digest.into()),
        Value::Text(seal.users.join("\n")),
        maybe(seal.note.clone(), Value::Text),
        Value::Text(seal.applicant.clone()),
        maybe(seal.reviewer.clone(), Value::Text),
        Value::Integer(seal.applied_at.unix_millis()),
        Value::Integer(stored(seal.applied_seq)),
        Value::Integer(seal.version.into()),
    ];
    tx.put(&SEAL, &values, seq)
}

type Fields = (
    ([u8; 16], String, String, String, String, String, i64, Option<String>, f64, f64, Vec<u8>),
    (Option<i64>, i64, Vec<u8>, bool, String, Option<String>, String, Option<String>, i64, i64, u32),
);

fn fields(row: &Row<'_>) -> RowResult<Fields> {
    Ok((
        (
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
            row.get(8)?,
            row.get(9)?,
            row.get(10)?,
        ),
        (
            row.get(11)?,
            row.get(12)?,
            row.get(13)?,
            row.get(14)?,
            row.get(15)?,
            row.get(16)?,
            row.get(17)?,
            row.get(18)?,
            row.get(19)?,
            row.get(20)?,
            row.get(21)?,
        ),
    ))
}

fn record(fields: Fields) -> Option<SealRecord> {
    let ((id, tenant, name, owner, kind, state, since, reason, width, height, picture), rest) = fields;
    let (valid_from, valid_until, holders, by_digest, users, note, applicant, reviewer, applied_at, seq, version) =
        rest;
    let time = |millis| Instant::from_unix_millis(millis).ok();
    Some(SealRecord {
        id: SealId::from_bytes(id),
        tenant: tenant.parse().ok()?,
        name,
        owner,
        kind: SealKind::from_word(&kind)?,
        state: SealState::from_word(&state)?,
        since: time(since)?,
        reason,
        width,
        height,
        picture: picture.try_into().ok()?,
        valid_from: match valid_from {
            Some(from) => Some(time(from)?),
            None => None,
        },
        valid_until: time(valid_until)?,
        holders: chain(&holders)?,
        by_digest,
        users: users.lines().map(str::to_owned).collect(),
        note,
        applicant,
        reviewer,
        applied_at: time(applied_at)?,
        applied_seq: seq.unsigned_abs(),
        version,
    })
}

/// DER objects, one after the other.
pub(crate) fn chain(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut list, mut rest) = (Vec::new(), crypto_pool::tlv::Reader::new(bytes));
    while !rest.is_empty() {
        list.push(rest.expect(crypto_pool::tlv::SEQUENCE, "certificate").ok()?.whole.to_vec());
    }
    Some(list)
}

/// The seal of this tenant; the suite itself asks with `None` and sees those of all.
pub(crate) fn seal(tx: &Tx<'_>, id: SealId, tenant: Option<&TenantId>) -> Result<Option<SealRecord>, DbError> {
    let found = tx.query_opt(
        "SELECT id, tenant_id, name, owner, kind, state, since, reason, width, height, picture, valid_from, valid_until, \
         holders, by_digest, users, note, applicant, reviewer, applied_at, applied_seq, version FROM eseal_seal \
         WHERE id = $1",
        &[&&id.as_bytes()[..]],
        fields,
    )?;
    let found = found.map(|fields| record(fields).ok_or_else(|| damaged("eseal_seal"))).transpose()?;
    Ok(found.filter(|seal| tenant.is_none_or(|tenant| seal.tenant == *tenant)))
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct SealQuery {
    /// Only in this state.
    pub state: Option<SealState>,
    /// Only with this in the name.
    pub name: Option<String>,
    /// Only those applied for before this log entry: the `next` of the page before.
    pub after: Option<Seq>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// The seals of a tenant, newest first.
pub(crate) fn seals(tx: &Tx<'_>, tenant: &TenantId, query: &SealQuery) -> Result<Vec<SealRecord>, DbError> {
    let after = query.after.map_or(i64::MAX, stored);
    let state = query.state.map_or("", SealState::as_str);
    let name = query.name.clone().unwrap_or_default();
    let rows = tx.query_all(
        "SELECT id, tenant_id, name, owner, kind, state, since, reason, width, height, picture, valid_from, valid_until, \
         holders, by_digest, users, note, applicant, reviewer, applied_at, applied_seq, version FROM eseal_seal \
         WHERE tenant_id = $1 AND applied_seq < $2 AND ($3 = '' OR state = $3) AND ($4 = '' OR instr(name, $4) > 0) \
         ORDER BY applied_seq DESC LIMIT $5",
        &[&tenant.as_str(), &after, &state, &name, &query.limit],
        fields,
    )?;
    rows.into_iter().map(|fields| record(fields).ok_or_else(|| damaged("eseal_seal"))).collect()
}

/// Every seal in one of two states, of all tenants, that changed longest ago first; for the schedule.
pub(crate) fn in_state(tx: &Tx<'_>, state: SealState, other: SealState) -> Result<Vec<SealRecord>, DbError> {
    let rows = tx.query_all(
        "SELECT id, tenant_id, name, owner, kind, state, since, reason, width, height, picture, valid_from, valid_until, \
         holders, by_digest, users, note, applicant, reviewer, applied_at, applied_seq, version FROM eseal_seal \
         WHERE state IN ($1, $2) ORDER BY since LIMIT 100000",
        &[&state.as_str(), &other.as_str()],
        fields,
    )?;
    rows.into_iter().map(|fields| record(fields).ok_or_else(|| damaged("eseal_seal"))).collect()
}

/// Keeps the picture of a seal.
pub(crate) fn insert_picture(tx: &Tx<'_>, id: SealId, tenant: &TenantId, png: &[u8]) -> Result<(), DbError> {
    let sql = "INSERT INTO eseal_picture (seal_id, tenant_id, png) VALUES ($1, $2, $3)";
    tx.execute(sql, &[&&id.as_bytes()[..], &tenant.as_str(), &png]).map(drop)
}

/// The picture of a seal, until it is destroyed.
pub(crate) fn picture(tx: &Tx<'_>, id: SealId) -> Result<Option<Vec<u8>>, DbError> {
    tx.query_opt("SELECT png FROM eseal_picture WHERE seal_id = $1", &[&&id.as_bytes()[..]], |row| row.get(0))
}

/// Forgets the picture of a seal.
pub(crate) fn delete_picture(tx: &Tx<'_>, id: SealId) -> Result<(), DbError> {
    tx.execute("DELETE FROM eseal_picture WHERE seal_id = $1", &[&&id.as_bytes()[..]]).map(drop)
}

/// Writes down what happened to a seal.
pub(crate) fn put_step(tx: &Tx<'_>, seal: &SealRecord, step: &Step, seq: Seq) -> Result<Cover, DbError> {
    let id = seal.id.as_bytes();
    let last = tx.query_opt("SELECT max(number) FROM eseal_step WHERE seal_id = $1", &[&&id[..]], |row| {
        row.get::<_, Option<i64>>(0)
    })?;
    let values = [
        blob(seal.id),
        Value::Integer(last.flatten().map_or(0, |last| last + 1)),
        Value::Text(seal.tenant.to_string()),
        Value::Text(step.state.clone()),
        Value::Integer(step.at.unix_millis()),
        Value::Text(step.person.clone()),
        Value::Integer(step.one_step.into()),
        maybe(step.reason.clone(), Value::Text),
    ];
    tx.put(&STEP, &values, seq)
}

/// What happened to a seal, oldest first.
pub(crate) fn steps(tx: &Tx<'_>, id: SealId) -> Result<Vec<Step>, DbError> {
    let rows = tx.query_all(
        "SELECT state, at, person, one_step, reason, audit_seq FROM eseal_step WHERE seal_id = $1 ORDER BY number \
         LIMIT 10000",
        &[&&id.as_bytes()[..]],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, bool>(3)?,
                row.get::<_, Option<String>>(4)?,
                row.get::<_, i64>(5)?,
            ))
        },
    )?;
    rows.into_iter()
        .map(|(state, at, person, one_step, reason, seq)| {
            let at = Instant::from_unix_millis(at).map_err(|_| damaged("eseal_step"))?;
            Ok(Step { state, at, person, one_step, reason, seq: seq.unsigned_abs() })
        })
        .collect()
}

/// A key of ours that signs with a seal, and its certificate with its issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptKey {
    pub(crate) key: KeyId,
    /// The certificate first.
    pub(crate) chain: Vec<Vec<u8>>,
}

/// A seal as it was made.
#[derive(Debug, Clone)]
pub(crate) struct MadeRow {
    pub(crate) id: SealId,
    pub(crate) version: u32,
    pub(crate) tenant: TenantId,
    pub(crate) seal: Vec<u8>,
    pub(crate) sm2: Option<KeptKey>,
    pub(crate) ec: Option<KeptKey>,
}

pub(crate) fn put_made(tx: &Tx<'_>, made: &MadeRow, seq: Seq) -> Result<Cover, DbError> {
    let key = |kept: &Option<KeptKey>| maybe(kept.as_ref(), |kept| Value::Blob(kept.key.as_bytes().to_vec()));
    let chain = |kept: &Option<KeptKey>| maybe(kept.as_ref(), |kept| Value::Blob(kept.chain.concat()));
    let values = [
        blob(made.id),
        Value::Integer(made.version.into()),
        Value::Text(made.tenant.to_string()),
        Value::Blob(made.seal.clone()),
        key(&made.sm2),
        chain(&made.sm2),
        key(&made.ec),
        chain(&made.ec),
    ];
    tx.put(&MADE, &values, seq)
}

/// The seal as it was made that time.
pub(crate) fn made(tx: &Tx<'_>, id: SealId, version: u32) -> Result<Option<MadeRow>, DbError> {
    type Kept = (Option<[u8; 16]>, Option<Vec<u8>>);
    let found = tx.query_opt(
        "SELECT tenant_id, seal, sm2_key, sm2_chain, ec_key, ec_chain FROM eseal_made \
         WHERE seal_id = $1 AND version = $2",
        &[&&id.as_bytes()[..], &version],
        |row| {
            let (sm2, ec): (Kept, Kept) = ((row.get(2)?, row.get(3)?), (row.get(4)?, row.get(5)?));
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, sm2, ec))
        },
    )?;
    let Some((tenant, seal, sm2, ec)) = found else { return Ok(None) };
    let kept = |(key, certificates): Kept| match (key, certificates) {
        (Some(key), Some(certificates)) => {
            let chain = chain(&certificates).filter(|chain| !chain.is_empty()).ok_or_else(|| damaged("eseal_made"))?;
            Ok(Some(KeptKey { key: KeyId::from_bytes(key), chain }))
        }
        _ => Ok::<_, DbError>(None),
    };
    let tenant = tenant.parse().map_err(|_| damaged("eseal_made"))?;
    Ok(Some(MadeRow { id, version, tenant, seal, sm2: kept(sm2)?, ec: kept(ec)? }))
}
