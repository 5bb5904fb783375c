//! Units: a key, its certificate, and the time in which it signs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use crypto_pool::cms::Signer;
use crypto_pool::tlv::Reader;
use crypto_pool::{KeyAlgorithm, tlv};
use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::{Actor, Event, Instant, KeyId, TenantId, oid};

use super::{Family, Tsa};
use crate::core::moment::Moment;
use crate::core::response::{FailInfo, Rejection};
use crate::error::Error;
use crate::store::UnitRow;

/// A unit to be taken into use.
#[derive(Debug, Clone)]
pub struct NewUnit {
    /// Its key, in the pool, for time-stamps.
    pub key: KeyId,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its issuers' certificates, DER, the nearest first, without the root.
    pub chain: Vec<Vec<u8>>,
    /// From when it signs.
    pub signs_from: Instant,
    /// Until when: its key's usage period, far shorter than its certificate's validity.
    pub signs_until: Instant,
}

/// A unit: what signs, signed or will sign.
#[derive(Debug)]
pub struct Unit {
    key: KeyId,
    family: Family,
    signer: Arc<Signer>,
    chain: Vec<Vec<u8>>,
    signs_from: Instant,
    signs_until: Instant,
    stopped: AtomicBool,
}

impl Unit {
    pub(super) fn of_row(row: UnitRow) -> Result<Self, Error> {
        let mut chain = Vec::new();
        let mut rest = Reader::new(&row.chain);
        while !rest.is_empty() {
            let one = rest.expect(tlv::SEQUENCE, "chain").map_err(|_| Error::Damaged("the chain of a unit"))?;
            chain.push(one.whole.to_vec());
        }
        let (signs_from, signs_until) = (row.signs_from, row.signs_until);
        Self::new(NewUnit { key: row.key, certificate: row.certificate, chain, signs_from, signs_until })
    }

    fn new(new: NewUnit) -> Result<Self, Error> {
        let signer = Signer::new(&new.certificate, &new.chain, oid::CT_TST_INFO)
            .map_err(|_| Error::BadUnit("it does not read, or its key signs no messages"))?;
        let cert = signer.certificate();
        // RFC 3161 2.3: this purpose alone.
        if cert.extensions().ext_key_usage.as_deref() != Some(&[oid::KP_TIME_STAMPING]) {
            return Err(Error::BadUnit("it is not for time-stamping alone"));
        }
        let family = match cert.public_key().map(crypto_pool::PublicKey::algorithm) {
            Ok(KeyAlgorithm::Sm2) => Family::Sm2,
            Ok(KeyAlgorithm::P256 | KeyAlgorithm::P384) => Family::Ec,
            _ => return Err(Error::BadUnit("its key is neither SM2 nor ECDSA")),
        };
        if new.signs_from >= new.signs_until || new.signs_until > cert.not_after() {
            return Err(Error::BadUnit("it would sign outside its validity"));
        }
        Ok(Self {
            key: new.key,
            family,
            signer: Arc::new(signer),
            chain: new.chain,
            signs_from: new.signs_from,
            signs_until: new.signs_until,
            stopped: AtomicBool::new(false),
        })
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// SM2 or ECDSA.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Its certificate, ready to sign with.
    #[must_use]
    pub const fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.signer.certificate().der()
    }

    /// Its issuers' certificates, DER, the nearest first, without the root.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// From when it signs.
    #[must_use]
    pub const fn signs_from(&self) -> Instant {
        self.signs_from
    }

    /// Until when it signs.
    #[must_use]
    pub const fn signs_until(&self) -> Instant {
        self.signs_until
    }

    /// Takes it out of use before its time: its key is no longer active, or its certificate was revoked.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether it was taken out of use.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether it may sign at that time.
    #[must_use]
    pub fn signs_at(&self, at: Instant) -> bool {
        !self.is_stopped() && self.signs_from <= at && at < self.signs_until && self.signer.covers(at)
    }
}

impl Tsa {
    /// Takes a unit into use: from its first second on it signs, and until then it is announced.
    ///
    /// # Errors
    /// [`Error::BadUnit`]; the log's and the database's own.
    pub async fn add_unit(&self, by: Actor, new: NewUnit) -> Result<Arc<Unit>, Error> {
        let row = UnitRow {
            key: new.key,
            tenant: TenantId::house(),
            certificate: new.certificate.clone(),
            chain: new.chain.concat(),
            signs_from: new.signs_from,
            signs_until: new.signs_until,
        };
        let unit = Arc::new(Unit::new(new)?);
        let (audit, object) = (self.0.options.audit.clone(), unit.key.to_string());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx: &Tx<'_>| -> Result<(), Error> {
                let seq = audit.next_seq(tx)?;
                let draft = EntryDraft {
                    actor: by,
                    event: Event::StampUnitAdded,
                    object,
                    outcome: Outcome::Done,
                    payload: row.certificate.clone(),
                    covers: vec![row.put(tx, seq)?],
                };
                audit.append(tx, draft)?;
                Ok(())
            })
            .await?;
        let mut units = self.0.units.write().unwrap_or_else(PoisonError::into_inner);
        units.insert(0, Arc::clone(&unit));
        units.sort_by_key(|unit| std::cmp::Reverse(unit.signs_from));
        Ok(unit)
    }

    /// Every unit there ever was, that which begins last first.
    #[must_use]
    pub fn units(&self) -> Vec<Arc<Unit>> {
        self.0.units.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The unit that signs at that time: of those that may, the one that began last.
    pub(super) fn signing_unit(&self, family: Family, time: Moment) -> Result<Arc<Unit>, Error> {
        let at = time.instant();
        let units = self.0.units.read().unwrap_or_else(PoisonError::into_inner);
        let found = units.iter().find(|unit| unit.family == family && unit.signs_at(at));
        let none = Rejection::new(FailInfo::SystemFailure, "no unit can sign now; the operator must look");
        found.cloned().ok_or_else(|| none.into())
    }
}
