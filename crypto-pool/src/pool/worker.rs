//! What a worker does with a batch: check each request, sign all SM2 requests in one call and the others one by
//! one, verify, hand on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::sm2::{SignJob, VerifyJob};
use ledger::AuditLog;
use pki_config::{Event, Instant, Random, TenantId};
use zeroize::Zeroizing;

use super::bulk::{Bulk, BulkLog};
use super::queue::Waits;
use crate::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use crate::backend::Signer;
use crate::error::Error;
use crate::key::Purpose;
use crate::kms::{Ceremony, Kms};
use crate::random::Reservoir;
use crate::store::StoredKey;
use crate::to_sign::{Refusal, ToSign};

/// From this length on a message is hashed alone. Unit: bytes.
const LONG: usize = 16_384;

/// A signature that was verified.
pub(super) struct Made {
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) to_sign: Vec<u8>,
    pub(super) at: Instant,
}

/// What happens with the result: with an error comes the SM3 of what was not signed.
pub(super) type Finish = Box<dyn FnOnce(Result<Made, (Error, [u8; 32])>) + Send>;

/// One request, or a part of a bulk request.
pub(super) struct Job {
    pub(super) key: Arc<StoredKey>,
    pub(super) task: Task,
}

pub(super) enum Task {
    One(Box<One>),
    /// What of a bulk request begins at place `from`.
    Part {
        bulk: Arc<Bulk>,
        from: usize,
        to_sign: Vec<ToSign>,
    },
}

pub(super) struct One {
    pub(super) to_sign: ToSign,
    pub(super) ceremony: Option<Ceremony>,
    /// Whether it came on the checkpointer's way, which signs checkpoints and nothing else.
    pub(super) only_checkpoints: bool,
    pub(super) finish: Finish,
}

impl Job {
    fn to_sign(&self) -> &[ToSign] {
        match &self.task {
            Task::One(one) => std::slice::from_ref(&one.to_sign),
            Task::Part { to_sign, .. } => to_sign,
        }
    }
}

impl Waits for Job {
    fn purpose(&self) -> Purpose {
        self.key.record.purpose
    }

    fn owner(&self) -> &TenantId {
        &self.key.record.tenant
    }

    fn count(&self) -> usize {
        self.to_sign().len()
    }

    /// Roughly, from measurements: what counts is that an RSA signature is not taken for an SM2 one.
    fn cost(&self) -> usize {
        match self.key.record.algorithm {
            KeyAlgorithm::Sm2 => 1,
            KeyAlgorithm::P256 | KeyAlgorithm::Ed25519 => 8,
            KeyAlgorithm::P384 | KeyAlgorithm::Rsa { .. } => 64,
        }
    }

    fn bytes(&self) -> usize {
        self.to_sign().iter().map(|to_sign| to_sign.bytes().len()).sum()
    }

    fn split(&mut self, count: usize) -> Self {
        let Task::Part { bulk, from, to_sign } = &mut self.task else {
            unreachable!("a single signature has no parts: its count is one");
        };
        // The last ones leave: what stays need not be moved.
        let rest = to_sign.len().saturating_sub(count);
        let part = Task::Part { bulk: Arc::clone(bulk), from: *from + rest, to_sign: to_sign.split_off(rest) };
        Self { key: Arc::clone(&self.key), task: part }
    }
}

/// A job that may be signed.
struct Ready {
    at: Instant,
    key: Arc<StoredKey>,
    signer: Arc<dyn Signer>,
    algorithm: SignatureAlgorithm,
    /// Whether its signatures are verified before they leave: always, but for what a tenant has signed in bulk
    /// and does not want verified.
    verify: bool,
}

/// A job that is not signed: why, and for the log the event and digest of what was refused.
type NotReady = (Error, Option<(Event, [u8; 32])>);

/// One signature of a batch.
struct Item<'a> {
    /// Which job of the batch it belongs to.
    place: usize,
    ready: &'a Ready,
    key: &'a engine::sm2::PrivateKey,
    to_sign: &'a ToSign,
}

impl Item<'_> {
    /// The public half that the record tells, not the one the private key brings along: what leaves must verify
    /// under the key that others know.
    fn public(&self) -> &engine::sm2::PublicKey {
        self.ready.key.public.sm2().unwrap_or_else(|| self.key.public())
    }
}

#[derive(Clone)]
pub(super) struct Worker {
    kms: Kms,
    audit: AuditLog,
    log: Arc<BulkLog>,
    random: Reservoir,
}

impl Worker {
    pub(super) fn new(kms: Kms, audit: AuditLog, log: Arc<BulkLog>) -> Self {
        let random = Reservoir::new(kms.random());
        Self { kms, audit, log, random }
    }

    /// Signs a batch and hands each result on. A panic in one request costs that request.
    pub(super) fn serve(&self, batch: &mut Vec<Job>) {
        let ready: Vec<Result<Ready, NotReady>> = batch.iter().map(|job| guarded(|| self.prepare(job))).collect();
        let mut signatures = self.sign(batch, &ready);
        let mut done = Vec::new();
        for ((job, ready), signed) in batch.drain(..).zip(ready).zip(signatures.drain(..)) {
            let result = ready.and_then(|ready| Ok((signed.map_err(|error| (error, None))?, ready)));
            // A panic in what a service left to be done must not take the rest of the batch with it.
            let handed = catch_unwind(AssertUnwindSafe(|| match job.task {
                Task::One(one) => {
                    hand_on(*one, result);
                    None
                }
                Task::Part { bulk, from, to_sign } => match result {
                    Ok((signatures, ready)) => bulk.take_in(from, to_sign, signatures, ready.algorithm, ready.at),
                    Err((error, what)) => {
                        bulk.fail(&self.log, error, what);
                        None
                    }
                },
            }));
            match handed {
                Ok(whole) => done.extend(whole),
                Err(_) => tracing::error!("handing a signature on panicked"),
            }
        }
        if !done.is_empty() {
            self.log.add(done);
        }
    }

    /// Checks everything of a job that must be checked before its key is touched.
    fn prepare(&self, job: &Job) -> Result<Ready, NotReady> {
        let own = |error: Error| (error, None);
        let at = self.audit.ready().map_err(|why| own(why.into()))?;
        // The newest state of the key, not the one it had when the request was queued.
        let key = self.kms.cached(job.key.record.id).unwrap_or_else(|| Arc::clone(&job.key));
        for to_sign in job.to_sign() {
            let refused = |why: Refusal| (why.into(), Some((to_sign.event(), engine::sm3::hash(to_sign.bytes()))));
            let (ceremony, only_checkpoints) = match &job.task {
                Task::One(one) => (one.ceremony.as_ref(), one.only_checkpoints),
                Task::Part { .. } if !to_sign.may_be_in_bulk() => return Err(refused(Refusal::NotInBulk)),
                Task::Part { .. } => (None, false),
            };
            if matches!(to_sign, ToSign::Checkpoint(_)) != only_checkpoints {
                return Err(refused(Refusal::CheckpointPath));
            }
            to_sign.check(&key.record, at, ceremony).map_err(refused)?;
        }
        if let Task::Part { bulk, .. } = &job.task
            && bulk.is_over()
        {
            return Err(own(Error::Lost));
        }
        let signer = self.kms.signer(&key).map_err(own)?;
        let algorithm = SignatureAlgorithm::for_key(key.record.algorithm);
        let may_skip = matches!(job.task, Task::Part { .. }) && key.record.purpose == Purpose::Tenant;
        let verify = !may_skip || self.kms.verifies_bulk(&key.record.tenant);
        Ok(Ready { at, key, signer, algorithm, verify })
    }

    /// The signatures of each job, verified.
    fn sign(&self, batch: &[Job], ready: &[Result<Ready, NotReady>]) -> Vec<Result<Vec<Vec<u8>>, Error>> {
        let mut out: Vec<Result<Vec<Vec<u8>>, Error>> = Vec::with_capacity(batch.len());
        let mut many: Vec<Item<'_>> = Vec::new();
        for (place, (job, ready)) in batch.iter().zip(ready).enumerate() {
            out.push(match ready {
                Ok(ready) => match guarded(|| Ok(ready.signer.sm2())).ok().flatten() {
                    Some(key) => {
                        many.extend(job.to_sign().iter().map(|to_sign| Item { place, ready, key, to_sign }));
                        Ok(Vec::with_capacity(job.count()))
                    }
                    None => job.to_sign().iter().map(|to_sign| self.sign_alone(ready, to_sign)).collect(),
                },
                // Its own error is told, not this one.
                Err(_) => Err(Error::Lost),
            });
        }
        let mut keep = |place: usize, signature: Result<Vec<u8>, Error>| match (&mut out[place], signature) {
            (Ok(signatures), Ok(signature)) => signatures.push(signature),
            (Ok(_), Err(error)) => out[place] = Err(error),
            (Err(_), _) => {}
        };
        let together = match &many[..] {
            [] => return out,
            // Nobody to share the lanes with: the path for one is the quicker.
            [_] => None,
            _ => guarded(|| self.sign_together(&many)).map_err(fell_apart).ok(),
        };
        match together {
            Some(signatures) => many.iter().zip(signatures).for_each(|(item, signed)| keep(item.place, signed)),
            None => many.iter().for_each(|item| keep(item.place, self.sign_alone(item.ready, item.to_sign))),
        }
        out
    }

    fn sign_alone(&self, ready: &Ready, to_sign: &ToSign) -> Result<Vec<u8>, Error> {
        let (key, message) = (&ready.key, to_sign.bytes());
        let signed = guarded(|| -> Result<Vec<u8>, NotReady> {
            let signature = ready.signer.sign(message, &self.random).map_err(|error| (error, None))?;
            let genuine = !ready.verify || key.public.verify(ready.algorithm, message, &signature);
            if genuine { Ok(signature) } else { Err((thrown_away(key), None)) }
        });
        signed.map_err(|(error, _)| error)
    }

    fn sign_together(&self, many: &[Item<'_>]) -> Result<Vec<Result<Vec<u8>, Error>>, NotReady> {
        let mut randomness = Zeroizing::new(vec![[0; 32]; many.len()]);
        self.random.fill(randomness.as_flattened_mut()).map_err(|why| (why.into(), None))?;
        let jobs: Vec<SignJob<'_>> = many
            .iter()
            .zip(&*randomness)
            .zip(digests(many))
            .map(|((item, randomness), e)| SignJob { key: item.key, e, randomness: *randomness })
            .collect();
        let signatures = engine::sm2::sign_many(&jobs);
        let made = many.iter().zip(jobs.iter().zip(&signatures));
        let checks: Vec<VerifyJob<'_>> = made
            .filter(|(item, _)| item.ready.verify)
            .map(|(item, (job, signature))| VerifyJob { key: item.public(), e: job.e, signature: *signature })
            .collect();
        let mut genuine = engine::sm2::verify_many(&checks).into_iter();
        let release = |(item, signature): (&Item<'_>, &engine::sm2::Signature)| {
            // A missing answer is no answer.
            let may_leave = !item.ready.verify || genuine.next().unwrap_or(false);
            if may_leave { Ok(signature.to_der()) } else { Err(thrown_away(&item.ready.key)) }
        };
        Ok(many.iter().zip(&signatures).map(release).collect())
    }
}

/// `e` = SM3(Z || message) of each: together in the lanes, where one message is not so long that copying it
/// behind its Z would cost more than the lanes save.
fn digests(many: &[Item<'_>]) -> Vec<[u8; 32]> {
    if many.iter().any(|item| item.to_sign.bytes().len() > LONG) {
        let alone = |item: &Item<'_>| {
            let mut hasher = item.key.public().prehasher();
            hasher.update(item.to_sign.bytes());
            hasher.finalize()
        };
        return many.iter().map(alone).collect();
    }
    let mut text = Vec::with_capacity(many.iter().map(|item| 32 + item.to_sign.bytes().len()).sum());
    let mut ends = Vec::with_capacity(many.len());
    for item in many {
        text.extend_from_slice(&item.key.public().z());
        text.extend_from_slice(item.to_sign.bytes());
        ends.push(text.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let inputs: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &text[start..*end]).collect();
    engine::sm3::hash_many(&inputs)
}

fn fell_apart((error, _): NotReady) {
    // Something in the batch as a whole failed: each for itself, so that it costs the one at fault.
    tracing::error!(%error, "a batch of signatures failed; they are made one by one");
}

/// A wrong signature can give a private key away; it must not get out.
fn thrown_away(key: &StoredKey) -> Error {
    let key = key.record.id;
    tracing::error!(%key, "a signature did not verify and was thrown away");
    Error::SignatureFailed { key }
}

fn hand_on(one: One, result: Result<(Vec<Vec<u8>>, Ready), NotReady>) {
    let One { to_sign, finish, .. } = one;
    finish(match result {
        Ok((mut signatures, ready)) => match signatures.pop() {
            Some(signature) => {
                let Ready { algorithm, at, .. } = ready;
                Ok(Made { signature, algorithm, to_sign: to_sign.into_bytes(), at })
            }
            None => Err((Error::Lost, [0; 32])),
        },
        Err((error, what)) => Err((error, what.map_or([0; 32], |(_, digest)| digest))),
    });
}

/// Runs what may panic; a panic becomes [`Error::Lost`].
fn guarded<T>(work: impl FnOnce() -> Result<T, NotReady>) -> Result<T, NotReady> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a signing request panicked");
        Err((Error::Lost, None))
    })
}
