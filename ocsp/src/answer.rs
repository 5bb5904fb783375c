//! What a question gets, for the edge that sends it.

use bytes::Bytes;
use pki_config::{Instant, IssuerId};

use crate::core::response::{Refusal, Times};

/// What an answer says, in short: for metrics and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// One certificate, good.
    Good,
    /// One certificate, revoked or on hold.
    Revoked,
    /// One certificate, never issued.
    Unknown,
    /// Several certificates.
    Several,
    /// No answer was given. Not signed.
    Refused(Refusal),
}

impl Outcome {
    /// Every outcome, in a fixed order.
    pub const ALL: [Self; 9] = [
        Self::Good,
        Self::Revoked,
        Self::Unknown,
        Self::Several,
        Self::Refused(Refusal::MalformedRequest),
        Self::Refused(Refusal::InternalError),
        Self::Refused(Refusal::TryLater),
        Self::Refused(Refusal::SigRequired),
        Self::Refused(Refusal::Unauthorized),
    ];

    /// A word for labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::Several => "several",
            Self::Refused(refusal) => refusal.as_str(),
        }
    }

    /// Its place in [`Outcome::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Good => 0,
            Self::Revoked => 1,
            Self::Unknown => 2,
            Self::Several => 3,
            Self::Refused(refusal) => 4 + refusal as usize,
        }
    }
}

/// A whole OCSPResponse and what HTTP must know of it. A refusal is an answer too.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The OCSPResponse. Cloning shares the bytes.
    pub der: Bytes,
    /// What it says.
    pub outcome: Outcome,
    /// The issuer it speaks for; `None` if none was found.
    pub issuer: Option<IssuerId>,
    /// thisUpdate, nextUpdate and producedAt; `None` for a refusal.
    pub times: Option<Times>,
    /// Whether HTTP caches may keep it until nextUpdate: signed, and without a nonce. Everything else is `no-store`.
    pub cacheable: bool,
    /// Whether it was made ahead; else it was signed for this question.
    pub presigned: bool,
}

impl Answer {
    /// An answer that is none.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            der: Bytes::from_static(refusal.der()),
            outcome: Outcome::Refused(refusal),
            issuer: None,
            times: None,
            cacheable: false,
            presigned: false,
        }
    }

    /// As of when it is true.
    #[must_use]
    pub fn this_update(&self) -> Option<Instant> {
        self.times.map(|times| times.this_update)
    }

    /// Until when it may be used.
    #[must_use]
    pub fn next_update(&self) -> Option<Instant> {
        self.times.map(|times| times.next_update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_place() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), place);
        }
    }
}
