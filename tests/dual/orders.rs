//! Recovery: two officers, for the holder or a court, and nothing in clear on the way.

use key_centre::core::order::{Aim, OrderState};
use key_centre::{Ask, OrderQuery};
use pki_config::status::Reason;

use super::*;

struct Kept {
    pair: ca::Pair,
    signing: PrivateKey,
    key: PrivateKey,
}

async fn kept(house: &TestHouse, name: &str) -> Kept {
    let (issued, signing) = issue(house, "dual-person", name).await.unwrap();
    let pair = pair(house, &issued).await;
    let key = delivered(house, &pair, &signing).await;
    Kept { pair, signing, key }
}

fn ask(kept: &Kept, aim: Aim, certificate: Option<&[u8]>) -> Ask {
    Ask {
        key: kept.pair.key,
        aim,
        certificate: certificate.map(<[u8]>::to_vec),
        reason: "the token is lost".to_owned(),
        ground: "application 7".to_owned(),
    }
}

fn asks(person: &str) -> Authorized {
    key_officer(person, Permission::AskRecovery)
}

fn approves(person: &str) -> Authorized {
    key_officer(person, Permission::ApproveRecovery)
}

fn reads() -> Authorized {
    key_officer("reader", Permission::ReadCentre)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_recover_a_key_for_its_holders_new_signing_key() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "张三").await;
    // The holder has a new signing certificate of the same name; the old key is gone.
    let (now, new_key) = issue(&house, "dual-person", "张三").await.unwrap();
    let order = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    assert_eq!(order.state, OrderState::Asked);
    let nothing_yet = house.centre.envelope(&reads(), order.id).await;
    assert_eq!(nothing_yet.unwrap_err().code().as_str(), "ORDER_STATE");
    let done = house.centre.approve(&approves("two"), order.id, &house.ca).await.unwrap();
    assert_eq!((done.asked_by.as_str(), done.decided_by.as_deref()), ("one", Some("two")));
    let (_, row, envelope) = house.centre.envelope(&reads(), order.id).await.unwrap();
    assert_eq!((row.recoveries, row.recovered_at.is_some()), (1, true));
    let recovered = enveloped_key::open(&envelope, &new_key).unwrap();
    assert_eq!(*recovered.to_bytes(), *lost.key.to_bytes());
    assert!(enveloped_key::open(&envelope, &lost.signing).is_err());
    // The same order gives the same bytes; another one another envelope.
    assert_eq!(house.centre.envelope(&reads(), order.id).await.unwrap().2, envelope);
    let again = house.centre.ask(&asks("two"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    house.centre.approve(&approves("one"), again.id, &house.ca).await.unwrap();
    let (_, row, other) = house.centre.envelope(&reads(), again.id).await.unwrap();
    assert_ne!(other, envelope);
    assert_eq!(row.recoveries, 2);
    let decided = house.centre.approve(&approves("one"), order.id, &house.ca).await;
    assert_eq!(decided.unwrap_err().code().as_str(), "ORDER_STATE");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_officer_alone_and_who_had_a_part_in_the_certificate_are_refused_and_logged() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "李四").await;
    let (now, _) = issue(&house, "dual-person", "李四").await.unwrap();
    let order = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    let before = house.audit.size().await.unwrap();
    // "owner" asked for the certificate in this house.
    for person in ["one", "owner"] {
        let refused = house.centre.approve(&approves(person), order.id, &house.ca).await;
        assert_eq!(refused.unwrap_err().code().as_str(), "CENTRE_OFFICER", "{person}");
    }
    let asked = house.centre.ask(&asks("owner"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await;
    assert_eq!(asked.unwrap_err().code().as_str(), "CENTRE_OFFICER");
    assert_eq!(house.audit.size().await.unwrap(), before + 3, "each attempt is in the log");
    let wrong_proof = house.centre.approve(&asks("two"), order.id, &house.ca).await;
    assert_eq!(wrong_proof.unwrap_err().code().as_str(), "FORBIDDEN");
    let elsewhere = Actor::new("other".parse().unwrap(), "two", Role::KeyOfficer, Channel::Https);
    let elsewhere = authorize(&elsewhere, Permission::ApproveRecovery, Setup::Production).unwrap();
    let unseen = house.centre.approve(&elsewhere, order.id, &house.ca).await;
    assert_eq!(unseen.unwrap_err().code().as_str(), "NOT_FOUND");
    assert!(house.centre.approve(&approves("two"), order.id, &house.ca).await.is_ok());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_to_its_holder_and_to_nobody_who_looks_like_one() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "王五").await;
    let refused = async |certificate: &[u8]| {
        let asked = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(certificate)), &house.ca).await;
        let error = asked.unwrap_err();
        assert_eq!(error.code().as_str(), "RECIPIENT_REFUSED");
        error.to_string()
    };
    let (other_name, _) = issue(&house, "dual-person", "王六").await.unwrap();
    assert!(refused(&other_name.der).await.contains("another name"));
    assert!(refused(&lost.pair.encryption.der).await.contains("to be recovered"));
    let (second, _) = issue(&house, "dual-person", "王五").await.unwrap();
    let second = pair(&house, &second).await;
    assert!(refused(&second.encryption.der).await.contains("not one to sign with"));
    let issuer = house.ca.issuer(&"sm2-issuing".parse().unwrap()).unwrap();
    assert!(refused(&issuer.certificate).await.contains("authority's"));
    assert!(refused(b"no certificate").await.contains("does not read"));
    // A byte of the signature changed: it is no certificate of ours.
    let mut forged = second.sign.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(refused(&forged).await.contains("not issued here"));
    let (revoked, _) = issue(&house, "dual-person", "王五").await.unwrap();
    let revoke = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&revoke, &revoked.serial, None, Reason::Superseded, None).await.unwrap();
    assert!(refused(&revoked.der).await.contains("revoked"));
    // Good when it was asked, revoked when it is approved.
    let order =
        house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&second.sign.der)), &house.ca).await.unwrap();
    house.ca.revoke(&revoke, &second.sign.serial, None, Reason::Superseded, None).await.unwrap();
    let late = house.centre.approve(&approves("two"), order.id, &house.ca).await;
    assert_eq!(late.unwrap_err().code().as_str(), "RECIPIENT_REFUSED");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_court_gets_the_key_under_its_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "赵六").await;
    // Another house's certificate: whoever issued it.
    let far = tempfile::tempdir().unwrap();
    let elsewhere = super::house(far.path()).await;
    let (court, court_key) = issue(&elsewhere, "dual-organisation", "某法院").await.unwrap();
    let as_holder = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&court.der)), &house.ca).await;
    assert_eq!(as_holder.unwrap_err().code().as_str(), "RECIPIENT_REFUSED");
    let order = house.centre.ask(&asks("one"), ask(&lost, Aim::Court, Some(&court.der)), &house.ca).await.unwrap();
    house.centre.approve(&approves("two"), order.id, &house.ca).await.unwrap();
    let (_, _, envelope) = house.centre.envelope(&reads(), order.id).await.unwrap();
    assert_eq!(*enveloped_key::open(&envelope, &court_key).unwrap().to_bytes(), *lost.key.to_bytes());
    let (p256, _) = {
        let (csr, key) = support::csr(KeyAlgorithm::P256, house.random.as_ref());
        let owner = support::owner(Permission::IssueCertificate);
        (house.ca.issue(&owner, support::server_request(&csr, "court.example.cn")).await.unwrap(), key)
    };
    let other_curve = house.centre.ask(&asks("one"), ask(&lost, Aim::Court, Some(&p256.der)), &house.ca).await;
    assert_eq!(other_curve.unwrap_err().code().as_str(), "RECIPIENT_REFUSED");
    let for_nobody = house.centre.ask(&asks("one"), ask(&lost, Aim::Court, None), &house.ca).await;
    assert_eq!(for_nobody.unwrap_err().code().as_str(), "BAD_REQUEST");
    elsewhere.close().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_is_neither_delivered_nor_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "孙七").await;
    let (now, _) = issue(&house, "dual-person", "孙七").await.unwrap();
    let waiting = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    let end = house.centre.ask(&asks("one"), ask(&lost, Aim::Destroy, None), &house.ca).await.unwrap();
    house.centre.approve(&approves("two"), end.id, &house.ca).await.unwrap();
    let gone = "KEY_NOT_KEPT";
    let late = house.centre.approve(&approves("two"), waiting.id, &house.ca).await;
    assert_eq!(late.unwrap_err().code().as_str(), gone);
    let anew = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await;
    assert_eq!(anew.unwrap_err().code().as_str(), gone);
    let holder = Actor::new(TenantId::house(), "holder", Role::Anyone, Channel::Public);
    let delivery = house.centre.deliver(holder, lost.pair.encryption_request).await;
    assert_eq!(delivery.unwrap_err().code().as_str(), gone);
    // What waits can still be put away.
    house.centre.refuse(&approves("two"), waiting.id, "the key is destroyed").await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_refused_or_withdrawn_once_and_stays_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "周八").await;
    let (now, _) = issue(&house, "dual-person", "周八").await.unwrap();
    let order = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    let no_reason = house.centre.refuse(&approves("one"), order.id, " ").await;
    assert_eq!(no_reason.unwrap_err().code().as_str(), "BAD_REQUEST");
    let withdrawn = house.centre.refuse(&approves("one"), order.id, "found it").await.unwrap();
    assert_eq!((withdrawn.state, withdrawn.refusal.as_deref()), (OrderState::Refused, Some("found it")));
    let late = house.centre.approve(&approves("two"), order.id, &house.ca).await;
    assert_eq!(late.unwrap_err().code().as_str(), "ORDER_STATE");
    let query = OrderQuery { state: Some(OrderState::Refused), after: None, limit: 10 };
    let (orders, _) = house.centre.orders(&reads(), query).await.unwrap();
    assert_eq!(orders.iter().map(|(order, _)| order.id).collect::<Vec<_>>(), [order.id]);
    house.close().await;
}

/// What must not be found: the private scalar as it is, in hexadecimal and in base64.
fn traces(key: &PrivateKey) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let scalar = key.to_bytes();
    let hex: String = scalar.iter().map(|b| format!("{b:02x}")).collect();
    let mut all = vec![scalar.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    // Base64 has three ways to fall on the octets; the middle of each does not depend on what is around it.
    for shift in 0..3 {
        let text = base64::engine::general_purpose::STANDARD.encode([&vec![0; shift], &scalar[..]].concat());
        all.push(text.as_bytes()[4..40].to_vec());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_the_house_holds_a_private_encryption_key() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let lost = kept(&house, "吴九").await;
    let (now, _) = issue(&house, "dual-person", "吴九").await.unwrap();
    let order = house.centre.ask(&asks("one"), ask(&lost, Aim::Holder, Some(&now.der)), &house.ca).await.unwrap();
    house.centre.approve(&approves("two"), order.id, &house.ca).await.unwrap();
    let debug = format!("{:?} {:?}", order, house.centre.key(&reads(), lost.pair.key).await.unwrap());
    let mut looked_at = 0;
    let mut files: Vec<Vec<u8>> = vec![debug.into_bytes()];
    for name in ["yinxin.db", "yinxin.db-wal"] {
        files.extend(std::fs::read(dir.path().join(name)));
    }
    for file in &files {
        looked_at += file.len();
        for trace in traces(&lost.key) {
            assert!(!file.windows(trace.len()).any(|window| window == trace), "a key in clear");
        }
    }
    // The same search finds what is there: the public key.
    let public = lost.key.public().as_sec1().to_vec();
    assert!(files.iter().any(|file| file.windows(public.len()).any(|window| window == public)));
    assert!(looked_at > 100_000);
    house.close().await;
}
