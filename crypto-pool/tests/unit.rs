//! Exclusive units: workers, keys and key-encryption key of one tenant, apart from all others.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crypto_pool::{
    BulkRequest, Error, KeyAlgorithm, KeyRecord, KeySpec, KeyState, PublicKey, Purpose, Refusal, ToSign, Unit, UnitSpec,
};
use ledger::Importance;
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::{Actor, Channel, Permission, Role, TenantId};
use support::{House, manager};

fn may_manage_units() -> Authorized {
    authorize(&Actor::system(), Permission::ManageUnits, Setup::Trial).unwrap()
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn spec(name: &str, workers: u32) -> UnitSpec {
    UnitSpec { tenant: tenant(name), workers, cores: Vec::new() }
}

async fn key_of(house: &House, name: &str) -> KeyRecord {
    let (purpose, algorithm) = (Purpose::Tenant, KeyAlgorithm::Sm2);
    let spec = KeySpec { purpose, algorithm, subject: None, tenant: tenant(name) };
    house.kms.generate(&manager(), spec).await.unwrap()
}

fn request(key: &KeyRecord, count: usize) -> BulkRequest {
    let actor = Actor::new(key.tenant.clone(), "p", Role::Administrator, Channel::Https);
    let to_sign = (0..count).map(|n| ToSign::TenantMessage(format!("message {n}").into_bytes())).collect();
    BulkRequest { key: key.id, actor, to_sign }
}

async fn signs(unit: &Unit, key: &KeyRecord) -> bool {
    let signed = unit.sign_bulk(request(key, 3)).await.unwrap();
    let public = PublicKey::from_spki(&key.spki).unwrap();
    signed.len() == 3 && signed.iter().all(|one| public.verify(one.algorithm, &one.to_sign, &one.signature))
}

/// What is stored around a key: its first octet tells the way.
async fn wrapped(house: &House, key: &KeyRecord) -> Vec<u8> {
    let id = key.id.to_string();
    let read =
        move |tx: &ledger::Tx<'_>| tx.query_opt("SELECT wrapped FROM pool_key WHERE id = $1", &[&id], |row| row.get(0));
    house.db.read(read).await.unwrap().unwrap()
}

async fn execute(house: &House, sql: &'static str) {
    house.db.write(Importance::Normal, move |tx| tx.execute(sql, &[])).await.unwrap();
}

/// Flips a bit of the one value in this column.
async fn flip(house: &House, table: &'static str, column: &'static str, at: usize) {
    let work = move |tx: &ledger::Tx<'_>| -> Result<(), ledger::DbError> {
        let sql = match table {
            "pool_key" => ["SELECT wrapped FROM pool_key", "UPDATE pool_key SET wrapped = $1"],
            _ => ["SELECT kek FROM pool_unit", "UPDATE pool_unit SET kek = $1"],
        };
        let mut octets: Vec<u8> = tx.query_opt(sql[0], &[], |row| row.get(0))?.unwrap();
        let at = at.min(octets.len() - 1);
        octets[at] ^= 1;
        assert_eq!(tx.execute(sql[1], &[&octets])?, 1, "{column}");
        Ok(())
    };
    house.db.write(Importance::Normal, work).await.unwrap();
}

#[tokio::test]
async fn a_tenants_keys_old_and_new_live_in_its_unit_and_survive_a_restart() {
    let house = House::new();
    let old = key_of(&house, "alpha").await;
    assert!(!house.pool.sign_bulk(request(&old, 1)).await.unwrap().is_empty());
    let before = wrapped(&house, &old).await;
    let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let new = key_of(&house, "alpha").await;
    for key in [&old, &new] {
        assert!(signs(&unit, key).await);
        assert_eq!(wrapped(&house, key).await[0], 2, "wrapped under the unit's key");
    }
    assert_ne!(before, wrapped(&house, &old).await);
    // Through the common door the request finds its way to the unit.
    assert_eq!(house.pool.sign_bulk(request(&new, 2)).await.unwrap().len(), 2);
    assert!(house.verify().is_clean());
    drop(unit);

    let house = house.restart();
    let unit = house.pool.unit(&tenant("alpha")).unwrap();
    assert!(signs(&unit, &old).await && signs(&unit, &new).await);
    assert_eq!(house.pool.list_units().await.unwrap().len(), 1);
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_key_of_one_unit_is_unknown_in_another() {
    let house = House::new();
    let alpha = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let beta = house.pool.create_unit(&may_manage_units(), spec("beta", 1)).await.unwrap();
    let (of_alpha, of_beta) = (key_of(&house, "alpha").await, key_of(&house, "beta").await);
    assert!(signs(&alpha, &of_alpha).await && signs(&beta, &of_beta).await);
    // Even for the suite itself, which may use every tenant's keys elsewhere.
    let mut asked = request(&of_alpha, 1);
    asked.actor = Actor::system();
    assert!(matches!(beta.sign_bulk(asked).await, Err(Error::NoSuchKey { key }) if key == of_alpha.id));
    let shared = house.key(Purpose::Tenant, KeyAlgorithm::Sm2).await;
    let mut asked = request(&shared, 1);
    asked.actor = Actor::system();
    assert!(matches!(alpha.sign_bulk(asked).await, Err(Error::NoSuchKey { .. })));
}

#[tokio::test]
async fn a_flipped_octet_of_a_units_keys_is_refused() {
    // The way it is wrapped, the unit it names, the nonce, the text, the tag.
    let of_key = [0, 1, 16, 17, 40, usize::MAX].map(|at| ("pool_key", "wrapped", at));
    let of_kek = [0, 1, 20, usize::MAX].map(|at| ("pool_unit", "kek", at));
    for (table, column, at) in of_key.into_iter().chain(of_kek) {
        let house = House::new();
        let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
        let key = key_of(&house, "alpha").await;
        assert!(signs(&unit, &key).await);
        flip(&house, table, column, at).await;
        assert!(!house.verify().is_clean(), "{column} {at}");
        drop(unit);
        let house = house.restart();
        let unit = house.pool.unit(&tenant("alpha")).unwrap();
        let answer = unit.sign_bulk(request(&key, 1)).await;
        assert!(matches!(answer, Err(Error::KeyDamaged { .. })), "{column} {at}: {answer:?}");
    }
}

#[tokio::test]
async fn one_units_key_encryption_key_does_not_open_anothers_keys() {
    let house = House::new();
    for name in ["alpha", "beta"] {
        house.pool.create_unit(&may_manage_units(), spec(name, 1)).await.unwrap();
    }
    let key = key_of(&house, "alpha").await;
    let swap = "UPDATE pool_unit SET kek = (SELECT other.kek FROM pool_unit AS other
                WHERE other.tenant_id <> pool_unit.tenant_id)";
    execute(&house, swap).await;
    let house = house.restart();
    let answer = house.pool.unit(&tenant("alpha")).unwrap().sign_bulk(request(&key, 1)).await;
    assert!(matches!(answer, Err(Error::KeyDamaged { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_destroyed_units_keys_are_unusable_and_gone() {
    let house = House::new();
    let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let keys = [key_of(&house, "alpha").await, key_of(&house, "alpha").await];
    let beta = key_of(&house, "beta").await;
    assert!(signs(&unit, &keys[0]).await);
    house.pool.destroy_unit(&may_manage_units(), &tenant("alpha")).await.unwrap();
    for key in &keys {
        assert_eq!(house.kms.record(key.id).await.unwrap().state, KeyState::Destroyed);
        let asked = house.pool.sign_bulk(request(key, 1)).await;
        assert!(matches!(asked, Err(Error::Refused(Refusal::State(KeyState::Destroyed)))), "{asked:?}");
        assert!(unit.sign_bulk(request(key, 1)).await.is_err());
    }
    let left = |tx: &ledger::Tx<'_>| {
        let sql = "SELECT (SELECT count(*) FROM pool_key WHERE tenant_id = 'alpha' AND wrapped IS NOT NULL)
                   + (SELECT count(*) FROM pool_unit WHERE kek IS NOT NULL)";
        tx.query_opt(sql, &[], |row| row.get::<_, i64>(0))
    };
    assert_eq!(house.db.read(left).await.unwrap(), Some(0));
    // Others are not touched, and the tenant may have a new one.
    assert!(house.pool.sign_bulk(request(&beta, 1)).await.is_ok());
    let again = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let key = key_of(&house, "alpha").await;
    assert!(signs(&again, &key).await);
    assert!(house.verify().is_clean());
    drop((unit, again));
    let house = house.restart();
    assert_eq!(house.pool.list_units().await.unwrap().len(), 1);
    let events: Vec<String> = house.entries().await.into_iter().map(|entry| entry.event).collect();
    for event in ["unit.created", "unit.destroyed"] {
        assert!(events.iter().any(|found| found == event), "{event}");
    }
}

#[tokio::test]
async fn more_keys_than_one_entry_covers_move_and_are_destroyed() {
    let house = House::new();
    // Copies would not be keys of their own: 300 real ones, of the quickest kind.
    for _ in 0..300 {
        key_of(&house, "alpha").await;
    }
    let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let keys = house.kms.list(&tenant("alpha")).await.unwrap();
    assert!(signs(&unit, &keys[0]).await && signs(&unit, &keys[299]).await);
    for key in [&keys[0], &keys[150], &keys[299]] {
        assert_eq!(wrapped(&house, key).await[0], 2);
    }
    house.pool.destroy_unit(&may_manage_units(), &tenant("alpha")).await.unwrap();
    let keys = house.kms.list(&tenant("alpha")).await.unwrap();
    assert!(keys.iter().all(|key| key.state == KeyState::Destroyed));
    assert!(house.verify().is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resizing_under_load_loses_nothing() {
    let house = Arc::new(House::new());
    let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let key = key_of(&house, "alpha").await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (unit, key, stop, answered) = (unit.clone(), key.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    answered.fetch_add(unit.sign_bulk(request(&key, 20)).await.unwrap().len(), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for workers in [3, 1, 4, 2, 1, 3] {
        let before = answered.load(Ordering::Relaxed);
        let record = house.pool.resize_unit(&may_manage_units(), &tenant("alpha"), workers).await.unwrap();
        assert_eq!(record.workers, workers);
        // It goes on: this many more are answered after each change.
        while answered.load(Ordering::Relaxed) < before + 100 {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let counted: usize = {
        let mut sum = 0;
        for seq in 0..house.audit.size().await.unwrap() {
            let stored = house.audit.entry(seq).await.unwrap();
            let payload = String::from_utf8(stored.payload.unwrap()).unwrap_or_default();
            if let Some(rest) = payload.strip_prefix("{\"count\":") {
                sum += rest.split(',').next().unwrap().parse::<usize>().unwrap();
            }
        }
        sum
    };
    assert_eq!(counted, answered.load(Ordering::Relaxed), "what the log counts is what was answered");
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn units_are_given_and_taken_by_the_house_alone() {
    let house = House::new();
    let person = |name: &str, permission| {
        let actor = Actor::new(name.parse().unwrap(), "p", Role::Administrator, Channel::Https);
        authorize(&actor, permission, Setup::Production).unwrap()
    };
    let own = person("alpha", Permission::ManageUnits);
    assert!(matches!(house.pool.create_unit(&own, spec("alpha", 1)).await, Err(Error::Forbidden)));
    let other = person("house", Permission::ManageIssuers);
    assert!(matches!(house.pool.create_unit(&other, spec("alpha", 1)).await, Err(Error::Forbidden)));
    let may = person("house", Permission::ManageUnits);
    assert!(matches!(house.pool.create_unit(&may, spec("house", 1)).await, Err(Error::Forbidden)));
    for workers in [0, 257] {
        assert!(matches!(house.pool.create_unit(&may, spec("alpha", workers)).await, Err(Error::UnitSize)));
    }
    assert!(house.pool.create_unit(&may, spec("alpha", 1)).await.is_ok());
    assert!(matches!(house.pool.create_unit(&may, spec("alpha", 1)).await, Err(Error::UnitExists { .. })));
    let nobody = tenant("nobody");
    assert!(matches!(house.pool.resize_unit(&may, &nobody, 1).await, Err(Error::NoSuchUnit { .. })));
    assert!(matches!(house.pool.destroy_unit(&may, &nobody).await, Err(Error::NoSuchUnit { .. })));
    assert!(matches!(house.pool.destroy_unit(&own, &tenant("alpha")).await, Err(Error::Forbidden)));
}

#[tokio::test]
async fn a_sealed_root_key_seals_the_units_too() {
    let house = House::new();
    let unit = house.pool.create_unit(&may_manage_units(), spec("alpha", 1)).await.unwrap();
    let key = key_of(&house, "alpha").await;
    assert!(signs(&unit, &key).await);
    house.root.seal();
    assert!(matches!(unit.sign_bulk(request(&key, 1)).await, Err(Error::Sealed)));
    assert!(matches!(house.pool.create_unit(&may_manage_units(), spec("beta", 1)).await, Err(Error::Sealed)));
    house.root.open(support::root_key());
    assert!(signs(&unit, &key).await);
}

#[tokio::test]
async fn workers_can_be_bound_to_processors_and_an_absent_one_does_no_harm() {
    let house = House::new();
    for (name, cores) in [("alpha", vec![0]), ("beta", vec![0, 1000])] {
        let spec = UnitSpec { cores: cores.clone(), ..spec(name, 2) };
        let unit = house.pool.create_unit(&may_manage_units(), spec).await.unwrap();
        assert!(signs(&unit, &key_of(&house, name).await).await);
        let kept = house.pool.list_units().await.unwrap();
        assert!(kept.iter().any(|kept| kept.cores == cores), "{name}");
    }
}

#[tokio::test]
async fn a_tenant_may_have_its_bulk_signatures_unverified_and_it_is_logged() {
    let house = House::new();
    let alpha = tenant("alpha");
    let key = key_of(&house, "alpha").await;
    assert!(house.kms.verifies_bulk(&alpha));
    house.kms.set_bulk_verification(&may_manage_units(), &alpha, false).await.unwrap();
    assert_eq!(house.entries().await.pop().unwrap().event, "sign.policy");
    assert!(!house.kms.verifies_bulk(&alpha) && house.kms.verifies_bulk(&tenant("beta")));
    assert_eq!(house.pool.sign_bulk(request(&key, 40)).await.unwrap().len(), 40);
    assert!(matches!(
        house.kms.set_bulk_verification(&may_manage_units(), &TenantId::house(), false).await,
        Err(Error::Forbidden)
    ));
    assert!(house.verify().is_clean());
    let house = house.restart();
    assert!(!house.kms.verifies_bulk(&alpha));
    house.kms.set_bulk_verification(&may_manage_units(), &alpha, true).await.unwrap();
    assert!(house.kms.verifies_bulk(&alpha));
}
