//! The log's own tables: all SQL on them but that of the full check.

use rusqlite::Row;

use super::checkpoint::Checkpoint;
use super::proof::{ConsistencyProof, Hash, InclusionProof};
use super::tree::{Hashes, TILE_HEIGHT, TILE_WIDTH, Tile, consistency_path, inclusion_path, range_root};
use super::{AuditError, Entry, InTx, Seq, StoredEntry, damaged, stored};
use crate::db::{DbError, Tx};

/// `tenant_id`, `time`, `event`, `person`, `object` and `outcome` repeat the leaf for queries; verification compares
/// them. They stand before the leaf, so that reading them reads no more. What each index is for is said in `search.rs`.
/// A tile's short root stands before its 8 KiB of hashes, so that reading roots reads no more.
pub(super) const STEPS: &[&str] = &["
    CREATE TABLE audit_entry (
        seq INTEGER PRIMARY KEY NOT NULL,
        tenant_id TEXT NOT NULL,
        time INTEGER NOT NULL,
        event TEXT NOT NULL,
        person TEXT NOT NULL,
        object TEXT NOT NULL,
        outcome TEXT NOT NULL,
        leaf_hash BLOB NOT NULL,
        leaf BLOB NOT NULL,
        payload BLOB
    ) STRICT;
    CREATE INDEX audit_entry_object ON audit_entry (object);
    CREATE INDEX audit_entry_event ON audit_entry (event, person, seq, outcome);
    CREATE INDEX audit_entry_refused ON audit_entry (seq, event, person, outcome) WHERE outcome >= 'refused:';
    CREATE TABLE audit_tile (
        level INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        root BLOB NOT NULL,
        hashes BLOB NOT NULL,
        PRIMARY KEY (level, idx)
    ) STRICT;
    CREATE TABLE audit_checkpoint (
        size INTEGER PRIMARY KEY NOT NULL,
        root BLOB NOT NULL,
        time INTEGER NOT NULL,
        der BLOB NOT NULL
    ) STRICT;
"];

/// How many entries there are, taking positions to be without gaps.
pub(super) fn size(tx: &Tx<'_>) -> InTx<u64> {
    let last: Option<i64> =
        tx.query_opt("SELECT max(seq) FROM audit_entry", &[], |row| row.get::<_, Option<i64>>(0))?.flatten();
    match last {
        None => Ok(0),
        Some(last) => u64::try_from(last).map(|last| last + 1).map_err(|_| damaged(format!("entry {last}"))),
    }
}

/// How many entries there are, counted.
pub(super) fn count(tx: &Tx<'_>) -> InTx<u64> {
    let count: Option<i64> = tx.query_opt("SELECT count(*) FROM audit_entry", &[], |row| row.get(0))?;
    Ok(count.unwrap_or(0).unsigned_abs())
}

/// The size of the newest checkpoint; 0 if there is none.
pub(super) fn checkpointed(tx: &Tx<'_>) -> InTx<u64> {
    let size: Option<i64> =
        tx.query_opt("SELECT max(size) FROM audit_checkpoint", &[], |row| row.get::<_, Option<i64>>(0))?.flatten();
    u64::try_from(size.unwrap_or(0)).map_err(|_| damaged("a checkpoint has a negative size"))
}

pub(super) fn insert_entry(tx: &Tx<'_>, entry: &Entry, leaf: &[u8], hash: &Hash, payload: &[u8]) -> InTx<()> {
    tx.execute(
        "INSERT INTO audit_entry (seq, tenant_id, time, event, person, object, outcome, leaf_hash, leaf, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &stored(entry.seq),
            &entry.tenant,
            &entry.time.unix_millis(),
            &entry.event,
            &entry.person,
            &entry.object,
            &entry.outcome,
            hash,
            &leaf,
            &payload,
        ],
    )?;
    Ok(())
}

pub(super) fn insert_tile(tx: &Tx<'_>, tile: &Tile) -> InTx<()> {
    tx.execute(
        "INSERT INTO audit_tile (level, idx, root, hashes) VALUES ($1, $2, $3, $4)",
        &[&tile.level, &stored(tile.index), &tile.root, &tile.hashes.as_flattened()],
    )?;
    Ok(())
}

pub(super) fn insert_checkpoint(tx: &Tx<'_>, checkpoint: &Checkpoint) -> InTx<()> {
    let body = &checkpoint.body;
    tx.execute(
        "INSERT INTO audit_checkpoint (size, root, time, der) VALUES ($1, $2, $3, $4)",
        &[&stored(body.size), &body.root, &body.time.unix_millis(), &checkpoint.to_der()],
    )?;
    Ok(())
}

pub(super) fn newest_checkpoint(tx: &Tx<'_>) -> InTx<Option<Checkpoint>> {
    let sql = "SELECT size, root, time, der FROM audit_checkpoint ORDER BY size DESC LIMIT 1";
    one_checkpoint(tx.query_opt(sql, &[], |row| Ok(read_checkpoint(row)))?)
}

pub(super) fn checkpoint_holding(tx: &Tx<'_>, seq: Seq) -> InTx<Option<Checkpoint>> {
    let sql = "SELECT size, root, time, der FROM audit_checkpoint WHERE size > $1 ORDER BY size LIMIT 1";
    one_checkpoint(tx.query_opt(sql, &[&stored(seq)], |row| Ok(read_checkpoint(row)))?)
}

fn one_checkpoint(found: Option<Result<Checkpoint, String>>) -> InTx<Option<Checkpoint>> {
    found.transpose().map_err(AuditError::Broken)
}

/// A checkpoint from `size, root, time, der`; otherwise what is wrong with it.
pub(super) fn read_checkpoint(row: &Row<'_>) -> Result<Checkpoint, String> {
    let size: i64 = row.get(0).map_err(|_| "a checkpoint without a size".to_owned())?;
    let wrong = |what: &str| format!("checkpoint {size}: {what}");
    let der: Vec<u8> = row.get(3).map_err(|_| wrong("it cannot be read"))?;
    let checkpoint = Checkpoint::from_der(&der).map_err(|_| wrong("it cannot be read"))?;
    let body = &checkpoint.body;
    if i64::try_from(body.size) != Ok(size)
        || row.get::<_, Vec<u8>>(1).ok().as_deref() != Some(&body.root)
        || row.get(2) != Ok(body.time.unix_millis())
    {
        return Err(wrong("its columns differ from what is signed"));
    }
    Ok(checkpoint)
}

/// Up to `limit` entries, from position `from` on.
pub(super) fn entries(tx: &Tx<'_>, from: Seq, limit: u32) -> InTx<Vec<StoredEntry>> {
    let sql = "SELECT seq, leaf, payload FROM audit_entry WHERE seq >= $1 ORDER BY seq LIMIT $2";
    Ok(tx.query_all(sql, &[&stored(from), &limit], stored_entry)?)
}

/// The newest entries about one object.
pub(super) fn about(tx: &Tx<'_>, object: &str, limit: u32) -> InTx<Vec<StoredEntry>> {
    let sql = "SELECT seq, leaf, payload FROM audit_entry WHERE object = $1 ORDER BY seq DESC LIMIT $2";
    Ok(tx.query_all(sql, &[&object, &limit], stored_entry)?)
}

fn stored_entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry { seq: row.get::<_, i64>(0)?.unsigned_abs(), leaf: row.get(1)?, payload: row.get(2)? })
}

/// The leaf of one entry.
pub(super) fn leaf(tx: &Tx<'_>, seq: Seq) -> Result<Option<Vec<u8>>, DbError> {
    tx.query_opt("SELECT leaf FROM audit_entry WHERE seq = $1", &[&stored(seq)], |row| row.get(0))
}

pub(super) fn inclusion(tx: &Tx<'_>, seq: Seq, size: u64) -> InTx<InclusionProof> {
    if seq >= size || size > self::size(tx)? {
        return Err(AuditError::NoSuchEntry);
    }
    Ok(InclusionProof { seq, size, path: inclusion_path(seq, size, &Stored(tx))? })
}

pub(super) fn consistency(tx: &Tx<'_>, old: u64, new: u64) -> InTx<ConsistencyProof> {
    if old > new || new > size(tx)? {
        return Err(AuditError::NoSuchEntry);
    }
    Ok(ConsistencyProof { old, new, path: consistency_path(old, new, &Stored(tx))? })
}

/// The root of the tree of the first `size` entries.
pub(super) fn root(tx: &Tx<'_>, size: u64) -> InTx<Hash> {
    range_root(0, size, &Stored(tx))
}

/// A tile as stored: its root and its hashes.
pub(super) fn tile(tx: &Tx<'_>, level: u32, index: u64) -> InTx<Option<(Vec<u8>, Vec<u8>)>> {
    let sql = "SELECT root, hashes FROM audit_tile WHERE level = $1 AND idx = $2";
    Ok(tx.query_opt(sql, &[&level, &stored(index)], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The hashes the database holds.
pub(super) struct Stored<'a, 'b>(pub(super) &'a Tx<'b>);

impl Hashes for Stored<'_, '_> {
    type Error = AuditError;

    fn hashes(&self, level: u32, from: u64, to: u64) -> InTx<Vec<Hash>> {
        let tx = self.0;
        let broken = || damaged(format!("tree level {}, places {from} to {to}", level * TILE_HEIGHT));
        let count = to - from;
        // One or two rows are read faster one by one than as a tile.
        if count > 2
            && let Some((_, hashes)) = tile(tx, level, from / TILE_WIDTH)?
        {
            let first = usize::try_from(from % TILE_WIDTH).unwrap_or(usize::MAX);
            let (hashes, rest) = hashes.as_chunks::<32>();
            let found = hashes.iter().skip(first).take(count as usize).copied().collect::<Vec<_>>();
            let whole = rest.is_empty() && hashes.len() as u64 == TILE_WIDTH && found.len() as u64 == count;
            return if whole { Ok(found) } else { Err(broken()) };
        }
        let read = |row: &Row<'_>| row.get::<_, [u8; 32]>(0);
        let found = match level.checked_sub(1) {
            None => tx.query_all(
                "SELECT leaf_hash FROM audit_entry WHERE seq >= $1 AND seq < $2 ORDER BY seq",
                &[&stored(from), &stored(to)],
                read,
            ),
            Some(below) => tx.query_all(
                "SELECT root FROM audit_tile WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx",
                &[&below, &stored(from), &stored(to)],
                read,
            ),
        }?;
        if found.len() as u64 == count { Ok(found) } else { Err(broken()) }
    }
}
