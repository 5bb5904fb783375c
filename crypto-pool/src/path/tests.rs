use pki_config::oid;
use pki_config::status::Reason;

use super::tolerant::Leniency;
use super::*;
use crate::fixture::{self, cert, crl};
use crate::tlv;

mod evidence;
mod field;
mod maker;
mod policies;
mod web;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn now() -> Instant {
    at("2027-01-01T00:00:00Z")
}

fn anchors() -> Anchors {
    Anchors::new(vec![cert("sm2-root"), cert("ec-root")])
}

fn given() -> Vec<Cert> {
    ["rsa-sub", "not-ca", "no-sign", "sm2-below", "sm2-sub"].map(cert).to_vec()
}

fn check(leaf: &str) -> Result<usize, (usize, Problem)> {
    check_with(leaf, now(), &Options::default())
}

fn check_with(leaf: &str, at: Instant, options: &Options<'_>) -> Result<usize, (usize, Problem)> {
    let result = validate(&cert(leaf), &given(), &anchors(), at, options);
    result.map(|chain| chain.certificates().len()).map_err(|error| (error.certificate, error.problem))
}

#[test]
fn paths_of_every_algorithm_made_by_openssl_are_valid() {
    assert_eq!(check("sm2-leaf"), Ok(3));
    assert_eq!(check("p256-leaf"), Ok(3));
    assert_eq!(check("ed-leaf"), Ok(2));
    assert_eq!(check("sm2-root"), Ok(1));
}

#[test]
fn every_check_of_a_path_is_reported() {
    let options = Options { ext_key_usage: Some(oid::KP_SERVER_AUTH), ..Options::default() };
    let report = examine(&cert("p256-leaf"), &given(), &anchors(), now(), &options);
    assert!(report.is_valid());
    let of = |place: usize| -> Vec<&str> {
        report.findings.iter().filter(|f| f.certificate == place).map(|f| f.check.as_str()).collect()
    };
    assert_eq!(of(0), ["path", "key", "signature", "validity", "critical-extensions", "ext-key-usage", "policies"]);
    assert_eq!(of(1)[..4], ["key", "signature", "validity", "critical-extensions"]);
    assert_eq!(of(1)[4..], ["authority", "path-length", "name-constraints", "ext-key-usage"]);
}

#[test]
fn a_path_without_its_anchor_or_intermediate_is_refused() {
    let missing = |given: &[Cert], anchors: &Anchors| {
        validate(&cert("sm2-leaf"), given, anchors, now(), &Options::default()).unwrap_err().problem
    };
    assert_eq!(missing(&[], &anchors()), Problem::NoIssuer);
    assert_eq!(missing(&given(), &Anchors::new(vec![cert("ec-root")])), Problem::NoIssuer);
    assert_eq!(missing(&given(), &Anchors::default()), Problem::NoIssuer);
}

#[test]
fn a_changed_certificate_is_not_its_issuers() {
    // The last octet of the serial number is changed, and the path told by its name and key identifier.
    let mut der = fixture::der("sm2-leaf.pem");
    let serial = cert("sm2-leaf").serial().to_vec();
    let place = der.windows(serial.len()).position(|w| w == serial).unwrap() + serial.len() - 1;
    der[place] ^= 1;
    let leaf = Cert::from_der(&der).unwrap();
    let error = validate(&leaf, &given(), &anchors(), now(), &Options::default()).unwrap_err();
    assert_eq!((error.certificate, error.check, error.problem), (0, Check::Signature, Problem::Signature));
}

#[test]
fn time_is_checked_to_the_second() {
    assert_eq!(check_with("sm2-leaf", at("2026-01-01T00:00:00Z"), &Options::default()), Ok(3));
    let early = check_with("sm2-leaf", at("2025-12-31T23:59:59.999Z"), &Options::default());
    assert_eq!(early, Err((0, Problem::NotYetValid { from: at("2026-01-01T00:00:00Z") })));
    assert_eq!(check_with("expired", at("2026-01-31T23:59:59.999Z"), &Options::default()), Ok(2));
    let since = at("2026-01-31T23:59:59Z");
    let late = check_with("expired", at("2026-02-01T00:00:00Z"), &Options::default());
    assert_eq!(late, Err((0, Problem::Expired { since })));
}

#[test]
fn issuers_must_be_authorities_that_may_sign_certificates() {
    assert_eq!(check("under-not-ca"), Err((1, Problem::NotAnAuthority)));
    assert_eq!(check("under-no-sign"), Err((1, Problem::NoCertSign)));
}

#[test]
fn an_authority_below_a_path_length_of_zero_is_refused() {
    assert_eq!(check("sm2-deep"), Err((2, Problem::PathLength { allowed: 0 })));
    assert_eq!(check("sm2-below"), Ok(3));
}

#[test]
fn names_outside_their_issuers_constraints_are_refused() {
    assert_eq!(check("outside"), Err((1, Problem::NameOutside)));
    assert_eq!(check("excluded"), Err((1, Problem::NameOutside)));
}

#[test]
fn a_critical_extension_nobody_knows_is_refused() {
    let strange = ObjectIdentifier::new_unwrap("1.2.3.4");
    assert_eq!(check("strange"), Err((0, Problem::CriticalExtension(strange))));
}

#[test]
fn the_use_must_be_allowed_by_the_leaf_and_every_authority() {
    let asked = |usage| Options { ext_key_usage: Some(usage), ..Options::default() };
    assert_eq!(check_with("p256-leaf", now(), &asked(oid::KP_SERVER_AUTH)), Ok(3));
    assert_eq!(check_with("p256-leaf", now(), &asked(oid::KP_CLIENT_AUTH)), Err((0, Problem::ExtKeyUsage)));
    // The leaf is for clients, its issuer for servers only.
    assert_eq!(check_with("client", now(), &asked(oid::KP_CLIENT_AUTH)), Err((1, Problem::ExtKeyUsage)));
}

#[test]
fn a_revoked_certificate_is_refused_and_its_neighbour_is_not() {
    let crls = [crl("sm2-sub"), crl("sm2-root")];
    let options = Options { revocation: Revocation::Required, crls: &crls, ..Options::default() };
    assert_eq!(check_with("sm2-leaf", now(), &options), Ok(3));
    let refused = check_with("sm2-revoked", now(), &options);
    assert!(matches!(refused, Err((0, Problem::Revoked { reason: Reason::KeyCompromise, .. }))), "{refused:?}");
    assert_eq!(check("sm2-revoked"), Ok(3));
}

#[test]
fn without_a_usable_crl_revocation_stays_open() {
    let with =
        |crls: &[Crl], revocation| check_with("sm2-leaf", now(), &Options { revocation, crls, ..Options::default() });
    let root_only = [crl("sm2-root")];
    assert_eq!(with(&root_only, Revocation::Required), Err((0, Problem::NoCrl)));
    assert_eq!(with(&root_only, Revocation::WhereKnown), Ok(3));
    let old = [crl("sm2-sub-old"), crl("sm2-root")];
    assert_eq!(with(&old, Revocation::Required), Err((0, Problem::CrlNotCurrent)));
    assert_eq!(with(&old, Revocation::WhereKnown), Err((0, Problem::CrlNotCurrent)));
}

#[test]
fn a_crl_that_was_changed_decides_nothing() {
    let mut der = fixture::der("sm2-sub.crl.pem");
    let serial = cert("sm2-revoked").serial().to_vec();
    let place = der.windows(serial.len()).position(|w| w == serial).unwrap();
    der[place + 5] ^= 1;
    let crls = [Crl::from_der(der).unwrap(), crl("sm2-root")];
    let options = Options { revocation: Revocation::Required, crls: &crls, ..Options::default() };
    assert_eq!(check_with("sm2-revoked", now(), &options), Err((0, Problem::CrlSignature)));
}

#[test]
fn a_certificate_is_read_as_openssl_shows_it() {
    // openssl x509 -in rsa-sub.pem -noout -subject -dates -ext basicConstraints,keyUsage,extendedKeyUsage
    let cert = cert("rsa-sub");
    assert_eq!(cert.not_before(), at("2026-01-01T00:00:00Z"));
    assert_eq!(cert.not_after(), at("2046-01-01T00:00:00Z"));
    assert_eq!(cert.algorithm(), Some(crate::SignatureAlgorithm::EcdsaSha384));
    let extensions = cert.extensions();
    assert_eq!(extensions.basic_constraints, Some(BasicConstraints { ca: true, path_len: None }));
    let usage = extensions.key_usage.unwrap();
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    assert_eq!(extensions.ext_key_usage, Some(vec![oid::KP_SERVER_AUTH]));
    assert_eq!(extensions.authority_key_id, super::tests::cert("ec-root").extensions().subject_key_id);
}

#[test]
fn key_usage_with_untrimmed_bits_is_read() {
    // From real certificates: 030206c0 and 030200c0 say the same.
    for value in [[3, 2, 6, 0xc0], [3, 2, 0, 0xc0]] {
        let one = tlv::write(
            tlv::SEQUENCE,
            &[&tlv::write(tlv::OID, &[oid::KEY_USAGE.as_bytes()]), &tlv::write(tlv::OCTET_STRING, &[&value])],
        );
        let read = Extensions::read(&tlv::write(tlv::SEQUENCE, &[&one]), &mut Leniency::default()).unwrap();
        assert!(read.key_usage.is_some_and(|usage| usage.digital_signature() && !usage.key_cert_sign()));
        let twice = tlv::write(tlv::SEQUENCE, &[&one, &one]);
        assert!(Extensions::read(&twice, &mut Leniency::default()).is_err(), "an extension twice");
    }
}

/// A CRL with so many entries, serial numbers counted up from 1, signed by nobody.
fn long_crl(entries: u32) -> Vec<u8> {
    let mut list = Vec::new();
    for serial in 1..=entries {
        // 16 octets of serial number and a UTCTime: 35 octets an entry.
        list.extend_from_slice(&[0x30, 33, 2, 16, 1]);
        list.extend_from_slice(&[0; 11]);
        list.extend_from_slice(&serial.to_be_bytes());
        list.extend_from_slice(b"\x17\x0d260601000000Z");
    }
    let real = crl("sm2-sub");
    let algorithm = crate::SignatureAlgorithm::Sm2Sm3.identifier_der();
    let times = b"\x17\x0d260601000000Z\x17\x0d360601000000Z";
    let list = tlv::write(tlv::SEQUENCE, &[&list]);
    let tbs = tlv::write(tlv::SEQUENCE, &[&[2, 1, 1], algorithm, real.issuer(), times, &list]);
    tlv::write(tlv::SEQUENCE, &[&tbs, algorithm, &[3, 2, 0, 0]])
}

#[test]
fn a_crl_of_two_hundred_thousand_entries_is_walked() {
    let crl = Crl::from_der(long_crl(200_000)).unwrap();
    assert_eq!(crl.entries().count(), 200_000);
    let mut last = [0; 16];
    last[0] = 1;
    // 200,000 is 030d40 in hexadecimal.
    last[12..].copy_from_slice(&200_000_u32.to_be_bytes());
    // Walked at first, looked up in order later: the same is said.
    for _ in 0..40 {
        last[15] = 0x40;
        assert_eq!(crl.find(&last).map(|entry| entry.at), Some(at("2026-06-01T00:00:00Z")));
        last[15] = 0x41;
        assert_eq!(crl.find(&last), None);
    }
}

#[test]
fn many_issuers_of_one_name_do_not_keep_the_search_busy() {
    // Certificates that all could have issued each other: the same name, no key identifiers.
    let leaf = cert("sm2-leaf");
    let many: Vec<Cert> = (0..200).flat_map(|_| given()).collect();
    let report = examine(&leaf, &many, &Anchors::default(), now(), &Options::default());
    assert!(!report.is_valid());
}

#[test]
fn no_change_of_a_certificate_or_crl_makes_the_reader_panic() {
    for file in ["sm2-leaf.pem", "rsa-sub.pem"] {
        let sound = fixture::der(file);
        for place in 0..sound.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff, sound[place] ^ 1] {
                let mut changed = sound.clone();
                changed[place] = value;
                if let Ok(read) = Cert::from_der(&changed) {
                    let _ = (
                        read.is_self_issued(),
                        constraints::constrain(
                            read.extensions().name_constraints.as_deref().unwrap_or(&[0x30, 0]),
                            &read,
                        ),
                    );
                }
            }
            assert!(Cert::from_der(&sound[..place]).is_err());
        }
    }
    let sound = fixture::der("sm2-sub.crl.pem");
    for place in 0..sound.len() {
        for value in [0, 0x30, 0x80, 0x84, 0xff, sound[place] ^ 1] {
            let mut changed = sound.clone();
            changed[place] = value;
            if let Ok(read) = Crl::from_der(changed) {
                let _ = (read.entries().count(), read.find(&[1]));
            }
        }
        assert!(Crl::from_der(&sound[..place]).is_err());
    }
}
