//! Archived time-stamps years later: stamped again before their certificates end, and under another hash.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::{Anchors, Cert};
use crypto_pool::random::SeededRandom;
use pki_config::Clock as _;
use serde_json::json;
use tsa::core::digest;
use tsa::core::evidence::{self, EvidenceRecord};
use tsa::core::opened::OpenedToken;
use tsa::core::request::{Draft, Hash};
use tsa::core::verify::{self, Against, Judgement};
use web::app::{App, AppOptions};
use web::data_dir::DataDir;
use web::router::Door;
use web::serve::Peer;

use crate::house::{Answer, House, address, config};

const DAY: Duration = Duration::from_secs(86_400);

/// A time-stamp with certificates; its serial.
async fn stamp(house: &House, hash: Hash, octet: u8) -> String {
    let draft = Draft { hash, digest: &vec![octet; hash.length()], policy: None, nonce: None, cert_req: true };
    let request = Request::post("/tsa").header("content-type", "application/timestamp-query");
    let request = request.body(Body::from(draft.to_der())).unwrap();
    let answer = house.ask(Door::Http, Peer::Http { address: address() }, request).await;
    OpenedToken::from_der(&answer.body).expect("granted").serial_hex()
}

/// Lets `days` pass, the units rolling as the schedule has them.
async fn pass(house: &House, days: u32) {
    for _ in 0..days / 30 {
        house.clock.advance(DAY * 30);
        house.app.roll_stamp_units().await.unwrap();
    }
}

async fn asked(house: &House, serial: &str) -> Answer {
    house.socket("tsa/evidence", json!({"serial": serial})).await
}

/// The token and its record.
async fn evidence(house: &House, serial: &str) -> (Vec<u8>, EvidenceRecord) {
    let answer = asked(house, serial).await;
    assert_eq!(answer.status, 200, "{}", answer.code());
    let of = |field: &str| STANDARD.decode(answer.json()[field].as_str().unwrap()).unwrap();
    (of("token"), EvidenceRecord::from_der(&of("record")).unwrap())
}

/// What is believed now.
async fn against(house: &House) -> Against<'static> {
    let mut certificates = Vec::new();
    for name in ["sm2-issuing", "ec-issuing", "sm2-root", "ec-root"] {
        certificates.push(Cert::from_der(&house.get(&format!("/ca/{name}.cer")).await.body).unwrap());
    }
    let anchors = Anchors::new(certificates.split_off(2));
    Against { anchors, certificates, now: Some(house.clock.now()), ..Against::default() }
}

/// Whether what the record says of the token fails nothing, its age included. That no CRL is at hand is left open.
async fn holds(house: &House, token: &[u8], record: &EvidenceRecord) -> bool {
    let links = evidence::verify(record, |hash| Some(digest::of(hash, token)), &against(house).await);
    links.iter().all(|link| Judgement::of(&link.findings) != Judgement::Invalid)
}

#[tokio::test]
async fn archived_time_stamps_are_stamped_again_before_their_certificates_end() {
    let house = House::trial().await;
    let serials =
        [stamp(&house, Hash::Sm3, 1).await, stamp(&house, Hash::Sha256, 2).await, stamp(&house, Hash::Sm3, 3).await];
    pass(&house, 420).await;
    // Made by the units that follow: not due with the others.
    let later = stamp(&house, Hash::Sm3, 4).await;
    pass(&house, 990).await;
    house.app.renew_stamp_evidence().await.unwrap();
    assert_eq!(asked(&house, &serials[0]).await.code(), "NOT_FOUND", "a certificate of 1,825 days lasts");
    pass(&house, 60).await;
    let before = house.app.audit().size().await.unwrap();
    house.app.renew_stamp_evidence().await.unwrap();
    assert_eq!(house.app.audit().size().await.unwrap(), before + 1, "one time-stamp for all");
    house.app.renew_stamp_evidence().await.unwrap();
    assert_eq!(house.app.audit().size().await.unwrap(), before + 1, "and no second one");
    assert_eq!(asked(&house, &later).await.code(), "NOT_FOUND");

    // Past the end of the first units' certificates.
    pass(&house, 390).await;
    for serial in &serials {
        let (token, record) = evidence(&house, serial).await;
        assert_eq!(record.stamps().count(), 1);
        assert!(holds(&house, &token, &record).await);
        let mut other = token.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(!holds(&house, &other, &record).await, "another token");
        let opened = OpenedToken::from_der(&token).unwrap();
        let alone = verify::verify(&opened, &against(&house).await);
        assert_ne!(Judgement::of(&alone), Judgement::Valid, "by itself it proves nothing any more");
    }
    let unknown = asked(&house, "0123456789ABCDEF").await;
    assert_eq!(unknown.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_hash_that_ends_is_left_for_another_over_everything_before() {
    let house = House::trial().await;
    let serials =
        [stamp(&house, Hash::Sha256, 1).await, stamp(&house, Hash::Sm3, 2).await, stamp(&house, Hash::Sha256, 3).await];
    // SHA-256 ends; later SM3 does, to show a second hash tree.
    house.clock.advance(DAY * 31);
    let house = reopened(house, "sm3", &[("sha256", "2027-06-01T00:00:00Z")]).await;
    house.app.renew_stamp_evidence().await.unwrap();
    let (token, record) = evidence(&house, &serials[0]).await;
    assert_eq!(record.hashes().collect::<Vec<_>>(), [Hash::Sm3]);
    assert!(holds(&house, &token, &record).await);
    house.clock.advance(DAY);
    let house = reopened(house, "sha512", &[("sha256", "2027-06-01T00:00:00Z"), ("sm3", "2027-06-01T00:00:00Z")]).await;
    house.app.renew_stamp_evidence().await.unwrap();
    for serial in &serials {
        let (token, record) = evidence(&house, serial).await;
        assert_eq!(record.hashes().collect::<Vec<_>>(), [Hash::Sm3, Hash::Sha512]);
        assert!(holds(&house, &token, &record).await);
        let links = evidence::verify(&record, |hash| Some(digest::of(hash, b"other")), &against(&house).await);
        assert!(
            links.iter().all(|link| Judgement::of(&link.findings) == Judgement::Invalid),
            "each tree is of the token"
        );
    }
    let before = house.app.audit().size().await.unwrap();
    house.app.renew_stamp_evidence().await.unwrap();
    assert_eq!(house.app.audit().size().await.unwrap(), before, "nothing is left to do");
}

/// The same installation with another `[tsa.evidence]`.
async fn reopened(house: House, hash: &str, ends: &[(&str, &str)]) -> House {
    let House { temp, clock, app, link } = house;
    app.close().await;
    drop(app);
    let mut config = config();
    config.tsa.evidence.hash = hash.to_owned();
    config.tsa.evidence.ends = ends.iter().map(|(hash, end)| ((*hash).to_owned(), (*end).to_owned())).collect();
    let (dir, setup) = DataDir::open(&temp.path().join("d")).unwrap();
    let random = Arc::new(SeededRandom::new(u64::from(hash.len() as u32) + 7));
    let app = App::open(dir, setup, AppOptions { config, clock: clock.clone(), random, probe: None, worker: None })
        .await
        .unwrap();
    House { temp, clock, app, link }
}
