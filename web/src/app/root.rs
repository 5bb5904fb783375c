//! Changing what guards every key, while the service runs: the root key sealed anew (other shares, other keepers, a
//! passphrase), and the root key replaced.
//!
//! In production an officer asks and another one carries it out, with what opens the root key as it is.

use std::time::Duration;

use crypto_pool::RootKey;
use crypto_pool::root_key::shares::{Quorum, Share, ShareSet};
use crypto_pool::root_key::{Credential, FileSeal, PassphraseSeal, RootSeal as _, SealedBy, ShareSeal, replace_sealed};
use ledger::Outcome;
use pki_config::role::{Authorized, Permission, Setup};
use pki_config::{ErrorCode, Event, Instant, TenantId};
use zeroize::Zeroizing;

use super::App;
use super::unsealing::Turn;
use crate::api::{RootAsked, RootInfo};
use crate::problem::Failure;

/// How long a change that was asked for may be carried out.
const ASKED: Duration = Duration::from_secs(60 * 60);
/// How long new shares may be written down before they are confirmed.
const PREPARED: Duration = Duration::from_secs(60 * 60);

/// A change of the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another root key.
    Rotate,
    /// The same one, sealed anew.
    Reseal,
}

impl Change {
    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Rotate, Self::Reseal].into_iter().find(|change| change.as_str() == word)
    }

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Reseal => "reseal",
        }
    }
}

/// What shall open the root key.
pub enum NewSeal {
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// So many shares of so many.
    Shares(Quorum),
}

/// A change somebody asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    change: Change,
    by: String,
    until: Instant,
}

/// A sealed file whose shares are being written down.
pub(super) struct Prepared {
    confirm: String,
    by: String,
    text: String,
    words: String,
    until: Instant,
}

impl App {
    /// Nobody opens, seals or replaces the root key while the answer is held.
    pub(crate) async fn root_unchanged(&self) -> impl Drop + '_ {
        self.0.root_desk.turn.lock().await
    }

    /// What seals the root key, and what is under way.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn root_info(&self, by: &Authorized) -> Result<RootInfo, Failure> {
        let turn = self.0.root_desk.turn.lock().await;
        let (sealed_by, set) = match self.setup() {
            Setup::Trial => ("file", None),
            Setup::Production => match self.sealed_by().await? {
                SealedBy::Passphrase => ("passphrase", None),
                SealedBy::Shares(set) => ("shares", Some(set)),
            },
        };
        let replacing = self.kms().root().get().is_ok_and(|root| root.previous().is_some());
        let asked = self.still(&turn).map(|asked| self.asked(by, asked));
        Ok(RootInfo {
            sealed_by: sealed_by.to_owned(),
            shares: set.map(|set| set.quorum.to_string()),
            generation: set.map(|set| set.generation),
            replacing,
            asked,
        })
    }

    /// Asks for a change, so that another officer may carry it out; or says that this one may.
    ///
    /// # Errors
    /// `FORBIDDEN`; `BAD_REQUEST` for sealing a trial; the log's own.
    pub async fn ask_root_change(&self, by: &Authorized, change: Change) -> Result<RootAsked, Failure> {
        self.may_change(by, change)?;
        let mut turn = self.0.root_desk.turn.lock().await;
        let other = self.still(&turn).filter(|asked| asked.change == change && asked.by != by.actor().person());
        if let Some(asked) = other {
            return Ok(self.asked(by, asked));
        }
        let until = self.clock().now().plus(ASKED);
        let asked = Asked { change, by: by.actor().person().to_owned(), until };
        if self.setup() == Setup::Production {
            let words = change.as_str().as_bytes().to_vec();
            self.record_root(by.actor(), Event::RootChangeAsked, Outcome::Done, words).await?;
        }
        let told = self.asked(by, &asked);
        turn.asked = Some(asked);
        Ok(told)
    }

    fn asked(&self, by: &Authorized, asked: &Asked) -> RootAsked {
        RootAsked {
            change: asked.change.as_str().to_owned(),
            by: asked.by.clone(),
            until: asked.until.to_string(),
            // In the trial one person plays every part, and the log says so.
            ready: self.setup() == Setup::Trial || asked.by != by.actor().person(),
        }
    }

    fn still<'a>(&self, turn: &'a Turn) -> Option<&'a Asked> {
        turn.asked.as_ref().filter(|asked| self.clock().now() <= asked.until)
    }

    fn may_change(&self, by: &Authorized, change: Change) -> Result<(), Failure> {
        // One root key for all tenants: the house alone changes it.
        if by.permission() != Permission::ManageRoot || *by.actor().tenant() != TenantId::house() {
            return Err(ErrorCode::Forbidden.into());
        }
        if self.setup() == Setup::Trial && change == Change::Reseal {
            return Err(Failure::saying(
                ErrorCode::BadRequest,
                "a trial keeps its root key in a file; it is not sealed",
            ));
        }
        Ok(())
    }

    /// Another officer asked for this change.
    fn second(&self, turn: &Turn, by: &Authorized, change: Change) -> Result<(), Failure> {
        self.may_change(by, change)?;
        if self.setup() == Setup::Trial {
            return Ok(());
        }
        match self.still(turn).filter(|asked| asked.change == change) {
            Some(asked) if asked.by == by.actor().person() => Err(ErrorCode::SameOfficer.into()),
            Some(_) => Ok(()),
            None => Err(Failure::saying(ErrorCode::RootChange, "another officer must ask for it first (root/ask)")),
        }
    }

    /// Seals the root key anew. With shares nothing changes before [`App::confirm_root`]: they are given once, and
    /// those who shall keep them must have them first. With a passphrase it counts at once.
    ///
    /// # Errors
    /// `ROOT_CHANGE`, `SAME_OFFICER` unless another officer asked for it; as [`App::unseal`] for what is given;
    /// `SEALED`.
    pub async fn reseal_root(
        &self,
        by: &Authorized,
        given: Credential,
        new: NewSeal,
    ) -> Result<(Vec<Share>, Option<String>), Failure> {
        let mut turn = self.0.root_desk.turn.lock().await;
        self.second(&turn, by, Change::Reseal)?;
        let root = self.kms().root().get()?;
        self.authentic(by, Event::RootResealed, &given).await?;
        let (dir, random) = (self.dir().path(), self.random());
        let was = self.sealed_by().await?;
        match new {
            NewSeal::Passphrase(passphrase) => {
                let seal = PassphraseSeal::new(dir, passphrase, self.argon2());
                let text = seal.text(&root, random)?;
                let words = b"by a passphrase".to_vec();
                self.record_root(by.actor(), Event::RootResealed, Outcome::Done, words).await?;
                replace_sealed(dir, &text)?;
                turn.asked = None;
                turn.prepared = None;
                Ok((Vec::new(), None))
            }
            NewSeal::Shares(quorum) => {
                let set = match was {
                    SealedBy::Shares(set) => ShareSet { generation: set.generation.saturating_add(1), quorum, ..set },
                    SealedBy::Passphrase => {
                        let mut id = [0; 4];
                        random.fill(&mut id).map_err(crypto_pool::Error::from)?;
                        ShareSet { id, generation: 1, quorum }
                    }
                };
                let (text, shares) = ShareSeal::new(dir).text(&root, set, random)?;
                let mut confirm = [0; 16];
                random.fill(&mut confirm).map_err(crypto_pool::Error::from)?;
                let confirm: String = confirm.iter().map(|octet| format!("{octet:02x}")).collect();
                turn.prepared = Some(Prepared {
                    confirm: confirm.clone(),
                    by: by.actor().person().to_owned(),
                    text,
                    words: format!("by shares {quorum}, generation {}", set.generation),
                    until: self.clock().now().plus(PREPARED),
                });
                Ok((shares, Some(confirm)))
            }
        }
    }

    /// The new shares are with their keepers: they take the place of what opened the root key. A crash leaves the
    /// old seal or the new one, whole.
    ///
    /// # Errors
    /// `ROOT_CHANGE` if nothing waits for this, or too long.
    pub async fn confirm_root(&self, by: &Authorized, confirm: &str) -> Result<(), Failure> {
        self.may_change(by, Change::Reseal)?;
        let mut turn = self.0.root_desk.turn.lock().await;
        let now = self.clock().now();
        let waits = turn.prepared.take().filter(|prepared| prepared.until >= now);
        let Some(prepared) = waits.filter(|p| p.confirm == confirm && p.by == by.actor().person()) else {
            let why = "no new shares wait to be confirmed: the old ones still count, and the new ones never will";
            return Err(Failure::saying(ErrorCode::RootChange, why));
        };
        let words = prepared.words.into_bytes();
        self.record_root(by.actor(), Event::RootResealed, Outcome::Done, words).await?;
        replace_sealed(self.dir().path(), &prepared.text)?;
        turn.asked = None;
        Ok(())
    }

    /// Puts another root key in the place of the one there is; whatever is wrapped under it is wrapped anew, and the
    /// service signs meanwhile. Says how many rows that were.
    ///
    /// First both root keys go into the sealed file, then every row is wrapped anew, then the old one leaves the
    /// file. A crash anywhere leaves each row under one of the two that the file holds; the next opening ends it.
    ///
    /// # Errors
    /// As [`App::reseal_root`].
    pub async fn rotate_root(&self, by: &Authorized, given: Option<Credential>) -> Result<usize, Failure> {
        let mut turn = self.0.root_desk.turn.lock().await;
        self.second(&turn, by, Change::Rotate)?;
        let old = self.kms().root().get()?;
        match &given {
            Some(given) if self.setup() == Setup::Production => {
                self.authentic(by, Event::RootReplaced, given).await?;
            }
            None if self.setup() == Setup::Trial => {}
            _ => {
                return Err(Failure::saying(ErrorCode::BadRequest, "give what opens the root key; nothing in a trial"));
            }
        }
        // What waits holds the root key that goes.
        turn.prepared = None;
        if old.previous().is_none() {
            let new = RootKey::draw(self.random())?.in_place_of(&old);
            self.record_root(by.actor(), Event::RootReplaced, Outcome::Done, b"begun".to_vec()).await?;
            // On the disk before a single row depends on it.
            self.write_root(&new, given.as_ref()).await?;
            self.kms().root().replace(new)?;
        }
        let wrapped = self.finish_rotation(given.as_ref()).await?;
        turn.asked = None;
        Ok(wrapped)
    }

    /// Ends a replacement that is under way: wraps what is left, and forgets the root key before.
    pub(super) async fn finish_rotation(&self, given: Option<&Credential>) -> Result<usize, Failure> {
        let root = self.kms().root().get()?;
        if root.previous().is_none() {
            return Ok(0);
        }
        let system = self.as_system(Permission::ManageRoot)?;
        let renewal = self.kms().begin_renewal(&system).await?;
        let wrapped = renewal.all().await?;
        // Proven, not believed: every row opens without it.
        renewal.settle().await?;
        // A crash before this is durable only means that it is looked for again.
        self.write_root(&root.alone(), given).await?;
        drop(renewal);
        let words = format!("done: {wrapped} wrapped anew").into_bytes();
        self.record_root(system.actor(), Event::RootReplaced, Outcome::Done, words).await?;
        Ok(wrapped)
    }

    /// The file with another root key, opened by the same as before.
    async fn write_root(&self, root: &RootKey, given: Option<&Credential>) -> Result<(), Failure> {
        let (dir, random) = (self.dir().path(), self.random());
        let text = match (self.setup(), given) {
            (Setup::Trial, _) => return Ok(FileSeal::new(dir).replace(root)?),
            (Setup::Production, Some(Credential::Passphrase(passphrase))) => {
                PassphraseSeal::new(dir, passphrase.clone(), self.argon2()).text(root, random)?
            }
            (Setup::Production, Some(Credential::Shares(shares))) => {
                ShareSeal::new(dir).read()?.holding(shares, root, random)?
            }
            (Setup::Production, None) => return Err(ErrorCode::Sealed.into()),
        };
        Ok(replace_sealed(dir, &text)?)
    }

    /// What was given opens the file. Refusals are recorded.
    async fn authentic(&self, by: &Authorized, event: Event, given: &Credential) -> Result<(), Failure> {
        let opened = self.opened_by(by.actor(), given).await;
        if let Err(failure) = &opened {
            self.record_root(by.actor(), event, Outcome::Refused(failure.code()), Vec::new()).await?;
        }
        opened.map(drop)
    }

    /// A trial that was stopped while its root key was being replaced ends that by itself.
    pub(super) async fn finish_trial_rotation(&self) {
        let under_way = self.kms().root().get().is_ok_and(|root| root.previous().is_some());
        if self.setup() == Setup::Trial
            && under_way
            && let Err(error) = self.finish_rotation(None).await
        {
            tracing::warn!(code = %error.code(), "an interrupted change of the root key is not finished");
        }
    }

    /// What a trial's file holds.
    pub(super) fn open_trial(dir: &std::path::Path) -> Result<RootKey, crypto_pool::Error> {
        FileSeal::new(dir).open()
    }
}
