use super::*;
use crate::fixture;

fn signer(name: &str) -> Signer {
    let chain = [fixture::cert("sm2-sub").der().to_vec()];
    Signer::new(fixture::cert(name).der(), &chain, oid::CT_TST_INFO).unwrap()
}

/// The elements of a SET, in the order they stand in.
fn members(set: &[u8]) -> Vec<Vec<u8>> {
    let mut inside = tlv::single(set, SET, "set").unwrap().inside();
    let mut out = Vec::new();
    while !inside.is_empty() {
        out.push(inside.any().unwrap().whole.to_vec());
    }
    out
}

#[test]
fn the_signed_attributes_are_three_and_sorted() {
    for name in ["sm2-leaf", "ec-root"] {
        let signer = signer(name);
        let all = members(&signer.signed_attributes(b"content"));
        assert_eq!(all.len(), 3);
        assert!(all.is_sorted(), "{all:x?}");
        let digest = signer.digest.hash(b"content");
        assert_eq!(all.iter().filter(|one| one.ends_with(digest.as_slice())).count(), 1, "messageDigest");
        let certificate = signer.digest.hash(signer.certificate().der());
        assert_eq!(all.iter().filter(|one| one.ends_with(certificate.as_slice())).count(), 1, "ESSCertIDv2");
    }
}

#[test]
fn content_type_reads_as_rfc_5652_writes_it() {
    // By hand: SEQUENCE { contentType, SET { id-ct-TSTInfo } }.
    let expected = b"\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03\x31\x0d\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04";
    let all = members(&signer("sm2-leaf").signed_attributes(b""));
    assert_eq!(all[0], expected);
}

#[test]
fn attributes_of_other_content_or_another_certificate_are_not_taken() {
    let one = signer("sm2-leaf");
    let attributes = one.signed_attributes(b"content");
    assert!(one.is_attributes_of(&attributes, b"content"));
    assert!(!one.is_attributes_of(&attributes, b"Content"));
    assert!(!signer("sm2-sub").is_attributes_of(&attributes, b"content"));
    for at in 0..attributes.len() {
        let mut changed = attributes.clone();
        changed[at] ^= 1;
        assert!(!one.is_attributes_of(&changed, b"content"), "octet {at}");
    }
}

#[test]
fn a_message_holds_what_was_given_and_nothing_else() {
    let signer = signer("sm2-leaf");
    for (with_chain, content) in [(true, vec![7; 10]), (false, vec![7; 300]), (true, vec![7; 70_000])] {
        let attributes = signer.signed_attributes(&content);
        let der = signer.assemble(&content, &attributes, b"signature", with_chain, Arc::Cms);
        let mut info = tlv::single(&der, SEQUENCE, "ContentInfo").unwrap().inside();
        assert_eq!(info.any().unwrap().value, oid::SIGNED_DATA.as_bytes());
        let data = info.any().unwrap().value;
        info.finish("ContentInfo").unwrap();
        let mut data = tlv::single(data, SEQUENCE, "SignedData").unwrap().inside();
        assert_eq!(data.any().unwrap().small(), Ok(3));
        assert_eq!(data.any().unwrap().tag, SET);
        let mut inner = data.any().unwrap().inside();
        assert_eq!(inner.any().unwrap().value, oid::CT_TST_INFO.as_bytes());
        let octets = inner.any().unwrap();
        assert_eq!(tlv::single(octets.value, OCTET_STRING, "content").unwrap().value, content);
        let certificates = data.optional(CONTEXT_0).unwrap();
        assert_eq!(certificates.is_some(), with_chain);
        let infos = data.any().unwrap();
        data.finish("SignedData").unwrap();
        let mut info = tlv::single(infos.value, SEQUENCE, "SignerInfo").unwrap().inside();
        assert_eq!(info.any().unwrap().small(), Ok(1));
        let sid = info.any().unwrap();
        assert!(sid.value.starts_with(signer.certificate().issuer()));
        info.any().unwrap();
        assert_eq!(info.any().unwrap().value, &attributes[attributes.len() - info_len(&attributes)..]);
        assert_eq!(info.any().unwrap().whole, SignatureAlgorithm::Sm2Sm3.identifier_der());
        assert_eq!(info.any().unwrap().value, b"signature");
        info.finish("SignerInfo").unwrap();
    }
}

fn info_len(set: &[u8]) -> usize {
    tlv::single(set, SET, "set").unwrap().value.len()
}

#[test]
fn the_national_arc_changes_the_content_type_and_the_signature_algorithm() {
    let signer = signer("sm2-leaf");
    let attributes = signer.signed_attributes(b"x");
    let der = signer.assemble(b"x", &attributes, b"s", false, Arc::Gm);
    let holds = |part: &[u8]| der.windows(part.len()).any(|window| window == part);
    assert!(holds(oid::GM_SIGNED_DATA.as_bytes()) && !holds(oid::SIGNED_DATA.as_bytes()));
    assert!(!holds(oid::SM2_WITH_SM3.as_bytes()));
}

#[test]
fn lengths_are_minimal_at_every_boundary() {
    for length in [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
        let mut out = Vec::new();
        put(&mut out, OCTET_STRING, &vec![1; length]);
        assert_eq!(out, tlv::write(OCTET_STRING, &[&vec![1; length]]));
        assert_eq!(out.len(), full(length));
    }
}

#[test]
fn certificates_that_cannot_sign_messages_are_refused() {
    let none: [&[u8]; 0] = [];
    let ed = Signer::new(fixture::cert("ed-leaf").der(), &none, oid::CT_TST_INFO);
    assert_eq!(ed.unwrap_err(), BadSigner::Algorithm(KeyAlgorithm::Ed25519));
    assert!(matches!(Signer::new(b"0", &none, oid::CT_TST_INFO), Err(BadSigner::Malformed(_))));
    let long = vec![fixture::cert("sm2-sub").der().to_vec(); 7];
    let refused = Signer::new(fixture::cert("sm2-leaf").der(), &long, oid::CT_TST_INFO).unwrap_err();
    assert_eq!(refused, BadSigner::LongChain);
}
