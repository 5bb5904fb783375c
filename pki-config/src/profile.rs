//! What a certificate may contain: certificate profiles.
//!
//! A profile is a TOML text with a name and a version. Unknown keys and contradictions are refused
//! when it is read, so that a profile in hand is one that can be issued from. Whoever issues pins the
//! digest of [`Profile::source_text`] into the record. A request adds a key and names; all else is here.

mod approval;
mod built_in;
mod check;
mod difference;
mod identity;
mod policy;
mod proposal;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::name::{AltKind, Attribute};
use crate::time::Instant;

pub use approval::ApprovalRules;
pub use built_in::BuiltIn;
pub use difference::{Change, Difference, Line, Origin};
pub use identity::{IdentityForm, IdentityRule};
pub use policy::PolicyRule;
pub use words::{ExtendedUsage, KeyKind, KeyMaker, KeyUsageBit, LintSet, Presence};

const DAY: u64 = 86_400;

/// The longest text of a profile that is read. Unit: octets.
pub const LONGEST_SOURCE: usize = 16 * 1024;

/// Why a profile is refused. The operator's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadProfile(String);

impl fmt::Display for BadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the profile cannot be used: {}", self.0)
    }
}

impl std::error::Error for BadProfile {}

/// A profile that was read and found free of contradictions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Profile(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    source: String,
    rules: Rules,
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`BadProfile`] for a text that is longer than [`LONGEST_SOURCE`], is not TOML, has an unknown key or contradicts itself.
    pub fn parse(source: &str) -> Result<Self, BadProfile> {
        if source.len() > LONGEST_SOURCE {
            return Err(BadProfile(format!("it has more than {LONGEST_SOURCE} octets")));
        }
        let rules: Rules = toml::from_str(source).map_err(|e| BadProfile(e.to_string()))?;
        check::check(&rules).map_err(BadProfile)?;
        Ok(Self(Arc::new(Parts { source: source.to_owned(), rules })))
    }

    /// The exact text, for pinning: its digest names this version and no other.
    #[must_use]
    pub fn source_text(&self) -> &str {
        &self.0.source
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// The same for one authority whose certificate a ceremony's plan words: how many authorities may stand below it,
    /// and who made its key. An authority elsewhere is called what it is called, so any attribute may stand in its name.
    /// `None` unless this is a profile of authorities below others.
    #[must_use]
    pub fn for_authority(&self, path_length: Option<u8>, maker: KeyMaker) -> Option<Self> {
        let mut rules = self.rules().clone();
        if !rules.basic_constraints.ca || !rules.urls.crl {
            return None;
        }
        rules.basic_constraints.path_length = path_length;
        rules.key.makers = vec![maker];
        if maker == KeyMaker::Csr {
            rules.subject.required.clear();
            rules.subject.optional = Attribute::ALL.to_vec();
        }
        Some(Self(Arc::new(Parts { source: self.0.source.clone(), rules })))
    }

    /// The word people type, such as `tls-server`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rules().name
    }

    /// Rises with every change.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.rules().version
    }

    /// For a pair of certificates: the same rules as they are for the encryption half. `None` if the profile is for
    /// single certificates. The text stays that of the whole profile, so that both halves pin the same digest.
    #[must_use]
    pub fn encryption_half(&self) -> Option<Self> {
        let encryption = self.rules().encryption.as_ref()?;
        let mut rules = self.rules().clone();
        rules.encryption = None;
        rules.key.makers = vec![KeyMaker::Centre];
        rules.usage = UsageRules {
            key_usage: vec![UsageLine { keys: vec![KeyKind::Sm2], bits: encryption.bits.clone() }],
            extended: encryption.extended.clone(),
            extended_critical: false,
        };
        Some(Self(Arc::new(Parts { source: self.0.source.clone(), rules })))
    }
}

/// The rules of a profile, as its text has them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The word people type: `a-z`, `0-9`, `-`.
    pub name: String,
    /// Rises with every change, from 1.
    pub version: u32,
    /// What it is for, in one line.
    pub title: Title,
    /// Only the suite itself issues from it; nobody can ask for it.
    #[serde(default)]
    pub internal: bool,
    /// Issuing from it takes a ceremony.
    #[serde(default)]
    pub needs_ceremony: bool,
    /// Which rules its certificates are held to besides those for all. Default `private`.
    #[serde(default)]
    pub lints: LintSet,
    /// What has to happen before somebody approves.
    #[serde(default)]
    pub approval: ApprovalRules,
    /// The distinguished name.
    pub subject: SubjectRules,
    /// The alternative names.
    pub san: SanRules,
    /// The subject's key.
    pub key: KeyRules,
    /// How long.
    pub validity: ValidityRules,
    /// Key usage and extended key usage.
    pub usage: UsageRules,
    /// The second certificate of a pair, for a key that the key centre makes and keeps. Absent: there is one certificate.
    #[serde(default)]
    pub encryption: Option<EncryptionRules>,
    /// Basic constraints.
    pub basic_constraints: BasicConstraintsRules,
    /// Addresses of the issuer that go in.
    pub urls: UrlRules,
    /// Whether id-pkix-ocsp-nocheck goes in (RFC 6960 4.2.2.2.1).
    #[serde(default)]
    pub ocsp_nocheck: bool,
    /// Whether the TLS feature status_request goes in (RFC 7633): the server must staple an OCSP answer. Only under
    /// issuers with a responder.
    #[serde(default)]
    pub must_staple: bool,
    /// Certificate policies, in the order of the encoding; none means no extension.
    #[serde(default)]
    pub policies: Vec<PolicyRule>,
    /// Which identity numbers of GM/T 0015 may stand, and how each is encoded.
    #[serde(default)]
    pub identity: Vec<IdentityRule>,
}

/// What a profile is for, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

/// Rules of the distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectRules {
    /// Must be there.
    pub required: Vec<Attribute>,
    /// May be there, besides the required ones.
    pub optional: Vec<Attribute>,
}

impl SubjectRules {
    /// Whether the attribute may stand.
    #[must_use]
    pub fn allows(&self, attribute: Attribute) -> bool {
        self.required.contains(&attribute) || self.optional.contains(&attribute)
    }
}

/// Rules of the alternative names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanRules {
    /// Whether there is any.
    pub presence: Presence,
    /// Which kinds.
    #[serde(default)]
    pub kinds: Vec<AltKind>,
    /// Whether a common name must repeat one of them (CA/Browser BR 7.1.4.3).
    #[serde(default)]
    pub cn_is_a_copy: bool,
}

/// Rules of the subject's key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRules {
    /// Who may make it.
    pub makers: Vec<KeyMaker>,
    /// Which subject keys an issuer key of a kind may certify. An SM2 issuer certifies SM2 keys and no
    /// others, and the other way round, so that a chain is of one family.
    pub certify: Vec<Certify>,
    /// The shortest RSA key. Unit: bits. Default 2048, and never less.
    #[serde(default = "rsa_default")]
    pub rsa_min_bits: u32,
}

const fn rsa_default() -> u32 {
    2048
}

/// One line of [`KeyRules::certify`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certify {
    /// Kinds of issuer key.
    pub issuer: Vec<KeyKind>,
    /// Kinds of subject key they may certify.
    pub subject: Vec<KeyKind>,
}

impl KeyRules {
    /// Whether an issuer key of one kind may certify a subject key of another.
    #[must_use]
    pub fn may_certify(&self, issuer: KeyKind, subject: KeyKind) -> bool {
        self.certify.iter().any(|line| line.issuer.contains(&issuer) && line.subject.contains(&subject))
    }
}

/// Rules of the validity period. Lengths count the last second (RFC 5280 4.1.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidityRules {
    /// What is given when nothing shorter is asked for. Unit: days.
    pub days: u32,
    /// What a certificate may never exceed. Unit: days.
    pub max_days: u32,
    /// Other numbers from a date on, for rules that tighten over the years. Ascending.
    #[serde(default)]
    pub later: Vec<LaterValidity>,
}

/// Numbers that hold for certificates issued from a date on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaterValidity {
    /// The first moment they hold, as RFC 3339 text.
    #[serde(deserialize_with = "instant")]
    pub from: Instant,
    /// See [`ValidityRules::days`].
    pub days: u32,
    /// See [`ValidityRules::max_days`].
    pub max_days: u32,
}

fn instant<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Instant, D::Error> {
    String::deserialize(source)?.parse().map_err(serde::de::Error::custom)
}

impl ValidityRules {
    fn at(&self, issued: Instant) -> (u32, u32) {
        let later = self.later.iter().rev().find(|line| line.from <= issued);
        later.map_or((self.days, self.max_days), |line| (line.days, line.max_days))
    }

    /// The length given to a certificate issued at `issued` when nothing shorter is asked for.
    #[must_use]
    pub fn usual(&self, issued: Instant) -> Duration {
        Duration::from_secs(u64::from(self.at(issued).0) * DAY)
    }

    /// The length a certificate issued at `issued` may not exceed.
    #[must_use]
    pub fn longest(&self, issued: Instant) -> Duration {
        Duration::from_secs(u64::from(self.at(issued).1) * DAY)
    }
}

/// Rules of key usage and extended key usage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRules {
    /// The key usage for each kind of key. Always critical.
    pub key_usage: Vec<UsageLine>,
    /// The extended key usages, in the order of the encoding; none means no extension.
    pub extended: Vec<ExtendedUsage>,
    /// Whether the extended key usage is critical (RFC 3161 2.3 asks it of time-stamps).
    #[serde(default)]
    pub extended_critical: bool,
}

/// The key usage of some kinds of key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLine {
    /// Which kinds.
    pub keys: Vec<KeyKind>,
    /// Which bits.
    pub bits: Vec<KeyUsageBit>,
}

impl UsageRules {
    /// The bits for a kind of key; `None` if the profile takes no such key.
    #[must_use]
    pub fn bits_for(&self, key: KeyKind) -> Option<&[KeyUsageBit]> {
        self.key_usage.iter().find(|line| line.keys.contains(&key)).map(|line| line.bits.as_slice())
    }
}

/// What the encryption certificate of a pair has of its own: all else is as in the signing certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncryptionRules {
    /// Its key usage. Critical.
    pub bits: Vec<KeyUsageBit>,
    /// Its extended key usages, in the order of the encoding; none means no extension.
    pub extended: Vec<ExtendedUsage>,
}

/// Rules of the basic constraints. The extension is always there and critical.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicConstraintsRules {
    /// Whether the subject is a certificate authority.
    pub ca: bool,
    /// How many authorities may follow below.
    pub path_length: Option<u8>,
}

/// Which of the issuer's addresses go in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrlRules {
    /// The CRL distribution point.
    pub crl: bool,
    /// The issuer's certificate.
    pub ca_issuers: bool,
    /// The OCSP responder, if the issuer has one.
    pub ocsp: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_certifies_its_own_keys_only() {
        let profile = BuiltIn::TlsServer.profile();
        let keys = &profile.rules().key;
        assert!(keys.may_certify(KeyKind::Sm2, KeyKind::Sm2));
        assert!(keys.may_certify(KeyKind::P256, KeyKind::Rsa));
        assert!(!keys.may_certify(KeyKind::Sm2, KeyKind::P256));
        assert!(!keys.may_certify(KeyKind::P256, KeyKind::Sm2));
    }

    #[test]
    fn lengths_follow_the_dated_table() {
        let validity = &BuiltIn::TlsServer.profile().rules().validity.clone();
        let days = |text: &str| {
            let at: Instant = text.parse().unwrap();
            (validity.usual(at).as_secs() / DAY, validity.longest(at).as_secs() / DAY)
        };
        // CA/Browser BR 6.3.2.
        assert_eq!(days("2027-03-14T23:59:59Z"), (199, 200));
        assert_eq!(days("2027-03-15T00:00:00Z"), (99, 100));
        assert_eq!(days("2029-03-15T00:00:00Z"), (46, 47));
    }

    #[test]
    fn unknown_keys_are_refused_at_every_level() {
        let source = BuiltIn::TlsServer.source();
        assert!(Profile::parse(source).is_ok());
        for (old, new) in [
            ("version = 1", "version = 1\nextensions = []"),
            ("[subject]", "[subject]\nfree = true"),
            ("[urls]", "[urls]\nldap = true"),
        ] {
            assert!(source.contains(old));
            assert!(Profile::parse(&source.replace(old, new)).is_err(), "{new}");
        }
    }

    #[test]
    fn the_halves_of_a_pair_differ_in_their_usages_alone() {
        let whole = BuiltIn::DualPerson.profile();
        let half = whole.encryption_half().unwrap();
        assert_eq!(half.source_text(), whole.source_text());
        assert_eq!(half.rules().subject, whole.rules().subject);
        assert_eq!(half.rules().validity, whole.rules().validity);
        assert_eq!(half.rules().key.makers, [KeyMaker::Centre]);
        assert!(half.encryption_half().is_none());
        assert!(BuiltIn::Person.profile().encryption_half().is_none());
    }

    #[test]
    fn a_text_that_is_no_profile_is_refused() {
        for text in ["", "name = \"x\"", "\0", "[subject]"] {
            assert!(Profile::parse(text).is_err(), "{text}");
        }
    }
}
