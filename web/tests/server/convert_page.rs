//! The page that converts keys, without a browser: what it keeps, what it shows again, and who may use it.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request, header};
use crypto_pool::{KeyAlgorithm, OsRandom, backend, password};
use serde_json::json;

use crate::browser::{Browser, HOST, Person};
use crate::house::{Answer, House};

const OPENS: &str = "opens-what-is-given 31337";
const CHOSEN: &str = "chosen-for-the-new-file 31337";

/// A form as browsers send it: fields, and files under their names.
async fn send(browser: &Browser, csrf: &str, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields.iter().chain(&[("csrf", csrf)]) {
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (field, name, content) in files {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    let request = Request::builder()
        .method(Method::POST)
        .uri("/desk/convert")
        .header(header::HOST, HOST)
        .header(header::ORIGIN, format!("https://{HOST}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    browser.send(request.body(Body::from(body)).unwrap()).await
}

/// A new key, and the same under [`OPENS`].
fn key() -> (Vec<u8>, Vec<u8>) {
    let random = OsRandom::open().unwrap();
    let (key, _) = backend::generate_pkcs8(KeyAlgorithm::P256, &random).unwrap();
    let locked = password::encrypt_pkcs8(password::Suite::Ordinary, &key, OPENS, &random).unwrap();
    (key.to_vec(), locked)
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Whether a file below this folder has the bytes.
fn stored(folder: &Path, what: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { stored(&path, what) } else { path.is_file() && has(&std::fs::read(&path).unwrap(), what) }
    })
}

#[tokio::test]
async fn a_key_is_converted_for_an_officer_and_leaves_nothing_but_a_line_in_the_log() {
    let house = House::trial().await;
    let officer = Person::of(&house, "auditor").await;
    let csrf = officer.browser.csrf().await;
    let (key, locked) = key();
    // RFC 5915: version 1 and the private value, 32 octets.
    let at = key.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    let scalar = key[at..at + 32].to_vec();

    let fields = [("to", "pem"), ("passphrase", OPENS), ("new", CHOSEN), ("again", CHOSEN)];
    let answer = send(&officer.browser, &csrf, &fields, &[("file", "our key.p8", &locked)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let disposition = answer.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"our_key.pem\""), "{disposition}");
    let (label, der) = der::pem::decode_vec(&answer.body).unwrap();
    assert_eq!(label, "ENCRYPTED PRIVATE KEY");
    assert_eq!(password::decrypt_pkcs8(&der, CHOSEN).unwrap().as_slice(), key);
    assert!(password::decrypt_pkcs8(&der, OPENS).is_err());

    let log = house.socket("audit/search", json!({"event": "key.converted"})).await.json();
    assert_eq!((log["entries"].as_array().unwrap().len(), &log["entries"][0]["object"]), (1, &json!("pem")), "{log}");
    for secret in [scalar.as_slice(), OPENS.as_bytes(), CHOSEN.as_bytes()] {
        assert!(!stored(&house.data(), secret));
    }
}

#[tokio::test]
async fn what_is_refused_comes_back_with_the_reason_and_without_any_secret() {
    let house = House::trial().await;
    let officer = Person::of(&house, "operator").await;
    let csrf = officer.browser.csrf().await;
    let (key, locked) = key();
    let typed = |to, opens, again| [("to", to), ("passphrase", opens), ("new", CHOSEN), ("again", again)];
    for (fields, file, says) in [
        (typed("pem", "not the passphrase", CHOSEN), &locked[..], "口令不正确，或文件已损坏"),
        (typed("pem", "", CHOSEN), &locked, "请填写打开它的口令"),
        (typed("pem", OPENS, "chosen otherwise"), &locked, "两次填写的新口令不一致"),
        (typed("p12", OPENS, CHOSEN), &locked, "这种形式需要证书"),
        (typed("sdf", OPENS, CHOSEN), &locked, "私钥是明文；确实需要时请勾选"),
        (typed("pem", OPENS, CHOSEN), &locked[..locked.len() - 1], "不是私钥、证书"),
        (typed("pem", OPENS, CHOSEN), b"no key at all", "不是私钥、证书"),
        // A form without a file.
        (typed("pem", OPENS, CHOSEN), b"", "这种形式需要证书"),
        (typed("skf", OPENS, CHOSEN), &key, "私钥不是 SM2 密钥"),
    ] {
        let answer = send(&officer.browser, &csrf, &fields, &[("file", "a.key", file)]).await;
        let text = answer.text();
        assert_eq!(answer.status, 400, "{text}");
        assert!(text.contains(says) && text.contains("role=\"alert\""), "{says}: {text}");
        for secret in [OPENS, CHOSEN, "not the passphrase", "chosen otherwise"] {
            assert!(!text.contains(secret), "{secret} is shown again");
        }
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
    let log = house.socket("audit/search", json!({"event": "key.converted"})).await.json();
    assert!(log["entries"].as_array().unwrap().is_empty(), "{log}");
}

#[tokio::test]
async fn strangers_and_forms_of_elsewhere_are_turned_away_and_large_ones_are_not_read() {
    let house = House::trial().await;
    let (key, _) = key();
    let fields = [("to", "pem"), ("clear", "1")];
    let stranger = Browser::new(&house);
    let answer = send(&stranger, "", &fields, &[("file", "a.key", &key)]).await;
    assert!(answer.location().starts_with("/signin"), "{}", answer.status);
    let officer = Person::of(&house, "sealer").await;
    let answer = send(&officer.browser, "not the token", &fields, &[("file", "a.key", &key)]).await;
    assert!(answer.text().contains("FORM_EXPIRED"));
    let csrf = officer.browser.csrf().await;
    let large = vec![0; 5 << 20];
    let answer = send(&officer.browser, &csrf, &fields, &[("file", "a.key", &large)]).await;
    assert_eq!(answer.status, 413);
    // Certificates are read by those who may read them on other pages.
    let one = house.socket("cert/list", json!({"limit": 1})).await.json()["certificates"][0].clone();
    let (issuer, serial) = (one["issuer"].as_str().unwrap(), one["serial"].as_str().unwrap());
    let path = format!("/desk/convert?issuer={issuer}&serial={serial}");
    assert_eq!(officer.browser.get(&path).await.status, 403);
    assert_eq!(Person::of(&house, "auditor").await.browser.get(&path).await.status, 200);
    let named = [("to", "p7b"), ("issuer", issuer), ("serial", serial)];
    assert_eq!(send(&officer.browser, &csrf, &named, &[("file", "a.key", &key)]).await.status, 403);
}
