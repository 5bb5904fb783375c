//! Keys and certificates into other forms, on the page for it and in the browser that has the key.

use std::path::Path;
use std::process::Command;

use crypto_pool::envelope::{Shape, private_key};
use crypto_pool::{KeyAlgorithm, OsRandom, envelope};

use crate::clients::Browser;
use crate::judges::{OpenSsl, capture};
use crate::people::{House, usable, well};
use crate::seal::shot;

const PASSPHRASE: &str = "correct horse 7";

/// What openssl says to a PKCS#12 file; nothing without it.
pub fn opened_by_openssl(file: &Path, passphrase: &str) -> Option<String> {
    OpenSsl::find()?;
    let mut command = Command::new("openssl");
    command.args(["pkcs12", "-nodes", "-info", "-passin", &format!("pass:{passphrase}"), "-in"]).arg(file);
    Some(capture(&mut command).unwrap().output())
}

/// Fills the passphrases in and sends the form, which stays where it is.
fn send(browser: &Browser, new: &str, again: &str) {
    browser.fill("#new", new);
    browser.fill("#again", again);
    browser.click("#make");
}

#[test]
fn a_key_goes_into_a_file_with_its_certificate_and_a_wrong_one_does_not() {
    let Some(house) = House::set_up() else { return };
    let wang = &house.administrator;
    let leaf = house.service.issue("www.example.cn", KeyAlgorithm::P256);
    let other = house.service.issue("old.example.cn", KeyAlgorithm::P256);
    let path = |path: &Path| path.to_str().unwrap().to_owned();

    // In the browser of whoever has the key: nothing is sent.
    wang.open(&house.at(&format!("/desk/certificates/{}/{}", leaf.issuer, leaf.serial)));
    wang.click("details:has(#p12-form) summary");
    wang.keys("#p12-key", &path(&other.key()));
    wang.fill("#p12-new", PASSPHRASE);
    wang.fill("#p12-again", PASSPHRASE);
    wang.click("#p12-make");
    wang.wait_for_words("这个私钥不属于这张证书");
    wang.run("document.querySelector('#p12-key').value = ''", &[]);
    wang.keys("#p12-key", &path(&leaf.key()));
    wang.click("#p12-make");
    let name = format!("{}.p12", leaf.serial);
    wang.wait_for_words(&format!("已保存：{name}"));
    wang.downloaded(&name);
    usable(wang);
    if let Some(said) = opened_by_openssl(&wang.downloads.join(&name), PASSPHRASE) {
        // The certificate, its issuing authority, and the key under it.
        assert!(said.contains("CN = www.example.cn") && said.contains("AES-256-CBC, Iteration 600000"), "{said}");
        assert!(said.contains("BEGIN PRIVATE KEY") && said.matches("BEGIN CERTIFICATE").count() >= 2, "{said}");
        assert!(!opened_by_openssl(&wang.downloads.join(&name), "wrong").unwrap().contains("PRIVATE KEY"));
    }
    std::fs::remove_file(wang.downloads.join(&name)).unwrap();

    // On the page, which has the certificate already; refused with the reason first, and nothing has to be chosen again.
    wang.follow("#to-convert");
    assert!(wang.words().contains("www.example.cn"));
    usable(wang);
    wang.keys("#file", &path(&other.key()));
    send(wang, PASSPHRASE, PASSPHRASE);
    wang.wait_for_words("给出的证书都不属于这个私钥");
    shot(wang, "convert-refused");
    wang.complaints();
    usable(wang);
    wang.run("document.querySelector('#file').value = ''", &[]);
    wang.keys("#file", &path(&leaf.key()));
    send(wang, PASSPHRASE, "something else");
    wang.wait_for_words("两次填写的新口令不一致");
    wang.complaints();
    send(wang, PASSPHRASE, PASSPHRASE);
    wang.wait_for_words("已保存到您的下载文件夹");
    assert_eq!(wang.property("#new", "value"), "", "passphrases do not stay on the page");
    wang.downloaded(&name);
    shot(wang, "convert-saved");
    if let Some(said) = opened_by_openssl(&wang.downloads.join(&name), PASSPHRASE) {
        assert!(said.contains("CN = www.example.cn") && said.contains("BEGIN PRIVATE KEY"), "{said}");
    }
    well(wang);

    // The log says that it was done, and nothing of the key.
    wang.open(&house.at("/desk/audit"));
    wang.wait_for_words("转换密钥格式");
}

#[test]
fn an_envelope_opens_for_its_recipient_on_the_page_and_for_nobody_else() {
    let Some(house) = House::set_up() else { return };
    let wang = &house.administrator;
    let random = OsRandom::open().unwrap();
    let folder = house.service.scratch("envelopes");
    // Whose they are, whom they are for, and somebody else.
    let key = |name: &str| {
        let (_, pkcs8) = crate::support::csr(KeyAlgorithm::Sm2, &random);
        std::fs::write(folder.join(name), crate::support::pem("PRIVATE KEY", &pkcs8)).unwrap();
        private_key::read(&pkcs8).unwrap()
    };
    let (delivered, recipient) = (key("delivered.pem"), key("recipient.pem"));
    key("stranger.pem");
    let sealed = envelope::enveloped_key::write(&delivered, recipient.public(), &random).unwrap();
    std::fs::write(folder.join("whole.key"), &sealed).unwrap();
    std::fs::write(folder.join("cut.key"), &sealed[..sealed.len() - 1]).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();

    let refused = |file: &str, own: Option<&str>, words: &str| {
        wang.open(&house.at("/desk/convert"));
        wang.keys("#file", &path(file));
        if let Some(own) = own {
            wang.click("#convert summary");
            wang.keys("#key", &path(own));
        }
        wang.choose("#to", "sdf");
        wang.click("input[name=clear]");
        wang.click("#make");
        wang.wait_for_words(words);
        wang.complaints();
    };
    refused("whole.key", Some("stranger.pem"), "whole.key：不是封给这个私钥的，或已被改动");
    refused("whole.key", None, "whole.key 是数字信封：请选择用来拆封的私钥");
    refused("cut.key", Some("recipient.pem"), "cut.key：");
    usable(wang);

    wang.open(&house.at("/desk/convert"));
    wang.keys("#file", &path("whole.key"));
    wang.click("#convert summary");
    wang.keys("#key", &path("recipient.pem"));
    wang.choose("#to", "sdf");
    // A key in clear only for those who say so.
    wang.click("#make");
    wang.wait_for_words("私钥是明文；确实需要时请勾选");
    wang.complaints();
    wang.click("input[name=clear]");
    wang.click("#make");
    wang.wait_for_words("已保存到您的下载文件夹");
    let pair = wang.downloaded("whole.sdf");
    assert_eq!(Shape::of(&pair), Some(Shape::Device));
    let opened = envelope::device::read(&pair).unwrap();
    assert_eq!(*opened.to_bytes(), *delivered.to_bytes());
    well(wang);
}
