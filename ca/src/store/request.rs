//! Requests: what was asked, by whom, and who decided.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, IssuerId, RequestId, Serial, TenantId};

use super::{optional, read_time, serial_of, text, time, unreadable};

/// Requests. A one-step request has no entry of its own: the certificate's entry covers it.
pub(super) static REQUEST: Table = Table {
    name: "ca_request",
    key: 1,
    columns: &[
        "request_id",
        "tenant_id",
        "state",
        "one_step",
        "requester",
        "approver",
        "profile",
        "profile_digest",
        "issuer_id",
        "subject",
        "sans",
        "identity",
        "csr",
        "spki",
        "days",
        "submitted_at",
        "decided_at",
        "reason",
        "serial",
    ],
    pending: Some("one_step = 1 AND state = 'issuing'"),
};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Waits for a decision.
    Submitted,
    /// Approved; the certificate is being made.
    Issuing,
    /// Done.
    Issued,
    /// Refused by an officer.
    Rejected,
    /// Interrupted between approval and certificate; its serial is revoked. File a new request.
    Failed,
}

impl RequestState {
    const ALL: [Self; 5] = [Self::Submitted, Self::Issuing, Self::Issued, Self::Rejected, Self::Failed];

    /// The word in the table and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Issuing => "issuing",
            Self::Issued => "issued",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// A request as stored.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Identifier.
    pub id: RequestId,
    /// Whose.
    pub tenant: TenantId,
    /// Where it stands.
    pub state: RequestState,
    /// Requested and issued by one person, as only a trial (or the suite for itself) may.
    pub one_step: bool,
    /// Who filed it.
    pub requester: String,
    /// Who decided it.
    pub approver: Option<String>,
    /// Profile asked for.
    pub profile: String,
    /// SM3 of that profile's text.
    pub profile_digest: [u8; 32],
    /// Issuer chosen.
    pub issuer: IssuerId,
    /// DER name.
    pub subject: Vec<u8>,
    /// Alternative names in text form, separated by commas.
    pub sans: String,
    /// Identity numbers in text form, separated by commas.
    pub identity: String,
    /// The PKCS#10 that proved possession, DER; `None` for a key the pool holds.
    pub csr: Option<Vec<u8>>,
    /// The subject's public key, DER SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// Validity asked for, in days.
    pub days: Option<u32>,
    /// When filed.
    pub submitted_at: Instant,
    /// When decided.
    pub decided_at: Option<Instant>,
    /// Why rejected or failed.
    pub reason: Option<String>,
    /// Serial reserved for it.
    pub serial: Option<Serial>,
}

impl RequestRow {
    fn values(&self) -> [Value; 19] {
        [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            text(self.state.as_str()),
            Value::Integer(i64::from(self.one_step)),
            text(&self.requester),
            optional(self.approver.as_deref(), text),
            text(&self.profile),
            Value::Blob(self.profile_digest.to_vec()),
            text(self.issuer.as_str()),
            Value::Blob(self.subject.clone()),
            text(&self.sans),
            text(&self.identity),
            optional(self.csr.clone(), Value::Blob),
            Value::Blob(self.spki.clone()),
            optional(self.days, |d| Value::Integer(i64::from(d))),
            time(self.submitted_at),
            optional(self.decided_at, time),
            optional(self.reason.as_deref(), text),
            optional(self.serial.as_ref(), |s| Value::Blob(s.as_bytes().to_vec())),
        ]
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        tx.put(&REQUEST, &self.values(), seq)
    }

    /// Stores a one-step request that its certificate's entry will cover.
    pub(crate) fn insert_uncovered(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let v = self.values();
        tx.execute(
            "INSERT INTO ca_request (request_id, tenant_id, state, one_step, requester, approver, profile, \
             profile_digest, issuer_id, subject, sans, identity, csr, spki, days, submitted_at, decided_at, reason, \
             serial) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            &[
                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &v[12], &v[13],
                &v[14], &v[15], &v[16], &v[17], &v[18],
            ],
        )
        .map(drop)
    }
}

macro_rules! select_request {
    ($rest:literal) => {
        concat!(
            "SELECT request_id, tenant_id, state, one_step, requester, approver, profile, profile_digest, issuer_id, \
             subject, sans, identity, csr, spki, days, submitted_at, decided_at, reason, serial FROM ca_request ",
            $rest
        )
    };
}

fn read_request(row: &Row<'_>) -> RowResult<Option<RequestRow>> {
    let tenant: String = row.get(1)?;
    let state: String = row.get(2)?;
    let issuer: String = row.get(8)?;
    let submitted_at: i64 = row.get(15)?;
    let decided_at: Option<i64> = row.get(16)?;
    let serial: Option<Vec<u8>> = row.get(18)?;
    let (Ok(tenant), Some(state), Ok(issuer), Some(submitted_at)) = (
        tenant.parse(),
        RequestState::ALL.into_iter().find(|s| s.as_str() == state),
        issuer.parse(),
        read_time(submitted_at),
    ) else {
        return Ok(None);
    };
    Ok(Some(RequestRow {
        id: RequestId::from_bytes(row.get(0)?),
        tenant,
        state,
        one_step: row.get(3)?,
        requester: row.get(4)?,
        approver: row.get(5)?,
        profile: row.get(6)?,
        profile_digest: row.get(7)?,
        issuer,
        subject: row.get(9)?,
        sans: row.get(10)?,
        identity: row.get(11)?,
        csr: row.get(12)?,
        spki: row.get(13)?,
        days: row.get(14)?,
        submitted_at,
        decided_at: decided_at.and_then(read_time),
        reason: row.get(17)?,
        serial: serial.and_then(|s| serial_of(&s)),
    }))
}

/// One request of this tenant. A foreign tenant's answers like a missing one.
pub(crate) fn request(tx: &Tx<'_>, tenant: &TenantId, id: RequestId) -> Result<Option<RequestRow>, DbError> {
    let found = tx.query_opt(
        select_request!("WHERE request_id = $1 AND tenant_id = $2"),
        &[id.as_bytes(), &tenant.as_str()],
        read_request,
    )?;
    match found {
        Some(None) => Err(unreadable("ca_request", &id.to_string())),
        Some(found) => Ok(found),
        None => Ok(None),
    }
}

/// The oldest requests that wait for a decision.
pub(crate) fn open_requests(tx: &Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<RequestRow>, DbError> {
    tx.query_all(
        select_request!("WHERE state = 'submitted' AND tenant_id = $1 ORDER BY submitted_at LIMIT $2"),
        &[&tenant.as_str(), &limit],
        read_request,
    )?
    .into_iter()
    .map(|r| r.ok_or_else(|| unreadable("ca_request", "a row")))
    .collect()
}
