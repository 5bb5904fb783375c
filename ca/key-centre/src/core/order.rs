//! Orders to the centre, and who may decide them.
//!
//! ```text
//! asked -> done      by another officer: the key is handed out, or destroyed
//!      |-> refused   by another officer, or withdrawn by who asked
//! ```
//!
//! [`Approved`] is the proof the service needs before it touches an archived key, and only [`Asked::approve`] makes one.

use std::fmt;

use pki_config::role::{Authorized, Permission};
use pki_config::{CentreOrderId, TenantId};

/// The longest reason. Unit: characters.
const LONGEST_REASON: usize = 500;
/// The longest legal ground. Unit: characters.
const LONGEST_GROUND: usize = 200;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the table and in the interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// From that word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }
    };
}

words! {
    /// What is asked for.
    Aim {
        /// The key for its holder's signing certificate of now.
        Holder = "holder",
        /// The key for a court or another authority that may ask for it.
        Court = "court",
        /// The end of the archived key.
        Destroy = "destroy",
    }
}

words! {
    /// Where an order stands.
    OrderState {
        /// Waits for a second officer.
        Asked = "asked",
        /// Approved and done.
        Done = "done",
        /// Refused, or withdrawn.
        Refused = "refused",
    }
}

/// Why an order is not taken or not decided so. Caller's fault; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Who asked may not approve.
    SameOfficer,
    /// Who asked for the certificate, or approved it, takes no part in recovering its key.
    Party,
    /// It was decided already.
    Decided(OrderState),
    /// The key is another tenant's. Answered outside as if there were none.
    OtherTenant,
    /// The proof of rights is for something else; the caller is wired wrongly.
    WrongPermission(Permission),
    /// A reason has 1 to 500 characters.
    Reason,
    /// A legal ground has 1 to 200 characters.
    Ground,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameOfficer => f.write_str("who asked may not approve; another key officer must"),
            Self::Party => {
                f.write_str("who asked for the certificate, or approved it, takes no part in recovering its key")
            }
            Self::Decided(state) => write!(f, "the order is {}", state.as_str()),
            Self::OtherTenant => f.write_str("there is no such key here"),
            Self::WrongPermission(permission) => write!(f, "permission {} does not cover this", permission.as_str()),
            Self::Reason => f.write_str("give a reason of 1 to 500 characters"),
            Self::Ground => {
                f.write_str("give the legal ground in 1 to 200 characters, such as the number of the order")
            }
        }
    }
}

impl std::error::Error for Refused {}

/// What matters here of the key: whose it is and who had a part in its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    /// Whose.
    pub tenant: TenantId,
    /// Who asked for the certificate.
    pub requester: String,
    /// Who approved it.
    pub approver: Option<String>,
}

impl Parties {
    /// Whether this person had a part in the certificate.
    #[must_use]
    pub fn include(&self, person: &str) -> bool {
        self.requester == person || self.approver.as_deref() == Some(person)
    }

    fn admit(&self, officer: &Authorized, needed: Permission) -> Result<(), Refused> {
        if officer.permission() != needed {
            return Err(Refused::WrongPermission(officer.permission()));
        }
        if *officer.actor().tenant() != self.tenant {
            return Err(Refused::OtherTenant);
        }
        if self.include(officer.actor().person()) { Err(Refused::Party) } else { Ok(()) }
    }
}

/// An order that waits for a second officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    id: CentreOrderId,
    aim: Aim,
    parties: Parties,
    asker: String,
}

/// The words of an order, within bounds and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Why.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
}

impl Words {
    /// Takes what an officer typed.
    ///
    /// # Errors
    /// [`Refused::Reason`], [`Refused::Ground`] for none or too much.
    pub fn new(reason: &str, ground: &str) -> Result<Self, Refused> {
        Ok(Self {
            reason: bounded(reason, LONGEST_REASON).ok_or(Refused::Reason)?,
            ground: bounded(ground, LONGEST_GROUND).ok_or(Refused::Ground)?,
        })
    }
}

/// What an officer typed, if it is there and not too long; control characters become spaces.
#[must_use]
pub fn bounded(text: &str, longest: usize) -> Option<String> {
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (1..=longest).contains(&text.chars().count()).then_some(text)
}

impl Asked {
    /// A new order. `officer` proves [`Permission::AskRecovery`].
    ///
    /// # Errors
    /// [`Refused::Party`] for who had a part in the certificate, [`Refused::OtherTenant`].
    pub fn by(officer: &Authorized, id: CentreOrderId, aim: Aim, parties: Parties) -> Result<Self, Refused> {
        parties.admit(officer, Permission::AskRecovery)?;
        Ok(Self { id, aim, parties, asker: officer.actor().person().to_owned() })
    }

    /// An order from the store.
    ///
    /// # Errors
    /// [`Refused::Decided`] unless it waits.
    pub fn restore(
        id: CentreOrderId,
        aim: Aim,
        parties: Parties,
        asker: String,
        state: OrderState,
    ) -> Result<Self, Refused> {
        if state == OrderState::Asked { Ok(Self { id, aim, parties, asker }) } else { Err(Refused::Decided(state)) }
    }

    /// Approves. `officer` proves [`Permission::ApproveRecovery`].
    ///
    /// # Errors
    /// [`Refused::SameOfficer`] for who asked, [`Refused::Party`], [`Refused::OtherTenant`].
    pub fn approve(self, officer: &Authorized) -> Result<Approved, Refused> {
        self.parties.admit(officer, Permission::ApproveRecovery)?;
        if self.asker == officer.actor().person() {
            return Err(Refused::SameOfficer);
        }
        Ok(Approved { id: self.id, aim: self.aim, officer: officer.actor().person().to_owned() })
    }

    /// Refuses. Who asked may, too: that withdraws it.
    ///
    /// # Errors
    /// [`Refused::OtherTenant`], [`Refused::WrongPermission`].
    pub fn refuse(self, officer: &Authorized) -> Result<String, Refused> {
        match self.parties.admit(officer, Permission::ApproveRecovery) {
            // Not to hand a key out takes no independence.
            Ok(()) | Err(Refused::Party) => Ok(officer.actor().person().to_owned()),
            Err(other) => Err(other),
        }
    }
}

/// An order that two officers agree on. Only [`Asked::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    id: CentreOrderId,
    aim: Aim,
    officer: String,
}

impl Approved {
    /// Which order.
    #[must_use]
    pub const fn id(&self) -> CentreOrderId {
        self.id
    }

    /// What is to be done.
    #[must_use]
    pub const fn aim(&self) -> Aim {
        self.aim
    }

    /// Who approved.
    #[must_use]
    pub fn officer(&self) -> &str {
        &self.officer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki_config::role::{Setup, authorize};
    use pki_config::{Actor, Channel, Role};

    fn officer(tenant: &str, person: &str, permission: Permission) -> Authorized {
        let actor = Actor::new(tenant.parse().unwrap(), person, Role::KeyOfficer, Channel::Https);
        authorize(&actor, permission, Setup::Production).unwrap()
    }

    fn parties() -> Parties {
        Parties { tenant: TenantId::house(), requester: "filer".into(), approver: Some("approver".into()) }
    }

    fn asked() -> Asked {
        let id = CentreOrderId::from_bytes([1; 16]);
        Asked::by(&officer("house", "one", Permission::AskRecovery), id, Aim::Holder, parties()).unwrap()
    }

    #[test]
    fn another_officer_approves() {
        let approved = asked().approve(&officer("house", "two", Permission::ApproveRecovery)).unwrap();
        assert_eq!((approved.officer(), approved.aim()), ("two", Aim::Holder));
    }

    #[test]
    fn who_asked_does_not_approve() {
        let refused = asked().approve(&officer("house", "one", Permission::ApproveRecovery));
        assert_eq!(refused, Err(Refused::SameOfficer));
    }

    #[test]
    fn who_had_a_part_in_the_certificate_has_none_in_the_recovery() {
        for person in ["filer", "approver"] {
            let id = CentreOrderId::from_bytes([1; 16]);
            let asking = Asked::by(&officer("house", person, Permission::AskRecovery), id, Aim::Court, parties());
            assert_eq!(asking, Err(Refused::Party));
            let approving = asked().approve(&officer("house", person, Permission::ApproveRecovery));
            assert_eq!(approving, Err(Refused::Party));
        }
    }

    #[test]
    fn another_tenants_officer_sees_no_key() {
        let refused = asked().approve(&officer("other", "two", Permission::ApproveRecovery));
        assert_eq!(refused, Err(Refused::OtherTenant));
        assert_eq!(asked().refuse(&officer("other", "two", Permission::ApproveRecovery)), Err(Refused::OtherTenant));
    }

    #[test]
    fn a_proof_for_something_else_counts_for_nothing() {
        let refused = asked().approve(&officer("house", "two", Permission::AskRecovery));
        assert_eq!(refused, Err(Refused::WrongPermission(Permission::AskRecovery)));
    }

    #[test]
    fn who_asked_may_withdraw_and_anybody_may_refuse() {
        for person in ["one", "two", "filer"] {
            assert_eq!(asked().refuse(&officer("house", person, Permission::ApproveRecovery)).unwrap(), person);
        }
    }

    #[test]
    fn what_was_decided_is_not_decided_again() {
        for state in [OrderState::Done, OrderState::Refused] {
            let again = Asked::restore(asked().id, Aim::Holder, parties(), "one".into(), state);
            assert_eq!(again, Err(Refused::Decided(state)));
        }
        assert!(Asked::restore(asked().id, Aim::Holder, parties(), "one".into(), OrderState::Asked).is_ok());
    }

    #[test]
    fn an_order_says_why_and_on_what_ground() {
        assert!(Words::new("lost the token", "(2026)京01执7号").is_ok());
        assert_eq!(Words::new(" ", "x"), Err(Refused::Reason));
        assert_eq!(Words::new("x", ""), Err(Refused::Ground));
        assert_eq!(Words::new(&"长".repeat(501), "x"), Err(Refused::Reason));
        assert!(Words::new(&"长".repeat(500), "x").is_ok());
        assert_eq!(Words::new("x", &"x".repeat(201)), Err(Refused::Ground));
        assert_eq!(Words::new("a\nb", "x").unwrap().reason, "a b");
    }
}
