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
use tokio::sync::oneshot;

use crate::algorithm::SignatureAlgorithm;
use crate::error::Error;
use crate::key::KeyState;
use crate::kms::{Ceremony, Kms};
use crate::to_sign::ToSign;

mod bulk;
mod crew;
mod options;
mod queue;
mod record;
mod worker;

pub use bulk::{BulkRequest, MOST_IN_BULK};
pub use options::{PoolOptions, Shares};
pub use record::Record;

use bulk::{Bulk, BulkLog};
use crew::Crew;
use queue::{Limits, Queue};
use record::{Failed, record, refusal};
use worker::{Finish, Job, One, Task, Worker};

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
    crew: Crew,
    db: Db,
    audit: AuditLog,
    kms: Kms,
}

impl PoolHandle {
    /// Starts a pool in this process.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread.
    pub fn local(options: &PoolOptions, db: Db, audit: AuditLog, kms: Kms) -> Result<Self, Error> {
        let limits = Limits { purpose: options.queue, owner: options.queue_per_owner };
        let queue = Queue::new(limits, &options.shares);
        let log = Arc::new(BulkLog::new(db.clone(), audit.clone()));
        let worker = Worker { kms: kms.clone(), audit: audit.clone(), log };
        let crew = Crew::start("signer", options.threads, queue, worker)?;
        Ok(Self(Arc::new(Pool { crew, db, audit, kms })))
    }

    /// The key management behind the pool.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        &self.0.kms
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
        self.0.audit.ready().map_err(Error::from)?;
        let SignRequest { key, to_sign, actor, ceremony, importance } = request;
        let stored = self.0.kms.of_tenant(&actor, key).await?;
        let (answer, answered) = oneshot::channel::<Result<T, Failed<E>>>();
        let (db, audit, event) = (self.0.db.clone(), self.0.audit.clone(), to_sign.event());
        let finish: Finish = Box::new(move |made| match made {
            Ok(made) => {
                let work = move |tx: &Tx<'_>| record(&audit, tx, actor, made, commit);
                // A caller who gave up waiting: the record is kept all the same.
                db.write_then(importance, work, move |result| drop(answer.send(result)));
            }
            Err((Error::Refused(why), digest)) => {
                let draft = refusal(actor, event, key, why, digest);
                let work = move |tx: &Tx<'_>| audit.append(tx, draft).map_err(Error::from);
                db.write_then(Importance::Normal, work, move |logged: Result<Seq, Error>| {
                    let error = logged.map_or_else(|error| error, |_| Error::Refused(why));
                    drop(answer.send(Err(Failed::Own(error))));
                });
            }
            Err((error, _)) => drop(answer.send(Err(Failed::Own(error)))),
        });
        let one = One { to_sign, ceremony, only_checkpoints: false, finish };
        self.0.crew.queue().push(Job { key: stored, task: Task::One(Box::new(one)) })?;
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failed::Commit(error))) => Err(error),
            Ok(Err(Failed::Own(error))) => Err(error.into()),
            Err(_) => Err(Error::Lost.into()),
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
        let BulkRequest { key, actor, to_sign } = request;
        if !(1..=MOST_IN_BULK).contains(&to_sign.len()) {
            return Err(Error::BulkSize { asked: to_sign.len() });
        }
        self.0.audit.ready()?;
        let key = self.0.kms.of_tenant(&actor, key).await?;
        let (bulk, answered) = Bulk::new(&key, actor, to_sign.len());
        let task = Task::Part { bulk: Arc::new(bulk), from: 0, to_sign };
        self.0.crew.queue().push(Job { key, task })?;
        answered.await.unwrap_or(Err(Error::Lost))
    }

    /// Whether a signature with this key could be made now: asked before something is spent on it, such as
    /// a serial. What is true now may have changed when the signature is asked for; the pool checks again.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::KeyState`], or why the log is not ready.
    pub async fn ready(&self, key: KeyId) -> Result<(), Error> {
        self.0.audit.ready()?;
        let stored = self.0.kms.stored(key).await?;
        if !matches!(stored.record.state, KeyState::Active | KeyState::Retired) {
            return Err(Error::KeyState { key, state: stored.record.state });
        }
        if self.0.kms.root().is_open() { Ok(()) } else { Err(Error::Sealed) }
    }

    /// Signs the body of a checkpoint with the log's key. No entry: the checkpoint is itself the record.
    pub(crate) async fn sign_checkpoint(&self, key: KeyId, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let stored = self.0.kms.of_tenant(&Actor::system(), key).await?;
        let (answer, answered) = oneshot::channel();
        let finish: Finish = Box::new(move |made| {
            drop(answer.send(made.map(|made| made.signature).map_err(|(error, _)| error)));
        });
        let to_sign = ToSign::Checkpoint(body);
        let one = One { to_sign, ceremony: None, only_checkpoints: true, finish };
        self.0.crew.queue().push(Job { key: stored, task: Task::One(Box::new(one)) })?;
        answered.await.unwrap_or(Err(Error::Lost))
    }

    /// Finishes what is queued and stops the workers. Later requests get [`Error::Stopping`].
    pub fn stop(&self) {
        self.0.crew.stop();
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolHandle")
    }
}
