//! The authority under the conditions it must stand: a clock that goes back, a disk that fills up, two
//! officers at once, a responder that refuses the news.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca::{Certificate, Error};
use crypto_pool::KeyAlgorithm;
use crypto_pool::checkpoint;
use crypto_pool::path::Crl;
use ledger::{Db, Tx};
use pki_config::ports::StatusFeed;
use pki_config::status::{CertStatus, Reason, StatusChange};
use pki_config::time::FixedClock;
use pki_config::{Actor, Clock, ErrorCode, IssuerId, Permission, Serial, TenantId};
use support::{Parts, TestHouse, officer, owner, suite};

async fn issue(house: &TestHouse, host: &str) -> Result<Certificate, Error> {
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    house.ca.issue(&owner(Permission::IssueCertificate), support::server_request(&csr, host)).await
}

async fn revoke(house: &TestHouse, serial: &Serial) -> Result<Certificate, Error> {
    house.ca.revoke(&owner(Permission::RevokeCertificate), serial, None, Reason::Superseded, None).await
}

fn issuing() -> IssuerId {
    "sm2-issuing".parse().unwrap()
}

async fn crl(house: &TestHouse) -> Crl {
    house.ca.publish_crl(&suite(Permission::PublishCrl), &issuing()).await.unwrap();
    Crl::from_der(std::fs::read(house.ca.crl_path(&issuing())).unwrap()).unwrap()
}

async fn log_is_clean(house: &TestHouse) {
    house.checkpointer.now().await.unwrap();
    let spki = house.kms.record(house.log_key).await.unwrap().spki;
    let audit = house.audit.clone();
    let check = move || audit.verify_all(&mut |_, _| {}, &|head| checkpoint::verify(head, &spki), None).unwrap();
    let report = tokio::task::spawn_blocking(check).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn noon() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-06-01T12:00:00Z".parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_stops_signing_until_an_operator_accepts_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = noon();
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let before = issue(&house, "www.example.cn").await.unwrap();
    clock.set("2026-06-01T11:00:00Z".parse().unwrap());
    assert_eq!(issue(&house, "late.example.cn").await.unwrap_err().code(), ErrorCode::ClockBehind);
    assert_eq!(revoke(&house, &before.serial).await.unwrap_err().code(), ErrorCode::ClockBehind);
    // What was signed before is still served.
    assert!(house.ca.certificate(&TenantId::house(), &before.serial, None).await.is_ok());
    house.audit.accept_clock(Actor::system(), b"the clock had been a year ahead".to_vec()).await.unwrap();
    let after = issue(&house, "next.example.cn").await.unwrap();
    assert!(after.validity.not_before() < before.validity.not_before());
    log_is_clean(&house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_across_a_restart_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let clock = noon();
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    issue(&house, "www.example.cn").await.unwrap();
    house.close().await;
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    clock.set("2025-06-01T12:00:00Z".parse().unwrap());
    assert_eq!(issue(&house, "late.example.cn").await.unwrap_err().code(), ErrorCode::ClockBehind);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crls_follow_the_schedule_and_the_news() {
    let dir = tempfile::tempdir().unwrap();
    let clock = noon();
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let due = async || house.ca.publish_due_crls(&Actor::system()).await.unwrap().len();
    assert_eq!(due().await, 4, "the first of each issuer");
    assert_eq!(due().await, 0, "nothing new");
    clock.advance(Duration::from_secs(3600));
    let issued = issue(&house, "www.example.cn").await.unwrap();
    assert_eq!(due().await, 0, "an issued certificate is no news for a CRL");
    revoke(&house, &issued.serial).await.unwrap();
    assert_eq!(due().await, 1, "a revocation is");
    clock.advance(Duration::from_secs(86_400));
    assert_eq!(due().await, 4, "a day later all are due");
    // A lost file is made again under the next number.
    std::fs::remove_file(house.ca.crl_path(&issuing())).unwrap();
    let number = house.ca.newest(&issuing()).await.unwrap().unwrap().number;
    house.close().await;
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let again = house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    assert_eq!(again.iter().map(|crl| crl.number).collect::<Vec<_>>(), [number + 1]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_leaves_the_crl_one_list_after_its_certificate_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let clock = noon();
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let issued = issue(&house, "www.example.cn").await.unwrap();
    revoke(&house, &issued.serial).await.unwrap();
    assert_eq!(crl(&house).await.entries().count(), 1);
    clock.set(issued.validity.not_after());
    clock.advance(Duration::from_secs(60));
    assert_eq!(crl(&house).await.entries().count(), 1, "the first list after its end still has it");
    clock.advance(Duration::from_secs(60));
    assert_eq!(crl(&house).await.entries().count(), 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_revocations_and_crls_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(10 << 30));
    let (probe, mut parts) = (free.clone(), Parts::real());
    parts.db = Box::new(move |mut options| {
        options.reserve = 1 << 20;
        Db::open_with(options, Box::new(move || probe.load(Ordering::SeqCst))).unwrap()
    });
    let house = TestHouse::open(dir.path(), parts).await;
    let issued = issue(&house, "www.example.cn").await.unwrap();
    free.store(0, Ordering::SeqCst);
    // Free space is asked for at most some times a second.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(issue(&house, "more.example.cn").await.unwrap_err().code(), ErrorCode::DiskFull);
    revoke(&house, &issued.serial).await.unwrap();
    assert_eq!(crl(&house).await.entries().count(), 1);
    free.store(10 << 30, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(400)).await;
    // The first writes after space returned may still find the reserve unfilled.
    let mut served = Err(());
    for _ in 0..50 {
        served = issue(&house, "more.example.cn").await.map_err(drop);
        if served.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    served.expect("served again without anybody's help");
    log_is_clean(&house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_approved_by_another_officer_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let request = support::server_request(&csr, "www.example.cn");
    let id = house.ca.submit(&officer("li", Permission::RequestCertificate), request).await.unwrap();
    let own = house.ca.approve(&officer("li", Permission::ApproveRequest), id).await.unwrap_err();
    assert_eq!(own.code(), ErrorCode::SameOfficer);
    // Two others at once: one certificate.
    let (wang, zhao) = (officer("wang", Permission::ApproveRequest), officer("zhao", Permission::ApproveRequest));
    let (a, b) = tokio::join!(house.ca.approve(&wang, id), house.ca.approve(&zhao, id));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
    assert_eq!(lost.unwrap_err().code(), ErrorCode::RequestState);
    let won = won.unwrap();
    assert_eq!(won.requester, "li");
    assert!(matches!(won.approver.as_deref(), Some("wang" | "zhao")));
    let late = house.ca.reject(&wang, id, "too late").await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::RequestState);
    log_is_clean(&house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_a_requester_who_approves() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let request = support::server_request(&csr, "www.example.cn");
    house.ca.submit(&officer("li", Permission::RequestCertificate), request).await.unwrap();
    let forced = house
        .db
        .write(ledger::Importance::Normal, |tx| {
            tx.execute("UPDATE ca_request SET approver = 'li' WHERE requester = 'li'", &[])
        })
        .await;
    assert!(matches!(forced, Err(ledger::DbError::Constraint(_))), "{forced:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_listed_released_and_gone_and_a_revocation_stays() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    let issued = issue(&house, "www.example.cn").await.unwrap();
    let auth = owner(Permission::RevokeCertificate);
    house.ca.hold(&auth, &issued.serial, None).await.unwrap();
    assert_eq!(crl(&house).await.entries().count(), 1);
    house.ca.release(&auth, &issued.serial, None).await.unwrap();
    assert_eq!(crl(&house).await.entries().count(), 0);
    revoke(&house, &issued.serial).await.unwrap();
    assert_eq!(house.ca.release(&auth, &issued.serial, None).await.unwrap_err().code(), ErrorCode::CertificateState);
    assert_eq!(revoke(&house, &issued.serial).await.unwrap_err().code(), ErrorCode::CertificateState);
    let unknown: Serial = "0123456789".parse().unwrap();
    assert_eq!(revoke(&house, &unknown).await.unwrap_err().code(), ErrorCode::NotFound);
    house.close().await;
}

/// Keeps what it is told; refuses while `shut`.
#[derive(Default)]
struct Responder {
    told: Mutex<Vec<StatusChange>>,
    shut: AtomicBool,
}

impl<'a> StatusFeed<Tx<'a>> for Responder {
    fn apply(&self, _tx: &Tx<'a>, change: &StatusChange) -> Result<(), String> {
        if self.shut.load(Ordering::SeqCst) {
            return Err("shut".to_owned());
        }
        self.told.lock().unwrap().push(change.clone());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responders_know_of_a_certificate_before_its_holder_and_of_its_revocation_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let responder = Arc::new(Responder::default());
    let house = TestHouse::open(dir.path(), Parts { feeds: vec![responder.clone()], ..Parts::real() }).await;
    let issued = issue(&house, "www.example.cn").await.unwrap();
    let last = || responder.told.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last().serial, last().status), (issued.serial.clone(), CertStatus::Good));
    // A responder that cannot take the news keeps it from happening anywhere.
    responder.shut.store(true, Ordering::SeqCst);
    assert!(revoke(&house, &issued.serial).await.is_err());
    let still = house.ca.certificate(&TenantId::house(), &issued.serial, None).await.unwrap();
    assert_eq!(still.status, CertStatus::Good);
    responder.shut.store(false, Ordering::SeqCst);
    revoke(&house, &issued.serial).await.unwrap();
    assert!(matches!(last().status, CertStatus::Revoked(r) if r.reason == Reason::Superseded));
    log_is_clean(&house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_never_outlasts_its_issuer() {
    let dir = tempfile::tempdir().unwrap();
    let clock = noon();
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let end = house.ca.issuer(&issuing()).unwrap().not_after;
    clock.set(end.minus(Duration::from_secs(86_400)));
    let issued = issue(&house, "www.example.cn").await.unwrap();
    assert_eq!(issued.validity.not_after(), end);
    clock.set(end.plus(Duration::from_secs(1)));
    assert_eq!(issue(&house, "late.example.cn").await.unwrap_err().code(), ErrorCode::IssuerExpired);
    assert!(clock.now() > end);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_key_is_never_certified_again_and_a_superseded_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    let (stolen, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let (kept, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let ask = async |csr: &[u8], host| {
        house.ca.issue(&owner(Permission::IssueCertificate), support::server_request(csr, host)).await
    };
    let first = ask(&stolen, "www.example.cn").await.unwrap();
    let other = ask(&kept, "mail.example.cn").await.unwrap();
    let auth = owner(Permission::RevokeCertificate);
    house.ca.revoke(&auth, &first.serial, None, Reason::KeyCompromise, None).await.unwrap();
    revoke(&house, &other.serial).await.unwrap();
    let refused = ask(&stolen, "new.example.cn").await.unwrap_err();
    assert!(matches!(refused, Error::BlockedKey { .. }), "{refused}");
    assert_eq!(refused.code(), ErrorCode::KeyRefused);
    assert!(ask(&kept, "mail.example.cn").await.is_ok());
    log_is_clean(&house).await;
    house.close().await;
}
