//! Signatures that are CMS messages, of every kind that is met.

use std::sync::Arc;

use crypto_pool::cms::{Arc as CmsArc, Signer};
use crypto_pool::path::Anchors;
use pki_config::oid;

use super::*;

fn signer(house: &House) -> Arc<Signer> {
    Arc::new(Signer::new(&house.signer.cert, &[] as &[Vec<u8>], oid::DATA).unwrap())
}

/// A message without its content, as PDF has them.
fn detached(house: &House, digest: &[u8], stamped: Option<&str>, arc: CmsArc) -> Vec<u8> {
    let signer = signer(house);
    let attributes = signer.attributes_of_digest(digest).unwrap();
    let signature = house.signer.sign(&attributes);
    let token = stamped.map(|time| house.token(time, &signature));
    signer.assemble_detached(&attributes, &signature, token.as_deref(), arc)
}

fn pdf(value: Vec<u8>) -> Found {
    Found { kind: Kind::Pdf, property: "ETSI.CAdES.detached".to_owned(), time: Some(signed_at()), ..found(value) }
}

#[test]
fn a_message_without_its_content_is_judged_by_the_documents_digest() {
    let house = House::new();
    for arc in [CmsArc::Cms, CmsArc::Gm] {
        let report = judged(&with_crls(&house, &[]), pdf(detached(&house, &digest(), Some("20270601080001Z"), arc)));
        assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
        assert_eq!((report.form, report.time_source), (SignatureForm::Cms, TimeSource::TimeStamp));
        assert_eq!(report.signer.as_ref().unwrap().subject, "CN=signer");
        for check in [Check::Structure, Check::DataHash, Check::Signature, Check::SignerChain, Check::TimeStamp] {
            assert_eq!(worst(&report, check).0, Outcome::Pass, "{check:?}");
        }
        assert!(report.about(Check::SealSignature).next().is_none(), "it has no seal");
    }
    let other = pdf(detached(&house, &[5; 32], None, CmsArc::Cms));
    only_fails(&judged(&house.trust(), other), Check::DataHash, "digest-differs");
}

#[test]
fn the_documents_time_counts_where_nothing_better_is_there() {
    let house = House::new();
    let report = judged(&house.trust(), pdf(detached(&house, &digest(), None, CmsArc::Cms)));
    assert_eq!((report.time, report.time_source), (signed_at(), TimeSource::Document));
    warns(&report, Check::Time, "time-claimed");
}

#[test]
fn a_message_by_another_key_or_with_another_certificate_is_none() {
    let house = House::new();
    let signer = signer(&house);
    let attributes = signer.attributes_of_digest(&digest()).unwrap();
    let forged = signer.assemble_detached(&attributes, &house.maker.sign(&attributes), None, CmsArc::Cms);
    only_fails(&judged(&house.trust(), pdf(forged)), Check::Signature, "signature-wrong");
    // The same key under another certificate of the same name and serial: what was signed measures the first.
    let other = house.issue(&Card { until: "20280101000000Z", ..Card::default() });
    let other = Signer::new(&other.cert, &[] as &[Vec<u8>], oid::DATA).unwrap();
    let swapped = other.assemble_detached(&attributes, &house.signer.sign(&attributes), None, CmsArc::Cms);
    only_fails(&judged(&house.trust(), pdf(swapped)), Check::Signature, "other-certificate");
}

/// A message of GM/T 0010 with these parts.
fn message(house: &House, content: &[u8], attributes: &[u8], signature: &[u8]) -> Vec<u8> {
    let cert = Cert::from_der(&house.signer.cert).unwrap();
    let sm3 = write(0x30, &[&write(6, &[oid::SM3.as_bytes()])]);
    let sid = write(0x30, &[cert.issuer(), &write(2, &[cert.serial()])]);
    let algorithm = write(0x30, &[&write(6, &[oid::SM2_SIGN.as_bytes()])]);
    let info = write(0x30, &[b"\x02\x01\x01", &sid, &sm3, attributes, &algorithm, &write(4, &[signature])]);
    let data = write(
        0x30,
        &[
            b"\x02\x01\x01",
            &write(0x31, &[&sm3]),
            // The mixture that is met: the inner type of PKCS #7 within the outer of GM/T 0010.
            &write(0x30, &[&write(6, &[oid::DATA.as_bytes()]), content]),
            &write(0xa0, &[&house.signer.cert]),
            &write(0x31, &[&info]),
        ],
    );
    write(0x30, &[&write(6, &[oid::GM_SIGNED_DATA.as_bytes()]), &write(0xa0, &[&data])])
}

fn ofd(value: Vec<u8>) -> Found {
    Found { kind: Kind::OfdSign, signed: Some(b"Signature.xml".to_vec()), time: Some(signed_at()), ..found(value) }
}

#[test]
fn the_digest_as_the_content_is_read_as_some_write_it() {
    let house = House::new();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest());
    for content in [digest(), encoded.into_bytes()] {
        let wrapped = write(0xa0, &[&write(4, &[&content])]);
        let report = judged(&house.trust(), ofd(message(&house, &wrapped, &[], &house.signer.sign(&content))));
        assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    }
    let other = write(0xa0, &[&write(4, &[&[5; 32]])]);
    let report = judged(&house.trust(), ofd(message(&house, &other, &[], &house.signer.sign(&[5; 32]))));
    only_fails(&report, Check::DataHash, "digest-differs");
}

#[test]
fn the_document_itself_may_be_signed() {
    let house = House::new();
    let value = message(&house, &[], &[], &house.signer.sign(b"Signature.xml"));
    assert_eq!(judged(&house.trust(), ofd(value.clone())).verdict, Verdict::Valid);
    let mut absent = ofd(value.clone());
    absent.signed = None;
    assert_eq!(worst(&judged(&house.trust(), absent), Check::Signature).0, Outcome::Unknown);
    let mut changed = ofd(value);
    changed.signed = Some(b"signature.xml".to_vec());
    only_fails(&judged(&house.trust(), changed), Check::Signature, "signature-wrong");
}

#[test]
fn two_signers_in_one_signature_are_refused() {
    let house = House::new();
    let value = detached(&house, &digest(), None, CmsArc::Cms);
    let read = crypto_pool::cms::read::SignedData::from_der(&value).unwrap();
    assert_eq!(read.signers.len(), 1);
    let nobody = write(
        0x30,
        &[
            &write(6, &[oid::SIGNED_DATA.as_bytes()]),
            &write(
                0xa0,
                &[&write(
                    0x30,
                    &[b"\x02\x01\x01\x31\x00", &write(0x30, &[&write(6, &[oid::DATA.as_bytes()])]), b"\x31\x00"],
                )],
            ),
        ],
    );
    let report = judged(&house.trust(), pdf(nobody));
    assert_eq!(worst(&report, Check::Structure), (Outcome::Fail, "signers".to_owned()));
}

#[test]
fn a_bare_signature_needs_a_certificate_from_elsewhere() {
    let house = House::new();
    let one = ofd(house.signer.sign(b"Signature.xml"));
    let report = judged(&house.trust(), one.clone());
    assert_eq!(worst(&report, Check::Signature), (Outcome::Unknown, "no-certificate".to_owned()));
    assert_eq!((report.verdict, report.form), (Verdict::Undecided, SignatureForm::Bare));
    let given = Trust { certificates: vec![Cert::from_der(&house.signer.cert).unwrap()], ..house.trust() };
    assert_eq!(judged(&given, one.clone()).verdict, Verdict::Valid);
    let other = Trust { certificates: vec![Cert::from_der(&house.maker.cert).unwrap()], ..house.trust() };
    assert_eq!(judged(&other, one).verdict, Verdict::Undecided);
}

#[test]
fn a_time_stamp_over_the_document_shows_that_what_is_before_it_was_there() {
    let house = House::new();
    let value = detached(&house, &digest(), None, CmsArc::Cms);
    let stamp = |time, digest: &[u8]| Found {
        kind: Kind::PdfTimeStamp,
        property: "ETSI.RFC3161".to_owned(),
        ..found(house.token_over(time, digest))
    };
    let trust = with_crls(&house, &[(7, "20270603000000Z", 1)]);
    // Without it: revoked for a compromise, and nobody can say that the signature is older.
    only_fails(&judged(&trust, pdf(value.clone())), Check::SignerRevocation, "compromised");
    let both = facts(vec![pdf(value.clone()), stamp("20270602000000Z", &digest())]);
    let report = judge(&both, &trust, now());
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(report.signatures[1].form, SignatureForm::DocumentTimeStamp);
    // Before the signature it says nothing of it, and over other bytes nothing at all.
    let before = facts(vec![stamp("20270602000000Z", &digest()), pdf(value.clone())]);
    assert_eq!(judge(&before, &trust, now()).verdict, Verdict::Invalid);
    let other = facts(vec![pdf(value), stamp("20270602000000Z", &[5; 32])]);
    let report = judge(&other, &trust, now());
    assert_eq!(worst(&report.signatures[1], Check::TimeStamp).1, "time-stamp-imprint");
    assert_eq!(worst(&report.signatures[0], Check::SignerRevocation).1, "compromised");
}

#[test]
fn a_time_stamp_over_the_document_by_a_stranger_proves_nothing() {
    let house = House::new();
    let stamp = Found { kind: Kind::PdfTimeStamp, ..found(house.token_over("20270602000000Z", &digest())) };
    let nobody = Trust { anchors: Anchors::default(), ..Trust::default() };
    assert_eq!(judged(&nobody, stamp).verdict, Verdict::Undecided);
}
