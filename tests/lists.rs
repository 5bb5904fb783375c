//! An issuer's lists: the whole one, its shares and their deltas. What they say together, when they are made, and what
//! OpenSSL and BouncyCastle make of them.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ca::Certificate;
use ca::core::crl::List;
use crypto_pool::KeyAlgorithm;
use crypto_pool::path::{self, Anchors, Cert, Crl, Options, Revocation};
use judges::{BouncyCastle, OpenSsl, Pkilint, fact};
use pki_config::config::{CrlConfig, Seconds};
use pki_config::status::{CertStatus, Reason};
use pki_config::time::FixedClock;
use pki_config::{Actor, IssuerId, Permission, Serial, TenantId};
use support::{Parts, TestHouse, officer, owner, pem};

const DAY: u64 = 86_400;

fn id(issuer: &str) -> IssuerId {
    issuer.parse().unwrap()
}

fn shard(number: u16) -> List {
    List::shard(number).unwrap()
}

/// A house whose two issuing authorities have lists made like this.
async fn house(dir: &Path, clock: &Arc<FixedClock>, shards: u16, deltas: bool) -> TestHouse {
    let lists = CrlConfig { shards, delta_lifetime: Seconds(if deltas { DAY } else { 0 }) };
    let both = ["ec-issuing", "sm2-issuing"].map(|issuer| (issuer.to_owned(), lists.clone()));
    TestHouse::open(dir, Parts { clock: clock.clone(), lists: BTreeMap::from(both), ..Parts::real() }).await
}

fn noon() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-11-01T12:00:00Z".parse().unwrap()))
}

async fn issue(house: &TestHouse, host: &str, key: KeyAlgorithm) -> Certificate {
    let (csr, _) = support::csr(key, house.random.as_ref());
    house.ca.issue(&owner(Permission::IssueCertificate), support::server_request(&csr, host)).await.unwrap()
}

async fn revoke(house: &TestHouse, serial: &Serial) {
    house.ca.revoke(&owner(Permission::RevokeCertificate), serial, None, Reason::Superseded, None).await.unwrap();
}

/// What the schedule publishes now: whose and which list.
async fn due(house: &TestHouse) -> Vec<String> {
    let published = house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    published.iter().map(|record| record.list.file_name(&record.issuer)).collect()
}

async fn crl(house: &TestHouse, issuer: &str, list: List) -> Crl {
    Crl::from_der(house.ca.list_file(&id(issuer), list).await.unwrap().1.to_vec()).unwrap()
}

/// The share a certificate names, by its address.
fn named(certificate: &Certificate) -> List {
    let der = Cert::from_der(&certificate.der).unwrap().extensions().crl_distribution_points.clone().unwrap();
    let text = String::from_utf8_lossy(&der).into_owned();
    let address = &text[text.find("http://").unwrap()..];
    List::of_file(address.rsplit('/').next().unwrap()).unwrap().1
}

fn content(serial: &Serial) -> Vec<u8> {
    let magnitude = serial.as_bytes();
    if magnitude[0] >= 0x80 { [&[0], magnitude].concat() } else { magnitude.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_names_the_list_of_its_share_once_all_shares_are_published() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), noon());
    let house = house(dir.path(), &clock, 4, false).await;
    let early = issue(&house, "early.example.cn", KeyAlgorithm::P256).await;
    assert_eq!(named(&early), List::WHOLE, "no address is handed out that nothing answers at");
    // Two roots with one list each, two issuing authorities with five.
    assert_eq!(due(&house).await.len(), 12);
    assert_eq!(due(&house).await, [""; 0]);
    let mut all = Vec::new();
    for number in 0..24 {
        all.push(issue(&house, &format!("host-{number}.example.cn"), KeyAlgorithm::P256).await);
    }
    let mut used: Vec<u16> = all.iter().map(|one| named(one).number()).collect();
    used.sort_unstable();
    used.dedup();
    // The chance that 24 random serials leave one of four shares out is under one in two hundred; of two, one in 2^22.
    assert!(used.len() >= 3 && used.iter().all(|number| (1..=4).contains(number)), "{used:?}");

    let gone = &all[0];
    let mine = named(gone);
    revoke(&house, &gone.serial).await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(due(&house).await, [mine.file_name(&gone.issuer)], "its own list tells of it; the others had no news");
    for number in 1..=4 {
        let listed = crl(&house, "ec-issuing", shard(number)).await.find(&content(&gone.serial)).is_some();
        assert_eq!(listed, number == mine.number(), "share {number}");
    }
    // The one from before is told of by the whole list, and at once.
    revoke(&house, &early.serial).await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(due(&house).await, ["ec-issuing.crl"]);
    assert_eq!(crl(&house, "ec-issuing", List::WHOLE).await.entries().count(), 2, "it tells of all");
    house.close().await;

    // Fewer shares: new certificates go into these, and every address that was handed out goes on.
    let house = self::house(dir.path(), &clock, 2, false).await;
    clock.advance(Duration::from_secs(DAY));
    let published = due(&house).await;
    assert_eq!(published.iter().filter(|file| file.starts_with("ec-issuing")).count(), 5, "{published:?}");
    for number in 0..8 {
        let next = issue(&house, &format!("next-{number}.example.cn"), KeyAlgorithm::P256).await;
        assert!((1..=2).contains(&named(&next).number()));
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_told_by_a_delta_and_the_full_list_follows_in_its_own_time() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), noon());
    let house = house(dir.path(), &clock, 0, true).await;
    due(&house).await;
    let gone = issue(&house, "www.example.cn", KeyAlgorithm::Sm2).await;
    revoke(&house, &gone.serial).await;
    assert_eq!(due(&house).await, [""; 0], "not thirty seconds after the last");
    clock.advance(Duration::from_secs(31));
    assert_eq!(due(&house).await, ["sm2-issuing.delta.crl"]);
    let delta = crl(&house, "sm2-issuing", List::WHOLE.delta()).await;
    assert_eq!(delta.entries().count(), 1);
    assert!(!delta.is_complete(), "nobody takes it for a full list");
    assert_eq!(crl(&house, "sm2-issuing", List::WHOLE).await.entries().count(), 0);
    // Half a day later the delta has spent half its life; a day later the full list is due, and a delta to it.
    clock.advance(Duration::from_secs(DAY / 2));
    let published = due(&house).await;
    assert!(
        published.contains(&"sm2-issuing.delta.crl".to_owned()) && !published.contains(&"sm2-issuing.crl".to_owned())
    );
    clock.advance(Duration::from_secs(DAY / 2));
    let published = due(&house).await;
    let place = |file: &str| published.iter().position(|one| one == file).unwrap();
    assert!(place("sm2-issuing.crl") < place("sm2-issuing.delta.crl"));
    assert_eq!(crl(&house, "sm2-issuing", List::WHOLE).await.entries().count(), 1);
    assert_eq!(crl(&house, "sm2-issuing", List::WHOLE.delta()).await.entries().count(), 0, "nothing since");
    let lists = house.ca.lists(&id("sm2-issuing")).await.unwrap();
    assert_eq!(lists.iter().map(|one| one.list).collect::<Vec<_>>(), [List::WHOLE, List::WHOLE.delta()]);
    assert_eq!(lists[1].base, Some(lists[0].number));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_over_is_told_by_a_delta_and_deltas_can_be_turned_off() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), noon());
    let house = house(dir.path(), &clock, 0, true).await;
    let held = issue(&house, "www.example.cn", KeyAlgorithm::P256).await;
    let auth = owner(Permission::RevokeCertificate);
    house.ca.hold(&auth, &held.serial, None).await.unwrap();
    due(&house).await;
    house.ca.release(&auth, &held.serial, None).await.unwrap();
    clock.advance(Duration::from_secs(31));
    assert_eq!(due(&house).await, ["ec-issuing.delta.crl"]);
    let lists = [
        crl(&house, "ec-issuing", List::WHOLE).await,
        crl(&house, "ec-issuing", List::WHOLE.delta()).await,
        crl(&house, "ec-root", List::WHOLE).await,
    ];
    assert!(lists[0].find(&content(&held.serial)).is_some(), "the full list still has it");
    let [anchor, middle] = ["ec-root", "ec-issuing"]
        .map(|issuer| Cert::from_der(&house.ca.issuer(&id(issuer)).unwrap().certificate).unwrap());
    let valid = |at, crls: &[Crl]| {
        let options = Options { revocation: Revocation::Required, crls, ..Options::default() };
        let leaf = Cert::from_der(&held.der).unwrap();
        path::validate(&leaf, std::slice::from_ref(&middle), &Anchors::new(vec![anchor.clone()]), at, &options).is_ok()
    };
    let now = pki_config::Clock::now(clock.as_ref());
    assert!(valid(now, &lists) && !valid(now, &[lists[0].clone(), lists[2].clone()]));
    let later = now.plus(Duration::from_secs(2 * DAY));
    assert!(!valid(later, &lists), "an old delta is not believed when it says that all is well");
    house.close().await;

    let house = self::house(dir.path(), &clock, 0, false).await;
    assert_eq!(house.ca.lists(&id("ec-issuing")).await.unwrap().len(), 1);
    assert!(house.ca.list_file(&id("ec-issuing"), List::WHOLE.delta()).await.is_err());
    assert_eq!(due(&house).await, ["ec-issuing.crl"], "the full list tells of it now");
    house.close().await;
}

/// A simple generator, so that a failing sequence can be run again (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Serial to reason, of a full list and what its delta says after it (RFC 5280 5.2.4).
async fn together(house: &TestHouse, issuer: &IssuerId, list: List) -> HashMap<Vec<u8>, u8> {
    let mut all = HashMap::new();
    for list in [list, list.delta()] {
        for entry in crl(house, issuer.as_str(), list).await.entries() {
            match entry.removes {
                true => all.remove(entry.serial),
                false => all.insert(entry.serial.to_vec(), entry.reason.code()),
            };
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn full_list_and_delta_together_say_what_is_so_whatever_happened() {
    for (seed, shards) in [(1, 0), (2, 3)] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), noon());
        let house = house(dir.path(), &clock, shards, true).await;
        due(&house).await;
        let auth = officer("zhang", Permission::RevokeCertificate);
        let (mut dice, mut all, mut compared) = (Dice(seed), Vec::<Certificate>::new(), 0);
        for step in 0..40 {
            let some: Option<Serial> = (!all.is_empty()).then(|| all[dice.roll(all.len())].serial.clone());
            match (dice.roll(5), &some) {
                (1, Some(serial)) => drop(house.ca.hold(&auth, serial, None).await),
                (2, Some(serial)) => drop(house.ca.release(&auth, serial, None).await),
                (3, Some(serial)) if dice.roll(2) == 0 => {
                    let reason = Reason::ALL[dice.roll(Reason::ALL.len())];
                    drop(house.ca.revoke(&auth, serial, None, reason, None).await);
                }
                _ => all.push(issue(&house, &format!("host-{step}.example.cn"), KeyAlgorithm::P256).await),
            }
            clock.advance(Duration::from_secs(if dice.roll(8) == 0 { DAY } else { 40 }));
            due(&house).await;
            let mut said = HashMap::new();
            for number in 0..=shards {
                said.insert(number, together(&house, &id("ec-issuing"), shard(number)).await);
            }
            for one in &all {
                let now = house.ca.certificate(&TenantId::house(), &one.serial, None).await.unwrap().status;
                let so = match now {
                    CertStatus::Good => None,
                    CertStatus::Revoked(revocation) => Some(revocation.reason.code()),
                };
                let told = said[&named(one).number()].get(&content(&one.serial)).copied();
                assert_eq!(told, so, "seed {seed}, step {step}, {}", one.serial);
                compared += usize::from(so.is_some());
            }
        }
        assert!(compared > 50, "seed {seed}: only {compared} revoked ones were compared");
        house.close().await;
    }
}

struct Files(PathBuf);

impl Files {
    fn put(&self, name: &str, label: &str, der: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, pem(label, der)).unwrap();
        path
    }

    async fn crl(&self, house: &TestHouse, issuer: &str, list: List) -> PathBuf {
        let (_, der) = house.ca.list_file(&id(issuer), list).await.unwrap();
        self.put(&list.file_name(&id(issuer)), "X509 CRL", &der)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_look_a_certificate_up_in_its_share_and_in_its_delta() {
    let (openssl, bouncy, pkilint) = (OpenSsl::find(), BouncyCastle::find(), Pkilint::find());
    for (family, key) in [("sm2", KeyAlgorithm::Sm2), ("ec", KeyAlgorithm::P256)] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), noon());
        let house = house(dir.path(), &clock, 2, true).await;
        let files = Files(dir.path().to_owned());
        let [root, issuing] = ["root", "issuing"].map(|which| {
            let certificate = house.ca.issuer(&id(&format!("{family}-{which}"))).unwrap().certificate.clone();
            files.put(&format!("{family}-{which}.pem"), "CERTIFICATE", &certificate)
        });
        let issuer = format!("{family}-issuing");
        due(&house).await;
        // One in each share, and one that is revoked later in the first.
        let mut of: HashMap<u16, Vec<Certificate>> = HashMap::new();
        for number in 0..40 {
            if of.get(&1).map_or(0, Vec::len) >= 2 && of.contains_key(&2) {
                break;
            }
            let one = issue(&house, &format!("host-{number}.example.cn"), key).await;
            of.entry(named(&one).number()).or_default().push(one);
        }
        let (good, gone, other) = (&of[&1][0], &of[&1][1], &of[&2][0]);
        revoke(&house, &gone.serial).await;
        clock.advance(Duration::from_secs(31));
        assert_eq!(due(&house).await, [shard(1).delta().file_name(&id(&issuer))]);
        clock.advance(Duration::from_secs(1));

        // Our own validator, as a relying party has it: with and without the delta.
        let ours = |leaf: &Certificate, crls: &[Crl]| {
            let [anchor, middle] = ["root", "issuing"].map(|which| {
                Cert::from_der(&house.ca.issuer(&id(&format!("{family}-{which}"))).unwrap().certificate).unwrap()
            });
            let options = Options { revocation: Revocation::Required, crls, ..Options::default() };
            let leaf = Cert::from_der(&leaf.der).unwrap();
            let at = pki_config::Clock::now(clock.as_ref());
            path::validate(&leaf, &[middle], &Anchors::new(vec![anchor]), at, &options).is_ok()
        };
        let full = crl(&house, &issuer, shard(1)).await;
        let delta = crl(&house, &issuer, shard(1).delta()).await;
        let roots = crl(&house, &format!("{family}-root"), List::WHOLE).await;
        let second = crl(&house, &issuer, shard(2)).await;
        let second_delta = crl(&house, &issuer, shard(2).delta()).await;
        let with = |lists: &[&Crl]| lists.iter().copied().chain([&roots]).cloned().collect::<Vec<_>>();
        assert!(ours(good, &with(&[&full, &delta])));
        assert!(!ours(gone, &with(&[&full, &delta])) && ours(gone, &with(&[&full])));
        assert!(!ours(good, &with(&[&delta])), "a delta is never used alone");
        assert!(ours(gone, &with(&[&full, &second_delta])), "nor with the list of other certificates");
        assert!(ours(other, &with(&[&second])) && !ours(other, &with(&[&full, &delta])));

        let now = u64::try_from(pki_config::Clock::now(clock.as_ref()).unix_seconds()).unwrap();
        let (openssl, bouncy) = (openssl.clone().map(|judge| judge.at(now)), bouncy.clone().map(|judge| judge.at(now)));
        let [good, gone, other] = [("good", good), ("gone", gone), ("other", other)]
            .map(|(name, one)| files.put(&format!("{name}.pem"), "CERTIFICATE", &one.der));
        let roots = files.crl(&house, &format!("{family}-root"), List::WHOLE).await;
        let [one, one_delta, two] = [
            files.crl(&house, &issuer, shard(1)).await,
            files.crl(&house, &issuer, shard(1).delta()).await,
            files.crl(&house, &issuer, shard(2)).await,
        ];
        if let Some(bouncy) = &bouncy {
            for crl in [&one, &one_delta, &two] {
                bouncy.crl(&issuing, crl).must_accept("a share or delta");
            }
            assert_eq!(fact(&bouncy.crl(&issuing, &one_delta).must_accept("the delta"), "entries"), "1");
            let look = |leaf: &Path, crls: &[&Path]| bouncy.chain_with_deltas(&root, Some(&issuing), leaf, crls);
            look(&good, &[&roots, &one, &one_delta]).must_accept("a good one by its share and delta");
            look(&gone, &[&roots, &one, &one_delta]).must_refuse("a revoked one by its delta");
            look(&other, &[&roots, &two]).must_accept("a good one of the other share");
            look(&other, &[&roots, &one, &one_delta]).must_refuse("one whose share is not there");
            bouncy.chain_with_crls(&root, Some(&issuing), &gone, &[&roots, &one, &one_delta]).must_accept(
                "the revoked one by the full list of its share, which tells of it later, when deltas are not looked at",
            );
        }
        if let Some(pkilint) = &pkilint
            && family == "sm2"
        {
            for crl in [&one, &one_delta, &roots] {
                pkilint.crl(crl).must_accept("a list of each kind");
            }
        }
        if let Some(openssl) = openssl.filter(|_| family == "ec") {
            for crl in [&one, &one_delta, &two] {
                openssl.crl(&issuing, crl).must_accept("a share or delta");
            }
            let look = |leaf: &Path, crls: &[&Path]| openssl.leaf_with_crls(&root, &issuing, leaf, crls);
            look(&good, &[&one, &one_delta]).must_accept("a good one by its share and delta");
            look(&gone, &[&one, &one_delta]).must_refuse("a revoked one by its delta");
            look(&gone, &[&one]).must_accept("the revoked one by the full list alone, which tells of it later");
            look(&other, &[&two]).must_accept("a good one of the other share");
            look(&other, &[&one, &one_delta]).must_refuse("one whose share is not there");
        }
        house.close().await;
    }
}
