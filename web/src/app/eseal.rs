//! Seals: the service, its ports, the keys that make seals and those that sign with them.
//!
//! One key of the house makes all seals; its certificate is of the profile `seal-maker`. A seal whose key the house
//! keeps has two of the profile `seal-signer`: SM2, which stands in the seal, and ECDSA for PAdES. Certificates are
//! renewed, with new keys, when a third of their life is left, and the seal is made again with them.

mod trust;

use std::sync::Arc;
use std::time::Duration;

use ca::{Ca, OwnRequest};
use crypto_pool::path::Cert;
use crypto_pool::{KeyAlgorithm, KeySpec, KeyState, PoolHandle, Purpose};
use eseal::core::job::Limits;
use eseal::{Eseal, EsealOptions, NewKey, NewMaker, SealRecord, SealState, Workshop, WorkshopOptions};
use ledger::{AuditLog, Db};
use pki_config::config::EsealConfig;
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{Attribute, DistinguishedName, SubjectAltName};
use pki_config::ports::{Later, NoAnswer, StampHash, StatusLookup, TimeStamper};
use pki_config::role::{Permission, Setup};
use pki_config::status::CertStatus;
use pki_config::{Actor, ErrorCode, Instant, IssuerId, KeyId, Serial, TenantId};
use tsa::Tsa;
use tsa::core::request::{Draft, Hash, StampRequest};

use super::first_start::house_name;
use super::tsa::Stamping;
use super::{App, AppError, AppOptions};
use crate::edge::tsa::rate::RateLimit;
use crate::problem::Failure;

/// What the application keeps for seals.
pub(super) struct Sealing {
    eseal: Eseal,
    rate: RateLimit,
    /// One at a time makes keys and seals: the schedule, or whoever approved.
    making: tokio::sync::Mutex<()>,
}

impl Sealing {
    pub(super) fn open(
        db: &Db,
        audit: &AuditLog,
        pool: &PoolHandle,
        (ca, stamping): (&Ca, &Stamping),
        setup: Setup,
        options: &AppOptions,
    ) -> Result<Self, AppError> {
        let config = &options.config.eseal;
        let time_stamper: Option<Arc<dyn TimeStamper>> =
            options.config.tsa.enabled.then(|| Arc::new(OwnTsa(stamping.tsa.clone())) as _);
        let status: Arc<dyn StatusLookup> = Arc::new(OwnStatus(ca.clone()));
        let believes = trust::OwnTrust::new(ca.clone(), Arc::clone(&status), Arc::clone(&options.clock));
        let eseal = Eseal::open(EsealOptions {
            db: db.clone(),
            audit: audit.clone(),
            pool: pool.clone(),
            clock: Arc::clone(&options.clock),
            random: Arc::clone(&options.random),
            setup,
            workshop: Workshop::new(workshop(config, options)),
            status,
            believes: Arc::new(believes),
            time_stamper,
            validity: Duration::from_secs(u64::from(config.validity) * 86_400),
            status_lifetime: config.status_lifetime.duration(),
        })?;
        let rate = RateLimit::new(config.verify_rate, config.verify_burst);
        Ok(Self { eseal, rate, making: tokio::sync::Mutex::new(()) })
    }
}

fn workshop(config: &EsealConfig, options: &AppOptions) -> WorkshopOptions {
    let memory = u64::from(config.worker_memory) << 20;
    let told = vec!["worker".into(), "--memory".into(), memory.to_string().into()];
    let limits = Limits {
        document: config.document_bytes(),
        pages: usize::try_from(config.pages).unwrap_or(usize::MAX),
        ..Limits::default()
    };
    WorkshopOptions {
        program: options.worker.clone().map(|program| (program, told)),
        workers: config.worker_count(),
        queue: usize::try_from(config.queue).unwrap_or(1024),
        time: config.worker_time.duration(),
        jobs: config.worker_jobs,
        limits: Limits { unpacked: limits.unpacked.max(limits.document), ..limits },
    }
}

/// Tells seals the status of our own certificates.
struct OwnStatus(Ca);

impl StatusLookup for OwnStatus {
    fn status(&self, certificate: &[u8]) -> Later<'_, Result<Option<CertStatus>, NoAnswer>> {
        let der = certificate.to_vec();
        Box::pin(async move {
            let no = |error: &dyn std::fmt::Display| NoAnswer(error.to_string());
            let cert = Cert::from_der(&der).map_err(|e| no(&e))?;
            let serial = Serial::from_der_content(cert.serial()).map_err(|e| no(&e))?;
            match self.0.certificate(&TenantId::house(), &serial, None).await {
                Ok(known) if known.der == der => Ok(Some(known.status)),
                Ok(_) => Ok(None),
                Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
                Err(error) => Err(no(&error)),
            }
        })
    }
}

/// Time-stamps signatures of seals.
struct OwnTsa(Tsa);

impl TimeStamper for OwnTsa {
    fn stamp(&self, hash: StampHash, digest: &[u8]) -> Later<'_, Result<Vec<u8>, NoAnswer>> {
        let digest = digest.to_vec();
        Box::pin(async move {
            let hash = match hash {
                StampHash::Sm3 => Hash::Sm3,
                StampHash::Sha256 => Hash::Sha256,
            };
            let der = Draft { hash, digest: &digest, policy: None, nonce: None, cert_req: true }.to_der();
            let request = StampRequest::parse(&der).map_err(|why| NoAnswer(why.to_string()))?;
            let stamped = self.0.stamp(&Actor::system(), &request, None).await;
            stamped.map(|stamped| stamped.token).map_err(|why| NoAnswer(why.to_string()))
        })
    }
}

impl App {
    /// The service of seals.
    ///
    /// # Errors
    /// `NOT_FOUND` where it is switched off.
    pub fn eseal(&self) -> Result<&Eseal, Failure> {
        if self.config().eseal.enabled { Ok(&self.0.sealing.eseal) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// How often one address may have documents verified.
    pub(crate) fn verify_rate(&self) -> &RateLimit {
        &self.0.sealing.rate
    }

    /// Makes what is approved, and keeps the certificates alive that make seals and sign with them.
    ///
    /// # Errors
    /// `SEALED`, and as the authority reports; what is in use stays in use.
    pub async fn look_after_seals(&self) -> Result<(), Failure> {
        if !self.config().eseal.enabled {
            return Ok(());
        }
        let eseal = &self.0.sealing.eseal;
        {
            let _one_at_a_time = self.0.sealing.making.lock().await;
            self.renew_maker().await?;
            self.renew_reporter().await?;
        }
        for record in eseal.to_make().await? {
            self.make_seal(&Actor::system(), &record, false).await?;
        }
        for record in eseal.kept().await? {
            self.renew_signers(&record).await?;
        }
        Ok(())
    }

    /// Makes an approved seal: its keys and certificates, and then the seal.
    ///
    /// # Errors
    /// As [`App::look_after_seals`]; the schedule tries again.
    pub(crate) async fn make_seal(
        &self,
        by: &Actor,
        record: &SealRecord,
        one_step: bool,
    ) -> Result<SealRecord, Failure> {
        let eseal = self.eseal()?;
        let _one_at_a_time = self.0.sealing.making.lock().await;
        // Somebody else may have been here first.
        let record = eseal.record(&record.tenant, record.id).await?;
        if record.state != SealState::Approved {
            return Ok(record);
        }
        self.renew_maker().await?;
        let keys = if record.house_key() { self.signers(&record).await? } else { Vec::new() };
        Ok(eseal.make(by, &record, keys, one_step).await?)
    }

    /// Destroys the keys that sign with a revoked seal.
    pub(crate) async fn destroy_seal_keys(&self, record: &SealRecord) -> Result<(), Failure> {
        let manage = self.as_system(Permission::ManageIssuers)?;
        for (key, _) in self.eseal()?.keys(record).await? {
            let state = self.kms().record(key).await?.state;
            for next in [KeyState::Retired, KeyState::Destroyed] {
                if state != KeyState::Destroyed && (next == KeyState::Destroyed || state.may_become(next)) {
                    self.kms().set_state(&manage, key, next).await?;
                }
            }
        }
        Ok(())
    }

    async fn renew_maker(&self) -> Result<(), Failure> {
        let eseal = self.eseal()?;
        if let Some((_, der)) = eseal.maker()
            && self.lasts(&der).await?
        {
            return Ok(());
        }
        let name = format!("{} Seal Maker", house_name(self));
        let subject = DistinguishedName::common_name(&name)?
            .with(Attribute::Organisation, &house_name(self))?
            .with(Attribute::Country, "CN")?;
        let house = TenantId::house();
        let wanted = (Purpose::SealMaker, "seal-maker", WellKnownIssuer::Sm2Issuing);
        let (key, chain) = self.certified(house, wanted, subject).await?;
        Ok(eseal.add_maker(Actor::system(), NewMaker { key, chain }).await?)
    }

    async fn renew_reporter(&self) -> Result<(), Failure> {
        let eseal = self.eseal()?;
        if let Some((_, der)) = eseal.reporter()
            && self.lasts(&der).await?
        {
            return Ok(());
        }
        let subject = DistinguishedName::common_name(&format!("{} Verification Reports", house_name(self)))?
            .with(Attribute::Organisation, &house_name(self))?
            .with(Attribute::Country, "CN")?;
        let wanted = (Purpose::SealSigner, "seal-signer", WellKnownIssuer::EcIssuing);
        let (key, chain) = self.certified(TenantId::house(), wanted, subject).await?;
        Ok(eseal.add_reporter(Actor::system(), NewMaker { key, chain }).await?)
    }

    /// Makes a seal of ours again when its signers' certificates are about to end, or were revoked.
    async fn renew_signers(&self, record: &SealRecord) -> Result<(), Failure> {
        let eseal = self.eseal()?;
        let old = eseal.keys(record).await?;
        let mut last = true;
        for (_, der) in &old {
            last &= self.lasts(der).await?;
        }
        if last || record.valid_until <= self.clock().now() {
            return Ok(());
        }
        let _one_at_a_time = self.0.sealing.making.lock().await;
        let keys = self.signers(record).await?;
        eseal.make(&Actor::system(), record, keys, false).await?;
        let manage = self.as_system(Permission::ManageIssuers)?;
        for (key, _) in old {
            if self.kms().record(key).await?.state == KeyState::Active {
                self.kms().set_state(&manage, key, KeyState::Retired).await?;
            }
        }
        Ok(())
    }

    /// New keys and certificates to sign with a seal: SM2, and the one for PAdES.
    async fn signers(&self, record: &SealRecord) -> Result<Vec<NewKey>, Failure> {
        let mut keys = Vec::new();
        for issuer in [WellKnownIssuer::Sm2Issuing, WellKnownIssuer::EcIssuing] {
            let mut subject = DistinguishedName::common_name(&record.owner)?;
            if record.kind.number() == 1 {
                subject = subject.with(Attribute::Organisation, &record.owner)?;
            }
            let subject = subject.with(Attribute::Country, "CN")?;
            let wanted = (Purpose::SealSigner, "seal-signer", issuer);
            let (key, chain) = self.certified(record.tenant.clone(), wanted, subject).await?;
            keys.push(NewKey { key, chain });
        }
        Ok(keys)
    }

    /// A new key, its certificate, and that one's issuers without the root.
    async fn certified(
        &self,
        tenant: TenantId,
        (purpose, profile, issuer): (Purpose, &str, WellKnownIssuer),
        subject: DistinguishedName,
    ) -> Result<(KeyId, Vec<Vec<u8>>), Failure> {
        let algorithm = match issuer {
            WellKnownIssuer::Sm2Root | WellKnownIssuer::Sm2Issuing => KeyAlgorithm::Sm2,
            WellKnownIssuer::EcRoot | WellKnownIssuer::EcIssuing => KeyAlgorithm::P256,
        };
        let manage = self.as_system(Permission::ManageIssuers)?;
        let key = self.kms().generate(&manage, KeySpec { purpose, algorithm, subject: None, tenant }).await?;
        let request = OwnRequest {
            spki: key.spki,
            subject,
            sans: SubjectAltName::default(),
            profile: profile.to_owned(),
            issuer: IssuerId::well_known(issuer),
            days: None,
        };
        let issue = self.as_system(Permission::IssueCertificate)?;
        let certificate = self.issuing().await?.issue_for_key(&issue, request).await?;
        let mut chain = vec![certificate.der];
        chain.extend(self.ca().chain(&certificate.issuer)?.issuers);
        Ok((key.id, chain))
    }

    /// Whether more than a third of the certificate's life is left and it was not revoked.
    async fn lasts(&self, der: &[u8]) -> Result<bool, Failure> {
        let now: Instant = self.clock().now();
        let Ok(cert) = Cert::from_der(der) else { return Ok(false) };
        let status = OwnStatus(self.ca().clone()).status(der).await;
        let status = status.map_err(|why| Failure::inside(ErrorCode::StorageFailed, why))?;
        let (left, length) = (cert.not_after().since(now), cert.not_after().since(cert.not_before()));
        Ok(status == Some(CertStatus::Good) && left > length / 3)
    }
}
