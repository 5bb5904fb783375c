//! Passkeys at the portal, with an authenticator made of the library's ECDSA.

use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::browser::{Browser, Person};
use crate::house::{Answer, House};

/// A device with one passkey for `localhost`.
struct Device {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn client_data(kind: &str, challenge: &str) -> Vec<u8> {
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://localhost:8443","crossOrigin":false}}"#)
        .into_bytes()
}

fn head(flags: u8) -> Vec<u8> {
    let mut data = digest::digest(&digest::SHA256, b"localhost").as_ref().to_vec();
    data.extend([flags, 0, 0, 0, 0]);
    data
}

impl Device {
    fn new(credential: &[u8]) -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
        Self { key, credential: credential.to_vec() }
    }

    /// What `navigator.credentials.create` gives: attested data with the key as RFC 9053 7.1.1 writes it.
    fn created(&self, challenge: &str) -> [(&'static str, String); 2] {
        let point = self.key.public_key().as_ref();
        let mut data = head(0x45);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        [("client_data", text(&client_data("webauthn.create", challenge))), ("authenticator_data", text(&data))]
    }

    /// What `navigator.credentials.get` gives.
    fn shown(&self, challenge: &str) -> [(&'static str, String); 4] {
        let (client, data) = (client_data("webauthn.get", challenge), head(0x05));
        let message = [&data[..], digest::digest(&digest::SHA256, &client).as_ref()].concat();
        let signed = self.key.sign(&SystemRandom::new(), &message).unwrap();
        [
            ("credential", text(&self.credential)),
            ("client_data", text(&client)),
            ("authenticator_data", text(&data)),
            ("signature", text(signed.as_ref())),
        ]
    }
}

fn borrowed<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn challenge(browser: &Browser) -> String {
    let page = browser.get("/signin").await.text();
    page.split("data-challenge=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn sign_in(browser: &Browser, device: &Device, challenge: &str) -> Answer {
    browser.bare_post("/signin/passkey", &borrowed(&device.shown(challenge))).await
}

/// The first administrator, by a passkey instead of a password.
async fn administrator(house: &House, device: &Device) -> Browser {
    let browser = Browser::new(house);
    let secret = house.secret();
    let invited = browser.api("officer/invited", json!({"secret": secret})).await.json();
    let made = device.created(invited["challenge"].as_str().unwrap());
    let mut fields = borrowed(&made);
    fields.extend([("secret", secret.as_str()), ("how", "passkey"), ("name", "laptop"), ("person", "Han Meimei")]);
    let claimed = browser.bare_post("/setup/claim", &fields).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text());
    browser
}

#[tokio::test]
async fn a_link_becomes_a_passkey_that_signs_in_and_the_first_administrator_gets_a_name() {
    let house = House::trial().await;
    let device = Device::new(b"device 1");
    let browser = administrator(&house, &device).await;
    assert!(browser.get("/desk").await.text().contains("<b>Han Meimei</b>"));
    let again = Browser::new(&house);
    let answer = sign_in(&again, &device, &challenge(&again).await).await;
    assert_eq!(answer.json()["next"], "/desk", "{}", answer.text());
    assert!(again.is_signed_in().await);
}

#[tokio::test]
async fn a_challenge_signs_in_once_and_for_five_minutes() {
    let house = House::trial().await;
    let device = Device::new(b"device 1");
    administrator(&house, &device).await;
    let browser = Browser::new(&house);
    let one = challenge(&browser).await;
    let shown = device.shown(&one);
    assert_eq!(browser.bare_post("/signin/passkey", &borrowed(&shown)).await.status, 200);
    let thief = Browser::new(&house);
    assert_eq!(thief.bare_post("/signin/passkey", &borrowed(&shown)).await.status, 403, "the same answer again");
    let late = challenge(&thief).await;
    house.clock.advance(Duration::from_secs(301));
    assert_eq!(sign_in(&thief, &device, &late).await.status, 403);
    let invented = text(&[7; 40]);
    assert_eq!(sign_in(&thief, &device, &invented).await.status, 403);
    assert!(!thief.is_signed_in().await);
}

#[tokio::test]
async fn another_device_under_the_same_name_signs_nobody_in() {
    let house = House::trial().await;
    administrator(&house, &Device::new(b"device 1")).await;
    let (thief, forged) = (Browser::new(&house), Device::new(b"device 1"));
    assert_eq!(sign_in(&thief, &forged, &challenge(&thief).await).await.status, 401);
    let unknown = Device::new(b"device 2");
    assert_eq!(sign_in(&thief, &unknown, &challenge(&thief).await).await.status, 401);
    assert!(!thief.is_signed_in().await);
}

#[tokio::test]
async fn a_passkey_is_added_and_removed_but_not_the_last_way_in() {
    let house = House::trial().await;
    let first = Device::new(b"device 1");
    let browser = administrator(&house, &first).await;
    let remove = |credential: String| {
        let browser = &browser;
        async move { browser.post("/desk/account/passkeys/remove", &[("credential", &credential)]).await }
    };
    assert_eq!(remove(text(b"device 1")).await.status, 400, "it is the only one");
    let second = Device::new(b"device 2");
    let page = browser.get("/desk/account").await.text();
    let asked = page.split("data-challenge=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let made = second.created(&asked);
    let mut fields = borrowed(&made);
    fields.push(("name", "phone"));
    assert_eq!(browser.post("/desk/account/passkeys", &fields).await.status, 200);
    assert_eq!(remove(text(b"device 1")).await.location(), "/desk/account?done=removed");
    let lost = Browser::new(&house);
    assert_eq!(sign_in(&lost, &first, &challenge(&lost).await).await.status, 401);
    assert_eq!(sign_in(&lost, &second, &challenge(&lost).await).await.status, 200);
}

#[tokio::test]
async fn nobody_takes_the_passkey_of_somebody_else() {
    let house = House::trial().await;
    let device = Device::new(b"device 1");
    administrator(&house, &device).await;
    let other = Person::of(&house, "auditor").await;
    let page = other.browser.get("/desk/account").await.text();
    let asked = page.split("data-challenge=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mine = Device::new(b"device 1");
    let made = mine.created(&asked);
    let mut fields = borrowed(&made);
    fields.push(("name", "x"));
    assert_eq!(other.browser.post("/desk/account/passkeys", &fields).await.status, 400);
    let browser = Browser::new(&house);
    assert_eq!(sign_in(&browser, &device, &challenge(&browser).await).await.status, 200);
    assert!(browser.get("/desk").await.text().contains("Han Meimei"));
}
