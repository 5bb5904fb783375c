use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_config::ids::WellKnownIssuer;
use pki_config::role::Setup;

use super::*;
use crate::test_house::TestHouse;

struct Issued {
    house: TestHouse,
    certificate: Vec<u8>,
    receipt: Receipt,
}

async fn issued() -> Issued {
    let house = TestHouse::new(Setup::Trial).await;
    let certificate = house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    let receipt = build(&house.audit, &house.checkpointer, &house.log_chain(), certificate.issue_seq).await.unwrap();
    Issued { certificate: certificate.der, receipt, house }
}

impl Issued {
    fn verify(&self, receipt: &Receipt) -> Result<ReceiptFacts, BadReceipt> {
        verify(receipt, Some(&self.certificate), &self.house.anchors(), self.house.now())
    }

    fn refused(&self, change: impl FnOnce(&mut Receipt)) -> BadReceipt {
        let mut receipt = self.receipt.clone();
        change(&mut receipt);
        self.verify(&receipt).expect_err("a changed receipt was accepted")
    }
}

fn flipped(text: &str, at: usize) -> String {
    let mut bytes = STANDARD.decode(text).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_receipt_proves_its_certificate_from_the_root_alone() {
    let issued = issued().await;
    let facts = issued.verify(&issued.receipt).unwrap();
    assert_eq!(facts.entry.seq, issued.receipt.seq);
    assert_eq!(facts.entry.event, "cert.issued");
    assert!(facts.checkpoint.body.size > facts.entry.seq);
    assert_eq!(facts.log_chain.certificates().last().unwrap().der(), issued.house.ca.issuers()[1].certificate);
    // And as an entry of whatever it is, without a certificate.
    assert!(verify(&issued.receipt, None, &issued.house.anchors(), issued.house.now()).is_ok());
}

#[tokio::test]
async fn a_receipt_survives_its_json_form_and_a_grown_log() {
    let issued = issued().await;
    issued.house.issue("Han Meimei", "tls-client", WellKnownIssuer::EcIssuing).await;
    issued.house.checkpointer.now().await.unwrap();
    let json = serde_json::to_string(&issued.receipt).unwrap();
    assert!(issued.verify(&serde_json::from_str(&json).unwrap()).is_ok());
    let (log, seq) = (issued.house.log_chain(), issued.receipt.seq);
    let again = build(&issued.house.audit, &issued.house.checkpointer, &log, seq).await.unwrap();
    assert!(issued.verify(&again).is_ok());
}

#[tokio::test]
async fn each_changed_field_is_refused_by_its_own_name() {
    let issued = issued().await;
    assert_eq!(issued.refused(|r| r.version = 2), BadReceipt::Version(2));
    assert!(matches!(issued.refused(|r| r.seq += 1), BadReceipt::Position { .. }));
    assert_eq!(issued.refused(|r| r.entry.push('!')), BadReceipt::Encoding(Field::Entry));
    assert!(matches!(issued.refused(|r| r.entry = STANDARD.encode(b"no entry")), BadReceipt::Entry(_)));
    assert_eq!(issued.refused(|r| r.path[0] = flipped(&r.path[0], 3)), BadReceipt::NotInLog);
    assert_eq!(issued.refused(|r| drop(r.path.pop())), BadReceipt::NotInLog);
    assert_eq!(issued.refused(|r| r.path.push(r.path[0].clone())), BadReceipt::NotInLog);
    assert_eq!(issued.refused(|r| r.path[0] = "AAAA".into()), BadReceipt::Encoding(Field::Path));
    assert!(matches!(issued.refused(|r| r.checkpoint = "AAAA".into()), BadReceipt::Checkpoint(_)));
    assert_eq!(issued.refused(|r| r.log_certificate.clear()), BadReceipt::Encoding(Field::LogCertificate));
    assert_eq!(issued.refused(|r| r.log_certificate.push('x')), BadReceipt::TooLong(Field::LogCertificate));
    assert!(matches!(issued.refused(|r| r.log_chain.clear()), BadReceipt::Untrusted(_)));
    assert_eq!(issued.refused(|r| r.log_chain = "x".into()), BadReceipt::Encoding(Field::LogChain));
}

#[tokio::test]
async fn every_flipped_bit_of_entry_and_checkpoint_is_found() {
    let issued = issued().await;
    let (entry, checkpoint) = (issued.receipt.entry.clone(), issued.receipt.checkpoint.clone());
    for at in 0..STANDARD.decode(&entry).unwrap().len() {
        issued.refused(|r| r.entry = flipped(&entry, at));
    }
    for at in 0..STANDARD.decode(&checkpoint).unwrap().len() {
        issued.refused(|r| r.checkpoint = flipped(&checkpoint, at));
    }
}

#[tokio::test]
async fn a_receipt_for_another_certificate_is_refused() {
    let issued = issued().await;
    let other = issued.house.issue("Li Lei", "tls-client", WellKnownIssuer::EcIssuing).await;
    let anchors = issued.house.anchors();
    let result = verify(&issued.receipt, Some(&other.der), &anchors, issued.house.now());
    assert_eq!(result.unwrap_err(), BadReceipt::OtherCertificate);
}

#[tokio::test]
async fn an_entry_that_is_no_issuance_does_not_vouch_for_its_payload() {
    let issued = issued().await;
    let house = &issued.house;
    // Entry 0 is the generation of the log's key; whoever shows its payload as a certificate is refused.
    let receipt = build(&house.audit, &house.checkpointer, &house.log_chain(), 0).await.unwrap();
    let payload = house.audit.entry(0).await.unwrap().payload.unwrap();
    let result = verify(&receipt, Some(&payload), &house.anchors(), house.now());
    assert_eq!(result.unwrap_err(), BadReceipt::NotAnIssuance);
}

#[tokio::test]
async fn a_checkpoint_signed_by_another_key_of_the_same_authority_is_refused() {
    let issued = issued().await;
    let house = &issued.house;
    for (profile, why) in [
        ("tls-client", LogProfile::ExtKeyUsage),
        ("person", LogProfile::ExtKeyUsage),
        ("ocsp-signer", LogProfile::ExtKeyUsage),
        ("seal-signer", LogProfile::KeyUsage),
    ] {
        let other = house.issue("Not a log", profile, WellKnownIssuer::Sm2Issuing).await;
        assert_eq!(
            issued.refused(|r| r.log_certificate = armour(&other.der)),
            BadReceipt::LogProfile(why),
            "{profile}"
        );
        assert!(LogChain::new::<Vec<u8>>(&other.der, &[]).is_err());
    }
    for issuer in house.ca.issuers() {
        let refused = issued.refused(|r| r.log_certificate = armour(&issuer.certificate));
        assert_eq!(refused, BadReceipt::LogProfile(LogProfile::ExtKeyUsage));
    }
    // A certificate of the right profile, but for another log's key.
    let other = house.issue("Other log", "audit-signer", WellKnownIssuer::Sm2Issuing).await;
    assert_eq!(issued.refused(|r| r.log_certificate = armour(&other.der)), BadReceipt::OtherLog);
    let other = house.issue("Other log", "audit-signer", WellKnownIssuer::EcIssuing).await;
    let refused = issued.refused(|r| r.log_certificate = armour(&other.der));
    assert_eq!(refused, BadReceipt::LogProfile(LogProfile::Algorithm));
}

#[tokio::test]
async fn a_checkpoint_that_names_the_log_but_is_not_signed_by_it_is_refused() {
    let issued = issued().await;
    let refused = issued.refused(|r| {
        let mut checkpoint = Checkpoint::from_der(&STANDARD.decode(&r.checkpoint).unwrap()).unwrap();
        // Valid DER of a signature, of other numbers.
        checkpoint.signature = vec![0x30, 6, 2, 1, 5, 2, 1, 7];
        r.checkpoint = STANDARD.encode(checkpoint.to_der());
    });
    assert_eq!(refused, BadReceipt::Signature);
}

#[tokio::test]
async fn a_stranger_s_root_or_a_time_after_the_end_is_refused() {
    let issued = issued().await;
    let stranger = TestHouse::new(Setup::Production).await;
    let result = verify(&issued.receipt, None, &stranger.anchors(), issued.house.now());
    // The same names and seed, but keys of its own.
    assert!(matches!(result.unwrap_err(), BadReceipt::Untrusted(_)));
    assert!(matches!(verify(&issued.receipt, None, &[], issued.house.now()).unwrap_err(), BadReceipt::Untrusted(_)));
    let late = issued.house.now().plus(Duration::from_secs(40 * 365 * 86_400));
    let result = verify(&issued.receipt, None, &issued.house.anchors(), late);
    assert!(matches!(result.unwrap_err(), BadReceipt::Untrusted(_)));
}

#[tokio::test]
async fn fields_too_long_are_refused_before_they_are_decoded() {
    let issued = issued().await;
    let long = "A".repeat(1 << 20);
    assert_eq!(issued.refused(|r| r.entry.clone_from(&long)), BadReceipt::TooLong(Field::Entry));
    assert_eq!(issued.refused(|r| r.checkpoint.clone_from(&long)), BadReceipt::TooLong(Field::Checkpoint));
    assert_eq!(issued.refused(|r| r.path = vec![r.path[0].clone(); 65]), BadReceipt::TooLong(Field::Path));
    assert_eq!(issued.refused(|r| r.path[0].clone_from(&long)), BadReceipt::TooLong(Field::Path));
    assert_eq!(issued.refused(|r| r.log_chain = r.log_chain.repeat(7)), BadReceipt::TooLong(Field::LogChain));
}
