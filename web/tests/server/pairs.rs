//! Pairs of certificates and the key centre over the interface.

use serde_json::{Value, json};

use crate::house::{House, SM2_CSR};

async fn ok(house: &House, call: &str, body: Value, token: Option<&str>) -> Value {
    let answer = house.https(call, body, token).await;
    assert_eq!(answer.status, 200, "{call}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

async fn refused(house: &House, call: &str, body: Value, token: &str) -> String {
    house.https(call, body, Some(token)).await.code()
}

#[tokio::test]
async fn a_holder_picks_up_both_certificates_and_the_key_again_and_again() {
    let house = House::trial().await;
    let [li, wang] = [house.officer("ra-officer").await.1, house.officer("ra-officer").await.1];
    let invite = json!({"subject": "CN=张三", "profile": "dual-person"});
    let invited = ok(&house, "request/invite", invite, Some(&li)).await;
    let secret = json!({"secret": invited["link"].as_str().unwrap().rsplit('#').next().unwrap()});
    let shown = ok(&house, "pickup/show", secret.clone(), None).await;
    assert_eq!((&shown["pair"], &shown["keys"]), (&json!(true), &json!(["sm2"])));
    let early = house.https("pickup/deliver", secret.clone(), None).await;
    assert_eq!(early.code(), "REQUEST_STATE");
    ok(&house, "pickup/send", json!({"secret": secret["secret"], "csr": SM2_CSR}), None).await;
    let issued = ok(&house, "cert/approve", json!({"request": invited["request"]["request"]}), Some(&wang)).await;
    let first = ok(&house, "pickup/deliver", secret.clone(), None).await;
    let again = ok(&house, "pickup/deliver", secret.clone(), None).await;
    assert_eq!((&first["csr_response"], &first["envelope"]), (&again["csr_response"], &again["envelope"]));
    assert_eq!((&first["pair"]["deliveries"], &again["pair"]["deliveries"]), (&json!(1), &json!(2)));
    // Either half names the other; each is revoked for itself, and a revoked signing key is sent nothing.
    let named = |serial: &Value| json!({"serial": serial});
    let sign = ok(&house, "cert/show", named(&issued["serial"]), Some(&li)).await;
    let encryption = ok(&house, "cert/show", named(&sign["twin"]), Some(&li)).await;
    assert_eq!((&sign["half"], &encryption["half"]), (&json!("sign"), &json!("encryption")));
    assert_eq!(encryption["twin"], issued["serial"]);
    let revoke = json!({"serial": issued["serial"], "reason": "superseded"});
    ok(&house, "cert/revoke", revoke, Some(&li)).await;
    let pair = ok(&house, "dual/show", named(&sign["twin"]), Some(&li)).await;
    assert_eq!((&pair["sign"]["status"], &pair["encryption"]["status"]), (&json!("revoked"), &json!("good")));
    assert_eq!(house.https("pickup/deliver", secret, None).await.code(), "RECIPIENT_REFUSED");
    assert_eq!(refused(&house, "dual/deliver", named(&issued["serial"]), &li).await, "RECIPIENT_REFUSED");
}

#[tokio::test]
async fn key_officers_recover_in_twos_and_nobody_else_does() {
    let house = House::trial().await;
    let [li, wang] = [house.officer("ra-officer").await.1, house.officer("ra-officer").await.1];
    let [one, two] = [house.officer("key-officer").await.1, house.officer("key-officer").await.1];
    let order = json!({"csr": SM2_CSR, "subject": "CN=gateway", "profile": "dual-device"});
    let filed = ok(&house, "cert/submit", order, Some(&li)).await;
    let issued = ok(&house, "cert/approve", json!({"request": filed["request"]}), Some(&wang)).await;
    let listed = ok(&house, "centre/list", json!({"name": "gateway"}), Some(&one)).await;
    let key = listed["keys"][0]["key"].clone();
    assert_eq!(listed["keys"][0]["sign_serial"], issued["serial"]);
    let ask =
        json!({"key": key, "aim": "holder", "certificate": issued["certificate"], "reason": "lost", "ground": "7"});
    assert_eq!(refused(&house, "centre/ask", ask.clone(), &li).await, "FORBIDDEN");
    for (name, wrong) in [("aim", json!("mine")), ("reason", json!(" ")), ("certificate", json!(null))] {
        let mut bad = ask.clone();
        bad[name] = wrong;
        assert_eq!(refused(&house, "centre/ask", bad, &one).await, "BAD_REQUEST", "{name}");
    }
    let asked = ok(&house, "centre/ask", ask, Some(&one)).await;
    assert_eq!((&asked["state"], &asked["may_approve"]), (&json!("asked"), &json!(false)));
    let waiting = ok(&house, "centre/orders", json!({"state": "asked"}), Some(&two)).await;
    assert_eq!(waiting["orders"][0]["may_approve"], json!(true));
    let this = json!({"order": asked["order"]});
    assert_eq!(refused(&house, "centre/envelope", this.clone(), &one).await, "ORDER_STATE");
    assert_eq!(refused(&house, "centre/approve", this.clone(), &one).await, "CENTRE_OFFICER");
    ok(&house, "centre/approve", this.clone(), Some(&two)).await;
    let [got, same] = [
        ok(&house, "centre/envelope", this.clone(), Some(&one)).await,
        ok(&house, "centre/envelope", this, Some(&two)).await,
    ];
    assert_eq!(got["envelope"], same["envelope"]);
    let shown = ok(&house, "centre/show", json!({"key": key}), Some(&one)).await;
    assert_eq!((&shown["recoveries"], &shown["orders"][0]["state"]), (&json!(1), &json!("done")));
}
