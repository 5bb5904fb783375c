//! Makes keys, keeps them, moves them through their life, and lends them to the pool.

use std::sync::Arc;
use std::time::Duration;

use ledger::audit::EntryDraft;
use ledger::{AuditLog, Db, Importance, Outcome, Seq};
use pki_config::role::Authorized;
use pki_config::time::Validity;
use pki_config::{Actor, Clock, Event, Instant, KeyId, Permission, Random, Role, TenantId};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::algorithm::KeyAlgorithm;
use crate::backend::{Backend, Binding, DeviceStatus, Signer};
use crate::error::Error;
use crate::key::{KeyRecord, KeyState, Purpose};
use crate::public_key::PublicKey;
use crate::root_key::RootKeySlot;
use crate::store::{self, StoredKey};

mod archive;
mod partition;
mod policy;
mod renew;
mod unit;

use partition::{Partition, Partitions};
use policy::Policy;
pub use renew::Renewal;
pub use unit::{UnitRecord, UnitSpec};

/// How long a ceremony lasts.
const CEREMONY: Duration = Duration::from_secs(3600);

/// What key to make.
#[derive(Debug, Clone)]
pub struct KeySpec {
    /// What it is for.
    pub purpose: Purpose,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// The name it signs for (DER of a `Name`); needed to sign certificates and CRLs.
    pub subject: Option<Vec<u8>>,
    /// Whose it is: the caller's own tenant, or any if the caller is of the house.
    pub tenant: TenantId,
}

/// The right to have CA certificates signed, for an hour. Only [`Kms::begin_ceremony`] gives one, and logs it.
#[derive(Debug, Clone)]
pub struct Ceremony {
    seq: Seq,
    until: Instant,
}

impl Ceremony {
    /// The log entry that began it.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    #[cfg(test)]
    pub(crate) const fn open_until(until: Instant) -> Self {
        Self { seq: 0, until }
    }

    pub(crate) fn is_open_at(&self, now: Instant) -> bool {
        now <= self.until
    }
}

/// Brings the pool's table up to date. To be called before the audit log is opened, which looks at the
/// tables it covers.
///
/// # Errors
/// As the database reports.
pub fn migrate(db: &Db) -> Result<(), Error> {
    Ok(store::migrate(db)?)
}

/// The key management. Cheap to clone.
#[derive(Clone)]
pub struct Kms {
    inner: Arc<Inner>,
    /// What this handle has in memory: of all keys together, or of one unit's alone.
    memory: Arc<Partition>,
    /// The tenant whose keys alone this handle knows; `None`: of every tenant.
    only: Option<TenantId>,
}

/// Held until a row is on the disk.
type Wrapping = Arc<tokio::sync::OwnedRwLockReadGuard<()>>;

struct Inner {
    db: Db,
    audit: AuditLog,
    backend: Arc<dyn Backend>,
    root: RootKeySlot,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    partitions: Arc<Partitions>,
    policy: Policy,
    /// Held by whatever writes rows with wrapped keys; alone, while all of them are wrapped anew: a row read before
    /// could otherwise be written back with a wrapping that soon opens no more.
    wrapping: Arc<tokio::sync::RwLock<()>>,
}

impl Kms {
    /// Key management over this database, log and backend. [`migrate`] must have run.
    #[must_use]
    pub fn new(
        db: Db,
        audit: AuditLog,
        backend: Arc<dyn Backend>,
        root: RootKeySlot,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let partitions = Arc::new(Partitions::default());
        let weak = Arc::downgrade(&partitions);
        root.on_seal(move || {
            if let Some(partitions) = weak.upgrade() {
                partitions.each(Partition::wipe);
            }
        });
        let memory = partitions.shared();
        let policy = Policy::default();
        Self {
            inner: Arc::new(Inner {
                db,
                audit,
                backend,
                root,
                random,
                clock,
                partitions,
                policy,
                wrapping: Arc::default(),
            }),
            memory,
            only: None,
        }
    }

    /// Makes a key. Durable and logged when it returns.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ManageIssuers`] or for a foreign tenant; [`Error::Sealed`];
    /// [`Error::Random`]; the log's or the database's own.
    pub async fn generate(&self, by: &Authorized, spec: KeySpec) -> Result<KeyRecord, Error> {
        require(by, Permission::ManageIssuers)?;
        let own = *by.actor().tenant() == spec.tenant || *by.actor().tenant() == TenantId::house();
        if !own {
            return Err(Error::Forbidden);
        }
        self.inner.audit.ready()?;
        let wrapping = self.wrapping().await;
        let id = KeyId::draw(&*self.inner.random)?;
        let KeySpec { purpose, algorithm, subject, tenant } = spec;
        let (backend, db) = (Arc::clone(&self.inner.backend), self.inner.db.clone());
        let (owner, name) = (tenant.clone(), subject.clone());
        // A thread of its own: an RSA key takes seconds, and the caller's executor must not stand still.
        let unit = self.unit_of(&tenant).await?;
        let made = in_thread(move || {
            let (subject, unit) = (name.as_deref(), unit.as_ref().and_then(UnitRecord::kek));
            let known = |spki: &[u8]| {
                let spki = spki.to_vec();
                db.read_blocking(move |tx| Ok::<_, Error>(store::is_recorded(tx, &spki)?))
            };
            backend.generate_unknown(Binding { tenant: &owner, key: id, purpose, algorithm, subject, unit }, &known)
        })
        .await??;
        let record = KeyRecord {
            id,
            tenant,
            purpose,
            algorithm,
            spki: made.public.spki_der().to_vec(),
            state: KeyState::Active,
            created: self.inner.clock.now(),
            subject,
            key_id: made.public.key_id(),
            not_before: None,
            not_after: None,
        };
        let stored = Arc::new(StoredKey { record: record.clone(), public: made.public, wrapped: Some(made.wrapped) });
        let written =
            self.write(wrapping, by.actor().clone(), Event::KeyGenerated, Arc::clone(&stored), |_| Ok(())).await;
        if written.is_err() {
            // Nobody will ever refer to it. A crash before this leaves a key in the device that no row names.
            self.destroy_outside(&stored).await.unwrap_or_else(|error| {
                tracing::warn!(key = %id, %error, "a key that was made in vain stays in its device");
            });
        }
        written.map(|()| record)
    }

    /// A key's record.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`]; the database's own.
    pub async fn record(&self, id: KeyId) -> Result<KeyRecord, Error> {
        Ok(self.stored(id).await?.record.clone())
    }

    /// A key's public half, ready to verify.
    ///
    /// # Errors
    /// As [`Kms::record`].
    pub async fn public(&self, id: KeyId) -> Result<PublicKey, Error> {
        Ok(self.stored(id).await?.public.clone())
    }

    /// The keys of a tenant, oldest first; at most 10,000.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<KeyRecord>, Error> {
        let tenant = tenant.clone();
        let keys: Vec<StoredKey> = self.inner.db.read(move |tx| Ok::<_, Error>(store::keys(tx, &tenant)?)).await?;
        Ok(keys.into_iter().map(|key| key.record).collect())
    }

    /// The newest key in use for a purpose, if any.
    ///
    /// # Errors
    /// The database's own.
    pub async fn active(&self, tenant: &TenantId, purpose: Purpose) -> Result<Option<KeyRecord>, Error> {
        let tenant = tenant.clone();
        let found = self.inner.db.read(move |tx| Ok::<_, Error>(store::active_for(tx, &tenant, purpose)?)).await?;
        Ok(found.map(|key| key.record))
    }

    /// Moves a key to another state. Durable and logged when it returns; from then on the pool acts on it.
    /// [`KeyState::Destroyed`] erases the wrapped private key from the row; backups may still hold it. A key in a
    /// device is destroyed there first.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NoSuchKey`]; [`Error::Transition`], which is logged too; for a key that is to be
    /// destroyed in a device, why the device does not do it.
    pub async fn set_state(&self, by: &Authorized, id: KeyId, state: KeyState) -> Result<KeyRecord, Error> {
        require(by, Permission::ManageIssuers)?;
        let wrapping = self.wrapping().await;
        let now = self.of_tenant(by.actor(), id).await?;
        let event = if state == KeyState::Destroyed { Event::KeyDestroyed } else { Event::KeyStateChanged };
        if !now.record.state.may_become(state) {
            let refused = Error::Transition { from: now.record.state, to: state };
            self.log_refusal(by.actor(), event, id, &refused).await?;
            return Err(refused);
        }
        if state == KeyState::Destroyed {
            self.destroy_outside(&now).await?;
        }
        let record = KeyRecord { state, ..now.record.clone() };
        let wrapped = now.wrapped.clone().filter(|_| state != KeyState::Destroyed);
        let next = Arc::new(StoredKey { record: record.clone(), public: now.public.clone(), wrapped });
        let from = now.record.state;
        self.write(wrapping, by.actor().clone(), event, next, move |stored| {
            // Somebody else may have moved it since it was looked at.
            if stored.state == from { Ok(()) } else { Err(Error::Transition { from: stored.state, to: state }) }
        })
        .await?;
        Ok(record)
    }

    /// Says when a key may sign: an issuer's key within the validity of its own certificate.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NoSuchKey`]; the log's or the database's own.
    pub async fn set_signing_period(&self, by: &Authorized, id: KeyId, period: Validity) -> Result<KeyRecord, Error> {
        require(by, Permission::ManageIssuers)?;
        let wrapping = self.wrapping().await;
        let now = self.of_tenant(by.actor(), id).await?;
        let record = KeyRecord {
            not_before: Some(period.not_before()),
            not_after: Some(period.not_after()),
            ..now.record.clone()
        };
        let next = StoredKey { record: record.clone(), public: now.public.clone(), wrapped: now.wrapped.clone() };
        let was = now.record.clone();
        self.write(wrapping, by.actor().clone(), Event::KeyStateChanged, Arc::new(next), move |stored| {
            if *stored == was { Ok(()) } else { Err(Error::KeyState { key: id, state: stored.state }) }
        })
        .await?;
        Ok(record)
    }

    /// Begins a ceremony: for an hour, whoever holds the answer may have CA certificates signed. Logged.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ManageIssuers`]; the log's own.
    pub async fn begin_ceremony(&self, by: &Authorized, reason: &str) -> Result<Ceremony, Error> {
        require(by, Permission::ManageIssuers)?;
        let now = self.inner.audit.ready()?;
        let draft = EntryDraft {
            actor: by.actor().clone(),
            event: Event::CeremonyBegun,
            object: "ceremony".to_owned(),
            outcome: Outcome::Done,
            payload: reason.as_bytes().to_vec(),
            covers: Vec::new(),
        };
        let seq = self.inner.audit.record(Importance::Normal, draft).await?;
        Ok(Ceremony { seq, until: now.plus(CEREMONY) })
    }

    /// The PKCS#8 of a TLS key, for the TLS server of this process.
    ///
    /// # Errors
    /// [`Error::KeyPurpose`] for every key that is not for TLS; [`Error::KeyState`] unless active;
    /// [`Error::Sealed`]; [`Error::KeyDamaged`].
    pub async fn export_tls(&self, id: KeyId) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = self.stored(id).await?;
        let record = &key.record;
        if record.purpose != Purpose::Tls {
            return Err(Error::KeyPurpose { key: id, purpose: record.purpose });
        }
        match &key.wrapped {
            Some(wrapped) if record.state == KeyState::Active => {
                let unit = self.unit_around(wrapped)?;
                self.inner.backend.export(binding(record, unit.as_ref()), &key.public, wrapped)
            }
            _ => Err(Error::KeyState { key: id, state: record.state }),
        }
    }

    /// The devices that keys live in, and whether each answers now.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread to ask them in.
    pub async fn devices(&self) -> Result<Vec<DeviceStatus>, Error> {
        let backend = Arc::clone(&self.inner.backend);
        in_thread(move || backend.devices()).await
    }

    /// Whether a key lives in a device.
    ///
    /// # Errors
    /// As [`Kms::record`].
    pub async fn in_device(&self, id: KeyId) -> Result<bool, Error> {
        Ok(self.is_in_device(&*self.stored(id).await?))
    }

    pub(crate) fn is_in_device(&self, key: &StoredKey) -> bool {
        key.wrapped.as_deref().is_some_and(|wrapped| self.inner.backend.in_device(wrapped))
    }

    /// Whether the key's device is known to be away.
    pub(crate) fn device_ready(&self, key: &StoredKey) -> Result<(), Error> {
        key.wrapped.as_deref().map_or(Ok(()), |wrapped| self.inner.backend.ready(wrapped))
    }

    /// How many signatures the devices make at a time.
    pub(crate) fn device_sessions(&self) -> usize {
        self.inner.backend.device_sessions()
    }

    async fn destroy_outside(&self, key: &Arc<StoredKey>) -> Result<(), Error> {
        if !self.is_in_device(key) {
            return Ok(());
        }
        let (backend, key) = (Arc::clone(&self.inner.backend), Arc::clone(key));
        let work = move || {
            let wrapped = key.wrapped.as_deref().unwrap_or_default();
            backend.destroy(binding(&key.record, None), &key.public, wrapped)
        };
        in_thread(work).await?
    }

    /// The slot of the root key.
    #[must_use]
    pub fn root(&self) -> &RootKeySlot {
        &self.inner.root
    }

    pub(crate) fn random(&self) -> Arc<dyn Random> {
        Arc::clone(&self.inner.random)
    }

    /// A key with its private half, from memory if it was asked for before.
    pub(crate) async fn stored(&self, id: KeyId) -> Result<Arc<StoredKey>, Error> {
        if let Some(key) = self.cached(id) {
            return Ok(key);
        }
        let found = self.inner.db.read(move |tx| Ok::<_, Error>(store::key(tx, id)?)).await?;
        let known = |key: &StoredKey| self.only.as_ref().is_none_or(|only| *only == key.record.tenant);
        let key = Arc::new(found.filter(known).ok_or(Error::NoSuchKey { key: id })?);
        // A change written meanwhile has put its own row in, which must stay.
        Ok(self.memory.keep_unless_there(key))
    }

    pub(crate) fn cached(&self, id: KeyId) -> Option<Arc<StoredKey>> {
        self.memory.key(id)
    }

    /// A key that this actor may use. A foreign key is answered like a missing one.
    pub(crate) async fn of_tenant(&self, actor: &Actor, id: KeyId) -> Result<Arc<StoredKey>, Error> {
        let key = self.stored(id).await?;
        let own = *actor.tenant() == key.record.tenant || actor.role() == Role::System;
        // The house's time-stamps are for everybody.
        let public = key.record.purpose == Purpose::TimeStamp && key.record.tenant == TenantId::house();
        if own || public { Ok(key) } else { Err(Error::NoSuchKey { key: id }) }
    }

    /// The private key ready to sign; unwrapped once and kept until the root key is sealed.
    pub(crate) fn signer(&self, key: &StoredKey) -> Result<Arc<dyn Signer>, Error> {
        let id = key.record.id;
        let generation = self.inner.root.generation();
        if !self.inner.root.is_open() {
            return Err(Error::Sealed);
        }
        if let Some(signer) = self.memory.signer(id, generation) {
            return Ok(signer);
        }
        let wrapped = key.wrapped.as_deref().ok_or(Error::KeyState { key: id, state: key.record.state })?;
        let unit = self.unit_around(wrapped)?;
        let signer = self.inner.backend.load(binding(&key.record, unit.as_ref()), &key.public, wrapped)?;
        // Sealed while it was being unwrapped: it is used for this one signature and not kept.
        self.memory.keep_signer(key, generation, &signer, || self.inner.root.generation());
        Ok(signer)
    }

    /// Writes a row and its entry, and lets the pool see it when it is durable: on the writer's thread, so
    /// that a caller who gives up waiting leaves no stale key in memory.
    async fn write(
        &self,
        wrapping: Wrapping,
        actor: Actor,
        event: Event,
        next: Arc<StoredKey>,
        still_fits: impl FnOnce(&KeyRecord) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let audit = self.inner.audit.clone();
        let row = Arc::clone(&next);
        let work = move |tx: &ledger::Tx<'_>| -> Result<(), Error> {
            let record = &row.record;
            if let Some(stored) = store::key(tx, record.id)? {
                still_fits(&stored.record)?;
            }
            let seq = audit.next_seq(tx)?;
            let cover = store::put(tx, record, row.wrapped.as_deref(), seq)?;
            let payload = format!("purpose={} algorithm={} state={}", record.purpose, record.algorithm, record.state);
            let draft = EntryDraft {
                actor,
                event,
                object: record.id.to_string(),
                outcome: Outcome::Done,
                payload: payload.into_bytes(),
                covers: vec![cover],
            };
            audit.append(tx, draft)?;
            Ok(())
        };
        let partitions = Arc::clone(&self.inner.partitions);
        self.inner.db.write_then(Importance::Essential, work, move |result: Result<(), Error>| {
            if result.is_ok() {
                partitions.take_over(&next);
            }
            drop(wrapping);
            // Nobody waits any more: the row is durable all the same.
            let _ = answer.send(result);
        });
        answered.await.unwrap_or(Err(Error::Stopping))
    }

    /// Keeps the wrapping of every row as it is until what is to be written is written, whether the caller waits for
    /// it or not.
    async fn wrapping(&self) -> Wrapping {
        Arc::new(Arc::clone(&self.inner.wrapping).read_owned().await)
    }

    async fn log_refusal(&self, actor: &Actor, event: Event, id: KeyId, why: &Error) -> Result<(), Error> {
        let draft = EntryDraft {
            actor: actor.clone(),
            event,
            object: id.to_string(),
            outcome: Outcome::Refused(why.code()),
            payload: why.to_string().into_bytes(),
            covers: Vec::new(),
        };
        self.inner.audit.record(Importance::Normal, draft).await?;
        Ok(())
    }
}

fn require(by: &Authorized, permission: Permission) -> Result<(), Error> {
    if by.permission() == permission { Ok(()) } else { Err(Error::Forbidden) }
}

fn binding<'a>(record: &'a KeyRecord, unit: Option<&'a UnitRecord>) -> Binding<'a> {
    Binding {
        tenant: &record.tenant,
        key: record.id,
        purpose: record.purpose,
        algorithm: record.algorithm,
        subject: record.subject.as_deref(),
        unit: unit.and_then(UnitRecord::kek),
    }
}

pub(crate) async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let started = std::thread::Builder::new().name("keygen".to_owned()).spawn(move || {
        let _ = answer.send(work());
    });
    started.map_err(|_| Error::Busy)?;
    answered.await.map_err(|_| Error::Stopping)
}
