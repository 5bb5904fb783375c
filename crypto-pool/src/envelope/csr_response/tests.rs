//! The envelope is the vector of GB/T 35276 as another implementation computed it; the rest is put together by hand.

use super::*;
use crate::hex;

/// GB/T 32918.5-2017 Annex A.
const HOLDER: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
/// GB/T 32918.2-2016 Annex A, in the envelope.
const DELIVERED: &str = "128b2fa8bd433c6c068c8d803dff79792a519a55171b1b650c23661d15897263";
const ENVELOPE: &str = "3081f0300c06082a811ccf5501680105003079022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a\
    73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df004204423b448d18b4a1a86b0e264e9280078\
    03243a5a8d9d0b0e8953bfe4e928adcf041045c54abc791125fbc9bae9ecc8a6555903420004d5548c7825cbb56150a3506cd57464af\
    8a1ae0519dfaf3c58221dc810caf28dd921073768fe3d59ce54e79a49445cf73fed23086537027264d168946d479533e03210049660a\
    93fc61d46a3af331d027f3de62727bb7723baeaf9956c8de0a44ab8607";

fn key(digits: &str) -> PrivateKey {
    PrivateKey::from_bytes(hex::read(digits).unwrap().as_slice().try_into().unwrap()).unwrap()
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::read(digits).unwrap().to_vec()
}

/// A certificate in outline, for a key: who signed it is nobody's question here.
fn certificate(key: &PrivateKey) -> Vec<u8> {
    let algorithm = bytes("300a06082a811ccf55018375");
    let name = bytes("300c310a300806035504030c0141");
    let validity = bytes("301e170d3236303130313030303030305a170d3237303130313030303030305a");
    let mut spki = bytes("3059301306072a8648ce3d020106082a811ccf5501822d034200");
    spki.extend_from_slice(key.public().as_sec1());
    let tbs = tlv::write(SEQUENCE, &[&[0xa0, 3, 2, 1, 2], &[2, 1, 7], &algorithm, &name, &validity, &name, &spki]);
    tlv::write(SEQUENCE, &[&tbs, &algorithm, &[3, 2, 0, 0]])
}

fn answer() -> Vec<u8> {
    write(&certificate(&key(HOLDER)), &bytes(ENVELOPE), &certificate(&key(DELIVERED)))
}

#[test]
fn an_answer_is_written_with_an_explicit_envelope_and_an_implicit_set() {
    let (sign, encryption, envelope) = (certificate(&key(HOLDER)), certificate(&key(DELIVERED)), bytes(ENVELOPE));
    // 3081f0 … is 243 octets; each certificate, counted here, fits one length octet after 81.
    let tagged = |tag: u8, inside: &[u8]| [&[tag, 0x81, u8::try_from(inside.len()).unwrap()][..], inside].concat();
    let inside = [tagged(0x31, &sign), tagged(0xa0, &envelope), tagged(0xa1, &encryption)].concat();
    let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
    let by_hand = [&[0x30, 0x82], &length[..], &inside].concat();
    assert_eq!(answer(), by_hand);
    assert!(looks_like(&by_hand) && !looks_like(&envelope) && !looks_like(&sign));
}

#[test]
fn the_holder_gets_the_key_that_was_delivered() {
    let read = CsrResponse::read(&answer()).unwrap();
    assert_eq!((read.sign.len(), read.encryption.len()), (1, 1));
    let opened = read.open(&key(HOLDER)).unwrap().unwrap();
    assert_eq!(hex::of(&*opened.to_bytes()), DELIVERED);
}

#[test]
fn either_way_of_tagging_is_read() {
    let (sign, encryption, envelope) = (certificate(&key(HOLDER)), certificate(&key(DELIVERED)), bytes(ENVELOPE));
    let (explicit, implicit) = (tlv::write(0xa0, &[&envelope]), tlv::write(0xa0, &[&envelope[3..]]));
    let (set, inner) = (tlv::write(0xa1, &[&encryption]), tlv::write(0x31, &[&encryption]));
    for envelope in [&explicit, &implicit] {
        for set in [&set, &tlv::write(0xa1, &[&inner])] {
            let der = tlv::write(SEQUENCE, &[&tlv::write(SET, &[&sign]), envelope, set]);
            assert_eq!(CsrResponse::read(&der), CsrResponse::read(&answer()));
        }
    }
}

#[test]
fn an_answer_for_somebody_else_gives_no_key() {
    let read = CsrResponse::read(&answer()).unwrap();
    assert_eq!(read.open(&key(DELIVERED)).unwrap_err(), BadResponse::OtherHolder);
    // The envelope is for another than the certificate's holder.
    let stranger = key("0000000000000000000000000000000000000000000000000000000000000007");
    let foreign = write(&certificate(&stranger), &bytes(ENVELOPE), &certificate(&key(DELIVERED)));
    let refused = CsrResponse::read(&foreign).unwrap().open(&stranger).unwrap_err();
    assert_eq!(refused, BadResponse::Envelope(BadEnvelope::Recipient));
}

#[test]
fn swapped_certificates_are_found() {
    let swapped = write(&certificate(&key(DELIVERED)), &bytes(ENVELOPE), &certificate(&key(HOLDER)));
    assert_eq!(CsrResponse::read(&swapped).unwrap().open(&key(HOLDER)).unwrap_err(), BadResponse::OtherHolder);
    let twice = write(&certificate(&key(HOLDER)), &bytes(ENVELOPE), &certificate(&key(HOLDER)));
    assert_eq!(CsrResponse::read(&twice).unwrap().open(&key(HOLDER)).unwrap_err(), BadResponse::OtherKey);
}

#[test]
fn a_single_certificate_brings_no_key_and_half_a_pair_is_none() {
    let sign = tlv::write(SET, &[&certificate(&key(HOLDER))]);
    let single = CsrResponse::read(&tlv::write(SEQUENCE, &[&sign])).unwrap();
    assert_eq!(single.open(&key(HOLDER)).unwrap().map(|_| ()), None);
    let envelope = tlv::write(0xa0, &[&bytes(ENVELOPE)]);
    let encryption = tlv::write(0xa1, &[&certificate(&key(DELIVERED))]);
    for half in [envelope, encryption] {
        assert_eq!(CsrResponse::read(&tlv::write(SEQUENCE, &[&sign, &half])), Err(BadResponse::Half));
    }
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let whole = answer();
    for end in 0..whole.len() {
        assert!(CsrResponse::read(&whole[..end]).is_err(), "{end}");
    }
    assert!(CsrResponse::read(&[&whole[..], &[0]].concat()).is_err());
    assert!(CsrResponse::read(&tlv::write(SEQUENCE, &[&tlv::write(SET, &[])])).is_err(), "no certificate at all");
    let many = [0x30, 0].repeat(MOST_CERTIFICATES + 1);
    assert!(CsrResponse::read(&tlv::write(SEQUENCE, &[&tlv::write(SET, &[&many])])).is_err());
}
