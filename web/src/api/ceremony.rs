//! `ceremony/*`: what two persons agree on about authorities.

use serde::{Deserialize, Serialize};

/// `ceremony/request`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyRequest {
    /// The plan, TOML.
    pub plan: String,
}

/// Answer of `ceremony/request`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CeremonyRequested {
    /// The request file, to be carried to the machine with the root's key.
    pub request: String,
    /// Its code, to be compared there.
    pub code: String,
    /// The code of the plan together with the request: what is typed there.
    pub agreed: String,
    /// The issuers it asks for.
    pub issuers: Vec<String>,
}

/// `ceremony/propose`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyPropose {
    /// A plan, or the answer of a machine elsewhere.
    pub source: String,
    /// The request that comes with a plan.
    #[serde(default)]
    pub request: Option<String>,
}

/// Names a ceremony: `ceremony/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyRef {
    /// Identifier.
    pub ceremony: String,
}

/// `ceremony/confirm`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyConfirm {
    /// Identifier.
    pub ceremony: String,
    /// Its code, typed; spaces and capitals do not matter.
    pub code: String,
}

/// `ceremony/reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyReject {
    /// Identifier.
    pub ceremony: String,
    /// Why.
    pub reason: String,
}

/// A ceremony: answer of all calls but `request` and `list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CeremonyInfo {
    /// Identifier.
    pub ceremony: String,
    /// `plan` or `import`.
    pub kind: String,
    /// `proposed`, `running`, `done`, `failed`, `rejected`.
    pub state: String,
    /// In one line.
    pub title: String,
    /// What it does, a line a step.
    pub words: Vec<String>,
    /// What two persons compare and one types: 128 bits in eight groups.
    pub code: String,
    /// Whether one person may do both: in a trial.
    pub one_step: bool,
    /// Who put it forward.
    pub proposer: String,
    /// Who confirmed or rejected it.
    pub decider: Option<String>,
    /// When put forward.
    pub proposed_at: String,
    /// When decided.
    pub decided_at: Option<String>,
    /// Why it was rejected or failed.
    pub reason: Option<String>,
    /// The file that goes back to who asked.
    pub response: Option<String>,
    /// The page to be printed and signed.
    pub transcript: Option<String>,
}

/// Answer of `ceremony/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CeremonyList {
    /// Newest first, at most 100, without response and transcript.
    pub ceremonies: Vec<CeremonyInfo>,
}

/// A certificate between one of our issuers and an authority elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrossInfo {
    /// `given` or `received`.
    pub direction: String,
    /// Our issuer.
    pub issuer: String,
    /// The other authority's name.
    pub other: String,
    /// Last second.
    pub not_after: String,
    /// SHA-256, upper-case hexadecimal.
    pub sha256: String,
    /// PEM.
    pub certificate: String,
}

/// Answer of `issuer/cross`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrossList {
    /// Oldest first.
    pub certificates: Vec<CrossInfo>,
}
