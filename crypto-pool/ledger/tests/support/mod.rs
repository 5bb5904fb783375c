//! A log in a temporary directory, with one covered table and a clock that tests move.

#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ledger::audit::{AuditError, Checkpoint, CheckpointBody, VerifyReport};
use ledger::{AuditLog, Db, DbError, DbOptions, EntryDraft, Importance, Outcome, Seq, Table, Tx, Value};
use pki_config::time::FixedClock;
use pki_config::{Actor, Event, Instant};

/// A covered table whose rows may first be intentions.
pub static ITEM: Table = Table {
    name: "item",
    key: 2,
    columns: &["tenant_id", "id", "state", "body", "count"],
    pending: Some("state = 'intended'"),
};

pub static COVERED: &[&Table] = &[&ITEM];

const ITEMS: &str = "
    CREATE TABLE item (
        tenant_id TEXT NOT NULL,
        id INTEGER NOT NULL,
        state TEXT NOT NULL,
        body BLOB,
        count INTEGER NOT NULL,
        audit_seq INTEGER,
        PRIMARY KEY (tenant_id, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE plain (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT;
";

pub struct House {
    pub directory: tempfile::TempDir,
    pub clock: Arc<FixedClock>,
    pub db: Db,
    pub log: AuditLog,
}

pub fn noon() -> Instant {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn draft(object: &str) -> EntryDraft {
    EntryDraft {
        actor: Actor::system(),
        event: Event::CertificateIssued,
        object: object.to_owned(),
        outcome: Outcome::Done,
        payload: format!("payload of {object}").into_bytes(),
        covers: Vec::new(),
    }
}

pub fn item(id: i64, state: &str, count: i64) -> [Value; 5] {
    [
        Value::Text("house".to_owned()),
        Value::Integer(id),
        Value::Text(state.to_owned()),
        Value::Blob(vec![7; 20]),
        Value::Integer(count),
    ]
}

/// A stand-in for the log key: the signature is the SM3 of the body.
pub fn sign(body: CheckpointBody) -> Checkpoint {
    let signature = engine::sm3::hash(&body.to_der()).to_vec();
    Checkpoint { body, signature }
}

pub fn genuine(checkpoint: &Checkpoint) -> bool {
    checkpoint.signature == engine::sm3::hash(&checkpoint.body.to_der())
}

impl House {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::open(directory, Arc::new(FixedClock::at(noon()))).unwrap()
    }

    pub fn options(directory: &tempfile::TempDir) -> DbOptions {
        DbOptions { path: directory.path().join("test.db"), reserve: 0, readers: 2, queue: 10_000 }
    }

    pub fn open(directory: tempfile::TempDir, clock: Arc<FixedClock>) -> Result<Self, AuditError> {
        let db = Db::open(Self::options(&directory))?;
        db.migrate("item", &[ITEMS])?;
        let log = AuditLog::open(db.clone(), clock.clone(), COVERED)?;
        Ok(Self { directory, clock, db, log })
    }

    pub fn path(&self) -> PathBuf {
        self.db.path().to_owned()
    }

    /// Closes and opens again.
    pub fn reopen(self) -> Result<Self, AuditError> {
        self.db.close();
        Self::open(self.directory, self.clock)
    }

    pub fn append(&self, object: &str) -> Seq {
        let (log, draft) = (self.log.clone(), draft(object));
        self.db.write_blocking(Importance::Normal, move |tx| log.append(tx, draft)).unwrap()
    }

    /// One item, written with its entry.
    pub fn put(&self, id: i64, state: &'static str, count: i64) -> Seq {
        let log = self.log.clone();
        self.db.write_blocking(Importance::Normal, move |tx| put_item(&log, tx, id, state, count)).unwrap()
    }

    /// `count` entries, in a few commits.
    pub fn fill(&self, count: u64) {
        let mut left = count;
        while left > 0 {
            let some = left.min(5000);
            let log = self.log.clone();
            self.db
                .write_blocking(Importance::Normal, move |tx| {
                    (0..some).try_for_each(|i| log.append(tx, draft(&format!("object-{i}"))).map(|_| ()))
                })
                .unwrap();
            left -= some;
        }
    }

    pub fn checkpoint(&self) -> Option<Checkpoint> {
        block_on(async {
            let head = sign(self.log.head([1; 32]).await.unwrap()?);
            self.log.store_checkpoint(head.clone()).await.unwrap();
            Some(head)
        })
    }

    pub fn verify(&self, expect: Option<&Checkpoint>) -> VerifyReport {
        self.log.verify_all(&mut |_, _| {}, &genuine, expect).unwrap()
    }

    pub fn clock_now(&self) -> Instant {
        pki_config::Clock::now(&*self.clock)
    }

    /// What somebody does who holds the file and not the program.
    pub fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.db.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

pub fn put_item(log: &AuditLog, tx: &Tx<'_>, id: i64, state: &str, count: i64) -> Result<Seq, AuditError> {
    let seq = log.next_seq(tx)?;
    let cover = tx.put(&ITEM, &item(id, state, count), seq)?;
    log.append(tx, EntryDraft { covers: vec![cover], ..draft(&format!("item-{id}")) })
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn insert(tx: &Tx<'_>, word: &str) -> Result<(), DbError> {
    tx.execute("INSERT INTO plain (word) VALUES ($1)", &[&word]).map(|_| ())
}

pub fn words(db: &Db) -> Vec<String> {
    db.read_blocking(|tx| tx.query_all("SELECT word FROM plain ORDER BY word", &[], |row| row.get(0))).unwrap()
}
