//! The OCSP responder's place in the application: what it is told of issuers, and the short-lived certificates its
//! keys are given, one for each issuer.
//!
//! A responder's certificate cannot be revoked in a way clients notice (nocheck), so it lives for weeks only and is
//! replaced when a third of that is left. The one before stays good until its answers have ended; its key is destroyed
//! as soon as nothing signs with it.
//!
//! `ocsp/foreign.rs` fetches the CRLs of other authorities.

mod foreign;

use std::time::Duration;

use ::ocsp::{Issuer, Ocsp, OcspOptions, Responder};
use ca::OwnRequest;
use crypto_pool::{KeySpec, KeyState, PoolHandle, Purpose};
use ledger::Db;
use pki_config::name::{Attribute, DistinguishedName, SubjectAltName};
use pki_config::role::Permission;
use pki_config::{Instant, IssuerId, KeyId, TenantId};
use tokio::sync::watch;

use super::authorities::{certifies_responders, is_answered_for, is_revoked};
use super::first_start::house_name;
use super::schedule::{elapsed, tell_once};
use super::{App, AppError, AppOptions};
use crate::api::Check;
use crate::problem::Failure;

/// How often new issuers and answers that fall due are looked for.
const ANSWERS: Duration = Duration::from_secs(5);
/// How often responders' certificates are looked at.
const RENEWALS: Duration = Duration::from_secs(600);
/// How long a key that signs for no issuer any more is kept for what is on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(300);
/// What the responder calls the authority whose certificates it took over.
const SOURCE: &str = "ca";

pub(super) fn open(options: &AppOptions, db: &Db, pool: &PoolHandle) -> Result<Ocsp, AppError> {
    let (clock, config) = (options.clock.clone(), options.config.ocsp.clone());
    Ok(Ocsp::open(OcspOptions { db: db.clone(), pool: pool.clone(), clock, config })?)
}

impl App {
    /// The OCSP responder.
    #[must_use]
    pub fn ocsp(&self) -> &Ocsp {
        &self.0.ocsp
    }

    pub(super) fn start_responders(&self, stop: &watch::Receiver<bool>) {
        if !self.config().ocsp.enabled {
            return;
        }
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(ANSWERS, &mut halt).await {
                if app.is_open() {
                    let outcome = app.make_answers().await;
                    tell_once(&mut told, outcome, "OCSP answers could not be made ahead");
                }
            }
        });
        let (app, mut halt) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            let mut told = None;
            while !elapsed(RENEWALS, &mut halt).await {
                if app.is_open() {
                    let outcome = app.renew_responders().await;
                    tell_once(&mut told, outcome, "OCSP responders could not be renewed");
                }
            }
        });
        self.start_foreign(stop);
    }

    /// Tells the responder of every issuer, and once of the certificates from before it was there.
    ///
    /// # Errors
    /// The database. The responder then answers for the issuers it knows.
    pub async fn tell_responder(&self) -> Result<(), Failure> {
        for issuer in self.ca().issuers().into_iter().filter(|issuer| is_answered_for(issuer)) {
            let (id, certificate, parent) = (issuer.id.clone(), issuer.certificate.clone(), issuer.parent.clone());
            self.ocsp().add_issuer(Issuer { id, certificate, parent }).await?;
        }
        if !self.ocsp().is_filled(SOURCE).await? {
            let told = self.ca().tell_again(self.ocsp().feed()).await?;
            self.ocsp().set_filled(SOURCE).await?;
            tracing::info!(certificates = told, "the OCSP responder took over the certificates there were");
        }
        Ok(())
    }

    /// Makes every answer that is due.
    async fn make_answers(&self) -> Result<(), Failure> {
        self.tell_responder().await?;
        self.ocsp().presign_due().await?;
        Ok(())
    }

    /// Gives every issuer's responder a new key and certificate where there is none or it grows old, and destroys keys
    /// that were replaced.
    ///
    /// # Errors
    /// `SEALED`, and as the authority reports; what is in use stays in use.
    pub async fn renew_responders(&self) -> Result<(), Failure> {
        self.tell_responder().await?;
        if !self.config().ocsp.enabled {
            return Ok(());
        }
        let now = self.clock().now();
        for issuer in self.ca().issuers().into_iter().filter(|issuer| certifies_responders(issuer)) {
            if !self.has_fresh_responder(&issuer.id, now).await? {
                self.renew_responder(&issuer, now).await?;
            }
        }
        self.destroy_replaced(now).await
    }

    /// Whether more than a third of the responder's certificate is left and its key may sign.
    async fn has_fresh_responder(&self, issuer: &IssuerId, now: Instant) -> Result<bool, Failure> {
        let Some((responder, not_after)) = self.ocsp().responder(issuer) else { return Ok(false) };
        let key = self.kms().record(responder.key).await?;
        let length = key.not_before.zip(key.not_after).map(|(from, until)| until.since(from));
        Ok(key.state == KeyState::Active && length.is_some_and(|length| not_after.since(now) > length / 3))
    }

    async fn renew_responder(&self, issuer: &ca::Issuer, now: Instant) -> Result<(), Failure> {
        if issuer.not_after <= now {
            return Ok(());
        }
        let manage = self.as_system(Permission::ManageIssuers)?;
        let spec =
            KeySpec { purpose: Purpose::Ocsp, algorithm: issuer.algorithm, subject: None, tenant: TenantId::house() };
        let key = self.kms().generate(&manage, spec).await?;
        let subject = DistinguishedName::common_name(&format!("{} OCSP {}", house_name(self), issuer.id))?
            .with(Attribute::Organisation, &house_name(self))?
            .with(Attribute::Country, "CN")?;
        let request = OwnRequest {
            spki: key.spki,
            subject,
            sans: SubjectAltName::default(),
            profile: "ocsp-signer".to_owned(),
            issuer: issuer.id.clone(),
            days: None,
        };
        let issue = self.as_system(Permission::IssueCertificate)?;
        let certificate = self.issuing().await?.issue_for_key(&issue, request).await?;
        self.kms().set_signing_period(&manage, key.id, certificate.validity).await?;
        let responder = Responder { key: key.id, certificate: certificate.der };
        self.ocsp().set_responder(&issuer.id, responder).await?;
        tracing::info!(issuer = %issuer.id, until = %certificate.validity.not_after(), "a new OCSP responder signs");
        Ok(())
    }

    /// Whether each issuer has a responder that can sign, and each authority of others a CRL that has not ended.
    pub(super) fn check_responders(&self) -> Vec<Check> {
        if !self.config().ocsp.enabled {
            return Vec::new();
        }
        let now = self.clock().now();
        let of = |one: ::ocsp::IssuerMetrics| {
            let outcome = match (one.responder_not_after, one.crl_next_update, one.followed) {
                (None, ..) => Err("no responder yet; questions must wait".to_owned()),
                (Some(until), ..) if until <= now => Err(format!("the responder ended at {until}")),
                (_, None, true) => Err("no CRL of this authority yet".to_owned()),
                (_, Some(until), true) if until <= now => Err(format!("its CRL ended at {until}")),
                (_, Some(until), true) => Ok(format!("answers from its CRL, next update {until}")),
                (Some(until), ..) => Ok(format!("its responder signs until {until}")),
            };
            let (ok, detail) = outcome.map_or_else(|why| (false, why), |well| (true, well));
            Check { name: format!("ocsp-{}", one.issuer), ok, detail }
        };
        // A revoked issuer certifies no responder any more: that its last one ends is as it should be.
        let gone =
            |one: &::ocsp::IssuerMetrics| self.ca().issuers().iter().any(|issuer| is_revoked(issuer, &one.issuer));
        self.ocsp().metrics().issuers.into_iter().filter(|one| !gone(one)).map(of).collect()
    }

    /// Destroys the keys of responders that sign no more: replaced, or left over when a renewal broke off.
    async fn destroy_replaced(&self, now: Instant) -> Result<(), Failure> {
        let issuers = self.ca().issuers();
        let in_use: Vec<KeyId> =
            issuers.iter().filter_map(|issuer| Some(self.ocsp().responder(&issuer.id)?.0.key)).collect();
        let manage = self.as_system(Permission::ManageIssuers)?;
        for key in self.kms().list(&TenantId::house()).await? {
            let over = key.purpose == Purpose::Ocsp && !in_use.contains(&key.id);
            let settled = now.since(key.created) > ON_ITS_WAY;
            if over && settled && matches!(key.state, KeyState::Active | KeyState::Retired) {
                if key.state == KeyState::Active {
                    self.kms().set_state(&manage, key.id, KeyState::Retired).await?;
                }
                self.kms().set_state(&manage, key.id, KeyState::Destroyed).await?;
            }
        }
        Ok(())
    }
}
