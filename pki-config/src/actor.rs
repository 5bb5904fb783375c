//! Who asks: every call into a service carries one.

use std::fmt;

use crate::ids::TenantId;
use crate::role::Role;

/// The way a call came in. Some rights exist on some channels only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The Unix socket in the data directory: whoever owns the directory.
    Socket,
    /// The administration API over TLS, with a client certificate or a token.
    Https,
    /// The suite itself: schedules, recovery, the first start.
    Internal,
    /// What is open to everybody, without a login.
    Public,
}

impl Channel {
    /// The word the audit log uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Https => "https",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    /// From the word the audit log uses.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Socket, Self::Https, Self::Internal, Self::Public].into_iter().find(|c| c.as_str() == word)
    }
}

/// A person or program acting in a role for a tenant, and how the call came in.
///
/// The tenant comes from the session; nothing in a request body can change it. `person` is an
/// identifier, never a name, because it goes into the audit log in clear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    tenant: TenantId,
    person: String,
    role: Role,
    channel: Channel,
}

impl Actor {
    /// An actor. Only what authenticates callers makes one.
    #[must_use]
    pub fn new(tenant: TenantId, person: impl fmt::Display, role: Role, channel: Channel) -> Self {
        Self { tenant, person: person.to_string(), role, channel }
    }

    /// The suite itself, for schedules and recovery.
    #[must_use]
    pub fn system() -> Self {
        Self::new(TenantId::house(), "system", Role::System, Channel::Internal)
    }

    /// Somebody who did not log in, of whom nothing is kept. Has no rights; what is open needs none.
    #[must_use]
    pub fn anyone() -> Self {
        Self::new(TenantId::public(), "anyone", Role::Anyone, Channel::Public)
    }

    /// The tenant acted for.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The identifier of the person or program.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The role acted in.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// How the call came in.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }
}
