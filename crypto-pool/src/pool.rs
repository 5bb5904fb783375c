//! The signing pool: the only way to a signature of a key of ours, and never without a log entry.
//!
//! A queue, a batch, an answer. Workers take up to `BATCH` waiting requests at once and never wait to
//! collect more. A worker checks what is to be signed against the key's record, signs, verifies, and hands
//! one closure to the database's writer: the service's own rows and the log entry, in one transaction. The
//! caller's future resolves when that transaction is durable; until then nobody has seen the signature.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ledger::audit::EntryDraft;
use ledger::{AuditLog, Cover, Db, DbError, Importance, Outcome, Seq, Tx};
use pki_config::{Actor, Event, Instant, KeyId};
use tokio::sync::oneshot;

use crate::algorithm::SignatureAlgorithm;
use crate::error::Error;
use crate::key::KeyState;
use crate::kms::{Ceremony, Kms};
use crate::to_sign::{Refusal, ToSign};

mod queue;

use queue::{Finish, Job, Made, Queue};

/// Most requests that a worker takes at once.
const BATCH: usize = 16;

/// How the pool is set up.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Worker threads. Default: one for each processor.
    pub threads: usize,
    /// Most requests that wait; beyond it callers get [`Error::Busy`]. Default 4,096.
    pub queue: usize,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { threads: std::thread::available_parallelism().map_or(1, Into::into), queue: 4096 }
    }
}

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

/// What a service has recorded of its signature. The pool adds the actor and appends it to the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was done.
    pub event: Event,
    /// To which thing: an identifier or a serial, never a person's data. At most 200 bytes.
    pub object: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Details, personal data included; the entry holds only their digest.
    pub payload: Vec<u8>,
    /// The rows that the closure wrote.
    pub covers: Vec<Cover>,
}

/// The pool. Cheap to clone; the workers stop when the last handle is dropped.
#[derive(Clone)]
pub struct PoolHandle(Arc<Pool>);

struct Pool {
    queue: Arc<Queue>,
    workers: Mutex<Vec<JoinHandle<()>>>,
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
        let queue = Arc::new(Queue::new(options.queue));
        let threads = options.threads.max(1);
        let pool = Self(Arc::new(Pool { queue, workers: Mutex::default(), db, audit, kms }));
        for number in 0..threads {
            let (queue, kms, audit) = (Arc::clone(&pool.0.queue), pool.0.kms.clone(), pool.0.audit.clone());
            let worker = std::thread::Builder::new()
                .name(format!("signer-{number}"))
                .spawn(move || queue.work(threads, BATCH, |job| make(&kms, &audit, job)))
                .map_err(|_| Error::Busy)?;
            pool.0.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        Ok(pool)
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
        self.0.queue.push(Job { key: stored, to_sign, ceremony, only_checkpoints: false, finish })?;
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failed::Commit(error))) => Err(error),
            Ok(Err(Failed::Own(error))) => Err(error.into()),
            Err(_) => Err(Error::Lost.into()),
        }
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
        self.0.queue.push(Job { key: stored, to_sign, ceremony: None, only_checkpoints: true, finish })?;
        answered.await.unwrap_or(Err(Error::Lost))
    }

    /// Finishes what is queued and stops the workers. Later requests get [`Error::Stopping`].
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolHandle")
    }
}

impl Pool {
    fn stop(&self) {
        self.queue.close();
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a signing worker had panicked");
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a commit did not happen: the service's own reason, or one of this crate.
enum Failed<E> {
    Commit(E),
    Own(Error),
}

impl<E> From<DbError> for Failed<E> {
    fn from(why: DbError) -> Self {
        Self::Own(Error::Db(why))
    }
}

/// On a worker's thread: check, sign, verify.
fn make(kms: &Kms, audit: &AuditLog, job: Job) {
    let made = sign_job(kms, audit, &job);
    let Job { to_sign, finish, .. } = job;
    finish(match made {
        Ok((signature, algorithm, at)) => Ok(Made { signature, algorithm, to_sign: to_sign.into_bytes(), at }),
        Err(error) => Err((error, engine::sm3::hash(to_sign.bytes()))),
    });
}

fn sign_job(kms: &Kms, audit: &AuditLog, job: &Job) -> Result<(Vec<u8>, SignatureAlgorithm, Instant), Error> {
    let at = audit.ready()?;
    let id = job.key.record.id;
    // The newest state of the key, not the one it had when the request was queued.
    let key = kms.cached(id).unwrap_or_else(|| Arc::clone(&job.key));
    if matches!(job.to_sign, ToSign::Checkpoint(_)) != job.only_checkpoints {
        return Err(Refusal::CheckpointPath.into());
    }
    job.to_sign.check(&key.record, at, job.ceremony.as_ref())?;
    let algorithm = SignatureAlgorithm::for_key(key.record.algorithm);
    let signature = kms.signer(&key)?.sign(job.to_sign.bytes(), kms.random())?;
    if !key.public.verify(algorithm, job.to_sign.bytes(), &signature) {
        // A wrong signature can give a private key away; it must not get out.
        tracing::error!(key = %id, "a signature did not verify and was thrown away");
        return Err(Error::SignatureFailed { key: id });
    }
    Ok((signature, algorithm, at))
}

/// On the database's writer thread: the service's rows, then the entry that covers them, then nothing.
fn record<T, E>(
    audit: &AuditLog,
    tx: &Tx<'_>,
    actor: Actor,
    made: Made,
    commit: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, T), E>,
) -> Result<T, Failed<E>> {
    let own = |why| Failed::Own(Error::Audit(why));
    let seq = audit.next_seq(tx).map_err(own)?;
    let Made { signature, algorithm, to_sign, at } = made;
    let signed = Signed { signature, algorithm, to_sign: Arc::new(to_sign), at, seq };
    let (Record { event, object, outcome, payload, covers }, value) = commit(tx, &signed).map_err(Failed::Commit)?;
    audit.append(tx, EntryDraft { actor, event, object, outcome, payload, covers }).map_err(own)?;
    Ok(value)
}

fn refusal(actor: Actor, event: Event, key: KeyId, why: Refusal, digest: [u8; 32]) -> EntryDraft {
    let payload = format!("refused: {why}; sm3={}", crate::hex::of(&digest));
    EntryDraft {
        actor,
        event,
        object: key.to_string(),
        outcome: Outcome::Refused(Error::Refused(why).code()),
        payload: payload.into_bytes(),
        covers: Vec::new(),
    }
}
