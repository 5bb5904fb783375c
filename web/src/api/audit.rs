//! `audit/*`: searching the log and showing an entry, and how the log grows.

use serde::{Deserialize, Serialize};

/// `audit/search`: the newest first. Whatever is absent does not matter; all the others must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSearch {
    /// At this time or later.
    #[serde(default)]
    pub since: Option<String>,
    /// Before this time.
    #[serde(default)]
    pub until: Option<String>,
    /// The event's word, such as `cert.issued`.
    #[serde(default)]
    pub event: Option<String>,
    /// By this person, by identifier.
    #[serde(default)]
    pub person: Option<String>,
    /// On exactly this object, such as `ec-issuing/4F0A…`; of a certificate the serial is enough.
    #[serde(default)]
    pub object: Option<String>,
    /// `done`, `one-step` or `refused`.
    #[serde(default)]
    pub outcome: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `audit/search`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditFound {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// Ask again with this as `after`. A page is bounded in what it looks at: it may hold few entries or none and
    /// yet have a `next`.
    pub next: Option<u64>,
}

/// One entry, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
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
    /// How it came out: `done`, `one-step`, `refused:CODE`.
    pub outcome: String,
}

/// `audit/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRef {
    /// Position.
    pub seq: u64,
}

/// Answer of `audit/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditDetail {
    /// The list's line.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// The DER leaf, base64.
    pub leaf: String,
    /// SM3 of the payload, hexadecimal.
    pub payload_sm3: String,
    /// Length of the payload in bytes; absent if it was taken away.
    pub payload_size: Option<u64>,
    /// The payload, base64, up to 64 KiB; a longer one is for `audit/export`.
    pub payload: Option<String>,
    /// The rows of tables that were written together with it.
    pub covers: Vec<AuditCover>,
}

/// A row of a table that an entry answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCover {
    /// Table.
    pub table: String,
    /// Its key.
    pub key: String,
    /// SM3 of the row, hexadecimal.
    pub sm3: String,
}

/// Answer of `audit/events`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditEvents {
    /// The word of every event the log has, in order.
    pub events: Vec<String>,
}

/// Answer of `audit/growth`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditGrowth {
    /// Entries.
    pub entries: u64,
    /// The last thirty days, the oldest first; the last is today so far. Days are those of UTC.
    pub days: Vec<AuditDay>,
    /// The newest signed head of the log, if there is one yet.
    pub checkpoint: Option<AuditHead>,
    /// Bytes of the database on disk.
    pub database_bytes: u64,
    /// The newest backup, if one was ever made.
    pub backup: Option<AuditEntry>,
}

/// Entries of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditDay {
    /// Such as `2026-11-21`.
    pub day: String,
    /// Entries.
    pub entries: u64,
}

/// A signed head of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// Entries.
    pub size: u64,
    /// Root hash, hexadecimal.
    pub root: String,
    /// When.
    pub time: String,
}
