//! Why a backup was not made or not restored: one sentence each.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ledger::DbError;
use ledger::audit::AuditError;
use pki_config::ErrorCode;

/// Why a backup was not made or not restored. Nothing is left behind.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupError {
    /// The file to be written exists; it is untouched.
    Exists(PathBuf),
    /// The passphrase has fewer than twelve characters.
    PassphraseShort,
    /// The authorization is for something else.
    Forbidden,
    /// The system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        why: io::Error,
    },
    /// Keys or pool: sealed, for example.
    Pool(crypto_pool::Error),
    /// The database could not.
    Db(DbError),
    /// The log could not, or the restored one does not verify.
    Audit(AuditError),
    /// The random source failed.
    Random,
    /// It does not begin as a backup does.
    NotABackup,
    /// A newer program made it.
    Newer(u16),
    /// It breaks off, or a part of it is not what it should be.
    Malformed(&'static str),
    /// Something in it was changed.
    Changed,
    /// The signature is not its log key's.
    Signature,
    /// What was given does not open it.
    DoesNotOpen,
    /// The root key of this trial is not inside; the file `root.key` is needed.
    RootKeyMissing,
    /// Its Argon2id setting is out of bounds.
    Cost,
    /// The directory to restore into is not empty.
    NotEmpty(PathBuf),
    /// The checkpoint given does not read.
    ExpectMalformed,
    /// The checkpoint given is of another log, or not signed by this one's key.
    ExpectOtherLog,
    /// The backup is older than the checkpoint.
    Older {
        /// Entries in the backup.
        holds: u64,
        /// Entries the checkpoint speaks of.
        seen: u64,
    },
    /// The log in the backup went another way than that of the checkpoint.
    Forked {
        /// Entries the checkpoint speaks of.
        size: u64,
    },
    /// A CRL given does not read.
    CrlMalformed,
    /// A CRL given is of none of the issuers in the backup.
    CrlUnknownIssuer,
    /// The backup does not know a CRL that was published.
    CrlNewer {
        /// Whose.
        issuer: String,
        /// Its CRLNumber.
        number: u64,
    },
    /// The restored log does not verify.
    LogDamaged(String),
}

impl BackupError {
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |why| Self::Io { doing, why }
    }

    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Exists(_) | Self::PassphraseShort => ErrorCode::BadRequest,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::Pool(why) => why.code(),
            Self::Db(why) => why.code(),
            Self::Audit(why) => why.code(),
            Self::Random => ErrorCode::RandomFailed,
            _ => ErrorCode::BackupFailed,
        }
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{} exists and is not replaced; name a new file", path.display()),
            Self::PassphraseShort => f.write_str("the passphrase must have at least 12 characters"),
            Self::Forbidden => f.write_str("the authorization is for something else"),
            Self::Io { doing, why } => write!(f, "{doing}: {why}"),
            Self::Pool(why) => why.fmt(f),
            Self::Db(why) => write!(f, "the database: {why}"),
            Self::Audit(why) => write!(f, "the audit log: {why}"),
            Self::Random => f.write_str("the random source failed"),
            Self::NotABackup => f.write_str("this is not a backup of Yinxin"),
            Self::Newer(version) => {
                write!(f, "the backup was made by a newer Yinxin (format {version}); restore it with that version")
            }
            Self::Malformed(what) => write!(f, "the backup is damaged: {what}"),
            Self::Changed => f.write_str("the backup is damaged or was changed after it was made"),
            Self::Signature => f.write_str("the signature of the backup is not that of its log's key"),
            Self::DoesNotOpen => f.write_str("this root key or passphrase does not open the backup"),
            Self::RootKeyMissing => f.write_str(
                "the root key of this trial is not in the backup; give the file root.key of the old data directory",
            ),
            Self::Cost => f.write_str("the backup asks for an Argon2id setting that is out of bounds"),
            Self::NotEmpty(path) => {
                write!(f, "{} is not empty; restore into a new directory", path.display())
            }
            Self::ExpectMalformed => f.write_str("the checkpoint to compare with does not read"),
            Self::ExpectOtherLog => {
                f.write_str("the checkpoint to compare with is not signed by the key of this backup's log")
            }
            Self::Older { holds, seen } => write!(
                f,
                "this backup is older than the checkpoint: entries {holds}..{} would be lost",
                seen.saturating_sub(1)
            ),
            Self::Forked { size } => write!(
                f,
                "the log in this backup is not the one of the checkpoint: they differ within the first {size} entries"
            ),
            Self::CrlMalformed => f.write_str("a CRL to compare with does not read"),
            Self::CrlUnknownIssuer => f.write_str("a CRL to compare with is not signed by any issuer in this backup"),
            Self::CrlNewer { issuer, number } => write!(
                f,
                "this backup is older than CRL {number} of {issuer}: revocations the world has seen would be undone"
            ),
            Self::LogDamaged(what) => write!(f, "the log in this backup does not verify: {what}"),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<crypto_pool::Error> for BackupError {
    fn from(why: crypto_pool::Error) -> Self {
        Self::Pool(why)
    }
}

impl From<DbError> for BackupError {
    fn from(why: DbError) -> Self {
        Self::Db(why)
    }
}

impl From<AuditError> for BackupError {
    fn from(why: AuditError) -> Self {
        Self::Audit(why)
    }
}

impl From<pki_config::ports::RandomFailed> for BackupError {
    fn from(_: pki_config::ports::RandomFailed) -> Self {
        Self::Random
    }
}
