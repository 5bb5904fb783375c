//! Counters, and how they are read.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use pki_config::{Instant, IssuerId};

use crate::answer::{Answer, Outcome};

/// Counts of one issuer, or of answers that belong to none.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    live: AtomicU64,
    presigned: AtomicU64,
    never_issued: AtomicU64,
    /// thisUpdate of the oldest answer made ahead. Unit: milliseconds since 1970; 0 for none.
    oldest: AtomicI64,
}

impl Counters {
    pub(crate) fn count(&self, answer: &Answer) {
        self.outcomes[answer.outcome.index()].fetch_add(1, Ordering::Relaxed);
        if answer.times.is_some() {
            let way = if answer.presigned { &self.presigned } else { &self.live };
            way.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_never_issued(&self) {
        self.never_issued.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_oldest(&self, oldest: Option<Instant>) {
        self.oldest.store(oldest.map_or(0, Instant::unix_millis), Ordering::Relaxed);
    }

    pub(crate) fn outcomes(&self) -> Vec<(Outcome, u64)> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Outcome::ALL.into_iter().zip(self.outcomes.iter().map(count)).collect()
    }

    pub(crate) fn of_issuer(&self, issuer: IssuerId) -> IssuerMetrics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let oldest = self.oldest.load(Ordering::Relaxed);
        IssuerMetrics {
            issuer,
            outcomes: self.outcomes(),
            live: count(&self.live),
            presigned: count(&self.presigned),
            never_issued: count(&self.never_issued),
            oldest_presigned: Instant::from_unix_millis(oldest).ok().filter(|_| oldest > 0),
            certificates: 0,
            made_ahead: 0,
            responder_not_after: None,
            followed: false,
            crl_next_update: None,
        }
    }
}

/// How the responder does, at one moment.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Of each issuer.
    pub issuers: Vec<IssuerMetrics>,
    /// Answers that belong to no issuer (refusals), counted since the start.
    pub others: Vec<(Outcome, u64)>,
    /// Questions that wait for a signature now.
    pub waiting: usize,
}

impl Metrics {
    /// Questions about serials that were never issued, over all issuers: somebody may hold forged certificates.
    #[must_use]
    pub fn never_issued(&self) -> u64 {
        self.issuers.iter().map(|one| one.never_issued).sum()
    }
}

/// How the responder does for one issuer. Counts are since the start.
#[derive(Debug, Clone)]
pub struct IssuerMetrics {
    /// Which.
    pub issuer: IssuerId,
    /// Answers, by what they said.
    pub outcomes: Vec<(Outcome, u64)>,
    /// Answers signed for their question.
    pub live: u64,
    /// Answers made ahead.
    pub presigned: u64,
    /// Serials asked about that were never issued.
    pub never_issued: u64,
    /// thisUpdate of the oldest answer made ahead, as of the last round.
    pub oldest_presigned: Option<Instant>,
    /// Certificates whose status is known.
    pub certificates: usize,
    /// Answers that lie ready.
    pub made_ahead: usize,
    /// Last second of the responder's certificate; `None` while there is none.
    pub responder_not_after: Option<Instant>,
    /// Whether it is an authority of others, followed by its CRL.
    pub followed: bool,
    /// For an authority of others: nextUpdate of its CRL; `None` until there is one.
    pub crl_next_update: Option<Instant>,
}
