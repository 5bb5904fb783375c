//! The edges: decode, call the service, encode. Rights were decided before ([`crate::router`]).

pub mod account;
pub mod audit;
pub mod batch;
pub mod branch;
pub mod centre;
pub mod ceremony;
pub mod cert;
pub mod cert_again;
pub mod check;
pub mod dual;
pub mod errors;
pub mod evidence;
pub mod expiring;
pub mod find;
pub mod issuer;
pub mod key;
pub mod log;
pub mod login;
pub mod mail;
pub mod ocsp;
pub mod officer;
pub mod pickup;
pub mod profile;
pub mod public;
pub mod request;
pub mod revoke_all;
pub mod root;
pub mod seal;
pub mod system;
pub mod tsa;
pub mod watch;

pub(crate) use public::http_date;

use pki_config::{ErrorCode, IssuerId};

use crate::problem::Failure;

/// PEM of one DER object (RFC 7468), lines of 64 characters.
pub(crate) fn pem(label: &'static str, der: &[u8]) -> String {
    der::pem::encode_string(label, der::pem::LineEnding::LF, der).unwrap_or_default()
}

/// PEM of certificates, one after another.
pub(crate) fn pem_chain<'a>(certificates: impl IntoIterator<Item = &'a Vec<u8>>) -> String {
    certificates.into_iter().map(|der| pem("CERTIFICATE", der)).collect()
}

/// Upper-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// Base64 with padding, one line.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The DER or PEM of a PKCS#10 from the interface, where it is PEM or base64.
fn csr_bytes(text: String) -> Result<Vec<u8>, Failure> {
    use base64::Engine as _;
    if text.contains("-----BEGIN") {
        return Ok(text.into_bytes());
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim());
    bytes.map_err(|_| Failure::saying(ErrorCode::BadCsr, "the request is neither PEM nor base64"))
}

fn issuer_id(text: Option<&str>) -> Result<Option<IssuerId>, Failure> {
    Ok(text.map(str::parse).transpose()?)
}
