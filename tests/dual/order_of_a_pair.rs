//! One order, two certificates.

use ca::{Follow, Half};
use crypto_pool::path::Cert;
use pki_config::status::{CertStatus, Reason};

use super::*;

/// The value of the extension 2.5.29.`last`, found by its identifier: critical or not, then an OCTET STRING of less than
/// 128 octets.
fn extension(der: &[u8], last: u8) -> Option<Vec<u8>> {
    let id = [6, 3, 0x55, 0x1d, last];
    let at = der.windows(5).position(|window| window == id)? + 5;
    let rest = der[at..].strip_prefix(&[1, 1, 0xff]).unwrap_or(&der[at..]);
    let (head, rest) = rest.split_at(2);
    assert!(head[0] == 4 && head[1] < 128);
    Some(rest[..usize::from(head[1])].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dual_profile_gives_two_certificates_of_one_name_with_the_usages_of_the_standard() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    for profile in ["dual-person", "dual-organisation", "dual-device", "dual-tls-server"] {
        let (issued, signing) = issue(&house, profile, "www.example.cn").await.unwrap();
        let pair = pair(&house, &issued).await;
        assert_eq!(pair.sign.serial, issued.serial);
        let (one, two) = (Cert::from_der(&pair.sign.der).unwrap(), Cert::from_der(&pair.encryption.der).unwrap());
        assert_eq!(one.subject(), two.subject(), "{profile}");
        assert_eq!((one.not_before(), one.not_after()), (two.not_before(), two.not_after()));
        assert_ne!(one.spki(), two.spki());
        assert!(one.spki().ends_with(signing.public().as_sec1()));
        // Key usage 2.5.29.15: digitalSignature and nonRepudiation are c0, six bits unused; keyEncipherment,
        // dataEncipherment and keyAgreement are 38, three unused.
        assert_eq!(extension(&pair.sign.der, 15).unwrap(), [3, 2, 6, 0xc0], "{profile}");
        assert_eq!(extension(&pair.encryption.der, 15).unwrap(), [3, 2, 3, 0x38], "{profile}");
        assert_eq!(extension(&pair.sign.der, 17), extension(&pair.encryption.der, 17));
        let key = delivered(&house, &pair, &signing).await;
        assert!(two.spki().ends_with(key.public().as_sec1()), "{profile}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_is_decided_like_any_request_and_seen_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (request, signing) = request(&house, "dual-person", "张三");
    let filer = support::officer("filer", Permission::RequestCertificate);
    let id = house.ca.submit(&filer, request).await.unwrap();
    let own = house.ca.approve(&support::officer("filer", Permission::ApproveRequest), id).await;
    assert_eq!(own.unwrap_err().code().as_str(), "SAME_OFFICER");
    let issued = house.ca.approve(&support::officer("other", Permission::ApproveRequest), id).await.unwrap();
    let pair = pair(&house, &issued).await;
    assert_eq!(pair.sign.request, id);
    assert_eq!((pair.encryption.requester.as_str(), pair.encryption.approver.as_deref()), ("filer", Some("other")));
    // Decided requests: one line.
    let actor = support::officer("other", Permission::ReadCertificates).actor().clone();
    let decided = ca::store::QueueQuery {
        queue: ca::store::Queue::from_word("decided").unwrap(),
        branch: None,
        profile: Some("dual-person".into()),
        after: None,
        limit: 10,
    };
    let (rows, _) = house.ca.queue(&actor, decided).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [id]);
    delivered(&house, &pair, &signing).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_half_names_the_other_and_a_single_certificate_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (issued, _) = issue(&house, "dual-device", "gateway").await.unwrap();
    let both = pair(&house, &issued).await;
    let (sign, encryption) = (both.sign.pair.clone().unwrap(), both.encryption.pair.clone().unwrap());
    assert_eq!((sign.half, &sign.twin), (Half::Sign, &both.encryption.serial));
    assert_eq!((encryption.half, &encryption.twin), (Half::Encryption, &both.sign.serial));
    assert_eq!(pair(&house, &both.encryption).await.sign.serial, both.sign.serial);
    let (csr, _) = support::csr(KeyAlgorithm::Sm2, house.random.as_ref());
    let owner = support::owner(Permission::IssueCertificate);
    let single = house.ca.issue(&owner, support::server_request(&csr, "a.example.cn")).await.unwrap();
    assert!(single.pair.is_none());
    let none = house.ca.pair(&TenantId::house(), &single.serial, None).await;
    assert_eq!(none.unwrap_err().code().as_str(), "NO_PAIR");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_half_is_revoked_for_itself_and_a_compromised_key_blocks_that_key_alone() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (request, _) = request(&house, "dual-person", "李四");
    let owner = support::owner(Permission::IssueCertificate);
    let issued = house.ca.issue(&owner, request.clone()).await.unwrap();
    let both = pair(&house, &issued).await;
    let revoke = support::owner(Permission::RevokeCertificate);
    house.ca.revoke(&revoke, &both.encryption.serial, None, Reason::KeyCompromise, None).await.unwrap();
    let after = pair(&house, &issued).await;
    assert_eq!(after.sign.status, CertStatus::Good);
    assert!(matches!(after.encryption.status, CertStatus::Revoked(_)));
    // The signing key is not blocked by what happened to the encryption key.
    let again = house.ca.issue(&owner, request.clone()).await.unwrap();
    house.ca.revoke(&revoke, &again.serial, None, Reason::KeyCompromise, None).await.unwrap();
    assert_eq!(pair(&house, &again).await.encryption.status, CertStatus::Good);
    let blocked = house.ca.issue(&owner, request).await;
    assert_eq!(blocked.unwrap_err().code().as_str(), "KEY_REFUSED");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_pair_has_a_new_encryption_key_and_nothing_follows_the_encryption_half() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (issued, signing) = issue(&house, "dual-person", "王五").await.unwrap();
    let old = pair(&house, &issued).await;
    let filer = support::officer("filer", Permission::RequestCertificate);
    let wrong = house.ca.follow(&filer, &old.encryption.serial, None, Follow::Renew, None, Vec::new()).await;
    assert_eq!(wrong.unwrap_err().code().as_str(), "HALF_OF_PAIR");
    let id = house.ca.follow(&filer, &old.sign.serial, None, Follow::Renew, None, Vec::new()).await.unwrap();
    let renewed = house.ca.approve(&support::officer("other", Permission::ApproveRequest), id).await.unwrap();
    let new = pair(&house, &renewed).await;
    let (before, after) = (delivered(&house, &old, &signing).await, delivered(&house, &new, &signing).await);
    assert_ne!(before.public().as_sec1(), after.public().as_sec1());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_the_same_every_time_and_opens_for_its_holder_only() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (issued, signing) = issue(&house, "dual-person", "赵六").await.unwrap();
    let pair = pair(&house, &issued).await;
    let holder = || Actor::new(TenantId::house(), "holder", Role::Anyone, Channel::Public);
    let first = house.centre.deliver(holder(), pair.encryption_request).await.unwrap();
    let second = house.centre.deliver(holder(), pair.encryption_request).await.unwrap();
    assert_eq!(first.envelope, second.envelope);
    assert_eq!((first.count, second.count), (1, 2));
    assert_eq!(first.key.delivered_at, second.key.delivered_at);
    let (_, stranger) = issue(&house, "dual-person", "孙七").await.unwrap();
    assert!(enveloped_key::open(&first.envelope, &stranger).is_err());
    assert!(enveloped_key::open(&first.envelope, &signing).is_ok());
    let elsewhere = Actor::new("other".parse().unwrap(), "holder", Role::Anyone, Channel::Public);
    assert!(house.centre.deliver(elsewhere, pair.encryption_request).await.is_err());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_sm2_get_no_pair() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let (csr, _) = support::csr(KeyAlgorithm::P256, house.random.as_ref());
    let (request, _) = request(&house, "dual-person", "周八");
    let refused = house.ca.issue(&support::owner(Permission::IssueCertificate), NewRequest { csr, ..request }).await;
    assert_eq!(refused.unwrap_err().code().as_str(), "KEY_REFUSED");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_sealed_root_key_no_key_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    house.root.seal();
    assert_eq!(issue(&house, "dual-person", "吴九").await.map(drop).unwrap_err().code().as_str(), "SEALED");
    house.close().await;
}
