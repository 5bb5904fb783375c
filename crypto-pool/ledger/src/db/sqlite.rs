//! Connections: how they are opened, what is asserted of them, checks and copies.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::DbError;

/// Up to this size the whole database gets the quick check when it is opened. Unit: bytes.
/// Larger ones would make the start wait; they are checked in the background.
const QUICK_CHECK_LIMIT: u64 = 128 << 20;

/// How long a connection waits for another process. Unit: seconds.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept prepared per connection.
const STATEMENTS: usize = 256;

fn cannot_open(path: &Path, why: impl std::fmt::Display) -> DbError {
    DbError::Failed(format!("cannot open {}: {why}", path.display()))
}

/// The connection that writes; makes the file, readable by its owner alone, if there is none.
pub(super) fn open_writer(path: &Path) -> Result<Connection, DbError> {
    // SQLite gives its -wal and -shm files the mode of the database.
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| cannot_open(path, e))?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(cannot_open(path, format!("the file system allows no write-ahead log (journal mode {mode})")));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -65536;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000;",
    )?;
    // Gives the space of a WAL that once grew back to the disk. Unit: bytes.
    connection.query_row("PRAGMA journal_size_limit = 67108864", [], |_| Ok(()))?;
    assert_pragma(&connection, path, "synchronous", 2)?;
    assert_pragma(&connection, path, "foreign_keys", 1)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, DbError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")?;
    // Reads the header, so that a file that is no database is refused here.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, DbError> {
    // No shared cache and no mutex: each connection belongs to one thread. No URI: a path is a path.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| cannot_open(path, e))?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA cell_size_check = ON;")?;
    Ok(connection)
}

fn assert_pragma(connection: &Connection, path: &Path, name: &str, expected: i64) -> Result<(), DbError> {
    let found: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    if found == expected { Ok(()) } else { Err(cannot_open(path, format!("{name} is {found}, not {expected}"))) }
}

/// SQLite's quick check, if the database is small enough for it not to delay the start.
pub(super) fn quick_check(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let size = path.metadata().map_err(|e| cannot_open(path, e))?.len();
    if size > QUICK_CHECK_LIMIT { Ok(()) } else { check(connection, "PRAGMA quick_check(1)") }
}

/// SQLite's full check on a connection of its own.
pub(super) fn full_check(path: &Path) -> Result<(), DbError> {
    check(&open_reader(path)?, "PRAGMA integrity_check(1)")
}

fn check(connection: &Connection, pragma: &str) -> Result<(), DbError> {
    let verdict: String = connection.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(DbError::Damaged(verdict)) }
}

/// A consistent copy into a new file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), DbError> {
    let source = open_reader(from)?;
    // `create_new`: a backup never overwrites anything.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|e| cannot_open(to, e))?;
    let copied = copy_into(&source, to);
    if copied.is_err() {
        // Half a copy must not be taken for a whole one. That it is gone cannot be helped further.
        let _ = std::fs::remove_file(to);
    }
    copied
}

fn copy_into(source: &Connection, to: &Path) -> Result<(), DbError> {
    let mut target = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let backup = Backup::new(source, &mut target)?;
    // All pages in one step: one read view, which writers do not disturb.
    match backup.step(-1)? {
        StepResult::Done => Ok(()),
        other => Err(DbError::Failed(format!("the copy stopped: {other:?}"))),
    }
}
