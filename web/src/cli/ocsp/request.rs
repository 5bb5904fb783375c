//! The question: one certificate, named as RFC 6960 4.1.1 wants it.

use aws_lc_rs::digest;
use crypto_pool::path::Cert;
use der::asn1::{ObjectIdentifier, OctetString, Uint};
use der::{Decode, Encode, Sequence};
use pki_config::oid;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::cli::args::NameHash;

/// SHA-1, which here only names things.
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// SHA-256.
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// SM3, GB/T 33560.
const SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.401");
/// id-pkix-ocsp-nonce, RFC 9654.
pub(super) const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// Which certificate is meant.
///
/// ```text
/// CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING,
///                       issuerKeyHash OCTET STRING, serialNumber CertificateSerialNumber }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct CertId {
    hash_algorithm: AlgorithmIdentifierOwned,
    name_hash: OctetString,
    key_hash: OctetString,
    serial: Uint,
}

#[derive(Sequence)]
struct Request {
    cert: CertId,
}

#[derive(Sequence)]
struct TbsRequest {
    requests: Vec<Request>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct OcspRequest {
    tbs: TbsRequest,
}

impl CertId {
    /// Names `cert` under `issuer`.
    ///
    /// # Errors
    /// A sentence: a certificate of theirs is damaged.
    pub(super) fn of(cert: &Cert, issuer: &Cert, hash: NameHash) -> Result<Self, String> {
        let damaged = |_| "the issuer's certificate is damaged".to_owned();
        let spki = SubjectPublicKeyInfoOwned::from_der(issuer.spki()).map_err(damaged)?;
        let key = spki.subject_public_key.raw_bytes();
        let oid = match hash {
            NameHash::Sha1 => SHA1,
            NameHash::Sha256 => SHA256,
            NameHash::Sm3 => SM3,
        };
        let digest = |data: &[u8]| match hash {
            NameHash::Sha1 => sha1(data),
            NameHash::Sha256 => digest::digest(&digest::SHA256, data).as_ref().to_vec(),
            NameHash::Sm3 => engine::sm3::hash(data).to_vec(),
        };
        // What every client sends; SM3 has no parameters (GM/T 0006).
        let parameters = (hash != NameHash::Sm3).then(der::Any::null);
        Ok(Self {
            hash_algorithm: AlgorithmIdentifierOwned { oid, parameters },
            name_hash: OctetString::new(digest(issuer.subject())).map_err(damaged)?,
            key_hash: OctetString::new(digest(key)).map_err(damaged)?,
            serial: Uint::new(cert.serial())
                .map_err(|_| "the certificate's serial number is not positive".to_owned())?,
        })
    }

    /// Whether it means the same certificate by the same hash; absent and NULL parameters are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.hash_algorithm.oid == other.hash_algorithm.oid
            && self.name_hash == other.name_hash
            && self.key_hash == other.key_hash
            && self.serial == other.serial
    }

    /// The whole question, DER.
    ///
    /// # Errors
    /// A sentence; only if the nonce is beyond all size.
    pub(super) fn ask(&self, nonce: Option<&[u8]>) -> Result<Vec<u8>, String> {
        let sentence = |e: der::Error| format!("the question cannot be written: {e}");
        let extension = |nonce: &[u8]| -> Result<Extension, der::Error> {
            // An OCTET STRING inside the extension's OCTET STRING.
            let inner = OctetString::new(nonce)?.to_der()?;
            Ok(Extension { extn_id: NONCE, critical: false, extn_value: OctetString::new(inner)? })
        };
        let extensions = nonce.map(extension).transpose().map_err(sentence)?.map(|one| vec![one]);
        let tbs = TbsRequest { requests: vec![Request { cert: self.clone() }], extensions };
        OcspRequest { tbs }.to_der().map_err(sentence)
    }
}

/// SHA-1 of some bytes.
pub(super) fn sha1(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref().to_vec()
}

/// The first OCSP responder in a certificate's authorityInfoAccess, if it is reached by plain http.
pub(super) fn responder_of(cert: &Cert) -> Option<String> {
    use x509_cert::ext::pkix::AuthorityInfoAccessSyntax;
    use x509_cert::ext::pkix::name::GeneralName;
    let parsed = x509_cert::Certificate::from_der(cert.der()).ok()?;
    let extensions = parsed.tbs_certificate().extensions()?;
    let access = extensions.iter().find(|e| e.extn_id == oid::AUTHORITY_INFO_ACCESS)?;
    let access = AuthorityInfoAccessSyntax::from_der(access.extn_value.as_bytes()).ok()?;
    access.0.iter().filter(|one| one.access_method == oid::AD_OCSP).find_map(|one| match &one.access_location {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_pki::{EC_ISSUING, EC_LEAF};
    use crate::edge::hex;

    fn cert(pem: &str) -> Cert {
        Cert::from_der(&crate::cli::pem::certificates(pem.as_bytes()).unwrap()[0]).unwrap()
    }

    #[test]
    fn the_question_is_byte_for_byte_what_openssl_asks() {
        // openssl ocsp -issuer ec-issuing.pem -cert ec-leaf.pem -no_nonce -reqout r.der; xxd -p r.der
        let ask = CertId::of(&cert(EC_LEAF), &cert(EC_ISSUING), NameHash::Sha1).unwrap().ask(None).unwrap();
        assert_eq!(
            hex(&ask),
            "30493047304530433041300906052B0E03021A05000414DA740F8B2AA16B10E9BA27CD84FC8A358C7BC2790414BBFC42C28EDFE4F\
             93AA64197EA62A27DCB357CE802081234567890ABCDEF"
        );
        // The same with -sha256.
        let ask = CertId::of(&cert(EC_LEAF), &cert(EC_ISSUING), NameHash::Sha256).unwrap().ask(None).unwrap();
        assert_eq!(
            hex(&ask),
            "306530633061305F305D300D0609608648016503040201050004204C1C4F5F9B1EF437C0EAAFDC5C049D84FB95718C30912E4F187\
             E334B864CE0F6042021471AE350699D1DF5F4178D4C3CBC86E1391D808263B56128EBED3765F9404E02081234567890ABCDEF"
        );
    }

    #[test]
    fn a_nonce_lies_in_two_octet_strings() {
        let id = CertId::of(&cert(EC_LEAF), &cert(EC_ISSUING), NameHash::Sm3).unwrap();
        let ask = id.ask(Some(&[0xAB; 3])).unwrap();
        // Extension: id-pkix-ocsp-nonce, OCTET STRING 5 { OCTET STRING 3 }.
        assert!(hex(&ask).ends_with("06092B060105050730010204050403ABABAB"), "{}", hex(&ask));
    }

    #[test]
    fn a_certificate_without_a_responder_names_none() {
        assert_eq!(responder_of(&cert(EC_LEAF)), None);
    }
}
