//! What is answered: from what is known of a certificate and of its issuer, and from the house's policy.

use std::time::Duration;

use pki_config::Instant;
use pki_config::status::{Reason, Revocation};

/// What is known of a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// No certificate with it was issued.
    Never,
    /// One was.
    Issued {
        /// Its last second.
        not_after: Instant,
        /// Whether it is revoked or on hold.
        revocation: Option<Revocation>,
    },
}

/// The house's policy.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whether a serial never issued is answered `revoked` with the extended-revoke extension (RFC 6960 2.2).
    pub extended_revoke: bool,
    /// How long after its end a certificate's status is kept, if that is announced.
    pub archive: Option<Duration>,
}

/// The status in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Issued and not revoked. Says nothing of its validity period.
    Good,
    /// Revoked or on hold.
    Revoked {
        /// Since when.
        at: Instant,
        /// Why; `None` is written by leaving the reason out.
        reason: Option<Reason>,
        /// When the key was compromised, if known to be earlier.
        invalidity: Option<Instant>,
    },
    /// Not known here.
    Unknown,
}

/// The answer for one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Its status.
    pub status: Status,
    /// archiveCutoff (RFC 6960 4.4.4): how far back status is kept.
    pub archive_cutoff: Option<Instant>,
    /// Whether the answer must carry the extended-revoke extension.
    pub extended: bool,
}

/// Decides. `authority` is the revocation of the issuer's own certificate, if there is one.
///
/// - A serial that was never issued is never `good`: whoever forged such a certificate must not find it confirmed.
/// - Where the issuer's own key is compromised, everything under its name is revoked, serials never issued too: with
///   the key others may have made them (RFC 6960 2.7). An authority revoked for another reason changes nothing here:
///   its certificates end with the path, not one by one.
#[must_use]
pub fn decide(known: Known, authority: Option<Revocation>, policy: &Policy, produced: Instant) -> Decision {
    let plain = |status| Decision { status, archive_cutoff: None, extended: false };
    let compromise = authority.filter(|r| matches!(r.reason, Reason::KeyCompromise | Reason::CaCompromise));
    match (known, compromise) {
        (Known::Issued { not_after, revocation }, _) if revocation.is_some() || compromise.is_none() => {
            let archive_cutoff = policy.archive.filter(|_| not_after < produced).map(|kept| produced.minus(kept));
            Decision { status: revocation.map_or(Status::Good, revoked), archive_cutoff, extended: false }
        }
        (_, Some(issuer)) => {
            plain(revoked(Revocation { at: issuer.at, reason: Reason::CaCompromise, invalidity: None }))
        }
        (_, None) if policy.extended_revoke => {
            let epoch = Instant::from_unix_seconds(0).expect("1970 is an instant");
            let status = Status::Revoked { at: epoch, reason: Some(Reason::CertificateHold), invalidity: None };
            Decision { status, archive_cutoff: None, extended: true }
        }
        (_, None) => plain(Status::Unknown),
    }
}

/// RFC 5280 5.3.1: `unspecified` is told by leaving the reason out, in answers as in CRLs.
fn revoked(r: Revocation) -> Status {
    let reason = (r.reason != Reason::Unspecified).then_some(r.reason);
    Status::Revoked { at: r.at, reason, invalidity: r.invalidity }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Policy = Policy { extended_revoke: false, archive: None };

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn now() -> Instant {
        at("2026-11-21T08:00:00Z")
    }

    fn issued(revocation: Option<Revocation>) -> Known {
        Known::Issued { not_after: at("2027-01-01T00:00:00Z"), revocation }
    }

    fn because(reason: Reason) -> Revocation {
        Revocation { at: at("2026-11-20T08:00:00Z"), reason, invalidity: None }
    }

    #[test]
    fn a_serial_never_issued_is_unknown_and_never_good() {
        for authority in [None, Some(because(Reason::Superseded))] {
            let decision = decide(Known::Never, authority, &PLAIN, now());
            assert_eq!(decision.status, Status::Unknown);
            assert!(!decision.extended);
        }
    }

    #[test]
    fn by_policy_a_serial_never_issued_is_on_hold_since_1970() {
        // RFC 6960 2.2.
        let policy = Policy { extended_revoke: true, ..PLAIN };
        let decision = decide(Known::Never, None, &policy, now());
        let hold =
            Status::Revoked { at: at("1970-01-01T00:00:00Z"), reason: Some(Reason::CertificateHold), invalidity: None };
        assert_eq!((decision.status, decision.extended), (hold, true));
        assert_eq!(decide(issued(None), None, &policy, now()).status, Status::Good);
    }

    #[test]
    fn a_hold_is_told_with_its_reason_and_an_unspecified_one_without() {
        for (reason, told) in [(Reason::CertificateHold, Some(Reason::CertificateHold)), (Reason::Unspecified, None)] {
            let Status::Revoked { reason, .. } = decide(issued(Some(because(reason))), None, &PLAIN, now()).status
            else {
                panic!("not revoked")
            };
            assert_eq!(reason, told);
        }
    }

    #[test]
    fn under_a_compromised_authority_everything_is_revoked_even_what_it_never_issued() {
        let authority = Some(because(Reason::KeyCompromise));
        for known in [issued(None), Known::Never] {
            let Status::Revoked { at, reason, .. } = decide(known, authority, &PLAIN, now()).status else {
                panic!("not revoked")
            };
            assert_eq!((at, reason), (self::at("2026-11-20T08:00:00Z"), Some(Reason::CaCompromise)));
        }
        // What was revoked before keeps its own reason.
        let own = decide(issued(Some(because(Reason::Superseded))), authority, &PLAIN, now()).status;
        assert!(matches!(own, Status::Revoked { reason: Some(Reason::Superseded), .. }));
        // An authority that only ceased leaves the status of what it issued.
        let ceased = decide(issued(None), Some(because(Reason::CessationOfOperation)), &PLAIN, now());
        assert_eq!(ceased.status, Status::Good);
    }

    #[test]
    fn the_archive_cutoff_is_told_of_expired_certificates_only() {
        // RFC 6960 4.4.4: producedAt less the retention interval.
        let policy = Policy { archive: Some(Duration::from_secs(86_400)), ..PLAIN };
        let expired = Known::Issued { not_after: at("2026-11-01T00:00:00Z"), revocation: None };
        assert_eq!(decide(expired, None, &policy, now()).archive_cutoff, Some(at("2026-11-20T08:00:00Z")));
        assert_eq!(decide(issued(None), None, &policy, now()).archive_cutoff, None);
        assert_eq!(decide(expired, None, &PLAIN, now()).archive_cutoff, None);
    }
}
