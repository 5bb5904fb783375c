//! The responder and the CRL tell the same story. Whatever happens to certificates in whatever order, an answer and a
//! CRL with the same thisUpdate agree on everything that happened before that second. (Within a second the later of the
//! two knows more: thisUpdate is told in whole seconds.)

use std::collections::HashMap;
use std::time::Duration;

use crypto_pool::path::Crl;
use pki_config::Serial;
use pki_config::status::Reason;

use super::read::{Status, basic};
use super::*;

/// A simple generator, so that a failing sequence can be run again (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn listed(crl: &Crl) -> HashMap<Vec<u8>, (String, u8)> {
    let compact = |at: pki_config::Instant| at.to_string().replace(['-', ':', 'T'], "");
    crl.entries().map(|entry| (entry.serial.to_vec(), (compact(entry.at), entry.reason.code()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ocsp_and_crl_agree_at_the_same_this_update_whatever_happened() {
    for (seed, key) in [(1, KeyAlgorithm::Sm2), (2, KeyAlgorithm::P256)] {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let house = house_at(dir.path(), OcspConfig::default(), clock.clone()).await;
        let ocsp = house.ocsp.clone().unwrap();
        let auth = support::owner(Permission::RevokeCertificate);
        let (mut dice, mut all) = (Dice(seed), Vec::<Certificate>::new());
        let mut compared = 0;
        for step in 0..60 {
            let some: Option<Serial> = (!all.is_empty()).then(|| all[dice.roll(all.len())].serial.clone());
            // What is not possible (a release without a hold, say) is refused and changes nothing.
            match (dice.roll(6), &some) {
                (1, Some(serial)) => drop(house.ca.hold(&auth, serial, None).await),
                (2, Some(serial)) => drop(house.ca.release(&auth, serial, None).await),
                (3, Some(serial)) => {
                    let reason = Reason::ALL[dice.roll(Reason::ALL.len())];
                    drop(house.ca.revoke(&auth, serial, None, reason, None).await);
                }
                (4, _) => drop(ocsp.presign_due().await.unwrap()),
                _ => all.push(server(&house, &format!("host-{step}.example.cn"), key).await),
            }
            clock.advance(Duration::from_secs(1));
            if dice.roll(3) > 0 || all.is_empty() {
                continue;
            }
            let issuer = all[0].issuer.clone();
            house.ca.publish_crl(&support::suite(Permission::PublishCrl), &issuer).await.unwrap();
            let crl = Crl::from_der(house.ca.crl(&issuer).await.unwrap().1.to_vec()).unwrap();
            let listed = listed(&crl);
            for certificate in &all {
                let nonce = [1];
                let id = names(&house, &issuer).cert_id(Form::USUAL, &content(&certificate.serial));
                let said = basic(&ask(&house, &question(&[id], Some(&nonce))).await.der).said.remove(0);
                assert_eq!(said.this_update, crl.this_update().to_string().replace(['-', ':', 'T'], ""));
                let in_crl = listed.get(&content(&certificate.serial));
                let in_answer = match said.status {
                    Status::Good => None,
                    Status::Revoked { at, reason } => Some((at, reason.unwrap_or(0))),
                    Status::Unknown => panic!("seed {seed}, step {step}: unknown: {}", certificate.serial),
                };
                assert_eq!(in_answer.as_ref(), in_crl, "seed {seed}, step {step}: {}", certificate.serial);
                // What is served from memory says the same, whenever it was made.
                let served = ask(&house, &usual(&house, certificate)).await;
                let served = &basic(&served.der).said[0].status;
                assert_eq!(matches!(served, Status::Revoked { .. }), in_crl.is_some(), "seed {seed}, step {step}");
                compared += 1;
            }
        }
        assert!(compared > 50, "seed {seed}: only {compared} answers were compared");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_rolled_back_is_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let armed = Arc::clone(&stop);
    let probe: ca::Probe = Arc::new(move |step| match step {
        // After the rows and after the responder was told; before the log entry.
        ca::Step::AfterRows if armed.load(std::sync::atomic::Ordering::SeqCst) => {
            Err(ca::Error::Damaged("on purpose".into()))
        }
        _ => Ok(()),
    });
    let parts = Parts { ocsp: Some(OcspConfig::default()), probe: Some(probe), ..Parts::real() };
    let house = TestHouse::open(dir.path(), parts).await;
    let ocsp = house.responders().await;
    let known = |id: &str| {
        let metrics = ocsp.metrics();
        metrics.issuers.iter().find(|one| one.issuer.as_str() == id).unwrap().certificates
    };
    let before = known("ec-issuing");
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let (csr, _) = support::csr(KeyAlgorithm::P256, house.random.as_ref());
    let request = support::server_request(&csr, "www.example.cn");
    assert!(house.ca.issue(&support::owner(Permission::IssueCertificate), request).await.is_err());
    // The serial was given up, which makes it known as revoked and never as good.
    assert_eq!(known("ec-issuing"), before + 1);
    let outcomes = ocsp.presign_due().await.unwrap();
    assert!(outcomes.made > 0);
    house.close().await;
}
