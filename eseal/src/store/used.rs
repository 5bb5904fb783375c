//! Uses of seals, and what waits to become one.

use ledger::{Cover, DbError, Seq, Table, Tx, Value};
use pki_config::{Instant, SealId, TenantId};

use super::{blob, damaged, maybe, stored};
use crate::core::facts::Hash;
use crate::core::order::Form;

pub(crate) static USE: Table = Table {
    name: "eseal_use",
    key: 2,
    columns: &[
        "tenant_id",
        "request",
        "ordered",
        "seal_id",
        "version",
        "person",
        "form",
        "hash",
        "digest",
        "property",
        "document",
        "signed_at",
        "signer",
        "signature",
    ],
    pending: None,
};

/// A use of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// For whom.
    pub tenant: TenantId,
    /// The request that it answers.
    pub request: String,
    /// SM3 of everything that was asked for.
    pub ordered: [u8; 32],
    /// The seal.
    pub seal: SealId,
    /// Which making of it.
    pub version: u32,
    /// Who asked.
    pub person: String,
    /// The form of the signature.
    pub form: Form,
    /// By which hash the document was measured.
    pub hash: Hash,
    /// Its value.
    pub digest: Vec<u8>,
    /// `propertyInfo`.
    pub property: String,
    /// What the document was called.
    pub document: Option<String>,
    /// The time that was signed.
    pub at: Instant,
    /// The signer's certificate, DER.
    pub signer: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Its log entry.
    pub seq: Seq,
}

const FORMS: [(Form, &str); 3] = [(Form::Seal, "seal"), (Form::Cms, "cms"), (Form::Pades, "pades")];

/// The stable word of a form.
#[must_use]
pub fn form_word(form: Form) -> &'static str {
    FORMS.iter().find(|(one, _)| *one == form).map_or("seal", |(_, word)| word)
}

/// The stable word of a hash that is signed here.
#[must_use]
pub const fn hash_word(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha256 => "sha256",
        _ => "sm3",
    }
}

pub(crate) fn put(tx: &Tx<'_>, used: &Use, seq: Seq) -> Result<Cover, DbError> {
    let values = [
        Value::Text(used.tenant.to_string()),
        Value::Text(used.request.clone()),
        Value::Blob(used.ordered.to_vec()),
        blob(used.seal),
        Value::Integer(used.version.into()),
        Value::Text(used.person.clone()),
        Value::Text(form_word(used.form).to_owned()),
        Value::Text(hash_word(used.hash).to_owned()),
        Value::Blob(used.digest.clone()),
        Value::Text(used.property.clone()),
        maybe(used.document.clone(), Value::Text),
        Value::Integer(used.at.unix_millis()),
        Value::Blob(used.signer.clone()),
        Value::Blob(used.signature.clone()),
    ];
    tx.put(&USE, &values, seq)
}

/// Whether this request was answered with a signature already.
pub(crate) fn is_used(tx: &Tx<'_>, tenant: &TenantId, request: &str) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM eseal_use WHERE tenant_id = $1 AND request = $2";
    Ok(tx.query_opt(sql, &[&tenant.as_str(), &request], |_| Ok(()))?.is_some())
}

/// The use that this request was answered with.
pub(crate) fn of_request(tx: &Tx<'_>, tenant: &TenantId, request: &str) -> Result<Option<Use>, DbError> {
    let found = tx.query_opt(
        "SELECT tenant_id, request, ordered, seal_id, version, person, form, hash, digest, property, document, signed_at, \
         signer, signature, audit_seq FROM eseal_use WHERE tenant_id = $1 AND request = $2",
        &[&tenant.as_str(), &request],
        fields,
    )?;
    found.map(|fields| used(fields).ok_or_else(|| damaged("eseal_use"))).transpose()
}

/// Uses, newest first: of one seal, or of the tenant's all.
pub(crate) fn list(
    tx: &Tx<'_>,
    tenant: &TenantId,
    seal: Option<SealId>,
    after: Option<Seq>,
    limit: u32,
) -> Result<Vec<Use>, DbError> {
    let after = after.map_or(i64::MAX, stored);
    let rows = match seal {
        Some(seal) => tx.query_all(
            "SELECT tenant_id, request, ordered, seal_id, version, person, form, hash, digest, property, document, \
             signed_at, signer, signature, audit_seq FROM eseal_use \
             WHERE seal_id = $1 AND audit_seq < $2 AND tenant_id = $3 ORDER BY audit_seq DESC LIMIT $4",
            &[&&seal.as_bytes()[..], &after, &tenant.as_str(), &limit],
            fields,
        )?,
        None => tx.query_all(
            "SELECT tenant_id, request, ordered, seal_id, version, person, form, hash, digest, property, document, \
             signed_at, signer, signature, audit_seq FROM eseal_use \
             WHERE tenant_id = $1 AND audit_seq < $2 ORDER BY audit_seq DESC LIMIT $3",
            &[&tenant.as_str(), &after, &limit],
            fields,
        )?,
    };
    rows.into_iter().map(|fields| used(fields).ok_or_else(|| damaged("eseal_use"))).collect()
}

/// How often a seal was used.
pub(crate) fn count(tx: &Tx<'_>, seal: SealId) -> Result<u64, DbError> {
    let count = tx.query_opt("SELECT count(*) FROM eseal_use WHERE seal_id = $1", &[&&seal.as_bytes()[..]], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(count.unwrap_or(0).unsigned_abs())
}

type Fields = (
    (String, String, Vec<u8>, [u8; 16], u32, String, String, String),
    (Vec<u8>, String, Option<String>, i64, Vec<u8>, Vec<u8>, i64),
);

fn fields(row: &ledger::db::Row<'_>) -> ledger::db::RowResult<Fields> {
    Ok((
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?),
        (row.get(8)?, row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?, row.get(14)?),
    ))
}

fn used(fields: Fields) -> Option<Use> {
    let ((tenant, request, ordered, seal, version, person, form, hash), rest) = fields;
    let (digest, property, document, at, signer, signature, seq) = rest;
    Some(Use {
        tenant: tenant.parse().ok()?,
        request,
        ordered: ordered.try_into().ok()?,
        seal: SealId::from_bytes(seal),
        version,
        person,
        form: FORMS.iter().find(|(_, word)| *word == form)?.0,
        hash: match hash.as_str() {
            "sm3" => Hash::Sm3,
            "sha256" => Hash::Sha256,
            _ => return None,
        },
        digest,
        property,
        document,
        at: Instant::from_unix_millis(at).ok()?,
        signer,
        signature,
        seq: seq.unsigned_abs(),
    })
}

/// Keeps the time-stamp of a use, unless there is one: the first counts.
pub(crate) fn keep_stamp(tx: &Tx<'_>, tenant: &TenantId, request: &str, token: &[u8]) -> Result<(), DbError> {
    let sql = "INSERT INTO eseal_stamp (tenant_id, request, token) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, &[&tenant.as_str(), &request, &token]).map(drop)
}

/// The time-stamp of a use.
pub(crate) fn stamp(tx: &Tx<'_>, tenant: &TenantId, request: &str) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT token FROM eseal_stamp WHERE tenant_id = $1 AND request = $2";
    tx.query_opt(sql, &[&tenant.as_str(), &request], |row| row.get(0))
}

/// What waits for the signature of a key held elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreparedRow {
    pub(crate) tenant: TenantId,
    pub(crate) request: String,
    pub(crate) ordered: [u8; 32],
    pub(crate) seal: SealId,
    pub(crate) version: u32,
    pub(crate) person: String,
    pub(crate) asked: Vec<u8>,
    pub(crate) at: Instant,
    pub(crate) until: Instant,
}

/// Keeps it, unless something is kept under this request id; what is over is forgotten.
pub(crate) fn keep_prepared(tx: &Tx<'_>, row: &PreparedRow, now: Instant) -> Result<(), DbError> {
    tx.execute("DELETE FROM eseal_prepared WHERE until < $1", &[&now.unix_millis()])?;
    tx.execute(
        "INSERT INTO eseal_prepared (tenant_id, request, ordered, seal_id, version, person, asked, at, until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        &[
            &row.tenant.as_str(),
            &row.request,
            &row.ordered,
            &&row.seal.as_bytes()[..],
            &row.version,
            &row.person,
            &row.asked,
            &row.at.unix_millis(),
            &row.until.unix_millis(),
        ],
    )
    .map(drop)
}

pub(crate) fn prepared(tx: &Tx<'_>, tenant: &TenantId, request: &str) -> Result<Option<PreparedRow>, DbError> {
    let found = tx.query_opt(
        "SELECT ordered, seal_id, version, person, asked, at, until FROM eseal_prepared \
         WHERE tenant_id = $1 AND request = $2",
        &[&tenant.as_str(), &request],
        |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, [u8; 16]>(1)?,
                row.get::<_, u32>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, Vec<u8>>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, i64>(6)?,
            ))
        },
    )?;
    let Some((ordered, seal, version, person, asked, at, until)) = found else { return Ok(None) };
    let bad = || damaged("eseal_prepared");
    Ok(Some(PreparedRow {
        tenant: tenant.clone(),
        request: request.to_owned(),
        ordered: ordered.try_into().map_err(|_| bad())?,
        seal: SealId::from_bytes(seal),
        version,
        person,
        asked,
        at: Instant::from_unix_millis(at).map_err(|_| bad())?,
        until: Instant::from_unix_millis(until).map_err(|_| bad())?,
    }))
}
