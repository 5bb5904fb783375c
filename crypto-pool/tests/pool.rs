//! No signature without a log entry, and both with the row they are for.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use crypto_pool::{Error, KeyAlgorithm, KeyState, PublicKey, Purpose, Refusal, SignatureAlgorithm, ToSign};
use ledger::audit::AuditError;
use pki_config::{Actor, Channel, ErrorCode, Role};
use support::{House, manager, note, recorded, request, tbs_certificate, tbs_crl};

#[tokio::test]
async fn a_signature_comes_with_its_entry_and_its_row() {
    let house = House::new();
    for word in ["sm2", "p256", "p384", "rsa2048", "ed25519"] {
        let key = house.key(Purpose::CertificateAuthority, word.parse().unwrap()).await;
        let tbs = tbs_certificate(&key, 1, false);
        let before = house.notes().await;
        let signed = house.sign(key.id, ToSign::Certificate(tbs.clone()), None).await.unwrap();
        assert_eq!(signed.algorithm, SignatureAlgorithm::for_key(key.algorithm));
        assert_eq!(*signed.to_sign, tbs);
        let public = PublicKey::from_spki(&key.spki).unwrap();
        assert!(public.verify(signed.algorithm, &tbs, &signed.signature), "{word}");
        let entry = house.entries().await.pop().unwrap();
        assert_eq!((entry.seq, entry.event.as_str(), entry.outcome.as_str()), (signed.seq, "cert.issued", "done"));
        assert_eq!(house.notes().await, before + 1);
    }
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_commit_that_fails_leaves_neither_row_nor_entry() {
    let house = House::new();
    let key = house.ca().await;
    let entries = house.entries().await.len();
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    let failed = house.pool.sign(request(key.id, to_sign, None), |tx, signed| {
        note(tx, signed)?;
        Err::<(crypto_pool::Record, ()), Error>(Error::Forbidden)
    });
    assert!(matches!(failed.await, Err(Error::Forbidden)));
    assert_eq!((house.notes().await, house.entries().await.len()), (0, entries));
}

#[tokio::test]
async fn an_entry_that_cannot_be_appended_leaves_no_row() {
    let house = House::new();
    let key = house.ca().await;
    let entries = house.entries().await.len();
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    let failed = house.pool.sign(request(key.id, to_sign, None), |tx, signed| {
        note(tx, signed)?;
        Ok::<_, Error>((recorded(&"x".repeat(100_000)), ()))
    });
    assert!(matches!(failed.await, Err(Error::Audit(AuditError::TooLong))));
    assert_eq!((house.notes().await, house.entries().await.len()), (0, entries));
}

#[tokio::test]
async fn a_refusal_is_logged_and_nothing_else_is_kept() {
    let house = House::new();
    let key = house.ca().await;
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, true));
    let refused = house.sign(key.id, to_sign, None).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::CaWithoutCeremony)));
    let entry = house.entries().await.pop().unwrap();
    assert_eq!(entry.outcome, format!("refused:{}", ErrorCode::SignatureRefused));
    assert_eq!(entry.object, key.id.to_string());
    assert_eq!(house.notes().await, 0);
}

#[tokio::test]
async fn an_authoritys_certificate_is_signed_within_a_ceremony() {
    let house = House::new();
    let key = house.ca().await;
    let ceremony = house.kms.begin_ceremony(&manager(), "first start").await.unwrap();
    let entry = house.entries().await.pop().unwrap();
    assert_eq!((entry.seq, entry.event.as_str()), (ceremony.seq(), "ceremony.begun"));
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, true));
    assert!(house.sign(key.id, to_sign.clone(), Some(ceremony.clone())).await.is_ok());
    house.clock.advance(Duration::from_secs(3601));
    let late = house.sign(key.id, to_sign, Some(ceremony)).await;
    assert!(matches!(late, Err(Error::Refused(Refusal::CaWithoutCeremony))));
}

#[tokio::test]
async fn keys_of_other_purposes_sign_no_certificate() {
    let house = House::new();
    for purpose in [Purpose::Tls, Purpose::AuditLog, Purpose::TimeStamp, Purpose::SealMaker] {
        let key = house.key(purpose, KeyAlgorithm::Sm2).await;
        let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
        let refused = house.sign(key.id, to_sign, None).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::Purpose(found)) if found == purpose), "{purpose}");
    }
}

#[tokio::test]
async fn nobody_but_the_checkpointer_has_a_checkpoint_signed() {
    let house = House::new();
    let key = house.key(Purpose::AuditLog, KeyAlgorithm::Sm2).await;
    let body = house.audit.head(engine::sm3::hash(&key.spki)).await.unwrap().unwrap();
    let refused = house.sign(key.id, ToSign::Checkpoint(body.to_der()), None).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::CheckpointPath))));
    assert!(house.sign(key.id, ToSign::BackupManifest(b"manifest".to_vec()), None).await.is_ok());
}

#[tokio::test]
async fn a_sealed_pool_answers_sealed_and_goes_on_when_opened() {
    let house = House::new();
    let key = house.ca().await;
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    assert!(house.sign(key.id, to_sign.clone(), None).await.is_ok());
    let entries = house.entries().await.len();
    house.root.seal();
    assert!(matches!(house.sign(key.id, to_sign.clone(), None).await, Err(Error::Sealed)));
    assert_eq!(house.entries().await.len(), entries);
    house.root.open(support::root_key());
    assert!(house.sign(key.id, to_sign, None).await.is_ok());
}

#[tokio::test]
async fn another_root_key_opens_no_key() {
    let house = House::new();
    let key = house.ca().await;
    house.root.seal();
    let other = crypto_pool::RootKey::draw(&crypto_pool::random::SeededRandom::new(101)).unwrap();
    house.root.open(other);
    let answer = house.sign(key.id, ToSign::Certificate(tbs_certificate(&key, 1, false)), None).await;
    assert!(matches!(answer, Err(Error::KeyDamaged { .. })));
}

#[tokio::test]
async fn a_key_of_another_tenant_is_answered_like_a_missing_one() {
    let house = House::new();
    let key = house.ca().await;
    let stranger = Actor::new("stranger".parse().unwrap(), "p", Role::Administrator, Channel::Https);
    let to_sign = ToSign::Certificate(tbs_certificate(&key, 1, false));
    let mut asked = request(key.id, to_sign, None);
    asked.actor = stranger.clone();
    let foreign = house.pool.sign(asked.clone(), note).await.unwrap_err();
    asked.key = pki_config::KeyId::from_bytes([9; 16]);
    let missing = house.pool.sign(asked, note).await.unwrap_err();
    assert_eq!(
        foreign.to_string().replace(&key.id.to_string(), "X"),
        missing.to_string().replace(&"09".repeat(16), "X")
    );
    assert_eq!(foreign.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_clock_behind_the_log_stops_signing() {
    let house = House::new();
    let key = house.ca().await;
    house.clock.set(support::noon().minus(Duration::from_secs(10)));
    let answer = house.sign(key.id, ToSign::Certificate(tbs_certificate(&key, 1, false)), None).await;
    assert_eq!(answer.unwrap_err().code(), ErrorCode::ClockBehind);
}

#[tokio::test]
async fn a_retired_key_signs_its_last_crls() {
    let house = House::new();
    let key = house.ca().await;
    house.kms.set_state(&manager(), key.id, KeyState::Retired).await.unwrap();
    assert!(house.sign(key.id, ToSign::Crl(tbs_crl(&key)), None).await.is_ok());
    let answer = house.sign(key.id, ToSign::Certificate(tbs_certificate(&key, 1, false)), None).await;
    assert!(matches!(answer, Err(Error::Refused(Refusal::State(KeyState::Retired)))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_all_get_their_own_entry() {
    let house = House::new();
    let key = house.ca().await;
    let tasks: Vec<_> = (0..200_u8)
        .map(|n| {
            let (pool, id, tbs) = (house.pool.clone(), key.id, tbs_certificate(&key, n % 127 + 1, false));
            tokio::spawn(async move { pool.sign(request(id, ToSign::Certificate(tbs), None), note).await })
        })
        .collect();
    let mut seqs = Vec::new();
    for task in tasks {
        seqs.push(task.await.unwrap().unwrap().seq);
    }
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 200);
    assert_eq!(house.notes().await, 200);
    assert!(house.verify().is_clean());
}

#[tokio::test]
async fn a_stopped_pool_answers_stopping() {
    let house = House::new();
    let key = house.ca().await;
    house.pool.stop();
    let answer = house.sign(key.id, ToSign::Certificate(tbs_certificate(&key, 1, false)), None).await;
    assert!(matches!(answer, Err(Error::Stopping)));
}

#[tokio::test]
async fn a_key_signs_after_a_restart() {
    let house = House::new();
    let key = house.ca().await;
    let house = house.restart();
    assert_eq!(house.kms.record(key.id).await.unwrap(), key);
    assert!(house.sign(key.id, ToSign::Certificate(tbs_certificate(&key, 1, false)), None).await.is_ok());
}

#[tokio::test]
async fn every_column_of_a_key_is_covered_by_the_log() {
    let house = House::new();
    let key = house.ca().await;
    house.kms.set_state(&manager(), key.id, KeyState::Suspended).await.unwrap();
    assert!(house.verify().is_clean());
    for change in [
        "UPDATE pool_key SET state = 'active'",
        "UPDATE pool_key SET wrapped = zeroblob(10)",
        "UPDATE pool_key SET purpose = 'tls'",
        "UPDATE pool_key SET subject = NULL",
        "DELETE FROM pool_key",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("yinxin.db");
        house.db.copy_to(&copy).unwrap();
        let other = House::at(directory);
        other.db.write(ledger::Importance::Normal, move |tx| tx.execute(change, &[])).await.unwrap();
        assert!(!other.verify().is_clean(), "{change}");
    }
}
