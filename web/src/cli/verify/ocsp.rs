//! An OCSP answer: about which of the certificates given it speaks, who signed it, and whether it is current.

use std::path::Path;

use crypto_pool::path::{Cert, Check, OcspAnswer, Options, Problem, Revocation, examine};

use super::{Against, Item, Outcome, Step};
use crate::cli::pem;

/// Every check of it.
pub(super) fn check(file: &Path, answer: &OcspAnswer, against: &Against) -> Item {
    let mut steps = Vec::new();
    let known: Vec<&Cert> = against.intermediates.iter().chain(against.anchors.certificates()).collect();
    let mut seen: Vec<&Cert> = Vec::new();
    for &cert in &known {
        let is_about = known.iter().any(|issuer| answer.is_about(cert, issuer));
        if is_about && !seen.contains(&cert) {
            seen.push(cert);
            steps.push(about(answer, cert, against));
        }
    }
    if steps.is_empty() {
        let detail = "give the certificate it speaks of, and its issuer's: without them nobody can tell who signed it";
        steps.push(Step {
            check: "signature",
            result: Outcome::Unknown,
            detail: detail.to_owned(),
            detail_zh: Some("请同时给出其所查证书及签发者证书，否则无法判断由谁签名".to_owned()),
        });
    }
    Item::new(file, "ocsp", format!("of {}", answer.produced_at()), steps)
}

/// Believed for this certificate, by the one path validation; what it says of it is no fault of the answer.
fn about(answer: &OcspAnswer, cert: &Cert, against: &Against) -> Step {
    let ocsps = std::slice::from_ref(answer);
    let options = Options { revocation: Revocation::Required, ocsps, ..Options::default() };
    let report = examine(cert, &against.intermediates, &against.anchors, against.at, &options);
    let name = pem::short_subject(cert.der());
    let own = report.findings.iter().find(|one| one.check == Check::Revocation && one.certificate == 0);
    match own.map(|finding| finding.result) {
        Some(Ok(())) => Step::pass("answer", format!("{name}: good")),
        Some(Err(problem @ Problem::Revoked { .. })) => Step::pass("answer", format!("{name}: {problem}")),
        Some(Err(problem @ Problem::UnknownToAuthority)) => Step::pass("answer", format!("{name}: {problem}")),
        Some(Err(problem)) => Step::fail("answer", format!("{name}: {problem}")),
        None => Step::fail("answer", format!("{name}: {}", super::certificate::chain(&report).detail)),
    }
}
