//! `key/list`: the house's keys, as their records say; and `issuer/crls`, the lists they sign.

use pki_config::role::Authorized;
use pki_config::{Instant, IssuerId};

use super::hex;
use crate::api::authority::{CrlLine, CrlLists, KeyInfo, KeyList};
use crate::api::{IssuerRef, Nothing};
use crate::app::App;
use crate::problem::Failure;

/// `key/list`.
pub async fn list(app: App, by: Authorized, _: Nothing) -> Result<KeyList, Failure> {
    let records = app.kms().list(by.actor().tenant()).await?;
    let issuers = app.ca().issuers();
    let told = |at: Option<Instant>| at.map(|at| at.to_string());
    let keys = records.iter().map(|record| KeyInfo {
        key: record.id.to_string(),
        purpose: record.purpose.as_str().to_owned(),
        algorithm: record.algorithm.to_string(),
        state: record.state.as_str().to_owned(),
        created: record.created.to_string(),
        not_before: told(record.not_before),
        not_after: told(record.not_after),
        issuer: issuers.iter().find(|issuer| issuer.key == record.id).map(|issuer| issuer.id.to_string()),
        sm3: hex(&engine::sm3::hash(&record.spki)),
    });
    Ok(KeyList { keys: keys.collect() })
}

/// `issuer/crls`.
pub async fn crls(app: App, _: Authorized, ask: IssuerRef) -> Result<CrlLists, Failure> {
    let id: IssuerId = ask.issuer.parse()?;
    let now = app.clock().now();
    let lists = app.ca().lists(&id).await?.into_iter().map(|record| CrlLine {
        kind: if record.base.is_some() { "delta" } else { "full" }.to_owned(),
        shard: record.list.number(),
        number: record.number,
        base: record.base,
        entries: record.entries,
        this_update: record.this_update.to_string(),
        next_update: record.next_update.to_string(),
        overdue: record.next_update <= now,
        size: record.size,
        sm3: hex(&record.sm3),
        path: format!("/crl/{}", record.list.file_name(&id)),
    });
    Ok(CrlLists { lists: lists.collect() })
}
