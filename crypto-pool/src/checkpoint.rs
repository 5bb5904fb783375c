//! Signs the head of the log: every second if something is new, at shutdown, and on demand.
//!
//! A stored checkpoint moves only by compare-and-swap on the one before, so two processes can never fork
//! the log. Copies go to files that the service itself does not rewrite; `audit verify --expect` compares.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::AuditLog;
use ledger::audit::{AuditError, Checkpoint};
use pki_config::KeyId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::error::Error;
use crate::key::Purpose;
use crate::pool::PoolHandle;
use crate::public_key::PublicKey;

/// How checkpoints are made.
#[derive(Debug, Clone)]
pub struct CheckpointOptions {
    /// Time between two. Default: one second.
    pub interval: Duration,
    /// Files to which each checkpoint is appended: one line of base64 of its DER.
    pub copies: Vec<PathBuf>,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), copies: Vec::new() }
    }
}

/// How it goes, for `health` and for alarms.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CheckpointStatus {
    /// The newest one made by this process.
    pub last: Option<Checkpoint>,
    /// Why the last attempt failed; nothing if it did not.
    pub failure: Option<String>,
    /// Why the last copy to a file failed; nothing if none did. The service goes on without it.
    pub copy_failure: Option<String>,
}

/// The handle of the task that makes checkpoints. Cheap to clone.
#[derive(Clone)]
pub struct Checkpointer(Arc<Shared>);

struct Shared {
    requests: mpsc::Sender<Request>,
    status: Mutex<CheckpointStatus>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Request {
    Now(oneshot::Sender<Result<Checkpoint, Error>>),
    Stop,
}

/// What the task works with.
struct Maker {
    pool: PoolHandle,
    audit: AuditLog,
    key: KeyId,
    log: [u8; 32],
    copies: Vec<PathBuf>,
}

/// Most callers that wait for a checkpoint at once.
const WAITING: usize = 4096;

impl Checkpointer {
    /// Starts the task on the runtime that this is called in. `key` is the log's SM2 key.
    ///
    /// # Errors
    /// [`Error::KeyPurpose`] if the key is not for the log, [`Error::Algorithm`] if it is not SM2.
    pub async fn start(
        pool: PoolHandle,
        audit: AuditLog,
        key: KeyId,
        options: CheckpointOptions,
    ) -> Result<Self, Error> {
        let record = pool.kms().record(key).await?;
        if record.purpose != Purpose::AuditLog {
            return Err(Error::KeyPurpose { key, purpose: record.purpose });
        }
        if record.algorithm != KeyAlgorithm::Sm2 {
            return Err(Error::Algorithm);
        }
        let (requests, inbox) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared { requests, status: Mutex::default(), task: Mutex::default() });
        let maker = Maker { pool, audit, key, log: engine::sm3::hash(&record.spki), copies: options.copies };
        let task = tokio::spawn(run(maker, inbox, options.interval, Arc::downgrade(&shared)));
        *shared.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(Self(shared))
    }

    /// A checkpoint over everything appended before the call. Callers at the same time share one.
    ///
    /// # Errors
    /// [`Error::Sealed`]; [`Error::Busy`]; [`Error::Stopping`]; the log's own.
    pub async fn now(&self) -> Result<Checkpoint, Error> {
        let (answer, answered) = oneshot::channel();
        self.0.requests.try_send(Request::Now(answer)).map_err(|why| match why {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Stopping,
        })?;
        answered.await.unwrap_or(Err(Error::Stopping))
    }

    /// Makes a last checkpoint and ends the task. The pool must still be running.
    pub async fn stop(&self) {
        let task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // Closed already means ended already.
            let _ = self.0.requests.send(Request::Stop).await;
            if task.await.is_err() {
                tracing::error!("the checkpoint task had panicked");
            }
        }
    }

    /// How it goes.
    #[must_use]
    pub fn status(&self) -> CheckpointStatus {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn run(maker: Maker, mut inbox: mpsc::Receiver<Request>, every: Duration, shared: std::sync::Weak<Shared>) {
    let mut tick = interval(every.max(Duration::from_millis(10)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut waiting = Vec::new();
        let mut last_round = false;
        tokio::select! {
            _ = tick.tick() => {}
            request = inbox.recv() => match request {
                Some(Request::Now(answer)) => waiting.push(answer),
                Some(Request::Stop) | None => last_round = true,
            }
        }
        // Everybody who asked before the head is read is served by it.
        while let Ok(request) = inbox.try_recv() {
            match request {
                Request::Now(answer) => waiting.push(answer),
                Request::Stop => last_round = true,
            }
        }
        let made = maker.make(!waiting.is_empty()).await;
        if let Some(shared) = shared.upgrade() {
            shared.status.lock().unwrap_or_else(PoisonError::into_inner).take_in(&made);
        }
        for answer in waiting {
            // Whoever no longer waits needs no answer.
            let _ = answer.send(made.answer());
        }
        if last_round {
            return;
        }
    }
}

/// The outcome of one round.
struct Round {
    result: Result<Option<Checkpoint>, Error>,
    is_new: bool,
    copied: Result<(), String>,
}

impl Round {
    fn answer(&self) -> Result<Checkpoint, Error> {
        match &self.result {
            Ok(Some(checkpoint)) => Ok(checkpoint.clone()),
            Ok(None) => Err(Error::Audit(AuditError::NoSuchEntry)),
            // Errors are not cloned; those that callers act on are told apart.
            Err(Error::Sealed) => Err(Error::Sealed),
            Err(Error::Busy) => Err(Error::Busy),
            Err(Error::Stopping) => Err(Error::Stopping),
            Err(Error::Audit(why)) => Err(Error::Audit(why.clone())),
            Err(Error::Db(why)) => Err(Error::Db(why.clone())),
            Err(other) => Err(Error::Audit(AuditError::Stopped(other.to_string()))),
        }
    }
}

impl CheckpointStatus {
    fn take_in(&mut self, round: &Round) {
        match &round.result {
            Ok(checkpoint) => {
                self.failure = None;
                if round.is_new {
                    self.last.clone_from(checkpoint);
                    self.copy_failure = round.copied.clone().err();
                }
            }
            Err(error) => {
                let reason = error.to_string();
                // A failure is told once, not every second.
                if self.failure.as_ref() != Some(&reason) {
                    tracing::error!(%reason, "no checkpoint could be made");
                }
                self.failure = Some(reason);
            }
        }
    }
}

impl Maker {
    /// Makes a checkpoint if something is new. `wanted`: somebody waits, so the newest stored one is
    /// answered if nothing is.
    async fn make(&self, wanted: bool) -> Round {
        let old = |result| Round { result, is_new: false, copied: Ok(()) };
        match self.audit.head(self.log).await {
            Ok(Some(body)) => match self.sign_and_store(body).await {
                Ok(checkpoint) => {
                    let copied = self.copy(&checkpoint).await;
                    Round { result: Ok(Some(checkpoint)), is_new: true, copied }
                }
                Err(error) => old(Err(error)),
            },
            Ok(None) if wanted => old(self.audit.checkpoint().await.map_err(Error::from)),
            Ok(None) => old(Ok(None)),
            Err(error) => old(Err(error.into())),
        }
    }

    async fn sign_and_store(&self, body: ledger::audit::CheckpointBody) -> Result<Checkpoint, Error> {
        let signature = self.pool.sign_checkpoint(self.key, body.to_der()).await?;
        let checkpoint = Checkpoint { body, signature };
        self.audit.store_checkpoint(checkpoint.clone()).await?;
        Ok(checkpoint)
    }

    async fn copy(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if self.copies.is_empty() {
            return Ok(());
        }
        let mut line = STANDARD.encode(checkpoint.to_der());
        line.push('\n');
        let copies = self.copies.clone();
        let written = tokio::task::spawn_blocking(move || {
            let failures = copies
                .iter()
                .filter_map(|path| append(path, &line).err().map(|why| format!("{}: {why}", path.display())));
            let failures: Vec<String> = failures.collect();
            if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
        });
        let result = written.await.unwrap_or_else(|why| Err(why.to_string()));
        if let Err(reason) = &result {
            tracing::error!(%reason, "a checkpoint could not be copied outside");
        }
        result
    }
}

fn append(path: &std::path::Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o644).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Whether a checkpoint is of the log whose key has this SubjectPublicKeyInfo, and signed by it.
#[must_use]
pub fn verify(checkpoint: &Checkpoint, log_spki: &[u8]) -> bool {
    let Ok(key) = PublicKey::from_spki(log_spki) else { return false };
    checkpoint.body.log == engine::sm3::hash(log_spki)
        && key.verify(SignatureAlgorithm::Sm2Sm3, &checkpoint.body.to_der(), &checkpoint.signature)
}
