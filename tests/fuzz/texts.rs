//! Small texts, configuration files and JSON bodies.

use crypto_pool::random::SeededRandom;
use crypto_pool::root_key::shares::{BadShare, Quorum, Share, ShareSet, combine, split};
use pki_config::config::Config;
use pki_config::profile::{BuiltIn, Origin, Profile};
use pki_config::{Identity, Instant, Serial};
use serde::de::DeserializeOwned;
use web::api;

use super::{text, texts};

pub fn serial_seeds() -> Vec<Vec<u8>> {
    texts(&["4F0AC1", "00:80:01", "7f0123456789abcdef0123456789abcdef", "0", "\u{0}\u{1}"])
}

pub fn serial(data: &[u8]) -> bool {
    let read = [text(data).parse::<Serial>(), Serial::from_der_content(data)];
    for serial in read.iter().flatten() {
        assert_eq!(serial.to_string().parse().as_ref(), Ok(serial));
        assert!((1..=20).contains(&serial.as_bytes().len()));
    }
    read.iter().any(Result::is_ok)
}

pub fn share_seeds() -> Vec<Vec<u8>> {
    let quorum = "2-of-3".parse().expect("a quorum");
    let set = ShareSet { id: *b"fuzz", generation: 1, quorum };
    let shares = split(&[7; 32], set, &SeededRandom::new(1)).expect("seeded");
    let mut seeds: Vec<Vec<u8>> = shares.iter().map(|share| share.to_text().as_bytes().to_vec()).collect();
    seeds.extend(texts(&["3-of-5", "16-of-16"]));
    seeds
}

/// What keepers of the root key type.
pub fn share(data: &[u8]) -> bool {
    let typed = text(data);
    if let Ok(quorum) = typed.parse::<Quorum>() {
        assert_eq!(quorum.to_string().parse(), Ok(quorum));
        return true;
    }
    let Ok(share) = Share::parse(typed) else { return false };
    let again = Share::parse(&share.to_text()).expect("what was read can be read");
    assert_eq!((again.set(), again.number()), (share.set(), share.number()));
    assert!(share.number() <= share.set().quorum.count());
    let alone = combine(std::slice::from_ref(&share)).expect_err("one share opens nothing");
    assert_eq!(alone, BadShare::TooFew { given: 1, needed: share.set().quorum.threshold() });
    true
}

pub fn digits_seeds() -> Vec<Vec<u8>> {
    texts(&["4F0AC1D29", "00:80:01:02:03", "7f0123456789abcdef0123456789abcdef", "0a 0b 0c 0d"])
}

/// What officers type to find a certificate: digits, the place in a queue.
pub fn digits(data: &[u8]) -> bool {
    let typed = text(data);
    if let Ok(place) = typed.parse::<ca::store::QueuePlace>() {
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    typed.parse::<ca::store::Digits>().is_ok()
}

pub fn instant_seeds() -> Vec<Vec<u8>> {
    texts(&["2026-11-21T08:00:00Z", "1970-01-01T00:00:00.001+08:00", "9999-12-31T23:59:59Z", "2016-12-31T23:59:60Z"])
}

pub fn instant(data: &[u8]) -> bool {
    let Ok(instant) = text(data).parse::<Instant>() else { return false };
    assert_eq!(instant.to_string().parse(), Ok(instant));
    assert_eq!(Instant::from_der_time(instant.to_der_time()), Ok(instant.whole_second()));
    true
}

pub fn profile_seeds() -> Vec<Vec<u8>> {
    BuiltIn::ALL.iter().map(|built_in| built_in.profile().source_text().as_bytes().to_vec()).collect()
}

pub fn profile(data: &[u8]) -> bool {
    let Ok(profile) = Profile::parse(text(data)) else { return false };
    let again = Profile::parse(profile.source_text()).expect("what was read can be read");
    assert_eq!(again.name(), profile.name());
    assert_eq!(again.difference(&profile).changes, []);
    let before = BuiltIn::TlsServer.profile();
    let difference = profile.difference(&before);
    // The lines that are not only of the one text make the other.
    let of = |left_out| difference.lines.iter().filter(move |line| line.origin != left_out).map(|line| &line.text[..]);
    assert!(of(Origin::Before).eq(profile.source_text().lines()) && of(Origin::After).eq(before.source_text().lines()));
    let _ = profile.check_proposal();
    true
}

pub fn identity_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "resident-card:11010519491231002X,passport:E12345678",
        "credit-code:91350100M000100Y43,organisation-code:D2143569-X",
        "military-card:\u{53c2}1,social-insurance:1,business-registration:2,taxation:3",
    ])
}

pub fn identity(data: &[u8]) -> bool {
    let Ok(numbers) = text(data).parse::<Identity>() else { return false };
    assert_eq!(numbers.to_string().parse(), Ok(numbers.clone()));
    // Every number that is taken has a form in every profile that takes its kind.
    for built_in in [BuiltIn::Person, BuiltIn::Organisation] {
        let profile = built_in.profile();
        for rule in &profile.rules().identity {
            let der = numbers.get(rule.kind).map(|number| rule.to_der(number));
            assert!(der.is_none_or(|der| der.len() <= 3 * 32 + 6));
        }
    }
    true
}

pub fn config_seeds() -> Vec<Vec<u8>> {
    let default = toml::to_string(&Config::default()).expect("a configuration has a TOML form");
    let mut seeds = texts(&["", "[web]\npublic_url = \"http://ca.example.cn\"\n[audit]\n"]);
    seeds.push(default.into_bytes());
    seeds
}

pub fn config(data: &[u8]) -> bool {
    let Ok(config) = Config::from_toml(text(data)) else { return false };
    let _ = (config.check().is_ok(), config.public_url());
    true
}

pub fn api_seeds() -> Vec<Vec<u8>> {
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

pub fn mail_seeds() -> Vec<Vec<u8>> {
    texts(&["220 ready", "250-mail.example.cn\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME", "550 5.1.1 no"])
}

/// What a mail server answers, line by line.
pub fn mail_reply(data: &[u8]) -> bool {
    let mut reply = web::mail::Reply::default();
    for line in data.split(|octet| *octet == b'\n') {
        match reply.take(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok(true) => {
                assert!((200..600).contains(&reply.code()) && !reply.said().contains(|c: char| c.is_control()));
                let _ = reply.ability("AUTH");
                return true;
            }
            Ok(false) => {}
            Err(_) => return false,
        }
    }
    false
}

/// One body as every request of the contract, as the edge reads it: from the bytes.
pub fn api_body(data: &[u8]) -> bool {
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
        read::<api::RootAsk>,
        read::<api::RootRotate>,
        read::<api::RootReseal>,
        read::<api::RootConfirm>,
        read::<api::AcceptClock>,
        read::<api::BackupAsk>,
        read::<api::ErrorRef>,
        read::<api::Receipt>,
        read::<api::Problem>,
    ];
    all.iter().filter(|read| read(data)).count() > 0
}
