//! The public repository over plain http.

use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use pki_config::config::{CrlConfig, Seconds};
use serde_json::json;
use web::router::Door;
use web::serve::Peer;

use crate::house::{EC_CSR, House, address};

#[tokio::test]
async fn every_published_file_is_served_with_its_type() {
    let house = House::trial().await;
    for issuer in ["sm2-root", "sm2-issuing", "ec-root", "ec-issuing"] {
        for (path, kind, begins) in [
            (format!("/ca/{issuer}.cer"), "application/pkix-cert", &b"\x30\x82"[..]),
            (format!("/ca/{issuer}.pem"), "application/x-pem-file", b"-----BEGIN CERTIFICATE-----"),
            (format!("/ca/{issuer}.p7c"), "application/pkcs7-mime; smime-type=certs-only", b"\x30\x82"),
            (format!("/ca/{issuer}-chain.pem"), "application/x-pem-file", b"-----BEGIN CERTIFICATE-----"),
            (format!("/crl/{issuer}.crl"), "application/pkix-crl", b"\x30"),
        ] {
            let answer = house.get(&path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()),
                (200, kind),
                "{path}"
            );
            assert!(answer.body.starts_with(begins), "{path}");
            assert!(answer.headers.contains_key("etag") && answer.headers.contains_key("cache-control"), "{path}");
        }
    }
}

#[tokio::test]
async fn other_paths_are_not_found_and_other_methods_not_allowed() {
    let house = House::trial().await;
    for path in [
        "/ca/other.cer",
        "/ca/..%2froot.key",
        "/ca/ec-root",
        "/crl/ec-root.cer",
        "/crl/other.crl",
        "/yinxin.db",
        "/setup",
    ] {
        assert_eq!(house.get(path).await.status, 404, "{path}");
    }
    let post = Request::post("/ca/ec-root.cer").body(Body::empty()).unwrap();
    let answer = house.ask(Door::Http, Peer::Http { address: address() }, post).await;
    assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "GET, HEAD"));
}

#[tokio::test]
async fn who_has_the_crl_gets_304_until_there_is_a_new_one() {
    let house = House::trial().await;
    let first = house.get("/crl/ec-issuing.crl").await;
    let tag = first.headers["etag"].clone();
    let ask = || {
        let request = Request::get("/crl/ec-issuing.crl").header("if-none-match", &tag).body(Body::empty()).unwrap();
        house.ask(Door::Http, Peer::Http { address: address() }, request)
    };
    assert_eq!(ask().await.status, 304);
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await.json();
    house.socket("cert/revoke", json!({"serial": issued["serial"], "reason": "superseded"})).await;
    // The news is published by the schedule within a minute of the revocation.
    house.clock.advance(Duration::from_secs(59));
    house.app.publish_due().await.unwrap();
    let second = ask().await;
    assert_eq!(second.status, 200);
    assert!(second.body.len() > first.body.len());
    assert!(second.headers["last-modified"].to_str().unwrap().ends_with(" GMT"));
}

#[tokio::test]
async fn health_and_the_front_page_are_there() {
    let house = House::trial().await;
    let health = house.get("/health").await.json();
    assert_eq!((&health["state"], &health["setup"]), (&json!("ok"), &json!("trial")));
    let page = house.get("/").await;
    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.body).contains("印信"));
}

#[tokio::test]
async fn the_set_up_page_is_on_https_and_carries_no_inline_script() {
    let house = House::trial().await;
    let request = Request::get("/setup").body(Body::empty()).unwrap();
    let page = house.ask(Door::Https, crate::house::stranger(), request).await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-inline"));
}

#[tokio::test]
async fn a_share_and_its_delta_are_served_at_the_address_in_the_certificate() {
    let house = House::with(|config| {
        let lists = CrlConfig { shards: 2, delta_lifetime: Seconds(86_400) };
        config.ca.crl.insert("ec-issuing".into(), lists);
    })
    .await;
    house.app.publish_due().await.unwrap();
    let issued = house.socket("cert/issue", json!({"csr": EC_CSR})).await.json();
    let shown = house.socket("cert/show", json!({"serial": issued["serial"]})).await.json();
    let (_, der) = der::pem::decode_vec(shown["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let text = String::from_utf8_lossy(&der).into_owned();
    let share = [1, 2].into_iter().find(|share| text.contains(&format!("/crl/ec-issuing.{share}.crl"))).unwrap();
    for path in [format!("/crl/ec-issuing.{share}.crl"), format!("/crl/ec-issuing.{share}.delta.crl")] {
        let answer = house.get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (200, &"application/pkix-crl".parse().unwrap())
        );
    }
    for path in
        ["/crl/ec-issuing.3.crl", "/crl/ec-issuing.0.crl", "/crl/sm2-issuing.1.crl", "/crl/sm2-issuing.delta.crl"]
    {
        assert_eq!(house.get(path).await.status, 404, "{path}");
    }
    let health = house.get("/health").await.json().to_string();
    assert!(health.contains("2 shares, and deltas"), "{health}");
}

#[tokio::test]
async fn openssl_finds_every_certificate_of_a_chain_in_its_p7c() {
    let house = House::trial().await;
    let file = house.temp.path().join("chain.p7c");
    std::fs::write(&file, house.get("/ca/ec-issuing.p7c").await.body).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["pkcs7", "-inform", "DER", "-print_certs", "-noout", "-in"]).arg(&file);
    let Ok(output) = openssl.output() else { return eprintln!("left out: there is no openssl here") };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches("subject=").count(), 1, "the root is not in it: {text}");
}
