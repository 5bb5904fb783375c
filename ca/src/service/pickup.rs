//! Pick-up links: an officer files names, the holder opens the link and sends the key, so that no officer ever has it.
//!
//! The link's secret is the right: whoever has it can put a key under those names. That is why the request is
//! decided after the key is here, by an officer who can compare its digest with what the holder reads out. Until the
//! link expires it also gives the certificate out. Only the SM3 of the secret is kept.

use std::time::Duration;

use crypto_pool::KeyAlgorithm;
use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::profile::KeyMaker;
use pki_config::role::{Authorized, Permission};
use pki_config::{Actor, BranchId, Channel, Event, Identity, IssuerId, RequestId, Role};

use ledger::Importance;

use super::issue::Asked;
use super::requests::{Ready, contact, done, names, seen};
use super::{Ca, Certificate, Checked};
use crate::core::csr::ProvenRequest;
use crate::core::draft::Subject;
use crate::core::evidence::Evidence;
use crate::core::lint::Severity;
use crate::error::Error;
use crate::store::{self, Pickup, RequestRow, RequestState};

/// How many days a link may work.
const LINK_DAYS: std::ops::RangeInclusive<u32> = 1..=90;

/// Names that wait for their holder's key.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Subject.
    pub subject: DistinguishedName,
    /// Alternative names.
    pub sans: SubjectAltName,
    /// Identity numbers.
    pub identity: Identity,
    /// Profile.
    pub profile: String,
    /// Issuer; found by the key's kind when absent.
    pub issuer: Option<IssuerId>,
    /// Validity in days.
    pub days: Option<u32>,
    /// The branch it belongs to.
    pub branch: Option<BranchId>,
    /// Where the holder gets mail.
    pub contact: Option<String>,
    /// What shows the names to be right.
    pub evidence: Vec<Evidence>,
    /// How long the link works. Unit: days, 1 to 90.
    pub link_days: u32,
    /// SM3 of the link's secret.
    pub link: [u8; 32],
}

impl Ca {
    /// Files names for a holder who is to send the key. They are linted now with a key of an issuer in its place.
    ///
    /// # Errors
    /// As [`Ca::submit`]; [`Error::PickupLifetime`].
    pub async fn invite(&self, auth: &Authorized, invitation: &Invitation) -> Result<RequestRow, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let ready = self.prepare_invitation(auth.actor(), invitation)?;
        let id = ready.row.id;
        self.store_filed(auth.actor(), vec![ready]).await?;
        self.request(auth.actor().tenant(), id).await
    }

    pub(super) fn prepare_invitation(&self, actor: &Actor, invitation: &Invitation) -> Result<Ready, Error> {
        if !LINK_DAYS.contains(&invitation.link_days) {
            return Err(Error::PickupLifetime);
        }
        let profile = self.open_profile(&invitation.profile)?;
        let mut checked = Checked::default();
        let signer = self.signer(&profile.profile, invitation.issuer.as_ref(), &mut checked)?;
        let (issuer, stand_in, _) = signer
            .ok_or_else(|| Error::NoIssuerForKey { profile: invitation.profile.clone(), key: "holder's".to_owned() })?;
        let (name, sans) = (invitation.subject.clone(), invitation.sans.clone());
        let subject = Subject::unheld(stand_in, KeyMaker::Csr, name, sans).identified(invitation.identity.clone());
        self.try_names(&profile.profile, &issuer, subject.clone(), invitation.days, false, &mut checked)?;
        if let Some(refused) = checked.refused.pop() {
            return Err(refused);
        }
        checked.findings.retain(|finding| finding.severity == Severity::Error);
        if !checked.findings.is_empty() {
            return Err(Error::Lint(checked.findings));
        }
        let asked = Asked { profile, issuer, subject, csr: None, days: invitation.days };
        let mut row = self.file(actor, &asked, false)?;
        row.state = RequestState::Invited;
        row.issuer.clone_from(&invitation.issuer);
        row.spki = None;
        row.branch.clone_from(&invitation.branch);
        row.contact = contact(invitation.contact.as_deref())?;
        row.pickup = Some(self.link(invitation.link, invitation.link_days));
        let evidence = self.keep_evidence(actor, &row, &invitation.evidence)?;
        self.demand_evidence(&row, evidence.iter().map(|kept| (kept.row.added_at, kept.row.expires_at)))?;
        Ok(Ready { row, evidence, event: Event::HolderInvited })
    }

    fn link(&self, hash: [u8; 32], days: u32) -> Pickup {
        let until = self.0.options.clock.now().plus(Duration::from_secs(u64::from(days) * 86_400));
        Pickup { hash, until }
    }

    /// Gives a request another link; the one before opens nothing from now on.
    ///
    /// # Errors
    /// [`Error::NoPickup`] for a request that never had one, or one that was rejected.
    pub async fn new_link(&self, auth: &Authorized, id: RequestId, hash: [u8; 32]) -> Result<RequestRow, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let link = self.link(hash, 14);
        let (actor, audit) = (auth.actor().clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let mut row = seen(tx, &actor, id)?;
                if row.pickup.is_none() || matches!(row.state, RequestState::Rejected | RequestState::Failed) {
                    return Err(Error::NoPickup(id));
                }
                row.pickup = Some(link);
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, done(actor, Event::HolderInvited, id, covers))?;
                Ok(row)
            })
            .await
    }

    /// Which kinds of key a holder may send for a profile: those some issuer, or the one named, certifies.
    #[must_use]
    pub fn keys_taken(&self, profile: &str, issuer: Option<&IssuerId>) -> Vec<KeyAlgorithm> {
        let Ok(profile) = self.open_profile(profile) else { return Vec::new() };
        let rsa = KeyAlgorithm::Rsa { bits: profile.profile.rules().key.rsa_min_bits };
        let kinds = [KeyAlgorithm::Sm2, KeyAlgorithm::P256, KeyAlgorithm::P384, rsa, KeyAlgorithm::Ed25519];
        kinds.into_iter().filter(|kind| self.issuer_for(&profile.profile, *kind, issuer).is_ok()).collect()
    }

    /// The request a link is for. Needs no login: the secret, of which `hash` is the SM3, is the right.
    ///
    /// # Errors
    /// [`Error::PickupGone`] for an unknown or expired link.
    pub async fn picked_up(&self, hash: [u8; 32]) -> Result<RequestRow, Error> {
        let now = self.0.options.clock.now();
        let found =
            self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::request_by_pickup(tx, &hash)?) }).await?;
        found.filter(|row| row.pickup.is_some_and(|link| now <= link.until)).ok_or(Error::PickupGone)
    }

    /// The certificate of a request that was picked up, once there is one.
    ///
    /// # Errors
    /// The database or the log.
    pub async fn certificate_of(&self, row: &RequestRow) -> Result<Option<Certificate>, Error> {
        let (RequestState::Issued, Some(serial)) = (row.state, &row.serial) else { return Ok(None) };
        self.certificate(&row.tenant, serial, row.issuer.as_ref()).await.map(Some)
    }

    /// Takes the holder's key. The request waits for its officers from then on.
    ///
    /// # Errors
    /// [`Error::PickupGone`]; [`Error::RequestState`] if a key was sent already; as [`Ca::submit`].
    pub async fn send_key(&self, hash: [u8; 32], csr: Vec<u8>) -> Result<RequestRow, Error> {
        let row = self.picked_up(hash).await?;
        if row.state != RequestState::Invited {
            return Err(Error::RequestState { request: row.id, state: row.state });
        }
        let names = names(&row)?;
        let profile = self.open_profile(&row.profile)?;
        let digest = profile.digest;
        let proven = ProvenRequest::read(&csr)?;
        let asked = self.ask(profile, proven, csr, names, row.issuer.as_ref(), row.days)?;
        self.try_draft(row.id, &asked)?;
        let holder = Actor::new(row.tenant.clone(), "holder", Role::Anyone, Channel::Public);
        let audit = self.0.options.audit.clone();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                // Compare and set: of two who open the link at once, one is too late.
                let mut row = store::request_by_pickup(tx, &hash)?.ok_or(Error::PickupGone)?;
                if row.state != RequestState::Invited {
                    return Err(Error::RequestState { request: row.id, state: row.state });
                }
                let spki = asked.subject.key().spki_der().to_vec();
                if let Some(since) = store::blocked(tx, &spki)? {
                    return Err(Error::BlockedKey { since });
                }
                row.state = RequestState::Submitted;
                row.issuer = Some(asked.issuer.id.clone());
                row.profile_digest = digest;
                row.spki = Some(spki);
                row.csr = asked.csr;
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, done(holder, Event::KeyReceived, row.id, covers))?;
                Ok(row)
            })
            .await
    }
}
