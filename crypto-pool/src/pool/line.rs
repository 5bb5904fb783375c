//! A queue with its workers and all they need: what the pool has one of for everybody, and one more for each
//! exclusive unit.

use std::sync::Arc;

use ledger::{AuditLog, Db, Importance, Seq, Tx};
use pki_config::{Actor, KeyId};
use tokio::sync::oneshot;

use super::bulk::{Bulk, BulkLog};
use super::crew::Crew;
use super::queue::{Limits, Queue};
use super::record::{Failed, record, refusal};
use super::worker::{Finish, Job, One, Task, Worker};
use super::{BulkRequest, MOST_IN_BULK, PoolOptions, Record, SignRequest, Signed};
use crate::error::Error;
use crate::kms::Kms;
use crate::store::StoredKey;
use crate::to_sign::ToSign;

pub(crate) struct Line {
    crew: Crew,
    db: Db,
    audit: AuditLog,
    kms: Kms,
}

impl Line {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread.
    pub(crate) fn start(
        name: &str,
        options: &PoolOptions,
        cores: &[u16],
        db: Db,
        audit: AuditLog,
        kms: Kms,
    ) -> Result<Self, Error> {
        let limits = Limits { purpose: options.queue, owner: options.queue_per_owner };
        let queue = Queue::new(limits, &options.shares);
        let log = Arc::new(BulkLog::new(db.clone(), audit.clone()));
        let worker = Worker::new(kms.clone(), audit.clone(), log);
        let crew = Crew::start(name, options.threads, cores, queue, worker)?;
        Ok(Self { crew, db, audit, kms })
    }

    pub(crate) fn kms(&self) -> &Kms {
        &self.kms
    }

    /// The database and the log that signatures are recorded in.
    pub(super) fn stores(&self) -> (Db, AuditLog) {
        (self.db.clone(), self.audit.clone())
    }

    pub(crate) fn crew(&self) -> &Crew {
        &self.crew
    }

    /// A key that this actor may use here, if the log can record now.
    pub(crate) async fn key(&self, actor: &Actor, key: KeyId) -> Result<Arc<StoredKey>, Error> {
        self.audit.ready()?;
        self.kms.of_tenant(actor, key).await
    }

    /// [`super::PoolHandle::sign`] with a key that was looked up.
    pub(crate) async fn sign<T, E>(
        &self,
        key: Arc<StoredKey>,
        request: SignRequest,
        commit: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, T), E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let SignRequest { key: id, to_sign, actor, ceremony, importance } = request;
        let (answer, answered) = oneshot::channel::<Result<T, Failed<E>>>();
        let (db, audit, event) = (self.db.clone(), self.audit.clone(), to_sign.event());
        let finish: Finish = Box::new(move |made| match made {
            Ok(made) => {
                let work = move |tx: &Tx<'_>| record(&audit, tx, actor, made, commit);
                // A caller who gave up waiting: the record is kept all the same.
                db.write_then(importance, work, move |result| drop(answer.send(result)));
            }
            Err((Error::Refused(why), digest)) => {
                let draft = refusal(actor, event, id, why, digest);
                let work = move |tx: &Tx<'_>| audit.append(tx, draft).map_err(Error::from);
                db.write_then(Importance::Normal, work, move |logged: Result<Seq, Error>| {
                    let error = logged.map_or_else(|error| error, |_| Error::Refused(why));
                    drop(answer.send(Err(Failed::Own(error))));
                });
            }
            Err((error, _)) => drop(answer.send(Err(Failed::Own(error)))),
        });
        let one = One { to_sign, ceremony, only_checkpoints: false, finish };
        self.crew.queue().push(Job { key, task: Task::One(Box::new(one)) })?;
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failed::Commit(error))) => Err(error),
            Ok(Err(Failed::Own(error))) => Err(error.into()),
            Err(_) => Err(Error::Lost.into()),
        }
    }

    /// [`super::PoolHandle::sign_bulk`] with a key that was looked up.
    pub(crate) async fn sign_bulk(&self, key: Arc<StoredKey>, request: BulkRequest) -> Result<Vec<Signed>, Error> {
        let BulkRequest { actor, to_sign, .. } = request;
        if !(1..=MOST_IN_BULK).contains(&to_sign.len()) {
            return Err(Error::BulkSize { asked: to_sign.len() });
        }
        let (bulk, answered) = Bulk::new(&key, actor, to_sign.len());
        let task = Task::Part { bulk: Arc::new(bulk), from: 0, to_sign };
        self.crew.queue().push(Job { key, task })?;
        answered.await.unwrap_or(Err(Error::Lost))
    }

    /// Signs the body of a checkpoint. No entry: the checkpoint is itself the record.
    pub(crate) async fn sign_checkpoint(&self, key: Arc<StoredKey>, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let (answer, answered) = oneshot::channel();
        let finish: Finish = Box::new(move |made| {
            drop(answer.send(made.map(|made| made.signature).map_err(|(error, _)| error)));
        });
        let one = One { to_sign: ToSign::Checkpoint(body), ceremony: None, only_checkpoints: true, finish };
        self.crew.queue().push(Job { key, task: Task::One(Box::new(one)) })?;
        answered.await.unwrap_or(Err(Error::Lost))
    }
}
