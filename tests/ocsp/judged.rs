//! What OpenSSL, BouncyCastle and pkilint say of our answers.

use std::path::PathBuf;

use pki_config::status::Reason;

use super::judges::{BouncyCastle, OpenSsl, Pkilint, fact};
use super::*;

struct Files(PathBuf);

impl Files {
    fn pem(&self, name: &str, der: &[u8]) -> PathBuf {
        let path = self.0.join(format!("{name}.pem"));
        std::fs::write(&path, support::pem("CERTIFICATE", der)).unwrap();
        path
    }

    async fn answered(&self, house: &TestHouse, request: &Path) -> PathBuf {
        let answer = ask(house, &std::fs::read(request).unwrap()).await;
        let path = request.with_extension("response.der");
        std::fs::write(&path, &answer.der).unwrap();
        path
    }

    fn damaged(&self, response: &Path) -> PathBuf {
        let mut der = std::fs::read(response).unwrap();
        // Within thisUpdate: still DER, signed otherwise.
        let place = der.windows(2).rposition(|w| w == [0x18, 15]).unwrap();
        let place = der[..place].windows(2).rposition(|w| w == [0x18, 15]).unwrap_or(place) + 16;
        der[place - 1] = if der[place - 1] == b'0' { b'1' } else { b'0' };
        let path = response.with_extension("damaged.der");
        std::fs::write(&path, der).unwrap();
        path
    }
}

struct Subjects {
    good: Certificate,
    gone: Certificate,
    held: Certificate,
}

async fn subjects(house: &TestHouse, key: KeyAlgorithm) -> Subjects {
    let auth = support::owner(Permission::RevokeCertificate);
    let good = server(house, "good.example.cn", key).await;
    let gone = server(house, "gone.example.cn", key).await;
    let held = server(house, "held.example.cn", key).await;
    let since = Some(gone.validity.not_before());
    house.ca.revoke(&auth, &gone.serial, None, Reason::KeyCompromise, since).await.unwrap();
    house.ca.hold(&auth, &held.serial, None).await.unwrap();
    Subjects { good, gone, held }
}

#[tokio::test(flavor = "multi_thread")]
async fn bouncy_castle_verifies_answers_of_both_families_under_sha_1_and_sm3() {
    let Some(bouncy) = BouncyCastle::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let files = Files(dir.path().to_owned());
    for (_, issuing, key) in [SM2, EC] {
        let Subjects { good, gone, held } = subjects(&house, key).await;
        let issuer = files.pem(issuing, &house.ca.issuer(&issuing.parse().unwrap()).unwrap().certificate);
        let signature = if key == KeyAlgorithm::Sm2 { "1.2.156.10197.1.501" } else { "1.2.840.10045.4.3.2" };
        // OpenSSL judges the ECDSA answers too; each start of Java takes most of a second.
        let asked: &[(&Certificate, &str, &str, &str, &str)] = if key == KeyAlgorithm::Sm2 {
            // 1 keyCompromise, 6 certificateHold (RFC 5280 5.3.1).
            &[
                (&good, "sha1", "-", "good", ""),
                (&good, "sm3", "00112233445566778899aabbccddeeff", "good", ""),
                (&gone, "sm3", "-", "revoked", "1"),
                (&held, "sha256", "01", "revoked", "6"),
            ]
        } else {
            &[(&good, "sha1", "-", "good", "")]
        };
        for (certificate, hash, nonce, status, reason) in asked {
            let leaf = files.pem("leaf", &certificate.der);
            let request = dir.path().join(format!("{issuing}-{status}-{hash}.der"));
            bouncy.ocsp_question(hash, &issuer, &leaf, nonce, &request);
            let response = files.answered(&house, &request).await;
            let what = format!("{issuing} {status} {hash}");
            let said = bouncy.ocsp_answer(hash, &issuer, &leaf, nonce, &response).must_accept(&what);
            assert_eq!((fact(&said, "status"), fact(&said, "signature")), (*status, signature), "{what}");
            if !reason.is_empty() {
                assert_eq!(fact(&said, "reason"), *reason, "{what}");
            }
            if *hash == "sha1" {
                // From memory now.
                let again = files.answered(&house, &request).await;
                bouncy.ocsp_answer(hash, &issuer, &leaf, nonce, &again).must_accept(&what);
                let damaged = files.damaged(&response);
                bouncy.ocsp_answer(hash, &issuer, &leaf, nonce, &damaged).must_refuse("a damaged answer");
            }
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_asks_and_verifies_on_the_ecdsa_chain() {
    let Some(openssl) = OpenSsl::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let files = Files(dir.path().to_owned());
    let (root, issuing, key) = EC;
    let Subjects { good, gone, held } = subjects(&house, key).await;
    let root = files.pem("root", &house.ca.issuer(&root.parse().unwrap()).unwrap().certificate);
    let issuing_der = house.ca.issuer(&issuing.parse().unwrap()).unwrap().certificate.clone();
    let issuer = files.pem("issuing", &issuing_der);
    let leaves = [("good", &good), ("gone", &gone), ("held", &held)].map(|(name, c)| files.pem(name, &c.der));
    let all: Vec<&Path> = leaves.iter().map(PathBuf::as_path).collect();
    for (name, asked, hash, nonce, words) in [
        ("one", &all[..1], "sha1", false, &["Cert Status: good"][..]),
        ("nonce", &all[..1], "sha256", true, &["Cert Status: good", "OCSP Nonce"]),
        ("all", &all[..], "sha1", true, &["keyCompromise", "certificateHold", "Invalidity Date"]),
    ] {
        let request = dir.path().join(format!("{name}.der"));
        assert!(openssl.ocsp_request(&issuer, asked, hash, nonce, &request), "{name}");
        let response = files.answered(&house, &request).await;
        let said = openssl.ocsp_response(&root, &issuer, &request, &response).must_accept(name);
        words.iter().for_each(|word| assert!(said.contains(word), "{name}: no {word} in {said}"));
        openssl.ocsp_response(&root, &issuer, &request, &files.damaged(&response)).must_refuse("a damaged answer");
    }
    // The root answers for the issuing authority.
    let request = dir.path().join("authority.der");
    assert!(openssl.ocsp_request(&root, &[&issuer], "sha1", false, &request));
    let response = files.answered(&house, &request).await;
    let said = openssl.ocsp_response(&root, &root, &request, &response).must_accept("the issuing authority");
    assert!(said.contains("Cert Status: good"), "{said}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pkilint_finds_nothing_in_our_answers() {
    let Some(pkilint) = Pkilint::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    for (_, issuing, key) in [SM2, EC] {
        let Subjects { good, gone, held } = subjects(&house, key).await;
        let id = |c: &Certificate| names(&house, &c.issuer).cert_id(Form::USUAL, &content(&c.serial));
        let never = names(&house, &issuing.parse().unwrap()).cert_id(Form::USUAL, &[0x11; 16]);
        for (name, ids, nonce) in [
            ("good", vec![id(&good)], None),
            ("gone", vec![id(&gone)], Some(&[9; 32][..])),
            ("several", vec![id(&good), id(&held), never], None),
        ] {
            let file = dir.path().join(format!("{issuing}-{name}.der"));
            std::fs::write(&file, &ask(&house, &question(&ids, nonce)).await.der).unwrap();
            pkilint.ocsp(&file).must_accept(&format!("{issuing} {name}"));
        }
    }
    house.close().await;
}
