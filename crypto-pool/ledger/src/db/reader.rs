//! The reader threads: each has a connection that cannot write, and takes the next waiting closure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::tx::{Statements, Tx};
use super::writer::Work;
use super::{DbError, sqlite};

enum Order {
    Work(Box<dyn Work>),
    Close,
}

/// The reader threads and their queue.
pub(super) struct Readers {
    orders: SyncSender<Order>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn start(path: &Path, count: usize, queue: usize) -> Result<Self, DbError> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::new();
        for number in 0..count.max(1) {
            let connection = sqlite::open_reader(path)?;
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new()
                .name(format!("db-read-{number}"))
                .spawn(move || serve(&connection, &receiver))
                .map_err(|e| DbError::Failed(format!("no thread for the database: {e}")))?;
            threads.push(thread);
        }
        Ok(Self { orders: sender, threads: Mutex::new(threads) })
    }

    pub(super) fn queue(&self, work: Box<dyn Work>) {
        match self.orders.try_send(Order::Work(work)) {
            Ok(()) => {}
            Err(TrySendError::Full(Order::Work(work))) => work.refuse(DbError::Busy),
            Err(TrySendError::Disconnected(Order::Work(work))) => work.refuse(DbError::Closed),
            Err(_) => {}
        }
    }

    /// As [`Readers::queue`], waiting for room in the queue.
    pub(super) fn queue_waiting(&self, work: Box<dyn Work>) {
        if let Err(SendError(Order::Work(work))) = self.orders.send(Order::Work(work)) {
            work.refuse(DbError::Closed);
        }
    }

    pub(super) fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            // Fails only if the threads have ended already.
            let _ = self.orders.send(Order::Close);
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, orders: &Mutex<Receiver<Order>>) {
    let statements = Statements::default();
    loop {
        let order = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match order {
            Ok(Order::Work(work)) => read(connection, &statements, work),
            Ok(Order::Close) | Err(_) => return,
        }
    }
}

fn read(connection: &Connection, statements: &Statements, mut work: Box<dyn Work>) {
    if let Err(error) = command(connection, "BEGIN") {
        return work.refuse(error);
    }
    let tx = Tx::new(connection, statements, 0);
    // A panic is answered as an error by the work itself; the view holds nothing worth keeping.
    let _ = catch_unwind(AssertUnwindSafe(|| work.run(&tx)));
    if let Err(error) = command(connection, "ROLLBACK") {
        tracing::warn!(%error, "a read view could not be closed");
    }
    let _ = catch_unwind(AssertUnwindSafe(|| work.done()));
}

fn command(connection: &Connection, sql: &'static str) -> Result<(), DbError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
