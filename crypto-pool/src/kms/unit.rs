//! Exclusive units as they are kept: who has one, its key-encryption key, and the keys under it.

use std::sync::Arc;

use ledger::audit::EntryDraft;
use ledger::{Cover, Importance, Outcome, Seq, Tx};
use pki_config::role::Authorized;
use pki_config::{Actor, Event, Instant, Permission, TenantId, UnitId};
use tokio::sync::oneshot;

use super::{Kms, Wrapping, binding, in_thread, require};
use crate::backend::UnitKek;
use crate::error::Error;
use crate::key::{KeyRecord, KeyState};
use crate::store::{self, StoredKey};

/// Most workers of a unit.
const MOST_WORKERS: u32 = 256;
/// Keys in one log entry: their covers fill half of it at most.
const KEYS_IN_ENTRY: usize = 256;

/// What unit to make.
#[derive(Debug, Clone)]
pub struct UnitSpec {
    /// For whom. A tenant has one unit at a time; the house has none.
    pub tenant: TenantId,
    /// Threads that sign for nobody else. 1 to 256.
    pub workers: u32,
    /// Processors they are bound to, one after another; none: wherever the system puts them. At most 256.
    pub cores: Vec<u16>,
}

/// A unit as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitRecord {
    /// Which.
    pub id: UnitId,
    /// Whose.
    pub tenant: TenantId,
    /// Its threads.
    pub workers: u32,
    /// The processors they are bound to, if any.
    pub cores: Vec<u16>,
    /// When it was made.
    pub created: Instant,
    /// Its key-encryption key, wrapped; `None` once destroyed.
    pub(crate) wrapped_kek: Option<Vec<u8>>,
}

impl UnitRecord {
    pub(crate) fn kek(&self) -> Option<UnitKek<'_>> {
        self.wrapped_kek.as_deref().map(|wrapped| UnitKek { unit: self.id, wrapped })
    }
}

impl Kms {
    /// A handle that knows the keys of this tenant alone, and keeps them in memory apart from all others.
    pub(crate) fn of_unit(&self, tenant: &TenantId) -> Self {
        let memory = self.inner.partitions.of_unit(tenant);
        Self { inner: Arc::clone(&self.inner), memory, only: Some(tenant.clone()) }
    }

    /// The unit this tenant has, if any.
    pub(crate) async fn unit_of(&self, tenant: &TenantId) -> Result<Option<UnitRecord>, Error> {
        let tenant = tenant.clone();
        self.inner.db.read(move |tx| Ok(store::unit_of(tx, &tenant)?)).await
    }

    /// All units, oldest first.
    pub(crate) async fn units(&self) -> Result<Vec<UnitRecord>, Error> {
        self.inner.db.read(|tx| Ok(store::units(tx)?)).await
    }

    /// As [`Kms::units`]. Blocks.
    pub(crate) fn units_blocking(&self) -> Result<Vec<UnitRecord>, Error> {
        self.inner.db.read_blocking(|tx| Ok(store::units(tx)?))
    }

    /// The unit that a wrapped key says it belongs to. Blocks; asked once for each key that is unwrapped.
    pub(super) fn unit_around(&self, wrapped: &[u8]) -> Result<Option<UnitRecord>, Error> {
        match self.inner.backend.unit_of(wrapped) {
            None => Ok(None),
            Some(unit) => self.inner.db.read_blocking(move |tx| Ok(store::unit(tx, unit)?)),
        }
    }

    /// Makes a unit, and moves the keys that its tenant has under its key-encryption key. Durable and logged.
    pub(crate) async fn add_unit(&self, by: &Authorized, spec: UnitSpec) -> Result<UnitRecord, Error> {
        let UnitSpec { tenant, workers, cores } = spec;
        may_manage(by, &tenant)?;
        if !(1..=MOST_WORKERS).contains(&workers) || cores.len() > 256 {
            return Err(Error::UnitSize);
        }
        let created = self.inner.audit.ready()?;
        if self.unit_of(&tenant).await?.is_some() {
            return Err(Error::UnitExists { tenant });
        }
        let wrapping = self.wrapping().await;
        let id = UnitId::draw(&*self.inner.random)?;
        let kek = self.inner.backend.make_kek(&tenant, id)?;
        let unit = UnitRecord { id, tenant, workers, cores, created, wrapped_kek: Some(kek) };
        let (mut moved, whose) = (self.rewrapped(&unit).await?, unit.tenant.clone());
        let mut first = Some(unit.clone());
        while first.is_some() || !moved.is_empty() {
            let some: Vec<Rewrapped> = moved.drain(..moved.len().min(KEYS_IN_ENTRY)).collect();
            let (new, tenant) = (first.take(), whose.clone());
            let words = format!("workers={} cores={:?} ", unit.workers, unit.cores);
            self.change(Arc::clone(&wrapping), by.actor().clone(), Event::UnitCreated, id, words, move |tx, seq| {
                let mut covers = Vec::new();
                if let Some(new) = &new {
                    if store::unit_of(tx, &tenant)?.is_some() {
                        return Err(Error::UnitExists { tenant });
                    }
                    covers.push(store::put_unit(tx, new, seq)?);
                }
                let mut keys = Vec::new();
                for Rewrapped { before, wrapped } in some {
                    // Changed since it was read: it keeps the wrapping it has, which opens as before.
                    let newest = store::key(tx, before.record.id)?.filter(|now| now.wrapped == before.wrapped);
                    let Some(newest) = newest else { continue };
                    covers.push(store::put(tx, &newest.record, Some(&wrapped), seq)?);
                    keys.push(StoredKey { wrapped: Some(wrapped), ..newest });
                }
                Ok((covers, keys))
            })
            .await?;
        }
        Ok(unit)
    }

    /// The keys of the unit's tenant, each wrapped under the unit's key-encryption key.
    async fn rewrapped(&self, unit: &UnitRecord) -> Result<Vec<Rewrapped>, Error> {
        let tenant = unit.tenant.clone();
        let keys: Vec<StoredKey> = self.inner.db.read(move |tx| Ok::<_, Error>(store::keys(tx, &tenant)?)).await?;
        let (backend, unit, kms) = (Arc::clone(&self.inner.backend), unit.clone(), self.clone());
        in_thread(move || {
            let mut moved = Vec::with_capacity(keys.len());
            for before in keys {
                let Some(wrapped) = &before.wrapped else { continue };
                let around = kms.unit_around(wrapped)?;
                let (from, to) = (binding(&before.record, around.as_ref()), binding(&before.record, Some(&unit)));
                let wrapped = backend.rewrap(from, to, &before.public, wrapped)?;
                moved.push(Rewrapped { before, wrapped });
            }
            Ok(moved)
        })
        .await?
    }

    /// Writes how many workers a unit has from now on. Durable and logged.
    pub(crate) async fn change_unit(
        &self,
        by: &Authorized,
        tenant: &TenantId,
        workers: u32,
    ) -> Result<UnitRecord, Error> {
        may_manage(by, tenant)?;
        if !(1..=MOST_WORKERS).contains(&workers) {
            return Err(Error::UnitSize);
        }
        let wrapping = self.wrapping().await;
        let found = self.unit_of(tenant).await?;
        let found = found.ok_or_else(|| Error::NoSuchUnit { tenant: tenant.clone() })?;
        let (unit, whose) = (UnitRecord { workers, ..found }, tenant.clone());
        let (row, words) = (unit.clone(), format!("workers={workers} "));
        self.change(wrapping, by.actor().clone(), Event::UnitResized, unit.id, words, move |tx, seq| {
            match store::unit_of(tx, &whose)? {
                Some(now) if now.id == row.id => Ok((vec![store::put_unit(tx, &row, seq)?], Vec::new())),
                _ => Err(Error::NoSuchUnit { tenant: whose }),
            }
        })
        .await?;
        Ok(unit)
    }

    /// Destroys a unit: first its keys, whatever their state, and with the last of them its key-encryption key.
    /// Durable and logged. Stopped halfway, the unit is still there and can be destroyed again.
    pub(crate) async fn remove_unit(&self, by: &Authorized, tenant: &TenantId) -> Result<(), Error> {
        may_manage(by, tenant)?;
        let found = self.unit_of(tenant).await?;
        let id = found.ok_or_else(|| Error::NoSuchUnit { tenant: tenant.clone() })?.id;
        let wrapping = self.wrapping().await;
        loop {
            let whose = tenant.clone();
            let (answer, last) = oneshot::channel();
            self.change(
                Arc::clone(&wrapping),
                by.actor().clone(),
                Event::UnitDestroyed,
                id,
                String::new(),
                move |tx, seq| {
                    let unit = store::unit_of(tx, &whose)?.filter(|now| now.id == id);
                    let Some(unit) = unit else { return Err(Error::NoSuchUnit { tenant: whose }) };
                    let mut keys = store::wrapped_keys(tx, &whose, KEYS_IN_ENTRY)?;
                    let mut covers = Vec::new();
                    for key in &mut keys {
                        key.record = KeyRecord { state: KeyState::Destroyed, ..key.record.clone() };
                        key.wrapped = None;
                        covers.push(store::put(tx, &key.record, None, seq)?);
                    }
                    let is_last = keys.len() < KEYS_IN_ENTRY;
                    if is_last {
                        covers.push(store::put_unit(tx, &UnitRecord { wrapped_kek: None, ..unit }, seq)?);
                    }
                    let _ = answer.send(is_last);
                    Ok((covers, keys))
                },
            )
            .await?;
            if last.await.unwrap_or(true) {
                return Ok(());
            }
        }
    }

    /// Drops what was unwrapped of this tenant's keys outside its unit.
    pub(crate) fn part_unit(&self, tenant: &TenantId) {
        self.inner.partitions.part(tenant);
    }

    /// Wipes what a unit's partition held.
    pub(crate) fn forget_unit(&self, tenant: &TenantId) {
        self.inner.partitions.drop_unit(tenant);
    }

    /// Writes rows of a unit and of keys, and the entry that covers them; the keys are known when it is durable.
    async fn change(
        &self,
        wrapping: Wrapping,
        actor: Actor,
        event: Event,
        unit: UnitId,
        words: String,
        rows: impl FnOnce(&Tx<'_>, Seq) -> Result<(Vec<Cover>, Vec<StoredKey>), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let (audit, partitions) = (self.inner.audit.clone(), Arc::clone(&self.inner.partitions));
        let work = move |tx: &Tx<'_>| -> Result<Vec<StoredKey>, Error> {
            let seq = audit.next_seq(tx)?;
            let (covers, keys) = rows(tx, seq)?;
            let payload = format!("{words}keys={}", keys.len()).into_bytes();
            let (object, outcome) = (unit.to_string(), Outcome::Done);
            audit.append(tx, EntryDraft { actor, event, object, outcome, payload, covers })?;
            Ok(keys)
        };
        self.inner.db.write_then(Importance::Essential, work, move |result: Result<Vec<StoredKey>, Error>| {
            let written = result.map(|keys| keys.into_iter().for_each(|key| partitions.take_over(&Arc::new(key))));
            drop(wrapping);
            let _ = answer.send(written);
        });
        answered.await.unwrap_or(Err(Error::Stopping))
    }
}

/// A key and how it is wrapped under a unit's key-encryption key.
struct Rewrapped {
    before: StoredKey,
    wrapped: Vec<u8>,
}

/// Units take processors from everybody: the house alone gives and takes them, and has none itself.
fn may_manage(by: &Authorized, tenant: &TenantId) -> Result<(), Error> {
    require(by, Permission::ManageUnits)?;
    let house = TenantId::house();
    if *by.actor().tenant() == house && *tenant != house { Ok(()) } else { Err(Error::Forbidden) }
}
