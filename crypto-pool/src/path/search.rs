//! Seeking a path from a certificate to an anchor (RFC 5280 6 leaves how to everyone; RFC 4158 tells of the ways).

use std::cell::Cell;

use pki_config::Instant;

use super::cert::Cert;
use super::{Check, Finding, Options, Policies, Problem, Report, check, names};
use crate::public_key::PublicKey;

/// Most certificates in a path, the anchor included.
const LONGEST: usize = 8;
/// Most signatures that are checked while one path is sought.
const MOST_SIGNATURES: usize = 64;
/// Most signatures that are checked at all: of certificates, CRLs, OCSP answers, and on the paths of their signers.
const MOST_AT_ALL: usize = 512;

/// What is given, and what may still be spent on it.
#[derive(Clone)]
pub(super) struct Seeking<'a> {
    pub(super) intermediates: &'a [Cert],
    pub(super) anchors: &'a [Cert],
    pub(super) at: Instant,
    /// Evidence made up to then counts.
    pub(super) until: Instant,
    pub(super) options: &'a Options<'a>,
    /// How many signers of CRLs lie between this certificate and the one in question.
    pub(super) depth: usize,
    pub(super) spent: &'a Cell<usize>,
}

impl Seeking<'_> {
    /// The best report on `leaf` there is.
    pub(super) fn examine(&self, leaf: &Cert) -> Report {
        let mut exhausted = false;
        // If no path has all its signatures right, one with a wrong signature tells better what is amiss than
        // "no issuer" would.
        for wrong_signatures in [false, true] {
            let mut search = Search { seeking: self, wrong_signatures, signatures: 0, best: None };
            let mut path = vec![leaf.clone()];
            search.extend(&mut path, &mut Vec::new());
            if let Some(report) = search.best {
                return report;
            }
            exhausted |= search.signatures >= MOST_SIGNATURES || self.spent.get() >= MOST_AT_ALL;
        }
        let problem = if exhausted { Problem::TooLong } else { Problem::NoIssuer };
        let findings = vec![Finding { certificate: 0, check: Check::Path, result: Err(problem) }];
        Report { path: vec![leaf.clone()], findings, evidence: Vec::new(), policies: Vec::new() }
    }

    /// Whether a signer of CRLs leads to this anchor, and nothing is wrong on the way.
    pub(super) fn deeper(&self, signer: &Cert, anchor: &Cert) -> bool {
        let options = Options { ext_key_usage: None, policies: Policies::default(), ..self.options.clone() };
        let anchors = std::slice::from_ref(anchor);
        Seeking { options: &options, anchors, depth: self.depth + 1, ..self.clone() }.examine(signer).is_valid()
    }

    /// Whether one more signature may be checked. Known ones cost nothing.
    pub(super) fn pay(&self, is_known: bool) -> bool {
        let spent = self.spent.get();
        if !is_known {
            self.spent.set(spent + 1);
        }
        is_known || spent < MOST_AT_ALL
    }

    /// Whether the issuer's key made the certificate's signature.
    fn signature(&self, cert: &Cert, issuer: &Cert) -> Result<(), Problem> {
        if cert.algorithm().is_none() {
            return Err(Problem::UnknownAlgorithm);
        }
        let key: &PublicKey = issuer.public_key().map_err(Problem::Key)?;
        let right = self.pay(cert.is_known_signed_by(key)) && cert.is_signed_by(key);
        if right { Ok(()) } else { Err(Problem::Signature) }
    }
}

struct Search<'a> {
    seeking: &'a Seeking<'a>,
    /// Whether paths with wrong signatures are followed too, to report them.
    wrong_signatures: bool,
    signatures: usize,
    best: Option<Report>,
}

impl Search<'_> {
    /// Extends the path by every possible issuer of its last certificate, anchors first; stops at the first
    /// path without a fault. `signatures` holds the findings about signatures on the way here.
    fn extend(&mut self, path: &mut Vec<Cert>, signatures: &mut Vec<Finding>) -> bool {
        let seeking = self.seeking;
        let Some(last) = path.last().cloned() else { return false };
        if seeking.anchors.contains(&last) {
            return self.judge(path, signatures);
        }
        if path.len() == LONGEST {
            return false;
        }
        let certificate = path.len() - 1;
        let is_new = |issuer: &&Cert| !path.iter().any(|one| is_same_authority(one, issuer));
        let issuers = seeking.anchors.iter().chain(seeking.intermediates);
        let issuers = issuers.filter(|one| may_have_issued(one, &last)).filter(is_new);
        let mut issuers: Vec<&Cert> = issuers.take(MOST_SIGNATURES).collect();
        // Those that are valid now first: of several certificates of one authority, the others are its past.
        let is_past = |cert: &Cert| seeking.at < cert.not_before() || seeking.at.whole_second() > cert.not_after();
        issuers.sort_by_key(|cert| is_past(cert));
        for issuer in issuers {
            if self.signatures >= MOST_SIGNATURES {
                return false;
            }
            self.signatures += 1;
            let result = seeking.signature(&last, issuer);
            if result.is_err() && !self.wrong_signatures {
                continue;
            }
            signatures.push(Finding { certificate, check: Check::Signature, result });
            path.push(issuer.clone());
            if self.extend(path, signatures) {
                return true;
            }
            path.pop();
            signatures.pop();
        }
        false
    }

    /// Checks a path that ends in an anchor. Keeps the one with the fewest faults.
    fn judge(&mut self, path: &[Cert], signatures: &[Finding]) -> bool {
        let report = check::report(path, signatures, self.seeking);
        let faults = |report: &Report| report.findings.iter().filter(|finding| finding.result.is_err()).count();
        let new = faults(&report);
        if self.best.as_ref().is_none_or(|best| new < faults(best)) {
            self.best = Some(report);
        }
        new == 0
    }
}

/// By name, and by key identifier where both say one.
fn may_have_issued(issuer: &Cert, cert: &Cert) -> bool {
    let ids = (&issuer.extensions().subject_key_id, &cert.extensions().authority_key_id);
    let same_key = !matches!(ids, (Some(issuer), Some(cert)) if issuer != cert);
    same_key && names::same_name(issuer.subject(), cert.issuer())
}

/// Whether both are certificates of one name and key: a path that meets an authority twice goes in a circle.
fn is_same_authority(one: &Cert, other: &Cert) -> bool {
    one == other || (one.spki() == other.spki() && names::same_name(one.subject(), other.subject()))
}
