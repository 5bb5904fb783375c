//! Evidence: kept with a request, its files under their digests.

use pki_config::role::{Authorized, Permission};
use pki_config::{Actor, Event, EvidenceId, RequestId, TenantId};

use ledger::{Cover, Importance, Seq, Tx};

use super::Ca;
use super::requests::{done, seen};
use crate::core::evidence::{self, BadEvidence, Evidence};
use crate::error::Error;
use crate::store::{self, EvidenceRow, FileRef, RequestRow};

/// Evidence on its way into the store.
#[derive(Clone)]
pub(super) struct KeptEvidence {
    pub(super) row: EvidenceRow,
    /// Its file's content, if it has one that is not there yet.
    content: Option<Vec<u8>>,
}

impl KeptEvidence {
    pub(super) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, Error> {
        if let (Some(file), Some(content)) = (&self.row.file, &self.content) {
            store::keep_file(tx, &self.row.tenant, &file.sm3, content)?;
        }
        Ok(self.row.put(tx, seq)?)
    }
}

impl Ca {
    /// Evidence as it will be stored.
    pub(super) fn keep_evidence(
        &self,
        actor: &Actor,
        row: &RequestRow,
        given: &[Evidence],
    ) -> Result<Vec<KeptEvidence>, Error> {
        if given.len() > evidence::MOST {
            return Err(BadEvidence::TooMuch.into());
        }
        let now = self.0.options.clock.now();
        given
            .iter()
            .map(|evidence| {
                let file = evidence.file().map(|file| FileRef {
                    name: file.name.trim().to_owned(),
                    size: u64::try_from(file.content.len()).unwrap_or(u64::MAX),
                    sm3: engine::sm3::hash(&file.content),
                });
                let row = EvidenceRow {
                    id: EvidenceId::draw(self.0.options.random.as_ref())?,
                    tenant: row.tenant.clone(),
                    request: row.id,
                    method: evidence.method(),
                    note: evidence.note().to_owned(),
                    expires_at: evidence.expires(),
                    file,
                    officer: actor.person().to_owned(),
                    added_at: now,
                };
                Ok(KeptEvidence { row, content: evidence.file().map(|file| file.content.clone()) })
            })
            .collect()
    }

    /// The evidence of another request that still counts, for a request that follows it. Age and officer stay.
    pub(super) fn carry_over(&self, row: &RequestRow, old: Vec<EvidenceRow>) -> Result<Vec<KeptEvidence>, Error> {
        let now = self.0.options.clock.now();
        let profile = self.profile(&row.profile)?;
        let rules = &profile.profile.rules().approval;
        old.into_iter()
            .filter(|old| evidence::counts(rules, old.added_at, old.expires_at, now))
            .take(evidence::MOST)
            .map(|old| {
                let id = EvidenceId::draw(self.0.options.random.as_ref())?;
                Ok(KeptEvidence { row: EvidenceRow { id, request: row.id, ..old }, content: None })
            })
            .collect()
    }

    /// Adds evidence to a request that is not decided yet.
    ///
    /// # Errors
    /// [`Error::RequestState`] for one that is, [`Error::Evidence`] for too much of it.
    pub async fn add_evidence(
        &self,
        auth: &Authorized,
        id: RequestId,
        evidence: Evidence,
    ) -> Result<EvidenceRow, Error> {
        Self::demand(auth, Permission::RequestCertificate)?;
        let request = self.request_seen_by(auth.actor(), id).await?;
        let kept = self.keep_evidence(auth.actor(), &request, &[evidence])?.remove(0);
        let (actor, audit) = (auth.actor().clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let request = seen(tx, &actor, id)?;
                if !request.state.is_open() {
                    return Err(Error::RequestState { request: id, state: request.state });
                }
                if store::evidence_of(tx, actor.tenant(), id)?.len() >= evidence::MOST {
                    return Err(BadEvidence::TooMuch.into());
                }
                let seq = audit.next_seq(tx)?;
                let covers = vec![kept.put(tx, seq)?];
                audit.append(tx, done(actor, Event::EvidenceAdded, id, covers))?;
                Ok(kept.row)
            })
            .await
    }

    /// The evidence of a request, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn evidence_of(&self, tenant: &TenantId, id: RequestId) -> Result<Vec<EvidenceRow>, Error> {
        let tenant = tenant.clone();
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::evidence_of(tx, &tenant, id)?) }).await
    }

    /// Whether the evidence of a request is enough now.
    #[must_use]
    pub fn evidence_is_enough(&self, row: &RequestRow, evidence: &[EvidenceRow]) -> bool {
        self.demand_evidence(row, evidence.iter().map(|e| (e.added_at, e.expires_at))).is_ok()
    }

    /// The file of a piece of evidence, if the actor's branches have its request.
    ///
    /// # Errors
    /// [`Error::UnknownEvidence`]; [`Error::Damaged`] if its content is not what its digest says.
    pub async fn evidence_file(&self, actor: &Actor, id: EvidenceId) -> Result<(FileRef, Vec<u8>), Error> {
        let actor = actor.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let row = store::evidence(tx, actor.tenant(), id)?.ok_or(Error::UnknownEvidence)?;
                seen(tx, &actor, row.request).map_err(|error| match error {
                    Error::UnknownRequest(_) => Error::UnknownEvidence,
                    other => other,
                })?;
                let file = row.file.ok_or(Error::UnknownEvidence)?;
                let content = store::file(tx, actor.tenant(), &file.sm3)?;
                match content {
                    Some(content) if engine::sm3::hash(&content) == file.sm3 => Ok((file, content)),
                    _ => Err(Error::Damaged(format!("the file of evidence {id}"))),
                }
            })
            .await
    }
}
