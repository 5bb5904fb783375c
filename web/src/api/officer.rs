//! Officers and how they sign in.

use serde::{Deserialize, Serialize};

/// `officer/add`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerAdd {
    /// Name for people; never in the log in clear.
    pub name: String,
    /// Role.
    pub role: String,
    /// How it will log in.
    pub credential: CredentialAsk,
}

/// What kind of credential an officer gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialAsk {
    /// A client certificate from `ec-issuing` for this PKCS#10 (PEM). The key never leaves the caller.
    Csr(String),
    /// A bearer token, shown once.
    Token,
    /// A one-time link, single use, 15 minutes.
    Link,
}

/// Answer of `officer/add` and `officer/claim`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfficerAdded {
    /// Identifier.
    pub officer: String,
    /// Role.
    pub role: String,
    /// Client certificate and its issuer, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Token, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// One-time link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The root behind the server's own certificate, PEM.
    pub server_root: String,
}

/// `officer/claim`: turns the one-time link's secret into a credential. Needs no login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerClaim {
    /// The secret at the end of the link.
    pub secret: String,
    /// How the officer will log in from now on. `link` is refused.
    pub credential: CredentialAsk,
}

/// `officer/disable`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerRef {
    /// Identifier.
    pub officer: String,
}

/// One officer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfficerInfo {
    /// Identifier.
    pub officer: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// `invited`, `active`, `disabled`.
    pub state: String,
    /// `certificate`, `token` or none yet.
    pub credential: Option<String>,
    /// How they sign in at the portal: `password`, `passkey`. In lists only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub portal: Vec<String>,
    /// Since when.
    pub at: String,
}

/// `officer/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfficerList {
    /// Oldest first, at most 500.
    pub officers: Vec<OfficerInfo>,
}
