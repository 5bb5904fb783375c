//! What was stamped: found by number, time and digest. What is found is read from the log, whose payloads
//! the tokens are.

use ledger::audit::{Entry, StoredEntry};
use ledger::{AuditError, Db, Importance, Seq, Tx};
use pki_config::{Event, Serial};

use super::Tsa;
use crate::core::token::TstInfo;
use crate::error::Error;
use crate::store::{self, Query};

/// How many tokens go into the index by imprint in one commit.
const INDEXED_AT_ONCE: u32 = 4096;
/// Most tokens on one page.
const LARGEST_PAGE: u32 = 500;

/// A token, and where its log entry stands.
#[derive(Debug, Clone)]
pub struct Archived {
    /// The log entry.
    pub seq: Seq,
    /// Its number.
    pub serial: Serial,
    /// For which tenant it was made.
    pub tenant: String,
    /// The token: DER of a ContentInfo.
    pub token: Vec<u8>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// Newest first.
    pub tokens: Vec<Archived>,
    /// Ask again with this as [`Query::after`]; `None` on the last page.
    pub next: Option<Seq>,
}

impl Tsa {
    /// The token of this number.
    ///
    /// # Errors
    /// [`Error::UnknownToken`]; [`Error::Damaged`] if its log entry does not hold it.
    pub async fn token(&self, serial: &Serial) -> Result<Archived, Error> {
        let about = self.0.options.audit.find(&serial.to_string(), 10).await?;
        // Certificates have numbers too, and the log names both alike.
        let found = about.into_iter().find_map(|stored| archived(stored).transpose());
        found.unwrap_or(Err(Error::UnknownToken))
    }

    /// What was stamped, newest first: by digest, by time, a page at a time.
    ///
    /// # Errors
    /// The database cannot; [`Error::Damaged`].
    pub async fn find(&self, query: Query) -> Result<Page, Error> {
        let limit = query.limit.clamp(1, LARGEST_PAGE);
        if query.digest.is_some() {
            // What was stamped since the schedule's last turn.
            while self.index_imprints().await? == INDEXED_AT_ONCE as usize {}
        }
        // One more, to know whether there is a next page.
        let ask = Query { limit: limit + 1, ..query.clone() };
        let mut found = self.0.options.db.read(move |tx: &Tx<'_>| store::find(tx, &ask)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = if more { found.last().copied() } else { None };
        let mut tokens = Vec::with_capacity(found.len());
        for seq in found {
            let stored = self.0.options.audit.entry(seq).await?;
            let token = archived(stored)?.ok_or(Error::Damaged("the log entry of a time-stamp"))?;
            // The index knows the first octets only.
            let fits = match &query.digest {
                None => true,
                Some(digest) => {
                    let info = TstInfo::of_token(&token.token).map_err(|_| Error::Damaged("a time-stamp"))?;
                    info.imprint.digest() == digest
                }
            };
            if fits {
                tokens.push(token);
            }
        }
        Ok(Page { tokens, next })
    }
}

/// A log entry as a token; `None` if it is of something else.
pub(super) fn archived(stored: StoredEntry) -> Result<Option<Archived>, Error> {
    let entry = Entry::from_der(&stored.leaf).map_err(|_| Error::Damaged("a log entry"))?;
    if entry.event != Event::TimeStamped.as_str() || entry.outcome.starts_with("refused") {
        return Ok(None);
    }
    let serial = entry.object.parse().map_err(|_| Error::Damaged("the number of a time-stamp"))?;
    let token = stored.payload.ok_or(Error::Damaged("the payload of a time-stamp"))?;
    if engine::sm3::hash(&token) != entry.payload_digest {
        return Err(AuditError::Broken(format!("entry {}: its payload", stored.seq)).into());
    }
    Ok(Some(Archived { seq: stored.seq, serial, tenant: entry.tenant, token }))
}

pub(super) async fn index_imprints(db: &Db) -> Result<usize, Error> {
    Ok(db.write(Importance::Normal, |tx: &Tx<'_>| store::index_imprints(tx, INDEXED_AT_ONCE)).await?)
}
