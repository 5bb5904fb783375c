//! Requests: what was asked, by whom, and who decided. Queues of them are in `store/queue.rs`.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{BatchId, BranchId, Instant, IssuerId, RequestId, Serial, TenantId};

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
        "kind",
        "branch_id",
        "batch_id",
        "batch_line",
        "requester",
        "reviewer",
        "approver",
        "needs_review",
        "needs_evidence",
        "profile",
        "profile_digest",
        "issuer_id",
        "subject",
        "sans",
        "identity",
        "csr",
        "spki",
        "days",
        "contact",
        "submitted_at",
        "reviewed_at",
        "decided_at",
        "reason",
        "serial",
        "old_issuer",
        "old_serial",
        "pickup",
        "pickup_until",
    ],
    pending: Some("one_step = 1 AND state = 'issuing'"),
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// The word in the table and in the interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// From that word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                [$(Self::$variant,)*].into_iter().find(|it| it.as_str() == word)
            }
        }
    };
}

words! {
    /// Where a request stands.
    RequestState {
        /// An officer filed the names; the holder has yet to send the key.
        Invited = "invited",
        /// Waits for a review or, where none is asked for, a decision.
        Submitted = "submitted",
        /// Reviewed; waits for a decision.
        Reviewed = "reviewed",
        /// Approved; the certificate is being made.
        Issuing = "issuing",
        /// Done.
        Issued = "issued",
        /// Refused by an officer, or withdrawn.
        Rejected = "rejected",
        /// Interrupted between approval and certificate; its serial is revoked. File a new request.
        Failed = "failed",
    }
}

words! {
    /// What a request is for.
    RequestKind {
        /// A certificate for somebody who needs one.
        New = "new",
        /// The same names and key for another term.
        Renew = "renew",
        /// The same names with another key.
        Rekey = "rekey",
        /// Changed names.
        Reissue = "reissue",
    }
}

impl RequestState {
    /// Whether somebody can still do something about it: review, approve, send the key, reject.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Invited | Self::Submitted | Self::Reviewed)
    }
}

/// The pick-up link of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pickup {
    /// SM3 of its secret.
    pub hash: [u8; 32],
    /// Until when it works.
    pub until: Instant,
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
    /// What for.
    pub kind: RequestKind,
    /// The branch it belongs to.
    pub branch: Option<BranchId>,
    /// The batch it came in, and the line of the file it stood in, from 1.
    pub batch: Option<(BatchId, u32)>,
    /// Who filed it.
    pub requester: String,
    /// Who reviewed it.
    pub reviewer: Option<String>,
    /// Who decided it.
    pub approver: Option<String>,
    /// Whether nobody may approve it before a review. The profile said so when it was filed.
    pub needs_review: bool,
    /// Whether nobody may approve it without evidence. The profile said so when it was filed.
    pub needs_evidence: bool,
    /// Profile asked for.
    pub profile: String,
    /// SM3 of that profile's text.
    pub profile_digest: [u8; 32],
    /// Issuer chosen; `None` while that depends on the holder's key.
    pub issuer: Option<IssuerId>,
    /// DER name.
    pub subject: Vec<u8>,
    /// Alternative names in text form, separated by commas.
    pub sans: String,
    /// Identity numbers in text form, separated by commas.
    pub identity: String,
    /// The PKCS#10 that proved possession, DER; `None` for a key the pool holds or one that is not here yet.
    pub csr: Option<Vec<u8>>,
    /// The subject's public key, DER SubjectPublicKeyInfo; `None` while it is not here yet.
    pub spki: Option<Vec<u8>>,
    /// Validity asked for, in days.
    pub days: Option<u32>,
    /// Where the holder gets mail.
    pub contact: Option<String>,
    /// When filed.
    pub submitted_at: Instant,
    /// When reviewed.
    pub reviewed_at: Option<Instant>,
    /// When decided.
    pub decided_at: Option<Instant>,
    /// Why rejected or failed.
    pub reason: Option<String>,
    /// Serial reserved for it.
    pub serial: Option<Serial>,
    /// The certificate this one follows.
    pub replaces: Option<(IssuerId, Serial)>,
    /// Its pick-up link.
    pub pickup: Option<Pickup>,
}

impl RequestRow {
    /// The key to be certified.
    ///
    /// # Errors
    /// [`DbError::Damaged`]: only a request whose holder has sent none has no key, and that one comes nowhere near
    /// a certificate.
    pub(crate) fn key(&self) -> Result<&[u8], DbError> {
        self.spki.as_deref().ok_or_else(|| unreadable("ca_request", &self.id.to_string()))
    }

    fn values(&self) -> [Value; 32] {
        let flag = |set: bool| Value::Integer(i64::from(set));
        let serial = |serial: &Serial| Value::Blob(serial.as_bytes().to_vec());
        [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            text(self.state.as_str()),
            flag(self.one_step),
            text(self.kind.as_str()),
            optional(self.branch.as_ref(), |b| text(b.as_str())),
            optional(self.batch, |(id, _)| Value::Blob(id.as_bytes().to_vec())),
            optional(self.batch, |(_, line)| Value::Integer(i64::from(line))),
            text(&self.requester),
            optional(self.reviewer.as_deref(), text),
            optional(self.approver.as_deref(), text),
            flag(self.needs_review),
            flag(self.needs_evidence),
            text(&self.profile),
            Value::Blob(self.profile_digest.to_vec()),
            optional(self.issuer.as_ref(), |i| text(i.as_str())),
            Value::Blob(self.subject.clone()),
            text(&self.sans),
            text(&self.identity),
            optional(self.csr.clone(), Value::Blob),
            optional(self.spki.clone(), Value::Blob),
            optional(self.days, |d| Value::Integer(i64::from(d))),
            optional(self.contact.as_deref(), text),
            time(self.submitted_at),
            optional(self.reviewed_at, time),
            optional(self.decided_at, time),
            optional(self.reason.as_deref(), text),
            optional(self.serial.as_ref(), serial),
            optional(self.replaces.as_ref(), |(issuer, _)| text(issuer.as_str())),
            optional(self.replaces.as_ref(), |(_, old)| serial(old)),
            optional(self.pickup, |p| Value::Blob(p.hash.to_vec())),
            optional(self.pickup, |p| time(p.until)),
        ]
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        tx.put(&REQUEST, &self.values(), seq)
    }

    /// Stores a one-step request that its certificate's entry will cover.
    pub(crate) fn insert_uncovered(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let values = self.values();
        let values: Vec<&dyn ledger::db::ToSql> = values.iter().map(|v| v as &dyn ledger::db::ToSql).collect();
        tx.execute(
            "INSERT INTO ca_request (request_id, tenant_id, state, one_step, kind, branch_id, batch_id, batch_line, \
             requester, reviewer, approver, needs_review, needs_evidence, profile, profile_digest, issuer_id, subject, \
             sans, identity, csr, spki, days, contact, submitted_at, reviewed_at, decided_at, reason, serial, old_issuer, old_serial, \
             pickup, pickup_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
             $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)",
            &values,
        )
        .map(drop)
    }
}

macro_rules! select_request {
    ($rest:literal) => {
        concat!(
            "SELECT request_id, tenant_id, state, one_step, kind, branch_id, batch_id, batch_line, requester, reviewer, \
             approver, needs_review, needs_evidence, profile, profile_digest, issuer_id, subject, sans, identity, csr, \
             spki, days, contact, submitted_at, reviewed_at, decided_at, reason, serial, old_issuer, old_serial, pickup, pickup_until \
             FROM ca_request ",
            $rest
        )
    };
}
pub(super) use select_request;

pub(super) fn read_request(row: &Row<'_>) -> RowResult<Option<RequestRow>> {
    let (state, kind): (String, String) = (row.get(2)?, row.get(4)?);
    let tenant: String = row.get(1)?;
    let branch: Option<String> = row.get(5)?;
    let batch: Option<[u8; 16]> = row.get(6)?;
    let line: Option<u32> = row.get(7)?;
    let issuer: Option<String> = row.get(15)?;
    let submitted_at: i64 = row.get(23)?;
    let moment = |index| -> RowResult<Option<Instant>> { Ok(row.get::<_, Option<i64>>(index)?.and_then(read_time)) };
    let serial: Option<Vec<u8>> = row.get(27)?;
    let (old_issuer, old_serial): (Option<String>, Option<Vec<u8>>) = (row.get(28)?, row.get(29)?);
    let pickup: Option<[u8; 32]> = row.get(30)?;
    let (Ok(tenant), Some(state), Some(kind), Some(submitted_at)) =
        (tenant.parse(), RequestState::from_word(&state), RequestKind::from_word(&kind), read_time(submitted_at))
    else {
        return Ok(None);
    };
    let (Ok(branch), Ok(issuer), Ok(old_issuer)) = (
        branch.map(|b| b.parse()).transpose(),
        issuer.map(|i| i.parse()).transpose(),
        old_issuer.map(|i| i.parse()).transpose(),
    ) else {
        return Ok(None);
    };
    Ok(Some(RequestRow {
        id: RequestId::from_bytes(row.get(0)?),
        tenant,
        state,
        one_step: row.get(3)?,
        kind,
        branch,
        batch: batch.map(BatchId::from_bytes).zip(line),
        requester: row.get(8)?,
        reviewer: row.get(9)?,
        approver: row.get(10)?,
        needs_review: row.get(11)?,
        needs_evidence: row.get(12)?,
        profile: row.get(13)?,
        profile_digest: row.get(14)?,
        issuer,
        subject: row.get(16)?,
        sans: row.get(17)?,
        identity: row.get(18)?,
        csr: row.get(19)?,
        spki: row.get(20)?,
        days: row.get(21)?,
        contact: row.get(22)?,
        submitted_at,
        reviewed_at: moment(24)?,
        decided_at: moment(25)?,
        reason: row.get(26)?,
        serial: serial.and_then(|s| serial_of(&s)),
        replaces: old_issuer.zip(old_serial.and_then(|s| serial_of(&s))),
        pickup: pickup.zip(moment(31)?).map(|(hash, until)| Pickup { hash, until }),
    }))
}

pub(super) fn readable(rows: Vec<Option<RequestRow>>) -> Result<Vec<RequestRow>, DbError> {
    rows.into_iter().map(|r| r.ok_or_else(|| unreadable("ca_request", "a row"))).collect()
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

/// The request a pick-up link is for, by the SM3 of its secret. Of any tenant: the secret is the right.
pub(crate) fn request_by_pickup(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<Option<RequestRow>, DbError> {
    let found = tx.query_opt(select_request!("WHERE pickup = $1"), &[&&hash[..]], read_request)?;
    match found {
        Some(None) => Err(unreadable("ca_request", "a row")),
        Some(found) => Ok(found),
        None => Ok(None),
    }
}

/// The requests of a batch, in the order they were filed: the rows of the file.
pub(crate) fn requests_of_batch(tx: &Tx<'_>, tenant: &TenantId, batch: BatchId) -> Result<Vec<RequestRow>, DbError> {
    readable(tx.query_all(
        select_request!("WHERE batch_id = $1 AND tenant_id = $2 ORDER BY batch_line LIMIT 1000"),
        &[&&batch.as_bytes()[..], &tenant.as_str()],
        read_request,
    )?)
}
