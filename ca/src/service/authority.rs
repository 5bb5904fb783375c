//! Which authorities issue, and how one is revoked: by its parent, in one commit with its own end.

use std::sync::Arc;

use crypto_pool::key::KeyState;
use crypto_pool::path::Cert;
use ledger::{Cover, Importance, Seq, Tx};
use pki_config::role::Authorized;
use pki_config::status::Reason;
use pki_config::{Instant, IssuerId, Serial, TenantId};

use super::status::{Wanted, change_row, is_authority};
use super::{Ca, Issuer};
use crate::core::ceremony::BadCeremony;
use crate::core::crl::List;
use crate::error::Error;
use crate::store::{self, CertificateRow, IssuerState};

/// What a revoked authority leaves behind.
#[derive(Debug)]
pub(super) struct RevokedAuthority {
    pub(super) row: CertificateRow,
    /// Certificates that it issued and that nobody should believe any more.
    pub(super) below: u64,
    /// The number of the list that tells of it, if one was published at once.
    pub(super) list: Option<u64>,
}

/// Refuses an intent of an issuer that does not issue. Asked in the transaction of the intent, so that a revocation that
/// comes at the same time is before it or after.
pub(super) fn demand_issuing(row: &CertificateRow, state: &IssuerState, in_ceremony: bool) -> Result<(), Error> {
    let may = match state {
        IssuerState::Active => true,
        // Whoever holds a certificate of the old key asks its responder, which is certified by that key.
        IssuerState::Rolled { .. } => row.profile == "ocsp-signer",
        IssuerState::Offline { .. } => in_ceremony,
        IssuerState::Revoked { .. } => false,
    };
    if may { Ok(()) } else { Err(Error::IssuerAtRest { issuer: row.issuer.clone(), state: state.as_str() }) }
}

/// Hands the work of an issuer to another, if it still has it.
pub(super) fn roll(
    tx: &Tx<'_>,
    old: &IssuerId,
    new: &IssuerId,
    tenant: &TenantId,
    now: Instant,
    seq: Seq,
) -> Result<Cover, Error> {
    match store::issuer_state(tx, old)? {
        IssuerState::Active => {
            Ok(IssuerState::Rolled { successor: new.clone(), since: now }.put(tx, old, tenant, seq)?)
        }
        state => Err(Error::IssuerAtRest { issuer: old.clone(), state: state.as_str() }),
    }
}

/// Has the issuers of this certificate stop issuing: there is one, or none if it is an authority's elsewhere.
pub(super) fn rest(
    tx: &Tx<'_>,
    row: &CertificateRow,
    reason: Reason,
    now: Instant,
    seq: Seq,
) -> Result<Vec<Cover>, Error> {
    let mut covers = Vec::new();
    for issuer in store::issuers(tx)? {
        if issuer.parent.as_ref() == Some(&row.issuer) && serial_of(&issuer.certificate).as_ref() == Some(&row.serial) {
            let state = IssuerState::Revoked { since: now, reason: reason.as_str().to_owned() };
            covers.push(state.put(tx, &issuer.id, &issuer.tenant, seq)?);
        }
    }
    Ok(covers)
}

pub(super) fn serial_of(certificate: &[u8]) -> Option<Serial> {
    Serial::from_der_content(Cert::from_der(certificate).ok()?.serial()).ok()
}

impl Ca {
    /// Whether another issuer here has the same name.
    pub(super) fn shares_name(&self, id: &IssuerId) -> bool {
        let issuers = self.issuers();
        let Some(this) = issuers.iter().find(|issuer| issuer.id == *id) else { return false };
        issuers.iter().any(|other| other.id != *id && other.facts.name == this.facts.name)
    }

    /// The certificate of one of our issuers, as its parent's register has it.
    pub(super) async fn row_of_issuer(&self, tenant: &TenantId, issuer: &Issuer) -> Result<CertificateRow, Error> {
        let Some(parent) = &issuer.parent else {
            let why = format!("{} is a root: nobody revokes it, it is taken out of trust stores", issuer.id);
            return Err(BadCeremony(why).into());
        };
        let serial = serial_of(&issuer.certificate).ok_or_else(|| Error::Damaged(format!("issuer {}", issuer.id)))?;
        match self.row(tenant, &serial, Some(parent)).await {
            Err(Error::UnknownCertificate(_)) => Err(BadCeremony(format!(
                "{} was certified elsewhere, by {parent}: revoke it there (under = \"{parent}\", serial = \"{serial}\"), and \
                 import the answer",
                issuer.id
            ))
            .into()),
            other => other,
        }
    }

    /// Revokes an authority: its certificate's status, the responder's view, its own end and the log entry are one
    /// commit. The list of the parent follows at once, unless the parent signs in ceremonies only.
    pub(super) async fn revoke_authority(
        &self,
        auth: &Authorized,
        found: CertificateRow,
        reason: Reason,
    ) -> Result<RevokedAuthority, Error> {
        if !is_authority(&found) {
            let why = format!("certificate {} is no authority's; revoke it with: yinxin revoke", found.serial);
            return Err(BadCeremony(why).into());
        }
        let ours = self.issuer_of(&found);
        let options = &self.0.options;
        let (actor, audit, feeds) = (auth.actor().clone(), options.audit.clone(), options.feeds.clone());
        let now = options.audit.ready()?;
        let wanted = Wanted::Revoke { reason, invalidity: None };
        let row = options
            .db
            .write(Importance::Essential, move |tx| -> Result<_, Error> {
                change_row(tx, &audit, &actor, &feeds, &found, wanted, now)
            })
            .await?;
        self.look_again().await?;
        let mut below = 0;
        if let Some(issuer) = &ours {
            let id = issuer.id.clone();
            let read = move |tx: &Tx<'_>| -> Result<_, Error> { Ok(store::alive_of(tx, &id, now)?) };
            below = options.db.read(read).await?;
            // It still signs lists, and nothing else: the pool refuses whatever this crate would forget to.
            if let Err(error) = options.kms.set_state(auth, issuer.key, KeyState::Retired).await {
                tracing::warn!(issuer = %issuer.id, %error, "the key of a revoked issuer was not retired");
            }
        }
        let parent = self.issuer(&row.issuer)?;
        let list = match parent.state {
            IssuerState::Offline { .. } => None,
            _ => match self.publish(auth.actor(), &parent.id, List::WHOLE).await {
                Ok(record) => Some(record.number),
                Err(error) => {
                    // The revocation stands; the schedule tries again within half a minute.
                    tracing::error!(issuer = %parent.id, %error, "the list that tells of a revoked issuer was not published");
                    None
                }
            },
        };
        Ok(RevokedAuthority { row, below, list })
    }

    /// The issuer of ours whose certificate this is.
    pub(super) fn issuer_of(&self, row: &CertificateRow) -> Option<Arc<Issuer>> {
        self.issuers().into_iter().find(|issuer| {
            issuer.parent.as_ref() == Some(&row.issuer) && serial_of(&issuer.certificate).as_ref() == Some(&row.serial)
        })
    }
}
