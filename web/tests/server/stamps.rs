//! Time-stamps through the real routers: what an RFC 3161 client sees, and the JSON form.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::KeyState;
use pki_config::{Clock as _, Permission};
use serde_json::json;
use tsa::core::request::{Draft, Hash};
use tsa::core::token::TstInfo;
use web::router::Door;
use web::serve::Peer;

use crate::house::{Answer, House, address, stranger};

const QUERY: &str = "application/timestamp-query";
const DIGEST: [u8; 32] = [0x5a; 32];

fn draft(hash: Hash, cert_req: bool) -> Vec<u8> {
    Draft { hash, digest: &vec![0x5a; hash.length()], policy: None, nonce: Some(&[9, 8, 7]), cert_req }.to_der()
}

async fn post(house: &House, path: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(path).header("content-type", QUERY).body(Body::from(body)).unwrap();
    house.ask(Door::Http, Peer::Http { address: address() }, request).await
}

fn kind(answer: &Answer) -> &str {
    answer.headers["content-type"].to_str().unwrap()
}

/// The token of a granted answer: `SEQUENCE { SEQUENCE { INTEGER 0 }, token }`.
fn token(answer: &Answer) -> &[u8] {
    assert_eq!((answer.status.as_u16(), kind(answer)), (200, "application/timestamp-reply"));
    token_of(&answer.body)
}

fn token_of(response: &[u8]) -> &[u8] {
    let at = response.windows(5).position(|window| window == [0x30, 3, 2, 1, 0]).expect("granted");
    assert!(at <= 4, "{response:x?}");
    &response[at + 5..]
}

/// The bit of failInfo in a rejection.
fn fail_bit(response: &[u8]) -> usize {
    let at = response
        .windows(2)
        .rposition(|window| window[0] == 3 && usize::from(window[1]) == response_tail(response, window));
    let bits = &response[at.expect("failInfo") + 3..];
    bits.iter()
        .enumerate()
        .find(|(_, octet)| **octet != 0)
        .map(|(n, octet)| n * 8 + octet.leading_zeros() as usize)
        .unwrap()
}

fn response_tail(response: &[u8], window: &[u8]) -> usize {
    response.as_ptr() as usize + response.len() - window.as_ptr() as usize - 2
}

fn refused(answer: &Answer) -> usize {
    assert_eq!((answer.status.as_u16(), kind(answer)), (200, "application/timestamp-reply"));
    assert!(answer.body.windows(3).any(|window| window == [2, 1, 2]), "status rejection");
    fail_bit(&answer.body)
}

#[tokio::test]
async fn the_imprints_algorithm_says_which_key_signs_unless_the_address_does() {
    let house = House::trial().await;
    let sm2 = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];
    let ecdsa = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let holds = |token: &[u8], part: &[u8]| token.windows(part.len()).any(|window| window == part);
    for (path, hash, signed) in [
        ("/tsa", Hash::Sm3, sm2),
        ("/tsa", Hash::Sha256, ecdsa),
        ("/tsa", Hash::Sha384, ecdsa),
        ("/tsa", Hash::Sha512, ecdsa),
        ("/tsa/sm2", Hash::Sha256, sm2),
        ("/tsa/ec", Hash::Sm3, ecdsa),
    ] {
        let answer = post(&house, path, draft(hash, false)).await;
        let token = token(&answer);
        assert!(holds(token, &signed), "{path} {hash:?}");
        let info = TstInfo::of_token(token).unwrap();
        assert_eq!((info.hash(), info.imprint.digest()), (hash, &vec![0x5a; hash.length()][..]));
        assert_eq!(info.nonce, Some(&[9, 8, 7][..]));
        assert!(info.ordering && info.accuracy.is_some());
        assert_eq!(info.policy.to_string(), pki_config::config::TRIAL_POLICY);
    }
}

#[tokio::test]
async fn certificates_go_along_only_if_asked_for() {
    let house = House::trial().await;
    let units = house.https("tsa/units", json!({}), None).await.json();
    let sm2 = units["units"].as_array().unwrap().iter().find(|unit| unit["key"] == "sm2").unwrap();
    let certificate = der::pem::decode_vec(sm2["certificate"].as_str().unwrap().as_bytes()).unwrap().1;
    let root = house.get("/ca/sm2-root.cer").await.body;
    let issuing = house.get("/ca/sm2-issuing.cer").await.body;
    let holds = |token: &[u8], part: &[u8]| token.windows(part.len()).any(|window| window == part);
    let with = post(&house, "/tsa", draft(Hash::Sm3, true)).await;
    assert!(holds(token(&with), &certificate) && holds(token(&with), &issuing) && !holds(token(&with), &root));
    let without = post(&house, "/tsa", draft(Hash::Sm3, false)).await;
    assert!(!holds(token(&without), &certificate) && !holds(token(&without), &issuing));
}

#[tokio::test]
async fn what_cannot_be_stamped_is_refused_in_the_protocols_own_words() {
    let house = House::trial().await;
    let policy = Some("1.2.3.4".parse().unwrap());
    let other = Draft { hash: Hash::Sm3, digest: &DIGEST, policy, nonce: None, cert_req: false }.to_der();
    assert_eq!(refused(&post(&house, "/tsa", other).await), 15, "unacceptedPolicy");
    assert_eq!(refused(&post(&house, "/tsa", b"hello".to_vec()).await), 5, "badDataFormat");
    assert_eq!(refused(&post(&house, "/tsa", Vec::new()).await), 5, "badDataFormat");
    let short = Draft { hash: Hash::Sm3, digest: &[1; 20], policy: None, nonce: None, cert_req: false }.to_der();
    assert_eq!(refused(&post(&house, "/tsa", short).await), 5, "badDataFormat");
    let mut sha1 = draft(Hash::Sm3, false);
    let at = sha1.windows(8).position(|w| w == [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11]).unwrap();
    sha1[at + 7] = 0x12;
    assert_eq!(refused(&post(&house, "/tsa", sha1).await), 0, "badAlg");
}

#[tokio::test]
async fn what_is_no_request_gets_an_http_status() {
    let house = House::trial().await;
    assert_eq!(house.get("/tsa").await.status, 405);
    let typed = Request::post("/tsa").header("content-type", "text/plain").body(Body::from("x")).unwrap();
    assert_eq!(house.ask(Door::Http, Peer::Http { address: address() }, typed).await.status, 415);
    assert_eq!(post(&house, "/tsa", vec![0; 16_385]).await.status, 413);
    assert_eq!(house.get("/tsa/proof/xyz").await.status, 404);
    assert_eq!(house.get("/tsa/proof/0102").await.status, 404);
}

#[tokio::test]
async fn an_unsure_clock_stamps_nothing_until_it_is_sure_again() {
    let house = House::trial().await;
    let first = post(&house, "/tsa", draft(Hash::Sm3, false)).await;
    let first = TstInfo::of_token(token(&first)).unwrap().time;
    // An hour back: whatever the reason, no time at or before the last may be stamped.
    let start = house.clock.now().unix_millis();
    house.clock.set("2026-11-21T07:00:00Z".parse().unwrap());
    assert_eq!(refused(&post(&house, "/tsa", draft(Hash::Sm3, false)).await), 14, "timeNotAvailable");
    house.clock.set(pki_config::Instant::from_unix_millis(start).unwrap());
    for _ in 0..100 {
        house.clock.advance(Duration::from_secs(1));
        let answer = post(&house, "/tsa", draft(Hash::Sm3, false)).await;
        if answer.body.len() > 200 {
            assert!(TstInfo::of_token(token(&answer)).unwrap().time > first);
            return;
        }
    }
    panic!("the clock never became sure again");
}

#[tokio::test]
async fn times_rise_strictly_while_the_clock_stands_still_and_over_a_restart() {
    let mut house = House::trial().await;
    let mut last = None;
    let mut serials = std::collections::HashSet::new();
    for round in 0..2 {
        for _ in 0..50 {
            let answer = post(&house, "/tsa", draft(Hash::Sm3, false)).await;
            let info = TstInfo::of_token(token(&answer)).unwrap();
            assert!(last < Some(info.time), "{last:?} {:?} in round {round}", info.time);
            last = Some(info.time);
            assert!(serials.insert(info.serial.to_vec()));
        }
        house = house.restart().await;
    }
}

#[tokio::test]
async fn a_token_is_found_by_number_time_and_digest_and_proven() {
    let house = House::trial().await;
    let mut serials = Vec::new();
    for n in 0..5_u8 {
        let digest = STANDARD.encode([n; 32]);
        let made = house.https("tsa/stamp", json!({"hash": "sm3", "digest": digest}), None).await;
        assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
        serials.push(made.json()["serial"].as_str().unwrap().to_owned());
        house.clock.advance(Duration::from_secs(10));
    }
    let (_, auditor) = house.officer("auditor").await;
    let ask = async |body| {
        let page = house.https("tsa/find", body, Some(&auditor)).await;
        assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
        let found: Vec<String> = page.json()["stamps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stamp| stamp["serial"].as_str().unwrap().to_owned())
            .collect();
        (found, page.json()["next"].as_u64())
    };
    let newest_first: Vec<String> = serials.iter().rev().cloned().collect();
    assert_eq!(ask(json!({})).await, (newest_first.clone(), None));
    assert_eq!(ask(json!({"serial": serials[2]})).await.0, [serials[2].clone()]);
    assert_eq!(ask(json!({"digest": STANDARD.encode([3_u8; 32])})).await.0, [serials[3].clone()]);
    let mut twin = [3_u8; 32];
    twin[31] = 4;
    assert_eq!(ask(json!({"digest": STANDARD.encode(twin)})).await.0, [] as [String; 0], "only the first octets agree");
    let between = json!({"from": "2026-11-21T08:00:10Z", "until": "2026-11-21T08:00:30Z"});
    assert_eq!(ask(between).await.0, [serials[2].clone(), serials[1].clone()]);
    // Pages by key.
    let (first, next) = ask(json!({"limit": 2})).await;
    let (second, next) = ask(json!({"limit": 2, "after": next.unwrap()})).await;
    let (third, end) = ask(json!({"limit": 2, "after": next.unwrap()})).await;
    assert_eq!(([first, second, third].concat(), end), (newest_first, None));

    assert_eq!(house.https("tsa/find", json!({}), None).await.status, 401);
    let token = house.https("tsa/token", json!({"serial": serials[0]}), Some(&auditor)).await.json();
    let token = STANDARD.decode(token["token"].as_str().unwrap()).unwrap();
    let proof = house.get(&format!("/tsa/proof/{}", serials[0])).await;
    assert_eq!(proof.status, 200, "{}", String::from_utf8_lossy(&proof.body));
    let receipt: web::api::Receipt = serde_json::from_slice(&proof.body).unwrap();
    let root = house.get("/ca/sm2-root.cer").await.body;
    let now = house.app.clock().now();
    let facts = web::receipt::verify(&receipt, None, &[root], now).unwrap();
    assert_eq!(facts.entry.payload_digest, engine::sm3::hash(&token), "the entry's payload is the token");
    assert_eq!((facts.entry.object, facts.entry.event.as_str()), (serials[0].clone(), "tsa.stamped"));
    assert_eq!((facts.entry.tenant.as_str(), facts.entry.person.as_str()), ("public", "anyone"));
}

#[tokio::test]
async fn a_twin_answer_holds_both_tokens_over_one_imprint() {
    let house = House::trial().await;
    let answer = post(&house, "/tsa/twin", draft(Hash::Sha256, false)).await;
    assert_eq!(&answer.headers["content-type"], "application/vnd.yinxin.timestamp-twin");
    let mut both = crypto_pool::tlv::single(&answer.body, 0x30, "twin").unwrap().inside();
    let (sm2, ec) = (both.any().unwrap().whole, both.any().unwrap().whole);
    both.finish("twin").unwrap();
    let (sm2, ec) = (TstInfo::of_token(token_of(sm2)).unwrap(), TstInfo::of_token(token_of(ec)).unwrap());
    assert_eq!(sm2.imprint.digest(), ec.imprint.digest());
    assert_ne!(sm2.serial, ec.serial);
}

#[tokio::test]
async fn units_roll_by_themselves_and_are_announced_ahead() {
    let house = House::trial().await;
    let states = async |house: &House| {
        let units = house.https("tsa/units", json!({}), None).await.json();
        let mut all: Vec<String> = units["units"]
            .as_array()
            .unwrap()
            .iter()
            .map(|unit| format!("{} {}", unit["key"].as_str().unwrap(), unit["state"].as_str().unwrap()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(states(&house).await, ["ec signing", "sm2 signing"]);
    let old = post(&house, "/tsa", draft(Hash::Sm3, true)).await;
    let old = token(&old).to_vec();
    let day = Duration::from_secs(86_400);
    // 400 days of signing, the next announced 30 days before it begins, 7 days before the end.
    house.clock.advance(day * 362);
    house.app.roll_stamp_units().await.unwrap();
    assert_eq!(states(&house).await.len(), 2);
    house.clock.advance(day * 2);
    house.app.roll_stamp_units().await.unwrap();
    house.app.roll_stamp_units().await.unwrap();
    assert_eq!(states(&house).await, ["ec announced", "ec signing", "sm2 announced", "sm2 signing"]);
    let certs = String::from_utf8(house.get("/tsa/certs").await.body).unwrap();
    assert_eq!(certs.matches("announced").count(), 2);
    house.clock.advance(day * 40);
    house.app.roll_stamp_units().await.unwrap();
    assert_eq!(states(&house).await, ["ec retired", "ec signing", "sm2 retired", "sm2 signing"]);
    let house = house.restart().await;
    assert_eq!(states(&house).await, ["ec retired", "ec signing", "sm2 retired", "sm2 signing"]);
    // The retired unit's token is found, and its key signs no more.
    let serial = pki_config::Serial::from_der_content(TstInfo::of_token(&old).unwrap().serial).unwrap();
    assert_eq!(house.app.tsa().unwrap().token(&serial).await.unwrap().token, old);
    for unit in house.app.tsa().unwrap().units() {
        let state = house.app.kms().record(unit.key()).await.unwrap().state;
        let signs = unit.signs_at(house.app.clock().now());
        assert_eq!(state, if signs { KeyState::Active } else { KeyState::Retired });
    }
}

#[tokio::test]
async fn a_unit_whose_key_is_compromised_is_replaced_at_once() {
    let house = House::trial().await;
    let unit = house.app.tsa().unwrap().units().into_iter().find(|unit| unit.family() == tsa::Family::Sm2).unwrap();
    let manage = house.app.as_system(Permission::ManageIssuers).unwrap();
    house.app.kms().set_state(&manage, unit.key(), KeyState::Compromised).await.unwrap();
    assert_eq!(refused(&post(&house, "/tsa", draft(Hash::Sm3, false)).await), 25, "systemFailure");
    house.app.roll_stamp_units().await.unwrap();
    let answer = post(&house, "/tsa", draft(Hash::Sm3, false)).await;
    token(&answer);
}

#[tokio::test]
async fn one_address_cannot_use_up_the_authority() {
    let house = House::trial().await;
    let burst = house.app.config().tsa.burst;
    let mut refused = None;
    for n in 0..=burst {
        // Malformed on purpose: they count as well, and cost less here.
        let answer = post(&house, "/tsa", Vec::new()).await;
        if answer.status == 429 {
            refused = Some((n, answer));
            break;
        }
    }
    let (after, answer) = refused.expect("a limit");
    assert_eq!((after, kind(&answer)), (burst, "application/timestamp-reply"));
    assert!(answer.headers.contains_key("retry-after"));
    let request =
        Request::post("/tsa").header("content-type", QUERY).body(Body::from(draft(Hash::Sm3, false))).unwrap();
    let elsewhere = Peer::Http { address: "192.0.2.8:1".parse().unwrap() };
    assert_eq!(house.ask(Door::Http, elsewhere, request).await.status, 200);
}

#[tokio::test]
async fn mutated_requests_are_answered_and_never_break_anything() {
    let house = House::trial().await;
    let good = draft(Hash::Sm3, true);
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= change;
            let answer = post(&house, "/tsa", bad).await;
            assert_eq!(answer.status, 200, "octet {at}");
            assert!(answer.body.starts_with(&[0x30]));
        }
        house.clock.advance(Duration::from_millis(200));
    }
}

#[tokio::test]
async fn a_wrong_token_is_not_taken_for_nobody() {
    let house = House::trial().await;
    let request = |authorization: &str| {
        Request::builder()
            .method(Method::POST)
            .uri("/tsa")
            .header("content-type", QUERY)
            .header("authorization", authorization)
            .body(Body::from(draft(Hash::Sm3, false)))
            .unwrap()
    };
    assert_eq!(house.ask(Door::Https, stranger(), request("Bearer nonsense")).await.status, 401);
    let (id, secret) = house.officer("operator").await;
    let answer = house.ask(Door::Https, stranger(), request(&format!("Bearer {secret}"))).await;
    let info = TstInfo::of_token(token(&answer)).unwrap();
    let serial = pki_config::Serial::from_der_content(info.serial).unwrap();
    let stored = house.app.audit().find(&serial.to_string(), 1).await.unwrap().pop().unwrap();
    let entry = ledger::Entry::from_der(&stored.leaf).unwrap();
    assert_eq!((entry.person, entry.tenant.as_str()), (id, "house"));
}

/// `openssl` in `dir`; `None` if there is none.
fn openssl(dir: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let run = Command::new("openssl").current_dir(dir).args(arguments).output().ok()?;
    let said = [run.stdout, run.stderr].concat();
    Some((run.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn openssl_makes_the_request_and_verifies_the_answer() {
    let house = House::trial().await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("data"), "a contract").unwrap();
    std::fs::write(at("other"), "another contract").unwrap();
    std::fs::write(at("root.pem"), house.get("/ca/ec-root.pem").await.body).unwrap();
    std::fs::write(at("certs.pem"), house.get("/tsa/certs").await.body).unwrap();
    let when = (house.clock.now().unix_millis() / 1000).to_string();
    for (digest, certificates) in [("-sha256", true), ("-sha384", true), ("-sha512", false)] {
        let mut query = vec!["ts", "-query", "-data", "data", digest, "-out", "q.tsq"];
        query.extend(certificates.then_some("-cert"));
        let Some((made, said)) = openssl(dir.path(), &query) else {
            eprintln!("left out: no openssl to make requests and verify answers");
            return;
        };
        assert!(made, "{said}");
        let answer = post(&house, "/tsa", std::fs::read(at("q.tsq")).unwrap()).await;
        token(&answer);
        std::fs::write(at("r.tsr"), &answer.body).unwrap();
        let verify = |file: &'static str, reply: &'static str, by_query: bool| {
            let subject = if by_query { ["-queryfile", "q.tsq"] } else { ["-data", file] };
            let mut words = vec!["ts", "-verify", subject[0], subject[1], "-in", reply, "-CAfile", "root.pem"];
            words.extend(["-untrusted", "certs.pem", "-attime", &when]);
            openssl(dir.path(), &words).unwrap()
        };
        for by_query in [true, false] {
            let (good, said) = verify("data", "r.tsr", by_query);
            assert!(good, "{digest} {by_query}: {said}");
        }
        assert!(!verify("other", "r.tsr", false).0);
        let mut flipped = answer.body.clone();
        *flipped.last_mut().unwrap() ^= 1;
        std::fs::write(at("f.tsr"), &flipped).unwrap();
        assert!(!verify("data", "f.tsr", false).0, "a flipped bit of the signature");
    }
}
