//! A small installation for tests: real database, log, keys, pool, authority; a clock that stands still.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ca::{Ca, CaOptions, NewIssuer, OwnRequest};
use crypto_pool::backend::Soft;
use crypto_pool::random::SeededRandom;
use crypto_pool::root_key::{Argon2Cost, FileSeal, PassphraseSeal, RootSeal as _};
use crypto_pool::{
    CheckpointOptions, Checkpointer, KeyAlgorithm, KeyRecord, KeySpec, Kms, PoolHandle, PoolOptions, Purpose,
    RootKeySlot,
};
use ledger::db::DbOptions;
use ledger::{AuditLog, Db, Table};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::{Authorized, Permission, Setup, authorize};
use pki_config::time::FixedClock;
use pki_config::{Actor, Channel, Instant, IssuerId, Role, TenantId};
use zeroize::Zeroizing;

use crate::data_dir::{DataDir, SetupFile};
use crate::receipt::LogChain;

/// Every table of this house that the log covers.
pub(crate) static COVERED: LazyLock<Vec<&'static Table>> =
    LazyLock::new(|| std::iter::once(&crypto_pool::KEY_TABLE).chain(ca::COVERED.iter().copied()).collect());

/// What the passphrase of a production house costs: the least that is allowed.
pub(crate) const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8_192, passes: 1, lanes: 1 };
/// The passphrase of a production house.
pub(crate) const ROOT_PASSPHRASE: &str = "correct horse battery";

pub(crate) struct TestHouse {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) dir: PathBuf,
    pub(crate) setup: SetupFile,
    pub(crate) db: Db,
    pub(crate) audit: AuditLog,
    pub(crate) pool: PoolHandle,
    pub(crate) ca: Ca,
    pub(crate) checkpointer: Checkpointer,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) log_key: KeyRecord,
    pub(crate) log_certificate: ca::Certificate,
    _lock: DataDir,
}

impl TestHouse {
    /// A house with both hierarchies and a certificate for its log.
    pub(crate) async fn new(setup: Setup) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("data");
        let new = DataDir::begin(&dir).unwrap();
        let clock = Arc::new(FixedClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let random = Arc::new(SeededRandom::new(7));
        let root = RootKeySlot::sealed();
        root.open(match setup {
            Setup::Trial => FileSeal::new(&dir).make(&*random).unwrap(),
            Setup::Production => {
                PassphraseSeal::new(&dir, Zeroizing::new(ROOT_PASSPHRASE.to_owned()), CHEAP).make(&*random).unwrap()
            }
        });
        let opened = {
            let (dir, clock, random) = (dir.clone(), clock.clone(), random.clone());
            // Opening blocks on the database's threads.
            let opened = tokio::task::spawn_blocking(move || open(dir, setup, clock, random, root));
            opened.await.unwrap()
        };
        let (db, audit, kms, pool, ca) = opened;
        let manage = system(Permission::ManageIssuers, setup);
        let log_key = KeySpec {
            purpose: Purpose::AuditLog,
            algorithm: KeyAlgorithm::Sm2,
            subject: None,
            tenant: TenantId::house(),
        };
        let log_key = kms.generate(&manage, log_key).await.unwrap();
        let options = CheckpointOptions { interval: Duration::from_secs(3600), ..CheckpointOptions::default() };
        let checkpointer = Checkpointer::start(pool.clone(), audit.clone(), log_key.id, options).await.unwrap();
        let ceremony = kms.begin_ceremony(&manage, "test").await.unwrap();
        for (issuer, parent, algorithm) in [
            (WellKnownIssuer::Sm2Root, None, KeyAlgorithm::Sm2),
            (WellKnownIssuer::Sm2Issuing, Some(WellKnownIssuer::Sm2Root), KeyAlgorithm::Sm2),
            (WellKnownIssuer::EcRoot, None, KeyAlgorithm::P256),
            (WellKnownIssuer::EcIssuing, Some(WellKnownIssuer::EcRoot), KeyAlgorithm::P256),
        ] {
            let subject = DistinguishedName::common_name(&format!("Test {}", issuer.as_str())).unwrap();
            let subject = subject.with(pki_config::name::Attribute::Organisation, "Test House").unwrap();
            let new = NewIssuer {
                id: IssuerId::well_known(issuer),
                parent: parent.map(IssuerId::well_known),
                subject,
                algorithm,
                public_url: "http://127.0.0.1:8080".parse().unwrap(),
            };
            ca.create_issuer(&manage, &ceremony, new).await.unwrap();
        }
        let request = own_request(&log_key.spki, "Test Audit Log", "audit-signer", WellKnownIssuer::Sm2Issuing);
        let log_certificate = ca.issue_for_key(&system(Permission::IssueCertificate, setup), request).await.unwrap();
        for issuer in ca.issuers().iter().filter(|issuer| issuer.parent.is_none()) {
            let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &issuer.certificate).unwrap();
            std::fs::write(dir.join(format!("roots/{}.pem", issuer.id)), pem).unwrap();
        }
        let file = SetupFile { installation: "7F3A9C".into(), setup, created: clock_now(&clock) };
        crate::data_dir::finish(new.dir(), &file).unwrap();
        let lock = new.into_dir();
        Self {
            temp,
            dir,
            setup: file,
            db,
            audit,
            pool,
            ca,
            checkpointer,
            clock,
            random,
            log_key,
            log_certificate,
            _lock: lock,
        }
    }

    /// The suite's own right.
    pub(crate) fn system(&self, permission: Permission) -> Authorized {
        system(permission, self.setup.setup)
    }

    /// An administrator's right.
    pub(crate) fn administrator(&self, permission: Permission) -> Authorized {
        let actor = Actor::new(TenantId::house(), "admin", Role::Administrator, Channel::Https);
        authorize(&actor, permission, self.setup.setup).unwrap()
    }

    /// Issues to a key made for nothing else.
    pub(crate) async fn issue(&self, name: &str, profile: &str, issuer: WellKnownIssuer) -> ca::Certificate {
        let algorithm = match issuer {
            WellKnownIssuer::Sm2Root | WellKnownIssuer::Sm2Issuing => KeyAlgorithm::Sm2,
            WellKnownIssuer::EcRoot | WellKnownIssuer::EcIssuing => KeyAlgorithm::P256,
        };
        let spec = KeySpec { purpose: Purpose::SealSigner, algorithm, subject: None, tenant: TenantId::house() };
        let key = self.pool.kms().generate(&self.system(Permission::ManageIssuers), spec).await.unwrap();
        let request = own_request(&key.spki, name, profile, issuer);
        self.ca.issue_for_key(&self.system(Permission::IssueCertificate), request).await.unwrap()
    }

    /// What receipts carry of the log's key.
    pub(crate) fn log_chain(&self) -> LogChain {
        let chain = self.ca.chain(&self.log_certificate.issuer).unwrap();
        LogChain::new(&self.log_certificate.der, &chain.issuers).unwrap()
    }

    /// The roots, DER.
    pub(crate) fn anchors(&self) -> Vec<Vec<u8>> {
        let issuers = self.ca.issuers();
        issuers.iter().filter(|one| one.parent.is_none()).map(|root| root.certificate.clone()).collect()
    }

    pub(crate) fn now(&self) -> Instant {
        clock_now(&self.clock)
    }
}

fn clock_now(clock: &FixedClock) -> Instant {
    use pki_config::Clock as _;
    clock.now()
}

fn system(permission: Permission, setup: Setup) -> Authorized {
    authorize(&Actor::system(), permission, setup).unwrap()
}

pub(crate) fn own_request(spki: &[u8], name: &str, profile: &str, issuer: WellKnownIssuer) -> OwnRequest {
    OwnRequest {
        spki: spki.to_vec(),
        subject: DistinguishedName::common_name(name).unwrap(),
        sans: SubjectAltName::default(),
        profile: profile.to_owned(),
        issuer: IssuerId::well_known(issuer),
        days: None,
    }
}

fn open(
    dir: PathBuf,
    setup: Setup,
    clock: Arc<FixedClock>,
    random: Arc<SeededRandom>,
    root: RootKeySlot,
) -> (Db, AuditLog, Kms, PoolHandle, Ca) {
    let db = Db::open(DbOptions { reserve: 0, ..DbOptions::new(dir.join("yinxin.db")) }).unwrap();
    crypto_pool::kms::migrate(&db).unwrap();
    let audit = AuditLog::open(db.clone(), clock.clone(), &COVERED).unwrap();
    let backend = Arc::new(Soft::new(root.clone(), random.clone()));
    let kms = Kms::new(db.clone(), audit.clone(), backend, root, random.clone(), clock.clone());
    let pool = PoolOptions { threads: 1, queue: 64, ..PoolOptions::default() };
    let pool = PoolHandle::local(&pool, db.clone(), audit.clone(), kms.clone()).unwrap();
    let ca = Ca::open(CaOptions {
        db: db.clone(),
        audit: audit.clone(),
        kms: kms.clone(),
        pool: pool.clone(),
        clock,
        random,
        setup,
        crl_dir: dir.join("crl"),
        crl_lifetime: Duration::from_secs(4 * 86_400),
        lists: std::collections::BTreeMap::new(),
        crl_every: Duration::from_secs(86_400),
        ocsp: false,
        feeds: Vec::new(),
        centre: None,
        probe: None,
    })
    .unwrap();
    (db, audit, kms, pool, ca)
}
