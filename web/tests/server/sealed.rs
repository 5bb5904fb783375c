//! A production installation: sealed after a restart, and what its socket may do.

use std::time::Duration;

use serde_json::json;

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
