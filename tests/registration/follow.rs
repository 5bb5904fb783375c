//! Certificates that follow one another: renewed, re-keyed, issued again.

use std::time::Duration;

use ca::core::csr::ProvenRequest;
use ca::store::RequestKind;
use ca::{Certificate, Follow, Submission};
use crypto_pool::KeyAlgorithm;
use crypto_pool::path::Cert as Parsed;
use pki_config::status::Reason;
use pki_config::{Clock as _, ErrorCode, Permission, RequestId, TenantId};

use crate::support::{TestHouse, officer};
use crate::{approves, evidence, files, finish, house, issue, key, request, server};

async fn follow(house: &TestHouse, old: &Certificate, follow: Follow) -> Result<RequestId, ca::Error> {
    house.ca.follow(&files("li"), &old.serial, None, follow, None, Vec::new()).await
}

fn spki(der: &[u8]) -> Vec<u8> {
    Parsed::from_der(der).unwrap().spki().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_has_the_same_names_and_key_and_another_term() {
    let (house, clock, _dir) = house().await;
    let old = issue(&house, server(&house, "www.example.cn")).await;
    clock.advance(Duration::from_secs(100 * 86_400));
    let id = follow(&house, &old, Follow::Renew).await.unwrap();
    let row = house.ca.request(&TenantId::house(), id).await.unwrap();
    assert_eq!((row.kind, row.replaces.as_ref().map(|(_, s)| s)), (RequestKind::Renew, Some(&old.serial)));
    let own = house.ca.approve(&approves("li"), id).await.unwrap_err();
    assert_eq!(own.code(), ErrorCode::SameOfficer, "a renewal is decided like any request");
    let new = house.ca.approve(&approves("wang"), id).await.unwrap();
    assert_eq!((&new.subject, &new.sans, spki(&new.der)), (&old.subject, &old.sans, spki(&old.der)));
    assert!(new.validity.not_after() > old.validity.not_after() && new.serial != old.serial);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_re_keyed_certificate_has_the_same_names_and_really_another_key() {
    let (house, _, _dir) = house().await;
    let first = server(&house, "www.example.cn");
    let old = issue(&house, first.clone()).await;
    let same = follow(&house, &old, Follow::Rekey(first.csr)).await.unwrap_err();
    assert_eq!(same.code(), ErrorCode::KeyRefused);
    let csr = key(&house, KeyAlgorithm::Sm2);
    let expected = ProvenRequest::read(&csr).unwrap().key().spki_der().to_vec();
    let id = follow(&house, &old, Follow::Rekey(csr)).await.unwrap();
    let new = house.ca.approve(&approves("wang"), id).await.unwrap();
    assert_eq!((&new.subject, spki(&new.der)), (&old.subject, expected));
    let other_family = follow(&house, &old, Follow::Rekey(key(&house, KeyAlgorithm::P256))).await.unwrap_err();
    assert_eq!(other_family.code(), ErrorCode::KeyRefused, "the issuer stays, and certifies SM2 keys only");
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_issued_again_has_changed_names() {
    let (house, _, _dir) = house().await;
    let old = issue(&house, server(&house, "www.example.cn")).await;
    let with =
        |sans: Option<&str>| Follow::Reissue { subject: None, sans: sans.map(|sans| sans.parse().unwrap()), csr: None };
    assert_eq!(follow(&house, &old, with(None)).await.unwrap_err().code(), ErrorCode::NameRefused);
    let same = follow(&house, &old, with(Some("dns:www.example.cn"))).await.unwrap_err();
    assert_eq!(same.code(), ErrorCode::NameRefused);
    let id = follow(&house, &old, with(Some("dns:www.example.cn,dns:example.cn"))).await.unwrap();
    let new = house.ca.approve(&approves("wang"), id).await.unwrap();
    assert_eq!(new.sans, ["dns:www.example.cn", "dns:example.cn"]);
    assert_eq!(spki(&new.der), spki(&old.der));
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_goes_with_the_names_and_keeps_its_age() {
    let (house, clock, _dir) = house().await;
    let ask = request(&house, "tls-server-dv", "CN=www.example.com", "dns:www.example.com");
    let given = vec![evidence(clock.now(), 398, b"TXT")];
    let old = issue(&house, Submission { evidence: given, ..ask.into() }).await;
    clock.advance(Duration::from_secs(150 * 86_400));
    let renewed = follow(&house, &old, Follow::Renew).await.unwrap();
    let carried = house.ca.evidence_of(&TenantId::house(), renewed).await.unwrap();
    assert_eq!(carried.len(), 1);
    assert_eq!(carried[0].added_at, "2026-06-01T12:00:00Z".parse().unwrap());
    let other_names = Follow::Reissue {
        subject: Some("CN=example.com".parse().unwrap()),
        sans: Some("dns:example.com".parse().unwrap()),
        csr: None,
    };
    let unchecked = follow(&house, &old, other_names).await.unwrap_err();
    assert_eq!(unchecked.code(), ErrorCode::EvidenceMissing, "nobody checked these names");
    // 150 and 51 days: older than the 200 of the profile.
    clock.advance(Duration::from_secs(51 * 86_400));
    let late = house.ca.approve(&approves("wang"), renewed).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::EvidenceMissing);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_a_certificate_that_is_revoked_or_on_hold() {
    let (house, _, _dir) = house().await;
    let old = issue(&house, server(&house, "www.example.cn")).await;
    let auth = officer("li", Permission::RevokeCertificate);
    house.ca.hold(&auth, &old.serial, None).await.unwrap();
    assert_eq!(follow(&house, &old, Follow::Renew).await.unwrap_err().code(), ErrorCode::CertificateState);
    house.ca.release(&auth, &old.serial, None).await.unwrap();
    assert!(follow(&house, &old, Follow::Renew).await.is_ok());
    house.ca.revoke(&auth, &old.serial, None, Reason::Superseded, None).await.unwrap();
    assert_eq!(follow(&house, &old, Follow::Renew).await.unwrap_err().code(), ErrorCode::CertificateState);
    finish(house).await;
}
