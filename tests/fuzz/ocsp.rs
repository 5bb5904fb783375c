//! Questions to the OCSP responder, in a body and in an address.

use ::ocsp::core::request::{OcspRequest, from_get_path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der::tlv;
use super::text;

const QUESTIONS: [&[u8]; 5] = [
    include_bytes!("../../ocsp/src/core/request/vectors/sha1.der"),
    include_bytes!("../../ocsp/src/core/request/vectors/sha256.der"),
    include_bytes!("../../ocsp/src/core/request/vectors/sm3.der"),
    include_bytes!("../../ocsp/src/core/request/vectors/two-nonce.der"),
    include_bytes!("../../ocsp/src/core/request/vectors/signed.der"),
];

pub fn request_seeds() -> Vec<Vec<u8>> {
    QUESTIONS.iter().map(|question| question.to_vec()).collect()
}

/// What is echoed must be read again as what it was, or an answer would speak of something else.
pub fn request(data: &[u8]) -> bool {
    let Ok(request) = OcspRequest::parse(data, 32) else { return false };
    let list: Vec<Vec<u8>> = request.ids().iter().map(|id| tlv(0x30, &[id.whole])).collect();
    let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    let again = tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &list)])]);
    let read = OcspRequest::parse(&again, 32).expect("what was read is read again");
    assert_eq!(read.ids(), request.ids());
    assert!(request.nonce().is_none_or(|nonce| (3..=34).contains(&nonce.len())));
    true
}

pub fn address_seeds() -> Vec<Vec<u8>> {
    let plain = QUESTIONS.iter().map(|question| STANDARD.encode(question));
    plain
        .flat_map(|text| {
            let escaped = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            [format!("//{text}"), escaped.replace('%', "%25"), escaped, text]
        })
        .map(String::into_bytes)
        .collect()
}

pub fn address(data: &[u8]) -> bool {
    let Ok(der) = from_get_path(text(data)) else { return false };
    // Octets that are no question may begin with a slash in Base64, which counts as one in front.
    if der.first() == Some(&0x30) {
        assert_eq!(from_get_path(&STANDARD.encode(&der)), Ok(der));
    }
    true
}
