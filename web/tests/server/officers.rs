//! Officers: one-time links, credentials, disabling.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use web::router::Door;
use web::serve::Peer;

use crate::house::{EC_CSR, House, SM2_CSR, address, api};

#[tokio::test]
async fn the_link_becomes_a_token_once() {
    let house = House::trial().await;
    let file = house.data().join("admin-link.txt");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), house.link);
    assert!(house.link.starts_with("https://localhost:8443/setup#yl_"));
    let claim = json!({"secret": house.secret(), "credential": "token"});
    let claimed = house.https("officer/claim", claim.clone(), None).await;
    assert_eq!(claimed.status, 200, "{}", claimed.code());
    let token = claimed.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(house.https("officer/list", json!({}), Some(&token)).await.status, 200);
    let again = house.https("officer/claim", claim, None).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (410, "LINK_USED"));
    assert!(!file.exists());
}

#[tokio::test]
async fn a_link_expires_after_fifteen_minutes() {
    let house = House::trial().await;
    let claim = json!({"secret": house.secret(), "credential": "token"});
    house.clock.advance(Duration::from_secs(900));
    let in_time = House::trial().await;
    in_time.clock.advance(Duration::from_secs(900));
    let ok = json!({"secret": in_time.secret(), "credential": "token"});
    assert_eq!(in_time.https("officer/claim", ok, None).await.status, 200);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(house.https("officer/claim", claim, None).await.code(), "LINK_USED");
}

#[tokio::test]
async fn of_two_claims_at_once_one_wins() {
    let house = Arc::new(House::trial().await);
    let claim = json!({"secret": house.secret(), "credential": "token"});
    let ask = |claim| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.https("officer/claim", claim, None).await.status.as_u16() })
    };
    let (one, two) = (ask(claim.clone()), ask(claim));
    let mut statuses = [one.await.unwrap(), two.await.unwrap()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
}

#[tokio::test]
async fn guessed_links_and_other_secrets_open_nothing() {
    let house = House::trial().await;
    for secret in ["", "yl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &house.secret().replace("yl_", "yx_")] {
        let claim = json!({"secret": secret, "credential": "token"});
        assert_eq!(house.https("officer/claim", claim, None).await.code(), "LINK_USED");
    }
    let link = json!({"secret": house.secret(), "credential": "link"});
    assert_eq!(house.https("officer/claim", link, None).await.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn a_client_certificate_logs_in_until_it_is_revoked() {
    let house = House::trial().await;
    let ask = json!({"name": "Li Lei", "role": "auditor", "credential": {"csr": EC_CSR}});
    let added = house.socket("officer/add", ask).await;
    assert_eq!(added.status, 200, "{}", String::from_utf8_lossy(&added.body));
    let pem = added.json()["certificate"].as_str().unwrap().to_owned();
    let end = "-----END CERTIFICATE-----\n";
    let leaf = &pem[..pem.find(end).unwrap() + end.len()];
    let (_, der) = der::pem::decode_vec(leaf.as_bytes()).unwrap();
    let peer = || Peer::Https { address: address(), certificate: Some(Arc::new(der.clone())) };
    let list = house.ask(Door::Https, peer(), api("cert/list", json!({}), None)).await;
    assert_eq!(list.status, 200, "{}", list.code());
    let own = list.json()["certificates"].as_array().unwrap().iter().find(|c| c["profile"] == "tls-client").cloned();
    let serial = own.unwrap()["serial"].clone();
    house.socket("cert/revoke", json!({"serial": serial, "reason": "keyCompromise"})).await;
    assert_eq!(house.ask(Door::Https, peer(), api("cert/list", json!({}), None)).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_certificate_of_no_officer_logs_nobody_in() {
    let house = House::trial().await;
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR, "profile": "tls-client"})).await;
    assert_eq!(issued.status, 200, "{}", String::from_utf8_lossy(&issued.body));
    let (_, der) = der::pem::decode_vec(issued.json()["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let peer = Peer::Https { address: address(), certificate: Some(Arc::new(der)) };
    assert_eq!(house.ask(Door::Https, peer, api("cert/list", json!({}), None)).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_disabled_officers_token_is_refused() {
    let house = House::trial().await;
    let (id, token) = house.officer("operator").await;
    assert_eq!(house.https("system/status", json!({}), Some(&token)).await.status, 200);
    let disabled = house.socket("officer/disable", json!({"officer": id})).await;
    assert_eq!(disabled.json()["state"], "disabled");
    assert_eq!(house.https("system/status", json!({}), Some(&token)).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_last_administrator_cannot_be_disabled() {
    let house = House::trial().await;
    let officers = house.socket("officer/list", json!({})).await.json();
    let first = officers["officers"][0]["officer"].clone();
    assert_eq!(house.socket("officer/disable", json!({"officer": first})).await.code(), "BAD_REQUEST");
    house.officer("administrator").await;
    assert_eq!(house.socket("officer/disable", json!({"officer": first})).await.status, 200);
}

#[tokio::test]
async fn the_sixth_bad_token_in_a_row_must_wait() {
    let house = House::trial().await;
    let (_, good) = house.officer("auditor").await;
    let bad = "yx_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for _ in 0..5 {
        assert_eq!(house.https("cert/list", json!({}), Some(bad)).await.code(), "UNAUTHENTICATED");
    }
    assert_eq!(house.https("cert/list", json!({}), Some(bad)).await.code(), "TOO_MANY_TRIES");
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(house.https("cert/list", json!({}), Some(&good)).await.status, 200);
}

#[tokio::test]
async fn names_stay_out_of_the_log_and_no_credential_is_stored() {
    let house = House::trial().await;
    let ask = json!({"name": "Han Meimei", "role": "auditor", "credential": "token"});
    let token = house.socket("officer/add", ask).await.json()["token"].as_str().unwrap().to_owned();
    let log = house.socket("audit/export", json!({"limit": 1000})).await;
    assert!(!String::from_utf8_lossy(&log.body).contains("Meimei"));
    let data = house.data();
    let secret = house.secret();
    house.app.close().await;
    for entry in std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
        let bytes = std::fs::read(&entry).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(!holds(&token[3..]), "{}", entry.display());
        assert!(entry.ends_with("admin-link.txt") || !holds(&secret[3..]), "{}", entry.display());
    }
}

#[tokio::test]
async fn bad_names_roles_and_requests_add_nobody() {
    let house = House::trial().await;
    let before = house.socket("officer/list", json!({})).await.json();
    for ask in [
        json!({"name": "", "role": "auditor", "credential": "token"}),
        json!({"name": "x\u{0007}", "role": "auditor", "credential": "token"}),
        json!({"name": "x", "role": "system", "credential": "token"}),
        json!({"name": "x", "role": "auditor", "credential": {"csr": "nonsense"}}),
        // The officers' issuer is the P-256 one; it certifies no SM2 key.
        json!({"name": "x", "role": "auditor", "credential": {"csr": SM2_CSR}}),
    ] {
        let answer = house.socket("officer/add", ask.clone()).await;
        assert!(answer.status.is_client_error(), "{ask}: {}", answer.status);
    }
    assert_eq!(house.socket("officer/list", json!({})).await.json(), before);
}
