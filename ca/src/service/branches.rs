//! Branches of the registration authority (受理点) and who works there.

use pki_config::role::{Authorized, Permission};
use pki_config::{Actor, BranchId, Event, TenantId};

use ledger::{Cover, EntryDraft, Importance, Outcome, Seq, Tx};

use super::Ca;
use crate::error::{BadBranch, Error};
use crate::store::{self, BranchRow, MOST_BRANCHES};

/// The longest name of a branch. Unit: characters.
const LONGEST_TITLE: usize = 80;

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its word.
    pub id: BranchId,
    /// What people call it.
    pub title: String,
    /// Whether it takes new requests.
    pub open: bool,
    /// Its officers, by identifier.
    pub officers: Vec<String>,
    /// Requests that wait there, counted up to 10,000.
    pub waiting: u32,
}

impl Ca {
    /// Every branch, by word.
    ///
    /// # Errors
    /// The database.
    pub async fn branches(&self, tenant: &TenantId) -> Result<Vec<Branch>, Error> {
        let tenant = tenant.clone();
        self.0
            .options
            .db
            .read(move |tx| -> Result<_, Error> {
                let members = store::members(tx, &tenant)?;
                store::branches(tx, &tenant)?
                    .into_iter()
                    .map(|row| {
                        let here = members.iter().filter(|(branch, _)| branch == row.id.as_str());
                        Ok(Branch {
                            officers: here.map(|(_, officer)| officer.clone()).collect(),
                            waiting: store::waiting_in(tx, &tenant, &row.id)?,
                            id: row.id,
                            title: row.title,
                            open: row.open,
                        })
                    })
                    .collect()
            })
            .await
    }

    /// Opens a branch, or opens a closed one again under this name.
    ///
    /// # Errors
    /// [`Error::Branch`] for an open one of that word and for a name that is none.
    pub async fn open_branch(&self, auth: &Authorized, id: BranchId, title: &str) -> Result<(), Error> {
        Self::demand(auth, Permission::ManageBranches)?;
        let title: String = title.trim().chars().filter(|c| !c.is_control()).collect();
        if title.is_empty() || title.chars().count() > LONGEST_TITLE {
            return Err(BadBranch::Title.into());
        }
        let now = self.0.options.clock.now();
        self.change_branch(auth.actor(), id, move |tx, tenant, id, found, count, seq| {
            if found.as_ref().is_some_and(|row| row.open) {
                return Err(BadBranch::Exists.into());
            }
            if found.is_none() && count >= MOST_BRANCHES {
                return Err(BadBranch::TooMany.into());
            }
            let created_at = found.map_or(now, |row| row.created_at);
            let row = BranchRow { tenant: tenant.clone(), id: id.clone(), title, open: true, created_at };
            Ok(row.put(tx, seq)?)
        })
        .await
    }

    /// Closes a branch: it takes no new requests. Those that wait there are decided as before.
    ///
    /// # Errors
    /// [`Error::Branch`] for one that is unknown or closed.
    pub async fn close_branch(&self, auth: &Authorized, id: BranchId) -> Result<(), Error> {
        Self::demand(auth, Permission::ManageBranches)?;
        self.change_branch(auth.actor(), id, move |tx, _, _, found, _, seq| match found {
            None => Err(BadBranch::Unknown.into()),
            Some(row) if !row.open => Err(BadBranch::Closed.into()),
            Some(row) => Ok(BranchRow { open: false, ..row }.put(tx, seq)?),
        })
        .await
    }

    /// Says whether an officer works in a branch from now on. One who works in any sees the requests of those only.
    ///
    /// # Errors
    /// [`Error::Branch`] for an unknown branch.
    pub async fn assign(&self, auth: &Authorized, id: BranchId, officer: &str, active: bool) -> Result<(), Error> {
        Self::demand(auth, Permission::ManageBranches)?;
        let officer = officer.to_owned();
        let now = self.0.options.clock.now();
        self.change_branch(auth.actor(), id, move |tx, tenant, id, found, _, seq| {
            if found.is_none() {
                return Err(BadBranch::Unknown.into());
            }
            Ok(store::put_member(tx, tenant, &officer, id, active, now, seq)?)
        })
        .await
    }

    async fn change_branch(
        &self,
        actor: &Actor,
        id: BranchId,
        change: impl FnOnce(&Tx<'_>, &TenantId, &BranchId, Option<BranchRow>, u32, Seq) -> Result<Cover, Error>
        + Send
        + 'static,
    ) -> Result<(), Error> {
        let (actor, audit) = (actor.clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let all = store::branches(tx, actor.tenant())?;
                let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let found = all.into_iter().find(|row| row.id == id);
                let seq = audit.next_seq(tx)?;
                let covers = vec![change(tx, actor.tenant(), &id, found, count, seq)?];
                let event = Event::BranchChanged;
                let object = id.to_string();
                audit.append(
                    tx,
                    EntryDraft { actor, event, object, outcome: Outcome::Done, payload: Vec::new(), covers },
                )?;
                Ok(())
            })
            .await
    }
}
