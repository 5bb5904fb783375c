//! What `yinxin convert` was given: files of any of the forms, told apart by what is in them.

use std::path::Path;

use crypto_pool::cms::read::SignedData;
use crypto_pool::envelope::{self, Shape, device, private_key};
use crypto_pool::path::Cert;
use crypto_pool::tlv;
use crypto_pool::{KeyAlgorithm, PublicKey, backend, password, pkcs12};
use engine::sm2::PrivateKey;
use pki_config::oid;
use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::unreadable;
use crate::cli::args::Convert;
use crate::cli::failure::Failure;
use crate::cli::{file, passphrase, pem};

/// Largest file. Unit: bytes.
const LARGEST: usize = 4 << 20;

/// A private key, if there is one, and certificates.
#[derive(Default)]
pub(super) struct Given {
    /// PKCS#8, DER.
    pub(super) key: Option<Zeroizing<Vec<u8>>>,
    /// DER, each once, in the order of the files.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Opens what is protected; asks once for all files.
struct Opener<'a> {
    args: &'a Convert,
    passphrase: Option<Zeroizing<String>>,
}

impl Given {
    pub(super) fn read(args: &Convert) -> Result<Self, Failure> {
        let mut opener = Opener { args, passphrase: None };
        let mut given = Self::default();
        for path in &args.files {
            let bytes = Zeroizing::new(file::read(path, LARGEST)?);
            given.take(path, &bytes, &mut opener)?;
        }
        Ok(given)
    }

    /// The private key.
    pub(super) fn key(&self) -> Result<&Zeroizing<Vec<u8>>, Failure> {
        self.key.as_ref().ok_or_else(|| Failure::Usage("This form needs a private key; name its file too.".to_owned()))
    }

    /// The private key, which must be SM2.
    pub(super) fn sm2(&self) -> Result<PrivateKey, Failure> {
        private_key::read(self.key()?).map_err(|why| Failure::here(&why))
    }

    /// The certificates, that of the key first.
    pub(super) fn own_first(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let spki = spki_of(self.key()?)
            .ok_or_else(|| Failure::Here("The private key is of an algorithm that is not known here.".to_owned()))?;
        let is_own = |der: &[u8]| Cert::from_der(der).is_ok_and(|cert| cert.spki() == spki);
        let own = self
            .certificates
            .iter()
            .position(|der| is_own(der))
            .ok_or_else(|| Failure::Here("None of the certificates is that of the private key.".to_owned()))?;
        let mut certificates = self.certificates.clone();
        let first = certificates.remove(own);
        certificates.insert(0, first);
        Ok(certificates)
    }

    fn add_key(&mut self, path: &Path, pkcs8: Zeroizing<Vec<u8>>) -> Result<(), Failure> {
        if self.key.as_ref().is_some_and(|key| **key != *pkcs8) {
            return Err(unreadable(path, &"this is a second private key; convert one at a time"));
        }
        self.key = Some(pkcs8);
        Ok(())
    }

    fn add_certificate(&mut self, der: Vec<u8>) {
        if !self.certificates.contains(&der) {
            self.certificates.push(der);
        }
    }

    fn take(&mut self, path: &Path, bytes: &[u8], opener: &mut Opener<'_>) -> Result<(), Failure> {
        if !pem::is_pem(bytes) {
            return self.take_der(path, bytes, opener);
        }
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            let (kind, der) = section.map_err(|_| unreadable(path, &"its PEM is damaged"))?;
            let der = Zeroizing::new(der);
            match kind {
                SectionKind::Certificate => self.add_certificate(der.to_vec()),
                SectionKind::PrivateKey => self.add_key(path, normal(&der))?,
                SectionKind::EcPrivateKey => {
                    let key = private_key::read(&der).map_err(|why| unreadable(path, &why))?;
                    self.add_key(path, private_key::to_pkcs8(&key))?;
                }
                // Encrypted keys and messages have labels that the reader of PEM leaves to us.
                _ => {}
            }
        }
        for label in ["ENCRYPTED PRIVATE KEY", "PKCS7", "CMS", "PKCS12"] {
            if let Some(der) = section_of(bytes, label) {
                self.take_der(path, &der, opener)?;
            }
        }
        if self.key.is_none() && self.certificates.is_empty() {
            return Err(unreadable(path, &"there is neither a key nor a certificate in it"));
        }
        Ok(())
    }

    fn take_der(&mut self, path: &Path, bytes: &[u8], opener: &mut Opener<'_>) -> Result<(), Failure> {
        let unknown = || unreadable(path, &"it is no key, certificate, PKCS#12 file, PKCS#7 or envelope");
        if Shape::of(bytes) == Some(Shape::Device) {
            let key = device::read(bytes).map_err(|why| unreadable(path, &why))?;
            return self.add_key(path, private_key::to_pkcs8(&key));
        }
        if Shape::of(bytes) == Some(Shape::Skf) {
            let key = opener.envelope(path, bytes)?;
            return self.add_key(path, private_key::to_pkcs8(&key));
        }
        if Cert::from_der(bytes).is_ok() {
            self.add_certificate(bytes.to_vec());
            return Ok(());
        }
        let mut inside = tlv::single(bytes, tlv::SEQUENCE, "file").map_err(|_| unknown())?.inside();
        let (first, second) = (inside.any().map_err(|_| unknown())?, inside.any().ok());
        match (first.tag, second.map(|second| second.tag)) {
            // PFX: version 3 and a ContentInfo.
            (tlv::INTEGER, Some(tlv::SEQUENCE)) if first.value == [3] => {
                let bundle = opener.open(path, |passphrase| pkcs12::read(bytes, passphrase))?;
                for key in bundle.keys {
                    self.add_key(path, normal(&key.pkcs8))?;
                }
                bundle.certificates.into_iter().for_each(|der| self.add_certificate(der));
                Ok(())
            }
            // EncryptedPrivateKeyInfo: an algorithm and octets.
            (tlv::SEQUENCE, Some(tlv::OCTET_STRING)) => {
                let key = opener.open(path, |passphrase| password::decrypt_pkcs8(bytes, passphrase))?;
                self.add_key(path, normal(&key))
            }
            // SM2EnvelopedKey: an algorithm and an SM2Cipher.
            (tlv::SEQUENCE, Some(tlv::SEQUENCE)) => {
                let key = opener.envelope(path, bytes)?;
                self.add_key(path, private_key::to_pkcs8(&key))
            }
            (tlv::OID, _)
                if [oid::SIGNED_DATA, oid::GM_SIGNED_DATA].iter().any(|kind| first.value == kind.as_bytes()) =>
            {
                let message = SignedData::from_der(bytes).map_err(|why| unreadable(path, &why))?;
                message.certificates.iter().for_each(|cert| self.add_certificate(cert.der().to_vec()));
                Ok(())
            }
            (tlv::OID, _) => {
                let key = opener.envelope(path, bytes)?;
                self.add_key(path, private_key::to_pkcs8(&key))
            }
            (tlv::INTEGER, Some(tlv::SEQUENCE | tlv::OCTET_STRING)) => self.add_key(path, normal(bytes)),
            _ => Err(unknown()),
        }
    }
}

impl Opener<'_> {
    fn open<T>(&mut self, path: &Path, read: impl Fn(&str) -> Result<T, password::Locked>) -> Result<T, Failure> {
        let passphrase = match self.passphrase.take() {
            Some(passphrase) => passphrase,
            None => {
                let prompt = format!("Passphrase of {}: ", path.display());
                passphrase::existing(self.args.passphrase_file.as_deref(), &prompt)?
            }
        };
        let result = read(&passphrase).map_err(|why| unreadable(path, &why));
        self.passphrase = Some(passphrase);
        result
    }

    fn envelope(&mut self, path: &Path, bytes: &[u8]) -> Result<PrivateKey, Failure> {
        let Some(own) = &self.args.key else {
            return Err(Failure::Usage(format!(
                "{} is an envelope; say with --key whose key opens it.",
                path.display()
            )));
        };
        let own_bytes = Zeroizing::new(file::read(own, LARGEST)?);
        let mut recipient = Given::default();
        recipient.take(own, &own_bytes, self)?;
        envelope::open(bytes, &recipient.sm2()?).map_err(|why| unreadable(path, &why))
    }
}

/// A key as the suite writes it: SM2 keys in one outline, whatever they came in.
fn normal(pkcs8: &[u8]) -> Zeroizing<Vec<u8>> {
    match private_key::read(pkcs8) {
        Ok(key) => private_key::to_pkcs8(&key),
        Err(_) => Zeroizing::new(pkcs8.to_vec()),
    }
}

/// The SubjectPublicKeyInfo of a key of any algorithm known here.
fn spki_of(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let rsa = [2048, 3072, 4096, 8192].map(|bits| KeyAlgorithm::Rsa { bits });
    let others = [KeyAlgorithm::Sm2, KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Ed25519];
    let spki = others.into_iter().chain(rsa).find_map(|algorithm| backend::spki_of_pkcs8(algorithm, pkcs8).ok())?;
    PublicKey::from_spki(&spki).ok().map(|_| spki)
}

/// The first section with this label.
fn section_of(text: &[u8], label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let from = text.find(&begin)?;
    let to = text.get(from..)?.find(&end)? + from + end.len();
    let (found, der) = der::pem::decode_vec(text.get(from..to)?.as_bytes()).ok()?;
    (found == label).then(|| Zeroizing::new(der))
}
