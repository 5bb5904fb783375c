//! All SQL of the certificate authority. Nobody else reads or writes these tables.
//!
//! Functions take the open transaction, so that the caller decides what is durable together.
//! Rows the log answers for are written through [`ledger::Tx::put`] only. Issuers are here,
//! `store/request.rs` has requests, `store/queue.rs` the queues they wait in, `store/evidence.rs` what shows their
//! names to be right, `store/branch.rs` branches and batches, `store/certificate.rs` certificates and their status,
//! `store/search.rs` finds those,
//! `store/crl.rs` published CRLs and what goes into them,
//! `store/authority.rs` what becomes of issuers, `store/ceremony.rs` the ceremonies in which that is decided,
//! `store/profile.rs` versions of profiles that officers proposed, `store/blocked.rs` keys that are never certified again.

mod authority;
mod blocked;
mod branch;
mod ceremony;
mod certificate;
mod crl;
mod ending;
mod evidence;
mod expiring;
mod pair;

mod profile;
mod queue;
mod request;
mod search;

use ledger::db::Value;
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, IssuerId, KeyId, Serial, TenantId};

pub use authority::{CrossRow, Direction, IssuerState};
pub(crate) use authority::{crosses, issuer_state, issuer_states};
pub(crate) use blocked::{block, blocked};
pub use branch::BatchRow;
pub(crate) use branch::{BranchRow, MOST_BRANCHES, batch, batches, branches, members, put_member, scope};
pub(crate) use ceremony::{AskedRow, AskedState, asked, ceremonies, ceremonies_of, ceremony, running_ceremonies};
pub use ceremony::{CeremonyKind, CeremonyRow, CeremonyState};
pub(crate) use certificate::{
    CertificateRow, CertificateState, alive_of, certificate, certificate_of_request, certificates, intents,
    key_of_others, serial_near, signed_after,
};
pub use crl::CrlRecord;
pub(crate) use crl::{Extract, newest_change, newest_change_named, newest_crl, newest_number, published_shards};
pub use ending::Ending;
pub(crate) use ending::ending;
pub use evidence::{EvidenceRow, FileRef};
pub(crate) use evidence::{evidence, evidence_of, file, keep_file};
pub(crate) use expiring::expiring;
pub(crate) use pair::{PairRow, pair_of};
pub use profile::{ProfileRow, ProfileState};
pub(crate) use profile::{approved_profiles, open_profiles, profile_version, profile_versions};
pub use queue::{Queue, QueuePlace, QueueQuery, Scope};
pub(crate) use queue::{queue, queue_lengths, waiting_in};
pub use request::{Pickup, RequestKind, RequestRow, RequestState};
pub(crate) use request::{request, request_by_pickup, requests_of_batch};
pub use search::{Common, Digits, ListedStatus, Order, Query};
pub(crate) use search::{Found, list, unrevoked, unrevoked_count};

/// The migration steps, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_init.sql"),
    include_str!("../migrations/sqlite/0002_authorities.sql"),
    include_str!("../migrations/sqlite/0003_pairs.sql"),
];

/// Issuers.
pub(crate) static ISSUER: Table = Table {
    name: "ca_issuer",
    key: 1,
    columns: &["issuer_id", "tenant_id", "parent", "key_id", "certificate", "public_url", "created_at"],
    pending: None,
};

/// The tables of this crate that the audit log covers.
pub static COVERED: &[&Table] = &[
    &ISSUER,
    &request::REQUEST,
    &evidence::EVIDENCE,
    &branch::BRANCH,
    &branch::BRANCH_OFFICER,
    &branch::BATCH,
    &certificate::CERTIFICATE,
    &crl::CRL,
    &blocked::BLOCKED_KEY,
    &profile::PROFILE,
    &authority::ISSUER_STATE,
    &authority::CROSS,
    &ceremony::CEREMONY,
    &ceremony::CEREMONY_KEY,
    &pair::PAIR,
];

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

fn serial_of(magnitude: &[u8]) -> Option<Serial> {
    let mut content = Vec::with_capacity(magnitude.len() + 1);
    content.push(0);
    content.extend_from_slice(magnitude);
    Serial::from_der_content(&content).ok()
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
