//! What is converted: files of any of the forms, told apart by what is in them.

use crypto_pool::cms::read::SignedData;
use crypto_pool::envelope::csr_response::{self, CsrResponse};
use crypto_pool::envelope::{self, Shape, device, private_key};
use crypto_pool::path::Cert;
use crypto_pool::tlv;
use crypto_pool::{KeyAlgorithm, PublicKey, backend, password, pkcs12};
use engine::sm2::PrivateKey;
use pki_config::oid;
use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::refusal::{Missing, Reason};
use super::{Means, Refusal};
use crate::cli::pem;

/// A private key, if there is one, and certificates.
#[derive(Default)]
pub struct Given {
    /// PKCS#8, DER.
    pub key: Option<Zeroizing<Vec<u8>>>,
    /// DER, each once, in the order of the files.
    pub certificates: Vec<Vec<u8>>,
}

impl Given {
    /// The private key.
    ///
    /// # Errors
    /// There is none.
    pub fn key(&self) -> Result<&Zeroizing<Vec<u8>>, Refusal> {
        self.key.as_ref().ok_or(Refusal::Missing(Missing::Key))
    }

    /// The private key, which must be SM2.
    ///
    /// # Errors
    /// There is none, or it is another.
    pub fn sm2(&self) -> Result<PrivateKey, Refusal> {
        private_key::read(self.key()?).map_err(|_| Refusal::Whole(Reason::NotSm2))
    }

    /// The certificates, that of the key first.
    ///
    /// # Errors
    /// There is no key, or none of them is its.
    pub fn own_first(&self) -> Result<Vec<Vec<u8>>, Refusal> {
        let spki = spki_of(self.key()?).ok_or(Refusal::Whole(Reason::Algorithm))?;
        let is_own = |der: &[u8]| Cert::from_der_tolerant(der).is_ok_and(|cert| cert.spki() == spki);
        let own = self.certificates.iter().position(|der| is_own(der)).ok_or(Refusal::Whole(Reason::NoOwn))?;
        let mut certificates = self.certificates.clone();
        let first = certificates.remove(own);
        certificates.insert(0, first);
        Ok(certificates)
    }

    /// One more certificate, unless it is there.
    pub fn add_certificate(&mut self, der: Vec<u8>) {
        if !self.certificates.contains(&der) {
            self.certificates.push(der);
        }
    }

    /// Takes what is in a file.
    ///
    /// # Errors
    /// It is none of the forms, does not open, or holds a second private key.
    pub fn take<M: Means>(&mut self, name: &str, bytes: &[u8], means: &mut M) -> Result<(), M::Error> {
        Reading { name, means, own: false }.file(self, bytes)
    }

    fn add_key(&mut self, name: &str, pkcs8: Zeroizing<Vec<u8>>) -> Result<(), Refusal> {
        if self.key.as_ref().is_some_and(|key| **key != *pkcs8) {
            return Err(Refusal::File(name.to_owned(), Reason::SecondKey));
        }
        self.key = Some(pkcs8);
        Ok(())
    }
}

/// One file on its way in.
struct Reading<'a, M> {
    name: &'a str,
    means: &'a mut M,
    /// Whether it is the key that opens an envelope.
    own: bool,
}

impl<M: Means> Reading<'_, M> {
    fn refused(&self, why: Reason) -> Refusal {
        Refusal::File(self.name.to_owned(), why)
    }

    fn file(&mut self, given: &mut Given, bytes: &[u8]) -> Result<(), M::Error> {
        if !pem::is_pem(bytes) {
            return self.der(given, bytes);
        }
        let mut found = false;
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            let (kind, der) = section.map_err(|_| self.refused(Reason::Pem))?;
            let der = Zeroizing::new(der);
            match kind {
                SectionKind::Certificate => given.add_certificate(der.to_vec()),
                SectionKind::PrivateKey => given.add_key(self.name, normal(&der))?,
                SectionKind::EcPrivateKey => {
                    let key = private_key::read(&der).map_err(|why| self.refused(Reason::Envelope(why)))?;
                    given.add_key(self.name, private_key::to_pkcs8(&key))?;
                }
                // Encrypted keys and messages have labels that the reader of PEM leaves to us.
                _ => continue,
            }
            found = true;
        }
        for label in ["ENCRYPTED PRIVATE KEY", "PKCS7", "CMS", "PKCS12"] {
            if let Some(der) = section_of(bytes, label) {
                self.der(given, &der)?;
                found = true;
            }
        }
        if found { Ok(()) } else { Err(self.refused(Reason::Empty).into()) }
    }

    fn der(&mut self, given: &mut Given, bytes: &[u8]) -> Result<(), M::Error> {
        let unknown = || Refusal::File(self.name.to_owned(), Reason::Unknown);
        if Shape::of(bytes) == Some(Shape::Device) {
            let key = device::read(bytes).map_err(|why| self.refused(Reason::Envelope(why)))?;
            return Ok(given.add_key(self.name, private_key::to_pkcs8(&key))?);
        }
        if Shape::of(bytes) == Some(Shape::Skf) {
            return self.envelope(given, bytes);
        }
        if Cert::from_der_tolerant(bytes).is_ok() {
            given.add_certificate(bytes.to_vec());
            return Ok(());
        }
        if csr_response::looks_like(bytes) {
            return self.delivery(given, bytes);
        }
        let mut inside = tlv::single(bytes, tlv::SEQUENCE, "file").map_err(|_| unknown())?.inside();
        let (first, second) = (inside.any().map_err(|_| unknown())?, inside.any().ok());
        match (first.tag, second.map(|second| second.tag)) {
            // PFX: version 3 and a ContentInfo.
            (tlv::INTEGER, Some(tlv::SEQUENCE)) if first.value == [3] => {
                let bundle = self.opened(|passphrase| pkcs12::read(bytes, passphrase))?;
                for key in bundle.keys {
                    given.add_key(self.name, normal(&key.pkcs8))?;
                }
                bundle.certificates.into_iter().for_each(|der| given.add_certificate(der));
                Ok(())
            }
            // EncryptedPrivateKeyInfo: an algorithm and octets.
            (tlv::SEQUENCE, Some(tlv::OCTET_STRING)) => {
                let key = self.opened(|passphrase| password::decrypt_pkcs8(bytes, passphrase))?;
                Ok(given.add_key(self.name, normal(&key))?)
            }
            // SM2EnvelopedKey: an algorithm and an SM2Cipher.
            (tlv::SEQUENCE, Some(tlv::SEQUENCE)) => self.envelope(given, bytes),
            (tlv::OID, _)
                if [oid::SIGNED_DATA, oid::GM_SIGNED_DATA].iter().any(|kind| first.value == kind.as_bytes()) =>
            {
                let message = SignedData::from_der(bytes).map_err(|_| self.refused(Reason::Message))?;
                message.certificates.iter().for_each(|cert| given.add_certificate(cert.der().to_vec()));
                Ok(())
            }
            (tlv::OID, _) => self.envelope(given, bytes),
            (tlv::INTEGER, Some(tlv::SEQUENCE | tlv::OCTET_STRING)) => Ok(given.add_key(self.name, normal(bytes))?),
            _ => Err(unknown().into()),
        }
    }

    fn opened<T>(&mut self, read: impl FnOnce(&str) -> Result<T, password::Locked>) -> Result<T, M::Error> {
        let passphrase = self.means.passphrase(self.name, self.own)?;
        read(&passphrase).map_err(|why| self.refused(Reason::Locked(why)).into())
    }

    /// The delivery of a pair: both certificates, and the encryption key, if the answer has one.
    fn delivery(&mut self, given: &mut Given, bytes: &[u8]) -> Result<(), M::Error> {
        let refused = |why| Refusal::File(self.name.to_owned(), Reason::Delivery(why));
        let answer = CsrResponse::read(bytes).map_err(refused)?;
        if answer.envelope.is_some() {
            let recipient = self.recipient()?;
            let refused = |why| Refusal::File(self.name.to_owned(), Reason::Delivery(why));
            if let Some(key) = answer.open(&recipient).map_err(refused)? {
                given.add_key(self.name, private_key::to_pkcs8(&key))?;
            }
        }
        answer.sign.into_iter().chain(answer.encryption).for_each(|der| given.add_certificate(der));
        Ok(())
    }

    fn envelope(&mut self, given: &mut Given, bytes: &[u8]) -> Result<(), M::Error> {
        let recipient = self.recipient()?;
        let key = envelope::open(bytes, &recipient).map_err(|why| self.refused(Reason::Envelope(why)))?;
        Ok(given.add_key(self.name, private_key::to_pkcs8(&key))?)
    }

    /// The key that opens this envelope.
    fn recipient(&mut self) -> Result<PrivateKey, M::Error> {
        // A key in an envelope that is opened by a key in an envelope: asking on might never end.
        if self.own {
            return Err(self.refused(Reason::OwnEnveloped).into());
        }
        let (name, own) = self.means.own_key(self.name)?;
        let mut recipient = Given::default();
        Reading { name: &name, means: &mut *self.means, own: true }.file(&mut recipient, &own)?;
        let key = recipient.sm2().map_err(|why| match why {
            Refusal::Whole(why) => Refusal::File(name, why),
            other => other,
        })?;
        Ok(key)
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
