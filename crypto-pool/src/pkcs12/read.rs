//! Reading a file.

use pki_config::oid;
use zeroize::Zeroizing;

use super::derive::{Hash, encoded, same};
use super::{Bundle, BundledKey, LONGEST, Locked, MOST_BAGS};
use crate::password::{self, object, rounds};
use crate::tlv::{self, BadDer, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Tlv};

/// What is in a file under this password.
///
/// # Errors
/// [`Locked`].
pub fn read(der: &[u8], password: &str) -> Result<Bundle, Locked> {
    if der.len() > LONGEST {
        return Err(BadDer { what: "PFX is too long" }.into());
    }
    let mut file = tlv::single(der, SEQUENCE, "PFX")?.inside();
    if file.expect(INTEGER, "version")?.small()? != 3 {
        return Err(BadDer { what: "version of PFX" }.into());
    }
    let safe = content(file.expect(SEQUENCE, "authSafe")?)?;
    let Content::Data(safe) = safe else { return Err(BadDer { what: "authSafe is not under a password" }.into()) };
    let mac = file.expect(SEQUENCE, "macData")?;
    file.finish("PFX")?;
    // The MAC before anything else: what follows was written by whoever knows the password.
    check_mac(mac, safe, password)?;

    let mut found = Found::default();
    let mut contents = tlv::single(safe, SEQUENCE, "AuthenticatedSafe")?.inside();
    while !contents.is_empty() {
        let opened;
        let bags = match content(contents.expect(SEQUENCE, "ContentInfo")?)? {
            Content::Data(bags) => bags,
            Content::Encrypted(algorithm, ciphertext) => {
                opened = password::decrypt(algorithm, ciphertext, password)?;
                opened.as_slice()
            }
        };
        found.bags(bags, password)?;
    }
    Ok(found.bundle())
}

enum Content<'a> {
    Data(&'a [u8]),
    Encrypted(Tlv<'a>, &'a [u8]),
}

fn content(info: Tlv<'_>) -> Result<Content<'_>, Locked> {
    let mut info = info.inside();
    let kind = object(&mut info)?;
    let mut value = info.expect(0xa0, "content")?.inside();
    info.finish("ContentInfo")?;
    match kind {
        oid::DATA => Ok(Content::Data(value.expect(OCTET_STRING, "data")?.value)),
        oid::ENCRYPTED_DATA => {
            let mut data = value.expect(SEQUENCE, "EncryptedData")?.inside();
            data.expect(INTEGER, "version of EncryptedData")?;
            let mut inner = data.expect(SEQUENCE, "EncryptedContentInfo")?.inside();
            object(&mut inner)?;
            let algorithm = inner.expect(SEQUENCE, "contentEncryptionAlgorithm")?;
            Ok(Content::Encrypted(algorithm, inner.expect(0x80, "encryptedContent")?.value))
        }
        other => Err(Locked::Algorithm(other)),
    }
}

fn check_mac(mac: Tlv<'_>, safe: &[u8], password: &str) -> Result<(), Locked> {
    let mut data = mac.inside();
    let mut info = data.expect(SEQUENCE, "DigestInfo")?.inside();
    let algorithm = object(&mut info.expect(SEQUENCE, "digestAlgorithm")?.inside())?;
    let hash = Hash::of(algorithm).ok_or(Locked::Algorithm(algorithm))?;
    let expected = info.expect(OCTET_STRING, "digest")?.value;
    let salt = data.expect(OCTET_STRING, "macSalt")?.value;
    let rounds = data.optional(INTEGER)?.map_or(Ok(1), rounds)?;
    data.finish("MacData")?;
    let computed = hash.mac(&encoded(password), salt, rounds, safe);
    if same(&computed, expected) { Ok(()) } else { Err(Locked::Password) }
}

/// What bags said so far, each with its localKeyId.
#[derive(Default)]
struct Found {
    keys: Vec<(BundledKey, Option<Vec<u8>>)>,
    certificates: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Found {
    fn bags(&mut self, bags: &[u8], password: &str) -> Result<(), Locked> {
        let mut bags = tlv::single(bags, SEQUENCE, "SafeContents")?.inside();
        while !bags.is_empty() {
            if self.keys.len() + self.certificates.len() == MOST_BAGS {
                return Err(BadDer { what: "too many bags" }.into());
            }
            self.bag(bags.expect(SEQUENCE, "SafeBag")?, password)?;
        }
        Ok(())
    }

    fn bag(&mut self, bag: Tlv<'_>, password: &str) -> Result<(), Locked> {
        let mut bag = bag.inside();
        let kind = object(&mut bag)?;
        let value = bag.expect(0xa0, "bagValue")?;
        let Attributes { name, id } = attributes(bag.optional(SET)?)?;
        bag.finish("SafeBag")?;
        match kind {
            oid::KEY_BAG => {
                let pkcs8 = Zeroizing::new(value.value.to_vec());
                self.keys.push((BundledKey { pkcs8, name }, id));
            }
            oid::SHROUDED_KEY_BAG => {
                let mut info = tlv::single(value.value, SEQUENCE, "EncryptedPrivateKeyInfo")?.inside();
                let algorithm = info.expect(SEQUENCE, "encryptionAlgorithm")?;
                let ciphertext = info.expect(OCTET_STRING, "encryptedData")?.value;
                let pkcs8 = password::decrypt(algorithm, ciphertext, password)?;
                self.keys.push((BundledKey { pkcs8, name }, id));
            }
            oid::CERT_BAG => {
                let mut certificate = tlv::single(value.value, SEQUENCE, "CertBag")?.inside();
                if object(&mut certificate)? == oid::X509_CERTIFICATE {
                    let mut value = certificate.expect(0xa0, "certValue")?.inside();
                    self.certificates.push((value.expect(OCTET_STRING, "certValue")?.value.to_vec(), id));
                }
            }
            // CRLs, secrets and nested safes are no concern of ours.
            _ => {}
        }
        Ok(())
    }

    /// The certificate of the first key first; the others as they came.
    fn bundle(self) -> Bundle {
        let of_key = self.keys.first().and_then(|(_, id)| id.clone());
        let mut certificates = self.certificates;
        certificates.sort_by_key(|(_, id)| !(id.is_some() && *id == of_key));
        Bundle {
            keys: self.keys.into_iter().map(|(key, _)| key).collect(),
            certificates: certificates.into_iter().map(|(certificate, _)| certificate).collect(),
        }
    }
}

#[derive(Default)]
struct Attributes {
    name: Option<String>,
    id: Option<Vec<u8>>,
}

fn attributes(set: Option<Tlv<'_>>) -> Result<Attributes, Locked> {
    let mut found = Attributes::default();
    let mut set = set.map_or_else(|| Reader::new(&[]), Tlv::inside);
    while !set.is_empty() {
        let mut attribute = set.expect(SEQUENCE, "PKCS12Attribute")?.inside();
        let kind = object(&mut attribute)?;
        let mut values = attribute.expect(SET, "values")?.inside();
        if values.is_empty() {
            continue;
        }
        let value = values.any()?.value;
        match kind {
            oid::FRIENDLY_NAME => {
                let (pairs, _) = value.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
                found.name = Some(String::from_utf16_lossy(&units));
            }
            oid::LOCAL_KEY_ID => found.id = Some(value.to_vec()),
            _ => {}
        }
    }
    Ok(found)
}
