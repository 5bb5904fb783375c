//! Two persons, and the code they compare.

use super::*;

const LIST: &str = "[[step]]\ndo = \"crl\"\nissuer = \"sm2-root\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_confirms_what_they_put_forward_or_without_its_code() {
    let place = Place::open(ONLINE).await;
    let row = place.propose("one", &plan(LIST), None).await.unwrap();
    let alone = place.confirm("one", &row).await.unwrap_err();
    assert!(matches!(alone, ca::Error::SamePerson(_)), "{alone}");
    let guess = place.house.ca.confirm_ceremony(&admin("two"), ONLINE, row.id, "0000 0000").await.unwrap_err();
    assert!(guess.to_string().contains("code"), "{guess}");
    let done = place.confirm("two", &row).await.unwrap();
    assert_eq!(done.state.as_str(), "done");
    let again = place.confirm("two", &row).await.unwrap_err();
    assert!(matches!(again, ca::Error::CeremonyState { .. }), "{again}");
    // What was refused is in the log too, and the transcript is what ended it.
    let entries = place.house.audit.find(&row.id.to_string(), 20).await.unwrap();
    let ended = entries.iter().filter_map(|entry| entry.payload.clone()).find(|text| text.starts_with(b"TRANSCRIPT"));
    assert_eq!(ended.as_deref(), done.transcript.as_ref().map(String::as_bytes));
    assert_eq!(entries.len(), 6, "put forward, three refusals, confirmed, ended");
    let page = done.transcript.unwrap();
    for told in
        [&code(&done.sm3), "Put forward by one", "Confirmed by   two", "Sign the revocation list of sm2-root", "____"]
    {
        assert!(page.contains(told), "{told}\n{page}");
    }
    place.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_not_put_forward_twice_and_can_be_withdrawn() {
    let place = Place::open(ONLINE).await;
    let row = place.propose("one", &plan(LIST), None).await.unwrap();
    assert!(place.refuses(&plan(LIST), None).await.contains("waits already"));
    let gone = place.house.ca.reject_ceremony(&admin("one"), row.id, "not today").await.unwrap();
    assert_eq!((gone.state.as_str(), gone.reason.as_deref()), ("rejected", Some("not today")));
    assert!(place.confirm("two", &row).await.is_err());
    // A list is signed again and again by the same plan.
    place.hold(&plan(LIST), None).await;
    place.hold(&plan(LIST), None).await;
    assert_eq!(place.house.ca.ceremonies(&TenantId::house()).await.unwrap().len(), 3);
    place.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_before_anybody_confirms() {
    let place = Place::open(ONLINE).await;
    let cases = [
        ("do = \"crl\"\nissuer = \"none\"", "no issuer is called none"),
        ("do = \"roll\"\nissuer = \"sm2-root\"\nnew = \"x\"", "is a root"),
        ("do = \"roll\"\nissuer = \"sm2-issuing\"\nnew = \"ec-issuing\"", "exists"),
        ("do = \"revoke\"\nissuer = \"sm2-root\"\nreason = \"superseded\"", "is a root"),
        ("do = \"revoke\"\nunder = \"sm2-root\"\nserial = \"01\"\nreason = \"superseded\"", "no certificate"),
        (
            "do = \"issuer\"\nissuer = \"x\"\nunder = \"sm2-issuing\"\nalgorithm = \"sm2\"\nsubject = \"CN=X,O=X\"",
            "no authority below",
        ),
        (
            "do = \"certify\"\nissuer = \"x\"\nunder = \"sm2-root\"\nalgorithm = \"sm2\"\nsubject = \"CN=X,O=X\"\n\
             url = \"http://x.cn\"",
            "bring the request",
        ),
    ];
    for (step, why) in cases {
        let said = place.refuses(&plan(&format!("[[step]]\n{step}\n")), None).await;
        assert!(said.contains(why), "{step}: {said}");
    }
    assert!(place.house.ca.ceremonies(&TenantId::house()).await.unwrap().is_empty());
    place.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_a_registration_officer_revokes_no_authority() {
    let place = Place::open(ONLINE).await;
    let serial = pki_config::Serial::from_der_content(place.certificate("ec-issuing").serial()).unwrap();
    let by = support::officer("ra", Permission::RevokeCertificate);
    let why = pki_config::status::Reason::Superseded;
    let refused = place.house.ca.revoke(&by, &serial, Some(&id("ec-root")), why, None).await.unwrap_err();
    assert!(matches!(refused, ca::Error::AuthorityCertificate(_)), "{refused}");
    place.issue("www.example.cn", KeyAlgorithm::P256, None).await.unwrap();
    place.finish().await;
}
