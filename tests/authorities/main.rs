//! What becomes of authorities by ceremony, against whole authorities without HTTP: an offline root and what it
//! answers, new keys, cross-certificates, revocation. OpenSSL and our own validator judge.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../judges/mod.rs"]
mod judges;
#[path = "../support/mod.rs"]
mod support;

mod cross;
mod offline;
mod persons;
mod revoke;
mod roll;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ca::Certificate;
use ca::core::ceremony::code;
use ca::store::CeremonyRow;
use crypto_pool::path::{self, Anchors, Cert, Crl, Options, Revocation};
use crypto_pool::{KeyAlgorithm, checkpoint};
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::time::FixedClock;
use pki_config::{Actor, Channel, IssuerId, Permission, Role, TenantId};
use support::{Parts, TestHouse, suite};
use tempfile::TempDir;

/// The names of the two installations.
const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

struct Place {
    house: TestHouse,
    name: &'static str,
    clock: Arc<FixedClock>,
    dir: TempDir,
}

/// An administrator of a production installation, over TLS.
fn admin(person: &str) -> Authorized {
    let actor = Actor::new(TenantId::house(), person, Role::Administrator, Channel::Https);
    authorize(&actor, Permission::ManageIssuers, Setup::Production).unwrap()
}

fn id(issuer: &str) -> IssuerId {
    issuer.parse().unwrap()
}

impl Place {
    async fn open(name: &'static str) -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-01T12:00:00Z".parse().unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let ocsp = Some(pki_config::config::OcspConfig::default());
        let parts = Parts { clock: clock.clone(), setup: Setup::Production, ocsp, ..Parts::real() };
        Self { house: TestHouse::open(dir.path(), parts).await, name, clock, dir }
    }

    async fn propose(&self, person: &str, source: &str, request: Option<&str>) -> Result<CeremonyRow, ca::Error> {
        self.house.ca.propose_ceremony(&admin(person), self.name, source, request).await
    }

    async fn confirm(&self, person: &str, row: &CeremonyRow) -> Result<CeremonyRow, ca::Error> {
        self.house.ca.confirm_ceremony(&admin(person), self.name, row.id, &code(&row.sm3)).await
    }

    /// One puts it forward, two confirms it.
    async fn hold(&self, source: &str, request: Option<&str>) -> CeremonyRow {
        let row = self.propose("one", source, request).await.unwrap();
        self.confirm("two", &row).await.unwrap()
    }

    /// The one sentence with which putting this forward is refused.
    async fn refuses(&self, source: &str, request: Option<&str>) -> String {
        self.propose("one", source, request).await.expect_err("it should be refused").to_string()
    }

    async fn issue(&self, host: &str, key: KeyAlgorithm, issuer: Option<&str>) -> Result<Certificate, ca::Error> {
        let (csr, _) = support::csr(key, self.house.random.as_ref());
        let request = ca::NewRequest { issuer: issuer.map(id), ..support::server_request(&csr, host) };
        self.house.ca.issue(&suite(Permission::IssueCertificate), request).await
    }

    async fn list(&self, issuer: &str) -> Crl {
        Crl::from_der(self.house.ca.crl(&id(issuer)).await.unwrap().1.to_vec()).unwrap()
    }

    fn certificate(&self, issuer: &str) -> Cert {
        Cert::from_der(&self.house.ca.issuer(&id(issuer)).unwrap().certificate).unwrap()
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Whether our own validator finds a way from a leaf to an anchor, with everything known about revocation.
    fn valid(&self, leaf: &[u8], between: &[Cert], anchors: Vec<Cert>, crls: &[Crl]) -> Result<(), String> {
        let leaf = Cert::from_der(leaf).unwrap();
        let options = Options { revocation: Revocation::Required, crls, ..Options::default() };
        let now = pki_config::Clock::now(&*self.clock);
        path::validate(&leaf, between, &Anchors::new(anchors), now, &options).map(drop).map_err(|why| why.to_string())
    }

    /// Nothing the log answers for was written past it.
    async fn finish(self) {
        let house = self.house;
        house.checkpointer.now().await.unwrap();
        let spki = house.kms.record(house.log_key).await.unwrap().spki;
        let audit = house.audit.clone();
        let check = move || audit.verify_all(&mut |_, _| {}, &|head| checkpoint::verify(head, &spki), None).unwrap();
        let report = tokio::task::spawn_blocking(check).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        house.close().await;
    }
}

fn plan(steps: &str) -> String {
    format!("format = \"yinxin ceremony plan 1\"\ntitle = \"A test\"\npersons = [\"One\", \"Two\"]\n{steps}")
}

fn pem(label: &'static str, der: &[u8]) -> String {
    ca::core::ceremony::pem(label, der)
}

/// The certificates one after another, in one file.
fn bundle(at: &Place, name: &str, certificates: &[&[u8]]) -> PathBuf {
    let text: String = certificates.iter().map(|der| pem("CERTIFICATE", der)).collect();
    at.write(name, text.as_bytes())
}

/// `openssl verify -crl_check_all` of a leaf. `None` without an openssl, which the judge says aloud.
fn openssl(root: &Path, between: &Path, leaf: &Path, crls: &Path, at: &FixedClock) -> Option<Result<String, String>> {
    judges::OpenSsl::find()?;
    let now = pki_config::Clock::now(at).unix_seconds().to_string();
    let run = std::process::Command::new("openssl")
        .args(["verify", "-attime", &now, "-crl_check_all", "-x509_strict", "-CAfile"])
        .arg(root)
        .arg("-untrusted")
        .arg(between)
        .arg("-CRLfile")
        .arg(crls)
        .arg(leaf)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    Some(if run.status.success() { Ok(said) } else { Err(said) })
}

async fn later(place: &Place, seconds: u64) {
    place.clock.advance(Duration::from_secs(seconds));
    place.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
}
