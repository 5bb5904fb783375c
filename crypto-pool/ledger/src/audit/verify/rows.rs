//! Every row of a covered table must point to an entry that covers it as it is.

use std::fmt::Write;

use super::Findings;
use crate::audit::{AuditError, Entry, InTx, Seq, store};
use crate::cover::{Table, row_digest, written_key};
use crate::db::{DbError, Tx, Value};

/// Rows looked at in one read view.
const STEP: usize = 500;

/// Where the check of one table is.
pub(super) struct Walk {
    table: &'static Table,
    /// The key of the last row looked at.
    after: Option<Vec<Value>>,
    pub(super) checked: u64,
    pub(super) findings: Findings,
    /// The entry looked up last: rows written together stand together.
    entry: Option<(Seq, Option<Entry>)>,
}

impl Walk {
    pub(super) fn new(table: &'static Table, findings: Findings) -> Self {
        Self { table, after: None, checked: 0, findings, entry: None }
    }

    fn sql(&self) -> String {
        let Table { name, columns, pending, .. } = self.table;
        let key = self.table.columns[..self.table.key].join(", ");
        let mut sql = format!("SELECT {}, audit_seq, ({}) FROM {name}", columns.join(", "), pending.unwrap_or("0"));
        if self.after.is_some() {
            let marks = (1..=self.table.key).map(|i| format!("?{i}")).collect::<Vec<_>>().join(", ");
            let _ = write!(sql, " WHERE ({key}) > ({marks})");
        }
        let _ = write!(sql, " ORDER BY {key} LIMIT {STEP}");
        sql
    }

    fn check(&mut self, tx: &Tx<'_>, values: &[Value], seq: &Value, pending: bool) -> InTx<()> {
        let name = self.table.name;
        let Some(key) = written_key(&values[..self.table.key]) else {
            self.findings.add(format!("a row of {name} has no proper key: {:?}", &values[..self.table.key]));
            return Ok(());
        };
        let seq = match seq {
            Value::Integer(seq) if *seq >= 0 => seq.unsigned_abs(),
            Value::Null | Value::Integer(-1) if pending => return Ok(()),
            _ => {
                self.findings.add(format!("row {key} of {name}: no entry covers it"));
                return Ok(());
            }
        };
        if self.entry.as_ref().is_none_or(|(known, _)| *known != seq) {
            let entry = store::leaf(tx, seq)?.and_then(|leaf| Entry::from_der(&leaf).ok());
            self.entry = Some((seq, entry));
        }
        let entry = self.entry.as_ref().and_then(|(_, entry)| entry.as_ref());
        // Of two covers of one row in an entry, the later one tells how the row was left.
        let cover = entry.and_then(|entry| entry.covers.iter().rev().find(|c| c.table == name && c.key == key));
        match cover {
            None => self.findings.add(format!("row {key} of {name}: entry {seq} does not cover it")),
            Some(cover) if cover.digest != row_digest(name, values) => {
                self.findings.add(format!("row {key} of {name}: it is not as entry {seq} recorded it"));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Looks at the next rows; whether there may be more.
pub(super) fn step(walk: &mut Walk, tx: &Tx<'_>) -> InTx<bool> {
    let width = walk.table.columns.len();
    let mut seen = 0;
    let sql = walk.sql();
    let after = walk.after.take().unwrap_or_default();
    tx.query_made::<AuditError>(&sql, &after, |row| {
        let get = |i| row.get::<_, Value>(i).map_err(DbError::from);
        let values = (0..width).map(get).collect::<Result<Vec<_>, _>>()?;
        let pending = get(width + 1)? == Value::Integer(1);
        walk.check(tx, &values, &get(width)?, pending)?;
        seen += 1;
        walk.checked += 1;
        walk.after = Some(values[..walk.table.key].to_vec());
        Ok(())
    })?;
    Ok(seen == STEP)
}
