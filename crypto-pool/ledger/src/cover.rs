//! Rows the log answers for: each is written together with an audit entry that holds its digest.
//!
//! A covered table has a column `audit_seq`. [`Tx::put`] writes a whole row (insert or replace) and
//! returns the [`Cover`] that must go into the entry appended in the same transaction. `audit verify`
//! then finds a changed row (digest), a rolled-back or removed row (its newest entry names it), and an
//! invented row (no entry names it).

use crate::audit::Seq;
use crate::db::{DbError, Tx, Value};

/// A table the log covers.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of the leading `columns` make up its primary key.
    pub key: usize,
    /// Every column but `audit_seq`, the key first.
    pub columns: &'static [&'static str],
}

/// The digest of a row as it now is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The table's name.
    pub table: String,
    /// The row's key, written out.
    pub key: String,
    /// SM3 over the canonical encoding of all its columns but `audit_seq`.
    pub digest: [u8; 32],
}

impl Tx<'_> {
    /// Writes one whole row of a covered table, insert or replace, for the entry `seq`.
    /// `values` are in the order of `table.columns`.
    ///
    /// # Errors
    /// As the engine reports; nothing of the enclosing work is kept then.
    pub fn put(&self, _table: &Table, _values: &[Value], _seq: Seq) -> Result<Cover, DbError> {
        todo!()
    }
}
