//! `cert/check`: what would be said to a request, field by field, while it is being typed.

use ca::core::lint::{About, Finding, Severity, about};
use ca::{Checked, Trial};
use pki_config::name::{AltName, DistinguishedName, SubjectAltName};
use pki_config::role::Authorized;
use pki_config::{ErrorCode, Identity};

use super::{csr_bytes, hex};
use crate::api::profile::{CertCheck, CheckFinding, CheckReport, CsrInfo};
use crate::app::App;
use crate::problem::Failure;

/// `cert/check`. What is wrong with a field is in the answer; only a call that makes no sense fails.
pub async fn check(app: App, by: Authorized, ask: CertCheck) -> Result<CheckReport, Failure> {
    let mut said = Vec::new();
    let mut say = |field, failure: &Failure| said.push(from_failure(field, failure));
    let given = |text: &String| !text.trim().is_empty();
    let csr = ask.csr.filter(given).and_then(|csr| csr_bytes(csr).map_err(|why| say("csr", &why)).ok());
    let subject = ask
        .subject
        .filter(given)
        .and_then(|text| text.parse::<DistinguishedName>().map_err(|why| say("subject", &why.into())).ok());
    // One wrong name does not hide what is said to the others.
    let mut names: Vec<AltName> = Vec::new();
    for text in ask.sans.iter().filter(|text| given(text)) {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(why) => say("sans", &pki_config::name::BadName::into(why)),
        }
    }
    let sans = SubjectAltName::new(names).unwrap_or_else(|why| {
        say("sans", &why.into());
        SubjectAltName::none()
    });
    let identity: Identity = ask.identity.join(",").parse().unwrap_or_else(|why| {
        say("identity", &pki_config::identity::BadIdentity::into(why));
        Identity::none()
    });
    let issuer = ask
        .issuer
        .filter(given)
        .and_then(|id| id.parse().map_err(|why: pki_config::ids::BadId| say("issuer", &why.into())).ok());
    let profile = ask.profile.unwrap_or_else(|| "tls-server".to_owned());
    let trial = Trial { csr, subject, sans, identity, profile, issuer, days: ask.days };
    let checked = app.ca().check(&by, trial).await?;
    Ok(report(checked, said))
}

fn report(checked: Checked, mut said: Vec<CheckFinding>) -> CheckReport {
    for error in checked.refused {
        said.push(from_failure(field_of(error.code()), &Failure::from(error)));
    }
    said.extend(checked.findings.iter().map(from_finding));
    // Stable: within a severity they stay in the order of the form.
    said.sort_by_key(|finding| finding.severity != "error");
    let csr = checked.request.map(|(key, subject, sans)| CsrInfo {
        key: key.algorithm().to_string(),
        key_sm3: hex(&engine::sm3::hash(key.spki_der())),
        subject: subject.to_string(),
        sans: sans.entries().iter().map(ToString::to_string).collect(),
    });
    CheckReport {
        ready: csr.is_some() && said.iter().all(|finding| finding.severity != "error"),
        findings: said,
        csr,
        issuer: checked.issuer.map(|id| id.to_string()),
        not_before: checked.validity.map(|validity| validity.not_before().to_string()),
        not_after: checked.validity.map(|validity| validity.not_after().to_string()),
    }
}

fn from_failure(field: &str, failure: &Failure) -> CheckFinding {
    let problem = failure.problem("");
    CheckFinding {
        field: field.to_owned(),
        severity: "error".to_owned(),
        lint: problem.code,
        section: String::new(),
        detail: problem.detail.unwrap_or(problem.message.en),
    }
}

fn from_finding(finding: &Finding) -> CheckFinding {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let field = match about(finding.lint) {
        About::Key => "csr",
        About::Subject => "subject",
        About::AltNames => "sans",
        About::Identity => "identity",
        About::Validity => "days",
        About::Other => "other",
    };
    CheckFinding {
        field: field.to_owned(),
        severity: severity.to_owned(),
        lint: finding.lint.to_owned(),
        section: finding.section.to_owned(),
        detail: finding.detail.clone(),
    }
}

/// Where a refusal is shown.
fn field_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadCsr | ErrorCode::NoPossession | ErrorCode::KeyRefused => "csr",
        ErrorCode::NameRefused => "identity",
        ErrorCode::BadTime => "days",
        ErrorCode::IssuerExpired | ErrorCode::IssuerState => "issuer",
        _ => "other",
    }
}
