//! The REST contract: one request and one response type per `POST /api/v1/{area}/{verb}`.
//!
//! Server and command line share these types, so they cannot drift apart. Unknown keys are refused.
//! Binary values are base64; times are RFC 3339 in UTC; serials are upper-case hexadecimal; identifiers
//! are as they print. The tenant is never in a body: it comes from the session.

use serde::{Deserialize, Serialize};

pub mod audit;
pub mod authority;
pub mod calendar;
pub mod login;
pub mod mail;
pub mod profile;
pub mod request;
pub mod seal;
pub mod tsa;

/// The body of every error answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// Stable word, see `pki_config::code`.
    pub code: String,
    /// Stable number.
    pub num: u32,
    /// The sentence in both languages.
    pub message: Words,
    /// What exactly, where the caller may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For `LINT_FAILED`: each broken rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<LintFinding>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Under which the operator's log has the details.
    pub request_id: String,
}

/// A sentence in both languages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// One broken rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LintFinding {
    /// The rule's name, such as `cn_not_in_san`.
    pub lint: String,
    /// Where the rule stands, such as `BR 7.1.4.3`.
    pub section: String,
    /// What was found.
    pub detail: String,
}

/// No arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

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
}

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

/// Answer of `system/status` and of `GET /health`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemStatus {
    /// `ok`, `sealed`, `degraded`, `stopped`.
    pub state: String,
    /// `trial` or `production`.
    pub setup: String,
    /// This installation's name.
    pub installation: String,
    /// The program's version.
    pub version: String,
    /// Each check: name, whether it is well, and one sentence.
    pub checks: Vec<Check>,
}

/// One check of `doctor` or of the status.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was seen, or what to do.
    pub detail: String,
}

/// Answer of `system/doctor`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Every check passed.
    pub ok: bool,
    /// In order.
    pub checks: Vec<Check>,
}

/// `system/unseal`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unseal {
    /// The passphrase of the root key.
    pub passphrase: String,
}

impl std::fmt::Debug for Unseal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unseal(redacted)")
    }
}

/// `system/accept-clock`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptClock {
    /// Why the last entry's time was wrong, for the log.
    pub reason: String,
}

/// `system/backup`: the file is written by the server, next to which it must be able to write.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAsk {
    /// Where, an absolute path on the server's machine.
    pub file: String,
    /// Passphrase that opens it beside the root key.
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for BackupAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BackupAsk({})", self.file)
    }
}

/// Answer of `system/backup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupInfo {
    /// Where it lies.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// Entries of the log it holds.
    pub entries: u64,
    /// Root hash of the log, hexadecimal.
    pub root: String,
    /// Whether the file alone is enough to restore. False for a trial's backup without a passphrase: its
    /// root key is not inside, so keep `root.key` as well, elsewhere.
    pub complete: bool,
}

/// `error/describe`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRef {
    /// The word, such as `LINT_FAILED`.
    pub code: String,
}

/// Answer of `error/describe`, and an element of `error/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// Stable word.
    pub code: String,
    /// Stable number.
    pub num: u32,
    /// The HTTP status it comes with.
    pub http: u16,
    /// The sentence in both languages.
    pub message: Words,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// `error/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorList {
    /// Every code there is.
    pub errors: Vec<ErrorInfo>,
}
