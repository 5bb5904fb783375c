use pki_config::{KeyId, TenantId};

use super::*;
use crate::algorithm::KeyAlgorithm;
use crate::fixture::{cert, crl};
use crate::path::Cert;
use crate::public_key::PublicKey;

fn now() -> Instant {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

/// A record as if the key of this certificate were one of ours.
pub(super) fn record(issuer: &str) -> KeyRecord {
    let cert = cert(issuer);
    KeyRecord {
        id: KeyId::from_bytes([1; 16]),
        tenant: TenantId::house(),
        purpose: Purpose::CertificateAuthority,
        algorithm: cert.public_key().unwrap().algorithm(),
        spki: cert.spki().to_vec(),
        state: KeyState::Active,
        created: now(),
        subject: Some(cert.subject().to_vec()),
        // OpenSSL's identifiers are made otherwise than ours; what counts is that they agree.
        key_id: cert.extensions().subject_key_id.as_ref().unwrap().as_slice().try_into().unwrap(),
        not_before: None,
        not_after: None,
    }
}

fn tbs(of: &str) -> ToSign {
    ToSign::Certificate(cert(of).tbs().to_vec())
}

fn ceremony() -> Ceremony {
    Ceremony::open_until(now())
}

#[test]
fn a_certificate_that_fits_the_issuers_record_is_signed() {
    assert_eq!(tbs("sm2-leaf").check(&record("sm2-sub"), now(), None), Ok(()));
    assert_eq!(tbs("ed-leaf").check(&record("ec-root"), now(), None), Ok(()));
}

#[test]
fn a_certificate_of_another_issuer_or_key_is_refused() {
    let leaf = tbs("sm2-leaf");
    assert_eq!(leaf.check(&record("sm2-root"), now(), None), Err(Refusal::Issuer));
    let other_key = KeyRecord { key_id: [7; 20], ..record("sm2-sub") };
    assert_eq!(leaf.check(&other_key, now(), None), Err(Refusal::AuthorityKeyId));
    let other_algorithm = KeyRecord { algorithm: KeyAlgorithm::P256, ..record("sm2-sub") };
    assert_eq!(leaf.check(&other_algorithm, now(), None), Err(Refusal::Algorithm));
    let nameless = KeyRecord { subject: None, ..record("sm2-sub") };
    assert_eq!(leaf.check(&nameless, now(), None), Err(Refusal::NoSubject));
}

#[test]
fn an_authoritys_certificate_needs_a_ceremony_that_is_open() {
    for (of, issuer) in [("sm2-sub", "sm2-root"), ("sm2-root", "sm2-root"), ("ec-root", "ec-root")] {
        let (tbs, record) = (tbs(of), record(issuer));
        assert_eq!(tbs.check(&record, now(), None), Err(Refusal::CaWithoutCeremony), "{of}");
        assert_eq!(tbs.check(&record, now(), Some(&ceremony())), Ok(()), "{of}");
        let late = now().plus(std::time::Duration::from_secs(1));
        assert_eq!(tbs.check(&record, late, Some(&ceremony())), Err(Refusal::CaWithoutCeremony), "{of}");
    }
}

#[test]
fn certificate_signing_usage_without_ca_is_refused() {
    // keyUsage digitalSignature (03 02 07 80) becomes keyCertSign (03 02 02 04).
    let mut bytes = cert("sm2-leaf").tbs().to_vec();
    let place = bytes.windows(4).position(|w| w == [3, 2, 7, 0x80]).unwrap();
    bytes[place..place + 4].copy_from_slice(&[3, 2, 2, 4]);
    let changed = ToSign::Certificate(bytes);
    assert_eq!(changed.check(&record("sm2-sub"), now(), Some(&ceremony())), Err(Refusal::CaUsageWithoutCa));
}

#[test]
fn a_certificate_does_not_outlast_the_keys_period() {
    let until = |text: &str| KeyRecord { not_after: Some(text.parse().unwrap()), ..record("sm2-sub") };
    assert_eq!(tbs("sm2-leaf").check(&until("2046-01-01T00:00:00Z"), now(), None), Ok(()));
    assert_eq!(tbs("sm2-leaf").check(&until("2045-12-31T23:59:59Z"), now(), None), Err(Refusal::Period));
    assert_eq!(tbs("sm2-leaf").check(&until("2026-12-31T23:59:59Z"), now(), None), Err(Refusal::Period));
    let later = KeyRecord { not_before: Some("2027-01-01T00:00:01Z".parse().unwrap()), ..record("sm2-sub") };
    assert_eq!(tbs("sm2-leaf").check(&later, now(), None), Err(Refusal::Period));
}

#[test]
fn no_key_signs_what_another_purpose_is_for() {
    let list = ToSign::Crl(crl("sm2-sub").tbs().to_vec());
    let manifest = ToSign::BackupManifest(b"backup".to_vec());
    for purpose in Purpose::ALL {
        let record = KeyRecord { purpose: *purpose, ..record("sm2-sub") };
        let is_ca = *purpose == Purpose::CertificateAuthority;
        let is_log = *purpose == Purpose::AuditLog;
        assert_eq!(tbs("sm2-leaf").check(&record, now(), None).is_ok(), is_ca, "{purpose}");
        assert_eq!(list.check(&record, now(), None).is_ok(), is_ca, "{purpose}");
        assert_eq!(manifest.check(&record, now(), None).is_ok(), is_log, "{purpose}");
    }
}

#[test]
fn a_retired_key_still_signs_crls_and_nothing_else() {
    let list = ToSign::Crl(crl("sm2-sub").tbs().to_vec());
    for state in KeyState::ALL {
        let record = KeyRecord { state: *state, ..record("sm2-sub") };
        let active = *state == KeyState::Active;
        assert_eq!(tbs("sm2-leaf").check(&record, now(), None).is_ok(), active, "{state}");
        assert_eq!(list.check(&record, now(), None).is_ok(), active || *state == KeyState::Retired, "{state}");
    }
}

#[test]
fn a_crl_of_another_issuer_or_from_the_future_is_refused() {
    let list = ToSign::Crl(crl("sm2-sub").tbs().to_vec());
    assert_eq!(list.check(&record("sm2-root"), now(), None), Err(Refusal::Issuer));
    assert_eq!(list.check(&record("sm2-sub"), "2026-05-31T23:59:00Z".parse().unwrap(), None), Err(Refusal::Times));
    let other_key = KeyRecord { key_id: [7; 20], ..record("sm2-sub") };
    assert_eq!(list.check(&other_key, now(), None), Err(Refusal::AuthorityKeyId));
}

#[test]
fn one_structure_is_not_taken_for_another() {
    let certificate = cert("sm2-leaf").tbs().to_vec();
    let list = crl("sm2-sub").tbs().to_vec();
    let issuer = record("sm2-sub");
    assert!(ToSign::Certificate(list.clone()).check(&issuer, now(), None).is_err());
    assert!(ToSign::Crl(certificate.clone()).check(&issuer, now(), None).is_err());
    let log = KeyRecord { purpose: Purpose::AuditLog, ..record("sm2-sub") };
    for bytes in [certificate, list] {
        assert!(ToSign::BackupManifest(bytes.clone()).check(&log, now(), None).is_err());
        assert!(ToSign::Checkpoint(bytes).check(&log, now(), None).is_err());
    }
}

#[test]
fn a_checkpoint_is_signed_for_its_own_log_only() {
    let log = KeyRecord { purpose: Purpose::AuditLog, ..record("sm2-sub") };
    let body = CheckpointBody { log: engine::sm3::hash(&log.spki), size: 300, root: [9; 32], time: now() };
    assert_eq!(ToSign::Checkpoint(body.to_der()).check(&log, now(), None), Ok(()));
    let other = CheckpointBody { log: [1; 32], ..body.clone() };
    assert_eq!(ToSign::Checkpoint(other.to_der()).check(&log, now(), None), Err(Refusal::OtherLog));
    assert!(ToSign::BackupManifest(body.to_der()).check(&log, now(), None).is_err());
}

#[test]
fn every_changed_octet_of_a_certificate_is_refused_or_read_the_same_by_others() {
    // Whatever passes must be canonical: the strict reader and the lenient one agree on it.
    let (issuer, sound) = (record("sm2-sub"), cert("sm2-leaf").tbs().to_vec());
    for place in 0..sound.len() {
        for value in [0, 0x30, 0x80, 0xff, sound[place] ^ 1] {
            let mut bytes = sound.clone();
            bytes[place] = value;
            if ToSign::Certificate(bytes.clone()).check(&issuer, now(), None).is_ok() {
                let algorithm = crate::SignatureAlgorithm::Sm2Sm3.identifier_der();
                let whole = tlv::write(tlv::SEQUENCE, &[&bytes, algorithm, &[3, 2, 0, 0]]);
                let read = Cert::from_der(&whole).unwrap();
                assert_eq!(read.issuer(), issuer.subject.as_deref().unwrap());
                assert!(!read.extensions().basic_constraints.is_some_and(|constraints| constraints.ca));
            }
        }
    }
}

#[test]
fn no_change_of_a_crl_makes_the_check_panic() {
    let (issuer, sound) = (record("sm2-sub"), crl("sm2-sub").tbs().to_vec());
    for place in 0..sound.len() {
        for value in [0, 0x30, 0x80, 0x84, 0xff] {
            let mut bytes = sound.clone();
            bytes[place] = value;
            let _ = ToSign::Crl(bytes).check(&issuer, now(), None);
        }
        assert!(ToSign::Crl(sound[..place].to_vec()).check(&issuer, now(), None).is_err());
    }
    assert!(PublicKey::from_spki(&issuer.spki).is_ok());
}
