//! Heads of the log: signed on demand, every so often, and at the end.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::{CheckpointOptions, Checkpointer, Error, KeyAlgorithm, KeyRecord, Purpose, checkpoint};
use ledger::audit::Checkpoint;
use support::House;

/// A house with a log key and a checkpointer that works on demand only.
async fn started(house: &House, options: CheckpointOptions) -> (KeyRecord, Checkpointer) {
    let key = house.key(Purpose::AuditLog, KeyAlgorithm::Sm2).await;
    let checkpointer = Checkpointer::start(house.pool.clone(), house.audit.clone(), key.id, options).await.unwrap();
    (key, checkpointer)
}

fn seldom() -> CheckpointOptions {
    CheckpointOptions { interval: Duration::from_secs(3600), copies: Vec::new() }
}

#[tokio::test]
async fn a_checkpoint_on_demand_holds_everything_before_and_verifies() {
    let house = House::new();
    let (key, checkpointer) = started(&house, seldom()).await;
    house.ca().await;
    let made = checkpointer.now().await.unwrap();
    assert_eq!(made.body.size, house.audit.size().await.unwrap());
    assert!(checkpoint::verify(&made, &key.spki));
    assert_eq!(checkpointer.now().await.unwrap(), made, "nothing new, nothing signed");
    assert_eq!(house.audit.checkpoint().await.unwrap(), Some(made));
}

#[tokio::test]
async fn a_checkpoint_of_another_key_or_content_does_not_verify() {
    let house = House::new();
    let (key, checkpointer) = started(&house, seldom()).await;
    let made = checkpointer.now().await.unwrap();
    let other = house.key(Purpose::AuditLog, KeyAlgorithm::Sm2).await;
    assert!(!checkpoint::verify(&made, &other.spki));
    let mut changed = made.clone();
    changed.body.size += 1;
    assert!(!checkpoint::verify(&changed, &key.spki));
    let mut foreign = made;
    foreign.body.log = engine::sm3::hash(&other.spki);
    assert!(!checkpoint::verify(&foreign, &other.spki));
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_checkpoint() {
    let house = House::new();
    let (_, checkpointer) = started(&house, seldom()).await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let checkpointer = checkpointer.clone();
            tokio::spawn(async move { checkpointer.now().await.unwrap() })
        })
        .collect();
    let mut made: Vec<Checkpoint> = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    assert!(made.iter().all(|one| *one == made[0]));
}

#[tokio::test]
async fn a_checkpoint_is_made_every_so_often_and_a_last_one_at_the_end() {
    let house = House::new();
    let interval = Duration::from_millis(20);
    let (_, checkpointer) = started(&house, CheckpointOptions { interval, copies: Vec::new() }).await;
    let size = house.audit.size().await.unwrap();
    let mut seen = None;
    for _ in 0..250 {
        tokio::time::sleep(interval).await;
        seen = house.audit.checkpoint().await.unwrap();
        if seen.is_some() {
            break;
        }
    }
    assert_eq!(seen.unwrap().body.size, size);
    checkpointer.stop().await;
    assert!(matches!(checkpointer.now().await, Err(Error::Stopping)));

    let (_, last) = started(&house, seldom()).await;
    house.ca().await;
    last.stop().await;
    let size = house.audit.size().await.unwrap();
    assert_eq!(house.audit.checkpoint().await.unwrap().unwrap().body.size, size);
}

#[tokio::test]
async fn copies_outside_are_appended_and_their_failure_is_told_not_fatal() {
    let house = House::new();
    let file = house.directory.path().join("heads");
    let copies = vec![file.clone(), house.directory.path().join("no/such/directory/heads")];
    let (_, checkpointer) = started(&house, CheckpointOptions { copies, ..seldom() }).await;
    let first = checkpointer.now().await.unwrap();
    house.ca().await;
    let second = checkpointer.now().await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Checkpoint> =
        text.lines().map(|line| Checkpoint::from_der(&STANDARD.decode(line).unwrap()).unwrap()).collect();
    assert_eq!(lines, [first, second.clone()]);
    let status = checkpointer.status();
    assert_eq!((status.last, status.failure), (Some(second), None));
    assert!(status.copy_failure.unwrap().contains("no/such/directory"));
}

#[tokio::test]
async fn a_sealed_pool_makes_no_checkpoint_and_says_so() {
    let house = House::new();
    let (_, checkpointer) = started(&house, seldom()).await;
    house.ca().await;
    house.root.seal();
    assert!(matches!(checkpointer.now().await, Err(Error::Sealed)));
    assert!(checkpointer.status().failure.is_some());
    house.root.open(support::root_key());
    assert!(checkpointer.now().await.is_ok());
    assert_eq!(checkpointer.status().failure, None);
}

#[tokio::test]
async fn only_an_sm2_key_for_the_log_makes_checkpoints() {
    let house = House::new();
    let start = |id| Checkpointer::start(house.pool.clone(), house.audit.clone(), id, seldom());
    let ca = house.ca().await;
    assert!(matches!(start(ca.id).await.err(), Some(Error::KeyPurpose { .. })));
    let p256 = house.key(Purpose::AuditLog, KeyAlgorithm::P256).await;
    assert!(matches!(start(p256.id).await.err(), Some(Error::Algorithm)));
}
