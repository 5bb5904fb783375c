//! A transaction, as the closures handed to the door see it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::{DbError, ToSql, Value};

/// A transaction (write) or a consistent view (read).
pub struct Tx<'a> {
    connection: &'a Connection,
    statements: &'a Statements,
    rollbacks: u64,
    mirrored: Cell<bool>,
    uncovered: Cell<usize>,
    full: Cell<bool>,
    after_commit: RefCell<Vec<AfterCommit>>,
}

/// What is to be done once the transaction is durable.
pub(super) type AfterCommit = Box<dyn FnOnce() + Send>;

/// SQL as SQLite is to see it, worked out once per connection.
#[derive(Default)]
pub(super) struct Statements {
    /// By address and length: the text of a `&'static str` never changes nor goes away.
    translated: RefCell<HashMap<(usize, usize), Rc<str>>>,
    /// Statements made from a description, by the address of its parts.
    generated: RefCell<HashMap<(usize, usize), Rc<str>>>,
}

impl<'a> Tx<'a> {
    /// `rollbacks`: how often something was undone that had a mirror in memory.
    pub(super) fn new(connection: &'a Connection, statements: &'a Statements, rollbacks: u64) -> Self {
        Self {
            connection,
            statements,
            rollbacks,
            mirrored: Cell::new(false),
            uncovered: Cell::new(0),
            full: Cell::new(false),
            after_commit: RefCell::default(),
        }
    }

    /// Runs one statement and tells how many rows it changed. Statements are cached.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn execute(&self, sql: &'static str, params: &[&dyn ToSql]) -> Result<usize, DbError> {
        let mut statement = self.prepare(sql)?;
        statement.execute(params).map_err(|e| self.fault(e))
    }

    /// The first row, if any.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn query_opt<T>(
        &self,
        sql: &'static str,
        params: &[&dyn ToSql],
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, DbError> {
        let mut statement = self.prepare(sql)?;
        let mut map = map;
        statement.query_row(params, |row| map(row)).optional().map_err(|e| self.fault(e))
    }

    /// Every row. Bound the answer with LIMIT.
    ///
    /// # Errors
    /// As the engine reports.
    pub fn query_all<T>(
        &self,
        sql: &'static str,
        params: &[&dyn ToSql],
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DbError> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(params, map).map_err(|e| self.fault(e))?;
        rows.collect::<Result<_, _>>().map_err(|e| self.fault(e))
    }

    /// Calls `each` row by row, holding one at a time; stops at its first error.
    ///
    /// # Errors
    /// The engine's or `each`'s.
    pub fn query_each<E: From<DbError>>(
        &self,
        sql: &'static str,
        params: &[&dyn ToSql],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params).map_err(|e| self.fault(e))?;
        while let Some(row) = rows.next().map_err(|e| self.fault(e))? {
            each(row)?;
        }
        Ok(())
    }

    /// Runs `then` on the writer's thread once this work is durable, before its caller hears of it; never if it is
    /// undone. For what memory holds of the tables: it is never ahead of them, and whoever was told that something
    /// happened finds it there. Must be short, for every other work waits; in a read it never runs.
    pub fn after_commit(&self, then: impl FnOnce() + Send + 'static) {
        self.after_commit.borrow_mut().push(Box::new(then));
    }

    pub(super) fn take_after_commit(&self) -> Vec<AfterCommit> {
        self.after_commit.take()
    }

    /// Runs a whole script: migrations only.
    pub(super) fn script(&self, sql: &str) -> Result<(), DbError> {
        self.connection.execute_batch(sql).map_err(|e| self.fault(e))
    }

    /// Runs a statement that `make` writes once per connection for the description `key` points to.
    pub(crate) fn execute_generated(
        &self,
        key: (usize, usize),
        make: impl FnOnce() -> String,
        params: &[&Value],
    ) -> Result<usize, DbError> {
        let sql = Rc::clone(self.statements.generated.borrow_mut().entry(key).or_insert_with(|| make().into()));
        let mut statement = self.connection.prepare_cached(&sql).map_err(|e| self.fault(e))?;
        for (index, value) in (1..).zip(params) {
            statement.raw_bind_parameter(index, value).map_err(|e| self.fault(e))?;
        }
        statement.raw_execute().map_err(|e| self.fault(e))
    }

    /// Every row of a statement made at run time; for verification.
    pub(crate) fn query_made<E: From<DbError>>(
        &self,
        sql: &str,
        params: &[Value],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.fault(e))?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(|e| self.fault(e))?;
        while let Some(row) = rows.next().map_err(|e| self.fault(e))? {
            each(row)?;
        }
        Ok(())
    }

    /// How often something with a mirror in memory was undone, on this connection. A mirror made at
    /// another count is stale.
    pub(crate) fn rollbacks(&self) -> u64 {
        self.rollbacks
    }

    /// Says that memory now mirrors what this work writes: call it before changing either. If the work
    /// is undone, the count of [`Tx::rollbacks`] rises.
    pub(crate) fn mirror(&self) {
        self.mirrored.set(true);
    }

    pub(super) fn is_mirrored(&self) -> bool {
        self.mirrored.get()
    }

    /// Whether a statement of this work met a full disk.
    pub(super) fn met_full_disk(&self) -> bool {
        self.full.get()
    }

    /// Covered rows written and not yet in an entry.
    pub(crate) fn uncovered(&self) -> usize {
        self.uncovered.get()
    }

    pub(crate) fn set_uncovered(&self, rows: usize) {
        self.uncovered.set(rows);
    }

    fn prepare(&self, sql: &'static str) -> Result<CachedStatement<'a>, DbError> {
        let translated = self.statements.translated(sql);
        self.connection.prepare_cached(&translated).map_err(|e| self.fault(e))
    }

    fn fault(&self, error: rusqlite::Error) -> DbError {
        let error = DbError::from(error);
        if error == DbError::DiskFull {
            self.full.set(true);
        }
        error
    }
}

impl Statements {
    fn translated(&self, sql: &'static str) -> Rc<str> {
        let key = (sql.as_ptr().addr(), sql.len());
        Rc::clone(self.translated.borrow_mut().entry(key).or_insert_with(|| translate(sql).into()))
    }
}

/// Turns `$n` into `?n`. SQLite takes `$1` for a name and would number it by first appearance.
fn translate(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut quoted = None;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match quoted {
            Some(quote) if c == quote => quoted = None,
            None if c == '\'' || c == '"' => quoted = Some(c),
            _ => {}
        }
        let number = c == '$' && quoted.is_none() && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if number { '?' } else { c });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn numbered_placeholders_become_sqlites() {
        assert_eq!(translate("SELECT $2, $1 FROM t WHERE a = $12"), "SELECT ?2, ?1 FROM t WHERE a = ?12");
    }

    #[test]
    fn text_and_names_are_left_alone() {
        for sql in ["SELECT '$1', \"a$1\" FROM t", "SELECT 'it''s $1'", "SELECT $name"] {
            assert_eq!(translate(sql), sql);
        }
    }
}
