//! Requests: filed by one officer, reviewed by another where the profile asks for it, decided by a third or second.

use pki_config::name::{AltName, DistinguishedName, SubjectAltName};
use pki_config::role::{Authorized, Permission, authorize};
use pki_config::{Actor, BranchId, Event, Instant, RequestId, TenantId};

use ledger::{AuditLog, EntryDraft, Importance, Outcome, Tx};

use super::evidence::KeptEvidence;
use super::issue::{Asked, Filing, Names};
use super::{Ca, Certificate, NewRequest};
use crate::core::approval::{Refused, RequestState as Decision, Reviewed, Submitted};
use crate::core::csr::ProvenRequest;
use crate::core::draft::Subject;
use crate::core::evidence::{self, Evidence};
use crate::error::{BadBranch, Error};
use crate::store::{self, Queue, QueuePlace, QueueQuery, RequestRow, RequestState, Scope};

/// A request for somebody else to decide, with what goes with it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The request.
    pub request: NewRequest,
    /// What shows its names to be right.
    pub evidence: Vec<Evidence>,
    /// The branch it belongs to. An officer of one branch need not say.
    pub branch: Option<BranchId>,
    /// Where the holder gets mail.
    pub contact: Option<String>,
}

impl From<NewRequest> for Submission {
    fn from(request: NewRequest) -> Self {
        Self { request, evidence: Vec::new(), branch: None, contact: None }
    }
}

/// A request that is about to be filed.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) row: RequestRow,
    pub(super) evidence: Vec<KeptEvidence>,
    pub(super) event: Event,
}

/// How many requests wait in each queue, counted up to 10,000 in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLengths {
    /// For a reviewer.
    pub review: u32,
    /// For an approver.
    pub approval: u32,
    /// For the holder's key.
    pub invited: u32,
    /// Filed by who asks.
    pub mine: u32,
    /// The branches who asks works in.
    pub scope: Scope,
}

/// What an officer can do about a request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Review it.
    MayReview,
    /// Approve it.
    MayApprove,
    /// Nothing: filed it.
    Own,
    /// Nothing: reviewed it.
    ReviewedByYou,
    /// Nothing before evidence is added.
    NeedsEvidence,
    /// Nothing before the holder sends a key.
    WaitsForKey,
    /// Nothing: decided.
    Decided,
}

impl Ca {
    /// Files a request for somebody else to decide. It is read, proven and linted now, so that the filer
    /// and not the approver learns what is wrong with it.
    ///
    /// # Errors
    /// Caller's faults as in [`Ca::issue`]; [`Error::EvidenceMissing`] where the profile asks for some;
    /// [`Error::Branch`]. Nothing is stored then.
    pub async fn submit(&self, auth: &Authorized, submission: impl Into<Submission>) -> Result<RequestId, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let ready = self.prepare(auth.actor(), &submission.into())?;
        let id = ready.row.id;
        self.store_filed(auth.actor(), vec![ready]).await?;
        Ok(id)
    }

    /// Reads, proves and lints a request. Nothing is stored.
    pub(super) fn prepare(&self, actor: &Actor, submission: &Submission) -> Result<Ready, Error> {
        let asked = self.read(&submission.request)?;
        let mut row = self.file(actor, &asked, false)?;
        row.branch.clone_from(&submission.branch);
        row.contact = contact(submission.contact.as_deref())?;
        self.try_draft(row.id, &asked)?;
        let evidence = self.keep_evidence(actor, &row, &submission.evidence)?;
        self.demand_evidence(&row, evidence.iter().map(|kept| (kept.row.added_at, kept.row.expires_at)))?;
        Ok(Ready { row, evidence, event: Event::CertificateRequested })
    }

    /// Refuses a request whose profile asks for evidence if none of these, each added and expiring then, counts now.
    pub(super) fn demand_evidence(
        &self,
        row: &RequestRow,
        mut evidence: impl Iterator<Item = (Instant, Instant)>,
    ) -> Result<(), Error> {
        let now = self.0.options.clock.now();
        let profile = self.profile(&row.profile)?;
        let rules = &profile.profile.rules().approval;
        let enough = evidence.any(|(added, expires)| evidence::counts(rules, added, expires, now));
        if enough || !row.needs_evidence { Ok(()) } else { Err(Error::EvidenceMissing) }
    }

    /// Stores requests that are ready, all or none, each with an entry of its own.
    pub(super) async fn store_filed(&self, actor: &Actor, ready: Vec<Ready>) -> Result<(), Error> {
        let (actor, audit) = (actor.clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                ready.into_iter().try_for_each(|ready| file_ready(tx, &audit, &actor, ready))
            })
            .await
    }

    /// Passes a request on to who approves it. The submitter cannot, and who does cannot approve it.
    ///
    /// # Errors
    /// [`Error::Approval`] for the submitter or where nobody asked for a review, [`Error::RequestState`].
    pub async fn review(&self, auth: &Authorized, id: RequestId) -> Result<RequestRow, Error> {
        Self::demand(auth, Permission::ReviewRequest)?;
        let (auth, audit) = (auth.clone(), self.0.options.audit.clone());
        let now = self.0.options.clock.now();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let actor = auth.actor().clone();
                let mut row = seen(tx, &actor, id)?;
                if row.state != RequestState::Submitted {
                    return Err(Error::RequestState { request: id, state: row.state });
                }
                let reviewed = submitted(&row)?.review(&auth)?;
                row.reviewer = reviewed.reviewer().map(str::to_owned);
                row.reviewed_at = Some(now);
                row.state = RequestState::Reviewed;
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, done(actor, Event::CertificateReviewed, id, covers))?;
                Ok(row)
            })
            .await
    }

    /// Approves a request, which issues. The submitter and the reviewer cannot.
    ///
    /// # Errors
    /// [`Error::Approval`] for those two and without a review where one is asked for, [`Error::EvidenceMissing`],
    /// [`Error::RequestState`] if it was decided already, and as [`Ca::issue`].
    pub async fn approve(&self, auth: &Authorized, id: RequestId) -> Result<Certificate, Error> {
        Self::demand(auth, Permission::ApproveRequest)?;
        let mut row = self.request_seen_by(auth.actor(), id).await?;
        let expected = row.state;
        let approved = match row.state {
            RequestState::Submitted => submitted(&row)?.approve(auth)?,
            RequestState::Reviewed => {
                let reviewer = row.reviewer.clone().ok_or_else(|| Error::Damaged(format!("request {id}")))?;
                Reviewed::restore(id, row.tenant.clone(), row.requester.clone(), reviewer).approve(auth)?
            }
            state => return Err(Error::RequestState { request: id, state }),
        };
        let evidence = self.evidence_of(&row.tenant, id).await?;
        self.demand_evidence(&row, evidence.iter().map(|e| (e.added_at, e.expires_at)))?;
        row.approver = Some(approved.approver().to_owned());
        let asked = self.asked(&row)?;
        if let Some(half) = asked.profile.profile.encryption_half() {
            row.decided_at = Some(self.0.options.clock.now());
            let filing = Filing::Approval { expected };
            return self.certify_pair(auth.actor(), approved, &half, row, &asked, filing).await;
        }
        let linted = self.draft(approved, &asked)?;
        row.decided_at = Some(self.0.options.clock.now());
        self.certify(auth.actor(), linted, row, &asked, Filing::Approval { expected }, None).await
    }

    /// Rejects a request. The submitter may: that withdraws it.
    ///
    /// # Errors
    /// [`Error::RequestState`] if it was decided already.
    pub async fn reject(&self, auth: &Authorized, id: RequestId, reason: &str) -> Result<(), Error> {
        Self::demand(auth, Permission::ApproveRequest)?;
        let (actor, audit) = (auth.actor().clone(), self.0.options.audit.clone());
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(500).collect();
        let now = self.0.options.clock.now();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let mut row = seen(tx, &actor, id)?;
                if !row.state.is_open() {
                    return Err(Error::RequestState { request: id, state: row.state });
                }
                row.state = RequestState::Rejected;
                // A submitter may withdraw, a reviewer think better of it: that is no second person's decision.
                let second = actor.person() != row.requester && Some(actor.person()) != row.reviewer.as_deref();
                row.approver = second.then(|| actor.person().to_owned());
                row.decided_at = Some(now);
                row.reason = Some(reason);
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, done(actor, Event::CertificateRejected, id, covers))?;
                Ok(())
            })
            .await
    }

    /// One request, whatever its branch.
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

    /// One request, if this officer's branches have it.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`], also for another tenant's or another branch's.
    pub async fn request_seen_by(&self, actor: &Actor, id: RequestId) -> Result<RequestRow, Error> {
        let actor = actor.clone();
        self.0.options.db.read(move |tx| seen(tx, &actor, id)).await
    }

    /// One page of a queue, and where the next begins. An officer of branches sees theirs only.
    ///
    /// # Errors
    /// The database.
    pub async fn queue(
        &self,
        actor: &Actor,
        query: QueueQuery,
    ) -> Result<(Vec<RequestRow>, Option<QueuePlace>), Error> {
        let actor = actor.clone();
        let query = QueueQuery { limit: query.limit.clamp(1, 500), ..query };
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let scope = store::scope(tx, actor.tenant(), actor.person())?;
                Ok(store::queue(tx, actor.tenant(), actor.person(), &scope, &query)?)
            })
            .await
    }

    /// How many requests wait for what.
    ///
    /// # Errors
    /// The database.
    pub async fn queue_lengths(&self, actor: &Actor) -> Result<QueueLengths, Error> {
        let actor = actor.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let scope = store::scope(tx, actor.tenant(), actor.person())?;
                let [review, approval, invited, mine] =
                    store::queue_lengths(tx, actor.tenant(), actor.person(), &scope)?;
                Ok(QueueLengths { review, approval, invited, mine, scope })
            })
            .await
    }

    /// The oldest requests waiting for a decision in every branch, at most 200.
    ///
    /// # Errors
    /// The database.
    pub async fn requests(&self, tenant: &TenantId, limit: u32) -> Result<Vec<RequestRow>, Error> {
        let tenant = tenant.clone();
        let query =
            QueueQuery { queue: Queue::Waiting, branch: None, profile: None, after: None, limit: limit.clamp(1, 200) };
        let read = self
            .0
            .options
            .db
            .read(move |tx| -> Result<_, Error> { Ok(store::queue(tx, &tenant, "", &Scope::All, &query)?) });
        Ok(read.await?.0)
    }

    /// What an officer with every right of a registration officer can do about a request now.
    #[must_use]
    pub fn standing(&self, person: &str, row: &RequestRow, enough_evidence: bool) -> Standing {
        match row.state {
            RequestState::Invited => return Standing::WaitsForKey,
            RequestState::Submitted | RequestState::Reviewed => {}
            _ => return Standing::Decided,
        }
        if row.requester == person {
            return Standing::Own;
        }
        if row.state == RequestState::Submitted && row.needs_review {
            return Standing::MayReview;
        }
        if row.reviewer.as_deref() == Some(person) {
            return Standing::ReviewedByYou;
        }
        if enough_evidence { Standing::MayApprove } else { Standing::NeedsEvidence }
    }

    /// Drafts and lints only to see whether the rules hold. Nothing is approved by it: the draft is thrown
    /// away.
    pub(super) fn try_draft(&self, id: RequestId, asked: &Asked) -> Result<(), Error> {
        let suite = authorize(&Actor::system(), Permission::IssueCertificate, self.0.options.setup)?;
        let approved = Submitted::by(suite.actor(), id).approve_in_one_step(&suite)?;
        match asked.profile.profile.encryption_half() {
            Some(half) => self.try_pair(approved, &half, asked),
            None => self.draft(approved, asked).map(drop),
        }
    }

    /// Reads back what was asked.
    fn asked(&self, row: &RequestRow) -> Result<Asked, Error> {
        let bad = || Error::Damaged(format!("request {}", row.id));
        let profile = self.profile(&row.profile)?;
        // Filed before its issuer got a new key, it is answered with the new one.
        let issuer = self.current(row.issuer.as_ref().ok_or_else(bad)?)?;
        let names = names(row)?;
        let csr = row.csr.clone().ok_or_else(bad)?;
        // Read again, so that what is certified is what proved possession and not what a row says.
        let key = ProvenRequest::read(&csr)?.into_key();
        let subject = Subject::named(key, names.subject, names.sans).identified(names.identity);
        Ok(Asked { profile, issuer, subject, csr: Some(csr), days: row.days })
    }
}

/// The names of a stored request.
pub(super) fn names(row: &RequestRow) -> Result<Names, Error> {
    let bad = || Error::Damaged(format!("request {}", row.id));
    Ok(Names {
        subject: DistinguishedName::from_der(&row.subject).map_err(|_| bad())?,
        sans: if row.sans.is_empty() { SubjectAltName::none() } else { row.sans.parse().map_err(|_| bad())? },
        identity: row.identity.parse().map_err(|_| bad())?,
    })
}

/// A mail address, if one is given.
pub(super) fn contact(given: Option<&str>) -> Result<Option<String>, Error> {
    let Some(address) = given.map(str::trim).filter(|address| !address.is_empty()) else { return Ok(None) };
    AltName::email(address).map(|name| Some(name.value())).map_err(|_| Error::Contact)
}

/// A request of the store as one that waits.
fn submitted(row: &RequestRow) -> Result<Submitted, Refused> {
    let submitted = Submitted::restore(row.id, row.tenant.clone(), row.requester.clone(), Decision::Submitted)?;
    Ok(submitted.needing_review(row.needs_review))
}

/// A request, if the actor's branches have it. Another branch's answers like a missing one.
pub(super) fn seen(tx: &Tx<'_>, actor: &Actor, id: RequestId) -> Result<RequestRow, Error> {
    let row = store::request(tx, actor.tenant(), id)?.ok_or(Error::UnknownRequest(id))?;
    let scope = store::scope(tx, actor.tenant(), actor.person())?;
    if scope.covers(row.branch.as_ref()) { Ok(row) } else { Err(Error::UnknownRequest(id)) }
}

/// The branch a new request goes to.
fn branch_for(tx: &Tx<'_>, actor: &Actor, named: Option<BranchId>) -> Result<Option<BranchId>, Error> {
    let scope = store::scope(tx, actor.tenant(), actor.person())?;
    let branch = match (named, &scope) {
        (None, Scope::All) => return Ok(None),
        (Some(branch), _) => branch,
        (None, Scope::Branches(branches)) => match branches.as_slice() {
            [only] => only.clone(),
            _ => return Err(BadBranch::Needed.into()),
        },
    };
    let found = store::branches(tx, actor.tenant())?.into_iter().find(|row| row.id == branch);
    match found {
        None => Err(BadBranch::Unknown.into()),
        Some(_) if !scope.covers(Some(&branch)) => Err(BadBranch::Elsewhere.into()),
        Some(row) if !row.open => Err(BadBranch::Closed.into()),
        Some(_) => Ok(Some(branch)),
    }
}

pub(super) fn file_ready(tx: &Tx<'_>, audit: &AuditLog, actor: &Actor, mut ready: Ready) -> Result<(), Error> {
    if let Some(spki) = &ready.row.spki
        && let Some(since) = store::blocked(tx, spki)?
    {
        return Err(Error::BlockedKey { since });
    }
    ready.row.branch = branch_for(tx, actor, ready.row.branch.take())?;
    let seq = audit.next_seq(tx)?;
    let mut covers = vec![ready.row.put(tx, seq)?];
    for kept in &ready.evidence {
        covers.push(kept.put(tx, seq)?);
    }
    audit.append(tx, done(actor.clone(), ready.event, ready.row.id, covers))?;
    Ok(())
}

/// The entry of something done to a request.
pub(super) fn done(actor: Actor, event: Event, id: RequestId, covers: Vec<ledger::Cover>) -> EntryDraft {
    EntryDraft { actor, event, object: id.to_string(), outcome: Outcome::Done, payload: Vec::new(), covers }
}
