use super::*;
use pki_config::config::TsaPolicy;
use pki_config::oid;

fn request() -> Vec<u8> {
    let algorithm = tlv::write(SEQUENCE, &[&tlv::write(OID, &[oid::SM3.as_bytes()])]);
    let imprint = tlv::write(SEQUENCE, &[&algorithm, &tlv::write(OCTET_STRING, &[&[7; 32]])]);
    tlv::write(SEQUENCE, &[&[2, 1, 1], &imprint, &[2, 2, 0, 0x99]])
}

fn serial() -> Serial {
    Serial::from_der_content(&[1, 2, 3]).unwrap()
}

fn made(policy: &TsaPolicy, micros: u32) -> Vec<u8> {
    let der = request();
    let request = StampRequest::parse(&der).unwrap();
    let time = Moment::from_generalized_time(b"20261121080000.25Z").unwrap();
    let accuracy = Accuracy::from_micros(micros).unwrap();
    let facts = Facts { serial: &serial(), time, accuracy, authority: b"\x30\x00" };
    tst_info(&request, &Policy::new(policy).unwrap(), &facts)
}

#[test]
fn a_tst_info_reads_as_rfc_3161_writes_it() {
    let policy = TsaPolicy { ordering: true, ..TsaPolicy::of("1.2.3") };
    // By hand, from the ASN.1: version, policy 1.2.3, imprint as asked, serial 010203, time, accuracy 1 s,
    // ordering TRUE, nonce 0x99.
    let imprint = [b"\x30\x2e\x30\x0a\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x11\x04\x20".as_slice(), &[7; 32]].concat();
    let rest = b"\x02\x03\x01\x02\x03\x18\x1220261121080000.25Z\x30\x03\x02\x01\x01\x01\x01\xff\x02\x02\x00\x99";
    let body = [b"\x02\x01\x01\x06\x02\x2a\x03", &imprint[..], rest].concat();
    let expected = [&[0x30, body.len() as u8], &body[..]].concat();
    assert_eq!(made(&policy, 1_000_000), expected);
}

#[test]
fn an_accuracy_is_split_into_seconds_millis_and_micros() {
    for (micros, expected) in [
        (1, &b"\x30\x03\x81\x01\x01"[..]),
        (999, b"\x30\x04\x81\x02\x03\xe7"),
        (1000, b"\x30\x03\x80\x01\x01"),
        (200_128, b"\x30\x08\x80\x02\x00\xc8\x81\x02\x00\x80"),
        (2_000_127, b"\x30\x06\x02\x01\x02\x81\x01\x7f"),
        (60_000_000, b"\x30\x03\x02\x01\x3c"),
    ] {
        let value = Accuracy::from_micros(micros).unwrap();
        assert_eq!(accuracy(value), expected, "{micros}");
        let read = tlv::single(expected, SEQUENCE, "accuracy").unwrap();
        assert_eq!(read_accuracy(read), Ok(Some(value)));
    }
}

#[test]
fn what_was_written_is_read() {
    let policy = TsaPolicy { name: true, ordering: false, ..TsaPolicy::of("1.2.3") };
    let der = made(&policy, 1500);
    let read = TstInfo::parse(&der).unwrap();
    assert_eq!(read.policy, Oid::new_unwrap("1.2.3"));
    assert_eq!((read.serial, read.imprint.digest(), read.hash()), (&[1, 2, 3][..], &[7; 32][..], Hash::Sm3));
    assert_eq!(read.time.to_string(), "2026-11-21T08:00:00.25Z");
    assert_eq!(read.accuracy, Accuracy::from_micros(1500));
    assert!(!read.ordering);
    assert_eq!(read.nonce, Some(&[0, 0x99][..]));
    // The name: [0] { [4] { Name } }.
    assert!(der.ends_with(b"\xa0\x04\xa4\x02\x30\x00"));
}

#[test]
fn a_tst_info_cut_short_or_lengthened_is_refused() {
    let der = made(&TsaPolicy::trial(), 1);
    for length in 0..der.len() {
        assert!(TstInfo::parse(&der[..length]).is_err());
    }
    assert!(TstInfo::parse(&[&der[..], &[0]].concat()).is_err());
}
