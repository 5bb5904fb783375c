//! What the key centre can answer instead of a result.

use std::fmt;

use ledger::{AuditError, DbError};
use pki_config::ErrorCode;

use crate::core::order::Refused;
use crate::core::recipient::Unsuitable;

/// Why the centre did not do what it was asked. Unless it says otherwise nothing changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The caller's right is to something else.
    Forbidden,
    /// There is no such key, or it belongs to another tenant: the answer is the same.
    UnknownKey,
    /// There is no such order, or it is another tenant's.
    UnknownOrder,
    /// The officers' rules are against it. Caller's fault.
    Refused(Refused),
    /// The key was destroyed, or nothing came of its certificate.
    NotKept,
    /// The key cannot be handed to this certificate. Caller's fault.
    Recipient(Unsuitable),
    /// A certificate is needed, or none is.
    CertificateExpected(bool),
    /// The order has no envelope: it was not approved, or destroyed a key.
    NoEnvelope,
    /// Whether a certificate is a holder's could not be found out: a sentence.
    NoAnswer(String),
    /// An archived key does not open, or is another's. Nothing was handed out.
    Envelope,
    /// The random source failed.
    Random,
    /// The pool could not; its own codes tell.
    Pool(crypto_pool::Error),
    /// The database could not.
    Db(DbError),
    /// The audit log could not.
    Audit(AuditError),
    /// A stored thing does not read back: the database was damaged or edited.
    Damaged(&'static str),
}

impl Error {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Forbidden | Self::Refused(Refused::WrongPermission(_)) => ErrorCode::Forbidden,
            Self::UnknownKey | Self::UnknownOrder | Self::Refused(Refused::OtherTenant) => ErrorCode::NotFound,
            Self::Refused(Refused::SameOfficer | Refused::Party) => ErrorCode::CentreOfficer,
            Self::Refused(Refused::Decided(_)) | Self::NoEnvelope => ErrorCode::OrderState,
            Self::Refused(Refused::Reason | Refused::Ground) | Self::CertificateExpected(_) => ErrorCode::BadRequest,
            Self::NotKept => ErrorCode::KeyNotKept,
            Self::Recipient(_) => ErrorCode::RecipientRefused,
            Self::NoAnswer(_) => ErrorCode::Internal,
            Self::Envelope => ErrorCode::EnvelopeDamaged,
            Self::Random => ErrorCode::RandomFailed,
            Self::Pool(error) => error.code(),
            Self::Db(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Damaged(_) => ErrorCode::AuditBroken,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("this right is to something else"),
            Self::UnknownKey => f.write_str("the key centre has no such key"),
            Self::UnknownOrder => f.write_str("the key centre has no such order"),
            Self::Refused(refused) => refused.fmt(f),
            Self::NotKept => f.write_str("the key was destroyed, or nothing came of its certificate"),
            Self::Recipient(why) => why.fmt(f),
            Self::CertificateExpected(true) => f.write_str("say for whom: give the recipient's certificate"),
            Self::CertificateExpected(false) => f.write_str("a key is destroyed for nobody: leave the certificate out"),
            Self::NoEnvelope => f.write_str("the order has no envelope: it is not done, or it destroyed the key"),
            Self::NoAnswer(why) => write!(f, "whether the certificate is a holder's could not be found out: {why}"),
            Self::Envelope => f.write_str("the archived key does not open, or is not the one of its record"),
            Self::Random => f.write_str("the random source failed"),
            Self::Pool(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Damaged(what) => write!(f, "{what} does not read back"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Refused> for Error {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl From<Unsuitable> for Error {
    fn from(why: Unsuitable) -> Self {
        Self::Recipient(why)
    }
}

impl From<crypto_pool::Error> for Error {
    fn from(error: crypto_pool::Error) -> Self {
        match error {
            crypto_pool::Error::KeyDamaged { .. } => Self::Envelope,
            other => Self::Pool(other),
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<AuditError> for Error {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}

impl From<pki_config::ports::RandomFailed> for Error {
    fn from(_: pki_config::ports::RandomFailed) -> Self {
        Self::Random
    }
}
