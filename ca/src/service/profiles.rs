//! Certificate profiles: which are in force, and how officers change them.
//!
//! A changed profile is proposed by one officer and approved by another; from then on certificates are issued from
//! it, also for requests filed before. Every version is kept, for a certificate's record names the digest of the one
//! it was made from. What was approved last stands above the built-in profile of the same name, and a later release
//! of the suite does not undo it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use ledger::{EntryDraft, Importance, Outcome, Tx};
use pki_config::Event;
use pki_config::profile::{BuiltIn, Difference, KeyMaker, Profile};
use pki_config::role::{Authorized, Permission};

use super::{Ca, LoadedProfile};
use crate::error::Error;
use crate::store::{self, ProfileRow, ProfileState};

/// The longest note or reason that is kept. Unit: characters.
const LONGEST_WORDS: usize = 500;

/// A version of a profile, with its history.
#[derive(Debug, Clone)]
pub struct ProfileVersion {
    /// The profile.
    pub profile: Profile,
    /// Where it stands.
    pub state: ProfileState,
    /// SM3 of its text.
    pub digest: [u8; 32],
    /// Whether certificates are issued from it now.
    pub in_force: bool,
    /// Its record; `None` for a built-in one, which has none.
    pub record: Option<ProfileRow>,
}

/// The built-in profiles under those that officers approved.
pub(super) fn load(approved: Vec<ProfileRow>) -> Result<HashMap<String, Arc<LoadedProfile>>, Error> {
    let built_in = BuiltIn::ALL.iter().map(|built_in| LoadedProfile::new(built_in.profile(), ProfileState::BuiltIn));
    let mut profiles: HashMap<String, Arc<LoadedProfile>> =
        built_in.map(|loaded| (loaded.profile.name().to_owned(), Arc::new(loaded))).collect();
    for row in approved {
        let loaded = LoadedProfile::new(read(&row)?, ProfileState::Approved);
        profiles.insert(row.name, Arc::new(loaded));
    }
    Ok(profiles)
}

/// Reads a stored text again. It was checked when it was proposed, by rules that may have grown since; one that no
/// longer reads is not guessed at.
fn read(row: &ProfileRow) -> Result<Profile, Error> {
    let damaged = || Error::Damaged(format!("version {} of profile {}", row.version, row.name));
    let profile = Profile::parse(&row.source).map_err(|_| damaged())?;
    let same = profile.name() == row.name
        && profile.version() == row.version
        && engine::sm3::hash(row.source.as_bytes()) == row.digest;
    if same { Ok(profile) } else { Err(damaged()) }
}

/// What an officer wrote, without what would disturb a terminal, bounded.
fn words(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect()
}

impl LoadedProfile {
    /// The same as a ceremony's plan words it for one authority.
    pub(super) fn for_authority(&self, path_length: u8, maker: KeyMaker) -> Result<Arc<Self>, Error> {
        let profile = self.profile.for_authority(Some(path_length), maker);
        let profile = profile.ok_or_else(|| unknown(self.profile.name()))?;
        Ok(Arc::new(Self { profile, digest: self.digest, state: self.state }))
    }

    fn new(profile: Profile, state: ProfileState) -> Self {
        let digest = engine::sm3::hash(profile.source_text().as_bytes());
        Self { profile, digest, state }
    }
}

impl Ca {
    /// The profiles in force, by name.
    #[must_use]
    pub fn profiles(&self) -> Vec<Profile> {
        let known = self.0.profiles.read().unwrap_or_else(PoisonError::into_inner);
        let mut profiles: Vec<Profile> = known.values().map(|loaded| loaded.profile.clone()).collect();
        profiles.sort_by(|a, b| a.name().cmp(b.name()));
        profiles
    }

    pub(super) fn profile(&self, name: &str) -> Result<Arc<LoadedProfile>, Error> {
        let known = self.0.profiles.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned().ok_or_else(|| unknown(name))
    }

    /// The version of a profile that is in force.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`].
    pub fn profile_in_force(&self, name: &str) -> Result<ProfileVersion, Error> {
        let loaded = self.profile(name)?;
        let (profile, digest, state) = (loaded.profile.clone(), loaded.digest, loaded.state);
        Ok(ProfileVersion { profile, state, digest, in_force: true, record: None })
    }

    /// Every version of a profile, newest first.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`] if there is none.
    pub async fn profile_versions(&self, name: &str) -> Result<Vec<ProfileVersion>, Error> {
        let asked = name.to_owned();
        let rows =
            self.0.options.db.read(move |tx| -> Result<_, Error> { Ok(store::profile_versions(tx, &asked)?) }).await?;
        let mut versions: Vec<ProfileVersion> =
            rows.into_iter().map(|row| self.version(row)).collect::<Result<_, _>>()?;
        if let Some(built_in) = BuiltIn::from_word(name) {
            let LoadedProfile { profile, digest, state } =
                LoadedProfile::new(built_in.profile(), ProfileState::BuiltIn);
            let in_force = self.is_in_force(name, &digest);
            versions.push(ProfileVersion { profile, state, digest, in_force, record: None });
        }
        if versions.is_empty() { Err(unknown(name)) } else { Ok(versions) }
    }

    /// One version of a profile.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`], also if there is no such version.
    pub async fn profile_version(&self, name: &str, version: u32) -> Result<ProfileVersion, Error> {
        let versions = self.profile_versions(name).await?;
        versions.into_iter().find(|found| found.profile.version() == version).ok_or_else(|| unknown(name))
    }

    /// The versions that wait for a decision, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn proposed_profiles(&self) -> Result<Vec<ProfileVersion>, Error> {
        let rows = self.0.options.db.read(|tx| -> Result<_, Error> { Ok(store::open_profiles(tx)?) }).await?;
        rows.into_iter().map(|row| self.version(row)).collect()
    }

    /// What changes from one version to another; from nothing if `from` is `None`.
    ///
    /// # Errors
    /// [`Error::UnknownProfile`].
    pub async fn profile_difference(&self, name: &str, from: Option<u32>, to: u32) -> Result<Difference, Error> {
        let after = self.profile_version(name, to).await?.profile;
        match from {
            Some(from) => Ok(after.difference(&self.profile_version(name, from).await?.profile)),
            None => Ok(after.whole()),
        }
    }

    /// Proposes a profile: a new version of one that is known, or a new one. Nothing is issued from it yet.
    ///
    /// # Errors
    /// [`Error::Profile`], [`Error::ProfileNumber`], [`Error::ProfileWaits`]; nothing is stored then.
    pub async fn propose_profile(&self, auth: &Authorized, source: &str, note: &str) -> Result<ProfileVersion, Error> {
        Self::demand(auth, Permission::ProposeProfile)?;
        let profile = Profile::parse(source)?;
        profile.check_proposal()?;
        let row = ProfileRow {
            name: profile.name().to_owned(),
            version: profile.version(),
            tenant: auth.actor().tenant().clone(),
            state: ProfileState::Proposed,
            source: source.to_owned(),
            digest: engine::sm3::hash(source.as_bytes()),
            note: words(note),
            proposer: auth.actor().person().to_owned(),
            decider: None,
            proposed_at: self.0.options.clock.now(),
            decided_at: None,
            reason: None,
        };
        let stored = row.clone();
        self.change_profile(auth, Event::ProfileProposed, move |tx| {
            let known = store::profile_versions(tx, &stored.name)?;
            if let Some(open) = known.iter().find(|row| row.state == ProfileState::Proposed) {
                return Err(Error::ProfileWaits { profile: stored.name.clone(), version: open.version });
            }
            let built_in = BuiltIn::from_word(&stored.name).map_or(0, |built_in| built_in.profile().version());
            let least = known.first().map_or(0, |row| row.version).max(built_in) + 1;
            if stored.version < least {
                return Err(Error::ProfileNumber { profile: stored.name.clone(), least });
            }
            Ok(stored)
        })
        .await?;
        self.version(row)
    }

    /// Approves a proposed version, which puts it in force. The proposer cannot.
    ///
    /// # Errors
    /// [`Error::SameProposer`], [`Error::ProfileState`] if it was decided already, [`Error::UnknownProfile`].
    pub async fn approve_profile(&self, auth: &Authorized, name: &str, version: u32) -> Result<ProfileVersion, Error> {
        let row = self.decide(auth, Event::ProfileApproved, name, version, ProfileState::Approved, None).await?;
        let loaded = LoadedProfile::new(read(&row)?, ProfileState::Approved);
        let mut known = self.0.profiles.write().unwrap_or_else(PoisonError::into_inner);
        // Another version cannot have come between: one waits at a time, and versions rise.
        known.insert(row.name.clone(), Arc::new(loaded));
        drop(known);
        self.version(row)
    }

    /// Rejects a proposed version; by its proposer, withdraws it.
    ///
    /// # Errors
    /// [`Error::ProfileState`] if it was decided already, [`Error::UnknownProfile`].
    pub async fn reject_profile(
        &self,
        auth: &Authorized,
        name: &str,
        version: u32,
        reason: &str,
    ) -> Result<ProfileVersion, Error> {
        let reason = Some(words(reason));
        let row = self.decide(auth, Event::ProfileRejected, name, version, ProfileState::Rejected, reason).await?;
        self.version(row)
    }

    async fn decide(
        &self,
        auth: &Authorized,
        event: Event,
        name: &str,
        version: u32,
        to: ProfileState,
        reason: Option<String>,
    ) -> Result<ProfileRow, Error> {
        Self::demand(auth, Permission::ApproveProfile)?;
        let (name, person, now) = (name.to_owned(), auth.actor().person().to_owned(), self.0.options.clock.now());
        self.change_profile(auth, event, move |tx| {
            let mut row = store::profile_version(tx, &name, version)?.ok_or_else(|| unknown(&name))?;
            if row.state != ProfileState::Proposed {
                return Err(Error::ProfileState { profile: name, version, state: row.state });
            }
            if to == ProfileState::Approved && row.proposer == person {
                return Err(Error::SameProposer { profile: name, version });
            }
            (row.state, row.decider, row.decided_at, row.reason) = (to, Some(person), Some(now), reason);
            Ok(row)
        })
        .await
    }

    /// Stores what `change` makes, with its log entry, in one transaction. The text of a proposal is the entry's
    /// payload, so that the log alone tells what every certificate was made from.
    async fn change_profile(
        &self,
        auth: &Authorized,
        event: Event,
        change: impl FnOnce(&Tx<'_>) -> Result<ProfileRow, Error> + Send + 'static,
    ) -> Result<ProfileRow, Error> {
        let (actor, audit) = (auth.actor().clone(), self.0.options.audit.clone());
        self.0
            .options
            .db
            .write(Importance::Normal, move |tx| -> Result<_, Error> {
                let row = change(tx)?;
                let seq = audit.next_seq(tx)?;
                let covers = vec![row.put(tx, seq)?];
                let payload =
                    if event == Event::ProfileProposed { row.source.clone().into_bytes() } else { Vec::new() };
                let object = format!("{}/{}", row.name, row.version);
                audit.append(tx, EntryDraft { actor, event, object, outcome: Outcome::Done, payload, covers })?;
                Ok(row)
            })
            .await
    }

    fn version(&self, row: ProfileRow) -> Result<ProfileVersion, Error> {
        let profile = read(&row)?;
        let in_force = row.state == ProfileState::Approved && self.is_in_force(&row.name, &row.digest);
        Ok(ProfileVersion { profile, state: row.state, digest: row.digest, in_force, record: Some(row) })
    }

    fn is_in_force(&self, name: &str, digest: &[u8; 32]) -> bool {
        self.profile(name).is_ok_and(|loaded| loaded.digest == *digest)
    }
}

fn unknown(name: &str) -> Error {
    Error::UnknownProfile(name.chars().take(60).collect())
}
