//! What other people's programs make of our time-stamps: OpenSSL, rfc3161-client, pyHanko and osslsigncode of those
//! with ECDSA, BouncyCastle of both kinds; and that none of them takes one with a flipped bit.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use clients::http::Connection;
use clients::{Service, program};
use crypto_pool::{KeyAlgorithm, OsRandom};
use judges::{BouncyCastle, OpenSsl, PythonStamps, capture, fact};
use serde_json::json;

/// A file, and where its question and answer go.
struct Asked {
    data: PathBuf,
    question: PathBuf,
    answer: PathBuf,
}

impl Asked {
    fn new(service: &Service) -> Self {
        let folder = service.scratch("stamp");
        let [data, question, answer] = ["data", "question.tsq", "answer.tsr"].map(|name| folder.join(name));
        std::fs::write(&data, "what was there before\n").unwrap();
        Self { data, question, answer }
    }

    /// Sends the question and keeps the answer.
    fn send(&self, service: &Service, path: &str) {
        let question = std::fs::read(&self.question).unwrap();
        let url = format!("{}{path}", service.http);
        let (status, kind, body) = stamp(&url, &question);
        assert_eq!((status, kind.as_str()), (200, "application/timestamp-reply"));
        std::fs::write(&self.answer, body).unwrap();
    }

    /// The answer with one bit of its last octets flipped: those are the signature's.
    fn flipped(&self) -> PathBuf {
        let mut bytes = std::fs::read(&self.answer).unwrap();
        let place = bytes.len() - 6;
        bytes[place] ^= 1;
        let path = self.answer.with_file_name("flipped.tsr");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// One request over plain http: status, content type, body.
fn stamp(url: &str, question: &[u8]) -> (u16, String, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/timestamp-query\r\nContent-Length: {}\r\n\r\n",
        question.len()
    );
    let mut connection = Connection::open(host);
    connection.send(&[head.as_bytes(), question].concat()).unwrap();
    let reply = connection.receive().unwrap();
    (reply.status, reply.header("content-type").unwrap_or_default().to_owned(), reply.body)
}

fn openssl(arguments: &[&std::ffi::OsStr]) -> judges::Run {
    capture(Command::new("openssl").args(arguments)).unwrap()
}

fn openssl_asks(asked: &Asked, hash: &str) {
    let words = ["ts".as_ref(), "-query".as_ref(), "-data".as_ref(), asked.data.as_os_str(), hash.as_ref()];
    let more = ["-cert".as_ref(), "-out".as_ref(), asked.question.as_os_str()];
    let run = openssl(&[&words[..], &more].concat());
    assert_eq!(run.code, Some(0), "{}", run.output());
}

fn openssl_verifies(asked: &Asked, answer: &Path, root: &Path) -> bool {
    let words = ["ts".as_ref(), "-verify".as_ref(), "-in".as_ref(), answer.as_os_str()];
    let more = ["-queryfile".as_ref(), asked.question.as_os_str(), "-CAfile".as_ref(), root.as_os_str()];
    let run = openssl(&[&words[..], &more].concat());
    let said = run.output().contains("Verification: OK");
    assert_eq!(said, run.code == Some(0), "{}", run.output());
    said
}

#[test]
fn openssl_accepts_every_sha2_and_refuses_a_flipped_bit() {
    let Some(_) = OpenSsl::find() else { return };
    let service = Service::start();
    let asked = Asked::new(&service);
    let root = service.root("ec-root");
    for hash in ["-sha256", "-sha384", "-sha512"] {
        openssl_asks(&asked, hash);
        for path in ["/tsa", "/tsa/ec"] {
            asked.send(&service, path);
            assert!(openssl_verifies(&asked, &asked.answer, &root), "{hash} {path}");
        }
    }
    assert!(!openssl_verifies(&asked, &asked.flipped(), &root));
    assert!(!openssl_verifies(&asked, &asked.answer, &service.root("sm2-root")), "another root");
    openssl_asks(&asked, "-sha256");
    assert!(!openssl_verifies(&asked, &asked.answer, &root), "the answer to another question");
}

#[test]
fn python_clients_accept_the_ecdsa_token_and_refuse_a_flipped_bit() {
    let (Some(python), Some(_)) = (PythonStamps::find(), OpenSsl::find()) else { return };
    let service = Service::start();
    let asked = Asked::new(&service);
    let (root, other) = (service.root("ec-root"), service.root("sm2-root"));
    openssl_asks(&asked, "-sha256");
    asked.send(&service, "/tsa");
    let changed = asked.data.with_file_name("changed");
    std::fs::write(&changed, "what was there afterwards\n").unwrap();
    for name in PythonStamps::BOTH {
        let said = python.judge(name, &asked.data, &asked.answer, &root).must_accept(name);
        assert!(fact(&said, "time").starts_with("20"), "{said}");
        python.judge(name, &asked.data, &asked.flipped(), &root).must_refuse(name);
        python.judge(name, &changed, &asked.answer, &root).must_refuse(name);
        // rfc3161-client reads no SM2 certificate; either way it must not say yes.
        let under_another = python.judge(name, &asked.data, &asked.answer, &other);
        assert!(!matches!(under_another, judges::Verdict::Accepts(_)), "{name}: {under_another:?}");
    }
}

#[test]
fn bouncy_castle_accepts_both_kinds_and_refuses_a_flipped_bit() {
    let Some(bc) = BouncyCastle::find() else { return };
    let service = Service::start();
    let asked = Asked::new(&service);
    for (hash, path, issuer) in [
        ("sm3", "/tsa", "sm2-issuing"),
        ("sm3", "/tsa/ec", "ec-issuing"),
        ("sha256", "/tsa/sm2", "sm2-issuing"),
        ("sha256", "/tsa", "ec-issuing"),
    ] {
        let pem = service.scratch("stamp").join("issuer.pem");
        std::fs::write(&pem, published(&service, &format!("/ca/{issuer}.pem"))).unwrap();
        bc.stamp_question(hash, &asked.data, &asked.question);
        asked.send(&service, path);
        let said = bc.stamp_answer(&asked.question, &asked.answer, &pem).must_accept(path);
        assert!(fact(&said, "time").ends_with('Z'), "{said}");
        bc.stamp_answer(&asked.question, &asked.flipped(), &pem).must_refuse(path);
        bc.stamp_question(hash, &asked.data, &asked.question);
        bc.stamp_answer(&asked.question, &asked.answer, &pem).must_refuse("the answer to another question");
    }
}

/// A published file.
fn published(service: &Service, path: &str) -> Vec<u8> {
    let mut connection = Connection::open(service.http_address());
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    connection.receive().unwrap().body
}

/// The least Windows program there is: DOS header, PE32 headers, one section of one instruction. By hand after the
/// PE specification, so that nobody's program lies in the tests.
fn least_program() -> Vec<u8> {
    let mut file = vec![0_u8; 0x400];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &0x80_u32.to_le_bytes());
    put(0x80, b"PE\0\0");
    // COFF: i386, one section, 224 octets of optional header, executable and 32-bit.
    put(0x84, &0x014c_u16.to_le_bytes());
    put(0x86, &1_u16.to_le_bytes());
    put(0x94, &0xe0_u16.to_le_bytes());
    put(0x96, &0x0102_u16.to_le_bytes());
    // Optional header: PE32, entry at 0x1000, base 0x400000, sections of 0x1000 in memory and 0x200 in the file.
    put(0x98, &0x010b_u16.to_le_bytes());
    put(0x98 + 4, &0x200_u32.to_le_bytes());
    put(0x98 + 16, &0x1000_u32.to_le_bytes());
    put(0x98 + 20, &0x1000_u32.to_le_bytes());
    put(0x98 + 28, &0x40_0000_u32.to_le_bytes());
    put(0x98 + 32, &0x1000_u32.to_le_bytes());
    put(0x98 + 36, &0x200_u32.to_le_bytes());
    put(0x98 + 40, &4_u16.to_le_bytes());
    put(0x98 + 48, &4_u16.to_le_bytes());
    put(0x98 + 56, &0x2000_u32.to_le_bytes());
    put(0x98 + 60, &0x200_u32.to_le_bytes());
    put(0x98 + 68, &3_u16.to_le_bytes());
    put(0x98 + 92, &16_u32.to_le_bytes());
    // The section.
    put(0x178, b".text");
    put(0x178 + 8, &1_u32.to_le_bytes());
    put(0x178 + 12, &0x1000_u32.to_le_bytes());
    put(0x178 + 16, &0x200_u32.to_le_bytes());
    put(0x178 + 20, &0x200_u32.to_le_bytes());
    put(0x178 + 36, &0x6000_0020_u32.to_le_bytes());
    put(0x200, &[0xc3]);
    file
}

#[test]
fn osslsigncode_signs_a_program_with_our_certificate_and_our_time_stamp() {
    let Some(tool) = program("osslsigncode", "osslsigncode") else { return };
    let service = Service::start();
    let folder = service.scratch("code");
    let file = |name: &str| folder.join(name);
    let (csr, key) = support::csr(KeyAlgorithm::P256, &OsRandom::open().unwrap());
    let csr = base64::engine::general_purpose::STANDARD.encode(csr);
    let subject = "CN=Example Software,O=Example,C=CN";
    let issued = service.call("cert/issue", &json!({ "csr": csr, "profile": "code-signing", "subject": subject }));
    let text = |name: &str| issued[name].as_str().unwrap().to_owned();
    std::fs::write(file("cert.pem"), text("certificate") + &text("chain")).unwrap();
    std::fs::write(file("key.pem"), support::pem("PRIVATE KEY", &key)).unwrap();
    std::fs::write(file("plain.exe"), least_program()).unwrap();
    let url = format!("{}/tsa", service.http);
    let mut sign = Command::new(&tool);
    sign.args(["sign", "-h", "sha256", "-ts", &url, "-certs"]).arg(file("cert.pem")).arg("-key").arg(file("key.pem"));
    let run = capture(sign.arg("-in").arg(file("plain.exe")).arg("-out").arg(file("signed.exe"))).unwrap();
    assert_eq!(run.code, Some(0), "{}", run.output());

    let root = service.root("ec-root");
    let verify = |name: &str| {
        let mut verify = Command::new(&tool);
        verify.arg("verify").arg("-in").arg(file(name)).arg("-CAfile").arg(&root).arg("-TSA-CAfile").arg(&root);
        capture(&mut verify).unwrap()
    };
    let run = verify("signed.exe");
    let said = run.output();
    assert_eq!(run.code, Some(0), "{said}");
    assert!(said.contains("Timestamp Server Signature verification: ok"), "{said}");
    assert!(said.contains("Signature verification: ok"), "{said}");

    let mut bytes = std::fs::read(file("signed.exe")).unwrap();
    // The time-stamp stands at the end, before the padding.
    let last = bytes.iter().rposition(|octet| *octet != 0).unwrap();
    bytes[last - 4] ^= 1;
    std::fs::write(file("flipped.exe"), bytes).unwrap();
    let run = verify("flipped.exe");
    let said = run.output();
    assert!(run.code != Some(0) || said.contains("verification: failed"), "{said}");
}
