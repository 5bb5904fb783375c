//! Makes keys, keeps them, moves them through their life, and lends them to the pool.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ledger::audit::EntryDraft;
use ledger::{AuditLog, Db, Importance, Outcome, Seq};
use pki_config::role::Authorized;
use pki_config::time::Validity;
use pki_config::{Actor, Clock, Event, Instant, KeyId, Permission, Random, Role, TenantId};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::algorithm::KeyAlgorithm;
use crate::backend::{Backend, Binding, Signer};
use crate::error::Error;
use crate::key::{KeyRecord, KeyState, Purpose};
use crate::public_key::PublicKey;
use crate::root_key::RootKeySlot;
use crate::store::{self, StoredKey};

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
pub struct Kms(Arc<Inner>);

struct Inner {
    db: Db,
    audit: AuditLog,
    backend: Arc<dyn Backend>,
    root: RootKeySlot,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    keys: Arc<RwLock<HashMap<KeyId, Arc<StoredKey>>>>,
    /// Unwrapped keys, each with the generation of the root key slot it was unwrapped under.
    signers: Arc<RwLock<HashMap<KeyId, Unwrapped>>>,
}

type Unwrapped = (u64, Arc<dyn Signer>);

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
        let signers: Arc<RwLock<HashMap<KeyId, Unwrapped>>> = Arc::default();
        let weak = Arc::downgrade(&signers);
        root.on_seal(move || {
            if let Some(signers) = weak.upgrade() {
                signers.write().unwrap_or_else(PoisonError::into_inner).clear();
            }
        });
        Self(Arc::new(Inner { db, audit, backend, root, random, clock, keys: Arc::default(), signers }))
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
        self.0.audit.ready()?;
        let id = KeyId::draw(&*self.0.random)?;
        let KeySpec { purpose, algorithm, subject, tenant } = spec;
        let backend = Arc::clone(&self.0.backend);
        let (owner, name) = (tenant.clone(), subject.clone());
        // A thread of its own: an RSA key takes seconds, and the caller's executor must not stand still.
        let made = in_thread(move || {
            let subject = name.as_deref();
            backend.generate(Binding { tenant: &owner, key: id, purpose, algorithm, subject })
        })
        .await??;
        let record = KeyRecord {
            id,
            tenant,
            purpose,
            algorithm,
            spki: made.public.spki_der().to_vec(),
            state: KeyState::Active,
            created: self.0.clock.now(),
            subject,
            key_id: made.public.key_id(),
            not_before: None,
            not_after: None,
        };
        let stored = Arc::new(StoredKey { record: record.clone(), public: made.public, wrapped: Some(made.wrapped) });
        self.write(by.actor().clone(), Event::KeyGenerated, stored, |_| Ok(())).await?;
        Ok(record)
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
        let keys: Vec<StoredKey> = self.0.db.read(move |tx| Ok::<_, Error>(store::keys(tx, &tenant)?)).await?;
        Ok(keys.into_iter().map(|key| key.record).collect())
    }

    /// The newest key in use for a purpose, if any.
    ///
    /// # Errors
    /// The database's own.
    pub async fn active(&self, tenant: &TenantId, purpose: Purpose) -> Result<Option<KeyRecord>, Error> {
        let tenant = tenant.clone();
        let found = self.0.db.read(move |tx| Ok::<_, Error>(store::active_for(tx, &tenant, purpose)?)).await?;
        Ok(found.map(|key| key.record))
    }

    /// Moves a key to another state. Durable and logged when it returns; from then on the pool acts on it.
    /// [`KeyState::Destroyed`] erases the wrapped private key from the row; backups may still hold it.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NoSuchKey`]; [`Error::Transition`], which is logged too.
    pub async fn set_state(&self, by: &Authorized, id: KeyId, state: KeyState) -> Result<KeyRecord, Error> {
        require(by, Permission::ManageIssuers)?;
        let now = self.of_tenant(by.actor(), id).await?;
        let event = if state == KeyState::Destroyed { Event::KeyDestroyed } else { Event::KeyStateChanged };
        if !now.record.state.may_become(state) {
            let refused = Error::Transition { from: now.record.state, to: state };
            self.log_refusal(by.actor(), event, id, &refused).await?;
            return Err(refused);
        }
        let record = KeyRecord { state, ..now.record.clone() };
        let wrapped = now.wrapped.clone().filter(|_| state != KeyState::Destroyed);
        let next = Arc::new(StoredKey { record: record.clone(), public: now.public.clone(), wrapped });
        let from = now.record.state;
        self.write(by.actor().clone(), event, next, move |stored| {
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
        let now = self.of_tenant(by.actor(), id).await?;
        let record = KeyRecord {
            not_before: Some(period.not_before()),
            not_after: Some(period.not_after()),
            ..now.record.clone()
        };
        let next = StoredKey { record: record.clone(), public: now.public.clone(), wrapped: now.wrapped.clone() };
        let was = now.record.clone();
        self.write(by.actor().clone(), Event::KeyStateChanged, Arc::new(next), move |stored| {
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
        let now = self.0.audit.ready()?;
        let draft = EntryDraft {
            actor: by.actor().clone(),
            event: Event::CeremonyBegun,
            object: "ceremony".to_owned(),
            outcome: Outcome::Done,
            payload: reason.as_bytes().to_vec(),
            covers: Vec::new(),
        };
        let seq = self.0.audit.record(Importance::Normal, draft).await?;
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
                self.0.backend.export(binding(record), &key.public, wrapped)
            }
            _ => Err(Error::KeyState { key: id, state: record.state }),
        }
    }

    /// The slot of the root key.
    #[must_use]
    pub fn root(&self) -> &RootKeySlot {
        &self.0.root
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// A key with its private half, from memory if it was asked for before.
    pub(crate) async fn stored(&self, id: KeyId) -> Result<Arc<StoredKey>, Error> {
        if let Some(key) = self.cached(id) {
            return Ok(key);
        }
        let keys = Arc::clone(&self.0.keys);
        let found = self.0.db.read(move |tx| Ok::<_, Error>(store::key(tx, id)?)).await?;
        let key = Arc::new(found.ok_or(Error::NoSuchKey { key: id })?);
        // A change written meanwhile has put its own row in, which must stay.
        let mut keys = keys.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(keys.entry(id).or_insert(key)))
    }

    pub(crate) fn cached(&self, id: KeyId) -> Option<Arc<StoredKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
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
        let generation = self.0.root.generation();
        if !self.0.root.is_open() {
            return Err(Error::Sealed);
        }
        let kept = self.0.signers.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some((_, signer)) = kept.filter(|(then, _)| *then == generation) {
            return Ok(signer);
        }
        let wrapped = key.wrapped.as_deref().ok_or(Error::KeyState { key: id, state: key.record.state })?;
        let signer = self.0.backend.load(binding(&key.record), &key.public, wrapped)?;
        let mut signers = self.0.signers.write().unwrap_or_else(PoisonError::into_inner);
        // Sealed while it was being unwrapped: it is used for this one signature and not kept.
        if self.0.root.generation() == generation {
            signers.insert(id, (generation, Arc::clone(&signer)));
        }
        Ok(signer)
    }

    /// Writes a row and its entry, and lets the pool see it when it is durable: on the writer's thread, so
    /// that a caller who gives up waiting leaves no stale key in memory.
    async fn write(
        &self,
        actor: Actor,
        event: Event,
        next: Arc<StoredKey>,
        still_fits: impl FnOnce(&KeyRecord) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let audit = self.0.audit.clone();
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
        let (keys, signers) = (Arc::clone(&self.0.keys), Arc::clone(&self.0.signers));
        self.0.db.write_then(Importance::Essential, work, move |result: Result<(), Error>| {
            if result.is_ok() {
                let (id, active) = (next.record.id, next.record.state == KeyState::Active);
                keys.write().unwrap_or_else(PoisonError::into_inner).insert(id, next);
                if !active {
                    signers.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
                }
            }
            // Nobody waits any more: the row is durable all the same.
            let _ = answer.send(result);
        });
        answered.await.unwrap_or(Err(Error::Stopping))
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
        self.0.audit.record(Importance::Normal, draft).await?;
        Ok(())
    }
}

fn require(by: &Authorized, permission: Permission) -> Result<(), Error> {
    if by.permission() == permission { Ok(()) } else { Err(Error::Forbidden) }
}

fn binding(record: &KeyRecord) -> Binding<'_> {
    Binding {
        tenant: &record.tenant,
        key: record.id,
        purpose: record.purpose,
        algorithm: record.algorithm,
        subject: record.subject.as_deref(),
    }
}

async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let started = std::thread::Builder::new().name("keygen".to_owned()).spawn(move || {
        let _ = answer.send(work());
    });
    started.map_err(|_| Error::Busy)?;
    answered.await.map_err(|_| Error::Stopping)
}
