use pki_config::oid;

use super::*;

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    tlv::write(tag, parts)
}

fn imprint(hash: Oid, digest: &[u8]) -> Vec<u8> {
    let algorithm = element(tlv::SEQUENCE, &[&element(tlv::OID, &[hash.as_bytes()])]);
    element(tlv::SEQUENCE, &[&algorithm, &element(tlv::OCTET_STRING, &[digest])])
}

fn request(parts: &[&[u8]]) -> Vec<u8> {
    element(tlv::SEQUENCE, parts)
}

const V1: &[u8] = &[2, 1, 1];

fn refusal(der: &[u8]) -> FailInfo {
    StampRequest::parse(der).expect_err("refused").info
}

#[test]
fn the_smallest_request_is_read() {
    let der = request(&[V1, &imprint(oid::SM3, &[7; 32])]);
    let read = StampRequest::parse(&der).unwrap();
    assert_eq!((read.imprint().hash(), read.imprint().digest()), (Hash::Sm3, &[7; 32][..]));
    assert_eq!((read.policy(), read.nonce(), read.cert_req()), (None, None, false));
}

#[test]
fn a_request_with_everything_is_read() {
    let stamp = imprint(oid::SHA512, &[7; 64]);
    let der = request(&[V1, &stamp, b"\x06\x02\x2a\x03", b"\x02\x02\x00\x80", b"\x01\x01\xff"]);
    let read = StampRequest::parse(&der).unwrap();
    assert_eq!(read.policy(), Some(&[0x2a, 3][..]));
    assert_eq!(read.nonce(), Some(&[0, 0x80][..]));
    assert!(read.cert_req());
    assert_eq!(read.imprint().der(), stamp);
}

#[test]
fn each_hash_is_taken_with_its_own_length_only() {
    for hash in Hash::ALL {
        for length in [0, 20, 32, 48, 64] {
            let der = request(&[V1, &imprint(hash.oid(), &vec![1; length])]);
            let read = StampRequest::parse(&der);
            if length == hash.length() {
                assert_eq!(read.unwrap().imprint().hash(), hash);
            } else {
                assert_eq!(read.unwrap_err().info, FailInfo::BadDataFormat);
            }
        }
    }
}

#[test]
fn sha_1_and_md5_are_a_bad_algorithm() {
    for (hash, length) in [("1.3.14.3.2.26", 20), ("1.2.840.113549.2.5", 16), ("2.16.840.1.101.3.4.2.4", 28)] {
        assert_eq!(refusal(&request(&[V1, &imprint(Oid::new_unwrap(hash), &vec![1; length])])), FailInfo::BadAlg);
    }
}

#[test]
fn null_parameters_are_taken_and_others_refused() {
    let with = |parameters: &[u8]| {
        let algorithm = element(tlv::SEQUENCE, &[&element(tlv::OID, &[oid::SHA256.as_bytes()]), parameters]);
        request(&[V1, &element(tlv::SEQUENCE, &[&algorithm, &element(tlv::OCTET_STRING, &[&[1; 32]])])])
    };
    assert!(StampRequest::parse(&with(&[5, 0])).is_ok());
    assert_eq!(refusal(&with(&[2, 1, 0])), FailInfo::BadAlg);
}

#[test]
fn an_extension_is_refused_whether_critical_or_not() {
    let stamp = imprint(oid::SM3, &[7; 32]);
    for critical in [&[][..], &[1, 1, 0xff]] {
        let extension = element(tlv::SEQUENCE, &[b"\x06\x02\x2a\x03", critical, b"\x04\x01\x00"]);
        assert_eq!(refusal(&request(&[V1, &stamp, &element(0xa0, &[&extension])])), FailInfo::UnacceptedExtension);
    }
    assert_eq!(refusal(&request(&[V1, &stamp, &element(0xa0, &[b"\x02\x01\x00"])])), FailInfo::BadDataFormat);
    assert_eq!(refusal(&request(&[V1, &stamp, &element(0xa0, &[])])), FailInfo::BadDataFormat);
}

#[test]
fn another_version_is_a_bad_request() {
    assert_eq!(refusal(&request(&[&[2, 1, 2], &imprint(oid::SM3, &[7; 32])])), FailInfo::BadRequest);
}

#[test]
fn malformed_bytes_are_a_bad_format() {
    let stamp = imprint(oid::SM3, &[7; 32]);
    let good = request(&[V1, &stamp]);
    for length in 0..good.len() {
        assert_eq!(refusal(&good[..length]), FailInfo::BadDataFormat);
    }
    let longer = [&good[..], &[0]].concat();
    for bad in [
        longer,
        request(&[V1]),
        request(&[&stamp, V1]),
        request(&[V1, &stamp, &stamp]),
        request(&[V1, &stamp, b"\x02\x01\x05", b"\x06\x02\x2a\x03"]),
        request(&[V1, &stamp, b"\x06\x02\x2a\x83"]),
        request(&[V1, &stamp, b"\x06\x03\x2a\x80\x03"]),
        request(&[V1, &stamp, b"\x06\x00"]),
        request(&[V1, &stamp, b"\x02\x02\x00\x05"]),
        request(&[V1, &stamp, b"\x02\x00"]),
        request(&[V1, &stamp, b"\x01\x01\x01"]),
        request(&[V1, &stamp, &element(tlv::INTEGER, &[&[1; 129]])]),
        vec![0; LONGEST + 1],
    ] {
        assert_eq!(refusal(&bad), FailInfo::BadDataFormat, "{bad:x?}");
    }
}

#[test]
fn a_negative_nonce_is_taken_as_it_is() {
    let der = request(&[V1, &imprint(oid::SM3, &[7; 32]), b"\x02\x02\xff\x05"]);
    assert_eq!(StampRequest::parse(&der).unwrap().nonce(), Some(&[0xff, 5][..]));
}

#[test]
fn a_draft_is_read_as_it_was_meant() {
    let policy = Some(Oid::new_unwrap("1.2.3"));
    for cert_req in [false, true] {
        let draft = Draft { hash: Hash::Sha384, digest: &[3; 48], policy, nonce: Some(&[5]), cert_req };
        let der = draft.to_der();
        let read = StampRequest::parse(&der).unwrap();
        assert_eq!((read.imprint().hash(), read.imprint().digest()), (Hash::Sha384, &[3; 48][..]));
        assert_eq!((read.policy(), read.nonce(), read.cert_req()), (Some(&[0x2a, 3][..]), Some(&[5][..]), cert_req));
    }
}
