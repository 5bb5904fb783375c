//! Which lists an issuer has, what of them is due, and the newest as it is served.
//!
//! A revocation is told by the list whose address stands in its certificate: within half a minute by that list's
//! delta, if it has one, else by the list itself. Whatever else tells of it follows when its own time comes.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ledger::Tx;
use pki_config::config::CrlConfig;
use pki_config::{Actor, Instant, IssuerId, Serial};

use super::{Ca, CaOptions};
use crate::core::crl::List;
use crate::error::Error;
use crate::store::{self, CrlRecord};

/// A revocation waits at most this long for the list that tells of it.
const NEWS: Duration = Duration::from_secs(30);

/// A list as served.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) record: CrlRecord,
    pub(super) der: Arc<[u8]>,
}

impl CaOptions {
    /// How an issuer's lists are made.
    pub(super) fn lists_of(&self, id: &IssuerId) -> CrlConfig {
        self.lists.get(id.as_str()).cloned().unwrap_or_default()
    }
}

impl Ca {
    /// The newest whole CRL, checked against its record once and then served from memory.
    ///
    /// # Errors
    /// [`Error::NoCrl`] before the first; [`Error::CrlDiffers`] if the file is not the recorded one.
    pub async fn crl(&self, id: &IssuerId) -> Result<(CrlRecord, Arc<[u8]>), Error> {
        self.list_file(id, List::WHOLE).await
    }

    /// The newest of one of an issuer's lists.
    ///
    /// # Errors
    /// As [`Ca::crl`].
    pub async fn list_file(&self, id: &IssuerId, list: List) -> Result<(CrlRecord, Arc<[u8]>), Error> {
        // Once deltas are turned off, the last one only grows old.
        if list.is_delta() && !self.has_deltas(id) {
            return Err(Error::NoCrl(id.clone()));
        }
        let key = (id.clone(), list);
        let known = self.0.crls.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok((known.record, known.der));
        }
        self.issuer(id)?;
        let record = self.newest_of(id, list).await?.ok_or_else(|| Error::NoCrl(id.clone()))?;
        let der = fs::read(self.list_path(id, list)).map_err(|_| Error::CrlDiffers(id.clone()))?;
        if engine::sm3::hash(&der) != record.sm3 {
            return Err(Error::CrlDiffers(id.clone()));
        }
        let mut crls = self.0.crls.write().unwrap_or_else(PoisonError::into_inner);
        // A newer one may have been published meanwhile.
        let kept = crls.entry(key).or_insert(Published { record, der: der.into() }).clone();
        Ok((kept.record, kept.der))
    }

    /// The record of the newest whole CRL, without its bytes.
    ///
    /// # Errors
    /// The database.
    pub async fn newest(&self, id: &IssuerId) -> Result<Option<CrlRecord>, Error> {
        self.newest_of(id, List::WHOLE).await
    }

    async fn newest_of(&self, id: &IssuerId, list: List) -> Result<Option<CrlRecord>, Error> {
        let key = id.clone();
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::newest_crl(tx, &key, list)?) }).await
    }

    /// The newest of every list of an issuer: the whole one, its delta, then the shares. What was never published is
    /// left out.
    ///
    /// # Errors
    /// The database.
    pub async fn lists(&self, id: &IssuerId) -> Result<Vec<CrlRecord>, Error> {
        let (key, deltas) = (id.clone(), self.has_deltas(id));
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let mut newest = Vec::new();
                for full in fulls(store::published_shards(tx, &key)?) {
                    newest.extend(store::newest_crl(tx, &key, full)?);
                    if deltas {
                        newest.extend(store::newest_crl(tx, &key, full.delta())?);
                    }
                }
                Ok(newest)
            })
            .await
    }

    /// The newest number of any list of an issuer; 0 before the first.
    ///
    /// # Errors
    /// The database.
    pub async fn newest_number(&self, id: &IssuerId) -> Result<u64, Error> {
        let key = id.clone();
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::newest_number(tx, &key)?) }).await
    }

    /// Where the file of an issuer's whole CRL lies.
    #[must_use]
    pub fn crl_path(&self, id: &IssuerId) -> PathBuf {
        self.list_path(id, List::WHOLE)
    }

    /// Where the file of one of its lists lies.
    #[must_use]
    pub fn list_path(&self, id: &IssuerId, list: List) -> PathBuf {
        self.0.options.crl_dir.join(list.file_name(id))
    }

    /// Whether an issuer's full lists have deltas.
    fn has_deltas(&self, id: &IssuerId) -> bool {
        self.0.options.lists_of(id).delta_lifetime.0 > 0
    }

    /// How many shares an issuer's list has: those that are configured, and those that ever were, for their addresses
    /// stand in certificates.
    pub(super) async fn shards(&self, id: &IssuerId) -> Result<u16, Error> {
        let configured = self.0.options.lists_of(id).shards;
        let key = id.clone();
        let read = self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::published_shards(tx, &key)?) });
        Ok(read.await?.max(configured))
    }

    /// The list whose address a new certificate names: one of the configured shares, by its random serial, as soon as
    /// all of them are published; until then the whole one.
    pub(super) fn list_for(&self, id: &IssuerId, serial: &Serial) -> List {
        let configured = self.0.options.lists_of(id).shards;
        let ready = self.0.ready_shards.read().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or(0);
        if configured == 0 || ready < configured {
            return List::WHOLE;
        }
        let end = serial.as_bytes().iter().rev().take(8);
        let random = end.fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        let number = u16::try_from(random % u64::from(configured)).unwrap_or(0) + 1;
        List::shard(number).unwrap_or(List::WHOLE)
    }

    /// Serves this from now on.
    pub(super) fn keep(&self, published: Published) {
        let (id, list) = (published.record.issuer.clone(), published.record.list);
        if !list.is_delta() {
            self.know_shards(&id, list.number());
        }
        self.0.crls.write().unwrap_or_else(PoisonError::into_inner).insert((id, list), published);
    }

    /// Remembers that the shares up to this one are published.
    pub(super) fn know_shards(&self, id: &IssuerId, number: u16) {
        let mut ready = self.0.ready_shards.write().unwrap_or_else(PoisonError::into_inner);
        let most = ready.entry(id.clone()).or_default();
        *most = number.max(*most);
    }

    pub(super) fn turn(&self, id: &IssuerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(id.clone()).or_default())
    }

    /// Publishes what the schedule wants: the first of each list, one that is getting old, one that does not tell
    /// of the newest revocation, one whose file is lost. Called every few seconds.
    ///
    /// One issuer's failure does not keep the others waiting; the first error is returned at the end.
    ///
    /// # Errors
    /// As [`Ca::publish_crl`].
    pub async fn publish_due_crls(&self, actor: &Actor) -> Result<Vec<CrlRecord>, Error> {
        let mut published = Vec::new();
        let mut failed = None;
        // What signs in ceremonies only is listed in ceremonies only.
        let scheduled = |issuer: &Arc<super::Issuer>| !matches!(issuer.state, store::IssuerState::Offline { .. });
        for offline in self.issuers().into_iter().filter(|issuer| !scheduled(issuer)) {
            if let Err(error) = self.mend_list(&offline.id).await {
                failed = failed.or(Some(error));
            }
        }
        for issuer in self.issuers().into_iter().filter(scheduled) {
            let lists = match self.shards(&issuer.id).await {
                Ok(most) => fulls(most),
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            let deltas = self.has_deltas(&issuer.id);
            // A full list before its delta, which adds to it.
            for list in lists.flat_map(|full| [Some(full), deltas.then(|| full.delta())]).flatten() {
                let outcome = match self.is_due(&issuer.id, list, deltas).await {
                    Ok(true) => self.publish(actor, &issuer.id, list).await.map(Some),
                    Ok(false) => Ok(None),
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(record) => published.extend(record),
                    Err(error) => {
                        // The shares after this one wait: one counts as published only with all before it.
                        failed = failed.or(Some(error));
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(published), Err)
    }

    async fn is_due(&self, id: &IssuerId, list: List, deltas: bool) -> Result<bool, Error> {
        let key = id.clone();
        let (newest, full, change) = self
            .0
            .options
            .db
            .read(move |tx: &Tx<'_>| -> Result<_, Error> {
                let full = store::newest_crl(tx, &key, list.full())?;
                let newest = if list.is_delta() { store::newest_crl(tx, &key, list)? } else { full.clone() };
                Ok((newest, full, store::newest_change_named(tx, &key, list.number())?))
            })
            .await?;
        let Some(newest) = newest else { return Ok(true) };
        let now = self.0.options.clock.now();
        let age = now.since(newest.this_update);
        let every = self.0.options.crl_every;
        let tells_news = list.is_delta() || !deltas;
        let stale = tells_news && change > newest.as_of && age >= NEWS.min(every);
        // A delta to a list that is no longer the newest is of no use to whoever fetches both.
        let outlived = list.is_delta() && newest.base != full.map(|full| full.number);
        let old = !list.is_delta() && age >= every;
        if stale || outlived || old || half_spent(&newest, now) {
            return Ok(true);
        }
        match self.list_file(id, list).await {
            Ok(_) => Ok(false),
            Err(Error::CrlDiffers(_) | Error::NoCrl(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// The full lists of an issuer whose list has this many shares, in the order they are published: a share counts as
/// published when all before it are.
fn fulls(shards: u16) -> impl Iterator<Item = List> {
    (0..=shards).filter_map(List::shard)
}

/// Whether half of a CRL's life is over: whoever fetched it last still has time to fetch the next.
fn half_spent(crl: &CrlRecord, now: Instant) -> bool {
    now.since(crl.this_update) >= crl.next_update.since(crl.this_update) / 2
}
