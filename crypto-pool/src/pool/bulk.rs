//! Many signatures of one key in one request, and the entries they share in the log.
//!
//! A request may be signed in parts by several workers. When the last part is done, all of it joins what
//! already waits to be logged for the same key and actor: the closure that writes the entry takes, when
//! its turn comes, whatever has gathered by then. So one entry stands for as many requests as came while
//! the commit before it was on its way, and nobody waits to collect more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::audit::{EntryDraft, Hash, tree_root};
use ledger::{AuditLog, Db, Importance, Outcome, Seq, Tx};
use pki_config::{Actor, Event, Instant, KeyId};
use tokio::sync::oneshot;

use super::Signed;
use super::record::refusal;
use crate::algorithm::SignatureAlgorithm;
use crate::error::Error;
use crate::key::Purpose;
use crate::store::StoredKey;
use crate::to_sign::ToSign;

/// Most signatures in one request.
pub const MOST_IN_BULK: usize = 1024;

/// Many things to be signed with one key, answered together and logged with one entry, which other
/// requests may share.
#[derive(Debug, Clone)]
pub struct BulkRequest {
    /// The key. Its purpose must allow signing in bulk: OCSP answers, or a tenant's own.
    pub key: KeyId,
    /// Who asks: recorded in the log, and must be of the key's tenant (or the suite itself).
    pub actor: Actor,
    /// What it is to sign: 1 to [`MOST_IN_BULK`].
    pub to_sign: Vec<ToSign>,
}

pub(super) type Answer = Result<Vec<Signed>, Error>;

/// A request on its way. Its parts carry what is to be signed.
pub(super) struct Bulk {
    actor: Actor,
    key: KeyId,
    purpose: Purpose,
    progress: Mutex<Progress>,
}

struct Progress {
    /// By place in the request.
    made: Vec<Option<Made>>,
    left: usize,
    /// `None` once answered.
    answer: Option<oneshot::Sender<Answer>>,
}

struct Made {
    signed: Signed,
    leaf: Hash,
}

/// A request whose signatures are all made and await their entry.
pub(super) struct Done {
    lane: Lane,
    purpose: Purpose,
    signed: Vec<Signed>,
    leaves: Vec<Hash>,
    answer: oneshot::Sender<Answer>,
}

impl Bulk {
    pub(super) fn new(key: &StoredKey, actor: Actor, count: usize) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        let made = (0..count).map(|_| None).collect();
        let progress = Mutex::new(Progress { made, left: count, answer: Some(answer) });
        (Self { actor, key: key.record.id, purpose: key.record.purpose, progress }, answered)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its fate is known already: then the rest need not be signed.
    pub(super) fn is_over(&self) -> bool {
        self.progress().answer.is_none()
    }

    /// Takes the signatures of the part that begins at place `from`. With the last part, gives what is to be
    /// logged.
    pub(super) fn take_in(
        &self,
        from: usize,
        to_sign: Vec<ToSign>,
        signatures: Vec<Vec<u8>>,
        algorithm: SignatureAlgorithm,
        at: Instant,
    ) -> Option<Done> {
        let made: Vec<Made> = leaves(&to_sign)
            .into_iter()
            .zip(to_sign.into_iter().zip(signatures))
            .map(|(leaf, (to_sign, signature))| {
                let to_sign = Arc::new(to_sign.into_bytes());
                Made { signed: Signed { signature, algorithm, to_sign, at, seq: 0 }, leaf }
            })
            .collect();
        let mut progress = self.progress();
        progress.left = progress.left.saturating_sub(made.len());
        for (place, made) in progress.made.iter_mut().skip(from).zip(made) {
            *place = Some(made);
        }
        if progress.left > 0 {
            return None;
        }
        let answer = progress.answer.take()?;
        let (signed, leaves) = progress.made.drain(..).flatten().map(|made| (made.signed, made.leaf)).unzip();
        drop(progress);
        let lane = Lane { key: self.key, actor: self.actor.clone() };
        Some(Done { lane, purpose: self.purpose, signed, leaves, answer })
    }

    /// Fails the whole request; later parts change nothing. A refusal is logged first.
    pub(super) fn fail(&self, log: &BulkLog, error: Error, what: Option<(Event, [u8; 32])>) {
        let answer = self.progress().answer.take();
        let Some(answer) = answer else { return };
        match (error, what) {
            (Error::Refused(why), Some((event, digest))) => {
                let draft = refusal(self.actor.clone(), event, self.key, why, digest);
                let audit = log.audit.clone();
                let work = move |tx: &Tx<'_>| audit.append(tx, draft).map_err(Error::from);
                log.db.write_then(Importance::Normal, work, move |logged: Result<Seq, Error>| {
                    drop(answer.send(Err(logged.map_or_else(|error| error, |_| Error::Refused(why)))));
                });
            }
            (error, _) => drop(answer.send(Err(error))),
        }
    }
}

/// What may share an entry.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Lane {
    key: KeyId,
    actor: Actor,
}

/// What is signed in bulk and waits for its entry.
pub(super) struct BulkLog {
    db: Db,
    audit: AuditLog,
    waiting: Mutex<HashMap<Lane, Vec<Done>>>,
}

impl BulkLog {
    pub(super) fn new(db: Db, audit: AuditLog) -> Self {
        Self { db, audit, waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Lane, Vec<Done>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has requests logged and answered.
    pub(super) fn add(self: &Arc<Self>, done: Vec<Done>) {
        let mut first = Vec::new();
        {
            let mut waiting = self.waiting();
            for done in done {
                let lane = waiting.entry(done.lane.clone()).or_default();
                if lane.is_empty() {
                    first.push(done.lane.clone());
                }
                lane.push(done);
            }
        }
        // For every other lane a closure is on its way that has not yet taken what waits.
        for lane in first {
            self.log(lane);
        }
    }

    fn log(self: &Arc<Self>, lane: Lane) {
        // What the closure has taken, kept where the answer finds it whether the entry stands or not.
        let taken: Arc<Mutex<Vec<Done>>> = Arc::default();
        let (log, held, mine) = (Arc::clone(self), Arc::clone(&taken), lane.clone());
        let work = move |tx: &Tx<'_>| -> Result<Seq, Error> {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            *held = log.waiting().remove(&mine).unwrap_or_default();
            Ok(log.audit.append(tx, entry(&mine, &held))?)
        };
        let log = Arc::clone(self);
        self.db.write_then(Importance::Normal, work, move |logged: Result<Seq, Error>| {
            let mut all = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
            if all.is_empty() {
                // The closure never ran: the database refused it, and what waits must hear of it.
                all = log.waiting().remove(&lane).unwrap_or_default();
            }
            for done in all {
                let answer = logged.clone().map(|seq| {
                    let mut signed = done.signed;
                    signed.iter_mut().for_each(|one| one.seq = seq);
                    signed
                });
                // A caller who gave up waiting: the record is kept all the same.
                drop(done.answer.send(answer));
            }
        });
    }
}

/// The hash of each thing's leaf: SM3(00 || SM3(thing)).
fn leaves(to_sign: &[ToSign]) -> Vec<Hash> {
    let things: Vec<&[u8]> = to_sign.iter().map(ToSign::bytes).collect();
    let leaf = |digest: [u8; 32]| {
        let mut leaf = [0; 33];
        leaf[1..].copy_from_slice(&digest);
        leaf
    };
    let leaves: Vec<[u8; 33]> = engine::sm3::hash_many(&things).into_iter().map(leaf).collect();
    engine::sm3::hash_many(&leaves.iter().map(<[u8; 33]>::as_slice).collect::<Vec<_>>())
}

/// The entry for all of these: how many, for what, and the root of the Merkle tree (RFC 9162 2.1, over SM3)
/// whose leaves are the SM3 digests of what was signed, in the order of the requests.
fn entry(lane: &Lane, held: &[Done]) -> EntryDraft {
    let leaves: Vec<Hash> = held.iter().flat_map(|done| &done.leaves).copied().collect();
    let purpose = held.first().map_or("none", |done| done.purpose.as_str());
    let root = crate::hex::of(&tree_root(&leaves));
    EntryDraft {
        actor: lane.actor.clone(),
        event: Event::BulkSigned,
        object: lane.key.to_string(),
        outcome: Outcome::Done,
        payload: format!(r#"{{"count":{},"purpose":"{purpose}","root":"{root}"}}"#, leaves.len()).into_bytes(),
        covers: Vec::new(),
    }
}
