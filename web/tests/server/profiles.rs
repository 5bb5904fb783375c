//! Profiles change by two officers; certificates follow the version in force; requests are checked while typed.

use der::Decode as _;
use serde_json::{Value, json};
use x509_cert::Certificate;

use crate::house::{Answer, EC_CSR, House, SM2_CSR};

/// The built-in text of a profile with one thing changed, as its second version.
fn changed(profile: &str, old: &str, new: &str) -> String {
    let built_in = pki_config::profile::BuiltIn::from_word(profile).unwrap().source();
    assert!(built_in.contains(old), "{old} is not in {profile}");
    built_in.replacen("version = 1", "version = 2", 1).replacen(old, new, 1)
}

fn shorter() -> String {
    changed("tls-server", "days = 199", "days = 30")
}

async fn issued_days(house: &House) -> i64 {
    let answer = house.socket("cert/issue", json!({"csr": EC_CSR, "sans": ["dns:www.example.cn"]})).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let time = |field: &str| answer.json()[field].as_str().unwrap().parse::<pki_config::Instant>().unwrap();
    (time("not_after").unix_seconds() + 1 - time("not_before").unix_seconds()) / 86_400
}

struct Two {
    house: House,
    one: String,
    other: String,
}

impl Two {
    async fn officers() -> Self {
        let house = House::trial().await;
        let (one, other) = (house.officer("administrator").await.1, house.officer("administrator").await.1);
        Self { house, one, other }
    }

    async fn propose(&self, source: &str) -> Answer {
        let ask = json!({"source": source, "note": "shorter is safer"});
        self.house.https("profile/propose", ask, Some(&self.one)).await
    }

    async fn approve(&self, token: &str, profile: &str, version: u32) -> Answer {
        self.house.https("profile/approve", json!({"profile": profile, "version": version}), Some(token)).await
    }
}

#[tokio::test]
async fn a_changed_profile_is_in_force_once_a_second_officer_approved_it() {
    let two = Two::officers().await;
    assert_eq!(issued_days(&two.house).await, 199);
    let proposed = two.propose(&shorter()).await;
    assert_eq!(proposed.status, 200, "{}", String::from_utf8_lossy(&proposed.body));
    assert_eq!(
        (proposed.json()["state"].as_str(), proposed.json()["in_force"].as_bool()),
        (Some("proposed"), Some(false))
    );
    assert_eq!(issued_days(&two.house).await, 199, "a proposal changes nothing");

    let own = two.approve(&two.one, "tls-server", 2).await;
    assert_eq!((own.status.as_u16(), own.code().as_str()), (403, "SAME_OFFICER"));
    assert_eq!(issued_days(&two.house).await, 199);

    let approved = two.approve(&two.other, "tls-server", 2).await;
    assert_eq!(approved.json()["in_force"], json!(true), "{}", approved.code());
    assert_eq!(issued_days(&two.house).await, 30);
    assert_eq!(two.approve(&two.other, "tls-server", 2).await.code(), "PROFILE_STATE", "it was decided");

    // It outlasts a restart, and the log stands behind it.
    let house = two.house.restart().await;
    assert_eq!(issued_days(&house).await, 30);
    assert_eq!(house.socket("audit/verify", json!({})).await.json()["ok"], json!(true));
    let shown = house.socket("profile/show", json!({"profile": "tls-server"})).await.json();
    assert_eq!(
        (shown["version"].as_u64(), shown["state"].as_str(), shown["days"].as_u64()),
        (Some(2), Some("approved"), Some(30))
    );
    let states: Vec<_> = shown["versions"].as_array().unwrap().iter().map(|v| v["state"].clone()).collect();
    assert_eq!(states, [json!("approved"), json!("built-in")]);
}

#[tokio::test]
async fn a_request_filed_before_is_issued_by_the_rules_of_now() {
    let two = Two::officers().await;
    let (clerk, approver) = (two.house.officer("ra-officer").await.1, two.house.officer("ra-officer").await.1);
    let ask = json!({"csr": EC_CSR, "sans": ["dns:www.example.cn"]});
    let filed = two.house.https("cert/submit", ask, Some(&clerk)).await.json();
    two.propose(&shorter()).await;
    two.approve(&two.other, "tls-server", 2).await;
    let request = json!({"request": filed["request"]});
    let issued = two.house.https("cert/approve", request, Some(&approver)).await;
    assert_eq!(issued.status, 200, "{}", String::from_utf8_lossy(&issued.body));
    assert!(issued.json()["not_after"].as_str().unwrap().starts_with("2026-12-21"), "30 days");
    let shown = two.house.socket("cert/show", json!({"serial": issued.json()["serial"]})).await.json();
    let now = two.house.socket("profile/show", json!({"profile": "tls-server"})).await.json();
    assert_eq!(shown["profile_digest"], now["versions"][0]["sm3"], "the record names the version it was made from");
}

#[tokio::test]
async fn the_difference_names_each_rule_that_changes() {
    let two = Two::officers().await;
    two.propose(&shorter()).await;
    let diff = two.house.socket("profile/diff", json!({"profile": "tls-server"})).await.json();
    assert_eq!((diff["from"].as_u64(), diff["to"].as_u64()), (Some(1), Some(2)));
    let change = |rule: &str| diff["changes"].as_array().unwrap().iter().find(|c| c["rule"] == rule).cloned();
    assert_eq!(change("validity.days").unwrap(), json!({"rule": "validity.days", "before": "199", "after": "30"}));
    assert_eq!(diff["changes"].as_array().unwrap().len(), 2, "and the version");
    let marks = |kind: &str| diff["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((marks("removed"), marks("added")), (2, 2));
}

#[tokio::test]
async fn proposals_that_make_no_sense_are_refused_and_leave_nothing() {
    let two = Two::officers().await;
    for (source, code) in [
        ("name = \"x\"".to_owned(), "PROFILE_REFUSED"),
        // Version 1 is the built-in one.
        (shorter().replacen("version = 2", "version = 1", 1), "PROFILE_REFUSED"),
        (shorter().replacen("version = 2", "version = 2\nbackdoor = true", 1), "PROFILE_REFUSED"),
        (changed("ocsp-signer", "days =", "days ="), "PROFILE_REFUSED"),
        (changed("sub-ca", "days =", "days ="), "PROFILE_REFUSED"),
    ] {
        assert_eq!(two.propose(&source).await.code(), code, "{source}");
    }
    let nothing = two.house.https("profile/propose", json!({"source": shorter(), "note": " "}), Some(&two.one)).await;
    assert_eq!(nothing.code(), "BAD_REQUEST");
    assert_eq!(two.house.socket("profile/list", json!({})).await.json()["waiting"], json!([]));
}

#[tokio::test]
async fn one_version_waits_at_a_time_and_numbers_rise() {
    let two = Two::officers().await;
    assert_eq!(two.propose(&shorter()).await.status, 200);
    let next = shorter().replacen("version = 2", "version = 3", 1);
    assert_eq!(two.propose(&next).await.code(), "PROFILE_STATE", "version 2 waits");
    let reject = json!({"profile": "tls-server", "version": 2, "reason": "not now"});
    let rejected = two.house.https("profile/reject", reject, Some(&two.other)).await.json();
    assert_eq!((rejected["state"].as_str(), rejected["reason"].as_str()), (Some("rejected"), Some("not now")));
    assert_eq!(two.propose(&shorter()).await.code(), "PROFILE_REFUSED", "2 was used");
    assert_eq!(two.propose(&next).await.status, 200);
    assert_eq!(issued_days(&two.house).await, 199);
}

#[tokio::test]
async fn a_new_profile_can_be_brought_in() {
    let two = Two::officers().await;
    let source = changed("device", "name = \"device\"", "name = \"meter\"").replacen("version = 2", "version = 1", 1);
    assert_eq!(two.propose(&source).await.status, 200);
    let ask = json!({"csr": EC_CSR, "subject": "CN=meter 7", "sans": [], "profile": "meter"});
    assert_eq!(two.house.socket("cert/issue", ask.clone()).await.code(), "PROFILE_UNKNOWN");
    let diff = two.house.socket("profile/diff", json!({"profile": "meter"})).await.json();
    assert_eq!(diff["from"], Value::Null);
    assert!(diff["lines"].as_array().unwrap().iter().all(|line| line["kind"] == "added"));
    assert_eq!(two.approve(&two.other, "meter", 1).await.status, 200);
    let ask = json!({"csr": EC_CSR, "subject": "CN=meter 7", "sans": ["dns:m7.example.cn"], "profile": "meter"});
    assert_eq!(two.house.socket("cert/issue", ask).await.status, 200);
}

#[tokio::test]
async fn who_may_change_profiles_is_in_the_table_of_rights() {
    let two = Two::officers().await;
    two.propose(&shorter()).await;
    for role in ["ra-officer", "operator", "auditor"] {
        let (_, token) = two.house.officer(role).await;
        assert_eq!(two.approve(&token, "tls-server", 2).await.code(), "FORBIDDEN", "{role}");
        assert_eq!(two.house.https("profile/list", json!({}), Some(&token)).await.status, 200, "{role}");
    }
    let (_, token) = two.house.officer("security-officer").await;
    let propose = json!({"source": shorter(), "note": "x"});
    assert_eq!(two.house.https("profile/propose", propose, Some(&token)).await.code(), "FORBIDDEN");
    assert_eq!(two.approve(&token, "tls-server", 2).await.status, 200);
}

#[tokio::test]
async fn an_identity_number_goes_into_the_certificate() {
    let house = House::trial().await;
    let ask = json!({"csr": SM2_CSR, "subject": "CN=示例,O=示例有限公司,C=CN", "sans": ["email:a@example.cn"],
        "profile": "organisation", "identity": ["credit-code:91350100M000100Y43"]});
    let issued = house.socket("cert/issue", ask.clone()).await;
    assert_eq!(issued.status, 200, "{}", String::from_utf8_lossy(&issued.body));
    let (_, der) = der::pem::decode_vec(issued.json()["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let certificate = Certificate::from_der(&der).unwrap();
    let extension = certificate.tbs_certificate().extensions().unwrap().iter();
    let number = extension.into_iter().find(|e| e.extn_id.to_string() == "1.2.156.10260.4.4").unwrap();
    assert!(!number.critical);
    // By hand: PrintableString of 18 octets.
    assert_eq!(number.extn_value.as_bytes(), [&[0x13, 0x12][..], b"91350100M000100Y43"].concat());

    let with = |change: &dyn Fn(&mut Value)| {
        let mut ask = ask.clone();
        change(&mut ask);
        ask
    };
    for (ask, code) in [
        (with(&|ask| ask["identity"] = json!(["credit-code:91350100M000100Y44"])), "NAME_REFUSED"),
        (with(&|ask| ask["identity"] = json!(["resident-card:11010519491231002X"])), "NAME_REFUSED"),
        (with(&|ask| ask["profile"] = json!("device")), "NAME_REFUSED"),
    ] {
        assert_eq!(house.socket("cert/issue", ask.clone()).await.code(), code, "{ask}");
    }
}

async fn check(house: &House, ask: Value) -> Value {
    let answer = house.socket("cert/check", ask).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn said(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["field"]), text(&finding["lint"]))).collect()
}

fn pair(field: &str, lint: &str) -> (String, String) {
    (field.to_owned(), lint.to_owned())
}

#[tokio::test]
async fn a_request_is_checked_while_it_is_typed() {
    let house = House::trial().await;
    // Nothing but a profile: the names are missing, and nothing is said about a key there is not.
    let report = check(&house, json!({"profile": "tls-server"})).await;
    assert_eq!(report["ready"], json!(false));
    assert!(said(&report).contains(&pair("sans", "san_form")), "{report}");
    assert!(!said(&report).iter().any(|(field, _)| field == "csr"), "{report}");

    // Each wrong field is named, all at once.
    let wrong = json!({"profile": "tls-server", "subject": "CN=other.example.cn", "sans": ["dns:www.example.cn", "dns:a_b"],
        "csr": "-----BEGIN NONSENSE", "identity": ["passport:E1"], "days": 5000});
    let report = check(&house, wrong).await;
    for field in ["csr", "sans", "identity"] {
        assert!(said(&report).iter().any(|(named, _)| named == field), "{field}: {report}");
    }

    let report = check(&house, json!({"subject": "CN=other.example.cn", "sans": ["dns:www.example.cn"]})).await;
    assert_eq!(said(&report), [pair("sans", "cn_not_in_san")]);
    let report = check(&house, json!({"sans": ["dns:www.example.cn"], "days": 5000})).await;
    assert_eq!(said(&report), [pair("days", "BAD_TIME")]);

    let report =
        check(&house, json!({"csr": EC_CSR, "subject": "CN=www.example.cn", "sans": ["dns:www.example.cn"]})).await;
    assert_eq!((said(&report), report["ready"].as_bool()), (vec![], Some(true)), "{report}");
    assert_eq!((report["csr"]["key"].as_str(), report["issuer"].as_str()), (Some("p256"), Some("ec-issuing")));
    assert!(report["not_after"].as_str().unwrap().starts_with("2027-06-"), "{report}");

    // Nothing came of all this.
    assert_eq!(house.socket("cert/requests", json!({})).await.json()["requests"], json!([]));
}

#[tokio::test]
async fn a_check_judges_by_the_set_of_the_profile() {
    let house = House::trial().await;
    let names = json!(["dns:server.local", "ip:10.0.0.1", "dns:*.com.cn"]);
    let private = check(&house, json!({"profile": "tls-server", "sans": names.clone()})).await;
    assert_eq!(said(&private), []);
    let public = check(&house, json!({"profile": "tls-server-dv", "sans": names})).await;
    let lints: Vec<String> = said(&public).into_iter().map(|(_, lint)| lint).collect();
    for lint in ["dns_tld", "ip_reserved", "dns_public_suffix"] {
        assert!(lints.contains(&lint.to_owned()), "{lint}: {lints:?}");
    }
    let unknown = house.socket("cert/check", json!({"profile": "root"})).await;
    assert_eq!(unknown.code(), "PROFILE_UNKNOWN");
}
