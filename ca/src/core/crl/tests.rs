use der::Decode;
use pki_config::profile::BuiltIn;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::TbsCertList;

use super::*;
use crate::core::lint::samples::{Family, at, issuer};

pub(crate) const WEEK: Duration = Duration::from_secs(7 * 86_400);

pub(crate) fn head(family: Family) -> CrlHead {
    CrlHead {
        issuer: issuer(family, BuiltIn::TlsServer),
        this_update: at("2026-11-21T08:00:00Z"),
        next_update: at("2026-11-28T07:59:59Z"),
        number: 300,
        base: None,
        point: None,
        freshest: None,
    }
}

pub(crate) fn revoked(reason: Reason, invalidity: Option<&str>) -> Listed {
    Listed::Revoked(Revocation { at: at("2026-11-20T10:20:30Z"), reason, invalidity: invalidity.map(at) })
}

pub(crate) fn url(text: &str) -> HttpUrl {
    text.parse().unwrap()
}

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn entries_have_the_octets_of_rfc_5280() {
    let mut list = CrlWriter::new(head(Family::Ec), 3);
    list.push(&serial("05"), &revoked(Reason::Unspecified, None)).unwrap();
    list.push(&serial("80"), &revoked(Reason::KeyCompromise, Some("2026-11-19T00:00:00Z"))).unwrap();
    let tbs = hex(list.finish().tbs());
    // By hand. UTCTime 261120102030Z is 17 0d and its ASCII.
    let time = "170d3236313132303130323033305a";
    let first = format!("3012020105{time}");
    assert!(tbs.contains(&first), "no extensions for unspecified");
    // Serial 0x80 takes a zero octet; reason 1; invalidity date 20261119000000Z as GeneralizedTime.
    let reason = "300a0603551d1504030a0101";
    let date = "30180603551d180411180f32303236313131393030303030305a";
    let second = format!("303b02020080{time}3026{reason}{date}");
    assert!(tbs.contains(&second), "{tbs}");
}

#[test]
fn another_parser_reads_the_same_list() {
    let mut list = CrlWriter::new(head(Family::Sm2), 0);
    for (number, reason) in Reason::ALL.into_iter().enumerate() {
        list.push(&serial(&format!("4F{:030X}", number + 1)), &revoked(reason, None)).unwrap();
    }
    let draft = list.finish();
    let parsed = TbsCertList::<Rfc5280>::from_der(draft.tbs()).unwrap();
    let entries = parsed.revoked_certificates.clone().unwrap();
    assert_eq!(entries.len(), 9);
    assert!(entries[0].crl_entry_extensions.is_none());
    assert_eq!(parsed.crl_extensions.as_ref().unwrap().len(), 2);
    assert_eq!(parsed.to_der().unwrap(), draft.tbs());
    assert!(draft.lint(Some(299), 9, WEEK).is_ok());
}

#[test]
fn an_empty_list_leaves_the_sequence_out() {
    let draft = CrlWriter::new(head(Family::Ec), 0).finish();
    assert!(TbsCertList::<Rfc5280>::from_der(draft.tbs()).unwrap().revoked_certificates.is_none());
    assert!(draft.lint(None, 0, WEEK).is_ok());
}

#[test]
fn lengths_are_minimal_at_every_size() {
    // Around 128 and 256 octets, and around 65,536, the header grows.
    for entries in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1900, 1985, 1990, 2000, 2100] {
        let mut list = CrlWriter::new(head(Family::Ec), 0);
        for number in 1..=entries {
            list.push(&serial(&format!("4F{number:030X}")), &revoked(Reason::Unspecified, None)).unwrap();
        }
        let draft = list.finish();
        let parsed = TbsCertList::<Rfc5280>::from_der(draft.tbs()).unwrap();
        assert_eq!(parsed.to_der().unwrap(), draft.tbs(), "{entries}");
    }
}

#[test]
fn a_serial_out_of_order_or_twice_is_refused() {
    let mut list = CrlWriter::new(head(Family::Ec), 0);
    let entry = revoked(Reason::Unspecified, None);
    list.push(&serial("0102"), &entry).unwrap();
    for wrong in ["0102", "0101", "01"] {
        assert!(list.push(&serial(wrong), &entry).is_err(), "{wrong}");
    }
    assert!(list.push(&serial("0103"), &entry).is_ok());
}

#[test]
fn a_delta_names_its_base_and_takes_off_what_was_released() {
    let delta = CrlHead { base: Some(290), ..head(Family::Ec) };
    let mut list = CrlWriter::new(delta, 2);
    list.push(&serial("05"), &Listed::Released).unwrap();
    list.push(&serial("06"), &revoked(Reason::KeyCompromise, None)).unwrap();
    let draft = list.finish();
    let tbs = hex(draft.tbs());
    // By hand: removeFromCRL is 8, dated as the list: UTCTime 261121080000Z. The indicator is 2.5.29.27, critical,
    // 290 = 0x0122.
    assert!(tbs.contains("3020020105170d3236313132313038303030305a300c300a0603551d1504030a0108"), "{tbs}");
    assert!(tbs.contains("300e0603551d1b0101ff040402020122"), "{tbs}");
    assert!(draft.lint(Some(299), 2, WEEK).is_ok());
    let mut full = CrlWriter::new(head(Family::Ec), 1);
    assert_eq!(full.push(&serial("05"), &Listed::Released), Err(BadEntry::Released(serial("05"))));
}

#[test]
fn a_shard_names_its_address_and_a_full_list_its_delta() {
    let point = Some(url("http://a.cn/c"));
    let shard = CrlHead { point: point.clone(), freshest: Some(url("http://a.cn/d")), ..head(Family::Ec) };
    let draft = CrlWriter::new(shard, 0).finish();
    let tbs = hex(draft.tbs());
    // By hand. "http://a.cn/c" has 13 octets; [0] { [0] { [6] uri } } in a SEQUENCE, critical.
    let uri = "860d687474703a2f2f612e636e2f63";
    assert!(tbs.contains(&format!("0603551d1c0101ff04153013a011a00f{uri}")), "{tbs}");
    // The freshest CRL: a SEQUENCE OF DistributionPoint, not critical.
    let uri = "860d687474703a2f2f612e636e2f64";
    assert!(tbs.contains(&format!("0603551d2e041730153013a011a00f{uri}")), "{tbs}");
    assert!(draft.lint(Some(299), 0, WEEK).is_ok());
}

#[test]
fn times_from_2050_on_are_generalized() {
    let mut late = head(Family::Ec);
    late.this_update = at("2049-12-31T23:59:59Z");
    late.next_update = at("2050-01-07T23:59:58Z");
    let draft = CrlWriter::new(late, 0).finish();
    let tbs = hex(draft.tbs());
    // UTCTime 491231235959Z, then GeneralizedTime 20500107235958Z.
    assert!(tbs.contains("170d3439313233313233353935395a180f32303530303130373233353935385a"));
    assert!(draft.lint(None, 0, WEEK).is_ok());
}

#[test]
fn a_signature_that_is_not_the_issuers_finishes_nothing() {
    let linted = || CrlWriter::new(head(Family::Ec), 0).finish().lint(None, 0, WEEK).unwrap();
    assert_eq!(linted().finish(SignatureAlgorithm::Sm2Sm3, &[0; 70]).unwrap_err(), Unfinished::Algorithm);
    assert_eq!(linted().finish(SignatureAlgorithm::EcdsaSha256, &[0; 70]).unwrap_err(), Unfinished::Signature);
}

#[test]
fn openssl_reads_and_verifies_a_finished_list() {
    use std::process::Command;
    let (signer, key) = crate::core::issue::tests::Signer::new(Family::Ec);
    let mut head = head(Family::Ec);
    head.issuer.key = key.clone();
    let mut list = CrlWriter::new(head, 2);
    list.push(&serial("4F0AC1D2"), &revoked(Reason::Superseded, None)).unwrap();
    list.push(&serial("4F0AC1D3"), &revoked(Reason::KeyCompromise, Some("2026-11-01T00:00:00Z"))).unwrap();
    let linted = list.finish().lint(Some(299), 2, WEEK).unwrap();
    let signature = signer.sign(linted.tbs());
    let der = linted.finish(SignatureAlgorithm::EcdsaSha256, &signature).unwrap();
    assert_eq!(x509_cert::crl::CertificateList::<Rfc5280>::from_der(&der).unwrap().to_der().unwrap(), der);
    if Command::new("openssl").arg("version").output().is_err() {
        return eprintln!("left out: there is no openssl here");
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("crl.der"), &der).unwrap();
    let root = crate::core::issue::tests::root(&signer, &key);
    std::fs::write(directory.path().join("root.pem"), crate::core::issue::tests::pem(&root)).unwrap();
    let judged = Command::new("openssl")
        .current_dir(directory.path())
        .args(["crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text", "-CAfile", "root.pem"])
        .output()
        .unwrap();
    let (text, verdict) = (String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
    assert!(verdict.contains("verify OK"), "{verdict}");
    for line in ["Version 2", "CRL Number: ", "300", "4F0AC1D2", "Key Compromise", "Invalidity Date", "Superseded"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

/// The release build takes under a second; here it only must work, and stay in memory.
#[test]
fn a_hundred_thousand_entries_need_little_more_than_their_own_size() {
    let mut list = CrlWriter::new(head(Family::Ec), 100_000);
    let entry = revoked(Reason::KeyCompromise, None);
    for number in 0..100_000_u32 {
        let octets = [&[0x40; 12][..], &number.to_be_bytes()].concat();
        list.push(&Serial::from_der_content(&octets).unwrap(), &entry).unwrap();
    }
    let linted = list.finish().lint(None, 100_000, WEEK).unwrap();
    assert_eq!(linted.entries(), 100_000);
    // 2 + 18 + 15 + 2 + 12 octets each.
    assert_eq!(linted.tbs().len() / 100_000, 49);
    assert!(linted.0.buffer.capacity() < 6_000_000);
}
