//! The revocation of an issuing authority by its parent.

use ocsp::Outcome;
use ocsp::core::names::{IssuerNames, key_bits};
use ocsp::core::request::Form;
use support::tlv;

use super::*;

const REVOKE: &str = "[[step]]\ndo = \"revoke\"\nissuer = \"ec-issuing\"\nreason = \"cACompromise\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_issuer_stands_in_its_parents_list_and_issues_nothing_any_more() {
    let place = Place::open(ONLINE).await;
    let leaf = place.issue("www.example.cn", KeyAlgorithm::P256, None).await.unwrap();
    place.house.responders().await;
    place.house.ca.publish_due_crls(&Actor::system()).await.unwrap();
    let done = place.hold(&plan(REVOKE), None).await;
    // Two responders' certificates, issued by it above, and the leaf: whatever it had issued is counted.
    let page = done.transcript.unwrap();
    assert!(page.contains("2 certificates that were good are believed no more"), "{page}");

    // Told at once: by the root's list, and to whoever asks the responder about the leaf.
    let list = place.list("ec-root").await;
    let issuing = place.certificate("ec-issuing");
    let entry = list.find(issuing.serial()).expect("it is on its parent's list");
    assert_eq!(entry.reason, pki_config::status::Reason::CaCompromise);
    let root = place.certificate("ec-root");
    let lists = [list.clone(), place.list("ec-issuing").await];
    let said = place.valid(&leaf.der, std::slice::from_ref(&issuing), vec![root.clone()], &lists);
    assert!(said.as_ref().is_err_and(|why| why.contains("revoked")), "{said:?}");
    let root_file = bundle(&place, "root.pem", &[root.der()]);
    let between = bundle(&place, "between.pem", &[issuing.der()]);
    let crls: String = lists.iter().map(|list| pem("X509 CRL", list.der())).collect();
    let (crls, file) = (place.write("all.crl", crls.as_bytes()), bundle(&place, "leaf.pem", &[&leaf.der]));
    if let Some(said) = openssl(&root_file, &between, &file, &crls, &place.clock) {
        assert!(said.as_ref().is_err_and(|why| why.contains("certificate revoked")), "{said:?}");
    }
    for (about, above) in [(issuing.der(), &root), (&leaf.der[..], &issuing)] {
        let answer = asked(&place, about, above).await;
        assert_eq!(answer, Outcome::Revoked);
    }

    // It issues nothing: not for a request, not by name, not for the suite itself.
    for issuer in [None, Some("ec-issuing")] {
        let refused = place.issue("late.example.cn", KeyAlgorithm::P256, issuer).await.unwrap_err();
        assert!(matches!(refused, ca::Error::IssuerAtRest { .. } | ca::Error::NoIssuerForKey { .. }), "{refused}");
    }
    place.issue("other.example.cn", KeyAlgorithm::Sm2, None).await.unwrap();
    let key = place.house.ca.issuer(&id("ec-issuing")).unwrap().key;
    assert_eq!(place.house.kms.record(key).await.unwrap().state, crypto_pool::key::KeyState::Retired);
    // Its own lists go on, for whoever still has its certificates.
    later(&place, 86_401).await;
    assert!(place.refuses(&plan(REVOKE), None).await.contains("was revoked at"));
    place.finish().await;
}

/// What the responder says of a certificate.
async fn asked(place: &Place, der: &[u8], issuer: &Cert) -> Outcome {
    let names = IssuerNames::new(issuer.subject(), key_bits(issuer.spki()).unwrap());
    let id = names.cert_id(Form::USUAL, Cert::from_der(der).unwrap().serial());
    // OCSPRequest { tbsRequest { requestList { { reqCert } } } } (RFC 6960 4.1.1).
    let question = tlv(0x30, &tlv(0x30, &tlv(0x30, &tlv(0x30, &id))));
    place.house.ocsp.as_ref().unwrap().answer(&question).await.outcome
}
