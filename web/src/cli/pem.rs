//! PEM and DER files with certificates and CRLs in them.

use std::path::Path;

use crypto_pool::path::Cert;
use der::pem::LineEnding;
use pki_config::Serial;
use rustls::pki_types::pem::{PemObject, SectionKind};

use crate::cli::failure::Failure;
use crate::cli::file;

/// Largest file with certificates. Unit: bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Every certificate in a PEM text, or the one of a DER file. Anybody's: what real certificates have and strict DER
/// refuses is put up with, the bytes stay as they came.
///
/// # Errors
/// A sentence, without the file's name: damaged, or none in it.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let found = if is_pem(bytes) { sections(bytes, SectionKind::Certificate)? } else { vec![bytes.to_vec()] };
    if found.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    for der in &found {
        Cert::from_der_tolerant(der).map_err(|_| "a certificate in it is damaged".to_owned())?;
    }
    Ok(found)
}

/// Every certificate in a file.
///
/// # Errors
/// As [`certificates`], or the file cannot be read.
pub fn certificates_in(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    certificates(&file::read(path, LARGEST)?).map_err(|why| Failure::Here(format!("{}: {why}.", path.display())))
}

/// The one CRL of a DER or PEM file, not looked into.
///
/// # Errors
/// A sentence, without the file's name.
pub fn crl(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if !is_pem(bytes) {
        return Ok(bytes.to_vec());
    }
    let mut found = sections(bytes, SectionKind::Crl)?;
    match (found.pop(), found.is_empty()) {
        (Some(crl), true) => Ok(crl),
        _ => Err("there is not exactly one CRL in it".to_owned()),
    }
}

/// Whether a file is PEM rather than DER. DER is told first (a SEQUENCE with a long length, whose second
/// octet is no text): PEM hidden inside a certificate must not be taken for the certificate.
#[must_use]
pub fn is_pem(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x30, 0x80..=0xff, ..]) && bytes.windows(11).take(64 * 1024).any(|w| w == b"-----BEGIN ")
}

fn sections(bytes: &[u8], kind: SectionKind) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        let (this, der) = section.map_err(|_| "its PEM is damaged".to_owned())?;
        if this == kind {
            found.push(der);
        }
    }
    Ok(found)
}

/// DER as PEM under `label`, such as `CERTIFICATE`.
///
/// # Errors
/// The label or the length does not fit PEM.
pub fn armour(label: &'static str, der: &[u8]) -> Result<String, Failure> {
    der::pem::encode_string(label, LineEnding::LF, der)
        .map_err(|e| Failure::Here(format!("PEM cannot be written: {e}.")))
}

/// The serial of a certificate.
///
/// # Errors
/// One sentence: damaged, or a serial that RFC 5280 does not allow.
pub fn serial(certificate: &[u8]) -> Result<Serial, String> {
    let parsed = Cert::from_der_tolerant(certificate).map_err(|_| "the certificate is damaged".to_owned())?;
    Serial::from_der_content(parsed.serial())
        .map_err(|e| format!("the certificate's serial number is not allowed: {e}"))
}

/// The subject of a certificate as people read it; foreign attributes included.
#[must_use]
pub fn subject(certificate: &[u8]) -> String {
    Cert::from_der_tolerant(certificate).map_or_else(|_| "?".to_owned(), |cert| crate::show::name(cert.subject()))
}

/// What people call the subject: its common name, else its whole name.
#[must_use]
pub fn short_subject(certificate: &[u8]) -> String {
    let whole = subject(certificate);
    let parsed = whole.parse::<pki_config::name::DistinguishedName>().ok();
    let common = parsed.as_ref().and_then(|name| name.get(pki_config::name::Attribute::CommonName));
    common.map_or_else(|| whole.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_pki::{EC_LEAF, EC_LEAF_KEY, EC_ROOT, SM2_LEAF};

    #[test]
    fn pem_and_der_of_a_certificate_are_read_and_keys_between_are_skipped() {
        let mixed = format!("text\n{EC_LEAF_KEY}{EC_LEAF}{EC_ROOT}");
        let found = certificates(mixed.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(certificates(&found[0]).unwrap(), [found[0].clone()]);
        assert_eq!(armour("CERTIFICATE", &found[0]).unwrap(), EC_LEAF);
    }

    #[test]
    fn what_holds_no_certificate_is_refused() {
        for bytes in [&b""[..], b"hello", EC_LEAF_KEY.as_bytes(), &[0x30, 0x03, 2, 1, 1]] {
            assert!(certificates(bytes).is_err());
        }
        let damaged = EC_LEAF.replacen("MII", "AAA", 1);
        assert!(certificates(damaged.as_bytes()).is_err());
    }

    #[test]
    fn serial_and_subject_are_what_openssl_prints() {
        // openssl x509 -noout -serial -subject
        let der = certificates(SM2_LEAF.as_bytes()).unwrap().remove(0);
        assert_eq!(serial(&der).unwrap().to_string(), "0A0B0C0D0E0F");
        assert_eq!(subject(&der), "CN=印信测试,O=Example,C=CN");
    }
}
