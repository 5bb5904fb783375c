//! The signing pool: the only way to a signature of a key of ours, and never without a log entry.
//!
//! A queue, a batch, an answer. Workers take what waits, up to a few times what fills the vector lanes, and
//! never wait to collect more. A worker checks what is to be signed against the key's record, signs, verifies, and
//! hands one closure to the database's writer: the service's own rows and the log entry, in one transaction. The
//! caller's future resolves when that transaction is durable; until then nobody has seen the signature.

use std::fmt;
use std::sync::Arc;

use ledger::{AuditLog, Db, Importance, Seq, Tx};
use pki_config::{Actor, Instant, KeyId};

use crate::algorithm::SignatureAlgorithm;
use crate::error::Error;
use crate::key::KeyState;
use crate::kms::{Ceremony, Kms};
use crate::store::StoredKey;
use crate::to_sign::ToSign;
use crate::unit::Units;

mod bulk;
mod crew;
mod line;
mod options;
mod queue;
mod record;
mod two;
mod worker;

pub use bulk::{BulkRequest, MOST_IN_BULK};
pub use options::{PoolOptions, Shares};
pub use record::Record;

pub(crate) use line::Line;

/// What a service asks the pool for.
#[derive(Debug, Clone)]
pub struct SignRequest {
    /// The key.
    pub key: KeyId,
    /// What it is to sign.
    pub to_sign: ToSign,
    /// Who asks: recorded in the log, and must be of the key's tenant (or the suite itself).
    pub actor: Actor,
    /// Needed for the certificate of an authority.
    pub ceremony: Option<Ceremony>,
    /// Whether the record may use the disk space kept back for revocations and CRLs.
    pub importance: Importance,
}

/// A signature about to be recorded. The commit closure sees it; nobody else before it is durable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Signed {
    /// As it goes into a BIT STRING.
    pub signature: Vec<u8>,
    /// Its algorithm.
    pub algorithm: SignatureAlgorithm,
    /// The bytes that were signed.
    pub to_sign: Arc<Vec<u8>>,
    /// When.
    pub at: Instant,
    /// The position of the log entry that will be written with it.
    pub seq: Seq,
}

/// The pool. Cheap to clone; the workers stop when the last handle is dropped.
#[derive(Clone)]
pub struct PoolHandle(Arc<Pool>);

struct Pool {
    /// For everybody who has no unit.
    shared: Line,
    /// For keys that live in devices: a worker for each session, so that a device that is slow or away keeps nobody
    /// else waiting.
    devices: Option<Line>,
    units: Units,
    options: PoolOptions,
    /// Held while a unit is made, resized or destroyed.
    managing: tokio::sync::Mutex<()>,
    db: Db,
    audit: AuditLog,
}

impl PoolHandle {
    /// Starts a pool in this process, and the exclusive units that there are. Blocks while it reads which.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread; the database's own.
    pub fn local(options: &PoolOptions, db: Db, audit: AuditLog, kms: Kms) -> Result<Self, Error> {
        kms.load_policies()?;
        let devices = match kms.device_sessions() {
            0 => None,
            threads => {
                let options = PoolOptions { threads, ..options.clone() };
                Some(Line::start("device", &options, &[], db.clone(), audit.clone(), kms.clone())?)
            }
        };
        let shared = Line::start("signer", options, &[], db.clone(), audit.clone(), kms)?;
        let (units, managing, options) = (Units::default(), tokio::sync::Mutex::default(), options.clone());
        let pool = Self(Arc::new(Pool { shared, devices, units, options, managing, db, audit }));
        pool.start_units()?;
        Ok(pool)
    }

    /// The key management behind the pool.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        self.0.shared.kms()
    }

    /// Signs, and records the signature together with what `commit` writes. Answers when both are durable.
    ///
    /// `commit` runs on the database's writer thread: it writes the service's rows for the entry
    /// [`Signed::seq`] and says what to record. If it fails, the signature is dropped and nothing is kept.
    ///
    /// # Errors
    /// Before signing: [`Error::Sealed`], [`Error::NoSuchKey`], [`Error::Busy`], [`Error::Stopping`], the
    /// log's own, and [`Error::Refused`], which is logged. Afterwards: what `commit` returned,
    /// [`Error::SignatureFailed`], the database's own; nothing is kept. [`Error::Lost`]: unknown.
    pub async fn sign<T, E>(
        &self,
        request: SignRequest,
        commit: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, T), E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let key = self.0.shared.key(&request.actor, request.key).await?;
        if let Some(line) = self.line_of_device(&key) {
            return line.sign(key, request, commit).await;
        }
        match self.0.units.of(&key.record.tenant) {
            Some(unit) => unit.line().sign(key, request, commit).await,
            None => self.0.shared.sign(key, request, commit).await,
        }
    }

    /// Signs many things with one key and records them together: one log entry ([`pki_config::Event::BulkSigned`]) with how
    /// many they are and the root of the Merkle tree over their SM3 digests. Requests of the same key and actor
    /// that come while a commit is on its way share the next entry. Answers when that entry is durable, in
    /// the order of the request.
    ///
    /// One thing that is refused fails the whole request.
    ///
    /// # Errors
    /// As [`PoolHandle::sign`]; [`Error::BulkSize`] for none or too many; [`Error::Refused`], which is logged,
    /// for what must have an entry of its own (certificates, CRLs, time-stamps, checkpoints).
    pub async fn sign_bulk(&self, request: BulkRequest) -> Result<Vec<Signed>, Error> {
        let key = self.0.shared.key(&request.actor, request.key).await?;
        if let Some(line) = self.line_of_device(&key) {
            return line.sign_bulk(key, request).await;
        }
        match self.0.units.of(&key.record.tenant) {
            Some(unit) => unit.line().sign_bulk(key, request).await,
            None => self.0.shared.sign_bulk(key, request).await,
        }
    }

    /// Whether a signature with this key could be made now: asked before something is spent on it, such as
    /// a serial. What is true now may have changed when the signature is asked for; the pool checks again.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::KeyState`], [`Error::DeviceAway`], or why the log is not ready.
    pub async fn ready(&self, key: KeyId) -> Result<(), Error> {
        self.0.audit.ready()?;
        let stored = self.kms().stored(key).await?;
        if !matches!(stored.record.state, KeyState::Active | KeyState::Retired) {
            return Err(Error::KeyState { key, state: stored.record.state });
        }
        if self.kms().root().is_open() { self.kms().device_ready(&stored) } else { Err(Error::Sealed) }
    }

    /// Signs the body of a checkpoint with the log's key. No entry: the checkpoint is itself the record.
    pub(crate) async fn sign_checkpoint(&self, key: KeyId, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let key = self.0.shared.kms().of_tenant(&Actor::system(), key).await?;
        self.line_of_device(&key).unwrap_or(&self.0.shared).sign_checkpoint(key, body).await
    }

    fn line_of_device(&self, key: &StoredKey) -> Option<&Line> {
        self.0.devices.as_ref().filter(|_| self.kms().is_in_device(key))
    }

    pub(crate) fn units(&self) -> &Units {
        &self.0.units
    }

    pub(crate) fn options(&self) -> &PoolOptions {
        &self.0.options
    }

    pub(crate) fn stores(&self) -> (Db, AuditLog) {
        (self.0.db.clone(), self.0.audit.clone())
    }

    pub(crate) async fn managing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.managing.lock().await
    }

    /// Finishes what is queued and stops the workers. Later requests get [`Error::Stopping`].
    pub fn stop(&self) {
        self.0.shared.crew().stop();
        self.0.devices.iter().for_each(|line| line.crew().stop());
        self.0.units.stop();
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolHandle")
    }
}
