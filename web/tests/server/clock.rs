//! A clock that goes back.

use serde_json::json;

use crate::house::{EC_CSR, House};

#[tokio::test]
async fn a_clock_behind_the_last_entry_stops_signing_until_it_is_accepted() {
    let house = House::trial().await;
    house.clock.set("2027-06-01T00:00:00Z".parse().unwrap());
    house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    house.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let refused = house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "CLOCK_BEHIND"));
    assert_eq!(house.get("/ca/ec-root.cer").await.status, 200);
    assert_eq!(house.socket("system/accept-clock", json!({"reason": "  "})).await.code(), "BAD_REQUEST");
    let accepted = house.socket("system/accept-clock", json!({"reason": "the battery died"})).await;
    assert_eq!(accepted.status, 200, "{}", accepted.code());
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    assert_eq!(issued.status, 200, "{}", String::from_utf8_lossy(&issued.body));
}

#[tokio::test]
async fn a_start_with_a_clock_behind_serves_and_signs_only_after_it_is_accepted() {
    let house = House::trial().await;
    house.clock.set("2027-06-01T00:00:00Z".parse().unwrap());
    house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    house.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let house = house.restart().await;
    assert_eq!(house.get("/crl/ec-issuing.crl").await.status, 200);
    assert_eq!(house.socket("system/status", json!({})).await.json()["state"], "stopped");
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.code(), "CLOCK_BEHIND");
    let accepted = house.socket("system/accept-clock", json!({"reason": "wrong year"})).await;
    assert_eq!(accepted.status, 200, "{}", accepted.code());
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.status, 200);
}

#[tokio::test]
async fn only_who_watches_over_the_clock_may_accept_it() {
    let house = House::trial().await;
    for (role, may) in [("security-officer", true), ("operator", false), ("ra-officer", false), ("auditor", false)] {
        let (_, token) = house.officer(role).await;
        let answer = house.https("system/accept-clock", json!({"reason": "a test"}), Some(&token)).await;
        assert_eq!(answer.status == 200, may, "{role}: {}", answer.code());
    }
}
