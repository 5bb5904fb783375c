//! The threads that work a queue off. Their number can change while they work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::queue::Queue;
use super::worker::{Job, Worker};
use crate::error::Error;

/// Fewest signatures that a worker takes if they wait: what fills the lanes once. Fewer would split the work
/// of one batch between two threads at the price of two.
const LEAST: usize = engine::sm2::LANES;
/// Most that a worker takes: several times the lanes, since a batch shares more than they do.
const MOST: usize = 4 * engine::sm2::LANES;

/// Workers and their queue.
pub(crate) struct Crew {
    name: String,
    queue: Arc<Queue<Job>>,
    worker: Worker,
    wanted: Arc<AtomicUsize>,
    /// Processors that the workers are bound to, one after another; none: the system's choice.
    cores: Vec<u16>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Crew {
    /// Starts `threads` workers (at least one), named after `name`, on these processors if there are any.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread.
    pub(super) fn start(
        name: &str,
        threads: usize,
        cores: &[u16],
        queue: Queue<Job>,
        worker: Worker,
    ) -> Result<Self, Error> {
        let crew = Self {
            name: name.to_owned(),
            queue: Arc::new(queue),
            worker,
            wanted: Arc::default(),
            cores: cores.to_vec(),
            threads: Mutex::default(),
        };
        crew.resize(threads)?;
        Ok(crew)
    }

    pub(super) fn queue(&self) -> &Queue<Job> {
        &self.queue
    }

    /// Goes on with this many workers (at least one). Those that leave finish their batch first; what waits
    /// is left to the others.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system gives no thread; then as many work as there are.
    pub(crate) fn resize(&self, threads: usize) -> Result<(), Error> {
        let mut running = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = threads.max(1);
        self.wanted.store(threads, Ordering::Release);
        self.queue.wake();
        let stay = threads.min(running.len());
        running.drain(stay..).for_each(joined);
        while running.len() < threads {
            let started = self.spawn(running.len());
            let Ok(thread) = started else {
                self.wanted.store(running.len(), Ordering::Release);
                return Err(Error::Busy);
            };
            running.push(thread);
        }
        Ok(())
    }

    fn spawn(&self, number: usize) -> std::io::Result<JoinHandle<()>> {
        let (queue, worker, wanted) = (Arc::clone(&self.queue), self.worker.clone(), Arc::clone(&self.wanted));
        let core = self.cores.get(number.checked_rem(self.cores.len()).unwrap_or(0)).copied();
        std::thread::Builder::new().name(format!("{}-{number}", self.name)).spawn(move || {
            core.into_iter().for_each(bind);
            let mut batch = Vec::with_capacity(MOST);
            let wanted = || wanted.load(Ordering::Acquire);
            while queue.take(&mut batch, [LEAST, MOST], wanted, || number >= wanted()) {
                // What may panic is guarded within, request by request. Should anything else, the callers of this
                // batch hear that the outcome is unknown, and the worker goes on.
                if catch_unwind(AssertUnwindSafe(|| worker.serve(&mut batch))).is_err() {
                    tracing::error!("a batch of signing requests panicked");
                    batch.clear();
                }
            }
        })
    }

    /// Finishes what is queued and stops the workers. Later requests get [`Error::Stopping`].
    pub(crate) fn stop(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().for_each(joined);
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Binds this thread to a processor. It works unbound if there is no such one, or none that it may have.
fn bind(core: u16) {
    let mut set = rustix::thread::CpuSet::new();
    if usize::from(core) < rustix::thread::CpuSet::MAX_CPU {
        set.set(usize::from(core));
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        tracing::warn!(core, %error, "a signing worker could not be bound to its processor");
    }
}

fn joined(thread: JoinHandle<()>) {
    // The last handle may be dropped by what a worker hands on: a thread does not wait for itself.
    if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
        tracing::error!("a signing worker had panicked");
    }
}
