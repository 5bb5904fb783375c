//! The registration desk over the interface: four eyes seen from both sides, evidence with files, pick-up links,
//! batches and the revocation of many.

use serde_json::{Value, json};

use crate::house::{EC_CSR, House, SM2_CSR};

/// Two officers' tokens.
async fn officers(house: &House) -> [String; 2] {
    [house.officer("ra-officer").await.1, house.officer("ra-officer").await.1]
}

async fn ok(house: &House, call: &str, body: Value, token: Option<&str>) -> Value {
    let answer = house.https(call, body, token).await;
    assert_eq!(answer.status, 200, "{call}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn server(csr: &str, host: &str) -> Value {
    json!({"csr": csr, "subject": format!("CN={host}"), "sans": [format!("dns:{host}")], "profile": "tls-server"})
}

#[tokio::test]
async fn an_officer_sees_what_may_be_done_about_a_request_and_why_not() {
    let house = House::trial().await;
    let [li, wang] = officers(&house).await;
    let filed = ok(&house, "cert/submit", server(EC_CSR, "www.example.cn"), Some(&li)).await;
    let ask = json!({"request": filed["request"]});
    let own = ok(&house, "request/show", ask.clone(), Some(&li)).await;
    assert_eq!((&own["may_approve"], &own["obstacle"]), (&json!(false), &json!("own")));
    let other = ok(&house, "request/show", ask.clone(), Some(&wang)).await;
    assert_eq!((&other["may_approve"], &other["obstacle"]), (&json!(true), &Value::Null));
    assert_eq!((&other["key"], &other["evidence_enough"]), (&json!("p256"), &json!(true)));
    assert!(other["csr"].as_str().unwrap().contains("BEGIN CERTIFICATE REQUEST"));
    // An auditor reads, and may decide nothing.
    let auditor = house.officer("auditor").await.1;
    assert_eq!(ok(&house, "request/show", ask.clone(), Some(&auditor)).await["may_approve"], json!(false));
    let queues = ok(&house, "request/queues", json!({}), Some(&li)).await;
    assert_eq!((&queues["approval"], &queues["mine"]), (&json!(1), &json!(1)));
    let own = house.https("cert/approve", ask.clone(), Some(&li)).await;
    assert_eq!((own.status.as_u16(), own.code().as_str()), (403, "SAME_OFFICER"));
    ok(&house, "cert/approve", ask.clone(), Some(&wang)).await;
    assert_eq!(ok(&house, "request/show", ask, Some(&wang)).await["obstacle"], json!("decided"));
}

#[tokio::test]
async fn evidence_may_be_larger_than_other_bodies_and_comes_back() {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let house = House::trial().await;
    let [li, wang] = officers(&house).await;
    let filed = ok(&house, "cert/submit", server(EC_CSR, "www.example.cn"), Some(&li)).await;
    let add = |content: Vec<u8>| {
        json!({"request": filed["request"], "evidence": {"method": "identity-document", "note": "seen",
               "file": {"name": "营业执照.pdf", "content": base64(&content)}}})
    };
    // The default for bodies is 64 KiB.
    let content = vec![7; 300_000];
    let added = ok(&house, "evidence/add", add(content.clone()), Some(&li)).await;
    assert_eq!((&added["size"], &added["file"]), (&json!(300_000), &json!("营业执照.pdf")));
    let file = ok(&house, "evidence/file", json!({"evidence": added["evidence"]}), Some(&wang)).await;
    assert_eq!(file["content"], json!(base64(&content)));
    for (size, code) in [(5 * 1024 * 1024 + 1, "BAD_REQUEST"), (5_500_000, "TOO_LARGE"), (7_000_000, "TOO_LARGE")] {
        let large = house.https("evidence/add", add(vec![7; size]), Some(&li)).await;
        assert_eq!(large.code(), code, "{size}");
    }
    let elsewhere = json!({"request": filed["request"], "x": "y".repeat(300_000)});
    assert_eq!(house.https("cert/approve", elsewhere, Some(&wang)).await.code(), "TOO_LARGE");
}

#[tokio::test]
async fn a_holder_needs_the_link_and_nothing_else() {
    let house = House::trial().await;
    let [li, wang] = officers(&house).await;
    let invite = json!({"subject": "CN=www.example.cn", "sans": ["dns:www.example.cn"], "profile": "tls-server"});
    let invited = ok(&house, "request/invite", invite, Some(&li)).await;
    let link = invited["link"].as_str().unwrap();
    assert!(link.starts_with("https://localhost:8443/pickup#yp_"), "{link}");
    let secret = link.rsplit('#').next().unwrap();

    let shown = ok(&house, "pickup/show", json!({"secret": secret}), None).await;
    assert_eq!((&shown["state"], &shown["certificate"]), (&json!("invited"), &Value::Null));
    assert!(shown["keys"].as_array().unwrap().contains(&json!("sm2")));
    // The names in the holder's request do not matter; the officer filed them.
    let sent = ok(&house, "pickup/send", json!({"secret": secret, "csr": SM2_CSR}), None).await;
    assert_eq!(sent["state"], json!("submitted"));
    ok(&house, "cert/approve", json!({"request": invited["request"]["request"]}), Some(&wang)).await;
    let got = ok(&house, "pickup/show", json!({"secret": secret}), None).await;
    assert!(got["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!((&got["state"], &got["subject"]), (&json!("issued"), &json!("CN=www.example.cn")));

    // Other kinds of secret and guesses open nothing, and guessing makes the address wait.
    for wrong in ["", secret.replace("yp_", "yl_").as_str(), "yp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let refused = house.https("pickup/show", json!({"secret": wrong}), None).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (410, "LINK_USED"), "{wrong}");
    }
    let guess = json!({"secret": "yp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    for _ in 0..3 {
        house.https("pickup/send", json!({"secret": guess["secret"], "csr": SM2_CSR}), None).await;
    }
    assert_eq!(house.https("pickup/show", guess, None).await.code(), "TOO_MANY_TRIES");
}

#[tokio::test]
async fn a_batch_is_looked_at_filed_and_approved_with_a_result_for_each_row() {
    let house = House::trial().await;
    let [li, wang] = officers(&house).await;
    let mut csv = "subject,sans,csr,profile\r\n".to_owned();
    for n in 0..20 {
        let host = format!("n{n}.example.cn");
        let san = if n == 3 { "dns:other.example.cn" } else { &format!("dns:{host}") };
        let csr = if n == 7 { "nonsense" } else { EC_CSR };
        let profile = if n == 11 { "no-such" } else { "tls-server" };
        csv.push_str(&format!("CN={host},{san},\"{csr}\",{profile}\r\n"));
    }
    let batch = |skip_bad| json!({"csv": csv, "name": "twenty", "skip_bad": skip_bad});
    let preview = ok(&house, "batch/preview", batch(false), Some(&li)).await;
    assert_eq!((&preview["good"], &preview["bad"], &preview["batch"]), (&json!(17), &json!(3), &Value::Null));
    let bad = |result: &Value| -> Vec<usize> {
        let rows = result["rows"].as_array().unwrap();
        rows.iter().enumerate().filter(|(_, row)| row["state"] == json!("bad")).map(|(n, _)| n).collect()
    };
    assert_eq!(bad(&preview), [3, 7, 11]);
    assert!(!preview["rows"][3]["findings"].as_array().unwrap().is_empty(), "the broken rule is named");
    let refused = ok(&house, "batch/submit", batch(false), Some(&li)).await;
    assert_eq!((&refused["batch"], bad(&refused)), (&Value::Null, vec![3, 7, 11]), "nothing was filed");

    let filed = ok(&house, "batch/submit", batch(true), Some(&li)).await;
    let ask = json!({"batch": filed["batch"]});
    let own = ok(&house, "batch/approve", ask.clone(), Some(&li)).await;
    let states = |result: &Value, state: &str| {
        result["rows"].as_array().unwrap().iter().filter(|row| row["state"] == json!(state)).count()
    };
    assert_eq!((states(&own, "submitted"), &own["bad"]), (17, &json!(17)), "nobody approves what they filed");
    let done = ok(&house, "batch/approve", ask.clone(), Some(&wang)).await;
    assert_eq!((states(&done, "issued"), &done["bad"]), (17, &json!(0)));
    assert!(done["rows"].as_array().unwrap().iter().all(|row| row["serial"].is_string()));
    assert_eq!(ok(&house, "batch/list", json!({}), Some(&wang)).await["batches"][0]["open"], json!(0));
    let found = ok(&house, "cert/list", json!({"name": "n19.example.cn"}), Some(&wang)).await;
    assert_eq!(found["certificates"].as_array().unwrap().len(), 1);
    let two = house.https("cert/list", json!({"name": "n19", "organisation": "A"}), Some(&wang)).await;
    assert_eq!(two.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn many_are_revoked_only_after_they_were_counted() {
    let house = House::trial().await;
    let [li, wang] = officers(&house).await;
    for name in ["a", "b"] {
        let ask = json!({"csr": EC_CSR, "subject": format!("CN={name},O=示例公司,C=CN"), "profile": "code-signing"});
        let filed = ok(&house, "cert/submit", ask, Some(&li)).await;
        let answer = house.https("cert/approve", json!({"request": filed["request"]}), Some(&wang)).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
    let all = |expected: Value| json!({"organisation": "示例公司", "reason": "superseded", "expected": expected});
    let preview = ok(&house, "cert/revoke-all", all(Value::Null), Some(&li)).await;
    assert_eq!((&preview["done"], &preview["count"]), (&json!(false), &json!(2)));
    let stale = house.https("cert/revoke-all", all(json!(3)), Some(&li)).await;
    assert_eq!((stale.status.as_u16(), stale.code().as_str()), (409, "COUNT_CHANGED"));
    let done = ok(&house, "cert/revoke-all", all(json!(2)), Some(&li)).await;
    assert_eq!((&done["done"], &done["count"]), (&json!(true), &json!(2)));
    let list = ok(&house, "cert/list", json!({"organisation": "示例公司", "status": "revoked"}), Some(&li)).await;
    assert_eq!(list["certificates"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_branch_has_officers_that_exist() {
    let house = House::trial().await;
    let (li, token) = house.officer("ra-officer").await;
    let (_, admin) = house.officer("administrator").await;
    ok(&house, "branch/add", json!({"branch": "north", "name": "北方受理点"}), Some(&admin)).await;
    let nobody = json!({"branch": "north", "officer": "00".repeat(16)});
    assert_eq!(house.https("branch/join", nobody, Some(&admin)).await.code(), "NOT_FOUND");
    let joined = ok(&house, "branch/join", json!({"branch": "north", "officer": li}), Some(&admin)).await;
    assert_eq!(joined["branches"][0]["officers"], json!([li]));
    let filed = ok(&house, "cert/submit", server(EC_CSR, "www.example.cn"), Some(&token)).await;
    assert_eq!(filed["branch"], json!("north"));
    let own = house.https("branch/add", json!({"branch": "south", "name": "x"}), Some(&token)).await;
    assert_eq!(own.code(), "FORBIDDEN", "an officer opens no branch");
}
