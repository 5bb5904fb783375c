//! The pool's queue: bounded, taken from in batches.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pki_config::Instant;

use crate::algorithm::SignatureAlgorithm;
use crate::error::Error;
use crate::kms::Ceremony;
use crate::store::StoredKey;
use crate::to_sign::ToSign;

/// A signature that was verified.
pub(super) struct Made {
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) to_sign: Vec<u8>,
    pub(super) at: Instant,
}

/// What happens with the result: with an error comes the SM3 of what was not signed.
pub(super) type Finish = Box<dyn FnOnce(Result<Made, (Error, [u8; 32])>) + Send>;

/// One request.
pub(super) struct Job {
    pub(super) key: Arc<StoredKey>,
    pub(super) to_sign: ToSign,
    pub(super) ceremony: Option<Ceremony>,
    /// Whether it came on the checkpointer's way, which signs checkpoints and nothing else.
    pub(super) only_checkpoints: bool,
    pub(super) finish: Finish,
}

pub(super) struct Queue {
    limit: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), waiting: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: Job) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Error::Stopping);
        }
        if waiting.jobs.len() >= self.limit {
            return Err(Error::Busy);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes no more; the workers finish what is there and stop.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// One worker's life. A lone request is taken at once; of many, this worker takes its share of the
    /// `workers`, at most `batch`.
    pub(super) fn work(&self, workers: usize, batch: usize, mut each: impl FnMut(Job)) {
        let mut taken = Vec::with_capacity(batch);
        loop {
            {
                let mut waiting = self.lock();
                while waiting.jobs.is_empty() {
                    if waiting.closed {
                        return;
                    }
                    waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
                let share = waiting.jobs.len().div_ceil(workers).min(batch);
                taken.extend(waiting.jobs.drain(..share));
            }
            for job in taken.drain(..) {
                // A panic loses this one answer (its sender is dropped), not the worker.
                if catch_unwind(AssertUnwindSafe(|| each(job))).is_err() {
                    tracing::error!("a signing request panicked");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::key::{KeyRecord, KeyState, Purpose};
    use pki_config::{KeyId, TenantId};

    fn job() -> Job {
        let public = fixture::cert("sm2-sub").public_key().unwrap().clone();
        let record = KeyRecord {
            id: KeyId::from_bytes([1; 16]),
            tenant: TenantId::house(),
            purpose: Purpose::AuditLog,
            algorithm: public.algorithm(),
            spki: public.spki_der().to_vec(),
            state: KeyState::Active,
            created: Instant::LAST,
            subject: None,
            key_id: public.key_id(),
            not_before: None,
            not_after: None,
        };
        let key = Arc::new(StoredKey { record, public, wrapped: None });
        let to_sign = ToSign::BackupManifest(Vec::new());
        Job { key, to_sign, ceremony: None, only_checkpoints: false, finish: Box::new(|_| ()) }
    }

    #[test]
    fn beyond_its_limit_the_queue_is_busy_and_closed_it_stops() {
        let queue = Queue::new(2);
        assert!(queue.push(job()).is_ok() && queue.push(job()).is_ok());
        assert!(matches!(queue.push(job()), Err(Error::Busy)));
        queue.close();
        assert!(matches!(queue.push(job()), Err(Error::Stopping)));
    }

    #[test]
    fn a_closed_queue_is_worked_off_and_a_panic_costs_one_job() {
        let queue = Queue::new(100);
        (0..40).for_each(|_| queue.push(job()).unwrap());
        queue.close();
        let mut done = 0;
        queue.work(1, 16, |_| {
            done += 1;
            assert!(done != 7, "the seventh panics, on purpose");
        });
        assert_eq!(done, 40);
    }
}
