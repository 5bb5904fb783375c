//! The certificates the installation uses itself: its TLS server's, and that of the log's key. Both renew
//! themselves when a third of their life is left, at start and while running; that one has expired
//! never blocks a start.

use std::time::Duration;

use ca::{Certificate, OwnRequest};
use crypto_pool::{KeyAlgorithm, KeySpec, KeyState, Purpose};
use ledger::{EntryDraft, Importance, Outcome};
use pki_config::ids::WellKnownIssuer;
use pki_config::name::{AltName, Attribute, DistinguishedName, SubjectAltName};
use pki_config::role::Permission;
use pki_config::status::CertStatus;
use pki_config::{Actor, ErrorCode, Event, Instant, IssuerId, KeyId, TenantId};

use super::App;
use super::first_start::house_name;
use crate::problem::Failure;
use crate::store::{self, Own, OwnPurpose};

impl App {
    /// Renews what is due and puts the TLS certificate to use.
    ///
    /// # Errors
    /// `SEALED`, and as the authority reports; what is in use stays in use.
    pub async fn renew_own(&self) -> Result<(), Failure> {
        self.renew_log_certificate().await?;
        self.renew_tls().await?;
        self.roll_stamp_units().await?;
        self.look_after_seals().await
    }

    /// The certificate of the log's key and the chain above it, DER, without the root.
    ///
    /// # Errors
    /// `SEALED` before the first one was made; the database.
    pub async fn log_certificate(&self) -> Result<(Vec<u8>, ca::Chain), Failure> {
        let (_, certificate) = self.own(OwnPurpose::AuditSigner).await?.ok_or(ErrorCode::Sealed)?;
        let chain = self.ca().chain(&certificate.issuer)?;
        Ok((certificate.der, chain))
    }

    async fn own(&self, purpose: OwnPurpose) -> Result<Option<(Own, Certificate)>, Failure> {
        let Some(own) = self.db().read(move |tx| store::own(tx, purpose)).await? else { return Ok(None) };
        let certificate = self.ca().certificate(&TenantId::house(), &own.serial, Some(&own.issuer)).await?;
        Ok(Some((own, certificate)))
    }

    async fn renew_log_certificate(&self) -> Result<(), Failure> {
        let now = self.clock().now();
        let current = self.own(OwnPurpose::AuditSigner).await?;
        if current.is_some_and(|(_, certificate)| is_fresh(&certificate, now)) {
            return Ok(());
        }
        let key = self.kms().active(&TenantId::house(), Purpose::AuditLog).await?.ok_or(ErrorCode::AuditBroken)?;
        let subject = DistinguishedName::common_name(&format!("{} Audit Log", house_name(self)))?
            .with(Attribute::Organisation, &house_name(self))?
            .with(Attribute::Country, "CN")?;
        let request = OwnRequest {
            spki: key.spki,
            subject,
            sans: SubjectAltName::default(),
            profile: "audit-signer".to_owned(),
            issuer: IssuerId::well_known(WellKnownIssuer::Sm2Issuing),
            days: None,
        };
        let issue = self.as_system(Permission::IssueCertificate)?;
        let certificate = self.issuing().await?.issue_for_key(&issue, request).await?;
        self.use_own(OwnPurpose::AuditSigner, key.id, &certificate).await
    }

    async fn renew_tls(&self) -> Result<(), Failure> {
        let now = self.clock().now();
        let names = self.tls_names()?;
        let wanted: Vec<String> = names.entries().iter().map(ToString::to_string).collect();
        if let Some((own, certificate)) = self.own(OwnPurpose::TlsServer).await? {
            let named = wanted.iter().all(|name| certificate.sans.contains(name));
            if named && is_fresh(&certificate, now) {
                return if self.tls().is_set() { Ok(()) } else { self.use_tls(own.key, &certificate).await };
            }
        }
        let manage = self.as_system(Permission::ManageIssuers)?;
        let spec =
            KeySpec { purpose: Purpose::Tls, algorithm: KeyAlgorithm::P256, subject: None, tenant: TenantId::house() };
        let old = self.own(OwnPurpose::TlsServer).await?;
        let key = self.kms().generate(&manage, spec).await?;
        let request = OwnRequest {
            spki: key.spki,
            subject: DistinguishedName::default(),
            sans: names,
            profile: "tls-server".to_owned(),
            issuer: self.ec_issuing(),
            days: None,
        };
        let issue = self.as_system(Permission::IssueCertificate)?;
        let certificate = self.issuing().await?.issue_for_key(&issue, request).await?;
        self.use_own(OwnPurpose::TlsServer, key.id, &certificate).await?;
        self.use_tls(key.id, &certificate).await?;
        if let Some((old, _)) = old {
            for state in [KeyState::Retired, KeyState::Destroyed] {
                self.kms().set_state(&manage, old.key, state).await?;
            }
        }
        Ok(())
    }

    /// Takes the certificate into use for TLS: from the next handshake on.
    async fn use_tls(&self, key: KeyId, certificate: &Certificate) -> Result<(), Failure> {
        let pkcs8 = self.kms().export_tls(key).await?;
        let mut chain = vec![certificate.der.clone()];
        chain.extend(self.ca().chain(&certificate.issuer)?.issuers);
        self.tls().set(chain, &pkcs8).map_err(|e| Failure::inside(ErrorCode::Internal, e))
    }

    async fn use_own(&self, purpose: OwnPurpose, key: KeyId, certificate: &Certificate) -> Result<(), Failure> {
        let own = Own { key, issuer: certificate.issuer.clone(), serial: certificate.serial.clone() };
        let (audit, object) = (self.audit().clone(), format!("{}/{}", own.issuer, own.serial));
        self.db()
            .write(Importance::Normal, move |tx| -> Result<(), Failure> {
                let seq = audit.next_seq(tx)?;
                let draft = EntryDraft {
                    actor: Actor::system(),
                    event: Event::CredentialBound,
                    object,
                    outcome: Outcome::Done,
                    payload: Vec::new(),
                    covers: vec![own.put(tx, purpose, seq)?],
                };
                audit.append(tx, draft)?;
                Ok(())
            })
            .await
    }

    /// This machine's own names, and those of the configuration.
    fn tls_names(&self) -> Result<SubjectAltName, Failure> {
        let mut names = vec![AltName::dns("localhost")?];
        names.extend(["127.0.0.1", "::1"].into_iter().filter_map(|ip| ip.parse().ok()).map(AltName::ip));
        for name in &self.config().web.https_names {
            let name = match name.parse() {
                Ok(ip) => AltName::ip(ip),
                Err(_) => AltName::dns(name)?,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(SubjectAltName::new(names)?)
    }
}

/// Whether more than a third of the certificate's life is left and it was not revoked.
fn is_fresh(certificate: &Certificate, now: Instant) -> bool {
    let left: Duration = certificate.validity.not_after().since(now);
    certificate.status == CertStatus::Good && left > certificate.validity.length() / 3
}
