//! PKCS#10 requests (RFC 2986): a name, a key, the alternative names asked for, and the proof that
//! whoever asks holds the key.
//!
//! ```text
//! CertificationRequestInfo ::= SEQUENCE { version 0, subject Name, subjectPKInfo, attributes [0] }
//! extensionRequest ATTRIBUTE ::= { Extensions, 1.2.840.113549.1.9.14 }   -- RFC 2985 5.4.2
//! ```

use crypto_pool::SignatureAlgorithm;
use der::asn1::{Any, BitString, OctetString, SetOfVec};
use der::{Decode, Encode};
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::oid;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;
use x509_cert::request::{CertReq, CertReqInfo, Version};

/// extensionRequest, RFC 2985 5.4.2.
const EXTENSION_REQUEST: der::oid::ObjectIdentifier = der::oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// What a request says before it is signed.
pub struct Unsigned {
    info: CertReqInfo,
    algorithm: SignatureAlgorithm,
}

impl Unsigned {
    /// A request for `spki` under these names.
    ///
    /// # Errors
    /// The key's SubjectPublicKeyInfo is not DER.
    pub fn new(
        subject: &DistinguishedName,
        sans: &SubjectAltName,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, der::Error> {
        let mut attributes = SetOfVec::new();
        if let Some(names) = sans.to_der() {
            let extension = Extension {
                extn_id: oid::SUBJECT_ALT_NAME,
                // RFC 5280 4.2.1.6: critical if it is all there is of a name.
                critical: subject.is_empty(),
                extn_value: OctetString::new(names)?,
            };
            let mut values = SetOfVec::new();
            values.insert(Any::encode_from(&vec![extension])?)?;
            attributes.insert(Attribute { oid: EXTENSION_REQUEST, values })?;
        }
        let info = CertReqInfo {
            version: Version::V1,
            subject: x509_cert::name::Name::from_der(&subject.to_der())?,
            public_key: x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(spki)?,
            attributes,
        };
        Ok(Self { info, algorithm })
    }

    /// What is to be signed.
    ///
    /// # Errors
    /// It does not encode.
    pub fn to_sign(&self) -> Result<Vec<u8>, der::Error> {
        self.info.to_der()
    }

    /// The signed request, DER.
    ///
    /// # Errors
    /// It does not encode.
    pub fn finish(self, signature: &[u8]) -> Result<Vec<u8>, der::Error> {
        CertReq {
            info: self.info,
            algorithm: self.algorithm.identifier(),
            signature: BitString::from_bytes(signature)?,
        }
        .to_der()
    }
}
