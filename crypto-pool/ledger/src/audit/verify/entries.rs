//! Entries in order: each in itself, the tree they make, the checkpoints on the way, the rows they name.

use std::collections::VecDeque;

use pki_config::{Event, Instant};
use rusqlite::Row;

use super::{Findings, as_hash};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::proof::Hash;
use crate::audit::tree::{Edge, TILE_WIDTH, Tile};
use crate::audit::{AuditError, Entry, InTx, Seq, leaf_hash, store, stored};
use crate::cover::{Cover, Table, parsed_key};
use crate::db::{DbError, Tx};

/// Entries looked at in one read view.
const STEP: u64 = 500;

/// Most missing entries whose place in the tree is filled in, so that what follows can be checked.
const MOST_MISSING: u64 = 65_536;

/// What [`examine`] reads: the entries from `$1` to before `$2`.
pub(in crate::audit) const ENTRY_COLUMNS_FROM: &str =
    "SELECT seq, tenant_id, time, event, object, leaf_hash, leaf, payload, person, outcome
     FROM audit_entry WHERE seq >= $1 AND seq < $2 ORDER BY seq";

/// An entry that was looked at.
pub(in crate::audit) struct Examined {
    pub(in crate::audit) seq: Seq,
    /// The hash the tree has for it.
    pub(in crate::audit) hash: Hash,
    pub(in crate::audit) entry: Option<Entry>,
}

impl Entry {
    /// Whether this entry may follow one of time `before`: never earlier, unless it records that an
    /// operator overruled the clock.
    pub(in crate::audit) fn follows_in_time(&self, before: Instant) -> bool {
        self.time >= before || self.event == Event::ClockAccepted.as_str()
    }
}

/// Checks an entry in itself: leaf against hash, columns against leaf, payload against digest.
pub(in crate::audit) fn examine(row: &Row<'_>, wrong: &mut dyn FnMut(String)) -> Result<Examined, DbError> {
    let seq: i64 = row.get(0)?;
    let leaf = bytes(row, 6)?.unwrap_or_default();
    let computed = leaf_hash(leaf);
    let kept = bytes(row, 5)?.and_then(as_hash);
    if kept != Some(computed) {
        wrong(format!("entry {seq}: its leaf does not hash to its leaf hash"));
    }
    let entry = Entry::from_der(leaf).ok();
    match &entry {
        None => wrong(format!("entry {seq}: its leaf cannot be read")),
        Some(entry) => {
            let mut column = |name: &str, same: bool| {
                if !same {
                    wrong(format!("entry {seq}: its column {name} is not what its leaf says"));
                }
            };
            column("seq", i64::try_from(entry.seq) == Ok(seq));
            column("tenant_id", text(row, 1)? == Some(&entry.tenant));
            column("time", row.get_ref(2)?.as_i64() == Ok(entry.time.unix_millis()));
            column("event", text(row, 3)? == Some(&entry.event));
            column("object", text(row, 4)? == Some(&entry.object));
            column("person", text(row, 8)? == Some(&entry.person));
            column("outcome", text(row, 9)? == Some(&entry.outcome));
            // A payload that is gone is found as well: a certificate is the payload of its entry.
            let payload = row.get_ref(7)?;
            column("payload", payload.as_blob().is_ok_and(|p| engine::sm3::hash(p) == entry.payload_digest));
        }
    }
    // The stored hash keeps one changed leaf from making everything after it look wrong.
    Ok(Examined { seq: seq.unsigned_abs(), hash: kept.unwrap_or(computed), entry })
}

fn bytes<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a [u8]>, DbError> {
    Ok(row.get_ref(column)?.as_blob().ok())
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, DbError> {
    Ok(row.get_ref(column)?.as_str().ok())
}

/// Where the check of the entries is.
pub(super) struct Walk {
    covered: &'static [&'static Table],
    /// A checkpoint kept elsewhere.
    expect: Option<Checkpoint>,
    next: Seq,
    /// `None` once too much is missing to know what the tree should be.
    edge: Option<Edge>,
    last: Option<Instant>,
    /// The first checkpoint with a wrong root was told; the later ones are wrong with it.
    root_told: bool,
    /// Checkpoints whose signature is to be checked.
    pub(super) unsigned: Vec<Checkpoint>,
    pub(super) checked: u64,
    pub(super) checkpoints: u64,
    pub(super) findings: Findings,
}

impl Walk {
    pub(super) fn new(covered: &'static [&'static Table], expect: Option<Checkpoint>) -> Self {
        Self {
            covered,
            expect,
            next: 0,
            edge: Some(Edge::new()),
            last: None,
            root_told: false,
            unsigned: Vec::new(),
            checked: 0,
            checkpoints: 0,
            findings: Findings::default(),
        }
    }

    fn entry(&mut self, tx: &Tx<'_>, row: &Row<'_>, heads: &mut VecDeque<Checkpoint>) -> InTx<()> {
        let findings = &mut self.findings;
        let found = examine(row, &mut |what| findings.add(what))?;
        self.checked += 1;
        self.fill(tx, found.seq, heads)?;
        self.next = found.seq + 1;
        if let Some(entry) = &found.entry {
            if self.last.is_some_and(|last| !entry.follows_in_time(last)) {
                self.findings.add(format!("entry {}: its time is before the entry before it", found.seq));
            }
            self.last = Some(entry.time);
            for cover in &entry.covers {
                self.cover(tx, found.seq, cover)?;
            }
        }
        self.push(tx, found.hash, heads)
    }

    /// Puts something in the place of missing entries: what the tiles still know of them.
    fn fill(&mut self, tx: &Tx<'_>, to: Seq, heads: &mut VecDeque<Checkpoint>) -> InTx<()> {
        let missing = to.saturating_sub(self.next);
        match missing {
            0 => return Ok(()),
            1 => self.findings.add(format!("entry {} is missing", self.next)),
            _ => self.findings.add(format!("entries {} to {} are missing", self.next, to - 1)),
        }
        if missing > MOST_MISSING {
            self.edge = None;
            self.findings.add(format!("from entry {} on the tree cannot be checked", self.next));
            return Ok(());
        }
        for seq in self.next..to {
            let tile = store::tile(tx, 0, seq / TILE_WIDTH)?;
            let known = tile.and_then(|(_, hashes)| {
                hashes.chunks_exact(32).nth(usize::try_from(seq % TILE_WIDTH).ok()?).and_then(as_hash)
            });
            self.push(tx, known.unwrap_or_default(), heads)?;
        }
        Ok(())
    }

    fn push(&mut self, tx: &Tx<'_>, hash: Hash, heads: &mut VecDeque<Checkpoint>) -> InTx<()> {
        let Some(edge) = &mut self.edge else { return Ok(()) };
        let findings = &mut self.findings;
        edge.push(hash, |tile| compare(&tile, store::tile(tx, tile.level, tile.index)?, findings))?;
        let size = edge.size();
        if let Some(head) = heads.pop_front_if(|head| head.body.size == size) {
            let fits = edge.root() == head.body.root;
            // A head is taken after its last entry, and gets no earlier time.
            if self.last.is_some_and(|last| head.body.time < last) {
                findings.add(format!("checkpoint {size}: its time is before its last entry"));
            }
            if !fits && !std::mem::replace(&mut self.root_told, true) {
                findings.add(format!("checkpoint {size}: its root is not that of the entries"));
            }
        }
        if self.expect.as_ref().is_some_and(|head| head.body.size == size && head.body.root != edge.root()) {
            findings.add(format!("the expected checkpoint {size}: its root is not that of the entries"));
        }
        Ok(())
    }

    /// The row an entry names must be there, as of this entry or a later one. Whether it is as that
    /// entry says is seen from the row's side.
    fn cover(&mut self, tx: &Tx<'_>, seq: Seq, cover: &Cover) -> InTx<()> {
        let Cover { table: name, key, .. } = cover;
        let Some(table) = self.covered.iter().find(|table| table.name == name) else {
            self.findings.add(format!("entry {seq}: it covers the table {name}, which is not known"));
            return Ok(());
        };
        let Some(values) = parsed_key(key, table.key) else {
            self.findings.add(format!("entry {seq}: it covers {name} under the impossible key {key}"));
            return Ok(());
        };
        let mut newest = None;
        let sql = format!("SELECT audit_seq FROM {} WHERE {}", table.name, table.key_equals());
        tx.query_made::<AuditError>(&sql, &values, |row| {
            newest = Some(row.get_ref(0).ok().and_then(|seq| seq.as_i64().ok()));
            Ok(())
        })?;
        match newest {
            None => self.findings.add(format!("row {key} of {name}: entry {seq} recorded it and it is gone")),
            Some(newest) if newest.is_none_or(|newest| newest < stored(seq)) => {
                self.findings.add(format!("row {key} of {name}: it is older than entry {seq} recorded it"));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The checkpoints of sizes up to `to` that were not looked at.
    fn heads(&mut self, tx: &Tx<'_>, to: Seq) -> InTx<VecDeque<Checkpoint>> {
        let mut heads = VecDeque::new();
        let sql = "SELECT size, root, time, der FROM audit_checkpoint WHERE size > $1 AND size <= $2 ORDER BY size";
        tx.query_each::<AuditError>(sql, &[&stored(self.next), &stored(to)], |row| {
            match store::read_checkpoint(row) {
                Ok(head) => heads.push_back(head),
                Err(what) => self.findings.add(what),
            }
            Ok(())
        })?;
        self.checkpoints += heads.len() as u64;
        self.unsigned.extend(heads.iter().cloned());
        Ok(heads)
    }

    /// What can be said only when all entries were seen.
    fn finish(&mut self, tx: &Tx<'_>) -> InTx<()> {
        if let Some(seq) = tx
            .query_opt("SELECT min(seq) FROM audit_entry WHERE seq < 0", &[], |r| r.get::<_, Option<i64>>(0))?
            .flatten()
        {
            self.findings.add(format!("entry {seq}: there is no such position"));
        }
        let size = self.next;
        let findings = &mut self.findings;
        let sql = "SELECT size FROM audit_checkpoint WHERE size < 1 OR size > $1 ORDER BY size";
        tx.query_each::<AuditError>(sql, &[&stored(size)], |row| {
            let of: i64 = row.get(0).map_err(DbError::from)?;
            findings.add(format!("checkpoint {of}: the log has {size} entries"));
            Ok(())
        })?;
        // A tile of level l is full once 2^(8(l+1)) entries per index are there.
        let sql = "SELECT level, idx FROM audit_tile
                   WHERE level NOT BETWEEN 0 AND 6 OR idx < 0 OR idx >= $1 >> (8 * (level + 1)) ORDER BY level, idx";
        tx.query_each::<AuditError>(sql, &[&stored(size)], |row| {
            let (level, index): (i64, i64) = (row.get(0).map_err(DbError::from)?, row.get(1).map_err(DbError::from)?);
            findings.add(format!("tile {level}/{index}: the log of {size} entries has no such tile"));
            Ok(())
        })?;
        if let Some(expected) = self.expect.as_ref().map(|head| head.body.size).filter(|expected| *expected > size) {
            findings.add(format!(
                "the expected checkpoint {expected}: the log has {size} entries, so entries {size} to {} were cut off",
                expected - 1
            ));
        }
        Ok(())
    }
}

/// A tile as it should be against the one stored.
fn compare(tile: &Tile, kept: Option<(Vec<u8>, Vec<u8>)>, findings: &mut Findings) -> InTx<()> {
    let Tile { level, index, hashes, root } = tile;
    let Some((kept_root, kept)) = kept else {
        findings.add(format!("tile {level}/{index} is missing"));
        return Ok(());
    };
    if kept_root != root {
        findings.add(format!("tile {level}/{index}: its root is not that of its hashes"));
    }
    if kept.len() != hashes.as_flattened().len() {
        findings.add(format!("tile {level}/{index}: it has not the length of a tile"));
    }
    for (place, (kept, hash)) in (0_u64..).zip(kept.chunks(32).zip(hashes)) {
        if kept != hash {
            let place = index * TILE_WIDTH + place;
            findings.add(match level {
                0 => format!("tile 0/{index}: it does not agree with entry {place}"),
                _ => format!("tile {level}/{index}: it does not agree with tile {}/{place}", level - 1),
            });
        }
    }
    Ok(())
}

/// Looks at the next entries; whether there are more.
pub(super) fn step(walk: &mut Walk, tx: &Tx<'_>) -> InTx<bool> {
    // Not by position: a position that was changed to a huge one must not make this count up to it.
    let sql = "SELECT seq FROM audit_entry WHERE seq >= $1 ORDER BY seq LIMIT 1 OFFSET $2";
    let ahead: Option<i64> = tx.query_opt(sql, &[&stored(walk.next), &stored(STEP)], |row| row.get(0))?;
    let to = match ahead {
        Some(to) => to.unsigned_abs(),
        // The last step, in one view: the entries that are there now, and what is beyond them.
        None => store::size(tx)?.max(walk.next),
    };
    let mut heads = walk.heads(tx, to)?;
    tx.query_each::<AuditError>(ENTRY_COLUMNS_FROM, &[&stored(walk.next), &stored(to)], |row| {
        walk.entry(tx, row, &mut heads)
    })?;
    if ahead.is_none() {
        walk.finish(tx)?;
    }
    Ok(ahead.is_some())
}
