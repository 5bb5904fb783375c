//! Where changes of status come in: from our own authorities in the transaction that makes them, and from other
//! authorities by their CRLs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crypto_pool::PublicKey;
use crypto_pool::path::{Cert, Crl};
use ledger::Tx;
use pki_config::ports::StatusFeed;
use pki_config::status::{CertStatus, Revocation, StatusChange};
use pki_config::{Instant, IssuerId};

use crate::cache::{Entry, Index, SerialKey};
use crate::store;

/// The tables in memory, one for each issuer; made when the first certificate of an issuer is heard of.
#[derive(Debug, Default)]
pub(crate) struct Tables(RwLock<HashMap<IssuerId, Arc<Index>>>);

impl Tables {
    pub(crate) fn of(&self, issuer: &IssuerId) -> Arc<Index> {
        if let Some(index) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(issuer) {
            return Arc::clone(index);
        }
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(issuer.clone()).or_default())
    }
}

/// The port of our own authorities.
pub(crate) struct Feed(pub(crate) Arc<Tables>);

impl StatusFeed<Tx<'_>> for Feed {
    /// Writes the row with the authority's own, in one transaction. Memory follows when that is durable, and before
    /// the authority's caller hears of it: nobody holds a certificate that is not good here, and nobody was told of a
    /// revocation that is not answered here.
    fn apply(&self, tx: &Tx<'_>, change: &StatusChange) -> Result<(), String> {
        let serial = SerialKey::of(&change.serial).ok_or("the serial is empty")?;
        store::put_status(tx, change).map_err(|error| error.to_string())?;
        let revocation = match change.status {
            CertStatus::Good => None,
            CertStatus::Revoked(revocation) => Some(revocation),
        };
        let (tables, issuer, not_after) = (Arc::clone(&self.0), change.issuer.clone(), change.not_after);
        tx.after_commit(move || tables.of(&issuer).set(serial, Entry { not_after, revocation }));
        Ok(())
    }
}

/// A CRL of another authority, read and checked.
#[derive(Debug)]
pub(crate) struct CrlStatus {
    pub(crate) this_update: Instant,
    pub(crate) next_update: Instant,
    number: Vec<u8>,
    revoked: HashMap<SerialKey, Revocation>,
}

impl CrlStatus {
    /// Reads a CRL that this authority signed for all its certificates.
    ///
    /// Refused: another issuer's, a wrong signature, one without an end, a delta or one for some certificates or
    /// reasons only, one from the future. An ended one is refused too: what it says may be over.
    pub(crate) fn read(der: Vec<u8>, issuer: &Cert, key: &PublicKey, now: Instant) -> Result<Self, &'static str> {
        let crl = Crl::from_der(der).map_err(|_| "it is not the DER of a CRL")?;
        if crl.issuer() != issuer.subject() {
            return Err("it is another issuer's");
        }
        if !crl.is_complete() {
            return Err("it is for some certificates or reasons only");
        }
        let next_update = crl.next_update().ok_or("it has no nextUpdate")?;
        if crl.this_update() > now || next_update <= crl.this_update() {
            return Err("its times are impossible");
        }
        if next_update <= now {
            return Err("it has ended");
        }
        if !crl.is_signed_by(key) {
            return Err("its signature is not the issuer's");
        }
        let mut revoked = HashMap::new();
        for entry in crl.entries() {
            let serial = SerialKey::from_content(entry.serial).ok_or("an entry's serial is impossible")?;
            let revocation = Revocation { at: entry.at, reason: entry.reason, invalidity: entry.invalidity };
            revoked.insert(serial, revocation);
        }
        let number = crl.number().unwrap_or_default().to_vec();
        Ok(Self { this_update: crl.this_update(), next_update, number, revoked })
    }

    /// Whether this one was made after that one: by number where both have one, else by time.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        let by_number = (self.number.len(), &self.number).cmp(&(other.number.len(), &other.number));
        let numbered = !self.number.is_empty() && !other.number.is_empty();
        if numbered { by_number.is_gt() } else { self.this_update > other.this_update }
    }

    pub(crate) fn revocation(&self, serial: &SerialKey) -> Option<Revocation> {
        self.revoked.get(serial).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.revoked.len()
    }
}
