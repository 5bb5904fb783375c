//! Two signatures of one key that are recorded together or not at all, each with an entry of its own.
//!
//! Both go through the queue like any other. Whichever worker finishes last hands one closure to the database's writer:
//! the rows and the entry of the first, then those of the second, in one transaction. If either is refused or fails,
//! neither is recorded, and neither leaves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::{Importance, Seq, Tx};
use pki_config::Event;
use tokio::sync::oneshot;

use super::line::Line;
use super::record::{Failed, record, refusal};
use super::worker::{Finish, Job, Made, One, Task};
use super::{PoolHandle, Record, SignRequest, Signed};
use crate::error::Error;
use crate::store::StoredKey;
use crate::to_sign::ToSign;

/// What is left to be done when both are made, or one is not: with an error come the event and digest of what was not
/// signed.
type Together = Box<dyn FnOnce(Result<[Made; 2], (Error, Event, [u8; 32])>) + Send>;

/// Two signatures on their way.
struct Two {
    made: [Option<Made>; 2],
    /// `None` once the fate of both is known.
    then: Option<Together>,
}

struct Shared(Mutex<Two>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Two> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of the two came out like this.
    fn take_in(&self, place: usize, event: Event, result: Result<Made, (Error, [u8; 32])>) {
        let mut two = self.lock();
        let outcome = match result {
            Err((error, digest)) => Err((error, event, digest)),
            Ok(made) => {
                if let Some(slot) = two.made.get_mut(place) {
                    *slot = Some(made);
                }
                match &mut two.made {
                    [first @ Some(_), second @ Some(_)] => match (first.take(), second.take()) {
                        (Some(first), Some(second)) => Ok([first, second]),
                        _ => return,
                    },
                    _ => return,
                }
            }
        };
        let then = two.then.take();
        drop(two);
        if let Some(then) = then {
            then(outcome);
        }
    }
}

impl PoolHandle {
    /// Signs two things with one key and records both in one transaction: `first` writes the rows of
    /// `request.to_sign` and says what to record, then `second` those of `other`, given what `first` left for it.
    /// Answers when all of it is durable; if anything fails, nothing is kept of either.
    ///
    /// # Errors
    /// As [`PoolHandle::sign`].
    pub async fn sign_two<A, T, E>(
        &self,
        request: SignRequest,
        other: ToSign,
        first: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, A), E> + Send + 'static,
        second: impl FnOnce(&Tx<'_>, &Signed, A) -> Result<(Record, T), E> + Send + 'static,
    ) -> Result<T, E>
    where
        A: 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let key = self.0.shared.key(&request.actor, request.key).await?;
        match self.0.units.of(&key.record.tenant) {
            Some(unit) => unit.line().sign_two(key, request, other, first, second).await,
            None => self.0.shared.sign_two(key, request, other, first, second).await,
        }
    }
}

impl Line {
    /// [`PoolHandle::sign_two`] with a key that was looked up.
    pub(crate) async fn sign_two<A, T, E>(
        &self,
        key: Arc<StoredKey>,
        request: SignRequest,
        other: ToSign,
        first: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, A), E> + Send + 'static,
        second: impl FnOnce(&Tx<'_>, &Signed, A) -> Result<(Record, T), E> + Send + 'static,
    ) -> Result<T, E>
    where
        A: 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let SignRequest { key: id, to_sign, actor, ceremony, importance } = request;
        let (answer, answered) = oneshot::channel::<Result<T, Failed<E>>>();
        let (db, audit) = self.stores();
        let then: Together = Box::new(move |made| match made {
            Ok([one, two]) => {
                let work = move |tx: &Tx<'_>| {
                    let left = record(&audit, tx, actor.clone(), one, first)?;
                    record(&audit, tx, actor, two, |tx, signed| second(tx, signed, left))
                };
                db.write_then(importance, work, move |result| drop(answer.send(result)));
            }
            Err((Error::Refused(why), event, digest)) => {
                let draft = refusal(actor, event, id, why, digest);
                let work = move |tx: &Tx<'_>| audit.append(tx, draft).map_err(Error::from);
                db.write_then(Importance::Normal, work, move |logged: Result<Seq, Error>| {
                    let error = logged.map_or_else(|error| error, |_| Error::Refused(why));
                    drop(answer.send(Err(Failed::Own(error))));
                });
            }
            Err((error, ..)) => drop(answer.send(Err(Failed::Own(error)))),
        });
        let shared = Arc::new(Shared(Mutex::new(Two { made: [None, None], then: Some(then) })));
        for (place, to_sign) in [to_sign, other].into_iter().enumerate() {
            let (event, two) = (to_sign.event(), Arc::clone(&shared));
            let finish: Finish = Box::new(move |result| two.take_in(place, event, result));
            let one = One { to_sign, ceremony: ceremony.clone(), only_checkpoints: false, finish };
            if let Err(error) = self.crew().queue().push(Job { key: Arc::clone(&key), task: Task::One(Box::new(one)) })
            {
                // The first may be signed already: with nobody left to take it in, it is dropped unseen.
                shared.lock().then = None;
                return Err(error.into());
            }
        }
        drop(shared);
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failed::Commit(error))) => Err(error),
            Ok(Err(Failed::Own(error))) => Err(error.into()),
            Err(_) => Err(Error::Lost.into()),
        }
    }
}
