//! Both or neither: a fault or a crash at every step of a pair.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ca::Step;
use crypto_pool::checkpoint;
use crypto_pool::path::Crl;
use key_centre::{KeyQuery, KeyState};
use pki_config::IssuerId;
use pki_config::status::CertStatus;

use super::*;

#[derive(Clone)]
enum Fault {
    Fails,
    /// The machine loses power here: what is on the disk now is all that remains.
    Crash(PathBuf),
}

type Armed = Arc<Mutex<Option<(Step, Fault)>>>;

fn parts(armed: &Armed, dir: &Path) -> Parts {
    let (armed, dir) = (armed.clone(), dir.to_owned());
    let mut parts = Parts::real();
    parts.probe = Some(Arc::new(move |step| {
        let met = {
            let mut armed = armed.lock().unwrap();
            match &*armed {
                Some((wanted, _)) if *wanted == step => armed.take(),
                _ => None,
            }
        };
        match met {
            Some((_, Fault::Fails)) => Err(Error::Damaged(format!("{step:?}, by the test"))),
            Some((_, Fault::Crash(copy))) => {
                std::fs::create_dir_all(copy.join("crl")).unwrap();
                for name in ["yinxin.db", "yinxin.db-wal"].iter().filter(|name| dir.join(name).exists()) {
                    std::fs::copy(dir.join(name), copy.join(name)).unwrap();
                }
                Ok(())
            }
            None => Ok(()),
        }
    }));
    parts
}

async fn listed(house: &TestHouse) -> Vec<ca::Listed> {
    let query = ca::store::Query { limit: 10, profile: Some("dual-person".into()), ..Default::default() };
    house.ca.list(&TenantId::house(), query).await.unwrap().certificates
}

/// How many serials a fresh CRL has.
async fn revoked(house: &TestHouse) -> usize {
    let issuer: IssuerId = "sm2-issuing".parse().unwrap();
    house.ca.publish_crl(&support::suite(Permission::PublishCrl), &issuer).await.unwrap();
    Crl::from_der(std::fs::read(house.ca.crl_path(&issuer)).unwrap()).unwrap().entries().count()
}

async fn kept(house: &TestHouse) -> Vec<KeyState> {
    let by = key_officer("looker", Permission::ReadCentre);
    let (keys, _) = house.centre.list(&by, KeyQuery { limit: 100, ..KeyQuery::default() }).await.unwrap();
    keys.iter().map(|key| key.state).collect()
}

async fn log_is_clean(house: &TestHouse) {
    house.checkpointer.now().await.unwrap();
    let spki = house.kms.record(house.log_key).await.unwrap().spki;
    let audit = house.audit.clone();
    let report = tokio::task::spawn_blocking(move || {
        audit.verify_all(&mut |_, _| {}, &|head| checkpoint::verify(head, &spki), None).unwrap()
    });
    let report = report.await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Either both certificates with the key, or none of the three; what was reserved is revoked.
async fn both_or_neither(house: &TestHouse, step: Step, interrupted: bool) {
    let (listed, gone, kept) = (listed(house).await, revoked(house).await, kept(house).await);
    match step {
        // Nothing was reserved.
        Step::BeforeDraft | Step::BeforeKey | Step::BeforeIntent | Step::InIntent => {
            assert!(listed.is_empty() && gone == 0 && kept.is_empty(), "{step:?}");
        }
        // Both serials were; both are revoked, and the key is nobody's.
        Step::BeforeSign | Step::BeforeRows | Step::AfterRows | Step::BetweenHalves | Step::AfterSecond => {
            assert!(listed.is_empty() && kept.is_empty(), "{step:?}");
            assert_eq!(gone, 2, "{step:?}");
        }
        // All three stand; only the answer was lost.
        Step::BeforeAnswer => {
            assert_eq!((listed.len(), gone, kept), (2, 0, vec![KeyState::Kept]), "interrupted: {interrupted}");
            assert!(listed.iter().all(|listed| listed.status == CertStatus::Good));
            let both = house.ca.pair(&TenantId::house(), &listed[0].serial, None).await.unwrap();
            assert!(listed.iter().any(|listed| listed.serial == both.encryption.serial));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_leaves_both_or_neither_and_the_next_pair_is_issued() {
    for step in Step::OF_PAIR {
        let dir = tempfile::tempdir().unwrap();
        let armed = Armed::default();
        let house = TestHouse::open(dir.path(), parts(&armed, dir.path())).await;
        *armed.lock().unwrap() = Some((step, Fault::Fails));
        assert!(issue(&house, "dual-person", "first").await.is_err(), "{step:?} did not fail");
        both_or_neither(&house, step, false).await;
        let (issued, signing) = issue(&house, "dual-person", "second").await.unwrap();
        delivered(&house, &pair(&house, &issued).await, &signing).await;
        log_is_clean(&house).await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_leaves_both_or_neither() {
    for step in Step::OF_PAIR {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let armed = Armed::default();
        let house = TestHouse::open(dir.path(), parts(&armed, dir.path())).await;
        *armed.lock().unwrap() = Some((step, Fault::Crash(copy.path().to_owned())));
        issue(&house, "dual-person", "first").await.unwrap();
        house.close().await;
        let house = TestHouse::open(copy.path(), Parts::real()).await;
        both_or_neither(&house, step, true).await;
        issue(&house, "dual-person", "second").await.unwrap();
        log_is_clean(&house).await;
        house.close().await;
    }
}
