//! Time-stamping: the authority, its clock, its limit per address, and the units that sign.
//!
//! A unit is a key and a certificate of the profile `tsa`, one kind under each hierarchy. Its key signs for
//! `tsa.key_signs`, far shorter than its certificate is valid, so that its tokens outlive it. The next unit
//! is made `tsa.announce` before it begins, so that whoever keeps a list of certificates has it in time, and
//! begins `tsa.overlap` before the old one's end, which could stand in until then.

use std::sync::Arc;

use ca::OwnRequest;
use crypto_pool::{KeyAlgorithm, KeySpec, KeyState, PoolHandle, Purpose};
use ledger::{AuditLog, Db};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{Attribute, DistinguishedName, SubjectAltName};
use pki_config::role::Permission;
use pki_config::status::CertStatus;
use pki_config::time::Validity;
use pki_config::{Actor, ErrorCode, Instant, IssuerId, Serial, TenantId};
use tokio::sync::watch;
use tsa::clock::Poller;
use tsa::{Family, NewUnit, TrustedClock, Tsa, TsaOptions, Unit, record_clock};

use super::first_start::house_name;
use super::{App, AppError, AppOptions};
use crate::edge::tsa::rate::RateLimit;
use crate::problem::Failure;
use crate::serve::stopped;

/// What the application keeps for time-stamps.
pub(super) struct Stamping {
    pub(super) tsa: Tsa,
    time: Arc<TrustedClock>,
    poller: Arc<Poller>,
    rate: RateLimit,
}

impl Stamping {
    pub(super) fn open(db: &Db, audit: &AuditLog, pool: &PoolHandle, options: &AppOptions) -> Result<Self, AppError> {
        let config = &options.config.tsa;
        let (log_db, log) = (db.clone(), audit.clone());
        let time = TrustedClock::from_config(&config.clock, Arc::clone(&options.clock))
            .on_change(move |change| record_clock(&log_db, &log, change));
        let time = Arc::new(time);
        let (machine, random) = (Arc::clone(&options.clock), Arc::clone(&options.random));
        let poller = Arc::new(Poller::new(&config.clock, Arc::clone(&time), machine, random));
        let tsa = Tsa::open(TsaOptions {
            db: db.clone(),
            audit: audit.clone(),
            pool: pool.clone(),
            time: Arc::clone(&time),
            clock: Arc::clone(&options.clock),
            random: Arc::clone(&options.random),
            policies: config.policies.clone(),
            evidence: config.evidence.clone(),
        })?;
        Ok(Self { tsa, time, poller, rate: RateLimit::new(config.rate, config.burst) })
    }
}

impl App {
    /// The time-stamping authority.
    ///
    /// # Errors
    /// `NOT_FOUND` where it is switched off.
    pub fn tsa(&self) -> Result<&Tsa, Failure> {
        if self.config().tsa.enabled { Ok(&self.0.stamping.tsa) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// How often one address may ask for a time-stamp.
    pub(crate) fn stamp_rate(&self) -> &RateLimit {
        &self.0.stamping.rate
    }

    /// Asks the sources of time once, as the schedule does every few seconds.
    pub async fn ask_time_sources(&self) {
        self.0.stamping.poller.round().await;
    }

    /// Asks the sources of time until `stop` turns true, and keeps the index of what was stamped.
    pub(super) fn start_stamping(&self, stop: &watch::Receiver<bool>) {
        if !self.config().tsa.enabled {
            return;
        }
        if self.0.stamping.time.is_trial() {
            tracing::warn!(
                "time-stamps carry the trial policy: no source of time is configured (tsa.clock.ntp_servers)"
            );
        }
        let poller = Arc::clone(&self.0.stamping.poller);
        let mut halt = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = poller.run() => {}
                () = stopped(&mut halt) => {}
            }
        });
        let (tsa, mut halt) = (self.0.stamping.tsa.clone(), stop.clone());
        tokio::spawn(async move {
            while !super::schedule::elapsed(INDEX, &mut halt).await {
                if let Err(error) = tsa.index_imprints().await {
                    tracing::debug!(%error, "time-stamps could not be indexed");
                }
            }
        });
    }

    /// Stamps again what is archived before it loses its force.
    ///
    /// # Errors
    /// As the authority reports; the next turn goes on where this one stopped.
    pub async fn renew_stamp_evidence(&self) -> Result<(), Failure> {
        if self.config().tsa.enabled {
            self.0.stamping.tsa.renew_evidence().await?;
        }
        Ok(())
    }

    /// Makes the units that are due, stops those whose key or certificate no longer counts, and retires the
    /// keys of those whose time is over.
    ///
    /// # Errors
    /// As the authority and the keys report; what signs goes on signing.
    pub async fn roll_stamp_units(&self) -> Result<(), Failure> {
        if !self.config().tsa.enabled {
            return Ok(());
        }
        let tsa = &self.0.stamping.tsa;
        let now = self.clock().now();
        for unit in tsa.units() {
            self.look_after(&unit, now).await?;
        }
        for family in Family::ALL {
            if let Some((from, until)) = self.due(&tsa.units(), family, now) {
                self.make_unit(family, from, until).await?;
            }
        }
        Ok(())
    }

    async fn look_after(&self, unit: &Unit, now: Instant) -> Result<(), Failure> {
        if unit.is_stopped() {
            return Ok(());
        }
        let key = self.kms().record(unit.key()).await?;
        if now >= unit.signs_until() {
            if key.state == KeyState::Active {
                let manage = self.as_system(Permission::ManageIssuers)?;
                self.kms().set_state(&manage, unit.key(), KeyState::Retired).await?;
            }
            return Ok(());
        }
        let cert = unit.signer().certificate();
        let serial = Serial::from_der_content(cert.serial()).map_err(|e| Failure::inside(ErrorCode::AuditBroken, e))?;
        // The serial is 127 random bits: it is nobody else's.
        let known = self.ca().certificate(&TenantId::house(), &serial, None).await?;
        let good = known.status == CertStatus::Good && known.der == cert.der();
        if key.state != KeyState::Active || !good {
            tracing::warn!(key = %unit.key(), "a time-stamping unit no longer counts; another takes over");
            unit.stop();
        }
        Ok(())
    }

    /// From when to when the next unit of this kind signs, if it is to be made now.
    fn due(&self, units: &[Arc<Unit>], family: Family, now: Instant) -> Option<(Instant, Instant)> {
        let config = &self.config().tsa;
        let signs = config.key_signs.duration();
        let of_family = || units.iter().filter(|unit| unit.family() == family && !unit.is_stopped());
        if !of_family().any(|unit| unit.signs_at(now)) {
            return Some((now.whole_second(), now.whole_second().plus(signs)));
        }
        let last = of_family().map(|unit| unit.signs_until()).max()?;
        let from = last.minus(config.overlap.duration());
        (from.minus(config.announce.duration()) <= now).then(|| {
            let from = from.max(now.whole_second());
            (from, from.plus(signs))
        })
    }

    async fn make_unit(&self, family: Family, from: Instant, until: Instant) -> Result<(), Failure> {
        let (algorithm, issuer, kind) = match family {
            Family::Sm2 => (KeyAlgorithm::Sm2, WellKnownIssuer::Sm2Issuing, "SM2"),
            Family::Ec => (KeyAlgorithm::P256, WellKnownIssuer::EcIssuing, "EC"),
        };
        let day = from.to_string();
        let name = format!("{} Time-Stamp {kind} {}", house_name(self), day.get(..10).unwrap_or_default());
        let subject = DistinguishedName::common_name(&name)?
            .with(Attribute::Organisation, &house_name(self))?
            .with(Attribute::Country, "CN")?;
        let manage = self.as_system(Permission::ManageIssuers)?;
        let spec = KeySpec { purpose: Purpose::TimeStamp, algorithm, subject: None, tenant: TenantId::house() };
        let key = self.kms().generate(&manage, spec).await?;
        let period = Validity::between(from, until).ok_or(ErrorCode::Internal)?;
        self.kms().set_signing_period(&manage, key.id, period).await?;
        let request = OwnRequest {
            spki: key.spki,
            subject,
            sans: SubjectAltName::default(),
            profile: "tsa".to_owned(),
            issuer: IssuerId::well_known(issuer),
            days: None,
        };
        let issue = self.as_system(Permission::IssueCertificate)?;
        let certificate = self.issuing().await?.issue_for_key(&issue, request).await?;
        let chain = self.ca().chain(&certificate.issuer)?.issuers;
        let new = NewUnit { key: key.id, certificate: certificate.der, chain, signs_from: from, signs_until: until };
        self.0.stamping.tsa.add_unit(Actor::system(), new).await?;
        Ok(())
    }
}

/// How often the index by digest catches up.
const INDEX: std::time::Duration = std::time::Duration::from_secs(5);
