//! What the certificate authority can answer instead of a result.

use std::fmt;

use pki_config::profile::BadProfile;
use pki_config::role::{Denied, Permission};
use pki_config::{CeremonyId, ErrorCode, Instant, IssuerId, RequestId, Serial};

use crate::core::approval::Refused;
use crate::core::batch::BadBatch;
use crate::core::ceremony::BadCeremony;
use crate::core::csr::BadRequest;
use crate::core::draft::Undraftable;
use crate::core::evidence::BadEvidence;
use crate::core::issue::Unfinished;
use crate::core::lint::Finding;
use crate::core::revoke::Impossible;
use crate::store::{CeremonyState, ProfileState, RequestState};

/// Why the certificate authority did not do what it was asked. Unless a variant says otherwise
/// nothing changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The actor may not do this. Caller's fault.
    Denied(Denied),
    /// The proof of rights is for another permission: a wiring mistake of ours, refused all the same.
    WrongProof {
        /// What was needed.
        needed: Permission,
    },
    /// The request cannot be read, or does not prove possession, or its key is not taken. Caller's fault.
    Csr(BadRequest),
    /// There is no such profile. Caller's fault.
    UnknownProfile(String),
    /// The text is no profile, or not one officers may bring in. Caller's fault.
    Profile(BadProfile),
    /// Versions of a profile rise. Caller's fault: raise the number in the text.
    ProfileNumber {
        /// Which profile.
        profile: String,
        /// The lowest version it may have.
        least: u32,
    },
    /// A version of this profile waits for a decision already. Caller's fault: decide that one first.
    ProfileWaits {
        /// Which profile.
        profile: String,
        /// Which version waits.
        version: u32,
    },
    /// The version was decided already. Caller's fault.
    ProfileState {
        /// Which profile.
        profile: String,
        /// Which version.
        version: u32,
        /// Where it stands.
        state: ProfileState,
    },
    /// Whoever proposed a profile may not approve it. Caller's fault.
    SameProposer {
        /// Which profile.
        profile: String,
        /// Which version.
        version: u32,
    },
    /// There is no such issuer. Caller's fault.
    UnknownIssuer(String),
    /// No issuer of this installation certifies such keys under this profile. Caller's fault.
    NoIssuerForKey {
        /// The profile asked for.
        profile: String,
        /// The kind of key.
        key: String,
    },
    /// A certificate with this key was revoked for key compromise. Caller's fault: make a new key.
    BlockedKey {
        /// When that was recorded.
        since: Instant,
    },
    /// The key is that of an authority here. Caller's fault.
    AuthorityKey(IssuerId),
    /// An issuer of that name exists. Caller's fault.
    IssuerExists(IssuerId),
    /// The issuer's certificate or name cannot be what is asked. Caller's fault.
    BadIssuer(String),
    /// The names or the validity asked for do not fit the profile. Caller's fault.
    Draft(Undraftable),
    /// Rules would be broken. Caller's or the profile's fault; each finding names its rule.
    Lint(Vec<Finding>),
    /// There is no such request, or it is another tenant's. Caller's fault.
    UnknownRequest(RequestId),
    /// The request was decided already, or is being issued. Caller's fault.
    RequestState {
        /// Which request.
        request: RequestId,
        /// Where it stands.
        state: RequestState,
    },
    /// Whoever filed the request may not approve it. Caller's fault.
    Approval(Refused),
    /// The evidence is not of the right form. Caller's fault.
    Evidence(BadEvidence),
    /// The profile asks for evidence, and what there is has expired or is none. Caller's fault.
    EvidenceMissing,
    /// There is no such branch, it is closed, or the officer does not work there. Caller's fault.
    Branch(BadBranch),
    /// The file of a batch cannot be read. Caller's fault.
    Batch(BadBatch),
    /// Rows of a batch are not accepted; their number. Caller's fault.
    BadRows(u32),
    /// What is wrong with the form of a row of a batch. Caller's fault.
    Row(&'static str),
    /// A name in a row of a batch. Caller's fault.
    Name(pki_config::name::BadName),
    /// There is no such batch. Caller's fault.
    UnknownBatch,
    /// There is no such evidence, or it has no file. Caller's fault.
    UnknownEvidence,
    /// The mail address is none. Caller's fault.
    Contact,
    /// The pick-up link opens nothing: wrong, used or expired. Caller's fault.
    PickupGone,
    /// A pick-up link works 1 to 90 days. Caller's fault.
    PickupLifetime,
    /// The request has no pick-up link to be replaced. Caller's fault.
    NoPickup(RequestId),
    /// The certificate is revoked, on hold, or of a key the pool holds: nothing follows it. Caller's fault.
    NotFollowed(Serial),
    /// Another key is needed, and this one is the same. Caller's fault.
    SameKey,
    /// Other names are needed, and these are the same. Caller's fault.
    SameNames,
    /// Not as many certificates as the caller saw. Caller's fault: look again.
    CountChanged {
        /// How many there are.
        now: u64,
    },
    /// There is no such certificate, or it is another tenant's. Caller's fault.
    UnknownCertificate(Serial),
    /// Several issuers used this serial: name the issuer. Caller's fault.
    Ambiguous(Serial),
    /// The status cannot change like that. Caller's fault.
    Change(Impossible),
    /// No CRL of this issuer has been published yet. Retry later.
    NoCrl(IssuerId),
    /// The CRL's file is not what its record says; a new one is due. Operator's attention.
    CrlDiffers(IssuerId),
    /// The CRL's file could not be written. The CRL is signed and recorded; the schedule tries again.
    CrlFile {
        /// Whose CRL.
        issuer: IssuerId,
        /// What the system said.
        detail: String,
    },
    /// Another CRL of this issuer was made at the same time. Retry.
    CrlRace(IssuerId),
    /// A profile for pairs of certificates, and no key centre to make the second key. Operator's to mend.
    NoCentre,
    /// The key centre made no key.
    Centre(pki_config::ports::NoKey),
    /// The certificate is no half of a pair. Caller's fault.
    NoPair(Serial),
    /// What is asked is asked with the signing certificate of the pair. Caller's fault.
    HalfOfPair {
        /// Which certificate was named.
        serial: Serial,
        /// The signing certificate.
        sign: Serial,
    },
    /// The signature did not fit the certificate. It was thrown away and the serial is revoked.
    Issue(Unfinished),
    /// The random source failed.
    Random,
    /// The pool refused or could not; its own codes tell.
    Pool(crypto_pool::Error),
    /// The database could not.
    Db(ledger::DbError),
    /// The audit log could not.
    Audit(ledger::audit::AuditError),
    /// The issuer does not issue: it was revoked, or it signs in ceremonies only. Caller's fault.
    IssuerAtRest {
        /// Which.
        issuer: IssuerId,
        /// What became of it.
        state: &'static str,
    },
    /// The certificate is an authority's: two persons revoke it in a ceremony. Caller's fault.
    AuthorityCertificate(Serial),
    /// The plan, the file or the code is not accepted. Caller's fault.
    Ceremony(BadCeremony),
    /// There is no such ceremony. Caller's fault.
    UnknownCeremony(CeremonyId),
    /// The ceremony was decided already. Caller's fault.
    CeremonyState {
        /// Which.
        ceremony: CeremonyId,
        /// Where it stands.
        state: CeremonyState,
    },
    /// Whoever put a plan forward may not confirm it. Caller's fault.
    SamePerson(CeremonyId),
    /// A ceremony ended early; its transcript tells what was done before.
    CeremonyFailed {
        /// Which.
        ceremony: CeremonyId,
        /// At which step, from 1.
        step: usize,
        /// Why.
        why: Box<Error>,
    },
    /// A status feed refused a change; the whole change was rolled back. Operator's to mend.
    Feed(String),
    /// A stored thing does not read back: the database was damaged or edited.
    Damaged(String),
}

impl Error {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(_) | Self::WrongProof { .. } => ErrorCode::Forbidden,
            Self::Csr(BadRequest::Key(_) | BadRequest::Algorithm) => ErrorCode::KeyRefused,
            Self::Csr(BadRequest::NoPossession { .. }) => ErrorCode::NoPossession,
            Self::Csr(BadRequest::Name(_)) => ErrorCode::NameRefused,
            Self::Csr(_) => ErrorCode::BadCsr,
            Self::UnknownProfile(_) => ErrorCode::ProfileUnknown,
            Self::Profile(_) | Self::ProfileNumber { .. } => ErrorCode::ProfileRefused,
            Self::ProfileWaits { .. } | Self::ProfileState { .. } => ErrorCode::ProfileState,
            Self::SameProposer { .. } => ErrorCode::SameOfficer,
            Self::UnknownIssuer(_) | Self::UnknownRequest(_) | Self::UnknownCertificate(_) => ErrorCode::NotFound,
            Self::NoIssuerForKey { .. } | Self::BlockedKey { .. } | Self::AuthorityKey(_) => ErrorCode::KeyRefused,
            Self::IssuerExists(_) | Self::BadIssuer(_) | Self::IssuerAtRest { .. } => ErrorCode::IssuerState,
            Self::AuthorityCertificate(_) => ErrorCode::CertificateState,
            Self::Ceremony(_) => ErrorCode::CeremonyRefused,
            Self::UnknownCeremony(_) => ErrorCode::NotFound,
            Self::CeremonyState { .. } => ErrorCode::CeremonyState,
            Self::SamePerson(_) => ErrorCode::SameOfficer,
            Self::CeremonyFailed { why, .. } => why.code(),
            Self::Draft(Undraftable::IssuerExpired { .. }) => ErrorCode::IssuerExpired,
            Self::Draft(Undraftable::IssuerUrl(_) | Undraftable::SelfSigned) => ErrorCode::IssuerState,
            Self::Draft(Undraftable::Lifetime { .. }) => ErrorCode::BadTime,
            Self::Draft(Undraftable::Identity(_) | Undraftable::NoIdentity(_) | Undraftable::IdentityTwice(..)) => {
                ErrorCode::NameRefused
            }
            Self::Draft(_) => ErrorCode::KeyRefused,
            Self::Lint(_) => ErrorCode::LintFailed,
            Self::RequestState { .. } => ErrorCode::RequestState,
            Self::Approval(Refused::SameOfficer { .. } | Refused::SameReviewer { .. }) => ErrorCode::SameOfficer,
            Self::Approval(Refused::NotReviewed { .. } | Refused::NoReviewAsked { .. }) => ErrorCode::RequestState,
            Self::Evidence(_) | Self::Branch(_) | Self::Contact | Self::PickupLifetime => ErrorCode::BadRequest,
            Self::EvidenceMissing => ErrorCode::EvidenceMissing,
            Self::Batch(_) | Self::BadRows(_) => ErrorCode::BatchRefused,
            Self::Row(_) => ErrorCode::BatchRefused,
            Self::Name(_) => ErrorCode::NameRefused,
            Self::UnknownBatch | Self::UnknownEvidence => ErrorCode::NotFound,
            Self::PickupGone => ErrorCode::LinkUsed,
            Self::NoPickup(_) => ErrorCode::RequestState,
            Self::NotFollowed(_) => ErrorCode::CertificateState,
            Self::SameKey => ErrorCode::KeyRefused,
            Self::SameNames => ErrorCode::NameRefused,
            Self::CountChanged { .. } => ErrorCode::CountChanged,
            Self::Approval(Refused::OtherTenant) => ErrorCode::NotFound,
            Self::Approval(Refused::WrongPermission(_)) => ErrorCode::Forbidden,
            Self::Approval(Refused::State(_)) => ErrorCode::RequestState,
            Self::Ambiguous(_) => ErrorCode::BadRequest,
            Self::Change(Impossible::InvalidityDate) => ErrorCode::BadTime,
            Self::Change(Impossible::Reason(_)) => ErrorCode::BadRequest,
            Self::Change(_) => ErrorCode::CertificateState,
            Self::NoCrl(_) => ErrorCode::CrlMissing,
            Self::CrlDiffers(_) | Self::CrlFile { .. } => ErrorCode::StorageFailed,
            Self::CrlRace(_) => ErrorCode::Busy,
            Self::NoCentre => ErrorCode::CentreMissing,
            Self::Centre(no) => no.code,
            Self::NoPair(_) => ErrorCode::NoPair,
            Self::HalfOfPair { .. } => ErrorCode::HalfOfPair,
            Self::Issue(_) => ErrorCode::SignatureFailed,
            Self::Random => ErrorCode::RandomFailed,
            Self::Pool(error) => error.code(),
            Self::Db(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Feed(_) => ErrorCode::Internal,
            Self::Damaged(_) => ErrorCode::AuditBroken,
        }
    }

    /// The rules broken, for [`Error::Lint`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Lint(findings) => findings,
            Self::CeremonyFailed { why, .. } => why.findings(),
            _ => &[],
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::WrongProof { needed } => write!(f, "needs the right {}", needed.as_str()),
            Self::Csr(bad) => bad.fmt(f),
            Self::UnknownProfile(name) => write!(f, "no profile is called {name}"),
            Self::Profile(bad) => bad.fmt(f),
            Self::ProfileNumber { profile, least } => {
                write!(f, "the next version of profile {profile} is {least}: raise the number in its text")
            }
            Self::ProfileWaits { profile, version } => {
                write!(f, "version {version} of profile {profile} waits for a decision")
            }
            Self::ProfileState { profile, version, state } => {
                write!(f, "version {version} of profile {profile} is {}", state.as_str())
            }
            Self::SameProposer { profile, version } => {
                write!(f, "who proposed version {version} of profile {profile} may not approve it")
            }
            Self::UnknownIssuer(name) => write!(f, "no issuer is called {name}"),
            Self::NoIssuerForKey { profile, key } => {
                write!(f, "no issuer here certifies a {key} key under profile {profile}")
            }
            Self::BlockedKey { since } => {
                write!(f, "a certificate with this key was revoked for key compromise at {since}; make a new key")
            }
            Self::AuthorityKey(id) => write!(f, "this is the key of {id}"),
            Self::IssuerExists(id) => write!(f, "issuer {id} exists"),
            Self::BadIssuer(why) => f.write_str(why),
            Self::Draft(bad) => bad.fmt(f),
            Self::Lint(findings) => {
                f.write_str("rules broken:")?;
                findings.iter().try_for_each(|finding| write!(f, " {finding};"))
            }
            Self::UnknownRequest(id) => write!(f, "no request {id}"),
            Self::RequestState { request, state } => write!(f, "request {request} is {}", state.as_str()),
            Self::Approval(refused) => refused.fmt(f),
            Self::Evidence(bad) => bad.fmt(f),
            Self::EvidenceMissing => f.write_str("the profile asks for evidence that has not expired"),
            Self::Branch(bad) => bad.fmt(f),
            Self::Batch(bad) => bad.fmt(f),
            Self::BadRows(rows) => write!(f, "{rows} rows are not accepted; nothing was filed"),
            Self::Row(why) => f.write_str(why),
            Self::Name(bad) => bad.fmt(f),
            Self::UnknownBatch => f.write_str("no such batch"),
            Self::UnknownEvidence => f.write_str("no such evidence, or it has no file"),
            Self::Contact => f.write_str("expected a mail address such as name@example.cn"),
            Self::PickupGone => f.write_str("the link was used, has expired, or never was"),
            Self::PickupLifetime => f.write_str("a pick-up link works 1 to 90 days"),
            Self::NoPickup(id) => write!(f, "request {id} has no pick-up link"),
            Self::NotFollowed(serial) => {
                write!(f, "certificate {serial} is revoked, on hold, or of a key kept here: nothing follows it")
            }
            Self::SameKey => f.write_str("this is the key of the certificate to be replaced; make a new one"),
            Self::SameNames => f.write_str("the names are those of the certificate to be replaced"),
            Self::CountChanged { now } => write!(f, "there are {now} now; look again"),
            Self::UnknownCertificate(serial) => write!(f, "no certificate {serial}"),
            Self::Ambiguous(serial) => write!(f, "several issuers used serial {serial}: name the issuer"),
            Self::Change(bad) => bad.fmt(f),
            Self::NoCrl(id) => write!(f, "{id} has published no CRL yet"),
            Self::CrlDiffers(id) => write!(f, "the CRL file of {id} is not the one recorded"),
            Self::CrlFile { issuer, detail } => write!(f, "the CRL of {issuer} could not be written: {detail}"),
            Self::CrlRace(id) => write!(f, "another CRL of {id} was made at the same time"),
            Self::IssuerAtRest { issuer, state } => write!(
                f,
                "issuer {issuer} is {state} and signs nothing of this kind; an offline one signs in ceremonies only"
            ),
            Self::AuthorityCertificate(serial) => {
                write!(
                    f,
                    "certificate {serial} is an authority's: two persons revoke it, with a plan (yinxin ceremony)"
                )
            }
            Self::Ceremony(bad) => bad.fmt(f),
            Self::UnknownCeremony(id) => write!(f, "no ceremony {id}"),
            Self::CeremonyState { ceremony, state } => write!(f, "ceremony {ceremony} is {}", state.as_str()),
            Self::SamePerson(id) => write!(f, "who put ceremony {id} forward may not confirm it"),
            Self::CeremonyFailed { ceremony, step, why } => {
                write!(f, "ceremony {ceremony} ended at step {step}: {why}; its transcript tells what was done before")
            }
            Self::NoCentre => f.write_str("no key centre makes keys for pairs of certificates here"),
            Self::Centre(no) => write!(f, "the key centre made no key: {no}"),
            Self::NoPair(serial) => write!(f, "certificate {serial} stands alone"),
            Self::HalfOfPair { serial, sign } => {
                write!(f, "{serial} is the encryption certificate of a pair; ask with its signing certificate {sign}")
            }
            Self::Issue(bad) => bad.fmt(f),
            Self::Random => f.write_str("the random source failed"),
            Self::Pool(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Feed(why) => write!(f, "a status feed refused the change: {why}"),
            Self::Damaged(what) => write!(f, "{what} does not read back"),
        }
    }
}

impl std::error::Error for Error {}

/// What is wrong with a branch. Caller's fault; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadBranch {
    /// There is none of that word.
    Unknown,
    /// It takes no new requests.
    Closed,
    /// The officer does not work there.
    Elsewhere,
    /// The officer works in several and named none.
    Needed,
    /// There is one of that word.
    Exists,
    /// Its name is empty or longer than 80 characters.
    Title,
    /// There are a thousand.
    TooMany,
}

impl fmt::Display for BadBranch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no branch of that word",
            Self::Closed => "the branch is closed and takes no new requests",
            Self::Elsewhere => "you do not work in that branch",
            Self::Needed => "you work in several branches: say which one the request is for",
            Self::Exists => "there is a branch of that word",
            Self::Title => "a branch has a name of 1 to 80 characters",
            Self::TooMany => "there are as many branches as there can be",
        })
    }
}

impl std::error::Error for BadBranch {}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from! {
    Denied => Denied,
    BadProfile => Profile,
    BadRequest => Csr,
    Undraftable => Draft,
    Refused => Approval,
    BadEvidence => Evidence,
    BadBatch => Batch,
    BadBranch => Branch,
    BadCeremony => Ceremony,
    Impossible => Change,
    Unfinished => Issue,
    crypto_pool::Error => Pool,
    ledger::DbError => Db,
    ledger::audit::AuditError => Audit,
}

impl From<pki_config::ports::RandomFailed> for Error {
    fn from(_: pki_config::ports::RandomFailed) -> Self {
        Self::Random
    }
}
