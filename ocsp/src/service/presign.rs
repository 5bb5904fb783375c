//! Making answers ahead, in batches, before those in use grow old.
//!
//! Only in the form that browsers, nginx and OpenSSL ask in (SHA-1 with `NULL` parameters). Whoever asks in another
//! form gets an answer signed for the question; it is kept and serves the next one who asks so.

use std::sync::Arc;

use crypto_pool::{BulkRequest, ToSign};
use pki_config::{Actor, Instant};

use super::Ocsp;
use super::issuer::{InUse, IssuerState};
use crate::cache::{Batch, Due, Made, SHARDS};
use crate::core::decide::{Known, decide};
use crate::core::request::Form;
use crate::error::Error;

/// Answers signed together. More would make a live question wait longer behind them.
const CHUNK: usize = 256;

/// What one round of making answers ahead did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presigned {
    /// Answers made.
    pub made: usize,
}

impl Ocsp {
    /// Makes every answer that is missing or older than the configuration allows, for all issuers with a responder.
    /// To be called every few seconds; a round with nothing to do only looks through memory.
    ///
    /// # Errors
    /// The pool's: what was made until then is kept, and the next round goes on.
    pub async fn presign_due(&self) -> Result<Presigned, Error> {
        let mut done = Presigned::default();
        if !self.config().enabled || !self.config().presign {
            return Ok(done);
        }
        for issuer in self.issuers().iter().filter(|issuer| !issuer.is_foreign()) {
            // Under a revoked authority nothing is served from here.
            let Some(responder) = issuer.responder().filter(|_| issuer.revocation().is_none()) else { continue };
            let mut waiting: Vec<Due> = Vec::with_capacity(CHUNK * 2);
            let mut eldest: Option<Instant> = None;
            for shard in 0..SHARDS {
                let now = self.0.options.clock.now();
                let (due, stays) = issuer.index.due(shard, now, now.minus(self.config().refresh_after.duration()));
                eldest = [eldest, stays].into_iter().flatten().min();
                waiting.extend(due);
                while waiting.len() >= CHUNK {
                    let chunk: Vec<Due> = waiting.drain(..CHUNK).collect();
                    done.made += self.presign(issuer, &responder, &chunk).await?;
                }
            }
            if !waiting.is_empty() {
                done.made += self.presign(issuer, &responder, &waiting).await?;
            }
            let newest = (issuer.index.made() > 0).then(|| self.0.options.clock.now().whole_second());
            issuer.counters.set_oldest(eldest.or(newest));
        }
        Ok(done)
    }

    async fn presign(&self, issuer: &IssuerState, responder: &InUse, due: &[Due]) -> Result<usize, Error> {
        let Some(times) = self.times(responder, self.0.options.clock.now()) else {
            return Err(Error::Unready(issuer.id.clone()));
        };
        let data = |due: &Due| {
            let id = issuer.names.cert_id(Form::USUAL, &due.serial.content());
            let known = Known::Issued { not_after: due.entry.not_after, revocation: due.entry.revocation };
            let decision = decide(known, None, &self.0.policy, times.produced);
            ToSign::Ocsp(responder.signer.response_data(&times, &[(&id, decision)], None))
        };
        let request =
            BulkRequest { key: responder.key, actor: Actor::system(), to_sign: due.iter().map(data).collect() };
        let signed = self.0.options.pool.sign_bulk(request).await?;
        let batch = Arc::new(Batch { signer: Arc::clone(&responder.signer), times });
        for (due, signed) in due.iter().zip(&signed) {
            issuer.index.keep(&due.serial, due.entry, Made::new(Form::USUAL, Arc::clone(&batch), &signed.signature));
        }
        Ok(signed.len())
    }
}
