//! The pages about the house: the log and its proofs, the authority, its profiles, the system; and what is public.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use web::router::Door;
use web::serve::Peer;

use crate::browser::Browser;
use crate::house::{Answer, EC_CSR, House, address};

/// The browser of an officer with this role, and the officer's identifier.
async fn officer(house: &House, role: &str) -> (Browser, String) {
    let ask = json!({"name": format!("Test {role}"), "role": role, "credential": {"csr": EC_CSR}});
    let added = house.socket("officer/add", ask).await;
    assert_eq!(added.status, 200, "{}", String::from_utf8_lossy(&added.body));
    let pem = added.json()["certificate"].as_str().unwrap().to_owned();
    let end = "-----END CERTIFICATE-----\n";
    let (_, der) = der::pem::decode_vec(&pem.as_bytes()[..pem.find(end).unwrap() + end.len()]).unwrap();
    let peer = Peer::Https { address: address(), certificate: Some(Arc::new(der)) };
    (Browser::with_peer(house, peer), added.json()["officer"].as_str().unwrap().to_owned())
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Sends a form as the page `from` has it.
async fn post(browser: &Browser, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = text(&browser.get(from).await);
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let all: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    browser.bare_post(path, &all).await
}

/// A certificate: its answer, and the serial.
async fn issued(house: &House) -> (Value, String) {
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    assert_eq!(issued.status, 200, "{}", text(&issued));
    let serial = issued.json()["serial"].as_str().unwrap().to_owned();
    (issued.json(), serial)
}

#[tokio::test]
async fn the_log_is_searched_by_what_happened_to_what_and_how_it_came_out() {
    let house = House::trial().await;
    let (_, serial) = issued(&house).await;
    let (_, token) = house.officer("auditor").await;
    house.https("cert/issue", json!({"csr": EC_CSR}), Some(&token)).await;
    let search = |ask: Value| async { house.https("audit/search", ask, Some(&token)).await.json() };
    let events = |found: &Value| -> Vec<String> {
        let entries = found["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
    };
    let found = search(json!({"object": serial, "event": "cert.issued"})).await;
    assert_eq!(events(&found), ["cert.issued"], "the serial alone finds ISSUER/SERIAL");
    assert!(found["entries"][0]["object"].as_str().unwrap().ends_with(&serial));
    let refused = search(json!({"outcome": "refused"})).await;
    assert_eq!(events(&refused), ["access.denied"]);
    assert!(events(&search(json!({"object": "nothing"})).await).is_empty());
    let page = search(json!({"limit": 5})).await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 5);
    let next = search(json!({"limit": 5, "after": page["next"]})).await;
    let seq = |found: &Value, place: usize| found["entries"][place]["seq"].as_u64().unwrap();
    assert_eq!(seq(&page, 4), seq(&next, 0) + 1, "a page begins where the one before ended");
    for bad in [json!({"limit": 0}), json!({"limit": 501}), json!({"outcome": "maybe"}), json!({"since": "noon"})] {
        assert_eq!(house.https("audit/search", bad.clone(), Some(&token)).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn an_entrys_page_shows_it_and_gives_the_receipt_that_its_script_checks() {
    let house = House::trial().await;
    let (issued, serial) = issued(&house).await;
    let (auditor, _) = officer(&house, "auditor").await;
    let seq = issued["receipt"]["seq"].as_u64().unwrap();
    let page = auditor.get(&format!("/desk/audit/{seq}")).await;
    assert_eq!(page.status, 200);
    let html = text(&page);
    assert!(html.contains(&serial) && html.contains("cert.issued") && html.contains("/assets/proof.js"), "{html}");
    let receipt = auditor.get(&format!("/desk/audit/{seq}/receipt.json")).await;
    assert_eq!(receipt.json()["entry"], issued["receipt"]["entry"]);
    let payload = auditor.get(&format!("/desk/audit/{seq}/payload")).await;
    let (_, der) = der::pem::decode_vec(issued["certificate"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(payload.body, der, "the payload of an issuance is the certificate");
    for none in ["/desk/audit/999999", "/desk/audit/x", "/desk/audit/-1", "/desk/audit/999999/receipt.json"] {
        assert!(matches!(auditor.get(none).await.status.as_u16(), 400 | 404), "{none}");
    }
}

#[tokio::test]
async fn the_searchs_page_keeps_what_was_typed_and_says_what_is_wrong_with_it() {
    let house = House::trial().await;
    let (auditor, id) = officer(&house, "auditor").await;
    let html = text(&auditor.get(&format!("/desk/audit?person={id}&lang=en")).await);
    assert!(html.contains(&format!("name=\"person\" value=\"{id}\"")) && html.contains("Test auditor"), "{html}");
    let wrong = auditor.get("/desk/audit?since=noon&object=%3Cb%3E&lang=en").await;
    let html = text(&wrong);
    assert!(wrong.status == 200 && html.contains("This cannot be searched"), "{html}");
    assert!(html.contains("value=\"&#60;b&#62;\"") && !html.contains("<b>\""));
    let csv = auditor.get("/desk/audit?event=officer.added&format=csv").await;
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let lines: Vec<_> = text(&csv).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("seq,at,event,"), "{lines:?}");
    assert!(lines.len() > 1 && lines[1..].iter().all(|line| line.contains(",officer.added,")), "{lines:?}");
}

#[tokio::test]
async fn the_authoritys_page_draws_the_hierarchies_and_publishes_lists() {
    let house = House::trial().await;
    let (operator, _) = officer(&house, "operator").await;
    let html = text(&operator.get("/desk/issuers").await);
    for part in ["<svg class=\"tree\"", "id=\"i-sm2-issuing\"", "/crl/ec-root.crl", "/ca/sm2-root.cer"] {
        assert!(html.contains(part), "{part}");
    }
    let number = || async {
        let lists = house.socket("issuer/crls", json!({"issuer": "sm2-issuing"})).await.json();
        lists["lists"][0]["number"].as_u64().unwrap()
    };
    let before = number().await;
    let done = post(&operator, "/desk/issuers", "/desk/issuers/sm2-issuing/crl", &[]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    assert_eq!(done.headers[header::LOCATION], "/desk/issuers?done=published#i-sm2-issuing");
    assert_eq!(number().await, before + 1);
    assert_eq!(post(&operator, "/desk/issuers", "/desk/issuers/nobody/crl", &[]).await.status, 404);
    let (auditor, _) = officer(&house, "auditor").await;
    assert!(!text(&auditor.get("/desk/issuers").await).contains("/desk/issuers/sm2-issuing/crl"), "no button");
}

#[tokio::test]
async fn the_full_check_of_the_log_is_begun_on_the_systems_page_and_told_there() {
    let house = House::trial().await;
    let (auditor, _) = officer(&house, "auditor").await;
    let page = text(&auditor.get("/desk/system?lang=en").await);
    for part in ["Never backed up", "signs the audit log", "<svg class=\"bars\"", "Check the whole log"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Run the self-test"), "an auditor may not");
    assert_eq!(post(&auditor, "/desk/system", "/desk/system/doctor", &[]).await.status, 403);
    assert_eq!(post(&auditor, "/desk/system", "/desk/system/verify", &[]).await.status, 303);
    for _ in 0..200 {
        if house.app.verification().seen().last.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let page = text(&auditor.get("/desk/system?lang=en").await);
    assert!(page.contains("<span class=\"state good\">whole</span>"), "{page}");
}

#[tokio::test]
async fn keys_are_listed_by_what_they_are_for_and_never_told() {
    let house = House::trial().await;
    let keys = house.socket("key/list", json!({})).await.json();
    let keys = keys["keys"].as_array().unwrap().clone();
    let of = |issuer: &str| keys.iter().find(|key| key["issuer"] == issuer).unwrap().clone();
    assert_eq!((&of("sm2-root")["purpose"], &of("sm2-root")["state"]), (&json!("ca"), &json!("active")));
    assert!(keys.iter().any(|key| key["purpose"] == "audit-log" && key["issuer"].is_null()));
    let growth = house.socket("audit/growth", json!({})).await.json();
    let days = growth["days"].as_array().unwrap();
    let counted: u64 = days.iter().map(|day| day["entries"].as_u64().unwrap()).sum();
    assert_eq!((days.len(), counted), (30, growth["entries"].as_u64().unwrap()), "all of them are from today");
    assert_eq!(days[29]["day"], "2026-11-21");
}

#[tokio::test]
async fn a_serial_tells_anybody_the_status_and_a_fingerprint_the_names() {
    let house = House::trial().await;
    let (cert, serial) = issued(&house).await;
    let (_, der) = der::pem::decode_vec(cert["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    let sha256: String = sha256.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let get = |path: String| async {
        let request = Request::get(path).body(Body::empty()).unwrap();
        house.ask(Door::Http, Peer::Http { address: address() }, request).await
    };
    let by_serial = get(format!("/find?q={serial}&format=json")).await.json();
    assert_eq!((&by_serial[0]["status"], &by_serial[0]["known"]), (&json!("good"), &Value::Null));
    let by_print = get(format!("/find?q={sha256}&format=json")).await.json();
    assert_eq!(by_print[0]["known"]["certificate"], cert["certificate"]);
    house.socket("cert/revoke", json!({"serial": serial, "reason": "keyCompromise"})).await;
    let html = text(&get(format!("/find?q={serial}")).await);
    assert!(html.contains("已吊销") && html.contains("密钥泄露") && !html.contains("CN="), "{html}");
    assert_eq!(get(format!("/find?q={}&format=json", "ab".repeat(32))).await.json(), json!([]));
    assert_eq!(get("/find?q=xyz&format=json".to_owned()).await.status, 400);
    assert!(text(&get("/find?q=xyz".to_owned()).await).contains("aria-invalid"));
}

#[tokio::test]
async fn how_to_trust_the_roots_is_told_for_every_system_at_both_doors() {
    let house = House::trial().await;
    let http = Request::get("/trust?lang=en").body(Body::empty()).unwrap();
    let plain = text(&house.ask(Door::Http, Peer::Http { address: address() }, http).await);
    let secure = text(&Browser::new(&house).get("/trust?lang=en").await);
    for html in [&plain, &secure] {
        for part in ["Windows", "macOS", "Linux", "Firefox", "Android", "iOS", "/ca/ec-root.cer", "SHA-256", "SM3"] {
            assert!(html.contains(part), "{part}");
        }
    }
    assert!(plain.contains("comes unencrypted") && !secure.contains("comes unencrypted"));
}

#[tokio::test]
async fn a_profile_is_changed_by_two_officers_on_its_page() {
    let house = House::trial().await;
    let (first, _) = officer(&house, "administrator").await;
    let shown = house.socket("profile/show", json!({"profile": "tls-server"})).await.json();
    let version = shown["version"].as_u64().unwrap();
    let source = shown["source"].as_str().unwrap();
    let changed = source.replacen(&format!("version = {version}"), &format!("version = {}", version + 1), 1);
    let form = [("source", changed.as_str()), ("note", "A new number")];
    let done = post(&first, "/desk/profiles", "/desk/profiles", &form).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    let to = done.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = text(&first.get(&to.replace("done=", "lang=en&done=")).await);
    assert!(page.contains("You proposed this") && !page.contains("Approve: in force"), "{page}");
    let number = (version + 1).to_string();
    let own = post(&first, "/desk/profiles", "/desk/profiles/tls-server/approve", &[("version", &number)]).await;
    assert!(own.status.is_client_error(), "{}", own.status);
    let (second, _) = officer(&house, "administrator").await;
    let page = text(&second.get("/desk/profiles/tls-server?lang=en").await);
    assert!(page.contains("waits for approval"), "{page}");
    let done = post(&second, "/desk/profiles", "/desk/profiles/tls-server/approve", &[("version", &number)]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    let shown = house.socket("profile/show", json!({"profile": "tls-server"})).await.json();
    assert_eq!(shown["version"], version + 1);
    assert_eq!(
        post(&second, "/desk/profiles", "/desk/profiles/tls-server/approve", &[("version", "x")]).await.status,
        400
    );
}

#[tokio::test]
async fn a_plan_is_put_forward_and_carried_out_on_its_page_once_the_code_is_typed() {
    const PLAN: &str = "format = \"yinxin ceremony plan 1\"\ntitle = \"A new key\"\n\n[[step]]\ndo = \"roll\"\n\
                        issuer = \"ec-issuing\"\nnew = \"ec-issuing-2\"\n";
    let house = House::trial().await;
    let (first, _) = officer(&house, "administrator").await;
    let (second, _) = officer(&house, "administrator").await;
    let bad = post(&first, "/desk/ceremonies", "/desk/ceremonies", &[("source", "no plan")]).await;
    assert_eq!(bad.status, 400, "{}", text(&bad));
    // As a browser sends it.
    let sent = PLAN.replace('\n', "\r\n");
    let done = post(&first, "/desk/ceremonies", "/desk/ceremonies", &[("source", &sent)]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    let to = done.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = text(&second.get(&format!("{to}?lang=en")).await);
    let code = ca::core::ceremony::code(&engine::sm3::hash(PLAN.as_bytes()));
    assert!(page.contains("Give issuer ec-issuing a new key") && page.contains(&code), "{page}");
    let confirm = format!("{to}/confirm");
    let wrong = post(&second, &to, &confirm, &[("code", "0000")]).await;
    assert!(wrong.status.is_client_error(), "{}", wrong.status);
    let done = post(&second, &to, &confirm, &[("code", &code)]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    let page = text(&second.get(&format!("{to}?lang=en")).await);
    assert!(page.contains("TRANSCRIPT OF A CEREMONY") && !page.contains("/confirm"), "{page}");
    let issuers = text(&second.get("/desk/issuers?lang=en").await);
    assert!(issuers.contains("its work went to ec-issuing-2"), "{issuers}");
    let answer = house.socket("issuer/show", json!({"issuer": "ec-issuing"})).await.json();
    assert_eq!((answer["state"].as_str(), answer["successor"].as_str()), (Some("rolled"), Some("ec-issuing-2")));
    let (auditor, _) = officer(&house, "auditor").await;
    assert!(!text(&auditor.get("/desk/ceremonies").await).contains("<textarea"), "who only reads has no form");
}
