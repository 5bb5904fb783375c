//! Pick-up links: the holder sends the key, officers never have it.

use std::time::Duration;

use ca::Invitation;
use ca::store::Queue;
use crypto_pool::KeyAlgorithm;
use pki_config::{ErrorCode, Identity};

use crate::{approves, files, finish, house, key, state, who};

const LINK: [u8; 32] = [7; 32];

fn invitation(host: &str) -> Invitation {
    Invitation {
        subject: format!("CN={host}").parse().unwrap(),
        sans: format!("dns:{host}").parse().unwrap(),
        identity: Identity::none(),
        profile: "tls-server".to_owned(),
        issuer: None,
        days: None,
        branch: None,
        contact: Some("web@example.cn".to_owned()),
        evidence: Vec::new(),
        link_days: 14,
        link: LINK,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_sends_the_key_officers_decide_and_the_link_gives_the_certificate() {
    let (house, _, _dir) = house().await;
    let invited = house.ca.invite(&files("li"), &invitation("www.example.cn")).await.unwrap();
    assert_eq!((state(&house, invited.id).await, invited.spki), ("invited", None));
    let early = house.ca.approve(&approves("wang"), invited.id).await.unwrap_err();
    assert_eq!(early.code(), ErrorCode::RequestState, "there is no key yet");

    // An EC key goes to the EC authority: the officer named none.
    let csr = key(&house, KeyAlgorithm::P256);
    let sent = house.ca.send_key(LINK, csr.clone()).await.unwrap();
    assert_eq!(sent.issuer.as_ref().map(ToString::to_string).as_deref(), Some("ec-issuing"));
    let again = house.ca.send_key(LINK, key(&house, KeyAlgorithm::Sm2)).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::RequestState, "a key is sent once");
    let waiting = house.ca.picked_up(LINK).await.unwrap();
    assert!(house.ca.certificate_of(&waiting).await.unwrap().is_none());

    let own = house.ca.approve(&approves("li"), invited.id).await.unwrap_err();
    assert_eq!(own.code(), ErrorCode::SameOfficer, "who invited is who filed");
    let issued = house.ca.approve(&approves("wang"), invited.id).await.unwrap();
    let row = house.ca.picked_up(LINK).await.unwrap();
    let picked = house.ca.certificate_of(&row).await.unwrap().unwrap();
    assert_eq!(picked.der, issued.der);
    assert_eq!(picked.subject, "CN=www.example.cn", "the names are the officer's, not the request's");
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_unknown_expired_or_replaced_opens_nothing() {
    let (house, clock, _dir) = house().await;
    let invited = house.ca.invite(&files("li"), &invitation("www.example.cn")).await.unwrap();
    let csr = || key(&house, KeyAlgorithm::Sm2);
    assert_eq!(house.ca.send_key([8; 32], csr()).await.unwrap_err().code(), ErrorCode::LinkUsed);
    house.ca.new_link(&files("li"), invited.id, [9; 32]).await.unwrap();
    assert_eq!(house.ca.send_key(LINK, csr()).await.unwrap_err().code(), ErrorCode::LinkUsed, "replaced");
    clock.advance(Duration::from_secs(14 * 86_400 + 1));
    assert_eq!(house.ca.send_key([9; 32], csr()).await.unwrap_err().code(), ErrorCode::LinkUsed, "expired");
    assert_eq!(state(&house, invited.id).await, "invited");
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_issued_is_refused_before_anybody_is_invited() {
    let (house, _, _dir) = house().await;
    let try_it = async |invitation: Invitation| house.ca.invite(&files("li"), &invitation).await.unwrap_err().code();
    // A common name that is in no alternative name breaks BR 7.1.4.3.
    let subject = "CN=other.example.cn".parse().unwrap();
    assert_eq!(try_it(Invitation { subject, ..invitation("www.example.cn") }).await, ErrorCode::LintFailed);
    let profile = "sub-ca".to_owned();
    assert_eq!(try_it(Invitation { profile, ..invitation("www.example.cn") }).await, ErrorCode::ProfileUnknown);
    let contact = Some("nobody".to_owned());
    assert_eq!(try_it(Invitation { contact, ..invitation("www.example.cn") }).await, ErrorCode::BadRequest);
    for link_days in [0, 91] {
        assert_eq!(try_it(Invitation { link_days, ..invitation("www.example.cn") }).await, ErrorCode::BadRequest);
    }
    let profile = "tls-server-dv".to_owned();
    let without = Invitation { profile, ..invitation("www.example.com") };
    assert_eq!(try_it(without).await, ErrorCode::EvidenceMissing);
    let query = ca::store::QueueQuery { queue: Queue::Invited, branch: None, profile: None, after: None, limit: 9 };
    assert!(house.ca.queue(&who("li"), query).await.unwrap().0.is_empty());
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_key_can_be_withdrawn_and_its_link_with_it() {
    let (house, _, _dir) = house().await;
    let invited = house.ca.invite(&files("li"), &invitation("www.example.cn")).await.unwrap();
    house.ca.reject(&approves("li"), invited.id, "sent to the wrong person").await.unwrap();
    let late = house.ca.send_key(LINK, key(&house, KeyAlgorithm::Sm2)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::RequestState);
    let dead = house.ca.new_link(&files("li"), invited.id, [9; 32]).await.unwrap_err();
    assert_eq!(dead.code(), ErrorCode::RequestState);
    finish(house).await;
}
