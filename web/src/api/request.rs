//! What registration officers work on: requests and their evidence, pick-up links, batches, branches.

use serde::{Deserialize, Serialize};

use super::{LintFinding, RequestInfo};

/// `cert/requests`: one queue, oldest first (`decided`: newest first), key-set paging.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestQuery {
    /// `waiting` (for a review or an approval; when absent), `review`, `approval`, `mine` (filed by the caller),
    /// `invited` (the holder has not sent a key yet),
    /// `decided`.
    #[serde(default)]
    pub queue: Option<String>,
    /// Only this branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// Only this profile.
    #[serde(default)]
    pub profile: Option<String>,
    /// Only this batch.
    #[serde(default)]
    pub batch: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// At most this many, 1 to 500; 200 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `request/queues`: how many requests the caller may see wait in each queue, counted up to 1,000.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueueCounts {
    /// Waiting for a reviewer.
    pub review: u32,
    /// Waiting for an approver.
    pub approval: u32,
    /// Waiting for the holder's key.
    pub invited: u32,
    /// Filed by the caller and not decided.
    pub mine: u32,
    /// The branches the caller works in; empty for one who sees all.
    pub branches: Vec<String>,
}

/// What shows that a name belongs to who asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceGiven {
    /// How it was checked: `domain-dns`, `domain-http`, `domain-email`, `mailbox`, `identity-document`,
    /// `organisation-register`, `face-to-face`, `authorisation-letter`, `other`.
    pub method: String,
    /// What was seen, in words; at most 500 characters.
    #[serde(default)]
    pub note: String,
    /// Until when it may be relied on, RFC 3339; 398 days from now when absent.
    #[serde(default)]
    pub expires: Option<String>,
    /// The file, if there is one.
    #[serde(default)]
    pub file: Option<EvidenceFile>,
}

/// A file of evidence.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// Its name, at most 120 characters.
    pub name: String,
    /// Its content, base64; at most 5 MiB before encoding.
    pub content: String,
}

impl std::fmt::Debug for EvidenceFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EvidenceFile({} base64 digits)", self.content.len())
    }
}

/// `evidence/add`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceAdd {
    /// For which request, not decided yet.
    pub request: String,
    /// The evidence.
    pub evidence: EvidenceGiven,
}

/// `evidence/file`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRef {
    /// Its identifier.
    pub evidence: String,
}

/// Answer of `evidence/add`, and part of `request/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvidenceInfo {
    /// Its identifier.
    pub evidence: String,
    /// How it was checked.
    pub method: String,
    /// What was seen.
    pub note: String,
    /// Until when it may be relied on.
    pub expires: String,
    /// Whether that has passed.
    pub expired: bool,
    /// Name of the file, if there is one.
    pub file: Option<String>,
    /// Size of the file. Unit: bytes.
    pub size: Option<u64>,
    /// SM3 of the file, hexadecimal.
    pub sm3: Option<String>,
    /// Who added it.
    pub by: String,
    /// When.
    pub at: String,
}

/// Answer of `request/show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestDetail {
    /// The list's line.
    #[serde(flatten)]
    pub info: RequestInfo,
    /// The PKCS#10, PEM; absent while the holder has sent none.
    pub csr: Option<String>,
    /// The key's kind, such as `sm2` or `p256`.
    pub key: Option<String>,
    /// SM3 of the DER SubjectPublicKeyInfo, hexadecimal.
    pub key_sm3: Option<String>,
    /// Evidence, oldest first.
    pub evidence: Vec<EvidenceInfo>,
    /// Whether what is there is enough now: something that has not expired, or nothing is wanted.
    pub evidence_enough: bool,
    /// When reviewed.
    pub reviewed_at: Option<String>,
    /// When decided.
    pub decided_at: Option<String>,
    /// Until when the pick-up link works; absent without one.
    pub pickup_until: Option<String>,
    /// The request this one replaces the certificate of: `ISSUER/SERIAL`.
    pub replaces: Option<String>,
    /// Whether the caller may review it now, by four eyes and branch.
    pub may_review: bool,
    /// Whether the caller may approve it now.
    pub may_approve: bool,
    /// Why neither, in a word: `own`, `reviewed-by-you`, `needs-review`, `needs-evidence`, `decided`, `waits-for-key`.
    pub obstacle: Option<String>,
}

/// `request/invite`: an officer files names; the holder opens the link and sends the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Subject name in RFC 4514 form.
    pub subject: String,
    /// Alternative names.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Identity numbers, such as `credit-code:…`.
    #[serde(default)]
    pub identity: Vec<String>,
    /// Profile.
    pub profile: String,
    /// Issuer; chosen by the holder's key when absent.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Validity in days.
    #[serde(default)]
    pub days: Option<u32>,
    /// Branch, needed only by an officer of several.
    #[serde(default)]
    pub branch: Option<String>,
    /// The holder's mail address, for notices.
    #[serde(default)]
    pub contact: Option<String>,
    /// Evidence.
    #[serde(default)]
    pub evidence: Vec<EvidenceGiven>,
    /// How long the link works, 1 to 90 days; 14 when absent.
    #[serde(default)]
    pub link_days: Option<u32>,
}

/// Answer of `request/invite` and `request/link`: the link is shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invited {
    /// The request.
    pub request: RequestInfo,
    /// For the holder: opens `/pickup`. Whoever has it can send the key.
    pub link: String,
    /// Until when it works.
    pub until: String,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invited({}, redacted)", self.request.request)
    }
}

/// `pickup/show`: what the link is for. Needs no login.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickupRef {
    /// The secret at the end of the link.
    pub secret: String,
}

/// `pickup/send`: the holder's key. Needs no login.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickupSend {
    /// The secret at the end of the link.
    pub secret: String,
    /// PKCS#10, PEM or base64 DER. Only its key is used.
    pub csr: String,
}

impl std::fmt::Debug for PickupRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PickupRef(redacted)")
    }
}

impl std::fmt::Debug for PickupSend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PickupSend(redacted)")
    }
}

/// Answer of `pickup/show` and `pickup/send`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PickupInfo {
    /// `invited` (send a key now), `submitted`, `reviewed`, `issuing` (wait), `issued`, `rejected`, `failed`.
    pub state: String,
    /// Profile.
    pub profile: String,
    /// Subject.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// Kinds of key that may be sent, such as `sm2` and `p256`.
    pub keys: Vec<String>,
    /// Until when the link works.
    pub until: String,
    /// Why rejected or failed.
    pub reason: Option<String>,
    /// The certificate, PEM, once issued.
    pub certificate: Option<String>,
    /// Issuing authority first, without the root, PEM.
    pub chain: Option<String>,
    /// Whether a pair of certificates is asked for: once issued, `pickup/deliver` gives both and the encryption key.
    #[serde(default)]
    pub pair: bool,
}

/// `cert/renew`: the same names and the same key for another term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// Serial in hexadecimal.
    pub serial: String,
    /// Issuer, needed only if two issuers used the serial.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Validity in days.
    #[serde(default)]
    pub days: Option<u32>,
    /// Further evidence; what has not expired of the old request's is taken over.
    #[serde(default)]
    pub evidence: Vec<EvidenceGiven>,
}

/// `cert/rekey`: the same names with another key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rekey {
    /// Serial in hexadecimal.
    pub serial: String,
    /// Issuer, needed only if two issuers used the serial.
    #[serde(default)]
    pub issuer: Option<String>,
    /// PKCS#10, PEM or base64 DER. Only its key is used.
    pub csr: String,
    /// Validity in days.
    #[serde(default)]
    pub days: Option<u32>,
    /// Further evidence; what has not expired of the old request's is taken over.
    #[serde(default)]
    pub evidence: Vec<EvidenceGiven>,
}

/// `cert/reissue`: changed names, with the same key or another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reissue {
    /// Serial in hexadecimal.
    pub serial: String,
    /// Issuer, needed only if two issuers used the serial.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The names from now on; those of the old certificate when absent. One of them must differ.
    #[serde(default)]
    pub subject: Option<String>,
    /// The alternative names from now on; those of the old certificate when absent.
    #[serde(default)]
    pub sans: Option<Vec<String>>,
    /// Another key: PKCS#10, PEM or base64 DER.
    #[serde(default)]
    pub csr: Option<String>,
    /// Validity in days.
    #[serde(default)]
    pub days: Option<u32>,
    /// Evidence for the new names; nothing is taken over.
    #[serde(default)]
    pub evidence: Vec<EvidenceGiven>,
}

/// `cert/revoke-all`: every certificate of one organisation, of one key, or of a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeAll {
    /// The organisation in the subject, exactly as written there.
    #[serde(default)]
    pub organisation: Option<String>,
    /// SM3 of the DER SubjectPublicKeyInfo, hexadecimal.
    #[serde(default)]
    pub key: Option<String>,
    /// Certificates one by one, at most 500.
    #[serde(default)]
    pub certificates: Vec<super::CertRef>,
    /// RFC 5280 reason.
    pub reason: String,
    /// Since when the key is suspected.
    #[serde(default)]
    pub invalidity: Option<String>,
    /// How many the caller saw in the preview. Absent: only count and list them, revoke nothing.
    #[serde(default)]
    pub expected: Option<u64>,
}

/// Answer of `cert/revoke-all`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokedAll {
    /// Whether anything was revoked; `false` for a preview.
    pub done: bool,
    /// How many certificates that were good or on hold it is about.
    pub count: u64,
    /// The first 500 of them, and for each whether it was revoked.
    pub certificates: Vec<RevokedLine>,
}

/// One certificate of `cert/revoke-all`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokedLine {
    /// Serial.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// Subject.
    pub subject: String,
    /// Alternative names.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Why this one was not revoked; absent if it was, or in a preview.
    pub problem: Option<String>,
}

/// `batch/preview` and `batch/submit`: requests as CSV (RFC 4180, UTF-8), a header line first.
///
/// Columns: `subject`, `sans` (separated by `;`), `csr` (PEM or base64 DER; empty makes a pick-up link), `profile`,
/// `issuer`, `days`, `identity`, `contact`, `method`, `note` (evidence). Only `subject` must be there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The text, at most 1,000 rows.
    pub csv: String,
    /// Profile of rows that name none.
    #[serde(default)]
    pub profile: Option<String>,
    /// Branch, needed only by an officer of several.
    #[serde(default)]
    pub branch: Option<String>,
    /// What the batch is called; at most 80 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// `batch/submit`: files the good rows although others are bad. Otherwise one bad row refuses all.
    #[serde(default)]
    pub skip_bad: bool,
}

/// Answer of `batch/preview`, `batch/submit`, `batch/show` and `batch/approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchResult {
    /// The batch; absent for a preview and where nothing was filed.
    pub batch: Option<String>,
    /// What it is called.
    pub name: String,
    /// Rows that are well.
    pub good: u32,
    /// Rows that are not.
    pub bad: u32,
    /// In the order of the file.
    pub rows: Vec<BatchRow>,
}

/// One row of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchRow {
    /// Line of the file where it begins, from 1. The header is line 1.
    pub line: u32,
    /// Subject.
    pub subject: String,
    /// Alternative names.
    pub sans: Vec<String>,
    /// Profile.
    pub profile: String,
    /// `good`, `bad`, `submitted`, `invited`, `reviewed`, `issued`, `rejected`, `failed`.
    pub state: String,
    /// What is wrong with it, in a sentence.
    pub problem: Option<String>,
    /// Broken rules.
    pub findings: Vec<LintFinding>,
    /// The request it became.
    pub request: Option<String>,
    /// The pick-up link, shown this once, of a row without a key.
    pub link: Option<String>,
    /// The serial, once issued.
    pub serial: Option<String>,
}

/// `batch/show`, `batch/approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRef {
    /// The batch.
    pub batch: String,
}

/// `batch/list`: newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchList {
    /// At most 100.
    pub batches: Vec<BatchInfo>,
}

/// One batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchInfo {
    /// Its identifier.
    pub batch: String,
    /// What it is called.
    pub name: String,
    /// Who filed it.
    pub by: String,
    /// When.
    pub at: String,
    /// Requests in it.
    pub requests: u32,
    /// Of them not decided yet.
    pub open: u32,
}

/// `branch/add`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchAdd {
    /// Its word: `a-z`, `0-9`, `-`.
    pub branch: String,
    /// What people call it, at most 80 characters.
    pub name: String,
}

/// `branch/close`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchRef {
    /// Its word.
    pub branch: String,
}

/// `branch/join` and `branch/leave`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchMember {
    /// Its word.
    pub branch: String,
    /// The officer's identifier.
    pub officer: String,
}

/// Answer of `branch/list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BranchList {
    /// In the order of their words.
    pub branches: Vec<BranchInfo>,
}

/// One branch. An officer of one or more branches sees and decides their requests only; an officer of none sees all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BranchInfo {
    /// Its word.
    pub branch: String,
    /// What people call it.
    pub name: String,
    /// Whether it takes new requests.
    pub open: bool,
    /// Its officers, by identifier.
    pub officers: Vec<String>,
    /// Requests that wait there.
    pub waiting: u32,
}
