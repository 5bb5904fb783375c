//! Which change of a certificate's status is possible.
//!
//! ```text
//! good -> revoked (final reason)          good -> held -> good
//! held -> revoked (final reason)          revoked -> revoked with keyCompromise, learnt later
//! ```

use std::fmt;

use pki_config::Instant;
use pki_config::status::{CertStatus, Reason, Revocation};

/// What a change of status depends on besides the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified {
    /// First second of the certificate.
    pub not_before: Instant,
    /// Last second of the certificate.
    pub not_after: Instant,
    /// Whether it is an authority's.
    pub authority: bool,
}

/// Why a status cannot change so. Caller's fault; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impossible {
    /// It is revoked already, for good.
    AlreadyRevoked(Revocation),
    /// It is held already.
    AlreadyHeld(Instant),
    /// It is not held, so it cannot be released.
    NotHeld,
    /// An authority's certificate cannot be held: what it issued meanwhile would be in limbo.
    AuthorityHeld,
    /// It has expired; there is nothing to hold or release.
    Expired,
    /// The reason is for another kind of certificate.
    Reason(Reason),
    /// The invalidity date lies in the future or before the certificate.
    InvalidityDate,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRevoked(by) => write!(f, "it was revoked at {} ({})", by.at, by.reason),
            Self::AlreadyHeld(since) => write!(f, "it has been held since {since}"),
            Self::NotHeld => f.write_str("it is not held"),
            Self::AuthorityHeld => f.write_str("the certificate of an authority cannot be held"),
            Self::Expired => f.write_str("it has expired"),
            Self::Reason(reason) => write!(f, "{reason} does not apply to this certificate"),
            Self::InvalidityDate => f.write_str("the invalidity date must lie between its notBefore and now"),
        }
    }
}

impl std::error::Error for Impossible {}

/// Revokes, or holds with [`Reason::CertificateHold`], at `now`.
///
/// A held certificate that is revoked for good keeps the date of the hold (X.509 9.5.3.1), because
/// nothing signed since then was ever vouched for. A revocation whose cause turns out to be the key
/// itself is corrected to `keyCompromise` and keeps its date too (CA/Browser BR 7.2.2).
///
/// # Errors
/// [`Impossible`] says why.
pub fn revoke(
    status: CertStatus,
    certificate: &Certified,
    reason: Reason,
    invalidity: Option<Instant>,
    now: Instant,
) -> Result<Revocation, Impossible> {
    check_reason(certificate, reason)?;
    let now = now.whole_second();
    let invalidity = invalidity.map(Instant::whole_second);
    if invalidity.is_some_and(|date| date > now || date < certificate.not_before) {
        return Err(Impossible::InvalidityDate);
    }
    let at = match (status, reason) {
        (CertStatus::Good, Reason::CertificateHold) => {
            if now > certificate.not_after {
                return Err(Impossible::Expired);
            }
            now
        }
        (CertStatus::Good, _) => now,
        (CertStatus::Revoked(held), Reason::CertificateHold) if held.reason == Reason::CertificateHold => {
            return Err(Impossible::AlreadyHeld(held.at));
        }
        (CertStatus::Revoked(held), _) if held.reason == Reason::CertificateHold => held.at,
        (CertStatus::Revoked(before), Reason::KeyCompromise) if before.reason != Reason::KeyCompromise => before.at,
        (CertStatus::Revoked(before), _) => return Err(Impossible::AlreadyRevoked(before)),
    };
    Ok(Revocation { at, reason, invalidity })
}

/// Takes a hold back: the certificate is good again, as if nothing had been.
///
/// # Errors
/// [`Impossible::NotHeld`] unless it is held, [`Impossible::Expired`] if it has expired meanwhile.
pub fn release(status: CertStatus, certificate: &Certified, now: Instant) -> Result<CertStatus, Impossible> {
    match status {
        CertStatus::Revoked(held) if held.reason == Reason::CertificateHold => {
            if now.whole_second() > certificate.not_after { Err(Impossible::Expired) } else { Ok(CertStatus::Good) }
        }
        CertStatus::Revoked(before) => Err(Impossible::AlreadyRevoked(before)),
        CertStatus::Good => Err(Impossible::NotHeld),
    }
}

fn check_reason(certificate: &Certified, reason: Reason) -> Result<(), Impossible> {
    match reason {
        // Attribute authorities are not ours (RFC 5755).
        Reason::AaCompromise => Err(Impossible::Reason(reason)),
        Reason::CaCompromise if !certificate.authority => Err(Impossible::Reason(reason)),
        Reason::CertificateHold if certificate.authority => Err(Impossible::AuthorityHeld),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn certified() -> Certified {
        Certified { not_before: at("2026-01-01T00:00:00Z"), not_after: at("2026-12-31T23:59:59Z"), authority: false }
    }

    fn revoked(reason: Reason, when: &str) -> CertStatus {
        CertStatus::Revoked(Revocation { at: at(when), reason, invalidity: None })
    }

    const NOW: &str = "2026-06-01T12:00:00.5Z";

    #[test]
    fn a_good_certificate_is_revoked_now_to_the_second() {
        let done = revoke(CertStatus::Good, &certified(), Reason::Superseded, None, at(NOW)).unwrap();
        assert_eq!(done, Revocation { at: at("2026-06-01T12:00:00Z"), reason: Reason::Superseded, invalidity: None });
    }

    #[test]
    fn a_hold_can_be_released_and_a_revocation_cannot() {
        let held = revoked(Reason::CertificateHold, "2026-05-01T00:00:00Z");
        assert_eq!(release(held, &certified(), at(NOW)), Ok(CertStatus::Good));
        let gone = revoked(Reason::KeyCompromise, "2026-05-01T00:00:00Z");
        assert!(matches!(release(gone, &certified(), at(NOW)), Err(Impossible::AlreadyRevoked(_))));
        assert_eq!(release(CertStatus::Good, &certified(), at(NOW)), Err(Impossible::NotHeld));
    }

    #[test]
    fn a_held_certificate_that_is_revoked_keeps_the_date_of_the_hold() {
        let held = revoked(Reason::CertificateHold, "2026-05-01T00:00:00Z");
        let done = revoke(held, &certified(), Reason::PrivilegeWithdrawn, None, at(NOW)).unwrap();
        assert_eq!((done.at, done.reason), (at("2026-05-01T00:00:00Z"), Reason::PrivilegeWithdrawn));
        let twice = revoke(held, &certified(), Reason::CertificateHold, None, at(NOW));
        assert_eq!(twice, Err(Impossible::AlreadyHeld(at("2026-05-01T00:00:00Z"))));
    }

    #[test]
    fn a_revocation_can_only_be_corrected_to_key_compromise() {
        let gone = revoked(Reason::Superseded, "2026-05-01T00:00:00Z");
        let done = revoke(gone, &certified(), Reason::KeyCompromise, None, at(NOW)).unwrap();
        assert_eq!((done.at, done.reason), (at("2026-05-01T00:00:00Z"), Reason::KeyCompromise));
        for reason in [Reason::Unspecified, Reason::Superseded, Reason::CertificateHold] {
            assert!(matches!(revoke(gone, &certified(), reason, None, at(NOW)), Err(Impossible::AlreadyRevoked(_))));
        }
        let compromised = revoked(Reason::KeyCompromise, "2026-05-01T00:00:00Z");
        assert!(revoke(compromised, &certified(), Reason::KeyCompromise, None, at(NOW)).is_err());
    }

    #[test]
    fn an_invalidity_date_lies_between_not_before_and_now() {
        let with = |date: &str| {
            revoke(CertStatus::Good, &certified(), Reason::KeyCompromise, Some(at(date)), at(NOW)).map(|r| r.invalidity)
        };
        assert_eq!(with("2026-01-01T00:00:00Z"), Ok(Some(at("2026-01-01T00:00:00Z"))));
        assert_eq!(with("2026-06-01T12:00:00.9Z"), Ok(Some(at("2026-06-01T12:00:00Z"))), "the same second");
        assert_eq!(with("2026-06-01T12:00:01Z"), Err(Impossible::InvalidityDate));
        assert_eq!(with("2025-12-31T23:59:59Z"), Err(Impossible::InvalidityDate));
    }

    #[test]
    fn reasons_fit_the_kind_of_certificate() {
        let authority = Certified { authority: true, ..certified() };
        let try_it = |certificate: &Certified, reason| revoke(CertStatus::Good, certificate, reason, None, at(NOW));
        assert!(try_it(&authority, Reason::CaCompromise).is_ok());
        assert!(try_it(&certified(), Reason::CaCompromise).is_err());
        assert_eq!(try_it(&authority, Reason::CertificateHold), Err(Impossible::AuthorityHeld));
        assert!(try_it(&certified(), Reason::CertificateHold).is_ok());
        assert!(try_it(&certified(), Reason::AaCompromise).is_err());
    }

    #[test]
    fn an_expired_certificate_is_neither_held_nor_released_but_can_be_revoked() {
        let later = at("2027-01-01T00:00:00Z");
        let held = revoked(Reason::CertificateHold, "2026-05-01T00:00:00Z");
        assert_eq!(release(held, &certified(), later), Err(Impossible::Expired));
        assert!(revoke(CertStatus::Good, &certified(), Reason::CertificateHold, None, later).is_err());
        assert!(revoke(CertStatus::Good, &certified(), Reason::KeyCompromise, None, later).is_ok());
    }
}
