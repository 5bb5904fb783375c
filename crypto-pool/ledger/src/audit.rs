//! The audit log: an append-only Merkle tree over SM3 (RFC 9162 2.1 hashing), with signed checkpoints.
//!
//! It does not sign and does not know keys: whoever holds the log key takes [`AuditLog::head`], signs
//! it and gives it back to [`AuditLog::store_checkpoint`].

mod checkpoint;
mod entry;
mod error;
mod proof;
mod search;
mod store;
mod tree;
mod verify;
mod writer;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use pki_config::{Actor, Clock, Event, Instant};

pub use checkpoint::{BadCheckpoint, Checkpoint, CheckpointBody};
pub use entry::{BadEntry, Entry, EntryDraft, MAX_FIELD, MAX_LEAF, Outcome, leaf_hash};
pub use error::AuditError;
pub use proof::{
    ConsistencyProof, Hash, InclusionProof, empty_root, node_hash, tree_root, verify_consistency, verify_inclusion,
};
pub use search::{Came, Found, MOST_FOUND, Search};
pub use verify::VerifyReport;

use crate::cover::Table;
use crate::db::{Db, Importance};
use writer::State;

/// The position of an entry: 0 is the first.
pub type Seq = u64;

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Position.
    pub seq: Seq,
    /// The DER leaf; [`Entry::from_der`] reads it.
    pub leaf: Vec<u8>,
    /// The payload; `None` only if somebody took it away.
    pub payload: Option<Vec<u8>>,
}

/// The log. Cheap to clone. One process, one log: all clones share what is known of its end.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    covered: &'static [&'static Table],
    /// The end of the log. Touched on the writer thread only; `None` when it must be read anew.
    state: Mutex<Option<State>>,
    /// The time of the last entry, for [`AuditLog::ready`]. Unit: milliseconds since 1970.
    last: AtomicI64,
    stopped: OnceLock<String>,
}

impl AuditLog {
    /// Opens the log: migrates its tables, checks the root of the last checkpoint and everything since.
    /// `covered` are the tables of all services.
    ///
    /// The checkpoint's signature is for [`AuditLog::check_signature`], once the keys can be read.
    ///
    /// # Errors
    /// [`AuditError::Broken`] naming the record; [`AuditLog::stopped`] then lets the rest go on.
    pub fn open(db: Db, clock: Arc<dyn Clock>, covered: &'static [&'static Table]) -> Result<Self, AuditError> {
        if !db.is_read_only() {
            db.migrate("audit", store::STEPS)?;
        }
        let state = db.read_blocking(writer::checked_state)?;
        let log = Self::with(db, clock, covered);
        log.0.last.store(state.last.unix_millis(), Ordering::Release);
        *log.lock() = Some(state);
        Ok(log)
    }

    /// A log that is only read: to verify one that is broken, and for the parts of a server that go
    /// on without signatures. Nothing is checked; every append answers [`AuditError::Stopped`].
    #[must_use]
    pub fn stopped(db: Db, clock: Arc<dyn Clock>, covered: &'static [&'static Table], reason: &str) -> Self {
        let log = Self::with(db, clock, covered);
        // Asked for, so nothing to raise an alarm about.
        log.0.stopped.get_or_init(|| reason.to_owned());
        log
    }

    fn with(db: Db, clock: Arc<dyn Clock>, covered: &'static [&'static Table]) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            covered,
            state: Mutex::new(None),
            last: AtomicI64::new(0),
            stopped: OnceLock::new(),
        }))
    }

    /// Checks the signature of the newest checkpoint, if there is one. Blocks.
    ///
    /// # Errors
    /// [`AuditError::Broken`] if `genuine` refuses it; the log is then stopped.
    pub fn check_signature(&self, genuine: &dyn Fn(&Checkpoint) -> bool) -> Result<(), AuditError> {
        match self.0.db.read_blocking(store::newest_checkpoint)? {
            Some(newest) if !genuine(&newest) => {
                let what = format!("checkpoint {}: its signature is not the log key's", newest.body.size);
                self.stop(&what);
                Err(AuditError::Broken(what))
            }
            _ => Ok(()),
        }
    }

    /// Stops the log for good: every later append answers [`AuditError::Stopped`] with this reason.
    /// The first reason stays.
    pub fn stop(&self, reason: &str) {
        if self.0.stopped.set(reason.to_owned()).is_ok() {
            tracing::error!(reason, "the audit log is stopped");
        }
    }

    /// Refuses while the log is stopped or the clock is behind: called before a signature is made.
    /// The time an entry would get now.
    ///
    /// # Errors
    /// [`AuditError::ClockBehind`], [`AuditError::Stopped`].
    pub fn ready(&self) -> Result<Instant, AuditError> {
        self.alive()?;
        let last = Instant::from_unix_millis(self.0.last.load(Ordering::Acquire)).unwrap_or(Instant::LAST);
        self.admitted_time(last)
    }

    /// Appends an entry in a write of its own: refusals, starts, logins.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub async fn record(&self, importance: Importance, draft: EntryDraft) -> Result<Seq, AuditError> {
        let log = self.clone();
        self.0.db.write(importance, move |tx| log.append(tx, draft)).await
    }

    /// Overrules a clock that is behind the last entry, because that entry's time was wrong: records
    /// who did it, at the present time, from which the log then goes on. The caller has authorised it.
    ///
    /// # Errors
    /// [`AuditError::Stopped`], [`AuditError::Db`].
    pub async fn accept_clock(&self, actor: Actor, payload: Vec<u8>) -> Result<Seq, AuditError> {
        let log = self.clone();
        let draft = EntryDraft {
            actor,
            event: Event::ClockAccepted,
            object: "clock".to_owned(),
            outcome: Outcome::Done,
            payload,
            covers: Vec::new(),
        };
        self.0.db.write(Importance::Essential, move |tx| log.append_at_any_time(tx, draft)).await
    }

    /// The head now, ready to be signed by the log key with this SPKI digest; `None` if nothing was
    /// appended since the last stored checkpoint. What it tells of is durable.
    ///
    /// # Errors
    /// [`AuditError::Stopped`], [`AuditError::ClockBehind`], [`AuditError::Db`].
    pub async fn head(&self, log: [u8; 32]) -> Result<Option<CheckpointBody>, AuditError> {
        let this = self.clone();
        self.0.db.write(Importance::Essential, move |tx| this.head_in(tx, log)).await
    }

    /// Stores a signed head by compare-and-swap on the previous one. One that a newer stored
    /// checkpoint of this process has overtaken is let go.
    ///
    /// # Errors
    /// [`AuditError::Broken`] if another checkpoint came between (two processes write this log) or the
    /// root is not this log's; the log is then stopped.
    pub async fn store_checkpoint(&self, checkpoint: Checkpoint) -> Result<(), AuditError> {
        let log = self.clone();
        let stored = self.0.db.write(Importance::Essential, move |tx| log.store_checkpoint_in(tx, &checkpoint)).await;
        if let Err(AuditError::Broken(what)) = &stored {
            self.stop(what);
        }
        stored
    }

    /// The newest stored checkpoint.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, AuditError> {
        self.0.db.read(store::newest_checkpoint).await
    }

    /// The oldest stored checkpoint that holds the entry `seq`: the one to prove it with.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn checkpoint_holding(&self, seq: Seq) -> Result<Option<Checkpoint>, AuditError> {
        self.0.db.read(move |tx| store::checkpoint_holding(tx, seq)).await
    }

    /// How many entries the log has.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn size(&self) -> Result<u64, AuditError> {
        self.0.db.read(store::size).await
    }

    /// One entry.
    ///
    /// # Errors
    /// [`AuditError::NoSuchEntry`].
    pub async fn entry(&self, seq: Seq) -> Result<StoredEntry, AuditError> {
        self.entries(seq, 1).await?.pop().filter(|found| found.seq == seq).ok_or(AuditError::NoSuchEntry)
    }

    /// Up to `limit` entries, from position `from` on.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn entries(&self, from: Seq, limit: u32) -> Result<Vec<StoredEntry>, AuditError> {
        self.0.db.read(move |tx| store::entries(tx, from, limit)).await
    }

    /// The newest `limit` entries about one object, the newest first, of whatever tenant: an edge
    /// that serves tenants leaves out those of others.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn find(&self, object: &str, limit: u32) -> Result<Vec<StoredEntry>, AuditError> {
        let object = object.to_owned();
        self.0.db.read(move |tx| store::about(tx, &object, limit)).await
    }

    /// A page of the entries that fit, the newest first, of whatever tenant. Its cost is bounded: see [`Found::next`].
    ///
    /// # Errors
    /// As the database reports; [`AuditError::Broken`] if an entry is gone.
    pub async fn search(&self, search: Search) -> Result<Found, AuditError> {
        self.0.db.read(move |tx| search::run(tx, &search)).await
    }

    /// The word of every event the log has, in order.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn events(&self) -> Result<Vec<String>, AuditError> {
        self.0.db.read(|tx| Ok(search::events(tx)?)).await
    }

    /// How many entries are from before each of these times.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn counts_before(&self, times: Vec<Instant>) -> Result<Vec<u64>, AuditError> {
        self.0.db.read(move |tx| search::counts_before(tx, &times)).await
    }

    /// Gives every entry from `from` on to `each`, in order, holding a few at a time. Blocks.
    ///
    /// # Errors
    /// `each`'s first, or the database's.
    pub fn export<E: From<AuditError>>(
        &self,
        from: Seq,
        mut each: impl FnMut(StoredEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = from;
        loop {
            let some = self.0.db.read_blocking(move |tx| store::entries(tx, next, 256))?;
            let Some(last) = some.last() else { return Ok(()) };
            next = last.seq + 1;
            some.into_iter().try_for_each(&mut each)?;
        }
    }

    /// Proof that the entry `seq` is in the log of the first `size` entries.
    ///
    /// # Errors
    /// [`AuditError::NoSuchEntry`] if the log is shorter or `seq` is not below `size`.
    pub async fn inclusion(&self, seq: Seq, size: u64) -> Result<InclusionProof, AuditError> {
        self.0.db.read(move |tx| store::inclusion(tx, seq, size)).await
    }

    /// Proof that the log of the first `new` entries begins with that of the first `old`.
    ///
    /// # Errors
    /// [`AuditError::NoSuchEntry`] if the log is shorter or `old` is larger than `new`.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, AuditError> {
        self.0.db.read(move |tx| store::consistency(tx, old, new)).await
    }

    /// Checks everything: each entry, the tree, each checkpoint, each covered row both ways. Blocks;
    /// lets other readers in between, and the log may grow meanwhile. `progress` hears of records
    /// done and records in all; `genuine` checks a checkpoint's signature; `expect` is a checkpoint
    /// kept elsewhere, which shows a tail that was cut off.
    ///
    /// # Errors
    /// What keeps the check from going on. What is wrong with the log is in the report.
    pub fn verify_all(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        genuine: &dyn Fn(&Checkpoint) -> bool,
        expect: Option<&Checkpoint>,
    ) -> Result<VerifyReport, AuditError> {
        verify::run(&self.0.db, self.0.covered, progress, genuine, expect)
    }

    fn alive(&self) -> Result<(), AuditError> {
        match self.0.stopped.get() {
            Some(reason) => Err(AuditError::Stopped(reason.clone())),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("db", &self.0.db)
            .field("stopped", &self.0.stopped.get())
            .finish_non_exhaustive()
    }
}

/// What `Tx` closures of this crate return.
type InTx<T> = Result<T, AuditError>;

/// A value of the database that is not what this crate writes there.
fn damaged(what: impl fmt::Display) -> AuditError {
    AuditError::Broken(what.to_string())
}

/// A position as SQLite holds it. Positions stay far below 2^63.
fn stored(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
