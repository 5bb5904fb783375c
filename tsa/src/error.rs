//! What the time-stamping authority can answer instead of a result.

use std::fmt;

use ledger::{AuditError, DbError};
use pki_config::ErrorCode;

use crate::core::response::{FailInfo, Rejection};

/// Why the time-stamping authority did not do what it was asked. Nothing changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request is refused; the client gets this as a `TimeStampResp`. Caller's fault, unless it says
    /// `timeNotAvailable` or `systemFailure`.
    Rejected(Rejection),
    /// There is no such token. Caller's fault.
    UnknownToken,
    /// A certificate cannot be that of a time-stamping unit. Operator's fault.
    BadUnit(&'static str),
    /// The random source failed.
    Random,
    /// The pool refused or could not; its own codes tell.
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
            Self::Rejected(rejection) => match rejection.info {
                FailInfo::TimeNotAvailable => ErrorCode::TimeNotAvailable,
                FailInfo::SystemFailure | FailInfo::AddInfoNotAvailable => ErrorCode::Internal,
                _ => ErrorCode::StampRefused,
            },
            Self::UnknownToken => ErrorCode::NotFound,
            Self::BadUnit(_) => ErrorCode::CertificateState,
            Self::Random => ErrorCode::RandomFailed,
            Self::Pool(error) => error.code(),
            Self::Db(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Damaged(_) => ErrorCode::AuditBroken,
        }
    }
}

impl Error {
    /// What a client of the protocol is told: nothing of the inside.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Rejected(rejection) => *rejection,
            Self::Audit(AuditError::ClockBehind { .. })
            | Self::Pool(crypto_pool::Error::Audit(AuditError::ClockBehind { .. })) => {
                Rejection::new(FailInfo::TimeNotAvailable, "the clock is behind the last log entry")
            }
            // The pool signs no time that is far from its own clock's: one of the two is wrong.
            Self::Pool(crypto_pool::Error::Refused(crypto_pool::to_sign::Refusal::Times)) => {
                Rejection::new(FailInfo::TimeNotAvailable, "the machine's clock is not at the time of the sources")
            }
            Self::Pool(crypto_pool::Error::Busy) | Self::Db(DbError::Busy) => {
                Rejection::new(FailInfo::SystemFailure, "too much work is waiting; try again shortly")
            }
            _ => Rejection::new(FailInfo::SystemFailure, "the authority cannot stamp now; the operator must look"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::UnknownToken => f.write_str("no such time-stamp"),
            Self::BadUnit(why) => write!(f, "not a certificate for time-stamping: {why}"),
            Self::Random => f.write_str("the random source failed"),
            Self::Pool(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Damaged(what) => write!(f, "{what} does not read back"),
        }
    }
}

impl std::error::Error for Error {}

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
    Rejection => Rejected,
    crypto_pool::Error => Pool,
    DbError => Db,
    AuditError => Audit,
}

impl From<pki_config::ports::RandomFailed> for Error {
    fn from(_: pki_config::ports::RandomFailed) -> Self {
        Self::Random
    }
}
