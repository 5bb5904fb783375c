//! The OCSP responders of an installation: made, replaced and destroyed by themselves, and those that follow the CRL
//! of another authority.

use std::time::Duration;

use crypto_pool::{KeyState, Purpose};
use ocsp::core::request::Form;
use ocsp::{Outcome, core::response::Refusal};
use pki_config::config::{ForeignIssuer, Seconds, Unlisted};
use pki_config::{IssuerId, TenantId};
use serde_json::json;
use web::app::App;

use crate::house::House;

const ISSUERS: [&str; 4] = ["ec-issuing", "ec-root", "sm2-issuing", "sm2-root"];

async fn keys(app: &App, state: KeyState) -> usize {
    let all = app.kms().list(&TenantId::house()).await.unwrap();
    all.iter().filter(|key| key.purpose == Purpose::Ocsp && key.state == state).count()
}

fn until(app: &App) -> Vec<String> {
    let of = |issuer: &str| app.ocsp().responder(&issuer.parse().unwrap()).unwrap().1.to_string();
    ISSUERS.iter().map(|issuer| of(issuer)).collect()
}

/// The browser's question about a serial of an issuer.
fn question(app: &App, issuer: &str, serial: &[u8]) -> Vec<u8> {
    let issuer = app.ca().issuer(&issuer.parse().unwrap()).unwrap();
    let certificate = crypto_pool::path::Cert::from_der(&issuer.certificate).unwrap();
    let bits = ocsp::core::names::key_bits(certificate.spki()).unwrap();
    let id = ocsp::core::names::IssuerNames::new(certificate.subject(), bits).cert_id(Form::USUAL, serial);
    // The lengths of a CertID by SHA-1 are below 128.
    let wrap = |inner: Vec<u8>| [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat();
    wrap(wrap(wrap(wrap(id))))
}

#[tokio::test]
async fn every_issuer_has_a_responder_that_is_replaced_at_a_third_of_its_life_and_whose_old_key_is_destroyed() {
    let house = House::trial().await;
    let first = until(&house.app);
    assert_eq!(first, ["2026-12-21T07:59:59Z"; 4]);
    assert_eq!(keys(&house.app, KeyState::Active).await, 4);
    house.clock.advance(Duration::from_secs(19 * 86_400));
    house.app.renew_responders().await.unwrap();
    assert_eq!(until(&house.app), first);
    house.clock.advance(Duration::from_secs(86_400));
    house.app.renew_responders().await.unwrap();
    assert_eq!(until(&house.app), ["2027-01-10T07:59:59Z"; 4]);
    assert_eq!((keys(&house.app, KeyState::Active).await, keys(&house.app, KeyState::Destroyed).await), (4, 4));
    // Long past its end: the start replaces it, and the status says all is well.
    house.clock.advance(Duration::from_secs(300 * 86_400));
    let house = house.restart().await;
    assert_eq!(keys(&house.app, KeyState::Active).await, 4);
    let status = house.socket("system/status", json!({})).await.json();
    let checks = status["checks"].as_array().unwrap();
    for issuer in ISSUERS {
        let name = format!("ocsp-{issuer}");
        assert!(checks.iter().any(|c| c["name"] == json!(name) && c["ok"] == json!(true)), "{name}: {status}");
    }
}

#[tokio::test]
async fn certificates_name_the_responder_and_its_own_do_not() {
    let house = House::trial().await;
    let url = b"http://127.0.0.1:8080/ocsp";
    let names_it = |der: &[u8]| der.windows(url.len()).any(|window| window == url);
    for issuer in ISSUERS {
        let id: IssuerId = issuer.parse().unwrap();
        let certificate = &house.app.ca().issuer(&id).unwrap().certificate;
        // Nobody asks a root about itself.
        assert_eq!(names_it(certificate), !issuer.ends_with("root"), "{issuer}");
        let responder = house.app.ocsp().responder(&id).unwrap().0.certificate;
        assert!(!names_it(&responder), "{issuer}");
    }
}

#[tokio::test]
async fn another_authority_is_followed_by_the_crl_in_a_file_or_behind_an_address() {
    let (house, other) = (House::trial().await, House::trial().await);
    let der = other.app.ca().issuer(&"ec-issuing".parse().unwrap()).unwrap().certificate.clone();
    let certificate = house.temp.path().join("partner.cer");
    std::fs::write(&certificate, der).unwrap();
    let crl = other.get("/crl/ec-issuing.crl").await.body;
    let file = house.temp.path().join("partner.crl");
    let mut foreign = ForeignIssuer {
        name: "partner".to_owned(),
        certificate,
        crl: file.display().to_string(),
        every: Seconds(300),
        signed_by: "ec-issuing".to_owned(),
        unlisted: Unlisted::Good,
    };
    let asked = question(&other.app, "ec-issuing", &[0x11; 16]);
    let failure = house.app.follow(&foreign).await.unwrap_err();
    assert_eq!(failure.code().as_str(), "OCSP_SOURCE");
    assert_eq!(house.app.ocsp().answer(&asked).await.outcome, Outcome::Refused(Refusal::TryLater));
    std::fs::write(&file, &crl).unwrap();
    house.app.follow(&foreign).await.unwrap();
    assert_eq!(house.app.ocsp().answer(&asked).await.outcome, Outcome::Good);

    // A server that gives one file.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    foreign.crl = format!("http://{}/x.crl", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        let start = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", crl.len());
        stream.write_all(&[start.as_bytes(), &crl].concat()).await.unwrap();
    });
    house.app.follow(&foreign).await.unwrap();
    // Nobody listens there any more.
    assert_eq!(house.app.follow(&foreign).await.unwrap_err().code().as_str(), "OCSP_SOURCE");
    assert_eq!(house.app.ocsp().answer(&asked).await.outcome, Outcome::Good, "what was in use stays in use");
    foreign.name = "ec-issuing".to_owned();
    assert_eq!(house.app.follow(&foreign).await.unwrap_err().code().as_str(), "OCSP_SOURCE");
}
