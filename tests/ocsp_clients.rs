//! What browsers, web servers and other people's programs make of our answers: a certificate that is good
//! loads, a revoked one does not.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "clients/mod.rs"]
mod clients;
#[path = "judges/mod.rs"]
mod judges;
mod support;

use std::path::Path;
use std::process::Command;

use clients::http::{Connection, post};
use clients::{Chromium, Firefox, Leaf, Nginx, Service, Site, Stapling, program};
use crypto_pool::KeyAlgorithm;
use judges::{BouncyCastle, OpenSsl, Pkilint, capture, fact};

const EC: KeyAlgorithm = KeyAlgorithm::P256;

/// A good and a revoked certificate of a web server.
fn pair(service: &Service) -> (Leaf, Leaf) {
    let (good, revoked) = (service.issue("good.test", EC), service.issue("revoked.test", EC));
    service.revoke(&revoked);
    (good, revoked)
}

/// nginx that serves both without stapling, so that browsers must ask.
fn unstapled(program: &Path, service: &Service, good: &Leaf, revoked: &Leaf) -> Nginx {
    let sites = [good, revoked].map(|leaf| Site { leaf, stapling: Stapling::Off });
    Nginx::start(program, &service.scratch("nginx"), &sites)
}

#[test]
fn firefox_loads_what_is_good_and_shows_what_is_revoked() {
    let (Some(firefox), Some(nginx)) = (Firefox::find(), Nginx::find()) else { return };
    let service = Service::start();
    let (good, revoked) = pair(&service);
    let nginx = unstapled(&nginx, &service, &good, &revoked);
    let hosts = ["good.test", "revoked.test"];
    let mut firefox = Firefox::start(&firefox, &service.scratch("firefox"), &service.root("ec-root"), &hosts);
    let page = firefox.open(&format!("https://good.test:{}/", nginx.port(0)));
    assert_eq!(page.as_deref(), Ok("nginx here"));
    let page = firefox.open(&format!("https://revoked.test:{}/", nginx.port(1)));
    assert_eq!(page, Err("SEC_ERROR_REVOKED_CERTIFICATE".to_owned()));
}

#[test]
fn chromium_that_asks_loads_what_is_good_and_shows_what_is_revoked() {
    let (Some(chromium), Some(nginx)) = (Chromium::find(), Nginx::find()) else { return };
    let service = Service::start();
    let (good, revoked) = pair(&service);
    let nginx = unstapled(&nginx, &service, &good, &revoked);
    let mut chromium = Chromium::prepare(&chromium, &service.scratch("chromium"), &service.root("ec-root"));
    let page = chromium.open(&format!("https://good.test:{}/", nginx.port(0)));
    assert!(page.contains("nginx here"), "{page}");
    let page = chromium.open(&format!("https://revoked.test:{}/", nginx.port(1)));
    assert!(page.contains("ERR_CERT_REVOKED"), "{page}");
}

/// What `openssl s_client` sees stapled.
fn stapled(port: u16, leaf: &Leaf) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-status", "-connect", &format!("127.0.0.1:{port}"), "-servername", &leaf.host]);
    command.arg("-CAfile").arg(leaf.root());
    capture(&mut command).unwrap().output()
}

#[test]
fn nginx_asks_and_staples_what_is_good_and_never_what_is_revoked() {
    let (Some(nginx), Some(_)) = (Nginx::find(), OpenSsl::find()) else { return };
    let service = Service::start();
    let (good, revoked) = pair(&service);
    let sites = [&good, &revoked].map(|leaf| Site { leaf, stapling: Stapling::Asks });
    let nginx = Nginx::start(&nginx, &service.scratch("nginx"), &sites);
    // It asks when the first client comes, who gets nothing stapled yet.
    let mut seen = String::new();
    for _ in 0..50 {
        seen = stapled(nginx.port(0), &good);
        if seen.contains("Cert Status: good") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(seen.contains("Cert Status: good"), "{seen}");
    for _ in 0..3 {
        let seen = stapled(nginx.port(1), &revoked);
        assert!(seen.contains("OCSP response: no response sent"), "{seen}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let log = std::fs::read_to_string(service.folder.path().join("nginx/error.log")).unwrap();
    assert!(log.contains("certificate status \"revoked\""), "nginx asked, and was told: {log}");
}

/// `openssl ocsp` about a certificate, or a serial number, of the issuer of `leaf`.
fn openssl_ocsp(service: &Service, leaf: &Leaf, about: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-url", &service.ocsp(), "-CAfile"]).arg(leaf.root());
    let run = capture(command.arg("-issuer").arg(leaf.issuer_file()).args(about)).unwrap();
    run.output()
}

#[test]
fn openssl_believes_good_revoked_and_unknown_with_a_nonce_and_without() {
    let Some(_) = OpenSsl::find() else { return };
    let service = Service::start();
    let (good, revoked) = pair(&service);
    let path = |leaf: &Leaf| leaf.cert().display().to_string();
    for nonce in ["-nonce", "-no_nonce"] {
        for hash in ["-sha1", "-sha256"] {
            let about = |cert: &str| openssl_ocsp(&service, &good, &[hash, "-cert", cert, nonce]);
            let said = about(&path(&good));
            assert!(said.contains("Response verify OK") && said.contains("cert.pem: good"), "{nonce} {hash}: {said}");
            assert!(!said.contains("WARNING"), "no nonce came back: {said}");
            let said = about(&path(&revoked));
            assert!(said.contains("Response verify OK") && said.contains("cert.pem: revoked"), "{said}");
            assert!(said.contains("Reason: keyCompromise"), "{said}");
        }
        let said = openssl_ocsp(&service, &good, &["-serial", "0x123456789ABCDEF", nonce]);
        assert!(said.contains("Response verify OK") && said.contains("0x123456789ABCDEF: unknown"), "{said}");
    }
    // The issuing authority's own certificate, answered for by the root's responder.
    let said = openssl_ocsp(&service, &good, &["-cert", good.issuer_file().to_str().unwrap()]);
    assert!(said.contains("unauthorized"), "its issuer is the root: {said}");
    let mut command = Command::new("openssl");
    command.args(["ocsp", "-url", &service.ocsp(), "-CAfile"]).arg(good.root()).arg("-issuer").arg(good.root());
    let said = capture(command.arg("-cert").arg(good.issuer_file())).unwrap().output();
    assert!(said.contains("Response verify OK") && said.contains("chain.pem: good"), "{said}");
}

#[test]
fn gnutls_believes_good_and_revoked() {
    let Some(ocsptool) = program("ocsptool", "gnutls-bin") else { return };
    let service = Service::start();
    let (good, revoked) = pair(&service);
    for (leaf, status) in [(&good, "good"), (&revoked, "revoked")] {
        let mut command = Command::new(&ocsptool);
        command.arg(format!("--ask={}", service.ocsp())).arg("--nonce");
        command.arg("--load-cert").arg(leaf.cert()).arg("--load-issuer").arg(leaf.issuer_file());
        let said = capture(&mut command).unwrap().output();
        assert!(said.contains(&format!("Certificate Status: {status}")), "{said}");
        assert!(said.contains("Verifying OCSP Response: Success"), "{said}");
    }
}

#[test]
fn bouncy_castle_believes_every_answer_of_both_hierarchies() {
    let Some(bouncy) = BouncyCastle::find() else { return };
    let service = Service::start();
    let folder = service.scratch("bouncy");
    let (question, answer) = (folder.join("question"), folder.join("answer"));
    // 1.2.156.10197.1.501 is SM2 with SM3, 1.2.840.10045.4.3.2 ECDSA with SHA-256.
    for (algorithm, name, signature) in
        [(KeyAlgorithm::Sm2, "sm2", "1.2.156.10197.1.501"), (EC, "ec", "1.2.840.10045.4.3.2")]
    {
        let good = service.issue(&format!("{name}-good.test"), algorithm);
        let revoked = service.issue(&format!("{name}-revoked.test"), algorithm);
        service.revoke(&revoked);
        let mut door = Connection::open(service.http_address());
        for (hash, nonce, leaf, status) in [
            ("sha1", "-", &good, "good"),
            ("sm3", "-", &good, "good"),
            ("sha256", "00FF", &good, "good"),
            ("sm3", "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20", &revoked, "revoked"),
            ("sha1", "-", &revoked, "revoked"),
        ] {
            bouncy.ocsp_question(hash, &leaf.issuer_file(), &leaf.cert(), nonce, &question);
            door.send(&post("/ocsp", &std::fs::read(&question).unwrap())).unwrap();
            let reply = door.receive().unwrap();
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/ocsp-response")));
            std::fs::write(&answer, &reply.body).unwrap();
            let said = bouncy.ocsp_answer(hash, &leaf.issuer_file(), &leaf.cert(), nonce, &answer);
            let said = said.must_accept(&format!("{name} {hash} {status}"));
            assert_eq!((fact(&said, "status"), fact(&said, "signature")), (status, signature));
            // One octet before the certificate at the end, which is within the signature.
            let mut damaged = reply.body.clone();
            let place = damaged.len() / 3;
            damaged[place] ^= 1;
            std::fs::write(&answer, &damaged).unwrap();
            let verdict = bouncy.ocsp_answer(hash, &leaf.issuer_file(), &leaf.cert(), nonce, &answer);
            assert!(!matches!(verdict, judges::Verdict::Accepts(_)), "a damaged answer: {verdict:?}");
        }
    }
}

#[test]
fn pkilint_finds_no_fault_in_any_answer() {
    let Some(pkilint) = Pkilint::find() else { return };
    let service = Service::start();
    let folder = service.scratch("pkilint");
    for (algorithm, name) in [(KeyAlgorithm::Sm2, "sm2"), (EC, "ec")] {
        let good = service.issue(&format!("{name}-good.test"), algorithm);
        let revoked = service.issue(&format!("{name}-revoked.test"), algorithm);
        service.revoke(&revoked);
        for (leaf, status) in [(&good, "good"), (&revoked, "revoked")] {
            let file = folder.join(format!("{name}-{status}"));
            let mut command = Command::new("openssl");
            command.args(["ocsp", "-noverify", "-url", &service.ocsp(), "-respout"]).arg(&file);
            let run = capture(command.arg("-issuer").arg(leaf.issuer_file()).arg("-cert").arg(leaf.cert())).unwrap();
            assert!(file.exists(), "{}", run.output());
            pkilint.ocsp(&file).must_accept(&format!("{name} {status}"));
        }
    }
}
