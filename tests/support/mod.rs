//! What the suite's own tests and benches start from: a whole certificate authority in a scratch
//! directory, without HTTP, with a clock and a random source that the test holds.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "each test program uses its part of this")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ca::{Ca, CaOptions, NewIssuer, NewRequest, OwnRequest, Probe};
use crypto_pool::backend::{self, Backend, Soft};
use crypto_pool::checkpoint::{CheckpointOptions, Checkpointer};
use crypto_pool::kms::KeySpec;
use crypto_pool::pool::PoolOptions;
use crypto_pool::root_key::{RootKey, RootKeySlot};
use crypto_pool::{KeyAlgorithm, Kms, PoolHandle, Purpose};
use key_centre::{KeyCentre, KeyCentreOptions};
use ledger::db::DbOptions;
use ledger::{AuditLog, Db, Table, Tx};
use ocsp::{Ocsp, OcspOptions};
use pki_config::config::{CrlConfig, OcspConfig};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::ports::StatusFeed;
use pki_config::role::{Authorized, Permission, Setup, authorize};
use pki_config::{Actor, Channel, Clock, IssuerId, KeyId, Random, Role, TenantId};

static COVERED: std::sync::LazyLock<Vec<&'static Table>> = std::sync::LazyLock::new(|| {
    let keys: &[&Table] = &[&crypto_pool::KEY_TABLE, &crypto_pool::UNIT_TABLE, &crypto_pool::POLICY_TABLE];
    [keys, ca::COVERED, key_centre::COVERED].concat()
});

/// A certificate authority in a directory of its own, with an SM2 and an ECDSA hierarchy.
pub struct TestHouse {
    pub db: Db,
    pub audit: AuditLog,
    pub kms: Kms,
    pub pool: PoolHandle,
    pub root: RootKeySlot,
    pub ca: Ca,
    pub centre: KeyCentre,
    pub ocsp: Option<Ocsp>,
    pub checkpointer: Checkpointer,
    pub log_key: KeyId,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub dir: PathBuf,
}

pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub probe: Option<Probe>,
    pub db: Box<dyn FnOnce(DbOptions) -> Db>,
    pub feeds: Vec<Arc<dyn for<'a> StatusFeed<Tx<'a>>>>,
    /// With a responder, which hears of every change; `house.responders()` then lets it answer.
    pub ocsp: Option<OcspConfig>,
    /// How the lists of single issuers are made.
    pub lists: BTreeMap<String, CrlConfig>,
    /// Trial or production.
    pub setup: Setup,
    /// Where private keys live: in software unless this says otherwise.
    pub backend: Box<dyn FnOnce(Soft, RootKeySlot) -> Arc<dyn Backend>>,
}

impl Parts {
    /// The machine's own clock and random source.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(pki_config::time::SystemClock),
            random: Arc::new(crypto_pool::random::OsRandom::open().unwrap()),
            probe: None,
            db: Box::new(|options| Db::open(options).unwrap()),
            feeds: Vec::new(),
            ocsp: None,
            lists: BTreeMap::new(),
            setup: Setup::Trial,
            backend: Box::new(|soft, _| Arc::new(soft)),
        }
    }
}

/// The suite itself, with one permission.
pub fn suite(permission: Permission) -> Authorized {
    authorize(&Actor::system(), permission, Setup::Trial).unwrap()
}

/// The owner of a trial, over the socket.
pub fn owner(permission: Permission) -> Authorized {
    let actor = Actor::new(TenantId::house(), "owner", Role::Administrator, Channel::Socket);
    authorize(&actor, permission, Setup::Trial).unwrap()
}

/// An RA officer over HTTPS.
pub fn officer(person: &str, permission: Permission) -> Authorized {
    let actor = Actor::new(TenantId::house(), person, Role::RaOfficer, Channel::Https);
    authorize(&actor, permission, Setup::Trial).unwrap()
}

/// The key-encryption key of all test houses, so that one can be opened again.
fn root_key() -> RootKey {
    RootKey::from_bytes(vec![7; 32].into()).unwrap()
}

impl TestHouse {
    /// Makes a new one, or opens the one that lies there.
    pub async fn open(dir: &Path, parts: Parts) -> Self {
        std::fs::create_dir_all(dir.join("crl")).unwrap();
        let Parts { clock, random, probe, db, mut feeds, ocsp, lists, setup, backend } = parts;
        let db = db(DbOptions::new(dir.join("yinxin.db")));
        crypto_pool::kms::migrate(&db).unwrap();
        let audit = AuditLog::open(db.clone(), clock.clone(), &COVERED).unwrap();
        let root = RootKeySlot::sealed();
        root.open(root_key());
        let backend = backend(Soft::new(root.clone(), random.clone()), root.clone());
        let kms = Kms::new(db.clone(), audit.clone(), backend, root.clone(), random.clone(), clock.clone());
        let pool = PoolHandle::local(&PoolOptions::default(), db.clone(), audit.clone(), kms.clone()).unwrap();
        let ocsp = ocsp.map(|config| {
            let options = OcspOptions { db: db.clone(), pool: pool.clone(), clock: clock.clone(), config };
            Ocsp::open(options).unwrap()
        });
        feeds.extend(ocsp.as_ref().map(Ocsp::feed));
        let centre = KeyCentre::open(KeyCentreOptions {
            db: db.clone(),
            audit: audit.clone(),
            kms: kms.clone(),
            clock: clock.clone(),
            random: random.clone(),
            setup: Setup::Trial,
        })
        .unwrap();
        let ca = Ca::open(CaOptions {
            db: db.clone(),
            audit: audit.clone(),
            kms: kms.clone(),
            pool: pool.clone(),
            clock: clock.clone(),
            random: random.clone(),
            setup,
            crl_dir: dir.join("crl"),
            crl_lifetime: Duration::from_secs(7 * 86_400),
            lists,
            crl_every: Duration::from_secs(86_400),
            ocsp: true,
            feeds,
            centre: Some(centre.keys()),
            probe,
        })
        .unwrap();
        let log_key = match kms.active(&TenantId::house(), Purpose::AuditLog).await.unwrap() {
            Some(record) => record.id,
            None => {
                let spec = KeySpec {
                    purpose: Purpose::AuditLog,
                    algorithm: KeyAlgorithm::Sm2,
                    subject: None,
                    tenant: TenantId::house(),
                };
                kms.generate(&suite(Permission::ManageIssuers), spec).await.unwrap().id
            }
        };
        let checkpointer =
            Checkpointer::start(pool.clone(), audit.clone(), log_key, CheckpointOptions::default()).await.unwrap();
        let house = Self {
            db,
            audit,
            kms,
            pool,
            root,
            ca,
            centre,
            ocsp,
            checkpointer,
            log_key,
            clock,
            random,
            dir: dir.to_owned(),
        };
        house.ca.recover(&Actor::system()).await.unwrap();
        if house.ca.issuers().is_empty() {
            house.found().await;
        }
        house
    }

    async fn found(&self) {
        let auth = suite(Permission::ManageIssuers);
        let ceremony = self.kms.begin_ceremony(&auth, "test").await.unwrap();
        let issuers = [
            (WellKnownIssuer::Sm2Root, None, KeyAlgorithm::Sm2),
            (WellKnownIssuer::Sm2Issuing, Some(WellKnownIssuer::Sm2Root), KeyAlgorithm::Sm2),
            (WellKnownIssuer::EcRoot, None, KeyAlgorithm::P256),
            (WellKnownIssuer::EcIssuing, Some(WellKnownIssuer::EcRoot), KeyAlgorithm::P256),
        ];
        for (id, parent, algorithm) in issuers {
            let subject = format!("CN=Test {} 1,O=Test House,C=CN", id.as_str());
            let new = NewIssuer {
                id: IssuerId::well_known(id),
                parent: parent.map(IssuerId::well_known),
                subject: subject.parse().unwrap(),
                algorithm,
                public_url: "http://127.0.0.1:8080".parse().unwrap(),
            };
            self.ca.create_issuer(&auth, &ceremony, new).await.unwrap();
        }
    }

    /// Gives each issuer a responder, as a start of the suite does; the responder must have been asked for.
    pub async fn responders(&self) -> &Ocsp {
        let ocsp = self.ocsp.as_ref().expect("a house with a responder");
        for issuer in self.ca.issuers() {
            let (id, certificate, parent) = (issuer.id.clone(), issuer.certificate.clone(), issuer.parent.clone());
            ocsp.add_issuer(ocsp::Issuer { id, certificate, parent }).await.unwrap();
            if ocsp.responder(&issuer.id).is_none() {
                let responder = self.new_responder(&issuer).await;
                ocsp.set_responder(&issuer.id, responder).await.unwrap();
            }
        }
        ocsp
    }

    /// A new responder's key and certificate, not yet in use.
    pub async fn new_responder(&self, issuer: &ca::Issuer) -> ocsp::Responder {
        let manage = suite(Permission::ManageIssuers);
        let (purpose, algorithm, tenant) = (Purpose::Ocsp, issuer.algorithm, TenantId::house());
        let key = self.kms.generate(&manage, KeySpec { purpose, algorithm, subject: None, tenant }).await.unwrap();
        let request = OwnRequest {
            spki: key.spki,
            subject: format!("CN=Test OCSP {},O=Test House,C=CN", issuer.id).parse().unwrap(),
            sans: SubjectAltName::none(),
            profile: "ocsp-signer".to_owned(),
            issuer: issuer.id.clone(),
            days: None,
        };
        let issued = self.ca.issue_for_key(&suite(Permission::IssueCertificate), request).await.unwrap();
        self.kms.set_signing_period(&manage, key.id, issued.validity).await.unwrap();
        ocsp::Responder { key: key.id, certificate: issued.der }
    }

    /// Ends it as an orderly shutdown does.
    pub async fn close(self) {
        self.checkpointer.stop().await;
        self.pool.stop();
        self.db.close();
    }
}

/// A PKCS#10 for a new key, DER, with nothing but the key in it; and the key, PKCS#8.
pub fn csr(algorithm: KeyAlgorithm, random: &dyn Random) -> (Vec<u8>, Vec<u8>) {
    let (pkcs8, spki) = backend::generate_pkcs8(algorithm, random).unwrap();
    // CertificationRequestInfo: version 0, empty subject, key, no attributes (RFC 2986 4.1).
    let mut info = vec![0x02, 0x01, 0x00, 0x30, 0x00];
    info.extend_from_slice(&spki);
    info.extend_from_slice(&[0xa0, 0x00]);
    let info = tlv(0x30, &info);
    let signature = backend::sign_with_pkcs8(algorithm, &pkcs8, &info).unwrap();
    let identifier = der::Encode::to_der(&crypto_pool::SignatureAlgorithm::for_key(algorithm).identifier()).unwrap();
    let mut bits = vec![0];
    bits.extend_from_slice(&signature);
    let mut all = info;
    all.extend_from_slice(&identifier);
    all.extend_from_slice(&tlv(0x03, &bits));
    (tlv(0x30, &all), pkcs8.to_vec())
}

/// One DER element with a definite length.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=0x7f => out.push(n as u8),
        n @ 0x80..=0xff => out.extend_from_slice(&[0x81, n as u8]),
        n => out.extend_from_slice(&[0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// A request for a TLS server with one DNS name.
pub fn server_request(csr: &[u8], host: &str) -> NewRequest {
    NewRequest {
        csr: csr.to_vec(),
        subject: Some(format!("CN={host}").parse::<DistinguishedName>().unwrap()),
        sans: format!("dns:{host}").parse::<SubjectAltName>().unwrap(),
        identity: pki_config::Identity::none(),
        profile: "tls-server".to_owned(),
        issuer: None,
        days: None,
    }
}

pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
