use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::Cert;

use super::*;
use crate::core::names::{IssuerNames, key_bits};

const SHA1: &[u8] = include_bytes!("vectors/sha1.der");
const SHA256: &[u8] = include_bytes!("vectors/sha256.der");
const SM3: &[u8] = include_bytes!("vectors/sm3.der");
const TWO: &[u8] = include_bytes!("vectors/two-nonce.der");
const SIGNED: &[u8] = include_bytes!("vectors/signed.der");

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=0x7f => out.push(u8::try_from(n).unwrap()),
        n => out.extend([0x82, u8::try_from(n >> 8).unwrap(), u8::try_from(n & 0xff).unwrap()]),
    }
    // Lengths between 80 and FF take one octet (DER).
    if (0x80..=0xff).contains(&content.len()) {
        out.drain(1..);
        out.extend([0x81, u8::try_from(content.len()).unwrap()]);
    }
    out.extend(content);
    out
}

/// A request with these extensions, about the certificate of `sha1.der`.
fn with_extensions(extensions: &[Vec<u8>]) -> Vec<u8> {
    // The requestList of sha1.der begins at octet 4 (see the dump of asn1parse: SEQUENCE, SEQUENCE, then the list).
    let list = &SHA1[4..];
    let all: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
    let extensions = tlv(0xa2, &[&tlv(0x30, &all)]);
    tlv(0x30, &[&tlv(0x30, &[list, &extensions])])
}

fn extension(id: Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&tlv(6, &[id.as_bytes()]), flag, &tlv(4, &[value])])
}

fn nonce(length: usize) -> Vec<u8> {
    extension(oid::OCSP_NONCE, false, &tlv(4, &[&vec![0xab; length]]))
}

fn parse(der: &[u8]) -> Result<OcspRequest<'_>, BadRequest> {
    OcspRequest::parse(der, 32)
}

#[test]
fn questions_of_openssl_are_read_under_every_hash() {
    let issuer = Cert::from_der(include_bytes!("vectors/issuer.cer")).unwrap();
    let names = IssuerNames::new(issuer.subject(), key_bits(issuer.spki()).unwrap());
    for (der, hash) in [(SHA1, Hash::Sha1), (SHA256, Hash::Sha256), (SM3, Hash::Sm3)] {
        let request = parse(der).unwrap();
        let [id] = request.ids() else { panic!("one certificate") };
        let form = Form { hash, null: true };
        assert_eq!(id.form, Some(form));
        assert_eq!(id.serial[..3], [0, 0x80, 0xa1]);
        assert!(names.is_meant_by(id), "{hash:?}: OpenSSL hashes the name and the key as we do");
        assert_eq!(names.cert_id(form, id.serial), id.whole, "{hash:?}: we write the CertID OpenSSL wrote");
        assert!(request.nonce().is_none() && !request.is_signed());
    }
}

#[test]
fn several_certificates_and_a_nonce_are_read_in_their_order() {
    let request = parse(TWO).unwrap();
    assert_eq!(request.ids().len(), 2);
    assert_eq!(request.ids()[1].serial, [1]);
    let nonce = request.nonce().unwrap();
    assert_eq!((nonce[0], nonce[1], nonce.len()), (4, 16, 18), "OpenSSL's nonces have 16 octets");
}

#[test]
fn a_signed_question_is_taken_and_its_signature_not_looked_at() {
    let request = parse(SIGNED).unwrap();
    assert!(request.is_signed());
    assert_eq!(request.ids(), parse(SHA1).unwrap().ids());
}

#[test]
fn a_certificate_id_is_echoed_octet_by_octet_whatever_its_form() {
    // Without the NULL, as some clients send SHA-1, and with a hash nobody knows.
    let absent: Vec<u8> = SHA1.windows(2).position(|w| w == [5, 0]).map_or(vec![], |place| {
        let hash = &SHA1[place + 2..];
        let id = tlv(0x30, &[&tlv(0x30, &[&SHA1[12..place]]), hash]);
        tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&id])])])])
    });
    let request = parse(&absent).unwrap();
    assert_eq!(request.ids()[0].form, Some(Form { hash: Hash::Sha1, null: false }));
    let mut unknown = SHA1.to_vec();
    unknown[18] = 0x1b;
    assert_eq!(parse(&unknown).unwrap().ids()[0].form, None);
}

#[test]
fn a_nonce_of_1_to_32_octets_is_kept_and_any_other_is_malformed() {
    // RFC 8954 2.1.
    for length in [1, 16, 32] {
        let der = with_extensions(&[nonce(length)]);
        assert_eq!(parse(&der).unwrap().nonce(), Some(tlv(4, &[&vec![0xab; length]]).as_slice()));
    }
    for length in [0, 33] {
        assert!(parse(&with_extensions(&[nonce(length)])).is_err(), "{length}");
    }
    // RFC 9654 2.1, by configuration.
    let long = with_extensions(&[nonce(128)]);
    assert!(OcspRequest::parse(&long, 128).is_ok());
    assert!(OcspRequest::parse(&with_extensions(&[nonce(129)]), 128).is_err());
    assert!(parse(&with_extensions(&[nonce(8), nonce(8)])).is_err(), "two nonces");
    assert!(parse(&with_extensions(&[extension(oid::OCSP_NONCE, false, &[1, 2, 3])])).is_err(), "no OCTET STRING");
}

#[test]
fn an_unknown_extension_is_passed_over_unless_it_is_critical() {
    let strange = Oid::new_unwrap("1.2.3.4.5");
    assert!(parse(&with_extensions(&[extension(strange, false, &[5, 0])])).is_ok());
    assert!(parse(&with_extensions(&[extension(strange, true, &[5, 0])])).is_err());
    for id in [oid::OCSP_RESPONSE, oid::OCSP_PREFERRED_SIGNATURES] {
        assert!(parse(&with_extensions(&[extension(id, true, &[0x30, 0])])).is_ok(), "{id}");
    }
}

#[test]
fn what_is_longer_or_emptier_than_a_question_may_be_is_refused() {
    assert!(parse(&[]).is_err());
    assert!(parse(&tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[])])])).is_err(), "no certificate");
    let single = &SHA1[6..];
    let many = |count: usize| tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &vec![single; count])])]);
    assert_eq!(parse(&many(64)).unwrap().ids().len(), 64);
    assert!(parse(&many(65)).is_err());
    assert!(parse(&[&[0x30, 0x82, 0x20, 0x01][..], &[0; 8193]].concat()).is_err());
    assert!(parse(&[SHA1, &[0]].concat()).is_err(), "octets behind it");
}

#[test]
fn a_version_written_out_is_taken_if_it_is_the_first() {
    let with = |version: u8| tlv(0x30, &[&tlv(0x30, &[&tlv(0xa0, &[&[2, 1, version]]), &SHA1[4..]])]);
    assert!(parse(&with(0)).is_ok());
    assert!(parse(&with(1)).is_err());
}

#[test]
fn serials_that_are_no_der_are_refused_and_those_nobody_has_are_read() {
    let with = |serial: &[u8]| {
        let id = tlv(0x30, &[&SHA1[10..65], &tlv(2, &[serial])]);
        tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&id])])])])
    };
    for readable in [&[0][..], &[0xff], &[0x80, 1], &[1; 20], &[0x7f; 21]] {
        assert!(parse(&with(readable)).is_ok(), "{readable:x?}");
    }
    for bad in [&[][..], &[0, 1], &[0xff, 0x80], &[1; 22]] {
        assert!(parse(&with(bad)).is_err(), "{bad:x?}");
    }
}

#[test]
fn every_way_clients_put_a_question_into_an_address_is_read() {
    // A question whose Base64 has `+`, `/` and padding.
    let der = (0..32 * 256)
        .map(|n: usize| {
            let octets = [[0xfb, 0xff, u8::try_from(n % 256).unwrap()].as_slice(), &vec![0xef; n / 256]].concat();
            with_extensions(&[extension(oid::OCSP_NONCE, false, &tlv(4, &[&octets]))])
        })
        .find(|der| {
            let text = STANDARD.encode(der);
            text.contains('+') && text.contains('/') && text.ends_with('=')
        })
        .unwrap();
    let text = STANDARD.encode(&der);
    let escaped = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for path in [
        text.clone(),
        escaped.clone(),
        escaped.replace("%2B", "%2b").replace("%2F", "%2f"),
        text.replace('=', ""),
        escaped.replace("%3D", ""),
        format!("/{text}"),
        format!("//{escaped}"),
        format!("%2F{escaped}"),
        text.replace('+', " "),
        text.replace('+', "-").replace('/', "_"),
        escaped.replace('%', "%25"),
        format!("{}%0D%0A{}", &text[..64], &text[64..]),
    ] {
        assert_eq!(from_get_path(&path).as_deref(), Ok(der.as_slice()), "{path}");
    }
}

#[test]
fn what_is_no_base64_in_an_address_is_refused() {
    for path in ["MA%", "MA%2", "MA%zz", "MA!!", "M", "MFE=MFE=", "é", "%00"] {
        assert!(from_get_path(path).is_err(), "{path}");
    }
    assert!(from_get_path(&"A".repeat(LONGEST_PATH + 1)).is_err());
    // Within the length of an address, and longer than a question.
    assert!(from_get_path(&"A".repeat(LONGEST.div_ceil(3) * 4 + 4)).is_err());
    assert_eq!(from_get_path(""), Ok(Vec::new()), "which is then no question");
}

#[test]
fn no_changed_octet_makes_reading_panic_and_no_cut_is_read() {
    for whole in [SHA1, SHA256, SM3, TWO, SIGNED] {
        for place in 0..whole.len() {
            assert!(parse(&whole[..place]).is_err(), "{place}");
            for value in [0, 1, 0x30, 0x80, 0x84, 0xa0, 0xff, whole[place] ^ 1] {
                let mut der = whole.to_vec();
                der[place] = value;
                if let Ok(request) = parse(&der) {
                    assert!(request.ids().iter().all(|id| (1..=21).contains(&id.serial.len())));
                }
            }
        }
    }
}
