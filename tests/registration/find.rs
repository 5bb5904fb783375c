//! Finding certificates: by words, digits, names, times and status, page by page, and soon.

use std::time::{Duration, Instant};

use ca::store::{ListedStatus, Order, Query};
use ledger::{DbError, Importance};
use pki_config::status::Reason;
use pki_config::{Permission, TenantId};

use crate::support::{TestHouse, officer};
use crate::{finish, house, issue, request, server};

async fn found(house: &TestHouse, query: Query) -> Vec<String> {
    let limit = if query.limit == 0 { 50 } else { query.limit };
    let page = house.ca.list(&TenantId::house(), Query { limit, ..query }).await.unwrap();
    page.certificates.into_iter().map(|line| line.subject).collect()
}

fn words(text: &str) -> Query {
    Query { name: Some(text.to_owned()), ..Query::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_found_by_their_words() {
    let (house, _, _dir) = house().await;
    issue(&house, server(&house, "www.example.cn")).await;
    issue(&house, server(&house, "mail.example.cn")).await;
    let subject = "CN=张三丰,O=武当山道教协会,C=CN";
    issue(&house, request(&house, "code-signing", subject, "")).await;
    let of = async |text: &str| found(&house, words(text)).await;
    assert_eq!(of("www.example.cn").await, ["CN=www.example.cn"]);
    assert_eq!(of("EXAMPLE.CN").await, ["CN=mail.example.cn", "CN=www.example.cn"], "newest first");
    assert_eq!(of("mail.exa").await, ["CN=mail.example.cn"], "the last word may be a beginning");
    assert_eq!(of("张三").await.len(), 1);
    assert_eq!(of("当山").await.len(), 1, "Chinese from any character to any");
    // Over the end of one name into the next, in another order, from the middle of a word: not found.
    for none in ["丰武", "cn example", "xample", "*", "\"", "www.example.cn OR mail"] {
        assert!(of(none).await.is_empty(), "{none}");
    }
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_found_by_serial_fingerprint_and_key() {
    let (house, _, _dir) = house().await;
    let one = issue(&house, server(&house, "www.example.cn")).await;
    issue(&house, server(&house, "mail.example.cn")).await;
    let spki = crypto_pool::path::Cert::from_der(&one.der).unwrap().spki().to_vec();
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &one.der);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let serial = one.serial.to_string();
    let with_colons = sha256.as_ref().iter().map(|b| format!("{b:02X}"));
    for digits in [
        serial.clone(),
        serial[..9].to_lowercase(),
        hex(sha256.as_ref()),
        hex(sha256.as_ref())[..8].to_owned(),
        with_colons.collect::<Vec<_>>().join(":"),
        hex(&engine::sm3::hash(&spki)),
    ] {
        let query = Query { digits: Some(digits.parse().unwrap()), ..Query::default() };
        assert_eq!(found(&house, query).await, ["CN=www.example.cn"], "{digits}");
    }
    let query = Query { digits: Some("00000000".parse().unwrap()), ..Query::default() };
    assert!(found(&house, query).await.is_empty());
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_by_status_organisation_and_time_and_ordered_by_expiry() {
    let (house, clock, _dir) = house().await;
    let days = |days, host| ca::NewRequest { days: Some(days), ..server(&house, host) };
    issue(&house, days(30, "c.example.cn")).await;
    issue(&house, days(10, "a.example.cn")).await;
    issue(&house, days(20, "b.example.cn")).await;
    let signer = issue(&house, request(&house, "code-signing", "CN=s,O=示例公司,C=CN", "")).await;
    let revoke = officer("li", Permission::RevokeCertificate);
    house.ca.revoke(&revoke, &signer.serial, None, Reason::Superseded, None).await.unwrap();

    let soon = Query {
        order: Order::Expiry,
        expires_from: Some("2026-06-01T12:00:00Z".parse().unwrap()),
        expires_before: Some("2026-06-25T00:00:00Z".parse().unwrap()),
        ..Query::default()
    };
    assert_eq!(found(&house, soon.clone()).await, ["CN=a.example.cn", "CN=b.example.cn"]);
    let by_words = Query { order: Order::Expiry, ..words("example.cn") };
    assert_eq!(found(&house, by_words).await, ["CN=a.example.cn", "CN=b.example.cn", "CN=c.example.cn"]);
    let organisation = Query { organisation: Some("示例公司".to_owned()), ..Query::default() };
    assert_eq!(found(&house, organisation.clone()).await.len(), 1);
    let good = Query { status: Some(ListedStatus::Good), ..organisation };
    assert!(found(&house, good).await.is_empty());

    clock.advance(Duration::from_secs(15 * 86_400));
    let expired = Query { status: Some(ListedStatus::Expired), ..Query::default() };
    assert_eq!(found(&house, expired).await, ["CN=a.example.cn"]);
    let revoked = Query { status: Some(ListedStatus::Revoked), ..Query::default() };
    assert_eq!(found(&house, revoked).await.len(), 1);
    let later = Query { begins_from: Some("2026-06-02T00:00:00Z".parse().unwrap()), ..Query::default() };
    assert!(found(&house, later).await.is_empty());
    finish(house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_one_another_in_every_order() {
    let (house, _, _dir) = house().await;
    for host in ["a", "b", "c", "d", "e"] {
        // All of one second, so that expiry alone orders none of them.
        issue(&house, server(&house, &format!("{host}.example.cn"))).await;
    }
    for (order, name) in [
        (Order::Newest, None),
        (Order::Expiry, None),
        (Order::Newest, Some("example")),
        (Order::Expiry, Some("example")),
    ] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let query = Query { order, name: name.map(str::to_owned), after, limit: 2, ..Query::default() };
            let page = house.ca.list(&TenantId::house(), query).await.unwrap();
            seen.extend(page.certificates.into_iter().map(|line| line.subject));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), if name.is_some() { 5 } else { 9 }, "{order:?} {name:?}: four are the authorities'");
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{order:?} {name:?}");
    }
    finish(house).await;
}

/// Certificates put in directly: making a hundred thousand first would measure something else.
const MANY: i64 = 100_000;

async fn fill(house: &TestHouse) {
    house
        .db
        .write(Importance::Normal, move |tx| -> Result<(), DbError> {
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO ca_request (request_id, tenant_id, state, one_step, requester, profile, profile_digest, \
                 issuer_id, subject, sans, spki, submitted_at, decided_at, audit_seq) \
                 SELECT CAST(printf('%016d', i) AS BLOB), 'house', 'issued', 1, 'li', 'tls-server', zeroblob(32), \
                 'sm2-issuing', x'3000', '', x'00', i, i, 0 FROM n",
                &[&MANY],
            )?;
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO ca_certificate (issuer_id, serial, tenant_id, request_id, state, profile, \
                 profile_digest, subject, sans, not_before, not_after, organisation, key_sm3, sha256, issue_seq, \
                 revoked_at, reason, audit_seq) \
                 SELECT 'sm2-issuing', CAST(char(64 + i % 63) || printf('%015d', i) AS BLOB), 'house', \
                 CAST(printf('%016d', i) AS BLOB), 'issued', iif(i % 1000 = 0, 'device', 'tls-server'), zeroblob(32), \
                 'CN=host' || i || '.example.cn,O=Company ' || (i % 100) || ',C=CN', 'dns:host' || i || '.example.cn', \
                 1700000000000 + i * 1000, 1800000000000 + i * 1000, 'Company ' || (i % 100), \
                 randomblob(32), randomblob(32), 1000 + i, \
                 iif(i % 50 = 0, 1750000000000, NULL), iif(i % 50 = 0, 4, NULL), 1000 + i FROM n",
                &[&MANY],
            )?;
            tx.execute(
                "INSERT INTO ca_search (rowid, words) SELECT issue_seq, \
                 replace(replace(replace(subject, '.', ' '), '=', ' '), ',', ' ') FROM ca_certificate \
                 WHERE issue_seq > 1000",
                &[],
            )?;
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_among_a_hundred_thousand_certificates_takes_no_more_than_a_look_at_their_rows() {
    let (house, _, _dir) = house().await;
    fill(&house).await;
    let at = |millis| Some(pki_config::Instant::from_unix_millis(millis).unwrap());
    let queries = [
        ("newest", Query::default()),
        ("page in the middle", Query { after: Some(51_000), ..Query::default() }),
        ("expiry", Query { order: Order::Expiry, expires_from: at(1_800_050_000_000), ..Query::default() }),
        ("one name", words("host77777.example")),
        ("a name all have", words("example")),
        ("a name all have, by expiry", Query { order: Order::Expiry, ..words("example") }),
        ("a name all have, few of the profile", Query { profile: Some("device".to_owned()), ..words("example") }),
        ("no such name", words("nobody")),
        ("digits many begin with", Query { digits: Some("41303030".parse().unwrap()), ..Query::default() }),
        ("organisation", Query { organisation: Some("Company 7".to_owned()), ..Query::default() }),
        ("profile", Query { profile: Some("device".to_owned()), ..Query::default() }),
        ("revoked", Query { status: Some(ListedStatus::Revoked), ..Query::default() }),
        ("no such profile", Query { profile: Some("none".to_owned()), ..Query::default() }),
        (
            "none on hold, by expiry",
            Query { status: Some(ListedStatus::Hold), order: Order::Expiry, ..Query::default() },
        ),
        ("begins late", Query { begins_from: at(1_700_099_990_000), ..Query::default() }),
    ];
    // What a pass over the rows takes here and now: the measure of every list.
    let mut pass = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let count = |tx: &ledger::Tx<'_>| -> Result<_, ledger::DbError> {
            tx.query_opt("SELECT count(*) FROM ca_certificate WHERE subject LIKE '%nobody%'", &[], |row| {
                row.get::<_, i64>(0)
            })
        };
        assert_eq!(house.db.read(count).await.unwrap(), Some(0));
        pass = pass.min(begun.elapsed());
    }
    println!("a pass over the rows: {:.1} ms", pass.as_secs_f64() * 1000.0);
    for (what, query) in queries {
        let query = Query { limit: 50, ..query };
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            house.ca.list(&TenantId::house(), query.clone()).await.unwrap();
            best = best.min(begun.elapsed());
        }
        println!("{what}: {:.1} ms", best.as_secs_f64() * 1000.0);
        // A list that sorted all rows, or read each whole, would take many times a pass that only counts.
        assert!(best < pass * 3, "{what}: {best:?}, a pass over the rows {pass:?}");
    }
    house.close().await;
}
