//! What the service of seals can answer instead of a result.

use std::fmt;

use ledger::{AuditError, DbError};
use pki_config::{ErrorCode, SealId};

use crate::core::job::Refused;
use crate::core::place::BadPlace;
use crate::workshop::Failed;

/// Why the service did not do what it was asked. Unless it says otherwise nothing changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The caller's right is to something else.
    Forbidden,
    /// There is no such seal, or it belongs to another tenant: the answer is the same.
    UnknownSeal,
    /// The seal's state does not allow this. Caller's fault.
    State {
        /// Which seal.
        seal: SealId,
        /// Its state.
        state: &'static str,
    },
    /// It may not be decided by whoever applied for it or decided it before. Caller's fault.
    SameOfficer,
    /// The application is not accepted: a sentence. Caller's fault.
    Application(String),
    /// A holder's certificate is not accepted: a sentence. Caller's fault.
    Holder(String),
    /// The caller is not among those who may use the seal.
    NotYours,
    /// The order makes no sense: a sentence. Caller's fault.
    Order(String),
    /// The document or picture cannot be worked on. Caller's fault.
    Document(Refused),
    /// The document takes too much time or memory. Caller's fault.
    DocumentLimit,
    /// The request id was used for another order. Caller's fault.
    RequestReused,
    /// There is nothing prepared under this request id, or its time is over. Caller's fault.
    NotPrepared,
    /// The signature handed in is not one of a holder over what was prepared. Caller's fault.
    SignatureWrong,
    /// The seal's keys or certificates are not ready: a sentence. Operator's to mend; retry later.
    Unready(String),
    /// No time-stamp could be had: a sentence. Nothing left; a retry with the same request id does not sign again.
    NoTimeStamp(String),
    /// Too many documents wait.
    Busy,
    /// The child process, or what it gave, failed: a sentence for the operator. A retry with the same request id does
    /// not sign again.
    Workshop(String),
    /// What we made does not verify: a fault of ours; it did not leave. The sentence is for the operator.
    OwnResult(String),
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
            Self::Forbidden => ErrorCode::Forbidden,
            Self::UnknownSeal => ErrorCode::NotFound,
            Self::State { .. } => ErrorCode::SealState,
            Self::SameOfficer => ErrorCode::SameOfficer,
            Self::Application(_) => ErrorCode::SealRefused,
            Self::Holder(_) => ErrorCode::HolderRefused,
            Self::NotYours => ErrorCode::SealNotYours,
            Self::Order(_) => ErrorCode::BadRequest,
            Self::Document(refused) => code_of(refused),
            Self::DocumentLimit => ErrorCode::DocumentLimit,
            Self::RequestReused => ErrorCode::RequestReused,
            Self::NotPrepared => ErrorCode::NotFound,
            Self::SignatureWrong => ErrorCode::SignatureWrong,
            Self::Unready(_) => ErrorCode::SealUnready,
            Self::NoTimeStamp(_) => ErrorCode::TimeNotAvailable,
            Self::Busy => ErrorCode::Busy,
            Self::Workshop(_) => ErrorCode::WorkshopFailed,
            Self::OwnResult(_) => ErrorCode::Internal,
            Self::Random => ErrorCode::RandomFailed,
            Self::Pool(error) => error.code(),
            Self::Db(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Damaged(_) => ErrorCode::AuditBroken,
        }
    }
}

fn code_of(refused: &Refused) -> ErrorCode {
    match refused {
        Refused::Place(_) => ErrorCode::PlaceRefused,
        Refused::NoGlyph(_) => ErrorCode::PictureRefused,
        _ => ErrorCode::DocumentRefused,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("this right is to something else"),
            Self::UnknownSeal => f.write_str("no such seal"),
            Self::State { seal, state } => write!(f, "the seal {seal} is {state}"),
            Self::SameOfficer => f.write_str("another officer must decide this"),
            Self::Application(why) | Self::Holder(why) | Self::Order(why) | Self::Unready(why) => f.write_str(why),
            Self::NotYours => f.write_str("you are not among those who may use this seal"),
            Self::Document(refused) => f.write_str(&sentence(refused)),
            Self::DocumentLimit => f.write_str("it takes more time or memory than allowed"),
            Self::RequestReused => f.write_str("this request id was used for another document or order"),
            Self::NotPrepared => f.write_str("nothing is prepared under this request id, or its time is over"),
            Self::SignatureWrong => f.write_str("no holder's key made this signature over what was prepared"),
            Self::NoTimeStamp(why) => write!(f, "no time-stamp could be had: {why}"),
            Self::Busy => f.write_str("too many documents are waiting"),
            Self::Workshop(why) => write!(f, "the process that reads documents failed: {why}"),
            Self::OwnResult(why) => write!(f, "our own result does not verify: {why}"),
            Self::Random => f.write_str("the random source failed"),
            Self::Pool(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Damaged(what) => write!(f, "{what} does not read back"),
        }
    }
}

/// Why a document or picture is not worked on, for whoever sent it.
#[must_use]
pub fn sentence(refused: &Refused) -> String {
    match refused {
        Refused::UnknownFormat => "it is neither OFD nor PDF, nor a picture that is read here".to_owned(),
        Refused::TooLarge(what) => format!("too large or too many: {what}"),
        Refused::Malformed(why) => why.clone(),
        Refused::Encrypted => "encrypted: it asks for a password".to_owned(),
        Refused::Unsuitable(word, why) => format!("{word}: {why}"),
        Refused::Place(bad) => place(bad),
        Refused::Form => "this form of signature does not go with this kind of document".to_owned(),
        Refused::NoRoom => "the signature is longer than the room kept for it".to_owned(),
        Refused::NoGlyph(characters) => format!("no font has these characters: {characters}"),
    }
}

fn place(bad: &BadPlace) -> String {
    match bad {
        BadPlace::Nowhere => "nothing says where the seal goes".to_owned(),
        BadPlace::NoSuchPage(page) => format!("there is no page {page}"),
        BadPlace::OffPage(page) => format!("the seal would not lie on page {page}"),
        BadPlace::NoKeyword(text) => format!("the text {text:?} is not there"),
        BadPlace::TooFewPages => "a riding seal needs two pages".to_owned(),
        BadPlace::TooMany => "more seals than are put on one document".to_owned(),
        BadPlace::BadLength => "a length is no number or out of range".to_owned(),
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
    crypto_pool::Error => Pool,
    DbError => Db,
    AuditError => Audit,
    Refused => Document,
}

impl From<pki_config::ports::RandomFailed> for Error {
    fn from(_: pki_config::ports::RandomFailed) -> Self {
        Self::Random
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refused) => Self::Document(refused),
            Failed::Limit => Self::DocumentLimit,
            Failed::Busy => Self::Busy,
            Failed::Broken(why) | Failed::NoChild(why) => Self::Workshop(why),
        }
    }
}
