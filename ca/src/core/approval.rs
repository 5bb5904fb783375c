//! Requests and who may decide them.
//!
//! ```text
//! submitted -> reviewed -> approved -> issued
//!      |           |----> rejected
//!      |----> approved, where the profile asks for no reviewer
//!      |----> rejected
//! ```
//!
//! [`Approved`] is the proof a draft asks for. Only [`Reviewed::approve`] and
//! [`Submitted::approve_in_one_step`] make one, so nothing is drafted that nobody approved, and where a
//! reviewer is asked for, who files, who reviews and who approves are three people.

use std::fmt;

use pki_config::role::Authorized;
use pki_config::{Actor, Permission, RequestId, Role, TenantId};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Filed, not decided.
    Submitted,
    /// Reviewed, not decided.
    Reviewed,
    /// Approved; a certificate may be made, once.
    Approved,
    /// Refused. Final.
    Rejected,
    /// Its certificate was made. Final.
    Issued,
}

impl RequestState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Submitted, Self::Reviewed, Self::Approved, Self::Rejected, Self::Issued];

    /// The word in the store and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Issued => "issued",
        }
    }

    /// From the word in the store.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether this step exists. The store compares and sets, so that of two callers one loses.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Submitted, Self::Reviewed | Self::Approved | Self::Rejected)
                | (Self::Reviewed, Self::Approved | Self::Rejected)
                | (Self::Approved, Self::Issued | Self::Rejected)
        )
    }
}

/// Why a request may not be decided so. Caller's fault; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Who filed a request may not approve it.
    SameOfficer {
        /// The request.
        request: RequestId,
    },
    /// Who reviewed a request may not approve it.
    SameReviewer {
        /// The request.
        request: RequestId,
    },
    /// The profile asks for a review first.
    NotReviewed {
        /// The request.
        request: RequestId,
    },
    /// The profile asks for no review.
    NoReviewAsked {
        /// The request.
        request: RequestId,
    },
    /// The request belongs to another tenant. Answered outside as if there were no such request.
    OtherTenant,
    /// The proof of permission is for something else; the caller is wired wrongly.
    WrongPermission(Permission),
    /// The request is not in the state for this.
    State(RequestState),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameOfficer { request } => write!(f, "who filed request {request} may not approve it"),
            Self::SameReviewer { request } => write!(f, "who reviewed request {request} may not approve it"),
            Self::NotReviewed { request } => write!(f, "request {request} must be reviewed before it is approved"),
            Self::NoReviewAsked { request } => write!(f, "the profile of request {request} asks for no review"),
            Self::OtherTenant => f.write_str("there is no such request here"),
            Self::WrongPermission(permission) => write!(f, "permission {} does not cover this", permission.as_str()),
            Self::State(state) => write!(f, "the request is {}", state.as_str()),
        }
    }
}

impl std::error::Error for Refused {}

/// A request that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    request: RequestId,
    tenant: TenantId,
    submitter: String,
    needs_review: bool,
}

impl Submitted {
    /// A new request, filed by `actor` for its tenant.
    #[must_use]
    pub fn by(actor: &Actor, request: RequestId) -> Self {
        Self { request, tenant: actor.tenant().clone(), submitter: actor.person().to_owned(), needs_review: false }
    }

    /// The same, if its profile asks for a reviewer before it is approved.
    #[must_use]
    pub const fn needing_review(mut self, needs_review: bool) -> Self {
        self.needs_review = needs_review;
        self
    }

    /// A request from the store.
    ///
    /// # Errors
    /// [`Refused::State`] if it was decided already.
    pub fn restore(
        request: RequestId,
        tenant: TenantId,
        submitter: String,
        state: RequestState,
    ) -> Result<Self, Refused> {
        if state == RequestState::Submitted {
            Ok(Self { request, tenant, submitter, needs_review: false })
        } else {
            Err(Refused::State(state))
        }
    }

    /// Which request.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// Whose request.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who filed it.
    #[must_use]
    pub fn submitter(&self) -> &str {
        &self.submitter
    }

    /// Reviews. `officer` proves [`Permission::ReviewRequest`].
    ///
    /// # Errors
    /// [`Refused::SameOfficer`] for the submitter, [`Refused::OtherTenant`] for an officer of another tenant,
    /// [`Refused::NoReviewAsked`] where there is nothing to review.
    pub fn review(self, officer: &Authorized) -> Result<Reviewed, Refused> {
        check(&self.tenant, officer, Permission::ReviewRequest)?;
        if !self.needs_review {
            return Err(Refused::NoReviewAsked { request: self.request });
        }
        if self.submitter == officer.actor().person() {
            return Err(Refused::SameOfficer { request: self.request });
        }
        let reviewer = Some(officer.actor().person().to_owned());
        Ok(Reviewed { request: self.request, tenant: self.tenant, submitter: self.submitter, reviewer })
    }

    /// Approves where nobody need review. `officer` proves [`Permission::ApproveRequest`].
    ///
    /// # Errors
    /// [`Refused::NotReviewed`] where somebody must, and as [`Reviewed::approve`].
    pub fn approve(self, officer: &Authorized) -> Result<Approved, Refused> {
        if self.needs_review {
            return Err(Refused::NotReviewed { request: self.request });
        }
        let ready = Reviewed { request: self.request, tenant: self.tenant, submitter: self.submitter, reviewer: None };
        ready.approve(officer)
    }

    /// Approves what the same caller files, in one step: the owner of a trial's data directory, and the
    /// suite for its own certificates. `caller` proves [`Permission::IssueCertificate`], which nobody
    /// but the suite has in production.
    ///
    /// # Errors
    /// [`Refused::OtherTenant`] unless caller and submitter are the same.
    pub fn approve_in_one_step(self, caller: &Authorized) -> Result<Approved, Refused> {
        check(&self.tenant, caller, Permission::IssueCertificate)?;
        if self.submitter != caller.actor().person() {
            // Somebody else's request takes the way of four eyes, even in a trial.
            return Err(Refused::WrongPermission(Permission::IssueCertificate));
        }
        Ok(Approved { request: self.request, tenant: self.tenant, approver: self.submitter })
    }

    /// Rejects. The submitter may reject its own request, which withdraws it.
    ///
    /// # Errors
    /// [`Refused::OtherTenant`] for an officer of another tenant.
    pub fn reject(self, officer: &Authorized) -> Result<Rejected, Refused> {
        check(&self.tenant, officer, Permission::ApproveRequest)?;
        Ok(Rejected { request: self.request, officer: officer.actor().person().to_owned() })
    }
}

/// A request that was reviewed and waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    request: RequestId,
    tenant: TenantId,
    submitter: String,
    /// `None` where nobody need review.
    reviewer: Option<String>,
}

impl Reviewed {
    /// A reviewed request from the store.
    #[must_use]
    pub const fn restore(request: RequestId, tenant: TenantId, submitter: String, reviewer: String) -> Self {
        Self { request, tenant, submitter, reviewer: Some(reviewer) }
    }

    /// Who reviewed it.
    #[must_use]
    pub fn reviewer(&self) -> Option<&str> {
        self.reviewer.as_deref()
    }

    /// Approves. `officer` proves [`Permission::ApproveRequest`].
    ///
    /// # Errors
    /// [`Refused::SameOfficer`] for the submitter, [`Refused::SameReviewer`] for the reviewer,
    /// [`Refused::OtherTenant`] for an officer of another tenant.
    pub fn approve(self, officer: &Authorized) -> Result<Approved, Refused> {
        check(&self.tenant, officer, Permission::ApproveRequest)?;
        let person = officer.actor().person();
        if self.submitter == person {
            return Err(Refused::SameOfficer { request: self.request });
        }
        if self.reviewer.as_deref() == Some(person) {
            return Err(Refused::SameReviewer { request: self.request });
        }
        Ok(Approved { request: self.request, tenant: self.tenant, approver: person.to_owned() })
    }
}

fn check(tenant: &TenantId, officer: &Authorized, needed: Permission) -> Result<(), Refused> {
    if officer.permission() != needed {
        return Err(Refused::WrongPermission(officer.permission()));
    }
    // The suite itself acts for every tenant, on schedules and in recovery.
    let same = officer.actor().tenant() == tenant || officer.actor().role() == Role::System;
    if same { Ok(()) } else { Err(Refused::OtherTenant) }
}

/// A request that somebody who may do so approved.
#[derive(Debug, PartialEq, Eq)]
pub struct Approved {
    request: RequestId,
    tenant: TenantId,
    approver: String,
}

impl Approved {
    /// Which request.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// Whose request.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who approved it.
    #[must_use]
    pub fn approver(&self) -> &str {
        &self.approver
    }

    /// The same approval for both certificates of a pair: who approves a pair approves its two halves, and no third.
    #[must_use]
    pub fn for_pair(self) -> (Self, Self) {
        let Self { request, tenant, approver } = self;
        (Self { request, tenant: tenant.clone(), approver: approver.clone() }, Self { request, tenant, approver })
    }
}

/// A request that was refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Rejected {
    request: RequestId,
    officer: String,
}

impl Rejected {
    /// Which request.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// Who refused it.
    #[must_use]
    pub fn officer(&self) -> &str {
        &self.officer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki_config::Channel;
    use pki_config::role::{Setup, authorize};

    fn officer(person: &str, tenant: &str) -> Actor {
        Actor::new(tenant.parse().unwrap(), person, Role::RaOfficer, Channel::Https)
    }

    fn may_approve(actor: &Actor) -> Authorized {
        authorize(actor, Permission::ApproveRequest, Setup::Production).unwrap()
    }

    fn filed(person: &str) -> Submitted {
        Submitted::by(&officer(person, "house"), RequestId::from_bytes([7; 16]))
    }

    #[test]
    fn a_request_is_approved_by_another_officer() {
        let approved = filed("a").approve(&may_approve(&officer("b", "house"))).unwrap();
        assert_eq!((approved.request(), approved.approver()), (RequestId::from_bytes([7; 16]), "b"));
    }

    #[test]
    fn a_request_cannot_be_approved_by_its_submitter() {
        let refused = filed("a").approve(&may_approve(&officer("a", "house"))).unwrap_err();
        assert_eq!(refused, Refused::SameOfficer { request: RequestId::from_bytes([7; 16]) });
    }

    #[test]
    fn a_request_cannot_be_decided_by_another_tenant() {
        let stranger = may_approve(&officer("b", "other"));
        assert_eq!(filed("a").approve(&stranger), Err(Refused::OtherTenant));
        assert_eq!(filed("a").reject(&stranger), Err(Refused::OtherTenant));
    }

    fn may_review(actor: &Actor) -> Authorized {
        authorize(actor, Permission::ReviewRequest, Setup::Production).unwrap()
    }

    #[test]
    fn who_files_who_reviews_and_who_approves_are_three_people() {
        let waiting = || filed("a").needing_review(true);
        let reviewed = waiting().review(&may_review(&officer("b", "house"))).unwrap();
        assert_eq!(reviewed.reviewer(), Some("b"));
        let id = RequestId::from_bytes([7; 16]);
        let approve = |person: &str| reviewed.clone().approve(&may_approve(&officer(person, "house")));
        assert_eq!(approve("c").unwrap().approver(), "c");
        assert_eq!(approve("a"), Err(Refused::SameOfficer { request: id }));
        assert_eq!(approve("b"), Err(Refused::SameReviewer { request: id }));
        let own = waiting().review(&may_review(&officer("a", "house")));
        assert_eq!(own, Err(Refused::SameOfficer { request: id }));
    }

    #[test]
    fn a_request_that_needs_a_review_is_not_approved_without_one_and_no_other_is_reviewed() {
        let id = RequestId::from_bytes([7; 16]);
        let early = filed("a").needing_review(true).approve(&may_approve(&officer("b", "house")));
        assert_eq!(early, Err(Refused::NotReviewed { request: id }));
        let needless = filed("a").review(&may_review(&officer("b", "house")));
        assert_eq!(needless, Err(Refused::NoReviewAsked { request: id }));
        let approver = may_approve(&officer("b", "house"));
        let wrong = filed("a").needing_review(true).review(&approver);
        assert_eq!(wrong, Err(Refused::WrongPermission(Permission::ApproveRequest)));
    }

    #[test]
    fn another_permission_approves_nothing() {
        let reader = authorize(&officer("b", "house"), Permission::ReadCertificates, Setup::Production).unwrap();
        assert_eq!(filed("a").approve(&reader), Err(Refused::WrongPermission(Permission::ReadCertificates)));
    }

    #[test]
    fn the_suite_approves_its_own_requests_in_one_step() {
        let system = Actor::system();
        let may = authorize(&system, Permission::IssueCertificate, Setup::Production).unwrap();
        let id = RequestId::from_bytes([1; 16]);
        assert!(Submitted::by(&system, id).approve_in_one_step(&may).is_ok());
        assert!(filed("a").approve_in_one_step(&may).is_err(), "not somebody else's");
    }

    #[test]
    fn a_decided_request_is_not_decided_again() {
        let restore = |state| Submitted::restore(RequestId::from_bytes([1; 16]), TenantId::house(), "a".into(), state);
        assert!(restore(RequestState::Submitted).is_ok());
        for state in [RequestState::Reviewed, RequestState::Approved, RequestState::Rejected, RequestState::Issued] {
            assert_eq!(restore(state), Err(Refused::State(state)));
        }
    }

    #[test]
    fn only_the_drawn_steps_exist() {
        use RequestState as S;
        let steps: Vec<(S, S)> = S::ALL
            .into_iter()
            .flat_map(|from| S::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            steps,
            [
                (S::Submitted, S::Reviewed),
                (S::Submitted, S::Approved),
                (S::Submitted, S::Rejected),
                (S::Reviewed, S::Approved),
                (S::Reviewed, S::Rejected),
                (S::Approved, S::Rejected),
                (S::Approved, S::Issued)
            ]
        );
    }
}
