//! What of the keys is in memory: for all of them together, and for each exclusive unit apart, so that the
//! workers of one unit never wait for a lock that another holds.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use pki_config::{KeyId, TenantId};

use crate::backend::Signer;
use crate::key::KeyState;
use crate::store::StoredKey;

/// Keys in memory.
#[derive(Default)]
pub(super) struct Partition {
    keys: RwLock<HashMap<KeyId, Arc<StoredKey>>>,
    /// Unwrapped keys, each with the generation of the root key slot it was unwrapped under.
    signers: RwLock<HashMap<KeyId, Unwrapped>>,
}

type Unwrapped = (u64, Arc<dyn Signer>);

impl Partition {
    pub(super) fn key(&self, id: KeyId) -> Option<Arc<StoredKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn keep_unless_there(&self, key: Arc<StoredKey>) -> Arc<StoredKey> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.entry(key.record.id).or_insert(key))
    }

    /// The key ready to sign, if it was unwrapped in this generation of the root key slot.
    pub(super) fn signer(&self, id: KeyId, generation: u64) -> Option<Arc<dyn Signer>> {
        let signers = self.signers.read().unwrap_or_else(PoisonError::into_inner);
        signers.get(&id).filter(|(then, _)| *then == generation).map(|(_, signer)| Arc::clone(signer))
    }

    /// Keeps the signer of `key` that was unwrapped in `generation`, unless the slot or the key has moved on.
    pub(super) fn keep_signer(
        &self,
        key: &StoredKey,
        generation: u64,
        signer: &Arc<dyn Signer>,
        now: impl Fn() -> u64,
    ) {
        let id = key.record.id;
        let mut signers = self.signers.write().unwrap_or_else(PoisonError::into_inner);
        // Under this lock: whoever changes the key looks here after it has put the new row in.
        let moved_on = self.key(id).is_some_and(|newest| newest.wrapped != key.wrapped);
        if now() == generation && !moved_on {
            signers.insert(id, (generation, Arc::clone(signer)));
        }
    }

    /// A newer row of a key: what does not sign any more is not kept ready, nor what is wrapped anew.
    fn take_over(&self, key: &Arc<StoredKey>) {
        let id = key.record.id;
        let before = self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(key));
        let same = before.is_some_and(|before| before.wrapped == key.wrapped);
        if !same || key.record.state != KeyState::Active {
            self.signers.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        }
    }

    /// Drops the unwrapped keys of one tenant.
    fn wipe_tenant(&self, tenant: &TenantId) {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<KeyId> = keys.values().filter(|k| k.record.tenant == *tenant).map(|k| k.record.id).collect();
        drop(keys);
        let mut signers = self.signers.write().unwrap_or_else(PoisonError::into_inner);
        signers.retain(|id, _| !ids.contains(id));
    }

    /// Drops every unwrapped key.
    pub(super) fn wipe(&self) {
        self.signers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The partition of all keys, and those of the units by tenant.
#[derive(Default)]
pub(super) struct Partitions {
    shared: Arc<Partition>,
    units: RwLock<HashMap<TenantId, Arc<Partition>>>,
}

impl Partitions {
    pub(super) fn shared(&self) -> Arc<Partition> {
        Arc::clone(&self.shared)
    }

    /// The partition of this tenant's unit, made if there is none.
    pub(super) fn of_unit(&self, tenant: &TenantId) -> Arc<Partition> {
        let mut units = self.units.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(units.entry(tenant.clone()).or_default())
    }

    /// From now on this tenant's keys are unwrapped in its unit's partition only.
    pub(super) fn part(&self, tenant: &TenantId) {
        self.shared.wipe_tenant(tenant);
    }

    pub(super) fn drop_unit(&self, tenant: &TenantId) {
        let gone = self.units.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        if let Some(partition) = gone {
            partition.wipe();
        }
    }

    /// A newer row of a key, for whoever may have it in memory.
    pub(super) fn take_over(&self, key: &Arc<StoredKey>) {
        self.shared.take_over(key);
        let unit = self.units.read().unwrap_or_else(PoisonError::into_inner).get(&key.record.tenant).cloned();
        if let Some(partition) = unit {
            partition.take_over(key);
        }
    }

    pub(super) fn each(&self, act: impl Fn(&Partition)) {
        act(&self.shared);
        self.units.read().unwrap_or_else(PoisonError::into_inner).values().for_each(|partition| act(partition));
    }
}
