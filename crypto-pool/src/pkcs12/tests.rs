//! Judged by openssl and by Java's keytool, which also make what is read here.

use std::path::Path;
use std::process::Command;

use super::derive::{Hash, encoded};
use super::*;
use crate::algorithm::KeyAlgorithm;
use crate::backend::generate_pkcs8;
use crate::password::tests::openssl;
use crate::random::OsRandom;
use crate::tlv;

const PASSWORD: &str = "changeit 印信";

/// A key and a certificate for it that openssl made; none without openssl.
fn a_pair(algorithm: KeyAlgorithm, subject: &str) -> Option<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.der");
    let pkcs8 = generate_pkcs8(algorithm, &OsRandom::open().unwrap()).unwrap().0;
    std::fs::write(&key, &*pkcs8).unwrap();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-new", "-utf8", "-subj", subject, "-days", "30", "-outform", "DER"]);
    command.args(if algorithm == KeyAlgorithm::Sm2 { ["-sm3"] } else { ["-sha256"] });
    let Ok(output) = command.args(["-keyform", "DER", "-key"]).arg(&key).output() else {
        println!("LEFT OUT: openssl is not here to judge");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((pkcs8, output.stdout))
}

fn keytool(file: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("keytool");
    command.args(arguments).args(["-storetype", "PKCS12", "-storepass", "changeit", "-keystore"]).arg(file);
    let Ok(output) = command.output() else {
        println!("LEFT OUT: keytool is not here to judge");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    Some(said)
}

#[test]
fn a_file_comes_back_and_only_with_its_password() {
    let random = OsRandom::open().unwrap();
    let Some((pkcs8, leaf)) = a_pair(KeyAlgorithm::Sm2, "/CN=张三") else { return };
    let Some((_, issuer)) = a_pair(KeyAlgorithm::Sm2, "/CN=CA") else { return };
    for suite in [Suite::Ordinary, Suite::Sm] {
        let file = write(suite, &pkcs8, &[leaf.clone(), issuer.clone()], "张三", PASSWORD, &random).unwrap();
        let bundle = read(&file, PASSWORD).unwrap();
        assert_eq!(*bundle.keys[0].pkcs8, *pkcs8);
        assert_eq!(bundle.keys[0].name.as_deref(), Some("张三"));
        assert_eq!(bundle.certificates, [leaf.clone(), issuer.clone()]);
        assert_eq!(read(&file, "changeit").unwrap_err(), Locked::Password);
        // The MAC covers all of the safe: a changed octet anywhere is found, whatever it would decrypt to.
        for at in (0..file.len()).step_by(61) {
            let mut changed = file.to_vec();
            changed[at] ^= 1;
            assert!(read(&changed, PASSWORD).is_err(), "octet {at}");
        }
        assert!(!format!("{bundle:?}").contains("pkcs8"));
    }
}

#[test]
fn openssl_opens_both_suites() {
    let random = OsRandom::open().unwrap();
    for (suite, algorithm) in [(Suite::Ordinary, KeyAlgorithm::P256), (Suite::Ordinary, KeyAlgorithm::Sm2)] {
        let Some((pkcs8, leaf)) = a_pair(algorithm, "/CN=holder") else { return };
        let file = write(suite, &pkcs8, &[leaf], "holder", "changeit", &random).unwrap();
        let read = ["pkcs12", "-nodes", "-passin", "pass:changeit"];
        let text = String::from_utf8(openssl(&read, &file).unwrap().unwrap()).unwrap();
        assert!(text.contains("friendlyName: holder") && text.contains("BEGIN CERTIFICATE"), "{text}");
        assert!(text.contains("BEGIN PRIVATE KEY"), "{text}");
        assert!(openssl(&["pkcs12", "-nodes", "-passin", "pass:wrong"], &file).unwrap().is_err());
    }
    // OpenSSL 3.0 does not know HMAC-SM3 as a pseudo-random function, but it does check the MAC over all.
    let Some((pkcs8, leaf)) = a_pair(KeyAlgorithm::Sm2, "/CN=holder") else { return };
    let file = write(Suite::Sm, &pkcs8, &[leaf], "holder", "changeit", &random).unwrap();
    let info = ["pkcs12", "-info", "-noout", "-passin", "pass:changeit"];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sm.p12");
    std::fs::write(&path, &*file).unwrap();
    let output = Command::new("openssl").args(info).arg("-in").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("MAC: sm3, Iteration 10000") && !said.contains("Mac verify error"), "{said}");
}

#[test]
fn java_opens_what_is_written() {
    let random = OsRandom::open().unwrap();
    let Some((pkcs8, leaf)) = a_pair(KeyAlgorithm::P256, "/CN=holder") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holder.p12");
    std::fs::write(&path, &*write(Suite::Ordinary, &pkcs8, &[leaf], "holder", "changeit", &random).unwrap()).unwrap();
    let Some(said) = keytool(&path, &["-list", "-v"]) else { return };
    assert!(said.contains("PrivateKeyEntry") && said.contains("Alias name: holder"), "{said}");
}

#[test]
fn files_of_openssl_and_java_are_read() {
    let Some((pkcs8, leaf)) = a_pair(KeyAlgorithm::P256, "/CN=holder") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (key, cert) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    std::fs::write(&key, openssl(&["pkey", "-inform", "DER"], &pkcs8).unwrap().unwrap()).unwrap();
    std::fs::write(&cert, openssl(&["x509", "-inform", "DER"], &leaf).unwrap().unwrap()).unwrap();
    let sm = ["-keypbe", "SM4-CBC", "-certpbe", "SM4-CBC", "-macalg", "sm3"];
    for options in [&[][..], &sm, &["-macalg", "sha512"], &["-certpbe", "NONE"]] {
        let mut command = Command::new("openssl");
        command.args(["pkcs12", "-export", "-name", "n", "-passout", "pass:changeit"]).args(options);
        let output = command.arg("-inkey").arg(&key).arg("-in").arg(&cert).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bundle = read(&output.stdout, "changeit").unwrap_or_else(|e| panic!("{options:?}: {e}"));
        assert_eq!((bundle.certificates.len(), &bundle.certificates[0]), (1, &leaf), "{options:?}");
        assert_eq!(bundle.keys[0].name.as_deref(), Some("n"));
        assert_eq!(*bundle.keys[0].pkcs8, *pkcs8, "{options:?}");
        assert_eq!(read(&output.stdout, "wrong").unwrap_err(), Locked::Password);
    }
    let path = dir.path().join("java.p12");
    let make = ["-genkeypair", "-alias", "j", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=j"];
    if keytool(&path, &make).is_some() {
        let bundle = read(&std::fs::read(&path).unwrap(), "changeit").unwrap();
        assert_eq!((bundle.keys.len(), bundle.certificates.len()), (1, 1));
    }
}

#[test]
fn old_ciphers_are_refused_by_name_and_so_is_a_file_without_a_mac() {
    let Some((pkcs8, leaf)) = a_pair(KeyAlgorithm::P256, "/CN=holder") else { return };
    let random = OsRandom::open().unwrap();
    let file = write(Suite::Ordinary, &pkcs8, &[leaf], "n", "changeit", &random).unwrap();
    let mut parts = tlv::single(&file, tlv::SEQUENCE, "PFX").unwrap().inside();
    let (version, safe) = (parts.any().unwrap().whole, parts.any().unwrap().whole);
    let bare = tlv::write(tlv::SEQUENCE, &[version, safe]);
    assert!(matches!(read(&bare, "changeit").unwrap_err(), Locked::Malformed(_)));
    // pbeWithSHAAnd3-KeyTripleDES-CBC and pbeWithSHAAnd40BitRC2-CBC, RFC 7292 C.
    for (old, name) in [("03", "1.2.840.113549.1.12.1.3"), ("06", "1.2.840.113549.1.12.1.6")] {
        let algorithm = crate::hex::read(&format!("300c060a2a864886f70d010c01{old}")).unwrap();
        let algorithm = tlv::single(&algorithm, tlv::SEQUENCE, "old").unwrap();
        let refused = crate::password::decrypt(algorithm, &[0; 8], "p").unwrap_err();
        assert_eq!(refused.to_string(), format!("it is protected with {name}, which is not read here"));
    }
}

#[test]
fn derived_keys_are_those_of_other_software() {
    // BouncyCastle's PKCS12 test vector: SHA-1, password "smeg", salt 0A58CF64530D823F, one round.
    let salt = crate::hex::read("0a58cf64530d823f").unwrap();
    let password = encoded("smeg");
    let key = Hash::Sha1.derive(1, &password, &salt, 1, 24);
    assert_eq!(crate::hex::of(&key), "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3");
    let iv = Hash::Sha1.derive(2, &password, &salt, 1, 8);
    assert_eq!(crate::hex::of(&iv), "79993dfe048d3b76");
}
