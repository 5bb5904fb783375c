//! Reads what `tests/fixtures/make.sh` made with OpenSSL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::path::{Cert, Crl};

/// The DER within a PEM file of `tests/fixtures`.
pub(crate) fn der(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

pub(crate) fn cert(name: &str) -> Cert {
    Cert::from_der(&der(&format!("{name}.pem"))).unwrap()
}

pub(crate) fn crl(name: &str) -> Crl {
    Crl::from_der(der(&format!("{name}.crl.pem"))).unwrap()
}
