//! Published CRLs, and the revocations that go into the next.

use ledger::db::{RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::status::{Reason, Revocation};
use pki_config::{Instant, IssuerId, Serial, TenantId};

use super::{optional, position, read_time, serial_of, text, time, unreadable};
use crate::core::crl::{List, Listed};

/// Published CRLs.
pub(super) static CRL: Table = Table {
    name: "ca_crl",
    key: 2,
    columns: &[
        "issuer_id",
        "number",
        "shard",
        "base",
        "tenant_id",
        "entries",
        "this_update",
        "next_update",
        "as_of",
        "sm3",
        "size",
    ],
    pending: None,
};

/// A published CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlRecord {
    /// Whose.
    pub issuer: IssuerId,
    /// For which tenant the issuer works.
    pub tenant: TenantId,
    /// Which of its lists.
    pub list: List,
    /// CRLNumber.
    pub number: u64,
    /// The full list it adds to, if it is a delta.
    pub base: Option<u64>,
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
            Value::Integer(i64::from(self.list.number())),
            optional(self.base, position),
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

macro_rules! select_crl {
    ($rest:literal) => {
        concat!(
            "SELECT number, tenant_id, entries, this_update, next_update, as_of, sm3, size, base FROM ca_crl \
             WHERE issuer_id = $1 AND shard = $2 AND base IS ",
            $rest,
            " ORDER BY number DESC LIMIT 1"
        )
    };
}

/// The newest of a list.
pub(crate) fn newest_crl(tx: &Tx<'_>, issuer: &IssuerId, list: List) -> Result<Option<CrlRecord>, DbError> {
    let select = if list.is_delta() { select_crl!("NOT NULL") } else { select_crl!("NULL") };
    let row = tx.query_opt(select, &[&issuer.as_str(), &list.number()], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, i64>(4)?,
            row.get::<_, i64>(5)?,
            row.get::<_, [u8; 32]>(6)?,
            row.get::<_, i64>(7)?,
            row.get::<_, Option<i64>>(8)?,
        ))
    })?;
    row.map(|(number, tenant, entries, this_update, next_update, as_of, sm3, size, base)| {
        let bad = || unreadable("ca_crl", &format!("{issuer} {number}"));
        Ok(CrlRecord {
            issuer: issuer.clone(),
            list,
            tenant: tenant.parse().map_err(|_| bad())?,
            number: u64::try_from(number).map_err(|_| bad())?,
            base: base.map(u64::try_from).transpose().map_err(|_| bad())?,
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

/// The newest number of any list of an issuer; 0 before the first.
pub(crate) fn newest_number(tx: &Tx<'_>, issuer: &IssuerId) -> Result<u64, DbError> {
    let number = tx.query_opt("SELECT max(number) FROM ca_crl WHERE issuer_id = $1", &[&issuer.as_str()], |row| {
        row.get::<_, Option<i64>>(0)
    })?;
    u64::try_from(number.flatten().unwrap_or(0)).map_err(|_| unreadable("ca_crl", "a number"))
}

/// How many shards of an issuer's list were ever published. They are published in order, so each below was too.
pub(crate) fn published_shards(tx: &Tx<'_>, issuer: &IssuerId) -> Result<u16, DbError> {
    let most = tx.query_opt(
        "SELECT max(shard) FROM ca_crl WHERE issuer_id = $1 AND base IS NULL",
        &[&issuer.as_str()],
        |row| row.get::<_, Option<u16>>(0),
    )?;
    Ok(most.flatten().unwrap_or(0))
}

/// The newest status change after issue of any certificate that a list tells of, as a position in the log; -1 for
/// none.
pub(crate) fn newest_change(tx: &Tx<'_>, issuer: &IssuerId, list: List) -> Result<i64, DbError> {
    if list.number() > 0 {
        return newest_change_named(tx, issuer, list.number());
    }
    let newest = tx.query_opt(
        "SELECT max(audit_seq) FROM ca_certificate WHERE issuer_id = $1 AND audit_seq > issue_seq",
        &[&issuer.as_str()],
        |row| row.get::<_, Option<i64>>(0),
    )?;
    Ok(newest.flatten().unwrap_or(-1))
}

/// The same of those certificates only that name the address of this shard, or of the whole list for 0.
pub(crate) fn newest_change_named(tx: &Tx<'_>, issuer: &IssuerId, shard: u16) -> Result<i64, DbError> {
    let newest = tx.query_opt(
        "SELECT max(audit_seq) FROM ca_certificate WHERE issuer_id = $1 AND shard = $2 AND audit_seq > issue_seq",
        &[&issuer.as_str(), &shard],
        |row| row.get::<_, Option<i64>>(0),
    )?;
    Ok(newest.flatten().unwrap_or(-1))
}

/// What a list is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extract<'a> {
    pub issuer: &'a IssuerId,
    pub list: List,
    /// Certificates whose validity had ended before are left out.
    pub alive_at: Instant,
    /// For a delta: what changed after this position in the log.
    pub since: i64,
}

/// One certificate, as a list tells of it.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    pub serial: Serial,
    pub listed: Listed,
}

macro_rules! extract {
    ($what:literal, $which:literal, $order:literal) => {
        concat!("SELECT ", $what, " FROM ca_certificate WHERE issuer_id = $1 AND not_after >= $2 ", $which, $order)
    };
}

macro_rules! extracts {
    ($what:literal, $order:literal) => {
        [
            // All four take the same parameters, whether they have a use for them or not.
            extract!($what, "AND revoked_at IS NOT NULL AND $3 = 0 AND $4 IS NOT NULL", $order),
            extract!($what, "AND shard = $3 AND shard > 0 AND revoked_at IS NOT NULL AND $4 IS NOT NULL", $order),
            extract!($what, "AND $3 = 0 AND audit_seq > $4 AND audit_seq > issue_seq", $order),
            extract!($what, "AND shard = $3 AND audit_seq > $4 AND audit_seq > issue_seq", $order),
        ]
    };
}

const ROWS: [&str; 4] = extracts!("serial, revoked_at, reason, invalidity", " ORDER BY serial");
const COUNTS: [&str; 4] = extracts!("count(*)", "");

impl Extract<'_> {
    fn query(&self) -> usize {
        usize::from(self.list.number() > 0) + 2 * usize::from(self.list.is_delta())
    }

    /// How many certificates the list must tell of.
    pub(crate) fn count(&self, tx: &Tx<'_>) -> Result<u64, DbError> {
        let count = tx.query_opt(
            COUNTS[self.query()],
            &[&self.issuer.as_str(), &self.alive_at.unix_millis(), &self.list.number(), &self.since],
            |row| row.get::<_, i64>(0),
        )?;
        u64::try_from(count.unwrap_or(0)).map_err(|_| unreadable("ca_certificate", "a count"))
    }

    /// Visits them by serial, holding one row at a time.
    pub(crate) fn each<E: From<DbError>>(
        &self,
        tx: &Tx<'_>,
        mut each: impl FnMut(ListedRow) -> Result<(), E>,
    ) -> Result<(), E> {
        tx.query_each(
            ROWS[self.query()],
            &[&self.issuer.as_str(), &self.alive_at.unix_millis(), &self.list.number(), &self.since],
            |row| match read_listed(row) {
                Ok(Some(listed)) => each(listed),
                Ok(None) => Err(unreadable("ca_certificate", "a revoked row").into()),
                Err(error) => Err(DbError::Failed(error.to_string()).into()),
            },
        )
    }
}

fn read_listed(row: &ledger::db::Row<'_>) -> RowResult<Option<ListedRow>> {
    let Some(serial) = row.get_ref(0)?.as_blob().ok().and_then(serial_of) else { return Ok(None) };
    let listed = match (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<u8>>(2)?) {
        (None, None) => Some(Listed::Released),
        (Some(at), Some(reason)) => {
            let invalidity: Option<i64> = row.get(3)?;
            read_time(at).zip(Reason::from_code(reason)).map(|(at, reason)| {
                Listed::Revoked(Revocation { at, reason, invalidity: invalidity.and_then(read_time) })
            })
        }
        _ => None,
    };
    Ok(listed.map(|listed| ListedRow { serial, listed }))
}
