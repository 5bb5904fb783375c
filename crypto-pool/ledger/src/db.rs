//! The door to the database: one writer thread with group commit, a few reader threads.

use std::path::{Path, PathBuf};

use pki_config::ErrorCode;

/// What the database could not do.
#[derive(Debug)]
#[non_exhaustive]
pub enum DbError {
    /// The disk (or the space left beside the reserve) is full. Nothing was written.
    DiskFull,
    /// Too many writes are waiting. Nothing was written; retry is safe.
    Busy,
    /// A unique or check constraint refused the row. Nothing was written.
    Constraint(String),
    /// SQLite reports damage.
    Damaged(String),
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
        todo!()
    }
}

/// How much a write matters when space runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Refused with [`DbError::DiskFull`] while free space is below the reserve.
    Normal,
    /// Revocations, CRLs, checkpoints: may use the reserve.
    Essential,
}

/// Where the database lies and how it is opened.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// The database file.
    pub path: PathBuf,
    /// Space kept back for essential writes. Unit: bytes. 0 keeps none.
    pub reserve: u64,
    /// Reader threads.
    pub readers: usize,
    /// Longest queue of waiting writes; beyond it [`DbError::Busy`].
    pub queue: usize,
}

/// One open database. Cheap to clone.
#[derive(Clone)]
pub struct Db {/* private */}

/// A transaction (write) or a consistent view (read).
pub struct Tx<'a> {
    _conn: &'a rusqlite::Connection,
}

impl Db {
    /// Opens or creates the database: WAL, `synchronous=FULL`, foreign keys on, all asserted.
    ///
    /// # Errors
    /// [`DbError::Damaged`] if the quick check fails, [`DbError::Failed`] if it cannot be opened.
    pub fn open(_options: DbOptions) -> Result<Self, DbError> {
        todo!()
    }

    /// Brings one crate's tables up to date. `steps` are SQL scripts in order; how many were
    /// applied is remembered per `crate_name`; an older binary refuses a newer database.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn migrate(&self, _crate_name: &'static str, _steps: &[&str]) -> Result<(), DbError> {
        todo!()
    }

    /// Runs `work` in the next group commit, in a savepoint of its own, and answers when it is durable.
    /// An error from `work` rolls back its own changes only.
    ///
    /// # Errors
    /// What `work` returned, or the database's own.
    pub async fn write<T, E, F>(&self, _importance: Importance, _work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        todo!()
    }

    /// As [`Db::write`], for callers that are threads and may block (the pool's workers, tests).
    /// `answer` runs on the writer's thread after the commit.
    pub fn write_then<T, E, F, A>(&self, _importance: Importance, _work: F, _answer: A)
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        A: FnOnce(Result<T, E>) + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        todo!()
    }

    /// As [`Db::write`], blocking the calling thread. Never call it from async code.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, _importance: Importance, _work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        todo!()
    }

    /// Runs `work` on a reader thread, on a consistent view.
    ///
    /// # Errors
    /// What `work` returned, or the database's own.
    pub async fn read<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        todo!()
    }

    /// As [`Db::read`], blocking.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        todo!()
    }

    /// A consistent copy of the whole database into a new file, while running.
    ///
    /// # Errors
    /// The copy could not be written.
    pub fn copy_to(&self, _file: &Path) -> Result<(), DbError> {
        todo!()
    }

    /// SQLite's full integrity check. Slow; for the background.
    ///
    /// # Errors
    /// [`DbError::Damaged`] with what was found.
    pub fn full_check(&self) -> Result<(), DbError> {
        todo!()
    }

    /// Finishes what is queued, writes the WAL back and closes. Later calls answer [`DbError::Closed`].
    pub fn close(&self) {
        todo!()
    }
}

/// Values bound to `$1, $2, …`.
pub use rusqlite::types::{ToSql, Value};
/// A row of an answer.
pub use rusqlite::Row;

impl Tx<'_> {
    /// Runs one statement and tells how many rows it changed. Statements are cached.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn execute(&self, _sql: &'static str, _params: &[&dyn ToSql]) -> Result<usize, DbError> {
        todo!()
    }

    /// The first row, if any.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn query_opt<T>(
        &self,
        _sql: &'static str,
        _params: &[&dyn ToSql],
        _map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, DbError> {
        todo!()
    }

    /// Every row. Bound the answer with LIMIT.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn query_all<T>(
        &self,
        _sql: &'static str,
        _params: &[&dyn ToSql],
        _map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DbError> {
        todo!()
    }

    /// Calls `each` row by row, holding one at a time; stops at its first error.
    ///
    /// # Errors
    /// The engine's or `each`'s.
    pub fn query_each<E: From<DbError>>(
        &self,
        _sql: &'static str,
        _params: &[&dyn ToSql],
        _each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        todo!()
    }
}
