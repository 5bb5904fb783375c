//! A holder picks a certificate up: no officer ever has the key.

use crypto_pool::envelope::csr_response::CsrResponse;
use crypto_pool::envelope::{self, private_key, skf};
use crypto_pool::{KeyAlgorithm, OsRandom};
use serde_json::json;

use crate::convert::opened_by_openssl;
use crate::people::{House, usable, well};
use crate::seal::shot;

#[test]
fn a_holder_makes_the_key_behind_a_link_and_gets_the_certificate_there() {
    let Some(house) = House::set_up() else { return };
    let (Some(li), Some(holder)) = (house.invite("李雷", "ra-officer"), house.stranger()) else { return };
    let wang = &house.administrator;
    wang.open(&house.at("/desk/requests/new?profile=person"));
    wang.click("input[name=how][value=invite]");
    wang.fill("#subject\\.CN", "韩梅梅");
    wang.fill("#san\\.email", "han@example.cn");
    wang.fill("#contact", "han@example.cn");
    wang.wait_for("#checked li.fine");
    wang.choose("#method", "face-to-face");
    wang.fill("#note", "身份证原件已核对");
    let scan = house.service.scratch("evidence").join("扫描件.pdf");
    std::fs::write(&scan, b"%PDF-1.7 scanned").unwrap();
    wang.keys("#file", scan.to_str().unwrap());
    usable(wang);
    wang.follow("#compose button.main");
    let link = wang.text("#link");
    usable(wang);
    wang.follow("a.button.main");
    assert!(wang.words().contains("扫描件.pdf"));
    usable(wang);

    holder.open(&link);
    holder.wait_for("[data-state=invited]:not([hidden])");
    assert_eq!(holder.text("#subject"), "CN=韩梅梅");
    usable(&holder);
    holder.click("#make");
    holder.wait_for("[data-state=waits]:not([hidden])");
    assert!(holder.downloaded("key.pem").starts_with(b"-----BEGIN PRIVATE KEY-----"));
    usable(&holder);

    li.open(&house.at("/desk/requests?queue=approval"));
    li.follow("tbody a[href^='/desk/requests/']");
    li.follow("#approve");
    li.wait_for("#receipt[data-checked=pass]");

    // The page of the holder looks by itself; the certificate comes without another click.
    holder.wait_for("[data-state=issued]:not([hidden])");
    usable(&holder);
    holder.click("#save-cert");
    assert!(holder.downloaded("cert.pem").starts_with(b"-----BEGIN CERTIFICATE-----"));
    // For programs that want one file: made here, with the key that this page still has.
    holder.fill("#p12-new", "han 1024");
    holder.fill("#p12-again", "han 1024");
    holder.click("#p12-make");
    holder.wait_for_words("已保存：certificate.p12");
    holder.downloaded("certificate.p12");
    if let Some(said) = opened_by_openssl(&holder.downloads.join("certificate.p12"), "han 1024") {
        assert!(said.contains("CN = \\E9\\9F\\A9") && said.contains("BEGIN PRIVATE KEY"), "{said}");
    }
    usable(&holder);
    well(&holder);

    // A link with another secret gives nothing.
    let (page, secret) = link.split_once('#').unwrap();
    let wrong: String = secret.chars().rev().collect();
    holder.open("about:blank");
    holder.open(&format!("{page}#{wrong}"));
    holder.wait_for("[data-state=bad]:not([hidden])");
    assert!(!holder.words().contains("韩梅梅"));
}

#[test]
fn a_holder_of_a_pair_gets_the_encryption_key_behind_the_same_link() {
    let Some(house) = House::set_up() else { return };
    let Some(holder) = house.stranger() else { return };
    let random = OsRandom::open().unwrap();
    let (csr, pkcs8) = crate::support::csr(KeyAlgorithm::Sm2, &random);
    let ask = json!({
        "subject": "CN=韩梅梅", "profile": "dual-person",
        "evidence": [{ "method": "face-to-face", "note": "身份证原件已核对" }],
    });
    let invited = house.service.call("request/invite", &ask);
    holder.open(invited["link"].as_str().unwrap());
    holder.wait_for("[data-state=invited]:not([hidden])");
    holder.fill("#csr", &crate::support::pem("CERTIFICATE REQUEST", &csr));
    holder.click("#send button");
    holder.wait_for("[data-state=waits]:not([hidden])");
    let wang = &house.administrator;
    wang.open(&house.at(&format!("/desk/requests/{}", invited["request"]["request"].as_str().unwrap())));
    wang.follow("#approve");
    holder.wait_for("#pair:not([hidden])");
    usable(&holder);
    shot(&holder, "pickup-pair");

    // The envelope and the blob for a token hold one key, and only the holder's opens them.
    let own = private_key::read(&pkcs8).unwrap();
    holder.click("#save-envelope");
    let opened = envelope::open(&holder.downloaded("encryption.key"), &own).unwrap();
    holder.click("#save-skf");
    let blob = holder.downloaded("encryption.skf");
    assert_eq!(*skf::open(&blob, &own).unwrap().to_bytes(), *opened.to_bytes());
    holder.click("#save-response");
    let response = CsrResponse::read(&holder.downloaded("csrresponse.der")).unwrap();
    assert_eq!(*response.open(&own).unwrap().unwrap().to_bytes(), *opened.to_bytes());
    assert!(response.open(&opened).is_err(), "it is for the key to sign with");
    well(&holder);
}
