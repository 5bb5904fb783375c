//! The parts of the application, for the edges.

use std::sync::{Arc, PoisonError};

use ca::Ca;
use crypto_pool::{Kms, PoolHandle, Purpose};
use key_centre::KeyCentre;
use ledger::audit::Checkpoint;
use ledger::{AuditLog, Db};
use pki_config::config::Config;
use pki_config::ids::WellKnownIssuer;
use pki_config::role::{Authorized, Permission, Setup, authorize};
use pki_config::{Actor, Clock, ErrorCode, IssuerId, Random, TenantId};

use super::{App, Background};
use crate::api::{AuditReport, DoctorReport};
use crate::auth::{Gate, Lockout, Secret};
use crate::backup::Source;
use crate::data_dir::{DataDir, SetupFile};
use crate::edge::ocsp::OcspDoor;
use crate::problem::Failure;
use crate::receipt::{self, LogChain};
use crate::store::Link;
use crate::tls::ServerCertificate;

impl App {
    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// The keys.
    #[must_use]
    pub fn kms(&self) -> &Kms {
        &self.0.kms
    }

    /// The signing pool.
    #[must_use]
    pub fn pool(&self) -> &PoolHandle {
        &self.0.pool
    }

    /// The certificate authority.
    #[must_use]
    pub fn ca(&self) -> &Ca {
        &self.0.ca
    }

    /// The key centre.
    #[must_use]
    pub fn centre(&self) -> &KeyCentre {
        &self.0.centre
    }

    /// The OCSP responder's door.
    #[must_use]
    pub fn ocsp_door(&self) -> &Arc<OcspDoor> {
        &self.0.ocsp_door
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.options.clock
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.0.options.random
    }

    /// What people work on in the pages.
    pub(crate) fn shelves(&self) -> &crate::portal::Shelves {
        &self.0.shelves
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.options.config
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &DataDir {
        &self.0.dir
    }

    /// Trial or production.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.0.setup.setup
    }

    /// What `setup.toml` says.
    #[must_use]
    pub fn setup_file(&self) -> &SetupFile {
        &self.0.setup
    }

    /// The name of the installation: six hexadecimal digits.
    #[must_use]
    pub fn installation(&self) -> &str {
        &self.0.setup.installation
    }

    /// The user the socket serves.
    #[must_use]
    pub fn owner(&self) -> u32 {
        self.0.owner
    }

    /// Whether the root key is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.kms.root().is_open()
    }

    /// Failed logins.
    #[must_use]
    pub fn lockout(&self) -> &Lockout {
        &self.0.lockout
    }

    /// What the portal remembers while it runs.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The TLS certificate in use.
    #[must_use]
    pub fn tls(&self) -> &Arc<ServerCertificate> {
        &self.0.tls
    }

    /// The issuer of officers' and servers' certificates.
    #[must_use]
    pub fn ec_issuing(&self) -> IssuerId {
        IssuerId::well_known(WellKnownIssuer::EcIssuing)
    }

    /// The self-test begun from a page.
    #[must_use]
    pub fn doctor(&self) -> &Background<DoctorReport> {
        &self.0.doctor
    }

    /// The full check of the log begun from a page. `None` as its result: it could not be made.
    #[must_use]
    pub fn verification(&self) -> &Background<Option<AuditReport>> {
        &self.0.verification
    }

    /// The suite's own right to something.
    ///
    /// # Errors
    /// `FORBIDDEN` where the suite itself has none.
    pub fn as_system(&self, permission: Permission) -> Result<Authorized, Failure> {
        Ok(authorize(&Actor::system(), permission, self.setup())?)
    }

    /// What a backup of this moment is made of.
    ///
    /// # Errors
    /// As [`App::checkpoint_now`].
    pub async fn backup_source(&self) -> Result<Source, Failure> {
        let log_key = self.0.kms.active(&TenantId::house(), Purpose::AuditLog).await?.ok_or(ErrorCode::AuditBroken)?;
        Ok(Source {
            db: self.0.db.clone(),
            pool: self.0.pool.clone(),
            log_key,
            checkpoint: self.checkpoint_now().await?,
            issuers: self.0.ca.issuers().iter().map(|i| (i.id.clone(), i.certificate.clone())).collect(),
            dir: self.0.dir.path().to_owned(),
            setup: self.0.setup.clone(),
            now: self.clock().now(),
            random: Arc::clone(&self.0.options.random),
            cost: self.argon2(),
        })
    }

    /// A checkpoint over everything until now.
    ///
    /// # Errors
    /// `SEALED`, and as the log reports.
    pub async fn checkpoint_now(&self) -> Result<Checkpoint, Failure> {
        let checkpointer = self.0.checkpointer.get().ok_or(ErrorCode::Stopping)?;
        Ok(checkpointer.now().await?)
    }

    /// The receipt of one entry.
    ///
    /// # Errors
    /// `PROOF_IMPOSSIBLE` if there is no such entry; as [`App::checkpoint_now`].
    pub async fn receipt(&self, seq: ledger::Seq) -> Result<crate::api::Receipt, Failure> {
        let checkpointer = self.0.checkpointer.get().ok_or(ErrorCode::Stopping)?;
        let (certificate, chain) = self.log_certificate().await?;
        let log = LogChain::new(&certificate, &chain.issuers).map_err(|e| Failure::inside(ErrorCode::Internal, e))?;
        Ok(receipt::build(self.audit(), checkpointer, &log, seq).await?)
    }

    /// Reads the organisation's name for the frame of the pages.
    pub(super) async fn read_organisation(&self) -> Result<(), ledger::DbError> {
        let house = TenantId::house();
        let name = self.db().read(move |tx| crate::store::setting::organisation(tx, &house)).await?;
        self.gate().set_organisation(&name.unwrap_or_default());
        Ok(())
    }

    /// A one-time link as stored.
    pub(crate) fn link(&self, secret: &Secret) -> Link {
        let until = self.clock().now().plus(self.config().web.link_lifetime.duration());
        Link { hash: secret.hash(), until }
    }

    /// A one-time link as shown. The secret stands behind `#`, so that no server and no preview gets it.
    #[must_use]
    pub fn link_url(&self, secret: &Secret) -> String {
        let port = self.config().web.https.port();
        let host = self.config().web.https_names.first().map_or("localhost", String::as_str);
        format!("https://{host}:{port}/setup#{}", secret.show())
    }

    /// A holder's pick-up link as shown. The secret stands behind `#` here too.
    #[must_use]
    pub fn pickup_url(&self, secret: &Secret) -> String {
        let port = self.config().web.https.port();
        let host = self.config().web.https_names.first().map_or("localhost", String::as_str);
        format!("https://{host}:{port}/pickup#{}", secret.show())
    }

    /// Removes the file with the administrator's link once that link was used.
    pub(crate) fn forget_link_file(&self, used: &Link) {
        let file = self.0.dir.admin_link();
        let Ok(text) = std::fs::read_to_string(&file) else { return };
        let shown = text.trim().rsplit('#').next().and_then(|s| Secret::read(crate::auth::SecretKind::Link, s));
        if shown.is_some_and(|secret| secret.hash() == used.hash) {
            // The secret in it opens nothing any more.
            let _ = std::fs::remove_file(file);
        }
    }

    /// An identifier for a request: 64 random bits, so that two in one log are not the same.
    pub(crate) fn draw_request_id(&self) -> String {
        let mut bytes = [0; 8];
        match self.random().fill(&mut bytes) {
            Ok(()) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
            Err(_) => "none".to_owned(),
        }
    }

    pub(super) fn set_findings(&self, findings: Vec<String>) {
        *self.0.findings.lock().unwrap_or_else(PoisonError::into_inner) = findings;
    }

    pub(super) fn findings(&self) -> Vec<String> {
        self.0.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
