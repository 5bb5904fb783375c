//! [`KeyCentre`]: the only type others call. It orders the steps: core, store, pool, store.
//!
//! `service/pairs.rs` makes and keeps keys for the authority, `service/orders.rs` takes and decides what officers ask.

mod orders;
mod pairs;

use std::sync::Arc;

use crypto_pool::{KeyRecord, KeySpec, Kms, Purpose};
use ledger::{AuditLog, Cover, Db, EntryDraft, Importance, Outcome, Tx};
use pki_config::ports::PairKeys;
use pki_config::role::{Authorized, Permission, Setup, authorize};
use pki_config::{Actor, CentreKeyId, Clock, Event, Random, RequestId, TenantId};

use crate::error::Error;
use crate::store::{self, KeyQuery, KeyRow, KeyState, OrderRow};

pub use orders::Ask;

/// What a key centre is made of. Everything it touches comes in here.
pub struct KeyCentreOptions {
    /// The database.
    pub db: Db,
    /// The audit log.
    pub audit: AuditLog,
    /// Where the archive keys live, and the only place where an archived key opens.
    pub kms: Kms,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for keys and identifiers.
    pub random: Arc<dyn Random>,
    /// Trial or production.
    pub setup: Setup,
}

/// The key centre. Cheap to clone.
#[derive(Clone)]
pub struct KeyCentre(Arc<Inner>);

struct Inner {
    options: KeyCentreOptions,
    /// One archive key is made at a time.
    archiving: tokio::sync::Mutex<()>,
}

/// A key as its holder gets it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// What is known of it.
    pub key: KeyRow,
    /// `SM2EnvelopedKey` for the holder's signing key, DER. Every time the same bytes.
    pub envelope: Vec<u8>,
    /// How often it was fetched, this time included.
    pub count: u32,
}

impl KeyCentre {
    /// Opens the centre: brings its tables up to date. Before the audit log's rows are looked at, [`crate::COVERED`]
    /// must be among what it covers.
    ///
    /// # Errors
    /// The database.
    pub fn open(options: KeyCentreOptions) -> Result<Self, Error> {
        Self::migrate(&options.db)?;
        Ok(Self(Arc::new(Inner { options, archiving: tokio::sync::Mutex::default() })))
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// The database.
    pub fn migrate(db: &Db) -> Result<(), Error> {
        Ok(db.migrate("centre", store::MIGRATIONS)?)
    }

    /// The port through which the authority gets keys for pairs of certificates.
    #[must_use]
    pub fn keys(&self) -> Arc<dyn for<'a> PairKeys<Tx<'a>, Cover>> {
        Arc::new(self.clone())
    }

    /// The archive key in use, made when there is none. Of several the newest: to change it, make another one and
    /// retire this; what it wrapped still opens.
    async fn archive_key(&self) -> Result<KeyRecord, Error> {
        let (kms, house) = (&self.0.options.kms, TenantId::house());
        if let Some(key) = kms.active(&house, Purpose::KeyArchive).await? {
            return Ok(key);
        }
        let _one_at_a_time = self.0.archiving.lock().await;
        if let Some(key) = kms.active(&house, Purpose::KeyArchive).await? {
            return Ok(key);
        }
        let manage = authorize(&Actor::system(), Permission::ManageIssuers, self.0.options.setup);
        let manage = manage.map_err(|_| Error::Forbidden)?;
        let algorithm = crypto_pool::KeyAlgorithm::Sm2;
        let spec = KeySpec { purpose: Purpose::KeyArchive, algorithm, subject: None, tenant: house };
        Ok(kms.generate(&manage, spec).await?)
    }

    /// One page of keys, and where the next begins.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ReadCentre`]; the database.
    pub async fn list(&self, by: &Authorized, query: KeyQuery) -> Result<(Vec<KeyRow>, Option<u64>), Error> {
        demand(by, Permission::ReadCentre)?;
        let (tenant, limit) = (by.actor().tenant().clone(), query.limit.clamp(1, 500));
        // One more than asked for: whether another page follows.
        let query = KeyQuery { limit: limit + 1, ..query };
        let mut rows =
            self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::keys(tx, &tenant, &query)?) }).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().and_then(|row| row.kept_seq).filter(|_| more);
        Ok((rows, next))
    }

    /// One key, and all that was asked for it, oldest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without [`Permission::ReadCentre`]; [`Error::UnknownKey`], also for another tenant's.
    pub async fn key(&self, by: &Authorized, id: CentreKeyId) -> Result<(KeyRow, Vec<OrderRow>), Error> {
        demand(by, Permission::ReadCentre)?;
        let tenant = by.actor().tenant().clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let key = store::key(tx, &tenant, id)?.filter(|key| key.kept_seq.is_some()).ok_or(Error::UnknownKey)?;
                let orders = store::orders_of(tx, &tenant, id)?;
                Ok((key, orders))
            })
            .await
    }

    /// The key of a pair of certificates, by their request, and how often its delivery was fetched. What is told of it
    /// is no secret; who may ask is for the caller to know.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], also for another tenant's.
    pub async fn of_request(&self, tenant: &TenantId, request: RequestId) -> Result<(KeyRow, u32), Error> {
        let tenant = tenant.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let key = kept_for(tx, &tenant, request)?;
                let count = store::fetches(tx, &tenant, key.id)?;
                Ok((key, count))
            })
            .await
    }

    /// The envelope for the holder of the signing key. The first time is logged; every time is counted, and gives the
    /// same bytes. Useless to anybody but that holder.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], also for another tenant's; [`Error::NotKept`].
    pub async fn deliver(&self, to: Actor, request: RequestId) -> Result<Delivered, Error> {
        let (audit, now) = (self.0.options.audit.clone(), self.0.options.clock.now());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let mut key = kept_for(tx, to.tenant(), request)?;
                let envelope = key.envelope.clone().filter(|_| key.state == KeyState::Kept).ok_or(Error::NotKept)?;
                let count = store::count_fetch(tx, &key.tenant, key.id)?;
                if key.delivered_at.is_none() {
                    key.delivered_at = Some(now);
                    let seq = audit.next_seq(tx)?;
                    let covers = vec![key.put(tx, seq)?];
                    audit.append(tx, entry(to, Event::CentreDelivered, &key, Outcome::Done, Vec::new(), covers))?;
                }
                Ok(Delivered { key, envelope, count })
            })
            .await
    }
}

/// A key that was kept once, by its request.
fn kept_for(tx: &Tx<'_>, tenant: &TenantId, request: RequestId) -> Result<KeyRow, Error> {
    let found = store::key_of_request(tx, request)?;
    found.filter(|key| key.tenant == *tenant && key.kept_seq.is_some()).ok_or(Error::UnknownKey)
}

/// An entry about a key.
fn entry(
    actor: Actor,
    event: Event,
    key: &KeyRow,
    outcome: Outcome,
    payload: Vec<u8>,
    covers: Vec<Cover>,
) -> EntryDraft {
    EntryDraft { actor, event, object: key.id.to_string(), outcome, payload, covers }
}

/// Refuses a proof of rights that is for something else.
fn demand(by: &Authorized, needed: Permission) -> Result<(), Error> {
    if by.permission() == needed { Ok(()) } else { Err(Error::Forbidden) }
}
