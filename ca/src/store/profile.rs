//! Versions of certificate profiles that officers proposed.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{Instant, TenantId};

use super::{optional, read_time, text, time, unreadable};

/// Proposed, approved and rejected profiles.
pub(super) static PROFILE: Table = Table {
    name: "ca_profile",
    key: 2,
    columns: &[
        "name",
        "version",
        "tenant_id",
        "state",
        "source",
        "sm3",
        "note",
        "proposer",
        "decider",
        "proposed_at",
        "decided_at",
        "reason",
    ],
    pending: None,
};

/// Where a version of a profile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileState {
    /// It came with the suite. Never stored.
    BuiltIn,
    /// Waits for a second officer.
    Proposed,
    /// Approved: the newest of its name is in force.
    Approved,
    /// Rejected or withdrawn.
    Rejected,
}

impl ProfileState {
    const STORED: [Self; 3] = [Self::Proposed, Self::Approved, Self::Rejected];

    /// The word in the table and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// A version of a profile as stored.
#[derive(Debug, Clone)]
pub struct ProfileRow {
    /// The word people type.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Whose officer proposed it.
    pub tenant: TenantId,
    /// Where it stands.
    pub state: ProfileState,
    /// Its text.
    pub source: String,
    /// SM3 of its text.
    pub digest: [u8; 32],
    /// What it is for, in the proposer's words.
    pub note: String,
    /// Who proposed it.
    pub proposer: String,
    /// Who approved or rejected it.
    pub decider: Option<String>,
    /// When proposed.
    pub proposed_at: Instant,
    /// When decided.
    pub decided_at: Option<Instant>,
    /// Why rejected.
    pub reason: Option<String>,
}

impl ProfileRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            text(&self.name),
            Value::Integer(i64::from(self.version)),
            text(self.tenant.as_str()),
            text(self.state.as_str()),
            text(&self.source),
            Value::Blob(self.digest.to_vec()),
            text(&self.note),
            text(&self.proposer),
            optional(self.decider.as_deref(), text),
            time(self.proposed_at),
            optional(self.decided_at, time),
            optional(self.reason.as_deref(), text),
        ];
        tx.put(&PROFILE, &values, seq)
    }
}

macro_rules! select_profile {
    ($rest:literal) => {
        concat!(
            "SELECT name, version, tenant_id, state, source, sm3, note, proposer, decider, proposed_at, decided_at, \
             reason FROM ca_profile ",
            $rest
        )
    };
}

fn read_profile(row: &Row<'_>) -> RowResult<Option<ProfileRow>> {
    let tenant: String = row.get(2)?;
    let state: String = row.get(3)?;
    let proposed_at: i64 = row.get(9)?;
    let decided_at: Option<i64> = row.get(10)?;
    let state = ProfileState::STORED.into_iter().find(|known| known.as_str() == state);
    let (Ok(tenant), Some(state), Some(proposed_at)) = (tenant.parse(), state, read_time(proposed_at)) else {
        return Ok(None);
    };
    Ok(Some(ProfileRow {
        name: row.get(0)?,
        version: row.get(1)?,
        tenant,
        state,
        source: row.get(4)?,
        digest: row.get(5)?,
        note: row.get(6)?,
        proposer: row.get(7)?,
        decider: row.get(8)?,
        proposed_at,
        decided_at: decided_at.and_then(read_time),
        reason: row.get(11)?,
    }))
}

fn all(rows: Vec<Option<ProfileRow>>) -> Result<Vec<ProfileRow>, DbError> {
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_profile", "a row"))).collect()
}

/// The newest approved version of every name. There are few names: the list is not paged.
pub(crate) fn approved_profiles(tx: &Tx<'_>) -> Result<Vec<ProfileRow>, DbError> {
    all(tx.query_all(
        select_profile!(
            "WHERE state = 'approved' AND version = (SELECT MAX(version) FROM ca_profile AS newest \
             WHERE newest.name = ca_profile.name AND newest.state = 'approved') ORDER BY name LIMIT 10000"
        ),
        &[],
        read_profile,
    )?)
}

/// Every version of a name, newest first, at most 500.
pub(crate) fn profile_versions(tx: &Tx<'_>, name: &str) -> Result<Vec<ProfileRow>, DbError> {
    all(tx.query_all(select_profile!("WHERE name = $1 ORDER BY version DESC LIMIT 500"), &[&name], read_profile)?)
}

/// One version.
pub(crate) fn profile_version(tx: &Tx<'_>, name: &str, version: u32) -> Result<Option<ProfileRow>, DbError> {
    let row = tx.query_opt(select_profile!("WHERE name = $1 AND version = $2"), &[&name, &version], read_profile)?;
    row.map(|row| row.ok_or_else(|| unreadable("ca_profile", name))).transpose()
}

/// The versions that wait for a decision, oldest first, at most 500.
pub(crate) fn open_profiles(tx: &Tx<'_>) -> Result<Vec<ProfileRow>, DbError> {
    all(tx.query_all(
        select_profile!("WHERE state = 'proposed' ORDER BY proposed_at, name LIMIT 500"),
        &[],
        read_profile,
    )?)
}
