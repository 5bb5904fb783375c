//! The writer thread: takes all waiting closures, runs them in one transaction, commits once.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::fault::surely_undone;
use super::reserve::Reserve;
use super::tx::{AfterCommit, Statements, Tx};
use super::{DbError, Importance};

/// Most closures in one commit. More would make the first wait long for little gain: at this size the
/// commit is a few per cent of the work.
const GROUP: usize = 512;

/// A closure on its way through a database thread.
pub(super) trait Work: Send {
    fn importance(&self) -> Importance;
    /// Runs it; whether its changes are to be kept.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Answers with what it returned.
    fn done(self: Box<Self>);
    /// Answers with an error of the database: nothing of it was kept, or nobody knows.
    fn refuse(self: Box<Self>, error: DbError);
}

/// A closure that ran, and what it wants done once that is durable.
struct Kept {
    work: Box<dyn Work>,
    then: Vec<AfterCommit>,
}

/// A closure and whom to tell.
pub(super) struct Job<T, E: From<DbError>, F, A: FnOnce(Result<T, E>)> {
    importance: Importance,
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: Option<A>,
}

impl<T, E: From<DbError>, F, A: FnOnce(Result<T, E>)> Job<T, E, F, A> {
    pub(super) fn new(importance: Importance, work: F, answer: A) -> Self {
        Self { importance, work: Some(work), outcome: None, answer: Some(answer) }
    }
}

impl<T, E, F, A> Work for Job<T, E, F, A>
where
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send,
    A: FnOnce(Result<T, E>) + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn importance(&self) -> Importance {
        self.importance
    }

    fn run(&mut self, tx: &Tx<'_>) -> bool {
        // Stands if `work` panics.
        self.outcome = Some(Err(DbError::Failed("the work panicked".to_owned()).into()));
        let Some(work) = self.work.take() else { return false };
        let mut outcome = work(tx);
        if outcome.is_ok() && tx.uncovered() > 0 {
            outcome = Err(DbError::Failed("a covered row was written without its log entry".to_owned()).into());
        }
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn done(mut self: Box<Self>) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(DbError::Closed.into()));
        if let Some(answer) = self.answer.take() {
            answer(outcome);
        }
    }

    fn refuse(mut self: Box<Self>, error: DbError) {
        if let Some(answer) = self.answer.take() {
            answer(Err(error.into()));
        }
    }
}

impl<T, E: From<DbError>, F, A: FnOnce(Result<T, E>)> Drop for Job<T, E, F, A> {
    /// Whoever queued it is told, even if it came between the thread's last look and its end.
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer(Err(DbError::Closed.into()));
        }
    }
}

enum Order {
    Work(Box<dyn Work>),
    Close,
}

/// The writer thread and its queue.
pub(super) struct Writer {
    orders: SyncSender<Order>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, reserve: Reserve, queue: usize) -> Result<Self, DbError> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let thread = thread::Builder::new()
            .name("db-write".to_owned())
            .spawn(move || serve(connection, reserve, &receiver))
            .map_err(|e| DbError::Failed(format!("no thread for the database: {e}")))?;
        Ok(Self { orders: sender, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn queue(&self, work: Box<dyn Work>) {
        match self.orders.try_send(Order::Work(work)) {
            Ok(()) => {}
            Err(TrySendError::Full(Order::Work(work))) => work.refuse(DbError::Busy),
            Err(TrySendError::Disconnected(Order::Work(work))) => work.refuse(DbError::Closed),
            Err(_) => {}
        }
    }

    pub(super) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Fails only if the thread has ended already.
            let _ = self.orders.send(Order::Close);
            let _ = thread.join();
        }
    }
}

fn serve(connection: Connection, reserve: Reserve, orders: &Receiver<Order>) {
    let statements = Statements::default();
    let mut turn = Turn { connection: &connection, statements: &statements, reserve, rollbacks: 0, broken: None };
    let mut group = Vec::new();
    let mut closing = false;
    while !closing {
        let mut next = orders.recv().map_err(|_| TryRecvError::Disconnected);
        loop {
            match next {
                Ok(Order::Work(work)) => group.push(work),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => closing = true,
                Err(TryRecvError::Empty) => break,
            }
            if closing || group.len() == GROUP {
                break;
            }
            next = orders.try_recv();
        }
        turn.run(mem::take(&mut group));
    }
    // A failure here loses nothing: the WAL is read back at the next start.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be written back");
    }
}

/// What one commit of many closures needs.
struct Turn<'a> {
    connection: &'a Connection,
    statements: &'a Statements,
    reserve: Reserve,
    rollbacks: u64,
    /// Set once a commit's outcome is unknown: then nothing more is written.
    broken: Option<DbError>,
}

impl Turn<'_> {
    fn run(&mut self, group: Vec<Box<dyn Work>>) {
        if group.is_empty() {
            return;
        }
        if let Some(broken) = self.broken.clone() {
            return refuse_all(group, &broken);
        }
        let essential = group.iter().any(|work| work.importance() == Importance::Essential);
        let room = self.reserve.admit(essential);
        let (admitted, refused): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|work| room || work.importance() == Importance::Essential);
        refuse_all(refused, &DbError::DiskFull);

        let alone = admitted.len() == 1;
        let mut kept = Vec::with_capacity(admitted.len());
        let mut open = false;
        for work in admitted {
            if let Err(error) = self.step(work, alone, &mut open, &mut kept, essential) {
                // Not even the savepoint could be handled: nothing of this transaction can be trusted.
                self.give_up(&mut open, &mut kept, &error);
            }
        }
        if open {
            self.commit(kept);
        }
    }

    /// Runs one closure in the transaction, which it opens if need be.
    fn step(
        &mut self,
        mut work: Box<dyn Work>,
        alone: bool,
        open: &mut bool,
        kept: &mut Vec<Kept>,
        essential: bool,
    ) -> Result<(), DbError> {
        if !*open {
            if let Err(error) = self.command("BEGIN IMMEDIATE") {
                answer(work, Some(error));
                return Ok(());
            }
            *open = true;
        }
        if !alone && let Err(error) = self.command("SAVEPOINT work") {
            answer(work, Some(error.clone()));
            return Err(error);
        }
        let tx = Tx::new(self.connection, self.statements, self.rollbacks);
        let keep = catch_unwind(AssertUnwindSafe(|| work.run(&tx))).unwrap_or(false);
        if tx.met_full_disk() {
            self.reserve.met_full_disk(essential);
        }
        if self.connection.is_autocommit() {
            // SQLite has rolled back all of the transaction by itself, as it does when the disk is full
            // in the middle of a statement. What ran before in this group is gone too.
            let reason = if tx.met_full_disk() {
                DbError::DiskFull
            } else {
                DbError::Failed("rolled back by SQLite".to_owned())
            };
            self.rollbacks += 1;
            *open = false;
            refuse_all(works(mem::take(kept)), &reason);
            answer(work, keep.then_some(reason));
            return Ok(());
        }
        if keep {
            kept.push(Kept { work, then: tx.take_after_commit() });
            return if alone { Ok(()) } else { self.command("RELEASE work") };
        }
        // Before the answer, so that whoever hears of the error finds the memory fresh.
        self.rollbacks += u64::from(tx.is_mirrored());
        let undone = if alone {
            *open = false;
            self.command("ROLLBACK")
        } else {
            self.command("ROLLBACK TO work").and_then(|()| self.command("RELEASE work"))
        };
        answer(work, None);
        undone
    }

    fn commit(&mut self, kept: Vec<Kept>) {
        if kept.is_empty() {
            if let Err(error) = self.command("ROLLBACK") {
                tracing::warn!(%error, "an empty transaction could not be closed");
            }
            return;
        }
        let Err(error) = self.raw_command("COMMIT") else {
            for Kept { work, then } in kept {
                then.into_iter().for_each(run_after_commit);
                answer(work, None);
            }
            return;
        };
        self.rollbacks += 1;
        let essential = kept.iter().any(|kept| kept.work.importance() == Importance::Essential);
        let closed = self.connection.is_autocommit() || self.command("ROLLBACK").is_ok();
        let reason = if closed && surely_undone(&error) {
            DbError::from(error)
        } else {
            tracing::error!(%error, "a commit failed and its outcome is unknown; the writer stops");
            self.broken = Some(DbError::Failed(format!("stopped after a failed commit; restart to recover: {error}")));
            DbError::OutcomeUnknown(error.to_string())
        };
        if reason == DbError::DiskFull {
            self.reserve.met_full_disk(essential);
        }
        refuse_all(works(kept), &reason);
    }

    fn give_up(&mut self, open: &mut bool, kept: &mut Vec<Kept>, error: &DbError) {
        self.rollbacks += 1;
        *open = false;
        if !self.connection.is_autocommit() && self.command("ROLLBACK").is_err() {
            self.broken = Some(DbError::Failed(format!("a transaction could not be rolled back: {error}")));
        }
        refuse_all(works(mem::take(kept)), error);
    }

    fn command(&self, sql: &'static str) -> Result<(), DbError> {
        Ok(self.raw_command(sql)?)
    }

    fn raw_command(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// The closures alone: they were undone, so what they wanted done afterwards is not.
fn works(kept: Vec<Kept>) -> Vec<Box<dyn Work>> {
    kept.into_iter().map(|kept| kept.work).collect()
}

fn run_after_commit(then: AfterCommit) {
    if catch_unwind(AssertUnwindSafe(then)).is_err() {
        tracing::error!("what was to be done after a commit panicked");
    }
}

fn refuse_all(group: Vec<Box<dyn Work>>, error: &DbError) {
    for work in group {
        answer(work, Some(error.clone()));
    }
}

/// Tells the caller: an error of the database, or what the closure returned. A panic in the caller's
/// code must not take the writer down with it.
fn answer(work: Box<dyn Work>, error: Option<DbError>) {
    let told = catch_unwind(AssertUnwindSafe(|| match error {
        Some(error) => work.refuse(error),
        None => work.done(),
    }));
    if told.is_err() {
        tracing::error!("the code that takes a database answer panicked");
    }
}
