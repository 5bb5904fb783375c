//! [`App`]: everything built from the configuration and plugged together. Time, randomness and the
//! data directory come in from outside, so that a test opens one in a temporary directory.
//!
//! `app/first_start.rs` makes an installation, `app/own.rs` keeps the certificates the suite uses itself, `app/ocsp.rs`
//! the responders of its issuers,
//! `app/authorities.rs` heeds what ceremonies change,
//! `app/rollback.rs` finds a database that went back, `app/schedule.rs` does what falls due, `app/health.rs` says how it does,
//! `app/eseal.rs` keeps the keys that make seals and sign with them, `app/tsa.rs` keeps the units that make time-stamps, `app/parts.rs` gives the edges what they need.

mod authorities;
mod background;
mod devices;
mod error;
mod eseal;
mod first_start;
mod health;
mod ocsp;
mod own;
mod parts;
mod rollback;
mod root;
mod schedule;
mod tsa;
mod unsealing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use ::ocsp::Ocsp;
use ca::{Ca, CaOptions, Probe};
use crypto_pool::root_key::Argon2Cost;
use crypto_pool::{CheckpointOptions, Checkpointer, Kms, PoolHandle, PoolOptions, Purpose, RootKeySlot, Shares};
use key_centre::{KeyCentre, KeyCentreOptions};
use ledger::audit::{AuditError, Entry};
use ledger::db::DbOptions;
use ledger::{AuditLog, Db, EntryDraft, Importance, Outcome, Table};
use pki_config::config::Config;
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Actor, Clock, ErrorCode, Event, Random, TenantId};
use zeroize::Zeroizing;

use crate::api::{AuditReport, Check, DoctorReport};
use crate::auth::{Gate, Lockout};
use crate::backup;
use crate::data_dir::{DataDir, DataDirError, NewDataDir, SetupFile};
use crate::edge::ocsp::OcspDoor;
use crate::problem::Failure;
use crate::store;
use crate::tls::ServerCertificate;

pub use background::{Background, Seen};
pub use error::AppError;
pub use first_start::{FirstSeal, FirstStart, HandOut};
pub use root::{Change, NewSeal};

/// Every table the audit log answers for.
pub(crate) static COVERED: LazyLock<Vec<&'static Table>> = LazyLock::new(|| {
    let keys: &[&Table] = &[&crypto_pool::KEY_TABLE, &crypto_pool::UNIT_TABLE, &crypto_pool::POLICY_TABLE];
    [keys, ca::COVERED, key_centre::COVERED, ::tsa::COVERED, ::eseal::COVERED, store::COVERED]
        .into_iter()
        .flatten()
        .copied()
        .collect()
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
    /// The program (`yinxin`) whose child processes read documents and pictures. `None`: they are read in this process;
    /// for tests.
    pub worker: Option<PathBuf>,
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
    centre: KeyCentre,
    ocsp: Ocsp,
    ocsp_door: Arc<OcspDoor>,
    checkpointer: OnceLock<Checkpointer>,
    tls: Arc<ServerCertificate>,
    lockout: Lockout,
    gate: Gate,
    shelves: crate::portal::Shelves,
    stamping: tsa::Stamping,
    sealing: eseal::Sealing,
    /// Whether what a crash left was settled; nothing is issued before.
    settled: AtomicBool,
    settling: tokio::sync::Mutex<()>,
    /// What opens, seals and replaces the root key, one at a time.
    root_desk: unsealing::RootDesk,
    /// What the newest full check found.
    findings: Mutex<Vec<String>>,
    /// What the devices that keys live in said when they were last asked.
    devices: Mutex<Vec<Check>>,
    doctor: Background<DoctorReport>,
    verification: Background<Option<AuditReport>>,
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
        let seal = match (setup, passphrase) {
            (Setup::Trial, _) => FirstSeal::File,
            (Setup::Production, Some(passphrase)) => FirstSeal::Passphrase(passphrase),
            // Without a passphrase there is nothing to seal with.
            (Setup::Production, None) => return Err(crypto_pool::Error::PassphraseShort.into()),
        };
        Self::create_sealed(new, seal, options).await
    }

    /// As [`App::create`]: a trial with its root key in a file, or production with a passphrase or shares.
    ///
    /// # Errors
    /// As [`App::create`]; what handing out the shares says.
    pub async fn create_sealed(
        new: NewDataDir,
        seal: FirstSeal,
        options: AppOptions,
    ) -> Result<(Self, FirstStart), AppError> {
        first_start::create(new, seal, options).await
    }

    /// Opens an installation. A trial is ready at once; production is sealed until [`App::unseal`].
    ///
    /// # Errors
    /// [`AppError`], one sentence; nothing was changed.
    pub async fn open(dir: DataDir, setup: SetupFile, options: AppOptions) -> Result<Self, AppError> {
        let root = RootKeySlot::sealed();
        if setup.setup == Setup::Trial {
            root.open(Self::open_trial(dir.path())?);
        }
        let app = Self::assemble(dir, setup, options, root)?;
        app.check_setup().await?;
        app.read_organisation().await?;
        app.check_not_rolled_back().await?;
        if app.dir().damage_mark().exists() {
            app.full_check().await;
        }
        app.start_checkpoints().await?;
        // A clock that went back, a log that was stopped: the repository serves all the same, and whoever
        // asks for a signature is told.
        if let Err(error) = app.settle().await {
            tracing::warn!(code = %error.code(), "the start is not complete");
        }
        app.finish_trial_rotation().await;
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
        let backend = devices::backend(&config.pool, &root, &random);
        let kms = Kms::new(db.clone(), audit.clone(), backend, root, Arc::clone(&random), Arc::clone(&clock));
        let pool_options = PoolOptions {
            threads: config.pool.thread_count(),
            queue: usize::try_from(config.pool.queue).unwrap_or(65_536),
            queue_per_owner: usize::try_from(config.pool.queue_per_owner).unwrap_or(16_384),
            shares: Shares::from(&config.pool.shares),
        };
        let pool = PoolHandle::local(&pool_options, db.clone(), audit.clone(), kms.clone())?;
        // Before the authority, whose every change it must hear of.
        let ocsp = ocsp::open(&options, &db, &pool)?;
        let max_age = options.config.ocsp.max_age.duration();
        let ocsp_door = Arc::new(OcspDoor::new(ocsp.clone(), Arc::clone(&options.clock), max_age));
        // Before the authority, which asks it for the keys of pairs.
        let centre = KeyCentre::open(KeyCentreOptions {
            db: db.clone(),
            audit: audit.clone(),
            kms: kms.clone(),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            setup: setup.setup,
        })?;
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
            lists: config.ca.crl.clone(),
            ocsp: config.ocsp.enabled,
            feeds: vec![ocsp.feed()],
            centre: Some(centre.keys()),
            probe: options.probe.clone(),
        })?;
        let stamping = tsa::Stamping::open(&db, &audit, &pool, &options)?;
        let sealing = eseal::Sealing::open(&db, &audit, &pool, (&ca, &stamping), setup.setup, &options)?;
        let web = &config.web;
        let forgiven = web.login_forgiven_after.duration();
        let root_desk = unsealing::RootDesk::new(Lockout::new(Arc::clone(&clock), web.login_failures, forgiven));
        let lockout = Lockout::new(clock, web.login_failures, forgiven);
        let gate = Gate::new(&*options.random, Arc::clone(&options.clock), web).map_err(Failure::from)?;
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
            centre,
            ocsp,
            ocsp_door,
            checkpointer: OnceLock::new(),
            tls: Arc::new(ServerCertificate::default()),
            lockout,
            gate,
            shelves: crate::portal::Shelves::new(),
            stamping,
            sealing,
            settled: AtomicBool::new(false),
            settling: tokio::sync::Mutex::new(()),
            root_desk,
            findings: Mutex::default(),
            devices: Mutex::default(),
            doctor: Background::new(),
            verification: Background::new(),
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
