//! Threads that each hold one session to a device, and do there what is asked of them.
//!
//! Sessions to devices are not thread-safe, and a call into a vendor's library cannot be called back. So each session
//! has a thread of its own, whoever asks waits for a bounded time, and a library that hangs costs that thread, never
//! the caller's. While a device is away, callers are told so at once; one of them now and then finds out whether it
//! is back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// First pause before a device that is away is asked again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Most work that waits for a session.
const QUEUE: usize = 4096;

/// Why a device did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not answer, or not now. Nothing says that it will not later.
    Away(String),
    /// It answers and refuses: somebody must mend something.
    Refused(String),
    /// It has no key under this identifier.
    KeyMissing,
    /// The key under this identifier is another one.
    KeyDiffers,
    /// The session is no longer any good. A new one is opened, and what can be repeated is repeated once.
    Session(String),
}

/// What a thread is given: it runs with the session, and says whether the session is still good.
type Work<S> = Box<dyn FnOnce(&mut Seat<S>) + Send>;

/// What a job is done with: a session, opened when it is first needed.
struct Seat<S> {
    session: Option<S>,
}

type Open<S> = dyn Fn() -> Result<S, Fault> + Send + Sync;

/// The threads of one device. They end when this is dropped and what they are at is done.
pub(super) struct Hands<S: 'static> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    name: String,
    most: usize,
    open: Box<Open<S>>,
    state: Mutex<State<S>>,
    wake: Condvar,
}

struct State<S> {
    work: VecDeque<Work<S>>,
    threads: usize,
    idle: usize,
    over: bool,
    away: Option<Away>,
}

struct Away {
    why: String,
    next_try: Instant,
    pause: Duration,
}

impl<S: 'static> Hands<S> {
    /// At most `most` sessions, each opened by `open` when it is needed. Starts no thread yet.
    pub(super) fn new(name: &str, most: usize, open: impl Fn() -> Result<S, Fault> + Send + Sync + 'static) -> Self {
        let state = State { work: VecDeque::new(), threads: 0, idle: 0, over: false, away: None };
        let inner = Inner {
            name: name.to_owned(),
            most: most.max(1),
            open: Box::new(open),
            state: Mutex::new(state),
            wake: Condvar::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Why the device is known to be away, unless it is time to ask it again.
    pub(super) fn known_away(&self) -> Option<Fault> {
        let state = self.inner.lock();
        let away = state.away.as_ref().filter(|away| Instant::now() < away.next_try)?;
        Some(Fault::Away(away.why.clone()))
    }

    /// Has `work` done with a session. `again`: whether it may be done a second time, with a new session, when the
    /// first one turns out to be dead.
    ///
    /// # Errors
    /// What `work` says; [`Fault::Away`] if there is no session or no answer within `limit`.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        again: bool,
        work: impl Fn(&mut S) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = mpsc::sync_channel(1);
        let given_up = Arc::new(AtomicBool::new(false));
        {
            let mut state = self.inner.lock();
            let now = Instant::now();
            if let Some(away) = &mut state.away {
                if now < away.next_try {
                    return Err(Fault::Away(away.why.clone()));
                }
                // This caller finds out; the others go on hearing that it is away.
                away.next_try = now + limit;
            }
            if state.work.len() >= QUEUE {
                return Err(Fault::Away("too much is waiting for it".to_owned()));
            }
            let (inner, given_up) = (Arc::clone(&self.inner), Arc::clone(&given_up));
            state.work.push_back(Box::new(move |seat| {
                // Nobody waits any more: a signature that nobody sees is not worth the device's time.
                if !given_up.load(Ordering::Acquire) {
                    let result = seat.serve(&*inner.open, again, &work);
                    drop(answer.send(result));
                }
            }));
            if state.idle < state.work.len() && state.threads < self.inner.most {
                self.inner.start_thread(&mut state)?;
            }
        }
        self.inner.wake.notify_one();
        let result = match answered.recv_timeout(limit) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                given_up.store(true, Ordering::Release);
                Err(Fault::Away(format!("no answer within {} s", limit.as_secs_f32())))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Fault::Away("its session's thread ended".to_owned())),
        };
        let result = match result {
            // Dead twice in a row.
            Err(Fault::Session(why)) => Err(Fault::Away(why)),
            other => other,
        };
        self.inner.note(match &result {
            Err(Fault::Away(why)) => Some(why),
            _ => None,
        });
        result
    }
}

impl<S: 'static> Drop for Hands<S> {
    fn drop(&mut self) {
        self.inner.lock().over = true;
        self.inner.wake.notify_all();
    }
}

impl<S> Seat<S> {
    fn serve<T>(
        &mut self,
        open: &Open<S>,
        again: bool,
        work: &(impl Fn(&mut S) -> Result<T, Fault> + Send + 'static),
    ) -> Result<T, Fault> {
        let had_one = self.session.is_some();
        let mut result = self.once(open, work);
        // A session that was good the last time says that something happened in between, such as a restart of the
        // device; one that was just opened says that it is not well now.
        if had_one && again && matches!(result, Err(Fault::Session(_))) {
            result = self.once(open, work);
        }
        result
    }

    fn once<T>(&mut self, open: &Open<S>, work: &impl Fn(&mut S) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => open()?,
        };
        let result = work(&mut session);
        if !matches!(result, Err(Fault::Session(_) | Fault::Away(_))) {
            self.session = Some(session);
        }
        result
    }
}

impl<S: 'static> Inner<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_thread(self: &Arc<Self>, state: &mut State<S>) -> Result<(), Fault> {
        let inner = Arc::clone(self);
        let started = std::thread::Builder::new().name(self.name.clone()).spawn(move || inner.run());
        match started {
            Ok(_) => state.threads += 1,
            // Those that run do the work.
            Err(_) if state.threads > 0 => {}
            Err(_) => {
                state.work.pop_back();
                return Err(Fault::Away("the system gives no thread".to_owned()));
            }
        }
        Ok(())
    }

    fn run(self: Arc<Self>) {
        let mut seat = Seat { session: None };
        while let Some(work) = self.next() {
            // A panic costs the session and this one request, whose caller sees its channel closed.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut seat)));
            if done.is_err() {
                tracing::error!(device = %self.name, "a call into a device panicked");
                seat.session = None;
            }
        }
        self.lock().threads -= 1;
    }

    fn next(&self) -> Option<Work<S>> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.work.pop_front() {
                return Some(work);
            }
            if state.over {
                return None;
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Keeps in mind whether the device is away.
    fn note(&self, away: Option<&String>) {
        let mut state = self.lock();
        match away {
            None => {
                if state.away.take().is_some() {
                    tracing::info!(device = %self.name, "the device answers again");
                }
            }
            Some(why) => {
                let pause = match &state.away {
                    Some(before) => (before.pause * 2).min(LONGEST_PAUSE),
                    None => {
                        tracing::error!(device = %self.name, %why, "the device is away");
                        FIRST_PAUSE
                    }
                };
                state.away = Some(Away { why: why.clone(), next_try: Instant::now() + pause, pause });
            }
        }
    }
}

#[cfg(test)]
mod tests;
