//! `tsa/*`: time-stamps for programs that would rather not write DER.

use serde::{Deserialize, Serialize};

/// `tsa/stamp`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampAsk {
    /// `sm3`, `sha256`, `sha384`, `sha512`.
    pub hash: String,
    /// The digest of what is to be stamped.
    pub digest: String,
    /// The policy asked for; the authority's first when absent.
    #[serde(default)]
    pub policy: Option<String>,
    /// A nonce of 1 to 20 bytes, repeated in the token.
    #[serde(default)]
    pub nonce: Option<String>,
    /// Whether the token carries the certificates; yes when absent.
    #[serde(default)]
    pub certificates: Option<bool>,
    /// `auto` (SM2 for SM3, ECDSA for SHA-2), `sm2` or `ec`; `auto` when absent.
    #[serde(default)]
    pub key: Option<String>,
}

/// A time-stamp.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StampInfo {
    /// Its number.
    pub serial: String,
    /// Its time.
    pub time: String,
    /// How far the time may be off. Unit: microseconds.
    pub accuracy: Option<u32>,
    /// Its policy.
    pub policy: String,
    /// The algorithm of the digest.
    pub hash: String,
    /// The digest that was stamped.
    pub digest: String,
    /// Position of its entry in the audit log.
    pub audit_seq: u64,
    /// The token: DER of a ContentInfo.
    pub token: String,
}

/// `tsa/token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampRef {
    /// Its number.
    pub serial: String,
}

/// `tsa/find`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampQuery {
    /// Only this number.
    #[serde(default)]
    pub serial: Option<String>,
    /// Only this digest.
    #[serde(default)]
    pub digest: Option<String>,
    /// Stamped at or after this.
    #[serde(default)]
    pub from: Option<String>,
    /// Stamped before this.
    #[serde(default)]
    pub until: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `tsa/find`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StampPage {
    /// Newest first.
    pub stamps: Vec<StampInfo>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// Answer of `tsa/units`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StampUnits {
    /// That which begins last first.
    pub units: Vec<StampUnit>,
}

/// A key and certificate that make time-stamps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StampUnit {
    /// `sm2` or `ec`.
    pub key: String,
    /// `announced`, `signing`, `retired`, or `stopped` before its time.
    pub state: String,
    /// From when it signs.
    pub signs_from: String,
    /// Until when it signs; its certificate stays valid for verifying.
    pub signs_until: String,
    /// PEM.
    pub certificate: String,
    /// Its issuers without the root, PEM.
    pub chain: String,
}

/// Answer of `tsa/evidence`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StampEvidence {
    /// The token: DER of a ContentInfo. The record is about these bytes.
    pub token: String,
    /// The record (RFC 4998), DER.
    pub record: String,
    /// How many time-stamps it has.
    pub stamps: usize,
    /// When the certificate of the newest ends; it is renewed before.
    pub ends: String,
}
