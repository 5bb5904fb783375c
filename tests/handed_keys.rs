//! Private keys on their way to their holders, judged by others: what Tongsuo opens of ours, what we open of
//! Tongsuo's and OpenSSL's, and a TLCP server whose encryption key came in each of our envelopes.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "judges/mod.rs"]
mod judges;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crypto_pool::envelope::{self, device, enveloped_key, message, private_key, skf};
use crypto_pool::password::{self, Suite};
use crypto_pool::path::Cert;
use crypto_pool::{OsRandom, pkcs12};
use engine::sm2::PrivateKey;
use engine::sm2::encrypt::Ciphertext;
use judges::{OpenSsl, SM2_ID, Tongsuo, capture, fact};

/// A root and the two certificates of a TLCP server, made with OpenSSL.
struct Pair(tempfile::TempDir);

impl Pair {
    fn make() -> Option<Self> {
        OpenSsl::find()?;
        let pair = Self(tempfile::tempdir().unwrap());
        fs::write(pair.file("tlcp.cnf"), include_str!("judges/tlcp.cnf")).unwrap();
        for name in ["root", "sign", "enc"] {
            pair.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out {name}.key"));
        }
        pair.openssl(&format!(
            "req -x509 -new -sm3 -config tlcp.cnf -extensions root -days 30 -key root.key -sigopt {SM2_ID} -out root.pem"
        ));
        for (name, serial) in [("sign", 7), ("enc", 8)] {
            let request = format!("req -new -sm3 -config tlcp.cnf -key {name}.key -sigopt {SM2_ID} -out {name}.csr");
            pair.openssl(&request);
            pair.openssl(&format!(
                "x509 -req -sm3 -in {name}.csr -CA root.pem -CAkey root.key -set_serial {serial} -days 20 -extfile \
                 tlcp.cnf -extensions {name} -sigopt {SM2_ID} -vfyopt {SM2_ID} -out {name}.pem"
            ));
        }
        Some(pair)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        let run = capture(command.args(words.split_whitespace()).current_dir(self.0.path())).unwrap();
        assert_eq!(run.code, Some(0), "openssl {words}: {}", run.output());
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.file(name), bytes).unwrap();
        self.file(name)
    }

    fn der(&self, name: &str) -> Vec<u8> {
        der::pem::decode_vec(&fs::read(self.file(name)).unwrap()).unwrap().1
    }

    fn key(&self, name: &str) -> PrivateKey {
        private_key::read(&self.der(name)).unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn random() -> OsRandom {
    OsRandom::open().unwrap()
}

#[test]
fn tongsuo_serves_tlcp_with_an_encryption_key_from_each_of_our_envelopes() {
    let (Some(tongsuo), Some(pair)) = (Tongsuo::find(), Pair::make()) else { return };
    let (holder, delivered) = (pair.key("sign.key"), pair.key("enc.key"));
    let certificate = Cert::from_der(&pair.der("sign.pem")).unwrap();
    let file = |name| pair.file(name);
    let (root, sign) = (file("root.pem"), (file("sign.pem"), file("sign.key")));
    let sign = (sign.0.as_path(), sign.1.as_path());
    for (shape, envelope) in [
        ("enveloped-key", enveloped_key::write(&delivered, holder.public(), &random()).unwrap()),
        ("enveloped-data", message::write(&delivered, &certificate, &random()).unwrap()),
        ("skf", skf::write(&delivered, holder.public(), &random()).unwrap()),
    ] {
        let opened = envelope::open(&envelope, &holder).unwrap();
        let key = pair.put("opened.key", &private_key::to_pkcs8(&opened));
        let encrypt = (file("enc.pem"), key);
        let said = tongsuo.tlcp(&root, None, sign, (&encrypt.0, &encrypt.1)).must_accept(shape);
        assert_eq!(fact(&said, "cipher"), "ECC-SM2-SM4-CBC-SM3");
    }
    let clear = device::read(&device::write(&delivered)).unwrap();
    let key = pair.put("opened.key", &private_key::to_pkcs8(&clear));
    tongsuo.pair((&file("enc.pem"), &key)).must_accept("a key that went through a device's structure");
}

#[test]
fn tongsuo_refuses_a_pair_with_swapped_halves_another_key_or_another_root() {
    let (Some(tongsuo), Some(pair), Some(other)) = (Tongsuo::find(), Pair::make(), Pair::make()) else { return };
    let file = |name| pair.file(name);
    let (root, sign_cert, sign_key) = (file("root.pem"), file("sign.pem"), file("sign.key"));
    let (enc_cert, enc_key) = (file("enc.pem"), file("enc.key"));
    let (sign, encrypt) = ((sign_cert.as_path(), sign_key.as_path()), (enc_cert.as_path(), enc_key.as_path()));
    tongsuo.tlcp(&root, None, sign, encrypt).must_accept("a pair");
    tongsuo.tlcp(&root, None, encrypt, sign).must_refuse("swapped halves");
    tongsuo.tlcp(&root, None, sign, (&enc_cert, &other.file("enc.key"))).must_refuse("another's key");
    tongsuo.tlcp(&other.file("root.pem"), None, sign, encrypt).must_refuse("another root");
    tongsuo.pair((&sign_cert, &enc_key)).must_refuse("the key of the other half");
}

#[test]
fn tongsuo_opens_our_enveloped_key_and_nobody_elses_key_does() {
    let (Some(tongsuo), Some(pair)) = (Tongsuo::find(), Pair::make()) else { return };
    let (holder, delivered) = (pair.key("sign.key"), pair.key("enc.key"));
    let envelope = enveloped_key::write(&delivered, holder.public(), &random()).unwrap();
    let written = pair.put("envelope.der", &envelope);
    let said = tongsuo.envelope(&pair.file("sign.key"), &written).must_accept("our envelope");
    assert_eq!(fact(&said, "private"), hex(&*delivered.to_bytes()));
    assert_eq!(fact(&said, "public"), hex(delivered.public().as_sec1()));
    tongsuo.envelope(&pair.file("enc.key"), &written).must_refuse("another recipient's key");
    let cut = pair.put("cut.der", &envelope[..envelope.len() - 1]);
    tongsuo.envelope(&pair.file("sign.key"), &cut).must_refuse("a truncated envelope");
}

#[test]
fn we_open_what_tongsuo_and_openssl_encrypt_to_an_encryption_certificate() {
    let Some(pair) = Pair::make() else { return };
    let text = b"0123456789abcdef";
    let written = pair.put("text", text);
    let key = pair.key("enc.key");
    pair.openssl("pkeyutl -encrypt -certin -inkey enc.pem -in text -out openssl.cipher");
    let mut ciphertexts = vec!["openssl.cipher"];
    if let Some(tongsuo) = Tongsuo::find() {
        tongsuo.encrypt(&pair.file("enc.pem"), &written, &pair.file("tongsuo.cipher")).must_accept("a certificate");
        ciphertexts.push("tongsuo.cipher");
    }
    for name in ciphertexts {
        let der = fs::read(pair.file(name)).unwrap();
        let opened = key.decrypt(&Ciphertext::from_der(&der).unwrap()).unwrap();
        assert_eq!(&opened[..], text, "{name}");
        assert!(pair.key("sign.key").decrypt(&Ciphertext::from_der(&der).unwrap()).is_err(), "{name}: another's key");
        let mut changed = der.clone();
        *changed.last_mut().unwrap() ^= 1;
        let changed = Ciphertext::from_der(&changed).ok().and_then(|ciphertext| key.decrypt(&ciphertext).ok());
        assert!(changed.is_none(), "{name}: changed on the way");
    }
}

#[test]
fn tongsuo_opens_our_encrypted_keys_and_pkcs12_and_asks_for_the_right_passphrase() {
    let (Some(tongsuo), Some(pair)) = (Tongsuo::find(), Pair::make()) else { return };
    let pkcs8 = private_key::to_pkcs8(&pair.key("sign.key"));
    let (right, wrong) = (pair.put("right", b"geheim"), pair.put("wrong", b"falsch"));
    let bundle = pkcs12::write(Suite::Ordinary, &pkcs8, &[pair.der("sign.pem")], "张三", "geheim", &random()).unwrap();
    let written = pair.put("bundle.p12", &bundle);
    tongsuo.pkcs12(&written, &right).must_accept("our PKCS#12");
    tongsuo.pkcs12(&written, &wrong).must_refuse("a wrong passphrase");
    let cut = pair.put("cut.p12", &bundle[..bundle.len() / 2]);
    tongsuo.pkcs12(&cut, &right).must_refuse("half a file");
    // What OpenSSL makes of our encrypted PKCS#8, Tongsuo takes for the certificate's key.
    let locked = password::encrypt_pkcs8(Suite::Ordinary, &pkcs8, "geheim", &random()).unwrap();
    pair.put("locked.der", &locked);
    pair.openssl("pkcs8 -inform DER -in locked.der -passin pass:geheim -out unlocked.key");
    tongsuo.pair((&pair.file("sign.pem"), &pair.file("unlocked.key"))).must_accept("our encrypted key");
}
