//! The first start, and later ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use pki_config::time::FixedClock;
use serde_json::{Value, json};
use web::data_dir::DataDir;

use crate::house::{EC_CSR, House, SM2_CSR, options, reopened};

#[tokio::test]
async fn a_first_start_issues_over_the_socket_in_both_families() {
    let house = House::trial().await;
    for (csr, issuer) in [(EC_CSR, "ec-issuing"), (SM2_CSR, "sm2-issuing")] {
        let answer = house.socket("cert/issue", json!({"csr": csr})).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["issuer"], issuer);
        assert!(answer.json()["receipt"]["entry"].is_string());
    }
}

#[tokio::test]
async fn an_issue_in_one_step_is_marked_so_in_the_log() {
    let house = House::trial().await;
    let serial = house.socket("cert/issue", json!({"csr": EC_CSR})).await.json()["serial"].clone();
    let entries = house.socket("audit/export", json!({"limit": 1000})).await.json();
    let issued = entries["entries"].as_array().unwrap().iter().rev().find(|e| e["event"] == "cert.issued").unwrap();
    assert!(issued["object"].as_str().unwrap().contains(serial.as_str().unwrap()));
    assert_eq!((&issued["outcome"], &issued["channel"]), (&json!("one-step"), &json!("socket")));
}

#[tokio::test]
async fn the_four_issuers_carry_names_of_this_installation_and_have_crls() {
    let house = House::trial().await;
    let issuers = house.socket("issuer/list", json!({})).await.json();
    let issuers = issuers["issuers"].as_array().unwrap();
    let words: Vec<_> = issuers.iter().map(|i| i["issuer"].as_str().unwrap()).collect();
    assert_eq!(words, ["ec-root", "sm2-root", "ec-issuing", "sm2-issuing"]);
    for issuer in issuers {
        let name = house.app.installation();
        assert!(issuer["subject"].as_str().unwrap().contains(&format!("O=Yinxin Trial {name}")), "{issuer}");
        assert_eq!(issuer["crl"]["number"], 1);
    }
}

#[tokio::test]
async fn two_installations_have_different_names() {
    let house = House::trial().await;
    let other = tempfile::tempdir().unwrap();
    let new = DataDir::begin(&other.path().join("d")).unwrap();
    let options = options(&crate::house::clock(), 77);
    let (app, _) = web::app::App::create(new, pki_config::role::Setup::Trial, None, options).await.unwrap();
    assert_ne!(app.installation(), house.app.installation());
    assert_eq!(app.installation().len(), 6);
}

#[tokio::test]
async fn a_fresh_installation_is_well_and_its_log_verifies() {
    let house = House::trial().await;
    let status = house.socket("system/status", json!({})).await.json();
    assert_eq!(status["state"], "ok", "{status}");
    let report = house.socket("audit/verify", json!({})).await.json();
    assert_eq!((&report["ok"], &report["findings"]), (&json!(true), &json!([])), "{report}");
    assert!(report["rows"].as_u64().unwrap() > 10);
}

/// Content of every file that is not the database or the socket.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            let name = entry.strip_prefix(path).unwrap().display().to_string();
            if entry.is_dir() {
                folders.push(entry);
            } else if !name.starts_with("yinxin.db") {
                all.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    all
}

async fn what_is_there(house: &House) -> Vec<Value> {
    let mut all = Vec::new();
    for call in ["issuer/list", "officer/list", "cert/list"] {
        all.push(house.socket(call, json!({})).await.json());
    }
    all
}

#[tokio::test]
async fn a_second_start_changes_nothing_but_its_own_log_entry() {
    let house = House::trial().await;
    let keys = house.app.kms().list(&pki_config::TenantId::house()).await.unwrap();
    let (before, at_rest) = (what_is_there(&house).await, files(&house.data()));
    let house = house.restart().await;
    assert_eq!(house.app.kms().list(&pki_config::TenantId::house()).await.unwrap(), keys);
    assert_eq!(what_is_there(&house).await, before);
    assert_eq!(files(&house.data()), at_rest);
    let log = house.socket("audit/export", json!({"limit": 1000})).await.json();
    let events: Vec<_> = log["entries"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(events[events.len() - 2..], ["system.stopped", "system.started"]);
    assert_eq!(events[0], "system.created");
}

#[tokio::test]
async fn a_trial_cannot_be_made_production_by_editing_its_set_up() {
    let house = House::trial().await;
    let (data, clock) = (house.data(), house.clock.clone());
    house.app.close().await;
    let House { temp, app, .. } = house;
    drop(app);
    let setup = data.join("setup.toml");
    let text = std::fs::read_to_string(&setup).unwrap().replace("trial", "production");
    std::fs::write(&setup, text).unwrap();
    std::fs::copy(data.join("root.key"), data.join("root.sealed")).unwrap();
    let error = reopened(&data, &clock).await.err().unwrap().to_string();
    assert!(error.contains("never becomes"), "{error}");
    drop(temp);
}

#[tokio::test]
async fn a_damaged_database_is_refused_in_one_sentence() {
    let house = House::trial().await;
    let (data, clock) = (house.data(), house.clock.clone());
    house.app.close().await;
    let House { temp, app, .. } = house;
    drop(app);
    let file = data.join("yinxin.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..64].fill(0x55);
    std::fs::write(&file, bytes).unwrap();
    let error = reopened(&data, &clock).await.err().unwrap().to_string();
    assert!(error.contains("database") && !error.contains('\n'), "{error}");
    drop(temp);
}

#[tokio::test]
async fn tls_renews_at_a_third_of_its_life_and_its_end_never_blocks_a_start() {
    let house = House::trial().await;
    let own = |list: &Value| -> Vec<String> {
        let all = list["certificates"].as_array().unwrap();
        let servers = all.iter().filter(|c| c["profile"] == "tls-server");
        servers.map(|c| c["serial"].as_str().unwrap().to_owned()).collect()
    };
    let before = own(&house.socket("cert/list", json!({})).await.json());
    assert_eq!(before.len(), 1);
    house.clock.advance(Duration::from_secs(100 * 86_400));
    house.app.renew_own().await.unwrap();
    assert_eq!(own(&house.socket("cert/list", json!({})).await.json()), before);
    // Long past its end: the start renews it.
    house.clock.advance(Duration::from_secs(300 * 86_400));
    let house = house.restart().await;
    let after = own(&house.socket("cert/list", json!({})).await.json());
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(house.socket("system/status", json!({})).await.json()["state"], "ok");
}

#[tokio::test]
async fn a_broken_log_stops_signing_and_nothing_else() {
    let house = House::trial().await;
    house.app.audit().stop("a test");
    let refused = house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "AUDIT_BROKEN"));
    assert_eq!(house.get("/crl/ec-issuing.crl").await.status, 200);
    assert_eq!(house.get("/ca/ec-root.cer").await.status, 200);
    let health = house.get("/health").await;
    assert_eq!((health.status.as_u16(), &health.json()["state"]), (503, &json!("stopped")));
}

#[tokio::test]
async fn a_start_after_a_crash_at_any_moment_of_the_first_start_begins_again() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("d");
    let clock: std::sync::Arc<FixedClock> = crate::house::clock();
    // What a crash leaves: everything but the last file.
    let new = DataDir::begin(&data).unwrap();
    let (app, _) = web::app::App::create(new, pki_config::role::Setup::Trial, None, options(&clock, 1)).await.unwrap();
    let first = app.installation().to_owned();
    app.close().await;
    drop(app);
    std::fs::rename(data.join("setup.toml"), data.join("making")).unwrap();
    let new = DataDir::begin(&data).unwrap();
    let (app, _) = web::app::App::create(new, pki_config::role::Setup::Trial, None, options(&clock, 5)).await.unwrap();
    assert_ne!(app.installation(), first);
}

/// Ends the application, does something to its directory, opens it again.
async fn reopened_after(house: House, change: impl FnOnce(&Path), options: web::app::AppOptions) -> House {
    let House { temp, clock, app, link } = house;
    app.close().await;
    drop(app);
    let data = temp.path().join("d");
    change(&data);
    let (dir, setup) = DataDir::open(&data).unwrap();
    let app = web::app::App::open(dir, setup, options).await.unwrap();
    House { temp, clock, app, link }
}

#[tokio::test]
async fn a_database_put_back_behind_its_published_crl_signs_nothing() {
    let house = House::trial().await;
    let copy = house.temp.path().join("old.db");
    house.app.db().copy_to(&copy).unwrap();
    assert_eq!(house.socket("issuer/crl", json!({"issuer": "ec-issuing"})).await.json()["number"], 2);
    let options = options(&house.clock, 3);
    let put_back = |data: &Path| assert_ne!(std::fs::copy(&copy, data.join("yinxin.db")).unwrap(), 0);
    let house = reopened_after(house, put_back, options).await;
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.code(), "AUDIT_BROKEN");
    assert_eq!(house.get("/ca/ec-root.cer").await.status, 200);
}

#[tokio::test]
async fn a_database_put_back_behind_a_checkpoint_outside_signs_nothing() {
    let house = House::trial().await;
    let copy = house.temp.path().join("old.db");
    house.app.db().copy_to(&copy).unwrap();
    house.socket("cert/issue", json!({"csr": EC_CSR})).await;
    let outside = house.temp.path().join("outside");
    let head = house.socket("audit/checkpoint", json!({})).await.json();
    let head = head["checkpoint"].as_str().unwrap().to_owned();
    let with_copies = || {
        let mut options = options(&house.clock, 3);
        options.config.audit.checkpoint_to = vec![outside.clone()];
        options
    };
    let (plain, put_back) = (with_copies(), with_copies());
    std::fs::write(&outside, format!("not a checkpoint\n{head}\nnor this\n")).unwrap();
    let house = reopened_after(house, |_| (), plain).await;
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.status, 200);
    let replace = |data: &Path| assert_ne!(std::fs::copy(&copy, data.join("yinxin.db")).unwrap(), 0);
    let house = reopened_after(house, replace, put_back).await;
    assert_eq!(house.socket("cert/issue", json!({"csr": EC_CSR})).await.code(), "AUDIT_BROKEN");
}
