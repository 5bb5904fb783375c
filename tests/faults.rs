//! Faults put in at every step of an issuance. Whatever step fails or is the last one before a crash, there
//! is no certificate that cannot be found and revoked, the log verifies, and the next request is served.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};

use ca::{Certificate, Error, Step};
use crypto_pool::KeyAlgorithm;
use crypto_pool::checkpoint;
use crypto_pool::path::Crl;
use pki_config::{IssuerId, Permission, Serial, TenantId};
use support::{Parts, TestHouse};

/// What the probe does when it meets its step.
#[derive(Clone)]
enum Fault {
    /// The step fails.
    Fails,
    /// The machine loses power here: what is on the disk now is all that remains.
    Crash { copy: std::path::PathBuf },
}

struct Armed {
    step: Mutex<Option<(Step, Fault)>>,
}

fn parts(armed: &Arc<Armed>, dir: &Path) -> Parts {
    let (armed, dir) = (armed.clone(), dir.to_owned());
    let mut parts = Parts::real();
    parts.probe = Some(Arc::new(move |step| {
        let met = {
            let mut armed = armed.step.lock().unwrap();
            match &*armed {
                Some((wanted, _)) if *wanted == step => armed.take(),
                _ => None,
            }
        };
        match met {
            Some((_, Fault::Fails)) => Err(Error::Damaged(format!("{step:?}, by the test"))),
            Some((_, Fault::Crash { copy })) => {
                copy_house(&dir, &copy);
                Ok(())
            }
            None => Ok(()),
        }
    }));
    parts
}

/// Copies the files as they are at this moment, in the middle of a transaction or not.
fn copy_house(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("crl")).unwrap();
    for name in ["yinxin.db", "yinxin.db-wal"] {
        // The write-ahead log is all that SQLite needs beside the database; the shared memory is rebuilt.
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

async fn issue(house: &TestHouse, host: &str) -> Result<Certificate, Error> {
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    house.ca.issue(&support::owner(Permission::IssueCertificate), support::server_request(&csr, host)).await
}

/// The serials in a fresh CRL.
async fn revoked(house: &TestHouse) -> Vec<Vec<u8>> {
    let issuer: IssuerId = "sm2-issuing".parse().unwrap();
    house.ca.publish_crl(&support::suite(Permission::PublishCrl), &issuer).await.unwrap();
    let bytes = std::fs::read(house.ca.crl_path(&issuer)).unwrap();
    Crl::from_der(bytes).unwrap().entries().map(|entry| entry.serial.to_vec()).collect()
}

/// A serial as it stands in DER, whose first octet keeps it positive.
fn is(serial: &Serial, content: &[u8]) -> bool {
    Serial::from_der_content(content).as_ref() == Ok(serial)
}

async fn log_is_clean(house: &TestHouse) {
    house.checkpointer.now().await.unwrap();
    let spki = house.kms.record(house.log_key).await.unwrap().spki;
    let audit = house.audit.clone();
    let report = tokio::task::spawn_blocking(move || {
        audit.verify_all(&mut |_, _| {}, &|head| checkpoint::verify(head, &spki), None).unwrap()
    })
    .await
    .unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Found in the list, and a revocation of it goes through.
async fn can_be_found_and_revoked(house: &TestHouse, serial: &Serial) {
    let found = house.ca.certificate(&TenantId::house(), serial, None).await.unwrap();
    assert_eq!(found.serial, *serial);
    let auth = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&auth, serial, None, pki_config::status::Reason::Superseded, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_leaves_nothing_usable_and_the_next_request_is_served() {
    for step in Step::ALL {
        let dir = tempfile::tempdir().unwrap();
        let armed = Arc::new(Armed { step: Mutex::new(None) });
        let house = TestHouse::open(dir.path(), parts(&armed, dir.path())).await;
        *armed.step.lock().unwrap() = Some((step, Fault::Fails));
        let failed = issue(&house, "first.example.cn").await;
        assert!(failed.is_err(), "{step:?} did not fail");
        let gone = revoked(&house).await;
        let listed = house
            .ca
            .list(
                &TenantId::house(),
                ca::store::Query { limit: 10, profile: Some("tls-server".into()), ..Default::default() },
            )
            .await
            .unwrap();
        match step {
            // Nothing was reserved.
            Step::BeforeDraft | Step::BeforeIntent | Step::InIntent => {
                assert!(gone.is_empty() && listed.certificates.is_empty(), "{step:?}");
            }
            // A serial was reserved; no certificate came of it; the serial is revoked at once.
            Step::BeforeSign | Step::BeforeRows | Step::AfterRows => {
                assert_eq!(gone.len(), 1, "{step:?}");
                assert!(listed.certificates.is_empty(), "{step:?}");
            }
            // The certificate stands; only the answer was lost.
            Step::BeforeAnswer => {
                assert_eq!(listed.certificates.len(), 1);
                can_be_found_and_revoked(&house, &listed.certificates[0].serial).await;
            }
            Step::BeforeKey | Step::BetweenHalves | Step::AfterSecond => unreachable!("steps of pairs"),
        }
        issue(&house, "second.example.cn").await.unwrap();
        log_is_clean(&house).await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_leaves_a_certificate_that_can_be_revoked_or_a_serial_that_is() {
    for step in Step::ALL {
        let dir = tempfile::tempdir().unwrap();
        let copy = tempfile::tempdir().unwrap();
        let armed = Arc::new(Armed { step: Mutex::new(None) });
        let house = TestHouse::open(dir.path(), parts(&armed, dir.path())).await;
        *armed.step.lock().unwrap() = Some((step, Fault::Crash { copy: copy.path().to_owned() }));
        // Here the issuance goes on, so its serial is known; what matters is the copy.
        let serial = issue(&house, "www.example.cn").await.unwrap().serial;
        assert!(armed.step.lock().unwrap().is_none(), "{step:?} was not met");
        house.close().await;

        // Opening it recovers.
        let after = TestHouse::open(copy.path(), Parts::real()).await;
        let found = after.ca.certificate(&TenantId::house(), &serial, None).await;
        let gone = revoked(&after).await;
        match step {
            Step::BeforeDraft | Step::BeforeIntent | Step::InIntent => {
                assert!(found.is_err() && gone.is_empty(), "{step:?}");
            }
            Step::BeforeSign | Step::BeforeRows | Step::AfterRows => {
                assert!(found.is_err(), "{step:?}");
                assert!(gone.iter().any(|content| is(&serial, content)), "{step:?}: the serial is not revoked");
            }
            Step::BeforeAnswer => {
                assert!(found.is_ok(), "{step:?}");
                can_be_found_and_revoked(&after, &serial).await;
            }
            Step::BeforeKey | Step::BetweenHalves | Step::AfterSecond => unreachable!("steps of pairs"),
        }
        issue(&after, "next.example.cn").await.unwrap();
        log_is_clean(&after).await;
        after.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_pool_spends_no_serial() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    house.root.seal();
    let refused = issue(&house, "www.example.cn").await.unwrap_err();
    assert_eq!(refused.code(), pki_config::ErrorCode::Sealed);
    let rows: Option<i64> = house
        .db
        .read(|tx| -> Result<_, ledger::DbError> {
            tx.query_opt("SELECT count(*) FROM ca_certificate WHERE state <> 'issued'", &[], |row| {
                Ok(row.get(0).unwrap())
            })
        })
        .await
        .unwrap();
    assert_eq!(rows, Some(0));
    house.close().await;
}
