//! Making answers ahead for many certificates: time and memory.

use std::sync::Arc;
use std::time::Instant;

use ledger::{DbError, Importance};
use ocsp::{Issuer, Ocsp, OcspOptions, Responder};
use pki_config::config::OcspConfig;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::status::{CertStatus, StatusChange};
use pki_config::{IssuerId, Permission, Serial, TenantId};

use crate::support::{Parts, TestHouse, suite};

/// How many by default: a tenth of a million, so that the bench takes seconds.
const FEW: u64 = 100_000;

pub fn report() {
    let count = std::env::var("YINXIN_BENCH_ANSWERS").ok().and_then(|n| n.parse().ok()).unwrap_or(FEW);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let house = TestHouse::open(dir.path(), Parts::real()).await;
        let ocsp = responder(&house).await;
        let bare = resident();
        fill(&house, &ocsp, count).await;
        let known = resident();
        let began = Instant::now();
        let made = ocsp.presign_due().await.unwrap().made as u64;
        let took = began.elapsed().as_secs_f64();
        assert!(made >= count, "{made} of {count}");
        let scale = 1e6 / made as f64;
        println!(
            "{made} answers made ahead on one core: {took:.1} s; memory for each certificate's status {:.0} bytes, \
             for its answer {:.0} bytes",
            (known - bare) * 1e6 / count as f64,
            (resident() - known) * 1e6 / made as f64,
        );
        println!("FIGURE ocsp_presign_million {:.1} s", took * scale);
        println!("FIGURE ocsp_presign_million_memory {:.0} MB", (resident() - bare) * scale);
        house.close().await;
    });
}

/// A responder for the SM2 hierarchy, with a certificate as the service gives it.
async fn responder(house: &TestHouse) -> Ocsp {
    let options = OcspOptions {
        db: house.db.clone(),
        pool: house.pool.clone(),
        clock: Arc::clone(&house.clock),
        config: OcspConfig::default(),
    };
    let ocsp = tokio::task::spawn_blocking(move || Ocsp::open(options)).await.unwrap().unwrap();
    let id: IssuerId = "sm2-issuing".parse().unwrap();
    let issuer = house.ca.issuer(&id).unwrap();
    let (certificate, parent) = (issuer.certificate.clone(), issuer.parent.clone());
    ocsp.add_issuer(Issuer { id: id.clone(), certificate, parent }).await.unwrap();
    let spec = crypto_pool::KeySpec {
        purpose: crypto_pool::Purpose::Ocsp,
        algorithm: issuer.algorithm,
        subject: None,
        tenant: TenantId::house(),
    };
    let manage = suite(Permission::ManageIssuers);
    let key = house.kms.generate(&manage, spec).await.unwrap();
    let request = ca::OwnRequest {
        spki: key.spki,
        subject: DistinguishedName::common_name("OCSP bench").unwrap(),
        sans: SubjectAltName::none(),
        profile: "ocsp-signer".to_owned(),
        issuer: id.clone(),
        days: None,
    };
    let certificate = house.ca.issue_for_key(&suite(Permission::IssueCertificate), request).await.unwrap();
    house.kms.set_signing_period(&manage, key.id, certificate.validity).await.unwrap();
    ocsp.set_responder(&id, Responder { key: key.id, certificate: certificate.der }).await.unwrap();
    ocsp
}

/// Tells the responder of so many good certificates, through the port an authority uses.
async fn fill(house: &TestHouse, ocsp: &Ocsp, count: u64) {
    let until = house.clock.now().plus(std::time::Duration::from_secs(90 * 86_400));
    for from in (0..count).step_by(10_000) {
        let (feed, to) = (ocsp.feed(), count.min(from + 10_000));
        house
            .db
            .write(Importance::Normal, move |tx| -> Result<(), DbError> {
                for number in from..to {
                    let serial = (0x4000_0000_0000_0000_0000_0000_0000_0000_u128 + u128::from(number)).to_be_bytes();
                    let change = StatusChange {
                        tenant: TenantId::house(),
                        issuer: "sm2-issuing".parse().unwrap(),
                        serial: Serial::from_der_content(&serial).unwrap(),
                        not_after: until,
                        status: CertStatus::Good,
                    };
                    feed.apply(tx, &change).unwrap();
                }
                Ok(())
            })
            .await
            .unwrap();
    }
}

/// Memory this process holds now. Unit: MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1e3
}
