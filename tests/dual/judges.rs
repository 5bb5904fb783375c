//! What openssl says: it encrypts to our encryption certificate, and reads both.

use std::path::Path;
use std::process::{Command, Output};

use engine::sm2::encrypt::Ciphertext;

use super::*;

fn openssl(dir: &Path, args: &[&str]) -> Option<Output> {
    match Command::new("openssl").current_dir(dir).args(args).output() {
        Ok(output) => Some(output),
        Err(_) => {
            println!("LEFT OUT: openssl is not here to encrypt to a certificate");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivered_key_decrypts_what_openssl_encrypted_to_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (issued, signing) = issue(&house, "dual-tls-server", "www.example.cn").await.unwrap();
    let pair = pair(&house, &issued).await;
    let key = delivered(&house, &pair, &signing).await;
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("enc.pem"), support::pem("CERTIFICATE", &pair.encryption.der)).unwrap();
    std::fs::write(files.path().join("text"), b"for the holder of the encryption key").unwrap();
    let args = ["pkeyutl", "-encrypt", "-certin", "-inkey", "enc.pem", "-in", "text", "-out", "secret"];
    let Some(output) = openssl(files.path(), &args) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let secret = std::fs::read(files.path().join("secret")).unwrap();
    let opened = key.decrypt(&Ciphertext::from_der(&secret).unwrap()).unwrap();
    assert_eq!(opened.as_slice(), b"for the holder of the encryption key");
    assert!(signing.decrypt(&Ciphertext::from_der(&secret).unwrap()).is_err(), "the signing key opens nothing");
    for (name, der, usage) in [
        ("sign.pem", &pair.sign.der, "Digital Signature, Non Repudiation"),
        ("enc.pem", &pair.encryption.der, "Key Encipherment, Data Encipherment, Key Agreement"),
    ] {
        std::fs::write(files.path().join(name), support::pem("CERTIFICATE", der)).unwrap();
        let Some(output) = openssl(files.path(), &["x509", "-in", name, "-noout", "-text"]) else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(usage), "{name}: {text}");
        assert!(text.contains("TLS Web Server Authentication") && text.contains("DNS:www.example.cn"), "{name}");
    }
    house.close().await;
}
