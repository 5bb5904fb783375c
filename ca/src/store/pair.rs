//! Which two requests, and so which two certificates, are one pair.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{CentreKeyId, RequestId, TenantId};

use super::{text, unreadable};

/// Pairs. A row comes with its two certificates and never changes.
pub(super) static PAIR: Table = Table {
    name: "ca_pair",
    key: 1,
    columns: &["request_id", "tenant_id", "encryption_request", "centre_key"],
    pending: None,
};

/// A pair of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairRow {
    /// The holder's request: of the signing certificate.
    pub sign: RequestId,
    pub tenant: TenantId,
    /// The request of the encryption certificate.
    pub encryption: RequestId,
    /// What the key centre calls its key.
    pub key: CentreKeyId,
}

impl PairRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.sign.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            Value::Blob(self.encryption.as_bytes().to_vec()),
            Value::Blob(self.key.as_bytes().to_vec()),
        ];
        tx.put(&PAIR, &values, seq)
    }
}

fn read_pair(row: &Row<'_>) -> RowResult<Option<PairRow>> {
    let tenant: String = row.get(1)?;
    let Ok(tenant) = tenant.parse() else { return Ok(None) };
    Ok(Some(PairRow {
        sign: RequestId::from_bytes(row.get(0)?),
        tenant,
        encryption: RequestId::from_bytes(row.get(2)?),
        key: CentreKeyId::from_bytes(row.get(3)?),
    }))
}

/// The pair that a request's certificate is half of.
pub(crate) fn pair_of(tx: &Tx<'_>, tenant: &TenantId, request: RequestId) -> Result<Option<PairRow>, DbError> {
    let found = tx.query_opt(
        "SELECT request_id, tenant_id, encryption_request, centre_key FROM ca_pair \
         WHERE (request_id = $1 OR encryption_request = $1) AND tenant_id = $2",
        &[request.as_bytes(), &tenant.as_str()],
        read_pair,
    )?;
    found.map(|row| row.ok_or_else(|| unreadable("ca_pair", "a row"))).transpose()
}
