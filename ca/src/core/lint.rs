//! Lints: rules a certificate is held to before it is signed.
//!
//! They read the encoded bytes, parsed again, so that what is linted is what is signed. Each rule has an
//! identifier, the clause it comes from and a severity; errors stop, warnings are kept with the
//! certificate. Sources are abbreviated: `5280 4.1` is RFC 5280, `BR` the CA/Browser Forum's TLS Baseline
//! Requirements, `own` ours.

mod above;
mod code;
mod country;
pub mod crl;
mod extensions;
mod identifiers;
mod identity;
mod key;
mod mail;
mod names;
mod policies;
pub mod record;
mod serial;
pub mod signed;
mod sm2;
mod structure;
mod suffixes;
mod usage;
mod validity;
mod view;

#[cfg(test)]
pub(crate) mod samples;

use std::fmt;

use crypto_pool::PublicKey;
use pki_config::profile::{LintSet, Profile};
use pki_config::time::Validity;
use pki_config::{Instant, RequestId, Serial, TenantId};

use super::draft::{Draft, Subject};
use super::issuer::Issuer;
use view::View;

/// What a broken rule leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing is signed.
    Error,
    /// It is signed, and the warning kept.
    Warning,
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The identifier of the rule.
    pub lint: &'static str,
    /// The clause it comes from.
    pub section: &'static str,
    /// What it leads to.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.lint, self.section, self.detail)
    }
}

/// What the bytes are held against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The profile they were drafted from.
    pub profile: &'a Profile,
    /// Who will sign them.
    pub issuer: &'a Issuer,
    /// The key that should be in them.
    pub key: &'a PublicKey,
    /// Now.
    pub now: Instant,
}

/// A rule: what it is called, where it comes from, how to tell.
pub(crate) struct Lint {
    id: &'static str,
    section: &'static str,
    severity: Severity,
    /// In which sets it is; none means in all.
    sets: &'static [LintSet],
    /// The sentence about what was found, if the rule is broken.
    check: fn(&View<'_>) -> Option<String>,
}

impl Lint {
    /// The same, for certificates of these sets only.
    const fn only(self, sets: &'static [LintSet]) -> Self {
        Self { sets, ..self }
    }

    fn applies(&self, view: &View<'_>) -> bool {
        self.sets.is_empty() || self.sets.iter().any(|set| view.is_of(*set))
    }

    const fn error(id: &'static str, section: &'static str, check: fn(&View<'_>) -> Option<String>) -> Self {
        Self { id, section, severity: Severity::Error, sets: &[], check }
    }

    const fn warning(id: &'static str, section: &'static str, check: fn(&View<'_>) -> Option<String>) -> Self {
        Self { id, section, severity: Severity::Warning, sets: &[], check }
    }
}

/// What of a request a rule is about, so that a form can say it where it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// The subject's key.
    Key,
    /// The distinguished name.
    Subject,
    /// The alternative names.
    AltNames,
    /// The identity numbers.
    Identity,
    /// The validity period.
    Validity,
    /// Nothing the applicant gave.
    Other,
}

/// Every family of rules.
const FAMILIES: [(About, &[Lint]); 16] = [
    (About::Other, structure::LINTS),
    (About::Other, serial::LINTS),
    (About::Validity, validity::LINTS),
    (About::Key, key::LINTS),
    (About::Other, usage::LINTS),
    (About::Other, identifiers::LINTS),
    (About::Subject, names::LINTS),
    (About::AltNames, names::alt::LINTS),
    (About::AltNames, names::public::LINTS),
    (About::AltNames, mail::LINTS),
    (About::Subject, code::LINTS),
    (About::Identity, identity::LINTS),
    (About::Other, extensions::LINTS),
    (About::Other, policies::LINTS),
    (About::Other, above::LINTS),
    (About::Other, sm2::LINTS),
];

fn lints() -> impl Iterator<Item = &'static Lint> {
    FAMILIES.into_iter().flat_map(|(_, family)| family)
}

/// What a rule is about.
#[must_use]
pub fn about(lint: &str) -> About {
    let family = FAMILIES.into_iter().find(|(_, family)| family.iter().any(|rule| rule.id == lint));
    family.map_or(About::Other, |(about, _)| about)
}

/// The identifier, clause and severity of every rule for certificates.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str, Severity)> {
    let parse = (structure::NOT_CANONICAL.0, structure::NOT_CANONICAL.1, Severity::Error);
    std::iter::once(parse).chain(lints().map(|lint| (lint.id, lint.section, lint.severity)))
}

/// Holds bytes to be signed against every rule.
#[must_use]
pub fn examine(tbs: &[u8], context: &Context<'_>) -> Vec<Finding> {
    let view = match View::read(tbs, context) {
        Ok(view) => view,
        Err(detail) => {
            let (lint, section) = structure::NOT_CANONICAL;
            return vec![Finding { lint, section, severity: Severity::Error, detail }];
        }
    };
    let broken = |lint: &Lint| {
        let Lint { id, section, severity, check, .. } = *lint;
        check(&view).map(|detail| Finding { lint: id, section, severity, detail })
    };
    lints().filter(|lint| lint.applies(&view)).filter_map(broken).collect()
}

/// A draft that breaks no rule. Only [`Draft::lint`] makes one.
#[derive(Debug)]
pub struct Linted {
    draft: Draft,
    warnings: Vec<Finding>,
}

impl Draft {
    /// Every rule the draft breaks.
    #[must_use]
    pub fn findings(&self, now: Instant) -> Vec<Finding> {
        let context = Context { profile: &self.profile, issuer: &self.issuer, key: self.subject.key(), now };
        examine(&self.tbs, &context)
    }

    /// Holds the draft against every rule.
    ///
    /// # Errors
    /// All findings, if any is an error. Caller's or operator's fault; nothing was stored or signed.
    pub fn lint(self, now: Instant) -> Result<Linted, Vec<Finding>> {
        let findings = self.findings(now);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        Ok(Linted { draft: self, warnings: findings })
    }
}

impl Linted {
    /// The exact bytes to be signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.draft.tbs
    }

    /// Rules broken that do not stop.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The request it answers.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.draft.approved.request()
    }

    /// Whose certificate it will be.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        self.draft.approved.tenant()
    }

    /// Who approved it.
    #[must_use]
    pub fn approver(&self) -> &str {
        self.draft.approved.approver()
    }

    /// The profile it was drafted from.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.draft.profile
    }

    /// Who will sign it.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.draft.issuer
    }

    /// The key and names in it.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.draft.subject
    }

    /// Its serial number.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.draft.serial
    }

    /// Its validity period.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.draft.validity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_rule_has_its_own_identifier() {
        let ids: Vec<&str> = rules().map(|(id, ..)| id).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.len() >= 20, "{}", ids.len());
    }

    #[test]
    fn every_rule_is_shown_to_pass_and_to_fail() {
        let tests = [
            include_str!("lint/structure.rs"),
            include_str!("lint/serial.rs"),
            include_str!("lint/validity.rs"),
            include_str!("lint/key.rs"),
            include_str!("lint/usage.rs"),
            include_str!("lint/identifiers.rs"),
            include_str!("lint/names.rs"),
            include_str!("lint/names/alt.rs"),
            include_str!("lint/names/public.rs"),
            include_str!("lint/mail.rs"),
            include_str!("lint/code.rs"),
            include_str!("lint/identity.rs"),
            include_str!("lint/extensions.rs"),
            include_str!("lint/policies.rs"),
            include_str!("lint/above.rs"),
            include_str!("lint/sm2.rs"),
        ]
        .join("\n");
        for (id, ..) in rules() {
            let shown = |ways: &[&str]| ways.iter().any(|way| tests.contains(&format!("{way}\"{id}\"")));
            assert!(shown(&["passes(", "passes_in(Family::Sm2, "]), "{id} is not shown to pass");
            assert!(
                shown(&["fails(", "fails_bytes(", "fails_under(", "fails_in(Family::Sm2, "]),
                "{id} is not shown to fail"
            );
        }
    }
}
