//! A key's record: what it is for, where in its life it is, and what it may sign as.

use std::fmt;

use pki_config::{Instant, KeyId, TenantId};

use crate::algorithm::KeyAlgorithm;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable word in the database and the log.
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a key is for. Fixed when the key is made; a key has one purpose for life.
    Purpose {
        /// Signs certificates and CRLs as an issuer.
        CertificateAuthority = "ca",
        /// Signs time-stamps.
        TimeStamp = "time-stamp",
        /// Signs OCSP answers.
        Ocsp = "ocsp",
        /// Signs electronic seals, as their maker.
        SealMaker = "seal-maker",
        /// Signs documents with a seal.
        SealSigner = "seal-signer",
        /// Signs heads of the audit log and backup manifests.
        AuditLog = "audit-log",
        /// Serves TLS. The only purpose whose private key is handed out, and it signs nothing here.
        Tls = "tls",
        /// Wraps the encryption keys that the key centre keeps. Signs nothing.
        KeyArchive = "key-archive",
        /// Signs what its tenant hands in. Never a key of the house: no certificate, CRL, time-stamp or OCSP
        /// answer is signed with it.
        Tenant = "tenant",
    }
}

words! {
    /// Where in its life a key is (the outline of KMIP 1.4, 3.22).
    KeyState {
        /// In use.
        Active = "active",
        /// Set aside for now; signs nothing.
        Suspended = "suspended",
        /// Past its use: an issuer's key still signs CRLs, nothing else.
        Retired = "retired",
        /// Known or suspected to be known to others; signs nothing any more.
        Compromised = "compromised",
        /// The private key is gone; the record stays.
        Destroyed = "destroyed",
    }
}

impl KeyState {
    /// Whether a key may go from this state to that one.
    ///
    /// ```text
    /// active      -> suspended, retired, compromised
    /// suspended   -> active, retired, compromised
    /// retired     -> compromised, destroyed
    /// compromised -> destroyed
    /// ```
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Active, Self::Suspended | Self::Retired | Self::Compromised)
                | (Self::Suspended, Self::Active | Self::Retired | Self::Compromised)
                | (Self::Retired, Self::Compromised | Self::Destroyed)
                | (Self::Compromised, Self::Destroyed)
        )
    }
}

/// What is known of a key, all of it public.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// Its identifier.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// Its public key: the DER of the SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// Where in its life it is.
    pub state: KeyState,
    /// When it was made.
    pub created: Instant,
    /// The name it signs for: the DER of a `Name`. An issuer's key has one.
    pub subject: Option<Vec<u8>>,
    /// Its key identifier (RFC 7093 2, method 1).
    pub key_id: [u8; 20],
    /// Start of the period in which it may sign; unbounded if absent.
    pub not_before: Option<Instant>,
    /// End of that period: also no certificate it signs may outlast it.
    pub not_after: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_their_value() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_word(purpose.as_str()), Some(*purpose));
        }
        for state in KeyState::ALL {
            assert_eq!(KeyState::from_word(state.as_str()), Some(*state));
        }
        assert_eq!(Purpose::from_word("any"), None);
    }

    #[test]
    fn nothing_comes_back_from_compromise_or_destruction() {
        for state in KeyState::ALL {
            assert!(!KeyState::Destroyed.may_become(*state));
            assert_eq!(KeyState::Compromised.may_become(*state), *state == KeyState::Destroyed);
            assert!(!state.may_become(*state));
        }
    }

    #[test]
    fn a_key_in_use_is_not_destroyed_at_once() {
        assert!(!KeyState::Active.may_become(KeyState::Destroyed));
        assert!(KeyState::Active.may_become(KeyState::Suspended) && KeyState::Suspended.may_become(KeyState::Active));
    }
}
