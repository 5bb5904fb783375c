//! Ceremonies: one person puts a plan or an answer forward, another reads its code aloud, types it, and it is done.
//!
//! `ceremony/steps.rs` carries plans out, `ceremony/request.rs` asks an authority elsewhere, `ceremony/import.rs` takes
//! over what it answers. Each step is a commit of its own, as every signature is. A crash leaves what was
//! done and a ceremony that counts as failed after the next start; whatever is missing is put into another plan.

mod import;
mod request;
mod steps;

use ledger::{EntryDraft, Importance, Outcome, Seq, Tx};
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Actor, CeremonyId, Event, TenantId};

pub use request::Requested;

use super::Ca;
use super::issue::Persons;
use crate::core::ceremony::plan::Plan;
use crate::core::ceremony::request::Request;
use crate::core::ceremony::transcript::{self, Done, Facts};
use crate::core::ceremony::{BadCeremony, agreed, is_code};
use crate::error::Error;
use crate::store::{self, CeremonyKind, CeremonyRow, CeremonyState};

/// The longest reason that is kept. Unit: characters.
const LONGEST_WORDS: usize = 500;

/// What came of a ceremony.
#[derive(Debug, Default)]
struct Outcomes {
    done: Vec<Done>,
    /// What goes back: text and digest.
    response: Option<(String, [u8; 32])>,
    /// At which step it ended early, from 1, and why.
    failed: Option<(usize, Error)>,
}

impl Ca {
    /// Puts a plan forward, with the request that comes along, or the answer of a machine elsewhere. Everything that can
    /// be checked before is checked; nothing is done yet. `installation` is our own name.
    ///
    /// # Errors
    /// [`Error::Ceremony`] says what to change; nothing was stored.
    pub async fn propose_ceremony(
        &self,
        auth: &Authorized,
        installation: &str,
        source: &str,
        request: Option<&str>,
    ) -> Result<CeremonyRow, Error> {
        Self::demand(auth, Permission::ManageIssuers)?;
        let tenant = auth.actor().tenant().clone();
        let is_answer = source.trim_start_matches('\u{feff}').starts_with("sm3 = \"");
        let (kind, title, sm3) = if is_answer {
            if request.is_some() {
                return Err(BadCeremony("an answer is imported by itself, without a request".to_owned()).into());
            }
            let checked = self.check_import(installation, source).await?;
            (CeremonyKind::Import, checked.title, checked.digest)
        } else {
            let plan = Plan::read(source)?;
            let request = request.map(Request::read).transpose()?;
            self.check_plan(installation, &tenant, &plan, request.as_ref()).await?;
            let sm3 = agreed(&plan.digest, request.as_ref().map(|request| &request.digest));
            (CeremonyKind::Plan, plan.title, sm3)
        };
        let row = CeremonyRow {
            id: CeremonyId::draw(self.0.options.random.as_ref())?,
            tenant,
            kind,
            state: CeremonyState::Proposed,
            title,
            source: source.to_owned(),
            request: request.map(str::to_owned),
            sm3,
            one_step: self.0.options.setup == Setup::Trial,
            proposer: auth.actor().person().to_owned(),
            decider: None,
            proposed_at: self.0.options.clock.now(),
            decided_at: None,
            reason: None,
            response: None,
            transcript: None,
        };
        let (actor, payload) = (auth.actor().clone(), source.as_bytes().to_vec());
        self.change_ceremony(actor, Event::CeremonyPlanned, Outcome::Done, payload, move |tx| {
            for known in store::ceremonies_of(tx, &row.sm3)? {
                match known.state {
                    CeremonyState::Proposed => {
                        return Err(BadCeremony(format!("this waits already, as ceremony {}", known.id)).into());
                    }
                    // A plan alone may be carried out again, such as one for the next list. An answer or a
                    // request that was dealt with must not come a second time.
                    CeremonyState::Done if known.kind == CeremonyKind::Import || known.request.is_some() => {
                        let when = known.decided_at.map_or_else(String::new, |at| format!(" at {at}"));
                        return Err(BadCeremony(format!("this was done before{when}, in ceremony {}", known.id)).into());
                    }
                    _ => {}
                }
            }
            Ok(row)
        })
        .await
        .map(|(row, _)| row)
    }

    /// Confirms a ceremony by its code, and carries it out. Whoever put it forward cannot, except in a trial.
    ///
    /// # Errors
    /// [`Error::SamePerson`], [`Error::CeremonyState`], a wrong code ([`Error::Ceremony`]), which is logged; or
    /// [`Error::CeremonyFailed`]: what was done before the failing step stays done.
    pub async fn confirm_ceremony(
        &self,
        auth: &Authorized,
        installation: &str,
        id: CeremonyId,
        typed: &str,
    ) -> Result<CeremonyRow, Error> {
        Self::demand(auth, Permission::ManageIssuers)?;
        let found = self.ceremony(auth.actor().tenant(), id).await?;
        let same = found.proposer == auth.actor().person();
        let refused = if found.state != CeremonyState::Proposed {
            Some(Error::CeremonyState { ceremony: id, state: found.state })
        } else if same && !found.one_step {
            Some(Error::SamePerson(id))
        } else if !is_code(typed, &found.sm3) {
            Some(BadCeremony("the code is not this ceremony's; compare it with what was printed".to_owned()).into())
        } else {
            None
        };
        if let Some(why) = refused {
            self.log_refusal(auth.actor(), id, &why).await?;
            return Err(why);
        }
        // A pool that cannot sign now is found before the ceremony begins.
        self.0.options.audit.ready()?;
        let manner = if same { Outcome::DoneInOneStep } else { Outcome::Done };
        let (person, now, tenant) =
            (auth.actor().person().to_owned(), self.0.options.clock.now(), found.tenant.clone());
        let (row, entry) = self
            .change_ceremony(auth.actor().clone(), Event::CeremonyConfirmed, manner, Vec::new(), move |tx| {
                let mut row = store::ceremony(tx, &tenant, id)?.ok_or(Error::UnknownCeremony(id))?;
                if row.state != CeremonyState::Proposed {
                    return Err(Error::CeremonyState { ceremony: id, state: row.state });
                }
                (row.state, row.decider, row.decided_at) = (CeremonyState::Running, Some(person), Some(now));
                Ok(row)
            })
            .await?;
        let persons = Persons { actor: auth.actor().clone(), proposer: row.proposer.clone() };
        let outcomes = match row.kind {
            CeremonyKind::Plan => self.carry_out(auth, &persons, installation, &row).await,
            CeremonyKind::Import => self.import(auth, installation, &row.source).await,
        };
        let outcomes = outcomes.unwrap_or_else(|why| Outcomes { failed: Some((1, why)), ..Outcomes::default() });
        self.end_ceremony(auth, installation, row, entry, outcomes).await
    }

    /// Writes the transcript and the end.
    async fn end_ceremony(
        &self,
        auth: &Authorized,
        installation: &str,
        mut row: CeremonyRow,
        entry: Seq,
        outcomes: Outcomes,
    ) -> Result<CeremonyRow, Error> {
        let id = row.id;
        let plan = if row.kind == CeremonyKind::Plan { Some(Plan::read(&row.source)?) } else { None };
        let ended = self.0.options.clock.now();
        let head = self.0.options.audit.checkpoint().await?.map(|head| (head.body.size, head.body.root));
        let failed = outcomes.failed.as_ref().map(|(step, why)| format!("step {step}: {why}"));
        let page = transcript::write(&Facts {
            installation,
            began: row.decided_at.unwrap_or(ended),
            ended,
            proposer: &row.proposer,
            decider: row.decider.as_deref().unwrap_or_default(),
            plan: plan.as_ref(),
            title: &row.title,
            confirmed: row.sm3,
            response: outcomes.response.as_ref().map(|(_, digest)| *digest),
            entry,
            head,
            done: &outcomes.done,
            failed: failed.as_deref(),
        });
        row.state = if failed.is_some() { CeremonyState::Failed } else { CeremonyState::Done };
        row.reason = failed;
        row.response = outcomes.response.map(|(text, _)| text);
        row.transcript = Some(page.clone());
        let outcome = outcomes.failed.as_ref().map_or(Outcome::Done, |(_, why)| Outcome::Refused(why.code()));
        let actor = auth.actor().clone();
        let ended =
            self.change_ceremony(actor, Event::CeremonyEnded, outcome, page.into_bytes(), move |_| Ok(row)).await;
        match outcomes.failed {
            Some((step, why)) => Err(Error::CeremonyFailed { ceremony: id, step, why: Box::new(why) }),
            None => ended.map(|(row, _)| row),
        }
    }

    /// Rejects a ceremony that waits; by its proposer, withdraws it.
    ///
    /// # Errors
    /// [`Error::CeremonyState`], [`Error::UnknownCeremony`].
    pub async fn reject_ceremony(&self, auth: &Authorized, id: CeremonyId, reason: &str) -> Result<CeremonyRow, Error> {
        Self::demand(auth, Permission::ManageIssuers)?;
        let reason: String = reason.trim().chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect();
        let (tenant, person) = (auth.actor().tenant().clone(), auth.actor().person().to_owned());
        let now = self.0.options.clock.now();
        self.change_ceremony(auth.actor().clone(), Event::CeremonyRejected, Outcome::Done, Vec::new(), move |tx| {
            let mut row = store::ceremony(tx, &tenant, id)?.ok_or(Error::UnknownCeremony(id))?;
            if row.state != CeremonyState::Proposed {
                return Err(Error::CeremonyState { ceremony: id, state: row.state });
            }
            (row.state, row.decider, row.decided_at) = (CeremonyState::Rejected, Some(person), Some(now));
            row.reason = Some(reason);
            Ok(row)
        })
        .await
        .map(|(row, _)| row)
    }

    /// One ceremony.
    ///
    /// # Errors
    /// [`Error::UnknownCeremony`], also for another tenant's.
    pub async fn ceremony(&self, tenant: &TenantId, id: CeremonyId) -> Result<CeremonyRow, Error> {
        let tenant = tenant.clone();
        let read = self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::ceremony(tx, &tenant, id)?) });
        read.await?.ok_or(Error::UnknownCeremony(id))
    }

    /// The newest ceremonies, newest first, at most 100.
    ///
    /// # Errors
    /// The database.
    pub async fn ceremonies(&self, tenant: &TenantId) -> Result<Vec<CeremonyRow>, Error> {
        let tenant = tenant.clone();
        self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::ceremonies(tx, &tenant, 100)?) }).await
    }

    /// Ends the ceremonies that a crash interrupted. What they had done stands.
    pub(super) async fn end_interrupted(&self, actor: &Actor) -> Result<(), Error> {
        let running = self.0.options.db.read(|tx| -> Result<_, Error> { Ok(store::running_ceremonies(tx)?) }).await?;
        for mut row in running {
            row.state = CeremonyState::Failed;
            row.reason = Some("interrupted; the log tells what was done".to_owned());
            let outcome = Outcome::Refused(pki_config::ErrorCode::OutcomeUnknown);
            self.change_ceremony(actor.clone(), Event::CeremonyEnded, outcome, Vec::new(), move |_| Ok(row)).await?;
        }
        Ok(())
    }

    async fn change_ceremony(
        &self,
        actor: Actor,
        event: Event,
        outcome: Outcome,
        payload: Vec<u8>,
        change: impl FnOnce(&Tx<'_>) -> Result<CeremonyRow, Error> + Send + 'static,
    ) -> Result<(CeremonyRow, Seq), Error> {
        let audit = self.0.options.audit.clone();
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let row = change(tx)?;
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                audit.append(tx, EntryDraft { actor, event, object: row.id.to_string(), outcome, payload, covers })?;
                Ok((row, seq))
            })
            .await
    }

    async fn log_refusal(&self, actor: &Actor, id: CeremonyId, why: &Error) -> Result<(), Error> {
        let draft = EntryDraft {
            actor: actor.clone(),
            event: Event::CeremonyConfirmed,
            object: id.to_string(),
            outcome: Outcome::Refused(why.code()),
            payload: Vec::new(),
            covers: Vec::new(),
        };
        self.0.options.audit.record(Importance::Normal, draft).await?;
        Ok(())
    }
}
