//! Exclusive units ("virtual crypto machines", T/TCCIA 0002-2022 5.3 a and 5.5): a tenant's own queue and
//! workers, its keys apart from all others in memory, and a key-encryption key of its own around them.
//!
//! Nothing that a signature of one unit waits for is held by another: queue, workers, keys in memory, and the
//! batch that is on its way to the log belong to the unit. What all share is touched once for a whole batch:
//! the commit, and the random source's buffer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ledger::{AuditLog, Db, Tx};
use pki_config::TenantId;
use pki_config::role::Authorized;

use crate::error::Error;
use crate::kms::{Kms, UnitRecord, UnitSpec};
use crate::pool::{BulkRequest, Line, PoolHandle, PoolOptions, Record, SignRequest, Signed};

/// One unit at work. Cheap to clone. Requests through it touch nothing of other units; those that come through
/// [`PoolHandle`] find their way to it too.
#[derive(Clone)]
pub struct Unit(Arc<Inner>);

struct Inner {
    tenant: TenantId,
    line: Line,
}

impl Unit {
    fn start(record: &UnitRecord, options: &PoolOptions, db: Db, audit: AuditLog, kms: &Kms) -> Result<Self, Error> {
        let options = PoolOptions { threads: record.workers as usize, ..options.clone() };
        let kms = kms.of_unit(&record.tenant);
        let line = Line::start(&format!("unit-{}", record.tenant), &options, &record.cores, db, audit, kms)?;
        Ok(Self(Arc::new(Inner { tenant: record.tenant.clone(), line })))
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.0.tenant
    }

    pub(crate) fn line(&self) -> &Line {
        &self.0.line
    }

    /// As [`PoolHandle::sign`], with a key of this unit.
    ///
    /// # Errors
    /// As there; keys of others are answered like missing ones.
    pub async fn sign<T, E>(
        &self,
        request: SignRequest,
        commit: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, T), E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let key = self.0.line.key(&request.actor, request.key).await?;
        self.0.line.sign(key, request, commit).await
    }

    /// As [`PoolHandle::sign_bulk`], with a key of this unit.
    ///
    /// # Errors
    /// As there; keys of others are answered like missing ones.
    pub async fn sign_bulk(&self, request: BulkRequest) -> Result<Vec<Signed>, Error> {
        let key = self.0.line.key(&request.actor, request.key).await?;
        self.0.line.sign_bulk(key, request).await
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({})", self.0.tenant)
    }
}

/// The units at work, by tenant.
#[derive(Default)]
pub(crate) struct Units(RwLock<HashMap<TenantId, Unit>>);

impl Units {
    pub(crate) fn of(&self, tenant: &TenantId) -> Option<Unit> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    fn put(&self, unit: Unit) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(unit.tenant().clone(), unit);
    }

    fn take(&self, tenant: &TenantId) -> Option<Unit> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(tenant)
    }

    /// Stops the workers of all of them, when what is queued is done.
    pub(crate) fn stop(&self) {
        let units: Vec<Unit> = self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        units.iter().for_each(|unit| unit.line().crew().stop());
    }
}

impl PoolHandle {
    /// Makes an exclusive unit and starts it. The keys that the tenant has move into it: they are wrapped anew,
    /// under the unit's own key-encryption key; keys made later begin there. Durable and logged.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`pki_config::Permission::ManageUnits`], for callers that are not of the
    /// house, and for the house itself; [`Error::UnitExists`]; [`Error::UnitSize`]; [`Error::Sealed`];
    /// [`Error::Busy`] if the system gives no thread: the unit then starts with the next start of the pool.
    pub async fn create_unit(&self, by: &Authorized, spec: UnitSpec) -> Result<Unit, Error> {
        let _one_at_a_time = self.managing().await;
        let record = self.kms().add_unit(by, spec).await?;
        let unit = self.start_unit(&record)?;
        self.units().put(unit.clone());
        // Requests that came between the two may have unwrapped keys in the memory of all.
        self.kms().part_unit(unit.tenant());
        Ok(unit)
    }

    /// Gives a unit more or fewer workers, while it works. Durable and logged.
    ///
    /// # Errors
    /// As [`PoolHandle::create_unit`]; [`Error::NoSuchUnit`].
    pub async fn resize_unit(&self, by: &Authorized, tenant: &TenantId, workers: u32) -> Result<UnitRecord, Error> {
        let _one_at_a_time = self.managing().await;
        let record = self.kms().change_unit(by, tenant, workers).await?;
        if let Some(unit) = self.units().of(tenant) {
            // In a thread: those that leave finish their batch first.
            crate::kms::in_thread(move || unit.line().crew().resize(workers as usize)).await??;
        }
        Ok(record)
    }

    /// Destroys a unit, all keys in it, and its key-encryption key. What it was signing is answered; from then
    /// on its keys are unusable, here and in every copy of the database made later. Backups made before still
    /// hold them, wrapped under a key that is wrapped under the root key. Durable and logged.
    ///
    /// # Errors
    /// As [`PoolHandle::create_unit`]; [`Error::NoSuchUnit`].
    pub async fn destroy_unit(&self, by: &Authorized, tenant: &TenantId) -> Result<(), Error> {
        let _one_at_a_time = self.managing().await;
        self.kms().remove_unit(by, tenant).await?;
        let unit = self.units().take(tenant);
        self.kms().forget_unit(tenant);
        match unit {
            Some(unit) => crate::kms::in_thread(move || unit.line().crew().stop()).await,
            None => Ok(()),
        }
    }

    /// The unit of this tenant, if it has one.
    #[must_use]
    pub fn unit(&self, tenant: &TenantId) -> Option<Unit> {
        self.units().of(tenant)
    }

    /// All units, oldest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list_units(&self) -> Result<Vec<UnitRecord>, Error> {
        self.kms().units().await
    }

    /// Starts the units that there are. Blocks.
    pub(crate) fn start_units(&self) -> Result<(), Error> {
        for record in self.kms().units_blocking()? {
            self.units().put(self.start_unit(&record)?);
        }
        Ok(())
    }

    fn start_unit(&self, record: &UnitRecord) -> Result<Unit, Error> {
        let (db, audit) = self.stores();
        Unit::start(record, self.options(), db, audit, self.kms())
    }
}
