//! Ceremonies: plans and answers that one person put forward and another confirms, and the keys for which a
//! certificate was asked of an authority elsewhere.

use ledger::db::{Row, RowResult, Value};
use ledger::{Cover, DbError, Seq, Table, Tx};
use pki_config::{CeremonyId, Instant, IssuerId, KeyId, TenantId};

use super::{optional, read_time, text, time, unreadable};

/// Ceremonies.
pub(super) static CEREMONY: Table = Table {
    name: "ca_ceremony",
    key: 1,
    columns: &[
        "ceremony_id",
        "tenant_id",
        "kind",
        "state",
        "title",
        "source",
        "request",
        "sm3",
        "one_step",
        "proposer",
        "decider",
        "proposed_at",
        "decided_at",
        "reason",
        "response",
        "transcript",
    ],
    pending: None,
};

/// Keys that wait for a certificate from elsewhere.
pub(super) static CEREMONY_KEY: Table = Table {
    name: "ca_ceremony_key",
    key: 1,
    columns: &[
        "key_id",
        "tenant_id",
        "issuer_id",
        "public_url",
        "follows",
        "plan",
        "request",
        "state",
        "made_by",
        "made_at",
    ],
    pending: None,
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// The word in the store and in the interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// What is put forward.
    CeremonyKind {
        /// A plan to be carried out here.
        Plan = "plan",
        /// The answer of a machine elsewhere, to be taken over.
        Import = "import",
    }
}

words! {
    /// Where a ceremony stands.
    CeremonyState {
        /// It waits for another person.
        Proposed = "proposed",
        /// It is being carried out.
        Running = "running",
        /// All of it was done.
        Done = "done",
        /// It ended early; the transcript tells what was done.
        Failed = "failed",
        /// It was rejected or withdrawn.
        Rejected = "rejected",
    }
}

words! {
    /// Where a request to an authority elsewhere stands.
    AskedState {
        /// No answer yet.
        Open = "open",
        /// Its certificate was taken over.
        Answered = "answered",
        /// A later request for the same issuer took its place.
        Replaced = "replaced",
    }
}

/// A ceremony.
#[derive(Debug, Clone)]
pub struct CeremonyRow {
    /// Its identifier.
    pub id: CeremonyId,
    /// Whose.
    pub tenant: TenantId,
    /// What was put forward.
    pub kind: CeremonyKind,
    /// Where it stands.
    pub state: CeremonyState,
    /// In one line.
    pub title: String,
    /// The plan or the answer, as it came.
    pub source: String,
    /// The request that came with a plan.
    pub request: Option<String>,
    /// SM3 of what was put forward.
    pub sm3: [u8; 32],
    /// Whether one person may do both, in a trial.
    pub one_step: bool,
    /// Who put it forward.
    pub proposer: String,
    /// Who confirmed or rejected it.
    pub decider: Option<String>,
    /// When put forward.
    pub proposed_at: Instant,
    /// When decided.
    pub decided_at: Option<Instant>,
    /// Why it was rejected or failed.
    pub reason: Option<String>,
    /// What goes back to who asked.
    pub response: Option<String>,
    /// What happened, to be printed and signed.
    pub transcript: Option<String>,
}

impl CeremonyRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.id.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            text(self.kind.as_str()),
            text(self.state.as_str()),
            text(&self.title),
            text(&self.source),
            optional(self.request.as_deref(), text),
            Value::Blob(self.sm3.to_vec()),
            Value::Integer(i64::from(self.one_step)),
            text(&self.proposer),
            optional(self.decider.as_deref(), text),
            time(self.proposed_at),
            optional(self.decided_at, time),
            optional(self.reason.as_deref(), text),
            optional(self.response.as_deref(), text),
            optional(self.transcript.as_deref(), text),
        ];
        tx.put(&CEREMONY, &values, seq)
    }
}

macro_rules! select_ceremony {
    ($rest:literal) => {
        concat!(
            "SELECT ceremony_id, tenant_id, kind, state, title, source, request, sm3, one_step, proposer, decider, \
             proposed_at, decided_at, reason, response, transcript FROM ca_ceremony ",
            $rest
        )
    };
}

fn read_ceremony(row: &Row<'_>) -> RowResult<Option<CeremonyRow>> {
    let (tenant, kind, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let proposed_at: i64 = row.get(11)?;
    let decided_at: Option<i64> = row.get(12)?;
    let (Ok(tenant), Some(kind), Some(state), Some(proposed_at)) =
        (tenant.parse(), CeremonyKind::from_word(&kind), CeremonyState::from_word(&state), read_time(proposed_at))
    else {
        return Ok(None);
    };
    Ok(Some(CeremonyRow {
        id: CeremonyId::from_bytes(row.get(0)?),
        tenant,
        kind,
        state,
        title: row.get(4)?,
        source: row.get(5)?,
        request: row.get(6)?,
        sm3: row.get(7)?,
        one_step: row.get(8)?,
        proposer: row.get(9)?,
        decider: row.get(10)?,
        proposed_at,
        decided_at: decided_at.and_then(read_time),
        reason: row.get(13)?,
        response: row.get(14)?,
        transcript: row.get(15)?,
    }))
}

fn all(rows: Vec<Option<CeremonyRow>>) -> Result<Vec<CeremonyRow>, DbError> {
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_ceremony", "a row"))).collect()
}

/// One ceremony.
pub(crate) fn ceremony(tx: &Tx<'_>, tenant: &TenantId, id: CeremonyId) -> Result<Option<CeremonyRow>, DbError> {
    let rows = tx.query_all(
        select_ceremony!("WHERE ceremony_id = $1 AND tenant_id = $2"),
        &[id.as_bytes(), &tenant.as_str()],
        read_ceremony,
    )?;
    Ok(all(rows)?.into_iter().next())
}

/// The newest ceremonies, newest first.
pub(crate) fn ceremonies(tx: &Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<CeremonyRow>, DbError> {
    all(tx.query_all(
        select_ceremony!("WHERE tenant_id = $1 ORDER BY proposed_at DESC, ceremony_id LIMIT $2"),
        &[&tenant.as_str(), &limit],
        read_ceremony,
    )?)
}

/// Those in which the same was put forward, oldest first, at most 100.
pub(crate) fn ceremonies_of(tx: &Tx<'_>, sm3: &[u8; 32]) -> Result<Vec<CeremonyRow>, DbError> {
    all(tx.query_all(select_ceremony!("WHERE sm3 = $1 ORDER BY proposed_at LIMIT 100"), &[sm3], read_ceremony)?)
}

/// Those that a crash interrupted.
pub(crate) fn running_ceremonies(tx: &Tx<'_>) -> Result<Vec<CeremonyRow>, DbError> {
    all(tx.query_all(select_ceremony!("WHERE state = 'running' LIMIT 100"), &[], read_ceremony)?)
}

/// A key for which a certificate was asked of an authority elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct AskedRow {
    pub key: KeyId,
    pub tenant: TenantId,
    pub issuer: IssuerId,
    pub public_url: String,
    /// The issuer whose work the new key takes over.
    pub follows: Option<IssuerId>,
    pub plan: [u8; 32],
    pub request: [u8; 32],
    pub state: AskedState,
    pub made_by: String,
    pub made_at: Instant,
}

impl AskedRow {
    pub(crate) fn put(&self, tx: &Tx<'_>, seq: Seq) -> Result<Cover, DbError> {
        let values = [
            Value::Blob(self.key.as_bytes().to_vec()),
            text(self.tenant.as_str()),
            text(self.issuer.as_str()),
            text(&self.public_url),
            optional(self.follows.as_ref(), |id| text(id.as_str())),
            Value::Blob(self.plan.to_vec()),
            Value::Blob(self.request.to_vec()),
            text(self.state.as_str()),
            text(&self.made_by),
            time(self.made_at),
        ];
        tx.put(&CEREMONY_KEY, &values, seq)
    }
}

/// The keys of one request file, or of one issuer.
pub(crate) fn asked(
    tx: &Tx<'_>,
    request: Option<&[u8; 32]>,
    issuer: Option<&IssuerId>,
) -> Result<Vec<AskedRow>, DbError> {
    let rows = tx.query_all(
        "SELECT key_id, tenant_id, issuer_id, public_url, follows, plan, request, state, made_by, made_at \
         FROM ca_ceremony_key WHERE (request = $1 OR $1 IS NULL) AND (issuer_id = $2 OR $2 IS NULL) \
         ORDER BY made_at, issuer_id LIMIT 1000",
        &[&request.map(<[u8; 32]>::as_slice), &issuer.map(IssuerId::as_str)],
        |row| {
            let (tenant, issuer): (String, String) = (row.get(1)?, row.get(2)?);
            let follows: Option<String> = row.get(4)?;
            let state: String = row.get(7)?;
            let made_at: i64 = row.get(9)?;
            let (Ok(tenant), Ok(issuer), Ok(follows), Some(state), Some(made_at)) = (
                tenant.parse(),
                issuer.parse(),
                follows.map(|id| id.parse()).transpose(),
                AskedState::from_word(&state),
                read_time(made_at),
            ) else {
                return Ok(None);
            };
            Ok(Some(AskedRow {
                key: KeyId::from_bytes(row.get(0)?),
                tenant,
                issuer,
                public_url: row.get(3)?,
                follows,
                plan: row.get(5)?,
                request: row.get(6)?,
                state,
                made_by: row.get(8)?,
                made_at,
            }))
        },
    )?;
    rows.into_iter().map(|row| row.ok_or_else(|| unreadable("ca_ceremony_key", "a row"))).collect()
}
