//! Judged by openssl, which also makes what is read here.

use std::process::Command;

use super::*;
use crate::algorithm::KeyAlgorithm;
use crate::backend::generate_pkcs8;
use crate::random::OsRandom;

/// What openssl says to `arguments` with `input` in a file whose path comes last; none without openssl.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("input");
    std::fs::write(&file, input).unwrap();
    let mut command = Command::new("openssl");
    let Ok(output) = command.args(arguments).arg("-in").arg(&file).output() else {
        println!("LEFT OUT: openssl is not here to judge");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(output.stdout) } else { Err(said) })
}

fn a_key(algorithm: KeyAlgorithm) -> Zeroizing<Vec<u8>> {
    generate_pkcs8(algorithm, &OsRandom::open().unwrap()).unwrap().0
}

#[test]
fn the_key_derivation_is_that_of_rfc_7914_and_of_openssl() {
    // RFC 7914 11: PBKDF2-HMAC-SHA-256 ("passwd", "salt", 1 round), first 32 octets.
    let key = Prf::Sha256.derive(b"passwd", b"salt", 1, 32);
    assert_eq!(crate::hex::of(&key), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    // openssl kdf -keylen 16 -kdfopt digest:SM3 -kdfopt pass:123456 -kdfopt salt:12345678 -kdfopt iter:3 PBKDF2
    let Some(Ok(judged)) = openssl_kdf() else { return };
    let ours = Prf::Sm3.derive(b"123456", b"12345678", 3, 16);
    assert_eq!(crate::hex::of(&ours), judged);
}

fn openssl_kdf() -> Option<Result<String, String>> {
    let options = ["digest:SM3", "pass:123456", "salt:12345678", "iter:3"];
    let mut command = Command::new("openssl");
    command.args(["kdf", "-keylen", "16"]);
    for option in options {
        command.args(["-kdfopt", option]);
    }
    let Ok(output) = command.arg("PBKDF2").output() else {
        println!("LEFT OUT: openssl is not here to judge");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().replace(':', "").to_lowercase();
    Some(if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into()) })
}

#[test]
fn openssl_opens_a_key_under_a_password() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Sm2] {
        let pkcs8 = a_key(algorithm);
        let locked = encrypt_pkcs8(Suite::Ordinary, &pkcs8, "correct horse", &OsRandom::open().unwrap()).unwrap();
        let read = ["pkcs8", "-inform", "DER", "-outform", "DER", "-nocrypt", "-topk8"];
        let Some(plain) = openssl(&read, &pkcs8) else { return };
        let read = ["pkcs8", "-inform", "DER", "-outform", "DER", "-passin", "pass:correct horse"];
        let opened = openssl(&read, &locked).unwrap().unwrap();
        // `pkcs8` without -topk8 writes the traditional form: compare what openssl makes of both.
        let again = openssl(&["pkey", "-inform", "DER", "-outform", "DER"], &opened).unwrap().unwrap();
        let plain = openssl(&["pkey", "-inform", "DER", "-outform", "DER"], &plain.unwrap()).unwrap().unwrap();
        assert_eq!(again, plain);
        let wrong = ["pkcs8", "-inform", "DER", "-outform", "DER", "-passin", "pass:wrong"];
        assert!(openssl(&wrong, &locked).unwrap().is_err());
    }
}

#[test]
fn keys_that_openssl_put_under_a_password_open() {
    let pkcs8 = a_key(KeyAlgorithm::P256);
    for options in [
        &["-v2", "aes-256-cbc"][..],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "sm4-cbc", "-v2prf", "hmacWithSHA384"],
    ] {
        let mut arguments = vec!["pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-passout", "pass:p"];
        arguments.extend(options);
        let Some(locked) = openssl(&arguments, &pkcs8) else { return };
        let locked = locked.unwrap();
        assert_eq!(*decrypt_pkcs8(&locked, "p").unwrap(), *pkcs8, "{options:?}");
        assert_eq!(decrypt_pkcs8(&locked, "q").unwrap_err(), Locked::Password, "{options:?}");
    }
}

#[test]
fn a_key_under_sm4_and_sm3_comes_back_and_only_with_its_password() {
    let (pkcs8, random) = (a_key(KeyAlgorithm::Sm2), OsRandom::open().unwrap());
    let locked = encrypt_pkcs8(Suite::Sm, &pkcs8, "印信", &random).unwrap();
    assert_eq!(*decrypt_pkcs8(&locked, "印信").unwrap(), *pkcs8);
    assert_eq!(decrypt_pkcs8(&locked, "印").unwrap_err(), Locked::Password);
    assert_ne!(locked, encrypt_pkcs8(Suite::Sm, &pkcs8, "印信", &random).unwrap(), "the salt is drawn anew");
    for end in 0..locked.len() {
        assert!(decrypt_pkcs8(&locked[..end], "印信").is_err());
    }
}

#[test]
fn strangers_cannot_ask_for_endless_work_or_for_unknown_algorithms() {
    let rounds = |rounds: u32| {
        let salt = tlv::write(OCTET_STRING, &[b"saltsalt"]);
        let rounds = tlv::write(INTEGER, &[&integer(rounds)]);
        let derivation = tlv::write(tlv::OID, &[oid::PBKDF2.as_bytes()]);
        let derivation = tlv::write(SEQUENCE, &[&derivation, &tlv::write(SEQUENCE, &[&salt, &rounds])]);
        let scheme = tlv::write(tlv::OID, &[oid::AES128_CBC.as_bytes()]);
        let scheme = tlv::write(SEQUENCE, &[&scheme, &tlv::write(OCTET_STRING, &[&[0; 16]])]);
        let kind = tlv::write(tlv::OID, &[oid::PBES2.as_bytes()]);
        let algorithm = tlv::write(SEQUENCE, &[&kind, &tlv::write(SEQUENCE, &[&derivation, &scheme])]);
        tlv::write(SEQUENCE, &[&algorithm, &tlv::write(OCTET_STRING, &[&[0; 16]])])
    };
    assert_eq!(decrypt_pkcs8(&rounds(MOST_ROUNDS + 1), "p").unwrap_err(), Locked::Rounds);
    assert_eq!(decrypt_pkcs8(&rounds(u32::MAX), "p").unwrap_err(), Locked::Rounds);
    assert!(matches!(decrypt_pkcs8(&rounds(0), "p").unwrap_err(), Locked::Malformed(_)));
    assert_eq!(decrypt_pkcs8(&rounds(1), "p").unwrap_err(), Locked::Password);

    let pkcs8 = a_key(KeyAlgorithm::P256);
    let old = ["pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-passout", "pass:p", "-v2", "des-ede3-cbc"];
    let Some(Ok(old)) = openssl(&old, &pkcs8) else { return };
    assert!(matches!(decrypt_pkcs8(&old, "p").unwrap_err(), Locked::Algorithm(_)));
}
