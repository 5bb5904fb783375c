//! Every check passes over a sound document and fails over one that is unsound in this one way alone; files of
//! other software get the verdict that their authors state.

mod house;
mod messages;
mod outside;
mod samples;
mod speed;

use crypto_pool::path::Cert;
use crypto_pool::tlv::write;
use house::*;
use pki_config::status::{CertStatus, Reason, Revocation};

use super::*;
use crate::core::ses::{BadSes, ExtData, Holders, TbsSeal, TbsSign};

/// Judges one signature.
fn judged(trust: &Trust, one: Found) -> SignatureReport {
    judge(&facts(vec![one]), trust, now()).signatures.remove(0)
}

/// How a check came out at worst, and the word for it.
fn worst(report: &SignatureReport, check: Check) -> (Outcome, String) {
    let found = report.about(check).max_by_key(|finding| finding.outcome);
    found.map_or_else(|| panic!("{check:?} is not reported: {report:#?}"), |one| (one.outcome, one.code.clone()))
}

/// The check failed with this word, and no other check failed.
#[track_caller]
fn only_fails(report: &SignatureReport, check: Check, code: &str) {
    assert_eq!(worst(report, check), (Outcome::Fail, code.to_owned()), "{report:#?}");
    let others: Vec<_> =
        report.findings.iter().filter(|one| one.outcome >= Outcome::Unknown && one.check != check).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[track_caller]
fn warns(report: &SignatureReport, check: Check, code: &str) {
    let has = report.about(check).any(|one| one.outcome == Outcome::Warning && one.code == code);
    assert!(has, "{report:#?}");
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
}

/// Sealed and time-stamped.
fn sound(house: &House) -> Found {
    found(house.value(&house.seal(), signed_at(), &digest(), Some("20270601080001Z")))
}

/// Sealed, without a time-stamp.
fn plain(house: &House) -> Found {
    found(house.value(&house.seal(), signed_at(), &digest(), None))
}

fn with_crls(house: &House, entries: &[(u8, &str, u8)]) -> Trust {
    Trust { crls: vec![house.crl("20270801000000Z", entries)], ..house.trust() }
}

#[test]
fn a_sound_document_passes_every_check() {
    let house = House::new();
    let report = judge(&facts(vec![sound(&house)]), &with_crls(&house, &[]), now());
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    let one = &report.signatures[0];
    for check in [
        Check::Structure,
        Check::SealSignature,
        Check::MakerChain,
        Check::MakerRevocation,
        Check::SealValidity,
        Check::SignerInList,
        Check::Signature,
        Check::SignerChain,
        Check::SignerRevocation,
        Check::Time,
        Check::TimeStamp,
        Check::DataHash,
    ] {
        assert_eq!(worst(one, check).0, Outcome::Pass, "{check:?}: {one:#?}");
    }
    assert!(one.findings.is_sorted_by_key(|finding| finding.check));
    assert_eq!((one.form, one.time_source), (SignatureForm::SealSignature, TimeSource::TimeStamp));
    assert_eq!(one.time, at("2027-06-01T08:00:01Z"));
    let (seal, maker, signer) = (one.seal.as_ref().unwrap(), one.maker.as_ref().unwrap(), one.signer.as_ref().unwrap());
    assert_eq!((seal.id.as_str(), seal.name.as_str(), seal.width), ("seal-1", "测试专用章", 40));
    assert_eq!((maker.subject.as_str(), signer.subject.as_str()), ("CN=maker", "CN=signer"));
    assert_eq!((signer.issuer.as_str(), signer.serial.as_str()), ("CN=root", "07"));
    assert_eq!(one.time_stamp_authority.as_ref().unwrap().subject, "CN=tsa");
}

#[test]
fn the_report_is_the_same_after_json() {
    let house = House::new();
    let report = judge(&facts(vec![plain(&house)]), &house.trust(), now());
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains(r#""verdict":"valid""#) && json.contains(r#""check":"signer-in-list""#), "{json}");
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (read.verdict, read.signatures[0].findings.len()),
        (report.verdict, report.signatures[0].findings.len())
    );
}

#[test]
fn without_a_time_stamp_the_signers_word_counts_and_is_said_to_be_one() {
    let house = House::new();
    let report = judged(&house.trust(), plain(&house));
    warns(&report, Check::Time, "time-claimed");
    assert_eq!((report.time, report.time_source), (signed_at(), TimeSource::Signer));
    assert!(report.about(Check::TimeStamp).next().is_none());
}

#[test]
fn another_document_has_another_digest() {
    let house = House::new();
    let mut other = sound(&house);
    other.digests[0].1[0] ^= 1;
    only_fails(&judged(&house.trust(), other), Check::DataHash, "digest-differs");
    let mut unknown = sound(&house);
    unknown.digests.clear();
    let report = judged(&house.trust(), unknown);
    assert_eq!(worst(&report, Check::DataHash), (Outcome::Unknown, "no-document".to_owned()));
    assert_eq!(report.verdict, Verdict::Undecided);
}

#[test]
fn every_octet_that_was_signed_counts() {
    let house = House::new();
    let sound = plain(&house);
    let value = sound.value.clone();
    // The signature's own time: another minute, still of the right form.
    let place = value.windows(15).position(|part| part == b"20270601080000Z").unwrap();
    let mut later = sound.clone();
    later.value[place + 10] = b'1';
    only_fails(&judged(&house.trust(), later), Check::Signature, "signature-wrong");
    // The picture belongs to what the maker signed and to what the signer signed.
    let picture = value.windows(64).position(|part| part == [1; 64]).unwrap();
    let mut painted = sound;
    painted.value[picture + 20] = 2;
    let report = judged(&house.trust(), painted);
    assert_eq!(worst(&report, Check::SealSignature).1, "signature-wrong");
    assert_eq!(worst(&report, Check::Signature).1, "signature-wrong");
}

#[test]
fn a_seal_by_another_key_than_its_makers_is_none() {
    let house = House::new();
    let tbs = TbsSeal::new(&house.draft()).unwrap();
    let forged = Seal::read(&tbs.finish(&house.maker.cert, &house.signer.sign(tbs.der()))).unwrap();
    let one = found(house.value(&forged, signed_at(), &digest(), None));
    only_fails(&judged(&house.trust(), one), Check::SealSignature, "signature-wrong");
}

#[test]
fn raw_signatures_are_as_good_as_der() {
    let house = House::new();
    let raw = |person: &Person, message: &[u8]| person.key.sign(message, &[4; 32]).to_raw();
    let tbs = TbsSeal::new(&house.draft()).unwrap();
    let seal = Seal::read(&tbs.finish(&house.maker.cert, &raw(&house.maker, tbs.der()))).unwrap();
    let tbs = TbsSign::new(&seal, signed_at(), &digest(), "/Doc_0/Signs/Sign_0/Signature.xml").unwrap();
    let value = tbs.finish(&house.signer.cert, &raw(&house.signer, tbs.der()), None);
    let report = judged(&house.trust(), found(value));
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
}

#[test]
fn only_a_listed_signer_may_use_a_seal() {
    let mut house = House::new();
    let seal = house.seal();
    // A renewed certificate of the same key: the seal must be made anew.
    house.signer = house.issue(&Card { serial: 8, ..Card::default() });
    let renewed = found(house.value(&seal, signed_at(), &digest(), None));
    only_fails(&judged(&house.trust(), renewed), Check::SignerInList, "signer-not-in-list");

    let sm3 = engine::sm3::hash(&house.signer.cert).to_vec();
    for (value, outcome) in [(sm3.clone(), Outcome::Pass), (vec![0; 32], Outcome::Fail)] {
        let holders = Holders::Digests(vec![("SM3".to_owned(), value)]);
        let seal = house.seal_of(&SealDraftOf { holders }.of(&house));
        let report = judged(&house.trust(), found(house.value(&seal, signed_at(), &digest(), None)));
        assert_eq!(worst(&report, Check::SignerInList).0, outcome);
    }
}

/// A draft with other holders.
struct SealDraftOf {
    holders: Holders,
}

impl SealDraftOf {
    fn of(self, house: &House) -> crate::core::ses::SealDraft {
        crate::core::ses::SealDraft { holders: self.holders, ..house.draft() }
    }
}

#[test]
fn the_seal_beside_the_signature_is_the_one_within_it() {
    let house = House::new();
    let mut swapped = plain(&house);
    swapped.seal = Some(house.seal().der().to_vec());
    assert_eq!(judged(&house.trust(), swapped.clone()).verdict, Verdict::Valid);
    let other = crate::core::ses::SealDraft { name: "另一枚章".to_owned(), ..house.draft() };
    swapped.seal = Some(house.seal_of(&other).der().to_vec());
    only_fails(&judged(&house.trust(), swapped), Check::Structure, "package-seal-differs");
}

#[test]
fn a_seal_is_used_within_its_time() {
    let house = House::new();
    for (when, code) in [("2027-01-31T23:59:59Z", "seal-not-yet-valid"), ("2027-07-01T00:00:01Z", "seal-expired")] {
        let short = crate::core::ses::SealDraft { until: at("2027-07-01T00:00:00Z"), ..house.draft() };
        let value = house.value(&house.seal_of(&short), at(when), &digest(), None);
        only_fails(&judged(&house.trust(), found(value)), Check::SealValidity, code);
    }
    // Over now, and not when it was used.
    let short = crate::core::ses::SealDraft { until: at("2027-07-01T00:00:00Z"), ..house.draft() };
    let report = judged(&house.trust(), found(house.value(&house.seal_of(&short), signed_at(), &digest(), None)));
    assert_eq!(worst(&report, Check::SealValidity), (Outcome::Pass, "expired-later".to_owned()));
    assert_eq!(report.verdict, Verdict::Valid);
}

#[test]
fn a_seal_that_its_maker_suspended_or_revoked_is_not_good_from_then_on() {
    let house = House::new();
    let with = |standing, since| {
        let seals = vec![SealStanding { id: "seal-1".to_owned(), standing, since: at(since) }];
        judged(&Trust { seals, ..house.trust() }, plain(&house))
    };
    only_fails(&with(Standing::Suspended, "2027-05-01T00:00:00Z"), Check::SealValidity, "suspended");
    only_fails(&with(Standing::Revoked, "2027-06-01T08:00:00Z"), Check::SealValidity, "revoked");
    only_fails(&with(Standing::NotEnabled, "2027-02-01T00:00:00Z"), Check::SealValidity, "not-enabled");
    warns(&with(Standing::Revoked, "2027-06-01T08:00:01Z"), Check::SealValidity, "revoked-later");
    assert_eq!(with(Standing::Enabled, "2027-02-01T00:00:00Z").verdict, Verdict::Valid);
    let other = vec![SealStanding { id: "seal-2".to_owned(), standing: Standing::Revoked, since: signed_at() }];
    assert_eq!(judged(&Trust { seals: other, ..house.trust() }, plain(&house)).verdict, Verdict::Valid);
}

#[test]
fn without_a_trusted_root_nothing_is_proven() {
    let house = House::new();
    let report = judged(&Trust::default(), plain(&house));
    for check in [Check::MakerChain, Check::SignerChain] {
        assert_eq!(worst(&report, check), (Outcome::Unknown, "no-trusted-path".to_owned()));
    }
    assert_eq!(worst(&report, Check::Signature).0, Outcome::Pass, "the mathematics are right");
    assert_eq!(report.verdict, Verdict::Undecided);
}

#[test]
fn makers_may_be_limited_to_a_list() {
    let house = House::new();
    let with = |list: Vec<Vec<u8>>| judged(&Trust { makers: Makers::These(list), ..house.trust() }, plain(&house));
    assert_eq!(with(vec![house.maker.cert.clone()]).verdict, Verdict::Valid);
    only_fails(&with(vec![house.signer.cert.clone()]), Check::MakerChain, "maker-not-listed");
}

#[test]
fn a_key_that_may_not_sign_signs_nothing() {
    let mut house = House::new();
    house.signer = house.issue(&Card { extensions: vec![key_usage(0x20)], ..Card::default() });
    only_fails(&judged(&house.trust(), plain(&house)), Check::SignerChain, "key-usage");
    let mut house = House::new();
    house.maker = house.issue(&Card { name: "maker", serial: 5, extensions: vec![key_usage(0x20)], ..Card::default() });
    only_fails(&judged(&house.trust(), plain(&house)), Check::MakerChain, "key-usage");
}

#[test]
fn certificates_are_looked_at_as_of_the_signature() {
    // Over when it was signed.
    let mut house = House::new();
    house.signer = house.issue(&Card { until: "20270531235959Z", ..Card::default() });
    only_fails(&judged(&house.trust(), plain(&house)), Check::Time, "outside-certificate");
    // Over now: that is no harm.
    house.signer = house.issue(&Card { until: "20270701000000Z", ..Card::default() });
    assert_eq!(judged(&house.trust(), plain(&house)).verdict, Verdict::Valid);
    let mut house = House::new();
    house.maker = house.issue(&Card { name: "maker", serial: 5, until: "20270531235959Z", ..Card::default() });
    only_fails(&judged(&house.trust(), plain(&house)), Check::MakerChain, "chain-validity");
}

#[test]
fn a_certificate_revoked_before_the_signature_spoils_it_and_one_revoked_after_does_not() {
    let house = House::new();
    // CRLReason: 4 superseded, 1 keyCompromise (RFC 5280 5.3.1).
    let signer = |when, reason| judged(&with_crls(&house, &[(7, when, reason)]), plain(&house));
    only_fails(&signer("20270601000000Z", 4), Check::SignerRevocation, "revoked");
    warns(&signer("20270602000000Z", 4), Check::SignerRevocation, "revoked-later");
    only_fails(&signer("20270602000000Z", 1), Check::SignerRevocation, "compromised");
    // With a time-stamp of before, even that is no harm.
    let stamped = judged(&with_crls(&house, &[(7, "20270602000000Z", 1)]), sound(&house));
    warns(&stamped, Check::SignerRevocation, "revoked-later");
    let maker = judged(&with_crls(&house, &[(5, "20270501000000Z", 4)]), plain(&house));
    only_fails(&maker, Check::MakerRevocation, "revoked");
}

#[test]
fn what_the_caller_knows_of_certificates_counts() {
    let house = House::new();
    let cert = Cert::from_der(&house.signer.cert).unwrap();
    let with = |status| judged(&Trust { told: vec![(cert.clone(), status)], ..house.trust() }, plain(&house));
    let revocation = |when, reason, invalidity| CertStatus::Revoked(Revocation { at: at(when), reason, invalidity });
    let revoked = |when| revocation(when, Reason::CessationOfOperation, None);
    assert_eq!(worst(&with(CertStatus::Good), Check::SignerRevocation).0, Outcome::Pass);
    only_fails(&with(revoked("2027-05-01T00:00:00Z")), Check::SignerRevocation, "revoked");
    warns(&with(revoked("2027-07-01T00:00:00Z")), Check::SignerRevocation, "revoked-later");
    // Known to be in other hands since before the signature: no time-stamp helps then.
    for (since, verdict) in [("2027-05-31T00:00:00Z", Verdict::Invalid), ("2027-06-02T00:00:00Z", Verdict::Valid)] {
        let status = revocation("2027-07-01T00:00:00Z", Reason::KeyCompromise, Some(at(since)));
        let trust = Trust { told: vec![(cert.clone(), status)], ..house.trust() };
        assert_eq!(judged(&trust, sound(&house)).verdict, verdict, "{since}");
    }
}

#[test]
fn who_demands_news_of_revocation_gets_no_verdict_without() {
    let house = House::new();
    assert_eq!(worst(&judged(&house.trust(), plain(&house)), Check::SignerRevocation).0, Outcome::NotChecked);
    let report = judged(&Trust { demand_revocation: true, ..house.trust() }, plain(&house));
    assert_eq!(worst(&report, Check::SignerRevocation), (Outcome::Unknown, "revocation-unsure".to_owned()));
    assert_eq!(report.verdict, Verdict::Undecided);
    let listed = Trust { demand_revocation: true, ..with_crls(&house, &[]) };
    assert_eq!(judged(&listed, plain(&house)).verdict, Verdict::Valid);
}

#[test]
fn what_the_document_brings_along_is_used_and_checked() {
    let house = House::new();
    let mut facts = facts(vec![plain(&house)]);
    facts.evidence.crls = vec![house.crl("20270801000000Z", &[(7, "20270501000000Z", 4)]).der().to_vec()];
    let report = judge(&facts, &house.trust(), now());
    assert_eq!(worst(&report.signatures[0], Check::SignerRevocation), (Outcome::Fail, "revoked".to_owned()));
    // Not by the root's key: it says nothing.
    let mut thief = House::new();
    thief.root.key = engine::sm2::PrivateKey::from_seed(&[99; 64]);
    facts.evidence.crls = vec![thief.crl("20270801000000Z", &[(7, "20270501000000Z", 4)]).der().to_vec()];
    let report = judge(&facts, &house.trust(), now());
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
}

#[test]
fn a_time_stamp_is_over_this_signature() {
    let house = House::new();
    let tbs = TbsSign::new(&house.seal(), signed_at(), &digest(), "/Doc_0/Signs/Sign_0/Signature.xml").unwrap();
    let signature = house.signer.sign(tbs.der());
    let with = |token: &[u8]| judged(&house.trust(), found(tbs.finish(&house.signer.cert, &signature, Some(token))));
    assert_eq!(with(&house.token("20270601080001Z", &signature)).verdict, Verdict::Valid);
    only_fails(&with(&house.token("20270601080001Z", b"another")), Check::TimeStamp, "time-stamp-imprint");
    only_fails(&with(b"\x01\x02\x03\x04\x05\x06"), Check::TimeStamp, "time-stamp-form");
    let mut changed = house.token("20270601080001Z", &signature);
    let place = changed.windows(15).position(|part| part == b"20270601080001Z").unwrap();
    changed[place + 13] = b'2';
    only_fails(&with(&changed), Check::TimeStamp, "time-stamp-content");
    // Inside a TimeStampResp it is as good.
    let response = write(0x30, &[b"\x30\x03\x02\x01\x00", &house.token("20270601080001Z", &signature)]);
    assert_eq!(with(&response).time_source, TimeSource::TimeStamp);
}

#[test]
fn a_time_stamp_of_a_stranger_is_not_used() {
    let mut house = House::new();
    let honest = house.trust();
    let stranger =
        person(&Card { name: "elsewhere", seed: 77, serial: 1, extensions: authority(), ..Card::default() }, None);
    let card = Card { name: "tsa", seed: 78, extensions: Vec::new(), ..Card::default() };
    let usage = Cert::from_der(&house.stamper.cert).unwrap();
    assert!(usage.extensions().ext_key_usage.is_some());
    house.stamper = person(&Card { extensions: house_time_stamping(), ..card }, Some(("elsewhere", &stranger.key)));
    let report = judged(&honest, sound(&house));
    warns(&report, Check::TimeStamp, "time-stamp-open");
    assert_eq!((report.time_source, report.time), (TimeSource::Signer, signed_at()));
}

fn house_time_stamping() -> Vec<Vec<u8>> {
    let usage = write(0x30, &[&write(6, &[pki_config::oid::KP_TIME_STAMPING.as_bytes()])]);
    vec![key_usage(0x80), write(0x30, &[b"\x06\x03\x55\x1d\x25", b"\x01\x01\xff", &write(4, &[&usage])])]
}

#[test]
fn a_time_that_cannot_be_is_not_believed() {
    let house = House::new();
    let with = |when| judged(&house.trust(), found(house.value(&house.seal(), at(when), &digest(), None)));
    only_fails(&with("2027-09-02T00:00:00Z"), Check::Time, "time-in-future");
    // Eight hours ahead: local time where UTC is due, as some write it.
    warns(&with("2027-09-01T08:00:00Z"), Check::Time, "time-in-future");
    let stamped = found(house.value(&house.seal(), at("2027-06-01T16:00:00Z"), &digest(), Some("20270601080001Z")));
    let report = judged(&house.trust(), stamped);
    warns(&report, Check::Time, "time-differs");
    assert_eq!(report.time, at("2027-06-01T08:00:01Z"), "the time-stamp counts");
}

#[test]
fn critical_extensions_nobody_knows_are_pointed_at() {
    // As real tax seals have them.
    let house = House::new();
    let id = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.4");
    let extensions = vec![ExtData { id, critical: true, value: vec![0x30, 0] }];
    let draft = crate::core::ses::SealDraft { extensions, ..house.draft() };
    let report = judged(&house.trust(), found(house.value(&house.seal_of(&draft), signed_at(), &digest(), None)));
    warns(&report, Check::Structure, "critical-extension");
}

#[test]
fn what_is_no_signature_fails_by_its_structure() {
    let house = House::new();
    for value in [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", b"garbage"] {
        let report = judged(&house.trust(), found(value.to_vec()));
        assert_eq!(worst(&report, Check::Structure), (Outcome::Fail, "malformed".to_owned()), "{value:?}");
        assert_eq!(report.verdict, Verdict::Invalid);
    }
    let mut trailing = plain(&house);
    trailing.value.push(1);
    assert_eq!(judged(&house.trust(), trailing).verdict, Verdict::Invalid);
}

#[test]
fn a_document_without_signatures_is_not_judged() {
    let report = judge(&facts(Vec::new()), &Trust::default(), now());
    assert_eq!((report.verdict, report.verdict.exit_code()), (Verdict::Undecided, 2));
    assert_eq!(report.findings[0].code, "not-signed");
}

#[test]
fn what_the_reader_found_decides_too() {
    let house = House::new();
    let mut one = plain(&house);
    one.findings.push(Finding::new(Check::Coverage, Outcome::Fail, "file-not-covered", "x", "x"));
    only_fails(&judged(&house.trust(), one), Check::Coverage, "file-not-covered");
    let mut whole = facts(vec![plain(&house)]);
    whole.findings.push(Finding::new(Check::Document, Outcome::Fail, "broken", "x", "x"));
    assert_eq!(judge(&whole, &house.trust(), now()).verdict, Verdict::Invalid);
}

#[test]
fn a_seal_by_itself_is_judged_as_of_now() {
    let house = House::new();
    let esl = house.seal();
    let report = judge_seal(esl.der(), &house.trust(), now());
    assert_eq!((report.verdict, report.subject), (Verdict::Valid, Subject::Seal), "{report:#?}");
    let late = judge_seal(esl.der(), &house.trust(), at("2028-02-01T00:00:01Z"));
    assert_eq!(worst(&late.signatures[0], Check::SealValidity).1, "seal-expired");
    assert_eq!(judge_seal(b"nothing", &house.trust(), now()).verdict, Verdict::Invalid);
    // A picture without a size is none. By hand: the writer refuses it.
    let tbs = TbsSeal::new(&house.draft()).unwrap();
    let mut info = tbs.der().to_vec();
    let place = info.windows(6).rposition(|part| part == [2, 1, 40, 2, 1, 40]).unwrap();
    info[place + 2] = 0;
    let empty = write(
        0x30,
        &[
            &info,
            &write(4, &[&house.maker.cert]),
            &write(6, &[pki_config::oid::SM2_WITH_SM3.as_bytes()]),
            &write(3, &[&[0], &house.maker.sign(&info)]),
        ],
    );
    only_fails(&judge_seal(&empty, &house.trust(), now()).signatures[0], Check::Structure, "picture-size");
}

#[test]
fn a_value_by_itself_is_judged_with_the_digest_at_hand() {
    let house = House::new();
    let value = house.value(&house.seal(), signed_at(), &digest(), None);
    let with = |digests: &[(Hash, Vec<u8>)]| judge_value(&value, digests, &house.trust(), now()).verdict;
    assert_eq!(with(&[(Hash::Sm3, digest())]), Verdict::Valid);
    assert_eq!(with(&[(Hash::Sm3, vec![0; 32])]), Verdict::Invalid);
    assert_eq!(with(&[]), Verdict::Undecided);
}

#[test]
fn what_is_wanted_of_a_document_names_its_certificates_and_seals() {
    let house = House::new();
    let wanted = wanted(&facts(vec![plain(&house), sound(&house)]), &house.trust());
    let certificates: Vec<&[u8]> = wanted.certificates.iter().map(Cert::der).collect();
    assert_eq!(certificates, [&house.signer.cert[..], &house.maker.cert]);
    assert_eq!(wanted.seals, ["seal-1"]);
}

#[test]
fn no_changed_octet_of_a_signature_leaves_it_valid() {
    let house = House::new();
    let (trust, sound) = (house.trust(), sound(&house));
    let token = sound.value.windows(9).position(|part| part == pki_config::oid::SIGNED_DATA.as_bytes()).unwrap();
    for place in (0..sound.value.len()).step_by(3) {
        let mut changed = sound.clone();
        changed.value[place] ^= 0x10;
        let report = judged(&trust, changed);
        // What belongs to the time-stamp and is not signed by anybody (its certificate's wrapping, version numbers)
        // can at worst make it useless: then it is not used.
        let harmless = place > token && report.time_source != TimeSource::TimeStamp;
        let unsigned = place > token && report.time == at("2027-06-01T08:00:01Z");
        assert!(report.verdict != Verdict::Valid || harmless || unsigned, "octet {place}: {report:#?}");
    }
    assert_eq!(SealSignature::read(&[]), Err(BadSes::Der(crypto_pool::BadDer { what: "signature" })));
}
