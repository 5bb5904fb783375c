//! The OCSP responder with a whole authority behind it, without HTTP: what it answers, what others say of its answers,
//! and that it never disagrees with the CRL.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod agree;
mod behaviour;
mod judged;
#[path = "../judges/mod.rs"]
mod judges;
mod mutated;
mod read;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use ca::Certificate;
use crypto_pool::KeyAlgorithm;
use crypto_pool::path::Cert;
use ocsp::Answer;
use ocsp::core::names::{IssuerNames, key_bits};
use ocsp::core::request::Form;
use pki_config::config::OcspConfig;
use pki_config::time::FixedClock;
use pki_config::{IssuerId, Permission};
use support::{Parts, TestHouse, tlv};

const SM2: (&str, &str, KeyAlgorithm) = ("sm2-root", "sm2-issuing", KeyAlgorithm::Sm2);
const EC: (&str, &str, KeyAlgorithm) = ("ec-root", "ec-issuing", KeyAlgorithm::P256);

/// A house with a responder for each of its four issuers.
async fn house(dir: &Path, config: OcspConfig) -> TestHouse {
    let house = TestHouse::open(dir, Parts { ocsp: Some(config), ..Parts::real() }).await;
    house.responders().await;
    house
}

/// The same with a clock that the test moves.
async fn house_at(dir: &Path, config: OcspConfig, clock: Arc<FixedClock>) -> TestHouse {
    let house = TestHouse::open(dir, Parts { ocsp: Some(config), clock, ..Parts::real() }).await;
    house.responders().await;
    house
}

async fn server(house: &TestHouse, host: &str, key: KeyAlgorithm) -> Certificate {
    let (csr, _) = support::csr(key, house.random.as_ref());
    let request = support::server_request(&csr, host);
    house.ca.issue(&support::owner(Permission::IssueCertificate), request).await.unwrap()
}

fn names(house: &TestHouse, issuer: &IssuerId) -> IssuerNames {
    let certificate = Cert::from_der(&house.ca.issuer(issuer).unwrap().certificate).unwrap();
    IssuerNames::new(certificate.subject(), key_bits(certificate.spki()).unwrap())
}

/// The content octets of a serial's INTEGER.
fn content(serial: &pki_config::Serial) -> Vec<u8> {
    let magnitude = serial.as_bytes();
    if magnitude[0] >= 0x80 { [&[0], magnitude].concat() } else { magnitude.to_vec() }
}

/// A question about these CertIDs, with these request extensions (an OCTET STRING for the nonce) or none.
fn question(ids: &[Vec<u8>], nonce: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<u8> = ids.iter().flat_map(|id| tlv(0x30, id)).collect();
    let mut tbs = tlv(0x30, &list);
    if let Some(nonce) = nonce {
        // id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2.
        let id = [0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
        let extension = tlv(0x30, &[&id, tlv(4, &tlv(4, nonce)).as_slice()].concat());
        tbs.extend(tlv(0xa2, &tlv(0x30, &extension)));
    }
    tlv(0x30, &tlv(0x30, &tbs))
}

/// The question every browser asks about a certificate.
fn usual(house: &TestHouse, certificate: &Certificate) -> Vec<u8> {
    let id = names(house, &certificate.issuer).cert_id(Form::USUAL, &content(&certificate.serial));
    question(&[id], None)
}

async fn ask(house: &TestHouse, der: &[u8]) -> Answer {
    house.ocsp.as_ref().unwrap().answer(der).await
}
