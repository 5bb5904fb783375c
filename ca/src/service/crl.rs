//! Publishing CRLs: read, encode, sign, record, write the file.
//!
//! A list is encoded row by row into one buffer (about 40 bytes an entry), so a million entries need
//! tens of megabytes. The record (number, digest) is committed with the log entry; the file is written
//! after that. A crash in between leaves a record without its file: the file's digest then differs, and
//! the schedule (`service/lists.rs`) publishes a new one with the next number. Numbers never repeat.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crypto_pool::pool::Record;
use crypto_pool::{SignRequest, ToSign};
use ledger::{Importance, Outcome, Tx};
use pki_config::role::{Authorized, Permission};
use pki_config::time::Validity;
use pki_config::{Actor, Event, Instant, IssuerId, TenantId};

use super::lists::Published;
use super::{Ca, Issuer};
use crate::core::crl::{CrlHead, CrlWriter, LintedCrl, List};
use crate::error::Error;
use crate::store::{self, CrlRecord, Extract, IssuerState};

/// What a list is to be, before anything was read.
struct Plan {
    issuer: Arc<Issuer>,
    list: List,
    tenant: TenantId,
    this_update: Instant,
    next_update: Instant,
    longest: Duration,
    /// Whether another issuer here has the same name, with another key.
    shared_name: bool,
    /// Whether a full list names a delta.
    deltas: bool,
}

impl Ca {
    /// Publishes an issuer's full lists now: the shares first, the whole one last. Gives the record of that one.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`], the pool's errors, [`Error::CrlFile`].
    pub async fn publish_crl(&self, auth: &Authorized, id: &IssuerId) -> Result<CrlRecord, Error> {
        Self::demand(auth, Permission::PublishCrl)?;
        let issuer = self.issuer(id)?;
        if let IssuerState::Offline { .. } = issuer.state {
            return Err(Error::IssuerAtRest { issuer: id.clone(), state: issuer.state.as_str() });
        }
        for number in 1..=self.shards(id).await? {
            if let Some(shard) = List::shard(number) {
                self.publish(auth.actor(), id, shard).await?;
            }
        }
        self.publish(auth.actor(), id, List::WHOLE).await
    }

    pub(super) async fn publish(&self, actor: &Actor, id: &IssuerId, list: List) -> Result<CrlRecord, Error> {
        self.publish_for(actor, id, list, None).await
    }

    /// The same, with a time to the next one that a ceremony's plan names.
    pub(super) async fn publish_for(
        &self,
        actor: &Actor,
        id: &IssuerId,
        list: List,
        lifetime: Option<Duration>,
    ) -> Result<CrlRecord, Error> {
        let issuer = self.issuer(id)?;
        let options = &self.0.options;
        options.pool.ready(issuer.key).await?;
        // One at a time for each issuer: its lists share one sequence of numbers.
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let this_update = options.audit.ready()?.whole_second();
        let config = options.lists_of(id);
        let usual = if list.is_delta() { config.delta_lifetime.duration() } else { options.crl_lifetime };
        let longest = lifetime.unwrap_or(usual);
        // Both ends belong to the window, as they do to a certificate's validity.
        let window = Validity::starting(this_update, longest);
        let plan = Plan {
            next_update: window.not_after().min(issuer.not_after),
            issuer,
            list,
            tenant: actor.tenant().clone(),
            this_update,
            longest,
            shared_name: self.shares_name(id),
            deltas: config.delta_lifetime.0 > 0,
        };
        let key = plan.issuer.key;
        let (linted, record) = options.db.read(move |tx| plan.draft(tx)).await?;

        let sign = SignRequest {
            key,
            to_sign: ToSign::Crl(linted.tbs().to_vec()),
            actor: actor.clone(),
            ceremony: None,
            importance: Importance::Essential,
        };
        let (record, der) =
            options.pool.sign(sign, move |tx: &Tx<'_>, signed| finish(tx, signed, linted, record)).await?;
        let der: Arc<[u8]> = der.into();
        write_durably(&self.list_path(id, list), &der)
            .map_err(|error| Error::CrlFile { issuer: id.clone(), detail: error.to_string() })?;
        self.keep(Published { record: record.clone(), der });
        Ok(record)
    }
}

impl Plan {
    /// Reads what the list must tell, writes it and holds it against the rules.
    fn draft(self, tx: &Tx<'_>) -> Result<(LintedCrl, CrlRecord), Error> {
        let (id, list) = (&self.issuer.id, self.list);
        let previous = store::newest_number(tx, id)?;
        let full = store::newest_crl(tx, id, list.full())?;
        // A delta adds to the newest full list, which the schedule publishes first.
        let base = match (&full, list.is_delta()) {
            (Some(full), true) => Some(full.number),
            (None, true) => return Err(Error::NoCrl(id.clone())),
            (_, false) => None,
        };
        let extract = Extract {
            issuer: id,
            list,
            // An entry stays until one regular CRL after its certificate's end (RFC 5280 3.3).
            alive_at: full.as_ref().map_or(self.this_update, |full| full.this_update),
            since: full.as_ref().map_or(-1, |full| full.as_of),
        };
        let as_of = store::newest_change(tx, id, list)?;
        let count = extract.count(tx)?;
        let head = CrlHead {
            issuer: self.issuer.facts.clone(),
            this_update: self.this_update,
            next_update: self.next_update,
            number: previous + 1,
            base,
            // A list says which certificates it is for where its issuer's name alone does not tell: those of one share, or
            // of one of several keys. Else the list of a new key could pass for one of the old (RFC 5280 6.3.3 (b)).
            point: (list.number() > 0 || self.shared_name).then(|| self.issuer.list_url(list.full())).transpose()?,
            freshest: (self.deltas && !list.is_delta()).then(|| self.issuer.list_url(list.delta())).transpose()?,
        };
        let mut writer = CrlWriter::new(head, usize::try_from(count).unwrap_or(usize::MAX));
        extract.each(tx, |row| -> Result<(), Error> {
            let pushed = writer.push(&row.serial, &row.listed);
            pushed.map_err(|why| Error::Damaged(format!("the revocations of {id}: {why};")))
        })?;
        let linted = writer.finish().lint(Some(previous), count, self.longest).map_err(Error::Lint)?;
        let record = CrlRecord {
            issuer: id.clone(),
            list,
            tenant: self.tenant,
            number: previous + 1,
            base,
            entries: linted.entries(),
            this_update: self.this_update,
            next_update: self.next_update,
            as_of,
            sm3: [0; 32],
            size: 0,
        };
        Ok((linted, record))
    }
}

/// In the transaction of the signature: the number is still free, the record and its entry.
fn finish(
    tx: &Tx<'_>,
    signed: &crypto_pool::Signed,
    linted: LintedCrl,
    mut record: CrlRecord,
) -> Result<(Record, (CrlRecord, Vec<u8>)), Error> {
    if store::newest_number(tx, &record.issuer)? + 1 != record.number {
        return Err(Error::CrlRace(record.issuer));
    }
    let der = linted.finish_signed(signed)?;
    record.sm3 = engine::sm3::hash(&der);
    record.size = u64::try_from(der.len()).unwrap_or(u64::MAX);
    let covers = vec![record.put(tx, signed.seq)?];
    // The entry pins the CRL by its digest (in the covered row); a copy of a large CRL in the log each day would be
    // most of the log.
    let entry = Record {
        event: Event::CrlPublished,
        object: format!("{}/{}", record.issuer, record.number),
        outcome: Outcome::Done,
        payload: record.sm3.to_vec(),
        covers,
    };
    Ok((entry, (record, der)))
}

/// Writes beside, syncs, renames, syncs the directory: a crash leaves the old file or the new one.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
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
