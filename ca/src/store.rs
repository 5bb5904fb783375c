//! All SQL of the certificate authority. Nobody else reads or writes these tables.
//!
//! Functions take the open transaction, so that the caller decides what is durable together.
//! Rows the log answers for are written through [`ledger::Tx::put`] only.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::status::{CertStatus, Reason, Revocation};
use pki_config::time::Validity;
use pki_config::{Instant, IssuerId, KeyId, RequestId, Serial, TenantId};

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_init.sql")];

/// Issuers.
pub(crate) static ISSUER: Table = Table {
    name: "ca_issuer",
    key: 1,
    columns: &["issuer_id", "tenant_id", "parent", "key_id", "certificate", "public_url", "created_at"],
    pending: None,
};

/// Requests. A one-step request has no entry of its own: the certificate's entry covers it.
pub(crate) static REQUEST: Table = Table {
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

/// Certificates. An intent has no entry yet: the signature brings it.
pub(crate) static CERTIFICATE: Table = Table {
    name: "ca_certificate",
    key: 2,
    columns: &[
        "issuer_id",
        "serial",
        "tenant_id",
        "request_id",
        "state",
        "profile",
        "profile_digest",
        "subject",
        "sans",
        "not_before",
        "not_after",
        "tbs",
        "issue_seq",
        "revoked_at",
        "reason",
        "invalidity",
    ],
    pending: Some("state = 'intended'"),
};

/// Published CRLs.
pub(crate) static CRL: Table = Table {
    name: "ca_crl",
    key: 2,
    columns: &["issuer_id", "number", "tenant_id", "entries", "this_update", "next_update", "as_of", "sm3", "size"],
    pending: None,
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[&ISSUER, &REQUEST, &CERTIFICATE, &CRL];

/// A row that does not read back as what was written. The database was damaged or edited.
fn unreadable(table: &str, what: &str) -> DbError {
    DbError::Damaged(format!("{table}: {what} does not read back"))
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn time(at: Instant) -> Value {
    Value::Integer(at.unix_millis())
}

fn optional<T>(value: Option<T>, to: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, to)
}

fn position(seq: Seq) -> Value {
    Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX))
}

fn read_time(millis: i64) -> Option<Instant> {
    Instant::from_unix_millis(millis).ok()
}

/// One issuer.
#[derive(Debug, Clone)]
pub(crate) struct IssuerRow {
    pub id: IssuerId,
    pub tenant: TenantId,
    pub parent: Option<IssuerId>,
    pub key: KeyId,
    pub certificate: Vec<u8>,
    pub public_url: String,
    pub created_at: Instant,
}

impl IssuerRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.id.as_str()),
            text(self.tenant.as_str()),
            optional(self.parent.as_ref(), |p| text(p.as_str())),
            Value::Blob(self.key.as_bytes().to_vec()),
            Value::Blob(self.certificate.clone()),
            text(&self.public_url),
            time(self.created_at),
        ];
        tx.put(&ISSUER, &values, seq)
    }
}

/// Every issuer, in the order they were made. There are few: the list is not paged.
pub(crate) fn issuers(tx: &Tx<'_>) -> Result<Vec<IssuerRow>, DbError> {
    let rows = tx.query_all(
        "SELECT issuer_id, tenant_id, parent, key_id, certificate, public_url, created_at FROM ca_issuer \
         ORDER BY audit_seq LIMIT 10000",
        &[],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get::<_, [u8; 16]>(3)?,
                row.get::<_, Vec<u8>>(4)?,
                row.get::<_, String>(5)?,
                row.get::<_, i64>(6)?,
            ))
        },
    )?;
    rows.into_iter()
        .map(|(id, tenant, parent, key, certificate, public_url, created_at)| {
            let bad = || unreadable("ca_issuer", &id);
            Ok(IssuerRow {
                id: id.parse().map_err(|_| bad())?,
                tenant: tenant.parse().map_err(|_| bad())?,
                parent: parent.map(|p| p.parse()).transpose().map_err(|_| bad())?,
                key: KeyId::from_bytes(key),
                certificate,
                public_url,
                created_at: read_time(created_at).ok_or_else(bad)?,
            })
        })
        .collect()
}

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
    fn values(&self) -> [Value; 18] {
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
             profile_digest, issuer_id, subject, sans, csr, spki, days, submitted_at, decided_at, reason, serial) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            &[
                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &v[12], &v[13],
                &v[14], &v[15], &v[16], &v[17],
            ],
        )
        .map(drop)
    }
}

macro_rules! select_request {
    ($rest:literal) => {
        concat!(
            "SELECT request_id, tenant_id, state, one_step, requester, approver, profile, profile_digest, issuer_id, \
             subject, sans, csr, spki, days, submitted_at, decided_at, reason, serial FROM ca_request ",
            $rest
        )
    };
}

fn read_request(row: &Row<'_>) -> RowResult<Option<RequestRow>> {
    let tenant: String = row.get(1)?;
    let state: String = row.get(2)?;
    let issuer: String = row.get(8)?;
    let submitted_at: i64 = row.get(14)?;
    let decided_at: Option<i64> = row.get(15)?;
    let serial: Option<Vec<u8>> = row.get(17)?;
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
        csr: row.get(11)?,
        spki: row.get(12)?,
        days: row.get(13)?,
        submitted_at,
        decided_at: decided_at.and_then(read_time),
        reason: row.get(16)?,
        serial: serial.and_then(|s| serial_of(&s)),
    }))
}

fn serial_of(magnitude: &[u8]) -> Option<Serial> {
    let mut content = Vec::with_capacity(magnitude.len() + 1);
    content.push(0);
    content.extend_from_slice(magnitude);
    Serial::from_der_content(&content).ok()
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

/// Where a certificate's row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateState {
    /// The exact bytes are stored, no signature is known.
    Intended,
    /// Signed and logged.
    Issued,
    /// No certificate is known to exist; the serial is revoked in case one does.
    Abandoned,
}

impl CertificateState {
    const ALL: [Self; 3] = [Self::Intended, Self::Issued, Self::Abandoned];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Issued => "issued",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A certificate's row.
#[derive(Debug, Clone)]
pub(crate) struct CertificateRow {
    pub issuer: IssuerId,
    pub serial: Serial,
    pub tenant: TenantId,
    pub request: RequestId,
    pub state: CertificateState,
    pub profile: String,
    pub profile_digest: [u8; 32],
    pub subject: String,
    pub sans: String,
    pub validity: Validity,
    pub tbs: Option<Vec<u8>>,
    /// The entry whose payload is the certificate; `None` before that.
    pub issue_seq: Option<Seq>,
    pub status: CertStatus,
    /// The newest entry about it.
    pub audit_seq: Option<Seq>,
}

impl CertificateRow {
    fn values(&self) -> [Value; 16] {
        let (revoked_at, reason, invalidity) = match self.status {
            CertStatus::Good => (Value::Null, Value::Null, Value::Null),
            CertStatus::Revoked(r) => {
                (time(r.at), Value::Integer(i64::from(r.reason.code())), optional(r.invalidity, time))
            }
        };
        [
            text(self.issuer.as_str()),
            Value::Blob(self.serial.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            Value::Blob(self.request.as_bytes().to_vec()),
            text(self.state.as_str()),
            text(&self.profile),
            Value::Blob(self.profile_digest.to_vec()),
            text(&self.subject),
            text(&self.sans),
            time(self.validity.not_before()),
            time(self.validity.not_after()),
            optional(self.tbs.clone(), Value::Blob),
            self.issue_seq.map_or(Value::Integer(-1), position),
            revoked_at,
            reason,
            invalidity,
        ]
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        tx.put(&CERTIFICATE, &self.values(), seq)
    }

    /// Stores an intent. The primary key makes a serial unique within its issuer, the constraint on
    /// `request_id` makes a certificate unique within its request.
    pub(crate) fn insert_intent(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let v = self.values();
        tx.execute(
            "INSERT INTO ca_certificate (issuer_id, serial, tenant_id, request_id, state, profile, profile_digest, \
             subject, sans, not_before, not_after, tbs, issue_seq, revoked_at, reason, invalidity) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            &[
                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &v[12], &v[13],
                &v[14], &v[15],
            ],
        )
        .map(drop)
    }
}

macro_rules! select_certificate {
    ($rest:literal) => {
        concat!(
            "SELECT issuer_id, serial, tenant_id, request_id, state, profile, profile_digest, subject, sans, \
             not_before, not_after, tbs, issue_seq, revoked_at, reason, invalidity, audit_seq FROM ca_certificate ",
            $rest
        )
    };
}

fn read_certificate(row: &Row<'_>) -> RowResult<Option<CertificateRow>> {
    let issuer: String = row.get(0)?;
    let serial: Vec<u8> = row.get(1)?;
    let tenant: String = row.get(2)?;
    let state: String = row.get(4)?;
    let (not_before, not_after): (i64, i64) = (row.get(9)?, row.get(10)?);
    let issue_seq: i64 = row.get(12)?;
    let revoked_at: Option<i64> = row.get(13)?;
    let reason: Option<u8> = row.get(14)?;
    let invalidity: Option<i64> = row.get(15)?;
    let audit_seq: Option<i64> = row.get(16)?;
    let status = match (revoked_at, reason) {
        (None, None) => Some(CertStatus::Good),
        (Some(at), Some(reason)) => read_time(at).zip(Reason::from_code(reason)).map(|(at, reason)| {
            CertStatus::Revoked(Revocation { at, reason, invalidity: invalidity.and_then(read_time) })
        }),
        _ => None,
    };
    let validity = read_time(not_before).zip(read_time(not_after)).and_then(|(b, a)| Validity::between(b, a));
    let (Ok(issuer), Some(serial), Ok(tenant), Some(state), Some(validity), Some(status)) = (
        issuer.parse(),
        serial_of(&serial),
        tenant.parse(),
        CertificateState::ALL.into_iter().find(|s| s.as_str() == state),
        validity,
        status,
    ) else {
        return Ok(None);
    };
    Ok(Some(CertificateRow {
        issuer,
        serial,
        tenant,
        request: RequestId::from_bytes(row.get(3)?),
        state,
        profile: row.get(5)?,
        profile_digest: row.get(6)?,
        subject: row.get(7)?,
        sans: row.get(8)?,
        validity,
        tbs: row.get(11)?,
        issue_seq: Seq::try_from(issue_seq).ok(),
        status,
        audit_seq: audit_seq.and_then(|s| Seq::try_from(s).ok()),
    }))
}

fn readable(rows: Vec<Option<CertificateRow>>) -> Result<Vec<CertificateRow>, DbError> {
    rows.into_iter().map(|r| r.ok_or_else(|| unreadable("ca_certificate", "a row"))).collect()
}

/// The certificates with this serial, one per issuer that used it. A foreign tenant's are not seen.
pub(crate) fn certificates(tx: &Tx<'_>, tenant: &TenantId, serial: &Serial) -> Result<Vec<CertificateRow>, DbError> {
    // Serials are drawn at random, so the loop over the few issuers finds one row.
    readable(tx.query_all(
        select_certificate!(
            "WHERE serial = $1 AND issuer_id IN (SELECT issuer_id FROM ca_issuer) AND tenant_id = $2 LIMIT 100"
        ),
        &[&serial.as_bytes(), &tenant.as_str()],
        read_certificate,
    )?)
}

/// One certificate.
pub(crate) fn certificate(
    tx: &Tx<'_>,
    tenant: &TenantId,
    issuer: &IssuerId,
    serial: &Serial,
) -> Result<Option<CertificateRow>, DbError> {
    let rows = readable(tx.query_all(
        select_certificate!("WHERE issuer_id = $1 AND serial = $2 AND tenant_id = $3"),
        &[&issuer.as_str(), &serial.as_bytes(), &tenant.as_str()],
        read_certificate,
    )?)?;
    Ok(rows.into_iter().next())
}

/// The oldest intents without a certificate.
pub(crate) fn intents(tx: &Tx<'_>, limit: u32) -> Result<Vec<CertificateRow>, DbError> {
    readable(tx.query_all(select_certificate!("WHERE state = 'intended' LIMIT $1"), &[&limit], read_certificate)?)
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only this issuer.
    pub issuer: Option<IssuerId>,
    /// Only this profile.
    pub profile: Option<String>,
    /// Only this status.
    pub status: Option<ListedStatus>,
    /// Subject or alternative names contain this text.
    pub name: Option<String>,
    /// Only those issued before this log entry: the `next` of the page before.
    pub after: Option<Seq>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// Status as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedStatus {
    /// Neither revoked nor expired.
    Good,
    /// Revoked for good.
    Revoked,
    /// On hold.
    Hold,
    /// Past its last second and not revoked.
    Expired,
}

impl ListedStatus {
    /// The word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Hold => "hold",
            Self::Expired => "expired",
        }
    }

    /// From the word in the interface.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Good, Self::Revoked, Self::Hold, Self::Expired].into_iter().find(|s| s.as_str() == word)
    }
}

/// One page of certificates, newest first.
pub(crate) fn list(
    tx: &Tx<'_>,
    tenant: &TenantId,
    query: &Query,
    now: Instant,
) -> Result<Vec<CertificateRow>, DbError> {
    let issuer = query.issuer.as_ref().map(IssuerId::as_str);
    let status = query.status.map(ListedStatus::as_str);
    // LIKE would give % and _ a meaning; instr compares as typed.
    let name = query.name.as_deref();
    let after = query.after.map_or(i64::MAX, |s| i64::try_from(s).unwrap_or(i64::MAX));
    readable(tx.query_all(
        select_certificate!(
            "WHERE tenant_id = $1 AND state = 'issued' AND issue_seq < $2 \
             AND ($3 IS NULL OR issuer_id = $3) AND ($4 IS NULL OR profile = $4) \
             AND ($5 IS NULL OR instr(lower(subject), lower($5)) > 0 OR instr(lower(sans), lower($5)) > 0) \
             AND ($6 IS NULL OR $6 = CASE WHEN reason = 6 THEN 'hold' WHEN revoked_at IS NOT NULL THEN 'revoked' \
             WHEN not_after + 1000 <= $7 THEN 'expired' ELSE 'good' END) \
             ORDER BY issue_seq DESC LIMIT $8"
        ),
        &[&tenant.as_str(), &after, &issuer, &query.profile, &name, &status, &now.unix_millis(), &query.limit],
        read_certificate,
    )?)
}

/// A published CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlRecord {
    /// Whose.
    pub issuer: IssuerId,
    /// For which tenant the issuer works.
    pub tenant: TenantId,
    /// CRLNumber.
    pub number: u64,
    /// Entries.
    pub entries: u64,
    /// thisUpdate.
    pub this_update: Instant,
    /// nextUpdate.
    pub next_update: Instant,
    /// The newest status change it tells of, as a position in the log; -1 for none.
    pub as_of: i64,
    /// SM3 of the DER.
    pub sm3: [u8; 32],
    /// Bytes.
    pub size: u64,
}

impl CrlRecord {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(self.issuer.as_str()),
            position(self.number),
            text(self.tenant.as_str()),
            position(self.entries),
            time(self.this_update),
            time(self.next_update),
            Value::Integer(self.as_of),
            Value::Blob(self.sm3.to_vec()),
            position(self.size),
        ];
        tx.put(&CRL, &values, seq)
    }
}

/// The newest CRL of an issuer.
pub(crate) fn newest_crl(tx: &Tx<'_>, issuer: &IssuerId) -> Result<Option<CrlRecord>, DbError> {
    let row = tx.query_opt(
        "SELECT number, tenant_id, entries, this_update, next_update, as_of, sm3, size FROM ca_crl \
         WHERE issuer_id = $1 ORDER BY number DESC LIMIT 1",
        &[&issuer.as_str()],
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, [u8; 32]>(6)?,
                row.get::<_, i64>(7)?,
            ))
        },
    )?;
    row.map(|(number, tenant, entries, this_update, next_update, as_of, sm3, size)| {
        let bad = || unreadable("ca_crl", &format!("{issuer} {number}"));
        Ok(CrlRecord {
            issuer: issuer.clone(),
            tenant: tenant.parse().map_err(|_| bad())?,
            number: u64::try_from(number).map_err(|_| bad())?,
            entries: u64::try_from(entries).map_err(|_| bad())?,
            this_update: read_time(this_update).ok_or_else(bad)?,
            next_update: read_time(next_update).ok_or_else(bad)?,
            as_of,
            sm3,
            size: u64::try_from(size).map_err(|_| bad())?,
        })
    })
    .transpose()
}

/// The newest status change after issue, as a position in the log; -1 for none.
pub(crate) fn newest_change(tx: &Tx<'_>, issuer: &IssuerId) -> Result<i64, DbError> {
    let newest = tx.query_opt(
        "SELECT max(audit_seq) FROM ca_certificate WHERE issuer_id = $1 AND audit_seq > issue_seq",
        &[&issuer.as_str()],
        |row| row.get::<_, Option<i64>>(0),
    )?;
    Ok(newest.flatten().unwrap_or(-1))
}

/// One revoked certificate, as a CRL tells of it.
#[derive(Debug, Clone)]
pub(crate) struct RevokedRow {
    pub serial: Serial,
    pub revocation: Revocation,
}

/// How many revoked certificates [`revoked_each`] would visit at most, to size the CRL's buffer.
pub(crate) fn revoked_count(tx: &Tx<'_>, issuer: &IssuerId) -> Result<u64, DbError> {
    let count = tx.query_opt(
        "SELECT count(*) FROM ca_certificate WHERE issuer_id = $1 AND revoked_at IS NOT NULL",
        &[&issuer.as_str()],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(count.and_then(|c| u64::try_from(c).ok()).unwrap_or(0))
}

/// Visits the revoked certificates of an issuer whose validity had not ended at `alive_at`, by serial,
/// holding one row at a time.
pub(crate) fn revoked_each<E: From<DbError>>(
    tx: &Tx<'_>,
    issuer: &IssuerId,
    alive_at: Instant,
    mut each: impl FnMut(RevokedRow) -> Result<(), E>,
) -> Result<(), E> {
    tx.query_each(
        "SELECT serial, revoked_at, reason, invalidity FROM ca_certificate \
         WHERE issuer_id = $1 AND revoked_at IS NOT NULL AND not_after >= $2 ORDER BY serial",
        &[&issuer.as_str(), &alive_at.unix_millis()],
        |row| {
            let read = || -> RowResult<Option<RevokedRow>> {
                let serial = row.get_ref(0)?.as_blob().ok().and_then(serial_of);
                let (at, reason): (i64, u8) = (row.get(1)?, row.get(2)?);
                let invalidity: Option<i64> = row.get(3)?;
                Ok(serial.zip(read_time(at)).zip(Reason::from_code(reason)).map(|((serial, at), reason)| RevokedRow {
                    serial,
                    revocation: Revocation { at, reason, invalidity: invalidity.and_then(read_time) },
                }))
            };
            match read() {
                Ok(Some(revoked)) => each(revoked),
                Ok(None) => Err(unreadable("ca_certificate", "a revoked row").into()),
                Err(error) => Err(DbError::Failed(error.to_string()).into()),
            }
        },
    )
}
