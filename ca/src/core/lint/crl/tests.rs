use pki_config::Serial;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::TbsCertList;

use super::*;
use crate::core::crl::tests::{WEEK, head, revoked, url};
use crate::core::crl::{CrlHead, CrlWriter, Listed};
use crate::core::lint::samples::{Family, at};

const POINT: &str = "http://pki.example.cn/crl/ec.3.crl";
const DELTA: &str = "http://pki.example.cn/crl/ec.delta.crl";

fn list_with(head: CrlHead, entries: &[(&str, Listed)]) -> Vec<u8> {
    let mut writer = CrlWriter::new(head, 0);
    for (serial, listed) in entries {
        writer.push(&serial.parse::<Serial>().unwrap(), listed).unwrap();
    }
    writer.finish().tbs().to_vec()
}

fn list(entries: &[(&str, Listed)]) -> Vec<u8> {
    list_with(head(Family::Ec), entries)
}

fn entries() -> [(&'static str, Listed); 2] {
    [("11", revoked(Reason::Superseded, None)), ("22", revoked(Reason::KeyCompromise, None))]
}

fn sample() -> Vec<u8> {
    list(&entries())
}

/// What is found in a list that should be as `wanted`.
fn found_in(tbs: &[u8], entries: u64, wanted: &CrlHead) -> Vec<&'static str> {
    let CrlHead { issuer, base, point, freshest, .. } = wanted;
    let (point, freshest) = (point.as_ref(), freshest.as_ref());
    let context = CrlContext { issuer, previous: Some(299), longest: WEEK, entries, base: *base, point, freshest };
    examine(tbs, &context).into_iter().map(|finding| finding.lint).collect()
}

fn found(tbs: &[u8], entries: u64) -> Vec<&'static str> {
    found_in(tbs, entries, &head(Family::Ec))
}

/// A list of this kind breaks no rule, and this one once it is changed.
fn fails_as(lint: &str, head: &CrlHead, change: impl FnOnce(&mut TbsCertList<Rfc5280>)) {
    let tbs = list_with(head.clone(), &entries());
    assert_eq!(found_in(&tbs, 2, head), Vec::<&str>::new());
    let mut parsed = TbsCertList::from_der(&tbs).unwrap();
    change(&mut parsed);
    assert_eq!(found_in(&parsed.to_der().unwrap(), 2, head), [lint]);
}

/// A changed list breaks this rule and no other.
fn fails(lint: &str, change: impl FnOnce(&mut TbsCertList<Rfc5280>)) {
    fails_as(lint, &head(Family::Ec), change);
}

fn shard() -> CrlHead {
    CrlHead { point: Some(url(POINT)), ..head(Family::Ec) }
}

fn delta() -> CrlHead {
    CrlHead { base: Some(290), ..head(Family::Ec) }
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
}

#[test]
fn an_entry_lost_on_the_way_is_found() {
    assert_eq!(found(&sample(), 3), ["crl_entry_lost"]);
    assert_eq!(found(&sample(), 1), ["crl_entry_lost"]);
}

#[test]
fn reasons_are_those_of_the_kind_of_list() {
    let mut removed = list_with(delta(), &[("11", Listed::Released)]);
    assert_eq!(found_in(&removed, 1, &delta()), Vec::<&str>::new());
    let place = removed.windows(3).position(|w| w == [0x0a, 0x01, 0x08]).unwrap();
    removed[place + 2] = 7;
    assert_eq!(found_in(&removed, 1, &delta()), ["crl_reason"]);
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
    fails("crl_number_rollback", |list| {
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
fn a_shard_says_critically_which_address_it_is_of() {
    fails_as("crl_idp", &shard(), |list| drop(list.crl_extensions.as_mut().unwrap().pop()));
    fails_as("crl_idp", &shard(), |list| list.crl_extensions.as_mut().unwrap()[2].critical = false);
    fails_as("crl_idp", &shard(), |list| {
        // Indirect: its entries could be of other issuers.
        let extension = &mut list.crl_extensions.as_mut().unwrap()[2];
        let mut point = extension.extn_value.as_bytes().to_vec();
        point[1] += 3;
        point.extend_from_slice(&[0x84, 0x01, 0xff]);
        extension.extn_value = der::asn1::OctetString::new(point).unwrap();
    });
    let other = CrlHead { point: Some(url("http://pki.example.cn/crl/ec.4.crl")), ..head(Family::Ec) };
    assert_eq!(found_in(&list_with(other, &entries()), 2, &shard()), ["crl_idp"], "another shard's address");
    assert_eq!(found(&list_with(shard(), &entries()), 2), ["crl_idp"], "a list for all is bound to no address");
}

#[test]
fn a_delta_says_critically_what_it_adds_to() {
    fails_as("crl_delta", &delta(), |list| drop(list.crl_extensions.as_mut().unwrap().pop()));
    fails_as("crl_delta", &delta(), |list| list.crl_extensions.as_mut().unwrap()[2].critical = false);
    assert_eq!(found(&list_with(delta(), &entries()), 2), ["crl_delta"], "a full list adds to none");
    let late = CrlHead { base: Some(300), ..head(Family::Ec) };
    assert_eq!(found_in(&list_with(late.clone(), &entries()), 2, &late), ["crl_delta"], "its base is an earlier list");
    let other = CrlHead { base: Some(289), ..head(Family::Ec) };
    assert_eq!(found_in(&list_with(other, &entries()), 2, &delta()), ["crl_delta"]);
}

#[test]
fn a_full_list_says_where_its_delta_is() {
    let with = CrlHead { freshest: Some(url(DELTA)), ..head(Family::Ec) };
    fails_as("crl_freshest", &with, |list| drop(list.crl_extensions.as_mut().unwrap().pop()));
    fails_as("crl_freshest", &with, |list| list.crl_extensions.as_mut().unwrap()[2].critical = true);
    assert_eq!(found(&list_with(with.clone(), &entries()), 2), ["crl_freshest"]);
    // RFC 5280 5.2.6: not in a delta.
    let both = CrlHead { base: Some(290), ..with };
    assert_eq!(found_in(&list_with(both.clone(), &entries()), 2, &both), ["crl_freshest"]);
}

#[test]
fn every_rule_for_lists_is_shown_to_fail() {
    let tests = include_str!("tests.rs");
    for (id, _) in rules() {
        let shown = ["fails(\"", "fails_as(\"", "[\""].iter().any(|way| tests.contains(&format!("{way}{id}\"")));
        assert!(shown, "{id}");
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
