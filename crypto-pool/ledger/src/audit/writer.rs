//! Appending: what is known of the log's end, kept in memory and true to the transaction at hand.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use pki_config::Instant;

use super::checkpoint::{Checkpoint, CheckpointBody};
use super::store::{self, Stored};
use super::tree::Edge;
use super::verify::{ENTRY_COLUMNS_FROM, examine};
use super::{AuditError, AuditLog, Entry, EntryDraft, InTx, Seq, damaged, leaf_hash, stored};
use crate::db::{DbError, Tx};

/// How far the clock may be behind the last entry before the log refuses. Steps this small are the
/// work of time synchronisation; the entry then gets the time of the one before.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The end of the log.
pub(super) struct State {
    edge: Edge,
    /// The time of the last entry; the epoch if there is none.
    pub(super) last: Instant,
    /// The size of the newest checkpoint.
    checkpointed: u64,
    /// The database's count of undone mirrored work when this was read or last changed.
    rollbacks: u64,
}

impl State {
    fn load(tx: &Tx<'_>) -> InTx<Self> {
        let size = store::size(tx)?;
        let last = match size.checked_sub(1) {
            None => Instant::from_unix_millis(0),
            Some(seq) => Instant::from_unix_millis(
                tx.query_opt("SELECT time FROM audit_entry WHERE seq = $1", &[&stored(seq)], |row| row.get(0))?
                    .unwrap_or(-1),
            ),
        };
        Ok(Self {
            edge: Edge::load(size, &Stored(tx))?,
            last: last.map_err(|_| damaged(format!("entry {}: its time", size - 1)))?,
            checkpointed: store::checkpointed(tx)?,
            rollbacks: tx.rollbacks(),
        })
    }
}

/// The state at start: the root of the last checkpoint is checked against the stored tree, and every
/// entry and tile since against the leaves.
pub(super) fn checked_state(tx: &Tx<'_>) -> InTx<State> {
    let size = store::size(tx)?;
    let newest = store::newest_checkpoint(tx)?;
    let (from, mut last) = match &newest {
        None => (0, Instant::from_unix_millis(0).map_err(damaged)?),
        Some(Checkpoint { body, .. }) if body.size > size => {
            return Err(damaged(format!("checkpoint {}: the log has only {size} entries", body.size)));
        }
        Some(Checkpoint { body, .. }) => {
            if store::root(tx, body.size)? != body.root {
                return Err(damaged(format!("checkpoint {}: the stored tree has another root", body.size)));
            }
            let leaf = body.size.checked_sub(1).map(|seq| store::leaf(tx, seq)).transpose()?.flatten();
            let entry = leaf.and_then(|leaf| Entry::from_der(&leaf).ok());
            let entry = entry.ok_or_else(|| damaged(format!("checkpoint {}: its last entry", body.size)))?;
            (body.size, entry.time)
        }
    };
    let mut edge = Edge::load(from, &Stored(tx))?;
    tx.query_each(ENTRY_COLUMNS_FROM, &[&stored(from), &stored(size)], |row| {
        let mut wrong = None;
        let found = examine(row, &mut |what| {
            wrong.get_or_insert(what);
        })?;
        let expected = edge.size();
        let entry = match (wrong, found.entry) {
            (None, Some(entry)) if found.seq == expected => entry,
            (Some(what), _) => return Err(damaged(what)),
            _ => return Err(damaged(format!("entry {expected} is missing"))),
        };
        if entry.follows_in_time(last) {
            last = entry.time;
        } else {
            return Err(damaged(format!("entry {expected}: its time is before the entry before it")));
        }
        edge.push(found.hash, |tile| {
            let kept = store::tile(tx, tile.level, tile.index)?;
            let fits = kept.is_some_and(|(root, hashes)| root == tile.root && hashes == tile.hashes.as_flattened());
            if fits { Ok(()) } else { Err(damaged(format!("tile {}/{}", tile.level, tile.index))) }
        })
    })?;
    if edge.size() != size {
        return Err(damaged(format!("entry {} is missing", edge.size())));
    }
    let checkpointed = newest.map_or(0, |checkpoint| checkpoint.body.size);
    Ok(State { edge, last, checkpointed, rollbacks: tx.rollbacks() })
}

impl AuditLog {
    /// The position the next [`AuditLog::append`] in this transaction will take.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn next_seq(&self, tx: &Tx<'_>) -> Result<Seq, AuditError> {
        self.alive()?;
        let mut guard = self.lock();
        Ok(self.fresh(&mut guard, tx)?.edge.size())
    }

    /// Appends an entry within the writer's transaction. The last thing to do in it.
    ///
    /// # Errors
    /// [`AuditError::ClockBehind`], [`AuditError::Stopped`], [`AuditError::TooLong`],
    /// [`AuditError::Db`]: the work must be given up, and the closure must return the error.
    pub fn append(&self, tx: &Tx<'_>, draft: EntryDraft) -> Result<Seq, AuditError> {
        self.append_with(tx, draft, |last| self.admitted_time(last))
    }

    /// As [`AuditLog::append`], at whatever time the clock says.
    pub(super) fn append_at_any_time(&self, tx: &Tx<'_>, draft: EntryDraft) -> InTx<Seq> {
        self.append_with(tx, draft, |_| Ok(self.0.clock.now()))
    }

    fn append_with(&self, tx: &Tx<'_>, draft: EntryDraft, time: impl FnOnce(Instant) -> InTx<Instant>) -> InTx<Seq> {
        self.alive()?;
        if draft.covers.len() < tx.uncovered() {
            return Err(DbError::Failed("a covered row was written and is not in the entry".to_owned()).into());
        }
        let mut guard = self.lock();
        let state = self.fresh(&mut guard, tx)?;
        let time = time(state.last)?;
        let (entry, payload) = Entry::of_draft(draft, state.edge.size(), time);
        let leaf = entry.to_der().map_err(|_| AuditError::TooLong)?;
        let hash = leaf_hash(&leaf);
        // From here on memory and database change together; if the work is undone, memory is read anew.
        tx.mirror();
        let appended = store::insert_entry(tx, &entry, &leaf, &hash, &payload)
            .and_then(|()| state.edge.push(hash, |tile| store::insert_tile(tx, &tile)));
        if let Err(error) = appended {
            *guard = None;
            return Err(error);
        }
        state.last = time;
        self.0.last.store(time.unix_millis(), Ordering::Release);
        tx.set_uncovered(0);
        Ok(entry.seq)
    }

    pub(super) fn head_in(&self, tx: &Tx<'_>, log: [u8; 32]) -> InTx<Option<CheckpointBody>> {
        self.alive()?;
        let mut guard = self.lock();
        let state = self.fresh(&mut guard, tx)?;
        if state.edge.size() == state.checkpointed {
            return Ok(None);
        }
        let time = self.admitted_time(state.last)?;
        Ok(Some(CheckpointBody { log, size: state.edge.size(), root: state.edge.root(), time }))
    }

    pub(super) fn store_checkpoint_in(&self, tx: &Tx<'_>, checkpoint: &Checkpoint) -> InTx<()> {
        self.alive()?;
        let mut guard = self.lock();
        let state = self.fresh(&mut guard, tx)?;
        let newest = store::checkpointed(tx)?;
        if newest != state.checkpointed {
            let known = state.checkpointed;
            return Err(damaged(format!("checkpoint {newest} came after {known}: another process writes this log")));
        }
        let body = &checkpoint.body;
        if body.size <= newest {
            return Ok(());
        }
        if body.size > state.edge.size() || store::root(tx, body.size)? != body.root {
            return Err(damaged(format!("checkpoint {}: its root is not this log's", body.size)));
        }
        tx.mirror();
        store::insert_checkpoint(tx, checkpoint)?;
        state.checkpointed = body.size;
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<State>> {
        // After a panic the work is rolled back, and with it the count rises that makes `fresh` read anew.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as this transaction sees it.
    fn fresh<'a>(&self, guard: &'a mut MutexGuard<'_, Option<State>>, tx: &Tx<'_>) -> InTx<&'a mut State> {
        if guard.as_ref().is_none_or(|state| state.rollbacks != tx.rollbacks()) {
            let state = State::load(tx)?;
            self.0.last.store(state.last.unix_millis(), Ordering::Release);
            **guard = Some(state);
        }
        guard.as_mut().ok_or_else(|| damaged("no state"))
    }

    /// The time an entry after one of time `last` gets.
    pub(super) fn admitted_time(&self, last: Instant) -> InTx<Instant> {
        let now = self.0.clock.now();
        if now >= last {
            Ok(now)
        } else if now.plus(TOLERANCE) >= last {
            Ok(last)
        } else {
            Err(AuditError::ClockBehind { now, last })
        }
    }
}
