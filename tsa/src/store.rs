//! All SQL of the time-stamping authority. Nobody else reads or writes these tables.
//!
//! The log answers for the units' table. The tables by which tokens are found repeat what the log says, and
//! whatever is found through them is read from there.

use ledger::{Cover, DbError, Seq, Table, Tx, Value};
use pki_config::{Instant, KeyId, TenantId};

use crate::core::moment::Moment;

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

static UNIT: Table = Table {
    name: "tsa_unit",
    key: 1,
    columns: &["key_id", "tenant_id", "certificate", "chain", "signs_from", "signs_until"],
    pending: None,
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[&UNIT];

/// A unit as stored.
#[derive(Debug, Clone)]
pub(crate) struct UnitRow {
    pub(crate) key: KeyId,
    pub(crate) tenant: TenantId,
    pub(crate) certificate: Vec<u8>,
    pub(crate) chain: Vec<u8>,
    pub(crate) signs_from: Instant,
    pub(crate) signs_until: Instant,
}

impl UnitRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.key.as_bytes().to_vec()),
            Value::Text(self.tenant.to_string()),
            Value::Blob(self.certificate.clone()),
            Value::Blob(self.chain.clone()),
            Value::Integer(self.signs_from.unix_millis()),
            Value::Integer(self.signs_until.unix_millis()),
        ];
        tx.put(&UNIT, &values, seq)
    }
}

/// Every unit there ever was, the newest first. There is one a year or so of each kind.
pub(crate) fn units(tx: &Tx<'_>) -> Result<Vec<UnitRow>, DbError> {
    let rows = tx.query_all(
        "SELECT key_id, tenant_id, certificate, chain, signs_from, signs_until FROM tsa_unit \
         ORDER BY signs_from DESC, audit_seq DESC LIMIT 1000",
        &[],
        |row| {
            Ok((
                row.get::<_, [u8; 16]>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, Vec<u8>>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
            ))
        },
    )?;
    rows.into_iter()
        .map(|(key, tenant, certificate, chain, from, until)| {
            let bad = || DbError::Damaged("tsa_unit: a row does not read back".to_owned());
            Ok(UnitRow {
                key: KeyId::from_bytes(key),
                tenant: tenant.parse().map_err(|_| bad())?,
                certificate,
                chain,
                signs_from: Instant::from_unix_millis(from).map_err(|_| bad())?,
                signs_until: Instant::from_unix_millis(until).map_err(|_| bad())?,
            })
        })
        .collect()
}

/// Records that a start numbers its tokens with this random part; false if an earlier one did.
pub(crate) fn insert_start(tx: &Tx<'_>, prefix: [u8; 8], now: Instant) -> Result<bool, DbError> {
    let inserted = tx.execute(
        "INSERT INTO tsa_start (prefix, started_at) VALUES ($1, $2) ON CONFLICT (prefix) DO NOTHING",
        &[&prefix, &now.unix_millis()],
    )?;
    Ok(inserted == 1)
}

/// The newest time that was stamped. Unit: microseconds since 1970.
pub(crate) fn newest_time(tx: &Tx<'_>) -> Result<Option<i64>, DbError> {
    let newest = tx.query_opt("SELECT max(gen_time) FROM tsa_token", &[], |row| row.get::<_, Option<i64>>(0))?;
    Ok(newest.flatten())
}

/// The first eight octets of a digest, as they are searched by.
pub(crate) fn imprint_key(digest: &[u8]) -> i64 {
    let mut first = [0; 8];
    for (place, octet) in first.iter_mut().zip(digest) {
        *place = *octet;
    }
    i64::from_be_bytes(first)
}

/// Records a token, within the transaction of its log entry `seq`.
pub(crate) fn insert_token(
    tx: &Tx<'_>,
    seq: Seq,
    tenant: &TenantId,
    time: Moment,
    imprint: i64,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO tsa_token (seq, tenant_id, gen_time, imprint) VALUES ($1, $2, $3, $4)",
        &[&stored(seq), &tenant.as_str(), &time.unix_micros(), &imprint],
    )
    .map(drop)
}

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// A digest that was stamped.
    pub digest: Option<Vec<u8>>,
    /// Stamped at or after this.
    pub from: Option<Moment>,
    /// Stamped before this.
    pub until: Option<Moment>,
    /// Only those before this log entry: the `next` of the page before.
    pub after: Option<Seq>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// The log entries of the tokens that fit, newest first. A digest is compared in its first octets only.
pub(crate) fn find(tx: &Tx<'_>, query: &Query) -> Result<Vec<Seq>, DbError> {
    let after = query.after.map_or(i64::MAX, stored);
    let from = query.from.map_or(i64::MIN, Moment::unix_micros);
    let until = query.until.map_or(i64::MAX, Moment::unix_micros);
    let seq = |row: &ledger::db::Row<'_>| row.get::<_, i64>(0).map(i64::unsigned_abs);
    if let Some(digest) = &query.digest {
        return tx.query_all(
            "SELECT t.seq FROM tsa_imprint i JOIN tsa_token t ON t.seq = i.seq \
             WHERE i.imprint = $1 AND i.seq < $2 AND t.gen_time >= $3 AND t.gen_time < $4 \
             ORDER BY i.seq DESC LIMIT $5",
            &[&imprint_key(digest), &after, &from, &until, &query.limit],
            seq,
        );
    }
    // Entries follow each other nearly as times do, so the index of times bounds the walk by entries.
    let (first, last) = (bound(tx, from, true)?, bound(tx, until, false)?);
    tx.query_all(
        "SELECT seq FROM tsa_token WHERE seq < $1 AND seq BETWEEN $2 AND $3 AND gen_time >= $4 AND gen_time < $5 \
         ORDER BY seq DESC LIMIT $6",
        &[&after, &first, &last, &from, &until, &query.limit],
        seq,
    )
}

/// How far apart the entries of two tokens can be whose times are in the other order: those that wait to be
/// signed together.
const APART: i64 = 100_000;

/// The entry before (or after) which there is no token from (or until) this time.
fn bound(tx: &Tx<'_>, time: i64, lower: bool) -> Result<i64, DbError> {
    if time == i64::MIN || time == i64::MAX {
        return Ok(if lower { i64::MIN } else { i64::MAX });
    }
    let next = "SELECT seq FROM tsa_token WHERE gen_time >= $1 ORDER BY gen_time LIMIT 1";
    let found: Option<i64> = tx.query_opt(next, &[&time], |row| row.get(0))?;
    Ok(match (found, lower) {
        (Some(seq), true) => seq.saturating_sub(APART),
        (Some(seq), false) => seq.saturating_add(APART),
        (None, true) => tx
            .query_opt("SELECT max(seq) FROM tsa_token", &[], |row| row.get::<_, Option<i64>>(0))?
            .flatten()
            .unwrap_or(0)
            .saturating_sub(APART),
        (None, false) => i64::MAX,
    })
}

/// Puts up to `limit` tokens into the index by imprint. How many there were.
pub(crate) fn index_imprints(tx: &Tx<'_>, limit: u32) -> Result<usize, DbError> {
    let mut found: Vec<(i64, i64)> = tx.query_all(
        "SELECT imprint, seq FROM tsa_token WHERE seq > (SELECT seq FROM tsa_imprint_done) ORDER BY seq LIMIT $1",
        &[&limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((_, last)) = found.last().copied() else { return Ok(0) };
    found.sort_unstable();
    for (imprint, seq) in &found {
        tx.execute("INSERT INTO tsa_imprint (imprint, seq) VALUES ($1, $2)", &[imprint, seq])?;
    }
    tx.execute("UPDATE tsa_imprint_done SET seq = $1", &[&last])?;
    Ok(found.len())
}

/// A time-stamp over archived tokens.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceRow {
    /// The first token's log entry.
    pub(crate) first: Seq,
    /// The last token's.
    pub(crate) last: Seq,
    pub(crate) generation: u32,
    pub(crate) hash: String,
    /// Whether it began a new hash tree.
    pub(crate) tree: bool,
    /// The log entry of the time-stamp.
    pub(crate) stamp: Seq,
    /// When the certificate that signed it ends.
    pub(crate) ends: Instant,
}

fn evidence_row(row: &ledger::db::Row<'_>) -> ledger::db::RowResult<(i64, i64, u32, String, bool, i64, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn evidence_rows(rows: Vec<(i64, i64, u32, String, bool, i64, i64)>) -> Result<Vec<EvidenceRow>, DbError> {
    let bad = |_| DbError::Damaged("tsa_evidence: a row does not read back".to_owned());
    rows.into_iter()
        .map(|(first, last, generation, hash, tree, stamp, ends)| {
            let (first, last, stamp) = (first.unsigned_abs(), last.unsigned_abs(), stamp.unsigned_abs());
            let ends = Instant::from_unix_millis(ends).map_err(bad)?;
            Ok(EvidenceRow { first, last, generation, hash, tree, stamp, ends })
        })
        .collect()
}

/// Records a time-stamp over archived tokens.
pub(crate) fn insert_evidence(tx: &Tx<'_>, row: &EvidenceRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO tsa_evidence (first_seq, generation, last_seq, hash, tree, stamp_seq, ends_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &stored(row.first),
            &row.generation,
            &stored(row.last),
            &row.hash,
            &row.tree,
            &stored(row.stamp),
            &row.ends.unix_millis(),
        ],
    )
    .map(drop)
}

/// Every time-stamp over the batch that this token is in, oldest first; none if it is in none.
pub(crate) fn evidence_of(tx: &Tx<'_>, token: Seq) -> Result<Vec<EvidenceRow>, DbError> {
    evidence_rows(tx.query_all(
        "SELECT first_seq, last_seq, generation, hash, tree, stamp_seq, ends_at FROM tsa_evidence \
         WHERE first_seq = (SELECT max(first_seq) FROM tsa_evidence WHERE first_seq <= $1) AND last_seq >= $1 \
         ORDER BY generation",
        &[&stored(token)],
        evidence_row,
    )?)
}

/// The newest time-stamp over each batch, those first that end first.
pub(crate) fn newest_evidence(tx: &Tx<'_>) -> Result<Vec<EvidenceRow>, DbError> {
    evidence_rows(tx.query_all(
        "SELECT first_seq, last_seq, generation, hash, tree, stamp_seq, ends_at FROM tsa_evidence e \
         WHERE generation = (SELECT max(generation) FROM tsa_evidence n WHERE n.first_seq = e.first_seq) \
         ORDER BY ends_at, first_seq",
        &[],
        evidence_row,
    )?)
}

/// The log entries of the oldest tokens that are in no batch and were made before `limit`, at most `most`: all up
/// to the last of them, so that a batch has no gap.
pub(crate) fn without_evidence(tx: &Tx<'_>, limit: Moment, most: u32) -> Result<Vec<Seq>, DbError> {
    let covered = tx.query_opt("SELECT max(last_seq) FROM tsa_evidence", &[], |row| row.get::<_, Option<i64>>(0))?;
    let covered = covered.flatten().unwrap_or(-1);
    let newest = bound(tx, limit.unix_micros(), false)?;
    let last: Option<i64> = tx
        .query_opt(
            "SELECT max(seq) FROM (SELECT seq FROM tsa_token WHERE seq > $1 AND seq <= $2 AND gen_time < $3 \
         ORDER BY seq LIMIT $4)",
            &[&covered, &newest, &limit.unix_micros(), &most],
            |row| row.get::<_, Option<i64>>(0),
        )?
        .flatten();
    match last {
        Some(last) => tokens_between(tx, covered.saturating_add(1).unsigned_abs(), last.unsigned_abs()),
        None => Ok(Vec::new()),
    }
}

/// The log entries of the tokens from `first` to `last`, both included.
pub(crate) fn tokens_between(tx: &Tx<'_>, first: Seq, last: Seq) -> Result<Vec<Seq>, DbError> {
    tx.query_all(
        "SELECT seq FROM tsa_token WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
        &[&stored(first), &stored(last)],
        |row| row.get::<_, i64>(0).map(i64::unsigned_abs),
    )
}

fn stored(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
