//! The full check: entries against the tree, the tree against the checkpoints, rows against entries
//! and entries against rows.
//!
//! It goes in steps of some hundred records, each a read view of its own: other readers get their
//! turn, the write-ahead log can be written back, and memory stays small. What is written meanwhile
//! does no harm: an entry and the rows it covers appear together.

mod entries;
mod rows;

use super::checkpoint::Checkpoint;
use super::proof::{Hash, empty_root};
use super::{AuditError, InTx, store};
use crate::cover::Table;
use crate::db::{Db, DbError, Tx};

pub(super) use entries::{ENTRY_COLUMNS_FROM, examine};

/// Most findings that are told one by one.
const MOST_FINDINGS: usize = 1000;

/// The result of a full check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Entries checked.
    pub entries: u64,
    /// Rows checked.
    pub rows: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// Each thing found wrong, naming the record. Beyond a thousand they are only counted.
    pub findings: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing was found wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What was found wrong.
#[derive(Default)]
struct Findings {
    told: Vec<String>,
    more: u64,
}

impl Findings {
    fn add(&mut self, what: String) {
        if self.told.len() < MOST_FINDINGS {
            self.told.push(what);
        } else {
            self.more += 1;
        }
    }

    fn into_told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more findings", self.more));
        }
        self.told
    }
}

/// Runs `step` until it has nothing left, on a reader thread each time. Damage that keeps SQLite from
/// reading on is a finding and ends this part of the check; other failures end it all.
fn walk<W: Send + 'static>(
    db: &Db,
    mut walk: W,
    mut between: impl FnMut(&mut W),
    step: fn(&mut W, &Tx<'_>) -> InTx<bool>,
    findings: fn(&mut W) -> &mut Findings,
) -> InTx<W> {
    loop {
        let (returned, outcome) = db.read_blocking(move |tx| {
            let outcome = step(&mut walk, tx);
            Ok::<_, AuditError>((walk, outcome))
        })?;
        walk = returned;
        let more = match outcome {
            Ok(more) => more,
            Err(AuditError::Db(DbError::Damaged(what)) | AuditError::Broken(what)) => {
                findings(&mut walk).add(format!("the database is damaged: {what}"));
                false
            }
            Err(error) => return Err(error),
        };
        between(&mut walk);
        if !more {
            return Ok(walk);
        }
    }
}

pub(super) fn run(
    db: &Db,
    covered: &'static [&'static Table],
    progress: &mut dyn FnMut(u64, u64),
    genuine: &dyn Fn(&Checkpoint) -> bool,
    expect: Option<&Checkpoint>,
) -> InTx<VerifyReport> {
    let total = match db.read_blocking(move |tx| count(tx, covered)) {
        // Only the progress suffers; the check itself will name the damage.
        Err(AuditError::Db(DbError::Damaged(_))) => 0,
        counted => counted?,
    };
    let mut done = 0;

    let start = entries::Walk::new(covered, expect.cloned());
    let entries = walk(
        db,
        start,
        |walk| {
            for checkpoint in std::mem::take(&mut walk.unsigned) {
                if !genuine(&checkpoint) {
                    let size = checkpoint.body.size;
                    walk.findings.add(format!("checkpoint {size}: its signature is not the log key's"));
                }
            }
            done = walk.checked;
            progress(done.min(total), total);
        },
        entries::step,
        |walk| &mut walk.findings,
    )?;
    let mut findings = entries.findings;
    if let Some(expected) = expect {
        let size = expected.body.size;
        if !genuine(expected) {
            findings.add(format!("the expected checkpoint {size}: its signature is not the log key's"));
        }
        if size == 0 && expected.body.root != empty_root() {
            findings.add("the expected checkpoint 0: its root is not that of an empty log".to_owned());
        }
    }

    let mut checked = 0;
    for table in covered {
        let start = rows::Walk::new(table, findings);
        let seen = checked;
        let rows = walk(
            db,
            start,
            |walk| {
                checked = seen + walk.checked;
                progress((done + checked).min(total), total);
            },
            rows::step,
            |walk| &mut walk.findings,
        )?;
        findings = rows.findings;
    }
    Ok(VerifyReport {
        entries: entries.checked,
        rows: checked,
        checkpoints: entries.checkpoints,
        findings: findings.into_told(),
    })
}

fn count(tx: &Tx<'_>, covered: &[&Table]) -> InTx<u64> {
    let mut total = store::count(tx)?;
    for table in covered {
        tx.query_made::<AuditError>(&format!("SELECT count(*) FROM {}", table.name), &[], |row| {
            total += row.get::<_, i64>(0).unwrap_or(0).unsigned_abs();
            Ok(())
        })?;
    }
    Ok(total)
}

/// A hash from a column, if it has the length of one.
fn as_hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}
