//! Requests, and the lints, which read what is about to be signed.

use std::sync::LazyLock;
use std::time::Duration;

use ca::core::batch;
use ca::core::csr::ProvenRequest;
use ca::core::issuer::{Issuer, IssuerUrls, Limits};
use ca::core::lint;
use crypto_pool::envelope::csr_response::CsrResponse;
use crypto_pool::envelope::{csr_response, enveloped_key};
use crypto_pool::path::Cert;
use engine::sm2::PrivateKey;
use pki_config::profile::{BuiltIn, Profile};

use super::certificates::certificate_seeds;
use super::der::{content_length, pem, split_der, tbs_of, tlv};
use super::names::{name_survives, names_survive};
use super::{ISSUING, LEAF, now, text, texts};

pub fn csr_seeds() -> Vec<Vec<u8>> {
    let sm2: &[u8] = include_bytes!("seeds/sm2.csr");
    let mut seeds: Vec<Vec<u8>> = vec![
        sm2.to_vec(),
        include_bytes!("seeds/ec.csr").to_vec(),
        include_bytes!("seeds/p384.csr").to_vec(),
        include_bytes!("seeds/rsa.csr").to_vec(),
        include_bytes!("seeds/ed25519.csr").to_vec(),
    ];
    seeds.push(pem("CERTIFICATE REQUEST", sm2).into_bytes());
    seeds
}

pub fn csr(data: &[u8]) -> bool {
    let Ok(request) = ProvenRequest::read(data) else { return false };
    name_survives(request.subject()) && names_survive(request.alt_names())
}

/// Answers with a pair of certificates: as written here, with either tag the other way, and of one certificate.
pub fn csr_response_seeds() -> Vec<Vec<u8>> {
    let key = fixed_key();
    let random = crypto_pool::random::SeededRandom::new(7);
    let envelope = enveloped_key::write(&key, key.public(), &random).expect("an envelope");
    let sign = tlv(0x31, &[LEAF]);
    let explicit = tlv(0xa1, &[&tlv(0x31, &[ISSUING])]);
    let implicit = tlv(0xa0, &[&envelope[envelope.len() - content_length(&envelope)..]]);
    vec![csr_response::write(LEAF, &envelope, ISSUING), tlv(0x30, &[&sign, &implicit, &explicit]), tlv(0x30, &[&sign])]
}

fn fixed_key() -> PrivateKey {
    PrivateKey::from_bytes(&[0x11; 32]).expect("a number below the order")
}

pub fn csr_response(data: &[u8]) -> bool {
    let Ok(read) = CsrResponse::read(data) else { return false };
    // Whoever it is for: it opens or says why not.
    drop(read.open(&fixed_key()));
    if let (Some(envelope), [sign], [encryption]) = (&read.envelope, &read.sign[..], &read.encryption[..]) {
        assert_eq!(CsrResponse::read(&csr_response::write(sign, envelope, encryption)).as_ref(), Ok(&read));
    }
    true
}

/// Files of many requests.
pub fn batch_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "subject,sans,csr\r\nCN=a,dns:a.cn;dns:b.cn,\"-----BEGIN\nx\n\"\r\n",
        "\u{feff}days,subject,method,note,contact,identity,issuer,profile\n9,\"CN=\"\"a\"\"\",other,x,,,,\n\n,CN=b,,,,,,",
        "subject\nCN=a,too,many\n",
    ])
}

pub fn batch(data: &[u8]) -> bool {
    let read = text(data);
    let Ok(rows) = batch::parse(read) else { return false };
    let lines = u32::try_from(read.len()).expect("a short input") + 1;
    assert!((1..=batch::MOST_ROWS).contains(&rows.len()));
    assert!(rows.is_sorted_by(|a, b| a.line < b.line) && rows.iter().all(|row| (2..=lines).contains(&row.line)));
    true
}

/// The subject and the attributes of a request, one after the other.
pub fn csr_names_seeds() -> Vec<Vec<u8>> {
    let of = |der: &[u8]| {
        let info = tbs_of(der);
        let inside = &info[info.len() - content_length(&info)..];
        let (_version, rest) = split_der(inside)?;
        let (subject, rest) = split_der(rest)?;
        let (_key, attributes) = split_der(rest)?;
        Some([subject, attributes].concat())
    };
    csr_seeds().iter().filter(|seed| seed[0] == 0x30).filter_map(|der| of(der)).collect()
}

/// Names and attributes in a request that is well signed: else a change would never get past the signature.
pub fn csr_names(data: &[u8]) -> bool {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_bytes(&[0x11; 32]).expect("in range"));
    let Some((subject, attributes)) = split_der(data) else { return false };
    let mut spki = Cert::from_der(LEAF).expect("a seed").spki().to_vec();
    spki.truncate(spki.len() - 65);
    spki.extend(KEY.public().to_sec1());
    let info = tlv(0x30, &[&[2, 1, 0], subject, &spki, attributes]);
    let signature = KEY.sign(&info, &[0x22; 32]).to_der();
    // SEQUENCE { 1.2.156.10197.1.501 }, parameters absent.
    let algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];
    csr(&tlv(0x30, &[&info, &algorithm, &tlv(3, &[&[0], &signature])]))
}

pub fn lint_seeds() -> Vec<Vec<u8>> {
    certificate_seeds().iter().map(|der| tbs_of(der)).collect()
}

pub fn issuer() -> Issuer {
    let cert = Cert::from_der(ISSUING).expect("a seed");
    let crl = "http://ca.example.cn/crl/issuing.crl".parse().ok();
    Issuer {
        id: "issuing".parse().expect("a word"),
        name: cert.subject().to_vec(),
        key: cert.public_key().expect("a good key").clone(),
        not_after: cert.not_after(),
        path_length: Some(0),
        self_signed: false,
        urls: IssuerUrls { crl, ..IssuerUrls::default() },
        limits: Limits::of(cert.tbs()).expect("a seed"),
    }
}

/// The lints read what our own drafting made; still nothing may make them panic.
pub fn certificate_lint(data: &[u8]) -> bool {
    static GIVEN: LazyLock<(Issuer, Vec<Profile>)> =
        LazyLock::new(|| (issuer(), BuiltIn::ALL.iter().map(|built_in| built_in.profile()).collect()));
    let (issuer, profiles) = &*GIVEN;
    let findings = |profile| {
        let context = lint::Context { profile, issuer, key: &issuer.key, now: now() };
        lint::examine(data, &context)
    };
    // Some of the profiles for each input: all of them would take too long, and lengths differ enough.
    let some = profiles.iter().skip(data.len() % 7).step_by(7);
    some.map(findings).filter(|found| found.iter().all(|one| one.lint != "der_not_canonical")).count() > 0
}

/// A finished certificate: strangers' too, for whoever checks one.
pub fn signed_lint(data: &[u8]) -> bool {
    static GIVEN: LazyLock<Issuer> = LazyLock::new(issuer);
    let verified = lint::signed::examine(data, &GIVEN, true);
    let whole = lint::signed::examine(data, &GIVEN, false);
    assert!(whole.len() >= verified.len());
    verified.iter().all(|finding| finding.lint != "sig_alg_pair")
}

pub fn crl_lint(data: &[u8]) -> bool {
    static GIVEN: LazyLock<Issuer> = LazyLock::new(issuer);
    let longest = Duration::from_secs(864_000);
    let (base, point, freshest) = (None, None, None);
    let context =
        lint::crl::CrlContext { issuer: &GIVEN, previous: Some(1), longest, entries: 3, base, point, freshest };
    !lint::crl::examine(data, &context).iter().any(|found| found.detail.contains("does not parse"))
}
