//! A new key for an issuer, both lists side by side.

use super::*;

const ROLL: &str = "[[step]]\ndo = \"roll\"\nissuer = \"ec-issuing\"\nnew = \"ec-issuing-2\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn new_certificates_come_from_the_new_key_and_both_lists_go_on() {
    let place = Place::open(ONLINE).await;
    let old = place.issue("old.example.cn", KeyAlgorithm::P256, None).await.unwrap();
    let gone = place.issue("gone.example.cn", KeyAlgorithm::P256, None).await.unwrap();
    place.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    place.hold(&plan(ROLL), None).await;

    let new = place.issue("new.example.cn", KeyAlgorithm::P256, None).await.unwrap();
    assert_eq!(new.issuer, id("ec-issuing-2"));
    let named = place.issue("named.example.cn", KeyAlgorithm::P256, Some("ec-issuing")).await.unwrap();
    assert_eq!(named.issuer, id("ec-issuing-2"), "whoever names the old one gets the new one");
    let (before, after) = (place.certificate("ec-issuing"), place.certificate("ec-issuing-2"));
    assert_eq!(before.subject(), after.subject());
    assert_ne!(before.spki(), after.spki());

    // A certificate of the old key is revoked, by the old key's list alone.
    let revoke = suite(Permission::RevokeCertificate);
    let why = pki_config::status::Reason::Superseded;
    place.house.ca.revoke(&revoke, &gone.serial, Some(&gone.issuer), why, None).await.unwrap();
    later(&place, 31).await;
    let lists = [place.list("ec-root").await, place.list("ec-issuing").await, place.list("ec-issuing-2").await];
    assert_eq!(lists[1].entries().count(), 1);
    assert_eq!(lists[2].entries().count(), 0);
    let root = place.certificate("ec-root");
    let between = [after.clone(), before.clone()];
    for (leaf, good) in [(&old, true), (&new, true), (&gone, false)] {
        let said = place.valid(&leaf.der, &between, vec![root.clone()], &lists);
        assert_eq!(said.is_ok(), good, "{}: {said:?}", leaf.subject);
    }
    // The new key's list does not pass for the old key's.
    let said = place.valid(&gone.der, &between, vec![root.clone()], &[lists[0].clone(), lists[2].clone()]);
    assert!(said.is_err(), "a list of another key of this name told nothing of it");

    let root_file = bundle(&place, "root.pem", &[root.der()]);
    let both = bundle(&place, "between.pem", &[after.der(), before.der()]);
    let crls: String = lists.iter().map(|list| pem("X509 CRL", list.der())).collect();
    let crls = place.write("all.crl", crls.as_bytes());
    let of_new: String = [&lists[0], &lists[2]].iter().map(|list| pem("X509 CRL", list.der())).collect();
    let of_new = place.write("new.crl", of_new.as_bytes());
    for (leaf, good) in [(&old, true), (&new, true), (&gone, false)] {
        let file = bundle(&place, "leaf.pem", &[&leaf.der]);
        if let Some(said) = openssl(&root_file, &both, &file, &crls, &place.clock) {
            assert_eq!(said.is_ok(), good, "{}: {said:?}", leaf.subject);
        }
    }
    let file = bundle(&place, "gone.pem", &[&gone.der]);
    if let Some(said) = openssl(&root_file, &both, &file, &of_new, &place.clock) {
        assert!(said.is_err(), "openssl took the new key's list for the old one's: {said:?}");
    }
    // Each chain comes with the key that signed it.
    assert_eq!(place.house.ca.chain(&old.issuer).unwrap().issuers, [before.der().to_vec()]);
    assert_eq!(place.house.ca.chain(&new.issuer).unwrap().issuers, [after.der().to_vec()]);
    // Responders for both keys; nothing else is signed with the old one.
    place.house.responders().await;
    let said = place.refuses(&plan(&ROLL.replace("-2", "-3")), None).await;
    assert!(said.contains("is rolled"), "{said}");
    place.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_successor_still_issues() {
    let mut place = Place::open(ONLINE).await;
    place.hold(&plan(ROLL), None).await;
    let parts = Parts { clock: place.clock.clone(), setup: Setup::Production, ..Parts::real() };
    place.house.close().await;
    place.house = TestHouse::open(place.dir.path(), parts).await;
    assert_eq!(place.house.ca.issuer(&id("ec-issuing")).unwrap().state.as_str(), "rolled");
    let new = place.issue("new.example.cn", KeyAlgorithm::P256, Some("ec-issuing")).await.unwrap();
    assert_eq!(new.issuer, id("ec-issuing-2"));
    place.finish().await;
}
