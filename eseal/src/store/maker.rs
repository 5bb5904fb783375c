//! Who makes seals.

use ledger::{Cover, DbError, Seq, Table, Tx, Value};
use pki_config::{Instant, KeyId, TenantId};

use super::{KeptKey, chain, damaged};

pub(crate) static MAKER: Table =
    Table { name: "eseal_maker", key: 1, columns: &["key_id", "tenant_id", "chain", "since"], pending: None };

pub(crate) fn put(tx: &Tx<'_>, maker: &KeptKey, since: Instant, seq: Seq) -> Result<Cover, DbError> {
    let values = [
        Value::Blob(maker.key.as_bytes().to_vec()),
        Value::Text(TenantId::house().to_string()),
        Value::Blob(maker.chain.concat()),
        Value::Integer(since.unix_millis()),
    ];
    tx.put(&MAKER, &values, seq)
}

/// Every maker there ever was, the newest first. There is one every few years.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<KeptKey>, DbError> {
    let rows =
        tx.query_all("SELECT key_id, chain FROM eseal_maker ORDER BY audit_seq DESC LIMIT 1000", &[], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
    rows.into_iter()
        .map(|(key, certificates)| {
            let chain = chain(&certificates).filter(|chain| !chain.is_empty()).ok_or_else(|| damaged("eseal_maker"))?;
            Ok(KeptKey { key: KeyId::from_bytes(key), chain })
        })
        .collect()
}
