//! Issuers and their revocation lists.

use serde::{Deserialize, Serialize};

/// `issuer/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuerList {
    /// Roots first.
    pub issuers: Vec<IssuerInfo>,
}

/// One issuer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuerInfo {
    /// Its word.
    pub issuer: String,
    /// Its issuer; absent for a root.
    pub parent: Option<String>,
    /// Subject in RFC 4514 form.
    pub subject: String,
    /// `sm2`, `p256`…
    pub algorithm: String,
    /// Last second.
    pub not_after: String,
    /// Base of the URLs in what it issues.
    pub public_url: String,
    /// `active`, `rolled`, `revoked` or `offline`.
    #[serde(default)]
    pub state: String,
    /// Of a rolled issuer: who issues instead.
    #[serde(default)]
    pub successor: Option<String>,
    /// PEM.
    pub certificate: String,
    /// Newest CRL, if any.
    pub crl: Option<CrlInfo>,
}

/// `issuer/crl` and `issuer/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerRef {
    /// Its word.
    pub issuer: String,
}

/// A published CRL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrlInfo {
    /// Issuer.
    pub issuer: String,
    /// CRLNumber.
    pub number: u64,
    /// Entries.
    pub entries: u64,
    /// thisUpdate.
    pub this_update: String,
    /// nextUpdate.
    pub next_update: String,
    /// Where it is published.
    pub url: String,
}
