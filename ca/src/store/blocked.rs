//! Keys that are never certified again: known to be in wrong hands.

use ledger::db::Value;
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::Instant;

use super::{CertificateRow, read_time, text, time, unreadable};

/// Blocked keys.
pub(super) static BLOCKED_KEY: Table = Table {
    name: "ca_blocked_key",
    key: 1,
    columns: &["spki_sm3", "tenant_id", "since", "issuer_id", "serial"],
    pending: None,
};

/// SM3 of a key's DER SubjectPublicKeyInfo.
fn digest(spki: &[u8]) -> [u8; 32] {
    engine::sm3::hash(spki)
}

/// Blocks the key of a certificate, for every tenant.
pub(crate) fn block(
    tx: &Tx<'_>,
    spki: &[u8],
    certificate: &CertificateRow,
    since: Instant,
    seq: Seq,
) -> Result<Cover, DbError> {
    let values = [
        Value::Blob(digest(spki).to_vec()),
        text(certificate.tenant.as_str()),
        time(since),
        text(certificate.issuer.as_str()),
        Value::Blob(certificate.serial.as_bytes().to_vec()),
    ];
    tx.put(&BLOCKED_KEY, &values, seq)
}

/// Since when a key is blocked.
pub(crate) fn blocked(tx: &Tx<'_>, spki: &[u8]) -> Result<Option<Instant>, DbError> {
    let since = tx.query_opt("SELECT since FROM ca_blocked_key WHERE spki_sm3 = $1", &[&digest(spki)], |row| {
        row.get::<_, i64>(0)
    })?;
    since.map(|since| read_time(since).ok_or_else(|| unreadable("ca_blocked_key", "a row"))).transpose()
}
