//! The audit log: checks, proofs, pages of entries.

use serde::{Deserialize, Serialize};

use super::Receipt;

/// `audit/verify`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditVerify {
    /// A checkpoint kept elsewhere, base64 DER: shows a cut tail.
    #[serde(default)]
    pub expect: Option<String>,
}

/// Answer of `audit/verify`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditReport {
    /// Nothing was found.
    pub ok: bool,
    /// Entries checked.
    pub entries: u64,
    /// Rows of other tables checked.
    pub rows: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// What was found, naming the record. At most 1,000.
    pub findings: Vec<String>,
}

/// `audit/proof`: of one entry, or of everything about one serial.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditProof {
    /// Position.
    #[serde(default)]
    pub seq: Option<u64>,
    /// Serial of a certificate.
    #[serde(default)]
    pub serial: Option<String>,
    /// For a consistency proof: the older size.
    #[serde(default)]
    pub since: Option<u64>,
}

/// Answer of `audit/proof`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditProofs {
    /// Receipts, one per entry.
    pub receipts: Vec<Receipt>,
    /// Consistency proof from `since` to the checkpoint, base64 hashes (RFC 9162 2.1.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Vec<String>>,
}

/// `audit/export`: a page of entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditExport {
    /// First position.
    #[serde(default)]
    pub from: u64,
    /// At most this many, 1 to 1,000; 500 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `audit/export`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// In order.
    pub entries: Vec<AuditLine>,
    /// Ask again with this as `from`; absent at the end.
    pub next: Option<u64>,
}

/// One entry, decoded and as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditLine {
    /// Position.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Tenant.
    pub tenant: String,
    /// Who, by identifier.
    pub person: String,
    /// In which role.
    pub role: String,
    /// Over which channel.
    pub channel: String,
    /// What.
    pub event: String,
    /// On what.
    pub object: String,
    /// How it came out.
    pub outcome: String,
    /// The DER leaf, base64.
    pub leaf: String,
    /// The payload, base64, unless erased.
    pub payload: Option<String>,
}

/// Answer of `audit/checkpoint`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckpointInfo {
    /// Entries.
    pub size: u64,
    /// Root hash, hexadecimal.
    pub root: String,
    /// When.
    pub time: String,
    /// DER, base64.
    pub checkpoint: String,
}
