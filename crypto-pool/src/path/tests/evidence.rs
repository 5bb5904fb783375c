//! Revocation by OCSP answers, by CRLs of every scope, by the caller's own knowledge, and by what was made later.

use pki_config::status::{CertStatus, Revocation as Revoked};

use super::maker::{Answer, Draft, Key, Says, authority, entry, extension, list, name, sequence};
use super::*;

/// A root, an authority, a leaf of serial number 9.
struct House {
    keys: [Key; 4],
    root: Cert,
    middle: Cert,
    leaf: Cert,
}

fn house(leaf: impl FnOnce(Draft<'_>) -> Draft<'_>) -> House {
    let keys = [1, 2, 3, 4].map(Key::new);
    let root = Draft::new("root", &keys[0], "root").with(authority()).signed(&keys[0]);
    let middle = Draft::new("middle", &keys[1], "root").serial(5).with(authority()).signed(&keys[0]);
    let leaf = leaf(Draft::new("leaf", &keys[2], "middle").serial(9)).signed(&keys[1]);
    House { keys, root, middle, leaf }
}

fn june() -> Instant {
    at("2026-06-03T00:00:00Z")
}

impl House {
    /// Of the root, with nothing on it.
    fn root_list(&self) -> Crl {
        list("root", &self.keys[0], ["0101", "20301231"], &[], &[])
    }

    fn judge(&self, at: Instant, more: &[Cert], options: Options<'_>) -> Result<Vec<Evidence>, (usize, Problem)> {
        let mut given = vec![self.middle.clone()];
        given.extend_from_slice(more);
        let options = Options { revocation: Revocation::Required, ..options };
        let report = examine(&self.leaf, &given, &Anchors::new(vec![self.root.clone()]), at, &options);
        let failed = report.findings.iter().find_map(|one| Some((one.certificate, one.result.err()?)));
        failed.map_or(Ok(report.evidence), Err)
    }

    fn by_answer(&self, at: Instant, until: Option<Instant>, answer: OcspAnswer) -> Result<Source, Problem> {
        let options =
            Options { crls: &[self.root_list()], ocsps: &[answer], evidence_until: until, ..Options::default() };
        self.judge(at, &[], options).map(|evidence| evidence[0].source).map_err(|(_, problem)| problem)
    }

    fn by_lists(&self, crls: &[Crl]) -> Result<(), Problem> {
        let crls: Vec<Crl> = crls.iter().cloned().chain([self.root_list()]).collect();
        self.judge(june(), &[], Options { crls: &crls, ..Options::default() }).map(drop).map_err(|(_, problem)| problem)
    }

    fn answer(&self, says: Says<'static>) -> Answer<'_> {
        Answer::new(&self.leaf, &self.keys[1], says)
    }
}

#[test]
fn an_answer_of_the_issuer_decides() {
    let house = house(|draft| draft);
    let by = |says| house.by_answer(june(), None, house.answer(says).signed(&house.keys[1]));
    assert_eq!(by(Says::Good), Ok(Source::Ocsp(0)));
    let at = at("2026-06-01T00:00:00Z");
    assert_eq!(by(Says::Revoked("0601", 1)), Err(Problem::Revoked { at, reason: Reason::KeyCompromise }));
    assert_eq!(by(Says::Unknown), Err(Problem::UnknownToAuthority));
}

#[test]
fn an_answer_is_read_bare_and_in_its_envelope_and_a_refusal_is_none() {
    let house = house(|draft| draft);
    let whole = house.answer(Says::Good).der(&house.keys[1]);
    let mut outer = tlv::single(&whole, tlv::SEQUENCE, "answer").unwrap().inside();
    let (_status, bytes) = (outer.any().unwrap(), outer.any().unwrap());
    let mut bytes = tlv::single(bytes.value, tlv::SEQUENCE, "bytes").unwrap().inside();
    let (_kind, basic) = (bytes.any().unwrap(), bytes.any().unwrap());
    let bare = OcspAnswer::from_der(basic.value).unwrap();
    assert_eq!(house.by_answer(june(), None, bare), Ok(Source::Ocsp(0)));
    assert!(OcspAnswer::from_der(&[0x30, 3, 0x0a, 1, 3]).is_err(), "tryLater");
    for place in 0..whole.len() {
        assert!(OcspAnswer::from_der(&whole[..place]).is_err());
        for value in [0, 0x30, 0x80, 0xff, whole[place] ^ 1] {
            let mut changed = whole.clone();
            changed[place] = value;
            let Ok(answer) = OcspAnswer::from_der(&changed) else { continue };
            let result = house.by_answer(june(), None, answer);
            assert!(result.is_err() || value == whole[place], "octet {place}");
        }
    }
}

#[test]
fn an_answer_counts_for_its_time_and_its_certificate_only() {
    let house = house(|draft| draft);
    let good = || house.answer(Says::Good).signed(&house.keys[1]);
    assert_eq!(house.by_answer(at("2026-06-08T00:00:00Z"), None, good()), Ok(Source::Ocsp(0)));
    assert_eq!(house.by_answer(at("2026-06-08T00:00:01Z"), None, good()), Err(Problem::OcspNotCurrent));
    assert_eq!(house.by_answer(at("2026-05-31T00:00:00Z"), None, good()), Err(Problem::OcspNotCurrent));
    assert_eq!(house.by_answer(at("2026-05-31T23:56:00Z"), None, good()), Ok(Source::Ocsp(0)), "clocks differ");
    let open = || Answer { next: None, ..house.answer(Says::Good) }.signed(&house.keys[1]);
    assert_eq!(house.by_answer(at("2026-06-01T00:05:00Z"), None, open()), Ok(Source::Ocsp(0)));
    assert_eq!(house.by_answer(at("2026-06-01T00:05:01Z"), None, open()), Err(Problem::OcspNotCurrent));
    let other = Draft::new("leaf", &house.keys[2], "middle").serial(8).signed(&house.keys[1]);
    let other = Answer::new(&other, &house.keys[1], Says::Good).signed(&house.keys[1]);
    assert_eq!(house.by_answer(june(), None, other), Err(Problem::NoCrl));
    // An answer of the root about a certificate of the authority below it.
    assert_eq!(
        house.by_answer(june(), None, house.answer(Says::Good).signed(&house.keys[0])),
        Err(Problem::OcspSignature)
    );
}

#[test]
fn a_delegated_responder_is_believed_with_its_purpose_and_its_issuer_only() {
    let house = house(|draft| draft);
    let purpose =
        || extension(oid::EXT_KEY_USAGE, false, &sequence(&[tlv::write(tlv::OID, &[oid::KP_OCSP_SIGNING.as_bytes()])]));
    let draft = || Draft::new("responder", &house.keys[3], "middle").serial(7);
    let [middle, root] = [&house.keys[1], &house.keys[0]];
    for (responder, expected) in [
        (draft().with([purpose()]).signed(middle), Ok(Source::Ocsp(0))),
        (draft().signed(middle), Err(Problem::OcspSignature)),
        (draft().with([purpose()]).signed(root), Err(Problem::OcspSignature)),
        (Draft::new("responder", &house.keys[3], "root").with([purpose()]).signed(root), Err(Problem::OcspSignature)),
        (draft().with([purpose()]).valid(["0101", "0602"]).signed(middle), Err(Problem::OcspSignature)),
    ] {
        let answer = Answer { certs: vec![responder], ..house.answer(Says::Good) }.signed(&house.keys[3]);
        assert_eq!(house.by_answer(june(), None, answer), expected);
    }
}

#[test]
fn a_delegated_responder_that_a_list_revokes_is_not_believed() {
    let house = house(|draft| draft);
    let purpose =
        extension(oid::EXT_KEY_USAGE, false, &sequence(&[tlv::write(tlv::OID, &[oid::KP_OCSP_SIGNING.as_bytes()])]));
    let responder = Draft::new("responder", &house.keys[3], "middle").serial(7).with([purpose]).signed(&house.keys[1]);
    let answer = Answer { certs: vec![responder], ..house.answer(Says::Good) }.signed(&house.keys[3]);
    // An overdue list: it says nothing of the leaf, but what it revoked stays so.
    let lists = |serial| {
        [house.root_list(), list("middle", &house.keys[1], ["0501", "0502"], &[entry(serial, "0430", 1, &[])], &[])]
    };
    let by = |crls: &[Crl]| {
        let options = Options { crls, ocsps: std::slice::from_ref(&answer), ..Options::default() };
        house.judge(june(), &[], options).map(drop)
    };
    assert_eq!(by(&lists(7)), Err((0, Problem::OcspSignature)));
    assert_eq!(by(&lists(6)), Ok(()));
}

#[test]
fn evidence_made_later_counts_when_asked_for_and_while_the_certificate_was_valid() {
    let house = house(|draft| draft.valid(["0101", "0701"]));
    let may = at("2026-05-01T00:00:00Z");
    let until = |text| Some(at(text));
    let good = || house.answer(Says::Good).signed(&house.keys[1]);
    assert_eq!(house.by_answer(may, None, good()), Err(Problem::OcspNotCurrent));
    assert_eq!(house.by_answer(may, until("2026-05-20T00:00:00Z"), good()), Err(Problem::OcspNotCurrent));
    assert_eq!(house.by_answer(may, until("2026-07-20T00:00:00Z"), good()), Ok(Source::Ocsp(0)));
    let revoked = |day| house.answer(Says::Revoked(day, 1)).signed(&house.keys[1]);
    assert_eq!(house.by_answer(may, until("2026-07-20T00:00:00Z"), revoked("0502")), Ok(Source::Ocsp(0)));
    assert!(house.by_answer(may, until("2026-07-20T00:00:00Z"), revoked("0430")).is_err());
    // Made after the certificate had expired: it may have been forgotten, unless the answer says otherwise.
    let late = |cutoff| Answer { made: "0801", next: Some("0808"), cutoff, ..house.answer(Says::Good) };
    let by = |cutoff| house.by_answer(may, until("2026-08-02T00:00:00Z"), late(cutoff).signed(&house.keys[1]));
    assert_eq!(by(None), Err(Problem::OcspNotCurrent));
    assert_eq!(by(Some("20250101")), Ok(Source::Ocsp(0)));
    assert_eq!(by(Some("0715")), Err(Problem::OcspNotCurrent));
}

#[test]
fn the_newest_evidence_decides_on_a_hold_and_no_evidence_undoes_a_revocation() {
    let house = house(|draft| draft);
    let list = |made, reason| list("middle", &house.keys[1], [made, "20301231"], &[entry(9, "0501", reason, &[])], &[]);
    let by = |list: Crl| {
        let answer = house.answer(Says::Good).signed(&house.keys[1]);
        let options = Options { crls: &[house.root_list(), list], ocsps: &[answer], ..Options::default() };
        house.judge(june(), &[], options).map(drop)
    };
    assert_eq!(by(list("0530", 6)), Ok(()), "the hold was over when the answer was made");
    assert!(by(list("0602", 6)).is_err(), "the hold is newer than the answer");
    assert!(by(list("0530", 1)).is_err(), "a compromise is for ever");
}

#[test]
fn the_callers_own_knowledge_decides() {
    let house = house(|draft| draft);
    let by = |status| {
        let told = [(house.leaf.clone(), status)];
        house.judge(june(), &[], Options { crls: &[house.root_list()], told: &told, ..Options::default() })
    };
    assert_eq!(by(CertStatus::Good).unwrap()[0].source, Source::Told);
    let revoked = |text| CertStatus::Revoked(Revoked { at: at(text), reason: Reason::Superseded, invalidity: None });
    assert!(matches!(by(revoked("2026-06-03T00:00:00Z")), Err((0, Problem::Revoked { .. }))));
    assert!(by(revoked("2026-06-03T00:00:01Z")).is_ok(), "revoked after the moment asked about");
}

/// `issuingDistributionPoint` with these flags.
fn idp(parts: &[&[u8]]) -> Vec<u8> {
    extension(oid::ISSUING_DISTRIBUTION_POINT, true, &tlv::write(tlv::SEQUENCE, parts))
}

#[test]
fn lists_of_some_reasons_decide_only_together() {
    let house = house(|draft| draft);
    // Bits of ReasonFlags: 1 keyCompromise, 2 cACompromise; 3 to 8 the others.
    let some = |reasons: &[u8], entries: &[Vec<u8>]| {
        list("middle", &house.keys[1], ["0501", "20301231"], entries, &[idp(&[reasons])])
    };
    let compromise = || some(&[0x83, 2, 5, 0x60], &[]);
    let others = || some(&[0x83, 3, 7, 0x1f, 0x80], &[]);
    assert_eq!(house.by_lists(&[compromise(), others()]), Ok(()));
    assert_eq!(house.by_lists(&[compromise()]), Err(Problem::CrlReasonsOpen));
    assert_eq!(house.by_lists(&[others()]), Err(Problem::CrlReasonsOpen));
    let gone = some(&[0x83, 3, 7, 0x1f, 0x80], &[entry(9, "0502", 4, &[])]);
    assert!(matches!(house.by_lists(&[compromise(), gone]), Err(Problem::Revoked { .. })));
}

#[test]
fn lists_of_another_kind_or_with_unknown_critical_extensions_are_silent() {
    let house = house(|draft| draft);
    let with = |extension: Vec<u8>| list("middle", &house.keys[1], ["0501", "20301231"], &[], &[extension]);
    assert_eq!(house.by_lists(&[with(idp(&[&[0x81, 1, 0xff]]))]), Ok(()), "only users: the leaf is one");
    for silent in [&[0x82, 1, 0xff][..], &[0x84, 1, 0xff], &[0x85, 1, 0xff]] {
        let expected = if silent[0] == 0x84 { Ok(()) } else { Err(Problem::NoCrl) };
        assert_eq!(house.by_lists(&[with(idp(&[silent]))]), expected, "{silent:x?}");
    }
    let strange = ObjectIdentifier::new_unwrap("1.2.3.4");
    assert_eq!(house.by_lists(&[with(extension(strange, true, &[5, 0]))]), Err(Problem::NoCrl));
    assert_eq!(house.by_lists(&[with(extension(strange, false, &[5, 0]))]), Ok(()));
    let entry = entry(3, "0502", 1, &[extension(strange, true, &[5, 0])]);
    assert_eq!(
        house.by_lists(&[list("middle", &house.keys[1], ["0501", "20301231"], &[entry], &[])]),
        Err(Problem::NoCrl)
    );
}

/// A distribution point elsewhere: `cRLIssuer` names who makes the list.
fn elsewhere(issuer: &str) -> Vec<u8> {
    let names = tlv::write(0xa2, &[&tlv::write(0xa4, &[&name(issuer)])]);
    extension(oid::CRL_DISTRIBUTION_POINTS, false, &sequence(&[tlv::write(tlv::SEQUENCE, &[&names])]))
}

#[test]
fn an_indirect_list_speaks_of_those_that_name_its_issuer_and_of_each_under_its_own() {
    let lister = Key::new(8);
    let signer = Draft::new("lister", &lister, "root").serial(6).with([extension(oid::KEY_USAGE, true, &[3, 2, 1, 2])]);
    let named = house(|draft| draft.with([elsewhere("lister")]));
    let by = |house: &House, flags: &[&[u8]], entries: &[Vec<u8>]| {
        let signer = signer.signed(&house.keys[0]);
        let crls = [house.root_list(), list("lister", &lister, ["0501", "20301231"], entries, &[idp(flags)])];
        house.judge(june(), &[signer], Options { crls: &crls, ..Options::default() }).map(drop).map_err(|(_, why)| why)
    };
    let indirect: &[&[u8]] = &[&[0x84, 1, 0xff]];
    let of = |issuer: &str| extension(oid::CERTIFICATE_ISSUER, true, &sequence(&[tlv::write(0xa4, &[&name(issuer)])]));
    assert_eq!(by(&named, indirect, &[]), Ok(()));
    assert_eq!(by(&named, indirect, &[entry(9, "0502", 1, &[])]), Ok(()), "number 9 of the lister itself");
    let listed = [entry(3, "0502", 1, &[of("middle")]), entry(9, "0502", 1, &[])];
    assert!(matches!(by(&named, indirect, &listed), Err(Problem::Revoked { .. })), "after an entry of the same issuer");
    let listed = [entry(3, "0502", 1, &[of("middle")]), entry(9, "0502", 1, &[of("other")])];
    assert_eq!(by(&named, indirect, &listed), Ok(()));
    assert_eq!(by(&named, &[], &[]), Err(Problem::NoCrl), "not marked as indirect");
    assert_eq!(by(&house(|draft| draft), indirect, &[]), Err(Problem::NoCrl), "the leaf names no other issuer");
}

#[test]
fn a_list_is_signed_by_its_issuer_or_by_another_key_of_that_name_below_the_same_root() {
    let house = house(|draft| draft);
    let other = Key::new(8);
    let crls = |by: &Key| [house.root_list(), list("middle", by, ["0501", "20301231"], &[], &[])];
    let usage = |bits: u8| extension(oid::KEY_USAGE, true, &[3, 2, 1, bits]);
    let signer = |usage, by: &Key| Draft::new("middle", &other, "root").serial(6).with([usage]).signed(by);
    let by = |crls: &[Crl], more: &[Cert]| house.judge(june(), more, Options { crls, ..Options::default() }).map(drop);
    assert_eq!(by(&crls(&other), &[signer(usage(2), &house.keys[0])]), Ok(()));
    assert_eq!(by(&crls(&other), &[]), Err((0, Problem::CrlSignature)));
    assert_eq!(by(&crls(&other), &[signer(usage(4), &house.keys[0])]), Err((0, Problem::CrlSignature)), "no cRLSign");
    assert_eq!(by(&crls(&other), &[signer(usage(2), &other)]), Err((0, Problem::CrlSignature)), "not of the root");
    let [_, own] = crls(&other);
    let revoking = list("root", &house.keys[0], ["0101", "20301231"], &[entry(6, "0301", 1, &[])], &[]);
    let revoked = by(&[revoking, own], &[signer(usage(2), &house.keys[0])]);
    assert_eq!(revoked, Err((0, Problem::CrlSignature)), "the signer is revoked itself");
}

#[test]
fn a_signature_that_was_checked_once_is_known() {
    let house = house(|draft| draft);
    let root_list = house.root_list();
    let answer = house.answer(Says::Good).signed(&house.keys[1]);
    let key = |cert: &Cert| cert.public_key().unwrap().clone();
    assert!(!house.leaf.is_known_signed_by(&key(&house.middle)));
    let options =
        Options { crls: std::slice::from_ref(&root_list), ocsps: std::slice::from_ref(&answer), ..Options::default() };
    house.judge(june(), &[], options).unwrap();
    assert!(
        house.leaf.clone().is_known_signed_by(&key(&house.middle)) && root_list.is_known_signed_by(&key(&house.root))
    );
    assert!(answer.is_known_signed_by(&key(&house.middle)));
    assert!(!house.leaf.is_known_signed_by(&key(&house.root)) && !house.leaf.is_signed_by(&key(&house.root)));
}
