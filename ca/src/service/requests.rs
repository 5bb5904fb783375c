//! Requests: filed by one officer, decided by another.

use pki_config::name::{DistinguishedName, SubjectAltName};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Actor, Event, Identity, RequestId, TenantId};

use ledger::{EntryDraft, Importance, Outcome};

use super::issue::{Asked, Filing};
use super::{Ca, Certificate, NewRequest};
use crate::core::approval::{RequestState as Decision, Submitted};
use crate::core::csr::ProvenRequest;
use crate::core::draft::Subject;
use crate::error::Error;
use crate::store::{self, RequestRow, RequestState};

impl Ca {
    /// Files a request for somebody else to decide. It is read, proven and linted now, so that the filer
    /// and not the approver learns what is wrong with it.
    ///
    /// # Errors
    /// Caller's faults as in [`Ca::issue`]; nothing is stored then.
    pub async fn submit(&self, auth: &Authorized, request: NewRequest) -> Result<RequestId, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let asked = self.read(&request)?;
        let row = self.file(auth.actor(), &asked, false)?;
        self.try_draft(row.id, &asked)?;
        let (id, actor, audit) = (row.id, auth.actor().clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(
                    tx,
                    EntryDraft {
                        actor,
                        event: Event::CertificateRequested,
                        object: row.id.to_string(),
                        outcome: Outcome::Done,
                        payload: Vec::new(),
                        covers,
                    },
                )?;
                Ok(())
            })
            .await?;
        Ok(id)
    }

    /// Approves a request, which issues. The submitter cannot.
    ///
    /// # Errors
    /// [`Error::Approval`] for the submitter, [`Error::RequestState`] if it was decided already, and as
    /// [`Ca::issue`].
    pub async fn approve(&self, auth: &Authorized, id: RequestId) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::ApproveRequest)?;
        let mut row = self.request(auth.actor().tenant(), id).await?;
        if row.state != RequestState::Submitted {
            return Err(Error::RequestState { request: id, state: row.state });
        }
        let submitted = Submitted::restore(id, row.tenant.clone(), row.requester.clone(), Decision::Submitted)?;
        let approved = submitted.approve(auth)?;
        row.approver = Some(approved.approver().to_owned());
        let asked = self.asked(&row)?;
        let linted = self.draft(approved, &asked)?;
        row.decided_at = Some(self.0.options.clock.now());
        let filing = Filing::Approval { expected: RequestState::Submitted };
        self.certify(auth.actor(), linted, row, &asked, filing, None).await
    }

    /// Rejects a request.
    ///
    /// # Errors
    /// [`Error::RequestState`] if it was decided already.
    pub async fn reject(&self, auth: &Authorized, id: RequestId, reason: &str) -> Result<(), Error> {
        Self::demand(auth, Permission::ApproveRequest)?;
        let (tenant, actor, audit) =
            (auth.actor().tenant().clone(), auth.actor().clone(), self.0.options.audit.clone());
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(500).collect();
        let now = self.0.options.clock.now();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let mut row = store::request(tx, &tenant, id)?.ok_or(Error::UnknownRequest(id))?;
                if row.state != RequestState::Submitted {
                    return Err(Error::RequestState { request: id, state: row.state });
                }
                row.state = RequestState::Rejected;
                // A submitter may withdraw: that is a rejection by nobody else.
                row.approver = (actor.person() != row.requester).then(|| actor.person().to_owned());
                row.decided_at = Some(now);
                row.reason = Some(reason);
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(
                    tx,
                    EntryDraft {
                        actor,
                        event: Event::CertificateRejected,
                        object: id.to_string(),
                        outcome: Outcome::Done,
                        payload: Vec::new(),
                        covers,
                    },
                )?;
                Ok(())
            })
            .await
    }

    /// One request.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`], also for another tenant's.
    pub async fn request(&self, tenant: &TenantId, id: RequestId) -> Result<RequestRow, Error> {
        let tenant = tenant.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> { Ok(store::request(tx, &tenant, id)?) })
            .await?
            .ok_or(Error::UnknownRequest(id))
    }

    /// The oldest requests waiting for a decision, at most 200.
    ///
    /// # Errors
    /// The database.
    pub async fn requests(&self, tenant: &TenantId, limit: u32) -> Result<Vec<RequestRow>, Error> {
        let tenant = tenant.clone();
        let limit = limit.clamp(1, 200);
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::open_requests(tx, &tenant, limit)?) }).await
    }

    /// Drafts and lints only to see whether the rules hold. Nothing is approved by it: the draft is thrown
    /// away.
    fn try_draft(&self, id: RequestId, asked: &Asked) -> Result<(), Error> {
        let suite = authorize(&Actor::system(), Permission::IssueCertificate, self.0.options.setup)?;
        let approved = Submitted::by(suite.actor(), id).approve_in_one_step(&suite)?;
        self.draft(approved, asked).map(drop)
    }

    /// Reads back what was asked.
    fn asked(&self, row: &RequestRow) -> Result<Asked, Error> {
        let bad = || Error::Damaged(format!("request {}", row.id));
        let profile = self.profile(&row.profile)?;
        let issuer = self.issuer(&row.issuer)?;
        let name = DistinguishedName::from_der(&row.subject).map_err(|_| bad())?;
        let sans: SubjectAltName =
            if row.sans.is_empty() { SubjectAltName::none() } else { row.sans.parse().map_err(|_| bad())? };
        let csr = row.csr.clone().ok_or_else(bad)?;
        // Read again, so that what is certified is what proved possession and not what a row says.
        let key = ProvenRequest::read(&csr)?.into_key();
        let identity: Identity = row.identity.parse().map_err(|_| bad())?;
        let subject = Subject::named(key, name, sans).identified(identity);
        Ok(Asked { profile, issuer, subject, csr: Some(csr), days: row.days })
    }
}
