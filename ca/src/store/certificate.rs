//! Certificates: from the intent that precedes the signature to the last change of status.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::status::{CertStatus, Reason, Revocation, StatusChange};
use pki_config::time::Validity;
use pki_config::{IssuerId, RequestId, Serial, TenantId};

use super::{optional, position, read_time, search, serial_of, text, time, unreadable};

/// Certificates. An intent has no entry yet: the signature brings it.
pub(super) static CERTIFICATE: Table = Table {
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
        "organisation",
        "key_sm3",
        "sha256",
        "issue_seq",
        "revoked_at",
        "reason",
        "invalidity",
        "shard",
    ],
    pending: Some("state = 'intended'"),
};

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
    /// SM3 of the DER SubjectPublicKeyInfo.
    pub key_sm3: Option<[u8; 32]>,
    /// SHA-256 of the certificate, once there is one.
    pub sha256: Option<[u8; 32]>,
    /// The entry whose payload is the certificate; `None` before that.
    pub issue_seq: Option<Seq>,
    pub status: CertStatus,
    /// Which share of its issuer's revocation list it is in; 0 for the whole list.
    pub shard: u16,
    /// The newest entry about it.
    pub audit_seq: Option<Seq>,
}

impl CertificateRow {
    fn values(&self) -> [Value; 20] {
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
            optional(search::organisation(&self.subject), text),
            optional(self.key_sm3, |d| Value::Blob(d.to_vec())),
            optional(self.sha256, |d| Value::Blob(d.to_vec())),
            self.issue_seq.map_or(Value::Integer(-1), position),
            revoked_at,
            reason,
            invalidity,
            Value::Integer(i64::from(self.shard)),
        ]
    }

    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        tx.put(&CERTIFICATE, &self.values(), seq)
    }

    /// Makes a certificate that was just issued one that is found by the words of its names.
    pub(crate) fn index(&self, tx: &Tx<'_>, issue_seq: Seq) -> Result<(), DbError> {
        search::index(tx, self, issue_seq)
    }

    /// What responders are told of this row as it now is.
    pub(crate) fn news(&self) -> StatusChange {
        StatusChange {
            tenant: self.tenant.clone(),
            issuer: self.issuer.clone(),
            serial: self.serial.clone(),
            not_after: self.validity.not_after(),
            status: self.status,
        }
    }

    /// Stores an intent. The primary key makes a serial unique within its issuer, the constraint on
    /// `request_id` makes a certificate unique within its request.
    pub(crate) fn insert_intent(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let v = self.values();
        tx.execute(
            "INSERT INTO ca_certificate (issuer_id, serial, tenant_id, request_id, state, profile, profile_digest, \
             subject, sans, not_before, not_after, tbs, organisation, key_sm3, sha256, issue_seq, \
             revoked_at, reason, invalidity, shard) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
            &[
                &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &v[12], &v[13],
                &v[14], &v[15], &v[16], &v[17], &v[18], &v[19],
            ],
        )
        .map(drop)
    }
}

macro_rules! select_certificate {
    ($rest:literal) => {
        concat!(
            "SELECT issuer_id, serial, tenant_id, request_id, state, profile, profile_digest, subject, sans, \
             not_before, not_after, tbs, key_sm3, sha256, issue_seq, revoked_at, reason, invalidity, audit_seq, shard \
             FROM ca_certificate ",
            $rest
        )
    };
}
pub(super) use select_certificate;

pub(super) fn read_certificate(row: &Row<'_>) -> RowResult<Option<CertificateRow>> {
    let issuer: String = row.get(0)?;
    let serial: Vec<u8> = row.get(1)?;
    let tenant: String = row.get(2)?;
    let state: String = row.get(4)?;
    let (not_before, not_after): (i64, i64) = (row.get(9)?, row.get(10)?);
    let issue_seq: i64 = row.get(14)?;
    let revoked_at: Option<i64> = row.get(15)?;
    let reason: Option<u8> = row.get(16)?;
    let invalidity: Option<i64> = row.get(17)?;
    let audit_seq: Option<i64> = row.get(18)?;
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
        key_sm3: row.get(12)?,
        sha256: row.get(13)?,
        issue_seq: Seq::try_from(issue_seq).ok(),
        status,
        shard: row.get(19)?,
        audit_seq: audit_seq.and_then(|s| Seq::try_from(s).ok()),
    }))
}

pub(super) fn readable(rows: Vec<Option<CertificateRow>>) -> Result<Vec<CertificateRow>, DbError> {
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

/// The certificate that came of a request, or its intent.
pub(crate) fn certificate_of_request(
    tx: &Tx<'_>,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Option<CertificateRow>, DbError> {
    let rows = readable(tx.query_all(
        select_certificate!("WHERE request_id = $1 AND tenant_id = $2"),
        &[request.as_bytes(), &tenant.as_str()],
        read_certificate,
    )?)?;
    Ok(rows.into_iter().next())
}

/// A serial of the issuer that has the upper 64 bits of this one, which may be this one itself.
pub(crate) fn serial_near(tx: &Tx<'_>, issuer: &IssuerId, serial: &Serial) -> Result<Option<Serial>, DbError> {
    let octets = serial.as_bytes();
    let upper = octets.get(..octets.len().saturating_sub(8)).unwrap_or_default();
    let (least, most) = ([upper, &[0; 8]].concat(), [upper, &[0xff; 8]].concat());
    let found = tx.query_opt(
        "SELECT serial FROM ca_certificate WHERE issuer_id = $1 AND serial >= $2 AND serial <= $3 LIMIT 1",
        &[&issuer.as_str(), &least, &most],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    found.map(|serial| serial_of(&serial).ok_or_else(|| unreadable("ca_certificate", "a serial"))).transpose()
}

/// Whether another tenant has a certificate with this key, given by the SM3 of its DER SubjectPublicKeyInfo.
pub(crate) fn key_of_others(tx: &Tx<'_>, tenant: &TenantId, key: Option<&[u8; 32]>) -> Result<bool, DbError> {
    let Some(key) = key else { return Ok(false) };
    // Two looks into the index, however many certificates the tenant has with this key: a "not equal" would pass
    // over all of them.
    let found = tx.query_opt(
        "SELECT EXISTS (SELECT 1 FROM ca_certificate WHERE key_sm3 = $1 AND tenant_id < $2) \
         OR EXISTS (SELECT 1 FROM ca_certificate WHERE key_sm3 = $1 AND tenant_id > $2)",
        &[key, &tenant.as_str()],
        |row| row.get::<_, bool>(0),
    )?;
    Ok(found.unwrap_or(false))
}

/// How many certificates of an issuer are good and have not expired.
pub(crate) fn alive_of(tx: &Tx<'_>, issuer: &IssuerId, now: pki_config::Instant) -> Result<u64, DbError> {
    let count = tx.query_opt(
        "SELECT count(*) FROM ca_certificate WHERE issuer_id = $1 AND state = 'issued' AND revoked_at IS NULL \
         AND not_after >= $2",
        &[&issuer.as_str(), &now.unix_millis()],
        |row| row.get::<_, i64>(0),
    )?;
    u64::try_from(count.unwrap_or(0)).map_err(|_| unreadable("ca_certificate", "a count"))
}

/// The oldest intents without a certificate.
pub(crate) fn intents(tx: &Tx<'_>, limit: u32) -> Result<Vec<CertificateRow>, DbError> {
    readable(tx.query_all(select_certificate!("WHERE state = 'intended' LIMIT $1"), &[&limit], read_certificate)?)
}

/// The next certificates of all issuers and tenants in the order of their keys, intents left out: nobody has those.
pub(crate) fn signed_after(
    tx: &Tx<'_>,
    after: Option<&(IssuerId, Serial)>,
    limit: u32,
) -> Result<Vec<CertificateRow>, DbError> {
    let (issuer, serial) = after.map_or(("", &[][..]), |(issuer, serial)| (issuer.as_str(), serial.as_bytes()));
    readable(tx.query_all(
        select_certificate!(
            "WHERE (issuer_id, serial) > ($1, $2) AND state <> 'intended' ORDER BY issuer_id, serial LIMIT $3"
        ),
        &[&issuer, &serial, &limit],
        read_certificate,
    )?)
}
