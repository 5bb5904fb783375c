//! Keys the command line makes for a subscriber, and requests signed with them. Such a key never
//! leaves this process but into the file it is written to.

use crypto_pool::backend::{generate_pkcs8, sign_with_pkcs8};
use crypto_pool::random::OsRandom;
use crypto_pool::{KeyAlgorithm, SignatureAlgorithm};
use pki_config::name::{DistinguishedName, SubjectAltName};
use zeroize::Zeroizing;

use crate::cli::args::KeyType;
use crate::cli::csr::Unsigned;
use crate::cli::failure::Failure;
use crate::cli::pem;

impl KeyType {
    /// As the pool knows it.
    #[must_use]
    pub const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Sm2 => KeyAlgorithm::Sm2,
            Self::P256 => KeyAlgorithm::P256,
            Self::P384 => KeyAlgorithm::P384,
            Self::Rsa3072 => KeyAlgorithm::Rsa { bits: 3072 },
            Self::Ed25519 => KeyAlgorithm::Ed25519,
        }
    }
}

/// A new private key.
pub struct NewKey {
    algorithm: KeyAlgorithm,
    pkcs8: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
}

impl NewKey {
    /// Makes one.
    ///
    /// # Errors
    /// The random source failed.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, Failure> {
        let random = OsRandom::open().map_err(|e| Failure::Here(format!("No key was made: {e}.")))?;
        let (pkcs8, spki) =
            generate_pkcs8(algorithm, &random).map_err(|e| Failure::Here(format!("No key was made: {e}.")))?;
        Ok(Self { algorithm, pkcs8, spki })
    }

    /// PKCS#8 as PEM.
    ///
    /// # Errors
    /// None that is known: the key is short.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Failure> {
        pem::armour("PRIVATE KEY", &self.pkcs8).map(Zeroizing::new)
    }

    /// A PKCS#10 request for this key, PEM.
    ///
    /// # Errors
    /// The random source failed.
    pub fn request(&self, subject: &DistinguishedName, sans: &SubjectAltName) -> Result<String, Failure> {
        let wrong = |e: der::Error| Failure::Here(format!("The request cannot be written: {e}."));
        let unsigned =
            Unsigned::new(subject, sans, &self.spki, SignatureAlgorithm::for_key(self.algorithm)).map_err(wrong)?;
        let signature = sign_with_pkcs8(self.algorithm, &self.pkcs8, &unsigned.to_sign().map_err(wrong)?)
            .map_err(|e| Failure::Here(format!("The request cannot be signed: {e}.")))?;
        pem::armour("CERTIFICATE REQUEST", &unsigned.finish(&signature).map_err(wrong)?)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What `openssl req` says of a request.
    fn openssl(request: &str) -> Option<(bool, String)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("csr.pem");
        std::fs::write(&path, request).unwrap();
        let output = Command::new("openssl")
            .args(["req", "-verify", "-noout", "-text", "-vfyopt", "distid:1234567812345678", "-in"])
            .arg(&path)
            .output();
        // Without openssl only our own reading is checked; `cargo gate` says that it was left out.
        let output = output.ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    }

    #[test]
    fn openssl_verifies_a_request_of_every_key_type() {
        let subject: DistinguishedName = "CN=www.example.cn,O=示例,C=CN".parse().unwrap();
        let sans: SubjectAltName = "dns:www.example.cn,ip:192.0.2.7".parse().unwrap();
        for kind in [KeyType::Sm2, KeyType::P256, KeyType::P384, KeyType::Rsa3072, KeyType::Ed25519] {
            let key = NewKey::generate(kind.algorithm()).unwrap();
            let request = key.request(&subject, &sans).unwrap();
            // -vfyopt distid is for SM2 alone; other keys refuse it, so they are asked without.
            let Some((good, text)) = (if kind == KeyType::Sm2 { openssl(&request) } else { openssl_plain(&request) })
            else {
                return;
            };
            assert!(good && text.contains("verify OK"), "{kind:?}: {text}");
            assert!(text.contains("DNS:www.example.cn, IP Address:192.0.2.7"), "{kind:?}: {text}");
        }
    }

    fn openssl_plain(request: &str) -> Option<(bool, String)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("csr.pem");
        std::fs::write(&path, request).unwrap();
        let output =
            Command::new("openssl").args(["req", "-verify", "-noout", "-text", "-in"]).arg(&path).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    }

    #[test]
    fn openssl_reads_the_private_key_of_every_key_type() {
        for kind in [KeyType::Sm2, KeyType::P256, KeyType::P384, KeyType::Rsa3072, KeyType::Ed25519] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("key.pem");
            let key = NewKey::generate(kind.algorithm()).unwrap();
            std::fs::write(&path, key.to_pem().unwrap().as_bytes()).unwrap();
            let Ok(output) = Command::new("openssl").args(["pkey", "-noout", "-check", "-in"]).arg(&path).output()
            else {
                return;
            };
            assert!(output.status.success(), "{kind:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    #[test]
    fn a_request_without_any_name_has_a_critical_alternative_name() {
        let key = NewKey::generate(KeyAlgorithm::P256).unwrap();
        let sans: SubjectAltName = "dns:a.example.cn".parse().unwrap();
        let Some((_, text)) = openssl_plain(&key.request(&DistinguishedName::empty(), &sans).unwrap()) else { return };
        assert!(text.contains("Subject Alternative Name: critical"), "{text}");
    }
}
