//! How a seal is, for third parties, signed by the newest maker of seals. An answer is kept while it may be relied on,
//! so that asking often does not sign often; it is forgotten when the seal changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto_pool::tlv::{BIT_STRING, GENERALIZED_TIME, IA5_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, write};
use crypto_pool::to_sign::{SEAL_STATUS, ToSign};
use crypto_pool::{Record, SignRequest};
use ledger::{Importance, Outcome, Tx};
use pki_config::{Actor, Event, Instant, SealId, oid};

use super::Eseal;
use crate::error::Error;
use crate::seal::{SealRecord, SealState};
use crate::store;

/// Answers that are kept.
const KEPT: usize = 10_000;

/// What is said of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusWord {
    /// In use and valid.
    Valid,
    /// Set aside.
    Suspended,
    /// Ended for good.
    Revoked,
    /// Its validity is over.
    Expired,
    /// Its validity has not begun.
    NotYetValid,
    /// Made, and never taken into use.
    NotEnabled,
}

impl StatusWord {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::NotEnabled => "not-enabled",
        }
    }
}

/// How a seal is at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The seal.
    pub record: SealRecord,
    /// What is said of it.
    pub word: StatusWord,
    /// Since when.
    pub since: Instant,
    /// First second of its validity.
    pub from: Instant,
    /// When this is said.
    pub at: Instant,
    /// Until when it may be relied on.
    pub until: Instant,
}

/// An answer that was signed.
#[derive(Debug, Clone)]
pub struct StatusAnswer {
    /// What it says.
    pub status: Status,
    /// The answer, DER:
    ///
    /// ```text
    /// SealStatus ::= SEQUENCE { status TBSSealStatus, cert OCTET STRING, signAlgID OID, signedValue BIT STRING }
    /// ```
    pub der: Vec<u8>,
    /// The signer's certificate and then its issuers without the root, DER.
    pub chain: Vec<Vec<u8>>,
}

/// Answers that may still be relied on.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<SealId, Arc<StatusAnswer>>>);

impl Told {
    pub(super) fn forget(&self, id: SealId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn get(&self, id: SealId, now: Instant) -> Option<Arc<StatusAnswer>> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&id).filter(|answer| answer.status.at <= now && now < answer.status.until).cloned()
    }

    fn keep(&self, id: SealId, answer: Arc<StatusAnswer>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= KEPT {
            told.clear();
        }
        told.insert(id, answer);
    }
}

impl Eseal {
    /// How a seal is, for anybody, signed. Applications and what never became a seal are unknown.
    ///
    /// # Errors
    /// [`Error::UnknownSeal`]; [`Error::Unready`] without a maker; the pool's own.
    pub async fn status(&self, id: SealId) -> Result<Arc<StatusAnswer>, Error> {
        let options = &self.0.options;
        let now = options.clock.now().whole_second();
        if let Some(answer) = self.0.told.get(id, now) {
            return Ok(answer);
        }
        let record = options.db.read(move |tx: &Tx<'_>| store::seal(tx, id, None)).await?;
        let record = record.filter(|seal| seal.state.is_made()).ok_or(Error::UnknownSeal)?;
        let from = record.valid_from.ok_or(Error::UnknownSeal)?;
        let (word, mut since) = word(&record, from, now);
        if record.state == SealState::Destroyed {
            let steps = options.db.read(move |tx: &Tx<'_>| store::steps(tx, id)).await?;
            let revoked = steps.iter().find(|step| step.state == SealState::Revoked.as_str());
            since = revoked.map_or(since, |step| step.at);
        }
        let until = now.plus(options.status_lifetime);
        let status = Status { record, word, since: since.min(now), from, at: now, until };
        let answer = Arc::new(self.signed_status(status).await?);
        // A change that came between was told to forget what was not kept yet: look again.
        let state = answer.status.record.state;
        let after = options.db.read(move |tx: &Tx<'_>| store::seal(tx, id, None)).await?;
        if after.is_some_and(|seal| seal.state == state) {
            self.0.told.keep(id, Arc::clone(&answer));
        }
        Ok(answer)
    }

    async fn signed_status(&self, status: Status) -> Result<StatusAnswer, Error> {
        let maker = self.newest_maker().ok_or_else(|| Error::Unready("there is no maker of seals yet".into()))?;
        let tbs = write(
            SEQUENCE,
            &[
                &write(IA5_STRING, &[SEAL_STATUS.as_bytes()]),
                &[INTEGER, 1, 1],
                &write(IA5_STRING, &[status.record.id.to_string().as_bytes()]),
                &write(IA5_STRING, &[status.word.as_str().as_bytes()]),
                &time(status.since),
                &time(status.from),
                &time(status.record.valid_until),
                &time(status.at),
                &time(status.until),
            ],
        );
        let ask = SignRequest {
            key: maker.key,
            to_sign: ToSign::SealStatus(tbs.clone()),
            actor: Actor::system(),
            ceremony: None,
            importance: Importance::Normal,
        };
        let object = status.record.id.to_string();
        let cert = maker.cert.der().to_vec();
        let der = self
            .0
            .options
            .pool
            .sign(ask, move |_: &Tx<'_>, signed| -> Result<_, Error> {
                let algorithm = write(OID, &[oid::SM2_WITH_SM3.as_bytes()]);
                let signature = write(BIT_STRING, &[&[0], &signed.signature]);
                let der = write(SEQUENCE, &[&tbs, &write(OCTET_STRING, &[&cert]), &algorithm, &signature]);
                let (event, outcome) = (Event::SealStatusTold, Outcome::Done);
                Ok((Record { event, object, outcome, payload: der.clone(), covers: Vec::new() }, der))
            })
            .await?;
        let chain = [&[maker.cert.der().to_vec()], maker.issuers.as_slice()].concat();
        Ok(StatusAnswer { status, der, chain })
    }
}

fn word(seal: &SealRecord, from: Instant, now: Instant) -> (StatusWord, Instant) {
    match seal.state {
        SealState::Revoked | SealState::Destroyed => (StatusWord::Revoked, seal.since),
        SealState::Suspended => (StatusWord::Suspended, seal.since),
        _ if now > seal.valid_until => (StatusWord::Expired, seal.valid_until),
        SealState::Enabled if now < from => (StatusWord::NotYetValid, seal.since),
        SealState::Enabled => (StatusWord::Valid, seal.since),
        _ => (StatusWord::NotEnabled, seal.since),
    }
}

/// `GeneralizedTime` in UTC, to the second.
fn time(at: Instant) -> Vec<u8> {
    let digits: String = at.whole_second().to_string().chars().filter(char::is_ascii_digit).collect();
    write(GENERALIZED_TIME, &[digits.as_bytes(), b"Z"])
}
