//! A seal as the house keeps it: what it is, where in its life it is, and what may become of it.

use pki_config::{Instant, SealId, TenantId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// From the stable word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What a seal is for.
    SealKind {
        /// 公章: the organisation's own.
        Official = "official",
        /// 合同专用章.
        Contract = "contract",
        /// 财务专用章.
        Finance = "finance",
        /// 发票专用章.
        Invoice = "invoice",
        /// 人事专用章.
        Personnel = "personnel",
        /// 法定代表人章.
        LegalRepresentative = "legal-representative",
        /// A person's.
        Personal = "personal",
    }
}

impl SealKind {
    /// `type` in the seal: 1 of an organisation, 2 of a person.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::LegalRepresentative | Self::Personal => 2,
            _ => 1,
        }
    }
}

words! {
    /// Where in its life a seal is.
    ///
    /// ```text
    /// applied -> reviewed -> approved -> made -> enabled <-> suspended
    /// applied -> approved                made, enabled, suspended -> revoked -> destroyed
    /// applied, reviewed -> rejected
    /// ```
    SealState {
        /// Applied for.
        Applied = "applied",
        /// Somebody looked at it and found it in order.
        Reviewed = "reviewed",
        /// Approved; it is being made.
        Approved = "approved",
        /// Made, and not in use yet.
        Made = "made",
        /// In use.
        Enabled = "enabled",
        /// Set aside for now.
        Suspended = "suspended",
        /// Ended for good.
        Revoked = "revoked",
        /// Ended, its keys and its picture gone; the record stays.
        Destroyed = "destroyed",
        /// The application was not granted.
        Rejected = "rejected",
    }
}

impl SealState {
    /// Whether a seal may go from this state to that one.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use SealState as S;
        matches!(
            (self, next),
            (S::Applied, S::Reviewed | S::Approved | S::Rejected)
                | (S::Reviewed, S::Approved | S::Rejected)
                | (S::Approved, S::Made)
                | (S::Made, S::Enabled | S::Revoked)
                | (S::Enabled, S::Suspended | S::Revoked)
                | (S::Suspended, S::Enabled | S::Revoked)
                | (S::Revoked, S::Destroyed)
        )
    }

    /// Whether there is a seal (`SESeal`).
    #[must_use]
    pub const fn is_made(self) -> bool {
        matches!(self, Self::Made | Self::Enabled | Self::Suspended | Self::Revoked | Self::Destroyed)
    }
}

/// What is known of a seal.
#[derive(Debug, Clone, PartialEq)]
pub struct SealRecord {
    /// Its identifier.
    pub id: SealId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it says it is.
    pub name: String,
    /// The organisation or person it stands for.
    pub owner: String,
    /// What it is for.
    pub kind: SealKind,
    /// Where in its life it is.
    pub state: SealState,
    /// Since when.
    pub since: Instant,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Unit: mm.
    pub width: f64,
    /// Unit: mm.
    pub height: f64,
    /// SM3 of its picture.
    pub picture: [u8; 32],
    /// First second of its validity; `None` until it is made.
    pub valid_from: Option<Instant>,
    /// Last second of its validity.
    pub valid_until: Instant,
    /// Certificates of those who may sign with it, their keys held elsewhere; none where the house keeps the key.
    pub holders: Vec<Vec<u8>>,
    /// Whether it names holders by digest.
    pub by_digest: bool,
    /// Officers who may use it; anybody with the right if empty.
    pub users: Vec<String>,
    /// Why it was wanted.
    pub note: Option<String>,
    /// Who applied.
    pub applicant: String,
    /// Who reviewed it.
    pub reviewer: Option<String>,
    /// When it was applied for.
    pub applied_at: Instant,
    /// The log entry of the application.
    pub applied_seq: ledger::Seq,
    /// How often it was made.
    pub version: u32,
}

impl SealRecord {
    /// Whether the house keeps the key.
    #[must_use]
    pub fn house_key(&self) -> bool {
        self.holders.is_empty()
    }

    /// Whether this officer may use it, as far as the seal itself says.
    #[must_use]
    pub fn is_for(&self, person: &str) -> bool {
        self.users.is_empty() || self.users.iter().any(|user| user == person)
    }
}

/// Something that happened to a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state it led to; `renewed` where it was made again.
    pub state: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub person: String,
    /// Whether one person passed every step.
    pub one_step: bool,
    /// The reason given.
    pub reason: Option<String>,
    /// Its log entry.
    pub seq: ledger::Seq,
}

/// An application for a seal.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// What it is to say it is.
    pub name: String,
    /// The organisation or person it stands for.
    pub owner: String,
    /// What it is for.
    pub kind: SealKind,
    /// How it looks.
    pub picture: crate::core::picture::Picture,
    /// Last second of its validity; as configured if absent.
    pub valid_until: Option<Instant>,
    /// Certificates (DER) of those who may sign with it, their keys held elsewhere. None: the house keeps the key.
    pub holders: Vec<Vec<u8>>,
    /// Whether it names holders by digest.
    pub by_digest: bool,
    /// Officers who may use it; anybody with the right if empty.
    pub users: Vec<String>,
    /// Why it is wanted.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for state in SealState::ALL {
            assert_eq!(SealState::from_word(state.as_str()), Some(*state));
        }
        for kind in SealKind::ALL {
            assert_eq!(SealKind::from_word(kind.as_str()), Some(*kind));
        }
        assert_eq!(SealKind::from_word("company"), None);
    }

    #[test]
    fn nothing_comes_back_from_revocation_and_nothing_is_made_without_approval() {
        for state in SealState::ALL {
            assert_eq!(SealState::Revoked.may_become(*state), *state == SealState::Destroyed);
            assert!(!SealState::Destroyed.may_become(*state) && !SealState::Rejected.may_become(*state));
            assert_eq!(state.may_become(SealState::Made), *state == SealState::Approved);
        }
        assert!(SealState::Suspended.may_become(SealState::Enabled));
        assert!(!SealState::Applied.may_become(SealState::Enabled));
    }
}
