//! Revocation, hold and release: one commit with the log entry and every status feed. They may use the
//! space kept back for them, so that a full disk does not keep a stolen key valid.

use std::sync::Arc;

use pki_config::ports::StatusFeed;
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::status::{CertStatus, Reason};
use pki_config::{Actor, Event, Instant, IssuerId, Serial};

use ledger::{AuditLog, EntryDraft, Importance, Outcome, Tx};

use super::issue::{object, tell};
use super::{Ca, Certificate, authority};
use crate::core::revoke::{self, Certified};
use crate::error::Error;
use crate::store::{self, CertificateRow, CertificateState};

/// Certificates told of in one transaction by [`Ca::tell_again`].
const TOLD_AT_ONCE: u32 = 500;

/// What is to become of a certificate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    Revoke { reason: Reason, invalidity: Option<Instant> },
    Hold,
    Release,
}

impl Ca {
    /// Revokes a certificate for good.
    ///
    /// # Errors
    /// [`Error::UnknownCertificate`]; [`Error::Change`] if it is revoked already or the invalidity date is
    /// not possible.
    pub async fn revoke(
        &self,
        auth: &Authorized,
        serial: &Serial,
        issuer: Option<&IssuerId>,
        reason: Reason,
        invalidity: Option<Instant>,
    ) -> Result<Certificate, Error> {
        self.change(auth, serial, issuer, Wanted::Revoke { reason, invalidity }).await
    }

    /// Suspends a certificate until it is released or revoked.
    ///
    /// # Errors
    /// As [`Ca::revoke`].
    pub async fn hold(
        &self,
        auth: &Authorized,
        serial: &Serial,
        issuer: Option<&IssuerId>,
    ) -> Result<Certificate, Error> {
        self.change(auth, serial, issuer, Wanted::Hold).await
    }

    /// Takes a hold back.
    ///
    /// # Errors
    /// As [`Ca::revoke`]; [`Error::Change`] if it is not on hold.
    pub async fn release(
        &self,
        auth: &Authorized,
        serial: &Serial,
        issuer: Option<&IssuerId>,
    ) -> Result<Certificate, Error> {
        self.change(auth, serial, issuer, Wanted::Release).await
    }

    /// Tells a responder that came later of every certificate there is, a few hundred in a transaction, so that nothing
    /// waits long. What changes meanwhile reaches it the usual way, before or after, and stands. Tells how many.
    ///
    /// # Errors
    /// [`Error::Feed`]; the database. To be called again then: telling twice changes nothing.
    pub async fn tell_again(&self, feed: Arc<dyn for<'a> StatusFeed<Tx<'a>>>) -> Result<u64, Error> {
        let (mut told, mut after) = (0, None);
        loop {
            let feed = Arc::clone(&feed);
            let last = self
                .0
                .options
                .db
                .write(Importance::Normal, move |tx| -> Result<_, Error> {
                    let rows = store::signed_after(tx, after.as_ref(), TOLD_AT_ONCE)?;
                    for row in &rows {
                        feed.apply(tx, &row.news()).map_err(Error::Feed)?;
                    }
                    Ok((rows.len(), rows.into_iter().next_back().map(|row| (row.issuer, row.serial))))
                })
                .await?;
            told += u64::try_from(last.0).unwrap_or(u64::MAX);
            match last.1 {
                Some(place) => after = Some(place),
                None => return Ok(told),
            }
        }
    }

    async fn change(
        &self,
        auth: &Authorized,
        serial: &Serial,
        issuer: Option<&IssuerId>,
        wanted: Wanted,
    ) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::RevokeCertificate)?;
        let found = self.row(auth.actor().tenant(), serial, issuer).await?;
        if is_authority(&found) && self.0.options.setup == Setup::Production {
            return Err(Error::AuthorityCertificate(found.serial));
        }
        let options = &self.0.options;
        let (actor, audit, feeds) = (auth.actor().clone(), options.audit.clone(), options.feeds.clone());
        let now = options.audit.ready()?;
        let changed = options
            .db
            .write(Importance::Essential, move |tx| -> Result<_, Error> {
                change_row(tx, &audit, &actor, &feeds, &found, wanted, now)
            })
            .await?;
        if is_authority(&changed) {
            self.look_again().await?;
        }
        self.with_der(changed).await
    }
}

/// Whether it is an authority's certificate, which two persons revoke in a ceremony.
pub(super) fn is_authority(row: &CertificateRow) -> bool {
    row.profile == "root" || row.profile == "sub-ca"
}

/// Changes the status of one certificate, with its entry, in the transaction at hand. [`Error::Change`] comes before
/// anything is written.
pub(super) fn change_row(
    tx: &Tx<'_>,
    audit: &AuditLog,
    actor: &Actor,
    feeds: &[Arc<dyn for<'a> StatusFeed<Tx<'a>>>],
    found: &CertificateRow,
    wanted: Wanted,
    now: Instant,
) -> Result<CertificateRow, Error> {
    // Read again: between then and now somebody else may have changed it.
    let mut row = store::certificate(tx, &found.tenant, &found.issuer, &found.serial)?
        .ok_or_else(|| Error::UnknownCertificate(found.serial.clone()))?;
    if row.state != CertificateState::Issued {
        // An intent is nobody's certificate: it becomes one or `recover` revokes it.
        return Err(Error::UnknownCertificate(row.serial));
    }
    let certified = Certified {
        not_before: row.validity.not_before(),
        not_after: row.validity.not_after(),
        authority: is_authority(&row),
    };
    row.status = match wanted {
        Wanted::Revoke { reason, invalidity } => {
            CertStatus::Revoked(revoke::revoke(row.status, &certified, reason, invalidity, now)?)
        }
        Wanted::Hold => {
            CertStatus::Revoked(revoke::revoke(row.status, &certified, Reason::CertificateHold, None, now)?)
        }
        Wanted::Release => revoke::release(row.status, &certified, now)?,
    };
    let seq = audit.next_seq(tx)?;
    let mut covers = vec![row.put(tx, seq)?];
    if let Wanted::Revoke { reason: Reason::KeyCompromise, .. } = wanted {
        let request = store::request(tx, &row.tenant, row.request)?
            .ok_or_else(|| Error::Damaged(format!("the request of certificate {}", row.serial)))?;
        covers.push(store::block(tx, request.key()?, &row, now, seq)?);
    }
    // An issuer of ours stops issuing in the commit that revokes its certificate.
    let at_rest = match wanted {
        Wanted::Revoke { reason, .. } if is_authority(&row) => authority::rest(tx, &row, reason, now, seq)?,
        _ => Vec::new(),
    };
    let of_issuer = !at_rest.is_empty();
    covers.extend(at_rest);
    tell(feeds, tx, &row)?;
    audit.append(
        tx,
        EntryDraft {
            actor: actor.clone(),
            event: match wanted {
                Wanted::Release => Event::CertificateReleased,
                Wanted::Revoke { .. } if of_issuer => Event::IssuerRevoked,
                Wanted::Revoke { .. } | Wanted::Hold => Event::CertificateRevoked,
            },
            object: object(&row.issuer, &row.serial),
            outcome: Outcome::Done,
            payload: match wanted {
                Wanted::Revoke { reason, .. } => reason.as_str().as_bytes().to_vec(),
                Wanted::Hold => Reason::CertificateHold.as_str().as_bytes().to_vec(),
                Wanted::Release => Vec::new(),
            },
            covers,
        },
    )?;
    row.audit_seq = Some(seq);
    Ok(row)
}
