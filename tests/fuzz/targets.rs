//! Every parser of outside bytes, as a function from bytes that must not panic.
//!
//! Two programs include this file: `tests/fuzz_smoke.rs`, which runs in every `cargo test` with
//! seeds and thousands of deterministic mutations, and `tests/fuzz/main.rs`, which gives the
//! functions to libFuzzer. To add a parser: a function, a row in [`TARGETS`], seeds that parse.
//!
//! What parses is also put through its other form and back: a value that changes on the way is a
//! fault as much as a panic is.

use crypto_pool::path::{Anchors, Cert, Crl, Options, Revocation, examine};
use crypto_pool::{PublicKey, SignatureAlgorithm};
use engine::sm2::Signature;
use pki_config::config::Config;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::profile::{BuiltIn, Profile};
use pki_config::{Instant, Serial};
use serde::de::DeserializeOwned;
use web::api;

/// A parser, and inputs from which to start.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether the bytes parse. Must not panic, whatever they are.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that parse, and words from which a fuzzer may make others.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "api", run: api_body, seeds: api_seeds },
    Target { name: "certificate", run: certificate, seeds: certificate_seeds },
    Target { name: "config", run: config, seeds: config_seeds },
    Target { name: "crl", run: crl, seeds: || vec![CRL.to_vec()] },
    Target { name: "instant", run: instant, seeds: instant_seeds },
    Target { name: "name_der", run: name_der, seeds: name_der_seeds },
    Target { name: "name_text", run: name_text, seeds: name_text_seeds },
    Target { name: "path", run: path, seeds: path_seeds },
    Target { name: "profile", run: profile, seeds: profile_seeds },
    Target { name: "public_key", run: public_key, seeds: public_key_seeds },
    Target { name: "san_der", run: san_der, seeds: san_der_seeds },
    Target { name: "san_text", run: san_text, seeds: san_text_seeds },
    Target { name: "serial", run: serial, seeds: serial_seeds },
    Target { name: "signature", run: signature, seeds: signature_seeds },
];

const ROOT: &[u8] = include_bytes!("seeds/sm2-root.cer");
const ISSUING: &[u8] = include_bytes!("seeds/sm2-issuing.cer");
const LEAF: &[u8] = include_bytes!("seeds/sm2-leaf.cer");
const CRL: &[u8] = include_bytes!("seeds/sm2.crl");
const OTHERS: [&[u8]; 4] = [
    include_bytes!("seeds/ec.cer"),
    include_bytes!("seeds/p384.cer"),
    include_bytes!("seeds/rsa.cer"),
    include_bytes!("seeds/ed25519.cer"),
];

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Inputs that are no UTF-8 never reach a parser of text.
fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

// ---- certificates, CRLs, paths ----

fn certificate_seeds() -> Vec<Vec<u8>> {
    [ROOT, ISSUING, LEAF].into_iter().chain(OTHERS).map(<[u8]>::to_vec).collect()
}

fn certificate(data: &[u8]) -> bool {
    let Ok(cert) = Cert::from_der(data) else { return false };
    assert_eq!(cert.der(), data, "the bytes received are the bytes kept");
    for part in [cert.tbs(), cert.serial(), cert.issuer(), cert.subject(), cert.spki(), cert.signature()] {
        assert!(part.len() <= data.len());
    }
    let _ = (cert.not_before(), cert.not_after(), cert.extensions(), cert.algorithm(), cert.is_self_issued());
    let _ = DistinguishedName::from_der(cert.subject());
    let _ = Serial::from_der_content(cert.serial());
    if let Ok(key) = cert.public_key() {
        let _ = cert.is_signed_by(key);
    }
    true
}

fn crl(data: &[u8]) -> bool {
    let Ok(crl) = Crl::from_der(data) else { return false };
    assert_eq!(crl.der(), data, "the bytes received are the bytes kept");
    let _ = (crl.issuer(), crl.this_update(), crl.next_update(), crl.number(), crl.authority_key_id());
    let entries = crl.entries().take(1000).count();
    if let Some(first) = crl.entries().next() {
        assert!(entries > 0 && crl.find(first.serial).is_some(), "what is listed is found");
    }
    true
}

fn path_seeds() -> Vec<Vec<u8>> {
    let [ec, ..] = OTHERS;
    vec![[LEAF, ISSUING, ROOT, CRL].concat(), [LEAF, ISSUING, ROOT].concat(), [ec, ec].concat(), [LEAF, ROOT].concat()]
}

/// Objects one after another: the first certificate is the leaf, the last one the anchor.
fn path(data: &[u8]) -> bool {
    let (mut certs, mut crls) = (Vec::new(), Vec::new());
    let mut rest = data;
    while let Some((object, after)) = split_der(rest) {
        rest = after;
        match Cert::from_der(object) {
            Ok(cert) => certs.push(cert),
            Err(_) => crls.extend(Crl::from_der(object)),
        }
    }
    let (Some(leaf), Some(anchor)) = (certs.first(), certs.last()) else { return false };
    let at: Instant = "2030-01-01T00:00:00Z".parse().expect("a time");
    let anchors = Anchors::new(vec![anchor.clone()]);
    for revocation in [Revocation::Ignored, Revocation::Required] {
        let options = Options { revocation, crls: &crls, ..Options::default() };
        let _ = examine(leaf, &certs[1..], &anchors, at, &options).is_valid();
    }
    true
}

/// The first DER object of `data`, and what follows it. Lengths of one, two and three octets.
fn split_der(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = match *data {
        [_, short @ 0..=0x7f, ..] => (2, usize::from(short)),
        [_, 0x81, length, ..] => (3, usize::from(length)),
        [_, 0x82, high, low, ..] => (4, usize::from(high) << 8 | usize::from(low)),
        _ => return None,
    };
    data.split_at_checked(header + length)
}

// ---- keys and signatures ----

fn public_key_seeds() -> Vec<Vec<u8>> {
    certificate_seeds().iter().filter_map(|der| Some(Cert::from_der(der).ok()?.spki().to_vec())).collect()
}

fn public_key(data: &[u8]) -> bool {
    let Ok(key) = PublicKey::from_spki(data) else { return false };
    assert_eq!(key.spki_der(), data, "a key has one encoding");
    let _ = key.key_id();
    let algorithm = SignatureAlgorithm::for_key(key.algorithm());
    // The odds that a stray text is a signature are those of forging one.
    assert!(!key.verify(algorithm, b"message", data), "no signature, and accepted");
    true
}

fn signature_seeds() -> Vec<Vec<u8>> {
    let signatures =
        [ROOT, ISSUING, LEAF].iter().filter_map(|der| Some(Cert::from_der(der).ok()?.signature().to_vec()));
    // r = s = 1, and r with and without the octet that keeps it positive.
    signatures.chain([vec![0x30, 6, 2, 1, 1, 2, 1, 1], vec![0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]]).collect()
}

fn signature(data: &[u8]) -> bool {
    let Ok(signature) = Signature::from_der(data) else { return false };
    assert_eq!(signature.to_der(), data, "a signature has one encoding");
    let again = Signature::from_raw(&signature.to_raw()).expect("what was read is in range");
    assert_eq!(again.to_der(), data);
    true
}

// ---- names ----

fn name_text_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "CN=www.example.cn,O=示例,L=杭州市,ST=浙江省,C=CN",
        "C=CN, O=\"Example, Ltd\", OU=one, OU=two, CN=a\\,b\\20c",
        "CN=#0c0161,2.5.4.10=x,emailAddress=a@example.cn,DC=example,DC=cn",
        "SERIALNUMBER=123,SN=Zhang,GN=San,STREET=s,postalCode=310000",
        "",
    ])
}

fn name_text(data: &[u8]) -> bool {
    text(data).parse::<DistinguishedName>().is_ok_and(|name| name_survives(&name))
}

fn name_der_seeds() -> Vec<Vec<u8>> {
    certificate_seeds().iter().filter_map(|der| Some(Cert::from_der(der).ok()?.subject().to_vec())).collect()
}

fn name_der(data: &[u8]) -> bool {
    DistinguishedName::from_der(data).is_ok_and(|name| name_survives(&name))
}

fn name_survives(name: &DistinguishedName) -> bool {
    assert_eq!(name.to_string().parse().as_ref(), Ok(name), "through text");
    assert_eq!(DistinguishedName::from_der(&name.to_der()).as_ref(), Ok(name), "through DER");
    assert!(name.matches(name));
    true
}

fn san_text_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "dns:www.example.cn,dns:*.example.cn,ip:192.0.2.1,ip:2001:db8::1,email:a@example.cn",
        "uri:https://example.cn/a?b=c#d, DNS:XN--FSQU00A.example.cn",
        "ip:::ffff:192.0.2.1",
    ])
}

fn san_text(data: &[u8]) -> bool {
    text(data).parse::<SubjectAltName>().is_ok_and(|names| names_survive(&names))
}

fn san_der_seeds() -> Vec<Vec<u8>> {
    let from_text =
        san_text_seeds().into_iter().filter_map(|seed| text(&seed).parse::<SubjectAltName>().ok()?.to_der());
    let of_leaf = Cert::from_der(LEAF).ok().and_then(|cert| cert.extensions().subject_alt_name.clone());
    from_text.chain(of_leaf).collect()
}

fn san_der(data: &[u8]) -> bool {
    SubjectAltName::from_der(data).is_ok_and(|names| names_survive(&names))
}

fn names_survive(names: &SubjectAltName) -> bool {
    if let Some(der) = names.to_der() {
        assert_eq!(SubjectAltName::from_der(&der).as_ref(), Ok(names), "through DER");
    }
    // A URI may hold a comma, which stands between names in text; that form is not for it.
    let shown = names.to_string();
    if shown.matches(',').count() + 1 == names.entries().len() {
        assert_eq!(shown.parse().as_ref(), Ok(names), "through text");
    }
    true
}

// ---- small texts ----

fn serial_seeds() -> Vec<Vec<u8>> {
    texts(&["4F0AC1", "00:80:01", "7f0123456789abcdef0123456789abcdef", "0", "\u{0}\u{1}"])
}

fn serial(data: &[u8]) -> bool {
    let read = [text(data).parse::<Serial>(), Serial::from_der_content(data)];
    for serial in read.iter().flatten() {
        assert_eq!(serial.to_string().parse().as_ref(), Ok(serial));
        assert!((1..=20).contains(&serial.as_bytes().len()));
    }
    read.iter().any(Result::is_ok)
}

fn instant_seeds() -> Vec<Vec<u8>> {
    texts(&["2026-11-21T08:00:00Z", "1970-01-01T00:00:00.001+08:00", "9999-12-31T23:59:59Z", "2016-12-31T23:59:60Z"])
}

fn instant(data: &[u8]) -> bool {
    let Ok(instant) = text(data).parse::<Instant>() else { return false };
    assert_eq!(instant.to_string().parse(), Ok(instant));
    assert_eq!(Instant::from_der_time(instant.to_der_time()), Ok(instant.whole_second()));
    true
}

// ---- files and bodies ----

fn profile_seeds() -> Vec<Vec<u8>> {
    BuiltIn::ALL.iter().map(|built_in| built_in.profile().source_text().as_bytes().to_vec()).collect()
}

fn profile(data: &[u8]) -> bool {
    let Ok(profile) = Profile::parse(text(data)) else { return false };
    let again = Profile::parse(profile.source_text()).expect("what was read can be read");
    assert_eq!(again.name(), profile.name());
    true
}

fn config_seeds() -> Vec<Vec<u8>> {
    let default = toml::to_string(&Config::default()).expect("a configuration has a TOML form");
    let mut seeds = texts(&["", "[web]\npublic_url = \"http://ca.example.cn\"\n[audit]\n"]);
    seeds.push(default.into_bytes());
    seeds
}

fn config(data: &[u8]) -> bool {
    let Ok(config) = Config::from_toml(text(data)) else { return false };
    let _ = (config.check().is_ok(), config.public_url());
    true
}

fn api_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "{\"csr\":\"MIIB\",\"subject\":\"CN=a,C=CN\",\"sans\":[\"dns:www.example.cn\"],\"profile\":\"tls-server\",\
         \"issuer\":\"sm2-issuing\",\"days\":90}",
        "{\"request\":\"00112233445566778899aabbccddeeff\",\"reason\":\"no\"}",
        "{\"serial\":\"4F0AC1\",\"issuer\":null,\"reason\":\"key-compromise\",\"invalidity\":\"2026-01-01T00:00:00Z\"}",
        "{\"version\":1,\"entry\":\"MAA=\",\"seq\":0,\"path\":[\"AA==\"],\"checkpoint\":\"MAA=\",\
         \"log_certificate\":\"\",\"log_chain\":\"\"}",
        "{}",
    ])
}

/// One body as every request of the contract, as the edge reads it: from the bytes.
fn api_body(data: &[u8]) -> bool {
    fn read<T: DeserializeOwned>(data: &[u8]) -> bool {
        serde_json::from_slice::<T>(data).is_ok()
    }
    let all = [
        read::<api::Nothing>,
        read::<api::CertRequest>,
        read::<api::RequestRef>,
        read::<api::Reject>,
        read::<api::CertRef>,
        read::<api::Revoke>,
        read::<api::CertQuery>,
        read::<api::IssuerRef>,
        read::<api::OfficerAdd>,
        read::<api::OfficerClaim>,
        read::<api::OfficerRef>,
        read::<api::AuditVerify>,
        read::<api::AuditProof>,
        read::<api::AuditExport>,
        read::<api::Unseal>,
        read::<api::AcceptClock>,
        read::<api::BackupAsk>,
        read::<api::ErrorRef>,
        read::<api::Receipt>,
        read::<api::Problem>,
    ];
    all.iter().filter(|read| read(data)).count() > 0
}
