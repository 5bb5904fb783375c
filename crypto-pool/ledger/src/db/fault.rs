//! What the database could not do, and how SQLite's own codes map to it.

use std::fmt;

use pki_config::ErrorCode;
use rusqlite::ErrorCode as Sqlite;

/// What the database could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DbError {
    /// The disk (or the space left beside the reserve) is full. Nothing was written; retry is safe.
    DiskFull,
    /// Too many writes are waiting, or another process holds the database. Nothing was written;
    /// retry is safe.
    Busy,
    /// A unique or check constraint refused the row. Nothing was written.
    Constraint(String),
    /// SQLite reports damage.
    Damaged(String),
    /// A newer program has migrated this database. Operator's fault; start the newer program.
    Newer {
        /// Whose tables.
        crate_name: String,
        /// How many steps were applied to them.
        applied: u64,
        /// How many steps this program knows.
        known: u64,
    },
    /// The database was opened for reading only.
    ReadOnly,
    /// Anything else the engine reports. Nothing was written.
    Failed(String),
    /// The commit itself failed in a way that leaves the outcome unknown; the writer has stopped.
    OutcomeUnknown(String),
    /// The database thread has stopped.
    Closed,
}

impl DbError {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::DiskFull => ErrorCode::DiskFull,
            Self::Busy => ErrorCode::Busy,
            Self::Constraint(_) | Self::Damaged(_) | Self::Newer { .. } | Self::ReadOnly | Self::Failed(_) => {
                ErrorCode::StorageFailed
            }
            Self::OutcomeUnknown(_) => ErrorCode::OutcomeUnknown,
            Self::Closed => ErrorCode::Stopping,
        }
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskFull => f.write_str("the disk is full"),
            Self::Busy => f.write_str("the database is busy"),
            Self::Constraint(what) => write!(f, "a constraint of the database refused the row: {what}"),
            Self::Damaged(what) => write!(f, "the database is damaged: {what}"),
            Self::Newer { crate_name, applied, known } => write!(
                f,
                "the database is newer than this program: its {crate_name} tables have had {applied} migrations, \
                 this program knows {known}"
            ),
            Self::ReadOnly => f.write_str("the database is open for reading only"),
            Self::Failed(what) => write!(f, "the database failed: {what}"),
            Self::OutcomeUnknown(what) => write!(f, "whether the last commit took place is unknown: {what}"),
            Self::Closed => f.write_str("the database is closed"),
        }
    }
}

impl std::error::Error for DbError {}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(Sqlite::DiskFull) => Self::DiskFull,
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => Self::Busy,
            Some(Sqlite::ConstraintViolation) => Self::Constraint(text),
            Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => Self::Damaged(text),
            Some(Sqlite::ReadOnly) => Self::ReadOnly,
            _ => Self::Failed(text),
        }
    }
}

/// Whether a failed COMMIT leaves it certain that nothing became durable.
///
/// In WAL mode a transaction counts once its last frame, which carries the commit mark, is whole in
/// the file. No room, a lock or a constraint stop SQLite before that; any other failure (an I/O error,
/// above all a failed fsync) may come after it, and then a restart could find the transaction done.
pub(super) fn surely_undone(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            Sqlite::DiskFull
                | Sqlite::DatabaseBusy
                | Sqlite::DatabaseLocked
                | Sqlite::ConstraintViolation
                | Sqlite::OutOfMemory
        )
    )
}
