//! Two signatures that stand or fall together.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use crypto_pool::{Error, Purpose, Record, SignRequest, Signed, ToSign};
use ledger::{Importance, Outcome};
use pki_config::{Actor, Event};
use support::House;

fn request(key: pki_config::KeyId, text: &str) -> SignRequest {
    SignRequest {
        key,
        to_sign: ToSign::BackupManifest(text.as_bytes().to_vec()),
        actor: Actor::system(),
        ceremony: None,
        importance: Importance::Normal,
    }
}

fn other(text: &str) -> ToSign {
    ToSign::BackupManifest(text.as_bytes().to_vec())
}

fn recorded(signed: &Signed) -> Record {
    Record {
        event: Event::BackupMade,
        object: format!("at {}", signed.seq),
        outcome: Outcome::Done,
        payload: signed.to_sign.to_vec(),
        covers: Vec::new(),
    }
}

#[tokio::test]
async fn both_are_recorded_one_after_the_other_and_verify() {
    let house = House::new();
    let key = house.key(Purpose::AuditLog, crypto_pool::KeyAlgorithm::Sm2).await;
    let before = house.audit.size().await.unwrap();
    let signed = house
        .pool
        .sign_two(
            request(key.id, "one"),
            other("two"),
            |_, one| Ok::<_, Error>((recorded(one), one.clone())),
            |_, two, one: Signed| Ok((recorded(two), [one, two.clone()])),
        )
        .await
        .unwrap();
    assert_eq!(signed.each_ref().map(|signed| signed.seq), [before, before + 1]);
    let public = house.kms.public(key.id).await.unwrap();
    for (signed, text) in signed.iter().zip(["one", "two"]) {
        assert_eq!(**signed.to_sign, *text.as_bytes());
        assert!(public.verify(signed.algorithm, text.as_bytes(), &signed.signature));
    }
}

#[tokio::test]
async fn if_either_is_not_recorded_neither_is() {
    let house = House::new();
    let key = house.key(Purpose::AuditLog, crypto_pool::KeyAlgorithm::Sm2).await;
    let before = house.audit.size().await.unwrap();
    for fails in [0, 1] {
        let answer: Result<(), Error> = house
            .pool
            .sign_two(
                request(key.id, "one"),
                other("two"),
                move |_, one| if fails == 0 { Err(Error::Busy) } else { Ok((recorded(one), ())) },
                move |_, two, ()| if fails == 1 { Err(Error::Busy) } else { Ok((recorded(two), ())) },
            )
            .await;
        assert!(matches!(answer, Err(Error::Busy)), "{answer:?}");
        assert_eq!(house.audit.size().await.unwrap(), before);
    }
}

#[tokio::test]
async fn if_either_is_refused_neither_is_signed_and_the_refusal_is_logged() {
    let house = House::new();
    let key = house.key(Purpose::AuditLog, crypto_pool::KeyAlgorithm::Sm2).await;
    // A manifest is text; this one begins like DER.
    for (one, two) in [("0", "two"), ("one", "0")] {
        let before = house.audit.size().await.unwrap();
        let answer: Result<(), Error> = house
            .pool
            .sign_two(
                request(key.id, one),
                other(two),
                |_, one| Ok((recorded(one), ())),
                |_, two, ()| Ok((recorded(two), ())),
            )
            .await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
        assert_eq!(house.audit.size().await.unwrap(), before + 1);
    }
}
