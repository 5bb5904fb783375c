//! What was found when a document, a seal or a signature was verified: every check by itself, and the verdict.
//! Its JSON is part of the interface.

use pki_config::Instant;
use serde::{Deserialize, Serialize};

use super::facts::Format;
use super::finding::{Check, Finding, Outcome};
use super::place::Stamp;
use super::ses::Version;

/// All checks together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything necessary holds.
    Valid,
    /// Nothing failed, but something necessary could not be checked.
    Undecided,
    /// Something does not hold.
    Invalid,
}

impl Verdict {
    /// Of these findings.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let worst = findings.into_iter().map(|finding| match finding.outcome {
            Outcome::Pass | Outcome::NotChecked | Outcome::Warning => Self::Valid,
            Outcome::Unknown => Self::Undecided,
            Outcome::Fail => Self::Invalid,
        });
        worst.max().unwrap_or(Self::Undecided)
    }

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Undecided => "undecided",
            Self::Invalid => "invalid",
        }
    }

    /// In a sentence: English, Chinese.
    #[must_use]
    pub const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("valid", "有效"),
            Self::Undecided => ("could not be judged", "无法判定"),
            Self::Invalid => ("invalid", "无效"),
        }
    }

    /// What a command that verifies exits with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Undecided => 2,
        }
    }
}

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An OFD document.
    Ofd,
    /// A PDF document.
    Pdf,
    /// A seal by itself (`.esl`).
    Seal,
    /// A signature by itself, with or without the digest of what it signs.
    Signature,
}

impl From<Format> for Subject {
    fn from(format: Format) -> Self {
        match format {
            Format::Ofd => Self::Ofd,
            Format::Pdf => Self::Pdf,
        }
    }
}

/// The report on a document, a seal or a signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// All in all.
    pub verdict: Verdict,
    /// What was verified.
    pub subject: Subject,
    /// How many pages it has.
    pub pages: u32,
    /// As of when it was judged.
    pub at: Instant,
    /// Its signatures, in the order in which they were made as far as can be told.
    pub signatures: Vec<SignatureReport>,
    /// What concerns the whole.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Every finding, those about the whole first.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.signatures.iter().flat_map(|one| &one.findings))
    }

    /// The findings about one check.
    pub fn about(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.all_findings().filter(move |finding| finding.check == check)
    }
}

/// The form of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureForm {
    /// A seal by itself.
    Seal,
    /// A signature with a seal.
    SealSignature,
    /// A CMS message (RFC 5652, PKCS #7, GM/T 0010).
    Cms,
    /// Two numbers and nothing else.
    Bare,
    /// A time-stamp over the document.
    DocumentTimeStamp,
    /// Nothing known here.
    Unknown,
}

/// Where the time of signing is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSource {
    /// A time-stamp that was verified.
    TimeStamp,
    /// The signer says so, and signed it.
    Signer,
    /// The document says so.
    Document,
    /// Nothing says it; the time of judging was taken.
    Judging,
}

/// A certificate, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Whose it is.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// First second.
    pub from: Instant,
    /// Last second.
    pub until: Instant,
    /// The certificate, DER.
    #[serde(skip)]
    pub der: Vec<u8>,
}

/// A seal, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealParty {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its structure.
    pub version: Version,
    /// 1 of an organisation, 2 of a person; others occur.
    pub kind: u64,
    /// From when on it may be used.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
    /// Unit: mm.
    pub width: u64,
    /// Unit: mm.
    pub height: u64,
    /// What the picture is: `PNG`, `ofd`….
    pub picture_kind: String,
    /// The picture.
    #[serde(skip)]
    pub picture: Vec<u8>,
}

/// The report on one signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignatureReport {
    /// All in all.
    pub verdict: Verdict,
    /// What the document calls it.
    pub name: String,
    /// Its form.
    pub form: SignatureForm,
    /// The seal.
    pub seal: Option<SealParty>,
    /// The maker of the seal.
    pub maker: Option<Party>,
    /// The signer.
    pub signer: Option<Party>,
    /// When it was signed, or taken to be.
    pub time: Instant,
    /// Where that comes from.
    pub time_source: TimeSource,
    /// Who made the time-stamp.
    pub time_stamp_authority: Option<Party>,
    /// Where the pages show it.
    pub stamps: Vec<Stamp>,
    /// Every check, in the order of [`Check::ALL`].
    pub findings: Vec<Finding>,
}

impl SignatureReport {
    /// The findings about one check.
    pub fn about(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.check == check)
    }

    /// How one check came out at worst.
    #[must_use]
    pub fn outcome(&self, check: Check) -> Option<Outcome> {
        self.about(check).map(|finding| finding.outcome).max()
    }
}
