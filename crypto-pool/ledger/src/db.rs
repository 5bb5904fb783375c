//! The door to the database: one writer thread with group commit, a few reader threads.
//!
//! Callers hand in closures. The writer takes whatever closures are waiting, runs them in one
//! transaction, each in a savepoint of its own, and answers when the one commit is durable. It never
//! sleeps to collect more: a lone write goes at once, and groups form by themselves under load.

mod fault;
mod migrate;
mod reader;
mod reserve;
mod sqlite;
mod tx;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use tokio::sync::oneshot;

pub use fault::DbError;
pub use reserve::{DiskSpace, FreeSpace};
pub use tx::Tx;

/// A row of an answer.
pub use rusqlite::Row;

/// What reading a row's columns answers.
pub type RowResult<T> = rusqlite::Result<T>;
/// Values bound to `$1, $2, …`.
pub use rusqlite::types::{ToSql, Value};

use reader::Readers;
use reserve::Reserve;
use writer::{Job, Writer};

/// How much a write matters when space runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Refused with [`DbError::DiskFull`] while free space is short or the reserve is in use.
    Normal,
    /// Revocations, CRLs, checkpoints: may use the reserve.
    Essential,
}

/// Where the database lies and how it is opened.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// The database file. Beside it stand `-wal` and `-shm` (SQLite's) and `.reserve`.
    pub path: PathBuf,
    /// Space kept back for essential writes. Unit: bytes. 0 keeps none, and then a full disk
    /// refuses revocations as it refuses everything else.
    pub reserve: u64,
    /// Reader threads; at least one is started.
    pub readers: usize,
    /// Longest queue of waiting writes, and of waiting reads; beyond it [`DbError::Busy`].
    pub queue: usize,
}

impl DbOptions {
    /// The defaults for a database at `path`: 64 MiB of reserve, two readers, 4096 waiting.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), reserve: 64 << 20, readers: 2, queue: 4096 }
    }
}

/// One open database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Absent when opened for reading only.
    writer: Option<Writer>,
    readers: Readers,
}

impl Db {
    /// Opens or creates the database: WAL, `synchronous=FULL`, foreign keys on, all asserted.
    ///
    /// A database of up to 128 MiB gets SQLite's quick check; for a larger one call
    /// [`Db::full_check`] in the background.
    ///
    /// # Errors
    /// [`DbError::Damaged`] if the quick check fails, [`DbError::Failed`] if it cannot be opened.
    pub fn open(options: DbOptions) -> Result<Self, DbError> {
        let space = DiskSpace::beside(&options.path);
        Self::open_with(options, Box::new(space))
    }

    /// As [`Db::open`], asking `space` and not the file system how much room is left.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_with(options: DbOptions, space: Box<dyn FreeSpace>) -> Result<Self, DbError> {
        let DbOptions { path, reserve, readers, queue } = options;
        let connection = sqlite::open_writer(&path)?;
        sqlite::quick_check(&connection, &path)?;
        let reserve = Reserve::open(&path, reserve, space);
        let writer = Writer::start(connection, reserve, queue)?;
        let readers = Readers::start(&path, readers, queue)?;
        Ok(Self(Arc::new(Inner { path, writer: Some(writer), readers })))
    }

    /// Opens an existing database for reading only, as verification without a server does.
    /// Every write then answers [`DbError::ReadOnly`].
    ///
    /// # Errors
    /// [`DbError::Failed`] if it cannot be opened.
    pub fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, DbError> {
        let path = path.into();
        let readers = Readers::start(&path, 1, 64)?;
        Ok(Self(Arc::new(Inner { path, writer: None, readers })))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether this door was opened for reading only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.writer.is_none()
    }

    /// Brings one crate's tables up to date. `steps` are SQL scripts in order; how many were
    /// applied is remembered per `crate_name`; an older binary refuses a newer database.
    /// Blocks; never call it from async code.
    ///
    /// # Errors
    /// [`DbError::Newer`]; otherwise as [`Db::write`]. The steps before the failed one stay applied.
    pub fn migrate(&self, crate_name: &'static str, steps: &[&str]) -> Result<(), DbError> {
        migrate::run(self, crate_name, steps)
    }

    /// Runs `work` in the next group commit, in a savepoint of its own, and answers when it is durable.
    /// An error from `work`, or a panic in it, rolls back its own changes only.
    ///
    /// Dropping the future does not take the work back.
    ///
    /// # Errors
    /// What `work` returned, or the database's own.
    pub async fn write<T, E, F>(&self, importance: Importance, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.write_then(importance, work, move |outcome| {
            // A caller who no longer waits is no error.
            let _ = sender.send(outcome);
        });
        receiver.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// As [`Db::write`], for callers that are threads and may block (the pool's workers, tests).
    /// `answer` runs on the writer's thread after the commit, so it must be short; on the caller's
    /// own thread if the work is refused before it is queued.
    pub fn write_then<T, E, F, A>(&self, importance: Importance, work: F, answer: A)
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        A: FnOnce(Result<T, E>) + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let Some(writer) = &self.0.writer else { return answer(Err(DbError::ReadOnly.into())) };
        writer.queue(Box::new(Job::new(importance, work, answer)));
    }

    /// As [`Db::write`], blocking the calling thread. Never call it from async code, nor from a
    /// closure that runs on a database thread: it would wait for itself.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, E, F>(&self, importance: Importance, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.write_then(importance, work, move |outcome| {
            let _ = sender.send(outcome);
        });
        receiver.recv().unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Runs `work` on a reader thread, on a consistent view.
    ///
    /// # Errors
    /// What `work` returned, or the database's own.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.0.readers.queue(Box::new(Job::new(Importance::Normal, work, move |outcome| {
            let _ = sender.send(outcome);
        })));
        receiver.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// As [`Db::read`], blocking the calling thread, also while the queue is full.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.0.readers.queue_waiting(Box::new(Job::new(Importance::Normal, work, move |outcome| {
            let _ = sender.send(outcome);
        })));
        receiver.recv().unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// A consistent copy of the whole database into a new file, while running. Blocks.
    ///
    /// # Errors
    /// The file exists, or the copy could not be written; what was written of it is removed.
    pub fn copy_to(&self, file: &Path) -> Result<(), DbError> {
        sqlite::copy(&self.0.path, file)
    }

    /// SQLite's full integrity check. Slow; for the background. Blocks.
    ///
    /// # Errors
    /// [`DbError::Damaged`] with what was found.
    pub fn full_check(&self) -> Result<(), DbError> {
        sqlite::full_check(&self.0.path)
    }

    /// Finishes what is queued, writes the WAL back and closes. Later calls answer [`DbError::Closed`].
    /// Blocks until done; safe to call twice.
    pub fn close(&self) {
        self.0.readers.close();
        if let Some(writer) = &self.0.writer {
            writer.close();
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("path", &self.0.path).finish_non_exhaustive()
    }
}
