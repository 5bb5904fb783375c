//! Many signatures in one request, and the log entries they share.

#![allow(clippy::unwrap_used)]

mod support;

use crypto_pool::{BulkRequest, Error, KeyRecord, KeyState, PublicKey, Purpose, Refusal, ToSign};
use ledger::audit::{Entry, Hash, leaf_hash, tree_root};
use pki_config::{Actor, Channel, ErrorCode, Role};
use support::{House, manager, tbs_certificate};

fn messages(count: usize) -> Vec<ToSign> {
    (0..count).map(|n| ToSign::TenantMessage(format!("message {n}").into_bytes())).collect()
}

fn bulk(key: &KeyRecord, to_sign: Vec<ToSign>) -> BulkRequest {
    BulkRequest { key: key.id, actor: Actor::system(), to_sign }
}

/// The Merkle root, made again by the recursion of RFC 9162 2.1.1.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            ledger::audit::node_hash(&root(left), &root(right))
        }
    }
}

async fn entry_and_payload(house: &House, seq: u64) -> (Entry, String) {
    let stored = house.audit.entry(seq).await.unwrap();
    (Entry::from_der(&stored.leaf).unwrap(), String::from_utf8(stored.payload.unwrap()).unwrap())
}

#[tokio::test]
async fn a_bulk_request_gets_all_its_signatures_and_one_entry() {
    let house = House::new();
    for (word, count) in [("sm2", 1), ("sm2", 2), ("sm2", 200), ("p256", 3), ("ed25519", 40)] {
        let key = house.key(Purpose::Tenant, word.parse().unwrap()).await;
        let before = house.entries().await.len();
        let signed = house.pool.sign_bulk(bulk(&key, messages(count))).await.unwrap();
        let public = PublicKey::from_spki(&key.spki).unwrap();
        assert_eq!((signed.len(), house.entries().await.len()), (count, before + 1));
        for (n, one) in signed.iter().enumerate() {
            assert_eq!(**one.to_sign, format!("message {n}").into_bytes(), "in the order of the request");
            assert!(public.verify(one.algorithm, &one.to_sign, &one.signature), "{word} {n}");
        }
        let leaves: Vec<Hash> = signed.iter().map(|one| leaf_hash(&engine::sm3::hash(&one.to_sign))).collect();
        let root: String = root(&leaves).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(root, tree_root(&leaves).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let (entry, payload) = entry_and_payload(&house, signed[0].seq).await;
        assert_eq!((entry.event.as_str(), entry.object), ("sign.bulk", key.id.to_string()));
        assert_eq!(payload, format!(r#"{{"count":{count},"purpose":"tenant","root":"{root}"}}"#));
    }
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn requests_that_wait_for_a_commit_share_the_next_entry() {
    let house = House::new();
    let key = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    let before = house.entries().await.len();
    // The writer is kept busy until all are signed.
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let busy = house.db.write(ledger::Importance::Normal, move |_| {
        gate.recv().unwrap();
        Ok::<_, ledger::DbError>(())
    });
    let pool = &house.pool;
    let asked = async {
        let all: Vec<_> = (0..20).map(|_| pool.sign_bulk(bulk(&key, messages(3)))).collect();
        let open = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            go.send(()).unwrap();
        };
        tokio::join!(join_all(all), open).0
    };
    let (_, answers) = tokio::join!(busy, asked);
    let seqs: std::collections::HashSet<u64> = answers.iter().map(|signed| signed.as_ref().unwrap()[0].seq).collect();
    assert_eq!((seqs.len(), house.entries().await.len()), (1, before + 1));
    let (_, payload) = entry_and_payload(&house, *seqs.iter().next().unwrap()).await;
    assert!(payload.starts_with(r#"{"count":60,"#), "{payload}");
}

/// All of them at once, on this task.
async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, answer) in &mut waiting {
            if answer.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *answer = Some(value);
            }
        }
        if waiting.iter().all(|(_, answer)| answer.is_some()) {
            std::task::Poll::Ready(waiting.iter_mut().filter_map(|(_, answer)| answer.take()).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn what_needs_an_entry_of_its_own_is_refused_in_bulk_and_logged() {
    let house = House::new();
    let ca = house.ca().await;
    let log_key = house.key(Purpose::AuditLog, crypto_pool::KeyAlgorithm::Sm2).await;
    let certificate = ToSign::Certificate(tbs_certificate(&ca, 1, false));
    let crl = ToSign::Crl(support::tbs_crl(&ca));
    let manifest = ToSign::BackupManifest(b"manifest".to_vec());
    for (key, to_sign) in [(&ca, certificate), (&ca, crl), (&log_key, manifest)] {
        let refused = house.pool.sign_bulk(bulk(key, vec![to_sign])).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::NotInBulk))), "{refused:?}");
        let entry = house.entries().await.pop().unwrap();
        assert_eq!(entry.outcome, format!("refused:{}", ErrorCode::SignatureRefused));
    }
}

#[tokio::test]
async fn one_thing_that_is_refused_fails_the_whole_request() {
    let house = House::new();
    let key = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    let entries = house.entries().await.len();
    let mut to_sign = messages(100);
    to_sign[70] = ToSign::TenantMessage(vec![0; (1 << 20) + 1]);
    let refused = house.pool.sign_bulk(bulk(&key, to_sign)).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Malformed(_)))), "{refused:?}");
    assert_eq!(house.entries().await.len(), entries + 1);
    assert!(house.pool.sign_bulk(bulk(&key, messages(100))).await.is_ok());
}

#[tokio::test]
async fn a_tenants_key_signs_nothing_of_the_house_and_the_houses_keys_no_message() {
    let house = House::new();
    let tenant = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    let refused = house.sign(tenant.id, ToSign::Certificate(tbs_certificate(&tenant, 1, false)), None).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Purpose(Purpose::Tenant)))));
    for purpose in Purpose::ALL.iter().filter(|purpose| **purpose != Purpose::Tenant) {
        let key = house.key(*purpose, crypto_pool::KeyAlgorithm::Sm2).await;
        let refused = house.pool.sign_bulk(bulk(&key, messages(2))).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Purpose(found))) if found == *purpose), "{purpose}");
    }
}

#[tokio::test]
async fn none_and_too_many_are_refused() {
    let house = House::new();
    let key = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    for count in [0, crypto_pool::MOST_IN_BULK + 1] {
        let refused = house.pool.sign_bulk(bulk(&key, messages(count))).await;
        assert!(matches!(refused, Err(Error::BulkSize { asked }) if asked == count));
    }
}

#[tokio::test]
async fn a_foreign_or_suspended_or_sealed_key_signs_nothing_in_bulk() {
    let house = House::new();
    let key = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    let stranger = Actor::new("stranger".parse().unwrap(), "p", Role::Administrator, Channel::Https);
    let foreign = house.pool.sign_bulk(BulkRequest { actor: stranger, ..bulk(&key, messages(2)) }).await;
    assert!(matches!(foreign, Err(Error::NoSuchKey { .. })));
    house.root.seal();
    assert!(matches!(house.pool.sign_bulk(bulk(&key, messages(2))).await, Err(Error::Sealed)));
    house.root.open(support::root_key());
    house.kms.set_state(&manager(), key.id, KeyState::Suspended).await.unwrap();
    let suspended = house.pool.sign_bulk(bulk(&key, messages(2))).await;
    assert!(matches!(suspended, Err(Error::Refused(Refusal::State(KeyState::Suspended)))));
}

#[tokio::test]
async fn a_log_that_is_stopped_lets_no_bulk_signature_out() {
    let house = House::new();
    let key = house.key(Purpose::Tenant, crypto_pool::KeyAlgorithm::Sm2).await;
    house.audit.stop("a test");
    assert!(matches!(house.pool.sign_bulk(bulk(&key, messages(2))).await, Err(Error::Audit(_))));
}
