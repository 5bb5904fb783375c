//! The life of a seal: applied for, reviewed, approved, made, enabled, suspended, revoked, destroyed. Whoever applied
//! neither reviews nor approves it, and whoever reviewed it does not approve it; a trial may pass all of it in one step,
//! and the log says so.

use ledger::{EntryDraft, Importance, Outcome, Seq, Tx};
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{Actor, Event, Instant, SealId, TenantId};

use super::Eseal;
use crate::core::picture::LARGEST_MM;
use crate::error::Error;
use crate::seal::{Application, SealRecord, SealState, Step};
use crate::store::{self, SealQuery};

/// Longest name of a seal or an owner. Unit: bytes.
const LONGEST_NAME: usize = 300;
/// Longest note or reason. Unit: bytes.
const LONGEST_NOTE: usize = 2_000;
/// Largest picture that is kept. Unit: bytes. It lies in every signature.
const LARGEST_PICTURE: usize = 2 << 20;
/// Most holders, and most officers who may use a seal.
const MOST_HOLDERS: usize = 200;

/// A seal with everything that is shown of it.
#[derive(Debug, Clone)]
pub struct SealView {
    /// What is known of it.
    pub record: SealRecord,
    /// Its picture, PNG; `None` once destroyed.
    pub picture: Option<Vec<u8>>,
    /// The seal (`SESeal`), DER; `None` until it is made.
    pub seal: Option<Vec<u8>>,
    /// The signer's certificates, DER: SM2 first.
    pub certificates: Vec<Vec<u8>>,
    /// What happened, oldest first.
    pub steps: Vec<Step>,
    /// How often it was used.
    pub uses: u64,
}

/// What one more step changes.
pub(super) struct Change {
    pub(super) to: SealState,
    pub(super) event: Event,
    pub(super) reason: Option<String>,
    pub(super) one_step: bool,
}

impl Change {
    fn to(to: SealState, event: Event) -> Self {
        Self { to, event, reason: None, one_step: false }
    }

    fn because(self, reason: Option<&str>) -> Result<Self, Error> {
        if reason.is_some_and(|reason| reason.len() > LONGEST_NOTE) {
            return Err(Error::Order(format!("a reason has at most {LONGEST_NOTE} bytes")));
        }
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
        Ok(Self { reason, ..self })
    }
}

impl Eseal {
    /// Files an application.
    ///
    /// # Errors
    /// [`Error::Application`], [`Error::Holder`].
    pub async fn apply(&self, by: &Authorized, application: Application) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::RequestSeal, Permission::MakeSeal])?;
        let one_step = by.permission() == Permission::MakeSeal;
        let options = &self.0.options;
        let now = options.clock.now();
        let png = application.picture.png.clone();
        let record = self.filed(by, application, now)?;
        let (audit, actor) = (options.audit.clone(), by.actor().clone());
        let work = move |tx: &Tx<'_>| -> Result<SealRecord, Error> {
            let seq = audit.next_seq(tx)?;
            let mut record = record;
            record.applied_seq = seq;
            store::insert_picture(tx, record.id, &record.tenant, &png)?;
            let step = step(&record, &actor, one_step, seq);
            let covers = vec![store::put_seal(tx, &record, seq)?, store::put_step(tx, &record, &step, seq)?];
            let draft = EntryDraft {
                actor,
                event: Event::SealRequested,
                object: record.id.to_string(),
                outcome: outcome(one_step),
                payload: record.name.clone().into_bytes(),
                covers,
            };
            audit.append(tx, draft)?;
            Ok(record)
        };
        options.db.write(Importance::Normal, work).await
    }

    /// Checks an application. Nothing is stored.
    fn filed(&self, by: &Authorized, application: Application, now: Instant) -> Result<SealRecord, Error> {
        let refused = |why: &str| Err(Error::Application(why.to_owned()));
        let Application { name, owner, kind, picture, valid_until, holders, by_digest, users, note } = application;
        let (name, owner) = (name.trim().to_owned(), owner.trim().to_owned());
        let fits = |text: &str| (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
        if !fits(&name) || !fits(&owner) {
            return refused("a name and an owner of 1 to 300 bytes without control characters are wanted");
        }
        if note.as_ref().is_some_and(|note| note.len() > LONGEST_NOTE) {
            return refused("the note is longer than 2,000 bytes");
        }
        if picture.png.is_empty() || picture.png.len() > LARGEST_PICTURE {
            return refused("the picture is missing or larger than 2 MiB");
        }
        // Written into the seal in whole millimetres.
        let (width, height) = (picture.width.round(), picture.height.round());
        if !(1.0..=LARGEST_MM).contains(&width) || !(1.0..=LARGEST_MM).contains(&height) {
            return refused("a seal is 1 to 200 mm wide and high");
        }
        if users.len() > MOST_HOLDERS || users.iter().any(|user| user.parse::<pki_config::OfficerId>().is_err()) {
            return refused("users are at most 200 identifiers of officers");
        }
        let valid_until = valid_until.unwrap_or_else(|| now.plus(self.0.options.validity)).whole_second();
        if valid_until <= now {
            return refused("it would be over already");
        }
        if holders.len() > MOST_HOLDERS {
            return Err(Error::Holder(format!("at most {MOST_HOLDERS} holders")));
        }
        holders.iter().try_for_each(|der| super::make::check_holder(der, now).map(drop))?;
        Ok(SealRecord {
            id: SealId::draw(&*self.0.options.random)?,
            tenant: Self::tenant(by),
            name,
            owner,
            kind,
            state: SealState::Applied,
            since: now,
            reason: None,
            width,
            height,
            picture: engine::sm3::hash(&picture.png),
            valid_from: None,
            valid_until,
            holders,
            by_digest,
            users,
            note: note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()),
            applicant: by.actor().person().to_owned(),
            reviewer: None,
            applied_at: now,
            applied_seq: 0,
            version: 0,
        })
    }

    /// Finds an application in order.
    ///
    /// # Errors
    /// [`Error::UnknownSeal`], [`Error::State`], [`Error::SameOfficer`].
    pub async fn review(&self, by: &Authorized, id: SealId) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ReviewSeal])?;
        self.decided(by, id)?.change(Change::to(SealState::Reviewed, Event::SealReviewed)).await
    }

    /// Approves an application; the seal is to be made then.
    ///
    /// # Errors
    /// As [`Eseal::review`].
    pub async fn approve(&self, by: &Authorized, id: SealId) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ApproveSeal, Permission::MakeSeal])?;
        let change = Change::to(SealState::Approved, Event::SealApproved);
        if by.permission() == Permission::MakeSeal {
            return self.at_once(by, id)?.change(Change { one_step: true, ..change }).await;
        }
        self.decided(by, id)?.change(change).await
    }

    /// Does not grant an application. Whoever filed it may take it back so.
    ///
    /// # Errors
    /// As [`Eseal::review`].
    pub async fn reject(&self, by: &Authorized, id: SealId, reason: Option<&str>) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ApproveSeal])?;
        let change = Change::to(SealState::Rejected, Event::SealRejected).because(reason)?;
        Deciding { eseal: self, by, id, another: false }.change(change).await
    }

    /// Puts a seal in use, for the first time or again. Not whoever applied for it.
    ///
    /// # Errors
    /// As [`Eseal::review`].
    pub async fn enable(&self, by: &Authorized, id: SealId) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ManageSeals, Permission::MakeSeal])?;
        let change = Change::to(SealState::Enabled, Event::SealEnabled);
        if by.permission() == Permission::MakeSeal {
            return self.at_once(by, id)?.change(Change { one_step: true, ..change }).await;
        }
        self.decided(by, id)?.change(change).await
    }

    /// Sets a seal aside. One person suffices: what is wrong must be stopped at once.
    ///
    /// # Errors
    /// [`Error::UnknownSeal`], [`Error::State`].
    pub async fn suspend(&self, by: &Authorized, id: SealId, reason: Option<&str>) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ManageSeals])?;
        let change = Change::to(SealState::Suspended, Event::SealSuspended).because(reason)?;
        Deciding { eseal: self, by, id, another: false }.change(change).await
    }

    /// Ends a seal for good. One person suffices.
    ///
    /// # Errors
    /// [`Error::UnknownSeal`], [`Error::State`].
    pub async fn revoke(&self, by: &Authorized, id: SealId, reason: Option<&str>) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ManageSeals])?;
        let change = Change::to(SealState::Revoked, Event::SealRevoked).because(reason)?;
        Deciding { eseal: self, by, id, another: false }.change(change).await
    }

    /// Forgets the picture of a revoked seal. Its keys are the caller's to destroy first: [`Eseal::keys`].
    ///
    /// # Errors
    /// [`Error::UnknownSeal`], [`Error::State`].
    pub async fn destroy(&self, by: &Authorized, id: SealId, reason: Option<&str>) -> Result<SealRecord, Error> {
        Self::demand(by, &[Permission::ManageSeals])?;
        let change = Change::to(SealState::Destroyed, Event::SealDestroyed).because(reason)?;
        Deciding { eseal: self, by, id, another: false }.change(change).await
    }

    /// Of somebody else's application.
    fn decided<'a>(&'a self, by: &'a Authorized, id: SealId) -> Result<Deciding<'a>, Error> {
        Ok(Deciding { eseal: self, by, id, another: true })
    }

    /// Of an application by whoever decides it: in a trial.
    fn at_once<'a>(&'a self, by: &'a Authorized, id: SealId) -> Result<Deciding<'a>, Error> {
        if self.0.options.setup != Setup::Trial {
            return Err(Error::Forbidden);
        }
        Ok(Deciding { eseal: self, by, id, another: false })
    }

    /// What is known of a seal.
    ///
    /// # Errors
    /// [`Error::UnknownSeal`]; another tenant's is unknown too.
    pub async fn record(&self, tenant: &TenantId, id: SealId) -> Result<SealRecord, Error> {
        let tenant = tenant.clone();
        let found = self.0.options.db.read(move |tx: &Tx<'_>| store::seal(tx, id, Some(&tenant))).await?;
        found.ok_or(Error::UnknownSeal)
    }

    /// A seal with everything that is shown of it.
    ///
    /// # Errors
    /// As [`Eseal::record`].
    pub async fn show(&self, by: &Authorized, id: SealId) -> Result<SealView, Error> {
        let tenant = Self::tenant(by);
        let read = move |tx: &Tx<'_>| -> Result<SealView, Error> {
            let record = store::seal(tx, id, Some(&tenant))?.ok_or(Error::UnknownSeal)?;
            let made = if record.version > 0 { store::made(tx, id, record.version)? } else { None };
            let certificate = |kept: &store::KeptKey| kept.chain.first().cloned();
            Ok(SealView {
                picture: store::picture(tx, id)?,
                certificates: made
                    .iter()
                    .flat_map(|made| [&made.sm2, &made.ec])
                    .flatten()
                    .filter_map(certificate)
                    .collect(),
                seal: made.map(|made| made.seal),
                steps: store::steps(tx, id)?,
                uses: store::used::count(tx, id)?,
                record,
            })
        };
        self.0.options.db.read(read).await
    }

    /// The caller's seals, newest first, and the `after` of the next page.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn list(&self, by: &Authorized, query: SealQuery) -> Result<(Vec<SealRecord>, Option<Seq>), Error> {
        let (tenant, limit) = (Self::tenant(by), query.limit.clamp(1, 500));
        let ask = SealQuery { limit: limit + 1, ..query };
        let mut found = self.0.options.db.read(move |tx: &Tx<'_>| store::seals(tx, &tenant, &ask)).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = if more { found.last().map(|seal| seal.applied_seq) } else { None };
        Ok((found, next))
    }

    /// Uses of the caller's seals, newest first, and the `after` of the next page.
    ///
    /// # Errors
    /// The database cannot.
    pub async fn uses(
        &self,
        by: &Authorized,
        seal: Option<SealId>,
        after: Option<Seq>,
        limit: u32,
    ) -> Result<(Vec<crate::Use>, Option<Seq>), Error> {
        let (tenant, limit) = (Self::tenant(by), limit.clamp(1, 500));
        let read = move |tx: &Tx<'_>| store::used::list(tx, &tenant, seal, after, limit + 1);
        let mut found = self.0.options.db.read(read).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = if more { found.last().map(|used| used.seq) } else { None };
        Ok((found, next))
    }
}

/// One step of one seal, by somebody who may take it.
struct Deciding<'a> {
    eseal: &'a Eseal,
    by: &'a Authorized,
    id: SealId,
    /// It must be somebody who had no part in it before.
    another: bool,
}

impl Deciding<'_> {
    async fn change(self, change: Change) -> Result<SealRecord, Error> {
        let options = &self.eseal.0.options;
        let (audit, actor, id, another) = (options.audit.clone(), self.by.actor().clone(), self.id, self.another);
        let now = options.clock.now();
        let importance = match change.to {
            // As revocations of certificates: also when the disk is nearly full.
            SealState::Suspended | SealState::Revoked => Importance::Essential,
            _ => Importance::Normal,
        };
        let work = move |tx: &Tx<'_>| -> Result<SealRecord, Error> {
            let seal = store::seal(tx, id, Some(actor.tenant()))?.ok_or(Error::UnknownSeal)?;
            if !seal.state.may_become(change.to) {
                return Err(Error::State { seal: id, state: seal.state.as_str() });
            }
            if another && had_part(&seal, change.to, actor.person()) {
                return Err(Error::SameOfficer);
            }
            if change.to == SealState::Destroyed {
                store::delete_picture(tx, id)?;
            }
            let reviewer =
                if change.to == SealState::Reviewed { Some(actor.person().to_owned()) } else { seal.reviewer };
            let seal = SealRecord { state: change.to, since: now, reason: change.reason, reviewer, ..seal };
            let seq = audit.next_seq(tx)?;
            let step = step(&seal, &actor, change.one_step, seq);
            let covers = vec![store::put_seal(tx, &seal, seq)?, store::put_step(tx, &seal, &step, seq)?];
            let draft = EntryDraft {
                actor,
                event: change.event,
                object: id.to_string(),
                outcome: outcome(change.one_step),
                payload: seal.reason.clone().unwrap_or_default().into_bytes(),
                covers,
            };
            audit.append(tx, draft)?;
            Ok(seal)
        };
        let changed = options.db.write(importance, work).await?;
        self.eseal.0.told.forget(id);
        Ok(changed)
    }
}

/// Whether this step must be taken by somebody else.
#[must_use]
pub fn had_part(seal: &SealRecord, to: SealState, person: &str) -> bool {
    let (applied, reviewed) = (seal.applicant == person, seal.reviewer.as_deref() == Some(person));
    match to {
        SealState::Reviewed | SealState::Approved => applied || reviewed,
        SealState::Enabled => applied && seal.state == SealState::Made,
        _ => false,
    }
}

fn step(seal: &SealRecord, actor: &Actor, one_step: bool, seq: Seq) -> Step {
    let (state, person) = (seal.state.as_str().to_owned(), actor.person().to_owned());
    Step { state, at: seal.since, person, one_step, reason: seal.reason.clone(), seq }
}

pub(super) const fn outcome(one_step: bool) -> Outcome {
    if one_step { Outcome::DoneInOneStep } else { Outcome::Done }
}
