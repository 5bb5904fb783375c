//! Who makes seals.

use ledger::{Cover, DbError, Seq, Table, Tx, Value};
use pki_config::{Instant, KeyId, TenantId};

use super::{KeptKey, chain, damaged};

pub(crate) static MAKER: Table = Table {
    name: "eseal_maker",
    key: 1,
    columns: &["key_id", "purpose", "tenant_id", "chain", "since"],
    pending: None,
};

/// What a key of the house itself is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Office {
    /// It makes seals.
    Maker,
    /// It signs reports.
    Reporter,
}

impl Office {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Reporter => "reporter",
        }
    }
}

pub(crate) fn put(tx: &Tx<'_>, office: Office, kept: &KeptKey, since: Instant, seq: Seq) -> Result<Cover, DbError> {
    let values = [
        Value::Blob(kept.key.as_bytes().to_vec()),
        Value::Text(office.as_str().to_owned()),
        Value::Text(TenantId::house().to_string()),
        Value::Blob(kept.chain.concat()),
        Value::Integer(since.unix_millis()),
    ];
    tx.put(&MAKER, &values, seq)
}

/// All there ever were in this office, the newest first. There is one every few years.
pub(crate) fn all(tx: &Tx<'_>, office: Office) -> Result<Vec<KeptKey>, DbError> {
    let rows = tx.query_all(
        "SELECT key_id, chain FROM eseal_maker WHERE purpose = $1 ORDER BY audit_seq DESC LIMIT 1000",
        &[&office.as_str()],
        |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?)),
    )?;
    rows.into_iter()
        .map(|(key, certificates)| {
            let chain = chain(&certificates).filter(|chain| !chain.is_empty()).ok_or_else(|| damaged("eseal_maker"))?;
            Ok(KeptKey { key: KeyId::from_bytes(key), chain })
        })
        .collect()
}
