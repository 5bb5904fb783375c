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
use std::time::{Duration, Instant};

use clients::{Chromium, Firefox, Leaf, Nginx, Service, Site, Stapling, program};
use crypto_pool::KeyAlgorithm;
use judges::{BouncyCastle, OpenSsl, Pkilint, capture};

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
    let chromium = Chromium::prepare(&chromium, &service.scratch("chromium"), &service.root("ec-root"));
    let page = chromium.open(&format!("https://good.test:{}/", nginx.port(0)));
    assert!(page.contains("nginx here"), "{page}");
    let page = chromium.open(&format!("https://revoked.test:{}/", nginx.port(1)));
    assert!(page.contains("ERR_CERT_REVOKED"), "{page}");
}
