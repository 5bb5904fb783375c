//! Claims about evidence records, over samples of OpenSSL put together by a script of their own
//! (`tests/data/renewals.sh`): a tree of two files, a time-stamp renewal, and the stamp of a hash-tree renewal.

use crypto_pool::path::{Anchors, Cert};

use super::*;
use crate::core::verify::{Against, Finding, Judgement, Outcome, Question};

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn token(name: &str) -> OpenedToken {
    OpenedToken::from_der(&sample(name)).unwrap()
}

fn data(hash: Hash) -> Vec<u8> {
    digest::of(hash, &sample("data.txt"))
}

fn tree() -> HashTree {
    let other = digest::of(Hash::Sha256, b"another file\n");
    HashTree::new(Hash::Sha256, vec![data(Hash::Sha256), other]).unwrap()
}

fn against() -> Against<'static> {
    let anchors = Anchors::new(vec![Cert::from_der(&sample("root.cer")).unwrap()]);
    let now = token("renewal.token").info.time.instant();
    Against { anchors, now: Some(now), ..Against::default() }
}

fn judged(record: &EvidenceRecord) -> Vec<Finding> {
    verify(record, |hash| Some(data(hash)), &against()).into_iter().flat_map(|link| link.findings).collect()
}

/// The record as our own code makes it.
fn made() -> EvidenceRecord {
    let tree = tree();
    let mut record = EvidenceRecord::first(&data(Hash::Sha256), tree.path(0), token("tree.token")).unwrap();
    record.renew(Path::default(), token("renewal.token")).unwrap();
    record
}

#[test]
fn a_record_is_byte_for_byte_what_the_script_made() {
    assert_eq!(made().to_der(), sample("data.txt.er"));
}

#[test]
fn a_record_of_others_reads_and_is_valid() {
    let record = EvidenceRecord::from_der(&sample("data.txt.er")).unwrap();
    assert_eq!(record.stamps().count(), 2);
    let findings = judged(&record);
    assert_eq!(Judgement::of(&findings), Judgement::Valid, "{findings:#?}");
    assert_eq!(record.to_der(), sample("data.txt.er"));
}

#[test]
fn a_hash_tree_renewal_stamps_the_data_and_all_chains_under_the_new_hash() {
    let mut record = made();
    let digest = data(Hash::Sha512);
    assert_eq!(record.tree_renewal(Hash::Sha512, &digest), token("sha512.token").info.digest);
    record.renew_tree(&digest, Path::default(), token("sha512.token")).unwrap();
    assert_eq!(record.hashes().collect::<Vec<_>>(), [Hash::Sha256, Hash::Sha512]);
    let again = EvidenceRecord::from_der(&record.to_der()).unwrap();
    let findings = judged(&again);
    assert_eq!(Judgement::of(&findings), Judgement::Valid, "{findings:#?}");
    assert_eq!(findings.iter().filter(|f| f.check == Question::Renewal && f.en.contains("in time")).count(), 2);
}

#[test]
fn other_data_fail_the_first_chain_and_every_new_one() {
    let mut record = made();
    record.renew_tree(&data(Hash::Sha512), Path::default(), token("sha512.token")).unwrap();
    let links = verify(&record, |hash| Some(digest::of(hash, b"changed")), &against());
    let failed: Vec<bool> = links.iter().map(|link| Judgement::of(&link.findings) == Judgement::Invalid).collect();
    assert_eq!(failed, [true, false, true]);
}

#[test]
fn without_the_data_the_record_is_undecided() {
    let links = verify(&made(), |_| None, &against());
    let all: Vec<Finding> = links.into_iter().flat_map(|link| link.findings).collect();
    assert_eq!(Judgement::of(&all), Judgement::Undecided);
}

#[test]
fn a_time_stamp_about_something_else_is_not_taken_in() {
    let mut record = made();
    assert_eq!(record.renew(Path::default(), token("tree.token")), Err(BadRecord::OtherImprint));
    assert_eq!(record.renew(Path::default(), token("sha512.token")), Err(BadRecord::OtherImprint));
    let changed = digest::of(Hash::Sha256, b"changed");
    let first = EvidenceRecord::first(&changed, tree().path(0), token("tree.token"));
    assert!(matches!(first, Err(BadRecord::OtherImprint)));
}

#[test]
fn a_renewal_that_was_put_in_front_fails() {
    let mut record = made();
    record.chains[0].swap(0, 1);
    assert_eq!(Judgement::of(&judged(&record)), Judgement::Invalid);
}

#[test]
fn a_record_that_nobody_renewed_before_its_certificate_ended_is_undecided() {
    let record = made();
    let end = record.newest().token().certificates[0].not_after();
    let late = Against { now: Some(end.plus(std::time::Duration::from_secs(2))), ..against() };
    let links = verify(&record, |hash| Some(data(hash)), &late);
    let last = &links.last().unwrap().findings;
    let renewal = last.iter().find(|finding| finding.check == Question::Renewal).unwrap();
    assert_eq!(renewal.result, Outcome::Unknown);
}

#[test]
fn other_files_are_no_records() {
    for name in ["ec.tsr", "ec.cer", "data.txt"] {
        assert!(EvidenceRecord::from_der(&sample(name)).is_err(), "{name}");
    }
    let good = sample("data.txt.er");
    for length in 0..good.len() {
        assert!(EvidenceRecord::from_der(&good[..length]).is_err(), "{length}");
    }
}
