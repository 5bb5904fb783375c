//! Certificates and CRLs with the deviations of the field: read tolerantly, refused strictly, and never forged.

use super::maker::{Draft, Key, SM2, authority, extension, name, sequence, time};
use super::*;

fn root() -> Cert {
    Draft::new("root", &Key::new(1), "root").with(authority()).signed(&Key::new(1))
}

fn tbs() -> Vec<u8> {
    Draft::new("leaf", &Key::new(2), "root").serial(9).with(authority()).tbs()
}

/// A signed structure of these three parts, the signature over the first.
fn structure(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    tlv::write(tlv::SEQUENCE, &[tbs, algorithm, &tlv::write(tlv::BIT_STRING, &[&[0], signature])])
}

fn by_root(tbs: &[u8]) -> Vec<u8> {
    Key::new(1).sign(tbs).to_der()
}

/// Refused strictly or not valid so; read tolerantly it deviates in this way, is valid, and keeps its bytes. With one
/// octet of the signed part changed it is not.
fn only_tolerantly(der: &[u8], deviations: &[Deviation]) {
    let now = at("2026-06-01T00:00:00Z");
    let is_valid = |cert: &Cert| validate(cert, &[], &Anchors::new(vec![root()]), now, &Options::default()).is_ok();
    assert!(!Cert::from_der(der).is_ok_and(|cert| is_valid(&cert)), "strictly");
    let cert = Cert::from_der_tolerant(der).unwrap();
    assert_eq!(cert.der(), der);
    assert_eq!(cert.deviations(), deviations);
    assert!(is_valid(&cert), "{deviations:?}");
    let place = der.windows(4).position(|w| w == b"leaf").unwrap();
    let mut changed = der.to_vec();
    changed[place] ^= 1;
    assert!(!is_valid(&Cert::from_der_tolerant(&changed).unwrap()), "a change is found");
}

#[test]
fn a_sound_certificate_has_no_deviation_either_way() {
    let tbs = tbs();
    let der = structure(&tbs, SM2, &by_root(&tbs));
    let (strict, tolerant) = (Cert::from_der(&der).unwrap(), Cert::from_der_tolerant(&der).unwrap());
    assert!(strict == tolerant && tolerant.deviations().is_empty());
}

#[test]
fn raw_and_padded_signatures_are_verified() {
    let tbs = tbs();
    let signature = Key::new(1).sign(&tbs);
    only_tolerantly(&structure(&tbs, SM2, &signature.to_raw()), &[Deviation::Signature]);
    // Integers of 33 octets whatever their value, and of 32 without the octet that keeps them positive.
    for padding in [&[0, 0][..], &[0]] {
        let number = |number: [u8; 32]| tlv::write(tlv::INTEGER, &[padding, &number]);
        let padded = sequence(&[number(signature.r()), number(signature.s())]);
        if padded != signature.to_der() {
            only_tolerantly(&structure(&tbs, SM2, &padded), &[Deviation::Signature]);
        }
    }
    let key = root().public_key().unwrap().clone();
    assert!(!key.verify_tolerant(crate::SignatureAlgorithm::Sm2Sm3, &tbs, &[0; 64]));
    assert!(!key.verify_tolerant(crate::SignatureAlgorithm::Sm2Sm3, &tbs, &signature.to_raw()[..63]));
}

#[test]
fn sm2_under_the_name_of_its_key_is_a_signature_algorithm_too() {
    let by_key = sequence(&[tlv::write(tlv::OID, &[oid::SM2.as_bytes()])]);
    let usual = tbs();
    let content = tlv::single(&usual, tlv::SEQUENCE, "tbs").unwrap().value;
    let place = content.windows(SM2.len()).position(|w| w == SM2).unwrap();
    let inside = [&content[..place], &by_key, &content[place + SM2.len()..]].concat();
    let tbs = tlv::write(tlv::SEQUENCE, &[&inside]);
    only_tolerantly(&structure(&tbs, &by_key, &by_root(&tbs)), &[Deviation::SignatureAlgorithm]);
    // Inside ECDSA, outside SM2: not the same.
    let ecdsa = crate::SignatureAlgorithm::EcdsaSha256.identifier_der();
    let mixed = Cert::from_der_tolerant(&structure(&usual, ecdsa, &by_root(&usual))).unwrap();
    assert_eq!(mixed.algorithm(), None);
}

#[test]
fn long_lengths_and_other_truths_are_read_over_the_bytes_received() {
    // The to-be-signed part with a length of four octets, and basicConstraints with TRUE as 01.
    let loose =
        [extension(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 1]), extension(oid::KEY_USAGE, true, &[3, 2, 0, 6])];
    let usual = Draft::new("leaf", &Key::new(2), "root").serial(9).with(loose).tbs();
    let content = tlv::single(&usual, tlv::SEQUENCE, "tbs").unwrap().value;
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let tbs = [&[0x30, 0x84][..], &length, content].concat();
    let der = structure(&tbs, SM2, &by_root(&tbs));
    only_tolerantly(&der, &[Deviation::Encoding, Deviation::Extension]);
    let cert = Cert::from_der_tolerant(&der).unwrap();
    assert_eq!(cert.tbs(), tbs);
    assert!(cert.extensions().basic_constraints.unwrap().ca && cert.extensions().key_usage.unwrap().crl_sign());
}

#[test]
fn an_sm2_key_named_by_its_own_oid_is_read() {
    let own = Key::new(2);
    let id = tlv::write(tlv::OID, &[oid::SM2.as_bytes()]);
    let bits = tlv::write(tlv::BIT_STRING, &[&[0], &own.point()]);
    for identifier in [sequence(std::slice::from_ref(&id)), sequence(&[id.clone(), id.clone()])] {
        let spki = sequence(&[identifier, bits.clone()]);
        assert!(crate::PublicKey::from_spki(&spki).is_err());
        let key = crate::PublicKey::from_spki_tolerant(&spki).unwrap();
        assert_eq!(key.spki_der(), own.spki());
    }
    let not_a_curve = sequence(&[sequence(&[id, tlv::write(tlv::OID, &[oid::RSA.as_bytes()])]), bits]);
    assert!(crate::PublicKey::from_spki_tolerant(&not_a_curve).is_err());
}

#[test]
fn old_extensions_about_the_subject_forbid_nothing_even_if_critical() {
    let old = ObjectIdentifier::new_unwrap("1.2.86.11.7.3");
    let identity = ObjectIdentifier::new_unwrap("1.2.156.10260.4.1.1");
    let strange = ObjectIdentifier::new_unwrap("1.2.86.11.8");
    let with = |id| {
        let tbs = Draft::new("leaf", &Key::new(2), "root").with([extension(id, true, b"\x0c\x011")]).tbs();
        Cert::from_der_tolerant(&structure(&tbs, SM2, &by_root(&tbs))).unwrap()
    };
    assert!(
        with(old).extensions().unknown_critical.is_empty() && with(identity).extensions().unknown_critical.is_empty()
    );
    assert_eq!(with(strange).extensions().unknown_critical, [strange]);
}

#[test]
fn an_extension_that_decides_must_be_readable_even_so() {
    let with = |id| {
        let tbs = Draft::new("leaf", &Key::new(2), "root").with([extension(id, false, &[0x30, 9, 1])]).tbs();
        Cert::from_der_tolerant(&structure(&tbs, SM2, &by_root(&tbs)))
    };
    assert_eq!(with(oid::SUBJECT_KEY_ID).unwrap().deviations(), [Deviation::Extension]);
    for id in
        [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE, oid::NAME_CONSTRAINTS, oid::EXT_KEY_USAGE, oid::CERTIFICATE_POLICIES]
    {
        assert!(with(id).is_err(), "{id}");
    }
}

#[test]
fn a_list_with_deviations_is_read_over_the_bytes_received() {
    let times = [tlv::write(tlv::UTC_TIME, &[b"2605010000Z"]), time("20301231")];
    let entry = sequence(&[vec![2, 1, 9], time("0502")]);
    let parts = [vec![2, 1, 1], SM2.to_vec(), name("root"), times[0].clone(), times[1].clone(), sequence(&[entry])];
    let content = parts.concat();
    let tbs = [&[0x30, 0x82][..], &u16::try_from(content.len()).unwrap().to_be_bytes(), &content].concat();
    let der = structure(&tbs, SM2, &Key::new(1).sign(&tbs).to_raw());
    assert!(Crl::from_der(der.clone()).is_err());
    let crl = Crl::from_der_tolerant(der.clone()).unwrap();
    assert!(crl.deviations().contains(&Deviation::Time), "{:?}", crl.deviations());
    assert!(crl.der() == der && crl.tbs() == tbs);
    assert_eq!(crl.entries().count(), 1);
    assert!(crl.is_signed_by(root().public_key().unwrap()));
    assert!(!crl.is_signed_by(Draft::new("x", &Key::new(3), "x").signed(&Key::new(3)).public_key().unwrap()));
}

#[test]
fn no_bytes_make_the_tolerant_reader_panic() {
    let tbs = tbs();
    let sound = structure(&tbs, SM2, &by_root(&tbs));
    for place in 0..sound.len() {
        for value in [0, 1, 0x30, 0x80, 0x84, 0x88, 0xff] {
            let mut changed = sound.clone();
            changed[place] = value;
            if let Ok(cert) = Cert::from_der_tolerant(&changed) {
                assert_eq!(cert.der(), changed);
                let _ = (cert.public_key(), cert.deviations(), cert.is_self_issued(), cert.tbs(), cert.signature());
            }
            let _ = (Crl::from_der_tolerant(changed.clone()), OcspAnswer::from_der(&changed));
        }
        let _ = Cert::from_der_tolerant(&sound[..place]);
    }
}
