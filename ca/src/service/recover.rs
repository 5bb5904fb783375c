//! What a crash left open is settled at start: an intent without a certificate is revoked.
//!
//! Whether a signature was made for it cannot be known, so the serial counts as used and revoked
//! (RFC 5280 `unspecified`): it appears in the next CRL and no responder calls it good.

use pki_config::status::{CertStatus, Reason, Revocation};
use pki_config::{Actor, Event, Serial};

use ledger::{EntryDraft, Importance, Outcome};

use super::Ca;
use super::issue::{object, tell};
use crate::error::Error;
use crate::store::{self, CertificateRow, CertificateState, RequestRow, RequestState};

impl Ca {
    /// Settles every intent a crash left. Runs before anything is issued.
    ///
    /// # Errors
    /// The database or the log; then nothing may be issued.
    pub async fn recover(&self, actor: &Actor) -> Result<Vec<Serial>, Error> {
        let mut settled = Vec::new();
        self.end_interrupted(actor).await?;
        loop {
            let open = self
                .0
                .options
                .db
                .read(|tx| -> Result<_, Error> {
                    let mut open = Vec::new();
                    for row in store::intents(tx, 500)? {
                        let request = store::request(tx, &row.tenant, row.request)?
                            .ok_or_else(|| Error::Damaged(format!("the request of intent {}", row.serial)))?;
                        open.push((row, request));
                    }
                    Ok(open)
                })
                .await?;
            if open.is_empty() {
                return Ok(settled);
            }
            for (row, request) in open {
                settled.push(row.serial.clone());
                self.abandon(actor, row, request).await?;
            }
        }
    }

    /// Revokes the serial of an intent that came to nothing and marks its request as failed.
    pub(super) async fn abandon(
        &self,
        actor: &Actor,
        intent: CertificateRow,
        intent_request: RequestRow,
    ) -> Result<(), Error> {
        let options = &self.0.options;
        let (actor, audit, feeds) = (actor.clone(), options.audit.clone(), options.feeds.clone());
        let centre = options.centre.clone();
        let now = options.audit.ready()?;
        options
            .db
            .write(Importance::Essential, move |tx| -> Result<_, Error> {
                let Some(mut row) = store::certificate(tx, &intent.tenant, &intent.issuer, &intent.serial)? else {
                    return Ok(());
                };
                // The certificate came after all (its answer was lost): it stands.
                if row.state != CertificateState::Intended {
                    return Ok(());
                }
                let mut request = store::request(tx, &intent_request.tenant, intent_request.id)?
                    .ok_or_else(|| Error::Damaged(format!("the request of intent {}", row.serial)))?;
                row.state = CertificateState::Abandoned;
                row.status = CertStatus::Revoked(Revocation { at: now, reason: Reason::Unspecified, invalidity: None });
                request.state = RequestState::Failed;
                request.reason = Some("interrupted; the serial is revoked".to_owned());
                let seq = audit.next_seq(tx)?;
                let mut covers = vec![row.put(tx, seq)?, request.put(tx, seq)?];
                // Of the encryption half of a pair: its key is nobody's, and what was wrapped is erased.
                if let Some(centre) = &centre {
                    covers.extend(centre.void(tx, request.id, seq).map_err(Error::Feed)?);
                }
                tell(&feeds, tx, &row)?;
                audit.append(
                    tx,
                    EntryDraft {
                        actor,
                        event: Event::IntentRecovered,
                        object: object(&row.issuer, &row.serial),
                        outcome: Outcome::Done,
                        payload: Vec::new(),
                        covers,
                    },
                )?;
                Ok(())
            })
            .await
    }
}
