//! A CRL of a million entries: read from the database, encoded, signed, logged, written to its file.
//! The time, and how much the process grew at its highest.
//!
//!     cargo bench --bench crl            (YINXIN_BENCH_ENTRIES for another size)

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may stop at the first surprise")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use crypto_pool::path::Crl;
use ledger::{DbError, Importance};
use pki_config::{IssuerId, Permission};
use support::{Parts, TestHouse};

fn main() {
    let entries: i64 = std::env::var("YINXIN_BENCH_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let house = TestHouse::open(dir.path(), Parts::real()).await;
        revoke_many(&house, entries).await;
        let issuer: IssuerId = "sm2-issuing".parse().unwrap();
        let before = reset_peak();
        let begun = Instant::now();
        let record = house.ca.publish_crl(&support::suite(Permission::PublishCrl), &issuer).await.unwrap();
        let time = begun.elapsed().as_secs_f64();
        let memory = (peak() - before) / 1e6;
        assert_eq!(i64::try_from(record.entries).unwrap(), entries);
        let bytes = std::fs::read(house.ca.crl_path(&issuer)).unwrap();
        assert_eq!(i64::try_from(Crl::from_der(bytes).unwrap().entries().count()).unwrap(), entries);
        let size = record.size as f64 / 1e6;
        println!("{entries} entries, {size:.1} MB: {time:.2} s, {memory:.0} MB more memory at the highest");
        println!("FIGURE crl_million_time {time:.2} s");
        println!("FIGURE crl_million_memory {memory:.0} MB");
    });
}

/// Puts revoked rows in directly: making a million certificates first would measure something else.
async fn revoke_many(house: &TestHouse, entries: i64) {
    let begun = Instant::now();
    house
        .db
        .write(Importance::Normal, move |tx| -> Result<(), DbError> {
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO ca_request (request_id, tenant_id, state, one_step, requester, profile, profile_digest, \
                 issuer_id, subject, sans, spki, submitted_at, audit_seq) \
                 SELECT CAST(printf('%016d', i) AS BLOB), 'house', 'failed', 1, 'bench', 'tls-server', x'00', \
                 'sm2-issuing', x'3000', '', x'00', 0, 0 FROM n",
                &[&entries],
            )?;
            tx.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                 INSERT INTO ca_certificate (issuer_id, serial, tenant_id, request_id, state, profile, \
                 profile_digest, subject, sans, not_before, not_after, issue_seq, revoked_at, reason, audit_seq) \
                 SELECT 'sm2-issuing', CAST(char(64 + i % 63) || printf('%015d', i) AS BLOB), 'house', \
                 CAST(printf('%016d', i) AS BLOB), 'issued', 'tls-server', x'00', '', '', 1700000000000, \
                 4000000000000, i, 1750000000000, 4, i + 1 FROM n",
                &[&entries],
            )?;
            Ok(())
        })
        .await
        .unwrap();
    println!("{entries} revoked certificates put in, {:.1} s", begun.elapsed().as_secs_f64());
}

/// Resident memory now, after asking the kernel to forget the highest mark. Unit: bytes.
fn reset_peak() -> f64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    field("VmRSS:")
}

fn peak() -> f64 {
    field("VmHWM:")
}

fn field(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}
