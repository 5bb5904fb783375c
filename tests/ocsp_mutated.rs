//! Questions that were changed at random, over real connections: whatever comes, the responder answers, soon, and
//! with nothing but answers and refusals.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::time::{Duration, Instant};

use base64::Engine as _;
use clients::Service;
use clients::http::{Connection, get, post};
use crypto_pool::random::SeededRandom;
use ocsp::core::names::sha1;
use pki_config::Random as _;
use support::tlv;

/// How many. `YINXIN_MUTATIONS` overrides it for a longer run.
const MUTATIONS: usize = 20_000;
/// Longest an answer may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The DER of a question by SHA-1 about a serial of the issuer with these hashes, and a nonce.
fn question(name_hash: &[u8], key_hash: &[u8], serial: &[u8], nonce: Option<&[u8]>) -> Vec<u8> {
    let sha1 = tlv(0x30, &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00]);
    let id = tlv(0x30, &[sha1, tlv(0x04, name_hash), tlv(0x04, key_hash), tlv(0x02, serial)].concat());
    let list = tlv(0x30, &tlv(0x30, &id));
    let extensions = nonce.map_or_else(Vec::new, |nonce| {
        let oid = [0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];
        tlv(0xa2, &tlv(0x30, &tlv(0x30, &[&oid[..], &tlv(0x04, &tlv(0x04, nonce))].concat())))
    });
    tlv(0x30, &tlv(0x30, &[list, extensions].concat()))
}

/// Random numbers of a fixed sequence, so that what is found can be found again.
struct Dice(SeededRandom);

impl Dice {
    fn roll(&self, sides: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes).unwrap();
        usize::try_from(u64::from_le_bytes(bytes) % sides as u64).unwrap()
    }

    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.fill(&mut bytes).unwrap();
        bytes
    }

    /// One to four changes: a bit, an octet, a piece doubled, cut out or made up, an end cut off.
    fn change(&self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            let piece = 1 + self.roll(24);
            let end = bytes.len().min(at + piece);
            match self.roll(7) {
                0 => bytes[at] ^= 1 << self.roll(8),
                1 => bytes[at] = self.bytes(1)[0],
                2 => bytes[at] = [0x00, 0x30, 0x7f, 0x80, 0x84, 0xa0, 0xff][self.roll(7)],
                3 => {
                    let doubled = bytes[at..end].to_vec();
                    bytes.splice(at..at, doubled);
                }
                4 => drop(bytes.drain(at..end)),
                5 => drop(bytes.splice(at..at, self.bytes(piece))),
                _ => bytes.truncate(at),
            }
        }
    }
}

/// A request that a client could send; `changed` is its question.
fn request(dice: &Dice, changed: &[u8]) -> Vec<u8> {
    if dice.roll(2) == 0 {
        return post("/ocsp", changed);
    }
    let mut path = base64::engine::general_purpose::STANDARD.encode(changed).into_bytes();
    if dice.roll(3) == 0 {
        dice.change(&mut path);
        // RFC 3986 3.3: what cannot stand in a path is refused by HTTP itself.
        path.retain(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(byte));
    }
    get(&format!("/ocsp/{}", String::from_utf8(path).unwrap()))
}

#[test]
fn a_changed_question_gets_an_answer_or_a_refusal_within_a_second() {
    let mutations = std::env::var("YINXIN_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTATIONS);
    let service = Service::start();
    let leaf = service.issue("good.test", crypto_pool::KeyAlgorithm::P256);
    let serial =
        leaf.serial.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
    let mut serial: Vec<u8> = serial.map(Result::unwrap).collect();
    if serial[0] >= 0x80 {
        serial.insert(0, 0);
    }
    let cert = std::fs::read(leaf.issuer_file()).unwrap();
    let (name_hash, key_hash) = hashes(&cert);
    let seeds = [
        question(&name_hash, &key_hash, &serial, None),
        question(&name_hash, &key_hash, &serial, Some(&[7; 32])),
        question(&[1; 20], &[2; 20], &[3], None),
    ];
    let dice = Dice(SeededRandom::new(6960));
    let mut door = Connection::open(service.http_address());
    for seed in &seeds[..2] {
        door.send(&post("/ocsp", seed)).unwrap();
        assert!(door.receive().unwrap().body.len() > 100, "the questions to be changed are good ones");
    }
    let (mut refused, mut answered) = (0, 0);
    for turn in 0..mutations {
        let mut changed = seeds[dice.roll(seeds.len())].clone();
        dice.change(&mut changed);
        let request = request(&dice, &changed);
        let began = Instant::now();
        door.send(&request).unwrap();
        let reply = door.receive().unwrap_or_else(|error| panic!("turn {turn}: {error}: {request:02x?}"));
        let took = began.elapsed();
        assert_eq!(reply.status, 200, "turn {turn}: {}: {request:02x?}", reply.head);
        assert_eq!(reply.header("content-type"), Some("application/ocsp-response"), "turn {turn}");
        assert!(took < LIMIT, "turn {turn} took {took:?}: {request:02x?}");
        // responseStatus: the third element's content in a refusal of five octets.
        match reply.body.as_slice() {
            [0x30, 3, 0x0a, 1, 1 | 6] => refused += 1,
            [0x30, 3, 0x0a, 1, other] => panic!("turn {turn}: responseStatus {other}: {changed:02x?}"),
            _ => answered += 1,
        }
        if reply.header("connection") == Some("close") {
            door = Connection::open(service.http_address());
        }
    }
    println!("{refused} refused, {answered} answered");
    assert!(refused > mutations / 4 && answered > mutations / 50, "{refused} refused, {answered} answered");
}

/// SHA-1 of the issuer's name and of its key.
fn hashes(issuer: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let pem = String::from_utf8_lossy(issuer).into_owned();
    let body: String = pem.lines().take_while(|l| !l.contains("END")).filter(|l| !l.contains('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let cert = crypto_pool::path::Cert::from_der(&der).unwrap();
    // The BIT STRING of a key on P-256 ends in an uncompressed point.
    let point = &cert.spki()[cert.spki().len() - 65..];
    assert_eq!(point[0], 0x04);
    (sha1(cert.subject()).to_vec(), sha1(point).to_vec())
}
