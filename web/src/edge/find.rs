//! Looking up a certificate without a login: by serial, or by the SHA-256 fingerprint of the whole certificate.
//!
//! Serials of revoked certificates stand in CRLs for all to read, so a serial alone tells the status and no names. Who
//! knows the fingerprint has the certificate, and is shown what it says.

use pki_config::role::Permission;
use pki_config::{ErrorCode, Serial};
use serde::{Deserialize, Serialize};

use crate::api::{CertDetail, CertQuery, CertRef};
use crate::app::App;
use crate::edge::cert;
use crate::problem::Failure;

/// Longest text that is looked at. Unit: bytes. A fingerprint with colons has 95.
const LONGEST: usize = 200;

/// A certificate that was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundCert {
    /// Issuer.
    pub issuer: String,
    /// Serial.
    pub serial: String,
    /// `good`, `revoked`, `hold`, `expired`.
    pub status: String,
    /// First second.
    pub not_before: String,
    /// Last second.
    pub not_after: String,
    /// When revoked.
    pub revoked_at: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Since when its key is suspected.
    pub invalidity: Option<String>,
    /// What only those learn who know the fingerprint.
    pub known: Option<KnownCert>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCert {
    /// Subject in RFC 4514 form.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// SHA-256 fingerprint, hexadecimal.
    pub sha256: String,
    /// PEM.
    pub certificate: String,
}

/// What somebody typed, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sought {
    Serial(Serial),
    /// SHA-256, upper-case hexadecimal.
    Fingerprint(String),
}

fn sought(text: &str) -> Result<Sought, Failure> {
    let bad = || Failure::saying(ErrorCode::BadRequest, "a serial number or a SHA-256 fingerprint in hexadecimal");
    if text.len() > LONGEST {
        return Err(bad());
    }
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect::<String>().to_uppercase();
    let digits = digits.strip_prefix("0X").unwrap_or(&digits);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(bad());
    }
    if digits.len() == 64 {
        return Ok(Sought::Fingerprint(digits.to_owned()));
    }
    digits.parse().map(Sought::Serial).map_err(|_| bad())
}

/// The certificates with this serial, one of each issuer that used it, or the one with this fingerprint.
///
/// # Errors
/// `BAD_REQUEST` if the text is neither; as the database reports. Nothing found is no error.
pub async fn find(app: &App, text: &str) -> Result<Vec<FoundCert>, Failure> {
    let by = app.as_system(Permission::ReadCertificates)?;
    let mut found = Vec::new();
    match sought(text)? {
        Sought::Serial(serial) => {
            for issuer in app.ca().issuers() {
                let ask = CertRef { serial: serial.to_string(), issuer: Some(issuer.id.to_string()) };
                match cert::show(app.clone(), by.clone(), ask).await {
                    Ok(detail) => found.push(told(detail, false)),
                    Err(failure) if failure.code() == ErrorCode::NotFound => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Sought::Fingerprint(sha256) => {
            let ask = CertQuery { digits: Some(sha256.clone()), ..CertQuery::default() };
            for line in cert::list(app.clone(), by.clone(), ask).await?.certificates {
                let ask = CertRef { serial: line.serial, issuer: Some(line.issuer) };
                let detail = cert::show(app.clone(), by.clone(), ask).await?;
                // The list also finds keys by their digest, and beginnings.
                if detail.sha256.eq_ignore_ascii_case(&sha256) {
                    found.push(told(detail, true));
                }
            }
        }
    }
    Ok(found)
}

fn told(detail: CertDetail, known: bool) -> FoundCert {
    let known = known.then_some(KnownCert {
        subject: detail.line.subject,
        sans: detail.line.sans,
        sha256: detail.sha256,
        certificate: detail.certificate,
    });
    FoundCert {
        issuer: detail.line.issuer,
        serial: detail.line.serial,
        status: detail.line.status,
        not_before: detail.line.not_before,
        not_after: detail.line.not_after,
        revoked_at: detail.state.at,
        reason: detail.state.reason,
        invalidity: detail.state.invalidity,
        known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_and_fingerprints_are_taken_as_people_copy_them() {
        let serial = |text: &str| Sought::Serial(text.parse().unwrap());
        assert_eq!(sought(" 4f:0a:c1 ").unwrap(), serial("4F0AC1"));
        assert_eq!(sought("0x4F0AC1").unwrap(), serial("4F0AC1"));
        let colons = "ab:".repeat(31) + "AB";
        assert_eq!(sought(&colons).unwrap(), Sought::Fingerprint("AB".repeat(32)));
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = "A".repeat(201);
        for bad in ["", " ", "xyz", "4F0A C1 Z", "00", &"A".repeat(41), &"A".repeat(63), &long, "印信"] {
            assert!(sought(bad).is_err(), "{bad}");
        }
    }
}
