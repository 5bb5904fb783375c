//! What has to happen to a request before somebody approves it.

use serde::Deserialize;

/// The steps between filing a request and approving it. By default there are none but the second person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRules {
    /// Whether a reviewer passes it on first. Who files, who reviews and who approves are then three people.
    #[serde(default)]
    pub reviewer: bool,
    /// Whether evidence of the names must be on file: what was checked, how, and until when it holds.
    #[serde(default)]
    pub evidence: bool,
    /// The longest a piece of evidence may be used. Unit: days. 0, the default, means no bound but its own.
    /// Source for public servers: CA/Browser BR 4.2.1.
    #[serde(default)]
    pub evidence_days: u32,
}
