//! Every case of NIST's Public Key Interoperability Test Suite, with the verdict its document demands.
//!
//! The certificates and CRLs come from the Python package `cryptography_vectors`, which `cargo gate` installs; the
//! folder `PKITS_data` of it is named by `YINXIN_JUDGE_PKITS`. All of them are given to every case, so that the path
//! and the right lists have to be found as well.

#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use const_oid::ObjectIdentifier;
use crypto_pool::path::{Anchors, Cert, Crl, Options, Policies, Report, Revocation, examine};

const CASES: &str = include_str!("pkits/cases.txt");
const EXCEPTIONS: &str = include_str!("pkits/exceptions.txt");

/// Certificates whose damage is that they cannot be read at all: who gives one gives none.
const UNREADABLE: [&str; 2] = ["BadSignedCACert", "InvalidDSASignatureTest6EE"];

/// CRLs likewise.
const UNREADABLE_CRLS: [&str; 1] = ["BadCRLSignatureCACRL"];

/// The data, or `None` with a word about what is left out.
fn data() -> Option<PathBuf> {
    let found =
        std::env::var_os("YINXIN_JUDGE_PKITS").map(PathBuf::from).filter(|folder| folder.join("certs").is_dir());
    if found.is_none() {
        let cases = lines(CASES).count();
        eprintln!(
            "LEFT OUT: {cases} PKITS cases: YINXIN_JUDGE_PKITS names no PKITS_data folder \
             (`cargo gate` installs cryptography_vectors, which has it)"
        );
    }
    found
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

struct Case<'a> {
    number: &'a str,
    file: &'a str,
    valid: bool,
    policies: Vec<ObjectIdentifier>,
    settings: Vec<&'a str>,
}

fn verdict(word: &str) -> bool {
    match word {
        "valid" => true,
        "invalid" => false,
        other => panic!("{other} is no verdict"),
    }
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    lines(CASES).map(|line| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_else(|| panic!("too short: {line}"));
        let (number, file, valid) = (next(), next(), verdict(next()));
        let mut case = Case { number, file, valid, policies: Vec::new(), settings: Vec::new() };
        for word in words {
            match word.strip_prefix("policies=") {
                Some(list) => {
                    let named = list.split(',').map(|n| format!("2.16.840.1.101.3.2.1.48.{n}").parse().unwrap());
                    case.policies = named.collect();
                }
                None => {
                    assert!(["explicit", "inhibit-mapping", "inhibit-any"].contains(&word), "{line}");
                    case.settings.push(word);
                }
            }
        }
        case
    })
}

/// Files of a folder by name, without its ending.
fn files(folder: &Path, ending: &str) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(ending) {
            all.insert(name.to_owned(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn every_case_has_the_verdict_its_document_demands() {
    let Some(folder) = data() else { return };
    let ders = files(&folder.join("certs"), ".crt");
    let read = |(name, der): (&String, &Vec<u8>)| Some((name.clone(), Cert::from_der_tolerant(der).ok()?));
    let certs: BTreeMap<String, Cert> = ders.iter().filter_map(read).collect();
    let unreadable: Vec<&String> = ders.keys().filter(|name| !certs.contains_key(*name)).collect();
    let crls: BTreeMap<String, _> = files(&folder.join("crls"), ".crl")
        .into_iter()
        .map(|(name, der)| (name, Crl::from_der_tolerant(der)))
        .collect();
    let unreadable_crls: Vec<&String> = crls.iter().filter(|(_, crl)| crl.is_err()).map(|(name, _)| name).collect();
    let crls: Vec<Crl> = crls.values().flatten().cloned().collect();
    assert!(certs.len() > 400 && crls.len() > 170, "{} certificates, {} CRLs", certs.len(), crls.len());
    let is_end = |name: &str| name.ends_with("EE");
    let anchors = Anchors::new(vec![certs["TrustAnchorRootCertificate"].clone()]);
    let others: Vec<Cert> = certs.iter().filter(|(name, _)| !is_end(name)).map(|(_, cert)| cert.clone()).collect();
    let at = "2020-01-01T00:00:00Z".parse().unwrap();

    let mut exceptions: BTreeMap<&str, bool> = BTreeMap::new();
    for line in lines(EXCEPTIONS) {
        let (number, rest) = line.split_once(' ').unwrap();
        let (word, reason) = rest.split_once(' ').unwrap_or_else(|| panic!("no reason given: {line}"));
        assert!(reason.len() > 20 && exceptions.insert(number, verdict(word)).is_none(), "{line}");
    }
    let (mut wrong, mut seen, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for case in cases() {
        let name = format!("{}EE", case.file);
        assert!(ders.contains_key(&name), "{name}");
        let leaf = certs.get(&name);
        seen.insert(name);
        count += 1;
        let has = |word: &str| case.settings.contains(&word);
        let options = Options {
            revocation: Revocation::Required,
            crls: &crls,
            policies: Policies {
                acceptable: &case.policies,
                required: has("explicit"),
                mapping_inhibited: has("inhibit-mapping"),
                any_inhibited: has("inhibit-any"),
            },
            ..Options::default()
        };
        let report = leaf.map(|leaf| examine(leaf, &others, &anchors, at, &options));
        let expected = match exceptions.remove(case.number) {
            Some(excepted) if excepted == case.valid => {
                wrong.push(format!("{}: the exception says what the document says", case.number));
                case.valid
            }
            Some(excepted) => excepted,
            None => case.valid,
        };
        if report.as_ref().is_some_and(Report::is_valid) != expected {
            let findings = report.iter().flat_map(|report| &report.findings);
            let faults: Vec<_> = findings.filter(|finding| finding.result.is_err()).collect();
            let word = if expected { "valid" } else { "invalid" };
            wrong.push(format!("{} {}: should be {word}: {faults:?}", case.number, case.file));
        }
    }
    assert!(exceptions.is_empty(), "exceptions of cases that are not there: {exceptions:?}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(unreadable, UNREADABLE);
    assert_eq!(unreadable_crls, UNREADABLE_CRLS);
    let unused: Vec<_> = ders.keys().filter(|name| is_end(name) && !seen.contains(*name)).collect();
    assert!(unused.is_empty(), "in no case: {unused:?}");
    println!("{count} PKITS cases, {} exceptions", lines(EXCEPTIONS).count());
}

#[test]
fn the_table_has_the_224_tests_of_the_document() {
    let mut tests: BTreeSet<String> = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for case in cases() {
        assert!(numbers.insert(case.number), "{} twice", case.number);
        tests.insert(case.number.split('.').take(3).collect::<Vec<_>>().join("."));
    }
    // PKITS 1.0.1: the tests of each section from 4.1 to 4.16.
    let sections = [6, 8, 11, 21, 8, 17, 5, 20, 8, 14, 11, 10, 38, 35, 10, 2];
    for (section, expected) in (1..).zip(sections) {
        let prefix = format!("4.{section}.");
        assert_eq!(tests.iter().filter(|test| test.starts_with(&prefix)).count(), expected, "{prefix}");
    }
    assert_eq!(tests.len(), 224);
}
