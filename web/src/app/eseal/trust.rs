//! What documents are held against: our own roots, authorities and lists, and what we know of our own certificates.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca::Ca;
use crypto_pool::path::{Anchors, Cert, Crl};
use eseal::core::facts::Evidence;
use eseal::core::verify::{Known, Trust, Wanted};
use eseal::service::Believes;
use pki_config::Clock;
use pki_config::ports::{Later, NoAnswer, StatusLookup};
use pki_config::status::CertStatus;

/// For how long what was read of authorities, lists and certificates is used again.
const FRESH: Duration = Duration::from_secs(2);
/// Certificates whose status is remembered.
const REMEMBERED: usize = 10_000;

/// What is believed.
pub(super) struct OwnTrust {
    ca: Ca,
    status: Arc<dyn StatusLookup>,
    clock: Arc<dyn Clock>,
    known: Known,
    base: Mutex<Option<(Duration, Arc<Base>)>>,
    told: Mutex<HashMap<Vec<u8>, (Duration, CertStatus)>>,
}

struct Base {
    anchors: Anchors,
    certificates: Vec<Cert>,
    crls: Vec<Crl>,
}

impl OwnTrust {
    pub(super) fn new(ca: Ca, status: Arc<dyn StatusLookup>, clock: Arc<dyn Clock>) -> Self {
        Self { ca, status, clock, known: Known::default(), base: Mutex::default(), told: Mutex::default() }
    }

    async fn base(&self) -> Arc<Base> {
        let now = self.clock.steady();
        let kept = self.base.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, base)) = kept
            && now.saturating_sub(at) < FRESH
        {
            return base;
        }
        let issuers = self.ca.issuers();
        let cert = |issuer: &Arc<ca::Issuer>| Cert::from_der(&issuer.certificate).ok();
        let mut crls = Vec::new();
        for issuer in &issuers {
            if let Ok((_, der)) = self.ca.crl(&issuer.id).await {
                crls.extend(Crl::from_der(der.to_vec()));
            }
        }
        let base = Arc::new(Base {
            anchors: Anchors::new(issuers.iter().filter(|issuer| issuer.parent.is_none()).filter_map(cert).collect()),
            certificates: issuers.iter().filter(|issuer| issuer.parent.is_some()).filter_map(cert).collect(),
            crls,
        });
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&base)));
        base
    }

    /// The status of one certificate, if it is one of ours.
    async fn told(&self, cert: &Cert) -> Result<Option<CertStatus>, NoAnswer> {
        let now = self.clock.steady();
        {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, status)) = told.get(cert.der())
                && now.saturating_sub(*at) < FRESH
            {
                return Ok(Some(*status));
            }
        }
        let status = self.status.status(cert.der()).await?;
        if let Some(status) = status {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= REMEMBERED {
                told.clear();
            }
            told.insert(cert.der().to_vec(), (now, status));
        }
        Ok(status)
    }
}

impl Believes for OwnTrust {
    fn trust<'a>(&'a self, wanted: &'a Wanted) -> Later<'a, Result<Trust, NoAnswer>> {
        Box::pin(async move {
            let base = self.base().await;
            let mut told = Vec::new();
            for cert in base.certificates.iter().chain(&wanted.certificates) {
                if let Some(status) = self.told(cert).await? {
                    told.push((cert.clone(), status));
                }
            }
            Ok(Trust {
                anchors: base.anchors.clone(),
                certificates: base.certificates.clone(),
                crls: base.crls.clone(),
                told,
                known: self.known.clone(),
                ..Trust::default()
            })
        })
    }

    fn evidence(&self) -> Later<'_, Result<Evidence, NoAnswer>> {
        Box::pin(async move {
            let base = self.base().await;
            // PAdES is signed under the hierarchy that ordinary viewers know.
            let ordinary =
                |cert: &&Cert| cert.public_key().is_ok_and(|key| key.algorithm() != crypto_pool::KeyAlgorithm::Sm2);
            let certificates: Vec<&Cert> =
                base.anchors.certificates().iter().chain(&base.certificates).filter(ordinary).collect();
            let listed = |crl: &&Crl| certificates.iter().any(|cert| cert.subject() == crl.issuer());
            Ok(Evidence {
                crls: base.crls.iter().filter(listed).map(|crl| crl.der().to_vec()).collect(),
                certificates: certificates.iter().map(|cert| cert.der().to_vec()).collect(),
                ocsps: Vec::new(),
            })
        })
    }
}
