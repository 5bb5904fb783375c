//! What the responder can answer its operator instead of a result. Questions never get these: they get an
//! [`crate::Answer`].

use std::fmt;

use ledger::DbError;
use pki_config::{ErrorCode, IssuerId};

/// Why something was not done. Nothing changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The issuer was not told to the responder. The caller is wired wrongly.
    UnknownIssuer(IssuerId),
    /// An issuer's certificate cannot be used. Operator's fault.
    BadIssuer {
        /// Which issuer.
        issuer: IssuerId,
        /// What is wrong.
        why: &'static str,
    },
    /// A responder's certificate cannot be used for this issuer. The caller is wired wrongly.
    BadResponder {
        /// Which issuer.
        issuer: IssuerId,
        /// What is wrong.
        why: &'static str,
    },
    /// A CRL of another authority cannot be used. Theirs or the operator's to mend; what was in use stays in use.
    BadCrl {
        /// Which authority.
        issuer: IssuerId,
        /// What is wrong.
        why: &'static str,
    },
    /// The issuer has no responder yet.
    Unready(IssuerId),
    /// The pool did not sign.
    Pool(crypto_pool::Error),
    /// The database.
    Db(DbError),
}

impl Error {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownIssuer(_) => ErrorCode::OcspForeign,
            Self::BadIssuer { .. } | Self::BadResponder { .. } => ErrorCode::Internal,
            Self::BadCrl { .. } => ErrorCode::OcspSource,
            Self::Unready(_) => ErrorCode::OcspUnready,
            Self::Pool(error) => error.code(),
            Self::Db(error) => crypto_pool::Error::Db(error.clone()).code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer(issuer) => write!(f, "{issuer} is no issuer the responder answers for"),
            Self::BadIssuer { issuer, why } => write!(f, "the certificate of {issuer} cannot be used: {why}"),
            Self::BadResponder { issuer, why } => write!(f, "no responder certificate for {issuer}: {why}"),
            Self::BadCrl { issuer, why } => write!(f, "the CRL of {issuer} cannot be used: {why}"),
            Self::Unready(issuer) => write!(f, "{issuer} has no responder certificate yet"),
            Self::Pool(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Pool(error) => Some(error),
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<crypto_pool::Error> for Error {
    fn from(error: crypto_pool::Error) -> Self {
        Self::Pool(error)
    }
}
