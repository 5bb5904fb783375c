//! Keys through their life.

#![allow(clippy::unwrap_used)]

mod support;

use crypto_pool::{Error, KeyAlgorithm, KeySpec, KeyState, PublicKey, Purpose, Refusal, ToSign};
use pki_config::role::{Setup, authorize};
use pki_config::time::Validity;
use pki_config::{Actor, Channel, Permission, Role, TenantId};
use support::{House, manager, tbs_certificate};

#[tokio::test]
async fn a_new_key_is_recorded_and_logged() {
    let house = House::new();
    let key = house.ca().await;
    assert_eq!(key.state, KeyState::Active);
    assert_eq!(PublicKey::from_spki(&key.spki).unwrap().key_id(), key.key_id);
    assert_eq!(house.kms.list(&TenantId::house()).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(house.kms.active(&TenantId::house(), key.purpose).await.unwrap(), Some(key.clone()));
    let entry = house.entries().await.pop().unwrap();
    assert_eq!((entry.event.as_str(), entry.object), ("key.generated", key.id.to_string()));
    assert_eq!(entry.covers.len(), 1);
}

#[tokio::test]
async fn keys_are_made_and_moved_by_those_who_manage_issuers_only() {
    let house = House::new();
    let key = house.ca().await;
    let spec = KeySpec {
        purpose: Purpose::CertificateAuthority,
        algorithm: KeyAlgorithm::Sm2,
        subject: None,
        tenant: TenantId::house(),
    };
    let reader = authorize(&Actor::system(), Permission::ReadIssuers, Setup::Trial).unwrap();
    assert!(matches!(house.kms.generate(&reader, spec.clone()).await, Err(Error::Forbidden)));
    assert!(matches!(house.kms.set_state(&reader, key.id, KeyState::Retired).await, Err(Error::Forbidden)));
    assert!(matches!(house.kms.begin_ceremony(&reader, "x").await, Err(Error::Forbidden)));
    // An administrator of another tenant: neither for the house, nor the house's key.
    let stranger = Actor::new("stranger".parse().unwrap(), "p", Role::Administrator, Channel::Https);
    let stranger = authorize(&stranger, Permission::ManageIssuers, Setup::Trial).unwrap();
    assert!(matches!(house.kms.generate(&stranger, spec).await, Err(Error::Forbidden)));
    let moved = house.kms.set_state(&stranger, key.id, KeyState::Retired).await;
    assert!(matches!(moved, Err(Error::NoSuchKey { .. })));
}

#[tokio::test]
async fn a_suspended_key_signs_nothing_until_it_is_active_again() {
    let house = House::new();
    let key = house.ca().await;
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    house.kms.set_state(&manager(), key.id, KeyState::Suspended).await.unwrap();
    let answer = house.sign(key.id, to_sign.clone(), None).await;
    assert!(matches!(answer, Err(Error::Refused(Refusal::State(KeyState::Suspended)))));
    house.kms.set_state(&manager(), key.id, KeyState::Active).await.unwrap();
    assert!(house.sign(key.id, to_sign, None).await.is_ok());
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_step_that_no_key_may_take_is_refused_and_logged() {
    let house = House::new();
    let key = house.ca().await;
    let answer = house.kms.set_state(&manager(), key.id, KeyState::Destroyed).await;
    assert!(matches!(answer, Err(Error::Transition { from: KeyState::Active, to: KeyState::Destroyed })));
    let entry = house.entries().await.pop().unwrap();
    assert_eq!((entry.event.as_str(), entry.outcome.as_str()), ("key.destroyed", "refused:KEY_UNUSABLE"));
}

#[tokio::test]
async fn a_destroyed_key_is_gone_from_its_row() {
    let house = House::new();
    let key = house.ca().await;
    for state in [KeyState::Compromised, KeyState::Destroyed] {
        house.kms.set_state(&manager(), key.id, state).await.unwrap();
    }
    let wrapped = |tx: &ledger::Tx<'_>| tx.query_opt("SELECT wrapped FROM pool_key", &[], |row| row.get(0));
    let wrapped: Option<Option<Vec<u8>>> = house.db.read(wrapped).await.unwrap();
    assert_eq!(wrapped, Some(None));
    let house = house.restart();
    assert_eq!(house.kms.record(key.id).await.unwrap().state, KeyState::Destroyed);
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_signing_period_bounds_what_a_key_signs() {
    let house = House::new();
    let key = house.ca().await;
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    let until = |end: &str| Validity::between(support::noon(), end.parse().unwrap()).unwrap();
    // The certificate ends at 2027-11-20T23:59:59Z.
    house.kms.set_signing_period(&manager(), key.id, until("2027-11-20T23:59:59Z")).await.unwrap();
    assert!(house.sign(key.id, to_sign.clone(), None).await.is_ok());
    house.kms.set_signing_period(&manager(), key.id, until("2027-11-20T23:59:58Z")).await.unwrap();
    assert!(matches!(house.sign(key.id, to_sign, None).await, Err(Error::Refused(Refusal::Period))));
}

#[tokio::test]
async fn only_tls_keys_leave_the_pool() {
    let house = House::new();
    let tls = house.key(Purpose::Tls, KeyAlgorithm::P256).await;
    let pkcs8 = house.kms.export_tls(tls.id).await.unwrap();
    assert_eq!(crypto_pool::backend::spki_of_pkcs8(KeyAlgorithm::P256, &pkcs8).unwrap(), tls.spki);
    let ca = house.ca().await;
    assert!(matches!(house.kms.export_tls(ca.id).await, Err(Error::KeyPurpose { .. })));
    house.kms.set_state(&manager(), tls.id, KeyState::Retired).await.unwrap();
    assert!(matches!(house.kms.export_tls(tls.id).await, Err(Error::KeyState { .. })));
}

#[tokio::test]
async fn no_private_key_lies_in_the_database_in_clear() {
    let house = House::new();
    let tls = house.key(Purpose::Tls, KeyAlgorithm::Sm2).await;
    let pkcs8 = house.kms.export_tls(tls.id).await.unwrap();
    let at = pkcs8.windows(2).position(|w| w == [4, 32]).unwrap() + 2;
    let scalar = pkcs8[at..at + 32].to_vec();
    let hex: String = scalar.iter().map(|b| format!("{b:02x}")).collect();
    let House { directory, db, pool, .. } = house;
    pool.stop();
    db.close();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|w| w == scalar));
        assert!(!bytes.windows(64).any(|w| w == hex.as_bytes()));
    }
}
