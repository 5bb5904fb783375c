//! Requests and who may decide them.
//!
//! ```text
//! submitted -> approved -> issued
//!           -> rejected
//! ```
//!
//! [`Approved`] is the proof a draft asks for. Only [`Submitted::approve`] and
//! [`Submitted::approve_in_one_step`] make one, so nothing is drafted that nobody approved.

use std::fmt;

use pki_config::role::Authorized;
use pki_config::{Actor, Permission, RequestId, Role, TenantId};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Filed, not decided.
    Submitted,
    /// Approved; a certificate may be made, once.
    Approved,
    /// Refused. Final.
    Rejected,
    /// Its certificate was made. Final.
    Issued,
}

impl RequestState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Submitted, Self::Approved, Self::Rejected, Self::Issued];

    /// The word in the store and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
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
            (Self::Submitted, Self::Approved | Self::Rejected) | (Self::Approved, Self::Issued | Self::Rejected)
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
}

impl Submitted {
    /// A new request, filed by `actor` for its tenant.
    #[must_use]
    pub fn by(actor: &Actor, request: RequestId) -> Self {
        Self { request, tenant: actor.tenant().clone(), submitter: actor.person().to_owned() }
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
            Ok(Self { request, tenant, submitter })
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

    /// Approves. `officer` proves [`Permission::ApproveRequest`].
    ///
    /// # Errors
    /// [`Refused::SameOfficer`] for the submitter, [`Refused::OtherTenant`] for an officer of another tenant.
    pub fn approve(self, officer: &Authorized) -> Result<Approved, Refused> {
        self.check(officer, Permission::ApproveRequest)?;
        if self.submitter == officer.actor().person() {
            return Err(Refused::SameOfficer { request: self.request });
        }
        Ok(Approved { request: self.request, tenant: self.tenant, approver: officer.actor().person().to_owned() })
    }

    /// Approves what the same caller files, in one step: the owner of a trial's data directory, and the
    /// suite for its own certificates. `caller` proves [`Permission::IssueCertificate`], which nobody
    /// but the suite has in production.
    ///
    /// # Errors
    /// [`Refused::OtherTenant`] unless caller and submitter are the same.
    pub fn approve_in_one_step(self, caller: &Authorized) -> Result<Approved, Refused> {
        self.check(caller, Permission::IssueCertificate)?;
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
        self.check(officer, Permission::ApproveRequest)?;
        Ok(Rejected { request: self.request, officer: officer.actor().person().to_owned() })
    }

    fn check(&self, officer: &Authorized, needed: Permission) -> Result<(), Refused> {
        if officer.permission() != needed {
            return Err(Refused::WrongPermission(officer.permission()));
        }
        // The suite itself acts for every tenant, on schedules and in recovery.
        let same = *officer.actor().tenant() == self.tenant || officer.actor().role() == Role::System;
        if same { Ok(()) } else { Err(Refused::OtherTenant) }
    }
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
        for state in [RequestState::Approved, RequestState::Rejected, RequestState::Issued] {
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
                (S::Submitted, S::Approved),
                (S::Submitted, S::Rejected),
                (S::Approved, S::Rejected),
                (S::Approved, S::Issued)
            ]
        );
    }
}
