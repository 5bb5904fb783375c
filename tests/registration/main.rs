//! What registration officers do, from the filing of a request to the revocation of many certificates, against a whole
//! authority without HTTP.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod decide;
mod find;
mod follow;
mod holders;
mod many;
mod rules;

use std::sync::Arc;

use ca::core::evidence::{Evidence, File};
use ca::{Certificate, NewRequest, Submission};
use crypto_pool::{KeyAlgorithm, checkpoint};
use pki_config::profile::BuiltIn;
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::time::FixedClock;
use pki_config::{Actor, Channel, Instant, Permission, RequestId, Role, TenantId};
use support::{Parts, TestHouse, officer, owner};
use tempfile::TempDir;

/// A house at noon of a day in 2026, with its clock.
async fn house() -> (TestHouse, Arc<FixedClock>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at("2026-06-01T12:00:00Z".parse().unwrap()));
    let house = TestHouse::open(dir.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    (house, clock, dir)
}

/// Nothing the log answers for was written past it.
async fn finish(house: TestHouse) {
    house.checkpointer.now().await.unwrap();
    let spki = house.kms.record(house.log_key).await.unwrap().spki;
    let audit = house.audit.clone();
    let check = move || audit.verify_all(&mut |_, _| {}, &|head| checkpoint::verify(head, &spki), None).unwrap();
    let report = tokio::task::spawn_blocking(check).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    house.close().await;
}

fn files(person: &str) -> Authorized {
    officer(person, Permission::RequestCertificate)
}

fn reviews(person: &str) -> Authorized {
    officer(person, Permission::ReviewRequest)
}

fn approves(person: &str) -> Authorized {
    officer(person, Permission::ApproveRequest)
}

fn who(person: &str) -> Actor {
    files(person).actor().clone()
}

fn key(house: &TestHouse, algorithm: KeyAlgorithm) -> Vec<u8> {
    support::csr(algorithm, house.random.as_ref()).0
}

/// A request under any profile.
fn request(house: &TestHouse, profile: &str, subject: &str, sans: &str) -> NewRequest {
    NewRequest {
        subject: Some(subject.parse().unwrap()),
        sans: sans.parse().unwrap(),
        profile: profile.to_owned(),
        ..support::server_request(&key(house, KeyAlgorithm::P256), "x.example.cn")
    }
}

fn server(house: &TestHouse, host: &str) -> NewRequest {
    support::server_request(&key(house, KeyAlgorithm::Sm2), host)
}

/// Evidence with a file, good for `days`.
fn evidence(now: Instant, days: u64, content: &[u8]) -> Evidence {
    let expires = now.plus(std::time::Duration::from_secs(days * 86_400));
    let file = File { name: "record.txt".to_owned(), content: content.to_vec() };
    Evidence::new("domain-dns", "the record was there", Some(expires), Some(file), now).unwrap()
}

/// Makes a profile ask for a reviewer, as two administrators change it.
async fn ask_for_review(house: &TestHouse, profile: BuiltIn) {
    let source = profile.source();
    let changed = source.replacen("version = 1", "version = 2", 1);
    let changed = if changed.contains("[approval]") {
        changed.replacen("[approval]", "[approval]\nreviewer = true", 1)
    } else {
        changed.replacen("[subject]", "[approval]\nreviewer = true\n\n[subject]", 1)
    };
    let proposed = house
        .ca
        .propose_profile(&owner(Permission::ProposeProfile), &changed, "three people from now on")
        .await
        .unwrap();
    let second = Actor::new(TenantId::house(), "second", Role::Administrator, Channel::Socket);
    let second = authorize(&second, Permission::ApproveProfile, Setup::Trial).unwrap();
    house.ca.approve_profile(&second, proposed.profile.name(), 2).await.unwrap();
}

/// Files and approves.
async fn issue(house: &TestHouse, request: impl Into<Submission>) -> Certificate {
    let id = house.ca.submit(&files("li"), request).await.unwrap();
    house.ca.approve(&approves("wang"), id).await.unwrap()
}

async fn state(house: &TestHouse, id: RequestId) -> &'static str {
    house.ca.request(&TenantId::house(), id).await.unwrap().state.as_str()
}
