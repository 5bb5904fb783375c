use crypto_pool::KeyAlgorithm;

use super::*;

macro_rules! request {
    ($file:literal) => {
        include_bytes!(concat!("../../../tests/data/requests/", $file)).as_slice()
    };
}

fn der(pem: &[u8]) -> Vec<u8> {
    from_pem(pem).unwrap()
}

#[test]
fn requests_made_by_openssl_are_read_for_every_kind_of_key() {
    for (bytes, algorithm) in [
        (request!("sm2.pem"), KeyAlgorithm::Sm2),
        (request!("p256.pem"), KeyAlgorithm::P256),
        (request!("p384.pem"), KeyAlgorithm::P384),
        (request!("ed25519.pem"), KeyAlgorithm::Ed25519),
        (request!("rsa.pem"), KeyAlgorithm::Rsa { bits: 3072 }),
        (request!("rsa-sha512.der"), KeyAlgorithm::Rsa { bits: 3072 }),
    ] {
        let request = ProvenRequest::read(bytes).unwrap_or_else(|e| panic!("{algorithm}: {e}"));
        assert_eq!(request.key().algorithm(), algorithm);
        assert_eq!(request.subject().to_string(), "CN=www.example.cn,O=示例,C=CN");
        assert_eq!(request.alt_names().to_string(), "dns:www.example.cn,ip:192.0.2.1");
    }
}

#[test]
fn a_request_without_names_is_read() {
    let request = ProvenRequest::read(request!("bare.pem")).unwrap();
    assert!(request.subject().is_empty() && request.alt_names().is_empty());
}

#[test]
fn text_around_the_pem_and_windows_lines_do_not_matter() {
    let text = String::from_utf8(request!("p256.pem").to_vec()).unwrap();
    let changed = format!("some words\r\n{}more words", text.replace('\n', "\r\n"));
    assert!(ProvenRequest::read(changed.as_bytes()).is_ok());
}

#[test]
fn a_signature_by_another_key_proves_nothing() {
    // The last octet belongs to the signature.
    let mut bytes = der(request!("p256.pem"));
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(ProvenRequest::read(&bytes).unwrap_err(), BadRequest::NoPossession { sm2: false });
}

#[test]
fn a_changed_name_proves_nothing() {
    let mut bytes = der(request!("sm2.pem"));
    let place = bytes.windows(3).position(|w| w == b"www").unwrap();
    bytes[place] = b'x';
    assert_eq!(ProvenRequest::read(&bytes).unwrap_err(), BadRequest::NoPossession { sm2: true });
}

#[test]
fn an_sm2_request_under_another_signers_id_is_refused_with_a_hint() {
    let refused = ProvenRequest::read(request!("sm2-other-id.pem")).unwrap_err();
    assert_eq!(refused, BadRequest::NoPossession { sm2: true });
    assert!(refused.to_string().contains("1234567812345678"));
}

#[test]
fn an_sm2_request_with_null_parameters_is_read() {
    // The outer algorithm is not signed, so NULL can be put into a good request.
    let bytes = der(request!("sm2.pem"));
    let algorithm = SignatureAlgorithm::Sm2Sm3.identifier_der();
    let place = bytes.windows(algorithm.len()).rposition(|w| w == algorithm).unwrap();
    let mut changed = bytes.clone();
    changed[place + 1] += 2;
    changed.splice(place + algorithm.len()..place + algorithm.len(), [0x05, 0x00]);
    let length = u16::from_be_bytes([changed[2], changed[3]]) + 2;
    changed[2..4].copy_from_slice(&length.to_be_bytes());
    assert!(ProvenRequest::read(&changed).is_ok());
}

#[test]
fn sha_1_short_keys_and_unknown_attributes_are_refused() {
    assert_eq!(ProvenRequest::read(request!("rsa-sha1.pem")).unwrap_err(), BadRequest::Algorithm);
    assert_eq!(ProvenRequest::read(request!("rsa-1024.pem")).unwrap_err(), BadRequest::Key(BadKey::RsaSize));
    let refused = ProvenRequest::read(request!("unknown-attribute.pem")).unwrap_err();
    assert_eq!(refused, BadRequest::Name(BadName::UnknownAttribute("2.5.4.46".to_owned())));
}

#[test]
fn other_things_than_requests_are_refused() {
    assert_eq!(ProvenRequest::read(b"").unwrap_err(), BadRequest::NotPem);
    assert_eq!(
        ProvenRequest::read(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----").unwrap_err(),
        BadRequest::NotPem
    );
    assert_eq!(ProvenRequest::read(&[0x30; LONGEST_REQUEST + 1]).unwrap_err(), BadRequest::TooLong);
    let mut trailing = der(request!("p256.pem"));
    trailing.push(0);
    assert!(matches!(ProvenRequest::read(&trailing).unwrap_err(), BadRequest::Malformed(_)));
}

#[test]
fn mutated_requests_never_panic_and_are_never_proven() {
    for good in [der(request!("sm2.pem")), der(request!("p256.pem"))] {
        let key = ProvenRequest::read(&good).unwrap().key().clone();
        for place in 0..good.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[place] ^= change;
                if let Ok(request) = ProvenRequest::read(&bytes) {
                    // Only what is not signed may change: nothing that comes out may.
                    panic!("octet {place} ^ {change:02x} was taken: {:?} {}", request.key() == &key, request.subject());
                }
            }
            assert!(ProvenRequest::read(&good[..place]).is_err());
        }
    }
}
