//! The ASN.1 of the part of a certificate that is signed.

use der::Sequence;
use der::asn1::{Any, BitString, Int};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;
use x509_cert::time::Time;

/// The part of a certificate that is signed, RFC 5280 4.1.2. Names and the key stay as they were
/// encoded, so that an issuer's name is compared byte for byte.
///
/// ```text
/// TBSCertificate ::= SEQUENCE {
///   version         [0] EXPLICIT INTEGER DEFAULT v1(0),
///   serialNumber        INTEGER,
///   signature           AlgorithmIdentifier,
///   issuer              Name,
///   validity            SEQUENCE { notBefore Time, notAfter Time },
///   subject             Name,
///   subjectPublicKeyInfo SubjectPublicKeyInfo,
///   issuerUniqueID  [1] IMPLICIT BIT STRING OPTIONAL,
///   subjectUniqueID [2] IMPLICIT BIT STRING OPTIONAL,
///   extensions      [3] EXPLICIT SEQUENCE OF Extension OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Tbs {
    /// 2 means version 3.
    #[asn1(context_specific = "0", default = "Default::default")]
    pub version: u8,
    /// Signed here, so that a wrong one can be read and refused.
    pub serial: Int,
    /// The algorithm the issuer signs with.
    pub signature: AlgorithmIdentifierOwned,
    /// The issuer's name, as encoded.
    pub issuer: Any,
    /// From and until.
    pub validity: TbsValidity,
    /// The subject's name, as encoded.
    pub subject: Any,
    /// The subject's key, as encoded.
    pub spki: Any,
    /// Never written; read so that it can be refused.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub issuer_unique_id: Option<BitString>,
    /// Never written; read so that it can be refused.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub subject_unique_id: Option<BitString>,
    /// The extensions, in order.
    #[asn1(context_specific = "3", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// The validity period as encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct TbsValidity {
    /// The first second.
    pub not_before: Time,
    /// The last second.
    pub not_after: Time,
}
