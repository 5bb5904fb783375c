//! What stops the log, and with it every signature.

use std::fmt;

use pki_config::{ErrorCode, Instant};

use super::entry::{MAX_FIELD, MAX_LEAF};
use crate::db::DbError;

/// What stops the log, and with it every signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditError {
    /// The clock is behind the last entry by more than two seconds. Operator's to mend: set the clock,
    /// or overrule a wrong future date.
    ClockBehind {
        /// What the clock says.
        now: Instant,
        /// The time of the last entry.
        last: Instant,
    },
    /// The log does not verify: at this entry or row.
    Broken(String),
    /// The log is stopped after an earlier failure.
    Stopped(String),
    /// No such entry or size.
    NoSuchEntry,
    /// A field of the draft, or the draft as a whole, is too long. Caller's fault; nothing was written.
    TooLong,
    /// The database could not.
    Db(DbError),
}

impl AuditError {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ClockBehind { .. } => ErrorCode::ClockBehind,
            Self::Broken(_) | Self::Stopped(_) => ErrorCode::AuditBroken,
            Self::NoSuchEntry => ErrorCode::ProofImpossible,
            Self::TooLong => ErrorCode::Internal,
            Self::Db(error) => error.code(),
        }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockBehind { now, last } => write!(f, "the clock ({now}) is behind the last log entry ({last})"),
            Self::Broken(what) => write!(f, "the audit log is broken: {what}"),
            Self::Stopped(why) => write!(f, "the audit log is stopped: {why}"),
            Self::NoSuchEntry => f.write_str("the audit log has no such entry or size"),
            Self::TooLong => {
                write!(f, "an entry may have {MAX_LEAF} bytes and each of its fields {MAX_FIELD}")
            }
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DbError> for AuditError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
