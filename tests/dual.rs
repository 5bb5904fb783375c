//! Pairs of certificates and the key centre, from the order to the recovered key: both or neither whatever fails, two
//! officers, and never a key in clear.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "dual/faults.rs"]
mod faults;
#[path = "dual/judged.rs"]
mod judged;
#[path = "judges/mod.rs"]
mod judges;
#[path = "dual/order_of_a_pair.rs"]
mod order_of_a_pair;
#[path = "dual/orders.rs"]
mod orders;
mod support;

use ca::{Certificate, Error, NewRequest};
use crypto_pool::KeyAlgorithm;
use crypto_pool::envelope::{csr_response, enveloped_key, private_key};
use engine::sm2::PrivateKey;
use pki_config::role::{Authorized, Setup, authorize};
use pki_config::{Actor, Channel, Permission, Role, TenantId};
use support::{Parts, TestHouse};

/// A key officer of the house over https.
fn key_officer(person: &str, permission: Permission) -> Authorized {
    let actor = Actor::new(TenantId::house(), person, Role::KeyOfficer, Channel::Https);
    authorize(&actor, permission, Setup::Production).unwrap()
}

/// A request for a pair, and the holder's signing key.
fn request(house: &TestHouse, profile: &str, name: &str) -> (NewRequest, PrivateKey) {
    let (csr, pkcs8) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let sans = if profile == "dual-tls-server" { format!("dns:{name}") } else { String::new() };
    let subject = if profile == "dual-organisation" { format!("CN={name},O={name}") } else { format!("CN={name}") };
    let request = NewRequest {
        csr,
        subject: Some(subject.parse().unwrap()),
        sans: if sans.is_empty() { Default::default() } else { sans.parse().unwrap() },
        identity: pki_config::Identity::none(),
        profile: profile.to_owned(),
        issuer: None,
        days: None,
    };
    (request, private_key::read(&pkcs8).unwrap())
}

async fn issue(house: &TestHouse, profile: &str, name: &str) -> Result<(Certificate, PrivateKey), Error> {
    let (request, key) = request(house, profile, name);
    let issued = house.ca.issue(&support::owner(Permission::IssueCertificate), request).await?;
    Ok((issued, key))
}

async fn pair(house: &TestHouse, certificate: &Certificate) -> ca::Pair {
    house.ca.pair(&TenantId::house(), &certificate.serial, None).await.unwrap()
}

/// The encryption key, as its holder gets and opens it.
async fn delivered(house: &TestHouse, pair: &ca::Pair, signing: &PrivateKey) -> PrivateKey {
    let holder = Actor::new(TenantId::house(), "holder", Role::Anyone, Channel::Public);
    let delivered = house.centre.deliver(holder, pair.encryption_request).await.unwrap();
    let response = csr_response::write(&pair.sign.der, &delivered.envelope, &pair.encryption.der);
    csr_response::CsrResponse::read(&response).unwrap().open(signing).unwrap().unwrap()
}

async fn house(dir: &std::path::Path) -> TestHouse {
    TestHouse::open(dir, Parts::real()).await
}
