//! What is known of an issuer: how questions name it, where the status of its certificates comes from, who signs.

use std::sync::{Arc, PoisonError, RwLock};

use crypto_pool::path::Cert;
use crypto_pool::{PublicKey, SignatureAlgorithm};
use pki_config::config::Unlisted;
use pki_config::status::Revocation;
use pki_config::{Instant, IssuerId, KeyId, oid};

use super::Issuer;
use crate::cache::{Index, SerialKey};
use crate::core::decide::Known;
use crate::core::names::{IssuerNames, key_bits};
use crate::core::response::Signer;
use crate::error::Error;
use crate::feed::{CrlStatus, Tables};
use crate::metrics::Counters;

/// A responder in use.
#[derive(Debug)]
pub(super) struct InUse {
    pub(super) key: KeyId,
    pub(super) certificate: Vec<u8>,
    pub(super) signer: Arc<Signer>,
    pub(super) not_after: Instant,
}

/// One issuer.
#[derive(Debug)]
pub(super) struct IssuerState {
    pub(super) id: IssuerId,
    pub(super) names: IssuerNames,
    pub(super) index: Arc<Index>,
    pub(super) counters: Counters,
    certificate: Cert,
    key: PublicKey,
    /// Where the issuer's own certificate is looked up: its parent's table, and its serial there.
    own: Option<(Arc<Index>, SerialKey)>,
    foreign: Option<Foreign>,
    responder: RwLock<Option<Arc<InUse>>>,
}

#[derive(Debug)]
struct Foreign {
    signed_by: IssuerId,
    unlisted: Unlisted,
    crl: RwLock<Option<Arc<CrlStatus>>>,
}

/// What a source says of a serial, and between which times that holds.
pub(super) struct Found {
    pub(super) known: Known,
    /// For a CRL, its own times; ours are as of now.
    pub(super) within: Option<(Instant, Instant)>,
}

impl IssuerState {
    pub(super) fn own(issuer: Issuer, tables: &Tables) -> Result<Self, Error> {
        let parent = issuer.parent.clone().unwrap_or_else(|| issuer.id.clone());
        let index = tables.of(&issuer.id);
        let mut state = Self::read(issuer, index)?;
        state.own = SerialKey::from_content(state.certificate.serial()).map(|serial| (tables.of(&parent), serial));
        Ok(state)
    }

    pub(super) fn foreign(issuer: Issuer, signed_by: IssuerId, unlisted: Unlisted) -> Result<Self, Error> {
        let mut state = Self::read(issuer, Arc::default())?;
        state.foreign = Some(Foreign { signed_by, unlisted, crl: RwLock::default() });
        Ok(state)
    }

    fn read(issuer: Issuer, index: Arc<Index>) -> Result<Self, Error> {
        let bad = |why| Error::BadIssuer { issuer: issuer.id.clone(), why };
        let certificate = Cert::from_der(&issuer.certificate).map_err(|_| bad("it is no certificate"))?;
        let key = certificate.public_key().map_err(|_| bad("its key is not taken"))?.clone();
        let bits = key_bits(certificate.spki()).map_err(|_| bad("its key cannot be read"))?;
        Ok(Self {
            names: IssuerNames::new(certificate.subject(), bits),
            index,
            counters: Counters::default(),
            key,
            own: None,
            foreign: None,
            responder: RwLock::default(),
            id: issuer.id,
            certificate,
        })
    }

    /// Checks that a certificate makes its key this issuer's responder (RFC 6960 4.2.2.2, CA/Browser BR 4.9.9).
    pub(super) fn check(&self, key: KeyId, der: &[u8]) -> Result<InUse, Error> {
        let bad = |why| Error::BadResponder { issuer: self.id.clone(), why };
        let certificate = Cert::from_der(der).map_err(|_| bad("it is no certificate"))?;
        if certificate.issuer() != self.certificate.subject() || !certificate.is_signed_by(&self.key) {
            return Err(bad("the issuer did not sign it"));
        }
        let extensions = certificate.extensions();
        if extensions.ext_key_usage.as_deref() != Some(&[oid::KP_OCSP_SIGNING]) {
            return Err(bad("it is not for OCSPSigning alone"));
        }
        if extensions.key_usage.is_some_and(|usage| !usage.digital_signature()) {
            return Err(bad("it may not sign"));
        }
        if extensions.basic_constraints.is_some_and(|constraints| constraints.ca) {
            return Err(bad("it is an authority's"));
        }
        let public = certificate.public_key().map_err(|_| bad("its key is not taken"))?;
        let bits = key_bits(certificate.spki()).map_err(|_| bad("its key cannot be read"))?;
        let algorithm = SignatureAlgorithm::for_key(public.algorithm());
        Ok(InUse {
            key,
            signer: Arc::new(Signer::new(algorithm, bits, der)),
            // Nobody should believe an answer longer than its signer or the issuer lasts.
            not_after: certificate.not_after().min(self.certificate.not_after()),
            certificate: der.to_vec(),
        })
    }

    pub(super) fn set_responder(&self, in_use: InUse) {
        *self.responder.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(in_use));
    }

    pub(super) fn responder(&self) -> Option<Arc<InUse>> {
        self.responder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn signed_by(&self) -> Option<&IssuerId> {
        self.foreign.as_ref().map(|foreign| &foreign.signed_by)
    }

    /// Whether the status of its certificates comes from a CRL.
    pub(super) const fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// The revocation of the issuer's own certificate.
    pub(super) fn revocation(&self) -> Option<Revocation> {
        let (index, serial) = self.own.as_ref()?;
        index.get(serial)?.revocation
    }

    /// What is known of a serial, given as content octets; `None` if the CRL it would come from is missing or ended.
    pub(super) fn find(&self, serial: &[u8], now: Instant) -> Option<Found> {
        let key = SerialKey::from_content(serial);
        let Some(foreign) = &self.foreign else {
            let entry = key.and_then(|key| self.index.get(&key));
            let known =
                entry.map_or(Known::Never, |e| Known::Issued { not_after: e.not_after, revocation: e.revocation });
            return Some(Found { known, within: None });
        };
        let crl = foreign.crl.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        if crl.next_update <= now {
            return None;
        }
        let revocation = key.and_then(|key| crl.revocation(&key));
        let known = match (revocation, foreign.unlisted, key) {
            (None, Unlisted::Unknown, _) | (None, _, None) => Known::Never,
            // A CRL does not tell when its certificates end.
            (revocation, ..) => Known::Issued { not_after: Instant::LAST, revocation },
        };
        Some(Found { known, within: Some((crl.this_update, crl.next_update)) })
    }

    pub(super) fn take_crl(&self, der: Vec<u8>, now: Instant) -> Result<usize, Error> {
        let bad = |why| Error::BadCrl { issuer: self.id.clone(), why };
        let foreign = self.foreign.as_ref().ok_or_else(|| bad("this issuer's status does not come from a CRL"))?;
        let crl = CrlStatus::read(der, &self.certificate, &self.key, now).map_err(bad)?;
        let mut in_use = foreign.crl.write().unwrap_or_else(PoisonError::into_inner);
        if in_use.as_ref().is_none_or(|old| crl.is_newer_than(old)) {
            *in_use = Some(Arc::new(crl));
        }
        Ok(in_use.as_ref().map_or(0, |crl| crl.len()))
    }

    pub(super) fn crl_next_update(&self) -> Option<Instant> {
        let crl = self.foreign.as_ref()?.crl.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(crl.next_update)
    }

    /// Certificates whose status is known; of another authority those its CRL lists.
    pub(super) fn certificates(&self) -> usize {
        match &self.foreign {
            None => self.index.len(),
            Some(foreign) => {
                foreign.crl.read().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |crl| crl.len())
            }
        }
    }
}
