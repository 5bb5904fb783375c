//! Certification path validation after RFC 5280 6.1 and 6.3, with every check reported on its own.
//!
//! Keys: SM2, ECDSA, RSA, Ed25519. Bounded in every direction: eight certificates, 64 signature checks
//! while a path is sought and 512 in all, 64 KiB for a certificate. Revocation is decided by the CRLs and OCSP answers
//! that are given; nothing is fetched. Policies are followed as RFC 9618 has it. The anchor is checked like any
//! authority, but for its revocation and its policies.
//!
//! A certificate, CRL or answer remembers which key its signature was found to be of: whoever keeps the values (they
//! are cheap to clone) pays for each signature once.

use std::cell::Cell;
use std::fmt;

use const_oid::ObjectIdentifier;
use pki_config::Instant;
use pki_config::status::CertStatus;

mod cert;
mod check;
mod constraints;
mod crl;
mod extensions;
mod names;
mod ocsp;
mod points;
mod policy;
mod problem;
mod revocation;
mod search;
mod tolerant;

pub use cert::Cert;
pub use constraints::within_constraints;
pub use crl::{Crl, CrlEntry};
pub use extensions::{BasicConstraints, Extensions, KeyUsage};
pub use ocsp::OcspAnswer;
pub use problem::{Check, Problem};
pub use tolerant::Deviation;

pub(crate) use tolerant::sm2_point;

use search::Seeking;

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
    /// By a usable CRL or OCSP answer where one is given.
    WhereKnown,
    /// Every certificate but the anchor needs a usable CRL or OCSP answer.
    Required,
}

/// Which certificate policies are asked for (RFC 5280 6.1.1 c, e, f, g). By default any or none will do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Those that are acceptable; any, if none is named.
    pub acceptable: &'a [ObjectIdentifier],
    /// Whether one of them must be valid along the whole path (initial-explicit-policy).
    pub required: bool,
    /// Whether mappings count for nothing (initial-policy-mapping-inhibit).
    pub mapping_inhibited: bool,
    /// Whether anyPolicy counts for nothing (initial-any-policy-inhibit).
    pub any_inhibited: bool,
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
    /// The OCSP answers to decide by.
    pub ocsps: &'a [OcspAnswer],
    /// What the caller itself knows of certificates, as of [`Options::evidence_until`]: it is believed.
    pub told: &'a [(Cert, CertStatus)],
    /// Up to when evidence may have been made. Default: the moment asked about. Where that lies in the past, give the
    /// present: a later list tells of an earlier moment as well, if the certificate had not expired in between.
    pub evidence_until: Option<Instant>,
    /// Which policies are asked for.
    pub policies: Policies<'a>,
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

/// What decided that a certificate is not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Which certificate: 0 is the leaf.
    pub certificate: usize,
    /// Which of the things given.
    pub source: Source,
    /// As of when it speaks.
    pub made: Instant,
}

/// A thing given in [`Options`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The CRL at this place of [`Options::crls`].
    Crl(usize),
    /// The answer at this place of [`Options::ocsps`].
    Ocsp(usize),
    /// The caller itself.
    Told,
}

/// Everything that was checked, in the order of the path.
#[derive(Debug, Clone)]
pub struct Report {
    /// The path, leaf first, as far as it goes; the anchor is the last one if there is a path.
    pub path: Vec<Cert>,
    /// Every check.
    pub findings: Vec<Finding>,
    /// What decided that certificates of the path are not revoked, where something did.
    pub evidence: Vec<Evidence>,
    /// The policies that are valid along the path, of those asked for; anyPolicy if all are.
    pub policies: Vec<ObjectIdentifier>,
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
    let until = options.evidence_until.map_or(at, |until| until.max(at));
    let (anchors, spent) = (anchors.certificates(), Cell::new(0));
    Seeking { intermediates, anchors, at, until, options, depth: 0, spent: &spent }.examine(leaf)
}

#[cfg(test)]
mod tests;
