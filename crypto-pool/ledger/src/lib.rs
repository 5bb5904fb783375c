#![doc = include_str!("../README.md")]
//! # Map
//!
//! `db` is the door to the database: one writer thread, group commit, a few readers. `cover` is how
//! table rows are tied to log entries. `audit` is the log itself: entries, Merkle tree, checkpoints,
//! proofs, verification.

pub mod audit;
pub mod cover;
pub mod db;

pub use audit::{AuditError, AuditLog, Checkpoint, CheckpointBody, Entry, EntryDraft, Outcome, Seq};
pub use cover::{Cover, Table};
pub use db::{Db, DbError, DbOptions, Importance, Tx, Value};
