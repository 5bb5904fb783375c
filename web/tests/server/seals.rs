//! Seals through the real routers: their life, seals on documents, what is told of them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca::OwnRequest;
use crypto_pool::path::Cert;
use crypto_pool::{PublicKey, SignatureAlgorithm, tlv};
use engine::sm2::PrivateKey;
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::{Permission, Setup, authorize};
use pki_config::{Actor, Channel, IssuerId, Role};
use serde_json::{Value, json};
use web::router::Door;

use crate::house::{Answer, House, stranger};

/// A PDF of this many A4 pages, each with a text.
pub fn pdf(pages: usize, text: &str) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    objects.push(format!("<< /Type /Pages /Count {pages} /Kids [{}] >>", kids.join(" ")));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned());
    for page in 0..pages {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * page
        ));
        let content = format!("BT /F1 24 Tf 72 700 Td ({text} {page}) Tj ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let (mut file, mut places) = (b"%PDF-1.7\n".to_vec(), Vec::new());
    for (number, object) in (1..).zip(&objects) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|at| file.extend(format!("{at:010} 00000 n \n").bytes()));
    let size = objects.len() + 1;
    file.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

fn application(name: &str) -> Value {
    json!({"name": name, "picture": {"drawn": {"shape": "round"}}})
}

/// A seal in use, made by the owner of the directory in one step.
pub async fn enabled(house: &House, name: &str) -> String {
    let made = house.socket("seal/create", application(name)).await;
    assert_eq!(made.status, 200, "{}", text(&made));
    assert_eq!(made.json()["state"], "enabled");
    made.json()["id"].as_str().unwrap().to_owned()
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).chars().take(600).collect()
}

fn at(x: u32, y: u32) -> Value {
    json!([{"at": {"pages": {"these": [1]}, "x": x, "y": y}}])
}

fn order(seal: &str, request: &str) -> Value {
    json!({"seal": seal, "places": at(100, 100), "request": request})
}

async fn sign(house: &House, order: Value, document: &[u8]) -> Answer {
    house.socket("seal/sign", json!({"order": order, "document": STANDARD.encode(document)})).await
}

fn document(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", text(answer));
    STANDARD.decode(answer.json()["document"].as_str().unwrap()).unwrap()
}

/// How often the log says that this seal was used.
async fn uses(house: &House, seal: &str) -> usize {
    let found = house.app.audit().find(seal, 1000).await.unwrap();
    let events = found.iter().map(|stored| ledger::Entry::from_der(&stored.leaf).unwrap());
    events.filter(|entry| entry.event == "seal.used" && entry.outcome == "done").count()
}

#[tokio::test]
async fn a_seal_takes_two_persons_and_every_step_is_in_the_log() {
    let house = House::trial().await;
    let (_, first) = house.officer("ra-officer").await;
    let (second_id, second) = house.officer("ra-officer").await;
    let (_, sealer) = house.officer("sealer").await;
    let call = |verb: &'static str, body: Value, who: &str| {
        let (house, who) = (&house, who.to_owned());
        async move { house.https(verb, body, Some(&who)).await }
    };
    let applied = call("seal/apply", application("示例公司合同专用章"), &sealer).await.json();
    let seal = json!({"seal": applied["id"]});
    assert_eq!(
        (applied["state"].as_str(), applied["may"].as_array().unwrap().len()),
        (Some("applied"), 0),
        "{applied}"
    );
    // Not whoever has no right, and not whoever applied.
    assert_eq!(call("seal/approve", seal.clone(), &sealer).await.code(), "FORBIDDEN");
    let own = call("seal/apply", application("另一枚"), &first).await.json();
    let own = json!({"seal": own["id"]});
    assert_eq!(call("seal/approve", own.clone(), &first).await.code(), "SAME_OFFICER");
    assert_eq!(call("seal/review", own.clone(), &first).await.code(), "SAME_OFFICER");
    // A reviewer does not approve what they reviewed.
    assert_eq!(call("seal/review", seal.clone(), &first).await.json()["state"], "reviewed");
    assert_eq!(call("seal/approve", seal.clone(), &first).await.code(), "SAME_OFFICER");
    assert_eq!(call("seal/enable", seal.clone(), &second).await.code(), "SEAL_STATE");
    let made = call("seal/approve", seal.clone(), &second).await.json();
    assert_eq!((made["state"].as_str(), made["version"].as_u64()), (Some("made"), Some(1)), "{made}");
    let enabled = call("seal/enable", seal.clone(), &first).await.json();
    assert_eq!(enabled["state"], "enabled", "{enabled}");
    let states: Vec<_> = enabled["steps"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "reviewed", "approved", "made", "enabled"]);
    assert_eq!(enabled["steps"][2]["person"], second_id.as_str());
    assert!(enabled["steps"].as_array().unwrap().iter().all(|step| step["one_step"] == false));
    let found = house.app.audit().find(enabled["id"].as_str().unwrap(), 100).await.unwrap();
    let mut events: Vec<_> = found.iter().map(|s| ledger::Entry::from_der(&s.leaf).unwrap().event).collect();
    events.sort_unstable();
    assert_eq!(events, ["seal.approved", "seal.enabled", "seal.made", "seal.requested", "seal.reviewed"]);
    let report = house.socket("audit/verify", json!({})).await.json();
    assert_eq!(report["ok"], true, "{report}");
}

#[tokio::test]
async fn in_a_trial_one_person_makes_a_seal_and_the_log_says_so_and_in_production_nobody_does() {
    let house = House::trial().await;
    let seal = enabled(&house, "试用章").await;
    let shown = house.socket("seal/show", json!({"seal": seal})).await.json();
    assert!(shown["steps"].as_array().unwrap().iter().all(|step| step["one_step"] == true), "{shown}");
    let production = House::production().await;
    assert_eq!(production.socket("seal/create", application("x")).await.code(), "FORBIDDEN");
    for role in Role::ACCOUNTS {
        let actor = Actor::new(pki_config::TenantId::house(), "x", role, Channel::Https);
        assert!(authorize(&actor, Permission::MakeSeal, Setup::Production).is_err(), "{role}");
    }
}

#[tokio::test]
async fn the_same_request_is_answered_with_the_same_document_and_one_signature() {
    let house = House::trial().await;
    let seal = enabled(&house, "合同专用章").await;
    let paper = pdf(2, "Contract");
    let first = sign(&house, order(&seal, "r-1"), &paper).await;
    let sealed = document(&first);
    assert!(sealed.len() > paper.len() && sealed.starts_with(&paper), "an incremental update");
    // Time has passed: the answer is the same all the same.
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(document(&sign(&house, order(&seal, "r-1"), &paper).await), sealed);
    assert_eq!(uses(&house, &seal).await, 1);
    // Another document, another place: refused under this id, whatever it is.
    let other = sign(&house, order(&seal, "r-1"), &pdf(3, "Contract")).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "REQUEST_REUSED"));
    let moved = json!({"seal": seal, "places": at(20, 20), "request": "r-1"});
    assert_eq!(sign(&house, moved, &paper).await.code(), "REQUEST_REUSED");
    assert_eq!(uses(&house, &seal).await, 1);
    let list = house.socket("seal/uses", json!({"seal": seal})).await.json();
    assert_eq!((list["uses"].as_array().unwrap().len(), &list["uses"][0]["request"]), (1, &json!("r-1")));
}

#[tokio::test]
async fn the_same_request_many_times_at_once_is_one_signature() {
    let house = House::trial().await;
    let seal = enabled(&house, "合同专用章").await;
    let paper = pdf(1, "At once");
    let ask = || sign(&house, order(&seal, "same"), &paper);
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    let sealed = document(&answers.0);
    for other in [&answers.1, &answers.2, &answers.3] {
        assert!(document(other) == sealed, "another document");
    }
    assert_eq!(uses(&house, &seal).await, 1);
}

#[tokio::test]
async fn a_seal_that_is_not_in_use_seals_nothing_and_its_status_is_told_under_signature() {
    let house = House::trial().await;
    let seal = enabled(&house, "财务专用章").await;
    let paper = pdf(1, "Invoice");
    let status = || house.https("seal/status", json!({"seal": seal}), None);
    let told = status().await.json();
    assert_eq!(told["status"], "valid", "{told}");
    signed_by_its_maker(&told, "valid");
    document(&sign(&house, order(&seal, "before"), &paper).await);
    house.clock.advance(Duration::from_secs(5));
    let since = house.socket("seal/suspend", json!({"seal": seal, "reason": "lost token"})).await.json();
    assert_eq!((since["state"].as_str(), since["reason"].as_str()), (Some("suspended"), Some("lost token")));
    assert_eq!(sign(&house, order(&seal, "after"), &paper).await.code(), "SEAL_STATE");
    // What was signed before can still be had.
    document(&sign(&house, order(&seal, "before"), &paper).await);
    let told = status().await.json();
    assert_eq!((told["status"].as_str(), told["since"].as_str()), (Some("suspended"), since["since"].as_str()));
    signed_by_its_maker(&told, "suspended");
    house.socket("seal/enable", json!({"seal": seal})).await;
    document(&sign(&house, order(&seal, "again"), &paper).await);
    house.clock.advance(Duration::from_secs(5));
    let revoked = house.socket("seal/revoke", json!({"seal": seal, "reason": "wound up"})).await.json();
    assert_eq!(sign(&house, order(&seal, "last"), &paper).await.code(), "SEAL_STATE");
    assert_eq!(house.socket("seal/enable", json!({"seal": seal})).await.code(), "SEAL_STATE");
    house.clock.advance(Duration::from_secs(5));
    let destroyed = house.socket("seal/destroy", json!({"seal": seal})).await.json();
    assert_eq!((&destroyed["state"], &destroyed["picture"]), (&json!("destroyed"), &Value::Null), "{destroyed}");
    let told = status().await.json();
    assert_eq!((told["status"].as_str(), told["since"].as_str()), (Some("revoked"), revoked["since"].as_str()));
    let keys = house.app.kms().list(&pki_config::TenantId::house()).await.unwrap();
    let signers = keys.iter().filter(|key| key.purpose == crypto_pool::Purpose::SealSigner);
    // All but the one that signs reports.
    let (reporter, _) = house.app.eseal().unwrap().reporter().unwrap();
    let mut left = signers.filter(|key| key.id != reporter);
    assert!(left.all(|key| key.state == crypto_pool::KeyState::Destroyed));
    let unknown = house.https("seal/status", json!({"seal": "0".repeat(32)}), None).await;
    assert_eq!(unknown.code(), "NOT_FOUND");
}

/// Read here by hand, as a third party would.
fn signed_by_its_maker(told: &Value, word: &str) {
    let der = STANDARD.decode(told["signed"].as_str().unwrap()).unwrap();
    let mut fields = tlv::single(&der, tlv::SEQUENCE, "status").unwrap().inside();
    let tbs = fields.expect(tlv::SEQUENCE, "tbs").unwrap();
    let cert = Cert::from_der(fields.expect(tlv::OCTET_STRING, "cert").unwrap().value).unwrap();
    fields.expect(tlv::OID, "algorithm").unwrap();
    let signature = fields.expect(tlv::BIT_STRING, "signature").unwrap().whole_bits().unwrap();
    let key: &PublicKey = cert.public_key().unwrap();
    assert!(key.verify(SignatureAlgorithm::Sm2Sm3, tbs.whole, signature));
    let mut changed = tbs.whole.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert!(!key.verify(SignatureAlgorithm::Sm2Sm3, &changed, signature));
    let mut inside = tbs.inside();
    inside.expect(tlv::IA5_STRING, "type").unwrap();
    inside.expect(tlv::INTEGER, "version").unwrap();
    assert_eq!(inside.expect(tlv::IA5_STRING, "id").unwrap().value, told["seal"].as_str().unwrap().as_bytes());
    assert_eq!(inside.expect(tlv::IA5_STRING, "status").unwrap().value, word.as_bytes());
}

#[tokio::test]
async fn another_tenant_finds_nothing_and_seals_nothing() {
    let house = House::trial().await;
    let seal = enabled(&house, "本单位章").await;
    let other = Actor::new("other".parse().unwrap(), "ab".repeat(16), Role::Sealer, Channel::Https);
    let may = |permission| authorize(&other, permission, Setup::Trial).unwrap();
    let (eseal, id) = (house.app.eseal().unwrap(), seal.parse().unwrap());
    let shown = eseal.show(&may(Permission::ReadSeals), id).await;
    assert!(matches!(shown, Err(eseal::Error::UnknownSeal)), "{shown:?}");
    let listed = eseal.list(&may(Permission::ReadSeals), eseal::SealQuery { limit: 10, ..Default::default() }).await;
    assert!(listed.unwrap().0.is_empty());
    let order = eseal::Order {
        seal: *id.as_bytes(),
        places: Vec::new(),
        form: eseal::core::order::Form::Seal,
        level: eseal::Level::BB,
        stamp: false,
        reason: None,
        location: None,
    };
    let sealed = eseal.seal(&may(Permission::UseSeal), &order, None, None, pdf(1, "x").into()).await;
    assert!(matches!(sealed, Err(eseal::Error::UnknownSeal)), "{sealed:?}");
    let hashed = eseal.seal_hash(&may(Permission::UseSeal), id, (&[7; 32], "/x"), false, None, None).await;
    assert!(matches!(hashed, Err(eseal::Error::UnknownSeal)), "{hashed:?}");
}

#[tokio::test]
async fn only_the_officers_that_a_seal_names_may_use_it() {
    let house = House::trial().await;
    let (named, token) = house.officer("sealer").await;
    let (_, stranger) = house.officer("sealer").await;
    let ask = json!({"name": "专人章", "picture": {"drawn": {"shape": "oval"}}, "users": [named]});
    let seal = house.socket("seal/create", ask).await.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"order": order(&seal, "u-1"), "document": STANDARD.encode(pdf(1, "x"))});
    assert_eq!(house.https("seal/sign", body.clone(), Some(&stranger)).await.code(), "SEAL_NOT_YOURS");
    assert_eq!(house.https("seal/sign", body, Some(&token)).await.status, 200);
}

#[tokio::test]
async fn a_batch_tells_of_each_file_by_itself() {
    let house = House::trial().await;
    let seal = enabled(&house, "批量章").await;
    let files = [("a.pdf", pdf(1, "A")), ("b.txt", b"no document".to_vec()), ("c.pdf", pdf(2, "C"))];
    let documents: Vec<Value> =
        files.iter().map(|(name, bytes)| json!({"name": name, "document": STANDARD.encode(bytes)})).collect();
    let ask = json!({"order": order(&seal, "batch"), "documents": documents});
    let done = house.socket("seal/batch", ask.clone()).await.json();
    assert_eq!((done["sealed"].as_u64(), done["failed"].as_u64()), (Some(2), Some(1)), "{done}");
    assert_eq!(done["files"][1]["problem"]["code"], "DOCUMENT_REFUSED");
    assert_eq!(done["files"][2]["sealed"]["request"], "batch.3");
    // Again: nothing is signed twice.
    let again = house.socket("seal/batch", ask).await.json();
    assert_eq!(again["files"][0]["sealed"]["document"], done["files"][0]["sealed"]["document"]);
    assert_eq!(uses(&house, &seal).await, 2);
}

#[tokio::test]
async fn a_digest_is_sealed_without_its_document() {
    let house = House::trial().await;
    let seal = enabled(&house, "杂凑章").await;
    let ask = json!({"seal": seal, "digest": STANDARD.encode([9; 32]), "property": "/Doc_0/Signs/Sign_0/Signature.xml",
        "request": "h"});
    let done = house.socket("seal/hash", ask.clone()).await;
    assert_eq!(done.status, 200, "{}", text(&done));
    let value = STANDARD.decode(done.json()["signature"].as_str().unwrap()).unwrap();
    let read = eseal::core::ses::SealSignature::read(&value).unwrap();
    assert_eq!(read.data_hash, [9; 32]);
    assert!(read.time_stamp.is_some());
    assert_eq!(house.socket("seal/hash", ask).await.json()["signature"], done.json()["signature"]);
    let short = json!({"seal": seal, "digest": "AAAA", "property": "/x"});
    assert_eq!(house.socket("seal/hash", short).await.code(), "BAD_REQUEST");
    assert_eq!(uses(&house, &seal).await, 1);
}

/// A holder whose key is not ours.
async fn holder(house: &House, key: &PrivateKey, name: &str) -> Vec<u8> {
    let head =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00";
    let request = OwnRequest {
        spki: [&head[..], &key.public().to_sec1()].concat(),
        subject: DistinguishedName::common_name(name).unwrap(),
        sans: SubjectAltName::default(),
        profile: "seal-signer".to_owned(),
        issuer: IssuerId::well_known(WellKnownIssuer::Sm2Issuing),
        days: None,
    };
    let issue = house.app.as_system(Permission::IssueCertificate).unwrap();
    house.app.ca().issue_for_key(&issue, request).await.unwrap().der
}

#[tokio::test]
async fn a_key_held_elsewhere_signs_in_two_steps() {
    let house = House::trial().await;
    let key = PrivateKey::from_seed(&[3; 64]);
    let cert = holder(&house, &key, "持有人").await;
    let ask =
        json!({"name": "外部密钥章", "picture": {"drawn": {"shape": "square"}}, "holders": [STANDARD.encode(&cert)]});
    let made = house.socket("seal/create", ask).await;
    assert_eq!(made.status, 200, "{}", text(&made));
    let seal = made.json()["id"].as_str().unwrap().to_owned();
    let paper = STANDARD.encode(pdf(1, "Two steps"));
    // The house has no key to seal it with.
    let at_once = json!({"order": order(&seal, "x"), "document": paper});
    assert_eq!(house.socket("seal/sign", at_once).await.code(), "BAD_REQUEST");
    let prepare = json!({"order": order(&seal, "two"), "document": paper});
    let prepared = house.socket("seal/prepare", prepare.clone()).await;
    assert_eq!(prepared.status, 200, "{}", text(&prepared));
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(house.socket("seal/prepare", prepare).await.json(), prepared.json(), "asked again");
    let to_sign = STANDARD.decode(prepared.json()["to_sign"].as_str().unwrap()).unwrap();
    let mut digest = key.public().prehasher();
    digest.update(&to_sign);
    assert_eq!(prepared.json()["digest"], STANDARD.encode(digest.finalize()));
    let finish = |signature: &[u8], paper: &str| {
        house.socket(
            "seal/finish",
            json!({"request": "two", "signature": STANDARD.encode(signature), "document": paper}),
        )
    };
    // Somebody else's key, another document, nothing prepared.
    let foreign = PrivateKey::from_seed(&[4; 64]).sign(&to_sign, &[1; 32]);
    assert_eq!(finish(&foreign.to_der(), &paper).await.code(), "SIGNATURE_WRONG");
    let signature = key.sign(&to_sign, &[2; 32]);
    assert_eq!(finish(&signature.to_der(), &STANDARD.encode(pdf(2, "x"))).await.code(), "REQUEST_REUSED");
    let none = json!({"request": "none", "signature": STANDARD.encode(signature.to_der()), "document": paper});
    assert_eq!(house.socket("seal/finish", none).await.code(), "NOT_FOUND");
    assert_eq!(uses(&house, &seal).await, 0);
    let sealed = document(&finish(&signature.to_raw(), &paper).await);
    assert_eq!(document(&finish(&signature.to_der(), &paper).await), sealed, "asked again, in the other form");
    assert_eq!(uses(&house, &seal).await, 1);
}

#[tokio::test]
async fn what_was_prepared_is_not_finished_too_late() {
    let house = House::trial().await;
    let key = PrivateKey::from_seed(&[3; 64]);
    let cert = holder(&house, &key, "持有人").await;
    let ask =
        json!({"name": "外部密钥章", "picture": {"drawn": {"shape": "square"}}, "holders": [STANDARD.encode(&cert)]});
    let seal = house.socket("seal/create", ask).await.json()["id"].as_str().unwrap().to_owned();
    let paper = STANDARD.encode(pdf(1, "Late"));
    let prepare = json!({"order": order(&seal, "late"), "document": paper});
    let prepared = house.socket("seal/prepare", prepare).await.json();
    let to_sign = STANDARD.decode(prepared["to_sign"].as_str().unwrap()).unwrap();
    let signature = STANDARD.encode(key.sign(&to_sign, &[2; 32]).to_der());
    house.clock.advance(Duration::from_secs(15 * 60 + 1));
    let finish = json!({"request": "late", "signature": signature, "document": paper});
    assert_eq!(house.socket("seal/finish", finish).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn holders_certificates_are_renewed_for_the_same_subject_only() {
    let house = House::trial().await;
    let key = PrivateKey::from_seed(&[3; 64]);
    let cert = holder(&house, &key, "持有人").await;
    let ask = json!({"name": "外部密钥章", "picture": {"drawn": {"shape": "square"}}, "holders": [STANDARD.encode(&cert)],
        "holders_by_digest": true});
    let made = house.socket("seal/create", ask).await.json();
    let (_, other) = house.officer("ra-officer").await;
    let renew = |cert: Vec<u8>| {
        house.https("seal/renew", json!({"seal": made["id"], "holders": [STANDARD.encode(cert)]}), Some(&other))
    };
    let foreign = holder(&house, &PrivateKey::from_seed(&[5; 64]), "别人").await;
    assert_eq!(renew(foreign).await.code(), "HOLDER_REFUSED");
    let next = holder(&house, &PrivateKey::from_seed(&[6; 64]), "持有人").await;
    let renewed = renew(next.clone()).await.json();
    assert_eq!((renewed["version"].as_u64(), renewed["state"].as_str()), (Some(2), Some("enabled")), "{renewed}");
    assert_ne!(renewed["seal"], made["seal"]);
    let seal = STANDARD.decode(renewed["seal"].as_str().unwrap()).unwrap();
    let digest = engine::sm3::hash(&next);
    assert!(seal.windows(32).any(|window| window == digest), "the new holder's digest");
}

#[tokio::test]
async fn a_seal_of_ours_is_made_again_before_its_signers_certificate_ends() {
    let house = House::trial().await;
    let seal = enabled(&house, "长期章").await;
    let paper = pdf(1, "Renewed");
    let first = document(&sign(&house, order(&seal, "old"), &paper).await);
    house.clock.advance(Duration::from_secs(400 * 86_400));
    house.app.look_after_seals().await.unwrap();
    assert_eq!(house.socket("seal/show", json!({"seal": seal})).await.json()["version"], 1, "not due yet");
    house.clock.advance(Duration::from_secs(100 * 86_400));
    house.app.renew_own().await.unwrap();
    let shown = house.socket("seal/show", json!({"seal": seal})).await.json();
    assert_eq!((shown["version"].as_u64(), shown["state"].as_str()), (Some(2), Some("enabled")), "{shown}");
    document(&sign(&house, order(&seal, "new"), &paper).await);
    // What was sealed with the old certificate can still be had as it was.
    assert!(document(&sign(&house, order(&seal, "old"), &paper).await) == first);
}

#[tokio::test]
async fn a_file_is_sealed_as_multipart_and_comes_back_as_a_file() {
    let house = House::trial().await;
    let seal = enabled(&house, "文件章").await;
    let (_, token) = house.officer("sealer").await;
    let paper = pdf(2, "Multipart");
    let body = |origin: Option<&str>, token: &str, parts: &[(&str, &[u8])]| {
        let mut body = Vec::new();
        for (name, content) in parts {
            let head =
                format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.pdf\"\r\n\r\n");
            body.extend(head.bytes().chain(content.iter().copied()).chain(*b"\r\n"));
        }
        body.extend(b"--frontier--\r\n");
        let mut request = Request::post("/api/v1/seal/sign")
            .header("content-type", "multipart/form-data; boundary=frontier")
            .header("host", "localhost:8443")
            .header("authorization", format!("Bearer {token}"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.body(Body::from(body)).unwrap()
    };
    let order = order(&seal, "m").to_string();
    let parts: [(&str, &[u8]); 2] = [("order", order.as_bytes()), ("document", &paper)];
    let sealed = house.ask(Door::Https, stranger(), body(None, &token, &parts)).await;
    assert_eq!(sealed.status, 200, "{}", text(&sealed));
    assert_eq!(sealed.headers["content-type"], "application/pdf");
    let receipt: Value = serde_json::from_slice(sealed.headers["x-seal-use"].as_bytes()).unwrap();
    assert_eq!(receipt["request"], "m");
    let json = sign(&house, serde_json::from_str(&order).unwrap(), &paper).await;
    assert!(document(&json) == sealed.body, "the same as in JSON");
    let foreign = house.ask(Door::Https, stranger(), body(Some("https://evil.cn"), &token, &parts)).await;
    assert_eq!(foreign.code(), "FOREIGN_ORIGIN");
    let unknown = house.ask(Door::Https, stranger(), body(None, "none", &parts)).await;
    assert_eq!(unknown.code(), "UNAUTHENTICATED");
    let large = pdf(1, &"x".repeat(3_000_000));
    let parts: [(&str, &[u8]); 2] = [("order", order.as_bytes()), ("document", &large)];
    let other = house.ask(Door::Https, stranger(), body(None, &token, &parts)).await;
    assert_eq!(other.code(), "REQUEST_REUSED", "read whole, and not the document of this request id");
    let huge = vec![b'x'; (32 << 20) + 1];
    let parts: [(&str, &[u8]); 2] = [("order", order.as_bytes()), ("document", &huge)];
    assert_eq!(house.ask(Door::Https, stranger(), body(None, &token, &parts)).await.code(), "TOO_LARGE");
    let odd: [(&str, &[u8]); 1] = [("something", b"x")];
    assert_eq!(house.ask(Door::Https, stranger(), body(None, &token, &odd)).await.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn a_revoked_signers_certificate_seals_nothing_until_it_is_renewed() {
    let house = House::trial().await;
    let seal = enabled(&house, "证书章").await;
    let shown = house.socket("seal/show", json!({"seal": seal})).await.json();
    let pem = shown["certificates"][0].as_str().unwrap();
    let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
    let serial = pki_config::Serial::from_der_content(Cert::from_der(&der).unwrap().serial()).unwrap();
    let revoke = json!({"serial": serial.to_string(), "reason": "keyCompromise"});
    assert_eq!(house.socket("cert/revoke", revoke).await.status, 200);
    let refused = sign(&house, order(&seal, "r"), &pdf(1, "x")).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "SEAL_UNREADY"));
    assert_eq!(uses(&house, &seal).await, 0);
    house.app.look_after_seals().await.unwrap();
    document(&sign(&house, order(&seal, "r"), &pdf(1, "x")).await);
}

#[tokio::test]
async fn applications_that_make_no_sense_are_refused_by_name() {
    let house = House::trial().await;
    let drawn = json!({"drawn": {"shape": "round"}});
    for (change, code) in [
        (json!({"name": "", "picture": drawn}), "SEAL_REFUSED"),
        (json!({"name": "章", "picture": {"drawn": {"shape": "star"}}}), "PICTURE_REFUSED"),
        (json!({"name": "章", "picture": {"upload": {"data": "!"}}}), "BAD_REQUEST"),
        (json!({"name": "章", "picture": {"upload": {"data": "AAAA"}}}), "PICTURE_REFUSED"),
        (json!({"name": "章", "picture": drawn, "kind": "royal"}), "SEAL_REFUSED"),
        (json!({"name": "章", "picture": drawn, "valid_until": "2020-01-01T00:00:00Z"}), "SEAL_REFUSED"),
        (json!({"name": "章", "picture": drawn, "users": ["nobody"]}), "SEAL_REFUSED"),
        (json!({"name": "章", "picture": drawn, "holders": ["AAAA"]}), "HOLDER_REFUSED"),
        (json!({"name": "章", "picture": drawn, "owner": "长".repeat(90)}), "SEAL_REFUSED"),
        (json!({"name": "章", "picture": drawn, "colour": "red"}), "BAD_REQUEST"),
    ] {
        let answer = house.socket("seal/create", change.clone()).await;
        assert_eq!(answer.code(), code, "{change}: {}", text(&answer));
    }
    let list = house.socket("seal/list", json!({})).await.json();
    assert_eq!(list["seals"].as_array().unwrap().len(), 0, "nothing is kept of them");
}

#[tokio::test]
async fn a_sealed_document_verifies_for_anybody_and_a_changed_one_does_not() {
    let house = House::trial().await;
    let seal = enabled(&house, "验证章").await;
    let paper = pdf(1, "Verify");
    for form in ["seal", "cms", "pades"] {
        let mut order = order(&seal, form);
        order["form"] = json!(form);
        let sealed = document(&sign(&house, order, &paper).await);
        let verify = |bytes: &[u8]| house.https("seal/verify", json!({"document": STANDARD.encode(bytes)}), None);
        let report = verify(&sealed).await.json();
        assert_eq!(report["verdict"], "valid", "{form}: {report}");
        assert_eq!(report["signatures"].as_array().unwrap().len(), 1);
        let mut changed = sealed.clone();
        let at = changed.windows(6).position(|window| window == b"Verify").unwrap();
        changed[at] = b'W';
        assert_eq!(verify(&changed).await.json()["verdict"], "invalid", "{form}");
    }
    let esl = house.socket("seal/show", json!({"seal": seal})).await.json()["seal"].clone();
    let report = house.https("seal/verify", json!({"document": esl}), None).await.json();
    assert_eq!(report["verdict"], "valid", "{report}");
    assert_eq!(house.https("seal/verify", json!({"document": "AAAA"}), None).await.code(), "DOCUMENT_REFUSED");
}

#[tokio::test]
async fn a_report_is_a_signed_pdf_that_verifies_itself() {
    let house = House::trial().await;
    let seal = enabled(&house, "报告章").await;
    let sealed = document(&sign(&house, order(&seal, "r"), &pdf(1, "Report")).await);
    let ask = json!({"document": STANDARD.encode(&sealed), "name": "合同.pdf"});
    let answer = house.https("seal/report", ask, None).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    let report = answer.json()["data"].as_str().unwrap().to_owned();
    let judged = house.https("seal/verify", json!({"document": report}), None).await.json();
    assert_eq!(judged["verdict"], "valid", "{judged}");
}

#[tokio::test]
async fn a_document_that_is_to_last_carries_what_its_verifiers_need() {
    let house = House::trial().await;
    let seal = enabled(&house, "长期章").await;
    let mut order = order(&seal, "lt");
    order["form"] = json!("pades");
    order["level"] = json!("b-lt");
    let sealed = document(&sign(&house, order, &pdf(1, "Lasting")).await);
    assert!(sealed.windows(4).any(|window| window == b"/DSS"));
    let report = house.https("seal/verify", json!({"document": STANDARD.encode(&sealed)}), None).await.json();
    assert_eq!(report["verdict"], "valid", "{report}");
}

#[tokio::test]
async fn strangers_of_one_address_verify_so_many_documents_and_no_more() {
    let house = House::with(|config| {
        config.eseal.verify_rate = 1;
        config.eseal.verify_burst = 2;
    })
    .await;
    let ask = || house.https("seal/verify", json!({"document": "AAAA"}), None);
    assert_eq!(ask().await.code(), "DOCUMENT_REFUSED");
    assert_eq!(ask().await.code(), "DOCUMENT_REFUSED");
    assert_eq!(ask().await.code(), "VERIFY_RATE");
    assert_eq!(house.socket("seal/verify", json!({"document": "AAAA"})).await.code(), "DOCUMENT_REFUSED");
}

/// A body that tells whether anybody wanted it.
struct Watched {
    read: std::sync::Arc<std::sync::atomic::AtomicBool>,
    left: Option<axum::body::Bytes>,
}

impl hyper::body::Body for Watched {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        self.read.store(true, std::sync::atomic::Ordering::Relaxed);
        std::task::Poll::Ready(self.left.take().map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_before_anything_of_the_document_is_read() {
    let house = House::with(|config| {
        config.eseal.verify_rate = 1;
        config.eseal.verify_burst = 1;
    })
    .await;
    let form = "multipart/form-data; boundary=frontier";
    for (number, (call, kind)) in [
        ("seal/verify", "application/json"),
        ("seal/verify", form),
        ("seal/report", form),
        ("seal/report", "application/json"),
    ]
    .into_iter()
    .enumerate()
    {
        let read = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = read.clone();
        let body = Watched { read: seen, left: Some("{\"document\": \"AAAA\"}".into()) };
        let request = Request::post(format!("/api/v1/{call}")).header("content-type", kind);
        let answer = house.ask(Door::Https, stranger(), request.body(Body::new(body)).unwrap()).await;
        let was_read = read.load(std::sync::atomic::Ordering::Relaxed);
        match number {
            0 => assert!(was_read && answer.code() == "DOCUMENT_REFUSED", "the first is heard: {}", text(&answer)),
            _ => assert!(!was_read && answer.code() == "VERIFY_RATE", "{call} {kind}: {}", text(&answer)),
        }
    }
}
