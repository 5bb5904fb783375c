//! `issuer/crls` and `key/list`: what the desk of the authority shows.

use serde::{Deserialize, Serialize};

/// Answer of `issuer/crls`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrlLists {
    /// The newest of each of the issuer's lists.
    pub lists: Vec<CrlLine>,
}

/// One published list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlLine {
    /// `full` or `delta`.
    pub kind: String,
    /// The share of the certificates it is for, counted from 1; 0 for all.
    pub shard: u16,
    /// CRLNumber.
    pub number: u64,
    /// Of a delta: the number of the full list it adds to.
    pub base: Option<u64>,
    /// Entries.
    pub entries: u64,
    /// thisUpdate.
    pub this_update: String,
    /// nextUpdate.
    pub next_update: String,
    /// Whether nextUpdate has passed.
    pub overdue: bool,
    /// Bytes.
    pub size: u64,
    /// SM3 of the DER, hexadecimal.
    pub sm3: String,
    /// Its path at both doors, such as `/crl/sm2-issuing.crl`.
    pub path: String,
}

/// Answer of `key/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyList {
    /// The house's keys, oldest first. Private keys are never told.
    pub keys: Vec<KeyInfo>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Identifier.
    pub key: String,
    /// What it is for, such as `ca` or `audit-log`.
    pub purpose: String,
    /// `sm2`, `p256`…
    pub algorithm: String,
    /// `active`, `suspended`, `retired`, `compromised`, `destroyed`.
    pub state: String,
    /// When it was made.
    pub created: String,
    /// From when it may sign, if bounded.
    pub not_before: Option<String>,
    /// Until when it may sign, if bounded.
    pub not_after: Option<String>,
    /// The issuer it signs for, if it is an issuer's.
    pub issuer: Option<String>,
    /// SM3 of the DER SubjectPublicKeyInfo, hexadecimal.
    pub sm3: String,
}
