//! Certification path validation after RFC 5280 6.1, with every check reported on its own.
//!
//! Keys: SM2, ECDSA, RSA, Ed25519. Bounded in every direction: eight certificates, 64 signature checks
//! while a path is sought, 64 KiB for a certificate. Revocation is decided by the CRLs that are given;
//! nothing is fetched. Certificate policies decide nothing (any policy is acceptable).

use std::fmt;

use const_oid::ObjectIdentifier;
use pki_config::Instant;
use pki_config::status::Reason;

use crate::public_key::BadKey;

mod cert;
mod check;
mod crl;
mod extensions;
mod names;

pub use cert::Cert;
pub use crl::{Crl, CrlEntry};
pub use extensions::{BasicConstraints, Extensions, KeyUsage};
pub use names::within_constraints;

/// Most certificates in a path, the anchor included.
const LONGEST: usize = 8;
/// Most signatures that are checked while a path is sought.
const MOST_SIGNATURES: usize = 64;

/// The certificates that are believed without a proof.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Vec<Cert>);

impl Anchors {
    /// These.
    #[must_use]
    pub fn new(roots: Vec<Cert>) -> Self {
        Self(roots)
    }

    /// They.
    #[must_use]
    pub fn certificates(&self) -> &[Cert] {
        &self.0
    }
}

/// How revocation is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revocation {
    /// Not at all.
    #[default]
    Ignored,
    /// By a usable CRL where one is given.
    WhereKnown,
    /// Every certificate but the anchor needs a usable CRL.
    Required,
}

/// What is asked of a path beyond being one.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// The use the leaf must be for, and no authority above it may exclude.
    pub ext_key_usage: Option<ObjectIdentifier>,
    /// How revocation is decided.
    pub revocation: Revocation,
    /// The CRLs to decide by.
    pub crls: &'a [Crl],
}

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
    /// No CRL that speaks of this certificate was given.
    NoCrl,
    /// The CRL is not signed by the issuer, or the issuer may not sign CRLs.
    CrlSignature,
    /// The CRL is from the future or overdue.
    CrlNotCurrent,
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
        })
    }
}

/// One check of one certificate of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Which certificate: 0 is the leaf.
    pub certificate: usize,
    /// What was checked.
    pub check: Check,
    /// How it came out.
    pub result: Result<(), Problem>,
}

/// Everything that was checked, in the order of the path.
#[derive(Debug, Clone)]
pub struct Report {
    /// The path, leaf first, as far as it goes; the anchor is the last one if there is a path.
    pub path: Vec<Cert>,
    /// Every check.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|finding| finding.result.is_ok())
    }
}

/// A path that passed every check. Only [`validate`] makes one.
#[derive(Debug, Clone)]
pub struct Chain(Vec<Cert>);

impl Chain {
    /// The certificates, leaf first, anchor last.
    #[must_use]
    pub fn certificates(&self) -> &[Cert] {
        &self.0
    }
}

/// Why a path is not valid: the first check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError {
    /// Which certificate: 0 is the leaf.
    pub certificate: usize,
    /// Which check.
    pub check: Check,
    /// Why.
    pub problem: Problem,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {} of the path: {}", self.certificate, self.problem)
    }
}

impl std::error::Error for PathError {}

/// Finds a path from `leaf` to an anchor and checks it as of `at`.
///
/// # Errors
/// The first check that failed, on the best path there is.
pub fn validate(
    leaf: &Cert,
    intermediates: &[Cert],
    anchors: &Anchors,
    at: Instant,
    options: &Options<'_>,
) -> Result<Chain, PathError> {
    let report = examine(leaf, intermediates, anchors, at, options);
    let failed = report.findings.iter().find_map(|finding| {
        let Finding { certificate, check, result } = *finding;
        result.err().map(|problem| PathError { certificate, check, problem })
    });
    failed.map_or(Ok(Chain(report.path)), Err)
}

/// As [`validate`], but tells of every check, passed or failed.
#[must_use]
pub fn examine(leaf: &Cert, intermediates: &[Cert], anchors: &Anchors, at: Instant, options: &Options<'_>) -> Report {
    let mut path = vec![leaf.clone()];
    let mut exhausted = false;
    // If no path has all its signatures right, one with a wrong signature tells better what is amiss than
    // "no issuer" would.
    for wrong_signatures in [false, true] {
        let mut search = Search { intermediates, anchors, at, options, wrong_signatures, signatures: 0, best: None };
        search.extend(&mut path, Vec::new());
        if let Some(report) = search.best {
            return report;
        }
        exhausted |= search.signatures >= MOST_SIGNATURES;
    }
    let problem = if exhausted { Problem::TooLong } else { Problem::NoIssuer };
    Report { path, findings: vec![Finding { certificate: 0, check: Check::Path, result: Err(problem) }] }
}

struct Search<'a> {
    intermediates: &'a [Cert],
    anchors: &'a Anchors,
    at: Instant,
    options: &'a Options<'a>,
    /// Whether paths with wrong signatures are followed too, to report them.
    wrong_signatures: bool,
    signatures: usize,
    best: Option<Report>,
}

impl Search<'_> {
    /// Extends the path by every possible issuer of its last certificate, anchors first; stops at the first
    /// path without a fault. `signatures` holds the findings about signatures on the way here.
    fn extend(&mut self, path: &mut Vec<Cert>, signatures: Vec<Finding>) -> bool {
        let Some(last) = path.last().cloned() else { return false };
        if self.anchors.0.contains(&last) {
            return self.judge(path, &signatures);
        }
        if path.len() == LONGEST {
            return false;
        }
        let certificate = path.len() - 1;
        let issuers = self.anchors.0.iter().chain(self.intermediates);
        let issuers: Vec<Cert> = issuers.filter(|one| may_have_issued(one, &last)).cloned().collect();
        for issuer in issuers {
            if path.contains(&issuer) || self.signatures >= MOST_SIGNATURES {
                continue;
            }
            self.signatures += 1;
            let result = check::signature(&last, &issuer);
            if result.is_err() && !self.wrong_signatures {
                continue;
            }
            let mut findings = signatures.clone();
            findings.push(Finding { certificate, check: Check::Signature, result });
            path.push(issuer);
            let found = self.extend(path, findings);
            if found {
                return true;
            }
            path.pop();
        }
        false
    }

    /// Checks a path that ends in an anchor. Keeps the first, or one without a fault.
    fn judge(&mut self, path: &[Cert], signatures: &[Finding]) -> bool {
        let findings = check::findings(path, signatures, self.at, self.options);
        let report = Report { path: path.to_vec(), findings };
        let valid = report.is_valid();
        if valid || self.best.is_none() {
            self.best = Some(report);
        }
        valid
    }
}

/// By name, and by key identifier where both say one.
fn may_have_issued(issuer: &Cert, cert: &Cert) -> bool {
    let ids = (&issuer.extensions().subject_key_id, &cert.extensions().authority_key_id);
    let same_key = !matches!(ids, (Some(issuer), Some(cert)) if issuer != cert);
    same_key && names::same_name(issuer.subject(), cert.issuer())
}

#[cfg(test)]
mod tests;
