//! [`App`]: everything built from the configuration and plugged together. Time, randomness and the
//! data directory come in from outside, so that a test opens one in a temporary directory.
//!
//! `app/first_start.rs` makes an installation, `app/own.rs` keeps the certificates the suite uses itself,
//! `app/rollback.rs` finds a database that went back, `app/schedule.rs` does what falls due, `app/health.rs` says how it does.

mod first_start;
mod health;
mod own;
mod rollback;
mod schedule;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use ca::{Ca, CaOptions, Probe};
use crypto_pool::backend::Soft;
use crypto_pool::root_key::{Argon2Cost, FileSeal, PassphraseSeal, RootSeal};
use crypto_pool::{CheckpointOptions, Checkpointer, Kms, PoolHandle, PoolOptions, Purpose, RootKeySlot};
use ledger::audit::{AuditError, Checkpoint, Entry};
use ledger::db::DbOptions;
use ledger::{AuditLog, Db, DbError, EntryDraft, Importance, Outcome, Table};
use pki_config::config::Config;
use pki_config::ids::WellKnownIssuer;
use pki_config::role::{Authorized, Permission, Setup, authorize};
use pki_config::{Actor, Clock, ErrorCode, Event, IssuerId, Random, TenantId};
use zeroize::Zeroizing;

use crate::auth::{Lockout, Secret};
use crate::backup::{self, Source};
use crate::data_dir::{DataDir, DataDirError, NewDataDir, SetupFile};
use crate::problem::Failure;
use crate::receipt::{self, LogChain};
use crate::store::{self, Link};
use crate::tls::{ServerCertificate, TlsError};

pub use first_start::FirstStart;

/// Every table the audit log answers for.
pub(crate) static COVERED: LazyLock<Vec<&'static Table>> = LazyLock::new(|| {
    let keys: &[&Table] = &[&crypto_pool::KEY_TABLE];
    [keys, ca::COVERED, store::COVERED].into_iter().flatten().copied().collect()
});

/// Every table the audit log answers for: for checking and restoring without an [`App`].
#[must_use]
pub fn covered() -> &'static [&'static Table] {
    &COVERED
}

/// What an application is built from.
pub struct AppOptions {
    /// The configuration, checked.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Fault injection at each step of an issuance; for tests.
    pub probe: Option<Probe>,
}

/// Why the application does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppError {
    /// The data directory is refused.
    DataDir(DataDirError),
    /// The database is damaged or cannot be opened.
    Db(DbError),
    /// The log does not verify.
    Audit(AuditError),
    /// Keys or pool.
    Pool(crypto_pool::Error),
    /// The certificate authority.
    Ca(ca::Error),
    /// TLS.
    Tls(TlsError),
    /// `setup.toml` says something else than the first entry of the log: somebody changed it.
    SetupChanged,
    /// Anything on the way to a caller.
    Failed(ErrorCode),
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restore = "restore a backup into a new directory with: yinxin restore";
        match self {
            Self::DataDir(error) => error.fmt(f),
            Self::Db(DbError::Damaged(why)) => write!(f, "the database is damaged ({why}); {restore}"),
            Self::Db(error) => write!(f, "the database cannot be opened: {error}"),
            Self::Audit(AuditError::Broken(why)) => write!(f, "the audit log is damaged ({why}); {restore}"),
            Self::Audit(error) => write!(f, "the audit log cannot be opened: {error}"),
            Self::Pool(error) => error.fmt(f),
            Self::Ca(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::SetupChanged => write!(
                f,
                "setup.toml does not say what the log says of this installation; a trial never becomes a production installation; {restore}"
            ),
            Self::Failed(code) => write!(f, "{} ({code})", code.english()),
        }
    }
}

impl std::error::Error for AppError {}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {
        $(impl From<$source> for AppError {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from! {
    DataDirError => DataDir,
    DbError => Db,
    AuditError => Audit,
    crypto_pool::Error => Pool,
    ca::Error => Ca,
    TlsError => Tls,
}

impl From<Failure> for AppError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.code())
    }
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    dir: DataDir,
    owner: u32,
    setup: SetupFile,
    options: AppOptions,
    db: Db,
    audit: AuditLog,
    kms: Kms,
    pool: PoolHandle,
    ca: Ca,
    checkpointer: OnceLock<Checkpointer>,
    tls: Arc<ServerCertificate>,
    lockout: Lockout,
    /// Whether what a crash left was settled; nothing is issued before.
    settled: AtomicBool,
    settling: tokio::sync::Mutex<()>,
    /// One unsealing at a time: Argon2 takes memory.
    unsealing: tokio::sync::Mutex<()>,
    /// What the newest full check found.
    findings: Mutex<Vec<String>>,
}

impl App {
    /// Makes an installation in `new` and opens it. When this returns, everything is durable and the
    /// directory is an installation.
    ///
    /// # Errors
    /// [`AppError`]; the directory is then an unfinished first start, which the next one removes.
    pub async fn create(
        new: NewDataDir,
        setup: Setup,
        passphrase: Option<Zeroizing<String>>,
        options: AppOptions,
    ) -> Result<(Self, FirstStart), AppError> {
        first_start::create(new, setup, passphrase, options).await
    }

    /// Opens an installation. A trial is ready at once; production is sealed until [`App::unseal`].
    ///
    /// # Errors
    /// [`AppError`], one sentence; nothing was changed.
    pub async fn open(dir: DataDir, setup: SetupFile, options: AppOptions) -> Result<Self, AppError> {
        let root = RootKeySlot::sealed();
        if setup.setup == Setup::Trial {
            root.open(FileSeal::new(dir.path()).open()?);
        }
        let app = Self::assemble(dir, setup, options, root)?;
        app.check_setup().await?;
        app.check_not_rolled_back().await?;
        app.start_checkpoints().await?;
        // A clock that went back, a log that was stopped: the repository serves all the same, and whoever
        // asks for a signature is told.
        if let Err(error) = app.settle().await {
            tracing::warn!(code = %error.code(), "the start is not complete");
        }
        if app.is_open() {
            app.work_when_open().await;
        }
        app.record_restored().await;
        if let Err(error) = app.record_system(Event::SystemStarted, app.installation().to_owned()).await {
            tracing::warn!(code = %error.code(), "the start could not be recorded");
        }
        Ok(app)
    }

    /// Opens database, log, keys, pool and authority. Makes no rows.
    fn assemble(dir: DataDir, setup: SetupFile, options: AppOptions, root: RootKeySlot) -> Result<Self, AppError> {
        let config = &options.config;
        let db = Db::open(DbOptions {
            path: dir.database(),
            reserve: config.storage.reserve,
            readers: usize::try_from(config.storage.readers).unwrap_or(2),
            queue: usize::try_from(config.storage.queue).unwrap_or(8192),
        })?;
        crypto_pool::kms::migrate(&db)?;
        db.migrate("web", store::MIGRATIONS)?;
        let (clock, random) = (Arc::clone(&options.clock), Arc::clone(&options.random));
        let audit = match AuditLog::open(db.clone(), Arc::clone(&clock), &COVERED) {
            // Nothing is signed any more; certificates, CRLs and the log itself can still be read.
            Err(AuditError::Broken(what)) => AuditLog::stopped(db.clone(), Arc::clone(&clock), &COVERED, &what),
            other => other?,
        };
        let backend = Arc::new(Soft::new(root.clone(), Arc::clone(&random)));
        let kms = Kms::new(db.clone(), audit.clone(), backend, root, Arc::clone(&random), Arc::clone(&clock));
        let pool_options = PoolOptions {
            threads: config.pool.thread_count(),
            queue: usize::try_from(config.pool.queue).unwrap_or(4096),
        };
        let pool = PoolHandle::local(&pool_options, db.clone(), audit.clone(), kms.clone())?;
        let ca = Ca::open(CaOptions {
            db: db.clone(),
            audit: audit.clone(),
            kms: kms.clone(),
            pool: pool.clone(),
            clock: Arc::clone(&clock),
            random,
            setup: setup.setup,
            crl_dir: dir.crls(),
            crl_lifetime: config.ca.crl_lifetime.duration(),
            crl_every: config.ca.crl_every.duration(),
            feeds: Vec::new(),
            probe: options.probe.clone(),
        })?;
        let web = &config.web;
        let lockout = Lockout::new(clock, web.login_failures, web.login_forgiven_after.duration());
        let owner = dir.owner()?;
        Ok(Self(Arc::new(Inner {
            dir,
            owner,
            setup,
            db,
            audit,
            kms,
            pool,
            ca,
            checkpointer: OnceLock::new(),
            tls: Arc::new(ServerCertificate::default()),
            lockout,
            settled: AtomicBool::new(false),
            settling: tokio::sync::Mutex::new(()),
            unsealing: tokio::sync::Mutex::new(()),
            findings: Mutex::default(),
            options,
        })))
    }

    /// `setup.toml` lies in clear; the first entry of the log is what counts.
    async fn check_setup(&self) -> Result<(), AppError> {
        let first = match self.0.audit.entry(0).await {
            Ok(stored) => Entry::from_der(&stored.leaf).ok(),
            Err(AuditError::NoSuchEntry) => None,
            Err(error) => return Err(error.into()),
        };
        let expected = first_start::object(&self.0.setup);
        match first {
            Some(first) if first.event == Event::SystemCreated.as_str() && first.object == expected => Ok(()),
            _ => Err(AppError::SetupChanged),
        }
    }

    async fn start_checkpoints(&self) -> Result<(), AppError> {
        let key = self.0.kms.active(&TenantId::house(), Purpose::AuditLog).await?;
        let key = key.ok_or(AppError::Audit(AuditError::Broken("the log's key is missing".into())))?;
        let options =
            CheckpointOptions { copies: self.config().audit.checkpoint_to.clone(), ..CheckpointOptions::default() };
        let started = Checkpointer::start(self.0.pool.clone(), self.0.audit.clone(), key.id, options).await?;
        // Set once: this runs once per application.
        let _ = self.0.checkpointer.set(started);
        Ok(())
    }

    /// Settles what a crash left open, once.
    ///
    /// # Errors
    /// The clock or the log does not allow it yet; nothing may be issued then.
    pub async fn settle(&self) -> Result<(), Failure> {
        if self.0.settled.load(Ordering::Acquire) {
            return Ok(());
        }
        // Whoever issues waits here until the settling is done: it would take an issuance that is under
        // way for one that a crash interrupted.
        let _one_at_a_time = self.0.settling.lock().await;
        if !self.0.settled.load(Ordering::Acquire) {
            let serials = self.0.ca.recover(&Actor::system()).await?;
            if !serials.is_empty() {
                tracing::warn!(count = serials.len(), "issuances interrupted by a crash were revoked");
            }
            self.0.settled.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// The authority, with nothing left unsettled: the way to it for everything that issues.
    ///
    /// # Errors
    /// As [`App::settle`].
    pub async fn issuing(&self) -> Result<&Ca, Failure> {
        self.settle().await?;
        Ok(&self.0.ca)
    }

    /// Opens the sealed root key of a production installation. Every attempt is recorded.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` for a wrong passphrase; `BAD_REQUEST` for a trial, which is never sealed.
    pub async fn unseal(&self, by: &Authorized, passphrase: Zeroizing<String>) -> Result<(), Failure> {
        if by.permission() != Permission::Unseal {
            return Err(ErrorCode::Forbidden.into());
        }
        if self.setup() == Setup::Trial {
            return Err(Failure::saying(ErrorCode::BadRequest, "a trial is never sealed"));
        }
        let _one_at_a_time = self.0.unsealing.lock().await;
        if self.is_open() {
            return Ok(());
        }
        let seal = PassphraseSeal::new(self.0.dir.path(), passphrase, self.argon2());
        let opened = tokio::task::spawn_blocking(move || seal.open())
            .await
            .map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
        let outcome = match &opened {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Refused(error.code()),
        };
        let draft = EntryDraft {
            actor: by.actor().clone(),
            event: Event::SystemUnsealed,
            object: self.installation().to_owned(),
            outcome,
            payload: Vec::new(),
            covers: Vec::new(),
        };
        let recorded = self.0.audit.record(Importance::Essential, draft).await;
        let key = opened?;
        // Not opened without a record of who did.
        match recorded {
            // The clock must be mended by somebody, and signing stays refused until then.
            Ok(_) | Err(AuditError::ClockBehind { .. }) => self.0.kms.root().open(key),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.settle().await {
            tracing::warn!(code = %error.code(), "the start is not complete");
        }
        self.work_when_open().await;
        self.renew_invitation().await;
        // Until now heads could not be signed; the next second would, and the status says so at once.
        self.checkpoint_now().await?;
        Ok(())
    }

    /// Overrules a wrong future date: the log goes on from the clock's time.
    ///
    /// # Errors
    /// As the log reports.
    pub async fn accept_clock(&self, by: &Authorized, reason: &str) -> Result<(), Failure> {
        if by.permission() != Permission::AcceptClock {
            return Err(ErrorCode::Forbidden.into());
        }
        self.0.audit.accept_clock(by.actor().clone(), reason.as_bytes().to_vec()).await?;
        self.settle().await?;
        if self.is_open() {
            self.work_when_open().await;
        }
        Ok(())
    }

    /// Ends in order: last entry, last checkpoint, database closed. Later calls answer `STOPPING` or fail.
    pub async fn close(&self) {
        if let Err(error) = self.record_system(Event::SystemStopped, self.installation().to_owned()).await {
            tracing::warn!(code = %error.code(), "the stop could not be recorded");
        }
        if let Some(checkpointer) = self.0.checkpointer.get() {
            checkpointer.stop().await;
        }
        let (pool, db) = (self.0.pool.clone(), self.0.db.clone());
        // Both wait for threads.
        let ended = tokio::task::spawn_blocking(move || {
            pool.stop();
            db.close();
        });
        if ended.await.is_err() {
            tracing::error!("the database was not closed in order; the next start recovers it");
        }
    }

    /// A directory that was restored from a backup says so once in its log. The mark goes only when the
    /// entry is durable; a crash in between records it twice.
    async fn record_restored(&self) {
        let mark = match backup::restored_mark(self.0.dir.path()) {
            Ok(Some(mark)) => mark,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "whether this was restored cannot be read"),
        };
        let draft = EntryDraft {
            actor: Actor::system(),
            event: Event::BackupRestored,
            object: self.installation().to_owned(),
            outcome: Outcome::Done,
            payload: mark.payload(),
            covers: Vec::new(),
        };
        match self.0.audit.record(Importance::Essential, draft).await {
            Ok(_) => {
                if let Err(error) = mark.remove(self.0.dir.path()) {
                    tracing::warn!(%error, "the mark of a restored backup was not removed");
                }
            }
            Err(error) => tracing::warn!(?error, "the restored backup could not be recorded"),
        }
    }

    async fn record_system(&self, event: Event, object: String) -> Result<(), Failure> {
        let draft = EntryDraft {
            actor: Actor::system(),
            event,
            object,
            outcome: Outcome::Done,
            payload: env!("CARGO_PKG_VERSION").as_bytes().to_vec(),
            covers: Vec::new(),
        };
        self.0.audit.record(Importance::Essential, draft).await?;
        Ok(())
    }

    fn argon2(&self) -> Argon2Cost {
        argon2(&self.0.options.config)
    }
}

fn argon2(config: &Config) -> Argon2Cost {
    let root = &config.root_key;
    Argon2Cost { memory_kib: root.argon2_memory_kib, passes: root.argon2_passes, lanes: root.argon2_lanes }
}

/// The parts, for the edges.
impl App {
    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// The keys.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        &self.0.kms
    }

    /// The signing pool.
    #[must_use]
    pub fn pool(&self) -> &PoolHandle {
        &self.0.pool
    }

    /// The certificate authority.
    #[must_use]
    pub fn ca(&self) -> &Ca {
        &self.0.ca
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.options.clock
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.0.options.random
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.options.config
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &DataDir {
        &self.0.dir
    }

    /// Trial or production.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.0.setup.setup
    }

    /// What `setup.toml` says.
    #[must_use]
    pub fn setup_file(&self) -> &SetupFile {
        &self.0.setup
    }

    /// The name of the installation: six hexadecimal digits.
    #[must_use]
    pub fn installation(&self) -> &str {
        &self.0.setup.installation
    }

    /// The user the socket serves.
    #[must_use]
    pub fn owner(&self) -> u32 {
        self.0.owner
    }

    /// Whether the root key is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.kms.root().is_open()
    }

    /// Failed logins.
    #[must_use]
    pub fn lockout(&self) -> &Lockout {
        &self.0.lockout
    }

    /// The TLS certificate in use.
    #[must_use]
    pub fn tls(&self) -> &Arc<ServerCertificate> {
        &self.0.tls
    }

    /// The issuer of officers' and servers' certificates.
    #[must_use]
    pub fn ec_issuing(&self) -> IssuerId {
        IssuerId::well_known(WellKnownIssuer::EcIssuing)
    }

    /// The suite's own right to something.
    ///
    /// # Errors
    /// `FORBIDDEN` where the suite itself has none.
    pub fn as_system(&self, permission: Permission) -> Result<Authorized, Failure> {
        Ok(authorize(&Actor::system(), permission, self.setup())?)
    }

    /// What a backup of this moment is made of.
    ///
    /// # Errors
    /// As [`App::checkpoint_now`].
    pub async fn backup_source(&self) -> Result<Source, Failure> {
        let log_key = self.0.kms.active(&TenantId::house(), Purpose::AuditLog).await?.ok_or(ErrorCode::AuditBroken)?;
        Ok(Source {
            db: self.0.db.clone(),
            pool: self.0.pool.clone(),
            log_key,
            checkpoint: self.checkpoint_now().await?,
            issuers: self.0.ca.issuers().iter().map(|i| (i.id.clone(), i.certificate.clone())).collect(),
            dir: self.0.dir.path().to_owned(),
            setup: self.0.setup.clone(),
            now: self.clock().now(),
            random: Arc::clone(&self.0.options.random),
            cost: self.argon2(),
        })
    }

    /// A checkpoint over everything until now.
    ///
    /// # Errors
    /// `SEALED`, and as the log reports.
    pub async fn checkpoint_now(&self) -> Result<Checkpoint, Failure> {
        let checkpointer = self.0.checkpointer.get().ok_or(ErrorCode::Stopping)?;
        Ok(checkpointer.now().await?)
    }

    /// The receipt of one entry.
    ///
    /// # Errors
    /// `PROOF_IMPOSSIBLE` if there is no such entry; as [`App::checkpoint_now`].
    pub async fn receipt(&self, seq: ledger::Seq) -> Result<crate::api::Receipt, Failure> {
        let checkpointer = self.0.checkpointer.get().ok_or(ErrorCode::Stopping)?;
        let (certificate, chain) = self.log_certificate().await?;
        let log = LogChain::new(&certificate, &chain.issuers).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
        Ok(receipt::build(self.audit(), checkpointer, &log, seq).await?)
    }

    /// A one-time link as stored.
    pub(crate) fn link(&self, secret: &Secret) -> Link {
        let until = self.clock().now().plus(self.config().web.link_lifetime.duration());
        Link { hash: secret.hash(), until }
    }

    /// A one-time link as shown. The secret stands behind `#`, so that no server and no preview gets it.
    #[must_use]
    pub fn link_url(&self, secret: &Secret) -> String {
        let port = self.config().web.https.port();
        let host = self.config().web.https_names.first().map_or("localhost", String::as_str);
        format!("https://{host}:{port}/setup#{}", secret.show())
    }

    /// Removes the file with the administrator's link once that link was used.
    pub(crate) fn forget_link_file(&self, used: &Link) {
        let file = self.0.dir.admin_link();
        let Ok(text) = std::fs::read_to_string(&file) else { return };
        let shown = text.trim().rsplit('#').next().and_then(|s| Secret::read(crate::auth::SecretKind::Link, s));
        if shown.is_some_and(|secret| secret.hash() == used.hash) {
            // The secret in it opens nothing any more.
            let _ = std::fs::remove_file(file);
        }
    }

    /// An identifier for a request: 64 random bits, so that two in one log are not the same.
    pub(crate) fn draw_request_id(&self) -> String {
        let mut bytes = [0; 8];
        match self.random().fill(&mut bytes) {
            Ok(()) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
            Err(_) => "none".to_owned(),
        }
    }

    fn set_findings(&self, findings: Vec<String>) {
        *self.0.findings.lock().unwrap_or_else(PoisonError::into_inner) = findings;
    }

    fn findings(&self) -> Vec<String> {
        self.0.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether there is an installation at `path`, and which. Touches nothing.
///
/// # Errors
/// As [`DataDir::look`].
pub fn setup_at(path: &Path) -> Result<Option<Setup>, DataDirError> {
    use crate::data_dir::Found;
    Ok(match DataDir::look(path)? {
        Found::Nothing => None,
        Found::Installation(setup) => Some(setup.setup),
    })
}
