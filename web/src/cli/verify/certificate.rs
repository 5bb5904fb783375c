//! A certificate: its chain, its validity, whether it is revoked, and its receipt.

use std::path::Path;

use crypto_pool::path::{Cert, Check, Crl, Options, Policies, Problem, Report, Revocation, Source, examine};

use super::{Against, Item, Outcome, Step};
use crate::api::Receipt;
use crate::cli::pem;

/// Every check of it.
pub(super) fn check(file: &Path, leaf: &Cert, others: &[Cert], receipt: Option<&Receipt>, against: &Against) -> Item {
    let intermediates: Vec<Cert> = others.iter().chain(&against.intermediates).cloned().collect();
    let crls = against.crls();
    let policies =
        Policies { acceptable: &against.policies, required: !against.policies.is_empty(), ..Policies::default() };
    let options = Options {
        revocation: Revocation::Required,
        crls: &crls,
        ocsps: &against.ocsps,
        policies,
        ..Options::default()
    };
    let report = examine(leaf, &intermediates, &against.anchors, against.at, &options);
    let mut steps = vec![chain(&report), validity(&report, against), revocation(&report, &crls, against)];
    steps.extend(form(leaf));
    steps.push(match receipt {
        Some(receipt) => super::receipt::check(receipt, leaf, against),
        None => Step::not_checked("receipt", "none is given"),
    });
    let serial = pem::serial(leaf.der()).map_or_else(|_| "?".to_owned(), |serial| serial.to_string());
    Item::new(file, "certificate", format!("{} (serial {serial})", pem::subject(leaf.der())), steps)
}

/// What strict readers refuse in it, if anything: no fault of whoever holds it, and worth to know.
fn form(leaf: &Cert) -> Option<Step> {
    let told: Vec<String> = leaf.deviations().iter().map(ToString::to_string).collect();
    let detail = format!("others may refuse it: {} (`yinxin show` tells more)", told.join("; "));
    (!told.is_empty()).then_some(Step { check: "form", result: Outcome::Warning, detail, detail_zh: None })
}

/// Everything about the path but time and revocation, which are told apart.
pub(super) fn chain(report: &Report) -> Step {
    let failed: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| !matches!(finding.check, Check::Validity | Check::Revocation))
        .filter_map(|finding| finding.result.err().map(|problem| (finding.certificate, problem)))
        .map(|(place, problem)| format!("{}: {problem}{}", subject(report, place), hint(&problem)))
        .collect();
    if failed.is_empty() {
        let names: Vec<String> = (0..report.path.len()).map(|place| subject(report, place)).collect();
        Step::pass("chain", names.join(" < "))
    } else {
        Step::fail("chain", failed.join("; "))
    }
}

const fn hint(problem: &Problem) -> &'static str {
    match problem {
        Problem::NoIssuer => " (give the certificates between with --chain; `yinxin trust add` makes a root believed)",
        _ => "",
    }
}

/// Whether every certificate of the path is valid at the moment.
pub(super) fn validity(report: &Report, against: &Against) -> Step {
    let failed: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.check == Check::Validity)
        .filter_map(|finding| finding.result.err().map(|problem| (finding.certificate, problem)))
        .map(|(place, problem)| format!("{}: {problem}", subject(report, place)))
        .collect();
    if !failed.is_empty() {
        return Step::fail("validity", failed.join("; "));
    }
    let Some(leaf) = report.path.first() else { return Step::not_checked("validity", "there is no path") };
    // Without a path to a root only the leaf itself was at hand.
    if !report.findings.iter().any(|finding| finding.check == Check::Validity)
        && !(leaf.not_before()..=leaf.not_after()).contains(&against.at.whole_second())
    {
        return Step::fail("validity", format!("{} to {}", leaf.not_before(), leaf.not_after()));
    }
    Step::pass("validity", format!("{} to {}", leaf.not_before(), leaf.not_after()))
}

/// Whether a CRL says something about the certificate. CRLs that only happen to lie in the data directory
/// may be of no use; those that the caller gave must be.
fn revocation(report: &Report, crls: &[Crl], against: &Against) -> Step {
    let mut leaf = Step::not_checked("revocation", "no CRL of its issuer and no OCSP answer is given");
    let mut notes = Vec::new();
    for finding in report.findings.iter().filter(|finding| finding.check == Check::Revocation) {
        let name = || subject(report, finding.certificate);
        match finding.result {
            // What an authority says of its own certificates counts, who gave it or where it was found.
            Err(problem @ (Problem::Revoked { .. } | Problem::UnknownToAuthority)) => {
                return Step::fail("revocation", format!("{}: {problem}", name()));
            }
            Err(
                problem @ (Problem::CrlSignature
                | Problem::CrlNotCurrent
                | Problem::CrlReasonsOpen
                | Problem::OcspSignature
                | Problem::OcspNotCurrent),
            ) => {
                let detail = format!("{}: {problem}", name());
                if is_given(report, finding.certificate, against) {
                    return Step::fail("revocation", detail);
                }
                if finding.certificate == 0 {
                    leaf.detail = detail;
                }
            }
            Err(Problem::NoCrl) if finding.certificate > 0 => notes.push(format!("{} was not looked up", name())),
            Ok(()) if finding.certificate == 0 => {
                leaf = Step::pass("revocation", as_of(report, crls, against));
            }
            _ => {}
        }
    }
    if leaf.result == Outcome::Pass && !notes.is_empty() {
        leaf.detail = format!("{}; {}", leaf.detail, notes.join("; "));
    }
    leaf
}

/// What decided that the leaf is not revoked.
fn as_of(report: &Report, crls: &[Crl], against: &Against) -> String {
    let source = report.evidence.iter().find(|evidence| evidence.certificate == 0).map(|evidence| evidence.source);
    match source {
        Some(Source::Crl(place)) => {
            crls.get(place).map_or_else(String::new, |crl| format!("not in the CRL of {}", crl.this_update()))
        }
        Some(Source::Ocsp(place)) => against
            .ocsps
            .get(place)
            .map_or_else(String::new, |answer| format!("good by the OCSP answer of {}", answer.produced_at())),
        Some(Source::Told) | None => "not revoked".to_owned(),
    }
}

/// Whether the caller gave a CRL of this certificate's issuer, or an OCSP answer about the certificate.
fn is_given(report: &Report, place: usize, against: &Against) -> bool {
    let Some(cert) = report.path.get(place) else { return false };
    let answered = |issuer: &Cert| against.ocsps.iter().any(|answer| answer.is_about(cert, issuer));
    against.given_crls.iter().any(|crl| crl.issuer() == cert.issuer())
        || report.path.get(place + 1).is_some_and(answered)
}

fn subject(report: &Report, place: usize) -> String {
    report.path.get(place).map_or_else(|| "?".to_owned(), |cert| pem::short_subject(cert.der()))
}
