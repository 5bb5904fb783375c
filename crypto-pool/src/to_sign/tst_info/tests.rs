//! What a captured time-stamping service could try, refused by the pool alone.

use pki_config::{KeyId, TenantId};

use super::*;
use crate::algorithm::KeyAlgorithm;
use crate::fixture::cert;
use crate::key::{KeyState, Purpose};
use crate::to_sign::ToSign;

const NOW: &str = "2027-06-01T12:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn signer(name: &str) -> Arc<Signer> {
    let none: &[Vec<u8>] = &[];
    Arc::new(Signer::new(cert(name).der(), none, oid::CT_TST_INFO).unwrap())
}

fn record(name: &str) -> KeyRecord {
    KeyRecord {
        id: KeyId::from_bytes([1; 16]),
        tenant: TenantId::house(),
        purpose: Purpose::TimeStamp,
        algorithm: KeyAlgorithm::P256,
        spki: cert(name).spki().to_vec(),
        state: KeyState::Active,
        created: at(NOW),
        subject: None,
        key_id: [2; 20],
        not_before: Some(at("2027-01-01T00:00:00Z")),
        not_after: Some(at("2027-12-31T23:59:59Z")),
    }
}

/// A TSTInfo with this genTime and serial, written out by hand: SHA-256 of nothing in particular.
fn tst_info(time: &str, serial: &[u8]) -> Vec<u8> {
    let sha256 = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let imprint = [&[0x30, 47][..], &sha256, &[4, 32], &[0x5a; 32]].concat();
    let body = [
        &[2, 1, 1, 6, 3, 0x2a, 3, 4][..],
        &imprint,
        &[2, serial.len() as u8],
        serial,
        &[0x18, time.len() as u8],
        time.as_bytes(),
        &[0x30, 3, 2, 1, 1],
    ]
    .concat();
    [&[0x30, body.len() as u8], &body[..]].concat()
}

fn judged(tst_info: Vec<u8>, name: &str, record: &KeyRecord) -> Result<(), Refusal> {
    ToSign::TstInfo(TstInfoToSign::new(tst_info, signer(name))).check(record, at(NOW), None)
}

#[test]
fn a_time_stamp_of_this_moment_is_signed() {
    for time in ["20270601120000Z", "20270601115950Z", "20270601120010Z", "20270601120000.123456Z"] {
        assert_eq!(judged(tst_info(time, &[1]), "tsa", &record("tsa")), Ok(()), "{time}");
    }
}

#[test]
fn another_moment_is_not() {
    for time in ["20270601115949Z", "20270601120011Z", "20270601110000Z", "20270501120000Z"] {
        let refused = judged(tst_info(time, &[1]), "tsa", &KeyRecord { not_before: None, ..record("tsa") });
        assert_eq!(refused, Err(Refusal::Times), "{time}");
    }
}

#[test]
fn neither_before_nor_after_the_keys_period_nor_the_certificates() {
    let now = || tst_info("20270601120000Z", &[1]);
    let early = KeyRecord { not_before: Some(at("2027-06-01T12:00:01Z")), ..record("tsa") };
    let late = KeyRecord { not_after: Some(at("2027-06-01T11:59:59Z")), ..record("tsa") };
    for record in [early, late] {
        assert_eq!(judged(now(), "tsa", &record), Err(Refusal::Period));
    }
    let open = KeyRecord { not_before: None, not_after: None, ..record("tsa") };
    let stamp = ToSign::TstInfo(TstInfoToSign::new(tst_info("20200601120000Z", &[1]), signer("tsa")));
    assert_eq!(stamp.check(&open, at("2020-06-01T12:00:00Z"), None), Err(Refusal::Period), "before the certificate");
}

#[test]
fn only_with_a_certificate_of_this_key_for_time_stamps_alone() {
    let now = || tst_info("20270601120000Z", &[1]);
    assert_eq!(judged(now(), "tsa-and-more", &record("tsa-and-more")), Err(Refusal::Signer));
    assert_eq!(judged(now(), "tsa", &record("tsa-and-more")), Err(Refusal::Signer));
    let other = KeyRecord { purpose: Purpose::Ocsp, ..record("tsa") };
    assert!(judged(now(), "tsa", &other).is_err());
}

#[test]
fn attributes_over_something_else_are_not() {
    let mut stamp = TstInfoToSign::new(tst_info("20270601120000Z", &[1]), signer("tsa"));
    stamp.tst_info = tst_info("20270601120000Z", &[2]);
    assert_eq!(check(&stamp, &record("tsa"), at(NOW)), Err(Refusal::Attributes));
    let mut stamp = TstInfoToSign::new(tst_info("20270601120000Z", &[1]), signer("tsa"));
    stamp.attributes.push(0);
    assert_eq!(check(&stamp, &record("tsa"), at(NOW)), Err(Refusal::Attributes));
}

#[test]
fn what_is_no_tst_info_is_not() {
    let good = tst_info("20270601120000Z", &[1]);
    let mut version = good.clone();
    version[4] = 2;
    let mut longer = good.clone();
    longer.push(0);
    let mut bad = vec![version, longer, good[..good.len() - 1].to_vec(), Vec::new(), vec![0x30; 5000]];
    for time in ["20270601120000", "20270601120000+0800", "20270601120000.Z", "20270601120000.10Z", "20271301120000Z"] {
        bad.push(tst_info(time, &[1]));
    }
    for serial in [&[][..], &[0x80], &[1; 21]] {
        bad.push(tst_info("20270601120000Z", serial));
    }
    for (place, bytes) in bad.into_iter().enumerate() {
        let refused = judged(bytes, "tsa", &record("tsa"));
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{place}: {refused:?}");
    }
}
