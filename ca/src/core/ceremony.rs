//! Ceremonies: the texts that people carry between machines and compare aloud.
//!
//! One [`plan::Plan`] says what shall be done. A machine that wants its issuer certified writes a [`request::Request`],
//! the machine with the root's key answers with a [`response::Response`]. All three are small texts in TOML with a
//! version; the last two begin with a digest of the rest, so that a changed octet is found before anything is read.
//! That digest, cut to 128 bits and written in groups of four, is the [`code`] two persons compare: as long as nobody
//! can make two texts with one code, whoever confirms it confirms the text.
//!
//! Whoever controls such a file makes us read at most 256 KiB of TOML.

mod file;
pub mod plan;
pub mod request;
pub mod response;
pub mod transcript;

use std::fmt;

/// Why a plan or file is refused, in one sentence that says what to do. Nothing was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCeremony(pub String);

impl BadCeremony {
    /// With this sentence.
    #[must_use]
    pub fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for BadCeremony {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadCeremony {}

/// The code of a digest: its first 128 bits in eight groups of four hexadecimal digits.
#[must_use]
pub fn code(digest: &[u8; 32]) -> String {
    let groups: Vec<String> = digest.chunks(2).take(8).map(hex).collect();
    groups.join(" ")
}

/// Whether somebody typed this digest's code; spaces, hyphens and capitals are theirs to choose.
#[must_use]
pub fn is_code(typed: &str, digest: &[u8; 32]) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(typed) == plain(&code(digest))
}

/// What two persons agree on when they confirm a plan and the request that comes along: one digest over both, or the
/// plan's own.
#[must_use]
pub fn agreed(plan: &[u8; 32], request: Option<&[u8; 32]>) -> [u8; 32] {
    request.map_or(*plan, |request| engine::sm3::hash(&[&plan[..], &request[..]].concat()))
}

/// Hexadecimal, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let octets: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    octets?.try_into().ok()
}

/// The DER in the one PEM block of this label.
fn unpem(text: &str, label: &str) -> Result<Vec<u8>, BadCeremony> {
    let wrong = || BadCeremony(format!("expected one PEM block with the label {label}"));
    let (found, der) = der::pem::decode_vec(text.trim().as_bytes()).map_err(|_| wrong())?;
    if found == label { Ok(der) } else { Err(wrong()) }
}

/// DER of the one certificate in PEM.
///
/// # Errors
/// [`BadCeremony`] if it is not one.
pub fn certificate_of(text: &str) -> Result<Vec<u8>, BadCeremony> {
    unpem(text, "CERTIFICATE")
}

/// PEM, lines of 64 characters.
#[must_use]
pub fn pem(label: &'static str, der: &[u8]) -> String {
    der::pem::encode_string(label, der::pem::LineEnding::LF, der).unwrap_or_default()
}

#[cfg(test)]
mod tests;
