//! Answering: what needs no signature at once, everything else through the pool.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use crypto_pool::{BulkRequest, Error as PoolError, ToSign};
use pki_config::{Actor, Instant};

use super::issuer::{InUse, IssuerState};
use super::{Inner, Ocsp};
use crate::answer::{Answer, Outcome};
use crate::cache::{Batch, Entry, Made, SerialKey};
use crate::core::decide::{Decision, Known, Status, decide};
use crate::core::request::{CertId, Form, OcspRequest};
use crate::core::response::{Refusal, Times};

/// What a question still needs.
enum Step {
    /// Nothing.
    Ready(Answer),
    /// A signature.
    Sign(Box<Plan>),
}

/// An answer that only lacks its signature.
struct Plan {
    issuer: Arc<IssuerState>,
    responder: Arc<InUse>,
    times: Times,
    data: Vec<u8>,
    outcome: Outcome,
    cacheable: bool,
    /// Where to keep it, and the status it is signed for.
    keep: Option<(SerialKey, Form, Entry)>,
}

/// Counts one question that waits, as long as it lives.
struct Waiting<'a>(&'a Inner);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ocsp {
    /// The answer to a question, if it needs no signature: one that lies ready, or a refusal. Never waits, for routes
    /// that want to answer without a detour; `None` means: ask [`Ocsp::answer`].
    #[must_use]
    pub fn try_cached(&self, der: &[u8]) -> Option<Answer> {
        match self.begin(der, true) {
            Step::Ready(answer) => Some(answer),
            Step::Sign(_) => None,
        }
    }

    /// The answer to a question. A refusal is an answer too, so this cannot fail.
    pub async fn answer(&self, der: &[u8]) -> Answer {
        let plan = match self.begin(der, false) {
            Step::Ready(answer) => return answer,
            Step::Sign(plan) => plan,
        };
        let before = self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.0);
        let answer = if before < usize::try_from(self.config().queue).unwrap_or(usize::MAX) {
            self.sign(*plan).await
        } else {
            Answer { issuer: Some(plan.issuer.id.clone()), ..Answer::refused(Refusal::TryLater) }
        };
        self.count(&answer);
        answer
    }

    fn count(&self, answer: &Answer) {
        let issuer = answer.issuer.as_ref().and_then(|id| self.find(id));
        issuer.as_ref().map_or(&self.0.others, |issuer| &issuer.counters).count(answer);
    }

    /// Everything up to the signature. `only_ready` says that the caller will come again if one is needed, so that
    /// nothing is counted and nothing is written for it yet.
    fn begin(&self, der: &[u8], only_ready: bool) -> Step {
        let now = self.0.options.clock.now();
        let refuse = |refusal, issuer: Option<&IssuerState>| {
            let answer = Answer { issuer: issuer.map(|issuer| issuer.id.clone()), ..Answer::refused(refusal) };
            issuer.map_or(&self.0.others, |issuer| &issuer.counters).count(&answer);
            Step::Ready(answer)
        };
        let config = self.config();
        let Ok(request) = OcspRequest::parse(der, config.nonce_max) else {
            return refuse(Refusal::MalformedRequest, None);
        };
        let issuer = if config.enabled { self.issuer_of(&request) } else { None };
        let Some(issuer) = issuer else { return refuse(Refusal::Unauthorized, None) };
        if let ([id], None) = (request.ids(), request.nonce())
            && let Some(answer) = self.made_ahead(&issuer, id, now)
        {
            issuer.counters.count(&answer);
            return Step::Ready(answer);
        }
        let Some(responder) = self.responder_of(&issuer) else { return refuse(Refusal::TryLater, Some(&issuer)) };
        if only_ready {
            // The rest is work for nothing: a plan is made again by whoever has it signed.
            return Step::Sign(Box::new(Plan::empty(issuer, responder, now)));
        }
        match self.plan(&request, Arc::clone(&issuer), responder, now) {
            Some(plan) => Step::Sign(Box::new(plan)),
            None => refuse(Refusal::TryLater, Some(&issuer)),
        }
    }

    /// The one issuer all certificates of a question are of. A question about certificates of several issuers is
    /// `unauthorized`, as one about a foreign certificate is: one responder signs an answer, and no responder speaks
    /// for another's issuer (RFC 6960 4.2.2.2).
    fn issuer_of(&self, request: &OcspRequest<'_>) -> Option<Arc<IssuerState>> {
        let issuers = self.issuers();
        let (first, others) = request.ids().split_first()?;
        let issuer = issuers.iter().find(|issuer| issuer.names.is_meant_by(first))?;
        others.iter().all(|id| issuer.names.is_meant_by(id)).then(|| Arc::clone(issuer))
    }

    /// An answer that lies ready and is not past half of its life (CA/Browser BR 4.9.9).
    fn made_ahead(&self, issuer: &IssuerState, id: &CertId<'_>, now: Instant) -> Option<Answer> {
        let (serial, form) = (SerialKey::from_content(id.serial)?, id.form?);
        let authority = issuer.revocation();
        if authority.is_some() {
            // Not worth a cache: a revoked authority is asked about seldom, and its status decides.
            return None;
        }
        issuer.index.with_made(&serial, form, |entry, made| {
            let times = made.batch.times;
            let fresh = times.this_update <= now
                && now.since(times.this_update) * 2 < times.next_update.since(times.this_update);
            if !fresh {
                return None;
            }
            let known = Known::Issued { not_after: entry.not_after, revocation: entry.revocation };
            let decision = decide(known, None, &self.0.policy, times.produced);
            let data = made.batch.signer.response_data(&times, &[(id.whole, decision)], None);
            Some(Answer {
                der: Bytes::from(made.batch.signer.response(&data, made.signature())),
                outcome: outcome(&decision),
                issuer: Some(issuer.id.clone()),
                times: Some(times),
                cacheable: true,
                presigned: true,
            })
        })
    }

    fn plan(
        &self,
        request: &OcspRequest<'_>,
        issuer: Arc<IssuerState>,
        responder: Arc<InUse>,
        now: Instant,
    ) -> Option<Plan> {
        let authority = issuer.revocation();
        let mut times = self.times(&responder, now)?;
        let mut singles = Vec::with_capacity(request.ids().len());
        let mut keep = None;
        for id in request.ids() {
            let found = issuer.find(id.serial, now)?;
            if found.known == Known::Never {
                issuer.counters.count_never_issued();
                tracing::debug!(issuer = %issuer.id, "asked about a serial that was never issued");
            }
            if let Some((this_update, next_update)) = found.within {
                times.this_update = this_update.min(times.produced);
                times.next_update = next_update.min(times.next_update);
            }
            if let (Known::Issued { not_after, revocation }, None, None) = (found.known, found.within, authority)
                && request.ids().len() == 1
                && request.nonce().is_none()
            {
                let place = SerialKey::from_content(id.serial).zip(id.form);
                keep = place.map(|(serial, form)| (serial, form, Entry { not_after, revocation }));
            }
            singles.push((id.whole, decide(found.known, authority, &self.0.policy, times.produced)));
        }
        let outcome = match singles.as_slice() {
            [(_, decision)] => outcome(decision),
            _ => Outcome::Several,
        };
        let data = responder.signer.response_data(&times, &singles, request.nonce());
        Some(Plan { issuer, responder, times, data, outcome, cacheable: request.nonce().is_none(), keep })
    }

    /// From now on, as long as answers live, and not beyond the responder's certificate; `None` if that is over.
    pub(super) fn times(&self, responder: &InUse, now: Instant) -> Option<Times> {
        let produced = now.whole_second();
        let next_update = produced.plus(self.lifetime()).min(responder.not_after.whole_second());
        (next_update > produced).then_some(Times { produced, this_update: produced, next_update })
    }

    async fn sign(&self, plan: Plan) -> Answer {
        let Plan { issuer, responder, times, data, outcome, cacheable, keep } = plan;
        let request = BulkRequest { key: responder.key, actor: Actor::system(), to_sign: vec![ToSign::Ocsp(data)] };
        let signed = match self.0.options.pool.sign_bulk(request).await {
            Ok(signed) => signed.into_iter().next(),
            Err(error) => return refused(&issuer, &error),
        };
        let Some(signed) = signed else { return refused(&issuer, &PoolError::Lost) };
        let der = responder.signer.response(&signed.to_sign, &signed.signature);
        if let Some((serial, form, entry)) = keep {
            let batch = Arc::new(Batch { signer: Arc::clone(&responder.signer), times });
            issuer.index.keep(&serial, entry, Made::new(form, batch, &signed.signature));
        }
        Answer {
            der: Bytes::from(der),
            outcome,
            issuer: Some(issuer.id.clone()),
            times: Some(times),
            cacheable,
            presigned: false,
        }
    }
}

impl Plan {
    /// Stands for a plan that is not made.
    fn empty(issuer: Arc<IssuerState>, responder: Arc<InUse>, now: Instant) -> Self {
        let times = Times { produced: now, this_update: now, next_update: now };
        Self { issuer, responder, times, data: Vec::new(), outcome: Outcome::Several, cacheable: false, keep: None }
    }
}

fn outcome(decision: &Decision) -> Outcome {
    match decision.status {
        Status::Good => Outcome::Good,
        Status::Revoked { .. } => Outcome::Revoked,
        Status::Unknown => Outcome::Unknown,
    }
}

/// A key that is sealed, a pool that is busy or stopping: the same question may be answered later. What the pool would
/// not sign at all is our own mistake.
fn refused(issuer: &IssuerState, error: &PoolError) -> Answer {
    let refusal = match error {
        PoolError::Refused(_) | PoolError::SignatureFailed { .. } => {
            tracing::error!(issuer = %issuer.id, %error, "an OCSP answer was not signed");
            Refusal::InternalError
        }
        _ => {
            tracing::debug!(issuer = %issuer.id, %error, "an OCSP answer must wait");
            Refusal::TryLater
        }
    };
    Answer { issuer: Some(issuer.id.clone()), ..Answer::refused(refusal) }
}
