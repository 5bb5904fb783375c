//! What can go wrong in this crate, and the public code of each.

use std::fmt;
use std::path::PathBuf;

use ledger::DbError;
use ledger::audit::AuditError;
use pki_config::ports::RandomFailed;
use pki_config::{ErrorCode, KeyId, TenantId};

use crate::backend::Fault;
use crate::key::{KeyState, Purpose};
use crate::public_key::BadKey;
use crate::root_key::shares::BadShare;
use crate::to_sign::Refusal;

/// Why something was not done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The root key is sealed. An operator must unseal it; then the same call succeeds.
    Sealed,
    /// The passphrase does not open the root key.
    UnsealFailed,
    /// Shares do not open the root key, for this reason.
    Share(BadShare),
    /// The passphrase is shorter than 12 characters.
    PassphraseShort,
    /// The file of the root key cannot be used. Operator's fault to mend.
    RootKeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, for the operator.
        reason: String,
    },
    /// There is no such key, or it belongs to another tenant: the answer is the same.
    NoSuchKey {
        /// Which was asked for.
        key: KeyId,
    },
    /// The key's state does not allow this. Nothing was signed.
    KeyState {
        /// Which key.
        key: KeyId,
        /// Its state.
        state: KeyState,
    },
    /// A key of this purpose is not for that. Nothing was done.
    KeyPurpose {
        /// Which key.
        key: KeyId,
        /// Its purpose.
        purpose: Purpose,
    },
    /// A key cannot go from one state to the other.
    Transition {
        /// Its state.
        from: KeyState,
        /// The state asked for.
        to: KeyState,
    },
    /// What was to be signed does not fit the key's record. Nothing was signed.
    Refused(Refusal),
    /// The signature did not verify and was thrown away: a fault of the machine or of the key store.
    SignatureFailed {
        /// Which key.
        key: KeyId,
    },
    /// A stored private key does not open under the root key: changed, moved, or of another installation.
    KeyDamaged {
        /// Which key.
        key: KeyId,
    },
    /// The device that keys live in does not answer. Nothing was signed; retry is safe.
    DeviceAway {
        /// Which device, as the configuration calls it.
        device: String,
        /// What is known of it.
        why: String,
    },
    /// The device that keys live in refuses what it was asked. Operator's fault to mend.
    DeviceRefused {
        /// Which device, as the configuration calls it.
        device: String,
        /// What it does not take, and what to do.
        why: String,
    },
    /// The device does not have this key any more.
    DeviceKeyMissing {
        /// Which device, as the configuration calls it.
        device: String,
        /// Which key.
        key: Option<KeyId>,
    },
    /// The device has another key in the place of this one.
    DeviceKeyDiffers {
        /// Which device, as the configuration calls it.
        device: String,
        /// Which key.
        key: Option<KeyId>,
    },
    /// This tenant has no exclusive unit.
    NoSuchUnit {
        /// Which tenant.
        tenant: TenantId,
    },
    /// This tenant has an exclusive unit already.
    UnitExists {
        /// Which tenant.
        tenant: TenantId,
    },
    /// A unit has 1 to 256 workers, on at most 256 processors. Caller's fault.
    UnitSize,
    /// The caller's authorization is for something else.
    Forbidden,
    /// The public key is not accepted.
    BadKey(BadKey),
    /// This algorithm cannot be used here.
    Algorithm,
    /// A private key could not be made or read.
    PrivateKey,
    /// The random source failed.
    Random(RandomFailed),
    /// Too much work is waiting. Nothing was signed; retry is safe.
    Busy,
    /// A bulk request asks for no signature or for more than are made at once. Caller's fault; nothing was signed.
    BulkSize {
        /// How many were asked for.
        asked: usize,
    },
    /// The pool is stopping. Nothing was signed.
    Stopping,
    /// The answer was lost in a fault of ours: a signature may have been recorded. A restart recovers.
    Lost,
    /// The audit log refused: no entry, no signature.
    Audit(AuditError),
    /// The database refused. Nothing was kept.
    Db(DbError),
}

impl Error {
    pub(crate) fn of_device(device: &str, key: Option<KeyId>, fault: Fault) -> Self {
        let device = device.to_owned();
        match fault {
            Fault::Away(why) | Fault::Session(why) => Self::DeviceAway { device, why },
            Fault::Refused(why) => Self::DeviceRefused { device, why },
            Fault::KeyMissing => Self::DeviceKeyMissing { device, key },
            Fault::KeyDiffers => Self::DeviceKeyDiffers { device, key },
        }
    }

    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Sealed => ErrorCode::Sealed,
            Self::UnsealFailed => ErrorCode::UnsealFailed,
            Self::Share(_) => ErrorCode::ShareRefused,
            Self::PassphraseShort | Self::Algorithm | Self::BulkSize { .. } | Self::UnitSize => ErrorCode::BadRequest,
            Self::RootKeyFile { .. } => ErrorCode::StorageFailed,
            Self::NoSuchKey { .. } | Self::NoSuchUnit { .. } => ErrorCode::NotFound,
            Self::UnitExists { .. } => ErrorCode::UnitExists,
            Self::KeyState { .. } | Self::KeyPurpose { .. } | Self::Transition { .. } => ErrorCode::KeyUnusable,
            Self::Refused(_) => ErrorCode::SignatureRefused,
            Self::SignatureFailed { .. } => ErrorCode::SignatureFailed,
            Self::KeyDamaged { .. } => ErrorCode::AuditBroken,
            Self::DeviceAway { .. } => ErrorCode::DeviceAway,
            Self::DeviceRefused { .. } | Self::DeviceKeyMissing { .. } | Self::DeviceKeyDiffers { .. } => {
                ErrorCode::DeviceRefused
            }
            Self::Forbidden => ErrorCode::Forbidden,
            Self::BadKey(_) | Self::PrivateKey => ErrorCode::KeyRefused,
            Self::Random(_) => ErrorCode::RandomFailed,
            Self::Busy => ErrorCode::Busy,
            Self::Stopping => ErrorCode::Stopping,
            Self::Lost => ErrorCode::OutcomeUnknown,
            Self::Audit(why) => why.code(),
            Self::Db(why) => why.code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed => f.write_str("the root key is sealed"),
            Self::UnsealFailed => f.write_str("the passphrase does not open the root key"),
            Self::Share(why) => why.fmt(f),
            Self::PassphraseShort => f.write_str("the passphrase must have at least 12 characters"),
            Self::RootKeyFile { path, reason } => write!(f, "root key file {}: {reason}", path.display()),
            Self::NoSuchKey { key } => write!(f, "there is no key {key}"),
            Self::KeyState { key, state } => write!(f, "key {key} is {state}"),
            Self::KeyPurpose { key, purpose } => write!(f, "key {key} is for {purpose} only"),
            Self::Transition { from, to } => write!(f, "a key that is {from} cannot become {to}"),
            Self::Refused(why) => write!(f, "not signed: {why}"),
            Self::SignatureFailed { key } => write!(f, "a signature of key {key} did not verify"),
            Self::KeyDamaged { key } => write!(f, "the stored private key {key} does not open"),
            Self::DeviceAway { device, why } => write!(f, "{device} does not answer: {why}"),
            Self::DeviceRefused { device, why } => write!(f, "{device}: {why}"),
            Self::DeviceKeyMissing { device, key: Some(key) } => write!(f, "{device} does not have key {key} any more"),
            Self::DeviceKeyMissing { device, key: None } => write!(f, "{device} does not have the key any more"),
            Self::DeviceKeyDiffers { device, key: Some(key) } => {
                write!(f, "{device} has another key in the place of {key}")
            }
            Self::DeviceKeyDiffers { device, key: None } => write!(f, "{device} has another key in its place"),
            Self::NoSuchUnit { tenant } => write!(f, "{tenant} has no exclusive unit"),
            Self::UnitExists { tenant } => write!(f, "{tenant} has an exclusive unit already"),
            Self::UnitSize => f.write_str("a unit has 1 to 256 workers, on at most 256 processors"),
            Self::Forbidden => f.write_str("the authorization is for something else"),
            Self::BadKey(why) => why.fmt(f),
            Self::Algorithm => f.write_str("this algorithm cannot be used here"),
            Self::PrivateKey => f.write_str("the private key could not be made or read"),
            Self::Random(why) => why.fmt(f),
            Self::Busy => f.write_str("too many signatures are waiting"),
            Self::BulkSize { asked } => {
                write!(f, "{asked} signatures in one request; 1 to {} are made", crate::pool::MOST_IN_BULK)
            }
            Self::Stopping => f.write_str("the signing pool is stopping"),
            Self::Lost => f.write_str("the outcome is unknown"),
            Self::Audit(why) => why.fmt(f),
            Self::Db(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<BadShare> for Error {
    fn from(why: BadShare) -> Self {
        Self::Share(why)
    }
}

impl From<DbError> for Error {
    fn from(why: DbError) -> Self {
        Self::Db(why)
    }
}

impl From<AuditError> for Error {
    fn from(why: AuditError) -> Self {
        Self::Audit(why)
    }
}

impl From<RandomFailed> for Error {
    fn from(why: RandomFailed) -> Self {
        Self::Random(why)
    }
}

impl From<BadKey> for Error {
    fn from(why: BadKey) -> Self {
        Self::BadKey(why)
    }
}

impl From<Refusal> for Error {
    fn from(why: Refusal) -> Self {
        Self::Refused(why)
    }
}
