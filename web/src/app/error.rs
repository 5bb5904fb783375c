//! Why the application does not start.

use std::fmt;

use ledger::DbError;
use ledger::audit::AuditError;
use pki_config::ErrorCode;

use crate::data_dir::DataDirError;
use crate::problem::Failure;
use crate::tls::TlsError;

/// Why the application does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppError {
    /// The data directory is refused.
    DataDir(DataDirError),
    /// The database is damaged or cannot be opened.
    Db(DbError),
    /// The log does not verify.
    Audit(AuditError),
    /// Keys or pool.
    Pool(crypto_pool::Error),
    /// The certificate authority.
    Ca(ca::Error),
    /// The key centre.
    Centre(key_centre::Error),
    /// The OCSP responder.
    Ocsp(ocsp::Error),
    /// The time-stamping authority.
    Tsa(tsa::Error),
    /// Seals.
    Eseal(eseal::Error),
    /// TLS.
    Tls(TlsError),
    /// The shares of the root key could not be given to their keepers; one sentence.
    HandOut(String),
    /// `setup.toml` says something else than the first entry of the log: somebody changed it.
    SetupChanged,
    /// Anything on the way to a caller.
    Failed(ErrorCode),
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restore = "restore a backup into a new directory with: yinxin restore";
        match self {
            Self::DataDir(error) => error.fmt(f),
            Self::Db(DbError::Damaged(why)) => write!(f, "the database is damaged ({why}); {restore}"),
            Self::Db(error) => write!(f, "the database cannot be opened: {error}"),
            Self::Audit(AuditError::Broken(why)) => write!(f, "the audit log is damaged ({why}); {restore}"),
            Self::Audit(error) => write!(f, "the audit log cannot be opened: {error}"),
            Self::Pool(error) => error.fmt(f),
            Self::Ca(error) => error.fmt(f),
            Self::Centre(error) => error.fmt(f),
            Self::Ocsp(error) => error.fmt(f),
            Self::Tsa(error) => error.fmt(f),
            Self::Eseal(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::HandOut(why) => f.write_str(why),
            Self::SetupChanged => write!(
                f,
                "setup.toml does not say what the log says of this installation; a trial never becomes a production installation; {restore}"
            ),
            Self::Failed(code) => write!(f, "{} ({code})", code.english()),
        }
    }
}

impl std::error::Error for AppError {}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {
        $(impl From<$source> for AppError {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from! {
    DataDirError => DataDir,
    DbError => Db,
    AuditError => Audit,
    crypto_pool::Error => Pool,
    ca::Error => Ca,
    key_centre::Error => Centre,
    ocsp::Error => Ocsp,
    tsa::Error => Tsa,
    eseal::Error => Eseal,
    TlsError => Tls,
}

impl From<Failure> for AppError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.code())
    }
}
