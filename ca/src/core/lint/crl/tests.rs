use pki_config::Serial;
use pki_config::status::Revocation;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::TbsCertList;

use super::*;
use crate::core::crl::CrlWriter;
use crate::core::crl::tests::{WEEK, head, revoked};
use crate::core::lint::samples::{Family, at};

fn list(entries: &[(&str, Revocation)]) -> Vec<u8> {
    let mut writer = CrlWriter::new(head(Family::Ec), 0);
    for (serial, revocation) in entries {
        writer.push(&serial.parse::<Serial>().unwrap(), revocation).unwrap();
    }
    writer.finish().tbs().to_vec()
}

fn sample() -> Vec<u8> {
    list(&[("11", revoked(Reason::Superseded, None)), ("22", revoked(Reason::KeyCompromise, None))])
}

fn found(tbs: &[u8], entries: u64) -> Vec<&'static str> {
    let head = head(Family::Ec);
    let context = CrlContext { issuer: &head.issuer, previous: Some(299), longest: WEEK, entries };
    examine(tbs, &context).into_iter().map(|finding| finding.lint).collect()
}

/// A changed list breaks this rule and no other.
fn fails(lint: &str, change: impl FnOnce(&mut TbsCertList<Rfc5280>)) {
    let mut parsed = TbsCertList::from_der(&sample()).unwrap();
    change(&mut parsed);
    assert_eq!(found(&parsed.to_der().unwrap(), 2), [lint]);
}

#[test]
fn the_sample_breaks_no_rule() {
    assert_eq!(found(&sample(), 2), Vec::<&str>::new());
}

#[test]
fn crl_form_holds_version_algorithm_issuer_and_times() {
    fails("crl_form", |list| list.version = x509_cert::Version::V1);
    fails("crl_form", |list| list.signature.parameters = Some(der::Any::null()));
    fails("crl_form", |list| list.issuer = "CN=other".parse().unwrap());
    fails("crl_form", |list| list.extension_twice());
    assert_eq!(found(&[], 2), ["crl_form"]);
    assert_eq!(found(&[&sample()[..], &[0]].concat(), 2), ["crl_form"]);
}

#[test]
fn an_empty_sequence_of_entries_is_refused() {
    let mut parsed = TbsCertList::<Rfc5280>::from_der(&sample()).unwrap();
    parsed.revoked_certificates = Some(Vec::new());
    assert_eq!(found(&parsed.to_der().unwrap(), 0), ["crl_form"]);
    parsed.revoked_certificates = None;
    assert_eq!(found(&parsed.to_der().unwrap(), 0), Vec::<&str>::new());
}

#[test]
fn entries_are_distinct_in_order_complete_and_not_of_the_future() {
    fails("crl_entries", |list| list.revoked_certificates.as_mut().unwrap().swap(0, 1));
    fails("crl_entries", |list| {
        let entries = list.revoked_certificates.as_mut().unwrap();
        entries[1] = entries[0].clone();
    });
    fails("crl_entries", |list| {
        list.revoked_certificates.as_mut().unwrap()[0].revocation_date = at("2026-11-21T08:00:01Z").to_der_time();
    });
    assert_eq!(found(&sample(), 3), ["crl_entries"], "one was lost on the way");
}

#[test]
fn reasons_are_those_of_a_full_list() {
    for code in [0, 7, 8, 11] {
        let mut tbs = sample();
        let place = tbs.windows(3).position(|w| w == [0x0a, 0x01, 0x04]).unwrap();
        tbs[place + 2] = code;
        assert_eq!(found(&tbs, 2), ["crl_reason"], "{code}");
    }
}

#[test]
fn the_next_list_comes_in_time() {
    fails("crl_window", |list| list.next_update = None);
    fails("crl_window", |list| list.next_update = Some(list.this_update));
    // One second more than a week, both ends counted.
    fails("crl_window", |list| list.next_update = Some(at("2026-11-28T08:00:00Z").to_der_time()));
}

#[test]
fn the_number_is_there_and_rises() {
    let number = |list: &mut TbsCertList<Rfc5280>| list.crl_extensions.as_mut().unwrap().remove(1);
    fails("crl_number", |list| drop(number(list)));
    fails("crl_number", |list| {
        let mut extension = number(list);
        extension.critical = true;
        list.crl_extensions.as_mut().unwrap().push(extension);
    });
    fails("crl_number", |list| {
        let mut extension = number(list);
        // 299, the number of the last list.
        extension.extn_value = der::asn1::OctetString::new([0x02, 0x02, 0x01, 0x2b]).unwrap();
        list.crl_extensions.as_mut().unwrap().push(extension);
    });
}

#[test]
fn the_authority_key_identifier_is_the_issuers() {
    fails("crl_aki", |list| drop(list.crl_extensions.as_mut().unwrap().remove(0)));
}

#[test]
fn every_rule_for_lists_is_shown_to_fail() {
    let tests = include_str!("tests.rs");
    for (id, _) in rules() {
        assert!(tests.contains(&format!("fails(\"{id}\"")) || tests.contains(&format!("[\"{id}\"]")), "{id}");
    }
}

#[test]
fn mutated_lists_never_panic() {
    let good = list(&[("11", revoked(Reason::Superseded, Some("2026-11-01T00:00:00Z")))]);
    for place in 0..good.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[place] ^= change;
            let _ = found(&bytes, 1);
        }
        assert!(!found(&good[..place], 1).is_empty());
    }
}

trait Twice {
    fn extension_twice(&mut self);
}

impl Twice for TbsCertList<Rfc5280> {
    fn extension_twice(&mut self) {
        let all = self.crl_extensions.as_mut().unwrap();
        all.push(all[1].clone());
    }
}
