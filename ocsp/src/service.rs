//! [`Ocsp`]: the only type others call. It orders the steps: read, decide, sign, keep.
//!
//! `service/issuer.rs` is what is known of an issuer and of the responder that signs for it, `service/answer.rs` answers
//! questions, `service/presign.rs` makes answers ahead.

mod answer;
mod issuer;
mod presign;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crypto_pool::PoolHandle;
use ledger::{Db, Importance, Tx};
use pki_config::config::{OcspConfig, Unlisted};
use pki_config::ports::StatusFeed;
use pki_config::{Clock, Instant, IssuerId, KeyId, TenantId};

use crate::core::decide::Policy;
use crate::error::Error;
use crate::feed::{Feed, Tables};
use crate::metrics::{Counters, IssuerMetrics, Metrics};
use crate::store::{self, ResponderRow};

use issuer::{InUse, IssuerState};
pub use presign::Presigned;

/// What a responder is made of. Everything it touches comes in here.
pub struct OcspOptions {
    /// The database.
    pub db: Db,
    /// The only way to a signature.
    pub pool: PoolHandle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What answers say and how long they live.
    pub config: OcspConfig,
}

/// An issuer to answer for.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its word.
    pub id: IssuerId,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Who issued that certificate; `None` for a root, which is its own.
    pub parent: Option<IssuerId>,
}

/// Who signs for an issuer: a key of the pool and the certificate the issuer gave it.
#[derive(Debug, Clone)]
pub struct Responder {
    /// The key, of purpose [`crypto_pool::Purpose::Ocsp`].
    pub key: KeyId,
    /// Its certificate, DER: issued directly by the issuer, for OCSPSigning, with nocheck.
    pub certificate: Vec<u8>,
}

/// The responder. Cheap to clone.
#[derive(Clone)]
pub struct Ocsp(Arc<Inner>);

struct Inner {
    options: OcspOptions,
    policy: Policy,
    tables: Arc<Tables>,
    issuers: RwLock<Arc<[Arc<IssuerState>]>>,
    /// Answers that belong to no issuer.
    others: Counters,
    /// Questions that wait for a signature.
    waiting: AtomicUsize,
}

impl Ocsp {
    /// Opens the responder: brings its tables up to date and reads them into memory. Blocks; a million certificates
    /// take about a second.
    ///
    /// To be opened before the authority that feeds it: what is written in between would be missing in memory.
    ///
    /// # Errors
    /// The database.
    pub fn open(options: OcspOptions) -> Result<Self, Error> {
        options.db.migrate("ocsp", store::MIGRATIONS)?;
        let tables = Arc::new(Tables::default());
        let filled = Arc::clone(&tables);
        options.db.read_blocking(move |tx| -> Result<_, Error> {
            for issuer in store::issuers(tx)? {
                let index = filled.of(&issuer);
                store::each_status(tx, &issuer, |serial, not_after, revocation| {
                    index.set(serial, crate::cache::Entry { not_after, revocation });
                })?;
            }
            Ok(())
        })?;
        let kept = options.config.archive.duration();
        let policy =
            Policy { extended_revoke: options.config.extended_revoke, archive: (!kept.is_zero()).then_some(kept) };
        Ok(Self(Arc::new(Inner {
            options,
            policy,
            tables,
            issuers: RwLock::new(Arc::new([])),
            others: Counters::default(),
            waiting: AtomicUsize::new(0),
        })))
    }

    /// The port an authority tells its changes to, in the transaction that makes them.
    #[must_use]
    pub fn feed(&self) -> Arc<dyn for<'a> StatusFeed<Tx<'a>>> {
        Arc::new(Feed(Arc::clone(&self.0.tables)))
    }

    /// The configuration it runs with.
    #[must_use]
    pub fn config(&self) -> &OcspConfig {
        &self.0.options.config
    }

    /// Whether what a source had before the responder was there has been taken over through [`Ocsp::feed`].
    ///
    /// # Errors
    /// The database.
    pub async fn is_filled(&self, source: &'static str) -> Result<bool, Error> {
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::is_filled(tx, source)?) }).await
    }

    /// Notes that it has been.
    ///
    /// # Errors
    /// The database.
    pub async fn set_filled(&self, source: &'static str) -> Result<(), Error> {
        let now = self.0.options.clock.now();
        let work = move |tx: &Tx<'_>| -> Result<_, Error> { Ok(store::set_filled(tx, source, now)?) };
        self.0.options.db.write(Importance::Normal, work).await
    }

    /// Answers for this issuer from now on, with the responder it had last, if that still fits. An issuer that is known
    /// already stays as it is.
    ///
    /// # Errors
    /// [`Error::BadIssuer`]; the database.
    pub async fn add_issuer(&self, issuer: Issuer) -> Result<(), Error> {
        if self.find(&issuer.id).is_some() {
            return Ok(());
        }
        let state = Arc::new(IssuerState::own(issuer, &self.0.tables)?);
        let id = state.id.clone();
        let rows = self.0.options.db.read(|tx| -> Result<_, Error> { Ok(store::responders(tx)?) }).await?;
        if let Some(row) = rows.into_iter().find(|row| row.issuer == id) {
            // A stored responder is believed for its issuer's signature, not for lying here.
            match state.check(row.key, &row.certificate) {
                Ok(in_use) => state.set_responder(in_use),
                Err(error) => tracing::warn!(%error, "a stored responder cannot be used"),
            }
        }
        self.push(state);
        Ok(())
    }

    /// Answers for an authority of others from now on: `signed_by` is the issuer of ours whose responder signs. Until
    /// [`Ocsp::take_crl`] gave a CRL, and when that has ended, the answer is tryLater.
    ///
    /// # Errors
    /// [`Error::BadIssuer`].
    pub fn add_foreign(&self, issuer: Issuer, signed_by: IssuerId, unlisted: Unlisted) -> Result<(), Error> {
        if self.find(&issuer.id).is_none() {
            self.push(Arc::new(IssuerState::foreign(issuer, signed_by, unlisted)?));
        }
        Ok(())
    }

    /// Takes another authority's CRL into use; an older one than that in use is passed over. Tells how many
    /// certificates it lists.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`]; [`Error::BadCrl`]: what was in use stays in use.
    pub fn take_crl(&self, issuer: &IssuerId, der: Vec<u8>) -> Result<usize, Error> {
        let state = self.find(issuer).ok_or_else(|| Error::UnknownIssuer(issuer.clone()))?;
        state.take_crl(der, self.0.options.clock.now())
    }

    /// Has this responder sign for an issuer from now on, also after a restart. Answers of the one before stay good until
    /// they end.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`]; [`Error::BadResponder`]; the database.
    pub async fn set_responder(&self, issuer: &IssuerId, responder: Responder) -> Result<(), Error> {
        let state = self.find(issuer).ok_or_else(|| Error::UnknownIssuer(issuer.clone()))?;
        let in_use = state.check(responder.key, &responder.certificate)?;
        let row = ResponderRow { issuer: issuer.clone(), key: responder.key, certificate: responder.certificate };
        let work = move |tx: &Tx<'_>| -> Result<(), Error> {
            store::put_responder(tx, &TenantId::house(), &row)?;
            tx.after_commit(move || state.set_responder(in_use));
            Ok(())
        };
        self.0.options.db.write(Importance::Normal, work).await
    }

    /// The responder in use for an issuer, and the last second of its certificate.
    #[must_use]
    pub fn responder(&self, issuer: &IssuerId) -> Option<(Responder, Instant)> {
        let in_use = self.find(issuer)?.responder()?;
        let responder = Responder { key: in_use.key, certificate: in_use.certificate.clone() };
        Some((responder, in_use.not_after))
    }

    /// How it does now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let issuers = self.issuers();
        let of = |state: &Arc<IssuerState>| IssuerMetrics {
            certificates: state.certificates(),
            made_ahead: state.index.made(),
            responder_not_after: self.responder_of(state).map(|in_use| in_use.not_after),
            followed: state.is_foreign(),
            crl_next_update: state.crl_next_update(),
            ..state.counters.of_issuer(state.id.clone())
        };
        Metrics {
            issuers: issuers.iter().map(of).collect(),
            others: self.0.others.outcomes(),
            waiting: self.0.waiting.load(Ordering::Relaxed),
        }
    }

    fn issuers(&self) -> Arc<[Arc<IssuerState>]> {
        Arc::clone(&self.0.issuers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, id: &IssuerId) -> Option<Arc<IssuerState>> {
        self.issuers().iter().find(|state| state.id == *id).cloned()
    }

    fn push(&self, state: Arc<IssuerState>) {
        let mut issuers = self.0.issuers.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have come first.
        if !issuers.iter().any(|known| known.id == state.id) {
            *issuers = issuers.iter().cloned().chain([state]).collect();
        }
    }

    /// Who signs for an issuer: its own responder, or for another's the one it was given to.
    fn responder_of(&self, state: &IssuerState) -> Option<Arc<InUse>> {
        match state.signed_by() {
            None => state.responder(),
            Some(issuer) => self.find(issuer)?.responder(),
        }
    }

    fn lifetime(&self) -> Duration {
        self.0.options.config.answer_lifetime.duration()
    }
}
