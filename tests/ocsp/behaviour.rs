//! What is answered to whom, and when.

use std::time::Duration;

use ocsp::Outcome;
use ocsp::core::request::{Form, Hash};
use ocsp::core::response::Refusal;
use pki_config::config::{OcspConfig, Seconds, Unlisted};
use pki_config::status::Reason;

use super::read::{Status, basic, status};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_good_before_its_holder_has_it_and_revoked_as_soon_as_the_officer_hears_so() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let auth = support::owner(Permission::RevokeCertificate);
    for (_, _, key) in [SM2, EC] {
        let issued = server(&house, "www.example.cn", key).await;
        let asked = usual(&house, &issued);
        assert_eq!(ask(&house, &asked).await.outcome, Outcome::Good);
        house.ca.hold(&auth, &issued.serial, None).await.unwrap();
        let held = ask(&house, &asked).await;
        assert!(matches!(basic(&held.der).said[0].status, Status::Revoked { reason: Some(6), .. }), "{held:?}");
        house.ca.release(&auth, &issued.serial, None).await.unwrap();
        assert_eq!(ask(&house, &asked).await.outcome, Outcome::Good);
        let long_ago = Some(issued.validity.not_before());
        house.ca.revoke(&auth, &issued.serial, None, Reason::KeyCompromise, long_ago).await.unwrap();
        let gone = basic(&ask(&house, &asked).await.der);
        assert!(matches!(gone.said[0].status, Status::Revoked { reason: Some(1), .. }));
        // invalidityDate, 2.5.29.24.
        let invalidity = gone.said[0].extensions.as_ref().unwrap();
        assert!(invalidity.windows(5).any(|w| w == [6, 3, 0x55, 0x1d, 0x18]), "{invalidity:x?}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_never_issued_is_unknown_and_counted_and_a_foreign_issuer_unauthorized() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let issuing: IssuerId = "ec-issuing".parse().unwrap();
    let names = names(&house, &issuing);
    for serial in [&[0x11; 16][..], &[0], &[0xff]] {
        let answer = ask(&house, &question(&[names.cert_id(Form::USUAL, serial)], None)).await;
        assert_eq!(answer.outcome, Outcome::Unknown);
        assert_eq!(basic(&answer.der).said[0].status, Status::Unknown);
    }
    let metrics = house.ocsp.as_ref().unwrap().metrics();
    assert_eq!(metrics.never_issued(), 3);
    let foreign = IssuerNames::new(b"another", b"authority").cert_id(Form::USUAL, &[1]);
    let answer = ask(&house, &question(&[foreign], None)).await;
    assert_eq!((answer.outcome, status(&answer.der)), (Outcome::Refused(Refusal::Unauthorized), 6));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_certificate_id_is_answered_and_echoed() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    for (_, _, key) in [SM2, EC] {
        let issued = server(&house, "www.example.cn", key).await;
        let names = names(&house, &issued.issuer);
        for hash in Hash::ALL {
            for null in [true, false] {
                let id = names.cert_id(Form { hash, null }, &content(&issued.serial));
                let asked = question(std::slice::from_ref(&id), None);
                for _ in 0..2 {
                    // Signed for the question first, then from memory.
                    let answer = ask(&house, &asked).await;
                    assert_eq!(basic(&answer.der).said[0].id, id);
                    assert_eq!(answer.outcome, Outcome::Good);
                }
                assert!(house.ocsp.as_ref().unwrap().try_cached(&asked).unwrap().presigned);
            }
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_comes_back_and_such_an_answer_is_for_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let issued = server(&house, "www.example.cn", KeyAlgorithm::Sm2).await;
    let id = names(&house, &issued.issuer).cert_id(Form::USUAL, &content(&issued.serial));
    for length in [1, 32] {
        let nonce = vec![0x5a; length];
        let asked = question(std::slice::from_ref(&id), Some(&nonce));
        let answer = ask(&house, &asked).await;
        assert!(!answer.cacheable && !answer.presigned);
        let extensions = basic(&answer.der).extensions.unwrap();
        assert!(extensions.ends_with(&tlv(4, &tlv(4, &nonce))), "{extensions:x?}");
        assert!(house.ocsp.as_ref().unwrap().try_cached(&asked).is_none());
    }
    let long = ask(&house, &question(&[id], Some(&[1; 33]))).await;
    assert_eq!((long.outcome, status(&long.der)), (Outcome::Refused(Refusal::MalformedRequest), 1));
    assert!(!long.cacheable);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_certificates_of_one_issuer_are_answered_together_and_of_two_issuers_not() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let one = server(&house, "one.example.cn", KeyAlgorithm::P256).await;
    let two = server(&house, "two.example.cn", KeyAlgorithm::P256).await;
    let other = server(&house, "three.example.cn", KeyAlgorithm::Sm2).await;
    house
        .ca
        .revoke(&support::owner(Permission::RevokeCertificate), &two.serial, None, Reason::Superseded, None)
        .await
        .unwrap();
    let id = |c: &Certificate| names(&house, &c.issuer).cert_id(Form::USUAL, &content(&c.serial));
    let answer = ask(&house, &question(&[id(&one), id(&two), id(&one)], None)).await;
    assert_eq!(answer.outcome, Outcome::Several);
    let said = basic(&answer.der).said;
    assert_eq!(said.iter().map(|s| s.id.clone()).collect::<Vec<_>>(), [id(&one), id(&two), id(&one)]);
    assert!(matches!(said[1].status, Status::Revoked { reason: Some(4), .. }) && said[0].status == Status::Good);
    let mixed = ask(&house, &question(&[id(&one), id(&other)], None)).await;
    assert_eq!(mixed.outcome, Outcome::Refused(Refusal::Unauthorized));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_an_issuing_authority_can_be_asked_about_and_its_compromise_revokes_what_is_below() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let leaf = server(&house, "www.example.cn", KeyAlgorithm::P256).await;
    let issuing = Cert::from_der(&house.ca.issuer(&leaf.issuer).unwrap().certificate).unwrap();
    let root: IssuerId = "ec-root".parse().unwrap();
    let about_issuing = question(&[names(&house, &root).cert_id(Form::USUAL, issuing.serial())], None);
    assert_eq!(ask(&house, &about_issuing).await.outcome, Outcome::Good);
    // Made ahead before, so that it is seen not to be served afterwards.
    house.ocsp.as_ref().unwrap().presign_due().await.unwrap();
    assert!(house.ocsp.as_ref().unwrap().try_cached(&usual(&house, &leaf)).is_some());

    let serial = pki_config::Serial::from_der_content(issuing.serial()).unwrap();
    let auth = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&auth, &serial, Some(&root), Reason::CaCompromise, None).await.unwrap();
    let below = ask(&house, &usual(&house, &leaf)).await;
    assert!(matches!(basic(&below.der).said[0].status, Status::Revoked { reason: Some(2), .. }));
    let never = names(&house, &leaf.issuer).cert_id(Form::USUAL, &[0x22; 16]);
    assert_eq!(ask(&house, &question(&[never], None)).await.outcome, Outcome::Revoked);
    assert_eq!(ask(&house, &about_issuing).await.outcome, Outcome::Revoked);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_made_ahead_are_made_anew_before_half_of_their_life_and_survive_no_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
    let config = || OcspConfig { answer_lifetime: Seconds(3600), refresh_after: Seconds(900), ..OcspConfig::default() };
    let house = house_at(dir.path(), config(), clock.clone()).await;
    let ocsp = house.ocsp.clone().unwrap();
    let leaf = server(&house, "www.example.cn", KeyAlgorithm::Sm2).await;
    let asked = usual(&house, &leaf);
    assert!(ocsp.try_cached(&asked).is_none());
    // Two authorities and a responder each under the roots, a responder under each authority, and the leaf.
    let made = ocsp.presign_due().await.unwrap().made;
    assert_eq!(made, 2 * (1 + 1 + 1 + 1) + 1);
    let first = ocsp.try_cached(&asked).unwrap();
    assert!(first.presigned && first.cacheable);
    assert_eq!(basic(&first.der).said[0].next_update, "20261121090000Z");
    assert_eq!(ocsp.presign_due().await.unwrap().made, 0);
    clock.advance(Duration::from_secs(900));
    assert_eq!(ocsp.presign_due().await.unwrap().made, made);
    assert_eq!(basic(&ocsp.try_cached(&asked).unwrap().der).said[0].this_update, "20261121081500Z");
    // Nobody makes them any more: past half of its life an answer is signed for the question again.
    clock.advance(Duration::from_secs(1799));
    assert!(ocsp.try_cached(&asked).is_some());
    clock.advance(Duration::from_secs(1));
    assert!(ocsp.try_cached(&asked).is_none());
    assert_eq!(basic(&ask(&house, &asked).await.der).said[0].this_update, "20261121084500Z");
    drop(ocsp);
    house.close().await;

    // After a restart the status and the responders are there, the answers are signed again.
    let parts = Parts { ocsp: Some(config()), clock: clock.clone(), ..Parts::real() };
    let house = TestHouse::open(dir.path(), parts).await;
    house.responders().await;
    assert_eq!(house.kms.list(&pki_config::TenantId::house()).await.unwrap().len(), 4 + 4 + 1, "no new responder");
    assert!(house.ocsp.as_ref().unwrap().try_cached(&asked).is_none());
    assert_eq!(ask(&house, &asked).await.outcome, Outcome::Good);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_never_outlasts_its_responder_and_old_answers_stay_when_it_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
    let house = house_at(dir.path(), OcspConfig::default(), clock.clone()).await;
    let ocsp = house.ocsp.as_ref().unwrap();
    let leaf = server(&house, "www.example.cn", KeyAlgorithm::P256).await;
    let asked = usual(&house, &leaf);
    // The responder lasts 30 days: until 2026-11-30T23:59:59Z.
    clock.set("2026-11-30T20:00:00Z".parse().unwrap());
    let last = ask(&house, &asked).await;
    assert_eq!(basic(&last.der).said[0].next_update, "20261130235959Z");
    let issuer = house.ca.issuer(&leaf.issuer).unwrap();
    let next = house.new_responder(&issuer).await;
    ocsp.set_responder(&leaf.issuer, next).await.unwrap();
    assert_eq!(ocsp.try_cached(&asked).unwrap().der, last.der, "an answer of the old responder is good until it ends");
    clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    assert_eq!(basic(&ask(&house, &asked).await.der).said[0].next_update, "20261201120000Z");
    // The other issuers' responders are over, and nobody replaced them.
    let sm2 = server(&house, "sm2.example.cn", KeyAlgorithm::Sm2).await;
    assert_eq!(ask(&house, &usual(&house, &sm2)).await.outcome, Outcome::Refused(Refusal::TryLater));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_of_another_issuer_or_for_another_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let ocsp = house.ocsp.as_ref().unwrap();
    let (sm2, ec): (IssuerId, IssuerId) = ("sm2-issuing".parse().unwrap(), "ec-issuing".parse().unwrap());
    let responder = house.new_responder(&house.ca.issuer(&ec).unwrap()).await;
    assert!(matches!(ocsp.set_responder(&sm2, responder.clone()).await, Err(ocsp::Error::BadResponder { .. })));
    let server = server(&house, "www.example.cn", KeyAlgorithm::P256).await;
    let wrong = ocsp::Responder { certificate: server.der, ..responder };
    assert!(matches!(ocsp.set_responder(&ec, wrong).await, Err(ocsp::Error::BadResponder { .. })));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_key_is_sealed_what_lies_ready_is_served_and_the_rest_must_wait() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig::default()).await;
    let (one, two) = (
        server(&house, "one.example.cn", KeyAlgorithm::Sm2).await,
        server(&house, "two.example.cn", KeyAlgorithm::Sm2).await,
    );
    ask(&house, &usual(&house, &one)).await;
    house.root.seal();
    assert_eq!(ask(&house, &usual(&house, &one)).await.outcome, Outcome::Good);
    let answer = ask(&house, &usual(&house, &two)).await;
    assert_eq!((answer.outcome, status(&answer.der)), (Outcome::Refused(Refusal::TryLater), 3));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_queue_the_responder_says_try_later_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path(), OcspConfig { queue: 1, ..OcspConfig::default() }).await;
    let leaf = server(&house, "www.example.cn", KeyAlgorithm::Sm2).await;
    let id = names(&house, &leaf.issuer).cert_id(Form::USUAL, &content(&leaf.serial));
    let all = (0..64_u8).map(|n| {
        let (ocsp, der) = (house.ocsp.clone().unwrap(), question(std::slice::from_ref(&id), Some(&[n])));
        tokio::spawn(async move { ocsp.answer(&der).await.outcome })
    });
    let mut outcomes = Vec::new();
    for one in all.collect::<Vec<_>>() {
        outcomes.push(one.await.unwrap());
    }
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (good, later) = (count(Outcome::Good), count(Outcome::Refused(Refusal::TryLater)));
    assert!(good >= 1 && good + later == 64, "{outcomes:?}");
    assert_eq!(house.ocsp.as_ref().unwrap().metrics().waiting, 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extended_revoke_and_archive_cutoff_are_told_by_policy_only() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
    let config = OcspConfig { extended_revoke: true, archive: Seconds(86_400 * 3650), ..OcspConfig::default() };
    let house = house_at(dir.path(), config, clock.clone()).await;
    let (csr, _) = support::csr(KeyAlgorithm::P256, house.random.as_ref());
    let request = ca::NewRequest { days: Some(1), ..support::server_request(&csr, "www.example.cn") };
    let short = house.ca.issue(&support::owner(Permission::IssueCertificate), request).await.unwrap();
    let never = names(&house, &short.issuer).cert_id(Form::USUAL, &[0x33; 16]);
    let answer = basic(&ask(&house, &question(&[never], None)).await.der);
    // RFC 6960 2.2: certificateHold since 1970, with id-pkix-ocsp-extended-revoke (…48.1.9, NULL).
    assert_eq!(answer.said[0].status, Status::Revoked { at: "19700101000000Z".into(), reason: Some(6) });
    assert!(answer.extensions.unwrap().ends_with(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 9, 4, 2, 5, 0]));
    assert_eq!(basic(&ask(&house, &usual(&house, &short)).await.der).said[0].extensions, None);
    clock.advance(Duration::from_secs(2 * 86_400));
    let over = basic(&ask(&house, &usual(&house, &short)).await.der);
    // id-pkix-ocsp-archive-cutoff (…48.1.6): ten years of 365 days before 2026-11-03.
    assert!(over.said[0].extensions.as_ref().unwrap().ends_with(b"\x30\x01\x06\x04\x11\x18\x0f20161105000000Z"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_answered_for_from_its_crl_while_that_lasts() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = Arc::new(FixedClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
    // The other authority is a house of its own; only its certificate and its CRL leave it.
    let other = TestHouse::open(outside.path(), Parts { clock: clock.clone(), ..Parts::real() }).await;
    let (good, gone) = (
        server(&other, "a.example.cn", KeyAlgorithm::P256).await,
        server(&other, "b.example.cn", KeyAlgorithm::P256).await,
    );
    other
        .ca
        .revoke(&support::owner(Permission::RevokeCertificate), &gone.serial, None, Reason::KeyCompromise, None)
        .await
        .unwrap();
    let publish = async || {
        other.ca.publish_crl(&support::suite(Permission::PublishCrl), &good.issuer).await.unwrap();
        other.ca.crl(&good.issuer).await.unwrap().1.to_vec()
    };
    let (old, new) = (publish().await, publish().await);
    let certificate = other.ca.issuer(&good.issuer).unwrap().certificate.clone();

    let house = house_at(dir.path(), OcspConfig::default(), clock.clone()).await;
    let ocsp = house.ocsp.clone().unwrap();
    let partner: IssuerId = "partner".parse().unwrap();
    let signer: IssuerId = "ec-issuing".parse().unwrap();
    let foreign = ocsp::Issuer { id: partner.clone(), certificate, parent: None };
    ocsp.add_foreign(foreign, signer, Unlisted::Good).unwrap();
    let about = |c: &Certificate| question(&[names(&other, &c.issuer).cert_id(Form::USUAL, &content(&c.serial))], None);
    assert_eq!(ask(&house, &about(&good)).await.outcome, Outcome::Refused(Refusal::TryLater), "no CRL yet");

    let mut damaged = new.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(ocsp.take_crl(&partner, damaged), Err(ocsp::Error::BadCrl { .. })));
    let roots: IssuerId = "ec-root".parse().unwrap();
    other.ca.publish_crl(&support::suite(Permission::PublishCrl), &roots).await.unwrap();
    let foreign_crl = other.ca.crl(&roots).await.unwrap().1.to_vec();
    assert!(matches!(ocsp.take_crl(&partner, foreign_crl), Err(ocsp::Error::BadCrl { .. })));
    assert_eq!(ocsp.take_crl(&partner, new.clone()).unwrap(), 1);
    assert_eq!(ocsp.take_crl(&partner, old).unwrap(), 1, "an older one is passed over");

    clock.advance(Duration::from_secs(60));
    let answer = ask(&house, &about(&good)).await;
    assert_eq!(basic(&answer.der).said[0].status, Status::Good);
    assert_eq!(basic(&answer.der).said[0].this_update, "20261101000000Z", "as of the CRL");
    assert_eq!(basic(&answer.der).produced, "20261101000100Z");
    assert_eq!(ask(&house, &about(&gone)).await.outcome, Outcome::Revoked);
    // The CRL of seven days is over.
    clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(ask(&house, &about(&good)).await.outcome, Outcome::Refused(Refusal::TryLater));
    other.close().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_comes_later_takes_over_the_certificates_there_were() {
    let dir = tempfile::tempdir().unwrap();
    let house = TestHouse::open(dir.path(), Parts::real()).await;
    let good = server(&house, "good.example.cn", KeyAlgorithm::P256).await;
    let gone = server(&house, "gone.example.cn", KeyAlgorithm::P256).await;
    let auth = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&auth, &gone.serial, None, Reason::Superseded, None).await.unwrap();
    house.close().await;

    let house = TestHouse::open(dir.path(), Parts { ocsp: Some(OcspConfig::default()), ..Parts::real() }).await;
    let ocsp = house.responders().await.clone();
    assert_eq!(ask(&house, &usual(&house, &good)).await.outcome, Outcome::Unknown);
    assert!(!ocsp.is_filled("ca").await.unwrap());
    // Twice, as after a start that was interrupted. Two authorities and two roots, four responders, two servers.
    for _ in 0..2 {
        assert_eq!(house.ca.tell_again(ocsp.feed()).await.unwrap(), 10);
    }
    ocsp.set_filled("ca").await.unwrap();
    assert!(ocsp.is_filled("ca").await.unwrap());
    assert_eq!(ask(&house, &usual(&house, &good)).await.outcome, Outcome::Good);
    assert_eq!(ask(&house, &usual(&house, &gone)).await.outcome, Outcome::Revoked);
    house.close().await;
}
