//! Requests for certificates, certificates and their revocation.

use serde::{Deserialize, Serialize};

use super::request;

/// `cert/issue` (one step, trial only) and `cert/submit`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertRequest {
    /// PKCS#10, PEM or base64 DER. Only its key and names are used.
    pub csr: String,
    /// Subject name in RFC 4514 form; taken from the CSR when absent.
    #[serde(default)]
    pub subject: Option<String>,
    /// Alternative names such as `dns:www.example.cn`; taken from the CSR when empty.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Identity numbers of GM/T 0015 such as `credit-code:91350100M000100Y43`, where the profile takes them. They stand
    /// in the certificate for everybody to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<String>,
    /// Profile, `tls-server` when absent.
    #[serde(default)]
    pub profile: Option<String>,
    /// Issuer; chosen by the key's algorithm when absent.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Validity in days, at most the profile's.
    #[serde(default)]
    pub days: Option<u32>,
    /// `cert/submit`: what shows that the names belong to who asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<request::EvidenceGiven>,
    /// `cert/submit`: branch, needed only by an officer of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// `cert/submit`: the holder's mail address, for notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Answer of `cert/submit`, and an element of `cert/requests`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestInfo {
    /// Its identifier.
    pub request: String,
    /// `invited` (the holder's key is awaited), `submitted`, `reviewed`, `issuing`, `issued`, `rejected`, `failed`.
    pub state: String,
    /// Profile.
    pub profile: String,
    /// Issuer.
    pub issuer: String,
    /// Subject in RFC 4514 form.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// Who filed it.
    pub requester: String,
    /// Who decided it.
    pub approver: Option<String>,
    /// When filed.
    pub at: String,
    /// Why rejected.
    pub reason: Option<String>,
    /// The serial, once issued.
    pub serial: Option<String>,
    /// `new`, `renew`, `rekey`, `reissue`.
    #[serde(default)]
    pub kind: String,
    /// Branch it belongs to.
    #[serde(default)]
    pub branch: Option<String>,
    /// Batch it came in.
    #[serde(default)]
    pub batch: Option<String>,
    /// Whether somebody must review it before it is approved.
    #[serde(default)]
    pub needs_review: bool,
    /// Who reviewed it.
    #[serde(default)]
    pub reviewer: Option<String>,
    /// Whether the profile wants evidence.
    #[serde(default)]
    pub needs_evidence: bool,
    /// Identity numbers, such as `credit-code:…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<String>,
    /// Validity asked for. Unit: days.
    #[serde(default)]
    pub days: Option<u32>,
    /// The holder's mail address.
    #[serde(default)]
    pub contact: Option<String>,
}

/// `cert/approve`, `request/review`, `request/show`, `request/link`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRef {
    /// The request.
    pub request: String,
}

/// `cert/reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// The request.
    pub request: String,
    /// Why, for the requester.
    pub reason: String,
}

/// Answer of `cert/requests`: one page of a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestList {
    /// Oldest first; those decided newest first.
    pub requests: Vec<RequestInfo>,
    /// Ask again with this as `after`; absent on the last page.
    #[serde(default)]
    pub next: Option<String>,
}

/// Answer of `cert/issue` and `cert/approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Issued {
    /// Serial.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// The certificate alone, PEM.
    pub certificate: String,
    /// Issuing authority first, without the root, PEM.
    pub chain: String,
    /// The root, PEM.
    pub root: String,
    /// First second.
    pub not_before: String,
    /// Last second.
    pub not_after: String,
    /// The receipt; `yinxin verify` checks it on any machine.
    pub receipt: Receipt,
}

/// That a certificate is in the audit log, checkable without the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Format version: 1.
    pub version: u32,
    /// The DER audit entry, base64. Its payload digest is the SM3 of the certificate's DER.
    pub entry: String,
    /// Position of the entry.
    pub seq: u64,
    /// Sibling hashes from the leaf up, base64 (RFC 9162 2.1.3 with SM3).
    pub path: Vec<String>,
    /// DER checkpoint, base64.
    pub checkpoint: String,
    /// The log key's certificate, PEM.
    pub log_certificate: String,
    /// Its chain without the root, PEM.
    pub log_chain: String,
}

/// Names one certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertRef {
    /// Serial in hexadecimal.
    pub serial: String,
    /// Issuer, needed only if two issuers used the serial.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// `cert/revoke`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Serial in hexadecimal.
    pub serial: String,
    /// Issuer, needed only if two issuers used the serial.
    #[serde(default)]
    pub issuer: Option<String>,
    /// RFC 5280 reason, such as `keyCompromise`.
    pub reason: String,
    /// Since when the key is suspected (RFC 5280 5.3.2).
    #[serde(default)]
    pub invalidity: Option<String>,
}

/// Answer of `cert/revoke`, `cert/hold`, `cert/release`, and part of `cert/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusInfo {
    /// Serial.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// `good`, `revoked`, `hold`, `intended`.
    pub status: String,
    /// When revoked.
    pub at: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Since when invalid.
    pub invalidity: Option<String>,
}

/// `cert/list`: newest first, key-set paging.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertQuery {
    /// Only this issuer.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Only this profile.
    #[serde(default)]
    pub profile: Option<String>,
    /// `good`, `revoked`, `hold`, `expired`.
    #[serde(default)]
    pub status: Option<String>,
    /// Words of the subject or the alternative names, in their order; the last may be the beginning of one.
    /// Chinese may begin and end anywhere.
    #[serde(default)]
    pub name: Option<String>,
    /// Serial, SHA-256 fingerprint of the certificate or SM3 of its key, hexadecimal, or their first 8 digits or more.
    #[serde(default)]
    pub digits: Option<String>,
    /// The organisation in the subject, exactly.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Valid from this time on or later.
    #[serde(default)]
    pub begins_from: Option<String>,
    /// Valid from before this time.
    #[serde(default)]
    pub begins_before: Option<String>,
    /// Expires at this time or later.
    #[serde(default)]
    pub expires_from: Option<String>,
    /// Expires before this time.
    #[serde(default)]
    pub expires_before: Option<String>,
    /// `newest` first (when absent) or `expiry`: first those that expire first.
    #[serde(default)]
    pub sort: Option<String>,
    /// The `next` of the page before, asked with the same rest.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most this many, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// One line of `cert/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertLine {
    /// Serial.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// Profile.
    pub profile: String,
    /// Subject in RFC 4514 form.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// First second.
    pub not_before: String,
    /// Last second.
    pub not_after: String,
    /// `good`, `revoked`, `hold`, `expired`.
    pub status: String,
}

/// Answer of `cert/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertPage {
    /// Newest first.
    pub certificates: Vec<CertLine>,
    /// Ask again with this as `after`; absent on the last page.
    pub next: Option<u64>,
}

/// Answer of `cert/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertDetail {
    /// The list's line.
    #[serde(flatten)]
    pub line: CertLine,
    /// Its status.
    pub state: StatusInfo,
    /// PEM.
    pub certificate: String,
    /// Issuing authority first, without the root, PEM.
    pub chain: String,
    /// Request it came from.
    pub request: String,
    /// Who filed the request.
    pub requester: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// SM3 of the profile's text at issue.
    pub profile_digest: String,
    /// Position of the entry in the audit log.
    pub audit_seq: u64,
    /// SHA-256 fingerprint.
    pub sha256: String,
    /// Of a pair: `sign` or `encryption`. `dual/show` tells more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<String>,
    /// Of a pair: the serial of the other half, from the same issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
}
