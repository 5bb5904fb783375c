//! The status of a certificate and how it changes.

use std::fmt;

use crate::ids::{BadId, IssuerId, TenantId};
use crate::serial::Serial;
use crate::time::Instant;

/// Why a certificate was revoked. Source: RFC 5280 5.3.1 `CRLReason`.
///
/// `removeFromCRL` (8) is no reason of ours: it is how a delta CRL tells of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// 0. Written by leaving the reason out, as RFC 5280 5.3.1 asks.
    Unspecified,
    /// 1. The subscriber's private key is known or suspected to be known to others.
    KeyCompromise,
    /// 2. The issuing authority's own key is.
    CaCompromise,
    /// 3. The subject's name or other data changed.
    AffiliationChanged,
    /// 4. Replaced by another certificate.
    Superseded,
    /// 5. No longer used.
    CessationOfOperation,
    /// 6. Suspended; the only reason that can be taken back.
    CertificateHold,
    /// 9. A right stated in the certificate was withdrawn.
    PrivilegeWithdrawn,
    /// 10. The attribute authority's key is compromised.
    AaCompromise,
}

impl Reason {
    /// All reasons, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The ENUMERATED value.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// From the ENUMERATED value.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// The name RFC 5280 gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Reason {
    type Err = BadId;

    /// The RFC's name in either case, or with hyphens (`key-compromise`).
    fn from_str(text: &str) -> Result<Self, BadId> {
        let plain: String = text.chars().filter(|c| *c != '-' && *c != '_').collect();
        Self::ALL.into_iter().find(|r| r.as_str().eq_ignore_ascii_case(&plain)).ok_or(BadId {
            expected: "a reason: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, \
                       cessationOfOperation, certificateHold, privilegeWithdrawn or aACompromise",
        })
    }
}

/// When and why a certificate stopped being good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// When the authority recorded it.
    pub at: Instant,
    /// Why.
    pub reason: Reason,
    /// When the key is known or suspected to have been compromised (RFC 5280 5.3.2), if earlier.
    pub invalidity: Option<Instant>,
}

/// The status of a certificate that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertStatus {
    /// Not revoked. Says nothing of its validity period.
    Good,
    /// Revoked or, with [`Reason::CertificateHold`], suspended.
    Revoked(Revocation),
}

/// One change of status, as told to whoever answers status questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// Whose certificate.
    pub tenant: TenantId,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Which.
    pub serial: Serial,
    /// Last second of its validity: an answer may be forgotten some time after.
    pub not_after: Instant,
    /// What it is from now on.
    pub status: CertStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_the_codes_of_rfc_5280() {
        let codes: Vec<u8> = Reason::ALL.into_iter().map(Reason::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 9, 10]);
        assert_eq!(Reason::from_code(7), None);
        assert_eq!(Reason::from_code(8), None);
    }

    #[test]
    fn a_reason_is_read_in_the_spellings_people_type() {
        assert_eq!("key-compromise".parse(), Ok(Reason::KeyCompromise));
        assert_eq!("keycompromise".parse(), Ok(Reason::KeyCompromise));
        assert!("stolen".parse::<Reason>().is_err());
    }
}
