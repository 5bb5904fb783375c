//! What is checked, and what can be wrong.

use std::fmt;

use const_oid::ObjectIdentifier;
use pki_config::Instant;
use pki_config::status::Reason;

use crate::public_key::BadKey;

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// A path leads to an anchor.
    Path,
    /// The public key is acceptable.
    Key,
    /// The issuer's key made the signature.
    Signature,
    /// The time lies within the validity.
    Validity,
    /// The critical extensions are all understood.
    CriticalExtensions,
    /// An issuer is an authority that may sign certificates.
    Authority,
    /// No more authorities follow than an issuer allows.
    PathLength,
    /// The names below lie within an issuer's constraints.
    NameConstraints,
    /// The certificate is for the use that is asked for.
    ExtKeyUsage,
    /// A certificate policy is valid along the path, where one is demanded.
    Policies,
    /// The certificate is not revoked.
    Revocation,
}

impl Check {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Validity => "validity",
            Self::CriticalExtensions => "critical-extensions",
            Self::Authority => "authority",
            Self::PathLength => "path-length",
            Self::NameConstraints => "name-constraints",
            Self::ExtKeyUsage => "ext-key-usage",
            Self::Policies => "policies",
            Self::Revocation => "revocation",
        }
    }
}

/// Why a check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// No anchor, and no certificate given, has the issuer's name and key.
    NoIssuer,
    /// The search for a path took too many signature checks or certificates.
    TooLong,
    /// The public key is not acceptable.
    Key(BadKey),
    /// The signature's algorithm is not known here, or named differently inside and outside.
    UnknownAlgorithm,
    /// The signature is not the issuer's.
    Signature,
    /// Not valid yet.
    NotYetValid {
        /// From when on it is.
        from: Instant,
    },
    /// No longer valid.
    Expired {
        /// The last second it was.
        since: Instant,
    },
    /// A critical extension is not understood.
    CriticalExtension(ObjectIdentifier),
    /// The issuer is no certificate authority.
    NotAnAuthority,
    /// The issuer's key usage lacks keyCertSign.
    NoCertSign,
    /// More authorities follow than the issuer allows.
    PathLength {
        /// How many it allows.
        allowed: u64,
    },
    /// A name lies outside the issuer's constraints.
    NameOutside,
    /// The issuer constrains names in a way that is not processed here.
    ConstraintUnsupported,
    /// Not for the use that is asked for.
    ExtKeyUsage,
    /// Revoked.
    Revoked {
        /// When.
        at: Instant,
        /// Why.
        reason: Reason,
    },
    /// Nothing that tells of the revocation of this certificate was given: no CRL, no OCSP answer.
    NoCrl,
    /// The CRL is not signed by the issuer, or the issuer may not sign CRLs.
    CrlSignature,
    /// The CRL is from the future or overdue.
    CrlNotCurrent,
    /// The CRLs that were given leave open whether it was revoked for some of the reasons.
    CrlReasonsOpen,
    /// The OCSP answer is not signed by the issuer, nor by one it delegated to.
    OcspSignature,
    /// The OCSP answer is from the future or overdue.
    OcspNotCurrent,
    /// The authority answers that it does not know the certificate.
    UnknownToAuthority,
    /// A policy is demanded, by the caller or by a certificate of the path, and none is valid along it.
    NoValidPolicy,
    /// A mapping from or to anyPolicy.
    AnyPolicyMapped,
    /// An extension about policies cannot be read.
    PolicyUnreadable,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIssuer => "its issuer is neither trusted nor given",
            Self::TooLong => "the path is too long to be sought",
            Self::Key(why) => return why.fmt(f),
            Self::UnknownAlgorithm => "its signature algorithm is not known",
            Self::Signature => "its signature is not its issuer's",
            Self::NotYetValid { from } => return write!(f, "it is valid from {from} on"),
            Self::Expired { since } => return write!(f, "it expired at {since}"),
            Self::CriticalExtension(oid) => return write!(f, "its critical extension {oid} is not understood"),
            Self::NotAnAuthority => "it is no certificate authority's",
            Self::NoCertSign => "its key may not sign certificates",
            Self::PathLength { allowed } => return write!(f, "it allows {allowed} authorities below it"),
            Self::NameOutside => "a name below it lies outside its constraints",
            Self::ConstraintUnsupported => "it constrains names in a way that is not processed",
            Self::ExtKeyUsage => "it is not for this use",
            Self::Revoked { at, reason } => return write!(f, "it was revoked at {at}: {reason}"),
            Self::NoCrl => "no CRL of its issuer is given",
            Self::CrlSignature => "the CRL is not its issuer's",
            Self::CrlNotCurrent => "the CRL is overdue or from the future",
            Self::CrlReasonsOpen => "the CRLs given do not speak of every reason",
            Self::OcspSignature => "the OCSP answer is signed neither by its issuer nor by one it delegated to",
            Self::OcspNotCurrent => "the OCSP answer is overdue or from the future",
            Self::UnknownToAuthority => "its issuer's responder does not know it",
            Self::NoValidPolicy => "no certificate policy is valid along the path",
            Self::AnyPolicyMapped => "it maps a policy from or to anyPolicy",
            Self::PolicyUnreadable => "what it says of policies cannot be read",
        })
    }
}
