//! The vector was computed with another implementation of SM2 and SM4; openssl takes apart what is written here.

use std::process::Command;

use super::*;
use crate::hex;
use crate::path::Cert;
use crate::random::OsRandom;

/// GB/T 32918.5-2017 Annex A.
const RECIPIENT: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
/// GB/T 32918.2-2016 Annex A.
const DELIVERED: &str = "128b2fa8bd433c6c068c8d803dff79792a519a55171b1b650c23661d15897263";
/// `DELIVERED` for `RECIPIENT`, with the nonce of Annex A and the SM4 key 0123456789abcdeffedcba9876543210.
const ENVELOPE: &str = "3081f0300c06082a811ccf5501680105003079022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a\
    73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df004204423b448d18b4a1a86b0e264e9280078\
    03243a5a8d9d0b0e8953bfe4e928adcf041045c54abc791125fbc9bae9ecc8a6555903420004d5548c7825cbb56150a3506cd57464af\
    8a1ae0519dfaf3c58221dc810caf28dd921073768fe3d59ce54e79a49445cf73fed23086537027264d168946d479533e03210049660a\
    93fc61d46a3af331d027f3de62727bb7723baeaf9956c8de0a44ab8607";

fn key(digits: &str) -> PrivateKey {
    PrivateKey::from_bytes(hex::read(digits).unwrap().as_slice().try_into().unwrap()).unwrap()
}

fn random() -> OsRandom {
    OsRandom::open().unwrap()
}

/// A certificate of the recipient, made by openssl; none without it.
fn certificate() -> Option<Cert> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.der");
    std::fs::write(&path, &*private_key::to_pkcs8(&key(RECIPIENT))).unwrap();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-new", "-sm3", "-subj", "/CN=holder", "-outform", "DER", "-keyform", "DER"]);
    let Ok(output) = command.arg("-key").arg(&path).output() else {
        println!("LEFT OUT: openssl is not here to make a certificate");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Cert::from_der(&output.stdout).unwrap())
}

/// The delivered key in every shape that has a recipient.
fn all(to: &PrivateKey) -> Vec<(Shape, Vec<u8>)> {
    let (key, public) = (key(DELIVERED), to.public());
    let mut all = vec![
        (Shape::EnvelopedKey, enveloped_key::write(&key, public, &random()).unwrap()),
        (Shape::Skf, skf::write(&key, public, &random()).unwrap()),
    ];
    all.extend(certificate().map(|cert| (Shape::Message, message::write(&key, &cert, &random()).unwrap())));
    all
}

#[test]
fn the_enveloped_key_of_another_implementation_opens() {
    let envelope = hex::read(ENVELOPE).unwrap();
    assert_eq!(Shape::of(&envelope), Some(Shape::EnvelopedKey));
    let opened = open(&envelope, &key(RECIPIENT)).unwrap();
    assert_eq!(hex::of(&*opened.to_bytes()), DELIVERED);
}

#[test]
fn an_enveloped_key_is_repacked_for_a_token_without_being_opened() {
    let envelope = hex::read(ENVELOPE).unwrap();
    let blob = skf::repacked(&envelope).unwrap();
    assert_eq!(Shape::of(&blob), Some(Shape::Skf));
    // GM/T 0016-2012 6.4.10: the fields before the ciphertext of 16 octets, and that.
    assert_eq!(blob.len(), 12 + 64 + 132 + 164 + 16);
    assert_eq!(hex::of(&*open(&blob, &key(RECIPIENT)).unwrap().to_bytes()), DELIVERED);
    assert_eq!(open(&blob, &key(DELIVERED)).unwrap_err(), BadEnvelope::Recipient);
    // Middleware that decrypts all 64 octets finds the key in the last 32 of them.
    let wrapped = enveloped_key::Parts::read(&envelope).unwrap().wrapped;
    let sm4 = unwrap(&wrapped, &key(RECIPIENT)).unwrap();
    let mut all = blob[12..76].to_vec();
    engine::sm4::Ecb::new(&sm4).decrypt(&mut all).unwrap();
    assert_eq!(hex::of(&all[32..]), DELIVERED);

    for cut in 0..envelope.len() {
        assert!(matches!(skf::repacked(&envelope[..cut]), Err(BadEnvelope::Malformed(_))), "{cut}");
    }
    assert!(skf::repacked(&blob).is_err());
}

#[test]
fn every_shape_opens_for_its_recipient_and_for_nobody_else() {
    for (shape, envelope) in all(&key(RECIPIENT)) {
        assert_eq!(Shape::of(&envelope), Some(shape));
        let opened = open(&envelope, &key(RECIPIENT)).unwrap_or_else(|e| panic!("{shape:?}: {e}"));
        assert_eq!(hex::of(&*opened.to_bytes()), DELIVERED, "{shape:?}");
        assert_eq!(open(&envelope, &key(DELIVERED)).unwrap_err(), BadEnvelope::Recipient, "{shape:?}");
    }
    let pair = device::write(&key(DELIVERED));
    assert_eq!(Shape::of(&pair), Some(Shape::Device));
    assert_eq!(hex::of(&*device::read(&pair).unwrap().to_bytes()), DELIVERED);
    assert_eq!(open(&pair, &key(RECIPIENT)).unwrap_err(), BadEnvelope::Clear);
}

#[test]
fn whatever_is_cut_off_or_changed_is_refused() {
    for (shape, envelope) in all(&key(RECIPIENT)) {
        for end in 0..envelope.len() {
            assert!(open(&envelope[..end], &key(RECIPIENT)).is_err(), "{shape:?} cut at {end}");
        }
        for at in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[at] ^= 4;
            // A name or a version that nobody looks at may change; never the key that comes out.
            if let Ok(opened) = open(&changed, &key(RECIPIENT)) {
                assert_eq!(hex::of(&*opened.to_bytes()), DELIVERED, "{shape:?} octet {at}");
                assert_eq!(shape, Shape::Message, "octet {at}");
            }
        }
        let longer = [&envelope[..], &[0]].concat();
        assert!(open(&longer, &key(RECIPIENT)).is_err(), "{shape:?} with an octet after it");
    }
    let pair = device::write(&key(DELIVERED));
    for at in 0..pair.len() {
        let mut changed = pair.to_vec();
        changed[at] ^= 1;
        assert!(device::read(&changed).is_err(), "octet {at}");
    }
}

#[test]
fn swapped_halves_are_seen() {
    // The public key of one pair beside the private key of another, all encrypted rightly.
    let (mine, other) = (key(DELIVERED), key(RECIPIENT));
    let right = enveloped_key::write(&mine, other.public(), &random()).unwrap();
    let public = mine.public().as_sec1();
    let at = right.windows(65).position(|window| window == public).unwrap();
    let mut swapped = right.clone();
    swapped[at..at + 65].copy_from_slice(other.public().as_sec1());
    assert_eq!(open(&swapped, &other).unwrap_err(), BadEnvelope::OtherKey);

    let mut pair = device::write(&mine).to_vec();
    let theirs = device::write(&other);
    pair[136..].copy_from_slice(&theirs[136..]);
    assert_eq!(device::read(&pair).unwrap_err(), BadEnvelope::OtherKey);
}

#[test]
fn an_envelope_encoded_anew_without_der_is_refused() {
    // The outer length in three octets where two are enough.
    let envelope = hex::read(ENVELOPE).unwrap();
    let long = [&[0x30, 0x82, 0x00, 0xf0], &envelope[3..]].concat();
    assert_eq!(open(&long, &key(RECIPIENT)).unwrap_err(), BadEnvelope::UnknownShape);
    // The same within.
    let inner = hex::read(&ENVELOPE.replacen("05003079", "0500308179", 1)).unwrap();
    let inner = [&[0x30, 0x81, 0xf1], &inner[3..]].concat();
    assert!(matches!(open(&inner, &key(RECIPIENT)).unwrap_err(), BadEnvelope::Malformed(_)));
    assert_eq!(Shape::of(b"-----BEGIN"), None);
    assert_eq!(open(b"", &key(RECIPIENT)).unwrap_err(), BadEnvelope::UnknownShape);
}

#[test]
fn openssl_takes_an_envelope_apart() {
    let envelope = enveloped_key::write(&key(DELIVERED), key(RECIPIENT).public(), &random()).unwrap();
    let mut parts = tlv::single(&envelope, tlv::SEQUENCE, "envelope").unwrap().inside();
    parts.any().unwrap();
    let (wrapped, _, private) = (parts.any().unwrap(), parts.any().unwrap(), parts.any().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let recipient = file("key.der", &private_key::to_pkcs8(&key(RECIPIENT)));
    let wrapped = file("wrapped.der", wrapped.whole);
    let mut command = Command::new("openssl");
    command.args(["pkeyutl", "-decrypt", "-keyform", "DER", "-inkey"]).arg(recipient).arg("-in").arg(wrapped);
    let Ok(sm4) = command.output() else { return println!("LEFT OUT: openssl is not here to judge") };
    assert!(sm4.status.success(), "{}", String::from_utf8_lossy(&sm4.stderr));
    let private = file("private", private.whole_bits().unwrap());
    let mut command = Command::new("openssl");
    command.args(["enc", "-d", "-sm4-ecb", "-nopad", "-K", &hex::of(&sm4.stdout), "-in"]).arg(private);
    assert_eq!(hex::of(&command.output().unwrap().stdout), DELIVERED);
}

#[test]
fn private_keys_are_read_in_every_form_people_have_them() {
    let scalar = hex::read(DELIVERED).unwrap();
    let pkcs8 = private_key::to_pkcs8(&key(DELIVERED));
    let octets = tlv::single(&pkcs8, tlv::SEQUENCE, "").unwrap().inside();
    let inner = {
        let mut octets = octets;
        octets.any().unwrap();
        octets.any().unwrap();
        octets.any().unwrap().value.to_vec()
    };
    let number = tlv::write(tlv::INTEGER, &[&scalar]);
    for form in [scalar.clone(), pkcs8.to_vec(), inner, number] {
        assert_eq!(hex::of(&*private_key::read(&form).unwrap().to_bytes()), DELIVERED);
    }
    // A P-256 key, an empty number, the group's order.
    let p256 = crate::backend::generate_pkcs8(crate::KeyAlgorithm::P256, &random()).unwrap().0;
    let order = hex::read("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123").unwrap();
    for bad in [p256.to_vec(), vec![2, 1, 0], order, vec![], vec![0; 32]] {
        assert_eq!(private_key::read(&bad).unwrap_err(), BadEnvelope::NoKey);
    }
}
