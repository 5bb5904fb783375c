//! A production installation: sealed after a restart, and what its socket may do.

use std::time::Duration;

use crypto_pool::random::SeededRandom;
use crypto_pool::root_key::Credential;
use crypto_pool::root_key::shares::{Share, split};
use pki_config::role::{Authorized, authorize};
use pki_config::{Actor, Channel, ErrorCode, Permission, Role, TenantId};
use serde_json::json;
use web::app::{Change, NewSeal};
use zeroize::Zeroizing;

use crate::house::{EC_CSR, House, PASSPHRASE};

#[tokio::test]
async fn a_sealed_installation_serves_what_is_published_and_signs_nothing() {
    let house = House::production().await.restart().await;
    assert_eq!(house.get("/health").await.json()["state"], "sealed");
    for path in ["/ca/sm2-root.cer", "/ca/ec-issuing-chain.pem", "/crl/sm2-issuing.crl"] {
        assert_eq!(house.get(path).await.status, 200, "{path}");
    }
    assert!(!house.app.tls().is_set());
    let refused = house.socket("issuer/crl", json!({"issuer": "ec-issuing"})).await;
    assert_eq!(refused.code(), "FORBIDDEN");
}

#[tokio::test]
async fn the_passphrase_opens_it_and_a_wrong_one_is_refused_and_recorded() {
    let house = House::production().await.restart().await;
    let wrong = house.socket("system/unseal", json!({"passphrase": "wrong horse battery"})).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (403, "UNSEAL_FAILED"));
    assert_eq!(house.get("/health").await.json()["state"], "sealed");
    let opened = house.socket("system/unseal", json!({"passphrase": PASSPHRASE})).await;
    assert_eq!(opened.json()["state"], "ok", "{}", String::from_utf8_lossy(&opened.body));
    assert!(house.app.tls().is_set());
    let log = house.socket("audit/export", json!({"limit": 1000})).await;
    // Reading the log is an auditor's right; the socket's owner has it in a trial only.
    assert_eq!(log.code(), "FORBIDDEN");
    let log = house.app.audit().find(house.app.installation(), 10).await.unwrap();
    let outcomes: Vec<_> = log
        .iter()
        .map(|e| ledger::Entry::from_der(&e.leaf).unwrap())
        .filter(|e| e.event == "system.unsealed")
        .map(|e| e.outcome)
        .collect();
    assert_eq!(outcomes, ["done", "refused:UNSEAL_FAILED"]);
}

#[tokio::test]
async fn while_sealed_signing_answers_sealed() {
    let house = House::production().await;
    let claim = json!({"secret": house.secret(), "credential": "token"});
    let administrator = house.https("officer/claim", claim, None).await.json()["token"].as_str().unwrap().to_owned();
    let house = house.restart().await;
    let answer = house.https("issuer/crl", json!({"issuer": "ec-issuing"}), Some(&administrator)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "SEALED"));
    assert_eq!(house.https("issuer/list", json!({}), Some(&administrator)).await.status, 200);
}

#[tokio::test]
async fn in_production_nobody_issues_alone() {
    let house = House::production().await;
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.code(), "FORBIDDEN");
    let claim = json!({"secret": house.secret(), "credential": "token"});
    let administrator = house.https("officer/claim", claim, None).await.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(house.https("cert/issue", json!({"csr": EC_CSR}), Some(&administrator)).await.code(), "FORBIDDEN");
    let mut tokens = Vec::new();
    for name in ["one", "two"] {
        let ask = json!({"name": name, "role": "ra-officer", "credential": "token"});
        let added = house.https("officer/add", ask, Some(&administrator)).await.json();
        tokens.push(added["token"].as_str().unwrap().to_owned());
    }
    let filed = house.https("cert/submit", json!({"csr": EC_CSR}), Some(&tokens[0])).await.json();
    let issued = house.https("cert/approve", json!({"request": filed["request"]}), Some(&tokens[1])).await;
    assert_eq!(issued.status, 200, "{}", issued.code());
}

#[tokio::test]
async fn an_administrator_whose_link_expired_gets_a_new_one_at_the_next_unsealing() {
    let house = House::production().await;
    house.clock.advance(Duration::from_secs(3600));
    let house = house.restart().await;
    let old = json!({"secret": house.secret(), "credential": "token"});
    house.socket("system/unseal", json!({"passphrase": PASSPHRASE})).await;
    assert_eq!(house.https("officer/claim", old, None).await.code(), "LINK_USED");
    let link = std::fs::read_to_string(house.data().join("admin-link.txt")).unwrap();
    let secret = link.trim().rsplit('#').next().unwrap();
    let claimed = house.https("officer/claim", json!({"secret": secret, "credential": "token"}), None).await;
    assert_eq!(claimed.status, 200, "{}", claimed.code());
}

#[tokio::test]
async fn a_trial_has_nothing_to_unseal() {
    let house = House::trial().await;
    assert_eq!(house.socket("system/unseal", json!({"passphrase": PASSPHRASE})).await.code(), "BAD_REQUEST");
}

/// An officer's right to change the root key.
fn officer(house: &House, name: &str) -> Authorized {
    let actor = Actor::new(TenantId::house(), name, Role::Administrator, Channel::Https);
    authorize(&actor, Permission::ManageRoot, house.app.setup()).unwrap()
}

/// A production house whose root key opens with two of three shares; closed.
async fn shared() -> (House, Vec<String>) {
    let house = House::production().await;
    house.app.ask_root_change(&officer(&house, "one"), Change::Reseal).await.unwrap();
    let given = Credential::Passphrase(Zeroizing::new(PASSPHRASE.to_owned()));
    let new = NewSeal::Shares("2-of-3".parse().unwrap());
    let two = officer(&house, "two");
    let (shares, confirm) = house.app.reseal_root(&two, given, new).await.unwrap();
    house.app.confirm_root(&two, &confirm.unwrap()).await.unwrap();
    (house.restart().await, shares.iter().map(|share| share.to_text().to_string()).collect())
}

#[tokio::test]
async fn shares_wait_a_quarter_of_an_hour_for_the_others() {
    let (house, shares) = shared().await;
    let give = |n: usize| house.socket("system/unseal", json!({"shares": [shares[n]]}));
    assert_eq!(give(0).await.json()["unsealing"], json!({"given": 1, "needed": 2}));
    let status = house.socket("system/status", json!({})).await.json();
    assert!(status["checks"].to_string().contains("1 of 2 shares given"), "{status}");
    house.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(house.socket("system/status", json!({})).await.json()["unsealing"], json!(null));
    // The first is forgotten: this one begins anew.
    assert_eq!(give(1).await.json()["unsealing"], json!({"given": 1, "needed": 2}));
    house.clock.advance(Duration::from_secs(14 * 60));
    assert_eq!(give(2).await.json()["state"], "ok");
}

#[tokio::test]
async fn whoever_guesses_at_shares_waits() {
    let (house, shares) = shared().await;
    let share = Share::parse(&shares[0]).unwrap();
    let forged = split(&[7; 32], *share.set(), &SeededRandom::new(3)).unwrap();
    let forged = forged[0].to_text().to_string();
    for _ in 0..house.app.config().web.login_failures {
        let refused = house.socket("system/unseal", json!({"shares": [forged]})).await;
        assert_eq!(refused.code(), "SHARE_REFUSED");
    }
    let waits = house.socket("system/unseal", json!({"shares": [shares[1]]})).await;
    assert_eq!(waits.code(), "TOO_MANY_TRIES");
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(house.socket("system/unseal", json!({"shares": shares[..2]})).await.json()["state"], "ok");
}

#[tokio::test]
async fn the_body_names_either_a_passphrase_or_shares() {
    let house = House::production().await.restart().await;
    for body in [json!({}), json!({"shares": []}), json!({"passphrase": PASSPHRASE, "shares": ["YXS1-0"]})] {
        assert_eq!(house.socket("system/unseal", body).await.code(), "BAD_REQUEST");
    }
    let none = house.socket("system/unseal", json!({"shares": ["YXS1-0"]})).await;
    assert_eq!(none.code(), "SHARE_REFUSED");
}

#[tokio::test]
async fn a_change_takes_two_officers_within_the_hour_and_new_shares_their_confirmation() {
    let house = House::production().await;
    let (one, two) = (officer(&house, "one"), officer(&house, "two"));
    let given = || Credential::Passphrase(Zeroizing::new(PASSPHRASE.to_owned()));
    let new = || NewSeal::Shares("2-of-2".parse().unwrap());
    let code = |answer: Result<(), web::problem::Failure>| answer.map_err(|failure| failure.code()).unwrap_err();
    let reseal = |by: Authorized| {
        let app = house.app.clone();
        async move { app.reseal_root(&by, given(), new()).await.map(drop) }
    };
    assert_eq!(code(reseal(two.clone()).await), ErrorCode::RootChange);
    house.app.ask_root_change(&one, Change::Reseal).await.unwrap();
    assert_eq!(code(reseal(one.clone()).await), ErrorCode::SameOfficer);
    // Asked for one change, not for the other.
    assert_eq!(code(house.app.rotate_root(&two, Some(given())).await.map(drop)), ErrorCode::RootChange);
    house.clock.advance(Duration::from_secs(3601));
    assert_eq!(code(reseal(two.clone()).await), ErrorCode::RootChange);
    house.app.ask_root_change(&one, Change::Reseal).await.unwrap();
    let wrong = Credential::Passphrase(Zeroizing::new("incorrect horse battery".to_owned()));
    assert_eq!(code(house.app.reseal_root(&two, wrong, new()).await.map(drop)), ErrorCode::UnsealFailed);
    let before = std::fs::read(house.data().join("root.sealed")).unwrap();
    let (_, confirm) = house.app.reseal_root(&two, given(), new()).await.unwrap();
    // Not kept, not confirmed: nothing changed. Confirmed by another, or with another word: nothing either.
    assert_eq!(std::fs::read(house.data().join("root.sealed")).unwrap(), before);
    assert_eq!(code(house.app.confirm_root(&two, "00").await), ErrorCode::RootChange);
    assert_eq!(code(house.app.confirm_root(&two, &confirm.unwrap()).await), ErrorCode::RootChange);
    assert_eq!(std::fs::read(house.data().join("root.sealed")).unwrap(), before);
    // New shares that wait do not survive another root key: they hold the one that goes.
    let (_, confirm) = house.app.reseal_root(&two, given(), new()).await.unwrap();
    house.app.ask_root_change(&one, Change::Rotate).await.unwrap();
    assert!(house.app.rotate_root(&two, Some(given())).await.unwrap() > 5);
    assert_eq!(code(house.app.confirm_root(&two, &confirm.unwrap()).await), ErrorCode::RootChange);
    let house = house.restart().await;
    assert_eq!(house.socket("system/unseal", json!({"passphrase": PASSPHRASE})).await.json()["state"], "ok");
}
