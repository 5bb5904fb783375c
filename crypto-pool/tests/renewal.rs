//! Another root key in the place of the one there is, while the pool signs on.

#![allow(clippy::unwrap_used)]

mod support;

use crypto_pool::random::SeededRandom;
use crypto_pool::{BulkRequest, Error, KeyAlgorithm, KeyRecord, KeySpec, Purpose, RootKey, ToSign, UnitSpec};
use ledger::Importance;
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::{Actor, Channel, Permission, Role, TenantId};
use support::{House, manager, root_key};

fn owner() -> Authorized {
    let actor = Actor::new(TenantId::house(), "admin", Role::Administrator, Channel::Socket);
    authorize(&actor, Permission::ManageRoot, Setup::Trial).unwrap()
}

fn new_root() -> RootKey {
    RootKey::draw(&SeededRandom::new(200)).unwrap()
}

async fn key_of(house: &House, name: &str) -> KeyRecord {
    let (purpose, algorithm) = (Purpose::Tenant, KeyAlgorithm::Sm2);
    let tenant: TenantId = name.parse().unwrap();
    house.kms.generate(&manager(), KeySpec { purpose, algorithm, subject: None, tenant }).await.unwrap()
}

async fn signs(house: &House, key: &KeyRecord) -> Result<usize, Error> {
    let actor = Actor::new(key.tenant.clone(), "p", Role::Administrator, Channel::Https);
    let to_sign = vec![ToSign::TenantMessage(b"message".to_vec())];
    house.pool.sign_bulk(BulkRequest { key: key.id, actor, to_sign }).await.map(|signed| signed.len())
}

/// A house with keys of two tenants, of which one has an exclusive unit.
async fn with_keys() -> (House, [KeyRecord; 3]) {
    let house = House::new();
    let plain = key_of(&house, "plain").await;
    let manage = authorize(&Actor::system(), Permission::ManageUnits, Setup::Trial).unwrap();
    let before = key_of(&house, "apart").await;
    let spec = UnitSpec { tenant: "apart".parse().unwrap(), workers: 1, cores: Vec::new() };
    house.pool.create_unit(&manage, spec).await.unwrap();
    let after = key_of(&house, "apart").await;
    (house, [plain, before, after])
}

/// The house after a start with this root key.
fn restarted(house: House, root: RootKey) -> House {
    let house = house.restart();
    house.root.open(root);
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_wrapped_anew_and_the_root_key_before_opens_nothing_any_more() {
    let (house, keys) = with_keys().await;
    house.root.replace(new_root().in_place_of(&root_key())).unwrap();
    let renewal = house.kms.begin_renewal(&owner()).await.unwrap();
    // Two tenants' rows: one key of its own wrapping, one unit's key-encryption key.
    assert_eq!(renewal.all().await.unwrap(), 2);
    assert_eq!(renewal.all().await.unwrap(), 0);
    renewal.settle().await.unwrap();
    assert!(house.root.get().unwrap().previous().is_none());
    drop(renewal);
    for key in &keys {
        assert_eq!(signs(&house, key).await.unwrap(), 1);
    }
    let house = restarted(house, new_root());
    for key in &keys {
        assert_eq!(signs(&house, key).await.unwrap(), 1);
    }
    assert!(house.verify().is_clean(), "every row is covered by the log");
    let house = restarted(house, root_key());
    for key in &keys {
        assert!(matches!(signs(&house, key).await, Err(Error::KeyDamaged { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_anywhere_in_between_leaves_every_key_usable() {
    let (house, keys) = with_keys().await;
    // Stopped before the first row: both root keys are in the file, nothing is wrapped anew.
    let house = restarted(house, new_root().in_place_of(&root_key()));
    let more = key_of(&house, "plain").await;
    for key in keys.iter().chain([&more]) {
        assert_eq!(signs(&house, key).await.unwrap(), 1);
    }
    house.kms.begin_renewal(&owner()).await.unwrap().all().await.unwrap();
    // Stopped after the last row, before the file forgot the root key before.
    let house = restarted(house, new_root().in_place_of(&root_key()));
    for key in keys.iter().chain([&more]) {
        assert_eq!(signs(&house, key).await.unwrap(), 1);
    }
    assert_eq!(house.kms.begin_renewal(&owner()).await.unwrap().all().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_changed_meanwhile_keeps_its_new_wrapping() {
    let (house, keys) = with_keys().await;
    house.root.replace(new_root().in_place_of(&root_key())).unwrap();
    let renewal = house.kms.begin_renewal(&owner()).await.unwrap();
    // Whoever wants to write a row waits; it would carry the wrapping from before.
    let (kms, id) = (house.kms.clone(), keys[0].id);
    let changing =
        tokio::spawn(async move { kms.set_state(&manager(), id, crypto_pool::KeyState::Suspended).await.map(drop) });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!changing.is_finished());
    renewal.all().await.unwrap();
    drop(renewal);
    changing.await.unwrap().unwrap();
    house.kms.set_state(&manager(), id, crypto_pool::KeyState::Active).await.unwrap();
    let house = restarted(house, new_root());
    assert_eq!(signs(&house, &keys[0]).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_opens_under_neither_stops_it() {
    let (house, _) = with_keys().await;
    house.root.replace(new_root().in_place_of(&root_key())).unwrap();
    let spoil = "UPDATE pool_key SET wrapped = zeroblob(64) WHERE tenant_id = 'plain'";
    house.db.write(Importance::Normal, move |tx| tx.execute(spoil, &[])).await.unwrap();
    let renewal = house.kms.begin_renewal(&owner()).await.unwrap();
    assert!(matches!(renewal.all().await, Err(Error::KeyDamaged { .. })));
    assert!(matches!(renewal.settle().await, Err(Error::KeyDamaged { .. })));
    assert!(house.root.get().unwrap().previous().is_some(), "what may still be needed is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_slot_and_another_right_replace_nothing() {
    let house = House::new();
    assert!(matches!(house.kms.begin_renewal(&manager()).await, Err(Error::Forbidden)));
    house.root.seal();
    assert!(matches!(house.root.replace(new_root()), Err(Error::Sealed)));
}
