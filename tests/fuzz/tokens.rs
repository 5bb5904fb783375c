//! Time-stamp tokens of anybody, evidence records, and what time sources say.

use std::time::Duration;

use crypto_pool::path::{Anchors, Cert};
use tsa::clock::{chrony, decide, ntp, nts};
use tsa::core::digest;
use tsa::core::evidence::{self, EvidenceRecord};
use tsa::core::opened::OpenedToken;
use tsa::core::verify::{Against, Judgement, verify};

use super::{now, texts};

const FILE: &[u8] = include_bytes!("../../tsa/tests/data/data.txt");

fn against() -> Against<'static> {
    let root = Cert::from_der(include_bytes!("../../tsa/tests/data/root.cer")).expect("a certificate");
    Against { anchors: Anchors::new(vec![root]), now: Some(now()), ..Against::default() }
}

pub fn token_seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../tsa/tests/data/ec.tsr").to_vec(),
        include_bytes!("../../tsa/tests/data/ec.token").to_vec(),
        include_bytes!("../../tsa/tests/data/bare.tsr").to_vec(),
        include_bytes!("../../tsa/tests/data/rsa-v1.tsr").to_vec(),
    ]
}

/// A token, judged with everything at hand.
pub fn token(data: &[u8]) -> bool {
    let Ok(token) = OpenedToken::from_der(data) else { return false };
    let again = OpenedToken::from_der(token.der()).expect("the token without the response around it");
    assert_eq!(again.info, token.info);
    let digest = token.info.hash.map(|hash| digest::of(hash, FILE));
    let _ = verify(&token, &Against { data_digest: digest.as_deref(), ..against() });
    let _ = token.serial_hex();
    true
}

pub fn evidence_seeds() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../tsa/tests/data/data.txt.er").to_vec()]
}

pub fn evidence(data: &[u8]) -> bool {
    let Ok(record) = EvidenceRecord::from_der(data) else { return false };
    let again = EvidenceRecord::from_der(&record.to_der()).expect("what was written reads");
    assert_eq!(again.to_der(), record.to_der());
    for link in evidence::verify(&record, |hash| Some(digest::of(hash, FILE)), &against()) {
        let _ = Judgement::of(&link.findings);
    }
    let _ = record.renewal();
    true
}

pub fn ntp_seeds() -> Vec<Vec<u8>> {
    let mut packet = vec![0x24, 2, 6, 0xec, 0, 0, 0x10, 0, 0, 0, 8, 0];
    packet.extend([0; 20]);
    packet.extend([0xee, 0xab, 0xee, 0, 0x80, 0, 0, 0, 0xee, 0xab, 0xee, 0, 0xc0, 0, 0, 0]);
    vec![packet]
}

/// An answer to the request with the cookie that it itself holds: any other is thrown away at once.
pub fn ntp_answer(data: &[u8]) -> bool {
    let cookie = data.get(24..32).map_or(0, |bytes| bytes.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)));
    let Ok(answer) = ntp::answer(data, cookie) else { return false };
    let near = i128::from(now().unix_millis()) * 1_000_000;
    let (asked, heard) = (Duration::from_secs(10), Duration::from_millis(10_500));
    if let Ok(sample) = ntp::sample(0, &answer, asked, heard, near) {
        assert!(sample.uncertainty < Duration::from_secs(40), "{sample:?}");
        let era: i128 = (1 << 32) * 1_000_000_000;
        assert!((sample.utc - near).abs() <= era, "the era is the nearest");
    }
    true
}

pub fn chrony_seeds() -> Vec<Vec<u8>> {
    texts(&["C0A80001,192.168.0.1,3,1795248000.1,-0.00025,0.1,0.1,-8.1,0.001,0.05,0.004,0.0005,64.3,Normal"])
}

pub fn chrony_line(data: &[u8]) -> bool {
    let hands = decide::Hands { wall: 0, steady: Duration::ZERO };
    chrony::sample(0, super::text(data), hands).is_ok()
}

/// Records of key establishment, and the answer to a request of fixed keys, which a fuzzer cannot forge: what is
/// before the authenticator is read all the same.
pub fn nts_seeds() -> Vec<Vec<u8>> {
    let records = [0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 15, 0, 5, 0, 4, 1, 2, 3, 4, 0x80, 0, 0, 0].to_vec();
    let packet = nts::request(&unique(), &keys(), &[7; 100], 1).expect("short");
    let mut answer = ntp_seeds().concat();
    answer[24..32].copy_from_slice(&unique().timestamp.to_be_bytes());
    answer.extend(&packet[48..]);
    vec![records, answer]
}

fn unique() -> nts::Unique {
    nts::Unique { timestamp: 0x0102_0304_0506_0708, identifier: [7; 32], nonce: [9; 16] }
}

fn keys() -> nts::Keys {
    nts::Keys { ours: [1; 32].into(), servers: [1; 32].into() }
}

pub fn nts(data: &[u8]) -> bool {
    if let Ok(Some(agreed)) = nts::ke_answer(data) {
        assert!((1..=nts::COOKIES).contains(&agreed.cookies.len()) && agreed.port != Some(0));
        return true;
    }
    match nts::answer(data, &unique(), &keys()) {
        Ok((_, cookies)) => {
            assert!(cookies.len() <= nts::COOKIES);
            true
        }
        Err(_) => false,
    }
}
