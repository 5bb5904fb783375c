//! Tables are brought up to date step by step; a database from a newer program is refused.

use super::{Db, DbError, Importance, Tx};

/// Applies the steps a crate's tables have not had yet, each in a transaction of its own.
pub(super) fn run(db: &Db, crate_name: &'static str, steps: &[&str]) -> Result<(), DbError> {
    let applied = db.write_blocking(Importance::Normal, move |tx| {
        tx.script(
            "CREATE TABLE IF NOT EXISTS ledger_migration (
                 crate TEXT PRIMARY KEY NOT NULL,
                 applied INTEGER NOT NULL
             ) STRICT, WITHOUT ROWID",
        )?;
        applied(tx, crate_name)
    })?;
    let known = steps.len() as u64;
    if applied > known {
        return Err(DbError::Newer { crate_name: crate_name.to_owned(), applied, known });
    }
    for (before, step) in (0_u64..).zip(steps).skip(usize::try_from(applied).unwrap_or(usize::MAX)) {
        let step = (*step).to_owned();
        db.write_blocking(Importance::Normal, move |tx| {
            // Another process may have come first; then its step stands and ours is not run.
            if self::applied(tx, crate_name)? != before {
                return Ok(());
            }
            tx.script(&step)?;
            tx.execute(
                "INSERT INTO ledger_migration (crate, applied) VALUES ($1, $2)
                 ON CONFLICT (crate) DO UPDATE SET applied = excluded.applied",
                &[&crate_name, &before.saturating_add(1).cast_signed()],
            )?;
            Ok::<_, DbError>(())
        })?;
    }
    Ok(())
}

fn applied(tx: &Tx<'_>, crate_name: &str) -> Result<u64, DbError> {
    let applied: Option<i64> =
        tx.query_opt("SELECT applied FROM ledger_migration WHERE crate = $1", &[&crate_name], |row| row.get(0))?;
    u64::try_from(applied.unwrap_or(0)).map_err(|_| DbError::Damaged(format!("ledger_migration of {crate_name}")))
}
