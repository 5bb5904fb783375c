use crypto_pool::{KeyAlgorithm, PublicKey};
use pki_config::name::SubjectAltName;
use pki_config::profile::BuiltIn;

use super::*;
use crate::core::draft::{Draft, Subject};
use crate::core::issuer::Issuer;
use crate::core::lint::samples::{Family, NOW, approved, at, draft, issuer, serial, subject, takes};

fn linted() -> Linted {
    draft(Family::Ec, BuiltIn::TlsServer).lint(at(NOW)).unwrap()
}

fn row(linted: &Linted) -> IntentRow {
    IntentRow::written(linted.issuer().id.clone(), linted.serial().clone(), linted.tbs().to_vec())
}

#[test]
fn an_intent_is_of_these_very_bytes() {
    let good = row(&linted());
    assert!(Stored::new(linted(), &good).is_ok());
    let mut other = row(&linted());
    other.tbs[20] ^= 1;
    assert_eq!(Stored::new(linted(), &other).unwrap_err(), Unfinished::OtherIntent);
    let other = IntentRow::written("sm2".parse().unwrap(), linted().serial().clone(), linted().tbs().to_vec());
    assert_eq!(Stored::new(linted(), &other).unwrap_err(), Unfinished::OtherIntent);
}

#[test]
fn a_signature_that_is_not_the_issuers_finishes_nothing() {
    let stored = || Stored::new(linted(), &row(&linted())).unwrap();
    assert_eq!(stored().finish(SignatureAlgorithm::Sm2Sm3, &[0; 70]).unwrap_err(), Unfinished::Algorithm);
    assert_eq!(stored().finish(SignatureAlgorithm::EcdsaSha256, &[0; 70]).unwrap_err(), Unfinished::Signature);
}

/// A key of the test's own, to sign with.
pub(crate) enum Signer {
    Ec(aws_lc_rs::signature::EcdsaKeyPair),
    Sm2(engine::sm2::PrivateKey),
}

impl Signer {
    pub(crate) fn new(family: Family) -> (Self, PublicKey) {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
        let (signer, identifier, point) = match family {
            Family::Ec => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
                let point = pair.public_key().as_ref().to_vec();
                (Self::Ec(pair), KeyAlgorithm::P256.spki_identifier(), point)
            }
            Family::Sm2 => {
                let private = engine::sm2::PrivateKey::from_bytes(&[0x5a; 32]).unwrap();
                let point = private.public().to_sec1().to_vec();
                (Self::Sm2(private), KeyAlgorithm::Sm2.spki_identifier(), point)
            }
        };
        let spki = [&[0x30, 0x59], identifier, &[0x03, 0x42, 0x00], &point].concat();
        (signer, PublicKey::from_spki(&spki).unwrap())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ec(pair) => pair.sign(&aws_lc_rs::rand::SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Sm2(private) => private.sign(message, &[0xa5; 32]).to_der(),
        }
    }

    fn family(&self) -> Family {
        if matches!(self, Self::Ec(_)) { Family::Ec } else { Family::Sm2 }
    }

    fn finish(&self, draft: Draft) -> Vec<u8> {
        let linted = draft.lint(at(NOW)).unwrap();
        let (signature, algorithm) = (self.sign(linted.tbs()), linted.issuer().signature_algorithm());
        let row = row(&linted);
        Stored::new(linted, &row).unwrap().finish(algorithm, &signature).unwrap().into_der()
    }
}

/// A root certificate of this key, with the name of the sample issuer.
pub(crate) fn root(signer: &Signer, key: &PublicKey) -> Vec<u8> {
    let name = subject(signer.family(), BuiltIn::Root).name().clone();
    let root = Issuer::self_signed("ec".parse().unwrap(), name.to_der(), key.clone());
    let itself = Subject::pooled(key.clone(), name, SubjectAltName::none());
    let profile = BuiltIn::Root.profile();
    signer.finish(Draft::new(approved(), &profile, &root, itself, serial(), None, at(NOW)).unwrap())
}

/// A certificate of a profile under that root.
fn under(signer: &Signer, key: &PublicKey, profile: BuiltIn) -> Vec<u8> {
    let mut issuing = issuer(signer.family(), profile);
    issuing.key = key.clone();
    let subject = subject(signer.family(), profile);
    signer.finish(Draft::new(approved(), &profile.profile(), &issuing, subject, serial(), None, at(NOW)).unwrap())
}

pub(crate) fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap()));
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}

#[test]
fn the_certificate_is_the_linted_bytes_the_algorithm_and_the_signature() {
    let (signer, key) = Signer::new(Family::Ec);
    let leaf = under(&signer, &key, BuiltIn::TlsServer);
    let certificate = x509_cert::Certificate::from_der(&leaf).unwrap();
    let (tbs, algorithm) = (certificate.tbs_certificate().to_der().unwrap(), SignatureAlgorithm::EcdsaSha256);
    let signature = certificate.signature().raw_bytes();
    assert!(key.verify(algorithm, &tbs, signature));
    assert!(is_exactly(&leaf, &tbs, algorithm, signature));
    assert!(!is_exactly(&leaf, &tbs, SignatureAlgorithm::EcdsaSha384, signature));
    assert!(!is_exactly(&leaf, &tbs[..tbs.len() - 1], algorithm, signature));
    assert!(!is_exactly(&[&leaf[..], &[0]].concat(), &tbs, algorithm, signature));
}

/// What `openssl verify` says of every profile under a root; it knows the SM2 signer's ID hop by hop only.
fn judged_by_openssl(family: Family, hop: &[&str]) {
    use std::process::Command;
    if Command::new("openssl").arg("version").output().is_err() {
        return eprintln!("left out: there is no openssl here");
    }
    let (signer, key) = Signer::new(family);
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, der: &[u8]| std::fs::write(directory.path().join(name), pem(der)).unwrap();
    write("root", &root(&signer, &key));
    let time = at(NOW).unix_seconds().to_string();
    for profile in BuiltIn::ALL.iter().filter(|profile| **profile != BuiltIn::Root && takes(family, **profile)) {
        write("leaf", &under(&signer, &key, *profile));
        let purpose = match profile {
            BuiltIn::TlsServer | BuiltIn::TlsServerShort | BuiltIn::TlsServerDv | BuiltIn::DualTlsServer => {
                vec!["-purpose", "sslserver", "-verify_hostname", "www.example.cn"]
            }
            BuiltIn::TlsClient | BuiltIn::Device | BuiltIn::DualDevice => vec!["-purpose", "sslclient"],
            BuiltIn::Person | BuiltIn::Organisation | BuiltIn::Email => vec!["-purpose", "smimesign"],
            BuiltIn::Tsa => vec!["-purpose", "timestampsign"],
            _ => vec![],
        };
        let judged = Command::new("openssl")
            .current_dir(directory.path())
            .args(["verify", "-x509_strict", "-attime", &time])
            .args(purpose)
            .args(hop)
            .arg("leaf")
            .output()
            .unwrap();
        assert!(judged.status.success(), "{profile:?}: {}", String::from_utf8_lossy(&judged.stderr));
    }
}

#[test]
fn openssl_accepts_a_p256_chain_of_every_profile() {
    judged_by_openssl(Family::Ec, &["-check_ss_sig", "-CAfile", "root"]);
}

#[test]
fn openssl_accepts_an_sm2_chain_of_every_profile() {
    judged_by_openssl(Family::Sm2, &["-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", "root"]);
}
