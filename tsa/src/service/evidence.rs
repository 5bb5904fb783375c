//! Evidence of archived tokens: stamped together, and again, before certificates and algorithms end.
//!
//! The schedule asks for it; nothing waits for it. A crash between a time-stamp and its row leaves a time-stamp
//! too many, and the batch is stamped again.

use pki_config::{Actor, Instant, Serial};

use super::{Family, Tsa};
use crate::core::evidence::{BadRecord, EvidenceRecord};
use crate::core::moment::Moment;
use crate::core::opened::OpenedToken;
use crate::core::renewal::{self, Generation, Plan};
use crate::core::request::{Draft, Hash, StampRequest};
use crate::error::Error;
use crate::store::{self, EvidenceRow};

/// Most tokens in a batch: whoever asks for one record has all of these read.
const BATCH: u32 = 4096;
/// Most time-stamps in one turn of the schedule, so that a turn ends.
const TURN: usize = 64;

/// An archived token and its evidence.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The token: DER of a ContentInfo.
    pub token: Vec<u8>,
    /// The record about it.
    pub record: EvidenceRecord,
    /// When the certificate of the newest time-stamp in it ends.
    pub ends: Instant,
}

impl Tsa {
    /// Stamps archived tokens whose certificates or algorithms end soon, and their evidence before it ends
    /// itself. How many time-stamps that took; the next turn goes on.
    ///
    /// # Errors
    /// [`Error::Rejected`] while the clock is unsure, or if no policy takes the hash; the database, the log, the
    /// pool; [`Error::Damaged`] if what is archived does not read back.
    pub async fn renew_evidence(&self) -> Result<usize, Error> {
        let now = self.0.options.clock.now();
        let mut made = 0;
        if let Some(limit) = self.evidence_limit(now) {
            while made < TURN {
                let limit = Moment::from(limit);
                let tokens = self.0.options.db.read(move |tx| store::without_evidence(tx, limit, BATCH)).await?;
                let (Some(first), Some(last)) = (tokens.first().copied(), tokens.last().copied()) else { break };
                self.stamp_batch(first, last, &[], self.plan().hash()).await?;
                made += 1;
            }
        }
        for newest in self.0.options.db.read(store::newest_evidence).await? {
            if made >= TURN {
                break;
            }
            let hash = Hash::from_word(&newest.hash).ok_or(Error::Damaged("the hash of an evidence record"))?;
            let next = if self.plan().ends(hash, now) { self.plan().hash() } else { hash };
            // A time-stamp that ends no later than the one before would change nothing.
            let lasts = self.signing_unit(Family::for_hash(next), Moment::from(now))?;
            let lasts = lasts.signer().certificate().not_after();
            if next != hash || (self.plan().is_due(newest.ends, now) && lasts > newest.ends) {
                let (first, last) = (newest.first, newest.last);
                let rows = self.0.options.db.read(move |tx| store::evidence_of(tx, first)).await?;
                self.stamp_batch(first, last, &rows, next).await?;
                made += 1;
            }
        }
        if made > 0 {
            tracing::info!(made, "archived time-stamps were stamped again");
        }
        Ok(made)
    }

    /// An archived token with its evidence; `None` while its own certificate and algorithms last.
    ///
    /// # Errors
    /// [`Error::UnknownToken`]; [`Error::Damaged`] if what is archived does not fit its evidence.
    pub async fn evidence(&self, serial: &Serial) -> Result<Option<Evidence>, Error> {
        let archived = self.token(serial).await?;
        let seq = archived.seq;
        let rows = self.0.options.db.read(move |tx| store::evidence_of(tx, seq)).await?;
        let Some(newest) = rows.last().cloned() else { return Ok(None) };
        let (seqs, tokens) = self.batch(newest.first, newest.last).await?;
        let place = seqs.binary_search(&seq).map_err(|_| Error::Damaged("a batch of evidence"))?;
        let generations = self.generations(&rows).await?;
        let record = blocking(move || renewal::records(&tokens, &generations, Some(place))).await?.pop();
        let record = record.ok_or(Error::Damaged("a batch of evidence"))?;
        Ok(Some(Evidence { token: archived.token, record, ends: newest.ends }))
    }

    fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Tokens made before this are to have evidence: those of units that no longer sign and whose certificates
    /// end soon, and those under a hash that ends.
    fn evidence_limit(&self, now: Instant) -> Option<Instant> {
        let ended = self.units().into_iter().filter(|unit| {
            unit.signs_until() <= now && self.plan().is_due(unit.signer().certificate().not_after(), now)
        });
        ended.map(|unit| unit.signs_until()).chain(self.plan().limit(now)).max()
    }

    /// Makes the next time-stamp over a batch and records it.
    async fn stamp_batch(&self, first: u64, last: u64, rows: &[EvidenceRow], hash: Hash) -> Result<(), Error> {
        let (_, tokens) = self.batch(first, last).await?;
        let generations = self.generations(rows).await?;
        let tree = generations.last().is_none_or(|newest| newest.token.info.hash != Some(hash));
        let digest = blocking(move || renewal::next(&tokens, &generations, hash)).await?;
        let der = Draft { hash, digest: &digest, policy: None, nonce: None, cert_req: true }.to_der();
        let stamped = self.stamp(&Actor::system(), &StampRequest::parse(&der)?, None).await?;
        let opened = OpenedToken::from_der(&stamped.token).map_err(|_| Error::Damaged("a new time-stamp"))?;
        let signer = opened.signer_certificate(&[]).ok_or(Error::Damaged("a new time-stamp"))?;
        let row = EvidenceRow {
            first,
            last,
            generation: rows.last().map_or(0, |newest| newest.generation.saturating_add(1)),
            hash: hash.as_str().to_owned(),
            tree,
            stamp: stamped.seq,
            ends: signer.not_after(),
        };
        let insert = move |tx: &ledger::Tx<'_>| store::insert_evidence(tx, &row);
        Ok(self.0.options.db.write(ledger::Importance::Normal, insert).await?)
    }

    /// The tokens of a batch and where they stand in the log.
    async fn batch(&self, first: u64, last: u64) -> Result<(Vec<u64>, Vec<Vec<u8>>), Error> {
        let seqs = self.0.options.db.read(move |tx| store::tokens_between(tx, first, last)).await?;
        let mut tokens = Vec::with_capacity(seqs.len());
        for seq in &seqs {
            tokens.push(self.token_at(*seq).await?);
        }
        Ok((seqs, tokens))
    }

    async fn generations(&self, rows: &[EvidenceRow]) -> Result<Vec<Generation>, Error> {
        let mut generations = Vec::with_capacity(rows.len());
        for row in rows {
            let token = OpenedToken::from_der(&self.token_at(row.stamp).await?);
            let token = token.map_err(|_| Error::Damaged("the time-stamp of a batch"))?;
            generations.push(Generation { tree: row.tree, token });
        }
        Ok(generations)
    }

    async fn token_at(&self, seq: u64) -> Result<Vec<u8>, Error> {
        let stored = self.0.options.audit.entry(seq).await?;
        Ok(super::archive::archived(stored)?.ok_or(Error::Damaged("the log entry of a time-stamp"))?.token)
    }
}

/// Off the runtime: a batch takes milliseconds to hash.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BadRecord> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(why)) => {
            tracing::error!(%why, "archived time-stamps and their evidence do not fit");
            Err(Error::Damaged("the evidence of a time-stamp"))
        }
        Err(_) => Err(Error::Damaged("the evidence of a time-stamp")),
    }
}
