//! What others say: OpenSSL encrypts to our encryption certificate and reads both, Tongsuo serves TLCP with the pair.

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

#[tokio::test(flavor = "multi_thread")]
async fn tongsuo_serves_tlcp_with_a_pair() {
    let Some(tongsuo) = judges::Tongsuo::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (issued, signing) = issue(&house, "dual-tls-server", "www.example.cn").await.unwrap();
    let pair = pair(&house, &issued).await;
    let key = delivered(&house, &pair, &signing).await;
    let files = tempfile::tempdir().unwrap();
    let put = |name: &str, label: &str, der: &[u8]| {
        let path = files.path().join(name);
        std::fs::write(&path, support::pem(label, der)).unwrap();
        path
    };
    let authority = |id: &str| house.ca.issuer(&id.parse().unwrap()).unwrap().certificate.clone();
    let root = put("root.pem", "CERTIFICATE", &authority("sm2-root"));
    let chain = put("chain.pem", "CERTIFICATE", &authority("sm2-issuing"));
    let sign = put("sign.pem", "CERTIFICATE", &pair.sign.der);
    let enc = put("enc.pem", "CERTIFICATE", &pair.encryption.der);
    let sign_key = put("sign.key", "PRIVATE KEY", &private_key::to_pkcs8(&signing));
    let enc_key = put("enc.key", "PRIVATE KEY", &private_key::to_pkcs8(&key));
    let (sign, encrypt) = ((sign.as_path(), sign_key.as_path()), (enc.as_path(), enc_key.as_path()));
    tongsuo.tlcp(&root, Some(&chain), sign, encrypt).must_accept("a TLCP server with a pair");
    // With the keys exchanged there is no server.
    tongsuo.tlcp(&root, Some(&chain), (sign.0, encrypt.1), (encrypt.0, sign.1)).must_refuse("keys exchanged");
    house.close().await;
}
