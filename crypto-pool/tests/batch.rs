//! What of a batch goes wrong costs its own answer and nothing else.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crypto_pool::backend::{Backend, Binding, Generated, Signer, Soft, UnitKek};
use crypto_pool::{BulkRequest, Error, KeyAlgorithm, KeyRecord, KeySpec, PublicKey, Purpose, Signed, ToSign};
use pki_config::role::{Setup, authorize};
use pki_config::{Actor, Permission, Random, TenantId, UnitId};
use support::{House, manager};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// A backend whose keys misbehave by the name of their tenant.
struct Faulty {
    soft: Soft,
    /// The signer of "gate" signs when something comes from here.
    gate: Arc<Mutex<Receiver<()>>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Signatures of "flood" so far.
    flood: AtomicUsize,
    /// How many those were when "house" signed.
    before_house: AtomicUsize,
}

enum Fault {
    Gate(Arc<Mutex<Receiver<()>>>),
    /// None: counted as the flood's.
    Flood(Arc<Counts>),
    /// None: notes what was signed of the flood before.
    House(Arc<Counts>),
    PanicsAlone,
    PanicsWhenAsked,
    /// Signs with a key that is not the record's.
    Wrong(Box<engine::sm2::PrivateKey>),
}

struct FaultySigner {
    right: Arc<dyn Signer>,
    fault: Fault,
}

impl Signer for FaultySigner {
    fn sign(&self, message: &[u8], random: &dyn Random) -> Result<Vec<u8>, Error> {
        match &self.fault {
            Fault::Gate(gate) => gate.lock().unwrap().recv().unwrap(),
            Fault::Flood(counts) => drop(counts.flood.fetch_add(1, Ordering::SeqCst)),
            Fault::House(counts) => {
                counts.before_house.store(counts.flood.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            Fault::PanicsAlone | Fault::PanicsWhenAsked => panic!("on purpose"),
            Fault::Wrong(key) => return Ok(key.sign(message, &[1; 32]).to_der()),
        }
        self.right.sign(message, random)
    }

    fn sm2(&self) -> Option<&engine::sm2::PrivateKey> {
        match &self.fault {
            Fault::Gate(_) | Fault::Flood(_) | Fault::House(_) | Fault::PanicsAlone => None,
            Fault::PanicsWhenAsked => panic!("on purpose"),
            Fault::Wrong(key) => Some(key),
        }
    }
}

impl Backend for Faulty {
    fn generate(&self, binding: Binding<'_>) -> Result<Generated, Error> {
        self.soft.generate(binding)
    }

    fn load(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Arc<dyn Signer>, Error> {
        let right = self.soft.load(binding, public, wrapped)?;
        let fault = match binding.tenant.as_str() {
            "gate" => Fault::Gate(self.gate.clone()),
            "flood" => Fault::Flood(self.counts.clone()),
            "house" => Fault::House(self.counts.clone()),
            "panics" => Fault::PanicsAlone,
            "panics-more" => Fault::PanicsWhenAsked,
            "wrong" => Fault::Wrong(Box::new(engine::sm2::PrivateKey::from_bytes(&[7; 32]).unwrap())),
            "unloadable" => return Err(Error::PrivateKey),
            "bomb" => panic!("on purpose"),
            _ => return Ok(right),
        };
        Ok(Arc::new(FaultySigner { right, fault }))
    }

    fn make_kek(&self, tenant: &TenantId, unit: UnitId) -> Result<Vec<u8>, Error> {
        self.soft.make_kek(tenant, unit)
    }

    fn unit_of(&self, wrapped: &[u8]) -> Option<UnitId> {
        self.soft.unit_of(wrapped)
    }

    fn rewrap(&self, from: Binding<'_>, to: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        self.soft.rewrap(from, to, public, wrapped)
    }

    fn renewed(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.soft.renewed(binding, public, wrapped)
    }

    fn renewed_kek(&self, tenant: &TenantId, kek: UnitKek<'_>) -> Result<Option<Vec<u8>>, Error> {
        self.soft.renewed_kek(tenant, kek)
    }

    fn export(&self, binding: Binding<'_>, public: &PublicKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.soft.export(binding, public, wrapped)
    }
}

fn house() -> (House, Sender<()>) {
    let (house, go, _) = counting_house();
    (house, go)
}

fn counting_house() -> (House, Sender<()>, Arc<Counts>) {
    let ((go, gate), counts) = (channel(), Arc::<Counts>::default());
    let mine = counts.clone();
    let wrap = |soft| -> Arc<dyn Backend> { Arc::new(Faulty { soft, gate: Arc::new(Mutex::new(gate)), counts: mine }) };
    (House::with(tempfile::tempdir().unwrap(), 1, wrap), go, counts)
}

async fn key(house: &House, tenant: &str, algorithm: &str) -> KeyRecord {
    let (purpose, algorithm): (_, KeyAlgorithm) = (Purpose::Tenant, algorithm.parse().unwrap());
    let spec = KeySpec { purpose, algorithm, subject: None, tenant: tenant.parse().unwrap() };
    house.kms.generate(&manager(), spec).await.unwrap()
}

type Answer = JoinHandle<Result<Vec<Signed>, Error>>;

fn ask(house: &House, key: &KeyRecord, count: usize) -> Answer {
    let to_sign = (0..count).map(|n| ToSign::TenantMessage(vec![n as u8; n % 50 * 40])).collect();
    let request = BulkRequest { key: key.id, actor: Actor::system(), to_sign };
    let pool = house.pool.clone();
    tokio::spawn(async move { pool.sign_bulk(request).await })
}

/// Holds the only worker until something is sent, so that all that is asked meanwhile makes one batch.
async fn held(house: &House) -> Answer {
    let answer = ask(house, &key(house, "gate", "sm2").await, 1);
    settle().await;
    answer
}

/// Lets what was spawned come to where it waits: the runtime of these tests has one thread.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

fn all_genuine(key: &KeyRecord, signed: &[Signed]) -> bool {
    let public = PublicKey::from_spki(&key.spki).unwrap();
    signed.iter().all(|one| public.verify(one.algorithm, &one.to_sign, &one.signature))
}

#[tokio::test]
async fn a_batch_of_many_keys_and_algorithms_gives_each_its_own() {
    let (house, go) = house();
    let mut keys = Vec::new();
    for (n, word) in ["sm2", "sm2", "p256", "sm2", "ed25519", "p384", "sm2", "rsa2048"].into_iter().enumerate() {
        keys.push(key(&house, &format!("tenant-{n}"), word).await);
    }
    let gate = held(&house).await;
    let answers: Vec<Answer> = keys.iter().map(|key| ask(&house, key, 5)).collect();
    settle().await;
    go.send(()).unwrap();
    gate.await.unwrap().unwrap();
    for (key, answer) in keys.iter().zip(answers) {
        let signed = answer.await.unwrap().unwrap();
        assert_eq!(signed.len(), 5);
        assert!(all_genuine(key, &signed), "{}", key.algorithm);
    }
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_fault_in_one_request_leaves_the_rest_of_its_batch_whole() {
    for name in ["panics", "panics-more", "wrong", "unloadable", "bomb"] {
        let (house, go) = house();
        let (good, bad) = (key(&house, "good", "sm2").await, key(&house, name, "sm2").await);
        let gate = held(&house).await;
        let answers = [ask(&house, &good, 5), ask(&house, &bad, 2), ask(&house, &good, 7)];
        settle().await;
        let entries = house.entries().await.len();
        go.send(()).unwrap();
        gate.await.unwrap().unwrap();
        let [first, faulty, last] = answers;
        for (answer, count) in [(first, 5), (last, 7)] {
            let signed = answer.await.unwrap().unwrap();
            assert!(signed.len() == count && all_genuine(&good, &signed), "{name}");
        }
        let failed = faulty.await.unwrap();
        let expected = match name {
            "wrong" => matches!(failed, Err(Error::SignatureFailed { key }) if key == bad.id),
            "unloadable" => matches!(failed, Err(Error::PrivateKey)),
            _ => matches!(failed, Err(Error::Lost)),
        };
        assert!(expected, "{name}: {failed:?}");
        // The worker is still there, and nothing was logged for what was not released.
        assert!(ask(&house, &good, 1).await.unwrap().is_ok(), "{name}");
        assert!(house.entries().await.len() <= entries + 4, "{name}");
        let about_bad = house.audit.find(&bad.id.to_string(), 10).await.unwrap();
        assert_eq!(about_bad.len(), 1, "{name}: made, and never signed");
    }
}

#[tokio::test]
async fn a_wrong_signature_leaves_only_where_the_tenant_wants_no_verification() {
    let (house, _go) = house();
    let bad = key(&house, "wrong", "sm2").await;
    for count in [1, 30] {
        assert!(matches!(ask(&house, &bad, count).await.unwrap(), Err(Error::SignatureFailed { .. })));
    }
    let by = authorize(&Actor::system(), Permission::ManageUnits, Setup::Trial).unwrap();
    house.kms.set_bulk_verification(&by, &bad.tenant, false).await.unwrap();
    for count in [1, 30] {
        let signed = ask(&house, &bad, count).await.unwrap().unwrap();
        assert!(!all_genuine(&bad, &signed), "they were not verified, and are wrong");
    }
    // Single signatures are verified all the same.
    let to_sign = ToSign::TenantMessage(b"message".to_vec());
    let single = house.sign(bad.id, to_sign, None).await;
    assert!(matches!(single, Err(Error::SignatureFailed { .. })));
    house.kms.set_bulk_verification(&by, &bad.tenant, true).await.unwrap();
    assert!(matches!(ask(&house, &bad, 2).await.unwrap(), Err(Error::SignatureFailed { .. })));
}

#[tokio::test]
async fn the_house_overtakes_a_tenants_flood_that_was_there_first() {
    let (house, go, counts) = counting_house();
    let flood = key(&house, "flood", "sm2").await;
    let log_key = house.key(Purpose::AuditLog, KeyAlgorithm::Sm2).await;
    let gate = held(&house).await;
    let answers: Vec<Answer> = (0..4).map(|_| ask(&house, &flood, 1000)).collect();
    settle().await;
    let manifest = house.sign(log_key.id, ToSign::BackupManifest(b"manifest".to_vec()), None);
    let opened = async {
        settle().await;
        go.send(()).unwrap();
    };
    tokio::join!(manifest, opened).0.unwrap();
    gate.await.unwrap().unwrap();
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().len(), 1000);
    }
    let Counts { flood, before_house } = &*counts;
    // What was in hand when it came may have been finished first: nothing here, and never more than a batch.
    assert_eq!(flood.load(Ordering::SeqCst), 4000);
    assert!(before_house.load(Ordering::SeqCst) <= 64, "{}", before_house.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_stopped_pool_answers_what_was_queued() {
    let (house, go) = house();
    let good = key(&house, "good", "sm2").await;
    let gate = held(&house).await;
    let answers: Vec<Answer> = (0..10).map(|_| ask(&house, &good, 100)).collect();
    settle().await;
    go.send(()).unwrap();
    let pool = house.pool.clone();
    tokio::task::spawn_blocking(move || pool.stop()).await.unwrap();
    gate.await.unwrap().unwrap();
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().len(), 100);
    }
    assert!(matches!(ask(&house, &good, 1).await.unwrap(), Err(Error::Stopping)));
}
