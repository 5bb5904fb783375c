//! `yinxin ocsp` against a whole service, and nginx that staples what it wrote.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../../tests/clients/mod.rs"]
mod clients;
#[path = "../../tests/judges/mod.rs"]
mod judges;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use clients::{Leaf, Nginx, Running, Service, Site, Stapling};
use crypto_pool::KeyAlgorithm;
use judges::{OpenSsl, capture};
use serde_json::Value;

fn yinxin(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yinxin"));
    command.env("LC_ALL", "C").args(words);
    command
}

fn run(words: &[&str]) -> Output {
    yinxin(words).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_query_tells_good_from_revoked_in_words_and_by_its_exit_status() {
    let service = Service::start();
    for algorithm in [KeyAlgorithm::Sm2, KeyAlgorithm::P256] {
        let leaf = service.issue(&format!("{algorithm}.test"), algorithm);
        for hash in ["sha1", "sha256", "sm3"] {
            // A folder as `issue` writes it: the issuer is in chain.pem, the responder in the certificate.
            let asked = run(&["ocsp", "query", text(leaf.folder()), "--nonce", "--hash", hash, "--json"]);
            let said: Value = serde_json::from_slice(&asked.stdout).unwrap();
            assert_eq!((asked.status.code(), said["status"].as_str()), (Some(0), Some("good")), "{said}");
            assert_eq!(said["serial"], leaf.serial);
        }
        service.revoke(&leaf);
        let asked = run(&["ocsp", "query", text(&leaf.cert())]);
        let said = String::from_utf8(asked.stdout).unwrap();
        assert_eq!(asked.status.code(), Some(1), "{said}");
        assert!(said.contains("revoked") && said.contains("keyCompromise"), "{said}");
    }
    let leaf = service.issue("foreign.test", KeyAlgorithm::P256);
    let asked = run(&["ocsp", "query", text(&leaf.cert()), "--url", "http://127.0.0.1:9/ocsp"]);
    assert_eq!(asked.status.code(), Some(2), "nobody answers, which is not the same as revoked");
}

#[test]
fn only_a_good_answer_is_written_and_an_old_one_stays() {
    let service = Service::start();
    let leaf = service.issue("a.test", KeyAlgorithm::P256);
    let out = service.scratch("out").join("a.ocsp");
    assert!(run(&["ocsp", "staple", text(&leaf.cert()), "-o", text(&out)]).status.success());
    let first = std::fs::read(&out).unwrap();
    service.revoke(&leaf);
    let again = run(&["ocsp", "staple", text(&leaf.cert()), "-o", text(&out)]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("was revoked"), "{again:?}");
    assert_eq!(std::fs::read(&out).unwrap(), first);
}

/// What `openssl s_client` sees in its very first handshake.
fn first_handshake(port: u16, leaf: &Leaf) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-status", "-connect", &format!("127.0.0.1:{port}"), "-servername", &leaf.host]);
    capture(command.arg("-CAfile").arg(leaf.root())).unwrap().output()
}

#[test]
fn nginx_staples_the_file_from_the_first_handshake_on_and_takes_a_new_one() {
    let (Some(program), Some(_)) = (Nginx::find(), OpenSsl::find()) else { return };
    let service = Service::start();
    let leaf = service.issue("stapled.test", KeyAlgorithm::P256);
    let folder = service.scratch("nginx");
    let out = folder.join("answer.ocsp");
    assert!(run(&["ocsp", "staple", text(leaf.folder()), "-o", text(&out)]).status.success());
    let nginx = Nginx::start(&program, &folder, &[Site { leaf: &leaf, stapling: Stapling::File(out.clone()) }]);
    let seen = first_handshake(nginx.port(0), &leaf);
    assert!(seen.contains("OCSP Response Status: successful") && seen.contains("Cert Status: good"), "{seen}");

    // Watching begins with a fresh answer, and has nginx take it.
    std::fs::remove_file(&out).unwrap();
    let marker = folder.join("reloaded");
    let reload = format!("{} && touch {}", nginx.reload_command(), marker.display());
    let mut watch = yinxin(&["ocsp", "staple", text(&leaf.cert()), "-o", text(&out), "--watch", "--reload", &reload]);
    let _watching = Running::start(&mut watch, &folder.join("watch.log"));
    let end = Instant::now() + Duration::from_secs(20);
    while !marker.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(out.exists() && marker.exists(), "{}", std::fs::read_to_string(folder.join("watch.log")).unwrap());
    let seen = first_handshake(nginx.port(0), &leaf);
    assert!(seen.contains("Cert Status: good"), "{seen}");
}
