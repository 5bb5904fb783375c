//! A database that somebody edited: signing stops, what is published is still served, a restart changes
//! nothing, and mending it does.

use ledger::db::DbOptions;
use ledger::{Db, DbError, Importance};
use serde_json::json;

use crate::house::{EC_CSR, House};

fn issue() -> serde_json::Value {
    json!({ "csr": EC_CSR, "subject": "CN=www.example.cn", "sans": ["dns:www.example.cn"] })
}

/// Changes a row behind the back of the service, as an insider with the file would.
fn edit(house: &House, sql: &'static str) {
    let mut options = DbOptions::new(house.data().join("yinxin.db"));
    options.reserve = 0;
    let db = Db::open(options).unwrap();
    db.write_blocking(Importance::Normal, move |tx| tx.execute(sql, &[]).map(drop).map_err(|e: DbError| e)).unwrap();
    db.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_stops_signing_across_restarts_until_it_is_mended() {
    let house = House::trial().await;
    let issued = house.socket("cert/issue", issue()).await;
    assert_eq!(issued.status, 200, "{}", String::from_utf8_lossy(&issued.body));
    edit(
        &house,
        "UPDATE ca_certificate SET subject = 'CN=bank.example.cn' WHERE profile = 'tls-server' AND sans LIKE '%www%'",
    );
    house.app.full_check().await;
    assert_eq!(house.socket("cert/issue", issue()).await.code(), "AUDIT_BROKEN");
    assert_eq!(house.get("/health").await.json()["state"], "stopped");
    assert_eq!(house.get("/crl/ec-issuing.crl").await.status, 200);
    let mark = std::fs::read_to_string(house.data().join("damage-found.txt")).unwrap();
    assert!(mark.contains("ca_certificate"), "{mark}");

    let house = house.restart().await;
    assert_eq!(house.socket("cert/issue", issue()).await.code(), "AUDIT_BROKEN", "a restart is no repair");
    edit(&house, "UPDATE ca_certificate SET subject = 'CN=www.example.cn' WHERE subject = 'CN=bank.example.cn'");
    let house = house.restart().await;
    assert_eq!(house.socket("cert/issue", issue()).await.status, 200);
    assert!(!house.data().join("damage-found.txt").exists());
}
