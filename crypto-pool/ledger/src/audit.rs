//! The audit log: an append-only Merkle tree over SM3 (RFC 9162 2.1 hashing), with signed checkpoints.

use std::sync::Arc;

use pki_config::{Actor, Clock, ErrorCode, Event, Instant};

use crate::cover::{Cover, Table};
use crate::db::{Db, DbError, Importance, Tx};

/// The position of an entry: 0 is the first.
pub type Seq = u64;

/// How what was asked came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Done by one person in one step, as only a trial allows.
    DoneInOneStep,
    /// Refused, with the code the caller got.
    Refused(ErrorCode),
}

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct EntryDraft {
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// On which thing: an identifier or a serial, never a person's data. At most 200 bytes.
    pub object: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Details, personal data included; the entry holds only their digest.
    pub payload: Vec<u8>,
    /// The rows written together with it.
    pub covers: Vec<Cover>,
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog {/* private */}

/// What stops the log, and with it every signature.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditError {
    /// The clock is behind the last entry.
    ClockBehind { now: Instant, last: Instant },
    /// The log does not verify: at this entry or row.
    Broken(String),
    /// The log is stopped after an earlier failure.
    Stopped(String),
    /// No such entry or size.
    NoSuchEntry,
    /// The database could not.
    Db(DbError),
}

impl AuditError {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        todo!()
    }
}

/// The head of the log at some moment, before it is signed.
///
/// ```text
/// CheckpointBody ::= SEQUENCE {
///   version  INTEGER (1),
///   log      OCTET STRING (32),   -- SM3 of the log key's SubjectPublicKeyInfo
///   size     INTEGER,             -- entries
///   root     OCTET STRING (32),
///   time     INTEGER }            -- milliseconds since 1970
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointBody {
    /// SM3 of the log key's SubjectPublicKeyInfo.
    pub log: [u8; 32],
    /// Entries.
    pub size: u64,
    /// Root hash.
    pub root: [u8; 32],
    /// When.
    pub time: Instant,
}

/// A signed head. `Checkpoint ::= SEQUENCE { body CheckpointBody, signature OCTET STRING }`: an SM2
/// signature (DER, default ID) over the DER of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What was signed.
    pub body: CheckpointBody,
    /// DER SM2 signature.
    pub signature: Vec<u8>,
}

/// That an entry is in the log of a checkpoint (RFC 9162 2.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's position.
    pub seq: Seq,
    /// The size of the tree.
    pub size: u64,
    /// Sibling hashes, leaf upwards.
    pub path: Vec<[u8; 32]>,
}

/// An entry as stored.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// Position.
    pub seq: Seq,
    /// The DER leaf.
    pub leaf: Vec<u8>,
    /// The payload, unless it was erased.
    pub payload: Option<Vec<u8>>,
}

/// The result of a full check.
#[derive(Debug, Clone)]
pub struct VerifyReport {
    /// Entries checked.
    pub entries: u64,
    /// Rows checked.
    pub rows: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// Each thing found wrong, naming the record.
    pub findings: Vec<String>,
}

impl AuditLog {
    /// Opens the log: migrates its tables, checks the last checkpoint and everything since.
    /// `covered` are the tables of all services.
    ///
    /// # Errors
    /// [`AuditError::Broken`] naming the record.
    pub fn open(_db: Db, _clock: Arc<dyn Clock>, _covered: &'static [&'static Table]) -> Result<Self, AuditError> {
        todo!()
    }

    /// Refuses while the log is stopped or the clock is behind: called before a signature is made.
    ///
    /// # Errors
    /// [`AuditError::ClockBehind`], [`AuditError::Stopped`].
    pub fn ready(&self) -> Result<Instant, AuditError> {
        todo!()
    }

    /// The position the next [`AuditLog::append`] in this transaction will take.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn next_seq(&self, _tx: &Tx<'_>) -> Result<Seq, AuditError> {
        todo!()
    }

    /// Appends an entry within the writer's transaction. The last thing to do in it.
    ///
    /// # Errors
    /// [`AuditError::ClockBehind`], [`AuditError::Stopped`], [`AuditError::Db`]: the work must be given up.
    pub fn append(&self, _tx: &Tx<'_>, _draft: EntryDraft) -> Result<Seq, AuditError> {
        todo!()
    }

    /// Appends an entry in a write of its own: refusals, starts, logins.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub async fn record(&self, _importance: Importance, _draft: EntryDraft) -> Result<Seq, AuditError> {
        todo!()
    }

    /// The head now, ready to be signed by the log key with this SPKI digest; `None` if nothing was
    /// appended since the last stored checkpoint.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn head(&self, _log: [u8; 32]) -> Result<Option<CheckpointBody>, AuditError> {
        todo!()
    }

    /// Stores a signed head by compare-and-swap on the previous one.
    ///
    /// # Errors
    /// [`AuditError::Broken`] if another checkpoint came between: two processes write this log.
    pub async fn store_checkpoint(&self, _checkpoint: Checkpoint) -> Result<(), AuditError> {
        todo!()
    }

    /// The newest stored checkpoint.
    ///
    /// # Errors
    /// As the database reports.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, AuditError> {
        todo!()
    }
}
