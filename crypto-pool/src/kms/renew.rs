//! Wraps every key anew, under another root key, while the pool signs on.
//!
//! The slot holds both root keys from before the first row until after the last one, and so does the sealed file: a
//! crash at any step leaves each row wrapped under one of the two. What is done twice changes nothing.

use std::sync::Arc;

use ledger::audit::EntryDraft;
use ledger::{Cover, Importance, Outcome, Tx};
use pki_config::role::Authorized;
use pki_config::{Actor, Event, Permission};
use tokio::sync::{RwLockWriteGuard, oneshot};

use super::{Kms, binding, in_thread, require};
use crate::backend::UnitKek;
use crate::error::Error;
use crate::kms::UnitRecord;
use crate::store::{self, StoredKey};

/// Rows in one log entry: their covers fill half of it at most.
const ROWS_IN_ENTRY: usize = 256;

/// While this is held, no row with a wrapped key is written by anybody else. Signing goes on.
pub struct Renewal<'a> {
    kms: &'a Kms,
    actor: Actor,
    _alone: RwLockWriteGuard<'a, ()>,
}

/// A key or a unit, and its new wrapping.
enum Renewed {
    Key(StoredKey, Vec<u8>),
    Unit(UnitRecord, Vec<u8>),
}

impl Kms {
    /// Waits until no row with a wrapped key is being written, and keeps it so.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ManageRoot`].
    pub async fn begin_renewal(&self, by: &Authorized) -> Result<Renewal<'_>, Error> {
        require(by, Permission::ManageRoot)?;
        let alone = self.inner.wrapping.write().await;
        Ok(Renewal { kms: self, actor: by.actor().clone(), _alone: alone })
    }
}

impl Renewal<'_> {
    /// Whether every row opens under the newest root key alone: then nothing needs the one before it. The slot holds
    /// the newest alone afterwards; on an error both, as before.
    ///
    /// # Errors
    /// As [`Renewal::all`].
    pub async fn settle(&self) -> Result<(), Error> {
        let root = &self.kms.inner.root;
        let both = root.get()?;
        root.replace(both.alone())?;
        let checked = self.all().await;
        if checked.is_err()
            && let Some(before) = both.previous()
        {
            root.replace(both.alone().in_place_of(before))?;
        }
        checked.map(drop)
    }

    /// Wraps under the newest root key whatever is still wrapped under the one before it; says how many rows that
    /// were. Durable and logged, some rows at a time.
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::KeyDamaged`] for a row that opens under neither: then the root key before must be
    /// kept; the log's or the database's own.
    pub async fn all(&self) -> Result<usize, Error> {
        let mut changed = self.units().await?;
        let mut after = String::new();
        loop {
            let from = after.clone();
            let found = move |tx: &Tx<'_>| Ok::<_, Error>(store::wrapped_after(tx, &from, ROWS_IN_ENTRY)?);
            let keys: Vec<StoredKey> = self.kms.inner.db.read(found).await?;
            let Some(last) = keys.last() else { return Ok(changed) };
            after = last.record.id.to_string();
            let kms = self.kms.clone();
            let renewed = in_thread(move || kms.renew_keys(keys)).await??;
            changed += renewed.len();
            self.write(renewed).await?;
        }
    }

    async fn units(&self) -> Result<usize, Error> {
        let mut renewed = Vec::new();
        for unit in self.kms.units().await? {
            let Some(wrapped) = &unit.wrapped_kek else { continue };
            let kek = UnitKek { unit: unit.id, wrapped };
            if let Some(wrapped) = self.kms.inner.backend.renewed_kek(&unit.tenant, kek)? {
                renewed.push(Renewed::Unit(unit, wrapped));
            }
        }
        let changed = renewed.len();
        while !renewed.is_empty() {
            let some = renewed.drain(..renewed.len().min(ROWS_IN_ENTRY)).collect();
            self.write(some).await?;
        }
        Ok(changed)
    }

    /// Writes some rows and the entry that covers them; keys in memory are those of the rows when it is durable.
    async fn write(&self, rows: Vec<Renewed>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        let (audit, partitions) = (self.kms.inner.audit.clone(), Arc::clone(&self.kms.inner.partitions));
        let actor = self.actor.clone();
        let work = move |tx: &Tx<'_>| -> Result<Vec<StoredKey>, Error> {
            let seq = audit.next_seq(tx)?;
            let (mut covers, mut keys): (Vec<Cover>, _) = (Vec::new(), Vec::new());
            for row in rows {
                match row {
                    Renewed::Key(before, wrapped) => {
                        covers.push(store::put(tx, &before.record, Some(&wrapped), seq)?);
                        keys.push(StoredKey { wrapped: Some(wrapped), ..before });
                    }
                    Renewed::Unit(unit, wrapped) => {
                        let unit = UnitRecord { wrapped_kek: Some(wrapped), ..unit };
                        covers.push(store::put_unit(tx, &unit, seq)?);
                    }
                }
            }
            let payload = format!("wrapped anew: rows={} keys={}", covers.len(), keys.len()).into_bytes();
            let (event, object, outcome) = (Event::RootReplaced, "keys".to_owned(), Outcome::Done);
            audit.append(tx, EntryDraft { actor, event, object, outcome, payload, covers })?;
            Ok(keys)
        };
        self.kms.inner.db.write_then(Importance::Essential, work, move |result: Result<Vec<StoredKey>, Error>| {
            let _ =
                answer.send(result.map(|keys| keys.into_iter().for_each(|key| partitions.take_over(&Arc::new(key)))));
        });
        answered.await.unwrap_or(Err(Error::Stopping))
    }
}

impl Kms {
    /// Those of these keys that are not wrapped under the newest root key, with their new wrapping. Blocks.
    fn renew_keys(&self, keys: Vec<StoredKey>) -> Result<Vec<Renewed>, Error> {
        let mut renewed = Vec::new();
        for key in keys {
            let Some(wrapped) = &key.wrapped else { continue };
            let unit = self.unit_around(wrapped)?;
            let new = self.inner.backend.renewed(binding(&key.record, unit.as_ref()), &key.public, wrapped)?;
            if let Some(new) = new {
                renewed.push(Renewed::Key(key, new));
            }
        }
        Ok(renewed)
    }
}
