//! The root key: what seals it, sealing it anew, replacing it.

use serde::{Deserialize, Serialize};

/// What opens the root key: its passphrase, or shares. One of the two.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unseal {
    /// The passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    /// Shares, as they were given out. `system/unseal` keeps them for 15 minutes until there are enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
}

impl std::fmt::Debug for Unseal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unseal(redacted)")
    }
}

/// How many shares of the root key were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesGiven {
    /// So many.
    pub given: u8,
    /// So many open it.
    pub needed: u8,
}

/// Answer of `root/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootInfo {
    /// `file` (a trial), `passphrase`, `shares`.
    pub sealed_by: String,
    /// `K-of-N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<String>,
    /// Which sharing counts; shares of others open nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// A replacement was interrupted; `root/rotate` ends it.
    pub replacing: bool,
    /// The change that an officer asked for and another may carry out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<RootAsked>,
}

/// `root/ask`: an officer asks for a change; in production another one carries it out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootAsk {
    /// `rotate` or `reseal`.
    pub change: String,
}

/// Answer of `root/ask`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootAsked {
    /// `rotate` or `reseal`.
    pub change: String,
    /// Who asked for it.
    pub by: String,
    /// Until when it may be carried out, RFC 3339.
    pub until: String,
    /// Whether whoever asks now may carry it out.
    pub ready: bool,
}

/// `root/rotate`: another root key takes the place of the one there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootRotate {
    /// What opens it now; nothing in a trial.
    #[serde(default)]
    pub opening: Unseal,
}

/// Answer of `root/rotate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootRotated {
    /// Keys and key-encryption keys that were wrapped anew.
    pub wrapped: usize,
}

/// `root/reseal`: the same root key sealed anew. Exactly one of `shares` and `passphrase`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootReseal {
    /// What opens it now.
    pub opening: Unseal,
    /// `K-of-N` new shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<String>,
    /// A new passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for RootReseal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootReseal(redacted)")
    }
}

/// Answer of `root/reseal`.
#[derive(Clone, Serialize, Deserialize)]
pub struct RootResealed {
    /// The new shares, once. What is there opens the root key until `root/confirm` says they are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
    /// For `root/confirm`; none if nothing is to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

impl std::fmt::Debug for RootResealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootResealed(redacted)")
    }
}

/// `root/confirm`: the new shares are kept; from now on they alone open the root key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootConfirm {
    /// From the answer of `root/reseal`.
    pub confirm: String,
}
