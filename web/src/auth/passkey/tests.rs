use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::*;

const SITE: Site<'static> = Site { domain: "localhost", origin: "https://localhost:8443" };

/// An authenticator made of the library's ECDSA.
struct Authenticator(EcdsaKeyPair);

impl Authenticator {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap())
    }

    fn point(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    fn created(&self, flags: u8) -> Vec<u8> {
        let point = self.point();
        let mut data = head("localhost", flags);
        data.extend([0; 16]);
        data.extend([0, 4]);
        data.extend(b"cred");
        data.extend(COSE_X);
        data.extend(&point[1..33]);
        data.extend(COSE_Y);
        data.extend(&point[33..]);
        data
    }

    fn signed(&self, client: &[u8], data: &[u8]) -> Vec<u8> {
        let hash = digest::digest(&digest::SHA256, client);
        self.0.sign(&SystemRandom::new(), &[data, hash.as_ref()].concat()).unwrap().as_ref().to_vec()
    }
}

fn head(domain: &str, flags: u8) -> Vec<u8> {
    let mut data = digest::digest(&digest::SHA256, domain.as_bytes()).as_ref().to_vec();
    data.push(flags);
    data.extend([0, 0, 0, 7]);
    data
}

fn client(kind: &str, origin: &str) -> Vec<u8> {
    format!(r#"{{"type":"{kind}","challenge":"abc","origin":"{origin}","crossOrigin":false,"other":1}}"#).into_bytes()
}

#[test]
fn what_an_authenticator_makes_is_taken_and_signs_in() {
    let authenticator = Authenticator::new();
    let made = register(&client("webauthn.create", SITE.origin), &authenticator.created(0x45), SITE).unwrap();
    assert_eq!((made.credential.as_slice(), &made.point), (&b"cred"[..], &authenticator.point()));
    let (asked, data) = (client("webauthn.get", SITE.origin), head("localhost", 0x05));
    assert_eq!(challenge_of(&asked).unwrap(), "abc");
    let signed = authenticator.signed(&asked, &data);
    assert_eq!(verify(&asked, &data, &signed, &made.point, SITE), Ok(()));
}

#[test]
fn another_kind_site_or_domain_is_refused() {
    let authenticator = Authenticator::new();
    let sign = |asked: &[u8], data: &[u8]| {
        verify(asked, data, &authenticator.signed(asked, data), &authenticator.point(), SITE)
    };
    let good = head("localhost", 0x05);
    for asked in [
        client("webauthn.create", SITE.origin),
        client("webauthn.get", "https://evil.example"),
        client("webauthn.get", "https://localhost"),
        String::from_utf8(client("webauthn.get", SITE.origin)).unwrap().replace("false", "true").into_bytes(),
    ] {
        assert_eq!(sign(&asked, &good), Err(Refusal::Elsewhere), "{}", String::from_utf8_lossy(&asked));
    }
    assert_eq!(sign(&client("webauthn.get", SITE.origin), &head("evil.example", 0x05)), Err(Refusal::Elsewhere));
}

#[test]
fn presence_without_verification_is_refused() {
    let authenticator = Authenticator::new();
    let asked = client("webauthn.get", SITE.origin);
    for flags in [0x00, 0x01, 0x04] {
        let data = head("localhost", flags);
        let signed = authenticator.signed(&asked, &data);
        assert_eq!(verify(&asked, &data, &signed, &authenticator.point(), SITE), Err(Refusal::Unverified));
    }
    let made = register(&client("webauthn.create", SITE.origin), &authenticator.created(0x41), SITE);
    assert_eq!(made, Err(Refusal::Unverified));
}

#[test]
fn another_key_and_a_changed_message_do_not_verify() {
    let (authenticator, other) = (Authenticator::new(), Authenticator::new());
    let (asked, data) = (client("webauthn.get", SITE.origin), head("localhost", 0x05));
    let signed = authenticator.signed(&asked, &data);
    assert_eq!(verify(&asked, &data, &signed, &other.point(), SITE), Err(Refusal::BadSignature));
    let mut later = data.clone();
    later[36] ^= 1;
    assert_eq!(verify(&asked, &later, &signed, &authenticator.point(), SITE), Err(Refusal::BadSignature));
}

#[test]
fn keys_of_other_kinds_and_points_off_the_curve_are_refused() {
    let authenticator = Authenticator::new();
    let asked = client("webauthn.create", SITE.origin);
    let good = authenticator.created(0x45);
    let key = HEAD + 16 + 2 + 4;
    let mut other_algorithm = good.clone();
    other_algorithm[key + 4] = 0x27;
    let mut off_the_curve = good.clone();
    *off_the_curve.last_mut().unwrap() ^= 1;
    for bad in [other_algorithm, off_the_curve, good[..good.len() - 1].to_vec()] {
        assert_eq!(register(&asked, &bad, SITE), Err(Refusal::OtherKey));
    }
}

#[test]
fn cut_and_random_bytes_are_refused_without_a_panic() {
    let authenticator = Authenticator::new();
    let (asked, good) = (client("webauthn.create", SITE.origin), authenticator.created(0x45));
    for length in 0..good.len() {
        assert!(register(&asked, &good[..length], SITE).is_err(), "{length}");
    }
    for length in 0..asked.len() {
        assert!(register(&asked[..length], &good, SITE).is_err(), "{length}");
    }
    assert!(register(&[b' '; LONGEST + 1], &good, SITE).is_err());
    assert!(bytes(&"A".repeat(2 * LONGEST + 1)).is_none() && bytes("!").is_none());
}
