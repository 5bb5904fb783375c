//! Certificate profiles and how they change, and checking a request before it is filed.

use serde::{Deserialize, Serialize};

use super::Words;

/// `profile/list`: the profiles in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileList {
    /// By name.
    pub profiles: Vec<ProfileInfo>,
    /// Proposed versions that wait for a decision, oldest first.
    pub waiting: Vec<ProfileVersion>,
}

/// What a profile takes: enough to draw a form with only its fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileInfo {
    /// The word people type.
    pub profile: String,
    /// What it is for.
    pub title: Words,
    /// Its version in force.
    pub version: u32,
    /// Where that version comes from: `built-in` or `approved`.
    pub state: String,
    /// Only the suite itself issues from it, or only a ceremony does: nobody can ask for it.
    pub internal: bool,
    /// Its set of rules: `private`, `public-web`, `code-signing`, `mail`, `gm`.
    pub lints: String,
    /// Attributes of the subject that must be there, in the order of the encoding.
    pub required: Vec<String>,
    /// Attributes that may be there.
    pub optional: Vec<String>,
    /// Alternative names: `required`, `optional`, `absent`.
    pub san: String,
    /// Kinds of alternative name: `dns`, `ip`, `email`, `uri`.
    pub san_kinds: Vec<String>,
    /// Whether a common name must repeat an alternative name.
    pub cn_is_a_copy: bool,
    /// Identity numbers it takes.
    pub identity: Vec<IdentityField>,
    /// Kinds of key: `sm2`, `p256`, `p384`, `rsa`, `ed25519`.
    pub keys: Vec<String>,
    /// Who may make the key: `csr`, `pool`.
    pub makers: Vec<String>,
    /// Validity given when none is asked for. Unit: days.
    pub days: u64,
    /// The longest validity. Unit: days.
    pub max_days: u64,
    /// Extended key usages.
    pub extended: Vec<String>,
    /// Certificate policies, dotted.
    pub policies: Vec<String>,
    /// Whether a reviewer passes a request on before somebody approves it.
    pub reviewer: bool,
    /// Whether evidence must be on file before somebody approves.
    pub evidence: bool,
}

/// An identity number a profile takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityField {
    /// `resident-card`, `military-card`, `passport`, `social-insurance`, `business-registration`,
    /// `organisation-code`, `taxation`, `credit-code`.
    pub kind: String,
    /// `required` or `optional`.
    pub presence: String,
    /// The extension it stands in. Of numbers that share one, a certificate has one.
    pub oid: String,
}

/// Names a profile, or one version of it: `profile/show`, `profile/approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRef {
    /// Its word.
    pub profile: String,
    /// Which version. For `profile/show` the one in force when absent; otherwise it must be given.
    #[serde(default)]
    pub version: Option<u32>,
}

/// Answer of `profile/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileDetail {
    /// What this version takes.
    #[serde(flatten)]
    pub info: ProfileInfo,
    /// Its text, TOML.
    pub source: String,
    /// Every version there is, newest first.
    pub versions: Vec<ProfileVersion>,
}

/// A version of a profile: answer of `profile/propose`, `profile/approve` and `profile/reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileVersion {
    /// Its word.
    pub profile: String,
    /// Its version.
    pub version: u32,
    /// `built-in`, `proposed`, `approved`, `rejected`.
    pub state: String,
    /// Whether certificates are issued from it now.
    pub in_force: bool,
    /// SM3 of its text, hexadecimal: pinned into every certificate's record.
    pub sm3: String,
    /// Who proposed it; absent for a built-in one.
    pub proposer: Option<String>,
    /// When.
    pub proposed_at: Option<String>,
    /// What the proposer said it is for.
    pub note: String,
    /// Who approved or rejected it.
    pub decider: Option<String>,
    /// When.
    pub decided_at: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
}

/// `profile/propose`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilePropose {
    /// The whole text, TOML. Its version must be above every version known of this name.
    pub source: String,
    /// What the change is for; at most 500 characters.
    pub note: String,
}

/// `profile/reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileReject {
    /// Its word.
    pub profile: String,
    /// Which version.
    pub version: u32,
    /// Why; at most 500 characters.
    pub reason: String,
}

/// `profile/diff`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileCompare {
    /// Its word.
    pub profile: String,
    /// The version before; the one in force when absent.
    #[serde(default)]
    pub from: Option<u32>,
    /// The version after; the one that waits, or else the newest, when absent.
    #[serde(default)]
    pub to: Option<u32>,
}

/// Answer of `profile/diff`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileDiff {
    /// Its word.
    pub profile: String,
    /// The version before; absent if there is none (a new profile).
    pub from: Option<u32>,
    /// The version after.
    pub to: u32,
    /// The rules that differ, by name.
    pub changes: Vec<RuleChange>,
    /// Both texts, laid over each other.
    pub lines: Vec<DiffLine>,
}

/// A rule that differs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleChange {
    /// Such as `validity.days`.
    pub rule: String,
    /// Before; absent if it is new.
    pub before: Option<String>,
    /// After; absent if it is gone.
    pub after: Option<String>,
}

/// A line of one text or both.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiffLine {
    /// `same`, `removed`, `added`.
    pub kind: String,
    /// The line.
    pub text: String,
}

/// `cert/check`: what `cert/submit` would say to names, key and validity, as far as they are filled in. Nothing is
/// stored; evidence and branch are not looked at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertCheck {
    /// PKCS#10, PEM or base64 DER; the names alone are checked while there is none.
    #[serde(default)]
    pub csr: Option<String>,
    /// Subject name in RFC 4514 form; from the CSR when absent.
    #[serde(default)]
    pub subject: Option<String>,
    /// Alternative names; from the CSR when empty.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Identity numbers such as `credit-code:91350100M000100Y43`.
    #[serde(default)]
    pub identity: Vec<String>,
    /// Profile, `tls-server` when absent.
    #[serde(default)]
    pub profile: Option<String>,
    /// Issuer; chosen by the key's algorithm when absent.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Validity in days.
    #[serde(default)]
    pub days: Option<u32>,
}

/// Answer of `cert/check`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckReport {
    /// Whether nothing here stands against `cert/submit`. Never so without a CSR.
    pub ready: bool,
    /// What was found, errors first.
    pub findings: Vec<CheckFinding>,
    /// What the CSR holds, if it could be read.
    pub csr: Option<CsrInfo>,
    /// The issuer that would sign, once it is known.
    pub issuer: Option<String>,
    /// The validity that would be given.
    pub not_before: Option<String>,
    /// Its last second.
    pub not_after: Option<String>,
}

/// Something that stands against a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckFinding {
    /// Which field of `cert/check` it is about: `csr`, `subject`, `sans`, `identity`, `profile`, `issuer`, `days`;
    /// `other` if none.
    pub field: String,
    /// `error` or `warning`.
    pub severity: String,
    /// The rule's name, such as `cn_not_in_san`, or a code, such as `NO_POSSESSION`.
    pub lint: String,
    /// Where the rule stands; empty for a code.
    pub section: String,
    /// What was found.
    pub detail: String,
}

/// What a CSR holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CsrInfo {
    /// The kind of its key, such as `sm2` or `rsa-3072`.
    pub key: String,
    /// SM3 of the DER SubjectPublicKeyInfo, hexadecimal.
    pub key_sm3: String,
    /// Subject name in RFC 4514 form.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
}
