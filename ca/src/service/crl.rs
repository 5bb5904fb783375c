//! Publishing CRLs: read, encode, sign, record, write the file.
//!
//! The list is encoded row by row into one buffer (about 40 bytes an entry), so a million entries need
//! tens of megabytes. The record (number, digest) is committed with the log entry; the file is written
//! after that. A crash in between leaves a record without its file: the file's digest then differs, and
//! the schedule publishes a new CRL with the next number. Numbers never repeat.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto_pool::pool::Record;
use crypto_pool::{SignRequest, ToSign};
use ledger::{Importance, Outcome, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::time::Validity;
use pki_config::{Actor, Event, Instant, IssuerId};

use super::Ca;
use crate::core::crl::{CrlHead, CrlWriter};
use crate::error::Error;
use crate::store::{self, CrlRecord};

/// A revocation waits at most this long for its CRL.
const NEWS: Duration = Duration::from_secs(30);

/// A CRL as served.
#[derive(Clone)]
pub(super) struct Published {
    record: CrlRecord,
    der: Arc<[u8]>,
}

impl Ca {
    /// Publishes a CRL now.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`], the pool's errors, [`Error::CrlFile`].
    pub async fn publish_crl(&self, auth: &Authorized, id: &IssuerId) -> Result<CrlRecord, Error> {
        Self::demand(auth, Permission::PublishCrl)?;
        self.publish(auth.actor(), id).await
    }

    async fn publish(&self, actor: &Actor, id: &IssuerId) -> Result<CrlRecord, Error> {
        let issuer = self.issuer(id)?;
        let options = &self.0.options;
        options.pool.ready(issuer.key).await?;
        let this_update = options.audit.ready()?.whole_second();
        // Both ends belong to the window, as they do to a certificate's validity.
        let window = Validity::starting(this_update, options.crl_lifetime);
        let next_update = window.not_after().min(issuer.not_after);
        let facts = issuer.facts.clone();

        let (reader, tenant, longest) = (id.clone(), actor.tenant().clone(), options.crl_lifetime);
        let (linted, mut record) = options
            .db
            .read(move |tx| -> Result<_, Error> {
                let previous = store::newest_crl(tx, &reader)?;
                let number = previous.as_ref().map_or(1, |crl| crl.number + 1);
                // An entry stays until one regular CRL after its certificate's end (RFC 5280 3.3).
                let alive_at = previous.as_ref().map_or(this_update, |crl| crl.this_update);
                let as_of = store::newest_change(tx, &reader)?;
                let most = usize::try_from(store::revoked_count(tx, &reader)?).unwrap_or(usize::MAX);
                let mut writer = CrlWriter::new(CrlHead { issuer: facts, this_update, next_update, number }, most);
                store::revoked_each(tx, &reader, alive_at, |revoked| -> Result<(), Error> {
                    let pushed = writer.push(&revoked.serial, &revoked.revocation);
                    pushed.map_err(|why| Error::Damaged(format!("the revocations of {reader}: {why};")))
                })?;
                let linted = writer.finish().lint(previous.map(|crl| crl.number), longest).map_err(Error::Lint)?;
                let entries = linted.entries();
                let record = CrlRecord {
                    issuer: reader,
                    tenant,
                    number,
                    entries,
                    this_update,
                    next_update,
                    as_of,
                    sm3: [0; 32],
                    size: 0,
                };
                Ok((linted, record))
            })
            .await?;

        let sign = SignRequest {
            key: issuer.key,
            to_sign: ToSign::Crl(linted.tbs().to_vec()),
            actor: actor.clone(),
            ceremony: None,
            importance: Importance::Essential,
        };
        let (record, der) = options
            .pool
            .sign(sign, move |tx: &Tx<'_>, signed| -> Result<_, Error> {
                let newest = store::newest_crl(tx, &record.issuer)?.map_or(0, |crl| crl.number);
                if newest + 1 != record.number {
                    return Err(Error::CrlRace(record.issuer));
                }
                let der = linted.finish_signed(signed)?;
                record.sm3 = engine::sm3::hash(&der);
                record.size = u64::try_from(der.len()).unwrap_or(u64::MAX);
                let covers = vec![record.put(tx, signed.seq)?];
                // The entry pins the CRL by its digest (in the covered row); a copy of a large CRL in the
                // log each day would be most of the log.
                let entry = Record {
                    event: Event::CrlPublished,
                    object: format!("{}/{}", record.issuer, record.number),
                    outcome: Outcome::Done,
                    payload: record.sm3.to_vec(),
                    covers,
                };
                Ok((entry, (record, der)))
            })
            .await?;
        let der: Arc<[u8]> = der.into();
        write_durably(&self.crl_path(id), &der)
            .map_err(|error| Error::CrlFile { issuer: id.clone(), detail: error.to_string() })?;
        let mut crls = self.0.crls.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        crls.insert(id.clone(), Published { record: record.clone(), der });
        Ok(record)
    }

    /// The newest CRL, checked against its record once and then served from memory.
    ///
    /// # Errors
    /// [`Error::NoCrl`] before the first; [`Error::CrlDiffers`] if the file is not the recorded one.
    pub async fn crl(&self, id: &IssuerId) -> Result<(CrlRecord, Arc<[u8]>), Error> {
        let known = {
            let crls = self.0.crls.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            crls.get(id).cloned()
        };
        if let Some(known) = known {
            return Ok((known.record, known.der));
        }
        self.issuer(id)?;
        let key = id.clone();
        let (record, path) = (self.newest(&key).await?, self.crl_path(id));
        let record = record.ok_or(Error::NoCrl(key))?;
        let der = fs::read(&path).map_err(|_| Error::CrlDiffers(id.clone()))?;
        if engine::sm3::hash(&der) != record.sm3 {
            return Err(Error::CrlDiffers(id.clone()));
        }
        let published = Published { record, der: der.into() };
        let mut crls = self.0.crls.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A newer one may have been published meanwhile.
        let kept = crls.entry(id.clone()).or_insert(published).clone();
        Ok((kept.record, kept.der))
    }

    /// The record of the newest CRL, without its bytes.
    ///
    /// # Errors
    /// The database.
    pub async fn newest(&self, id: &IssuerId) -> Result<Option<CrlRecord>, Error> {
        let key = id.clone();
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::newest_crl(tx, &key)?) }).await
    }

    /// Where an issuer's CRL file lies.
    #[must_use]
    pub fn crl_path(&self, id: &IssuerId) -> PathBuf {
        self.0.options.crl_dir.join(format!("{id}.crl"))
    }

    /// Publishes what the schedule wants: the first CRL, one that is getting old, one that does not tell
    /// of the newest revocation, one whose file is lost. Called every few seconds.
    ///
    /// One issuer's failure does not keep the others waiting; the first error is returned at the end.
    ///
    /// # Errors
    /// As [`Ca::publish_crl`].
    pub async fn publish_due_crls(&self, actor: &Actor) -> Result<Vec<CrlRecord>, Error> {
        let mut published = Vec::new();
        let mut failed = None;
        for issuer in self.issuers() {
            let outcome = match self.is_due(&issuer.id).await {
                Ok(true) => self.publish(actor, &issuer.id).await.map(Some),
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(record) => published.extend(record),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(published), Err)
    }

    async fn is_due(&self, id: &IssuerId) -> Result<bool, Error> {
        let key = id.clone();
        let (newest, change) = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> { Ok((store::newest_crl(tx, &key)?, store::newest_change(tx, &key)?)) })
            .await?;
        let Some(newest) = newest else { return Ok(true) };
        let now = self.0.options.clock.now();
        let age = now.since(newest.this_update);
        let stale = change > newest.as_of && age >= NEWS.min(self.0.options.crl_every);
        if stale || age >= self.0.options.crl_every || half_spent(&newest, now) {
            return Ok(true);
        }
        match self.crl(id).await {
            Ok(_) => Ok(false),
            Err(Error::CrlDiffers(_) | Error::NoCrl(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Whether half of a CRL's life is over: whoever fetched it last still has time to fetch the next.
fn half_spent(crl: &CrlRecord, now: Instant) -> bool {
    now.since(crl.this_update) >= crl.next_update.since(crl.this_update) / 2
}

/// Writes beside, syncs, renames, syncs the directory: a crash leaves the old file or the new one.
fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("crl.new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
