//! Roles, permissions, and the one table of rights. Whatever the table does not grant is denied.

use std::fmt;

use crate::actor::{Actor, Channel};
use crate::ids::BadId;

/// What somebody is. One account has one role: operator, security officer and auditor never meet
/// on one account (T/TCCIA 0002-2022 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sets up issuers, officers and configuration.
    Administrator,
    /// Takes and decides requests for certificates.
    RaOfficer,
    /// Keeps the service running; sees no personal data.
    Operator,
    /// Watches over keys and the clock.
    SecurityOfficer,
    /// Reads the audit log and everything published; changes nothing.
    Auditor,
    /// Puts enabled seals on documents, and asks for seals: a person or a document system.
    Sealer,
    /// Asks for the recovery of archived encryption keys, and approves what another one asked for. Issues nothing.
    KeyOfficer,
    /// The suite itself. No account can have it.
    System,
    /// Whoever did not log in. No account can have it, and it has no rights.
    Anyone,
}

impl Role {
    /// The roles an account can have.
    pub const ACCOUNTS: [Self; 7] = [
        Self::Administrator,
        Self::RaOfficer,
        Self::Operator,
        Self::SecurityOfficer,
        Self::Auditor,
        Self::Sealer,
        Self::KeyOfficer,
    ];

    /// The word on the command line, in the API and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::RaOfficer => "ra-officer",
            Self::Operator => "operator",
            Self::SecurityOfficer => "security-officer",
            Self::Auditor => "auditor",
            Self::Sealer => "sealer",
            Self::KeyOfficer => "key-officer",
            Self::System => "system",
            Self::Anyone => "anyone",
        }
    }

    /// From the word in the log, the system's own role included.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ACCOUNTS.into_iter().chain([Self::System, Self::Anyone]).find(|r| r.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ACCOUNTS.into_iter().find(|r| r.as_str() == text).ok_or(BadId {
            expected: "a role: administrator, ra-officer, operator, security-officer, auditor, sealer or key-officer",
        })
    }
}

/// Whether this installation is a trial or in production. Fixed at its first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The key-encryption key lies in a file; never to be relied on.
    Trial,
    /// The root key is sealed by a passphrase or shares.
    Production,
}

impl Setup {
    /// The word in configuration and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Production => "production",
        }
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Something that can be allowed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the log and in messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

permissions! {
    /// Ask for a certificate.
    RequestCertificate = "cert.request",
    /// Review somebody else's request, where its profile asks for a reviewer.
    ReviewRequest = "cert.review",
    /// Approve or reject somebody else's request, which issues.
    ApproveRequest = "cert.approve",
    /// Request and issue in one step.
    IssueCertificate = "cert.issue",
    /// Revoke, hold, release.
    RevokeCertificate = "cert.revoke",
    /// List and show certificates and requests.
    ReadCertificates = "cert.read",
    /// List and show certificate profiles, and what changed in them.
    ReadProfiles = "profile.read",
    /// Propose a changed or new certificate profile.
    ProposeProfile = "profile.propose",
    /// Approve or reject a profile somebody else proposed.
    ApproveProfile = "profile.approve",
    /// Publish a CRL now.
    PublishCrl = "issuer.crl",
    /// List and show issuers.
    ReadIssuers = "issuer.read",
    /// Make keys and issuers.
    ManageIssuers = "issuer.manage",
    /// Add and disable officers.
    ManageOfficers = "officer.manage",
    /// List officers.
    ReadOfficers = "officer.read",
    /// Open and close branches and say who works there.
    ManageBranches = "branch.manage",
    /// Read, verify, prove and export the audit log.
    ReadAudit = "audit.read",
    /// Search time-stamps of everybody.
    ReadStamps = "tsa.read",
    /// Ask for a seal.
    RequestSeal = "seal.request",
    /// Review somebody else's application for a seal.
    ReviewSeal = "seal.review",
    /// Approve or reject somebody else's application, which makes the seal.
    ApproveSeal = "seal.approve",
    /// Apply for, approve, make and enable a seal in one step.
    MakeSeal = "seal.make",
    /// Enable, suspend, revoke and destroy seals.
    ManageSeals = "seal.manage",
    /// Put seals on documents.
    UseSeal = "seal.use",
    /// List seals, and see what they were used for.
    ReadSeals = "seal.read",
    /// List the encryption keys that the key centre keeps, and what was asked for them.
    ReadCentre = "centre.read",
    /// Ask for the recovery or destruction of an archived encryption key.
    AskRecovery = "centre.ask",
    /// Approve or refuse what another officer asked of the key centre.
    ApproveRecovery = "centre.approve",
    /// See how the system does.
    ReadSystem = "system.read",
    /// Run the end-to-end self-test.
    Diagnose = "system.diagnose",
    /// Make a backup.
    Backup = "system.backup",
    /// Open the sealed root key.
    Unseal = "system.unseal",
    /// Replace the root key, and seal it anew: other shares, or a passphrase.
    ManageRoot = "root.manage",
    /// Overrule a wrong future date.
    AcceptClock = "system.clock",
    /// Make, resize and destroy tenants' exclusive units of the signing pool, and set their policy.
    ManageUnits = "unit.manage",
}

/// Proof that an actor was allowed to do something; only [`authorize`] makes one.
#[derive(Debug, Clone)]
pub struct Authorized {
    actor: Actor,
    permission: Permission,
}

impl Authorized {
    /// Who was allowed.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What was allowed.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.permission
    }
}

/// The actor may not do this. Caller's fault; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// What was asked.
    pub permission: Permission,
    /// In which role.
    pub role: Role,
    /// On which channel.
    pub channel: Channel,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "role {} may not {} over {}", self.role, self.permission.as_str(), self.channel.as_str())
    }
}

impl std::error::Error for Denied {}

/// The one place where rights are decided. Deny by default.
///
/// Source: T/TCCIA 0002-2022 6.4 (role-based control, least privilege, separated administrators).
///
/// # Errors
/// [`Denied`] unless the table grants the permission to the role on that channel.
pub fn authorize(actor: &Actor, permission: Permission, setup: Setup) -> Result<Authorized, Denied> {
    if granted(actor.role(), actor.channel(), permission, setup) {
        Ok(Authorized { actor: actor.clone(), permission })
    } else {
        Err(Denied { permission, role: actor.role(), channel: actor.channel() })
    }
}

fn granted(role: Role, channel: Channel, permission: Permission, setup: Setup) -> bool {
    use Permission as P;
    let by_role = match role {
        Role::Administrator => match permission {
            P::ReadCertificates
            | P::ReadProfiles
            | P::ProposeProfile
            | P::ApproveProfile
            | P::ReadIssuers
            | P::ManageIssuers
            | P::ManageOfficers
            | P::ReadOfficers
            | P::ReadStamps
            | P::PublishCrl
            | P::ReadSystem
            | P::Diagnose
            | P::Backup
            | P::Unseal
            | P::ManageRoot
            | P::ManageUnits
            | P::ManageBranches
            | P::ReadSeals
            | P::ManageSeals
            | P::RevokeCertificate => true,
            // In the trial one person plays every part, and the log says so.
            P::RequestCertificate
            | P::ReviewRequest
            | P::ApproveRequest
            | P::IssueCertificate
            | P::RequestSeal
            | P::ReviewSeal
            | P::ApproveSeal
            | P::MakeSeal
            | P::UseSeal
            | P::ReadCentre
            | P::AskRecovery
            | P::ApproveRecovery
            | P::AcceptClock
            | P::ReadAudit => matches!(setup, Setup::Trial),
        },
        Role::RaOfficer => match permission {
            P::RequestCertificate
            | P::ReviewRequest
            | P::ApproveRequest
            | P::RevokeCertificate
            | P::ReadCertificates
            | P::ReadProfiles
            | P::ReadIssuers
            | P::RequestSeal
            | P::ReviewSeal
            | P::ApproveSeal
            | P::ManageSeals
            | P::ReadSeals
            | P::PublishCrl => true,
            P::IssueCertificate => matches!(setup, Setup::Trial),
            _ => false,
        },
        Role::Operator => {
            matches!(
                permission,
                P::ReadIssuers
                    | P::ReadProfiles
                    | P::ReadSystem
                    | P::ReadStamps
                    | P::Diagnose
                    | P::Backup
                    | P::Unseal
                    | P::PublishCrl
            )
        }
        Role::SecurityOfficer => {
            matches!(
                permission,
                P::ReadIssuers
                    | P::ReadProfiles
                    | P::ApproveProfile
                    | P::ReadSystem
                    | P::Unseal
                    | P::ManageRoot
                    | P::AcceptClock
                    | P::ReadOfficers
                    | P::ReadAudit
            )
        }
        Role::Auditor => {
            matches!(
                permission,
                P::ReadAudit
                    | P::ReadCertificates
                    | P::ReadProfiles
                    | P::ReadIssuers
                    | P::ReadOfficers
                    | P::ReadSystem
                    | P::ReadStamps
                    | P::ReadSeals
                    | P::ReadCentre
            )
        }
        Role::Sealer => matches!(permission, P::RequestSeal | P::UseSeal | P::ReadSeals),
        // Two of them recover a key. None of them files, approves or issues anything else.
        Role::KeyOfficer => {
            matches!(permission, P::ReadCentre | P::AskRecovery | P::ApproveRecovery | P::ReadIssuers)
        }
        // Keys are recovered by people only.
        Role::System => {
            !matches!(permission, P::Unseal | P::AcceptClock | P::ManageOfficers | P::AskRecovery | P::ApproveRecovery)
        }
        Role::Anyone => false,
    };
    let by_channel = match (channel, setup) {
        (Channel::Internal, _) => role == Role::System,
        (Channel::Socket, Setup::Trial) => role != Role::System,
        // In production the owner of the data directory may only unseal, diagnose and read.
        (Channel::Socket, Setup::Production) => matches!(
            permission,
            P::Unseal
                | P::Diagnose
                | P::ReadSystem
                | P::ReadIssuers
                | P::ReadProfiles
                | P::ReadCertificates
                | P::ReadAudit
                | P::ReadOfficers
                | P::ReadStamps
                | P::ReadSeals
                | P::ReadCentre
        ),
        (Channel::Https, _) => role != Role::System,
        (Channel::Public, _) => false,
    };
    by_role && by_channel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;

    fn actor(role: Role, channel: Channel) -> Actor {
        Actor::new(TenantId::house(), "p", role, channel)
    }

    fn allowed(role: Role, channel: Channel, permission: Permission, setup: Setup) -> bool {
        authorize(&actor(role, channel), permission, setup).is_ok()
    }

    #[test]
    fn in_production_the_socket_may_only_unseal_diagnose_and_read() {
        for permission in Permission::ALL {
            let may = Role::ACCOUNTS.iter().any(|r| allowed(*r, Channel::Socket, *permission, Setup::Production));
            let word = permission.as_str();
            let expected = word.ends_with(".read") || word == "system.unseal" || word == "system.diagnose";
            assert_eq!(may, expected, "{word}");
        }
    }

    #[test]
    fn nobody_issues_in_one_step_in_production() {
        for role in Role::ACCOUNTS {
            assert!(!allowed(role, Channel::Https, Permission::IssueCertificate, Setup::Production), "{role}");
        }
        assert!(allowed(Role::Administrator, Channel::Socket, Permission::IssueCertificate, Setup::Trial));
    }

    #[test]
    fn an_auditor_changes_nothing() {
        for permission in Permission::ALL {
            if allowed(Role::Auditor, Channel::Https, *permission, Setup::Trial) {
                assert!(permission.as_str().ends_with(".read"), "{}", permission.as_str());
            }
        }
    }

    #[test]
    fn only_key_officers_recover_keys_and_they_issue_nothing() {
        use Permission as P;
        for role in Role::ACCOUNTS {
            for permission in [P::AskRecovery, P::ApproveRecovery] {
                let may = allowed(role, Channel::Https, permission, Setup::Production);
                assert_eq!(may, role == Role::KeyOfficer, "{role}");
                assert!(!allowed(role, Channel::Socket, permission, Setup::Production), "{role}");
            }
        }
        for permission in [P::RequestCertificate, P::ApproveRequest, P::IssueCertificate, P::RevokeCertificate] {
            assert!(!allowed(Role::KeyOfficer, Channel::Https, permission, Setup::Trial));
        }
        assert!(!allowed(Role::System, Channel::Internal, P::ApproveRecovery, Setup::Trial));
    }

    #[test]
    fn the_systems_role_does_not_come_from_outside() {
        for permission in Permission::ALL {
            assert!(!allowed(Role::System, Channel::Https, *permission, Setup::Trial));
            assert!(!allowed(Role::System, Channel::Socket, *permission, Setup::Trial));
        }
    }

    #[test]
    fn no_account_can_be_given_the_systems_role() {
        assert!("system".parse::<Role>().is_err());
    }
}
