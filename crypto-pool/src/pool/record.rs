//! What the pool writes into the log.

use ledger::audit::EntryDraft;
use ledger::{AuditLog, Cover, DbError, Outcome, Tx};
use pki_config::{Actor, Event, KeyId};

use super::Signed;
use super::worker::Made;
use crate::error::Error;
use crate::to_sign::Refusal;

/// What a service has recorded of its signature. The pool adds the actor and appends it to the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was done.
    pub event: Event,
    /// To which thing: an identifier or a serial, never a person's data. At most 200 bytes.
    pub object: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Details, personal data included; the entry holds only their digest.
    pub payload: Vec<u8>,
    /// The rows that the closure wrote.
    pub covers: Vec<Cover>,
}

/// Why a commit did not happen: the service's own reason, or one of this crate.
pub(super) enum Failed<E> {
    Commit(E),
    Own(Error),
}

impl<E> From<DbError> for Failed<E> {
    fn from(why: DbError) -> Self {
        Self::Own(Error::Db(why))
    }
}

/// On the database's writer thread: the service's rows, then the entry that covers them, then nothing.
pub(super) fn record<T, E>(
    audit: &AuditLog,
    tx: &Tx<'_>,
    actor: Actor,
    made: Made,
    commit: impl FnOnce(&Tx<'_>, &Signed) -> Result<(Record, T), E>,
) -> Result<T, Failed<E>> {
    let own = |why| Failed::Own(Error::Audit(why));
    let seq = audit.next_seq(tx).map_err(own)?;
    let Made { signature, algorithm, to_sign, at } = made;
    let signed = Signed { signature, algorithm, to_sign: to_sign.into(), at, seq };
    let (Record { event, object, outcome, payload, covers }, value) = commit(tx, &signed).map_err(Failed::Commit)?;
    audit.append(tx, EntryDraft { actor, event, object, outcome, payload, covers }).map_err(own)?;
    Ok(value)
}

/// The entry for what was not signed; `digest` is its SM3.
pub(super) fn refusal(actor: Actor, event: Event, key: KeyId, why: Refusal, digest: [u8; 32]) -> EntryDraft {
    let payload = format!("refused: {why}; sm3={}", crate::hex::of(&digest));
    EntryDraft {
        actor,
        event,
        object: key.to_string(),
        outcome: Outcome::Refused(Error::Refused(why).code()),
        payload: payload.into_bytes(),
        covers: Vec::new(),
    }
}
