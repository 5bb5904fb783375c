//! Many at once: batches, and the revocation of all of one organisation or key.

use ca::store::{Common, ListedStatus, Query};
use ca::{BatchOptions, ReadBatch, Which};
use crypto_pool::KeyAlgorithm;
use pki_config::status::Reason;
use pki_config::{Actor, ErrorCode, Permission, TenantId};

use crate::support::{TestHouse, officer, pem};
use crate::{approves, files, finish, house, issue, key, request, server, state, who};

fn read(house: &TestHouse, text: &str, skip_bad: bool) -> ReadBatch {
    let options = BatchOptions { title: "of the day".to_owned(), skip_bad, ..BatchOptions::default() };
    let mut links = 0;
    let link = || {
        links += 1;
        Ok([links; 32])
    };
    house.ca.read_batch(&files("li"), text, options, link).unwrap()
}

fn row(house: &TestHouse, host: &str) -> String {
    let csr = pem("CERTIFICATE REQUEST", &key(house, KeyAlgorithm::Sm2));
    format!("CN={host},dns:{host},\"{csr}\"\r\n")
}

const HEADER: &str = "subject,sans,csr\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_shows_every_bad_row_before_anything_is_filed() {
    let (house, _, _dir) = house().await;
    let good = [row(&house, "a.example.cn"), row(&house, "b.example.cn")].concat();
    let bad =
        ["CN=c.example.cn,dns:c.example.cn,nonsense\r\n", "CN=d.example.cn,dns:other.example.cn,\r\n", "CN=e\r\n"];
    let text = format!("{HEADER}{good}{}", bad.concat());
    let mut strict = read(&house, &text, false);
    let wrong: Vec<_> = strict.rows.iter().map(|row| row.problem.as_ref().map(ca::Error::code)).collect();
    assert_eq!(
        wrong,
        [None, None, Some(ErrorCode::BadCsr), Some(ErrorCode::LintFailed), Some(ErrorCode::BatchRefused)]
    );
    let refused = house.ca.file_batch(&files("li"), &mut strict).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BatchRefused);
    assert!(house.ca.batches(&who("li")).await.unwrap().is_empty(), "nothing was filed");

    let mut lenient = read(&house, &text, true);
    let id = house.ca.file_batch(&files("li"), &mut lenient).await.unwrap();
    let (batch, requests) = house.ca.batch(&who("wang"), id).await.unwrap();
    assert_eq!((batch.title.as_str(), batch.requests, batch.open), ("of the day", 2, 2));
    // Each PEM block is five lines long, so the second row does not begin in line 3.
    let lines: Vec<u32> = requests.iter().map(|row| row.batch.unwrap().1).collect();
    assert_eq!((lines[0], lines[1] > 3), (2, true));
    for request in &requests {
        assert_eq!(house.ca.approve(&approves("li"), request.id).await.unwrap_err().code(), ErrorCode::SameOfficer);
        house.ca.approve(&approves("wang"), request.id).await.unwrap();
    }
    assert_eq!(house.ca.batch(&who("wang"), id).await.unwrap().0.open, 0);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_a_key_invites_its_holder() {
    let (house, _, _dir) = house().await;
    let text = format!("{HEADER}{}CN=b.example.cn,dns:b.example.cn,\r\n", row(&house, "a.example.cn"));
    let mut batch = read(&house, &text, false);
    assert_eq!(batch.rows.iter().map(|row| row.invited).collect::<Vec<_>>(), [None, Some(0)]);
    house.ca.file_batch(&files("li"), &mut batch).await.unwrap();
    let invited = batch.rows[1].request().unwrap();
    assert_eq!(state(&house, invited).await, "invited");
    house.ca.send_key([1; 32], key(&house, KeyAlgorithm::Sm2)).await.unwrap();
    assert_eq!(state(&house, invited).await, "submitted");
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_an_organisation_is_revoked_and_nothing_else() {
    let (house, _, _dir) = house().await;
    let auth = officer("li", Permission::RevokeCertificate);
    let of = |name: &str, organisation: &str| {
        request(&house, "code-signing", &format!("CN={name},O={organisation},C=CN"), "")
    };
    for name in ["a", "b", "c"] {
        issue(&house, of(name, "示例公司")).await;
    }
    let held = issue(&house, of("held", "示例公司")).await;
    house.ca.hold(&auth, &held.serial, None).await.unwrap();
    let gone = issue(&house, of("gone", "示例公司")).await;
    house.ca.revoke(&auth, &gone.serial, None, Reason::KeyCompromise, None).await.unwrap();
    let other = issue(&house, of("other", "示例公司二")).await;

    let which = Which::Common(Common::Organisation("示例公司".to_owned()));
    let preview = house.ca.revoke_all_preview(&TenantId::house(), &which).await.unwrap();
    assert_eq!((preview.count, preview.certificates.len()), (4, 4));
    let reason = Reason::CessationOfOperation;
    let stale = house.ca.revoke_all(&auth, &which, reason, None, 3).await.unwrap_err();
    assert_eq!(stale.code(), ErrorCode::CountChanged);
    let hold = house.ca.revoke_all(&auth, &which, Reason::CertificateHold, None, 4).await.unwrap_err();
    assert_eq!(hold.code(), ErrorCode::BadRequest);
    let done = house.ca.revoke_all(&auth, &which, reason, None, 4).await.unwrap();
    assert_eq!((done.count, done.certificates.iter().all(|one| one.problem.is_none())), (4, true));

    let good = house.ca.certificate(&TenantId::house(), &other.serial, None).await.unwrap();
    assert_eq!(good.status, pki_config::status::CertStatus::Good);
    let query = Query { status: Some(ListedStatus::Revoked), limit: 10, ..Query::default() };
    assert_eq!(house.ca.list(&TenantId::house(), query).await.unwrap().certificates.len(), 5);
    assert_eq!(house.ca.revoke_all_preview(&TenantId::house(), &which).await.unwrap().count, 0);
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_stolen_key_is_revoked_and_the_key_is_blocked() {
    let (house, _, _dir) = house().await;
    let first = server(&house, "a.example.cn");
    let one = issue(&house, first.clone()).await;
    let second = ca::NewRequest { csr: first.csr.clone(), ..server(&house, "b.example.cn") };
    issue(&house, second).await;
    let spki = crypto_pool::path::Cert::from_der(&one.der).unwrap().spki().to_vec();
    let which = Which::Common(Common::Key(engine::sm3::hash(&spki)));
    let auth = officer("li", Permission::RevokeCertificate);
    let done = house.ca.revoke_all(&auth, &which, Reason::KeyCompromise, None, 2).await.unwrap();
    assert_eq!(done.count, 2);
    let again = ca::NewRequest { csr: first.csr, ..server(&house, "c.example.cn") };
    let refused = house.ca.submit(&files("li"), again).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::KeyRefused, "told when it is filed, not when it is approved");
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_revoked_once_each_and_an_unknown_serial_stops_it() {
    let (house, _, _dir) = house().await;
    let a = issue(&house, server(&house, "a.example.cn")).await;
    let b = issue(&house, server(&house, "b.example.cn")).await;
    let auth = officer("li", Permission::RevokeCertificate);
    let listed =
        |serials: &[&pki_config::Serial]| Which::Listed(serials.iter().map(|s| ((*s).clone(), None)).collect());
    let unknown: pki_config::Serial = "0102030405060708090A0B0C0D0E0F10".parse().unwrap();
    let stopped = house.ca.revoke_all(&auth, &listed(&[&a.serial, &unknown]), Reason::Superseded, None, 2).await;
    assert_eq!(stopped.unwrap_err().code(), ErrorCode::NotFound);
    let which = listed(&[&a.serial, &b.serial, &a.serial]);
    assert_eq!(house.ca.revoke_all(&auth, &which, Reason::Superseded, None, 2).await.unwrap().count, 2);
    let reader: Actor = who("wang");
    assert_eq!(house.ca.revoke_all_preview(reader.tenant(), &which).await.unwrap().count, 0);
    finish(house).await;
}
